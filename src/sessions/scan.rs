//! The third step of the engine: scan each partition's events, sorted, once into sessions.
//! Partitions run in parallel; what comes out does not depend on how many threads there are.

use std::sync::Mutex;

use crate::error::Failure;
use crate::events::{Micros, Role, Source, UserId};
use crate::import::ledger::Counts;
use crate::sessions::extent::{Extents, Silences};
use crate::sessions::partition::{Partition, Partitions};
use crate::sessions::piece::{source_of, time_of};
use crate::sessions::rule::{Progress, Rule, Verdict};
use crate::sessions::session::{Session, SourceSet};
use crate::sessions::sort::{Sorted, in_parts, most_events};
use crate::sessions::users::Texts;

/// What a scan needs besides the events.
pub struct ScanPlan<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The run's sources; events carry indices into it once translated.
    pub sources: &'a [Source],
    /// From an importer's provisional source numbers to indices into `sources`, or
    /// [`crate::events::GIVEN_UP`].
    pub translation: [u8; 256],
    /// First and last event, as [`Partitions::span`] gives it.
    pub span: (Micros, Micros),
    /// First and last event of each source, where more is known than the events show; none of those
    /// that are ignored.
    pub ends: &'a [Option<(Micros, Micros)>],
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
    /// Whether consumers ask for users without a session inside the window too.
    pub every_user: bool,
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
    /// All of the user's events that were read, also outside the window.
    pub events: Timeline<'a>,
}

/// One user's events by time, then source.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a>(&'a [i64]);

impl<'a> Timeline<'a> {
    /// Each event's time and source, an index into the run's sources.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (Micros, u8)> + DoubleEndedIterator + 'a {
        self.0.iter().map(|&word| (time_of(word), source_of(word)))
    }

    /// Those from `from`, inclusive, to `to`, exclusive.
    pub(crate) fn within(self, (from, to): (Micros, Micros)) -> Self {
        let before = |end: Micros| self.0.partition_point(|&word| time_of(word) < end);
        let end = before(to);
        Self(&self.0[before(from).min(end)..end])
    }

    /// The events at an instant and later, and the last one before it.
    pub(crate) fn around_and_after(self, at: Micros) -> Self {
        let first = self.0.partition_point(|&word| time_of(word) < at);
        Self(&self.0[first.saturating_sub(1)..])
    }
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
///
/// # Errors
///
/// What does not fit into the memory allowed and cannot be kept elsewhere, or a temporary file that
/// cannot be written or read.
pub fn scan<A: Send>(
    partitions: Partitions,
    plan: &ScanPlan<'_>,
    new: impl Fn() -> A + Sync,
    take: impl Fn(&mut A, &UserSessions<'_>) + Sync,
) -> Result<(Vec<A>, Scanned), Failure> {
    let Partitions {
        memory,
        partitions,
        texts,
        ..
    } = partitions;
    let span = plan.span;
    let most = most_events(&memory, plan.threads);
    let queue = Mutex::new(partitions.into_iter());
    let worker = || {
        let mut scanner = Scanner::new(plan, span);
        let mut sorted = Sorted::default();
        let mut accumulator = new();
        loop {
            let next = queue
                .lock()
                .expect("no thread panics while it holds the queue")
                .find(|partition| partition.events > 0);
            let Some(partition) = next.filter(|_| !memory.has_failed()) else {
                break;
            };
            in_parts(partition, most, &memory, &mut |part: Partition| {
                sorted.fill(part, &memory, &plan.translation);
                scanner.partition(&sorted, &texts, &mut |user| take(&mut accumulator, user));
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
    memory.check()?;
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
    Ok((
        accumulators,
        Scanned {
            counts,
            extents: silences.finish().reaching(plan.ends),
            after_now,
            texts,
        },
    ))
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
    sessions: Vec<Session>,
    counts: Vec<(u8, u64)>,
    counts_end: Vec<usize>,
    /// Whether all events are activity of one source, and gaps alone part them.
    is_plain: bool,
}

impl<'a> Scanner<'a> {
    fn new(plan: &'a ScanPlan<'a>, span: (Micros, Micros)) -> Self {
        let is_plain = match plan.sources {
            [source] => source.is_plain() && !plan.count_sources && plan.rule.is_gaps_alone(),
            _ => false,
        };
        Self {
            plan,
            is_plain,
            totals: Totals::new(plan, span),
            sessions: Vec::new(),
            counts: Vec::new(),
            counts_end: Vec::new(),
        }
    }

    /// Scans the users of a partition.
    fn partition(
        &mut self,
        sorted: &Sorted,
        texts: &Texts,
        take: &mut impl FnMut(&UserSessions<'_>),
    ) {
        let mut text = String::new();
        for (key, words) in sorted.users() {
            match self.is_plain {
                true => self.plain_user(words),
                false => self.user(words),
            }
            if self.plan.every_user || !self.sessions.is_empty() {
                take(&UserSessions {
                    key,
                    user: texts.user(key, &mut text),
                    sessions: &self.sessions,
                    counts: &self.counts,
                    counts_end: &self.counts_end,
                    events: Timeline(words),
                });
            }
        }
    }

    /// Does what [`Self::user`] does for activity of one source that only gaps part.
    fn plain_user(&mut self, words: &[i64]) {
        self.sessions.clear();
        let (mut first, mut repeats) = (0, 0);
        let mut start = time_of(words[0]);
        let mut previous = start;
        for (place, &word) in words.iter().enumerate().skip(1) {
            let at = time_of(word);
            repeats += u64::from(at == previous);
            if self.plan.rule.is_longer_than_timeout(at - previous) {
                self.close_plain(start, previous, place - first);
                (first, start) = (place, at);
            }
            previous = at;
        }
        self.close_plain(start, previous, words.len() - first);
        self.totals.counts[0].duplicates += repeats;
        if previous > self.plan.now {
            let after = words.iter().filter(|&&word| time_of(word) > self.plan.now);
            self.totals.after_now += after.count() as u64;
        }
    }

    fn close_plain(&mut self, start: Micros, end: Micros, events: usize) {
        let events = events as u64;
        self.totals.silences.note_run(start, end, 0);
        let counts = &mut self.totals.counts[0];
        if start >= self.plan.from && start < self.plan.to {
            counts.events += events;
            let mut sources = SourceSet::default();
            sources.insert(0);
            self.sessions.push(Session {
                start,
                end,
                events,
                sources,
                added: 0,
            });
        } else {
            counts.filtered_outside_window += events;
        }
    }

    /// Scans one user's events, sorted, into `self.sessions`.
    fn user(&mut self, words: &[i64]) {
        self.sessions.clear();
        self.counts.clear();
        self.counts_end.clear();
        let plan = self.plan;
        let mut current: Option<Session> = None;
        let mut is_first = true;
        let mut previous = None;
        follow(plan.rule, plan.sources, words, |at, source, fate| {
            let place = usize::from(source);
            if plan.sources[place].role != Role::Ignore {
                self.totals.silences.note(at, source);
            }
            if at > plan.now {
                self.totals.after_now += 1;
            }
            if previous.replace((at, source)) == Some((at, source)) {
                self.totals.counts[place].duplicates += 1;
            }
            let counts = &mut self.totals.counts[place];
            match fate {
                Fate::Opens => {
                    if let Some(done) = current.replace(Session::of(at, source)) {
                        self.close(done, is_first);
                        is_first = false;
                    }
                }
                Fate::Joins => grow(current.as_mut(), at, source),
                Fate::Repeated => return counts.duplicates_dropped += 1,
                Fate::Orphan => return counts.filtered_orphan_ends += 1,
                Fate::Expiry => return counts.filtered_expiry += 1,
                Fate::Ignored => return counts.filtered_ignored += 1,
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
        });
        if let Some(done) = current {
            self.close(done, is_first);
        }
    }

    /// Takes a session that has ended; `is_first` is whether the user has none before it.
    fn close(&mut self, mut session: Session, is_first: bool) {
        if session.start >= self.plan.from && session.start < self.plan.to {
            session.added = self.plan.rule.added((session.start, session.end), is_first);
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

/// What becomes of an event.
#[derive(Clone, Copy)]
enum Fate {
    /// It opens a session.
    Opens,
    /// It belongs to the latest session.
    Joins,
    /// It repeats the one before, in a source that drops such events.
    Repeated,
    /// It is an `end` without a session to close.
    Orphan,
    /// It is an `expiry`.
    Expiry,
    /// It is counted and nothing else.
    Ignored,
}

/// Applies the rule to one user's events, sorted; `each` gets every event.
#[inline]
fn follow(rule: &Rule, sources: &[Source], words: &[i64], mut each: impl FnMut(Micros, u8, Fate)) {
    let mut progress: Option<Progress> = None;
    let mut previous = None;
    for &word in words {
        let (at, source) = (time_of(word), source_of(word));
        let properties = &sources[usize::from(source)];
        if previous.replace(word) == Some(word) && properties.drop_duplicates {
            each(at, source, Fate::Repeated);
            continue;
        }
        let fate = match rule.step(&mut progress, at, properties.role) {
            Verdict::Opens(_) => Fate::Opens,
            Verdict::Joins | Verdict::Closes => Fate::Joins,
            Verdict::Orphan => Fate::Orphan,
            Verdict::Expires | Verdict::ExpiresNone => Fate::Expiry,
            Verdict::Ignored => Fate::Ignored,
        };
        each(at, source, fate);
    }
}

/// Adds the sessions of one user's events by a rule, in time order, whatever the window, to a list
/// that holds none.
pub(crate) fn sessions_of(
    rule: &Rule,
    sources: &[Source],
    events: Timeline<'_>,
    sessions: &mut Vec<Session>,
) {
    if rule.is_gaps_alone() && sources.iter().all(Source::is_plain) {
        for &word in events.0 {
            let (at, source) = (time_of(word), source_of(word));
            match sessions.last_mut() {
                Some(session) if !rule.is_longer_than_timeout(at - session.end) => {
                    grow(Some(session), at, source);
                }
                _ => sessions.push(Session::of(at, source)),
            }
        }
        return;
    }
    follow(rule, sources, events.0, |at, source, fate| match fate {
        Fate::Opens => sessions.push(Session::of(at, source)),
        Fate::Joins => grow(sessions.last_mut(), at, source),
        Fate::Repeated | Fate::Orphan | Fate::Expiry | Fate::Ignored => {}
    });
}

/// Adds an event to the latest session.
#[inline]
fn grow(session: Option<&mut Session>, at: Micros, source: u8) {
    let session = session.expect("the rule joins events only to a session that there is");
    session.end = at;
    session.events += 1;
    session.sources.insert(source);
}
