//! PostgreSQL: its tables, and the rows of sources, streamed and decoded as they come. One
//! connection, in one read-only transaction that sees one state of the data.

use futures_util::TryStreamExt;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgColumn, PgConnectOptions, PgConnection, PgRow, PgSslMode, PgTypeInfo,
    PgTypeKind,
};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Postgres, Row, SqlSafeStr,
    Statement, Type, TypeInfo, ValueRef,
};
use tokio::runtime::Runtime;

use crate::error::Failure;
use crate::events::{Micros, SECOND};
use crate::import::address::{Address, Host, Secret, Tls};
use crate::import::catalogue::{Catalogue, Table};
use crate::import::database::{
    ColumnKind, Patience, Reading, ResultColumn, Span, Stopped, TimeKind, unusable_user,
};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};
use crate::import::server;
use crate::sql::Dialect;

/// Microseconds from 1970 to 2000, from which PostgreSQL counts.
const TO_2000: Micros = 946_684_800 * SECOND;

/// An open database. All that is read through it is of one state of the data.
#[derive(Debug)]
pub(crate) struct Database {
    runtime: Runtime,
    /// Present until it is dropped.
    connection: Option<PgConnection>,
    catalogue: Catalogue,
    patience: Patience,
}

impl Database {
    /// Connects, begins the one transaction and looks at the tables.
    pub(crate) fn connect(address: &Address, patience: Patience) -> Result<Self, Failure> {
        let runtime = server::runtime()?;
        let options = options(address);
        let connection = server::connect(&runtime, patience, || options.connect())?;
        let mut database = Self {
            runtime,
            connection: Some(connection),
            catalogue: Catalogue {
                dialect: Dialect::Postgres,
                tables: Vec::new(),
            },
            patience,
        };
        database.begin()?;
        database.catalogue.tables = tables_of(database.ask(TABLES)?);
        Ok(database)
    }

    /// The tables and views that may be read.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The result columns of a statement.
    pub(crate) fn header(&mut self, statement: &str) -> Result<Vec<ResultColumn>, Failure> {
        let statement = AssertSqlSafe(statement).into_sql_str();
        self.run(async |connection| {
            let prepared = connection.prepare(statement).await?;
            Ok(prepared.columns().iter().map(result_column).collect())
        })
    }

    /// Streams a source's rows.
    pub(crate) fn read(
        &mut self,
        reading: &Reading,
        span: &Span,
        before: u64,
        intake: &mut Intake<'_>,
        source: u8,
    ) -> Result<u64, Failure> {
        let codecs = self.codecs(&reading.statement)?;
        let mut met = Met {
            source,
            rows: before,
            id: String::new(),
            key: reading.key_at.map(|at| codecs[at]),
            user: codecs[reading.user_at],
            time: codecs[reading.time_at],
            reading,
        };
        let streamed = match span.is_all() {
            true => self.copy(&mut met, intake),
            false => self.fetch(span, &mut met, intake),
        };
        match streamed {
            Ok(()) => Ok(met.rows),
            Err(failure) => {
                let read = format!("read so far: {} rows, thrown away", met.rows);
                Err(failure.detail(read))
            }
        }
    }

    /// Streams the rows of a span, whose ends are bound to the statement.
    fn fetch(
        &mut self,
        span: &Span,
        met: &mut Met<'_>,
        intake: &mut Intake<'_>,
    ) -> Result<(), Failure> {
        let reading = met.reading;
        let statement = reading.bounded(Dialect::Postgres, span, placeholder)?;
        let bounds = bounds_of(span, reading.time_kind);
        self.run(async |connection| {
            let mut rows = bound(&statement, bounds).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                let cell = |at: usize| cell_of(&row, at);
                met.take(&cell, intake)?;
                if met.rows.is_multiple_of(4096) && intake.is_stopped() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Streams all rows, to which nothing is bound, as a binary copy: that costs us half as much as
    /// rows of a result do.
    fn copy(&mut self, met: &mut Met<'_>, intake: &mut Intake<'_>) -> Result<(), Failure> {
        // A newline ends a comment at the statement's end.
        let statement = format!(
            "COPY ({}\n) TO STDOUT (FORMAT binary)",
            met.reading.statement
        );
        self.run(async |connection| {
            let mut stream = connection.copy_out_raw(&statement).await?;
            let mut copied = CopiedRows::default();
            while let Some(bytes) = stream.try_next().await? {
                copied.each(&bytes, |cells| met.take(&|at| cells.get(at), intake))?;
                if met.rows.is_multiple_of(4096) && intake.is_stopped() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// How the columns of a statement's result are read.
    fn codecs(&mut self, statement: &str) -> Result<Vec<Codec>, Failure> {
        let statement = AssertSqlSafe(statement).into_sql_str();
        self.run(async |connection| {
            let prepared = connection.prepare(statement).await?;
            Ok(prepared.columns().iter().map(Codec::of).collect())
        })
    }

    /// The first and the last time of a source in a span, as its column counts.
    pub(crate) fn ends(
        &mut self,
        reading: &Reading,
        span: &Span,
    ) -> Result<Option<(i64, i64)>, Failure> {
        let statement = reading.ends(Dialect::Postgres, placeholder)?;
        let bounds = bounds_of(span, reading.time_kind);
        self.run(async |connection| {
            let row = bound(&statement, bounds).fetch_one(connection).await?;
            let end = |at: usize| -> Result<Option<i64>, Stopped> {
                match cell_of(&row, at)? {
                    Some(bytes) => Ok(Codec::of(&row.columns()[at]).counted(bytes)?),
                    None => Ok(None),
                }
            };
            Ok(end(0)?.zip(end(1)?))
        })
    }

    /// Runs one statement whose columns are texts and integers, and gives every cell as text.
    pub(crate) fn ask(&mut self, statement: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        self.run(async |connection| {
            let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
            let rows = query.fetch_all(connection).await?;
            Ok(rows.iter().map(cells_of).collect::<Result<_, _>>()?)
        })
    }

    /// Begins the one transaction. What is set in it holds for it alone, also behind a pooler.
    fn begin(&mut self) -> Result<(), Failure> {
        let limit = self.patience.statement.as_millis();
        let statements = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL statement_timeout = {limit};
             SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL TimeZone = 'UTC';
             SET LOCAL DateStyle = 'ISO'"
        );
        let connection = open(&mut self.connection);
        let begun = server::within(&self.runtime, self.patience, async {
            sqlx::raw_sql(AssertSqlSafe(statements))
                .execute(&mut *connection)
                .await?;
            // From PostgreSQL 14 on a server looks by itself whether we are still there.
            let checks = "SAVEPOINT checks; SET LOCAL client_connection_check_interval = '1s'";
            match sqlx::raw_sql(checks).execute(&mut *connection).await {
                Ok(_) => Ok(()),
                Err(_) => {
                    let undo = sqlx::raw_sql("ROLLBACK TO SAVEPOINT checks");
                    undo.execute(&mut *connection).await.map(|_| ())
                }
            }
        });
        begun.map_err(|cause: sqlx::Error| self.explained(&cause))
    }

    /// Runs something that may fail without ending the transaction.
    fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Stopped>,
    ) -> Result<T, Failure> {
        let connection = open(&mut self.connection);
        let ran = server::within(&self.runtime, self.patience, async {
            sqlx::raw_sql("SAVEPOINT reading")
                .execute(&mut *connection)
                .await?;
            let ran = work(&mut *connection).await;
            if let Err(Stopped::Database(sqlx::Error::Database(_))) = &ran {
                // Where this fails too, the first error says why.
                let _ = sqlx::raw_sql("ROLLBACK TO SAVEPOINT reading")
                    .execute(&mut *connection)
                    .await;
            }
            ran
        });
        ran.map_err(|cause| match cause {
            Stopped::Refused(failure) => failure,
            Stopped::Database(cause) => self.explained(&cause),
        })
    }

    fn explained(&self, cause: &sqlx::Error) -> Failure {
        // query_canceled; an administrator's cancel says so in another message.
        let is_timeout = |said: &dyn DatabaseError| {
            said.code().as_deref() == Some("57014") && said.message().contains("timeout")
        };
        server::explained(cause, self.patience, is_timeout)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            server::say_goodbye(&self.runtime, connection.close());
        }
    }
}

fn open(connection: &mut Option<PgConnection>) -> &mut PgConnection {
    connection
        .as_mut()
        .expect("a database is connected until it is dropped")
}

/// Every field is set here: the package takes from the environment what is not.
fn options(address: &Address) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .username(&address.user)
        .password(address.password.as_ref().map_or("", Secret::reveal))
        .database(&address.database)
        .application_name("sessionize")
        .extra_float_digits(None)
        .statement_cache_capacity(1)
        .disable_statement_logging();
    let options = match &address.host {
        Host::Tcp { name, port } => options.host(name).port(*port),
        Host::Socket { path, port } => options.socket(path).port(*port),
    };
    let options = options.ssl_mode(match address.tls {
        Tls::Off => PgSslMode::Disable,
        Tls::Require => PgSslMode::Require,
        Tls::VerifyCa => PgSslMode::VerifyCa,
        Tls::VerifyFull => PgSslMode::VerifyFull,
    });
    match &address.ca_file {
        Some(path) => options.ssl_root_cert(path),
        None => options,
    }
}

/// Tables, views and the like, with the columns that may be read: schema, where the name alone does
/// not find the table; name; column; whether that is the primary key alone. Those that their name
/// finds come first.
const TABLES: &str = "
    SELECT CASE WHEN pg_table_is_visible(class.oid) THEN NULL ELSE namespace.nspname::text END,
           class.relname::text,
           attribute.attname::text,
           (primary_key.indrelid IS NOT NULL)::int
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    LEFT JOIN pg_index AS primary_key
        ON primary_key.indrelid = class.oid AND primary_key.indisprimary
        AND primary_key.indnkeyatts = 1 AND primary_key.indkey[0] = attribute.attnum
    WHERE class.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT class.relispartition
      AND attribute.attnum > 0 AND NOT attribute.attisdropped
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND namespace.nspname NOT LIKE 'pg\\_toast%' AND namespace.nspname NOT LIKE 'pg\\_temp%'
      AND has_column_privilege(class.oid, attribute.attnum, 'SELECT')
      AND has_schema_privilege(namespace.oid, 'USAGE')
    ORDER BY NOT pg_table_is_visible(class.oid), namespace.nspname, class.relname, attribute.attnum";

fn tables_of(rows: Vec<Vec<Option<String>>>) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let mut cells = row.into_iter();
        let mut next = || cells.next().flatten();
        let (schema, name, column) = (
            next(),
            next().unwrap_or_default(),
            next().unwrap_or_default(),
        );
        let is_key = next().as_deref() == Some("1");
        if tables
            .last()
            .is_none_or(|last| last.name != name || last.schema != schema)
        {
            tables.push(Table {
                schema,
                name,
                ..Table::default()
            });
        }
        if let Some(table) = tables.last_mut() {
            if is_key {
                table.key = Dialect::Postgres.identifier(&column).ok();
            }
            table.columns.push(column);
        }
    }
    tables
}

fn cells_of(row: &PgRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    let text = |at: usize| {
        let Some(bytes) = cell_of(row, at)? else {
            return Ok(None);
        };
        let codec = Codec::of(&row.columns()[at]);
        Ok(Some(match codec {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => {
                codec.counted(bytes)?.unwrap_or_default().to_string()
            }
            Codec::Numeric => numeric_text(bytes).unwrap_or_default(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }))
    };
    (0..row.len()).map(text).collect()
}

/// A cell's bytes.
fn cell_of(row: &PgRow, at: usize) -> Result<Option<&[u8]>, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    match value.is_null() {
        true => Ok(None),
        false => value.as_bytes().map(Some).map_err(sqlx::Error::Decode),
    }
}

/// The rows of a binary copy, whatever the pieces that they come in.
///
/// A signature of 11 bytes, 4 bytes of flags and the length of an extension stand before the rows. A
/// row is the number of its cells (16 bits, -1 after the last row), then for each cell its length (32
/// bits, -1 for NULL) and its bytes.
#[derive(Default)]
struct CopiedRows {
    has_begun: bool,
    /// What came of a row that is not whole yet.
    rest: Vec<u8>,
    /// The cells' places in the bytes that they came in.
    places: Vec<Option<(usize, usize)>>,
}

/// The cells of one copied row.
struct CopiedCells<'a> {
    bytes: &'a [u8],
    places: &'a [Option<(usize, usize)>],
}

impl<'a> CopiedCells<'a> {
    fn get(&self, at: usize) -> Result<Option<&'a [u8]>, sqlx::Error> {
        let place = self.places.get(at).ok_or_else(|| {
            sqlx::Error::Protocol(format!("a copied row has no column {}", at + 1))
        })?;
        Ok(place.map(|(from, to)| &self.bytes[from..to]))
    }
}

impl CopiedRows {
    /// Takes the next piece, and hands on every row that is whole.
    fn each(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(&CopiedCells<'_>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let mut rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            rest.extend_from_slice(piece);
        }
        let bytes = match rest.is_empty() {
            true => piece,
            false => &rest,
        };
        let mut at = 0;
        if !self.has_begun {
            match header_length(bytes) {
                Some(length) if length <= bytes.len() => at = length,
                _ => {
                    self.rest = bytes.to_vec();
                    return Ok(());
                }
            }
            self.has_begun = true;
        }
        while let Some(end) = self.row(bytes, at) {
            if !self.places.is_empty() {
                let places = &self.places;
                take(&CopiedCells { bytes, places })?;
            }
            at = end;
        }
        self.rest = bytes[at..].to_vec();
        Ok(())
    }

    /// Finds the cells of the row at a place, and where it ends; `None` where it is not whole.
    fn row(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        self.places.clear();
        let (count, _) = bytes.get(at..)?.split_first_chunk()?;
        let mut at = at + count.len();
        for _ in 0..i16::from_be_bytes(*count).max(0) {
            let (length, _) = bytes.get(at..)?.split_first_chunk()?;
            at += length.len();
            match usize::try_from(i32::from_be_bytes(*length)) {
                Ok(length) => {
                    self.places.push(Some((at, at + length)));
                    at += length;
                }
                Err(_) => self.places.push(None),
            }
        }
        (at <= bytes.len()).then_some(at)
    }
}

/// The bytes before the first row of a binary copy, once their number is known.
fn header_length(bytes: &[u8]) -> Option<usize> {
    const FIXED: usize = 11 + 4 + 4;
    let extension = bytes.get(FIXED - 4..)?.first_chunk()?;
    Some(FIXED + u32::from_be_bytes(*extension) as usize)
}

pub(crate) fn placeholder(place: usize) -> String {
    format!("${place}")
}

/// A bound value.
enum Bound {
    Number(i64),
    Time(Time),
}

/// A statement with values bound to it.
fn bound(
    statement: &str,
    bounds: Vec<Bound>,
) -> sqlx::query::Query<'_, Postgres, sqlx::postgres::PgArguments> {
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    bounds.into_iter().fold(query, |query, bound| match bound {
        Bound::Number(number) => query.bind(number),
        Bound::Time(time) => query.bind(time),
    })
}

/// A time as PostgreSQL counts it, with the type that it is compared as.
#[derive(Clone, Copy)]
struct Time {
    since_2000: i64,
    oid: Oid,
}

/// The type numbers of `timestamptz` and `timestamp`, the same in every server.
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMP: Oid = Oid(1114);

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend(self.since_2000.to_be_bytes());
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.oid))
    }
}

fn bounds_of(span: &Span, kind: TimeKind) -> Vec<Bound> {
    let bound = |value: i64| match kind {
        TimeKind::Number | TimeKind::Read => Bound::Number(value),
        TimeKind::Instant | TimeKind::Local => Bound::Time(Time {
            since_2000: value.saturating_sub(TO_2000),
            oid: match kind {
                TimeKind::Local => TIMESTAMP,
                _ => TIMESTAMPTZ,
            },
        }),
    };
    span.from.into_iter().chain(span.to).map(bound).collect()
}

/// How a column's bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Int2,
    Int4,
    Int8,
    Numeric,
    Text,
    Bytes,
    Float4,
    Float8,
    Timestamptz,
    Timestamp,
    Date,
    Other,
}

fn result_column(column: &PgColumn) -> ResultColumn {
    ResultColumn {
        name: column.name().to_owned(),
        type_name: column.type_info().name().to_lowercase(),
        kind: match Codec::of(column) {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => ColumnKind::Integer,
            Codec::Numeric => ColumnKind::Decimal,
            Codec::Text => ColumnKind::Text,
            Codec::Bytes => ColumnKind::Binary,
            Codec::Float4 | Codec::Float8 => ColumnKind::Real,
            Codec::Timestamptz => ColumnKind::Instant,
            Codec::Timestamp => ColumnKind::Local,
            Codec::Date => ColumnKind::Date,
            Codec::Other => ColumnKind::Other,
        },
    }
}

impl Codec {
    fn of(column: &PgColumn) -> Self {
        Self::of_type(column.type_info())
    }

    fn of_type(kind: &PgTypeInfo) -> Self {
        match kind.name() {
            "INT2" => Self::Int2,
            "INT4" => Self::Int4,
            "INT8" => Self::Int8,
            "NUMERIC" => Self::Numeric,
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "citext" | "unknown" => Self::Text,
            "UUID" | "BYTEA" => Self::Bytes,
            "FLOAT4" => Self::Float4,
            "FLOAT8" => Self::Float8,
            "TIMESTAMPTZ" => Self::Timestamptz,
            "TIMESTAMP" => Self::Timestamp,
            "DATE" => Self::Date,
            _ => match kind.kind() {
                PgTypeKind::Domain(base) => Self::of_type(base),
                PgTypeKind::Enum(_) => Self::Text,
                _ => Self::Other,
            },
        }
    }

    /// An integer, or a time as microseconds since 1970; nothing where it is infinite.
    #[inline]
    fn counted(self, bytes: &[u8]) -> Result<Option<i64>, sqlx::Error> {
        Ok(match self {
            Self::Int2 => Some(i16::from_be_bytes(fixed(bytes)?).into()),
            Self::Int4 => Some(i32::from_be_bytes(fixed(bytes)?).into()),
            Self::Int8 => Some(i64::from_be_bytes(fixed(bytes)?)),
            Self::Timestamptz | Self::Timestamp => match i64::from_be_bytes(fixed(bytes)?) {
                i64::MAX | i64::MIN => None,
                since_2000 => Some(since_2000.saturating_add(TO_2000)),
            },
            _ => None,
        })
    }
}

/// What reading rows keeps from one to the next.
struct Met<'a> {
    source: u8,
    rows: u64,
    /// The text of an id, written over by the next one.
    id: String,
    /// How key, user and time are read.
    key: Option<Codec>,
    user: Codec,
    time: Codec,
    reading: &'a Reading,
}

impl Met<'_> {
    /// Takes a row, whose cells are asked for by their place.
    #[inline]
    fn take<'v>(
        &mut self,
        cell: &impl Fn(usize) -> Result<Option<&'v [u8]>, sqlx::Error>,
        intake: &mut Intake<'_>,
    ) -> Result<(), Stopped> {
        self.rows += 1;
        let (rows, source) = (self.rows, SourceValue::Known(self.source));
        let key = match self.reading.key_at {
            Some(at) => cell(at)?,
            None => None,
        };
        let line = match (self.key, key) {
            (Some(codec @ (Codec::Int2 | Codec::Int4 | Codec::Int8)), Some(bytes)) => codec
                .counted(bytes)?
                .and_then(|number| u64::try_from(number).ok()),
            _ => None,
        };
        let codec = self.key;
        let digits;
        let time = match (self.time, cell(self.reading.time_at)?) {
            (_, None) => TimeValue::Missing,
            (Codec::Numeric, Some(bytes)) => {
                digits = numeric_text(bytes).unwrap_or_default();
                match digits.parse() {
                    Ok(number) => TimeValue::Number(number),
                    Err(_) => TimeValue::Text(digits.as_bytes()),
                }
            }
            (time, Some(bytes)) => time_value(time, bytes)?,
        };
        let user = match cell(self.reading.user_at)? {
            Some(bytes) => self.user_value(bytes)?,
            None => UserValue::Missing,
        };
        let refusals = intake.refusals();
        intake.row(line.unwrap_or(rows), 0, source, user, time);
        if line.is_none() && intake.refusals() > refusals {
            name_refusal(codec, key, intake);
        }
        Ok(())
    }

    #[inline]
    fn user_value<'v>(&'v mut self, bytes: &'v [u8]) -> Result<UserValue<'v>, Stopped> {
        Ok(match self.user {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => {
                UserValue::Number(self.user.counted(bytes)?.unwrap_or_default())
            }
            Codec::Bytes => UserValue::Text(binary_id(bytes, &mut self.id)),
            Codec::Numeric => match numeric_text(bytes) {
                Some(digits) if !digits.contains(['.', 'N', 'I']) => {
                    self.id = digits;
                    UserValue::Text(self.id.as_bytes())
                }
                _ => {
                    let refused = unusable_user(&self.reading.user, self.rows);
                    return Err(Stopped::Refused(refused));
                }
            },
            _ => UserValue::Text(bytes),
        })
    }
}

/// Says which row was refused, where its key is no number.
#[cold]
fn name_refusal(codec: Option<Codec>, key: Option<&[u8]>, intake: &mut Intake<'_>) {
    let mut text = String::new();
    match (codec, key) {
        (Some(Codec::Bytes), Some(key)) => intake.name_last_refusal(binary_id(key, &mut text)),
        (Some(Codec::Text), Some(key)) => intake.name_last_refusal(key),
        _ => {}
    }
}

/// A time cell that is no decimal number.
#[inline]
fn time_value(codec: Codec, bytes: &[u8]) -> Result<TimeValue<'_>, Stopped> {
    let infinite = || {
        TimeValue::Unusable(if bytes[0] == 0x7f {
            "infinity"
        } else {
            "-infinity"
        })
    };
    Ok(match codec {
        Codec::Timestamptz => codec
            .counted(bytes)?
            .map_or_else(infinite, TimeValue::Instant),
        Codec::Timestamp => codec
            .counted(bytes)?
            .map_or_else(infinite, TimeValue::Local),
        Codec::Int2 | Codec::Int4 | Codec::Int8 => {
            TimeValue::Number(codec.counted(bytes)?.unwrap_or_default())
        }
        Codec::Float4 => TimeValue::Real(f32::from_be_bytes(fixed(bytes)?).into()),
        Codec::Float8 => TimeValue::Real(f64::from_be_bytes(fixed(bytes)?)),
        _ => TimeValue::Text(bytes),
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], sqlx::Error> {
    bytes
        .try_into()
        .map_err(|cause| sqlx::Error::Decode(Box::new(cause)))
}

/// The plain digits of a `numeric`: no point without a fraction, no zeros at the fraction's end.
///
/// Its bytes are four 16-bit numbers (count of digits, weight of the first, sign, scale), then
/// digits to the base 10,000; nothing when they are not.
fn numeric_text(bytes: &[u8]) -> Option<String> {
    let mut words = bytes
        .chunks_exact(2)
        .map(|word| i16::from_be_bytes([word[0], word[1]]));
    let (count, weight, sign, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let mut text = String::new();
    match sign as u16 {
        0 => {}
        0x4000 => text.push('-'),
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        _ => return Some("-Infinity".to_owned()),
    }
    let digits: Vec<i16> = words.take(usize::try_from(count).ok()?).collect();
    let digit = |place: i32| -> i16 {
        let index = i32::from(weight) - place;
        usize::try_from(index)
            .ok()
            .and_then(|index| digits.get(index).copied())
            .unwrap_or(0)
    };
    let whole: String = (0..=i32::from(weight).max(0))
        .rev()
        .map(|place| format!("{:04}", digit(place)))
        .collect();
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    let last = i32::from(weight) - digits.len() as i32 + 1;
    let fraction: String = (last..0)
        .rev()
        .map(|place| format!("{:04}", digit(place)))
        .collect();
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    Some(if text == "-0" { "0".to_owned() } else { text })
}
