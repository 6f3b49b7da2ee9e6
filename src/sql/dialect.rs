//! The dialects of SQL that are written, and the one place where names are quoted.

use crate::error::{self, Failure};
use crate::time::timestamp::quoted;

/// A kind of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lowercase")]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MariaDB from 10.2 on and MySQL from 8.0 on.
    Mysql,
    /// SQLite.
    Sqlite,
    /// DuckDB.
    Duckdb,
    /// ClickHouse.
    Clickhouse,
    /// Apache Spark, Databricks and Sail.
    Spark,
    /// Google BigQuery.
    Bigquery,
    /// Snowflake.
    Snowflake,
    /// Trino and Athena.
    Trino,
}

impl Dialect {
    /// An identifier in quotes, whatever it holds; it then names exactly that object or nothing.
    /// There is no way around it for names that look quoted already.
    ///
    /// # Errors
    ///
    /// An empty name, one with a NUL byte, and one longer than the server keeps: PostgreSQL would
    /// cut it and take another object's name.
    pub fn identifier(self, name: &str) -> Result<String, Failure> {
        if name.is_empty() || name.contains('\0') || name.len() > self.longest_name() {
            let message = format!("{} is not a plain identifier", quoted(name.as_bytes()));
            return Err(Failure::new(error::USAGE, message));
        }
        Ok(match self {
            Dialect::Postgres
            | Dialect::Sqlite
            | Dialect::Duckdb
            | Dialect::Snowflake
            | Dialect::Trino => format!("\"{}\"", name.replace('"', "\"\"")),
            Dialect::Mysql | Dialect::Spark => format!("`{}`", name.replace('`', "``")),
            Dialect::Clickhouse | Dialect::Bigquery => {
                format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
            }
        })
    }

    /// A table's name in quotes; a schema, where the name has one, apart: `("shop", "orders")`.
    ///
    /// # Errors
    ///
    /// As [`Self::identifier`].
    pub fn table(self, schema: Option<&str>, name: &str) -> Result<String, Failure> {
        let name = self.identifier(name)?;
        match schema {
            Some(schema) => Ok(format!("{}.{name}", self.identifier(schema)?)),
            None => Ok(name),
        }
    }

    /// A text as a literal of statements that are read, where no value can be bound: in the
    /// configuration.
    pub(crate) fn literal(self, text: &str) -> String {
        let text = match self {
            Dialect::Mysql | Dialect::Clickhouse | Dialect::Spark | Dialect::Bigquery => {
                text.replace('\\', "\\\\")
            }
            _ => text.to_owned(),
        };
        format!("'{}'", text.replace('\'', "''"))
    }

    /// The most bytes of a name that the engine keeps, where it cuts longer ones or has such a limit.
    fn longest_name(self) -> usize {
        match self {
            Dialect::Postgres => 63,
            Dialect::Mysql => 256,
            _ => usize::MAX,
        }
    }
}
