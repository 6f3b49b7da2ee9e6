//! What our own rule gives beside another system's: the sums over the same users, events and window,
//! so that a report made under `--compat` says by how much the two differ.

use crate::events::{Micros, Source};
use crate::measures::Figures;
use crate::measures::summary::{Cell, UserTotals};
use crate::sessions::rule::Rule;
use crate::sessions::scan::{Timeline, sessions_of};
use crate::sessions::session::open_after;

/// What is needed besides the events.
#[derive(Clone, Copy, Debug)]
pub struct OwnRule<'a> {
    /// Our own rule.
    pub rule: &'a Rule,
    /// The run's sources.
    pub sources: &'a [Source],
    /// Sessions that start from here, inclusive, to there, exclusive, are counted.
    pub window: (Micros, Micros),
    /// When the data was taken.
    pub now: Micros,
}

/// The sums over some users; those over others merge into it.
#[derive(Clone, Debug, Default)]
pub struct Own(Cell);

impl Own {
    /// Adds a user, who must come once, with all events that were read.
    pub fn user(&mut self, events: Timeline<'_>, own: &OwnRule<'_>) {
        let (from, to) = own.window;
        let open_after = open_after(own.now, own.rule.timeout);
        let mut totals = UserTotals::default();
        let mut sessions = Vec::new();
        sessions_of(own.rule, own.sources, events, &mut sessions);
        for session in sessions {
            if session.start >= from && session.start < to {
                totals.add(&session, session.end > open_after);
            }
        }
        self.0.add_user(&totals);
    }

    /// Adds the sums over other users.
    #[must_use]
    pub fn merge(mut self, other: &Own) -> Self {
        self.0.merge(&other.0);
        self
    }

    /// The figures, without quantiles.
    pub fn figures(&self) -> Figures {
        self.0.figures(None, None)
    }
}

/// How many times as much another system's rule gives as our own; `None` where either is unknown or
/// ours is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratios {
    /// Sessions, open ones too.
    pub sessions: Option<f64>,
    /// Mean durations.
    pub mean: Option<f64>,
    /// Total durations.
    pub total: Option<f64>,
}

impl Ratios {
    /// Of the other system's figures to our own.
    pub fn new(theirs: &Figures, own: &Figures) -> Self {
        let total = |figures: &Figures| figures.total.map(|micros| micros as f64);
        Self {
            sessions: ratio(Some(theirs.sessions as f64), Some(own.sessions as f64)),
            mean: ratio(theirs.mean, own.mean),
            total: ratio(total(theirs), total(own)),
        }
    }
}

fn ratio(theirs: Option<f64>, own: Option<f64>) -> Option<f64> {
    let own = own.filter(|own| *own > 0.0)?;
    Some(theirs? / own)
}
