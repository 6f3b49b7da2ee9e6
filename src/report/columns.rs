//! The columns that machines read: names, order and cells, the same in CSV, JSON and
//! Parquet. Names and order are frozen within one schema version; new columns come only at the end.

pub mod judgement;

use std::borrow::Cow;

use crate::events::{Micros, User, UserId};
use crate::measures::{Figures, Row};
use crate::report::explain::ExplainedEvent;
use crate::report::sessions::SessionRow;
use crate::report::{Report, Run};

/// The columns of a report.
pub const REPORT: [&str; 23] = [
    PERIOD_START,
    PERIOD_END,
    COMPLETE,
    "segment",
    "users",
    "events",
    "sessions",
    "open_sessions",
    MEAN_DURATION_SECONDS,
    "mean_low_seconds",
    "mean_high_seconds",
    "median_duration_seconds",
    "p90_duration_seconds",
    "mean_duration_without_bounces_seconds",
    "bounce_rate",
    "sessions_per_user",
    "events_per_session",
    "total_duration_seconds",
    "change_seconds",
    "change_low_seconds",
    "change_high_seconds",
    "timeout_seconds",
    "time_zone",
];

/// What JSON says of a row beyond [`REPORT`].
pub const REPORT_EXTRA: [&str; 5] = [
    "mean_of_user_means_seconds",
    "effective_users",
    "largest_user_share",
    "closed_sessions",
    "closed_users",
];

/// The columns that come after [`REPORT`] when `--dwell` estimates the time after the last events.
pub const DWELL: [&str; 5] = [
    "mean_estimate_seconds",
    "mean_ceiling_seconds",
    "estimated_share",
    "total_estimate_seconds",
    "total_ceiling_seconds",
];

/// The last column of rows that another system's rule made (`--compat`): its name. Rows of our own
/// rule have no such column.
pub const COMPAT: &str = "compat";

/// The columns of a list of sessions.
pub const SESSIONS: [&str; 8] = [
    "session_id",
    USER_ID,
    START,
    END,
    DURATION_SECONDS,
    EVENTS,
    "sources",
    OPEN,
];

/// What a column holds, for formats whose columns have a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, also that of ids and of events per source.
    Text,
    /// A whole number.
    Count,
    /// A number with a fraction, also that of seconds.
    Number,
    /// An instant.
    Instant,
    /// `true` or `false`.
    Flag,
}

/// The type of a column: what it holds, and whether that can be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) kind: Kind,
    pub(crate) can_be_unknown: bool,
}

const fn always(kind: Kind) -> Type {
    Type {
        kind,
        can_be_unknown: false,
    }
}

const fn sometimes(kind: Kind) -> Type {
    Type {
        kind,
        can_be_unknown: true,
    }
}

/// The types of [`REPORT`]; rows over the whole window have no period, and those of everyone no
/// segment.
pub(crate) const REPORT_TYPES: [Type; REPORT.len()] = [
    sometimes(Kind::Instant),
    sometimes(Kind::Instant),
    sometimes(Kind::Flag),
    sometimes(Kind::Text),
    always(Kind::Count),
    always(Kind::Count),
    always(Kind::Count),
    always(Kind::Count),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    sometimes(Kind::Number),
    always(Kind::Number),
    always(Kind::Text),
];

/// The types of [`DWELL`].
pub(crate) const DWELL_TYPES: [Type; DWELL.len()] = [sometimes(Kind::Number); DWELL.len()];

/// The types of [`SESSIONS`].
pub(crate) const SESSION_TYPES: [Type; SESSIONS.len()] = [
    always(Kind::Text),
    always(Kind::Text),
    always(Kind::Instant),
    always(Kind::Instant),
    always(Kind::Number),
    always(Kind::Count),
    always(Kind::Text),
    always(Kind::Flag),
];

/// The columns of an explanation.
pub const EXPLANATION: [&str; 6] = ["at", "source", "role", "gap_seconds", SESSION, "verdict"];

/// The columns of a session inside an explanation in JSON.
pub(crate) const EXPLAINED_SESSION: [&str; 6] =
    [SESSION, START, END, DURATION_SECONDS, EVENTS, OPEN];

/// The columns of a day under the headline, in JSON.
pub(crate) const DAILY: [&str; 4] = [PERIOD_START, PERIOD_END, COMPLETE, MEAN_DURATION_SECONDS];

/// The columns of the earlier period of a trend, in JSON.
pub(crate) const EARLIER: [&str; 3] = [PERIOD_START, PERIOD_END, MEAN_DURATION_SECONDS];

/// The name of the user's column.
pub const USER_ID: &str = "user_id";
const PERIOD_START: &str = "period_start";
const PERIOD_END: &str = "period_end";
const COMPLETE: &str = "complete";
const MEAN_DURATION_SECONDS: &str = "mean_duration_seconds";
const START: &str = "start";
const END: &str = "end";
const DURATION_SECONDS: &str = "duration_seconds";
const EVENTS: &str = "events";
const SESSION: &str = "session";
const OPEN: &str = "open";

/// One value for a machine.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'a> {
    /// An empty cell or null.
    Unknown,
    /// Text, guarded in CSV against being read as a formula.
    Text(Cow<'a, str>),
    /// Text of our own that starts with no sign of a formula.
    Plain(String),
    /// A count.
    Count(u64),
    /// A number that is not exact; infinite or undefined is unknown.
    Number(f64),
    /// Microseconds, written as exact decimal seconds.
    Seconds(i128),
    /// An instant, in RFC 3339.
    Instant(Micros),
    /// `true` or `false`.
    Flag(bool),
    /// +1, 0 or −1.
    Sign(i8),
    /// Events per source: `name:events` joined with `;`, an object in JSON.
    Sources(&'a [(&'a str, u64)]),
    /// Texts: joined with `;`, an array in JSON.
    Texts(Vec<String>),
    /// Cells with their names, an object in JSON; other formats have no place for it.
    Named(Vec<(&'static str, Cell<'a>)>),
}

impl Cell<'_> {
    fn number(value: Option<f64>) -> Self {
        value.map_or(Cell::Unknown, Cell::Number)
    }

    pub(crate) fn instant(at: Option<Micros>) -> Self {
        at.map_or(Cell::Unknown, Cell::Instant)
    }
}

/// The cells of [`REPORT`].
pub(crate) fn report_cells<'a>(row: &'a Row, run: &Run) -> [Cell<'a>; REPORT.len()] {
    let figures = &row.figures;
    let change = row.change.as_ref();
    let change_interval = change.and_then(|change| change.interval);
    [
        Cell::instant(row.period.map(|period| period.start)),
        Cell::instant(row.period.map(|period| period.end)),
        row.complete.map_or(Cell::Unknown, Cell::Flag),
        row.segment
            .as_deref()
            .map_or(Cell::Unknown, |segment| Cell::Text(segment.into())),
        Cell::Count(figures.users),
        Cell::Count(figures.events),
        Cell::Count(figures.sessions),
        Cell::Count(figures.open_sessions),
        Cell::number(figures.mean),
        Cell::number(figures.mean_interval.map(|(low, _)| low)),
        Cell::number(figures.mean_interval.map(|(_, high)| high)),
        Cell::number(figures.median),
        Cell::number(figures.p90),
        Cell::number(figures.mean_without_bounces),
        Cell::number(figures.bounce_rate),
        Cell::number(figures.sessions_per_user),
        Cell::number(figures.events_per_session),
        figures.total.map_or(Cell::Unknown, Cell::Seconds),
        Cell::number(change.map(|change| change.seconds)),
        Cell::number(change_interval.map(|(low, _)| low)),
        Cell::number(change_interval.map(|(_, high)| high)),
        Cell::Seconds(run.timeout.micros().into()),
        Cell::Text(run.zone.to_string().into()),
    ]
}

/// The cells of [`DWELL`]; none where nothing was asked for.
pub(crate) fn dwell_cells(figures: &Figures) -> Option<[Cell<'static>; DWELL.len()]> {
    let seconds = |total: Option<i128>| total.map_or(Cell::Unknown, Cell::Seconds);
    figures.dwell.map(|estimated| {
        [
            Cell::number(estimated.mean),
            Cell::number(estimated.mean_ceiling),
            Cell::number(estimated.share),
            seconds(estimated.total),
            seconds(estimated.total_ceiling),
        ]
    })
}

/// The names of all columns of a report.
pub(crate) fn report_names(report: &Report) -> Vec<&'static str> {
    let dwell = report.measures.dwell.iter().flat_map(|_| DWELL);
    names_of(REPORT.into_iter().chain(dwell), &report.run)
}

/// The types of [`report_names`].
pub(crate) fn report_types(report: &Report) -> Vec<Type> {
    let dwell = report.measures.dwell.iter().flat_map(|_| DWELL_TYPES);
    types_of(REPORT_TYPES.into_iter().chain(dwell), &report.run)
}

/// The cells of [`report_names`].
pub(crate) fn row_cells<'a>(row: &'a Row, report: &Report) -> Vec<Cell<'a>> {
    let dwell = dwell_cells(&row.figures).into_iter().flatten();
    let cells = report_cells(row, &report.run).into_iter().chain(dwell);
    cells_of(cells, &report.run)
}

/// These columns of rows of a run, and [`COMPAT`] where another system's rule made them.
pub(crate) fn names_of(
    names: impl IntoIterator<Item = &'static str>,
    run: &Run,
) -> Vec<&'static str> {
    names
        .into_iter()
        .chain(run.compat.map(|_| COMPAT))
        .collect()
}

/// The types of [`names_of`].
pub(crate) fn types_of(types: impl IntoIterator<Item = Type>, run: &Run) -> Vec<Type> {
    let compat = run.compat.map(|_| always(Kind::Text));
    types.into_iter().chain(compat).collect()
}

/// The cells of [`names_of`].
pub(crate) fn cells_of<'a>(cells: impl IntoIterator<Item = Cell<'a>>, run: &Run) -> Vec<Cell<'a>> {
    cells.into_iter().chain(compat_cell(run)).collect()
}

/// The cell of [`COMPAT`]; none by our own rule.
pub(crate) fn compat_cell<'a>(run: &Run) -> Option<Cell<'a>> {
    let compat = run.compat?;
    Some(Cell::Plain(compat.name().to_owned()))
}

/// The cells of [`REPORT_EXTRA`].
pub(crate) fn report_extra_cells(row: &Row) -> [Cell<'_>; REPORT_EXTRA.len()] {
    let figures = &row.figures;
    [
        Cell::number(figures.mean_of_user_means),
        Cell::number(figures.effective_users),
        Cell::number(figures.largest_user_share),
        Cell::Count(figures.closed_sessions),
        Cell::Count(figures.closed_users),
    ]
}

/// The cells of [`SESSIONS`].
pub(crate) fn session_cells<'a>(row: &'a SessionRow<'_>) -> [Cell<'a>; SESSIONS.len()] {
    [
        Cell::Plain(row.session_id.to_string()),
        Cell::Text(user_text(row.user.as_id())),
        Cell::Instant(row.start),
        Cell::Instant(row.end),
        Cell::Seconds(row.duration.into()),
        Cell::Count(row.events),
        Cell::Sources(&row.sources),
        Cell::Flag(row.open),
    ]
}

/// The cells of [`EXPLANATION`].
pub(crate) fn explanation_cells(event: &ExplainedEvent) -> [Cell<'_>; EXPLANATION.len()] {
    [
        Cell::Instant(event.at),
        Cell::Text(event.source.as_str().into()),
        Cell::Text(event.role.name().into()),
        event
            .gap
            .map_or(Cell::Unknown, |gap| Cell::Seconds(gap.into())),
        event.session.map_or(Cell::Unknown, Cell::Count),
        Cell::Text(event.verdict.as_str().into()),
    ]
}

/// A user's id as text.
pub(crate) fn user_text(user: UserId<'_>) -> Cow<'_, str> {
    match user {
        UserId::Number(number) => User::Number(number).to_string().into(),
        UserId::Text(text) => text.into(),
    }
}

/// Events per source as one text: `name:events` joined with `;`.
pub(crate) fn joined(sources: &[(&str, u64)]) -> String {
    let parts: Vec<String> = sources
        .iter()
        .map(|(name, events)| format!("{name}:{events}"))
        .collect();
    parts.join(";")
}

/// Microseconds as seconds: the double nearest to [`exact_seconds`].
pub(crate) fn nearest_seconds(micros: i128) -> f64 {
    /// Up to here a double holds every whole number, so one division rounds once.
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    if micros.unsigned_abs() <= EXACT {
        return micros as f64 / 1e6;
    }
    exact_seconds(micros)
        .parse()
        .expect("decimal digits are a number")
}

/// Microseconds as decimal seconds, exactly: `600`, `0.5`, `1.000001`.
pub fn exact_seconds(micros: i128) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let (whole, fraction) = (micros / 1_000_000, micros % 1_000_000);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{fraction:06}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}
