//! `sessionize tracked save ID` and `end ID` where the row itself keeps what was said: interviews are
//! saved as often as one likes, nothing that was saved is lost, and they end once.

use std::ffi::OsStr;

use super::end::{lengths, resumed};
use super::saving::{Saving, flag, offered};
use super::{answer_of, info, open};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::sessions::SessionTable;
use crate::store::write::Value;
use crate::store::{Access, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;
use crate::tracked::stages::COMPLETED;

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
        table.change(
            &mut store,
            &record.id,
            &[(Field::Information, Value::Text(text))],
        )?;
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
    let (changes, ended) = ending(settings, place, &mut store, &record, saving.as_ref())?;
    let (net, paused) = lengths(&mut store, place, &ended, settings.now)?;
    let headline = format!(
        "Session {}: {}{}",
        record.id,
        ended_words(settings, &record, net),
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
    answer.facts.extend([
        length("duration_seconds", "duration", net),
        length("paused_seconds", "paused", paused),
    ]);
    answer.facts.extend(saving.iter().flat_map(Saving::facts));
    answer
        .facts
        .extend(info::facts(settings, &ended, after.as_ref()));
    answer.notes = end_notes(settings, &record);
    answer.notes.extend(saving.iter().flat_map(Saving::notes));
    answer.notes.extend(broken);
    if !changes.is_empty() {
        table.change(&mut store, &record.id, &changes)?;
    }
    store.commit()?;
    Ok(answer)
}

/// What is to be written, and the row as it is then.
fn ending(
    settings: &Settings,
    place: &TrackedPlace,
    store: &mut Store,
    record: &Record,
    saving: Option<&Saving>,
) -> Result<(Vec<(Field, Value)>, Record), Failure> {
    let mut ended = record.clone();
    let mut changes = Vec::new();
    if let Some(text) = saving.and_then(Saving::changed) {
        changes.push((Field::Information, Value::Text(text)));
    }
    if !is_completed(record) {
        changes.push((Field::Status, Value::Text(COMPLETED.to_owned())));
        ended.texts.insert(Field::Status, COMPLETED.to_owned());
    }
    if record.time(Field::Ended).is_none() {
        let start = record.time(Field::Started);
        let end = start.map_or(settings.now, |start| start.max(settings.now));
        resumed(store, place, record, start, end)?;
        changes.push((Field::Ended, Value::At(end)));
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

fn ended_words(settings: &Settings, record: &Record, net: Option<Micros>) -> String {
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
            let long = net.unwrap_or(now - start);
            format!("ended after {}", words::duration(seconds(long)))
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

fn length(name: &'static str, label: &'static str, length: Option<Micros>) -> AnswerFact {
    let cell = length.map_or(Cell::Unknown, |length| Cell::Seconds(i128::from(length)));
    AnswerFact::new(name, label, As::Duration, cell)
}

fn seconds(length: Micros) -> f64 {
    length as f64 / 1e6
}
