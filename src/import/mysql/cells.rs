//! MySQL's cells: what the bytes of each type mean.

use sqlx::mysql::{MySqlColumn, MySqlRow, MySqlTypeInfo, MySqlValueRef};
use sqlx::{Column, Decode, MySql, Row, Type, TypeInfo};

use crate::events::{Micros, SECOND};
use crate::import::database::{ColumnKind, ResultColumn};
use crate::time::civil::{DAY, Date};

/// How a column's bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// An integer of so many bytes.
    Signed(u8),
    Unsigned(u8),
    Decimal,
    Text,
    Bytes,
    Float,
    Double,
    Timestamp,
    Datetime,
    Date,
    Other,
}

pub(super) fn result_column(column: &MySqlColumn) -> ResultColumn {
    ResultColumn {
        name: column.name().to_owned(),
        type_name: column.type_info().name().to_lowercase(),
        kind: match Codec::of(column) {
            Codec::Signed(_) | Codec::Unsigned(_) => ColumnKind::Integer,
            Codec::Decimal => ColumnKind::Decimal,
            Codec::Text => ColumnKind::Text,
            Codec::Bytes => ColumnKind::Binary,
            Codec::Float | Codec::Double => ColumnKind::Real,
            Codec::Timestamp => ColumnKind::Instant,
            Codec::Datetime => ColumnKind::Local,
            Codec::Date => ColumnKind::Date,
            Codec::Other => ColumnKind::Other,
        },
    }
}

impl Codec {
    pub(super) fn of(column: &MySqlColumn) -> Self {
        let kind: &MySqlTypeInfo = column.type_info();
        match kind.name() {
            "BOOLEAN" | "TINYINT" => Self::Signed(1),
            "SMALLINT" => Self::Signed(2),
            "MEDIUMINT" | "INT" => Self::Signed(4),
            "BIGINT" => Self::Signed(8),
            "TINYINT UNSIGNED" => Self::Unsigned(1),
            "SMALLINT UNSIGNED" => Self::Unsigned(2),
            "MEDIUMINT UNSIGNED" | "INT UNSIGNED" => Self::Unsigned(4),
            "BIGINT UNSIGNED" => Self::Unsigned(8),
            "DECIMAL" => Self::Decimal,
            "FLOAT" => Self::Float,
            "DOUBLE" => Self::Double,
            "TIMESTAMP" => Self::Timestamp,
            "DATETIME" => Self::Datetime,
            "DATE" => Self::Date,
            // A text of a `_bin` collation is called binary too; only the collation tells.
            _ if <str as Type<MySql>>::compatible(kind) => Self::Text,
            _ if <[u8] as Type<MySql>>::compatible(kind) => Self::Bytes,
            _ => Self::Other,
        }
    }

    /// An integer; nothing for other kinds.
    pub(super) fn number(self, bytes: &[u8]) -> Option<i128> {
        let (Self::Signed(width) | Self::Unsigned(width)) = self else {
            return None;
        };
        let bytes = bytes.get(..usize::from(width))?;
        let is_negative = matches!(self, Self::Signed(_)) && bytes.last()? & 0x80 != 0;
        let mut all = [if is_negative { 0xff } else { 0 }; 16];
        all[..bytes.len()].copy_from_slice(bytes);
        Some(i128::from_le_bytes(all))
    }
}

pub(crate) fn cells_of(row: &MySqlRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    let cell = |at: usize| {
        let codec = Codec::of(&row.columns()[at]);
        let Some(bytes) = bytes_of(row.try_get_raw(at)?)? else {
            return Ok(None);
        };
        Ok(Some(match codec.number(bytes) {
            Some(number) => number.to_string(),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }))
    };
    (0..row.len()).map(cell).collect()
}

/// The digits of a decimal number without a fraction, as the server writes it.
pub(super) fn whole_digits(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.iter().position(|&byte| byte == b'.') {
        Some(point) if bytes[point + 1..].iter().all(|&digit| digit == b'0') => {
            Some(&bytes[..point])
        }
        Some(_) => None,
        None => Some(bytes),
    }
}

/// Microseconds from 1970 to a date and time, on its own clock; in words what is none.
///
/// Its bytes are their number (0, 4, 7 or 11), then the year (two), month, day, hour, minute,
/// second, and microseconds (four); what is left out is zero.
pub(super) fn datetime(bytes: &[u8]) -> Result<Micros, &'static str> {
    let mut all = [0; 11];
    let given = bytes.get(1..).unwrap_or_default();
    let length = given.len().min(all.len());
    all[..length].copy_from_slice(&given[..length]);
    let [
        year_low,
        year_high,
        month,
        day,
        hour,
        minute,
        second,
        fraction @ ..,
    ] = all;
    let year = u16::from_le_bytes([year_low, year_high]);
    if (year, month, day) == (0, 0, 0) {
        return Err("the zero date 0000-00-00");
    }
    let date = Date::new(year.into(), month.into(), day.into()).ok_or("a date without a day")?;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let micros = i64::from(u32::from_le_bytes(fraction));
    Ok(date.days() * DAY + seconds * SECOND + micros)
}

/// A value's bytes. Zero dates are values here, not nulls.
pub(super) fn bytes_of(value: MySqlValueRef<'_>) -> Result<Option<&[u8]>, sqlx::Error> {
    match <&[u8] as Decode<MySql>>::decode(value) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.is::<sqlx::error::UnexpectedNullError>() => Ok(None),
        Err(cause) => Err(sqlx::Error::Decode(cause)),
    }
}
