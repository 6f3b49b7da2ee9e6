//! The longest range of timeouts in which the mean duration hardly moves (METHODS section 8).

use crate::threshold::curve::{Curve, grid};

/// The mean moves less than this many percent per percent of timeout.
pub const STABLE: f64 = 0.1;

/// The longest range between 10 s and 24 h in ln seconds in which the sensitivity stays below
/// [`STABLE`], the first of equal ones; `None` where it nowhere does. Where the mean is 0 it is not
/// stable but unknown.
pub fn plateau(curve: &Curve) -> Option<(f64, f64)> {
    let grid = grid();
    let moves: Vec<f64> = grid
        .iter()
        .map(|at| curve.sensitivity(*at).unwrap_or(f64::INFINITY))
        .collect();
    let mut best: Option<(f64, f64)> = None;
    let mut start = None;
    for place in 0..grid.len() {
        if moves[place] >= STABLE {
            start = None;
            continue;
        }
        let from = *start.get_or_insert(place);
        let low = end(&grid, &moves, from, from.checked_sub(1));
        let high = end(&grid, &moves, place, Some(place + 1));
        if best.is_none_or(|best| high - low > best.1 - best.0) {
            best = Some((low, high));
        }
    }
    best
}

/// Where between a stable place and its unstable neighbour the sensitivity reaches [`STABLE`].
fn end(grid: &[f64], moves: &[f64], inside: usize, outside: Option<usize>) -> f64 {
    let Some(outside) = outside.filter(|&place| place < grid.len()) else {
        return grid[inside];
    };
    let rise = moves[outside] - moves[inside];
    let share = if rise > 0.0 {
        (STABLE - moves[inside]) / rise
    } else {
        0.0
    };
    grid[inside] + share.clamp(0.0, 1.0) * (grid[outside] - grid[inside])
}

/// The widest range of timeouts around `in_use` (ln seconds) in which the mean stays within
/// `tolerance` (a share) of what it is there, between 1 s and 48 h.
pub fn indifferent(curve: &Curve, in_use: f64, tolerance: f64) -> (f64, f64) {
    const STEP: f64 = 0.01;
    let mean = curve.mean(in_use);
    let holds = |at: f64| (curve.mean(at) - mean).abs() <= tolerance * mean;
    let (mut low, mut high) = (in_use, in_use);
    while low - STEP >= 0.0 && holds(low - STEP) {
        low -= STEP;
    }
    while high + STEP <= (48.0 * 3600.0_f64).ln() && holds(high + STEP) {
        high += STEP;
    }
    (low, high)
}
