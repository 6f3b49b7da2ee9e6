//! Parquet that is written: read back by another library, it holds the cells of the CSV of the
//! same run, in columns of the types that are promised.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::rc::Rc;

use chrono::{DateTime, SecondsFormat};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::record::Field;
use parquet::schema::printer::print_schema;
use sessionize::events::UserId;
use sessionize::report::sessions::SessionRow;
use sessionize::report::{Format, write_report, write_sessions};

use crate::csv::within;
use crate::harness::{Call, Scratch};
use crate::report::{PLAIN, report, run, session};

const NOW: [&str; 2] = ["--now", "2026-04-01"];

/// Hostile ids and sources; ada is bound to be sorted after the numbers 7 and 10.
const LOG: &str = "user_id,created_at,kind\n\
    ada,2026-03-02T09:00:00.000001Z,posts\n\
    ada,2026-03-02T09:10:00Z,comments\n\
    ada,2026-03-02T10:10:00Z,posts\n\
    ada,2026-03-10T10:10:00Z,posts\n\
    7,2026-03-03T12:00:00Z,posts\n\
    10,2026-03-03T12:00:00.5Z,=cmd\n\
    10,2026-03-11T12:00:00.5Z,posts\n\
    10,2026-03-11T12:00:01.7Z,posts\n\
    007,2026-03-03T12:00:00Z,posts\n\
    -3,2026-03-03T12:00:00Z,posts\n\
    =1+1,2026-03-31T23:50:00Z,posts\n\
    \"a,\"\"b\"\"\",2026-03-03T12:00:00Z,posts\n\
    \u{1f9ed}\u{e9},1969-12-31T23:59:59.999999Z,posts\n";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("log.csv", LOG);
    scratch
}

fn call(scratch: &Scratch, args: &[&str], format: &str) -> Call {
    let call = scratch.sessionize(args.iter().chain(&NOW));
    call.args(["--source-column", "kind", "--format", format])
}

fn parquet_of(scratch: &Scratch, args: &[&str]) -> Vec<u8> {
    call(scratch, args, "parquet").run().expect_ok().stdout
}

fn reader(bytes: &[u8]) -> SerializedFileReader<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    SerializedFileReader::new(file).unwrap()
}

/// The names of the columns and the rows.
fn table(bytes: &[u8]) -> (Vec<String>, Vec<Vec<Field>>) {
    let reader = reader(bytes);
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    let names = columns.iter().map(|column| column.name().to_owned());
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        row.get_column_iter()
            .map(|(_, field)| field.clone())
            .collect()
    });
    (names.collect(), rows.collect())
}

fn schema(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    print_schema(&mut text, reader(bytes).metadata().file_metadata().schema());
    String::from_utf8(text).unwrap()
}

/// Whether a cell says what the cell of CSV says.
fn is_same(field: &Field, text: &str) -> bool {
    match field {
        Field::Null => text.is_empty(),
        Field::Bool(flag) => text == flag.to_string(),
        Field::Long(count) => text == count.to_string(),
        Field::Double(number) => text.parse() == Ok(*number),
        Field::Str(found) => text == found,
        Field::TimestampMicros(at) => {
            let at = DateTime::from_timestamp_micros(*at).unwrap();
            let said = DateTime::parse_from_rfc3339(text).unwrap();
            at == said && text == at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
        _ => false,
    }
}

#[track_caller]
fn assert_same_as_csv(scratch: &Scratch, args: &[&str]) {
    let csv = call(scratch, &[args, &["--csv-raw"]].concat(), "csv");
    let csv = csv.run().expect_ok().stdout();
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let (names, rows) = table(&parquet_of(scratch, args));
    assert_eq!(csv.headers().unwrap(), &names, "{args:?}");
    let expected: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), expected.len(), "{args:?}");
    for (row, expected) in rows.iter().zip(&expected) {
        let is_same = row
            .iter()
            .zip(expected)
            .all(|(field, text)| is_same(field, text));
        assert!(
            is_same && row.len() == expected.len(),
            "{row:?} {expected:?}"
        );
    }
}

#[test]
fn a_list_of_sessions_has_the_cells_of_its_csv() {
    let scratch = scratch();
    for args in [
        &["sessions", "log.csv"][..],
        &["sessions", "log.csv", "--cut", "day"],
        &[
            "sessions",
            "log.csv",
            "--timeout",
            "5m",
            "--from",
            "2026-03-03",
        ],
    ] {
        assert_same_as_csv(&scratch, args);
    }
}

#[test]
fn a_report_has_the_cells_of_its_csv() {
    let scratch = scratch();
    for args in [
        &["report", "log.csv", "--total"][..],
        &[
            "report",
            "log.csv",
            "--by",
            "day",
            "--from",
            "2026-03-01",
            "--total",
        ],
        &["report", "log.csv", "--by", "week", "--from", "2026-03-01"],
        &[
            "report",
            "log.csv",
            "--by",
            "week",
            "--from",
            "2026-03-01",
            "--segment",
            "user",
        ],
        &["report", "log.csv", "--segment", "user", "--total"],
        &[
            "report",
            "log.csv",
            "--segment",
            "source",
            "--timezone",
            "Asia/Kathmandu",
        ],
    ] {
        assert_same_as_csv(&scratch, args);
    }
}

/// Three hundred years in microseconds are beyond 2^53.
#[test]
fn a_sum_of_centuries_is_the_nearest_number() {
    let scratch = Scratch::new();
    let mut log = "user_id,created_at,kind\n".to_owned();
    for user in 0..40 {
        log += &format!("{user},2001-01-01T00:00:00.0000{:02}Z,a\n", user * 2 + 1);
        log += &format!("{user},2010-12-01T00:00:00Z,a\n");
    }
    scratch.file("log.csv", log);
    let args = ["report", "log.csv", "--timeout", "3650d", "--total"];
    assert_same_as_csv(&scratch, &args);
}

#[test]
fn the_columns_have_the_types_of_the_manual() {
    let scratch = scratch();
    assert_eq!(
        schema(&parquet_of(&scratch, &["sessions", "log.csv"])),
        "message root {\n  \
           REQUIRED BYTE_ARRAY session_id (STRING);\n  \
           REQUIRED BYTE_ARRAY user_id (STRING);\n  \
           REQUIRED INT64 start (TIMESTAMP(MICROS,true));\n  \
           REQUIRED INT64 end (TIMESTAMP(MICROS,true));\n  \
           REQUIRED DOUBLE duration_seconds;\n  \
           REQUIRED INT64 events;\n  \
           REQUIRED BYTE_ARRAY sources (STRING);\n  \
           REQUIRED BOOLEAN open;\n\
         }\n"
    );
    assert_eq!(
        schema(&parquet_of(&scratch, &["report", "log.csv"])),
        "message root {\n  \
           OPTIONAL INT64 period_start (TIMESTAMP(MICROS,true));\n  \
           OPTIONAL INT64 period_end (TIMESTAMP(MICROS,true));\n  \
           OPTIONAL BOOLEAN complete;\n  \
           OPTIONAL BYTE_ARRAY segment (STRING);\n  \
           REQUIRED INT64 users;\n  \
           REQUIRED INT64 events;\n  \
           REQUIRED INT64 sessions;\n  \
           REQUIRED INT64 open_sessions;\n  \
           OPTIONAL DOUBLE mean_duration_seconds;\n  \
           OPTIONAL DOUBLE mean_low_seconds;\n  \
           OPTIONAL DOUBLE mean_high_seconds;\n  \
           OPTIONAL DOUBLE median_duration_seconds;\n  \
           OPTIONAL DOUBLE p90_duration_seconds;\n  \
           OPTIONAL DOUBLE mean_duration_without_bounces_seconds;\n  \
           OPTIONAL DOUBLE bounce_rate;\n  \
           OPTIONAL DOUBLE sessions_per_user;\n  \
           OPTIONAL DOUBLE events_per_session;\n  \
           OPTIONAL DOUBLE total_duration_seconds;\n  \
           OPTIONAL DOUBLE change_seconds;\n  \
           OPTIONAL DOUBLE change_low_seconds;\n  \
           OPTIONAL DOUBLE change_high_seconds;\n  \
           REQUIRED DOUBLE timeout_seconds;\n  \
           REQUIRED BYTE_ARRAY time_zone (STRING);\n\
         }\n"
    );
}

#[test]
fn the_file_says_what_wrote_it_and_the_version_of_its_columns() {
    let version = env!("CARGO_PKG_VERSION");
    for command in ["sessions", "report"] {
        let file = parquet_of(&scratch(), &[command, "log.csv"]);
        let reader = reader(&file);
        let metadata = reader.metadata().file_metadata();
        let said: Vec<(&str, Option<&str>)> = metadata
            .key_value_metadata()
            .unwrap()
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                ("program", Some("sessionize")),
                ("version", Some(version)),
                ("schema_version", Some("1")),
            ]
        );
        let made_by = format!("sessionize version {version}");
        assert_eq!(metadata.created_by(), Some(made_by.as_str()));
    }
}

#[test]
fn a_result_without_rows_is_a_file_with_its_columns() {
    let scratch = scratch();
    let nothing = ["--from", "2020-01-01", "--to", "2020-01-01"];
    for (command, columns) in [("sessions", 8), ("report", 23)] {
        let args = [&[command, "log.csv"][..], &nothing].concat();
        let (names, rows) = table(&parquet_of(&scratch, &args));
        assert_eq!((names.len(), rows.len()), (columns, 0));
        assert_same_as_csv(&scratch, &args);
    }
}

#[test]
fn a_number_that_is_infinite_or_undefined_is_null() {
    let mut report = report();
    let figures = &mut report.measures.rows[0].figures;
    (figures.mean, figures.median, figures.p90) = (Some(f64::NAN), Some(f64::INFINITY), Some(0.0));
    let mut out = Vec::new();
    write_report(Format::Parquet, &report, PLAIN, &mut out).unwrap();
    let (names, rows) = table(&out);
    let cell = |name: &str| &rows[0][names.iter().position(|other| other == name).unwrap()];
    assert_eq!(*cell("mean_duration_seconds"), Field::Null);
    assert_eq!(*cell("median_duration_seconds"), Field::Null);
    assert_eq!(*cell("p90_duration_seconds"), Field::Double(0.0));
}

#[test]
fn a_list_of_sessions_is_an_input_of_its_own() {
    let scratch = scratch();
    call(
        &scratch,
        &["sessions", "log.csv", "-o", "mine.parquet"],
        "parquet",
    )
    .run()
    .expect_ok();
    let args = ["sessions", "mine.parquet", "--time-column", "start"];
    let args = args
        .iter()
        .chain(&NOW)
        .chain(&["--format", "csv", "--csv-raw"]);
    let said = scratch.run(args).expect_ok().stdout();
    let mut csv = csv::Reader::from_reader(said.as_bytes());
    let found: Vec<String> = csv
        .records()
        .map(|row| {
            let row = row.unwrap();
            [&row[1], &row[2], &row[5], &row[6]].join(" ")
        })
        .collect();
    // The start of each session of the log, 30 minutes apart or more, is an event.
    assert_eq!(
        found,
        [
            "-3 2026-03-03T12:00:00Z 1 mine:1",
            "7 2026-03-03T12:00:00Z 1 mine:1",
            "10 2026-03-03T12:00:00.500Z 1 mine:1",
            "10 2026-03-11T12:00:00.500Z 1 mine:1",
            "007 2026-03-03T12:00:00Z 1 mine:1",
            "=1+1 2026-03-31T23:50:00Z 1 mine:1",
            "a,\"b\" 2026-03-03T12:00:00Z 1 mine:1",
            "ada 2026-03-02T09:00:00.000001Z 1 mine:1",
            "ada 2026-03-02T10:10:00Z 1 mine:1",
            "ada 2026-03-10T10:10:00Z 1 mine:1",
            "\u{1f9ed}\u{e9} 1969-12-31T23:59:59.999999Z 1 mine:1",
        ]
    );
}

#[test]
fn a_file_gets_its_record_beside_it_and_a_pipe_on_standard_error() {
    let scratch = scratch();
    for command in ["sessions", "report"] {
        let file = [command, "log.csv", "-o", "out.parquet"];
        call(&scratch, &file, "parquet").run().expect_ok();
        let record = scratch.text("out.parquet.run.json");
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let size = record["report"]["size_bytes"].as_u64();
        assert_eq!(size, Some(scratch.read("out.parquet").len() as u64));
        let piped = call(&scratch, &[command, "log.csv"], "parquet")
            .loud()
            .run();
        assert_eq!(piped.stdout, scratch.read("out.parquet"));
        let said = piped.stderr();
        let records = said.lines().filter(|line| line.starts_with('{'));
        assert_eq!(records.count(), 1, "{said}");
    }
}

#[test]
fn a_terminal_is_refused_with_a_hint_at_a_file() {
    let scratch = scratch();
    for command in ["sessions", "report"] {
        let around = ["sh", "-c", "exec script -qec \"$*\" /dev/null", "sh"];
        let shown = |args: &[&str]| call(&scratch, args, "parquet").under(around).run();
        let refused = shown(&[command, "log.csv"]);
        assert_eq!(refused.code(), Some(2), "{refused:?}");
        let said = refused.stdout();
        assert!(
            said.contains("error[CF-01]: standard output is a terminal, and parquet is not text")
                && said.contains("-o sessions.parquet"),
            "{said}"
        );
        let written = shown(&[command, "log.csv", "-o", "out.parquet"]);
        assert_eq!(written.code(), Some(0), "{written:?}");
    }
}

#[test]
fn an_explanation_is_refused_by_the_formats_it_has() {
    let scratch = scratch();
    scratch.file("out.parquet", "old");
    let by_flag = ["explain", "ada", "log.csv", "-o", "out.parquet"];
    call(&scratch, &by_flag, "parquet")
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-01]: an explanation is not written as parquet")
        .expect_stderr("--format table, csv, json, ndjson, markdown");
    assert_eq!(scratch.text("out.parquet"), "old");
    scratch.file("sessionize.toml", "format = \"parquet\"\n");
    let by_configuration = scratch.run(["explain", "ada", "log.csv"]);
    by_configuration
        .expect_failure(2)
        .expect_stderr("an explanation is not written as parquet");
}

/// Counts what comes, and how many rows were asked for between two writes.
struct Watched {
    bytes: Vec<u8>,
    asked: Rc<Cell<usize>>,
    most: usize,
}

impl Write for Watched {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.most = self.most.max(self.asked.take());
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the rows, and says how many at most were held back at once.
fn watched<'a>(rows: impl Iterator<Item = SessionRow<'a>>) -> (Vec<u8>, usize) {
    let asked = Rc::new(Cell::new(0));
    let mut rows = rows.inspect(|_| asked.set(asked.get() + 1));
    let mut out = Watched {
        bytes: Vec::new(),
        asked: Rc::clone(&asked),
        most: 0,
    };
    write_sessions(Format::Parquet, &run(), &mut rows, PLAIN, &mut out).unwrap();
    assert_eq!(asked.get(), 0);
    (out.bytes, out.most)
}

fn group_sizes(bytes: &[u8]) -> Vec<i64> {
    let groups = reader(bytes).metadata().row_groups().to_vec();
    groups.iter().map(|group| group.num_rows()).collect()
}

#[test]
fn rows_are_written_in_groups_as_they_come() {
    let rows = (0..300_000).map(|user| session(UserId::Number(user), &[("posts", 1)]));
    let (file, most) = watched(rows);
    assert_eq!(most, 262_144);
    assert_eq!(group_sizes(&file), [262_144, 37_856]);
    let (_, rows) = table(&file);
    let users = rows.iter().enumerate();
    assert!(
        users
            .clone()
            .all(|(user, row)| row[1] == Field::Str(user.to_string()))
    );
    assert_eq!(users.count(), 300_000);
}

#[test]
fn long_texts_end_a_group_early() {
    let names: Vec<String> = (0..40)
        .map(|user| format!("{user:02}").repeat(2 << 20))
        .collect();
    let rows = names
        .iter()
        .map(|name| session(UserId::Text(name), &[("posts", 1)]));
    let (file, most) = watched(rows);
    // Ids of 4 MiB and a little more beside each: sixteen are over 64 MiB.
    assert_eq!(most, 16);
    assert_eq!(group_sizes(&file), [16, 16, 8]);
    let (_, rows) = table(&file);
    let mut found = rows.iter().zip(&names);
    assert!(found.all(|(row, name)| row[1] == Field::Str(name.clone())));
}

/// Statistics are cut short for long texts; no value lies outside them.
#[test]
fn statistics_hold_every_value() {
    let high = format!("{}z", "\u{10ffff}".repeat(40));
    let names = ["a".repeat(100), "b".repeat(100), high];
    let rows = names
        .iter()
        .map(|name| session(UserId::Text(name), &[("posts", 1)]));
    let (file, _) = watched(rows);
    let reader = reader(&file);
    let columns = reader.metadata().row_group(0).columns().to_vec();
    let Some(Statistics::ByteArray(users)) = columns[1].statistics() else {
        panic!("the column of users has statistics");
    };
    assert!(users.min_opt().unwrap().data() <= names[0].as_bytes());
    assert!(users.max_opt().unwrap().data() >= names[2].as_bytes());
    assert_eq!(users.null_count_opt(), Some(0));
    let Some(Statistics::Double(durations)) = columns[4].statistics() else {
        panic!("the column of durations has statistics");
    };
    assert_eq!(durations.min_opt(), Some(&1_390.5));
    assert_eq!(durations.max_opt(), Some(&1_390.5));
}

/// Every user did one thing, so there are as many sessions as rows.
#[test]
fn a_million_sessions_fit_into_bounded_memory() {
    let scratch = Scratch::new();
    let mut log = "user_id,created_at\n".to_owned();
    for user in 0..1_000_000 {
        log += &format!("{user},2026-03-{:02}T10:00:00Z\n", user % 28 + 1);
    }
    scratch.file("log.csv", log);
    let args = [
        "sessions",
        "log.csv",
        "--format",
        "parquet",
        "-o",
        "out.parquet",
    ];
    let call = scratch.sessionize(args.iter().chain(&NOW));
    within(500_000, call).run().expect_ok();
    let sizes = group_sizes(&scratch.read("out.parquet"));
    assert_eq!(sizes, [262_144, 262_144, 262_144, 213_568]);
}
