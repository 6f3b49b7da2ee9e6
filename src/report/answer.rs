//! What a command on tracked sessions has to say: a sentence, facts and tables, the same in every
//! format. Rows of the first table are what CSV, NDJSON and Parquet hold; without a table, the facts
//! are one row.

use crate::events::Micros;
use crate::report::columns::{Cell, Kind, Type};
use crate::report::rows::{Column, Side};
use crate::report::story::Fact;
use crate::report::words;
use crate::time::zone::Zone;

/// All that is said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) basis: Basis,
    /// The one sentence that answers the question, without a final stop.
    pub(crate) headline: String,
    pub(crate) facts: Vec<AnswerFact>,
    pub(crate) tables: Vec<AnswerTable>,
    /// Whole sentences.
    pub(crate) notes: Vec<String>,
}

/// What an answer rests on.
#[derive(Clone, Debug)]
pub(crate) struct Basis {
    /// The command, as it is typed.
    pub(crate) command: &'static str,
    /// The shape, as it is typed.
    pub(crate) shape: &'static str,
    /// The database, as far as it can be printed.
    pub(crate) database: String,
    /// Its table.
    pub(crate) table: String,
    /// The report's zone.
    pub(crate) zone: Zone,
    /// When it was asked.
    pub(crate) now: Micros,
}

/// How a value is shown to people; programs get it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    /// Text of our own, which is short.
    Word,
    /// Text of the database, which may be long.
    Text,
    Count,
    Number,
    /// As percent.
    Share,
    /// A number of percent.
    Percent,
    /// Seconds, as a duration.
    Duration,
    /// Milliseconds, as a duration.
    Milliseconds,
    /// In the report's zone.
    Instant,
    /// `yes` or `no`.
    Flag,
}

/// One value with its name.
#[derive(Debug)]
pub(crate) struct AnswerFact {
    /// For programs: `mean_duration_seconds`.
    pub(crate) name: &'static str,
    /// For people: `mean`.
    pub(crate) label: &'static str,
    pub(crate) shown: As,
    pub(crate) cell: Cell<'static>,
    /// What people read behind the value.
    pub(crate) behind: String,
}

impl AnswerFact {
    pub(crate) fn new(
        name: &'static str,
        label: &'static str,
        shown: As,
        cell: Cell<'static>,
    ) -> Self {
        Self {
            name,
            label,
            shown,
            cell,
            behind: String::new(),
        }
    }

    /// The same with words behind the value.
    #[must_use]
    pub(crate) fn behind(mut self, words: impl Into<String>) -> Self {
        self.behind = words.into();
        self
    }
}

/// Rows under a title.
#[derive(Debug)]
pub(crate) struct AnswerTable {
    /// For programs: the key of its rows in JSON.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<AnswerColumn>,
    pub(crate) rows: Vec<Vec<Cell<'static>>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerColumn {
    /// For programs: `mean_duration_seconds`.
    pub(crate) name: &'static str,
    /// For people: `mean`.
    pub(crate) header: &'static str,
    pub(crate) shown: As,
    /// Columns with the highest rank are left out first on a narrow page; rank 0 always stays.
    pub(crate) rank: u8,
}

/// The least that is shown of a text of the database.
const LEAST_TEXT: usize = 8;

impl Answer {
    /// The names, types and rows that a format of rows holds.
    pub(crate) fn main_rows(&self) -> (Vec<&'static str>, Vec<Type>, Vec<Vec<Cell<'static>>>) {
        match self.tables.first() {
            Some(table) => (
                table.columns.iter().map(|column| column.name).collect(),
                table
                    .columns
                    .iter()
                    .map(|column| column.shown.of())
                    .collect(),
                table.rows.clone(),
            ),
            None => (
                self.facts.iter().map(|fact| fact.name).collect(),
                self.facts.iter().map(|fact| fact.shown.of()).collect(),
                vec![self.facts.iter().map(|fact| fact.cell.clone()).collect()],
            ),
        }
    }

    /// The facts for people.
    pub(crate) fn people_facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut left = self.facts.as_slice();
        while let [fact, rest @ ..] = left {
            let value = |fact: &AnswerFact| fact.shown.person(&fact.cell, &self.basis.zone);
            match rest {
                [other, rest @ ..] if are_ends(fact.name, other.name) => {
                    facts.push(Fact::new(INTERVAL, range(value(fact), value(other))));
                    left = rest;
                }
                _ => {
                    let space = if fact.behind.is_empty() { "" } else { " " };
                    let text = format!("{}{space}{}", value(fact), fact.behind);
                    facts.push(Fact::new(fact.label, text));
                    left = rest;
                }
            }
        }
        facts
    }

    /// What it rests on, for people.
    pub(crate) fn people_basis(&self) -> Vec<Fact> {
        let basis = &self.basis;
        vec![
            Fact::new("shape", basis.shape),
            Fact::new("table", format!("{} in {}", basis.table, basis.database)),
            Fact::new("time zone", basis.zone.to_string()),
            Fact::new("now", words::local_time(basis.now, &basis.zone)),
        ]
    }
}

impl AnswerTable {
    /// The columns for people.
    pub(crate) fn people_columns(&self, zone: &Zone) -> Vec<Column> {
        let mut columns = Vec::new();
        let mut left = self.columns.as_slice();
        while let [column, rest @ ..] = left {
            let at = self.columns.len() - left.len();
            let cell = |row: &Vec<Cell<'static>>, at: usize| column.shown.person(&row[at], zone);
            let side = column.shown.side();
            match rest {
                [other, rest @ ..] if are_ends(column.name, other.name) => {
                    let cells = self
                        .rows
                        .iter()
                        .map(|row| range(cell(row, at), cell(row, at + 1)));
                    columns.push(Column::new(INTERVAL, side, column.rank, cells));
                    left = rest;
                }
                _ => {
                    let cells = self.rows.iter().map(|row| cell(row, at));
                    columns.push(Column::new(column.header, side, column.rank, cells));
                    left = rest;
                }
            }
        }
        columns
    }
}

/// What people read over the ends of an interval, which programs get one by one.
const INTERVAL: &str = "95% interval";

/// Whether two names next to each other are those of an interval's ends.
fn are_ends(name: &str, next: &str) -> bool {
    name.contains("_low") && name.replacen("_low", "_high", 1) == next
}

/// `47% to 91%`.
fn range(low: String, high: String) -> String {
    match low == words::UNKNOWN && high == words::UNKNOWN {
        true => low,
        false => format!("{low} to {high}"),
    }
}

impl As {
    /// On which side of its column it stands.
    fn side(self) -> Side {
        match self {
            As::Text => Side::Data(LEAST_TEXT),
            As::Word | As::Instant | As::Flag => Side::Left,
            As::Count | As::Number | As::Share | As::Percent | As::Duration | As::Milliseconds => {
                Side::Right
            }
        }
    }

    /// The type of such a column, any of whose values can be unknown.
    fn of(self) -> Type {
        let kind = match self {
            As::Word | As::Text => Kind::Text,
            As::Count => Kind::Count,
            As::Number | As::Share | As::Percent | As::Duration | As::Milliseconds => Kind::Number,
            As::Instant => Kind::Instant,
            As::Flag => Kind::Flag,
        };
        Type {
            kind,
            can_be_unknown: true,
        }
    }

    /// A cell as people read it.
    fn person(self, cell: &Cell<'static>, zone: &Zone) -> String {
        match (self, cell) {
            (_, Cell::Text(text)) => text.clone().into_owned(),
            (_, Cell::Plain(text)) => text.clone(),
            (_, Cell::Texts(texts)) if texts.is_empty() => "none".to_owned(),
            (_, Cell::Texts(texts)) => texts.join(", "),
            (As::Percent, Cell::Count(percent)) => format!("{percent}%"),
            (As::Milliseconds, Cell::Count(milliseconds)) => {
                words::duration(*milliseconds as f64 / 1e3)
            }
            (_, Cell::Count(number)) => words::count(*number),
            (As::Share, Cell::Number(share)) => words::share(*share),
            (As::Percent, Cell::Number(percent)) => words::share(*percent / 100.0),
            (As::Milliseconds, Cell::Number(milliseconds)) => words::duration(*milliseconds / 1e3),
            (As::Duration, Cell::Number(seconds)) => words::duration(*seconds),
            (_, Cell::Number(number)) if number.is_finite() => {
                let rounded = (number * 100.0).round() / 100.0;
                rounded.to_string().replace('-', &words::MINUS.to_string())
            }
            (_, Cell::Seconds(micros)) => words::duration(*micros as f64 / 1e6),
            (_, Cell::Instant(at)) => words::local_time(*at, zone),
            (_, Cell::Flag(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
            _ => words::UNKNOWN.to_owned(),
        }
    }
}
