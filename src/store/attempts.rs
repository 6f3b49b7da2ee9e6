//! The attempts of a study application, beside its sessions: found by the names of their columns,
//! read for the users whose sessions were read.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{self, Failure};
use crate::events::Micros;
use crate::settings::tracked::TrackedPlace;
use crate::store::Store;
use crate::store::columns::{Column, Kind, Table};
use crate::store::sessions::{ROWS, checked_id};
use crate::store::times::Reader;
use crate::time::timestamp::quoted;
use crate::tracked::attempts::{Attempt, ItemTime, Mark};

/// Usual names of the column that says whether an answer was correct, the best first.
const CORRECT_NAMES: [&str; 2] = ["is_correct", "correct"];
/// Usual names of the column that says how many milliseconds it took.
const TIME_NAMES: [&str; 3] = ["time_taken_ms", "time_ms", "duration_ms"];

/// Up to so many values a statement names them; beyond, the whole table is read.
const MOST_NAMED: usize = 200;

/// The table of attempts, and that of questions.
#[derive(Clone, Debug)]
pub(crate) struct AttemptTable {
    table: Table,
    user: Column,
    at: Column,
    question: Option<Column>,
    correct: Column,
    time: Option<Column>,
    bank: Option<Bank>,
    /// Why it is unknown how long answers took, where it is; a whole sentence.
    pub(crate) without_times: Option<String>,
    /// Why it is unknown of which subject a question is; a whole sentence.
    pub(crate) without_subjects: Option<String>,
}

/// The questions and their subjects.
#[derive(Clone, Debug)]
struct Bank {
    table: Table,
    id: Column,
    subject: Column,
}

/// Attempts as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    /// By user, in time order.
    pub(crate) by_user: BTreeMap<String, Vec<Attempt>>,
    /// Those whose time is missing or cannot be read: no session holds them.
    pub(crate) without_time: u64,
}

impl Attempts {
    /// Those of a user.
    pub(crate) fn of(&self, user: Option<&str>) -> &[Attempt] {
        let attempts = user.and_then(|user| self.by_user.get(user));
        attempts.map_or(&[], Vec::as_slice)
    }
}

impl AttemptTable {
    /// The attempts that belong to the sessions of a place.
    ///
    /// # Errors
    ///
    /// There is no such table, or it lacks a column without which nothing can be said.
    pub(crate) fn find(store: &Store, place: &TrackedPlace) -> Result<Self, Failure> {
        let table = related(store, place, "attempts")?;
        let lacking = |name: &str, names: &[&str]| no_column(store, table, name, names);
        let needed = |name: &'static str| {
            let mapped = place.mapped(name);
            let column = table.column(&mapped);
            column.ok_or_else(|| lacking(name, &[mapped.as_str()]))
        };
        let correct = named(store, table, place, "attempts.correct", &CORRECT_NAMES)?;
        let correct = correct.ok_or_else(|| lacking("attempts.correct", &CORRECT_NAMES))?;
        let time = named(store, table, place, "attempts.time_ms", &TIME_NAMES)?;
        let question = named(
            store,
            table,
            place,
            "attempts.question_id",
            &["question_id"],
        )?;
        let bank = Bank::find(store, place)?;
        let name = quoted(table.name.as_bytes());
        let without_times = time.is_none().then(|| {
            format!(
                "Table {name} has none of the columns {}: how long answers took is unknown. \
                 \"attempts.time_ms\" in [tracked.columns] names another one.",
                TIME_NAMES.join(", ")
            )
        });
        let without_subjects = match (question, &bank) {
            (Some(_), Some(_)) => None,
            (None, _) => Some(format!(
                "Table {name} has no column \"question_id\": the subjects are unknown."
            )),
            (Some(_), None) => Some(
                "There is no table \"question_bank\" with id and subject: the subjects are unknown."
                    .to_owned(),
            ),
        };
        Ok(Self {
            user: needed("attempts.child_id")?.clone(),
            at: needed("attempts.created_at")?.clone(),
            question: question.cloned(),
            correct: correct.clone(),
            time: time.cloned(),
            bank,
            without_times,
            without_subjects,
            table: table.clone(),
        })
    }

    /// Whether it is known which subject a question is of.
    pub(crate) fn knows_subjects(&self) -> bool {
        self.without_subjects.is_none()
    }

    /// The attempts of these users; an answer that took more than `longest` took absurdly long.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn read(
        &self,
        store: &mut Store,
        users: &BTreeSet<&str>,
        longest: Micros,
    ) -> Result<Attempts, Failure> {
        let columns = [
            Some(&self.user),
            Some(&self.at),
            Some(&self.correct),
            self.question.as_ref(),
            self.time.as_ref(),
        ];
        let read = columns.map(|column| match column {
            Some(column) => column.read(ROWS),
            None => "NULL".to_owned(),
        });
        let (condition, values) = among(&self.user, users);
        let statement = format!(
            "SELECT {} FROM {} AS {ROWS}{condition}",
            read.join(", "),
            self.table.sql
        );
        let rows = store.rows(&statement, &values)?;
        let mut reader = Reader::new(&self.at, store.spec());
        let mut attempts = Attempts::default();
        for cells in rows {
            let mut cells = cells.into_iter();
            let mut next = || cells.next().flatten();
            let (user, at, correct, question, time) = (next(), next(), next(), next(), next());
            let Some(user) = user.map(|user| shown(&self.user, user)) else {
                continue;
            };
            if !users.contains(user.as_str()) {
                continue;
            }
            let Some(at) = at.and_then(|at| reader.read(&at).ok()) else {
                attempts.without_time += 1;
                continue;
            };
            let question = question.zip(self.question.as_ref());
            attempts.by_user.entry(user).or_default().push(Attempt {
                at,
                question: question.map(|(question, column)| shown(column, question)),
                mark: Mark::of(correct.as_deref()),
                time: ItemTime::of(time.as_deref(), longest),
            });
        }
        for attempts in attempts.by_user.values_mut() {
            attempts.sort_by_key(|attempt| attempt.at);
        }
        Ok(attempts)
    }

    /// The subjects of these questions, of those that have one.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub(crate) fn subjects(
        &self,
        store: &mut Store,
        questions: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let Some(bank) = self.bank.as_ref().filter(|_| !questions.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        let (condition, values) = among(&bank.id, questions);
        let statement = format!(
            "SELECT {}, {} FROM {} AS {ROWS}{condition}",
            bank.id.read(ROWS),
            bank.subject.read(ROWS),
            bank.table.sql
        );
        let rows = store.rows(&statement, &values)?;
        let subject = |cells: Vec<Option<String>>| {
            let mut cells = cells.into_iter();
            let id = shown(&bank.id, cells.next()??);
            Some((id, cells.next()??))
        };
        Ok(rows.into_iter().filter_map(subject).collect())
    }
}

impl Bank {
    /// The questions, where they are there; a name that was mapped must be.
    fn find(store: &Store, place: &TrackedPlace) -> Result<Option<Self>, Failure> {
        let is_mapped = place.tables.contains_key("question_bank");
        let table = match related(store, place, "question_bank") {
            Ok(table) => table,
            Err(failure) if is_mapped => return Err(failure),
            Err(_) => return Ok(None),
        };
        let id = named(store, table, place, "question_bank.id", &["id"])?;
        let subject = named(store, table, place, "question_bank.subject", &["subject"])?;
        Ok(id.zip(subject).map(|(id, subject)| Bank {
            table: table.clone(),
            id: id.clone(),
            subject: subject.clone(),
        }))
    }
}

/// A table beside that of the sessions.
fn related<'a>(
    store: &'a Store,
    place: &TrackedPlace,
    standard: &str,
) -> Result<&'a Table, Failure> {
    let name = place.related(standard);
    store.table(&name).ok_or_else(|| {
        let message = format!("there is no table {}", quoted(name.as_bytes()));
        Failure::new(error::NO_TABLE, message)
            .in_source(store.place())
            .help(format!(
                "{standard} = \"…\" in [tracked.tables] names another one"
            ))
    })
}

/// The column that a key of the configuration names, which must be there; else the first of the
/// usual names that is.
fn named<'a>(
    store: &Store,
    table: &'a Table,
    place: &TrackedPlace,
    key: &str,
    usual: &[&str],
) -> Result<Option<&'a Column>, Failure> {
    match place.columns.get(key) {
        Some(mapped) => match table.column(mapped) {
            Some(column) => Ok(Some(column)),
            None => Err(no_column(store, table, key, &[mapped.as_str()])),
        },
        None => Ok(usual.iter().find_map(|name| table.column(name))),
    }
}

fn no_column(store: &Store, table: &Table, key: &str, names: &[&str]) -> Failure {
    let wanted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let there = table.columns.iter().map(|column| column.name.as_str());
    let there: Vec<&str> = there.collect();
    let message = format!(
        "table {} has no column {}",
        quoted(table.name.as_bytes()),
        wanted.join(" or ")
    );
    Failure::new(error::NO_COLUMN, message)
        .in_source(store.place())
        .detail(format!("its columns: {}", there.join(", ")))
        .help(format!(
            "\"{key}\" = \"…\" in [tracked.columns] names another one"
        ))
}

/// The condition that a column has one of these values, where they are few; else none.
fn among(column: &Column, wanted: &BTreeSet<&str>) -> (String, Vec<Option<String>>) {
    if wanted.len() > MOST_NAMED {
        return (String::new(), Vec::new());
    }
    // What cannot be a value of the column is no value of it.
    let values = wanted.iter().filter_map(|id| checked_id(column, id).ok());
    let values: Vec<Option<String>> = values.map(Some).collect();
    if values.is_empty() {
        return (" WHERE 1 = 0".to_owned(), values);
    }
    let one_each = vec![column.parameter(); values.len()].join(", ");
    let condition = format!(" WHERE {ROWS}.{} IN ({one_each})", column.sql);
    (condition, values)
}

/// An id as people write it: the bytes of a uuid with its hyphens.
fn shown(column: &Column, cell: String) -> String {
    match uuid::Uuid::try_parse(&cell) {
        Ok(uuid) if column.kind == Kind::Bytes => uuid.to_string(),
        _ => cell,
    }
}
