//! What a report tells people, in its words: the headline, what it rests on, and what a reader must
//! know. Text of users' data is still raw here; each format for people makes it harmless.

mod basis;
mod notes;

pub(crate) use basis::{accounting, basis, missing};
pub(crate) use notes::{notes, run_notes};

use crate::measures::{Change, Figures, Trend};
use crate::report::{Report, words};
use crate::time::period::label;

/// Under this many users of equal weight, a number is carried by few (METHODS section 9).
const FEW_USERS: f64 = 30.0;
/// Under this many users, or under [`TOO_FEW_EFFECTIVE`] of equal weight, there is no interval.
const TOO_FEW_USERS: u64 = 8;
const TOO_FEW_EFFECTIVE: f64 = 4.0;

/// One line with a label.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) value: String,
}

impl Fact {
    fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
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
            movement: movement(change, length.name()),
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

fn movement(change: &Change, length: &str) -> String {
    let before = format!("from the {length} before");
    let Some(interval) = change.interval else {
        let too_few = change.users < TOO_FEW_USERS || change.effective_users < TOO_FEW_EFFECTIVE;
        let reason = if too_few {
            "too few users for an interval"
        } else {
            "no interval"
        };
        return format!("{} {before} ({reason})", words::change(change.seconds));
    };
    let arrow = words::arrow(change.direction());
    let spread = words::change_interval(interval);
    if change.direction() == 0 {
        return format!("{arrow} no clear change ({spread})");
    }
    let moved = words::change(change.seconds);
    format!("{arrow} {moved} {before} (95% {spread})")
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
            figures_in_words(figures),
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
        facts.push(Fact::new("overall", figures_in_words(overall)));
    }
    facts
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

fn figures_in_words(figures: &Figures) -> String {
    let sessions = words::counted(figures.closed_sessions, "session", "sessions");
    let users = words::counted(figures.closed_users, "user", "users");
    match figures.mean {
        Some(mean) => format!(
            "mean {}, {}, {sessions} of {users}",
            words::duration(mean),
            median(figures)
        ),
        None => "no closed session".to_owned(),
    }
}

fn median(figures: &Figures) -> String {
    let median = format!("median {}", seconds(figures.median));
    match figures.bounce_rate {
        Some(rate) if figures.median == Some(0.0) => {
            format!("{median} as {} are bounces", words::share(rate))
        }
        _ => median,
    }
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
