//! The second and third step of the engine: sort each partition's events by user, time and source,
//! and scan them once into sessions. Partitions run in parallel; what comes out does not depend on
//! how many threads there are.

use std::sync::Mutex;

use crate::events::GIVEN_UP;
use crate::events::{Micros, Role, Source, UserId};
use crate::import::ledger::Counts;
use crate::sessions::extent::{Extents, Silences};
use crate::sessions::partition::{Packed, Partitions, source_of, time_of};
use crate::sessions::rule::{Progress, Rule, Verdict};
use crate::sessions::session::{Session, SourceSet};
use crate::sessions::users::{Key, Texts, mix};

/// What a scan needs besides the events.
pub struct ScanPlan<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The run's sources; events carry indices into it once translated.
    pub sources: &'a [Source],
    /// From an importer's provisional source numbers to indices into `sources`, or [`GIVEN_UP`].
    pub translation: [u8; 256],
    /// First and last event, as [`Partitions::span`] gives it.
    pub span: (Micros, Micros),
    /// Sessions that start before it are outside the window.
    pub from: Micros,
    /// Sessions that start at it or later are outside the window.
    pub to: Micros,
    /// When the data was taken.
    pub now: Micros,
    /// How many threads to use.
    pub threads: usize,
    /// Whether consumers ask for events per session and source.
    pub count_sources: bool,
}

/// One user's sessions inside the window, in time order.
pub struct UserSessions<'a> {
    /// The user's key, for consumers that keep it.
    pub key: u64,
    /// Who.
    pub user: UserId<'a>,
    /// The sessions.
    pub sessions: &'a [Session],
    /// Events per source of all of them, each session's by source index; empty unless asked for.
    pub counts: &'a [(u8, u64)],
    /// Where each session's counts end in `counts`.
    pub counts_end: &'a [usize],
}

/// What a scan knows beside the sessions themselves.
pub struct Scanned {
    /// Per source: events, filtered rows and duplicates.
    pub counts: Vec<Counts>,
    /// What the data shows of when it was taken.
    pub extents: Extents,
    /// Events after `now`.
    pub after_now: u64,
    /// The users' texts, to which [`UserSessions::key`] belongs.
    pub texts: Texts,
}

/// Scans all partitions. `take` gets each user that has a session inside the window once; the
/// accumulators come back in no particular order of users.
pub fn scan<A: Send>(
    partitions: Partitions,
    plan: &ScanPlan<'_>,
    new: impl Fn() -> A + Sync,
    take: impl Fn(&mut A, &UserSessions<'_>) + Sync,
) -> (Vec<A>, Scanned) {
    let Partitions {
        partitions,
        renumbered,
        texts,
        ..
    } = partitions;
    let span = plan.span;
    let queue = Mutex::new(partitions.into_iter());
    let worker = || {
        let mut scanner = Scanner::new(plan, span);
        let mut accumulator = new();
        loop {
            let next = queue
                .lock()
                .expect("no thread panics while it holds the queue")
                .next();
            let Some(partition) = next else { break };
            scanner.partition(partition, &renumbered, &texts, &mut |user| {
                take(&mut accumulator, user)
            });
        }
        (accumulator, scanner.totals)
    };
    let results: Vec<(A, Totals)> = if plan.threads <= 1 {
        vec![worker()]
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..plan.threads).map(|_| scope.spawn(worker)).collect();
            threads.into_iter().map(join).collect()
        })
    };
    let mut accumulators = Vec::with_capacity(results.len());
    let mut totals = Totals::new(plan, span);
    for (accumulator, part) in results {
        accumulators.push(accumulator);
        totals.merge(&part);
    }
    let Totals {
        counts,
        silences,
        after_now,
    } = totals;
    (
        accumulators,
        Scanned {
            counts,
            extents: silences.finish(),
            after_now,
            texts,
        },
    )
}

/// A thread's result; its panic goes on in the caller.
pub(crate) fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

struct Totals {
    counts: Vec<Counts>,
    silences: Silences,
    after_now: u64,
}

impl Totals {
    fn new(plan: &ScanPlan<'_>, span: (Micros, Micros)) -> Self {
        Self {
            counts: vec![Counts::default(); plan.sources.len()],
            silences: Silences::new(span, plan.rule.timeout.micros(), plan.sources.len()),
            after_now: 0,
        }
    }

    fn merge(&mut self, other: &Totals) {
        for (own, other) in self.counts.iter_mut().zip(&other.counts) {
            own.add(other);
        }
        self.silences.merge(&other.silences);
        self.after_now += other.after_now;
    }
}

/// One thread's memory, used again from partition to partition.
struct Scanner<'a> {
    plan: &'a ScanPlan<'a>,
    totals: Totals,
    sorted: Sorted,
    sessions: Vec<Session>,
    counts: Vec<(u8, u64)>,
    counts_end: Vec<usize>,
}

impl<'a> Scanner<'a> {
    fn new(plan: &'a ScanPlan<'a>, span: (Micros, Micros)) -> Self {
        Self {
            plan,
            totals: Totals::new(plan, span),
            sorted: Sorted::default(),
            sessions: Vec::new(),
            counts: Vec::new(),
            counts_end: Vec::new(),
        }
    }

    fn partition(
        &mut self,
        partition: Vec<Vec<Vec<Packed>>>,
        renumbered: &[Vec<u32>],
        texts: &Texts,
        take: &mut impl FnMut(&UserSessions<'_>),
    ) {
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.fill(partition, renumbered, &self.plan.translation);
        let mut from = 0;
        for (&key, &to) in sorted.users.iter().zip(&sorted.ends) {
            let words = &mut sorted.words[from..to as usize];
            if !words.is_sorted() {
                words.sort_unstable();
            }
            self.user(words);
            if !self.sessions.is_empty() {
                take(&UserSessions {
                    key,
                    user: texts.user(key),
                    sessions: &self.sessions,
                    counts: &self.counts,
                    counts_end: &self.counts_end,
                });
            }
            from = to as usize;
        }
        self.sorted = sorted;
    }

    /// Scans one user's events, sorted, into `self.sessions`.
    fn user(&mut self, words: &[i64]) {
        self.sessions.clear();
        self.counts.clear();
        self.counts_end.clear();
        let plan = self.plan;
        let mut progress: Option<Progress> = None;
        let mut current: Option<Session> = None;
        let mut previous = None;
        for &word in words {
            let (at, source) = (time_of(word), source_of(word));
            let place = usize::from(source);
            let role = plan.sources[place].role;
            let repeats = previous == Some(word);
            previous = Some(word);
            if role != Role::Ignore {
                self.totals.silences.note(at, source);
            }
            if at > plan.now {
                self.totals.after_now += 1;
            }
            if repeats {
                self.totals.counts[place].duplicates += 1;
                if plan.sources[place].drop_duplicates {
                    self.totals.counts[place].duplicates_dropped += 1;
                    continue;
                }
            }
            match plan.rule.step(&mut progress, at, role) {
                Verdict::Opens(_) => {
                    if let Some(done) = current.take() {
                        self.close(done);
                    }
                    let mut sources = SourceSet::default();
                    sources.insert(source);
                    current = Some(Session {
                        start: at,
                        end: at,
                        events: 1,
                        sources,
                    });
                }
                Verdict::Joins | Verdict::Closes => {
                    let session = current
                        .as_mut()
                        .expect("the rule joins events only to a session that there is");
                    session.end = at;
                    session.events += 1;
                    session.sources.insert(source);
                }
                Verdict::Orphan => {
                    self.totals.counts[place].filtered_orphan_ends += 1;
                    continue;
                }
                Verdict::Expires | Verdict::ExpiresNone => {
                    self.totals.counts[place].filtered_expiry += 1;
                    continue;
                }
                Verdict::Ignored => {
                    self.totals.counts[place].filtered_ignored += 1;
                    continue;
                }
            }
            let start = current.as_ref().map_or(at, |session| session.start);
            if start >= plan.from && start < plan.to {
                self.totals.counts[place].events += 1;
                if plan.count_sources {
                    self.count_source(source);
                }
            } else {
                self.totals.counts[place].filtered_outside_window += 1;
            }
        }
        if let Some(done) = current {
            self.close(done);
        }
    }

    fn close(&mut self, session: Session) {
        if session.start >= self.plan.from && session.start < self.plan.to {
            self.sessions.push(session);
            if self.plan.count_sources {
                let from = self.counts_end.last().copied().unwrap_or(0);
                self.counts[from..].sort_unstable();
                self.counts_end.push(self.counts.len());
            }
        }
    }

    /// Adds one to the open session's count of a source.
    fn count_source(&mut self, source: u8) {
        let from = self.counts_end.last().copied().unwrap_or(0);
        match self.counts[from..]
            .iter_mut()
            .find(|count| count.0 == source)
        {
            Some(count) => count.1 += 1,
            None => self.counts.push((source, 1)),
        }
    }
}

/// Whether an event's source is part of the run.
#[inline]
fn is_used(event: &Packed, translation: &[u8; 256]) -> bool {
    translation[usize::from(source_of(event.word))] != GIVEN_UP
}

/// A partition's words grouped by user: a counting sort that keeps the order of arrival.
#[derive(Default)]
struct Sorted {
    users: Vec<Key>,
    /// Where each user's words end.
    ends: Vec<u32>,
    words: Vec<i64>,
    table: hashbrown::HashTable<u32>,
    numbers: Vec<u32>,
}

impl Sorted {
    fn fill(
        &mut self,
        partition: Vec<Vec<Vec<Packed>>>,
        renumbered: &[Vec<u32>],
        translation: &[u8; 256],
    ) {
        self.users.clear();
        self.ends.clear();
        self.table.clear();
        self.numbers.clear();
        self.number_users(&partition, renumbered, translation);
        let mut next = Vec::with_capacity(self.ends.len());
        let mut total = 0;
        for end in &mut self.ends {
            next.push(total);
            total += *end;
            *end = total;
        }
        self.words.clear();
        self.words.resize(total as usize, 0);
        let mut numbers = self.numbers.iter();
        for piece in partition.into_iter().flatten() {
            let used = piece.iter().filter(|event| is_used(event, translation));
            for (event, &number) in used.zip(&mut numbers) {
                let place = &mut next[number as usize];
                let source = translation[usize::from(source_of(event.word))];
                self.words[*place as usize] = (event.word & !0xff) | i64::from(source);
                *place += 1;
            }
        }
    }

    /// Gives each user of the partition a number, each event its user's, and counts events.
    fn number_users(
        &mut self,
        partition: &[Vec<Vec<Packed>>],
        renumbered: &[Vec<u32>],
        translation: &[u8; 256],
    ) {
        for (pieces, renumbered) in partition.iter().zip(renumbered) {
            for event in pieces
                .iter()
                .flatten()
                .filter(|event| is_used(event, translation))
            {
                let key = match event.user & 1 {
                    0 => event.user,
                    _ => (u64::from(renumbered[(event.user >> 1) as usize]) << 1) | 1,
                };
                let users = &mut self.users;
                let number = *self
                    .table
                    .entry(
                        mix(key),
                        |&n| users[n as usize] == key,
                        |&n| mix(users[n as usize]),
                    )
                    .or_insert(users.len() as u32)
                    .get();
                if number as usize == users.len() {
                    users.push(key);
                    self.ends.push(0);
                }
                self.ends[number as usize] += 1;
                self.numbers.push(number);
            }
        }
    }
}
