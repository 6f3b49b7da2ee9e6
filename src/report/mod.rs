//! Which formats exist and who writes them. One [`Report`] goes to every format, so all formats
//! tell the same story; this module and its children know results, never how they were made.

pub mod agreement;
pub(crate) mod answer;
pub mod chart;
pub mod columns;
pub(crate) mod configuration;
pub mod csv;
pub(crate) mod discovery;
pub mod explain;
pub mod json;
pub mod judgement;
pub mod markdown;
pub mod ndjson;
pub mod parquet;
mod rows;
pub mod sessions;
mod story;
pub mod table;
pub mod words;

use std::io::{self, Write};

use clap::ValueEnum;

use crate::events::Micros;
use crate::import::ledger::{Counts, SourceRecord};
use crate::measures::{Measures, Row};
use crate::report::agreement::AgreementReport;
use crate::report::explain::Explanation;
use crate::report::judgement::JudgementReport;
use crate::report::sessions::SessionRow;
use crate::sessions::compat::Compat;
use crate::time::duration::Timeout;
use crate::time::period::PeriodLength;
use crate::time::zone::Zone;

/// The version of the output columns; names and order never change within one.
pub const SCHEMA_VERSION: u32 = 1;

/// The program's name as reports print it.
pub const PROGRAM: &str = "sessionize";

/// What every report says of inferred durations by our own rule.
pub const LOWER_BOUND: &str = "lower bound: last event minus first event";

/// Writes a whole report.
pub fn write_report(
    format: Format,
    report: &Report,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, style, out),
        Format::Csv => csv::write(report, style, out),
        Format::Json => json::write(report, style, out),
        Format::Ndjson => ndjson::write(report, style, out),
        Format::Markdown => markdown::write(report, style, out),
        Format::Parquet => parquet::write(report, style, out),
    }
}

/// Writes a list of sessions as they come, in their order.
pub fn write_sessions(
    format: Format,
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write_sessions(run, rows, style, out),
        Format::Csv => csv::write_sessions(run, rows, style, out),
        Format::Json => json::write_sessions(run, rows, style, out),
        Format::Ndjson => ndjson::write_sessions(run, rows, style, out),
        Format::Markdown => markdown::write_sessions(run, rows, style, out),
        Format::Parquet => parquet::write_sessions(run, rows, style, out),
    }
}

/// Writes the explanation of one user's events.
///
/// # Errors
///
/// What writing gives, and `Unsupported` for a format not of [`Format::of_explanations`].
pub fn write_explanation(
    format: Format,
    explanation: &Explanation,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write_explanation(explanation, style, out),
        Format::Csv => csv::write_explanation(explanation, style, out),
        Format::Json => json::write_explanation(explanation, style, out),
        Format::Ndjson => ndjson::write_explanation(explanation, style, out),
        Format::Markdown => markdown::write_explanation(explanation, style, out),
        Format::Parquet => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Writes what is said of the timeout.
///
/// # Errors
///
/// What writing gives, and `Unsupported` for a format not of [`Format::of_judgements`].
pub fn write_judgement(
    format: Format,
    report: &JudgementReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write_judgement(report, style, out),
        Format::Csv => csv::write_judgement(report, style, out),
        Format::Json => json::write_judgement(report, style, out),
        Format::Ndjson => ndjson::write_judgement(report, style, out),
        Format::Markdown => markdown::write_judgement(report, style, out),
        Format::Parquet => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Writes how inferred sessions agree with tracked ones.
///
/// # Errors
///
/// What writing gives, and `Unsupported` for a format not of [`Format::of_agreements`].
pub fn write_agreement(
    format: Format,
    report: &AgreementReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write_agreement(report, style, out),
        Format::Csv => csv::write_agreement(report, style, out),
        Format::Json => json::write_agreement(report, style, out),
        Format::Ndjson => ndjson::write_agreement(report, style, out),
        Format::Markdown => markdown::write_agreement(report, style, out),
        Format::Parquet => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Writes what a command on tracked sessions has to say.
pub(crate) fn write_answer(
    format: Format,
    answer: &answer::Answer,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write_answer(answer, style, out),
        Format::Csv => csv::write_answer(answer, style, out),
        Format::Json => json::write_answer(answer, out),
        Format::Ndjson => ndjson::write_answer(answer, out),
        Format::Markdown => markdown::write_answer(answer, out),
        Format::Parquet => parquet::write_answer(answer, out),
    }
}

/// Writes what was found in a database, for which there are two formats.
///
/// # Errors
///
/// What writing gives, and `Unsupported` for another format.
pub(crate) fn write_discovery(
    format: Format,
    discovered: &discovery::Discovered<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write_discovery(discovered, style, out),
        Format::Json => json::write_discovery(discovered, out),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people, on a terminal.
    Table,
    /// Comma-separated values, for machines and spreadsheets.
    Csv,
    /// One JSON object with the run record inside.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// A Markdown page.
    Markdown,
    /// Typed columns, for data tools; to a file or a pipe.
    Parquet,
}

impl Format {
    /// The format's word in flags and in the configuration.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("no format is hidden");
        value.get_name().to_owned()
    }

    /// Whether it is no text, and so nothing for a terminal.
    pub fn is_binary(self) -> bool {
        self == Format::Parquet
    }

    /// The formats of [`write_explanation`]: an explanation is text that is read.
    pub fn of_explanations() -> impl Iterator<Item = Format> {
        let all = Format::value_variants().iter();
        all.copied().filter(|format| !format.is_binary())
    }

    /// The formats of [`write_judgement`]: a judgement is several tables, and one file of typed
    /// columns holds one.
    pub fn of_judgements() -> impl Iterator<Item = Format> {
        Self::of_explanations()
    }

    /// The formats of [`write_agreement`]: its measures are of many kinds, and few.
    pub fn of_agreements() -> impl Iterator<Item = Format> {
        Format::of_explanations()
    }
}

/// By what a report is segmented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// One row per user.
    User,
    /// One row per set of sources.
    Source,
}

impl Segment {
    /// The segment's word in flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Segment::User => "user",
            Segment::Source => "source",
        }
    }
}

/// A source that `--keep-going` went on without.
#[derive(Clone, Debug)]
pub struct MissingSource {
    /// Its name.
    pub name: String,
    /// Why, in one line.
    pub error: String,
}

/// What the numbers rest on: the run record.
#[derive(Clone, Debug)]
pub struct Run {
    /// Version of the program.
    pub version: &'static str,
    /// The inactivity timeout.
    pub timeout: Timeout,
    /// The report's zone.
    pub zone: Zone,
    /// When the data was taken.
    pub now: Micros,
    /// Whether `now` was read from the clock, because nobody said when the data was taken.
    pub now_is_clock: bool,
    /// `--from`, inclusive.
    pub from: Option<Micros>,
    /// `--to`, exclusive.
    pub to: Option<Micros>,
    /// Rows per period, after `auto` was decided; `None` with `--segment` alone.
    pub by: Option<PeriodLength>,
    /// The segments.
    pub segment: Option<Segment>,
    /// Whether sessions are cut at midnight of the zone.
    pub cut_day: bool,
    /// The longest session, in microseconds.
    pub max_length: Option<Micros>,
    /// The system whose rule took the place of our own.
    pub compat: Option<Compat>,
    /// `--sample` as a share of users.
    pub sample: Option<f64>,
    /// Sources by role, then name.
    pub sources: Vec<SourceRecord>,
    /// Sources that could not be read (`--keep-going`).
    pub missing: Vec<MissingSource>,
    /// Events after `now`.
    pub events_after_now: u64,
    /// Users with a reported session.
    pub users: u64,
    /// All reported sessions, open ones too.
    pub sessions: u64,
    /// Those that are open.
    pub open_sessions: u64,
}

impl Run {
    /// Whether every source was read.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// What became of all rows together.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for source in &self.sources {
            counts.add(&source.counts);
        }
        counts
    }

    /// The rule in one sentence, as every report prints it.
    pub fn rule(&self) -> &'static str {
        self.compat.map_or(
            "a gap longer than the timeout starts a new session; a gap equal to it does not",
            Compat::rule,
        )
    }

    /// What its durations are, as a clause.
    pub fn durations(&self) -> &'static str {
        self.compat
            .and_then(Compat::durations)
            .unwrap_or(LOWER_BOUND)
    }
}

/// A whole report.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the numbers rest on.
    pub run: Run,
    /// The numbers.
    pub measures: Measures,
    /// Whether the overall row is asked for (`--total`).
    pub total: bool,
}

impl Report {
    /// The rows of the output; the overall row comes last, where it is asked for.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        let overall = self.total.then_some(&self.measures.overall);
        self.measures.rows.iter().chain(overall)
    }
}

/// How a result is laid out for people, and guarded for spreadsheets.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns of the terminal, or 80 in a pipe.
    pub width: usize,
    /// Whether escapes for colour may be written.
    pub color: bool,
    /// Whether the guard against spreadsheet formulas is off (`--csv-raw`).
    pub csv_raw: bool,
}

impl Style {
    /// The width where there is no terminal to ask.
    pub const PIPE_WIDTH: usize = 80;
}
