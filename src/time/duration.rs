//! Durations as people write them (`30m`, `1h 30m`) and as the program keeps them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::events::{Micros, SECOND};
use crate::time::civil::{DAY, HOUR, MINUTE};

/// The inactivity timeout: the longest gap that stays inside a session. Between 1 s and 3650 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(Micros);

impl Timeout {
    /// What is used unless something else is said: 30 minutes.
    pub const DEFAULT: Timeout = Timeout(30 * MINUTE);
    /// The shortest allowed: 1 second.
    pub const SHORTEST: Timeout = Timeout(SECOND);
    /// The longest allowed: 3650 days.
    pub const LONGEST: Timeout = Timeout(3650 * DAY);

    /// A timeout of that many microseconds; an error when it lies outside the allowed range.
    pub fn from_micros(micros: Micros) -> Result<Timeout, DurationError> {
        let timeout = Timeout(micros);
        if (Self::SHORTEST..=Self::LONGEST).contains(&timeout) {
            Ok(timeout)
        } else {
            Err(DurationError::Timeout)
        }
    }

    /// Its length in microseconds.
    pub fn micros(self) -> Micros {
        self.0
    }
}

impl FromStr for Timeout {
    type Err = DurationError;

    /// Reads `30m`, `1h 30m`, `90s`; a unit is required, and the largest is a day.
    fn from_str(text: &str) -> Result<Timeout, DurationError> {
        micros_from_text(text)
            .ok_or(DurationError::Timeout)
            .and_then(Timeout::from_micros)
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&write_duration(self.0))
    }
}

/// Why a duration was refused. The value is not repeated: whoever asked knows where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a duration, or outside the range of a timeout.
    #[error(
        "timeout must be between {} and {}, with a unit (for example {})",
        Timeout::SHORTEST,
        Timeout::LONGEST,
        Timeout::DEFAULT
    )]
    Timeout,
    /// Not a duration, or outside the range of any other length.
    #[error(
        "duration must be more than 0 and at most {}, with a unit (for example 12h)",
        write_duration(LONGEST_LENGTH)
    )]
    Length,
}

/// The longest duration that is not a timeout: 36500 days.
const LONGEST_LENGTH: Micros = 36_500 * DAY;

/// Reads a duration that is not a timeout (`--max-length`, `--last`, `--wait`, `--max-future`), in
/// the notation of timeouts: microseconds, more than 0 and at most 36500 days.
pub fn parse_length(text: &str) -> Result<Micros, DurationError> {
    micros_from_text(text)
        .filter(|length| (1..=LONGEST_LENGTH).contains(length))
        .ok_or(DurationError::Length)
}

/// Microseconds in the notation in which durations are typed: `1h 30m`, `1s 500ms`, `0s`; a
/// negative one has one sign in front.
pub fn write_duration(micros: Micros) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("d", DAY as u64),
        ("h", HOUR as u64),
        ("m", MINUTE as u64),
        ("s", SECOND as u64),
        ("ms", 1_000),
        ("us", 1),
    ];
    let mut rest = micros.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, length) in UNITS {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    let sign = if micros < 0 { "-" } else { "" };
    if parts.is_empty() {
        parts.push("0s".to_owned());
    }
    format!("{sign}{}", parts.join(" "))
}

/// Whole microseconds of a duration with units of at most a day, or nothing.
fn micros_from_text(text: &str) -> Option<Micros> {
    // humantime takes a bare `0`, which has no unit.
    let has_unit = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if !has_unit || !every_unit_is_fixed(text) {
        return None;
    }
    let duration: Duration = humantime::parse_duration(text).ok()?;
    if !duration.subsec_nanos().is_multiple_of(1_000) {
        return None;
    }
    Micros::try_from(duration.as_micros()).ok()
}

/// Whether no unit of `text` is longer than a day: humantime takes a month as 30.44 days and a
/// year as 365.25, and a week is spared so that a day is the largest unit here and in print.
fn every_unit_is_fixed(text: &str) -> bool {
    text.split(|letter: char| !letter.is_alphabetic())
        .all(|unit| unit != "M" && !unit.starts_with(['w', 'y']) && !unit.starts_with("mo"))
}
