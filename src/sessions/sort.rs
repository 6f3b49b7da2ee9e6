//! The second step of the engine: one partition's events, grouped by user and in the order of time
//! and source, without comparing where they arrived in order.

use crate::events::GIVEN_UP;
use crate::sessions::partition::{Partition, Partitions, Piece, Scatter};
use crate::sessions::piece::{Unpacked, source_of};
use crate::sessions::spill::{Memory, over_memory};
use crate::sessions::users::{Key, mix};

/// A partition's words grouped by user: a counting sort that keeps the order of arrival, then a
/// sort of each user's words where that is not the order of time.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) users: Vec<Key>,
    /// Where each user's words end.
    pub(crate) ends: Vec<usize>,
    pub(crate) words: Vec<i64>,
    numbering: Numbering,
    /// Each event's user, by number, and its word, as they arrived.
    numbers: Vec<u32>,
    arrived: Vec<i64>,
    unpacked: Unpacked,
}

/// Bytes of memory for each event of a partition that is being sorted.
const EVENT: usize = size_of::<u32>() + 2 * size_of::<i64>();

impl Sorted {
    /// Sorts a partition in place of the one before. `translation` gives the run's number of each
    /// provisional source; events of sources that are given up are left out.
    pub(crate) fn fill(&mut self, partition: Partition, memory: &Memory, translation: &[u8; 256]) {
        self.users.clear();
        self.ends.clear();
        self.numbers.clear();
        self.arrived.clear();
        self.numbering.clear();
        self.numbers.reserve(partition.events);
        self.arrived.reserve(partition.events);
        let is_same = (0..=u8::MAX).zip(translation).all(|(from, &to)| from == to);
        for piece in partition.pieces {
            if !self.unpacked.take(piece, memory) {
                self.users.clear();
                return self.ends.clear();
            }
            if !is_same {
                self.unpacked.translate(translation);
            }
            let (numbering, users, ends) = (&mut self.numbering, &mut self.users, &mut self.ends);
            self.numbers.extend(self.unpacked.users.iter().map(|&user| {
                let number = numbering.number(user, users);
                match ends.get_mut(number as usize) {
                    Some(count) => *count += 1,
                    None => ends.push(1),
                }
                number
            }));
            self.arrived.extend_from_slice(&self.unpacked.words);
        }
        self.group();
    }

    /// Puts the words of each user together, and in order.
    fn group(&mut self) {
        let mut next = Vec::with_capacity(self.ends.len());
        let mut total = 0;
        for end in &mut self.ends {
            next.push(total);
            total += *end;
            *end = total;
        }
        self.words.resize(total, 0);
        for (&word, &number) in self.arrived.iter().zip(&self.numbers) {
            let place = &mut next[number as usize];
            self.words[*place] = word;
            *place += 1;
        }
        let mut from = 0;
        for &to in &self.ends {
            let words = &mut self.words[from..to];
            if !words.is_sorted() {
                // Several threads leave a few runs, which a stable sort only has to merge.
                words.sort();
            }
            from = to;
        }
    }

    /// Each user with its words, in the order in which the users were met.
    pub(crate) fn users(&self) -> impl Iterator<Item = (Key, &[i64])> {
        let mut from = 0;
        self.users.iter().zip(&self.ends).map(move |(&key, &to)| {
            let words = &self.words[from..to];
            from = to;
            (key, words)
        })
    }
}

impl Unpacked {
    /// Unpacks a piece and gives its memory back; false when it cannot be read, and the run must
    /// fail.
    fn take(&mut self, piece: Piece, memory: &Memory) -> bool {
        match piece {
            Piece::Kept(bytes) => {
                self.decode(&bytes);
                memory.give_back(bytes.len());
            }
            Piece::Spilled(place) => {
                let mut bytes = std::mem::take(&mut self.bytes);
                memory.read(place, &mut bytes);
                if memory.has_failed() {
                    return false;
                }
                self.decode(&bytes);
                self.bytes = bytes;
            }
        }
        true
    }

    /// Gives sources their numbers in the run, and drops the events of those that are given up.
    fn translate(&mut self, translation: &[u8; 256]) {
        let mut kept = 0;
        for place in 0..self.words.len() {
            let word = self.words[place];
            let source = translation[usize::from(source_of(word))];
            if source != GIVEN_UP {
                self.words[kept] = (word & !0xff) | i64::from(source);
                self.users[kept] = self.users[place];
                kept += 1;
            }
        }
        self.words.truncate(kept);
        self.users.truncate(kept);
    }
}

/// Numbers for the users of a partition, in the order in which they are met.
#[derive(Default)]
struct Numbering {
    /// A user's key and its number plus one; 0 is empty. A power of two long.
    slots: Vec<(Key, u32)>,
}

impl Numbering {
    fn clear(&mut self) {
        self.slots.fill((0, 0));
    }

    /// The number of a user, who is appended to `users` if new.
    #[inline]
    fn number(&mut self, user: Key, users: &mut Vec<Key>) -> u32 {
        if (users.len() + 1) * 2 > self.slots.len() {
            self.grow(users);
        }
        let last = self.slots.len() - 1;
        let mut place = mix(user) as usize & last;
        loop {
            let slot = &mut self.slots[place];
            if slot.1 == 0 {
                users.push(user);
                *slot = (user, users.len() as u32);
                return slot.1 - 1;
            }
            if slot.0 == user {
                return slot.1 - 1;
            }
            place = (place + 1) & last;
        }
    }

    #[cold]
    fn grow(&mut self, users: &[Key]) {
        let length = (self.slots.len() * 2).max(64);
        let mut slots = vec![(0, 0); length];
        for (number, &user) in (1..).zip(users) {
            let mut place = mix(user) as usize & (length - 1);
            while slots[place].1 != 0 {
                place = (place + 1) & (length - 1);
            }
            slots[place] = (user, number);
        }
        self.slots = slots;
    }
}

/// Sorts every partition on this thread and drops it again; gives the number of users. For whom the
/// cost of this step alone matters: a scan sorts by itself.
pub fn sort(partitions: Partitions, translation: &[u8; 256]) -> usize {
    let mut sorted = Sorted::default();
    let mut users = 0;
    for partition in partitions.partitions {
        sorted.fill(partition, &partitions.memory, translation);
        users += sorted.users.len();
    }
    users
}

/// How many parts a partition is split into when it is too big.
const PARTS: usize = 16;

/// Hands a partition on, in parts where it has more events than `most`; each part holds all events
/// of its users.
pub(crate) fn in_parts(
    partition: Partition,
    most: usize,
    memory: &std::sync::Arc<Memory>,
    each: &mut impl FnMut(Partition),
) {
    split(partition, most, 0, memory, each);
}

fn split(
    partition: Partition,
    most: usize,
    depth: u32,
    memory: &std::sync::Arc<Memory>,
    each: &mut impl FnMut(Partition),
) {
    /// Bits of the hash that are left for splitting, in steps of four.
    const DEEPEST: u32 = 5;
    if partition.events <= most || memory.has_failed() {
        return each(partition);
    }
    if depth == DEEPEST {
        if (partition.events * EVENT) as u64 > memory.limit() {
            let what = format!("{} events of one user", partition.events);
            return memory.fail(over_memory(&what));
        }
        return each(partition);
    }
    let mut scatter = Scatter::new(memory, PARTS);
    let mut unpacked = Unpacked::default();
    for piece in partition.pieces {
        if !unpacked.take(piece, memory) {
            return;
        }
        for (&user, &word) in unpacked.users.iter().zip(&unpacked.words) {
            let part = (mix(user) >> (41 + 4 * depth)) as usize % PARTS;
            scatter.push(part, [user, word as u64]);
        }
    }
    for part in scatter.finish() {
        split(part, most, depth + 1, memory, each);
    }
}

/// The most events of a partition that is sorted at once, when `threads` sort at a time: a quarter
/// of the memory for all of them.
pub(crate) fn most_events(memory: &Memory, threads: usize) -> usize {
    let share = memory.limit() / 4 / threads.max(1) as u64;
    usize::try_from(share).unwrap_or(usize::MAX) / EVENT
}
