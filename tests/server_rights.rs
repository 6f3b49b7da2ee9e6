//! What the program may do on a server: read, what it was given, and what was named, and nothing
//! else whatever names and queries hold. Cases 137 to 141.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::process::{Command, Stdio};

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::{Outcome, Scratch, tool};
use crate::servers::{Database, Kind, both, mariadb, postgres};

const NOW: &str = "2026-06-01T00:00:00Z";

/// User and number of events of each session that these words give.
fn ran(scratch: &Scratch, words: &[&str]) -> Outcome {
    scratch.run(
        ["sessions", "--format", "csv", "--now", NOW]
            .iter()
            .chain(words),
    )
}

/// User and start of every session.
fn sessions(outcome: Outcome) -> Vec<String> {
    let said = outcome.expect_ok().stdout();
    let mut reader = csv::Reader::from_reader(said.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        format!("{} {}", &row[1], &row[2])
    });
    rows.collect()
}

/// The same of a query in a configuration.
fn asked(database: &Database<'_>, query: &str) -> Outcome {
    asked_at(&database.url(), query)
}

fn asked_at(url: &str, query: &str) -> Outcome {
    let scratch = Scratch::new();
    let config = format!("[[source]]\nname = \"asked\"\npath = {url:?}\nquery = {query:?}\n");
    scratch.file("sessionize.toml", config);
    ran(&scratch, &[])
}

/// A table `posts` with one post of user 7, and an empty table `touched`.
fn one_post(database: &Database<'_>) {
    let time = match database.kind() {
        Kind::Postgres => "timestamptz",
        Kind::Mariadb => "datetime",
    };
    database.run(&format!(
        "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at {time}, secret text);
         INSERT INTO posts VALUES (1, 7, '2026-01-01 09:00:00', 'hush');
         CREATE TABLE touched (n int)"
    ));
}

const ONE_POST: [&str; 1] = ["7 2026-01-01T09:00:00Z"];

#[test]
fn a_function_in_a_view_that_writes_is_refused_by_the_server() {
    let planted = [
        (
            postgres(),
            "CREATE FUNCTION planted() RETURNS timestamptz LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO touched VALUES (1); RETURN now(); END $$",
        ),
        (
            postgres(),
            "CREATE FUNCTION planted() RETURNS timestamptz LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM set_config('default_transaction_read_only', 'off', false);
                 PERFORM set_config('transaction_read_only', 'off', false);
                 INSERT INTO touched VALUES (1); RETURN now();
             END $$",
        ),
        (
            mariadb(),
            "CREATE FUNCTION planted() RETURNS datetime
             BEGIN INSERT INTO touched VALUES (1); RETURN NOW(); END",
        ),
        (
            mariadb(),
            "CREATE FUNCTION planted() RETURNS datetime
             BEGIN SET SESSION TRANSACTION READ WRITE; INSERT INTO touched VALUES (1); RETURN NOW(); END",
        ),
    ];
    for (database, function) in planted {
        one_post(&database);
        database.run(function);
        database.run("CREATE VIEW seen AS SELECT id, user_id, planted() AS created_at FROM posts");
        // In a read-only transaction, MariaDB leaves such a view out of its catalogue.
        ran(&Scratch::new(), &[&database.url(), "--table", "seen"]).expect_failure(5);
        let refused = asked(&database, "SELECT user_id, created_at FROM seen").expect_failure(5);
        assert!(
            refused
                .stderr()
                .to_lowercase()
                .replace(' ', "-")
                .contains("read-only"),
            "{refused:?}"
        );
        assert!(database.ask("SELECT n FROM touched").is_empty());
    }
}

#[test]
fn a_query_is_one_statement_that_reads() {
    for database in both() {
        one_post(&database);
        database.run(match database.kind() {
            Kind::Postgres => {
                "CREATE PROCEDURE planted() LANGUAGE plpgsql AS $$
                 BEGIN COMMIT; INSERT INTO touched VALUES (1); COMMIT; END $$"
            }
            Kind::Mariadb => {
                "CREATE PROCEDURE planted()
                 BEGIN
                     COMMIT; SET SESSION TRANSACTION READ WRITE; INSERT INTO touched VALUES (1);
                     COMMIT; SELECT 7 AS user, NOW() AS time;
                 END"
            }
        });
        let good = "SELECT ';' AS x, user_id AS user, created_at AS time FROM posts; -- all;";
        assert_eq!(sessions(asked(&database, good)), ONE_POST);
        let select = "SELECT user_id, created_at FROM posts";
        for stacked in [
            format!("{select}; DELETE FROM posts"),
            format!("{select};;DELETE FROM posts;"),
            format!("{select} WHERE '\\'' = '; DELETE FROM posts; -- '"),
            format!("{select} /* /* */; DELETE FROM posts; -- */"),
            format!("{select} # '\n; DELETE FROM posts; -- '"),
            format!("{select} WHERE 1 = 1 --'\n; DELETE FROM posts; -- '"),
            format!("{select} /*! ; DELETE FROM posts */"),
            format!("{select} WHERE $$'$$ <> '$$; DELETE FROM posts; --$$'"),
            format!("{select} WHERE E'\\'' <> '; DELETE FROM posts; --'"),
            "DELETE FROM posts".to_owned(),
            "DELETE FROM posts RETURNING user_id, created_at".to_owned(),
            "WITH gone AS (DELETE FROM posts RETURNING user_id, created_at) SELECT * FROM gone"
                .to_owned(),
            format!("CREATE TABLE copied AS {select}"),
            format!("{select} FOR UPDATE"),
            format!("COPY ({select}) TO '/tmp/sessionize-copied'"),
            format!("{select} INTO OUTFILE '/tmp/sessionize-copied'"),
            "CALL planted()".to_owned(),
            "COMMIT".to_owned(),
            "ROLLBACK".to_owned(),
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE".to_owned(),
            "SET SESSION TRANSACTION READ WRITE".to_owned(),
            "LOCK TABLES posts WRITE".to_owned(),
            "LOCK TABLE posts IN ACCESS EXCLUSIVE MODE".to_owned(),
            "TRUNCATE posts".to_owned(),
            "DO $$ BEGIN DELETE FROM posts; END $$".to_owned(),
            "SELECT 7 AS user_id, nextval('counted') AS at".to_owned(),
            String::new(),
            "-- nothing".to_owned(),
        ] {
            let outcome = asked(&database, &stacked);
            // Some are one statement after all, where a sign does not begin what it does elsewhere.
            match outcome.code() {
                Some(0) => assert!(stacked.starts_with(select), "{outcome:?}"),
                Some(2 | 4 | 5) => drop(outcome.expect_stderr("error[")),
                _ => panic!("{stacked}: {outcome:?}"),
            }
            assert_eq!(
                database.ask("SELECT secret FROM posts"),
                [["hush"]],
                "{stacked}"
            );
            assert!(
                database.ask("SELECT n FROM touched").is_empty(),
                "{stacked}"
            );
            let tables =
                "SELECT count(*) FROM information_schema.tables WHERE table_name = 'copied'";
            assert_eq!(database.ask(tables), [["0"]], "{stacked}");
            assert!(
                !std::path::Path::new("/tmp/sessionize-copied").exists(),
                "{stacked}"
            );
        }
    }
}

#[test]
fn an_account_that_may_read_two_columns_is_enough() {
    for database in both() {
        one_post(&database);
        let user = database.user("ro", "");
        for columns in ["id, user_id, created_at", "user_id, created_at"] {
            database.run(&match database.kind() {
                Kind::Postgres => format!("REVOKE ALL ON posts FROM {user}"),
                Kind::Mariadb => format!("REVOKE ALL, GRANT OPTION FROM {user}"),
            });
            database.run(&format!("GRANT SELECT ({columns}) ON posts TO {user}"));
            let url = database.url_as(&user);
            let scratch = Scratch::new();
            assert_eq!(sessions(ran(&scratch, &[&url])), ONE_POST);
            assert_eq!(
                sessions(ran(&scratch, &[&url, "--table", "posts"])),
                ONE_POST
            );
            let secret = [&url, "--table", "posts", "--user-column", "secret"];
            ran(&scratch, &secret)
                .expect_failure(4)
                .expect_stderr("error[IN-03]");
        }
    }
}

#[test]
fn what_may_not_be_read_or_is_gone_is_named_with_its_sqlstate() {
    for database in both() {
        one_post(&database);
        let is_postgres = database.kind() == Kind::Postgres;
        let (no_right, no_table, no_column) = match is_postgres {
            true => ("(SQLSTATE 42501)", "(SQLSTATE 42P01)", "(SQLSTATE 42703)"),
            false => ("(SQLSTATE 42000)", "(SQLSTATE 42S02)", "(SQLSTATE 42S22)"),
        };
        let user = database.user("ro", "");
        let scratch = Scratch::new();
        database.run(&format!("GRANT SELECT ON touched TO {user}"));
        let url = database.url_as(&user);
        let refused = ran(&scratch, &[&url, "--table", "posts"]).expect_failure(5);
        refused
            .expect_stderr("error[DB-02]")
            .expect_stderr("table \"posts\" not found");
        let refused = asked_at(&url, "SELECT user_id, created_at FROM posts").expect_failure(5);
        refused
            .expect_stderr("error[DB-04]")
            .expect_stderr("posts")
            .expect_stderr(no_right);
        let of = |query: &str| asked(&database, query).expect_failure(5);
        of("SELECT user_id, created_at FROM gone")
            .expect_stderr("gone")
            .expect_stderr(no_table);
        of("SELECT user_id, lost_at FROM posts")
            .expect_stderr("lost_at")
            .expect_stderr(no_column);
        let url = database.url();
        let gone = ran(&scratch, &[&url, "--table", "gone"]).expect_failure(5);
        gone.expect_stderr("error[DB-02]").expect_stderr("gone");
        let gone = ran(
            &scratch,
            &[&url, "--table", "posts", "--time-column", "lost_at"],
        );
        gone.expect_failure(4)
            .expect_stderr("error[IN-03]")
            .expect_stderr("lost_at");

        database.run("CREATE TABLE base (id int, user_id int, created_at timestamp)");
        database.run("INSERT INTO base VALUES (1, 7, '2026-01-01 09:00:00')");
        match is_postgres {
            true => {
                database.run(
                    "CREATE FUNCTION broken() RETURNS timestamptz LANGUAGE plpgsql AS
                     $$ BEGIN RETURN (SELECT created_at FROM lost); END $$;
                     CREATE VIEW seen AS SELECT id, user_id, broken() AS created_at FROM base",
                );
                let refused = ran(&scratch, &[&url, "--table", "seen"]).expect_failure(5);
                refused.expect_stderr("lost").expect_stderr("42P01");
            }
            false => {
                database.run("CREATE VIEW seen AS SELECT * FROM base; DROP TABLE base");
                let refused = ran(&scratch, &[&url, "--table", "seen"]).expect_failure(5);
                refused.expect_stderr("seen");
            }
        }
    }
}

/// The name in the quotes of a dialect.
fn quoted(kind: Option<Kind>, name: &str) -> String {
    match kind {
        Some(Kind::Mariadb) => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Creates a table of this name with a post of user 7, or says that the server does not take it.
fn create(place: &Place<'_>, table: &str, user: &str, time: &str) -> bool {
    let kind = place.kind();
    let [table, user, time] = [table, user, time].map(|name| quoted(kind, name));
    place.try_run(&format!(
        "CREATE TABLE {table} ({user} int, {time} varchar(30));
         INSERT INTO {table} VALUES (7, '2026-01-01T09:00:00Z')"
    ))
}

/// Where a table is made: on a server, or in a file of SQLite.
enum Place<'a> {
    Server(&'a Database<'a>),
    File(&'a Scratch),
}

impl Place<'_> {
    fn kind(&self) -> Option<Kind> {
        match self {
            Place::Server(database) => Some(database.kind()),
            Place::File(_) => None,
        }
    }

    fn address(&self) -> String {
        match self {
            Place::Server(database) => database.url(),
            Place::File(scratch) => scratch.path("app.db").display().to_string(),
        }
    }

    fn try_run(&self, statements: &str) -> bool {
        match self {
            Place::Server(database) => database.session().try_run(statements).is_ok(),
            Place::File(scratch) => {
                let file = scratch.path("app.db").display().to_string();
                // A shell would take a line for a command of its own.
                const RUN: &str = "import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2], newline='').read())";
                scratch.file("statements.sql", statements);
                let statements = scratch.path("statements.sql");
                let mut run = Command::new("python3");
                run.args(["-c", RUN, &file])
                    .arg(statements)
                    .env("PYTHONUTF8", "1");
                run.stderr(Stdio::null()).status().unwrap().success()
            }
        }
    }

    /// Whether the table with the bystander is as it was.
    fn is_unharmed(&self) -> bool {
        let query = "SELECT n FROM bystander";
        match self {
            Place::Server(database) => database.ask(query) == [["1"]],
            Place::File(scratch) => {
                let file = scratch.path("app.db").display().to_string();
                tool("sqlite3", "sqlite3", [file.as_str(), query]).trim() == "1"
            }
        }
    }
}

/// Names the object in every place: what is read is exactly its one row, or nothing.
fn check_name(place: &Place<'_>, name: &str, user: &str, time: &str) {
    let names = [name, user, time];
    // PostgreSQL cuts a longer name, and so makes another table.
    let is_cut = place.kind() == Some(Kind::Postgres) && names.iter().any(|name| name.len() > 63);
    let has_nul = names.iter().any(|name| name.contains('\0'));
    let is_made = !has_nul && create(place, name, user, time) && !is_cut;
    let scratch = Scratch::new();
    let escaped = |text: &str| {
        let letters = text
            .chars()
            .map(|letter| format!("\\U{:08X}", u32::from(letter)));
        letters.collect::<String>()
    };
    scratch.file(
        "sessionize.toml",
        format!(
            "[[source]]\nname = \"odd\"\npath = {:?}\ntable = \"{}\"\nuser = \"{}\"\ntime = \"{}\"\n",
            place.address(),
            escaped(name),
            escaped(user),
            escaped(time)
        ),
    );
    let outcome = ran(&scratch, &[]);
    assert!(!outcome.stderr().contains("panicked"), "{outcome:?}");
    match outcome.code() {
        Some(0) => {
            assert!(
                is_made,
                "{name:?} {user:?} {time:?} was never made: {outcome:?}"
            );
            assert_eq!(sessions(outcome), ONE_POST, "{name:?} {user:?} {time:?}");
        }
        Some(2 | 4 | 5) => assert!(!is_made, "{name:?} {user:?} {time:?}: {outcome:?}"),
        _ => panic!("{outcome:?}"),
    }
    assert!(place.is_unharmed(), "{name:?} {user:?} {time:?}");
    if is_made {
        place.try_run(&format!("DROP TABLE {}", quoted(place.kind(), name)));
    }
}

/// A bystander that nothing may happen to.
const BYSTANDER: &str = "CREATE TABLE bystander (n int); INSERT INTO bystander VALUES (1)";

/// Names made of what means something in some dialect, and of anything.
fn hostile_name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\"".to_owned()),
        Just("`".to_owned()),
        Just("'".to_owned()),
        Just("]".to_owned()),
        Just("\\".to_owned()),
        Just(".".to_owned()),
        Just(";".to_owned()),
        Just("--".to_owned()),
        Just("/*".to_owned()),
        Just("$$".to_owned()),
        Just("{user}".to_owned()),
        Just("{time}".to_owned()),
        Just("?".to_owned()),
        Just("$1".to_owned()),
        Just(" ".to_owned()),
        Just("bystander".to_owned()),
        Just("DROP TABLE bystander".to_owned()),
        Just("É".to_owned()),
        Just("e\u{301}".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 1..5).prop_map(|parts| parts.concat())
}

/// Checks names in all three dialects.
fn check_everywhere(names: &[[String; 3]]) {
    let (servers, scratch) = (both(), Scratch::new());
    let [postgres, mariadb] = &servers;
    for place in [
        Place::Server(postgres),
        Place::Server(mariadb),
        Place::File(&scratch),
    ] {
        assert!(place.try_run(BYSTANDER));
        for [name, user, time] in names {
            check_name(&place, name, user, time);
        }
    }
}

#[test]
fn a_hostile_name_names_exactly_that_object_or_nothing() {
    let long = "n".repeat(64);
    let wide = "é".repeat(32);
    let names = [
        "posts; DROP TABLE bystander",
        "posts\"; DROP TABLE bystander; --",
        "posts`; DROP TABLE bystander; -- ",
        "posts'; DROP TABLE bystander; --",
        "a\"b",
        "a`b",
        "a]b",
        "a\\",
        "\"a\"",
        "`a`",
        "a.b",
        "public.posts",
        "a.\"b\"",
        "select",
        "naïve",
        "名前",
        "na\u{308}me",
        "🦀",
        " lead",
        "trail ",
        "new\nline",
        "{user}",
        "$1",
        "?",
        "%s",
        "n\0l",
        &long,
        &long[..63],
        &wide,
    ];
    // As a table, as a user and within a time.
    let everywhere = names.map(|name| [name.to_owned(), name.to_owned(), format!("t{name}")]);
    check_everywhere(&everywhere);
}

#[test]
fn any_name_names_exactly_that_object_or_nothing() {
    let mut runner = TestRunner::new(Config::default());
    let names = [hostile_name(), hostile_name(), hostile_name()];
    let drawn = (0..24).map(|_| names.new_tree(&mut runner).unwrap().current());
    check_everywhere(&drawn.collect::<Vec<_>>());
}
