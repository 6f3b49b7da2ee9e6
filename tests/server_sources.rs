//! Sources of database servers: the built-in queries, a team's own, and ids of every type.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use crate::harness::Scratch;
use crate::servers::{self, Database, Kind};

const NOW: [&str; 2] = ["--now", "2026-03-01"];

/// User, start, end, events and sources of every session, a line each.
fn sessions(scratch: &Scratch, args: &[&str]) -> Vec<String> {
    let args = ["sessions", "--format", "csv"]
        .iter()
        .chain(&NOW)
        .chain(args);
    let said = scratch.run(args).expect_ok().stdout();
    let mut reader = csv::Reader::from_reader(said.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        [1, 2, 3, 5, 6].map(|at| row[at].to_owned()).join(" ")
    });
    rows.collect()
}

/// Name, role and rows read of every source.
fn sources(scratch: &Scratch, args: &[&str]) -> Vec<String> {
    let args = ["--format", "json"].iter().chain(&NOW).chain(args);
    let report = scratch.run(args).expect_ok().stdout();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let found = report["run"]["sources"].as_array().unwrap().iter();
    let found = found.map(|source| {
        let word = |name: &str| source[name].as_str().unwrap();
        let read = &source["rows"]["read"];
        format!("{} {} {read}", word("name"), word("role"))
    });
    found.collect()
}

fn both() -> [Database<'static>; 2] {
    [servers::postgres(), servers::mariadb()]
}

#[test]
fn every_known_table_of_a_server_is_a_source_with_its_role() {
    for database in both() {
        database.run(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at timestamp);
             CREATE TABLE comments (id int PRIMARY KEY, author_id varchar(9), created_at timestamp);
             CREATE TABLE query_embeddings (id int PRIMARY KEY, user_id int, created_at timestamp);
             CREATE TABLE attempts
                 (id int PRIMARY KEY, child_id int, question_id int, created_at timestamp);
             CREATE TABLE question_bank (id int PRIMARY KEY, subject varchar(9));
             CREATE TABLE persons (id int PRIMARY KEY, created_at timestamp, updated_at timestamp NULL);
             CREATE TABLE collections (id int PRIMARY KEY, user_id int, created_at timestamp);
             CREATE TABLE logins (id int PRIMARY KEY, user_id int, at timestamp);
             CREATE TABLE logouts (id int PRIMARY KEY, user_id int, at timestamp);
             CREATE TABLE study_sessions
                 (id int PRIMARY KEY, user_id int, started_at timestamp, ended_at timestamp NULL);
             INSERT INTO logins VALUES (1, 7, '2026-01-01 09:00:00');
             INSERT INTO posts VALUES (1, 7, '2026-01-01 09:01:00');
             INSERT INTO comments VALUES (1, '7', '2026-01-01 09:02:00');
             INSERT INTO query_embeddings VALUES (1, 7, '2026-01-01 09:03:00');
             INSERT INTO question_bank VALUES (3, 'maths');
             INSERT INTO attempts VALUES (1, 7, 3, '2026-01-01 09:04:00'), (2, 7, 99, '2026-01-01 09:04:30');
             INSERT INTO collections VALUES (1, 7, '2026-01-01 09:05:00');
             INSERT INTO persons VALUES
                 (7, '2020-01-01 00:00:00', '2026-01-01 09:06:00'), (8, '2020-01-01 00:00:00', NULL);
             INSERT INTO study_sessions VALUES (1, 7, '2026-01-01 09:00:00', '2026-01-01 11:00:00');
             INSERT INTO logouts VALUES (1, 7, '2026-01-01 09:07:00')",
        );
        let scratch = Scratch::new();
        let url = database.url();
        assert_eq!(
            sources(&scratch, &[&url]),
            [
                "logins start 1",
                "attempts activity 2",
                "collections activity 1",
                "comments activity 1",
                "posts activity 1",
                "profile_updates activity 1",
                "queries activity 1",
                "logouts end 1",
            ]
        );
        assert_eq!(
            sessions(&scratch, &[&url]),
            [
                "7 2026-01-01T09:00:00Z 2026-01-01T09:07:00Z 9 attempts:2;collections:1;comments:1;\
                 logins:1;logouts:1;posts:1;profile_updates:1;queries:1"
            ]
        );
    }
}

#[test]
fn a_server_without_a_known_table_lists_what_could_be_meant() {
    for database in both() {
        database.run(
            "CREATE TABLE clicks (id int PRIMARY KEY, person_id int, at timestamp);
             CREATE TABLE visits (user_id int, started_at timestamp, ended_at timestamp NULL);
             CREATE TABLE colours (name varchar(9))",
        );
        let scratch = Scratch::new();
        let failed = scratch.run([&database.url()]).expect_failure(5);
        failed
            .expect_stderr("DB-02")
            .expect_stderr("candidate: table \"clicks\" (user \"person_id\", time \"at\")")
            .expect_stderr("left out, as tracked sessions: \"visits\"");
        let chosen = sources(
            &scratch,
            &[&database.url(), "--table", "clicks", "--allow-empty"],
        );
        assert_eq!(chosen, ["clicks activity 0"]);
    }
}

#[test]
fn columns_that_are_asked_for_stand_in_where_a_known_table_has_them() {
    for database in both() {
        database.run(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id int, editor int, created_at timestamp);
             CREATE TABLE comments (id int PRIMARY KEY, user_id int, created_at timestamp);
             INSERT INTO posts VALUES (1, 7, 8, '2026-01-01 09:00:00');
             INSERT INTO comments VALUES (1, 7, '2026-01-01 09:00:00')",
        );
        let args = [&database.url(), "--user-column", "editor"];
        assert_eq!(
            sessions(&Scratch::new(), &args),
            [
                "7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 comments:1",
                "8 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 posts:1",
            ]
        );
    }
}

const LOG: &str = "
    CREATE TABLE log (id int PRIMARY KEY, who int, what varchar(9), moment timestamp);
    INSERT INTO log VALUES
        (1, 7, 'login', '2026-01-01 09:00:00'), (2, 7, 'click', '2026-01-01 09:10:00'),
        (3, 8, 'click', '2026-01-01 09:20:00'), (4, 7, 'ping', '2026-01-01 09:30:00')";

#[test]
fn a_query_of_ones_own_is_a_source_as_text_or_from_a_file() {
    for database in both() {
        database.run(LOG);
        let scratch = Scratch::new();
        scratch.file(
            "sql/clicks.sql",
            "-- Clicks; no pings.\nSELECT who, moment FROM log WHERE what = 'click' -- all\n;\n",
        );
        scratch.file(
            "sessionize.toml",
            format!(
                "[[source]]\nname = \"logins\"\npath = \"{url}\"\nrole = \"start\"\n\
                 query = \"SELECT who AS user_id, moment AS at FROM log WHERE what = 'login'\"\n\
                 [[source]]\nname = \"clicks\"\npath = \"{url}\"\n\
                 query_file = \"sql/clicks.sql\"\nuser = \"who\"\ntime = \"moment\"\n",
                url = database.url()
            ),
        );
        assert_eq!(
            sessions(&scratch, &[]),
            [
                "7 2026-01-01T09:00:00Z 2026-01-01T09:10:00Z 2 clicks:1;logins:1",
                "8 2026-01-01T09:20:00Z 2026-01-01T09:20:00Z 1 clicks:1",
            ]
        );
        assert_eq!(
            sessions(&scratch, &["--from", "2026-01-01T09:15:00Z"]),
            ["8 2026-01-01T09:20:00Z 2026-01-01T09:20:00Z 1 clicks:1"]
        );
    }
}

#[test]
fn a_condition_chooses_rows_of_a_table() {
    for database in both() {
        database.run(LOG);
        let scratch = Scratch::new();
        let config = |filter: &str| {
            let url = database.url();
            scratch.file(
                "sessionize.toml",
                format!(
                    "[[source]]\nname = \"clicks\"\npath = \"{url}\"\ntable = \"log\"\nuser = \"who\"\n\
                     time = \"moment\"\nwhere = \"{filter}\"\n"
                ),
            );
        };
        config("what = 'click' OR what = 'ping' -- not logins");
        let kept = [
            "7 2026-01-01T09:10:00Z 2026-01-01T09:30:00Z 2 clicks:2",
            "8 2026-01-01T09:20:00Z 2026-01-01T09:20:00Z 1 clicks:1",
        ];
        assert_eq!(sessions(&scratch, &[]), kept);
        assert_eq!(
            sessions(&scratch, &["--from", "2026-01-01T09:05:00Z"]),
            kept
        );
        config("1 = 1; DELETE FROM log");
        let failed = scratch.run(NOW).expect_failure(2);
        failed.expect_stderr("more than one statement");
        assert_eq!(database.ask("SELECT count(*) FROM log"), [["4"]]);
    }
}

#[test]
fn a_condition_without_a_table_and_two_queries_are_refused() {
    let scratch = Scratch::new();
    for (keys, why) in [
        ("where = \"a = 1\"", "\"where\" needs \"table\""),
        (
            "query = \"SELECT 1\"\nquery_file = \"a.sql\"",
            "exclude each other",
        ),
        (
            "table = \"a\"\nquery_file = \"a.sql\"",
            "exclude each other",
        ),
        ("query_file = \"missing.sql\"", "cannot read missing.sql"),
    ] {
        scratch.file(
            "sessionize.toml",
            format!("[[source]]\npath = \"app.db\"\n{keys}\n"),
        );
        let failed = scratch.run(NOW).expect_failure(2);
        failed.expect_stderr("CF-02").expect_stderr(why);
    }
}

#[test]
fn a_table_of_another_schema_is_named_with_it() {
    let database = servers::postgres();
    database.run(
        "CREATE SCHEMA \"Shop\";
         CREATE TABLE \"Shop\".orders (id int PRIMARY KEY, user_id int, created_at timestamptz);
         INSERT INTO \"Shop\".orders VALUES (1, 7, '2026-01-01 09:00:00Z');
         CREATE TABLE \"a.b\" (user_id int, created_at timestamptz);
         INSERT INTO \"a.b\" VALUES (8, '2026-01-01 10:00:00Z')",
    );
    let (scratch, url) = (Scratch::new(), database.url());
    for (table, session) in [
        (
            "Shop.orders",
            "7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 Shop.orders:1",
        ),
        ("a.b", "8 2026-01-01T10:00:00Z 2026-01-01T10:00:00Z 1 a.b:1"),
    ] {
        assert_eq!(sessions(&scratch, &[&url, "--table", table]), [session]);
    }
}

#[test]
fn what_is_added_after_the_start_is_left_out_whatever_the_engine() {
    for engine in ["InnoDB", "MyISAM", "Aria"] {
        let database = servers::mariadb();
        database.run(&format!(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at datetime(6) NULL)
                 ENGINE = {engine};
             INSERT INTO posts VALUES (1, 7, '2026-01-01 09:00:00'), (2, 7, NULL)"
        ));
        let scratch = Scratch::new();
        let pipe = scratch.fifo("clicks.csv");
        let args = [
            "--format",
            "json",
            "--max-rejects",
            "1",
            "clicks.csv",
            &database.url(),
        ];
        let running = scratch.sessionize(args.iter().chain(&NOW)).start();
        // Opening for writing waits for the reader, which opens the database first.
        let mut clicks = std::fs::File::options().write(true).open(pipe).unwrap();
        database.run("INSERT INTO posts VALUES (3, 8, '2026-01-01 10:00:00')");
        std::io::Write::write_all(&mut clicks, b"user_id,created_at\n9,2026-01-01T09:00:00Z\n")
            .unwrap();
        drop(clicks);
        let report = running.finish().expect_ok().stdout();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let rows = &report["run"]["rows"];
        assert_eq!(
            (rows["read"].as_u64(), rows["rejected"].as_u64()),
            (Some(3), Some(1)),
            "{engine}"
        );
    }
}

#[test]
fn a_year_that_cannot_be_used_is_a_reject_whatever_the_engine() {
    for engine in ["InnoDB", "MyISAM", "Aria", "MEMORY"] {
        let database = servers::mariadb();
        database.run(&format!(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at datetime(6))
                 ENGINE = {engine};
             INSERT INTO posts VALUES (1, 7, '2026-01-01 09:00:00'), (2, 7, '5000-01-01 00:00:00')"
        ));
        let failed = Scratch::new().run([&database.url()]).expect_failure(4);
        failed.expect_stderr("TM-07").expect_stderr("1 of 2 rows");
    }
}

#[test]
fn tables_that_differ_by_case_alone_are_told_apart() {
    let database = servers::mariadb();
    database.run(
        "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at timestamp);
         CREATE TABLE Posts (id int PRIMARY KEY, who int, at timestamp);
         INSERT INTO posts VALUES (1, 7, '2026-01-01 09:00:00');
         INSERT INTO Posts VALUES (1, 8, '2026-01-01 10:00:00')",
    );
    let scratch = Scratch::new();
    let small = sessions(&scratch, &[&database.url()]);
    assert_eq!(
        small,
        ["7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 posts:1"]
    );
    let large = [&database.url(), "--table", "Posts", "--user-column", "who"];
    assert_eq!(
        sessions(&scratch, &large),
        ["8 2026-01-01T10:00:00Z 2026-01-01T10:00:00Z 1 Posts:1"]
    );
}

/// The users that a table with this column and these values gives, as outputs write them.
fn users(database: &Database<'_>, column: &str, values: &[&str]) -> Vec<String> {
    let rows: Vec<String> = values
        .iter()
        .map(|value| format!("({value}, '2026-01-01 09:00:00')"))
        .collect();
    database.run(&format!(
        "CREATE TABLE posts (user_id {column}, created_at timestamp);
         INSERT INTO posts VALUES {}",
        rows.join(", ")
    ));
    let users = sessions(&Scratch::new(), &[&database.url(), "--csv-raw"]);
    database.run("DROP TABLE posts");
    let user = |line: &String| line.rsplitn(5, ' ').nth(4).unwrap().to_owned();
    users.iter().map(user).collect()
}

#[test]
fn ids_of_every_type_are_the_text_that_files_would_have() {
    const UUID: &str = "'8C0E1F2A-0000-4000-8000-00000000ABCD'";
    const SAID: &str = "8c0e1f2a-0000-4000-8000-00000000abcd";
    let postgres = servers::postgres();
    postgres.run("CREATE TYPE animal AS ENUM ('cat', 'dog'); CREATE DOMAIN person AS bigint");
    for (column, values, expected) in [
        ("smallint", &["-7", "32767"][..], &["-7", "32767"][..]),
        (
            "bigint",
            &["9223372036854775807", "-9223372036854775808"],
            &["-9223372036854775808", "9223372036854775807"],
        ),
        ("person", &["42"], &["42"]),
        (
            "numeric",
            &["7.00", "123456789012345678901234567890", "10000", "-40000"],
            &["-40000", "7", "10000", "123456789012345678901234567890"],
        ),
        (
            "text",
            &["'007'", "'Zoë'", "'a b '"],
            &["007", "Zoë", "a b "],
        ),
        ("char(4)", &["'ab'"], &["ab  "]),
        ("animal", &["'dog'"], &["dog"]),
        ("uuid", &[UUID], &[SAID]),
        (
            "bytea",
            &["'\\x8c0e1f2a00004000800000000000abcd'", "'\\x00ff'"],
            &["00ff", SAID],
        ),
    ] {
        assert_eq!(users(&postgres, column, values), expected, "{column}");
    }
    let mariadb = servers::mariadb();
    for (column, values, expected) in [
        ("tinyint unsigned", &["255", "0"][..], &["0", "255"][..]),
        ("mediumint", &["-8388608"], &["-8388608"]),
        (
            "bigint unsigned",
            &["18446744073709551615", "7"],
            &["7", "18446744073709551615"],
        ),
        ("decimal(10,2)", &["7.00"], &["7"]),
        (
            "varchar(20)",
            &["'007'", "'Zoë'", "'a b '"],
            &["007", "Zoë", "a b "],
        ),
        ("varchar(20) collate utf8mb4_bin", &["'Ab'"], &["Ab"]),
        ("enum('cat', 'dog')", &["'dog'"], &["dog"]),
        ("uuid", &[UUID], &[SAID]),
        (
            "binary(16)",
            &["x'8c0e1f2a00004000800000000000abcd'"],
            &[SAID],
        ),
        ("varbinary(20)", &["x'00ff'"], &["00ff"]),
    ] {
        assert_eq!(users(&mariadb, column, values), expected, "{column}");
    }
}

#[test]
fn columns_that_hold_no_ids_are_refused_by_name_and_type() {
    for database in both() {
        let real = match database.kind() {
            Kind::Postgres => "float8",
            Kind::Mariadb => "double",
        };
        for (column, value, said) in [
            (real, "1.5", real),
            ("date", "'2026-01-01'", "date"),
            (
                "decimal(5,2)",
                "7.25",
                "a user cannot be a number with a fraction",
            ),
        ] {
            database.run(&format!(
                "CREATE TABLE posts (user_id {column}, created_at timestamp);
                 INSERT INTO posts VALUES ({value}, '2026-01-01 09:00:00')"
            ));
            let failed = Scratch::new().run([&database.url()]).expect_failure(4);
            failed
                .expect_stderr("IN-13")
                .expect_stderr("column \"user_id\"")
                .expect_stderr(said);
            database.run("DROP TABLE posts");
        }
    }
}
