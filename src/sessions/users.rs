//! Users as keys: one `u64` per user, and the text of those whose id is no small number. Every
//! reading thread interns on its own; `Texts::unite` makes one numbering of all of them.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::events::{UserId, canonical_number};

/// Numbers of this size and more are interned like text, so that a tag bit fits beside them.
const NUMBER_LIMIT: i64 = 1 << 62;

/// A user as the engine carries it: a number shifted by the tag bit, or the index of its text with
/// the tag bit set. Keys never decide the order of output.
pub(crate) type Key = u64;

/// The key of a number, where it fits.
pub(crate) fn number_key(number: i64) -> Option<Key> {
    (-NUMBER_LIMIT..NUMBER_LIMIT)
        .contains(&number)
        .then_some((number as u64) << 1)
}

/// A fixed, well-mixed hash of a key or a number.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 32)
}

/// A fixed hash of an id's text, so that a user's partition never depends on arrival.
pub(crate) fn text_hash(text: &str) -> u64 {
    FixedState::with_seed(7).hash_one(text.as_bytes())
}

struct Entry {
    hash: u64,
    from: usize,
    len: u32,
}

/// Interned id texts.
#[derive(Default)]
pub struct Texts {
    table: HashTable<u32>,
    entries: Vec<Entry>,
    text: String,
}

impl Texts {
    /// The key of an id's text, kept once. `hash` is its [`text_hash`].
    pub(crate) fn intern(&mut self, text: &str, hash: u64) -> Key {
        let Self {
            table,
            entries,
            text: kept,
        } = self;
        let found = table.entry(
            hash,
            |&index| get(kept, &entries[index as usize]) == text,
            |&index| entries[index as usize].hash,
        );
        let index = *found
            .or_insert_with(|| {
                u32::try_from(entries.len()).expect("under four billion users fit in memory")
            })
            .get();
        if index as usize == entries.len() {
            entries.push(Entry {
                hash,
                from: kept.len(),
                len: text.len() as u32,
            });
            kept.push_str(text);
        }
        (u64::from(index) << 1) | 1
    }

    /// The user behind a key of this numbering.
    pub fn user(&self, key: u64) -> UserId<'_> {
        if key & 1 == 0 {
            return UserId::Number((key as i64) >> 1);
        }
        let text = get(&self.text, &self.entries[(key >> 1) as usize]);
        canonical_number(text.as_bytes()).map_or(UserId::Text(text), UserId::Number)
    }

    /// One numbering of several: the texts, and for each of the given its indices in the new one.
    pub(crate) fn unite(all: Vec<Texts>) -> (Texts, Vec<Vec<u32>>) {
        let mut all = all.into_iter();
        let mut united = all.next().unwrap_or_default();
        let mut renumbered = vec![(0..united.entries.len() as u32).collect::<Vec<_>>()];
        for texts in all {
            renumbered.push(
                texts
                    .entries
                    .iter()
                    .map(|entry| (united.intern(get(&texts.text, entry), entry.hash) >> 1) as u32)
                    .collect(),
            );
        }
        (united, renumbered)
    }
}

fn get<'a>(text: &'a str, entry: &Entry) -> &'a str {
    &text[entry.from..entry.from + entry.len as usize]
}
