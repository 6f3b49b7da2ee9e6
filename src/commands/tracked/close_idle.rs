//! `sessionize tracked close-idle`: ends the sessions that were left open, at their users' last
//! activity.

use std::collections::{BTreeMap, HashMap};

use super::end::{Ending, lengths};
use super::{answer_of, open};
use crate::cli::tracked::XpFlags;
use crate::commands::gathered::import_all;
use crate::commands::voice::Voice;
use crate::error::Failure;
use crate::events::{Batch, GIVEN_UP, Micros, Role, User, UserId};
use crate::import::meter::Meter;
use crate::import::pipeline::Sink;
use crate::import::tracked::TrackedShape;
use crate::report::answer::{Answer, AnswerColumn, AnswerFact, AnswerTable, As};
use crate::report::columns::Cell;
use crate::report::words::counted;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::activity::Attempts;
use crate::store::pauses::PauseTable;
use crate::store::sessions::{Condition, ROWS, SessionTable};
use crate::store::{Access, Store};
use crate::tracked::fields::Field;
use crate::tracked::idle::{Seen, is_idle, last_seen};
use crate::tracked::matrix::Task;
use crate::tracked::pauses::Pause;
use crate::tracked::record::Record;

/// Ends them, unless it is a dry run, and shows each and why.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    voice: &Voice,
    dry_run: bool,
) -> Result<Answer, Failure> {
    let events = events(settings, voice)?;
    let access = if dry_run { Access::Read } else { Access::Write };
    let (mut store, table) = open(settings, place, access)?;
    let mut notes = Vec::new();
    let activity = Activity {
        attempts: attempts(&mut store, place, &table, &mut notes)?,
        pauses: match PauseTable::find(&store, place)? {
            Some(pauses) => pauses.all(&mut store)?,
            None => HashMap::new(),
        },
        events,
    };
    let open = of_open(&mut store, &table, true)?;
    let starts = starts(&of_open(&mut store, &table, false)?);
    let (mut ended, mut active, mut waiting) = (Vec::new(), 0_u64, 0_u64);
    for record in open {
        let Some(start) = record.time(Field::Started) else {
            waiting += 1;
            continue;
        };
        let of_user = starts.get(&record.user).map_or(&[][..], Vec::as_slice);
        let seen = activity.of(&record);
        let seen = last_seen(&seen, of_user, start, settings.now).cloned();
        let last = seen.as_ref().map_or(start, |seen| seen.at);
        match is_idle(last, settings.now, settings.timeout.micros()) {
            true => ended.push(Idle {
                record,
                last,
                seen,
                net: None,
            }),
            false => active += 1,
        }
    }
    for idle in &mut ended {
        idle.end(settings, place, &table, &mut store, dry_run)?;
    }
    let headline = headline(ended.len() as u64, dry_run);
    let mut answer = answer_of(settings, &store, &table, Task::CloseIdle, headline);
    answer.facts = facts(settings, &ended, active, waiting, dry_run);
    answer.tables.push(shown(&ended));
    answer.notes = notes;
    if !dry_run {
        store.commit()?;
    }
    Ok(answer)
}

/// When users were seen.
struct Activity {
    attempts: BTreeMap<String, Vec<Micros>>,
    /// By session: who pauses or resumes one is there.
    pauses: HashMap<String, Vec<Pause>>,
    events: BTreeMap<User, Vec<Seen>>,
}

impl Activity {
    /// Of a session's user.
    fn of(&self, record: &Record) -> Vec<Seen> {
        let pauses = self.pauses.get(&record.id).into_iter().flatten();
        let ends = pauses.flat_map(|pause| [Some(pause.from), pause.to]);
        let pauses = ends.flatten().map(|at| Seen {
            at,
            by: "pauses".to_owned(),
        });
        let Some(user) = &record.user else {
            return pauses.collect();
        };
        let attempts = self.attempts.get(user).into_iter().flatten();
        let attempt = |at: &Micros| Seen {
            at: *at,
            by: "attempts".to_owned(),
        };
        let events = self.events.get(&UserId::from_text(user).to_user());
        let events = events.into_iter().flatten().cloned();
        attempts.map(attempt).chain(pauses).chain(events).collect()
    }
}

/// The attempts, where the shape has them.
fn attempts(
    store: &mut Store,
    place: &TrackedPlace,
    table: &SessionTable,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<String, Vec<Micros>>, Failure> {
    if table.shape != TrackedShape::Study {
        return Ok(BTreeMap::new());
    }
    let Some(attempts) = Attempts::read(store, place, table)? else {
        notes.push("There is no table of attempts, so that none counts as activity.".to_owned());
        return Ok(BTreeMap::new());
    };
    if attempts.without_time > 0 {
        let (one, many) = ("attempt has", "attempts have");
        notes.push(format!(
            "{} no time that can be read, and does not count.",
            counted(attempts.without_time, one, many)
        ));
    }
    Ok(attempts.times)
}

/// The events of the inputs, by user; those of sources that touch no session are left out.
fn events(settings: &Settings, voice: &Voice) -> Result<BTreeMap<User, Vec<Seen>>, Failure> {
    let mut read: Vec<(User, Micros, u8)> = Vec::new();
    if settings.inputs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sink = |batch: &Batch| {
        let row = |(at, user, source): (Micros, UserId<'_>, u8)| (user.to_user(), at, source);
        read.extend(batch.iter().map(row));
    };
    let mut sinks: Vec<Sink<'_>> = vec![Box::new(sink)];
    let imported = import_all(settings, voice, &Meter::default(), &mut sinks, Vec::new())?;
    drop(sinks);
    let mut events: BTreeMap<User, Vec<Seen>> = BTreeMap::new();
    for (user, at, source) in read {
        let place = imported.translation[usize::from(source)];
        if place == GIVEN_UP || imported.sources[usize::from(place)].role == Role::Ignore {
            continue;
        }
        let by = imported.sources[usize::from(place)].name.clone();
        events.entry(user).or_default().push(Seen { at, by });
    }
    Ok(events)
}

/// Sessions without an end, which are locked; or else all sessions of those who have one.
fn of_open(store: &mut Store, table: &SessionTable, is_open: bool) -> Result<Vec<Record>, Failure> {
    let ended = table.column(store, Field::Ended)?.sql.clone();
    let user = table.column(store, Field::User)?.sql.clone();
    let condition = Condition::default();
    match is_open {
        true => {
            let condition = condition.and(format!("{ROWS}.{ended} IS NULL"), Vec::new());
            table.locked(store, condition)
        }
        false => {
            let of_users = format!(
                "{ROWS}.{user} IN (SELECT {user} FROM {} WHERE {ended} IS NULL)",
                table.table.sql
            );
            table.records(store, condition.and(of_users, Vec::new()))
        }
    }
}

fn starts(records: &[Record]) -> BTreeMap<Option<String>, Vec<Micros>> {
    let mut starts: BTreeMap<Option<String>, Vec<Micros>> = BTreeMap::new();
    for record in records {
        if let Some(start) = record.time(Field::Started) {
            starts.entry(record.user.clone()).or_default().push(start);
        }
    }
    starts
}

/// A session that was left open.
struct Idle {
    record: Record,
    /// Where it ends.
    last: Micros,
    seen: Option<Seen>,
    /// What it lasted without its pauses.
    net: Option<Micros>,
}

impl Idle {
    fn end(
        &mut self,
        settings: &Settings,
        place: &TrackedPlace,
        table: &SessionTable,
        store: &mut Store,
        dry_run: bool,
    ) -> Result<(), Failure> {
        let mut ended = self.record.clone();
        ended.times.insert(Field::Ended, self.last);
        self.net = lengths(store, place, &ended, settings.now)?.0;
        if dry_run {
            return Ok(());
        }
        let ending = Ending {
            settings,
            place,
            table,
            xp: &XpFlags::default(),
        };
        ending.end(store, &self.record, self.last)
    }

    fn why(&self) -> String {
        match &self.seen {
            Some(seen) => format!("last seen in {}", seen.by),
            None => "no activity: ends at its start".to_owned(),
        }
    }
}

fn headline(number: u64, dry_run: bool) -> String {
    let sessions = counted(number, "session", "sessions");
    match (number, dry_run) {
        (0, _) => "No session was left open for longer than the timeout".to_owned(),
        (_, true) => format!("{sessions} would be ended at the last activity; nothing was changed"),
        (_, false) => format!("{sessions} ended at the last activity"),
    }
}

fn facts(
    settings: &Settings,
    ended: &[Idle],
    active: u64,
    waiting: u64,
    dry_run: bool,
) -> Vec<AnswerFact> {
    let count = |name, label, number| AnswerFact::new(name, label, As::Count, Cell::Count(number));
    let timeout = settings.timeout.micros();
    vec![
        AnswerFact::new(
            "timeout_seconds",
            "timeout",
            As::Duration,
            Cell::Seconds(i128::from(timeout)),
        ),
        count("idle_sessions", "left open", ended.len() as u64),
        count("active_sessions", "still active", active),
        count("sessions_without_start", "without a start", waiting),
        AnswerFact::new("dry_run", "dry run", As::Flag, Cell::Flag(dry_run)),
    ]
}

fn shown(ended: &[Idle]) -> AnswerTable {
    let column = |name, header, shown, rank| AnswerColumn {
        name,
        header,
        shown,
        rank,
    };
    let row = |idle: &Idle| {
        let user = idle.record.user.clone();
        let net = idle.net;
        vec![
            Cell::Text(idle.record.id.clone().into()),
            user.map_or(Cell::Unknown, |user| Cell::Text(user.into())),
            Cell::instant(idle.record.time(Field::Started)),
            Cell::instant(idle.seen.as_ref().map(|seen| seen.at)),
            Cell::Instant(idle.last),
            net.map_or(Cell::Unknown, |net| Cell::Seconds(i128::from(net))),
            Cell::Text(idle.why().into()),
        ]
    };
    AnswerTable {
        name: "sessions",
        title: "Sessions left open",
        columns: vec![
            column("session_id", "session", As::Text, 0),
            column("user_id", "user", As::Text, 2),
            column("started_at", "started", As::Instant, 0),
            column("last_activity_at", "last activity", As::Instant, 1),
            column("ended_at", "ends", As::Instant, 0),
            column("duration_seconds", "duration", As::Duration, 0),
            column("why", "why", As::Word, 0),
        ],
        rows: ended.iter().map(row).collect(),
    }
}
