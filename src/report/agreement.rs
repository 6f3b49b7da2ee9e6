//! Inferred sessions against tracked ones: what a report of `compare` holds.

pub(crate) mod people;
pub(crate) mod rows;

use crate::agreement::{Kind, Measure, Scores};
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

/// The kind of tracked sessions that may go on, which are left out and are not broken.
pub const OPEN: &str = "open";

impl AgreementReport {
    /// Every measure that says something here, with the one before repair: those with a tolerance
    /// are left out where none was asked for, since they repeat the others.
    fn measures(&self) -> impl Iterator<Item = (&Measure, Option<&Measure>)> {
        let repeats = |kind| matches!(kind, Kind::NearPrecision | Kind::NearRecall | Kind::NearF1);
        let before = |kind| self.before.as_ref().map(|before| before.measure(kind));
        let measures = self.scores.measures.iter();
        measures
            .filter(move |measure| self.scores.tolerance > 0 || !repeats(measure.kind))
            .map(move |measure| (measure, before(measure.kind)))
    }
}

/// What the number beside a measure counts.
pub(crate) fn counted(kind: Kind) -> &'static str {
    match kind {
        Kind::TruePositives
        | Kind::FalsePositives
        | Kind::FalseNegatives
        | Kind::TrueNegatives
        | Kind::Area
        | Kind::CeilingF1 => "scored gaps",
        Kind::Precision | Kind::NearPrecision | Kind::CoveredPrecision => "inferred boundaries",
        Kind::Recall | Kind::NearRecall | Kind::CoveredRecall => "tracked boundaries",
        Kind::F1 | Kind::NearF1 | Kind::CoveredF1 => "boundaries of either side",
        Kind::WindowSize | Kind::Pk | Kind::WindowDiff => "windows",
        Kind::AdjustedRand
        | Kind::Homogeneity
        | Kind::Completeness
        | Kind::VMeasure
        | Kind::BCubedPrecision
        | Kind::BCubedRecall
        | Kind::BCubedF1 => "events inside",
        Kind::AdjustedRandMedian => "users",
        Kind::Contained
        | Kind::SameFirst
        | Kind::SameLast
        | Kind::SameBoth
        | Kind::BestOverlap
        | Kind::BestJaccard => "tracked sessions with events",
        Kind::Splits | Kind::Misses | Kind::TimeRecall => "tracked sessions",
        Kind::Merges | Kind::Orphans | Kind::TimePrecision => "inferred sessions",
        Kind::TimeF1 => "sessions of both sides",
        Kind::SharedOfUnion
        | Kind::Bias
        | Kind::MeanAbsoluteError
        | Kind::MedianAbsoluteError
        | Kind::MeanLogRatio
        | Kind::PercentileLow
        | Kind::PercentileHigh
        | Kind::LimitLow
        | Kind::LimitHigh
        | Kind::Concordance
        | Kind::StartError
        | Kind::StartErrorMedian
        | Kind::EndError
        | Kind::EndErrorMedian => "matched pairs",
    }
}
