//! Tables of a store and their columns: how a value of each is read as text, and how a text is
//! compared with it or stored in it.

use crate::sql::Dialect;

/// A table or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: String,
    /// Its name in a statement, with its schema where it needs one.
    pub(crate) sql: String,
    /// The columns that may be read, in their order.
    pub(crate) columns: Vec<Column>,
    /// Whether what is written to it can be taken back.
    pub(crate) is_transactional: bool,
}

impl Table {
    /// A column by its name, in this spelling or, where no other is meant, in another one.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        let exact = self.columns.iter().find(|column| column.name == name);
        exact.or_else(|| {
            let mut folded = self
                .columns
                .iter()
                .filter(|column| column.name.eq_ignore_ascii_case(name));
            folded.next().filter(|_| folded.next().is_none())
        })
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Its name in a statement.
    pub(crate) sql: String,
    /// Its type as the database calls it.
    pub(crate) type_name: String,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether it may hold no value.
    pub(crate) is_nullable: bool,
    /// Whether a row that says nothing of it gets a value.
    pub(crate) has_default: bool,
    pub(crate) dialect: Dialect,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    /// Decimal or real numbers.
    Number,
    Boolean,
    Text,
    /// Of a type of its own.
    Uuid,
    /// Bytes; those of a uuid stand for one.
    Bytes,
    Json,
    /// Instants.
    Instant,
    /// Times on a clock whose zone is not said, with so many digits of a second.
    Local(u32),
    /// In SQLite, where each value has a type of its own: texts or numbers.
    Time,
    Other,
}

impl Kind {
    /// Whether its values are times.
    pub(crate) fn is_time(self) -> bool {
        matches!(self, Kind::Instant | Kind::Local(_) | Kind::Time)
    }
}

impl Column {
    /// An expression that gives its value as text; `of` is the table's name in the statement.
    pub(crate) fn read(&self, of: &str) -> String {
        let column = format!("{of}.{}", self.sql);
        match (self.dialect, self.kind) {
            (Dialect::Postgres, Kind::Bytes) => format!("encode({column}, 'hex')"),
            (_, Kind::Bytes) => format!("lower(hex({column}))"),
            (Dialect::Mysql, _) => format!("CAST({column} AS CHAR)"),
            _ => format!("CAST({column} AS TEXT)"),
        }
    }

    /// An expression with one `?`, which stands for a text as [`Column::read`] gives it.
    pub(crate) fn parameter(&self) -> String {
        match (self.dialect, self.kind) {
            (Dialect::Postgres, Kind::Bytes) => "decode(?, 'hex')".to_owned(),
            (Dialect::Postgres, _) => format!("CAST(? AS {})", self.type_of_values()),
            (_, Kind::Bytes) => "unhex(?)".to_owned(),
            _ => "?".to_owned(),
        }
    }

    /// PostgreSQL's type without a length of texts: to cast to one would cut them and say nothing, where
    /// to store them is refused.
    fn type_of_values(&self) -> &str {
        match &self.type_name {
            name if name.starts_with("character varying") => "character varying",
            name if name.starts_with("character(") => "bpchar",
            name => name,
        }
    }

    /// How many digits of a second a server's column of times keeps.
    pub(crate) fn second_digits(&self) -> u32 {
        let otherwise = if self.dialect == Dialect::Mysql { 0 } else { 6 };
        digits_of(&self.type_name).unwrap_or(otherwise)
    }

    /// An expression of the column's values that tells apart what its collation may take for the
    /// same: `Ada`, `ada` and `ada` with a blank behind it.
    pub(crate) fn exact(&self, expression: &str) -> String {
        match (self.dialect, self.kind) {
            (Dialect::Mysql, Kind::Text) => {
                format!("CAST(CONVERT({expression} USING utf8mb4) AS BINARY)")
            }
            (Dialect::Postgres, Kind::Text) => format!("CAST({expression} AS text) COLLATE \"C\""),
            (Dialect::Sqlite, Kind::Text) => format!("{expression} COLLATE BINARY"),
            _ => expression.to_owned(),
        }
    }

    /// The condition that an expression of the column's values is this text, letter by letter, and
    /// the values of its `?`. The plain comparison in it finds the rows by an index.
    pub(crate) fn is(&self, expression: &str, text: String) -> (String, Vec<Option<String>>) {
        let plain = format!("{expression} = {}", self.parameter());
        match self.exact(expression) {
            exact if exact == expression => (plain, vec![Some(text)]),
            exact => (
                format!("{plain} AND {exact} = {}", self.exact("?")),
                vec![Some(text.clone()), Some(text)],
            ),
        }
    }
}

/// The 3 of `timestamp(3) without time zone`.
pub(crate) fn digits_of(type_name: &str) -> Option<u32> {
    let (_, rest) = type_name.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}
