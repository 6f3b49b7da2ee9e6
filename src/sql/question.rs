//! What a statement is to answer: the sources as an engine names them, and the rule over them.

use super::dialect::Dialect;
use super::expressions::{TimeKind, UserKind};
use crate::error::{self, Failure};
use crate::events::{EARLIEST, LATEST, Micros, Role};
use crate::time::civil::DAY;
use crate::time::duration::Timeout;
use crate::time::period::Calendar;

/// Which sessions are asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// The engine's SQL.
    pub dialect: Dialect,
    /// Where the events are, in any order; none of the same name.
    pub sources: Vec<EventSource>,
    /// The longest gap that stays inside a session.
    pub timeout: Timeout,
    /// `--cut day`.
    pub midnights: Option<Midnights>,
    /// Only sessions that start in it: from, inclusive, to, exclusive.
    pub window: (Option<Micros>, Option<Micros>),
    /// When the data was taken; by the engine's clock where it is not said.
    pub now: Option<Micros>,
    /// Whether a session says how many events it has of each source.
    pub counts_sources: bool,
}

/// One source of events.
#[derive(Clone, Debug)]
pub struct EventSource {
    /// Its name.
    pub name: String,
    /// What its events do.
    pub role: Role,
    /// Whether a row equal in source, user and instant to another is dropped.
    pub drop_duplicates: bool,
    /// Its rows.
    pub relation: Relation,
    /// A condition of the operator's on those rows, one expression.
    pub condition: Option<String>,
    /// The column of users, and what it holds.
    pub user: (String, UserKind),
    /// The column of times, and what it holds.
    pub time: (String, TimeKind),
}

/// Rows of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// A table or view: its name, behind those of its schema and catalog where they are said.
    Table(Vec<String>),
    /// One statement of the operator's, without a semicolon at its end.
    Query(String),
}

impl Relation {
    /// The relation as it stands after FROM.
    ///
    /// # Errors
    ///
    /// A name that is no identifier.
    pub(super) fn text(&self, dialect: Dialect) -> Result<String, Failure> {
        match self {
            Relation::Table(names) => {
                let names: Result<Vec<String>, Failure> =
                    names.iter().map(|name| dialect.identifier(name)).collect();
                Ok(names?.join("."))
            }
            // On lines of its own: it may end in a comment.
            Relation::Query(statement) => Ok(format!("(\n{statement}\n    )")),
        }
    }
}

/// The midnights of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Midnights {
    runs: Vec<Run>,
}

/// Days of 24 hours each, or one day of another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The first midnight.
    start: Micros,
    /// The end of its last day.
    end: Micros,
    is_regular: bool,
}

impl Midnights {
    /// Those of a clock that is never changed, microseconds east of UTC.
    pub fn of_offset(offset: Micros) -> Self {
        // The first midnight from which every instant that is kept can be counted.
        let start = EARLIEST.div_euclid(DAY) * DAY - offset - DAY;
        Self {
            runs: vec![Run {
                start,
                end: LATEST,
                is_regular: true,
            }],
        }
    }

    /// Those of a calendar of days, which must cover all events.
    pub fn of_calendar(days: &Calendar) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for day in days.periods() {
            let is_regular = day.end - day.start == DAY;
            match runs.last_mut() {
                Some(run) if run.is_regular && is_regular => run.end = day.end,
                _ => runs.push(Run {
                    start: day.start,
                    end: day.end,
                    is_regular,
                }),
            }
        }
        Self { runs }
    }

    /// The time since the last midnight.
    pub(super) fn since_midnight(&self, dialect: Dialect, micros: &str) -> String {
        let since = |run: &Run| {
            let since = match run.start {
                start @ ..0 => format!("({micros} + {})", -start),
                start => format!("({micros} - {start})"),
            };
            match run.is_regular {
                true => dialect.modulo(&since, DAY),
                false => since,
            }
        };
        match self.runs.as_slice() {
            [only] => since(only),
            runs => {
                let (last, before) = runs.split_last().expect("a calendar has a day");
                let mut out = "CASE".to_owned();
                for run in before {
                    out += &format!(" WHEN {micros} < {} THEN {}", run.end, since(run));
                }
                out + &format!(" ELSE {} END", since(last))
            }
        }
    }
}

/// Why no statement says `--max-length`.
pub const NO_MAX_LENGTH: &str =
    "--max-length looks back to the start of a session, which window functions cannot";

/// Why no statement says `--sample`.
pub const NO_SAMPLE: &str = "--sample goes by a hash that no database has";

impl Question {
    /// The sources with their numbers, in the order in which they count at one instant: by role,
    /// then by name. A source's number is its place, from 1, in that order of all sources, those of
    /// the role `ignore` too, which are left out here.
    pub fn numbered(&self) -> Vec<(usize, &EventSource)> {
        let mut sources: Vec<&EventSource> = self.sources.iter().collect();
        sources.sort_by(|one, other| (one.role, &one.name).cmp(&(other.role, &other.name)));
        let numbered = sources.into_iter().enumerate();
        numbered
            .map(|(index, source)| (index + 1, source))
            .filter(|(_, source)| source.role != Role::Ignore)
            .collect()
    }

    /// The sources that take part.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn taking_part(&self) -> Result<Vec<(usize, &EventSource)>, Failure> {
        let sources = self.numbered();
        match sources.is_empty() {
            true => Err(Failure::new(
                error::USAGE,
                "every source is ignored: nothing makes a session",
            )),
            false => Ok(sources),
        }
    }

    /// The earliest time that decides about a session of the window: a session that starts in it is
    /// known by the events of one timeout before.
    pub(super) fn earliest(&self) -> Micros {
        let from = self.window.0.map(|from| from - self.timeout.micros());
        from.map_or(EARLIEST, |from| from.max(EARLIEST))
    }
}
