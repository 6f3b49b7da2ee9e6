//! Time zones.

/// The zone of a report or of a source's zoneless timestamps: a name of the zone database or a
/// fixed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A name of the zone database.
    Named(chrono_tz::Tz),
    /// A fixed offset, in seconds east of UTC.
    Fixed(i32),
}
