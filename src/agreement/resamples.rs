//! How sure a measure is: users drawn again, each with a Poisson weight that a hash of seed, user
//! and replicate fixes, so that order and threads do not matter (METHODS section 9).

use crate::agreement::boundaries::{ENDLESS, Gap, Group};
use crate::agreement::choice::BiasPoint;
use crate::agreement::tally::Tally;
use crate::events::Micros;
use crate::sessions::users::mix;
use crate::time::duration::Timeout;

/// The sums of every replicate.
#[derive(Clone, Debug)]
pub(super) struct Resamples {
    seed: u64,
    /// The upper edges of the classes of gaps; longer ones fall in one more class.
    edges: Vec<Micros>,
    replicates: Vec<Replicate>,
}

/// One draw of users.
#[derive(Clone, Debug)]
pub(super) struct Replicate {
    pub(super) tally: Tally,
    /// By class: tracked boundaries, others.
    gaps: Vec<[u64; 2]>,
    pub(super) bias: Vec<BiasPoint>,
}

/// What one user adds to a replicate.
pub(super) struct Share<'a> {
    pub(super) tally: &'a Tally,
    pub(super) gaps: &'a [Gap],
    pub(super) bias: &'a [BiasPoint],
}

/// By how much the edges of neighbouring classes of gaps differ.
const STEP: f64 = 1.01;

impl Resamples {
    /// So many replicates, for curves of so many timeouts.
    pub(super) fn new(seed: u64, replicates: u32, timeouts: usize) -> Self {
        let edges = edges();
        let replicate = Replicate {
            tally: Tally::default(),
            gaps: vec![[0; 2]; edges.len() + 1],
            bias: vec![BiasPoint::default(); timeouts],
        };
        Self {
            seed,
            replicates: vec![replicate; replicates as usize],
            edges,
        }
    }

    /// Adds a user to the replicates it is drawn for.
    pub(super) fn user(&mut self, hash: u64, share: &Share<'_>) {
        if self.replicates.is_empty() {
            return;
        }
        let gaps = self.classes(share.gaps);
        for (number, replicate) in self.replicates.iter_mut().enumerate() {
            let times = weight(self.seed, hash, number as u64);
            if times == 0 {
                continue;
            }
            replicate.tally.add(share.tally, i128::from(times));
            for &(class, [boundaries, inner]) in &gaps {
                replicate.gaps[class][0] += times * boundaries;
                replicate.gaps[class][1] += times * inner;
            }
            for (sum, point) in replicate.bias.iter_mut().zip(share.bias) {
                sum.add(point, times);
            }
        }
    }

    /// Adds to every replicate a sum of a user that was there before.
    pub(super) fn tally(&mut self, hash: u64, tally: &Tally) {
        for (number, replicate) in self.replicates.iter_mut().enumerate() {
            let times = weight(self.seed, hash, number as u64);
            replicate.tally.add(tally, i128::from(times));
        }
    }

    pub(super) fn merge(&mut self, other: Resamples) {
        for (replicate, other) in self.replicates.iter_mut().zip(other.replicates) {
            replicate.tally.add(&other.tally, 1);
            for (sum, gaps) in replicate.gaps.iter_mut().zip(other.gaps) {
                sum[0] += gaps[0];
                sum[1] += gaps[1];
            }
            for (sum, point) in replicate.bias.iter_mut().zip(&other.bias) {
                sum.add(point, 1);
            }
        }
    }

    pub(super) fn replicates(&self) -> &[Replicate] {
        &self.replicates
    }

    /// The gaps of a replicate in classes, the shortest first.
    pub(super) fn groups<'a>(
        &'a self,
        replicate: &'a Replicate,
    ) -> impl Iterator<Item = Group> + use<'a> {
        let edges = self.edges.iter().copied().chain([ENDLESS]);
        let groups = edges.zip(&replicate.gaps);
        groups
            .filter(|(_, gaps)| **gaps != [0, 0])
            .map(|(length, &[boundaries, inner])| Group {
                length,
                boundaries,
                inner,
            })
    }

    /// The classes that a user's gaps fall in, with tracked boundaries and others.
    fn classes(&self, gaps: &[Gap]) -> Vec<(usize, [u64; 2])> {
        let class = |gap: &Gap| {
            let class = self.edges.partition_point(|&edge| edge < gap.length);
            (
                class,
                [u64::from(gap.is_boundary), u64::from(!gap.is_boundary)],
            )
        };
        let mut classes: Vec<_> = gaps.iter().map(class).collect();
        classes.sort_unstable_by_key(|&(class, _)| class);
        classes.dedup_by(|next, before| {
            let is_same = next.0 == before.0;
            if is_same {
                before.1[0] += next.1[0];
                before.1[1] += next.1[1];
            }
            is_same
        });
        classes
    }
}

/// From the shortest to the longest timeout.
fn edges() -> Vec<Micros> {
    let (shortest, longest) = (Timeout::SHORTEST.micros(), Timeout::LONGEST.micros());
    let next = |edge: &f64| Some(edge * STEP);
    std::iter::successors(Some(shortest as f64), next)
        .map(|edge| edge.round() as Micros)
        .take_while(|&edge| edge < longest)
        .chain([longest])
        .collect()
}

/// How often a user stands in a replicate: Poisson with mean 1.
fn weight(seed: u64, hash: u64, replicate: u64) -> u64 {
    let drawn = mix(hash ^ mix(seed ^ mix(replicate + 1)));
    let mut left = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
    let (mut times, mut chance) = (0, (-1.0_f64).exp());
    while left >= chance && times < MOST {
        left -= chance;
        times += 1;
        chance /= times as f64;
    }
    times
}

/// A Poisson number of mean 1 beyond this has a chance under 10⁻¹⁴.
const MOST: u64 = 16;
