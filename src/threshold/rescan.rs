//! Each user's events scanned again at several timeouts, with the whole rule, while they are at
//! hand: what a report with each of these timeouts would measure.

use std::sync::Arc;

use crate::events::{Micros, Role, Source};
use crate::measures::accumulator::Accumulator;
use crate::measures::plan::{Calendars, Plan};
use crate::sessions::rule::Rule;
use crate::sessions::scan::{Timeline, UserSessions, sessions_of};
use crate::sessions::session::Session;
use crate::sessions::spill::Memory;
use crate::time::duration::Timeout;

/// What is scanned again.
#[derive(Clone, Debug)]
pub struct RescanPlan<'a> {
    /// The run's sources.
    pub sources: &'a [Source],
    /// The shortest timeout first, each once.
    pub rounds: Vec<Round>,
    /// Sessions that start in it are measured: from, inclusive, to, exclusive.
    pub window: (Micros, Micros),
    /// The timeout of the scan that gives the events.
    pub in_use: Timeout,
    /// The periods in which changes are asked for.
    pub calendars: Calendars,
    /// Where changes alone are asked for, only sessions that start at this instant or later are
    /// measured.
    pub compared_from: Micros,
}

/// One timeout.
#[derive(Clone, Debug)]
pub struct Round {
    /// The whole rule.
    pub rule: Rule,
    /// What is measured: figures over the window, without rows.
    pub plan: Plan,
    /// Whether quantiles are asked for, for which every duration is kept.
    pub keeps_durations: bool,
    /// Whether changes from period to period are asked for.
    pub compares: bool,
}

/// Measures of some users at every timeout. Those of other users merge into it.
#[derive(Clone, Debug)]
pub struct Rescan<'a> {
    plan: &'a RescanPlan<'a>,
    accumulators: Vec<Accumulator<'a>>,
    /// Whether the sessions of a longer timeout are those of a shorter one, joined.
    nests: bool,
    sessions: Vec<Session>,
    within: Vec<Session>,
}

impl<'a> Rescan<'a> {
    /// Without any user. What does not fit into memory goes to its temporary file.
    pub fn new(plan: &'a RescanPlan<'a>, none: &'a Calendars, memory: &Arc<Memory>) -> Self {
        let accumulators = plan.rounds.iter().map(|round| {
            let calendars = match round.compares {
                true => &plan.calendars,
                false => none,
            };
            let accumulator = Accumulator::new(&round.plan, calendars);
            match round.keeps_durations {
                true => accumulator.within(memory),
                false => accumulator.of_changes(),
            }
        });
        let is_bridged = |source: &Source| matches!(source.role, Role::Activity | Role::Ignore);
        Self {
            accumulators: accumulators.collect(),
            nests: plan.sources.iter().all(is_bridged)
                && plan.rounds.iter().all(|round| round.rule.is_gaps_alone()),
            plan,
            sessions: Vec::new(),
            within: Vec::new(),
        }
    }

    /// Adds a user.
    pub fn user(&mut self, user: &UserSessions<'_>) {
        self.rounds(user, user.events, |round| round.keeps_durations);
        self.rounds(user, self.recent(user.events), |round| {
            !round.keeps_durations
        });
    }

    /// The events that decide about the sessions in which changes are looked for: where gaps alone
    /// part them, none before the last one before.
    fn recent<'e>(&self, events: Timeline<'e>) -> Timeline<'e> {
        match self.nests && self.plan.sources.iter().all(Source::is_plain) {
            true => events.around_and_after(self.plan.compared_from),
            false => events,
        }
    }

    /// Scans events again for some of the rounds.
    fn rounds(
        &mut self,
        user: &UserSessions<'_>,
        events: Timeline<'_>,
        is_asked: impl Fn(&Round) -> bool,
    ) {
        self.sessions.clear();
        let mut is_first = true;
        let rounds = self.plan.rounds.iter().zip(&mut self.accumulators);
        for (round, accumulator) in rounds.filter(|(round, _)| is_asked(round)) {
            if round.rule.timeout == self.plan.in_use {
                accumulator.user(user.user, user.sessions);
                continue;
            }
            if self.nests && !is_first {
                join(&mut self.sessions, &round.rule);
            } else {
                self.sessions.clear();
                sessions_of(&round.rule, self.plan.sources, events, &mut self.sessions);
            }
            is_first = false;
            let (mut from, to) = self.plan.window;
            if !round.keeps_durations {
                from = from.max(self.plan.compared_from);
            }
            let is_within = |session: &Session| (from..to).contains(&session.start);
            if self.sessions.iter().all(is_within) {
                accumulator.user(user.user, &self.sessions);
            } else {
                self.within.clear();
                let within = self.sessions.iter().filter(|session| is_within(session));
                self.within.extend(within);
                accumulator.user(user.user, &self.within);
            }
        }
    }

    /// Adds what was measured of other users.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let own = self.accumulators.into_iter().zip(other.accumulators);
        self.accumulators = own.map(|(one, other)| one.merge(other)).collect();
        self
    }

    /// The accumulator of each timeout.
    pub fn finish(self) -> Vec<(Timeout, Accumulator<'a>)> {
        let timeouts = self.plan.rounds.iter().map(|round| round.rule.timeout);
        timeouts.zip(self.accumulators).collect()
    }
}

/// Joins sessions that gaps alone part, by a rule with a longer timeout.
fn join(sessions: &mut Vec<Session>, rule: &Rule) {
    let mut kept = 0;
    for place in 1..sessions.len() {
        let next = sessions[place];
        let session = &mut sessions[kept];
        if rule.is_longer_than_timeout(next.start - session.end) {
            kept += 1;
            sessions[kept] = next;
        } else {
            session.end = next.end;
            session.events += next.events;
            session.sources.extend(next.sources);
        }
    }
    sessions.truncate(kept + 1);
}
