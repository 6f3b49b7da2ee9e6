//! Makes or upgrades the tables of a shape: the steps of `queries/tracked`, each unless what it
//! makes is there. Rows are never touched.

use crate::error::{self, Failure};
use crate::import::tracked::TrackedShape;
use crate::settings::tracked::TrackedPlace;
use crate::sql::Dialect;
use crate::store::Store;
use crate::store::columns::{Column, Table};
use crate::store::pauses::{PauseTable, joined, name_of, pauses_of};
use crate::store::sessions::{Condition, ROWS, SessionTable};
use crate::tracked::fields::Field;
use crate::tracked::record::Record;

/// The index that lets a user have one session without an end.
const ONE_ACTIVE: &str = "one_active_of_user";

/// The tables beside the sessions'.
const BESIDE: [&str; 3] = ["children", "question_bank", "attempts"];

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Made,
    /// It was there.
    Found,
    /// Rows that are there contradict it.
    LeftOut,
}

/// One step and what it came to.
#[derive(Debug)]
pub(crate) struct Change {
    /// `table`, `column`, `index` or `constraint`.
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

/// What a migration did.
#[derive(Debug)]
pub(crate) struct Migrated {
    pub(crate) table: SessionTable,
    pub(crate) changes: Vec<Change>,
    /// Sessions without an end of users who have several, by user and start.
    pub(crate) duplicates: Vec<Record>,
}

/// Makes the tables of the shape, or what a table lacks that is there.
///
/// # Errors
///
/// A table that is not of the shape, before anything is made, and what the database says.
pub(crate) fn migrate(store: &mut Store, place: &TrackedPlace) -> Result<Migrated, Failure> {
    store.hold(&format!("migrate {}", name_of(place)))?;
    store.look()?;
    let is_there = store.table(name_of(place)).is_some();
    if is_there {
        let table = SessionTable::find(store, &without_added(store, place))?;
        store.check_transactional(&table.table)?;
        PauseTable::find(store, place)?;
    }
    let mut changes = Vec::new();
    let mut duplicates = Vec::new();
    for step in steps(store.dialect(), place.shape) {
        if !step.is_for(is_there) {
            continue;
        }
        let migration = Migration { place, step };
        let outcome = migration.run(store, &mut duplicates)?;
        changes.push(Change {
            what: if step.what == "beside" {
                "table"
            } else {
                step.what
            },
            name: migration.name(store),
            outcome,
        });
    }
    Ok(Migrated {
        table: SessionTable::find(store, place)?,
        changes,
        duplicates,
    })
}

/// The place as it is before columns are added: one that is mapped and not there yet is no difference.
fn without_added(store: &Store, place: &TrackedPlace) -> TrackedPlace {
    let mut before = place.clone();
    let added = steps(store.dialect(), place.shape).into_iter();
    for step in added.filter(|step| step.what == "column") {
        let table = store.table(name_of(place));
        let mapped = place.columns.get(step.name);
        if mapped.is_some_and(|name| table.is_none_or(|table| table.column(name).is_none())) {
            before.columns.remove(step.name);
        }
    }
    before
}

/// Whether the database itself lets a user have one session without an end.
///
/// # Errors
///
/// What the database says.
pub(crate) fn has_one_active(store: &mut Store, table: &Table) -> Result<bool, Failure> {
    let name = joined(&table.name, ONE_ACTIVE);
    Ok(index_names(store, table)?.contains(&name))
}

/// A statement of a file and what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    what: &'static str,
    name: &'static str,
    sql: &'static str,
}

impl Step {
    /// Whether it belongs to the making of a table, or to the upgrading of one that is there.
    fn is_for(&self, is_there: bool) -> bool {
        match self.what {
            "beside" => !is_there,
            "column" => is_there,
            _ => true,
        }
    }
}

/// The steps of a shape, in their order.
fn steps(dialect: Dialect, shape: TrackedShape) -> Vec<Step> {
    let heads = ["beside", "table", "column", "index", "constraint"];
    let blocks = file(dialect, shape).split("\n-- ");
    blocks
        .filter_map(|block| {
            let (head, sql) = block.split_once('\n')?;
            let (what, name) = head.split_once(": ")?;
            let what = heads.into_iter().find(|known| *known == what)?;
            let sql = sql.trim().trim_end_matches(';');
            Some(Step { what, name, sql })
        })
        .collect()
}

struct Migration<'a> {
    place: &'a TrackedPlace,
    step: Step,
}

impl Migration<'_> {
    fn run(&self, store: &mut Store, duplicates: &mut Vec<Record>) -> Result<Outcome, Failure> {
        if self.is_done(store)? {
            return Ok(Outcome::Found);
        }
        if self.step.what == "constraint" {
            let table = SessionTable::find(store, self.place)?;
            *duplicates = several_active(store, &table)?;
            if !duplicates.is_empty() {
                return Ok(Outcome::LeftOut);
            }
        }
        let statement = self.statement(store)?;
        store.run(&statement, &[])?;
        store.look()?;
        Ok(Outcome::Made)
    }

    /// What the database calls that which the step makes.
    fn name(&self, store: &Store) -> String {
        match self.step.what {
            "index" | "constraint" => joined(&self.table_name(store), self.step.name),
            "column" => self.column_name(self.step.name),
            _ if self.step.name == "sessions" => self.table_name(store),
            _ if self.step.name == "pauses" => pauses_of(self.place),
            _ => self.place.related(self.step.name),
        }
    }

    fn is_done(&self, store: &mut Store) -> Result<bool, Failure> {
        let name = self.name(store);
        match self.step.what {
            "index" | "constraint" => {
                let table = self.table(store)?.clone();
                Ok(index_names(store, &table)?.contains(&name))
            }
            "column" => Ok(self.table(store)?.column(&name).is_some()),
            _ => Ok(store.table(&name).is_some()),
        }
    }

    /// The step's statement with the application's own names in it.
    fn statement(&self, store: &Store) -> Result<String, Failure> {
        let mut statement = String::new();
        let mut rest = self.step.sql;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            statement.push_str(before);
            statement.push_str(&self.named(store, name)?);
            rest = after;
        }
        statement.push_str(rest);
        Ok(statement)
    }

    fn named(&self, store: &Store, name: &str) -> Result<String, Failure> {
        let dialect = store.dialect();
        match name {
            "sessions" => match store.table(name_of(self.place)) {
                Some(table) => Ok(table.sql.clone()),
                None => dialect.table(None, name_of(self.place)),
            },
            "index" => dialect.identifier(&self.name(store)),
            "type of session" => {
                let id = self.place.shape.columns().iter();
                let mut id = id.filter(|column| column.field == Field::Id);
                let name = id.next().map_or("id", |column| column.name);
                self.type_of(store, name)
            }
            "pauses" => dialect.table(None, &pauses_of(self.place)),
            name if BESIDE.contains(&name) => dialect.table(None, &self.place.related(name)),
            name if name.contains('.') => dialect.identifier(&self.place.mapped(name)),
            name => match (name.strip_prefix("type of "), name.strip_prefix("key of ")) {
                (Some(column), _) => self.type_of(store, column),
                (_, Some(column)) => {
                    let column = self.column(store, column)?;
                    // MySQL keeps the beginning alone of a long text in an index.
                    let is_long = ["text", "blob"].iter().any(|long| {
                        let end = column.type_name.split('(').next().unwrap_or_default();
                        end.ends_with(long)
                    });
                    let length = if is_long { "(100)" } else { "" };
                    Ok(format!("{}{length}", column.sql))
                }
                (None, None) => match self.column(store, name) {
                    Ok(column) => Ok(column.sql.clone()),
                    Err(_) => dialect.identifier(&self.column_name(name)),
                },
            },
        }
    }

    /// The type of a column, as far as it is one word with its length: in SQLite it may be anything.
    fn type_of(&self, store: &Store, name: &str) -> Result<String, Failure> {
        let column = self.column(store, name)?;
        let is_plain = column
            .type_name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || " _(),".contains(letter));
        Ok(match (store.dialect(), is_plain) {
            (Dialect::Sqlite, false) => String::new(),
            _ => column.type_name.clone(),
        })
    }

    fn column<'s>(&self, store: &'s Store, name: &str) -> Result<&'s Column, Failure> {
        let table = self.table(store)?;
        let name = self.column_name(name);
        table.column(&name).ok_or_else(|| {
            let message = format!("table \"{}\" has no column \"{name}\"", table.name);
            Failure::new(error::NO_COLUMN, message).in_source(store.place())
        })
    }

    fn column_name(&self, standard: &str) -> String {
        let mapped = self.place.columns.get(standard);
        mapped.map_or(standard, String::as_str).to_owned()
    }

    fn table<'s>(&self, store: &'s Store) -> Result<&'s Table, Failure> {
        let name = name_of(self.place);
        store.table(name).ok_or_else(|| {
            let message = format!("there is no table \"{name}\"");
            Failure::new(error::NO_TABLE, message).in_source(store.place())
        })
    }

    fn table_name(&self, store: &Store) -> String {
        let found = store.table(name_of(self.place));
        found
            .map_or(name_of(self.place), |table| &table.name)
            .to_owned()
    }
}

/// The names of a table's indexes.
fn index_names(store: &mut Store, table: &Table) -> Result<Vec<String>, Failure> {
    let (statement, name) = match store.dialect() {
        Dialect::Postgres => (
            "SELECT indexed.relname::text FROM pg_index
             JOIN pg_class AS indexed ON indexed.oid = pg_index.indexrelid
             WHERE pg_index.indrelid = CAST(? AS regclass)",
            &table.sql,
        ),
        Dialect::Mysql => (
            "SELECT DISTINCT CAST(index_name AS CHAR) FROM information_schema.statistics
             WHERE table_schema = database() AND BINARY table_name = BINARY ?",
            &table.name,
        ),
        _ => (
            "SELECT name FROM sqlite_schema
             WHERE type = 'index' AND tbl_name = ? COLLATE NOCASE",
            &table.name,
        ),
    };
    let rows = store.rows(statement, &[Some(name.clone())])?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// Sessions without an end of users who have several.
fn several_active(store: &mut Store, table: &SessionTable) -> Result<Vec<Record>, Failure> {
    let user = table.column(store, Field::User)?.sql.clone();
    let end = table.column(store, Field::Ended)?.sql.clone();
    let several = format!(
        "{ROWS}.{user} IN (SELECT {user} FROM {} WHERE {end} IS NULL GROUP BY {user} \
         HAVING count(*) > 1)",
        table.table.sql
    );
    let condition = Condition::default()
        .and(format!("{ROWS}.{end} IS NULL"), Vec::new())
        .and(several, Vec::new());
    let mut records = table.records(store, condition)?;
    records.sort_by(|one, other| one.user.cmp(&other.user));
    Ok(records)
}

/// The steps of a shape on an engine.
fn file(dialect: Dialect, shape: TrackedShape) -> &'static str {
    use TrackedShape::{Interview, Platform, Practice, SavedInterview, Snapshot, Study};
    macro_rules! of {
        ($folder:literal) => {
            match shape {
                Interview => {
                    include_str!(concat!("../../queries/tracked/", $folder, "/interview.sql"))
                }
                Practice => {
                    include_str!(concat!("../../queries/tracked/", $folder, "/practice.sql"))
                }
                Study => include_str!(concat!("../../queries/tracked/", $folder, "/study.sql")),
                SavedInterview => include_str!(concat!(
                    "../../queries/tracked/",
                    $folder,
                    "/saved-interview.sql"
                )),
                Platform => {
                    include_str!(concat!("../../queries/tracked/", $folder, "/platform.sql"))
                }
                Snapshot => {
                    include_str!(concat!("../../queries/tracked/", $folder, "/snapshot.sql"))
                }
            }
        };
    }
    match dialect {
        Dialect::Postgres => of!("postgres"),
        Dialect::Mysql => of!("mysql"),
        _ => of!("sqlite"),
    }
}
