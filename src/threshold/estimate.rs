//! Gaps taken in user by user, and what every method says of them at the end. Sums are whole
//! numbers, so that neither the order of users nor the parts that threads took can be seen.

pub use crate::threshold::resample::Resampling;

use crate::events::{Micros, SECOND};
use crate::measures::dwell::within::WithinModel;
use crate::threshold::bins::Bins;
use crate::threshold::recommend;
use crate::threshold::resample::{Draw, Replicates};
use crate::threshold::{Estimate, GapSummary, Method, SimpleRule, Test, Verdict};
use crate::time::duration::Timeout;

/// A user's gaps weigh together at most as much as so many gaps.
pub(crate) const MOST_GAPS: u32 = 100;

/// What one gap weighs where nothing is capped: fractions are parts of it.
pub(crate) const UNIT: f64 = (1 << 20) as f64;

/// A user whose gaps are asked whether they lie on both sides has at least so many.
pub(crate) const MANY_GAPS: u32 = 20;

/// How the gaps are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EstimatePlan {
    /// The timeout in use.
    pub in_use: Timeout,
    /// By which share the mean may move within a range that makes no difference: 0.05.
    pub tolerance: f64,
    /// The shortest and the longest timeout that may be recommended, in microseconds.
    pub between: (Micros, Micros),
    /// On how many threads; no answer depends on it.
    pub threads: usize,
}

/// What the gaps say.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimation {
    /// What the gaps are.
    pub gaps: GapSummary,
    /// One answer per method, in the order of `Method`.
    pub estimates: Vec<Estimate>,
    /// The simple rules.
    pub rules: Vec<SimpleRule>,
    /// What must hold for a recommendation.
    pub gates: Vec<Test>,
    /// What follows.
    pub verdict: Verdict,
    /// The mixture that the verdict rests on.
    pub chosen: Method,
    /// Things a reader must know, in whole sentences.
    pub remarks: Vec<String>,
    /// The components of the mixture that are gaps inside sessions, whatever follows; `None` where the
    /// mixture does not part.
    pub within: Option<WithinModel>,
    /// ln seconds of the mixture's timeout in each replicate; `None` where it has none there.
    pub replicates: Vec<Option<f64>>,
}

/// The gaps of some users, in histograms over one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tallies {
    pub(crate) bins: Bins,
    pub(crate) resampling: Resampling,
    pub(crate) users: u64,
    /// Users with a gap that may be a person's.
    pub(crate) users_with_gaps: u64,
    pub(crate) count: u64,
    pub(crate) zero: u64,
    pub(crate) one_step: u64,
    /// Gaps nearer to 0 than to one step, zeros among them.
    pub(crate) short: u64,
    /// Longer ones that are no person's.
    pub(crate) quick: u64,
    pub(crate) largest: u64,
    pub(crate) micros: u128,
    pub(crate) micros_squared: u128,
    /// Gaps by bin.
    pub(crate) by_gap: Vec<u64>,
    /// Their microseconds.
    pub(crate) sums: Vec<u128>,
    /// In units: each gap min(1, [`MOST_GAPS`] ÷ its user's gaps).
    pub(crate) capped: Vec<u64>,
    /// In units: each gap 1 ÷ its user's gaps.
    pub(crate) by_user: Vec<u64>,
    /// Σ w of the users, w being a user's capped gaps in units.
    pub(crate) weight: u128,
    /// Σ w².
    pub(crate) weight_squared: u128,
    /// Users with [`MANY_GAPS`] by the bin of their shortest gap, and of their longest.
    pub(crate) shortest: Vec<u64>,
    pub(crate) longest: Vec<u64>,
    pub(crate) replicates: Samples,
    scratch: Scratch,
}

/// The replicates' histograms. Gaps are numbered where they can be: small numbers are added faster
/// than units.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Samples {
    pub(crate) users: Replicates,
    /// Gaps of users that no cap holds back.
    pub(crate) whole: Replicates,
    /// Gaps of the others, and quick ones.
    pub(crate) others: Replicates,
    /// What the cap leaves of the others, in units.
    pub(crate) capped: Replicates,
    /// In units.
    pub(crate) by_user: Replicates,
}

impl Samples {
    fn new(bins: usize, lanes: usize) -> Self {
        Self {
            users: Replicates::new(1, lanes),
            whole: Replicates::new(bins, lanes),
            others: Replicates::new(bins, lanes),
            capped: Replicates::new(bins, lanes),
            by_user: Replicates::new(bins, lanes),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.users.merge(&other.users);
        self.whole.merge(&other.whole);
        self.others.merge(&other.others);
        self.capped.merge(&other.capped);
        self.by_user.merge(&other.by_user);
    }
}

/// Room for one user, empty between two.
#[derive(Clone, Debug, PartialEq)]
struct Scratch {
    counts: Vec<u32>,
    touched: Vec<u16>,
    draw: Draw,
}

impl Tallies {
    /// Of nobody yet, on the axis of a clock with that resolution in microseconds.
    pub fn new(resampling: &Resampling, resolution: Micros) -> Self {
        let bins = Bins::new(resolution);
        let (count, lanes) = (bins.count(), resampling.resamples as usize);
        Self {
            bins,
            resampling: *resampling,
            users: 0,
            users_with_gaps: 0,
            count: 0,
            zero: 0,
            one_step: 0,
            short: 0,
            quick: 0,
            largest: 0,
            micros: 0,
            micros_squared: 0,
            by_gap: vec![0; count],
            sums: vec![0; count],
            capped: vec![0; count],
            by_user: vec![0; count],
            weight: 0,
            weight_squared: 0,
            shortest: vec![0; count],
            longest: vec![0; count],
            replicates: Samples::new(count, lanes),
            scratch: Scratch {
                counts: vec![0; count],
                touched: Vec::with_capacity(count),
                draw: Draw::new(lanes),
            },
        }
    }

    /// Takes in one user: a hash of the id's text and all finite gaps in microseconds, zeros
    /// included. Users without a gap are users too; none may come twice.
    pub fn user(&mut self, hash: u64, gaps: &[Micros]) {
        self.users += 1;
        self.count += gaps.len() as u64;
        self.largest = self.largest.max(gaps.len() as u64);
        self.scratch.draw.user(self.resampling.seed, hash);
        self.replicates.users.add(0, 1.0, &self.scratch.draw);
        let kept = self.sort_in(gaps);
        self.spread(kept);
    }

    /// Sorts a user's gaps into the scratch; how many may be a person's.
    fn sort_in(&mut self, gaps: &[Micros]) -> u32 {
        let (mut kept, mut zero, mut one_step, mut short) = (0, 0, 0, 0);
        let (mut micros, mut micros_squared) = (0, 0);
        for &gap in gaps {
            let wide = gap.max(0).unsigned_abs();
            zero += u64::from(wide == 0);
            one_step += u64::from(gap == self.bins.resolution());
            micros += u128::from(wide);
            micros_squared += u128::from(wide) * u128::from(wide);
            let Some(bin) = self.bins.of(gap) else {
                short += 1;
                continue;
            };
            self.sums[bin] += u128::from(wide);
            let count = &mut self.scratch.counts[bin];
            if *count == 0 {
                self.scratch.touched.push(bin as u16);
            }
            *count += 1;
            kept += u32::from(bin >= self.bins.first());
        }
        self.zero += zero;
        self.one_step += one_step;
        self.short += short;
        self.micros += micros;
        self.micros_squared += micros_squared;
        kept
    }

    /// Adds the scratch, which holds `kept` gaps that may be a person's, to every histogram and
    /// empties it.
    fn spread(&mut self, kept: u32) {
        let capped = if kept <= MOST_GAPS {
            UNIT
        } else {
            (UNIT * f64::from(MOST_GAPS) / f64::from(kept)).round()
        };
        let by_user = (UNIT / f64::from(kept.max(1))).round();
        self.users_with_gaps += u64::from(kept > 0);
        let weight = capped as u128 * u128::from(kept);
        self.weight += weight;
        self.weight_squared += weight * weight;
        let first = self.bins.first();
        if kept >= MANY_GAPS {
            let bins = self.scratch.touched.iter().map(|bin| usize::from(*bin));
            let bins = bins.filter(|bin| *bin >= first);
            self.shortest[bins.clone().min().unwrap_or_default()] += 1;
            self.longest[bins.max().unwrap_or_default()] += 1;
        }
        for &bin in &self.scratch.touched {
            let bin = usize::from(bin);
            let count = std::mem::take(&mut self.scratch.counts[bin]);
            let (draw, samples) = (&self.scratch.draw, &mut self.replicates);
            let gaps = f64::from(count);
            self.by_gap[bin] += u64::from(count);
            if bin < first {
                self.quick += u64::from(count);
                samples.others.add(bin, gaps, draw);
                continue;
            }
            self.capped[bin] += capped as u64 * u64::from(count);
            self.by_user[bin] += by_user as u64 * u64::from(count);
            samples.by_user.add(bin, by_user * gaps, draw);
            if capped == UNIT {
                samples.whole.add(bin, gaps, draw);
            } else {
                samples.others.add(bin, gaps, draw);
                samples.capped.add(bin, capped * gaps, draw);
            }
        }
        self.scratch.touched.clear();
    }

    /// These users and those of `other`, which was made with the same resampling and resolution.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.users += other.users;
        self.users_with_gaps += other.users_with_gaps;
        self.count += other.count;
        self.zero += other.zero;
        self.one_step += other.one_step;
        self.short += other.short;
        self.quick += other.quick;
        self.largest = self.largest.max(other.largest);
        self.micros += other.micros;
        self.micros_squared += other.micros_squared;
        self.weight += other.weight;
        self.weight_squared += other.weight_squared;
        add(&mut self.by_gap, &other.by_gap);
        add(&mut self.capped, &other.capped);
        add(&mut self.by_user, &other.by_user);
        add(&mut self.shortest, &other.shortest);
        add(&mut self.longest, &other.longest);
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
        self.replicates.merge(&other.replicates);
        self
    }

    /// What every method says of these gaps.
    pub fn judge(&self, plan: &EstimatePlan) -> Estimation {
        recommend::judge(self, plan)
    }

    /// What the gaps are.
    pub(crate) fn summary(&self) -> GapSummary {
        GapSummary {
            users: self.users,
            gaps: self.count,
            zero: self.zero,
            resolution: self.bins.resolution(),
            one_step: self.one_step,
            quick: self.quick,
            largest_user_share: (self.count > 0).then(|| self.largest as f64 / self.count as f64),
            effective_users: self.effective_users(),
        }
    }

    /// (Σw)² ÷ Σw².
    pub(crate) fn effective_users(&self) -> Option<f64> {
        let weight = self.weight as f64;
        (self.weight > 0).then(|| weight * weight / self.weight_squared as f64)
    }

    /// Mean gap of each bin in seconds.
    pub(crate) fn means(&self) -> Vec<f64> {
        self.sums
            .iter()
            .zip(&self.by_gap)
            .map(|(sum, count)| *sum as f64 / (*count).max(1) as f64 / SECOND as f64)
            .collect()
    }
}

/// Adds up cell by cell.
fn add(sums: &mut [u64], others: &[u64]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
}
