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
        let read = self.parser.text(cell.as_bytes(), self.rows);
        read.map_err(|refusal| refusal.message)
    }
}

/// How one column's times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// RFC 3339.
    Instant,
    /// On the clock of this zone, with so many digits of a second; a `T` between day and time.
    Clock { zone: Zone, digits: u32, t: bool },
    /// As a number.
    Epoch(EpochUnit),
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
        let clock = |digits| Writer::Clock {
            zone,
            digits,
            t: false,
        };
        Ok(match (store.dialect(), column.kind) {
            (Dialect::Postgres, Kind::Instant) => Writer::Instant,
            (Dialect::Mysql, Kind::Instant) => Writer::Clock {
                zone: Zone::UTC,
                digits: 6,
                t: false,
            },
            (_, Kind::Local(digits)) => clock(digits),
            _ => match (example(store, table, column, others)?, column.kind) {
                (Some(value), _) => like(&value, zone, store.spec().epoch_unit),
                (None, Kind::Integer | Kind::Number) => {
                    Writer::Epoch(store.spec().epoch_unit.unwrap_or(EpochUnit::Seconds))
                }
                (None, _) => clock(6),
            },
        })
    }

    /// The text for an instant.
    pub(crate) fn write(&self, at: Micros) -> String {
        match self {
            Writer::Instant => print_instant(at),
            Writer::Clock { zone, digits, t } => clock(zone.to_local(at), *digits, *t),
            Writer::Epoch(unit) => epoch(*unit, at).to_string(),
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
    if let Ok(number) = value.parse::<i64>() {
        return Writer::Epoch(unit.unwrap_or_else(|| unit_of(number)));
    }
    let has_offset = value.ends_with('Z') || value.get(10..).is_some_and(|rest| rest.contains('+'));
    match has_offset {
        true => Writer::Instant,
        false => Writer::Clock {
            zone,
            digits: 6,
            t: value.as_bytes().get(10) == Some(&b'T'),
        },
    }
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

/// `2026-03-01 09:00:00.000000`, cut after so many digits of the second.
fn clock(local: Micros, digits: u32, t: bool) -> String {
    let whole = local.div_euclid(SECOND) * SECOND;
    let text = print_instant(whole);
    let text = text.trim_end_matches('Z');
    let text = match t {
        true => text.to_owned(),
        false => text.replacen('T', " ", 1),
    };
    let digits = digits.min(6) as usize;
    if digits == 0 {
        return text;
    }
    let fraction = format!("{:06}", local.rem_euclid(SECOND));
    format!("{text}.{}", &fraction[..digits])
}
