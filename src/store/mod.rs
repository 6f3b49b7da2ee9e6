//! The database in which an application keeps its sessions: read and, where asked, written, through
//! one connection and in one transaction. Nothing is kept unless [`Store::commit`] is reached.

pub(crate) mod activity;
pub(crate) mod attempts;
pub(crate) mod columns;
mod connection;
pub(crate) mod migrations;
mod mysql;
pub(crate) mod pauses;
mod postgres;
pub(crate) mod sessions;
mod sqlite;
pub(crate) mod times;
pub(crate) mod write;

use std::collections::BTreeMap;

use crate::error::{self, Failure, SourcePlace};
use crate::import::database::Patience;
use crate::import::inputs::Input;
use crate::sql::Dialect;
use crate::store::columns::{Column, Table};
use crate::store::connection::Connection;
use crate::store::times::Writer;
use crate::time::timestamp::{TimeSpec, quoted};
use crate::time::zone::Zone;

/// What a command does to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing: its transaction is read only.
    Read,
    /// It writes.
    Write,
}

/// A row's cells as text.
pub(crate) type Cells = Vec<Option<String>>;

/// An open database.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    tables: Vec<Table>,
    place: SourcePlace,
    /// How times without an offset are taken.
    spec: TimeSpec,
    access: Access,
    /// How times are written, by table and column: asked once, so that all rows are alike.
    writers: BTreeMap<(String, String), Writer>,
}

impl Store {
    /// Opens the database that an input names and looks at its tables.
    ///
    /// # Errors
    ///
    /// What is no database, and what the database says.
    pub(crate) fn open(input: &Input, patience: Patience, access: Access) -> Result<Self, Failure> {
        let (mut connection, place) = Connection::open(input, patience, access)?;
        let tables = connection
            .tables()
            .map_err(|failure| failure.in_source(&place))?;
        let mut spec = input.terms.time.clone();
        spec.zone.get_or_insert(Zone::UTC);
        Ok(Self {
            connection,
            tables,
            place,
            spec,
            access,
            writers: BTreeMap::new(),
        })
    }

    /// Whose SQL it takes.
    pub(crate) fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// What is done to it.
    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// What errors and reports call it.
    pub(crate) fn place(&self) -> &SourcePlace {
        &self.place
    }

    /// How its times without an offset are taken.
    pub(crate) fn spec(&self) -> &TimeSpec {
        &self.spec
    }

    /// A table by its name, in this spelling or, where no other is meant, in another one.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        let exact = self.tables.iter().find(|table| table.name == name);
        exact.or_else(|| {
            let mut folded = self
                .tables
                .iter()
                .filter(|table| table.name.eq_ignore_ascii_case(name));
            folded.next().filter(|_| folded.next().is_none())
        })
    }

    /// Looks at the tables again, after they were changed.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn look(&mut self) -> Result<(), Failure> {
        let tables = self.connection.tables();
        self.tables = tables.map_err(|failure| failure.in_source(&self.place))?;
        Ok(())
    }

    /// The rows of a statement, each `?` of which stands for the next of `values`. Columns are read
    /// as [`columns::Column::read`] says, so that every cell is text.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn rows(
        &mut self,
        statement: &str,
        values: &[Option<String>],
    ) -> Result<Vec<Cells>, Failure> {
        let rows = self.connection.rows(statement, values);
        rows.map_err(|failure| failure.in_source(&self.place))
    }

    /// Runs a statement that writes; how many rows it changed.
    ///
    /// # Errors
    ///
    /// What the database says; a bug where the store was opened to be read.
    pub(crate) fn run(
        &mut self,
        statement: &str,
        values: &[Option<String>],
    ) -> Result<u64, Failure> {
        self.check_writing()?;
        let changed = self.connection.run(statement, values);
        changed.map_err(|failure| failure.in_source(&self.place))
    }

    /// What goes before each statement that writes.
    fn check_writing(&self) -> Result<(), Failure> {
        if self.access == Access::Read {
            let message = "a command that reads tried to write";
            return Err(Failure::new(error::BUG, message).in_source(&self.place));
        }
        fail_here();
        Ok(())
    }

    /// Runs a statement that adds a row; the id that the database gave it.
    ///
    /// # Errors
    ///
    /// As [`Store::run`].
    pub(crate) fn run_for_id(
        &mut self,
        statement: &str,
        values: &[Option<String>],
        id: &Column,
    ) -> Result<Option<String>, Failure> {
        let rows = match self.dialect() {
            Dialect::Mysql => {
                self.run(statement, values)?;
                self.rows("SELECT CAST(LAST_INSERT_ID() AS CHAR)", &[])?
            }
            Dialect::Postgres => {
                self.check_writing()?;
                let statement = format!("{statement} RETURNING CAST({} AS TEXT)", id.sql);
                self.rows(&statement, values)?
            }
            _ => {
                self.run(statement, values)?;
                self.rows("SELECT CAST(last_insert_rowid() AS TEXT)", &[])?
            }
        };
        Ok(rows.into_iter().flatten().flatten().next())
    }

    /// Keeps what was written. Without it everything is as it was.
    ///
    /// # Errors
    ///
    /// What the database says: then nothing was kept.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        fail_here();
        let committed = self.connection.commit();
        committed.map_err(|failure| failure.in_source(&self.place))
    }

    /// An error unless a table's rows can be taken back, without which nothing may be written.
    ///
    /// # Errors
    ///
    /// A table whose engine knows no transactions.
    pub(crate) fn check_transactional(&self, table: &Table) -> Result<(), Failure> {
        if table.is_transactional {
            return Ok(());
        }
        let name = quoted(table.name.as_bytes());
        let message = format!("the engine of table {name} knows no transactions");
        Err(Failure::new(error::DATABASE, message)
            .in_source(&self.place)
            .help("ALTER TABLE … ENGINE = InnoDB; a half-written session could not be taken back"))
    }
}

/// Ends the process at once before the statement whose number a test asks for.
#[cfg(feature = "failpoints")]
fn fail_here() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static STATEMENTS: AtomicU64 = AtomicU64::new(0);
    let number = STATEMENTS.fetch_add(1, Ordering::Relaxed) + 1;
    let asked = std::env::var("SESSIONIZE_FAIL_AT_WRITE").ok();
    if asked.and_then(|asked| asked.parse().ok()) == Some(number) {
        std::process::abort();
    }
}

#[cfg(not(feature = "failpoints"))]
fn fail_here() {}
