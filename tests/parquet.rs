//! Parquet files: every type of id and time, every way to write them, and damage of every kind.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::fs::File;

use polars::prelude::*;

use crate::harness::{Outcome, Scratch};

const NOW: &str = "2026-03-01T00:00:00Z";
/// 2026-01-01T09:00:00Z, in seconds since 1970.
const NINE: i64 = 1_767_258_000;

/// Writes a file with these columns.
fn write(scratch: &Scratch, name: &str, columns: Vec<Column>) {
    write_as(scratch, name, columns, ParquetCompression::Snappy, None);
}

fn write_as(
    scratch: &Scratch,
    name: &str,
    columns: Vec<Column>,
    compression: ParquetCompression,
    group: Option<usize>,
) {
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let file = File::create(scratch.path(name)).unwrap();
    ParquetWriter::new(file)
        .with_compression(compression)
        .with_row_group_size(group)
        .finish(&mut frame)
        .unwrap();
}

fn column<T, Phantom: ?Sized>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, Phantom>,
{
    Series::new(name.into(), values).into_column()
}

/// Two users and their times, three events.
fn three_users() -> Column {
    column("user_id", [7_i64, 7, 8])
}

fn three_times() -> Column {
    column("created_at", [NINE, NINE + 60, NINE])
}

fn datetime(values: Vec<i64>, unit: TimeUnit) -> Column {
    let series = Series::new("created_at".into(), values);
    let series = series.cast(&DataType::Datetime(unit, None)).unwrap();
    series.into_column()
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
fn every_compression_and_row_group_size_gives_the_same_sessions() {
    let scratch = Scratch::new();
    let count = 10_000_i64;
    let users: Vec<i64> = (0..count).map(|n| n % 100).collect();
    let times: Vec<i64> = (0..count).map(|n| NINE + n).collect();
    let mut answers = Vec::new();
    for (compression, group) in [
        (ParquetCompression::Uncompressed, None),
        (ParquetCompression::Snappy, Some(1000)),
        (ParquetCompression::Zstd(None), Some(777)),
        (ParquetCompression::Zstd(None), Some(1)),
    ] {
        // One row a group for a tenth of the rows is slow enough.
        let count = if group == Some(1) { 1000 } else { users.len() };
        let columns = vec![
            column("user_id", &users[..count]),
            column("created_at", &times[..count]),
            column("kind", vec!["click"; count]),
        ];
        write_as(&scratch, "log.parquet", columns, compression, group);
        let found = sessions(&scratch, &["log.parquet"]);
        assert_eq!(found.len(), 100);
        if count == users.len() {
            answers.push(found);
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(
        answers[0][5],
        "5 2026-01-01T09:00:05Z 2026-01-01T11:45:05Z 100 log:100"
    );
}

#[test]
fn ids_of_every_type_have_one_text() {
    let scratch = Scratch::new();
    let uuid: &[u8] = &[
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0xff,
    ];
    let number = |dtype: DataType| {
        let series = Series::new("user_id".into(), [7_i64]);
        series.cast(&dtype).unwrap().into_column()
    };
    let categories = DataType::from_categories(Categories::global());
    let word = Series::new("user_id".into(), ["ada"]);
    for (users, expected) in [
        (number(DataType::Int8), "7"),
        (number(DataType::Int16), "7"),
        (number(DataType::Int32), "7"),
        (number(DataType::Int64), "7"),
        (number(DataType::UInt8), "7"),
        (number(DataType::UInt16), "7"),
        (number(DataType::UInt32), "7"),
        (number(DataType::UInt64), "7"),
        (column("user_id", [u64::MAX]), "18446744073709551615"),
        (column("user_id", ["007"]), "007"),
        (word.cast(&categories).unwrap().into_column(), "ada"),
        (
            column("user_id", [uuid]),
            "00112233-4455-6677-8899-aabbccddeeff",
        ),
        (column("user_id", [&uuid[..3]]), "001122"),
    ] {
        let kind = users.dtype().clone();
        let columns = vec![users, column("created_at", [NINE])];
        write(&scratch, "log.parquet", columns);
        assert_eq!(
            sessions(&scratch, &["log.parquet"]),
            [format!(
                "{expected} 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 log:1"
            )],
            "{kind:?}"
        );
    }
}

#[test]
fn times_of_every_type_are_the_same_instant() {
    let scratch = Scratch::new();
    let at = |factor: i64, unit| datetime(vec![NINE * factor + 1], unit);
    for (times, expected) in [
        (at(1000, TimeUnit::Milliseconds), "2026-01-01T09:00:00.001Z"),
        (
            at(1_000_000, TimeUnit::Microseconds),
            "2026-01-01T09:00:00.000001Z",
        ),
        (
            at(1_000_000_000, TimeUnit::Nanoseconds),
            "2026-01-01T09:00:00Z",
        ),
        (column("created_at", [NINE as i32]), "2026-01-01T09:00:00Z"),
        (
            column("created_at", [NINE * 1000 + 5]),
            "2026-01-01T09:00:00.005Z",
        ),
        (
            column("created_at", ["2026-01-01T10:00:00+01:00"]),
            "2026-01-01T09:00:00Z",
        ),
    ] {
        let kind = times.dtype().clone();
        write(
            &scratch,
            "log.parquet",
            vec![column("user", [7_i64]), times],
        );
        let args = ["log.parquet", "--source-timezone", "UTC"];
        let found = sessions(&scratch, &args);
        assert_eq!(
            found,
            [format!("7 {expected} {expected} 1 log:1")],
            "{kind:?}"
        );
    }
}

/// Files of shapes that polars does not write, made by pyarrow 26: uuids and times with a zone,
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
}

#[test]
fn a_time_without_a_zone_needs_one() {
    let scratch = Scratch::new();
    let times = datetime(vec![NINE * 1000], TimeUnit::Milliseconds);
    write(
        &scratch,
        "log.parquet",
        vec![column("user", [7_i64]), times],
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
    let columns = vec![three_users(), datetime(times, TimeUnit::Nanoseconds)];
    write(&scratch, "log.parquet", columns);
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

#[test]
fn a_type_that_cannot_be_used_is_named() {
    let scratch = Scratch::new();
    let dates = Series::new("created_at".into(), [20_454_i32; 3]);
    let dates = dates.cast(&DataType::Date).unwrap().into_column();
    for (columns, expected) in [
        (
            vec![three_users(), dates],
            "column \"created_at\" is of type date, which has no time of day",
        ),
        (
            vec![column("user_id", [7.0, 7.5, 8.0]), three_times()],
            "column \"user_id\" is of type float64, which cannot be a user",
        ),
        (
            vec![column("user_id", [true; 3]), three_times()],
            "column \"user_id\" is of type boolean, which cannot be a user",
        ),
        (
            vec![three_users(), column("created_at", [1.5; 3])],
            "column \"created_at\" is of type float64, which cannot be a time",
        ),
    ] {
        write(&scratch, "log.parquet", columns);
        let refused = run(&scratch, &["log.parquet"]).expect_failure(4);
        refused
            .expect_stderr("error[IN-13]")
            .expect_stderr(expected);
    }
}

#[test]
fn rows_without_user_or_time_are_rejected_by_number() {
    let scratch = Scratch::new();
    let columns = vec![
        column("user_id", [Some("ada"), None, Some("ada"), Some("")]),
        column("created_at", [Some(NINE), Some(NINE), None, Some(NINE)]),
    ];
    write(&scratch, "log.parquet", columns);
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
fn rows_may_name_their_source() {
    let scratch = Scratch::new();
    let kinds = column("kind", ["posts", "comments", "posts"]);
    let columns = vec![three_users(), three_times(), kinds];
    write(&scratch, "log.parquet", columns);
    assert_eq!(
        sessions(&scratch, &["log.parquet", "--source-column", "kind"]),
        [
            "7 2026-01-01T09:00:00Z 2026-01-01T09:01:00Z 2 comments:1;posts:1",
            "8 2026-01-01T09:00:00Z 2026-01-01T09:00:00Z 1 posts:1",
        ]
    );
}

#[test]
fn a_file_without_rows_is_a_report_without_sessions() {
    let scratch = Scratch::new();
    let columns = vec![
        column("user_id", Vec::<i64>::new()),
        column("created_at", Vec::<i64>::new()),
    ];
    write(&scratch, "log.parquet", columns);
    assert!(sessions(&scratch, &["log.parquet"]).is_empty());
}

/// A small file with text ids that are optional, and so with every part that pages have.
fn small_file(scratch: &Scratch) -> Vec<u8> {
    let columns = vec![
        column("user_id", [Some("ada"), None, Some("grace")]),
        three_times(),
    ];
    write(scratch, "log.parquet", columns);
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
fn a_footer_that_promises_too_much_is_refused_before_decoding() {
    let scratch = Scratch::new();
    for (rows, bytes, expected) in [
        (1_i64 << 50, 1_i64 << 20, "declares 1125899906842624 rows"),
        (1 << 30, 1 << 20, "a row group declares 1073741824 rows"),
        (1000, 1 << 40, "1000 rows and 2199023255552 bytes"),
    ] {
        scratch.file("bomb.parquet", promising(rows, bytes));
        let refused = run(&scratch, &["bomb.parquet"]).expect_failure(9);
        refused
            .expect_stderr("error[LM-05]")
            .expect_stderr(expected);
    }
}

/// A file of two 64-bit columns whose footer declares this many rows in one row group, and this
/// many bytes in each column.
fn promising(rows: i64, bytes: i64) -> Vec<u8> {
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
        data.list(3, 8, 1, &Thrift::bare(name)).number(4, 0);
        data.number(5, rows).number(6, bytes).number(7, 8);
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
    let mut file = b"PAR1........".to_vec();
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
