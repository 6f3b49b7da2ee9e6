//! A mixture of log-normals fitted to a histogram of gaps by expectation and maximisation (METHODS
//! section 2). Gaps of up to 60 steps of the clock are fitted as the whole steps that they are,
//! and no gap of zero is asked about: the fit is conditional on the shortest bin that it takes.

use std::f64::consts::PI;

use crate::sessions::users::mix;
use crate::threshold::bins::{Bins, EXACT};
use crate::threshold::steps::{Moments, Steps, truncated};

/// The least deviation of a component; one that gets there holds a spike and is no hump.
const LEAST_DEVIATION: f64 = 0.05;

/// The least weight of a component that a solution may keep.
const LEAST_WEIGHT: f64 = 0.01;

/// A relative change of the log-likelihood below this ends the steps.
const CONVERGED: f64 = 1e-8;

/// More steps than this are never made.
const MOST_STEPS: usize = 500;

/// Each start makes so many steps; then only the best go on.
const FIRST_STEPS: usize = 30;

/// So many of the starts go on.
const FINALISTS: usize = 2;

/// Random starts beside the one at the quantiles.
const RESTARTS: u64 = 10;

/// The least probability of a cell, so that its logarithm exists.
const LEAST_PROBABILITY: f64 = 1e-300;

/// One log-normal of a mixture, over ln g.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// Its share.
    pub weight: f64,
    /// Mean of ln g.
    pub mean: f64,
    /// Standard deviation of ln g.
    pub deviation: f64,
}

impl Component {
    /// ln of weight times density at `x`.
    pub fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.mean) / self.deviation;
        (self.weight / self.deviation).ln() - z * z / 2.0 - (2.0 * PI).ln() / 2.0
    }
}

/// A fitted mixture; means ascend.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Its components over ln g, g in the unit of the axis.
    pub components: Vec<Component>,
    /// Per gap, of the weighted gaps.
    pub log_likelihood: f64,
}

/// The gaps that are fitted: non-empty bins and what they weigh.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    /// ln steps of every bin of the axis.
    points: &'a [f64],
    /// Bins from this one on are fitted, given that a gap stands in one of them.
    first: usize,
    /// ln steps at which that bin begins, where it holds more than one number of steps.
    least: Option<f64>,
    /// Bins and their weights, ascending.
    cells: Vec<(usize, f64)>,
    /// All weights together.
    total: f64,
}

impl<'a> Observed<'a> {
    /// Of a histogram over all bins, leaving out those before `first`, which is 0, 1 or
    /// [`Bins::first`].
    pub fn new(bins: &'a Bins, histogram: &[f64], first: usize) -> Self {
        let cells: Vec<(usize, f64)> = histogram
            .iter()
            .copied()
            .enumerate()
            .skip(first)
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        let total = cells.iter().map(|(_, weight)| weight).sum();
        Self {
            points: bins.points(),
            first,
            least: (first >= EXACT).then(|| bins.first_steps().ln()),
            cells,
            total,
        }
    }

    /// The best of the starts, each followed to its end; `None` where every solution degenerates.
    pub fn fit(&self, count: usize, seed: u64) -> Option<Fit> {
        if self.cells.len() < 2 * count {
            return None;
        }
        let mut starts: Vec<(Vec<Component>, f64)> = (0..=RESTARTS)
            .filter_map(|restart| self.start(count, restart, seed))
            .map(|mut components| {
                let reached = self.climb(&mut components, FIRST_STEPS);
                (components, reached)
            })
            .collect();
        starts.sort_by(|one, other| other.1.total_cmp(&one.1));
        starts
            .into_iter()
            .filter(|(components, _)| self.is_sound(components))
            .take(FINALISTS)
            .filter_map(|(components, _)| self.refit(components, MOST_STEPS))
            .max_by(|one, other| one.log_likelihood.total_cmp(&other.log_likelihood))
    }

    /// Follows a start for up to `steps` steps; `None` where it degenerates.
    pub fn refit(&self, mut components: Vec<Component>, steps: usize) -> Option<Fit> {
        if self.cells.len() < 2 * components.len() {
            return None;
        }
        let log_likelihood = self.climb(&mut components, steps);
        components.sort_by(|one, other| one.mean.total_cmp(&other.mean));
        self.is_sound(&components).then_some(Fit {
            components,
            log_likelihood,
        })
    }

    /// Whether no component is a spike or next to nothing.
    fn is_sound(&self, components: &[Component]) -> bool {
        components.iter().all(|component| {
            component.weight >= LEAST_WEIGHT
                && component.deviation > LEAST_DEVIATION
                && component.mean.is_finite()
        })
    }

    /// Makes up to `steps` steps; the log-likelihood per gap.
    fn climb(&self, components: &mut [Component], steps: usize) -> f64 {
        let mut before = f64::NEG_INFINITY;
        for _ in 0..steps {
            let reached = self.step(components);
            if (reached - before).abs() < CONVERGED * reached.abs() {
                return reached;
            }
            before = reached;
        }
        before
    }

    /// One step; the log-likelihood per gap before it.
    fn step(&self, components: &mut [Component]) -> f64 {
        let is_exact = self.cells.first().is_some_and(|(bin, _)| *bin < EXACT);
        let most = match self.least {
            None if is_exact => EXACT,
            None => self.first + 1,
            Some(_) => 1,
        };
        let steps: Vec<Steps> = components
            .iter()
            .map(|component| Steps::of(component, most))
            .collect();
        let mut sums = vec![Moments::default(); components.len()];
        let log_likelihood = self.expect(components, &steps, &mut sums);
        let unseen: f64 = components
            .iter()
            .zip(&steps)
            .map(|(component, steps)| component.weight * self.below(component, steps).mass)
            .sum();
        let seen = (1.0 - unseen).max(LEAST_PROBABILITY);
        for ((component, steps), sums) in components.iter().zip(&steps).zip(&mut sums) {
            let share = self.total / seen * component.weight;
            sums.add(share, self.below(component, steps));
        }
        maximise(components, &sums);
        log_likelihood / self.total - seen.ln()
    }

    /// What a component has below the bins that are fitted.
    fn below(&self, component: &Component, steps: &Steps) -> Moments {
        let (mean, deviation) = (component.mean, component.deviation);
        match self.least {
            Some(least) => truncated(mean, deviation, (least - mean) / deviation),
            None => steps.below(self.first),
        }
    }

    /// Shares the gaps seen among the components; the log-likelihood before conditioning.
    fn expect(&self, components: &[Component], steps: &[Steps], sums: &mut [Moments]) -> f64 {
        let mut log_likelihood = 0.0;
        let scales: Vec<Scale> = components.iter().map(Scale::of).collect();
        let mut shares = vec![0.0; components.len()];
        for &(bin, weight) in &self.cells {
            if bin < EXACT {
                let mut total = LEAST_PROBABILITY;
                for (component, steps) in components.iter().zip(steps) {
                    total += component.weight * steps.at(bin + 1).mass;
                }
                for ((component, steps), sums) in components.iter().zip(steps).zip(&mut *sums) {
                    sums.add(weight * component.weight / total, steps.at(bin + 1));
                }
                log_likelihood += weight * total.ln();
            } else {
                let x = self.points[bin];
                log_likelihood += weight * (responsibilities(&scales, x, &mut shares) - x);
                for (share, sums) in shares.iter().zip(&mut *sums) {
                    sums.add_point(weight * share, x);
                }
            }
        }
        log_likelihood
    }

    /// Start number `restart`: at the quantiles, the others at random cuts. `None` where a class
    /// would be empty.
    fn start(&self, count: usize, restart: u64, seed: u64) -> Option<Vec<Component>> {
        let mut cuts: Vec<f64> = (1..count)
            .map(|cut| match restart {
                0 => cut as f64 / count as f64,
                _ => unit(mix(
                    seed ^ mix(restart.wrapping_mul(64).wrapping_add(cut as u64))
                )),
            })
            .collect();
        cuts.sort_by(f64::total_cmp);
        cuts.push(f64::INFINITY);
        let mut classes = vec![Moments::default(); count];
        let (mut class, mut sum) = (0, 0.0);
        for &(bin, weight) in &self.cells {
            while sum + weight / 2.0 > cuts[class] * self.total {
                class += 1;
            }
            classes[class].add_point(weight, self.points[bin]);
            sum += weight;
        }
        let all: Moments = classes.iter().copied().sum();
        let least = (all.variance() / (count * count) as f64 / 16.0).max(0.01);
        classes
            .iter()
            .map(|class| {
                (class.mass > 0.0).then(|| Component {
                    weight: class.mass / self.total,
                    mean: class.first / class.mass,
                    deviation: class.variance().max(least).sqrt(),
                })
            })
            .collect()
    }
}

/// A hash as a number in 0..1.
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// Sets each component to what its share of the gaps says.
fn maximise(components: &mut [Component], sums: &[Moments]) {
    let all: f64 = sums.iter().map(|sums| sums.mass).sum();
    for (component, sums) in components.iter_mut().zip(sums) {
        component.weight = sums.mass / all;
        if sums.mass > all * 1e-12 {
            component.mean = sums.first / sums.mass;
            component.deviation = sums.variance().sqrt().max(LEAST_DEVIATION);
        }
    }
}

/// What of a component's density does not depend on the gap.
struct Scale {
    mean: f64,
    inverse: f64,
    constant: f64,
}

impl Scale {
    fn of(component: &Component) -> Self {
        Self {
            mean: component.mean,
            inverse: 1.0 / component.deviation,
            constant: (component.weight.max(LEAST_PROBABILITY) / component.deviation).ln()
                - (2.0 * PI).ln() / 2.0,
        }
    }
}

/// Writes with which probability each component made a gap at `x`; ln of the density over ln g.
#[inline]
fn responsibilities(scales: &[Scale], x: f64, shares: &mut [f64]) -> f64 {
    let mut highest = f64::NEG_INFINITY;
    for (scale, share) in scales.iter().zip(&mut *shares) {
        let z = (x - scale.mean) * scale.inverse;
        *share = scale.constant - z * z / 2.0;
        highest = highest.max(*share);
    }
    let mut total = 0.0;
    for share in &mut *shares {
        *share = (*share - highest).exp();
        total += *share;
    }
    for share in &mut *shares {
        *share /= total;
    }
    highest + total.ln()
}
