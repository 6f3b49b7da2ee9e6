//! Intervals from the replicates: value ± t standard deviations, timeouts on the log axis.

use crate::agreement::boundaries::{area, best};
use crate::agreement::choice::unbiased;
use crate::agreement::resamples::Resamples;
use crate::agreement::scores::{Choice, Chosen, Kind, Unit};
use crate::agreement::values::pooled;
use crate::events::Micros;

/// What the replicates give, one entry each; `None` where it is undefined.
pub(super) struct Draws<'a> {
    resamples: &'a Resamples,
    area: Vec<Option<f64>>,
    ceiling: Vec<Option<f64>>,
    /// Logarithms of seconds.
    highest_f1: Vec<Option<f64>>,
    /// Logarithms of seconds.
    no_bias: Vec<Option<f64>>,
    /// How many standard deviations an interval extends; `None` where users are too few.
    reach: Option<f64>,
}

/// An interval needs this share of replicates to be defined (METHODS section 9).
const DEFINED: f64 = 0.95;

impl<'a> Draws<'a> {
    pub(super) fn new(resamples: &'a Resamples, grid: &[Micros], reach: Option<f64>) -> Self {
        let mut draws = Self {
            resamples,
            area: Vec::new(),
            ceiling: Vec::new(),
            highest_f1: Vec::new(),
            no_bias: Vec::new(),
            reach,
        };
        if reach.is_none() {
            return draws;
        }
        for replicate in resamples.replicates() {
            let groups = || resamples.groups(replicate);
            let best = best(groups).ok();
            draws.area.push(area(groups()).ok());
            draws.ceiling.push(best.and_then(|best| best.outcome.f1()));
            draws.highest_f1.push(best.map(|best| best.seconds().ln()));
            let no_bias = unbiased(grid, &replicate.bias).ok();
            draws.no_bias.push(no_bias.map(f64::ln));
        }
        draws
    }

    /// The interval of a measure.
    pub(super) fn interval(&self, kind: Kind, value: f64) -> Option<(f64, f64)> {
        if !kind.has_interval() {
            return None;
        }
        let (low, high) = match kind {
            Kind::Area => self.around(value, self.area.iter().copied()),
            Kind::CeilingF1 => self.around(value, self.ceiling.iter().copied()),
            _ => {
                let replicates = self.resamples.replicates().iter();
                self.around(value, replicates.map(|one| pooled(kind, &one.tally).ok()))
            }
        }?;
        let (least, most) = bounds(kind);
        Some((low.max(least), high.min(most)))
    }

    /// Adds intervals to the timeouts that were chosen.
    pub(super) fn choice(&self, choice: &mut Choice) {
        let add = |chosen: &mut Chosen, logarithms: &[Option<f64>]| {
            let seconds = chosen.seconds?;
            let (low, high) = self.around(seconds.ln(), logarithms.iter().copied())?;
            // Timeouts that do as well are never outside.
            let (from, to) = chosen.range.unwrap_or((seconds, seconds));
            chosen.interval = Some((low.exp().min(from), high.exp().max(to)));
            chosen.interval
        };
        let _ = add(&mut choice.highest_f1, &self.highest_f1);
        let _ = add(&mut choice.no_bias, &self.no_bias);
    }

    fn around(
        &self,
        value: f64,
        replicates: impl Iterator<Item = Option<f64>>,
    ) -> Option<(f64, f64)> {
        let reach = self.reach?;
        let all: Vec<Option<f64>> = replicates.collect();
        let defined: Vec<f64> = all.iter().copied().flatten().collect();
        let count = defined.len() as f64;
        if defined.len() < 2 || count < DEFINED * all.len() as f64 {
            return None;
        }
        let mean = defined.iter().sum::<f64>() / count;
        let squares = defined.iter().map(|one| (one - mean) * (one - mean));
        let deviation = (squares.sum::<f64>() / (count - 1.0)).sqrt();
        // Where every replicate says the same, they say nothing of how sure it is.
        let varies = deviation > 1e-12 * (1.0 + value.abs());
        varies.then_some((value - reach * deviation, value + reach * deviation))
    }
}

/// Between which values a measure always lies.
fn bounds(kind: Kind) -> (f64, f64) {
    match (kind.unit(), kind) {
        (Unit::Share, _) => (0.0, 1.0),
        (Unit::Index, _) => (-1.0, 1.0),
        (_, Kind::MeanAbsoluteError | Kind::MeanLogRatio) => (0.0, f64::INFINITY),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}
