//! SQLite databases: found sources, values of every storage class, locks, damage, and nothing left
//! behind.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{Outcome, Scratch, names_in, tool};

const NOW: &str = "2026-03-01T00:00:00Z";

/// An open database that the test writes to, as an application would.
struct Application {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Application {
    fn open(path: &Path) -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .disable_statement_logging();
        let connection = runtime.block_on(options.connect()).unwrap();
        Self {
            runtime,
            connection,
        }
    }

    fn run(&mut self, statements: &str) -> &mut Self {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements));
        let ran = self
            .runtime
            .block_on(statements.execute(&mut self.connection));
        ran.unwrap();
        self
    }

    fn close(self) {
        self.runtime.block_on(self.connection.close()).unwrap();
    }
}

/// A scratch folder with a database `app.db` made by these statements.
fn scratch_with(statements: &str) -> Scratch {
    let scratch = Scratch::new();
    let mut application = Application::open(&scratch.path("app.db"));
    application.run(statements);
    application.close();
    scratch
}

const THREE_POSTS: &str = "
    CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER, created_at TEXT);
    INSERT INTO posts VALUES
        (1, 7, '2026-01-01 09:00:00'), (2, 7, '2026-01-01T09:20:00Z'), (3, 8, '2026-01-02T09:00');";

/// User, start, end, events and sources of every session, a line each.
fn sessions(scratch: &Scratch, args: &[&str]) -> Vec<String> {
    let flags = ["--format", "csv", "--now", NOW];
    let args = ["sessions"].iter().chain(args).chain(&flags);
    rows(&scratch.run(args).expect_ok())
}

fn rows(outcome: &Outcome) -> Vec<String> {
    let said = outcome.stdout();
    let mut reader = csv::Reader::from_reader(said.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        [1, 2, 3, 5, 6].map(|at| row[at].to_owned()).join(" ")
    });
    rows.collect()
}

/// The names in a folder and a digest of each file, other than of a database's `-shm`, where readers
/// of a write-ahead log count themselves. Another process reads the files: if this one closed them,
/// it would give up the locks that an [`Application`] holds.
fn contents(folder: &Path) -> Vec<String> {
    let digest = |name: String| match name.ends_with("-shm") {
        true => name,
        false => tool("sha256sum", "coreutils", [folder.join(name)]),
    };
    names_in(folder).into_iter().map(digest).collect()
}

#[test]
fn every_known_table_is_a_source_with_its_role() {
    let scratch = scratch_with(
        "CREATE TABLE Posts (id INTEGER PRIMARY KEY, user_id INTEGER, created_at TEXT);
         CREATE TABLE comments (id INTEGER PRIMARY KEY, author_id TEXT, created_at TEXT);
         CREATE TABLE query_embeddings (id INTEGER PRIMARY KEY, user_id INTEGER, created_at TEXT);
         CREATE TABLE attempts
             (id INTEGER PRIMARY KEY, child_id INTEGER, question_id INTEGER, created_at TEXT);
         CREATE TABLE question_bank (id INTEGER PRIMARY KEY, subject TEXT);
         CREATE TABLE persons (id INTEGER PRIMARY KEY, created_at TEXT, updated_at TEXT);
         CREATE TABLE collections (id INTEGER PRIMARY KEY, user_id INTEGER, created_at TEXT);
         CREATE TABLE logins (id INTEGER PRIMARY KEY, user_id INTEGER, at TEXT);
         CREATE TABLE logouts (id INTEGER PRIMARY KEY, user_id INTEGER, at TEXT);
         INSERT INTO logins VALUES (1, 7, '2026-01-01T09:00:00Z');
         INSERT INTO posts VALUES (1, 7, '2026-01-01T09:01:00Z');
         INSERT INTO comments VALUES (1, '7', '2026-01-01T09:02:00Z');
         INSERT INTO query_embeddings VALUES (1, 7, '2026-01-01T09:03:00Z');
         INSERT INTO attempts VALUES (1, 7, 3, '2026-01-01T09:04:00Z');
         INSERT INTO collections VALUES (1, 7, '2026-01-01T09:05:00Z');
         INSERT INTO persons VALUES (7, '2020-01-01T00:00:00Z', '2026-01-01T09:06:00Z');
         INSERT INTO logouts VALUES (1, 7, '2026-01-01T09:07:00Z');",
    );
    let report = scratch.run(["app.db", "--format", "json", "--now", NOW]);
    let report: serde_json::Value = serde_json::from_str(&report.expect_ok().stdout()).unwrap();
    let found = report["run"]["sources"].as_array().unwrap().iter();
    let found: Vec<String> = found
        .map(|source| {
            let word = |name: &str| source[name].as_str().unwrap();
            format!(
                "{} {} {}",
                word("name"),
                word("role"),
                source["rows"]["read"]
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "logins start 1",
            "attempts activity 1",
            "collections activity 1",
            "comments activity 1",
            "posts activity 1",
            "profile_updates activity 1",
            "queries activity 1",
            "logouts end 1",
        ]
    );
    assert_eq!(
        sessions(&scratch, &["app.db"]),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:07:00Z 8 attempts:1;collections:1;comments:1;\
             logins:1;logouts:1;posts:1;profile_updates:1;queries:1"
        ]
    );
}

#[test]
fn attempts_are_read_without_a_question_bank() {
    let scratch = scratch_with(
        "CREATE TABLE attempts (id INTEGER PRIMARY KEY, child_id INTEGER, created_at TEXT);
         INSERT INTO attempts VALUES (1, 7, '2026-01-01T09:00:00Z');",
    );
    assert_eq!(
        sessions(&scratch, &["app.db"]),
        ["7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 attempts:1"]
    );
}

#[test]
fn a_table_of_tracked_sessions_is_no_source() {
    let scratch = scratch_with(&format!(
        "{THREE_POSTS}
         CREATE TABLE logins (user_id INTEGER, started_at TEXT, ended_at TEXT);
         INSERT INTO logins VALUES (7, '2026-01-01T08:00:00Z', '2026-01-01T10:00:00Z');"
    ));
    assert_eq!(
        sessions(&scratch, &["app.db"]),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:20:00Z 2 posts:2",
            "8 2026-01-02T09:00:00Z 2026-01-02T09:00:00Z 1 posts:1"
        ]
    );
}

#[test]
fn a_database_without_known_tables_lists_candidates() {
    let scratch = scratch_with(
        "CREATE TABLE clicks (member_id INTEGER, occurred_at TEXT);
         CREATE TABLE prices (id INTEGER, cents INTEGER);
         CREATE TABLE user_sessions (user_id INTEGER, started_at TEXT, ended_at TEXT);",
    );
    let refused = scratch.run(["app.db", "--now", NOW]).expect_failure(5);
    let refused = refused
        .expect_stderr("error[DB-02]")
        .expect_stderr("candidate: table \"clicks\" (user \"member_id\", time \"occurred_at\")")
        .expect_stderr("left out, as tracked sessions: \"user_sessions\"")
        .expect_stderr("--table");
    assert!(!refused.stderr().contains("prices"), "{refused:?}");
}

#[test]
fn at_most_ten_candidates_are_listed() {
    let tables = (10..22).map(|n| format!("CREATE TABLE t{n} (user_id, created_at);"));
    let scratch = scratch_with(&tables.collect::<String>());
    let refused = scratch.run(["app.db"]).expect_failure(5);
    let refused = refused.expect_stderr("and 2 more");
    assert_eq!(refused.stderr().matches("candidate: ").count(), 10);
}

#[test]
fn a_named_table_is_found_without_case_and_its_columns_are_chosen() {
    let scratch = scratch_with(
        "CREATE TABLE Clicks (visitor_id, email, ts);
         INSERT INTO Clicks VALUES (7, 'a@example.com', '2026-01-01T09:00:00Z');",
    );
    let by = |column: &str| {
        let args = ["app.db", "--table", "CLICKS", "--user-column", column];
        sessions(&scratch, &args)
    };
    let expected = "2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 CLICKS:1";
    let flags = ["app.db", "--table", "CLICKS"];
    assert_eq!(sessions(&scratch, &flags), [format!("7 {expected}")]);
    assert_eq!(by("email"), [format!("a@example.com {expected}")]);
}

#[test]
fn a_misspelt_table_is_not_guessed() {
    let scratch = scratch_with("CREATE TABLE clicks (user_id, at);");
    let refused = scratch.run(["app.db", "--table", "click"]);
    let refused = refused.expect_failure(5).expect_stderr("error[DB-02]");
    refused.expect_stderr("did you mean \"clicks\"?");
}

#[test]
fn names_of_tables_and_columns_are_quoted_whatever_they_hold() {
    let scratch = scratch_with(
        "CREATE TABLE \"a\"\"b]`'. drop table x--\" (\"select\" TEXT, \"from \"\"x\"\"\" TEXT);
         INSERT INTO \"a\"\"b]`'. drop table x--\" VALUES ('ada', '2026-01-01T09:00:00Z');",
    );
    let found = sessions(
        &scratch,
        &[
            "odd=app.db",
            "--table",
            "a\"b]`'. drop table x--",
            "--user-column",
            "select",
            "--time-column",
            "from \"x\"",
        ],
    );
    assert_eq!(
        found,
        ["ada 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 odd:1"]
    );
}

#[test]
fn each_value_is_read_by_its_own_storage_class() {
    let scratch = scratch_with(
        "CREATE TABLE events (user_id, at);
         INSERT INTO events (rowid, user_id, at) VALUES
             (10, 7, 1767258000),
             (11, '7', '2026-01-01T09:00:01Z'),
             (12, '007', '2026-01-01T09:00:00Z'),
             (13, x'00112233445566778899AABBCCDDEEFF', '2026-01-01 09:00:00'),
             (14, x'CAFE', '2026-01-01T09:00:00Z'),
             (15, NULL, '2026-01-01T09:00:00Z'),
             (16, 7, NULL),
             (17, 7, x'31'),
             (18, 7, 2461042.5),
             (19, '', '2026-01-01T09:00:00Z');",
    );
    let args = [
        "sessions",
        "app.db",
        "--table",
        "events",
        "--format",
        "csv",
        "--now",
        NOW,
        "--max-rejects",
        "5",
        "--rejects",
        "rejects.csv",
    ];
    let ran = scratch.run(args).expect_ok();
    assert_eq!(
        rows(&ran),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:00:01Z 2 events:2",
            "00112233-4455-6677-8899-aabbccddeeff 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 events:1",
            "007 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 events:1",
            "cafe 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 events:1",
        ]
    );
    let rejects = scratch.text("rejects.csv");
    let mut rejects = csv::Reader::from_reader(rejects.as_bytes());
    let rejects = rejects.records().map(|row| {
        let row = row.unwrap();
        [2, 4, 5].map(|at| row[at].to_owned()).join(" ")
    });
    let rejects: Vec<String> = rejects.collect();
    assert_eq!(
        rejects,
        [
            "15 user_id IN-23",
            "16 at TM-09",
            "17 at TM-02",
            "18 at TM-02",
            "19 user_id IN-23"
        ]
    );
}

#[test]
fn a_row_with_a_negative_key_is_named_by_its_place() {
    let scratch = scratch_with(
        "CREATE TABLE events (user_id, at);
         INSERT INTO events (rowid, user_id, at) VALUES (-5, 7, 'soon');",
    );
    let refused = scratch.run(["app.db", "--table", "events"]);
    refused.expect_failure(4).expect_stderr("row 1, ");
}

#[test]
fn real_times_are_julian_days_where_that_is_said() {
    let scratch = scratch_with(
        "CREATE TABLE events (user_id, at REAL); INSERT INTO events VALUES (7, 2461042.5);",
    );
    let args = ["app.db", "--table", "events", "--time-format", "julian"];
    assert_eq!(
        sessions(&scratch, &args),
        ["7 2026-01-02T00:00:00Z 2026-01-02T00:00:00Z 1 events:1"]
    );
}

#[test]
fn a_real_number_is_no_user() {
    let scratch = scratch_with(
        "CREATE TABLE events (user_id REAL, at); INSERT INTO events VALUES (7, 1767258000);",
    );
    let refused = scratch.run(["app.db", "--table", "events"]);
    let refused = refused.expect_failure(4).expect_stderr("error[IN-13]");
    refused.expect_stderr("column \"user_id\": a user cannot be of type REAL");
}

#[test]
fn views_and_tables_without_row_numbers_are_read() {
    let scratch = scratch_with(
        "CREATE TABLE keyed (user_id, at, PRIMARY KEY (user_id, at)) WITHOUT ROWID;
         INSERT INTO keyed VALUES (7, '2026-01-01T09:00:00Z');
         CREATE VIEW seen AS SELECT user_id AS author, at AS time FROM keyed;
         CREATE TABLE gone (x); CREATE VIEW broken AS SELECT x FROM gone; DROP TABLE gone;
         CREATE TABLE hidden (user_id, at, rowid TEXT);
         INSERT INTO hidden VALUES (7, '2026-01-01T09:00:00Z', 'not a number');",
    );
    for table in ["keyed", "seen", "hidden"] {
        assert_eq!(
            sessions(&scratch, &["app.db", "--table", table]),
            [format!(
                "7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 {table}:1"
            )]
        );
    }
}

#[test]
fn text_kept_in_utf_16_is_read() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let scratch = scratch_with(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE posts (user_id TEXT, created_at TEXT);
             INSERT INTO posts VALUES ('Zoë 🦀', '2026-01-01T09:00:00Z');"
        ));
        assert_eq!(
            sessions(&scratch, &["app.db"]),
            ["Zoë 🦀 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 posts:1"]
        );
    }
}

#[test]
fn a_query_is_one_statement_and_cannot_write() {
    let scratch = scratch_with(THREE_POSTS);
    let ask = |query: &str| {
        let config =
            format!("[[source]]\nname = \"asked\"\npath = \"app.db\"\nquery = {query:?}\n");
        scratch.file("sessionize.toml", config);
        scratch.run(["sessions", "--format", "csv", "--now", NOW])
    };
    let before = contents(&scratch.path("."));
    let found = ask("SELECT ';' AS x, user_id AS user, created_at AS time FROM posts; -- all;");
    assert_eq!(rows(&found.expect_ok()).len(), 2);
    let stacked = ask("SELECT user_id, created_at FROM posts; DELETE FROM posts");
    stacked
        .expect_failure(2)
        .expect_stderr("more than one statement");
    for writing in [
        "DELETE FROM posts",
        "DELETE FROM posts RETURNING user_id, created_at",
        "PRAGMA journal_mode = wal",
        "VACUUM INTO 'copy.db'",
        "ATTACH 'other.db' AS other",
    ] {
        let refused = ask(writing);
        assert_ne!(refused.code(), Some(0), "{refused:?}");
        assert!(!refused.stderr().contains("panicked"), "{refused:?}");
    }
    fs::remove_file(scratch.path("sessionize.toml")).unwrap();
    assert_eq!(contents(&scratch.path(".")), before);
}

#[test]
fn a_name_that_looks_like_an_address_is_a_file() {
    let scratch = scratch_with(THREE_POSTS);
    for name in ["file:app.db", ":memory:", "a?mode=memory&x=%41#b.db"] {
        fs::copy(scratch.path("app.db"), scratch.path(name)).unwrap();
        let path = format!("posts=./{name}");
        assert_eq!(sessions(&scratch, &[&path]).len(), 2, "{name}");
    }
}

#[test]
fn a_database_in_use_is_read_as_last_committed_and_left_as_it_was() {
    let scratch = scratch_with(THREE_POSTS);
    for mode in ["delete", "wal"] {
        let mut application = Application::open(&scratch.path("app.db"));
        application.run(&format!(
            "PRAGMA journal_mode = {mode};
             INSERT INTO posts (user_id, created_at) VALUES (9, '2026-01-03T09:00:00Z');
             BEGIN IMMEDIATE;
             INSERT INTO posts (user_id, created_at) VALUES (10, '2026-01-04T09:00:00Z');"
        ));
        let before = contents(&scratch.path("."));
        assert_eq!(sessions(&scratch, &["app.db"]).len(), 3, "{mode}");
        assert_eq!(contents(&scratch.path(".")), before, "{mode}");
        application.run("ROLLBACK; DELETE FROM posts WHERE user_id = 9");
        application.close();
    }
}

#[test]
fn an_exclusive_lock_is_waited_for_and_then_named() {
    let scratch = scratch_with(THREE_POSTS);
    let mut application = Application::open(&scratch.path("app.db"));
    application.run("BEGIN EXCLUSIVE");
    let before = contents(&scratch.path("."));
    let refused = scratch.run(["app.db"]).expect_failure(5);
    refused
        .expect_stderr("error[DB-01]")
        .expect_stderr("database is locked by another process; waited 5 s");
    assert_eq!(contents(&scratch.path(".")), before);
    let args = ["sessions", "app.db", "--format", "csv", "--now", NOW];
    let waiting = scratch.sessionize(args).start();
    std::thread::sleep(std::time::Duration::from_millis(300));
    application.run("COMMIT");
    assert_eq!(rows(&waiting.finish().expect_ok()).len(), 2);
}

#[test]
fn an_interrupted_transaction_is_left_for_the_application() {
    let scratch = scratch_with(THREE_POSTS);
    let mut application = Application::open(&scratch.path("app.db"));
    application.run(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000)
         INSERT INTO posts (user_id, created_at) SELECT x, '2026-01-01T09:00:00Z' FROM n;
         PRAGMA cache_size = 2; BEGIN; UPDATE posts SET user_id = user_id + 1;",
    );
    // What a crash now would leave behind.
    let crashed = Scratch::new();
    for name in ["app.db", "app.db-journal"] {
        tool("cp", "coreutils", [scratch.path(name), crashed.path(name)]);
    }
    let before = contents(&crashed.path("."));
    let refused = crashed.run(["app.db"]).expect_failure(5);
    refused.expect_stderr("hot journal");
    assert_eq!(contents(&crashed.path(".")), before);
}

#[test]
fn a_database_in_a_folder_that_may_not_be_written_to_is_read() {
    let program = Scratch::new();
    fs::copy(env!("CARGO_BIN_EXE_sessionize"), program.path("sessionize")).unwrap();
    let open = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&program.path("."), 0o755);
    let read = |scratch: &Scratch| {
        open(&scratch.path("."), 0o555);
        let args = ["sessions", "app.db", "--format", "csv", "--now", NOW];
        let call = scratch.sessionize(args);
        // The system lets root write anywhere.
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let outcome = match is_root {
            false => call.run(),
            true => call
                .program(program.path("sessionize"))
                .under([
                    "setpriv",
                    "--reuid=65534",
                    "--regid=65534",
                    "--clear-groups",
                ])
                .run(),
        };
        open(&scratch.path("."), 0o755);
        outcome
    };
    let plain = scratch_with(THREE_POSTS);
    assert_eq!(rows(&read(&plain).expect_ok()).len(), 2);

    let logged = scratch_with(&format!("PRAGMA journal_mode = wal; {THREE_POSTS}"));
    assert_eq!(rows(&read(&logged).expect_ok()).len(), 2);
    assert_eq!(logged.names(), ["app.db"]);

    // A log without its index, which cannot be made here.
    logged.file("app.db-wal", "");
    read(&logged)
        .expect_failure(5)
        .expect_stderr("its folder cannot be written to")
        .expect_stderr("help: copy it");
    std::fs::remove_file(logged.path("app.db-wal")).unwrap();

    let mut application = Application::open(&logged.path("app.db"));
    application.run("INSERT INTO posts VALUES (9, 9, '2026-01-03T09:00:00Z')");
    assert_eq!(rows(&read(&logged).expect_ok()).len(), 3);
    application.close();
}

#[test]
fn what_is_no_database_or_damaged_is_said() {
    let scratch = scratch_with(THREE_POSTS);
    let whole = scratch.read("app.db");
    let mut flipped = whole.clone();
    let page = flipped.len() - 4096;
    flipped[page..page + 100].fill(0xee);
    let noise: Vec<u8> = (0..8192_u32).map(|n| (n * 151 + n / 7) as u8).collect();
    for (bytes, expected) in [
        (noise, "not a SQLite database, or an encrypted one"),
        (b"no database at all".to_vec(), "not a SQLite database"),
        (whole[..4096].to_vec(), "database is damaged"),
        (whole[..100].to_vec(), "database is damaged"),
        (flipped, "database is damaged"),
    ] {
        scratch.file("bad.db", bytes);
        let refused = scratch.run(["sqlite:bad.db"]).expect_failure(5);
        refused
            .expect_stderr("error[DB-01]")
            .expect_stderr(expected);
    }
    scratch.file("bad.db", "");
    let empty = scratch.run(["sqlite:bad.db"]).expect_failure(5);
    empty.expect_stderr("the database has no tables");
}

#[test]
fn two_sources_of_one_database_are_its_two_tables() {
    let scratch = scratch_with(&format!(
        "{THREE_POSTS}; CREATE TABLE replies AS SELECT * FROM posts"
    ));
    let source = |table: &str| format!("[[source]]\npath = \"app.db\"\ntable = \"{table}\"\n");
    scratch.file("sessionize.toml", source("posts") + &source("replies"));
    let listed = scratch
        .run(["sessions", "--format", "csv"])
        .expect_ok()
        .stdout();
    assert!(
        listed.contains("posts:") && listed.contains("replies:"),
        "{listed}"
    );
}

#[test]
fn two_sources_of_one_table_are_told_by_their_conditions() {
    let scratch = scratch_with(THREE_POSTS);
    let source = |name: &str, filter: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\npath = \"app.db\"\ntable = \"posts\"\n\
             where = \"{filter}\"\n"
        )
    };
    let sources = source("early", "id < 3") + &source("late", "id >= 3");
    scratch.file("sessionize.toml", sources);
    assert_eq!(
        sessions(&scratch, &[]),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:20:00Z 2 early:2",
            "8 2026-01-02T09:00:00Z 2026-01-02T09:00:00Z 1 late:1"
        ]
    );
}

#[test]
fn a_database_that_keeps_a_log_but_has_none_gets_no_file_beside_it() {
    let scratch = scratch_with(&format!("PRAGMA journal_mode = wal; {THREE_POSTS}"));
    let before = scratch.names();
    assert!(
        !before.iter().any(|name| name.contains("-wal")),
        "{before:?}"
    );
    scratch.run(["app.db"]).expect_ok();
    assert_eq!(scratch.names(), before);
}

#[test]
fn a_person_whose_profile_was_never_updated_is_no_row() {
    let scratch = scratch_with(
        "CREATE TABLE persons (id INTEGER PRIMARY KEY, updated_at TEXT);
         INSERT INTO persons VALUES (1, '2026-03-02 09:00:00'), (2, NULL)",
    );
    let listed = scratch
        .run(["sessions", "app.db", "--format", "csv"])
        .expect_ok()
        .stdout();
    assert_eq!(listed.lines().count(), 2, "{listed}");
}
