//! Tracked sessions, read by the importers of events: a row has one thing more than an event, when
//! its session ended or which session it belongs to.
//!
//! Such a row is two entries of a [`Batch`]: an event, and after it the thing more. The second one's
//! source says whether there is any.

use std::collections::{BTreeMap, HashMap};

use crate::error::Failure;
use crate::events::{Batch, Micros, User, UserId};
use crate::import::columns::Rows;
use crate::import::inputs::Input;
use crate::import::meter::Meter;
use crate::import::pipeline::Sink;
use crate::import::window::Window;
use crate::import::{Imported, Options, PlacedReject};

/// The source of a second entry that says something.
const PRESENT: u8 = 1;
/// The source of one that says nothing.
const ABSENT: u8 = 0;

/// Says when the session ended whose user and start were pushed last; `None` where nobody knows.
pub(crate) fn push_end(batch: &mut Batch, end: Option<Micros>) {
    let presence = if end.is_some() { PRESENT } else { ABSENT };
    batch.push(end.unwrap_or_default(), UserId::Number(0), presence);
}

/// Says which session the event belongs to that was pushed last; `None` for none.
pub(crate) fn push_id(batch: &mut Batch, id: Option<UserId<'_>>) {
    let presence = if id.is_some() { PRESENT } else { ABSENT };
    batch.push(0, id.unwrap_or(UserId::Number(0)), presence);
}

/// A session as an application has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackedRow {
    /// When it began.
    pub start: Micros,
    /// When it ended; `None` where nobody said.
    pub end: Option<Micros>,
}

/// One user's tracked sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackedUser {
    /// By start, then end, those without an end first.
    pub rows: Vec<TrackedRow>,
    /// Where events name their session: each event's time and the place of its session among the
    /// rows, if it names one; by time, then place.
    pub labels: Option<Vec<(Micros, Option<u32>)>>,
}

/// Tables of tracked sessions as applications have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TrackedShape {
    /// `sessions`: session_started_at to ended_at; the user by known names.
    Interview,
    /// `UserSessions`: user_id, started_at to ended_at.
    Practice,
    /// `sessions`: child_id, started_at to ended_at.
    Study,
    /// `interview_sessions`: interviewee_id, start_time to end_time.
    SavedInterview,
    /// `user_sessions`: person_id, started_at to ended_at.
    Platform,
    /// `persons`: last_login_at to last_activity_at, each person's current session alone.
    Snapshot,
}

impl TrackedShape {
    /// The table's name.
    pub fn table(self) -> &'static str {
        match self {
            TrackedShape::Interview | TrackedShape::Study => "sessions",
            TrackedShape::Practice => "UserSessions",
            TrackedShape::SavedInterview => "interview_sessions",
            TrackedShape::Platform => "user_sessions",
            TrackedShape::Snapshot => "persons",
        }
    }

    /// The user's column; `None` where the shape has none, so that known names are looked for.
    pub fn user(self) -> Option<&'static str> {
        match self {
            TrackedShape::Interview => None,
            TrackedShape::Snapshot => Some("id"),
            TrackedShape::Practice => Some("user_id"),
            TrackedShape::Study => Some("child_id"),
            TrackedShape::SavedInterview => Some("interviewee_id"),
            TrackedShape::Platform => Some("person_id"),
        }
    }

    /// The column that says when a session began.
    pub fn start(self) -> &'static str {
        match self {
            TrackedShape::Interview => "session_started_at",
            TrackedShape::SavedInterview => "start_time",
            TrackedShape::Practice | TrackedShape::Study | TrackedShape::Platform => "started_at",
            TrackedShape::Snapshot => "last_login_at",
        }
    }

    /// The column that says when it ended.
    pub fn end(self) -> &'static str {
        match self {
            TrackedShape::SavedInterview => "end_time",
            TrackedShape::Snapshot => "last_activity_at",
            _ => "ended_at",
        }
    }
}

/// All tracked sessions.
#[derive(Debug)]
pub struct TrackedSessions {
    /// By user.
    pub users: HashMap<User, TrackedUser>,
    /// What the import has to say besides.
    pub imported: Imported,
}

/// Reads the tracked sessions of an input whose columns are asked for as such. Rejected rows go to
/// `rejects`, also when the reading fails because of them.
///
/// # Errors
///
/// As [`crate::import::read`].
pub fn read(
    input: &Input,
    options: &Options,
    meter: &Meter,
    rejects: &mut Vec<PlacedReject>,
) -> Result<TrackedSessions, Failure> {
    let options = Options {
        keep_going: false,
        window: Window::default(),
        ..*options
    };
    let mut gathering = Gathering::default();
    let rows = input.columns.rows;
    let sink = |batch: &Batch| gathering.take(batch, rows);
    let mut sinks: Vec<Sink<'_>> = vec![Box::new(sink)];
    let inputs = std::slice::from_ref(input);
    let imported = super::read(inputs, &options, meter, &mut sinks, rejects)?;
    drop(sinks);
    Ok(TrackedSessions {
        users: gathering.finish(),
        imported,
    })
}

/// Rows as they come, by user.
#[derive(Default)]
struct Gathering {
    sessions: HashMap<User, Vec<TrackedRow>>,
    events: HashMap<User, Vec<(Micros, Option<User>)>>,
}

impl Gathering {
    fn take(&mut self, batch: &Batch, rows: Rows) {
        let mut entries = batch.iter();
        while let (Some((at, user, _)), Some((end, id, presence))) =
            (entries.next(), entries.next())
        {
            let user = user.to_user();
            if rows == Rows::Labelled {
                let id = (presence == PRESENT).then(|| id.to_user());
                self.events.entry(user).or_default().push((at, id));
            } else {
                let end = (presence == PRESENT).then_some(end);
                let row = TrackedRow { start: at, end };
                self.sessions.entry(user).or_default().push(row);
            }
        }
    }

    fn finish(self) -> HashMap<User, TrackedUser> {
        let of_rows = self.sessions.into_iter().map(|(user, mut rows)| {
            rows.sort_unstable();
            let labels = None;
            (user, TrackedUser { rows, labels })
        });
        let of_events = self.events.into_iter();
        let of_events = of_events.map(|(user, events)| (user, of_labelled(events)));
        of_rows.chain(of_events).collect()
    }
}

/// The sessions that one user's events name: each from its first to its last event.
fn of_labelled(events: Vec<(Micros, Option<User>)>) -> TrackedUser {
    let mut spans: BTreeMap<&User, (Micros, Micros)> = BTreeMap::new();
    for (at, id) in &events {
        if let Some(id) = id {
            let (first, last) = spans.entry(id).or_insert((*at, *at));
            (*first, *last) = ((*first).min(*at), (*last).max(*at));
        }
    }
    let mut sessions: Vec<((Micros, Micros), &User)> =
        spans.into_iter().map(|(id, span)| (span, id)).collect();
    sessions.sort_unstable();
    let places: HashMap<&User, u32> = (0..)
        .zip(&sessions)
        .map(|(place, (_, id))| (*id, place))
        .collect();
    let label = |(at, id): &(Micros, Option<User>)| {
        let place = id.as_ref().and_then(|id| places.get(id));
        (*at, place.copied())
    };
    let mut labels: Vec<(Micros, Option<u32>)> = events.iter().map(label).collect();
    labels.sort_unstable();
    let rows = sessions.iter().map(|((start, end), _)| TrackedRow {
        start: *start,
        end: Some(*end),
    });
    TrackedUser {
        rows: rows.collect(),
        labels: Some(labels),
    }
}
