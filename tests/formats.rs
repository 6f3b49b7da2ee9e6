//! What every format carries, and that other programs read what we write: cases 117, 123 and 124
//! through the whole program, and the ids that no other file meets.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;

use crate::harness::{Call, Scratch, tool};

/// Ids that break a careless writer or reader of CSV.
const HOSTILE: [&str; 24] = [
    "a,b",
    "a;b",
    "a\tb",
    "\"",
    "\"\"",
    "a\"b",
    "\"a\"",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "\n",
    " leading",
    "trailing ",
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "'quoted",
    "é日本\u{1f600}",
    "\u{202e}turned",
    "007",
    "1e5",
    "NULL",
    "\\.",
];

/// A log with one event for each id.
fn log(ids: &[&str]) -> Vec<u8> {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["user_id", "at"])
        .expect("memory takes it");
    for id in ids {
        let row = [*id, "2026-03-02T09:00:00Z"];
        file.write_record(row).expect("memory takes it");
    }
    file.into_inner().expect("memory takes it")
}

/// Writes the sessions of these users to `sessions.csv`.
fn listed(ids: &[&str], more: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("log.csv", log(ids));
    scratch
        .sessionize([
            "sessions",
            "log.csv",
            "--format",
            "csv",
            "-o",
            "sessions.csv",
        ])
        .args(["--now", "2026-04-01"])
        .args(more.iter().copied())
        .run()
        .expect_ok();
    scratch
}

/// The users as the csv package reads them.
fn by_csv(scratch: &Scratch) -> Vec<String> {
    let bytes = scratch.read("sessions.csv");
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let rows = reader
        .records()
        .map(|row| row.expect("a row of eight cells"));
    rows.map(|row| row[1].to_owned()).collect()
}

/// The users as Python's csv reads them.
fn by_python(scratch: &Scratch) -> Vec<String> {
    const SCRIPT: &str = "import csv, json, sys\n\
        rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))\n\
        assert all(len(row) == 8 for row in rows), rows\n\
        print(json.dumps([row[1] for row in rows[1:]]))";
    let path = scratch.path("sessions.csv");
    let args = ["-c".as_ref(), SCRIPT.as_ref(), path.as_os_str()];
    serde_json::from_str(&tool("python3", "python3", args)).expect("it prints a list of texts")
}

/// The users as SQLite's shell imports them.
fn by_sqlite(scratch: &Scratch) -> Vec<String> {
    let path = scratch.path("sessions.csv");
    let import = format!(".import --csv {} sessions", path.display());
    let query =
        "SELECT json_group_array(user_id) FROM (SELECT user_id FROM sessions ORDER BY rowid)";
    let said = tool("sqlite3", "sqlite3", [":memory:", import.as_str(), query]);
    serde_json::from_str(&said).expect("it prints a list of texts")
}

#[test]
fn case_117_three_readers_of_csv_get_every_hostile_id_back() {
    let mut ids = HOSTILE;
    // Integers first, by value, then text by bytes; none of these is a canonical integer.
    ids.sort_unstable();
    let scratch = listed(&ids, &["--csv-raw"]);
    assert_eq!(by_csv(&scratch), ids);
    assert_eq!(by_python(&scratch), ids);
    assert_eq!(by_sqlite(&scratch), ids);
}

#[test]
fn case_116_only_the_ids_that_a_spreadsheet_would_run_get_a_quote_in_front() {
    let ids = ["+1", "-2+3", "007", "=1+1", "@SUM(A1)", "a,b", "-5", "12"];
    let scratch = listed(&ids, &[]);
    let expected = [
        "-5",
        "12",
        "'+1",
        "'-2+3",
        "007",
        "'=1+1",
        "'@SUM(A1)",
        "a,b",
    ];
    assert_eq!(by_csv(&scratch), expected);
    assert_eq!(by_python(&scratch), expected);
    assert_eq!(by_sqlite(&scratch), expected);
}

proptest! {
    #![proptest_config(Config::with_cases(12))]

    #[test]
    fn case_117_any_ids_come_back_by_three_readers(
        ids in prop::collection::btree_set("[\"',;\\n\\r\\t =+a-cé]{1,6}", 1..12)
    ) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let scratch = listed(&ids, &["--csv-raw"]);
        prop_assert_eq!(by_csv(&scratch), ids.clone());
        prop_assert_eq!(by_python(&scratch), ids.clone());
        prop_assert_eq!(by_sqlite(&scratch), ids);
    }
}

/// Every key of the run record of schema version 1.
const RUN_KEYS: [&str; 26] = [
    "by",
    "compat",
    "complete",
    "cut",
    "durations",
    "events_after_now",
    "max_length_seconds",
    "missing",
    "now",
    "observed",
    "open_sessions",
    "own_rule",
    "program",
    "rows",
    "rule",
    "sample",
    "schema_version",
    "segment",
    "sessions",
    "sessions_touching_ends",
    "sources",
    "time_zone",
    "timeout_seconds",
    "users",
    "version",
    "window",
];

const SOURCE_KEYS: [&str; 10] = [
    "first_event",
    "floored",
    "kind",
    "last_event",
    "leap_seconds",
    "name",
    "place",
    "rejected_by_kind",
    "role",
    "rows",
];

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    let keys: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    keys.into_iter().collect()
}

/// Two sources: posts with a reject and a user left out, logins that start sessions.
fn two_sources() -> Scratch {
    let scratch = Scratch::new();
    scratch.file(
        "posts.csv",
        "user_id,at\nada,2026-03-02T09:00:00Z\nada,2026-03-02T09:10:00Z\nbob,2026-03-02T09:10:00Z\n\
         ada,soon\nada,2026-03-20T09:10:00Z\n",
    );
    scratch.file(
        "logins.csv",
        "user_id,at\nada,2026-03-02T08:59:00Z\nada,2026-03-02T08:59:00Z\n",
    );
    scratch.file("users.txt", "ada\n");
    scratch
}

fn stated(scratch: &Scratch, command: &[&str], format: &str) -> Call {
    scratch
        .sessionize(command)
        .args([
            "posts.csv",
            "logins.csv",
            "--role",
            "logins=start",
            "--max-rejects",
            "1",
        ])
        .args([
            "--users",
            "users.txt",
            "--duplicates",
            "drop",
            "--timeout",
            "15m",
        ])
        .args([
            "--timezone",
            "Europe/Berlin",
            "--from",
            "2026-03-01",
            "--to",
            "2026-03-10",
        ])
        .args(["--now", "2026-04-01T00:00:00Z", "--format", format])
}

fn check_run(run: &Value, windowed: bool) {
    assert_eq!(keys(run), RUN_KEYS);
    assert_eq!(run["program"], "sessionize");
    assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run["schema_version"], 1);
    assert_eq!(run["timeout_seconds"], 900);
    assert_eq!(run["time_zone"], "Europe/Berlin");
    assert_eq!(run["now"], "2026-04-01T00:00:00Z");
    assert_eq!(run["complete"], true);
    assert_eq!(run["compat"], Value::Null);
    assert_eq!(run["own_rule"], Value::Null);
    assert_eq!(run["missing"], Value::Array(Vec::new()));
    // Seven rows: Bob is not asked for, one time is none, one login is a duplicate.
    let rows = &run["rows"];
    assert_eq!(rows["read"], 7);
    assert_eq!(rows["rejected"], 1);
    assert_eq!(rows["duplicates_dropped"], 1);
    let sources = run["sources"].as_array().expect("a list");
    assert_eq!(sources.len(), 2);
    for source in sources {
        assert_eq!(keys(source), SOURCE_KEYS);
        let rows = &source["rows"];
        let filtered: u64 = rows["filtered"]
            .as_object()
            .expect("an object")
            .values()
            .map(|count| count.as_u64().expect("a count"))
            .sum();
        let count = |name: &str| rows[name].as_u64().expect("a count");
        let sum = count("events") + count("rejected") + filtered + count("duplicates_dropped");
        assert_eq!(count("read"), sum, "{source}");
    }
    assert_eq!(sources[0]["name"], "logins");
    assert_eq!(sources[0]["role"], "start");
    assert_eq!(sources[1]["rows"]["filtered"]["users"], 1);
    assert_eq!(sources[1]["rejected_by_kind"]["TM-02"], 1);
    if windowed {
        // March 1 of Berlin begins, and March 10 ends, at 23:00 of the day before in UTC.
        assert_eq!(run["window"]["from"], "2026-02-28T23:00:00Z");
        assert_eq!(run["window"]["to"], "2026-03-10T23:00:00Z");
        assert_eq!(rows["events"], 3);
        assert_eq!(rows["filtered"], 2);
        assert_eq!(sources[1]["rows"]["filtered"]["outside_window"], 1);
    }
}

#[test]
fn case_124_every_format_says_what_it_rests_on() {
    let scratch = two_sources();
    for command in ["report", "sessions"] {
        let json = stated(&scratch, &[command], "json")
            .run()
            .expect_ok()
            .stdout();
        let value: Value = serde_json::from_str(&json).expect("it is JSON");
        check_run(&value["run"], true);
        for format in ["csv", "ndjson", "parquet"] {
            let said = stated(&scratch, &[command], format).loud().run().stderr();
            let line = said
                .lines()
                .find(|line| line.starts_with('{'))
                .expect("the record");
            check_run(&serde_json::from_str(line).expect("it is JSON"), true);
            let name = format!("out.{format}");
            stated(&scratch, &[command], format)
                .args(["-o", &name])
                .run()
                .expect_ok();
            let record = scratch.text(format!("{name}.run.json"));
            let mut record: Value = serde_json::from_str(&record).expect("it is JSON");
            let report = record.as_object_mut().expect("an object").remove("report");
            let size = report.expect("it knows its report")["size_bytes"].as_u64();
            assert_eq!(size, Some(scratch.read(&name).len() as u64));
            check_run(&record, true);
        }
        for format in ["table", "markdown"] {
            let call = stated(&scratch, &[command], format).env("COLUMNS", "120");
            let text = call.run().expect_ok().stdout();
            for part in [
                concat!("sessionize ", env!("CARGO_PKG_VERSION")),
                "15m",
                "Europe/Berlin",
                "2026-03-01 00:00",
                "2026-03-11 00:00",
                "7 read = 3 events + 1 rejected + 2 filtered + 1 duplicates dropped",
                "true: every source was read",
                "posts.csv",
                "logins.csv",
            ] {
                assert!(
                    text.contains(part),
                    "{command} {format} lacks {part}: {text}"
                );
            }
        }
    }
}

#[test]
fn case_124_an_explanation_says_what_it_rests_on() {
    let scratch = two_sources();
    let json = stated(&scratch, &["explain", "ada"], "json")
        .run()
        .expect_ok()
        .stdout();
    let value: Value = serde_json::from_str(&json).expect("it is JSON");
    check_run(&value["run"], false);
}

#[test]
fn case_123_ids_are_text_in_json_and_what_is_unknown_is_null() {
    let scratch = Scratch::new();
    let largest = i64::MAX.to_string();
    scratch.file(
        "log.csv",
        log(&["9007199254740993", &largest, "99999999999999999999"]),
    );
    let now = ["--now", "2026-04-01", "--format", "json"];
    let json = scratch
        .sessionize(["sessions", "log.csv"])
        .args(now)
        .run()
        .expect_ok();
    let value: Value = serde_json::from_str(&json.stdout()).expect("it is JSON");
    let users: Vec<&Value> = (0..3)
        .map(|row| &value["sessions"][row]["user_id"])
        .collect();
    assert_eq!(
        users,
        ["9007199254740993", &largest, "99999999999999999999"]
    );
    let json = scratch
        .sessionize(["report", "log.csv"])
        .args(now)
        .run()
        .expect_ok();
    let value: Value = serde_json::from_str(&json.stdout()).expect("it is JSON");
    assert_eq!(value["run"]["schema_version"], 1);
    // Bounces alone: no mean without them, and no interval of one user.
    assert!(value["overall"]["mean_duration_without_bounces_seconds"].is_null());
    assert!(value["overall"]["change_seconds"].is_null());
    for word in ["NaN", "Infinity", "inf"] {
        assert!(!json.stdout().contains(word));
    }
}

#[test]
fn a_second_run_on_one_report_is_refused_while_the_first_goes_on() {
    let scratch = Scratch::new();
    scratch.fifo("stalled.csv");
    scratch.file("log.csv", log(&["ada"]));
    let first = scratch
        .sessionize(["stalled.csv", "-o", "report.csv"])
        .start();
    let lock = scratch.path(".report.csv.lock");
    crate::harness::wait_until("the lock is taken", || lock.exists());
    // The lock file is there a moment before the lock is held.
    let second = || scratch.run(["log.csv", "-o", "report.csv", "--error-format", "json"]);
    let mut outcome = second();
    crate::harness::wait_until("the second is refused", || {
        outcome = second();
        outcome.code() == Some(8)
    });
    let error: Value = serde_json::from_str(&outcome.stderr()).expect("one line of JSON");
    assert_eq!(error["id"], "LK-01");
    assert_eq!(error["code"], 8);
    first.signal("TERM");
    assert_eq!(first.finish().code(), Some(143));
    second().expect_ok();
}

#[test]
fn a_row_that_names_no_source_is_a_reject_where_a_column_names_them() {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        "user_id,at,kind\nada,2026-03-02T09:00:00Z,post\nada,2026-03-02T09:01:00Z,\n",
    );
    let call = || scratch.sessionize(["sessions", "log.csv", "--source-column", "kind"]);
    call()
        .run()
        .expect_failure(4)
        .expect_stderr("error[IN-25]: source \"log\" (csv, log.csv): line 3")
        .expect_stderr("no source's name");
    scratch.file("log.csv", "user_id,at,kind\nada,2026-03-02T09:00:00Z,a;b\n");
    call()
        .run()
        .expect_failure(4)
        .expect_stderr("error[IN-25]: ");
}

#[test]
fn more_periods_than_can_be_listed_are_a_limit() {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        "user_id,at\nada,1200-03-02T09:00:00Z\nada,2026-03-02T09:01:00Z\n",
    );
    scratch
        .run(["log.csv", "--by", "hour"])
        .expect_failure(9)
        .expect_stderr("error[LM-04]: ")
        .expect_stderr("help: choose longer periods, or a window with --from and --to");
    scratch.run(["log.csv", "--by", "month"]).expect_ok();
}

#[test]
fn case_183_no_output_of_a_report_names_a_user_or_repeats_a_cell() {
    const CANARY: &str = "canary-4711@example.org";
    const CELL: &str = "cell-CANARY-text";
    let scratch = Scratch::new();
    let mut log = "user_id,at,text\n".to_owned();
    for hour in 0..24 {
        log += &format!("{CANARY},2026-03-02T{hour:02}:00:00Z,{CELL}\n");
    }
    log += &format!("{CANARY},soon,{CELL}\n{CANARY},2026-03-02T09:00:00Z,{CELL},{CELL}\n");
    log += &format!("{CANARY}\u{0},2026-03-02T09:00:00Z,{CELL}\n{CANARY}\n\"{CANARY}\"x,,{CELL}\n");
    scratch.file("log.csv", log);
    for more in [
        &["--max-rejects", "100%", "-v"][..],
        &["--max-rejects", "4", "-v"],
        &["--segment", "source", "--max-rejects", "100%"],
        &["--error-format", "json"],
    ] {
        for format in ["table", "csv", "json", "ndjson", "markdown", "parquet"] {
            let outcome = scratch
                .sessionize(["report", "log.csv", "--total", "--rejects", "rejects.csv"])
                .args(["--format", format, "--now", "2026-04-01"])
                .args(more.iter().copied())
                .loud()
                .run();
            assert!(matches!(outcome.code(), Some(0 | 4)), "{outcome:?}");
            for text in [
                String::from_utf8_lossy(&outcome.stdout).into_owned(),
                outcome.stderr(),
                scratch.text("rejects.csv"),
            ] {
                assert!(
                    !text.to_lowercase().contains("canary"),
                    "{more:?} {format}: {text}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(100))]

    #[test]
    fn case_195_no_bytes_of_csv_make_a_panic_and_every_row_is_accounted_for(
        rows in prop::collection::vec(
            prop_oneof![
                Just(b"ada,2026-03-02T09:00:00Z\n".to_vec()),
                Just(b"\"a\"\"b\",2026-03-02T09:00:00Z\r\n".to_vec()),
                prop::collection::vec(prop::sample::select(&b"\",\n\r\0a2\xff"[..]), 0..12),
                prop::collection::vec(any::<u8>(), 0..30),
            ],
            0..12,
        ),
        has_header in any::<bool>(),
    ) {
        let scratch = Scratch::new();
        let header: &[u8] = if has_header { b"user_id,at\n" } else { b"" };
        scratch.file("log.csv", [header.to_vec(), rows.concat()].concat());
        let call = scratch.sessionize(["sessions", "log.csv", "--max-rejects", "100%"]);
        let outcome = call.args(["--format", "json", "--now", "2026-04-01"]).run();
        prop_assert!(matches!(outcome.code(), Some(0 | 4)), "{:?}", outcome);
        if outcome.code() == Some(0) {
            let value: Value = serde_json::from_str(&outcome.stdout()).expect("it is JSON");
            let rows = &value["run"]["rows"];
            let count = |name: &str| rows[name].as_u64().expect("a count");
            let sum = count("events") + count("rejected") + count("filtered");
            prop_assert_eq!(count("read"), sum + count("duplicates_dropped"));
        }
    }
}

#[test]
fn case_15_order_and_threads_change_no_byte() {
    let rows = |shift: usize| {
        let mut rows: Vec<String> = (0..2000_usize)
            .map(|row| {
                let (user, minute, second) = (row % 37, row * 7 % 60, row * 13 % 60);
                format!(
                    "user-{user},2026-03-{:02}T09:{minute:02}:{second:02}Z\n",
                    1 + row % 28
                )
            })
            .collect();
        rows.rotate_left(shift);
        if shift % 2 == 1 {
            rows.reverse();
        }
        format!("user_id,at\n{}", rows.concat())
    };
    for command in ["report", "sessions"] {
        for format in ["csv", "json"] {
            let mut outputs = BTreeSet::new();
            for (shift, threads, inputs) in [
                (0, "1", ["posts.csv", "likes.csv"]),
                (0, "8", ["likes.csv", "posts.csv"]),
                (700, "8", ["posts.csv", "likes.csv"]),
                (701, "1", ["likes.csv", "posts.csv"]),
                (1333, "3", ["posts.csv", "likes.csv"]),
                (2, "2", ["likes.csv", "posts.csv"]),
            ] {
                let scratch = Scratch::new();
                scratch.file("posts.csv", rows(shift));
                scratch.file("likes.csv", rows(shift / 2));
                let call = scratch.sessionize([command]).args(inputs);
                let call = call.args(["--threads", threads, "--format", format, "--total"]);
                outputs.insert(
                    call.args(["--now", "2026-04-01"])
                        .run()
                        .expect_ok()
                        .stdout(),
                );
            }
            assert_eq!(outputs.len(), 1, "{command} {format}");
        }
    }
}
