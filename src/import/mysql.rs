//! MySQL and MariaDB: their tables, and the rows of sources, streamed and decoded as they come. One
//! connection, in one read-only transaction that sees one state of the data, on a clock set to UTC.

use chrono::DateTime;
use futures_util::TryStreamExt;
use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySqlColumn, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlSslMode,
    MySqlTypeInfo, MySqlValueRef,
};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Executor, MySql, Row, SqlSafeStr,
    Statement, Type, TypeInfo,
};
use tokio::runtime::Runtime;

use crate::error::Failure;
use crate::events::{EARLIEST, LATEST, Micros, SECOND};
use crate::import::address::{Address, Host, Secret, Tls};
use crate::import::catalogue::{Catalogue, Table};
use crate::import::database::{
    ColumnKind, Patience, Reading, ResultColumn, Span, Stopped, TimeKind, unusable_user,
};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};
use crate::import::server;
use crate::sql::Dialect;
use crate::time::civil::{DAY, Date};

/// An open database. All that is read through it is of one state of the data.
#[derive(Debug)]
pub(crate) struct Database {
    runtime: Runtime,
    /// Present until it is dropped.
    connection: Option<MySqlConnection>,
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
                dialect: Dialect::Mysql,
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
        let statement = reading.bounded(Dialect::Mysql, span, placeholder(reading.time_kind))?;
        let bounds = bounds_of(span, reading.time_kind);
        let mut met = Met {
            source,
            rows: before,
            id: String::new(),
            codecs: None,
        };
        let streamed = self.run(async |connection| {
            let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
            for bound in bounds {
                query = match bound {
                    Bound::Number(number) => query.bind(number),
                    Bound::Time(time) => query.bind(time),
                };
            }
            let mut rows = query.fetch(connection);
            while let Some(row) = rows.try_next().await? {
                met.take(&row, reading, intake)?;
                if met.rows.is_multiple_of(4096) && intake.is_stopped() {
                    break;
                }
            }
            Ok(())
        });
        match streamed {
            Ok(()) => Ok(met.rows),
            Err(failure) => {
                let read = format!("read so far: {} rows, thrown away", met.rows);
                Err(failure.detail(read))
            }
        }
    }

    /// The first and the last time of a source in a span, as its column counts.
    pub(crate) fn ends(
        &mut self,
        reading: &Reading,
        span: &Span,
    ) -> Result<Option<(i64, i64)>, Failure> {
        let statement = reading.ends(Dialect::Mysql, placeholder(reading.time_kind))?;
        let bounds = bounds_of(span, reading.time_kind);
        self.run(async |connection| {
            let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
            for bound in bounds {
                query = match bound {
                    Bound::Number(number) => query.bind(number),
                    Bound::Time(time) => query.bind(time),
                };
            }
            let row = query.fetch_one(connection).await?;
            let end = |at: usize| -> Result<Option<i64>, Stopped> {
                let codec = Codec::of(&row.columns()[at]);
                let Some(bytes) = bytes_of(row.try_get_raw(at)?)? else {
                    return Ok(None);
                };
                Ok(match codec {
                    Codec::Timestamp | Codec::Datetime => datetime(bytes).ok(),
                    codec => codec
                        .number(bytes)
                        .and_then(|number| i64::try_from(number).ok()),
                })
            };
            Ok(end(0)?.zip(end(1)?))
        })
    }

    /// The same source without rows that are added from now on, where its tables keep no state of the
    /// data to hold on to: up to the last time there is.
    pub(crate) fn fixed(&mut self, reading: Reading) -> Result<Reading, Failure> {
        if !reading.is_live || reading.time_kind == TimeKind::Read {
            return Ok(reading);
        }
        let everything = match reading.time_kind {
            TimeKind::Number => (i64::MIN, i64::MAX),
            _ => (EARLIEST, LATEST),
        };
        let everything = Span {
            from: Some(everything.0),
            to: Some(everything.1),
        };
        let Some((_, last)) = self.ends(&reading, &everything)? else {
            return Ok(reading);
        };
        let last = match reading.time_kind {
            TimeKind::Number => last.to_string(),
            _ => format!("CAST('{}' AS DATETIME(6))", literal(last)),
        };
        reading.up_to(Dialect::Mysql, &last)
    }

    /// Runs one statement whose columns are texts and integers, and gives every cell as text.
    pub(crate) fn ask(&mut self, statement: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        self.run(async |connection| {
            let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
            let rows = query.fetch_all(connection).await?;
            Ok(rows.iter().map(cells_of).collect::<Result<_, _>>()?)
        })
    }

    /// Begins the one transaction, on a clock that shows UTC, with the time for a statement.
    fn begin(&mut self) -> Result<(), Failure> {
        let version = self.ask("SELECT version()")?;
        let version = version.into_iter().flatten().flatten().next();
        let limit = self.patience.statement;
        let limit = match version.is_some_and(|version| version.contains("MariaDB")) {
            true => format!("max_statement_time = {}", limit.as_secs_f64()),
            false => format!("max_execution_time = {}", limit.as_millis()),
        };
        let patient = self.patience.statement.as_secs().max(60);
        let statements = format!(
            "SET SESSION {limit}, net_write_timeout = {patient};
             SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
        );
        self.run(async |connection| {
            for statement in statements.split(';') {
                let statement = sqlx::raw_sql(AssertSqlSafe(statement.trim().to_owned()));
                statement.execute(&mut *connection).await?;
            }
            Ok(())
        })
    }

    fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, Stopped>,
    ) -> Result<T, Failure> {
        let connection = self
            .connection
            .as_mut()
            .expect("a database is connected until it is dropped");
        let ran = server::within(&self.runtime, self.patience, work(connection));
        ran.map_err(|cause| match cause {
            Stopped::Refused(failure) => failure,
            Stopped::Database(cause) => server::explained(&cause, self.patience, is_timeout),
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            server::say_goodbye(&self.runtime, connection.close());
        }
    }
}

/// MariaDB's 1969 (max_statement_time) and MySQL's 3024 (max_execution_time).
fn is_timeout(said: &dyn DatabaseError) -> bool {
    said.try_downcast_ref::<MySqlDatabaseError>()
        .is_some_and(|said| matches!(said.number(), 1969 | 3024))
}

fn options(address: &Address) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .username(&address.user)
        .database(&address.database)
        .charset("utf8mb4")
        .timezone(Some("+00:00".to_owned()))
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(1)
        .disable_statement_logging();
    let options = match &address.password {
        Some(password) => options.password(Secret::reveal(password)),
        None => options,
    };
    let options = match &address.host {
        Host::Tcp { name, port } => options.host(name).port(*port),
        Host::Socket { path, .. } => options.socket(path),
    };
    let options = options.ssl_mode(match address.tls {
        Tls::Off => MySqlSslMode::Disabled,
        Tls::Require => MySqlSslMode::Required,
        Tls::VerifyCa => MySqlSslMode::VerifyCa,
        Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
    });
    match &address.ca_file {
        Some(path) => options.ssl_ca(path),
        None => options,
    }
}

/// Tables and views of the database with the columns that may be read: name; column; whether that
/// is part of the primary key; whether the table's engine knows no transactions, nor a state of the
/// data to hold on to.
const TABLES: &str = "
    SELECT columns.table_name, columns.column_name, columns.column_key = 'PRI',
           coalesce(engines.transactions, 'YES') = 'NO'
    FROM information_schema.columns AS columns
    JOIN information_schema.tables AS tables
        ON tables.table_schema = columns.table_schema AND tables.table_name = columns.table_name
    LEFT JOIN information_schema.engines AS engines ON engines.engine = tables.engine
    WHERE columns.table_schema = database() AND find_in_set('select', columns.privileges) > 0
    ORDER BY columns.table_name, columns.ordinal_position";

fn tables_of(rows: Vec<Vec<Option<String>>>) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut keys: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let mut cells = row.into_iter();
        let mut next = || cells.next().flatten().unwrap_or_default();
        let (name, column, is_key) = (next(), next(), next() == "1");
        let is_live = next() == "1";
        if tables.last().is_none_or(|last| last.name != name) {
            tables.push(Table {
                name,
                is_live,
                ..Table::default()
            });
            keys.push(Vec::new());
        }
        if let (Some(table), Some(keys)) = (tables.last_mut(), keys.last_mut()) {
            if is_key {
                keys.push(column.clone());
            }
            table.columns.push(column);
        }
    }
    for (table, keys) in tables.iter_mut().zip(keys) {
        if let [key] = keys.as_slice() {
            table.key = Dialect::Mysql.identifier(key).ok();
        }
    }
    tables
}

fn cells_of(row: &MySqlRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    let cell = |at: usize| {
        let codec = Codec::of(&row.columns()[at]);
        let Some(bytes) = bytes_of(row.try_get_raw(at)?)? else {
            return Ok(None);
        };
        Ok(Some(match codec.number(bytes) {
            Some(number) => number.to_string(),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }))
    };
    (0..row.len()).map(cell).collect()
}

/// How a bound value is written: the server takes a time for one of its own, and so uses an index.
pub(crate) fn placeholder(kind: TimeKind) -> impl Fn(usize) -> String {
    move |_| match kind {
        TimeKind::Instant | TimeKind::Local => "CAST(? AS DATETIME(6))".to_owned(),
        TimeKind::Number | TimeKind::Read => "?".to_owned(),
    }
}

/// A bound value.
enum Bound {
    Number(i64),
    Time(String),
}

fn bounds_of(span: &Span, kind: TimeKind) -> Vec<Bound> {
    let bound = |value: i64| match kind {
        TimeKind::Number | TimeKind::Read => Bound::Number(value),
        TimeKind::Instant | TimeKind::Local => Bound::Time(literal(value)),
    };
    span.from.into_iter().chain(span.to).map(bound).collect()
}

/// A time as MySQL reads it; one that it cannot hold becomes the nearest one that it can.
fn literal(at: Micros) -> String {
    const YEAR_1000: Micros = -30_610_224_000 * SECOND;
    const YEAR_9999: Micros = 253_370_764_800 * SECOND;
    let at = DateTime::from_timestamp_micros(at.clamp(YEAR_1000, YEAR_9999)).unwrap_or_default();
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// How a column's bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    /// An integer of so many bytes.
    Signed(u8),
    Unsigned(u8),
    Decimal,
    Text,
    Bytes,
    Float,
    Double,
    Timestamp,
    Datetime,
    Date,
    Other,
}

fn result_column(column: &MySqlColumn) -> ResultColumn {
    ResultColumn {
        name: column.name().to_owned(),
        type_name: column.type_info().name().to_lowercase(),
        kind: match Codec::of(column) {
            Codec::Signed(_) | Codec::Unsigned(_) => ColumnKind::Integer,
            Codec::Decimal => ColumnKind::Decimal,
            Codec::Text => ColumnKind::Text,
            Codec::Bytes => ColumnKind::Binary,
            Codec::Float | Codec::Double => ColumnKind::Real,
            Codec::Timestamp => ColumnKind::Instant,
            Codec::Datetime => ColumnKind::Local,
            Codec::Date => ColumnKind::Date,
            Codec::Other => ColumnKind::Other,
        },
    }
}

impl Codec {
    fn of(column: &MySqlColumn) -> Self {
        let kind: &MySqlTypeInfo = column.type_info();
        match kind.name() {
            "BOOLEAN" | "TINYINT" => Self::Signed(1),
            "SMALLINT" => Self::Signed(2),
            "MEDIUMINT" | "INT" => Self::Signed(4),
            "BIGINT" => Self::Signed(8),
            "TINYINT UNSIGNED" => Self::Unsigned(1),
            "SMALLINT UNSIGNED" => Self::Unsigned(2),
            "MEDIUMINT UNSIGNED" | "INT UNSIGNED" => Self::Unsigned(4),
            "BIGINT UNSIGNED" => Self::Unsigned(8),
            "DECIMAL" => Self::Decimal,
            "FLOAT" => Self::Float,
            "DOUBLE" => Self::Double,
            "TIMESTAMP" => Self::Timestamp,
            "DATETIME" => Self::Datetime,
            "DATE" => Self::Date,
            // A text of a `_bin` collation is called binary too; only the collation tells.
            _ if <str as Type<MySql>>::compatible(kind) => Self::Text,
            _ if <[u8] as Type<MySql>>::compatible(kind) => Self::Bytes,
            _ => Self::Other,
        }
    }

    /// An integer; nothing for other kinds.
    fn number(self, bytes: &[u8]) -> Option<i128> {
        let (Self::Signed(width) | Self::Unsigned(width)) = self else {
            return None;
        };
        let bytes = bytes.get(..usize::from(width))?;
        let is_negative = matches!(self, Self::Signed(_)) && bytes.last()? & 0x80 != 0;
        let mut all = [if is_negative { 0xff } else { 0 }; 16];
        all[..bytes.len()].copy_from_slice(bytes);
        Some(i128::from_le_bytes(all))
    }
}

/// What reading rows keeps from one to the next.
struct Met {
    source: u8,
    rows: u64,
    /// The text of an id, written over by the next one.
    id: String,
    /// How key, user and time are read, once there was a row.
    codecs: Option<(Option<Codec>, Codec, Codec)>,
}

impl Met {
    fn take(
        &mut self,
        row: &MySqlRow,
        reading: &Reading,
        intake: &mut Intake<'_>,
    ) -> Result<(), Stopped> {
        self.rows += 1;
        let (rows, source) = (self.rows, SourceValue::Known(self.source));
        let (key, user, time) = *self.codecs.get_or_insert_with(|| {
            let codec = |at: usize| Codec::of(&row.columns()[at]);
            (
                reading.key_at.map(codec),
                codec(reading.user_at),
                codec(reading.time_at),
            )
        });
        let key_bytes = match reading.key_at {
            Some(at) => bytes_of(row.try_get_raw(at)?)?,
            None => None,
        };
        let line = key
            .zip(key_bytes)
            .and_then(|(key, bytes)| u64::try_from(key.number(bytes)?).ok());
        let time = time_value(time, bytes_of(row.try_get_raw(reading.time_at)?)?);
        let user = match bytes_of(row.try_get_raw(reading.user_at)?)? {
            Some(bytes) => self.user_value(user, bytes, reading)?,
            None => UserValue::Missing,
        };
        let refusals = intake.refusals();
        intake.row(line.unwrap_or(rows), 0, source, user, time);
        if line.is_none() && intake.refusals() > refusals {
            let mut text = String::new();
            match (key, key_bytes) {
                (Some(Codec::Text), Some(key)) => intake.name_last_refusal(key),
                (Some(Codec::Bytes), Some(key)) => {
                    intake.name_last_refusal(binary_id(key, &mut text));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn user_value<'v>(
        &'v mut self,
        codec: Codec,
        bytes: &'v [u8],
        reading: &Reading,
    ) -> Result<UserValue<'v>, Stopped> {
        Ok(match codec {
            Codec::Signed(_) | Codec::Unsigned(_) => {
                let number = codec.number(bytes).unwrap_or_default();
                match i64::try_from(number) {
                    Ok(number) => UserValue::Number(number),
                    Err(_) => {
                        self.id = number.to_string();
                        UserValue::Text(self.id.as_bytes())
                    }
                }
            }
            Codec::Bytes => UserValue::Text(binary_id(bytes, &mut self.id)),
            Codec::Decimal => match whole_digits(bytes) {
                Some(digits) => UserValue::Text(digits),
                None => return Err(Stopped::Refused(unusable_user(&reading.user, self.rows))),
            },
            _ => UserValue::Text(bytes),
        })
    }
}

/// The digits of a decimal number without a fraction, as the server writes it.
fn whole_digits(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.iter().position(|&byte| byte == b'.') {
        Some(point) if bytes[point + 1..].iter().all(|&digit| digit == b'0') => {
            Some(&bytes[..point])
        }
        Some(_) => None,
        None => Some(bytes),
    }
}

fn time_value(codec: Codec, bytes: Option<&[u8]>) -> TimeValue<'_> {
    let Some(bytes) = bytes else {
        return TimeValue::Missing;
    };
    match codec {
        Codec::Timestamp => datetime(bytes).map_or_else(TimeValue::Unusable, TimeValue::Instant),
        Codec::Datetime => datetime(bytes).map_or_else(TimeValue::Unusable, TimeValue::Local),
        Codec::Signed(_) | Codec::Unsigned(_) => {
            let number = codec.number(bytes).unwrap_or_default();
            TimeValue::Number(i64::try_from(number).unwrap_or(i64::MAX))
        }
        Codec::Float => bytes
            .try_into()
            .map_or(TimeValue::Unusable("a number"), |bytes| {
                TimeValue::Real(f32::from_le_bytes(bytes).into())
            }),
        Codec::Double => bytes
            .try_into()
            .map_or(TimeValue::Unusable("a number"), |bytes| {
                TimeValue::Real(f64::from_le_bytes(bytes))
            }),
        Codec::Decimal => match whole_digits(bytes)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        {
            Some(number) => TimeValue::Number(number),
            None => TimeValue::Text(bytes),
        },
        _ => TimeValue::Text(bytes),
    }
}

/// Microseconds from 1970 to a date and time, on its own clock; in words what is none.
///
/// Its bytes are their number (0, 4, 7 or 11), then the year (two), month, day, hour, minute,
/// second, and microseconds (four); what is left out is zero.
fn datetime(bytes: &[u8]) -> Result<Micros, &'static str> {
    let mut all = [0; 11];
    let given = bytes.get(1..).unwrap_or_default();
    let length = given.len().min(all.len());
    all[..length].copy_from_slice(&given[..length]);
    let [
        year_low,
        year_high,
        month,
        day,
        hour,
        minute,
        second,
        fraction @ ..,
    ] = all;
    let year = u16::from_le_bytes([year_low, year_high]);
    if (year, month, day) == (0, 0, 0) {
        return Err("the zero date 0000-00-00");
    }
    let date = Date::new(year.into(), month.into(), day.into()).ok_or("a date without a day")?;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let micros = i64::from(u32::from_le_bytes(fraction));
    Ok(date.days() * DAY + seconds * SECOND + micros)
}

/// A value's bytes. Zero dates are values here, not nulls.
fn bytes_of(value: MySqlValueRef<'_>) -> Result<Option<&[u8]>, sqlx::Error> {
    match <&[u8] as Decode<MySql>>::decode(value) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.is::<sqlx::error::UnexpectedNullError>() => Ok(None),
        Err(cause) => Err(sqlx::Error::Decode(cause)),
    }
}
