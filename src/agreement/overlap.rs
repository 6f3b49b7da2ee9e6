//! Sessions of both sides as stretches of time that hold events: which meet, how much of them is
//! shared, and which are each other's counterpart.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::agreement::tally::{Sum, Tally};
use crate::agreement::{Tracked, UserCase};
use crate::events::Micros;

/// Neighbouring events of one inferred session that the same tracked session holds, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Its first event.
    first: Micros,
    /// Its last event.
    last: Micros,
    /// How many events.
    events: u64,
    /// The tracked session that holds them.
    label: Option<u32>,
    /// Whether it opens a session whatever the timeout.
    opens: bool,
}

impl Piece {
    fn join(&mut self, next: &Piece) {
        self.last = next.last;
        self.events += next.events;
    }
}

/// A user's events in pieces that every timeout from `shortest` on leaves whole, where the events
/// that `opens` marks begin a session whatever the timeout.
pub(super) fn pieces(
    case: &UserCase<'_>,
    labels: &[Option<u32>],
    opens: &[bool],
    shortest: Micros,
) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let events = case.events.iter().zip(labels).zip(opens);
    for (index, ((&at, &label), &opens)) in events.enumerate() {
        let event = Piece {
            first: at,
            last: at,
            events: 1,
            label,
            opens: index == 0 || opens,
        };
        match pieces.last_mut() {
            Some(last) if last.label == label && !is_apart(last, &event, shortest) => {
                last.join(&event);
            }
            _ => pieces.push(event),
        }
    }
    pieces
}

/// Joins neighbours of one label that `timeout` leaves in one session.
pub(super) fn join_within(pieces: &mut Vec<Piece>, timeout: Micros) {
    pieces.dedup_by(|next, before| {
        let joins = next.label == before.label && !is_apart(before, next, timeout);
        if joins {
            before.join(next);
        }
        joins
    });
}

/// Whether a session begins with `next`: by the plain rule, or whatever the timeout.
fn is_apart(before: &Piece, next: &Piece, timeout: Micros) -> bool {
    next.opens || next.first - before.last > timeout
}

/// An inferred session: from its first event to its last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inferred {
    pub(super) start: Micros,
    pub(super) end: Micros,
    events: u64,
}

impl Inferred {
    pub(super) fn length(&self) -> Micros {
        self.end - self.start
    }
}

/// From its start to its end; nothing where the end lies before.
pub(super) fn length(tracked: &Tracked) -> Micros {
    (tracked.end - tracked.start).max(0)
}

/// Both sides of one user, and where they meet.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    tracked: &'a [Tracked],
    inferred: Vec<Inferred>,
    /// By tracked session, then inferred one.
    meetings: Vec<Meeting>,
}

/// A tracked and an inferred session that share an event or some time.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    tracked: u32,
    inferred: u32,
    /// Shared time in microseconds.
    length: Micros,
    /// Shared events.
    events: u64,
}

impl<'a> Sides<'a> {
    /// Of pieces that `timeout` leaves whole; `stretches` are those of `tracked`.
    pub(super) fn new(
        pieces: &[Piece],
        tracked: &'a [Tracked],
        stretches: &[Stretch],
        timeout: Micros,
    ) -> Self {
        let mut inferred: Vec<Inferred> = Vec::new();
        let mut meetings = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            match inferred.last_mut() {
                Some(last) if !is_apart(&pieces[index - 1], piece, timeout) => {
                    last.end = piece.last;
                    last.events += piece.events;
                }
                _ => inferred.push(Inferred {
                    start: piece.first,
                    end: piece.last,
                    events: piece.events,
                }),
            }
            meetings.extend(piece.label.map(|tracked| Meeting {
                tracked,
                inferred: place(inferred.len() - 1),
                length: 0,
                events: piece.events,
            }));
        }
        meet_in_time(&inferred, stretches, &mut meetings);
        Self {
            tracked,
            inferred,
            meetings,
        }
    }

    fn of(&self, meeting: &Meeting) -> (&Tracked, &Inferred) {
        let tracked = &self.tracked[meeting.tracked as usize];
        (tracked, &self.inferred[meeting.inferred as usize])
    }

    /// Counterparts, one to one, and the time they share: those that share most time first, then most
    /// events, then the earlier; none that would cross one before.
    pub(super) fn matched(&self) -> Vec<(Tracked, Inferred, Micros)> {
        let mut meetings: Vec<&Meeting> = self.meetings.iter().collect();
        meetings.sort_unstable_by_key(|meeting| {
            let shared = (meeting.length, meeting.events);
            (Reverse(shared), meeting.tracked, meeting.inferred)
        });
        let mut matched: BTreeMap<u32, &Meeting> = BTreeMap::new();
        for meeting in meetings {
            let before = matched.range(..=meeting.tracked).next_back();
            let after = matched.range(meeting.tracked..).next();
            let is_behind = before.is_none_or(|(&tracked, other)| {
                tracked < meeting.tracked && other.inferred < meeting.inferred
            });
            let is_ahead = after.is_none_or(|(&tracked, other)| {
                tracked > meeting.tracked && other.inferred > meeting.inferred
            });
            if is_behind && is_ahead {
                matched.insert(meeting.tracked, meeting);
            }
        }
        let pairs = matched.values().map(|meeting| {
            let (tracked, inferred) = self.of(meeting);
            (*tracked, *inferred, meeting.length)
        });
        pairs.collect()
    }

    /// Adds what sessions share, apart from their durations. `pieces` and `stretches` are those it was
    /// made of.
    pub(super) fn score(&self, pieces: &[Piece], stretches: &[Stretch], tally: &mut Tally) {
        tally[Sum::Tracked] += self.tracked.len() as i128;
        tally[Sum::Inferred] += self.inferred.len() as i128;
        self.score_events(pieces, tally);
        self.score_meetings(tally);
        self.score_time(stretches, tally);
        for (tracked, inferred, shared) in self.matched() {
            let union = length(&tracked) + inferred.length() - shared;
            if union > 0 {
                tally[Sum::PairsWithLength] += 1;
                tally.add_fraction(Sum::SharedOfUnion, shared as f64 / union as f64);
            }
        }
    }

    /// Splits, merges, misses, orphans.
    fn score_meetings(&self, tally: &mut Tally) {
        let mut of_tracked = vec![0_u32; self.tracked.len()];
        let mut of_inferred = vec![0_u32; self.inferred.len()];
        for meeting in &self.meetings {
            of_tracked[meeting.tracked as usize] += 1;
            of_inferred[meeting.inferred as usize] += 1;
        }
        let count = |counts: &[u32], met: fn(u32) -> bool| {
            counts.iter().filter(|&&count| met(count)).count() as i128
        };
        tally[Sum::Splits] += count(&of_tracked, |met| met > 1);
        tally[Sum::Misses] += count(&of_tracked, |met| met == 0);
        tally[Sum::Merges] += count(&of_inferred, |met| met > 1);
        tally[Sum::Orphans] += count(&of_inferred, |met| met == 0);
    }

    /// Shared time and the time of each side.
    fn score_time(&self, stretches: &[Stretch], tally: &mut Tally) {
        let inferred = self
            .inferred
            .iter()
            .map(|session| i128::from(session.length()));
        tally[Sum::InferredLength] += inferred.sum::<i128>();
        let tracked = stretches
            .iter()
            .map(|stretch| i128::from(stretch.end - stretch.start));
        tally[Sum::TrackedLength] += tracked.sum::<i128>();
        let shared = self
            .meetings
            .iter()
            .map(|meeting| i128::from(meeting.length));
        tally[Sum::SharedLength] += shared.sum::<i128>();
    }

    /// Which events the sessions share, over tracked sessions that hold an event.
    fn score_events(&self, pieces: &[Piece], tally: &mut Tally) {
        let edges = self.edges(pieces);
        let by_tracked = self
            .meetings
            .chunk_by(|one, two| one.tracked == two.tracked);
        for meetings in by_tracked {
            let events: u64 = meetings.iter().map(|meeting| meeting.events).sum();
            if events == 0 {
                continue;
            }
            let shared = || meetings.iter().filter(|meeting| meeting.events > 0);
            let edges = &edges[&meetings[0].tracked];
            let same_both = edges.same_first && edges.same_last && edges.first == edges.last;
            tally[Sum::TrackedWithEvents] += 1;
            tally[Sum::Contained] += i128::from(shared().count() == 1);
            tally[Sum::SameFirst] += i128::from(edges.same_first);
            tally[Sum::SameLast] += i128::from(edges.same_last);
            tally[Sum::SameBoth] += i128::from(same_both);
            let overlap = shared().map(|meeting| meeting.events as f64 / events as f64);
            tally.add_fraction(Sum::BestOverlap, overlap.fold(0.0, f64::max));
            let jaccard = shared().map(|meeting| {
                let (_, inferred) = self.of(meeting);
                meeting.events as f64 / (events + inferred.events - meeting.events) as f64
            });
            tally.add_fraction(Sum::BestJaccard, jaccard.fold(0.0, f64::max));
        }
    }

    /// The first and last piece of each tracked session.
    fn edges(&self, pieces: &[Piece]) -> BTreeMap<u32, Edges> {
        let mut edges: BTreeMap<u32, Edges> = BTreeMap::new();
        let mut number = 0;
        let mut left = self.inferred.first().map_or(0, |session| session.events);
        for piece in pieces {
            if left == 0 {
                number += 1;
                left = self.inferred[number].events;
            }
            let is_first = left == self.inferred[number].events;
            left -= piece.events;
            let Some(label) = piece.label else {
                continue;
            };
            let edge = edges.entry(label).or_insert(Edges {
                first: number,
                last: number,
                same_first: is_first,
                same_last: false,
            });
            edge.last = number;
            edge.same_last = left == 0;
        }
        edges
    }
}

/// Where the first and the last event of a tracked session fall among inferred ones.
#[derive(Clone, Copy, Debug)]
struct Edges {
    /// The inferred session of the first event.
    first: usize,
    /// That of the last event.
    last: usize,
    /// Whether the first event is also the inferred session's first.
    same_first: bool,
    /// Whether the last event is also the inferred session's last.
    same_last: bool,
}

/// Adds the time that sessions share to what is known of their shared events: one meeting a pair,
/// by tracked session, then inferred one. Both sides do not overlap and stand in order.
fn meet_in_time(inferred: &[Inferred], stretches: &[Stretch], meetings: &mut Vec<Meeting>) {
    let mut first = 0;
    for stretch in stretches {
        while inferred
            .get(first)
            .is_some_and(|other| other.end <= stretch.start)
        {
            first += 1;
        }
        for (later, other) in inferred[first..].iter().enumerate() {
            if other.start >= stretch.end {
                break;
            }
            let length = stretch.end.min(other.end) - stretch.start.max(other.start);
            if length > 0 {
                meetings.push(Meeting {
                    tracked: stretch.tracked,
                    inferred: place(first + later),
                    length,
                    events: 0,
                });
            }
        }
    }
    meetings.sort_unstable_by_key(|meeting| (meeting.tracked, meeting.inferred));
    meetings.dedup_by(|next, before| {
        let is_same = (next.tracked, next.inferred) == (before.tracked, before.inferred);
        if is_same {
            before.length += next.length;
            before.events += next.events;
        }
        is_same
    });
}

/// Time of one tracked session alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    start: Micros,
    end: Micros,
    tracked: u32,
}

/// The time of tracked sessions, each instant once, in order. Where sessions overlap it belongs to the
/// one that holds an event there: the one that started last. So the stretches are at most twice as many
/// as the sessions, however they overlap.
pub(super) fn stretches(tracked: &[Tracked]) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut begun: Vec<u32> = Vec::new();
    let mut at = Micros::MIN;
    let starts = tracked.iter().map(|session| session.start);
    let starts = starts.map(Some).chain([None]);
    for (index, start) in starts.enumerate() {
        let until = start.unwrap_or(Micros::MAX);
        while let Some(&last) = begun.last() {
            let stop = tracked[last as usize].end.min(until);
            if stop > at {
                stretches.push(Stretch {
                    start: at,
                    end: stop,
                    tracked: last,
                });
                at = stop;
            }
            if tracked[last as usize].end > until {
                break;
            }
            begun.pop();
        }
        at = until;
        begun.extend(start.map(|_| place(index)));
    }
    stretches
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("a user's sessions are counted in 32 bits")
}
