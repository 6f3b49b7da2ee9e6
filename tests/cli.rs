//! The command line from outside: help, usage errors, streams, colour, time zones, and the rules
//! that the code keeps about itself. Cases 1, 2, 4, 5, 10, 14, 16, 178 and 196.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sessionize::time::duration::Timeout;

use crate::harness::{Call, Outcome, Scratch};

/// Ada has two events ten minutes apart and one an hour later, Bob one.
const POSTS: &str = "user_id,created_at\n\
    ada,2026-03-02T09:00:00Z\n\
    ada,2026-03-02T09:10:00Z\n\
    ada,2026-03-02T10:10:00Z\n\
    bob,2026-03-03T12:00:00Z\n";

const FORMATS: [&str; 5] = ["table", "csv", "json", "ndjson", "markdown"];

/// Each command, with what it needs to know.
const COMMANDS: [&[&str]; 3] = [
    &["report", "posts.csv"],
    &["sessions", "posts.csv"],
    &["explain", "ada", "posts.csv"],
];

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("posts.csv", POSTS);
    scratch
}

fn at_now<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--now", "2026-04-01T00:00:00Z"]].concat()
}

/// How many rows `sessions` prints.
fn session_count(call: Call) -> usize {
    call.args(["--format", "csv"])
        .run()
        .expect_ok()
        .stdout()
        .lines()
        .count()
        - 1
}

/// The last line on standard error, read as JSON.
#[track_caller]
fn last_line(outcome: &Outcome) -> Value {
    let stderr = outcome.stderr();
    let line = stderr.lines().last().unwrap_or_default();
    let value: Value =
        serde_json::from_str(line).unwrap_or_else(|cause| panic!("{cause}: {outcome:?}"));
    let keys: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let mut documented = [
        "type", "code", "id", "source", "line", "byte", "message", "kept", "help",
    ];
    documented.sort_unstable();
    let mut found = keys;
    found.sort_unstable();
    assert_eq!(found, documented, "{outcome:?}");
    assert_eq!(value["type"], "exit_error");
    assert_eq!(value["code"], outcome.code().expect("it ended by itself"));
    value
}

#[test]
fn without_an_input_the_hint_shows_an_example_and_nothing_is_printed() {
    let outcome = Scratch::new()
        .run::<&str>([])
        .expect_failure(2)
        .expect_stderr("error[CF-03]: nothing to read: no input, and no sessionize.toml here")
        .expect_stderr("sessionize posts.csv --timeout 30m")
        .expect_stderr("sessionize --help");
    assert!(outcome.stdout.is_empty());
}

#[test]
fn an_unknown_flag_is_refused_with_the_nearest_known_one() {
    for (flag, hint) in [
        ("--timeuot", "a similar argument exists: '--timeout'"),
        ("--max-reject", "a similar argument exists: '--max-rejects'"),
        ("--zzz", "unexpected argument '--zzz' found"),
    ] {
        let outcome = scratch()
            .run(["posts.csv", flag, "3"])
            .expect_failure(2)
            .expect_stderr("error[CF-01]: unexpected argument")
            .expect_stderr(hint);
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
}

#[test]
fn a_usage_error_beside_an_argument_that_is_not_utf_8_is_a_usage_error() {
    let scratch = scratch();
    let odd = std::ffi::OsString::from_vec(b"\xff\xfe.csv".to_vec());
    scratch
        .sessionize(["--nope"])
        .arg(odd.clone())
        .run()
        .expect_failure(2)
        .expect_stderr("[CF-01]");
    scratch
        .sessionize::<&str>([])
        .arg(odd)
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-01]: the name of input \"\\xff\\xfe.csv\" is not UTF-8");
}

#[test]
fn help_and_version_do_not_read_a_broken_configuration() {
    let scratch = scratch();
    scratch.file("sessionize.toml", "this is [no TOML");
    for args in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["-V"],
        &["report", "--help"],
        &["sessions", "--help"],
        &["explain", "--help"],
        &["--config", "sessionize.toml", "--help"],
    ] {
        let outcome = scratch.run(args).expect_ok();
        assert!(!outcome.stdout.is_empty(), "{outcome:?}");
    }
    let version = scratch.run(["--version"]).expect_ok().stdout();
    assert_eq!(
        version,
        format!("sessionize {}\n", env!("CARGO_PKG_VERSION"))
    );
    scratch.run(["posts.csv"]).expect_failure(2);
}

#[test]
fn help_that_cannot_be_written_is_an_error() {
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("every Linux has it");
    Scratch::new()
        .sessionize(["--help"])
        .stdout_to(full)
        .run()
        .expect_failure(6)
        .expect_stderr("error[OUT-01]: cannot write to standard output: No space left on device");
}

#[test]
fn help_fits_a_page_of_eighty_columns() {
    for args in [
        &["--help"][..],
        &["-h"],
        &["report", "--help"],
        &["sessions", "--help"],
        &["explain", "--help"],
        &["threshold", "--help"],
        &["discover", "--help"],
    ] {
        let help = Scratch::new()
            .sessionize(args)
            .env("COLUMNS", "80")
            .run()
            .expect_ok()
            .stdout();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{args:?}: {line}");
        }
        // No example is broken in two.
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        for line in examples.take_while(|line| !line.is_empty()) {
            assert!(line.starts_with("  sessionize "), "{args:?}: {line}");
        }
    }
}

#[test]
fn the_help_names_the_defaults_that_the_program_has() {
    let help = Scratch::new().run(["--help"]).expect_ok().stdout();
    let timeout = format!("stays inside a session [default: {}]", Timeout::DEFAULT);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&timeout), "{help}");
    assert!(help.contains("Years in which numeric times must lie [default: 2000..2100]"));
    assert!(help.contains("The longest field, such as 64MiB [default: 16MiB]"));
}

#[test]
fn every_flag_that_the_manual_of_errors_names_is_there() {
    let manual = include_str!("../docs/errors.md");
    let scratch = Scratch::new();
    let help = scratch.run(["--help"]).expect_ok().stdout()
        + &scratch.run(["tracked", "--help"]).expect_ok().stdout();
    let is_flag =
        |letter: char| letter.is_ascii_lowercase() || letter == '-' || letter.is_ascii_digit();
    let mut flags = 0;
    for (at, _) in manual.match_indices("--") {
        let text = &manual[at..];
        let flag = &text[..text.find(|letter| !is_flag(letter)).unwrap_or(text.len())];
        // Rules of tables are dashes alone.
        if flag.trim_matches('-').is_empty() || manual[..at].ends_with('-') {
            continue;
        }
        flags += 1;
        let is_there = [" ", "\n", "[", "`"]
            .iter()
            .any(|end| help.contains(&format!("{flag}{end}")));
        assert!(is_there, "{flag}");
    }
    assert!(flags > 15, "only {flags} flags were found");
}

/// The lines of help that begin with the program's name, each without the remark after it.
fn examples(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Examples:")
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  sessionize "))
        .map(|line| {
            let line = line.trim_start();
            line.split("  ").next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn every_example_of_the_help_works() {
    let mut ran = 0;
    for command in ["", "report", "sessions", "explain", "discover"] {
        let args = command.split_whitespace().chain(["--help"]);
        let nothing = Scratch::new();
        let call = nothing.sessionize(args).env("COLUMNS", "100");
        let help = call.run().expect_ok().stdout();
        let examples = examples(&help);
        assert!(examples.len() >= 3, "{command}: {help}");
        for example in examples {
            let scratch = example_folder();
            if command == "discover" {
                fs::remove_file(scratch.path("sessionize.toml")).expect("it is there");
            }
            let (example, reader) = match example.split_once(" | ") {
                Some((example, reader)) => (example.to_owned(), Some(reader)),
                None => (example, None),
            };
            assert!(reader.is_none_or(|reader| reader == "head"));
            let args = example.split_whitespace().skip(1);
            scratch.sessionize(args).run().expect_ok();
            ran += 1;
        }
    }
    assert!(ran >= 12, "only {ran} examples were found");
}

/// What the examples name: files, a database, a configuration, all with user 42 and Ada.
fn example_folder() -> Scratch {
    let scratch = Scratch::new();
    let rows = "user_id,created_at\n42,2026-05-30T09:00:00Z\n42,2026-05-30T09:20:00Z\n\
        ada@example.org,2026-05-30T09:20:00Z\n";
    for name in ["posts.csv", "comments.csv", "logins.csv"] {
        scratch.file(name, rows);
    }
    let plain = scratch.path("comments.csv");
    let packed = crate::harness::tool("gzip", "gzip", [Path::new("-k"), &plain]);
    assert!(packed.is_empty());
    let sql = "CREATE TABLE posts (id INTEGER, user_id INTEGER, created_at TEXT);\
        INSERT INTO posts VALUES (1, 42, '2026-05-30 09:30:00');\
        CREATE TABLE UserSessions (user_id INTEGER, started_at TEXT, ended_at TEXT);\
        INSERT INTO UserSessions VALUES (42, '2026-05-30 09:00:00', '2026-05-30 10:00:00');";
    let database = scratch.path("app.db");
    let args = [database.as_os_str(), sql.as_ref()];
    crate::harness::tool("sqlite3", "sqlite3", args);
    scratch.file("sessionize.toml", "[[source]]\npath = \"posts.csv\"\n");
    scratch
}

/// Timeouts that are none: without a unit, of zero, of an unknown unit, out of range.
const NO_TIMEOUTS: [&str; 13] = [
    "0",
    "-5m",
    "30",
    "30x",
    "1e30h",
    "0s",
    "999ms",
    "3651d",
    "9223372036854775807s",
    "99999999999999999999d",
    "m",
    "half an hour",
    "1mo",
];

#[test]
fn every_timeout_that_is_none_is_refused_wherever_it_is_said() {
    const EXPECTED: &str = "timeout must be between 1s and 3650d, with a unit (for example 30m)";
    for text in NO_TIMEOUTS {
        let scratch = scratch();
        let by_flag = scratch.run(["posts.csv".to_owned(), format!("--timeout={text}")]);
        let place = format!("error[CF-01]: --timeout \"{text}\": {EXPECTED}");
        by_flag.expect_failure(2).expect_stderr(&place);
        let call = scratch.sessionize(["posts.csv"]);
        let by_environment = call.env("SESSIONIZE_TIMEOUT", text).run();
        by_environment.expect_failure(2).expect_stderr(&place);
        scratch.file("sessionize.toml", format!("\ntimeout = \"{text}\"\n"));
        let by_configuration = scratch.run(["posts.csv"]);
        let place = format!("error[CF-02]: sessionize.toml:2:11: \"{text}\": {EXPECTED}");
        by_configuration.expect_failure(2).expect_stderr(&place);
    }
}

#[test]
fn the_shortest_and_the_longest_timeout_are_taken() {
    for text in ["1s", "3650d", "1h 30m", "90s"] {
        scratch().run(["posts.csv", "--timeout", text]).expect_ok();
    }
}

/// Fails unless `text` is whole in its format.
#[track_caller]
fn assert_parses(format: &str, text: &str) {
    assert!(!text.is_empty(), "{format}");
    match format {
        "json" => drop(serde_json::from_str::<Value>(text).expect("it is JSON")),
        "ndjson" => {
            for line in text.lines() {
                serde_json::from_str::<Value>(line).expect("each line is JSON");
            }
        }
        "csv" => {
            let rows = csv::Reader::from_reader(text.as_bytes())
                .into_records()
                .count();
            assert!(rows > 0);
            for row in csv::Reader::from_reader(text.as_bytes()).into_records() {
                row.expect("each row has as many cells as the header");
            }
        }
        "markdown" => {
            let mut width = None;
            for line in text.lines() {
                if !line.starts_with('|') {
                    width = None;
                    continue;
                }
                let cells = line.replace("\\|", "").matches('|').count();
                assert_eq!(*width.get_or_insert(cells), cells, "{line}");
            }
            assert!(text.contains("| --"), "{text}");
        }
        _ => assert!(
            !text.contains("note:") && !text.contains("sessionize: ok"),
            "{text}"
        ),
    }
}

#[test]
fn standard_output_is_the_report_alone_in_every_command_and_format() {
    let scratch = scratch();
    for command in COMMANDS {
        for format in FORMATS {
            let call = || {
                scratch
                    .sessionize(at_now(command))
                    .args(["--format", format])
            };
            let quiet = call().run().expect_ok();
            assert_parses(format, &quiet.stdout());
            let loud = call().loud().run();
            assert_eq!(loud.code(), Some(0), "{loud:?}");
            assert_eq!(loud.stdout, quiet.stdout, "{loud:?}");
            assert!(loud.stderr().lines().last().is_some_and(|line| {
                line.starts_with("sessionize: ok: 1 source, 4 rows = ")
                    && line.contains("; report written in ")
            }));
        }
    }
}

#[test]
fn a_row_format_on_standard_output_has_its_record_as_one_line_on_standard_error() {
    let scratch = scratch();
    for command in COMMANDS {
        for (format, has_line) in [("csv", true), ("ndjson", true), ("json", false)] {
            let call = scratch
                .sessionize(at_now(command))
                .args(["--format", format]);
            let said = call.loud().run().stderr();
            let records: Vec<&str> = said.lines().filter(|line| line.starts_with('{')).collect();
            assert_eq!(records.len(), usize::from(has_line), "{said}");
            for record in records {
                let record: Value = serde_json::from_str(record).expect("the record is JSON");
                assert_eq!(record["complete"], true);
            }
        }
    }
}

/// The program in a terminal, by `script`; everything the terminal saw.
fn in_terminal(scratch: &Scratch, args: &[&str], env: &[(&str, &str)]) -> String {
    let around = ["sh", "-c", "exec script -qec \"$*\" /dev/null", "sh"];
    let mut call = scratch
        .sessionize(args)
        .under(around)
        .env("NO_COLOR", "")
        .env("TERM", "xterm");
    for (name, value) in env {
        call = call.env(*name, *value);
    }
    let outcome = call.run();
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    outcome.stdout()
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let scratch = scratch();
    let args = at_now(&["posts.csv"]);
    let colour = "\u{1b}[";
    assert!(in_terminal(&scratch, &args, &[]).contains(colour));
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let seen = in_terminal(&scratch, &args, &[env]);
        assert!(!seen.contains('\u{1b}'), "{env:?}: {seen:?}");
    }
    let never = [&args[..], &["--color", "never"]].concat();
    assert!(!in_terminal(&scratch, &never, &[]).contains('\u{1b}'));
    let to_file = [&args[..], &["-o", "report.txt"]].concat();
    assert!(!in_terminal(&scratch, &to_file, &[]).contains('\u{1b}'));
    assert!(!scratch.text("report.txt").contains('\u{1b}'));
    for command in COMMANDS {
        for format in FORMATS {
            let call = scratch
                .sessionize(at_now(command))
                .args(["--format", format]);
            let piped = call
                .env("NO_COLOR", "")
                .env("TERM", "xterm")
                .run()
                .expect_ok();
            assert!(!piped.stdout.contains(&0x1b), "{piped:?}");
        }
    }
    let always = [&args[..], &["--color", "always"]].concat();
    assert!(scratch.run(always).expect_ok().stdout().contains(colour));
}

#[test]
fn a_narrow_page_and_one_without_width_are_written() {
    let scratch = scratch();
    for columns in ["20", "1", "0", "99999999999999999999", "-3", "wide", ""] {
        for command in COMMANDS {
            let call = scratch.sessionize(at_now(command)).env("COLUMNS", columns);
            let text = call.run().expect_ok().stdout();
            assert!(text.contains("10m"), "{columns}: {text}");
            let is_narrow = columns == "20";
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(!is_narrow || widest <= Some(20), "{columns}: {text}");
        }
        let seen = in_terminal(&scratch, &at_now(&["posts.csv"]), &[("COLUMNS", columns)]);
        assert!(seen.contains("10m"), "{columns}: {seen}");
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn a_bug_says_where_and_nothing_of_the_data_and_leaves_the_old_report() {
    let scratch = Scratch::new();
    let canary = "pw-CANARY-7";
    scratch.file(
        format!("{canary}.csv"),
        format!("user_id,created_at\n{canary},2026-03-02T09:00:00Z\n"),
    );
    scratch.file("report.csv", "old");
    for format in ["text", "json"] {
        let outcome = scratch
            .sessionize(["pw-CANARY-7.csv", "--format", "csv", "-o", "report.csv"])
            .args(["--error-format", format])
            .env("SESSIONIZE_FAIL", "panic-after-import")
            .run()
            .expect_failure(101)
            .expect_stderr("internal error")
            .expect_stderr(env!("CARGO_PKG_VERSION"))
            .expect_stderr("report it");
        assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");
        assert!(outcome.stdout.is_empty());
        match format {
            "json" => assert_eq!(last_line(&outcome)["id"], "BUG"),
            _ => assert!(outcome.stderr().starts_with("error[BUG]: internal error")),
        }
        assert_eq!(scratch.text("report.csv"), "old");
        let mut left = scratch.names();
        left.retain(|name| name != ".report.csv.lock");
        assert_eq!(left, ["pw-CANARY-7.csv", "report.csv"]);
    }
}

#[test]
fn the_time_zone_of_the_machine_changes_nothing() {
    let scratch = scratch();
    for command in COMMANDS {
        for zone in [None, Some("Europe/Berlin")] {
            let outputs = [
                "",
                "UTC",
                "Asia/Kathmandu",
                "America/St_Johns",
                "Pacific/Apia",
                "Foo/Bar",
                ":",
            ]
            .map(|machine| {
                let call = scratch.sessionize(at_now(command)).args(["--by", "day"]);
                let call = match zone {
                    Some(zone) => call.args(["--timezone", zone]),
                    None => call,
                };
                call.env("TZ", machine).run().expect_ok().stdout
            });
            assert!(
                outputs.iter().all(|output| *output == outputs[0]),
                "{command:?}"
            );
        }
    }
}

#[test]
fn a_time_zone_that_is_not_known_is_refused() {
    for (zone, words) in [
        ("Foo/Bar", "unknown time zone \"Foo/Bar\""),
        ("Europe/Berlni", "Europe/Berlin"),
        ("IST", "\"IST\""),
        ("+24:00", "\"+24:00\""),
        ("", "\"\""),
    ] {
        for flag in ["--timezone", "--source-timezone"] {
            scratch()
                .run(["posts.csv".to_owned(), format!("{flag}={zone}")])
                .expect_failure(2)
                .expect_stderr("error[CF-04]: ")
                .expect_stderr(words);
        }
    }
}

#[test]
fn standard_input_is_read_once_and_not_from_a_terminal() {
    let scratch = scratch();
    let piped = scratch
        .sessionize(["sessions", "-", "--format", "csv"])
        .stdin(POSTS)
        .run()
        .expect_ok();
    assert!(piped.stdout().contains(",stdin:2,"), "{piped:?}");
    scratch
        .run(["-", "-"])
        .expect_failure(2)
        .expect_stderr("error[CF-07]: standard input is named twice");
    let around = ["sh", "-c", "exec script -qec \"$*\" /dev/null", "sh"];
    let outcome = scratch.sessionize(["-"]).under(around).run();
    assert_eq!(outcome.code(), Some(2), "{outcome:?}");
    let said = outcome.stdout();
    assert!(
        said.contains("error[CF-07]: waiting for input is off; pipe a file"),
        "{said}"
    );
}

#[test]
fn two_inputs_of_one_name_are_refused_with_the_way_out() {
    let scratch = scratch();
    scratch.file("old/posts.csv", POSTS);
    scratch
        .run(["posts.csv", "old/posts.csv"])
        .expect_failure(2)
        .expect_stderr("error[CF-05]: two sources are named \"posts\": posts.csv and old/posts.csv")
        .expect_stderr("help: name one of them: other=old/posts.csv");
    scratch
        .run(["posts.csv", "older=old/posts.csv"])
        .expect_ok();
    scratch.file("a;b.csv", POSTS);
    scratch
        .run(["a;b.csv"])
        .expect_failure(2)
        .expect_stderr("error[CF-05]: a source cannot be named \"a;b\"");
    scratch.run(["ab=a;b.csv"]).expect_ok();
}

#[test]
fn nothing_is_written_over_what_was_read_or_is_to_be_written() {
    let scratch = scratch();
    scratch.file("sessionize.toml", "timeout = \"30m\"\n");
    scratch.file("users.txt", "ada\n");
    scratch.file("old.csv", "old");
    for (args, words) in [
        (
            &["-o", "posts.csv"][..],
            "the output posts.csv is the same file as the input posts.csv",
        ),
        (
            &["-o", "./sessionize.toml"],
            "is the same file as the input sessionize.toml",
        ),
        (
            &["--users", "users.txt", "-o", "users.txt"],
            "is the same file as the input users.txt",
        ),
        (
            &["--rejects", "./posts.csv"],
            "the rejects file ./posts.csv is the same file as an input",
        ),
        (
            &["--rejects", "sessionize.toml"],
            "is the same file as an input",
        ),
        (
            &["--rejects", "old.csv", "-o", "./old.csv"],
            "is the same file as the report",
        ),
        (
            &["--rejects", "new.csv", "-o", "./new.csv"],
            "is the same file as the report",
        ),
        (
            &["--rejects", "r.csv.run.json", "-o", "r.csv"],
            "is the same file as the report's record",
        ),
    ] {
        scratch
            .sessionize(["posts.csv", "--format", "csv"])
            .args(args.iter().copied())
            .run()
            .expect_failure(2)
            .expect_stderr("error[CF-06]: ")
            .expect_stderr(words);
    }
    assert_eq!(scratch.text("posts.csv"), POSTS);
    assert_eq!(scratch.text("old.csv"), "old");
    assert_eq!(scratch.text("sessionize.toml"), "timeout = \"30m\"\n");
}

#[test]
fn what_is_typed_wins_over_the_environment_and_that_over_the_configuration() {
    // (key, flag, value of the configuration, of the environment, typed, sessions for each)
    let table = [
        ("timeout", "1h", "5m", "15m", [2, 4, 3]),
        ("last", "100d", "1d", "29d", [3, 0, 1]),
        ("from", "2026-03-01", "2026-05-01", "2026-03-03", [3, 0, 1]),
        ("max_length", "2h", "1m", "50m", [3, 4, 3]),
    ];
    for (key, config, environment, typed, [by_config, by_environment, by_flag]) in table {
        let scratch = scratch();
        scratch.file("sessionize.toml", format!("{key} = \"{config}\"\n"));
        let variable = format!("SESSIONIZE_{}", key.to_uppercase());
        let flag = format!("--{}", key.replace('_', "-"));
        let call = || scratch.sessionize(at_now(&["sessions", "posts.csv"]));
        assert_eq!(
            session_count(call()),
            by_config,
            "{key} in the configuration"
        );
        let call_in = || call().env(&variable, environment);
        assert_eq!(session_count(call_in()), by_environment, "{variable}");
        let count = session_count(call_in().args([flag.as_str(), typed]));
        assert_eq!(count, by_flag, "{flag}");
    }
}

#[test]
fn zone_period_now_and_format_obey_the_same_order() {
    let cases = [
        (
            "timezone",
            "Asia/Tokyo",
            "Europe/Berlin",
            "America/New_York",
            "time_zone",
        ),
        ("by", "hour", "day", "month", "by"),
        (
            "now",
            "2026-05-01T00:00:00Z",
            "2026-06-01T00:00:00Z",
            "2026-07-01T00:00:00Z",
            "now",
        ),
    ];
    for (key, config, environment, typed, name) in cases {
        let scratch = scratch();
        scratch.file(
            "sessionize.toml",
            format!("format = \"json\"\n{key} = \"{config}\"\n"),
        );
        let variable = format!("SESSIONIZE_{}", key.to_uppercase());
        let record = |call: Call| {
            let text = call.run().expect_ok().stdout();
            let value: Value = serde_json::from_str(&text).expect("format is json");
            value["run"][name].as_str().expect("it is said").to_owned()
        };
        let call = || scratch.sessionize(["posts.csv"]);
        assert_eq!(record(call()), config);
        assert_eq!(record(call().env(&variable, environment)), environment);
        let flag = format!("--{key}={typed}");
        assert_eq!(record(call().env(&variable, environment).arg(flag)), typed);
    }
}

#[test]
fn the_budget_of_rejects_obeys_the_same_order() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", format!("{POSTS},2026-03-03T12:00:00Z\n"));
    scratch
        .run(["posts.csv"])
        .expect_failure(4)
        .expect_stderr("[IN-23]");
    scratch.file("sessionize.toml", "max_rejects = 1\n");
    scratch.run(["posts.csv"]).expect_ok();
    let strict = || {
        scratch
            .sessionize(["posts.csv"])
            .env("SESSIONIZE_MAX_REJECTS", "0")
    };
    strict().run().expect_failure(4);
    strict().args(["--max-rejects", "20%"]).run().expect_ok();
    strict()
        .args(["--max-rejects", "19%"])
        .run()
        .expect_failure(4);
}

#[test]
fn a_flag_without_a_value_can_be_switched_off_again() {
    let scratch = scratch();
    scratch.file("sessionize.toml", "total = true\n");
    let rows = |call: Call| {
        let call = call.args(["--format", "csv", "--by", "month"]);
        call.run().expect_ok().stdout().lines().count()
    };
    let call = || scratch.sessionize(at_now(&["posts.csv"]));
    assert_eq!(rows(call()), 3, "header, March, total");
    assert_eq!(rows(call().arg("--total=no")), 2);
    assert_eq!(rows(call().env("SESSIONIZE_TOTAL", "0")), 2);
    assert_eq!(rows(call().env("SESSIONIZE_TOTAL", "no").arg("--total")), 3);
    assert_eq!(rows(call().env("SESSIONIZE_TOTAL", "1")), 3);
}

#[test]
fn a_window_that_is_typed_replaces_the_whole_window_of_the_environment() {
    let scratch = scratch();
    let call = || scratch.sessionize(at_now(&["sessions", "posts.csv"]));
    let last = || call().env("SESSIONIZE_LAST", "1d");
    assert_eq!(session_count(last()), 0);
    assert_eq!(session_count(last().args(["--from", "2026-03-01"])), 3);
    let from = || call().env("SESSIONIZE_FROM", "2026-03-03");
    assert_eq!(session_count(from()), 1);
    assert_eq!(session_count(from().args(["--last", "60d"])), 3);
    call()
        .args(["--last", "60d", "--to", "2026-03-01"])
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-01]: '--last' cannot be used with '--from' or '--to'");
    let loud = call().env("SESSIONIZE_QUIET", "yes").arg("-v").loud().run();
    assert_eq!(loud.code(), Some(0), "{loud:?}");
    assert!(
        loud.stderr()
            .contains("note: source \"posts\": 4 rows = 4 events")
    );
    call().arg("-v").run().expect_failure(2);
}

#[test]
fn an_input_without_a_name_and_a_third_time_column_are_refused() {
    let scratch = scratch();
    for input in ["", "posts="] {
        scratch
            .run(["posts.csv", input])
            .expect_failure(2)
            .expect_stderr("error[CF-01]: an input is empty");
    }
    let columns = ["--time-column=a", "--time-column=b", "--time-column=c"];
    scratch
        .sessionize(["posts.csv"])
        .args(columns)
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-01]: --time-column is given 3 times");
    let missing = scratch.run(["explain", "--error-format", "json"]);
    assert_eq!(
        last_line(&missing)["message"],
        "the following required arguments were not provided: <USER>"
    );
}

#[test]
fn an_empty_window_is_refused() {
    scratch()
        .run(["posts.csv", "--from", "2026-03-02", "--to", "2026-03-01"])
        .expect_failure(2)
        .expect_stderr("error[CF-01]: the window is empty: --from does not lie before --to");
    // A bare date includes its day.
    scratch()
        .run(["posts.csv", "--from", "2026-03-02", "--to", "2026-03-02"])
        .expect_ok();
}

#[test]
fn a_value_that_no_flag_can_have_is_refused() {
    for args in [
        &["--by", "weak"][..],
        &["--format", "xml"],
        &["--segment", "mood"],
        &["--epoch-unit", "minutes"],
        &["--epoch-window", "2100..2000"],
        &["--epoch-window", "2000"],
        &["--sample", "200%"],
        &["--sample", "NaN"],
        &["--max-rejects", "-1"],
        &["--max-rejects", "101%"],
        &["--threads", "0"],
        &["--delimiter", "ab"],
        &["--delimiter", "\""],
        &["--max-field", "0"],
        &["--max-field", "99999999999T"],
        &["--role", "posts"],
        &["--role", "posts=strat"],
        &["--time-format", "%Q"],
        &["--time-format", "%Y"],
        &["--now", "yesterday"],
        &["--from", "2026-02-30"],
        &["--min-time", "x"],
        &["--max-future", "1"],
        &["--wait", "never"],
        &["--last", "0s"],
        &["--max-length", "-1h"],
        &["postgres://ro:pw-CANARY-7"],
        &["--cut", "night"],
    ] {
        let outcome = scratch()
            .sessionize(["posts.csv"])
            .args(args.iter().copied())
            .run()
            .expect_failure(2)
            .expect_stderr("error[CF-01]: ");
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
        assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");
    }
}

#[test]
fn errors_as_json_end_standard_error_with_one_object() {
    let scratch = scratch();
    scratch.file(
        "bad.csv",
        "user_id,created_at\nada,2026-03-02T09:00:00Z\nada,soon\n",
    );
    scratch.file("sessionize.toml", "");
    scratch.file("broken.toml", "timeuot = \"30m\"\n");
    scratch.folder("folder");
    /// Arguments, exit code, id, source, line.
    type Refusal = (
        &'static [&'static str],
        i32,
        &'static str,
        Option<&'static str>,
        Option<u64>,
    );
    let table: [Refusal; 9] = [
        (&["--timeuot", "3m"], 2, "CF-01", None, None),
        (&["posts.csv", "--by", "weak"], 2, "CF-01", None, None),
        (&["posts.csv", "--timeout", "0"], 2, "CF-01", None, None),
        (&[], 2, "CF-03", None, None),
        (
            &["posts.csv", "--config", "broken.toml"],
            2,
            "CF-02",
            None,
            None,
        ),
        (&["none.csv"], 4, "IN-01", Some("none"), None),
        (&["bad.csv"], 4, "TM-02", Some("bad"), Some(3)),
        (&["explain", "eve", "posts.csv"], 4, "IN-14", None, None),
        (&["posts.csv", "-o", "folder"], 6, "OUT-02", None, None),
    ];
    for (args, code, id, source, line) in table {
        for by_environment in [true, false] {
            let call = scratch.sessionize(args).loud();
            let call = match by_environment {
                true => call.env("SESSIONIZE_ERROR_FORMAT", "json"),
                false => call.args(["--error-format", "json"]),
            };
            let outcome = call.run().expect_failure(code);
            let error = last_line(&outcome);
            assert_eq!(error["id"], id, "{outcome:?}");
            assert_eq!(error["source"].as_str(), source, "{outcome:?}");
            assert_eq!(error["line"].as_u64(), line, "{outcome:?}");
            assert!(outcome.stdout.is_empty());
        }
    }
    let misspelt = scratch.run(["--timeuot=3m", "--error-format=json"]);
    assert_eq!(
        last_line(&misspelt)["help"],
        "a similar argument exists: '--timeout'"
    );
}

#[test]
fn an_argument_cannot_move_the_cursor_of_a_terminal() {
    let hostile = "--x\u{1b}]0;t\u{7}\u{202e}\u{9b}2J\r";
    for format in ["text", "json"] {
        let outcome = scratch()
            .run(["posts.csv", hostile, "--error-format", format])
            .expect_failure(2);
        assert_no_hidden(&outcome.stderr());
    }
    for name in ["\u{1b}31m.csv", "\u{202e}vsc.csv", "a\nb.csv", "a\rb.csv"] {
        let outcome = scratch().run([name]).expect_failure(4);
        assert_no_hidden(&outcome.stderr());
        assert!(outcome.stderr().starts_with("error[IN-01]: source \""));
        assert!(outcome.stderr().lines().count() <= 2, "{outcome:?}");
    }
}

#[track_caller]
fn assert_no_hidden(text: &str) {
    let hidden = text.chars().find(|letter| {
        letter.is_control() && *letter != '\n' || ('\u{202a}'..='\u{202e}').contains(letter)
    });
    assert_eq!(hidden, None, "{text:?}");
}

#[test]
fn hostile_ids_and_values_are_shown_as_escapes_on_a_terminal() {
    let scratch = Scratch::new();
    let ids = [
        "a\u{1b}[2J",
        "b\u{202e}c",
        "\"d\re\"",
        "f\u{200b}",
        "\u{9b}5n",
        "\u{1b}]52;c;eA==\u{7}",
    ];
    let mut posts = "user_id,created_at\n".to_owned();
    for id in ids {
        posts += &format!("{id},2026-03-02T09:00:00Z\n");
    }
    scratch.file("posts.csv", posts);
    for args in [
        &["sessions", "posts.csv"][..],
        &["posts.csv", "--segment", "user"],
        &["explain", "a\u{1b}[2J", "posts.csv"],
    ] {
        let args = at_now(args);
        assert_no_hidden(&scratch.run(&args).expect_ok().stdout());
    }
    for args in [
        &["sessions", "posts.csv"][..],
        &["posts.csv", "--segment", "user"],
    ] {
        let seen = in_terminal(&scratch, &at_now(args), &[("NO_COLOR", "1")]);
        assert_no_hidden(&seen.replace("\r\n", "\n"));
    }
    // Machines get the data as it is.
    let json = scratch
        .run(at_now(&["sessions", "posts.csv", "--format", "json"]))
        .expect_ok()
        .stdout();
    let value: Value = serde_json::from_str(&json).expect("it is JSON");
    let users: Vec<&str> = value["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| row["user_id"].as_str())
        .collect();
    assert!(users.contains(&"a\u{1b}[2J") && users.contains(&"b\u{202e}c"));
    scratch.file(
        "times.csv",
        "user_id,created_at\nada,\u{1b}[2J\u{202e}2026\n",
    );
    let refused = scratch.run(["times.csv"]).expect_failure(4);
    assert_no_hidden(&refused.stderr());
    assert!(refused.stderr().contains("\\u{202e}2026"), "{refused:?}");
}

#[test]
fn a_role_for_a_source_that_is_not_there_is_said() {
    let scratch = scratch();
    let call = scratch.sessionize(at_now(&["posts.csv", "--role", "logins=start"]));
    let loud = call.loud().run();
    assert_eq!(loud.code(), Some(0));
    assert!(
        loud.stderr()
            .contains("warning: no source is named \"logins\", which was given a role")
    );
    let call = scratch.sessionize(at_now(&["posts.csv", "--role", "posts=start"]));
    assert!(!call.loud().run().stderr().contains("warning"));
}

#[test]
fn no_network_is_needed_and_no_socket_to_one_is_opened() {
    let scratch = scratch();
    scratch
        .sessionize(at_now(&["posts.csv"]))
        .under(["unshare", "-n"])
        .run()
        .expect_ok();
    let log = scratch.path("trace");
    let log_path = log.to_string_lossy().into_owned();
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=%network",
        "-o",
        &log_path,
    ];
    for command in COMMANDS {
        let call = scratch.sessionize(at_now(command)).under(strace);
        call.run().expect_ok();
        let trace = scratch.text("trace");
        assert!(!trace.contains("AF_INET"), "{trace}");
    }
}

/// Every Rust file of the program.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the sources are there");
    entries
        .flatten()
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => sources(&path),
            path if path.extension().is_some_and(|end| end == "rs") => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn the_build_refuses_unsafe_code_and_unwrap() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("cargo has it");
    let manifest: toml::Table = manifest.parse().expect("it is TOML");
    assert_eq!(
        manifest["lints"]["rust"]["unsafe_code"].as_str(),
        Some("deny")
    );
    for lint in ["unwrap_used", "dbg_macro", "print_stdout", "print_stderr"] {
        let level = manifest["lints"]["clippy"][lint].as_str();
        assert_eq!(level, Some("deny"), "{lint}");
    }
    let files = sources(&root.join("src"));
    assert!(files.len() > 40, "only {} files were found", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let words = ["unsafe ", ".unwrap()", "allow(unsafe", "unwrap_used"];
            let found = words.iter().find(|word| line.contains(**word));
            assert_eq!(found, None, "{}: {line}", file.display());
        }
    }
}
