//! What is to be saved of an interview: read from a file, and joined with what its row has.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read};
use std::path::Path;

use crate::error::{self, Failure};
use crate::report::answer::{AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::store::Store;
use crate::store::columns::Kind;
use crate::store::sessions::SessionTable;
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::information::{Information, Joined, Offered, joined};
use crate::tracked::record::Record;

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
    pub(super) fn changed(&self) -> Option<String> {
        let is_changed = self.joined.information != self.saved;
        is_changed.then(|| self.joined.information.text())
    }

    /// What is saved, in words.
    pub(super) fn words(&self) -> String {
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

pub(super) fn flag(name: &'static str, label: &'static str, is_so: bool) -> AnswerFact {
    AnswerFact::new(name, label, As::Flag, Cell::Flag(is_so))
}
