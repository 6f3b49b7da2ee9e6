//! Pk (Beeferman, Berger and Lafferty 1999) and WindowDiff (Pevzner and Hearst 2002) on the covered
//! view, with one window for all users. The window is known only when all users are, so each gap is
//! kept in two bits until then.

use crate::agreement::labels::Covered;
use crate::agreement::tally::{Sum, Tally};

/// Which neighbours of one user's events inside tracked sessions are apart.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    /// The user's hash.
    pub(super) hash: u64,
    gaps: u32,
    /// Two bits a gap, tracked and inferred, the first gap lowest.
    bits: Box<[u8]>,
}

impl Sequence {
    /// `None` without a gap.
    pub(super) fn new(hash: u64, covered: &Covered) -> Option<Self> {
        let gaps = covered.len().checked_sub(1).filter(|&gaps| gaps > 0)?;
        let mut bits = vec![0; gaps.div_ceil(4)].into_boxed_slice();
        for (place, (tracked, inferred)) in covered.gaps().enumerate() {
            bits[place / 4] |= (u8::from(tracked) | u8::from(inferred) << 1) << (place % 4 * 2);
        }
        Some(Self {
            hash,
            gaps: u32::try_from(gaps).expect("a user's events are counted in 32 bits"),
            bits,
        })
    }

    /// How many events.
    pub(super) fn events(&self) -> u64 {
        u64::from(self.gaps) + 1
    }

    fn gap(&self, place: usize) -> Parted {
        let bits = self.bits[place / 4] >> (place % 4 * 2);
        Parted {
            tracked: u64::from(bits & 1),
            inferred: u64::from(bits >> 1 & 1),
        }
    }

    /// How many tracked sessions follow each other.
    pub(super) fn tracked_runs(&self) -> u64 {
        let parted = (0..self.gaps as usize).map(|place| self.gap(place).tracked);
        parted.sum::<u64>() + 1
    }

    /// Counts the windows of `size` gaps, and those in which the two sides differ; nothing where
    /// the user has no such window.
    pub(super) fn score(&self, size: u64, tally: &mut Tally) {
        let gaps = self.gaps as usize;
        let Some(size) = usize::try_from(size).ok().filter(|&size| size <= gaps) else {
            return;
        };
        let mut within = Parted::default();
        for place in 0..gaps {
            within.add(self.gap(place));
            if place >= size {
                within.remove(self.gap(place - size));
            }
            if place + 1 >= size {
                tally[Sum::Windows] += 1;
                let (tracked, inferred) = (within.tracked, within.inferred);
                tally[Sum::PkErrors] += i128::from((tracked > 0) != (inferred > 0));
                tally[Sum::WindowDiffErrors] += i128::from(tracked != inferred);
            }
        }
    }
}

/// Boundaries of both sides.
#[derive(Clone, Copy, Debug, Default)]
struct Parted {
    tracked: u64,
    inferred: u64,
}

impl Parted {
    fn add(&mut self, other: Parted) {
        self.tracked += other.tracked;
        self.inferred += other.inferred;
    }

    fn remove(&mut self, other: Parted) {
        self.tracked -= other.tracked;
        self.inferred -= other.inferred;
    }
}

/// The window in gaps: half the mean tracked session in events, halves to even, at least 2; `None`
/// without an event.
pub(super) fn window(events: u64, tracked_runs: u64) -> Option<u64> {
    let twice = tracked_runs.checked_mul(2).filter(|&twice| twice > 0)?;
    let (whole, rest) = (events / twice, events % twice);
    let rounded = match (rest * 2).cmp(&twice) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Equal => whole + whole % 2,
        std::cmp::Ordering::Greater => whole + 1,
    };
    Some(rounded.max(2))
}
