//! PostgreSQL's binary copy: the cells of its rows, whatever the pieces that they come in.

use crate::import::database::Stopped;

/// The rows of a binary copy, whatever the pieces that they come in.
///
/// A signature of 11 bytes, 4 bytes of flags and the length of an extension stand before the rows. A
/// row is the number of its cells (16 bits, -1 after the last row), then for each cell its length (32
/// bits, -1 for NULL) and its bytes.
#[derive(Default)]
pub(super) struct CopiedRows {
    has_begun: bool,
    /// What came of a row that is not whole yet.
    rest: Vec<u8>,
    /// The cells' places in the bytes that they came in.
    places: Vec<Option<(usize, usize)>>,
}

/// The cells of one copied row.
pub(super) struct CopiedCells<'a> {
    bytes: &'a [u8],
    places: &'a [Option<(usize, usize)>],
}

impl<'a> CopiedCells<'a> {
    pub(super) fn get(&self, at: usize) -> Result<Option<&'a [u8]>, sqlx::Error> {
        let place = self.places.get(at).ok_or_else(|| {
            sqlx::Error::Protocol(format!("a copied row has no column {}", at + 1))
        })?;
        Ok(place.map(|(from, to)| &self.bytes[from..to]))
    }
}

impl CopiedRows {
    /// Takes the next piece, and hands on every row that is whole.
    pub(super) fn each(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(&CopiedCells<'_>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let mut rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            rest.extend_from_slice(piece);
        }
        let bytes = match rest.is_empty() {
            true => piece,
            false => &rest,
        };
        let mut at = 0;
        if !self.has_begun {
            match header_length(bytes) {
                Some(length) if length <= bytes.len() => at = length,
                _ => {
                    self.rest = bytes.to_vec();
                    return Ok(());
                }
            }
            self.has_begun = true;
        }
        while let Some(end) = self.row(bytes, at) {
            if !self.places.is_empty() {
                let places = &self.places;
                take(&CopiedCells { bytes, places })?;
            }
            at = end;
        }
        self.rest = bytes[at..].to_vec();
        Ok(())
    }

    /// Finds the cells of the row at a place, and where it ends; `None` where it is not whole.
    fn row(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        self.places.clear();
        let (count, _) = bytes.get(at..)?.split_first_chunk()?;
        let mut at = at + count.len();
        for _ in 0..i16::from_be_bytes(*count).max(0) {
            let (length, _) = bytes.get(at..)?.split_first_chunk()?;
            at += length.len();
            match usize::try_from(i32::from_be_bytes(*length)) {
                Ok(length) => {
                    self.places.push(Some((at, at + length)));
                    at += length;
                }
                Err(_) => self.places.push(None),
            }
        }
        (at <= bytes.len()).then_some(at)
    }
}

/// The bytes before the first row of a binary copy, once their number is known.
fn header_length(bytes: &[u8]) -> Option<usize> {
    const FIXED: usize = 11 + 4 + 4;
    let extension = bytes.get(FIXED - 4..)?.first_chunk()?;
    Some(FIXED + u32::from_be_bytes(*extension) as usize)
}
