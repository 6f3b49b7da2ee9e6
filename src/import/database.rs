//! What all database importers share: how a source is asked for, the statement that reads it, and
//! the part of it that a window needs. Connections and values are each importer's own.

use std::time::Duration;

use crate::error::{self, Failure, SourcePlace};
use crate::events::{Micros, Role, SECOND};
use crate::import::address::{Address, Server};
use crate::import::catalogue::{Catalogue, Table};
use crate::import::columns::{self, AskedColumns, Rows, Wanted};
use crate::import::intake::Intake;
use crate::import::presets::Preset;
use crate::import::{mysql, postgres, sqlite};
use crate::sql::Dialect;
use crate::time::timestamp::{EpochUnit, TimeSpec, print_instant};
use crate::time::zone::Zone;

/// How long a server may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To let us in, all attempts together.
    pub(crate) connect: Duration,
    /// For one statement, its rows' way to us included.
    pub(crate) statement: Duration,
}

/// An open database of any kind. All that is read through it is of one state of the data, through
/// one connection that cannot write.
#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
    Mysql(mysql::Database),
}

impl Database {
    /// Connects to a server and looks at its tables. Errors name `place`.
    pub(crate) fn connect(
        address: &Address,
        place: &SourcePlace,
        patience: Patience,
    ) -> Result<Self, Failure> {
        match address.server {
            Server::Postgres => postgres::Database::connect(address, patience).map(Self::Postgres),
            Server::Mysql => mysql::Database::connect(address, patience).map(Self::Mysql),
        }
        .map_err(|failure| failure.in_source(place))
    }

    /// The tables that may be read.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        match self {
            Self::Sqlite(database) => database.catalogue(),
            Self::Postgres(database) => database.catalogue(),
            Self::Mysql(database) => database.catalogue(),
        }
    }

    /// Every preset whose table exists with its columns, by name; columns that are asked for stand in
    /// where a table has them. Tables that look like tracked sessions are left out. When there is no
    /// preset, the error lists tables that could be meant.
    pub(crate) fn presets(
        &mut self,
        asked: &AskedColumns,
        place: &SourcePlace,
    ) -> Result<Vec<FoundSource>, Failure> {
        let mut found = Vec::new();
        for preset in Preset::of(self.catalogue().dialect) {
            let Some((alone, whole)) = self.catalogue().preset(preset, asked) else {
                continue;
            };
            let query = match whole {
                Some((whole, reading)) if self.fits(&reading) => whole,
                _ => alone,
            };
            found.push(FoundSource {
                name: preset.source,
                role: preset.role,
                query,
            });
        }
        match found.is_empty() {
            true => Err(self.catalogue().no_preset(place).in_source(place)),
            false => Ok(found),
        }
    }

    /// Whether the database takes the statement of a preset and gives its columns.
    fn fits(&mut self, reading: &Reading) -> bool {
        self.header(&reading.statement).is_ok_and(|header| {
            let names = header.iter().map(|column| column.name.as_str());
            names.take(3).eq(Preset::COLUMNS)
        })
    }

    /// Chooses the columns of a query and the statement to run.
    pub(crate) fn prepare(
        &mut self,
        query: &Query,
        place: &SourcePlace,
    ) -> Result<Reading, Failure> {
        self.prepared(query)
            .map_err(|failure| failure.in_source(place))
    }

    fn prepared(&mut self, query: &Query) -> Result<Reading, Failure> {
        let mut reading = match query {
            Query::Text {
                statement,
                user,
                time,
            } => {
                let statement = one_statement(statement)?;
                let header = self.header(statement)?;
                let names: Vec<String> = header.into_iter().map(|column| column.name).collect();
                Reading::of_text(statement, &names, user.as_deref(), time.as_deref())?
            }
            query => self.catalogue().reading(query)?,
        };
        if matches!(self, Self::Sqlite(_)) {
            return Ok(reading);
        }
        let header = self.header(&reading.statement)?;
        header[reading.user_at].check_user(&reading.user)?;
        reading.time_kind = header[reading.time_at].time_kind(&reading.time)?;
        if let Some(beside) = &reading.beside {
            beside.check(&header[beside.at])?;
        }
        match self {
            Self::Mysql(database) => database.fixed(reading),
            _ => Ok(reading),
        }
    }

    /// The result columns of a source that hold users and times.
    pub(crate) fn columns(
        &mut self,
        reading: &Reading,
        place: &SourcePlace,
    ) -> Result<(ResultColumn, ResultColumn), Failure> {
        let header = self.header(&reading.statement);
        let mut header = header.map_err(|failure| failure.in_source(place))?;
        let time = header[reading.time_at].clone();
        Ok((header.swap_remove(reading.user_at), time))
    }

    /// The result columns of a statement.
    pub(crate) fn header(&mut self, statement: &str) -> Result<Vec<ResultColumn>, Failure> {
        let header = match self {
            Self::Sqlite(database) => database.header(statement),
            Self::Postgres(database) => database.header(statement),
            Self::Mysql(database) => database.header(statement),
        }?;
        match header.is_empty() {
            true => Err(Failure::new(
                error::USAGE,
                "the query gives no rows: it is not a SELECT",
            )),
            false => Ok(header),
        }
    }

    /// Streams the rows of a source that lie in `span` into `intake`. Where the row has a key that
    /// is no negative number it stands for the row's line; else its position in the result, counted
    /// on from `before`, does. Gives the number of rows so far.
    pub(crate) fn read(
        &mut self,
        reading: &Reading,
        span: &Span,
        before: u64,
        place: &SourcePlace,
        intake: &mut Intake<'_>,
        source: u8,
    ) -> Result<u64, Failure> {
        match self {
            Self::Sqlite(database) => database.read(reading, intake, source),
            Self::Postgres(database) => database.read(reading, span, before, intake, source),
            Self::Mysql(database) => database.read(reading, span, before, intake, source),
        }
        .map_err(|failure| failure.in_source(place))
    }

    /// The statement that reads a span, in one line, and what is bound to it.
    pub(crate) fn said(&self, reading: &Reading, span: &Span) -> Result<String, Failure> {
        let dialect = self.catalogue().dialect;
        let statement = match self {
            Self::Sqlite(_) => reading.statement.clone(),
            Self::Postgres(_) => reading.bounded(dialect, span, postgres::placeholder)?,
            Self::Mysql(_) => {
                reading.bounded(dialect, span, mysql::placeholder(reading.time_kind))?
            }
        };
        let words: Vec<&str> = statement.split_whitespace().collect();
        let bound = |value: i64| match reading.time_kind {
            TimeKind::Instant | TimeKind::Local => print_instant(value),
            TimeKind::Number | TimeKind::Read => value.to_string(),
        };
        let bound = span.from.into_iter().chain(span.to).map(bound);
        Ok([words.join(" ")]
            .into_iter()
            .chain(bound)
            .collect::<Vec<_>>()
            .join("; "))
    }

    /// Runs one statement whose columns are texts and integers, and gives every cell as text.
    pub(crate) fn ask(&mut self, statement: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        match self {
            Self::Sqlite(database) => database.ask(statement),
            Self::Postgres(database) => database.ask(statement),
            Self::Mysql(database) => database.ask(statement),
        }
    }

    /// The first and the last time of a source that lie in `span`, of which both ends are bound, as
    /// its column counts; none without a row.
    pub(crate) fn ends(
        &mut self,
        reading: &Reading,
        span: &Span,
        place: &SourcePlace,
    ) -> Result<Option<(i64, i64)>, Failure> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(database) => database.ends(reading, span),
            Self::Mysql(database) => database.ends(reading, span),
        }
        .map_err(|failure| failure.in_source(place))
    }
}

/// A column of a result, as far as it is known before there is a row.
#[derive(Clone, Debug)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    /// The type's name as the server says it.
    pub(crate) type_name: String,
    pub(crate) kind: ColumnKind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Whole numbers.
    Integer,
    /// Decimal numbers, which may be whole.
    Decimal,
    /// Text.
    Text,
    /// Bytes, or a uuid.
    Binary,
    /// Real numbers.
    Real,
    /// Instants.
    Instant,
    /// Times on a clock whose zone is not said.
    Local,
    /// Days.
    Date,
    /// Anything else, or not known.
    Other,
}

impl ResultColumn {
    /// An error when its values cannot be users.
    fn check_user(&self, name: &str) -> Result<(), Failure> {
        use ColumnKind::{Binary, Decimal, Integer, Text};
        match self.kind {
            Integer | Decimal | Text | Binary => Ok(()),
            _ => Err(self
                .refused(name, "a user")
                .help("users are integers, text, uuids or bytes; a query can cast them")),
        }
    }

    /// What its values can be compared with; an error when they cannot be times.
    fn time_kind(&self, name: &str) -> Result<TimeKind, Failure> {
        match self.kind {
            ColumnKind::Instant => Ok(TimeKind::Instant),
            ColumnKind::Local => Ok(TimeKind::Local),
            ColumnKind::Integer => Ok(TimeKind::Number),
            ColumnKind::Text | ColumnKind::Real | ColumnKind::Decimal => Ok(TimeKind::Read),
            ColumnKind::Date => Err(self
                .refused(name, "a time")
                .help("a date has no time of day; name a column that has")),
            ColumnKind::Binary | ColumnKind::Other => Err(self
                .refused(name, "a time")
                .help("times are timestamps, numbers since 1970, or text; a query can cast them")),
        }
    }

    fn refused(&self, name: &str, what: &str) -> Failure {
        let column = crate::time::timestamp::quoted(name.as_bytes());
        let message = format!(
            "column {column}: {what} cannot be of type {}",
            self.type_name
        );
        Failure::new(error::COLUMN_TYPE, message)
    }
}

/// How a source's times compare with others in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// As instants.
    Instant,
    /// As times on a clock.
    Local,
    /// As numbers, where their unit is said.
    Number,
    /// Only once they are read.
    Read,
}

/// The part of a source's times that is read: from, inclusive, to, exclusive, as its column counts:
/// microseconds since 1970 in UTC or on the clock, or its own unit. The whole without either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
}

impl Span {
    /// Whether neither end is bound.
    pub(crate) fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}

/// How instants become what a time column counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    Instant,
    Local(Zone),
    Number(EpochUnit),
}

impl Counted {
    /// How a source's column counts; `None` where its values cannot be compared in the database.
    pub(crate) fn of(kind: TimeKind, spec: &TimeSpec) -> Option<Self> {
        match kind {
            TimeKind::Instant => Some(Self::Instant),
            TimeKind::Local => Some(Self::Local(spec.zone.unwrap_or(Zone::UTC))),
            TimeKind::Number => spec.epoch_unit.map(Self::Number),
            TimeKind::Read => None,
        }
    }

    /// A value of the column that no row at or after `at` lies before.
    pub(crate) fn from(self, at: Micros) -> i64 {
        match self {
            Self::Instant => at,
            Self::Local(zone) => zone.to_local(at).saturating_sub(clock_change(zone)),
            Self::Number(unit) => number_at(unit, at),
        }
    }

    /// A value of the column before which every row before `at` lies.
    pub(crate) fn to(self, at: Micros) -> i64 {
        match self {
            Self::Instant => at,
            Self::Local(zone) => zone.to_local(at).saturating_add(clock_change(zone)),
            Self::Number(unit) => number_at(unit, at),
        }
    }

    /// The instant of a value of the column.
    pub(crate) fn instant(self, value: i64) -> Option<Micros> {
        match self {
            Self::Instant => Some(value),
            Self::Local(zone) => Some(zone.first_instant(value)),
            Self::Number(unit) => Some(unit.micros(value)?.0),
        }
    }
}

/// More than any clock was ever moved at once; none where the clock is never moved.
fn clock_change(zone: Zone) -> Micros {
    const DAY: Micros = 86_400 * SECOND;
    match zone {
        Zone::Fixed(_) | Zone::UTC => 0,
        Zone::Named(_) => DAY,
    }
}

/// The least number of a unit that does not lie before an instant.
fn number_at(unit: EpochUnit, at: Micros) -> i64 {
    match unit {
        EpochUnit::Seconds => at.div_euclid(SECOND) + i64::from(at.rem_euclid(SECOND) > 0),
        EpochUnit::Milliseconds => at.div_euclid(1000) + i64::from(at.rem_euclid(1000) > 0),
        EpochUnit::Microseconds => at,
        EpochUnit::Nanoseconds => at.saturating_mul(1000),
    }
}

/// Which rows of a database are a source.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    /// A built-in query, with the columns that it found.
    Preset {
        preset: &'static Preset,
        user: String,
        time: String,
    },
    /// All rows of a table or view, or those of `filter`, a condition of the operator's; columns that
    /// are not named are looked for.
    Table {
        table: String,
        user: Option<String>,
        time: Option<String>,
        filter: Option<String>,
    },
    /// One statement of the operator's, trusted to be meant; columns that are not named are
    /// `user` and `time`, else looked for.
    Text {
        statement: String,
        user: Option<String>,
        time: Option<String>,
    },
    /// All rows of a table of tracked sessions, or of events that name theirs; a table that is not
    /// named is looked for.
    Tracked {
        table: Option<String>,
        asked: AskedColumns,
    },
}

/// A source that a database holds without being told.
#[derive(Clone, Debug)]
pub(crate) struct FoundSource {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its events do.
    pub(crate) role: Role,
    /// How to read it.
    pub(crate) query: Query,
}

/// A query that is ready to run, and the columns that were chosen, to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// One statement.
    pub(crate) statement: String,
    /// The user column's name.
    pub(crate) user: String,
    /// The time column's name.
    pub(crate) time: String,
    /// Where the result holds the row's key, if it does.
    pub(crate) key_at: Option<usize>,
    /// Where the result holds the user.
    pub(crate) user_at: usize,
    /// Where the result holds the time.
    pub(crate) time_at: usize,
    /// The time's name in the result.
    time_name: String,
    /// How its times compare in the database.
    pub(crate) time_kind: TimeKind,
    /// Whether a table of it keeps no snapshots.
    pub(crate) is_live: bool,
    /// What the rows have more than events.
    pub(crate) beside: Option<Beside>,
}

/// The column that rows have more than events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    /// What the rows are.
    pub(crate) rows: Rows,
    /// The column's name.
    pub(crate) name: String,
    /// Where the result holds it.
    pub(crate) at: usize,
    /// The table, in quotes.
    pub(crate) table: String,
}

impl Beside {
    /// An error when its values cannot be what they are to be.
    fn check(&self, column: &ResultColumn) -> Result<(), Failure> {
        match self.rows {
            Rows::Events => Ok(()),
            Rows::Sessions => column.time_kind(&self.name).map(drop),
            Rows::Labelled => column.check_user(&self.name),
        }
    }
}

impl Reading {
    /// What the rows are.
    pub(crate) fn rows(&self) -> Rows {
        self.beside
            .as_ref()
            .map_or(Rows::Events, |beside| beside.rows)
    }

    /// All rows of a table with these columns, which it must have: user, time and the one that the
    /// rows have more than events.
    pub(crate) fn of_tracked(
        dialect: Dialect,
        table: &Table,
        [user, time, beside]: [&str; 3],
        rows: Rows,
    ) -> Result<Self, Failure> {
        let statement = format!(
            "SELECT {} AS row_key, events.{} AS user, events.{} AS at, events.{} AS beside \
             FROM {} AS events",
            key_of(table),
            dialect.identifier(user)?,
            dialect.identifier(time)?,
            dialect.identifier(beside)?,
            dialect.table(table.schema.as_deref(), &table.name)?,
        );
        Ok(Self {
            is_live: table.is_live,
            beside: Some(Beside {
                rows,
                name: beside.to_owned(),
                at: 3,
                table: table.shown(),
            }),
            ..Self::keyed(statement, user, time)
        })
    }

    /// A built-in query with these columns, in these tables: the events' own first, then those that
    /// are joined. `{key}`, `{user}`, `{time}` and each table's name in braces stand for quoted names.
    pub(crate) fn of_preset(
        dialect: Dialect,
        preset: &Preset,
        tables: &[&Table],
        user: &str,
        time: &str,
    ) -> Result<Self, Failure> {
        let mut statement = preset
            .statement
            .replace("{key}", &key_of(tables[0]))
            .replace("{user}", &dialect.identifier(user)?)
            .replace("{time}", &dialect.identifier(time)?);
        for (name, table) in preset.tables.iter().zip(tables) {
            let quoted = dialect.table(table.schema.as_deref(), &table.name)?;
            statement = statement.replace(&format!("{{{name}}}"), &quoted);
        }
        Ok(Self {
            is_live: tables.iter().any(|table| table.is_live),
            ..Self::keyed(statement, user, time)
        })
    }

    /// The rows of a table that `filter` lets through, with these columns, which it must have.
    pub(crate) fn of_table(
        dialect: Dialect,
        table: &Table,
        user: &str,
        time: &str,
        filter: Option<&str>,
    ) -> Result<Self, Failure> {
        let filter = match filter {
            // A newline ends a comment at the condition's end.
            Some(filter) => format!(" WHERE ({}\n)", one_statement(filter)?),
            None => String::new(),
        };
        let statement = format!(
            "SELECT {} AS row_key, events.{} AS user, events.{} AS at FROM {} AS events{filter}",
            key_of(table),
            dialect.identifier(user)?,
            dialect.identifier(time)?,
            dialect.table(table.schema.as_deref(), &table.name)?,
        );
        Ok(Self {
            is_live: table.is_live,
            ..Self::keyed(statement, user, time)
        })
    }

    /// A statement with these result columns.
    pub(crate) fn of_text(
        statement: &str,
        header: &[String],
        user: Option<&str>,
        time: Option<&str>,
    ) -> Result<Self, Failure> {
        let choose = |wanted: Wanted, asked: Option<&str>| {
            let plain = header.iter().any(|name| name == wanted.what);
            let asked = asked.or_else(|| plain.then_some(wanted.what));
            columns::choose(header, wanted, asked)
        };
        let user_at = choose(columns::USER, user)?;
        let time_at = choose(columns::TIME, time)?;
        Ok(Self {
            statement: statement.to_owned(),
            user: header[user_at].clone(),
            time: header[time_at].clone(),
            key_at: None,
            user_at,
            time_at,
            time_name: header[time_at].clone(),
            time_kind: TimeKind::Read,
            is_live: false,
            beside: None,
        })
    }

    fn keyed(statement: String, user: &str, time: &str) -> Self {
        Self {
            statement,
            user: user.to_owned(),
            time: time.to_owned(),
            key_at: Some(0),
            user_at: 1,
            time_at: 2,
            time_name: Preset::COLUMNS[2].to_owned(),
            time_kind: TimeKind::Read,
            is_live: false,
            beside: None,
        }
    }

    /// The statement for the rows of a span. `placeholder` gives the SQL of the bound value of a
    /// place, counted from 1; the values are those of the span that are there, in order.
    pub(crate) fn bounded(
        &self,
        dialect: Dialect,
        span: &Span,
        placeholder: impl Fn(usize) -> String,
    ) -> Result<String, Failure> {
        let time = self.time_in(dialect)?;
        let from = span.from.map(|_| format!("{time} >= {}", placeholder(1)));
        let place = 1 + usize::from(from.is_some());
        let to = span.to.map(|_| format!("{time} < {}", placeholder(place)));
        let conditions: Vec<String> = from.into_iter().chain(to).collect();
        Ok(match conditions.is_empty() {
            true => self.statement.clone(),
            // A newline ends a comment at the statement's end.
            false => format!(
                "SELECT * FROM ({}
) AS events WHERE {}",
                self.statement,
                conditions.join(" AND ")
            ),
        })
    }

    /// The time in a statement around this one.
    pub(crate) fn time_in(&self, dialect: Dialect) -> Result<String, Failure> {
        Ok(format!("events.{}", dialect.identifier(&self.time_name)?))
    }

    /// The same rows but for those after a time, which is SQL. Rows without a time stay.
    pub(crate) fn up_to(mut self, dialect: Dialect, last: &str) -> Result<Self, Failure> {
        let time = self.time_in(dialect)?;
        self.statement = format!(
            "SELECT * FROM ({}\n) AS events WHERE {time} <= {last} OR {time} IS NULL",
            self.statement
        );
        Ok(self)
    }

    /// The statement for the first and the last time of a span of which both ends are bound.
    pub(crate) fn ends(
        &self,
        dialect: Dialect,
        placeholder: impl Fn(usize) -> String,
    ) -> Result<String, Failure> {
        let time = self.time_in(dialect)?;
        Ok(format!(
            "SELECT min({time}), max({time}) FROM ({}\n) AS events WHERE {time} >= {} AND {time} < {}",
            self.statement,
            placeholder(1),
            placeholder(2)
        ))
    }
}

/// The key of a row of the table that is called `events`.
fn key_of(table: &Table) -> String {
    match &table.key {
        Some(key) => format!("events.{key}"),
        None => "NULL".to_owned(),
    }
}

/// Why reading ended early.
pub(crate) enum Stopped {
    Refused(Failure),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Stopped {
    fn from(cause: sqlx::Error) -> Self {
        Stopped::Database(cause)
    }
}

/// A user that is no id: a number with a fraction.
pub(crate) fn unusable_user(column: &str, row: u64) -> Failure {
    let column = crate::time::timestamp::quoted(column.as_bytes());
    let message = format!("row {row}, column {column}: a user cannot be a number with a fraction");
    Failure::new(error::COLUMN_TYPE, message)
        .help("users are integers, text, uuids or bytes; a query can cast them")
}

/// The statement without a semicolon at its end; an error when there is more than one, or none.
/// Semicolons inside quotes and comments are left alone.
pub(crate) fn one_statement(text: &str) -> Result<&str, Failure> {
    let refuse = |message: &str| Err(Failure::new(error::USAGE, message));
    let ends = statement_ends(text);
    let mut said = ends
        .windows(2)
        .map(|ends| text[ends[0]..ends[1]].trim_start_matches(';'))
        .filter(|part| !is_silent(part));
    match (said.next(), said.next()) {
        (Some(only), None) => Ok(only.trim()),
        (None, _) => refuse("the query holds no statement"),
        (Some(_), Some(_)) => refuse("the query holds more than one statement"),
    }
}

/// The start, each semicolon that ends a statement, and the end.
fn statement_ends(text: &str) -> Vec<usize> {
    let mut ends = vec![0];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let skipped = skipped(rest);
        if skipped == 0 && rest.starts_with(';') {
            ends.push(at);
        }
        at += skipped.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    ends.push(text.len());
    ends
}

/// The length of the quoted text or comment that this begins with, or 0.
fn skipped(text: &str) -> usize {
    let close = match text.as_bytes() {
        [b'-', b'-', ..] => "\n",
        [b'/', b'*', ..] => "*/",
        [b'\'', ..] => "'",
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        [b'[', ..] => "]",
        _ => return 0,
    };
    let open = if close == "\n" || close == "*/" { 2 } else { 1 };
    text[open..]
        .find(close)
        .map_or(text.len(), |found| open + found + close.len())
}

/// Whether there is nothing but spaces and comments.
fn is_silent(text: &str) -> bool {
    let rest = text.trim_start();
    match rest.as_bytes() {
        [] => true,
        [b'-', b'-', ..] | [b'/', b'*', ..] => is_silent(&rest[skipped(rest)..]),
        _ => false,
    }
}
