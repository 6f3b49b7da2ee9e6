//! `sessionize tracked show ID`: all that a session's row says.

use super::end::lengths;
use super::{answer_of, open};
use crate::error::Failure;
use crate::events::Micros;
use crate::import::tracked::TrackedShape;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::pauses::PauseTable;
use crate::store::sessions::SessionTable;
use crate::store::{Access, Store};
use crate::tracked::fields::Field;
use crate::tracked::lifecycle::is_over;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// Reads the session.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    id: &str,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let record = table.one(&mut store, id)?;
    let headline = format!("Session {}: {}", record.id, state(&record, settings.now));
    let mut answer = answer_of(settings, &store, &table, Task::Show, headline);
    answer.facts = facts(&table, &record, settings.now);
    answer
        .facts
        .extend(of_pauses(settings, place, &mut store, &record)?);
    let unreadable = record.unreadable.iter().map(|(field, why)| {
        format!(
            "Column {} cannot be read: {why}.",
            table.standard_name(*field)
        )
    });
    answer.notes = unreadable.collect();
    if table.shape == TrackedShape::Snapshot {
        let note = "This shape keeps one current session per person, and no history.";
        answer.notes.push(note.to_owned());
    }
    Ok(answer)
}

/// What it lasted without its pauses, where there is a table of them.
fn of_pauses(
    settings: &Settings,
    place: &TrackedPlace,
    store: &mut Store,
    record: &Record,
) -> Result<Vec<AnswerFact>, Failure> {
    if PauseTable::find(store, place)?.is_none() {
        return Ok(Vec::new());
    }
    let (net, paused) = lengths(store, place, record, settings.now)?;
    let fact = |name, label, length: Option<Micros>| {
        let cell = length.map_or(Cell::Unknown, |length| Cell::Seconds(i128::from(length)));
        AnswerFact::new(name, label, As::Duration, cell)
    };
    Ok(vec![
        fact("paused_seconds", "paused", paused),
        fact("net_duration_seconds", "without pauses", net),
    ])
}

/// Where the session stands, in words.
fn state(record: &Record, now: Micros) -> String {
    let (started, ended) = (record.time(Field::Started), record.time(Field::Ended));
    let is_unreadable = |field| record.has(field) && record.time(field).is_none();
    if is_unreadable(Field::Started) {
        return "its start cannot be read".to_owned();
    }
    if is_unreadable(Field::Ended) {
        return "its end cannot be read".to_owned();
    }
    if let (Some(status), None) = (over(record), ended) {
        return format!("{status}; when it ended is not known");
    }
    let words = |length: Micros| crate::report::words::duration(length as f64 / 1e6);
    match (started, ended, record.time(Field::LastActivity)) {
        (Some(start), Some(end), _) if end < start => "it ended before it started".to_owned(),
        (Some(start), Some(end), _) => format!("ended after {}", words(end - start)),
        (Some(start), None, Some(seen)) if seen >= start => {
            format!("last seen {} after its start", words(seen - start))
        }
        (Some(start), None, _) if start <= now => format!("open for {}", words(now - start)),
        (Some(_), None, _) => "it starts in the future".to_owned(),
        (None, ..) => "not started".to_owned(),
    }
}

/// The status of a session that says it is over.
fn over(record: &Record) -> Option<&str> {
    record.text(Field::Status).filter(|_| is_over(record))
}

fn facts(table: &SessionTable, record: &Record, now: Micros) -> Vec<AnswerFact> {
    let of = |field: Field| {
        let name = table.standard_name(field);
        let text = |text: Option<&str>| {
            text.map_or(Cell::Unknown, |text| Cell::Text(text.to_owned().into()))
        };
        match field {
            Field::Id => AnswerFact::new(name, name, As::Text, text(Some(&record.id))),
            Field::User => AnswerFact::new(name, name, As::Text, text(record.user.as_deref())),
            field if field.is_time() => {
                AnswerFact::new(name, name, As::Instant, Cell::instant(record.time(field)))
            }
            field => AnswerFact::new(name, name, As::Text, text(record.text(field))),
        }
    };
    let length = record
        .length()
        .map_or(Cell::Unknown, |length| Cell::Seconds(i128::from(length)));
    let is_open = !record.has(Field::Ended)
        && over(record).is_none()
        && record
            .time(Field::Started)
            .is_some_and(|start| start <= now);
    let columns = table.columns.keys().map(|field| of(*field));
    columns
        .chain([
            AnswerFact::new(
                "tracked_duration_seconds",
                "tracked duration",
                As::Duration,
                length,
            ),
            AnswerFact::new("open", "open", As::Flag, Cell::Flag(is_open)),
        ])
        .collect()
}
