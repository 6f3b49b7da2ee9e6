//! Runs whose sources partly fail, rows over the budget, and which exit code wins. Cases 127 to
//! 129.

use std::fs;

use serde_json::Value;

use crate::harness::{Call, Outcome, Scratch, tool};

const GOOD: &str = "user_id,created_at\n\
    ada,2026-03-02T09:00:00Z\n\
    ada,2026-03-02T09:10:00Z\n";

const OLD: &str = "the report of yesterday\n";

/// Each fault: what lies at the path `broken…`, its error id and its exit code.
const FAULTS: [(&str, &str, &str, i32); 6] = [
    ("missing", "broken.csv", "IN-01", 4),
    ("no database", "broken.db", "DB-01", 5),
    ("cut", "broken.csv.gz", "IN-07", 4),
    ("bad rows", "broken.csv", "TM-02", 4),
    ("wrong columns", "broken.csv", "IN-03", 4),
    ("a folder", "broken.csv", "IN-01", 4),
];

/// Posts, likes and the broken one; the old report beside them.
fn scratch(fault: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("posts.csv", GOOD);
    scratch.file("likes.csv", GOOD.replace("ada", "bob"));
    scratch.file("report.csv", OLD);
    match fault {
        "missing" => {}
        "no database" => drop(scratch.file("broken.db", "no database at all, whatever its name")),
        "cut" => {
            scratch.file("broken.csv", GOOD.repeat(50));
            tool("gzip", "gzip", [scratch.path("broken.csv")]);
            let whole = scratch.read("broken.csv.gz");
            scratch.file("broken.csv.gz", &whole[..whole.len() - 10]);
        }
        "bad rows" => drop(scratch.file("broken.csv", "user_id,created_at\nada,soon\n")),
        "wrong columns" => drop(scratch.file("broken.csv", "a,b\n1,2\n")),
        "a folder" => drop(scratch.folder("broken.csv")),
        _ => unreachable!("an unknown fault"),
    }
    scratch
}

/// The three sources with the broken one at this place among them.
fn inputs(place: usize, broken: &str) -> Vec<String> {
    let mut inputs = vec!["posts.csv".to_owned(), "likes.csv".to_owned()];
    inputs.insert(place, format!("broken={broken}"));
    inputs
}

fn call(scratch: &Scratch, command: &str, inputs: &[String]) -> Call {
    let call = scratch.sessionize([command]).args(inputs.iter().cloned());
    call.args(["--now", "2026-04-01T00:00:00Z"])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|cause| panic!("{cause}: {text}"))
}

#[test]
fn case_127_one_source_that_fails_ends_the_run_with_its_code_and_publishes_nothing() {
    for (fault, broken, id, code) in FAULTS {
        for place in 0..3 {
            for command in ["report", "sessions"] {
                let scratch = scratch(fault);
                let call = call(&scratch, command, &inputs(place, broken));
                let outcome = call
                    .args(["--format", "csv", "-o", "report.csv"])
                    .run()
                    .expect_failure(code)
                    .expect_stderr(&format!("error[{id}]: source \"broken\" ("))
                    .expect_stderr("kept: report.csv of ");
                assert!(outcome.stdout.is_empty(), "{outcome:?}");
                assert_eq!(scratch.text("report.csv"), OLD, "{fault}");
                assert!(!scratch.path("report.csv.run.json").exists());
            }
        }
    }
}

#[test]
fn case_127_with_keep_going_the_report_says_in_every_format_what_is_missing() {
    for (fault, broken, id, _) in FAULTS {
        let scratch = scratch(fault);
        for command in ["report", "sessions"] {
            for format in ["table", "csv", "json", "ndjson", "markdown", "parquet"] {
                for place in [0, 2] {
                    let call = call(&scratch, command, &inputs(place, broken))
                        .args(["--keep-going", "--format", format])
                        .loud();
                    let outcome = call.run();
                    assert_eq!(outcome.code(), Some(3), "{fault}: {outcome:?}");
                    assert_is_partial(&outcome, format);
                    assert!(!outcome.stderr().contains(&format!("error[{id}]")));
                    outcome
                        .expect_stderr("warning: left out: source \"broken\" (")
                        .expect_stderr("sessionize: partial: 2 sources, 4 rows = 4 events + ");
                }
            }
        }
    }
}

/// The output, or the record of a row format, says that it is incomplete and names the source.
#[track_caller]
fn assert_is_partial(outcome: &Outcome, format: &str) {
    let text = String::from_utf8_lossy(&outcome.stdout);
    let record = match format {
        "json" => json(&text)["run"].clone(),
        "csv" | "ndjson" | "parquet" => {
            let said = outcome.stderr();
            json(
                said.lines()
                    .find(|line| line.starts_with('{'))
                    .expect("a record"),
            )
        }
        _ => {
            assert!(
                text.contains("INCOMPLETE: 1 of 3 sources could not be read"),
                "{outcome:?}"
            );
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("false: without broken"), "{outcome:?}");
            return;
        }
    };
    assert_eq!(record["complete"], false, "{outcome:?}");
    assert_eq!(record["missing"][0]["name"], "broken");
    let error = record["missing"][0]["error"].as_str().expect("a text");
    assert!(error.starts_with("source \"broken\" ("), "{error}");
    let names: Vec<&Value> = record["sources"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|source| &source["name"])
        .collect();
    assert_eq!(names, ["likes", "posts"]);
}

#[test]
fn case_127_a_partial_file_has_a_partial_record_beside_it() {
    let scratch = scratch("bad rows");
    let call = call(&scratch, "sessions", &inputs(0, "broken.csv"));
    let args = [
        "--keep-going",
        "--format",
        "csv",
        "-o",
        "report.csv",
        "--rejects",
        "rejects.csv",
    ];
    let outcome = call.args(args).run();
    assert_eq!(outcome.code(), Some(3), "{outcome:?}");
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
    let record = json(&scratch.text("report.csv.run.json"));
    assert_eq!(record["complete"], false);
    assert_eq!(scratch.text("report.csv").lines().count(), 3, "ada and bob");
    assert!(
        scratch
            .text("rejects.csv")
            .contains("broken,broken.csv,2,19,created_at,TM-02,")
    );
}

#[test]
fn case_127_rows_read_before_a_source_failed_are_in_no_number() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", GOOD);
    scratch.file(
        "late.csv",
        format!("{}eve,soon\n", GOOD.replace("ada", "eve")),
    );
    let outcome = scratch.run([
        "sessions",
        "late.csv",
        "posts.csv",
        "--keep-going",
        "--format",
        "csv",
    ]);
    assert_eq!(outcome.code(), Some(3), "{outcome:?}");
    assert!(!outcome.stdout().contains(",eve,"), "{outcome:?}");
    assert!(outcome.stdout().contains(",ada,"), "{outcome:?}");
}

#[test]
fn case_128_where_all_sources_fail_nothing_is_published_even_with_keep_going() {
    for (inputs, id, code) in [
        (["none.csv", "nothing.csv"], "IN-01", 4),
        (["none.csv", "broken.db"], "IN-01", 4),
        (["broken.db", "none.csv"], "DB-01", 5),
        (["wrong.csv", "late.csv"], "IN-03", 4),
        (["late.csv", "wrong.csv"], "TM-02", 4),
    ] {
        let scratch = scratch("no database");
        scratch.file("wrong.csv", "a,b\n1,2\n");
        scratch.file("late.csv", "user_id,created_at\nada,soon\n");
        let outcome = scratch
            .sessionize(inputs)
            .args(["--keep-going", "--format", "csv", "-o", "report.csv"])
            .run()
            .expect_failure(code)
            .expect_stderr(&format!("error[{id}]: source \""))
            .expect_stderr("kept: report.csv of ");
        assert!(outcome.stdout.is_empty());
        assert_eq!(scratch.text("report.csv"), OLD);
    }
}

/// A log of `good` rows and then ones that name no user, no instant and no fourth field.
fn long_log(good: usize, bad: usize) -> String {
    let mut log = "user_id,created_at,kind\n".to_owned();
    for row in 0..good {
        log += &format!("user-{row},2026-03-02T09:00:00Z,post\n");
    }
    for row in 0..bad {
        log += &format!("user-{row},soon-{row},post\n,2026-03-02T09:00:00Z,post\n");
        log += "ada,2026-03-02T09:00:00Z,post,more\n";
    }
    log
}

#[test]
fn case_129_rows_over_the_budget_are_counted_with_five_examples_of_each_kind() {
    let scratch = Scratch::new();
    scratch.file("log.csv", long_log(20_000, 40));
    scratch.file("report.csv", OLD);
    let outcome = scratch
        .run([
            "log.csv",
            "--max-rejects",
            "119",
            "--rejects",
            "rejects.csv",
            "-o",
            "report.csv",
        ])
        .expect_failure(4)
        .expect_stderr(
            "error[TM-02]: source \"log\" (csv, log.csv): line 20002, column \"created_at\": \
             \"soon-0\" is not an instant",
        )
        .expect_stderr("  rejected: 120 of 20120 rows cannot be used\n")
        .expect_stderr("  unusable rows are listed in rejects.csv\n")
        .expect_stderr("  help: mend the rows, or allow some with --max-rejects N");
    let said = outcome.stderr();
    // The first line is the first example of its kind.
    for (id, examples) in [("[TM-02] ", 4), ("[IN-23] ", 5), ("[IN-21] ", 5)] {
        assert_eq!(said.matches(id).count(), examples, "{id}: {said}");
    }
    assert!(
        said.contains("line 20003, column \"user_id\": no user"),
        "{said}"
    );
    assert!(said.contains("line 20004: "), "{said}");
    assert_eq!(scratch.text("report.csv"), OLD);
    let rejects = scratch.text("rejects.csv");
    assert_eq!(rejects.lines().count(), 121);
    let mut lines = rejects.lines();
    assert_eq!(
        lines.next(),
        Some("source,file,line,byte,column,kind,message")
    );
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("log,log.csv,20002,"))
    );
    assert!(
        rejects
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("log,log.csv,20121,"))
    );
    // The rows themselves, which may hold persons, are not repeated.
    assert!(!rejects.contains("ada") && !said.contains("ada"));
}

#[test]
fn case_129_a_budget_is_a_number_or_a_share_of_each_source() {
    let scratch = Scratch::new();
    // 3 of 100 rows.
    scratch.file("log.csv", long_log(97, 1));
    for (budget, code) in [
        ("0", 4),
        ("2", 4),
        ("3", 0),
        ("2.9%", 4),
        ("3%", 0),
        ("0%", 4),
        ("100%", 0),
    ] {
        let outcome = scratch.run(["log.csv", "--max-rejects", budget]);
        assert_eq!(outcome.code(), Some(code), "{budget}: {outcome:?}");
        assert_eq!(outcome.stderr.is_empty(), code == 0);
    }
    // Another source's good rows do not help.
    scratch.file("good.csv", long_log(10_000, 0));
    scratch
        .run(["good.csv", "log.csv", "--max-rejects", "2%"])
        .expect_failure(4)
        .expect_stderr("source \"log\"");
}

#[test]
fn case_129_rejects_inside_the_budget_are_a_warning_and_stand_in_the_report() {
    let scratch = Scratch::new();
    scratch.file("log.csv", long_log(97, 1));
    let call = scratch.sessionize(["log.csv", "--max-rejects", "3", "--format", "json"]);
    let outcome = call
        .loud()
        .run()
        .expect_stderr("warning: source \"log\": 3 of 100 rows cannot be used")
        .expect_stderr("100 rows = 97 events + 3 rejected + 0 filtered + 0 duplicates");
    assert_eq!(outcome.code(), Some(0));
    let run = json(&outcome.stdout())["run"].clone();
    assert_eq!(run["rows"]["rejected"], 3);
    assert_eq!(run["complete"], true);
    let by_kind = &run["sources"][0]["rejected_by_kind"];
    for kind in ["TM-02", "IN-23", "IN-21"] {
        assert_eq!(by_kind[kind], 1, "{by_kind}");
    }
}

#[test]
fn a_rejects_file_is_for_its_owner_and_guarded_against_formulas() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.file("=1+1.csv", "user_id,created_at\nada,soon\n");
    scratch
        .run([
            "./=1+1.csv",
            "--max-rejects",
            "1",
            "--rejects",
            "rejects.csv",
        ])
        .expect_ok();
    let mode = fs::metadata(scratch.path("rejects.csv"))
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let rejects = scratch.text("rejects.csv");
    assert!(rejects.contains("\n'=1+1,./=1+1.csv,2,19,"), "{rejects}");
}

#[test]
fn where_several_codes_apply_the_first_of_the_manual_wins() {
    let scratch = scratch("bad rows");
    scratch.folder("folder");
    // Usage before anything is opened.
    let usage = ["none.csv", "--timeout", "0", "-o", "folder"];
    scratch
        .run(usage)
        .expect_failure(2)
        .expect_stderr("[CF-01]");
    // An output that cannot be before an input that is not there.
    scratch
        .run(["none.csv", "-o", "folder"])
        .expect_failure(6)
        .expect_stderr("[OUT-02]");
    // A rejects file that cannot be written before too many rejects, and before a partial end.
    for more in [&[][..], &["--keep-going"], &["--max-rejects", "1"]] {
        scratch
            .sessionize(["posts.csv", "broken.csv", "--rejects", "none/rejects.csv"])
            .args(more.iter().copied())
            .run()
            .expect_failure(6);
    }
    // A full disk before a partial end.
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("every Linux has it");
    let partial = call(&scratch, "report", &inputs(1, "broken.csv")).arg("--keep-going");
    partial
        .stdout_to(full)
        .run()
        .expect_failure(6)
        .expect_stderr("error[OUT-01]: cannot write");
}

#[test]
fn a_limit_that_is_hit_ends_the_run_and_keep_going_goes_on() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", GOOD);
    scratch.file(
        "wide.csv",
        format!("user_id,created_at\n{},x\n", "a".repeat(3_000_000)),
    );
    let call = || scratch.sessionize(["posts.csv", "wide.csv", "--max-field", "1KiB"]);
    call()
        .run()
        .expect_failure(9)
        .expect_stderr("error[LM-01]: source \"wide\"");
    let outcome = call().arg("--keep-going").run();
    assert_eq!(outcome.code(), Some(3), "{outcome:?}");
}
