//! The asked-for values of one object, as the text they are written in. All syntax is checked by
//! serde_json; what is not asked for is passed over, and no number is ever turned into a float.

use std::fmt;

use memchr::memchr2_iter;
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::de::{Read, SliceRead, StrRead};
use serde_json::value::RawValue;

/// The deepest nesting that is read, serde_json's own limit for what it builds.
pub(crate) const MAX_DEPTH: usize = 128;

/// What is asked for: dotted paths, in the order of the fields.
///
/// A key that itself holds the dot is preferred: `a.b.c` is the key `a.b.c`, else `c` in `a.b`,
/// else `b.c` in `a`, and so on down.
pub(crate) struct Paths {
    /// The first is that of the line's own object and has all fields; each other one has the one
    /// field that is the rest of a path.
    levels: Vec<Level>,
}

#[derive(Default)]
struct Level {
    /// The keys that matter in an object.
    keys: Vec<Box<[u8]>>,
    /// For each field its ways, the preferred first.
    ways: Vec<Vec<Way>>,
}

/// A key, and the level in which its value is looked into; `None`: the value itself.
struct Way {
    key: usize,
    level: Option<usize>,
}

/// A text of JSON, as far as it is known to be UTF-8.
#[derive(Clone, Copy)]
pub(crate) enum Text<'t> {
    /// It is.
    Checked(&'t str),
    /// Only what is asked for need be.
    Raw(&'t [u8]),
}

impl<'t> Text<'t> {
    #[inline]
    pub(crate) fn bytes(self) -> &'t [u8] {
        match self {
            Text::Checked(text) => text.as_bytes(),
            Text::Raw(text) => text,
        }
    }
}

/// The values of an object's keys that matter, by key.
pub(crate) type Found<'t> = Vec<Option<&'t RawValue>>;

/// Why an object is not used.
pub(crate) enum Fault {
    /// It is no object, or no JSON.
    Syntax(serde_json::Error),
    /// This key stands twice in it.
    Doubled(String),
}

impl Paths {
    pub(crate) fn new(paths: &[&str]) -> Self {
        let mut levels = vec![Level::default()];
        for path in paths {
            let ways = ways(&mut levels, 0, path);
            levels[0].ways.push(ways);
        }
        Self { levels }
    }

    /// Reads one object that is all of `text`.
    pub(crate) fn read<'t>(&self, text: Text<'t>, found: &mut Found<'t>) -> Result<(), Fault> {
        self.levels[0].read(text, found)
    }

    /// The value of a field among those found; `None` when it is missing.
    #[inline]
    pub(crate) fn value<'t>(
        &self,
        field: usize,
        found: &Found<'t>,
    ) -> Result<Option<&'t RawValue>, Fault> {
        match self.levels[0].ways[field].first() {
            Some(Way { key, level: None }) if found[*key].is_some() => Ok(found[*key]),
            _ => self.follow(0, field, found),
        }
    }

    fn follow<'t>(
        &self,
        level: usize,
        field: usize,
        found: &Found<'t>,
    ) -> Result<Option<&'t RawValue>, Fault> {
        for way in &self.levels[level].ways[field] {
            let Some(value) = found[way.key] else {
                continue;
            };
            let Some(level) = way.level else {
                return Ok(Some(value));
            };
            if !value.get().starts_with('{') {
                continue;
            }
            let mut inner = Found::new();
            self.levels[level].read(Text::Checked(value.get()), &mut inner)?;
            if let Some(value) = self.follow(level, 0, &inner)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// The ways of a path from a level, and the levels below it.
fn ways(levels: &mut Vec<Level>, from: usize, path: &str) -> Vec<Way> {
    let dots: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
    let mut ways = vec![Way {
        key: levels[from].key(path),
        level: None,
    }];
    if dots.len() >= MAX_DEPTH {
        return ways;
    }
    // The rest after each dot, from the last on, so that every level's own levels are there.
    let first = levels.len();
    let level_of = |dot: usize| first + dots.len() - 1 - dot;
    for (number, dot) in dots.iter().enumerate().rev() {
        let rest = &path[dot + 1..];
        let mut level = Level::default();
        let mut inner = vec![Way {
            key: level.key(rest),
            level: None,
        }];
        for later in (number + 1..dots.len()).rev() {
            inner.push(Way {
                key: level.key(&path[dot + 1..dots[later]]),
                level: Some(level_of(later)),
            });
        }
        level.ways.push(inner);
        levels.push(level);
    }
    for (number, dot) in dots.iter().enumerate().rev() {
        ways.push(Way {
            key: levels[from].key(&path[..*dot]),
            level: Some(level_of(number)),
        });
    }
    ways
}

impl Level {
    /// The number of a key, which is added if it is new.
    fn key(&mut self, name: &str) -> usize {
        let known = self.keys.iter().position(|key| **key == *name.as_bytes());
        known.unwrap_or_else(|| {
            self.keys.push(name.as_bytes().into());
            self.keys.len() - 1
        })
    }

    #[inline]
    fn read<'t>(&self, text: Text<'t>, found: &mut Found<'t>) -> Result<(), Fault> {
        match text {
            Text::Checked(text) => self.object(StrRead::new(text), found),
            Text::Raw(text) => self.object(SliceRead::new(text), found),
        }
    }

    #[inline]
    fn object<'t>(&self, text: impl Read<'t>, found: &mut Found<'t>) -> Result<(), Fault> {
        found.clear();
        found.resize(self.keys.len(), None);
        let mut reader = serde_json::Deserializer::new(text);
        let object = Object {
            keys: &self.keys,
            found,
        };
        let doubled = reader.deserialize_map(object).map_err(Fault::Syntax)?;
        reader.end().map_err(Fault::Syntax)?;
        match doubled {
            None => Ok(()),
            Some(key) => Err(Fault::Doubled(
                String::from_utf8_lossy(&self.keys[key]).into_owned(),
            )),
        }
    }
}

/// Takes the values of the keys that matter; gives the first of them that stands twice.
struct Object<'a, 't> {
    keys: &'a [Box<[u8]>],
    found: &'a mut Found<'t>,
}

impl<'t> Visitor<'t> for Object<'_, 't> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    #[inline]
    fn visit_map<A: MapAccess<'t>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut doubled = None;
        while let Some(key) = object.next_key_seed(Key { keys: self.keys })? {
            let Some(key) = key else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = object.next_value::<&RawValue>()?;
            if self.found[key].replace(value).is_some() {
                doubled.get_or_insert(key);
            }
        }
        Ok(doubled)
    }
}

/// Which of the keys that matter a key is. Asked for as text, not as bytes: the package lets control
/// characters pass in bytes.
struct Key<'a> {
    keys: &'a [Box<[u8]>],
}

impl<'t> DeserializeSeed<'t> for Key<'_> {
    type Value = Option<usize>;

    #[inline]
    fn deserialize<D: serde::Deserializer<'t>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let name = name.as_bytes();
        Ok(self.keys.iter().position(|key| **key == *name))
    }
}

/// Whether arrays and objects are nested deeper than [`MAX_DEPTH`]; brackets inside strings are
/// text. The text need not be JSON.
#[inline]
pub(crate) fn is_too_deep(text: &[u8]) -> bool {
    text.len() > MAX_DEPTH
        && memchr2_iter(b'[', b'{', text).nth(MAX_DEPTH).is_some()
        && deepest(text) > MAX_DEPTH
}

fn deepest(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = end_of_string(text, at),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// The place of the quote that closes the string whose quote is at `at`, or the last place.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    loop {
        at += 1;
        match text.get(at) {
            Some(b'\\') => at += 1,
            Some(b'"') | None => return at,
            Some(_) => {}
        }
    }
}
