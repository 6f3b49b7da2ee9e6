//! How long counterparts are on both sides, and where each begins and ends.

use crate::agreement::Tracked;
use crate::agreement::overlap::{Inferred, length};
use crate::agreement::tally::{Sum, Tally};
use crate::events::Micros;

/// What inferred sessions are off by, one entry per matched pair in each list, in microseconds:
/// inferred minus tracked.
#[derive(Clone, Debug, Default)]
pub(super) struct Errors {
    pub(super) durations: Vec<Micros>,
    pub(super) starts: Vec<Micros>,
    pub(super) ends: Vec<Micros>,
}

impl Errors {
    pub(super) fn add(&mut self, other: Errors) {
        self.durations.extend(other.durations);
        self.starts.extend(other.starts);
        self.ends.extend(other.ends);
    }

    /// Adds a user's matched pairs, here and to the sums.
    pub(super) fn score(&mut self, matched: &[(Tracked, Inferred, Micros)], tally: &mut Tally) {
        for (tracked, inferred, _) in matched {
            let (one, two) = (inferred.length(), length(tracked));
            let (start, end) = (inferred.start - tracked.start, inferred.end - tracked.end);
            self.durations.push(one - two);
            self.starts.push(start);
            self.ends.push(end);
            let (one, two) = (i128::from(one), i128::from(two));
            let sums = [
                (Sum::Pairs, 1),
                (Sum::Difference, one - two),
                (Sum::AbsoluteDifference, (one - two).abs()),
                (Sum::InferredDuration, one),
                (Sum::TrackedDuration, two),
                (Sum::InferredSquared, one * one),
                (Sum::TrackedSquared, two * two),
                (Sum::Product, one * two),
                (Sum::StartError, i128::from(start)),
                (Sum::EndError, i128::from(end)),
            ];
            for (sum, value) in sums {
                tally[sum] += value;
            }
            if one > 0 && two > 0 {
                tally[Sum::PairsWithRatio] += 1;
                tally.add_fraction(Sum::LogRatio, (one as f64 / two as f64).ln().abs());
            }
        }
    }
}

/// The quantile at a number of thousandths in microseconds, interpolated linearly between the order
/// statistics around rank `thousandths ÷ 1000 · (n − 1)` (Hyndman and Fan 1996, type 7); `None` of
/// no value. Reorders the values.
pub(super) fn quantile(values: &mut [Micros], thousandths: usize) -> Option<f64> {
    let scaled = thousandths * values.len().checked_sub(1)?;
    let (rank, rest) = (scaled / 1000, scaled % 1000);
    let (_, &mut lower, above) = values.select_nth_unstable(rank);
    let upper = match above.iter().min() {
        Some(&next) if rest > 0 => next,
        _ => lower,
    };
    Some(lower as f64 + (upper - lower) as f64 * (rest as f64 / 1000.0))
}
