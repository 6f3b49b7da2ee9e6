//! The expected gap inside a session by a log-normal (METHODS section 11).

use statrs::distribution::{ContinuousCDF, Normal};

use crate::events::{Micros, SECOND};

/// The gaps inside sessions as a mixture found them: one log-normal, or several together.
#[derive(Clone, Debug, PartialEq)]
pub struct WithinModel {
    /// Its components.
    pub components: Vec<LogNormal>,
}

/// A log-normal: ln of a gap in seconds has this mean and deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// The component's share of the gaps, of whatever unit.
    pub weight: f64,
    /// The mean.
    pub mu: f64,
    /// The standard deviation, more than 0.
    pub sigma: f64,
}

impl WithinModel {
    /// The expected gap in seconds, given that it is at most `longest` microseconds: of one component
    /// exp(mu + s²/2) Φ(z − s) ÷ Φ(z) with z = (ln longest − mu) ÷ s, of several the same with weighted
    /// sums above and below. `None` where no gap is that short as far as numbers can tell.
    pub fn expected_gap(&self, longest: Micros) -> Option<f64> {
        let normal = Normal::standard();
        let seconds = longest as f64 / SECOND as f64;
        let (mut gap, mut share) = (0.0, 0.0);
        for &LogNormal { weight, mu, sigma } in &self.components {
            let z = (seconds.ln() - mu) / sigma;
            gap += weight * (mu + sigma * sigma / 2.0).exp() * normal.cdf(z - sigma);
            share += weight * normal.cdf(z);
        }
        let expected = gap / share;
        (expected > 0.0 && expected <= seconds).then_some(expected)
    }
}
