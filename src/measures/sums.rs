//! The sums of all sessions that were added up elsewhere, such as in a database, and how they stand
//! in the place of an accumulator's own: what is made of them is then the same, bit by bit.

use crate::events::{Micros, User};
use crate::measures::quantile::{between, rank};
use crate::measures::rows::UserRow;
use crate::measures::series::{Series, Slot};
use crate::measures::summary::{Cell, Pair, UserTotals};
use crate::sessions::session::SourceSet;
use crate::time::period::PeriodLength;

/// Everything that a report needs, added up.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// All sessions of the window.
    pub overall: PeriodSums,
    /// How many of them touch either end of the data by less than one timeout.
    pub touching_ends: u64,
    /// For each calendar, the periods in which a session starts; with quantiles where the rows are
    /// of that length and have no segment.
    pub periods: Vec<(PeriodLength, Vec<PeriodSums>)>,
    /// For each source set, where the rows are split by it, the same with quantiles; the whole
    /// window is the period of index 0 where the rows have none.
    pub source_sets: Vec<(SourceSet, Vec<PeriodSums>)>,
    /// For each user, where the rows are split by them, and period the same.
    pub users: Vec<(User, PeriodSums)>,
}

/// One period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeriodSums {
    /// Its place in its calendar.
    pub index: usize,
    /// The sums over its users.
    pub cell: Cell,
    /// What it shares with the period before it.
    pub pair: Pair,
    /// The durations around its quantiles, where they were asked for and a session is closed.
    pub quantiles: Option<OrderStatistics>,
}

/// Durations of closed sessions by their rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStatistics {
    /// How many durations there are.
    pub count: u64,
    /// Those around the median: of the rank below it, and of the next one if there is one.
    pub median: (Micros, Micros),
    /// Those around the 90th percentile.
    pub p90: (Micros, Micros),
}

impl OrderStatistics {
    /// The median in seconds.
    pub(crate) fn median(&self) -> Option<f64> {
        self.quantile(50, self.median)
    }

    /// The 90th percentile in seconds.
    pub(crate) fn p90(&self) -> Option<f64> {
        self.quantile(90, self.p90)
    }

    fn quantile(&self, percent: usize, (below, above): (Micros, Micros)) -> Option<f64> {
        let (_, hundredths) = rank(self.count as usize, percent)?;
        let above = if hundredths == 0 { below } else { above };
        Some(between(below, above, hundredths))
    }
}

impl PeriodSums {
    /// The same as a period of a series.
    pub(crate) fn slot(self) -> Slot {
        Slot {
            cell: self.cell,
            pair: self.pair,
            quantiles: self.quantiles,
            ..Slot::default()
        }
    }

    /// A period of one user alone as it waits for the end.
    pub(crate) fn user_row(self, user: User) -> UserRow {
        let Self {
            index, cell, pair, ..
        } = self;
        UserRow {
            period: index,
            user,
            totals: UserTotals {
                events: cell.events,
                sessions: cell.sessions,
                open_sessions: cell.open_sessions,
                closed_sessions: cell.closed_sessions,
                closed_events: cell.closed_events,
                bounces: cell.bounces,
                duration: cell.duration as Micros,
                bounce_duration: cell.bounce_duration as Micros,
            },
            median: self.quantiles.and_then(|quantiles| quantiles.median()),
            p90: self.quantiles.and_then(|quantiles| quantiles.p90()),
            // Products of one user's numbers: the earlier period's are what is left of them.
            earlier: (pair.users > 0).then(|| {
                let later = i128::from(cell.closed_sessions);
                (
                    (pair.sessions_sessions / later) as u64,
                    (pair.duration_sessions / later) as Micros,
                )
            }),
        }
    }
}

impl Series {
    /// The series of these periods.
    pub(crate) fn of_sums(periods: Vec<PeriodSums>) -> Self {
        let mut series = Self::default();
        for period in periods {
            *series.slot(period.index) = period.slot();
        }
        series
    }
}
