//! Other ways to an interval of the mean, on the same runs: none of them sees the users who are
//! not in the sample.

use sessionize::events::SECOND;

use super::design::{Design, DrawnUser, stream};
use super::tally::{Contained, Tally};

/// The heading of [`Others::line`].
pub(crate) const HEADER: &str = "\
| design | users | normal, mean ± 1.96 se | percentiles of resampled users | studentised resampling | true spread known | time of users heavier than any here |
| --- | --: | --: | --: | --: | --: | --: |";

/// How often users are resampled.
const RESAMPLES: usize = 399;

/// Standard errors to either side.
const NORMAL: f64 = 1.959_963_984_540_054;

/// What each of them contained.
pub(crate) struct Others {
    design: Design,
    normal: Contained,
    percentiles: Contained,
    studentised: Contained,
    /// The mean of each run.
    means: Vec<f64>,
    /// The share of all time that users above the heaviest one of each run spend.
    unseen: Vec<f64>,
}

impl Others {
    /// No run yet.
    pub(crate) fn new(design: Design) -> Self {
        Others {
            design,
            normal: Contained::default(),
            percentiles: Contained::default(),
            studentised: Contained::default(),
            means: Vec::new(),
            unseen: Vec::new(),
        }
    }

    /// Counts a run, the first week of it.
    pub(crate) fn add(&mut self, users: &[DrawnUser], run: u64) {
        let truth = self.design.mean();
        let sums = sums(users);
        let Some((mean, error)) = mean_and_error(sums.iter().copied()) else {
            return;
        };
        let spread = NORMAL * error;
        self.normal.add(Some((mean - spread, mean + spread)), truth);
        let (percentiles, studentised) = resampled(&sums, mean, error, run);
        self.percentiles.add(percentiles, truth);
        self.studentised.add(studentised, truth);
        self.means.push(mean);
        let heaviest = users.iter().map(|user| user.rate).fold(0.0, f64::max);
        self.unseen.extend(self.design.share_above(heaviest));
    }

    /// A row of the table.
    pub(crate) fn line(&self, tally: &Tally) -> String {
        let unseen = match self.unseen.len() {
            0 => String::new(),
            runs => format!(
                "{:.1} %",
                100.0 * self.unseen.iter().sum::<f64>() / runs as f64
            ),
        };
        format!(
            "| {} | {} | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {unseen} |",
            self.design.name,
            tally.users,
            self.normal.percent(),
            self.percentiles.percent(),
            self.studentised.percent(),
            self.with_true_spread().percent(),
        )
    }

    /// The mean ± 1.96 times the deviation that it really has from run to run.
    fn with_true_spread(&self) -> Contained {
        let count = self.means.len() as f64;
        let mean = self.means.iter().sum::<f64>() / count;
        let squares: f64 = self.means.iter().map(|value| (value - mean).powi(2)).sum();
        let spread = NORMAL * (squares / (count - 1.0)).sqrt();
        let mut contained = Contained::default();
        for value in &self.means {
            contained.add(Some((value - spread, value + spread)), self.design.mean());
        }
        contained
    }
}

/// Sessions and seconds of each user who came in the first week.
fn sums(users: &[DrawnUser]) -> Vec<(f64, f64)> {
    let weeks = users.iter().map(|user| &user.weeks[0]);
    weeks
        .filter(|week| !week.is_empty())
        .map(|week| {
            let micros: i64 = week.iter().map(|session| session.duration()).sum();
            (week.len() as f64, micros as f64 / SECOND as f64)
        })
        .collect()
}

/// The mean over sessions and its standard error with users as the unit, by their residuals;
/// `None` for a mean of 0.
fn mean_and_error(users: impl Iterator<Item = (f64, f64)> + Clone) -> Option<(f64, f64)> {
    let (mut count, mut sessions, mut seconds) = (0.0, 0.0, 0.0);
    for (own_sessions, own_seconds) in users.clone() {
        count += 1.0;
        sessions += own_sessions;
        seconds += own_seconds;
    }
    let mean: f64 = seconds / sessions;
    let residuals = users.map(|(sessions, seconds)| (seconds - mean * sessions).powi(2));
    let variance = count / (count - 1.0) * residuals.sum::<f64>() / (sessions * sessions);
    (mean > 0.0 && variance > 0.0).then(|| (mean, variance.sqrt()))
}

type Interval = Option<(f64, f64)>;

/// By resampling users: the percentiles of the means, and the mean moved by the percentiles of
/// (resampled ln mean − ln mean) ÷ its own relative standard error.
fn resampled(users: &[(f64, f64)], mean: f64, error: f64, run: u64) -> (Interval, Interval) {
    let mut random = stream(u64::MAX - run);
    let (mut means, mut steps) = (Vec::new(), Vec::new());
    let mut drawn = Vec::with_capacity(users.len());
    for _ in 0..RESAMPLES {
        drawn.clear();
        drawn.extend((0..users.len()).map(|_| *random.pick(users)));
        if let Some((again, its_error)) = mean_and_error(drawn.iter().copied()) {
            means.push(again);
            steps.push((again / mean).ln() / (its_error / again));
        }
    }
    let relative = error / mean;
    let studentised = ends(&mut steps).map(|(low, high)| {
        let at = |step: f64| mean * (-step * relative).exp();
        (at(high), at(low))
    });
    (ends(&mut means), studentised)
}

/// The values that leave 2.5 % on either side.
fn ends(values: &mut [f64]) -> Interval {
    values.sort_unstable_by(f64::total_cmp);
    let side = (values.len() + 1) * 25 / 1_000;
    let last = values.len().checked_sub(side.max(1))?;
    Some((values[side.max(1) - 1], values[last]))
}
