//! The axis of gaps: whole steps of the clock up to 60, above them bins of a tenth in ln g. Fixed
//! before the scan by the resolution alone, so that tallies of several threads add up.

use crate::events::{Micros, SECOND};
use crate::time::civil::DAY;

/// So many of the shortest bins hold gaps of exactly 1, 2, … steps of the clock.
pub const EXACT: usize = 60;

/// Shorter gaps are a program's and not a person's, where the clock tells them apart.
pub const QUICK: Micros = SECOND;

/// Width of the other bins in ln g.
pub const WIDTH: f64 = 0.1;

/// Gaps longer than this (30 years) stand in the last bin.
const LONGEST: Micros = 30 * 365 * DAY;

/// Bits of the mantissa by which a bin is looked up.
const LOOKUP_BITS: u32 = 4;

/// The axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// The step of the clock in microseconds.
    resolution: Micros,
    /// The longest gap of each bin, inclusive; the last one is open.
    tops: Vec<Micros>,
    /// The middle of each bin, as the logarithm of steps.
    points: Vec<f64>,
    /// For each leading digits of a gap, the first bin that may hold it.
    lookup: Vec<u16>,
    /// The first bin without quick gaps.
    first: usize,
}

impl Bins {
    /// The axis of a clock with that resolution, at least a microsecond.
    pub fn new(resolution: Micros) -> Self {
        let resolution = resolution.max(1);
        let half = resolution / 2;
        let mut tops: Vec<Micros> = (1..=EXACT as Micros)
            .map(|steps| steps * resolution + half)
            .collect();
        let mut points: Vec<f64> = (1..=EXACT).map(|steps| (steps as f64).ln()).collect();
        let quick = quick_steps(resolution);
        let mut low = EXACT as f64 + 0.5;
        let (mut from, mut width) = (EXACT as f64, WIDTH);
        loop {
            let mut high = (from * width.exp()).floor() + 0.5;
            width += WIDTH;
            if low < quick && quick <= high {
                // A bin ends where quick gaps do.
                (high, from, width) = (quick, quick + 0.5, WIDTH);
            }
            if high * resolution as f64 > LONGEST as f64 {
                break;
            }
            tops.push((high - 0.5) as Micros * resolution + half);
            points.push(f64::midpoint(low.ln(), high.ln()));
            low = high;
        }
        let mut bins = Self {
            resolution,
            lookup: lookup(&tops),
            tops,
            points,
            first: 0,
        };
        bins.first = bins.of(QUICK).filter(|_| resolution < QUICK).unwrap_or(0);
        bins
    }

    /// How many bins there are.
    pub fn count(&self) -> usize {
        self.tops.len()
    }

    /// The bin of a gap; `None` for a gap that is nearer to 0 than to one step.
    #[inline]
    pub fn of(&self, gap: Micros) -> Option<usize> {
        if gap * 2 < self.resolution || gap <= 0 {
            return None;
        }
        let mut bin = usize::from(self.lookup[cell(gap)]);
        let last = self.tops.len() - 1;
        while bin < last && gap > self.tops[bin] {
            bin += 1;
        }
        Some(bin)
    }

    /// The middle of a bin: the logarithm of its gaps in steps of the clock.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// The longest gap of a bin, inclusive, in seconds.
    pub fn top_seconds(&self, bin: usize) -> f64 {
        self.tops[bin] as f64 / SECOND as f64
    }

    /// The logarithm of one step in seconds: what turns ln steps into ln seconds.
    pub fn shift(&self) -> f64 {
        (self.resolution as f64 / SECOND as f64).ln()
    }

    /// The first bin without quick gaps.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Where that bin begins, in steps of the clock.
    pub fn first_steps(&self) -> f64 {
        quick_steps(self.resolution)
    }

    /// One step in seconds.
    pub fn step_seconds(&self) -> f64 {
        self.resolution as f64 / SECOND as f64
    }

    /// One step in microseconds.
    pub fn resolution(&self) -> Micros {
        self.resolution
    }
}

/// Where quick gaps end, in steps of the clock; between two whole numbers, as the bins do.
fn quick_steps(resolution: Micros) -> f64 {
    (QUICK as f64 / resolution as f64).ceil() - 0.5
}

/// The place in the lookup of a gap above 0: its number of bits and the digits behind the first.
#[inline]
fn cell(gap: Micros) -> usize {
    let gap = gap as u64;
    let bits = gap.ilog2();
    let digits = if bits >= LOOKUP_BITS {
        gap >> (bits - LOOKUP_BITS)
    } else {
        gap << (LOOKUP_BITS - bits)
    };
    ((bits as usize) << LOOKUP_BITS) | (digits as usize & ((1 << LOOKUP_BITS) - 1))
}

/// For each cell the first bin that may hold its shortest gap.
fn lookup(tops: &[Micros]) -> Vec<u16> {
    (0..63_u32)
        .flat_map(|bits| (0..1_u64 << LOOKUP_BITS).map(move |digits| (bits, digits)))
        .map(|(bits, digits)| {
            let shortest = (1_u128 << bits) + ((u128::from(digits) << bits) >> LOOKUP_BITS);
            let bin = tops.partition_point(|&top| (top as u128) < shortest);
            bin.min(tops.len() - 1) as u16
        })
        .collect()
}
