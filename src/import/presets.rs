//! The queries of `queries/`, built in: where applications of a known shape keep their events.

use std::sync::LazyLock;

use crate::events::Role;
use crate::sql::Dialect;

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
    /// The query, with `{key}`, `{user}`, `{time}` and each table's name in braces for quoted names.
    /// The events' own table is called `events` where it has a key. Its first columns are
    /// [`Preset::COLUMNS`].
    pub(crate) statement: &'static str,
}

impl Preset {
    /// The leading columns of every statement: the row for messages, the user, the time.
    pub(crate) const COLUMNS: [&'static str; 3] = ["row_key", "user", "at"];

    /// The presets of a dialect, by source name; none for engines that are not read.
    pub(crate) fn of(dialect: Dialect) -> &'static [Preset] {
        static PRESETS: LazyLock<[Vec<Preset>; 3]> = LazyLock::new(|| {
            [SQLITE, POSTGRES, MYSQL].map(|texts| texts.into_iter().map(Preset::read).collect())
        });
        let [sqlite, postgres, mysql] = &*PRESETS;
        match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
            Dialect::Mysql => mysql,
            _ => &[],
        }
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

const POSTGRES: [&str; 8] = [
    include_str!("../../queries/postgres/attempts.sql"),
    include_str!("../../queries/postgres/collections.sql"),
    include_str!("../../queries/postgres/comments.sql"),
    include_str!("../../queries/postgres/logins.sql"),
    include_str!("../../queries/postgres/logouts.sql"),
    include_str!("../../queries/postgres/posts.sql"),
    include_str!("../../queries/postgres/profile_updates.sql"),
    include_str!("../../queries/postgres/queries.sql"),
];

const MYSQL: [&str; 8] = [
    include_str!("../../queries/mysql/attempts.sql"),
    include_str!("../../queries/mysql/collections.sql"),
    include_str!("../../queries/mysql/comments.sql"),
    include_str!("../../queries/mysql/logins.sql"),
    include_str!("../../queries/mysql/logouts.sql"),
    include_str!("../../queries/mysql/posts.sql"),
    include_str!("../../queries/mysql/profile_updates.sql"),
    include_str!("../../queries/mysql/queries.sql"),
];
