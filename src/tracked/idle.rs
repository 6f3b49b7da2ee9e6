//! Sessions that were left open: when their users were seen last.

use crate::events::Micros;

/// What is known of a user besides their sessions: when something was done, and by whose account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) at: Micros,
    /// `attempts`, or the name of a source.
    pub(crate) by: String,
}

/// An open session's window: from its start to the start of the user's next session, which is not
/// part of it, or to now, which is. `starts` are those of all the user's sessions.
pub(crate) fn last_seen<'a>(
    seen: &'a [Seen],
    starts: &[Micros],
    start: Micros,
    now: Micros,
) -> Option<&'a Seen> {
    let next = starts.iter().filter(|other| **other > start).min();
    let is_inside = |seen: &&Seen| {
        seen.at >= start && seen.at <= now && next.is_none_or(|next| seen.at < *next)
    };
    seen.iter().filter(is_inside).max()
}

/// Whether a session whose user was last seen at `last` is idle now: for longer than the timeout, as
/// a gap that splits a session is longer.
pub(crate) fn is_idle(last: Micros, now: Micros, timeout: Micros) -> bool {
    now - last > timeout
}
