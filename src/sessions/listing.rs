//! The sessions of all users, to be listed in the order of users: in memory, or, where that is full,
//! as sorted runs in the temporary file, merged at the end.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::events::{Micros, User, UserId};
use crate::sessions::piece::{unzigzag, zigzag};
use crate::sessions::scan::UserSessions;
use crate::sessions::spill::{Memory, Place};

/// What one scanning thread met.
#[derive(Debug)]
pub struct Listing {
    memory: Arc<Memory>,
    /// A session that ends later than this is open.
    open_after: Micros,
    /// The users' records, one after the other, in the order of arrival.
    records: Vec<u8>,
    users: Vec<Entry>,
    /// Bytes of memory taken.
    taken: usize,
    runs: Vec<Vec<Place>>,
    totals: Totals,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Users with a session.
    pub users: u64,
    /// Sessions, open ones included.
    pub sessions: u64,
    /// Open sessions.
    pub open_sessions: u64,
}

/// One session of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its first event.
    pub start: Micros,
    /// Its last event.
    pub end: Micros,
    /// Number of events.
    pub events: u64,
    /// How long it lasts, in microseconds.
    pub duration: Micros,
    /// Whether it is open.
    pub is_open: bool,
    /// Events per source, by index.
    pub counts: Vec<(u8, u64)>,
}

/// A user's record in memory.
#[derive(Clone, Copy, Debug)]
struct Entry {
    order: Order,
    from: usize,
}

/// The beginning of a user's place among all users: numbers by value, then texts by their first
/// bytes. Texts that begin alike have the same one.
type Order = (bool, u64);

fn order(user: UserId<'_>) -> Order {
    match user {
        UserId::Number(number) => (false, (number as u64) ^ (1 << 63)),
        UserId::Text(text) => {
            let mut first = [0; 8];
            let length = text.len().min(first.len());
            first[..length].copy_from_slice(&text.as_bytes()[..length]);
            (true, u64::from_be_bytes(first))
        }
    }
}

/// Bytes of memory asked for at once.
const ASKED: usize = 1 << 20;
/// Bytes of a run that are written and read at once, whole records.
const BLOCK: usize = 1 << 16;

impl Listing {
    /// An empty list, within the memory of the run.
    pub fn new(memory: &Arc<Memory>, open_after: Micros) -> Self {
        Self {
            memory: Arc::clone(memory),
            open_after,
            records: Vec::new(),
            users: Vec::new(),
            taken: 0,
            runs: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Adds a user with a session, who must come once only.
    pub fn take(&mut self, user: &UserSessions<'_>) {
        let entry = Entry {
            order: order(user.user),
            from: self.records.len(),
        };
        self.users.push(entry);
        self.totals.users += 1;
        put_user(user.user, &mut self.records);
        put(user.sessions.len() as u64, &mut self.records);
        let mut from = 0;
        for (session, &to) in user.sessions.iter().zip(user.counts_end) {
            self.totals.sessions += 1;
            self.totals.open_sessions += u64::from(session.end > self.open_after);
            let records = &mut self.records;
            records.extend_from_slice(&session.start.to_le_bytes());
            put((session.end - session.start) as u64, records);
            put(session.events, records);
            put(zigzag(session.added), records);
            put((to - from) as u64, records);
            for &(source, count) in &user.counts[from..to] {
                records.push(source);
                put(count, records);
            }
            from = to;
        }
        let held = self.records.capacity() + self.users.capacity() * size_of::<Entry>();
        if held > self.taken {
            let asked = ASKED.max(held - self.taken);
            if self.memory.take(asked) {
                self.taken += asked;
            } else if held >= self.memory.smallest_spill() {
                self.spill();
            }
        }
    }

    /// Writes what is in memory as a run.
    fn spill(&mut self) {
        let mut run = Vec::new();
        let mut block = Vec::with_capacity(BLOCK);
        for entry in sorted(&mut self.users, &self.records) {
            let record = record(&self.records[entry.from..]);
            if !block.is_empty() && block.len() + record.len() > BLOCK {
                run.push(self.memory.write(&block));
                block.clear();
            }
            block.extend_from_slice(record);
        }
        run.push(self.memory.write(&block));
        self.runs.push(run);
        self.records = Vec::new();
        self.users = Vec::new();
        self.memory.give_back(std::mem::take(&mut self.taken));
    }
}

/// Sorts the users of records.
fn sorted<'e>(users: &'e mut [Entry], records: &[u8]) -> &'e [Entry] {
    users.sort_unstable_by(|one, other| {
        one.order.cmp(&other.order).then_with(|| {
            let user = |entry: &Entry| get_user(&mut &records[entry.from..]);
            user(one).cmp(&user(other))
        })
    });
    users
}

/// The lists of all threads as one, in the order of users.
#[derive(Debug)]
pub struct InOrder {
    memory: Arc<Memory>,
    in_memory: Vec<(Vec<u8>, Vec<Entry>)>,
    runs: Vec<Vec<Place>>,
    /// How many there are.
    pub totals: Totals,
}

impl InOrder {
    /// Joins the lists of users who are in one of them each.
    pub fn new(lists: Vec<Listing>, memory: &Arc<Memory>) -> Self {
        let mut all = Self {
            memory: Arc::clone(memory),
            in_memory: Vec::new(),
            runs: Vec::new(),
            totals: Totals::default(),
        };
        for mut list in lists {
            all.totals.users += list.totals.users;
            all.totals.sessions += list.totals.sessions;
            all.totals.open_sessions += list.totals.open_sessions;
            all.runs.append(&mut list.runs);
            sorted(&mut list.users, &list.records);
            all.in_memory.push((list.records, list.users));
        }
        all
    }

    /// Each user with the record of its sessions, by user.
    pub fn users(&self) -> impl Iterator<Item = Record> {
        let in_memory = self.in_memory.iter().map(|(records, users)| {
            let records = users
                .iter()
                .map(|entry| record(&records[entry.from..]).to_vec());
            Box::new(records.map(Record::new)) as Records<'_>
        });
        let runs = self.runs.iter().map(|run| self.run(run));
        let mut all: Vec<Records<'_>> = in_memory.chain(runs).collect();
        let first = all.iter_mut().enumerate();
        let first = first.filter_map(|(place, records)| Some(Reverse((records.next()?, place))));
        let mut heads: BinaryHeap<Reverse<(Record, usize)>> = first.collect();
        std::iter::from_fn(move || {
            let Reverse((record, place)) = heads.pop()?;
            heads.extend(all[place].next().map(|next| Reverse((next, place))));
            Some(record)
        })
    }

    /// The records of a run, read block by block.
    fn run<'a>(&'a self, run: &'a [Place]) -> Records<'a> {
        let mut places = run.iter();
        let (mut block, mut from) = (Vec::new(), 0);
        Box::new(std::iter::from_fn(move || {
            if from == block.len() {
                self.memory.read(*places.next()?, &mut block);
                from = 0;
                if self.memory.has_failed() {
                    return None;
                }
            }
            let record = record(&block[from..]);
            from += record.len();
            Some(Record::new(record.to_vec()))
        }))
    }
}

type Records<'a> = Box<dyn Iterator<Item = Record> + 'a>;

/// One user and its sessions, packed.
#[derive(Debug)]
pub struct Record {
    user: User,
    bytes: Vec<u8>,
    sessions_from: usize,
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.user == other.user
    }
}

impl Eq for Record {}

impl PartialOrd for Record {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Record {
    fn cmp(&self, other: &Self) -> Ordering {
        self.user.cmp(&other.user)
    }
}

impl Record {
    fn new(bytes: Vec<u8>) -> Self {
        let mut rest = &bytes[..];
        let user = get_user(&mut rest).to_user();
        let sessions_from = bytes.len() - rest.len();
        Self {
            user,
            sessions_from,
            bytes,
        }
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The sessions in time order; those that end after `open_after` are open.
    pub fn sessions(&self, open_after: Micros) -> Vec<Listed> {
        let mut rest = &self.bytes[self.sessions_from..];
        let sessions = 0..get(&mut rest);
        let session = |_| get_session(&mut rest, open_after);
        sessions.map(session).collect()
    }
}

/// The first record of several.
fn record(records: &[u8]) -> &[u8] {
    let mut rest = records;
    get_user(&mut rest);
    for _ in 0..get(&mut rest) {
        take(&mut rest, size_of::<Micros>());
        get(&mut rest);
        get(&mut rest);
        get(&mut rest);
        for _ in 0..get(&mut rest) {
            take(&mut rest, 1);
            get(&mut rest);
        }
    }
    &records[..records.len() - rest.len()]
}

fn get_session(rest: &mut &[u8], open_after: Micros) -> Listed {
    let start = get_micros(rest);
    let end = start + get(rest) as Micros;
    let events = get(rest);
    let duration = end - start + unzigzag(get(rest));
    let counts = 0..get(rest);
    let counts = counts.map(|_| (take(rest, 1)[0], get(rest))).collect();
    Listed {
        start,
        end,
        events,
        duration,
        is_open: end > open_after,
        counts,
    }
}

/// What the record of a number begins with, and that of a text.
const NUMBER: u8 = 0;
const TEXT: u8 = 1;

fn put_user(user: UserId<'_>, into: &mut Vec<u8>) {
    match user {
        UserId::Number(number) => {
            into.push(NUMBER);
            into.extend_from_slice(&number.to_le_bytes());
        }
        UserId::Text(text) => {
            into.push(TEXT);
            put(text.len() as u64, into);
            into.extend_from_slice(text.as_bytes());
        }
    }
}

fn get_user<'r>(rest: &mut &'r [u8]) -> UserId<'r> {
    match take(rest, 1)[0] {
        NUMBER => UserId::Number(get_micros(rest)),
        _ => {
            let length = get(rest) as usize;
            let text = std::str::from_utf8(take(rest, length));
            UserId::Text(text.expect("texts are written from texts"))
        }
    }
}

/// Takes bytes off the front.
fn take<'r>(rest: &mut &'r [u8], count: usize) -> &'r [u8] {
    let (taken, after) = rest.split_at(count);
    *rest = after;
    taken
}

fn get_micros(rest: &mut &[u8]) -> i64 {
    let mut number = [0; 8];
    number.copy_from_slice(take(rest, 8));
    i64::from_le_bytes(number)
}

/// Appends a number, seven bits a byte, the lowest first; all bytes but the last have their high bit.
fn put(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn get(rest: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = take(rest, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}
