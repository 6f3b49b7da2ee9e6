//! A row of a source in PostgreSQL becomes an event.

use super::cells::{Codec, fixed, numeric_text};
use crate::import::database::{Reading, Stopped, unusable_user};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};

/// What reading rows keeps from one to the next.
pub(super) struct Met<'a> {
    pub(super) source: u8,
    pub(super) rows: u64,
    /// The text of an id, written over by the next one.
    pub(super) id: String,
    /// How key, user and time are read.
    pub(super) key: Option<Codec>,
    pub(super) user: Codec,
    pub(super) time: Codec,
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
        let (rows, source) = (self.rows, SourceValue::Known(self.source));
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
        let digits;
        let time = match (self.time, cell(self.reading.time_at)?) {
            (_, None) => TimeValue::Missing,
            (Codec::Numeric, Some(bytes)) => {
                digits = numeric_text(bytes).unwrap_or_default();
                match digits.parse() {
                    Ok(number) => TimeValue::Number(number),
                    Err(_) => TimeValue::Text(digits.as_bytes()),
                }
            }
            (time, Some(bytes)) => time_value(time, bytes)?,
        };
        let user = match cell(self.reading.user_at)? {
            Some(bytes) => self.user_value(bytes)?,
            None => UserValue::Missing,
        };
        let refusals = intake.refusals();
        intake.row(line.unwrap_or(rows), 0, source, user, time);
        if line.is_none() && intake.refusals() > refusals {
            name_refusal(codec, key, intake);
        }
        Ok(())
    }

    #[inline]
    fn user_value<'v>(&'v mut self, bytes: &'v [u8]) -> Result<UserValue<'v>, Stopped> {
        Ok(match self.user {
            Codec::Int2 | Codec::Int4 | Codec::Int8 => {
                UserValue::Number(self.user.counted(bytes)?.unwrap_or_default())
            }
            Codec::Bytes => UserValue::Text(binary_id(bytes, &mut self.id)),
            Codec::Numeric => match numeric_text(bytes) {
                Some(digits) if !digits.contains(['.', 'N', 'I']) => {
                    self.id = digits;
                    UserValue::Text(self.id.as_bytes())
                }
                _ => {
                    let refused = unusable_user(&self.reading.user, self.rows);
                    return Err(Stopped::Refused(refused));
                }
            },
            _ => UserValue::Text(bytes),
        })
    }
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

/// A time cell that is no decimal number.
#[inline]
fn time_value(codec: Codec, bytes: &[u8]) -> Result<TimeValue<'_>, Stopped> {
    let infinite = || {
        TimeValue::Unusable(if bytes[0] == 0x7f {
            "infinity"
        } else {
            "-infinity"
        })
    };
    Ok(match codec {
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
