//! Takes users one by one, in any order and on any thread, and gives the scores.

use crate::agreement::boundaries::{self, Gap, Group, Outcome, area, best, outcomes};
use crate::agreement::choice::{self, BiasPoint, Evidence, FOLDS, Gaps, bias_curve};
use crate::agreement::durations::Errors;
use crate::agreement::intervals::Draws;
use crate::agreement::labels::{Covered, holders, inferred_numbers};
use crate::agreement::overlap::{Sides, pieces, stretches};
use crate::agreement::resamples::{Resamples, Share};
use crate::agreement::singles::Singles;
use crate::agreement::tally::{Sum, Tally};
use crate::agreement::windows::{Sequence, window};
use crate::agreement::{AgreementPlan, Coverage, CurvePoint, Scores, UserCase, pairs};
use crate::events::Micros;
use crate::measures::interval::quantile_for;

/// What has been seen of some users. All sums are whole numbers, and lists are put in order at the
/// end, so that order and threads do not matter.
///
/// It grows by 8 bytes per scored gap, 2 bits per event inside a tracked session, 24 bytes per
/// matched pair and some tens of bytes per user; 200 replicates take about 7 MB.
#[derive(Clone, Debug)]
pub struct Agreement {
    plan: AgreementPlan,
    coverage: Coverage,
    tally: Tally,
    gaps: Gaps,
    sequences: Vec<Sequence>,
    /// Adjusted Rand indexes of users that have one.
    rands: Vec<f64>,
    errors: Errors,
    bias: [Vec<BiasPoint>; FOLDS],
    resamples: Resamples,
    /// The sum of squares of users' events inside tracked sessions.
    inside_squared: u128,
}

impl Agreement {
    /// Of no user yet.
    pub fn new(plan: &AgreementPlan) -> Self {
        let timeouts = plan.grid.len();
        Self {
            plan: plan.clone(),
            coverage: Coverage::default(),
            tally: Tally::default(),
            gaps: Gaps::default(),
            sequences: Vec::new(),
            rands: Vec::new(),
            errors: Errors::default(),
            bias: std::array::from_fn(|_| vec![BiasPoint::default(); timeouts]),
            resamples: Resamples::new(plan.seed, plan.resamples, timeouts),
            inside_squared: 0,
        }
    }

    /// Adds one user. Each user comes once; one without a tracked session is only counted.
    pub fn user(&mut self, case: &UserCase<'_>) {
        let events = case.events.len() as u64;
        self.coverage.users += 1;
        self.coverage.events += events;
        self.coverage.gaps += events.saturating_sub(1);
        if case.tracked.is_empty() {
            return;
        }
        let held;
        let labels = match case.labels {
            Some(labels) => labels,
            None => {
                held = holders(case.events, case.tracked);
                &held
            }
        };
        self.scored(case, labels);
    }

    fn scored(&mut self, case: &UserCase<'_>, labels: &[Option<u32>]) {
        let mut tally = Tally::default();
        let gaps = boundaries::score(case, labels, self.plan.tolerance, &mut tally);
        let covered = Covered::new(labels, &inferred_numbers(case));
        for (tracked, inferred) in covered.gaps() {
            tally[covered_outcome(tracked, inferred)] += 1;
        }
        self.rands.extend(pairs::score(&covered, &mut tally));
        let pieces = pieces(case, labels, case.inferred, Micros::MAX);
        let stretches = stretches(case.tracked);
        let sides = Sides::new(&pieces, case.tracked, &stretches, Micros::MAX);
        sides.score(&pieces, &stretches, &mut tally);
        self.errors.score(&sides.matched(), &mut tally);
        let bias = bias_curve(case, labels, &self.plan.grid);
        self.count(&tally, &gaps, covered.len() as u64);
        let share = Share {
            tally: &tally,
            gaps: &gaps,
            bias: &bias,
        };
        self.resamples.user(case.hash, &share);
        let fold = choice::fold(case.hash);
        self.gaps.extend(&gaps, fold);
        for (sum, point) in self.bias[fold].iter_mut().zip(&bias) {
            sum.add(point, 1);
        }
        self.sequences.extend(Sequence::new(case.hash, &covered));
        self.tally.add(&tally, 1);
    }

    fn count(&mut self, tally: &Tally, gaps: &[Gap], inside: u64) {
        let has_boundary = gaps.iter().any(|gap| gap.is_boundary);
        self.inside_squared += u128::from(inside) * u128::from(inside);
        self.coverage.add(&Coverage {
            tracked_users: 1,
            scored_users: u64::from(inside > 0),
            inside_events: inside,
            scored_gaps: gaps.len() as u64,
            users_without_boundary: u64::from(!gaps.is_empty() && !has_boundary),
            tracked: tally.count(&[Sum::Tracked]),
            tracked_with_events: tally.count(&[Sum::TrackedWithEvents]),
            inferred: tally.count(&[Sum::Inferred]),
            inferred_met: tally.count(&[Sum::Inferred]) - tally.count(&[Sum::Orphans]),
            ..Coverage::default()
        });
    }

    /// Adds what another one with the same plan has seen.
    pub fn merge(&mut self, other: Agreement) {
        self.coverage.add(&other.coverage);
        self.tally.add(&other.tally, 1);
        self.gaps.merge(other.gaps);
        self.sequences.extend(other.sequences);
        self.rands.extend(other.rands);
        self.errors.add(other.errors);
        for (sums, points) in self.bias.iter_mut().zip(&other.bias) {
            for (sum, point) in sums.iter_mut().zip(points) {
                sum.add(point, 1);
            }
        }
        self.resamples.merge(other.resamples);
        self.inside_squared += other.inside_squared;
    }

    /// The scores of all users.
    pub fn finish(mut self) -> Scores {
        self.gaps.sort();
        let window_size = self.windows();
        let all = |_| true;
        let groups = || self.gaps.groups(all);
        let evidence = Evidence {
            grid: &self.plan.grid,
            gaps: &self.gaps,
            bias: &self.bias,
        };
        let draws = Draws::new(&self.resamples, &self.plan.grid, self.reach());
        let mut choice = choice::choose(&evidence);
        draws.choice(&mut choice);
        let singles = Singles {
            area: area(groups()),
            ceiling: best(groups).map(|best| best.outcome.f1().unwrap_or_default()),
            window_size,
            rands: self.rands,
            errors: self.errors,
        };
        Scores {
            timeout: self.plan.timeout,
            tolerance: self.plan.tolerance,
            coverage: self.coverage,
            measures: singles.measures(&self.tally, &draws),
            curve: curve(&self.plan.grid, &evidence.bias(all), groups),
            choice,
        }
    }

    /// Counts windows, whose size is known now, and gives it.
    fn windows(&mut self) -> Option<u64> {
        // Users with a single event have no sequence, but a tracked session of one event.
        let in_sequences: u64 = self.sequences.iter().map(Sequence::events).sum();
        let alone = self.coverage.inside_events - in_sequences;
        let runs: u64 = self.sequences.iter().map(Sequence::tracked_runs).sum();
        let size = window(self.coverage.inside_events, runs + alone)?;
        for sequence in &self.sequences {
            let mut tally = Tally::default();
            sequence.score(size, &mut tally);
            self.resamples.tally(sequence.hash, &tally);
            self.tally.add(&tally, 1);
            self.coverage.users_without_window += u64::from(sequence.events() <= size);
        }
        self.coverage.users_without_window += alone;
        Some(size)
    }

    /// By how many standard deviations an interval extends; `None` where users are too few.
    fn reach(&self) -> Option<f64> {
        let inside = self.coverage.inside_events as f64;
        let effective = inside * inside / self.inside_squared as f64;
        quantile_for(self.coverage.scored_users, effective)
    }
}

fn covered_outcome(tracked: bool, inferred: bool) -> Sum {
    match (tracked, inferred) {
        (true, true) => Sum::CoveredTruePositives,
        (false, true) => Sum::CoveredFalsePositives,
        (true, false) => Sum::CoveredFalseNegatives,
        (false, false) => Sum::CoveredTrueNegatives,
    }
}

/// What each timeout of the grid makes of the gaps, and of durations.
fn curve<I: Iterator<Item = Group>>(
    grid: &[Micros],
    bias: &[BiasPoint],
    groups: impl Fn() -> I,
) -> Vec<CurvePoint> {
    let points = grid.iter().zip(outcomes(grid, groups)).zip(bias);
    let point = |((&timeout, outcome), bias): ((&Micros, Outcome), &BiasPoint)| CurvePoint {
        timeout,
        true_positives: outcome.true_positives,
        false_positives: outcome.false_positives,
        false_negatives: outcome.false_negatives,
        true_negatives: outcome.true_negatives,
        precision: outcome.precision(),
        recall: outcome.recall(),
        f1: outcome.f1(),
        bias: bias.bias(),
    };
    points.map(point).collect()
}
