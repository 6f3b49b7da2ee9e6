//! `sessionize sql`: the sessions as one statement, written and not run.

use crate::commands::Ending;
use crate::error::{self, Failure};
use crate::events::{EARLIEST, LATEST, Role, SECOND};
use crate::import::database::one_statement;
use crate::import::inputs::Input;
use crate::output::Output;
use crate::settings::Settings;
use crate::sql::{
    Dialect, EventSource, Midnights, NO_MAX_LENGTH, NO_SAMPLE, Question, Relation, TimeKind,
    UserKind, sessions,
};
use crate::time::timestamp::Hour24;
use crate::time::zone::Zone;

/// Writes the statement.
pub(super) fn run(
    settings: &Settings,
    output: Output,
    dialect: Dialect,
) -> Result<Ending, Failure> {
    let statement = sessions(&question(settings, dialect)?)?;
    output.publish(|out| writeln!(out, "{statement};"), None)?;
    Ok(Ending::Whole)
}

fn question(settings: &Settings, dialect: Dialect) -> Result<Question, Failure> {
    if settings.max_length.is_some() {
        return Err(refused(NO_MAX_LENGTH));
    }
    if settings.sample.is_some() {
        return Err(refused(NO_SAMPLE));
    }
    let sources: Result<Vec<EventSource>, Failure> = settings.inputs.iter().map(source).collect();
    Ok(Question {
        dialect,
        sources: sources?,
        timeout: settings.timeout,
        midnights: settings.cut_day.then(|| midnights(settings)).transpose()?,
        window: settings.window,
        now: (!settings.now_is_clock).then_some(settings.now),
        counts_sources: false,
    })
}

fn midnights(settings: &Settings) -> Result<Midnights, Failure> {
    match settings.zone {
        Zone::UTC => Ok(Midnights::of_offset(0)),
        Zone::Fixed(offset) => Ok(Midnights::of_offset(i64::from(offset) * SECOND)),
        Zone::Named(zone) => Err(refused(&format!(
            "--cut day needs the midnights of {zone} over the whole data, which is not known here"
        ))
        .help("say --timezone UTC or an offset such as +01:00, whose days are all of one length")),
    }
}

/// An input as a source of the statement.
fn source(input: &Input) -> Result<EventSource, Failure> {
    let name = input.source_name();
    let of_source = |message: &str| refused(&format!("source \"{name}\": {message}"));
    let (relation, user, time) = match (&input.query, &input.table) {
        (Some(query), _) => {
            let statement = one_statement(query)?.to_owned();
            (Relation::Query(statement), Some("user"), Some("time"))
        }
        (None, Some(table)) => {
            let names = table.split('.').map(str::to_owned).collect();
            (Relation::Table(names), None, None)
        }
        (None, None) => {
            return Err(of_source("it names neither a table nor a query").help(
                "what is in a database or a file is not looked at: say table, user and time",
            ));
        }
    };
    if let Some(why) = unsayable(input) {
        return Err(of_source(why));
    }
    let column = |asked: Option<&String>, otherwise: Option<&str>, flag: &str| {
        let column = asked.map(String::as_str).or(otherwise).map(str::to_owned);
        column.ok_or_else(|| {
            of_source("its columns are not looked at, so they must be said").help(format!(
                "say {flag}, or in sessionize.toml user and time of the [[source]]"
            ))
        })
    };
    let unit = input.terms.time.epoch_unit;
    let kind = unit.map_or(TimeKind::Timestamp, |unit| {
        TimeKind::Epoch(unit, input.terms.time.epoch_window)
    });
    Ok(EventSource {
        role: input.role(&name, Role::Activity),
        drop_duplicates: input.drop_duplicates,
        relation,
        condition: input
            .filter
            .as_deref()
            .map(|filter| one_statement(filter).map(str::to_owned))
            .transpose()?,
        user: (
            column(input.columns.user.as_ref(), user, "--user-column")?,
            UserKind::Plain,
        ),
        time: (
            column(input.columns.time.first(), time, "--time-column")?,
            kind,
        ),
        name,
    })
}

/// What is said of a source's rows that a statement cannot say.
fn unsayable(input: &Input) -> Option<&'static str> {
    let (terms, time) = (&input.terms, &input.terms.time);
    let all = [
        (
            input.columns.source.is_some(),
            "the sources of --source-column are known only from its values",
        ),
        (
            input.columns.time.len() > 1,
            "a time in two columns is no one expression; make one in a query",
        ),
        (
            terms.filter.only.is_some(),
            "the users of --users are not part of a statement",
        ),
        (
            !terms.null_words.is_empty(),
            "words for a missing value are not known to SQL; use NULLIF in a query",
        ),
        (
            time.format.is_some(),
            "times in a format of their own are read differently by each engine; make a timestamp in a query",
        ),
        (
            time.zone.is_some_and(|zone| zone != Zone::UTC),
            "times without an offset are UTC here; convert them in a query",
        ),
        (
            time.hour_24 == Hour24::NextDay,
            "24:00:00 is read differently by each engine",
        ),
        (
            time.earliest > EARLIEST || time.latest < LATEST,
            "--min-time and --max-future refuse rows, which a statement cannot; use a condition in a query",
        ),
    ];
    all.into_iter()
        .find(|(is_said, _)| *is_said)
        .map(|(_, why)| why)
}

fn refused(why: &str) -> Failure {
    Failure::new(
        error::USAGE,
        format!("the statement cannot be written: {why}"),
    )
}
