//! What all database importers share: how a source is asked for, and
//! the statement that reads a source. Connections and values are each importer's own.

use crate::error::{self, Failure};
use crate::events::Role;
use crate::import::columns::{self, Wanted};
use crate::import::presets::Preset;
use crate::sql::Dialect;

/// Which rows of a database are a source.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    /// A built-in query, with the columns that it found.
    Preset {
        preset: &'static Preset,
        user: String,
        time: String,
    },
    /// All rows of a table or view; columns that are not named are looked for.
    Table {
        table: String,
        user: Option<String>,
        time: Option<String>,
    },
    /// One statement of the operator's, trusted to be meant; columns that are not named are
    /// `user` and `time`, else looked for.
    Text {
        statement: String,
        user: Option<String>,
        time: Option<String>,
    },
}

/// A source that a database holds without being told.
#[derive(Clone, Debug)]
pub(crate) struct FoundSource {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its events do.
    pub(crate) role: Role,
    /// How to read it.
    pub(crate) query: Query,
}

/// A query that is ready to run, and the columns that were chosen, to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// One statement.
    pub(crate) statement: String,
    /// The user column's name.
    pub(crate) user: String,
    /// The time column's name.
    pub(crate) time: String,
    /// Where the result holds the row's key, if it does.
    pub(crate) key_at: Option<usize>,
    /// Where the result holds the user.
    pub(crate) user_at: usize,
    /// Where the result holds the time.
    pub(crate) time_at: usize,
}

impl Reading {
    /// A built-in query with these columns.
    pub(crate) fn of_preset(
        dialect: Dialect,
        preset: &Preset,
        user: &str,
        time: &str,
    ) -> Result<Self, Failure> {
        let statement = preset
            .statement
            .replace("{user}", &dialect.identifier(user)?)
            .replace("{time}", &dialect.identifier(time)?);
        Ok(Self::keyed(statement, user, time))
    }

    /// All rows of a table with these columns, which it must have. `key` is what identifies a row
    /// in the dialect, where there is such a thing.
    pub(crate) fn of_table(
        dialect: Dialect,
        table: &str,
        user: &str,
        time: &str,
        key: Option<&str>,
    ) -> Result<Self, Failure> {
        let table = dialect.identifier(table)?;
        let key = key.map_or_else(|| "NULL".to_owned(), |key| format!("{table}.{key}"));
        let statement = format!(
            "SELECT {key} AS row_key, {table}.{} AS user, {table}.{} AS at FROM {table}",
            dialect.identifier(user)?,
            dialect.identifier(time)?
        );
        Ok(Self::keyed(statement, user, time))
    }

    /// A statement with these result columns.
    pub(crate) fn of_text(
        statement: &str,
        header: &[String],
        user: Option<&str>,
        time: Option<&str>,
    ) -> Result<Self, Failure> {
        let choose = |wanted: Wanted, asked: Option<&str>| {
            let plain = header.iter().any(|name| name == wanted.what);
            let asked = asked.or_else(|| plain.then_some(wanted.what));
            columns::choose(header, wanted, asked)
        };
        let user_at = choose(columns::USER, user)?;
        let time_at = choose(columns::TIME, time)?;
        Ok(Self {
            statement: statement.to_owned(),
            user: header[user_at].clone(),
            time: header[time_at].clone(),
            key_at: None,
            user_at,
            time_at,
        })
    }

    fn keyed(statement: String, user: &str, time: &str) -> Self {
        Self {
            statement,
            user: user.to_owned(),
            time: time.to_owned(),
            key_at: Some(0),
            user_at: 1,
            time_at: 2,
        }
    }
}

/// The statement without a semicolon at its end; an error when there is more than one, or none.
/// Semicolons inside quotes and comments are left alone.
pub(crate) fn one_statement(text: &str) -> Result<&str, Failure> {
    let refuse = |message: &str| Err(Failure::new(error::USAGE, message));
    let ends = statement_ends(text);
    let mut said = ends
        .windows(2)
        .map(|ends| text[ends[0]..ends[1]].trim_start_matches(';'))
        .filter(|part| !is_silent(part));
    match (said.next(), said.next()) {
        (Some(only), None) => Ok(only.trim()),
        (None, _) => refuse("the query holds no statement"),
        (Some(_), Some(_)) => refuse("the query holds more than one statement"),
    }
}

/// The start, each semicolon that ends a statement, and the end.
fn statement_ends(text: &str) -> Vec<usize> {
    let mut ends = vec![0];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let skipped = skipped(rest);
        if skipped == 0 && rest.starts_with(';') {
            ends.push(at);
        }
        at += skipped.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    ends.push(text.len());
    ends
}

/// The length of the quoted text or comment that this begins with, or 0.
fn skipped(text: &str) -> usize {
    let close = match text.as_bytes() {
        [b'-', b'-', ..] => "\n",
        [b'/', b'*', ..] => "*/",
        [b'\'', ..] => "'",
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        [b'[', ..] => "]",
        _ => return 0,
    };
    let open = if close == "\n" || close == "*/" { 2 } else { 1 };
    text[open..]
        .find(close)
        .map_or(text.len(), |found| open + found + close.len())
}

/// Whether there is nothing but spaces and comments.
fn is_silent(text: &str) -> bool {
    let rest = text.trim_start();
    match rest.as_bytes() {
        [] => true,
        [b'-', b'-', ..] | [b'/', b'*', ..] => is_silent(&rest[skipped(rest)..]),
        _ => false,
    }
}
