//! Windows over databases: only the rows that the window's sessions need are read, by an index on
//! the time, and the answer is that of a file that is read whole.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::fmt::Write;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::harness::Scratch;
use crate::servers::{self, Database, Kind};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// 2026-03-25T00:00:00Z, four days before clocks in Berlin are put forward.
const START: i64 = 1_774_396_800_000_000;

/// User and microseconds since 1970.
type Event = (String, i64);

/// Ten days of ten users who come in runs, with gaps around the timeout, and one user who never
/// pauses for more than 29 minutes from the third day to the sixth.
fn log(seed: u64) -> Vec<Event> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut events = Vec::new();
    for user in 0..10 {
        let mut at = START + random.random_range(0..DAY);
        while at < START + 10 * DAY {
            events.push((format!("user {user}"), at));
            at += match random.random_range(0..10) {
                0 => 30 * MINUTE,
                1 => 30 * MINUTE + 1,
                2 => 0,
                3..7 => random.random_range(0..30 * MINUTE),
                _ => random.random_range(HOUR..20 * HOUR),
            };
        }
    }
    let mut at = START + 2 * DAY;
    while at < START + 5 * DAY {
        events.push(("restless".to_owned(), at));
        at += random.random_range(MINUTE..29 * MINUTE);
    }
    events
}

/// A time as SQL writes it, on a clock that shows UTC.
fn sql_time(at: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at).unwrap();
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn rfc3339(at: i64) -> String {
    sql_time(at).replace(' ', "T") + "Z"
}

/// Puts every other event into `posts`, the rest into `comments`, and both into CSV files.
fn fill(scratch: &Scratch, database: &Database<'_>, events: &[Event]) {
    let moment = match database.kind() {
        Kind::Postgres => "timestamptz",
        Kind::Mariadb => "datetime(6)",
    };
    for (number, table) in ["posts", "comments"].into_iter().enumerate() {
        let mine = || events.iter().skip(number).step_by(2);
        let mut csv = "user_id,created_at\n".to_owned();
        let mut rows = Vec::new();
        for (row, (user, at)) in mine().enumerate() {
            writeln!(csv, "{user},{}", rfc3339(*at)).unwrap();
            rows.push(format!("({row}, '{user}', '{}')", sql_time(*at)));
        }
        scratch.file(format!("{table}.csv"), csv);
        database.run(&format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, user_id varchar(20), created_at {moment})"
        ));
        database.run(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")));
    }
}

/// What a command prints over these inputs.
fn printed(scratch: &Scratch, command: &str, inputs: &[&str], flags: &[&str]) -> String {
    let now = rfc3339(START + 12 * DAY);
    let args = [command, "--format", "csv", "--now", &now].into_iter();
    let args = args
        .chain(inputs.iter().copied())
        .chain(flags.iter().copied());
    scratch.run(args).expect_ok().stdout()
}

fn rows_read(scratch: &Scratch, input: &str, flags: &[&str]) -> u64 {
    let args = ["--format", "json", "--now", "2026-04-20", input];
    let report = scratch.run(args.iter().chain(flags)).expect_ok().stdout();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    report["run"]["rows"]["read"].as_u64().unwrap()
}

/// Compares windows of a database with those of the same log in files.
fn windows_agree_with_files(database: &Database<'_>, seed: u64) {
    let scratch = Scratch::new();
    let events = log(seed);
    fill(&scratch, database, &events);
    let url = database.url();
    let files = ["posts.csv", "comments.csv"];
    let mut random = Pcg64::seed_from_u64(seed + 1000);
    let all = rows_read(&scratch, &url, &[]);
    assert_eq!(all, events.len() as u64);
    for _ in 0..3 {
        let from = START + random.random_range(-DAY..8 * DAY);
        let to = from + random.random_range(HOUR..4 * DAY);
        let (from, to) = (rfc3339(from), rfc3339(to));
        for flags in [
            vec!["--from", &from],
            vec!["--to", &to],
            vec!["--from", &from, "--to", &to],
            vec!["--from", &from, "--to", &to, "--timeout", "3m"],
            vec!["--from", &from, "--to", &to, "--max-length", "2h"],
            vec!["--from", &from, "--to", &to, "--cut", "day"],
        ] {
            for (command, more) in [
                ("report", &["--by", "day", "--total"][..]),
                ("sessions", &[]),
            ] {
                let flags: Vec<&str> = flags.iter().chain(more).copied().collect();
                let from_database = printed(&scratch, command, &[&url], &flags);
                let from_files = printed(&scratch, command, &files, &flags);
                assert_eq!(from_database, from_files, "seed {seed} {command} {flags:?}");
            }
        }
        let some = rows_read(&scratch, &url, &["--from", &from, "--to", &to]);
        assert!(some < all, "{some} of {all} rows for {from} to {to}");
    }
}

#[test]
fn a_window_of_postgres_gives_what_the_whole_log_gives() {
    for seed in 0..3 {
        windows_agree_with_files(&servers::postgres(), seed);
    }
}

#[test]
fn a_window_of_mariadb_gives_what_the_whole_log_gives() {
    for seed in 3..6 {
        windows_agree_with_files(&servers::mariadb(), seed);
    }
}

#[test]
fn rows_of_a_windowed_report_are_those_of_the_full_one() {
    let (scratch, database) = (Scratch::new(), servers::postgres());
    fill(&scratch, &database, &log(7));
    let url = database.url();
    let full = printed(&scratch, "report", &[&url], &["--by", "day"]);
    let window = ["--by", "day", "--from", "2026-03-27", "--to", "2026-03-31"];
    let windowed = printed(&scratch, "report", &[&url], &window);
    let (full, windowed): (Vec<&str>, Vec<&str>) =
        (full.lines().collect(), windowed.lines().collect());
    assert_eq!(windowed.len(), 1 + 5);
    for row in &windowed[2..] {
        assert!(full.contains(row), "{row} is not in {full:#?}");
    }
    // The window's first day is compared with none: the day before it is not asked for.
    let unchanged = |row: &str| {
        let cells: Vec<String> = row.split(',').map(str::to_owned).collect();
        [&cells[..18], &cells[21..]].concat()
    };
    let first = full
        .iter()
        .find(|row| row.starts_with("2026-03-27"))
        .unwrap();
    assert_eq!(unchanged(windowed[1]), unchanged(first));
}

#[test]
fn local_times_of_a_zone_with_clock_changes_lose_nothing() {
    for database in [servers::postgres(), servers::mariadb()] {
        let scratch = Scratch::new();
        let moment = match database.kind() {
            Kind::Postgres => "timestamp",
            Kind::Mariadb => "datetime(6)",
        };
        database.run(&format!(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at {moment})"
        ));
        let mut csv = "user_id,created_at\n".to_owned();
        let mut rows = Vec::new();
        // Every 17 minutes on the clock of Berlin, but for the hour that was skipped on March 29.
        for (row, at) in (START..START + 8 * DAY)
            .step_by((17 * MINUTE) as usize)
            .enumerate()
        {
            let (at, user) = (sql_time(at), row % 3);
            if at.starts_with("2026-03-29 02") {
                continue;
            }
            writeln!(csv, "{user},{at}").unwrap();
            rows.push(format!("({row}, {user}, '{at}')"));
        }
        scratch.file("posts.csv", csv);
        database.run(&format!("INSERT INTO posts VALUES {}", rows.join(", ")));
        let url = database.url();
        let zone = [
            "--source-timezone",
            "Europe/Berlin",
            "--timezone",
            "Europe/Berlin",
        ];
        for window in [
            ["--from", "2026-03-29", "--to", "2026-03-29"],
            [
                "--from",
                "2026-03-28T23:40:00Z",
                "--to",
                "2026-03-29T00:30:00Z",
            ],
            [
                "--from",
                "2026-03-29T03:00:00",
                "--to",
                "2026-03-29T03:01:00",
            ],
        ] {
            let flags: Vec<&str> = zone.iter().chain(&window).copied().collect();
            let from_database = printed(&scratch, "sessions", &[&url], &flags);
            let from_file = printed(&scratch, "sessions", &["posts.csv"], &flags);
            assert_eq!(from_database, from_file, "{window:?}");
        }
    }
}

#[test]
fn a_session_on_a_clock_that_is_moved_is_followed_for_days() {
    for database in [servers::postgres(), servers::mariadb()] {
        let scratch = Scratch::new();
        let moment = match database.kind() {
            Kind::Postgres => "timestamp",
            Kind::Mariadb => "datetime(6)",
        };
        // Noon of March 1 in Berlin, and every twenty minutes after it.
        let noon = START - 24 * DAY + 12 * HOUR;
        let rows: Vec<String> = (0..400)
            .map(|row| format!("({row}, 1, '{}')", sql_time(noon + row * 20 * MINUTE)))
            .collect();
        database.run(&format!(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at {moment});
             INSERT INTO posts VALUES {}",
            rows.join(", ")
        ));
        let flags = ["--source-timezone", "Europe/Berlin", "--to", "2026-03-01"];
        let sessions = printed(&scratch, "sessions", &[&database.url()], &flags);
        // 399 times 20 minutes later: March 7, 01:00 in Berlin.
        let row = sessions.lines().nth(1).unwrap();
        assert!(
            row.contains(",1,2026-03-01T11:00:00Z,2026-03-07T00:00:00Z,478800,400,"),
            "{row}"
        );
    }
}

#[test]
fn a_failure_behind_the_windows_end_is_a_failure() {
    let (scratch, database) = (Scratch::new(), servers::postgres());
    database.run(
        "CREATE TABLE log (id int PRIMARY KEY, user_id int, created_at timestamptz);
         INSERT INTO log SELECT n, 1, timestamptz '2026-03-01 11:00Z' + n * interval '20 min'
             FROM generate_series(1, 400) AS n;
         CREATE VIEW posts AS SELECT id, created_at,
             CASE WHEN created_at > '2026-03-02 03:15Z' THEN 1 / (id - id) ELSE user_id END AS user_id
             FROM log",
    );
    scratch.file("report.csv", "old\n");
    scratch.file("clicks.csv", "user_id,created_at\n7,2026-03-01T10:15:00Z\n");
    let url = database.url();
    let args = [
        "--to",
        "2026-03-01",
        "--now",
        "2026-04-01",
        "--format",
        "csv",
        "-o",
        "report.csv",
    ];
    let failed = scratch.run([url.as_str()].iter().chain(&args));
    failed.expect_failure(5).expect_stderr("22012");
    assert_eq!(scratch.text("report.csv"), "old\n");
    let alone = scratch.run([url.as_str(), "--keep-going"].iter().chain(&args));
    alone.expect_failure(5);
    let beside = [url.as_str(), "clicks.csv", "--keep-going"];
    assert_eq!(scratch.run(beside.iter().chain(&args)).code(), Some(3));
}

#[test]
fn dates_without_a_day_do_not_hide_where_a_source_ends() {
    let (scratch, database) = (Scratch::new(), servers::mariadb());
    let rows: Vec<String> = (0..60)
        .map(|row| {
            format!(
                "({row}, 1, '{}')",
                sql_time(START + 20 * HOUR + row * 20 * MINUTE)
            )
        })
        .collect();
    database.run(&format!(
        "SET sql_mode = '';
         CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at datetime);
         INSERT INTO posts VALUES (98, 1, '2020-00-10'), (99, 1, '2026-12-00'), {}",
        rows.join(", ")
    ));
    let day = ["--from", "2026-03-25", "--to", "2026-03-25"];
    let sessions = printed(&scratch, "sessions", &[&database.url()], &day);
    assert!(
        sessions.contains(",1,2026-03-25T20:00:00Z,2026-03-26T15:40:00Z,70800,60,"),
        "{sessions}"
    );
}

#[test]
fn epoch_columns_of_a_stated_unit_are_bounded_too() {
    for database in [servers::postgres(), servers::mariadb()] {
        let scratch = Scratch::new();
        database.run("CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at bigint)");
        let rows: Vec<String> = (0..2000)
            .map(|row| format!("({row}, {}, {})", row % 5, START / 1000 + row * 333_333))
            .collect();
        database.run(&format!("INSERT INTO posts VALUES {}", rows.join(", ")));
        let url = database.url();
        let unit = ["--epoch-unit", "ms"];
        let window = [
            "--from",
            "2026-03-27T10:00:00.0005Z",
            "--to",
            "2026-03-27T20:00:00Z",
        ];
        let flags: Vec<&str> = unit.iter().chain(&window).copied().collect();
        // Ten hours of rows, the look-back of 30 minutes, and what is read on: every user comes
        // each 28 minutes and so never leaves.
        let bounded = rows_read(&scratch, &url, &flags);
        assert!(bounded < 2000, "{bounded}");
        // Without the unit the server cannot compare, and all rows are read; the answer is one.
        assert_eq!(rows_read(&scratch, &url, &window), 2000);
        let (stated, guessed) = (
            printed(&scratch, "sessions", &[&url], &flags),
            printed(&scratch, "sessions", &[&url], &window),
        );
        assert_eq!(stated, guessed);
    }
}

#[test]
fn a_file_beside_a_database_may_carry_its_sessions_on() {
    let (scratch, database) = (Scratch::new(), servers::postgres());
    database.run(
        "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at timestamptz);
         INSERT INTO posts VALUES
             (1, 7, '2026-01-01T09:50:00Z'), (2, 7, '2026-01-01T10:40:00Z'), (3, 8, '2026-01-03T00:00:00Z')",
    );
    scratch.file("clicks.csv", "user_id,created_at\n7,2026-01-01T10:15:00Z\n");
    let args = ["--from", "2026-01-01", "--to", "2026-01-01T10:00:00Z"];
    let sessions = printed(
        &scratch,
        "sessions",
        &[&database.url(), "clicks.csv"],
        &args,
    );
    let row = sessions.lines().nth(1).unwrap();
    assert!(
        row.contains(",7,2026-01-01T09:50:00Z,2026-01-01T10:40:00Z,3000,3,clicks:1;posts:2,"),
        "{row}"
    );
}

/// The statement that was sent for `posts`, with its values in place of the marks.
fn statement_sent(scratch: &Scratch, database: &Database<'_>) -> String {
    let url = database.url();
    let window = ["--from", "2026-03-27", "--to", "2026-03-27", "-v"];
    let run = scratch.sessionize([&url].iter().copied().map(String::as_str).chain(window));
    let said = run.loud().run().stderr();
    let line = said.lines().find(|line| line.contains("SELECT")).unwrap();
    let (_, statement) = line.split_once("): ").unwrap();
    let mut parts = statement.split("; ");
    let statement = parts.next().unwrap().to_owned();
    parts
        .enumerate()
        .fold(statement, |statement, (place, value)| {
            let value = format!("'{}'", value.replace('T', " ").replace('Z', ""));
            match database.kind() {
                Kind::Postgres => statement.replace(&format!("${}", place + 1), &value),
                Kind::Mariadb => statement.replacen('?', &value, 1),
            }
        })
}

fn twenty_thousand_posts(database: &Database<'_>, moment: &str) {
    let rows: Vec<String> = (0..20_000)
        .map(|row| {
            format!(
                "({row}, {}, '{}')",
                row % 50,
                sql_time(START + row * MINUTE)
            )
        })
        .collect();
    database.run(&format!(
        "CREATE TABLE posts (id int PRIMARY KEY, user_id int, created_at {moment});
         INSERT INTO posts VALUES {};
         CREATE INDEX posts_by_time ON posts (created_at)",
        rows.join(", ")
    ));
}

#[test]
fn the_index_on_the_time_serves_the_window_of_postgres() {
    for moment in ["timestamptz", "timestamp"] {
        let (scratch, database) = (Scratch::new(), servers::postgres());
        twenty_thousand_posts(&database, moment);
        database.run("ANALYZE posts");
        let sent = statement_sent(&scratch, &database);
        let plan = database.ask(&format!("EXPLAIN {sent}")).concat().join("\n");
        assert!(plan.contains("posts_by_time"), "{sent}\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

#[test]
fn the_index_on_the_time_serves_the_window_of_mariadb() {
    for moment in ["datetime(6)", "timestamp"] {
        let (scratch, database) = (Scratch::new(), servers::mariadb());
        twenty_thousand_posts(&database, moment);
        database.run("ANALYZE TABLE posts");
        let sent = statement_sent(&scratch, &database);
        let plan = database.ask(&format!("EXPLAIN {sent}"));
        // Of the columns id, select_type, table, type, possible_keys, key, …
        assert_eq!(plan.len(), 1, "{plan:?}");
        assert_eq!(
            (plan[0][3].as_str(), plan[0][5].as_str()),
            ("range", "posts_by_time"),
            "{sent}"
        );
    }
}
