//! The rule, in one place: a gap longer than the timeout starts a new session, a gap equal to it
//! does not; starts, ends, expiries and cuts as PRODUCT's rule 4 and 5 say. Scanning and
//! explaining both ask here. Where numbers of another system are to be reconciled, its rule in
//! [`crate::sessions::compat`] is asked instead.

use crate::events::{Micros, Role};
use crate::sessions::compat::Compat;
use crate::time::duration::Timeout;
use crate::time::period::Calendar;

/// What makes a session end.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The longest gap that stays inside a session.
    pub timeout: Timeout,
    /// `--max-length`: the first event later than that after its session's start opens a new one.
    pub max_length: Option<Micros>,
    /// `--cut day`: the days of the report's zone, over the whole span of the data.
    pub days: Option<Calendar>,
    /// The system whose rule takes the place of our own.
    pub compat: Option<Compat>,
}

/// What is known of a user's latest session before the next event.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Its first event.
    pub start: Micros,
    /// Its last event.
    pub last: Micros,
    /// The midnight after which `--cut day` ends it; `Micros::MAX` without.
    pub day_end: Micros,
    /// Whether every event so far is a start.
    pub only_starts: bool,
    /// Whether an end or an expiry closed it.
    pub closed: bool,
}

/// Why an event opens a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is the user's first.
    First,
    /// The gap is longer than the timeout.
    Gap,
    /// Its source's role is `start`.
    Start,
    /// An end or an expiry closed the session before.
    Closed,
    /// `--cut day`: midnight has passed.
    Midnight,
    /// `--max-length`: the session would be too long.
    TooLong,
}

/// What the rule makes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It opens a session.
    Opens(Opening),
    /// It belongs to the latest session.
    Joins,
    /// It belongs to the latest session and closes it.
    Closes,
    /// An `end` that no open session precedes within the timeout.
    Orphan,
    /// It closes the latest session without belonging to it.
    Expires,
    /// An `expiry` that no open session precedes within the timeout.
    ExpiresNone,
    /// It is counted and nothing else.
    Ignored,
}

impl Rule {
    /// Whether gaps alone decide about activity, by our own rule: nothing else ends a session.
    pub(crate) fn is_gaps_alone(&self) -> bool {
        self.days.is_none() && self.max_length.is_none() && self.compat.is_none()
    }

    /// The verdict on an event at `at`, which is not before any event that `latest` knows of.
    #[inline]
    fn judge(&self, latest: Option<&Progress>, at: Micros, role: Role) -> Verdict {
        match self.part_of(role) {
            Role::Activity => self
                .separation(latest, at)
                .map_or(Verdict::Joins, Verdict::Opens),
            Role::Start => match latest {
                Some(session) if session.only_starts && !session.closed && session.start == at => {
                    Verdict::Joins
                }
                _ => Verdict::Opens(Opening::Start),
            },
            Role::End => match self.separation(latest, at) {
                None => Verdict::Closes,
                Some(_) => Verdict::Orphan,
            },
            Role::Expiry => match self.separation(latest, at) {
                None if self.compat.is_none_or(Compat::knows_roles) => Verdict::Expires,
                _ => Verdict::ExpiresNone,
            },
            Role::Ignore => Verdict::Ignored,
        }
    }

    /// Why activity at `at` is not part of the latest session; `None` when it is.
    #[inline]
    fn separation(&self, latest: Option<&Progress>, at: Micros) -> Option<Opening> {
        let Some(session) = latest else {
            return Some(Opening::First);
        };
        if self.is_apart(session.last, at) {
            Some(Opening::Gap)
        } else if session.closed {
            Some(Opening::Closed)
        } else if at >= session.day_end {
            Some(Opening::Midnight)
        } else if self
            .max_length
            .is_some_and(|longest| self.is_too_late(at - session.start, longest))
        {
            Some(Opening::TooLong)
        } else {
            None
        }
    }

    /// The one comparison: whether a gap parts two sessions. Equal to the timeout, it does not.
    #[inline]
    pub(crate) fn is_longer_than_timeout(&self, gap: Micros) -> bool {
        gap > self.timeout.micros()
    }

    /// Whether two neighbouring events are too far apart for one session.
    #[inline]
    fn is_apart(&self, previous: Micros, at: Micros) -> bool {
        match self.compat {
            None => self.is_longer_than_timeout(at - previous),
            Some(compat) => compat.is_apart(previous, at, self.timeout),
        }
    }

    /// Whether an event so long after its session's start makes it too long.
    fn is_too_late(&self, since_start: Micros, longest: Micros) -> bool {
        match self.compat {
            None => since_start > longest,
            Some(compat) => compat.is_too_late(since_start, longest),
        }
    }

    /// The role that an event's role stands for: one that the other system does not know is
    /// activity.
    #[inline]
    fn part_of(&self, role: Role) -> Role {
        match (self.compat, role) {
            (Some(compat), Role::Start | Role::End) if !compat.knows_roles() => Role::Activity,
            _ => role,
        }
    }

    /// When a session ends whose last event is `last`: then, but by another system's rule.
    pub fn end_of(&self, last: Micros) -> Micros {
        self.compat
            .map_or(last, |compat| compat.end_of(last, self.timeout))
    }

    /// What another system's rule adds to the duration of a session from its first to its last
    /// event; `is_first` is whether the user has no session before it.
    pub fn added(&self, (start, last): (Micros, Micros), is_first: bool) -> Micros {
        self.compat.map_or(0, |compat| {
            compat.duration((start, last), self.timeout, is_first) - (last - start)
        })
    }

    /// The verdict on the next event of a user, and what is known of the latest session after it.
    #[inline]
    pub fn step(&self, latest: &mut Option<Progress>, at: Micros, role: Role) -> Verdict {
        let verdict = self.judge(latest.as_ref(), at, role);
        match (verdict, latest.as_mut()) {
            (Verdict::Opens(_), _) => *latest = Some(self.begin(at, role)),
            (Verdict::Joins | Verdict::Closes, Some(session)) => {
                session.last = at;
                session.only_starts &= role == Role::Start;
                session.closed = verdict == Verdict::Closes;
            }
            (Verdict::Expires, Some(session)) => session.closed = true,
            _ => {}
        }
        verdict
    }

    /// The progress of a session that an event at `at` opens.
    #[inline]
    fn begin(&self, at: Micros, role: Role) -> Progress {
        let day_end = match &self.days {
            Some(days) => days.period(days.index_of(at)).end,
            None => Micros::MAX,
        };
        Progress {
            start: at,
            last: at,
            day_end,
            only_starts: role == Role::Start,
            closed: false,
        }
    }
}
