//! Importers: from files and databases to batches of events, every row accounted for. Which
//! importer reads which input is decided here; what becomes of the events is not known here.

pub mod address;
mod assemble;
mod blocks;
mod budget;
pub(crate) mod catalogue;
pub mod columns;
pub mod csv;
pub mod database;
pub mod file;
mod ids;
pub(crate) mod in_place;
pub mod inputs;
pub mod intake;
pub mod ledger;
pub(crate) mod looks;
pub mod meter;
pub(crate) mod mysql;
pub mod names;
mod ndjson;
pub mod parquet;
pub mod pipeline;
pub(crate) mod postgres;
pub(crate) mod presets;
pub(crate) mod server;
pub(crate) mod shapes;
mod splits;
pub(crate) mod sqlite;
mod tables;
pub mod tracked;
pub mod window;

use std::time::Duration;

use crate::error::{self, Failure, SourcePlace};
use crate::events::{Batch, Micros, Source};
use crate::import::assemble::assemble;
pub use crate::import::budget::Budget;
use crate::import::budget::within_budget;
use crate::import::database::{Database, Patience, Span};
use crate::import::file::{Bytes, Limits, Origin};
use crate::import::inputs::{Body, Input, Unit};
use crate::import::intake::{Intake, Tally, Terms};
use crate::import::ledger::{Reject, SourceRecord};
use crate::import::meter::Meter;
use crate::import::names::SourceNames;
use crate::import::pipeline::{Done, Lines, Reading, Sink};
use crate::import::tables::Tables;
use crate::import::window::{Watch, Window, everything};
use crate::time::timestamp::TimeCounts;

/// What holds for all inputs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `--connect-timeout`: how long a server may take to let us in.
    pub connect_timeout: Duration,
    /// `--statement-timeout`: how long a server may work on one statement.
    pub statement_timeout: Duration,
    /// `--max-rejects`.
    pub budget: Budget,
    /// `--keep-going`.
    pub keep_going: bool,
    /// `--allow-empty`.
    pub allow_empty: bool,
    /// Limits on files.
    pub limits: Limits,
    /// The part of time that servers are asked for.
    pub window: Window,
}

impl Options {
    /// What a server is given to let us in: 10 seconds.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// What a server is given for one statement: 30 minutes.
    pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

    fn patience(&self) -> Patience {
        Patience {
            connect: self.connect_timeout,
            statement: self.statement_timeout,
        }
    }
}

/// What an import gave beside the events.
#[derive(Debug, Default)]
pub struct Imported {
    /// The sources, by role and then name, with what is known of their rows so far.
    pub records: Vec<SourceRecord>,
    /// The same for the engine.
    pub sources: Vec<Source>,
    /// From provisional numbers to indices into both; [`crate::events::GIVEN_UP`] where the rows are not used.
    pub translation: Vec<u8>,
    /// Sources that failed, under `--keep-going`.
    pub missing: Vec<(String, Failure)>,
    /// What a reader should know, a line each.
    pub notes: Vec<String>,
    /// What databases were asked for, a line each.
    pub statements: Vec<String>,
}

/// A rejected row and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedReject {
    /// The source's name.
    pub source: String,
    /// The file; empty for a database.
    pub file: String,
    /// The row.
    pub reject: Reject,
}

/// Reads all inputs; events go to the sinks, one for each thread. Rejected rows go to `rejects`,
/// also when the reading fails because of them.
///
/// # Errors
///
/// The first input's that cannot be used, unless `keep_going` and another one can.
pub fn read(
    inputs: &[Input],
    options: &Options,
    meter: &Meter,
    sinks: &mut [Sink<'_>],
    rejects: &mut Vec<PlacedReject>,
) -> Result<Imported, Failure> {
    let inputs::Opened {
        mut units,
        mut databases,
        missing,
        notes,
        ..
    } = inputs::open(inputs, options)?;
    let names = SourceNames::new(units.iter().map(|unit| unit.place.name.clone()).collect());
    let mut imported = Imported {
        missing,
        notes,
        ..Imported::default()
    };
    let mut tables = Tables::prepare(&units, inputs, options, &mut databases);
    let mut results = Vec::with_capacity(units.len());
    let mut waiting = Vec::new();
    for (index, unit) in units.iter_mut().enumerate() {
        let opened = open_pipe(unit, options.limits);
        let unit = &*unit;
        let reader = UnitReader::new(index, unit, inputs, options, &names, meter);
        results.push(match &unit.body {
            Body::Table { database, .. } => {
                let database = &mut databases[*database];
                reader.table(database, &mut tables, sinks, &mut imported.notes)
            }
            _ => reader.read(opened, sinks, &mut imported.notes),
        });
        match tables.reads_on(index) {
            true => waiting.push(index),
            false => settle(&mut results, index, unit, options, rejects, &mut imported)?,
        }
    }
    tables.read_on(&mut databases, &mut results, sinks, |index| {
        UnitReader::new(index, &units[index], inputs, options, &names, meter)
    });
    for index in waiting {
        let unit = &units[index];
        settle(&mut results, index, unit, options, rejects, &mut imported)?;
    }
    imported.statements = tables.said;
    let results: Vec<Option<UnitResult>> = results.into_iter().map(Result::ok).collect();
    if names.overflowed() {
        return Err(too_many_sources());
    }
    if results.iter().all(Option::is_none)
        && let Some((_, first)) = imported.missing.first()
    {
        return Err(first.clone());
    }
    imported.missing.sort_by(|one, other| one.0.cmp(&other.0));
    assemble(&mut imported, inputs, &units, &names.into_met(), &results)?;
    Ok(imported)
}

/// Checks what a unit gave against its budget. Where that failed, the run fails, or goes on without
/// the unit under `--keep-going`.
fn settle(
    results: &mut [Result<UnitResult, Failure>],
    index: usize,
    unit: &Unit,
    options: &Options,
    rejects: &mut Vec<PlacedReject>,
    imported: &mut Imported,
) -> Result<(), Failure> {
    let unsettled = || Failure::new(error::BUG, "a result is settled twice");
    let result = std::mem::replace(&mut results[index], Err(unsettled()));
    let result = result
        .and_then(|result| within_budget(result, unit, options, rejects, &mut imported.notes));
    results[index] = match result {
        Ok(result) => {
            say_times(&unit.place, &result.tally.time, &mut imported.notes);
            Ok(result)
        }
        Err(failure) => {
            let failure = match failure.source {
                Some(_) => failure,
                None => failure.in_source(&unit.place),
            };
            if !options.keep_going {
                return Err(failure);
            }
            let name = unit.place.name.clone();
            imported.missing.push((name, failure.clone()));
            Err(failure)
        }
    };
    Ok(())
}

/// Opens a pipe, whose format is told by its first bytes once they come, and notes the format.
fn open_pipe(unit: &mut Unit, limits: Limits) -> Option<Result<Bytes, Failure>> {
    let Body::Text {
        origins,
        is_json: is_json @ None,
        ..
    } = &mut unit.body
    else {
        return None;
    };
    let opened = Bytes::open(origins.first()?, limits);
    if opened.as_ref().is_ok_and(Bytes::is_json) {
        *is_json = Some(true);
        unit.place.kind = "ndjson";
    }
    Some(opened)
}

/// More sources than can be told apart.
pub(crate) fn too_many_sources() -> Failure {
    Failure::new(
        error::TOO_MANY_SOURCES,
        format!("more than {} sources", crate::events::MAX_SOURCES),
    )
    .help("read fewer at once, or choose another --source-column")
}

/// A thread's result; its panic goes on in the caller.
pub(crate) fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Blocks are numbered from this multiple of their file's number on.
const FILE_BLOCK: u64 = 1 << 32;

/// The number of a file's first block.
pub(crate) fn file_block(file: u64) -> u64 {
    file * FILE_BLOCK
}

/// Parquet files that are open at once.
const OPEN_FILES: usize = 128;

/// What a unit gave.
#[derive(Default)]
struct UnitResult {
    tally: Tally,
    /// First and last time, where more is known of them than the rows that were read.
    ends: Option<(Micros, Micros)>,
    /// Each file, with its lines where rows are known by physical lines.
    files: Vec<(String, Option<Lines>)>,
}

impl UnitResult {
    /// The file and the physical line of a place; blocks are numbered by file.
    fn place(&self, (block, line): (u64, u64)) -> (String, u64) {
        match self.files.get((block / FILE_BLOCK) as usize) {
            Some((file, Some(lines))) => (file.clone(), lines.line(block & (FILE_BLOCK - 1), line)),
            Some((file, None)) => (file.clone(), line),
            None => (String::new(), line),
        }
    }
}

struct UnitReader<'a> {
    unit: &'a Unit,
    input: &'a Input,
    index: usize,
    options: &'a Options,
    names: &'a SourceNames,
    meter: &'a Meter,
    /// How rows of typed columns are read: their text is UTF-8 always.
    typed_terms: Terms,
}

impl<'a> UnitReader<'a> {
    fn new(
        index: usize,
        unit: &'a Unit,
        inputs: &'a [Input],
        options: &'a Options,
        names: &'a SourceNames,
        meter: &'a Meter,
    ) -> Self {
        let input = &inputs[unit.input];
        Self {
            unit,
            input,
            index,
            options,
            names,
            meter,
            typed_terms: Terms {
                latin1: false,
                ..input.terms.clone()
            },
        }
    }

    fn read(
        &self,
        opened: Option<Result<Bytes, Failure>>,
        sinks: &mut [Sink<'_>],
        notes: &mut Vec<String>,
    ) -> Result<UnitResult, Failure> {
        match &self.unit.body {
            Body::Text {
                origins,
                dialect,
                is_json,
            } => {
                let is_json = *is_json == Some(true);
                self.text(origins, opened, (!is_json).then_some(dialect), sinks, notes)
            }
            Body::Parquet { paths } => self.parquet(paths, sinks, notes),
            Body::Table { .. } => Err(Failure::new(error::BUG, "a table is read by its database")),
        }
    }

    fn text(
        &self,
        origins: &[Origin],
        mut opened: Option<Result<Bytes, Failure>>,
        dialect: Option<&csv::Dialect>,
        sinks: &mut [Sink<'_>],
        notes: &mut Vec<String>,
    ) -> Result<UnitResult, Failure> {
        let reading = Reading {
            asked: &self.input.columns,
            terms: &self.input.terms,
            limits: self.options.limits,
            allow_empty: self.options.allow_empty,
            input: self.index,
            names: self.names,
            meter: self.meter,
        };
        let mut result = UnitResult::default();
        for origin in origins {
            let file = match origin {
                Origin::File(path) => path.display().to_string(),
                Origin::Stdin => "-".to_owned(),
            };
            let place = match origins.len() {
                1 => self.unit.place.clone(),
                _ => SourcePlace {
                    place: file.clone(),
                    ..self.unit.place.clone()
                },
            };
            let file_number = result.files.len() as u64;
            let Done {
                tally,
                lines,
                chosen,
                warnings,
            } = opened
                .take()
                .unwrap_or_else(|| Bytes::open(origin, reading.limits))
                .and_then(|bytes| match dialect {
                    Some(dialect) => {
                        csv::read(bytes, origin, file_number, dialect, &reading, sinks)
                    }
                    None => ndjson::read(bytes, origin, file_number, &reading, sinks),
                })
                .map_err(|failure| failure.in_source(&place))?;
            result.tally.merge(tally);
            result.files.push((file, Some(lines)));
            self.say_columns(&chosen, notes);
            notes.extend(warnings.iter().map(|warning| format!("{place}: {warning}")));
        }
        Ok(result)
    }

    fn parquet(
        &self,
        paths: &[std::path::PathBuf],
        sinks: &mut [Sink<'_>],
        notes: &mut Vec<String>,
    ) -> Result<UnitResult, Failure> {
        let one_file = paths.len() == 1;
        let mut result = UnitResult::default();
        // Every file stays open while its row groups are read on all threads.
        for paths in paths.chunks(OPEN_FILES) {
            let first_file = result.files.len() as u64;
            let mut plans = Vec::with_capacity(paths.len());
            for path in paths {
                let file = path.display().to_string();
                let place = match one_file {
                    true => self.unit.place.clone(),
                    false => SourcePlace {
                        place: file.clone(),
                        ..self.unit.place.clone()
                    },
                };
                plans.push(self.parquet_file(path, &place, notes)?);
                result.files.push((file, None));
            }
            let own = match self.input.columns.source {
                None => self.names.own(self.index),
                Some(_) => crate::events::GIVEN_UP,
            };
            let intake = |sink| {
                let (terms, names) = (&self.typed_terms, self.names);
                Intake::new(terms, self.index, names, ("", ""), sink, self.meter)
            };
            let tally = parquet::read(&plans, first_file, own, sinks, intake)?;
            result.tally.merge(tally);
        }
        Ok(result)
    }

    /// Opens a Parquet file and says how its rows are read.
    fn parquet_file(
        &self,
        path: &std::path::Path,
        place: &SourcePlace,
        notes: &mut Vec<String>,
    ) -> Result<parquet::Plan, Failure> {
        let file = file::open(path).map_err(|failure| failure.in_source(place))?;
        let (folder, pattern) = (&self.input.folder, &self.input.typed);
        let partitions = parquet::partitions::partitions(folder, pattern, path);
        let parquet = parquet::ParquetFile::open(file, place.clone(), partitions)?;
        let header = parquet.header();
        let chosen = columns::Chosen::among(&header, &self.input.columns)
            .map_err(|failure| failure.in_source(place))?;
        let columns = parquet::Columns {
            user: chosen.user,
            time: chosen.time,
            source: chosen.source,
            rows: self.input.columns.rows,
        };
        self.say_columns(&chosen.recognised, notes);
        parquet.plan(columns)
    }

    /// Reads a source of a database, of a server's the part that the window needs.
    fn table(
        &self,
        database: &mut Database,
        tables: &mut Tables,
        sinks: &mut [Sink<'_>],
        notes: &mut Vec<String>,
    ) -> Result<UnitResult, Failure> {
        let place = &self.unit.place;
        let prepared = tables.take(self.index)?;
        let (reading, window) = (&prepared.reading, &tables.window);
        let mut result = UnitResult::default();
        let mut span = Span::default();
        if let (Some(counted), false) = (prepared.counted, window.is_all()) {
            span = window.span(counted);
            result.ends = database
                .ends(reading, &everything(counted), place)?
                .and_then(|(first, last)| counted.instant(first).zip(counted.instant(last)));
        }
        let said = database.said(reading, &span)?;
        tables.said.push(format!("{place}: {said}"));
        let rows = self.rows(database, reading, &span, 0, sinks, &mut tables.watch)?;
        result.tally = rows.0;
        if result.tally.time.zoneless > 0 {
            say_zoneless(place, &self.zone_in_words(), notes);
        }
        let what = reading.rows();
        let mut recognised = vec![
            (what.user().what, reading.user.clone()),
            (what.time().what, reading.time.clone()),
        ];
        if let (Some(wanted), Some(beside)) = (what.beside(), &reading.beside) {
            recognised.push((wanted.what, beside.name.clone()));
            if self.input.table.is_none() {
                let table = &beside.table;
                notes.push(format!(
                    "{place}: tracked sessions are those of table {table}"
                ));
            }
        }
        self.say_columns(&recognised, notes);
        tables.put_back(self.index, prepared, span.to, rows.1);
        Ok(result)
    }

    /// Reads the rows of a span; `before` rows were read already.
    fn rows(
        &self,
        database: &mut Database,
        reading: &database::Reading,
        span: &Span,
        before: u64,
        sinks: &mut [Sink<'_>],
        watch: &mut Watch,
    ) -> Result<(Tally, u64), Failure> {
        let sink = sinks
            .first_mut()
            .expect("there is a sink for every thread, and one thread at least");
        let mut watched = |batch: &Batch| {
            watch.note(batch);
            sink(batch);
        };
        let mut intake = Intake::new(
            &self.typed_terms,
            self.index,
            self.names,
            (&reading.user, &reading.time),
            &mut watched,
            self.meter,
        );
        if let Some(beside) = &reading.beside {
            intake.expect(beside.rows, &beside.name);
        }
        let source = self.names.own(self.index);
        let place = &self.unit.place;
        let rows = database.read(reading, span, before, place, &mut intake, source)?;
        Ok((intake.finish(), rows))
    }

    fn zone_in_words(&self) -> String {
        self.input
            .terms
            .time
            .zone
            .map_or_else(|| "UTC".to_owned(), |zone| zone.to_string())
    }

    /// Says which columns were recognised by their names.
    fn say_columns(&self, chosen: &[(&'static str, String)], notes: &mut Vec<String>) {
        say_columns(&self.unit.place, chosen, notes);
    }
}

/// Says which columns of a source were recognised by their names.
pub(crate) fn say_columns(
    place: &SourcePlace,
    chosen: &[(&'static str, String)],
    notes: &mut Vec<String>,
) {
    if chosen.is_empty() {
        return;
    }
    let words: Vec<String> = chosen
        .iter()
        .map(|(what, name)| {
            format!(
                "{what} is column {}",
                crate::time::timestamp::quoted(name.as_bytes())
            )
        })
        .collect();
    let note = format!("{place}: {}", words.join(", "));
    if !notes.contains(&note) {
        notes.push(note);
    }
}

/// Says how a source's times without an offset are taken.
pub(crate) fn say_zoneless(place: &SourcePlace, zone: &str, notes: &mut Vec<String>) {
    notes.push(format!(
        "{place}: times without an offset are taken as {zone}"
    ));
}

/// Says what was made of times that could have been meant otherwise.
pub(crate) fn say_times(place: &SourcePlace, time: &TimeCounts, notes: &mut Vec<String>) {
    if let Ok(Some(unit)) = time.unit() {
        notes.push(format!(
            "{place}: numeric times are taken as {}",
            unit.name()
        ));
    }
    let counted = |count: u64, one: &str, more: &str| {
        let words = if count == 1 { one } else { more };
        (count > 0).then(|| format!("{place}: {count} {words}"))
    };
    notes.extend(counted(
        time.zero,
        "time is 1970-01-01T00:00:00Z, likely a missing value",
        "times are 1970-01-01T00:00:00Z, likely missing values",
    ));
    notes.extend(counted(
        time.skipped_moved,
        "time of a skipped hour was moved by --skipped-hour forward",
        "times of a skipped hour were moved by --skipped-hour forward",
    ));
    notes.extend(counted(
        time.repeated_chosen,
        "time of a repeated hour was chosen by --repeated-hour",
        "times of a repeated hour were chosen by --repeated-hour",
    ));
}
