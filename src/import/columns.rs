//! Which column holds the user, which the time, which the source: by what was asked for, else by
//! ranked lists of known names.

use crate::error::{self, Failure};

/// Names of user columns, the likeliest first.
pub const USER_NAMES: [&str; 12] = [
    "user_id",
    "person_id",
    "child_id",
    "interviewee_id",
    "author_id",
    "actor_id",
    "member_id",
    "customer_id",
    "visitor_id",
    "user",
    "author",
    "email",
];

/// Names of time columns, the likeliest first.
pub const TIME_NAMES: [&str; 11] = [
    "created_at",
    "timestamp",
    "occurred_at",
    "event_time",
    "at",
    "time",
    "ts",
    "started_at",
    "datetime",
    "date",
    "updated_at",
];

/// Names of columns that say when a tracked session began, the likeliest first.
pub const START_NAMES: [&str; 9] = [
    "started_at",
    "start_time",
    "session_started_at",
    "session_start",
    "start",
    "start_at",
    "begin",
    "began_at",
    "begin_time",
];

/// Names of columns that say when a tracked session ended, the likeliest first.
pub const END_NAMES: [&str; 9] = [
    "ended_at",
    "end_time",
    "session_ended_at",
    "session_end",
    "end",
    "end_at",
    "finished_at",
    "finish_time",
    "closed_at",
];

/// How many column names a message lists.
const LISTED: usize = 10;

/// A column that is looked for: what it holds, the flag that names it, and its known names.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// `user`, `time`, `source`.
    pub what: &'static str,
    /// The flag that decides it.
    pub flag: &'static str,
    /// Known names, ranked.
    pub names: &'static [&'static str],
}

/// The user column.
pub const USER: Wanted = Wanted {
    what: "user",
    flag: "--user-column",
    names: &USER_NAMES,
};
/// The time column.
pub const TIME: Wanted = Wanted {
    what: "time",
    flag: "--time-column",
    names: &TIME_NAMES,
};
/// The source column; it is never looked for by known names.
pub const SOURCE: Wanted = Wanted {
    what: "source",
    flag: "--source-column",
    names: &[],
};

/// What the rows of an input are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Events: user, time, and perhaps the source.
    #[default]
    Events,
    /// Tracked sessions: user, start and end.
    Sessions,
    /// Events with the id of the tracked session that they belong to: user, time and id.
    Labelled,
}

impl Rows {
    /// The user column.
    pub(crate) fn user(self) -> Wanted {
        match self {
            Rows::Events => USER,
            Rows::Sessions | Rows::Labelled => Wanted {
                flag: "--tracked-user",
                ..USER
            },
        }
    }

    /// The time column: of a session, its start.
    pub(crate) fn time(self) -> Wanted {
        let flag = "--tracked-start";
        match self {
            Rows::Events => TIME,
            Rows::Sessions => Wanted {
                what: "start",
                flag,
                names: &START_NAMES,
            },
            Rows::Labelled => Wanted { flag, ..TIME },
        }
    }

    /// The column that events do not have.
    pub(crate) fn beside(self) -> Option<Wanted> {
        match self {
            Rows::Events => None,
            Rows::Sessions => Some(Wanted {
                what: "end",
                flag: "--tracked-end",
                names: &END_NAMES,
            }),
            Rows::Labelled => Some(Wanted {
                what: "session",
                flag: "--tracked-id",
                names: &[],
            }),
        }
    }
}

/// Which columns were asked for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AskedColumns {
    /// The user's.
    pub user: Option<String>,
    /// The time's: one, or a date and a time of day to be joined by a space.
    pub time: Vec<String>,
    /// The source's.
    pub source: Option<String>,
    /// What the rows are.
    pub rows: Rows,
    /// That of `Rows::beside`.
    pub beside: Option<String>,
}

impl AskedColumns {
    /// The column that is read beside user and time, and its name if it is asked for: what the rows
    /// have more than events, else the source's where that is asked for.
    pub(crate) fn third(&self) -> Option<(Wanted, Option<&String>)> {
        match (self.rows.beside(), &self.source) {
            (Some(wanted), _) => Some((wanted, self.beside.as_ref())),
            (None, Some(source)) => Some((SOURCE, Some(source))),
            (None, None) => None,
        }
    }
}

/// The places of the columns that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) user: usize,
    pub(crate) time: usize,
    pub(crate) time_of_day: Option<usize>,
    /// The source's, or that of [`Rows::beside`].
    pub(crate) source: Option<usize>,
    /// Those that were found by their known names: what each holds, and its name.
    pub(crate) recognised: Vec<(&'static str, String)>,
}

impl Chosen {
    pub(crate) fn among(header: &[String], asked: &AskedColumns) -> Result<Self, Failure> {
        let mut recognised = Vec::new();
        let mut find = |wanted: Wanted, asked: Option<&str>| {
            let index = choose(header, wanted, asked)?;
            if asked.is_none() {
                recognised.push((wanted.what, header[index].clone()));
            }
            Ok::<_, Failure>(index)
        };
        let user = find(asked.rows.user(), asked.user.as_deref())?;
        let time = asked.rows.time();
        let time_of_day = asked.time.get(1);
        let time_of_day = time_of_day.map(|name| find(time, Some(name))).transpose()?;
        let time = find(time, asked.time.first().map(String::as_str))?;
        let source = asked
            .third()
            .map(|(wanted, name)| find(wanted, name.map(String::as_str)))
            .transpose()?;
        Ok(Self {
            user,
            time,
            time_of_day,
            source,
            recognised,
        })
    }
}

/// The index of the wanted column among `header`.
///
/// With `asked`, the column of exactly that name, else the only one that equals it without case and
/// outer spaces. Without, the highest-ranked known name that is present. An error lists what was
/// seen when there is none, and the places when there are two.
pub fn choose(header: &[String], wanted: Wanted, asked: Option<&str>) -> Result<usize, Failure> {
    match asked {
        Some(name) => {
            let exact = places(header, |column| column == name);
            let found = match exact.is_empty() {
                true => places(header, |column| folded(column) == folded(name)),
                false => exact,
            };
            only(header, &found, name, wanted)?.ok_or_else(|| missing(header, name))
        }
        None => {
            for name in wanted.names {
                let found = places(header, |column| folded(column) == *name);
                if let Some(index) = only(header, &found, name, wanted)? {
                    return Ok(index);
                }
            }
            Err(none_known(header, wanted))
        }
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

fn places(header: &[String], is_it: impl Fn(&str) -> bool) -> Vec<usize> {
    (0..header.len())
        .filter(|&index| is_it(&header[index]))
        .collect()
}

fn only(
    header: &[String],
    found: &[usize],
    name: &str,
    wanted: Wanted,
) -> Result<Option<usize>, Failure> {
    match found {
        [] => Ok(None),
        [index] => Ok(Some(*index)),
        several => {
            let listed: Vec<String> = several
                .iter()
                .map(|index| (index + 1).to_string())
                .collect();
            let message = format!(
                "column \"{name}\" appears {} times (columns {})",
                several.len(),
                and(&listed)
            );
            let names: Vec<String> = several
                .iter()
                .map(|&index| quoted(&header[index]))
                .collect();
            Err(Failure::new(error::AMBIGUOUS_COLUMN, message).help(format!(
                "the candidates are {}; rename one, or name another with {}",
                and(&names),
                wanted.flag
            )))
        }
    }
}

fn missing(header: &[String], name: &str) -> Failure {
    let mut near: Vec<(f64, &String)> = header
        .iter()
        .map(|column| (strsim::jaro_winkler(&folded(column), &folded(name)), column))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let failure = Failure::new(
        error::NO_COLUMN,
        format!("column {} not found; {}", quoted(name), seen(header)),
    );
    match near.first() {
        Some((_, column)) => failure.help(format!("did you mean {}?", quoted(column))),
        None => failure,
    }
}

fn none_known(header: &[String], wanted: Wanted) -> Failure {
    let message = format!(
        "no {} column: column \"{}\" not found, nor any other known name; {}",
        wanted.what,
        wanted.names.first().copied().unwrap_or_default(),
        seen(header)
    );
    Failure::new(error::NO_COLUMN, message).help(format!(
        "name the {} column with {}",
        wanted.what, wanted.flag
    ))
}

/// What the header holds, in words: the first ten columns, or a hint at the delimiter.
fn seen(header: &[String]) -> String {
    match header {
        [one] if one.contains([';', '\t', '|', ',']) => {
            format!(
                "header looks like one column {}; --delimiter splits it",
                quoted(one)
            )
        }
        columns => {
            let listed: Vec<String> = columns
                .iter()
                .take(LISTED)
                .map(|name| quoted(name))
                .collect();
            let more = columns.len().saturating_sub(LISTED);
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("the columns are {}{rest}", listed.join(", "))
        }
    }
}

fn quoted(name: &str) -> String {
    crate::time::timestamp::quoted(name.as_bytes())
}

fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
