//! A store in PostgreSQL.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::Runtime;

use crate::error::Failure;
use crate::import::address::Address;
use crate::import::database::Patience;
use crate::import::{postgres, server};
use crate::store::columns::{Kind, digits_of};
use crate::store::{Access, Cells};

pub(super) fn open(
    runtime: &Runtime,
    address: &Address,
    patience: Patience,
) -> Result<PgConnection, Failure> {
    let options = postgres::options(address);
    server::connect(runtime, patience, || options.connect())
}

/// What is written sees what others committed before each statement, so that a row that was waited
/// for is the row as it is.
pub(super) fn begin(access: Access, patience: Patience) -> Vec<String> {
    let begin = match access {
        Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    };
    vec![
        begin.to_owned(),
        format!(
            "SET LOCAL statement_timeout = {}",
            patience.statement.as_millis()
        ),
        "SET LOCAL TimeZone = 'UTC'".to_owned(),
        "SET LOCAL DateStyle = 'ISO'".to_owned(),
    ]
}

pub(super) async fn raw(connection: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement.execute(connection).await.map(|_| ())
}

pub(super) async fn rows(
    connection: &mut PgConnection,
    statement: &str,
    values: &[Option<String>],
) -> Result<Vec<Cells>, sqlx::Error> {
    let statement = numbered(statement);
    let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    for value in values {
        query = query.bind(value.as_deref());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(postgres::cells_of).collect()
}

pub(super) async fn run(
    connection: &mut PgConnection,
    statement: &str,
    values: &[Option<String>],
) -> Result<u64, sqlx::Error> {
    let statement = numbered(statement);
    let mut query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    for value in values {
        query = query.bind(value.as_deref());
    }
    Ok(query.execute(connection).await?.rows_affected())
}

pub(super) fn explained(cause: &sqlx::Error, patience: Patience) -> Failure {
    server::explained(cause, patience, postgres::is_timeout)
}

/// `?`, outside of quotes, as `$1`, `$2` and so on.
fn numbered(statement: &str) -> String {
    let mut out = String::with_capacity(statement.len() + 16);
    let (mut number, mut quote) = (0, None);
    for letter in statement.chars() {
        match (letter, quote) {
            ('?', None) => {
                number += 1;
                out.push_str(&format!("${number}"));
                continue;
            }
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if open == letter => quote = None,
            _ => {}
        }
        out.push(letter);
    }
    out
}

pub(super) fn kind(type_name: &str) -> Kind {
    let base = type_name.split(['(', '[']).next().unwrap_or_default();
    match base.trim() {
        "smallint" | "integer" | "bigint" => Kind::Integer,
        "numeric" | "real" | "double precision" => Kind::Number,
        "boolean" => Kind::Boolean,
        "uuid" => Kind::Uuid,
        "bytea" => Kind::Bytes,
        "json" | "jsonb" => Kind::Json,
        "text" | "character varying" | "character" | "name" | "citext" => Kind::Text,
        "timestamp" if type_name.ends_with(" with time zone") => Kind::Instant,
        "timestamp with time zone" => Kind::Instant,
        "timestamp" | "timestamp without time zone" => {
            Kind::Local(digits_of(type_name).unwrap_or(6))
        }
        _ => Kind::Other,
    }
}

pub(super) const TABLES: &str = "
    SELECT CASE WHEN pg_table_is_visible(class.oid) THEN NULL ELSE namespace.nspname::text END,
           class.relname::text,
           attribute.attname::text,
           format_type(attribute.atttypid, attribute.atttypmod),
           CASE WHEN attribute.attnotnull THEN '0' ELSE '1' END,
           CASE WHEN attribute.atthasdef OR attribute.attidentity <> '' THEN '1' ELSE '0' END,
           '1'
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    WHERE class.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT class.relispartition
      AND attribute.attnum > 0 AND NOT attribute.attisdropped
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND namespace.nspname NOT LIKE 'pg\\_toast%' AND namespace.nspname NOT LIKE 'pg\\_temp%'
      AND has_column_privilege(class.oid, attribute.attnum, 'SELECT')
      AND has_schema_privilege(namespace.oid, 'USAGE')
    ORDER BY NOT pg_table_is_visible(class.oid), namespace.nspname, class.relname, attribute.attnum";
