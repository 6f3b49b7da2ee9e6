//! One line through time: a cell per period, what each shares with the one before it, and the
//! durations where they are kept.

use crate::measures::durations::Durations;
use crate::measures::interval::change;
use crate::measures::summary::{Cell, Pair, UserTotals};
use crate::measures::sums::OrderStatistics;
use crate::measures::{Change, Figures};
use crate::sessions::session::Session;
use crate::time::period::Calendar;

/// The periods of one calendar, by index; as long as the last one touched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    slots: Vec<Slot>,
}

/// One period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) cell: Cell,
    /// What it shares with the period before it.
    pub(crate) pair: Pair,
    /// Durations of the closed sessions; empty when not kept.
    pub(crate) durations: Durations,
    /// The durations that quantiles need, where they were found elsewhere.
    pub(crate) quantiles: Option<OrderStatistics>,
}

impl Slot {
    /// Its figures; median and 90th percentile only where durations were kept.
    pub(crate) fn figures(&mut self) -> Figures {
        let (median, p90) = match &self.quantiles {
            Some(found) => (found.median(), found.p90()),
            None => (self.durations.quantile(50), self.durations.quantile(90)),
        };
        self.cell.figures(median, p90)
    }
}

impl Series {
    /// The period of an index, which is made when it is not there yet.
    pub(crate) fn slot(&mut self, index: usize) -> &mut Slot {
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, Slot::default);
        }
        &mut self.slots[index]
    }

    /// The period of an index, where it was touched.
    pub(crate) fn get(&self, index: usize) -> Option<&Slot> {
        self.slots.get(index)
    }

    /// Adds one user's totals to a period, and to what it shares with `before`, the period of the
    /// same user just added, if that is the neighbour.
    pub(crate) fn add(
        &mut self,
        index: usize,
        totals: UserTotals,
        before: &mut Option<(usize, UserTotals)>,
    ) {
        let slot = self.slot(index);
        slot.cell.add_user(&totals);
        if let Some((earlier, earlier_totals)) = before
            && *earlier + 1 == index
        {
            slot.pair.add_user(earlier_totals, &totals);
        }
        *before = Some((index, totals));
    }

    /// Adds the series of other users.
    pub(crate) fn merge(&mut self, mut other: Series) {
        if other.slots.len() > self.slots.len() {
            std::mem::swap(self, &mut other);
        }
        for (slot, other) in self.slots.iter_mut().zip(other.slots) {
            slot.cell.merge(&other.cell);
            slot.pair.merge(&other.pair);
            slot.durations.append(other.durations);
        }
    }

    /// The change of a period's mean against the one before it, whatever their standing.
    pub(crate) fn change(&self, index: usize) -> Option<Change> {
        let earlier = self.slots.get(index.checked_sub(1)?)?;
        let later = self.slots.get(index)?;
        change(&earlier.cell, &later.cell, &later.pair)
    }

    /// The first and the last period in which a session starts.
    pub(crate) fn ends(&self) -> Option<(usize, usize)> {
        let has_sessions = |slot: &Slot| slot.cell.sessions > 0;
        let first = self.slots.iter().position(has_sessions)?;
        let last = self.slots.iter().rposition(has_sessions)?;
        Some((first, last))
    }

    /// The durations of each period.
    pub(crate) fn durations(&mut self) -> impl Iterator<Item = &mut Durations> {
        self.slots.iter_mut().map(|slot| &mut slot.durations)
    }
}

/// The runs of one user's sessions, in time order, that start in one period each; with a
/// `calendar` of `None`, all of them are one run of index 0.
pub(crate) fn runs<'a>(
    calendar: Option<&'a Calendar>,
    sessions: &'a [Session],
) -> impl Iterator<Item = (usize, &'a [Session])> {
    let mut rest = sessions;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let Some(calendar) = calendar else {
            return Some((0, std::mem::take(&mut rest)));
        };
        let index = calendar.index_of(first.start);
        let end = calendar.period(index).end;
        let length = 1 + rest[1..]
            .iter()
            .take_while(|session| session.start < end)
            .count();
        let (run, others) = rest.split_at(length);
        rest = others;
        Some((index, run))
    })
}
