//! SQLite databases: what events they hold, and their rows, streamed. A source is only ever read:
//! the connection is read only, and everything is read in one transaction.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteValueRef};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Executor, Row, SqlSafeStr,
    Statement, TypeInfo, ValueRef,
};
use tokio::runtime::{Builder, Runtime};

use crate::error::{self, ErrorId, Failure, SourcePlace};
use crate::import::catalogue::{Catalogue, Table};
use crate::import::columns::Rows;
use crate::import::database::{ColumnKind, Reading, ResultColumn, Stopped};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};
use crate::sql::Dialect;
use crate::time::timestamp::quoted;

/// The bytes that every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Rows that the connection's thread may be ahead.
const ROWS_AHEAD: usize = 4096;

/// Whether a file that begins with these bytes is an SQLite database.
pub(crate) fn is_sqlite(first_bytes: &[u8]) -> bool {
    first_bytes.starts_with(MAGIC)
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// How long to wait for another process's lock.
    pub(crate) busy_timeout: Duration,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// An open database. All that is read through it is of one state of the data.
#[derive(Debug)]
pub(crate) struct Database {
    runtime: Runtime,
    /// Present until it is dropped.
    connection: Option<SqliteConnection>,
    catalogue: Catalogue,
    opening: Opening,
    path: PathBuf,
    /// The file as it was, where it is read without locks; see [`at_rest`].
    at_rest: Option<State>,
}

impl Database {
    /// Opens a database read only and looks at its tables. Errors name `place`.
    ///
    /// While it is open nothing else in the process may open and close the file: on POSIX systems
    /// that would give up SQLite's locks on it.
    pub(crate) fn open(
        path: &Path,
        place: &SourcePlace,
        opening: Opening,
    ) -> Result<Self, Failure> {
        Self::open_unplaced(path, opening).map_err(|failure| failure.in_source(place))
    }

    /// Streams a source's rows into `intake`. Where the row has a key that is no negative number it
    /// stands for the row's line; else its position in the result, counted from 1, does.
    pub(crate) fn read(
        &mut self,
        reading: &Reading,
        intake: &mut Intake<'_>,
        source: u8,
    ) -> Result<u64, Failure> {
        let mut met = Met {
            source,
            rows: 0,
            id: String::new(),
            beside: String::new(),
        };
        let connection = open_connection(&mut self.connection);
        let streamed = self.runtime.block_on(async {
            let statement = AssertSqlSafe(reading.statement.as_str());
            let mut rows = sqlx::query(statement).persistent(false).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                met.take(&row, reading, intake)?;
            }
            Ok(())
        });
        self.check_at_rest()?;
        match streamed {
            Ok(()) => Ok(met.rows),
            Err(Stopped::Refused(failure)) => Err(failure),
            Err(Stopped::Database(cause)) => {
                let read = format!("read so far: {} rows, thrown away", met.rows);
                Err(self.explained(&cause).detail(read))
            }
        }
    }

    fn open_unplaced(path: &Path, opening: Opening) -> Result<Self, Failure> {
        // An absolute path is never taken for a URI or for a database in memory.
        let path = std::path::absolute(path)
            .map_err(|cause| failed(format!("cannot be opened: {cause}")))?;
        let at_rest = at_rest(&path);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .immutable(at_rest.is_some())
            .busy_timeout(opening.busy_timeout)
            .row_buffer_size(ROWS_AHEAD)
            .statement_cache_capacity(1)
            .pragma("query_only", "ON")
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .disable_statement_logging();
        let runtime = Builder::new_current_thread()
            .build()
            .map_err(|cause| failed(format!("cannot be read: {cause}")))?;
        let connection = runtime.block_on(options.connect());
        let mut database = Self {
            runtime,
            connection: None,
            catalogue: Catalogue {
                dialect: Dialect::Sqlite,
                tables: Vec::new(),
            },
            opening,
            path,
            at_rest,
        };
        database.connection = Some(connection.map_err(|cause| database.explained(&cause))?);
        database
            .look()
            .map_err(|cause| database.explained(&cause))?;
        Ok(database)
    }

    /// Begins the one transaction, and reads the tables' shapes.
    fn look(&mut self) -> Result<(), sqlx::Error> {
        let connection = open_connection(&mut self.connection);
        self.catalogue.tables = self.runtime.block_on(async {
            connection.execute("BEGIN").await?;
            tables_in(connection).await
        })?;
        Ok(())
    }

    /// The tables and views.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The result columns of a statement. What a column holds is known only value by value.
    pub(crate) fn header(&mut self, statement: &str) -> Result<Vec<ResultColumn>, Failure> {
        let connection = open_connection(&mut self.connection);
        let prepare = connection.prepare(AssertSqlSafe(statement).into_sql_str());
        let prepared = self.runtime.block_on(prepare);
        let prepared = prepared.map_err(|cause| self.explained(&cause))?;
        let columns = prepared.columns().iter().map(|column| ResultColumn {
            name: column.name().to_owned(),
            type_name: column.type_info().name().to_owned(),
            kind: ColumnKind::Other,
        });
        Ok(columns.collect())
    }

    /// Runs one statement, and gives every cell as text.
    pub(crate) fn ask(&mut self, statement: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let connection = open_connection(&mut self.connection);
        let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
        let rows = self.runtime.block_on(query.fetch_all(connection));
        self.check_at_rest()?;
        let cells = rows.and_then(|rows| rows.iter().map(cells_of).collect());
        cells.map_err(|cause| self.explained(&cause))
    }

    /// Whether a database that is read without locks is as it was.
    fn check_at_rest(&self) -> Result<(), Failure> {
        if self.at_rest.is_some() && state(&self.path) != self.at_rest {
            let changed = failed("the database was written to while it was read".to_owned());
            return Err(changed.help("run it again"));
        }
        Ok(())
    }

    /// What an error of the package means for the person who named the file.
    fn explained(&self, cause: &sqlx::Error) -> Failure {
        let sqlx::Error::Database(said) = cause else {
            return failed(format!("reading failed: {}", plain(&cause.to_string())));
        };
        let code: i32 = said.code().map_or(0, |code| code.parse().unwrap_or(0));
        match (code & 0xff, code) {
            (BUSY | LOCKED, _) => {
                let waited = self.opening.busy_timeout.as_secs_f64();
                failed(format!(
                    "database is locked by another process; waited {waited} s"
                ))
                .help("run it again when the other process has finished writing")
            }
            (NOT_A_DATABASE, _) => not_a_database(),
            (CORRUPT, _) | (_, SHORT_READ) => {
                let said = plain(said.message());
                failed(format!("database is damaged ({said})"))
                    .help("PRAGMA integrity_check shows where; restore the file from a backup")
            }
            (_, ROLLBACK_NEEDED) => {
                failed("an interrupted transaction must be rolled back first (hot journal)").help(
                    "let the application that owns the database open it once, or copy the file \
                     with its -journal and open the copy with sqlite3",
                )
            }
            (READ_ONLY | CANNOT_OPEN, _) if has_log(&self.path).unwrap_or(false) => failed(
                "the database keeps a write-ahead log, and its folder cannot be written to, which \
                 SQLite needs for reading it",
            )
            .help("copy it, with its -wal file if there is one, to a folder you may write to"),
            (CANNOT_OPEN, _) => failed(match has_log(&self.path) {
                Ok(_) => "the database cannot be opened".to_owned(),
                Err(cause) => format!("cannot be opened: {cause}"),
            }),
            (IO, _) => failed(format!("reading failed: {}", plain(said.message()))),
            _ => failed(format!("SQLite says: {}", plain(said.message()))),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The transaction changed nothing, so there is nothing to lose.
            let _ = self.runtime.block_on(connection.close());
        }
    }
}

// SQLite's result codes, https://sqlite.org/rescode.html; the last two are extended ones.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;
const SHORT_READ: i32 = 522;
const ROLLBACK_NEEDED: i32 = 776;

/// Tables and views in the order of their names, without SQLite's own.
async fn tables_in(connection: &mut SqliteConnection) -> Result<Vec<Table>, sqlx::Error> {
    let listing = "SELECT name, wr = 0 AND type = 'table' FROM pragma_table_list \
                   WHERE schema = 'main' AND type <> 'shadow' AND substr(name, 1, 7) <> 'sqlite_' \
                   ORDER BY name";
    // Hidden columns of virtual tables (1) are no data.
    let columns = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid";
    let mut tables = Vec::new();
    let rows = sqlx::query(listing).fetch_all(&mut *connection).await?;
    for row in rows {
        let name = name_in(&row)?;
        let found = sqlx::query(columns).bind(&name).fetch_all(&mut *connection);
        // A view of something that is gone has no columns, and does not spoil the rest.
        let found = found.await.unwrap_or_default();
        let columns: Result<_, sqlx::Error> = found.iter().map(name_in).collect();
        tables.push(Table {
            name,
            schema: None,
            columns: columns?,
            key: (row.try_get::<i64, _>(1)? == 1).then(|| "rowid".to_owned()),
            is_live: false,
        });
    }
    for table in &mut tables {
        let mut columns = table.columns.iter();
        if columns.any(|column| column.eq_ignore_ascii_case("rowid")) {
            // A column of that name hides the row's number.
            table.key = None;
        }
    }
    Ok(tables)
}

pub(crate) fn cells_of(row: &SqliteRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    let cell = |at: usize| {
        let value = row.try_get_raw(at)?;
        Ok(match storage(&value) {
            Storage::Null => None,
            Storage::Integer => Some(number_of(value)?.to_string()),
            _ => Some(String::from_utf8_lossy(bytes_of(value)?).into_owned()),
        })
    };
    (0..row.len()).map(cell).collect()
}

fn name_in(row: &SqliteRow) -> Result<String, sqlx::Error> {
    let bytes = bytes_of(row.try_get_raw(0)?)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// What reading rows keeps from one to the next.
struct Met {
    source: u8,
    rows: u64,
    id: String,
    /// The same of the id beside it.
    beside: String,
}

impl Met {
    fn take(
        &mut self,
        row: &SqliteRow,
        reading: &Reading,
        intake: &mut Intake<'_>,
    ) -> Result<(), Stopped> {
        self.rows += 1;
        let line = self.line(row, reading)?;
        let user = user_value(row.try_get_raw(reading.user_at)?, &mut self.id)?;
        let user = user.ok_or_else(|| Stopped::Refused(real_user(&reading.user, line)))?;
        let time = time_value(row.try_get_raw(reading.time_at)?)?;
        let source = match &reading.beside {
            None => SourceValue::Known(self.source),
            Some(beside) => {
                let cell = row.try_get_raw(beside.at)?;
                match beside.rows {
                    Rows::Labelled => {
                        let id = user_value(cell, &mut self.beside)?;
                        let refused = || Stopped::Refused(real_user(&beside.name, line));
                        SourceValue::Id(id.ok_or_else(refused)?)
                    }
                    _ => SourceValue::End(time_value(cell)?),
                }
            }
        };
        intake.row(line, 0, source, user, time);
        Ok(())
    }

    /// The row's key, else its place in the result.
    fn line(&self, row: &SqliteRow, reading: &Reading) -> Result<u64, sqlx::Error> {
        let Some(key_at) = reading.key_at else {
            return Ok(self.rows);
        };
        let key = row.try_get_raw(key_at)?;
        match storage(&key) {
            Storage::Integer => Ok(u64::try_from(number_of(key)?).unwrap_or(self.rows)),
            _ => Ok(self.rows),
        }
    }
}

/// A cell as a user; nothing where it is a real number.
fn user_value<'v>(
    cell: SqliteValueRef<'v>,
    id: &'v mut String,
) -> Result<Option<UserValue<'v>>, sqlx::Error> {
    Ok(Some(match storage(&cell) {
        Storage::Null => UserValue::Missing,
        Storage::Integer => UserValue::Number(number_of(cell)?),
        Storage::Text => UserValue::Text(bytes_of(cell)?),
        Storage::Blob => UserValue::Text(binary_id(bytes_of(cell)?, id)),
        Storage::Real => return Ok(None),
    }))
}

fn time_value(cell: SqliteValueRef<'_>) -> Result<TimeValue<'_>, sqlx::Error> {
    Ok(match storage(&cell) {
        Storage::Null => TimeValue::Missing,
        Storage::Integer => TimeValue::Number(number_of(cell)?),
        Storage::Text => TimeValue::Text(bytes_of(cell)?),
        Storage::Real => TimeValue::Real(decoded(cell)?),
        Storage::Blob => TimeValue::Unusable("a blob"),
    })
}

/// SQLite's storage classes: each value has its own, whatever its column is declared to hold.
enum Storage {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

fn storage(value: &SqliteValueRef<'_>) -> Storage {
    if value.is_null() {
        return Storage::Null;
    }
    match value.type_info().name() {
        "INTEGER" => Storage::Integer,
        "REAL" => Storage::Real,
        "TEXT" => Storage::Text,
        _ => Storage::Blob,
    }
}

fn number_of(value: SqliteValueRef<'_>) -> Result<i64, sqlx::Error> {
    decoded(value)
}

/// A blob's bytes, or a text's in UTF-8, which SQLite makes of UTF-16 where the file holds that.
fn bytes_of(value: SqliteValueRef<'_>) -> Result<&[u8], sqlx::Error> {
    decoded(value)
}

fn decoded<'r, T: Decode<'r, sqlx::Sqlite>>(value: SqliteValueRef<'r>) -> Result<T, sqlx::Error> {
    T::decode(value).map_err(sqlx::Error::Decode)
}

fn open_connection(connection: &mut Option<SqliteConnection>) -> &mut SqliteConnection {
    connection
        .as_mut()
        .expect("a database is connected until it is dropped")
}

/// What changes when a database file is written to: size, inode and time of the last change.
type State = (u64, u64, i64, i64);

fn state(path: &Path) -> Option<State> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.len(), found.ino(), found.mtime(), found.mtime_nsec()))
}

/// The state of a database that keeps a write-ahead log, but has none beside it now: all of it is in
/// the one file. Opened as usual, SQLite would make a log and its index beside it; so it is read
/// without, and the file's state is compared afterwards.
fn at_rest(path: &Path) -> Option<State> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let rests = has_log(path).unwrap_or(false) && !Path::new(&log).exists();
    rests.then(|| state(path)).flatten()
}

/// Whether the file says that changes go to a write-ahead log first (its write version is 2).
///
/// Asked only before the database is open, or when opening it failed: closing a file gives up every
/// lock that this process has on it, SQLite's too.
fn has_log(path: &Path) -> io::Result<bool> {
    let mut head = [0; 19];
    File::open(path)?.read_exact(&mut head)?;
    Ok(head[18] == 2)
}

fn real_user(column: &str, line: u64) -> Failure {
    let column = quoted(column.as_bytes());
    let message = format!("row {line}, column {column}: a user cannot be of type REAL");
    Failure::new(error::COLUMN_TYPE, message)
        .help("users are integers, text or blobs; a query can cast them")
}

fn not_a_database() -> Failure {
    failed("not a SQLite database, or an encrypted one")
}

fn failed(message: impl Into<String>) -> Failure {
    const ID: ErrorId = error::DATABASE;
    Failure::new(ID, message)
}

/// A package's message, which may quote the file, without what a terminal would obey.
fn plain(message: &str) -> String {
    let shown = quoted(message.as_bytes());
    shown.trim_matches('"').to_owned()
}
