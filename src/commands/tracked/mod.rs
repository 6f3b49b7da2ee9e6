//! `sessionize tracked …`: sessions that an application tracks itself.

mod show;

use std::io::Write;

use crate::cli::tracked::TrackedCommand;
use crate::commands::Ending;
use crate::commands::voice::Voice;
use crate::error::Failure;
use crate::import::database::Patience;
use crate::output::Output;
use crate::report::answer::{Answer, Basis};
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
    _voice: &Voice,
    output: Output,
) -> Result<Ending, Failure> {
    task_of(command).check(place.shape)?;
    let answer = match command {
        TrackedCommand::Show { id } => show::answer(settings, place, id)?,
    };
    let write =
        |out: &mut dyn Write| report::write_answer(settings.format, &answer, settings.style, out);
    output.publish(write, None)?;
    Ok(Ending::Whole)
}

/// What a command is called in the matrix of commands and shapes.
fn task_of(command: &TrackedCommand) -> Task {
    match command {
        TrackedCommand::Show { .. } => Task::Show,
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
