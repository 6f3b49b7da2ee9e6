//! In which share of sessions something was met, and how sure that is: sessions of one interviewee have
//! to do with each other, so that people are the unit, not sessions (METHODS section 13).

use std::collections::{BTreeMap, HashMap};

use super::Watched;
use crate::tracked::wilson::wilson;

/// In how many of some sessions something was met.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Share {
    pub(crate) with: u64,
    pub(crate) of: u64,
    /// How many sessions that have nothing to do with each other would say as much.
    independent: f64,
}

impl Share {
    /// `None` of no sessions.
    pub(crate) fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.with as f64 / self.of as f64)
    }

    /// Its 95 % interval; `None` of no sessions.
    pub(crate) fn interval(self) -> Option<(f64, f64)> {
        wilson(self.with as f64, self.of as f64, self.independent)
    }
}

/// Whose some sessions are.
#[derive(Clone, Debug, Default)]
pub(super) struct Interviewees {
    /// The interviewee of each session, as a place in `sessions`.
    of_session: Vec<usize>,
    /// How many sessions each has.
    sessions: Vec<u64>,
}

impl Interviewees {
    /// Sessions that name nobody are each somebody else's.
    pub(super) fn of<'a>(sessions: impl IntoIterator<Item = &'a Watched>) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut all = Self::default();
        for session in sessions {
            let next = all.sessions.len();
            let place = match session.user.as_deref() {
                None => next,
                Some(user) => *places.entry(user).or_insert(next),
            };
            if place == next {
                all.sessions.push(0);
            }
            all.sessions[place] += 1;
            all.of_session.push(place);
        }
        all
    }

    /// The share that some of the sessions are of all, by their places.
    pub(super) fn share(&self, met: &[usize]) -> Share {
        let (with, of) = (met.len() as u64, self.of_session.len() as u64);
        Share {
            with,
            of,
            independent: self.independent(met),
        }
    }

    /// The least of n and p (1 − p) ÷ v, v being m ÷ (m − 1) · Σ (c − p a)² ÷ n² over m people with c
    /// of a sessions; m where p is 0 or 1, or m is 1; n where everybody has one session.
    fn independent(&self, met: &[usize]) -> f64 {
        let (people, sessions) = (self.sessions.len() as f64, self.of_session.len() as f64);
        let with = met.len();
        if people == sessions {
            return sessions;
        }
        if people < 2.0 || with == 0 || with == self.of_session.len() {
            return people;
        }
        let share = with as f64 / sessions;
        let mut each: BTreeMap<usize, u64> = BTreeMap::new();
        for place in met {
            *each.entry(self.of_session[*place]).or_default() += 1;
        }
        let square = |number: u64| u128::from(number) * u128::from(number);
        let both = |(place, number): (&usize, &u64)| {
            u128::from(*number) * u128::from(self.sessions[*place])
        };
        let met_squared: u128 = each.values().map(|number| square(*number)).sum();
        let mixed: u128 = each.iter().map(both).sum();
        let all_squared: u128 = self.sessions.iter().map(|number| square(*number)).sum();
        let residuals =
            met_squared as f64 - 2.0 * share * mixed as f64 + share * share * all_squared as f64;
        let variance = people / (people - 1.0) * residuals.max(0.0) / (sessions * sessions);
        sessions.min(share * (1.0 - share) / variance)
    }
}
