//! What is written to a table of tracked sessions, and who may write it at one time.

use crate::error::{self, Failure};
use crate::events::Micros;
use crate::sql::Dialect;
use crate::store::Store;
use crate::store::columns::{Column, Kind};
use crate::store::sessions::{ROWS, SessionTable, checked_id};
use crate::store::times::Writer;
use crate::tracked::fields::Field;

/// How many seconds another process is waited for.
const PATIENCE: &str = "60";

/// A value for a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    At(Micros),
    Number(i64),
    Text(String),
}

impl Store {
    /// Waits until no other of our own processes holds this name in this database, and holds it until
    /// the transaction ends. In SQLite, whose writers are alone anyway, there is nothing to do.
    ///
    /// # Errors
    ///
    /// Another process holds it too long, and what the database says.
    pub(crate) fn hold(&mut self, name: &str) -> Result<(), Failure> {
        let key = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
        let (statement, value) = match self.dialect() {
            Dialect::Postgres => (
                "SELECT CAST(pg_advisory_xact_lock(CAST(? AS bigint)) AS text)",
                (key.as_u64_pair().0.cast_signed()).to_string(),
            ),
            // A server's names are those of all its databases.
            Dialect::Mysql => (
                "SELECT CAST(GET_LOCK(left(concat(?, database()), 64), 60) AS CHAR)",
                key.simple().to_string(),
            ),
            _ => return Ok(()),
        };
        let rows = self.rows(statement, &[Some(value)])?;
        let said = rows.into_iter().flatten().flatten().next();
        match (self.dialect(), said.as_deref()) {
            (Dialect::Mysql, Some("1")) | (Dialect::Postgres, _) => Ok(()),
            _ => {
                let message = format!("another process has been writing for {PATIENCE} seconds");
                Err(Failure::new(error::DATABASE, message)
                    .in_source(self.place())
                    .help("run it again when that one has finished"))
            }
        }
    }

    /// A new id for a column of ids; `None` where the database gives one itself.
    pub(crate) fn new_id(column: &Column) -> Option<String> {
        let id = uuid::Uuid::new_v4();
        match column.kind {
            Kind::Integer | Kind::Number => None,
            Kind::Bytes => Some(id.simple().to_string()),
            _ => Some(id.to_string()),
        }
    }
}

impl SessionTable {
    /// Whether the table has a column.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.columns.contains_key(&field)
    }

    /// Changes columns of a session, all of which the table must have.
    ///
    /// # Errors
    ///
    /// A column that is not there, a session that is gone, and what the database says.
    pub(crate) fn change(
        &self,
        store: &mut Store,
        id: &str,
        changes: &[(Field, Value)],
    ) -> Result<(), Failure> {
        let mut sets = Vec::new();
        let mut values = Vec::new();
        for (field, value) in changes {
            let column = self.column(store, *field)?;
            sets.push(format!("{} = {}", column.sql, column.parameter()));
            values.push(Some(self.written(store, column, value)?));
        }
        let condition = self.of_id(store, id)?;
        let statement = format!(
            "UPDATE {} AS {ROWS} SET {} WHERE {}",
            self.table.sql,
            sets.join(", "),
            condition.sql.join(" AND ")
        );
        values.extend(condition.values);
        match store.run(&statement, &values)? {
            0 => {
                let message = format!("session \"{id}\" is not changed by the database");
                Err(Failure::new(error::DATABASE, message).in_source(store.place()))
            }
            _ => Ok(()),
        }
    }

    /// Adds a session whose id is given, unless the database's own constraints say that there is one;
    /// whether it did is seen by reading. Without an id the database gives one, which comes back.
    ///
    /// # Errors
    ///
    /// A column that is not there, and what the database says.
    pub(crate) fn insert(
        &self,
        store: &mut Store,
        id: Option<String>,
        changes: &[(Field, Value)],
    ) -> Result<Option<String>, Failure> {
        let key = self.column(store, Field::Id)?.clone();
        let mut columns = Vec::new();
        let mut expressions = Vec::new();
        let mut values = Vec::new();
        for (field, value) in changes {
            let column = self.column(store, *field)?;
            columns.push(column.sql.clone());
            expressions.push(column.parameter());
            values.push(Some(self.written(store, column, value)?));
        }
        let is_given = id.is_some();
        if let Some(id) = id {
            columns.push(key.sql.clone());
            expressions.push(key.parameter());
            values.push(Some(id));
        }
        let otherwise = match (is_given, store.dialect()) {
            (false, _) => String::new(),
            (true, Dialect::Mysql) => format!(" ON DUPLICATE KEY UPDATE {0} = {0}", key.sql),
            (true, _) => " ON CONFLICT DO NOTHING".to_owned(),
        };
        let statement = format!(
            "INSERT INTO {} ({}) VALUES ({}){otherwise}",
            self.table.sql,
            columns.join(", "),
            expressions.join(", ")
        );
        match is_given {
            true => store.run(&statement, &values).map(|_| None),
            false => store.run_for_id(&statement, &values, &key),
        }
    }

    /// A value as a column takes it.
    fn written(
        &self,
        store: &mut Store,
        column: &Column,
        value: &Value,
    ) -> Result<String, Failure> {
        Ok(match value {
            Value::At(at) => {
                let times = self.columns.iter().filter(|(field, _)| field.is_time());
                let times: Vec<&Column> = times.map(|(_, column)| column).collect();
                Writer::among(store, &self.table, column, &times)?.write(*at)
            }
            Value::Number(number) => number.to_string(),
            Value::Text(text) => checked_id(column, text)?,
        })
    }
}
