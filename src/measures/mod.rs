//! What is measured: figures per period, per segment and overall, how sure they are, and whether
//! they move. Takes sessions, gives structs; opens, prints and reads nothing.

pub mod accumulator;
pub(crate) mod durations;
pub mod dwell;
pub mod interval;
mod observation;
pub mod own;
pub mod plan;
pub mod quantile;
mod rows;
mod series;
pub mod summary;
pub mod sums;
mod trend;

use crate::events::Micros;
use crate::measures::dwell::{DwellBasis, Estimated};
use crate::time::period::{Period, PeriodLength};

/// The measures of one set of sessions (PRODUCT section 3). `users`, `events` and `sessions`
/// include open sessions; everything else is over closed ones. Unknown is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Users with a session.
    pub users: u64,
    /// Events inside the sessions.
    pub events: u64,
    /// Sessions.
    pub sessions: u64,
    /// Sessions that are still open.
    pub open_sessions: u64,
    /// Mean duration in seconds.
    pub mean: Option<f64>,
    /// 95 % interval of the mean, in seconds, the user as the unit.
    pub mean_interval: Option<(f64, f64)>,
    /// Median duration in seconds, interpolated linearly.
    pub median: Option<f64>,
    /// 90th percentile in seconds, interpolated linearly.
    pub p90: Option<f64>,
    /// Mean duration of the sessions with two or more events, in seconds.
    pub mean_without_bounces: Option<f64>,
    /// Bounces ÷ sessions.
    pub bounce_rate: Option<f64>,
    /// Sessions ÷ users with one.
    pub sessions_per_user: Option<f64>,
    /// Events ÷ sessions.
    pub events_per_session: Option<f64>,
    /// All durations together, in microseconds; `None` when no session is closed.
    pub total: Option<i128>,
    /// Mean of the users' own means, in seconds.
    pub mean_of_user_means: Option<f64>,
    /// Closed sessions, the base of every measure above that is not a plain count.
    pub closed_sessions: u64,
    /// Users with a closed session.
    pub closed_users: u64,
    /// (ΣS)² ÷ ΣS²: how many users of equal weight would say as much.
    pub effective_users: Option<f64>,
    /// The largest share of the closed sessions that one user has.
    pub largest_user_share: Option<f64>,
    /// What an estimate of the time after the last events makes of it, where one is asked for.
    pub dwell: Option<Estimated>,
}

/// The move of a mean against the period before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Later mean minus earlier mean, in seconds.
    pub seconds: f64,
    /// 95 % interval of that difference in seconds, the user as the unit.
    pub interval: Option<(f64, f64)>,
    /// ln(later ÷ earlier) interval, as shares: (−0.1, 0.2) is −10 % to +20 %.
    pub relative_interval: Option<(f64, f64)>,
    /// The smaller effective number of users of the two periods.
    pub effective_users: f64,
    /// The smaller number of users of the two periods.
    pub users: u64,
    /// Later minus earlier mean of users' means, in seconds.
    pub user_means_seconds: Option<f64>,
}

impl Change {
    /// +1 or −1 when the interval excludes zero, else 0.
    pub fn direction(&self) -> i8 {
        match self.interval {
            Some((low, _)) if low > 0.0 => 1,
            Some((_, high)) if high < 0.0 => -1,
            _ => 0,
        }
    }
}

/// One line of a report: a period, a segment, or the whole window.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its period; `None` for the whole window.
    pub period: Option<Period>,
    /// Whether the period is complete; `None` where there is no period.
    pub complete: Option<bool>,
    /// The segment's value: a user, or names of sources joined with `;`.
    pub segment: Option<String>,
    /// The measures.
    pub figures: Figures,
    /// The change against the period before, where both are complete and covered by every source.
    pub change: Option<Change>,
}

/// The mean of one day, for the line under the headline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DailyMean {
    /// The day.
    pub period: Period,
    /// Whether it is complete.
    pub complete: bool,
    /// Mean duration in seconds; `None` for a day without a closed session.
    pub mean: Option<f64>,
}

/// Is the number moving? One per report.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a report has one trend")]
pub enum Trend {
    /// Two neighbouring complete periods were compared.
    Compared {
        /// How long each is.
        length: PeriodLength,
        /// The earlier one.
        earlier: Period,
        /// The later one; its mean is the headline.
        later: Period,
        /// The later period's figures.
        figures: Figures,
        /// The earlier period's mean in seconds.
        earlier_mean: f64,
        /// The difference.
        change: Change,
        /// With eight or more complete weeks: the median absolute weekly change in seconds.
        usual_weekly_move: Option<f64>,
    },
    /// There is no trend, and this is why (a clause, lower case, no final stop).
    None {
        /// The reason.
        reason: String,
    },
}

/// Everything that is measured in one run; rows in the order of the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// The rows asked for.
    pub rows: Vec<Row>,
    /// Over all sessions of the window, whatever `--by`.
    pub overall: Row,
    /// The one trend.
    pub trend: Trend,
    /// Up to the last 28 days, the earliest first.
    pub daily: Vec<DailyMean>,
    /// Sessions that touch either end of the data by less than one timeout.
    pub touching_ends: u64,
    /// First and last event of the data, whatever the window (sources that are ignored aside).
    pub extent: Option<(Micros, Micros)>,
    /// Beside another system's rule (`--compat`), what our own gives over the whole window; without
    /// quantiles.
    pub own: Option<Figures>,
    /// The observed span: the window asked for, cut to the widened extent.
    pub observed: Option<(Micros, Micros)>,
    /// Things a reader must know, in whole sentences: periods not compared and why, means moving in
    /// opposite directions, and the like.
    pub remarks: Vec<String>,
    /// What the estimate in [`Figures::dwell`] rests on, where one is asked for.
    pub dwell: Option<DwellBasis>,
    /// Tracked sessions beside the inferred ones, where they are asked for.
    pub tracked: Option<TrackedFigures>,
}

/// The durations of sessions that an application tracked itself and that start in the window. They
/// are its word: a session is averaged where it has an end that is not before its start.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedFigures {
    /// Where they come from.
    pub place: String,
    /// Sessions that start in the window.
    pub sessions: u64,
    /// Those of them that are averaged.
    pub ended: u64,
    /// Users with such a session.
    pub users: u64,
    /// Sessions without an end.
    pub open: u64,
    /// Sessions that end before they start.
    pub out_of_order: u64,
    /// Sessions among the averaged ones that are longer than 24 hours.
    pub long: u64,
    /// Their share of all averaged time.
    pub long_share: Option<f64>,
    /// The first and the last start.
    pub starts: Option<(Micros, Micros)>,
    /// Mean duration in seconds.
    pub mean: Option<f64>,
    /// 95 % interval of the mean, in seconds, the user as the unit.
    pub mean_interval: Option<(f64, f64)>,
    /// Median duration in seconds, interpolated linearly.
    pub median: Option<f64>,
    /// 90th percentile in seconds, interpolated linearly.
    pub p90: Option<f64>,
}
