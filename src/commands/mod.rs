//! One function per command: the only place that joins the stages.

mod check;
mod compare;
mod discover;
mod explain;
mod gathered;
mod in_database;
mod progress;
mod report;
mod sessions;
mod sql;
mod threshold;
mod tracked;
mod voice;
mod within;

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::tracked::TrackedCommand;
use crate::cli::{Cli, Command, Engine};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::import;
use crate::import::inputs::Input;
use crate::measures::Measures;
use crate::output::{self, MakeRecord, Output, Prepared, Published, Target};
use crate::report::json::{Written, run_record};
use crate::report::{Format, Run};
use crate::settings::Settings;
use crate::settings::compare::Comparison;
use crate::settings::threshold::ThresholdSettings;
use crate::settings::tracked::TrackedPlace;
use crate::time::period::TooManyPeriods;
use crate::time::timestamp::print_instant;

use self::voice::Voice;

/// How a run ended that did not fail.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Everything was read and published.
    Whole,
    /// At least one source is missing (`--keep-going`).
    Partial,
    /// Everything was published, and a rule of the check does not hold.
    CheckFailed {
        /// Which ones.
        failure: Box<Failure>,
        /// Whether a source is missing too.
        is_partial: bool,
    },
}

/// Runs what the command line asks for. `clock` is the time of the run.
///
/// # Errors
///
/// The failure that ends the run; nothing was published then.
pub fn run(cli: &Cli, clock: Micros) -> Result<Ending, Failure> {
    let (settings, asked) = settle(cli, clock)?;
    refuse_format(cli.command.as_ref(), &settings)?;
    refuse_engine(cli.command.as_ref(), &settings)?;
    refuse_compat(cli, &settings)?;
    refuse_dwell(cli, &settings)?;
    let voice = Voice::new(settings.quiet, settings.verbose);
    for warning in &settings.warnings {
        voice.warn(warning);
    }
    let files: Vec<_> = settings
        .inputs
        .iter()
        .chain(asked.tracked())
        .flat_map(|input| input.files())
        .chain(settings.consulted.iter().cloned())
        .collect();
    let output = match Output::prepare(settings.target.clone(), &files, settings.output)? {
        Prepared::Ready(output) => output,
        Prepared::Skipped(why) => {
            voice.note(&format!("skipped: {why}"));
            return Ok(Ending::Whole);
        }
    };
    refuse_rejects_over_others(&settings, &files)?;
    if let Some(path) = &settings.rejects {
        output::check_whole(path)?;
    }
    let kept = output.kept();
    let ended = match (&cli.command, &asked) {
        (_, Asked::Threshold(asked)) => threshold::run(&settings, asked, &voice, output),
        (_, Asked::Comparison(asked)) => compare::run(&settings, asked, &voice, output),
        (_, Asked::Beside(tracked)) => report::run(&settings, Some(tracked), &voice, output),
        (Some(Command::Tracked { asked, .. }), Asked::Tracked(place)) => {
            tracked::run(&settings, place, asked, &voice, output)
        }
        (Some(Command::Sessions { .. }), _) => sessions::run(&settings, &voice, output),
        (Some(Command::Explain { user, .. }), _) => explain::run(&settings, &voice, output, user),
        (Some(Command::Sql { dialect }), _) => sql::run(&settings, output, *dialect),
        (Some(Command::Discover { write, force, .. }), _) => {
            let asked = discover::Asked {
                write: write.as_deref(),
                force: *force,
                password_env: cli.flags.password_env.as_deref(),
                password_file: cli.flags.password_file.as_deref(),
                my_cnf: cli.flags.my_cnf.as_deref(),
            };
            discover::run(&settings, &voice, output, &asked)
        }
        _ => report::run(&settings, None, &voice, output),
    };
    ended.map_err(|failure| match failure.id.family {
        error::Family::Output => failure,
        _ => failure.keeping(kept),
    })
}

/// What only one command needs beside the settings of all.
enum Asked {
    Nothing,
    Threshold(Box<ThresholdSettings>),
    Comparison(Box<Comparison>),
    /// Tracked sessions beside a report.
    Beside(Box<Input>),
    Tracked(Box<TrackedPlace>),
}

impl Asked {
    /// The tracked sessions, which are read like an input.
    fn tracked(&self) -> Option<&Input> {
        match self {
            Asked::Comparison(comparison) => Some(&comparison.tracked),
            Asked::Beside(tracked) => Some(tracked),
            Asked::Tracked(place) => Some(&place.input),
            _ => None,
        }
    }
}

fn settle(cli: &Cli, clock: Micros) -> Result<(Settings, Asked), Failure> {
    let flags = &cli.flags;
    match &cli.command {
        Some(Command::Threshold { inputs, asked }) => {
            let (settings, asked) = Settings::of_threshold(flags, asked, &inputs.inputs, clock)?;
            Ok((settings, Asked::Threshold(Box::new(asked))))
        }
        Some(Command::Compare { inputs, compared }) => {
            let inputs = &inputs.inputs;
            let (settings, asked) = Settings::of_comparison(flags, inputs, compared, clock)?;
            Ok((settings, Asked::Comparison(Box::new(asked))))
        }
        Some(Command::Report { inputs, beside }) if beside.tracked.is_some() => {
            let inputs = &inputs.inputs;
            let (settings, tracked) = Settings::of_report(flags, inputs, beside, clock)?;
            Ok((settings, Asked::Beside(Box::new(tracked))))
        }
        Some(Command::Tracked { place, asked }) => {
            let mut place = place.clone();
            let mut inputs = None;
            match asked {
                TrackedCommand::Migrate { store: Some(store) } => {
                    place.database = Some(store.clone());
                }
                TrackedCommand::CloseIdle { inputs: typed, .. } if !typed.is_empty() => {
                    inputs = Some(typed.as_slice());
                }
                _ => {}
            }
            let (mut settings, place) = Settings::of_tracked(flags, &place, inputs, clock)?;
            let read = asked.information().filter(|path| *path != "-");
            settings.consulted.extend(read.map(PathBuf::from));
            Ok((settings, Asked::Tracked(Box::new(place))))
        }
        _ => Ok((settle_others(cli, clock)?, Asked::Nothing)),
    }
}

fn settle_others(cli: &Cli, clock: Micros) -> Result<Settings, Failure> {
    let inputs = match &cli.command {
        None => &cli.inputs,
        Some(
            Command::Report { inputs, .. }
            | Command::Sessions { inputs }
            | Command::Compare { inputs, .. }
            | Command::Explain { inputs, .. }
            | Command::Threshold { inputs, .. },
        ) => inputs,
        Some(Command::Sql { .. }) => return Settings::of_statement(&cli.flags, clock),
        Some(Command::Tracked { .. }) => return Settings::of_flags(&cli.flags, &[], clock),
        Some(Command::Discover { database, .. }) => {
            // What it may write is no reason to read what is there.
            return Settings::of_flags(&cli.flags, std::slice::from_ref(database), clock);
        }
    };
    Settings::new(&cli.flags, &inputs.inputs, clock)
}

/// A binary format cannot explain, and would only upset a terminal.
fn refuse_format(command: Option<&Command>, settings: &Settings) -> Result<(), Failure> {
    let format = settings.format;
    if matches!(command, Some(Command::Discover { .. })) {
        return discover::check_format(format);
    }
    let (what, mut formats): (_, Box<dyn Iterator<Item = Format>>) = match command {
        Some(Command::Explain { .. }) => ("an explanation", Box::new(Format::of_explanations())),
        Some(Command::Threshold { .. }) => ("a judgement", Box::new(Format::of_judgements())),
        Some(Command::Compare { .. }) => ("a comparison", Box::new(Format::of_agreements())),
        _ => ("", Box::new(std::iter::once(format))),
    };
    if formats.all(|other| other != format) {
        let formats: Vec<String> = Format::of_explanations().map(Format::name).collect();
        let message = format!("{what} is not written as {}", format.name());
        return Err(Failure::new(error::USAGE, message)
            .help(format!("choose --format {}", formats.join(", "))));
    }
    let on_terminal = settings.target == Target::Stdout && std::io::stdout().is_terminal();
    if format.is_binary() && on_terminal {
        let name = format.name();
        let message = format!("standard output is a terminal, and {name} is not text");
        return Err(Failure::new(error::USAGE, message)
            .help(format!("write it to a file: -o sessions.{name}")));
    }
    Ok(())
}

/// Rows are made of rows, which a database is not asked for.
fn refuse_engine(command: Option<&Command>, settings: &Settings) -> Result<(), Failure> {
    let what = match command {
        Some(Command::Sessions { .. }) => "a list of sessions",
        Some(Command::Explain { .. }) => "an explanation",
        Some(Command::Threshold { .. }) => "what a judgement rests on",
        Some(Command::Compare { .. }) => "a comparison",
        _ => return Ok(()),
    };
    match settings.engine {
        Engine::Local => Ok(()),
        Engine::Database => {
            let verb = match command {
                Some(Command::Compare { .. }) => "needs",
                _ => "is",
            };
            let why = format!("{what} {verb} rows, and sums alone come back from the database");
            Err(import::in_place::refused(&why))
        }
    }
}

/// Refuses another system's rule where only our own will do.
fn refuse_compat(cli: &Cli, settings: &Settings) -> Result<(), Failure> {
    let why = match &cli.command {
        Some(Command::Threshold { .. }) => "a timeout is judged by our own rule",
        Some(Command::Compare { .. }) => "what is compared are sessions by our own rule",
        Some(Command::Sql { .. }) => "the statement says our own rule",
        _ => return Ok(()),
    };
    match settings.compat {
        None => Ok(()),
        Some(compat) => {
            let message = format!("--compat {}: {why}", compat.name());
            let help = match cli.flags.compat {
                Some(_) => "leave --compat and SESSIONIZE_COMPAT away",
                None => {
                    "take the key compat out of the configuration, or name another with --config"
                }
            };
            Err(Failure::new(error::USAGE, message).help(help))
        }
    }
}

/// Only figures over many sessions can be estimated. A configuration that says how is for reports, and
/// does not keep other commands from using it.
fn refuse_dwell(cli: &Cli, settings: &Settings) -> Result<(), Failure> {
    if matches!(cli.command, None | Some(Command::Report { .. })) {
        return refuse_dwell_of_others(settings);
    }
    if cli.flags.dwell.is_none() || settings.dwell.is_none() {
        return Ok(());
    }
    let message = "--dwell estimates means and totals over sessions, which only a report has";
    Err(Failure::new(error::USAGE, message)
        .help("leave --dwell out, or ask for a report: sessionize report"))
}

/// What another system calls a duration may hold time after the last event already.
fn refuse_dwell_of_others(settings: &Settings) -> Result<(), Failure> {
    let (Some(_), Some(compat)) = (settings.dwell, settings.compat) else {
        return Ok(());
    };
    let name = compat.name();
    let message = format!("--dwell adds to our own durations, and --compat {name} has others");
    Err(Failure::new(error::USAGE, message).help("leave one of them out; --dwell none does"))
}

/// The rejects file must be neither an input nor the report, nor its record, whether they are
/// there yet or not.
fn refuse_rejects_over_others(settings: &Settings, files: &[PathBuf]) -> Result<(), Failure> {
    let Some(path) = &settings.rejects else {
        return Ok(());
    };
    let refusal = |other: &str| {
        let message = format!(
            "the rejects file {} is the same file as {other}",
            path.display()
        );
        Err(Failure::new(error::OUTPUT_IS_INPUT, message)
            .help("write the rejected rows to another path"))
    };
    let identity = |path: &Path| {
        std::fs::metadata(path)
            .map(|found| (found.dev(), found.ino()))
            .ok()
    };
    let place = identity(path);
    if place.is_some() && files.iter().any(|file| identity(file) == place) {
        return refusal("an input");
    }
    if let Target::File(report) = &settings.target {
        let mut record = report.clone().into_os_string();
        record.push(output::RECORD_SUFFIX);
        let record = PathBuf::from(record);
        for (other, what) in [(report, "the report"), (&record, "the report's record")] {
            if spot(path) == spot(other) {
                return refusal(what);
            }
        }
    }
    Ok(())
}

/// A file's folder, by device and inode, and its name there: the same for all spellings of a path.
fn spot(path: &Path) -> Option<(u64, u64, std::ffi::OsString)> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let found = std::fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino(), path.file_name()?.to_owned()))
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
    if run.events_after_now > 0 {
        let (lie, open) = match run.events_after_now {
            1 => ("event lies", "its session counts as open"),
            _ => ("events lie", "their sessions count as open"),
        };
        let (after, now) = (run.events_after_now, print_instant(run.now));
        voice.warn(&format!("{after} {lie} after now, {now}; {open}"));
    }
    if run.sessions == 0 {
        voice.warn("no session: nothing in the inputs makes one in the window asked for");
    }
    if is_row_format(settings.format) && settings.target == Target::Stdout && !settings.quiet {
        voice.line(&record());
    }
    voice.closing(run, &settings.target, published);
    match run.is_complete() {
        true => Ending::Whole,
        false => Ending::Partial,
    }
}

/// What makes the run record of a format that has no place for it inside.
fn record_beside<'a>(
    settings: &Settings,
    run: &'a Run,
    measures: Option<&'a Measures>,
) -> Option<MakeRecord<'a>> {
    if !is_row_format(settings.format) {
        return None;
    }
    Some(Box::new(move |bytes, sha256| {
        run_record(run, measures, Some(Written { bytes, sha256 }))
    }))
}

/// Whether a format has no place for the run record inside.
fn is_row_format(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Ndjson | Format::Parquet)
}
