//! Where a stretch of plain text is split: at delimiters and line ends, found 64 bytes at a time,
//! which costs less than a search from each to the next. Knows no quotes and no records.

/// Bytes that are looked at together.
const STEP: usize = 64;

/// The places of delimiters and line ends in a stretch, kept for the next one's memory.
#[derive(Debug, Default)]
pub(crate) struct Splits {
    places: Vec<u16>,
}

impl Splits {
    /// The longest stretch: its places fit 16 bits, and all of it stays in the nearest cache.
    pub(crate) const MOST: usize = 1 << 14;

    /// The places in order, of `delimiter` and of the line ends `\n` and, with `returns`, `\r` and
    /// `\r\n`, which is placed at its `\r`. Without `returns` the stretch may hold no `\r`.
    pub(crate) fn find(&mut self, stretch: &[u8], delimiter: u8, returns: bool) -> &[u16] {
        assert!(stretch.len() <= Self::MOST);
        if self.places.is_empty() {
            self.places.resize(Self::MOST + STEP, 0);
        }
        let (mut count, mut after_return) = (0, false);
        let (steps, rest) = stretch.as_chunks::<STEP>();
        let mut last = [0; STEP];
        last[..rest.len()].copy_from_slice(rest);
        let within_rest = (1 << rest.len()) - 1;
        let all = steps.iter().map(|step| (step, u64::MAX));
        for (number, (step, within)) in all.chain([(&last, within_rest)]).enumerate() {
            let mut found = match returns {
                false => bits(step, |byte| byte == delimiter || byte == b'\n'),
                true => with_returns(step, delimiter, &mut after_return),
            } & within;
            let first = (number * STEP) as u16;
            // A few at once without a branch on their number, then the rest, if there is any.
            let here = &mut self.places[count..count + STEP];
            count += found.count_ones() as usize;
            let (few, more) = here.split_at_mut(FEW);
            for place in few {
                *place = first + found.trailing_zeros() as u16;
                found &= found.wrapping_sub(1);
            }
            for place in more {
                if found == 0 {
                    break;
                }
                *place = first + found.trailing_zeros() as u16;
                found &= found - 1;
            }
        }
        &self.places[..count]
    }
}

/// How many places in a step are usual.
const FEW: usize = 6;

/// The places of delimiters and of all line ends in a step; `after_return` goes from one step to
/// the next.
fn with_returns(step: &[u8; STEP], delimiter: u8, after_return: &mut bool) -> u64 {
    let newlines = bits(step, |byte| byte == b'\n');
    let returns = bits(step, |byte| byte == b'\r');
    let completing = (returns << 1 | u64::from(*after_return)) & newlines;
    *after_return = returns >> (STEP - 1) == 1;
    (bits(step, |byte| byte == delimiter) | newlines | returns) & !completing
}

/// A bit for each byte of a step that is meant, the first byte's the lowest.
#[inline]
fn bits(step: &[u8; STEP], is_meant: impl Fn(u8) -> bool) -> u64 {
    // The product moves the lowest bit of each of eight bytes into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let flags = step.map(|byte| u8::from(is_meant(byte)));
    let (words, _) = flags.as_chunks::<8>();
    let mut bits = 0;
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56;
        bits |= word << (8 * number);
    }
    bits
}
