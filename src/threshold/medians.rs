//! Exact medians of the durations at several timeouts, from every gap once: the sessions at the
//! shortest timeout are kept, and what each longer one takes away and adds.

use std::sync::Arc;

use crate::events::Micros;
use crate::measures::durations::Durations;
use crate::measures::quantile::{between, rank};
use crate::sessions::spill::Memory;
use crate::threshold::gaps::{Chain, INFINITE};
use crate::time::duration::Timeout;

/// Durations of some users' sessions at the timeouts asked for. Those of other users merge into it.
#[derive(Clone, Debug)]
pub struct Medians {
    /// The shortest first.
    timeouts: Vec<Micros>,
    /// What each timeout changes; the first one begins with nothing.
    changes: Vec<Change>,
    memory: Arc<Memory>,
    /// Durations kept since memory was last taken for them.
    untaken: usize,
    /// Bytes taken.
    taken: usize,
    pieces: Pieces,
}

/// What a timeout does to the durations of the next shorter one.
#[derive(Clone, Debug)]
struct Change {
    /// How many sessions without length come, or go.
    zeros: i64,
    /// The same of others, by bucket of length.
    buckets: Vec<i64>,
    comes: Durations,
    goes: Durations,
}

/// One user's sessions at the shortest timeout, and those that longer ones make of neighbours.
#[derive(Clone, Debug, Default)]
struct Pieces {
    /// The duration of each run of joined pieces, at its first one.
    durations: Vec<Micros>,
    /// Which are an `end`, which is no session alone.
    is_end: Vec<bool>,
    /// The gap behind each but the last one.
    gaps: Vec<Micros>,
    /// The first piece of the run that ends here, and the last of the one that begins here.
    first: Vec<u32>,
    last: Vec<u32>,
    /// The gaps that some timeout bridges, with their places.
    order: Vec<(Micros, u32)>,
}

/// Bytes of a duration in memory, with what a growing list holds ready.
const DURATION: usize = size_of::<u32>() * 2;

/// Bytes of memory that are asked for at once.
const ASKED: usize = 1 << 18;

impl Medians {
    /// Without any user. Durations that do not fit into memory go to its temporary file.
    pub fn new(timeouts: &[Timeout], memory: &Arc<Memory>) -> Self {
        let mut timeouts: Vec<Micros> = timeouts.iter().map(|timeout| timeout.micros()).collect();
        timeouts.sort_unstable();
        timeouts.dedup();
        let nothing = Change {
            zeros: 0,
            buckets: vec![0; BUCKETS],
            comes: Durations::default(),
            goes: Durations::default(),
        };
        Self {
            changes: vec![nothing; timeouts.len()],
            timeouts,
            memory: Arc::clone(memory),
            untaken: 0,
            taken: 0,
            pieces: Pieces::default(),
        }
    }

    /// Adds a user.
    pub fn user(&mut self, chain: Chain<'_>) {
        let (Some(&shortest), Some(&longest)) = (self.timeouts.first(), self.timeouts.last())
        else {
            return;
        };
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.fill(chain, shortest, longest);
        for (&duration, is_end) in pieces.durations.iter().zip(&pieces.is_end) {
            if !is_end {
                self.comes(0, duration);
            }
        }
        pieces.order.sort_unstable();
        for place in 0..pieces.order.len() {
            let (gap, left) = pieces.order[place];
            let level = self.timeouts.partition_point(|&timeout| timeout < gap);
            let (one, other, joined) = pieces.join(gap, left as usize);
            self.goes(level, one);
            if let Some(other) = other {
                self.goes(level, other);
            }
            self.comes(level, joined);
        }
        self.pieces = pieces;
        self.take_room();
    }

    #[inline]
    fn comes(&mut self, level: usize, duration: Micros) {
        let change = &mut self.changes[level];
        if duration == 0 {
            change.zeros += 1;
            return;
        }
        change.buckets[bucket(duration)] += 1;
        change.comes.extend([duration]);
        self.untaken += 1;
    }

    #[inline]
    fn goes(&mut self, level: usize, duration: Micros) {
        let change = &mut self.changes[level];
        if duration == 0 {
            change.zeros -= 1;
            return;
        }
        change.buckets[bucket(duration)] -= 1;
        change.goes.extend([duration]);
        self.untaken += 1;
    }

    /// Takes memory for what was kept, or moves all of it to the temporary file.
    fn take_room(&mut self) {
        let wanted = self.untaken * DURATION;
        if wanted < ASKED.min(self.memory.smallest_spill()) {
            return;
        }
        if self.memory.take(wanted) {
            self.taken += wanted;
            self.untaken = 0;
        } else if self.taken + wanted >= self.memory.smallest_spill() {
            self.memory.give_back(self.taken);
            (self.taken, self.untaken) = (0, 0);
            for change in &mut self.changes {
                change.comes.spill(&self.memory);
                change.goes.spill(&self.memory);
            }
        }
    }

    /// Adds what was kept of other users for the same timeouts.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for (own, other) in self.changes.iter_mut().zip(other.changes) {
            own.zeros += other.zeros;
            for (own, other) in own.buckets.iter_mut().zip(other.buckets) {
                *own += other;
            }
            own.comes.append(other.comes);
            own.goes.append(other.goes);
        }
        self.untaken += other.untaken;
        self.taken += other.taken;
        self
    }

    /// The median at each timeout in seconds, the shortest timeout first, interpolated linearly;
    /// `None` where there is no session.
    pub fn finish(self) -> Vec<(Micros, Option<f64>)> {
        let sought = self.sought();
        let mut is_sought = vec![false; BUCKETS];
        let both = sought.iter().flatten().flat_map(|(both, _)| both);
        for (bucket, _) in both.flatten() {
            is_sought[*bucket] = true;
        }
        let found = self.durations_in(&is_sought);
        self.memory.give_back(self.taken);
        let value = |level: usize, statistic: Option<(usize, u64)>| match statistic {
            None => 0,
            Some((bucket, rank)) => found.nth(bucket, level, rank),
        };
        let medians = sought.iter().enumerate().map(|(level, sought)| {
            sought.map(|([lower, upper], hundredths)| {
                between(value(level, lower), value(level, upper), hundredths)
            })
        });
        self.timeouts.iter().copied().zip(medians).collect()
    }

    /// For each timeout where the two durations around its median are: their bucket and rank in it,
    /// nothing for a duration of zero; and how far the median is from one to the other.
    fn sought(&self) -> Vec<Option<Sought>> {
        let mut zeros = 0;
        let mut buckets = vec![0_i64; BUCKETS];
        let levels = self.changes.iter().map(|change| {
            zeros += change.zeros;
            for (all, change) in buckets.iter_mut().zip(&change.buckets) {
                *all += change;
            }
            let count = zeros + buckets.iter().sum::<i64>();
            let (rank, hundredths) = rank(count as usize, 50)?;
            let place = |rank: usize| {
                let mut rest = (rank as i64).checked_sub(zeros).filter(|rest| *rest >= 0)?;
                let bucket = buckets.iter().position(|&count| {
                    rest -= count;
                    rest < 0
                })?;
                Some((bucket, (rest + buckets[bucket]) as u64))
            };
            let upper = rank + usize::from(hundredths > 0);
            Some(([place(rank), place(upper)], hundredths))
        });
        levels.collect()
    }

    /// Every change of a duration that lies in one of these buckets.
    fn durations_in(&self, is_sought: &[bool]) -> Found {
        let mut changes = Vec::new();
        for (level, change) in (0..).zip(&self.changes) {
            for (durations, sign) in [(&change.comes, 1), (&change.goes, -1)] {
                durations.each(|duration| {
                    let bucket = bucket(duration);
                    if is_sought[bucket] {
                        changes.push((bucket as u32, duration, level, sign));
                    }
                });
            }
        }
        changes.sort_unstable();
        Found(changes)
    }
}

/// Where the two durations around a median are, and the hundredths of the way between them.
type Sought = ([Option<(usize, u64)>; 2], usize);

/// Changes by bucket, then duration: at which timeout, and whether it comes or goes.
struct Found(Vec<(u32, Micros, u32, i32)>);

impl Found {
    /// The duration of a rank among those of a bucket at a timeout.
    fn nth(&self, bucket: usize, level: usize, rank: u64) -> Micros {
        let from = self.0.partition_point(|change| change.0 < bucket as u32);
        let mut count = 0;
        let equal = self.0[from..].chunk_by(|one, other| (one.0, one.1) == (other.0, other.1));
        for changes in equal {
            let sofar = changes.iter().filter(|change| change.2 <= level as u32);
            count += sofar.map(|change| i64::from(change.3)).sum::<i64>();
            if count > rank as i64 {
                return changes[0].1;
            }
        }
        // Only after a failed read, which ends the run, is there none.
        0
    }
}

impl Pieces {
    /// Parts a chain at the gaps longer than the shortest timeout.
    fn fill(&mut self, chain: Chain<'_>, shortest: Micros, longest: Micros) {
        self.durations.clear();
        self.is_end.clear();
        self.gaps.clear();
        self.order.clear();
        let mut duration = 0;
        let mut is_end = false;
        for (place, &gap) in chain.gaps.iter().enumerate() {
            if gap <= shortest {
                duration += gap;
                continue;
            }
            self.durations.push(duration);
            self.is_end.push(is_end);
            if gap <= longest && gap != INFINITE {
                self.order.push((gap, self.gaps.len() as u32));
            }
            self.gaps.push(gap);
            duration = 0;
            is_end = chain.ends.get(place).copied().unwrap_or(false);
        }
        self.durations.push(duration);
        self.is_end.push(is_end);
        let count = self.durations.len() as u32;
        self.first.clear();
        self.first.extend(0..count);
        self.last.clear();
        self.last.extend(0..count);
    }

    /// Joins the runs on both sides of the gap behind a piece; gives the durations of the two
    /// sessions, if the later one is a session, and of the one that they make.
    fn join(&mut self, gap: Micros, left: usize) -> (Micros, Option<Micros>, Micros) {
        let right = left + 1;
        let first = self.first[left] as usize;
        let last = self.last[right] as usize;
        let (one, other) = (self.durations[first], self.durations[right]);
        let joined = one + gap + other;
        self.durations[first] = joined;
        self.last[first] = last as u32;
        self.first[last] = first as u32;
        (one, (!self.is_end[right]).then_some(other), joined)
    }
}

/// Bits of a duration's leading digits by which it finds its bucket.
const DIGITS: u32 = 5;

/// How many buckets there are for 63 binary digits.
const BUCKETS: usize = (64 - DIGITS as usize) << DIGITS;

/// The bucket of a duration: by its leading binary digits, so that longer ones have none before.
#[inline]
fn bucket(duration: Micros) -> usize {
    let duration = duration as u64;
    let digits = 64 - duration.leading_zeros();
    let Some(rest) = digits.checked_sub(DIGITS + 1) else {
        return duration as usize;
    };
    ((rest as usize) << DIGITS) + (duration >> rest) as usize
}
