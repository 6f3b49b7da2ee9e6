//! The cut that makes two classes of ln g differ most (Otsu; METHODS section 5).

/// A cut and how much of the variance lies between its classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// In the middle between the last point below and the first above.
    pub at: f64,
    /// Variance between the classes ÷ all variance: 0.64 for one log-normal, 0.75 for gaps that are
    /// uniform in ln g, 1 for two points.
    pub explained: f64,
}

/// The cut maximising w₀ w₁ (m₀ − m₁)², the first of equal ones; `None` with fewer than two points.
pub fn split(points: &[f64], histogram: &[f64]) -> Option<Split> {
    let cells: Vec<(f64, f64)> = points
        .iter()
        .zip(histogram)
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(point, weight)| (*point, *weight))
        .collect();
    let total: f64 = cells.iter().map(|(_, weight)| weight).sum();
    let mean = cells.iter().map(|(x, weight)| x * weight).sum::<f64>() / total;
    let variance = cells
        .iter()
        .map(|(x, weight)| weight * (x - mean).powi(2))
        .sum::<f64>()
        / total;
    let (mut mass, mut sum) = (0.0, 0.0);
    let mut best: Option<Split> = None;
    for pair in cells.windows(2) {
        mass += pair[0].1 / total;
        sum += pair[0].1 * (pair[0].0 - mean) / total;
        let between = sum * sum / (mass * (1.0 - mass));
        let explained = between / variance;
        if best.is_none_or(|best| explained > best.explained) {
            best = Some(Split {
                at: f64::midpoint(pair[0].0, pair[1].0),
                explained,
            });
        }
    }
    best
}
