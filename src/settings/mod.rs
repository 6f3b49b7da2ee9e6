//! What was typed becomes what is needed: flags over environment over `sessionize.toml`, checked
//! before any source is opened.

mod address;
mod check;
pub mod compare;
mod config;
pub mod memory;
mod secrets;
mod server;
mod sources;
pub mod threshold;
pub mod tracked;

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use self::config::ConfigFile;
use self::threshold::ThresholdSettings;
use crate::cli::threshold::ThresholdFlags;
use crate::cli::{By, Color, Compare, Engine, Flags, SegmentBy};
use crate::error::{self, ErrorId, Failure};
use crate::events::{Micros, SECOND, UserId};
use crate::import::file::Limits;
use crate::import::inputs::Input;
use crate::import::intake::UserFilter;
use crate::import::window::Window;
use crate::import::{Budget, Options};
use crate::measures::dwell::{Dwell, DwellChoice, DwellError};
use crate::output::{OutputOptions, Target};
use crate::report::{Format, Segment, Style};
use crate::sessions::compat::Compat;
use crate::time::duration::{Timeout, parse_length};
use crate::time::period::PeriodLength;
use crate::time::timestamp::{Boundary, parse_boundary};
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
    /// `--cut day`.
    pub cut_day: bool,
    /// `--max-length`.
    pub max_length: Option<Micros>,
    /// The system whose rule takes the place of our own.
    pub compat: Option<Compat>,
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
    /// How the time after a session's last event is estimated, if at all.
    pub dwell: Option<Dwell>,
    /// How the gaps are judged where [`Dwell::Model`] asks for it.
    pub dwell_model: Option<ThresholdSettings>,
    /// Where sessions are made.
    pub engine: Engine,
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
    /// The most bytes of memory for the whole process.
    pub memory: u64,
    /// Where what does not fit goes.
    pub temp_dir: PathBuf,
    /// `--sample`.
    pub sample: Option<f64>,
    /// What a reader should look at before anything is read, a line each.
    pub warnings: Vec<String>,
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
        .settle(Asked::Inputs(inputs))
    }

    /// Settles what was typed for the judgement of the timeout. Of servers that are asked for a
    /// window, what the longest timeout that is looked at needs is read.
    ///
    /// # Errors
    ///
    /// As [`Settings::new`].
    pub fn of_threshold(
        flags: &Flags,
        asked: &ThresholdFlags,
        inputs: &[OsString],
        clock: Micros,
    ) -> Result<(Self, ThresholdSettings), Failure> {
        let file = config_file(flags)?;
        let settling = Settling {
            flags,
            file: &file,
            clock,
        };
        let mut settings = settling.settle(Asked::Inputs(inputs))?;
        let threshold = settling.threshold(asked, settings.timeout)?;
        let longest = threshold.longest(settings.timeout);
        settings.import.window = reach(
            settings.window,
            longest,
            settings.max_length,
            settings.compat,
        );
        Ok((settings, threshold))
    }

    /// Settles what was typed without a configuration, also where there is one.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the flag's name.
    pub fn of_flags(flags: &Flags, inputs: &[OsString], clock: Micros) -> Result<Self, Failure> {
        Settling {
            flags,
            file: &None,
            clock,
        }
        .settle(Asked::Inputs(inputs))
    }

    /// Settles what was typed for a statement that is only written: its sources are the table that
    /// `--table` names, else those of the configuration, and nothing is opened.
    ///
    /// # Errors
    ///
    /// As [`Settings::new`].
    pub fn of_statement(flags: &Flags, clock: Micros) -> Result<Self, Failure> {
        let file = config_file(flags)?;
        Settling {
            flags,
            file: &file,
            clock,
        }
        .settle(Asked::Tables)
    }

    /// Whether midnight ends sessions, because it was asked for or because the other system's rule
    /// says so.
    pub fn cuts_at_midnight(&self) -> bool {
        self.cut_day || self.compat.is_some_and(Compat::cuts_at_midnight)
    }

    /// The longest session, which was asked for or which the other system's rule allows.
    pub fn longest_session(&self) -> Option<Micros> {
        self.max_length.or(self.compat.and_then(Compat::max_length))
    }
}

/// Where the sources are named.
enum Asked<'a> {
    /// As inputs on the command line, else in the configuration.
    Inputs(&'a [OsString]),
    /// By `--table`, else in the configuration.
    Tables,
    /// Nowhere: none is read.
    Nothing,
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
    fn settle(&self, asked: Asked<'_>) -> Result<Settings, Failure> {
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
        let cut_day = flags.cut.or(config.and_then(|c| c.cut)).is_some();
        let compat = flags.compat.or(config.and_then(|c| c.compat));
        refuse_cuts(compat, cut_day, max_length)?;
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
        let timeouts = self.timeouts()?;
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
        let memory = self.memory()?;
        let threads = self.threads()?.min(memory::most_threads(memory));
        let is_tracked = matches!(asked, Asked::Nothing);
        let (inputs, warnings) = match asked {
            Asked::Inputs(typed) => (
                self.inputs(typed, &zone, latest, &filter)?,
                sources::warnings(typed),
            ),
            Asked::Tables => (self.tables(&zone, latest, &filter)?, Vec::new()),
            Asked::Nothing => (Vec::new(), Vec::new()),
        };
        let asked_segment = self.asked_segment();
        let segment = match asked_segment {
            None => None,
            Some(SegmentBy::User) => Some(Segment::User),
            Some(SegmentBy::Source) => Some(Segment::Source),
            Some(_) if is_tracked => None,
            Some(other) => return Err(only_tracked(other)),
        };
        let periods = match (flags.by.or(config.and_then(|c| c.by)), asked_segment) {
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
        let dwell = self.dwell(timeout.unwrap_or(Timeout::DEFAULT))?;
        let yes = |flag: Option<bool>, key: fn(&config::Config) -> Option<bool>| {
            flag.or(config.and_then(key)) == Some(true)
        };
        Ok(Settings {
            inputs,
            import: Options {
                connect_timeout: timeouts.0,
                statement_timeout: timeouts.1,
                window: reach(
                    window,
                    timeout.unwrap_or(Timeout::DEFAULT),
                    max_length,
                    compat,
                ),
                budget,
                keep_going: yes(flags.keep_going, |c| c.keep_going),
                allow_empty: yes(flags.allow_empty, |c| c.allow_empty),
                limits: Limits {
                    max_field: flags
                        .max_field
                        .map_or(Limits::MAX_FIELD, |size| size as usize),
                    max_decompressed: flags.max_decompressed,
                    block: block_size(),
                    follow_safe: yes(flags.follow_safe, |c| c.follow_safe),
                },
            },
            timeout: timeout.unwrap_or(Timeout::DEFAULT),
            cut_day,
            max_length,
            compat,
            window,
            now,
            now_is_clock,
            zone,
            periods,
            segment,
            compare,
            dwell,
            dwell_model: match dwell {
                Some(Dwell::Model) => {
                    let in_use = timeout.unwrap_or(Timeout::DEFAULT);
                    Some(self.threshold(&ThresholdFlags::default(), in_use)?)
                }
                _ => None,
            },
            engine: flags
                .engine
                .or(config.and_then(|c| c.engine))
                .unwrap_or_default(),
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
                let secrets = self.secret_files();
                file.into_iter()
                    .chain(self.users_path())
                    .chain(secrets)
                    .collect()
            },
            threads,
            memory,
            temp_dir: self.temp_dir(),
            sample,
            warnings,
            quiet: flags.quiet == Some(true),
            verbose: flags.verbose > 0,
        })
    }

    /// What rows are split by, whatever the command can do with it.
    fn asked_segment(&self) -> Option<SegmentBy> {
        let config = self.file.as_ref().map(|file| &file.config);
        self.flags.segment.or(config.and_then(|c| c.segment))
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

    /// How long a server may take to let us in, and to answer a statement.
    fn timeouts(&self) -> Result<(Duration, Duration), Failure> {
        let length = |text: &str| match parse_length(text) {
            Ok(micros) => Ok(Duration::from_micros(micros.unsigned_abs())),
            Err(cause) => Err(cause.to_string()),
        };
        let flags = self.flags;
        let connect = self.value(
            "--connect-timeout",
            error::USAGE,
            &flags.connect_timeout,
            |c| &c.connect_timeout,
            length,
        )?;
        let statement = self.value(
            "--statement-timeout",
            error::USAGE,
            &flags.statement_timeout,
            |c| &c.statement_timeout,
            length,
        )?;
        Ok((
            connect.unwrap_or(Options::CONNECT_TIMEOUT),
            statement.unwrap_or(Options::STATEMENT_TIMEOUT),
        ))
    }

    /// How the time after the last events is estimated. A constant longer than the timeout would say
    /// that people stay longer than any gap inside a session.
    fn dwell(&self, timeout: Timeout) -> Result<Option<Dwell>, Failure> {
        let choice = |text: &str| {
            let choice: DwellChoice = text
                .parse()
                .map_err(|cause: DwellError| cause.to_string())?;
            match choice.0 {
                Some(Dwell::Constant(length)) if length > timeout.micros() => {
                    Err(format!("expected at most the timeout, {timeout}"))
                }
                dwell => Ok(dwell),
            }
        };
        let said = self.value(
            "--dwell",
            error::USAGE,
            &self.flags.dwell,
            |c| &c.dwell,
            choice,
        )?;
        Ok(said.flatten())
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

/// The rules of other systems have their own cuts, or none.
fn refuse_cuts(
    compat: Option<Compat>,
    cut_day: bool,
    max_length: Option<Micros>,
) -> Result<(), Failure> {
    let Some(compat) = compat else {
        return Ok(());
    };
    let flag = if cut_day && !compat.cuts_at_midnight() {
        "--cut day"
    } else if max_length.is_some() && !compat.takes_max_length() {
        "--max-length"
    } else {
        return Ok(());
    };
    let name = compat.name();
    let message = format!("{flag} is no part of the rule of {name}, which --compat reproduces");
    Err(Failure::new(error::USAGE, message).help(format!("leave {flag} away, or --compat")))
}

/// The part of time that holds the rows of the window's sessions, its end aside.
fn reach(
    (from, to): (Option<Micros>, Option<Micros>),
    timeout: Timeout,
    max_length: Option<Micros>,
    compat: Option<Compat>,
) -> Window {
    let looks_back = |compat: Compat| compat.looks_back() || compat.max_length().is_some();
    let timeout = compat.map_or(timeout.micros(), |compat| compat.longest_gap(timeout));
    Window {
        // What is too long for one session depends on where it began.
        from: from
            .filter(|_| max_length.is_none() && !compat.is_some_and(looks_back))
            .map(|from| from.saturating_sub(timeout)),
        to,
        timeout,
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

/// Events have no such column.
fn only_tracked(segment: SegmentBy) -> Failure {
    let name = segment.name();
    let message = format!("--segment {name}: only `tracked lifecycle` has rows per {name}");
    Failure::new(error::USAGE, message).help("expected user or source")
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
