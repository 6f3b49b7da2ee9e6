//! PostgreSQL as it is in production: every type of time and of user, times that are none, and the
//! server's own ideas of zones and forms. Cases 148 and 150.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use crate::harness::{Outcome, Scratch};
use crate::servers::{Database, postgres};

const NOW: &str = "2026-06-01T00:00:00Z";

fn run(scratch: &Scratch, args: &[&str]) -> Outcome {
    scratch.run(
        ["sessions", "--format", "csv", "--now", NOW]
            .iter()
            .chain(args),
    )
}

/// User, start, end and events of every session.
fn sessions(outcome: Outcome) -> Vec<String> {
    let said = outcome.expect_ok().stdout();
    let mut reader = csv::Reader::from_reader(said.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        [1, 2, 3, 5].map(|at| row[at].to_owned()).join(" ")
    });
    rows.collect()
}

/// Line, column and error of every rejected row.
fn rejects(scratch: &Scratch) -> Vec<String> {
    let text = scratch.text("rejects.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        [2, 4, 5].map(|at| row[at].to_owned()).join(" ")
    });
    rows.collect()
}

/// A database with the table `posts` of user 7's times, of this type and in this order.
fn posts_at(kind: &str, times: &[&str]) -> Database<'static> {
    let database = postgres();
    let rows = times.iter().enumerate();
    let rows: Vec<String> = rows
        .map(|(at, time)| format!("({at} + 10, 7, {time})"))
        .collect();
    database.run(&format!(
        "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at {kind});
         INSERT INTO posts VALUES {}",
        rows.join(", ")
    ));
    database
}

#[test]
fn times_that_are_none_or_far_away_are_refused_by_row() {
    for kind in ["timestamptz", "timestamp"] {
        let database = posts_at(
            kind,
            &[
                "'2026-01-01 09:00:00'",
                "NULL",
                "'infinity'",
                "'-infinity'",
                "'0044-03-15 12:00:00 BC'",
                "'4713-01-01 00:00:00 BC'",
                "'294276-12-31 23:59:59.999999'",
                "'2026-01-01 09:30:00'",
            ],
        );
        let scratch = Scratch::new();
        let url = database.url();
        let strict = run(&scratch, &[&url]).expect_failure(4);
        strict.expect_stderr("row 11");
        let args = [
            url.as_str(),
            "--max-rejects",
            "6",
            "--rejects",
            "rejects.csv",
        ];
        assert_eq!(
            sessions(run(&scratch, &args)),
            ["7 2026-01-01T09:00:00Z 2026-01-01T09:30:00Z 2"]
        );
        assert_eq!(
            rejects(&scratch),
            [
                "11 created_at TM-09",
                "12 created_at TM-02",
                "13 created_at TM-02",
                "14 created_at TM-07",
                "15 created_at TM-07",
                "16 created_at TM-07",
            ],
            "{kind}"
        );
    }
}

#[test]
fn a_time_with_a_zone_is_exact_and_one_without_is_utc_unless_told() {
    // A database with ideas of its own, on a server with others.
    let odd = |database: &Database<'_>| {
        database.run(&format!(
            "ALTER DATABASE {} SET timezone TO 'America/St_Johns';
             ALTER DATABASE {} SET datestyle TO 'German, DMY'",
            database.name(),
            database.name()
        ));
    };
    let scratch = Scratch::new();
    let zoned = posts_at("timestamptz", &["'2026-01-01 09:00:00.123456+05:45'"]);
    odd(&zoned);
    let exact = "7 2026-01-01T03:15:00.123456Z 2026-01-01T03:15:00.123456Z 1";
    assert_eq!(sessions(run(&scratch, &[&zoned.url()])), [exact]);
    let told = [
        zoned.url(),
        "--source-timezone".to_owned(),
        "Asia/Tokyo".to_owned(),
    ];
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(sessions(run(&scratch, &told)), [exact]);

    let plain = posts_at("timestamp", &["'2026-01-01 09:00:00.123456'"]);
    odd(&plain);
    let url = plain.url();
    let as_utc = "7 2026-01-01T09:00:00.123456Z 2026-01-01T09:00:00.123456Z 1";
    assert_eq!(sessions(run(&scratch, &[&url])), [as_utc]);
    let as_tokyo = "7 2026-01-01T00:00:00.123456Z 2026-01-01T00:00:00.123456Z 1";
    let told = run(&scratch, &[&url, "--source-timezone", "Asia/Tokyo"]);
    assert_eq!(sessions(told), [as_tokyo]);
    let loud = scratch
        .sessionize(["sessions", "--now", NOW, &url])
        .loud()
        .run();
    assert_eq!(loud.code(), Some(0), "{loud:?}");
    loud.expect_stderr("times without an offset are taken as UTC");
}

#[test]
fn a_local_time_that_a_clock_change_skips_is_refused() {
    let database = posts_at("timestamp", &["'2026-03-29 02:30:00'"]);
    let told = ["--source-timezone", "Europe/Berlin"];
    let url = database.url();
    let args = [&[url.as_str()], &told[..]].concat();
    run(&Scratch::new(), &args)
        .expect_failure(4)
        .expect_stderr("error[TM-04]")
        .expect_stderr("row 10");
}

#[test]
fn every_other_type_of_time_is_read_as_the_operator_says_or_refused() {
    let scratch = Scratch::new();
    let nine = ["7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1"];
    // 1,767,258,000 s are 20,454 days of 86,400 s and nine hours.
    for (kind, time, words) in [
        ("int", "1767258000", &[][..]),
        ("bigint", "1767258000000", &["--epoch-unit", "ms"]),
        ("bigint", "1767258000000000", &["--epoch-unit", "us"]),
        ("numeric", "1767258000", &[]),
        ("text", "'2026-01-01T09:00:00Z'", &[]),
        ("text", "'2026-01-01 10:00:00+01'", &[]),
        (
            "varchar(30)",
            "'01.01.2026 09:00'",
            &["--time-format", "%d.%m.%Y %H:%M"],
        ),
        ("timestamp(0)", "'2026-01-01 09:00:00'", &[]),
    ] {
        let database = posts_at(kind, &[time]);
        let url = database.url();
        let args = [&[url.as_str()], words].concat();
        assert_eq!(sessions(run(&scratch, &args)), nine, "{kind} {time}");
    }
    for (kind, time) in [
        ("date", "'2026-01-01'"),
        ("time", "'09:00'"),
        ("interval", "'9 hours'"),
        ("boolean", "true"),
        ("bytea", "'\\x31'"),
        ("jsonb", "'\"2026-01-01T09:00:00Z\"'"),
        ("timestamptz[]", "ARRAY[now()]"),
    ] {
        let database = posts_at(kind, &[time]);
        run(&scratch, &[&database.url()])
            .expect_failure(4)
            .expect_stderr("error[IN-13]")
            .expect_stderr("column \"created_at\": a time cannot be of type");
    }
}

/// A database with one post by this user, of this type.
fn post_by(kind: &str, user: &str) -> Database<'static> {
    let database = postgres();
    database.run(&format!(
        "CREATE EXTENSION citext;
         CREATE TABLE posts (user_id {kind}, created_at timestamptz);
         INSERT INTO posts VALUES ({user}, '2026-01-01 09:00:00Z')"
    ));
    database
}

#[test]
fn rarer_types_of_users_have_the_one_text_that_files_have_or_are_refused() {
    let scratch = Scratch::new();
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    for (kind, user, text) in [
        ("int", "-7", "-7"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("numeric(20, 3)", "7.000", "7"),
        (
            "numeric",
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("numeric", "100000000", "100000000"),
        ("varchar(9)", "'7 '", "7 "),
        ("citext", "'Ada'", "Ada"),
        ("uuid", "'00112233445566778899AABBCCDDEEFF'", uuid),
        ("bytea", "'\\x00112233445566778899aabbccddeeff'", uuid),
    ] {
        let database = post_by(kind, user);
        let expected = format!("{text} 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1");
        assert_eq!(
            sessions(run(&scratch, &[&database.url()])),
            [expected],
            "{kind}"
        );
    }
    for (kind, user) in [
        ("real", "7"),
        ("numeric", "7.5"),
        ("numeric", "'NaN'"),
        ("boolean", "true"),
        ("jsonb", "'7'"),
        ("int[]", "'{7}'"),
        ("timestamptz", "now()"),
    ] {
        let database = post_by(kind, user);
        run(&scratch, &[&database.url()])
            .expect_failure(4)
            .expect_stderr("error[IN-13]")
            .expect_stderr("column \"user_id\"");
    }
}

#[test]
fn a_row_without_a_user_is_refused_by_its_key() {
    let database = postgres();
    database.run(
        "CREATE TABLE posts (id bigint PRIMARY KEY, user_id text, created_at timestamptz);
         INSERT INTO posts VALUES (41, 'ada', '2026-01-01Z'), (42, NULL, '2026-01-01Z'), (43, '', '2026-01-01Z')",
    );
    let scratch = Scratch::new();
    let args = [
        &database.url(),
        "--max-rejects",
        "2",
        "--rejects",
        "rejects.csv",
    ];
    run(&scratch, &args).expect_ok();
    assert_eq!(rejects(&scratch), ["42 user_id IN-23", "43 user_id IN-23"]);
}

#[test]
fn partitions_foreign_schemas_views_and_materialized_views_are_read() {
    let database = postgres();
    database.run(
        "CREATE TABLE posts (user_id int, created_at timestamptz) PARTITION BY RANGE (created_at);
         CREATE TABLE posts_old PARTITION OF posts FOR VALUES FROM (MINVALUE) TO ('2026-01-01Z');
         CREATE TABLE posts_new PARTITION OF posts FOR VALUES FROM ('2026-01-01Z') TO (MAXVALUE);
         INSERT INTO posts VALUES (7, '2025-12-31 23:50:00Z'), (7, '2026-01-01 00:10:00Z');
         CREATE VIEW seen AS SELECT * FROM posts;
         CREATE MATERIALIZED VIEW kept AS SELECT * FROM posts;
         CREATE SCHEMA shop;
         CREATE TABLE shop.orders AS SELECT * FROM posts",
    );
    let scratch = Scratch::new();
    let once = ["7 2025-12-31T23:50:00Z 2026-01-01T00:10:00Z 2"];
    assert_eq!(sessions(run(&scratch, &[&database.url()])), once);
    for table in ["posts", "seen", "kept", "orders", "shop.orders"] {
        let args = [&database.url(), "--table", table];
        assert_eq!(sessions(run(&scratch, &args)), once, "{table}");
    }
}
