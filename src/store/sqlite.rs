//! A store in an SQLite file.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::Runtime;

use crate::error::{self, Failure};
use crate::import::{server, sqlite};
use crate::store::columns::Kind;
use crate::store::{Access, Cells};

/// How long another process may hold its lock.
const BUSY: Duration = Duration::from_secs(30);

pub(super) fn open(
    runtime: &Runtime,
    path: &Path,
    access: Access,
) -> Result<SqliteConnection, Failure> {
    let failed = |cause: &dyn std::fmt::Display| {
        Failure::new(error::DATABASE, format!("cannot be opened: {cause}"))
    };
    // An absolute path is never taken for a URI or for a database in memory.
    let path = std::path::absolute(path).map_err(|cause| failed(&cause))?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .read_only(access == Access::Read)
        .busy_timeout(BUSY)
        .foreign_keys(false)
        .statement_cache_capacity(1)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    let connected = runtime.block_on(options.connect());
    connected.map_err(|cause| explained(&cause))
}

/// A writer takes the lock at once: two that read first would wait for each other.
pub(super) fn begin(access: Access) -> Vec<String> {
    let statement = match access {
        Access::Read => "BEGIN",
        Access::Write => "BEGIN IMMEDIATE",
    };
    vec![statement.to_owned()]
}

pub(super) async fn raw(
    connection: &mut SqliteConnection,
    statement: &str,
) -> Result<(), sqlx::Error> {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement.execute(connection).await.map(|_| ())
}

pub(super) async fn rows(
    connection: &mut SqliteConnection,
    statement: &str,
    values: &[Option<String>],
) -> Result<Vec<Cells>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    for value in values {
        query = query.bind(value.as_deref());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(sqlite::cells_of).collect()
}

pub(super) async fn run(
    connection: &mut SqliteConnection,
    statement: &str,
    values: &[Option<String>],
) -> Result<u64, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    for value in values {
        query = query.bind(value.as_deref());
    }
    Ok(query.execute(connection).await?.rows_affected())
}

pub(super) fn explained(cause: &sqlx::Error) -> Failure {
    let said = server::plain(&cause.to_string());
    let busy = said.contains("locked") || said.contains("busy");
    let failure = Failure::new(error::DATABASE, format!("SQLite says: {said}"));
    match busy {
        true => failure.help("run it again when the other process has finished writing"),
        false => failure,
    }
}

pub(super) fn kind(type_name: &str) -> Kind {
    let name = type_name.to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    if has("datetime") || has("timestamp") || name == "date" || name == "time" {
        return Kind::Time;
    }
    match () {
        () if has("int") => Kind::Integer,
        () if has("bool") => Kind::Boolean,
        () if has("json") => Kind::Json,
        () if has("uuid") || has("char") || has("clob") || has("text") => Kind::Text,
        () if has("blob") => Kind::Bytes,
        () if has("real") || has("floa") || has("doub") || has("num") || has("dec") => Kind::Number,
        () => Kind::Other,
    }
}

pub(super) const TABLES: &str = "
    SELECT NULL, tables.name, columns.name, columns.type,
           columns.\"notnull\" = 0,
           columns.dflt_value IS NOT NULL OR columns.\"notnull\" = 0 OR columns.pk > 0, 1
    FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type IN ('table', 'view') AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    ORDER BY tables.name, columns.cid";
