//! `sessionize tracked lifecycle`: the stages that sessions go through, how long each takes, by
//! period and segment, and the sessions that are stuck in one.

mod notes;
mod tables;

use super::{answer_of, open};
use crate::cli::SegmentBy;
use crate::cli::tracked::{LifecycleFlags, LifecycleRows};
use crate::commands::report::rows_period;
use crate::commands::too_many_periods;
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::measures::interval::mean_interval;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::pauses::PauseTable;
use crate::store::sessions::{Condition, SessionTable};
use crate::store::{Access, Store};
use crate::time::duration::write_duration;
use crate::time::period::{Calendar, Period, PeriodLength, containing};
use crate::tracked::fields::Field;
use crate::tracked::lifecycle::{Course, Stage, StageFigures, Stuck};
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// The most stuck sessions that are listed beside the stages.
const LISTED: usize = 20;

/// What everything is said of.
struct Looked<'a> {
    settings: &'a Settings,
    table: &'a SessionTable,
    course: Course,
    /// Of sessions by their start: from, inclusive, to, exclusive.
    window: (Option<Micros>, Option<Micros>),
    /// All sessions that may be seen.
    all: &'a [Record],
    /// Those of the window.
    chosen: Vec<&'a Record>,
    segment: Option<Field>,
    /// Every session that is stuck, the longest first.
    stuck: Vec<Stuck<'a>>,
}

/// Reads the sessions and looks at their stages.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    asked: &LifecycleFlags,
) -> Result<Answer, Failure> {
    let (mut store, mut table) = open(settings, place, Access::Read)?;
    let segment = segment_field(&store, &table, place)?;
    let window = window(settings, asked);
    if window != (None, None) {
        table.column(&store, Field::Started)?;
    }
    let mut course = Course::new(table.shape, table.columns.keys().copied());
    if let Some(pauses) = PauseTable::find(&store, place)? {
        course = course.with_pauses(pauses.all(&mut store)?);
    }
    let is_needed = |field: Field| {
        field.is_time()
            || matches!(field, Field::Id | Field::User | Field::Status)
            || Some(field) == segment
    };
    table.columns.retain(|field, _| is_needed(*field));
    let all = table.records(&mut store, Condition::default())?;
    let looked = Looked {
        settings,
        table: &table,
        window,
        chosen: all
            .iter()
            .filter(|record| is_within(record, window))
            .collect(),
        segment,
        stuck: course.stuck(&all, asked.stuck_after, settings.now),
        course,
        all: &all,
    };
    let mut answer = answer_of(settings, &store, &table, Task::Lifecycle, looked.headline());
    answer.facts = looked.facts(asked);
    let listed = match asked.rows {
        LifecycleRows::Stuck => looked.stuck.len(),
        _ => looked.stuck.len().min(LISTED),
    };
    answer.tables = vec![
        looked.by_period_and_segment()?,
        looked.overall(),
        looked.stuck(listed),
    ];
    match asked.rows {
        LifecycleRows::Stages => {}
        LifecycleRows::Overall => answer.tables.swap(0, 1),
        LifecycleRows::Stuck => answer.tables.rotate_right(1),
    }
    answer.notes = looked.notes(listed);
    Ok(answer)
}

/// The window of starts; `--today` is the day of now.
fn window(settings: &Settings, asked: &LifecycleFlags) -> (Option<Micros>, Option<Micros>) {
    match asked.today {
        true => {
            let today = today(settings);
            (Some(today.start), Some(today.end))
        }
        false => settings.window,
    }
}

fn today(settings: &Settings) -> Period {
    containing(PeriodLength::Day, &settings.zone, settings.now)
}

/// Whether a session starts in a window; in one without ends every session is.
fn is_within(record: &Record, (from, to): (Option<Micros>, Option<Micros>)) -> bool {
    if (from, to) == (None, None) {
        return true;
    }
    record.time(Field::Started).is_some_and(|start| {
        from.is_none_or(|from| start >= from) && to.is_none_or(|to| start < to)
    })
}

/// The column that rows are split by.
fn segment_field(
    store: &Store,
    table: &SessionTable,
    place: &TrackedPlace,
) -> Result<Option<Field>, Failure> {
    let Some(asked) = place.segment else {
        return Ok(None);
    };
    let of_shape: Vec<SegmentBy> = SEGMENTS
        .iter()
        .filter(|(_, field)| !table.standard_name(*field).is_empty())
        .map(|(segment, _)| *segment)
        .collect();
    if !of_shape.contains(&asked) {
        let (name, shape) = (asked.name(), place.shape.name());
        let message = format!("--segment {name}: sessions of the shape \"{shape}\" have no {name}");
        let names: Vec<&str> = of_shape.iter().map(|segment| segment.name()).collect();
        let help = match names.is_empty() {
            true => "they cannot be segmented".to_owned(),
            false => format!("expected {}", names.join(", ")),
        };
        return Err(Failure::new(error::USAGE, message).help(help));
    }
    let field = SEGMENTS.iter().find(|(segment, _)| *segment == asked);
    let field = field.map(|(_, field)| *field);
    if let Some(field) = field {
        table.column(store, field)?;
    }
    Ok(field)
}

/// What sessions can be split by.
const SEGMENTS: [(SegmentBy, Field); 8] = [
    (SegmentBy::User, Field::User),
    (SegmentBy::Subject, Field::Subject),
    (SegmentBy::Topic, Field::Topic),
    (SegmentBy::Subtopic, Field::Subtopic),
    (SegmentBy::Template, Field::Template),
    (SegmentBy::Status, Field::Status),
    (SegmentBy::Device, Field::Device),
    (SegmentBy::Browser, Field::Browser),
];

impl Looked<'_> {
    /// The stage that says how long a session lasts.
    fn last_stage(&self) -> Stage {
        let last = self.course.stages().last().copied();
        last.unwrap_or(Stage::Productive)
    }

    fn headline(&self) -> String {
        let stage = self.last_stage();
        let figures = self.course.figures(&self.chosen, stage);
        let sessions = words::counted(figures.sessions, "session", "sessions");
        if !self.course.is_begin_known(stage) && figures.sessions > 0 {
            return format!("How many of {sessions} started is unknown");
        }
        let started = format!("{} of {sessions} started", words::count(figures.entered));
        let Some(mean) = figures.cell.mean().map(words::duration) else {
            return match (self.chosen.len(), self.course.is_known(stage), stage) {
                (0, ..) => "No session".to_owned(),
                (_, true, Stage::Current) => "No person has a current session".to_owned(),
                (_, true, _) => format!("{started}, and none is known to have ended"),
                (_, false, _) => {
                    format!("{started}; how long they were productive is unknown")
                }
            };
        };
        let sure = match mean_interval(&figures.cell) {
            Some(interval) => format!(" (95% {})", words::interval(interval)),
            None => String::new(),
        };
        match stage {
            Stage::Current => format!(
                "From last login to last activity {mean} on average{sure}, over {}; one current \
                 session per person, without history",
                words::counted(figures.completed, "person", "people")
            ),
            _ => format!(
                "Productive for {mean} on average{sure}, over {} of the {} that started",
                words::counted(figures.completed, "session", "sessions"),
                words::count(figures.entered)
            ),
        }
    }

    fn facts(&self, asked: &LifecycleFlags) -> Vec<AnswerFact> {
        let count = |name, label, number: usize| {
            AnswerFact::new(name, label, As::Count, Cell::Count(number as u64))
        };
        let mut facts = vec![count("sessions", "sessions", self.chosen.len())];
        if self.course.stages().len() > 1 {
            facts.extend(self.course.milestones().map(|field| self.reached(field)));
        }
        facts.extend(
            self.course
                .stages()
                .iter()
                .map(|stage| self.average(*stage)),
        );
        let day = today(self.settings);
        let day = (Some(day.start), Some(day.end));
        let today = self.all.iter().filter(|record| is_within(record, day));
        facts.push(count("started_today", "started today", today.count()));
        if self.last_stage() != Stage::Current {
            let longer = write_duration(asked.stuck_after);
            facts.push(count("stuck", "stuck", self.stuck.len()).behind(format!(
                "(longer than {longer} in one stage, whatever the window)"
            )));
            facts.push(AnswerFact::new(
                "stuck_after_seconds",
                "stuck after",
                As::Duration,
                Cell::Seconds(i128::from(asked.stuck_after)),
            ));
        }
        facts.push(AnswerFact::new(
            "from",
            "started from",
            As::Instant,
            Cell::instant(self.window.0),
        ));
        facts.push(AnswerFact::new(
            "to",
            "started before",
            As::Instant,
            Cell::instant(self.window.1),
        ));
        facts
    }

    /// How many sessions got to a milestone.
    fn reached(&self, milestone: Field) -> AnswerFact {
        let (name, label) = match milestone {
            Field::Created => ("created", "created"),
            Field::Connected => ("connected", "connected"),
            Field::Started => ("started", "started"),
            _ => ("ended", "ended"),
        };
        if !self.table.columns.contains_key(&milestone) {
            let column = self.table.standard_name(milestone);
            return AnswerFact::new(name, label, As::Count, Cell::Unknown)
                .behind(format!("(no column \"{column}\")"));
        }
        let records = self.chosen.iter();
        let reached = records.filter(|record| record.has(milestone)).count();
        let fact = AnswerFact::new(name, label, As::Count, Cell::Count(reached as u64));
        match self.chosen.len() {
            0 => fact,
            sessions => fact.behind(format!(
                "({} of sessions)",
                words::share(reached as f64 / sessions as f64)
            )),
        }
    }

    /// The mean of a stage, with all that is said of it behind.
    fn average(&self, stage: Stage) -> AnswerFact {
        let (name, label) = match stage {
            Stage::Waiting => ("waiting_mean_seconds", "waiting"),
            Stage::Setup => ("setup_mean_seconds", "setup"),
            Stage::Productive => ("productive_mean_seconds", "productive"),
            Stage::Current => ("current_mean_seconds", "login to last activity"),
        };
        let figures = self.course.figures(&self.chosen, stage);
        let mean = figures.cell.mean().map_or(Cell::Unknown, Cell::Number);
        let behind = match self.course.is_known(stage) {
            true => spread(&figures),
            false => "(unknown: a column is missing)".to_owned(),
        };
        AnswerFact::new(name, label, As::Duration, mean).behind(behind)
    }

    /// The rows' periods over the starts of the sessions, if there are any.
    fn calendar(&self) -> Result<Option<Calendar>, Failure> {
        let starts = self.chosen.iter();
        let starts = starts.filter_map(|record| record.time(Field::Started));
        let span = starts.fold(None, |span: Option<(Micros, Micros)>, start| {
            let (first, last) = span.unwrap_or((start, start));
            Some((first.min(start), last.max(start)))
        });
        let Some((length, (first, last))) = rows_period(self.settings, span).zip(span) else {
            return Ok(None);
        };
        let calendar = Calendar::covering(length, &self.settings.zone, first, last);
        calendar.map(Some).map_err(|cause| too_many_periods(&cause))
    }
}

/// `(95% 19m 02s–24m 10s, median 20m 00s, p90 40m 00s, 12 sessions)`.
fn spread(figures: &StageFigures) -> String {
    if figures.completed == 0 {
        return "(no session went through)".to_owned();
    }
    let sure = match mean_interval(&figures.cell) {
        Some(interval) => format!("95% {}", words::interval(interval)),
        None => "no interval".to_owned(),
    };
    let quantile = |name: &str, seconds: Option<f64>| {
        let words = seconds.map_or(words::UNKNOWN.to_owned(), words::duration);
        format!("{name} {words}")
    };
    let parts = [
        sure,
        quantile("median", figures.median),
        quantile("p90", figures.p90),
        words::counted(figures.completed, "session", "sessions"),
    ];
    format!("({})", parts.join(", "))
}
