//! The commands that keep tracked sessions: each on every engine, run twice, killed before each of
//! its statements, and seen through SQL and through `show`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use crate::applications::{Application, bare_everywhere, everywhere};
use crate::harness::Outcome;

const ADA: &str = "a0000000-0000-4000-8000-000000000001";
const BOB: &str = "b0000000-0000-4000-8000-000000000002";
const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";

const SHAPES: [&str; 6] = [
    "interview",
    "practice",
    "study",
    "saved-interview",
    "platform",
    "snapshot",
];

/// A fact of an answer.
fn fact<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let fact = &answer["facts"][name];
    assert!(
        answer["facts"].get(name).is_some(),
        "no fact {name}: {answer}"
    );
    fact
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    let fact = fact(answer, name);
    fact.as_str().unwrap_or_else(|| panic!("{name}: {answer}"))
}

fn headline(answer: &Value) -> &str {
    answer["headline"].as_str().expect("a sentence")
}

/// Rows of a table as texts, by the first column.
fn rows(application: &Application, table: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let (quote, kind) = match application.engine() {
        "mysql" => ('`', "CHAR"),
        _ => ('"', "TEXT"),
    };
    let column =
        |name: &&str| format!("coalesce(CAST({quote}{name}{quote} AS {kind}), '') AS {name}");
    let columns: Vec<String> = columns.iter().map(column).collect();
    application.ask(&format!(
        "SELECT {} FROM {quote}{table}{quote} ORDER BY 1",
        columns.join(", ")
    ))
}

fn refused(application: &Application, words: &[&str], code: i32, said: &str) -> Outcome {
    let outcome = application.tracked(words).run().expect_failure(code);
    let engine = application.engine();
    assert!(
        outcome.stderr().contains(said),
        "{engine}: {said:?}: {outcome:?}"
    );
    outcome
}

/// The steps of a migration that came to this.
fn steps(answer: &Value, outcome: &str) -> Vec<String> {
    let steps = answer["steps"].as_array().expect("a table of steps");
    let is_it = |step: &&Value| step["outcome"] == outcome;
    let name = |step: &Value| step["name"].as_str().expect("a name").to_owned();
    steps.iter().filter(is_it).map(name).collect()
}

fn shape_columns(shape: &str) -> (&'static str, &'static [&'static str]) {
    match shape {
        "interview" => (
            "sessions",
            &[
                "id",
                "created_at",
                "desktop_connected_at",
                "session_started_at",
                "status",
            ],
        ),
        "practice" => (
            "UserSessions",
            &[
                "id",
                "user_id",
                "started_at",
                "ended_at",
                "duration_seconds",
                "xp_phrases",
                "xp_session_bonus",
                "xp_streak_bonus",
                "total_xp",
                "streak_before",
                "streak_after",
            ],
        ),
        "study" => (
            "sessions",
            &[
                "id",
                "child_id",
                "subject",
                "topic",
                "subtopic",
                "started_at",
                "ended_at",
                "created_at",
                "updated_at",
            ],
        ),
        "saved-interview" => (
            "interview_sessions",
            &["session_id", "start_time", "end_time", "status"],
        ),
        "platform" => (
            "user_sessions",
            &[
                "id",
                "person_id",
                "session_id",
                "started_at",
                "ended_at",
                "duration_minutes",
            ],
        ),
        _ => ("persons", &["id", "last_login_at", "last_activity_at"]),
    }
}

#[test]
fn migrate_makes_every_shape_on_every_engine_and_then_nothing() {
    for shape in SHAPES {
        for application in bare_everywhere(shape) {
            let engine = application.engine();
            let address = application.address();
            let first = application.json(&["migrate"]);
            assert!(
                headline(&first).starts_with("Made for table "),
                "{shape} on {engine}: {first}"
            );
            assert!(steps(&first, "was there").is_empty(), "{engine}: {first}");
            assert!(steps(&first, "left out").is_empty(), "{engine}: {first}");
            let outcome = application
                .scratch()
                .sessionize([
                    "tracked", "migrate", &address, "--shape", shape, "--format", "json",
                ])
                .run()
                .expect_ok();
            let second: Value = serde_json::from_slice(&outcome.stdout).expect("one object");
            let table = shape_columns(shape).0;
            assert_eq!(
                headline(&second),
                format!("Nothing was changed: table {table} is up to date"),
                "{engine}"
            );
            assert!(steps(&second, "made").is_empty(), "{engine}: {second}");
            assert!(rows(&application, table, shape_columns(shape).1).is_empty());
            let id = if ["practice", "platform", "snapshot"].contains(&shape) {
                "1"
            } else {
                ONE
            };
            refused(&application, &["show", id], 4, "is not found");
        }
    }
}

#[test]
fn migrate_adds_what_a_table_lacks_and_touches_no_row() {
    for application in bare_everywhere("interview") {
        let instant = match application.engine() {
            "postgres" => "timestamptz",
            "mysql" => "datetime(6)",
            _ => "TIMESTAMP",
        };
        application.run(&format!(
            "CREATE TABLE sessions (id varchar(36) PRIMARY KEY, created_at {instant} NOT NULL,
                 desktop_connected_at {instant} NULL, status varchar(20) NOT NULL);
             INSERT INTO sessions VALUES ('{ONE}', '2026-03-01 09:00:00', NULL, 'created'),
                 ('{TWO}', '2026-03-01 09:00:00', '2026-03-01 08:00:00', 'no status we know');"
        ));
        let columns = ["id", "created_at", "desktop_connected_at", "status"];
        let before = rows(&application, "sessions", &columns);
        let said = "has no column \"session_started_at\"";
        refused(&application, &["mark-started", ONE], 4, said);
        refused(&application, &["activate", ONE], 4, said);
        application.done(&["connect", ONE]);
        let before_migrating = rows(&application, "sessions", &columns);
        assert_ne!(before_migrating, before);
        let before = before_migrating;
        let answer = application.json(&["migrate"]);
        let engine = application.engine();
        let made = steps(&answer, "made");
        for name in [
            "session_started_at",
            "sessions_by_status",
            "sessions_by_start",
            "sessions_pauses",
        ] {
            assert!(made.contains(&name.to_owned()), "{engine}: {answer}");
        }
        assert_eq!(rows(&application, "sessions", &columns), before, "{engine}");
        let started = rows(&application, "sessions", &["id", "session_started_at"]);
        assert_eq!(started, [[ONE, ""], [TWO, ""]], "{engine}");
        let answer = application.json(&["migrate"]);
        assert!(steps(&answer, "made").is_empty(), "{engine}: {answer}");
    }
}

#[test]
fn migrate_refuses_a_table_of_another_shape_and_makes_nothing() {
    for application in bare_everywhere("study") {
        application.run("CREATE TABLE sessions (id varchar(36) PRIMARY KEY, data varchar(90))");
        let outcome = refused(
            &application,
            &["migrate"],
            4,
            "table \"sessions\" is not of the shape \"study\"",
        );
        for column in ["child_id", "subject", "started_at", "ended_at"] {
            let said = format!("no column \"{column}\"");
            assert!(outcome.stderr().contains(&said), "{outcome:?}");
        }
        let outcome = refused(&application, &["show", "x"], 4, "is not of the shape");
        assert!(!outcome.stderr().contains("attempts"), "{outcome:?}");
        let tables = match application.engine() {
            "sqlite" => "SELECT count(*) FROM sqlite_schema WHERE type = 'table'",
            "postgres" => {
                "SELECT count(*)::integer FROM pg_class
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            }
            _ => {
                "SELECT CAST(count(*) AS CHAR) FROM information_schema.tables
                 WHERE table_schema = database()"
            }
        };
        assert_eq!(application.ask(tables), [["2"]], "{}", application.engine());
    }
}

fn study_row(id: &str, child: &str, start: &str, end: Option<&str>) -> String {
    let end = end.map_or("NULL".to_owned(), |end| format!("'{end}'"));
    format!(
        "INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at)
         VALUES ('{id}', '{child}', 'maths', 'fractions', '{start}', {end});"
    )
}

#[test]
fn active_sessions_that_are_there_twice_are_listed_and_stay_and_the_constraint_waits_for_their_end()
{
    for application in everywhere("study") {
        let engine = application.engine();
        application.run(&study_row(ONE, ADA, "2026-03-01 09:00:00", None));
        application.run(&study_row(TWO, ADA, "2026-03-02 09:00:00", None));
        let answer = application.json(&["migrate"]);
        assert_eq!(
            steps(&answer, "left out"),
            ["sessions_one_active_of_user"],
            "{engine}"
        );
        let listed = answer["duplicates"].as_array().expect("a table");
        let ids: Vec<&Value> = listed.iter().map(|row| &row["session_id"]).collect();
        assert_eq!(ids, [ONE, TWO], "{engine}");
        assert_eq!(listed[0]["user_id"], ADA, "{engine}");
        assert_eq!(rows(&application, "sessions", &["id"]), [[ONE], [TWO]]);
        let active = application.json(&[
            "start",
            "--user",
            ADA,
            "--subject",
            "art",
            "--topic",
            "clay",
        ]);
        assert_eq!(text(&active, "session_id"), TWO, "the newest on {engine}");
        assert_eq!(fact(&active, "new"), false);
        let notes = active["notes"].to_string();
        assert!(notes.contains("2 active sessions"), "{engine}: {notes}");
        assert!(notes.contains(ONE), "{engine}: {notes}");
        application.done(&["end", ONE]);
        let answer = application.json(&["migrate"]);
        assert_eq!(
            steps(&answer, "made"),
            ["sessions_one_active_of_user"],
            "{engine}"
        );
        // The application's own rows without names of columns still fit.
        application.run(&format!(
            "INSERT INTO sessions VALUES ('{BOB}', '{BOB}', 'maths', 'sums', NULL,
                 '2026-03-01 09:00:00', NULL, '2026-03-01 09:00:00', '2026-03-01 09:00:00')"
        ));
        let again = study_row(ADA, ADA, "2026-03-03 09:00:00", None);
        let inserted = catch_unwind(AssertUnwindSafe(|| application.run(&again)));
        assert!(inserted.is_err(), "{engine} takes a second active session");
        let ended = study_row(ADA, ADA, "2026-03-03 09:00:00", Some("2026-03-03 10:00:00"));
        application.run(&ended);
    }
}

#[test]
fn a_study_session_is_started_once() {
    let start = [
        "start",
        "--user",
        ADA,
        "--subject",
        "maths",
        "--topic",
        "sums",
        "--subtopic",
        "of two",
    ];
    for application in everywhere("study") {
        let engine = application.engine();
        let first = application.json(&[&start[..], &["--now", "2026-03-01T09:00:00Z"]].concat());
        let id = text(&first, "session_id").to_owned();
        assert_eq!(id.len(), 36, "{engine}");
        assert!(["4", "7"].contains(&&id[14..15]), "{id} on {engine}");
        assert_eq!(fact(&first, "new"), true, "{engine}");
        let second = application.json(&start);
        assert_eq!(text(&second, "session_id"), id, "{engine}");
        assert_eq!(fact(&second, "new"), false, "{engine}");
        let shown = application.json(&["show", &id]);
        for (name, value) in [
            ("child_id", ADA),
            ("subject", "maths"),
            ("topic", "sums"),
            ("subtopic", "of two"),
            ("started_at", "2026-03-01T09:00:00Z"),
            ("created_at", "2026-03-01T09:00:00Z"),
            ("updated_at", "2026-03-01T09:00:00Z"),
        ] {
            assert_eq!(text(&shown, name), value, "{name} on {engine}");
        }
        assert!(fact(&shown, "ended_at").is_null(), "{engine}");
        application.done(&["end", &id]);
        let third = application.json(&start);
        assert_ne!(text(&third, "session_id"), id, "{engine}");
        refused(&application, &["start", "--user", ADA], 2, "--subject");
        let nobody = ["start", "--user", "", "--subject", "a", "--topic", "b"];
        refused(&application, &nobody, 2, "--user is empty");
        let nothing = ["start", "--user", BOB, "--subject", " ", "--topic", "b"];
        refused(&application, &nothing, 2, "--subject is empty");
        if engine == "postgres" {
            let words = ["start", "--user", "ada", "--subject", "a", "--topic", "b"];
            refused(&application, &words, 2, "\"ada\" is not a UUID");
        }
    }
}

#[test]
fn a_practice_session_is_a_new_row_each_time_with_nothing_in_it() {
    for application in everywhere("practice") {
        let engine = application.engine();
        for id in ["1", "2"] {
            let answer = application.json(&["start", "--user", "7"]);
            assert_eq!(text(&answer, "session_id"), id, "{engine}");
        }
        let columns = &shape_columns("practice").1[3..];
        let row = ["", "", "0", "0", "0", "0", "0", "0"];
        assert_eq!(
            rows(&application, "UserSessions", columns),
            [row, row],
            "{engine}"
        );
        let said = "have no subject";
        let words = ["start", "--user", "7", "--subject", "maths"];
        refused(&application, &words, 2, said);
        refused(
            &application,
            &["start", "--user", "ada"],
            2,
            "a whole number",
        );
    }
}

#[test]
fn fifty_starts_at_the_same_instant_give_one_session_with_the_constraint_and_without() {
    for has_constraint in [true, false] {
        for application in everywhere("study") {
            let engine = application.engine();
            if has_constraint {
                application.done(&["migrate"]);
            }
            let start = [
                "start",
                "--user",
                ADA,
                "--subject",
                "maths",
                "--topic",
                "sums",
                "--format",
                "csv",
            ];
            let running: Vec<_> = (0..50)
                .map(|_| application.tracked(&start).start())
                .collect();
            let outcomes: Vec<Outcome> = running.into_iter().map(|one| one.finish()).collect();
            let active = rows(&application, "sessions", &["id"]);
            assert_eq!(active.len(), 1, "{engine}, {has_constraint}: {active:?}");
            let mut new = 0;
            for outcome in outcomes {
                let outcome = outcome.expect_ok();
                let said = outcome.stdout();
                assert!(said.contains(&active[0][0]), "{engine}: {said}");
                new += usize::from(said.contains(",true"));
            }
            assert_eq!(new, 1, "{engine}, {has_constraint}");
        }
    }
}

fn interview(application: &Application, id: &str, rest: &str) {
    application.run(&format!(
        "INSERT INTO sessions (id, created_at, desktop_connected_at, session_started_at, status)
         VALUES ('{id}', '2026-03-01 09:00:00', {rest})"
    ));
}

#[test]
fn an_interview_is_connected_then_started_then_ended_each_once() {
    for application in everywhere("interview") {
        let engine = application.engine();
        interview(&application, ONE, "NULL, NULL, 'created'");
        let at = |words: &[&str], now: &str| application.json(&[words, &["--now", now]].concat());
        let connected = at(&["connect", ONE], "2026-03-01T09:01:00Z");
        assert_eq!(fact(&connected, "changed"), true, "{engine}");
        assert_eq!(text(&connected, "status"), "active");
        assert_eq!(
            text(&connected, "desktop_connected_at"),
            "2026-03-01T09:01:00Z"
        );
        assert!(fact(&connected, "session_started_at").is_null(), "{engine}");
        let again = at(&["connect", ONE], "2026-03-01T09:02:00Z");
        assert_eq!(fact(&again, "changed"), false, "{engine}");
        assert_eq!(text(&again, "desktop_connected_at"), "2026-03-01T09:01:00Z");
        refused(&application, &["activate", ONE], 4, "[IN-17]");
        let started = at(&["mark-started", ONE], "2026-03-01T09:03:00Z");
        assert_eq!(text(&started, "session_started_at"), "2026-03-01T09:03:00Z");
        assert_eq!(text(&started, "status"), "active", "{engine}");
        let again = at(&["mark-started", ONE], "2026-03-01T09:30:00Z");
        assert_eq!(
            headline(&again),
            format!(
                "Session {ONE} was started already, at 2026-03-01 09:03:00; nothing was changed"
            ),
            "{engine}"
        );
        assert_eq!(text(&again, "session_started_at"), "2026-03-01T09:03:00Z");
        let ended = at(&["end", ONE], "2026-03-01T10:00:00Z");
        assert_eq!(text(&ended, "status"), "completed", "{engine}");
        assert!(fact(&ended, "duration_seconds").is_null(), "no end is kept");
        assert!(ended["notes"].to_string().contains("no column for its end"));
        let again = at(&["end", ONE], "2026-03-01T11:00:00Z");
        assert_eq!(fact(&again, "changed"), false, "{engine}");
        refused(&application, &["pause", ONE], 5, "there is no table");
    }
}

#[test]
fn an_interview_without_a_desktop_is_activated_and_what_cannot_be_done_is_said() {
    for application in everywhere("interview") {
        let engine = application.engine();
        interview(&application, ONE, "NULL, NULL, 'created'");
        interview(&application, TWO, "NULL, NULL, 'completed'");
        let done = application.json(&["activate", ONE, "--now", "2026-03-01T09:05:00Z"]);
        assert_eq!(text(&done, "status"), "active", "{engine}");
        assert_eq!(text(&done, "session_started_at"), "2026-03-01T09:05:00Z");
        assert!(fact(&done, "desktop_connected_at").is_null(), "{engine}");
        let again = application.json(&["activate", ONE]);
        assert_eq!(fact(&again, "changed"), false, "{engine}");
        assert_eq!(text(&again, "session_started_at"), "2026-03-01T09:05:00Z");
        refused(&application, &["connect", ONE], 4, "[IN-17]");
        for command in ["connect", "mark-started", "activate"] {
            let said = format!("session \"{TWO}\" has the status \"completed\": {command} needs");
            refused(&application, &[command, TWO], 4, &said);
            refused(&application, &[command, ADA], 4, "[IN-16]");
        }
        refused(&application, &["start", "--user", "7"], 2, "does not apply");
    }
}

#[test]
fn an_interview_whose_table_has_a_column_for_it_gets_its_end() {
    for application in everywhere("interview") {
        let instant = match application.engine() {
            "postgres" => "timestamptz",
            _ => "timestamp NULL",
        };
        application.run(&format!(
            "ALTER TABLE sessions ADD COLUMN ended_at {instant}"
        ));
        interview(&application, ONE, "NULL, '2026-03-01 09:03:00', 'active'");
        application.done(&["migrate"]);
        let at = |words: &[&str], now: &str| application.json(&[words, &["--now", now]].concat());
        at(&["pause", ONE], "2026-03-01T09:10:00Z");
        let ended = at(&["end", ONE], "2026-03-01T10:00:00Z");
        let engine = application.engine();
        assert_eq!(text(&ended, "ended_at"), "2026-03-01T10:00:00Z", "{engine}");
        assert_eq!(fact(&ended, "duration_seconds").as_f64(), Some(420.0));
        assert_eq!(fact(&ended, "paused_seconds").as_f64(), Some(3000.0));
    }
}

#[test]
fn the_end_of_practice_sums_its_xp_and_counts_the_days_in_a_row_in_the_zone_of_the_report() {
    for application in everywhere("practice") {
        let engine = application.engine();
        let quote = if engine == "mysql" { '`' } else { '"' };
        // In Berlin: 3 March at 00:30, 4 March, 5 March twice, and a day that is left out before.
        for (id, start) in [
            (1, "2026-03-01 12:00:00"),
            (2, "2026-03-02 23:30:00"),
            (3, "2026-03-04 12:00:00"),
            (4, "2026-03-05 12:00:00"),
            (5, "2026-03-05 14:00:00"),
        ] {
            application.run(&format!(
                "INSERT INTO {quote}UserSessions{quote} (id, user_id, started_at, xp_phrases)
                 VALUES ({id}, 7, '{start}', 3)"
            ));
        }
        application.run(&format!(
            "INSERT INTO {quote}UserSessions{quote} (id, user_id, started_at)
             VALUES (6, 8, '2026-03-03 12:00:00')"
        ));
        let end = |id: &str, more: &[&str]| {
            let words = [
                "end",
                id,
                "--timezone",
                "Europe/Berlin",
                "--now",
                "2026-03-05T14:10:59.9Z",
            ];
            application.json(&[&words, more].concat())
        };
        let first = end(
            "4",
            &[
                "--xp-phrases",
                "10",
                "--xp-session-bonus",
                "5",
                "--xp-streak-bonus",
                "2",
            ],
        );
        assert_eq!(fact(&first, "total_xp"), 17, "{engine}");
        assert_eq!(fact(&first, "streak_before"), 2, "{engine}");
        assert_eq!(fact(&first, "streak_after"), 3, "{engine}");
        let columns = ["id", "duration_seconds", "xp_phrases", "total_xp"];
        let row = &rows(&application, "UserSessions", &columns)[3];
        assert_eq!(row, &["4", "7859", "10", "17"], "{engine}");
        let second = end("5", &["--xp-streak-bonus", "4"]);
        assert_eq!(fact(&second, "total_xp"), 7, "what the row says counts");
        assert_eq!(fact(&second, "streak_before"), 3, "{engine}");
        assert_eq!(fact(&second, "streak_after"), 3, "{engine}");
        let alone = end("1", &[]);
        assert_eq!(fact(&alone, "streak_before"), 0, "{engine}");
        assert_eq!(fact(&alone, "streak_after"), 1, "{engine}");
        let again = end("4", &["--xp-phrases", "99"]);
        assert_eq!(fact(&again, "changed"), false, "{engine}");
        assert_eq!(fact(&again, "total_xp"), 17, "{engine}");
        assert!(headline(&again).ends_with("nothing was changed"), "{again}");
    }
}

#[test]
fn study_and_platform_end_once_with_their_duration() {
    for application in everywhere("platform") {
        application.run(
            "INSERT INTO user_sessions (id, person_id, session_id, started_at)
             VALUES (1, 7, 'a', '2026-03-01 09:00:00'), (2, 8, 'b', '2026-05-01 09:00:00')",
        );
        let engine = application.engine();
        let ended = application.json(&["end", "1", "--now", "2026-03-01T09:12:59Z"]);
        assert_eq!(fact(&ended, "duration_seconds").as_f64(), Some(779.0));
        let ended = application.json(&["end", "1", "--now", "2026-03-02T09:00:00Z"]);
        assert_eq!(text(&ended, "ended_at"), "2026-03-01T09:12:59Z", "{engine}");
        assert_eq!(fact(&ended, "changed"), false, "{engine}");
        // It starts after now.
        let late = application.json(&["end", "2"]);
        assert_eq!(text(&late, "ended_at"), "2026-05-01T09:00:00Z", "{engine}");
        let minutes = rows(&application, "user_sessions", &["id", "duration_minutes"]);
        assert_eq!(minutes, [["1", "12"], ["2", "0"]], "{engine}");
        refused(&application, &["end", "3"], 4, "session \"3\" is not found");
        refused(&application, &["end", "one"], 2, "is not a whole number");
        refused(
            &application,
            &["end", "1", "--xp-phrases", "1"],
            2,
            "give no XP",
        );
    }
    for application in everywhere("study") {
        let engine = application.engine();
        application.run(&study_row(ONE, ADA, "2026-03-01 09:00:00", None));
        let ended = application.json(&["end", ONE, "--now", "2026-03-01T09:30:00Z"]);
        assert_eq!(fact(&ended, "duration_seconds").as_f64(), Some(1800.0));
        let shown = application.json(&["show", ONE]);
        assert_eq!(text(&shown, "ended_at"), "2026-03-01T09:30:00Z", "{engine}");
        assert_eq!(text(&shown, "updated_at"), "2026-03-01T09:30:00Z");
        let again = application.json(&["end", ONE]);
        assert_eq!(fact(&again, "changed"), false, "{engine}");
        assert_eq!(application.json(&["show", ONE])["facts"], shown["facts"]);
    }
    for application in everywhere("snapshot") {
        refused(
            &application,
            &["end", "1"],
            2,
            "does not apply to the shape",
        );
    }
}

#[test]
fn what_a_session_lasts_is_net_of_its_pauses() {
    for application in everywhere("platform") {
        let engine = application.engine();
        application.run(
            "INSERT INTO user_sessions (id, person_id, session_id, started_at)
             VALUES (1, 7, 'a', '2026-03-01 09:00:00')",
        );
        refused(
            &application,
            &["pause", "1"],
            5,
            "sessionize tracked migrate",
        );
        application.done(&["migrate"]);
        let at = |words: &[&str], clock: &str| {
            let now = format!("2026-03-01T{clock}Z");
            application.json(&[words, &["--now", &now]].concat())
        };
        let none = at(&["resume", "1"], "09:05:00");
        assert!(headline(&none).contains("was never paused"), "{none}");
        assert_eq!(fact(&at(&["pause", "1"], "09:10:00"), "changed"), true);
        let twice = at(&["pause", "1"], "09:15:00");
        assert_eq!(fact(&twice, "changed"), false, "{engine}");
        assert_eq!(fact(&twice, "paused_seconds").as_f64(), Some(300.0));
        assert!(headline(&twice).contains("since 2026-03-01 09:10:00"));
        let resumed = at(&["resume", "1"], "09:20:00");
        assert_eq!(fact(&resumed, "paused_seconds").as_f64(), Some(600.0));
        assert_eq!(fact(&resumed, "paused"), false, "{engine}");
        let twice = at(&["resume", "1"], "09:25:00");
        assert_eq!(fact(&twice, "changed"), false, "{engine}");
        assert_eq!(fact(&twice, "paused_seconds").as_f64(), Some(600.0));
        // A pause of the instant at which the last one began, and one that the end closes.
        at(&["pause", "1"], "09:30:00");
        at(&["resume", "1"], "09:30:00");
        at(&["pause", "1"], "09:30:00");
        at(&["resume", "1"], "09:31:00");
        at(&["pause", "1"], "09:50:00");
        let ended = at(&["end", "1"], "10:00:00");
        assert_eq!(fact(&ended, "paused_seconds").as_f64(), Some(1260.0));
        assert_eq!(fact(&ended, "duration_seconds").as_f64(), Some(2340.0));
        let minutes = rows(&application, "user_sessions", &["duration_minutes"]);
        assert_eq!(minutes, [["39"]], "{engine}");
        let shown = application.json(&["show", "1"]);
        assert_eq!(fact(&shown, "paused_seconds").as_f64(), Some(1260.0));
        assert_eq!(fact(&shown, "net_duration_seconds").as_f64(), Some(2340.0));
        let open = "SELECT CAST(count(*) AS CHAR(9)) FROM user_sessions_pauses
                    WHERE resumed_at IS NULL";
        assert_eq!(application.ask(open)[0][0].trim(), "0", "{engine}");
        refused(&application, &["pause", "1"], 4, "has ended: pause needs");
        refused(&application, &["resume", "1"], 4, "[IN-17]");
    }
}

#[test]
fn of_many_at_once_one_does_it_and_all_say_the_same() {
    for application in everywhere("interview") {
        let engine = application.engine();
        interview(&application, ONE, "'2026-03-01 09:01:00', NULL, 'active'");
        let together = |words: &[&str]| -> Vec<Value> {
            let words = [words, &["--format", "json"]].concat();
            let running: Vec<_> = (0..12)
                .map(|_| application.tracked(&words).start())
                .collect();
            let read = |outcome: Outcome| {
                let outcome = outcome.expect_ok();
                serde_json::from_slice(&outcome.stdout).expect("one object")
            };
            running.into_iter().map(|one| read(one.finish())).collect()
        };
        let changed = |answers: &[Value]| {
            let is_changed = |answer: &&Value| *fact(answer, "changed") == true;
            answers.iter().filter(is_changed).count()
        };
        let migrated = together(&["migrate"]);
        let made: usize = migrated.iter().map(|one| steps(one, "made").len()).sum();
        assert_eq!(made, 3, "two indexes and the pauses on {engine}");
        let started = together(&["mark-started", ONE]);
        assert_eq!(changed(&started), 1, "{engine}");
        for answer in &started {
            let at = text(answer, "session_started_at");
            assert_eq!(at, "2026-04-01T00:00:00Z", "{engine}");
        }
        for words in [["pause", ONE], ["resume", ONE], ["end", ONE]] {
            assert_eq!(changed(&together(&words)), 1, "{words:?} on {engine}");
        }
    }
}

#[test]
fn names_ids_and_times_of_the_applications_own_making_are_kept_as_they_are() {
    const CONFIG: &str = "[tracked]\ntable = \"Lern \\\"Sitzung\\\"\"\n[tracked.columns]\n\
        id = \"Nr\"\nchild_id = \"select\"\nstarted_at = \"Von\"\nended_at = \"bis wann?\"\n\
        \"pauses.session_id\" = \"Sitzung\"\n[tracked.tables]\npauses = \"Pausen\"\n";
    for application in bare_everywhere("study") {
        let engine = application.engine();
        application.scratch().file("sessionize.toml", CONFIG);
        let name = if engine == "mysql" {
            "`Lern \"Sitzung\"`"
        } else {
            "\"Lern \"\"Sitzung\"\"\""
        };
        let (id, at, quote) = match engine {
            "postgres" => ("bytea", "timestamp(3)", '"'),
            "mysql" => ("binary(16)", "datetime(3)", '`'),
            _ => ("blob", "integer", '"'),
        };
        let column = |name: &str| format!("{quote}{name}{quote}");
        application.run(&format!(
            "CREATE TABLE {name} ({} {id} PRIMARY KEY, {} {id} NOT NULL, subject varchar(9) NOT NULL,
                 topic varchar(9) NULL, {} {at} NOT NULL, {} {at} NULL)",
            column("Nr"),
            column("select"),
            column("Von"),
            column("bis wann?")
        ));
        if engine == "sqlite" {
            // An application that counts milliseconds.
            application.run(&format!(
                "INSERT INTO {name} VALUES (x'01', x'02', 'art', NULL, 1772000000000, NULL)"
            ));
        }
        let place = ["--table", "Lern \"Sitzung\""];
        let json = |words: &[&str]| application.json(&[words, &place].concat());
        json(&["migrate"]);
        assert!(steps(&json(&["migrate"]), "made").is_empty(), "{engine}");
        let start = [
            "start",
            "--user",
            ADA,
            "--subject",
            "maths",
            "--topic",
            "sums",
            "--now",
        ];
        let started = json(&[&start[..], &["2026-03-01T09:00:00.125Z"]].concat());
        let id = text(&started, "session_id");
        assert_eq!(text(&started, "user_id"), ADA, "{engine}");
        let again = json(&[&start[..], &["2026-03-01T10:00:00Z"]].concat());
        assert_eq!(text(&again, "session_id"), id, "{engine}");
        json(&["pause", id, "--now", "2026-03-01T09:10:00Z"]);
        json(&["resume", id, "--now", "2026-03-01T09:15:00Z"]);
        let ended = json(&["end", id, "--now", "2026-03-01T09:30:00Z"]);
        let seconds = fact(&ended, "duration_seconds").as_f64();
        assert_eq!(seconds, Some(1499.875), "{engine}");
        if engine == "sqlite" {
            // The end is the column's first value, and is written as the starts are.
            let ends = "SELECT \"bis wann?\" FROM \"Lern \"\"Sitzung\"\"\" WHERE \"bis wann?\" > 0";
            assert_eq!(application.ask(ends), [["1772357400000"]]);
        }
        let again = json(&["end", id]);
        assert_eq!(fact(&again, "changed"), false, "{engine}");
        let other = json(&["start", "--user", BOB, "--subject", "a", "--topic", "b"]);
        assert_ne!(text(&other, "session_id"), id, "{engine}");
        let said = ["end", "x", "--table", "Lern \"Sitzung\""];
        refused(&application, &said, 2, "\"x\" is not a UUID");
    }
}

#[test]
fn messy_rows_are_kept_as_they_are_and_ended_where_that_can_be() {
    for application in everywhere("platform") {
        let engine = application.engine();
        application.run(
            "INSERT INTO user_sessions (id, person_id, session_id, started_at, ended_at)
             VALUES (1, 7, 'end before start', '2026-03-01 09:00:00', '2026-03-01 08:00:00'),
                    (2, 7, 'of 340 hours', '2026-03-01 09:00:00', '2026-03-15 13:00:00'),
                    (3, 7, 'open inside another', '2026-03-02 09:00:00', NULL),
                    (4, 7, 'twice at once', '2026-03-02 09:00:00', NULL),
                    (5, 7, 'in the future', '2027-03-02 09:00:00', NULL)",
        );
        for id in ["1", "2"] {
            let answer = application.json(&["end", id]);
            assert_eq!(fact(&answer, "changed"), false, "{id} on {engine}");
        }
        let events = application.scratch().file(
            "clicks.csv",
            "user_id,at\n7,2026-03-02T09:00:00Z\n7,2026-03-02T10:00:00Z\n",
        );
        let answer = application.json(&["close-idle", &events.display().to_string()]);
        let ends: Vec<&Value> = answer["sessions"]
            .as_array()
            .expect("a table")
            .iter()
            .map(|row| &row["ended_at"])
            .collect();
        assert_eq!(ends, ["2026-03-02T10:00:00Z"; 2], "{engine}");
        assert_eq!(fact(&answer, "active_sessions"), 1, "the one in the future");
        let first = application.json(&["show", "1"]);
        assert_eq!(text(&first, "ended_at"), "2026-03-01T08:00:00Z", "{engine}");
    }
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        application.run(&format!(
            "INSERT INTO interview_sessions (session_id, interviewee_id, start_time, status)
             VALUES ('{ONE}', NULL, '2026-03-01 09:00:00', 'no status we know'),
                    ('{TWO}', NULL, NULL, NULL)"
        ));
        let answer = application.json(&["close-idle"]);
        assert_eq!(fact(&answer, "sessions_without_start"), 1, "{engine}");
        let ended = application.json(&["show", ONE]);
        assert_eq!(text(&ended, "end_time"), "2026-03-01T09:00:00Z", "{engine}");
        assert_eq!(text(&ended, "status"), "completed", "{engine}");
    }
    let [sqlite, ..] = everywhere("study");
    sqlite.run(&study_row(ONE, ADA, "soon", None));
    sqlite.run(&study_row(TWO, BOB, "2026-03-01 09:00:00", Some("later")));
    let answer = sqlite.json(&["end", TWO]);
    assert_eq!(
        fact(&answer, "changed"),
        false,
        "an end that cannot be read is one"
    );
    let answer = sqlite.json(&["end", ONE]);
    assert!(
        answer["notes"].to_string().contains("cannot be read"),
        "{answer}"
    );
    assert!(fact(&answer, "duration_seconds").is_null(), "{answer}");
}

#[test]
fn an_account_that_may_only_read_is_enough_for_what_reads_and_for_nothing_that_keeps() {
    let [_, servers @ ..] = everywhere("platform");
    for application in servers {
        let engine = application.engine();
        application.run(
            "INSERT INTO user_sessions (id, person_id, session_id, started_at)
             VALUES (1, 7, 'a', '2026-03-01 09:00:00')",
        );
        application.done(&["migrate"]);
        application.run(match engine {
            "postgres" => {
                "CREATE ROLE only_reads LOGIN;
                 GRANT SELECT ON user_sessions, user_sessions_pauses TO only_reads"
            }
            _ => {
                "CREATE USER only_reads@localhost; GRANT SELECT ON user_sessions TO only_reads@localhost;
                 GRANT SELECT ON user_sessions_pauses TO only_reads@localhost"
            }
        });
        let before = rows(&application, "user_sessions", shape_columns("platform").1);
        let address = application.address();
        let (server, rest) = address.split_once("://").expect("an address");
        let (_, place) = rest.split_once('@').expect("an account");
        let address = format!("{server}://only_reads@{place}");
        let asked = |words: &[&str]| {
            let call = application.scratch().sessionize(["tracked"]);
            let call = call.args(words.to_vec());
            call.args(["--database", &address, "--shape", "platform"])
                .run()
        };
        asked(&["show", "1"]).expect_ok();
        let dry = asked(&["close-idle", "--dry-run"]).expect_ok();
        assert!(dry.stdout().contains("would be ended"), "{dry:?}");
        for words in [&["end", "1"][..], &["pause", "1"], &["close-idle"]] {
            let outcome = asked(words).expect_failure(5);
            assert!(outcome.stderr().contains("denied"), "{engine}: {outcome:?}");
        }
        let after = rows(&application, "user_sessions", shape_columns("platform").1);
        assert_eq!(after, before, "{engine}");
    }
}

/// Attempts of a child at these times.
fn attempts(application: &Application, child: &str, times: &[&str]) {
    for at in times {
        application.run(&format!(
            "INSERT INTO attempts (child_id, question_id, created_at) VALUES ('{child}', 1, '{at}')"
        ));
    }
}

#[test]
fn sessions_left_open_end_at_the_last_activity_and_those_without_any_at_their_start() {
    const THREE: &str = "33333333-3333-4333-8333-333333333333";
    const FOUR: &str = "44444444-4444-4444-8444-444444444444";
    for application in everywhere("study") {
        let engine = application.engine();
        // Ada left one open, then another; Bob's last attempt is at the timeout exactly, and what
        // lies after now or before the start is none of the session's.
        application.run(&study_row(ONE, ADA, "2026-03-01 09:00:00", None));
        application.run(&study_row(TWO, ADA, "2026-03-01 12:00:00", None));
        application.run(&study_row(THREE, BOB, "2026-03-01 17:00:00", None));
        application.run(&study_row(FOUR, TWO, "2026-03-01 09:00:00", None));
        let ada = [
            "2026-03-01 08:59:59",
            "2026-03-01 09:00:00",
            "2026-03-01 09:20:00",
        ];
        attempts(&application, ADA, &ada);
        attempts(
            &application,
            ADA,
            &["2026-03-01 12:10:00", "2026-03-02 12:00:00"],
        );
        attempts(&application, BOB, &["2026-03-01 17:30:00"]);
        let log = format!(
            "user_id,at\n{ADA},2026-03-01T12:25:00Z\n{ADA},2026-03-01T18:30:00Z\n\
             nobody,2026-03-01T12:25:00Z\n"
        );
        let clicks = application.scratch().file("clicks.csv", log);
        let clicks = clicks.display().to_string();
        let words = [
            "close-idle",
            "--timeout",
            "30m",
            "--now",
            "2026-03-01T18:00:00Z",
            &clicks,
        ];
        let before = rows(&application, "sessions", shape_columns("study").1);
        let dry = application.json(&[&words[..], &["--dry-run"]].concat());
        assert_eq!(
            rows(&application, "sessions", shape_columns("study").1),
            before
        );
        let done = application.json(&words);
        assert_eq!(dry["sessions"], done["sessions"], "{engine}");
        assert_eq!(headline(&done), "3 sessions ended at the last activity");
        assert_eq!(fact(&done, "active_sessions"), 1, "{engine}");
        let listed: Vec<[String; 4]> = done["sessions"]
            .as_array()
            .expect("a table")
            .iter()
            .map(|row| {
                let cell = |name: &str| match &row[name] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let seconds = row["duration_seconds"].as_f64().expect("a number");
                [
                    cell("session_id"),
                    cell("ended_at"),
                    seconds.to_string(),
                    cell("why"),
                ]
            })
            .collect();
        let none = "no activity: ends at its start";
        assert_eq!(
            listed,
            [
                [ONE, "2026-03-01T09:20:00Z", "1200", "last seen in attempts"],
                [FOUR, "2026-03-01T09:00:00Z", "0", none],
                [TWO, "2026-03-01T12:25:00Z", "1500", "last seen in clicks"],
            ],
            "{engine}"
        );
        assert_eq!(
            text(&application.json(&["show", TWO]), "ended_at"),
            "2026-03-01T12:25:00Z"
        );
        let again = application.json(&words);
        assert_eq!(
            headline(&again),
            "No session was left open for longer than the timeout",
            "{engine}"
        );
    }
}

#[test]
fn practice_left_open_gets_its_duration_and_days_in_a_row_too() {
    for application in everywhere("practice") {
        let engine = application.engine();
        application.done(&["start", "--user", "7", "--now", "2026-03-01T09:00:00Z"]);
        application.done(&["start", "--user", "7", "--now", "2026-03-02T09:00:00Z"]);
        let clicks = application
            .scratch()
            .file("clicks.csv", "user_id,at\n7,2026-03-02T09:10:00Z\n");
        application.done(&["close-idle", &clicks.display().to_string()]);
        let columns = ["id", "duration_seconds", "streak_before", "streak_after"];
        assert_eq!(
            rows(&application, "UserSessions", &columns),
            [["1", "0", "0", "1"], ["2", "600", "1", "2"]],
            "{engine}"
        );
    }
}

#[test]
fn another_ones_session_is_kept_by_nobody_else_and_not_found() {
    for application in everywhere("study") {
        let engine = application.engine();
        application.run(&format!(
            "INSERT INTO children VALUES ('{ADA}', '{ONE}'), ('{BOB}', '{TWO}')"
        ));
        application.run(&study_row(ONE, ADA, "2026-03-01 09:00:00", None));
        application.run(&study_row(TWO, BOB, "2026-03-01 09:00:00", None));
        application.done(&["migrate"]);
        for command in ["end", "pause", "resume"] {
            let other = [command, TWO, "--as-parent", ONE];
            let other = refused(&application, &other, 4, "is not found");
            let missing = [command, ADA, "--as-parent", ONE];
            let missing = refused(&application, &missing, 4, "is not found");
            assert_eq!(
                other.stderr().replace(TWO, ADA),
                missing.stderr(),
                "{engine}"
            );
        }
        let start = ["start", "--subject", "a", "--topic", "b", "--user", BOB];
        for who in [["--as-parent", ONE], ["--as-user", ADA]] {
            let said = format!("user \"{BOB}\" is not found");
            refused(&application, &[&start[..], &who].concat(), 4, &said);
        }
        let own = application.json(&[&start[..], &["--as-parent", TWO]].concat());
        assert_eq!(text(&own, "session_id"), TWO, "{engine}");
        application.done(&["close-idle", "--as-parent", ONE]);
        let open = application.json(&["show", TWO]);
        assert!(fact(&open, "ended_at").is_null(), "{engine}");
        let ended = application.json(&["show", ONE]);
        assert_eq!(text(&ended, "ended_at"), "2026-03-01T09:00:00Z", "{engine}");
        refused(
            &application,
            &["migrate", "--as-parent", ONE],
            2,
            "everyone",
        );
    }
}

#[test]
fn the_table_of_commands_and_shapes_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tracked.md");
    let docs = fs::read_to_string(path).expect("the manual is there");
    let table = sessionize::tracked_table();
    assert!(docs.contains(&table), "docs/tracked.md lacks:\n{table}");
}

/// Runs a command that is killed before its first statement, its second and so on, until it is
/// through; nothing may be there until then.
#[cfg(feature = "failpoints")]
fn killed_everywhere(application: &Application, words: &[&str], tables: &[(&str, &[&str])]) -> u32 {
    let state = || -> Vec<_> {
        let of = |(table, columns): &(&str, &[&str])| rows(application, table, columns);
        tables.iter().map(of).collect()
    };
    let before = state();
    for number in 1..40 {
        let call = application.tracked(words);
        let outcome = call
            .env("SESSIONIZE_FAIL_AT_WRITE", number.to_string())
            .run();
        if outcome.code() == Some(0) {
            assert_ne!(state(), before, "{words:?} on {}", application.engine());
            return number - 1;
        }
        assert_eq!(outcome.signal(), Some(6), "{outcome:?}");
        assert_eq!(state(), before, "{words:?}, statement {number}");
    }
    panic!("{words:?} never comes to its end");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_command_that_is_killed_before_any_of_its_statements_has_done_nothing() {
    for application in everywhere("platform") {
        application.done(&["migrate"]);
        application.run(
            "INSERT INTO user_sessions (id, person_id, session_id, started_at)
             VALUES (1, 7, 'a', '2026-03-01 09:00:00'), (2, 8, 'b', '2026-03-01 09:00:00'),
                    (3, 8, 'c', '2026-03-01 19:00:00')",
        );
        let pauses: &[&str] = &["session_id", "paused_at", "resumed_at"];
        let tables = [shape_columns("platform"), ("user_sessions_pauses", pauses)];
        assert!(killed_everywhere(&application, &["pause", "1"], &tables) >= 2);
        assert!(killed_everywhere(&application, &["resume", "1"], &tables) >= 2);
        application.done(&["pause", "1"]);
        assert!(killed_everywhere(&application, &["end", "1"], &tables) >= 3);
        assert!(killed_everywhere(&application, &["close-idle"], &tables) >= 3);
    }
    for application in everywhere("interview") {
        interview(&application, ONE, "NULL, NULL, 'created'");
        interview(&application, TWO, "NULL, NULL, 'created'");
        let tables = [shape_columns("interview")];
        for words in [
            ["connect", ONE],
            ["mark-started", ONE],
            ["end", ONE],
            ["activate", TWO],
        ] {
            assert!(killed_everywhere(&application, &words, &tables) >= 2);
        }
    }
    for application in everywhere("practice") {
        let tables = [shape_columns("practice")];
        assert!(killed_everywhere(&application, &["start", "--user", "7"], &tables) >= 2);
        let id = rows(&application, "UserSessions", &["id"])[0][0].clone();
        let end = ["end", &id, "--xp-phrases", "4"];
        assert!(killed_everywhere(&application, &end, &tables) >= 2);
    }
    for application in everywhere("study") {
        let tables = [shape_columns("study")];
        let start = ["start", "--user", ADA, "--subject", "a", "--topic", "b"];
        assert!(killed_everywhere(&application, &start, &tables) >= 2);
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn a_migration_that_is_killed_before_any_of_its_statements_is_finished_by_the_next() {
    for shape in ["study", "interview"] {
        for application in everywhere(shape) {
            let engine = application.engine();
            match shape {
                "study" => application.run(&study_row(ONE, ADA, "2026-03-01 09:00:00", None)),
                _ => interview(&application, ONE, "NULL, NULL, 'created'"),
            }
            let (table, columns) = shape_columns(shape);
            let before = rows(&application, table, columns);
            let mut kills = 0;
            loop {
                kills += 1;
                let call = application.tracked(&["migrate"]);
                // What is there already is no statement, so that the second one is killed each time
                // where statements stand as they are made, and a later one each time elsewhere.
                let number = if engine == "mysql" { 2 } else { kills };
                let outcome = call
                    .env("SESSIONIZE_FAIL_AT_WRITE", number.to_string())
                    .run();
                assert_eq!(rows(&application, table, columns), before, "{engine}");
                if outcome.code() == Some(0) {
                    break;
                }
                assert_eq!(outcome.signal(), Some(6), "{outcome:?}");
                application.done(&["show", ONE]);
                assert!(kills < 30, "{engine}: it never comes to its end");
            }
            assert!(kills > 3, "{shape} on {engine}: {kills}");
            let answer = application.json(&["migrate"]);
            assert!(steps(&answer, "made").is_empty(), "{engine}: {answer}");
        }
    }
}

#[test]
fn what_history_and_summary_call_a_duration_is_net_of_pauses() {
    for application in everywhere("study") {
        let engine = application.engine();
        application.run(&study_row(ONE, ADA, "2026-03-01 09:00:00", None));
        application.done(&["migrate"]);
        application.done(&["pause", ONE, "--now", "2026-03-01T09:10:00Z"]);
        application.done(&["resume", ONE, "--now", "2026-03-01T09:25:00Z"]);
        // 40 minutes so far, 15 of them paused; in the end 60.
        let summary = application.json(&["summary", ONE, "--now", "2026-03-01T09:40:00Z"]);
        assert_eq!(fact(&summary, "duration_seconds"), 1500, "{engine}");
        application.done(&["end", ONE, "--now", "2026-03-01T10:00:00Z"]);
        let summary = application.json(&["summary", ONE]);
        assert_eq!(fact(&summary, "duration_seconds"), 2700, "{engine}");
        let history = application.json(&["history", "--user", ADA]);
        assert_eq!(history["sessions"][0]["duration_seconds"], 2700, "{engine}");
    }
}

#[test]
fn times_are_written_as_the_columns_other_times_are() {
    // What is there, the type of its column, and how 10:00:01.9 is written beside it.
    let forms = [
        (
            "'2026-03-01T09:00:00.000Z'",
            "text",
            "2026-03-02T10:00:01.900Z",
        ),
        (
            "'2026-03-01T09:00:00Z'",
            "text",
            "2026-03-02T10:00:01.900000Z",
        ),
        (
            "'2026-03-01T09:00:00-05:00'",
            "text",
            "2026-03-02T10:00:01.900000+00:00",
        ),
        (
            "'2026-03-01 09:00:00.123456+00:00'",
            "text",
            "2026-03-02 10:00:01.900000+00:00",
        ),
        ("'2026-03-01 09:00:00.12'", "text", "2026-03-02 10:00:01.90"),
        ("1772355600.25", "real", "1772445601.9"),
        ("1772355600250.0", "real", "1772445601900.0"),
    ];
    for (there, kind, written) in forms {
        let [application, ..] = bare_everywhere("practice");
        application.run(&format!(
            "CREATE TABLE \"UserSessions\" (id integer PRIMARY KEY, user_id text, started_at {kind},
                 ended_at {kind}, duration_seconds integer, xp_phrases integer, xp_session_bonus integer,
                 xp_streak_bonus integer, total_xp integer, streak_before integer, streak_after integer);
             INSERT INTO \"UserSessions\" (user_id, started_at) VALUES ('ada', {there})"
        ));
        let ended = application.json(&["end", "1", "--now", "2026-03-02T10:00:01.9Z"]);
        assert_eq!(
            text(&ended, "ended_at"),
            "2026-03-02T10:00:01.900Z",
            "{there}"
        );
        assert!(fact(&ended, "duration_seconds").is_number(), "{there}");
        let row = rows(&application, "UserSessions", &["ended_at"]);
        assert_eq!(row, [[written]], "{there}");
        let end = ["end", "1", "--now", "2026-03-03T00:00:00Z"];
        assert_eq!(fact(&application.json(&end), "changed"), false, "{there}");
    }
}

#[test]
fn a_time_is_cut_and_never_rounded_into_the_future() {
    for application in bare_everywhere("interview") {
        let engine = application.engine();
        let at = match engine {
            "postgres" => "timestamptz(0)",
            _ => "timestamp NULL",
        };
        application.run(&format!(
            "CREATE TABLE sessions (id char(36) PRIMARY KEY, created_at {at}, desktop_connected_at {at},
                 session_started_at {at}, ended_at {at}, status varchar(20) NOT NULL)"
        ));
        application.run(&format!(
            "INSERT INTO sessions (id, created_at, status)
                 VALUES ('{ONE}', '2026-03-01 08:00:00', 'created')"
        ));
        let now = ["--now", "2026-03-01T09:00:00.75Z"];
        let started = application.json(&[&["mark-started", ONE][..], &now].concat());
        let at = text(&started, "session_started_at");
        assert!(at.starts_with("2026-03-01T09:00:00"), "{at} on {engine}");
        let ended = application.json(&[&["end", ONE][..], &now].concat());
        assert_eq!(ended["notes"].to_string(), "[]", "{engine}");
    }
}

#[test]
fn what_does_not_fit_into_its_column_is_refused_and_never_cut() {
    for application in bare_everywhere("study") {
        let engine = application.engine();
        if engine == "sqlite" {
            // It knows no lengths.
            continue;
        }
        application.run(
            "CREATE TABLE sessions (id varchar(36) PRIMARY KEY, child_id varchar(6) NOT NULL,
                 subject varchar(6) NOT NULL, topic char(6) NULL, started_at timestamp(6) NOT NULL,
                 ended_at timestamp(6) NULL)",
        );
        let start = |user, subject, topic| {
            [
                "start",
                "--user",
                user,
                "--subject",
                subject,
                "--topic",
                topic,
            ]
            .to_vec()
        };
        for words in [
            start("ada", "mathematics", "sums"),
            start("ada", "maths", "fractions"),
            start("adalovelace", "maths", "sums"),
        ] {
            refused(&application, &words, 5, "too long for its column");
            assert!(
                rows(&application, "sessions", &["id"]).is_empty(),
                "{engine}"
            );
        }
        let started = application.json(&start("adalov", "maths", "sums"));
        let id = text(&started, "session_id");
        // Another one's id begins with this one.
        let seen = ["show", id, "--as-user", "adalovelace"];
        refused(&application, &seen, 4, "is not found");
        let longer = format!("{id}0");
        refused(&application, &["end", &longer], 4, "is not found");
        application.done(&["end", id, "--as-user", "adalov"]);
    }
}

#[test]
fn migrate_adds_a_column_by_its_mapped_name_and_it_is_written_as_the_others_are() {
    for application in bare_everywhere("interview") {
        let engine = application.engine();
        let instant = match engine {
            "postgres" => "timestamptz",
            "mysql" => "datetime(6)",
            _ => "text",
        };
        application.run(&format!(
            "CREATE TABLE sessions (id varchar(36) PRIMARY KEY, created_at {instant} NOT NULL,
                 desktop_connected_at {instant} NULL, status varchar(20) NOT NULL);
             INSERT INTO sessions VALUES ('{ONE}', '2026-03-01T09:00:00.000', NULL, 'created');"
        ));
        let config = "[tracked.columns]\nsession_started_at = \"Begun\"\n";
        application.scratch().file("sessionize.toml", config);
        let answer = application.json(&["migrate"]);
        let made = steps(&answer, "made");
        assert!(made.contains(&"Begun".to_owned()), "{engine}: {answer}");
        assert!(
            steps(&application.json(&["migrate"]), "made").is_empty(),
            "{engine}"
        );
        let started = ["mark-started", ONE, "--now", "2026-03-01T10:00:00.25Z"];
        let started = application.json(&started);
        let at = text(&started, "session_started_at");
        assert_eq!(at, "2026-03-01T10:00:00.250Z", "{engine}");
        if engine == "sqlite" {
            let row = rows(&application, "sessions", &["Begun"]);
            assert_eq!(row, [["2026-03-01T10:00:00.250"]]);
        }
    }
}

#[test]
fn who_pauses_or_resumes_a_session_was_there() {
    for application in everywhere("practice") {
        let engine = application.engine();
        application.done(&["migrate"]);
        for (user, id) in [("7", "1"), ("8", "2")] {
            application.done(&["start", "--user", user, "--now", "2026-03-01T09:00:00Z"]);
            application.done(&["pause", id, "--now", "2026-03-01T09:20:00Z"]);
        }
        application.done(&["resume", "2", "--now", "2026-03-01T11:50:00Z"]);
        let idle = [
            "close-idle",
            "--timeout",
            "30m",
            "--now",
            "2026-03-01T12:00:00Z",
        ];
        let answer = application.json(&idle);
        assert_eq!(fact(&answer, "active_sessions"), 1, "{engine}");
        let ended = &answer["sessions"][0];
        assert_eq!(ended["session_id"], "1", "{engine}");
        assert_eq!(ended["ended_at"], "2026-03-01T09:20:00Z", "{engine}");
        assert_eq!(ended["why"], "last seen in pauses", "{engine}");
        let columns = ["id", "duration_seconds"];
        let row = rows(&application, "UserSessions", &columns);
        assert_eq!(row, [["1", "1200"], ["2", ""]], "{engine}");
    }
}

#[test]
fn a_start_that_a_constraint_keeps_out_says_so() {
    let [application, ..] = bare_everywhere("practice");
    application.run(
        "CREATE TABLE \"UserSessions\" (id text PRIMARY KEY, user_id text UNIQUE, started_at text,
             ended_at text)",
    );
    application.done(&["start", "--user", "ada"]);
    let again = ["start", "--user", "ada"];
    refused(
        &application,
        &again,
        5,
        "a constraint of the database keeps user \"ada\"",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_does_not_hide_what_was_done() {
    let [application, ..] = everywhere("practice");
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full device");
    let call = application.tracked(&["start", "--user", "7"]);
    let outcome = call.stdout_to(full).run().expect_failure(6);
    let said = "the database has what the command did";
    assert!(outcome.stderr().contains(said), "{outcome:?}");
    assert_eq!(rows(&application, "UserSessions", &["id"]), [["1"]]);
}
