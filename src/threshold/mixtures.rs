//! The mixtures of the capped gaps with 1 to 4 components, and on which of them a verdict rests.

use crate::measures::dwell::within::{LogNormal, WithinModel};
use crate::threshold::crossing::Crossing;
use crate::threshold::estimate::Tallies;
use crate::threshold::mixture::{Component, Fit, Observed};
use crate::threshold::sample::{Histograms, best_crossing};
use crate::threshold::steps::Steps;

/// Gaps of one step are a spike when there are so many times as many as the fit gives …
const SPIKE: f64 = 3.0;

/// … and they are at least this share of the gaps.
const LEAST_SPIKE: f64 = 0.01;

/// Three components must move the timeout by more than this factor to be taken instead of two.
const LEAST_DIFFERENCE: f64 = 1.1;

/// The mixtures of the capped gaps.
pub(crate) struct Mixtures {
    /// The first bin fitted.
    pub(crate) first: usize,
    /// Whether gaps of one step are left out because they are too many.
    pub(crate) has_spike: bool,
    /// With 1, 2, 3 and 4 components.
    pub(crate) fits: [Option<Fit>; 4],
    /// How many components the recommendation rests on: 2 or 3.
    pub(crate) chosen: usize,
    /// How many are best by BIC.
    pub(crate) best: usize,
}

impl Mixtures {
    pub(crate) fn fit(tallies: &Tallies, point: &Histograms) -> Self {
        let has_spike = has_spike(tallies, point);
        let first = tallies.bins.first().max(usize::from(has_spike));
        let observed = Observed::new(&tallies.bins, &point.capped, first);
        let seed = tallies.resampling.seed;
        let fits = [1, 2, 3, 4].map(|count| observed.fit(count, seed));
        let users = tallies.users_with_gaps as f64;
        let score = |count: usize| {
            fits[count - 1]
                .as_ref()
                .map(|fit| (3 * count - 1) as f64 * users.ln() - 2.0 * users * fit.log_likelihood)
        };
        let best = (1..=4)
            .filter(|&count| score(count).is_some())
            .min_by(|&one, &other| {
                score(one)
                    .unwrap_or(f64::MAX)
                    .total_cmp(&score(other).unwrap_or(f64::MAX))
            })
            .unwrap_or(1);
        let at = |count: usize| {
            let fit: &Option<Fit> = &fits[count - 1];
            Some(best_crossing(&fit.as_ref()?.components)?.at)
        };
        let prefers_three = score(3).is_some_and(|three| score(2).is_none_or(|two| three < two));
        let differs = at(3).is_some_and(|three| {
            at(2).is_none_or(|two| (three - two).abs() > LEAST_DIFFERENCE.ln())
        });
        let three = prefers_three && differs;
        Self {
            first,
            has_spike,
            chosen: if three { 3 } else { 2 },
            best,
            fits,
        }
    }

    pub(crate) fn components(&self, count: usize) -> Option<&[Component]> {
        self.fits[count - 1]
            .as_ref()
            .map(|fit| fit.components.as_slice())
    }

    pub(crate) fn crossing(&self, count: usize) -> Option<Crossing> {
        best_crossing(self.components(count)?)
    }

    /// The chosen mixture's components below its crossing; `shift` turns ln steps into ln seconds.
    pub(crate) fn within(&self, shift: f64) -> Option<WithinModel> {
        let within = self.crossing(self.chosen)?.within;
        let components = self.components(self.chosen)?.iter().take(within);
        let components = components.map(|component| LogNormal {
            weight: component.weight,
            mu: component.mean + shift,
            sigma: component.deviation,
        });
        Some(WithinModel {
            components: components.collect(),
        })
    }

    /// The means on both sides of the crossing, in ln steps.
    pub(crate) fn between(&self, count: usize) -> Option<(f64, f64)> {
        let components = self.components(count)?;
        let within = self.crossing(count)?.within;
        Some((components[within - 1].mean, components[within].mean))
    }
}

/// Whether there are far more gaps of one step than a mixture of two gives.
fn has_spike(tallies: &Tallies, point: &Histograms) -> bool {
    let total: f64 = point.capped.iter().sum();
    if point.capped[0] <= LEAST_SPIKE * total {
        return false;
    }
    let rest: f64 = total - point.capped[0];
    let observed = Observed::new(&tallies.bins, &point.capped, 0);
    // A fit that makes a component of the spike is none; the one of the other gaps tells as well.
    let Some(fit) = Observed::new(&tallies.bins, &point.capped, 1)
        .fit(2, tallies.resampling.seed)
        .or_else(|| observed.fit(2, tallies.resampling.seed))
    else {
        return false;
    };
    let (mut one, mut more) = (0.0, 0.0);
    for component in &fit.components {
        let steps = Steps::of(component, 1);
        one += component.weight * steps.at(1).mass;
        more += component.weight * (1.0 - steps.at(0).mass - steps.at(1).mass);
    }
    point.capped[0] > SPIKE * rest * one / more.max(f64::MIN_POSITIVE)
}
