//! The first step of the engine: each reading thread scatters its events into partitions by a
//! fixed hash of the user, so that a user's events meet in one partition whatever their order.

use crate::events::{Batch, Micros, UserId};
use crate::sessions::users::{Key, Texts, mix, number_key, text_hash};

/// The span of no event.
const NO_EVENT: (Micros, Micros) = (Micros::MAX, Micros::MIN);

/// How many partitions there are; 512 was measured to beat 2048 at a hundred million events.
pub(crate) const PARTITIONS: usize = 512;

/// An event in 16 bytes: the user's key, and the time with the source in its low eight bits.
#[derive(Clone, Copy)]
pub(crate) struct Packed {
    pub(crate) user: Key,
    pub(crate) word: i64,
}

/// The packed word; its order is time, then source.
fn pack(at: Micros, source: u8) -> i64 {
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

/// A growing list of events in pieces, so that growing never copies what is there.
#[derive(Default)]
struct Pieces {
    full: Vec<Vec<Packed>>,
    open: Vec<Packed>,
}

impl Pieces {
    const LARGEST: usize = 2048;

    fn push(&mut self, event: Packed) {
        if self.open.len() == self.open.capacity() {
            let next = (self.open.capacity() * 2).clamp(16, Self::LARGEST);
            let full = std::mem::replace(&mut self.open, Vec::with_capacity(next));
            if !full.is_empty() {
                self.full.push(full);
            }
        }
        self.open.push(event);
    }

    fn into_pieces(mut self) -> Vec<Vec<Packed>> {
        self.full.push(self.open);
        self.full
    }
}

/// One reading thread's share of the events.
pub struct Partitioner {
    partitions: Vec<Pieces>,
    texts: Texts,
    spans: [(Micros, Micros); 256],
}

impl Default for Partitioner {
    fn default() -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| Pieces::default()).collect(),
            texts: Texts::default(),
            spans: [NO_EVENT; 256],
        }
    }
}

impl Partitioner {
    /// Takes all events of a batch; the batch is left as it was.
    pub fn take(&mut self, batch: &Batch) {
        for (at, user, source) in batch.iter() {
            let span = &mut self.spans[usize::from(source)];
            *span = (span.0.min(at), span.1.max(at));
            let (user, hash) = self.key(user);
            let partition = (hash >> 32) as usize % PARTITIONS;
            self.partitions[partition].push(Packed {
                user,
                word: pack(at, source),
            });
        }
    }

    fn key(&mut self, user: UserId<'_>) -> (Key, u64) {
        match user {
            UserId::Text(text) => self.text_key(text),
            UserId::Number(number) => match number_key(number) {
                Some(key) => (key, mix(key)),
                None => self.text_key(&number.to_string()),
            },
        }
    }

    fn text_key(&mut self, text: &str) -> (Key, u64) {
        let hash = text_hash(text);
        (self.texts.intern(text, hash), hash)
    }
}

/// All events of a run, scattered, with one numbering of the users.
pub struct Partitions {
    /// Per partition, per reading thread, its pieces.
    pub(crate) partitions: Vec<Vec<Vec<Vec<Packed>>>>,
    /// Per reading thread, its text indices in the common numbering.
    pub(crate) renumbered: Vec<Vec<u32>>,
    pub(crate) texts: Texts,
    /// The earliest and the latest time of each source, by provisional number.
    spans: [(Micros, Micros); 256],
}

impl Partitions {
    /// Joins what the reading threads made.
    pub fn join(parts: Vec<Partitioner>) -> Self {
        let mut partitions: Vec<Vec<Vec<Vec<Packed>>>> = (0..PARTITIONS)
            .map(|_| Vec::with_capacity(parts.len()))
            .collect();
        let mut texts = Vec::with_capacity(parts.len());
        let mut spans = [NO_EVENT; 256];
        for part in parts {
            texts.push(part.texts);
            for (all, own) in spans.iter_mut().zip(part.spans) {
                *all = (all.0.min(own.0), all.1.max(own.1));
            }
            for (all, own) in partitions.iter_mut().zip(part.partitions) {
                all.push(own.into_pieces());
            }
        }
        let (texts, renumbered) = Texts::unite(texts);
        Self {
            partitions,
            renumbered,
            texts,
            spans,
        }
    }

    /// The first and the last event of the sources that `counts` accepts by provisional number.
    pub fn span(&self, counts: impl Fn(u8) -> bool) -> Option<(Micros, Micros)> {
        (0..=u8::MAX)
            .zip(self.spans)
            .filter(|(source, span)| span.0 <= span.1 && counts(*source))
            .map(|(_, span)| span)
            .reduce(|all, span| (all.0.min(span.0), all.1.max(span.1)))
    }
}
