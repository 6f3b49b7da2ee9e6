//! `sessionize tracked history --user U`: the user's last sessions, the newest first.

use std::collections::HashMap;

use super::study::{
    attempts_of, count, percents, records_of, seconds, starts_in_window, text, timeless_note, whole,
};
use super::{answer_of, open};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::import::tracked::TrackedShape;
use crate::report::answer::{Answer, AnswerColumn, AnswerFact, AnswerTable, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::attempts::Attempts;
use crate::store::pauses::PauseTable;
use crate::store::sessions::SessionTable;
use crate::store::{Access, Store};
use crate::tracked::attempts::{Tally, held, window};
use crate::tracked::fields::Field;
use crate::tracked::lifecycle::is_over;
use crate::tracked::matrix::Task;
use crate::tracked::pauses::{Pause, paused};
use crate::tracked::record::Record;

/// Only counts and marks are shown, so that no time is absurd.
const ANY_TIME: Micros = Micros::MAX;

/// Reads the sessions.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    user: &str,
    limit: u64,
    subject: Option<&str>,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let mut records = records_of(&mut store, &table, Some(user))?;
    let notes = keep_subject(&table, &mut records, subject)?;
    records.retain(|record| starts_in_window(settings, record));
    let found = records.len() as u64;
    records.reverse();
    records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let (attempts, more_notes) = attempts(&mut store, place, &records)?;
    let pauses = match PauseTable::find(&store, place)? {
        Some(pauses) => pauses.all(&mut store)?,
        None => HashMap::new(),
    };
    let rows = records.iter().map(|record| {
        let length = net(record, pauses.get(&record.id).map_or(&[], Vec::as_slice));
        row(&table, record, length, settings, attempts.as_ref())
    });
    let rows: Vec<_> = rows.collect();
    let are_chosen = subject.is_some() || settings.window != (None, None);
    let headline = headline(user, found, records.len() as u64, are_chosen);
    let mut answer = answer_of(settings, &store, &table, Task::History, headline);
    answer.facts = vec![
        AnswerFact::new("user", "user", As::Text, text(Some(user))),
        AnswerFact::new("sessions", "sessions", As::Count, Cell::Count(found)),
        AnswerFact::new("shown", "shown", As::Count, Cell::Count(rows.len() as u64)),
    ];
    answer.tables = vec![AnswerTable {
        name: "sessions",
        title: "The newest first",
        columns: columns(&table),
        rows,
    }];
    answer.notes = notes.into_iter().chain(more_notes).collect();
    answer.notes.extend(backwards(&records));
    Ok(answer)
}

/// Leaves out sessions of another subject; says which ones there are where none is of this one.
pub(super) fn keep_subject(
    table: &SessionTable,
    records: &mut Vec<Record>,
    subject: Option<&str>,
) -> Result<Option<String>, Failure> {
    let Some(subject) = subject else {
        return Ok(None);
    };
    if !table.columns.contains_key(&Field::Subject) {
        let shape = table.shape.name();
        let message = format!("--subject: sessions of the shape \"{shape}\" have no subject");
        return Err(Failure::new(error::USAGE, message));
    }
    let mut subjects: Vec<String> = records
        .iter()
        .filter_map(|record| record.text(Field::Subject).map(str::to_owned))
        .collect();
    records.retain(|record| record.text(Field::Subject) == Some(subject));
    if !records.is_empty() || subjects.is_empty() {
        return Ok(None);
    }
    subjects.sort_unstable();
    subjects.dedup();
    Ok(Some(format!(
        "There are sessions of these subjects: {}.",
        subjects.join(", ")
    )))
}

/// `are_chosen`: there may be others, of another subject or outside the window.
fn headline(user: &str, found: u64, shown: u64, are_chosen: bool) -> String {
    match (found, shown) {
        (0, _) if are_chosen => format!("User {user} has no such session"),
        (0, _) => format!("User {user} has no session"),
        (found, shown) if shown < found => format!(
            "The last {} of {} of user {user}",
            words::count(shown),
            words::counted(found, "session", "sessions")
        ),
        (found, _) => format!(
            "{} of user {user}",
            words::counted(found, "session", "sessions")
        ),
    }
}

/// The attempts of a study application; `None` for other shapes, and where it has none.
fn attempts(
    store: &mut Store,
    place: &TrackedPlace,
    records: &[Record],
) -> Result<(Option<Attempts>, Vec<String>), Failure> {
    if place.shape != TrackedShape::Study {
        return Ok((None, Vec::new()));
    }
    match attempts_of(store, place, records, ANY_TIME) {
        Ok((_, attempts)) => {
            let notes = timeless_note(&attempts).into_iter().collect();
            Ok((Some(attempts), notes))
        }
        Err(failure) if failure.id == error::NO_TABLE => {
            let note = format!("Attempts are unknown: {}.", failure.message);
            Ok((None, vec![note]))
        }
        Err(failure) => Err(failure),
    }
}

/// What a shape's history says beside start, end and duration.
fn extra_fields(table: &SessionTable) -> impl Iterator<Item = Field> {
    let shown = [
        Field::Subject,
        Field::Topic,
        Field::Status,
        Field::TotalXp,
        Field::StreakAfter,
        Field::Device,
        Field::Browser,
    ];
    let has = table.columns.clone();
    shown
        .into_iter()
        .filter(move |field| has.contains_key(field))
}

fn columns(table: &SessionTable) -> Vec<AnswerColumn> {
    let column = |name, header, shown, rank| AnswerColumn {
        name,
        header,
        shown,
        rank,
    };
    let mut columns = vec![
        column("id", "id", As::Text, 0),
        column("started_at", "started", As::Instant, 0),
        column("ended_at", "ended", As::Instant, 3),
        column("duration_seconds", "duration", As::Duration, 0),
        column("open", "open", As::Flag, 2),
    ];
    columns.extend(extra_fields(table).map(|field| {
        let name = table.standard_name(field);
        let shown = if field.is_number() {
            As::Number
        } else {
            As::Text
        };
        column(name, name, shown, 1)
    }));
    if table.shape == TrackedShape::Study {
        columns.extend([
            column("questions_attempted", "questions", As::Count, 0),
            column("questions_correct", "correct", As::Count, 1),
            column("accuracy", "accuracy", As::Percent, 0),
            column("accuracy_low", "95% from", As::Percent, 4),
            column("accuracy_high", "to", As::Percent, 4),
        ]);
    }
    columns
}

/// What an ended session lasted without its pauses.
fn net(record: &Record, pauses: &[Pause]) -> Option<Micros> {
    let (start, end) = (record.time(Field::Started)?, record.time(Field::Ended)?);
    (start <= end).then(|| end - start - paused(pauses, start, end))
}

fn row(
    table: &SessionTable,
    record: &Record,
    length: Option<Micros>,
    settings: &Settings,
    attempts: Option<&Attempts>,
) -> Vec<Cell<'static>> {
    let (start, end) = (record.time(Field::Started), record.time(Field::Ended));
    let mut cells = vec![
        text(Some(&record.id)),
        Cell::instant(start),
        Cell::instant(end),
        seconds(length),
        Cell::Flag(
            !record.has(Field::Ended)
                && !is_over(record)
                && start.is_some_and(|start| start <= settings.now),
        ),
    ];
    cells.extend(extra_fields(table).map(|field| match field.is_number() {
        true => whole(record.number(field)),
        false => text(record.text(field)),
    }));
    if table.shape == TrackedShape::Study {
        let held = attempts
            .zip(window(record, settings.now))
            .map(|(attempts, window)| held(attempts.of(record.user.as_deref()), window));
        let tally = held.map(Tally::of);
        let tally = tally.as_ref();
        let [low, high] = percents(tally.and_then(Tally::accuracy_interval));
        cells.extend([
            count(tally.map(|tally| tally.attempted)),
            count(tally.map(|tally| tally.correct)),
            count(tally.and_then(Tally::accuracy)),
            low,
            high,
        ]);
    }
    cells
}

/// Sessions whose duration is unknown though they ended, in a sentence.
fn backwards(records: &[Record]) -> Option<String> {
    let is_backwards = |record: &&Record| record.length().is_some_and(|length| length < 0);
    let number = records.iter().filter(is_backwards).count() as u64;
    (number > 0).then(|| {
        format!(
            "{} before {} started: no duration.",
            words::counted(number, "session ended", "sessions ended"),
            if number == 1 { "it" } else { "they" }
        )
    })
}
