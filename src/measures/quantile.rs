//! Exact quantiles of durations, without a full sort.

use crate::events::{Micros, SECOND};

/// The quantile at `percent` (0 to 100) of `durations` in seconds; `None` when there is none.
///
/// Interpolates linearly between the order statistics around rank `percent / 100 * (n - 1)`, as
/// SQL's `percentile_cont` does (Hyndman and Fan 1996, type 7). Reorders the slice.
pub fn quantile(durations: &mut [Micros], percent: usize) -> Option<f64> {
    let scaled_rank = percent * durations.len().checked_sub(1)?;
    let (rank, hundredths) = (scaled_rank / 100, scaled_rank % 100);
    let (_, &mut lower, above) = durations.select_nth_unstable(rank);
    let upper = match above.iter().min() {
        Some(&next) if hundredths > 0 => next,
        _ => lower,
    };
    let micros = lower as f64 + (upper - lower) as f64 * (hundredths as f64 / 100.0);
    Some(micros / SECOND as f64)
}
