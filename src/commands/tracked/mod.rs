//! `sessionize tracked …`: sessions that an application tracks itself.

mod anomalies;
mod close_idle;
mod end;
mod history;
mod info;
mod lifecycle;
mod migrate;
mod pause;
mod saved;
mod saving;
mod show;
mod stages;
mod start;
mod streaks;
mod study;
mod summary;
mod trends;

use std::io::Write;

use crate::cli::tracked::TrackedCommand;
use crate::commands::Ending;
use crate::commands::voice::Voice;
use crate::error::Failure;
use crate::import::database::Patience;
use crate::import::tracked::TrackedShape;
use crate::output::Output;
use crate::report::answer::{Answer, AnswerFact, As, Basis};
use crate::report::columns::Cell;
use crate::report::{self};
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::sessions::SessionTable;
use crate::store::{Access, Store};
use crate::tracked::matrix::Task;

/// Answers what is asked of tracked sessions.
pub(super) fn run(
    settings: &Settings,
    place: &TrackedPlace,
    command: &TrackedCommand,
    voice: &Voice,
    output: Output,
) -> Result<Ending, Failure> {
    let task = task_of(command);
    task.check(place.shape)?;
    let answer = match command {
        TrackedCommand::Show { id } => show::answer(settings, place, id)?,
        TrackedCommand::Start(flags) => start::answer(settings, place, flags)?,
        TrackedCommand::Connect { id }
        | TrackedCommand::MarkStarted { id }
        | TrackedCommand::Activate { id } => stages::answer(settings, place, task, id)?,
        TrackedCommand::End {
            id,
            xp,
            information,
        } => {
            let information = information.as_deref();
            end::check(place.shape, xp, information)?;
            match place.shape {
                TrackedShape::SavedInterview => saved::end(settings, place, id, information)?,
                _ => end::answer(settings, place, id, xp)?,
            }
        }
        TrackedCommand::Pause { id } | TrackedCommand::Resume { id } => {
            pause::answer(settings, place, task, id)?
        }
        TrackedCommand::CloseIdle { dry_run, .. } => {
            close_idle::answer(settings, place, voice, *dry_run)?
        }
        TrackedCommand::Migrate { .. } => migrate::answer(settings, place)?,
        TrackedCommand::Anomalies { per } => anomalies::answer(settings, place, *per)?,
        TrackedCommand::Save { id, information } => saved::save(settings, place, id, information)?,
        TrackedCommand::Info { id, information } => {
            info::answer(settings, place, id, information.as_deref())?
        }
        TrackedCommand::Summary { id, user, items } => match (id, user) {
            (Some(id), _) => summary::of_session(settings, place, id, items.longest_item)?,
            (None, user) => {
                let user = user.as_deref().unwrap_or_default();
                summary::of_user(settings, place, user, items.longest_item)?
            }
        },
        TrackedCommand::History {
            user,
            limit,
            subject,
        } => history::answer(settings, place, user, *limit, subject.as_deref())?,
        TrackedCommand::Streaks { user } => streaks::answer(settings, place, user.as_deref())?,
        TrackedCommand::Trends {
            user,
            subject,
            per,
            items,
        } => {
            let asked = trends::Asked {
                user: user.as_deref(),
                subject: subject.as_deref(),
                per: *per,
                longest: items.longest_item,
            };
            trends::answer(settings, place, &asked)?
        }
        TrackedCommand::Lifecycle { asked } => lifecycle::answer(settings, place, asked)?,
    };
    let write =
        |out: &mut dyn Write| report::write_answer(settings.format, &answer, settings.style, out);
    let published = output.publish(write, None);
    published.map_err(|failure| match changes_database(command) {
        true => failure.detail("the database has what the command did; its report is lost"),
        false => failure,
    })?;
    Ok(Ending::Whole)
}

/// Whether a command that succeeded has written.
fn changes_database(command: &TrackedCommand) -> bool {
    match command {
        TrackedCommand::CloseIdle { dry_run, .. } => !dry_run,
        TrackedCommand::Start(_)
        | TrackedCommand::Connect { .. }
        | TrackedCommand::MarkStarted { .. }
        | TrackedCommand::Activate { .. }
        | TrackedCommand::End { .. }
        | TrackedCommand::Pause { .. }
        | TrackedCommand::Resume { .. }
        | TrackedCommand::Save { .. }
        | TrackedCommand::Migrate { .. } => true,
        _ => false,
    }
}

/// What a command is called in the matrix of commands and shapes.
fn task_of(command: &TrackedCommand) -> Task {
    match command {
        TrackedCommand::Show { .. } => Task::Show,
        TrackedCommand::Start(_) => Task::Start,
        TrackedCommand::Connect { .. } => Task::Connect,
        TrackedCommand::MarkStarted { .. } => Task::MarkStarted,
        TrackedCommand::Activate { .. } => Task::Activate,
        TrackedCommand::End { .. } => Task::End,
        TrackedCommand::Pause { .. } => Task::Pause,
        TrackedCommand::Resume { .. } => Task::Resume,
        TrackedCommand::CloseIdle { .. } => Task::CloseIdle,
        TrackedCommand::Migrate { .. } => Task::Migrate,
        TrackedCommand::Anomalies { .. } => Task::Anomalies,
        TrackedCommand::Save { .. } => Task::Save,
        TrackedCommand::Info { .. } => Task::Info,
        TrackedCommand::Summary { .. } => Task::Summary,
        TrackedCommand::History { .. } => Task::History,
        TrackedCommand::Trends { .. } => Task::Trends,
        TrackedCommand::Streaks { .. } => Task::Streaks,
        TrackedCommand::Lifecycle { .. } => Task::Lifecycle,
    }
}

/// The store that is named, and its table of sessions.
fn open(
    settings: &Settings,
    place: &TrackedPlace,
    access: Access,
) -> Result<(Store, SessionTable), Failure> {
    let store = Store::open(&place.input, patience(settings), access)?;
    let table = SessionTable::find(&store, place)?;
    if access == Access::Write {
        store.check_transactional(&table.table)?;
    }
    Ok((store, table))
}

fn patience(settings: &Settings) -> Patience {
    Patience {
        connect: settings.import.connect_timeout,
        statement: settings.import.statement_timeout,
    }
}

/// An answer of which only what it rests on is said.
fn answer_of(
    settings: &Settings,
    store: &Store,
    table: &SessionTable,
    task: Task,
    headline: String,
) -> Answer {
    Answer {
        basis: Basis {
            command: task.name(),
            shape: table.shape.name(),
            database: store.place().place.clone(),
            table: table.table.name.clone(),
            zone: settings.zone,
            now: settings.now,
        },
        headline,
        facts: Vec::new(),
        tables: Vec::new(),
        notes: Vec::new(),
    }
}

/// A fact that is a text of the database.
fn shown(name: &'static str, label: &'static str, text: Option<&str>) -> AnswerFact {
    let cell = text.map_or(Cell::Unknown, |text| Cell::Text(text.to_owned().into()));
    AnswerFact::new(name, label, As::Text, cell)
}
