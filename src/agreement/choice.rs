//! Which timeout agrees best, found on some users and scored on others: the one with the highest F1,
//! and the one at which inferred sessions are as long as tracked ones.

use crate::agreement::UserCase;
use crate::agreement::boundaries::{Best, ENDLESS, Gap, Group, Outcome, best, outcomes};
use crate::agreement::overlap::{Sides, join_within, length, pieces, stretches};
use crate::agreement::scores::{Choice, Chosen};
use crate::events::{Micros, SECOND};
use crate::sessions::users::mix;

/// Users are parted in so many.
pub(super) const FOLDS: usize = 5;

/// The part a user belongs to.
pub(super) fn fold(hash: u64) -> usize {
    // Not the bits that draw replicates.
    (mix(!hash) % FOLDS as u64) as usize
}

/// Durations at one timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BiasPoint {
    /// Inferred minus tracked, all matched pairs together, in microseconds.
    difference: i128,
    /// Matched pairs.
    pairs: u64,
}

impl BiasPoint {
    pub(super) fn add(&mut self, other: &BiasPoint, times: u64) {
        self.difference += other.difference * i128::from(times);
        self.pairs += other.pairs * times;
    }

    /// The bias in seconds; `None` without a pair.
    pub(super) fn bias(&self) -> Option<f64> {
        let micros = || self.difference as f64 / self.pairs as f64;
        (self.pairs > 0).then(|| micros() / SECOND as f64)
    }
}

/// One user's durations at each timeout of an ascending grid, by the plain rule.
pub(super) fn bias_curve(
    case: &UserCase<'_>,
    labels: &[Option<u32>],
    grid: &[Micros],
) -> Vec<BiasPoint> {
    let Some(&shortest) = grid.first() else {
        return Vec::new();
    };
    let mut pieces = pieces(case, labels, case.opens, shortest);
    let stretches = stretches(case.tracked);
    let at = grid.iter().map(|&timeout| {
        join_within(&mut pieces, timeout);
        let matched = Sides::new(&pieces, case.tracked, &stretches, timeout).matched();
        let differences = matched
            .iter()
            .map(|(tracked, inferred, _)| i128::from(inferred.length() - length(tracked)));
        BiasPoint {
            difference: differences.sum(),
            pairs: matched.len() as u64,
        }
    });
    at.collect()
}

/// Scored gaps of many users in eight bytes each: length, part, and whether it is a boundary.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps(Vec<u64>);

const LENGTH_SHIFT: u32 = 4;
/// Longer than any gap between two instants.
const LONGEST: u64 = 1 << 58;

impl Gaps {
    pub(super) fn extend(&mut self, gaps: &[Gap], fold: usize) {
        let packed = gaps.iter().map(|gap| {
            let length = gap.length.unsigned_abs().min(LONGEST);
            length << LENGTH_SHIFT | (fold as u64) << 1 | u64::from(gap.is_boundary)
        });
        self.0.extend(packed);
    }

    pub(super) fn merge(&mut self, other: Gaps) {
        self.0.extend(other.0);
    }

    pub(super) fn sort(&mut self) {
        self.0.sort_unstable();
    }

    /// The sorted gaps of some parts, the shortest first.
    pub(super) fn groups(&self, wanted: impl Fn(usize) -> bool) -> impl Iterator<Item = Group> {
        let same = |one: &u64, two: &u64| one >> LENGTH_SHIFT == two >> LENGTH_SHIFT;
        let groups = self.0.chunk_by(same).map(move |chunk| {
            let length = match chunk[0] >> LENGTH_SHIFT {
                LONGEST => ENDLESS,
                length => length as Micros,
            };
            let mut group = Group {
                length,
                ..Group::default()
            };
            for &packed in chunk {
                if wanted((packed >> 1 & 7) as usize) {
                    group.boundaries += packed & 1;
                    group.inner += packed & 1 ^ 1;
                }
            }
            group
        });
        groups.filter(|group| group.boundaries + group.inner > 0)
    }
}

/// Which parts of the users are meant.
type Parts<'a> = &'a dyn Fn(usize) -> bool;

/// What a choice is made from.
pub(super) struct Evidence<'a> {
    pub(super) grid: &'a [Micros],
    /// Sorted.
    pub(super) gaps: &'a Gaps,
    /// By part, then timeout.
    pub(super) bias: &'a [Vec<BiasPoint>; FOLDS],
}

/// The timeouts that agree best, without intervals.
pub(super) fn choose(evidence: &Evidence<'_>) -> Choice {
    let all = |_| true;
    let by_f1 = best(|| evidence.gaps.groups(all));
    let unbiased = unbiased(evidence.grid, &evidence.bias(all));
    Choice {
        highest_f1: Chosen {
            range: by_f1.ok().and_then(|best| best.range()),
            f1: by_f1.ok().and_then(|best| best.outcome.f1()),
            ..evidence.chosen(by_f1.map(|best| best.seconds()), |wanted| {
                Some(best(|| evidence.gaps.groups(wanted)).ok()?.seconds())
            })
        },
        no_bias: Chosen {
            f1: unbiased
                .ok()
                .and_then(|seconds| evidence.outcome(seconds, &all).f1()),
            ..evidence.chosen(unbiased, |wanted| {
                self::unbiased(evidence.grid, &evidence.bias(wanted)).ok()
            })
        },
    }
}

impl Best {
    /// The one to choose, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.middle() as f64 / SECOND as f64
    }

    fn range(&self) -> Option<(f64, f64)> {
        let second = SECOND as f64;
        Some((self.from as f64 / second, self.to? as f64 / second))
    }
}

impl Evidence<'_> {
    /// Durations of some parts.
    pub(super) fn bias(&self, wanted: impl Fn(usize) -> bool) -> Vec<BiasPoint> {
        let mut sums = vec![BiasPoint::default(); self.grid.len()];
        for (_, points) in self
            .bias
            .iter()
            .enumerate()
            .filter(|(fold, _)| wanted(*fold))
        {
            for (sum, point) in sums.iter_mut().zip(points) {
                sum.add(point, 1);
            }
        }
        sums
    }

    fn outcome(&self, seconds: f64, wanted: Parts<'_>) -> Outcome {
        let timeout = (seconds * SECOND as f64).round() as Micros;
        outcomes(&[timeout], || self.gaps.groups(wanted))[0]
    }

    /// A timeout, and what its way of choosing gives to users it was not chosen on. A part whose
    /// others give no timeout is left out.
    fn chosen(
        &self,
        seconds: Result<f64, &'static str>,
        choose: impl Fn(Parts<'_>) -> Option<f64>,
    ) -> Chosen {
        let (mut outcome, mut folds) = (Outcome::default(), Vec::new());
        let (mut difference, mut pairs) = (0.0, 0.0);
        for part in 0..FOLDS {
            let Some(seconds) = choose(&|fold| fold != part) else {
                continue;
            };
            folds.push(seconds);
            outcome.add(self.outcome(seconds, &|fold| fold == part));
            if let Some(more) = interpolated(self.grid, &self.bias[part], seconds) {
                difference += more.0;
                pairs += more.1;
            }
        }
        let bias = (pairs > 0.0).then(|| difference / pairs / SECOND as f64);
        let is_chosen = seconds.is_ok();
        Chosen {
            seconds: seconds.ok(),
            reason: seconds.err(),
            f1_of_others: outcome.f1().filter(|_| is_chosen),
            bias_of_others: bias.filter(|_| is_chosen),
            folds,
            ..Chosen::default()
        }
    }
}

/// All differences of durations in microseconds and matched pairs at a timeout, interpolated on the
/// log axis between those of the grid, beyond which its ends stand; `None` without a grid.
fn interpolated(grid: &[Micros], points: &[BiasPoint], seconds: f64) -> Option<(f64, f64)> {
    let micros = seconds * SECOND as f64;
    let after = grid.partition_point(|&timeout| (timeout as f64) < micros);
    let before = after.saturating_sub(1);
    let after = after.min(grid.len().checked_sub(1)?);
    let (from, to) = ((grid[before] as f64).ln(), (grid[after] as f64).ln());
    let share = match before == after {
        true => 0.0,
        false => (micros.ln() - from) / (to - from),
    };
    let mix = |value: fn(&BiasPoint) -> f64| {
        value(&points[before]) * (1.0 - share) + value(&points[after]) * share
    };
    let difference = mix(|point| point.difference as f64);
    Some((difference, mix(|point| point.pairs as f64)))
}

/// The timeout in seconds at which the bias changes its sign, interpolated on the log axis of the
/// timeout; of several the one beside the smallest bias, then the shortest.
///
/// # Errors
///
/// Why there is none (a clause).
pub(super) fn unbiased(grid: &[Micros], points: &[BiasPoint]) -> Result<f64, &'static str> {
    let curve: Vec<(f64, f64)> = grid
        .iter()
        .zip(points)
        .filter_map(|(&timeout, point)| Some(((timeout as f64).ln(), point.bias()?)))
        .collect();
    let zeros = curve.iter().filter(|(_, bias)| *bias == 0.0);
    let zeros = zeros.map(|&(at, _)| (0.0, at));
    let turns = curve.windows(2).filter_map(|pair| {
        let [(from, before), (to, after)] = [pair[0], pair[1]];
        let at = from + (to - from) * before / (before - after);
        (before * after < 0.0).then(|| (before.abs().min(after.abs()), at))
    });
    let nearest = zeros.chain(turns).min_by(|one, two| {
        let by_bias = one.0.total_cmp(&two.0);
        by_bias.then(one.1.total_cmp(&two.1))
    });
    match (nearest, curve.first()) {
        (Some((_, at)), _) => Ok(at.exp() / SECOND as f64),
        (None, None) => Err("no inferred session meets a tracked one"),
        (None, Some((_, bias))) if *bias < 0.0 => {
            Err("inferred sessions are shorter at every timeout of the curve")
        }
        (None, Some(_)) => Err("inferred sessions are longer at every timeout of the curve"),
    }
}
