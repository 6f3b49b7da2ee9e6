//! What a clock that tells whole steps shows of a log-normal (METHODS section 2, P_k).

use std::f64::consts::{PI, SQRT_2};

use statrs::function::erf::erfc;

use crate::threshold::mixture::Component;

/// Mass, Σ x and Σ x² of weighted x = ln steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Σ weight.
    pub mass: f64,
    /// Σ weight · x.
    pub first: f64,
    /// Σ weight · x².
    pub second: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, share: f64, other: Moments) {
        self.mass += share * other.mass;
        self.first += share * other.first;
        self.second += share * other.second;
    }

    pub(crate) fn add_point(&mut self, weight: f64, x: f64) {
        self.mass += weight;
        self.first += weight * x;
        self.second += weight * x * x;
    }

    pub(crate) fn variance(&self) -> f64 {
        let mean = self.first / self.mass;
        (self.second / self.mass - mean * mean).max(0.0)
    }
}

impl std::iter::Sum for Moments {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum.add(1.0, part);
            sum
        })
    }
}

/// What a clock that tells whole steps shows of one log-normal: for each number of steps the
/// probability and the moments of the true ln g, a gap of v steps being shown as k with
/// probability max(0, 1 − |v − k|).
pub struct Steps {
    /// For 0 up to so many steps.
    seen: Vec<Moments>,
}

impl Steps {
    /// Of a component over ln steps, for 0 up to `most` steps, at least 1.
    pub fn of(component: &Component, most: usize) -> Self {
        let integrals: Vec<Moments> = (0..=most + 1)
            .map(|steps| integral(component, steps as f64))
            .collect();
        let mut seen = Vec::with_capacity(most + 1);
        seen.push(integrals[1]);
        for steps in 1..=most {
            let mut moments = integrals[steps + 1];
            moments.add(-2.0, integrals[steps]);
            moments.add(1.0, integrals[steps - 1]);
            seen.push(cleaned(moments, (steps as f64).ln()));
        }
        Self { seen }
    }

    /// Of gaps shown as that many steps.
    pub fn at(&self, steps: usize) -> Moments {
        self.seen[steps]
    }

    /// Of gaps shown in no bin from `first` on: of 0 steps up to `first`.
    pub(crate) fn below(&self, first: usize) -> Moments {
        self.seen[..=first].iter().copied().sum()
    }
}

/// Differences of nearly equal numbers lose their digits far from the component: there the mass is
/// as good as nothing and stands at the shown gap.
fn cleaned(moments: Moments, x: f64) -> Moments {
    if moments.mass > 1e-10 {
        return moments;
    }
    let mass = moments.mass.max(0.0);
    Moments {
        mass,
        first: mass * x,
        second: mass * x * x,
    }
}

/// ∫ from 0 to v of (v − t) f(t) dt, and the same with ln t and ln² t in it.
fn integral(component: &Component, v: f64) -> Moments {
    if v <= 0.0 {
        return Moments::default();
    }
    let (mean, deviation) = (component.mean, component.deviation);
    let z = (v.ln() - mean) / deviation;
    let mut sum = Moments::default();
    sum.add(v, truncated(mean, deviation, z));
    let growth = (mean + deviation * deviation / 2.0).min(600.0).exp();
    let shifted = truncated(mean + deviation * deviation, deviation, z - deviation);
    sum.add(-growth, shifted);
    sum
}

/// Mass and moments of mean + deviation · u for a standard normal u below z.
pub(crate) fn truncated(mean: f64, deviation: f64, z: f64) -> Moments {
    let below = erfc(-z / SQRT_2) / 2.0;
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    Moments {
        mass: below,
        first: mean * below - deviation * density,
        second: mean * mean * below - 2.0 * mean * deviation * density
            + deviation * deviation * (below - z * density),
    }
}
