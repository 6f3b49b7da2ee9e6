//! `sessionize discover DATABASE`: which tables hold what people did, and the configuration that
//! reads them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::commands::voice::Voice;
use crate::commands::{Ending, spot};
use crate::discover::Discovery;
use crate::discover::judge::judge;
use crate::error::{self, Failure, SourcePlace};
use crate::import::address::{Address, Host, Server, Tls};
use crate::import::database::{Database, Patience};
use crate::import::inputs::{Input, open_database};
use crate::import::looks::{Look, Seen};
use crate::import::shapes::{Shape, Shapes, is_of_table};
use crate::output::{Output, OutputOptions, Prepared, Target};
use crate::report::configuration::{self, Access, Configuration};
use crate::report::discovery::Discovered;
use crate::report::{self, Format};
use crate::settings::Settings;
use crate::visible::visible;

/// The longest that one statement may take: a look that takes longer would disturb others.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) write: Option<&'a Path>,
    pub(super) force: bool,
    /// What the flags say of passwords, for the configuration.
    pub(super) password_env: Option<&'a str>,
    pub(super) password_file: Option<&'a Path>,
    pub(super) my_cnf: Option<&'a Path>,
}

/// Finds the sources of the one input, says them, and writes the configuration if that is asked for.
pub(super) fn run(
    settings: &Settings,
    voice: &Voice,
    output: Output,
    asked: &Asked<'_>,
) -> Result<Ending, Failure> {
    let [input] = settings.inputs.as_slice() else {
        return Err(Failure::new(error::USAGE, "name one database"));
    };
    let file = asked
        .write
        .map(|path| reserve(path, asked.force, settings, input))
        .transpose()?;
    let patience = Patience {
        connect: settings.import.connect_timeout,
        statement: settings.import.statement_timeout.min(LONGEST_LOOK),
    };
    let (mut database, place) = open_database(input, patience)?;
    let discovery = discover(&mut database).map_err(|failure| failure.in_source(&place))?;
    drop(database);
    if discovery.sources.is_empty() {
        return Err(nothing(&discovery).in_source(&place));
    }
    let discovered = Discovered {
        place: &place.place,
        kind: place.kind,
        discovery: &discovery,
    };
    let write = |out: &mut dyn Write| {
        report::write_discovery(settings.format, &discovered, settings.style, out)
    };
    output.publish(write, None)?;
    match (asked.write, file) {
        (Some(path), Some(file)) => {
            let text = written(&discovery, &place, input, path, asked)?;
            file.publish(|out| out.write_all(text.as_bytes()), None)?;
            let path = visible(&path.display().to_string());
            voice.line(&format!(
                "sessionize: {path} written; `sessionize` beside it reads it"
            ));
        }
        _ => voice.note("--write makes a sessionize.toml of it"),
    }
    Ok(Ending::Whole)
}

/// An error unless what was found can be written so.
pub(super) fn check_format(format: Format) -> Result<(), Failure> {
    match format {
        Format::Table | Format::Json => Ok(()),
        other => {
            let message = format!("what was found is not written as {}", other.name());
            Err(Failure::new(error::USAGE, message).help("choose --format table or json"))
        }
    }
}

/// Checks, before the database is asked, that the configuration can be written.
fn reserve(
    path: &Path,
    force: bool,
    settings: &Settings,
    input: &Input,
) -> Result<Output, Failure> {
    if path.symlink_metadata().is_ok() && !force {
        let message = format!("{} is there already", visible(&path.display().to_string()));
        return Err(Failure::new(error::TARGET, message)
            .help("--force writes over it; --write PATH writes another file"));
    }
    if let Target::File(report) = &settings.target
        && spot(report).is_some_and(|report| spot(path) == Some(report))
    {
        let message = "-o and --write name the same file";
        return Err(Failure::new(error::USAGE, message).help("write one of them to another path"));
    }
    let options = OutputOptions {
        if_locked: crate::output::IfLocked::Fail,
        ..settings.output
    };
    match Output::prepare(Target::File(path.to_owned()), &input.files(), options)? {
        Prepared::Ready(output) => Ok(output),
        Prepared::Skipped(why) => Err(Failure::new(error::LOCKED, why)),
    }
}

fn discover(database: &mut Database) -> Result<Discovery, Failure> {
    let shapes = Shapes::of(database)?;
    judge(&shapes, |look, shape| looked(look, shape, database))
}

/// Looks at a table. One that cannot be looked at spoils only itself.
fn looked(
    look: &Look,
    shape: &Shape,
    database: &mut Database,
) -> Result<Result<Seen, String>, Failure> {
    match look.at(shape, database) {
        Ok(seen) => Ok(Ok(seen)),
        Err(failure) if is_of_table(&failure) => {
            Ok(Err(format!("cannot be looked at: {}", failure.message)))
        }
        Err(failure) => Err(failure),
    }
}

/// That there is no source, with what was looked at.
fn nothing(discovery: &Discovery) -> Failure {
    const LISTED: usize = 20;
    let mut failure = Failure::new(error::NO_TABLE, "no table says who did something and when");
    let tracked = discovery.tracked.iter().map(|tracked| {
        format!(
            "{}: sessions that the application tracks itself",
            tracked.table
        )
    });
    let left_out = discovery.left_out.iter();
    let left_out = left_out.map(|left| format!("{}: {}", left.table, left.reason));
    let reasons: Vec<String> = tracked.chain(left_out).collect();
    for reason in reasons.iter().take(LISTED) {
        failure = failure.detail(reason);
    }
    match reasons.len().checked_sub(LISTED) {
        None if reasons.is_empty() => {
            failure = failure.detail("the database has no tables that may be read");
        }
        Some(more) if more > 0 => failure = failure.detail(format!("and {more} more")),
        _ => {}
    }
    failure.help("name a table, or a query, in sessionize.toml: [[source]] path, table, user, time")
}

/// The text of the configuration.
fn written(
    discovery: &Discovery,
    place: &SourcePlace,
    input: &Input,
    path: &Path,
    asked: &Asked<'_>,
) -> Result<String, Failure> {
    let access = match &input.address {
        Some(address) => of_server(address, asked)?,
        None => Access {
            path: of_file(input, path)?,
            ..Access::default()
        },
    };
    let password = input
        .address
        .as_ref()
        .map(|address| password_from(address.server));
    let said =
        asked.password_env.is_some() || asked.password_file.is_some() || asked.my_cnf.is_some();
    configuration::text(&Configuration {
        discovery,
        place: &place.place,
        access: &access,
        password: password.filter(|_| !said),
    })
    .map_err(|cause| {
        Failure::new(
            error::BUG,
            format!("a configuration cannot be written: {cause}"),
        )
    })
}

fn password_from(server: Server) -> &'static str {
    match server {
        Server::Postgres => {
            "A password, if one is needed, comes from PGPASSWORD, ~/.pgpass, or a key password_file."
        }
        Server::Mysql => {
            "A password, if one is needed, comes from MYSQL_PWD, ~/.my.cnf, or a key password_file."
        }
    }
}

/// The address as it is printed, which holds no secret, and what it leaves out.
fn of_server(address: &Address, asked: &Asked<'_>) -> Result<Access, Failure> {
    let usual = match address.host.is_local() && address.ca_file.is_none() {
        true => Tls::Off,
        false => Tls::VerifyFull,
    };
    let is_said = matches!(address.host, Host::Tcp { .. }) && address.tls != usual;
    let tls = match address.tls {
        Tls::Off => "off",
        Tls::Require => "require",
        Tls::VerifyCa => "verify-ca",
        Tls::VerifyFull => "verify-full",
    };
    let whole = |path: Option<&Path>| path.map(absolute).transpose();
    Ok(Access {
        path: address.to_string(),
        tls: is_said.then(|| tls.to_owned()),
        ca_file: whole(address.ca_file.as_deref())?,
        password_env: asked.password_env.map(str::to_owned),
        password_file: whole(asked.password_file)?,
        my_cnf: whole(asked.my_cnf)?,
    })
}

/// The path of a database file as the configuration has to say it, whose paths start at its folder.
fn of_file(input: &Input, configuration: &Path) -> Result<String, Failure> {
    let path = input.path_text();
    let is_here = |folder: &Path| folder.as_os_str().is_empty() || folder == Path::new(".");
    let is_beside = configuration.parent().is_none_or(is_here);
    if is_beside || Path::new(path).is_absolute() {
        return Ok(input.typed.clone());
    }
    let scheme = match path.len() < input.typed.len() {
        true => "sqlite:",
        false => "",
    };
    Ok(format!("{scheme}{}", absolute(Path::new(path))?))
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let whole: Option<PathBuf> = std::path::absolute(path).ok();
    let text = whole.and_then(|path| path.into_os_string().into_string().ok());
    text.ok_or_else(|| {
        let shown = visible(&path.display().to_string());
        Failure::new(
            error::USAGE,
            format!("the path {shown} cannot be written in a configuration"),
        )
    })
}
