//! Times in a shape that the user states as a strftime pattern, read by chrono.

use std::fmt::Write as _;

use chrono::format::{Fixed, Item, Parsed, StrftimeItems};
use chrono::{DateTime, Timelike};

use crate::events::{Micros, SECOND};
use crate::time::print::quoted;
use crate::time::shapes::{Misread, Reading};

/// A strftime pattern, taken apart once.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    items: Vec<Item<'static>>,
}

impl Pattern {
    /// The pattern of a format; one that [`Pattern::check`] refuses reads nothing.
    pub(crate) fn new(format: &str) -> Self {
        Self {
            items: StrftimeItems::new(format).map(Item::to_owned).collect(),
        }
    }

    /// Whether a format names a date and a time of day, or an epoch number, and no zone by letters.
    pub(crate) fn check(format: &str) -> Result<(), String> {
        let pattern = Self::new(format);
        let refusal = |reason: &str| {
            Err(format!(
                "time format {} {reason}",
                quoted(format.as_bytes())
            ))
        };
        if pattern.items.contains(&Item::Error) {
            return refusal("has a specifier that is not known");
        }
        if pattern.items.contains(&Item::Fixed(Fixed::TimezoneName)) {
            return refusal(
                "has %Z, whose letters are ambiguous; use %z, or set the source's timezone",
            );
        }
        match pattern.read(pattern.example().as_bytes()) {
            Ok(_) => Ok(()),
            Err(_) => refusal("does not name a date and a time of day"),
        }
    }

    /// What a text says. A `%s` is an instant; otherwise the offset is that of `%z`, if present.
    pub(crate) fn read(&self, text: &[u8]) -> Result<Reading, Misread> {
        // chrono skips white space before numbers, which nobody stated.
        if text.trim_ascii().len() != text.len() {
            return Err(Misread::Shape);
        }
        let text = std::str::from_utf8(text).map_err(|_| Misread::Shape)?;
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, self.items.iter()).map_err(|_| Misread::Shape)?;
        let offset = match parsed.timestamp() {
            Some(_) => Some(0),
            None => parsed.offset(),
        };
        let clock = parsed
            .to_naive_datetime_with_offset(offset.unwrap_or(0))
            .map_err(|_| Misread::NoSuchTime)?;
        // chrono keeps second 60 as 59 and a fraction of one second or more.
        let nanos = i64::from(clock.nanosecond());
        Ok(Reading {
            local: clock.and_utc().timestamp() * SECOND + nanos % 1_000_000_000 / 1_000,
            offset: offset.map(|offset| Micros::from(offset) * SECOND),
            finer: nanos % 1_000 != 0,
            leap: nanos >= 1_000_000_000,
        })
    }

    /// An instant written by the pattern.
    fn example(&self) -> String {
        let instant = DateTime::UNIX_EPOCH.fixed_offset();
        let mut text = String::new();
        for item in &self.items {
            let item = std::iter::once(item);
            // What chrono reads but does not write is the offset `%#z`.
            if write!(text, "{}", instant.format_with_items(item)).is_err() {
                text.push_str("+0000");
            }
        }
        text
    }
}
