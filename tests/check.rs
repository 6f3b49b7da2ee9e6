//! `sessionize threshold --check`: rules that a pipeline asks for, through the whole program.

use serde_json::Value;

use crate::harness::{Call, Outcome, Scratch};

/// At 30 minutes Ada has sessions of 10 and 20 minutes and Bob, whose gap equals the timeout, one of
/// 30: three sessions, 20 minutes on average.
const EVENTS: &str = "user_id,at\n\
    ada,2026-03-02T09:00:00Z\nada,2026-03-02T09:10:00Z\n\
    ada,2026-03-02T11:00:00Z\nada,2026-03-02T11:20:00Z\n\
    bob,2026-03-02T10:00:00Z\nbob,2026-03-02T10:30:00Z\n";

fn scratch(rules: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("events.csv", EVENTS);
    configure(&scratch, rules);
    scratch
}

fn configure(scratch: &Scratch, rules: &str) {
    let config = format!("now = \"2026-04-01\"\n\n[threshold]\n{rules}\n");
    scratch.file("sessionize.toml", config);
}

fn check(scratch: &Scratch) -> Call {
    scratch.sessionize(["threshold", "events.csv", "--check"])
}

/// The failed rules as they stand on standard error.
fn failed(outcome: &Outcome) -> Vec<String> {
    let stderr = outcome.stderr();
    let details = stderr.lines().skip(1);
    details.map(|line| line.trim_start().to_owned()).collect()
}

#[test]
fn rules_that_hold_end_with_0_and_stand_in_the_report() {
    let rules = "recommended = \"10m..1h\"\nallow_keep = true\nmax_sensitivity = 10\n\
        min_sessions = 3\nmax_sessions = 3";
    let scratch = scratch(rules);
    let report = check(&scratch).run().expect_ok().stdout();
    assert!(
        report.contains("\nThe check passed: 5 rules hold\n"),
        "{report}"
    );
    let json = check(&scratch).args(["--format", "json"]);
    let json: Value = serde_json::from_slice(&json.run().expect_ok().stdout).expect("JSON");
    assert_eq!(json["checks"]["passed"], true);
    assert_eq!(json["checks"]["rules"][3]["rule"], "min_sessions");
    assert_eq!(json["checks"]["rules"][3]["met"], 3.0);
}

#[test]
fn a_rule_that_fails_ends_with_1_once_the_report_is_published() {
    let scratch = scratch("min_sessions = 4\nmax_sessions = 9");
    scratch.file("report.txt", "old");
    let outcome = check(&scratch).args(["-o", "report.txt"]).run();
    let outcome = outcome.expect_failure(1);
    assert_eq!(
        outcome.stderr(),
        "error[CK-01]: 1 of 3 rules does not hold\n  min_sessions: sessions 3, asked at least 4\n"
    );
    let report = scratch.text("report.txt");
    assert!(
        report.contains("The check FAILED: 1 of 3 rules does not hold"),
        "{report}"
    );
    assert!(report.contains("✗  min_sessions"), "{report}");
    assert!(report.contains("✓  max_sessions"), "{report}");
    let json = check(&scratch).args(["--error-format", "json"]).run();
    let error: Value = serde_json::from_str(&json.stderr()).expect("one line of JSON");
    assert_eq!((&error["code"], &error["id"]), (&1.into(), &"CK-01".into()));
    assert_eq!(error["kept"], Value::Null);
}

#[test]
fn rules_are_not_asked_without_the_flag() {
    let scratch = scratch("min_sessions = 4\nmax_drop = \"0%\"\nbaseline = \"none.json\"");
    let report = scratch
        .run(["threshold", "events.csv"])
        .expect_ok()
        .stdout();
    assert!(!report.contains("The check"), "{report}");
    scratch.run(["report", "events.csv"]).expect_ok();
}

#[test]
fn no_recommendation_passes_only_where_that_is_allowed_and_the_timeout_is_in_range() {
    let range = "recommended = \"10m..1h\"";
    let outcome = check(&scratch(range)).run().expect_failure(1);
    let failed = failed(&outcome);
    assert_eq!(failed.len(), 1, "{failed:?}");
    let start = "recommended: recommended timeout –, asked 10m to 1h (none is recommended";
    assert!(failed[0].starts_with(start), "{failed:?}");
    let allowed = scratch(&format!("{range}\nallow_keep = true"));
    check(&allowed).run().expect_ok();
    let outcome = check(&allowed).args(["--timeout", "9m"]).run();
    assert_eq!(
        self::failed(&outcome.expect_failure(1)),
        ["recommended: timeout in use 9m, asked 10m to 1h (none is recommended, which is allowed)"]
    );
}

#[test]
fn a_log_without_a_session_never_passes() {
    let scratch = scratch("max_sessions = 9");
    scratch.file("events.csv", "user_id,at\n");
    let outcome = check(&scratch).arg("--allow-empty").run().expect_failure(1);
    assert_eq!(
        failed(&outcome),
        ["data: sessions 0, asked at least 1 (there is no session)"]
    );
    scratch.file("events.csv", EVENTS);
    let outcome = check(&scratch).args(["--from", "2026-03-03"]).run();
    assert_eq!(failed(&outcome.expect_failure(1)).len(), 1);
}

#[test]
fn a_baseline_is_the_report_of_an_earlier_run() {
    let rules = "max_change = \"0%\"\nmax_drop = \"50%\"\nbaseline = \"threshold.json\"";
    let scratch = scratch(rules);
    let write = [
        "threshold",
        "events.csv",
        "--format",
        "json",
        "-o",
        "threshold.json",
    ];
    scratch.run(write).expect_ok();
    check(&scratch).run().expect_ok();
    // Ada's first session alone: 10 minutes instead of 20, and one session of three.
    let fewer: String = EVENTS.split_inclusive('\n').take(3).collect();
    scratch.file("events.csv", fewer);
    let outcome = check(&scratch).run().expect_failure(1);
    assert_eq!(
        failed(&outcome),
        [
            "max_change: change of the mean 50%, asked at most 0%",
            "max_drop: drop of sessions 66.67%, asked at most 50%"
        ]
    );
    // What a pipeline keeps rolling may be written over by the run that reads it.
    let outcome = check(&scratch).args(["--format", "json", "-o", "threshold.json"]);
    outcome.run().expect_failure(1);
    check(&scratch).run().expect_ok();
}

#[test]
fn a_baseline_that_cannot_be_used_ends_with_2_before_a_source_is_read() {
    let scratch = scratch("max_drop = \"50%\"\nbaseline = \"threshold.json\"");
    let write = [
        "threshold",
        "events.csv",
        "--format",
        "json",
        "-o",
        "threshold.json",
    ];
    scratch.run(write).expect_ok();
    let whole = scratch.text("threshold.json");
    scratch.file("events.csv", "no such column\n1\n");
    scratch.file("report.txt", "old");
    let wrong = |met: &str| {
        let outcome = check(&scratch).args(["-o", "report.txt"]).run();
        let outcome = outcome.expect_failure(2);
        let outcome = outcome.expect_stderr("error[CF-02]: sessionize.toml:5:12: the baseline ");
        outcome
            .expect_stderr(met)
            .expect_stderr("  help: write it with sessionize threshold");
        assert_eq!(scratch.text("report.txt"), "old");
    };
    scratch.file("threshold.json", &whole[..whole.len() / 2]);
    wrong("it is no report of sessionize threshold --format json");
    scratch.file(
        "threshold.json",
        whole.replacen("\"complete\":true", "\"complete\":false", 1),
    );
    wrong("it is of a run that lacked a source");
    std::fs::remove_file(scratch.path("threshold.json")).expect("it is there");
    wrong("threshold.json cannot be used: ");
    scratch.file("threshold.json", whole);
    let outcome = check(&scratch).args(["--timeout", "31m"]).run();
    let outcome = outcome.expect_failure(2);
    outcome.expect_stderr("it has no figures at 31m, the timeout in use");
}

#[test]
fn a_rule_that_cannot_be_one_ends_with_2_at_its_place() {
    let cases = [
        (
            "min_session = 1",
            "4:1: unknown key \"min_session\" (did you mean \"min_sessions\"?)",
        ),
        (
            "min_sessions = \"many\"",
            "4:16: invalid type: string \"many\", expected u64",
        ),
        ("min_sessions = -1", "4:16: invalid value: integer"),
        ("min_sessions = 0", "4:16: 0: expected at least 1"),
        ("max_sessions = 0", "4:16: 0: expected at least 1"),
        (
            "min_sessions = 9\nmax_sessions = 8",
            "5:16: no number of sessions passes",
        ),
        (
            "max_sensitivity = nan",
            "4:19: NaN: expected a number from 0 on",
        ),
        (
            "max_sensitivity = inf",
            "4:19: inf: expected a number from 0 on",
        ),
        (
            "max_sensitivity = -0.1",
            "4:19: -0.1: expected a number from 0 on",
        ),
        (
            "recommended = \"1h..10m\"",
            "4:15: \"1h..10m\": the range is empty",
        ),
        (
            "recommended = \"1h..1h\"",
            "4:15: \"1h..1h\": the range is empty",
        ),
        (
            "recommended = \"1h\"",
            "4:15: \"1h\": expected a range of timeouts",
        ),
        (
            "recommended = \"0s..1h\"",
            "4:15: \"0s..1h\": timeout must be between",
        ),
        (
            "recommended = \"10..1h\"",
            "4:15: \"10..1h\": timeout must be between",
        ),
        (
            "max_change = \"NaN%\"\nbaseline = \"b\"",
            "4:14: \"NaN%\": expected a share",
        ),
        (
            "max_change = \"-1%\"\nbaseline = \"b\"",
            "4:14: \"-1%\": expected a share",
        ),
        (
            "max_drop = \"101%\"\nbaseline = \"b\"",
            "4:12: \"101%\": expected a share",
        ),
        ("max_drop = \"5%\"", "4:12: \"max_drop\" needs \"baseline\""),
        (
            "max_change = \"5%\"",
            "4:14: \"max_change\" needs \"baseline\"",
        ),
        (
            "min_sessions = 1\nbaseline = \"b\"",
            "5:12: \"baseline\" needs \"max_change\" or",
        ),
        (
            "min_sessions = 1\nallow_keep = true",
            "5:14: \"allow_keep\" needs \"recommended\"",
        ),
    ];
    for (rules, expected) in cases {
        let scratch = scratch(rules);
        scratch.file("events.csv", "no such column\n1\n");
        let outcome = check(&scratch).run().expect_failure(2);
        outcome.expect_stderr(&format!("error[CF-02]: sessionize.toml:{expected}"));
    }
}

#[test]
fn a_check_without_a_rule_ends_with_2() {
    for rules in [
        "",
        "allow_keep = true",
        "baseline = \"b.json\"",
        "tolerance = \"3%\"",
    ] {
        let outcome = check(&scratch(rules)).run().expect_failure(2);
        let outcome = outcome.expect_stderr("error[CF-01]: --check needs rules");
        outcome.expect_stderr("help: write rules below [threshold]");
    }
    let scratch = Scratch::new();
    scratch.file("events.csv", EVENTS);
    let outcome = check(&scratch).run().expect_failure(2);
    outcome.expect_stderr("--check needs rules, and there is no configuration");
}

#[test]
fn a_missing_source_wins_over_a_failed_check() {
    let scratch = scratch("min_sessions = 4");
    scratch.file("broken.csv", "no such column\n1\n");
    let call = |more: &[&str]| {
        let args = [
            "threshold",
            "events.csv",
            "broken.csv",
            "--check",
            "--keep-going",
        ];
        scratch.sessionize(args).args(more.iter().copied()).run()
    };
    let outcome = call(&[]).expect_failure(3);
    let outcome = outcome.expect_stderr("error[CK-01]: 1 of 2 rules does not hold");
    assert!(outcome.stdout().starts_with("INCOMPLETE: 1 of 2 sources"));
    let stderr = call(&["--error-format", "json"]).expect_failure(3).stderr();
    let last = stderr.lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!((&error["code"], &error["id"]), (&3.into(), &"CK-01".into()));
}

#[test]
fn the_rules_in_the_documentation_are_rules_and_its_baseline_is_one() {
    let text = include_str!("../docs/threshold.md");
    let rules = text.split_once("```toml\n[threshold]\n").expect("rules").1;
    let rules = rules.split_once("```").expect("their end").0;
    let words = "sessionize threshold --format json -o last-good.json";
    assert!(text.contains(words), "{text}");
    let scratch = scratch(rules);
    let written = words.split(' ').skip(1).chain(["events.csv"]);
    scratch.sessionize(written).run().expect_ok();
    let outcome = check(&scratch).run().expect_failure(1);
    // 33 minutes give sessions of 20 minutes on average, 27 split Bob's: four of 7.5 minutes.
    let expected = [
        "max_sensitivity: sensitivity 5.15, asked at most 0.3",
        "min_sessions: sessions 3, asked at least 1,000",
    ];
    assert_eq!(failed(&outcome), expected);
}
