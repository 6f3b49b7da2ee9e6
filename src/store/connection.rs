//! A connection to a store of any kind, in its one transaction.

use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use tokio::runtime::Runtime;

use crate::error::{self, Failure, SourcePlace};
use crate::import::database::Patience;
use crate::import::inputs::{Input, Kept, kept};
use crate::import::server;
use crate::sql::Dialect;
use crate::store::columns::Table;
use crate::store::{Access, Cells, mysql, postgres, sqlite};

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    runtime: Runtime,
    patience: Patience,
    /// Present until it is dropped.
    driver: Option<Driver>,
}

#[derive(Debug)]
pub(super) enum Driver {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    Mysql(MySqlConnection),
}

impl Connection {
    /// Connects to what an input names, and begins the transaction.
    pub(super) fn open(
        input: &Input,
        patience: Patience,
        access: Access,
    ) -> Result<(Self, SourcePlace), Failure> {
        let (kept, place) = kept(input)?;
        let opened = Self::begun(&kept, patience, access);
        Ok((opened.map_err(|failure| failure.in_source(&place))?, place))
    }

    fn begun(kept: &Kept, patience: Patience, access: Access) -> Result<Self, Failure> {
        let runtime = server::runtime()?;
        let driver = match kept {
            Kept::File(path) => Driver::Sqlite(sqlite::open(&runtime, path, access)?),
            Kept::Postgres(address) => {
                Driver::Postgres(postgres::open(&runtime, address, patience)?)
            }
            Kept::Mysql(address) => Driver::Mysql(mysql::open(&runtime, address, patience)?),
        };
        let mut connection = Self {
            runtime,
            patience,
            driver: Some(driver),
        };
        connection.begin(access)?;
        Ok(connection)
    }

    fn begin(&mut self, access: Access) -> Result<(), Failure> {
        let statements = match self.driver() {
            Driver::Sqlite(_) => sqlite::begin(access),
            Driver::Postgres(_) => postgres::begin(access, self.patience),
            Driver::Mysql(_) => mysql::begin(access),
        };
        for statement in statements {
            self.raw(&statement)?;
        }
        Ok(())
    }

    /// Whose SQL is asked.
    pub(super) fn dialect(&self) -> Dialect {
        match &self.driver {
            Some(Driver::Postgres(_)) => Dialect::Postgres,
            Some(Driver::Mysql(_)) => Dialect::Mysql,
            Some(Driver::Sqlite(_)) | None => Dialect::Sqlite,
        }
    }

    /// The tables and views that may be read.
    pub(super) fn tables(&mut self) -> Result<Vec<Table>, Failure> {
        let statement = match self.driver() {
            Driver::Sqlite(_) => sqlite::TABLES,
            Driver::Postgres(_) => postgres::TABLES,
            Driver::Mysql(_) => mysql::TABLES,
        };
        let dialect = self.dialect();
        let rows = self.rows(statement, &[])?;
        rows.into_iter()
            .try_fold(Vec::new(), |mut tables: Vec<Table>, cells| {
                Described::of(cells).push(dialect, &mut tables)?;
                Ok(tables)
            })
    }

    /// The rows of a statement.
    pub(super) fn rows(
        &mut self,
        statement: &str,
        values: &[Option<String>],
    ) -> Result<Vec<Cells>, Failure> {
        self.work(async |driver| match driver {
            Driver::Sqlite(connection) => sqlite::rows(connection, statement, values).await,
            Driver::Postgres(connection) => postgres::rows(connection, statement, values).await,
            Driver::Mysql(connection) => mysql::rows(connection, statement, values).await,
        })
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn run(
        &mut self,
        statement: &str,
        values: &[Option<String>],
    ) -> Result<u64, Failure> {
        self.work(async |driver| match driver {
            Driver::Sqlite(connection) => sqlite::run(connection, statement, values).await,
            Driver::Postgres(connection) => postgres::run(connection, statement, values).await,
            Driver::Mysql(connection) => mysql::run(connection, statement, values).await,
        })
    }

    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        self.raw("COMMIT")
    }

    /// Runs a statement to which nothing is bound.
    fn raw(&mut self, statement: &str) -> Result<(), Failure> {
        self.work(async |driver| match driver {
            Driver::Sqlite(connection) => sqlite::raw(connection, statement).await,
            Driver::Postgres(connection) => postgres::raw(connection, statement).await,
            Driver::Mysql(connection) => mysql::raw(connection, statement).await,
        })
    }

    fn driver(&self) -> &Driver {
        self.driver
            .as_ref()
            .expect("a connection is open until it is dropped")
    }

    fn work<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Driver) -> Result<T, sqlx::Error>,
    ) -> Result<T, Failure> {
        let driver = self
            .driver
            .as_mut()
            .expect("a connection is open until it is dropped");
        let worked = server::within(&self.runtime, self.patience, work(driver));
        worked.map_err(|cause| match self.driver() {
            Driver::Sqlite(_) => sqlite::explained(&cause),
            Driver::Postgres(_) => postgres::explained(&cause, self.patience),
            Driver::Mysql(_) => mysql::explained(&cause, self.patience),
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        use sqlx::Connection as _;
        match self.driver.take() {
            Some(Driver::Sqlite(connection)) => {
                server::say_goodbye(&self.runtime, connection.close());
            }
            Some(Driver::Postgres(connection)) => {
                server::say_goodbye(&self.runtime, connection.close());
            }
            Some(Driver::Mysql(connection)) => {
                server::say_goodbye(&self.runtime, connection.close());
            }
            None => {}
        }
    }
}

/// A column as a catalogue describes it: schema, where its table's name alone does not find it;
/// table; column; type; whether it may be without a value, has a default, and can be taken back.
struct Described {
    schema: Option<String>,
    table: String,
    column: String,
    type_name: String,
    is_nullable: bool,
    has_default: bool,
    is_transactional: bool,
}

impl Described {
    fn of(cells: Cells) -> Self {
        let mut cells = cells.into_iter();
        let mut next = || cells.next().flatten();
        let schema = next();
        let mut text = || next().unwrap_or_default();
        let (table, column, type_name) = (text(), text(), text());
        let mut flag = || text() == "1";
        Self {
            schema,
            table,
            column,
            type_name,
            is_nullable: flag(),
            has_default: flag(),
            is_transactional: flag(),
        }
    }

    /// Adds the column to the last table, or to a new one.
    fn push(self, dialect: Dialect, tables: &mut Vec<Table>) -> Result<(), Failure> {
        let sql = dialect.table(self.schema.as_deref(), &self.table)?;
        if tables.last().is_none_or(|last| last.sql != sql) {
            let name = match &self.schema {
                Some(schema) => format!("{schema}.{}", self.table),
                None => self.table,
            };
            tables.push(Table {
                name,
                sql,
                columns: Vec::new(),
                is_transactional: self.is_transactional,
            });
        }
        let kind = match dialect {
            Dialect::Postgres => postgres::kind(&self.type_name),
            Dialect::Mysql => mysql::kind(&self.type_name),
            _ => sqlite::kind(&self.type_name),
        };
        let column = crate::store::columns::Column {
            sql: dialect.identifier(&self.column)?,
            name: self.column,
            type_name: self.type_name,
            kind,
            is_nullable: self.is_nullable,
            has_default: self.has_default,
            dialect,
        };
        let table = tables.last_mut();
        let table = table.ok_or_else(|| Failure::new(error::BUG, "a column without a table"))?;
        table.columns.push(column);
        Ok(())
    }
}
