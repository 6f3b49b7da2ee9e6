//! Calendar periods: the hours, days, weeks and months of a zone's clock, as spans of instants that
//! tile time without gap or overlap.

use crate::events::Micros;
use crate::time::civil::{DAY, Date, HOUR, weekday};
use crate::time::zone::Zone;

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodLength {
    /// An hour of local time.
    Hour,
    /// A local day; 23 or 25 hours long when the clock changes.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
}

impl PeriodLength {
    /// Every length, the shortest first.
    pub const ALL: [PeriodLength; 4] = [
        PeriodLength::Hour,
        PeriodLength::Day,
        PeriodLength::Week,
        PeriodLength::Month,
    ];

    /// The length's word in flags, configuration and reports.
    pub fn name(self) -> &'static str {
        match self {
            PeriodLength::Hour => "hour",
            PeriodLength::Day => "day",
            PeriodLength::Week => "week",
            PeriodLength::Month => "month",
        }
    }

    /// How long such a period is on average; a month is a twelfth of 365.2425 days.
    fn nominal(self) -> Micros {
        match self {
            PeriodLength::Hour => HOUR,
            PeriodLength::Day => DAY,
            PeriodLength::Week => 7 * DAY,
            PeriodLength::Month => 2_629_746 * crate::events::SECOND,
        }
    }
}

/// One period: from `start`, inclusive, to `end`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its first instant.
    pub start: Micros,
    /// The first instant after it.
    pub end: Micros,
}

/// The data spans more periods than can be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data spans about {estimate} periods of one {}; at most {} can be reported",
    .length.name(), Calendar::MOST)]
pub struct TooManyPeriods {
    /// The length asked for.
    pub length: PeriodLength,
    /// About how many there would be.
    pub estimate: u64,
}

/// Consecutive periods that are equally long in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first instant of the first one.
    pub start: Micros,
    /// The first one's index.
    pub first: usize,
    /// How long each is.
    pub length: Micros,
    /// How many they are.
    pub count: usize,
}

/// Consecutive periods of one length in one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    nominal: Micros,
    /// The first instant of every period, then the end of the last; strictly ascending.
    boundaries: Vec<Micros>,
}

impl Calendar {
    /// The most periods of a calendar.
    pub const MOST: u64 = 1_000_000;

    /// All periods from the one that holds `first` to the one that holds `last`, which must not lie
    /// before it.
    pub fn covering(
        length: PeriodLength,
        zone: &Zone,
        first: Micros,
        last: Micros,
    ) -> Result<Calendar, TooManyPeriods> {
        let nominal = length.nominal();
        let estimate = last.abs_diff(first) / nominal.unsigned_abs() + 1;
        if estimate > Self::MOST {
            return Err(TooManyPeriods { length, estimate });
        }
        let mut period = containing(length, zone, first);
        let mut boundaries = Vec::with_capacity(estimate as usize + 2);
        boundaries.push(period.start);
        boundaries.push(period.end);
        while period.end <= last {
            period = containing(length, zone, period.end);
            boundaries.push(period.end);
        }
        Ok(Calendar {
            nominal,
            boundaries,
        })
    }

    /// Number of periods, at least one.
    #[expect(clippy::len_without_is_empty, reason = "a calendar is never empty")]
    pub fn len(&self) -> usize {
        self.boundaries.len() - 1
    }

    /// The index of the period that holds `at`; of the first or the last when `at` lies outside.
    pub fn index_of(&self, at: Micros) -> usize {
        let last = self.len() - 1;
        // Nominal length is off by a few periods at most, over any range of years.
        let guess = at.saturating_sub(self.boundaries[0]) / self.nominal;
        let mut index = guess.clamp(0, last as i64) as usize;
        while index > 0 && at < self.boundaries[index] {
            index -= 1;
        }
        while index < last && at >= self.boundaries[index + 1] {
            index += 1;
        }
        index
    }

    /// The period of an index less than [`Calendar::len`].
    pub fn period(&self, index: usize) -> Period {
        Period {
            start: self.boundaries[index],
            end: self.boundaries[index + 1],
        }
    }

    /// All periods as runs of equal ones, the earliest first.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (index, period) in self.periods().enumerate() {
            let length = period.end - period.start;
            match runs.last_mut() {
                Some(run) if run.length == length => run.count += 1,
                _ => runs.push(Run {
                    start: period.start,
                    first: index,
                    length,
                    count: 1,
                }),
            }
        }
        runs
    }

    /// All periods, the earliest first.
    pub fn periods(&self) -> impl Iterator<Item = Period> {
        (0..self.len()).map(|index| self.period(index))
    }
}

/// The period that holds an instant.
///
/// A day starts at the first instant of its date: at its earlier midnight when there are two, at
/// the end of the gap when midnight is skipped. Days, weeks and months that a clock change skips
/// altogether are not there. An hour ends at the next full hour of the local clock or where the
/// clock changes, so a repeated hour is two periods, and half of one on Lord Howe too.
pub fn containing(length: PeriodLength, zone: &Zone, at: Micros) -> Period {
    if length == PeriodLength::Hour {
        return hour_containing(zone, at);
    }
    let start_of = |number: i64| zone.first_instant(first_day(length, number) * DAY);
    let mut number = number_of(length, zone.to_local(at).div_euclid(DAY));
    // A clock put back over midnight shows the old date again after the new day began.
    while start_of(number) > at {
        number -= 1;
    }
    while start_of(number + 1) <= at {
        number += 1;
    }
    Period {
        start: start_of(number),
        end: start_of(number + 1),
    }
}

/// A period's name for people, at most 16 characters: `2026-03-29 14:00`, `2026-03-29`,
/// `2026-03-23 W13` (its Monday), `2026-03`. The two periods of a repeated hour share one.
pub fn label(period: Period, length: PeriodLength, zone: &Zone) -> String {
    let local = zone.to_local(period.start);
    let date = Date::from_days(local.div_euclid(DAY));
    let month = format!("{:04}-{:02}", date.year, date.month);
    match length {
        PeriodLength::Month => month,
        PeriodLength::Day => format!("{month}-{:02}", date.day),
        PeriodLength::Week => format!("{month}-{:02} W{:02}", date.day, date.iso_week()),
        PeriodLength::Hour => {
            let minutes = local.rem_euclid(DAY) / crate::time::civil::MINUTE;
            let (hour, minute) = (minutes / 60, minutes % 60);
            format!("{month}-{:02} {hour:02}:{minute:02}", date.day)
        }
    }
}

fn hour_containing(zone: &Zone, at: Micros) -> Period {
    let full_hour = at - zone.to_local(at).rem_euclid(HOUR);
    let next_full_hour = full_hour + HOUR;
    Period {
        start: zone.change_between(full_hour, at).unwrap_or(full_hour),
        end: zone
            .change_between(at, next_full_hour)
            .unwrap_or(next_full_hour),
    }
}

/// The number of the day, week or month that a day since 1970 belongs to.
fn number_of(length: PeriodLength, day: i64) -> i64 {
    match length {
        PeriodLength::Hour | PeriodLength::Day => day,
        PeriodLength::Week => (day - weekday(day)).div_euclid(7),
        PeriodLength::Month => {
            let date = Date::from_days(day);
            date.year * 12 + date.month - 1
        }
    }
}

/// The first day, since 1970, of a day, week or month by its number.
fn first_day(length: PeriodLength, number: i64) -> i64 {
    match length {
        PeriodLength::Hour | PeriodLength::Day => number,
        // The Monday before 1970-01-01 is day -3, in week -1.
        PeriodLength::Week => number * 7 + 4,
        PeriodLength::Month => Date {
            year: number.div_euclid(12),
            month: number.rem_euclid(12) + 1,
            day: 1,
        }
        .days(),
    }
}
