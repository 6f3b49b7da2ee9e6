//! `sessionize tracked save ID` and `end ID` where the row itself keeps what was said: interviews are
//! saved as often as one likes, nothing that was saved is lost, and they end once.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read};
use std::path::Path;

use super::{answer_of, end, info, open};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::columns::Kind;
use crate::store::sessions::{ROWS, SessionTable};
use crate::store::times::Writer;
use crate::store::{Access, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::information::{Information, Joined, Offered, joined};
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

/// Saves information, if there is any, and ends the session now; one that ended keeps its end.
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
        let column = table.column(store, Field::Ended)?;
        let text = Writer::new(store, &table.table, column)?.write(settings.now);
        changes.push((Field::Ended, text));
        ended.times.insert(Field::Ended, settings.now);
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
        (_, None) => "ended".to_owned(),
    }
}

fn end_notes(settings: &Settings, record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    match record.text(Field::Status) {
        _ if is_completed(record) => {}
        Some(status) => notes.push(format!("Its status was {}.", quoted(status.as_bytes()))),
        None => notes.push("It had no status.".to_owned()),
    }
    let end = record.time(Field::Ended).unwrap_or(settings.now);
    match record.time(Field::Started) {
        None => notes
            .push("When it started is not known, and so neither is how long it lasted.".to_owned()),
        Some(start) if start > end => notes.push(format!(
            "It ends {} before it starts: one of the clocks is wrong.",
            words::duration(seconds(start - end))
        )),
        Some(_) => {}
    }
    notes
}

fn seconds(length: Micros) -> f64 {
    length as f64 / 1e6
}

/// What was saved of a session, and what is joined with it.
pub(super) struct Saving {
    saved: Information,
    offered: Offered,
    pub(super) joined: Joined,
}

impl Saving {
    /// Joins what is offered with what a session's row has.
    ///
    /// # Errors
    ///
    /// What is there cannot be read, or would be lost.
    pub(super) fn new(
        store: &Store,
        table: &SessionTable,
        record: &Record,
        offered: Offered,
    ) -> Result<Self, Failure> {
        let failure = |why: String| {
            let message = format!("session {}: {why}", record.id);
            Failure::new(error::INFORMATION, message)
                .in_source(store.place())
                .detail("nothing was written")
        };
        let column = table.column(store, Field::Information)?;
        if column.kind == Kind::Bytes {
            let name = quoted(column.name.as_bytes());
            let message = format!("column {name} holds bytes, and JSON or text is expected");
            return Err(Failure::new(error::COLUMN_TYPE, message).in_source(store.place()));
        }
        let saved = Information::of_column(record.text(Field::Information));
        let saved = saved.map_err(|fault| {
            failure(format!("what is saved cannot be read: {}", fault))
                .help("correct it or empty it first; saving over it would lose it")
        })?;
        let joined = joined(&saved, &offered.information).map_err(|why| {
            failure(format!("what is saved would be lost: {why}"))
                .help("offer the same kind of value, or leave the key out")
        })?;
        Ok(Self {
            saved,
            offered,
            joined,
        })
    }

    /// The text to be written, where it is another one than is there.
    fn changed(&self) -> Option<String> {
        let is_changed = self.joined.information != self.saved;
        is_changed.then(|| self.joined.information.text())
    }

    /// What is saved, in words.
    fn words(&self) -> String {
        let added = [
            (self.joined.messages_added, "message", "messages"),
            (self.joined.anomalies_added, "anomaly", "anomalies"),
        ];
        let added: Vec<String> = added
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| words::counted(number, one, many))
            .collect();
        match (self.changed(), added.is_empty()) {
            (None, _) => "nothing new to save".to_owned(),
            (Some(_), true) => "saved".to_owned(),
            (Some(_), false) => format!("{} saved", added.join(" and ")),
        }
    }

    pub(super) fn facts(&self) -> Vec<AnswerFact> {
        let count =
            |name, label, number| AnswerFact::new(name, label, As::Count, Cell::Count(number));
        let (joined, offered) = (&self.joined, &self.offered);
        vec![
            flag("changed", "information changed", self.changed().is_some()),
            count("messages_added", "messages added", joined.messages_added),
            count("anomalies_added", "anomalies added", joined.anomalies_added),
            count(
                "system_messages_left_out",
                "system messages left out",
                offered.system_messages,
            ),
            flag(
                "greeting_left_out",
                "greeting left out",
                offered.has_greeting,
            ),
        ]
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.joined.kept.is_empty() {
            let names = self.joined.kept.iter().map(|key| quoted(key.as_bytes()));
            let names: Vec<String> = names.collect();
            notes.push(format!(
                "Stays, since the file lacks it: {}.",
                names.join(", ")
            ));
        }
        for replaced in &self.joined.replaced {
            notes.push(format!(
                "{} was {} and is {}.",
                quoted(replaced.key.as_bytes()),
                crate::visible::shortened(&replaced.before),
                crate::visible::shortened(&replaced.after)
            ));
        }
        notes
    }
}

fn flag(name: &'static str, label: &'static str, is_so: bool) -> AnswerFact {
    AnswerFact::new(name, label, As::Flag, Cell::Flag(is_so))
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

/// Reads what is to be saved.
///
/// # Errors
///
/// A file that cannot be read, and one that is not what can be saved: the line and the column.
pub(super) fn offered(path: &OsStr) -> Result<Offered, Failure> {
    let (bytes, name) = match path == "-" {
        true => (of_stdin()?, "standard input".to_owned()),
        false => {
            let read = std::fs::read(path).map_err(|cause| {
                let message = format!("{}: {cause}", Path::new(path).display());
                Failure::new(error::UNREADABLE, message)
                    .help("--information takes a file with a JSON object, or - for standard input")
            });
            (read?, Path::new(path).display().to_string())
        }
    };
    let text = String::from_utf8(bytes).map_err(|cause| {
        let byte = cause.utf8_error().valid_up_to();
        let message = format!("{name}: byte {byte} is not UTF-8");
        Failure::new(error::ENCODING, message).help("convert the file: iconv -t UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Offered::read(text).map_err(|fault| {
        Failure::new(error::INFORMATION, format!("{name}: {}", fault))
            .at_line(fault.line)
            .detail("nothing was written")
    })
}

fn of_stdin() -> Result<Vec<u8>, Failure> {
    let mut input = std::io::stdin();
    if input.is_terminal() {
        return Err(
            Failure::new(error::STDIN, "waiting for input is off; pipe a file")
                .help("--information FILE reads a file"),
        );
    }
    let mut bytes = Vec::new();
    let read = input.read_to_end(&mut bytes);
    read.map_err(|cause| Failure::new(error::READ, format!("standard input: {cause}")))?;
    Ok(bytes)
}
