//! The designs on which intervals are proved: users who come at rates of their own, week by week,
//! and stay for a while. What their mean must be follows from the design, by formula.

use sessionize::events::{Micros, SECOND, UserId};
use sessionize::measures::Row;
use sessionize::measures::accumulator::Accumulator;
use sessionize::measures::plan::{Calendars, Plan};
use sessionize::sessions::extent::{Extent, Extents};
use sessionize::sessions::session::{Session, SourceSet};
use sessionize::time::duration::Timeout;
use sessionize::time::period::PeriodLength;
use sessionize::time::zone::Zone;

use super::random::Random;

/// A Monday, 2024-05-06, in UTC.
const FIRST_WEEK: Micros = 1_714_953_600 * SECOND;

const WEEK: Micros = 7 * 86_400 * SECOND;

/// The second week is like the first; in the third every session is longer.
const WEEKS: usize = 3;

/// How many times as long sessions of the third week are.
pub(crate) const LONGER: f64 = 1.1;

/// The share of users who come at all in a week, drawn anew each week.
const ACTIVE: f64 = 0.75;

/// The share of sessions that are one event.
const BOUNCES: f64 = 0.35;

/// The median of the others for a user of rate 1, in seconds.
const MEDIAN: f64 = 300.0;

/// The deviation of ln duration, that of the users' own levels included.
const SIGMA: f64 = 1.0;

/// The deviation of the users' own levels.
const SIGMA_BETWEEN: f64 = 0.5;

/// How many sessions a week users have, where they come.
#[derive(Clone, Copy)]
pub(crate) enum Rates {
    /// Log-normal.
    LogNormal {
        /// The median rate.
        median: f64,
        /// The deviation of its logarithm.
        sigma: f64,
    },
    /// Pareto between two bounds: its tail is cut off, not heaped up, at the upper one.
    Pareto {
        /// The exponent.
        alpha: f64,
        /// The lowest rate.
        from: f64,
        /// The highest rate.
        to: f64,
    },
}

/// One design.
#[derive(Clone, Copy)]
pub(crate) struct Design {
    /// What it is called.
    pub(crate) name: &'static str,
    /// How often users come.
    pub(crate) rates: Rates,
    /// A user of rate r stays r to this power times as long as one of rate 1: with 0.15, one of
    /// rate 100 twice as long; with 0.3, four times.
    pub(crate) stay: f64,
}

/// The four designs, and a harder one behind them.
pub(crate) const DESIGNS: [Design; 5] = [
    Design {
        name: "log-normal",
        rates: Rates::LogNormal {
            median: 2.0,
            sigma: 1.0,
        },
        stay: 0.0,
    },
    Design {
        name: "pareto-1.5",
        rates: Rates::Pareto {
            alpha: 1.5,
            from: 1.0,
            to: 100.0,
        },
        stay: 0.0,
    },
    Design {
        name: "pareto-1.2-longer",
        rates: TO_200,
        stay: 0.15,
    },
    Design {
        name: "pareto-1.2",
        rates: Rates::Pareto {
            alpha: 1.2,
            from: 1.0,
            to: 100.0,
        },
        stay: 0.0,
    },
    Design {
        name: "pareto-1.2-much-longer",
        rates: TO_200,
        stay: 0.3,
    },
];

/// The rates of users of whom the heavier stay longer.
const TO_200: Rates = Rates::Pareto {
    alpha: 1.2,
    from: 1.0,
    to: 200.0,
};

/// One user of a run.
pub(crate) struct DrawnUser {
    /// Sessions a week, where there are any.
    pub(crate) rate: f64,
    /// The expected duration of a session, in seconds.
    pub(crate) expected: f64,
    /// The user's sessions of each week, in time order.
    pub(crate) weeks: [Vec<Session>; WEEKS],
}

impl Rates {
    fn draw(self, random: &mut Random) -> f64 {
        match self {
            Rates::LogNormal { median, sigma } => random.log_normal(median, sigma),
            Rates::Pareto { alpha, from, to } => {
                let kept = 1.0 - libm::pow(from / to, alpha);
                from * libm::pow(1.0 - random.unit() * kept, -1.0 / alpha)
            }
        }
    }

    /// The expected value of the rate to this power.
    fn moment(self, power: f64) -> f64 {
        match self {
            Rates::LogNormal { median, sigma } => {
                libm::pow(median, power) * libm::exp(power * power * sigma * sigma / 2.0)
            }
            Rates::Pareto { alpha, from, to } => {
                let kept = 1.0 - libm::pow(from / to, alpha);
                alpha * libm::pow(from, alpha) * integral(power - alpha, from, to) / kept
            }
        }
    }
}

/// The integral of x to the power of `power` − 1.
fn integral(power: f64, from: f64, to: f64) -> f64 {
    match power == 0.0 {
        true => libm::log(to / from),
        false => (libm::pow(to, power) - libm::pow(from, power)) / power,
    }
}

impl Design {
    /// The mean duration of all users there could be, in seconds: what the mean of a week tends to
    /// with ever more users, E\[duration of a user's sessions] ÷ E\[number of them].
    pub(crate) fn mean(&self) -> f64 {
        let level = (1.0 - BOUNCES) * MEDIAN * libm::exp(SIGMA * SIGMA / 2.0);
        level * self.rates.moment(1.0 + self.stay) / self.rates.moment(1.0)
    }

    /// The share of all time that is spent by users of a rate above `rate`; for Pareto rates.
    pub(crate) fn share_above(&self, rate: f64) -> Option<f64> {
        let Rates::Pareto { alpha, from, to } = self.rates else {
            return None;
        };
        let power = 1.0 + self.stay - alpha;
        Some(integral(power, rate, to) / integral(power, from, to))
    }

    /// Draws users and their sessions; the same for the same run.
    pub(crate) fn draw(&self, users: usize, run: u64) -> Vec<DrawnUser> {
        let mut random = stream(run);
        (0..users).map(|_| self.user(&mut random)).collect()
    }

    fn user(&self, random: &mut Random) -> DrawnUser {
        let rate = self.rates.draw(random);
        let level = MEDIAN * libm::pow(rate, self.stay) * random.log_normal(1.0, SIGMA_BETWEEN);
        let within = SIGMA * SIGMA - SIGMA_BETWEEN * SIGMA_BETWEEN;
        let mut week = |index: usize| {
            let sessions = match random.chance(ACTIVE) {
                true => random.poisson(rate),
                false => 0,
            };
            let median = if index == 2 { LONGER * level } else { level };
            let duration = |_| match random.chance(BOUNCES) {
                true => 0.0,
                false => random.log_normal(median, within.sqrt()),
            };
            let durations: Vec<f64> = (0..sessions).map(duration).collect();
            spread(index, &durations)
        };
        DrawnUser {
            rate,
            expected: (1.0 - BOUNCES) * level * libm::exp(within / 2.0),
            weeks: [week(0), week(1), week(2)],
        }
    }
}

/// The draws of a run. Seeds that follow one another would give draws that do, at each place of
/// their streams, so the number is stirred first (Steele, Lea and Flood 2014, `mix64`).
pub(crate) fn stream(run: u64) -> Random {
    let stirred = (run ^ (run >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Random::from_seed(stirred ^ (stirred >> 31))
}

/// Sessions of these durations, in seconds, that start at even distances in a week: the sums of a
/// report ask only in which week a session starts.
fn spread(week: usize, durations: &[f64]) -> Vec<Session> {
    let begin = FIRST_WEEK + week as Micros * WEEK;
    let step = WEEK / durations.len().max(1) as Micros;
    let mut sources = SourceSet::default();
    sources.insert(0);
    let session = |(place, &duration): (usize, &f64)| {
        let start = begin + place as Micros * step;
        Session {
            start,
            end: start + (duration * SECOND as f64) as Micros,
            events: if duration > 0.0 { 2 } else { 1 },
            sources,
            added: 0,
        }
    };
    durations.iter().enumerate().map(session).collect()
}

/// One row per week, as a report by week has them.
pub(crate) fn rows(users: &[DrawnUser]) -> Vec<Row> {
    let plan = Plan {
        timeout: Timeout::DEFAULT,
        now: FIRST_WEEK + 100 * WEEK,
        window: (None, None),
        zone: Zone::Fixed(0),
        by: Some(PeriodLength::Week),
        segment: None,
        compare: None,
        total: false,
    };
    let extent = Some(Extent {
        first: FIRST_WEEK,
        last: FIRST_WEEK + WEEKS as Micros * WEEK - 1,
        longest_silence: 0,
    });
    let extents = Extents {
        all: extent,
        by_source: vec![extent],
    };
    let calendars = Calendars::new(&plan, &extents).expect("three weeks are not too many periods");
    let mut accumulator = Accumulator::new(&plan, &calendars);
    for (number, user) in users.iter().enumerate() {
        accumulator.user(UserId::Number(number as i64), &user.weeks.concat());
    }
    accumulator.finish(&extents, &["visits"]).rows
}
