//! Time zones: their names, their offset at an instant, and the instants of a local time. Nothing
//! is taken from the machine; the zone data is compiled in.

use std::fmt;

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};

use crate::events::{Micros, SECOND};
use crate::time::civil::{DAY, HOUR};
use crate::time::print::quoted;

/// The zone of a report or of a source's zoneless timestamps: a name of the zone database or a
/// fixed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A name of the zone database.
    Named(chrono_tz::Tz),
    /// A fixed offset, in seconds east of UTC.
    Fixed(i32),
}

/// The instants that a local time names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalTime {
    /// Exactly one.
    Single(Micros),
    /// None: the clock was put forward over it.
    Skipped {
        /// The instant of the local time moved forward by the length of the gap.
        forward: Micros,
    },
    /// Two: the clock was put back over it.
    Repeated {
        /// The first of the two.
        earlier: Micros,
        /// The second of the two.
        later: Micros,
    },
}

/// Why a zone's name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// Letters that stand for several zones, or for one with or without summer time.
    #[error("time zone {} is ambiguous; name a city, for example {city}", quoted(.name.as_bytes()))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// One of the cities that could be meant, as the zone database names it.
        city: &'static str,
    },
    /// An offset of 24 hours or more, or with 60 minutes or more.
    #[error("offset {} is out of range; offsets lie between -23:59 and +23:59", quoted(.name.as_bytes()))]
    Offset {
        /// What was typed.
        name: String,
    },
    /// Neither an offset nor a name of the zone database.
    #[error("unknown time zone {}{}", quoted(.name.as_bytes()),
        .nearest.map(|nearest| format!("; did you mean \"{nearest}\"?")).unwrap_or_default())]
    Unknown {
        /// What was typed.
        name: String,
        /// The nearest name, when one is close.
        nearest: Option<&'static str>,
    },
}

impl Zone {
    /// Universal time.
    pub const UTC: Zone = Zone::Named(chrono_tz::UTC);

    /// Reads a name of the zone database, `UTC`, `Z`, or an offset: `+05:30`, `+0530`, `+05`.
    ///
    /// An offset of zero, `-00:00` too, is UTC. Abbreviations such as `EST` are refused, also those
    /// that the zone database has as names: people mean several things by them.
    pub fn parse(text: &str) -> Result<Zone, ZoneError> {
        if text == "Z" || text == "UTC" {
            return Ok(Zone::UTC);
        }
        if text.starts_with(['+', '-']) {
            return zone_from_offset(text);
        }
        if let Some(&(_, city)) = AMBIGUOUS
            .iter()
            .find(|(letters, _)| letters.eq_ignore_ascii_case(text))
        {
            return Err(ZoneError::Ambiguous {
                name: text.to_owned(),
                city,
            });
        }
        text.parse()
            .map(Zone::Named)
            .map_err(|_| ZoneError::Unknown {
                name: text.to_owned(),
                nearest: nearest_name(text),
            })
    }

    /// The offset in force at an instant, in seconds east of UTC.
    pub fn offset_at(&self, utc: Micros) -> i32 {
        match self {
            Zone::Fixed(offset) => *offset,
            Zone::Named(chrono_tz::UTC) => 0,
            Zone::Named(zone) => zone
                .offset_from_utc_datetime(&naive(utc))
                .fix()
                .local_minus_utc(),
        }
    }

    /// What the local clock shows at an instant, as microseconds since 1970 on that clock.
    pub fn to_local(&self, utc: Micros) -> Micros {
        utc + offset_micros(self.offset_at(utc))
    }

    /// The instants at which the local clock shows `local`, microseconds since 1970 on that clock.
    pub fn to_utc(&self, local: Micros) -> LocalTime {
        let zone = match self {
            Zone::Fixed(offset) => return LocalTime::Single(local - offset_micros(*offset)),
            Zone::Named(chrono_tz::UTC) => return LocalTime::Single(local),
            Zone::Named(zone) => zone,
        };
        let instant = |offset: i32| -> Micros { local - offset_micros(offset) };
        match zone
            .offset_from_local_datetime(&naive(local))
            .map(|offset| offset.fix().local_minus_utc())
        {
            LocalResult::Single(offset) => LocalTime::Single(instant(offset)),
            LocalResult::Ambiguous(one, other) => LocalTime::Repeated {
                earlier: instant(one.max(other)),
                later: instant(one.min(other)),
            },
            LocalResult::None => LocalTime::Skipped {
                forward: instant(self.offset_before_gap(local)),
            },
        }
    }

    /// The first instant at which the local clock shows `local` or, where that is skipped, the end
    /// of the gap.
    pub(crate) fn first_instant(&self, local: Micros) -> Micros {
        match self.to_utc(local) {
            LocalTime::Single(at) | LocalTime::Repeated { earlier: at, .. } => at,
            LocalTime::Skipped { forward } => {
                let after = offset_micros(self.offset_at(forward));
                self.change_between(local - after, forward)
                    .unwrap_or(forward)
            }
        }
    }

    /// The instant in (`from`, `to`] since which the offset at `to` has been in force, when the
    /// offset at `from` is another. One change of offset at most may lie between.
    pub(crate) fn change_between(&self, from: Micros, to: Micros) -> Option<Micros> {
        let after = self.offset_at(to);
        if self.offset_at(from) == after {
            return None;
        }
        // Changes fall on whole seconds.
        let (mut before, mut since) = (from.div_euclid(SECOND), to.div_euclid(SECOND));
        while since - before > 1 {
            let middle = before + (since - before) / 2;
            if self.offset_at(middle * SECOND) == after {
                since = middle;
            } else {
                before = middle;
            }
        }
        Some(since * SECOND)
    }

    /// The offset in force before the gap that `local` lies in: the smaller of the two around it.
    ///
    /// With the offset after the gap, a skipped time comes out before the gap, and the other way
    /// round, so that following it twice meets both.
    fn offset_before_gap(&self, local: Micros) -> i32 {
        let guess = self.offset_at(local);
        let one = self.offset_at(local - offset_micros(guess));
        let other = self.offset_at(local - offset_micros(one));
        one.min(other)
    }
}

/// The name of the zone database, or the offset as `+05:30`.
impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Named(zone) => out.write_str(zone.name()),
            Zone::Fixed(offset) => {
                let sign = if *offset < 0 { '-' } else { '+' };
                let (minutes, seconds) = (offset.abs() / 60, offset.abs() % 60);
                write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)?;
                if seconds != 0 {
                    write!(out, ":{seconds:02}")?;
                }
                Ok(())
            }
        }
    }
}

/// Resolves runs of local times in one zone: a local day on which the clock does not change is
/// looked up once.
#[derive(Clone, Debug)]
pub struct LocalResolver {
    zone: Zone,
    last: SteadyDay,
    days: Vec<SteadyDay>,
}

/// A local day with one offset throughout.
#[derive(Clone, Copy, Debug)]
struct SteadyDay {
    /// Days since 1970 on the local clock.
    day: i64,
    offset: Micros,
}

impl SteadyDay {
    const NONE: SteadyDay = SteadyDay {
        day: i64::MIN,
        offset: 0,
    };
}

impl LocalResolver {
    /// Days that are kept: eleven years, as a power of two.
    const KEPT_DAYS: usize = 4096;

    /// A resolver that has seen nothing yet.
    pub fn new(zone: Zone) -> Self {
        Self {
            zone,
            last: SteadyDay::NONE,
            days: Vec::new(),
        }
    }

    /// The same as [`Zone::to_utc`].
    pub fn to_utc(&mut self, local: Micros) -> LocalTime {
        let day = local.div_euclid(DAY);
        if day == self.last.day {
            return LocalTime::Single(local - self.last.offset);
        }
        self.resolve_on(day, local)
    }

    fn resolve_on(&mut self, day: i64, local: Micros) -> LocalTime {
        if self.days.is_empty() {
            self.days.resize(Self::KEPT_DAYS, SteadyDay::NONE);
        }
        let kept = &mut self.days[day.rem_euclid(Self::KEPT_DAYS as i64) as usize];
        if kept.day != day {
            let Some(offset) = steady_offset(&self.zone, day) else {
                return self.zone.to_utc(local);
            };
            *kept = SteadyDay { day, offset };
        }
        self.last = *kept;
        LocalTime::Single(local - self.last.offset)
    }
}

/// The offset of a local day in microseconds, when every full hour of it has that one and no other.
/// Two changes that undo each other within an hour would be missed; no zone has had such.
fn steady_offset(zone: &Zone, day: i64) -> Option<Micros> {
    let mut steady = None;
    for hour in 0..=24 {
        let local = day * DAY + hour * HOUR;
        let LocalTime::Single(at) = zone.to_utc(local) else {
            return None;
        };
        if *steady.get_or_insert(local - at) != local - at {
            return None;
        }
    }
    steady
}

fn offset_micros(offset: i32) -> Micros {
    Micros::from(offset) * SECOND
}

/// The second that `micros` lies in, as chrono has it; the nearest that chrono knows beyond its
/// range of 262,000 years.
fn naive(micros: Micros) -> NaiveDateTime {
    let nearest = if micros < 0 {
        DateTime::<chrono::Utc>::MIN_UTC
    } else {
        DateTime::<chrono::Utc>::MAX_UTC
    };
    DateTime::from_timestamp(micros.div_euclid(SECOND), 0)
        .unwrap_or(nearest)
        .naive_utc()
}

fn zone_from_offset(text: &str) -> Result<Zone, ZoneError> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        [_, digits @ ..] => (1, digits),
        [] => (1, &[][..]),
    };
    let (hours, minutes) = match digits {
        [h1, h2] => ([*h1, *h2], [b'0', b'0']),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => ([*h1, *h2], [*m1, *m2]),
        _ => ([0; 2], [0; 2]),
    };
    let two_digits = |[tens, ones]: [u8; 2]| {
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    };
    match (two_digits(hours), two_digits(minutes)) {
        (Some(0), Some(0)) => Ok(Zone::UTC),
        (Some(hours @ 0..24), Some(minutes @ 0..60)) => {
            Ok(Zone::Fixed(sign * (hours * 3600 + minutes * 60)))
        }
        (Some(_), Some(_)) => Err(ZoneError::Offset {
            name: text.to_owned(),
        }),
        _ => Err(ZoneError::Unknown {
            name: text.to_owned(),
            nearest: None,
        }),
    }
}

/// The name of the zone database nearest to `text`, whatever its case, when at most a quarter of
/// what was typed differs; the shortest of several.
fn nearest_name(text: &str) -> Option<&'static str> {
    let wanted = text.to_lowercase();
    // The distance is quadratic, and no name has more than 32 letters.
    if wanted.len() > 64 {
        return None;
    }
    chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .filter(|name| !AMBIGUOUS.iter().any(|(letters, _)| letters == name))
        .map(|name| (distance(&wanted, name), name.len(), name))
        .min()
        .filter(|(distance, _, _)| distance * 4 <= wanted.len())
        .map(|(_, _, name)| name)
}

/// Edits from `wanted` to a name or to the city at its end, whichever are fewer.
fn distance(wanted: &str, name: &str) -> usize {
    let name = name.to_lowercase().replace('_', " ");
    let wanted = wanted.replace('_', " ");
    let city = name.rsplit('/').next().unwrap_or(&name);
    strsim::damerau_levenshtein(&wanted, &name).min(strsim::damerau_levenshtein(&wanted, city))
}

/// Abbreviations that mean several zones, or one with or without its summer time, each with a city
/// where its letters are used.
const AMBIGUOUS: [(&str, &str); 42] = [
    ("ACT", "Australia/Darwin"),
    ("ADT", "America/Halifax"),
    ("AEDT", "Australia/Sydney"),
    ("AEST", "Australia/Sydney"),
    ("AKDT", "America/Anchorage"),
    ("AKST", "America/Anchorage"),
    ("AMT", "America/Manaus"),
    ("AST", "America/Halifax"),
    ("AWST", "Australia/Perth"),
    ("BRT", "America/Sao_Paulo"),
    ("BST", "Europe/London"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Berlin"),
    ("CET", "Europe/Berlin"),
    ("CST", "America/Chicago"),
    ("EAT", "Africa/Nairobi"),
    ("ECT", "America/Guayaquil"),
    ("EDT", "America/New_York"),
    ("EEST", "Europe/Athens"),
    ("EET", "Europe/Athens"),
    ("EST", "America/New_York"),
    ("GST", "Asia/Dubai"),
    ("HKT", "Asia/Hong_Kong"),
    ("HST", "Pacific/Honolulu"),
    ("IDT", "Asia/Jerusalem"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("MDT", "America/Denver"),
    ("MET", "Europe/Berlin"),
    ("MSK", "Europe/Moscow"),
    ("MST", "America/Denver"),
    ("NST", "America/St_Johns"),
    ("NZDT", "Pacific/Auckland"),
    ("NZST", "Pacific/Auckland"),
    ("PDT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
    ("SAST", "Africa/Johannesburg"),
    ("SGT", "Asia/Singapore"),
    ("SST", "Pacific/Pago_Pago"),
    ("WEST", "Europe/Lisbon"),
    ("WET", "Europe/Lisbon"),
];
