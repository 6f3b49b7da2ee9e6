//! The valley of the log density: a Gaussian kernel over ln g, and the lowest point between two
//! humps (METHODS sections 2 and 4).

use crate::threshold::bins::{Bins, WIDTH};

/// The kernel's deviation in ln g.
pub const KERNEL: f64 = 0.3;

/// The density is looked at from so many steps of the clock on; shorter gaps lie too far apart.
const FIRST_STEPS: f64 = 10.0;

/// The least share of gaps on each side of a valley; a few long gaps make no hump.
const LEAST_SIDE: f64 = 0.03;

/// The kernel reaches so many deviations.
const REACH: f64 = 4.0;

/// The lowest point between two humps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Valley {
    /// ln steps.
    pub at: f64,
    /// The density there over the lower of the two humps; 1 where there are no two.
    pub depth: f64,
}

/// The kernel, laid out once for an axis.
#[derive(Debug)]
pub struct Kernel {
    /// ln steps at which the density is taken.
    grid: Vec<f64>,
    /// For each of them the first bin in reach and the kernel's weights from there on.
    reach: Vec<(usize, Vec<f64>)>,
    /// For each of them the first bin beyond it.
    beyond: Vec<usize>,
}

impl Kernel {
    /// Of that deviation.
    pub fn new(bins: &Bins, deviation: f64) -> Self {
        let points = bins.points();
        let last = points.last().copied().unwrap_or_default();
        let count = ((last - FIRST_STEPS.ln()) / WIDTH).ceil() as usize + 1;
        let grid: Vec<f64> = (0..count)
            .map(|place| FIRST_STEPS.ln() + place as f64 * WIDTH)
            .collect();
        let reach = grid
            .iter()
            .map(|x| {
                let from = points.partition_point(|point| *point < x - REACH * deviation);
                let to = points.partition_point(|point| *point <= x + REACH * deviation);
                let weights = points[from..to]
                    .iter()
                    .map(|point| (-((x - point) / deviation).powi(2) / 2.0).exp())
                    .collect();
                (from, weights)
            })
            .collect();
        let beyond = grid
            .iter()
            .map(|x| points.partition_point(|point| point <= x))
            .collect();
        Self {
            grid,
            reach,
            beyond,
        }
    }

    /// The deepest valley between `low` and `high` (ln steps); `None` without a gap.
    pub fn valley(&self, histogram: &[f64], (low, high): (f64, f64)) -> Option<Valley> {
        let total: f64 = histogram.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let density = self.density(histogram);
        let later = later_humps(&density);
        let mut best = Valley {
            at: f64::midpoint(low, high),
            depth: 1.0,
        };
        let (mut earlier, mut bin, mut below) = (0.0_f64, 0, 0.0);
        let mut lowest = None;
        for (place, &at) in self.grid.iter().enumerate() {
            earlier = earlier.max(density[place]);
            below += histogram[bin..self.beyond[place]].iter().sum::<f64>();
            bin = self.beyond[place];
            let side = below.min(total - below);
            if !(low..=high).contains(&at) || side < LEAST_SIDE * total {
                continue;
            }
            let depth = density[place] / earlier.min(later[place]);
            if depth < best.depth {
                best = Valley { at, depth };
                lowest = Some(place);
            }
        }
        if let Some(place) = lowest {
            best.at += WIDTH * vertex(&density, place);
        }
        Some(best)
    }

    /// The density at each place of the grid, up to a factor.
    fn density(&self, histogram: &[f64]) -> Vec<f64> {
        self.reach
            .iter()
            .map(|(from, weights)| {
                let part = &histogram[*from..from + weights.len()];
                part.iter()
                    .zip(weights)
                    .map(|(count, weight)| count * weight)
                    .sum()
            })
            .collect()
    }
}

/// For each place the highest density from there on.
fn later_humps(density: &[f64]) -> Vec<f64> {
    let mut later = density.to_vec();
    for place in (1..later.len()).rev() {
        later[place - 1] = later[place - 1].max(later[place]);
    }
    later
}

/// How far, in steps of the grid, the extremum of the parabola through a place and its neighbours
/// lies from it: at most half a step, so that an answer moves smoothly with the data.
pub(crate) fn vertex(values: &[f64], place: usize) -> f64 {
    let around = place
        .checked_sub(1)
        .and_then(|from| values.get(from..from + 3));
    let Some([before, here, after]) = around else {
        return 0.0;
    };
    let bend = before - 2.0 * here + after;
    if bend == 0.0 {
        return 0.0;
    }
    ((before - after) / (2.0 * bend)).clamp(-0.5, 0.5)
}
