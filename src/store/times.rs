//! Times as a store's columns hold them: read from text, and written the way that the column's
//! other values are written.

use crate::error::Failure;
use crate::events::{Micros, SECOND};
use crate::sql::Dialect;
use crate::store::Store;
use crate::store::columns::{Column, Kind, Table};
use crate::time::timestamp::{EpochUnit, TimeParser, TimeSpec, print_instant};
use crate::time::zone::Zone;

/// Reads the times of one column.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    parser: TimeParser,
    rows: u64,
}

impl Reader {
    /// Of a column; times without an offset are taken as `spec` says, those of an instant are UTC.
    pub(crate) fn new(column: &Column, spec: &TimeSpec) -> Self {
        let mut spec = spec.clone();
        if column.kind == Kind::Instant {
            spec.zone = Some(Zone::UTC);
        }
        Self {
            parser: TimeParser::new(&spec),
            rows: 0,
        }
    }

    /// The instant that a cell says; why it says none (a clause).
    pub(crate) fn read(&mut self, cell: &str) -> Result<Micros, String> {
        self.rows += 1;
        // A real number: SQLite writes 5 as 5.0.
        if let Some((whole, fraction)) = decimal(cell) {
            if fraction.bytes().all(|digit| digit == b'0') {
                return self.read(whole);
            }
            if let Ok(number) = whole.parse()
                && unit_of(number) == EpochUnit::Seconds
            {
                return Ok(number * SECOND + micros_of(fraction));
            }
        }
        let read = self.parser.text(cell.as_bytes(), self.rows);
        read.map_err(|refusal| refusal.message)
    }
}

/// How one column's times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// On the clock of this zone.
    Clock {
        zone: Zone,
        digits: Digits,
        /// A `T` between day and time.
        t: bool,
        /// What follows: `Z`, `+00:00` or nothing.
        offset: &'static str,
    },
    /// As a number.
    Epoch(EpochUnit),
    /// As a number of seconds with a fraction.
    Decimal,
}

/// How many digits of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    /// So many; what is left is cut.
    Exactly(u32),
    /// Six, or none where the second is whole.
    Needed,
}

impl Writer {
    /// Of a column: by its type, else as its latest value is written.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn new(store: &mut Store, table: &Table, column: &Column) -> Result<Self, Failure> {
        Self::among(store, table, column, &[])
    }

    /// The same; a column without a value is written as the first of these that has one and is of its
    /// kind.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn among(
        store: &mut Store,
        table: &Table,
        column: &Column,
        others: &[&Column],
    ) -> Result<Self, Failure> {
        let key = (table.sql.clone(), column.sql.clone());
        if let Some(known) = store.writers.get(&key) {
            return Ok(known.clone());
        }
        let writer = Self::asked(store, table, column, others)?;
        store.writers.insert(key, writer.clone());
        Ok(writer)
    }

    fn asked(
        store: &mut Store,
        table: &Table,
        column: &Column,
        others: &[&Column],
    ) -> Result<Self, Failure> {
        let zone = store.spec().zone.unwrap_or(Zone::UTC);
        let clock = |zone, digits| Writer::Clock {
            zone,
            digits: Digits::Exactly(digits),
            t: false,
            offset: "",
        };
        Ok(match (store.dialect(), column.kind) {
            (Dialect::Postgres, Kind::Instant) => Writer::Clock {
                zone: Zone::UTC,
                digits: Digits::Exactly(column.second_digits()),
                t: true,
                offset: "Z",
            },
            (Dialect::Mysql, Kind::Instant) => clock(Zone::UTC, column.second_digits()),
            (_, Kind::Local(digits)) => clock(zone, digits),
            _ => match (example(store, table, column, others)?, column.kind) {
                (Some(value), _) => like(&value, zone, store.spec().epoch_unit),
                (None, Kind::Integer | Kind::Number) => {
                    Writer::Epoch(store.spec().epoch_unit.unwrap_or(EpochUnit::Seconds))
                }
                (None, _) => clock(zone, 6),
            },
        })
    }

    /// The text for an instant.
    pub(crate) fn write(&self, at: Micros) -> String {
        match self {
            Writer::Clock {
                zone,
                digits,
                t,
                offset,
            } => format!("{}{offset}", clock(zone.to_local(at), *digits, *t)),
            Writer::Epoch(unit) => epoch(*unit, at).to_string(),
            Writer::Decimal => {
                let (whole, fraction) = (at.div_euclid(SECOND), at.rem_euclid(SECOND));
                format!("{whole}.{fraction:06}")
            }
        }
    }
}

/// A value of a column or, where it has none, of another one of its kind.
fn example(
    store: &mut Store,
    table: &Table,
    column: &Column,
    others: &[&Column],
) -> Result<Option<String>, Failure> {
    let others = others.iter().filter(|other| other.kind == column.kind);
    for column in std::iter::once(&column).chain(others) {
        if let Some(value) = latest(store, table, column)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// The latest value of a column.
fn latest(store: &mut Store, table: &Table, column: &Column) -> Result<Option<String>, Failure> {
    let highest = format!(
        "SELECT max({}) AS {} FROM {}",
        column.sql, column.sql, table.sql
    );
    let read = column.read("latest");
    let rows = store.rows(&format!("SELECT {read} FROM ({highest}) AS latest"), &[])?;
    Ok(rows.into_iter().flatten().flatten().next())
}

/// How a value like this one is written.
fn like(value: &str, zone: Zone, unit: Option<EpochUnit>) -> Writer {
    let (whole, fraction) = decimal(value).unwrap_or((value, ""));
    if let Ok(number) = whole.parse::<i64>() {
        return match unit.unwrap_or_else(|| unit_of(number)) {
            EpochUnit::Seconds if !fraction.is_empty() => Writer::Decimal,
            unit => Writer::Epoch(unit),
        };
    }
    // `2026-03-01 09:00:00.125+02:00`: what stands behind the minute.
    let behind = value.get(16..).unwrap_or_default();
    let offset = match behind {
        behind if behind.ends_with(['Z', 'z']) => "Z",
        behind if behind.contains(['+', '-']) => "+00:00",
        _ => "",
    };
    let fraction = behind.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    Writer::Clock {
        zone: if offset.is_empty() { zone } else { Zone::UTC },
        digits: match digits {
            0 => Digits::Needed,
            digits => Digits::Exactly(digits.min(6) as u32),
        },
        t: value.as_bytes().get(10) == Some(&b'T'),
        offset,
    }
}

/// The two sides of a number's point.
fn decimal(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.')?;
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|d| d.is_ascii_digit());
    (is_number(whole) && is_number(fraction)).then_some((whole, fraction))
}

/// Millionths of a fraction's digits, the rest cut.
fn micros_of(fraction: &str) -> Micros {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    digits.fold(0, |sum, digit| sum * 10 + Micros::from(digit - b'0'))
}

/// The unit in which a number is a time of our century.
fn unit_of(number: i64) -> EpochUnit {
    match number.unsigned_abs() {
        0..100_000_000_000 => EpochUnit::Seconds,
        100_000_000_000..100_000_000_000_000 => EpochUnit::Milliseconds,
        100_000_000_000_000..100_000_000_000_000_000 => EpochUnit::Microseconds,
        _ => EpochUnit::Nanoseconds,
    }
}

fn epoch(unit: EpochUnit, at: Micros) -> i64 {
    match unit {
        EpochUnit::Seconds => at.div_euclid(SECOND),
        EpochUnit::Milliseconds => at.div_euclid(1_000),
        EpochUnit::Microseconds => at,
        EpochUnit::Nanoseconds => at.saturating_mul(1_000),
    }
}

/// `2026-03-01 09:00:00.000000`.
fn clock(local: Micros, digits: Digits, t: bool) -> String {
    let whole = local.div_euclid(SECOND) * SECOND;
    let text = print_instant(whole);
    let text = text.trim_end_matches('Z');
    let text = match t {
        true => text.to_owned(),
        false => text.replacen('T', " ", 1),
    };
    let digits = match digits {
        Digits::Needed if local == whole => 0,
        Digits::Needed => 6,
        Digits::Exactly(digits) => digits.min(6) as usize,
    };
    if digits == 0 {
        return text;
    }
    let fraction = format!("{:06}", local.rem_euclid(SECOND));
    format!("{text}.{}", &fraction[..digits])
}
