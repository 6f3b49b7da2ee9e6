//! The time after the last events of one row's closed sessions.

use std::collections::BTreeMap;

use crate::events::{Micros, SECOND};
use crate::measures::Figures;
use crate::measures::dwell::Estimated;
use crate::sessions::endings::{Bound, Ending};

/// Whole numbers, so that no order of adding changes a figure.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// Closed sessions that only the timeout bounds, by the source of their last event.
    unlimited: Vec<(u8, u64)>,
    /// Closed sessions that the user's next event bounds.
    limited: Limited,
    /// Closed sessions that an end closed.
    ended: u64,
}

/// The dwell of each source in microseconds, `None` where it cannot be told, and the most it can be.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    pub(super) by_source: Vec<Option<Micros>>,
    pub(super) timeout: Micros,
}

impl Tail {
    /// Adds sessions, `None` being an open one, which counts for nothing. Returns how many bytes more
    /// are held.
    pub(super) fn extend(&mut self, sessions: &[Option<Ending>]) -> usize {
        let before = self.held();
        for ending in sessions.iter().flatten() {
            match ending.bound {
                Bound::Timeout => self.add_unlimited(ending.source, 1),
                Bound::Next(limit) => self.limited.add((ending.source, limit), 1),
                Bound::End => self.ended += 1,
            }
        }
        self.held().saturating_sub(before)
    }

    fn held(&self) -> usize {
        let unlimited = self.unlimited.capacity() * size_of::<(u8, u64)>();
        unlimited + self.limited.counts.capacity() * size_of::<((u8, Micros), u64)>()
    }

    fn add_unlimited(&mut self, source: u8, sessions: u64) {
        match self.unlimited.iter_mut().find(|known| known.0 == source) {
            Some(known) => known.1 += sessions,
            None => self.unlimited.push((source, sessions)),
        }
    }

    /// Adds the sessions of other users.
    pub(super) fn merge(&mut self, other: Self) {
        for (source, sessions) in other.unlimited {
            self.add_unlimited(source, sessions);
        }
        for (of, sessions) in other.limited.counts {
            self.limited.add(of, sessions);
        }
        self.ended += other.ended;
    }

    /// What the dwell makes of the figures of the same sessions.
    pub(super) fn estimated(&self, figures: &Figures, lengths: &Lengths) -> Estimated {
        let Some(floor) = figures.total else {
            return Estimated::default();
        };
        let added = self.added(|source, bound| {
            let length = lengths.by_source.get(usize::from(source)).copied()??;
            Some(length.min(bound.unwrap_or(lengths.timeout)))
        });
        let most = self.added(|_, bound| Some(bound.unwrap_or(lengths.timeout)));
        let (total, total_ceiling) = (
            added.map(|added| floor + added),
            most.map(|most| floor + most),
        );
        let mean = |total: i128| total as f64 / figures.closed_sessions as f64 / SECOND as f64;
        Estimated {
            mean: total.map(mean),
            mean_ceiling: total_ceiling.map(mean),
            share: added
                .zip(total.filter(|&total| total > 0))
                .map(|(added, total)| added as f64 / total as f64),
            total,
            total_ceiling,
        }
    }

    /// The dwell of all sessions together, that of one being told by its source and by how long it
    /// can be where that is less than the timeout; `None` where that of one is not known.
    fn added(&self, dwell: impl Fn(u8, Option<Micros>) -> Option<Micros>) -> Option<i128> {
        let unlimited = self
            .unlimited
            .iter()
            .map(|&(source, sessions)| (dwell(source, None), sessions));
        let limited = self
            .limited
            .counts
            .iter()
            .map(|&((source, limit), sessions)| (dwell(source, Some(limit)), sessions));
        unlimited
            .chain(limited)
            .map(|(dwell, sessions)| Some(i128::from(dwell?) * i128::from(sessions)))
            .sum()
    }

    /// Sessions that no end closed, by the source of their last event.
    pub(super) fn sessions_by_source(&self) -> BTreeMap<u8, u64> {
        let limited = self.limited.counts.iter();
        let limited = limited.map(|&((source, _), sessions)| (source, sessions));
        let mut by_source = BTreeMap::new();
        for (source, sessions) in self.unlimited.iter().copied().chain(limited) {
            *by_source.entry(source).or_default() += sessions;
        }
        by_source
    }

    /// Sessions that an end closed.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// Sessions that the user's next event bounds.
    pub(super) fn limited(&self) -> u64 {
        self.limited
            .counts
            .iter()
            .map(|(_, sessions)| sessions)
            .sum()
    }
}

/// How often each source and limit was met. Most logs are to the second, so they are few.
#[derive(Clone, Debug, Default)]
struct Limited {
    /// Each once, in order, up to `merged`; the others as they came.
    counts: Vec<((u8, Micros), u64)>,
    merged: usize,
}

impl Limited {
    /// So many more than twice as many as are merged wait to be merged.
    const WAITING: usize = 16;

    fn add(&mut self, of: (u8, Micros), sessions: u64) {
        self.counts.push((of, sessions));
        if self.counts.len() > 2 * self.merged + Self::WAITING {
            self.counts.sort_unstable();
            self.counts.dedup_by(|later, kept| {
                let is_same = later.0 == kept.0;
                kept.1 += if is_same { later.1 } else { 0 };
                is_same
            });
            self.merged = self.counts.len();
        }
    }
}
