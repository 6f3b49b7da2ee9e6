//! A session: a longest run of one user's events in which no gap is longer than the timeout.

use crate::events::Micros;
use crate::time::duration::Timeout;

/// The sources of a session as a set of indices into the run's sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceSet([u64; 4]);

impl SourceSet {
    /// Adds a source.
    pub fn insert(&mut self, source: u8) {
        self.0[usize::from(source >> 6)] |= 1 << (source & 63);
    }

    /// Adds all sources of another set.
    pub(crate) fn extend(&mut self, other: SourceSet) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own |= other;
        }
    }

    /// The sources in it, in ascending order of index.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..=255u8)
            .filter(move |&source| self.0[usize::from(source >> 6)] >> (source & 63) & 1 == 1)
    }
}

/// One session of one user. By our own rule its duration, `end - start`, is a lower bound of the time
/// really spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its first event.
    pub start: Micros,
    /// Its last event.
    pub end: Micros,
    /// Number of events.
    pub events: u64,
    /// Where they came from.
    pub sources: SourceSet,
    /// What another system's rule (`--compat`) makes its duration longer by, or shorter where it is
    /// below 0; 0 by our own rule.
    pub added: Micros,
}

impl Session {
    /// One of a single event.
    pub(crate) fn of(at: Micros, source: u8) -> Self {
        let mut sources = SourceSet::default();
        sources.insert(source);
        Self {
            start: at,
            end: at,
            events: 1,
            sources,
            added: 0,
        }
    }

    /// Last event minus first event, in microseconds, with what another system's rule adds.
    pub fn duration(&self) -> Micros {
        self.end - self.start + self.added
    }

    /// Whether it is a single event.
    pub fn is_bounce(&self) -> bool {
        self.events == 1
    }
}

/// The instant after which a last event leaves its session open: one timeout before `now`. Also a
/// session that an end has closed is open until then: late rows may still come.
pub fn open_after(now: Micros, timeout: Timeout) -> Micros {
    now.saturating_sub(timeout.micros())
}
