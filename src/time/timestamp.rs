//! Instants as sources write them: one parser for every source, strict, without allocation on
//! accepted values. Unit and zone are settings, never guessed silently.

use std::fmt;

use crate::error::{self, ErrorId};
use crate::events::{EARLIEST, LATEST, Micros, canonical_number};
use crate::time::leap::precedes_leap_second;
use crate::time::pattern::Pattern;
use crate::time::shapes::{self, CommonShape, Misread, Reading};
use crate::time::spec::date_in_words;
use crate::time::zone::{LocalResolver, LocalTime};

pub use crate::time::boundary::{Boundary, parse_boundary};
pub use crate::time::counts::{NeedsUnit, Place, SeenNumber, TimeCounts};
pub use crate::time::print::{print_instant, quoted, write_instant};
pub use crate::time::spec::{EpochUnit, Hour24, RepeatedHour, SkippedHour, TimeSpec};

/// Why a time was refused: its kind and a message that quotes the value, escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRefusal {
    /// One of the `TM` ids.
    pub kind: ErrorId,
    /// What was met and what was expected, with the flag that helps.
    pub message: String,
}

/// Reads the times of one source. Each worker has its own: it keeps what the last rows had in
/// common, and counts what the ledger needs.
#[derive(Clone, Debug)]
pub struct TimeParser {
    spec: TimeSpec,
    notation: Notation,
    common: CommonShape,
    resolver: Option<LocalResolver>,
    earliest: Micros,
    latest: Micros,
    block: u64,
    counts: TimeCounts,
}

/// How texts and reals are read.
#[derive(Clone, Debug)]
enum Notation {
    Shapes,
    Julian,
    Pattern(Pattern),
}

impl TimeParser {
    /// A parser for a source's settings, whose format [`TimeSpec::check_format`] has accepted.
    pub fn new(spec: &TimeSpec) -> Self {
        Self {
            notation: match spec.format.as_deref() {
                None => Notation::Shapes,
                Some(TimeSpec::JULIAN) => Notation::Julian,
                Some(format) => Notation::Pattern(Pattern::new(format)),
            },
            common: CommonShape::new(),
            resolver: spec.zone.map(LocalResolver::new),
            earliest: spec.earliest.max(EARLIEST),
            latest: spec.latest.min(LATEST),
            spec: spec.clone(),
            block: 0,
            counts: TimeCounts::default(),
        }
    }

    /// Says that the rows to come are counted within this block. Blocks are numbered in the order
    /// of the source, and may come in any order.
    pub fn begin_block(&mut self, block: u64) {
        self.block = block;
    }

    /// What was met so far.
    pub fn counts(&self) -> &TimeCounts {
        &self.counts
    }

    /// Reads a text: a known shape or a whole number, or what the format says.
    #[inline]
    pub fn text(&mut self, text: &[u8], row: u64) -> Result<Micros, TimeRefusal> {
        if matches!(self.notation, Notation::Shapes)
            && let Some(reading) = self.common.read(text)
        {
            return self.settle(text, reading);
        }
        self.uncommon_text(text, row)
    }

    /// Reads a number in the source's unit, or in the one that puts it into the epoch window. In
    /// the second case the caller must ask [`TimeCounts::unit`] when all rows are read.
    pub fn number(&mut self, number: i64, row: u64) -> Result<Micros, TimeRefusal> {
        let value = Value::Number(number);
        if matches!(self.notation, Notation::Julian) {
            return self.julian_day(value, number as f64);
        }
        let unit = match self.spec.epoch_unit {
            Some(unit) => unit,
            None => self.unit_of(number, row)?,
        };
        let (from, to) = self.spec.epoch_window;
        match unit.micros(number) {
            Some((at, floored)) if from <= at && at < to => {
                self.keep(value, at)?;
                self.counts.floored += u64::from(floored);
                Ok(at)
            }
            outside => Err(self.outside_window(number, unit, outside.map(|(at, _)| at))),
        }
    }

    /// The earliest and the latest instant that are kept.
    pub(crate) fn range(&self) -> (Micros, Micros) {
        (self.earliest, self.latest)
    }

    /// Checks a typed instant. `row` is for symmetry with the other values.
    pub fn instant(&mut self, at: Micros, _row: u64) -> Result<Micros, TimeRefusal> {
        self.keep(Value::Instant(at), at)
    }

    /// Reads a typed local time, microseconds since 1970 on the source's clock.
    pub fn local(&mut self, local: Micros, _row: u64) -> Result<Micros, TimeRefusal> {
        let value = Value::Local(local);
        // A zone's offset is less than two days, which keeps the sums below inside 64 bits.
        if !(EARLIEST * 2..=LATEST * 2).contains(&local) {
            return Err(out_of_range(value));
        }
        self.resolve(value, local)
    }

    /// Reads a real number, which is a Julian day where the source says so, to the millisecond
    /// (a double holds no more, and SQLite itself rounds to it).
    pub fn real(&mut self, number: f64, _row: u64) -> Result<Micros, TimeRefusal> {
        let value = Value::Real(number);
        if matches!(self.notation, Notation::Julian) && number.is_finite() {
            self.julian_day(value, number)
        } else {
            Err(misread(value, Misread::Shape))
        }
    }

    #[cold]
    fn uncommon_text(&mut self, text: &[u8], row: u64) -> Result<Micros, TimeRefusal> {
        if text.is_empty() {
            return Err(TimeRefusal {
                kind: error::NO_TIME,
                message: "the time is empty".to_owned(),
            });
        }
        let reading = match &self.notation {
            Notation::Pattern(pattern) => pattern.read(text),
            Notation::Julian => {
                return match decimal(text) {
                    Some(day) => self.julian_day(Value::Text(text), day),
                    None => Err(misread(Value::Text(text), Misread::Shape)),
                };
            }
            Notation::Shapes => match canonical_number(text) {
                Some(number) => return self.number(number, row),
                None => shapes::read(text, self.spec.hour_24),
            },
        };
        match reading {
            Ok(reading) => self.settle(text, reading),
            Err(reason) => Err(misread(Value::Text(text), reason)),
        }
    }

    /// The instant of a reading, if it may be kept; counted.
    #[inline]
    fn settle(&mut self, text: &[u8], reading: Reading) -> Result<Micros, TimeRefusal> {
        let value = Value::Text(text);
        if reading.leap {
            return self.settle_leap_second(value, reading);
        }
        let at = match reading.offset {
            Some(offset) => self.keep(value, reading.local - offset)?,
            None => self.resolve(value, reading.local)?,
        };
        self.counts.floored += u64::from(reading.finer);
        Ok(at)
    }

    #[cold]
    fn settle_leap_second(
        &mut self,
        value: Value<'_>,
        reading: Reading,
    ) -> Result<Micros, TimeRefusal> {
        let before = self.counts.clone();
        let at = match reading.offset {
            Some(offset) => self.keep(value, reading.local - offset)?,
            None => self.resolve(value, reading.local)?,
        };
        if !precedes_leap_second(at) {
            self.counts = before;
            return Err(refusal(
                error::NOT_AN_INSTANT,
                value,
                "is not a real leap second",
            ));
        }
        self.counts.floored += u64::from(reading.finer);
        self.counts.leap_seconds += 1;
        Ok(at)
    }

    /// The instant of a local time, by the source's zone and its rules for clock changes.
    #[inline]
    fn resolve(&mut self, value: Value<'_>, local: Micros) -> Result<Micros, TimeRefusal> {
        let Some(resolver) = &mut self.resolver else {
            return Err(no_offset(value));
        };
        let (at, moved, chosen) = match resolver.to_utc(local) {
            LocalTime::Single(at) => (at, false, false),
            LocalTime::Skipped { forward } => match self.spec.skipped_hour {
                SkippedHour::Forward => (forward, true, false),
                SkippedHour::Reject => return Err(self.skipped(value)),
            },
            LocalTime::Repeated { earlier, later } => match self.spec.repeated_hour {
                RepeatedHour::Earlier => (earlier, false, true),
                RepeatedHour::Later => (later, false, true),
                RepeatedHour::Reject => return Err(self.repeated(value)),
            },
        };
        self.keep(value, at)?;
        self.counts.zoneless += 1;
        self.counts.skipped_moved += u64::from(moved);
        self.counts.repeated_chosen += u64::from(chosen);
        Ok(at)
    }

    /// An instant within the range that is kept; counted when it is zero.
    #[inline]
    fn keep(&mut self, value: Value<'_>, at: Micros) -> Result<Micros, TimeRefusal> {
        if at < self.earliest || at > self.latest {
            return Err(self.out_of_range(value, at));
        }
        self.counts.zero += u64::from(at == 0);
        Ok(at)
    }

    /// The unit in which a number falls into the epoch window, remembered with its place.
    fn unit_of(&mut self, number: i64, row: u64) -> Result<EpochUnit, TimeRefusal> {
        let (from, to) = self.spec.epoch_window;
        let mut units = EpochUnit::ALL.into_iter().filter(|unit| {
            unit.micros(number)
                .is_some_and(|(at, _)| from <= at && at < to)
        });
        // A window that was moved can hold a number in two units.
        let unit = units.next().filter(|_| units.next().is_none());
        self.counts.saw_number(SeenNumber {
            place: (self.block, row),
            unit,
            number,
        });
        unit.ok_or_else(|| TimeRefusal {
            kind: error::NEEDS_UNIT,
            message: format!(
                "{}; {number} lies in {} in none of them, or in several",
                crate::time::counts::NEEDS_UNIT,
                self.spec.window_in_words()
            ),
        })
    }

    fn julian_day(&mut self, value: Value<'_>, day: f64) -> Result<Micros, TimeRefusal> {
        const JULIAN_DAY_OF_1970: f64 = 2_440_587.5;
        const MILLISECONDS_IN_DAY: f64 = 86_400_000.0;
        let milliseconds = ((day - JULIAN_DAY_OF_1970) * MILLISECONDS_IN_DAY).round();
        self.keep(value, (milliseconds as i64).saturating_mul(1_000))
    }

    #[cold]
    fn outside_window(&self, number: i64, unit: EpochUnit, at: Option<Micros>) -> TimeRefusal {
        let date = at.map_or_else(|| "beyond the calendar".to_owned(), date_in_words);
        TimeRefusal {
            kind: error::EPOCH_WINDOW,
            message: format!(
                "{number} as {} is {date}; expected {}",
                unit.name(),
                self.spec.window_in_words()
            ),
        }
    }

    #[cold]
    fn out_of_range(&self, value: Value<'_>, at: Micros) -> TimeRefusal {
        if !(EARLIEST..=LATEST).contains(&at) {
            out_of_range(value)
        } else if at < self.earliest {
            let earliest = print_instant(self.earliest);
            refusal(
                error::OUT_OF_RANGE,
                value,
                &format!("is before {earliest}, the earliest time asked for (--min-time)"),
            )
        } else {
            let latest = print_instant(self.latest);
            refusal(
                error::FUTURE,
                value,
                &format!("is after {latest}, which is now and the allowed --max-future"),
            )
        }
    }

    #[cold]
    fn skipped(&self, value: Value<'_>) -> TimeRefusal {
        let reason = format!(
            "does not exist in {}: the clock was put forward over it; --skipped-hour forward moves it",
            self.zone_name()
        );
        refusal(error::SKIPPED_HOUR, value, &reason)
    }

    #[cold]
    fn repeated(&self, value: Value<'_>) -> TimeRefusal {
        let reason = format!(
            "exists twice in {}: the clock was put back over it; choose with --repeated-hour earlier|later",
            self.zone_name()
        );
        refusal(error::REPEATED_HOUR, value, &reason)
    }

    fn zone_name(&self) -> String {
        self.spec
            .zone
            .map(|zone| zone.to_string())
            .unwrap_or_default()
    }
}

/// A value as it was met, for messages.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a [u8]),
    Number(i64),
    Real(f64),
    Instant(Micros),
    Local(Micros),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Text(text) => out.write_str(&quoted(text)),
            Value::Number(number) => write!(out, "{number}"),
            Value::Real(number) => write!(out, "{number:?}"),
            Value::Instant(at) => out.write_str(&print_instant(at)),
            Value::Local(local) => {
                let shown = print_instant(local).replace('T', " ");
                write!(out, "\"{}\"", shown.trim_end_matches('Z'))
            }
        }
    }
}

#[cold]
fn refusal(kind: ErrorId, value: Value<'_>, reason: &str) -> TimeRefusal {
    TimeRefusal {
        kind,
        message: format!("{value} {reason}"),
    }
}

#[cold]
fn no_offset(value: Value<'_>) -> TimeRefusal {
    refusal(
        error::NO_OFFSET,
        value,
        "has no offset; set timezone = \"…\" for the source, or --source-timezone",
    )
}

#[cold]
fn out_of_range(value: Value<'_>) -> TimeRefusal {
    let reason = format!(
        "lies outside the range that can be kept, {} to {}",
        print_instant(EARLIEST),
        print_instant(LATEST)
    );
    refusal(error::OUT_OF_RANGE, value, &reason)
}

#[cold]
fn misread(value: Value<'_>, reason: Misread) -> TimeRefusal {
    let reason = match reason {
        Misread::Shape => {
            "is not an instant; expected for example 2024-01-31T09:30:00Z, or state --time-format"
        }
        Misread::NoTimeOfDay => "has no time of day; expected for example 2024-01-31T09:30:00Z",
        Misread::NoSuchDay => "names a day that the calendar does not have",
        Misread::NoSuchTime => "names a time of day that no clock shows",
        Misread::Hour24 => {
            "has the hour 24; --hour-24 next-day takes it as midnight of the next day"
        }
    };
    refusal(error::NOT_AN_INSTANT, value, reason)
}

/// The value of plain decimal digits with at most one point among them.
fn decimal(text: &[u8]) -> Option<f64> {
    let is_plain = matches!(text, [b'0'..=b'9', .., b'0'..=b'9'] | [b'0'..=b'9'])
        && text
            .iter()
            .all(|&byte| byte == b'.' || byte.is_ascii_digit());
    let text = std::str::from_utf8(text).ok().filter(|_| is_plain)?;
    text.parse().ok()
}
