//! What a saved interview holds, as JSON: read, freed of what is never saved, joined with what was
//! saved before so that nothing of it is lost, and counted. Values keep the text they were written
//! in, so that long numbers and the order of keys survive.

mod joining;
mod reading;

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use self::reading::{check, entries_of};

pub(crate) use self::joining::{Joined, joined};
pub(crate) use self::reading::Fault;

/// The key of the messages.
pub(crate) const CONVERSATION: &str = "conversation_history";
/// The key of the anomalies.
pub(crate) const ANOMALIES: &str = "anomalies_detected";

/// The role of messages that are never saved.
const SYSTEM: &str = "system";
/// The role of the person who is interviewed.
const USER: &str = "user";
/// The message by which an application opens a conversation in the person's name.
const GREETING: &str = "Hello";

/// An object: its keys in their order, each with the text of its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Information {
    entries: Vec<(String, String)>,
}

/// What of a text is to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) information: Information,
    /// How many messages of the role `system` were left out.
    pub(crate) system_messages: u64,
    /// Whether the first message of the user was the greeting and was left out.
    pub(crate) has_greeting: bool,
}

impl Information {
    /// Reads an object.
    ///
    /// # Errors
    ///
    /// A text that is no JSON, no object, or names a key twice.
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let entries = entries_of(text)?.into_iter();
        let owned = |(key, value): (String, &RawValue)| (key, value.get().to_owned());
        Ok(Self {
            entries: entries.map(owned).collect(),
        })
    }

    /// Reads what a column holds: nothing at all is an object without keys.
    ///
    /// # Errors
    ///
    /// As [`Information::read`].
    pub(crate) fn of_column(cell: Option<&str>) -> Result<Self, Fault> {
        match cell.map(str::trim) {
            None | Some("" | "null") => Ok(Self::default()),
            Some(_) => Self::read(cell.unwrap_or_default()),
        }
    }

    /// As JSON.
    pub(crate) fn text(&self) -> String {
        object_text(&self.entries)
    }

    /// The value of a key as text: a text itself, anything else as JSON; `None` where nothing is
    /// said.
    pub(crate) fn said(&self, key: &str) -> Option<String> {
        match parsed(self.raw(key)?) {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => self.raw(key).map(str::to_owned),
        }
    }

    /// How many messages there are of each role, those without one under an empty text; `None` where
    /// there is no list of them.
    pub(crate) fn messages(&self) -> Option<BTreeMap<String, u64>> {
        let list = self.elements(CONVERSATION)?;
        Some(list.iter().fold(BTreeMap::new(), |mut roles, message| {
            *roles.entry(message.role().to_owned()).or_default() += 1;
            roles
        }))
    }

    /// How many anomalies there are; `None` where there is no list of them.
    pub(crate) fn anomalies(&self) -> Option<u64> {
        Some(self.elements(ANOMALIES)?.len() as u64)
    }

    fn raw(&self, key: &str) -> Option<&str> {
        let mut found = self.entries.iter().filter(|(name, _)| name == key);
        found.next().map(|(_, value)| value.as_str())
    }

    fn elements(&self, key: &str) -> Option<Vec<Element<'_>>> {
        elements(self.raw(key)?)
    }

    fn replace(&mut self, key: &str, value: String) {
        for (name, text) in &mut self.entries {
            if name == key {
                *text = value.clone();
            }
        }
    }
}

impl Offered {
    /// Reads what is to be saved, without messages of the role `system` and without a first message of
    /// the role `user` whose whole text is `Hello`.
    ///
    /// # Errors
    ///
    /// As [`Information::read`]; messages that are no list of objects with a role; anomalies that are
    /// no list.
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        check(text)?;
        let mut offered = Self {
            information: Information::read(text)?,
            system_messages: 0,
            has_greeting: false,
        };
        let compacted = offered.information.entries.iter();
        offered.information.entries = compacted
            .map(|(key, value)| (key.clone(), compact(value)))
            .collect();
        if let Some(messages) = offered.information.elements(CONVERSATION) {
            let said = spoken(&messages);
            let is_system = |message: &&Element<'_>| message.role() == SYSTEM;
            let system_messages = messages.iter().filter(is_system).count();
            let left_out = messages.len() - said.len();
            let text = list_text(&said);
            offered.system_messages = system_messages as u64;
            offered.has_greeting = left_out > system_messages;
            offered.information.replace(CONVERSATION, text);
        }
        Ok(offered)
    }
}

/// The messages that are saved.
fn spoken<'a>(messages: &'a [Element<'a>]) -> Vec<&'a Element<'a>> {
    let mut is_first = true;
    let is_spoken = |message: &&Element<'_>| match message.role() {
        SYSTEM => false,
        USER => !(std::mem::take(&mut is_first) && message.content() == Some(GREETING)),
        _ => true,
    };
    messages.iter().filter(is_spoken).collect()
}

fn all<'a>(list: &'a [Element<'a>]) -> Vec<&'a Element<'a>> {
    list.iter().collect()
}

/// One value of a list.
#[derive(Clone, Debug)]
struct Element<'a> {
    text: &'a str,
    value: Value,
    canonical: String,
}

impl Element<'_> {
    fn role(&self) -> &str {
        self.value["role"].as_str().unwrap_or_default()
    }

    fn content(&self) -> Option<&str> {
        self.value["content"].as_str()
    }

    /// Whether both say the same, however it is written.
    fn is(&self, other: &Element<'_>) -> bool {
        self.canonical == other.canonical
    }
}

fn elements(list: &str) -> Option<Vec<Element<'_>>> {
    let texts: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    let elements = texts.into_iter().map(|text| {
        let value = parsed(text.get());
        Element {
            text: text.get(),
            canonical: canonical(&value),
            value,
        }
    });
    Some(elements.collect())
}

/// A value whose text was read before.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value as one text, whatever the order of its keys and the notation of its numbers.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: BTreeMap<&String, String> = entries
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            let entries = entries.iter().map(|(key, value)| {
                let key = Value::from(key.as_str());
                format!("{key}:{value}")
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(canonical).collect();
            format!("[{}]", list.join(","))
        }
        Value::Number(number) => match number.as_f64() {
            Some(real) if !number.is_i64() && !number.is_u64() => real.to_string(),
            _ => number.to_string(),
        },
        _ => value.to_string(),
    }
}

/// A value without the blanks between its parts.
fn compact(text: &str) -> String {
    let (mut is_inside, mut is_escaped) = (false, false);
    let is_kept = |letter: &char| {
        if is_inside {
            is_inside = is_escaped || *letter != '"';
            is_escaped = !is_escaped && *letter == '\\';
            return true;
        }
        is_inside = *letter == '"';
        !letter.is_ascii_whitespace()
    };
    text.chars().filter(is_kept).collect()
}

fn object_text(entries: &[(String, String)]) -> String {
    let entries = entries.iter().map(|(key, value)| {
        let key = Value::from(key.as_str());
        format!("{key}: {value}")
    });
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

fn list_text(elements: &[&Element<'_>]) -> String {
    let texts: Vec<&str> = elements.iter().map(|element| element.text).collect();
    format!("[{}]", texts.join(", "))
}

/// What a value is, with its article.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
