//! The ends of a window as values bound to a PostgreSQL statement.

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Type};

use super::cells::TO_2000;
use crate::import::database::{Span, TimeKind};

pub(crate) fn placeholder(place: usize) -> String {
    format!("${place}")
}

/// A bound value.
pub(super) enum Bound {
    Number(i64),
    Time(Time),
}

/// A statement with values bound to it.
pub(super) fn bound(statement: &str, bounds: Vec<Bound>) -> Query<'_, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    bounds.into_iter().fold(query, |query, bound| match bound {
        Bound::Number(number) => query.bind(number),
        Bound::Time(time) => query.bind(time),
    })
}

/// A time as PostgreSQL counts it, with the type that it is compared as.
#[derive(Clone, Copy)]
pub(super) struct Time {
    since_2000: i64,
    oid: Oid,
}

/// The type numbers of `timestamptz` and `timestamp`, the same in every server.
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMP: Oid = Oid(1114);

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend(self.since_2000.to_be_bytes());
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.oid))
    }
}

pub(super) fn bounds_of(span: &Span, kind: TimeKind) -> Vec<Bound> {
    let bound = |value: i64| match kind {
        TimeKind::Number | TimeKind::Read => Bound::Number(value),
        TimeKind::Instant | TimeKind::Local => Bound::Time(Time {
            since_2000: value.saturating_sub(TO_2000),
            oid: match kind {
                TimeKind::Local => TIMESTAMP,
                _ => TIMESTAMPTZ,
            },
        }),
    };
    span.from.into_iter().chain(span.to).map(bound).collect()
}
