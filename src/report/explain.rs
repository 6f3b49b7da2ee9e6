//! One user's events, every gap, and the rule applied to each, in every format.

use crate::events::{Micros, Role};

/// What the rule made of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedEvent {
    /// When.
    pub at: Micros,
    /// The source's name.
    pub source: String,
    /// The source's role.
    pub role: Role,
    /// Time since the last event that the rule looks back to; `None` for the first.
    pub gap: Option<Micros>,
    /// The session it belongs to, counted from 1; `None` where it makes or joins none.
    pub session: Option<u64>,
    /// What was decided, in words: `opens session 2: 35m > 30m`.
    pub verdict: String,
}
