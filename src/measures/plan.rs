//! What is to be measured, and the calendars that it needs.

use crate::events::{Micros, SECOND};
use crate::sessions::extent::Extents;
use crate::time::duration::Timeout;
use crate::time::period::{Calendar, PeriodLength, TooManyPeriods};
use crate::time::zone::Zone;

/// What one line of a report stands for, besides its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// One user.
    User,
    /// The sessions whose events came from the same set of sources.
    SourceSet,
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The inactivity timeout that made the sessions.
    pub timeout: Timeout,
    /// When the data was taken. A session is open when it ends later than one timeout before it.
    pub now: Micros,
    /// The window asked for: from, inclusive, to, exclusive; `None` where it has no end.
    pub window: (Option<Micros>, Option<Micros>),
    /// The report's zone.
    pub zone: Zone,
    /// The length of the rows' periods; with a segment, `None` makes the window the one period.
    /// Without a period and a segment there are no rows.
    pub by: Option<PeriodLength>,
    /// What the rows are split by.
    pub segment: Option<Segment>,
    /// The length of the periods that the trend compares; `None` to choose weeks or days.
    pub compare: Option<PeriodLength>,
    /// Whether the overall row will be shown. Rows per user have the overall median and 90th
    /// percentile only then, because every duration has to be kept for them.
    pub total: bool,
}

/// The calendars of a plan, made once from the data's extent and shared by all accumulators. Two
/// uses of one length share one calendar.
#[derive(Clone, Debug)]
pub struct Calendars {
    /// First and last event of the data, whatever the window.
    pub(crate) extent: Option<(Micros, Micros)>,
    /// Every length that is needed, once; none when the window holds no data.
    pub(crate) by_length: Vec<(PeriodLength, Calendar)>,
}

impl Calendars {
    /// The calendars over the part of the data's extent that lies in the plan's window: for the
    /// rows, for days, for weeks and for the length to compare.
    ///
    /// # Errors
    ///
    /// When a calendar has more periods than a report can hold.
    pub fn new(plan: &Plan, extents: &Extents) -> Result<Calendars, TooManyPeriods> {
        let extent = extents.all.map(|all| (all.first, all.last));
        let mut by_length: Vec<(PeriodLength, Calendar)> = Vec::new();
        if let Some((first, last)) = extent.and_then(|extent| starts_in(extent, plan.window)) {
            let always = [Some(PeriodLength::Day), Some(PeriodLength::Week)];
            for length in [plan.by, plan.compare].into_iter().chain(always).flatten() {
                if by_length.iter().all(|(known, _)| *known != length) {
                    let calendar = Calendar::covering(length, &plan.zone, first, last)?;
                    by_length.push((length, calendar));
                }
            }
        }
        Ok(Calendars { extent, by_length })
    }

    /// Those of some lengths alone.
    #[must_use]
    pub fn only(mut self, lengths: &[PeriodLength]) -> Calendars {
        self.by_length
            .retain(|(length, _)| lengths.contains(length));
        self
    }

    /// Where the last periods begin, so many of each length.
    pub fn recent(&self, periods: usize) -> Option<Micros> {
        let starts = self.by_length.iter().map(|(_, calendar)| {
            let first = calendar.len().saturating_sub(periods);
            calendar.period(first).start
        });
        starts.min()
    }

    pub(crate) fn position(&self, length: PeriodLength) -> Option<usize> {
        self.by_length
            .iter()
            .position(|(known, _)| *known == length)
    }
}

/// The first and last instant at which a session of the window can start.
fn starts_in(
    (first, last): (Micros, Micros),
    (from, to): (Option<Micros>, Option<Micros>),
) -> Option<(Micros, Micros)> {
    let first = from.map_or(first, |from| from.max(first));
    let last = to.map_or(last, |to| last.min(to - 1));
    (first <= last).then_some((first, last))
}

/// The period length of `--by auto` for a span in microseconds: hours up to two days, days up to
/// sixty, weeks up to two years (731 days), months beyond (PRODUCT section 3).
pub fn auto_period(span: Micros) -> PeriodLength {
    const DAY: Micros = 86_400 * SECOND;
    if span <= 2 * DAY {
        PeriodLength::Hour
    } else if span <= 60 * DAY {
        PeriodLength::Day
    } else if span <= 731 * DAY {
        PeriodLength::Week
    } else {
        PeriodLength::Month
    }
}
