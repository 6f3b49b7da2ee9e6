//! What the commands that read users' sessions and their attempts have in common.

use std::collections::BTreeSet;

use crate::error::Failure;
use crate::events::Micros;
use crate::report::answer::{AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::Store;
use crate::store::attempts::{AttemptTable, Attempts};
use crate::store::sessions::{Condition, SessionTable};
use crate::tracked::attempts::Tally;
use crate::tracked::fields::Field;
use crate::tracked::record::Record;

/// The sessions of a user, or of all, by start.
pub(super) fn records_of(
    store: &mut Store,
    table: &SessionTable,
    user: Option<&str>,
) -> Result<Vec<Record>, Failure> {
    let condition = match user {
        Some(user) => table.is(store, Field::User, user)?,
        None => Condition::default(),
    };
    let mut records = table.records(store, condition)?;
    // A database that folds case may find others' besides.
    if records.iter().any(|record| record.user.as_deref() == user) {
        records.retain(|record| user.is_none() || record.user.as_deref() == user);
    }
    Ok(records)
}

/// The attempts of the users whose sessions these are.
pub(super) fn attempts_of(
    store: &mut Store,
    place: &TrackedPlace,
    records: &[Record],
    longest: Micros,
) -> Result<(AttemptTable, Attempts), Failure> {
    let table = AttemptTable::find(store, place)?;
    let users = records.iter().filter_map(|record| record.user.as_deref());
    let users: BTreeSet<&str> = users.collect();
    let attempts = table.read(store, &users, longest)?;
    Ok((table, attempts))
}

/// Leaves out sessions that have no place in a course of time: without a user, without a start, in the future. Says how
/// many of each.
pub(super) fn keep_countable(settings: &Settings, records: &mut Vec<Record>) -> Vec<String> {
    let (mut nobody, mut no_start, mut future) = (0, 0, 0);
    records.retain(|record| {
        let start = record.time(Field::Started);
        let left_out = match (&record.user, start) {
            (None, _) => &mut nobody,
            (_, None) => &mut no_start,
            (_, Some(start)) if start > settings.now => &mut future,
            _ => return true,
        };
        *left_out += 1;
        false
    });
    let reasons = [
        (nobody, "without a user"),
        (no_start, "without a start"),
        (future, "starting in the future"),
    ];
    let reasons = reasons.into_iter().filter(|(number, _)| *number > 0);
    reasons
        .map(|(number, what)| {
            let sessions = words::counted(number, "session", "sessions");
            format!("Left out: {sessions} {what}.")
        })
        .collect()
}

/// Whether an instant lies in `--from/--to`.
pub(super) fn is_in_window(settings: &Settings, at: Micros) -> bool {
    let (from, to) = settings.window;
    from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
}

/// Whether a session starts in `--from/--to`; one without a start does where nothing is said.
pub(super) fn starts_in_window(settings: &Settings, record: &Record) -> bool {
    match record.time(Field::Started) {
        Some(start) => is_in_window(settings, start),
        None => settings.window == (None, None),
    }
}

/// A share's interval in percent.
pub(super) fn percents(interval: Option<(f64, f64)>) -> [Cell<'static>; 2] {
    match interval {
        Some((low, high)) => [Cell::Number(low * 100.0), Cell::Number(high * 100.0)],
        None => [Cell::Unknown, Cell::Unknown],
    }
}

/// Microseconds in milliseconds: a whole number where they are one.
pub(super) fn milliseconds(micros: Option<i128>) -> Cell<'static> {
    match micros {
        None => Cell::Unknown,
        Some(micros) => match u64::try_from(micros) {
            Ok(whole) if whole % 1_000 == 0 => Cell::Count(whole / 1_000),
            _ => Cell::Number(micros as f64 / 1e3),
        },
    }
}

/// The same of a mean or a median.
pub(super) fn mean_milliseconds(micros: Option<f64>) -> Cell<'static> {
    micros.map_or(Cell::Unknown, |micros| Cell::Number(micros / 1e3))
}

/// A count that can be unknown.
pub(super) fn count(number: Option<u64>) -> Cell<'static> {
    number.map_or(Cell::Unknown, Cell::Count)
}

/// A text that can be unknown.
pub(super) fn text(text: Option<&str>) -> Cell<'static> {
    text.map_or(Cell::Unknown, |text| Cell::Text(text.to_owned().into()))
}

/// A whole number that can be unknown.
pub(super) fn whole(number: Option<i64>) -> Cell<'static> {
    number.map_or(Cell::Unknown, |number| match u64::try_from(number) {
        Ok(count) => Cell::Count(count),
        Err(_) => Cell::Number(number as f64),
    })
}

/// A duration that can be unknown.
pub(super) fn seconds(length: Option<Micros>) -> Cell<'static> {
    length.map_or(Cell::Unknown, |length| Cell::Seconds(length.into()))
}

/// What attempts add up to; nothing is known of any without `tally`.
pub(super) fn tally_facts(
    tally: Option<&Tally>,
    subjects: Option<&BTreeSet<String>>,
) -> Vec<AnswerFact> {
    let [low, high] = percents(tally.and_then(Tally::accuracy_interval));
    let subjects = tally.and(subjects);
    let subjects = subjects.map(|subjects| subjects.iter().cloned().collect());
    let whole = |name, label, number: fn(&Tally) -> u64| {
        AnswerFact::new(name, label, As::Count, count(tally.map(number)))
    };
    let of = AnswerFact::new;
    let (percent, time) = (As::Percent, As::Milliseconds);
    vec![
        whole("questions_attempted", "questions attempted", |tally| {
            tally.attempted
        }),
        whole("questions_correct", "correct", |tally| tally.correct),
        of(
            "accuracy",
            "accuracy",
            percent,
            count(tally.and_then(Tally::accuracy)),
        ),
        of("accuracy_low", "95% interval from", percent, low),
        of("accuracy_high", "95% interval to", percent, high),
        of(
            "total_time_ms",
            "total time",
            time,
            milliseconds(tally.and_then(Tally::total_time)),
        ),
        of(
            "avg_time_per_question_ms",
            "mean time per question",
            time,
            mean_milliseconds(tally.and_then(Tally::mean_time)),
        ),
        of(
            "median_time_per_question_ms",
            "median time per question",
            time,
            mean_milliseconds(tally.and_then(Tally::median_time)),
        ),
        of(
            "subjects_practiced",
            "subjects practised",
            As::Text,
            subjects.map_or(Cell::Unknown, Cell::Texts),
        ),
        whole("questions_unmarked", "neither correct nor wrong", |tally| {
            tally.attempted - tally.marked()
        }),
        whole("times_missing", "without a time", |tally| tally.missing),
        whole("times_zero", "with a time of 0", |tally| tally.zero),
        whole("times_negative", "with a negative time", |tally| {
            tally.negative
        }),
        whole("times_absurd", "with an absurd time", |tally| tally.absurd),
        whole("times_unreadable", "with an unreadable time", |tally| {
            tally.unreadable
        }),
    ]
}

/// What is left out of accuracy and times, in sentences.
pub(super) fn tally_notes(tally: &Tally, longest: Micros) -> Vec<String> {
    let mut notes = Vec::new();
    let answers = |number: u64| words::counted(number, "answer", "answers");
    let unmarked = tally.attempted - tally.marked();
    if unmarked > 0 {
        notes.push(format!(
            "{} of {} {} neither correct nor wrong, and no part of the accuracy{}.",
            words::count(unmarked),
            answers(tally.attempted),
            if unmarked == 1 { "is" } else { "are" },
            match tally.unreadable_marks {
                0 => String::new(),
                some => format!(" ({} marked with what cannot be read)", words::count(some)),
            }
        ));
    }
    let longer = words::duration(longest as f64 / 1e6);
    let apart = [
        (tally.missing, "without a time".to_owned()),
        (tally.zero, "with a time of 0".to_owned()),
        (tally.negative, "with a negative time".to_owned()),
        (tally.absurd, format!("longer than {longer}")),
        (tally.unreadable, "with a time that is no number".to_owned()),
    ];
    let apart = apart.iter().filter(|(number, _)| *number > 0);
    let apart: Vec<String> = apart
        .map(|(number, what)| format!("{} {what}", words::count(*number)))
        .collect();
    if !apart.is_empty() {
        notes.push(format!(
            "Of {} these are no part of the times: {}.",
            answers(tally.attempted),
            apart.join(", ")
        ));
    }
    notes
}

/// Attempts that no session can hold, in a sentence.
pub(super) fn timeless_note(attempts: &Attempts) -> Option<String> {
    let number = attempts.without_time;
    (number > 0).then(|| {
        format!(
            "{} without an instant that can be read: in no session.",
            words::counted(number, "attempt is", "attempts are")
        )
    })
}
