//! What a source's settings say about its times.

use crate::events::{EARLIEST, LATEST, Micros};
use crate::time::civil::{DAY, Date};
use crate::time::pattern::Pattern;
use crate::time::zone::Zone;

/// The unit of a numeric time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
pub enum EpochUnit {
    /// Seconds since 1970.
    #[serde(rename = "s")]
    #[value(name = "s")]
    Seconds,
    /// Milliseconds since 1970.
    #[serde(rename = "ms")]
    #[value(name = "ms")]
    Milliseconds,
    /// Microseconds since 1970.
    #[serde(rename = "us")]
    #[value(name = "us")]
    Microseconds,
    /// Nanoseconds since 1970.
    #[serde(rename = "ns")]
    #[value(name = "ns")]
    Nanoseconds,
}

impl EpochUnit {
    /// Every unit, the longest first.
    pub const ALL: [EpochUnit; 4] = [
        EpochUnit::Seconds,
        EpochUnit::Milliseconds,
        EpochUnit::Microseconds,
        EpochUnit::Nanoseconds,
    ];

    /// The unit's word in flags, configuration and reports.
    pub fn name(self) -> &'static str {
        match self {
            EpochUnit::Seconds => "s",
            EpochUnit::Milliseconds => "ms",
            EpochUnit::Microseconds => "us",
            EpochUnit::Nanoseconds => "ns",
        }
    }

    /// Microseconds since 1970 of a number in this unit, nanoseconds floored; whether they were;
    /// nothing when 64 bits cannot hold it.
    pub(crate) fn micros(self, number: i64) -> Option<(Micros, bool)> {
        match self {
            EpochUnit::Seconds => Some((number.checked_mul(1_000_000)?, false)),
            EpochUnit::Milliseconds => Some((number.checked_mul(1_000)?, false)),
            EpochUnit::Microseconds => Some((number, false)),
            EpochUnit::Nanoseconds => Some((number.div_euclid(1_000), number % 1_000 != 0)),
        }
    }
}

/// What to do with a local time that a clock change skips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SkippedHour {
    /// Refuse the row.
    #[default]
    Reject,
    /// Move it forward by the length of the gap.
    Forward,
}

/// What to do with a local time that a clock change repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum RepeatedHour {
    /// Refuse the row.
    #[default]
    Reject,
    /// Take the first of the two.
    Earlier,
    /// Take the second of the two.
    Later,
}

/// What to do with the time of day 24:00:00.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Hour24 {
    /// Refuse the row.
    #[default]
    Reject,
    /// Take it as midnight of the next day.
    NextDay,
}

/// How a source writes its times.
#[derive(Clone, Debug)]
pub struct TimeSpec {
    /// `--time-format`: a strftime pattern, or `julian` for Julian days; `None` for the known shapes.
    pub format: Option<String>,
    /// The unit of numeric times; `None` to take it where all rows agree.
    pub epoch_unit: Option<EpochUnit>,
    /// The zone of times without an offset; `None` refuses them.
    pub zone: Option<Zone>,
    /// Local times that a clock change skips.
    pub skipped_hour: SkippedHour,
    /// Local times that a clock change repeats.
    pub repeated_hour: RepeatedHour,
    /// The time of day 24:00:00.
    pub hour_24: Hour24,
    /// Numeric times must lie in it: from, inclusive, to, exclusive. 2000 to 2100 by default.
    pub epoch_window: (Micros, Micros),
    /// The earliest instant that is not refused (`--min-time`).
    pub earliest: Micros,
    /// The latest instant that is not refused (`--now` plus `--max-future`).
    pub latest: Micros,
}

/// Known shapes only, no zone, every doubtful time refused, numbers within 2000 to 2100, and any
/// instant that the engine can keep.
impl Default for TimeSpec {
    fn default() -> Self {
        Self {
            format: None,
            epoch_unit: None,
            zone: None,
            skipped_hour: SkippedHour::default(),
            repeated_hour: RepeatedHour::default(),
            hour_24: Hour24::default(),
            epoch_window: (new_year(2000), new_year(2100)),
            earliest: EARLIEST,
            latest: LATEST,
        }
    }
}

impl TimeSpec {
    /// The `format` that means Julian days: days since noon of November 24 in 4714 BC.
    pub const JULIAN: &'static str = "julian";

    /// Whether `format` can be used: a strftime pattern that names an instant or a local time, or
    /// `julian`. The error is a clause for the reader of the setting.
    pub fn check_format(format: &str) -> Result<(), String> {
        if format == Self::JULIAN {
            return Ok(());
        }
        Pattern::check(format)
    }

    /// The epoch window in words: `2000..2100`, or with days where it is not of whole years.
    pub(crate) fn window_in_words(&self) -> String {
        let (from, to) = self.epoch_window;
        let (from, to) = (date_of(from), date_of(to));
        let years = [from, to]
            .iter()
            .all(|date| date.month == 1 && date.day == 1);
        if years {
            format!("{}..{}", from.year, to.year)
        } else {
            format!("{}..{}", day_in_words(from), day_in_words(to))
        }
    }
}

/// The date of an instant in UTC, `2026-03-29`.
pub(crate) fn date_in_words(at: Micros) -> String {
    day_in_words(date_of(at))
}

fn date_of(at: Micros) -> Date {
    Date::from_days(at.div_euclid(DAY))
}

fn day_in_words(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

fn new_year(year: i64) -> Micros {
    Date {
        year,
        month: 1,
        day: 1,
    }
    .days()
        * DAY
}
