//! The rows of a report: per period, per period and source set, per period and user.

use crate::events::{Micros, User};
use crate::measures::Row;
use crate::measures::interval::change;
use crate::measures::observation::Observation;
use crate::measures::series::Series;
use crate::measures::summary::{Cell, Pair, UserTotals};
use crate::time::period::{Calendar, Period};

/// What is known of each period of a calendar, by index.
pub(crate) struct Standings {
    of_period: Vec<Standing>,
    /// First and last period in which a session starts.
    ends: Option<(usize, usize)>,
}

/// What is known of one period.
#[derive(Clone, Copy)]
struct Standing {
    period: Period,
    is_complete: bool,
    is_covered: bool,
}

impl Standings {
    /// `series` is over all users.
    pub(crate) fn new(calendar: &Calendar, series: &Series, observation: &Observation) -> Self {
        let standing = |index| {
            let period = calendar.period(index);
            let open_sessions = series.get(index).map_or(0, |slot| slot.cell.open_sessions);
            Standing {
                period,
                is_complete: observation.is_complete(period, open_sessions),
                is_covered: observation.is_covered(period),
            }
        };
        Standings {
            of_period: (0..calendar.len()).map(standing).collect(),
            ends: series.ends(),
        }
    }

    /// Number of periods.
    pub(crate) fn len(&self) -> usize {
        self.of_period.len()
    }

    /// The period of an index.
    pub(crate) fn period(&self, index: usize) -> Period {
        self.of_period[index].period
    }

    /// Whether a period is complete.
    pub(crate) fn is_complete(&self, index: usize) -> bool {
        self.of_period[index].is_complete
    }

    /// Whether a period is complete and covered by every source.
    pub(crate) fn is_sound(&self, index: usize) -> bool {
        let standing = self.of_period[index];
        standing.is_complete && standing.is_covered
    }

    /// Whether a period and the one before it are complete.
    pub(crate) fn is_pair_complete(&self, index: usize) -> bool {
        index > 0 && self.is_complete(index) && self.is_complete(index - 1)
    }

    /// Whether a period may be compared with the one before it.
    pub(crate) fn is_comparable(&self, index: usize) -> bool {
        index > 0 && self.is_sound(index) && self.is_sound(index - 1)
    }

    /// A period and the one before it as one span.
    pub(crate) fn pair(&self, index: usize) -> Period {
        Period {
            start: self.period(index.saturating_sub(1)).start,
            end: self.period(index).end,
        }
    }

    /// A sentence for each source whose coverage alone keeps periods from being compared.
    pub(crate) fn remarks(&self, observation: &Observation) -> Vec<String> {
        let Some((first, last)) = self.ends else {
            return Vec::new();
        };
        let lost: Vec<Period> = (first + 1..=last)
            .filter(|&index| self.is_pair_complete(index) && !self.is_comparable(index))
            .map(|index| self.pair(index))
            .collect();
        let clauses = observation.gaps_in_coverage(&lost).into_iter();
        clauses
            .map(|clause| {
                format!(
                    "{}: periods that it does not cover are shown without a comparison.",
                    capitalised(&clause)
                )
            })
            .collect()
    }
}

/// One user in one period, as it waits for the end.
#[derive(Clone, Debug)]
pub(crate) struct UserRow {
    /// The period's index; 0 without periods.
    pub(crate) period: usize,
    pub(crate) user: User,
    pub(crate) totals: UserTotals,
    /// Median duration in seconds.
    pub(crate) median: Option<f64>,
    /// 90th percentile in seconds.
    pub(crate) p90: Option<f64>,
    /// Closed sessions and their duration in the period just before, where the user has sessions.
    pub(crate) earlier: Option<(u64, Micros)>,
}

/// One row for each period from the first to the last in which a session starts.
pub(crate) fn of_periods(series: &mut Series, standings: &Standings) -> Vec<Row> {
    let Some((first, last)) = standings.ends else {
        return Vec::new();
    };
    let row = |index| Row {
        period: Some(standings.period(index)),
        complete: Some(standings.is_complete(index)),
        segment: None,
        figures: series.slot(index).figures(),
        change: series
            .change(index)
            .filter(|_| standings.is_comparable(index)),
    };
    (first..=last).map(row).collect()
}

/// One row for each source set, by name, and period in which it has a session.
pub(crate) fn of_source_sets(
    mut named: Vec<(String, &mut Series)>,
    standings: Option<&Standings>,
) -> Vec<Row> {
    named.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let periods = standings.map_or(1, Standings::len);
    let mut rows = Vec::new();
    for index in 0..periods {
        for (name, series) in &mut named {
            if series.get(index).is_none_or(|slot| slot.cell.sessions == 0) {
                continue;
            }
            rows.push(Row {
                period: standings.map(|standings| standings.period(index)),
                complete: standings.map(|standings| standings.is_complete(index)),
                segment: Some(name.clone()),
                figures: series.slot(index).figures(),
                change: standings
                    .filter(|standings| standings.is_comparable(index))
                    .and_then(|_| series.change(index)),
            });
        }
    }
    rows
}

/// One row for each user and period in which the user has a session.
pub(crate) fn of_users(mut users: Vec<UserRow>, standings: Option<&Standings>) -> Vec<Row> {
    users.sort_unstable_by(|a, b| (a.period, &a.user).cmp(&(b.period, &b.user)));
    let row = |user: UserRow| {
        let later = cell_of(&user.totals);
        let is_comparable = standings.is_some_and(|standings| standings.is_comparable(user.period));
        let earlier = user.earlier.filter(|_| is_comparable).map(|earlier| {
            cell_of(&UserTotals {
                closed_sessions: earlier.0,
                duration: earlier.1,
                ..UserTotals::default()
            })
        });
        Row {
            period: standings.map(|standings| standings.period(user.period)),
            complete: standings.map(|standings| standings.is_complete(user.period)),
            segment: Some(user.user.to_string()),
            figures: later.figures(user.median, user.p90),
            // One user has no interval, so what the two periods share does not matter.
            change: earlier.and_then(|earlier| change(&earlier, &later, &Pair::default())),
        }
    };
    users.into_iter().map(row).collect()
}

/// The cell of one user alone.
fn cell_of(totals: &UserTotals) -> Cell {
    let mut cell = Cell::default();
    cell.add_user(totals);
    cell
}

/// A clause as the beginning of a sentence; clauses begin with an ASCII word.
pub(crate) fn capitalised(clause: &str) -> String {
    let mut sentence = clause.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}
