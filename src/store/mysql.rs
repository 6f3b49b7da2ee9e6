//! A store in MySQL or MariaDB.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::Runtime;

use crate::error::Failure;
use crate::import::address::Address;
use crate::import::database::Patience;
use crate::import::{mysql, server};
use crate::store::columns::Kind;
use crate::store::{Access, Cells};

pub(super) fn open(
    runtime: &Runtime,
    address: &Address,
    patience: Patience,
) -> Result<MySqlConnection, Failure> {
    let options = mysql::options(address);
    server::connect(runtime, patience, || options.connect())
}

/// What is written sees what others committed before each statement, so that a row that was waited
/// for is the row as it is; and what does not fit into its column is refused, never cut.
pub(super) fn begin(access: Access) -> Vec<String> {
    let statements: &[&str] = match access {
        Access::Read => &[
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ],
        Access::Write => &[
            "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "START TRANSACTION READ WRITE",
        ],
    };
    statements.iter().copied().map(str::to_owned).collect()
}

pub(super) async fn raw(
    connection: &mut MySqlConnection,
    statement: &str,
) -> Result<(), sqlx::Error> {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement.execute(connection).await.map(|_| ())
}

pub(super) async fn rows(
    connection: &mut MySqlConnection,
    statement: &str,
    values: &[Option<String>],
) -> Result<Vec<Cells>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    for value in values {
        query = query.bind(value.as_deref());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(mysql::cells_of).collect()
}

pub(super) async fn run(
    connection: &mut MySqlConnection,
    statement: &str,
    values: &[Option<String>],
) -> Result<u64, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    for value in values {
        query = query.bind(value.as_deref());
    }
    Ok(query.execute(connection).await?.rows_affected())
}

pub(super) fn explained(cause: &sqlx::Error, patience: Patience) -> Failure {
    server::explained(cause, patience, mysql::is_timeout)
}

pub(super) fn kind(type_name: &str) -> Kind {
    let (base, rest) = match type_name.split_once('(') {
        Some((base, rest)) => (base, rest),
        None => (type_name.split(' ').next().unwrap_or_default(), ""),
    };
    let digits = || rest.trim_end_matches(')').parse().unwrap_or(0);
    match base {
        "tinyint" if rest.starts_with("1)") => Kind::Boolean,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Kind::Integer,
        "decimal" | "float" | "double" => Kind::Number,
        "uuid" => Kind::Uuid,
        "json" => Kind::Json,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Bytes,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" => {
            Kind::Text
        }
        "timestamp" => Kind::Instant,
        "datetime" => Kind::Local(digits()),
        _ => Kind::Other,
    }
}

pub(super) const TABLES: &str = "
    SELECT NULL, columns.table_name, columns.column_name, columns.column_type,
           columns.is_nullable = 'YES',
           columns.column_default IS NOT NULL OR columns.extra <> '' OR columns.is_nullable = 'YES',
           coalesce(engines.transactions, 'YES') <> 'NO'
    FROM information_schema.columns AS columns
    JOIN information_schema.tables AS tables
        ON tables.table_schema = columns.table_schema
        AND BINARY tables.table_name = BINARY columns.table_name
    LEFT JOIN information_schema.engines AS engines ON engines.engine = tables.engine
    WHERE columns.table_schema = database() AND find_in_set('select', columns.privileges) > 0
    ORDER BY BINARY columns.table_name, columns.ordinal_position";
