//! What the data itself shows of when it was taken: first and last event and the longest silence,
//! for all sources together and for each.

use crate::events::Micros;

/// First event, last event, and the longest time without any event between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first event.
    pub first: Micros,
    /// The last event.
    pub last: Micros,
    /// The longest silence of all users together. Exact where it is at least the timeout;
    /// otherwise some value below the timeout (nothing asks for more).
    pub longest_silence: Micros,
}

/// The extents of a run; sources whose role is `ignore` are left aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// Of all sources together; `None` without any event.
    pub all: Option<Extent>,
    /// Of each source, by its index; `None` for one without events or with role `ignore`.
    pub by_source: Vec<Option<Extent>>,
}
