//! Calendar periods.

use crate::events::Micros;

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodLength {
    /// An hour of local time.
    Hour,
    /// A local day; 23 or 25 hours long when the clock changes.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
}

/// One period: from `start`, inclusive, to `end`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its first instant.
    pub start: Micros,
    /// The first instant after it.
    pub end: Micros,
}
