//! How sure a mean and its change are: the delta method with users as the unit, as METHODS
//! section 9 states it. One user's sessions are not independent, so sessions are never the unit.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::events::SECOND;
use crate::measures::Change;
use crate::measures::summary::{Cell, Pair};

/// Under so many users with a closed session there is no interval.
pub const FEWEST_USERS: u64 = 8;

/// Under so many effective users there is no interval.
pub const FEWEST_EFFECTIVE_USERS: f64 = 4.0;

/// (ΣS)² ÷ ΣS²: how many users of equal weight would say as much; `None` without a closed session.
pub fn effective_users(cell: &Cell) -> Option<f64> {
    let sessions = cell.closed_sessions as f64;
    (cell.closed_sessions > 0).then(|| sessions * sessions / cell.sessions_squared as f64)
}

/// The standard error of a cell's mean, in seconds: the root of n ÷ (n − 1) · V_aa.
/// `None` under two users with a closed session.
pub fn standard_error_of_mean(cell: &Cell) -> Option<f64> {
    let factor = unbiased(cell.closed_users)?;
    Some((factor * variance(cell)).max(0.0).sqrt() / SECOND as f64)
}

/// The standard error of the later mean minus the earlier one, in seconds: the root of
/// n ÷ (n − 1) · (V_aa + V_bb − 2 V_ab), n being the users present in either period. `pair` holds
/// the users of both. `None` under two users, or when a period has no closed session.
pub fn standard_error_of_difference(earlier: &Cell, later: &Cell, pair: &Pair) -> Option<f64> {
    let factor = factor_of_difference(earlier, later, pair)?;
    let sum = variance(earlier) + variance(later) - 2.0 * covariance(earlier, later, pair);
    Some((factor * sum).max(0.0).sqrt() / SECOND as f64)
}

/// The 95 % interval of a cell's mean in seconds, m·exp(±t·se ÷ m). `None` for few users
/// ([`FEWEST_USERS`], [`FEWEST_EFFECTIVE_USERS`]) and for a mean of 0.
pub fn mean_interval(cell: &Cell) -> Option<(f64, f64)> {
    let mean = cell.mean().filter(|&mean| mean > 0.0)?;
    let quantile = quantile_for(cell.closed_users, effective_users(cell)?)?;
    let spread = quantile * standard_error_of_mean(cell)? / mean;
    Some((mean * (-spread).exp(), mean * spread.exp()))
}

/// The change from a period's mean to the next one's; `None` when a period has no closed session.
///
/// Its intervals are missing for few users in either period, and when either mean is 0, whose
/// variance says nothing.
pub fn change(earlier: &Cell, later: &Cell, pair: &Pair) -> Option<Change> {
    let (earlier_mean, later_mean) = (earlier.mean()?, later.mean()?);
    let effective_users = effective_users(earlier)?.min(effective_users(later)?);
    let users = earlier.closed_users.min(later.closed_users);
    let seconds = later_mean - earlier_mean;
    let quantile =
        quantile_for(users, effective_users).filter(|_| earlier_mean > 0.0 && later_mean > 0.0);
    let interval = quantile.and_then(|quantile| {
        let spread = quantile * standard_error_of_difference(earlier, later, pair)?;
        Some((seconds - spread, seconds + spread))
    });
    let relative_interval = quantile.and_then(|quantile| {
        let spread = quantile * standard_error_of_log_ratio(earlier, later, pair)?;
        let ratio = later_mean / earlier_mean;
        Some((ratio * (-spread).exp() - 1.0, ratio * spread.exp() - 1.0))
    });
    Some(Change {
        seconds,
        interval,
        relative_interval,
        effective_users,
        users,
        user_means_seconds: later
            .mean_of_user_means()
            .zip(earlier.mean_of_user_means())
            .map(|(later, earlier)| later - earlier),
    })
}

/// The Student quantile 0.975 for `max(1, K - 1)` degrees of freedom, K being the effective users,
/// a real number; `None` where users are too few for an interval.
pub(crate) fn quantile_for(users: u64, effective_users: f64) -> Option<f64> {
    if users < FEWEST_USERS || effective_users < FEWEST_EFFECTIVE_USERS {
        return None;
    }
    let freedom = (effective_users - 1.0).max(1.0);
    let student = StudentsT::new(0.0, 1.0, freedom)
        .expect("the degrees of freedom are a finite number of at least one");
    Some(student.inverse_cdf(0.975))
}

/// The standard error of ln(later mean ÷ earlier mean); both means must be above 0.
fn standard_error_of_log_ratio(earlier: &Cell, later: &Cell, pair: &Pair) -> Option<f64> {
    let factor = factor_of_difference(earlier, later, pair)?;
    let (a, b) = (mean_micros(earlier), mean_micros(later));
    let sum = variance(earlier) / (a * a) + variance(later) / (b * b)
        - 2.0 * covariance(earlier, later, pair) / (a * b);
    Some((factor * sum).max(0.0).sqrt())
}

/// V_aa in square microseconds; the cell must have a closed session.
fn variance(cell: &Cell) -> f64 {
    let mean = mean_micros(cell);
    let sessions = cell.closed_sessions as f64;
    let residuals = cell.duration_squared as f64 - 2.0 * mean * cell.sessions_times_duration as f64
        + mean * mean * cell.sessions_squared as f64;
    residuals / (sessions * sessions)
}

/// V_ab in square microseconds; both cells must have a closed session.
fn covariance(earlier: &Cell, later: &Cell, pair: &Pair) -> f64 {
    let (a, b) = (mean_micros(earlier), mean_micros(later));
    let residuals = pair.duration_duration as f64
        - b * pair.duration_sessions as f64
        - a * pair.sessions_duration as f64
        + a * b * pair.sessions_sessions as f64;
    residuals / (earlier.closed_sessions as f64 * later.closed_sessions as f64)
}

fn factor_of_difference(earlier: &Cell, later: &Cell, pair: &Pair) -> Option<f64> {
    if earlier.closed_users == 0 || later.closed_users == 0 {
        return None;
    }
    unbiased(earlier.closed_users + later.closed_users - pair.users)
}

/// n ÷ (n − 1).
fn unbiased(users: u64) -> Option<f64> {
    (users > 1).then(|| users as f64 / (users - 1) as f64)
}

fn mean_micros(cell: &Cell) -> f64 {
    cell.duration as f64 / cell.closed_sessions as f64
}
