//! Which timeout? Every gap looked at from the side: what each timeout would give, where the gaps
//! themselves part, how sure that is, and what moves when it moves. Takes each user's events once,
//! gives structs; opens, prints and reads nothing.

mod answers;
pub mod bins;
pub mod check;
pub mod crossing;
pub mod curve;
pub mod estimate;
pub mod gaps;
mod gates;
pub mod knee;
pub mod medians;
pub mod mixture;
mod mixtures;
pub mod plateau;
pub(crate) mod recommend;
mod remarks;
pub mod resample;
pub mod rescan;
pub mod resolution;
pub mod robustness;
pub mod rules;
mod sample;
pub mod sources;
pub mod split;
pub mod steps;
pub mod sweep;
pub mod valley;

use crate::events::Micros;
use crate::measures::{Change, Figures};
use crate::time::duration::Timeout;
use crate::time::period::{Period, PeriodLength};

/// Everything that is said of the timeout in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The timeout in use, which is judged beside those that the data shows.
    pub in_use: Timeout,
    /// What the gaps are.
    pub gaps: GapSummary,
    /// The gaps on a log axis, the shortest first; gaps of zero stand in [`GapSummary`] alone.
    pub histogram: Vec<GapBin>,
    /// The timeouts asked for, the shortest first.
    pub sweep: Vec<SweepRow>,
    /// Why the curve and the whole rule differ (a clause), where they can.
    pub curve_differs: Option<String>,
    /// One answer per method, in the order of [`Method`].
    pub estimates: Vec<Estimate>,
    /// The simple rules, for context only.
    pub rules: Vec<SimpleRule>,
    /// What must hold for a recommendation by mixture (METHODS section 2).
    pub gates: Vec<Test>,
    /// What follows.
    pub verdict: Verdict,
    /// The same for each source alone, where asked for.
    pub sources: Vec<SourceJudgement>,
    /// How the sources' timeouts differ, each pair once.
    pub differences: Vec<SourceDifference>,
    /// In which range of timeouts the trend of the headline holds.
    pub robustness: Robustness,
    /// Things a reader must know, in whole sentences.
    pub remarks: Vec<String>,
}

/// What the gaps are, over all events read. Unknown is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GapSummary {
    /// Users with an event.
    pub users: u64,
    /// Gaps between two events of one user; those at a start or a cut, which no timeout bridges, are
    /// left out.
    pub gaps: u64,
    /// Gaps of zero.
    pub zero: u64,
    /// The resolution of the clock: the largest step that divides at least 99 % of the stamps.
    pub resolution: Micros,
    /// Gaps of exactly one such step.
    pub one_step: u64,
    /// Gaps longer than zero and shorter than a second, where the clock tells them apart: a
    /// program's, which no fit takes in.
    pub quick: u64,
    /// The largest share of the gaps that one user has.
    pub largest_user_share: Option<f64>,
    /// (Σw)² ÷ Σw², w being a user's capped gaps: how many users of equal weight would say as much.
    pub effective_users: Option<f64>,
}

/// Gaps longer than `low` and at most `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapBin {
    /// Exclusive, in microseconds.
    pub low: Micros,
    /// Inclusive, in microseconds.
    pub high: Micros,
    /// How many.
    pub gaps: u64,
}

/// What one timeout gives.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// The timeout.
    pub timeout: Timeout,
    /// By the plain rule over all events read (METHODS section 1).
    pub curve: CurvePoint,
    /// By the whole rule, as a report with this timeout has it, where it was named.
    pub figures: Option<Figures>,
}

/// One point of the exact curve. Open sessions count like any other here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurvePoint {
    /// Sessions.
    pub sessions: u64,
    /// All durations together, in microseconds.
    pub total: i128,
    /// Mean duration in seconds; `None` without a session.
    pub mean: Option<f64>,
    /// Mean duration in seconds of the sessions with two or more events.
    pub mean_without_bounces: Option<f64>,
    /// Bounces ÷ sessions.
    pub bounce_rate: Option<f64>,
    /// Median duration in seconds, exact.
    pub median: Option<f64>,
    /// ln(m(1.1 τ) ÷ m(τ ÷ 1.1)) ÷ (2 ln 1.1): by how many percent the mean moves per percent of
    /// timeout.
    pub sensitivity: Option<f64>,
    /// Mean duration in seconds at half the timeout.
    pub mean_at_half: Option<f64>,
    /// Mean duration in seconds at twice the timeout.
    pub mean_at_double: Option<f64>,
}

/// How a timeout is found from the gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Where two log-normal components cross.
    MixtureOfTwo,
    /// Where the components of a mixture of three, grouped in two, cross.
    MixtureOfThree,
    /// The lowest point between the two humps of the log density.
    Valley,
    /// The cut with the largest variance between two classes of log gaps.
    Split,
    /// Where the number of sessions stops falling.
    Knee,
    /// The middle of the longest range in which the mean hardly moves.
    Plateau,
}

/// One method's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The method.
    pub method: Method,
    /// The timeout in seconds; `None` where the method finds none.
    pub seconds: Option<f64>,
    /// Its 95 % interval in seconds, users resampled; `None` where it has none.
    pub interval: Option<(f64, f64)>,
    /// The ends in seconds of what it found, where that is a range.
    pub range: Option<(f64, f64)>,
    /// Whether the data can carry it.
    pub test: Test,
}

/// A condition with what was met.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What is asked for, in a few words with the limit: `valley at most 0.5 of the lower hump`.
    pub name: String,
    /// What value and limit are.
    pub unit: TestUnit,
    /// The value that was met; `None` where there is none to give.
    pub met: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// Whether it holds.
    pub passed: bool,
}

/// What the value and the limit of a test are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestUnit {
    /// A share, a factor or a count.
    #[default]
    Number,
    /// A duration in seconds.
    Seconds,
    /// 1 where it is so, 0 where it is not.
    Whether,
}

/// A rule of thumb and what it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct SimpleRule {
    /// In a few words: `mean + 1.5 standard deviations`.
    pub name: String,
    /// The timeout in seconds; `None` without a gap.
    pub seconds: Option<f64>,
}

/// What follows for the timeout.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The gaps part here.
    Recommended {
        /// The timeout in seconds.
        seconds: f64,
        /// Its 95 % interval in seconds.
        interval: (f64, f64),
    },
    /// The gaps part somewhere within, no more is known.
    Between {
        /// In seconds.
        low: f64,
        /// In seconds.
        high: f64,
    },
    /// The gaps do not part, and anywhere within this range, which holds the timeout in use, the
    /// mean moves less than the tolerance.
    Indifferent {
        /// In seconds.
        low: f64,
        /// In seconds.
        high: f64,
        /// As a share: 0.05.
        tolerance: f64,
    },
    /// Nothing to recommend: keep the timeout in use.
    Keep {
        /// The first gate that does not hold, or what is missing (a clause).
        reason: String,
        /// Whether that is structure: the gaps do not part. Else they may, and there is too little
        /// to go by, or they part at no length of a pause.
        is_unstructured: bool,
    },
}

/// One source alone: its events are the only ones.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceJudgement {
    /// Its name.
    pub name: String,
    /// Its gaps.
    pub gaps: GapSummary,
    /// The answer of the mixture that the verdict rests on.
    pub estimate: Estimate,
    /// What follows.
    pub verdict: Verdict,
}

/// How the timeouts of two sources differ.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceDifference {
    /// The source with the shorter timeout.
    pub shorter: String,
    /// The other one.
    pub longer: String,
    /// Longer ÷ shorter.
    pub ratio: f64,
    /// Its 95 % interval, the same users resampled for both; above 1 the difference is more than
    /// noise.
    pub interval: Option<(f64, f64)>,
}

/// Whether the trend of the headline holds at other timeouts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Robustness {
    /// The trend's change for each timeout looked at, the shortest first; `None` where there is no
    /// trend.
    pub points: Vec<(Timeout, Option<Change>)>,
    /// The widest range around the timeout in use in which the sign is the same.
    pub same_sign: Option<(Timeout, Timeout)>,
    /// The widest range around it in which also the arrow is the same; `None` where there is no
    /// interval, and so no arrow.
    pub same_arrow: Option<(Timeout, Timeout)>,
    /// The share of the points with a trend that agree with the timeout in use about the arrow.
    pub agreeing: Option<f64>,
    /// Between which neighbouring timeouts the sign turns.
    pub flips: Vec<(Timeout, Timeout)>,
    /// The periods whose means are compared; `None` where there is no trend.
    pub compared: Option<Compared>,
    /// Why there is no trend (a clause).
    pub reason: Option<String>,
}

/// The two periods of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// How long each is.
    pub length: PeriodLength,
    /// The earlier one.
    pub earlier: Period,
    /// The later one.
    pub later: Period,
}
