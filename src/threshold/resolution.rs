//! The resolution of a clock, from the stamps that it gave: the largest step that divides at least
//! 99 % of them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::events::{Batch, MAX_SOURCES, Micros, SECOND};
use crate::time::civil::{HOUR, MINUTE};

/// The steps that are looked for; each divides the next one.
pub const STEPS: [Micros; 7] = [1, 1_000, SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR];

/// How many stamps each step divides, and no larger one.
type Counts = [u64; STEPS.len()];

/// Counts stamps by source, on several threads at once.
#[derive(Debug)]
pub struct Resolutions(Vec<[AtomicU64; STEPS.len()]>);

impl Default for Resolutions {
    fn default() -> Self {
        let sources = (0..=MAX_SOURCES).map(|_| Default::default());
        Self(sources.collect())
    }
}

impl Resolutions {
    /// Counts the stamps of a batch.
    pub fn note(&self, batch: &Batch) {
        for (times, source) in batch.by_source() {
            let counts = count(times);
            for (all, count) in self.0[usize::from(source)].iter().zip(counts) {
                all.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// The resolution of the stamps of all sources that `counts` accepts together; a microsecond
    /// where there is none.
    pub fn of(&self, counts: impl Fn(u8) -> bool) -> Micros {
        let mut all = Counts::default();
        let sources = (0..=u8::MAX).zip(&self.0);
        for (_, source) in sources.filter(|(source, _)| counts(*source)) {
            for (all, count) in all.iter_mut().zip(source) {
                *all += count.load(Ordering::Relaxed);
            }
        }
        resolution(&all)
    }
}

fn count(times: &[Micros]) -> Counts {
    let mut counts = Counts::default();
    for &at in times {
        let mut step = 0;
        // Within an hour, since every step divides it: smaller numbers divide faster.
        let rest = at.rem_euclid(HOUR) as u64;
        if rest.is_multiple_of(SECOND as u64) {
            let rest = (rest / SECOND as u64) as u32;
            step = match () {
                () if rest == 0 => 6,
                () if !rest.is_multiple_of(60) => 2,
                () if rest.is_multiple_of(900) => 5,
                () if rest.is_multiple_of(300) => 4,
                () => 3,
            };
        } else if rest.is_multiple_of(1_000) {
            step = 1;
        }
        counts[step] += 1;
    }
    counts
}

fn resolution(counts: &Counts) -> Micros {
    let all: u64 = counts.iter().sum();
    let mut divided = 0;
    for (step, count) in STEPS.into_iter().zip(counts).rev() {
        divided += count;
        if all > 0 && u128::from(divided) * 100 >= u128::from(all) * 99 {
            return step;
        }
    }
    1
}
