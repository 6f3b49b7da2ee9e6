//! A row of a source in MySQL becomes an event.

use sqlx::Row;
use sqlx::mysql::MySqlRow;

use super::cells::{Codec, bytes_of, datetime, whole_digits};
use crate::import::columns::Rows;
use crate::import::database::{Reading, Stopped, unusable_user};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};

/// What reading rows keeps from one to the next.
pub(super) struct Met {
    pub(super) source: u8,
    pub(super) rows: u64,
    /// The text of an id, written over by the next one.
    pub(super) id: String,
    /// The same of the id beside it.
    pub(super) beside: String,
    /// How key, user and time are read, once there was a row.
    pub(super) codecs: Option<(Option<Codec>, Codec, Codec)>,
}

impl Met {
    pub(super) fn take(
        &mut self,
        row: &MySqlRow,
        reading: &Reading,
        intake: &mut Intake<'_>,
    ) -> Result<(), Stopped> {
        self.rows += 1;
        let (rows, source) = (self.rows, self.source);
        let (key, user, time) = *self.codecs.get_or_insert_with(|| {
            let codec = |at: usize| Codec::of(&row.columns()[at]);
            (
                reading.key_at.map(codec),
                codec(reading.user_at),
                codec(reading.time_at),
            )
        });
        let key_bytes = match reading.key_at {
            Some(at) => bytes_of(row.try_get_raw(at)?)?,
            None => None,
        };
        let line = key
            .zip(key_bytes)
            .and_then(|(key, bytes)| u64::try_from(key.number(bytes)?).ok());
        let time = time_value(time, bytes_of(row.try_get_raw(reading.time_at)?)?);
        let refused = |column: &str| Stopped::Refused(unusable_user(column, rows));
        let user = match bytes_of(row.try_get_raw(reading.user_at)?)? {
            Some(bytes) => {
                let user = user_value(user, bytes, &mut self.id);
                user.ok_or_else(|| refused(&reading.user))?
            }
            None => UserValue::Missing,
        };
        let source = match &reading.beside {
            None => SourceValue::Known(source),
            Some(beside) => {
                let bytes = bytes_of(row.try_get_raw(beside.at)?)?;
                let codec = Codec::of(&row.columns()[beside.at]);
                match (beside.rows, bytes) {
                    (Rows::Labelled, Some(bytes)) => {
                        let id = user_value(codec, bytes, &mut self.beside);
                        SourceValue::Id(id.ok_or_else(|| refused(&beside.name))?)
                    }
                    (Rows::Labelled, None) => SourceValue::Id(UserValue::Missing),
                    _ => SourceValue::End(time_value(codec, bytes)),
                }
            }
        };
        let refusals = intake.refusals();
        intake.row(line.unwrap_or(rows), 0, source, user, time);
        if line.is_none() && intake.refusals() > refusals {
            let mut text = String::new();
            match (key, key_bytes) {
                (Some(Codec::Text), Some(key)) => intake.name_last_refusal(key),
                (Some(Codec::Bytes), Some(key)) => {
                    intake.name_last_refusal(binary_id(key, &mut text));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A cell as a user; nothing where it is a number with a fraction.
fn user_value<'v>(codec: Codec, bytes: &'v [u8], id: &'v mut String) -> Option<UserValue<'v>> {
    Some(match codec {
        Codec::Signed(_) | Codec::Unsigned(_) => {
            let number = codec.number(bytes).unwrap_or_default();
            match i64::try_from(number) {
                Ok(number) => UserValue::Number(number),
                Err(_) => {
                    *id = number.to_string();
                    UserValue::Text(id.as_bytes())
                }
            }
        }
        Codec::Bytes => UserValue::Text(binary_id(bytes, id)),
        Codec::Decimal => UserValue::Text(whole_digits(bytes)?),
        _ => UserValue::Text(bytes),
    })
}

fn time_value(codec: Codec, bytes: Option<&[u8]>) -> TimeValue<'_> {
    let Some(bytes) = bytes else {
        return TimeValue::Missing;
    };
    match codec {
        Codec::Timestamp => datetime(bytes).map_or_else(TimeValue::Unusable, TimeValue::Instant),
        Codec::Datetime => datetime(bytes).map_or_else(TimeValue::Unusable, TimeValue::Local),
        Codec::Signed(_) | Codec::Unsigned(_) => {
            let number = codec.number(bytes).unwrap_or_default();
            TimeValue::Number(i64::try_from(number).unwrap_or(i64::MAX))
        }
        Codec::Float => bytes
            .try_into()
            .map_or(TimeValue::Unusable("a number"), |bytes| {
                TimeValue::Real(f32::from_le_bytes(bytes).into())
            }),
        Codec::Double => bytes
            .try_into()
            .map_or(TimeValue::Unusable("a number"), |bytes| {
                TimeValue::Real(f64::from_le_bytes(bytes))
            }),
        Codec::Decimal => match whole_digits(bytes)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        {
            Some(number) => TimeValue::Number(number),
            None => TimeValue::Text(bytes),
        },
        _ => TimeValue::Text(bytes),
    }
}
