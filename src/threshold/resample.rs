//! Users resampled: each user counts Poisson(1) times in each replicate, by a hash of seed, user
//! and replicate, so that the answer is the same in any order and any partition. Replicates'
//! histograms grow user by user as whole numbers in `f64`, which are exact below 2⁵³.

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

/// Writes how often the user of that hash counts in each replicate.
pub fn weights(seed: u64, user: u64, weights: &mut [f64]) {
    let user = mix(user ^ mix(seed ^ 0x5e55_1017_e5ee_d000));
    for (block, weights) in weights.chunks_mut(4).enumerate() {
        let bits = mix(user.wrapping_add((block as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        for (lane, weight) in weights.iter_mut().enumerate() {
            let draw = (bits >> (16 * lane)) as u16;
            let count: u16 = BELOW.iter().map(|&below| u16::from(draw >= below)).sum();
            *weight = f64::from(count);
        }
    }
}

/// A histogram per replicate: rows are bins, replicates lie side by side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replicates {
    lanes: usize,
    cells: Vec<f64>,
}

impl Replicates {
    /// Empty ones.
    pub(crate) fn new(bins: usize, lanes: usize) -> Self {
        Self {
            lanes,
            cells: vec![0.0; bins * lanes],
        }
    }

    /// Adds `amount`, a whole number, times each replicate's weight to a bin.
    #[inline]
    pub(crate) fn add(&mut self, bin: usize, amount: f64, weights: &[f64]) {
        let row = &mut self.cells[bin * self.lanes..][..self.lanes];
        for (cell, weight) in row.iter_mut().zip(weights) {
            *cell += amount * weight;
        }
    }

    /// Adds another's cells, which must lie on the same axis.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (cell, other) in self.cells.iter_mut().zip(&other.cells) {
            *cell += other;
        }
    }

    /// One replicate's histogram.
    pub(crate) fn histogram(&self, lane: usize) -> Vec<f64> {
        self.cells.chunks(self.lanes).map(|row| row[lane]).collect()
    }
}
