//! Pauses, and what a session lasted without them.

use crate::events::Micros;

/// A pause; without an end it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) from: Micros,
    pub(crate) to: Option<Micros>,
}

/// How long a session from `start` to `end` was paused, where `pauses` stand by their beginning.
/// What two pauses share counts once, and what lies outside of the session not at all.
pub(crate) fn paused(pauses: &[Pause], start: Micros, end: Micros) -> Micros {
    let mut counted_to = start;
    let mut sum = 0;
    for pause in pauses {
        let from = pause.from.max(counted_to);
        let to = pause.to.unwrap_or(end).min(end);
        if to > from {
            sum += to - from;
            counted_to = to;
        }
    }
    sum
}
