//! The ends of a window as values bound to a MySQL statement.

use chrono::DateTime;
use sqlx::mysql::MySqlArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql};

use crate::events::{Micros, SECOND};
use crate::import::database::{Span, TimeKind};

/// How a bound value is written: the server takes a time for one of its own, and so uses an index.
pub(crate) fn placeholder(kind: TimeKind) -> impl Fn(usize) -> String {
    move |_| match kind {
        TimeKind::Instant | TimeKind::Local => "CAST(? AS DATETIME(6))".to_owned(),
        TimeKind::Number | TimeKind::Read => "?".to_owned(),
    }
}

/// A bound value.
pub(super) enum Bound {
    Number(i64),
    Time(String),
}

pub(super) fn bounds_of(span: &Span, kind: TimeKind) -> Vec<Bound> {
    let bound = |value: i64| match kind {
        TimeKind::Number | TimeKind::Read => Bound::Number(value),
        TimeKind::Instant | TimeKind::Local => Bound::Time(literal(value)),
    };
    span.from.into_iter().chain(span.to).map(bound).collect()
}

/// A time as MySQL reads it, without quotes; one that it cannot hold becomes the nearest one that it can.
pub(crate) fn literal(at: Micros) -> String {
    const YEAR_1: Micros = -62_135_596_800 * SECOND;
    const YEAR_10000: Micros = 253_402_300_800 * SECOND;
    let at = DateTime::from_timestamp_micros(at.clamp(YEAR_1, YEAR_10000 - 1)).unwrap_or_default();
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// A statement with values bound to it.
pub(super) fn bound(statement: &str, bounds: Vec<Bound>) -> Query<'_, MySql, MySqlArguments> {
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    bounds.into_iter().fold(query, |query, bound| match bound {
        Bound::Number(number) => query.bind(number),
        Bound::Time(time) => query.bind(time),
    })
}
