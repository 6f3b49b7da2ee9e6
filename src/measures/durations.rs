//! The durations of closed sessions, kept for exact quantiles: in memory, or where that is full in
//! the temporary file of the run.

use std::sync::Arc;

use crate::events::Micros;
use crate::measures::quantile::{between, rank};
use crate::sessions::spill::{Memory, Place};

/// Durations in microseconds, none negative, in no order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations {
    /// Those below 2^32 us (71 minutes), which are nearly all.
    short: Vec<u32>,
    /// The others.
    long: Vec<Micros>,
    spilled: Option<Spilled>,
}

#[derive(Clone, Debug)]
struct Spilled {
    memory: Arc<Memory>,
    /// In eight bytes each.
    places: Vec<Place>,
}

impl Extend<Micros> for Durations {
    fn extend<I: IntoIterator<Item = Micros>>(&mut self, durations: I) {
        for duration in durations {
            match u32::try_from(duration) {
                Ok(short) => self.short.push(short),
                Err(_) => self.long.push(duration),
            }
        }
    }
}

impl Durations {
    /// How many are written at once.
    const WRITTEN: usize = 1 << 17;

    /// How many.
    fn len(&self) -> usize {
        let places = self.spilled.iter().flat_map(|spilled| &spilled.places);
        let spilled: usize = places
            .map(|place| place.length() / size_of::<Micros>())
            .sum();
        self.short.len() + self.long.len() + spilled
    }

    /// Those in memory.
    fn kept(&self) -> impl Iterator<Item = Micros> {
        let short = self.short.iter().map(|&short| Micros::from(short));
        short.chain(self.long.iter().copied())
    }

    /// Moves what is in memory to the temporary file.
    pub(crate) fn spill(&mut self, memory: &Arc<Memory>) {
        let mut places = Vec::new();
        let mut bytes = Vec::new();
        let mut kept = self.kept().peekable();
        while kept.peek().is_some() {
            bytes.clear();
            let written = kept.by_ref().take(Self::WRITTEN);
            bytes.extend(written.flat_map(Micros::to_le_bytes));
            places.push(memory.write(&bytes));
        }
        drop(kept);
        (self.short, self.long) = (Vec::new(), Vec::new());
        if !places.is_empty() {
            let spilled = self.spilled.get_or_insert_with(|| Spilled {
                memory: Arc::clone(memory),
                places: Vec::new(),
            });
            spilled.places.append(&mut places);
        }
    }

    /// Adds others.
    pub(crate) fn append(&mut self, other: Durations) {
        append(&mut self.short, other.short);
        append(&mut self.long, other.long);
        match (&mut self.spilled, other.spilled) {
            (Some(own), Some(mut other)) => own.places.append(&mut other.places),
            (own @ None, other) => *own = other,
            (Some(_), None) => {}
        }
    }

    /// The quantile at `percent` (0 to 100) in seconds; `None` when there is no duration.
    ///
    /// Interpolates linearly between the order statistics around rank `percent / 100 * (n - 1)`, as
    /// SQL's `percentile_cont` does (Hyndman and Fan 1996, type 7).
    pub(crate) fn quantile(&mut self, percent: usize) -> Option<f64> {
        let (rank, hundredths) = rank(self.len(), percent)?;
        let lower = self.nth(rank);
        let upper = match hundredths {
            0 => lower,
            _ if self.spilled.is_some() => self.nth_spilled(rank + 1),
            _ => self.after(rank),
        };
        Some(between(lower, upper, hundredths))
    }

    /// The order statistic of a rank that is there.
    fn nth(&mut self, rank: usize) -> Micros {
        if self.spilled.is_some() {
            return self.nth_spilled(rank);
        }
        match rank.checked_sub(self.short.len()) {
            None => (*self.short.select_nth_unstable(rank).1).into(),
            Some(rank) => *self.long.select_nth_unstable(rank).1,
        }
    }

    /// The order statistic after one that [`Self::nth`] has just found in memory, and so put all
    /// larger ones behind it.
    fn after(&self, rank: usize) -> Micros {
        let short = self.short.iter().skip(rank + 1).min();
        let long = self.long.iter();
        let long = long.skip((rank + 1).saturating_sub(self.short.len()));
        short.map_or_else(
            || long.min().copied().unwrap_or_default(),
            |&short| short.into(),
        )
    }

    /// The same by reading all durations several times: the
    /// range that it lies in is narrowed until what falls into it fits into memory easily.
    fn nth_spilled(&self, rank: usize) -> Micros {
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
    pub(crate) fn each(&self, mut take: impl FnMut(Micros)) {
        self.kept().for_each(&mut take);
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

/// Appends the shorter list to the longer, since their order means nothing.
fn append<T>(list: &mut Vec<T>, mut other: Vec<T>) {
    if other.len() > list.len() {
        std::mem::swap(list, &mut other);
    }
    list.append(&mut other);
}
