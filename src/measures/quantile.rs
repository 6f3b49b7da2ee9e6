//! Exact quantiles of durations, without a full sort.

use crate::events::{Micros, SECOND};

/// The quantile at `percent` (0 to 100) of `durations` in seconds; `None` when there is none.
///
/// Interpolates linearly between the order statistics around rank `percent / 100 * (n - 1)`, as
/// SQL's `percentile_cont` does (Hyndman and Fan 1996, type 7). Reorders the slice.
pub fn quantile(durations: &mut [Micros], percent: usize) -> Option<f64> {
    let (rank, hundredths) = rank(durations.len(), percent)?;
    let (_, &mut lower, above) = durations.select_nth_unstable(rank);
    let upper = match above.iter().min() {
        Some(&next) if hundredths > 0 => next,
        _ => lower,
    };
    Some(between(lower, upper, hundredths))
}

/// The rank below a quantile of `count` numbers, from 0, and the hundredths of the way to the next
/// one; `None` of no number.
pub(crate) fn rank(count: usize, percent: usize) -> Option<(usize, usize)> {
    let scaled = percent * count.checked_sub(1)?;
    Some((scaled / 100, scaled % 100))
}

/// Hundredths of the way from one order statistic to the next, in seconds.
pub(crate) fn between(lower: Micros, upper: Micros, hundredths: usize) -> f64 {
    let micros = lower as f64 + (upper - lower) as f64 * (hundredths as f64 / 100.0);
    micros / SECOND as f64
}
