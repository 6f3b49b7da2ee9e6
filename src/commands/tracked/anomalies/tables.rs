//! The rows of anomalies: by type, by hour of the day, over time, by session.

use std::collections::BTreeMap;

use super::real;
use crate::cli::tracked::AnomaliesPer;
use crate::events::{Micros, SECOND};
use crate::report::answer::{AnswerColumn, AnswerTable, As};
use crate::report::columns::Cell;
use crate::settings::Settings;
use crate::time::period::{self, Calendar, PeriodLength};
use crate::tracked::anomalies::{
    Counts, KindRow, PeriodRow, Share, Slot, Told, Watched, by_hour, by_kind, by_period,
};

/// What is asked for first, then the others.
pub(super) fn tables(
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
        column("highest_count", "max count", As::Count, 2),
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
