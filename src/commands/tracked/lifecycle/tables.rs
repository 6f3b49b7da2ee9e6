//! The tables of stages, and of sessions stuck in one.

use std::collections::BTreeMap;

use super::Looked;
use crate::commands::report::rows_period;
use crate::error::Failure;
use crate::measures::interval::mean_interval;
use crate::report::answer::{AnswerColumn, AnswerTable, As};
use crate::report::columns::Cell;
use crate::time::period::{Calendar, Period};
use crate::tracked::fields::Field;
use crate::tracked::lifecycle::{Course, Stage, StageFigures, Stuck};
use crate::tracked::record::Record;

const fn column(name: &'static str, header: &'static str, shown: As, rank: u8) -> AnswerColumn {
    AnswerColumn {
        name,
        header,
        shown,
        rank,
    }
}

/// What places a row.
fn place(has_periods: bool, has_segments: bool) -> [AnswerColumn; 3] {
    let rank = |is_there| if is_there { 0 } else { NOT_ASKED };
    [
        column("period_start", "from", As::Instant, rank(has_periods)),
        column("period_end", "to", As::Instant, NOT_ASKED),
        column("segment", "segment", As::Text, rank(has_segments)),
    ]
}

/// The rank of columns that people did not ask for; programs get the same columns always.
const NOT_ASKED: u8 = 9;

/// What is said of a stage.
const STAGE: [AnswerColumn; 16] = [
    column("stage", "stage", As::Word, 0),
    column("sessions", "sessions", As::Count, 8),
    column("entered", "got there", As::Count, 2),
    column("entered_share", "share", As::Share, 5),
    column("completed", "went through", As::Count, 2),
    column("in_progress", "in it", As::Count, 4),
    column("skipped", "skipped", As::Count, 6),
    column("end_unknown", "end unknown", As::Count, 6),
    column("out_of_order", "out of order", As::Count, 6),
    column("unreadable", "unreadable", As::Count, 7),
    column("users", "users", As::Count, 7),
    column("mean_duration_seconds", "mean", As::Duration, 0),
    column("mean_low_seconds", "low", As::Duration, 3),
    column("mean_high_seconds", "high", As::Duration, 3),
    column("median_duration_seconds", "median", As::Duration, 1),
    column("p90_duration_seconds", "p90", As::Duration, 3),
];

/// The length of a UUID.
const LONGEST_ID: usize = 36;

const STUCK: [AnswerColumn; 6] = [
    column("stage", "stage", As::Word, 0),
    column("session_id", "session", As::Text, 0),
    column("user_id", "user", As::Text, 3),
    column("status", "status", As::Text, 2),
    column("since", "since", As::Instant, 1),
    column("stuck_seconds", "for", As::Duration, 0),
];

/// Sessions by the place of their period and by their segment.
type Groups<'a> = BTreeMap<(Option<usize>, Option<&'a str>), Vec<&'a Record>>;

impl Looked<'_> {
    /// One row per period, segment and stage. Every period from the first to the last one in which
    /// a session starts has rows, so that an outage shows; with a segment only those with a session.
    /// Sessions without a start are in no period. With `--total`, rows over all come last.
    pub(super) fn by_period_and_segment(&self) -> Result<AnswerTable, Failure> {
        let calendar = self.calendar()?;
        let has_periods = rows_period(self.settings, None).is_some();
        let mut rows = Vec::new();
        for ((index, segment), records) in self.groups(calendar.as_ref(), has_periods) {
            let period = calendar.as_ref().zip(index);
            let period = period.map(|(calendar, index)| calendar.period(index));
            self.put_rows(period, segment, &records, &mut rows);
        }
        if self.settings.total {
            self.put_rows(None, None, &self.chosen, &mut rows);
        }
        Ok(AnswerTable {
            name: "stages",
            title: match (has_periods, self.segment) {
                (true, None) => "Stages by period",
                (true, Some(_)) => "Stages by period and segment",
                (false, _) => "Stages by segment",
            },
            columns: place(has_periods, self.segment.is_some())
                .into_iter()
                .chain(STAGE)
                .collect(),
            rows,
        })
    }

    /// The sessions of each row, by the place of its period, then its segment.
    fn groups(&self, calendar: Option<&Calendar>, has_periods: bool) -> Groups<'_> {
        let mut groups = Groups::new();
        if let (Some(calendar), None) = (calendar, self.segment) {
            groups.extend((0..calendar.len()).map(|index| ((Some(index), None), Vec::new())));
        }
        for record in &self.chosen {
            let segment = self.segment.and_then(|field| value(record, field));
            let start = calendar.zip(record.time(Field::Started));
            let index = start.map(|(calendar, start)| calendar.index_of(start));
            if index.is_some() || !has_periods {
                groups.entry((index, segment)).or_default().push(record);
            }
        }
        groups
    }

    fn put_rows(
        &self,
        period: Option<Period>,
        segment: Option<&str>,
        records: &[&Record],
        rows: &mut Vec<Vec<Cell<'static>>>,
    ) {
        for &stage in self.course.stages() {
            let place = [
                Cell::instant(period.map(|period| period.start)),
                Cell::instant(period.map(|period| period.end)),
                segment.map_or(Cell::Unknown, text),
            ];
            let figures = self.course.figures(records, stage);
            rows.push(
                place
                    .into_iter()
                    .chain(cells(stage, &figures, &self.course))
                    .collect(),
            );
        }
    }

    /// One row per stage.
    pub(super) fn overall(&self) -> AnswerTable {
        let row = |&stage: &Stage| {
            let figures = self.course.figures(&self.chosen, stage);
            cells(stage, &figures, &self.course).into()
        };
        AnswerTable {
            name: "overall",
            title: "Stages over all sessions",
            columns: STAGE.into(),
            rows: self.course.stages().iter().map(row).collect(),
        }
    }

    /// Ids of letters, digits and hyphens are shown whole, since one is what is asked next.
    fn stuck_columns(&self) -> Vec<AnswerColumn> {
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
        let mut ids = self.stuck.iter().map(|stuck| &stuck.record.id);
        let are_plain = ids.all(|id| id.len() <= LONGEST_ID && id.chars().all(is_plain));
        let of = |mut column: AnswerColumn| {
            if column.name == "session_id" && are_plain {
                column.shown = As::Word;
            }
            column
        };
        STUCK.into_iter().map(of).collect()
    }

    /// The first of the sessions that are stuck.
    pub(super) fn stuck(&self, listed: usize) -> AnswerTable {
        let row = |stuck: &Stuck<'_>| {
            let record = stuck.record;
            vec![
                Cell::Plain(stuck.stage.name().to_owned()),
                text(&record.id),
                record.user.as_deref().map_or(Cell::Unknown, text),
                record.text(Field::Status).map_or(Cell::Unknown, text),
                Cell::Instant(stuck.since),
                Cell::Seconds(i128::from(self.settings.now) - i128::from(stuck.since)),
            ]
        };
        AnswerTable {
            name: "stuck_sessions",
            title: "Stuck",
            columns: self.stuck_columns(),
            rows: self.stuck.iter().take(listed).map(row).collect(),
        }
    }
}

/// The cells of [`STAGE`]. What cannot be counted without a column that the table lacks is unknown.
fn cells(stage: Stage, figures: &StageFigures, course: &Course) -> [Cell<'static>; STAGE.len()] {
    let number = |number: Option<f64>| number.map_or(Cell::Unknown, Cell::Number);
    let count = |is_known: bool, count: u64| match is_known {
        true => Cell::Count(count),
        false => Cell::Unknown,
    };
    let there = |number: u64| count(course.is_begin_known(stage), number);
    let through = |number: u64| count(course.is_known(stage), number);
    let interval = mean_interval(&figures.cell);
    let share = figures.entered as f64 / figures.sessions as f64;
    let has_share = figures.sessions > 0 && course.is_begin_known(stage);
    [
        Cell::Plain(stage.name().to_owned()),
        Cell::Count(figures.sessions),
        there(figures.entered),
        number(has_share.then_some(share)),
        through(figures.completed),
        there(figures.in_progress),
        through(figures.skipped),
        there(figures.end_unknown),
        through(figures.out_of_order),
        there(figures.unreadable),
        through(figures.cell.closed_users),
        number(figures.cell.mean()),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        number(figures.median),
        number(figures.p90),
    ]
}

/// What a session is put under; nothing where the row says nothing.
fn value(record: &Record, field: Field) -> Option<&str> {
    match field {
        Field::User => record.user.as_deref(),
        field => record.text(field),
    }
}

fn text(text: &str) -> Cell<'static> {
    Cell::Text(text.to_owned().into())
}
