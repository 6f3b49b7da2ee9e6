//! Users resampled: each user counts Poisson(1) times in each replicate, by a hash of seed, user
//! and replicate, so that the answer is the same in any order and any partition. Replicates'
//! histograms grow user by user as whole numbers, which are exact in `f64` below 2⁵³.

use crate::sessions::users::mix;

/// Which replicates there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// How many replicates; 0 for none, and then no interval.
    pub resamples: u32,
    /// Whatever makes one run's replicates differ from another's.
    pub seed: u64,
}

/// P(Poisson(1) < k) for k = 1, 2, … in parts of 2¹⁶, rounded.
const BELOW: [u16; 8] = [24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535];

/// How many replicates are drawn side by side.
const BLOCK: usize = 64;

/// Writes how often the user of that hash counts in each replicate.
pub fn weights(seed: u64, user: u64, weights: &mut [f32]) {
    let user = mix(user ^ mix(seed ^ 0x5e55_1017_e5ee_d000));
    let mut place = 0_u64;
    for weights in weights.chunks_mut(BLOCK) {
        let mut draws = [0_u16; BLOCK];
        for draws in draws[..weights.len().next_multiple_of(4)].chunks_exact_mut(4) {
            place += 1;
            let bits = mix(user.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            for (lane, draw) in draws.iter_mut().enumerate() {
                *draw = (bits >> (16 * lane)) as u16;
            }
        }
        let mut counts = [0_u16; BLOCK];
        for below in BELOW {
            for (count, draw) in counts.iter_mut().zip(draws) {
                *count += u16::from(draw >= below);
            }
        }
        for (weight, count) in weights.iter_mut().zip(counts) {
            *weight = f32::from(count);
        }
    }
}

/// How often one user counts in each replicate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draw {
    weights: Vec<f32>,
    most: f64,
}

impl Draw {
    /// Of nobody yet.
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            weights: vec![0.0; lanes],
            most: 0.0,
        }
    }

    /// Draws the user of a hash.
    pub(crate) fn user(&mut self, seed: u64, user: u64) {
        weights(seed, user, &mut self.weights);
        let most = self.weights.iter().fold(
            0.0_f32,
            |most, &weight| {
                if weight > most { weight } else { most }
            },
        );
        self.most = most.into();
    }
}

/// Whole numbers up to this one are exact in `f32`.
const EXACT: f64 = (1 << f32::MANTISSA_DIGITS) as f64;

/// A histogram per replicate: rows are bins, replicates lie side by side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replicates {
    lanes: usize,
    cells: Vec<f64>,
    /// What was added to the cells lately: half as wide, so twice as fast to add to.
    latest: Vec<f32>,
    /// What the latest of no replicate exceeds, by bin; at most [`EXACT`].
    most: Vec<f64>,
}

impl Replicates {
    /// Empty ones.
    pub(crate) fn new(bins: usize, lanes: usize) -> Self {
        Self {
            lanes,
            cells: vec![0.0; bins * lanes],
            latest: vec![0.0; bins * lanes],
            most: vec![0.0; bins],
        }
    }

    /// Adds `amount`, a whole number, times what a user counts in each replicate to a bin.
    #[inline]
    pub(crate) fn add(&mut self, bin: usize, amount: f64, draw: &Draw) {
        let most = amount * draw.most;
        if most > EXACT {
            return self.add_much(bin, amount, draw);
        }
        if self.most[bin] + most > EXACT {
            self.settle(bin);
        }
        self.most[bin] += most;
        let amount = amount as f32;
        let row = &mut self.latest[bin * self.lanes..][..self.lanes];
        for (cell, weight) in row.iter_mut().zip(&draw.weights) {
            *cell += amount * weight;
        }
    }

    /// Adds an amount that is too large for the latest.
    fn add_much(&mut self, bin: usize, amount: f64, draw: &Draw) {
        let row = &mut self.cells[bin * self.lanes..][..self.lanes];
        for (cell, &weight) in row.iter_mut().zip(&draw.weights) {
            *cell += amount * f64::from(weight);
        }
    }

    /// Moves the latest of a bin to its cells.
    fn settle(&mut self, bin: usize) {
        let row = bin * self.lanes..(bin + 1) * self.lanes;
        let cells = self.cells[row.clone()].iter_mut();
        for (cell, latest) in cells.zip(&mut self.latest[row]) {
            *cell += f64::from(std::mem::take(latest));
        }
        self.most[bin] = 0.0;
    }

    /// Adds another's cells, which must lie on the same axis.
    pub(crate) fn merge(&mut self, other: &Self) {
        let others = other.cells.iter().zip(&other.latest);
        for (cell, (other, &latest)) in self.cells.iter_mut().zip(others) {
            *cell += other + f64::from(latest);
        }
    }

    /// One replicate's histogram.
    pub(crate) fn histogram(&self, lane: usize) -> Vec<f64> {
        let rows = self.cells.chunks(self.lanes);
        let rows = rows.zip(self.latest.chunks(self.lanes));
        rows.map(|(cells, latest)| cells[lane] + f64::from(latest[lane]))
            .collect()
    }
}
