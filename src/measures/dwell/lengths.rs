//! How long the dwell of each source is: the gaps after its events, their median, and how far it is
//! drawn towards that of all sources.

use std::sync::Arc;

use crate::events::{Micros, SECOND};
use crate::measures::durations::Durations;
use crate::sessions::spill::Memory;

/// So many gaps weigh as much as what all sources say together.
const SHRINKAGE: f64 = 20.0;

/// Bytes of memory for which gaps ask at once.
const ASKED: usize = 1 << 18;

/// Bytes of a gap in memory, with what a growing list holds ready.
const GAP: usize = size_of::<u32>() * 2;

/// The gaps inside closed sessions, by the source of the event that each follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceGaps {
    by_source: Vec<SourceGap>,
    memory: Option<Arc<Memory>>,
    /// Bytes of gaps added since memory was last taken for them.
    untaken: usize,
    taken: usize,
}

#[derive(Clone, Debug, Default)]
struct SourceGap {
    count: u64,
    gaps: Durations,
}

/// What the gaps of one source say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Median {
    /// How many gaps there are.
    pub(crate) gaps: u64,
    /// Their median in seconds; `None` without a gap.
    pub(crate) own: Option<f64>,
    /// The median drawn towards that of all, in seconds; `None` where no source has a gap.
    pub(crate) shrunk: Option<f64>,
}

impl SourceGaps {
    /// No gap of so many sources.
    pub(crate) fn new(sources: usize) -> Self {
        Self {
            by_source: vec![SourceGap::default(); sources],
            ..Self::default()
        }
    }

    /// The same within the memory of the run: gaps that do not fit go to its temporary file.
    pub(crate) fn within(mut self, memory: &Arc<Memory>) -> Self {
        self.memory = Some(Arc::clone(memory));
        self
    }

    /// Adds gaps, each with its source.
    pub(crate) fn extend(&mut self, gaps: &[(u8, Micros)]) {
        for &(source, gap) in gaps {
            let own = &mut self.by_source[usize::from(source)];
            own.count += 1;
            own.gaps.extend([gap]);
        }
        self.take_room(gaps.len() * GAP);
    }

    fn take_room(&mut self, bytes: usize) {
        let Some(memory) = &self.memory else {
            return;
        };
        self.untaken += bytes;
        if self.untaken < ASKED.min(memory.smallest_spill()) {
            return;
        }
        if memory.take(self.untaken) {
            self.taken += std::mem::take(&mut self.untaken);
        } else if self.taken + self.untaken >= memory.smallest_spill() {
            memory.give_back(self.taken);
            (self.taken, self.untaken) = (0, 0);
            for own in &mut self.by_source {
                own.gaps.spill(memory);
            }
        }
    }

    /// Adds the gaps of other users.
    pub(crate) fn merge(&mut self, other: Self) {
        for (own, other) in self.by_source.iter_mut().zip(other.by_source) {
            own.count += other.count;
            own.gaps.append(other.gaps);
        }
    }

    /// The medians of every source, by its index.
    pub(crate) fn medians(mut self) -> Vec<Median> {
        let of_source = |own: &mut SourceGap| Median {
            gaps: own.count,
            own: own.gaps.quantile(50),
            shrunk: None,
        };
        let mut medians: Vec<Median> = self.by_source.iter_mut().map(of_source).collect();
        let mut all = Durations::default();
        for own in self.by_source {
            all.append(own.gaps);
        }
        if let Some(global) = all.quantile(50) {
            for median in &mut medians {
                median.shrunk = Some(shrunk(median.gaps, median.own, global));
            }
        }
        medians
    }
}

/// A source's median of `gaps` gaps, drawn towards the global one with weight n ÷ (n + 20) for its
/// own (METHODS section 11).
fn shrunk(gaps: u64, own: Option<f64>, global: f64) -> f64 {
    let weight = gaps as f64 / (gaps as f64 + SHRINKAGE);
    own.map_or(global, |own| weight * own + (1.0 - weight) * global)
}

/// Seconds as whole microseconds, so that what is added up stays whole.
pub(crate) fn whole_micros(seconds: f64) -> Micros {
    (seconds * SECOND as f64).round() as Micros
}
