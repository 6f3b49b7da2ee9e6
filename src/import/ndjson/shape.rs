//! What the first lines of a file tell: whether it is NDJSON at all, and which keys there are.

use std::collections::HashSet;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::fault_in_words;
use super::fields::{Fault, is_too_deep};
use crate::error::{self, Failure};
use crate::import::columns::{self, AskedColumns, Wanted};

/// How many lines and bytes at most stand for the header; never more than one line when it is
/// longer. Fixed, so that no result depends on how the file is cut for reading.
pub(crate) const LINES: usize = 100;
/// See [`LINES`].
pub(crate) const BYTES: usize = 256 << 10;

/// The first lines.
#[derive(Default)]
pub(crate) struct Shape {
    /// The keys of their objects, in the order in which they appear.
    pub(crate) keys: Vec<String>,
    /// Number, from 1, and fault of the first line that is no object.
    pub(crate) bad: Option<(u64, String)>,
    /// Whether any line is not blank.
    pub(crate) has_lines: bool,
}

impl Shape {
    /// Of the bytes a file begins with, which hold one whole line at least, or all there is.
    pub(crate) fn of(start: &[u8], is_all: bool) -> Result<Self, Failure> {
        let mut shape = Self::default();
        let mut seen = HashSet::new();
        let lines: Vec<(u64, &[u8])> = whole_lines(start, is_all)
            .filter(|(_, line)| !is_blank(line))
            .collect();
        refuse_other_json(&lines)?;
        for (number, line) in lines {
            shape.has_lines = true;
            match object_keys(line) {
                Ok(keys) => {
                    let new = keys.into_iter().filter(|key| seen.insert(key.clone()));
                    shape.keys.extend(new);
                }
                Err(what) => drop(shape.bad.get_or_insert((number, what))),
            }
        }
        Ok(shape)
    }
}

/// The first lines that are whole, numbered from 1.
fn whole_lines(start: &[u8], is_all: bool) -> impl Iterator<Item = (u64, &[u8])> {
    let mut from = 0;
    (1..=LINES as u64).map_while(move |number| {
        let rest = &start[from..];
        let end = match memchr::memchr(b'\n', rest) {
            Some(end) => end,
            None if is_all && !rest.is_empty() => rest.len(),
            None => return None,
        };
        if from > 0 && from + end > BYTES {
            return None;
        }
        from = (from + end + 1).min(start.len());
        Some((number, &rest[..end]))
    })
}

/// Whether a line holds nothing but what JSON takes for space.
#[inline]
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// One JSON text over many lines, or one big array, is not NDJSON.
fn refuse_other_json(lines: &[(u64, &[u8])]) -> Result<(), Failure> {
    let begins = |line: &[u8]| line.trim_ascii_start().first().copied();
    let second = lines.get(1).and_then(|(_, line)| begins(line));
    let Some((_, first)) = lines.first() else {
        return Ok(());
    };
    if is_too_deep(first) {
        return Ok(());
    }
    let parsed = serde_json::from_slice::<IgnoredAny>(first);
    let message = match (begins(first), parsed) {
        // A single line of an array among lines of objects is only a line to refuse.
        (Some(b'['), Ok(_)) if second == Some(b'{') => return Ok(()),
        (Some(b'['), _) => "looks like a JSON array, not NDJSON; use jq -c '.[]'",
        (Some(b'{'), Err(fault)) if fault.is_eof() && matches!(second, Some(b'"' | b'}')) => {
            "looks like JSON over many lines, not NDJSON; use jq -c ."
        }
        _ => return Ok(()),
    };
    Err(Failure::new(error::FORMAT, message))
}

/// The keys of a line's object, or what is wrong with the line.
fn object_keys(line: &[u8]) -> Result<Vec<String>, String> {
    if is_too_deep(line) {
        return Err("nesting too deep".to_owned());
    }
    // The package's map keeps the last of equal keys, which is enough for their names; pairs keep
    // their order.
    serde_json::from_slice::<Pairs>(line)
        .map(|pairs| pairs.0)
        .map_err(|fault| fault_in_words(&Fault::Syntax(fault), line).1)
}

struct Pairs(Vec<String>);

impl<'t> serde::Deserialize<'t> for Pairs {
    fn deserialize<D: serde::Deserializer<'t>>(object: D) -> Result<Self, D::Error> {
        object.deserialize_map(Keys)
    }
}

struct Keys;

impl<'t> serde::de::Visitor<'t> for Keys {
    type Value = Pairs;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'t>>(self, mut object: A) -> Result<Pairs, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = object.next_key::<String>()? {
            object.next_value::<IgnoredAny>()?;
            keys.push(key);
        }
        Ok(Pairs(keys))
    }
}

/// The names of the fields that are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub(crate) user: String,
    pub(crate) time: String,
    pub(crate) time_of_day: Option<String>,
    pub(crate) source: Option<String>,
    /// Those that were found by their known names: what each holds, and its name.
    pub(crate) recognised: Vec<(&'static str, String)>,
}

impl Columns {
    /// By what is asked for, else by the known names among the keys of the first lines.
    pub(crate) fn among(shape: &Shape, asked: &AskedColumns) -> Result<Self, Failure> {
        let mut recognised = Vec::new();
        let mut find = |wanted: Wanted, asked: Option<&String>| match asked {
            Some(name) => asked_key(&shape.keys, wanted, name),
            None => {
                let name = known_key(shape, wanted)?;
                recognised.push((wanted.what, name.clone()));
                Ok(name)
            }
        };
        let user = find(asked.rows.user(), asked.user.as_ref())?;
        let time = find(asked.rows.time(), asked.time.first())?;
        let time_of_day = asked.time.get(1);
        let time_of_day = time_of_day.map(|name| find(columns::TIME, Some(name)));
        let source = asked.third();
        let source = source.map(|(wanted, name)| find(wanted, name));
        Ok(Self {
            user,
            time,
            time_of_day: time_of_day.transpose()?,
            source: source.transpose()?,
            recognised,
        })
    }
}

/// The key that is asked for as it is written in the file; a key may come later, or be a path.
fn asked_key(keys: &[String], wanted: Wanted, name: &str) -> Result<String, Failure> {
    match columns::choose(keys, wanted, Some(name)) {
        Ok(index) => Ok(keys[index].clone()),
        Err(failure) if failure.id == error::NO_COLUMN => Ok(name.to_owned()),
        Err(failure) => Err(failure),
    }
}

fn known_key(shape: &Shape, wanted: Wanted) -> Result<String, Failure> {
    match (&shape.bad, shape.keys.is_empty()) {
        (Some((line, what)), true) => Err(Failure::new(
            error::FORMAT,
            format!("is not NDJSON: line {line} is no JSON object ({what})"),
        )),
        (None, true) => Err(Failure::new(
            error::NO_COLUMN,
            format!(
                "no {} column: the first lines are empty objects",
                wanted.what
            ),
        )),
        _ => columns::choose(&shape.keys, wanted, None).map(|index| shape.keys[index].clone()),
    }
}

/// What a cell holds.
pub(crate) enum Cell<'t> {
    /// A string without escapes.
    Text(&'t [u8]),
    /// A string with escapes, as written.
    Escaped(&'t str),
    /// Plain digits, perhaps after a minus.
    Integer(&'t [u8]),
    /// Any other number, as written.
    Real(&'t [u8]),
    /// Null, or no value at all.
    Missing,
    /// Something else, in words.
    Other(&'static str),
}

impl<'t> Cell<'t> {
    #[inline]
    pub(crate) fn of(value: Option<&'t RawValue>) -> Self {
        let Some(value) = value else {
            return Cell::Missing;
        };
        let text = value.get();
        let bytes = text.as_bytes();
        match bytes {
            [b'"', inner @ .., b'"'] => match memchr::memchr(b'\\', inner) {
                None => Cell::Text(inner),
                Some(_) => Cell::Escaped(text),
            },
            [b'n', ..] => Cell::Missing,
            [b't' | b'f', ..] => Cell::Other("a boolean"),
            [b'[', ..] => Cell::Other("an array"),
            [b'{', ..] => Cell::Other("an object"),
            _ if bytes.iter().all(|byte| matches!(byte, b'-' | b'0'..=b'9')) => {
                Cell::Integer(bytes)
            }
            _ => Cell::Real(bytes),
        }
    }
}
