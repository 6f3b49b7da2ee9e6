//! `sessionize tracked anomalies`: how many anomalies interviews detected, of which type, when, and
//! in how many sessions.

use std::collections::{BTreeMap, HashMap};

use super::{answer_of, open};
use crate::cli::tracked::AnomaliesPer;
use crate::commands::{report, too_many_periods};
use crate::error::{self, Failure};
use crate::events::{Micros, SECOND};
use crate::report::answer::{Answer, AnswerColumn, AnswerFact, AnswerTable, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::tracked::TrackedPlace;
use crate::settings::{Periods, Settings};
use crate::store::columns::Kind;
use crate::store::sessions::{Condition, ROWS, SessionTable, checked_id};
use crate::store::{Access, Store};
use crate::time::period::{self, Calendar, PeriodLength};
use crate::time::timestamp::quoted;
use crate::tracked::anomalies::{
    Counts, Figures, KindRow, PeriodRow, Reader, Share, Slot, Told, Watched, by_hour, by_kind,
    by_period, figures, span,
};
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
    answer.tables = tables(settings, &sessions, calendar.as_ref(), per);
    let unplaced = calendar.map(|(_, calendar)| unplaced(&sessions, &calendar));
    answer.notes = notes(&all, &sessions, startless, unplaced.unwrap_or(0));
    Ok(answer)
}

/// The sessions of the window, and how many others have no start that could lie in it.
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
    Ok((sessions, if has_window { startless as u64 } else { 0 }))
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

/// What is asked for first, then the others.
fn tables(
    settings: &Settings,
    sessions: &[Watched],
    calendar: Option<&(PeriodLength, Calendar)>,
    per: AnomaliesPer,
) -> Vec<AnswerTable> {
    let mut tables = vec![
        (AnomaliesPer::Type, kinds(&by_kind(sessions))),
        (
            AnomaliesPer::Hour,
            hours(&by_hour(sessions, &settings.zone)),
        ),
        (AnomaliesPer::Period, periods(settings, sessions, calendar)),
    ];
    if per == AnomaliesPer::Session {
        tables.push((AnomaliesPer::Session, each(sessions)));
    }
    tables.sort_by_key(|(of, _)| *of != per);
    tables.into_iter().map(|(_, table)| table).collect()
}

const fn column(name: &'static str, header: &'static str, shown: As, rank: u8) -> AnswerColumn {
    AnswerColumn {
        name,
        header,
        shown,
        rank,
    }
}

const SHARES: [AnswerColumn; 3] = [
    column("share_of_sessions", "share", As::Share, 0),
    column("share_low", "low", As::Share, 2),
    column("share_high", "high", As::Share, 2),
];

const COUNTS: [AnswerColumn; 4] = [
    column("anomalies", "anomalies", As::Count, 0),
    column("multiple_persons", "multiple persons", As::Count, 1),
    column("devices_detected", "devices detected", As::Count, 1),
    column("other_types", "other types", As::Count, 1),
];

fn share_cells(share: Share) -> [Cell<'static>; 3] {
    let interval = share.interval();
    [
        real(share.value()),
        real(interval.map(|(low, _)| low)),
        real(interval.map(|(_, high)| high)),
    ]
}

fn count_cells(counts: Counts) -> [Cell<'static>; 4] {
    [
        counts.anomalies,
        counts.multiple_persons,
        counts.devices_detected,
        counts.others,
    ]
    .map(Cell::Count)
}

fn real(value: Option<f64>) -> Cell<'static> {
    value.map_or(Cell::Unknown, Cell::Number)
}

fn text(value: Option<&str>) -> Cell<'static> {
    value.map_or(Cell::Unknown, |value| Cell::Text(value.to_owned().into()))
}

fn kinds(rows: &[KindRow]) -> AnswerTable {
    let mut columns = vec![
        column("type", "type", As::Text, 0),
        column("anomalies", "anomalies", As::Count, 0),
        column("sessions_with_anomalies", "sessions", As::Count, 0),
    ];
    columns.extend(SHARES);
    columns.extend([
        column("anomalies_per_hour", "per hour", As::Number, 1),
        column("highest_count", "highest count", As::Count, 2),
        column("detections", "detections", As::Count, 3),
        column("mean_confidence", "mean confidence", As::Number, 3),
        column("labels", "seen", As::Text, 4),
    ]);
    let cells = |row: &KindRow| {
        let mut cells = vec![
            text(row.kind.as_deref()),
            Cell::Count(row.anomalies),
            Cell::Count(row.share.with),
        ];
        cells.extend(share_cells(row.share));
        cells.extend([
            real(row.timed.per_hour()),
            row.highest_count.map_or(Cell::Unknown, Cell::Count),
            Cell::Count(row.detections),
            real(row.confidence()),
            text(labels(&row.labels).as_deref()),
        ]);
        cells
    };
    AnswerTable {
        name: "types",
        title: "By type",
        columns,
        rows: rows.iter().map(cells).collect(),
    }
}

/// `person:3;cell phone:1`, the most frequent first.
fn labels(labels: &BTreeMap<String, u64>) -> Option<String> {
    let mut labels: Vec<(&String, &u64)> = labels.iter().collect();
    labels.sort_by_key(|(label, number)| (std::cmp::Reverse(**number), *label));
    let labels = labels
        .iter()
        .map(|(label, number)| format!("{label}:{number}"));
    let labels = labels.collect::<Vec<_>>().join(";");
    (!labels.is_empty()).then_some(labels)
}

fn hours(rows: &[Slot]) -> AnswerTable {
    let mut columns = vec![column("hour", "hour of the day", As::Count, 0)];
    columns.extend(COUNTS);
    columns.push(column("sessions_with_anomalies", "sessions", As::Count, 0));
    let cells = |(hour, slot): (usize, &Slot)| {
        let mut cells = vec![Cell::Count(hour as u64)];
        cells.extend(count_cells(slot.counts));
        cells.push(Cell::Count(slot.sessions));
        cells
    };
    AnswerTable {
        name: "hours",
        title: "By hour of the day",
        columns,
        rows: rows.iter().enumerate().map(cells).collect(),
    }
}

fn periods(
    settings: &Settings,
    sessions: &[Watched],
    calendar: Option<&(PeriodLength, Calendar)>,
) -> AnswerTable {
    let mut columns = vec![
        column("period", "period", As::Word, 0),
        column("period_start", "start", As::Instant, 9),
    ];
    columns.extend(COUNTS);
    columns.extend([
        column("sessions_started", "sessions", As::Count, 0),
        column("sessions_judged", "judged", As::Count, 2),
        column("sessions_with_anomalies", "with anomalies", As::Count, 0),
    ]);
    columns.extend(SHARES);
    let rows = calendar.map_or(Vec::new(), |(length, calendar)| {
        let cells = |row: &PeriodRow| {
            let label = period::label(row.period, *length, &settings.zone);
            let mut cells = vec![Cell::Plain(label), Cell::Instant(row.period.start)];
            cells.extend(count_cells(row.slot.counts));
            cells.extend([row.started, row.share.of, row.share.with].map(Cell::Count));
            cells.extend(share_cells(row.share));
            cells
        };
        by_period(sessions, calendar).iter().map(cells).collect()
    });
    AnswerTable {
        name: "periods",
        title: "Over time",
        columns,
        rows,
    }
}

fn each(sessions: &[Watched]) -> AnswerTable {
    let mut columns = vec![
        column("session_id", "session", As::Text, 0),
        column("interviewee_id", "interviewee", As::Text, 4),
        column("start_time", "start", As::Instant, 1),
        column(
            "tracked_duration_seconds",
            "tracked duration",
            As::Duration,
            2,
        ),
        column("information", "information", As::Word, 1),
    ];
    columns.extend(COUNTS);
    columns.extend([
        column("anomalies_per_hour", "per hour", As::Number, 1),
        column("first_anomaly_at", "first", As::Instant, 3),
        column("last_anomaly_at", "last", As::Instant, 3),
    ]);
    AnswerTable {
        name: "sessions",
        title: "By session",
        columns,
        rows: sessions.iter().map(session_cells).collect(),
    }
}

fn session_cells(session: &Watched) -> Vec<Cell<'static>> {
    let length = match (session.started, session.ended) {
        (Some(start), Some(end)) => Cell::Seconds(i128::from(end) - i128::from(start)),
        _ => Cell::Unknown,
    };
    let word = match &session.told {
        Told::Absent => "absent",
        Told::Broken(_) => "broken",
        Told::Silent => "silent",
        Told::Said(_) => "read",
    };
    let anomalies = session.anomalies();
    let counts = anomalies.map(Counts::of);
    let counts = counts.map_or([const { Cell::Unknown }; 4], count_cells);
    let per_hour = anomalies.zip(session.length()).map(|(anomalies, length)| {
        let hours = length as f64 / (3_600 * SECOND) as f64;
        anomalies.len() as f64 / hours
    });
    let times = || -> Vec<Micros> {
        let anomalies = anomalies.unwrap_or_default().iter();
        anomalies.filter_map(|anomaly| anomaly.at).collect()
    };
    let mut cells = vec![
        text(Some(&session.id)),
        text(session.user.as_deref()),
        Cell::instant(session.started),
        length,
        Cell::Plain(word.to_owned()),
    ];
    cells.extend(counts);
    cells.extend([
        real(per_hour),
        Cell::instant(times().into_iter().min()),
        Cell::instant(times().into_iter().max()),
    ]);
    cells
}

/// What was met that no figure says.
fn notes(all: &Figures, sessions: &[Watched], startless: u64, unplaced: u64) -> Vec<String> {
    let sessions_of = |number| words::counted(number, "session", "sessions");
    let anomalies_of = |number| words::counted(number, "anomaly", "anomalies");
    let mut notes = Vec::new();
    let mut say = |number: u64, sentence: String| {
        if number > 0 {
            notes.push(sentence);
        }
    };
    let unknown = all.absent + all.broken + all.silent;
    say(
        unknown,
        format!(
            "Shares leave out {} of which nothing is known: {} without information, {} broken, {} \
             silent on anomalies.",
            sessions_of(unknown),
            all.absent,
            all.broken,
            all.silent
        ),
    );
    let broken = sessions.iter().find_map(|session| match &session.told {
        Told::Broken(why) => Some((&session.id, why)),
        _ => None,
    });
    if let Some((id, why)) = broken {
        say(1, format!("Broken, for example: session {id}: {why}."));
    }
    let unmeasured = all.share.of - all.timed.sessions;
    say(
        unmeasured,
        format!(
            "Rates per hour leave out {} without a length: open, or ended no later than started.",
            sessions_of(unmeasured)
        ),
    );
    say(
        all.timeless,
        format!(
            "{} without a time that can be read: in no hour and no period.",
            anomalies_of(all.timeless)
        ),
    );
    say(
        unplaced,
        format!(
            "{} before the first period or after the last.",
            anomalies_of(unplaced)
        ),
    );
    say(
        all.outside,
        format!(
            "{} before the start of the session or after its end.",
            anomalies_of(all.outside)
        ),
    );
    say(
        all.untyped,
        format!("{} without a type.", anomalies_of(all.untyped)),
    );
    say(
        all.unreadable,
        format!(
            "{} that cannot be read.",
            words::counted(all.unreadable, "detection", "detections")
        ),
    );
    say(
        startless,
        format!(
            "Not in the window: {} without a start.",
            sessions_of(startless)
        ),
    );
    notes
}
