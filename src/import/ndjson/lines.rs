//! Cutting a file into blocks of whole lines. A line break inside a JSON text would be an error
//! there, so every `\n` ends a line and nothing has to be looked into.

use memchr::memrchr;

use crate::error::Failure;
use crate::import::blocks::{Stop, too_long};
use crate::import::file::{self, Bytes, Limits};
use crate::import::pipeline::{BlockReader, TextBlock};

/// Whole lines.
pub(crate) struct Block {
    pub(crate) number: u64,
    /// Byte offset of its first byte in the plain text.
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
}

impl TextBlock for Block {
    fn number(&self) -> u64 {
        self.number
    }

    fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads blocks.
pub(crate) struct Blocks {
    bytes: Bytes,
    limits: Limits,
    buffer: Vec<u8>,
    start: u64,
    next: u64,
    ended: bool,
    reported: u64,
    /// Whether a last line without an end is left out: it is still being written.
    is_torn: bool,
    /// Bytes of such a line.
    left_out: usize,
    /// Whether the end was met within a line that is used.
    ends_open: bool,
}

impl Blocks {
    pub(crate) fn new(bytes: Bytes, limits: Limits) -> Self {
        Self {
            bytes,
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

    /// Bytes at the front: at least `most` of them, and at least one line, unless the input ends
    /// before; and whether they are all there is, and all used.
    pub(crate) fn peek(&mut self, most: usize) -> Result<(&[u8], bool), Stop> {
        while !self.ended && (self.buffer.len() < most || memrchr(b'\n', &self.buffer).is_none()) {
            self.grow(most)?;
        }
        let is_all = self.ended && !(self.is_torn && self.ends_within_a_line());
        Ok((&self.buffer, is_all))
    }

    /// Leaves out what there is, if it is nothing but a line that is still being written.
    pub(crate) fn leaves_all_out(&mut self) -> bool {
        if self.ended && self.is_torn && self.ends_within_a_line() {
            self.left_out = self.buffer.len();
            self.buffer.clear();
        }
        self.left_out > 0
    }

    /// Takes bytes from the front.
    pub(crate) fn skip(&mut self, count: usize) {
        self.buffer.drain(..count);
        self.start += count as u64;
    }

    fn ends_within_a_line(&self) -> bool {
        !matches!(self.buffer.last(), None | Some(b'\n'))
    }

    /// Gets more bytes, within the limit of a line.
    fn grow(&mut self, most: usize) -> Result<(), Stop> {
        // One byte more may be the `\r` of its end.
        let is_over = self.buffer.len() > self.limits.max_field + 1;
        if is_over && memrchr(b'\n', &self.buffer).is_none() {
            return Err(too_long(self.limits.max_field, (self.next, 0)));
        }
        Ok(self.read_more(most.max(self.buffer.len()))?)
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

    /// Checks that the file is still what was opened. A warning when it only grew, or when a line
    /// is left for later.
    pub(crate) fn finish(&self) -> Result<Option<String>, Failure> {
        self.bytes.settle(self.ends_open, self.left_out)
    }

    /// That the file is no longer what was opened, if so.
    pub(crate) fn changed(&self) -> Option<Failure> {
        self.bytes.has_changed().then(file::changed)
    }
}

impl BlockReader for Blocks {
    type Block = Block;

    fn next_block(&mut self, mut recycled: Vec<u8>) -> Result<Option<Block>, Stop> {
        recycled.clear();
        loop {
            if !self.ended {
                self.read_more(self.limits.block)?;
            }
            if self.buffer.is_empty() {
                return Ok(None);
            }
            let end = match self.ended && !(self.is_torn && self.ends_within_a_line()) {
                true => self.buffer.len(),
                false => memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1),
            };
            if end > 0 {
                recycled.extend_from_slice(&self.buffer[end..]);
                self.buffer.truncate(end);
                let block = Block {
                    number: self.next,
                    start: self.start,
                    bytes: std::mem::replace(&mut self.buffer, recycled),
                };
                self.next += 1;
                self.start += end as u64;
                return Ok(Some(block));
            }
            if self.ended {
                self.left_out = self.buffer.len();
                self.buffer.clear();
                return Ok(None);
            }
            self.grow(self.limits.block)?;
        }
    }

    fn newly_read(&mut self) -> u64 {
        let read = self.bytes.raw_bytes();
        read - std::mem::replace(&mut self.reported, read)
    }
}
