//! The exact curve over all timeouts, from every gap once (METHODS section 1). Gaps fall into bins
//! of whole seconds up to 48 hours, each with their number and sum; a gap of g microseconds goes to
//! bin ⌈g ÷ 1 s⌉, so that it is at most as long as a timeout of whole seconds exactly when its bin
//! is. What timeouts between two seconds or beyond 48 hours need is counted apart.

use crate::events::{Micros, SECOND};
use crate::threshold::CurvePoint;
use crate::threshold::gaps::{Chain, INFINITE};

/// The longest timeout that has bins: 48 hours.
const LAST: usize = 48 * 3600;

/// The bin of all gaps beyond it.
const BEYOND: usize = LAST + 1;

/// The bin of infinite gaps.
const NEVER: usize = LAST + 2;

/// The gaps of one second, and all else that is asked of them side by side: most bins are far from
/// each other in memory.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    gaps: u64,
    /// By how many microseconds they fall short of the bin's own length, all together.
    short: u64,
    /// Events whose smaller gap is one of them.
    minima: u64,
    /// Whether a mark lies in it.
    is_marked: bool,
}

/// A timeout that is no whole number of seconds or has no bin: what lies in its bin, up to it.
#[derive(Clone, Copy, Debug)]
struct Mark {
    timeout: Micros,
    bin: usize,
    gaps: u64,
    length: i128,
    ends: u64,
    minima: u64,
}

/// Sums over the gaps of some users. Those of other users merge into it; all are integers.
#[derive(Clone, Debug)]
pub struct Sweep {
    users: u64,
    bins: Vec<Bin>,
    /// Gaps before an `end`; empty while there is none.
    ends: Vec<u64>,
    marks: Vec<Mark>,
}

impl Sweep {
    /// Without any gap. `timeouts` are those for which [`Curve::at`] will be asked, besides all of
    /// whole seconds up to 48 hours.
    pub fn new(timeouts: impl IntoIterator<Item = Micros>) -> Self {
        let apart = timeouts
            .into_iter()
            .filter(|&timeout| place(timeout).is_none());
        let mut marks: Vec<Mark> = apart
            .map(|timeout| Mark {
                timeout,
                bin: bin_of(timeout),
                gaps: 0,
                length: 0,
                ends: 0,
                minima: 0,
            })
            .collect();
        marks.sort_unstable_by_key(|mark| mark.timeout);
        marks.dedup_by_key(|mark| mark.timeout);
        let mut bins = vec![Bin::default(); NEVER + 1];
        for mark in &marks {
            bins[mark.bin].is_marked = true;
        }
        Self {
            users: 0,
            bins,
            ends: Vec::new(),
            marks,
        }
    }

    /// The timeouts that a point of the curve at `timeout` rests on.
    pub fn needed(timeout: Micros) -> [Micros; 5] {
        let (longer, shorter) = beside(timeout);
        [timeout, longer, shorter, timeout / 2, timeout * 2]
    }

    /// Adds a user.
    pub fn user(&mut self, chain: Chain<'_>) {
        self.users += 1;
        if !chain.ends.is_empty() {
            return self.user_with_ends(chain);
        }
        let mut before = (NEVER, INFINITE);
        for &gap in chain.gaps {
            let place = bin_of(gap);
            self.gap(place, gap);
            self.minimum(before.min((place, gap)));
            before = (place, gap);
        }
        self.minimum(before);
    }

    fn user_with_ends(&mut self, chain: Chain<'_>) {
        let mut before = (NEVER, INFINITE);
        let mut is_end = false;
        for (&gap, &next_is_end) in chain.gaps.iter().zip(chain.ends) {
            let place = bin_of(gap);
            self.gap(place, gap);
            if !is_end {
                self.minimum(before.min((place, gap)));
            }
            if next_is_end {
                self.end(place, gap);
            }
            (before, is_end) = ((place, gap), next_is_end);
        }
        if !is_end {
            self.minimum(before);
        }
    }

    #[inline]
    fn gap(&mut self, place: usize, gap: Micros) {
        let bin = &mut self.bins[place];
        bin.gaps += 1;
        // Beyond the last bin only their number is asked for.
        let length = place as Micros * SECOND;
        bin.short = bin.short.wrapping_add(length.wrapping_sub(gap) as u64);
        if bin.is_marked {
            self.mark(place, gap, |mark| {
                mark.gaps += 1;
                mark.length += i128::from(gap);
            });
        }
    }

    #[inline]
    fn minimum(&mut self, (place, gap): (usize, Micros)) {
        let bin = &mut self.bins[place];
        bin.minima += 1;
        if bin.is_marked {
            self.mark(place, gap, |mark| mark.minima += 1);
        }
    }

    fn end(&mut self, place: usize, gap: Micros) {
        if self.ends.is_empty() {
            self.ends.resize(NEVER + 1, 0);
        }
        self.ends[place] += 1;
        if self.bins[place].is_marked {
            self.mark(place, gap, |mark| mark.ends += 1);
        }
    }

    /// Adds a gap to the marks of its bin that are at least as long.
    #[cold]
    fn mark(&mut self, place: usize, gap: Micros, add: impl Fn(&mut Mark)) {
        let from = self.marks.partition_point(|mark| mark.timeout < gap);
        let marks = self.marks[from..].iter_mut();
        marks.take_while(|mark| mark.bin == place).for_each(add);
    }

    /// Adds what was counted of other users for the same timeouts.
    #[must_use]
    pub fn merge(mut self, mut other: Self) -> Self {
        self.users += other.users;
        for (own, other) in self.bins.iter_mut().zip(&other.bins) {
            own.gaps += other.gaps;
            own.short = own.short.wrapping_add(other.short);
            own.minima += other.minima;
        }
        if self.ends.is_empty() {
            self.ends = std::mem::take(&mut other.ends);
        }
        for (own, other) in self.ends.iter_mut().zip(&other.ends) {
            *own += other;
        }
        for (own, other) in self.marks.iter_mut().zip(&other.marks) {
            own.gaps += other.gaps;
            own.length += other.length;
            own.ends += other.ends;
            own.minima += other.minima;
        }
        self
    }

    /// The curve.
    pub fn finish(self) -> Curve {
        let ends = |place: usize| self.ends.get(place).copied().unwrap_or(0);
        let mut below = Below::default();
        let bins = self.bins[..BEYOND].iter().enumerate();
        let upto: Vec<Below> = bins
            .map(|(place, bin)| {
                let full = i128::from(bin.gaps) * (place as i128) * i128::from(SECOND);
                below.bridged += bin.gaps - ends(place);
                below.length += full - i128::from(bin.short);
                below.minima += bin.minima;
                below
            })
            .collect();
        let bridged = below.bridged + self.bins[BEYOND].gaps - ends(BEYOND);
        Curve {
            most: self.users + self.bins[NEVER].gaps + bridged,
            most_alone: below.minima + self.bins[BEYOND].minima + self.bins[NEVER].minima,
            upto,
            marks: self.marks,
        }
    }
}

/// The place of a timeout of whole seconds up to 48 hours.
fn place(timeout: Micros) -> Option<usize> {
    let is_whole = timeout % SECOND == 0 && (0..=LAST as Micros * SECOND).contains(&timeout);
    is_whole.then_some((timeout / SECOND) as usize)
}

/// The bin of a gap.
#[inline]
fn bin_of(gap: Micros) -> usize {
    if gap > LAST as Micros * SECOND {
        return if gap == INFINITE { NEVER } else { BEYOND };
    }
    (gap as u64).div_ceil(SECOND as u64) as usize
}

/// A tenth longer, and shorter by the same factor; rounded down, which no gap of whole
/// microseconds can tell.
fn beside(timeout: Micros) -> (Micros, Micros) {
    (
        timeout / 10 * 11 + timeout % 10 * 11 / 10,
        timeout / 11 * 10 + timeout % 11 * 10 / 11,
    )
}

/// What gaps up to a length do.
#[derive(Clone, Copy, Debug, Default)]
struct Below {
    /// How many would open a session if they were longer than the timeout.
    bridged: u64,
    /// Their length in microseconds, those before an `end` too.
    length: i128,
    /// How many events have such a neighbour.
    minima: u64,
}

/// What one timeout gives, in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurveSums {
    /// Sessions.
    pub sessions: u64,
    /// Their durations together, in microseconds.
    pub total: i128,
    /// Sessions of a single event.
    pub bounces: u64,
}

/// What every timeout gives by the plain rule over all events.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Sessions at a timeout shorter than every gap.
    most: u64,
    /// Single events then.
    most_alone: u64,
    upto: Vec<Below>,
    marks: Vec<Mark>,
}

impl Curve {
    /// What a timeout in microseconds gives; `None` where it was not prepared for.
    pub fn at(&self, timeout: Micros) -> Option<CurveSums> {
        let below = match place(timeout) {
            Some(place) => self.upto[place],
            None => {
                let found = self
                    .marks
                    .binary_search_by_key(&timeout, |mark| mark.timeout);
                let mark = &self.marks[found.ok()?];
                // The first bin holds only gaps of zero, which are no longer than any timeout.
                let below = self.upto[mark.bin - 1];
                Below {
                    bridged: below.bridged + mark.gaps - mark.ends,
                    length: below.length + mark.length,
                    minima: below.minima + mark.minima,
                }
            }
        };
        Some(CurveSums {
            sessions: self.most - below.bridged,
            total: below.length,
            bounces: self.most_alone - below.minima,
        })
    }

    /// The point of a timeout; its median is `None`. A timeout that was not prepared for has what
    /// can be known without.
    pub fn point(&self, timeout: Micros) -> CurvePoint {
        let Some(sums) = self.at(timeout) else {
            return CurvePoint::default();
        };
        let mean_at = |timeout| self.at(timeout).and_then(|sums| sums.mean());
        CurvePoint {
            sessions: sums.sessions,
            total: sums.total,
            mean: sums.mean(),
            mean_without_bounces: sums.mean_of(sums.sessions - sums.bounces),
            bounce_rate: (sums.sessions > 0).then(|| sums.bounces as f64 / sums.sessions as f64),
            median: None,
            sensitivity: self.sensitivity(timeout),
            mean_at_half: mean_at(timeout / 2),
            mean_at_double: mean_at(timeout * 2),
        }
    }

    /// Ln(longer's mean ÷ shorter's) ÷ (2 ln 1.1), to the second where nothing closer is known;
    /// nothing where one of them is 0.
    fn sensitivity(&self, timeout: Micros) -> Option<f64> {
        let near = |timeout: Micros| {
            let whole = timeout / SECOND * SECOND;
            let known = [timeout, whole].into_iter();
            let (used, sums) = known.filter_map(|one| Some((one, self.at(one)?))).next()?;
            let mean = sums.mean().filter(|mean| *mean > 0.0)?;
            Some((used, mean))
        };
        let asked = beside(timeout);
        let ((longer, above), (shorter, below)) = (near(asked.0)?, near(asked.1)?);
        let width = match (longer, shorter) == asked {
            true => 2.0 * 1.1_f64.ln(),
            false => (longer as f64 / shorter as f64).ln(),
        };
        Some((above / below).ln() / width)
    }
}

impl CurveSums {
    /// The mean duration in seconds.
    pub fn mean(&self) -> Option<f64> {
        self.mean_of(self.sessions)
    }

    fn mean_of(&self, sessions: u64) -> Option<f64> {
        (sessions > 0).then(|| self.total as f64 / sessions as f64 / SECOND as f64)
    }
}
