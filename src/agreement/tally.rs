//! The sums of which every pooled measure is made. They are whole numbers: fractions are kept in
//! steps of 2⁻⁴⁰, rounded once a user, so that order and threads do not matter.

use std::ops::{Index, IndexMut};

/// One of the sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sum {
    TruePositives,
    FalsePositives,
    FalseNegatives,
    TrueNegatives,
    NearBoundaries,
    CoveredTruePositives,
    CoveredFalsePositives,
    CoveredFalseNegatives,
    CoveredTrueNegatives,
    Windows,
    PkErrors,
    WindowDiffErrors,
    /// Index minus its expectation, a fraction.
    RandGain,
    /// The highest index minus the expectation, a fraction.
    RandRoom,
    InsideEvents,
    /// Events times entropy of the tracked sessions in nats, a fraction; the same below.
    TrackedEntropy,
    TrackedEntropyGivenInferred,
    InferredEntropy,
    InferredEntropyGivenTracked,
    /// Fractions.
    BCubedPrecision,
    BCubedRecall,
    Tracked,
    TrackedWithEvents,
    Contained,
    SameFirst,
    SameLast,
    SameBoth,
    /// Fractions.
    BestOverlap,
    BestJaccard,
    Inferred,
    SharedLength,
    InferredLength,
    TrackedLength,
    /// A fraction.
    SharedOfUnion,
    PairsWithLength,
    Splits,
    Merges,
    Misses,
    Orphans,
    Pairs,
    Difference,
    AbsoluteDifference,
    /// A fraction.
    LogRatio,
    PairsWithRatio,
    InferredDuration,
    TrackedDuration,
    InferredSquared,
    TrackedSquared,
    Product,
    StartError,
    EndError,
}

const SUMS: usize = Sum::EndError as usize + 1;

/// All sums.
#[derive(Clone, Debug)]
pub(super) struct Tally([i128; SUMS]);

impl Default for Tally {
    fn default() -> Self {
        Self([0; SUMS])
    }
}

impl Tally {
    /// Adds another one so many times.
    pub(super) fn add(&mut self, other: &Tally, times: i128) {
        for (sum, value) in self.0.iter_mut().zip(&other.0) {
            // Only lengths far beyond any calendar saturate. Most users stand once in a replicate,
            // and a product of 128 bits is slow.
            let value = match times {
                1 => *value,
                _ => value.saturating_mul(times),
            };
            *sum = sum.saturating_add(value);
        }
    }

    /// Adds a fraction.
    pub(super) fn add_fraction(&mut self, sum: Sum, value: f64) {
        self[sum] += (value * STEPS).round() as i128;
    }

    /// A sum of fractions.
    pub(super) fn fraction(&self, sum: Sum) -> f64 {
        self[sum] as f64 / STEPS
    }

    /// A sum as a number.
    pub(super) fn number(&self, sum: Sum) -> f64 {
        self[sum] as f64
    }

    /// Sums that count things, together.
    pub(super) fn count(&self, sums: &[Sum]) -> u64 {
        let total: i128 = sums.iter().map(|&sum| self[sum]).sum();
        u64::try_from(total).expect("things are counted in 64 bits")
    }
}

/// Steps of one.
const STEPS: f64 = (1_u64 << 40) as f64;

impl Index<Sum> for Tally {
    type Output = i128;

    fn index(&self, sum: Sum) -> &i128 {
        &self.0[sum as usize]
    }
}

impl IndexMut<Sum> for Tally {
    fn index_mut(&mut self, sum: Sum) -> &mut i128 {
        &mut self.0[sum as usize]
    }
}
