//! Rules of thumb (METHODS section 7), for context only. What needs an order of the gaps is taken
//! from the histogram, within a bin by ln g.

use crate::threshold::SimpleRule;

/// What the rules need: gaps of at least one step by bin, all gaps and their sums.
pub struct Gaps<'a> {
    /// How many, zeros included.
    pub count: u64,
    /// Of them, shorter than half a step.
    pub zero: u64,
    /// Their seconds.
    pub sum: f64,
    /// Their seconds squared.
    pub squares: f64,
    /// ln seconds of each bin's ends, and its gaps.
    pub bins: &'a [(f64, f64, f64)],
}

/// All rules, in a fixed order.
pub fn rules(gaps: &Gaps<'_>) -> Vec<SimpleRule> {
    let rule = |name: &str, seconds: Option<f64>| SimpleRule {
        name: name.to_owned(),
        seconds: seconds.filter(|seconds| seconds.is_finite()),
    };
    vec![
        rule("mean + 1.5 standard deviations", gaps.mean_and_deviation()),
        rule(
            "third quartile + 1.5 interquartile ranges",
            gaps.quartile_rule(),
        ),
        rule("median + 2.5 deviations of ln gap", gaps.median_rule()),
        rule(
            "90th percentile of the gaps",
            gaps.quantile(0.9).map(f64::exp),
        ),
    ]
}

impl Gaps<'_> {
    fn mean_and_deviation(&self) -> Option<f64> {
        let count = self.count as f64;
        let mean = self.sum / count;
        let variance = (self.squares / count - mean * mean).max(0.0);
        (self.count > 0).then(|| mean + 1.5 * variance.sqrt())
    }

    fn quartile_rule(&self) -> Option<f64> {
        let (first, third) = (self.quantile(0.25)?.exp(), self.quantile(0.75)?.exp());
        Some(third + 1.5 * (third - first))
    }

    /// exp(median + 2.5 · 1.4826 · median absolute deviation) of x = ln g, over gaps above zero.
    fn median_rule(&self) -> Option<f64> {
        let median = self.positive_quantile(0.5)?;
        let mut distances: Vec<(f64, f64)> = self
            .bins
            .iter()
            .map(|(low, high, gaps)| ((f64::midpoint(*low, *high) - median).abs(), *gaps))
            .collect();
        distances.sort_by(|one, other| one.0.total_cmp(&other.0));
        let half = distances.iter().map(|(_, gaps)| gaps).sum::<f64>() / 2.0;
        let mut sum = 0.0;
        let deviation = distances.iter().find_map(|(distance, gaps)| {
            sum += gaps;
            (sum >= half).then_some(*distance)
        })?;
        Some((median + 2.5 * 1.4826 * deviation).exp())
    }

    /// ln seconds of a quantile of all gaps, −∞ where it is a gap of zero.
    fn quantile(&self, share: f64) -> Option<f64> {
        let rank = share * self.count as f64 - self.zero as f64;
        if self.count == 0 {
            return None;
        }
        if rank <= 0.0 && self.zero > 0 {
            return Some(f64::NEG_INFINITY);
        }
        self.ranked(rank)
    }

    /// ln seconds of a quantile of the gaps above zero.
    fn positive_quantile(&self, share: f64) -> Option<f64> {
        let positive: f64 = self.bins.iter().map(|(_, _, gaps)| gaps).sum();
        self.ranked(share * positive)
    }

    fn ranked(&self, rank: f64) -> Option<f64> {
        let mut sum = 0.0;
        self.bins.iter().find_map(|(low, high, gaps)| {
            sum += gaps;
            (sum >= rank && *gaps > 0.0)
                .then(|| high - (high - low) * ((sum - rank) / gaps).clamp(0.0, 1.0))
        })
    }
}
