//! Tracked sessions beside a report: how long they last by what their application says.

use crate::commands::gathered::{say, with_rejects_written};
use crate::commands::progress::over;
use crate::commands::voice::Voice;
use crate::error::Failure;
use crate::import::PlacedReject;
use crate::import::inputs::Input;
use crate::import::ledger::SourceRecord;
use crate::import::meter::Meter;
use crate::import::tracked::{self, TrackedShape, TrackedUser};
use crate::measures::TrackedFigures;
use crate::measures::interval::mean_interval;
use crate::report::words;
use crate::settings::Settings;
use crate::tracked::fields::Field;
use crate::tracked::lifecycle::{Course, Stage};
use crate::tracked::record::Record;

/// Reads the tracked sessions and measures those that start in the window.
pub(super) fn figures(
    settings: &Settings,
    input: &Input,
    voice: &Voice,
    rejects: &mut Vec<PlacedReject>,
) -> Result<TrackedFigures, Failure> {
    let meter = Meter::default();
    let read = over(&meter, settings, || {
        tracked::read(input, &settings.import, &meter, rejects)
    });
    let sessions = match read {
        Ok(sessions) => sessions,
        Err(failure) => {
            let rejects = std::mem::take(rejects);
            return with_rejects_written(settings, Err(failure), rejects);
        }
    };
    say(&sessions.imported, voice);
    let (from, to) = settings.window;
    let users = sessions.users.iter();
    let mut records: Vec<Record> = users
        .flat_map(|(user, of_user)| records(&user.to_string(), of_user))
        .collect();
    records.retain(|record| {
        let start = record.time(Field::Started);
        start.is_some_and(|start| {
            from.is_none_or(|from| start >= from) && to.is_none_or(|to| start < to)
        })
    });
    let places = sessions.imported.records.iter().map(place);
    let place = places.collect::<Vec<String>>().join("; ");
    Ok(measured(&records, place))
}

fn records<'a>(user: &str, of_user: &'a TrackedUser) -> impl Iterator<Item = Record> + use<'a> {
    let user = user.to_owned();
    of_user.rows.iter().map(move |row| {
        let start = (Field::Started, row.start);
        let end = row.end.map(|end| (Field::Ended, end));
        Record {
            user: Some(user.clone()),
            times: [start].into_iter().chain(end).collect(),
            ..Record::default()
        }
    })
}

/// The same figures as `tracked lifecycle` gives of the productive stage.
fn measured(records: &[Record], place: String) -> TrackedFigures {
    let course = Course::new(TrackedShape::Practice, [Field::Started, Field::Ended]);
    let all: Vec<&Record> = records.iter().collect();
    let figures = course.figures(&all, Stage::Productive);
    let starts = || {
        records
            .iter()
            .filter_map(|record| record.time(Field::Started))
    };
    TrackedFigures {
        place,
        sessions: figures.sessions,
        ended: figures.completed,
        users: figures.cell.closed_users,
        open: figures.in_progress,
        out_of_order: figures.out_of_order,
        long: figures.long.0,
        long_share: (figures.long.0 > 0)
            .then(|| figures.long.1 as f64 / figures.cell.duration as f64),
        starts: starts().min().zip(starts().max()),
        mean: figures.cell.mean(),
        mean_interval: mean_interval(&figures.cell),
        median: figures.median,
        p90: figures.p90,
    }
}

/// Where they come from, and how many rows there are no sessions.
fn place(record: &SourceRecord) -> String {
    let SourceRecord {
        name, kind, place, ..
    } = record;
    let unused = [
        (record.counts.rejected, "rejected"),
        (record.counts.filtered(), "filtered"),
    ];
    let unused = unused.into_iter().filter(|(rows, _)| *rows > 0);
    let unused: String = unused
        .map(|(rows, what)| format!(", {} {what}", words::counted(rows, "row", "rows")))
        .collect();
    format!("{name} ({kind}, {place}{unused})")
}
