//! PostgreSQL: its tables, and the rows of sources, streamed and decoded as they come. One
//! connection, in one read-only transaction that sees one state of the data.

use futures_util::TryStreamExt;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgColumn, PgConnectOptions, PgConnection, PgRow, PgSslMode, PgTypeInfo,
    PgTypeKind, PgValueRef,
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
        let statement = reading.bounded(Dialect::Postgres, span, placeholder)?;
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
        let statement = reading.ends(Dialect::Postgres, placeholder)?;
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
                let value = row.try_get_raw(at)?;
                match value.is_null() {
                    true => Ok(None),
                    false => Ok(Codec::of(&row.columns()[at]).counted(&value)?),
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
            // The transaction changed nothing, so there is nothing to lose.
            let _ = self.runtime.block_on(connection.close_hard());
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
    let cell = |at: usize| {
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(None);
        }
        let codec = Codec::of(&row.columns()[at]);
        Ok(Some(match codec {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => {
                codec.counted(&value)?.unwrap_or_default().to_string()
            }
            Codec::Numeric => numeric_text(bytes_of(&value)?).unwrap_or_default(),
            _ => String::from_utf8_lossy(bytes_of(&value)?).into_owned(),
        }))
    };
    (0..row.len()).map(cell).collect()
}

pub(crate) fn placeholder(place: usize) -> String {
    format!("${place}")
}

/// A bound value.
enum Bound {
    Number(i64),
    Time(Time),
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
    fn counted(self, value: &PgValueRef<'_>) -> Result<Option<i64>, sqlx::Error> {
        let bytes = bytes_of(value)?;
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
        row: &PgRow,
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
        let line = match (key, reading.key_at) {
            (Some(key @ (Codec::Int2 | Codec::Int4 | Codec::Int8)), Some(at)) => {
                let value = row.try_get_raw(at)?;
                let number = match value.is_null() {
                    true => None,
                    false => key.counted(&value)?,
                };
                number.and_then(|number| u64::try_from(number).ok())
            }
            _ => None,
        };
        let time = time_value(time, &row.try_get_raw(reading.time_at)?)?;
        let time = match &time {
            Ok(time) => *time,
            Err(digits) => TimeValue::Text(digits.as_bytes()),
        };
        let value = row.try_get_raw(reading.user_at)?;
        let user = self.user_value(user, &value, reading)?;
        let refusals = intake.refusals();
        intake.row(line.unwrap_or(rows), 0, source, user, time);
        if line.is_none() && intake.refusals() > refusals {
            self.name_refusal(key, row, reading, intake)?;
        }
        Ok(())
    }

    fn user_value<'v>(
        &'v mut self,
        codec: Codec,
        value: &PgValueRef<'v>,
        reading: &Reading,
    ) -> Result<UserValue<'v>, Stopped> {
        if value.is_null() {
            return Ok(UserValue::Missing);
        }
        Ok(match codec {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => {
                UserValue::Number(codec.counted(value)?.unwrap_or_default())
            }
            Codec::Bytes => UserValue::Text(binary_id(bytes_of(value)?, &mut self.id)),
            Codec::Numeric => match numeric_text(bytes_of(value)?) {
                Some(digits) if !digits.contains(['.', 'N', 'I']) => {
                    self.id = digits;
                    UserValue::Text(self.id.as_bytes())
                }
                _ => return Err(Stopped::Refused(unusable_user(&reading.user, self.rows))),
            },
            _ => UserValue::Text(bytes_of(value)?),
        })
    }

    /// Says which row was refused, where its key is no number.
    #[cold]
    fn name_refusal(
        &self,
        key: Option<Codec>,
        row: &PgRow,
        reading: &Reading,
        intake: &mut Intake<'_>,
    ) -> Result<(), Stopped> {
        let Some((key, at)) = key.zip(reading.key_at) else {
            return Ok(());
        };
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(());
        }
        let mut text = String::new();
        let key = match key {
            Codec::Bytes => binary_id(bytes_of(&value)?, &mut text),
            Codec::Text => bytes_of(&value)?,
            _ => return Ok(()),
        };
        intake.name_last_refusal(key);
        Ok(())
    }
}

/// A time cell; a decimal number's digits apart, as text.
fn time_value<'v>(
    codec: Codec,
    value: &PgValueRef<'v>,
) -> Result<Result<TimeValue<'v>, String>, Stopped> {
    if value.is_null() {
        return Ok(Ok(TimeValue::Missing));
    }
    let infinite = |value: &PgValueRef<'v>| -> Result<TimeValue<'v>, sqlx::Error> {
        Ok(TimeValue::Unusable(match bytes_of(value)?.first() {
            Some(0x7f) => "infinity",
            _ => "-infinity",
        }))
    };
    Ok(Ok(match codec {
        Codec::Timestamptz => match codec.counted(value)? {
            Some(at) => TimeValue::Instant(at),
            None => infinite(value)?,
        },
        Codec::Timestamp => match codec.counted(value)? {
            Some(at) => TimeValue::Local(at),
            None => infinite(value)?,
        },
        Codec::Int2 | Codec::Int4 | Codec::Int8 => {
            TimeValue::Number(codec.counted(value)?.unwrap_or_default())
        }
        Codec::Float4 => TimeValue::Real(f32::from_be_bytes(fixed(bytes_of(value)?)?).into()),
        Codec::Float8 => TimeValue::Real(f64::from_be_bytes(fixed(bytes_of(value)?)?)),
        Codec::Numeric => {
            let digits = numeric_text(bytes_of(value)?).unwrap_or_default();
            match digits.parse() {
                Ok(number) => TimeValue::Number(number),
                Err(_) => return Ok(Err(digits)),
            }
        }
        _ => TimeValue::Text(bytes_of(value)?),
    }))
}

fn bytes_of<'v>(value: &PgValueRef<'v>) -> Result<&'v [u8], sqlx::Error> {
    value.as_bytes().map_err(sqlx::Error::Decode)
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
