//! The queries of `queries/`, built in: where applications of a known shape keep their events.

use std::sync::LazyLock;

use crate::events::Role;

/// How a preset finds a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnChoice {
    /// By the ranked lists of known names.
    Ranked,
    /// The column of this name.
    Named(&'static str),
}

impl ColumnChoice {
    /// The name that [`crate::import::columns::choose`] is asked for.
    pub(crate) fn asked(self) -> Option<&'static str> {
        match self {
            ColumnChoice::Ranked => None,
            ColumnChoice::Named(name) => Some(name),
        }
    }
}

/// One file of `queries/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    /// The source's name.
    pub(crate) source: &'static str,
    /// What its events do.
    pub(crate) role: Role,
    /// The table of the events, then those it is joined to.
    pub(crate) tables: Vec<&'static str>,
    /// Where the user is, in the first table.
    pub(crate) user: ColumnChoice,
    /// Where the time is, in the first table.
    pub(crate) time: ColumnChoice,
    /// The query, with `{user}` and `{time}` for quoted column names. Its first columns are
    /// [`Preset::COLUMNS`].
    pub(crate) statement: &'static str,
}

impl Preset {
    /// The leading columns of every statement: the row for messages, the user, the time.
    pub(crate) const COLUMNS: [&'static str; 3] = ["row_key", "user", "at"];

    /// The presets of SQLite databases, by source name.
    pub(crate) fn sqlite() -> &'static [Preset] {
        static PRESETS: LazyLock<Vec<Preset>> =
            LazyLock::new(|| SQLITE.iter().map(|text| Preset::read(text)).collect());
        &PRESETS
    }

    /// Reads a file: `-- word: value` lines between its comments, then one statement.
    fn read(text: &'static str) -> Preset {
        let value = |word: &str| {
            text.lines().find_map(|line| {
                let (found, value) = line.strip_prefix("-- ")?.split_once(": ")?;
                (found == word).then_some(value.trim())
            })
        };
        let needed = |word: &str| value(word).expect("the tests read every built-in query");
        let column = |word: &str| match needed(word) {
            "ranked" => ColumnChoice::Ranked,
            name => ColumnChoice::Named(name),
        };
        let joined = value("also").into_iter().flat_map(|names| names.split(','));
        let statement = text
            .find("SELECT")
            .map(|from| text[from..].trim_end())
            .expect("the tests read every built-in query");
        Preset {
            source: needed("source"),
            role: role(needed("role")),
            tables: [needed("table")]
                .into_iter()
                .chain(joined.map(str::trim))
                .collect(),
            user: column("user"),
            time: column("time"),
            statement,
        }
    }
}

fn role(name: &str) -> Role {
    [
        Role::Start,
        Role::Activity,
        Role::Ignore,
        Role::End,
        Role::Expiry,
    ]
    .into_iter()
    .find(|role| role.name() == name)
    .expect("the tests read every built-in query")
}

const SQLITE: [&str; 8] = [
    include_str!("../../queries/sqlite/attempts.sql"),
    include_str!("../../queries/sqlite/collections.sql"),
    include_str!("../../queries/sqlite/comments.sql"),
    include_str!("../../queries/sqlite/logins.sql"),
    include_str!("../../queries/sqlite/logouts.sql"),
    include_str!("../../queries/sqlite/posts.sql"),
    include_str!("../../queries/sqlite/profile_updates.sql"),
    include_str!("../../queries/sqlite/queries.sql"),
];
