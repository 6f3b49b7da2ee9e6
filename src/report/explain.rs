//! One user's events, every gap, and the rule applied to each, in every format.

use crate::events::{Micros, Role};
use crate::report::Run;

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

/// One session of the explained user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedSession {
    /// First event.
    pub start: Micros,
    /// Last event, or what the end is by another system's rule.
    pub end: Micros,
    /// How long it lasts, in microseconds: `end - start`, but by another system's rule.
    pub duration: Micros,
    /// Number of events.
    pub events: u64,
    /// Whether it is still open.
    pub open: bool,
}

/// One user's events with what the rule made of each.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What it rests on.
    pub run: Run,
    /// The user.
    pub user: String,
    /// Every event, by time.
    pub events: Vec<ExplainedEvent>,
    /// The sessions; the first is number 1.
    pub sessions: Vec<ExplainedSession>,
}
