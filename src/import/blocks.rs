//! Cutting CSV text into blocks of whole records, so that blocks can be parsed on all cores.
//!
//! A stretch without a quote byte is cut after its last line end. Where there are quotes, an exact
//! walk over the records finds the cut, so nothing is guessed and no result depends on the block
//! size. `\n`, `\r\n` and a lone `\r` end a record. A quote inside an unquoted field, or anything
//! but a delimiter or a line end after a closing quote, spoils the physical line on which its
//! record began; reading goes on at the next line. Comments are cut out where there are quotes, so
//! that both ways of splitting agree on where they end.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memrchr2};

use crate::error::{self, Failure};
use crate::import::file::{self, Bytes, Limits};

/// Whole records.
#[derive(Debug)]
pub(crate) struct Block {
    /// Counted from 0, within the file.
    pub(crate) number: u64,
    /// Byte offset of its first byte in the plain text.
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
    /// Whether any byte is a quote.
    pub(crate) quoted: bool,
    /// Where there are quotes: the physical lines that hold no record, in order.
    pub(crate) gaps: Vec<Gap>,
}

/// Whole physical lines that hold no record.
#[derive(Debug)]
pub(crate) struct Gap {
    pub(crate) bytes: Range<usize>,
    /// Whether a stray quote spoils the line; otherwise it is a comment.
    pub(crate) stray: bool,
}

/// The marks of a dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    pub(crate) delimiter: u8,
    pub(crate) comment: Option<u8>,
}

/// The first record, or its physical line when a stray quote spoils it.
pub(crate) struct First<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) is_stray: bool,
}

/// A failure at a line that is known only once all blocks before are counted.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) failure: Failure,
    /// The block that it would have been in, and the line within it, from 0; `None`: no line.
    pub(crate) place: Option<(u64, u64)>,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            place: None,
        }
    }
}

/// Reads blocks.
pub(crate) struct Blocks {
    bytes: Bytes,
    marks: Marks,
    limits: Limits,
    buffer: Vec<u8>,
    start: u64,
    next: u64,
    ended: bool,
    reported: u64,
    /// Whether the file had grown when its end was met, or may grow yet, so that a last record
    /// without an end is only the part of one that was there when it was opened.
    is_torn: bool,
    /// Bytes of such a record, which are not used.
    left_out: usize,
    /// Whether the end was met within a line, and the file had not grown then.
    ends_open: bool,
}

impl Blocks {
    pub(crate) fn new(bytes: Bytes, marks: Marks, limits: Limits) -> Self {
        Self {
            bytes,
            marks,
            limits,
            buffer: Vec::new(),
            start: 0,
            next: 0,
            ended: false,
            reported: 0,
            is_torn: false,
            left_out: 0,
            ends_open: false,
        }
    }

    /// The bytes at the front, at least `most` of them unless the input ends before.
    pub(crate) fn peek(&mut self, most: usize) -> Result<&[u8], Failure> {
        while self.buffer.len() < most && !self.ended {
            self.read_more(most - self.buffer.len())?;
        }
        Ok(&self.buffer)
    }

    /// Takes bytes from the front.
    pub(crate) fn skip(&mut self, count: usize) {
        self.buffer.drain(..count);
        self.start += count as u64;
    }

    /// Takes one physical line, without its end; `None` at the end of the input.
    pub(crate) fn take_line(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        loop {
            if let Some(end) = line_end(&self.buffer, 0, self.ended) {
                if end == 0 {
                    return Ok(None);
                }
                let line = self.buffer[..end].trim_ascii_end().to_vec();
                self.skip(end);
                return Ok(Some(line));
            }
            self.grow(0)?;
        }
    }

    /// The first record with its end, left where it is; `None` at the end of the input. With a
    /// stray quote in it, its physical line.
    pub(crate) fn first_record(&mut self) -> Result<Option<First<'_>>, Stop> {
        let (end, is_stray) = loop {
            match next_record(&self.buffer, 0, self.marks, self.ended) {
                Step::Record(0) => return Ok(None),
                Step::Record(end) | Step::Comment(end) => break (end, false),
                Step::Stray => match line_end(&self.buffer, 0, self.ended) {
                    Some(end) => break (end, true),
                    None => self.more_for(0, None)?,
                },
                Step::More { open } => self.more_for(0, open)?,
            }
        };
        Ok(Some(First {
            bytes: &self.buffer[..end],
            is_stray,
        }))
    }

    /// The next block; `None` at the end. `recycled` is emptied and used for its bytes.
    pub(crate) fn next_block(&mut self, mut recycled: Vec<u8>) -> Result<Option<Block>, Stop> {
        recycled.clear();
        loop {
            if !self.ended {
                self.read_more(self.limits.block)?;
            }
            if self.buffer.is_empty() {
                return Ok(None);
            }
            let (end, quoted, gaps, open) = self.cut();
            if end > 0 {
                recycled.extend_from_slice(&self.buffer[end..]);
                self.buffer.truncate(end);
                let bytes = std::mem::replace(&mut self.buffer, recycled);
                let block = Block {
                    number: self.next,
                    start: self.start,
                    bytes,
                    quoted,
                    gaps,
                };
                self.next += 1;
                self.start += end as u64;
                return Ok(Some(block));
            }
            if self.ended && self.is_torn {
                self.left_out = self.buffer.len();
                self.buffer.clear();
                return Ok(None);
            }
            self.more_for(0, open)?;
        }
    }

    /// Where to cut the buffer, whether it has quotes, its lines without a record, an open quote.
    fn cut(&self) -> (usize, bool, Vec<Gap>, Option<usize>) {
        let buffer = &self.buffer[..];
        let ended = self.ended && !(self.is_torn && self.ends_within_a_line());
        if memchr(b'"', buffer).is_none() {
            let end = if ended {
                buffer.len()
            } else {
                last_line_end(buffer)
            };
            return (end, false, Vec::new(), None);
        }
        let (mut at, mut gaps) = (0, Vec::new());
        while at < buffer.len() {
            let (end, stray) = match next_record(buffer, at, self.marks, ended) {
                Step::Record(end) => {
                    at = end;
                    continue;
                }
                Step::Comment(end) => (end, false),
                Step::Stray => match line_end(buffer, at, ended) {
                    Some(end) => (end, true),
                    None => return (at, true, gaps, None),
                },
                Step::More { open } => return (at, true, gaps, open),
            };
            gaps.push(Gap {
                bytes: at..end,
                stray,
            });
            at = end;
        }
        (at, true, gaps, None)
    }

    fn ends_within_a_line(&self) -> bool {
        !matches!(self.buffer.last(), None | Some(b'\n' | b'\r'))
    }

    /// Gets more bytes for a record that does not end in the buffer, within the limit of a field.
    fn more_for(&mut self, from: usize, open: Option<usize>) -> Result<(), Stop> {
        if self.ended {
            return Err(self.open_quote(open.unwrap_or(from)));
        }
        if self.is_over(from) {
            return Err(self.too_long(open));
        }
        self.grow(from)
    }

    /// Whether what begins at `from` is too long, a last `\r` aside, which may be its end.
    fn is_over(&self, from: usize) -> bool {
        self.buffer.len() - from > self.limits.max_field + 1
    }

    fn grow(&mut self, from: usize) -> Result<(), Stop> {
        if self.is_over(from) {
            return Err(self.too_long(None));
        }
        Ok(self.read_more(self.limits.block.max(self.buffer.len()))?)
    }

    fn read_more(&mut self, most: usize) -> Result<(), Failure> {
        let count = self.bytes.fill(&mut self.buffer, most)?;
        self.ended = count < most;
        if self.ended {
            self.is_torn = self.limits.follow_safe || self.bytes.has_grown();
            self.ends_open = !self.is_torn && self.ends_within_a_line();
        }
        Ok(())
    }

    /// A field over the limit, or, if no quote follows, a quote that is never closed.
    fn too_long(&mut self, open: Option<usize>) -> Stop {
        let line = count_lines(&self.buffer[..open.unwrap_or(0)]);
        if let Some(open) = open {
            let stop = self.open_quote(open);
            let mut rest = Vec::new();
            loop {
                rest.clear();
                match self.bytes.fill(&mut rest, self.limits.block) {
                    Err(failure) => return failure.into(),
                    Ok(0) => return stop,
                    Ok(_) if memchr(b'"', &rest).is_some() => break,
                    Ok(_) => {}
                }
            }
        }
        too_long(self.limits.max_field, (self.next, line))
    }

    fn open_quote(&self, open: usize) -> Stop {
        let failure = Failure::new(
            error::OPEN_QUOTE,
            "a quoted field is never closed; it opens here",
        );
        Stop {
            failure,
            place: Some((self.next, count_lines(&self.buffer[..open]))),
        }
    }

    /// Bytes read from the disk since this was last asked.
    pub(crate) fn newly_read(&mut self) -> u64 {
        let read = self.bytes.raw_bytes();
        read - std::mem::replace(&mut self.reported, read)
    }

    /// Checks that the file is still what was opened. A warning when it only grew.
    pub(crate) fn finish(&self) -> Result<Option<String>, Failure> {
        self.bytes.settle(self.ends_open, self.left_out)
    }

    /// That the file is no longer what was opened, if so.
    pub(crate) fn changed(&self) -> Option<Failure> {
        self.bytes.has_changed().then(file::changed)
    }
}

/// A record over the limit, at a block and a line in it.
pub(crate) fn too_long(most: usize, place: (u64, u64)) -> Stop {
    let words = match most.is_multiple_of(1 << 20) {
        true => format!("{} MiB", most >> 20),
        false => format!("{most} bytes"),
    };
    let failure = Failure::new(error::FIELD_SIZE, format!("field over {words}"))
        .help("the limit is --max-field");
    Stop {
        failure,
        place: Some(place),
    }
}

enum Step {
    /// A record that ends before this byte.
    Record(usize),
    /// A comment that ends before this byte.
    Comment(usize),
    /// A quote where none may stand.
    Stray,
    /// The record does not end in these bytes; a quote may be open from here on.
    More { open: Option<usize> },
}

/// Walks over the record that begins at `from`. `ended`: no bytes follow these.
fn next_record(bytes: &[u8], from: usize, marks: Marks, ended: bool) -> Step {
    if marks.comment.is_some() && bytes.get(from).copied() == marks.comment {
        return line_end(bytes, from, ended).map_or(Step::More { open: None }, Step::Comment);
    }
    let mut at = from;
    loop {
        if bytes.get(at) == Some(&b'"') {
            let open = at;
            at = match closing_quote(bytes, at + 1) {
                Some(close) => close + 1,
                None => return Step::More { open: Some(open) },
            };
            match bytes.get(at) {
                None if ended => return Step::Record(at),
                None => return Step::More { open: Some(open) },
                Some(&byte) if byte == marks.delimiter => at += 1,
                Some(b'\n' | b'\r') => return record_end(bytes, at, ended),
                Some(_) => return Step::Stray,
            }
            continue;
        }
        let stops = |byte: &u8| *byte == marks.delimiter || matches!(byte, b'\n' | b'\r' | b'"');
        match bytes[at..].iter().position(stops) {
            None if ended => return Step::Record(bytes.len()),
            None => return Step::More { open: None },
            Some(length) => {
                at += length;
                match bytes[at] {
                    b'"' => return Step::Stray,
                    b'\n' | b'\r' => return record_end(bytes, at, ended),
                    _ => at += 1,
                }
            }
        }
    }
}

/// The quote that closes a field whose content begins at `at`; doubled quotes are content.
fn closing_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr(b'"', &bytes[at..])?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The end of the record whose line end is at `at`.
fn record_end(bytes: &[u8], at: usize, ended: bool) -> Step {
    after_line_end(bytes, at, ended).map_or(Step::More { open: None }, Step::Record)
}

/// The byte after the line end at `at`; `None` when a `\n` may still follow a last `\r`.
fn after_line_end(bytes: &[u8], at: usize, ended: bool) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'\n', _) => Some(at + 1),
        (_, Some(b'\n')) => Some(at + 2),
        (_, Some(_)) => Some(at + 1),
        (_, None) => ended.then_some(at + 1),
    }
}

/// The byte after the physical line that begins at `from`; `None` when it goes on.
fn line_end(bytes: &[u8], from: usize, ended: bool) -> Option<usize> {
    match memchr2(b'\n', b'\r', &bytes[from..]) {
        Some(length) => after_line_end(bytes, from + length, ended),
        None => ended.then_some(bytes.len()),
    }
}

/// The byte after the last line end that no `\n` can still complete; 0 when there is none.
fn last_line_end(bytes: &[u8]) -> usize {
    let sure = bytes.len() - usize::from(bytes.last() == Some(&b'\r'));
    memrchr2(b'\n', b'\r', &bytes[..sure]).map_or(0, |at| at + 1)
}

/// Physical lines that end in these bytes.
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    let newlines = memchr_iter(b'\n', bytes).count();
    let lone = memchr_iter(b'\r', bytes)
        .filter(|&at| bytes.get(at + 1) != Some(&b'\n'))
        .count();
    (newlines + lone) as u64
}
