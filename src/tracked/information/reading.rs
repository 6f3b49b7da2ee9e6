//! A text that should be information: its keys and values, or what is wrong with it, and where.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{ANOMALIES, CONVERSATION, kind, parsed};

/// Why a text is no information, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Counted from 1.
    pub(crate) line: u64,
    /// In characters, counted from 1.
    pub(crate) column: u64,
    /// A clause.
    pub(crate) why: String,
}

/// An error where messages or anomalies are not what can be saved.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    for (key, value) in entries_of(text)? {
        let list = parsed(value.get());
        let is_list = list.is_array() || list.is_null();
        if [CONVERSATION, ANOMALIES].contains(&key.as_str()) && !is_list {
            let why = format!("\"{key}\" is {}, where a list is expected", kind(&list));
            return Err(Fault::at(text, value, why));
        }
        if key == CONVERSATION {
            check_messages(text, value)?;
        }
    }
    Ok(())
}

fn check_messages(text: &str, list: &RawValue) -> Result<(), Fault> {
    let messages: Option<Vec<&RawValue>> = serde_json::from_str(list.get()).unwrap_or_default();
    for message in messages.unwrap_or_default() {
        let value = parsed(message.get());
        let why = match &value {
            Value::Object(entries) => match entries.get("role") {
                Some(Value::String(_)) => continue,
                Some(role) => format!("a message whose \"role\" is {}, not a text", kind(role)),
                None => "a message without \"role\"".to_owned(),
            },
            _ => format!("a message is {}, where an object is expected", kind(&value)),
        };
        return Err(Fault::at(text, message, why));
    }
    Ok(())
}

/// The keys of a text that is an object, in their order, each with its value where it stands in the
/// text.
pub(super) fn entries_of(text: &str) -> Result<Vec<(String, &RawValue)>, Fault> {
    let faulty = |cause: serde_json::Error| Fault::of(text, &cause);
    let value: Value = serde_json::from_str(text).map_err(faulty)?;
    if !value.is_object() {
        let whole: &RawValue = serde_json::from_str(text).map_err(faulty)?;
        let why = format!("{}, where an object is expected", kind(&value));
        return Err(Fault::at(text, whole, why));
    }
    let Entries(entries) = serde_json::from_str(text).map_err(faulty)?;
    for (place, (key, value)) in entries.iter().enumerate() {
        if entries[..place].iter().any(|(before, _)| before == key) {
            let why = format!("the key {} stands twice", Value::from(key.as_str()));
            return Err(Fault::at(text, value, why));
        }
    }
    Ok(entries)
}

struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

impl Fault {
    /// At a value that is a part of the text.
    fn at(text: &str, value: &RawValue, why: String) -> Self {
        let offset = value.get().as_ptr().addr() - text.as_ptr().addr();
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() as u64 + 1,
            column: line.chars().count() as u64 + 1,
            why,
        }
    }

    /// As the reader of JSON says it, whose columns are bytes.
    pub(crate) fn of(text: &str, cause: &serde_json::Error) -> Self {
        let row = text.split('\n').nth(cause.line().saturating_sub(1));
        let row = row.unwrap_or_default().as_bytes();
        let before = &row[..cause.column().saturating_sub(1).min(row.len())];
        let begins_letter = |byte: &&u8| **byte & 0xC0 != 0x80;
        let said = cause.to_string();
        let why = said
            .rsplit_once(" at line ")
            .map_or(said.as_str(), |(why, _)| why);
        Self {
            line: cause.line() as u64,
            column: before.iter().filter(begins_letter).count() as u64 + 1,
            why: why.replace("EOF while parsing", "the text ends inside"),
        }
    }
}

/// `line 3, column 12: expected value`.
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column, why) = (self.line, self.column, &self.why);
        write!(out, "line {line}, column {column}: {why}")
    }
}
