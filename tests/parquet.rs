//! Parquet files: every type of id and time, every way to write them, and damage of every kind.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

pub(crate) mod write;

use parquet::basic::Compression;

use crate::harness::{Outcome, Scratch};
use write::{Cells, Column, Layout, texts};

const NOW: &str = "2026-03-01T00:00:00Z";
/// 2026-01-01T09:00:00Z, in seconds since 1970.
const NINE: i64 = 1_767_258_000;

/// Writes a file with these columns.
fn write(scratch: &Scratch, name: &str, columns: &[Column]) {
    scratch.file(name, write::file(columns, Layout::default()));
}

/// Two users and their times, three events.
fn three_users() -> Column {
    Column::numbers("user_id", [7, 7, 8])
}

fn three_times() -> Column {
    Column::numbers("created_at", [NINE, NINE + 60, NINE])
}

/// Times of a unit, on the local clock.
fn local_times(values: &[i64], unit: &str) -> Column {
    let declared = format!("int64 created_at (TIMESTAMP({unit}, false))");
    Column::required(&declared, Cells::Int64(values.to_vec()))
}

fn sessions(scratch: &Scratch, args: &[&str]) -> Vec<String> {
    rows(&run(scratch, args).expect_ok())
}

fn run(scratch: &Scratch, args: &[&str]) -> Outcome {
    let flags = ["--format", "csv", "--now", NOW];
    scratch.run(["sessions"].iter().chain(args).chain(&flags))
}

/// User, start, end, events and sources of every session, a line each.
fn rows(outcome: &Outcome) -> Vec<String> {
    let said = outcome.stdout();
    let mut reader = csv::Reader::from_reader(said.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        [1, 2, 3, 5, 6].map(|at| row[at].to_owned()).join(" ")
    });
    rows.collect()
}

#[test]
fn every_compression_encoding_and_size_gives_the_same_sessions() {
    let scratch = Scratch::new();
    let count = 40_000_i64;
    let users: Vec<i64> = (0..count).map(|n| n % 100).collect();
    let times: Vec<i64> = (0..count).map(|n| NINE + n).collect();
    let kinds = vec!["click"; users.len()];
    let columns = [
        Column::numbers("user_id", users),
        Column::numbers("created_at", times),
        Column::text("kind", &kinds),
    ];
    let mut answers = Vec::new();
    for (compression, group, dictionary, delta) in [
        (Compression::UNCOMPRESSED, usize::MAX, false, false),
        (Compression::SNAPPY, 10_000, true, false),
        (Compression::ZSTD(Default::default()), 7777, true, true),
        (Compression::LZ4_RAW, 20_000, false, true),
        (
            Compression::BROTLI(Default::default()),
            usize::MAX,
            false,
            true,
        ),
        (Compression::GZIP(Default::default()), 30_000, true, false),
    ] {
        let layout = Layout {
            compression,
            group,
            page: 1000,
            dictionary,
            delta,
        };
        scratch.file("log.parquet", write::file(&columns, layout));
        for threads in ["1", "2", "5"] {
            answers.push(sessions(&scratch, &["log.parquet", "--threads", threads]));
        }
    }
    assert_eq!(answers[0].len(), 100);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(
        answers[0][5],
        "5 2026-01-01T09:00:05Z 2026-01-01T20:05:05Z 400 log:400"
    );
}

#[test]
fn ids_of_every_type_have_one_text() {
    let scratch = Scratch::new();
    let uuid: &[u8] = &[
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0xff,
    ];
    let uuid_text = "00112233-4455-6677-8899-aabbccddeeff";
    let int32 =
        |kind: &str| Column::required(&format!("int32 user_id{kind}"), Cells::Int32(vec![7]));
    let int64 = |kind: &str, value: i64| {
        Column::required(&format!("int64 user_id{kind}"), Cells::Int64(vec![value]))
    };
    let bytes = |kind: &str, value: &[u8]| {
        Column::required(&format!("binary user_id{kind}"), texts(&[value]))
    };
    let fixed = |kind: &str, value: &[u8]| {
        let declared = format!("fixed_len_byte_array({}) user_id{kind}", value.len());
        Column::required(&declared, Cells::Fixed(vec![value.to_vec().into()]))
    };
    for (users, expected) in [
        (int32(""), "7"),
        (int32(" (INTEGER(8, true))"), "7"),
        (int32(" (INTEGER(16, true))"), "7"),
        (int32(" (INTEGER(8, false))"), "7"),
        (int32(" (INTEGER(16, false))"), "7"),
        (int32(" (INTEGER(32, false))"), "7"),
        (int32(" (DECIMAL(9, 0))"), "7"),
        (int64("", 7), "7"),
        // A double would make both 9007199254740992.
        (int64("", 9_007_199_254_740_993), "9007199254740993"),
        (int64(" (INTEGER(64, false))", 7), "7"),
        (int64(" (INTEGER(64, false))", -1), "18446744073709551615"),
        (int64(" (DECIMAL(18, 0))", -7), "-7"),
        // 10^20, over 64 bits.
        (
            fixed(
                " (DECIMAL(38, 0))",
                &100_000_000_000_000_000_000_i128.to_be_bytes(),
            ),
            "100000000000000000000",
        ),
        (bytes(" (UTF8)", b"007"), "007"),
        (bytes(" (UTF8)", b"9007199254740993"), "9007199254740993"),
        (bytes(" (ENUM)", b"ada"), "ada"),
        (bytes("", uuid), uuid_text),
        (bytes("", &uuid[..3]), "001122"),
        (fixed(" (UUID)", uuid), uuid_text),
        (fixed("", uuid), uuid_text),
        (fixed("", &uuid[..3]), "001122"),
    ] {
        let kind = format!("{users:?}");
        let columns = [users, Column::numbers("created_at", [NINE])];
        write(&scratch, "log.parquet", &columns);
        let at = "2026-01-01T09:00:00Z";
        let expected = format!("{expected} {at} {at} 1 log:1");
        assert_eq!(sessions(&scratch, &["log.parquet"]), [expected], "{kind}");
    }
}

#[test]
fn times_of_every_type_are_the_same_instant() {
    let scratch = Scratch::new();
    let typed = |unit: &str, factor: i64| {
        let declared = format!("int64 created_at (TIMESTAMP({unit}, true))");
        Column::required(&declared, Cells::Int64(vec![NINE * factor + 1]))
    };
    for (times, expected) in [
        (typed("MILLIS", 1000), "2026-01-01T09:00:00.001Z"),
        (typed("MICROS", 1_000_000), "2026-01-01T09:00:00.000001Z"),
        (typed("NANOS", 1_000_000_000), "2026-01-01T09:00:00Z"),
        (
            local_times(&[NINE * 1000 + 1], "MILLIS"),
            "2026-01-01T09:00:00.001Z",
        ),
        (
            local_times(&[NINE * 1_000_000 + 1], "MICROS"),
            "2026-01-01T09:00:00.000001Z",
        ),
        (
            local_times(&[NINE * 1_000_000_000 + 1], "NANOS"),
            "2026-01-01T09:00:00Z",
        ),
        (
            Column::required("int32 created_at", Cells::Int32(vec![NINE as i32])),
            "2026-01-01T09:00:00Z",
        ),
        (
            Column::numbers("created_at", [NINE * 1000 + 5]),
            "2026-01-01T09:00:00.005Z",
        ),
        (
            Column::text("created_at", &["2026-01-01T10:00:00+01:00"]),
            "2026-01-01T09:00:00Z",
        ),
    ] {
        let kind = format!("{times:?}");
        let columns = [Column::numbers("user", [7]), times];
        write(&scratch, "log.parquet", &columns);
        let args = ["log.parquet", "--source-timezone", "UTC"];
        let found = sessions(&scratch, &args);
        assert_eq!(
            found,
            [format!("7 {expected} {expected} 1 log:1")],
            "{kind}"
        );
    }
}

/// Files made by pyarrow 26: uuids and times with a zone,
/// gzip; times of type INT96 (one of the year 3000), lz4; delta encodings, version 2 pages, brotli.
#[test]
fn files_of_other_writers_are_read() {
    let scratch = Scratch::new();
    let found = |bytes: &[u8]| {
        scratch.file("log.parquet", bytes);
        let more = ["--source-timezone", "UTC", "--anonymous", "skip"];
        sessions(&scratch, &[&["log.parquet"], &more[..]].concat())
    };
    assert_eq!(
        found(include_bytes!("parquet/zoned.parquet")),
        [
            "00112233-4455-6677-8899-aabbccddeeff 2026-01-01T09:00:00Z 2026-01-01T09:01:00.000001Z 2 log:2"
        ]
    );
    assert_eq!(
        found(include_bytes!("parquet/int96.parquet")),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1",
            "8 3000-01-01T00:00:00Z 3000-01-01T00:00:00Z 1 log:1"
        ]
    );
    assert_eq!(
        found(include_bytes!("parquet/delta.parquet")),
        ["ada 2026-01-01T09:00:00Z 2026-01-01T09:01:00Z 2 log:2"]
    );
    // Whole seconds, an hour apart, which pyarrow puts down as milliseconds and calls seconds.
    assert_eq!(
        found(include_bytes!("parquet/seconds.parquet")),
        [
            "7 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z 1 log:1",
            "7 2026-01-01T01:00:00Z 2026-01-01T01:00:00Z 1 log:1",
            "7 2026-01-01T02:00:00Z 2026-01-01T02:00:00Z 1 log:1",
        ]
    );
}

#[test]
fn a_time_without_a_zone_needs_one() {
    let scratch = Scratch::new();
    let times = local_times(&[NINE * 1000], "MILLIS");
    write(
        &scratch,
        "log.parquet",
        &[Column::numbers("user", [7]), times],
    );
    let refused = run(&scratch, &["log.parquet"]).expect_failure(4);
    refused.expect_stderr("error[TM-03]").expect_stderr("row 1");
    let args = ["log.parquet", "--source-timezone", "Europe/Berlin"];
    assert_eq!(
        sessions(&scratch, &args),
        ["7 2026-01-01T08:00:00Z 2026-01-01T08:00:00Z 1 log:1"]
    );
}

#[test]
fn nanoseconds_are_floored_and_counted() {
    let scratch = Scratch::new();
    let times = vec![-1, NINE * 1_000_000_000 + 999, NINE * 1_000_000_000 + 1000];
    let instants = "int64 created_at (TIMESTAMP(NANOS, true))";
    for column in [
        local_times(&times, "NANOS"),
        Column::required(instants, Cells::Int64(times.clone())),
    ] {
        write(&scratch, "log.parquet", &[three_users(), column]);
        let args = ["log.parquet", "--source-timezone", "UTC"];
        assert_eq!(
            sessions(&scratch, &args),
            [
                "7 1969-12-31T23:59:59.999999Z 1969-12-31T23:59:59.999999Z 1 log:1",
                "7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1",
                "8 2026-01-01T09:00:00.000001Z 2026-01-01T09:00:00.000001Z 1 log:1",
            ]
        );
        let json = ["--format", "json", "--now", NOW];
        let report = scratch.run(args.iter().chain(&json)).expect_ok().stdout();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["run"]["sources"][0]["floored"], 2);
    }
}

#[test]
fn a_type_that_cannot_be_used_is_named() {
    let scratch = Scratch::new();
    let time = |declared: &str, cells: Cells| Column::required(declared, cells);
    for (columns, expected) in [
        (
            [
                three_users(),
                time("int32 created_at (DATE)", Cells::Int32(vec![20_454; 3])),
            ],
            "column \"created_at\" is of type date, which has no time of day",
        ),
        (
            [
                three_users(),
                time(
                    "int64 created_at (TIME(MICROS, true))",
                    Cells::Int64(vec![1; 3]),
                ),
            ],
            "column \"created_at\" is of type time64, which cannot be a time",
        ),
        (
            [
                Column::required("double user_id", Cells::Double(vec![7.0, 7.5, 8.0])),
                three_times(),
            ],
            "column \"user_id\" is of type float64, which cannot be a user",
        ),
        (
            [
                Column::required("boolean user_id", Cells::Bool(vec![true; 3])),
                three_times(),
            ],
            "column \"user_id\" is of type boolean, which cannot be a user",
        ),
        (
            [
                Column::required("int64 user_id (DECIMAL(9, 2))", Cells::Int64(vec![7; 3])),
                three_times(),
            ],
            "column \"user_id\" is of type decimal with 2 digits after the point, which cannot \
             be a user",
        ),
        (
            [
                three_users(),
                Column::required("double created_at", Cells::Double(vec![1.5; 3])),
            ],
            "column \"created_at\" is of type float64, which cannot be a time",
        ),
        (
            [
                Column::nested(
                    "optional group user_id (LIST) { repeated group list { optional int64 element; } }",
                    Cells::Int64(vec![7; 3]),
                    &[3; 3],
                ),
                three_times(),
            ],
            "column \"user_id\" is of type list, which cannot be a user",
        ),
    ] {
        write(&scratch, "log.parquet", &columns);
        let refused = run(&scratch, &["log.parquet"]).expect_failure(4);
        refused
            .expect_stderr("error[IN-13]")
            .expect_stderr(expected);
    }
}

#[test]
fn rows_without_user_or_time_are_rejected_by_number() {
    let scratch = Scratch::new();
    let columns = [
        Column::optional_text("user_id", &[Some("ada"), None, Some("ada"), Some("")]),
        Column::optional_numbers(
            "int64 created_at",
            &[Some(NINE), Some(NINE), None, Some(NINE)],
        ),
    ];
    write(&scratch, "log.parquet", &columns);
    let refused = run(&scratch, &["log.parquet"]).expect_failure(4);
    refused
        .expect_stderr("row 2, column \"user_id\"")
        .expect_stderr("[TM-09] row 3, column \"created_at\"")
        .expect_stderr("[IN-23] row 4, column \"user_id\"");
    assert_eq!(
        sessions(&scratch, &["log.parquet", "--max-rejects", "3"]),
        ["ada 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1"]
    );
}

#[test]
fn rows_are_numbered_through_row_groups_and_pages_on_any_number_of_threads() {
    let scratch = Scratch::new();
    let count = 40_000;
    // Row 12,346 has no user, rows 20,001 and 39,999 have times after --now.
    let users: Vec<Option<i64>> = (0..count)
        .map(|row| (row != 12_345).then_some(row))
        .collect();
    let late = |row: i64| row == 20_000 || row == 39_998;
    let times = (0..count).map(|row| {
        if late(row) {
            NINE * 2_000_000
        } else {
            NINE * 1_000_000
        }
    });
    let columns = [
        Column::optional_numbers("int64 user_id", &users),
        Column::required(
            "int64 created_at (TIMESTAMP(MICROS, true))",
            Cells::Int64(times.collect()),
        ),
    ];
    let layout = Layout {
        group: 9_999,
        page: 500,
        ..Layout::default()
    };
    scratch.file("log.parquet", write::file(&columns, layout));
    for threads in ["1", "2", "4"] {
        let args = ["log.parquet", "--threads", threads, "--rejects", "bad.csv"];
        run(
            &scratch,
            &[&args[..], &["--max-rejects", "3", "--max-future", "1d"]].concat(),
        )
        .expect_ok();
        let rejects = String::from_utf8(scratch.read("bad.csv")).unwrap();
        let mut reader = csv::Reader::from_reader(rejects.as_bytes());
        let at = reader
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "line");
        let lines: Vec<String> = reader
            .records()
            .map(|row| row.unwrap()[at.unwrap()].to_owned())
            .collect();
        assert_eq!(lines, ["12346", "20001", "39999"], "{threads} threads");
    }
}

#[test]
fn rows_may_name_their_source() {
    let scratch = Scratch::new();
    let kinds = Column::text("kind", &["posts", "comments", "posts"]);
    write(
        &scratch,
        "log.parquet",
        &[three_users(), three_times(), kinds],
    );
    assert_eq!(
        sessions(&scratch, &["log.parquet", "--source-column", "kind"]),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:01:00Z 2 comments:1;posts:1",
            "8 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 posts:1",
        ]
    );
}

#[test]
fn sources_may_be_numbers() {
    let scratch = Scratch::new();
    for declared in ["int64 kind", "int64 kind (INTEGER(64, false))"] {
        let kinds = Column::required(declared, Cells::Int64(vec![1, 2, 1]));
        write(
            &scratch,
            "log.parquet",
            &[three_users(), three_times(), kinds],
        );
        assert_eq!(
            sessions(&scratch, &["log.parquet", "--source-column", "kind"]),
            [
                "7 2026-01-01T09:00:00Z 2026-01-01T09:01:00Z 2 1:1;2:1",
                "8 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 1:1",
            ]
        );
    }
}

/// `actor`, which may be null, with an `id` that may be null: the first row has both, the second no
/// id, the third no actor.
fn actors() -> Column {
    let declared = "optional group actor { optional int64 id; }";
    Column::nested(declared, Cells::Int64(vec![7]), &[2, 1, 0])
}

#[test]
fn a_column_inside_another_goes_by_its_dotted_path() {
    let scratch = Scratch::new();
    write(&scratch, "log.parquet", &[actors(), three_times()]);
    let args = ["log.parquet", "--user-column", "actor.id"];
    let skip = ["--anonymous", "skip"];
    assert_eq!(
        sessions(&scratch, &[&args[..], &skip].concat()),
        ["7 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1"]
    );
    let refused = run(&scratch, &args).expect_failure(4);
    refused
        .expect_stderr("row 2, column \"actor.id\"")
        .expect_stderr("row 3, column \"actor.id\"");
    let outer = ["log.parquet", "--user-column", "actor"];
    let refused = run(&scratch, &outer).expect_failure(4);
    refused
        .expect_stderr("column \"actor\" is of type struct, which cannot be a user")
        .expect_stderr("such as \"actor.id\"");
}

#[test]
fn a_column_whose_own_name_has_a_dot_goes_before_a_path() {
    let scratch = Scratch::new();
    let own = Column::text("actor.id", &["ada"; 3]);
    write(&scratch, "log.parquet", &[actors(), own, three_times()]);
    let found = sessions(&scratch, &["log.parquet", "--user-column", "actor.id"]);
    assert_eq!(
        found,
        ["ada 2026-01-01T09:00:00Z 2026-01-01T09:01:00Z 3 log:3"]
    );
}

#[test]
fn a_file_without_rows_is_a_report_without_sessions() {
    let scratch = Scratch::new();
    let columns = [
        Column::numbers("user_id", []),
        Column::numbers("created_at", []),
    ];
    write(&scratch, "log.parquet", &columns);
    assert!(sessions(&scratch, &["log.parquet"]).is_empty());
}

#[test]
fn a_column_of_nothing_but_nulls_rejects_every_row() {
    let scratch = Scratch::new();
    let times = Column::optional_numbers("int64 created_at", &[None; 3]);
    write(&scratch, "log.parquet", &[three_users(), times]);
    let refused = run(&scratch, &["log.parquet"]).expect_failure(4);
    refused
        .expect_stderr("error[TM-09]")
        .expect_stderr("row 1, column \"created_at\"")
        .expect_stderr("3 of 3 rows");
}

#[test]
fn folders_below_a_glob_are_columns() {
    let scratch = Scratch::new();
    let users = |name: &str| Column::text("user_id", &[name]);
    let times = || Column::numbers("created_at", [NINE]);
    for (path, user) in [
        ("logs/kind=a%20b/1.parquet", "ada"),
        ("logs/kind=posts/1.parquet", "grace"),
        ("logs/kind=__HIVE_DEFAULT_PARTITION__/1.parquet", "ida"),
    ] {
        write(&scratch, path, &[users(user), times()]);
    }
    let at = "2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1";
    for pattern in [
        "logs/*/*.parquet",
        "logs/**/*.parquet",
        "./logs/kind=*/1.parquet",
    ] {
        let args = [pattern, "--source-column", "kind", "--max-rejects", "1"];
        let expected = [format!("ada {at} a b:1"), format!("grace {at} posts:1")];
        assert_eq!(sessions(&scratch, &args), expected, "{pattern}");
        let all = format!("all={pattern}");
        let args = [&all, "--user-column", "kind", "--anonymous", "skip"];
        let found = sessions(&scratch, &args);
        let expected = [format!("a b {at} all:1"), format!("posts {at} all:1")];
        assert_eq!(found, expected, "{pattern}");
    }
    // What the pattern names itself is no column.
    let args = ["logs/kind=posts/*.parquet", "--source-column", "kind"];
    let refused = run(&scratch, &args).expect_failure(4);
    refused.expect_stderr("column \"kind\" not found");
}

#[test]
fn a_column_in_the_file_and_in_its_path_is_refused() {
    let scratch = Scratch::new();
    let columns = [three_users(), three_times()];
    write(&scratch, "logs/user_id=8/1.parquet", &columns);
    let refused = run(&scratch, &["logs/*/1.parquet"]).expect_failure(4);
    refused
        .expect_stderr("logs/*/1.parquet")
        .expect_stderr("column \"user_id\" is in the file and in its path");
}

#[test]
fn files_of_one_source_may_have_different_schemas() {
    let scratch = Scratch::new();
    let text = Column::text("created_at", &["2026-01-01T09:10:00Z"]);
    let other = [text, Column::text("user_id", &["7"])];
    write(&scratch, "log-1.parquet", &[three_users(), three_times()]);
    write(&scratch, "log-2.parquet", &other);
    assert_eq!(
        sessions(&scratch, &["log-*.parquet"]),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:10:00Z 3 log:3",
            "8 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1",
        ]
    );
    let times = Column::numbers("created_at", [NINE]);
    write(&scratch, "log-3.parquet", &[times]);
    let refused = run(&scratch, &["log-*.parquet"]).expect_failure(4);
    refused.expect_stderr("log-3.parquet");
}

/// A small file with text ids that are optional, and so with every part that pages have.
fn small_file(scratch: &Scratch) -> Vec<u8> {
    let users = Column::optional_text("user_id", &[Some("ada"), None, Some("grace")]);
    write(scratch, "log.parquet", &[users, three_times()]);
    scratch.read("log.parquet")
}

#[test]
fn a_file_cut_anywhere_near_its_end_is_refused() {
    let scratch = Scratch::new();
    let whole = small_file(&scratch);
    for left_out in 1..=64 {
        scratch.file("cut.parquet", &whole[..whole.len() - left_out]);
        let refused = run(&scratch, &["cut.parquet"]).expect_failure(4);
        refused
            .expect_stderr("error[IN-12]")
            .expect_stderr("footer is damaged");
    }
}

#[test]
fn what_is_no_parquet_file_is_said() {
    let scratch = Scratch::new();
    let whole = small_file(&scratch);
    let end = whole.len();
    let mut too_long = whole.clone();
    too_long[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut encrypted = whole.clone();
    encrypted[end - 4..].copy_from_slice(b"PARE");
    for (bytes, expected) in [
        (Vec::new(), "not a Parquet file"),
        (b"PAR1".to_vec(), "not a Parquet file"),
        (b"user,at\n7,2026-01-01\n".to_vec(), "not a Parquet file"),
        (too_long, "footer is damaged: it is longer than the file"),
        (encrypted, "the file is encrypted"),
    ] {
        scratch.file("bad.parquet", bytes);
        let args = ["bad.parquet", "--input-format", "parquet"];
        let refused = run(&scratch, &args).expect_failure(4);
        refused.expect_stderr(expected);
    }
}

#[test]
fn no_damage_ends_in_a_panic_or_without_memory() {
    let scratch = Scratch::new();
    let whole = small_file(&scratch);
    // Page headers stand at the front. The lowest bit of their numbers is the sign.
    let places = (4..80).chain((80..whole.len()).step_by(5));
    for (place, bit) in places.zip((0..8).cycle()) {
        for mask in [1, 1_u8 << bit, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= mask;
            scratch.file("bad.parquet", bytes);
            let args = ["bad.parquet", "--max-rejects", "10"];
            let outcome = run(&scratch, &args);
            let is_known = matches!(outcome.code(), Some(0 | 4 | 9));
            let is_calm = !outcome.stderr().contains("panicked");
            assert!(is_known && is_calm, "byte {place} ^ {mask}: {outcome:?}");
        }
    }
}

#[test]
fn random_damage_of_files_of_every_layout_is_refused_or_harmless() {
    let scratch = Scratch::new();
    let users: Vec<Option<String>> = (0..60)
        .map(|row| (row % 4 > 0).then(|| format!("user-{}", row % 9)))
        .collect();
    let users: Vec<Option<&str>> = users.iter().map(Option::as_deref).collect();
    let times: Vec<i64> = (0..60).map(|row| NINE + row).collect();
    let columns = [
        Column::optional_text("user_id", &users),
        Column::numbers("created_at", times),
    ];
    let mut state = 42_u64;
    for (compression, dictionary, delta) in [
        (Compression::UNCOMPRESSED, false, false),
        (Compression::UNCOMPRESSED, true, false),
        (Compression::ZSTD(Default::default()), true, true),
        (Compression::SNAPPY, false, true),
        (Compression::LZ4_RAW, true, false),
    ] {
        let layout = Layout {
            compression,
            group: 40,
            page: 20,
            dictionary,
            delta,
        };
        let whole = write::file(&columns, layout);
        for _ in 0..40 {
            // Knuth's generator, the upper half.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (place, mask) = (
                (state >> 32) as usize % whole.len(),
                (state >> 56) as u8 | 1,
            );
            let mut bytes = whole.clone();
            bytes[place] ^= mask;
            scratch.file("bad.parquet", bytes);
            let outcome = run(&scratch, &["bad.parquet", "--max-rejects", "100"]);
            let is_known = matches!(outcome.code(), Some(0 | 4 | 9));
            let is_calm = !outcome.stderr().contains("panicked");
            assert!(
                is_known && is_calm,
                "byte {place} ^ {mask}: {layout:?} {outcome:?}"
            );
        }
    }
}

#[test]
fn a_page_that_promises_too_much_is_refused_before_decoding() {
    let scratch = Scratch::new();
    let large = i64::from(i32::MAX);
    for (uncompressed, values, expected) in [
        (large, 1000, "a page declares 2147499647 bytes"),
        (100, large, "a page declares 34359738452 bytes"),
        (-1, 1000, "a page header cannot be read"),
        (100, -1, "a page header cannot be read"),
        (100, 2, "pages declare 2 values where there are"),
    ] {
        let mut data = Thrift::default();
        data.number(1, values)
            .number(2, 0)
            .number(3, 3)
            .number(4, 3)
            .end();
        let mut page = Thrift::default();
        page.number(1, 0)
            .number(2, uncompressed)
            .number(3, 0)
            .structure(5, &data)
            .end();
        let file = promising_page(values.max(1000), &page.bytes);
        scratch.file("bomb.parquet", file);
        let outcome = run(&scratch, &["bomb.parquet"]);
        let code = if expected.starts_with("a page declares") {
            9
        } else {
            4
        };
        outcome.expect_failure(code).expect_stderr(expected);
    }
}

#[test]
fn a_codec_that_is_not_read_is_said() {
    let scratch = Scratch::new();
    for (codec, expected) in [(99, "not known"), (3, "LZO, which is not read")] {
        let mut data = Thrift::default();
        data.number(1, 10)
            .number(2, 0)
            .number(3, 3)
            .number(4, 3)
            .end();
        let mut page = Thrift::default();
        page.number(1, 0)
            .number(2, 80)
            .number(3, 0)
            .structure(5, &data)
            .end();
        scratch.file("log.parquet", compressed(10, 80, codec, &page.bytes));
        let refused = run(&scratch, &["log.parquet"]).expect_failure(4);
        refused.expect_stderr("codec").expect_stderr(expected);
    }
}

#[test]
fn a_footer_that_promises_too_much_is_refused_before_decoding() {
    let scratch = Scratch::new();
    for (rows, bytes, expected) in [
        (1_i64 << 50, 1_i64 << 20, "declares 1125899906842624 rows"),
        (1 << 33, 1 << 20, "a row group declares 8589934592 rows"),
        (1000, 1 << 40, "1000 rows and 2199023255552 bytes"),
    ] {
        scratch.file("bomb.parquet", promising(rows, bytes));
        let refused = run(&scratch, &["bomb.parquet"]).expect_failure(9);
        refused
            .expect_stderr("error[LM-05]")
            .expect_stderr(expected);
        let little = "ulimit -v 500000; exec \"$@\"";
        let call = scratch.sessionize(["bomb.parquet"]);
        let refused = call.under(["bash", "-c", little, "bash"]).run();
        refused.expect_failure(9).expect_stderr(expected);
    }
}

/// A file of two 64-bit columns whose footer declares this many rows in one row group, and this
/// many bytes in each column.
fn promising(rows: i64, bytes: i64) -> Vec<u8> {
    compressed(rows, bytes, 0, b"........")
}

/// The same, with these bytes as each column's only page.
fn promising_page(rows: i64, page: &[u8]) -> Vec<u8> {
    compressed(rows, 1 << 20, 0, page)
}

fn compressed(rows: i64, bytes: i64, codec: i64, page: &[u8]) -> Vec<u8> {
    let names = ["user_id", "created_at"];
    let mut schema = Thrift::default();
    schema.text(4, "schema").number(5, 2).end();
    for name in names {
        // Type INT64, required.
        schema.number(1, 2).number(3, 0).text(4, name).end();
    }
    let mut columns = Thrift::default();
    for name in names {
        let mut data = Thrift::default();
        data.number(1, 2).list(2, 5, 1, &[0]);
        data.list(3, 8, 1, &Thrift::bare(name)).number(4, codec);
        data.number(5, rows)
            .number(6, bytes)
            .number(7, page.len() as i64);
        data.number(9, 4).end();
        columns.number(2, 4).structure(3, &data).end();
    }
    let mut group = Thrift::default();
    group.list(1, 12, 2, &columns.bytes);
    group.number(2, bytes).number(3, rows).end();
    let mut footer = Thrift::default();
    footer.number(1, 1).list(2, 12, 3, &schema.bytes);
    footer.number(3, rows).list(4, 12, 1, &group.bytes).end();
    let length = u32::try_from(footer.bytes.len()).unwrap();
    let mut file = b"PAR1".to_vec();
    file.extend(page);
    file.extend(&footer.bytes);
    file.extend(length.to_le_bytes());
    file.extend(b"PAR1");
    file
}

/// Structures in Thrift's compact protocol.
#[derive(Default)]
struct Thrift {
    bytes: Vec<u8>,
    field: u8,
}

impl Thrift {
    fn number(&mut self, field: u8, value: i64) -> &mut Self {
        self.head(field, 6);
        self.bytes
            .extend(varint(((value << 1) ^ (value >> 63)) as u64));
        self
    }

    fn text(&mut self, field: u8, text: &str) -> &mut Self {
        self.head(field, 8);
        self.bytes.extend(Self::bare(text));
        self
    }

    fn list(&mut self, field: u8, kind: u8, count: u8, items: &[u8]) -> &mut Self {
        self.head(field, 9);
        self.bytes.push(count << 4 | kind);
        self.bytes.extend(items);
        self
    }

    fn structure(&mut self, field: u8, inner: &Thrift) -> &mut Self {
        self.head(field, 12);
        self.bytes.extend(&inner.bytes);
        self
    }

    fn end(&mut self) {
        self.bytes.push(0);
        self.field = 0;
    }

    fn head(&mut self, field: u8, kind: u8) {
        self.bytes.push((field - self.field) << 4 | kind);
        self.field = field;
    }

    fn bare(text: &str) -> Vec<u8> {
        let mut bytes = varint(text.len() as u64);
        bytes.extend(text.as_bytes());
        bytes
    }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn text_is_utf_8_and_null_words_hold_for_numbers_whatever_is_said_of_text_files() {
    let scratch = Scratch::new();
    let times = Column::numbers("created_at", [NINE]);
    write(
        &scratch,
        "log.parquet",
        &[Column::text("user_id", &["é"]), times],
    );
    let latin1 = ["log.parquet", "--encoding", "latin1"];
    let expected = "é 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1";
    assert_eq!(sessions(&scratch, &latin1), [expected]);

    write(&scratch, "log.parquet", &[three_users(), three_times()]);
    let eight = ["log.parquet", "--null-word", "7", "--anonymous", "skip"];
    let expected = "8 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1";
    assert_eq!(sessions(&scratch, &eight), [expected]);
    let late = (NINE + 60).to_string();
    let word = ["log.parquet", "--null-word", &late, "--max-rejects", "1"];
    assert_eq!(sessions(&scratch, &word).len(), 2);
    assert!(sessions(&scratch, &word)[0].ends_with(" 1 log:1"));
    run(&scratch, &["log.parquet", "--null-word", "-7"]).expect_ok();
}
