//! Every flag, its help, its default: declarations only. What they mean together is settled in
//! `settings`.

#![allow(
    missing_docs,
    reason = "a doc comment on a flattened field would become the help of its command"
)]

pub mod compare;
pub mod report;
pub mod threshold;
pub mod tracked;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::error::text::ErrorFormat;
use crate::events::Role;
use crate::import::address::Tls;
use crate::import::inputs::InputFormat;
use crate::import::intake::Anonymous;
use crate::output::IfLocked;
use crate::report::Format;
use crate::sessions::compat::Compat;
use crate::settings::CONFIG_NAME;
use crate::sql::Dialect;
use crate::time::timestamp::{EpochUnit, Hour24, RepeatedHour, SkippedHour};

const EXAMPLES: &str = "\
Examples:
  sessionize --timeout 30m                        what ./sessionize.toml names
  sessionize posts.csv comments.csv.gz app.db     no configuration needed
  sessionize --by day --format csv -o report.csv  what cron runs every night
  sessionize --segment user --last 30d --now 2026-06-01
  sessionize sessions posts.csv -o sessions.csv --format csv
  sessionize explain 42 app.db                    one user, and the rule applied
  sessionize threshold app.db                     which timeout, and why
  sessionize discover app.db                      which tables to read

A session is a run of one user's events in which no gap is longer than the
timeout: with 30m, a gap of more than 30 minutes starts a new session, one of
exactly 30 minutes does not.

Exit codes: 0 ok, 2 usage or configuration, 3 partial (--keep-going), 4 input,
5 database, 6 output, 8 locked, 9 limit, 101 bug, 129/130/143 signal.
See docs/errors.md.";

/// How long people stay, from the timestamps you already have.
///
/// Reads posts, comments, queries, attempts, logins … from files and databases, groups each user's
/// events into sessions wherever a pause is longer than the timeout, and reports average session
/// duration, how sure it is, and how it is changing.
#[derive(Debug, Parser)]
#[command(name = "sessionize", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; `report` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    pub flags: Flags,
}

impl Cli {
    /// What was typed, with what the environment says where nothing was typed: a window or a
    /// loudness that was typed replaces the environment's whole, not only the flag of one name.
    ///
    /// # Errors
    ///
    /// Help, the version, or what is wrong with an argument.
    pub fn read() -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        let mut flags = Self::from_arg_matches(&matches)?;
        let typed = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        let Flags {
            from,
            to,
            last,
            quiet,
            verbose,
            ..
        } = &mut flags.flags;
        match (typed("from") || typed("to"), typed("last")) {
            (true, false) => *last = None,
            (false, true) => (*from, *to) = (None, None),
            _ => {}
        }
        if typed("verbose") && !typed("quiet") {
            *quiet = None;
        }
        let clash = if last.is_some() && (from.is_some() || to.is_some()) {
            "'--last' cannot be used with '--from' or '--to'"
        } else if *verbose > 0 && *quiet == Some(true) {
            "'--verbose' cannot be used with '--quiet'"
        } else {
            return Ok(flags);
        };
        Err(command.error(ErrorKind::ArgumentConflict, clash))
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Headline, trend, and a table per period (the default)
    #[command(after_help = "\
Examples:
  sessionize report posts.csv app.db --timeout 30m
  sessionize report --by week --total --format markdown
  sessionize report --segment source --by week --format csv -o sources.csv
  sessionize report posts.csv --tracked app.db --shape practice")]
    Report {
        #[command(flatten)]
        inputs: Inputs,
        #[command(flatten)]
        beside: report::BesideFlags,
    },
    /// One row per session
    #[command(after_help = "\
Examples:
  sessionize sessions posts.csv comments.csv
  sessionize sessions --last 7d --now 2026-06-01 --format csv -o sessions.csv
  sessionize sessions app.db --format ndjson | head
  sessionize sessions app.db --format parquet -o sessions.parquet")]
    Sessions {
        #[command(flatten)]
        inputs: Inputs,
    },
    /// One user's events, every gap, and the rule applied to each
    #[command(after_help = "\
Examples:
  sessionize explain 42
  sessionize explain ada@example.org logins.csv posts.csv --timeout 40m
  sessionize explain 42 app.db --format csv")]
    Explain {
        /// The user, exactly as the sources write the id
        #[arg(value_name = "USER")]
        user: String,
        #[command(flatten)]
        inputs: Inputs,
    },
    /// Which timeout: what each would give, and which one the gaps ask for
    #[command(after_help = "\
Examples:
  sessionize threshold posts.csv app.db
  sessionize threshold --at 10m,30m,60m --format json
  sessionize threshold --sweep 5m..2h/5m --format csv -o sweep.csv
  sessionize threshold --rows gaps --format csv -o gaps.csv
  sessionize threshold --per source
  sessionize threshold --check                    what sessionize.toml promises")]
    Threshold {
        #[command(flatten)]
        inputs: Inputs,
        #[command(flatten)]
        asked: threshold::ThresholdFlags,
    },
    /// The sessions as one SQL statement, to be run elsewhere
    #[command(
        long_about = "The sessions as one SQL statement, to be run elsewhere\n\n\
The statement says the same rule as every report, exact to the microsecond, and gives one row per \
session. Its sources are the table of --table, or every [[source]] of sessionize.toml that names a \
table or a query, with its user and its time. Nothing is opened: times are taken for timestamps \
(in UTC where they have no zone) unless --epoch-unit says that they are numbers.",
        after_help = "\
Examples:
  sessionize sql --dialect postgres --table posts --user-column user_id --time-column created_at
  sessionize sql --dialect mysql | mariadb shop    what sessionize.toml names
  sessionize sql --dialect clickhouse --table app.clicks --user-column visitor \\
    --time-column ts --epoch-unit ms --timeout 40m -o sessions.sql

A column of another kind is made one by a query of its own, in sessionize.toml:
  [[source]]
  name = \"clicks\"
  path = \"postgres://ro@db.example/app\"
  query = \"SELECT lower(hex(id)) AS \\\"user\\\", to_timestamp(ms / 1000) AS \\\"time\\\" FROM clicks\""
    )]
    Sql {
        /// Whose SQL
        #[arg(long, value_name = "DIALECT")]
        dialect: Dialect,
    },
    /// Inferred sessions against those that an application tracked itself
    #[command(after_help = "\
Examples:
  sessionize compare posts.csv comments.csv --tracked sessions.csv
  sessionize compare app.db --tracked app.db --tracked-table user_sessions
  sessionize compare events.csv --tracked events.csv --tracked-id session_id
  sessionize compare --tracked sessions.csv --timeout 20m --tolerance 1m
  sessionize compare posts.csv --tracked postgres://ro@db.example/app --shape practice

Tracked sessions are no truth either: windows stay open, ends are missing. Of
the broken ones --repair keep leaves those without an end, or that end before
they start, out, and takes the others as they stand; trim ends them at the
user's last event inside, at most --absurd after their start, and overlapping
ones at the next start; drop leaves all out. The report shows what it changed.
docs/compare.md says what each measure means.")]
    Compare {
        #[command(flatten)]
        inputs: Inputs,
        #[command(flatten)]
        compared: compare::CompareFlags,
    },
    /// Sessions that an application tracks itself: read, judged, kept tidy
    #[command(after_help = "\
Examples:
  sessionize tracked show 42 --database app.db --shape platform
  sessionize tracked lifecycle --database app.db --shape interview --by week
  sessionize tracked summary --user 7 --database app.db --shape study
  sessionize tracked history --user 7 --limit 5 --database app.db --shape practice
  sessionize tracked trends --database app.db --shape study --timezone Europe/Berlin
  sessionize tracked streaks --user 7 --database app.db --shape practice
  sessionize tracked migrate app.db --shape study
  sessionize tracked start --user 7 --database app.db --shape practice
  sessionize tracked connect 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b --database app.db \\
      --shape interview
  sessionize tracked end 42 --xp-phrases 30 --database app.db --shape practice
  sessionize tracked pause 42 --database app.db --shape platform
  sessionize tracked close-idle --timeout 30m --dry-run --database app.db --shape study
  sessionize tracked anomalies --database app.db --shape saved-interview
  sessionize tracked end 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b \\
      --information interview.json --database app.db --shape saved-interview

start, connect, mark-started, activate, end, pause, resume, save, close-idle and
migrate are the only commands that write to a database: in one transaction, and
again without doing anything twice. All others open it to be read.

What each command needs of which shape: docs/tracked.md.")]
    Tracked {
        #[command(flatten)]
        place: tracked::PlaceFlags,
        #[command(subcommand)]
        asked: tracked::TrackedCommand,
    },
    /// Which tables of a database hold activity; writes a sessionize.toml that reads them
    #[command(after_help = "\
Examples:
  sessionize discover app.db
  sessionize discover app.db --write
  sessionize discover app.db --format json
  sessionize discover app.db --write found.toml --force

Names, types, keys, indexes and a bounded look at the rows decide; nothing is
written to the database, and no statement may take longer than a minute.")]
    Discover {
        /// The database: postgres://…, mysql://…, or an SQLite file
        #[arg(value_name = "DATABASE")]
        database: OsString,
        /// Write the configuration that reads what was found
        #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = CONFIG_NAME)]
        write: Option<PathBuf>,
        /// Write it also over a file that is there
        #[arg(long, requires = "write")]
        force: bool,
    },
}

/// What to read.
#[derive(Args, Clone, Debug, Default)]
pub struct Inputs {
    /// Files, globs, databases, or `-`; each is one source, and `name=PATH` names it.
    ///
    /// CSV, TSV, NDJSON (plain, gzip, zstd), Parquet and SQLite are told by their first bytes; a
    /// server has an address: postgres://user@host/database, mysql://user@host/database.
    /// Without any, the sources of sessionize.toml are read.
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<OsString>,
}

/// `--by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Rows per hour.
    Hour,
    /// Rows per day.
    Day,
    /// Rows per week, from Monday.
    Week,
    /// Rows per month.
    Month,
    /// By the span: hours up to two days, days up to sixty, weeks up to two years, else months.
    Auto,
}

/// `--engine`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Every row is read, and sessions are made here.
    #[default]
    Local,
    /// Sessions are made in the database that holds all sources; sums alone come back.
    Database,
}

/// `--compare`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// The last two complete days.
    Day,
    /// The last two complete weeks.
    Week,
    /// The last two complete months.
    Month,
}

/// `--segment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentBy {
    /// One row per user.
    User,
    /// One row per set of sources.
    Source,
    /// Of tracked sessions, one row per subject.
    Subject,
    /// Of tracked sessions, one row per topic.
    Topic,
    /// Of tracked sessions, one row per subtopic.
    Subtopic,
    /// Of tracked sessions, one row per template.
    Template,
    /// Of tracked sessions, one row per status.
    Status,
    /// Of tracked sessions, one row per kind of device.
    Device,
    /// Of tracked sessions, one row per browser.
    Browser,
}

impl SegmentBy {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SegmentBy::User => "user",
            SegmentBy::Source => "source",
            SegmentBy::Subject => "subject",
            SegmentBy::Topic => "topic",
            SegmentBy::Subtopic => "subtopic",
            SegmentBy::Template => "template",
            SegmentBy::Status => "status",
            SegmentBy::Device => "device",
            SegmentBy::Browser => "browser",
        }
    }
}

/// `--cut`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// At midnight in the report's zone.
    Day,
}

/// `--duplicates`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Keep rows equal in source, user and instant; they are counted.
    Keep,
    /// Drop all but one of them.
    Drop,
}

/// `--ragged`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ragged {
    /// Refuse rows with too few fields.
    Reject,
    /// Use them when user and time are there.
    Pad,
}

/// `--encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// Latin-1.
    Latin1,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags of every command; each overrides its environment variable, which overrides sessionize.toml.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// The longest gap that stays inside a session [default: 30m]
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_TIMEOUT",
        help_heading = "Sessions"
    )]
    pub timeout: Option<String>,
    /// Also end sessions at midnight of the report's zone
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "SESSIONIZE_CUT",
        help_heading = "Sessions"
    )]
    pub cut: Option<Cut>,
    /// Also end a session at the first event more than this after its start
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_MAX_LENGTH",
        help_heading = "Sessions"
    )]
    pub max_length: Option<String>,
    /// Follow another system's rule, to reconcile its numbers: docs/compat.md
    #[arg(
        long,
        global = true,
        value_name = "SYSTEM",
        env = "SESSIONIZE_COMPAT",
        help_heading = "Sessions"
    )]
    pub compat: Option<Compat>,
    /// What a source's events do: login=start, logout=end; repeatable
    #[arg(long, global = true, value_name = "SOURCE=ROLE", value_parser = role, help_heading = "Sessions")]
    pub role: Vec<(String, Role)>,
    /// Rows equal in source, user and instant [default: keep]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_DUPLICATES",
        help_heading = "Sessions"
    )]
    pub duplicates: Option<Duplicates>,

    /// Only sessions that start at or after this date or instant
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "SESSIONIZE_FROM",
        help_heading = "Window"
    )]
    pub from: Option<String>,
    /// Only sessions that start before this instant; a bare date includes that day
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "SESSIONIZE_TO",
        help_heading = "Window"
    )]
    pub to: Option<String>,
    /// Only sessions that start in the last so long before now
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_LAST",
        help_heading = "Window"
    )]
    pub last: Option<String>,
    /// When the data was taken [default: the clock, read once]
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "SESSIONIZE_NOW",
        help_heading = "Window"
    )]
    pub now: Option<String>,
    /// The report's time zone [default: UTC]
    #[arg(
        long,
        allow_hyphen_values = true,
        global = true,
        value_name = "ZONE",
        env = "SESSIONIZE_TIMEZONE",
        help_heading = "Window"
    )]
    pub timezone: Option<String>,

    /// Rows per calendar period [default: auto]
    #[arg(
        long,
        global = true,
        value_name = "PERIOD",
        env = "SESSIONIZE_BY",
        help_heading = "Report"
    )]
    pub by: Option<By>,
    /// One row per user, or per set of sources; of `tracked lifecycle`, per value of a column
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_SEGMENT",
        help_heading = "Report"
    )]
    pub segment: Option<SegmentBy>,
    /// Which periods the trend compares [default: weeks, else days]
    #[arg(
        long,
        global = true,
        value_name = "PERIOD",
        env = "SESSIONIZE_COMPARE",
        help_heading = "Report"
    )]
    pub compare: Option<Compare>,
    /// How a report estimates the time after a session's last event: none, constant:30s,
    /// source-median or model [default: none]
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        env = "SESSIONIZE_DWELL",
        help_heading = "Report"
    )]
    pub dwell: Option<String>,
    /// Where the sessions of a report are made [default: local]
    #[arg(
        long,
        global = true,
        value_name = "WHERE",
        env = "SESSIONIZE_ENGINE",
        help_heading = "Report"
    )]
    pub engine: Option<Engine>,
    /// Add a row over the whole window
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true, env = "SESSIONIZE_TOTAL", help_heading = "Report")]
    pub total: Option<bool>,
    /// How the result is written [default: table]
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "SESSIONIZE_FORMAT",
        help_heading = "Report"
    )]
    pub format: Option<Format>,
    /// Write to a file, which appears whole or not at all
    #[arg(
        short,
        long,
        global = true,
        value_name = "PATH",
        env = "SESSIONIZE_OUTPUT",
        help_heading = "Report"
    )]
    pub output: Option<PathBuf>,
    /// Leave cells alone that a spreadsheet would take for a formula
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_CSV_RAW",
        help_heading = "Report"
    )]
    pub csv_raw: Option<bool>,
    /// What to do when another run is writing the same file [default: fail]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_IF_LOCKED",
        help_heading = "Report"
    )]
    pub if_locked: Option<IfLocked>,
    /// The longest that `--if-locked wait` waits [default: 60s]
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_WAIT",
        help_heading = "Report"
    )]
    pub wait: Option<String>,
    /// Write through a symbolic link
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_FOLLOW_SYMLINKS",
        help_heading = "Report"
    )]
    pub follow_symlinks: Option<bool>,

    /// Which column names the user; in NDJSON a key, or a path such as actor.id
    #[arg(
        long,
        global = true,
        value_name = "COLUMN",
        env = "SESSIONIZE_USER_COLUMN",
        help_heading = "Input"
    )]
    pub user_column: Option<String>,
    /// Which column holds the time; given twice, a date and a time of day
    #[arg(
        long,
        global = true,
        value_name = "COLUMN",
        env = "SESSIONIZE_TIME_COLUMN",
        help_heading = "Input"
    )]
    pub time_column: Vec<String>,
    /// A column whose values become the sources
    #[arg(
        long,
        global = true,
        value_name = "COLUMN",
        env = "SESSIONIZE_SOURCE_COLUMN",
        help_heading = "Input"
    )]
    pub source_column: Option<String>,
    /// A database's table to read instead of the known ones
    #[arg(
        long,
        global = true,
        value_name = "TABLE",
        env = "SESSIONIZE_TABLE",
        help_heading = "Input"
    )]
    pub table: Option<String>,
    /// What the inputs are, where their first bytes do not tell
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "SESSIONIZE_INPUT_FORMAT",
        help_heading = "Input"
    )]
    pub input_format: Option<InputFormat>,
    /// The byte between fields; `tab` for a tab [default: , or tab by the file's name]
    #[arg(long, global = true, value_name = "BYTE", value_parser = byte, env = "SESSIONIZE_DELIMITER", help_heading = "Input")]
    pub delimiter: Option<u8>,
    /// Lines that begin with this byte are no rows
    #[arg(long, global = true, value_name = "BYTE", value_parser = byte, env = "SESSIONIZE_COMMENT", help_heading = "Input")]
    pub comment: Option<u8>,
    /// Lines before the header
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "SESSIONIZE_SKIP_LINES",
        help_heading = "Input"
    )]
    pub skip_lines: Option<u64>,
    /// The first line is a row; columns are named 1, 2, 3 …
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_NO_HEADER",
        help_heading = "Input"
    )]
    pub no_header: Option<bool>,
    /// Rows with too few fields [default: reject]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_RAGGED",
        help_heading = "Input"
    )]
    pub ragged: Option<Ragged>,
    /// The text's encoding [default: utf8]
    #[arg(
        long,
        global = true,
        value_name = "ENCODING",
        env = "SESSIONIZE_ENCODING",
        help_heading = "Input"
    )]
    pub encoding: Option<Encoding>,
    /// A word that stands for a missing user or time, such as NULL; repeatable
    #[arg(
        long,
        global = true,
        allow_hyphen_values = true,
        value_name = "WORD",
        env = "SESSIONIZE_NULL_WORD",
        help_heading = "Input"
    )]
    pub null_word: Vec<String>,
    /// Rows that name no user [default: reject]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_ANONYMOUS",
        help_heading = "Input"
    )]
    pub anonymous: Option<Anonymous>,
    /// Take a file without anything in it as a source without events
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_ALLOW_EMPTY",
        help_heading = "Input"
    )]
    pub allow_empty: Option<bool>,
    /// Leave a last line without an end for the next run: it is still being written
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_FOLLOW_SAFE",
        help_heading = "Input"
    )]
    pub follow_safe: Option<bool>,
    /// The longest field, such as 64MiB [default: 16MiB]; in NDJSON, the longest line
    #[arg(long, global = true, value_name = "SIZE", value_parser = field_size, env = "SESSIONIZE_MAX_FIELD", help_heading = "Input")]
    pub max_field: Option<u64>,
    /// The most a compressed file may expand to, instead of 200 times its size
    #[arg(long, global = true, value_name = "SIZE", value_parser = size, env = "SESSIONIZE_MAX_DECOMPRESSED", help_heading = "Input")]
    pub max_decompressed: Option<u64>,
    /// Only the users in this file, one a line
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSIONIZE_USERS",
        help_heading = "Input"
    )]
    pub users: Option<PathBuf>,
    /// Only this share of the users, the same ones every time, such as 5%
    #[arg(
        long,
        global = true,
        value_name = "SHARE",
        env = "SESSIONIZE_SAMPLE",
        help_heading = "Input"
    )]
    pub sample: Option<String>,

    /// The zone of times that have none
    #[arg(
        long,
        allow_hyphen_values = true,
        global = true,
        value_name = "ZONE",
        env = "SESSIONIZE_SOURCE_TIMEZONE",
        help_heading = "Times"
    )]
    pub source_timezone: Option<String>,
    /// The unit of numeric times
    #[arg(
        long,
        global = true,
        value_name = "UNIT",
        env = "SESSIONIZE_EPOCH_UNIT",
        help_heading = "Times"
    )]
    pub epoch_unit: Option<EpochUnit>,
    /// Years in which numeric times must lie [default: 2000..2100]
    #[arg(
        long,
        global = true,
        value_name = "YEARS",
        env = "SESSIONIZE_EPOCH_WINDOW",
        help_heading = "Times"
    )]
    pub epoch_window: Option<String>,
    /// How times are written, as by strftime; `julian` for Julian days
    #[arg(
        long,
        global = true,
        value_name = "PATTERN",
        env = "SESSIONIZE_TIME_FORMAT",
        help_heading = "Times"
    )]
    pub time_format: Option<String>,
    /// Local times that a clock change skips [default: reject]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_SKIPPED_HOUR",
        help_heading = "Times"
    )]
    pub skipped_hour: Option<SkippedHour>,
    /// Local times that a clock change repeats [default: reject]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_REPEATED_HOUR",
        help_heading = "Times"
    )]
    pub repeated_hour: Option<RepeatedHour>,
    /// The time of day 24:00:00 [default: reject]
    #[arg(
        long,
        global = true,
        value_name = "WHAT",
        env = "SESSIONIZE_HOUR_24",
        help_heading = "Times"
    )]
    pub hour_24: Option<Hour24>,
    /// Refuse times before this date or instant
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "SESSIONIZE_MIN_TIME",
        help_heading = "Times"
    )]
    pub min_time: Option<String>,
    /// Refuse times more than this after now
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_MAX_FUTURE",
        help_heading = "Times"
    )]
    pub max_future: Option<String>,

    /// A variable of the environment that holds the password
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "SESSIONIZE_PASSWORD_ENV",
        help_heading = "Servers"
    )]
    pub password_env: Option<String>,
    /// A file whose first line is the password; only you may read it (chmod 600)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSIONIZE_PASSWORD_FILE",
        help_heading = "Servers"
    )]
    pub password_file: Option<PathBuf>,
    /// A file of options of MySQL or MariaDB, for user and password [default: ~/.my.cnf]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSIONIZE_MY_CNF",
        help_heading = "Servers"
    )]
    pub my_cnf: Option<PathBuf>,
    /// How connections are protected [default: off on this machine, else verify-full]
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        env = "SESSIONIZE_TLS",
        help_heading = "Servers"
    )]
    pub tls: Option<Tls>,
    /// Certificates of further authorities to trust, as PEM
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSIONIZE_CA_FILE",
        help_heading = "Servers"
    )]
    pub ca_file: Option<PathBuf>,
    /// How long a server may take to let us in [default: 10s]
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_CONNECT_TIMEOUT",
        help_heading = "Servers"
    )]
    pub connect_timeout: Option<String>,
    /// How long a server may work on one statement [default: 30m]
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "SESSIONIZE_STATEMENT_TIMEOUT",
        help_heading = "Servers"
    )]
    pub statement_timeout: Option<String>,

    /// How many rows of a source may be unusable: a number, or a share such as 1% [default: 0]
    #[arg(
        long,
        allow_hyphen_values = true,
        global = true,
        value_name = "N",
        env = "SESSIONIZE_MAX_REJECTS",
        help_heading = "Running"
    )]
    pub max_rejects: Option<String>,
    /// Where to write unusable rows' lines and reasons
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSIONIZE_REJECTS",
        help_heading = "Running"
    )]
    pub rejects: Option<PathBuf>,
    /// Report without the sources that fail (exit code 3)
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_KEEP_GOING",
        help_heading = "Running"
    )]
    pub keep_going: Option<bool>,
    /// How many threads to use [default: all cores]
    #[arg(
        long,
        allow_hyphen_values = true,
        global = true,
        value_name = "N",
        env = "SESSIONIZE_THREADS",
        help_heading = "Running"
    )]
    pub threads: Option<usize>,
    /// How much memory to use; what does not fit goes to a temporary file [default: half of what is free]
    #[arg(
        long,
        global = true,
        value_name = "SIZE",
        env = "SESSIONIZE_MEMORY",
        help_heading = "Running"
    )]
    pub memory: Option<String>,
    /// The folder of that file, which has no name there [default: TMPDIR, else /tmp]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "SESSIONIZE_TEMP_DIR",
        help_heading = "Running"
    )]
    pub temp_dir: Option<PathBuf>,
    /// The configuration [default: sessionize.toml in this folder, if there is one]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SESSIONIZE_CONFIG",
        help_heading = "Running"
    )]
    pub config: Option<PathBuf>,
    /// Say nothing on standard error but errors
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_name = "yes|no",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true,
        global = true,
        env = "SESSIONIZE_QUIET",
        help_heading = "Running"
    )]
    pub quiet: Option<bool>,
    /// Say more on standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Running")]
    pub verbose: u8,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "SESSIONIZE_COLOR",
        help_heading = "Running"
    )]
    pub color: Color,
    /// How errors are written
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        env = "SESSIONIZE_ERROR_FORMAT",
        help_heading = "Running"
    )]
    pub error_format: ErrorFormat,
}

fn role(text: &str) -> Result<(String, Role), String> {
    let (name, role) = text
        .split_once('=')
        .ok_or("expected SOURCE=ROLE, such as login=start")?;
    Ok((name.to_owned(), <Role as ValueEnum>::from_str(role, false)?))
}

/// A byte between fields, or before a comment.
pub(crate) fn byte(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [b'"' | b'\n' | b'\r'] => Err("a quote or a line end cannot be used here".to_owned()),
        [byte] => Ok(*byte),
        _ => Err("expected one byte, such as ; or tab".to_owned()),
    }
}

/// A size that a batch of events can hold.
fn field_size(text: &str) -> Result<u64, String> {
    match size(text)? {
        size if size <= 1 << 30 => Ok(size),
        _ => Err("expected at most 1GiB".to_owned()),
    }
}

/// `64MiB`, `64M` or `67108864`, in bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return Err("expected a size such as 64MiB".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "expected a size such as 64MiB")?;
    number
        .checked_mul(factor)
        .filter(|&size| size > 0)
        .ok_or_else(|| "the size is too large or zero".to_owned())
}
