//! The table of tracked sessions in a store: found by its shape, read row by row, within what the
//! person who asks may see.

use std::collections::BTreeMap;

use crate::error::{self, Failure};
use crate::import::tracked::TrackedShape;
use crate::settings::tracked::{TrackedPlace, Who};
use crate::sql::Dialect;
use crate::store::columns::{Column, Kind, Table};
use crate::store::times::Reader;
use crate::store::{Access, Cells, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::{Field, Need, ShapeColumn};
use crate::tracked::record::Record;

/// The name of the table in every statement about its rows.
pub(crate) const ROWS: &str = "kept";

/// A table of tracked sessions.
#[derive(Clone, Debug)]
pub(crate) struct SessionTable {
    pub(crate) shape: TrackedShape,
    pub(crate) table: Table,
    /// Those of the shape's columns that the table has.
    pub(crate) columns: BTreeMap<Field, Column>,
    /// Which rows may be seen: a condition on them, and the values of its `?`.
    access: Condition,
}

/// A condition on rows, and the values of its `?`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) sql: Vec<String>,
    pub(crate) values: Vec<Option<String>>,
}

impl Condition {
    /// The same, where this holds too.
    #[must_use]
    pub(crate) fn and(mut self, sql: impl Into<String>, values: Vec<Option<String>>) -> Self {
        self.sql.push(sql.into());
        self.values.extend(values);
        self
    }

    /// ` WHERE …`, or nothing.
    fn clause(&self) -> String {
        match self.sql.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.sql.join(" AND ")),
        }
    }
}

impl SessionTable {
    /// The table that is asked for.
    ///
    /// # Errors
    ///
    /// There is no such table, or it is not of the shape: what differs.
    pub(crate) fn find(store: &Store, place: &TrackedPlace) -> Result<Self, Failure> {
        let asked = place.table.as_deref();
        let name = asked.unwrap_or(place.shape.table());
        let Some(table) = store.table(name) else {
            return Err(no_table(store, name, place.shape));
        };
        let mut columns = BTreeMap::new();
        let mut differences = Vec::new();
        for column in place.shape.columns() {
            match found(table, column, place) {
                Ok(Some(found)) => {
                    columns.insert(column.field, found.clone());
                }
                Ok(None) => {}
                Err(difference) => differences.push(difference),
            }
        }
        if !differences.is_empty() {
            return Err(not_of_shape(store, table, place.shape, differences));
        }
        let access = access(store, &columns, place)?;
        Ok(Self {
            shape: place.shape,
            table: table.clone(),
            columns,
            access,
        })
    }

    /// A column of the table.
    ///
    /// # Errors
    ///
    /// The table lacks it.
    pub(crate) fn column(&self, store: &Store, field: Field) -> Result<&Column, Failure> {
        self.columns.get(&field).ok_or_else(|| {
            let name = self.standard_name(field);
            let table = quoted(self.table.name.as_bytes());
            Failure::new(
                error::NO_COLUMN,
                format!("table {table} has no column \"{name}\""),
            )
            .in_source(store.place())
            .help("`sessionize tracked migrate` adds it; [tracked.columns] maps another name")
        })
    }

    /// The name that the shape gives to a column.
    pub(crate) fn standard_name(&self, field: Field) -> &'static str {
        let columns = self.shape.columns().iter();
        let mut named = columns.filter(|column| column.field == field);
        named.next().map_or("", |column| column.name)
    }

    /// The rows that hold a condition and may be seen, by start and id.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn records(
        &self,
        store: &mut Store,
        condition: Condition,
    ) -> Result<Vec<Record>, Failure> {
        self.select(store, condition, "")
    }

    /// The same, and nobody else changes them until the transaction ends.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn locked(
        &self,
        store: &mut Store,
        condition: Condition,
    ) -> Result<Vec<Record>, Failure> {
        // SQLite's writer has the whole database to itself.
        let lock = match (store.access(), store.dialect()) {
            (Access::Write, Dialect::Postgres | Dialect::Mysql) => " FOR UPDATE",
            _ => "",
        };
        self.select(store, condition, lock)
    }

    fn select(
        &self,
        store: &mut Store,
        condition: Condition,
        lock: &str,
    ) -> Result<Vec<Record>, Failure> {
        let condition = condition.and_all(&self.access);
        let expressions = self.columns.values().map(|column| column.read(ROWS));
        let expressions: Vec<String> = expressions.collect();
        let statement = format!(
            "SELECT {} FROM {} AS {ROWS}{}{lock}",
            expressions.join(", "),
            self.table.sql,
            condition.clause()
        );
        let rows = store.rows(&statement, &condition.values)?;
        let mut readers: BTreeMap<Field, Reader> = self
            .columns
            .iter()
            .filter(|(field, _)| field.is_time())
            .map(|(field, column)| (*field, Reader::new(column, store.spec())))
            .collect();
        let mut records: Vec<Record> = rows
            .into_iter()
            .map(|cells| self.record(cells, &mut readers))
            .collect();
        records.sort_by(|one, other| {
            let key = |record: &Record| (record.time(Field::Started), record.time(Field::Created));
            (key(one), &one.id).cmp(&(key(other), &other.id))
        });
        Ok(records)
    }

    /// The session of an id, if it is there and may be seen.
    ///
    /// # Errors
    ///
    /// An id that cannot be one, no such session, and what the database says.
    pub(crate) fn one(&self, store: &mut Store, id: &str) -> Result<Record, Failure> {
        let condition = self.of_id(store, id)?;
        let mut found = self.records(store, condition)?.into_iter();
        found.next().ok_or_else(|| not_found(store, "session", id))
    }

    /// The same, and nobody else changes it until the transaction ends.
    ///
    /// # Errors
    ///
    /// As [`SessionTable::one`].
    pub(crate) fn locked_one(&self, store: &mut Store, id: &str) -> Result<Record, Failure> {
        let condition = self.of_id(store, id)?;
        let mut found = self.locked(store, condition)?.into_iter();
        found.next().ok_or_else(|| not_found(store, "session", id))
    }

    /// An error unless a user's sessions may be seen.
    ///
    /// # Errors
    ///
    /// An id that cannot be one, and another's, which is not found.
    pub(crate) fn check_user(&self, store: &mut Store, user: &str) -> Result<(), Failure> {
        let column = self.column(store, Field::User)?;
        let value = checked_id(column, user)?;
        let statement = format!(
            "SELECT '1' FROM (SELECT {} AS {}) AS {ROWS}{}",
            column.parameter(),
            column.sql,
            self.access.clause()
        );
        let mut values = vec![Some(value)];
        values.extend(self.access.values.iter().cloned());
        match store.rows(&statement, &values)?.is_empty() {
            false => Ok(()),
            true => Err(not_found(store, "user", user)),
        }
    }

    /// The condition that a row has this id.
    ///
    /// # Errors
    ///
    /// An id that cannot be one.
    pub(crate) fn of_id(&self, store: &Store, id: &str) -> Result<Condition, Failure> {
        self.is(store, Field::Id, id)
    }

    /// The condition that a row has this value in a column of ids.
    ///
    /// # Errors
    ///
    /// A value that cannot stand there, and a table without the column.
    pub(crate) fn is(&self, store: &Store, field: Field, id: &str) -> Result<Condition, Failure> {
        let column = self.column(store, field)?;
        let value = checked_id(column, id)?;
        let (sql, values) = column.is(&format!("{ROWS}.{}", column.sql), value);
        Ok(Condition::default().and(sql, values))
    }

    fn record(&self, cells: Cells, readers: &mut BTreeMap<Field, Reader>) -> Record {
        let mut record = Record::default();
        for (field, cell) in self.columns.keys().zip(cells) {
            let Some(cell) = cell else { continue };
            match field {
                Field::Id => record.id = self.shown(*field, cell),
                Field::User => record.user = Some(self.shown(*field, cell)),
                field if field.is_time() => match readers.get_mut(field).map(|to| to.read(&cell)) {
                    Some(Ok(at)) => {
                        record.times.insert(*field, at);
                    }
                    Some(Err(why)) => record.unreadable.push((*field, why)),
                    None => {}
                },
                field => {
                    record.texts.insert(*field, cell);
                }
            }
        }
        record
    }

    /// An id as people write it: the bytes of a uuid with its hyphens.
    fn shown(&self, field: Field, cell: String) -> String {
        match self.columns.get(&field) {
            Some(column) => shown_id(column, cell),
            None => cell,
        }
    }
}

/// An id of a column as people write it.
pub(crate) fn shown_id(column: &Column, cell: String) -> String {
    match uuid::Uuid::try_parse(&cell) {
        Ok(uuid) if column.kind == Kind::Bytes => uuid.to_string(),
        _ => cell,
    }
}

/// What is missing and what may not be seen are not told apart.
fn not_found(store: &Store, what: &str, id: &str) -> Failure {
    let message = format!("{what} {} is not found", quoted(id.as_bytes()));
    Failure::new(error::NO_SESSION, message)
        .in_source(store.place())
        .help("ids are compared exactly; --as-user and --as-parent see their own alone")
}

impl Condition {
    fn and_all(mut self, other: &Condition) -> Self {
        self.sql.extend(other.sql.iter().cloned());
        self.values.extend(other.values.iter().cloned());
        self
    }
}

/// The column of a table that stands for one of the shape.
fn found<'a>(
    table: &'a Table,
    wanted: &ShapeColumn,
    place: &TrackedPlace,
) -> Result<Option<&'a Column>, String> {
    let mapped = place.columns.get(wanted.name);
    let name = mapped.map_or(wanted.name, String::as_str);
    let Some(column) = table.column(name) else {
        return match (wanted.need, mapped) {
            (Need::Core, _) | (_, Some(_)) => Err(format!("no column \"{name}\"")),
            (Need::Usual | Need::Extra, None) => Ok(None),
        };
    };
    let can_be_time = |kind: Kind| {
        kind.is_time()
            || matches!(
                kind,
                Kind::Integer | Kind::Text | Kind::Number | Kind::Other
            )
    };
    let is_wrong = match wanted.field {
        field if field.is_time() => !can_be_time(column.kind),
        field if field.is_number() => column.kind.is_time() || column.kind == Kind::Uuid,
        _ => false,
    };
    if is_wrong {
        let what = if wanted.field.is_time() {
            "a time"
        } else {
            "a number"
        };
        return Err(format!(
            "column \"{name}\" is of type {}, and {what} is expected",
            column.type_name
        ));
    }
    Ok(Some(column))
}

/// A database without it is of another shape.
fn no_table(store: &Store, name: &str, shape: TrackedShape) -> Failure {
    let core = shape.columns().iter();
    let core = core.filter(|column| column.need == Need::Core);
    let names: Vec<&str> = core.map(|column| column.name).collect();
    let (name, shape) = (quoted(name.as_bytes()), shape.name());
    let message = format!("there is no table {name}, in which the shape \"{shape}\" has sessions");
    Failure::new(error::NO_COLUMN, message)
        .in_source(store.place())
        .detail(format!("expected with the columns {}", names.join(", ")))
        .help(
            "--shape names another shape, and --table another table; \
             `sessionize tracked migrate` makes it",
        )
}

fn not_of_shape(
    store: &Store,
    table: &Table,
    shape: TrackedShape,
    differences: Vec<String>,
) -> Failure {
    let name = quoted(table.name.as_bytes());
    let message = format!("table {name} is not of the shape \"{}\"", shape.name());
    let failure = Failure::new(error::NO_COLUMN, message)
        .in_source(store.place())
        .help("--shape names another shape; [tracked.columns] maps other names");
    differences.into_iter().fold(failure, Failure::detail)
}

/// Which rows may be seen.
fn access(
    store: &Store,
    columns: &BTreeMap<Field, Column>,
    place: &TrackedPlace,
) -> Result<Condition, Failure> {
    // The rows of a snapshot are people.
    let whose = match place.shape {
        TrackedShape::Snapshot => Field::Id,
        _ => Field::User,
    };
    let user = |flag: &str| {
        columns.get(&whose).ok_or_else(|| {
            let message = format!(
                "{flag}: sessions of the shape \"{}\" name no user",
                place.shape.name()
            );
            Failure::new(error::USAGE, message)
                .help("leave it away: whose session it is cannot be told there")
        })
    };
    match &place.who {
        Who::Everyone => Ok(Condition::default()),
        Who::User(id) => {
            let column = user("--as-user")?;
            let value = checked_id(column, id)?;
            let (sql, values) = column.is(&format!("{ROWS}.{}", column.sql), value);
            Ok(Condition::default().and(sql, values))
        }
        Who::Parent(id) => {
            let column = user("--as-parent")?;
            let children = place.related("children");
            let Some(table) = store.table(&children) else {
                let message = format!("there is no table {}", quoted(children.as_bytes()));
                return Err(Failure::new(error::NO_TABLE, message)
                    .in_source(store.place())
                    .help("[tracked.tables] maps children to another name"));
            };
            let of = |name: &str| {
                let mapped = place.mapped(name);
                table.column(&mapped).ok_or_else(|| {
                    let table = quoted(table.name.as_bytes());
                    let message = format!("table {table} has no column \"{mapped}\"");
                    Failure::new(error::NO_COLUMN, message)
                        .in_source(store.place())
                        .help(format!("[tracked.columns] maps \"{name}\" to another name"))
                })
            };
            let (child, parent) = (of("children.id")?, of("children.parent_id")?);
            let (is_theirs, values) = parent.is(&parent.sql, checked_id(parent, id)?);
            let user = format!("{ROWS}.{}", column.sql);
            let (user, child_id) = match (column.kind, child.kind) {
                (Kind::Text, Kind::Text) => (column.exact(&user), child.exact(&child.sql)),
                _ => (user, child.sql.clone()),
            };
            let sql = format!(
                "{user} IN (SELECT {child_id} FROM {} WHERE {is_theirs})",
                table.sql
            );
            Ok(Condition::default().and(sql, values))
        }
    }
}

/// An id as the column's values are compared with it.
///
/// # Errors
///
/// What cannot be an id of that type.
pub(crate) fn checked_id(column: &Column, id: &str) -> Result<String, Failure> {
    let refused = |expected: &str| {
        let id = quoted(id.as_bytes());
        let message = format!("column \"{}\": {id} is not {expected}", column.name);
        Err(Failure::new(error::USAGE, message))
    };
    match column.kind {
        Kind::Uuid => match uuid::Uuid::try_parse(id) {
            Ok(uuid) => Ok(uuid.to_string()),
            Err(_) => refused("a UUID, such as 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b"),
        },
        Kind::Bytes => match uuid::Uuid::try_parse(id) {
            Ok(uuid) => Ok(uuid.simple().to_string()),
            Err(_) => refused("a UUID, such as 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b"),
        },
        Kind::Integer => match id.parse::<i64>() {
            Ok(number) => Ok(number.to_string()),
            Err(_) => refused("a whole number"),
        },
        _ if id.contains('\0') => refused("a text that a database keeps"),
        _ => Ok(id.to_owned()),
    }
}
