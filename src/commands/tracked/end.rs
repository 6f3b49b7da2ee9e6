//! `sessionize tracked end ID`: a session ends, once.

use std::ffi::OsStr;

use super::stages::changes;
use super::{answer_of, open, shown};
use crate::cli::tracked::XpFlags;
use crate::error::{self, Failure};
use crate::events::{Micros, SECOND};
use crate::import::tracked::TrackedShape;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words::{duration, local_time};
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::pauses::PauseTable;
use crate::store::sessions::SessionTable;
use crate::store::write::Value;
use crate::store::{Access, Store};
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::pauses::paused;
use crate::tracked::record::Record;
use crate::tracked::stages::{self, Move};
use crate::tracked::streaks::{day_of, streaks};

/// Ends the session, and says how long it was.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    id: &str,
    xp: &XpFlags,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Write)?;
    let record = table.locked_one(&mut store, id)?;
    let end = settings.now;
    let zone = &settings.zone;
    let (headline, is_changed) = match stage(&table, &record) {
        Move::Done(at) => {
            let when = at.map_or(String::new(), |at| format!(", at {}", local_time(at, zone)));
            let headline = format!(
                "Session {} had ended already{when}; nothing was changed",
                record.id
            );
            (headline, false)
        }
        _ => {
            let ending = Ending {
                settings,
                place,
                table: &table,
                xp,
            };
            ending.end(&mut store, &record, end)?;
            (String::new(), true)
        }
    };
    let ended = table.one(&mut store, &record.id)?;
    let (net, sum) = lengths(&mut store, place, &ended, settings.now)?;
    let headline = match (is_changed, net) {
        (false, _) => headline,
        (true, Some(net)) => {
            let long = duration(net as f64 / 1e6);
            format!("Session {} ended after {long}", record.id)
        }
        (true, None) => format!("Session {} ended", record.id),
    };
    let mut answer = answer_of(settings, &store, &table, Task::End, headline);
    answer.facts = facts(&table, &ended, net, sum, is_changed);
    answer.notes = notes(&table, &record, end, is_changed);
    store.commit()?;
    Ok(answer)
}

/// An error for what is typed that sessions of the shape do not take.
///
/// # Errors
///
/// XP of anything but practice, information of anything but a saved interview.
pub(super) fn check(
    shape: TrackedShape,
    xp: &XpFlags,
    information: Option<&OsStr>,
) -> Result<(), Failure> {
    let is_given = [xp.phrases, xp.session_bonus, xp.streak_bonus]
        .iter()
        .any(Option::is_some);
    let refused = |what: &str, help: &str| {
        let message = format!("sessions of the shape \"{}\" {what}", shape.name());
        Err(Failure::new(error::USAGE, message).help(help))
    };
    if is_given && shape != TrackedShape::Practice {
        let help = "--xp-phrases, --xp-session-bonus and --xp-streak-bonus go with practice";
        return refused("give no XP", help);
    }
    if information.is_some() && shape != TrackedShape::SavedInterview {
        return refused(
            "hold no information",
            "--information goes with saved-interview",
        );
    }
    Ok(())
}

/// Whether a session is still to be ended.
fn stage(table: &SessionTable, record: &Record) -> Move {
    match table.shape {
        TrackedShape::Interview => stages::end(record, table.has(Field::Ended)),
        _ if record.has(Field::Ended) => Move::Done(record.time(Field::Ended)),
        _ => Move::Change {
            time: Some(Field::Ended),
            status: None,
        },
    }
}

/// What a session lasted without its pauses, of which none is left open; unknown without a start.
pub(super) fn resumed(
    store: &mut Store,
    place: &TrackedPlace,
    record: &Record,
    start: Option<Micros>,
    end: Micros,
) -> Result<Option<Micros>, Failure> {
    let mut pauses = Vec::new();
    if let Some(table) = PauseTable::find(store, place)? {
        pauses = table.of(store, &record.id)?;
        if let Some(open) = pauses.iter().find(|pause| pause.to.is_none()) {
            let resumed = open.from.max(end);
            store.check_transactional(table.table())?;
            table.resume(store, &record.id, resumed)?;
        }
    }
    Ok(start.map(|start| end - start - paused(&pauses, start, end)))
}

/// How sessions are ended.
#[derive(Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) settings: &'a Settings,
    pub(super) place: &'a TrackedPlace,
    pub(super) table: &'a SessionTable,
    pub(super) xp: &'a XpFlags,
}

impl Ending<'_> {
    /// Ends a session, which must be locked and open, at an instant or, where it lies before it, at its
    /// start.
    pub(super) fn end(
        &self,
        store: &mut Store,
        record: &Record,
        at: Micros,
    ) -> Result<(), Failure> {
        let start = record.time(Field::Started);
        let end = start.map_or(at, |start| at.max(start));
        let mut changes = match (self.table.shape, stage(self.table, record)) {
            (_, Move::Change { time, status }) => changes(time, status, end),
            _ => Vec::new(),
        };
        let net = resumed(store, self.place, record, start, end)?;
        if let (Some(net), true) = (net, self.table.has(Field::DurationSeconds)) {
            changes.push((Field::DurationSeconds, Value::Number(net / SECOND)));
        }
        if let (Some(net), true) = (net, self.table.has(Field::DurationMinutes)) {
            changes.push((Field::DurationMinutes, Value::Number(net / (60 * SECOND))));
        }
        if self.table.shape == TrackedShape::SavedInterview {
            let status = Value::Text(stages::COMPLETED.to_owned());
            changes.push((Field::Status, status));
        }
        if self.table.has(Field::Updated) {
            changes.push((Field::Updated, Value::At(self.settings.now)));
        }
        if self.table.shape == TrackedShape::Practice {
            changes.extend(self.xp(record));
            changes.extend(self.streaks(store, record)?);
        }
        self.table.change(store, &record.id, &changes)
    }

    /// What is typed over what the row says; the total is the sum of the three.
    fn xp(&self, record: &Record) -> Vec<(Field, Value)> {
        let parts = [
            (Field::XpPhrases, self.xp.phrases),
            (Field::XpSessionBonus, self.xp.session_bonus),
            (Field::XpStreakBonus, self.xp.streak_bonus),
        ];
        let of = |(field, typed): &(Field, Option<u32>)| match typed {
            Some(typed) => i64::from(*typed),
            None => record.number(*field).unwrap_or(0),
        };
        let total = parts.iter().map(of).fold(0, i64::saturating_add);
        let parts = parts.iter().map(|part| (part.0, Value::Number(of(part))));
        parts
            .chain([(Field::TotalXp, Value::Number(total))])
            .filter(|(field, _)| self.table.has(*field))
            .collect()
    }

    /// The days in a row, from the starts of the user's sessions up to this one's.
    fn streaks(&self, store: &mut Store, record: &Record) -> Result<Vec<(Field, Value)>, Failure> {
        let (Some(start), Some(user)) = (record.time(Field::Started), &record.user) else {
            return Ok(Vec::new());
        };
        let condition = self.table.is(store, Field::User, user)?;
        let others = self.table.records(store, condition)?;
        let earlier = others.iter().filter(|other| other.id != record.id);
        let earlier = earlier.filter_map(|other| other.time(Field::Started));
        let earlier = earlier.filter(|other| *other <= start);
        let zone = &self.settings.zone;
        let mut days: Vec<i64> = earlier.map(|at| day_of(at, zone)).collect();
        days.sort_unstable();
        days.push(day_of(start, zone));
        let marks = streaks(&days, day_of(start, zone), zone).marks;
        let (before, after) = marks.last().copied().unwrap_or_default();
        let columns = [
            (Field::StreakBefore, Value::Number(before as i64)),
            (Field::StreakAfter, Value::Number(after as i64)),
        ];
        let columns = columns.into_iter();
        Ok(columns
            .filter(|(field, _)| self.table.has(*field))
            .collect())
    }
}

/// What a session lasted without its pauses, and how long it was paused.
pub(super) fn lengths(
    store: &mut Store,
    place: &TrackedPlace,
    record: &Record,
    now: Micros,
) -> Result<(Option<Micros>, Option<Micros>), Failure> {
    let pauses = match PauseTable::find(store, place)? {
        Some(table) => table.of(store, &record.id)?,
        None => Vec::new(),
    };
    let Some(start) = record.time(Field::Started) else {
        return Ok((None, None));
    };
    let sum = paused(&pauses, start, record.time(Field::Ended).unwrap_or(now));
    Ok((record.length().map(|length| length - sum), Some(sum)))
}

fn facts(
    table: &SessionTable,
    record: &Record,
    net: Option<Micros>,
    sum: Option<Micros>,
    is_changed: bool,
) -> Vec<AnswerFact> {
    let time = |name, label, field| {
        AnswerFact::new(name, label, As::Instant, Cell::instant(record.time(field)))
    };
    let seconds = |name, label, length: Option<Micros>| {
        let cell = length.map_or(Cell::Unknown, |length| Cell::Seconds(i128::from(length)));
        AnswerFact::new(name, label, As::Duration, cell)
    };
    let number = |field: Field, label| {
        let number = record.number(field);
        let cell = number.and_then(|number| u64::try_from(number).ok());
        let cell = cell.map_or(Cell::Unknown, Cell::Count);
        AnswerFact::new(table.standard_name(field), label, As::Count, cell)
    };
    let mut facts = vec![
        shown("session_id", "session", Some(&record.id)),
        shown("user_id", "user", record.user.as_deref()),
        time("started_at", "started", Field::Started),
        time("ended_at", "ended", Field::Ended),
        seconds("duration_seconds", "duration", net),
        seconds("paused_seconds", "paused", sum),
    ];
    match table.shape {
        TrackedShape::Practice => facts.extend([
            number(Field::TotalXp, "total XP"),
            number(Field::StreakBefore, "days in a row before"),
            number(Field::StreakAfter, "days in a row after"),
        ]),
        TrackedShape::Interview => {
            facts.push(shown("status", "status", record.text(Field::Status)));
            facts.retain(|fact| fact.name != "user_id");
        }
        _ => {}
    }
    let changed = AnswerFact::new("changed", "changed", As::Flag, Cell::Flag(is_changed));
    facts.push(changed);
    facts
}

fn notes(table: &SessionTable, record: &Record, end: Micros, is_changed: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !table.has(Field::Ended) {
        notes.push(
            "The table has no column for its end, so how long it was productive is unknown."
                .to_owned(),
        );
    }
    match record.time(Field::Started) {
        Some(start) if is_changed && start > end => {
            notes.push("It starts after now, and ended at its start.".to_owned());
        }
        None if is_changed && record.has(Field::Started) => {
            notes.push("Its start cannot be read, so how long it was is unknown.".to_owned());
        }
        None if is_changed => notes.push("It had not started.".to_owned()),
        _ => {}
    }
    notes
}
