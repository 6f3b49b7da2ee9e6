//! Where a gap is as likely to lie within a session as between two (METHODS section 3).

use std::f64::consts::SQRT_2;

use statrs::function::erf::erfc;

use crate::threshold::mixture::Component;

/// Halvings of an interval; more than a double has digits.
const HALVINGS: usize = 80;

/// The components grouped into within and between, and where the groups cross.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// So many of the components, the shortest first, lie within sessions.
    pub within: usize,
    /// ln of the gap at which both groups are as likely.
    pub at: f64,
    /// The share of gaps on the wrong side of it.
    pub misclassified: f64,
}

/// Every grouping that crosses between its neighbouring means, the least misclassified first.
/// `components` ascend by mean.
pub fn crossings(components: &[Component]) -> Vec<Crossing> {
    let mut crossings: Vec<Crossing> = (1..components.len())
        .filter_map(|within| {
            let (short, long) = components.split_at(within);
            let at = cross(short, long)?;
            Some(Crossing {
                within,
                at,
                misclassified: misclassified(short, long, at),
            })
        })
        .collect();
    crossings.sort_by(|one, other| one.misclassified.total_cmp(&other.misclassified));
    crossings
}

/// Where the weighted densities of two groups are equal, between the last mean of `short` and the
/// first of `long`; `None` where they do not change places there.
pub fn cross(short: &[Component], long: &[Component]) -> Option<f64> {
    let (low, high) = (short.last()?.mean, long.first()?.mean);
    let lead = |x: f64| log_sum(short, x) - log_sum(long, x);
    if low >= high || lead(low) <= 0.0 || lead(high) >= 0.0 {
        return None;
    }
    let (mut low, mut high) = (low, high);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if lead(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(f64::midpoint(low, high))
}

/// ln of the sum of the weighted densities at `x`.
fn log_sum(components: &[Component], x: f64) -> f64 {
    let logs = components.iter().map(|component| component.log_density(x));
    let highest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    highest + logs.map(|log| (log - highest).exp()).sum::<f64>().ln()
}

/// The share of gaps on the wrong side of `at`.
fn misclassified(short: &[Component], long: &[Component], at: f64) -> f64 {
    let above = |part: &Component| erfc((at - part.mean) / part.deviation / SQRT_2) / 2.0;
    let missed: f64 = short.iter().map(|part| part.weight * above(part)).sum();
    let torn: f64 = long
        .iter()
        .map(|part| part.weight * (1.0 - above(part)))
        .sum();
    missed + torn
}

/// Ashman's D between two groups, √2 |m₁ − m₂| ÷ √(s₁² + s₂²), each pooled to its mean and variance.
pub fn ashman(components: &[Component], within: usize) -> f64 {
    let (short, long) = components.split_at(within);
    let (short, long) = (pooled(short), pooled(long));
    SQRT_2 * (long.0 - short.0).abs() / (short.1 + long.1).sqrt()
}

/// Mean and variance of a group.
fn pooled(components: &[Component]) -> (f64, f64) {
    let weight: f64 = components.iter().map(|part| part.weight).sum();
    let mean = components
        .iter()
        .map(|part| part.weight * part.mean)
        .sum::<f64>()
        / weight;
    let variance = components
        .iter()
        .map(|part| part.weight * (part.deviation.powi(2) + (part.mean - mean).powi(2)))
        .sum::<f64>()
        / weight;
    (mean, variance)
}
