//! The small expressions in which the dialects differ. All arithmetic is in whole microseconds of 64
//! bits: no floating-point number stands on the way from a column to a session.

use super::dialect::Dialect;
use crate::events::{Micros, SECOND};
use crate::time::civil::DAY;
use crate::time::timestamp::{EpochUnit, TimeSpec, print_instant};

/// What a column of users holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// Integers. Where every source's are, they are compared as such, which is faster; not in
    /// SQLite, whose columns hold anything.
    Integer,
    /// Integers, text or uuids: what the engine casts to the text that the importers make of it. In
    /// SQLite, whatever the value's own storage class is.
    Plain,
    /// PostgreSQL's `char(n)`, whose spaces at the end belong to the text.
    Padded,
    /// Bytes: sixteen are a uuid, others hexadecimal digits.
    Binary,
    /// Decimal numbers, of which those without a fraction are users.
    Numeric,
}

/// What a column of times holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeKind {
    /// The engine's timestamps; one without a zone is UTC. In SQLite, whatever the value's own
    /// storage class is: text in the known shapes, or an integer in the one unit that puts it into
    /// the years 2000 to 2100.
    Timestamp,
    /// Integers since 1970; those outside the window (from, inclusive, to, exclusive) are no times.
    Epoch(EpochUnit, (Micros, Micros)),
}

/// The condition that a session's start lies in a window: from, inclusive, to, exclusive; `None` where
/// it has no end.
pub(super) fn in_window(start: &str, window: (Option<Micros>, Option<Micros>)) -> Option<String> {
    match window {
        (None, None) => None,
        (Some(from), None) => Some(format!("{start} >= {from}")),
        (None, Some(to)) => Some(format!("{start} < {to}")),
        (Some(from), Some(to)) => Some(format!("{start} >= {from} AND {start} < {to}")),
    }
}

impl Dialect {
    /// The text of a user, such that two users are one exactly when their bytes are; null where the
    /// column holds what is no user.
    pub(super) fn user_text(self, kind: UserKind, column: &str) -> String {
        match (self, kind) {
            (Dialect::Sqlite, _) => sqlite_user(column),
            // A cast would take the spaces away.
            (Dialect::Postgres, UserKind::Padded) => format!("concat({column}) COLLATE \"C\""),
            (_, UserKind::Integer | UserKind::Plain | UserKind::Padded) => self.exact_text(column),
            (Dialect::Postgres, UserKind::Numeric) => {
                let text = self.exact_text(&format!("trunc({column})"));
                format!("CASE WHEN {column} = trunc({column}) THEN {text} END")
            }
            (_, UserKind::Numeric) => {
                let whole = format!("CAST({column} AS DECIMAL(38, 0))");
                let text = self.exact_text(&whole);
                format!("CASE WHEN {column} = {whole} THEN {text} END")
            }
            (_, UserKind::Binary) => self.binary_user(column),
        }
    }

    /// A value as text that is compared byte by byte, whatever the column's collation.
    pub(super) fn exact_text(self, value: &str) -> String {
        match self {
            Dialect::Postgres => format!("CAST({value} AS text) COLLATE \"C\""),
            Dialect::Mysql => format!("CAST(CONVERT({value} USING utf8mb4) AS BINARY)"),
            Dialect::Sqlite => format!("CAST({value} AS TEXT)"),
            Dialect::Duckdb => format!("CAST({value} AS VARCHAR) COLLATE \"C\""),
            Dialect::Trino => format!("CAST({value} AS VARCHAR)"),
            Dialect::Snowflake => format!("TO_VARCHAR({value})"),
            Dialect::Clickhouse => format!("toString({value})"),
            Dialect::Spark | Dialect::Bigquery => format!("CAST({value} AS STRING)"),
        }
    }

    fn binary_user(self, column: &str) -> String {
        let (digits, bytes) = match self {
            Dialect::Postgres => (format!("encode({column}, 'hex')"), "octet_length"),
            Dialect::Bigquery => (format!("TO_HEX({column})"), "BYTE_LENGTH"),
            Dialect::Snowflake => (format!("LOWER(HEX_ENCODE({column}))"), "OCTET_LENGTH"),
            Dialect::Trino => (format!("lower(to_hex({column}))"), "length"),
            Dialect::Clickhouse | Dialect::Mysql | Dialect::Sqlite => {
                (format!("lower(hex({column}))"), "length")
            }
            Dialect::Duckdb | Dialect::Spark => (format!("lower(hex({column}))"), "octet_length"),
        };
        let part = |from: u8, length: u8| format!("substr({digits}, {from}, {length})");
        let parts = [
            part(1, 8),
            part(9, 4),
            part(13, 4),
            part(17, 4),
            part(21, 12),
        ];
        let uuid = match self {
            Dialect::Mysql => format!("concat_ws('-', {})", parts.join(", ")),
            _ => parts.join(" || '-' || "),
        };
        let (uuid, digits) = (self.exact_text(&uuid), self.exact_text(&digits));
        format!("CASE WHEN {bytes}({column}) = 16 THEN {uuid} ELSE {digits} END")
    }

    /// Microseconds since 1970 of a time; null where the column holds what is no time.
    pub(super) fn micros(self, kind: TimeKind, column: &str) -> String {
        match kind {
            TimeKind::Timestamp => self.micros_of_timestamp(column),
            TimeKind::Epoch(unit, window) => {
                let (first, last) = bounds_in(unit, window);
                let (number, check) = match self {
                    Dialect::Sqlite => sqlite_number(column),
                    _ => (column.to_owned(), String::new()),
                };
                let micros = self.micros_of_number(unit, &number);
                format!(
                    "CASE WHEN {check}{number} BETWEEN {first} AND {last}\n            \
                     THEN {micros} END"
                )
            }
        }
    }

    /// A condition on a column that no row from `earliest` on fails, so that an index or the borders
    /// of partitions can serve it; none where the column's type would have to be known.
    pub(super) fn not_before(
        self,
        kind: TimeKind,
        column: &str,
        earliest: Micros,
    ) -> Option<String> {
        let instant = print_instant(earliest);
        match (self, kind) {
            (Dialect::Sqlite, _) => None,
            (_, TimeKind::Epoch(unit, (from, to))) => {
                let (first, _) = bounds_in(unit, (earliest.max(from), to));
                Some(format!("{column} >= {first}"))
            }
            (Dialect::Duckdb, _) => Some(format!("{column} >= '{instant}'")),
            (Dialect::Clickhouse, _) => Some(format!(
                "{column} >= toDateTime64('{}', 6, 'UTC')",
                local(&instant)
            )),
            (Dialect::Spark, _) => Some(format!("{column} >= timestamp_micros({earliest})")),
            // A column of the type TIMESTAMP cannot be compared with what comes before its first.
            (Dialect::Mysql, _) if earliest > DAY => {
                Some(format!("{column} >= '{}'", local(&instant)))
            }
            _ => None,
        }
    }

    fn micros_of_timestamp(self, column: &str) -> String {
        match self {
            Dialect::Postgres => format!("CAST(extract(epoch FROM {column}) * 1000000 AS bigint)"),
            Dialect::Mysql => format!("timestampdiff(MICROSECOND, '1970-01-01', {column})"),
            // Text is taken apart by steps of its own.
            Dialect::Sqlite => "NULL".to_owned(),
            Dialect::Duckdb => format!("epoch_us({column})"),
            Dialect::Clickhouse => {
                format!("toUnixTimestamp64Micro(toDateTime64({column}, 6, 'UTC'))")
            }
            Dialect::Spark => format!("unix_micros(CAST({column} AS TIMESTAMP))"),
            Dialect::Bigquery => format!("UNIX_MICROS(CAST({column} AS TIMESTAMP))"),
            Dialect::Snowflake => format!("DATE_PART(EPOCH_MICROSECOND, {column})"),
            Dialect::Trino => trino_micros(column),
        }
    }

    /// Microseconds since 1970 of an integer in a unit; nanoseconds are floored.
    fn micros_of_number(self, unit: EpochUnit, number: &str) -> String {
        // In a column of 32 bits the product would not fit.
        let wide = match self {
            Dialect::Postgres | Dialect::Duckdb | Dialect::Spark | Dialect::Trino => {
                format!("CAST({number} AS bigint)")
            }
            _ => number.to_owned(),
        };
        match unit {
            EpochUnit::Seconds => format!("{wide} * 1000000"),
            EpochUnit::Milliseconds => format!("{wide} * 1000"),
            EpochUnit::Microseconds => wide,
            EpochUnit::Nanoseconds => self.thousandth(&wide),
        }
    }

    /// A thousandth of an integer, rounded towards −∞.
    fn thousandth(self, number: &str) -> String {
        let rest = self.modulo(&format!("({} + 1000)", self.modulo(number, 1000)), 1000);
        let thousands = format!("({number} - {rest})");
        match self {
            Dialect::Postgres | Dialect::Sqlite | Dialect::Trino => format!("{thousands} / 1000"),
            Dialect::Snowflake => format!("CAST({thousands} / 1000 AS BIGINT)"),
            Dialect::Mysql => format!("{thousands} DIV 1000"),
            Dialect::Spark => format!("{thousands} div 1000"),
            Dialect::Duckdb => format!("{thousands} // 1000"),
            Dialect::Clickhouse => format!("intDiv({thousands}, 1000)"),
            Dialect::Bigquery => format!("DIV({thousands}, 1000)"),
        }
    }

    /// The remainder of an integer that is divided by another, with the sign of the first.
    pub(super) fn modulo(self, number: &str, divisor: Micros) -> String {
        match self {
            Dialect::Bigquery => format!("MOD({number}, {divisor})"),
            _ => format!("({number} % {divisor})"),
        }
    }

    /// A column of the row before this one in the user's order; null in the first row.
    pub(super) fn before(self, column: &str, order: &str) -> String {
        let window = format!("PARTITION BY user_id ORDER BY {order}");
        match self {
            // Without the frame it would look ahead, without null it would give 0 at the edge.
            Dialect::Clickhouse => format!(
                "lagInFrame(toNullable({column})) OVER ({window} \
                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
            ),
            _ => format!("lag({column}) OVER ({window})"),
        }
    }

    /// Microseconds since 1970 by the engine's clock.
    pub(super) fn clock(self) -> &'static str {
        match self {
            Dialect::Postgres => "CAST(extract(epoch FROM now()) * 1000000 AS bigint)",
            Dialect::Mysql => "timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6))",
            Dialect::Sqlite => "CAST(strftime('%s', 'now') AS INTEGER) * 1000000",
            Dialect::Duckdb => "epoch_us(now())",
            Dialect::Clickhouse => "toUnixTimestamp64Micro(now64(6))",
            Dialect::Spark => "unix_micros(current_timestamp())",
            Dialect::Bigquery => "UNIX_MICROS(CURRENT_TIMESTAMP())",
            Dialect::Snowflake => "DATE_PART(EPOCH_MICROSECOND, CURRENT_TIMESTAMP())",
            Dialect::Trino => {
                "date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00 UTC', current_timestamp) \
                 * 1000"
            }
        }
    }

    /// The timestamp, in UTC, of microseconds since 1970; in SQLite its text.
    pub(super) fn timestamp(self, micros: &str) -> String {
        match self {
            Dialect::Postgres => format!(
                "to_timestamp({micros} / 1000000) + {micros} % 1000000 * interval '1 microsecond'"
            ),
            Dialect::Mysql => {
                format!("timestampadd(MICROSECOND, {micros}, TIMESTAMP '1970-01-01 00:00:00')")
            }
            Dialect::Sqlite => {
                let rest = format!("({micros} % 1000000 + 1000000) % 1000000");
                format!(
                    "strftime('%Y-%m-%d %H:%M:%S', ({micros} - {rest}) / 1000000, 'unixepoch') \
                     || printf('.%06dZ', {rest})"
                )
            }
            Dialect::Duckdb => format!("make_timestamp({micros})"),
            Dialect::Clickhouse => format!("fromUnixTimestamp64Micro({micros}, 'UTC')"),
            Dialect::Spark => format!("timestamp_micros({micros})"),
            Dialect::Bigquery => format!("TIMESTAMP_MICROS({micros})"),
            Dialect::Snowflake => format!("TO_TIMESTAMP_NTZ({micros}, 6)"),
            Dialect::Trino => format!("from_unixtime_nanos({micros} * 1000)"),
        }
    }

    /// A user's text, as it was made by [`Self::user_text`], as a text for people.
    pub(super) fn readable(self, user: &str) -> String {
        match self {
            Dialect::Mysql => format!("CONVERT({user} USING utf8mb4)"),
            _ => user.to_owned(),
        }
    }
}

/// An instant in UTC without its sign.
fn local(instant: &str) -> String {
    instant.trim_end_matches('Z').replace('T', " ")
}

/// The least and the greatest integer of a unit that lie in a window.
fn bounds_in(unit: EpochUnit, (from, to): (Micros, Micros)) -> (i64, i64) {
    let ceiling = |at: Micros, length: Micros| -(-at).div_euclid(length);
    match unit {
        EpochUnit::Seconds => (ceiling(from, SECOND), ceiling(to, SECOND) - 1),
        EpochUnit::Milliseconds => (ceiling(from, 1000), ceiling(to, 1000) - 1),
        EpochUnit::Microseconds => (from, to - 1),
        EpochUnit::Nanoseconds => (from.saturating_mul(1000), to.saturating_mul(1000) - 1),
    }
}

/// SQLite has values of any class in any column; real numbers are no users. The concatenation has
/// no collation, while a cast would keep the column's.
fn sqlite_user(column: &str) -> String {
    let digits = Dialect::Sqlite.binary_user(column);
    format!(
        "CASE typeof({column})\n            WHEN 'real' THEN NULL\n            \
         WHEN 'blob' THEN {digits}\n            ELSE CAST({column} AS TEXT)\n        END || ''"
    )
}

/// A value as an integer, and the condition, followed by `AND`, that it is one or the text of one.
fn sqlite_number(column: &str) -> (String, String) {
    let number = format!("CAST({column} AS INTEGER)");
    let check = format!("CAST({number} AS TEXT) = {column} || '' AND ");
    (number, check)
}

/// Microseconds of an integer in the one unit that puts it into the years 2000 to 2100.
pub(super) fn sqlite_guess(number: &str) -> String {
    let mut out = String::new();
    for unit in EpochUnit::ALL {
        let (first, last) = bounds_in(unit, TimeSpec::default().epoch_window);
        let micros = Dialect::Sqlite.micros_of_number(unit, number);
        out += &format!("\n            WHEN {number} BETWEEN {first} AND {last} THEN {micros}");
    }
    out
}

/// Trino has no exact number of microseconds: whole seconds, and six digits of the text. Twelve
/// digits are asked for because fewer would be rounded.
fn trino_micros(column: &str) -> String {
    let instant = format!("at_timezone(CAST({column} AS timestamp(12) with time zone), 'UTC')");
    format!(
        "date_diff('second', TIMESTAMP '1970-01-01 00:00:00 UTC', date_trunc('second', {instant})) \
         * 1000000 + CAST(substr(CAST({instant} AS varchar), 21, 6) AS bigint)"
    )
}
