//! How often intervals contained the truth, beside the band in which that must lie.

use std::ops::RangeInclusive;

use sessionize::events::SECOND;
use sessionize::sessions::session::Session;

use super::design::{Design, DrawnUser, LONGER, rows};

/// The heading of [`Tally::means`].
pub(crate) const MEANS: &str = "\
| design | users | effective | no interval | mean | band | truth above | truth below | mean of these users | naive | band |
| --- | --: | --: | --: | --: | --- | --: | --: | --: | --: | --- |";

/// The heading of [`Tally::differences`].
pub(crate) const DIFFERENCES: &str = "\
| design | users | no interval | no change | band | 10 % longer | band | relative, no change | relative, 10 % longer | naive |
| --- | --: | --: | --: | --- | --: | --- | --: | --: | --: |";

/// In how many percent of the runs a difference must be contained.
const DIFFERENCE: RangeInclusive<f64> = 93.0..=98.0;

/// Standard errors to either side in an interval that takes sessions for independent.
const NORMAL: f64 = 1.959_963_984_540_054;

/// Runs in which an interval was given, and on which side of it the truth was.
#[derive(Clone, Copy, Default)]
pub(crate) struct Contained {
    given: u64,
    inside: u64,
    above: u64,
}

impl Contained {
    /// Counts an interval.
    pub(crate) fn add(&mut self, interval: Option<(f64, f64)>, truth: f64) {
        if let Some((low, high)) = interval {
            self.given += 1;
            self.inside += u64::from(low <= truth && truth <= high);
            self.above += u64::from(truth > high);
        }
    }

    /// In how many percent of the runs with an interval it contained the truth.
    pub(crate) fn percent(self) -> f64 {
        100.0 * self.inside as f64 / self.given as f64
    }

    /// In how many percent of them the truth was above it.
    pub(crate) fn percent_above(self) -> f64 {
        100.0 * self.above as f64 / self.given as f64
    }
}

/// One design at one number of users.
pub(crate) struct Tally {
    /// The design.
    pub(crate) design: Design,
    /// How many users each run has.
    pub(crate) users: usize,
    runs: u64,
    effective_users: Vec<f64>,
    /// The first week's mean, against that of all users there could be.
    mean: Contained,
    /// The same against what is expected of the very users of the run.
    mean_of_these: Contained,
    naive_mean: Contained,
    same: Contained,
    same_relative: Contained,
    longer: Contained,
    longer_relative: Contained,
    naive_same: Contained,
}

impl Tally {
    /// No run yet.
    pub(crate) fn new(design: Design, users: usize) -> Self {
        Tally {
            design,
            users,
            runs: 0,
            effective_users: Vec::new(),
            mean: Contained::default(),
            mean_of_these: Contained::default(),
            naive_mean: Contained::default(),
            same: Contained::default(),
            same_relative: Contained::default(),
            longer: Contained::default(),
            longer_relative: Contained::default(),
            naive_same: Contained::default(),
        }
    }

    /// Counts a run.
    pub(crate) fn add(&mut self, users: &[DrawnUser]) {
        let truth = self.design.mean();
        let rows = rows(users);
        let [first, second, third] = &rows[..] else {
            panic!("three weeks have three rows");
        };
        let figures = &first.figures;
        self.runs += 1;
        self.effective_users.extend(figures.effective_users);
        self.mean.add(figures.mean_interval, truth);
        self.mean_of_these
            .add(figures.mean_interval, mean_of_these(users));
        if let Some(change) = second.change {
            self.same.add(change.interval, 0.0);
            self.same_relative.add(change.relative_interval, 0.0);
        }
        if let Some(change) = third.change {
            self.longer.add(change.interval, (LONGER - 1.0) * truth);
            self.longer_relative
                .add(change.relative_interval, LONGER - 1.0);
        }
        let (mean, variance) = per_session(users, 0);
        let (next, next_variance) = per_session(users, 1);
        self.naive_mean.add(around(mean, variance), truth);
        self.naive_same
            .add(around(next - mean, variance + next_variance), 0.0);
    }

    /// A row of the table of means.
    pub(crate) fn means(&self) -> String {
        let mut effective = self.effective_users.clone();
        effective.sort_unstable_by(f64::total_cmp);
        let middle = effective.get(effective.len() / 2).copied();
        let (mean, naive) = (self.mean.percent(), self.naive_mean.percent());
        format!(
            "| {} | {} | {:.0} | {} | {mean:.1} % | {} | {:.1} % | {:.1} % | {:.1} % | {naive:.1} % | {} |",
            self.design.name,
            self.users,
            middle.unwrap_or(f64::NAN),
            self.runs - self.mean.given,
            judged(mean_band(&self.design, self.users), mean),
            self.mean.percent_above(),
            100.0 - mean - self.mean.percent_above(),
            self.mean_of_these.percent(),
            judged(naive_limit(&self.design), naive),
        )
    }

    /// A row of the table of differences.
    pub(crate) fn differences(&self) -> String {
        let (same, longer) = (self.same.percent(), self.longer.percent());
        format!(
            "| {} | {} | {} | {same:.1} % | {} | {longer:.1} % | {} | {:.1} % | {:.1} % | {:.1} % |",
            self.design.name,
            self.users,
            self.runs - self.same.given,
            judged(Some(DIFFERENCE), same),
            judged(Some(DIFFERENCE), longer),
            self.same_relative.percent(),
            self.longer_relative.percent(),
            self.naive_same.percent(),
        )
    }
}

/// In how many percent of the runs the mean must be contained; nothing is asked of the last design,
/// which shows how far that goes.
fn mean_band(design: &Design, users: usize) -> Option<RangeInclusive<f64>> {
    let least = match (users, design.name) {
        (_, "pareto-1.2-much-longer") => return None,
        (5_000.., _) => return Some(91.0..=97.0),
        (400.., "pareto-1.2-longer") => 84.0,
        (400.., _) => 88.0,
        (_, "pareto-1.2-longer") => 80.0,
        _ => 86.0,
    };
    Some(least..=100.0)
}

/// The most percent of the runs in which the naive interval may contain the mean.
fn naive_limit(design: &Design) -> Option<RangeInclusive<f64>> {
    (design.name == "pareto-1.2-longer").then_some(0.0..=75.0)
}

fn words(band: &RangeInclusive<f64>) -> String {
    match (band.start(), band.end()) {
        (low, 100.0) => format!("≥ {low} %"),
        (0.0, high) => format!("< {high} %"),
        (low, high) => format!("{low}–{high} %"),
    }
}

/// The band, and whether it is met.
fn judged(band: Option<RangeInclusive<f64>>, found: f64) -> String {
    match band {
        None => String::new(),
        Some(band) if band.contains(&found) => format!("{}: met", words(&band)),
        Some(band) => format!("{}: **missed**", words(&band)),
    }
}

/// The mean expected of these users: their expected time over their expected sessions.
fn mean_of_these(users: &[DrawnUser]) -> f64 {
    let time = users.iter().map(|user| user.rate * user.expected);
    time.sum::<f64>() / users.iter().map(|user| user.rate).sum::<f64>()
}

/// The mean of a week in seconds and the square of its standard error, each session taken as
/// independent of all others.
fn per_session(users: &[DrawnUser], week: usize) -> (f64, f64) {
    let durations: Vec<f64> = users
        .iter()
        .flat_map(|user| &user.weeks[week])
        .map(|session: &Session| session.duration() as f64 / SECOND as f64)
        .collect();
    let count = durations.len() as f64;
    let mean = durations.iter().sum::<f64>() / count;
    let squares: f64 = durations.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0) / count)
}

fn around(value: f64, variance: f64) -> Option<(f64, f64)> {
    let spread = NORMAL * variance.sqrt();
    Some((value - spread, value + spread))
}
