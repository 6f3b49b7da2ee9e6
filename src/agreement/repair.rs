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
    /// Those that end later may go on.
    pub settled: Micros,
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
    /// Sessions that may go on, which are left out.
    pub open: u64,
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
        self.open += other.open;
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
        if is_open(row, next, events, limits) {
            repairs.open += 1;
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

/// Whether a session may go on, or an inferred one that holds its end may: it ends late, or says no
/// end that can be (none, one before its start, one after years), and is the last one of a user who was
/// there late, and no absurd length after its start.
fn is_open(row: &TrackedRow, next: Option<Micros>, events: &[Micros], limits: Limits) -> bool {
    let is_late = |at: Micros| at > limits.settled;
    let plausible = row.start..=row.start.saturating_add(limits.absurd);
    match row.end.filter(|end| plausible.contains(end)) {
        Some(end) => is_late(end),
        None => {
            let last = events.last().copied().unwrap_or(row.start);
            let last = last.max(row.start);
            next.is_none() && is_late(last) && plausible.contains(&last)
        }
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
