//! What every importer does with a row once its cells are found: read the time, name the user,
//! apply the filters of a pilot run, count what cannot be used, and hand events on in batches.

use crate::events::Micros;

/// A user cell as a source gives it.
#[derive(Clone, Copy, Debug)]
pub enum UserValue<'a> {
    /// Text, not yet known to be UTF-8.
    Text(&'a [u8]),
    /// A typed integer.
    Number(i64),
    /// A typed null.
    Missing,
}

/// A time cell as a source gives it.
#[derive(Clone, Copy, Debug)]
pub enum TimeValue<'a> {
    /// Text, to be read by the one parser.
    Text(&'a [u8]),
    /// A number whose unit is the source's.
    Number(i64),
    /// A typed real number (a Julian day, where the source says so).
    Real(f64),
    /// A typed instant, microseconds since 1970 UTC.
    Instant(Micros),
    /// A typed local time without a zone, as microseconds since 1970 on the local clock.
    Local(Micros),
    /// A typed null.
    Missing,
}
