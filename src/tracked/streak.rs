//! Days in a row on which a user began a session.

use std::collections::BTreeSet;

use crate::events::{Micros, SECOND};
use crate::time::zone::Zone;

/// Days in a row before a session and with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streak {
    /// As it stood before: the days in a row up to the session's day, or to the day before where
    /// the session is the first of its day.
    pub(crate) before: i64,
    /// With the session's own day.
    pub(crate) after: i64,
}

/// The streak of a session that began at `start`, where the user's earlier sessions began at
/// `earlier`, in any order; days are those of a zone's calendar.
pub(crate) fn streak(
    earlier: impl IntoIterator<Item = Micros>,
    start: Micros,
    zone: &Zone,
) -> Streak {
    let day = |at: Micros| zone.to_local(at).div_euclid(24 * 3600 * SECOND);
    let days: BTreeSet<i64> = earlier.into_iter().map(day).collect();
    let today = day(start);
    let up_to = |last: i64| {
        (0..)
            .take_while(|back| days.contains(&(last - back)))
            .count() as i64
    };
    match days.contains(&today) {
        true => {
            let both = up_to(today);
            Streak {
                before: both,
                after: both,
            }
        }
        false => {
            let before = up_to(today - 1);
            Streak {
                before,
                after: before + 1,
            }
        }
    }
}
