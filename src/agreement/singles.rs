//! Every measure in the end: those drawn from sums, and those that need all values at once.

use crate::agreement::durations::{Errors, quantile};
use crate::agreement::intervals::Draws;
use crate::agreement::scores::{Kind, Measure};
use crate::agreement::tally::Tally;
use crate::agreement::values::{NO_CHOICE, NO_EVENT, NO_PAIR, Value, of, pooled};
use crate::events::{Micros, SECOND};

/// What is not drawn from the sums.
pub(super) struct Singles {
    pub(super) area: Value,
    pub(super) ceiling: Value,
    pub(super) window_size: Option<u64>,
    /// Adjusted Rand indexes of users that have one.
    pub(super) rands: Vec<f64>,
    pub(super) errors: Errors,
}

impl Singles {
    /// Every measure, in the order of kinds.
    pub(super) fn measures(mut self, tally: &Tally, draws: &Draws<'_>) -> Vec<Measure> {
        let measure = |kind| {
            let users = self.rands.len() as u64;
            let value = self.value(kind, tally);
            Measure {
                kind,
                value: value.ok(),
                interval: value.ok().and_then(|value| draws.interval(kind, value)),
                reason: value.err(),
                of: match kind {
                    Kind::AdjustedRandMedian => users,
                    _ => of(kind, tally),
                },
            }
        };
        Kind::all().map(measure).collect()
    }

    fn value(&mut self, kind: Kind, tally: &Tally) -> Value {
        let errors = &mut self.errors;
        match kind {
            Kind::Area => self.area,
            Kind::CeilingF1 => self.ceiling,
            Kind::WindowSize => self.window_size.map(|size| size as f64).ok_or(NO_EVENT),
            Kind::AdjustedRandMedian => median(&mut self.rands).ok_or(NO_CHOICE),
            Kind::MedianAbsoluteError => {
                let mut sizes: Vec<Micros> = errors.durations.iter().map(|one| one.abs()).collect();
                seconds(quantile(&mut sizes, 500))
            }
            Kind::PercentileLow => seconds(quantile(&mut errors.durations, 25)),
            Kind::PercentileHigh => seconds(quantile(&mut errors.durations, 975)),
            Kind::StartErrorMedian => seconds(quantile(&mut errors.starts, 500)),
            Kind::EndErrorMedian => seconds(quantile(&mut errors.ends, 500)),
            _ => pooled(kind, tally),
        }
    }
}

fn seconds(micros: Option<f64>) -> Value {
    micros.map(|micros| micros / SECOND as f64).ok_or(NO_PAIR)
}

/// The middle value, or the mean of the middle two.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let (lower, upper) = (values[last / 2], values[last.div_ceil(2)]);
    Some(lower + (upper - lower) / 2.0)
}
