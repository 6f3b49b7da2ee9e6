//! `sessionize tracked pause|resume ID`: a session rests, and goes on.

use super::{answer_of, open, shown};
use crate::error::{self, Failure};
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words::local_time;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::pauses::PauseTable;
use crate::store::{Access, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::pauses::{Pause, paused};
use crate::tracked::record::Record;

/// Pauses or resumes, and says how long the session has been paused in all.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    task: Task,
    id: &str,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Write)?;
    let pauses = PauseTable::needed(&store, place)?;
    let record = table.locked_one(&mut store, id)?;
    let start = check(&store, &record, task)?;
    let before = pauses.of(&mut store, &record.id)?;
    let open = before.iter().find(|pause| pause.to.is_none());
    let is_changed = (task == Task::Pause) == open.is_none();
    if is_changed {
        match task {
            Task::Pause => pauses.pause(&mut store, &record.id, settings.now)?,
            _ => pauses.resume(&mut store, &record.id, settings.now)?,
        }
    }
    let after = pauses.of(&mut store, &record.id)?;
    let headline = headline(settings, &record, task, &before);
    let mut answer = answer_of(settings, &store, &table, task, headline);
    let sum = paused(&after, start, settings.now.max(start));
    let is_paused = after.iter().any(|pause| pause.to.is_none());
    answer.facts = vec![
        shown("session_id", "session", Some(&record.id)),
        AnswerFact::new("paused", "paused", As::Flag, Cell::Flag(is_paused)),
        AnswerFact::new(
            "paused_seconds",
            "paused in all",
            As::Duration,
            Cell::Seconds(i128::from(sum)),
        ),
        AnswerFact::new("changed", "changed", As::Flag, Cell::Flag(is_changed)),
    ];
    store.commit()?;
    Ok(answer)
}

/// Only a session that goes on can rest; its start.
fn check(store: &Store, record: &Record, task: Task) -> Result<i64, Failure> {
    let status = record.text(Field::Status).unwrap_or_default();
    let is_over = record.has(Field::Ended) || status.eq_ignore_ascii_case("completed");
    let why = match record.time(Field::Started) {
        Some(start) if !is_over => return Ok(start),
        Some(_) => "has ended",
        None => "has not started",
    };
    let message = format!(
        "session {} {why}: {} needs one that goes on",
        quoted(record.id.as_bytes()),
        task.name()
    );
    Err(Failure::new(error::WRONG_STATE, message)
        .in_source(store.place())
        .help("`sessionize tracked show` says where it stands"))
}

fn headline(settings: &Settings, record: &Record, task: Task, before: &[Pause]) -> String {
    let (id, now) = (&record.id, local_time(settings.now, &settings.zone));
    let open = before.iter().find(|pause| pause.to.is_none());
    match (task, open) {
        (Task::Pause, None) => format!("Session {id} was paused at {now}"),
        (Task::Pause, Some(pause)) => {
            let since = local_time(pause.from, &settings.zone);
            format!("Session {id} has been paused since {since}; nothing was changed")
        }
        (_, Some(_)) => format!("Session {id} was resumed at {now}"),
        (_, None) => match before.iter().filter_map(|pause| pause.to).max() {
            Some(at) => {
                let at = local_time(at, &settings.zone);
                format!("Session {id} was resumed already, at {at}; nothing was changed")
            }
            None => format!("Session {id} was never paused; nothing was changed"),
        },
    }
}
