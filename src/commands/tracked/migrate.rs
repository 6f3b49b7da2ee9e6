//! `sessionize tracked migrate STORE`: makes the tables of a shape, or what they lack.

use super::{answer_of, patience};
use crate::error::{self, Failure};
use crate::report::answer::{Answer, AnswerColumn, AnswerTable, As};
use crate::report::columns::Cell;
use crate::report::words::counted;
use crate::settings::Settings;
use crate::settings::tracked::{TrackedPlace, Who};
use crate::store::migrations::{self, Change, Outcome};
use crate::store::{Access, Store};
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// Migrates, and says what was made.
pub(super) fn answer(settings: &Settings, place: &TrackedPlace) -> Result<Answer, Failure> {
    if place.who != Who::Everyone {
        let message = "migrate concerns the tables of everyone";
        return Err(
            Failure::new(error::USAGE, message).help("leave --as-user and --as-parent away")
        );
    }
    let mut store = Store::open(&place.input, patience(settings), Access::Write)?;
    let migrated = migrations::migrate(&mut store, place)?;
    let headline = headline(&migrated.table.table.name, &migrated.changes);
    let mut answer = answer_of(settings, &store, &migrated.table, Task::Migrate, headline);
    answer.tables.push(changes(&migrated.changes));
    if !migrated.duplicates.is_empty() {
        answer.notes.push(format!(
            "{} without an end of users who have several: nothing was deleted, and the constraint \
             of one active session a user was left out. End them, and migrate again.",
            counted(migrated.duplicates.len() as u64, "session", "sessions")
        ));
        answer.tables.push(duplicates(&migrated.duplicates));
    }
    store.commit()?;
    Ok(answer)
}

fn headline(table: &str, changes: &[Change]) -> String {
    let made = |what: &str| {
        let is_it = |change: &&Change| change.what == what && change.outcome == Outcome::Made;
        changes.iter().filter(is_it).count() as u64
    };
    let parts = [
        (made("table"), "table", "tables"),
        (made("column"), "column", "columns"),
        (made("index"), "index", "indexes"),
        (made("constraint"), "constraint", "constraints"),
    ];
    let parts = parts.into_iter().filter(|(number, ..)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, one, many)| counted(number, one, many))
        .collect();
    match parts.is_empty() {
        true => format!("Nothing was changed: table {table} is up to date"),
        false => format!("Made for table {table}: {}", parts.join(", ")),
    }
}

fn changes(changes: &[Change]) -> AnswerTable {
    let column = |name, header, shown| AnswerColumn {
        name,
        header,
        shown,
        rank: 0,
    };
    let row = |change: &Change| {
        let outcome = match change.outcome {
            Outcome::Made => "made",
            Outcome::Found => "was there",
            Outcome::LeftOut => "left out",
        };
        vec![
            Cell::Text(change.what.into()),
            Cell::Text(change.name.clone().into()),
            Cell::Text(outcome.into()),
        ]
    };
    AnswerTable {
        name: "steps",
        title: "Steps",
        columns: vec![
            column("what", "what", As::Word),
            column("name", "name", As::Text),
            column("outcome", "outcome", As::Word),
        ],
        rows: changes.iter().map(row).collect(),
    }
}

fn duplicates(records: &[Record]) -> AnswerTable {
    let column = |name, header, shown| AnswerColumn {
        name,
        header,
        shown,
        rank: 0,
    };
    let row = |record: &Record| {
        let user = record.user.clone();
        vec![
            user.map_or(Cell::Unknown, |user| Cell::Text(user.into())),
            Cell::Text(record.id.clone().into()),
            Cell::instant(record.time(Field::Started)),
        ]
    };
    AnswerTable {
        name: "duplicates",
        title: "Several active sessions of one user",
        columns: vec![
            column("user_id", "user", As::Text),
            column("session_id", "session", As::Text),
            column("started_at", "started", As::Instant),
        ],
        rows: records.iter().map(row).collect(),
    }
}
