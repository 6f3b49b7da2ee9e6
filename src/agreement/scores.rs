//! What an agreement says: every measure with its interval or the reason why it has none, the curve
//! over timeouts, and the timeouts that agree best.

use crate::events::Micros;

/// What is measured, and how sure it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementPlan {
    /// The timeout in use, in microseconds.
    pub timeout: Micros,
    /// How far apart two boundaries may lie that are still the same, in microseconds; 0 asks for
    /// the same place.
    pub tolerance: Micros,
    /// How often users are drawn again for intervals; 0 for none.
    pub resamples: u32,
    /// Which draws.
    pub seed: u64,
    /// The timeouts of the curves in microseconds, ascending, each once.
    pub grid: Vec<Micros>,
}

/// All that is said of one set of tracked sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The timeout in use, in microseconds.
    pub timeout: Micros,
    /// The tolerance of the boundaries, in microseconds.
    pub tolerance: Micros,
    /// What could be used.
    pub coverage: Coverage,
    /// Every measure, in the order of [`Kind::ALL`].
    pub measures: Vec<Measure>,
    /// The curve over the plan's grid.
    pub curve: Vec<CurvePoint>,
    /// The timeouts that agree best.
    pub choice: Choice,
}

impl Scores {
    /// One measure.
    pub fn measure(&self, kind: Kind) -> &Measure {
        &self.measures[kind as usize]
    }
}

/// What the measures could be taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Users with an event or a tracked session.
    pub users: u64,
    /// Users with a tracked session.
    pub tracked_users: u64,
    /// Users with an event inside a tracked session.
    pub scored_users: u64,
    /// Events that make sessions.
    pub events: u64,
    /// Those inside a tracked session.
    pub inside_events: u64,
    /// Gaps between a user's events.
    pub gaps: u64,
    /// Those with at least one end inside a tracked session.
    pub scored_gaps: u64,
    /// Users with a scored gap of which none is a tracked boundary.
    pub users_without_boundary: u64,
    /// Tracked sessions.
    pub tracked: u64,
    /// Those that hold an event.
    pub tracked_with_events: u64,
    /// Inferred sessions of users with a tracked session.
    pub inferred: u64,
    /// Those that meet a tracked session.
    pub inferred_met: u64,
}

/// One number, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What it is.
    pub kind: Kind,
    /// In the unit of its kind; `None` where it is undefined.
    pub value: Option<f64>,
    /// The 95 % interval, users drawn again; `None` where users are too few, where nothing varies,
    /// and for what [`Kind::has_interval`] leaves out.
    pub interval: Option<(f64, f64)>,
    /// Why it is undefined (a clause).
    pub reason: Option<&'static str>,
    /// Of how many gaps, windows, events, users, sessions or pairs.
    pub of: u64,
}

/// One timeout of the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The timeout in microseconds.
    pub timeout: Micros,
    /// Tracked boundaries that the timeout finds, by the gap alone.
    pub true_positives: u64,
    /// Boundaries that it invents.
    pub false_positives: u64,
    /// Tracked boundaries that it misses.
    pub false_negatives: u64,
    /// Gaps that both leave whole.
    pub true_negatives: u64,
    /// Precision; `None` where nothing is predicted.
    pub precision: Option<f64>,
    /// Recall; `None` without a tracked boundary.
    pub recall: Option<f64>,
    /// F1; `None` where there is neither.
    pub f1: Option<f64>,
    /// Mean of inferred minus tracked duration in seconds, on matched pairs; `None` without one.
    pub bias: Option<f64>,
}

/// Which timeouts agree best.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The one with the highest F1.
    pub highest_f1: Chosen,
    /// The one at which inferred sessions are as long as tracked ones, on average.
    pub no_bias: Chosen,
}

/// A timeout that was chosen, and what it gives to users it was not chosen on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// The timeout in seconds; `None` where there is none.
    pub seconds: Option<f64>,
    /// Its 95 % interval in seconds, users drawn again.
    pub interval: Option<(f64, f64)>,
    /// All timeouts that are as good, in seconds, the first inclusive, the last exclusive.
    pub range: Option<(f64, f64)>,
    /// Why there is none (a clause).
    pub reason: Option<&'static str>,
    /// F1 on the users it was chosen on.
    pub f1: Option<f64>,
    /// F1 on users it was not chosen on: five parts, each scored with the timeout of the others.
    pub f1_of_others: Option<f64>,
    /// Bias of the duration in seconds on users it was not chosen on.
    pub bias_of_others: Option<f64>,
    /// The timeouts in seconds that the five parts gave, those without left out.
    pub folds: Vec<f64>,
}

/// What a number counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Between 0 and 1.
    Share,
    /// Between -1 and 1.
    Index,
    /// Seconds.
    Seconds,
    /// Whole things.
    Count,
    /// A number without a unit.
    Plain,
}

/// Every measure, grouped by what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// True positives ÷ predicted boundaries, over scored gaps.
    BoundaryPrecision,
}

impl Kind {
    /// Every one, in the order of reports.
    pub const ALL: [Kind; 1] = [Kind::BoundaryPrecision];

    /// Its word in reports for machines.
    pub fn name(self) -> &'static str {
        "boundary_precision"
    }

    /// What its value counts in.
    pub fn unit(self) -> Unit {
        Unit::Share
    }

    /// Whether an interval is ever given.
    pub fn has_interval(self) -> bool {
        true
    }
}
