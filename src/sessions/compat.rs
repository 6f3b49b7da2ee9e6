//! The rules of other systems, to reconcile the numbers they gave: when a gap parts two sessions,
//! what cuts one besides, and what its end and its duration mean there. `docs/compat.md` is the
//! manual of these rules and says where each was read.

use clap::ValueEnum;

use crate::events::{Micros, SECOND};
use crate::time::civil::{DAY, HOUR, MINUTE};
use crate::time::duration::Timeout;

/// A system whose rule takes the place of our own (`--compat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// Joins at equality; ends one timeout after the last event.
    Spark,
    /// Joins at equality; ends one timeout after the last event.
    Flink,
    /// Joins at equality; gaps and durations in the seconds that a clock ticks.
    Segment,
    /// Joins at equality; gaps and durations cut to whole minutes, so 30m joins up to 30:59.
    Rudder,
    /// Splits at equality, and at midnight of the report's zone.
    Matomo,
    /// Joins at equality; splits at midnight of the report's zone and after 24h.
    Mixpanel,
    /// Splits at equality, of the timeout and of --max-length.
    Kusto,
    /// Splits at equality; no padding, as in its version 2.
    Reconstructr,
    /// Splits at equality.
    Mwsessions,
    /// Splits at equality; adds 2h to every session but a user's first.
    GitHours,
    /// Joins at equality: our own rule.
    Retentioneering,
    /// No timeout: last minus first event of each user's day.
    DailySpan,
}

/// How a gap is held against the timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// To the microsecond; equal to the timeout, it joins.
    Joins,
    /// To the microsecond; equal to the timeout, it splits.
    Splits,
    /// In seconds that a clock ticked between the events; equal to the timeout, it joins.
    Ticks,
    /// In whole minutes, rounded down; equal to the timeout, it joins.
    WholeMinutes,
    /// Not at all.
    Never,
}

impl Compat {
    /// What git-hours adds for the work before the first commit that follows a break.
    pub const ALLOWANCE: Micros = 2 * HOUR;

    /// The system's word in flags, reports and the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Compat::Spark => "spark",
            Compat::Flink => "flink",
            Compat::Segment => "segment",
            Compat::Rudder => "rudder",
            Compat::Matomo => "matomo",
            Compat::Mixpanel => "mixpanel",
            Compat::Kusto => "kusto",
            Compat::Reconstructr => "reconstructr",
            Compat::Mwsessions => "mwsessions",
            Compat::GitHours => "git-hours",
            Compat::Retentioneering => "retentioneering",
            Compat::DailySpan => "daily-span",
        }
    }

    /// How it holds a gap against the timeout.
    pub fn measure(self) -> Measure {
        match self {
            Compat::Spark | Compat::Flink | Compat::Mixpanel | Compat::Retentioneering => {
                Measure::Joins
            }
            Compat::Matomo
            | Compat::Kusto
            | Compat::Reconstructr
            | Compat::Mwsessions
            | Compat::GitHours => Measure::Splits,
            Compat::Segment => Measure::Ticks,
            Compat::Rudder => Measure::WholeMinutes,
            Compat::DailySpan => Measure::Never,
        }
    }

    /// The time between two events, the earlier first, as it is held against the timeout.
    pub fn measured(self, previous: Micros, at: Micros) -> Micros {
        match self.measure() {
            Measure::Joins | Measure::Splits | Measure::Never => at - previous,
            Measure::Ticks => floored(at, SECOND) - floored(previous, SECOND),
            Measure::WholeMinutes => floored(at - previous, MINUTE),
        }
    }

    /// Whether two neighbouring events of a user, the earlier first, are too far apart for one
    /// session.
    pub fn is_apart(self, previous: Micros, at: Micros, timeout: Timeout) -> bool {
        let measured = self.measured(previous, at);
        match self.measure() {
            Measure::Joins | Measure::Ticks | Measure::WholeMinutes => measured > timeout.micros(),
            Measure::Splits => measured >= timeout.micros(),
            Measure::Never => false,
        }
    }

    /// No gap longer than this joins; where gaps do not count, that is more than any day has.
    pub fn longest_gap(self, timeout: Timeout) -> Micros {
        match self.measure() {
            Measure::Joins | Measure::Splits => timeout.micros(),
            Measure::Ticks => timeout.micros() + SECOND,
            Measure::WholeMinutes => timeout.micros() + MINUTE,
            Measure::Never => timeout.micros().max(2 * DAY),
        }
    }

    /// Whether midnight of the report's zone always ends sessions.
    pub fn cuts_at_midnight(self) -> bool {
        matches!(self, Compat::Matomo | Compat::Mixpanel | Compat::DailySpan)
    }

    /// The longest session there can be, without being asked for.
    pub fn max_length(self) -> Option<Micros> {
        (self == Compat::Mixpanel).then_some(24 * HOUR)
    }

    /// Whether `--max-length` is part of its rule.
    pub fn takes_max_length(self) -> bool {
        self == Compat::Kusto
    }

    /// Whether an event so long after its session's start is too late for it.
    pub fn is_too_late(self, since_start: Micros, longest: Micros) -> bool {
        match self {
            Compat::Kusto => since_start >= longest,
            _ => since_start > longest,
        }
    }

    /// Whether starts, ends and expiries do what their role says; else they are activity, and an
    /// expiry is nothing.
    pub fn knows_roles(self) -> bool {
        self != Compat::DailySpan
    }

    /// Whether a session depends on events that lie more than one timeout before it.
    pub fn looks_back(self) -> bool {
        matches!(self, Compat::GitHours | Compat::DailySpan)
    }

    /// When a session ends whose last event is `last`.
    pub fn end_of(self, last: Micros, timeout: Timeout) -> Micros {
        match self {
            Compat::Spark | Compat::Flink => last + timeout.micros(),
            _ => last,
        }
    }

    /// How long a session lasts; `is_first` is whether the user has none before it.
    pub fn duration(
        self,
        (start, last): (Micros, Micros),
        timeout: Timeout,
        is_first: bool,
    ) -> Micros {
        match self {
            Compat::Spark | Compat::Flink => self.end_of(last, timeout) - start,
            Compat::Segment | Compat::Rudder => self.measured(start, last),
            Compat::GitHours if !is_first => last - start + Self::ALLOWANCE,
            _ => last - start,
        }
    }

    /// The rule in one sentence, as reports print it.
    pub fn rule(self) -> &'static str {
        match self {
            Compat::Spark => {
                "as Spark: a gap longer than the timeout starts a new session; a gap equal to it \
                 does not; a session ends one timeout after its last event"
            }
            Compat::Flink => {
                "as Flink: a gap longer than the timeout starts a new session; a gap equal to it \
                 does not; a session ends one timeout after its last event"
            }
            Compat::Segment => {
                "as Segment's dbt package: a gap of more clock seconds than the timeout starts a \
                 new session; a gap of as many does not; durations are in clock seconds too"
            }
            Compat::Rudder => {
                "as Rudder: a gap is cut to whole minutes, and starts a new session when that is \
                 more than the timeout, not when it is equal; durations are cut to whole minutes too"
            }
            Compat::Matomo => {
                "as Matomo: a gap as long as the timeout or longer starts a new session, and so \
                 does midnight of the time zone"
            }
            Compat::Mixpanel => {
                "as Mixpanel: a gap longer than the timeout starts a new session; a gap equal to \
                 it does not; midnight of the time zone does, and so does the first event more \
                 than 24h after a session's start"
            }
            Compat::Kusto => {
                "as Kusto: a gap as long as the timeout or longer starts a new session, and so does \
                 an event as long as --max-length or longer after its session's first one"
            }
            Compat::Reconstructr => {
                "as reconstructr: a gap as long as the timeout or longer starts a new session"
            }
            Compat::Mwsessions => {
                "as mwsessions: a gap as long as the timeout or longer starts a new session"
            }
            Compat::GitHours => {
                "as git-hours: a gap as long as the timeout or longer starts a new session; every \
                 session but a user's first has 2h added, for the work before it"
            }
            Compat::Retentioneering => {
                "as retentioneering: a gap longer than the timeout starts a new session; a gap \
                 equal to it does not"
            }
            Compat::DailySpan => {
                "daily span: all events of a user on one day of the time zone are one session, \
                 whatever the gaps"
            }
        }
    }

    /// What the durations are, as a clause; `None` where what holds of ours holds of them.
    pub fn durations(self) -> Option<&'static str> {
        match self {
            Compat::Spark | Compat::Flink => Some(
                "no lower bound: last event plus the timeout, minus first event; without that \
                 timeout they would be one",
            ),
            Compat::Segment => {
                Some("last event minus first event in clock seconds, up to 1s off either way")
            }
            Compat::Rudder => {
                Some("a lower bound: last event minus first event, cut to whole minutes")
            }
            Compat::GitHours => Some(
                "no lower bound: last event minus first event, and 2h more for every session but a \
                 user's first; without those 2h they would be one",
            ),
            Compat::DailySpan => {
                Some("no lower bound: last event minus first event of a day, all pauses included")
            }
            _ => None,
        }
    }

    /// What durations are cut to, so that one of 0 can have events at different instants.
    pub fn unit(self) -> Option<&'static str> {
        match self {
            Compat::Segment => Some("one clock second"),
            Compat::Rudder => Some("one whole minute"),
            _ => None,
        }
    }
}

/// The multiple of a unit that is not above the time.
fn floored(time: Micros, unit: Micros) -> Micros {
    time.div_euclid(unit) * unit
}
