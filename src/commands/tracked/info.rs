//! `sessionize tracked info ID`: what is saved of an interview, or would be.

use std::ffi::OsStr;

use super::saving::{Saving, offered};
use super::{answer_of, open};
use crate::error::Failure;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::Access;
use crate::tracked::fields::Field;
use crate::tracked::information::Information;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// Reads the session, and joins a file with what is saved.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    id: &str,
    information: Option<&OsStr>,
) -> Result<Answer, Failure> {
    let offered = information.map(offered).transpose()?;
    let (mut store, table) = open(settings, place, Access::Read)?;
    let record = table.one(&mut store, id)?;
    let saving = offered.map(|offered| Saving::new(&store, &table, &record, offered));
    let saving = saving.transpose()?;
    let (shown, broken) = match &saving {
        Some(saving) => (Some(saving.joined.information.clone()), None),
        None => read(&record),
    };
    let headline = match (&saving, &shown, &broken) {
        (Some(_), ..) => "what would be saved",
        (None, Some(_), _) => "what is saved",
        (None, None, Some(_)) => "what is saved cannot be read",
        (None, None, None) => "nothing is saved",
    };
    let headline = format!("Session {}: {headline}", record.id);
    let mut answer = answer_of(settings, &store, &table, Task::Info, headline);
    answer.facts = facts(settings, &record, shown.as_ref());
    answer.facts.extend(saving.iter().flat_map(Saving::facts));
    answer.notes.extend(saving.iter().flat_map(Saving::notes));
    answer.notes.extend(broken);
    for (field, why) in &record.unreadable {
        let name = table.standard_name(*field);
        answer
            .notes
            .push(format!("Column {name} cannot be read: {why}."));
    }
    Ok(answer)
}

/// What a row has saved; a sentence where it cannot be read.
pub(super) fn read(record: &Record) -> (Option<Information>, Option<String>) {
    let text = record.text(Field::Information);
    match Information::of_column(text) {
        Ok(information) if information == Information::default() => (None, None),
        Ok(information) => (Some(information), None),
        Err(fault) => {
            let note = format!("What is saved cannot be read: {fault}.");
            (None, Some(note))
        }
    }
}

/// What a row and its information say; unknown where there is none.
pub(super) fn facts(
    settings: &Settings,
    record: &Record,
    information: Option<&Information>,
) -> Vec<AnswerFact> {
    let mut facts = of_row(settings, record);
    facts.extend(of_information(information));
    let column = |name, label, field| text(name, label, record.text(field).map(str::to_owned));
    let has_report = Cell::Flag(record.text(Field::Report).is_some());
    facts.extend([
        AnswerFact::new("has_report", "report", As::Flag, has_report),
        column("resume_url", "resume", Field::Resume),
        column("recording_url", "recording", Field::Recording),
        text(
            "session_information",
            "information",
            information.map(Information::text),
        ),
    ]);
    facts
}

fn of_row(settings: &Settings, record: &Record) -> Vec<AnswerFact> {
    let (start, end) = (record.time(Field::Started), record.time(Field::Ended));
    let date = start.map(|start| words::date(start, &settings.zone));
    let instant = |name, label, at| AnswerFact::new(name, label, As::Instant, Cell::instant(at));
    let length = record.length().map(i128::from);
    let length = length.map_or(Cell::Unknown, Cell::Seconds);
    vec![
        text("session_id", "session", Some(record.id.clone())),
        text("interviewee_id", "interviewee", record.user.clone()),
        text(
            "status",
            "status",
            record.text(Field::Status).map(str::to_owned),
        ),
        AnswerFact::new(
            "date_of_interview",
            "date of interview",
            As::Word,
            date.map_or(Cell::Unknown, Cell::Plain),
        ),
        instant("start_time", "start", start),
        instant("end_time", "end", end),
        AnswerFact::new(
            "tracked_duration_seconds",
            "tracked duration",
            As::Duration,
            length,
        ),
    ]
}

fn of_information(information: Option<&Information>) -> Vec<AnswerFact> {
    let said = |name, label| text(name, label, information.and_then(|all| all.said(name)));
    let count = |name, label, number: Option<u64>| {
        let cell = number.map_or(Cell::Unknown, Cell::Count);
        AnswerFact::new(name, label, As::Count, cell)
    };
    let roles = information.and_then(Information::messages);
    let total = roles.as_ref().map(|roles| roles.values().sum::<u64>());
    let of = |role: &str| Some(roles.as_ref()?.get(role).copied().unwrap_or(0));
    let (user, assistant) = (of("user"), of("assistant"));
    let others = total.zip(user).zip(assistant);
    let others = others.map(|((total, user), assistant)| total - user - assistant);
    vec![
        said("job_role", "job role"),
        said("asr_model", "ASR model"),
        said("llm_provider", "LLM provider"),
        said("llm_model", "LLM model"),
        count("messages", "messages", total),
        count("user_messages", "of the user", user),
        count("assistant_messages", "of the assistant", assistant),
        count("other_messages", "of others", others),
        count(
            "anomalies",
            "anomalies",
            information.and_then(Information::anomalies),
        ),
    ]
}

fn text(name: &'static str, label: &'static str, value: Option<String>) -> AnswerFact {
    let cell = value.map_or(Cell::Unknown, |value| Cell::Text(value.into()));
    AnswerFact::new(name, label, As::Text, cell)
}
