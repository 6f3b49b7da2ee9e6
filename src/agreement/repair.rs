//! What to do with tracked sessions that cannot be right: no end, an end before the start, an absurd
//! length, an overlap with the user's next one.

use crate::agreement::Tracked;
use crate::events::{Micros, SECOND};
use crate::import::tracked::TrackedRow;

/// What becomes of broken tracked sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Repair {
    /// As they stand; those without an end, or that end before they start, are left out.
    Keep,
    /// Ended at the user's last event inside, at the next start where two overlap.
    #[default]
    Trim,
    /// Left out; of two that overlap, the one that began first.
    Drop,
}

impl Repair {
    /// Its word in flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Repair::Keep => "keep",
            Repair::Trim => "trim",
            Repair::Drop => "drop",
        }
    }
}

/// What is wrong with a tracked session: the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It has no end, and is over nevertheless.
    NoEnd,
    /// It ends before it starts.
    EndBeforeStart,
    /// It is longer than is plausible.
    AbsurdLength,
    /// It ends after the user's next one starts.
    Overlap,
}

impl Fault {
    /// Every one.
    pub const ALL: [Fault; 4] = [
        Fault::NoEnd,
        Fault::EndBeforeStart,
        Fault::AbsurdLength,
        Fault::Overlap,
    ];

    /// Its words in reports.
    pub fn name(self) -> &'static str {
        match self {
            Fault::NoEnd => "no end",
            Fault::EndBeforeStart => "end before start",
            Fault::AbsurdLength => "absurd length",
            Fault::Overlap => "overlap with the next",
        }
    }
}

/// What a tracked session is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions that start before it are not looked at.
    pub from: Micros,
    /// Those that start at it or later are not either.
    pub to: Micros,
    /// The longest plausible length.
    pub absurd: Micros,
    /// When the data was taken.
    pub now: Micros,
    /// A session whose user did something so long before `now`, or later, may still be running.
    pub timeout: Micros,
}

impl Limits {
    /// The longest plausible length unless something else is said: 24 hours.
    pub const ABSURD: Micros = 24 * 3600 * SECOND;
}

/// How many sessions of one fault there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treated {
    /// Those that were left as they stand.
    pub kept: u64,
    /// Those that were given another end.
    pub trimmed: u64,
    /// Those that were left out.
    pub left_out: u64,
}

impl Treated {
    /// All of them.
    pub fn sessions(&self) -> u64 {
        self.kept + self.trimmed + self.left_out
    }

    fn add(&mut self, other: &Treated) {
        self.kept += other.kept;
        self.trimmed += other.trimmed;
        self.left_out += other.left_out;
    }
}

/// What a repair did, by fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    by_fault: [Treated; 4],
    /// Sessions that may still be running, which are left out.
    pub running: u64,
}

impl Repairs {
    /// What became of the sessions with a fault.
    pub fn of(&self, fault: Fault) -> &Treated {
        &self.by_fault[fault as usize]
    }

    /// How many sessions were broken.
    pub fn broken(&self) -> u64 {
        self.by_fault.iter().map(Treated::sessions).sum()
    }

    /// Adds what was done elsewhere.
    pub fn add(&mut self, other: &Repairs) {
        for (own, other) in self.by_fault.iter_mut().zip(&other.by_fault) {
            own.add(other);
        }
        self.running += other.running;
    }
}

/// Makes sessions of one user's rows, which come by start; `events` are the user's, ascending. Each
/// session comes with the place of its row, by start, then end.
pub fn repaired(
    rows: &[TrackedRow],
    events: &[Micros],
    repair: Repair,
    limits: Limits,
    repairs: &mut Repairs,
) -> Vec<(Tracked, u32)> {
    let mut sessions = Vec::with_capacity(rows.len());
    for (place, row) in (0..).zip(rows) {
        if row.start < limits.from || row.start >= limits.to {
            continue;
        }
        let next = rows.get(place as usize + 1).map(|next| next.start);
        if is_running(row, next, events, limits) {
            repairs.running += 1;
            continue;
        }
        let Some(fault) = fault(row, next, limits.absurd) else {
            let end = row.end.unwrap_or(row.start);
            sessions.push((
                Tracked {
                    start: row.start,
                    end,
                },
                place,
            ));
            continue;
        };
        let treated = &mut repairs.by_fault[fault as usize];
        let end = match repair {
            Repair::Keep => row.end.filter(|&end| end >= row.start),
            Repair::Trim => trimmed(row, fault, next, events, limits.absurd),
            Repair::Drop => None,
        };
        match end {
            None => treated.left_out += 1,
            Some(end) if Some(end) == row.end => treated.kept += 1,
            Some(_) => treated.trimmed += 1,
        }
        sessions.extend(end.map(|end| {
            (
                Tracked {
                    start: row.start,
                    end,
                },
                place,
            )
        }));
    }
    sessions.sort_unstable();
    sessions
}

/// Whether a session may go on: it ends after `now`, or has no end, none after it, and a user who was
/// there less than a timeout before `now`.
fn is_running(row: &TrackedRow, next: Option<Micros>, events: &[Micros], limits: Limits) -> bool {
    let last = || events.last().map_or(row.start, |&last| last.max(row.start));
    match row.end {
        Some(end) => end > limits.now,
        None => next.is_none() && last() > limits.now.saturating_sub(limits.timeout),
    }
}

fn fault(row: &TrackedRow, next: Option<Micros>, absurd: Micros) -> Option<Fault> {
    match row.end {
        None => Some(Fault::NoEnd),
        Some(end) if end < row.start => Some(Fault::EndBeforeStart),
        Some(end) if end - row.start > absurd => Some(Fault::AbsurdLength),
        Some(end) if next.is_some_and(|next| next < end) => Some(Fault::Overlap),
        Some(_) => None,
    }
}

/// The end that a trimmed session gets: that of an overlap at the next start, any other at the last
/// event before the next start, not after its own end where it has one, and no absurd length after
/// its start; where there is none, at its start. Nothing is left where the next one starts with it.
fn trimmed(
    row: &TrackedRow,
    fault: Fault,
    next: Option<Micros>,
    events: &[Micros],
    absurd: Micros,
) -> Option<Micros> {
    if next.is_some_and(|next| next <= row.start) {
        return None;
    }
    if fault == Fault::Overlap {
        return next;
    }
    let longest = row.start.saturating_add(absurd);
    let own = row.end.filter(|&end| end >= row.start);
    let before = |at: &Micros| {
        *at <= longest && own.is_none_or(|own| *at <= own) && next.is_none_or(|next| *at < next)
    };
    let inside = &events[..events.partition_point(before)];
    Some(inside.last().map_or(row.start, |&last| last.max(row.start)))
}

/// For each event, ascending, the session that holds it: of those that have begun and are not over,
/// the one that began last; else one that ends with the event, since an application that ends a
/// session at its last event means that event too.
pub fn holders(events: &[Micros], sessions: &[Tracked]) -> Vec<Option<u32>> {
    let mut begun: Vec<u32> = Vec::new();
    let mut over: Option<(Micros, u32)> = None;
    let mut coming = (0..).zip(sessions).peekable();
    let holder = |&at: &Micros| {
        while let Some((place, _)) = coming.next_if(|(_, session)| session.start <= at) {
            begun.push(place);
        }
        while let Some(&place) = begun.last() {
            let Tracked { start, end } = sessions[place as usize];
            if at < end || at == start {
                return Some(place);
            }
            begun.pop();
            if over.is_none_or(|(before, _)| before < end) {
                over = Some((end, place));
            }
        }
        over.filter(|(end, _)| *end == at).map(|(_, place)| place)
    };
    events.iter().map(holder).collect()
}

/// For each event, ascending, the session that its own row names: `labels` are the rows' times and
/// the places of their sessions, by time. Of several rows at one instant each is used once.
pub fn named(events: &[Micros], labels: &[(Micros, Option<u32>)]) -> Vec<Option<u32>> {
    let mut labels = labels.iter().peekable();
    let name = |&at: &Micros| {
        while labels.next_if(|(time, _)| *time < at).is_some() {}
        labels.next_if(|(time, _)| *time == at)?.1
    };
    events.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        from: Micros::MIN,
        to: Micros::MAX,
        absurd: 100,
        now: 10_000,
        timeout: 30,
    };

    fn row(start: Micros, end: impl Into<Option<Micros>>) -> TrackedRow {
        let end = end.into();
        TrackedRow { start, end }
    }

    fn ends(
        rows: &[TrackedRow],
        events: &[Micros],
        repair: Repair,
    ) -> (Vec<(Micros, Micros)>, Repairs) {
        let mut repairs = Repairs::default();
        let sessions = repaired(rows, events, repair, LIMITS, &mut repairs);
        let spans = sessions
            .iter()
            .map(|(session, _)| (session.start, session.end));
        (spans.collect(), repairs)
    }

    #[test]
    fn a_whole_session_is_left_alone_by_every_repair() {
        for repair in [Repair::Keep, Repair::Trim, Repair::Drop] {
            let (sessions, repairs) = ends(&[row(0, 100), row(100, 120)], &[5], repair);
            assert_eq!(sessions, [(0, 100), (100, 120)]);
            assert_eq!(repairs, Repairs::default());
        }
    }

    #[test]
    fn a_missing_end_is_the_last_event_before_the_next_start() {
        let rows = [row(0, None), row(50, 60)];
        let (sessions, repairs) = ends(&rows, &[10, 40, 50, 55], Repair::Trim);
        assert_eq!(sessions, [(0, 40), (50, 60)]);
        assert_eq!(repairs.of(Fault::NoEnd).trimmed, 1);
        for repair in [Repair::Keep, Repair::Drop] {
            let (sessions, repairs) = ends(&rows, &[10, 40], repair);
            assert_eq!(sessions, [(50, 60)]);
            assert_eq!(repairs.of(Fault::NoEnd).left_out, 1);
        }
    }

    #[test]
    fn without_an_event_inside_a_trimmed_session_ends_where_it_starts() {
        let (sessions, _) = ends(&[row(20, None)], &[10], Repair::Trim);
        assert_eq!(sessions, [(20, 20)]);
    }

    #[test]
    fn an_end_before_the_start_is_no_end() {
        let (sessions, repairs) = ends(&[row(20, 10)], &[25, 90, 300], Repair::Trim);
        assert_eq!(sessions, [(20, 90)]);
        assert_eq!(repairs.of(Fault::EndBeforeStart).trimmed, 1);
        let (sessions, _) = ends(&[row(20, 10)], &[25], Repair::Keep);
        assert_eq!(sessions, []);
    }

    #[test]
    fn an_absurd_session_is_longer_than_the_limit_and_ends_at_the_last_event_within_it() {
        let (sessions, repairs) = ends(&[row(0, 101)], &[10, 70, 101], Repair::Trim);
        assert_eq!(sessions, [(0, 70)]);
        assert_eq!(repairs.of(Fault::AbsurdLength).trimmed, 1);
        let (sessions, repairs) = ends(&[row(0, 101)], &[10], Repair::Keep);
        assert_eq!(sessions, [(0, 101)]);
        assert_eq!(repairs.of(Fault::AbsurdLength).kept, 1);
        let (sessions, _) = ends(&[row(0, 101)], &[10], Repair::Drop);
        assert_eq!(sessions, []);
    }

    #[test]
    fn of_two_that_overlap_the_first_is_trimmed_at_the_next_start_or_dropped() {
        let rows = [row(0, 30), row(20, 40)];
        assert_eq!(ends(&rows, &[], Repair::Trim).0, [(0, 20), (20, 40)]);
        assert_eq!(ends(&rows, &[], Repair::Keep).0, [(0, 30), (20, 40)]);
        assert_eq!(ends(&rows, &[], Repair::Drop).0, [(20, 40)]);
    }

    #[test]
    fn of_two_that_start_together_nothing_is_left_of_the_shorter() {
        let (sessions, repairs) = ends(&[row(0, 30), row(0, 40)], &[], Repair::Trim);
        assert_eq!(sessions, [(0, 40)]);
        assert_eq!(repairs.of(Fault::Overlap).left_out, 1);
    }

    #[test]
    fn a_session_that_may_go_on_is_left_out_and_is_not_broken() {
        let rows = [row(9_000, 10_001), row(9_971, None)];
        let (sessions, repairs) = ends(&rows, &[], Repair::Trim);
        assert_eq!(
            (sessions, repairs.running, repairs.broken()),
            (vec![], 2, 0)
        );
        // 30 before now is a timeout: over.
        let (_, repairs) = ends(&[row(9_970, None)], &[], Repair::Trim);
        assert_eq!((repairs.running, repairs.broken()), (0, 1));
        let (_, repairs) = ends(&[row(9_000, None)], &[9_990], Repair::Trim);
        assert_eq!(repairs.running, 1);
    }

    #[test]
    fn an_event_is_held_by_the_session_that_began_last_and_at_an_end_by_the_one_that_ends() {
        let sessions = [(0, 100), (10, 20), (20, 20), (100, 120), (130, 130)];
        let sessions = sessions.map(|(start, end)| Tracked { start, end });
        let events = [-1, 0, 10, 15, 20, 21, 100, 120, 120, 121, 130, 131];
        let expected = [
            None,
            Some(0),
            Some(1),
            Some(1),
            Some(2),
            Some(0),
            Some(3),
            Some(3),
            Some(3),
            None,
            Some(4),
            None,
        ];
        assert_eq!(holders(&events, &sessions), expected);
    }

    #[test]
    fn each_row_names_the_session_of_one_event() {
        let labels = [(1, Some(0)), (2, None), (2, Some(1)), (4, Some(1))];
        let expected = [Some(0), None, Some(1), None, None];
        assert_eq!(named(&[1, 2, 2, 2, 3], &labels), expected);
    }
}
