//! The pauses of sessions: a table of our own beside that of the sessions, which `migrate` makes.

use std::collections::HashMap;

use crate::error::{self, Failure};
use crate::events::Micros;
use crate::settings::tracked::TrackedPlace;
use crate::store::columns::{Column, Table};
use crate::store::sessions::{checked_id, shown_id};
use crate::store::times::{Reader, Writer};
use crate::store::{Cells, Store};
use crate::time::timestamp::quoted;
use crate::tracked::pauses::Pause;

/// What `[tracked.tables]` and `[tracked.columns]` call the table.
const PAUSES: &str = "pauses";

/// The longest name that every engine keeps, in bytes.
const LONGEST_NAME: usize = 63;

/// The name of the sessions' table.
pub(crate) fn name_of(place: &TrackedPlace) -> &str {
    let asked = place.table.as_deref();
    asked.unwrap_or(place.shape.table())
}

/// The name of the pauses' table: `sessions_pauses`, unless another one is mapped.
pub(crate) fn pauses_of(place: &TrackedPlace) -> String {
    match place.tables.get(PAUSES) {
        Some(mapped) => mapped.clone(),
        None => joined(name_of(place), PAUSES),
    }
}

/// `sessions_by_start`: what belongs to a table, whose name is cut where it is long.
pub(crate) fn joined(table: &str, name: &str) -> String {
    let mut end = table.len().min(LONGEST_NAME - name.len() - 1);
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{name}", &table[..end])
}

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct PauseTable {
    table: Table,
    session: Column,
    paused: Column,
    resumed: Column,
}

impl PauseTable {
    /// The table, if it is there.
    ///
    /// # Errors
    ///
    /// A table of that name that holds something else.
    pub(crate) fn find(store: &Store, place: &TrackedPlace) -> Result<Option<Self>, Failure> {
        let Some(table) = store.table(&pauses_of(place)) else {
            return Ok(None);
        };
        let of = |name: &str| {
            let mapped = place.mapped(&format!("{PAUSES}.{name}"));
            table.column(&mapped).cloned().ok_or_else(|| {
                let name = quoted(table.name.as_bytes());
                let message = format!("table {name} holds no pauses: no column \"{mapped}\"");
                Failure::new(error::NO_COLUMN, message)
                    .in_source(store.place())
                    .help("[tracked.tables] maps pauses to another name")
            })
        };
        let (session, paused) = (of("session_id")?, of("paused_at")?);
        let resumed = of("resumed_at")?;
        let table = table.clone();
        Ok(Some(Self {
            table,
            session,
            paused,
            resumed,
        }))
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// It is not there, or rows of it could not be taken back.
    pub(crate) fn needed(store: &Store, place: &TrackedPlace) -> Result<Self, Failure> {
        let Some(found) = Self::find(store, place)? else {
            let name = pauses_of(place);
            let message = format!("there is no table {}", quoted(name.as_bytes()));
            return Err(Failure::new(error::NO_TABLE, message)
                .in_source(store.place())
                .help("`sessionize tracked migrate` makes it"));
        };
        store.check_transactional(&found.table)?;
        Ok(found)
    }

    /// The table itself.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The pauses of a session, by their beginning.
    ///
    /// # Errors
    ///
    /// A time that cannot be read, and what the database says.
    pub(crate) fn of(&self, store: &mut Store, id: &str) -> Result<Vec<Pause>, Failure> {
        let (table, session) = (&self.table.sql, &self.session);
        let statement = format!(
            "SELECT {}, {} FROM {table} AS pauses WHERE pauses.{} = {}",
            self.paused.read("pauses"),
            self.resumed.read("pauses"),
            session.sql,
            session.parameter()
        );
        let rows = store.rows(&statement, &[Some(checked_id(session, id)?)])?;
        let pauses: Result<Vec<Pause>, Failure> =
            rows.into_iter().map(self.reading(store)).collect();
        let mut pauses = pauses?;
        pauses.sort_unstable_by_key(|pause| pause.from);
        Ok(pauses)
    }

    /// The pauses of every session, by their beginning, under the sessions' ids as text.
    ///
    /// # Errors
    ///
    /// As [`PauseTable::of`].
    pub(crate) fn all(&self, store: &mut Store) -> Result<HashMap<String, Vec<Pause>>, Failure> {
        let statement = format!(
            "SELECT {}, {}, {} FROM {} AS pauses",
            self.paused.read(PAUSES),
            self.resumed.read(PAUSES),
            self.session.read(PAUSES),
            self.table.sql
        );
        let rows = store.rows(&statement, &[])?;
        let mut of_session: HashMap<String, Vec<Pause>> = HashMap::new();
        let mut read = self.reading(store);
        for mut cells in rows {
            let Some(id) = cells.pop().flatten() else {
                continue;
            };
            let pause = read(cells)?;
            of_session
                .entry(shown_id(&self.session, id))
                .or_default()
                .push(pause);
        }
        for pauses in of_session.values_mut() {
            pauses.sort_unstable_by_key(|pause| pause.from);
        }
        Ok(of_session)
    }

    /// Reads pauses from rows of their two times.
    fn reading(&self, store: &Store) -> impl FnMut(Cells) -> Result<Pause, Failure> {
        let mut paused = Reader::new(&self.paused, store.spec());
        let mut resumed = Reader::new(&self.resumed, store.spec());
        let (name, place) = (quoted(self.table.name.as_bytes()), store.place().clone());
        move |cells| {
            let mut cells = cells.into_iter();
            let from = cells.next().flatten().unwrap_or_default();
            let to = cells.next().flatten();
            let pause = || {
                let from = paused.read(&from)?;
                let to = to.map(|to| resumed.read(&to)).transpose()?;
                Ok(Pause { from, to })
            };
            pause().map_err(|why: String| {
                let message = format!("a pause in table {name} cannot be read: {why}");
                Failure::new(error::NOT_AN_INSTANT, message).in_source(&place)
            })
        }
    }

    /// Begins a pause; one of the same instant goes on instead.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn pause(&self, store: &mut Store, id: &str, at: Micros) -> Result<(), Failure> {
        let at = Writer::new(store, &self.table, &self.paused)?.write(at);
        let values = [Some(checked_id(&self.session, id)?), Some(at)];
        let (table, session, paused) = (&self.table.sql, &self.session, &self.paused);
        let again = format!(
            "UPDATE {table} SET {} = NULL WHERE {} = {} AND {} = {}",
            self.resumed.sql,
            session.sql,
            session.parameter(),
            paused.sql,
            paused.parameter()
        );
        if store.run(&again, &values)? > 0 {
            return Ok(());
        }
        let insert = format!(
            "INSERT INTO {table} ({}, {}) VALUES ({}, {})",
            session.sql,
            paused.sql,
            session.parameter(),
            paused.parameter()
        );
        store.run(&insert, &values).map(|_| ())
    }

    /// Ends a session's pause.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn resume(&self, store: &mut Store, id: &str, at: Micros) -> Result<(), Failure> {
        let at = Writer::new(store, &self.table, &self.resumed)?.write(at);
        let (session, resumed) = (&self.session, &self.resumed);
        let statement = format!(
            "UPDATE {} SET {} = {} WHERE {} = {} AND {} IS NULL",
            self.table.sql,
            resumed.sql,
            resumed.parameter(),
            session.sql,
            session.parameter(),
            resumed.sql
        );
        let values = [Some(at), Some(checked_id(session, id)?)];
        store.run(&statement, &values).map(|_| ())
    }
}
