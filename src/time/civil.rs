//! The proleptic Gregorian calendar by arithmetic: days since 1970-01-01 to and from dates.
//! Knows neither zones nor text.

use crate::events::{Micros, SECOND};

/// Microseconds in a day of 24 hours.
pub(crate) const DAY: Micros = 24 * HOUR;
/// Microseconds in an hour.
pub(crate) const HOUR: Micros = 60 * MINUTE;
/// Microseconds in a minute.
pub(crate) const MINUTE: Micros = 60 * SECOND;

/// Days in 400 years, after which the calendar repeats.
const DAYS_IN_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

/// A date of the calendar. Year 0 is the year before year 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    /// The year, negative before year 0.
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
}

impl Date {
    /// The date with these numbers, if the calendar has it.
    pub(crate) fn new(year: i64, month: i64, day: i64) -> Option<Date> {
        let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        exists.then_some(Date { year, month, day })
    }

    /// The date that lies `days` after 1970-01-01.
    ///
    /// Years are counted from March, so that the leap day is the last of a year
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    pub(crate) fn from_days(days: i64) -> Date {
        let shifted = days + DAYS_BEFORE_1970;
        let era = shifted.div_euclid(DAYS_IN_ERA);
        let day_of_era = shifted.rem_euclid(DAYS_IN_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month, day }
    }

    /// Days since 1970-01-01, negative before.
    pub(crate) fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * DAYS_IN_ERA + day_of_era - DAYS_BEFORE_1970
    }

    /// The ISO week's number, 1 to 53: weeks start on Monday, and week 1 holds January 4.
    pub(crate) fn iso_week(self) -> i64 {
        let days = self.days();
        let thursday = days - weekday(days) + 3;
        let new_year = Date {
            year: Date::from_days(thursday).year,
            month: 1,
            day: 1,
        };
        (thursday - new_year.days()) / 7 + 1
    }
}

/// The day of the week of a day since 1970-01-01, which was a Thursday: 0 is Monday, 6 is Sunday.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
