//! `sessionize tracked save`, `end`, `info` and `anomalies`: interviews that keep what was said in
//! their row, on every engine.

use serde_json::{Value, json};

use crate::applications::{Application, everywhere};
use crate::harness::Outcome;

const ID: &str = "3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b";
const OTHER: &str = "5e0c2b9a-1111-4222-8333-444455556666";
const ADA: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const BOB: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// An application on SQLite, where the engine makes no difference.
fn on_sqlite() -> Application {
    let [sqlite, ..] = everywhere("saved-interview");
    sqlite
}

/// Adds an open interview of nine o'clock, with this information.
fn add(application: &Application, id: &str, information: Option<&str>) {
    insert(
        application,
        id,
        ["'2026-03-01 09:00:00'", "NULL", "'in_progress'"],
        information,
    );
}

/// Adds an interview: its start, end and status as SQL.
fn insert(application: &Application, id: &str, columns: [&str; 3], information: Option<&str>) {
    let [start, end, status] = columns;
    let information = match information {
        Some(text) => literal(application, text),
        None => "NULL".to_owned(),
    };
    application.run(&format!(
        "INSERT INTO interview_sessions VALUES ('{id}', NULL, NULL, {start}, {end}, {status},
         {information}, NULL, 'https://rec.example/7', 'https://cv.example/ada.pdf')"
    ));
}

/// A text as SQL.
fn literal(application: &Application, text: &str) -> String {
    let text = text.replace('\'', "''");
    match application.engine() {
        "mysql" => format!("'{}'", text.replace('\\', "\\\\")),
        _ => format!("'{text}'"),
    }
}

/// A column of a session as text; empty where it has no value.
fn column(application: &Application, id: &str, column: &str) -> String {
    let text = match application.engine() {
        "mysql" => "CHAR",
        _ => "TEXT",
    };
    let rows = application.ask(&format!(
        "SELECT coalesce(CAST({column} AS {text}), '') FROM interview_sessions
         WHERE session_id = '{id}'"
    ));
    rows[0].join("")
}

/// What is saved of a session.
fn saved(application: &Application, id: &str) -> Value {
    let text = column(application, id, "session_information");
    serde_json::from_str(&text).unwrap_or_else(|cause| panic!("{cause}: {text}"))
}

/// Saves a file, which must succeed.
fn save(application: &Application, id: &str, information: &Value) -> Value {
    let file = application
        .scratch()
        .file("save.json", information.to_string());
    let path = file.display().to_string();
    application.json(&["save", id, "--information", &path])
}

fn message(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

/// Messages of an assistant that say one letter each.
fn letters(letters: &str) -> Value {
    let letters = letters.chars().map(|one| one.to_string());
    letters.map(|one| message("assistant", &one)).collect()
}

/// The letters that messages say.
fn spelt(messages: &Value) -> String {
    let messages = messages.as_array().into_iter().flatten();
    let contents = messages.filter_map(|message| message["content"].as_str());
    contents.collect()
}

fn failed(outcome: &Outcome, code: i32, id: &str) {
    assert_eq!(outcome.code(), Some(code), "{outcome:?}");
    let said = outcome.stderr();
    assert!(said.contains(&format!("error[{id}]")), "{said}");
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
}

#[test]
fn saving_leaves_out_system_messages_and_the_greeting_and_ends_nothing() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        add(&application, ID, None);
        let information = json!({
            "job_role": "Data engineer",
            "conversation_history": [
                message("system", "You interview."),
                message("user", "Hello"),
                message("assistant", "Welcome. It's good – \"really\" – to meet you: \\o/ 🙂"),
                message("user", "Hello to you"),
                message("system", "Be brief."),
                message("user", "Hello"),
            ],
            "anomalies_detected": [],
        });
        let first = save(&application, ID, &information);
        assert_eq!(
            first["headline"],
            format!("Session {ID}: 3 messages saved"),
            "{engine}"
        );
        assert_eq!(first["facts"]["system_messages_left_out"], 2);
        assert_eq!(first["facts"]["greeting_left_out"], true);
        assert_eq!(first["facts"]["messages"], 3);
        let expected = json!({
            "job_role": "Data engineer",
            "conversation_history": [
                message("assistant", "Welcome. It's good – \"really\" – to meet you: \\o/ 🙂"),
                message("user", "Hello to you"),
                message("user", "Hello"),
            ],
            "anomalies_detected": [],
        });
        assert_eq!(saved(&application, ID), expected, "{engine}");
        assert_eq!(column(&application, ID, "status"), "in_progress");
        assert_eq!(column(&application, ID, "end_time"), "");
        let text = column(&application, ID, "session_information");
        let again = application
            .tracked(&["save", ID, "--information", "-", "--format", "json"])
            .stdin(information.to_string())
            .run()
            .expect_ok();
        let again: Value = serde_json::from_slice(&again.stdout).expect("one object");
        assert_eq!(
            again["headline"],
            format!("Session {ID}: nothing new to save")
        );
        assert_eq!(again["facts"]["changed"], false);
        assert_eq!(column(&application, ID, "session_information"), text);
    }
}

#[test]
fn a_greeting_is_the_first_message_of_the_user_and_nothing_but_hello() {
    let cases = [
        (vec![("user", "Hello")], 0, true),
        (vec![("assistant", "Hello"), ("user", "Hello")], 1, true),
        (vec![("user", "Hello"), ("user", "Hello")], 1, true),
        (vec![("user", "Hello.")], 1, false),
        (vec![("user", "hello")], 1, false),
        (vec![("user", " Hello")], 1, false),
        (vec![("user", "Hi"), ("user", "Hello")], 2, false),
        (vec![("assistant", "Hello"), ("user", "Hi")], 2, false),
        (vec![("system", "Hello"), ("user", "Hi")], 1, false),
        (vec![("User", "Hello")], 1, false),
    ];
    let application = on_sqlite();
    add(&application, ID, None);
    for (messages, kept, is_left_out) in cases {
        let list: Value = messages
            .iter()
            .map(|(role, text)| message(role, text))
            .collect();
        let information = json!({"conversation_history": list}).to_string();
        let shown = application
            .tracked(&["info", ID, "--information", "-", "--format", "json"])
            .stdin(information)
            .run()
            .expect_ok();
        let shown: Value = serde_json::from_slice(&shown.stdout).expect("one object");
        assert_eq!(shown["facts"]["messages"], kept, "{messages:?}");
        assert_eq!(
            shown["facts"]["greeting_left_out"], is_left_out,
            "{messages:?}"
        );
    }
}

#[test]
fn nothing_that_was_saved_is_lost() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        let there = r#"{"job_role": "Data engineer", "consent": true, "score": 7,
            "numbers": {"big": 12345678901234567890.125, "one": 1},
            "conversation_history": [{"role": "system", "content": "You interview."},
                {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "a"},
                {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}],
            "anomalies_detected": [{"timestamp": "2026-03-01T09:01:00", "type": "multiple_persons",
                "count": 2, "detections": ["person 0.95", "person 0.80"]}],
            "tags": ["x", "y"], "llm_model": null}"#
            .replace('\n', " ");
        let there = there.as_str();
        add(&application, ID, Some(there));
        let offered = json!({
            "score": 8,
            "consent": null,
            "job_role": "",
            "llm_model": "m-1",
            "numbers": {"two": 2},
            "tags": ["y", "z"],
            "conversation_history": [message("assistant", "a")],
            "anomalies_detected": [],
            "asr_model": "w-3",
        });
        let shown = save(&application, ID, &offered);
        let text = column(&application, ID, "session_information");
        assert!(
            text.contains("12345678901234567890.125"),
            "{engine}: {text}"
        );
        let now = saved(&application, ID);
        let then: Value = serde_json::from_str(there).expect("an object");
        for key in [
            "consent",
            "job_role",
            "conversation_history",
            "anomalies_detected",
        ] {
            assert_eq!(now[key], then[key], "{engine}: {key}");
        }
        assert_eq!(now["score"], 8);
        assert_eq!(now["llm_model"], "m-1");
        assert_eq!(now["asr_model"], "w-3");
        assert_eq!(now["tags"], json!(["x", "y", "z"]));
        assert_eq!(now["numbers"]["one"], 1);
        assert_eq!(now["numbers"]["two"], 2);
        let notes = shown["notes"].to_string();
        assert!(notes.contains(r#"\"score\" was 7 and is 8."#), "{notes}");
        let whole = json!({
            "conversation_history": [
                message("system", "You interview."),
                message("user", "Hello"),
                message("assistant", "a"),
                message("user", "b"),
                message("assistant", "c"),
                message("user", "d"),
            ],
            "anomalies_detected": [
                {"type": "devices_detected", "timestamp": "2026-03-01T09:05:00", "count": 1},
                {"type": "multiple_persons", "timestamp": "2026-03-01T09:01:00", "count": 2.0,
                 "detections": ["person 0.95", "person 0.80"]},
            ],
        });
        let shown = save(&application, ID, &whole);
        assert_eq!(
            shown["headline"],
            format!("Session {ID}: 1 message and 1 anomaly saved"),
            "{engine}"
        );
        let now = saved(&application, ID);
        assert_eq!(
            now["conversation_history"].as_array().map(Vec::len),
            Some(6)
        );
        assert_eq!(now["conversation_history"][5], message("user", "d"));
        assert_eq!(now["anomalies_detected"].as_array().map(Vec::len), Some(2));
        assert_eq!(now["job_role"], "Data engineer");
        let notes = shown["notes"].to_string();
        assert!(notes.contains("Stays, since the file lacks it:"), "{notes}");
    }
}

#[test]
fn a_shorter_conversation_adds_only_what_carries_on() {
    // What is there, what is offered, what is there then.
    let cases = [
        ("", "abc", "abc"),
        ("abc", "", "abc"),
        ("abc", "abc", "abc"),
        ("abc", "ab", "abc"),
        ("abc", "abcd", "abcd"),
        ("abc", "bc", "abc"),
        ("abc", "bcd", "abcd"),
        ("abc", "cd", "abcd"),
        ("abc", "de", "abcde"),
        ("abcd", "bc", "abcd"),
        ("abc", "axc", "abcxc"),
        ("abc", "axcd", "abcxcd"),
        ("aab", "aaab", "aabab"),
    ];
    let application = on_sqlite();
    for (number, (there, offered, then)) in cases.into_iter().enumerate() {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let information = json!({"conversation_history": letters(there)}).to_string();
        add(&application, &id, Some(&information));
        for round in ["once", "twice"] {
            save(
                &application,
                &id,
                &json!({"conversation_history": letters(offered)}),
            );
            let now = saved(&application, &id);
            let case = format!("{there} and {offered} {round}");
            assert_eq!(spelt(&now["conversation_history"]), then, "{case}");
        }
    }
}

/// What is there after an offer, by the words of the manual.
fn carried_on(there: &str, offered: &str) -> String {
    let pairs = there.chars().zip(offered.chars());
    let shared = pairs.take_while(|(one, other)| one == other).count();
    let (rest, offered) = (&there[shared..], &offered[shared..]);
    if rest.contains(offered) {
        return there.to_owned();
    }
    let mut lengths = (0..=offered.len()).rev();
    let known = lengths.find(|length| rest.ends_with(&offered[..*length]));
    format!("{there}{}", &offered[known.unwrap_or(0)..])
}

#[test]
fn whatever_is_saved_in_whatever_order_everything_stays_and_a_second_time_changes_nothing() {
    let application = on_sqlite();
    add(&application, ID, None);
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut before = String::new();
    for _ in 0..25 {
        let length = next(5);
        let text: String = (0..length)
            .map(|_| char::from(b'a' + next(3) as u8))
            .collect();
        let stamps: Vec<Value> = (0..next(3))
            .map(|_| json!({"timestamp": format!("2026-03-01T09:00:0{}", next(4))}))
            .collect();
        let information =
            json!({"conversation_history": letters(&text), "anomalies_detected": stamps});
        save(&application, ID, &information);
        let now = saved(&application, ID);
        let spelt_now = spelt(&now["conversation_history"]);
        assert_eq!(spelt_now, carried_on(&before, &text), "{before} and {text}");
        let anomalies = now["anomalies_detected"].as_array().expect("a list");
        for stamp in &stamps {
            let times = |list: &[Value]| list.iter().filter(|one| *one == stamp).count();
            assert!(
                times(anomalies) >= times(&stamps),
                "{stamp} in {anomalies:?}"
            );
        }
        save(&application, ID, &information);
        assert_eq!(saved(&application, ID), now);
        before = spelt_now;
    }
}

#[test]
fn what_is_no_information_is_refused_with_its_line_and_column() {
    // A text, the place, and what is said of it.
    let cases = [
        ("", "line 1, column 1", "the text ends inside a value"),
        (
            "{\"a\": 1,\n \"b\": }",
            "line 2, column 7",
            "expected value",
        ),
        (
            "{\"ä\": \"ö\" x}",
            "line 1, column 11",
            "expected `,` or `}`",
        ),
        ("{\"a\": NaN}", "line 1, column 7", "expected value"),
        (
            "\n [1]",
            "line 2, column 2",
            "a list, where an object is expected",
        ),
        (
            "{\"a\": 1,\n\"a\": 2}",
            "line 2, column 6",
            "the key \"a\" stands twice",
        ),
        ("{} {}", "line 1, column 4", "trailing characters"),
        (
            "{\"conversation_history\": {}}",
            "line 1, column 26",
            "\"conversation_history\" is an object, where a list is expected",
        ),
        (
            "{\"conversation_history\": [\n  {\"role\": \"user\"},\n  {\"content\": \"x\"}]}",
            "line 3, column 3",
            "a message without \"role\"",
        ),
        (
            "{\"conversation_history\": [\"x\"]}",
            "line 1, column 27",
            "a message is a text, where an object is expected",
        ),
        (
            "{\"conversation_history\": [{\"role\": 1}]}",
            "line 1, column 27",
            "a message whose \"role\" is a number, not a text",
        ),
        (
            "{\"anomalies_detected\": \"none\"}",
            "line 1, column 24",
            "\"anomalies_detected\" is a text, where a list is expected",
        ),
    ];
    let application = on_sqlite();
    add(&application, ID, Some("{\"job_role\": \"Cook\"}"));
    for (text, place, why) in cases {
        application.scratch().file("wrong.json", text);
        for command in ["save", "end", "info"] {
            let path = application.scratch().path("wrong.json");
            let path = path.display().to_string();
            let outcome = application
                .tracked(&[command, ID, "--information", &path])
                .run();
            failed(&outcome, 4, "IN-28");
            let said = outcome.stderr();
            assert!(
                said.contains(&format!("wrong.json: {place}: {why}")),
                "{said}"
            );
        }
    }
    let outcome = application
        .tracked(&["end", ID, "--information", "-", "--error-format", "json"])
        .stdin("{\n}}")
        .run();
    assert_eq!(outcome.code(), Some(4));
    assert!(
        outcome
            .stderr()
            .contains(r#""id":"IN-28","source":null,"line":2"#),
        "{outcome:?}"
    );
    let missing = application
        .tracked(&["save", ID, "--information", "nowhere.json"])
        .run();
    failed(&missing, 4, "IN-01");
    let latin = application
        .tracked(&["save", ID, "--information", "-"])
        .stdin(b"{\"a\": \"\xe4\"}".to_vec())
        .run();
    failed(&latin, 4, "IN-06");
    assert_eq!(saved(&application, ID), json!({"job_role": "Cook"}));
    assert_eq!(column(&application, ID, "status"), "in_progress");
    assert_eq!(column(&application, ID, "end_time"), "");
}

#[test]
fn what_is_there_and_cannot_be_kept_is_not_saved_over() {
    let application = on_sqlite();
    let cases = [
        ("{\"job_role\": \"Cook\"", "line 1, column 19"),
        ("[1]", "a list, where an object is expected"),
        ("{\"a\": 1, \"a\": 2}", "the key \"a\" stands twice"),
        (
            "{\"x\": [1]}",
            "\"x\" holds a list, which would be lost for a text",
        ),
        (
            "{\"y\": {\"x\": {}, \"z\": [1]}}",
            "\"y.z\" holds a list, which would be lost for a number",
        ),
    ];
    for (number, (there, why)) in cases.into_iter().enumerate() {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        add(&application, &id, Some(there));
        for command in ["save", "end"] {
            let outcome = application
                .tracked(&[command, &id, "--information", "-"])
                .stdin("{\"x\": \"text\", \"y\": {\"z\": 5}}")
                .run();
            failed(&outcome, 4, "IN-28");
            assert!(outcome.stderr().contains(why), "{outcome:?}");
            assert!(
                outcome.stderr().contains("nothing was written"),
                "{outcome:?}"
            );
            assert_eq!(column(&application, &id, "session_information"), there);
            assert_eq!(column(&application, &id, "end_time"), "");
        }
    }
    // Without anything to save, there is nothing to lose.
    let id = "00000000-0000-4000-8000-000000000000";
    let ended = application.json(&["end", id]);
    assert_eq!(column(&application, id, "status"), "completed");
    assert_eq!(
        column(&application, id, "session_information"),
        "{\"job_role\": \"Cook\""
    );
    assert!(
        ended["notes"]
            .to_string()
            .contains("What is saved cannot be read: line 1")
    );
}

#[test]
fn an_interview_is_ended_once_and_keeps_its_end() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        add(&application, ID, Some("{\"job_role\": \"Cook\"}"));
        application
            .scratch()
            .file("last.json", "{\"llm_model\": \"m-1\"}");
        let path = application.scratch().path("last.json");
        let path = path.display().to_string();
        let words = [
            "end",
            ID,
            "--information",
            &path,
            "--now",
            "2026-03-01T09:35:00Z",
        ];
        let first = application.json(&words);
        assert_eq!(
            first["headline"],
            format!("Session {ID}: ended after 35m 00s; saved"),
            "{engine}"
        );
        assert_eq!(first["facts"]["ended_now"], true);
        assert_eq!(first["facts"]["end_time"], "2026-03-01T09:35:00Z");
        assert_eq!(first["facts"]["tracked_duration_seconds"], 2100);
        assert_eq!(first["notes"][0], "Its status was \"in_progress\".");
        assert_eq!(column(&application, ID, "status"), "completed");
        let end = column(&application, ID, "end_time");
        assert!(end.starts_with("2026-03-01 09:35:00"), "{engine}: {end}");
        assert_eq!(
            saved(&application, ID),
            json!({"job_role": "Cook", "llm_model": "m-1"})
        );
        let later = [
            "end",
            ID,
            "--information",
            &path,
            "--now",
            "2026-03-02T09:35:00Z",
        ];
        let second = application.json(&later);
        assert_eq!(
            second["headline"],
            format!("Session {ID}: ended already at 2026-03-01 09:35:00; nothing new to save")
        );
        assert_eq!(second["facts"]["ended_now"], false);
        assert_eq!(column(&application, ID, "end_time"), end);
        // What is saved later does not move the end.
        let late = save(&application, ID, &json!({"asr_model": "w-3"}));
        assert!(
            late["notes"]
                .to_string()
                .contains("It ended at 2026-03-01 09:35:00")
        );
        assert_eq!(column(&application, ID, "end_time"), end);
        assert_eq!(saved(&application, ID)["asr_model"], "w-3");
    }
}

#[test]
fn an_interview_that_ends_while_it_is_paused_is_resumed_at_its_end() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        add(&application, ID, None);
        application.done(&["migrate"]);
        application.done(&["pause", ID, "--now", "2026-03-01T09:10:00Z"]);
        for round in ["once", "twice"] {
            let ended = application.json(&["end", ID, "--now", "2026-03-01T09:30:00Z"]);
            let case = format!("{round} on {engine}");
            assert_eq!(ended["facts"]["duration_seconds"], 600, "{case}");
            assert_eq!(ended["facts"]["paused_seconds"], 1200, "{case}");
            assert_eq!(ended["facts"]["tracked_duration_seconds"], 1800, "{case}");
            let once = format!("Session {ID}: ended after 10m 00s");
            assert_eq!(ended["headline"] == once, round == "once", "{ended}");
        }
        let resumed = application.ask(
            "SELECT count(*) FROM interview_sessions_pauses
             WHERE resumed_at IS NOT NULL",
        );
        assert_eq!(resumed, [["1"]], "{engine}");
    }
}

#[test]
fn every_state_in_which_a_row_can_be_is_ended() {
    const NINE: &str = "'2026-03-01 09:00:00'";
    // Start, end and status as SQL, the end that the row has then, the headline's end, the first note.
    let cases = [
        (
            [NINE, "NULL", "NULL"],
            "2026-03-01 10:00:00",
            "ended after 1h 00m",
            "It had no status.",
        ),
        (
            [NINE, "NULL", "'Abgebrochen?'"],
            "2026-03-01 10:00:00",
            "ended after 1h 00m",
            "Its status was \"Abgebrochen?\".",
        ),
        (
            [NINE, "NULL", "'completed'"],
            "2026-03-01 10:00:00",
            "ended after 1h 00m",
            "",
        ),
        (
            [NINE, "'2026-03-01 09:10:00'", "'active'"],
            "2026-03-01 09:10:00",
            "ended already at 2026-03-01 09:10:00, and completed now",
            "Its status was \"active\".",
        ),
        (
            ["NULL", "NULL", "'created'"],
            "2026-03-01 10:00:00",
            "ended",
            "Its status was \"created\".",
        ),
        (
            ["'2026-03-01 10:00:05'", "NULL", "'completed'"],
            "2026-03-01 10:00:05",
            "ended at its start",
            "It starts 5s after now, and so it ends where it starts: one of the clocks is wrong.",
        ),
        (
            [NINE, "'2026-03-01 08:00:00'", "'completed'"],
            "2026-03-01 08:00:00",
            "ended already at 2026-03-01 08:00:00",
            "It ended 1h 00m before it started: one of the clocks is wrong.",
        ),
    ];
    for application in everywhere("saved-interview") {
        for (number, (columns, end, headline, note)) in cases.iter().enumerate() {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            insert(&application, &id, *columns, None);
            let said = application.json(&["end", &id, "--now", "2026-03-01T10:00:00Z"]);
            let case = format!("{columns:?} on {}", application.engine());
            assert_eq!(
                said["headline"],
                format!("Session {id}: {headline}"),
                "{case}"
            );
            let found = column(&application, &id, "end_time");
            assert!(found.starts_with(end), "{case}: {found}");
            assert_eq!(column(&application, &id, "status"), "completed", "{case}");
            assert_eq!(
                column(&application, &id, "session_information"),
                "",
                "{case}"
            );
            match said["notes"].as_array().expect("notes").first() {
                None => assert_eq!(*note, "", "{case}"),
                Some(first) => assert_eq!(first, note, "{case}"),
            }
        }
    }
}

#[test]
fn an_end_that_cannot_be_read_is_not_replaced() {
    let application = on_sqlite();
    insert(
        &application,
        ID,
        ["'2026-03-01 09:00:00'", "'soon'", "'active'"],
        None,
    );
    let outcome = application.tracked(&["end", ID]).run();
    failed(&outcome, 4, "TM-02");
    assert!(
        outcome.stderr().contains("\"end_time\" cannot be read"),
        "{outcome:?}"
    );
    assert_eq!(column(&application, ID, "end_time"), "soon");
    assert_eq!(column(&application, ID, "status"), "active");
}

#[test]
fn a_save_that_the_database_refuses_ends_nothing() {
    for application in everywhere("saved-interview") {
        // Made anew, since SQLite adds no constraint to a table that is there.
        let text = match application.engine() {
            "mysql" => "longtext",
            _ => "text",
        };
        application.run(&format!(
            "CREATE TABLE strict_sessions (session_id char(36) PRIMARY KEY,
                 interviewee_id char(36) NULL, start_time timestamp NULL, end_time timestamp NULL,
                 status varchar(20) NULL, session_information {text} NULL
                 CHECK (session_information NOT LIKE '%forbidden%'));
             INSERT INTO strict_sessions VALUES ('{ID}', NULL, '2026-03-01 09:00:00', NULL,
                 'active', '{{}}');"
        ));
        let end = |information: &str| {
            let words = [
                "end",
                ID,
                "--table",
                "strict_sessions",
                "--information",
                "-",
            ];
            application.tracked(&words).stdin(information).run()
        };
        let outcome = end("{\"word\": \"forbidden\"}");
        assert_eq!(outcome.code(), Some(5), "{outcome:?}");
        let row = "SELECT status, coalesce(end_time, ''), session_information FROM strict_sessions";
        let row = match application.engine() {
            "postgres" => row.replace("end_time,", "CAST(end_time AS text),"),
            _ => row.to_owned(),
        };
        assert_eq!(
            application.ask(&row),
            [["active", "", "{}"]],
            "{}",
            application.engine()
        );
        end("{\"word\": \"allowed\"}").expect_ok();
        assert_eq!(application.ask(&row)[0][0], "completed");
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn a_kill_at_any_statement_leaves_nothing_half_done() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        for command in ["save", "end"] {
            let id = if command == "save" { ID } else { OTHER };
            add(&application, id, Some("{\"job_role\": \"Cook\"}"));
            let state = || {
                ["session_information", "status", "end_time"]
                    .map(|name| column(&application, id, name))
            };
            let before = state();
            let mut kills = 0;
            loop {
                let call = application
                    .tracked(&[command, id, "--information", "-"])
                    .stdin("{\"llm_model\": \"m-1\"}")
                    .env("SESSIONIZE_FAIL_AT_WRITE", (kills + 1).to_string());
                let outcome = call.run();
                if outcome.code() == Some(0) {
                    break;
                }
                kills += 1;
                assert!(outcome.signal().is_some(), "{outcome:?}");
                assert!(kills < 10, "{outcome:?}");
                assert_eq!(state(), before, "{command} on {engine} at {kills}");
            }
            // The update, and its keeping.
            assert_eq!(kills, 2, "{command} on {engine}");
            assert_eq!(saved(&application, id)["llm_model"], "m-1");
            let ended = column(&application, id, "status") == "completed";
            assert_eq!(ended, command == "end");
        }
    }
}

#[test]
fn saves_at_the_same_instant_lose_nothing() {
    for application in everywhere("saved-interview") {
        add(&application, ID, None);
        let start = |number: usize| {
            let stamp = format!("2026-03-01T09:00:{number:02}");
            let information = json!({
                "anomalies_detected": [{"timestamp": stamp, "type": "devices_detected"}],
                format!("key {number}"): number,
            });
            application
                .tracked(&["save", ID, "--information", "-"])
                .stdin(information.to_string())
                .start()
        };
        let running: Vec<_> = (0..8).map(start).collect();
        for one in running {
            one.finish().expect_ok();
        }
        let now = saved(&application, ID);
        let engine = application.engine();
        let anomalies = now["anomalies_detected"].as_array().map(Vec::len);
        assert_eq!(anomalies, Some(8), "{engine}: {now}");
        for number in 0..8 {
            assert_eq!(now[format!("key {number}")], number, "{engine}");
        }
    }
}

#[test]
fn of_ends_at_the_same_instant_one_is_the_end() {
    for application in everywhere("saved-interview") {
        add(&application, ID, None);
        let start = |minute: usize| {
            let now = format!("2026-03-01T10:0{minute}:00Z");
            application
                .tracked(&["end", ID, "--format", "json", "--now", &now])
                .start()
        };
        let running: Vec<_> = (0..6).map(start).collect();
        let mut ends = Vec::new();
        for one in running {
            let said = one.finish().expect_ok();
            let said: Value = serde_json::from_slice(&said.stdout).expect("one object");
            ends.push((
                said["facts"]["ended_now"].clone(),
                said["facts"]["end_time"].clone(),
            ));
        }
        let engine = application.engine();
        let now: Vec<_> = ends.iter().filter(|(now, _)| *now == true).collect();
        assert_eq!(now.len(), 1, "{engine}: {ends:?}");
        assert!(
            ends.iter().all(|(_, end)| *end == now[0].1),
            "{engine}: {ends:?}"
        );
    }
}

#[test]
fn quoted_names_and_every_type_that_holds_json_are_read_and_written() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        let types: &[&str] = match engine {
            "postgres" => &["json", "jsonb", "text", "varchar(2000)"],
            "mysql" => &["json", "text", "longtext", "varchar(2000)"],
            _ => &["JSON", "TEXT", ""],
        };
        for (number, information) in types.iter().enumerate() {
            let table = format!("Interview Sessions {number}");
            let sql = format!(
                r#"CREATE TABLE "{table}" ("Session_Id" varchar(40) PRIMARY KEY,
                     "interviewee_id" varchar(40) NULL, "Start" timestamp NULL,
                     "end_time" timestamp NULL, "Status" varchar(20) NULL,
                     "Session_Information" {information} NULL, "Interview_report" {information} NULL);
                   INSERT INTO "{table}" VALUES ('odd id''s', NULL, '2026-03-01 09:00:00', NULL,
                     'active', '{{"b": 1, "a": {{"?": "?"}}}}', '{{"score": 3}}');"#
            );
            let (sql, quote) = match engine {
                "mysql" => (mysql_names(&sql), '`'),
                _ => (sql, '"'),
            };
            application.run(&sql);
            application
                .scratch()
                .file("names.toml", "[tracked.columns]\nstart_time = \"Start\"\n");
            let path = application.scratch().path("names.toml");
            let path = path.display().to_string();
            let ended = application
                .tracked(&["end", "odd id's", "--information", "-", "--format", "json"])
                .args(["--config", &path, "--table", &table])
                .args(["--now", "2026-03-01T10:00:00Z"])
                .stdin(
                    "{\"conversation_history\": [{\"role\": \"user\", \"content\": \"It's ?\"}]}",
                )
                .run();
            assert_eq!(ended.code(), Some(2), "--now stands twice: {ended:?}");
            let ended = application
                .tracked(&["end", "odd id's", "--information", "-", "--format", "json"])
                .args(["--config", &path, "--table", &table])
                .stdin(
                    "{\"conversation_history\": [{\"role\": \"user\", \"content\": \"It's ?\"}]}",
                )
                .run()
                .expect_ok();
            let ended: Value = serde_json::from_slice(&ended.stdout).expect("one object");
            assert_eq!(ended["facts"]["has_report"], true, "{engine} {information}");
            let char_type = if engine == "mysql" { "CHAR" } else { "TEXT" };
            let rows = application.ask(&format!(
                "SELECT {quote}Status{quote}, CAST({quote}Session_Information{quote} AS {char_type}),
                    CAST({quote}Interview_report{quote} AS {char_type})
                 FROM {quote}{table}{quote} WHERE {quote}end_time{quote} IS NOT NULL"
            ));
            assert_eq!(rows[0][0], "completed", "{engine} {information}");
            let now: Value = serde_json::from_str(&rows[0][1]).expect("an object");
            let expected = json!({
                "a": {"?": "?"},
                "b": 1,
                "conversation_history": [message("user", "It's ?")],
            });
            assert_eq!(now, expected, "{engine} {information}");
            assert_eq!(rows[0][2], "{\"score\": 3}", "{engine} {information}");
            // Where the text is kept, so is the order of the keys.
            if *information != "jsonb" {
                assert!(rows[0][1].starts_with("{\"b\": 1, \"a\""), "{}", rows[0][1]);
            }
        }
    }
}

fn mysql_names(sql: &str) -> String {
    let values = sql.find("INSERT").expect("an insertion");
    let (create, insert) = sql.split_at(values);
    let insert = insert.replacen('"', "`", 2);
    format!("{}{insert}", create.replace('"', "`"))
}

#[test]
fn info_shows_what_is_saved_and_what_would_be() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        let there = json!({
            "job_role": "Data engineer",
            "asr_model": "w-3",
            "llm_provider": "example",
            "llm_model": {"name": "m-1"},
            "conversation_history": [
                message("assistant", "a"), message("user", "b"), message("tool", "c"),
            ],
            "anomalies_detected": [{"type": "multiple_persons"}],
        });
        insert(
            &application,
            ID,
            ["'2026-03-01 23:30:00'", "'2026-03-02 00:10:00'", "'paused'"],
            Some(&there.to_string()),
        );
        let before = column(&application, ID, "session_information");
        let shown = application.json(&["info", ID, "--timezone", "Asia/Tokyo"]);
        let facts = &shown["facts"];
        assert_eq!(shown["headline"], format!("Session {ID}: what is saved"));
        let expected = [
            ("session_id", json!(ID)),
            ("interviewee_id", Value::Null),
            ("status", json!("paused")),
            ("date_of_interview", json!("2026-03-02")),
            ("start_time", json!("2026-03-01T23:30:00Z")),
            ("end_time", json!("2026-03-02T00:10:00Z")),
            ("tracked_duration_seconds", json!(2400)),
            ("job_role", json!("Data engineer")),
            ("asr_model", json!("w-3")),
            ("llm_provider", json!("example")),
            ("messages", json!(3)),
            ("user_messages", json!(1)),
            ("assistant_messages", json!(1)),
            ("other_messages", json!(1)),
            ("anomalies", json!(1)),
            ("has_report", json!(false)),
            ("resume_url", json!("https://cv.example/ada.pdf")),
            ("recording_url", json!("https://rec.example/7")),
        ];
        for (name, value) in expected {
            assert_eq!(facts[name], value, "{name} on {engine}");
        }
        let text = facts["session_information"].as_str().expect("a text");
        let text: Value = serde_json::from_str(text).expect("an object");
        assert_eq!(text, there, "{engine}");
        let utc = application.json(&["info", ID]);
        assert_eq!(utc["facts"]["date_of_interview"], "2026-03-01");
        let would = application
            .tracked(&["info", ID, "--information", "-", "--format", "json"])
            .stdin("{\"conversation_history\": [{\"role\": \"user\", \"content\": \"d\"}]}")
            .run()
            .expect_ok();
        let would: Value = serde_json::from_slice(&would.stdout).expect("one object");
        assert_eq!(
            would["headline"],
            format!("Session {ID}: what would be saved")
        );
        assert_eq!(would["facts"]["messages"], 4);
        assert_eq!(would["facts"]["messages_added"], 1);
        assert_eq!(would["facts"]["changed"], true);
        assert_eq!(column(&application, ID, "session_information"), before);
    }
}

#[test]
fn info_says_when_nothing_is_saved_or_what_is_cannot_be_read() {
    let application = on_sqlite();
    insert(&application, ID, ["NULL", "NULL", "NULL"], None);
    let shown = application.json(&["info", ID]);
    assert_eq!(shown["headline"], format!("Session {ID}: nothing is saved"));
    for name in [
        "date_of_interview",
        "messages",
        "anomalies",
        "job_role",
        "status",
    ] {
        assert_eq!(shown["facts"][name], Value::Null, "{name}");
    }
    add(&application, OTHER, Some("{\n\"job_role\": }"));
    let shown = application.json(&["info", OTHER]);
    assert_eq!(
        shown["headline"],
        format!("Session {OTHER}: what is saved cannot be read")
    );
    assert_eq!(
        shown["notes"][0],
        "What is saved cannot be read: line 2, column 13: expected value."
    );
    assert_eq!(shown["facts"]["anomalies"], Value::Null);
}

#[test]
fn another_persons_interview_is_not_found_and_not_touched() {
    for application in everywhere("saved-interview") {
        add(&application, ID, Some("{}"));
        application.run(&format!(
            "UPDATE interview_sessions SET interviewee_id = '{ADA}'"
        ));
        for command in ["save", "end", "info"] {
            let call = |id: &str| {
                application
                    .tracked(&[command, id, "--as-user", BOB, "--information", "-"])
                    .stdin("{\"a\": 1}")
                    .run()
            };
            let (other, missing) = (call(ID), call(OTHER));
            failed(&other, 4, "IN-16");
            assert_eq!(
                other.stderr().replace(ID, OTHER),
                missing.stderr(),
                "{command} on {}",
                application.engine()
            );
            assert_eq!(missing.code(), Some(4));
        }
        assert_eq!(saved(&application, ID), json!({}));
        assert_eq!(column(&application, ID, "status"), "in_progress");
        let seen = application.json(&["anomalies", "--as-user", BOB]);
        assert_eq!(seen["facts"]["sessions"], 0);
        let own = application.json(&["end", ID, "--as-user", ADA]);
        assert_eq!(own["facts"]["ended_now"], true);
    }
}

#[test]
fn other_shapes_and_malformed_ids_are_usage_errors() {
    let [sqlite, postgres, _] = everywhere("saved-interview");
    for application in [&sqlite, &postgres] {
        add(application, ID, None);
    }
    for command in ["save", "end", "info"] {
        let outcome = postgres
            .tracked(&[command, "seven", "--information", "-"])
            .stdin("{}")
            .run();
        failed(&outcome, 2, "CF-01");
        assert!(
            outcome.stderr().contains("\"seven\" is not a UUID"),
            "{outcome:?}"
        );
    }
    let [platform, ..] = everywhere("platform");
    for words in [
        &["save", "1", "--information", "-"][..],
        &["info", "1"],
        &["anomalies"],
    ] {
        let outcome = platform.tracked(words).run();
        failed(&outcome, 2, "CF-01");
        let said = "does not apply to the shape \"platform\": its sessions hold no information";
        assert!(outcome.stderr().contains(said), "{outcome:?}");
    }
    let end = platform.tracked(&["end", "1", "--information", "-"]).run();
    failed(&end, 2, "CF-01");
    assert!(end.stderr().contains("hold no information"), "{end:?}");
    let given = sqlite.tracked(&["end", ID, "--xp-phrases", "3"]).run();
    failed(&given, 2, "CF-01");
    let without = sqlite.tracked(&["save", ID]).run();
    assert_eq!(without.code(), Some(2), "{without:?}");
    let own = sqlite
        .scratch()
        .file("own.json", "{}")
        .display()
        .to_string();
    let over = sqlite
        .tracked(&["save", ID, "--information", &own, "-o", &own])
        .run();
    failed(&over, 2, "CF-06");
}

/// One anomaly.
fn anomaly(at: &str, kind: &str, count: u64, detections: &[&str]) -> Value {
    json!({"timestamp": at, "type": kind, "count": count, "detections": detections})
}

/// Interviews whose figures are worked out by hand below.
fn watched(application: &Application) {
    let id = |number: u64| format!("00000000-0000-4000-8000-{number:012}");
    let with = |anomalies: Value| json!({"anomalies_detected": anomalies}).to_string();
    let one = with(json!([
        anomaly(
            "2026-03-02T09:10:00",
            "multiple_persons",
            2,
            &["person 0.95", "person 0.85"]
        ),
        anomaly(
            "2026-03-02T10:20:00+01:00",
            "multiple_persons",
            3,
            &["person 0.60"]
        ),
        anomaly(
            "2026-03-02T09:59:59.5Z",
            "devices_detected",
            1,
            &["cell phone 0.8"]
        ),
    ]));
    insert(
        application,
        &id(1),
        [
            "'2026-03-02 09:00:00'",
            "'2026-03-02 10:00:00'",
            "'completed'",
        ],
        Some(&one),
    );
    insert(
        application,
        &id(2),
        [
            "'2026-03-02 23:30:00'",
            "'2026-03-03 00:30:00'",
            "'completed'",
        ],
        Some(&with(json!([]))),
    );
    // Open, with a type that nobody knows, an anomaly without a type, and what cannot be read.
    let odd = with(json!([
        anomaly("2026-03-03T23:45:00", "gaze_away", 1, &[]),
        {"timestamp": "yesterday", "count": -1, "detections": ["person 7", 5, "person"]},
    ]));
    insert(
        application,
        &id(3),
        ["'2026-03-03 23:30:00'", "NULL", "'???'"],
        Some(&odd),
    );
    // Of 340 hours, with an anomaly after its end.
    let long = with(json!([anomaly(
        "2026-03-20T00:00:00",
        "devices_detected",
        1,
        &["laptop 0.5"]
    )]));
    insert(
        application,
        &id(4),
        [
            "'2026-03-04 00:00:00'",
            "'2026-03-18 04:00:00'",
            "'completed'",
        ],
        Some(&long),
    );
    // Ended before it started.
    insert(
        application,
        &id(5),
        [
            "'2026-03-05 10:00:00'",
            "'2026-03-05 09:00:00'",
            "'completed'",
        ],
        Some(&with(json!([anomaly(
            "2026-03-05T10:00:00",
            "devices_detected",
            2,
            &[]
        )]))),
    );
    insert(
        application,
        &id(6),
        ["'2026-03-05 11:00:00'", "NULL", "'active'"],
        None,
    );
    insert(
        application,
        &id(7),
        ["'2026-03-05 12:00:00'", "NULL", "'active'"],
        Some("{\"job_role\": \"Cook\"}"),
    );
    insert(
        application,
        &id(8),
        ["'2026-03-05 13:00:00'", "NULL", "'active'"],
        Some("[]"),
    );
    insert(
        application,
        &id(9),
        ["NULL", "NULL", "'created'"],
        Some("null"),
    );
}

#[test]
fn anomalies_are_counted_per_session_per_type_per_hour_and_over_time() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        watched(&application);
        let said = application.json(&["anomalies", "--by", "day", "--per", "session"]);
        let facts = &said["facts"];
        assert_eq!(
            said["headline"], "Anomalies in 4 of 5 sessions (80%)",
            "{engine}"
        );
        let expected = [
            ("sessions", json!(9)),
            ("sessions_without_information", json!(2)),
            ("sessions_with_broken_information", json!(1)),
            ("sessions_silent_on_anomalies", json!(1)),
            ("sessions_judged", json!(5)),
            ("sessions_with_anomalies", json!(4)),
            ("share_of_sessions", json!(0.8)),
            ("anomalies", json!(7)),
            ("multiple_persons", json!(2)),
            ("devices_detected", json!(3)),
            ("other_types", json!(2)),
            ("anomalies_per_session", json!(1.4)),
            ("most_in_a_session", json!(3)),
            // One hour, one hour, and 340: what is open or upside down is left out.
            ("tracked_seconds", json!(342 * 3600)),
        ];
        for (name, value) in expected {
            assert_eq!(facts[name], value, "{name} on {engine}");
        }
        // Wilson's interval of 4 in 5, as tables have it: 0.376 to 0.964.
        let near = |name: &str, value: f64| (facts[name].as_f64().expect(name) - value).abs();
        assert!(near("anomalies_per_hour", 4.0 / 342.0) < 1e-12, "{facts}");
        assert!(near("share_low", 0.3755) < 5e-5, "{facts}");
        assert!(near("share_high", 0.9638) < 5e-5, "{facts}");
        types_are_right(&said["types"]);
        let hours = said["hours"].as_array().expect("hours");
        assert_eq!(hours.len(), 24);
        for (hour, anomalies, sessions) in [(0, 1, 1), (9, 3, 1), (10, 1, 1), (23, 1, 1), (8, 0, 0)]
        {
            assert_eq!(hours[hour]["anomalies"], anomalies, "hour {hour}");
            assert_eq!(
                hours[hour]["sessions_with_anomalies"], sessions,
                "hour {hour}"
            );
        }
        periods_are_right(&said["periods"]);
        sessions_are_right(&said["sessions"]);
        let notes = said["notes"].to_string();
        for note in [
            "Shares leave out 4 sessions of which nothing is known: 2 without information, 1 \
             broken, 1 silent on anomalies.",
            "Rates per hour leave out 2 sessions without a length",
            "1 anomaly without a time that can be read",
            "1 anomaly before the first period or after the last.",
            "1 anomaly before the start of the session or after its end.",
            "1 anomaly without a type.",
            "2 detections that cannot be read.",
            "1 session without a start, in no period.",
        ] {
            assert!(notes.contains(note), "{note}: {notes}");
        }
    }
}

fn types_are_right(types: &Value) {
    let names = types.as_array().expect("types").iter();
    let names: Vec<&Value> = names.map(|row| &row["type"]).collect();
    let expected = json!(["multiple_persons", "devices_detected", "gaze_away", null]);
    assert_eq!(
        names,
        expected
            .as_array()
            .expect("a list")
            .iter()
            .collect::<Vec<_>>()
    );
    let expected = [
        // Anomalies, sessions, per hour, highest count, detections, confidence, labels.
        json!([2, 1, 2.0 / 342.0, 3, 3, 0.8, "person:3"]),
        json!([3, 3, 2.0 / 342.0, 2, 2, 0.65, "cell phone:1;laptop:1"]),
        json!([1, 1, 0.0, 1, 0, null, null]),
        json!([1, 1, 0.0, null, 1, null, "person:1"]),
    ];
    const NAMES: [&str; 7] = [
        "anomalies",
        "sessions_with_anomalies",
        "anomalies_per_hour",
        "highest_count",
        "detections",
        "mean_confidence",
        "labels",
    ];
    for (row, expected) in types.as_array().expect("types").iter().zip(expected) {
        for (name, expected) in NAMES.iter().zip(expected.as_array().expect("a list")) {
            match (row[*name].as_f64(), expected.as_f64()) {
                (Some(one), Some(other)) => assert!((one - other).abs() < 1e-12, "{name}: {row}"),
                _ => assert_eq!(row[*name], *expected, "{name}: {row}"),
            }
        }
    }
}

fn periods_are_right(periods: &Value) {
    let periods = periods.as_array().expect("periods");
    // From 2 March to 18 March, where the last end lies.
    assert_eq!(periods.len(), 17);
    let expected = [
        // Anomalies that day; sessions that started, that speak of anomalies, that have some.
        ("2026-03-02", 3, 2, 2, 1),
        ("2026-03-03", 1, 1, 1, 1),
        ("2026-03-04", 0, 1, 1, 1),
        ("2026-03-05", 1, 4, 1, 1),
        ("2026-03-06", 0, 0, 0, 0),
    ];
    for (row, (period, anomalies, started, judged, with)) in periods.iter().zip(expected) {
        assert_eq!(row["period"], period);
        assert_eq!(row["anomalies"], anomalies, "{period}");
        assert_eq!(row["sessions_started"], started, "{period}");
        assert_eq!(row["sessions_judged"], judged, "{period}");
        assert_eq!(row["sessions_with_anomalies"], with, "{period}");
    }
    assert_eq!(periods[0]["share_of_sessions"], 0.5);
    assert_eq!(periods[4]["share_of_sessions"], Value::Null);
}

fn sessions_are_right(sessions: &Value) {
    let sessions = sessions.as_array().expect("sessions");
    assert_eq!(sessions.len(), 9);
    let of = |number: u64| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let mut found = sessions
            .iter()
            .filter(|row| row["session_id"] == id.as_str());
        found.next().unwrap_or_else(|| panic!("session {number}"))
    };
    assert_eq!(of(1)["anomalies"], 3);
    assert_eq!(of(1)["anomalies_per_hour"], 3.0);
    assert_eq!(of(1)["first_anomaly_at"], "2026-03-02T09:10:00Z");
    assert_eq!(of(1)["last_anomaly_at"], "2026-03-02T09:59:59.500Z");
    assert_eq!(of(2)["anomalies"], 0);
    assert_eq!(of(2)["anomalies_per_hour"], 0.0);
    assert_eq!(of(3)["other_types"], 2);
    assert_eq!(of(3)["anomalies_per_hour"], Value::Null);
    assert_eq!(of(5)["tracked_duration_seconds"], -3600);
    assert_eq!(of(5)["anomalies_per_hour"], Value::Null);
    for (number, word) in [
        (2, "read"),
        (6, "absent"),
        (7, "silent"),
        (8, "broken"),
        (9, "absent"),
    ] {
        assert_eq!(of(number)["information"], word);
        let is_known = !of(number)["anomalies"].is_null();
        assert_eq!(is_known, word == "read", "session {number}");
    }
}

#[test]
fn anomalies_happen_on_the_clock_of_the_reports_zone_and_in_its_window() {
    let application = on_sqlite();
    watched(&application);
    // 23:45 UTC is 08:45 of the next day in Tokyo; weeks begin on Mondays.
    let tokyo = application.json(&["anomalies", "--by", "day", "--timezone", "Asia/Tokyo"]);
    assert_eq!(tokyo["hours"][8]["anomalies"], 1);
    assert_eq!(tokyo["hours"][18]["anomalies"], 3);
    let periods = tokyo["periods"].as_array().expect("periods");
    let day = |name: &str| {
        let mut found = periods.iter().filter(|row| row["period"] == name);
        found.next().unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(day("2026-03-02")["anomalies"], 3);
    assert_eq!(day("2026-03-03")["anomalies"], 0);
    assert_eq!(day("2026-03-04")["anomalies"], 1);
    let weeks = application.json(&["anomalies", "--by", "week"]);
    let weeks = weeks["periods"].as_array().expect("weeks");
    let seen: Vec<(&Value, &Value)> = weeks
        .iter()
        .map(|row| (&row["period"], &row["anomalies"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!("2026-03-02 W10"), &json!(5)),
            (&json!("2026-03-09 W11"), &json!(0)),
            (&json!("2026-03-16 W12"), &json!(1)),
        ]
    );
    let window = application.json(&["anomalies", "--from", "2026-03-03", "--to", "2026-03-04"]);
    assert_eq!(window["facts"]["sessions"], 2);
    assert_eq!(window["facts"]["anomalies"], 3);
    // Two days of interviews are two rows, unless hours are asked for.
    let rows = |words: &[&str]| {
        let window = ["anomalies", "--from", "2026-03-02", "--to", "2026-03-02"];
        let said = application.json(&[&window, words].concat());
        said["periods"].as_array().map(Vec::len)
    };
    assert_eq!(rows(&[]), Some(2));
    assert_eq!(rows(&["--by", "hour"]), Some(16));
    let notes = window["notes"].to_string();
    assert!(
        notes.contains("1 session without a start, not in the window."),
        "{notes}"
    );
}

#[test]
fn sessions_of_one_interviewee_have_to_do_with_each_other() {
    let application = on_sqlite();
    let id = |number: u64| format!("00000000-0000-4000-8000-{number:012}");
    // Ada has four interviews, all with an anomaly, Bob four without, Cem two, one of them with.
    let people = [(ADA, 4, 4), (BOB, 0, 4), ("cem", 1, 2)];
    let mut number = 0;
    for (person, with, of) in people {
        for place in 0..of {
            let list = match place < with {
                true => json!([anomaly("2026-03-01T09:01:00", "gaze_away", 1, &[])]),
                false => json!([]),
            };
            let information = json!({"anomalies_detected": list}).to_string();
            add(&application, &id(number), Some(&information));
            application.run(&format!(
                "UPDATE interview_sessions SET interviewee_id = '{person}'
                 WHERE session_id = '{}'",
                id(number)
            ));
            number += 1;
        }
    }
    let said = application.json(&["anomalies"]);
    // v = 3/2 · (2² + 2² + 0²) ÷ 10² = 0.12, so as sure as 0.25 ÷ 0.12 interviews; ten that have
    // nothing to do with each other would give 0.24 to 0.76.
    for row in [&said["facts"], &said["types"][2], &said["periods"][0]] {
        assert_eq!(row["share_of_sessions"], 0.5, "{row}");
        let of = |name: &str| row[name].as_f64().expect(name);
        assert!((of("share_low") - 0.097_392_801_6).abs() < 1e-9, "{row}");
        assert!((of("share_high") - 0.902_607_198_4).abs() < 1e-9, "{row}");
    }
    // None in ten interviews of three people: as sure as three.
    let none = &said["types"][0];
    assert_eq!(none["share_low"], 0.0);
    let high = none["share_high"].as_f64().expect("an end");
    assert!((high - 0.561_497_031_8).abs() < 1e-9, "{none}");
}

#[test]
fn anomalies_are_what_sql_counts() {
    for application in everywhere("saved-interview") {
        let engine = application.engine();
        let mut state = 11_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(3);
            (state >> 33) % below
        };
        let mut values = Vec::new();
        for number in 0..300_u64 {
            let day = 1 + next(20);
            let list: Vec<Value> = (0..next(5))
                .map(|_| {
                    let kind = ["multiple_persons", "devices_detected", "gaze_away"];
                    let kind = kind[next(3) as usize];
                    let at = format!("2026-03-{day:02}T{:02}:{:02}:00", next(24), next(60));
                    anomaly(&at, kind, 1 + next(3), &[])
                })
                .collect();
            let information = match number % 10 {
                7 => "NULL".to_owned(),
                8 => "'{\"job_role\": \"Cook\"}'".to_owned(),
                _ => format!("'{}'", json!({"anomalies_detected": list})),
            };
            values.push(format!(
                "('00000000-0000-4000-8000-{number:012}', NULL, NULL, '2026-03-{day:02} 08:00:00',
                  '2026-03-{day:02} 08:{:02}:00', 'completed', {information}, NULL, NULL, NULL)",
                1 + next(59)
            ));
        }
        application.run(&format!(
            "INSERT INTO interview_sessions VALUES {}",
            values.join(", ")
        ));
        let each = match engine {
            "postgres" => {
                "SELECT CAST(session_id AS text) AS id, one->>'type' AS kind, one->>'timestamp' AS at
                 FROM interview_sessions,
                      jsonb_array_elements(session_information->'anomalies_detected') AS one"
            }
            "mysql" => {
                "SELECT session_id AS id, one.kind AS kind, one.at AS at FROM interview_sessions,
                 JSON_TABLE(session_information, '$.anomalies_detected[*]' COLUMNS
                     (kind varchar(40) PATH '$.type', at varchar(40) PATH '$.timestamp')) AS one"
            }
            _ => {
                "SELECT session_id AS id, json_extract(one.value, '$.type') AS kind,
                        json_extract(one.value, '$.timestamp') AS at
                 FROM interview_sessions,
                      json_each(session_information, '$.anomalies_detected') AS one"
            }
        };
        let by = |key: &str| {
            application.ask(&format!(
                "SELECT {key} AS place, count(*), count(DISTINCT id) FROM ({each}) AS them
                 GROUP BY {key} ORDER BY 1"
            ))
        };
        let said = application.json(&["anomalies", "--by", "day", "--per", "session"]);
        let rows = |table: &str, key: &str, sessions: &str| {
            let rows = said[table].as_array().expect("rows").iter();
            let rows = rows.filter(|row| row["anomalies"].as_u64() > Some(0));
            let text = |value: &Value| value.to_string().trim_matches('"').to_owned();
            let mut rows: Vec<Vec<String>> = rows
                .map(|row| {
                    let sessions = match sessions {
                        "" => "1".to_owned(),
                        sessions => text(&row[sessions]),
                    };
                    vec![text(&row[key]), text(&row["anomalies"]), sessions]
                })
                .collect();
            rows.sort();
            rows
        };
        assert_eq!(
            rows("types", "type", "sessions_with_anomalies"),
            by("kind"),
            "{engine}"
        );
        assert_eq!(rows("sessions", "session_id", ""), by("id"), "{engine}");
        assert_eq!(
            rows("periods", "period", "sessions_with_anomalies"),
            by("substr(at, 1, 10)"),
            "{engine}"
        );
        let mut hours = rows("hours", "hour", "sessions_with_anomalies");
        for row in &mut hours {
            row[0] = format!("{:0>2}", row[0]);
        }
        hours.sort();
        assert_eq!(hours, by("substr(at, 12, 2)"), "{engine}");
        assert_eq!(said["facts"]["sessions_judged"], 240, "{engine}");
        assert_eq!(
            said["facts"]["sessions_without_information"], 30,
            "{engine}"
        );
        assert_eq!(
            said["facts"]["sessions_silent_on_anomalies"], 30,
            "{engine}"
        );
    }
}

#[test]
fn broken_information_is_counted_and_named_where_a_column_of_texts_allows_it() {
    for application in everywhere("saved-interview") {
        if application.engine() == "postgres" {
            application.run("ALTER TABLE interview_sessions ALTER session_information TYPE text");
        }
        let broken = [
            "{",
            "",
            "nul",
            "{\"anomalies_detected\": {}}",
            "{\"anomalies_detected\": [5]}",
        ];
        for (number, text) in broken.iter().enumerate() {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            add(&application, &id, Some(text));
        }
        let said = application.json(&["anomalies"]);
        let facts = &said["facts"];
        assert_eq!(facts["sessions_with_broken_information"], 3);
        assert_eq!(facts["sessions_without_information"], 1);
        // What is no object is an anomaly of which nothing is known.
        assert_eq!(facts["anomalies"], 1);
        let notes = said["notes"].to_string();
        assert!(
            notes.contains("Broken, for example: session 00000000-0000-4000-8000-000000000000: "),
            "{notes}"
        );
    }
}

#[test]
fn what_is_asked_for_is_what_formats_of_rows_hold() {
    let application = on_sqlite();
    watched(&application);
    let first = |per: &str, format: &str| {
        let words = ["anomalies", "--by", "day", "--per", per, "--format", format];
        let said = application.done(&words).stdout();
        said.lines().next().unwrap_or_default().to_owned()
    };
    assert!(first("type", "csv").starts_with("type,anomalies,sessions_with_anomalies,"));
    assert!(first("hour", "csv").starts_with("hour,anomalies,multiple_persons,"));
    assert!(first("period", "csv").starts_with("period,period_start,anomalies,"));
    assert!(first("session", "csv").starts_with("session_id,interviewee_id,start_time,"));
    assert!(first("type", "ndjson").starts_with("{\"type\":\"multiple_persons\",\"anomalies\":2,"));
    let said = application.json(&["anomalies"]);
    assert_eq!(
        said.get("sessions"),
        None,
        "sessions are listed when they are asked for"
    );
    for format in ["table", "markdown"] {
        let said = application
            .done(&["anomalies", "--format", format])
            .stdout();
        for words in [
            "Anomalies in 4 of 5 sessions (80%)",
            "gaze",
            "By hour of the day",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    let empty = on_sqlite().json(&["anomalies"]);
    assert_eq!(empty["headline"], "No session");
    assert_eq!(empty["facts"]["share_of_sessions"], Value::Null);
    assert_eq!(empty["periods"], json!([]));
}
