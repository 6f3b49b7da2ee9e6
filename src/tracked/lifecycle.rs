//! The stages that tracked sessions go through, and how long each of them takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::events::Micros;
use crate::import::tracked::TrackedShape;
use crate::measures::quantile::quantile;
use crate::measures::summary::{Cell, UserTotals};
use crate::tracked::fields::Field;
use crate::tracked::pauses::{Pause, paused};
use crate::tracked::record::Record;

/// A part of a session, from one of its times to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From its creation to the desktop's connection.
    Waiting,
    /// From there to its start.
    Setup,
    /// From its start to its end.
    Productive,
    /// From a person's last login to their last activity, where no session has an end.
    Current,
}

impl Stage {
    /// Those of a shape, in their order.
    pub(crate) fn of(shape: TrackedShape) -> &'static [Stage] {
        match shape {
            TrackedShape::Interview => &[Stage::Waiting, Stage::Setup, Stage::Productive],
            TrackedShape::Snapshot => &[Stage::Current],
            TrackedShape::Practice
            | TrackedShape::Study
            | TrackedShape::SavedInterview
            | TrackedShape::Platform => &[Stage::Productive],
        }
    }

    /// Its word in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Setup => "setup",
            Stage::Productive => "productive",
            Stage::Current => "current",
        }
    }

    /// The columns that say when it begins and when it ends.
    pub(crate) fn ends(self) -> (Field, Field) {
        match self {
            Stage::Waiting => (Field::Created, Field::Connected),
            Stage::Setup => (Field::Connected, Field::Started),
            Stage::Productive => (Field::Started, Field::Ended),
            Stage::Current => (Field::Started, Field::LastActivity),
        }
    }
}

/// What became of a session in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It never got there.
    Absent,
    /// It went through, which took so long; pauses are no part of the productive stage.
    Took(Micros),
    /// The stage's end lies so long before its begin: clocks differ.
    OutOfOrder(Micros),
    /// It reached a later stage without passing this one's end.
    Skipped,
    /// It is there no more, or nobody can tell, and when it left is not known.
    EndUnknown,
    /// One of the two times cannot be read.
    Unreadable,
    /// It has been there since.
    InProgress(Micros),
}

/// A session that has been in a stage for long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stuck<'a> {
    pub(crate) record: &'a Record,
    pub(crate) stage: Stage,
    pub(crate) since: Micros,
}

/// What can be said of a stage. The counts of `completed`, `out_of_order`, `skipped`, `end_unknown`,
/// `unreadable` and `in_progress` sessions add up to those that got there.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageFigures {
    /// All sessions looked at.
    pub(crate) sessions: u64,
    /// Those that got there.
    pub(crate) entered: u64,
    /// Those that went through; averages are over these alone.
    pub(crate) completed: u64,
    pub(crate) out_of_order: u64,
    pub(crate) skipped: u64,
    pub(crate) end_unknown: u64,
    pub(crate) unreadable: u64,
    pub(crate) in_progress: u64,
    /// The most by which a stage ends before it begins.
    pub(crate) furthest_out_of_order: Micros,
    /// Sessions whose stage is longer than [`LONG`], and the time they hold, in microseconds.
    pub(crate) long: (u64, i128),
    /// The sums over users; a session without one is a user of its own.
    pub(crate) cell: Cell,
    /// In seconds.
    pub(crate) median: Option<f64>,
    /// In seconds.
    pub(crate) p90: Option<f64>,
}

/// Stages longer than this are pointed at: `compare` takes such sessions for broken.
pub(crate) const LONG: Micros = crate::agreement::repair::Limits::ABSURD;

/// How the sessions of a table run.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    shape: TrackedShape,
    /// The columns that the table has.
    columns: BTreeSet<Field>,
    /// By session, by their beginning.
    pauses: HashMap<String, Vec<Pause>>,
}

impl Course {
    pub(crate) fn new(shape: TrackedShape, columns: impl IntoIterator<Item = Field>) -> Self {
        Self {
            shape,
            columns: columns.into_iter().collect(),
            pauses: HashMap::new(),
        }
    }

    /// The same with the pauses of sessions, in which nobody is productive.
    #[must_use]
    pub(crate) fn with_pauses(self, pauses: HashMap<String, Vec<Pause>>) -> Self {
        Self { pauses, ..self }
    }

    /// How long a session that went through its productive stage was paused in it.
    pub(crate) fn paused(&self, record: &Record) -> Micros {
        let times = (record.time(Field::Started), record.time(Field::Ended));
        match (self.pauses.get(&record.id), times) {
            (Some(pauses), (Some(start), Some(end))) if end >= start => paused(pauses, start, end),
            _ => 0,
        }
    }

    /// The stages, in their order.
    pub(crate) fn stages(&self) -> &'static [Stage] {
        Stage::of(self.shape)
    }

    /// The times that a session passes, in their order.
    pub(crate) fn milestones(&self) -> impl Iterator<Item = Field> + use<> {
        let stages = self.stages();
        let first = stages.first().map(|stage| stage.ends().0);
        let ends = stages.iter().map(|stage| stage.ends().1);
        first.into_iter().chain(ends)
    }

    /// Whether the table says when a stage begins.
    pub(crate) fn is_begin_known(&self, stage: Stage) -> bool {
        self.columns.contains(&stage.ends().0)
    }

    /// Whether the table says when a stage begins and ends.
    pub(crate) fn is_known(&self, stage: Stage) -> bool {
        self.is_begin_known(stage) && self.columns.contains(&stage.ends().1)
    }

    /// What became of a session in a stage.
    pub(crate) fn passage(&self, record: &Record, stage: Stage) -> Passage {
        let (begin, end) = stage.ends();
        if is_unreadable(record, begin) {
            return Passage::Unreadable;
        }
        let Some(since) = record.time(begin) else {
            return Passage::Absent;
        };
        match record.time(end) {
            _ if is_unreadable(record, end) => Passage::Unreadable,
            Some(until) if until < since => Passage::OutOfOrder(since - until),
            Some(until) if stage == Stage::Productive => {
                Passage::Took(until - since - self.paused(record))
            }
            Some(until) => Passage::Took(until - since),
            None if self.got_past(record, end) => Passage::Skipped,
            None if self.may_be_there(record, stage) => Passage::InProgress(since),
            None => Passage::EndUnknown,
        }
    }

    /// Whether a session has a time after one of its milestones.
    fn got_past(&self, record: &Record, milestone: Field) -> bool {
        let later = self.milestones().skip_while(|field| *field != milestone);
        later.skip(1).any(|field| record.has(field))
    }

    /// Whether a session without the stage's end can be in it still. Where the table lacks the
    /// column, its status alone tells, and that of the last stage only.
    fn may_be_there(&self, record: &Record, stage: Stage) -> bool {
        let is_told = self.is_known(stage) || stage == Stage::Productive;
        is_told && stage != Stage::Current && !is_over(record)
    }

    /// The figures of a stage over some sessions.
    pub(crate) fn figures(&self, records: &[&Record], stage: Stage) -> StageFigures {
        let mut figures = StageFigures::default();
        let mut durations: Vec<Micros> = Vec::new();
        let mut users: HashMap<&str, UserTotals> = HashMap::new();
        for record in records {
            let passage = self.passage(record, stage);
            figures.count(passage);
            if let Passage::Took(duration) = passage {
                durations.push(duration);
                match record.user.as_deref() {
                    Some(user) => add(users.entry(user).or_default(), duration),
                    None => figures.cell.add_user(&alone(duration)),
                }
            }
        }
        for totals in users.values() {
            figures.cell.add_user(totals);
        }
        figures.median = quantile(&mut durations, 50);
        figures.p90 = quantile(&mut durations, 90);
        figures
    }

    /// The sessions that have been in a stage for longer than `limit`, the longest first.
    pub(crate) fn stuck<'a>(
        &self,
        records: &'a [Record],
        limit: Micros,
        now: Micros,
    ) -> Vec<Stuck<'a>> {
        let mut stuck: Vec<Stuck<'a>> = records
            .iter()
            .flat_map(|record| {
                let stages = self.stages().iter();
                stages.filter_map(move |&stage| match self.passage(record, stage) {
                    Passage::InProgress(since) if now.saturating_sub(since) > limit => {
                        Some(Stuck {
                            record,
                            stage,
                            since,
                        })
                    }
                    _ => None,
                })
            })
            .collect();
        stuck.sort_by(|one, other| {
            let key = |stuck: &Stuck<'a>| (stuck.since, stuck.record.id.clone());
            key(one).cmp(&key(other))
        });
        stuck
    }

    /// The statuses of sessions in progress that are not known, and how many sessions have each.
    pub(crate) fn unknown_statuses<'a>(&self, records: &[&'a Record]) -> BTreeMap<&'a str, u64> {
        let mut unknown = BTreeMap::new();
        for record in records {
            let mut stages = self.stages().iter();
            let is_there =
                stages.any(|&stage| matches!(self.passage(record, stage), Passage::InProgress(_)));
            if let (true, Some(status)) = (is_there, record.text(Field::Status))
                && !is_one_of(status, &GOING_ON)
            {
                *unknown.entry(status).or_default() += 1;
            }
        }
        unknown
    }
}

impl StageFigures {
    fn count(&mut self, passage: Passage) {
        self.sessions += 1;
        self.entered += u64::from(passage != Passage::Absent);
        match passage {
            Passage::Absent => {}
            Passage::Took(duration) => {
                self.completed += 1;
                if duration > LONG {
                    self.long.0 += 1;
                    self.long.1 += i128::from(duration);
                }
            }
            Passage::OutOfOrder(by) => {
                self.out_of_order += 1;
                self.furthest_out_of_order = self.furthest_out_of_order.max(by);
            }
            Passage::Skipped => self.skipped += 1,
            Passage::EndUnknown => self.end_unknown += 1,
            Passage::Unreadable => self.unreadable += 1,
            Passage::InProgress(_) => self.in_progress += 1,
        }
    }
}

/// Whether there is something in a column of times that is no time.
pub(crate) fn is_unreadable(record: &Record, field: Field) -> bool {
    record.unreadable.iter().any(|(column, _)| *column == field)
}

/// Statuses of sessions that are over.
const OVER: [&str; 16] = [
    "completed",
    "complete",
    "ended",
    "finished",
    "closed",
    "done",
    "cancelled",
    "canceled",
    "aborted",
    "abandoned",
    "expired",
    "failed",
    "rejected",
    "terminated",
    "timeout",
    "no_show",
];

/// Statuses of sessions that are not.
const GOING_ON: [&str; 12] = [
    "created",
    "new",
    "scheduled",
    "pending",
    "waiting",
    "connected",
    "ready",
    "active",
    "started",
    "in_progress",
    "running",
    "paused",
];

/// Whether its status says that a session is over.
pub(crate) fn is_over(record: &Record) -> bool {
    let status = record.text(Field::Status);
    status.is_some_and(|status| is_one_of(status, &OVER))
}

/// Whether a status is one of these, however it is spelled: `In Progress`, `in-progress`.
fn is_one_of(status: &str, known: &[&str]) -> bool {
    let status = status.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    known.contains(&status.as_str())
}

/// The totals of a user with one session.
fn alone(duration: Micros) -> UserTotals {
    let mut totals = UserTotals::default();
    add(&mut totals, duration);
    totals
}

fn add(totals: &mut UserTotals, duration: Micros) {
    totals.sessions += 1;
    totals.closed_sessions += 1;
    totals.duration = totals.duration.saturating_add(duration);
}
