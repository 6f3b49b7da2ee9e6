//! PostgreSQL: its tables, and the rows of sources, streamed and decoded as they come. One
//! connection, in one read-only transaction that sees one state of the data.

mod bounds;
mod cells;
mod copy;
mod rows;

use futures_util::TryStreamExt;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement};
use tokio::runtime::Runtime;

pub(crate) use self::bounds::placeholder;
use self::bounds::{bound, bounds_of};
pub(crate) use self::cells::cells_of;
use self::cells::{Codec, cell_of, result_column};
use self::copy::CopiedRows;
use self::rows::Met;
use crate::error::Failure;
use crate::import::address::{Address, Host, Secret, Tls};
use crate::import::catalogue::{Catalogue, Table};
use crate::import::database::{Patience, Reading, ResultColumn, Span, Stopped};
use crate::import::intake::Intake;
use crate::import::server;
use crate::sql::Dialect;

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
            beside: String::new(),
            beside_codec: reading.beside.as_ref().map(|beside| codecs[beside.at]),
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

/// query_canceled; an administrator's cancel says so in another message.
pub(crate) fn is_timeout(said: &dyn DatabaseError) -> bool {
    said.code().as_deref() == Some("57014") && said.message().contains("timeout")
}

fn open(connection: &mut Option<PgConnection>) -> &mut PgConnection {
    connection
        .as_mut()
        .expect("a database is connected until it is dropped")
}

/// Every field is set here: the package takes from the environment what is not.
pub(crate) fn options(address: &Address) -> PgConnectOptions {
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
