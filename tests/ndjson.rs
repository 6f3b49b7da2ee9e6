//! NDJSON as it comes: one object a line, every line accounted for. The numbers are those of the
//! cases in the reliability plan.

mod shapes;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use sessionize::error::{Failure, Family};
use sessionize::events::Batch;
use sessionize::import::columns::AskedColumns;
use sessionize::import::csv::Dialect;
use sessionize::import::file::Limits;
use sessionize::import::inputs::{Input, InputFormat};
use sessionize::import::intake::{Anonymous, Terms, UserFilter};
use sessionize::import::meter::Meter;
use sessionize::import::pipeline::Sink;
use sessionize::import::window::Window;
use sessionize::import::{self, Budget, Options};
use sessionize::time::timestamp::{TimeParser, TimeSpec};

use crate::csv::{read_back, sessions};
use crate::harness::Scratch;

/// Three events of two users, an hour apart and more, so that each is a session of its own.
const CLEAN: &str = r#"{"user_id":"ada","created_at":"2026-01-01T10:00:00Z","note":"first"}
{"user_id":"bob","created_at":"2026-01-01T11:00:00Z","note":"second"}
{"user_id":"ada","created_at":"2026-01-01T12:00:00Z","note":"third"}
"#;
const CLEAN_EVENTS: [&str; 3] = [
    "ada 2026-01-01T10:00:00Z",
    "ada 2026-01-01T12:00:00Z",
    "bob 2026-01-01T11:00:00Z",
];
/// The columns of such events, where the first lines may not show them.
const NAMED: [&str; 4] = ["--user-column", "user_id", "--time-column", "created_at"];
/// The beginning of an object that goes on with one more value.
const BEFORE: &[u8] = br#"{"user_id":"u","created_at":"2026-01-01T10:00:00Z","x":"#;

/// The events of a file that is read without a word.
#[track_caller]
fn events_of(text: impl AsRef<[u8]>, args: &[&str]) -> Vec<String> {
    let scratch = Scratch::new();
    scratch.file("posts.ndjson", text);
    let args = [&["posts.ndjson"], args].concat();
    let (events, [read, taken, ..]) = read_back(&sessions(&scratch, &args).run().expect_ok());
    assert_eq!((read, taken), (events.len() as u64, events.len() as u64));
    events
}

/// How a file is refused: the first line on standard error, without its source.
#[track_caller]
fn refusal_of(text: impl AsRef<[u8]>, args: &[&str], code: i32) -> String {
    let scratch = Scratch::new();
    scratch.file("posts.ndjson", text);
    let args = [&["posts.ndjson"], args].concat();
    let outcome = sessions(&scratch, &args).run().expect_failure(code);
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
    let said = outcome.stderr();
    let first = said.lines().next().expect("there is a line").to_owned();
    let (id, what) = first.split_once(": ").expect("there is an id");
    let what = what.strip_prefix("source \"posts\" (ndjson, posts.ndjson): ");
    let what = what.unwrap_or_else(|| panic!("no source is named: {outcome:?}"));
    format!("{} {what}", &id["error[".len()..id.len() - 1])
}

/// How many events, and the rejected rows, `line byte kind`, of a file that is read with a budget.
#[track_caller]
fn with_rejects(text: impl AsRef<[u8]>, args: &[&str]) -> (u64, Vec<String>) {
    let taken = take_rows(text.as_ref(), args);
    (taken.0.len() as u64, taken.1)
}

#[track_caller]
fn take_rows(text: &[u8], args: &[&str]) -> (Vec<String>, Vec<String>) {
    let scratch = Scratch::new();
    scratch.file("posts.ndjson", text);
    let budget = ["--max-rejects", "100%", "--rejects", "rejects.csv"];
    let apart = ["--timeout", "1s"];
    let args = [&["posts.ndjson"], args, &budget, &apart].concat();
    let outcome = sessions(&scratch, &args).run().expect_ok();
    let json: serde_json::Value =
        serde_json::from_str(&outcome.stdout()).expect("the report is JSON");
    let count = |name: &str| json["run"]["rows"][name].as_u64().expect("it is a number");
    let mut events = Vec::new();
    for session in json["sessions"].as_array().expect("there is a list") {
        let events_in = session["events"].as_u64().expect("it is a number");
        let user = session["user_id"].as_str().expect("it is text");
        events.extend((0..events_in).map(|_| user.to_owned()));
    }
    let rejects: Vec<String> = scratch
        .text("rejects.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{} {} {}", cells[2], cells[3], cells[5])
        })
        .collect();
    assert_eq!(count("events"), events.len() as u64);
    assert_eq!(count("rejected"), rejects.len() as u64);
    assert_eq!(
        count("read"),
        count("events") + count("rejected") + count("filtered")
    );
    (events, rejects)
}

fn with_value(value: &[u8]) -> Vec<u8> {
    [BEFORE, value, b"}\n"].concat()
}

/// The place of each line that is not blank: number and first byte.
fn places(text: &[u8]) -> Vec<(u64, u64)> {
    let (mut places, mut byte) = (Vec::new(), 0);
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        if !line.iter().all(|byte| b" \t\r".contains(byte)) {
            places.push((number, byte));
        }
        byte += line.len() as u64 + 1;
    }
    places
}

#[test]
fn case_63_every_shape_that_json_allows_is_accepted() {
    assert!(shapes::ALLOWED.len() >= 90, "{}", shapes::ALLOWED.len());
    let text: Vec<u8> = shapes::ALLOWED.iter().flat_map(|v| with_value(v)).collect();
    let (events, rejects) = with_rejects(text, &[]);
    assert_eq!(rejects, [""; 0]);
    assert_eq!(events, shapes::ALLOWED.len() as u64);
}

#[test]
fn case_63_every_shape_that_json_forbids_is_a_reject_with_its_line_and_byte() {
    assert!(
        shapes::FORBIDDEN.len() >= 180,
        "{}",
        shapes::FORBIDDEN.len()
    );
    // Each in a field that is not asked for, then each alone on its line.
    let good = with_value(b"1");
    let mut text = good.clone();
    for value in shapes::FORBIDDEN {
        text.extend(with_value(value));
    }
    for value in shapes::FORBIDDEN {
        text.extend([value, &b"\n"[..]].concat());
    }
    text.extend(&good);
    let places = places(&text);
    let expected: Vec<String> = places[1..places.len() - 1]
        .iter()
        .map(|(line, byte)| format!("{line} {byte} IN-26"))
        .collect();
    for size in ["1048576", "64", "7"] {
        let scratch = Scratch::new();
        scratch.file("posts.ndjson", &text);
        let budget = [
            "posts.ndjson",
            "--max-rejects",
            "100%",
            "--rejects",
            "r.csv",
        ];
        let run = sessions(&scratch, &budget).env("SESSIONIZE_BLOCK", size);
        run.run().expect_ok();
        let got: Vec<String> = scratch
            .text("r.csv")
            .lines()
            .skip(1)
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                format!("{} {} {}", cells[2], cells[3], cells[5])
            })
            .collect();
        let wrong: Vec<_> = got
            .iter()
            .zip(&expected)
            .filter(|(got, expected)| got != expected)
            .collect();
        assert!(wrong.is_empty(), "blocks of {size} bytes: {wrong:?}");
        assert_eq!(got.len(), expected.len(), "blocks of {size} bytes");
    }
}

#[test]
fn case_63_what_the_standard_leaves_open_is_decided() {
    for (value, is_accepted, why) in shapes::LEFT_OPEN {
        let (events, rejects) = with_rejects(with_value(value), &[]);
        assert_eq!(events == 1, *is_accepted, "{why}: {value:?}: {rejects:?}");
    }
    // The same where they are asked for, and at the edges of a file.
    let user = |value: &[u8]| {
        [
            br#"{"created_at":"2026-01-01T10:00:00Z","user_id":"#,
            value,
            b"}\n",
        ]
        .concat()
    };
    let kind = |text: Vec<u8>| with_rejects(text, &NAMED).1;
    assert_eq!(kind(user(br#""\ud800""#)), ["1 0 IN-24"]);
    assert_eq!(kind(user(b"\"\xff\"")), ["1 0 IN-24"]);
    assert_eq!(kind(user(b"1e400")), ["1 0 IN-13"]);
    // Keys of the line's own object are text too.
    let key = |key: &[u8]| with_value(&[b"1,\"", key, b"\":2"].concat());
    assert_eq!(kind(key(br"\ud800")), ["1 0 IN-26"]);
    assert_eq!(kind(key(b"\xff")), ["1 0 IN-24"]);
    assert_eq!(kind(key(b"\t")), ["1 0 IN-26"]);
    let marked = [b"\xef\xbb\xbf", CLEAN.as_bytes()].concat();
    assert_eq!(events_of(&marked, &[]), CLEAN_EVENTS);
    let (_, rejects) = with_rejects(
        CLEAN.replace("\n{\"user_id\":\"bob", "\n\u{feff}{\"user_id\":\"bob"),
        &[],
    );
    assert_eq!(rejects, ["2 69 IN-26"]);
    let wide: Vec<u8> = CLEAN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refusal_of(wide, &[], 4).starts_with("IN-06 looks like UTF-16"));
}

#[test]
fn case_64_deep_nesting_is_a_reject_and_no_overflow() {
    let nested = |depth: usize| {
        let inner = ["[".repeat(depth), "]".repeat(depth)].concat();
        with_value(inner.as_bytes())
    };
    // The object itself is a level.
    assert_eq!(with_rejects(nested(127), &NAMED), (1, vec![]));
    assert_eq!(with_rejects(nested(128), &NAMED).1, ["1 0 IN-26"]);
    let brackets_in_text = format!("\"{}\\\"\"", "[{".repeat(500));
    assert_eq!(
        with_rejects(with_value(brackets_in_text.as_bytes()), &[]).0,
        1
    );
    let wide = format!("[{}[]]", "[],".repeat(500));
    assert_eq!(with_rejects(with_value(wide.as_bytes()), &[]).0, 1);

    let mut text = CLEAN.as_bytes().to_vec();
    text.extend(with_value("[".repeat(100_000).as_bytes()));
    text.extend(nested(100_000));
    text.extend("[".repeat(100_000).as_bytes());
    text.push(b'\n');
    text.extend("[{\"\":".repeat(50_000).as_bytes());
    let scratch = Scratch::new();
    scratch.file("posts.ndjson", &text);
    // Reading the flags alone takes more than 256 KiB in a build that is not optimized.
    for size in ["1048576", "1000"] {
        let outcome = sessions(&scratch, &["posts.ndjson", "--max-rejects", "4"])
            .under(["sh", "-c", "ulimit -s 1024 && exec \"$0\" \"$@\""])
            .env("SESSIONIZE_BLOCK", size)
            .run()
            .expect_ok();
        assert_eq!(read_back(&outcome).1, [7, 3, 4, 0]);
        sessions(&scratch, &["posts.ndjson"])
            .env("SESSIONIZE_BLOCK", size)
            .run()
            .expect_failure(4)
            .expect_stderr("error[IN-26]: ")
            .expect_stderr("line 4: nesting too deep");
    }
    let path = ["a"; 1000].join(".");
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let args = ["--user-column", &path, "--time-column", "t"];
    assert_eq!(with_rejects(deep, &args).1, ["1 0 IN-26"]);
}

#[test]
fn case_65_ids_keep_the_digits_they_are_written_in() {
    let ids = [
        "9007199254740993",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551617",
        "123456789012345678901234567890",
    ];
    let text: String = ids
        .iter()
        .map(|id| format!("{{\"user_id\":{id},\"created_at\":\"2026-01-01T10:00:00Z\"}}\n"))
        .collect();
    let mut expected = ids.map(|id| format!("{id} 2026-01-01T10:00:00Z")).to_vec();
    let mut events = events_of(text, &[]);
    expected.sort();
    events.sort();
    assert_eq!(events, expected);

    let same = r#"{"user_id":7,"created_at":"2026-01-01T10:00:00Z"}
{"user_id":"7","created_at":"2026-01-01T10:10:00Z"}
{"user_id":"\u0037","created_at":"2026-01-01T10:20:00Z"}
{"user_id":"007","created_at":"2026-01-01T10:20:00Z"}
"#;
    let scratch = Scratch::new();
    scratch.file("posts.ndjson", same);
    let outcome = sessions(&scratch, &["posts.ndjson"]).run().expect_ok();
    let json: serde_json::Value = serde_json::from_str(&outcome.stdout()).expect("it is JSON");
    let listed: Vec<(&str, u64)> = json["sessions"]
        .as_array()
        .expect("there is a list")
        .iter()
        .map(|session| {
            let user = session["user_id"].as_str().expect("it is text");
            (user, session["events"].as_u64().expect("it is a number"))
        })
        .collect();
    assert_eq!(listed, [("7", 3), ("007", 1)]);
}

#[test]
fn case_65_a_needed_key_that_stands_twice_is_a_reject() {
    let twice = |key: &str, value: &str| {
        CLEAN.replace("\"note\":\"second\"", &format!("\"{key}\":{value}"))
    };
    let (_, rejects) = with_rejects(twice("created_at", "\"2026-01-01T11:00:00Z\""), &[]);
    assert_eq!(rejects, ["2 69 IN-27"]);
    // An escape makes no other key of it, and null is a value.
    let (_, rejects) = with_rejects(twice("user\\u005fid", "null"), &[]);
    assert_eq!(rejects, ["2 69 IN-27"]);
    assert_eq!(
        refusal_of(twice("user_id", "1"), &[], 4),
        "IN-27 line 2: key \"user_id\" stands twice"
    );
    assert_eq!(events_of(twice("note\":1,\"note", "2"), &[]), CLEAN_EVENTS);
    // Twice, and no JSON after it: it is no JSON.
    let (_, rejects) = with_rejects(twice("user_id", "1,"), &[]);
    assert_eq!(rejects, ["2 69 IN-26"]);
}

#[test]
fn case_65_values_that_cannot_be_used_are_rejects_that_say_what_was_met() {
    let user = |value: &str| CLEAN.replace("\"bob\"", value);
    let said = |value: &str| refusal_of(user(value), &[], 4);
    let no_id =
        |what: &str| format!("IN-13 line 2: \"user_id\" is {what}; expected text or an integer");
    assert_eq!(said("7.0"), no_id("a real number"));
    assert_eq!(said("1e400"), no_id("a real number"));
    assert_eq!(said("true"), no_id("a boolean"));
    assert_eq!(said("[7]"), no_id("an array"));
    assert_eq!(said("{\"id\":7}"), no_id("an object"));
    assert_eq!(
        said("\"\\ud83d\""),
        "IN-24 line 2: \"user_id\" holds half of a surrogate pair, which is no character"
    );
    assert_eq!(
        said("\"a\\u0000b\""),
        "IN-24 line 2, column \"user_id\": NUL byte"
    );
    let time = |value: &str| refusal_of(CLEAN.replace("\"2026-01-01T11:00:00Z\"", value), &[], 4);
    assert!(time("1e400").starts_with("TM-02 line 2, column \"created_at\": \"1e400\" is not"));
    assert!(time("1767265200.5").starts_with("TM-02 line 2"));
    assert!(
        time("false").contains("a boolean is not an instant"),
        "{}",
        time("false")
    );
    assert!(time("[]").contains("an array is not an instant"));
    assert!(
        refusal_of(CLEAN.replace("\"bob\",", "\"bob\"\u{7}"), &[], 4)
            .starts_with("IN-26 line 2: line is not JSON: ")
    );
    let not_text = CLEAN
        .replace("bob", "b\u{e9}b")
        .replace('\u{e9}', "\u{fffd}");
    let not_text: Vec<u8> = not_text.into_bytes();
    let at = not_text
        .windows(3)
        .position(|bytes| bytes == "\u{fffd}".as_bytes());
    let mut latin = not_text;
    let at = at.expect("it is there");
    latin.splice(at..at + 3, [0xe9]);
    assert_eq!(
        refusal_of(&latin, &[], 4),
        "IN-24 line 2: invalid UTF-8 at byte 13 of the line; --encoding latin1 reads Latin-1"
    );
    assert_eq!(
        events_of(&latin, &["--encoding", "latin1"])[2],
        "béb 2026-01-01T11:00:00Z"
    );
}

#[test]
fn case_66_one_bad_line_in_a_thousand_is_one_reject() {
    let line = |n: usize| {
        let (hour, minute) = (n / 60, n % 60);
        format!("{{\"user_id\":{n},\"created_at\":\"2026-01-01T{hour:02}:{minute:02}:00Z\"}}\n")
    };
    let mut lines: Vec<String> = (0..1000).map(line).collect();
    lines[500] = "{\"user_id\":500,\"created_at\":\"2026-01-01T08:20:00Z\"\n".to_owned();
    let byte: usize = lines[..500].iter().map(String::len).sum();
    let text = lines.concat();
    let (events, rejects) = with_rejects(&text, &[]);
    assert_eq!((events, rejects), (999, vec![format!("501 {byte} IN-26")]));
    assert_eq!(
        refusal_of(&text, &[], 4),
        "IN-26 line 501: line is not JSON: EOF while parsing an object at byte 49 of the line"
    );
}

#[test]
fn case_66_blank_lines_and_any_line_end_change_nothing() {
    assert_eq!(events_of(CLEAN, &[]), CLEAN_EVENTS);
    assert_eq!(events_of(CLEAN.replace('\n', "\r\n"), &[]), CLEAN_EVENTS);
    assert_eq!(events_of(CLEAN.trim_end(), &[]), CLEAN_EVENTS);
    let spaced = CLEAN.replace('\n', " \t\n\n  \n\r\n\t");
    assert_eq!(events_of(format!("\n\n {spaced}"), &[]), CLEAN_EVENTS);
    // Blank lines count as lines.
    let (_, rejects) = with_rejects(format!("\n\n{CLEAN}\n{{\n"), &[]);
    assert_eq!(rejects, [format!("7 {} IN-26", CLEAN.len() + 3)]);
    for nothing in ["", "\n", " \n\t\r\n", "\u{feff}", "\u{feff}\n"] {
        assert!(refusal_of(nothing, &[], 4).starts_with("IN-02 file is empty ("));
        let allowed = ["--allow-empty"];
        assert_eq!(events_of(nothing, &allowed), [""; 0]);
    }
}

#[test]
fn case_66_a_missing_field_is_as_null_and_as_an_empty_cell() {
    for value in ["", "\"user_id\":null,", "\"user_id\":\"\","] {
        let text = CLEAN.replace("\"user_id\":\"bob\",", value);
        assert_eq!(
            refusal_of(&text, &[], 4),
            "IN-23 line 2, column \"user_id\": no user; --anonymous skip leaves such rows out"
        );
        let scratch = Scratch::new();
        scratch.file("posts.ndjson", &text);
        let outcome = sessions(&scratch, &["posts.ndjson", "--anonymous", "skip"]);
        assert_eq!(read_back(&outcome.run().expect_ok()).1, [3, 2, 0, 1]);
    }
    for value in ["", "\"created_at\":null,", "\"created_at\":\"\","] {
        let text = CLEAN.replace("\"created_at\":\"2026-01-01T11:00:00Z\",", value);
        assert!(refusal_of(&text, &[], 4).starts_with("TM-09 line 2, column \"created_at\": "));
    }
    let words = CLEAN.replace("\"bob\"", "\"NULL\"");
    assert!(refusal_of(&words, &["--null-word", "NULL"], 4).starts_with("IN-23 line 2"));
    let word = CLEAN.replace("\"bob\"", "0");
    assert!(refusal_of(word, &["--null-word", "0"], 4).starts_with("IN-23 line 2"));
    // In no row at all, it is a name that is wrong.
    let asked = ["--user-column", "usr_id", "--max-rejects", "100%"];
    assert!(refusal_of(CLEAN, &asked, 4).starts_with("IN-03 column \"usr_id\" not found; "));
}

#[test]
fn case_66_times_are_text_or_numbers() {
    let text = r#"{"user_id":1,"at":1767261600}
{"user_id":2,"at":"1767265200"}
{"user_id":3,"at":"2026-01-01T12:00:00+00:00"}
{"user_id":4,"at":"2026\u002d01-01T13:00:00Z"}
"#;
    let expected = [
        "1 2026-01-01T10:00:00Z",
        "2 2026-01-01T11:00:00Z",
        "3 2026-01-01T12:00:00Z",
        "4 2026-01-01T13:00:00Z",
    ];
    assert_eq!(events_of(text, &[]), expected);
    let milliseconds = text
        .replace("7261600", "7261600000")
        .replace("7265200", "7265200000");
    assert_eq!(events_of(milliseconds, &["--epoch-unit", "ms"]), expected);
}

#[test]
fn case_67_an_array_or_json_over_many_lines_is_named_and_refused() {
    let array = "IN-08 looks like a JSON array, not NDJSON; use jq -c '.[]'";
    let objects: Vec<&str> = CLEAN.lines().collect();
    for text in [
        format!("[{}]", objects.join(",")),
        format!("[\n{}\n]\n", objects.join(",\n")),
        format!("\n \u{20}[ {},\n{}]", objects[0], objects[1]),
        "[]".to_owned(),
        "[1,2,\n".to_owned(),
        format!("[{}", format!("{},", objects[0]).repeat(10_000)),
    ] {
        assert_eq!(refusal_of(&text, &[], 4), array);
    }
    let pretty = CLEAN
        .replace('{', "{\n  ")
        .replace(",\"", ",\n  \"")
        .replace('}', "\n}");
    assert_eq!(
        refusal_of(pretty, &[], 4),
        "IN-08 looks like JSON over many lines, not NDJSON; use jq -c ."
    );
    // By its first bytes alone, whatever its name.
    let scratch = Scratch::new();
    scratch.file("posts.log", format!("[{}]", objects.join(",")));
    let outcome = sessions(&scratch, &["posts.log"]).run().expect_failure(4);
    outcome.expect_stderr("looks like a JSON array");
    // A line that is an array, or cut, among lines that are objects is only a bad line.
    let (events, rejects) = with_rejects(format!("[1]\n{CLEAN}"), &[]);
    assert_eq!((events, rejects), (3, vec!["1 0 IN-26".to_owned()]));
    let (events, rejects) = with_rejects(format!("{{\"user_id\":\n{CLEAN}"), &[]);
    assert_eq!((events, rejects), (3, vec!["1 0 IN-26".to_owned()]));
    assert_eq!(
        refusal_of("user_id,created_at\nada,2026-01-01T10:00:00Z\n", &[], 4),
        "IN-08 is not NDJSON: line 1 is no JSON object (line is not JSON: expected value at byte 0 of the line)"
    );
}

#[test]
fn case_67_a_header_that_begins_with_a_bracket_is_csv() {
    let scratch = Scratch::new();
    let rows = "ada,2026-01-01T10:00:00Z\n";
    scratch.file("brackets.txt", format!("[user],[at]\n{rows}"));
    scratch.file("braces.txt", format!("{{user}},{{at}}\n{rows}"));
    for (file, user, time) in [
        ("brackets.txt", "[user]", "[at]"),
        ("braces.txt", "{user}", "{at}"),
    ] {
        let args = [file, "--user-column", user, "--time-column", time];
        let outcome = sessions(&scratch, &args).run().expect_ok();
        assert_eq!(read_back(&outcome).0, ["ada 2026-01-01T10:00:00Z"]);
    }
    let args = ["brackets.txt", "--input-format", "ndjson"];
    let outcome = sessions(&scratch, &args).run().expect_failure(4);
    outcome.expect_stderr("looks like a JSON array, not NDJSON");
}

#[test]
fn case_68_a_cut_last_line_is_a_reject() {
    let start = CLEAN.trim_end().rfind('\n').expect("there are lines") + 1;
    let end = CLEAN.len() - 1;
    for cut in start + 1..end {
        let (events, rejects) = with_rejects(&CLEAN[..cut], &[]);
        assert_eq!(
            (events, rejects),
            (2, vec![format!("3 {start} IN-26")]),
            "{cut}"
        );
        if cut > start + 3 && cut < end - 3 {
            continue;
        }
        let (events, rejects) = with_rejects(&CLEAN[..cut], &["--follow-safe"]);
        assert_eq!((events, rejects), (2, vec![]), "{cut}");
    }
}

#[test]
fn case_68_a_first_line_that_is_still_being_written_is_no_row_yet() {
    let scratch = Scratch::new();
    for text in [
        "{\"user",
        "\n{\"user_id\":1,\"created_at\":\"2026-01-01T10:00:00Z\"}",
    ] {
        scratch.file("posts.ndjson", text);
        let outcome = sessions(&scratch, &["posts.ndjson", "--follow-safe"]).run();
        assert_eq!(read_back(&outcome.expect_ok()).1, [0; 4]);
    }
}

#[test]
fn case_68_a_last_line_without_an_end_is_left_for_the_next_run_when_asked() {
    // Even when it looks whole: a number may go on.
    let csv = "user_id,created_at\nada,2026-01-01T10:00:00Z\nbob,2026-01-01T11:00:00Z\n7,2026-01-01T12:00:00Z";
    for (name, text) in [("posts.ndjson", CLEAN.trim_end()), ("posts.csv", csv)] {
        let last = text.lines().last().expect("there are lines").len();
        let scratch = Scratch::new();
        scratch.file(name, text);
        let note =
            format!("the last line has no end yet; its {last} bytes are left for the next run");
        for size in ["1048576", "16", "1"] {
            let outcome = sessions(&scratch, &[name, "--follow-safe"])
                .env("SESSIONIZE_BLOCK", size)
                .loud()
                .run()
                .expect_stderr(&note);
            assert_eq!(read_back(&outcome).0, [CLEAN_EVENTS[0], CLEAN_EVENTS[2]]);
        }
        let by_environment = sessions(&scratch, &[name]).env("SESSIONIZE_FOLLOW_SAFE", "yes");
        assert_eq!(read_back(&by_environment.run().expect_ok()).1[1], 2);
        let by_pipe = match name {
            "posts.csv" => vec!["-", "--follow-safe"],
            _ => vec!["-", "--follow-safe", "--input-format", "ndjson"],
        };
        let piped = sessions(&scratch, &by_pipe).stdin(text.as_bytes()).run();
        assert_eq!(read_back(&piped.expect_ok()).1[1], 2);
        scratch.file(
            "sessionize.toml",
            format!("follow_safe = true\n[[source]]\npath = \"{name}\"\n"),
        );
        assert_eq!(
            read_back(&sessions(&scratch, &[]).run().expect_ok()).1[1],
            2
        );
        let whole = sessions(&scratch, &["--follow-safe=no"]).run();
        assert_eq!(read_back(&whole.expect_ok()).1[1], 3);
        scratch.file(name, format!("{text}\n"));
        assert_eq!(
            read_back(&sessions(&scratch, &[]).run().expect_ok()).1[1],
            3
        );
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory takes everything");
    packer.finish().expect("memory takes everything")
}

#[test]
fn ndjson_is_told_by_its_first_bytes_by_its_name_and_by_what_is_said() {
    let scratch = Scratch::new();
    let packed = gzip(CLEAN.as_bytes());
    let zstd = zstd::encode_all(CLEAN.as_bytes(), 1).expect("it can be packed");
    scratch.file("plain.log", CLEAN);
    scratch.file(
        "spaced.log",
        format!("\u{feff} \n{}", CLEAN.replace("{\"", "{ \"")),
    );
    scratch.file("packed.log", &packed);
    scratch.file("zstd.jsonl.zst", &zstd);
    scratch.file("zstd.bin", &zstd);
    scratch.file("packed.json.gz", &packed);
    let text = |name: &str| read_back(&sessions(&scratch, &[name]).run().expect_ok()).0;
    for name in [
        "plain.log",
        "spaced.log",
        "packed.log",
        "zstd.jsonl.zst",
        "zstd.bin",
        "packed.json.gz",
    ] {
        assert_eq!(text(name), CLEAN_EVENTS, "{name}");
    }
    for bytes in [CLEAN.as_bytes().to_vec(), packed, zstd] {
        for more in [vec!["-"], vec!["-", "--input-format", "ndjson"]] {
            let outcome = sessions(&scratch, &more)
                .stdin(bytes.clone())
                .run()
                .expect_ok();
            assert_eq!(read_back(&outcome).0, CLEAN_EVENTS);
            assert!(
                outcome.stdout().contains("\"kind\":\"ndjson\""),
                "{outcome:?}"
            );
        }
    }
    let config = "[[source]]\npath = \"plain.log\"\nformat = \"ndjson\"\n";
    scratch.file("sessionize.toml", config);
    assert_eq!(
        read_back(&sessions(&scratch, &[]).run().expect_ok()).0,
        CLEAN_EVENTS
    );
    let fifo = scratch.fifo("pipe");
    let writer = std::thread::spawn(move || std::fs::write(fifo, CLEAN));
    assert_eq!(text("pipe"), CLEAN_EVENTS);
    writer.join().expect("it ends").expect("it is written");
}

#[test]
fn files_of_a_glob_are_one_source_with_places_of_their_own() {
    let scratch = Scratch::new();
    let lines: Vec<&str> = CLEAN.lines().collect();
    scratch.file("log-1.ndjson", format!("{}\n{}\n", lines[0], lines[1]));
    scratch.file("log-2.ndjson", format!("\n{}\nbad\n", lines[2]));
    let args = ["log-*.ndjson", "--max-rejects", "1", "--rejects", "r.csv"];
    let outcome = sessions(&scratch, &args).run().expect_ok();
    assert_eq!(read_back(&outcome).0, CLEAN_EVENTS);
    let rejects = scratch.text("r.csv");
    let second = rejects.lines().nth(1).expect("there is one");
    assert!(second.starts_with("log,log-2.ndjson,3,70,"), "{second}");
}

#[test]
fn known_names_are_found_among_the_keys_of_the_first_lines() {
    // The likelier name appears in a later line.
    let text = r#"{"kind":"x","email":"e","ts":"2026-01-01T09:00:00Z"}
{"user_id":"ada","email":"e","created_at":"2026-01-01T10:00:00Z","ts":"2026-01-01T09:00:00Z"}
"#;
    let scratch = Scratch::new();
    scratch.file("posts.ndjson", text);
    let args = ["posts.ndjson", "--max-rejects", "1"];
    let outcome = sessions(&scratch, &args).loud().run();
    let outcome = outcome.expect_stderr(
        "source \"posts\" (ndjson, posts.ndjson): user is column \"user_id\", time is column \"created_at\"",
    );
    assert_eq!(read_back(&outcome).0, ["ada 2026-01-01T10:00:00Z"]);
    // Deeper keys are no columns unless they are asked for.
    let nested = r#"{"actor":{"user_id":"ada"},"at":"2026-01-01T10:00:00Z"}"#;
    assert!(refusal_of(nested, &[], 4).starts_with("IN-03 no user column: "));
    let args = ["--user-column", "actor.user_id"];
    assert_eq!(events_of(nested, &args), ["ada 2026-01-01T10:00:00Z"]);
    // However the file is cut.
    let late = format!(
        "{}{CLEAN}",
        "{\"email\":\"e\",\"at\":\"2026-01-01T09:00:00Z\"}\n".repeat(99)
    );
    let early = format!(
        "{}{CLEAN}",
        "{\"email\":\"e\",\"at\":\"2026-01-01T09:00:00Z\"}\n".repeat(100)
    );
    for size in ["1048576", "100", "1"] {
        for (text, events) in [(&late, 3), (&early, 100)] {
            scratch.file("posts.ndjson", text);
            let args = ["posts.ndjson", "--max-rejects", "100%", "--timeout", "1s"];
            let outcome = sessions(&scratch, &args)
                .env("SESSIONIZE_BLOCK", size)
                .run()
                .expect_ok();
            let json: serde_json::Value =
                serde_json::from_str(&outcome.stdout()).expect("it is JSON");
            assert_eq!(json["run"]["rows"]["events"], events, "{size}");
        }
    }
}

#[test]
fn a_path_with_dots_leads_into_objects_and_a_key_with_dots_wins() {
    let at = "\"at\":\"2026-01-01T10:00:00Z\"";
    let user = |object: &str| {
        let text = format!("{{{object},{at}}}\n");
        let events = events_of(text, &["--user-column", "actor.login.id"]);
        events[0]
            .split(' ')
            .next()
            .expect("there is a user")
            .to_owned()
    };
    assert_eq!(user(r#""actor":{"login":{"id":7}}"#), "7");
    assert_eq!(
        user(r#""actor.login.id":1,"actor":{"login":{"id":7}}"#),
        "1"
    );
    assert_eq!(
        user(r#""actor":{"login":{"id":7}},"actor.login.id":1"#),
        "1"
    );
    assert_eq!(user(r#""actor":{"login":{"id":7},"login.id":2}"#), "2");
    assert_eq!(
        user(r#""actor":{"login":{"id":7}},"actor.login":{"id":3}"#),
        "3"
    );
    assert_eq!(user(r#""actor":{"login":{"id":7}},"actor.login":5"#), "7");
    assert_eq!(user(r#""\u0061ctor":{"login" : {"id" : "a\tb"}}"#), "a\tb");
    let text = format!(
        "{{\"actor\":{{\"id\":1,\"id\":2}},{at}}}\n{{\"actor\":1,{at}}}\n{{\"actor\":{{\"id\":3}},{at}}}\n"
    );
    let (events, rejects) = with_rejects(text, &["--user-column", "actor.id"]);
    assert_eq!((events, rejects.len()), (1, 2));
    assert!(
        rejects[0].ends_with("IN-27") && rejects[1].ends_with("IN-23"),
        "{rejects:?}"
    );
}

#[test]
fn a_key_can_name_the_source_and_two_keys_the_time() {
    let text = r#"{"user_id":1,"day":"2026-01-01","hour":"10:00","kind":"login"}
{"user_id":1,"day":"2026-01-01","hour":"10:05","kind":"post"}
{"user_id":1,"day":"2026-01-01","hour":null,"kind":"post"}
{"user_id":1,"day":"2026-01-01","hour":"10:07","kind":true}
{"user_id":1,"day":"2026-01-01","hour":"10:07"}
"#;
    let scratch = Scratch::new();
    scratch.file("log.ndjson", text);
    let args = [
        "log.ndjson",
        "--source-column",
        "kind",
        "--time-column",
        "day",
        "--time-column",
        "hour",
        "--time-format",
        "%Y-%m-%d %H:%M",
        "--source-timezone",
        "UTC",
        "--max-rejects",
        "5",
        "--rejects",
        "r.csv",
    ];
    let outcome = sessions(&scratch, &args).run().expect_ok();
    assert!(
        outcome
            .stdout()
            .contains("\"sources\":{\"login\":1,\"post\":1}"),
        "{outcome:?}"
    );
    let kinds: Vec<String> = scratch
        .text("r.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').skip(5).take(1).collect())
        .collect();
    assert_eq!(kinds, ["TM-09", "IN-13", "IN-25"]);
}

#[test]
fn a_line_over_the_limit_ends_the_run_in_blocks_of_any_size() {
    let longest = CLEAN.lines().map(str::len).max().expect("there are lines");
    let scratch = Scratch::new();
    for text in [CLEAN.to_owned(), CLEAN.replace('\n', "\r\n")] {
        scratch.file("posts.ndjson", text);
        for size in ["1048576", "16", "1"] {
            let limit = longest.to_string();
            let args = ["posts.ndjson", "--max-field", &limit];
            let run = sessions(&scratch, &args)
                .env("SESSIONIZE_BLOCK", size)
                .run();
            assert_eq!(read_back(&run.expect_ok()).0, CLEAN_EVENTS);
            let limit = (longest - 1).to_string();
            let args = ["posts.ndjson", "--max-field", &limit];
            let run = sessions(&scratch, &args)
                .env("SESSIONIZE_BLOCK", size)
                .run();
            run.expect_failure(9)
                .expect_stderr("line 2: field over 68 bytes");
        }
    }
    // Without an end, within bounded memory.
    let limit = ["posts.ndjson", "--max-field", "1MiB"];
    scratch.file(
        "posts.ndjson",
        [b"{\"a\":\"".to_vec(), vec![b'x'; 20 << 20]].concat(),
    );
    let run = sessions(&scratch, &limit).run().expect_failure(9);
    run.expect_stderr("line 1: field over 1 MiB");
}

/// What a reading gave: events, counts or a failure, and rejects as line, byte, kind.
#[derive(Debug)]
struct Taken {
    result: Result<(u64, u64), Failure>,
    events: Vec<(String, i64)>,
    rejects: Vec<(u64, u64, &'static str)>,
}

fn take(path: &Path, block: usize) -> Taken {
    let input = Input {
        name: Some("posts".to_owned()),
        typed: path.to_string_lossy().into_owned(),
        address: None,
        folder: Default::default(),
        format: Some(InputFormat::Ndjson),
        role: None,
        roles: BTreeMap::new(),
        drop_duplicates: false,
        columns: AskedColumns {
            user: Some("u".to_owned()),
            time: vec!["t".to_owned()],
            ..AskedColumns::default()
        },
        delimiter: None,
        dialect: Dialect::default(),
        table: None,
        filter: None,
        query: None,
        terms: Terms {
            time: TimeSpec::default(),
            null_words: Vec::new(),
            anonymous: Anonymous::Reject,
            latin1: false,
            filter: Arc::new(UserFilter::default()),
        },
    };
    let options = Options {
        budget: Budget::Share(1.0),
        connect_timeout: Options::CONNECT_TIMEOUT,
        statement_timeout: Options::STATEMENT_TIMEOUT,
        window: Window::default(),
        keep_going: false,
        allow_empty: true,
        limits: Limits {
            block,
            ..Limits::default()
        },
    };
    let events = Mutex::new(Vec::new());
    let mut sinks: Vec<Sink<'_>> = (0..2)
        .map(|_| {
            Box::new(|batch: &Batch| {
                let rows = batch
                    .iter()
                    .map(|(at, user, _)| (user.to_user().to_string(), at));
                events.lock().expect("no test panics here").extend(rows);
            }) as Sink<'_>
        })
        .collect();
    let mut placed = Vec::new();
    let result = import::read(
        &[input],
        &options,
        &Meter::default(),
        &mut sinks,
        &mut placed,
    );
    drop(sinks);
    let mut events = events.into_inner().expect("no test panics here");
    events.sort();
    let result = result.map(|imported| {
        let records = &imported.records;
        (
            records.iter().map(|record| record.counts.read).sum(),
            records.iter().map(|record| record.counts.rejected).sum(),
        )
    });
    let rejects = placed.into_iter().map(|placed| {
        let reject = placed.reject;
        let line = reject.line;
        (line, reject.byte, reject.kind.id)
    });
    Taken {
        result,
        events,
        rejects: rejects.collect(),
    }
}

/// The event of a line, by building its whole value.
fn naive(line: &[u8]) -> Option<(String, i64)> {
    let line = String::from_utf8_lossy(line);
    let value: serde_json::Value = serde_json::from_str(&line).ok()?;
    let object = value.as_object()?;
    if object.keys().any(|key| key.contains('\u{fffd}')) {
        return None;
    }
    let user = match object.get("u")? {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    let time = object.get("t")?.as_str()?;
    let usable = !user.is_empty() && !user.contains(['\0', '\u{fffd}']);
    let at = TimeParser::new(&TimeSpec::default()).text(time.as_bytes(), 0);
    usable.then_some((user, at.ok()?))
}

/// Checks the counts, and gives whether the file was read.
fn check_counts(taken: &Taken, text: &[u8]) -> bool {
    match &taken.result {
        Err(failure) => {
            assert!(
                matches!(failure.id.family, Family::Input | Family::Time),
                "{failure:?}"
            );
            false
        }
        Ok((read, rejected)) => {
            assert_eq!(*read, *rejected + taken.events.len() as u64);
            assert_eq!(*read, places(text).len() as u64);
            assert_eq!(*rejected, taken.rejects.len() as u64);
            true
        }
    }
}

const GOOD: [&str; 5] = [
    r#"{"u":"ada","t":"2026-01-01T10:00:00Z","n":[1,{"u":2}]}"#,
    r#"{"t":"2026-01-01 10:00:01+01:00","u":123456789}"#,
    r#" { "x" : null , "u" : "re\u006ee" , "t" : "2026-01-01T10:00:02.5Z" } "#,
    r#"{"u":-5,"t":"2026-01-01T10:00:03Z","v":true,"w":{"a":"b\"c"}}"#,
    "",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn case_195_mutated_lines_are_read_as_another_reader_reads_them(
        lines in prop::collection::vec(0..GOOD.len(), 1..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6),
        block in prop::sample::select(vec![1, 3, 17, 64, 1 << 20]),
    ) {
        let lines: Vec<&str> = lines.into_iter().map(|index| GOOD[index]).collect();
        let mut text = lines.join("\n").into_bytes();
        for (place, byte, how) in changes {
            if text.is_empty() {
                break;
            }
            let at = place.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => drop(text.remove(at)),
                _ => text.insert(at, br#""{}[]:,\ 0u"#[usize::from(byte) % 11]),
            }
        }
        let scratch = Scratch::new();
        let path = scratch.file("posts.ndjson", &text);
        let whole = take(&path, Limits::BLOCK);
        let cut = take(&path, block);
        prop_assert_eq!(&whole.events, &cut.events);
        prop_assert_eq!(&whole.rejects, &cut.rejects);
        // Where no line has the key, one like it (" u", "U") is taken for the column.
        let has_key = |key: &str| {
            text.split(|&byte| byte == b'\n').any(|line| {
                let value = serde_json::from_slice::<serde_json::Value>(line);
                value.is_ok_and(|value| value.get(key).is_some())
            })
        };
        if check_counts(&whole, &text) && has_key("u") && has_key("t") {
            let refused: BTreeMap<u64, (u64, &str)> = whole
                .rejects
                .iter()
                .map(|&(line, byte, kind)| (line, (byte, kind)))
                .collect();
            let mut expected = Vec::new();
            let bytes: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
            for (number, byte) in places(&text) {
                let line = bytes[number as usize - 1];
                let event = naive(line);
                match refused.get(&number) {
                    Some((at, kind)) => {
                        prop_assert_eq!(*at, byte);
                        // The other reader takes the last of equal keys.
                        prop_assert!(event.is_none() || *kind == "IN-27", "{number}: {event:?}");
                    }
                    None => {
                        prop_assert!(event.is_some(), "line {number} was taken: {text:?}");
                        expected.extend(event);
                    }
                }
            }
            expected.sort();
            prop_assert_eq!(expected, whole.events);
        }
    }

    #[test]
    fn case_195_random_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        lines in prop::collection::vec("[\\[\\]{}\":,0-9eE.+ut \\\\-]{0,40}", 0..10),
    ) {
        let scratch = Scratch::new();
        for text in [bytes, lines.join("\n").into_bytes()] {
            let path = scratch.file("posts.ndjson", &text);
            let whole = take(&path, Limits::BLOCK);
            check_counts(&whole, &text);
            let cut = take(&path, 5);
            prop_assert_eq!(whole.rejects, cut.rejects);
        }
    }
}
