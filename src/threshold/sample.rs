//! Every method's answer for one weighting of the users: for the users as they came, and again for
//! each replicate. All answers are ln seconds.

use crate::threshold::bins::Bins;
use crate::threshold::crossing::{Crossing, crossings};
use crate::threshold::curve::Curve;
use crate::threshold::estimate::{Tallies, UNIT};
use crate::threshold::knee::knee;
use crate::threshold::mixture::{Component, Observed};
use crate::threshold::plateau::plateau;
use crate::threshold::split::split;
use crate::threshold::valley::{KERNEL, Kernel, Valley};

/// A replicate's mixture starts where the point's ended, so that it needs fewer steps; where the
/// gaps do not part, steps never end.
const STEPS: usize = 150;

/// One method's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// ln seconds; `None` where the method finds none.
    pub(crate) at: Option<f64>,
    /// What the method's test asks about; larger is better for all but the valley's depth.
    pub(crate) strength: Option<f64>,
    /// The ends in ln seconds, where it found a range.
    pub(crate) range: Option<(f64, f64)>,
}

/// One weighting of the users.
#[derive(Clone, Debug)]
pub(crate) struct Histograms {
    /// Σ of the users' weights.
    pub(crate) users: f64,
    /// Gaps by bin, capped.
    pub(crate) capped: Vec<f64>,
    /// Each user's gaps together 1.
    pub(crate) by_user: Vec<f64>,
    /// Each gap 1.
    pub(crate) by_gap: Vec<f64>,
}

impl Histograms {
    /// The users as they came.
    pub(crate) fn of(tallies: &Tallies) -> Self {
        let scaled = |units: &[u64]| units.iter().map(|units| *units as f64 / UNIT).collect();
        Self {
            users: tallies.users as f64,
            capped: scaled(&tallies.capped),
            by_user: scaled(&tallies.by_user),
            by_gap: tallies.by_gap.iter().map(|gaps| *gaps as f64).collect(),
        }
    }

    /// One replicate.
    pub(crate) fn replicate(tallies: &Tallies, lane: usize) -> Self {
        let samples = &tallies.replicates;
        let scaled = |histogram: Vec<f64>| -> Vec<f64> {
            histogram.into_iter().map(|units| units / UNIT).collect()
        };
        let whole = samples.whole.histogram(lane);
        let with = |others: Vec<f64>| -> Vec<f64> {
            let both = whole.iter().zip(others);
            both.map(|(whole, other)| whole + other).collect()
        };
        Self {
            users: samples.users.histogram(lane)[0],
            by_user: scaled(samples.by_user.histogram(lane)),
            by_gap: with(samples.others.histogram(lane)),
            capped: with(scaled(samples.capped.histogram(lane))),
        }
    }
}

/// What does not change from one weighting to the next.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    bins: &'a Bins,
    /// ln seconds of each bin's end.
    ends: Vec<f64>,
    /// Seconds of each bin's mean gap.
    means: Vec<f64>,
    narrow: Kernel,
    wide: Kernel,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(tallies: &'a Tallies) -> Self {
        let bins = &tallies.bins;
        Self {
            bins,
            ends: (0..bins.count())
                .map(|bin| bins.top_seconds(bin).ln())
                .collect(),
            means: tallies.means(),
            narrow: Kernel::new(bins, KERNEL),
            wide: Kernel::new(bins, 2.0 * KERNEL),
        }
    }

    /// Sessions and durations at any timeout.
    pub(crate) fn curve(&self, histograms: &Histograms) -> Curve {
        Curve::new(
            &self.ends,
            &self.means,
            histograms.users,
            &histograms.by_gap,
        )
    }

    /// The valley anywhere; its depth is the worse of those with the kernel and with twice its width.
    pub(crate) fn valley(&self, histograms: &Histograms) -> Answer {
        let anywhere = (f64::NEG_INFINITY, f64::INFINITY);
        let narrow = self.narrow.valley(&histograms.capped, anywhere);
        let wide = self.wide.valley(&histograms.capped, anywhere);
        let (Some(narrow), Some(wide)) = (narrow, wide) else {
            return Answer::default();
        };
        Answer {
            at: (narrow.depth < 1.0).then_some(narrow.at + self.bins.shift()),
            strength: Some(narrow.depth.max(wide.depth)),
            range: None,
        }
    }

    /// The valley of a histogram between two points in ln steps.
    pub(crate) fn valley_between(&self, histogram: &[f64], between: (f64, f64)) -> Option<Valley> {
        self.narrow.valley(histogram, between)
    }

    /// The cut in two classes.
    pub(crate) fn split(&self, histograms: &Histograms) -> Answer {
        let split = split(self.bins.points(), &histograms.capped);
        Answer {
            at: split.map(|split| split.at + self.bins.shift()),
            strength: split.map(|split| split.explained),
            range: None,
        }
    }

    /// The knee of the number of sessions.
    pub(crate) fn knee(&self, curve: &Curve) -> Answer {
        let knee = knee(curve);
        Answer {
            at: knee.map(|knee| knee.at),
            strength: knee.map(|knee| knee.distance),
            range: None,
        }
    }

    /// The middle of the longest range in which the mean hardly moves.
    pub(crate) fn plateau(&self, curve: &Curve) -> Answer {
        let range = plateau(curve);
        Answer {
            at: range.map(|(low, high)| f64::midpoint(low, high)),
            strength: range.map(|(low, high)| (high - low).exp()),
            range,
        }
    }

    /// Where a mixture that starts from `components` crosses after it was fitted to a histogram.
    pub(crate) fn refitted(
        &self,
        histogram: &[f64],
        first: usize,
        components: &[Component],
    ) -> Option<f64> {
        let observed = Observed::new(self.bins, histogram, first);
        let fit = observed.refit(components.to_vec(), STEPS)?;
        best_crossing(&fit.components).map(|crossing| crossing.at + self.bins.shift())
    }
}

/// The grouping that misclassifies least.
pub(crate) fn best_crossing(components: &[Component]) -> Option<Crossing> {
    crossings(components).first().copied()
}
