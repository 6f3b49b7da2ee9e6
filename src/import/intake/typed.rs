//! Rows of one source that come as typed columns, taken many at a time: what holds for all of them
//! is checked once, and where it does not hold they are taken one by one.

use crate::events::{Batch, Micros};
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
        let mut done = 0;
        while done < users.len() {
            let room = Batch::FULL.saturating_sub(self.batch.len()).max(1);
            let end = users.len().min(done + room);
            let (part, users) = (times.part(done, end), &users[done..end]);
            if self.settle(part) {
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
        mut users: impl Iterator<Item = &'t [u8]>,
        times: TypedTimes<'_>,
    ) {
        for from in (0..times.values.len()).step_by(Batch::FULL) {
            let to = times.values.len().min(from + Batch::FULL);
            let part = times.part(from, to);
            let is_settled = self.settle(part);
            for (row, user) in users.by_ref().take(to - from).enumerate() {
                if !is_settled || !self.push_text(user, row, source) {
                    let (line, user) = (line + (from + row) as u64, UserValue::Text(user));
                    let source = SourceValue::Known(source);
                    self.row(line, 0, source, user, part.value(row));
                }
            }
        }
    }

    /// Takes a row whose time is settled; whether its user could be read.
    #[inline]
    fn push_text(&mut self, user: &[u8], row: usize, source: u8) -> bool {
        let mut latin1 = std::mem::take(&mut self.latin1);
        let at = self.settled[row];
        let is_taken = match self.user(user, &mut latin1) {
            Ok(Some(user)) => {
                self.batch.push(at, user, source);
                true
            }
            _ => false,
        };
        self.latin1 = latin1;
        if is_taken {
            self.tally(source).read += 1;
            if self.batch.is_full() {
                self.hand_on();
            }
        }
        is_taken
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
