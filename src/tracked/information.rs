//! What a saved interview holds, as JSON: read, freed of what is never saved, joined with what was
//! saved before so that nothing of it is lost, and counted. Values keep the text they were written
//! in, so that long numbers and the order of keys survive.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

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

/// What of a text is to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) information: Information,
    /// How many messages of the role `system` were left out.
    pub(crate) system_messages: u64,
    /// Whether the first message of the user was the greeting and was left out.
    pub(crate) has_greeting: bool,
}

/// What was saved, and after it what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) information: Information,
    pub(crate) messages_added: u64,
    pub(crate) anomalies_added: u64,
    /// Keys that were saved and that the offer lacks.
    pub(crate) kept: Vec<String>,
    /// Values in whose place others came.
    pub(crate) replaced: Vec<Replaced>,
}

/// A value in whose place another one came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// Its key, behind those of the objects around it and dots.
    pub(crate) key: String,
    /// JSON.
    pub(crate) before: String,
    /// JSON.
    pub(crate) after: String,
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

/// Joins what was saved with what is offered, so that nothing that was saved is lost:
///
/// - a key that the offer lacks, or of which it says nothing (null, an empty text, list or object),
///   stays; objects are joined key by key;
/// - a single value gives way to the offered one;
/// - of messages, and of lists that are not known, what follows those that both share is added at the
///   end, unless it stands there already: an earlier state, or the same one again, adds nothing;
/// - of anomalies those are added that are not there yet.
///
/// Joining the same offer again changes nothing.
///
/// # Errors
///
/// A list or an object in whose place something else is offered (a clause).
pub(crate) fn joined(saved: &Information, offered: &Information) -> Result<Joined, String> {
    let mut joined = Joined::default();
    let entries = joined.object("", &saved.entries, &offered.entries)?;
    joined.information = Information { entries };
    let lacks = |(key, _): &&(String, String)| offered.raw(key).is_none();
    let kept = saved.entries.iter().filter(lacks);
    joined.kept = kept.map(|(key, _)| key.clone()).collect();
    let messages = |of: &Information| of.elements(CONVERSATION).map_or(0, |all| all.len()) as u64;
    let anomalies = |of: &Information| of.anomalies().unwrap_or(0);
    joined.messages_added = messages(&joined.information).saturating_sub(messages(saved));
    joined.anomalies_added = anomalies(&joined.information).saturating_sub(anomalies(saved));
    Ok(joined)
}

impl Joined {
    fn object(
        &mut self,
        path: &str,
        saved: &[(String, String)],
        offered: &[(String, String)],
    ) -> Result<Vec<(String, String)>, String> {
        let mut entries = saved.to_vec();
        for (key, value) in offered {
            match entries.iter_mut().find(|(name, _)| name == key) {
                None => entries.push((key.clone(), compact(value))),
                Some((_, text)) => {
                    let path = match path {
                        "" => key.clone(),
                        path => format!("{path}.{key}"),
                    };
                    *text = self.value(&path, text, value)?;
                }
            }
        }
        Ok(entries)
    }

    fn value(&mut self, path: &str, saved: &str, offered: &str) -> Result<String, String> {
        let (before, after) = (parsed(saved), parsed(offered));
        let is_new = before.is_null() || says_nothing(&before) && !says_nothing(&after);
        if canonical(&before) == canonical(&after) {
            return Ok(saved.to_owned());
        }
        if is_new {
            return Ok(compact(offered));
        }
        if says_nothing(&after) {
            return Ok(saved.to_owned());
        }
        match (&before, &after) {
            (Value::Object(_), Value::Object(_)) => self.nested(path, saved, offered),
            (Value::Array(_), Value::Array(_)) => Ok(joined_list(path, saved, offered)),
            (Value::Object(_) | Value::Array(_), _) => Err(format!(
                "\"{path}\" holds {}, which would be lost for {}",
                kind(&before),
                kind(&after)
            )),
            _ => {
                self.replaced.push(Replaced {
                    key: path.to_owned(),
                    before: saved.to_owned(),
                    after: compact(offered),
                });
                Ok(compact(offered))
            }
        }
    }

    fn nested(&mut self, path: &str, saved: &str, offered: &str) -> Result<String, String> {
        let of = |text: &str| {
            let read = Information::read(text);
            read.map_err(|fault| format!("\"{path}\": {}", fault.why))
        };
        let (before, after) = (of(saved)?, of(offered)?);
        let entries = self.object(path, &before.entries, &after.entries)?;
        Ok(match entries == before.entries {
            true => saved.to_owned(),
            false => object_text(&entries),
        })
    }
}

/// A list's text with what another one adds to it.
fn joined_list(path: &str, saved: &str, offered: &str) -> String {
    let (before, after) = (elements(saved), elements(offered));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let added = match path {
        ANOMALIES => beyond(&before, &after),
        CONVERSATION => continued(&before, &all(&after)),
        _ => following(&all(&before), &all(&after)),
    };
    if added.is_empty() {
        return saved.to_owned();
    }
    let mut texts: Vec<&str> = before.iter().map(|element| element.text).collect();
    texts.extend(added.iter().map(|element| element.text));
    format!("[{}]", texts.join(", "))
}

/// What messages add to those that were saved, whoever saved them: an application may have kept what
/// is left out here, also a greeting, which nobody can tell from a person's own `Hello`.
fn continued<'a>(saved: &[Element<'_>], offered: &[&'a Element<'a>]) -> Vec<&'a Element<'a>> {
    let mut whole = all(saved);
    whole.retain(|message| message.role() != SYSTEM);
    let added = [whole, spoken(saved)].map(|saved| following(&saved, offered));
    let [one, other] = added;
    if other.len() < one.len() { other } else { one }
}

/// What of a list comes after what another one holds already.
fn following<'a, 'b>(
    saved: &[&'b Element<'b>],
    offered: &[&'a Element<'a>],
) -> Vec<&'a Element<'a>> {
    let pairs = saved.iter().zip(offered);
    let shared = pairs.take_while(|(one, other)| one.is(other)).count();
    let (saved, offered) = (&saved[shared..], &offered[shared..]);
    let is_at = |from: usize, length: usize| {
        let there = saved[from..from + length].iter();
        there.zip(offered).all(|(one, other)| one.is(other))
    };
    let lasts = saved.len().checked_sub(offered.len());
    if lasts.is_some_and(|last| (0..=last).any(|from| is_at(from, offered.len()))) {
        return Vec::new();
    }
    let overlap = (1..=saved.len().min(offered.len())).rev();
    let overlap = overlap
        .into_iter()
        .find(|length| is_at(saved.len() - length, *length));
    offered[overlap.unwrap_or(0)..].to_vec()
}

/// What of a list another one does not hold, or not as often.
fn beyond<'a>(saved: &[Element<'_>], offered: &'a [Element<'a>]) -> Vec<&'a Element<'a>> {
    let mut there: HashMap<&str, u64> = HashMap::new();
    for element in saved {
        *there.entry(&element.canonical).or_default() += 1;
    }
    let is_new = |element: &&Element<'_>| match there.get_mut(element.canonical.as_str()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    offered.iter().filter(is_new).collect()
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

/// An error where messages or anomalies are not what can be saved.
fn check(text: &str) -> Result<(), Fault> {
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
fn entries_of(text: &str) -> Result<Vec<(String, &RawValue)>, Fault> {
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
