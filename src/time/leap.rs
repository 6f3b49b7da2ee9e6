//! The leap seconds that were: the only instants at which a clock showed second 60.

use crate::events::{Micros, SECOND};
use crate::time::civil::{DAY, Date};

/// Last days of the months that ended with a leap second: year, whether in June, whether in
/// December (IERS Bulletin C; none since 2016).
const YEARS: [(i64, bool, bool); 26] = [
    (1972, true, true),
    (1973, false, true),
    (1974, false, true),
    (1975, false, true),
    (1976, false, true),
    (1977, false, true),
    (1978, false, true),
    (1979, false, true),
    (1981, true, false),
    (1982, true, false),
    (1983, true, false),
    (1985, true, false),
    (1987, false, true),
    (1989, false, true),
    (1990, false, true),
    (1992, true, false),
    (1993, true, false),
    (1994, true, false),
    (1995, false, true),
    (1997, true, false),
    (1998, false, true),
    (2005, false, true),
    (2008, false, true),
    (2012, true, false),
    (2015, true, false),
    (2016, false, true),
];

/// Whether a leap second followed the second that `at` lies in, which is then some 23:59:59 UTC.
pub(crate) fn precedes_leap_second(at: Micros) -> bool {
    let next = at - at.rem_euclid(SECOND) + SECOND;
    if next % DAY != 0 {
        return false;
    }
    let next = Date::from_days(next.div_euclid(DAY));
    YEARS.iter().any(|&(year, june, december)| {
        (june && next == first_of(year, 7)) || (december && next == first_of(year + 1, 1))
    })
}

fn first_of(year: i64, month: i64) -> Date {
    Date {
        year,
        month,
        day: 1,
    }
}
