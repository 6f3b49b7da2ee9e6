//! The durations of closed sessions, kept for exact quantiles: in memory, or where that is full in
//! the temporary file of the run.

use std::sync::Arc;

use crate::events::Micros;
use crate::measures::quantile::{between, quantile, rank};
use crate::sessions::spill::{Memory, Place};

/// Durations in microseconds, none negative, in no order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations {
    kept: Vec<Micros>,
    spilled: Option<Spilled>,
}

#[derive(Clone, Debug)]
struct Spilled {
    memory: Arc<Memory>,
    places: Vec<Place>,
}

impl Extend<Micros> for Durations {
    fn extend<I: IntoIterator<Item = Micros>>(&mut self, durations: I) {
        self.kept.extend(durations);
    }
}

impl Durations {
    /// The most bytes that are written at once.
    const WRITTEN: usize = 1 << 20;

    /// How many.
    fn len(&self) -> usize {
        let places = self.spilled.iter().flat_map(|spilled| &spilled.places);
        let spilled: usize = places
            .map(|place| place.length() / size_of::<Micros>())
            .sum();
        self.kept.len() + spilled
    }

    /// Moves what is in memory to the temporary file.
    pub(crate) fn spill(&mut self, memory: &Arc<Memory>) {
        if self.kept.is_empty() {
            return;
        }
        let kept = std::mem::take(&mut self.kept);
        let spilled = self.spilled.get_or_insert_with(|| Spilled {
            memory: Arc::clone(memory),
            places: Vec::new(),
        });
        let mut bytes = Vec::new();
        for durations in kept.chunks(Self::WRITTEN / size_of::<Micros>()) {
            bytes.clear();
            bytes.extend(durations.iter().flat_map(|duration| duration.to_le_bytes()));
            spilled.places.push(memory.write(&bytes));
        }
    }

    /// Adds others; the shorter list is appended to the longer, since their order means nothing.
    pub(crate) fn append(&mut self, mut other: Durations) {
        if other.kept.len() > self.kept.len() {
            std::mem::swap(&mut self.kept, &mut other.kept);
        }
        self.kept.append(&mut other.kept);
        match (&mut self.spilled, other.spilled) {
            (Some(own), Some(mut other)) => own.places.append(&mut other.places),
            (own @ None, other) => *own = other,
            (Some(_), None) => {}
        }
    }

    /// The quantile at `percent` (0 to 100) in seconds, as [`quantile`] gives it; `None` when there
    /// is no duration.
    pub(crate) fn quantile(&mut self, percent: usize) -> Option<f64> {
        if self.spilled.is_none() {
            return quantile(&mut self.kept, percent);
        }
        let (rank, hundredths) = rank(self.len(), percent)?;
        let lower = self.nth(rank);
        let upper = match hundredths {
            0 => lower,
            _ => self.nth(rank + 1),
        };
        Some(between(lower, upper, hundredths))
    }

    /// The order statistic of a rank that is there, by reading all durations several times: the
    /// range that it lies in is narrowed until what falls into it fits into memory easily.
    fn nth(&self, rank: usize) -> Micros {
        const BINS: u32 = 12;
        const FEW: usize = 1 << 17;
        let (mut low, mut bits, mut below) = (0, 63_u32, 0);
        loop {
            let shift = bits.saturating_sub(BINS);
            let mut bins = vec![0_usize; 1 << (bits - shift)];
            self.each(|duration| {
                if duration >= low && (duration - low) >> bits == 0 {
                    bins[((duration - low) >> shift) as usize] += 1;
                }
            });
            let mut bin = 0;
            while below + bins[bin] <= rank && bin + 1 < bins.len() {
                below += bins[bin];
                bin += 1;
            }
            low += (bin as Micros) << shift;
            bits = shift;
            if shift == 0 {
                return low;
            }
            if bins[bin] <= FEW {
                let mut few = Vec::with_capacity(bins[bin]);
                self.each(|duration| {
                    if duration >= low && (duration - low) >> bits == 0 {
                        few.push(duration);
                    }
                });
                few.sort_unstable();
                // Only after a failed read, which ends the run, can there be fewer.
                return few.get(rank - below).copied().unwrap_or(low);
            }
        }
    }

    /// Every duration.
    fn each(&self, mut take: impl FnMut(Micros)) {
        self.kept.iter().for_each(|&duration| take(duration));
        let mut bytes = Vec::new();
        if let Some(spilled) = &self.spilled {
            for &place in &spilled.places {
                spilled.memory.read(place, &mut bytes);
                for bytes in bytes.chunks_exact(size_of::<Micros>()) {
                    let mut duration = [0; size_of::<Micros>()];
                    duration.copy_from_slice(bytes);
                    take(Micros::from_le_bytes(duration));
                }
            }
        }
    }
}
