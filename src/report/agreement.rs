//! Inferred sessions against tracked ones: what a report of `compare` holds, and its rows.

use crate::agreement::Scores;
use crate::report::Run;

/// A whole report of `compare`.
#[derive(Clone, Debug)]
pub struct AgreementReport {
    /// What it rests on.
    pub run: Run,
    /// Where the tracked sessions were read from.
    pub tracked: String,
    /// How well both agree.
    pub scores: Scores,
    /// The same without the repair of tracked rows, where there was something to repair.
    pub before: Option<Scores>,
    /// What was wrong with tracked rows and what was done, kinds that were not met too.
    pub repair: Vec<RepairRow>,
}

/// Tracked rows of one kind of fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairRow {
    /// The fault, in a few words: `no end`.
    pub kind: String,
    /// How many sessions have it.
    pub sessions: u64,
    /// What was done: `trimmed to the last activity`.
    pub treatment: String,
}
