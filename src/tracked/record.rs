//! One tracked session as its row has it.

use std::collections::BTreeMap;

use crate::events::Micros;
use crate::tracked::fields::Field;

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// What identifies it, as text; the ids of two sessions differ.
    pub(crate) id: String,
    /// Whose it is, where the shape says so and the row does.
    pub(crate) user: Option<String>,
    /// The other columns as text; those without a value are left out.
    pub(crate) texts: BTreeMap<Field, String>,
    /// Its times.
    pub(crate) times: BTreeMap<Field, Micros>,
    /// Times that cannot be read, and why (a clause).
    pub(crate) unreadable: Vec<(Field, String)>,
}

impl Record {
    /// A column as text.
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(&field).map(String::as_str)
    }

    /// A time.
    pub(crate) fn time(&self, field: Field) -> Option<Micros> {
        self.times.get(&field).copied()
    }

    /// Whether the row says a time, be it one that cannot be read.
    pub(crate) fn has(&self, field: Field) -> bool {
        let is_it = |(unreadable, _): &(Field, String)| *unreadable == field;
        self.times.contains_key(&field) || self.unreadable.iter().any(is_it)
    }

    /// A whole number, where the column holds one.
    pub(crate) fn number(&self, field: Field) -> Option<i64> {
        self.text(field)?.trim().parse().ok()
    }

    /// From its start to its end, which may lie before it; unknown while it is open.
    pub(crate) fn length(&self) -> Option<Micros> {
        Some(self.time(Field::Ended)? - self.time(Field::Started)?)
    }
}
