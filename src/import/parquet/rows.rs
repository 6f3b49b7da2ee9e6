//! From decoded columns to rows: each column has its own windows, and as many rows are handed on at
//! once as the windows have in common.

use polars_arrow::array::{Array, StaticArray};

use crate::error::Failure;
use crate::import::columns::Rows;
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, TypedTimes, UserValue};
use crate::import::parquet::chunk::{Chunk, Values};
use crate::import::parquet::damaged;
use crate::import::parquet::leaves::Kind;

/// A column of one row group.
pub(crate) enum Column<'p> {
    /// Read from the file.
    Read(Box<Chunk<'p>>),
    /// The same for all rows.
    Same(Option<&'p str>),
}

/// A column and what of it is decoded but not yet handed on.
struct Cursor<'p> {
    column: Column<'p>,
    window: Option<Values>,
    /// The next row in the window.
    at: usize,
}

impl<'p> Cursor<'p> {
    fn new(column: Column<'p>) -> Self {
        Self {
            column,
            window: None,
            at: 0,
        }
    }

    /// How many rows are ready; none when there is no end to them.
    fn ready(&mut self) -> Result<Option<usize>, Failure> {
        let Column::Read(chunk) = &mut self.column else {
            return Ok(None);
        };
        loop {
            let ready = self.window.as_ref().map_or(0, Values::len) - self.at;
            if ready > 0 {
                return Ok(Some(ready));
            }
            // The old window goes before the new one comes.
            self.window = None;
            self.at = 0;
            self.window = chunk.next_window()?;
            if self.window.is_none() {
                return Err(damaged("file is damaged: a column has too few rows"));
            }
        }
    }

    fn cells(&self) -> Cells<'_> {
        match (&self.column, &self.window) {
            (Column::Same(text), _) => Cells::Same(*text),
            (Column::Read(chunk), Some(values)) => Cells::Decoded(values, chunk.kind(), self.at),
            (Column::Read(_), None) => Cells::Same(None),
        }
    }
}

/// Hands on rows, so many from a first number on: user, time, and the source where rows name it.
pub(crate) fn hand_on(
    [user, time]: [Column<'_>; 2],
    source: Option<Column<'_>>,
    (mut line, mut rows): (u64, usize),
    intake: &mut Intake<'_>,
    own: u8,
) -> Result<(), Failure> {
    let mut user = Cursor::new(user);
    let mut time = Cursor::new(time);
    let mut source = source.map(Cursor::new);
    while rows > 0 {
        let mut cursors: Vec<&mut Cursor<'_>> = [&mut user, &mut time]
            .into_iter()
            .chain(&mut source)
            .collect();
        let mut count = rows;
        for cursor in &mut cursors {
            count = cursor.ready()?.map_or(count, |ready| count.min(ready));
        }
        let sources = source.as_ref().map(Cursor::cells);
        take(
            user.cells(),
            time.cells(),
            sources,
            (line, count),
            intake,
            own,
        );
        for cursor in [&mut user, &mut time].into_iter().chain(&mut source) {
            cursor.at += count;
        }
        line += count as u64;
        rows -= count;
    }
    Ok(())
}

/// Hands on rows that are all decoded.
fn take(
    users: Cells<'_>,
    times: Cells<'_>,
    sources: Option<Cells<'_>>,
    (line, count): (u64, usize),
    intake: &mut Intake<'_>,
    own: u8,
) {
    if sources.is_none()
        && let Some(times) = times.typed(count)
    {
        if let Some(users) = users.numbers(count) {
            return intake.numbers(line, own, users, times);
        }
        if let Cells::Decoded(Values::Text(users), _, at) = users
            && users.validity().is_none()
        {
            let users = (at..at + count).map(|row| users.value(row));
            return intake.texts(line, own, users, times);
        }
    }
    let (mut id, mut name) = (String::new(), String::new());
    for row in 0..count {
        let source = match (&sources, intake.rows()) {
            (None, _) => SourceValue::Known(own),
            (Some(sources), Rows::Events) => SourceValue::Text(sources.name(row, &mut name)),
            (Some(ends), Rows::Sessions) => SourceValue::End(ends.time(row)),
            (Some(ids), Rows::Labelled) => SourceValue::Id(ids.user(row, &mut name)),
        };
        let (user, time) = (users.user(row, &mut id), times.time(row));
        intake.row(line + row as u64, 0, source, user, time);
    }
}

/// The cells of a column from its next row on.
#[derive(Clone, Copy)]
enum Cells<'w> {
    Decoded(&'w Values, Kind, usize),
    Same(Option<&'w str>),
}

impl<'w> Cells<'w> {
    /// The next rows as numbers, when none is null.
    fn numbers(self, count: usize) -> Option<&'w [i64]> {
        match self {
            Cells::Decoded(Values::Numbers(numbers), _, at) if numbers.validity().is_none() => {
                Some(&numbers.values()[at..at + count])
            }
            _ => None,
        }
    }

    /// The next rows as typed times, when none is null.
    fn typed(self, count: usize) -> Option<TypedTimes<'w>> {
        match self {
            Cells::Decoded(_, Kind::Time { unit, is_instant }, _) => Some(TypedTimes {
                values: self.numbers(count)?,
                unit,
                is_instant,
            }),
            _ => None,
        }
    }

    fn user<'t>(self, row: usize, text: &'t mut String) -> UserValue<'t>
    where
        'w: 't,
    {
        let user = match self {
            Cells::Same(same) => same.map(|same| UserValue::Text(same.as_bytes())),
            Cells::Decoded(values, _, at) => {
                let row = at + row;
                match values {
                    Values::Numbers(numbers) => numbers.get(row).map(UserValue::Number),
                    Values::Unsigned(numbers) => numbers.get(row).map(|number| {
                        number_or(i64::try_from(number).ok(), || number.to_string(), text)
                    }),
                    Values::Decimals(numbers) => numbers.get(row).map(|number| {
                        number_or(i64::try_from(number).ok(), || number.to_string(), text)
                    }),
                    Values::Text(texts) => texts.get(row).map(|it| UserValue::Text(it.as_bytes())),
                    Values::Binary(bytes) => bytes
                        .get(row)
                        .map(|it| UserValue::Text(binary_id(it, text))),
                    Values::Fixed(bytes) => bytes
                        .get(row)
                        .map(|it| UserValue::Text(binary_id(it, text))),
                }
            }
        };
        user.unwrap_or(UserValue::Missing)
    }

    fn time(self, row: usize) -> TimeValue<'w> {
        let time = match self {
            Cells::Same(same) => same.map(|same| TimeValue::Text(same.as_bytes())),
            Cells::Decoded(values, kind, at) => {
                let row = at + row;
                match values {
                    Values::Numbers(numbers) => numbers.get(row).map(|value| match kind {
                        Kind::Time { unit, is_instant } => unit.time(value, is_instant),
                        _ => TimeValue::Number(value),
                    }),
                    Values::Unsigned(numbers) => numbers.get(row).map(|number| {
                        i64::try_from(number).map_or(
                            TimeValue::Unusable("a number over 2^63 - 1"),
                            TimeValue::Number,
                        )
                    }),
                    Values::Text(texts) => texts.get(row).map(|it| TimeValue::Text(it.as_bytes())),
                    Values::Decimals(_) | Values::Binary(_) | Values::Fixed(_) => None,
                }
            }
        };
        time.unwrap_or(TimeValue::Missing)
    }

    /// A source's name; empty when there is none.
    fn name<'t>(self, row: usize, text: &'t mut String) -> &'t [u8]
    where
        'w: 't,
    {
        let number = match self {
            Cells::Decoded(Values::Numbers(numbers), _, at) => {
                numbers.get(at + row).map(|number| number.to_string())
            }
            Cells::Decoded(Values::Unsigned(numbers), _, at) => {
                numbers.get(at + row).map(|number| number.to_string())
            }
            _ => {
                return match self.user(row, text) {
                    UserValue::Text(name) => name,
                    UserValue::Number(_) | UserValue::Missing => &[],
                };
            }
        };
        *text = number.unwrap_or_default();
        text.as_bytes()
    }
}

/// A number where it fits, and else its digits.
fn number_or(
    number: Option<i64>,
    digits: impl FnOnce() -> String,
    text: &mut String,
) -> UserValue<'_> {
    match number {
        Some(number) => UserValue::Number(number),
        None => {
            *text = digits();
            UserValue::Text(text.as_bytes())
        }
    }
}
