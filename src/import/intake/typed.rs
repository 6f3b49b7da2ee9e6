//! Rows of one source that come as typed columns, taken many at a time: what holds for all of them
//! is checked once, and where it does not hold they are taken one by one.

use crate::events::{Batch, Micros, UserId};
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};

/// What a typed time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// A time as a cell. What does not fit into microseconds is out of every range.
    pub(crate) fn time(self, at: i64, is_instant: bool) -> TimeValue<'static> {
        match (self, is_instant) {
            (Unit::Nanoseconds, true) => TimeValue::InstantNanos(at),
            (Unit::Nanoseconds, false) => TimeValue::LocalNanos(at),
            (Unit::Microseconds, true) => TimeValue::Instant(at),
            (Unit::Microseconds, false) => TimeValue::Local(at),
            (Unit::Milliseconds, true) => TimeValue::Instant(at.saturating_mul(1000)),
            (Unit::Milliseconds, false) => TimeValue::Local(at.saturating_mul(1000)),
        }
    }
}

/// A column of typed times without nulls: since 1970 in UTC, or on the local clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypedTimes<'a> {
    pub(crate) values: &'a [i64],
    pub(crate) unit: Unit,
    pub(crate) is_instant: bool,
}

impl<'a> TypedTimes<'a> {
    fn value(&self, row: usize) -> TimeValue<'static> {
        self.unit.time(self.values[row], self.is_instant)
    }

    fn part(&self, from: usize, to: usize) -> Self {
        Self {
            values: &self.values[from..to],
            ..*self
        }
    }
}

impl Intake<'_> {
    /// Takes rows of one source whose users are numbers, the first at `line`; both columns are
    /// equally long. They count as if each were handed to [`Self::row`].
    pub(crate) fn numbers(&mut self, line: u64, source: u8, users: &[i64], times: TypedTimes<'_>) {
        let has_null_words = !self.terms.null_words.is_empty();
        let mut done = 0;
        while done < users.len() {
            let room = Batch::FULL.saturating_sub(self.batch.len()).max(1);
            let end = users.len().min(done + room);
            let (part, users) = (times.part(done, end), &users[done..end]);
            if !has_null_words && self.settle(part) {
                self.batch.push_numbers(&self.settled, users, source);
                self.tally(source).read += users.len() as u64;
                if self.batch.is_full() {
                    self.hand_on();
                }
            } else {
                for (row, user) in users.iter().enumerate() {
                    let (line, user) = (line + (done + row) as u64, UserValue::Number(*user));
                    let source = SourceValue::Known(source);
                    self.row(line, 0, source, user, part.value(row));
                }
            }
            done = end;
        }
    }

    /// The same for users that are texts, as many as there are times.
    pub(crate) fn texts<'t>(
        &mut self,
        line: u64,
        source: u8,
        mut users: impl Iterator<Item = &'t str>,
        times: TypedTimes<'_>,
    ) {
        let is_plain = !self.terms.latin1 && self.terms.null_words.is_empty();
        for from in (0..times.values.len()).step_by(Batch::FULL) {
            let to = times.values.len().min(from + Batch::FULL);
            let part = times.part(from, to);
            let is_settled = self.settle(part) && is_plain;
            for (row, user) in users.by_ref().take(to - from).enumerate() {
                if !is_settled || user.is_empty() || has_nul(user.as_bytes()) {
                    let line = line + (from + row) as u64;
                    let (source, user) = (SourceValue::Known(source), user.as_bytes());
                    self.row(line, 0, source, UserValue::Text(user), part.value(row));
                    continue;
                }
                self.batch
                    .push(self.settled[row], UserId::from_text(user), source);
                self.tally(source).read += 1;
                if self.batch.is_full() {
                    self.hand_on();
                }
            }
        }
    }

    /// Puts the times into [`Self::settled`] when all users are asked for and no time needs a
    /// second look: each is an instant in range, whole in microseconds, and not zero.
    fn settle(&mut self, times: TypedTimes<'_>) -> bool {
        if !self.all_users || !times.is_instant {
            return false;
        }
        let values = times.values.iter();
        self.settled.clear();
        let is_whole = match times.unit {
            Unit::Milliseconds => {
                self.settled
                    .extend(values.map(|at| at.saturating_mul(1000)));
                true
            }
            Unit::Microseconds => {
                self.settled.extend(values);
                true
            }
            Unit::Nanoseconds => {
                self.settled.extend(values.clone().map(|at| at / 1000));
                values.fold(true, |is_whole, at| is_whole & (at % 1000 == 0))
            }
        };
        let (earliest, latest) = self.parser.range();
        let is_usual = |at: &Micros| (earliest <= *at) & (*at <= latest) & (*at != 0);
        is_whole && self.settled.iter().fold(true, |all, at| all & is_usual(at))
    }
}

/// Whether a short text holds a NUL byte: eight bytes at a time.
#[inline]
fn has_nul(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let (eights, rest) = text.as_chunks::<8>();
    let nul_in = |eight: &[u8; 8]| {
        let bytes = u64::from_le_bytes(*eight);
        bytes.wrapping_sub(EACH) & !bytes & (0x80 * EACH)
    };
    let found = eights.iter().fold(0, |all, eight| all | nul_in(eight));
    found != 0 || rest.contains(&0)
}
