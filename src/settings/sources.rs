//! What is to be read, from the command line or from `[[source]]` entries under the flags, and how
//! its times and users are written.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::address::{ADDRESS, is_address, may_hold_password, parse};
use super::config::SourceConfig;
use super::{CONFIG_NAME, Settling, flag_failure, parse_zone};
use crate::cli::{Duplicates, Encoding, Ragged};
use crate::error::{self, ErrorId, Failure};
use crate::events::Micros;
use crate::import::columns::AskedColumns;
use crate::import::csv::Dialect;
use crate::import::inputs::{Input, InputFormat, check_name, same_name};
use crate::import::intake::{Anonymous, Terms, UserFilter};
use crate::time::timestamp::{
    Boundary, Hour24, RepeatedHour, SkippedHour, TimeSpec, parse_boundary,
};
use crate::time::zone::Zone;

impl Settling<'_> {
    pub(super) fn inputs(
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
        for (number, argument) in (1..).zip(typed) {
            let input = self.named(argument, zone, latest, filter);
            inputs.push(input.map_err(|failure| placed(failure, number, typed.len()))?);
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

    /// The sources of a statement that is only written: one by `--table`, else the configuration's.
    pub(super) fn tables(
        &self,
        zone: &Zone,
        latest: Option<Micros>,
        filter: &Arc<UserFilter>,
    ) -> Result<Vec<Input>, Failure> {
        let sources = match (&self.flags.table, self.file) {
            (None, Some(file)) => file.config.source.as_slice(),
            _ => &[],
        };
        let mut inputs = Vec::new();
        for source in sources {
            let path = source.path.get_ref();
            // Of an address nothing is needed, and nothing of it is shown.
            let shown = if path.contains("://") { "" } else { path };
            let terms = self.terms(Some(source), zone, latest, filter)?;
            inputs.push(self.described(source, Input::plain(shown, terms))?);
        }
        if self.flags.table.is_some() {
            let terms = self.terms(None, zone, latest, filter)?;
            inputs.push(self.flagged(Input::plain("", terms)));
        }
        if inputs.is_empty() {
            let message =
                format!("nothing to ask: no --table, and no {CONFIG_NAME} with sources here");
            return Err(Failure::new(error::NO_INPUT, message).help(
                "for example: sessionize sql --dialect postgres --table posts --user-column \
                 user_id --time-column created_at",
            ));
        }
        check_names(&inputs).map_err(|(_, failure)| failure)?;
        Ok(inputs)
    }

    /// An input named on the command line: `PATH` or `name=PATH`.
    pub(super) fn named(
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
        let (name, typed) = name_and_place(text);
        check_typed(typed, Path::new("")).map_err(|cause| Failure::new(error::USAGE, cause))?;
        let address = match is_address(typed) {
            true => Some(self.address(typed, None)?),
            false => None,
        };
        let terms = self.terms(None, zone, latest, filter)?;
        let shown = address.as_ref().map(|address| address.to_string());
        Ok(self.flagged(Input {
            name: name.map(str::to_owned),
            address,
            ..Input::plain(shown.as_deref().unwrap_or(typed), terms)
        }))
    }

    /// A `[[source]]`, under the flags.
    pub(super) fn configured(
        &self,
        source: &SourceConfig,
        zone: &Zone,
        latest: Option<Micros>,
        filter: &Arc<UserFilter>,
    ) -> Result<Input, Failure> {
        let typed = source.path.get_ref();
        // Not the value itself, which may hold a password.
        let at_path = |cause: &str| {
            let file = self
                .file
                .as_ref()
                .expect("a source stands in a configuration");
            file.failure(error::CONFIG_FILE, source.path.span().start, cause)
        };
        check_typed(typed, &self.folder()).map_err(|cause| at_path(&cause))?;
        let address = match is_address(typed) {
            true => Some(self.address(typed, Some(source)).map_err(|failure| {
                match failure.id == error::USAGE {
                    true => Failure {
                        help: failure.help,
                        ..at_path(&failure.message)
                    },
                    false => failure,
                }
            })?),
            false => None,
        };
        let shown = address.as_ref().map(|address| address.to_string());
        let input = Input {
            address,
            ..Input::plain(
                shown.as_deref().unwrap_or(typed),
                self.terms(Some(source), zone, latest, filter)?,
            )
        };
        self.described(source, input)
    }

    /// An input with what its `[[source]]` says besides its place, under the flags.
    fn described(&self, source: &SourceConfig, input: Input) -> Result<Input, Failure> {
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
                ..AskedColumns::default()
            },
            dialect,
            delimiter,
            table: source.table.clone(),
            filter: self.condition(source)?,
            query: self.query(source)?,
            ..input
        }))
    }

    /// A source's own statement, from its key or its file; it has no table beside it.
    fn query(&self, source: &SourceConfig) -> Result<Option<String>, Failure> {
        let refused = |other: &Spanned<String>, message: &str| match self.file {
            Some(file) => file.failure(error::CONFIG_FILE, other.span().start, message),
            None => Failure::new(error::CONFIG_FILE, message),
        };
        match (&source.query, &source.query_file, &source.table) {
            (Some(query), None, Some(_)) => {
                Err(refused(query, "\"query\" and \"table\" exclude each other"))
            }
            (None, Some(query), Some(_)) => Err(refused(
                query,
                "\"query_file\" and \"table\" exclude each other",
            )),
            (Some(query), Some(_), _) => Err(refused(
                query,
                "\"query\" and \"query_file\" exclude each other",
            )),
            (Some(query), None, None) => Ok(Some(query.get_ref().clone())),
            (None, Some(file), None) => {
                let path = self.folder().join(file.get_ref());
                let text = std::fs::read_to_string(&path).map_err(|cause| {
                    let reason = crate::import::file::reason(&cause);
                    refused(file, &format!("cannot read {}: {reason}", path.display()))
                })?;
                Ok(Some(text))
            }
            (None, None, _) => Ok(None),
        }
    }

    /// A condition on the rows of a source's table, which it needs.
    fn condition(&self, source: &SourceConfig) -> Result<Option<String>, Failure> {
        match (&source.r#where, &source.table, self.file) {
            (Some(filter), None, Some(file)) => {
                let message = "\"where\" needs \"table\"; a query says its own";
                Err(file.failure(error::CONFIG_FILE, filter.span().start, message))
            }
            (filter, _, _) => Ok(filter.as_ref().map(|filter| filter.get_ref().clone())),
        }
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

/// A failure of one of several inputs with its number, since its text is not repeated.
fn placed(failure: Failure, number: usize, inputs: usize) -> Failure {
    match inputs > 1 && failure.message.starts_with(ADDRESS) {
        true => Failure {
            message: format!("input {number}: {}", failure.message),
            ..failure
        },
        false => failure,
    }
}

/// `name=PATH`, or a path alone.
fn name_and_place(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, place)) if is_name(name) && !Path::new(text).exists() => (Some(name), place),
        _ => (None, text),
    }
}

/// What a reader should look at in what was typed: a password there is seen by every user of the
/// machine.
pub(super) fn warnings(typed: &[OsString]) -> Vec<String> {
    let holds_password = |argument: &OsString| {
        let place = argument.to_str().map(|text| name_and_place(text).1);
        place.is_some_and(|place| parse(place).is_ok_and(|said| said.password.is_some()))
    };
    match typed.iter().any(holds_password) {
        true => vec![
            "a password in the arguments can be seen by others of this machine; use PGPASSWORD \
             or MYSQL_PWD, --password-file, or ~/.pgpass or ~/.my.cnf"
                .to_owned(),
        ],
        false => Vec::new(),
    }
}

pub(super) fn looks_like_database(input: &Input) -> bool {
    let first = || input.files().first().cloned();
    match input.format {
        _ if input.address.is_some() => true,
        Some(format) => format == InputFormat::Sqlite,
        None if input.typed.starts_with("sqlite:") => true,
        None if input.is_stdin() => false,
        None => first().is_some_and(|path| crate::import::file::is_sqlite(&path)),
    }
}

/// Nothing is no input, and an address of another kind is refused by its scheme alone: what follows
/// may hold a password.
fn check_typed(typed: &str, folder: &Path) -> Result<(), String> {
    const KNOWN: &str = "expected a path, sqlite:, postgres:// or mysql://";
    if typed.is_empty() {
        return Err("an input is empty; expected a path".to_owned());
    }
    if is_address(typed) {
        return Ok(());
    }
    match typed.split_once("://") {
        Some((scheme, _)) if scheme != "sqlite" => {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
            match scheme.chars().all(is_plain) && (1..=20).contains(&scheme.len()) {
                true => Err(format!("{scheme} addresses are not read; {KNOWN}")),
                false => Err(format!("this kind of address is not read; {KNOWN}")),
            }
        }
        _ if may_hold_password(typed) && !folder.join(typed).exists() => Err(format!(
            "there is no such file, and it is no address that is known; {KNOWN}"
        )),
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

pub(super) fn check_stdin(inputs: &[Input]) -> Result<(), Failure> {
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
