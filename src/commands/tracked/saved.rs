//! `sessionize tracked save ID` and `end ID` where the row itself keeps what was said: interviews are
//! saved as often as one likes, nothing that was saved is lost, and they end once.

use std::ffi::OsStr;

use super::saving::{Saving, flag, offered};
use super::{answer_of, end, info, open};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::report::answer::Answer;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::sessions::{ROWS, SessionTable};
use crate::store::times::Writer;
use crate::store::{Access, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// The status of a session that ended.
const COMPLETED: &str = "completed";

/// Saves information; the session goes on.
pub(super) fn save(
    settings: &Settings,
    place: &TrackedPlace,
    id: &str,
    information: &OsStr,
) -> Result<Answer, Failure> {
    let offered = offered(information)?;
    let (mut store, table) = open(settings, place, Access::Write)?;
    let record = table.locked_one(&mut store, id)?;
    let saving = Saving::new(&store, &table, &record, offered)?;
    let headline = format!("Session {}: {}", record.id, saving.words());
    let mut answer = answer_of(settings, &store, &table, Task::Save, headline);
    answer.facts = saving.facts();
    let after = Some(&saving.joined.information);
    answer.facts.extend(info::facts(settings, &record, after));
    answer.notes = saving.notes();
    if let Some(end) = record.time(Field::Ended) {
        let end = words::local_time(end, &settings.zone);
        answer
            .notes
            .push(format!("It ended at {end} and stays so."));
    }
    if let Some(text) = saving.changed() {
        write(&mut store, &table, id, &[(Field::Information, text)])?;
    }
    store.commit()?;
    Ok(answer)
}

/// Saves information, if there is any, and ends the session now, or at its start where that lies after
/// now; one that ended keeps its end.
///
/// # Errors
///
/// What cannot be saved: then nothing is ended. What cannot be written: then nothing is saved.
pub(super) fn end(
    settings: &Settings,
    place: &TrackedPlace,
    id: &str,
    information: Option<&OsStr>,
) -> Result<Answer, Failure> {
    let offered = information.map(offered).transpose()?;
    let (mut store, table) = open(settings, place, Access::Write)?;
    let record = table.locked_one(&mut store, id)?;
    check_end(&store, &table, &record)?;
    let saving = offered.map(|offered| Saving::new(&store, &table, &record, offered));
    let saving = saving.transpose()?;
    let (changes, ended) = ending(settings, &mut store, &table, &record, saving.as_ref())?;
    let headline = format!(
        "Session {}: {}{}",
        record.id,
        ended_words(settings, &record),
        saving
            .as_ref()
            .map_or(String::new(), |saving| format!("; {}", saving.words()))
    );
    let mut answer = answer_of(settings, &store, &table, Task::End, headline);
    let (after, broken) = match &saving {
        Some(saving) => (Some(saving.joined.information.clone()), None),
        None => info::read(&record),
    };
    answer.facts = vec![flag(
        "ended_now",
        "ended now",
        record.time(Field::Ended).is_none(),
    )];
    answer.facts.extend(saving.iter().flat_map(Saving::facts));
    answer
        .facts
        .extend(info::facts(settings, &ended, after.as_ref()));
    answer.notes = end_notes(settings, &record);
    answer.notes.extend(saving.iter().flat_map(Saving::notes));
    answer.notes.extend(broken);
    if !changes.is_empty() {
        write(&mut store, &table, id, &changes)?;
    }
    if !record.has(Field::Ended) {
        let start = record.time(Field::Started);
        end::resumed(&mut store, place, &record, start, settings.now)?;
    }
    store.commit()?;
    Ok(answer)
}

/// What is to be written, and the row as it is then.
fn ending(
    settings: &Settings,
    store: &mut Store,
    table: &SessionTable,
    record: &Record,
    saving: Option<&Saving>,
) -> Result<(Vec<(Field, String)>, Record), Failure> {
    let mut ended = record.clone();
    let mut changes = Vec::new();
    if let Some(text) = saving.and_then(Saving::changed) {
        changes.push((Field::Information, text));
    }
    if !is_completed(record) {
        changes.push((Field::Status, COMPLETED.to_owned()));
        ended.texts.insert(Field::Status, COMPLETED.to_owned());
    }
    if record.time(Field::Ended).is_none() {
        let start = record.time(Field::Started);
        let end = start.map_or(settings.now, |start| start.max(settings.now));
        let column = table.column(store, Field::Ended)?;
        let text = Writer::new(store, &table.table, column)?.write(end);
        changes.push((Field::Ended, text));
        ended.times.insert(Field::Ended, end);
    }
    Ok((changes, ended))
}

fn is_completed(record: &Record) -> bool {
    let status = record.text(Field::Status).unwrap_or_default();
    status.trim().eq_ignore_ascii_case(COMPLETED)
}

/// An error where an end is there that cannot be read, and that a new one would replace.
fn check_end(store: &Store, table: &SessionTable, record: &Record) -> Result<(), Failure> {
    let mut unreadable = record.unreadable.iter();
    match unreadable.find(|(field, _)| *field == Field::Ended) {
        None => Ok(()),
        Some((_, why)) => {
            let name = table.standard_name(Field::Ended);
            let message = format!(
                "session {}: its \"{name}\" cannot be read: {why}",
                record.id
            );
            Err(Failure::new(error::NOT_AN_INSTANT, message)
                .in_source(store.place())
                .help("correct it or empty it first; ending the session would replace it"))
        }
    }
}

fn ended_words(settings: &Settings, record: &Record) -> String {
    let now = settings.now;
    match (record.time(Field::Started), record.time(Field::Ended)) {
        (_, Some(end)) => {
            let at = words::local_time(end, &settings.zone);
            match is_completed(record) {
                true => format!("ended already at {at}"),
                false => format!("ended already at {at}, and completed now"),
            }
        }
        (Some(start), None) if start <= now => {
            format!("ended after {}", words::duration(seconds(now - start)))
        }
        (Some(_), None) => "ended at its start".to_owned(),
        (None, None) => "ended".to_owned(),
    }
}

fn end_notes(settings: &Settings, record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    match record.text(Field::Status) {
        _ if is_completed(record) => {}
        Some(status) => notes.push(format!("Its status was {}.", quoted(status.as_bytes()))),
        None => notes.push("It had no status.".to_owned()),
    }
    let (start, end) = (record.time(Field::Started), record.time(Field::Ended));
    let words = |length| words::duration(seconds(length));
    match (start, end) {
        (None, _) => notes
            .push("When it started is not known, and so neither is how long it lasted.".to_owned()),
        (Some(start), Some(end)) if end < start => notes.push(format!(
            "It ended {} before it started: one of the clocks is wrong.",
            words(start - end)
        )),
        (Some(start), None) if start > settings.now => notes.push(format!(
            "It starts {} after now, and so it ends where it starts: one of the clocks is wrong.",
            words(start - settings.now)
        )),
        _ => {}
    }
    notes
}

fn seconds(length: Micros) -> f64 {
    length as f64 / 1e6
}

/// Writes columns of one row, or nothing.
fn write(
    store: &mut Store,
    table: &SessionTable,
    id: &str,
    changes: &[(Field, String)],
) -> Result<(), Failure> {
    let condition = table.of_id(store, id)?;
    let mut assignments = Vec::new();
    let mut values = Vec::new();
    for (field, text) in changes {
        let column = table.column(store, *field)?;
        assignments.push(format!("{} = {}", column.sql, column.parameter()));
        values.push(Some(text.clone()));
    }
    values.extend(condition.values);
    let statement = format!(
        "UPDATE {} AS {ROWS} SET {} WHERE {}",
        table.table.sql,
        assignments.join(", "),
        condition.sql.join(" AND ")
    );
    match store.run(&statement, &values)? {
        1 => Ok(()),
        number => {
            let message = format!(
                "{number} rows have the id {}, not one",
                quoted(id.as_bytes())
            );
            Err(Failure::new(error::DATABASE, message)
                .in_source(store.place())
                .detail("nothing was written"))
        }
    }
}
