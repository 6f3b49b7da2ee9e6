//! Rows that say more than who and when: tracked sessions, and events that name theirs.

use crate::error;
use crate::events::Micros;
use crate::import::columns::Rows;
use crate::import::intake::{Column, Intake, Refusal, SourceValue, TimeValue, UserValue};
use crate::import::tracked::{push_end, push_id};

impl Intake<'_> {
    /// Takes one row, which becomes two entries of the batch (see [`crate::import::tracked`]).
    #[inline(never)]
    pub(super) fn tracked(
        &mut self,
        line: u64,
        byte: u64,
        user: UserValue<'_>,
        time: TimeValue<'_>,
        beside: SourceValue<'_>,
    ) {
        let own = self.names.own(self.input);
        match self.tracked_row(own, line, user, time, beside) {
            Ok(()) => {
                self.tally(own).read += 1;
                if self.noted != self.rounded() {
                    self.note_rounded(own);
                }
                if self.batch.is_full() {
                    self.hand_on();
                }
            }
            Err(refusal) => self.refuse(line, byte, own, refusal),
        }
    }

    fn tracked_row(
        &mut self,
        own: u8,
        line: u64,
        user: UserValue<'_>,
        time: TimeValue<'_>,
        beside: SourceValue<'_>,
    ) -> Result<(), Refusal> {
        let beside = match (beside, self.beside.0) {
            (SourceValue::Text(text), Rows::Sessions) => SourceValue::End(TimeValue::Text(text)),
            (SourceValue::Text(text), _) => SourceValue::Id(UserValue::Text(text)),
            (beside, _) => beside,
        };
        let of_beside = |refusal: Refusal| Refusal {
            column: Some(Column::Beside),
            ..refusal
        };
        let before = self.batch.len();
        match beside {
            SourceValue::End(_) if self.is_missing(time) => {
                self.tally(own).filtered_unstarted += 1;
            }
            SourceValue::End(end) => {
                let end = self.end(end, line).map_err(of_beside)?;
                self.event(own, user, time, line)?;
                // A user who is not asked for leaves nothing in the batch.
                if self.batch.len() > before {
                    push_end(&mut self.batch, end);
                }
            }
            SourceValue::Id(UserValue::Text(id)) => {
                let mut latin1 = String::new();
                let id = self.user(id, &mut latin1).map_err(of_beside)?;
                self.event(own, user, time, line)?;
                if self.batch.len() > before {
                    push_id(&mut self.batch, id);
                }
            }
            SourceValue::Id(id) => {
                let id = match id {
                    UserValue::Number(id) if !self.is_null_number(id) => {
                        Some(crate::events::UserId::Number(id))
                    }
                    _ => None,
                };
                self.event(own, user, time, line)?;
                if self.batch.len() > before {
                    push_id(&mut self.batch, id);
                }
            }
            SourceValue::Known(_) | SourceValue::Text(_) => self.event(own, user, time, line)?,
        }
        Ok(())
    }

    /// When a tracked session ended; `None` where nobody said, and for the years 1 and 9999 and
    /// infinity, by which applications say the same.
    fn end(&mut self, end: TimeValue<'_>, line: u64) -> Result<Option<Micros>, Refusal> {
        if self.is_missing(end) || matches!(end, TimeValue::Unusable("infinity" | "-infinity")) {
            return Ok(None);
        }
        match self.time(end, line) {
            Ok(end) => Ok(Some(end)),
            Err(refusal) if refusal.kind == error::OUT_OF_RANGE => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    fn is_missing(&self, time: TimeValue<'_>) -> bool {
        match time {
            TimeValue::Missing => true,
            TimeValue::Text(text) => self.is_null(text),
            TimeValue::Number(number) => self.is_null_number(number),
            _ => false,
        }
    }
}
