//! MySQL and MariaDB: their tables, and the rows of sources, streamed and decoded as they come. One
//! connection, in one read-only transaction that sees one state of the data, on a clock set to UTC.

mod bounds;
mod cells;
mod rows;

use futures_util::TryStreamExt;
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement};
use tokio::runtime::Runtime;

pub(crate) use self::bounds::literal;
pub(crate) use self::bounds::placeholder;
use self::bounds::{Bound, bound, bounds_of};
pub(crate) use self::cells::cells_of;
use self::cells::{Codec, bytes_of, datetime, result_column};
use self::rows::Met;
use crate::error::Failure;
use crate::import::address::{Address, Host, Secret, Tls};
use crate::import::catalogue::{Catalogue, Table};
use crate::import::database::{Patience, Reading, ResultColumn, Span, Stopped, TimeKind};
use crate::import::intake::Intake;
use crate::import::server;
use crate::sql::Dialect;

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
            beside: String::new(),
            codecs: None,
        };
        let streamed = self.run(async |connection| {
            let mut rows = bound(&statement, bounds).fetch(connection);
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
        let found = self.two_ends(&statement, bounds_of(span, reading.time_kind))?;
        // A date without a month or a day stands first or last: the others are asked for, which takes
        // longer.
        let whole = match found {
            [End::None, _] | [_, End::None] => return Ok(None),
            [End::At(first), End::At(last)] => return Ok(Some((first, last))),
            _ => {
                let time = reading.time_in(Dialect::Mysql)?;
                format!("{statement} AND month({time}) > 0 AND dayofmonth({time}) > 0")
            }
        };
        match self.two_ends(&whole, bounds_of(span, reading.time_kind))? {
            [End::At(first), End::At(last)] => Ok(Some((first, last))),
            _ => Ok(None),
        }
    }

    fn two_ends(&mut self, statement: &str, bounds: Vec<Bound>) -> Result<[End; 2], Failure> {
        self.run(async |connection| {
            let row = bound(statement, bounds).fetch_one(connection).await?;
            let end = |at: usize| -> Result<End, Stopped> {
                let Some(bytes) = bytes_of(row.try_get_raw(at)?)? else {
                    return Ok(End::None);
                };
                let found = match Codec::of(&row.columns()[at]) {
                    Codec::Timestamp | Codec::Datetime => datetime(bytes).ok(),
                    codec => codec
                        .number(bytes)
                        .and_then(|number| i64::try_from(number).ok()),
                };
                Ok(found.map_or(End::Unusable, End::At))
            };
            Ok([end(0)?, end(1)?])
        })
    }

    /// The same source without rows that are added from now on, where its tables keep no state of the
    /// data to hold on to: up to the last time there is.
    pub(crate) fn fixed(&mut self, reading: Reading) -> Result<Reading, Failure> {
        if !reading.is_live || reading.time_kind == TimeKind::Read {
            return Ok(reading);
        }
        // Also what no report can use is read, to be refused.
        let everything = Span {
            from: Some(i64::MIN),
            to: Some(i64::MAX),
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

/// The first or the last time of a source.
#[derive(Clone, Copy)]
enum End {
    /// There is no row.
    None,
    /// As its column counts.
    At(i64),
    /// A value that is no time.
    Unusable,
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            server::say_goodbye(&self.runtime, connection.close());
        }
    }
}

/// MariaDB's 1969 (max_statement_time) and MySQL's 3024 (max_execution_time).
pub(crate) fn is_timeout(said: &dyn DatabaseError) -> bool {
    said.try_downcast_ref::<MySqlDatabaseError>()
        .is_some_and(|said| matches!(said.number(), 1969 | 3024))
}

pub(crate) fn options(address: &Address) -> MySqlConnectOptions {
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
        ON tables.table_schema = columns.table_schema
        AND BINARY tables.table_name = BINARY columns.table_name
    LEFT JOIN information_schema.engines AS engines ON engines.engine = tables.engine
    WHERE columns.table_schema = database() AND find_in_set('select', columns.privileges) > 0
    ORDER BY BINARY columns.table_name, columns.ordinal_position";

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
