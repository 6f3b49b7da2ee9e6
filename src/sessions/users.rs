//! Users as keys: one `u64` per user, and the text of those whose id is no small number, kept once.
//! Texts are interned in shards by their hash, each behind its own lock, some hundreds at a time.

use foldhash::fast::FixedState;
use std::hash::BuildHasher;

use crate::events::{UserId, canonical_number};

/// Numbers of this size and more are interned like text, so that a tag bit fits beside them.
const NUMBER_LIMIT: i64 = 1 << 62;

/// A user as the engine carries it: a number shifted by the tag bit, or the place of its text with
/// the tag bit set. Keys never decide the order of output.
pub(crate) type Key = u64;

/// How many partitions there are, and so shards of texts; 512 was measured to beat 2048 at a hundred
/// million events.
pub(crate) const PARTITIONS: usize = 512;

/// Bits of a key that hold a text's place within its shard.
const PLACE_BITS: u32 = 40;

/// Bits of a key that hold the shard.
const SHARD_BITS: u32 = PARTITIONS.ilog2();

/// The bit of a key, behind its tag bit, that tells a UUID's number from a text's place.
const UUID: u64 = 1 << (PLACE_BITS + SHARD_BITS);

/// The key of a number, where it fits.
pub(crate) fn number_key(number: i64) -> Option<Key> {
    (-NUMBER_LIMIT..NUMBER_LIMIT)
        .contains(&number)
        .then_some((number as u64) << 1)
}

/// A fixed, well-mixed hash of a key or a number.
#[inline]
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 32)
}

/// A fixed hash of an id's text, so that a user's partition never depends on arrival.
pub(crate) fn text_hash(text: &[u8]) -> u64 {
    FixedState::with_seed(7).hash_one(text)
}

/// A fixed hash of a user, who is a number wherever its text is one.
pub(crate) fn user_hash(user: UserId<'_>) -> u64 {
    match user {
        UserId::Number(number) => mix(number as u64),
        UserId::Text(text) => text_hash(text.as_bytes()),
    }
}

/// Interned id texts, by shard.
#[derive(Debug, Default)]
pub struct Texts {
    shards: Vec<Shard>,
}

impl Texts {
    /// Of all shards, in their order.
    pub(crate) fn new(shards: Vec<Shard>) -> Self {
        Self { shards }
    }

    /// The user behind a key, whose text may be written to `text`.
    pub fn user<'t>(&'t self, key: u64, text: &'t mut String) -> UserId<'t> {
        if key & 1 == 0 {
            return UserId::Number((key as i64) >> 1);
        }
        let key = key >> 1;
        let shard = &self.shards[(key >> PLACE_BITS) as usize % PARTITIONS];
        let place = (key & ((1 << PLACE_BITS) - 1)) as usize;
        if key & UUID != 0 {
            let mut buffer = uuid::Uuid::encode_buffer();
            let [high, low] = shard.uuids.ids[place];
            let uuid = uuid::Uuid::from_u64_pair(high, low);
            text.clear();
            text.push_str(uuid.hyphenated().encode_lower(&mut buffer));
            return UserId::Text(text);
        }
        let bytes = shard.text(place);
        // Ids come as text, so this cannot replace anything.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        canonical_number(bytes).map_or(UserId::Text(text), UserId::Number)
    }
}

/// The texts of one partition's users: a table of places, and the texts one after the
/// other, each behind its length.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// The shard's number, in the place where keys have it.
    number: u64,
    /// Some bits of the hash above, the text's place plus one below; 0 is empty. A power of two long.
    slots: Vec<u64>,
    texts: Vec<u8>,
    count: usize,
    uuids: Uuids,
}

/// A UUID as two numbers, the high one first.
pub(crate) type Uuid = [u64; 2];

/// UUIDs in their one usual form, which are kept as numbers.
#[derive(Debug, Default)]
struct Uuids {
    /// The high half of a hash, and the UUID's number plus one below it; 0 is empty. A power of two
    /// long.
    slots: Vec<u64>,
    /// By number.
    ids: Vec<Uuid>,
}

impl Uuids {
    #[inline]
    fn number(&mut self, uuid: Uuid, hash: u64) -> u32 {
        if (self.ids.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let last = self.slots.len() - 1;
        let mut place = hash as usize & last;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                self.ids.push(uuid);
                let count = u32::try_from(self.ids.len());
                let count = count.expect("under four billion ids of a shard fit in memory");
                self.slots[place] = (hash >> 32 << 32) | u64::from(count);
                return count - 1;
            }
            let number = slot as u32 - 1;
            if slot >> 32 == hash >> 32 && self.ids[number as usize] == uuid {
                return number;
            }
            place = (place + 1) & last;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(64);
        let mut slots = vec![0; length];
        for (number, &uuid) in (1..).zip(&self.ids) {
            let hash = uuid_hash(uuid);
            let mut place = hash as usize & (length - 1);
            while slots[place] != 0 {
                place = (place + 1) & (length - 1);
            }
            slots[place] = (hash >> 32 << 32) | number;
        }
        self.slots = slots;
    }
}

/// A fixed hash of a UUID.
#[inline]
pub(crate) fn uuid_hash([high, low]: Uuid) -> u64 {
    mix(high ^ low.rotate_left(32).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A UUID written in its one usual form: 36 signs, lower case, hyphens in their places.
#[inline]
pub(crate) fn usual_uuid(text: &[u8]) -> Option<Uuid> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let eight = |one: usize, two: usize| {
        let mut signs = [0; 8];
        signs[..4].copy_from_slice(&text[one..one + 4]);
        signs[4..].copy_from_slice(&text[two..two + 4]);
        eight_digits(signs)
    };
    let (first, first_is_hex) = eight(0, 4);
    let (second, second_is_hex) = eight(9, 14);
    let (third, third_is_hex) = eight(19, 24);
    let (fourth, fourth_is_hex) = eight(28, 32);
    let high = u64::from(first) << 32 | u64::from(second);
    let low = u64::from(third) << 32 | u64::from(fourth);
    (first_is_hex & second_is_hex & third_is_hex & fourth_is_hex).then_some([high, low])
}

/// Eight hexadecimal digits at once, and whether all are digits or lower-case letters: each byte of
/// the number holds one sign.
#[inline]
fn eight_digits(signs: [u8; 8]) -> (u32, bool) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let signs = u64::from_be_bytes(signs);
    let is_letter = (signs >> 6) & EACH;
    let value = (signs & (0x0f * EACH)) + 9 * is_letter;
    // The high half of a digit's byte is 3, of a letter's 6; values from 10 on are letters.
    let half_is_right = (signs & (0xf0 * EACH)) == (0x30 * EACH) + 0x30 * is_letter;
    let value_is_right =
        value & (0x10 * EACH) == 0 && ((value + 6 * EACH) >> 4) & EACH == is_letter;
    let pairs = (value | value >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    ((fours | fours >> 16) as u32, half_is_right & value_is_right)
}

/// A text of this length and more has its length in eight bytes behind this one.
const LONG: u8 = u8::MAX;

impl Shard {
    /// An empty one.
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number: (number as u64) << PLACE_BITS,
            ..Self::default()
        }
    }

    /// Bytes of memory held.
    pub(crate) fn size(&self) -> usize {
        self.slots.len() * size_of::<u64>()
            + self.texts.capacity()
            + self.uuids.slots.len() * size_of::<u64>()
            + self.uuids.ids.capacity() * size_of::<Uuid>()
    }

    /// Brings what stands where UUIDs are looked for near, all at once.
    pub(crate) fn touch_uuids(&self, uuids: impl Iterator<Item = Uuid> + Clone) {
        let Uuids { slots, ids } = &self.uuids;
        let last = slots.len().wrapping_sub(1);
        let slot = |uuid| {
            slots
                .get(uuid_hash(uuid) as usize & last)
                .copied()
                .unwrap_or(0)
        };
        let first = uuids.clone().fold(0, |all, uuid| all ^ slot(uuid));
        let id = |uuid| ids.get((slot(uuid) as u32).wrapping_sub(1) as usize);
        let second = uuids.fold(0, |all, uuid| all ^ id(uuid).map_or(0, |id| id[0]));
        std::hint::black_box((first, second));
    }

    /// The key of a UUID, kept once. `hash` is its [`uuid_hash`].
    #[inline]
    pub(crate) fn intern_uuid(&mut self, uuid: Uuid, hash: u64) -> Key {
        let number = self.uuids.number(uuid, hash);
        ((UUID | self.number | u64::from(number)) << 1) | 1
    }

    /// What stands where a hash is looked for first. Asked for many hashes before any is interned,
    /// it brings their slots near, all at once.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u64 {
        self.slots.get(self.first_slot(hash)).copied().unwrap_or(0)
    }

    fn first_slot(&self, hash: u64) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    /// The key of an id's text, kept once. `hash` is its [`text_hash`].
    pub(crate) fn intern(&mut self, text: &[u8], hash: u64) -> Key {
        if (self.count + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let tag = hash >> PLACE_BITS << PLACE_BITS;
        let mut slot = self.first_slot(hash);
        loop {
            let found = self.slots[slot];
            if found == 0 {
                break;
            }
            let place = (found & ((1 << PLACE_BITS) - 1)) - 1;
            if found >> PLACE_BITS == hash >> PLACE_BITS && self.text(place as usize) == text {
                return self.key(place);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        let place = self.append(text);
        self.slots[slot] = tag | (place + 1);
        self.count += 1;
        self.key(place)
    }

    fn key(&self, place: u64) -> Key {
        ((self.number | place) << 1) | 1
    }

    fn append(&mut self, text: &[u8]) -> u64 {
        let place = self.texts.len();
        let needed = text.len() + 1 + size_of::<u64>();
        if self.texts.capacity() - place < needed {
            self.texts.reserve_exact(needed.max(place / 4).max(1 << 10));
        }
        match u8::try_from(text.len()) {
            Ok(length) if length < LONG => self.texts.push(length),
            _ => {
                self.texts.push(LONG);
                self.texts
                    .extend_from_slice(&(text.len() as u64).to_le_bytes());
            }
        }
        self.texts.extend_from_slice(text);
        place as u64
    }

    /// The text at a place.
    #[inline]
    fn text(&self, place: usize) -> &[u8] {
        let (from, length) = self.extent(place);
        &self.texts[from..from + length]
    }

    /// Where a text begins, and its length.
    #[inline]
    fn extent(&self, place: usize) -> (usize, usize) {
        match self.texts[place] {
            LONG => {
                let mut length = [0; 8];
                length.copy_from_slice(&self.texts[place + 1..place + 9]);
                (place + 9, u64::from_le_bytes(length) as usize)
            }
            length => (place + 1, usize::from(length)),
        }
    }

    /// Doubles the table, and finds every text its slot again.
    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(64);
        let mut slots = vec![0; length];
        let mut place = 0;
        while place < self.texts.len() {
            let (from, count) = self.extent(place);
            let hash = text_hash(&self.texts[from..from + count]);
            let mut slot = hash as usize & (length - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (length - 1);
            }
            slots[slot] = (hash >> PLACE_BITS << PLACE_BITS) | (place as u64 + 1);
            place = from + count;
        }
        self.slots = slots;
    }
}
