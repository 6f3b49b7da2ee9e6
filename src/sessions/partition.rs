//! The first step of the engine: each reading thread scatters its events into partitions by a
//! fixed hash of the user, so that a user's events meet in one partition whatever their order. What
//! does not fit into the memory allowed goes to the temporary file, piece by piece.

use std::sync::{Arc, Mutex};

use crate::events::{Batch, Micros, UserId};
use crate::sessions::piece::{CHUNK, LARGEST, PIECE, Packed, encode, pack, packed};
use crate::sessions::spill::{Memory, Place};
use crate::sessions::users::{
    PARTITIONS, Shard, Texts, Uuid, mix, number_key, text_hash, usual_uuid, uuid_hash,
};

/// The span of no event.
const NO_EVENT: (Micros, Micros) = (Micros::MAX, Micros::MIN);

/// The partition of a user by its hash.
fn partition_of(hash: u64) -> usize {
    (hash >> 32) as usize % PARTITIONS
}

/// A packed piece, where it is.
#[derive(Debug)]
pub(crate) enum Piece {
    Kept(Box<[u8]>),
    Spilled(Place),
}

/// Events of the same users, whole.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    pub(crate) pieces: Vec<Piece>,
    /// Number of events.
    pub(crate) events: usize,
}

impl Partition {
    fn append(&mut self, mut other: Partition) {
        self.pieces.append(&mut other.pieces);
        self.events += other.events;
    }
}

/// Packs events into pieces of several partitions.
#[derive(Debug)]
pub(crate) struct Scatter {
    memory: Arc<Memory>,
    /// The chunk being filled of each partition, one after the other; empty until one is.
    open: Vec<Packed>,
    filled: Vec<u8>,
    /// The piece being filled of each partition.
    encoded: Vec<Vec<u8>>,
    full: Vec<Partition>,
}

impl Scatter {
    pub(crate) fn new(memory: &Arc<Memory>, partitions: usize) -> Self {
        Self {
            memory: Arc::clone(memory),
            open: Vec::new(),
            filled: vec![0; partitions],
            encoded: vec![Vec::new(); partitions],
            full: (0..partitions).map(|_| Partition::default()).collect(),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, partition: usize, event: Packed) {
        let filled = usize::from(self.filled[partition]);
        match self.open.get_mut(partition * CHUNK + filled) {
            Some(place) => *place = event,
            None => self.begin(partition, event),
        }
        self.filled[partition] += 1;
        if filled + 1 == CHUNK {
            self.close_chunk(partition);
        }
    }

    #[cold]
    fn begin(&mut self, partition: usize, event: Packed) {
        self.open = vec![[0; 2]; self.filled.len() * CHUNK];
        self.open[partition * CHUNK] = event;
    }

    fn close_chunk(&mut self, partition: usize) {
        let count = usize::from(std::mem::take(&mut self.filled[partition]));
        if count == 0 {
            return;
        }
        let from = partition * CHUNK;
        let encoded = &mut self.encoded[partition];
        encode(&self.open[from..from + count], encoded);
        self.full[partition].events += count;
        if encoded.len() + LARGEST > PIECE {
            self.close_piece(partition);
        }
    }

    fn close_piece(&mut self, partition: usize) {
        let encoded = &mut self.encoded[partition];
        let piece = match self.memory.take_for_events(encoded.len()) {
            true => Piece::Kept(encoded.as_slice().into()),
            false => Piece::Spilled(self.memory.write(encoded)),
        };
        encoded.clear();
        self.full[partition].pieces.push(piece);
        if self.memory.is_over() {
            self.spill_kept();
        }
    }

    /// Moves all pieces to the temporary file.
    fn spill_kept(&mut self) {
        for piece in self.full.iter_mut().flat_map(|full| &mut full.pieces) {
            if let Piece::Kept(bytes) = piece {
                self.memory.give_back(bytes.len());
                *piece = Piece::Spilled(self.memory.write(bytes));
            }
        }
    }

    /// All partitions.
    pub(crate) fn finish(mut self) -> Vec<Partition> {
        for partition in 0..self.full.len() {
            self.close_chunk(partition);
            if !self.encoded[partition].is_empty() {
                self.close_piece(partition);
            }
        }
        self.full
    }
}

/// What the reading threads of a run share: the memory allowed, and the texts of ids.
#[derive(Debug)]
pub struct Sharing {
    memory: Arc<Memory>,
    shards: Vec<Mutex<TextShard>>,
}

/// Users whose ids are text, by a part of their hashes, and their events.
#[derive(Debug)]
struct TextShard {
    texts: Shard,
    scatter: Scatter,
}

impl Sharing {
    /// For one run.
    pub fn new(memory: &Arc<Memory>) -> Self {
        let shard = |number| {
            Mutex::new(TextShard {
                texts: Shard::new(number),
                scatter: Scatter::new(memory, 1),
            })
        };
        Self {
            memory: Arc::clone(memory),
            shards: (0..PARTITIONS).map(shard).collect(),
        }
    }

    /// What one reading thread scatters into.
    pub fn partitioner(&self) -> Partitioner<'_> {
        Partitioner {
            sharing: self,
            numbers: Scatter::new(&self.memory, PARTITIONS),
            waiting: (0..PARTITIONS).map(|_| Waiting::default()).collect(),
            waiting_uuids: vec![WaitingUuids::new(); PARTITIONS],
            spans: [NO_EVENT; 256],
        }
    }
}

/// Events of users with text ids that wait until there are enough to take the shard's lock.
#[derive(Debug, Default)]
struct Waiting {
    hashes: Vec<u64>,
    words: Vec<(Micros, u8)>,
    /// Where each text ends.
    ends: Vec<usize>,
    texts: Vec<u8>,
}

impl Waiting {
    /// Events, and bytes of text, after which the lock is taken.
    const MOST: usize = 256;
    const MOST_TEXT: usize = 1 << 16;

    fn is_full(&self) -> bool {
        self.hashes.len() >= Self::MOST || self.texts.len() >= Self::MOST_TEXT
    }

    fn push(&mut self, hash: u64, text: &[u8], at: Micros, source: u8) {
        self.hashes.push(hash);
        self.words.push((at, source));
        self.texts.extend_from_slice(text);
        self.ends.push(self.texts.len());
    }

    fn clear(&mut self) {
        self.hashes.clear();
        self.words.clear();
        self.ends.clear();
        self.texts.clear();
    }
}

/// The same for ids that are UUIDs in their usual form.
type WaitingUuids = Vec<(Uuid, i64)>;

/// UUIDs after which the lock is taken.
const MOST_UUIDS: usize = 1024;

/// One reading thread's share of the events.
#[derive(Debug)]
pub struct Partitioner<'a> {
    sharing: &'a Sharing,
    numbers: Scatter,
    waiting: Vec<Waiting>,
    waiting_uuids: Vec<WaitingUuids>,
    spans: [(Micros, Micros); 256],
}

impl Partitioner<'_> {
    /// Takes all events of a batch; the batch is left as it was.
    pub fn take(&mut self, batch: &Batch) {
        if self.sharing.memory.has_failed() {
            return;
        }
        self.widen_spans(batch);
        if let Some((at, users, sources)) = batch.numbers() {
            for ((&at, &user), &source) in at.iter().zip(users).zip(sources) {
                self.take_number(user, at, source);
            }
        } else if let Some(texts) = batch.texts() {
            for (at, text, source) in texts {
                self.take_text(text.as_bytes(), at, source);
            }
        } else {
            for (at, user, source) in batch.iter() {
                match user {
                    UserId::Number(number) => self.take_number(number, at, source),
                    UserId::Text(text) => self.take_text(text.as_bytes(), at, source),
                }
            }
        }
    }

    fn widen_spans(&mut self, batch: &Batch) {
        for (at, source) in batch.by_source() {
            let span = &mut self.spans[usize::from(source)];
            for &at in at {
                *span = (span.0.min(at), span.1.max(at));
            }
        }
    }

    #[inline]
    fn take_number(&mut self, number: i64, at: Micros, source: u8) {
        match number_key(number) {
            Some(key) => self
                .numbers
                .push(partition_of(mix(key)), packed(key, at, source)),
            None => self.take_text(number.to_string().as_bytes(), at, source),
        }
    }

    #[inline]
    fn take_text(&mut self, text: &[u8], at: Micros, source: u8) {
        if let Some(uuid) = usual_uuid(text) {
            return self.take_uuid(uuid, at, source);
        }
        let hash = text_hash(text);
        let shard = partition_of(hash);
        let waiting = &mut self.waiting[shard];
        waiting.push(hash, text, at, source);
        if waiting.is_full() {
            self.sharing.settle(shard, &mut self.waiting[shard]);
        }
    }
}

impl Partitioner<'_> {
    #[inline]
    fn take_uuid(&mut self, uuid: Uuid, at: Micros, source: u8) {
        let shard = partition_of(uuid_hash(uuid));
        let waiting = &mut self.waiting_uuids[shard];
        waiting.push((uuid, pack(at, source)));
        if waiting.len() >= MOST_UUIDS {
            self.sharing
                .settle_uuids(shard, &mut self.waiting_uuids[shard]);
        }
    }
}

impl Sharing {
    /// Interns the UUIDs that wait, and scatters their events.
    fn settle_uuids(&self, shard: usize, waiting: &mut WaitingUuids) {
        let mut shard = self.shards[shard]
            .lock()
            .expect("no thread panics while it holds a shard");
        let TextShard { texts, scatter } = &mut *shard;
        let before = texts.size();
        texts.touch_uuids(waiting.iter().map(|&(uuid, _)| uuid));
        for (uuid, word) in waiting.drain(..) {
            let hash = uuid_hash(uuid);
            let key = texts.intern_uuid(uuid, hash);
            scatter.push(0, [key, word as u64]);
        }
        self.charge(texts.size() - before);
    }

    /// Takes memory for texts, which stay there.
    fn charge(&self, grown: usize) {
        if grown > 0 {
            self.memory.take_fixed(grown, "the texts of the users' ids");
        }
    }

    /// Interns the texts that wait, and scatters their events.
    fn settle(&self, shard: usize, waiting: &mut Waiting) {
        let mut shard = self.shards[shard]
            .lock()
            .expect("no thread panics while it holds a shard");
        let TextShard { texts, scatter } = &mut *shard;
        let before = texts.size();
        let touched = waiting.hashes.iter().map(|&hash| texts.touch(hash));
        std::hint::black_box(touched.fold(0, u64::wrapping_add));
        let mut from = 0;
        for ((&hash, &end), &(at, source)) in
            waiting.hashes.iter().zip(&waiting.ends).zip(&waiting.words)
        {
            let key = texts.intern(&waiting.texts[from..end], hash);
            scatter.push(0, packed(key, at, source));
            from = end;
        }
        self.charge(texts.size() - before);
        waiting.clear();
    }
}

/// All events of a run, scattered.
#[derive(Debug)]
pub struct Partitions {
    pub(crate) memory: Arc<Memory>,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) texts: Texts,
    /// The earliest and the latest time of each source, by provisional number.
    spans: [(Micros, Micros); 256],
}

/// What one thread scattered beside what it shared.
#[derive(Debug)]
pub struct Scattered {
    partitions: Vec<Partition>,
    spans: [(Micros, Micros); 256],
}

impl Partitioner<'_> {
    /// Ends the scattering on this thread.
    pub fn finish(mut self) -> Scattered {
        for (shard, waiting) in self.waiting.iter_mut().enumerate() {
            if !waiting.hashes.is_empty() {
                self.sharing.settle(shard, waiting);
            }
        }
        for (shard, waiting) in self.waiting_uuids.iter_mut().enumerate() {
            if !waiting.is_empty() {
                self.sharing.settle_uuids(shard, waiting);
            }
        }
        Scattered {
            partitions: self.numbers.finish(),
            spans: self.spans,
        }
    }
}

impl Partitions {
    /// Joins what the reading threads made.
    pub fn join(sharing: Sharing, parts: Vec<Scattered>) -> Self {
        let mut partitions: Vec<Partition> =
            (0..PARTITIONS).map(|_| Partition::default()).collect();
        let mut spans = [NO_EVENT; 256];
        for part in parts {
            for (all, own) in spans.iter_mut().zip(part.spans) {
                *all = (all.0.min(own.0), all.1.max(own.1));
            }
            for (all, own) in partitions.iter_mut().zip(part.partitions) {
                all.append(own);
            }
        }
        let mut texts = Vec::with_capacity(PARTITIONS);
        for (shard, all) in sharing.shards.into_iter().zip(&mut partitions) {
            let shard = shard
                .into_inner()
                .expect("no thread panics while it holds a shard");
            texts.push(shard.texts);
            for own in shard.scatter.finish() {
                all.append(own);
            }
        }
        Self {
            memory: sharing.memory,
            partitions,
            texts: Texts::new(texts),
            spans,
        }
    }

    /// The memory of the run.
    pub fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.memory)
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
