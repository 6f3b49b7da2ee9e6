//! Instants as sources write them: one parser for every source, strict, without allocation on the
//! common shapes. Unit and zone are settings, never guessed silently.

use crate::error::ErrorId;
use crate::events::Micros;
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

/// Why a time was refused: its kind and a message that quotes the value, escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRefusal {
    /// One of the `TM` ids.
    pub kind: ErrorId,
    /// What was met and what was expected, with the flag that helps.
    pub message: String,
}
