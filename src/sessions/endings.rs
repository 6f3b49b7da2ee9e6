//! How sessions end: from which source the last event came, how long its user can have stayed after
//! it, and the gaps before it. Asks the rule once more, for who needs more than the sessions.

use crate::events::{Micros, Role};
use crate::sessions::rule::{Progress, Verdict};
use crate::sessions::scan::{ScanPlan, Timeline};

/// The end of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Where its last event came from, an index into the run's sources.
    pub source: u8,
    /// What bounds the time after it.
    pub bound: Bound,
    /// Where an end closed it, the source of the event before that end, and how long before.
    pub before_end: Option<(u8, Micros)>,
}

/// What bounds how long a user can have stayed after a session's last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The timeout alone.
    Timeout,
    /// The user's next event that counts, so many microseconds later and sooner than the timeout: one
    /// that a cut or its role keeps out of the session, or an expiry.
    Next(Micros),
    /// The event is an end: the session is over.
    End,
}

/// One user's sessions inside the window, seen from their ends.
#[derive(Clone, Debug, Default)]
pub struct Endings {
    endings: Vec<Ending>,
    gaps: Vec<(u8, Micros)>,
    gaps_end: Vec<usize>,
}

/// A session that is being walked through.
struct Current {
    is_inside: bool,
    last: Micros,
    source: u8,
    /// Known from the first event after the session on.
    bound: Option<Bound>,
    before_end: Option<(u8, Micros)>,
}

impl Endings {
    /// Walks through all events of one user; what was known of another is forgotten.
    pub fn fill(&mut self, plan: &ScanPlan<'_>, events: Timeline<'_>) {
        self.endings.clear();
        self.gaps.clear();
        self.gaps_end.clear();
        let mut progress: Option<Progress> = None;
        let mut current: Option<Current> = None;
        let mut previous = None;
        for (at, index) in events.iter() {
            let source = &plan.sources[usize::from(index)];
            let repeats = previous.replace((at, index)) == Some((at, index));
            if source.role == Role::Ignore || (repeats && source.drop_duplicates) {
                continue;
            }
            let verdict = plan.rule.step(&mut progress, at, source.role);
            let stays = matches!(verdict, Verdict::Joins | Verdict::Closes);
            if let Some(session) = &mut current {
                if verdict == Verdict::Closes {
                    session.before_end = Some((session.source, at - session.last));
                }
                match stays {
                    true => self.join(session, at, index),
                    false => session.note_next(at, plan),
                }
                if verdict == Verdict::Closes {
                    session.bound = Some(Bound::End);
                }
            }
            if matches!(verdict, Verdict::Opens(_)) {
                self.close(current.take());
                current = Some(Current {
                    is_inside: at >= plan.from && at < plan.to,
                    last: at,
                    source: index,
                    bound: None,
                    before_end: None,
                });
            }
        }
        self.close(current);
    }

    /// For each session its end, and the gaps longer than 0 before it, each with the source of the
    /// event that it follows.
    pub fn iter(&self) -> impl Iterator<Item = (Ending, &[(u8, Micros)])> {
        let begins = [0].into_iter().chain(self.gaps_end.iter().copied());
        let of_session = begins
            .zip(&self.gaps_end)
            .map(|(from, &to)| &self.gaps[from..to]);
        self.endings.iter().copied().zip(of_session)
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.endings.len()
    }

    fn join(&mut self, session: &mut Current, at: Micros, source: u8) {
        let gap = at - session.last;
        if gap > 0 && session.is_inside {
            self.gaps.push((session.source, gap));
        }
        (session.last, session.source) = (at, source);
    }

    fn close(&mut self, session: Option<Current>) {
        let Some(session) = session.filter(|session| session.is_inside) else {
            return;
        };
        self.endings.push(Ending {
            source: session.source,
            bound: session.bound.unwrap_or(Bound::Timeout),
            before_end: session.before_end,
        });
        self.gaps_end.push(self.gaps.len());
    }
}

impl Current {
    /// Notes an event that is not part of the session, unless one was noted before.
    fn note_next(&mut self, at: Micros, plan: &ScanPlan<'_>) {
        let until_next = at - self.last;
        self.bound
            .get_or_insert(match until_next < plan.rule.timeout.micros() {
                true => Bound::Next(until_next),
                false => Bound::Timeout,
            });
    }
}
