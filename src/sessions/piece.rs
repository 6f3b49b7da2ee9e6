//! Events packed into pieces, in the order of their arrival, in about half of the 16 bytes that each
//! takes otherwise. A piece is a row of chunks. In each, users are stored as offsets from the
//! smallest key, times as differences to the time before, in as few whole bytes as the chunk needs;
//! the source once where it is the same for all.

use crate::events::Micros;
use crate::sessions::users::Key;

/// The most events of a chunk: few enough that the chunks being filled stay in the cache.
pub(crate) const CHUNK: usize = 64;

/// The most bytes of a piece: enough to be written to a disk at once.
pub(crate) const PIECE: usize = 8 << 10;

/// An event in 16 bytes: the user's key, and the time with the source in its low eight bits.
pub(crate) type Packed = [u64; 2];

/// A user's event as it is scattered.
pub(crate) fn packed(user: Key, at: Micros, source: u8) -> Packed {
    [user, pack(at, source) as u64]
}

/// The packed word; its order is time, then source.
pub(crate) fn pack(at: Micros, source: u8) -> i64 {
    (at << 8) | i64::from(source)
}

/// The time in a packed word.
pub(crate) fn time_of(word: i64) -> Micros {
    word >> 8
}

/// The source in a packed word.
pub(crate) fn source_of(word: i64) -> u8 {
    word as u8
}

/// Bytes before the columns: count, widths, the sources' mark, the first source, the least key, the
/// first time.
const HEAD: usize = 1 + 1 + 1 + 1 + 8 + 8;

/// The most bytes of a chunk.
pub(crate) const LARGEST: usize = HEAD + CHUNK * (8 + 8 + 1);

/// Appends 1 to [`CHUNK`] events to a piece.
pub(crate) fn encode(events: &[Packed], piece: &mut Vec<u8>) {
    let first = events[0];
    let least = events
        .iter()
        .fold(u64::MAX, |least, event| least.min(event[0]));
    let (mut keys, mut steps) = ([0; CHUNK], [0; CHUNK]);
    let (mut all_keys, mut all_steps, mut other_sources) = (0, 0, 0);
    let mut before = time_of(first[1] as i64);
    for ((event, key), step) in events.iter().zip(&mut keys).zip(&mut steps) {
        let at = time_of(event[1] as i64);
        *key = event[0] - least;
        *step = zigzag(at - before);
        all_keys |= *key;
        all_steps |= *step;
        other_sources |= (event[1] ^ first[1]) as u8;
        before = at;
    }
    let (key_width, step_width) = (width(all_keys), width(all_steps));
    piece.extend_from_slice(&[
        events.len() as u8,
        key_width << 4 | step_width,
        other_sources,
        source_of(first[1] as i64),
    ]);
    piece.extend_from_slice(&least.to_le_bytes());
    piece.extend_from_slice(&time_of(first[1] as i64).to_le_bytes());
    put(&keys[..events.len()], key_width, piece);
    put(&steps[..events.len()], step_width, piece);
    if other_sources != 0 {
        piece.extend(events.iter().map(|event| event[1] as u8));
    }
}

/// The events of a piece, as columns.
#[derive(Default)]
pub(crate) struct Unpacked {
    pub(crate) users: Vec<Key>,
    pub(crate) words: Vec<i64>,
    /// What was read from the temporary file last.
    pub(crate) bytes: Vec<u8>,
}

impl Unpacked {
    /// Unpacks all chunks of a piece, in place of what is held.
    pub(crate) fn decode(&mut self, mut piece: &[u8]) {
        self.users.clear();
        self.words.clear();
        while !piece.is_empty() {
            piece = self.chunk(piece);
        }
    }

    /// Unpacks the first chunk; gives what follows it.
    fn chunk<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        let (head, columns) = piece.split_at(HEAD);
        let number = |from: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&head[from..from + 8]);
            u64::from_le_bytes(number)
        };
        let (count, key_width, step_width) = (usize::from(head[0]), head[1] >> 4, head[1] & 15);
        let (other_sources, source) = (head[2], head[3]);
        let (keys, columns) = columns.split_at(count * usize::from(key_width));
        let (steps, columns) = columns.split_at(count * usize::from(step_width));
        let mut column = [0; CHUNK];
        let column = &mut column[..count];
        get(keys, key_width, column);
        let least = number(4);
        self.users.extend(column.iter().map(|key| least + key));
        get(steps, step_width, column);
        let mut at = number(12) as i64;
        let from = self.words.len();
        self.words.extend(column.iter().map(|&step| {
            at += unzigzag(step);
            pack(at, source)
        }));
        if other_sources == 0 {
            return columns;
        }
        let (sources, rest) = columns.split_at(count);
        for (word, &source) in self.words[from..].iter_mut().zip(sources) {
            *word = (*word & !0xff) | i64::from(source);
        }
        rest
    }
}

/// Small where the number is near 0, on either side.
pub(crate) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// What [`zigzag`] was made of.
pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// How many whole bytes hold the number.
fn width(number: u64) -> u8 {
    (64 - number.leading_zeros()).div_ceil(8) as u8
}

/// Appends the low `width` bytes of each number.
fn put(numbers: &[u64], width: u8, into: &mut Vec<u8>) {
    match width {
        0 => {}
        1 => put_each::<1>(numbers, into),
        2 => put_each::<2>(numbers, into),
        3 => put_each::<3>(numbers, into),
        4 => put_each::<4>(numbers, into),
        5 => put_each::<5>(numbers, into),
        6 => put_each::<6>(numbers, into),
        7 => put_each::<7>(numbers, into),
        _ => put_each::<8>(numbers, into),
    }
}

fn put_each<const WIDTH: usize>(numbers: &[u64], into: &mut Vec<u8>) {
    let from = into.len();
    into.resize(from + numbers.len() * WIDTH, 0);
    for (place, number) in into[from..].chunks_exact_mut(WIDTH).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes()[..WIDTH]);
    }
}

/// Reads numbers of `width` bytes each.
fn get(bytes: &[u8], width: u8, into: &mut [u64]) {
    match width {
        0 => into.fill(0),
        1 => get_each::<1>(bytes, into),
        2 => get_each::<2>(bytes, into),
        3 => get_each::<3>(bytes, into),
        4 => get_each::<4>(bytes, into),
        5 => get_each::<5>(bytes, into),
        6 => get_each::<6>(bytes, into),
        7 => get_each::<7>(bytes, into),
        _ => get_each::<8>(bytes, into),
    }
}

fn get_each<const WIDTH: usize>(bytes: &[u8], into: &mut [u64]) {
    for (number, bytes) in into.iter_mut().zip(bytes.chunks_exact(WIDTH)) {
        let mut wide = [0; 8];
        wide[..WIDTH].copy_from_slice(bytes);
        *number = u64::from_le_bytes(wide);
    }
}
