//! Which tables of a database hold what people did, and which of their columns say who and when:
//! judged by names, types, keys and a look at the rows. It asks no database, and prints nothing.
//!
//! In the order of reading: `names` splits names into words; `users`, `times`, `tables` and
//! `kinds` know what words mean; `judge` weighs them.

pub(crate) mod judge;
mod kinds;
mod names;
mod tables;
mod times;
mod users;

use crate::events::{Micros, Role};
use crate::import::looks::Amount;
use crate::time::timestamp::EpochUnit;

/// Everything that was found in a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Discovery {
    /// What would be read, best first.
    pub(crate) sources: Vec<Finding>,
    /// Tables of sessions that an application tracks itself, by name.
    pub(crate) tracked: Vec<TrackedTable>,
    /// Everything else, by name.
    pub(crate) left_out: Vec<LeftOut>,
}

/// A source that was found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The source's name, unlike all others.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The table as sources name it.
    pub(crate) table: String,
    pub(crate) user: String,
    pub(crate) time: String,
    /// The condition on its rows, as SQL.
    pub(crate) filter: Option<String>,
    /// The unit, where its times are numbers.
    pub(crate) epoch_unit: Option<EpochUnit>,
    /// Whether its times have no zone and are taken as UTC.
    pub(crate) is_zoneless: bool,
    pub(crate) rows: Amount,
    /// How many users there are; unknown for a part of a table.
    pub(crate) users: Option<Amount>,
    /// First and last time.
    pub(crate) ends: Option<(Micros, Micros)>,
    /// Whether those are of all rows.
    pub(crate) ends_are_exact: bool,
    /// Share of the table's rows that name no user, and that have no time.
    pub(crate) without_user: f64,
    pub(crate) without_time: f64,
    /// Whether an index finds a window's rows; none where windows are not asked of the database.
    pub(crate) is_indexed: Option<bool>,
    /// Why these columns, in a line.
    pub(crate) why: String,
    /// What to know of it, a line each.
    pub(crate) remarks: Vec<String>,
    /// How sure its columns are: less is surer.
    pub(crate) doubt: u32,
}

/// A table of tracked sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrackedTable {
    pub(crate) table: String,
    /// The columns of its starts and its ends.
    pub(crate) start: String,
    pub(crate) end: String,
}

/// A table that is no source, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) table: String,
    pub(crate) reason: String,
}
