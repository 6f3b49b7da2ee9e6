//! The rule as a slow loop that is easy to check, for comparison with the engine: PRODUCT section 2
//! without a window. It takes each user in turn, puts that user's events in order, and walks.

use std::collections::{BTreeMap, BTreeSet};

use sessionize::events::{Micros, Role, Source, User, UserId};

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// The id as it stands in the source.
    pub(crate) user: &'a str,
    /// When.
    pub(crate) at: Micros,
    /// Where it came from: name, role, and whether duplicates are dropped.
    pub(crate) source: &'a Source,
}

/// What decides about sessions besides roles.
#[derive(Clone, Copy)]
pub(crate) struct Rule<'a> {
    /// The longest gap that stays inside a session.
    pub(crate) timeout: Micros,
    /// The most that an event may lie after its session's start.
    pub(crate) max_length: Option<Micros>,
    /// The local day of an instant, where midnight cuts.
    pub(crate) day_of: Option<&'a dyn Fn(Micros) -> i64>,
    /// When the data was taken.
    pub(crate) now: Micros,
}

impl Rule<'static> {
    /// Only a timeout: no cuts, and data so old that nothing is open.
    pub(crate) fn from_timeout(timeout: Micros) -> Self {
        Rule {
            timeout,
            max_length: None,
            day_of: None,
            now: Micros::MAX,
        }
    }
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NaiveSession {
    pub(crate) user: User,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    pub(crate) events: u64,
    /// Events by the name of their source.
    pub(crate) sources: BTreeMap<String, u64>,
    pub(crate) open: bool,
}

/// What became of one source's rows; the sum is the number of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// In sessions.
    pub(crate) events: u64,
    /// Of the role `ignore`.
    pub(crate) ignored: u64,
    /// Ends without a session to close.
    pub(crate) orphans: u64,
    /// Of the role `expiry`.
    pub(crate) expiries: u64,
    /// Duplicates that were dropped, whatever the role.
    pub(crate) dropped: u64,
}

/// The sessions, by user and then start, and what became of every row, by source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) sessions: Vec<NaiveSession>,
    pub(crate) counts: BTreeMap<String, Counts>,
}

/// Applies the rule to events in any order.
pub(crate) fn sessions(events: &[Event<'_>], rule: &Rule<'_>) -> Answer {
    let mut answer = Answer::default();
    let users: BTreeSet<User> = events
        .iter()
        .map(|event| UserId::from_text(event.user).to_user())
        .collect();
    for user in users {
        let id = user.to_string();
        let own: Vec<Event<'_>> = events
            .iter()
            .filter(|event| event.user == id)
            .copied()
            .collect();
        let mut own = without_duplicates(&own, &mut answer.counts);
        own.sort_by_key(|event| (event.at, turn(event.source.role), &event.source.name));
        walk(&user, &own, rule, &mut answer);
    }
    answer
}

/// One user's events without those that repeat an earlier one of a source that drops duplicates.
fn without_duplicates<'a>(
    events: &[Event<'a>],
    counts: &mut BTreeMap<String, Counts>,
) -> Vec<Event<'a>> {
    let mut kept: Vec<Event<'a>> = Vec::new();
    for event in events {
        let repeats = event.source.drop_duplicates
            && kept
                .iter()
                .any(|other| other.at == event.at && other.source.name == event.source.name);
        if repeats {
            counts.entry(event.source.name.clone()).or_default().dropped += 1;
        } else {
            kept.push(*event);
        }
    }
    kept
}

/// Which roles come first at one instant.
fn turn(role: Role) -> u8 {
    match role {
        Role::Start => 0,
        Role::Activity => 1,
        Role::End => 2,
        Role::Expiry => 3,
        Role::Ignore => 4,
    }
}

/// Walks through one user's events in order. `before` is the last event of the session that the
/// next event may join; there is none at first and after an end or an expiry.
fn walk(user: &User, events: &[Event<'_>], rule: &Rule<'_>, answer: &mut Answer) {
    let mut before: Option<Event<'_>> = None;
    for event in events {
        let counts = answer.counts.entry(event.source.name.clone()).or_default();
        let joins = match (before, answer.sessions.last()) {
            (Some(before), Some(session)) => stays(session.start, &before, event, rule),
            _ => false,
        };
        match event.source.role {
            Role::Ignore => counts.ignored += 1,
            Role::Expiry => {
                counts.expiries += 1;
                before = None;
            }
            Role::End if !joins => counts.orphans += 1,
            role => {
                counts.events += 1;
                if !joins {
                    answer.sessions.push(begin(user, event.at));
                }
                let session = answer.sessions.last_mut().expect("one has begun");
                add(session, event, rule);
                before = (role != Role::End).then_some(*event);
            }
        }
    }
}

/// Whether `event` may stay in the session that began at `start` and whose last event is `before`.
fn stays(start: Micros, before: &Event<'_>, event: &Event<'_>, rule: &Rule<'_>) -> bool {
    let within_timeout = event.at - before.at <= rule.timeout;
    let within_length = rule
        .max_length
        .is_none_or(|longest| event.at - start <= longest);
    let same_day = rule
        .day_of
        .is_none_or(|day_of| day_of(event.at) == day_of(start));
    let opens = event.source.role == Role::Start
        && !(before.source.role == Role::Start && before.at == event.at);
    within_timeout && within_length && same_day && !opens
}

fn begin(user: &User, at: Micros) -> NaiveSession {
    NaiveSession {
        user: user.clone(),
        start: at,
        end: at,
        events: 0,
        sources: BTreeMap::new(),
        open: false,
    }
}

fn add(session: &mut NaiveSession, event: &Event<'_>, rule: &Rule<'_>) {
    session.end = event.at;
    session.events += 1;
    *session
        .sources
        .entry(event.source.name.clone())
        .or_default() += 1;
    session.open = event.at > rule.now - rule.timeout;
}
