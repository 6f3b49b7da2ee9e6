//! Exact medians of the durations at several timeouts, from every gap once: the sessions at the
//! shortest timeout are kept, and what each longer one takes away and adds.

use std::sync::Arc;

use crate::events::Micros;
use crate::measures::durations::Durations;
use crate::measures::quantile::{between, rank};
use crate::sessions::spill::Memory;
use crate::threshold::gaps::{CELLS, Chain, INFINITE, cell, shorter};
use crate::time::duration::Timeout;

/// Durations of some users' sessions at the timeouts asked for. Those of other users merge into it.
#[derive(Clone, Debug)]
pub struct Medians {
    /// The shortest first.
    timeouts: Vec<Micros>,
    /// How many of them are shorter than every gap of a cell of [`cell`].
    shorter: Vec<u16>,
    /// What each timeout changes; the first one begins with nothing.
    changes: Vec<Change>,
    memory: Arc<Memory>,
    /// Durations kept since memory was last taken for them.
    untaken: usize,
    /// Bytes taken.
    taken: usize,
    /// Room for the runs of one user that wait for what is behind them, empty between two.
    waiting: Vec<Waiting>,
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

/// A session of one user, or an `end` that is none.
#[derive(Clone, Copy, Debug)]
struct Run {
    duration: Micros,
    /// The timeout, by its place, from which on it is there; [`NEVER`] for an `end` alone.
    born: u32,
}

/// Behind every timeout.
const NEVER: u32 = u32::MAX;

/// A run, and the gap behind it that some timeout bridges.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    run: Run,
    gap: Micros,
    /// The shortest timeout that bridges the gap, by its place.
    level: u32,
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
            shorter: (0..=CELLS)
                .map(|cell| shorter(&timeouts, cell) as u16)
                .collect(),
            timeouts,
            memory: Arc::clone(memory),
            untaken: 0,
            taken: 0,
            waiting: Vec::new(),
        }
    }

    /// Adds a user. Of neighbours that one timeout joins, only what they make together is a session
    /// there; whatever is between them and a longer gap has been joined before that gap comes.
    pub fn user(&mut self, chain: Chain<'_>) {
        let Some(&shortest) = self.timeouts.first() else {
            return;
        };
        let mut run = Run::SESSION;
        for (place, &gap) in chain.gaps.iter().enumerate() {
            if gap <= shortest {
                run.duration += gap;
                continue;
            }
            self.parts(run, gap);
            let is_end = chain.ends.get(place).copied().unwrap_or(false);
            run = if is_end { Run::END } else { Run::SESSION };
        }
        self.parts(run, INFINITE);
        self.take_room();
    }

    /// Ends a run at a gap: all that waits and is bridged sooner is joined first.
    #[inline]
    fn parts(&mut self, mut run: Run, gap: Micros) {
        let level = self.level(gap);
        while let Some(before) = self.waiting.pop_if(|before| before.level < level) {
            self.goes(before.run, before.level);
            self.goes(run, before.level);
            run = Run {
                duration: before.run.duration + before.gap + run.duration,
                born: before.level,
            };
        }
        match (level as usize) < self.timeouts.len() {
            true => self.waiting.push(Waiting { run, gap, level }),
            false => self.goes(run, level),
        }
    }

    /// The shortest timeout that bridges a gap longer than zero, by its place.
    #[inline]
    fn level(&self, gap: Micros) -> u32 {
        let cell = cell(gap);
        let (from, to) = (self.shorter[cell], self.shorter[cell + 1]);
        let near = &self.timeouts[usize::from(from)..usize::from(to)];
        u32::from(from) + near.partition_point(|&timeout| timeout < gap) as u32
    }

    /// Counts a session from the timeout at which it is born to that of a level, or to the longest
    /// one. It was none if the level joins it at which it was born.
    #[inline]
    fn goes(&mut self, run: Run, level: u32) {
        if run.born >= level {
            return;
        }
        let (born, gone) = self.changes.split_at_mut(level as usize);
        let born = &mut born[run.born as usize];
        let gone = gone.first_mut();
        if run.duration == 0 {
            born.zeros += 1;
            if let Some(gone) = gone {
                gone.zeros -= 1;
            }
            return;
        }
        let bucket = bucket(run.duration);
        born.buckets[bucket] += 1;
        born.comes.extend([run.duration]);
        self.untaken += 1;
        if let Some(gone) = gone {
            gone.buckets[bucket] -= 1;
            gone.goes.extend([run.duration]);
            self.untaken += 1;
        }
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
        let mut found = Found(vec![Vec::new(); BUCKETS]);
        for (level, change) in (0..).zip(&self.changes) {
            for (durations, sign) in [(&change.comes, 1), (&change.goes, -1)] {
                durations.each(|duration| {
                    let bucket = bucket(duration);
                    if is_sought[bucket] {
                        found.0[bucket].push(Seen {
                            duration,
                            level,
                            sign,
                        });
                    }
                });
            }
        }
        found
    }
}

/// Where the two durations around a median are, and the hundredths of the way between them.
type Sought = ([Option<(usize, u64)>; 2], usize);

/// A duration that comes, or goes, at a timeout.
#[derive(Clone, Copy, Debug)]
struct Seen {
    duration: Micros,
    level: u32,
    sign: i32,
}

/// All that was seen in the buckets that are looked into, by bucket.
struct Found(Vec<Vec<Seen>>);

/// Bits of a duration, behind those of its bucket, by which a rank is sought.
const NARROWER: u32 = 12;

impl Found {
    /// The duration of a rank among those of a bucket at a timeout.
    fn nth(&self, bucket: usize, level: usize, rank: u64) -> Micros {
        let there = || {
            let seen = self.0[bucket].iter();
            seen.filter(|seen| seen.level as usize <= level)
        };
        let shift = bits_behind(bucket).saturating_sub(NARROWER);
        let part = |seen: &Seen| (seen.duration >> shift) as usize % (1 << NARROWER);
        let mut counts = vec![0_i64; 1 << NARROWER];
        for seen in there() {
            counts[part(seen)] += i64::from(seen.sign);
        }
        let mut rest = rank as i64;
        let sought = counts.iter().position(|&count| {
            rest -= count;
            rest < 0
        });
        // Only after a failed read, which ends the run, is there none.
        let Some(sought) = sought else { return 0 };
        rest += counts[sought];
        let mut few: Vec<&Seen> = there().filter(|seen| part(seen) == sought).collect();
        few.sort_unstable_by_key(|seen| seen.duration);
        let equal = few.chunk_by(|one, other| one.duration == other.duration);
        for seen in equal {
            rest -= seen.iter().map(|seen| i64::from(seen.sign)).sum::<i64>();
            if rest < 0 {
                return seen[0].duration;
            }
        }
        0
    }
}

impl Run {
    /// A single event, there at the shortest timeout.
    const SESSION: Self = Self {
        duration: 0,
        born: 0,
    };
    /// An `end` alone.
    const END: Self = Self {
        duration: 0,
        born: NEVER,
    };
}

/// Bits of a duration's leading digits by which it finds its bucket.
const DIGITS: u32 = 5;

/// How many buckets there are for 63 binary digits.
const BUCKETS: usize = (64 - DIGITS as usize) << DIGITS;

/// Bits of the durations of a bucket that differ.
fn bits_behind(bucket: usize) -> u32 {
    ((bucket >> DIGITS) as u32).saturating_sub(1)
}

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
