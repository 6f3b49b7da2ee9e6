//! The tables that a database holds, as far as they may be read: which of them are known sources,
//! and what to say when the one asked for is not there.

use crate::error::{self, Failure, SourcePlace};
use crate::import::columns::{self, AskedColumns, Wanted};
use crate::import::database::{Query, Reading};
use crate::import::presets::Preset;
use crate::sql::Dialect;
use crate::time::timestamp::quoted;

/// How many tables a message lists.
const LISTED: usize = 10;

/// Columns that say when something tracked began and ended.
pub(crate) const TRACKED_STARTS: [&str; 3] = ["started_at", "start_time", "session_started_at"];
pub(crate) const TRACKED_ENDS: [&str; 2] = ["ended_at", "end_time"];

/// A table or a view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Its schema, where its name alone does not find it.
    pub(crate) schema: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// The columns that may be read, in their order.
    pub(crate) columns: Vec<String>,
    /// What identifies a row, as SQL: a quoted column, or SQLite's `rowid`.
    pub(crate) key: Option<String>,
    /// Whether rows that are added while it is read are seen, since its engine keeps no snapshots.
    pub(crate) is_live: bool,
}

impl Table {
    /// Whether its rows are sessions that an application tracks itself, with start and end.
    pub(crate) fn is_tracked(&self) -> bool {
        let has = |names: &[&str]| {
            let mut columns = self.columns.iter();
            columns.any(|column| names.contains(&column.to_lowercase().as_str()))
        };
        has(&TRACKED_STARTS) && has(&TRACKED_ENDS)
    }

    /// The names of its user and time columns, when both are there.
    pub(crate) fn columns_of(
        &self,
        user: Option<&str>,
        time: Option<&str>,
    ) -> Option<(String, String)> {
        let choose = |wanted: Wanted, asked: Option<&str>| {
            let index = columns::choose(&self.columns, wanted, asked).ok()?;
            Some(self.columns[index].clone())
        };
        Some((choose(columns::USER, user)?, choose(columns::TIME, time)?))
    }

    /// Its name as [`Catalogue::table`] finds it.
    pub(crate) fn named(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its name for people: the schema's first, where it needs one.
    pub(crate) fn shown(&self) -> String {
        quoted(self.named().as_bytes())
    }
}

/// The places of user, time and what rows have more than events.
fn tracked_columns(table: &Table, asked: &AskedColumns) -> Result<[usize; 3], Failure> {
    let choose = |wanted: Wanted, asked: Option<&String>| {
        columns::choose(&table.columns, wanted, asked.map(String::as_str))
    };
    let (wanted, beside) = asked
        .third()
        .ok_or_else(|| Failure::new(error::BUG, "rows of events are no tracked sessions"))?;
    Ok([
        choose(asked.rows.user(), asked.user.as_ref())?,
        choose(asked.rows.time(), asked.time.first())?,
        choose(wanted, beside)?,
    ])
}

/// All tables and views that may be read, in the order in which names are looked up.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    /// The dialect of the database.
    pub(crate) dialect: Dialect,
    /// The tables.
    pub(crate) tables: Vec<Table>,
}

impl Catalogue {
    /// A table by its name: of those that their name alone finds in this spelling first, then of
    /// others; `schema.table` finds one in another schema.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        let of = |schema: Option<&str>, name: &str| {
            let is_in = |table: &&Table| table.schema.as_deref() == schema;
            let mut exact = self.tables.iter().filter(is_in);
            let mut folded = self.tables.iter().filter(is_in);
            exact
                .find(|table| table.name == name)
                .or_else(|| folded.find(|table| table.name.eq_ignore_ascii_case(name)))
        };
        let hidden = || {
            let schemas = self
                .tables
                .iter()
                .filter_map(|table| table.schema.as_deref());
            schemas.map(Some).find_map(|schema| of(schema, name))
        };
        of(None, name).or_else(hidden).or_else(|| {
            let (schema, name) = name.split_once('.')?;
            of(Some(schema), name)
        })
    }

    /// The query of a preset that reads the events' own table alone, when the database has it with
    /// its columns; and the reading of the whole preset, when it has the tables that are joined.
    /// Columns that are asked for stand in where the table has them.
    pub(crate) fn preset(
        &self,
        preset: &'static Preset,
        asked: &AskedColumns,
    ) -> Option<(Query, Option<(Query, Reading)>)> {
        let table = self.table(preset.tables.first()?)?;
        if table.is_tracked() {
            return None;
        }
        let asked_in = |asked: Option<&String>, otherwise: Option<&'static str>| {
            let has =
                |name: &&String| columns::choose(&table.columns, columns::USER, Some(name)).is_ok();
            asked.filter(has).cloned().or(otherwise.map(str::to_owned))
        };
        let user = asked_in(asked.user.as_ref(), preset.user.asked());
        let time = asked_in(asked.time.first(), preset.time.asked());
        let (user, time) = table.columns_of(user.as_deref(), time.as_deref())?;
        let alone = Query::Table {
            table: table.name.clone(),
            user: Some(user.clone()),
            time: Some(time.clone()),
            filter: None,
        };
        let whole = Query::Preset { preset, user, time };
        let reading = self.reading(&whole).ok();
        Some((alone, reading.map(|reading| (whole, reading))))
    }

    /// The statement of a query whose columns the catalogue knows; a text's are known to the server.
    pub(crate) fn reading(&self, query: &Query) -> Result<Reading, Failure> {
        match query {
            Query::Preset { preset, user, time } => {
                let tables: Option<Vec<&Table>> =
                    preset.tables.iter().map(|name| self.table(name)).collect();
                let tables = tables.ok_or_else(|| self.no_table(preset.tables[0]))?;
                Reading::of_preset(self.dialect, preset, &tables, user, time)
            }
            Query::Table {
                table,
                user,
                time,
                filter,
            } => self.table_reading(table, user.as_deref(), time.as_deref(), filter.as_deref()),
            Query::Tracked { table, asked } => {
                let table = match table {
                    Some(name) => self.table(name).ok_or_else(|| self.no_table(name))?,
                    None => self.tracked(asked)?,
                };
                let columns = tracked_columns(table, asked)?;
                let columns = columns.map(|index| table.columns[index].as_str());
                Reading::of_tracked(self.dialect, table, columns, asked.rows)
            }
            Query::Text { .. } => Err(Failure::new(error::BUG, "a text is read by the server")),
        }
    }

    fn table_reading(
        &self,
        name: &str,
        user: Option<&str>,
        time: Option<&str>,
        filter: Option<&str>,
    ) -> Result<Reading, Failure> {
        self.dialect.identifier(name)?;
        let table = self.table(name).ok_or_else(|| self.no_table(name))?;
        let choose = |wanted: Wanted, asked: Option<&str>| {
            columns::choose(&table.columns, wanted, asked).map(|index| &table.columns[index])
        };
        let user = choose(columns::USER, user)?;
        let time = choose(columns::TIME, time)?;
        Reading::of_table(self.dialect, table, user, time, filter)
    }

    /// The one table that has all columns of tracked sessions.
    fn tracked(&self, asked: &AskedColumns) -> Result<&Table, Failure> {
        let fits = |table: &&Table| tracked_columns(table, asked).is_ok();
        let found: Vec<&Table> = self.tables.iter().filter(fits).collect();
        if let [only] = found.as_slice() {
            return Ok(only);
        }
        let all: Vec<String> = self.tables.iter().map(Table::shown).collect();
        let several: Vec<String> = found.iter().map(|table| table.shown()).collect();
        let message = match found.is_empty() {
            true if all.is_empty() => "no tracked sessions: there is no table".to_owned(),
            true => format!(
                "no table has the columns of tracked sessions; the tables are {}",
                listed(&all)
            ),
            false => format!(
                "{} tables could hold tracked sessions: {}",
                several.len(),
                listed(&several)
            ),
        };
        Err(Failure::new(error::NO_TABLE, message)
            .help("name the table with --tracked-table, and its columns with --tracked-user, --tracked-start and --tracked-end"))
    }

    /// Why no preset fits, with the tables that could be meant.
    pub(crate) fn no_preset(&self, place: &SourcePlace) -> Failure {
        let mut candidates = Vec::new();
        let mut tracked = Vec::new();
        for table in &self.tables {
            if table.is_tracked() {
                tracked.push(table.shown());
            } else if let Some((user, time)) = table.columns_of(None, None) {
                candidates.push((table.shown(), user, time));
            }
        }
        let mut failure = Failure::new(error::NO_TABLE, "no table of a known name and shape");
        for (table, user, time) in candidates.iter().take(LISTED) {
            failure = failure.detail(format!(
                "candidate: table {table} (user {}, time {})",
                quoted(user.as_bytes()),
                quoted(time.as_bytes())
            ));
        }
        if candidates.len() > LISTED {
            failure = failure.detail(format!("and {} more", candidates.len() - LISTED));
        }
        if !tracked.is_empty() {
            let names = listed(&tracked);
            failure = failure.detail(format!("left out, as tracked sessions: {names}"));
        }
        match candidates.first() {
            Some((table, user, time)) => failure.help(format!(
                "name one with --table, or in sessionize.toml: [[source]] path = {}, table = \
                 {table}, user = {}, time = {}",
                quoted(place.place.as_bytes()),
                quoted(user.as_bytes()),
                quoted(time.as_bytes())
            )),
            None => failure.detail(self.listed_tables()).help(
                "name one with --table, --user-column and --time-column, or in sessionize.toml: \
                 [[source]] path, table, user, time",
            ),
        }
    }

    fn no_table(&self, name: &str) -> Failure {
        let message = format!("table {} not found", quoted(name.as_bytes()));
        let failure = Failure::new(error::NO_TABLE, message).detail(self.listed_tables());
        let folded = name.to_lowercase();
        let likeness = |table: &Table| strsim::jaro_winkler(&table.name.to_lowercase(), &folded);
        self.tables
            .iter()
            .map(|table| (likeness(table), table))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, table)| table.shown())
            .map_or(failure.clone(), |near| {
                failure.help(format!("did you mean {near}?"))
            })
    }

    fn listed_tables(&self) -> String {
        if self.tables.is_empty() {
            return "the database has no tables that may be read".to_owned();
        }
        let names: Vec<String> = self.tables.iter().map(Table::shown).collect();
        format!("the tables are {}", listed(&names))
    }
}

fn listed(names: &[String]) -> String {
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
