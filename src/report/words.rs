//! How people read a number: durations, changes, shares and counts in rounded words. Machines get
//! full precision elsewhere.

use crate::events::{Micros, SECOND};
use crate::time::timestamp::print_instant;
use crate::time::zone::Zone;

/// What stands for the unknown where people read; machines get an empty cell or null.
pub const UNKNOWN: &str = "–";

/// The sign of a fall, as wide as the `+` of a rise.
pub const MINUS: char = '−';

/// Seconds as `0s`, `0.4s`, `40s`, `23m 10s`, `2h 05m`, `3d 4h`: the two largest units, rounded.
/// Negative values carry [`MINUS`]; what is no number is [`UNKNOWN`].
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return UNKNOWN.to_owned();
    }
    if seconds < 0.0 {
        return format!("{MINUS}{}", duration(-seconds));
    }
    if seconds == 0.0 {
        return "0s".to_owned();
    }
    if seconds < 0.95 {
        return below_a_second(seconds);
    }
    let whole = seconds.round() as u64;
    let minutes = (seconds / 60.0).round() as u64;
    let hours = (seconds / 3600.0).round() as u64;
    if whole < 60 {
        format!("{whole}s")
    } else if whole < 3600 {
        format!("{}m {:02}s", whole / 60, whole % 60)
    } else if minutes < 24 * 60 {
        format!("{}h {:02}m", minutes / 60, minutes % 60)
    } else {
        format!("{}d {}h", hours / 24, hours % 24)
    }
}

fn below_a_second(seconds: f64) -> String {
    if seconds >= 0.05 {
        format!("{seconds:.1}s")
    } else if seconds >= 0.0005 {
        format!("{seconds:.3}s")
    } else {
        "<0.001s".to_owned()
    }
}

/// A duration with nothing rounded away: `35m 00s`, `1h 05m 10s`, `30m 00.000001s`.
pub fn exact_duration(micros: Micros) -> String {
    let sign = if micros < 0 { "−" } else { "" };
    let micros = micros.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let (whole, fraction) = (micros / second, micros % second);
    let fraction = match fraction {
        0 => String::new(),
        _ => format!(".{fraction:06}").trim_end_matches('0').to_owned(),
    };
    let (days, hours) = (whole / 86_400, whole / 3600 % 24);
    let (minutes, seconds) = (whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes:02}m {seconds:02}{fraction}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes:02}m {seconds:02}{fraction}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {seconds:02}{fraction}s")
    } else {
        format!("{sign}{seconds}{fraction}s")
    }
}

/// A gap in whole seconds, never rounded up to what it has not reached: `22d 21h 48m 31s`. Only a
/// gap below a second keeps its fraction.
pub fn gap(micros: Micros) -> String {
    exact_duration(match micros.abs() < SECOND {
        true => micros,
        false => micros - micros % SECOND,
    })
}

/// A change in seconds with its sign: `+5m 02s`, `−40s`, `0s`.
pub fn change(seconds: f64) -> String {
    if seconds > 0.0 && seconds.is_finite() {
        format!("+{}", duration(seconds))
    } else {
        duration(seconds)
    }
}

/// An interval of changes: `+1m 10s to +8m 50s`.
pub fn change_interval((low, high): (f64, f64)) -> String {
    format!("{} to {}", change(low), change(high))
}

/// An interval of durations: `19m 02s–24m 10s`.
pub fn interval((low, high): (f64, f64)) -> String {
    format!("{}–{}", duration(low), duration(high))
}

/// A share as `41%`. What is neither none nor all is never rounded to `0%` or `100%`.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    if !share.is_finite() {
        UNKNOWN.to_owned()
    } else if percent > 0.0 && percent < 0.05 {
        "<0.1%".to_owned()
    } else if percent > 0.0 && percent < 0.95 {
        format!("{percent:.1}%")
    } else if (99.5..100.0).contains(&percent) {
        ">99%".to_owned()
    } else {
        format!("{percent:.0}%")
    }
}

/// A count with thousands apart: `1,204,331`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 session`, `2,000 sessions`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// The arrow of a change: `↗` for +1, `↘` for −1, `→` for no clear change.
pub fn arrow(direction: i8) -> char {
    match direction {
        1.. => '↗',
        0 => '→',
        _ => '↘',
    }
}

/// An instant on the clock of a zone: `2026-11-20 09:45:00`, with fraction digits where it has any.
pub fn local_time(at: Micros, zone: &Zone) -> String {
    let mut text = print_instant(zone.to_local(at)).replace('T', " ");
    text.truncate(text.trim_end_matches('Z').len());
    text
}

/// The date alone: `2026-11-20`.
pub fn date(at: Micros, zone: &Zone) -> String {
    let mut text = local_time(at, zone);
    text.truncate(text.find(' ').unwrap_or(text.len()));
    text
}

/// The time of day alone: `09:45`, or `09:45:10` where it is not a full minute.
pub fn clock_time(at: Micros, zone: &Zone) -> String {
    let text = local_time(at, zone);
    let time = text.split_once(' ').map_or("", |(_, time)| time);
    time.strip_suffix(":00")
        .filter(|short| short.len() == 5)
        .unwrap_or(time)
        .to_owned()
}
