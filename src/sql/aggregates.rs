//! Statements that answer with sums alone: how many rows and events there are, how silent they are,
//! and the sums over users and periods from which a report is made.
//!
//! Sums are exact. What may not fit into 64 bits is cut into parts first, whose products and sums
//! do; an engine whose sums are of 64 bits fails where one does not fit after all. Every chain of
//! steps is read once by the next one, so that no engine makes a step twice.

use super::dialect::Dialect;
use super::expressions::in_window;
use super::question::{Question, Relation};
use super::sessions::{SESSIONS, steps};
use super::statement::Statement;
use crate::error::{self, Failure};
use crate::events::{EARLIEST, Micros};
use crate::time::period::{Calendar, Run};

/// Durations are cut at this bit: the products of two parts stay below 2^56.
const SPLIT: u32 = 28;

/// Binary digits after the point of a user's mean.
const FRACTION_BITS: u32 = 20;

/// What a number of an answer counts or adds up. S is a user's number of closed sessions in a period,
/// D their duration together in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Users with a session.
    Users,
    /// Events.
    Events,
    /// Sessions.
    Sessions,
    /// Sessions that are open.
    OpenSessions,
    /// Users with a closed session.
    ClosedUsers,
    /// Closed sessions.
    ClosedSessions,
    /// Events of closed sessions.
    ClosedEvents,
    /// Closed sessions of one event.
    Bounces,
    /// The largest S.
    LargestUser,
    /// D.
    Duration,
    /// S squared.
    SessionsSquared,
    /// S times D.
    SessionsTimesDuration,
    /// D squared.
    DurationSquared,
    /// D ÷ S in units of 2^-20 microseconds, rounded down.
    UserMeans,
    /// Users with a closed session in this period and the one before it.
    PairUsers,
    /// S before times S.
    PairSessionsSessions,
    /// S before times D.
    PairSessionsDuration,
    /// D before times S.
    PairDurationSessions,
    /// D before times D.
    PairDurationDuration,
    /// Sessions that touch either end of the data.
    Touching,
    /// The duration of the rank below the median.
    MedianBelow,
    /// The duration of the next rank; none where there is none.
    MedianAbove,
    /// The duration of the rank below the 90th percentile.
    P90Below,
    /// The duration of the next rank; none where there is none.
    P90Above,
    /// Events of a source, by its place in [`Question::numbered`].
    SourceEvents(usize),
}

/// What the rows of a report are split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// By users.
    Users,
    /// By the sets of sources that sessions have events of.
    SourceSets,
}

/// What is to be added up.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The sessions, without a window, with `now` said.
    pub question: &'a Question,
    /// The sessions asked for, by their start.
    pub window: (Option<Micros>, Option<Micros>),
    /// First and last event of the data.
    pub extent: (Micros, Micros),
    /// The calendars, which cover every start in the window.
    pub calendars: Vec<&'a Calendar>,
    /// What is split, and by the periods of which calendar.
    pub split: Option<(Split, Option<usize>)>,
}

/// Which sums a row of an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// Those of the whole window.
    Window,
    /// Those of what starts outside of it; of a user or set of sources nothing is known there.
    Outside,
    /// Those of a calendar's period.
    Calendar(usize),
    /// Those of a user, or of a set of sources.
    Split,
}

/// A row of an answer.
#[derive(Clone, Debug)]
pub struct Added {
    /// What it belongs to.
    pub series: Series,
    /// The period, 0 where there is none.
    pub period: usize,
    /// The user, or a set of sources as `0` or `1` for each of [`Question::numbered`].
    pub segment: Option<String>,
    values: Vec<(Sum, i128)>,
}

impl Added {
    /// One of the sums; `None` where nothing was added up.
    pub fn get(&self, sum: Sum) -> Option<i128> {
        let values = self.values.iter();
        values
            .filter(|(of, _)| *of == sum)
            .map(|(_, value)| *value)
            .reduce(|one, other| one + other)
    }
}

/// A statement for [`Added`] rows.
#[derive(Clone, Debug)]
pub struct Adding {
    /// The statement.
    pub statement: String,
    calendars: usize,
    has_split: bool,
    /// What each column is a part of, and how much it counts.
    columns: Vec<(Sum, i128)>,
}

impl Adding {
    /// The rows of the answer.
    ///
    /// # Errors
    ///
    /// A cell that is no whole number.
    pub fn rows(&self, cells: &[Vec<Option<String>>]) -> Result<Vec<Added>, Failure> {
        cells.iter().map(|row| self.row(row)).collect()
    }

    fn row(&self, row: &[Option<String>]) -> Result<Added, Failure> {
        let number = |at: usize| whole(row.get(at).and_then(Option::as_deref));
        let series = number(0)?.unwrap_or_default() as usize;
        let series = match series {
            0 => Series::Window,
            1 => Series::Outside,
            series if series < FIRST_CALENDAR + self.calendars => {
                Series::Calendar(series - FIRST_CALENDAR)
            }
            _ => Series::Split,
        };
        let period = number(1)?.unwrap_or_default() as usize;
        let (segment, first) = match self.has_split {
            true => (row.get(2).cloned().flatten(), 3),
            false => (None, 2),
        };
        let mut values = Vec::new();
        for (place, (sum, weight)) in self.columns.iter().enumerate() {
            if let Some(value) = number(first + place)? {
                values.push((*sum, value * weight));
            }
        }
        Ok(Added {
            series,
            period,
            segment,
            values,
        })
    }
}

/// A cell's whole number.
///
/// # Errors
///
/// Anything else: the engine counted in another way than it was asked to.
pub fn whole(cell: Option<&str>) -> Result<Option<i128>, Failure> {
    let number = |text: &str| {
        text.parse().map_err(|_| {
            let message = format!("the database answers {text:?}; expected a whole number");
            Failure::new(error::DATABASE, message)
        })
    };
    cell.map(number).transpose()
}

/// The number of the first calendar's series.
const FIRST_CALENDAR: usize = 2;

/// The rows of each source, whatever they hold: its place in [`Question::numbered`], and how many.
///
/// # Errors
///
/// A name that is no identifier.
pub fn row_counts(question: &Question) -> Result<String, Failure> {
    let mut selects = Vec::new();
    for (place, (_, source)) in question.numbered().iter().enumerate() {
        let relation = source.relation.text(question.dialect)?;
        selects.push(format!("SELECT {place}, count(*) FROM {relation} AS entry"));
    }
    Ok(selects.join("\nUNION ALL\n"))
}

/// Facts of each source that takes part: its place in [`Question::numbered`], how many events it has,
/// the first, the last, the longest silence, how many lie after `now`, and how many at 1970. In a
/// row of the place −1 the same of all together.
///
/// Time is cut into buckets of one timeout: a longer silence lies between the last event of one and
/// the first of the next that has any. A shorter one may be any, or null.
///
/// # Errors
///
/// As [`steps`].
pub fn facts(question: &Question) -> Result<String, Failure> {
    let mut statement = chain(question)?;
    let names = Names::of(question);
    let dialect = question.dialect;
    let timeout = question.timeout.micros();
    let now = question.now.unwrap_or(Micros::MAX);
    let shifted = format!("(micros + {})", -EARLIEST);
    let bucket = quotient(dialect, &shifted, &timeout.to_string());
    statement.step(
        &names.buckets,
        "first and last event of each source in spans of one timeout",
        format!(
            "SELECT {source} AS number, {bucket} AS bucket,
        min(micros) AS first_micros, max(micros) AS last_micros, count(*) AS events,
        sum(CASE WHEN micros > {now} THEN 1 ELSE 0 END) AS later,
        sum(CASE WHEN micros = 0 THEN 1 ELSE 0 END) AS zeros
    FROM {events}
    GROUP BY {source_key}{bucket}",
            source = source_of(question),
            source_key = match question.counts_sources {
                true => "source, ",
                false => "",
            },
            events = statement.name("events"),
        ),
    );
    let name = |step: &str| statement.name(step);
    let (buckets, together, spaced) = (
        name(&names.buckets),
        name(&names.together),
        name(&names.spaced),
    );
    statement.step(
        &names.together,
        "the same, and of all sources together",
        format!(
            "SELECT CASE everything WHEN 1 THEN -1 ELSE number END AS source_number, bucket,
        min(first_micros) AS first_micros, max(last_micros) AS last_micros,
        sum(events) AS events, sum(later) AS later, sum(zeros) AS zeros
    FROM {buckets} CROSS JOIN (SELECT 0 AS everything UNION ALL SELECT 1 AS everything) AS twice
    GROUP BY CASE everything WHEN 1 THEN -1 ELSE number END, bucket"
        ),
    );
    statement.step(
        &names.spaced,
        "with the silence before each",
        format!(
            "SELECT source_number, first_micros, last_micros, events, later, zeros,
        first_micros - lag(last_micros) OVER (PARTITION BY source_number ORDER BY bucket) AS silence
    FROM {together}"
        ),
    );
    Ok(statement.finish(&format!(
        "SELECT source_number, sum(events), min(first_micros), max(last_micros), max(silence),
    sum(later), sum(zeros)
FROM {spaced}
GROUP BY source_number"
    )))
}

/// Of each source that takes part: its place in [`Question::numbered`], and how many events there
/// are of one user and instant beyond the first.
///
/// # Errors
///
/// As [`steps`].
pub fn duplicates(question: &Question) -> Result<String, Failure> {
    let mut statement = chain(question)?;
    let names = Names::of(question);
    let key = match question.counts_sources {
        true => "source, ",
        false => "",
    };
    let events = statement.name("events");
    statement.step(
        &names.copies,
        "how often each event is there",
        format!(
            "SELECT {} AS number, count(*) AS copies\n    FROM {events}\n    GROUP BY {key}user_id, micros",
            source_of(question)
        ),
    );
    Ok(statement.finish(&format!(
        "SELECT number, sum(copies - 1)\nFROM {}\nGROUP BY number",
        statement.name(&names.copies)
    )))
}

/// How many users have an event in each of these spans: from, inclusive, to, exclusive.
///
/// # Errors
///
/// As [`steps`].
pub fn users_in_all(question: &Question, spans: &[(Micros, Micros)]) -> Result<String, Failure> {
    let mut statement = chain(question)?;
    let names = Names::of(question);
    let conditions: Vec<String> = spans
        .iter()
        .map(|(from, to)| {
            format!("max(CASE WHEN micros >= {from} AND micros < {to} THEN 1 ELSE 0 END) = 1")
        })
        .collect();
    let events = statement.name("events");
    statement.step(
        &names.copies,
        "users with an event in every span",
        format!(
            "SELECT user_id\n    FROM {events}\n    GROUP BY user_id\n    HAVING {}",
            conditions.join("\n        AND ")
        ),
    );
    let users = statement.name(&names.copies);
    Ok(statement.finish(&format!("SELECT count(*) FROM {users}")))
}

/// The sums over all sessions.
///
/// # Errors
///
/// As [`steps`].
pub fn sums(asked: &Asked<'_>) -> Result<Adding, Failure> {
    let mut chain = Chain {
        asked,
        dialect: asked.question.dialect,
        statement: chain(asked.question)?,
        names: Names::of(asked.question),
    };
    chain.series();
    chain.placed();
    chain.ranked();
    chain.of_users();
    chain.linked();
    chain.parts();
    Ok(chain.finish())
}

/// The steps up to the sessions. SQLite would look at a text once for every mention of its time.
fn chain(question: &Question) -> Result<Statement, Failure> {
    let mut statement = steps(question)?;
    if question.dialect == Dialect::Sqlite {
        statement.hold(&["entries", "clocks", "zones", "instants", "events"]);
    }
    Ok(statement)
}

/// What the number of an event's source is called; a number where there is one source alone.
fn source_of(question: &Question) -> &'static str {
    match question.counts_sources {
        true => "source - 1",
        false => "0",
    }
}

/// The whole part of a number that is not negative, divided by one that is positive.
fn quotient(dialect: Dialect, dividend: &str, divisor: &str) -> String {
    match dialect {
        Dialect::Postgres | Dialect::Sqlite | Dialect::Trino => format!("({dividend} / {divisor})"),
        Dialect::Mysql => format!("({dividend} DIV {divisor})"),
        Dialect::Spark => format!("({dividend} div {divisor})"),
        Dialect::Duckdb => format!("({dividend} // {divisor})"),
        Dialect::Clickhouse => format!("intDiv({dividend}, {divisor})"),
        Dialect::Bigquery => format!("DIV({dividend}, {divisor})"),
        Dialect::Snowflake => format!("FLOOR({dividend} / {divisor})"),
    }
}

/// A sum of whole numbers that fits into 64 bits, as such a number.
fn counted(dialect: Dialect, sum: &str) -> String {
    match dialect {
        Dialect::Mysql => format!("CAST({sum} AS SIGNED)"),
        Dialect::Sqlite => sum.to_owned(),
        _ => format!("CAST({sum} AS bigint)"),
    }
}

/// The index of the period that holds an instant: a tree of comparisons over the runs of periods
/// that are equally long, which are few.
fn period_of(dialect: Dialect, runs: &[Run], at: &str) -> String {
    match runs {
        [] => "0".to_owned(),
        [
            Run {
                first, count: 1, ..
            },
        ] => first.to_string(),
        [run] => {
            let since = format!("({at} - ({}))", run.start);
            let periods = quotient(dialect, &since, &run.length.to_string());
            format!("{} + {periods}", run.first)
        }
        runs => {
            let (before, after) = runs.split_at(runs.len() / 2);
            format!(
                "CASE WHEN {at} < {} THEN {} ELSE {} END",
                after[0].start,
                period_of(dialect, before, at),
                period_of(dialect, after, at)
            )
        }
    }
}

/// The names of the steps, none of which stands in a source's own statement.
struct Names {
    buckets: String,
    together: String,
    spaced: String,
    copies: String,
    series: String,
    placed: String,
    ranked: String,
    users: String,
    linked: String,
    parts: String,
}

impl Names {
    fn of(question: &Question) -> Self {
        let texts: Vec<String> = question
            .sources
            .iter()
            .map(|source| match &source.relation {
                Relation::Table(names) => names.join(".").to_lowercase(),
                Relation::Query(statement) => statement.to_lowercase(),
            })
            .collect();
        let mut prefix = "report_".to_owned();
        while texts.iter().any(|text| text.contains(&prefix)) {
            prefix.push('_');
        }
        let name = |step: &str| format!("{prefix}{step}");
        Self {
            buckets: name("buckets"),
            together: name("together"),
            spaced: name("spaced"),
            copies: name("copies"),
            series: name("series"),
            placed: name("placed"),
            ranked: name("ranked"),
            users: name("users"),
            linked: name("linked"),
            parts: name("parts"),
        }
    }
}

struct Chain<'a> {
    asked: &'a Asked<'a>,
    dialect: Dialect,
    statement: Statement,
    names: Names,
}

impl Chain<'_> {
    fn name(&self, step: &str) -> String {
        self.statement.name(step)
    }

    fn divided(&self, dividend: &str, divisor: &str) -> String {
        quotient(self.dialect, dividend, divisor)
    }

    fn has_window(&self) -> bool {
        self.asked.window != (None, None)
    }

    fn split_series(&self) -> usize {
        FIRST_CALENDAR + self.asked.calendars.len()
    }

    /// What a row stands for, beside a user.
    fn keys(&self) -> &'static str {
        match self.asked.split {
            Some(_) => "series, segment, period",
            None => "series, period",
        }
    }

    /// The sources that sessions count, with the columns' names.
    fn source_columns(&self) -> Vec<String> {
        let question = self.asked.question;
        let sources = question.numbered();
        match question.counts_sources {
            true => sources
                .iter()
                .map(|(number, _)| format!("events_{number}"))
                .collect(),
            false => Vec::new(),
        }
    }

    fn series(&mut self) {
        let outside = self.has_window().then_some(1);
        let split = self.asked.split.map(|_| self.split_series());
        let calendars = FIRST_CALENDAR..self.split_series();
        let numbers = [0].into_iter().chain(outside).chain(calendars).chain(split);
        let selects: Vec<String> = numbers
            .map(|number| format!("SELECT {number} AS series"))
            .collect();
        let why = "what is added up: the window, what lies outside, every calendar, every segment";
        self.statement
            .step(&self.names.series, why, selects.join(" UNION ALL "));
    }

    /// Every session once in each series, with its period there.
    fn placed(&mut self) {
        let (sessions, series) = (self.name(SESSIONS), self.name(&self.names.series));
        let start = format!("{sessions}.start_micros");
        let end = format!("{sessions}.end_micros");
        let timeout = self.asked.question.timeout.micros();
        let now = self.asked.question.now.unwrap_or(Micros::MAX);
        let open_after = now.saturating_sub(timeout);
        let (first, last) = self.asked.extent;
        let mut body = format!(
            "SELECT {sessions}.user_id, {series}.series,
        {period} AS period,
        {end} - {start} AS duration, {sessions}.events,
        CASE WHEN {end} > {open_after} THEN 1 ELSE 0 END AS is_open,
        CASE WHEN {start} - ({first}) < {timeout} OR {last} - {end} < {timeout} THEN 1 ELSE 0 END
            AS touches",
            period = self.period(&start, &format!("{series}.series")),
        );
        if let Some((split, _)) = self.asked.split {
            let value = match split {
                Split::Users => format!("{sessions}.user_id"),
                Split::SourceSets => self.source_set(),
            };
            body += &format!(
                ",\n        CASE {series}.series WHEN {} THEN {value} ELSE '' END AS segment",
                self.split_series()
            );
        }
        for column in self.source_columns() {
            body += &format!(", {sessions}.{column}");
        }
        body += &format!("\n    FROM {sessions} CROSS JOIN {series}");
        if let Some(inside) = self.is_inside(&start) {
            body += &format!(
                "\n    WHERE CASE WHEN {inside} THEN 0 ELSE 1 END\n        \
                 = CASE {series}.series WHEN 1 THEN 1 ELSE 0 END"
            );
        }
        let why = "every session in each of them, in the period in which it starts";
        self.statement.step(&self.names.placed, why, body);
    }

    fn is_inside(&self, start: &str) -> Option<String> {
        in_window(start, self.asked.window)
    }

    fn period(&self, start: &str, series: &str) -> String {
        let mut cases = String::new();
        for (place, calendar) in self.asked.calendars.iter().enumerate() {
            let mut numbers = vec![FIRST_CALENDAR + place];
            if self
                .asked
                .split
                .is_some_and(|(_, rows)| rows == Some(place))
            {
                numbers.push(self.split_series());
            }
            let period = period_of(self.dialect, &calendar.runs(), start);
            for number in numbers {
                cases += &format!("\n            WHEN {number} THEN {period}");
            }
        }
        match cases.is_empty() {
            true => "0".to_owned(),
            false => format!("CASE {series}{cases}\n            ELSE 0\n        END"),
        }
    }

    /// A digit for each source: whether the session has events of it.
    fn source_set(&self) -> String {
        let digits: Vec<String> = self
            .source_columns()
            .iter()
            .map(|column| format!("CASE WHEN {column} > 0 THEN '1' ELSE '0' END"))
            .collect();
        match (digits.is_empty(), self.dialect) {
            (true, _) => "'1'".to_owned(),
            (false, Dialect::Mysql) => format!("concat({})", digits.join(", ")),
            (false, _) => digits.join(" || "),
        }
    }

    /// Each session's rank by duration, from 0, among the closed ones of its row, and their number.
    fn ranked(&mut self) {
        let (placed, keys) = (self.name(&self.names.placed), self.keys());
        let body = format!(
            "SELECT {placed}.*,
        row_number() OVER (PARTITION BY {keys}, is_open ORDER BY duration) - 1 AS place,
        count(*) OVER (PARTITION BY {keys}, is_open) - 1 AS last_place
    FROM {placed}"
        );
        let why = "with its rank by duration among the closed sessions there";
        self.statement.step(&self.names.ranked, why, body);
    }

    fn of_users(&mut self) {
        let (ranked, keys) = (self.name(&self.names.ranked), self.keys());
        let sum = |of: &str, name: &str| {
            let sum = counted(self.dialect, &format!("sum({of})"));
            format!(",\n        {sum} AS {name}")
        };
        let closed = |of: &str| format!("CASE WHEN is_open = 0 THEN {of} ELSE 0 END");
        let mut body = format!("SELECT user_id, {keys}, count(*) AS sessions");
        body += &sum("events", "events");
        body += &sum("is_open", "open_sessions");
        body += &sum("1 - is_open", "closed_sessions");
        body += &sum(&closed("events"), "closed_events");
        body += &sum(
            "CASE WHEN is_open = 0 AND events = 1 THEN 1 ELSE 0 END",
            "bounces",
        );
        body += &sum(&closed("duration"), "duration");
        body += &sum("touches", "touching");
        for (name, percent, after) in QUANTILES {
            let below = self.divided(&format!("({percent} * last_place)"), "100");
            body += &format!(
                ",\n        max(CASE WHEN is_open = 0 AND place = {below} + {after} THEN duration END) \
                 AS {name}"
            );
        }
        for column in self.source_columns() {
            body += &sum(&column, &column);
        }
        body += &format!("\n    FROM {ranked}\n    GROUP BY {keys}, user_id");
        let why = "one row per user there";
        self.statement.step(&self.names.users, why, body);
    }

    /// Each user's row with the same user's row before it.
    fn linked(&mut self) {
        let users = self.name(&self.names.users);
        let segment = match self.asked.split {
            Some(_) => "segment, ",
            None => "",
        };
        let before = |column: &str| {
            format!(
                ",\n        lag({column}) OVER (PARTITION BY series, {segment}user_id ORDER BY period) \
                 AS earlier_{column}"
            )
        };
        let columns: String = ["period", "closed_sessions", "duration"]
            .map(before)
            .concat();
        let body = format!("SELECT {users}.*{columns}\n    FROM {users}");
        let why = "with the same user's row before it";
        self.statement.step(&self.names.linked, why, body);
    }

    /// Durations in two parts, means in whole and rest, and what neighbouring periods share.
    fn parts(&mut self) {
        let linked = self.name(&self.names.linked);
        let split = (1_i64 << SPLIT).to_string();
        let fraction = 1_i64 << FRACTION_BITS;
        let rest = format!("((duration % closed_sessions) * {fraction})");
        let shared = "CASE WHEN earlier_period + 1 = period AND earlier_closed_sessions > 0 \
                      AND closed_sessions > 0 THEN";
        let body = format!(
            "SELECT {linked}.*,
        {high} AS high, duration % {split} AS low,
        CASE WHEN closed_sessions > 0 THEN {whole} END AS mean_whole,
        CASE WHEN closed_sessions > 0 THEN {part} END AS mean_part,
        {shared} earlier_closed_sessions END AS shared_sessions,
        {shared} {earlier_high} END AS shared_high,
        {shared} earlier_duration % {split} END AS shared_low
    FROM {linked}",
            high = self.divided("duration", &split),
            whole = self.divided("duration", "closed_sessions"),
            part = self.divided(&rest, "closed_sessions"),
            earlier_high = self.divided("earlier_duration", &split),
        );
        let why = "durations in parts whose products fit into 64 bits";
        self.statement.step(&self.names.parts, why, body);
    }

    fn finish(self) -> Adding {
        let mut columns = Columns {
            dialect: self.dialect,
            selected: Vec::new(),
            columns: Vec::new(),
        };
        columns.add_all(&self.source_columns());
        let parts = self.name(&self.names.parts);
        let has_split = self.asked.split.is_some();
        let segment = match (has_split, self.asked.split) {
            (true, Some((Split::Users, _))) => {
                format!(", {} AS segment_text", self.dialect.readable("segment"))
            }
            (true, _) => ", segment".to_owned(),
            _ => String::new(),
        };
        let select = format!(
            "SELECT series, period{segment},\n    {}\nFROM {parts}\nGROUP BY {}",
            columns.selected.join(",\n    "),
            self.keys()
        );
        Adding {
            statement: self.statement.finish(&select),
            calendars: self.asked.calendars.len(),
            has_split,
            columns: columns.columns,
        }
    }
}

/// The durations around the quantiles: their columns, the percent, and how many ranks above.
const QUANTILES: [(&str, u8, u8); 4] = [
    ("median_below", 50, 0),
    ("median_above", 50, 1),
    ("p90_below", 90, 0),
    ("p90_above", 90, 1),
];

/// The columns of the last SELECT.
struct Columns {
    dialect: Dialect,
    selected: Vec<String>,
    columns: Vec<(Sum, i128)>,
}

impl Columns {
    fn add_all(&mut self, sources: &[String]) {
        self.plain(Sum::Users, "count(*)");
        self.sum(Sum::Events, "events");
        self.sum(Sum::Sessions, "sessions");
        self.sum(Sum::OpenSessions, "open_sessions");
        self.sum(
            Sum::ClosedUsers,
            "CASE WHEN closed_sessions > 0 THEN 1 ELSE 0 END",
        );
        self.sum(Sum::ClosedSessions, "closed_sessions");
        self.sum(Sum::ClosedEvents, "closed_events");
        self.sum(Sum::Bounces, "bounces");
        self.plain(Sum::LargestUser, "max(closed_sessions)");
        self.cut(Sum::Duration, "high", "low");
        self.sum(Sum::SessionsSquared, "closed_sessions * closed_sessions");
        self.cut(
            Sum::SessionsTimesDuration,
            "closed_sessions * high",
            "closed_sessions * low",
        );
        self.wide(Sum::DurationSquared, 2 * SPLIT, "high * high");
        self.wide(Sum::DurationSquared, SPLIT + 1, "high * low");
        self.wide(Sum::DurationSquared, 0, "low * low");
        self.weighed(Sum::UserMeans, FRACTION_BITS, "mean_whole");
        self.sum(Sum::UserMeans, "mean_part");
        self.plain(Sum::PairUsers, "count(shared_sessions)");
        self.sum(
            Sum::PairSessionsSessions,
            "shared_sessions * closed_sessions",
        );
        self.cut(
            Sum::PairSessionsDuration,
            "shared_sessions * high",
            "shared_sessions * low",
        );
        self.cut(
            Sum::PairDurationSessions,
            "shared_high * closed_sessions",
            "shared_low * closed_sessions",
        );
        self.wide(Sum::PairDurationDuration, 2 * SPLIT, "shared_high * high");
        self.wide(Sum::PairDurationDuration, SPLIT, "shared_high * low");
        self.wide(Sum::PairDurationDuration, SPLIT, "shared_low * high");
        self.wide(Sum::PairDurationDuration, 0, "shared_low * low");
        self.sum(Sum::Touching, "touching");
        self.plain(Sum::MedianBelow, "max(median_below)");
        self.plain(Sum::MedianAbove, "max(median_above)");
        self.plain(Sum::P90Below, "max(p90_below)");
        self.plain(Sum::P90Above, "max(p90_above)");
        for (place, column) in sources.iter().enumerate() {
            self.sum(Sum::SourceEvents(place), column);
        }
    }

    fn plain(&mut self, sum: Sum, value: &str) {
        self.selected.push(value.to_owned());
        self.columns.push((sum, 1));
    }

    fn sum(&mut self, sum: Sum, value: &str) {
        self.weighed(sum, 0, value);
    }

    fn weighed(&mut self, sum: Sum, bits: u32, value: &str) {
        self.selected.push(format!("sum({value})"));
        self.columns.push((sum, 1 << bits));
    }

    /// A number in its two parts.
    fn cut(&mut self, sum: Sum, high: &str, low: &str) {
        self.weighed(sum, SPLIT, high);
        self.sum(sum, low);
    }

    /// Products below 2^56, of which 64 bits do not hold many: an engine that knows no longer numbers
    /// adds their parts.
    fn wide(&mut self, sum: Sum, bits: u32, product: &str) {
        if self.dialect != Dialect::Sqlite {
            return self.weighed(sum, bits, product);
        }
        let split = 1_i64 << SPLIT;
        self.weighed(sum, bits + SPLIT, &format!("({product}) / {split}"));
        self.weighed(sum, bits, &format!("({product}) % {split}"));
    }
}
