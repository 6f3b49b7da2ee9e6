//! Inferred sessions against tracked ones: where tracked sessions can be read from, what becomes of
//! broken ones, and what may be said of it.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::io::Write;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;

use crate::harness::{Outcome, Scratch, tool};
use crate::servers::{self, Database};

const NOW: [&str; 2] = ["--now", "2026-02-01T00:00:00Z"];

/// One day. With 30 minutes, user 1 has sessions at 9:00, 9:50 and 12:00, users 2 and 4 have one at
/// 9:00, and user 3 has none.
const EVENTS: &str = "user_id,created_at\n\
    1,2026-01-01T09:00:00Z\n\
    1,2026-01-01T09:10:00Z\n\
    1,2026-01-01T09:50:00Z\n\
    1,2026-01-01T12:00:00Z\n\
    1,2026-01-01T12:10:00Z\n\
    2,2026-01-01T09:00:00Z\n\
    2,2026-01-01T09:20:00Z\n\
    4,2026-01-01T09:00:00Z\n";

/// User, start and end of the sessions that were tracked that day.
const TRACKED: [[&str; 3]; 5] = [
    ["1", "2026-01-01 09:00:00", "2026-01-01 10:00:00"],
    ["1", "2026-01-01 12:00:00", "2026-01-01 12:10:00"],
    ["2", "2026-01-01 09:00:00", "2026-01-01 09:05:00"],
    ["2", "2026-01-01 09:12:00", "2026-01-01 09:25:00"],
    ["3", "2026-01-01 09:00:00", "2026-01-01 09:30:00"],
];

/// Worked out by hand. The gaps of user 1 are 10 minutes inside a session, 40 minutes inside (parted
/// falsely), 130 minutes between two (found), 10 minutes inside; that of user 2 is 20 minutes between
/// two (missed). The first session of user 1 is split in two, those of user 2 are merged, that of
/// user 3 is missed. Pairs, inferred minus tracked: 600 - 3600, 600 - 600, 1200 - 780 seconds; they
/// start 0, 0 and 720 seconds early, and end 3000, 0 and 300 seconds early.
const WORKED: [(&str, f64); 13] = [
    ("true_positives", 1.0),
    ("false_positives", 1.0),
    ("false_negatives", 1.0),
    ("true_negatives", 2.0),
    ("boundary_precision", 0.5),
    ("boundary_recall", 0.5),
    ("boundary_f1", 0.5),
    ("splits", 1.0),
    ("merges", 1.0),
    ("misses", 1.0),
    ("duration_bias_seconds", -860.0),
    ("start_error_seconds", -240.0),
    ("end_error_seconds", -1100.0),
];

fn tracked_csv() -> String {
    let rows = TRACKED.map(|[user, start, end]| format!("{user},{start}Z,{end}Z\n"));
    format!("user_id,started_at,ended_at\n{}", rows.concat())
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("events.csv", EVENTS);
    scratch.file("sessions.csv", tracked_csv());
    scratch
}

fn run(scratch: &Scratch, args: &[&str]) -> Outcome {
    let compare = ["compare", "events.csv"].iter().chain(&NOW);
    scratch.run(compare.chain(args))
}

fn json(scratch: &Scratch, args: &[&str]) -> Value {
    let args: Vec<&str> = ["--format", "json"].iter().chain(args).copied().collect();
    let said = run(scratch, &args).expect_ok().stdout();
    serde_json::from_str(&said).unwrap()
}

/// A measure of the comparison; `None` where it is undefined.
fn measure(report: &Value, name: &str) -> Option<f64> {
    value(report, name, "value")
}

fn value(report: &Value, name: &str, key: &str) -> Option<f64> {
    let measures = report["measures"].as_array().unwrap();
    let found = measures.iter().find(|found| found["measure"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report}"))[key].as_f64()
}

fn expect(report: &Value, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        let met = measure(report, name).unwrap_or_else(|| panic!("{name} is undefined"));
        assert!((met - value).abs() < 1e-9, "{name}: {met}, not {value}");
    }
}

/// Fault, sessions and treatment of every line of the repair.
fn repair(report: &Value) -> Vec<String> {
    let rows = report["repair"].as_array().unwrap().iter();
    let words = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        format!(
            "{}: {} {}",
            text("kind"),
            row["sessions"],
            text("treatment")
        )
    };
    rows.map(words).collect()
}

fn sqlite(scratch: &Scratch, name: &str, sql: &str) {
    let path = scratch.path(name);
    tool("sqlite3", "sqlite3", [path.as_os_str(), sql.as_ref()]);
}

/// Statements that make a table of the tracked sessions.
fn table(name: &str, columns: [&str; 3], kinds: [&str; 3], quote: char) -> String {
    let named = |name: &str| format!("{quote}{name}{quote}");
    let rows = TRACKED.map(|[user, start, end]| format!("('{user}', '{start}', '{end}')"));
    let [user, start, end] = columns.map(named);
    let [user_kind, start_kind, end_kind] = kinds;
    let (name, rows) = (named(name), rows.join(", "));
    format!(
        "CREATE TABLE {name} ({user} {user_kind}, {start} {start_kind}, {end} {end_kind}); \
         INSERT INTO {name} VALUES {rows};"
    )
}

const USUAL: [&str; 3] = ["user_id", "started_at", "ended_at"];

#[test]
fn a_day_worked_out_by_hand() {
    let report = json(&scratch(), &["--tracked", "sessions.csv"]);
    expect(&report, &WORKED);
    assert!(
        report["agreement"]["tracked"]
            .as_str()
            .unwrap()
            .contains("sessions.csv")
    );
}

/// Events of 60 people with 40 visits each, and an application's records of them: every twentieth is
/// missing, and as many have no end, one before the start, one in the year 2099, one in the next visit.
fn recorded(seed: u64) -> (String, String) {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut events = "user_id,created_at\n".to_owned();
    let mut tracked = "user_id,started_at,ended_at\n".to_owned();
    for user in 0..60 {
        let mut at: i64 = 1_767_225_600 + random.random_range(0..3600);
        for _ in 0..40 {
            let start = at - random.random_range(0..30);
            let mut last = at;
            for _ in 0..random.random_range(1..20) {
                last = at;
                events.push_str(&format!("{user},{at}\n"));
                // Half a minute in the middle, at times an hour.
                at += 2_f64.powf(random.random_range(-2.0..12.0)) as i64;
            }
            let end = match random.random_range(0..20) {
                0 => String::new(),
                1 => (start - 60).to_string(),
                2 => "4070908799".to_owned(),
                3 => (at + 3600).to_string(),
                4 => start.to_string(),
                _ => (last + random.random_range(-20..600))
                    .max(start)
                    .to_string(),
            };
            if random.random_range(0..20) > 0 {
                tracked.push_str(&format!("{user},{start},{end}\n"));
            }
            at += 2_f64.powf(random.random_range(8.0..18.0)) as i64;
        }
    }
    (events, tracked)
}

#[test]
fn plain_loops_in_python_give_the_same_report() {
    let manifest = env!("CARGO_MANIFEST_DIR");
    let peer = format!("{manifest}/tests/peers/comparison.py");
    let scratch = Scratch::new();
    let (events, tracked) = recorded(1);
    scratch.file("events.csv", events);
    scratch.file("tracked.csv", tracked);
    let paths = ["events.csv", "tracked.csv"].map(|name| scratch.path(name));
    let [events, tracked] = paths.each_ref().map(|path| path.to_str().unwrap());
    let answer = tool("python3", "python3", [&peer, events, tracked, "1800"]);
    let expected: Value = serde_json::from_str(&answer).unwrap();
    let report = scratch.run([
        "compare",
        "events.csv",
        "--tracked",
        "tracked.csv",
        "--epoch-unit",
        "s",
        "--now",
        "2027-01-01",
        "--resamples",
        "0",
        "--format",
        "json",
    ]);
    let report: Value = serde_json::from_str(&report.expect_ok().stdout()).unwrap();
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 47);
    for (name, value) in expected {
        let (met, value) = (measure(&report, name).unwrap(), value.as_f64().unwrap());
        let near = 1e-9 * value.abs().max(1.0);
        assert!((met - value).abs() < near, "{name}: {met}, not {value}");
    }
    let broken = report["repair"].as_array().unwrap();
    for row in &broken[..4] {
        assert!(row["sessions"].as_u64().unwrap() > 20, "{row}");
    }
    let outcome = ["splits", "merges", "misses", "orphans"];
    for name in outcome {
        assert!(measure(&report, name).unwrap() > 10.0, "{name}");
    }
}

#[test]
fn the_same_sessions_from_files_of_every_kind_give_the_same_scores() {
    let scratch = scratch();
    let expected = json(&scratch, &["--tracked", "sessions.csv"])["measures"].clone();
    scratch.file("t.tsv", tracked_csv().replace(',', "\t"));
    let rows = TRACKED.map(|[user, start, end]| {
        format!("{{\"user_id\":{user},\"started_at\":\"{start}Z\",\"ended_at\":\"{end}Z\"}}\n")
    });
    scratch.file("t.ndjson", rows.concat());
    let file = std::fs::File::create(scratch.path("t.csv.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(tracked_csv().as_bytes()).unwrap();
    packed.finish().unwrap();
    let seconds = |text: &str| {
        let (hour, minute) = (&text[11..13], &text[14..16]);
        1_767_225_600 + hour.parse::<i64>().unwrap() * 3600 + minute.parse::<i64>().unwrap() * 60
    };
    let rows = TRACKED.map(|[user, start, end]| {
        format!(
            "{{\"user_id\":{user},\"started_at\":{},\"ended_at\":{}}}\n",
            seconds(start),
            seconds(end)
        )
    });
    scratch.file("numbers.ndjson", rows.concat());
    for (file, more) in [
        ("t.tsv", [].as_slice()),
        ("t.ndjson", &[]),
        ("t.csv.gz", &[]),
        ("numbers.ndjson", &["--epoch-unit", "s"]),
    ] {
        let args: Vec<&str> = ["--tracked", file].iter().chain(more).copied().collect();
        assert_eq!(json(&scratch, &args)["measures"], expected, "{file}");
    }
    let piped = scratch
        .sessionize([
            "compare",
            "events.csv",
            "--tracked",
            "-",
            "--format",
            "json",
        ])
        .args(NOW)
        .stdin(tracked_csv());
    let piped: Value = serde_json::from_str(&piped.run().expect_ok().stdout()).unwrap();
    assert_eq!(piped["measures"], expected);
}

#[test]
fn the_same_sessions_from_typed_columns_of_parquet_give_the_same_scores() {
    let scratch = scratch();
    let expected = json(&scratch, &["--tracked", "sessions.csv"])["measures"].clone();
    write_parquet(&scratch.path("t.parquet"));
    assert_eq!(
        json(&scratch, &["--tracked", "t.parquet"])["measures"],
        expected
    );
}

/// The tracked sessions with their times as typed instants.
fn write_parquet(path: &std::path::Path) {
    use parquet::data_type::{ByteArrayType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    let schema = "message sessions { \
        required binary user_id (UTF8); \
        required int64 started_at (TIMESTAMP(MICROS, true)); \
        optional int64 ended_at (TIMESTAMP(MICROS, true)); }";
    let schema = std::sync::Arc::new(parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let properties = std::sync::Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let micros = |text: &str| {
        let text = format!("{}Z", text.replace(' ', "T"));
        chrono::DateTime::parse_from_rfc3339(&text)
            .unwrap()
            .timestamp_micros()
    };
    let users: Vec<parquet::data_type::ByteArray> =
        TRACKED.iter().map(|row| row[0].into()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&users, None, None)
        .unwrap();
    column.close().unwrap();
    let starts: Vec<i64> = TRACKED.iter().map(|row| micros(row[1])).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int64Type>()
        .write_batch(&starts, None, None)
        .unwrap();
    column.close().unwrap();
    let ends: Vec<i64> = TRACKED.iter().map(|row| micros(row[2])).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int64Type>()
        .write_batch(&ends, Some(&[1; 5]), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn the_same_sessions_from_databases_give_the_same_scores() {
    let scratch = scratch();
    let expected = json(&scratch, &["--tracked", "sessions.csv"])["measures"].clone();
    sqlite(
        &scratch,
        "app.db",
        &table("visits", USUAL, ["INTEGER", "TEXT", "TEXT"], '"'),
    );
    let names = ["who", "came", "went"];
    sqlite(&scratch, "app.db", &table("other", names, ["TEXT"; 3], '"'));
    assert_eq!(
        json(&scratch, &["--tracked", "app.db"])["measures"],
        expected
    );
    let named = [
        "--tracked",
        "sqlite:app.db",
        "--tracked-table",
        "other",
        "--tracked-user",
        "who",
        "--tracked-start",
        "came",
        "--tracked-end",
        "went",
    ];
    assert_eq!(json(&scratch, &named)["measures"], expected);
    let postgres = servers::postgres();
    postgres.run(&table(
        "visits",
        USUAL,
        ["text", "timestamp", "timestamp"],
        '"',
    ));
    let mariadb = servers::mariadb();
    mariadb.run(&table(
        "visits",
        USUAL,
        ["varchar(9)", "datetime", "datetime"],
        '`',
    ));
    for url in [postgres.url(), mariadb.url()] {
        assert_eq!(json(&scratch, &["--tracked", &url])["measures"], expected);
    }
}

#[test]
fn events_and_tracked_sessions_of_one_database_with_ids_of_every_type() {
    let scratch = Scratch::new();
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let tables = |uuid: &str, time: &str| {
        format!(
            "CREATE TABLE posts (id int PRIMARY KEY, user_id {uuid}, created_at {time});
             INSERT INTO posts VALUES (1, '{id}', '2026-01-01 09:00:00'),
                 (2, '{id}', '2026-01-01 09:10:00');
             CREATE TABLE visits (id int PRIMARY KEY, user_id {uuid}, session int, started_at {time},
                 ended_at {time} NULL);
             INSERT INTO visits VALUES
                 (1, '{id}', 5, '2026-01-01 09:00:00', '2026-01-01 09:10:00')"
        )
    };
    let postgres = servers::postgres();
    postgres.run(&tables("uuid", "timestamptz"));
    let mariadb = servers::mariadb();
    mariadb.run(&tables("uuid", "datetime"));
    scratch.file(
        "visits.csv",
        format!("user_id,started_at,ended_at\n{id},2026-01-01T09:00:00Z,2026-01-01T09:10:00Z\n"),
    );
    let compared = |tracked: &str, database: &Database<'_>| {
        let url = database.url();
        let tracked = if tracked.is_empty() {
            url.as_str()
        } else {
            tracked
        };
        let args = ["compare", &url, "--tracked", tracked, "--format", "json"];
        let said = scratch.run(args.iter().chain(&NOW)).expect_ok().stdout();
        serde_json::from_str::<Value>(&said).unwrap()
    };
    for database in [&postgres, &mariadb] {
        for tracked in ["", "visits.csv"] {
            let report = compared(tracked, database);
            expect(
                &report,
                &[
                    ("true_negatives", 1.0),
                    ("misses", 0.0),
                    ("duration_bias_seconds", 0.0),
                ],
            );
        }
    }
}

#[test]
fn sessions_written_by_the_program_agree_with_themselves() {
    let scratch = scratch();
    for timeout in ["5m", "30m", "3h"] {
        let listed = [
            "sessions",
            "events.csv",
            "--format",
            "csv",
            "--timeout",
            timeout,
        ];
        let listed = scratch.run(listed.iter().chain(&NOW)).expect_ok().stdout();
        scratch.file("own.csv", listed);
        let report = json(&scratch, &["--tracked", "own.csv", "--timeout", timeout]);
        expect(
            &report,
            &[
                ("false_positives", 0.0),
                ("false_negatives", 0.0),
                ("splits", 0.0),
                ("merges", 0.0),
                ("misses", 0.0),
                ("orphans", 0.0),
                ("duration_bias_seconds", 0.0),
            ],
        );
        if timeout != "3h" {
            expect(&report, &[("boundary_f1", 1.0)]);
        }
        // With 5 minutes every event is alone, and there is no pair.
        if timeout == "30m" {
            expect(
                &report,
                &[("adjusted_rand", 1.0), ("v_measure", 1.0), ("time_f1", 1.0)],
            );
        }
    }
}

#[test]
fn without_a_tracked_boundary_or_an_inferred_one_there_is_no_f1() {
    let scratch = scratch();
    scratch.file(
        "one.csv",
        "user_id,started_at,ended_at\n\
        2,2026-01-01T09:00:00Z,2026-01-01T10:00:00Z\n",
    );
    let report = json(&scratch, &["--tracked", "one.csv"]);
    assert_eq!(measure(&report, "boundary_f1"), None);
    expect(&report, &[("true_negatives", 1.0)]);
}

#[test]
fn events_may_name_their_session() {
    let scratch = Scratch::new();
    let labels = ["a", "a", "a", "b", "b", "c", "d", ""];
    let rows = EVENTS.lines().skip(1).zip(labels);
    let rows: Vec<String> = rows.map(|(row, id)| format!("{row},{id}\n")).collect();
    scratch.file(
        "events.csv",
        format!("user_id,created_at,visit\n{}", rows.concat()),
    );
    let report = json(
        &scratch,
        &["--tracked", "events.csv", "--tracked-id", "visit"],
    );
    // The same boundaries as above; the sessions last as long as their events.
    expect(&report, &WORKED[..9]);
    // 600 - 3000, 600 - 600, and 1200 - 0 for one of the two that user 2 has.
    expect(
        &report,
        &[("misses", 0.0), ("duration_bias_seconds", -400.0)],
    );
    // The same by number, in a database.
    let numbers = EVENTS
        .lines()
        .skip(1)
        .zip(["1", "1", "1", "2", "2", "3", "4", "NULL"]);
    let numbers: Vec<String> = numbers
        .map(|(row, id)| {
            let (user, time) = row.split_once(',').unwrap();
            let time = time.replace('T', " ").replace('Z', "");
            format!("({user}, '{time}', {id})")
        })
        .collect();
    let statements = |time: &str| {
        format!(
            "CREATE TABLE steps (person int, at {time}, visit int); INSERT INTO steps VALUES {}",
            numbers.join(", ")
        )
    };
    sqlite(&scratch, "app.db", &statements("TEXT"));
    let postgres = servers::postgres();
    postgres.run(&statements("timestamp"));
    let mariadb = servers::mariadb();
    mariadb.run(&statements("datetime"));
    for place in ["app.db", &postgres.url(), &mariadb.url()] {
        let args = [
            "--tracked",
            place,
            "--tracked-table",
            "steps",
            "--tracked-user",
            "person",
            "--tracked-id",
            "visit",
        ];
        assert_eq!(
            json(&scratch, &args)["measures"],
            report["measures"],
            "{place}"
        );
    }
}

#[test]
fn an_id_holds_its_events_whatever_lies_between_them() {
    let scratch = Scratch::new();
    scratch.file(
        "events.csv",
        "user_id,created_at,visit\n\
        1,2026-01-01T09:00:00Z,x\n1,2026-01-01T09:01:00Z,y\n1,2026-01-01T09:02:00Z,x\n",
    );
    let report = json(
        &scratch,
        &["--tracked", "events.csv", "--tracked-id", "visit"],
    );
    expect(
        &report,
        &[
            ("false_negatives", 2.0),
            ("true_negatives", 0.0),
            ("merges", 1.0),
        ],
    );
}

/// Tracked sessions of each fault, one after another, and events inside them.
fn broken() -> Scratch {
    let scratch = Scratch::new();
    scratch.file(
        "events.csv",
        "user_id,created_at\n\
        1,2026-01-01T09:00:00Z\n1,2026-01-01T09:10:00Z\n1,2026-01-01T12:00:00Z\n\
        1,2026-01-01T12:10:00Z\n\
        2,2026-01-01T09:00:00Z\n2,2026-01-01T09:20:00Z\n\
        3,2026-01-01T09:00:00Z\n3,2026-01-01T09:20:00Z\n\
        4,2026-01-01T09:00:00Z\n4,2026-01-01T09:20:00Z\n",
    );
    scratch.file(
        "sessions.csv",
        "user_id,started_at,ended_at\n\
        1,2026-01-01T09:00:00Z,\n\
        1,2026-01-01T12:00:00Z,2026-01-01T12:10:00Z\n\
        2,2026-01-01T09:00:00Z,2026-01-01T08:00:00Z\n\
        3,2026-01-01T09:00:00Z,2026-01-02T09:00:01Z\n\
        4,2026-01-01T09:00:00Z,2026-01-01T09:40:00Z\n\
        4,2026-01-01T09:15:00Z,2026-01-01T09:30:00Z\n",
    );
    scratch
}

#[test]
fn broken_sessions_are_kept_trimmed_or_dropped_and_counted() {
    let scratch = broken();
    let of = |way: &str| json(&scratch, &["--tracked", "sessions.csv", "--repair", way]);
    let kept = of("keep");
    assert_eq!(
        repair(&kept),
        [
            "no end: 1 left out",
            "end before start: 1 left out",
            "absurd length: 1 kept",
            "overlap with the next: 1 kept",
            "open: 0 left out",
        ]
    );
    // Pairs: user 1 600 - 600, user 3 1200 - 86401, user 4 1200 - 2400 with the longer overlap.
    let bias = (-85_201.0 - 1_200.0) / 3.0;
    expect(
        &kept,
        &[("duration_bias_seconds", bias), ("true_positives", 1.0)],
    );
    let trimmed = of("trim");
    assert_eq!(
        repair(&trimmed),
        [
            "no end: 1 trimmed to the last activity",
            "end before start: 1 trimmed to the last activity",
            "absurd length: 1 trimmed to the last activity",
            "overlap with the next: 1 trimmed at the next start",
            "open: 0 left out",
        ]
    );
    // Twice 600 - 600, 1200 - 1200 of users 2 and 3; of user 4 [9:00, 9:15) has 900 seconds in
    // common, which is more than 300: 1200 - 900.
    expect(
        &trimmed,
        &[
            ("duration_bias_seconds", 300.0 / 5.0),
            ("true_positives", 1.0),
        ],
    );
    let before = value(&trimmed, "duration_bias_seconds", "value_before_repair");
    assert!((before.unwrap() - bias).abs() < 1e-9, "{before:?}");
    assert_eq!(
        value(&kept, "duration_bias_seconds", "value_before_repair"),
        None
    );
    let dropped = of("drop");
    assert_eq!(
        repair(&dropped),
        [
            "no end: 1 left out",
            "end before start: 1 left out",
            "absurd length: 1 left out",
            "overlap with the next: 1 left out",
            "open: 0 left out",
        ]
    );
    // User 1: 600 - 600; user 4: 1200 - 900.
    expect(&dropped, &[("duration_bias_seconds", 150.0)]);
}

#[test]
fn a_length_is_absurd_by_what_is_said() {
    let scratch = scratch();
    let args = [
        "--tracked",
        "sessions.csv",
        "--repair",
        "drop",
        "--absurd",
        "59m",
    ];
    assert_eq!(
        repair(&json(&scratch, &args))[2],
        "absurd length: 1 left out"
    );
    let args = [
        "--tracked",
        "sessions.csv",
        "--repair",
        "drop",
        "--absurd",
        "1h",
    ];
    assert_eq!(
        repair(&json(&scratch, &args))[2],
        "absurd length: 0 left out"
    );
}

#[test]
fn open_sessions_and_those_that_may_still_run_are_left_out_and_counted() {
    let scratch = Scratch::new();
    scratch.file(
        "events.csv",
        "user_id,created_at\n\
        1,2026-01-31T20:00:00Z\n1,2026-01-31T23:50:00Z\n2,2026-01-31T20:00:00Z\n",
    );
    scratch.file(
        "sessions.csv",
        "user_id,started_at,ended_at\n\
        1,2026-01-31T20:00:00Z,2026-01-31T20:00:00Z\n\
        1,2026-01-31T23:50:00Z,\n\
        2,2026-01-31T20:00:00Z,2026-02-01T00:00:01Z\n",
    );
    let report = json(&scratch, &["--tracked", "sessions.csv"]);
    assert_eq!(repair(&report)[4], "open: 2 left out");
    assert_eq!(repair(&report)[0], "no end: 0 trimmed to the last activity");
    expect(&report, &[("misses", 0.0), ("duration_bias_seconds", 0.0)]);
}

#[test]
fn a_tracked_session_inside_an_open_inferred_one_is_left_out_with_it() {
    let scratch = Scratch::new();
    scratch.file(
        "events.csv",
        "user_id,created_at\n\
        1,2026-01-31T20:00:00Z\n1,2026-01-31T23:00:00Z\n\
        1,2026-01-31T23:25:00Z\n1,2026-01-31T23:45:00Z\n",
    );
    // The second one is over, but the inferred session that holds it, from 23:00, goes on.
    scratch.file(
        "sessions.csv",
        "user_id,started_at,ended_at\n\
        1,2026-01-31T20:00:00Z,2026-01-31T20:00:00Z\n\
        1,2026-01-31T23:00:00Z,2026-01-31T23:10:00Z\n",
    );
    let report = json(&scratch, &["--tracked", "sessions.csv"]);
    assert_eq!(repair(&report)[4], "open: 1 left out");
    expect(&report, &[("misses", 0.0), ("duration_bias_seconds", 0.0)]);
}

#[test]
fn a_tracked_row_without_a_start_never_began() {
    let scratch = scratch();
    let expected = json(&scratch, &["--tracked", "sessions.csv"])["measures"].clone();
    scratch.file(
        "sessions.csv",
        tracked_csv() + "1,,\n1,,2026-01-01T11:00:00Z\n",
    );
    let report = json(&scratch, &["--tracked", "sessions.csv"]);
    assert_eq!(report["measures"], expected);
    let tracked = report["agreement"]["tracked"].as_str().unwrap();
    assert!(
        tracked.ends_with("7 rows, 0 rejected, 2 filtered, 2 of them never started"),
        "{tracked}"
    );
    scratch.file("sessions.csv", "user_id,started_at,ended_at\n1,,\n");
    run(&scratch, &["--tracked", "sessions.csv"])
        .expect_failure(4)
        .expect_stderr("no tracked session in 1 row");
}

#[test]
fn an_end_that_stands_for_none_is_none() {
    let scratch = scratch();
    let with_end = |end: &str| tracked_csv().replace("2026-01-01 10:00:00Z", end);
    scratch.file("sessions.csv", with_end(""));
    let expected = json(&scratch, &["--tracked", "sessions.csv"]);
    assert_eq!(
        repair(&expected)[0],
        "no end: 1 trimmed to the last activity"
    );
    for end in ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
        scratch.file("sessions.csv", with_end(end));
        let report = json(&scratch, &["--tracked", "sessions.csv"]);
        assert_eq!(report["measures"], expected["measures"], "{end}");
        assert_eq!(repair(&report), repair(&expected), "{end}");
    }
    for database in servers::both() {
        if database.url().starts_with("postgres") {
            let kinds = ["text", "timestamptz", "timestamptz"];
            database.run(&table("UserSessions", USUAL, kinds, '"'));
            database.run(
                "UPDATE \"UserSessions\" SET ended_at = 'infinity' \
                 WHERE ended_at = '2026-01-01 10:00:00'",
            );
            let args = ["--tracked", &database.url(), "--shape", "practice"];
            assert_eq!(json(&scratch, &args)["measures"], expected["measures"]);
        }
    }
}

#[test]
fn with_nobody_or_nothing_in_common_the_headline_says_so() {
    let scratch = scratch();
    for (rows, headline) in [
        (
            "9,2026-01-01T09:00:00Z,2026-01-01T10:00:00Z\n",
            "Nothing to compare: no user with a tracked session has an event",
        ),
        (
            "1,2026-01-01T03:00:00Z,2026-01-01T04:00:00Z\n",
            "Nothing to compare: no event lies inside a tracked session of its user",
        ),
        (
            "1,2026-01-31T23:50:00Z,2026-01-31T23:59:00Z\n",
            "Nothing to compare: no tracked session is left without open and broken ones",
        ),
    ] {
        scratch.file(
            "sessions.csv",
            format!("user_id,started_at,ended_at\n{rows}"),
        );
        let report = json(&scratch, &["--tracked", "sessions.csv"]);
        assert_eq!(report["agreement"]["headline"], headline);
        assert_eq!(measure(&report, "boundary_f1"), None);
    }
}

#[test]
fn a_window_takes_sessions_of_both_kinds_by_their_start() {
    let scratch = scratch();
    let report = json(
        &scratch,
        &[
            "--tracked",
            "sessions.csv",
            "--from",
            "2026-01-01T11:00:00Z",
        ],
    );
    expect(
        &report,
        &[
            ("true_negatives", 1.0),
            ("true_positives", 0.0),
            ("misses", 0.0),
            ("duration_bias_seconds", 0.0),
        ],
    );
}

#[test]
fn the_shapes_of_applications_need_their_name_alone() {
    let scratch = scratch();
    let expected = json(&scratch, &["--tracked", "sessions.csv"])["measures"].clone();
    let columns = |user, start, end| [user, start, end];
    for (shape, name, columns) in [
        (
            "practice",
            "UserSessions",
            columns("user_id", "started_at", "ended_at"),
        ),
        (
            "study",
            "sessions",
            columns("child_id", "started_at", "ended_at"),
        ),
        (
            "platform",
            "user_sessions",
            columns("person_id", "started_at", "ended_at"),
        ),
        (
            "saved-interview",
            "interview_sessions",
            columns("interviewee_id", "start_time", "end_time"),
        ),
        (
            "interview",
            "sessions",
            columns("member_id", "session_started_at", "ended_at"),
        ),
        (
            "snapshot",
            "persons",
            columns("id", "last_login_at", "last_activity_at"),
        ),
    ] {
        let file = format!("{shape}.db");
        // Another table with all columns is not what the shape means.
        let decoy =
            "CREATE TABLE decoy AS SELECT 1 AS user_id, 'x' AS started_at, 'y' AS ended_at;";
        sqlite(
            &scratch,
            &file,
            &(table(name, columns, ["TEXT"; 3], '"') + decoy),
        );
        let report = json(&scratch, &["--tracked", &file, "--shape", shape]);
        assert_eq!(report["measures"], expected, "{shape}");
        let tracked = report["agreement"]["tracked"].as_str().unwrap();
        assert_eq!(
            tracked.contains("without a history"),
            shape == "snapshot",
            "{tracked}"
        );
    }
    for database in servers::both() {
        let quote = if database.url().starts_with("mysql") {
            '`'
        } else {
            '"'
        };
        let kinds = match quote {
            '`' => ["varchar(9)", "datetime", "datetime"],
            _ => ["varchar(9)", "timestamptz", "timestamptz"],
        };
        database.run(&table("UserSessions", USUAL, kinds, quote));
        let report = json(
            &scratch,
            &["--tracked", &database.url(), "--shape", "practice"],
        );
        assert_eq!(report["measures"], expected);
    }
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_was_met() {
    let scratch = scratch();
    sqlite(
        &scratch,
        "two.db",
        &(table("a", USUAL, ["TEXT"; 3], '"') + &table("b", USUAL, ["TEXT"; 3], '"')),
    );
    sqlite(
        &scratch,
        "none.db",
        "CREATE TABLE posts (user_id, created_at)",
    );
    scratch.file("empty.csv", "user_id,started_at,ended_at\n");
    scratch.file("interview.csv", "id,member_id,session_started_at\n");
    for (args, code, expected) in [
        (["--tracked-end", "nope"].as_slice(), 4, "error[IN-03]"),
        (&["--tracked-user", "nope"], 4, "error[IN-03]"),
        (&["--tracked", "nope.csv"], 4, "error[IN-01]"),
        (&["--tracked", "empty.csv"], 4, "error[IN-15]"),
        (
            &["--tracked", "interview.csv", "--shape", "interview"],
            4,
            "column \"ended_at\" not found",
        ),
        (
            &["--tracked", "two.db"],
            5,
            "2 tables could hold tracked sessions: \"a\", \"b\"",
        ),
        (
            &["--tracked", "none.db"],
            5,
            "no table has the columns of tracked sessions",
        ),
        (
            &["--tracked", "two.db", "--tracked-table", "nope"],
            5,
            "error[DB-02]",
        ),
        (&["--shape", "hospital"], 2, "error[CF-01]"),
        (&["--repair", "mend"], 2, "error[CF-01]"),
        (&["--absurd", "0s"], 2, "--absurd"),
        (&["--tolerance", "1"], 2, "--tolerance"),
        (&["--engine", "database"], 2, "a comparison needs rows"),
        (
            &["--format", "parquet", "-o", "report.parquet"],
            2,
            "not written as parquet",
        ),
        (
            &["--tracked-id", "x", "--tracked-end", "y"],
            2,
            "cannot be used with",
        ),
        (&["-o", "sessions.csv"], 2, "error[CF-06]"),
        (&["--rejects", "sessions.csv"], 2, "error[CF-06]"),
    ] {
        let is_named = args.contains(&"--tracked");
        let tracked = if is_named {
            &[][..]
        } else {
            &["--tracked", "sessions.csv"]
        };
        let args: Vec<&str> = tracked.iter().chain(args).copied().collect();
        run(&scratch, &args)
            .expect_failure(code)
            .expect_stderr(expected);
    }
    run(&scratch, &[])
        .expect_failure(2)
        .expect_stderr("error[CF-03]");
    assert_eq!(scratch.text("sessions.csv"), tracked_csv());
}

#[test]
fn a_row_that_cannot_be_used_is_an_error_unless_some_are_allowed() {
    let scratch = scratch();
    let text = tracked_csv().replace("2026-01-01 10:00:00Z", "at ten");
    scratch.file(
        "sessions.csv",
        text + ",2026-01-01T09:00:00Z,2026-01-01T09:00:00Z\n",
    );
    let rejects = ["--tracked", "sessions.csv", "--rejects", "rejects.csv"];
    run(&scratch, &rejects)
        .expect_failure(4)
        .expect_stderr("line 2, column \"ended_at\": \"at ten\" is not an instant");
    let expected = "sessions,sessions.csv,2,28,ended_at,TM-02,";
    assert!(scratch.text("rejects.csv").contains(expected));
    let args: Vec<&str> = rejects
        .iter()
        .chain(&["--max-rejects", "2"])
        .copied()
        .collect();
    let report = json(&scratch, &args);
    let rows = scratch.text("rejects.csv");
    assert!(
        rows.contains(expected) && rows.contains(",user_id,IN-23,"),
        "{rows}"
    );
    expect(&report, &[("true_positives", 1.0), ("splits", 0.0)]);
}

#[test]
fn what_is_compared_with_can_be_configured() {
    let scratch = Scratch::new();
    scratch.file("conf/data/events.csv", EVENTS);
    let renamed = tracked_csv().replace("user_id,started_at,ended_at", "who,came,went");
    scratch.file("conf/data/visits.csv", renamed);
    scratch.file(
        "conf/s.toml",
        "now = \"2026-02-01\"\nformat = \"json\"\n\
        [[source]]\npath = \"data/events.csv\"\n\
        [tracked]\npath = \"data/visits.csv\"\nuser = \"who\"\nstart = \"came\"\nend = \"went\"\n\
        repair = \"drop\"\nabsurd = \"59m\"\n",
    );
    let said = scratch
        .run(["compare", "--config", "conf/s.toml"])
        .expect_ok()
        .stdout();
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(repair(&report)[2], "absurd length: 1 left out");
    // What is typed replaces the place and its columns; the rest stays.
    scratch.file("sessions.csv", tracked_csv());
    let typed = [
        "compare",
        "--config",
        "conf/s.toml",
        "--tracked",
        "sessions.csv",
        "--absurd",
        "1h",
    ];
    let report: Value = serde_json::from_str(&scratch.run(typed).expect_ok().stdout()).unwrap();
    expect(&report, &WORKED);
    scratch.file(
        "bad.toml",
        "[tracked]\npath = \"a.csv\"\nabsurd = \"never\"\n",
    );
    scratch.file("events.csv", EVENTS);
    scratch
        .run(["compare", "events.csv", "--config", "bad.toml"])
        .expect_failure(2)
        .expect_stderr("bad.toml:3:10: \"never\"");
}

#[test]
fn neither_order_nor_threads_change_the_report() {
    let scratch = broken();
    let turn = |text: String| {
        let (header, rows) = text.split_once('\n').unwrap();
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.reverse();
        format!("{header}\n{}\n", rows.join("\n"))
    };
    let first = run(&scratch, &["--tracked", "sessions.csv", "--format", "json"]).expect_ok();
    let (events, tracked) = (scratch.text("events.csv"), scratch.text("sessions.csv"));
    scratch.file("events.csv", turn(events));
    scratch.file("sessions.csv", turn(tracked));
    let args = [
        "--tracked",
        "sessions.csv",
        "--format",
        "json",
        "--threads",
        "3",
    ];
    let second = run(&scratch, &args).expect_ok();
    assert_eq!(first.stdout(), second.stdout());
}

#[test]
fn nobody_is_named_in_any_output() {
    let scratch = Scratch::new();
    let canary = |text: &str| {
        text.replace("\n1,", "\ncanary-1,")
            .replace("\n2,", "\n31337002,")
    };
    let broken = broken();
    scratch.file("events.csv", canary(&broken.text("events.csv")));
    let tracked = canary(&broken.text("sessions.csv"));
    scratch.file("sessions.csv", tracked.clone() + "canary-1,soon,soon\n");
    let is_silent = |text: &str| !text.contains("canary") && !text.contains("31337");
    for format in ["table", "csv", "json", "ndjson", "markdown"] {
        let report = scratch
            .sessionize(["compare", "events.csv", "--tracked", "sessions.csv", "-v"])
            .args(NOW)
            .args([
                "--max-rejects",
                "1",
                "--rejects",
                "rejects.csv",
                "--format",
                format,
            ])
            .args(["-o", "report"])
            .loud();
        let outcome = report.run();
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        let said = outcome.stdout() + &outcome.stderr() + &scratch.text("report");
        assert!(is_silent(&said), "{format}: {said}");
        assert!(is_silent(&scratch.text("rejects.csv")));
        if ["csv", "ndjson"].contains(&format) {
            assert!(is_silent(&scratch.text("report.run.json")));
        }
    }
    let refused = scratch
        .sessionize(["compare", "events.csv", "--tracked", "sessions.csv"])
        .args(NOW)
        .loud();
    let said = refused.run().expect_failure(4).stderr();
    assert!(is_silent(&said), "{said}");
}

#[test]
fn a_password_in_the_address_of_tracked_sessions_is_never_shown() {
    let scratch = scratch();
    let address = "postgres://ro:tr4ckedsecret@127.0.0.1:1/app?sslmode=disable";
    let outcome = scratch
        .sessionize(["compare", "events.csv", "--tracked", address])
        .loud();
    let said = outcome.run().expect_failure(5).stderr();
    assert!(!said.contains("tr4cked"), "{said}");
    assert!(said.contains("error[DB-03]"), "{said}");
    assert!(said.contains("can be seen by others"), "{said}");
}
