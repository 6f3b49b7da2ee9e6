//! What a reader must know before quoting a number, in whole sentences.

use crate::error::ALL;
use crate::import::ledger::{Counts, SourceRecord};
use crate::report::story::{cut_to, dwell, mostly_bounces, tracked};
use crate::report::{Report, Run, words};
use crate::sessions::compat::Compat;

/// The notes of a report.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    let measures = &report.measures;
    let mut notes = vec![durations(&report.run)];
    notes.extend(other_rule(&report.run));
    notes.extend(measures.dwell.iter().flat_map(dwell::notes));
    notes.extend(
        measures
            .tracked
            .iter()
            .flat_map(|of| tracked::notes(of, &report.run)),
    );
    notes.extend(open(&report.run));
    notes.extend(touching_ends(measures.touching_ends));
    notes.extend(incomplete_periods(report));
    notes.extend(median_of_zero(report));
    notes.extend(rows_and_times(&report.run));
    notes.extend(measures.remarks.iter().cloned());
    notes
}

/// The notes of a list of sessions or an explanation.
pub(crate) fn run_notes(run: &Run) -> Vec<String> {
    let mut notes = vec![durations(run)];
    notes.extend(other_rule(run));
    notes.extend(rows_and_times(run));
    notes
}

fn durations(run: &Run) -> String {
    match run.compat.and_then(Compat::durations) {
        None => "Durations are a lower bound: last event minus first event, without the time \
                 after the last."
            .to_owned(),
        Some(durations) => format!("Durations are {durations}."),
    }
}

fn other_rule(run: &Run) -> Option<String> {
    let name = run.compat?.name();
    Some(format!(
        "The rule of {name} makes the sessions and their durations; which of them are open, and \
         which periods complete, our own says: one timeout must have passed since the last event."
    ))
}

fn open(run: &Run) -> Option<String> {
    let sentence = match run.open_sessions {
        0 => return None,
        1 => "1 open session counts as a session and is left out of everything else.".to_owned(),
        open => format!(
            "{} open sessions count as sessions and are left out of everything else.",
            words::count(open)
        ),
    };
    Some(sentence)
}

fn touching_ends(sessions: u64) -> Option<String> {
    let sentence = match sessions {
        0 => return None,
        1 => "1 session lies within one timeout of either end of the data; it may be longer."
            .to_owned(),
        sessions => format!(
            "{} sessions lie within one timeout of either end of the data; they may be longer.",
            words::count(sessions)
        ),
    };
    Some(sentence)
}

/// A bounce's event falls on one instant too, so that the second sentence is true of every row.
fn median_of_zero(report: &Report) -> Option<String> {
    let mut rows = report
        .rows()
        .filter(|row| row.figures.median == Some(0.0))
        .peekable();
    rows.peek()?;
    let sentence = if rows.all(|row| mostly_bounces(&row.figures)) {
        "A median of 0s means that most sessions are bounces: one event, no duration."
    } else if let Some(unit) = cut_to(&report.run) {
        return Some(format!(
            "A median of 0s means that most sessions last less than {unit}."
        ));
    } else {
        "A median of 0s means that the events of most sessions fall on one instant."
    };
    Some(sentence.to_owned())
}

fn incomplete_periods(report: &Report) -> Option<String> {
    let mut periods: Vec<_> = report
        .measures
        .rows
        .iter()
        .filter(|row| row.complete == Some(false))
        .map(|row| row.period)
        .collect();
    periods.dedup();
    let subject = match periods.len() {
        0 => return None,
        1 => "1 period is incomplete and has".to_owned(),
        many => format!(
            "{} periods are incomplete and have",
            words::count(many as u64)
        ),
    };
    Some(format!("○ {subject} no part in the trend."))
}

fn rows_and_times(run: &Run) -> Vec<String> {
    let counts = run.counts();
    let mut notes = Vec::new();
    if run.events_after_now > 0 {
        let events = words::counted(run.events_after_now, "event lies", "events lie");
        notes.push(format!(
            "{events} after the time at which the data was taken; their sessions count as open."
        ));
    }
    notes.extend(duplicates(&counts));
    notes.extend(filtered(&counts));
    notes.extend(run.sources.iter().flat_map(rejected));
    let floored: u64 = run.sources.iter().map(|source| source.floored).sum();
    if floored > 0 {
        let times = words::counted(floored, "time was", "times were");
        notes.push(format!("{times} floored to the microsecond."));
    }
    let leap: u64 = run.sources.iter().map(|source| source.leap_seconds).sum();
    if leap > 0 {
        let seconds = words::counted(leap, "leap second was", "leap seconds were");
        notes.push(format!("{seconds} taken as the second before."));
    }
    notes
}

fn duplicates(counts: &Counts) -> Option<String> {
    let (met, dropped) = (counts.duplicates, counts.duplicates_dropped);
    if met == 0 {
        return None;
    }
    let rows = words::counted(met, "row repeats", "rows repeat");
    let fate = match dropped {
        0 => "kept".to_owned(),
        dropped if dropped == met => "dropped".to_owned(),
        dropped => format!("{} of them dropped", words::count(dropped)),
    };
    Some(format!(
        "{rows} the source, user and instant of another; {fate}."
    ))
}

fn filtered(counts: &Counts) -> Option<String> {
    let kinds = [
        (counts.filtered_users, "of users left out"),
        (counts.filtered_ignored, "of sources with the role ignore"),
        (counts.filtered_expiry, "of sources with the role expiry"),
        (
            counts.filtered_orphan_ends,
            "of ends without an open session",
        ),
        (
            counts.filtered_outside_window,
            "of sessions that start outside the window",
        ),
        (counts.filtered_anonymous, "without a user"),
    ];
    let parts: Vec<String> = kinds
        .iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, kind)| format!("{} {kind}", words::count(*rows)))
        .collect();
    (!parts.is_empty()).then(|| format!("Filtered rows: {}.", parts.join(", ")))
}

fn rejected(source: &SourceRecord) -> Vec<String> {
    source
        .rejected_by_kind
        .iter()
        .map(|(id, rows)| {
            let meaning = ALL.iter().find(|known| known.id == *id);
            let meaning = meaning.map_or("", |known| known.meaning);
            let rows = words::counted(*rows, "row", "rows");
            format!("{rows} of {} rejected ({id}): {meaning}.", source.name)
        })
        .collect()
}
