//! What a report tells people, in its words: the headline, what it rests on, and what a reader must
//! know. Text of users' data is still raw here; each format for people makes it harmless.

mod basis;
mod dwell;
mod notes;
mod tracked;

pub(crate) use basis::{accounting, basis, missing, other_rule};
pub(crate) use dwell::floor_to_ceiling;
pub(crate) use notes::{notes, run_notes};

use crate::measures::interval::{FEWEST_EFFECTIVE_USERS, FEWEST_USERS};
use crate::measures::own::Ratios;
use crate::measures::{Change, Figures, Trend};
use crate::report::columns::nearest_seconds;
use crate::report::{Report, Run, words};
use crate::sessions::compat::Compat;
use crate::time::period::{PeriodLength, label};

/// Under this many users of equal weight, a number is carried by few (METHODS section 9).
const FEW_USERS: f64 = 30.0;

/// One line with a label.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) value: String,
}

impl Fact {
    pub(crate) fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
        }
    }
}

/// The first thing that is read.
#[derive(Debug)]
pub(crate) struct Headline {
    /// `Average session 23m 10s`.
    pub(crate) average: String,
    /// How it moves, or why nothing is said of that.
    pub(crate) movement: String,
}

/// The headline: the mean of the trend's later period and its move, else the overall mean.
pub(crate) fn headline(report: &Report) -> Headline {
    match &report.measures.trend {
        Trend::Compared {
            length,
            figures,
            change,
            ..
        } => Headline {
            average: format!("Average session {}", seconds(figures.mean)),
            movement: match figures.mean {
                Some(0.0) if change.seconds == 0.0 => "no change".to_owned() + &before(*length),
                _ => movement(change, *length),
            },
        },
        Trend::None { reason } => overall_headline(&report.measures.overall.figures, reason),
    }
}

fn overall_headline(figures: &Figures, reason: &str) -> Headline {
    let average = match figures.mean {
        Some(mean) => format!("Average session {} overall", words::duration(mean)),
        None if figures.sessions == 0 => "No sessions".to_owned(),
        None => "No average: no session is closed".to_owned(),
    };
    Headline {
        average,
        movement: format!("(no trend: {reason})"),
    }
}

fn before(length: PeriodLength) -> String {
    format!(" from the {} before", length.name())
}

fn movement(change: &Change, length: PeriodLength) -> String {
    let before = before(length);
    let Some(interval) = change.interval else {
        let too_few =
            change.users < FEWEST_USERS || change.effective_users < FEWEST_EFFECTIVE_USERS;
        let reason = if too_few {
            "too few users for an interval"
        } else {
            "no interval"
        };
        return format!("{}{before} ({reason})", words::change(change.seconds));
    };
    let arrow = words::arrow(change.direction());
    let spread = words::change_interval(interval);
    if change.direction() == 0 {
        return format!("{arrow} no clear change ({spread})");
    }
    let moved = words::change(change.seconds);
    format!("{arrow} {moved}{before} (95% {spread})")
}

/// What stands beside the headline: the periods it compares, the overall mean, the usual move.
pub(crate) fn beside(report: &Report) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Trend::Compared {
        length,
        earlier,
        later,
        figures,
        earlier_mean,
        usual_weekly_move,
        ..
    } = &report.measures.trend
    {
        let name = length.name();
        let zone = &report.run.zone;
        facts.push(Fact::new(
            format!("{name} {}", label(*later, *length, zone)),
            figures_in_words(figures, cut_to(&report.run)),
        ));
        facts.push(Fact::new(
            format!("{name} {}", label(*earlier, *length, zone)),
            format!("mean {}", words::duration(*earlier_mean)),
        ));
        if let Some(usual) = usual_weekly_move {
            facts.push(Fact::new("usual weekly move", words::duration(*usual)));
        }
    }
    let overall = &report.measures.overall.figures;
    if overall.sessions > 0 {
        let words = figures_in_words(overall, cut_to(&report.run));
        facts.push(Fact::new("overall", words));
    }
    if let (Some(compat), Some(own)) = (report.run.compat, &report.measures.own) {
        facts.push(Fact::new("our own rule", with_total(own)));
        facts.extend(difference(compat, overall, own).map(|words| Fact::new("difference", words)));
    }
    facts.extend(dwell::facts(report));
    facts.extend(tracked::facts(report));
    facts
}

/// What another system's durations are cut to.
pub(crate) fn cut_to(run: &Run) -> Option<&'static str> {
    run.compat.and_then(Compat::unit)
}

/// Mean, total and sessions of our own rule beside another system's.
fn with_total(own: &Figures) -> String {
    let total = own.total.map(nearest_seconds);
    let total = total.map_or(String::new(), |total| {
        format!(", total {}", words::duration(total))
    });
    format!("{}{total}", figures_in_words(own, None))
}

/// How many times as much another system's rule gives, and of the daily span how wrong it is;
/// nothing where there is nothing to compare.
fn difference(compat: Compat, theirs: &Figures, own: &Figures) -> Option<String> {
    let Ratios {
        sessions,
        mean,
        total,
    } = Ratios::new(theirs, own);
    let name = compat.name();
    let seconds = |figures: &Figures| (figures.mean, figures.total.map(nearest_seconds));
    let (their_mean, their_total) = seconds(theirs);
    let (own_mean, own_total) = seconds(own);
    let parts = [
        sessions.map(|ratio| times(ratio, "sessions")),
        compared(mean, their_mean.zip(own_mean), "mean"),
        compared(total, their_total.zip(own_total), "total"),
    ];
    let same = ["sessions", "mean", "total"].map(|what| Some(times(1.0, what)));
    if parts == same {
        return Some(format!(
            "none: {name} has the same sessions, mean and total"
        ));
    }
    let with_unit = match (their_total, total) {
        (Some(total), Some(_)) => format!(" ({})", words::duration(total)),
        _ => String::new(),
    };
    let all = in_a_row(&parts.into_iter().flatten().collect::<Vec<String>>())?;
    let wrong = match (compat, mean, total) {
        (Compat::DailySpan, Some(mean), Some(total)) => misstated(mean, total),
        _ => String::new(),
    };
    Some(format!("{name} has {all}{with_unit}{wrong}"))
}

/// `3.125 times the mean`, and where our own is 0, `a mean of 1h 00m instead of 0s`; seconds are
/// theirs and ours.
fn compared(ratio: Option<f64>, seconds: Option<(f64, f64)>, what: &str) -> Option<String> {
    match (ratio, seconds?) {
        (Some(ratio), _) => Some(times(ratio, what)),
        (None, (theirs, own)) if theirs == own => Some(times(1.0, what)),
        (None, (theirs, own)) => {
            let (theirs, own) = (words::duration(theirs), words::duration(own));
            Some(format!("a {what} of {theirs} instead of {own}"))
        }
    }
}

/// `3.125 times the mean`.
fn times(ratio: f64, what: &str) -> String {
    match ratio {
        1.0 => format!("the same {what}"),
        _ if ratio >= 99.95 => format!("{ratio:.1} times the {what}"),
        _ => format!("{ratio:.3} times the {what}"),
    }
}

/// `: it overstates the mean by 636% and the total by 467%`, from ratios to our own.
fn misstated(mean: f64, total: f64) -> String {
    let verb = |ratio: f64| match ratio {
        1.0 => "leaves",
        _ if ratio > 1.0 => "overstates",
        _ => "understates",
    };
    let of = |ratio: f64, what: &str| match ratio {
        1.0 => format!("the {what} as it is"),
        _ => format!("the {what} by {}", words::share((ratio - 1.0).abs())),
    };
    let again = match verb(total) {
        same if same == verb(mean) => String::new(),
        other => format!("{other} "),
    };
    format!(
        ": it {} {} and {again}{}",
        verb(mean),
        of(mean, "mean"),
        of(total, "total")
    )
}

/// `one, two and three`.
fn in_a_row(parts: &[String]) -> Option<String> {
    let (last, before) = parts.split_last()?;
    Some(match before {
        [] => last.clone(),
        before => format!("{} and {last}", before.join(", ")),
    })
}

/// `few users carry this: 12 of 40`, where that is so.
pub(crate) fn few_users(report: &Report) -> Option<String> {
    let overall = &report.measures.overall.figures;
    let (effective, users) = match &report.measures.trend {
        Trend::Compared { change, .. } => (change.effective_users, change.users),
        Trend::None { .. } => (overall.effective_users?, overall.closed_users),
    };
    (effective < FEW_USERS).then(|| {
        format!(
            "few users carry this: {} of {}",
            words::count(effective.round() as u64),
            words::count(users)
        )
    })
}

fn figures_in_words(figures: &Figures, cut_to: Option<&str>) -> String {
    let Some(mean) = figures.mean else {
        return "no closed session".to_owned();
    };
    let mut parts = vec![format!("mean {}", words::duration(mean))];
    parts.extend(
        figures
            .median
            .map(|seconds| median(seconds, figures, cut_to)),
    );
    parts.push(format!(
        "{} of {}",
        words::counted(figures.sessions, "session", "sessions"),
        words::counted(figures.users, "user", "users")
    ));
    parts.join(", ")
}

fn median(seconds: f64, figures: &Figures, cut_to: Option<&str>) -> String {
    let median = format!("median {}", words::duration(seconds));
    match figures.bounce_rate {
        _ if seconds > 0.0 => median,
        Some(rate) if mostly_bounces(figures) => {
            format!("{median} as {} are bounces", words::share(rate))
        }
        _ => match cut_to {
            None => format!("{median} as most sessions fall on one instant"),
            Some(unit) => format!("{median} as most sessions last less than {unit}"),
        },
    }
}

/// Whether bounces alone make a median of 0; else sessions whose events share one instant do too.
fn mostly_bounces(figures: &Figures) -> bool {
    figures.bounce_rate.is_some_and(|rate| rate > 0.5)
}

/// A duration that may be unknown.
pub(crate) fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| words::UNKNOWN.to_owned(), words::duration)
}

/// How many sessions of how many users a list holds.
pub(crate) fn listed(sessions: u64, users: u64, open: u64) -> String {
    let sessions = words::counted(sessions, "session", "sessions");
    let users = words::counted(users, "user", "users");
    match open {
        0 => format!("{sessions} of {users}"),
        _ => format!(
            "{sessions} of {users}, {} still open (○)",
            words::count(open)
        ),
    }
}
