//! What the page headers of a column chunk promise, read before the decoder acts on it: it takes
//! their numbers as they are, and a negative one would ask for all memory there is.

/// The page headers' numbers, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promised {
    /// Values in data pages.
    pub(crate) values: u64,
    /// Bytes of all pages, uncompressed.
    pub(crate) bytes: u64,
}

/// Walks over the pages of a chunk. Nothing when a header cannot be read, or holds a number that
/// cannot be.
pub(crate) fn promised(chunk: &[u8]) -> Option<Promised> {
    let mut sum = Promised::default();
    let mut rest = chunk;
    while !rest.is_empty() {
        let mut header = Header::default();
        header.structure(&mut rest, &[])?;
        rest = rest.get(usize::try_from(header.compressed?).ok()?..)?;
        sum.bytes = sum
            .bytes
            .checked_add(header.uncompressed?.try_into().ok()?)?;
        let values = u64::try_from(header.values.unwrap_or(0)).ok()?;
        if header.dictionary_values.is_some_and(|values| values < 0) {
            return None;
        }
        sum.values = sum.values.checked_add(values)?;
    }
    Some(sum)
}

/// The fields of Parquet's `PageHeader` that matter here, from
/// <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.
#[derive(Default)]
struct Header {
    uncompressed: Option<i64>,
    compressed: Option<i64>,
    values: Option<i64>,
    dictionary_values: Option<i64>,
}

/// Structures within structures; a header has two levels.
const DEEPEST: usize = 8;

impl Header {
    fn number(&mut self, path: &[i16], value: i64) {
        match path {
            [2] => self.uncompressed = Some(value),
            [3] => self.compressed = Some(value),
            [5 | 8, 1] => self.values = Some(value),
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
