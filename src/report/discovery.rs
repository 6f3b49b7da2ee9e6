//! What was found in a database, as every format tells it.

use crate::discover::{Discovery, Finding};
use crate::import::looks::Amount;
use crate::report::words;

/// What was found, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discovered<'a> {
    /// The path as typed, or the address without its password.
    pub(crate) place: &'a str,
    /// `postgres`, `mysql`, `sqlite`.
    pub(crate) kind: &'static str,
    pub(crate) discovery: &'a Discovery,
}

/// The size of a table from which on reading all of it for a window is worth a word.
const LARGE: u64 = 100_000;

/// That a window reads all of a large table, where it does.
pub(crate) fn slow_window(source: &Finding) -> Option<String> {
    let is_slow = source.is_indexed == Some(false) && source.rows.number() > LARGE;
    is_slow.then(|| "no index on the time: a window reads all rows".to_owned())
}

/// `1,204 rows`, `about 2,000,000 rows`.
pub(crate) fn rows(source: &Finding) -> String {
    let noun = match source.rows.number() {
        1 => "row",
        _ => "rows",
    };
    format!("{} {noun}", amount(source.rows))
}

/// `1,204`, `about 1,204`, `at least 100,001`.
pub(crate) fn amount(amount: Amount) -> String {
    let number = words::count(amount.number());
    match amount {
        Amount::Exact(_) => number,
        Amount::About(_) => format!("about {number}"),
        Amount::AtLeast(_) => format!("at least {number}"),
    }
}
