//! What users did according to the application's own tables.

use std::collections::BTreeMap;

use crate::error::{self, Failure};
use crate::events::Micros;
use crate::settings::tracked::TrackedPlace;
use crate::store::Store;
use crate::store::columns::Kind;
use crate::store::sessions::SessionTable;
use crate::store::times::Reader;
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;

/// The attempts of those who have a session without an end.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// When, by user.
    pub(crate) times: BTreeMap<String, Vec<Micros>>,
    /// How many have no time, or one that cannot be read.
    pub(crate) without_time: u64,
}

impl Attempts {
    /// Reads them; `None` where there is no such table.
    ///
    /// # Errors
    ///
    /// A table without the columns, and what the database says.
    pub(crate) fn read(
        store: &mut Store,
        place: &TrackedPlace,
        sessions: &SessionTable,
    ) -> Result<Option<Self>, Failure> {
        let Some(table) = store.table(&place.related("attempts")).cloned() else {
            return Ok(None);
        };
        let of = |name: &str| {
            let mapped = place.mapped(name);
            table.column(&mapped).cloned().ok_or_else(|| {
                let table = quoted(table.name.as_bytes());
                let message = format!("table {table} has no column \"{mapped}\"");
                Failure::new(error::NO_COLUMN, message)
                    .in_source(store.place())
                    .help(format!("[tracked.columns] maps \"{name}\" to another name"))
            })
        };
        let (user, at) = (of("attempts.child_id")?, of("attempts.created_at")?);
        let of_session = &sessions.column(store, Field::User)?.sql;
        let ended = &sessions.column(store, Field::Ended)?.sql;
        let statement = format!(
            "SELECT {}, {} FROM {} AS attempts WHERE attempts.{} IN \
             (SELECT {of_session} FROM {} WHERE {ended} IS NULL)",
            user.read("attempts"),
            at.read("attempts"),
            table.sql,
            user.sql,
            sessions.table.sql
        );
        let rows = store.rows(&statement, &[])?;
        let mut reader = Reader::new(&at, store.spec());
        let mut attempts = Self::default();
        for row in rows {
            let mut cells = row.into_iter();
            let id = cells.next().flatten().unwrap_or_default();
            let read = cells.next().flatten().map(|cell| reader.read(&cell));
            let Some(Ok(at)) = read else {
                attempts.without_time += 1;
                continue;
            };
            let id = match uuid::Uuid::try_parse(&id) {
                Ok(uuid) if user.kind == Kind::Bytes => uuid.to_string(),
                _ => id,
            };
            attempts.times.entry(id).or_default().push(at);
        }
        Ok(Some(attempts))
    }
}
