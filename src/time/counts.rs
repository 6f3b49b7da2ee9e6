//! What was met while times were read: counters for the ledger, and where numbers of each unit
//! were first seen, so that the unit can be settled over all rows.

use std::fmt;

use crate::time::spec::EpochUnit;

/// What one parser met. Only accepted times are counted; numbers are remembered in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeCounts {
    /// Times whose digits beyond the microsecond were floored.
    pub floored: u64,
    /// Real leap seconds taken as the second before.
    pub leap_seconds: u64,
    /// Instants of exactly 1970-01-01T00:00:00Z: likely a missing value.
    pub zero: u64,
    /// Times without an offset, read in the source's zone.
    pub zoneless: u64,
    /// Local times that a clock change skips, moved forward.
    pub skipped_moved: u64,
    /// Local times that a clock change repeats, of which one was chosen.
    pub repeated_chosen: u64,
    /// The first number of each unit in the order of `EpochUnit::ALL`, then the first of none.
    numbers: [Option<SeenNumber>; 5],
}

/// Where a row stands: its block, and its row within the block.
pub type Place = (u64, u64);

/// The first number of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenNumber {
    /// Where it stood.
    pub place: Place,
    /// The unit in which it falls into the epoch window; `None` when not in exactly one.
    pub unit: Option<EpochUnit>,
    /// The number.
    pub number: i64,
}

/// Numbers of several units, or of none: the unit cannot be settled, whatever may be rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedsUnit {
    /// The first of each kind, in the order of the rows.
    pub seen: Vec<SeenNumber>,
}

impl TimeCounts {
    /// Adds what another parser met.
    pub fn merge(&mut self, other: &TimeCounts) {
        self.floored += other.floored;
        self.leap_seconds += other.leap_seconds;
        self.zero += other.zero;
        self.zoneless += other.zoneless;
        self.skipped_moved += other.skipped_moved;
        self.repeated_chosen += other.repeated_chosen;
        for seen in other.numbers.iter().flatten() {
            self.saw_number(*seen);
        }
    }

    /// The one unit of all numbers; `None` when there was no number, or the unit was set.
    pub fn unit(&self) -> Result<Option<EpochUnit>, NeedsUnit> {
        let mut seen: Vec<SeenNumber> = self.numbers.iter().flatten().copied().collect();
        seen.sort_unstable_by_key(|number| number.place);
        match seen[..] {
            [] => Ok(None),
            [
                SeenNumber {
                    unit: Some(unit), ..
                },
            ] => Ok(Some(unit)),
            _ => Err(NeedsUnit { seen }),
        }
    }

    /// Remembers a number if it stands before the others of its kind.
    pub(crate) fn saw_number(&mut self, number: SeenNumber) {
        let kind = number
            .unit
            .map_or(EpochUnit::ALL.len(), |unit| unit as usize);
        let first = &mut self.numbers[kind];
        if first.is_none_or(|first| number.place < first.place) {
            *first = Some(number);
        }
    }
}

impl NeedsUnit {
    /// The message, with each place in the caller's words, such as `line 812`.
    pub fn describe(&self, place: impl Fn(Place) -> String) -> String {
        let seen: Vec<String> = self
            .seen
            .iter()
            .map(|seen| {
                let unit = seen.unit.map_or("of no single unit", EpochUnit::name);
                format!("{} ({unit}) at {}", seen.number, place(seen.place))
            })
            .collect();
        format!("{NEEDS_UNIT}; saw {}", seen.join(", "))
    }
}

/// The opening words of every message about a unit.
pub(crate) const NEEDS_UNIT: &str = "numeric time needs a unit: s, ms, us or ns";

impl fmt::Display for NeedsUnit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.describe(|(block, row)| format!("row {row} of block {block}")))
    }
}

impl std::error::Error for NeedsUnit {}
