//! A row of a source in PostgreSQL becomes an event.

use super::cells::{Codec, fixed, numeric_text};
use crate::import::columns::Rows;
use crate::import::database::{Reading, Stopped, unusable_user};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};

/// What reading rows keeps from one to the next.
pub(super) struct Met<'a> {
    pub(super) source: u8,
    pub(super) rows: u64,
    /// The text of an id, written over by the next one.
    pub(super) id: String,
    /// The same of the id beside it.
    pub(super) beside: String,
    /// How key, user and time are read.
    pub(super) key: Option<Codec>,
    pub(super) user: Codec,
    pub(super) time: Codec,
    /// How what rows have more than events is read.
    pub(super) beside_codec: Option<Codec>,
    pub(super) reading: &'a Reading,
}

impl Met<'_> {
    /// Takes a row, whose cells are asked for by their place.
    #[inline]
    pub(super) fn take<'v>(
        &mut self,
        cell: &impl Fn(usize) -> Result<Option<&'v [u8]>, sqlx::Error>,
        intake: &mut Intake<'_>,
    ) -> Result<(), Stopped> {
        self.rows += 1;
        let rows = self.rows;
        let key = match self.reading.key_at {
            Some(at) => cell(at)?,
            None => None,
        };
        let line = match (self.key, key) {
            (Some(codec @ (Codec::Int2 | Codec::Int4 | Codec::Int8)), Some(bytes)) => codec
                .counted(bytes)?
                .and_then(|number| u64::try_from(number).ok()),
            _ => None,
        };
        let codec = self.key;
        let (mut digits, mut end_digits) = (String::new(), String::new());
        let time = time_value(self.time, cell(self.reading.time_at)?, &mut digits)?;
        let refused = |column: &str| Stopped::Refused(unusable_user(column, rows));
        let user = user_value(self.user, cell(self.reading.user_at)?, &mut self.id);
        let user = user?.ok_or_else(|| refused(&self.reading.user))?;
        let source = match (&self.reading.beside, self.beside_codec) {
            (Some(beside), Some(codec)) => {
                let bytes = cell(beside.at)?;
                match beside.rows {
                    Rows::Labelled => {
                        let id = user_value(codec, bytes, &mut self.beside)?;
                        SourceValue::Id(id.ok_or_else(|| refused(&beside.name))?)
                    }
                    _ => SourceValue::End(time_value(codec, bytes, &mut end_digits)?),
                }
            }
            _ => SourceValue::Known(self.source),
        };
        let refusals = intake.refusals();
        intake.row(line.unwrap_or(rows), 0, source, user, time);
        if line.is_none() && intake.refusals() > refusals {
            name_refusal(codec, key, intake);
        }
        Ok(())
    }
}

/// A cell as a user; nothing where it is a number with a fraction.
#[inline]
fn user_value<'v>(
    codec: Codec,
    bytes: Option<&'v [u8]>,
    id: &'v mut String,
) -> Result<Option<UserValue<'v>>, Stopped> {
    let Some(bytes) = bytes else {
        return Ok(Some(UserValue::Missing));
    };
    Ok(Some(match codec {
        Codec::Int2 | Codec::Int4 | Codec::Int8 => {
            UserValue::Number(codec.counted(bytes)?.unwrap_or_default())
        }
        Codec::Bytes => UserValue::Text(binary_id(bytes, id)),
        Codec::Numeric => match numeric_text(bytes) {
            Some(digits) if !digits.contains(['.', 'N', 'I']) => {
                *id = digits;
                UserValue::Text(id.as_bytes())
            }
            _ => return Ok(None),
        },
        _ => UserValue::Text(bytes),
    }))
}

/// Says which row was refused, where its key is no number.
#[cold]
fn name_refusal(codec: Option<Codec>, key: Option<&[u8]>, intake: &mut Intake<'_>) {
    let mut text = String::new();
    match (codec, key) {
        (Some(Codec::Bytes), Some(key)) => intake.name_last_refusal(binary_id(key, &mut text)),
        (Some(Codec::Text), Some(key)) => intake.name_last_refusal(key),
        _ => {}
    }
}

/// A cell as a time; a decimal number's digits are put into `digits`.
#[inline]
fn time_value<'v>(
    codec: Codec,
    bytes: Option<&'v [u8]>,
    digits: &'v mut String,
) -> Result<TimeValue<'v>, Stopped> {
    let Some(bytes) = bytes else {
        return Ok(TimeValue::Missing);
    };
    let infinite = || {
        TimeValue::Unusable(if bytes[0] == 0x7f {
            "infinity"
        } else {
            "-infinity"
        })
    };
    Ok(match codec {
        Codec::Numeric => {
            *digits = numeric_text(bytes).unwrap_or_default();
            match digits.parse() {
                Ok(number) => TimeValue::Number(number),
                Err(_) => TimeValue::Text(digits.as_bytes()),
            }
        }
        Codec::Timestamptz => codec
            .counted(bytes)?
            .map_or_else(infinite, TimeValue::Instant),
        Codec::Timestamp => codec
            .counted(bytes)?
            .map_or_else(infinite, TimeValue::Local),
        Codec::Int2 | Codec::Int4 | Codec::Int8 => {
            TimeValue::Number(codec.counted(bytes)?.unwrap_or_default())
        }
        Codec::Float4 => TimeValue::Real(f32::from_be_bytes(fixed(bytes)?).into()),
        Codec::Float8 => TimeValue::Real(f64::from_be_bytes(fixed(bytes)?)),
        _ => TimeValue::Text(bytes),
    })
}
