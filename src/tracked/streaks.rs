//! Days in a row with a session, on the calendar of a zone. A session belongs to the day on which
//! it starts.

use crate::events::Micros;
use crate::time::civil::{DAY, Date};
use crate::time::zone::Zone;

/// The day of an instant, counted from 1970 on the zone's calendar.
pub(crate) fn day_of(at: Micros, zone: &Zone) -> i64 {
    zone.to_local(at).div_euclid(DAY)
}

/// `2026-03-01`.
pub(crate) fn day_text(day: i64) -> String {
    let date = Date::from_days(day);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// Days in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streak {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// How many days of the calendar: one that the zone skipped altogether is none.
    pub(crate) days: u64,
}

/// One user's streaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streaks {
    /// Of each session, the days in a row just before it and just after.
    pub(crate) marks: Vec<(u64, u64)>,
    /// How many days have a session.
    pub(crate) days: u64,
    /// The longest; of several, the first.
    pub(crate) longest: Option<Streak>,
    /// The one that today, or yesterday, is the last day of.
    pub(crate) current: Option<Streak>,
}

/// The streaks of one user's sessions, which start on these days, in time order.
///
/// Just before the first session of a day the streak is that up to the day before, if that one has a
/// session, else 0. Just after it, and before and after the others of the day, it holds the day too.
pub(crate) fn streaks(days: &[i64], today: i64, zone: &Zone) -> Streaks {
    let mut found = Streaks::default();
    let mut running: Option<Streak> = None;
    for &day in days {
        let before = match running {
            Some(streak) if streak.last >= day || follows(zone, streak.last, day) => streak,
            _ => Streak {
                first: day,
                last: day - 1,
                days: 0,
            },
        };
        let is_new = running.is_none_or(|streak| streak.last < day);
        let after = Streak {
            last: before.last.max(day),
            days: before.days + u64::from(is_new),
            ..before
        };
        found.days += u64::from(is_new);
        found.marks.push((before.days, after.days));
        if found
            .longest
            .is_none_or(|longest| longest.days < after.days)
        {
            found.longest = Some(after);
        }
        running = Some(after);
    }
    found.current =
        running.filter(|streak| streak.last >= today || follows(zone, streak.last, today));
    found
}

/// Whether no day lies between two days but one that the zone's calendar skipped.
fn follows(zone: &Zone, earlier: i64, later: i64) -> bool {
    let is_skipped =
        |day: i64| zone.first_instant(day * DAY) == zone.first_instant((day + 1) * DAY);
    later == earlier + 1 || (later == earlier + 2 && is_skipped(earlier + 1))
}
