//! Short looks at the rows of a table: how many, how many without a user or a time, from when to
//! when. The work is bounded: of a large table its first and last rows by key stand for all.

use crate::error::Failure;
use crate::import::database::{ColumnKind, Database};
use crate::import::shapes::{ColumnShape, Shape};
use crate::sql::Dialect;

/// Tables of up to so many rows are looked at whole.
pub(crate) const WHOLE: u64 = 100_000;
/// Values of a text column that are looked at one by one.
const VALUES: usize = 200;
/// Different kinds of a table's rows that are listed.
pub(crate) const KINDS: usize = 100;

/// A number, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    Exact(u64),
    /// By the server's statistics.
    About(u64),
    AtLeast(u64),
}

impl Amount {
    pub(crate) fn number(self) -> u64 {
        match self {
            Amount::Exact(number) | Amount::About(number) | Amount::AtLeast(number) => number,
        }
    }
}

/// Which columns of a table to look at, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) users: Vec<usize>,
    pub(crate) times: Vec<usize>,
    /// The column that says what a row is.
    pub(crate) kind: Option<usize>,
}

/// What was seen; users and times in the order of the look.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) rows: Amount,
    pub(crate) users: Vec<SeenUsers>,
    pub(crate) times: Vec<SeenTimes>,
    /// Kinds and their rows among those looked at, most first; null kinds are left away.
    pub(crate) kinds: Vec<(String, u64)>,
    /// Rows looked at, and whether those are all.
    pub(crate) looked_at: u64,
    pub(crate) is_whole: bool,
}

/// A user column.
#[derive(Clone, Debug)]
pub(crate) struct SeenUsers {
    /// Rows looked at that name no user.
    pub(crate) nulls: u64,
    pub(crate) distinct: Amount,
}

/// A time column.
#[derive(Clone, Debug)]
pub(crate) struct SeenTimes {
    /// Rows looked at that have no time.
    pub(crate) nulls: u64,
    /// The least and the greatest value, as numbers or texts; of typed times in UTC or on the clock.
    pub(crate) ends: Option<(String, String)>,
    /// Whether those are of all rows.
    pub(crate) is_whole: bool,
    pub(crate) values: Values,
}

/// How a time column writes its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// As times.
    Typed,
    /// As whole numbers.
    Numbers,
    /// As texts, of which some are given.
    Texts(Vec<String>),
    /// In several ways, or as something else.
    Other,
}

impl Look {
    /// Looks.
    ///
    /// # Errors
    ///
    /// When the table cannot be read, or not in time.
    pub(crate) fn at(&self, shape: &Shape, database: &mut Database) -> Result<Seen, Failure> {
        let dialect = database.catalogue().dialect;
        let table = dialect.table(shape.table.schema.as_deref(), &shape.table.name)?;
        let counted = number(
            database,
            &format!(
                "SELECT count(*) FROM (SELECT 1 AS one FROM {table} LIMIT {}) AS looked",
                WHOLE + 1
            ),
        )?;
        let sampled = Sampled {
            dialect,
            table,
            key: shape.table.key.clone(),
            is_whole: counted <= WHOLE,
        };
        let mut seen = Seen {
            rows: match (sampled.is_whole, shape.rows) {
                (true, _) => Amount::Exact(counted),
                (false, Some(rows)) if rows > WHOLE => Amount::About(rows),
                (false, _) => Amount::AtLeast(counted),
            },
            users: Vec::new(),
            times: Vec::new(),
            kinds: Vec::new(),
            looked_at: counted.min(WHOLE),
            is_whole: sampled.is_whole,
        };
        for &user in &self.users {
            seen.users
                .push(sampled.users(&shape.columns[user], database)?);
        }
        for &time in &self.times {
            seen.times
                .push(sampled.times(&shape.columns[time], database)?);
        }
        if let Some(kind) = self.kind {
            seen.kinds = sampled.kinds(&shape.columns[kind], database)?;
        }
        Ok(seen)
    }
}

/// The rows of a table that are looked at.
struct Sampled {
    dialect: Dialect,
    table: String,
    key: Option<String>,
    is_whole: bool,
}

impl Sampled {
    /// A column of the rows that are looked at, named `value`, to select from.
    fn rows(&self, column: &str) -> String {
        let (table, half) = (&self.table, WHOLE / 2);
        match (&self.key, self.is_whole) {
            (_, true) => format!("(SELECT {column} AS value FROM {table}) AS looked"),
            (None, false) => {
                format!("(SELECT {column} AS value FROM {table} LIMIT {WHOLE}) AS looked")
            }
            (Some(key), false) => format!(
                "(SELECT value FROM (
                     SELECT {column} AS value FROM {table} AS events
                     ORDER BY events.{key} LIMIT {half}) AS first_rows
                  UNION ALL SELECT value FROM (
                     SELECT {column} AS value FROM {table} AS events
                     ORDER BY events.{key} DESC LIMIT {half}) AS last_rows) AS looked"
            ),
        }
    }

    fn users(&self, column: &ColumnShape, database: &mut Database) -> Result<SeenUsers, Failure> {
        // MySQL would take names for one that differ in case or accents.
        let value = match self.dialect {
            Dialect::Mysql => "CAST(value AS BINARY)",
            _ => "value",
        };
        let rows = self.rows(&self.dialect.identifier(&column.name)?);
        let statement =
            format!("SELECT count(*), count(value), count(DISTINCT {value}) FROM {rows}");
        let found = numbers(database, &statement)?;
        let [all, filled, distinct] = found[..] else {
            return Err(unanswered());
        };
        Ok(SeenUsers {
            nulls: all.saturating_sub(filled),
            distinct: match (self.is_whole, column.distinct) {
                (true, _) => Amount::Exact(distinct),
                (false, Some(known)) if known >= distinct => Amount::About(known),
                (false, _) => Amount::AtLeast(distinct),
            },
        })
    }

    fn times(&self, column: &ColumnShape, database: &mut Database) -> Result<SeenTimes, Failure> {
        let name = self.dialect.identifier(&column.name)?;
        let rows = self.rows(&name);
        let is_text = column.kind == ColumnKind::Text;
        let (integers, texts) = match self.dialect {
            Dialect::Sqlite => (
                "sum(typeof(value) = 'integer')",
                "sum(typeof(value) = 'text')",
            ),
            _ if is_text => ("0", "count(value)"),
            _ => ("count(value)", "0"),
        };
        let written = |value: &str| match (self.dialect, column.kind) {
            (Dialect::Postgres, ColumnKind::Instant | ColumnKind::Local) => {
                format!("to_char({value}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')")
            }
            (Dialect::Mysql, ColumnKind::Instant | ColumnKind::Local) => {
                format!("date_format({value}, '%Y-%m-%dT%H:%i:%s.%f')")
            }
            _ => value.to_owned(),
        };
        let (least, greatest) = (written("min(value)"), written("max(value)"));
        let statement = format!(
            "SELECT count(*), count(value), {integers}, {texts}, {least}, {greatest} FROM {rows}"
        );
        let found = one(database, &statement)?;
        let [all, filled, integers, texts, least, greatest] = &found[..] else {
            return Err(unanswered());
        };
        let count = |cell: &Option<String>| cell.as_deref().and_then(|cell| cell.parse().ok());
        let (all, filled): (u64, u64) = (count(all).unwrap_or(0), count(filled).unwrap_or(0));
        let is_typed = self.dialect != Dialect::Sqlite
            && matches!(column.kind, ColumnKind::Instant | ColumnKind::Local);
        let values = match (count(integers), count(texts)) {
            _ if is_typed => Values::Typed,
            (Some(integers), _) if integers == filled => Values::Numbers,
            (_, Some(texts)) if texts == filled => Values::Texts(self.some(&rows, database)?),
            _ => Values::Other,
        };
        let mut ends = least.clone().zip(greatest.clone());
        let is_whole = self.is_whole || column.leads_index;
        if !self.is_whole && column.leads_index {
            let table = &self.table;
            let end = |end: &str| written(&format!("(SELECT {end}({name}) FROM {table})"));
            let found = one(database, &format!("SELECT {}, {}", end("min"), end("max")))?;
            if let [least, greatest] = &found[..] {
                ends = least.clone().zip(greatest.clone());
            }
        }
        Ok(SeenTimes {
            nulls: all.saturating_sub(filled),
            ends,
            is_whole,
            values,
        })
    }

    /// Some values.
    fn some(&self, rows: &str, database: &mut Database) -> Result<Vec<String>, Failure> {
        let statement = format!("SELECT value FROM {rows} WHERE value IS NOT NULL LIMIT {VALUES}");
        let rows = database.ask(&statement)?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    fn kinds(
        &self,
        column: &ColumnShape,
        database: &mut Database,
    ) -> Result<Vec<(String, u64)>, Failure> {
        let name = self.dialect.identifier(&column.name)?;
        let text = match self.dialect {
            Dialect::Mysql => format!("CAST({name} AS CHAR)"),
            _ => format!("CAST({name} AS TEXT)"),
        };
        let statement = format!(
            "SELECT value, count(*) FROM {} WHERE value IS NOT NULL
             GROUP BY value ORDER BY 2 DESC, 1 LIMIT {KINDS}",
            self.rows(&text)
        );
        let kind = |row: Vec<Option<String>>| {
            let [Some(kind), Some(rows)] = <[_; 2]>::try_from(row).ok()? else {
                return None;
            };
            Some((kind, rows.parse().ok()?))
        };
        Ok(database
            .ask(&statement)?
            .into_iter()
            .filter_map(kind)
            .collect())
    }
}

fn one(database: &mut Database, statement: &str) -> Result<Vec<Option<String>>, Failure> {
    let rows = database.ask(statement)?;
    rows.into_iter().next().ok_or_else(unanswered)
}

fn numbers(database: &mut Database, statement: &str) -> Result<Vec<u64>, Failure> {
    let cells = one(database, statement)?;
    let number = |cell: Option<String>| cell.and_then(|cell| cell.parse().ok()).unwrap_or(0);
    Ok(cells.into_iter().map(number).collect())
}

fn number(database: &mut Database, statement: &str) -> Result<u64, Failure> {
    Ok(numbers(database, statement)?.first().copied().unwrap_or(0))
}

fn unanswered() -> Failure {
    Failure::new(crate::error::BUG, "a count gives one row")
}
