//! `sessionize tracked summary`: what was answered within a session, or within all of a user's.

use std::collections::BTreeSet;

use super::study::{
    attempts_of, is_in_window, records_of, seconds, starts_in_window, tally_facts, tally_notes,
    text, timeless_note,
};
use super::{answer_of, open};
use crate::error::Failure;
use crate::events::Micros;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::attempts::AttemptTable;
use crate::store::pauses::PauseTable;
use crate::store::{Access, Store};
use crate::tracked::attempts::{Attempt, Tally, held, sessions_of, window};
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::pauses::{Pause, paused};
use crate::tracked::record::Record;

/// Of one session: the attempts from its start to its end, both within, or to now while it is
/// active.
pub(super) fn of_session(
    settings: &Settings,
    place: &TrackedPlace,
    id: &str,
    longest: Micros,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let record = table.one(&mut store, id)?;
    let records = std::slice::from_ref(&record);
    let (questions, attempts) = attempts_of(&mut store, place, records, longest)?;
    let pauses = match PauseTable::find(&store, place)? {
        Some(pauses) => pauses.of(&mut store, &record.id)?,
        None => Vec::new(),
    };
    let window = window(&record, settings.now);
    let held = window.map(|window| held(attempts.of(record.user.as_deref()), window));
    let (tally, subjects) = tallied(&mut store, &questions, held.unwrap_or_default())?;
    let known = held.map(|_| &tally);
    let said = known.map_or("what was answered is not known".to_owned(), sentence);
    let headline = format!("Session {}: {said}", record.id);
    let mut answer = answer_of(settings, &store, &table, Task::Summary, headline);
    answer.facts = session_facts(&record, &pauses, settings.now);
    answer.facts.extend(tally_facts(known, subjects.as_ref()));
    answer.notes = session_notes(&record, settings.now);
    answer.notes.extend(tally_notes(&tally, longest));
    answer.notes.extend(timeless_note(&attempts));
    answer.notes.extend(questions.without_times);
    answer.notes.extend(questions.without_subjects);
    Ok(answer)
}

/// Of all sessions of a user that start in the window; an attempt that two of them hold counts once.
pub(super) fn of_user(
    settings: &Settings,
    place: &TrackedPlace,
    user: &str,
    longest: Micros,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let records = records_of(&mut store, &table, Some(user))?;
    let (questions, attempts) = attempts_of(&mut store, place, &records, longest)?;
    let windows: Vec<_> = records
        .iter()
        .map(|record| window(record, settings.now))
        .collect();
    let all: Vec<Attempt> = match records.first() {
        Some(record) => attempts.of(record.user.as_deref()).to_vec(),
        None => Vec::new(),
    };
    let holders = sessions_of(&all, &windows);
    let is_asked: Vec<bool> = records
        .iter()
        .map(|record| starts_in_window(settings, record))
        .collect();
    let (mut inside, mut outside) = (Vec::new(), 0_u64);
    for (attempt, holder) in all.iter().zip(holders) {
        match holder {
            Some(place) if is_asked[place] => inside.push(attempt.clone()),
            None if is_in_window(settings, attempt.at) => outside += 1,
            _ => {}
        }
    }
    let (tally, subjects) = tallied(&mut store, &questions, &inside)?;
    let asked: Vec<&Record> = records
        .iter()
        .zip(&is_asked)
        .filter_map(|(record, is_asked)| is_asked.then_some(record))
        .collect();
    let sessions = words::counted(asked.len() as u64, "session", "sessions");
    let headline = format!("User {user}: {sessions}, {}", sentence(&tally));
    let mut answer = answer_of(settings, &store, &table, Task::Summary, headline);
    answer.facts = user_facts(user, &asked, outside);
    answer
        .facts
        .extend(tally_facts(Some(&tally), subjects.as_ref()));
    answer.notes = tally_notes(&tally, longest);
    answer.notes.extend(timeless_note(&attempts));
    answer.notes.extend(questions.without_times);
    answer.notes.extend(questions.without_subjects);
    Ok(answer)
}

/// What attempts add up to, and the subjects of their questions, unless nobody knows them.
fn tallied(
    store: &mut Store,
    table: &AttemptTable,
    attempts: &[Attempt],
) -> Result<(Tally, Option<BTreeSet<String>>), Failure> {
    let questions = attempts
        .iter()
        .filter_map(|attempt| attempt.question.as_deref());
    let subjects = table.subjects(store, &questions.collect())?;
    let subjects = table
        .knows_subjects()
        .then(|| subjects.into_values().collect());
    Ok((Tally::of(attempts), subjects))
}

/// `12 questions, 9 correct (75%, 95% interval 47% to 91%), 32s each`.
fn sentence(tally: &Tally) -> String {
    let mut sentence = words::counted(tally.attempted, "question", "questions");
    if let (Some(accuracy), Some((low, high))) = (tally.accuracy(), tally.accuracy_interval()) {
        sentence += &format!(
            ", {} correct ({accuracy}%, 95% interval {} to {})",
            words::count(tally.correct),
            words::share(low),
            words::share(high)
        );
    }
    if let Some(mean) = tally.mean_time() {
        sentence += &format!(", {} each", words::duration(mean / 1e6));
    }
    sentence
}

fn session_facts(record: &Record, pauses: &[Pause], now: Micros) -> Vec<AnswerFact> {
    let said = |field| text(record.text(field));
    let at = |field| Cell::instant(record.time(field));
    let is_active = !record.has(Field::Ended);
    let (start, end) = window(record, now).unzip();
    let length = start.zip(end).filter(|(start, end)| start <= end);
    let length = length.map(|(start, end)| end - start - paused(pauses, start, end));
    vec![
        AnswerFact::new("id", "id", As::Text, text(Some(&record.id))),
        AnswerFact::new("child_id", "user", As::Text, text(record.user.as_deref())),
        AnswerFact::new("subject", "subject", As::Text, said(Field::Subject)),
        AnswerFact::new("topic", "topic", As::Text, said(Field::Topic)),
        AnswerFact::new("subtopic", "subtopic", As::Text, said(Field::Subtopic)),
        AnswerFact::new("started_at", "started", As::Instant, at(Field::Started)),
        AnswerFact::new("ended_at", "ended", As::Instant, at(Field::Ended)),
        AnswerFact::new("active", "active", As::Flag, Cell::Flag(is_active)),
        AnswerFact::new(
            "duration_seconds",
            if is_active { "so far" } else { "duration" },
            As::Duration,
            seconds(length),
        ),
    ]
}

fn session_notes(record: &Record, now: Micros) -> Vec<String> {
    let unreadable = record.unreadable.iter().map(|(_, why)| {
        format!("A time of the session cannot be read, so nothing may be known of it: {why}.")
    });
    let mut notes: Vec<String> = unreadable.collect();
    match window(record, now) {
        Some((start, end)) if end < start && !record.has(Field::Ended) => {
            notes.push("It starts in the future: no attempt can lie in it yet.".to_owned());
        }
        Some((start, end)) if end < start => {
            notes.push("It ended before it started: no attempt can lie in it.".to_owned());
        }
        None if record.time(Field::Started).is_none() => {
            notes.push("It has no start: no attempt is known to lie in it.".to_owned());
        }
        _ => {}
    }
    notes
}

fn user_facts(user: &str, sessions: &[&Record], outside: u64) -> Vec<AnswerFact> {
    let whole = |name, label, number| AnswerFact::new(name, label, As::Count, Cell::Count(number));
    let starts = || {
        sessions
            .iter()
            .filter_map(|record| record.time(Field::Started))
    };
    let active = sessions
        .iter()
        .filter(|record| !record.has(Field::Ended))
        .count();
    let instant = |at| Cell::instant(at);
    vec![
        AnswerFact::new("child_id", "user", As::Text, text(Some(user))),
        whole("sessions", "sessions", sessions.len() as u64),
        whole("active_sessions", "still active", active as u64),
        AnswerFact::new(
            "first_started_at",
            "first",
            As::Instant,
            instant(starts().min()),
        ),
        AnswerFact::new(
            "last_started_at",
            "last",
            As::Instant,
            instant(starts().max()),
        ),
        whole(
            "attempts_outside_sessions",
            "attempts in no session",
            outside,
        ),
    ]
}
