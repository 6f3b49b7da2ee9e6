//! What an agreement says: every measure with its interval or the reason why it has none, the curve
//! over timeouts, and the timeouts that agree best.

use crate::events::{Micros, SECOND};

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

impl AgreementPlan {
    /// The usual grid: 64 timeouts from 10 seconds to 24 hours on a log axis, in whole seconds, those
    /// closest to [`Self::said_timeouts`] moved there; and the one in use.
    pub fn usual_grid(in_use: Micros) -> Vec<Micros> {
        const STEPS: u32 = 63;
        let (shortest, longest) = (10_f64, 86_400_f64);
        let at = |step: u32| {
            let share = f64::from(step) / f64::from(STEPS);
            (shortest * (longest / shortest).powf(share)).round() as Micros * SECOND
        };
        let mut grid: Vec<Micros> = (0..=STEPS).map(at).collect();
        for said in Self::said_timeouts() {
            let distance = |one: &Micros| (*one as f64 / said as f64).ln().abs();
            let by_distance = |one: &&mut Micros, two: &&mut Micros| {
                let (one, two) = (distance(one), distance(two));
                one.total_cmp(&two)
            };
            if let Some(closest) = grid.iter_mut().min_by(by_distance) {
                *closest = said;
            }
        }
        if let Err(place) = grid.binary_search(&in_use) {
            grid.insert(place, in_use);
        }
        grid
    }

    /// Timeouts that people say, ascending.
    pub fn said_timeouts() -> [Micros; 16] {
        const MINUTE: Micros = 60 * SECOND;
        const HOUR: Micros = 60 * MINUTE;
        [
            10 * SECOND,
            30 * SECOND,
            MINUTE,
            2 * MINUTE,
            5 * MINUTE,
            10 * MINUTE,
            15 * MINUTE,
            20 * MINUTE,
            30 * MINUTE,
            45 * MINUTE,
            HOUR,
            90 * MINUTE,
            2 * HOUR,
            4 * HOUR,
            8 * HOUR,
            24 * HOUR,
        ]
    }
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
    /// Every measure, in the order of [`Kind::all`].
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
    /// Users with an event inside a tracked session and too few of them for a window.
    pub users_without_window: u64,
    /// Tracked sessions.
    pub tracked: u64,
    /// Those that hold an event.
    pub tracked_with_events: u64,
    /// Inferred sessions of users with a tracked session.
    pub inferred: u64,
    /// Those that meet a tracked session.
    pub inferred_met: u64,
}

impl Coverage {
    pub(super) fn add(&mut self, other: &Coverage) {
        self.users += other.users;
        self.tracked_users += other.tracked_users;
        self.scored_users += other.scored_users;
        self.events += other.events;
        self.inside_events += other.inside_events;
        self.gaps += other.gaps;
        self.scored_gaps += other.scored_gaps;
        self.users_without_boundary += other.users_without_boundary;
        self.users_without_window += other.users_without_window;
        self.tracked += other.tracked;
        self.tracked_with_events += other.tracked_with_events;
        self.inferred += other.inferred;
        self.inferred_met += other.inferred_met;
    }
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
    /// Tracked boundaries, over scored gaps, that are inferred.
    TruePositives,
    /// Inferred boundaries that are not tracked.
    FalsePositives,
    /// Tracked boundaries that are not inferred.
    FalseNegatives,
    /// Scored gaps that both sides leave whole.
    TrueNegatives,
    /// Inferred boundaries that are tracked.
    Precision,
    /// Tracked boundaries that are inferred.
    Recall,
    /// Harmonic mean of both.
    F1,
    /// Inferred boundaries with a tracked one within the tolerance, one to one, in order.
    NearPrecision,
    /// Tracked boundaries with an inferred one within the tolerance.
    NearRecall,
    /// Harmonic mean of both.
    NearF1,
    /// How often the gap of a tracked boundary is longer than an inner gap, ties half.
    Area,
    /// The highest F1 that any timeout reaches on the same gaps.
    CeilingF1,
    /// Precision between neighbours inside tracked sessions, whatever lies between.
    CoveredPrecision,
    /// Recall of the same.
    CoveredRecall,
    /// F1 of the same.
    CoveredF1,
    /// The window of the next two, in gaps.
    WindowSize,
    /// Windows whose ends are together on one side only; lower is better.
    Pk,
    /// Windows with different numbers of boundaries; lower is better.
    WindowDiff,
    /// Adjusted Rand index within users, pooled.
    AdjustedRand,
    /// Median of the adjusted Rand indexes of users.
    AdjustedRandMedian,
    /// How far inferred sessions hold one tracked session only.
    Homogeneity,
    /// How far tracked sessions fall in one inferred session only.
    Completeness,
    /// Harmonic mean of both.
    VMeasure,
    /// For an event, how much of its inferred session is of its tracked one, on average.
    BCubedPrecision,
    /// For an event, how much of its tracked session is in its inferred one, on average.
    BCubedRecall,
    /// Harmonic mean of both.
    BCubedF1,
    /// Tracked sessions whose events are all in one inferred session.
    Contained,
    /// Tracked sessions whose first event is an inferred session's first.
    SameFirst,
    /// Tracked sessions whose last event is an inferred session's last.
    SameLast,
    /// Tracked sessions with first and last event of one inferred session.
    SameBoth,
    /// The largest share of a tracked session's events in one inferred session, on average.
    BestOverlap,
    /// The largest ratio of shared events to events of either, on average.
    BestJaccard,
    /// Tracked sessions that meet several inferred ones.
    Splits,
    /// Inferred sessions that meet several tracked ones.
    Merges,
    /// Tracked sessions that meet none.
    Misses,
    /// Inferred sessions that meet none.
    Orphans,
    /// Inferred time that is tracked.
    TimePrecision,
    /// Tracked time that is inferred.
    TimeRecall,
    /// Harmonic mean of both.
    TimeF1,
    /// Shared time of matched pairs ÷ time of either, on average.
    SharedOfUnion,
    /// Mean of inferred minus tracked duration, on matched pairs, as all that follow.
    Bias,
    /// Mean of the differences without their sign.
    MeanAbsoluteError,
    /// Median of the differences without their sign.
    MedianAbsoluteError,
    /// Mean of |ln(inferred ÷ tracked)|, where both last.
    MeanLogRatio,
    /// The 2.5 percentile of the differences.
    PercentileLow,
    /// Their 97.5 percentile.
    PercentileHigh,
    /// Bias − 1.96 standard deviations (Bland and Altman 1986).
    LimitLow,
    /// Bias + 1.96 standard deviations.
    LimitHigh,
    /// Concordance of the durations (Lin 1989).
    Concordance,
    /// Mean of inferred minus tracked start.
    StartError,
    /// Its median.
    StartErrorMedian,
    /// Mean of inferred minus tracked end.
    EndError,
    /// Its median.
    EndErrorMedian,
}

/// A kind's word for machines, its unit, and whether an interval is ever given.
type Facts = (Kind, &'static str, Unit, bool);

/// In the order of [`Kind`].
const FACTS: [Facts; 53] = [
    (Kind::TruePositives, "true_positives", Unit::Count, false),
    (Kind::FalsePositives, "false_positives", Unit::Count, false),
    (Kind::FalseNegatives, "false_negatives", Unit::Count, false),
    (Kind::TrueNegatives, "true_negatives", Unit::Count, false),
    (Kind::Precision, "boundary_precision", Unit::Share, true),
    (Kind::Recall, "boundary_recall", Unit::Share, true),
    (Kind::F1, "boundary_f1", Unit::Share, true),
    (
        Kind::NearPrecision,
        "boundary_precision_within_tolerance",
        Unit::Share,
        true,
    ),
    (
        Kind::NearRecall,
        "boundary_recall_within_tolerance",
        Unit::Share,
        true,
    ),
    (
        Kind::NearF1,
        "boundary_f1_within_tolerance",
        Unit::Share,
        true,
    ),
    (Kind::Area, "gap_auc", Unit::Share, true),
    (Kind::CeilingF1, "ceiling_f1", Unit::Share, true),
    (
        Kind::CoveredPrecision,
        "covered_precision",
        Unit::Share,
        true,
    ),
    (Kind::CoveredRecall, "covered_recall", Unit::Share, true),
    (Kind::CoveredF1, "covered_f1", Unit::Share, true),
    (Kind::WindowSize, "window_size", Unit::Count, false),
    (Kind::Pk, "pk", Unit::Share, true),
    (Kind::WindowDiff, "window_diff", Unit::Share, true),
    (Kind::AdjustedRand, "adjusted_rand", Unit::Index, true),
    (
        Kind::AdjustedRandMedian,
        "adjusted_rand_median",
        Unit::Index,
        false,
    ),
    (Kind::Homogeneity, "homogeneity", Unit::Share, true),
    (Kind::Completeness, "completeness", Unit::Share, true),
    (Kind::VMeasure, "v_measure", Unit::Share, true),
    (
        Kind::BCubedPrecision,
        "b_cubed_precision",
        Unit::Share,
        true,
    ),
    (Kind::BCubedRecall, "b_cubed_recall", Unit::Share, true),
    (Kind::BCubedF1, "b_cubed_f1", Unit::Share, true),
    (Kind::Contained, "contained", Unit::Share, true),
    (Kind::SameFirst, "same_first_event", Unit::Share, true),
    (Kind::SameLast, "same_last_event", Unit::Share, true),
    (
        Kind::SameBoth,
        "same_first_and_last_event",
        Unit::Share,
        true,
    ),
    (Kind::BestOverlap, "mean_best_overlap", Unit::Share, true),
    (Kind::BestJaccard, "mean_best_jaccard", Unit::Share, true),
    (Kind::Splits, "splits", Unit::Count, false),
    (Kind::Merges, "merges", Unit::Count, false),
    (Kind::Misses, "misses", Unit::Count, false),
    (Kind::Orphans, "orphans", Unit::Count, false),
    (Kind::TimePrecision, "time_precision", Unit::Share, true),
    (Kind::TimeRecall, "time_recall", Unit::Share, true),
    (Kind::TimeF1, "time_f1", Unit::Share, true),
    (Kind::SharedOfUnion, "mean_temporal_iou", Unit::Share, true),
    (Kind::Bias, "duration_bias_seconds", Unit::Seconds, true),
    (
        Kind::MeanAbsoluteError,
        "duration_mean_absolute_error_seconds",
        Unit::Seconds,
        true,
    ),
    (
        Kind::MedianAbsoluteError,
        "duration_median_absolute_error_seconds",
        Unit::Seconds,
        false,
    ),
    (
        Kind::MeanLogRatio,
        "duration_mean_absolute_log_ratio",
        Unit::Plain,
        true,
    ),
    (
        Kind::PercentileLow,
        "duration_difference_p2_5_seconds",
        Unit::Seconds,
        false,
    ),
    (
        Kind::PercentileHigh,
        "duration_difference_p97_5_seconds",
        Unit::Seconds,
        false,
    ),
    (
        Kind::LimitLow,
        "duration_bias_minus_1_96_sd_seconds",
        Unit::Seconds,
        true,
    ),
    (
        Kind::LimitHigh,
        "duration_bias_plus_1_96_sd_seconds",
        Unit::Seconds,
        true,
    ),
    (Kind::Concordance, "duration_concordance", Unit::Index, true),
    (Kind::StartError, "start_error_seconds", Unit::Seconds, true),
    (
        Kind::StartErrorMedian,
        "start_error_median_seconds",
        Unit::Seconds,
        false,
    ),
    (Kind::EndError, "end_error_seconds", Unit::Seconds, true),
    (
        Kind::EndErrorMedian,
        "end_error_median_seconds",
        Unit::Seconds,
        false,
    ),
];

impl Kind {
    /// Every one, in the order of reports.
    pub fn all() -> impl Iterator<Item = Kind> {
        FACTS.iter().map(|(kind, ..)| *kind)
    }

    /// Its word in reports for machines.
    pub fn name(self) -> &'static str {
        self.facts().1
    }

    /// What its value counts in.
    pub fn unit(self) -> Unit {
        self.facts().2
    }

    /// Whether an interval is ever given.
    pub fn has_interval(self) -> bool {
        self.facts().3
    }

    fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }
}
