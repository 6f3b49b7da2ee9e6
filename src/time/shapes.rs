//! The known shapes of an instant as text, byte by byte: what a clock showed, and its offset if
//! that was written. Knows neither zones nor ranges.

use crate::events::{Micros, SECOND};
use crate::time::civil::{DAY, Date, HOUR, MINUTE};
use crate::time::timestamp::Hour24;

/// What a text says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Microseconds since 1970 on the clock that was read; a second 60 as 59.
    pub(crate) local: Micros,
    /// That clock's offset in microseconds east of UTC, if written.
    pub(crate) offset: Option<Micros>,
    /// Whether digits beyond the microsecond were floored.
    pub(crate) finer: bool,
    /// Whether the second was 60.
    pub(crate) leap: bool,
}

/// Why a text is not an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// It has none of the shapes.
    Shape,
    /// It is a date and no more.
    NoTimeOfDay,
    /// The calendar has no such day.
    NoSuchDay,
    /// No clock shows it.
    NoSuchTime,
    /// It is 24:00:00, and that is not allowed.
    Hour24,
}

/// Reads the commonest shape, `YYYY-MM-DD?HH:MM:SS[.f…][Z|offset]`, remembering dates: the last,
/// for rows in the order of time, and one for each of [`Self::KEPT_DATES`] hashes, for others.
#[derive(Clone, Debug)]
pub(crate) struct CommonShape {
    last: KnownDate,
    dates: Box<[KnownDate; Self::KEPT_DATES]>,
}

/// A date as text and its days since 1970.
#[derive(Clone, Copy, Debug)]
struct KnownDate {
    text: [u8; 10],
    days: i64,
}

impl CommonShape {
    /// Enough for a year and more with few dates in the place of others; 12 KiB.
    const KEPT_DATES: usize = 512;

    pub(crate) fn new() -> Self {
        let first = KnownDate {
            text: *b"1970-01-01",
            days: 0,
        };
        Self {
            last: first,
            dates: Box::new([first; Self::KEPT_DATES]),
        }
    }

    /// The days since 1970 of a date, if the calendar has it.
    #[inline]
    fn days(&mut self, text: &[u8; 10]) -> Option<i64> {
        if *text != self.last.text {
            let [_, _, end @ ..] = *text;
            // Fibonacci hashing: the highest bits of the product depend on all of the text.
            let hash = u64::from_le_bytes(end).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let kept = &mut self.dates[(hash >> (u64::BITS - Self::KEPT_DATES.ilog2())) as usize];
            if *text != kept.text {
                let days = date_from(text)?.days();
                *kept = KnownDate { text: *text, days };
            }
            self.last = *kept;
        }
        Some(self.last.days)
    }

    /// The reading of a text in the commonest shape; nothing when [`read`] must look at it.
    #[inline]
    pub(crate) fn read(&mut self, text: &[u8]) -> Option<Reading> {
        let (date, text) = text.split_first_chunk()?;
        let (separator, text) = text.split_first()?;
        let (time, text) = text.split_first_chunk()?;
        if !is_separator(*separator) {
            return None;
        }
        let time = time_of_day(*time)?;
        let (fraction, finer, text) = fraction_of_second(text)?;
        let offset = offset_at_end(text)?;
        Some(Reading {
            local: self.days(date)? * DAY + time * SECOND + fraction,
            offset,
            finer,
            leap: false,
        })
    }
}

/// Reads any of the known shapes.
pub(crate) fn read(text: &[u8], hour_24: Hour24) -> Result<Reading, Misread> {
    let (date, text) = text.split_first_chunk().ok_or(Misread::Shape)?;
    if !is_date_shaped(date) {
        return Err(Misread::Shape);
    }
    let days = date_from(date).ok_or(Misread::NoSuchDay)?.days();
    let (separator, text) = text.split_first().ok_or(Misread::NoTimeOfDay)?;
    let clock = Clock::read(text)
        .filter(|_| is_separator(*separator))
        .ok_or(Misread::Shape)?;
    Ok(Reading {
        local: days * DAY + clock.time_of_day(hour_24)?,
        offset: clock.offset,
        finer: clock.finer,
        leap: clock.second == 60,
    })
}

/// The days since 1970 of a bare date, `YYYY-MM-DD`.
pub(crate) fn bare_date(text: &[u8]) -> Option<i64> {
    let date = text.try_into().ok().filter(is_date_shaped)?;
    date_from(&date).map(Date::days)
}

/// The numbers of a time of day as written, not yet checked.
struct Clock {
    hour: i64,
    minute: i64,
    second: i64,
    fraction: Micros,
    finer: bool,
    offset: Option<Micros>,
}

impl Clock {
    /// `HH:MM[:SS[.f…]][Z|offset]`, and nothing after it.
    fn read(text: &[u8]) -> Option<Clock> {
        let [h1, h2, b':', m1, m2, text @ ..] = text else {
            return None;
        };
        let (second, (fraction, finer, text)) = match text {
            [b':', s1, s2, text @ ..] => (two_digits(*s1, *s2)?, fraction_of_second(text)?),
            text => (0, (0, false, text)),
        };
        Some(Clock {
            hour: two_digits(*h1, *h2)?,
            minute: two_digits(*m1, *m2)?,
            second,
            fraction,
            finer,
            offset: offset_at_end(text)?,
        })
    }

    /// Microseconds since midnight, a second 60 taken as 59.
    fn time_of_day(&self, hour_24: Hour24) -> Result<Micros, Misread> {
        if self.minute > 59 || self.second > 60 || self.hour > 24 {
            return Err(Misread::NoSuchTime);
        }
        let time =
            self.hour * HOUR + self.minute * MINUTE + self.second.min(59) * SECOND + self.fraction;
        if self.hour < 24 {
            Ok(time)
        } else if time > DAY || self.finer {
            Err(Misread::NoSuchTime)
        } else if hour_24 == Hour24::Reject {
            Err(Misread::Hour24)
        } else {
            Ok(time)
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'T' | b' ' | b't')
}

fn is_date_shaped(date: &[u8; 10]) -> bool {
    date.iter().enumerate().all(|(place, byte)| match place {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

fn date_from(date: &[u8; 10]) -> Option<Date> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else {
        return None;
    };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    Date::new(year, two_digits(m1, m2)?, two_digits(d1, d2)?)
}

fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Seconds since midnight of `HH:MM:SS` before 24:00:00 and without second 60, its eight bytes
/// looked at together as one number.
#[inline]
fn time_of_day(text: [u8; 8]) -> Option<i64> {
    // Digits become 0 to 9 and colons 0; anything else becomes more.
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes(*b"00:00:00");
    // Adding lifts a digit place above 9, or a colon place above 0, into the byte's top bit.
    let lift = u64::from_le_bytes([0x76, 0x76, 0x7f, 0x76, 0x76, 0x7f, 0x76, 0x76]);
    if (values.wrapping_add(lift) | values) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Each byte becomes ten times itself plus its right neighbour.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let [hour, _, _, minute, _, _, second, _] = pairs.to_le_bytes().map(i64::from);
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Reads `.` and its digits, if there are any: whole microseconds, whether finer digits that are
/// not zero were floored, and what follows. Nothing when no digit follows the point.
#[inline]
fn fraction_of_second(text: &[u8]) -> Option<(Micros, bool, &[u8])> {
    if let Some(micros) = whole_micros(text) {
        return Some((micros, false, &text[7..]));
    }
    let [b'.', text @ ..] = text else {
        return Some((0, false, text));
    };
    let length = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        let digit = digits.get(place).map_or(0, |digit| digit - b'0');
        micros = micros * 10 + Micros::from(digit);
    }
    let finer = digits.iter().skip(6).any(|&digit| digit != b'0');
    Some((micros, finer, rest))
}

/// The microseconds of a text that begins with `.`, six digits and something that is none, its
/// eight bytes looked at together as one number.
#[inline]
fn whole_micros(text: &[u8]) -> Option<Micros> {
    let text = text.first_chunk::<8>()?;
    if text[7].is_ascii_digit() {
        return None;
    }
    const DIGITS: u64 = u64::from_le_bytes([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
    let values = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*b".000000\0");
    // Adding lifts a digit place above 9, and anything but a point, into the byte's top bit.
    let lift = u64::from_le_bytes([0x7f, 0x76, 0x76, 0x76, 0x76, 0x76, 0x76, 0]);
    let checked = values & !(0xff << 56);
    if (checked.wrapping_add(lift) | checked) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Pairs, then fours, then eight digits, of which the first and the last are zeros.
    let values = values & DIGITS;
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    Some((eight / 10) as Micros)
}

/// Reads a text that is empty, `Z`, or an offset: microseconds east of UTC, if there is one.
/// The outer nothing means that it is something else.
#[inline]
fn offset_at_end(text: &[u8]) -> Option<Option<Micros>> {
    let (sign, hours, minutes) = match *text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [sign, h1, h2] => (sign, two_digits(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => {
            (sign, two_digits(h1, h2)?, two_digits(m1, m2)?)
        }
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = hours * HOUR + minutes * MINUTE;
    match sign {
        b'+' => Some(Some(offset)),
        b'-' => Some(Some(-offset)),
        _ => None,
    }
}
