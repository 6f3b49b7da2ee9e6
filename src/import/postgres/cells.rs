//! PostgreSQL's cells: what the bytes of each type mean.

use sqlx::postgres::{PgColumn, PgRow, PgTypeInfo, PgTypeKind};
use sqlx::{Column, Row, TypeInfo, ValueRef};

use crate::events::{Micros, SECOND};
use crate::import::database::{ColumnKind, ResultColumn};

/// Microseconds from 1970 to 2000, from which PostgreSQL counts.
pub(super) const TO_2000: Micros = 946_684_800 * SECOND;

/// How a column's bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Int2,
    Int4,
    Int8,
    Numeric,
    Text,
    Bytes,
    Float4,
    Float8,
    Timestamptz,
    Timestamp,
    Date,
    Other,
}

pub(super) fn result_column(column: &PgColumn) -> ResultColumn {
    ResultColumn {
        name: column.name().to_owned(),
        type_name: column.type_info().name().to_lowercase(),
        kind: match Codec::of(column) {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => ColumnKind::Integer,
            Codec::Numeric => ColumnKind::Decimal,
            Codec::Text => ColumnKind::Text,
            Codec::Bytes => ColumnKind::Binary,
            Codec::Float4 | Codec::Float8 => ColumnKind::Real,
            Codec::Timestamptz => ColumnKind::Instant,
            Codec::Timestamp => ColumnKind::Local,
            Codec::Date => ColumnKind::Date,
            Codec::Other => ColumnKind::Other,
        },
    }
}

impl Codec {
    pub(super) fn of(column: &PgColumn) -> Self {
        Self::of_type(column.type_info())
    }

    fn of_type(kind: &PgTypeInfo) -> Self {
        match kind.name() {
            "INT2" => Self::Int2,
            "INT4" => Self::Int4,
            "INT8" => Self::Int8,
            "NUMERIC" => Self::Numeric,
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "citext" | "unknown" => Self::Text,
            "UUID" | "BYTEA" => Self::Bytes,
            "FLOAT4" => Self::Float4,
            "FLOAT8" => Self::Float8,
            "TIMESTAMPTZ" => Self::Timestamptz,
            "TIMESTAMP" => Self::Timestamp,
            "DATE" => Self::Date,
            _ => match kind.kind() {
                PgTypeKind::Domain(base) => Self::of_type(base),
                PgTypeKind::Enum(_) => Self::Text,
                _ => Self::Other,
            },
        }
    }

    /// An integer, or a time as microseconds since 1970; nothing where it is infinite.
    #[inline]
    pub(super) fn counted(self, bytes: &[u8]) -> Result<Option<i64>, sqlx::Error> {
        Ok(match self {
            Self::Int2 => Some(i16::from_be_bytes(fixed(bytes)?).into()),
            Self::Int4 => Some(i32::from_be_bytes(fixed(bytes)?).into()),
            Self::Int8 => Some(i64::from_be_bytes(fixed(bytes)?)),
            Self::Timestamptz | Self::Timestamp => match i64::from_be_bytes(fixed(bytes)?) {
                i64::MAX | i64::MIN => None,
                since_2000 => Some(since_2000.saturating_add(TO_2000)),
            },
            _ => None,
        })
    }
}

pub(crate) fn cells_of(row: &PgRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    let text = |at: usize| {
        let Some(bytes) = cell_of(row, at)? else {
            return Ok(None);
        };
        let codec = Codec::of(&row.columns()[at]);
        Ok(Some(match codec {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => {
                codec.counted(bytes)?.unwrap_or_default().to_string()
            }
            Codec::Numeric => numeric_text(bytes).unwrap_or_default(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }))
    };
    (0..row.len()).map(text).collect()
}

/// A cell's bytes.
pub(super) fn cell_of(row: &PgRow, at: usize) -> Result<Option<&[u8]>, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    match value.is_null() {
        true => Ok(None),
        false => value.as_bytes().map(Some).map_err(sqlx::Error::Decode),
    }
}

pub(super) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], sqlx::Error> {
    bytes
        .try_into()
        .map_err(|cause| sqlx::Error::Decode(Box::new(cause)))
}

/// The plain digits of a `numeric`: no point without a fraction, no zeros at the fraction's end.
///
/// Its bytes are four 16-bit numbers (count of digits, weight of the first, sign, scale), then
/// digits to the base 10,000; nothing when they are not.
pub(super) fn numeric_text(bytes: &[u8]) -> Option<String> {
    let mut words = bytes
        .chunks_exact(2)
        .map(|word| i16::from_be_bytes([word[0], word[1]]));
    let (count, weight, sign, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let mut text = String::new();
    match sign as u16 {
        0 => {}
        0x4000 => text.push('-'),
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        _ => return Some("-Infinity".to_owned()),
    }
    let digits: Vec<i16> = words.take(usize::try_from(count).ok()?).collect();
    let digit = |place: i32| -> i16 {
        let index = i32::from(weight) - place;
        usize::try_from(index)
            .ok()
            .and_then(|index| digits.get(index).copied())
            .unwrap_or(0)
    };
    let whole: String = (0..=i32::from(weight).max(0))
        .rev()
        .map(|place| format!("{:04}", digit(place)))
        .collect();
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    let last = i32::from(weight) - digits.len() as i32 + 1;
    let fraction: String = (last..0)
        .rev()
        .map(|place| format!("{:04}", digit(place)))
        .collect();
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    Some(if text == "-0" { "0".to_owned() } else { text })
}
