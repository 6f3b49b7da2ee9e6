//! Durations as people write them (`30m`, `1h 30m`) and as the program keeps them.

use crate::events::Micros;

/// The inactivity timeout: the longest gap that stays inside a session. Between 1 s and 3650 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(Micros);

impl Timeout {
    /// What is used unless something else is said: 30 minutes.
    pub const DEFAULT: Timeout = Timeout(30 * 60 * crate::events::SECOND);

    /// Its length in microseconds.
    pub fn micros(self) -> Micros {
        self.0
    }
}
