//! One function per command: the only place that joins the stages.

mod explain;
mod gathered;
mod progress;
mod report;
mod sessions;
mod voice;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::{Cli, Command};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::output::{Output, Prepared, Published, Target};
use crate::report::{Format, Run};
use crate::settings::Settings;
use crate::time::period::TooManyPeriods;

use self::voice::Voice;

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was read and published.
    Whole,
    /// At least one source is missing (`--keep-going`).
    Partial,
}

/// Runs what the command line asks for. `clock` is the time of the run.
///
/// # Errors
///
/// The failure that ends the run; nothing was published then.
pub fn run(cli: &Cli, clock: Micros) -> Result<Ending, Failure> {
    let inputs = match &cli.command {
        None => &cli.inputs,
        Some(
            Command::Report { inputs }
            | Command::Sessions { inputs }
            | Command::Explain { inputs, .. },
        ) => inputs,
    };
    let settings = Settings::new(&cli.flags, &inputs.inputs, clock)?;
    let voice = Voice::new(settings.quiet, settings.verbose);
    let files: Vec<_> = settings
        .inputs
        .iter()
        .flat_map(|input| input.files())
        .collect();
    let output = match Output::prepare(settings.target.clone(), &files, settings.output)? {
        Prepared::Ready(output) => output,
        Prepared::Skipped(why) => {
            voice.note(&format!("skipped: {why}"));
            return Ok(Ending::Whole);
        }
    };
    refuse_rejects_over_inputs(&settings, &files)?;
    let kept = output.kept();
    let ended = match &cli.command {
        None | Some(Command::Report { .. }) => report::run(&settings, &voice, output),
        Some(Command::Sessions { .. }) => sessions::run(&settings, &voice, output),
        Some(Command::Explain { user, .. }) => explain::run(&settings, &voice, output, user),
    };
    ended.map_err(|failure| match failure.id.family {
        error::Family::Output => failure,
        _ => failure.keeping(kept),
    })
}

/// The rejects file must not be an input either.
fn refuse_rejects_over_inputs(settings: &Settings, files: &[PathBuf]) -> Result<(), Failure> {
    let identity = |path: &Path| {
        std::fs::metadata(path)
            .map(|found| (found.dev(), found.ino()))
            .ok()
    };
    let Some((path, place)) = settings
        .rejects
        .as_ref()
        .and_then(|path| Some((path, identity(path)?)))
    else {
        return Ok(());
    };
    match files.iter().any(|file| identity(file) == Some(place)) {
        true => Err(Failure::new(
            error::OUTPUT_IS_INPUT,
            format!(
                "the rejects file {} is the same file as an input",
                path.display()
            ),
        )),
        false => Ok(()),
    }
}

fn too_many_periods(cause: &TooManyPeriods) -> Failure {
    Failure::new(error::TOO_MANY_PERIODS, cause.to_string())
        .help("choose longer periods, or a window with --from and --to")
}

/// Says the closing line, and on standard output with a row format the run record before it.
fn close(
    settings: &Settings,
    voice: &Voice,
    run: &Run,
    record: impl FnOnce() -> String,
    published: &Published,
) -> Ending {
    if is_row_format(settings.format) && settings.target == Target::Stdout && !settings.quiet {
        voice.line(&record());
    }
    voice.closing(run, &settings.target, published);
    match run.is_complete() {
        true => Ending::Whole,
        false => Ending::Partial,
    }
}

/// Whether a format has no place for the run record inside.
fn is_row_format(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Ndjson)
}
