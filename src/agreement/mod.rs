//! Inferred sessions against tracked ones: where their boundaries fall, how they overlap, how long
//! they are, and which timeout agrees best. Takes each user's events and tracked sessions once, gives
//! structs; opens, prints and reads nothing.

mod accumulator;
mod boundaries;
mod choice;
mod durations;
mod intervals;
mod labels;
mod overlap;
mod pairs;
pub mod repair;
mod resamples;
mod scores;
mod singles;
mod tally;
mod values;
mod windows;

pub use accumulator::Agreement;
pub use scores::{
    AgreementPlan, Choice, Chosen, Coverage, CurvePoint, Kind, Measure, Scores, Unit,
};

use crate::events::Micros;

/// A session that an application recorded itself. It holds the instants from its start, inclusive,
/// to its end, exclusive; one without length holds its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tracked {
    /// When it began.
    pub start: Micros,
    /// When it ended.
    pub end: Micros,
}

/// One user as both sides see them.
#[derive(Clone, Copy, Debug)]
pub struct UserCase<'a> {
    /// A fixed hash of the user's text, by which folds and resamples are drawn.
    pub hash: u64,
    /// The times of the events that make sessions, ascending.
    pub events: &'a [Micros],
    /// For each event, whether it opens a session whatever the timeout: a start, a cut, the first.
    pub opens: &'a [bool],
    /// For each event, whether it opens a session by the whole rule with the timeout in use.
    pub inferred: &'a [bool],
    /// The tracked sessions by start, then end.
    pub tracked: &'a [Tracked],
    /// For each event the tracked session that the application itself names; without, the one that
    /// holds its time.
    pub labels: Option<&'a [Option<u32>]>,
}
