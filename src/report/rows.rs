//! The cells of tables that people read: what each column is called, how it is aligned, and which
//! columns a narrow page can spare.

pub(crate) mod judgement;

use std::borrow::Cow;

use crate::import::ledger::SourceRecord;
use crate::measures::Row;
use crate::report::columns::user_text;
use crate::report::explain::{ExplainedEvent, Explanation};
use crate::report::sessions::SessionRow;
use crate::report::story::seconds;
use crate::report::{Report, Run, Segment, words};
use crate::time::period::label;

/// The mark of a period that is not complete, and of a session that is still open.
pub(crate) const UNFINISHED: char = '○';

/// One column with its cells.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) header: Cow<'static, str>,
    pub(crate) side: Side,
    /// Columns with the highest rank are left out first; rank 0 always stays.
    pub(crate) rank: u8,
    pub(crate) cells: Vec<String>,
}

/// How a column is aligned, and whether its cells may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Short text of our own, aligned left.
    Left,
    /// Numbers, aligned right.
    Right,
    /// Text that may be long, hold users' data, and be cut, aligned left. Other columns are left
    /// out rather than that less than so much of it is shown.
    Data(usize),
    /// Names joined with [`JOINT`], cut in the middle. Other columns are left out also where names
    /// that differ would look the same.
    Names(usize),
}

/// What joins the names of a set of sources.
pub(crate) const JOINT: &str = ";";

impl Column {
    pub(crate) fn new(
        header: impl Into<Cow<'static, str>>,
        side: Side,
        rank: u8,
        cells: impl Iterator<Item = String>,
    ) -> Self {
        Self {
            header: header.into(),
            side,
            rank,
            cells: cells.collect(),
        }
    }
}

/// Where the bar of the mean stands among the columns of a report, if anywhere.
pub(crate) const MEAN: &str = "mean";
/// Left out where every row is one user.
const USERS: &str = "users";

/// The rows of a report.
pub(crate) fn report_columns(report: &Report) -> Vec<Column> {
    let rows: Vec<&Row> = report.rows().collect();
    let right = |header: &'static str, rank, cell: &dyn Fn(&Row) -> String| {
        Column::new(header, Side::Right, rank, rows.iter().map(|row| cell(row)))
    };
    let mut columns = label_columns(report, &rows);
    columns.extend([
        right("sessions", 2, &|row| words::count(row.figures.sessions)),
        right(USERS, 5, &|row| words::count(row.figures.users)),
        right(MEAN, 0, &|row| seconds(row.figures.mean)),
        right("95% interval", 4, &|row| {
            known(row.figures.mean_interval, words::interval)
        }),
        right("median", 6, &|row| seconds(row.figures.median)),
        right("bounces", 7, &|row| {
            known(row.figures.bounce_rate, words::share)
        }),
        right("90% within", 8, &|row| seconds(row.figures.p90)),
    ]);
    if report.measures.dwell.is_some() {
        let estimated = |row: &Row| row.figures.dwell.unwrap_or_default();
        let after_mean = columns.iter().position(|column| column.header == MEAN);
        let place = after_mean.map_or(columns.len(), |place| place + 1);
        let more = [
            right("estimate", 1, &|row| seconds(estimated(row).mean)),
            right("ceiling", 1, &|row| seconds(estimated(row).mean_ceiling)),
            right("estimated", 6, &|row| {
                known(estimated(row).share, words::share)
            }),
        ];
        columns.splice(place..place, more);
    }
    if report.run.segment == Some(Segment::User) {
        columns.retain(|column| column.header != USERS);
    }
    if rows.iter().any(|row| row.change.is_some()) {
        columns.push(right("change (95% interval)", 9, &change));
    }
    columns
}

pub(crate) fn known<T>(value: Option<T>, words: impl Fn(T) -> String) -> String {
    value.map_or_else(|| words::UNKNOWN.to_owned(), words)
}

fn change(row: &Row) -> String {
    let Some(change) = row.change else {
        return String::new();
    };
    let moved = words::change(change.seconds);
    match change.interval {
        Some(interval) => format!("{moved} ({})", words::change_interval(interval)),
        None => moved,
    }
}

fn label_columns(report: &Report, rows: &[&Row]) -> Vec<Column> {
    let mut columns = Vec::new();
    if let Some(length) = report.run.by {
        let mut previous = None;
        let cells = rows.iter().map(|row| {
            let repeated = row.period.is_some() && row.period == previous;
            previous = row.period;
            match row.period {
                Some(_) if repeated => String::new(),
                Some(period) => {
                    let label = label(period, length, &report.run.zone);
                    let mark = if row.complete == Some(false) {
                        UNFINISHED
                    } else {
                        ' '
                    };
                    format!("{label} {mark}").trim_end().to_owned()
                }
                None => "overall".to_owned(),
            }
        });
        columns.push(Column::new(length.name(), Side::Data(18), 0, cells));
    }
    let segment = report.run.segment.map(|segment| match segment {
        Segment::User => "user",
        Segment::Source => "sources",
    });
    if segment.is_some() || columns.is_empty() {
        let has_period = !columns.is_empty();
        let cells = rows.iter().map(|row| match &row.segment {
            Some(segment) => segment.clone(),
            None if has_period => String::new(),
            None => "overall".to_owned(),
        });
        let side = match report.run.segment {
            Some(Segment::Source) => Side::Names(20),
            _ => Side::Data(20),
        };
        columns.push(Column::new(segment.unwrap_or(""), side, 0, cells));
    }
    columns
}

/// The sources of a run and what became of their rows.
pub(crate) fn source_columns(run: &Run) -> Vec<Column> {
    let number = |header: &'static str, rank, cell: &dyn Fn(&SourceRecord) -> u64| {
        let cells = run.sources.iter().map(|source| words::count(cell(source)));
        Column::new(header, Side::Right, rank, cells)
    };
    let text = |header: &'static str, side, rank, cell: &dyn Fn(&SourceRecord) -> String| {
        Column::new(header, side, rank, run.sources.iter().map(cell))
    };
    vec![
        text("source", Side::Data(8), 0, &|source| source.name.clone()),
        text("role", Side::Left, 0, &|source| {
            source.role.name().to_owned()
        }),
        number("rows read", 0, &|source| source.counts.read),
        number("events", 0, &|source| source.counts.events),
        number("rejected", 0, &|source| source.counts.rejected),
        number("filtered", 0, &|source| source.counts.filtered()),
        number("dropped", 0, &|source| source.counts.duplicates_dropped),
        text("read from", Side::Data(24), 1, &|source| {
            format!("{} ({})", source.place, source.kind)
        }),
    ]
}

/// Some rows of a list of sessions.
pub(crate) fn session_columns(rows: &[SessionRow<'_>], run: &Run) -> Vec<Column> {
    let column = |header: &'static str, side, rank, cell: &dyn Fn(&SessionRow<'_>) -> String| {
        Column::new(header, side, rank, rows.iter().map(cell))
    };
    vec![
        column("user", Side::Data(8), 0, &|row| {
            user_text(row.user.as_id()).into_owned()
        }),
        column("start", Side::Left, 1, &|row| {
            words::local_time(row.start, &run.zone)
        }),
        column("duration", Side::Right, 2, &|row| {
            words::exact_duration(row.duration)
        }),
        column("events", Side::Right, 3, &|row| words::count(row.events)),
        column("", Side::Left, 4, &|row| {
            if row.open {
                UNFINISHED.to_string()
            } else {
                String::new()
            }
        }),
        column("sources", Side::Data(12), 5, &|row| {
            let parts: Vec<String> = row
                .sources
                .iter()
                .map(|(name, events)| format!("{name} {}", words::count(*events)))
                .collect();
            parts.join(", ")
        }),
    ]
}

/// The events of an explanation.
pub(crate) fn explanation_columns(explanation: &Explanation) -> Vec<Column> {
    let events = || explanation.events.iter();
    vec![
        Column::new(
            "time",
            Side::Left,
            0,
            events().map(|event| time_beside(event, explanation)),
        ),
        Column::new(
            "gap",
            Side::Right,
            1,
            events().map(|event| known(event.gap, words::gap)),
        ),
        Column::new(
            "source",
            Side::Data(8),
            3,
            events().map(|event| event.source.clone()),
        ),
        Column::new(
            "role",
            Side::Left,
            4,
            events().map(|event| event.role.name().to_owned()),
        ),
        Column::new(
            "verdict",
            Side::Data(36),
            0,
            events().map(|event| event.verdict.clone()),
        ),
    ]
}

/// An event's time under the heading of its session, which has the day: the day again only where it
/// is another, or where there is no session.
fn time_beside(event: &ExplainedEvent, explanation: &Explanation) -> String {
    let zone = &explanation.run.zone;
    let index = event
        .session
        .and_then(|number| usize::try_from(number - 1).ok());
    let session = index.and_then(|index| explanation.sessions.get(index));
    let time = words::local_time(event.at, zone);
    let day = session.map(|session| words::date(session.start, zone));
    match day.and_then(|day| time.strip_prefix(&format!("{day} "))) {
        Some(clock) => clock.to_owned(),
        None => time,
    }
}

/// The line above the events of a session in an explanation, from the session's number.
pub(crate) fn session_heading(explanation: &Explanation, number: u64) -> String {
    let heading = format!("session {number}");
    let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
    let Some(session) = index.and_then(|index| explanation.sessions.get(index)) else {
        return heading;
    };
    let zone = &explanation.run.zone;
    let open = if session.open { "  ○ still open" } else { "" };
    let (start, end) = (session.start, session.end);
    let (day, last_day) = (words::date(start, zone), words::date(end, zone));
    let mut time = format!("{day} {}", words::clock_time(start, zone));
    if end > start {
        let end = words::clock_time(end, zone);
        time.push_str(&match day == last_day {
            true => format!("–{end}"),
            false => format!(" – {last_day} {end}"),
        });
    }
    format!(
        "{heading}  {time}  {}  {}{open}",
        words::exact_duration(session.duration),
        words::counted(session.events, "event", "events"),
    )
}
