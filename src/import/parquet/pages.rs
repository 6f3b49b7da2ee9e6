//! The pages of a column chunk, found by their headers before the decoder acts on them: it takes
//! their numbers as they are, and a negative one would ask for all memory there is.

use std::ops::Range;

use crate::error::{self, Failure};
use crate::import::parquet::{ColumnFile, damaged};

/// The most memory that one page may ask for, its values included: pages are decoded whole.
const MAX_PAGE: u64 = 1 << 30;
/// Pages above this are tried for memory before they are decoded.
const LARGE_PAGE: u64 = 1 << 26;
/// How much is read to find a header, and how much at most.
const FIRST_READ: u64 = 1 << 12;
const LAST_READ: u64 = 1 << 24;

/// A page of values or of a dictionary, with its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Where it lies in the file.
    pub(crate) range: Range<u64>,
    /// Its values; 0 for a dictionary.
    pub(crate) values: u64,
    /// What it takes in memory, decoded.
    pub(crate) bytes: u64,
    pub(crate) is_dictionary: bool,
    /// Whether its values are places in the dictionary.
    pub(crate) needs_dictionary: bool,
}

/// Walks over the pages of a chunk, which holds `rows` values of `width` bytes beside their text.
pub(crate) fn pages(
    file: &ColumnFile,
    chunk: Range<u64>,
    rows: u64,
    width: u64,
) -> Result<Vec<Page>, Failure> {
    let mut found = Vec::new();
    let mut at = chunk.start;
    let mut values = 0_u64;
    let mut block = Block::default();
    while at < chunk.end {
        let (header, length) = block.header(file, at, chunk.end)?;
        let page = page(&header, at, length, width)
            .filter(|page| page.range.end <= chunk.end)
            .ok_or_else(unreadable)?;
        at = page.range.end;
        values = values.saturating_add(page.values);
        if values > rows {
            return Err(damaged(format!(
                "file is damaged: pages declare {values} values where there are {rows} rows"
            )));
        }
        check_memory(&page)?;
        match header.kind {
            Some(DATA | DATA_2) => found.push(page),
            Some(DICTIONARY) => found.push(Page {
                is_dictionary: true,
                ..page
            }),
            _ => {}
        }
    }
    if values < rows {
        return Err(damaged(format!(
            "file is damaged: pages declare {values} values where there are {rows} rows"
        )));
    }
    Ok(found)
}

fn page(header: &Header, at: u64, length: u64, width: u64) -> Option<Page> {
    let compressed = u64::try_from(header.compressed?).ok()?;
    let uncompressed = u64::try_from(header.uncompressed?).ok()?;
    let values = u64::try_from(header.values.unwrap_or(0)).ok()?;
    let entries = u64::try_from(header.dictionary_values.unwrap_or(0)).ok()?;
    let end = at.checked_add(length)?.checked_add(compressed)?;
    let decoded = values.checked_add(entries)?.checked_mul(width)?;
    Some(Page {
        range: at..end,
        values,
        bytes: uncompressed.checked_add(decoded)?,
        is_dictionary: false,
        needs_dictionary: matches!(header.encoding, Some(PLAIN_DICTIONARY | RLE_DICTIONARY)),
    })
}

/// That there is memory for a page.
fn check_memory(page: &Page) -> Result<(), Failure> {
    let bytes = page.bytes;
    if bytes > MAX_PAGE {
        let message =
            format!("a page declares {bytes} bytes, over the limit of {MAX_PAGE} bytes in memory");
        return Err(Failure::new(error::SIZE, message));
    }
    let mut trial = Vec::<u8>::new();
    if bytes > LARGE_PAGE && trial.try_reserve_exact(2 * bytes as usize).is_err() {
        let message = format!("a page declares {bytes} bytes, for which there is no memory");
        return Err(Failure::new(error::SIZE, message));
    }
    Ok(())
}

fn unreadable() -> Failure {
    damaged("file is damaged: a page header cannot be read")
}

/// A piece of the file in which headers are looked for.
#[derive(Default)]
struct Block {
    start: u64,
    bytes: Vec<u8>,
}

impl Block {
    /// The header at a place, and its length.
    fn header(&mut self, file: &ColumnFile, at: u64, end: u64) -> Result<(Header, u64), Failure> {
        let mut size = FIRST_READ;
        loop {
            let skipped = usize::try_from(at - self.start).unwrap_or(usize::MAX);
            if let Some(mut rest) = self.bytes.get(skipped..) {
                let before = rest.len();
                let mut header = Header::default();
                if header.structure(&mut rest, &[]).is_some() {
                    return Ok((header, (before - rest.len()) as u64));
                }
            }
            let read_to = self.start + self.bytes.len() as u64;
            if self.start == at && (read_to == end || size > LAST_READ) {
                return Err(unreadable());
            }
            self.bytes = file.bytes(at..end.min(at + size))?;
            self.start = at;
            size *= 16;
        }
    }
}

const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

/// Encodings of places in a dictionary.
const PLAIN_DICTIONARY: i64 = 2;
const RLE_DICTIONARY: i64 = 8;

/// The fields of Parquet's `PageHeader` that matter here, from
/// <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.
#[derive(Default)]
struct Header {
    kind: Option<i64>,
    uncompressed: Option<i64>,
    compressed: Option<i64>,
    values: Option<i64>,
    dictionary_values: Option<i64>,
    encoding: Option<i64>,
}

/// Structures within structures; a header has two levels.
const DEEPEST: usize = 8;

impl Header {
    fn number(&mut self, path: &[i16], value: i64) {
        match path {
            [1] => self.kind = Some(value),
            [2] => self.uncompressed = Some(value),
            [3] => self.compressed = Some(value),
            [5 | 8, 1] => self.values = Some(value),
            [5, 2] | [8, 4] => self.encoding = Some(value),
            [7, 1] => self.dictionary_values = Some(value),
            _ => {}
        }
    }

    /// Reads a structure in Thrift's compact protocol.
    fn structure(&mut self, rest: &mut &[u8], path: &[i16]) -> Option<()> {
        let mut field = 0_i16;
        if path.len() > DEEPEST {
            return None;
        }
        loop {
            let head = byte(rest)?;
            if head == 0 {
                return Some(());
            }
            field = match head >> 4 {
                0 => i16::try_from(zigzag(rest)?).ok()?,
                step => field.checked_add(i16::from(step))?,
            };
            let path = [path, &[field]].concat();
            self.value(rest, head & 15, &path)?;
        }
    }

    fn value(&mut self, rest: &mut &[u8], kind: u8, path: &[i16]) -> Option<()> {
        match kind {
            // True and false lie in the kind itself.
            1 | 2 => {}
            3 => skip(rest, 1)?,
            4..=6 => {
                let value = zigzag(rest)?;
                self.number(path, value);
            }
            7 => skip(rest, 8)?,
            8 => {
                let length = varint(rest)?;
                skip(rest, length)?;
            }
            12 => self.structure(rest, path)?,
            // Page headers hold no lists, sets or maps.
            _ => return None,
        }
        Some(())
    }
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    rest.split_off_first().copied()
}

fn skip(rest: &mut &[u8], length: u64) -> Option<()> {
    rest.split_off(..usize::try_from(length).ok()?).map(drop)
}

fn zigzag(rest: &mut &[u8]) -> Option<i64> {
    let value = varint(rest)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = byte(rest)?;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}
