//! Whether an estimate of dwell comes nearer to ends that are known (METHODS section 11).

use crate::events::{Micros, SECOND};

/// A session whose end an application recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEnd {
    /// Its last event.
    pub last_event: Micros,
    /// What was estimated to follow, in microseconds.
    pub dwell: Micros,
    /// When it really ended.
    pub end: Micros,
}

/// Mean of inferred minus real end, in seconds: negative where the inferred ends come too early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedError {
    /// How many sessions were compared.
    pub sessions: u64,
    /// With the last event as the end.
    pub before: f64,
    /// With the dwell added.
    pub after: f64,
}

/// The signed error before and after adding the dwell; `None` of no session.
pub fn signed_error(ends: impl IntoIterator<Item = KnownEnd>) -> Option<SignedError> {
    let (mut sessions, mut before, mut dwell) = (0_u64, 0_i128, 0_i128);
    for known in ends {
        sessions += 1;
        before += i128::from(known.last_event) - i128::from(known.end);
        dwell += i128::from(known.dwell);
    }
    let mean = |sum: i128| sum as f64 / sessions as f64 / SECOND as f64;
    (sessions > 0).then(|| SignedError {
        sessions,
        before: mean(before),
        after: mean(before + dwell),
    })
}
