//! The ends of a window as people type them: an instant, a local time, or a bare date.

use crate::events::{EARLIEST, LATEST, Micros};
use crate::time::civil::DAY;
use crate::time::leap::precedes_leap_second;
use crate::time::print::quoted;
use crate::time::shapes;
use crate::time::timestamp::Hour24;
use crate::time::zone::{LocalTime, Zone};

/// What `--from`, `--to` or `--now` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// One instant.
    Instant(Micros),
    /// A local day.
    Date {
        /// Its first instant.
        start: Micros,
        /// The first instant of the next day.
        next: Micros,
    },
}

/// Reads a boundary: a known shape with an offset; one without, in the report's zone; or a date.
///
/// A day starts at its first midnight, or at the end of the gap when a clock change skips midnight.
/// A local time that is skipped or repeated is refused, since its offset can simply be added. The
/// error is a clause that quotes the text.
pub fn parse_boundary(text: &str, zone: &Zone) -> Result<Boundary, String> {
    let boundary = match shapes::bare_date(text.as_bytes()) {
        Some(days) => Boundary::Date {
            start: zone.first_instant(days * DAY),
            next: zone.first_instant((days + 1) * DAY),
        },
        None => Boundary::Instant(instant(text, zone)?),
    };
    let (Boundary::Instant(first) | Boundary::Date { start: first, .. }) = boundary;
    if (EARLIEST..=LATEST).contains(&first) {
        Ok(boundary)
    } else {
        Err(format!(
            "{} lies outside the years that can be kept",
            quoted(text.as_bytes())
        ))
    }
}

fn instant(text: &str, zone: &Zone) -> Result<Micros, String> {
    let refusal = |reason: &str| format!("{} {reason}", quoted(text.as_bytes()));
    let reading = shapes::read(text.as_bytes(), Hour24::Reject).map_err(|_| {
        refusal("is neither a date such as 2024-01-31 nor an instant such as 2024-01-31T09:30:00Z")
    })?;
    let at = match (reading.offset, zone.to_utc(reading.local)) {
        (Some(offset), _) => reading.local - offset,
        (None, LocalTime::Single(at)) => at,
        (None, LocalTime::Skipped { .. }) => {
            return Err(refusal(&format!(
                "does not exist in {zone}: the clock is put forward over it"
            )));
        }
        (None, LocalTime::Repeated { .. }) => {
            return Err(refusal(&format!("exists twice in {zone}; add its offset")));
        }
    };
    if reading.leap && !precedes_leap_second(at) {
        return Err(refusal("is not a real leap second"));
    }
    Ok(at)
}
