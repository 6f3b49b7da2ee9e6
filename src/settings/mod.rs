//! What was typed becomes what is needed: flags over environment over `sessionize.toml`, checked
//! before any source is opened.

mod config;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use self::config::{ConfigFile, SourceConfig};
use crate::cli::{By, Color, Compare, Duplicates, Encoding, Flags, Ragged, SegmentBy};
use crate::error::{self, ErrorId, Failure};
use crate::events::{Micros, SECOND, UserId};
use crate::import::columns::AskedColumns;
use crate::import::csv::Dialect;
use crate::import::file::Limits;
use crate::import::inputs::{Input, InputFormat, check_name, same_name};
use crate::import::intake::{Anonymous, Terms, UserFilter};
use crate::import::{Budget, Options};
use crate::output::{OutputOptions, Target};
use crate::report::{Format, Segment, Style};
use crate::time::duration::{Timeout, parse_length};
use crate::time::period::PeriodLength;
use crate::time::timestamp::{
    Boundary, Hour24, RepeatedHour, SkippedHour, TimeSpec, parse_boundary,
};
use crate::time::zone::Zone;

/// The configuration that is read without being named.
pub const CONFIG_NAME: &str = "sessionize.toml";

/// Rows per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Periods {
    /// Of this length.
    Of(PeriodLength),
    /// By the span of the data.
    Auto,
    /// None: the window is the one period.
    Window,
}

/// Everything a command needs, valid.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to read.
    pub inputs: Vec<Input>,
    /// How to read it.
    pub import: Options,
    /// The longest gap inside a session.
    pub timeout: Timeout,
    /// Whether midnight ends sessions.
    pub cut_day: bool,
    /// `--max-length`.
    pub max_length: Option<Micros>,
    /// The window: from, inclusive, to, exclusive.
    pub window: (Option<Micros>, Option<Micros>),
    /// When the data was taken.
    pub now: Micros,
    /// Whether that is the clock, because nothing was said.
    pub now_is_clock: bool,
    /// The report's zone.
    pub zone: Zone,
    /// Rows per period.
    pub periods: Periods,
    /// Rows per segment.
    pub segment: Option<Segment>,
    /// The periods that the trend compares.
    pub compare: Option<PeriodLength>,
    /// Whether an overall row is asked for.
    pub total: bool,
    /// How the result is written.
    pub format: Format,
    /// Where the result goes.
    pub target: Target,
    /// How it is published.
    pub output: OutputOptions,
    /// How it is laid out.
    pub style: Style,
    /// Where rejected rows go.
    pub rejects: Option<PathBuf>,
    /// Files that were read to settle this: the configuration, and the list of users.
    pub consulted: Vec<PathBuf>,
    /// How many threads to use.
    pub threads: usize,
    /// `--sample`.
    pub sample: Option<f64>,
    /// Whether notes are silenced.
    pub quiet: bool,
    /// Whether more is said.
    pub verbose: bool,
}

impl Settings {
    /// Settles what was typed. `clock` is the time of the run, used where `now` is not said.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the flag's name or the place in the configuration.
    pub fn new(flags: &Flags, inputs: &[OsString], clock: Micros) -> Result<Self, Failure> {
        let file = config_file(flags)?;
        Settling {
            flags,
            file: &file,
            clock,
        }
        .settle(inputs)
    }
}

fn config_file(flags: &Flags) -> Result<Option<ConfigFile>, Failure> {
    match &flags.config {
        Some(path) => ConfigFile::read(path).map(Some),
        None if Path::new(CONFIG_NAME).symlink_metadata().is_ok() => {
            ConfigFile::read(Path::new(CONFIG_NAME)).map(Some)
        }
        None => Ok(None),
    }
}

struct Settling<'a> {
    flags: &'a Flags,
    file: &'a Option<ConfigFile>,
    clock: Micros,
}

impl Settling<'_> {
    fn settle(&self, typed: &[OsString]) -> Result<Settings, Failure> {
        let flags = self.flags;
        let config = self.file.as_ref().map(|file| &file.config);
        let zone = self
            .value(
                "--timezone",
                error::UNKNOWN_ZONE,
                &flags.timezone,
                |c| &c.timezone,
                parse_zone,
            )?
            .unwrap_or(Zone::UTC);
        let boundary = |text: &str| parse_boundary(text, &zone);
        let said = self.value("--now", error::USAGE, &flags.now, |c| &c.now, boundary)?;
        let (now, now_is_clock) = match said {
            Some(Boundary::Instant(at) | Boundary::Date { start: at, .. }) => (at, false),
            None => (self.clock, true),
        };
        let timeout = self.value(
            "--timeout",
            error::USAGE,
            &flags.timeout,
            |c| &c.timeout,
            |text| text.parse::<Timeout>().map_err(|cause| cause.to_string()),
        )?;
        let length = |text: &str| parse_length(text).map_err(|cause| cause.to_string());
        let max_length = self.value(
            "--max-length",
            error::USAGE,
            &flags.max_length,
            |c| &c.max_length,
            length,
        )?;
        let window = self.window(&zone, now)?;
        let max_future = self.value(
            "--max-future",
            error::USAGE,
            &flags.max_future,
            |c| &c.max_future,
            length,
        )?;
        let latest = max_future.map(|future| now.saturating_add(future));
        let sample = self.value(
            "--sample",
            error::USAGE,
            &flags.sample,
            |c| &c.sample,
            parse_share,
        )?;
        let wait = self.value("--wait", error::USAGE, &flags.wait, |c| &c.wait, length)?;
        let filter = Arc::new(UserFilter {
            only: self.users()?,
            sample,
        });
        if flags.time_column.len() > 2 {
            let times = flags.time_column.len();
            let message = format!("--time-column is given {times} times; expected one or two");
            return Err(Failure::new(error::USAGE, message));
        }
        let budget = self.budget()?;
        let threads = self.threads()?;
        let inputs = self.inputs(typed, &zone, latest, &filter)?;
        let segment =
            flags
                .segment
                .or(config.and_then(|c| c.segment))
                .map(|segment| match segment {
                    SegmentBy::User => Segment::User,
                    SegmentBy::Source => Segment::Source,
                });
        let periods = match (flags.by.or(config.and_then(|c| c.by)), segment) {
            (Some(By::Hour), _) => Periods::Of(PeriodLength::Hour),
            (Some(By::Day), _) => Periods::Of(PeriodLength::Day),
            (Some(By::Week), _) => Periods::Of(PeriodLength::Week),
            (Some(By::Month), _) => Periods::Of(PeriodLength::Month),
            (Some(By::Auto), _) | (None, None) => Periods::Auto,
            (None, Some(_)) => Periods::Window,
        };
        let compare =
            flags
                .compare
                .or(config.and_then(|c| c.compare))
                .map(|compare| match compare {
                    Compare::Day => PeriodLength::Day,
                    Compare::Week => PeriodLength::Week,
                    Compare::Month => PeriodLength::Month,
                });
        let yes = |flag: Option<bool>, key: fn(&config::Config) -> Option<bool>| {
            flag.or(config.and_then(key)) == Some(true)
        };
        Ok(Settings {
            inputs,
            import: Options {
                budget,
                keep_going: yes(flags.keep_going, |c| c.keep_going),
                allow_empty: yes(flags.allow_empty, |c| c.allow_empty),
                limits: Limits {
                    max_field: flags
                        .max_field
                        .map_or(Limits::MAX_FIELD, |size| size as usize),
                    max_decompressed: flags.max_decompressed,
                    block: block_size(),
                },
            },
            timeout: timeout.unwrap_or(Timeout::DEFAULT),
            cut_day: flags.cut.or(config.and_then(|c| c.cut)).is_some(),
            max_length,
            window,
            now,
            now_is_clock,
            zone,
            periods,
            segment,
            compare,
            total: yes(flags.total, |c| c.total),
            format: flags
                .format
                .or(config.and_then(|c| c.format))
                .unwrap_or(Format::Table),
            target: self.target(),
            output: OutputOptions {
                follow_symlinks: yes(flags.follow_symlinks, |c| c.follow_symlinks),
                if_locked: flags
                    .if_locked
                    .or(config.and_then(|c| c.if_locked))
                    .unwrap_or_default(),
                wait: wait.unwrap_or(60 * SECOND),
            },
            style: self.style(yes(flags.csv_raw, |c| c.csv_raw)),
            rejects: flags
                .rejects
                .clone()
                .or_else(|| {
                    config
                        .and_then(|c| c.rejects.as_ref())
                        .map(|path| self.folder().join(path))
                })
                .filter(|path| path != Path::new("/dev/null")),
            consulted: {
                let file = self.file.as_ref().map(|file| PathBuf::from(&file.path));
                file.into_iter().chain(self.users_path()).collect()
            },
            threads,
            sample,
            quiet: flags.quiet == Some(true),
            verbose: flags.verbose > 0,
        })
    }

    /// A value from its flag (or environment), else from its key, read by `parse`.
    fn value<T>(
        &self,
        flag: &str,
        id: ErrorId,
        typed: &Option<String>,
        key: fn(&config::Config) -> &Option<Spanned<String>>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        if let Some(text) = typed {
            return parse(text)
                .map(Some)
                .map_err(|cause| flag_failure(id, flag, text, &cause));
        }
        let Some(file) = self.file else {
            return Ok(None);
        };
        key(&file.config)
            .as_ref()
            .map(|text| file.parse(id, text, parse))
            .transpose()
    }

    fn window(
        &self,
        zone: &Zone,
        now: Micros,
    ) -> Result<(Option<Micros>, Option<Micros>), Failure> {
        let flags = self.flags;
        let by_flag = flags.from.is_some() || flags.to.is_some() || flags.last.is_some();
        let length = |text: &str| parse_length(text).map_err(|cause| cause.to_string());
        let none: fn(&config::Config) -> &Option<Spanned<String>> = |_| &None;
        let last = self.value(
            "--last",
            error::USAGE,
            &flags.last,
            if by_flag { none } else { |c| &c.last },
            length,
        )?;
        if let (false, Some(file)) = (by_flag, self.file)
            && let Some(last) = &file.config.last
            && (file.config.from.is_some() || file.config.to.is_some())
        {
            let message = "\"last\" cannot be used with \"from\" or \"to\"";
            return Err(file.failure(error::CONFIG_FILE, last.span().start, message));
        }
        if let Some(last) = last {
            return Ok((Some(now.saturating_sub(last)), Some(now)));
        }
        let boundary = |text: &str| parse_boundary(text, zone);
        let from = self.value(
            "--from",
            error::USAGE,
            &flags.from,
            if by_flag { none } else { |c| &c.from },
            boundary,
        )?;
        let to = self.value(
            "--to",
            error::USAGE,
            &flags.to,
            if by_flag { none } else { |c| &c.to },
            boundary,
        )?;
        let from = from.map(|from| match from {
            Boundary::Instant(at) | Boundary::Date { start: at, .. } => at,
        });
        let to = to.map(|to| match to {
            Boundary::Instant(at) | Boundary::Date { next: at, .. } => at,
        });
        match (from, to) {
            (Some(from), Some(to)) if from >= to => Err(match self.file {
                Some(file) if !by_flag => {
                    let at = file.config.to.as_ref().map_or(0, |to| to.span().start);
                    let message = "the window is empty: \"from\" does not lie before \"to\"";
                    file.failure(error::CONFIG_FILE, at, message)
                }
                _ => Failure::new(
                    error::USAGE,
                    "the window is empty: --from does not lie before --to",
                ),
            }),
            window => Ok(window),
        }
    }

    fn users_path(&self) -> Option<PathBuf> {
        let from_config = || {
            let file = self.file.as_ref()?;
            let path = file.config.users.as_ref()?;
            Some(self.folder().join(path))
        };
        self.flags.users.clone().or_else(from_config)
    }

    fn users(&self) -> Result<Option<HashSet<crate::events::User>>, Failure> {
        let Some(path) = self.users_path() else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(&path).map_err(|cause| {
            let reason = crate::import::file::reason(&cause);
            Failure::new(
                error::UNREADABLE,
                format!("cannot read {}: {reason}", path.display()),
            )
        })?;
        let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).lines();
        let users = lines
            .filter(|line| !line.is_empty())
            .map(|line| UserId::from_text(line).to_user());
        Ok(Some(users.collect()))
    }

    fn budget(&self) -> Result<Budget, Failure> {
        let parse = |text: &str| match text.ends_with('%') {
            true => parse_share(text).map(Budget::Share),
            false => text
                .parse()
                .map(Budget::Rows)
                .map_err(|_| "expected a number of rows, or a share such as 1%".to_owned()),
        };
        if let Some(text) = &self.flags.max_rejects {
            return parse(text)
                .map_err(|cause| flag_failure(error::USAGE, "--max-rejects", text, &cause));
        }
        let Some(file) = self.file else {
            return Ok(Budget::Rows(0));
        };
        let Some(key) = &file.config.max_rejects else {
            return Ok(Budget::Rows(0));
        };
        let text = Spanned::new(key.span(), key.get_ref().to_text());
        file.parse(error::CONFIG_FILE, &text, parse)
    }

    fn threads(&self) -> Result<usize, Failure> {
        const EXPECTED: &str = "expected at least 1";
        let key = self.file.as_ref().and_then(|file| {
            let threads = file.config.threads.as_ref()?;
            Some((file, threads))
        });
        match (self.flags.threads, key) {
            (Some(0), _) => Err(flag_failure(error::USAGE, "--threads", "0", EXPECTED)),
            (None, Some((file, key))) if *key.get_ref() == 0 => Err(file.failure(
                error::CONFIG_FILE,
                key.span().start,
                &format!("0: {EXPECTED}"),
            )),
            (Some(threads), _) => Ok(threads.min(1024)),
            (None, Some((_, key))) => Ok((*key.get_ref()).min(1024)),
            (None, None) => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        }
    }

    fn target(&self) -> Target {
        let from_config = || {
            let file = self.file.as_ref()?;
            file.config
                .output
                .as_ref()
                .map(|path| self.folder().join(path))
        };
        match self.flags.output.clone().or_else(from_config) {
            None => Target::Stdout,
            Some(path) if path.as_os_str() == "-" => Target::Stdout,
            Some(path) => Target::File(path),
        }
    }

    fn style(&self, csv_raw: bool) -> Style {
        let on_terminal = std::io::stdout().is_terminal() && self.target() == Target::Stdout;
        let from_environment = || {
            std::env::var("COLUMNS")
                .ok()
                .and_then(|columns| columns.parse::<usize>().ok())
        };
        let of_terminal = || match on_terminal {
            true => terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
            false => None,
        };
        let width = from_environment()
            .or_else(of_terminal)
            .unwrap_or(Style::PIPE_WIDTH);
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match self.flags.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => on_terminal && !no_color && !dumb,
        };
        Style {
            width,
            color,
            csv_raw,
        }
    }

    /// The folder that the configuration's paths start from.
    fn folder(&self) -> PathBuf {
        let file = self.file.as_ref().map(|file| Path::new(&file.path));
        file.and_then(Path::parent)
            .map_or_else(PathBuf::new, Path::to_owned)
    }

    fn inputs(
        &self,
        typed: &[OsString],
        zone: &Zone,
        latest: Option<Micros>,
        filter: &Arc<UserFilter>,
    ) -> Result<Vec<Input>, Failure> {
        let sources = match (typed.is_empty(), self.file) {
            (true, Some(file)) => file.config.source.as_slice(),
            _ => &[],
        };
        let mut inputs = Vec::new();
        for source in sources {
            inputs.push(self.configured(source, zone, latest, filter)?);
        }
        for argument in typed {
            inputs.push(self.named(argument, zone, latest, filter)?);
        }
        if inputs.is_empty() {
            return Err(Failure::new(error::NO_INPUT, format!("nothing to read: no input, and no {CONFIG_NAME} here"))
                .help("name files or databases, for example: sessionize posts.csv --timeout 30m; see sessionize --help"));
        }
        check_stdin(&inputs)?;
        check_names(&inputs).map_err(|(index, failure)| match (self.file, sources.get(index)) {
            (Some(file), Some(source)) => {
                let place = source.name.as_ref().unwrap_or(&source.path).span().start;
                let placed = file.failure(failure.id, place, &failure.message);
                Failure {
                    help: Some("give each [[source]] a name of its own: name = \"…\"".to_owned()),
                    ..placed
                }
            }
            _ => failure,
        })?;
        for input in &mut inputs {
            if input.terms.time.zone.is_none() && looks_like_database(input) {
                input.terms.time.zone = Some(Zone::UTC);
            }
        }
        Ok(inputs)
    }

    /// An input named on the command line: `PATH` or `name=PATH`.
    fn named(
        &self,
        argument: &OsString,
        zone: &Zone,
        latest: Option<Micros>,
        filter: &Arc<UserFilter>,
    ) -> Result<Input, Failure> {
        let text = argument.to_str().ok_or_else(|| {
            let shown = crate::time::timestamp::quoted(argument.as_encoded_bytes());
            Failure::new(
                error::USAGE,
                format!("the name of input {shown} is not UTF-8"),
            )
        })?;
        let (name, typed) = match text.split_once('=') {
            Some((name, path)) if is_name(name) && !Path::new(text).exists() => {
                (Some(name.to_owned()), path)
            }
            _ => (None, text),
        };
        check_typed(typed).map_err(|cause| Failure::new(error::USAGE, cause))?;
        let terms = self.terms(None, zone, latest, filter)?;
        Ok(self.flagged(Input {
            name,
            typed: typed.to_owned(),
            folder: PathBuf::new(),
            format: None,
            role: None,
            roles: BTreeMap::new(),
            drop_duplicates: false,
            columns: AskedColumns::default(),
            dialect: Dialect::default(),
            delimiter: None,
            table: None,
            query: None,
            terms,
        }))
    }

    /// A `[[source]]`, under the flags.
    fn configured(
        &self,
        source: &SourceConfig,
        zone: &Zone,
        latest: Option<Micros>,
        filter: &Arc<UserFilter>,
    ) -> Result<Input, Failure> {
        let byte = |text: &Option<Spanned<String>>| -> Result<Option<u8>, Failure> {
            text.as_ref()
                .map(|text| self.at(error::CONFIG_FILE, text, crate::cli::byte))
                .transpose()
        };
        if let Some(name) = &source.name {
            self.at(error::SOURCE_NAME, name, |name| {
                check_name(name).map_err(|failure| failure.message)
            })?;
        }
        check_typed(source.path.get_ref()).map_err(|cause| {
            let file = self
                .file
                .as_ref()
                .expect("a source stands in a configuration");
            // Not the value itself, which may hold a password.
            file.failure(error::CONFIG_FILE, source.path.span().start, &cause)
        })?;
        if let (Some(query), Some(_), Some(file)) = (&source.query, &source.table, self.file) {
            let message = "\"query\" and \"table\" exclude each other";
            return Err(file.failure(error::CONFIG_FILE, query.span().start, message));
        }
        if let (Some(time), Some(file)) = (&source.time, self.file)
            && time.get_ref().clone().into_list().len() > 2
        {
            let message = "expected a column's name, or a list of two";
            return Err(file.failure(error::CONFIG_FILE, time.span().start, message));
        }
        let delimiter = byte(&source.delimiter)?;
        let dialect = Dialect {
            comment: byte(&source.comment)?,
            skip_lines: source.skip_lines.unwrap_or(0),
            header: source.header.unwrap_or(true),
            pad: source.ragged == Some(Ragged::Pad),
            ..Dialect::default()
        };
        Ok(self.flagged(Input {
            name: source.name.as_ref().map(|name| name.get_ref().clone()),
            typed: source.path.get_ref().clone(),
            folder: self.folder(),
            format: source.format,
            role: source.role,
            roles: source.roles.clone(),
            drop_duplicates: source.duplicates == Some(Duplicates::Drop),
            columns: AskedColumns {
                user: source.user.clone(),
                time: source
                    .time
                    .clone()
                    .map(|time| time.into_inner().into_list())
                    .unwrap_or_default(),
                source: source.source_column.clone(),
            },
            dialect,
            delimiter,
            table: source.table.clone(),
            query: source.query.as_ref().map(|query| query.get_ref().clone()),
            terms: self.terms(Some(source), zone, latest, filter)?,
        }))
    }

    /// The input with what the flags say instead.
    fn flagged(&self, mut input: Input) -> Input {
        let flags = self.flags;
        input.format = flags.input_format.or(input.format);
        input.roles.extend(flags.role.iter().cloned());
        if let Some(role) = input.roles.get(&input.source_name()) {
            input.role = Some(*role);
        }
        if let Some(duplicates) = flags.duplicates {
            input.drop_duplicates = duplicates == Duplicates::Drop;
        }
        if flags.user_column.is_some() {
            input.columns.user.clone_from(&flags.user_column);
        }
        if !flags.time_column.is_empty() {
            input.columns.time.clone_from(&flags.time_column);
        }
        if flags.source_column.is_some() {
            input.columns.source.clone_from(&flags.source_column);
        }
        if flags.table.is_some() {
            input.table.clone_from(&flags.table);
        }
        input.delimiter = flags.delimiter.or(input.delimiter);
        input.dialect.comment = flags.comment.or(input.dialect.comment);
        input.dialect.skip_lines = flags.skip_lines.unwrap_or(input.dialect.skip_lines);
        if let Some(no_header) = flags.no_header {
            input.dialect.header = !no_header;
        }
        if let Some(ragged) = flags.ragged {
            input.dialect.pad = ragged == Ragged::Pad;
        }
        input
    }

    fn terms(
        &self,
        source: Option<&SourceConfig>,
        zone: &Zone,
        latest: Option<Micros>,
        filter: &Arc<UserFilter>,
    ) -> Result<Terms, Failure> {
        let flags = self.flags;
        let mut null_words = source
            .map(|source| source.null_words.clone())
            .unwrap_or_default();
        null_words.extend(flags.null_word.iter().cloned());
        let encoding = flags.encoding.or(source.and_then(|source| source.encoding));
        let anonymous = flags
            .anonymous
            .or(source.and_then(|source| source.anonymous));
        Ok(Terms {
            time: self.time_spec(source, zone, latest)?,
            null_words,
            anonymous: anonymous.unwrap_or(Anonymous::Reject),
            latin1: encoding == Some(Encoding::Latin1),
            filter: Arc::clone(filter),
        })
    }

    fn time_spec(
        &self,
        source: Option<&SourceConfig>,
        zone: &Zone,
        latest: Option<Micros>,
    ) -> Result<TimeSpec, Failure> {
        let flags = self.flags;
        let defaults = TimeSpec::default();
        let source_zone = self.of_source(
            "--source-timezone",
            error::UNKNOWN_ZONE,
            &flags.source_timezone,
            source.and_then(|source| source.timezone.as_ref()),
            parse_zone,
        )?;
        let window = self.of_source(
            "--epoch-window",
            error::USAGE,
            &flags.epoch_window,
            source.and_then(|source| source.epoch_window.as_ref()),
            parse_years,
        )?;
        let format = self.of_source(
            "--time-format",
            error::USAGE,
            &flags.time_format,
            source.and_then(|source| source.time_format.as_ref()),
            |text| TimeSpec::check_format(text).map(|()| text.to_owned()),
        )?;
        let earliest = self.of_source(
            "--min-time",
            error::USAGE,
            &flags.min_time,
            source.and_then(|source| source.min_time.as_ref()),
            |text| parse_boundary(text, zone),
        )?;
        let earliest = earliest.map(|boundary| match boundary {
            Boundary::Instant(at) | Boundary::Date { start: at, .. } => at,
        });
        Ok(TimeSpec {
            format,
            epoch_unit: flags
                .epoch_unit
                .or(source.and_then(|source| source.epoch_unit)),
            zone: source_zone,
            skipped_hour: flags
                .skipped_hour
                .or(source.and_then(|source| source.skipped_hour))
                .unwrap_or(SkippedHour::Reject),
            repeated_hour: flags
                .repeated_hour
                .or(source.and_then(|source| source.repeated_hour))
                .unwrap_or(RepeatedHour::Reject),
            hour_24: flags
                .hour_24
                .or(source.and_then(|source| source.hour_24))
                .unwrap_or(Hour24::Reject),
            epoch_window: window.unwrap_or(defaults.epoch_window),
            earliest: earliest.unwrap_or(defaults.earliest),
            latest: latest.unwrap_or(defaults.latest),
        })
    }

    /// A value from its flag, else from the source's key.
    fn of_source<T>(
        &self,
        flag: &str,
        id: ErrorId,
        typed: &Option<String>,
        key: Option<&Spanned<String>>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        match (typed, key) {
            (Some(text), _) => parse(text)
                .map(Some)
                .map_err(|cause| flag_failure(id, flag, text, &cause)),
            (None, Some(text)) => self.at(id, text, parse).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// A value of the configuration; an error says its place.
    fn at<T>(
        &self,
        id: ErrorId,
        text: &Spanned<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let file = self
            .file
            .as_ref()
            .expect("a value of the configuration comes from one");
        file.parse(id, text, parse)
    }
}

impl ConfigFile {
    fn parse<T>(
        &self,
        id: ErrorId,
        text: &Spanned<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let id = if id == error::USAGE {
            error::CONFIG_FILE
        } else {
            id
        };
        parse(text.get_ref()).map_err(|cause| {
            let shown = crate::time::timestamp::quoted(text.get_ref().as_bytes());
            let cause = if cause.contains(&shown) {
                cause
            } else {
                format!("{shown}: {cause}")
            };
            self.failure(id, text.span().start, &cause)
        })
    }
}

fn flag_failure(id: ErrorId, flag: &str, text: &str, cause: &str) -> Failure {
    let shown = crate::time::timestamp::quoted(text.as_bytes());
    match cause.contains(&shown) {
        true => Failure::new(id, format!("{flag}: {cause}")),
        false => Failure::new(id, format!("{flag} {shown}: {cause}")),
    }
}

/// Bytes read at a time; tests of the borders between blocks make it small.
fn block_size() -> usize {
    #[cfg(feature = "failpoints")]
    if let Some(size) = std::env::var("SESSIONIZE_BLOCK")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        return size;
    }
    Limits::BLOCK
}

fn parse_zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|cause| cause.to_string())
}

/// `5%` or `0.05`, between 0 and 1.
fn parse_share(text: &str) -> Result<f64, String> {
    let (digits, factor) = match text.strip_suffix('%') {
        Some(digits) => (digits, 0.01),
        None => (text, 1.0),
    };
    match digits.trim().parse::<f64>() {
        Ok(number) if number * factor > 0.0 && number * factor <= 1.0 => Ok(number * factor),
        Ok(0.0) => Ok(0.0),
        _ => Err("expected a share such as 5%, up to 100%".to_owned()),
    }
}

/// `1990..2100`: the first instant of the first year to the first of the last.
fn parse_years(text: &str) -> Result<(Micros, Micros), String> {
    let expected = || "expected years such as 1990..2100".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(expected)?;
    let start = |year: &str| match parse_boundary(&format!("{year}-01-01"), &Zone::UTC) {
        Ok(Boundary::Date { start, .. }) => Ok(start),
        _ => Err(expected()),
    };
    match (start(from)?, start(to)?) {
        (from, to) if from < to => Ok((from, to)),
        _ => Err(expected()),
    }
}

/// Whether the part before `=` can be a source's name rather than a piece of a path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\\', ':', ';', '*', '?', ' '])
}

fn looks_like_database(input: &Input) -> bool {
    let first = || input.files().first().cloned();
    match input.format {
        Some(format) => format == InputFormat::Sqlite,
        None if input.typed.starts_with("sqlite:") => true,
        None if input.is_stdin() => false,
        None => first().is_some_and(|path| crate::import::file::is_sqlite(&path)),
    }
}

/// Nothing is no input, and an address of a server is refused by its scheme alone: what follows may
/// hold a password.
fn check_typed(typed: &str) -> Result<(), String> {
    if typed.is_empty() {
        return Err("an input is empty; expected a path".to_owned());
    }
    match typed.split_once("://") {
        Some((scheme, _)) if scheme != "sqlite" => {
            let shown = crate::visible::shortened(scheme);
            Err(format!(
                "{shown} addresses are not read yet; name files or SQLite databases"
            ))
        }
        _ => Ok(()),
    }
}

/// Two files of one name are told apart by the user; databases get prefixes later. The failure
/// comes with the number of the input that is to blame. No file is looked into but to settle
/// whether two of one name are databases.
fn check_names(inputs: &[Input]) -> Result<(), (usize, Failure)> {
    let mut names: HashMap<String, &Input> = HashMap::new();
    let has_many_names = |input: &Input| input.table.is_none() && looks_like_database(input);
    for (index, input) in inputs.iter().enumerate() {
        let name = input.source_name();
        if let Err(failure) = check_name(&name) {
            match has_many_names(input) {
                true => continue,
                false => return Err((index, failure)),
            }
        }
        match names.get(&name) {
            Some(first) if !has_many_names(first) && !has_many_names(input) => {
                return Err((index, same_name(&name, &first.typed, &input.typed)));
            }
            Some(first) if !has_many_names(first) => {}
            _ => drop(names.insert(name, input)),
        }
    }
    Ok(())
}

fn check_stdin(inputs: &[Input]) -> Result<(), Failure> {
    let named = inputs.iter().filter(|input| input.is_stdin()).count();
    if named > 1 {
        return Err(Failure::new(error::STDIN, "standard input is named twice"));
    }
    if named == 1 && std::io::stdin().is_terminal() {
        return Err(
            Failure::new(error::STDIN, "waiting for input is off; pipe a file")
                .help("for example: zcat posts.csv.gz | sessionize -"),
        );
    }
    Ok(())
}
