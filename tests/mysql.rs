//! MariaDB and MySQL as they are in production: every type of time and of user, zero dates, and the
//! server's own zone. Case 149.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use crate::harness::{Outcome, Scratch};
use crate::servers::{Cluster, Database, Kind, mariadb};

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

/// Fills the table `posts` with user 7's times, of this type and in this order, by a session that
/// takes any date.
fn fill(database: &Database<'_>, kind: &str, times: &[&str]) {
    let rows = times.iter().enumerate();
    let rows: Vec<String> = rows
        .map(|(at, time)| format!("({at} + 10, 7, {time})"))
        .collect();
    database.run(&format!(
        "SET sql_mode = 'ALLOW_INVALID_DATES';
         CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at {kind} NULL);
         INSERT INTO posts VALUES {}",
        rows.join(", ")
    ));
}

fn posts_at(kind: &str, times: &[&str]) -> Database<'static> {
    let database = mariadb();
    fill(&database, kind, times);
    database
}

#[test]
fn zero_dates_and_dates_without_a_day_are_refused_by_row() {
    let database = posts_at(
        "datetime(6)",
        &[
            "'2026-01-01 09:00:00'",
            "'0000-00-00 00:00:00'",
            "'2024-00-15 10:00:00'",
            "'2024-02-00 10:00:00'",
            "'2024-02-31 10:00:00'",
            "NULL",
            "'0001-01-01 00:00:00'",
            "'9999-12-31 23:59:59.999999'",
            "'2026-01-01 09:30:00'",
        ],
    );
    let kept = database.ask("SELECT count(*) FROM posts WHERE created_at = '0000-00-00'");
    assert_eq!(kept, [["1"]], "the server holds such dates");
    let scratch = Scratch::new();
    let url = database.url();
    run(&scratch, &[&url])
        .expect_failure(4)
        .expect_stderr("row 11");
    let args = [
        url.as_str(),
        "--max-rejects",
        "7",
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
            "11 created_at TM-02",
            "12 created_at TM-02",
            "13 created_at TM-02",
            "14 created_at TM-02",
            "15 created_at TM-09",
            "16 created_at TM-07",
            "17 created_at TM-07",
        ]
    );

    let zero = posts_at("timestamp", &["'0000-00-00 00:00:00'"]);
    let refused = run(&scratch, &[&zero.url()]).expect_failure(4);
    refused
        .expect_stderr("error[TM-02]")
        .expect_stderr("row 10");
}

/// What a server in Japan holds and shows.
fn check_zones(database: &Database<'_>) {
    database.run(
        "SET time_zone = '+00:00';
         CREATE TABLE posts (user_id int, created_at timestamp(6));
         CREATE TABLE comments (user_id int, created_at datetime(6));
         INSERT INTO posts VALUES (7, '2026-01-01 09:00:00.123456');
         INSERT INTO comments VALUES (8, '2026-01-01 09:00:00.123456')",
    );
    let hour = "SET time_zone = DEFAULT";
    let mut session = database.session();
    let shown = session
        .run(hour)
        .ask("SELECT CAST(created_at AS CHAR) FROM posts");
    assert_eq!(
        shown,
        [["2026-01-01 18:00:00.123456"]],
        "the server is in Japan"
    );
    let scratch = Scratch::new();
    let url = database.url();
    let at = |user: u8, time: &str| format!("{user} 2026-01-01T{time}Z 2026-01-01T{time}Z 1");
    let nine = "09:00:00.123456";
    assert_eq!(sessions(run(&scratch, &[&url])), [at(7, nine), at(8, nine)]);
    let told = run(&scratch, &[&url, "--source-timezone", "Asia/Tokyo"]);
    assert_eq!(sessions(told), [at(7, nine), at(8, "00:00:00.123456")]);
    let loud = scratch
        .sessionize(["sessions", "--now", NOW, &url])
        .loud()
        .run();
    assert_eq!(loud.code(), Some(0), "{loud:?}");
    let said = loud
        .expect_stderr("times without an offset are taken as UTC")
        .stderr();
    let zoneless: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("without an offset"))
        .collect();
    assert!(
        zoneless.len() == 1 && zoneless[0].contains("\"comments\""),
        "{said}"
    );
}

#[test]
fn a_timestamp_is_exact_and_a_datetime_is_utc_unless_told_whatever_the_servers_zone() {
    check_zones(&mariadb());
    let system = Cluster::start(Kind::Mariadb, &["--default-time-zone=SYSTEM"]);
    check_zones(&system.database());
}

#[test]
fn every_other_type_of_time_is_read_as_the_operator_says_or_refused() {
    let scratch = Scratch::new();
    let nine = ["7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1"];
    // 1,767,258,000 s are 20,454 days of 86,400 s and nine hours.
    for (kind, time, words) in [
        ("int", "1767258000", &[][..]),
        ("int unsigned", "1767258000", &[]),
        ("bigint", "1767258000000", &["--epoch-unit", "ms"]),
        (
            "bigint unsigned",
            "1767258000000000",
            &["--epoch-unit", "us"],
        ),
        ("decimal(20, 0)", "1767258000", &[]),
        ("text", "'2026-01-01T09:00:00Z'", &[]),
        (
            "varchar(30) COLLATE utf8mb4_bin",
            "'2026-01-01 10:00:00+01'",
            &[],
        ),
        (
            "varchar(30)",
            "'01.01.2026 09:00'",
            &["--time-format", "%d.%m.%Y %H:%M"],
        ),
        ("datetime", "'2026-01-01 09:00:00'", &[]),
        ("timestamp", "'2026-01-01 09:00:00'", &[]),
    ] {
        let database = posts_at(kind, &[time]);
        let url = database.url();
        let args = [&[url.as_str()], words].concat();
        assert_eq!(sessions(run(&scratch, &args)), nine, "{kind} {time}");
    }
    for (kind, time) in [
        ("date", "'2026-01-01'"),
        ("time", "'09:00'"),
        ("varbinary(9)", "'1'"),
        ("bit(8)", "b'1'"),
        ("point", "POINT(1, 2)"),
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
    let database = mariadb();
    database.run(&format!(
        "CREATE TABLE posts (user_id {kind}, created_at timestamp);
         INSERT INTO posts VALUES ({user}, '2026-01-01 09:00:00')"
    ));
    database
}

#[test]
fn rarer_types_of_users_have_the_one_text_that_files_have_or_are_refused() {
    let scratch = Scratch::new();
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    for (kind, user, text) in [
        ("mediumint unsigned", "16777215", "16777215"),
        ("int", "-2147483648", "-2147483648"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        (
            "bigint unsigned",
            "18446744073709551615",
            "18446744073709551615",
        ),
        (
            "decimal(30, 0)",
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("decimal(20, 3)", "7.000", "7"),
        ("enum('7', '8')", "'7'", "7"),
        ("varchar(9) COLLATE utf8mb4_bin", "'Zoë '", "Zoë "),
        ("varchar(9) CHARACTER SET latin1", "'Zoë'", "Zoë"),
        ("text", "'🦀'", "🦀"),
        ("uuid", "'00112233-4455-6677-8899-AABBCCDDEEFF'", uuid),
        ("binary(16)", "x'00112233445566778899AABBCCDDEEFF'", uuid),
        ("varbinary(16)", "x'CAFE'", "cafe"),
        ("blob", "x'00'", "00"),
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
        ("float", "7"),
        ("decimal(9, 1)", "7.5"),
        ("datetime", "NOW()"),
        ("date", "NOW()"),
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
    let database = mariadb();
    database.run(
        "CREATE TABLE posts (id bigint PRIMARY KEY, user_id text, created_at timestamp);
         INSERT INTO posts VALUES (41, 'ada', '2026-01-01'), (42, NULL, '2026-01-01'), (43, '', '2026-01-01')",
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
