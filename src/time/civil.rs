//! The proleptic Gregorian calendar by arithmetic: days since 1970-01-01 to and from dates.
//! Knows neither zones nor text.

use crate::events::{Micros, SECOND};

/// Microseconds in a day of 24 hours.
pub(crate) const DAY: Micros = 24 * HOUR;
/// Microseconds in an hour.
pub(crate) const HOUR: Micros = 60 * MINUTE;
/// Microseconds in a minute.
pub(crate) const MINUTE: Micros = 60 * SECOND;
