//! `sessionize tracked connect|mark-started|activate ID`: an interview goes from one stage to the
//! next.

use super::{answer_of, open, shown};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words::local_time;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::sessions::SessionTable;
use crate::store::write::Value;
use crate::store::{Access, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;
use crate::tracked::stages::{self, Move};

/// Moves the session, and says when it was moved.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    task: Task,
    id: &str,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Write)?;
    if task != Task::Connect {
        table.column(&store, Field::Started)?;
    }
    let record = table.locked_one(&mut store, id)?;
    let (step, verb) = match task {
        Task::Connect => (stages::connect(&record), "connected"),
        Task::Activate => (stages::activate(&record), "activated"),
        _ => (stages::mark_started(&record), "started"),
    };
    let zone = &settings.zone;
    let (record, headline, is_changed) = match step {
        Move::Refused(expected) => return Err(refused(&store, &record, task, expected)),
        Move::Done(at) => {
            let when = at.map_or(String::new(), |at| format!(", at {}", local_time(at, zone)));
            let headline = format!(
                "Session {} was {verb} already{when}; nothing was changed",
                record.id
            );
            (record, headline, false)
        }
        Move::Change { time, status } => {
            let changes = changes(time, status, settings.now);
            table.change(&mut store, &record.id, &changes)?;
            let at = local_time(settings.now, zone);
            let headline = format!("Session {} was {verb} at {at}", record.id);
            (table.one(&mut store, id)?, headline, true)
        }
    };
    let mut answer = answer_of(settings, &store, &table, task, headline);
    answer.facts = facts(&table, &record, is_changed);
    if task == Task::MarkStarted && is_changed && !record.has(Field::Connected) {
        answer
            .notes
            .push("No desktop had connected to it.".to_owned());
    }
    store.commit()?;
    Ok(answer)
}

/// What a move writes.
pub(super) fn changes(
    time: Option<Field>,
    status: Option<&str>,
    at: Micros,
) -> Vec<(Field, Value)> {
    let time = time.map(|field| (field, Value::At(at)));
    let status = status.map(|status| (Field::Status, Value::Text(status.to_owned())));
    time.into_iter().chain(status).collect()
}

/// The session is in another state.
pub(super) fn refused(store: &Store, record: &Record, task: Task, expected: &str) -> Failure {
    let status = record.text(Field::Status).unwrap_or_default();
    let message = format!(
        "session {} has the status {}: {} needs {expected}",
        quoted(record.id.as_bytes()),
        quoted(status.as_bytes()),
        task.name()
    );
    Failure::new(error::WRONG_STATE, message)
        .in_source(store.place())
        .help("`sessionize tracked show` says where it stands")
}

fn facts(table: &SessionTable, record: &Record, is_changed: bool) -> Vec<AnswerFact> {
    let time = |field: Field, label| {
        let name = table.standard_name(field);
        AnswerFact::new(name, label, As::Instant, Cell::instant(record.time(field)))
    };
    vec![
        shown("session_id", "session", Some(&record.id)),
        shown("status", "status", record.text(Field::Status)),
        time(Field::Created, "created"),
        time(Field::Connected, "connected"),
        time(Field::Started, "started"),
        AnswerFact::new("changed", "changed", As::Flag, Cell::Flag(is_changed)),
    ]
}
