//! `sessionize tracked summary`, `history`, `trends` and `streaks`: what users did in their sessions,
//! on every engine.

use serde_json::{Value, json};

use crate::applications::{Application, everywhere};

/// A UUID with this number at its end.
fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Adds study sessions: id, child, subject, start, end or `NULL`.
fn sessions(application: &Application, rows: &[(u32, u32, &str, &str, &str)]) {
    for (session, child, subject, start, end) in rows {
        let end = match *end {
            "NULL" => "NULL".to_owned(),
            end => format!("'{end}'"),
        };
        application.run(&format!(
            "INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at)
             VALUES ('{}', '{}', '{subject}', 'a topic', '{start}', {end})",
            id(*session),
            id(*child)
        ));
    }
}

/// Adds attempts: child, question, instant, whether it was correct, milliseconds.
fn attempts(application: &Application, rows: &[(u32, &str, &str, &str, &str)]) {
    let rows = rows.iter().map(|(child, question, at, correct, time)| {
        format!("('{}', {question}, '{at}', {correct}, {time})", id(*child))
    });
    let rows: Vec<String> = rows.collect();
    application.run(&format!(
        "INSERT INTO attempts (child_id, question_id, created_at, is_correct, time_taken_ms)
         VALUES {}",
        rows.join(", ")
    ));
}

/// Two children with a parent each, and sessions and attempts as messy as real ones.
fn classroom() -> [Application; 3] {
    let applications = everywhere("study");
    for application in &applications {
        application.run(&format!(
            "INSERT INTO children VALUES ('{}', '{}'), ('{}', '{}');
             INSERT INTO question_bank VALUES (1, 'maths'), (2, 'english'), (3, 'art')",
            id(1),
            id(91),
            id(2),
            id(92)
        ));
        sessions(
            application,
            &[
                (11, 1, "maths", "2026-03-01 09:00:00", "2026-03-01 09:30:00"),
                (12, 1, "english", "2026-03-02 10:00:00", "NULL"),
                (13, 2, "maths", "2026-03-01 09:00:00", "2026-03-01 09:30:00"),
                (14, 1, "maths", "2026-03-03 09:00:00", "2026-03-03 08:00:00"),
                (15, 1, "maths", "2026-03-04 09:00:00", "2026-03-18 13:00:00"),
            ],
        );
        attempts(
            application,
            &[
                (1, "1", "2026-03-01 08:59:59.999999", "1", "7"),
                (1, "1", "2026-03-01 09:00:00", "1", "1000"),
                (1, "1", "2026-03-01 09:10:00", "1", "0"),
                (1, "2", "2026-03-01 09:11:00", "NULL", "-5"),
                (1, "NULL", "2026-03-01 09:12:00", "1", "99999999"),
                (1, "1", "2026-03-01 09:13:00", "1", "NULL"),
                (1, "2", "2026-03-01 09:30:00", "0", "3000"),
                (1, "1", "2026-03-01 09:30:00.000001", "1", "7"),
                (1, "3", "2026-03-05 10:00:00", "1", "2000"),
                (1, "2", "2026-04-01 00:00:00", "0", "4000"),
                (1, "2", "2026-04-01 00:00:00.000001", "1", "1"),
                (2, "1", "2026-03-01 09:10:00", "0", "500"),
            ],
        );
    }
    applications
}

/// The share whose distance from `correct / of` is 1.96 standard errors, by halving: the lower or
/// the upper one. As sure as `independent` answers make it.
fn wilson(correct: f64, of: f64, independent: f64, is_upper: bool) -> f64 {
    let share = correct / of;
    let (mut inside, mut outside) = (share, if is_upper { 1.0 } else { 0.0 });
    for _ in 0..200 {
        let middle = (inside + outside) / 2.0;
        let error = (middle * (1.0 - middle) / independent).sqrt();
        match (middle - share).abs() <= 1.959_963_984_540_054 * error {
            true => inside = middle,
            false => outside = middle,
        }
    }
    inside
}

fn assert_near(value: &Value, expected: f64, what: &str) {
    let value = value.as_f64();
    let is_near =
        value.is_some_and(|value| (value - expected).abs() < 1e-6 * (1.0 + expected.abs()));
    assert!(is_near, "{what}: {value:?}, not {expected}");
}

/// Attempted, correct and milliseconds that count of one session, as SQL says.
fn by_sql(application: &Application, session: u32) -> Vec<String> {
    let query = format!(
        "SELECT count(*), count(CASE WHEN attempts.is_correct = 1 THEN 1 END),
                sum(CASE WHEN attempts.time_taken_ms BETWEEN 1 AND 3600000
                         THEN attempts.time_taken_ms END)
         FROM sessions JOIN attempts ON attempts.child_id = sessions.child_id
             AND attempts.created_at >= sessions.started_at
             AND attempts.created_at <= coalesce(sessions.ended_at, '2026-04-01 00:00:00')
         WHERE sessions.id = '{}'",
        id(session)
    );
    let rows = application.ask(&query);
    rows.into_iter().next().expect("an aggregate has a row")
}

#[test]
fn a_summary_takes_the_attempts_from_the_first_instant_to_the_last() {
    for application in classroom() {
        let engine = application.engine();
        let said = application.json(&["summary", &id(11)]);
        let facts = &said["facts"];
        for (name, expected) in [
            ("questions_attempted", json!(6)),
            ("questions_correct", json!(4)),
            ("accuracy", json!(80)),
            ("total_time_ms", json!(4000)),
            ("avg_time_per_question_ms", json!(2000.0)),
            ("median_time_per_question_ms", json!(2000.0)),
            ("subjects_practiced", json!(["english", "maths"])),
            ("questions_unmarked", json!(1)),
            ("times_missing", json!(1)),
            ("times_zero", json!(1)),
            ("times_negative", json!(1)),
            ("times_absurd", json!(1)),
            ("active", json!(false)),
            ("duration_seconds", json!(1800)),
        ] {
            assert_eq!(facts[name], expected, "{name} on {engine}");
        }
        assert_near(
            &facts["accuracy_low"],
            100.0 * wilson(4.0, 5.0, 5.0, false),
            engine,
        );
        assert_near(
            &facts["accuracy_high"],
            100.0 * wilson(4.0, 5.0, 5.0, true),
            engine,
        );
        let notes = said["notes"].to_string();
        let apart = "Of 6 answers these are no part of the times: 1 without a time, 1 with a time \
                     of 0, 1 with a negative time, 1 longer than 1h 00m.";
        assert!(notes.contains(apart), "{notes}");
        assert!(
            notes.contains("1 of 6 answers is neither correct nor wrong"),
            "{notes}"
        );
        assert_eq!(by_sql(&application, 11), ["6", "4", "4000"], "{engine}");
        // With a longer time allowed, nothing is absurd.
        let said = application.json(&["summary", &id(11), "--longest-item", "30h"]);
        assert_eq!(said["facts"]["times_absurd"], 0);
        assert_eq!(said["facts"]["total_time_ms"], 100_003_999);
    }
}

#[test]
fn a_summary_of_an_active_session_reaches_to_now() {
    for application in classroom() {
        let engine = application.engine();
        let said = application.json(&["summary", &id(12)]);
        assert_eq!(said["facts"]["active"], true);
        assert_eq!(said["facts"]["questions_attempted"], 2, "{engine}");
        assert_eq!(said["facts"]["accuracy"], 50);
        assert_eq!(said["facts"]["total_time_ms"], 6000);
        assert_eq!(
            said["facts"]["subjects_practiced"],
            json!(["art", "english"])
        );
        assert_eq!(by_sql(&application, 12), ["2", "1", "6000"], "{engine}");
        let earlier = ["summary", &id(12), "--now", "2026-03-05T09:59:59.999999Z"];
        let said = application.json(&earlier);
        assert_eq!(said["facts"]["questions_attempted"], 0);
        assert_eq!(said["facts"]["accuracy"], Value::Null);
        assert_eq!(said["facts"]["accuracy_low"], Value::Null);
        assert_eq!(said["facts"]["total_time_ms"], 0);
        assert_eq!(said["facts"]["avg_time_per_question_ms"], Value::Null);
        assert_eq!(said["facts"]["subjects_practiced"], json!([]));
    }
}

#[test]
fn a_summary_of_a_session_that_ended_before_it_started_is_empty_and_says_so() {
    for application in classroom() {
        let said = application.json(&["summary", &id(14)]);
        assert_eq!(said["facts"]["questions_attempted"], 0);
        assert_eq!(said["facts"]["duration_seconds"], Value::Null);
        let note = "It ended before it started: no attempt can lie in it.";
        assert_eq!(said["notes"], json!([note]), "{}", application.engine());
    }
}

#[test]
fn half_a_percent_is_rounded_up() {
    for (correct, expected) in [(1, 13), (3, 38), (8, 100), (0, 0)] {
        let [application, ..] = everywhere("study");
        sessions(
            &application,
            &[(11, 1, "maths", "2026-03-01 09:00:00", "2026-03-01 09:30:00")],
        );
        for number in 0..8 {
            let mark = if number < correct { "1" } else { "0" };
            attempts(&application, &[(1, "1", "2026-03-01 09:10:00", mark, "10")]);
        }
        let said = application.json(&["summary", &id(11)]);
        assert_eq!(said["facts"]["accuracy"], expected, "{correct} of 8");
    }
}

#[test]
fn a_summary_of_a_user_counts_an_attempt_once_and_those_in_no_session_apart() {
    for application in classroom() {
        let engine = application.engine();
        let said = application.json(&["summary", "--user", &id(1)]);
        let facts = &said["facts"];
        // Session 11 holds 6, session 12 two, one of which session 15 holds too.
        assert_eq!(facts["sessions"], 4, "{engine}");
        assert_eq!(facts["active_sessions"], 1);
        assert_eq!(facts["questions_attempted"], 8);
        assert_eq!(facts["questions_correct"], 5);
        assert_eq!(facts["attempts_outside_sessions"], 3);
        assert_eq!(
            facts["subjects_practiced"],
            json!(["art", "english", "maths"])
        );
        let inside = application.ask(&format!(
            "SELECT count(*) FROM attempts WHERE child_id = '{}' AND EXISTS (
                 SELECT 1 FROM sessions WHERE sessions.child_id = attempts.child_id
                     AND attempts.created_at >= sessions.started_at
                     AND attempts.created_at <= coalesce(sessions.ended_at, '2026-04-01 00:00:00'))",
            id(1)
        ));
        assert_eq!(inside, [["8"]], "{engine}");
        let window = [
            "summary",
            "--user",
            &id(1),
            "--from",
            "2026-03-04",
            "--to",
            "2026-03-06",
        ];
        let said = application.json(&window);
        assert_eq!(said["facts"]["sessions"], 1);
        assert_eq!(said["facts"]["questions_attempted"], 1, "{engine}");
        assert_eq!(said["facts"]["attempts_outside_sessions"], 0);
    }
}

#[test]
fn what_a_parent_may_not_see_is_not_found() {
    for application in classroom() {
        let engine = application.engine();
        let parent = id(91);
        let as_parent = |words: &[&str]| -> Vec<String> {
            let flags = ["--as-parent", parent.as_str()];
            let words = words.iter().chain(&flags);
            words.map(|word| (*word).to_owned()).collect()
        };
        let ask = |words: &[&str]| {
            let words = as_parent(words);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            application.tracked(&words).args(["--format", "json"]).run()
        };
        assert_eq!(ask(&["summary", &id(11)]).code(), Some(0), "{engine}");
        let (other, missing) = (ask(&["summary", &id(13)]), ask(&["summary", &id(77)]));
        assert_eq!((other.code(), missing.code()), (Some(4), Some(4)));
        assert!(missing.stderr().contains("error[IN-16]"), "{missing:?}");
        assert_eq!(other.stderr().replace(&id(13), &id(77)), missing.stderr());
        for command in ["summary", "history", "trends", "streaks"] {
            let other = ask(&[command, "--user", &id(2)]).stdout();
            let missing = ask(&[command, "--user", &id(77)]).stdout();
            assert_eq!(
                other.replace(&id(2), &id(77)),
                missing,
                "{command} on {engine}"
            );
        }
        let seen: Value = serde_json::from_str(&ask(&["streaks"]).stdout()).expect("an object");
        assert_eq!(seen["facts"]["users"], 1, "{engine}");
        let seen: Value = serde_json::from_str(&ask(&["trends"]).stdout()).expect("an object");
        assert_eq!(seen["facts"]["questions_attempted"], 8, "{engine}");
    }
}

#[test]
fn columns_and_tables_of_other_names_are_mapped_and_missing_ones_said() {
    for application in classroom() {
        let engine = application.engine();
        application.run(
            "ALTER TABLE attempts RENAME COLUMN is_correct TO solved;
             ALTER TABLE attempts RENAME COLUMN time_taken_ms TO took;
             ALTER TABLE attempts RENAME TO answers;
             ALTER TABLE question_bank RENAME COLUMN subject TO field",
        );
        let outcome = application.tracked(&["summary", &id(11)]).run();
        assert_eq!(outcome.code(), Some(5), "{engine}");
        assert!(
            outcome.stderr().contains("there is no table \"attempts\""),
            "{outcome:?}"
        );
        // Sessions are still listed; what was answered in them is unknown.
        let said = application.json(&["history", "--user", &id(1)]);
        assert_eq!(said["sessions"][0]["questions_attempted"], Value::Null);
        assert!(
            said["notes"][0]
                .to_string()
                .contains("Attempts are unknown"),
            "{said}"
        );
        let configured = |columns: &str| {
            let tables = "[tracked.tables]\nattempts = \"answers\"\n[tracked.columns]\n";
            application
                .scratch()
                .file("sessionize.toml", format!("{tables}{columns}"));
        };
        configured("");
        let outcome = application.tracked(&["summary", &id(11)]).run();
        assert_eq!(outcome.code(), Some(4), "{engine}");
        let said = outcome.stderr();
        let message = "table \"answers\" has no column \"is_correct\" or \"correct\"";
        assert!(said.contains(message), "{said}");
        assert!(said.contains("created_at, solved, took"), "{said}");
        configured("\"attempts.correct\" = \"solved\"\n");
        let said = application.json(&["summary", &id(11)]);
        assert_eq!(said["facts"]["accuracy"], 80, "{engine}");
        assert_eq!(said["facts"]["total_time_ms"], Value::Null);
        assert_eq!(said["facts"]["subjects_practiced"], Value::Null);
        assert!(
            said["notes"]
                .to_string()
                .contains("how long answers took is unknown"),
            "{said}"
        );
        configured(
            "\"attempts.correct\" = \"solved\"\n\"attempts.time_ms\" = \"took\"\n\
             \"question_bank.subject\" = \"field\"\n",
        );
        let said = application.json(&["summary", &id(11)]);
        assert_eq!(said["facts"]["total_time_ms"], 4000, "{engine}");
        assert_eq!(
            said["facts"]["subjects_practiced"],
            json!(["english", "maths"])
        );
        configured("\"attempts.correct\" = \"right\"\n");
        let outcome = application.tracked(&["summary", &id(11)]).run();
        assert!(
            outcome.stderr().contains("has no column \"right\""),
            "{outcome:?}"
        );
    }
}

#[test]
fn marks_and_times_of_other_types_mean_the_same() {
    for application in classroom() {
        let engine = application.engine();
        application.run(match engine {
            "postgres" => {
                "ALTER TABLE attempts ALTER is_correct TYPE boolean USING is_correct = 1;
                 ALTER TABLE attempts ALTER time_taken_ms TYPE numeric(12, 3);
                 ALTER TABLE attempts ALTER question_id TYPE text"
            }
            "mysql" => {
                "ALTER TABLE attempts MODIFY is_correct bit(1) NULL;
                 ALTER TABLE attempts MODIFY time_taken_ms decimal(12, 3) NULL;
                 ALTER TABLE attempts MODIFY question_id varchar(20) NULL"
            }
            _ => {
                "UPDATE attempts SET is_correct = iif(is_correct = 1, 'Yes', 'No')
                 WHERE is_correct IS NOT NULL"
            }
        });
        application.run("UPDATE attempts SET time_taken_ms = 1000.5 WHERE time_taken_ms = 1000");
        let said = application.json(&["summary", &id(11)]);
        let facts = &said["facts"];
        assert_eq!(facts["questions_correct"], 4, "{engine}");
        assert_eq!(facts["accuracy"], 80, "{engine}");
        assert_eq!(facts["questions_unmarked"], 1);
        assert_eq!(facts["total_time_ms"], 4000.5, "{engine}");
        assert_eq!(
            facts["subjects_practiced"],
            json!(["english", "maths"]),
            "{engine}"
        );
    }
}

#[test]
fn what_is_no_mark_and_no_time_is_counted_apart() {
    let [application, ..] = classroom();
    application.run(
        "UPDATE attempts SET is_correct = 'perhaps', time_taken_ms = 'long'
         WHERE created_at = '2026-03-01 09:00:00'",
    );
    let said = application.json(&["summary", &id(11)]);
    assert_eq!(said["facts"]["questions_unmarked"], 2);
    assert_eq!(said["facts"]["times_unreadable"], 1);
    assert_eq!(said["facts"]["total_time_ms"], 3000);
    let note = "2 of 6 answers are neither correct nor wrong, and no part of the accuracy (1 \
                marked with what cannot be read).";
    assert_eq!(said["notes"][0], note);
}

#[test]
fn a_history_has_the_newest_sessions_first_with_what_was_answered() {
    for application in classroom() {
        let engine = application.engine();
        let said = application.json(&["history", "--user", &id(1), "--limit", "3"]);
        let rows = said["sessions"].as_array().expect("rows");
        let of = |name: &str| -> Vec<&Value> { rows.iter().map(|row| &row[name]).collect() };
        let sessions = [id(15), id(14), id(12)];
        assert_eq!(json!(of("id")), json!(sessions), "{engine}");
        assert_eq!(
            json!(of("duration_seconds")),
            json!([1_224_000, null, null])
        );
        assert_eq!(json!(of("open")), json!([false, false, true]));
        assert_eq!(json!(of("questions_attempted")), json!([1, 0, 2]));
        assert_eq!(json!(of("accuracy")), json!([100, null, 50]));
        assert_eq!(json!(of("subject")), json!(["maths", "maths", "english"]));
        assert_near(
            &rows[2]["accuracy_low"],
            100.0 * wilson(1.0, 2.0, 2.0, false),
            engine,
        );
        assert_eq!(said["facts"]["sessions"], 4);
        assert_eq!(
            said["headline"],
            format!("The last 3 of 4 sessions of user {}", id(1))
        );
        let notes = said["notes"].to_string();
        assert!(
            notes.contains("1 session ended before it started"),
            "{notes}"
        );
        let maths = ["history", "--user", &id(1), "--subject", "maths"];
        let said = application.json(&maths);
        assert_eq!(said["facts"]["sessions"], 3, "{engine}");
        let said = application.json(&["history", "--user", &id(1), "--subject", "latin"]);
        assert_eq!(said["sessions"], json!([]));
        let headline = format!("User {} has no such session", id(1));
        assert_eq!(said["headline"], headline);
        assert_eq!(
            said["notes"],
            json!(["There are sessions of these subjects: english, maths."])
        );
        let said = application.json(&["history", "--user", &id(5)]);
        assert_eq!(said["headline"], format!("User {} has no session", id(5)));
    }
}

#[test]
fn a_history_of_practice_has_xp_and_streaks_and_no_subject() {
    for application in everywhere("practice") {
        let engine = application.engine();
        let table = if engine == "mysql" {
            "`UserSessions`"
        } else {
            "\"UserSessions\""
        };
        application.run(&format!(
            "INSERT INTO {table} (id, user_id, started_at, ended_at, total_xp, streak_after)
             VALUES (1, 7, '2026-03-01 09:00:00', '2026-03-01 09:20:00', 45, 3),
                    (2, 7, '2026-03-02 09:00:00', NULL, 0, 0),
                    (3, 8, '2026-03-02 09:00:00', NULL, 0, 0)"
        ));
        let said = application.json(&["history", "--user", "7"]);
        assert_eq!(said["sessions"][0]["id"], "2", "{engine}");
        assert_eq!(said["sessions"][1]["duration_seconds"], 1200);
        assert_eq!(said["sessions"][1]["total_xp"], 45);
        assert_eq!(said["sessions"][1]["streak_after"], 3);
        assert_eq!(said["facts"]["sessions"], 2);
        let outcome = application.tracked(&["history", "--user", "seven"]).run();
        assert_eq!(outcome.code(), Some(2), "{engine}");
        assert!(
            outcome.stderr().contains("\"seven\" is not a whole number"),
            "{outcome:?}"
        );
        let outcome = application
            .tracked(&["history", "--user", "7", "--subject", "maths"])
            .run();
        assert_eq!(outcome.code(), Some(2));
        let message = "sessions of the shape \"practice\" have no subject";
        assert!(outcome.stderr().contains(message), "{outcome:?}");
        let outcome = application
            .tracked(&["history", "--user", "7", "--limit", "0"])
            .run();
        assert_eq!(outcome.code(), Some(2));
    }
}

#[test]
fn streaks_are_days_in_a_row_on_the_calendar_of_the_report() {
    for application in everywhere("practice") {
        let engine = application.engine();
        let table = if engine == "mysql" {
            "`UserSessions`"
        } else {
            "\"UserSessions\""
        };
        // In New York the first one starts at 22:00 on February 28.
        application.run(&format!(
            "INSERT INTO {table} (id, user_id, started_at, ended_at, streak_before, streak_after)
             VALUES (1, 7, '2026-03-01 03:00:00', '2026-03-01 03:20:00', 0, 1),
                    (2, 7, '2026-03-01 15:00:00', '2026-03-01 15:20:00', 1, 2),
                    (3, 7, '2026-03-01 20:00:00', '2026-03-01 20:20:00', 2, 2),
                    (4, 7, '2026-03-04 15:00:00', NULL, 0, 0),
                    (5, 7, '2026-03-09 15:00:00', NULL, 0, 0),
                    (6, 8, '2026-02-01 15:00:00', NULL, 0, 0)"
        ));
        let ask = |words: &[&str]| {
            let fixed = ["streaks", "--now", "2026-03-05T12:00:00Z"];
            application.json(&[&fixed, words].concat())
        };
        let marks = |said: &Value| -> Vec<Value> {
            let rows = said["sessions"].as_array().expect("rows").iter();
            rows.map(|row| json!([row["day"], row["streak_before"], row["streak_after"]]))
                .collect()
        };
        let said = ask(&["--user", "7", "--timezone", "America/New_York"]);
        assert_eq!(
            marks(&said),
            [
                json!(["2026-02-28", 0, 1]),
                json!(["2026-03-01", 1, 2]),
                json!(["2026-03-01", 2, 2]),
                json!(["2026-03-04", 0, 1]),
            ],
            "{engine}"
        );
        let facts = &said["facts"];
        // The last day is yesterday, so the streak still goes on.
        assert_eq!(facts["current_streak_days"], 1);
        assert_eq!(facts["current_streak_start"], "2026-03-04");
        assert_eq!(facts["longest_streak_days"], 2);
        assert_eq!(facts["longest_streak_start"], "2026-02-28");
        assert_eq!(facts["longest_streak_end"], "2026-03-01");
        assert_eq!(facts["days_with_sessions"], 3);
        let future = "Left out: 1 session starting in the future.";
        assert_eq!(said["notes"], json!([future]), "{engine}");
        let said = ask(&["--user", "7"]);
        let in_utc = [[0, 1], [1, 1], [1, 1], [0, 1]];
        for (mark, [before, after]) in marks(&said).iter().zip(in_utc) {
            assert_eq!(
                (&mark[1], &mark[2]),
                (&json!(before), &json!(after)),
                "{engine}"
            );
        }
        let notes = said["notes"].to_string();
        assert!(
            notes.contains("In 2 ended sessions the application wrote down other"),
            "{notes}"
        );
        let said = ask(&[]);
        assert_eq!(said["users"][1]["current_streak_days"], 0, "{engine}");
        assert_eq!(said["facts"]["users_in_streak"], 1);
        let said = application.json(&["streaks", "--user", "7", "--now", "2026-03-06T00:00:00Z"]);
        assert_eq!(said["facts"]["current_streak_days"], 0, "{engine}");
    }
}

#[test]
fn streaks_say_that_a_window_chooses_nothing() {
    let [application, ..] = classroom();
    let without = application.json(&["streaks"]);
    let with = application.json(&["streaks", "--from", "2026-03-02"]);
    assert_eq!(with["users"], without["users"]);
    let notes = with["notes"].to_string();
    assert!(notes.contains("over all sessions"), "{notes}");
}

#[test]
fn every_shape_that_names_a_user_has_a_history_and_streaks() {
    let (ada, one) = (id(1), id(11));
    let rows = [
        (
            "saved-interview",
            ada.as_str(),
            format!(
                "INSERT INTO interview_sessions (session_id, interviewee_id, start_time, status)
                 VALUES ('{one}', '{ada}', '2026-03-31 09:00:00', 'odd'),
                        ('{}', NULL, '2026-03-31 09:00:00', 'odd')",
                id(12)
            ),
        ),
        (
            "platform",
            "7",
            "INSERT INTO user_sessions (id, person_id, session_id, started_at, device_type)
             VALUES (1, 7, 'a', '2026-03-31 09:00:00', 'phone')"
                .to_owned(),
        ),
    ];
    for (shape, user, insert) in rows {
        for application in everywhere(shape) {
            let place = format!("{shape} on {}", application.engine());
            application.run(&insert);
            let said = application.json(&["history", "--user", user]);
            assert_eq!(
                said["sessions"].as_array().map(Vec::len),
                Some(1),
                "{place}"
            );
            let said = application.json(&["streaks", "--user", user]);
            assert_eq!(said["facts"]["current_streak_days"], 1, "{place}");
            let said = application.json(&["streaks"]);
            assert_eq!(said["facts"]["users"], 1, "{place}");
            if shape == "saved-interview" {
                assert_eq!(
                    said["notes"],
                    json!(["Left out: 1 session without a user."])
                );
            }
        }
    }
}

#[test]
fn xp_of_one_user_is_worked_out_by_hand() {
    for application in everywhere("practice") {
        let engine = application.engine();
        let table = if engine == "mysql" {
            "`UserSessions`"
        } else {
            "\"UserSessions\""
        };
        // Monday to Saturday of one week; then one that is open.
        for (day, xp) in (2..8).zip([10, 20, 30, 40, 50, 60]) {
            application.run(&format!(
                "INSERT INTO {table} (user_id, started_at, ended_at, total_xp) VALUES
                 (7, '2026-03-0{day} 09:00:00', '2026-03-0{day} 09:10:00', {xp})"
            ));
        }
        application.run(&format!(
            "INSERT INTO {table} (user_id, started_at) VALUES (7, '2026-03-09 09:00:00')"
        ));
        let said = application.json(&["trends", "--user", "7", "--to", "2026-03-08"]);
        let week = &said["periods"][0];
        assert_eq!(
            said["periods"].as_array().map(Vec::len),
            Some(1),
            "{engine}"
        );
        assert_eq!(week["period"], "2026-03-02 W10");
        assert_eq!(week["complete"], true);
        assert_eq!(
            (&week["total_xp"], &week["mean_xp"]),
            (&json!(210), &json!(35.0))
        );
        // s² = 350, and Student's quantile with 5 degrees of freedom.
        let spread = 2.570_581_835_636_314 * (350.0_f64 / 6.0).sqrt();
        assert_near(&week["mean_xp_low"], 35.0 - spread, engine);
        assert_near(&week["mean_xp_high"], 35.0 + spread, engine);
        // 10, 20, 30 against 40, 50, 60: s² = 100 in both, 2 degrees of freedom.
        let facts = &said["facts"];
        assert_eq!(facts["earlier_mean_xp"], 20.0);
        assert_eq!(facts["later_mean_xp"], 50.0);
        assert_eq!(facts["mean_xp_change"], 30.0);
        let spread = 4.302_652_729_911_275 * (200.0_f64 / 3.0).sqrt();
        assert_near(&facts["mean_xp_change_low"], 30.0 - spread, engine);
        assert_near(&facts["mean_xp_change_high"], 30.0 + spread, engine);
        assert_eq!(facts["later_half_start"], "2026-03-05T09:00:00Z");
        let headline = said["headline"].as_str().unwrap_or_default();
        assert!(
            headline.contains("XP per session 20, then 50: +30"),
            "{headline}"
        );
        assert!(headline.contains("so no clear change"), "{headline}");
        let said = application.json(&["trends", "--user", "7"]);
        assert_eq!(
            said["sessions"].as_array().map(Vec::len),
            Some(7),
            "{engine}"
        );
        assert_eq!(
            said["sessions"][6]["mean_xp"],
            Value::Null,
            "an open one has none yet"
        );
        assert_eq!(said["facts"]["scored_sessions"], 6);
        let notes = said["notes"].to_string();
        assert!(notes.contains("1 session is open or without XP"), "{notes}");
    }
}

#[test]
fn speed_of_one_session_is_worked_out_by_hand() {
    for application in everywhere("study") {
        let engine = application.engine();
        sessions(
            &application,
            &[(11, 1, "maths", "2026-03-01 09:00:00", "2026-03-01 09:30:00")],
        );
        for seconds in 1..=8 {
            let time = format!("{seconds}000");
            attempts(&application, &[(1, "1", "2026-03-01 09:10:00", "1", &time)]);
        }
        let said = application.json(&["trends", "--user", &id(1)]);
        let row = &said["sessions"][0];
        assert_eq!(row["avg_time_per_question_ms"], 4500.0, "{engine}");
        // s² = 6, and Student's quantile with 7 degrees of freedom, on the logarithmic axis.
        let ratio = (2.364_624_251_592_785 * (6.0_f64 / 8.0).sqrt() / 4.5).exp();
        assert_near(&row["avg_time_low_ms"], 4500.0 / ratio, engine);
        assert_near(&row["avg_time_high_ms"], 4500.0 * ratio, engine);
        assert_near(
            &row["accuracy_low"],
            100.0 * wilson(8.0, 8.0, 8.0, false),
            engine,
        );
        assert_eq!(
            said["headline"],
            format!("User {}, 1 session: nothing to compare yet", id(1))
        );
    }
}

#[test]
fn over_users_the_user_is_the_unit_and_a_slow_loop_agrees() {
    // Twelve users with three sessions each in two weeks; user n answers 4 questions in the first
    // session of a week and n in the second, n of 13 of them right.
    let days = ["2026-03-02", "2026-03-04", "2026-03-09"];
    let answers = |user: u32, day: usize| if day == 1 { user } else { 4 };
    let is_correct = |user: u32, day: usize, number: u32| {
        (user * 7 + number * 5 + day as u32 * 3) % 13 < user.max(2)
    };
    for application in everywhere("study") {
        let engine = application.engine();
        let (mut session_rows, mut attempt_rows) = (Vec::new(), Vec::new());
        for user in 1..=12 {
            for (day, date) in days.iter().enumerate() {
                let session = id(100 * user + day as u32);
                session_rows.push(format!(
                    "('{session}', '{}', 'maths', 't', '{date} 09:00:00', '{date} 10:00:00')",
                    id(user)
                ));
                for number in 0..answers(user, day) {
                    let mark = u32::from(is_correct(user, day, number));
                    attempt_rows.push(format!(
                        "('{}', 1, '{date} 09:{:02}:00', {mark}, {})",
                        id(user),
                        number + 10,
                        1000 + user * 100 + number
                    ));
                }
            }
        }
        application.run(&format!(
            "INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at) VALUES {};
             INSERT INTO attempts (child_id, question_id, created_at, is_correct, time_taken_ms)
             VALUES {}",
            session_rows.join(", "),
            attempt_rows.join(", ")
        ));
        let said = application.json(&["trends"]);
        // The first week, user by user: correct and answered.
        let users: Vec<(f64, f64)> = (1..=12)
            .map(|user| {
                let marks: Vec<bool> = [0, 1]
                    .into_iter()
                    .flat_map(|day| {
                        (0..answers(user, day)).map(move |number| is_correct(user, day, number))
                    })
                    .collect();
                let correct = marks.iter().filter(|mark| **mark).count();
                (correct as f64, marks.len() as f64)
            })
            .collect();
        let correct: f64 = users.iter().map(|user| user.0).sum();
        let all: f64 = users.iter().map(|user| user.1).sum();
        let share = correct / all;
        let mut variance = 0.0;
        for (correct, answered) in &users {
            variance += (correct - share * answered).powi(2);
        }
        variance *= 12.0 / 11.0 / (all * all);
        let independent = (share * (1.0 - share) / variance).min(all);
        let week = &said["periods"][0];
        assert_eq!(week["users"], 12, "{engine}");
        assert_eq!(week["questions_attempted"], all as u64);
        assert_eq!(week["questions_correct"], correct as u64);
        assert_eq!(week["accuracy"], (share * 100.0).round() as u64);
        let low = 100.0 * wilson(correct, all, independent, false);
        let high = 100.0 * wilson(correct, all, independent, true);
        assert!(independent < all, "the answers of one learner are alike");
        assert_near(&week["accuracy_low"], low, engine);
        assert_near(&week["accuracy_high"], high, engine);
        let first_week = application.json(&["trends", "--to", "2026-03-08"]);
        let own: f64 = users
            .iter()
            .map(|(correct, answered)| correct / answered)
            .sum();
        let mean = &first_week["facts"]["mean_accuracy_of_users"];
        assert_near(mean, 100.0 * own / 12.0, engine);
        let by_sql = application.ask(
            "SELECT count(*), count(CASE WHEN is_correct = 1 THEN 1 END) FROM attempts
             WHERE created_at < '2026-03-09 00:00:00'",
        );
        let expected = [(all as u64).to_string(), (correct as u64).to_string()];
        assert_eq!(by_sql, [expected], "{engine}");
        // The first sessions of all users, the second ones, the third ones.
        let rows = said["sessions"].as_array().expect("rows");
        let attempted: Vec<&Value> = rows.iter().map(|row| &row["questions_attempted"]).collect();
        assert_eq!(json!(attempted), json!([48, 78, 48]), "{engine}");
        assert!(week["avg_time_low_ms"].is_number() && week["avg_time_high_ms"].is_number());
        let headline = said["headline"].as_str().unwrap_or_default();
        let start = "12 users, 36 sessions, the later half against the earlier: accuracy ";
        assert!(headline.starts_with(start), "{headline}");
        assert!(said["facts"]["accuracy_change_low"].is_number(), "{said}");
        let csv = application.done(&["trends", "--per", "session", "--format", "csv"]);
        assert!(
            csv.stdout().starts_with("session_number,sessions,users,"),
            "{csv:?}"
        );
        let daily = application.json(&["trends", "--by", "day"]);
        let periods = daily["periods"].as_array().expect("rows");
        let starts: Vec<&Value> = periods.iter().map(|row| &row["period"]).collect();
        assert_eq!(json!(starts), json!(days), "{engine}");
        let latin = application.json(&["trends", "--subject", "latin"]);
        assert_eq!(latin["periods"], json!([]), "{engine}");
    }
}

#[test]
fn more_users_and_questions_than_a_statement_names_are_read_all_the_same() {
    const MANY: u32 = 230;
    for application in everywhere("study") {
        let engine = application.engine();
        let rows = |row: &dyn Fn(u32) -> String| -> String {
            (1..=MANY).map(row).collect::<Vec<_>>().join(", ")
        };
        let of_users = rows(&|user| {
            format!(
                "('{}', '{}', 'maths', 't', '2026-03-02 09:00:00', '2026-03-02 10:00:00')",
                id(1000 + user),
                id(user)
            )
        });
        let one_each = rows(&|user| format!("('{}', {user}, '2026-03-02 09:30:00', 1)", id(user)));
        let of_one =
            rows(&|question| format!("('{}', {question}, '2026-03-02 09:30:00', 0)", id(9000)));
        let subjects = ["art", "english", "maths"];
        let bank = rows(&|question| format!("({question}, '{}')", subjects[question as usize % 3]));
        application.run(&format!(
            "INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at)
             VALUES {of_users};
             INSERT INTO attempts (child_id, question_id, created_at, is_correct) VALUES {one_each};
             INSERT INTO attempts (child_id, question_id, created_at, is_correct) VALUES {of_one};
             INSERT INTO question_bank VALUES {bank}"
        ));
        let said = application.json(&["trends"]);
        // What user 9000 tried lies in no session of theirs.
        assert_eq!(said["facts"]["questions_attempted"], MANY, "{engine}");
        assert_eq!(said["facts"]["accuracy"], 100);
        // All are correct: as sure as so many learners, not answers.
        let low = 100.0 * wilson(f64::from(MANY), f64::from(MANY), f64::from(MANY), false);
        assert_near(&said["facts"]["accuracy_low"], low, engine);
        sessions(
            &application,
            &[(
                5,
                9000,
                "maths",
                "2026-03-02 09:30:00",
                "2026-03-02 09:30:00",
            )],
        );
        let said = application.json(&["summary", &id(5)]);
        assert_eq!(said["facts"]["questions_attempted"], MANY, "{engine}");
        assert_eq!(
            said["facts"]["subjects_practiced"],
            json!(subjects),
            "{engine}"
        );
    }
}

#[test]
fn without_a_session_there_is_nothing_to_say_and_no_failure() {
    for application in everywhere("study") {
        let engine = application.engine();
        let said = application.json(&["trends"]);
        assert_eq!(
            said["headline"], "0 users, 0 sessions: nothing to compare yet",
            "{engine}"
        );
        assert_eq!(
            (&said["periods"], &said["sessions"]),
            (&json!([]), &json!([]))
        );
        assert_eq!(said["facts"]["accuracy"], Value::Null);
        let said = application.json(&["streaks"]);
        assert_eq!(said["headline"], "There are no sessions", "{engine}");
        assert_eq!(said["facts"]["longest_streak_days"], Value::Null);
        let user = id(1);
        let said = application.json(&["streaks", "--user", &user]);
        assert_eq!(
            said["headline"],
            format!("User {user} has no session"),
            "{engine}"
        );
        let said = application.json(&["summary", "--user", &user]);
        assert_eq!(said["facts"]["questions_attempted"], 0, "{engine}");
        assert_eq!(said["facts"]["first_started_at"], Value::Null);
    }
}

#[test]
fn ids_that_are_kept_as_bytes_are_those_that_people_write() {
    for application in everywhere("study") {
        let engine = application.engine();
        let (bytes, of) = match engine {
            "postgres" => ("bytea", ("decode('", "', 'hex')")),
            "mysql" => ("binary(16)", ("unhex('", "')")),
            _ => ("BLOB", ("x'", "'")),
        };
        let value = |number: u32| format!("{}{}{}", of.0, id(number).replace('-', ""), of.1);
        let at = if engine == "postgres" {
            "timestamptz"
        } else {
            "timestamp"
        };
        application.run(&format!(
            "DROP TABLE attempts; DROP TABLE sessions; DROP TABLE question_bank;
             CREATE TABLE question_bank (id {bytes}, subject varchar(20));
             CREATE TABLE sessions (id {bytes}, child_id {bytes}, subject varchar(20),
                 started_at {at} NULL, ended_at {at} NULL);
             CREATE TABLE attempts (child_id {bytes}, question_id {bytes}, created_at {at} NULL,
                 correct integer, duration_ms integer);
             INSERT INTO question_bank VALUES ({}, 'maths');
             INSERT INTO sessions VALUES ({}, {}, 'maths', '2026-03-02 09:00:00', NULL);
             INSERT INTO attempts VALUES ({}, {}, '2026-03-02 09:00:00', 1, 20)",
            value(8),
            value(11),
            value(1),
            value(1),
            value(8),
        ));
        let said = application.json(&["summary", &id(11)]);
        assert_eq!(said["facts"]["child_id"], id(1), "{engine}");
        assert_eq!(said["facts"]["questions_correct"], 1, "{engine}");
        assert_eq!(said["facts"]["total_time_ms"], 20, "{engine}");
        assert_eq!(
            said["facts"]["subjects_practiced"],
            json!(["maths"]),
            "{engine}"
        );
        let said = application.json(&["history", "--user", &id(1)]);
        assert_eq!(said["sessions"][0]["accuracy"], 100, "{engine}");
        let said = application.json(&["streaks"]);
        assert_eq!(said["users"][0]["user"], id(1), "{engine}");
    }
}

#[test]
fn what_does_not_apply_to_a_shape_is_refused_with_the_reason() {
    let refused: [(&str, &[&str], &str); 6] = [
        ("practice", &["summary", "1"], "it has no attempts"),
        (
            "interview",
            &["history", "--user", "1"],
            "its sessions name no user",
        ),
        ("interview", &["streaks"], "its sessions name no user"),
        ("platform", &["trends"], "it has neither attempts nor XP"),
        ("snapshot", &["streaks"], "no history"),
        ("snapshot", &["history", "--user", "1"], "no history"),
    ];
    for (shape, words, reason) in refused {
        let [application, ..] = everywhere(shape);
        let outcome = application.tracked(words).run();
        assert_eq!(outcome.code(), Some(2), "{words:?} of {shape}");
        let message = format!("{} does not apply to the shape \"{shape}\": ", words[0]);
        let said = outcome.stderr();
        assert!(said.contains(&message) && said.contains(reason), "{said}");
    }
    let [application, ..] = everywhere("study");
    for words in [&["summary"][..], &["summary", "1", "--user", "2"]] {
        assert_eq!(
            application.tracked(words).run().code(),
            Some(2),
            "{words:?}"
        );
    }
}

#[test]
fn every_format_says_the_same() {
    let [application, ..] = classroom();
    let one = id(11);
    let asked = |words: &[&str], format: &str| {
        application
            .done(&[words, &["--format", format]].concat())
            .stdout()
    };
    let summary = ["summary", one.as_str()];
    let csv = asked(&summary, "csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 2);
    let cells: Vec<(&str, &str)> = lines[0].split(',').zip(lines[1].split(',')).collect();
    for cell in [
        ("accuracy", "80"),
        ("total_time_ms", "4000"),
        ("subjects_practiced", "english;maths"),
    ] {
        assert!(cells.contains(&cell), "{cell:?} in {csv}");
    }
    let line: Value = serde_json::from_str(asked(&summary, "ndjson").trim()).expect("a line");
    assert_eq!(line, application.json(&summary)["facts"]);
    let markdown = asked(&summary, "markdown");
    assert!(
        markdown.contains("80%") && markdown.contains("english, maths"),
        "{markdown}"
    );
    // 4 of 5 by hand: Wilson's interval is 37.6 to 96.4 percent.
    for format in ["table", "markdown"] {
        let said = asked(&summary, format);
        assert!(said.contains("95% interval"), "{said}");
        assert!(said.contains("38% to 96%"), "both ends together: {said}");
    }
    let ada = id(1);
    for words in [
        &summary[..],
        &["history", "--user", &ada],
        &["trends", "--user", &ada],
        &["trends"],
        &["streaks"],
        &["streaks", "--user", &ada],
    ] {
        let path = application.scratch().path("said.parquet");
        let target = path.display().to_string();
        application.done(&[words, &["--format", "parquet", "--output", &target]].concat());
        assert!(
            application
                .scratch()
                .read("said.parquet")
                .starts_with(b"PAR1"),
            "{words:?}"
        );
        std::fs::remove_file(path).expect("it can be removed");
        assert!(!asked(words, "table").is_empty());
        assert!(asked(words, "csv").lines().count() > 1, "{words:?}");
    }
}

#[test]
fn times_that_cannot_be_read_leave_a_session_unknown_rather_than_open() {
    let [application, ..] = everywhere("study");
    sessions(
        &application,
        &[
            (11, 1, "maths", "2026-03-01 09:00:00", "late"),
            (12, 1, "maths", "soon", "NULL"),
        ],
    );
    attempts(
        &application,
        &[
            (1, "1", "2026-03-01 09:10:00", "1", "5"),
            (1, "1", "whenever", "1", "5"),
        ],
    );
    let said = application.json(&["summary", &id(11)]);
    assert_eq!(said["facts"]["active"], false);
    assert_eq!(said["facts"]["questions_attempted"], Value::Null);
    assert_eq!(said["facts"]["subjects_practiced"], Value::Null);
    let notes = said["notes"].to_string();
    assert!(
        notes.contains("cannot be read, so nothing may be known of it"),
        "{notes}"
    );
    assert!(
        notes.contains("1 attempt is without an instant that can be read"),
        "{notes}"
    );
    let shown = application.json(&["show", &id(11)]);
    assert_eq!(
        shown["headline"],
        format!("Session {}: its end cannot be read", id(11))
    );
    assert_eq!(shown["facts"]["open"], false);
    let shown = application.json(&["show", &id(12)]);
    assert_eq!(
        shown["headline"],
        format!("Session {}: its start cannot be read", id(12))
    );
    let said = application.json(&["streaks", "--user", &id(1)]);
    assert_eq!(
        said["notes"],
        json!(["Left out: 1 session without a start."])
    );
}

#[test]
fn a_session_whose_status_says_that_it_is_over_is_not_shown_as_open() {
    for application in everywhere("interview") {
        application.run(&format!(
            "INSERT INTO sessions VALUES ('{}', '2026-03-01 09:00:00', NULL,
             '2026-03-01 09:03:00', 'completed')",
            id(1)
        ));
        let shown = application.json(&["show", &id(1)]);
        let headline = format!("Session {}: completed; when it ended is not known", id(1));
        assert_eq!(shown["headline"], headline, "{}", application.engine());
        assert_eq!(shown["facts"]["open"], false);
    }
    for application in everywhere("saved-interview") {
        application.run(&format!(
            "INSERT INTO interview_sessions (session_id, interviewee_id, start_time, status) VALUES
             ('{}', '{ada}', '2026-03-02 09:00:00', 'active'),
             ('{}', '{ada}', '2026-03-01 09:00:00', 'Abandoned')",
            id(2),
            id(3),
            ada = id(1)
        ));
        let engine = application.engine();
        let said = application.json(&["history", "--user", &id(1)]);
        let open = [0, 1].map(|row| said["sessions"][row]["open"].clone());
        assert_eq!(open, [json!(true), json!(false)], "{engine}");
        let shown = application.json(&["show", &id(3)]);
        assert_eq!(shown["facts"]["open"], false, "{engine}");
    }
}
