//! Whether an estimate of dwell comes nearer to ends that are known (METHODS section 11): where an
//! `end` closed a session, how long its user stayed after the event before is in the log.

use crate::events::{Micros, SECOND};

/// The time between the last event before an end and that end, added up by that event's source.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownEnds {
    by_source: Vec<Known>,
}

/// Of one source: how many sessions, and their dwell together in microseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    sessions: u64,
    dwell: i128,
}

/// Mean of estimated minus real end, in seconds: negative where the estimated ends come too early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedError {
    /// How many sessions were compared.
    pub sessions: u64,
    /// With the last event before the end as the end.
    pub before: f64,
    /// With the dwell added.
    pub after: f64,
}

impl KnownEnds {
    /// No end, of so many sources.
    pub(crate) fn new(sources: usize) -> Self {
        Self {
            by_source: vec![Known::default(); sources],
        }
    }

    /// Adds a session that an end closed, so many microseconds after an event of this source.
    pub(crate) fn add(&mut self, source: u8, dwell: Micros) {
        let known = &mut self.by_source[usize::from(source)];
        known.sessions += 1;
        known.dwell += i128::from(dwell);
    }

    /// Adds the ends of other users.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (own, other) in self.by_source.iter_mut().zip(&other.by_source) {
            own.sessions += other.sessions;
            own.dwell += other.dwell;
        }
    }

    /// The error before and after adding the dwell of each source, in microseconds; `None` without
    /// a known end, or where the dwell of one is not known.
    pub(crate) fn error(&self, dwell: &[Option<Micros>]) -> Option<SignedError> {
        let (mut sessions, mut real, mut estimated) = (0, 0, 0);
        for (known, dwell) in self.by_source.iter().zip(dwell) {
            if known.sessions > 0 {
                sessions += known.sessions;
                real += known.dwell;
                estimated += i128::from((*dwell)?) * i128::from(known.sessions);
            }
        }
        let mean = |sum: i128| sum as f64 / sessions as f64 / SECOND as f64;
        (sessions > 0).then(|| SignedError {
            sessions,
            before: mean(-real),
            after: mean(estimated - real),
        })
    }
}
