//! The rule through the real program: every hand-worked case, through every door, and the edge of
//! the timeout at one microsecond on either side.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::harness::{Outcome, Scratch};
use crate::parquet::write::{Column, Layout};

/// A case of `fixtures/cases`.
struct Case {
    name: String,
    arguments: Vec<String>,
    /// `user_id`, `created_at`, `source`.
    rows: Vec<[String; 3]>,
    csv: String,
    /// Lines of `sessions.csv`, without its header.
    sessions: Vec<String>,
}

/// Every case, in the order of their names.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let entries = fs::read_dir(&folder).expect("the cases are there");
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    assert!(folders.len() >= 30, "some cases are missing");
    folders.into_iter().map(case).collect()
}

fn case(folder: PathBuf) -> Case {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
    };
    let csv = read("events.csv");
    assert!(
        csv.starts_with("user_id,created_at,source\n") && !csv.contains('"'),
        "{}",
        folder.display()
    );
    let row = |line: &str| {
        let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells.try_into().expect("every row has three cells")
    };
    Case {
        name: folder
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into()),
        arguments: read("arguments.txt").lines().map(str::to_owned).collect(),
        rows: csv.lines().skip(1).map(row).collect(),
        sessions: read("sessions.csv")
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect(),
        csv,
    }
}

/// The lines of a sessions report as the cases write them: without id and duration.
fn sessions(outcome: &Outcome) -> Vec<String> {
    let stdout = outcome.stdout();
    let mut rows = csv::Reader::from_reader(stdout.as_bytes());
    let header: Vec<String> = rows
        .headers()
        .expect("there is a header")
        .iter()
        .map(str::to_owned)
        .collect();
    let kept = ["user_id", "start", "end", "events", "sources", "open"];
    let places = kept.map(|name| {
        header
            .iter()
            .position(|column| column == name)
            .expect("the column is there")
    });
    rows.records()
        .map(|row| {
            let row = row.expect("the report is CSV");
            places.map(|place| row[place].to_owned()).join(",")
        })
        .collect()
}

/// The sessions of a case read from `input`.
fn sessions_of(scratch: &Scratch, case: &Case, input: &str) -> Vec<String> {
    let call = scratch.sessionize(["sessions", input, "--format", "csv"]);
    sessions(&call.args(&case.arguments).run().expect_ok())
}

#[test]
fn every_case_has_the_sessions_that_were_worked_out_by_hand() {
    for case in cases() {
        let scratch = Scratch::new();
        scratch.file("events.csv", &case.csv);
        let found = sessions_of(&scratch, &case, "events.csv");
        assert_eq!(found, case.sessions, "{}", case.name);
    }
}

#[test]
fn every_row_of_every_case_is_accounted_for() {
    for case in cases() {
        let scratch = Scratch::new();
        scratch.file("events.csv", &case.csv);
        for command in ["sessions", "report"] {
            let call = scratch.sessionize([command, "events.csv", "--format", "json"]);
            let outcome = call.args(&case.arguments).run().expect_ok();
            let report: serde_json::Value =
                serde_json::from_slice(&outcome.stdout).expect("the report is JSON");
            let rows = &report["run"]["rows"];
            let count = |name: &str| rows[name].as_u64().expect("a count is a number");
            assert_eq!(count("read"), case.rows.len() as u64, "{}", case.name);
            let sum = count("events") + count("filtered") + count("duplicates_dropped");
            assert_eq!(
                (count("read"), count("rejected")),
                (sum, 0),
                "{}",
                case.name
            );
            let events = case.sessions.iter().map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                cells[3].parse::<u64>().expect("events are a number")
            });
            assert_eq!(count("events"), events.sum::<u64>(), "{}", case.name);
        }
    }
}

#[test]
fn one_log_gives_the_same_sessions_through_every_door() {
    for case in cases() {
        let scratch = Scratch::new();
        for door in doors(&scratch, &case) {
            let found = sessions_of(&scratch, &case, door);
            assert_eq!(found, case.sessions, "{} through {door}", case.name);
        }
        if !case.rows.is_empty() {
            let found = sessions_in_sqlite(&scratch, &case);
            assert_eq!(found, case.sessions, "{} in SQLite", case.name);
            // Without a line there is nothing that stands for a header.
            for door in write_ndjson(&scratch, &case) {
                let found = sessions_of(&scratch, &case, door);
                assert_eq!(found, case.sessions, "{} through {door}", case.name);
            }
        }
        let call =
            scratch.sessionize(["sessions", "-", "--input-format", "csv", "--format", "csv"]);
        let outcome = call.args(&case.arguments).stdin(case.csv.as_str()).run();
        assert_eq!(
            sessions(&outcome.expect_ok()),
            case.sessions,
            "{} on standard input",
            case.name
        );
    }
}

/// Writes a case in every way that the program reads; the inputs to name on the command line.
fn doors(scratch: &Scratch, case: &Case) -> [&'static str; 7] {
    let quoted = |line: &str| {
        let cells: Vec<String> = line.split(',').map(|cell| format!("\"{cell}\"")).collect();
        cells.join(",") + "\r\n"
    };
    scratch.file("events.csv", &case.csv);
    scratch.file(
        "quoted.csv",
        case.csv.lines().map(quoted).collect::<String>(),
    );
    scratch.file("events.tsv", case.csv.replace(',', "\t"));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(case.csv.as_bytes())
        .expect("a vector takes all");
    scratch.file("events.csv.gz", gzip.finish().expect("a vector takes all"));
    let zstd = zstd::encode_all(case.csv.as_bytes(), 3).expect("a vector takes all");
    scratch.file("events.csv.zst", zstd);
    write_parquet(scratch, case, "events.parquet");
    // The first bytes tell what a file is, not its name.
    fs::copy(scratch.path("events.parquet"), scratch.path("columns.bin"))
        .expect("it can be copied");
    [
        "events.csv",
        "quoted.csv",
        "events.tsv",
        "events.csv.gz",
        "events.csv.zst",
        "events.parquet",
        "columns.bin",
    ]
}

/// Writes a case as NDJSON: ids as text, and as numbers where they are written like one.
fn write_ndjson(scratch: &Scratch, case: &Case) -> [&'static str; 3] {
    let lines = |as_number: fn(&str) -> bool| -> String {
        let lines = case.rows.iter().map(|[user, at, source]| {
            let user = match as_number(user) {
                true => user.clone(),
                false => format!("\"{user}\""),
            };
            format!("{{\"source\":\"{source}\",\"created_at\":\"{at}\",\"user_id\":{user}}}\n")
        });
        lines.collect()
    };
    let is_canonical = |user: &str| user.parse::<i64>().is_ok_and(|id| id.to_string() == user);
    scratch.file("events.ndjson", lines(|_| false));
    scratch.file("numbers.jsonl", lines(is_canonical));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(lines(|_| false).as_bytes())
        .expect("a vector takes all");
    // The first bytes inside tell what a file is, not its name.
    scratch.file("lines.bin", gzip.finish().expect("a vector takes all"));
    ["events.ndjson", "numbers.jsonl", "lines.bin"]
}

fn write_parquet(scratch: &Scratch, case: &Case, name: &str) {
    let column = |index: usize, name: &str| {
        let cells: Vec<&str> = case.rows.iter().map(|row| row[index].as_str()).collect();
        Column::text(name, &cells)
    };
    let columns = [
        column(0, "user_id"),
        column(1, "created_at"),
        column(2, "source"),
    ];
    let layout = Layout {
        group: 3,
        ..Layout::default()
    };
    scratch.file(name, crate::parquet::write::file(&columns, layout));
}

/// The sessions of a case that lies in a database, a table for each source.
fn sessions_in_sqlite(scratch: &Scratch, case: &Case) -> Vec<String> {
    let sources: BTreeSet<&str> = case.rows.iter().map(|row| row[2].as_str()).collect();
    let options = SqliteConnectOptions::new()
        .filename(scratch.path("app.db"))
        .create_if_missing(true);
    let written = async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        for source in &sources {
            let table = format!("create table {source} (user_id text, created_at text)");
            let table = sqlx::query(AssertSqlSafe(table));
            table.execute(&mut connection).await?;
        }
        for [user, at, source] in &case.rows {
            let insert = format!("insert into {source} values (?, ?)");
            let insert = sqlx::query(AssertSqlSafe(insert)).bind(user).bind(at);
            insert.execute(&mut connection).await?;
        }
        connection.close().await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let written: Result<(), sqlx::Error> = runtime.expect("a runtime starts").block_on(written);
    written.expect("the database can be written");
    let entry = |source: &&str| {
        format!("[[source]]\nname = \"{source}\"\npath = \"sqlite:app.db\"\ntable = \"{source}\"\n")
    };
    scratch.file("app.toml", sources.iter().map(entry).collect::<String>());
    let mut arguments = case.arguments.clone();
    let place = arguments.iter().position(|word| word == "--source-column");
    let place = place.expect("every case takes its sources from a column");
    arguments.drain(place..place + 2);
    let call = scratch.sessionize(["sessions", "--config", "app.toml", "--format", "csv"]);
    sessions(&call.args(arguments).run().expect_ok())
}

#[test]
fn a_gap_splits_from_one_microsecond_over_the_timeout_on() {
    // The first event, and the second at the timeout minus a microsecond, at it, and one over.
    let edges = [
        ("1s", "00:00:00.999999", "00:00:01", "00:00:01.000001"),
        ("1500ms", "00:00:01.499999", "00:00:01.5", "00:00:01.500001"),
        ("30m", "00:29:59.999999", "00:30:00", "00:30:00.000001"),
        ("24h", "23:59:59.999999", "24:00:00", "24:00:00.000001"),
    ];
    for (timeout, under, equal, over) in edges {
        let second = |time: &str| match time.strip_prefix("24:") {
            Some(rest) => format!("1970-01-01T00:{rest}Z"),
            None => format!("1969-12-31T{time}Z"),
        };
        check_edge(
            timeout,
            "1969-12-31T00:00:00Z",
            [under, equal, over].map(second),
        );
    }
    // Ten years with their leap days: 3650 days after 2016-01-01 is 2025-12-29.
    let far = [
        "2025-12-28T23:59:59.999999Z",
        "2025-12-29T00:00:00Z",
        "2025-12-29T00:00:00.000001Z",
    ];
    check_edge("3650d", "2016-01-01T00:00:00Z", far.map(str::to_owned));
}

#[track_caller]
fn check_edge(timeout: &str, first: &str, [under, equal, over]: [String; 3]) {
    let scratch = Scratch::new();
    let rows =
        format!("user_id,at\n1,{first}\n2,{first}\n3,{first}\n3,{over}\n2,{equal}\n1,{under}\n");
    scratch.file("log.csv", rows);
    let args = [
        "sessions",
        "log.csv",
        "--format",
        "csv",
        "--timeout",
        timeout,
    ];
    let outcome = scratch
        .sessionize(args)
        .args(["--now", "2040-01-01T00:00:00Z"])
        .run();
    let canonical = |at: &str| at.replace("01.5Z", "01.500000Z");
    let found: Vec<String> = sessions(&outcome.expect_ok())
        .iter()
        .map(|line| line.replace("01.500Z", "01.500000Z"))
        .collect();
    let expected = [
        format!("1,{first},{},2,log:2,false", canonical(&under)),
        format!("2,{first},{},2,log:2,false", canonical(&equal)),
        format!("3,{first},{first},1,log:1,false"),
        format!("3,{over},{over},1,log:1,false"),
    ];
    assert_eq!(found, expected, "{timeout}");
}

/// The day of PRODUCT's section 2.
const WORKED_EXAMPLE: &str = "user_id,at,source
7,2026-03-02T09:00:00Z,logins
7,2026-03-02T09:05:00Z,profile
7,2026-03-02T09:10:00Z,posts
7,2026-03-02T09:45:00Z,comments
7,2026-03-02T10:30:00Z,logins
";

/// The worked example's row per day, from `users` to `total_duration_seconds`.
#[track_caller]
fn worked_example(args: &[&str]) -> String {
    let scratch = Scratch::new();
    scratch.file("log.csv", WORKED_EXAMPLE);
    let call = scratch.sessionize(["log.csv", "--source-column", "source", "--by", "day"]);
    let outcome = call.args(args).args(["--format", "csv"]).run().expect_ok();
    let stdout = outcome.stdout();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 2, "one day: {stdout}");
    let row = lines[1].strip_prefix("2026-03-02T00:00:00Z,2026-03-03T00:00:00Z,false,,");
    let cells: Vec<&str> = row.expect("it is that day").split(',').collect();
    cells[..14].join(",")
}

#[test]
fn the_worked_example_has_the_figures_of_the_hand_calculation() {
    let now = ["--now", "2026-03-04T00:00:00Z"];
    let at = |timeout: &'static str| [&["--timeout", timeout], &now[..]].concat();
    // 600, 0 and 0 seconds: the median is the middle one, p90 lies 0.8 of the way from 0 to 600.
    assert_eq!(
        worked_example(&at("30m")),
        "1,5,3,0,200,,,0,480,600,0.6666666666666666,3,1.6666666666666667,600"
    );
    // 2700 and 0 seconds: the median lies half way, p90 0.9 of it.
    let two = "1,5,2,0,1350,,,1350,2430,2700,0.5,2,2.5,2700";
    assert_eq!(worked_example(&at("40m")), two);
    // Nothing parts 9:00, 9:45 and 10:30: 5400 seconds.
    assert_eq!(
        worked_example(&at("60m")),
        "1,5,1,0,5400,,,5400,5400,5400,0,1,5,5400"
    );
    let logins = [&at("60m")[..], &["--role", "logins=start"]].concat();
    assert_eq!(worked_example(&logins), two);
}

#[test]
fn an_open_session_is_counted_and_measured_nowhere_until_its_timeout_has_passed() {
    let open = "1,5,2,1,2700,,,2700,2700,2700,0,1,4,2700";
    let closed = "1,5,2,0,1350,,,1350,2430,2700,0.5,2,2.5,2700";
    for (now, expected) in [
        ("2026-03-02T10:30:00Z", open),
        ("2026-03-02T11:09:59.999999Z", open),
        ("2026-03-02T11:10:00Z", closed),
        ("2026-03-02T11:10:00.000001Z", closed),
    ] {
        assert_eq!(
            worked_example(&["--timeout", "40m", "--now", now]),
            expected,
            "{now}"
        );
    }
}

#[test]
fn the_zone_of_the_report_moves_no_session() {
    for case in cases() {
        if case.arguments.iter().any(|argument| argument == "--cut") {
            continue;
        }
        let scratch = Scratch::new();
        scratch.file("events.csv", &case.csv);
        let in_zone = |zone: &str| {
            let call = scratch.sessionize(["sessions", "events.csv", "--format", "csv"]);
            let mut arguments = case.arguments.clone();
            if let Some(place) = arguments.iter().position(|word| word == "--timezone") {
                arguments.drain(place..place + 2);
            }
            let outcome = call.args(arguments).arg(format!("--timezone={zone}")).run();
            outcome.expect_ok().stdout()
        };
        let utc = in_zone("UTC");
        for zone in [
            "Asia/Kathmandu",
            "America/St_Johns",
            "Pacific/Apia",
            "-03:30",
        ] {
            assert_eq!(in_zone(zone), utc, "{} in {zone}", case.name);
        }
    }
}

#[test]
fn ids_that_look_alike_stay_different_users_and_numbers_come_first() {
    // In the order of output: numbers by value, then other texts by bytes.
    let users = [
        "-9223372036854775808",
        "-4611686018427387905",
        "-7",
        "0",
        "7",
        "10",
        "4611686018427387903",
        "4611686018427387904",
        "9223372036854775807",
        " 7",
        "-0",
        "007",
        "7.0",
        "9223372036854775808",
        "Ada",
        "ada",
        "e\u{301}",
        "\u{e9}",
    ];
    let scratch = Scratch::new();
    let mut log = "user_id,at\n".to_owned();
    for user in users.iter().rev().chain(&users) {
        log += &format!("{user},2026-03-02T09:00:00Z\n");
    }
    scratch.file("log.csv", log);
    let args = ["sessions", "log.csv", "--format", "csv", "--csv-raw"];
    let outcome = scratch
        .sessionize(args)
        .args(["--now", "2026-03-03T00:00:00Z"])
        .run();
    let at = "2026-03-02T09:00:00Z";
    let expected = users.map(|user| format!("{user},{at},{at},2,log:2,false"));
    assert_eq!(sessions(&outcome.expect_ok()), expected);
}

#[test]
fn one_user_of_several_files_has_one_timeline_with_counts_per_source() {
    let scratch = Scratch::new();
    scratch.file(
        "posts.csv",
        "user_id,at\n7,2026-03-02T09:00:00Z\n7,2026-03-02T09:40:00Z\n",
    );
    scratch.file(
        "comments.tsv",
        "author\tts\n7\t2026-03-02T10:20:00+01:00\n7\t2026-03-02T09:25:00Z\n",
    );
    scratch.file("views.csv", "user_id,at\n");
    let args = [
        "sessions",
        "views.csv",
        "posts.csv",
        "comments.tsv",
        "--format",
        "csv",
    ];
    let outcome = scratch
        .sessionize(args)
        .args(["--now", "2026-03-03T00:00:00Z"])
        .run();
    assert_eq!(
        sessions(&outcome.expect_ok()),
        ["7,2026-03-02T09:00:00Z,2026-03-02T09:40:00Z,4,comments:2;posts:2,false"]
    );
}

#[test]
fn a_silence_is_found_however_many_sources_share_the_span() {
    const QUARTERS: i64 = 45 * 60;
    let scratch = Scratch::new();
    let mut log = "user_id,created_at,kind\n".to_owned();
    for event in 0..200 * 32_i64 {
        // From 00:40 on, every 45 minutes: the first day is complete only with that much slack.
        let second = 1_767_225_600 + 40 * 60 + event * QUARTERS;
        log += &format!("7,{second},kind{}\n", event % 200);
    }
    scratch.file("log.csv", log);
    let first_day = |more: &[&str]| {
        let args = [
            "log.csv",
            "--by",
            "day",
            "--format",
            "csv",
            "--now",
            "2027-01-01",
        ];
        let report = scratch.run(args.iter().chain(more)).expect_ok().stdout();
        report.lines().nth(1).expect("a first day").to_owned()
    };
    assert!(first_day(&[]).starts_with("2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,true"));
    assert_eq!(first_day(&[]), first_day(&["--source-column", "kind"]));
}
