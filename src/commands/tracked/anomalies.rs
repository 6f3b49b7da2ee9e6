//! `sessionize tracked anomalies`: how many anomalies interviews detected, of which type, when, and
//! in how many sessions.

mod notes;
mod tables;

use std::collections::HashMap;

use super::{answer_of, open};
use crate::cli::tracked::AnomaliesPer;
use crate::commands::{report, too_many_periods};
use crate::error::{self, Failure};
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::tracked::TrackedPlace;
use crate::settings::{Periods, Settings};
use crate::store::columns::Kind;
use crate::store::sessions::{Condition, ROWS, SessionTable, checked_id};
use crate::store::{Access, Store};
use crate::time::period::{Calendar, PeriodLength};
use crate::time::timestamp::quoted;
use crate::tracked::anomalies::{Figures, Reader, Told, Watched, figures, span};
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// How many sessions' informations are in memory at once.
const AT_ONCE: usize = 256;

/// Reads all sessions of the window.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    per: AnomaliesPer,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let (sessions, startless) = watched(settings, &mut store, &table)?;
    let all = figures(&sessions);
    let mut answer = answer_of(settings, &store, &table, Task::Anomalies, headline(&all));
    answer.facts = facts(&all);
    let calendar = calendar(settings, &sessions)?;
    answer.tables = tables::tables(settings, &sessions, calendar.as_ref(), per);
    let unplaced = calendar.map(|(_, calendar)| unplaced(&sessions, &calendar));
    answer.notes = notes::notes(&all, &sessions, startless, unplaced.unwrap_or(0));
    Ok(answer)
}

/// The sessions of the window, and how many of all have no start that could lie in one.
fn watched(
    settings: &Settings,
    store: &mut Store,
    table: &SessionTable,
) -> Result<(Vec<Watched>, u64), Failure> {
    let column = table.column(store, Field::Information)?;
    if column.kind == Kind::Bytes {
        let name = quoted(column.name.as_bytes());
        let message = format!("column {name} holds bytes, and JSON or text is expected");
        return Err(Failure::new(error::COLUMN_TYPE, message).in_source(store.place()));
    }
    let fields = [Field::Id, Field::User, Field::Started, Field::Ended];
    let records = with_columns(table, &fields).records(store, Condition::default())?;
    let (from, to) = settings.window;
    let has_window = from.is_some() || to.is_some();
    let is_startless = |record: &Record| record.time(Field::Started).is_none();
    let is_within = |record: &Record| match record.time(Field::Started) {
        None => !has_window,
        Some(start) => from.is_none_or(|from| start >= from) && to.is_none_or(|to| start < to),
    };
    let startless = records.iter().filter(|record| is_startless(record)).count();
    let records: Vec<Record> = records.into_iter().filter(is_within).collect();
    let mut reader = Reader::new();
    let mut sessions = Vec::with_capacity(records.len());
    for some in records.chunks(AT_ONCE) {
        let told = told(store, table, some, &mut reader)?;
        sessions.extend(some.iter().map(|record| Watched {
            id: record.id.clone(),
            user: record.user.clone(),
            started: record.time(Field::Started),
            ended: record.time(Field::Ended),
            told: told.get(&record.id).cloned().unwrap_or(Told::Absent),
        }));
    }
    Ok((sessions, startless as u64))
}

/// What the informations of some sessions say, by their ids.
fn told(
    store: &mut Store,
    table: &SessionTable,
    records: &[Record],
    reader: &mut Reader,
) -> Result<HashMap<String, Told>, Failure> {
    let column = table.column(store, Field::Id)?;
    let ids = records.iter().filter(|record| !record.id.is_empty());
    let values = ids.map(|record| checked_id(column, &record.id));
    let values: Vec<String> = values.collect::<Result<_, _>>()?;
    let parameters = vec![column.parameter(); values.len()];
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("{ROWS}.{} IN ({})", column.sql, parameters.join(", "));
    let condition = Condition::default().and(sql, values.into_iter().map(Some).collect());
    let fields = [Field::Id, Field::Information];
    let found = with_columns(table, &fields).records(store, condition)?;
    let told = found.into_iter().map(|record| {
        let told = reader.told(record.text(Field::Information));
        (record.id, told)
    });
    Ok(told.collect())
}

/// The table as if it had these columns alone.
fn with_columns(table: &SessionTable, fields: &[Field]) -> SessionTable {
    let mut table = table.clone();
    table.columns.retain(|field, _| fields.contains(field));
    table
}

fn calendar(
    settings: &Settings,
    sessions: &[Watched],
) -> Result<Option<(PeriodLength, Calendar)>, Failure> {
    let Some((first, last)) = span(sessions, settings.now) else {
        return Ok(None);
    };
    let Some(length) = report::rows_period(settings, Some((first, last))) else {
        return Ok(None);
    };
    // Interviews are too rare for a row per hour, unless it is asked for.
    let length = match settings.periods {
        Periods::Auto => length.max(PeriodLength::Day),
        _ => length,
    };
    let calendar = Calendar::covering(length, &settings.zone, first, last);
    let calendar = calendar.map_err(|cause| too_many_periods(&cause))?;
    Ok(Some((length, calendar)))
}

/// How many anomalies lie before the first period or after the last.
fn unplaced(sessions: &[Watched], calendar: &Calendar) -> u64 {
    let first = calendar.period(0).start;
    let end = calendar.period(calendar.len() - 1).end;
    let times = sessions.iter().filter_map(Watched::anomalies).flatten();
    let times = times.filter_map(|anomaly| anomaly.at);
    times.filter(|at| *at < first || *at >= end).count() as u64
}

fn headline(all: &Figures) -> String {
    let sessions = |number| words::counted(number, "session", "sessions");
    match (all.sessions, all.share.value()) {
        (0, _) => "No session".to_owned(),
        (number, None) => format!("Nothing is known of anomalies in {}", sessions(number)),
        (_, Some(share)) => format!(
            "Anomalies in {} of {} ({})",
            words::count(all.share.with),
            sessions(all.share.of),
            words::share(share)
        ),
    }
}

fn facts(all: &Figures) -> Vec<AnswerFact> {
    let count = |name, label, number| AnswerFact::new(name, label, As::Count, Cell::Count(number));
    let number = |name, label, value| AnswerFact::new(name, label, As::Number, real(value));
    let interval = all.share.interval();
    let share = |name, label, value| AnswerFact::new(name, label, As::Share, real(value));
    let tracked = match all.timed.sessions {
        0 => Cell::Unknown,
        _ => Cell::Seconds(all.timed.length),
    };
    let most = all.most.map_or(Cell::Unknown, Cell::Count);
    vec![
        count("sessions", "sessions", all.sessions),
        count(
            "sessions_without_information",
            "without information",
            all.absent,
        ),
        count(
            "sessions_with_broken_information",
            "with broken information",
            all.broken,
        ),
        count(
            "sessions_silent_on_anomalies",
            "silent on anomalies",
            all.silent,
        ),
        count("sessions_judged", "that speak of anomalies", all.share.of),
        count("sessions_with_anomalies", "with anomalies", all.share.with),
        share("share_of_sessions", "share of sessions", all.share.value()),
        share("share_low", "its lower end", interval.map(|(low, _)| low)),
        share(
            "share_high",
            "its upper end",
            interval.map(|(_, high)| high),
        ),
        count("anomalies", "anomalies", all.counts.anomalies),
        count(
            "multiple_persons",
            "multiple persons",
            all.counts.multiple_persons,
        ),
        count(
            "devices_detected",
            "devices detected",
            all.counts.devices_detected,
        ),
        count("other_types", "of other types", all.counts.others),
        number("anomalies_per_session", "per session", all.per_session()),
        AnswerFact::new("most_in_a_session", "most in a session", As::Count, most),
        number(
            "anomalies_per_hour",
            "per hour tracked",
            all.timed.per_hour(),
        ),
        AnswerFact::new("tracked_seconds", "tracked", As::Duration, tracked).behind(format!(
            "in {} of a known length",
            words::counted(all.timed.sessions, "session", "sessions")
        )),
    ]
}

fn real(value: Option<f64>) -> Cell<'static> {
    value.map_or(Cell::Unknown, Cell::Number)
}
