//! `sessionize tracked lifecycle`: the stages of tracked sessions on every engine, worked out by
//! hand or by the application's own SQL; and tracked sessions in `report`, `compare`, `threshold`.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::applications::{Application, everywhere};
use crate::harness::Scratch;

/// The id of the session of a number.
fn id(number: u32) -> String {
    format!("3f1c4d1e-8a55-4b7c-9c5e-{number:012}")
}

/// Created, connected, started, ended, status. What each stage takes is worked out beside it, in
/// seconds.
const INTERVIEWS: [[&str; 5]; 10] = [
    // 120, 180, 1800
    [
        "03-30 09:00:00",
        "03-30 09:02:00",
        "03-30 09:05:00",
        "03-30 09:35:00",
        "completed",
    ],
    // 240, 60, 1200
    [
        "03-30 10:00:00",
        "03-30 10:04:00",
        "03-30 10:05:00",
        "03-30 10:25:00",
        "completed",
    ],
    // It connects 60 before it is created, 240, and ends 120 before it starts.
    [
        "03-30 11:00:00",
        "03-30 10:59:00",
        "03-30 11:03:00",
        "03-30 11:01:00",
        "completed",
    ],
    // It never connects: waiting is skipped, it has no setup, 600.
    [
        "03-31 08:00:00",
        "",
        "03-31 08:10:00",
        "03-31 08:20:00",
        "completed",
    ],
    // 360, in setup since.
    ["03-31 09:00:00", "03-31 09:06:00", "", "", "active"],
    // Waiting since.
    ["03-31 10:00:00", "", "", "", "created"],
    // Over while it waited; nobody knows when.
    ["03-20 10:00:00", "", "", "", "Cancelled"],
    // 60, 60, productive since, with a status that says nothing.
    [
        "03-25 09:00:00",
        "03-25 09:01:00",
        "03-25 09:02:00",
        "",
        "weird",
    ],
    // 180, 120, 340 hours: 1224000
    [
        "03-15 00:00:00",
        "03-15 00:03:00",
        "03-15 00:05:00",
        "03-29 04:05:00",
        "completed",
    ],
    // 60, 180, 1800; at half past midnight of the next day in Berlin
    [
        "03-29 22:30:00",
        "03-29 22:31:00",
        "03-29 22:34:00",
        "03-29 23:04:00",
        "completed",
    ],
];

fn at(time: &str) -> String {
    match time {
        "" => "NULL".to_owned(),
        time => format!("'2026-{time}'"),
    }
}

/// The interviews; with their ends, or without such a column.
fn put_interviews(application: &Application, with_ends: bool) {
    if with_ends {
        let instant = match application.engine() {
            "postgres" => "timestamptz",
            "mysql" => "datetime(6)",
            _ => "TIMESTAMP",
        };
        application.run(&format!(
            "ALTER TABLE sessions ADD COLUMN ended_at {instant} NULL"
        ));
    }
    let rows = INTERVIEWS.iter().zip(1..).map(|(row, number)| {
        let [created, connected, started, ended, status] = row;
        let end = if with_ends {
            format!(", {}", at(ended))
        } else {
            String::new()
        };
        format!(
            "('{}', {}, {}, {}, '{status}'{end})",
            id(number),
            at(created),
            at(connected),
            at(started)
        )
    });
    let rows: Vec<String> = rows.collect();
    let end = if with_ends { ", ended_at" } else { "" };
    application.run(&format!(
        "INSERT INTO sessions (id, created_at, desktop_connected_at, session_started_at, \
         status{end}) VALUES {}",
        rows.join(", ")
    ));
}

/// The row of a stage.
fn stage<'a>(rows: &'a Value, name: &str) -> &'a Value {
    let rows = rows.as_array().unwrap().iter();
    let mut named = rows.filter(|row| row["stage"] == name);
    named.next().unwrap()
}

/// The cells of a row that are named.
fn cells(row: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| row[name].clone()).collect()
}

fn has_note(answer: &Value, words: &str) -> bool {
    let notes = answer["notes"].as_array().unwrap().iter();
    notes
        .filter_map(Value::as_str)
        .any(|note| note.contains(words))
}

const COUNTS: [&str; 8] = [
    "sessions",
    "entered",
    "completed",
    "in_progress",
    "skipped",
    "end_unknown",
    "out_of_order",
    "unreadable",
];

const AVERAGES: [&str; 5] = [
    "mean_duration_seconds",
    "mean_low_seconds",
    "mean_high_seconds",
    "median_duration_seconds",
    "p90_duration_seconds",
];

#[test]
fn the_stages_of_interviews_are_as_worked_out_by_hand() {
    for application in everywhere("interview") {
        put_interviews(&application, true);
        let said = application.json(&["lifecycle"]);
        let engine = application.engine();
        let reached = cells(
            &said["facts"],
            &["created", "connected", "started", "ended"],
        );
        assert_eq!(reached, [10, 7, 7, 6], "{engine}");
        let waiting = stage(&said["overall"], "waiting");
        assert_eq!(
            cells(waiting, &COUNTS),
            [10, 10, 6, 1, 1, 1, 1, 0],
            "{engine}"
        );
        assert_eq!(
            json!(cells(waiting, &AVERAGES)),
            json!([170.0, null, null, 150.0, 300.0]),
            "{engine}"
        );
        let setup = stage(&said["overall"], "setup");
        assert_eq!(cells(setup, &COUNTS), [10, 7, 6, 1, 0, 0, 0, 0], "{engine}");
        assert_eq!(
            json!(cells(setup, &AVERAGES)),
            json!([140.0, null, null, 150.0, 210.0]),
            "{engine}"
        );
        assert_eq!(setup["entered_share"], 0.7);
        let productive = stage(&said["overall"], "productive");
        assert_eq!(
            cells(productive, &COUNTS),
            [10, 7, 5, 1, 0, 0, 1, 0],
            "{engine}"
        );
        assert_eq!(
            json!(cells(productive, &AVERAGES)),
            json!([245_880.0, null, null, 1800.0, 735_120.0]),
            "{engine}"
        );
        for note in [
            "1 waiting stage ends 1m 00s before it begins",
            "1 productive stage ends 2m 00s before it begins",
            "1 productive stage is longer than 1d 0h and holds >99% of that stage's time",
            "Intervals take sessions as independent of each other, since they name no user",
            "3 sessions have no start",
            "from the status \"weird\" (1)",
        ] {
            assert!(has_note(&said, note), "{engine}: {note}: {said:#}");
        }
    }
}

#[test]
fn a_window_takes_sessions_by_their_start_and_a_bare_end_date_includes_that_day() {
    for application in everywhere("interview") {
        put_interviews(&application, true);
        // Created the day before its start: it is of the second day.
        application.run(&format!(
            "INSERT INTO sessions (id, created_at, desktop_connected_at, session_started_at, status)
             VALUES ('{}', '2026-03-29 23:58:00', '2026-03-29 23:59:00', '2026-03-30 00:00:00',
             'active'), ('{}', '2026-03-30 23:58:00', NULL, NULL, 'created')",
            id(11),
            id(12)
        ));
        let engine = application.engine();
        let count = |words: &[&str]| {
            let said = application.json(&[&["lifecycle"], words].concat());
            said["facts"]["sessions"].as_u64().unwrap()
        };
        let day = ["--from", "2026-03-30", "--to", "2026-03-30"];
        assert_eq!(count(&day), 4, "{engine}");
        assert_eq!(
            count(&[&day[..], &["--timezone", "Europe/Berlin"]].concat()),
            5,
            "{engine}"
        );
        assert_eq!(
            count(&["--today", "--now", "2026-03-30T12:00:00Z"]),
            4,
            "{engine}"
        );
        assert_eq!(
            count(&["--from", "2026-03-30T00:00:00.000001Z"]),
            4,
            "{engine}"
        );
        assert_eq!(count(&["--to", "2026-03-30T00:00:00Z"]), 3, "{engine}");
        let said = application.json(&["lifecycle", "--now", "2026-03-31T12:00:00Z"]);
        assert_eq!(said["facts"]["started_today"], 1, "{engine}");
        let said = application.json(&[&["lifecycle"], &day[..]].concat());
        let note = "4 sessions have no start, and stand in no period and no window: both go by the \
                    start; 1 of them created inside this window.";
        assert!(has_note(&said, note), "{engine}: {said:#}");
    }
}

#[test]
fn without_a_column_of_ends_the_productive_stage_is_unknown_and_said_so() {
    for application in everywhere("interview") {
        put_interviews(&application, false);
        let said = application.json(&["lifecycle"]);
        let engine = application.engine();
        assert_eq!(
            said["headline"], "7 of 10 sessions started; how long they were productive is unknown",
            "{engine}"
        );
        assert_eq!(said["facts"]["ended"], Value::Null);
        let productive = stage(&said["overall"], "productive");
        // The status of six says that they are over.
        assert_eq!(
            cells(productive, &["entered", "in_progress", "end_unknown"]),
            [7, 1, 6]
        );
        assert_eq!(
            json!(cells(
                productive,
                &["completed", "out_of_order", "mean_duration_seconds"]
            )),
            json!([null, null, null])
        );
        let note = "Table \"sessions\" has no column \"ended_at\": how long the productive stage takes is \
                    unknown.";
        assert!(has_note(&said, note), "{engine}: {said:#}");
        assert_eq!(
            stage(&said["overall"], "waiting")["mean_duration_seconds"],
            170.0
        );
        assert_eq!(said["stuck_sessions"][0]["session_id"], id(8).as_str());
        application.run("ALTER TABLE sessions DROP COLUMN session_started_at");
        let refused = application.tracked(&["lifecycle", "--today"]).run();
        assert_eq!(refused.code(), Some(4), "{refused:?}");
        assert!(
            refused
                .stderr()
                .contains("no column \"session_started_at\""),
            "{refused:?}"
        );
        let said = application.json(&["lifecycle"]);
        assert_eq!(
            said["headline"],
            "How many of 10 sessions started is unknown"
        );
        let setup = stage(&said["overall"], "setup");
        assert_eq!(
            json!(cells(setup, &["entered", "completed"])),
            json!([7, null])
        );
        let productive = stage(&said["overall"], "productive");
        assert_eq!(
            json!(cells(productive, &["entered", "in_progress"])),
            json!([null, null])
        );
    }
}

#[test]
fn a_session_is_stuck_when_it_is_longer_than_the_limit_in_one_stage() {
    for application in everywhere("interview") {
        put_interviews(&application, true);
        let stuck = |words: &[&str]| -> Vec<(String, String, f64)> {
            let said = application.json(&[&["lifecycle"], words].concat());
            let rows = said["stuck_sessions"].as_array().unwrap().iter();
            let row = |row: &Value| {
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                (
                    text("session_id"),
                    text("stage"),
                    row["stuck_seconds"].as_f64().unwrap(),
                )
            };
            rows.map(row).collect()
        };
        let engine = application.engine();
        let productive = (id(8), "productive".to_owned(), 572_280.0);
        let setup = (id(5), "setup".to_owned(), 53_640.0);
        let waiting = (id(6), "waiting".to_owned(), 50_400.0);
        assert_eq!(stuck(&[]).as_slice(), std::slice::from_ref(&productive));
        let all = [productive.clone(), setup.clone(), waiting];
        assert_eq!(stuck(&["--stuck-after", "13h 59m 59s"]), all, "{engine}");
        // Exactly as long as the limit is not longer; and a window of starts hides nobody.
        let words = ["--stuck-after", "14h", "--from", "2026-03-31"];
        assert_eq!(stuck(&words), [productive, setup], "{engine}");
        let words = [
            "lifecycle",
            "--stuck-after",
            "12h",
            "--rows",
            "stuck",
            "--format",
            "csv",
        ];
        let listed = application.done(&words).stdout();
        let first = format!("productive,{},,weird,2026-03-25T09:02:00Z,572280", id(8));
        assert_eq!(listed.lines().nth(1), Some(first.as_str()), "{engine}");
        assert_eq!(listed.lines().count(), 4, "{engine}");
    }
}

/// Twelve users of `practice`, 240 sessions over four weeks, 24 of them open and 6 that end before
/// they start.
fn put_practice(application: &Application) {
    let rows = (0..240_u32).map(|number| {
        let user = 1 + number * 7 % 12;
        let minutes = number * 167;
        let start = |minutes: u32| {
            let (day, rest) = (minutes / 1440, minutes % 1440);
            format!(
                "'2026-03-{:02} {:02}:{:02}:00'",
                1 + day,
                rest / 60,
                rest % 60
            )
        };
        let end = match number {
            number if number % 10 == 3 => "NULL".to_owned(),
            number if number % 40 == 7 && minutes > 5 => start(minutes - 5),
            number => start(minutes + number * number % 97),
        };
        format!("({user}, {}, {end})", start(minutes))
    });
    let rows: Vec<String> = rows.collect();
    let quote = if application.engine() == "mysql" {
        '`'
    } else {
        '"'
    };
    application.run(&format!(
        "INSERT INTO {quote}UserSessions{quote} (user_id, started_at, ended_at) VALUES {}",
        rows.join(", ")
    ));
}

/// Seconds from the start to the end in the application's own SQL.
fn seconds(application: &Application) -> &'static str {
    match application.engine() {
        "postgres" => "CAST(EXTRACT(EPOCH FROM ended_at - started_at) AS bigint)",
        "mysql" => "TIMESTAMPDIFF(SECOND, started_at, ended_at)",
        _ => {
            "CAST(strftime('%s', ended_at) AS INTEGER) - CAST(strftime('%s', started_at) AS INTEGER)"
        }
    }
}

/// User, day, and seconds of every session with an end, by the application's own SQL.
fn practiced(application: &Application) -> Vec<(String, String, i64)> {
    let quote = if application.engine() == "mysql" {
        '`'
    } else {
        '"'
    };
    let (day, text) = match application.engine() {
        "postgres" => (
            "to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
            "text",
        ),
        "mysql" => ("DATE_FORMAT(started_at, '%Y-%m-%d')", "char"),
        _ => ("substr(started_at, 1, 10)", "text"),
    };
    let rows = application.ask(&format!(
        "SELECT CAST(user_id AS {text}) AS who, {day} AS day, CAST({} AS {text}) AS took
         FROM {quote}UserSessions{quote} WHERE ended_at IS NOT NULL ORDER BY id",
        seconds(application)
    ));
    let row = |row: Vec<String>| (row[0].clone(), row[1].clone(), row[2].parse().unwrap());
    rows.into_iter().map(row).collect()
}

/// METHODS section 9 by residuals: mean and its interval, users as the unit.
fn mean_and_interval(sessions: &[(String, f64)]) -> (f64, f64, f64) {
    let mut users: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (user, seconds) in sessions {
        let of_user = users.entry(user).or_default();
        *of_user = (of_user.0 + 1.0, of_user.1 + seconds);
    }
    let (count, time): (f64, f64) = users
        .values()
        .fold((0.0, 0.0), |sum, user| (sum.0 + user.0, sum.1 + user.1));
    let (mean, n) = (time / count, users.len() as f64);
    let residuals: f64 = users.values().map(|(s, d)| (d - mean * s).powi(2)).sum();
    let error = (n / (n - 1.0) * residuals).sqrt() / count;
    let effective = count * count / users.values().map(|(s, _)| s * s).sum::<f64>();
    let student = StudentsT::new(0.0, 1.0, (effective - 1.0).max(1.0)).unwrap();
    let spread = student.inverse_cdf(0.975) * error / mean;
    (mean, mean * (-spread).exp(), mean * spread.exp())
}

fn assert_close(one: &Value, other: f64, what: &str) {
    let one = one.as_f64().unwrap_or(f64::NAN);
    assert!(
        (one - other).abs() < 1e-6 * other.abs().max(1.0),
        "{what}: {one} and {other}"
    );
}

#[test]
fn figures_by_day_and_user_are_those_of_the_applications_own_sql() {
    for application in everywhere("practice") {
        put_practice(&application);
        let engine = application.engine();
        let all = practiced(&application);
        assert_eq!(all.len(), 216, "{engine}");
        let ended: Vec<&(String, String, i64)> = all.iter().filter(|row| row.2 >= 0).collect();
        let said = application.json(&["lifecycle", "--by", "day"]);
        let overall = stage(&said["overall"], "productive");
        assert_eq!(
            cells(overall, &COUNTS),
            [240, 240, 210, 24, 0, 0, 6, 0],
            "{engine}"
        );
        assert_eq!(overall["users"], 12);
        let of_users: Vec<(String, f64)> = ended
            .iter()
            .map(|row| (row.0.clone(), row.2 as f64))
            .collect();
        let (mean, low, high) = mean_and_interval(&of_users);
        assert_close(&overall["mean_duration_seconds"], mean, engine);
        assert_close(&overall["mean_low_seconds"], low, engine);
        assert_close(&overall["mean_high_seconds"], high, engine);
        let mut days: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
        for (_, day, seconds) in &ended {
            let of_day = days.entry(day).or_default();
            *of_day = (of_day.0 + 1, of_day.1 + seconds);
        }
        let rows = said["stages"].as_array().unwrap();
        assert_eq!(
            rows.len(),
            28,
            "{engine}: every day from the first to the last"
        );
        for row in rows {
            let day = &row["period_start"].as_str().unwrap()[..10];
            let (count, time) = days[day];
            assert_eq!(row["completed"], count, "{engine} {day}");
            assert_close(
                &row["mean_duration_seconds"],
                time as f64 / count as f64,
                day,
            );
        }
        let said = application.json(&["lifecycle", "--segment", "user"]);
        let rows = said["stages"].as_array().unwrap();
        assert_eq!(rows.len(), 12, "{engine}");
        for row in rows {
            let user = row["segment"].as_str().unwrap();
            let own = ended.iter().filter(|row| row.0 == user);
            let time: i64 = own.clone().map(|row| row.2).sum();
            let count = own.count();
            assert_eq!(row["completed"], count, "{engine} {user}");
            assert_close(
                &row["mean_duration_seconds"],
                time as f64 / count as f64,
                user,
            );
            assert_eq!(
                row["mean_low_seconds"],
                Value::Null,
                "one user says nothing of users"
            );
        }
        assert!(
            has_note(&said, "Intervals take users, not sessions"),
            "{said:#}"
        );
    }
}

#[test]
fn rows_are_split_by_the_columns_that_a_shape_has() {
    let uuid = id(1);
    let cases = [
        (
            "study",
            "subject",
            format!(
                "INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at) VALUES
                 ('{}', '{uuid}', 'maths', 'a', '2026-03-01 09:00:00', '2026-03-01 09:10:00'),
                 ('{}', '{uuid}', 'maths', 'b', '2026-03-02 09:00:00', '2026-03-02 09:20:00'),
                 ('{}', '{uuid}', 'art', 'a', '2026-03-02 09:00:00', NULL)",
                id(1),
                id(2),
                id(3)
            ),
            json!([["art", 1, 0, null], ["maths", 2, 2, 900.0]]),
        ),
        (
            "platform",
            "device",
            "INSERT INTO user_sessions (id, person_id, session_id, started_at, ended_at, device_type)
             VALUES (1, 7, 'a', '2026-03-01 09:00:00', '2026-03-01 09:00:30', 'phone'),
             (2, 7, 'b', '2026-03-01 10:00:00', '2026-03-01 09:59:00', 'phone'),
             (3, 8, 'c', '2026-03-01 11:00:00', '2026-03-01 11:01:00', NULL)"
                .to_owned(),
            json!([[null, 1, 1, 60.0], ["phone", 2, 1, 30.0]]),
        ),
        (
            "saved-interview",
            "status",
            format!(
                "INSERT INTO interview_sessions (session_id, start_time, end_time, status) VALUES
                 ('{}', '2026-03-01 09:00:00', '2026-03-01 09:30:00', 'completed'),
                 ('{}', '2026-03-01 09:00:00', NULL, 'completed'), ('{}', NULL, NULL, 'open')",
                id(1),
                id(2),
                id(3)
            ),
            json!([["completed", 2, 1, 1800.0], ["open", 1, 0, null]]),
        ),
    ];
    for (shape, segment, insert, expected) in cases {
        for application in everywhere(shape) {
            application.run(&insert);
            let said = application.json(&["lifecycle", "--segment", segment]);
            let rows = said["stages"].as_array().unwrap().iter();
            let names = ["segment", "sessions", "completed", "mean_duration_seconds"];
            let rows: Vec<Vec<Value>> = rows.map(|row| cells(row, &names)).collect();
            assert_eq!(json!(rows), expected, "{shape} on {}", application.engine());
        }
    }
}

#[test]
fn a_snapshot_is_labelled_as_one_current_session_per_person_without_history() {
    for application in everywhere("snapshot") {
        let people = (1..=9).map(|number| {
            format!(
                "({number}, '2026-03-01 09:00:00', '2026-03-01 09:{:02}:00')",
                number * 2
            )
        });
        let people: Vec<String> = people.collect();
        application.run(&format!(
            "INSERT INTO persons (id, last_login_at, last_activity_at) VALUES {},
             (10, '2026-03-01 09:00:00', '2026-02-28 09:00:00'), (11, NULL, NULL),
             (12, '2026-03-02 09:00:00', NULL)",
            people.join(", ")
        ));
        let said = application.json(&["lifecycle"]);
        let engine = application.engine();
        let headline = said["headline"].as_str().unwrap();
        assert!(
            headline.starts_with("From last login to last activity 10m 00s"),
            "{headline}"
        );
        assert!(
            headline.ends_with("over 9 people; one current session per person, without history"),
            "{headline}"
        );
        let current = stage(&said["overall"], "current");
        assert_eq!(
            cells(current, &COUNTS),
            [12, 11, 9, 0, 0, 1, 1, 0],
            "{engine}"
        );
        let people: Vec<(String, f64)> = (1..=9)
            .map(|number| (number.to_string(), f64::from(number * 120)))
            .collect();
        let (mean, low, high) = mean_and_interval(&people);
        assert_close(&current["mean_duration_seconds"], mean, engine);
        assert_close(&current["mean_low_seconds"], low, engine);
        assert_close(&current["mean_high_seconds"], high, engine);
        assert_eq!(
            said["stuck_sessions"],
            json!([]),
            "nobody is stuck: {engine}"
        );
        assert!(has_note(&said, "no history"), "{said:#}");
    }
}

#[test]
fn times_that_cannot_be_read_and_sessions_of_nobody_are_counted_apart() {
    let [application, ..] = everywhere("saved-interview");
    application.run(&format!(
        "INSERT INTO interview_sessions (session_id, interviewee_id, start_time, end_time, status)
         VALUES ('{}', 'ada', '2026-03-01 09:00:00', 'soon', 'open'),
         ('{}', NULL, '2026-03-01 09:00:00', '2026-03-01 09:10:00', 'completed'),
         ('{}', NULL, 'once', NULL, 'open'),
         ('{}', 'ada', '2026-05-01 09:00:00', NULL, 'active')",
        id(1),
        id(2),
        id(3),
        id(4)
    ));
    let said = application.json(&["lifecycle", "--stuck-after", "1s"]);
    let productive = stage(&said["overall"], "productive");
    assert_eq!(cells(productive, &COUNTS), [4, 4, 1, 1, 0, 0, 0, 2]);
    assert_eq!(productive["mean_duration_seconds"], 600.0);
    assert_eq!(
        said["stuck_sessions"],
        json!([]),
        "what begins after now is not stuck"
    );
    for note in [
        "2 sessions have a time that cannot be read, counted apart; the first is column",
        "2 sessions name no user; each counts as a user of its own.",
        "1 session has a time after now; it is taken as it stands.",
        "1 session has no start",
    ] {
        assert!(has_note(&said, note), "{note}: {said:#}");
    }
}

#[test]
fn pauses_are_no_part_of_the_productive_stage() {
    for application in everywhere("study") {
        let child = id(101);
        application.run(&format!(
            "INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at) VALUES
             ('{}', '{child}', 'maths', 'a', '2026-03-01 09:00:00', '2026-03-01 10:00:00'),
             ('{}', '{child}', 'maths', 'a', '2026-03-02 09:00:00', '2026-03-02 09:10:00')",
            id(1),
            id(2)
        ));
        application.done(&["migrate"]);
        // Ten minutes, of which five again; and one that outlasts the session: 10 + 20 minutes.
        application.run(&format!(
            "INSERT INTO sessions_pauses (session_id, paused_at, resumed_at) VALUES
             ('{0}', '2026-03-01 09:10:00', '2026-03-01 09:20:00'),
             ('{0}', '2026-03-01 09:15:00', '2026-03-01 09:20:00'),
             ('{0}', '2026-03-01 09:40:00', NULL)",
            id(1)
        ));
        let said = application.json(&["lifecycle"]);
        let engine = application.engine();
        let productive = stage(&said["overall"], "productive");
        assert_eq!(productive["mean_duration_seconds"], 1200.0, "{engine}");
        let note = "1 ended session was paused, for 30m 00s in all";
        assert!(has_note(&said, note), "{engine}: {said:#}");
    }
}

#[test]
fn a_parent_sees_the_stages_of_their_children_alone() {
    for application in everywhere("study") {
        let (child, other, parent) = (id(101), id(102), id(201));
        application.run(&format!(
            "INSERT INTO children VALUES ('{child}', '{parent}'), ('{other}', '{}');
             INSERT INTO sessions (id, child_id, subject, topic, started_at, ended_at) VALUES
             ('{}', '{child}', 'maths', 'a', '2026-03-01 09:00:00', '2026-03-01 09:10:00'),
             ('{}', '{other}', 'maths', 'a', '2026-03-01 09:00:00', NULL)",
            id(202),
            id(1),
            id(2)
        ));
        let said = application.json(&["lifecycle", "--as-parent", &parent]);
        assert_eq!(said["facts"]["sessions"], 1, "{}", application.engine());
        assert_eq!(said["facts"]["stuck"], 0);
        let said = application.json(&["lifecycle", "--as-user", &other]);
        assert_eq!(
            json!(cells(&said["facts"], &["sessions", "stuck"])),
            json!([1, 1])
        );
    }
}

#[test]
fn every_format_has_the_stages_and_none_is_an_answer_too() {
    let [application, ..] = everywhere("interview");
    let empty = application.json(&["lifecycle"]);
    assert_eq!(empty["headline"], "No session");
    assert_eq!(empty["stages"], json!([]));
    put_interviews(&application, true);
    let csv = application.done(&["lifecycle", "--by", "month", "--total", "--format", "csv"]);
    let lines = csv.stdout();
    let mut lines = lines.lines();
    let header = "period_start,period_end,segment,stage,sessions,entered,entered_share,completed,\
                  in_progress,skipped,end_unknown,out_of_order,unreadable,users,\
                  mean_duration_seconds,mean_low_seconds,mean_high_seconds,\
                  median_duration_seconds,p90_duration_seconds";
    assert_eq!(lines.next(), Some(header));
    // Those without a start are in no month, but in the total.
    let march =
        "2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,,waiting,7,7,1,5,0,1,0,1,0,5,132,,,120,216";
    assert_eq!(lines.next(), Some(march));
    assert_eq!(
        lines.nth(2),
        Some(",,,waiting,10,10,1,6,1,1,1,1,0,6,170,,,150,300")
    );
    let table = application.done(&["lifecycle"]).stdout();
    for words in ["waiting", "2m 50s", "Stuck", "Stages over all sessions"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    let markdown = application
        .done(&["lifecycle", "--format", "markdown"])
        .stdout();
    assert!(markdown.contains("2m 50s"), "{markdown}");
    let ndjson = application.done(&["lifecycle", "--rows", "overall", "--format", "ndjson"]);
    let first: Value = serde_json::from_str(ndjson.stdout().lines().next().unwrap()).unwrap();
    assert_eq!(first["mean_duration_seconds"], 170.0);
    let parquet = application.done(&["lifecycle", "--format", "parquet"]);
    assert!(parquet.stdout.starts_with(b"PAR1"));
}

#[test]
fn what_cannot_be_asked_of_the_stages_is_refused() {
    let [application, ..] = everywhere("platform");
    let refused = |words: &[&str], said: &str| {
        let outcome = application.tracked(&[&["lifecycle"], words].concat()).run();
        assert_eq!(outcome.code(), Some(2), "{outcome:?}");
        assert!(outcome.stderr().contains(said), "{outcome:?}");
    };
    refused(&["--segment", "subject"], "expected user, device, browser");
    refused(&["--segment", "source"], "have no source");
    refused(&["--segment", "mood"], "possible values");
    refused(&["--today", "--from", "2026-03-01"], "cannot be used with");
    refused(&["--stuck-after", "soon"], "duration must be more than 0");
    let call = application
        .scratch()
        .sessionize(["report", "--segment", "status", "app.db"]);
    let outcome = call.run();
    assert_eq!(outcome.code(), Some(2), "{outcome:?}");
    assert!(
        outcome
            .stderr()
            .contains("only `tracked lifecycle` has rows per status")
    );
}

#[test]
fn the_average_of_tracked_sessions_stands_beside_that_of_inferred_ones() {
    const EVENTS: &str = "user_id,created_at\n\
        1,2026-03-02T00:00:00Z\n1,2026-03-02T00:10:00Z\n2,2026-03-03T00:00:00Z\n";
    for application in everywhere("practice") {
        put_practice(&application);
        application.scratch().file("events.csv", EVENTS);
        let engine = application.engine();
        let address = application.address();
        let words = ["events.csv", "--tracked", &address, "--shape", "practice"];
        let report = |more: &[&str]| {
            let call = application.scratch().sessionize(["report"]).args(words);
            let call = call
                .args(["--now", "2026-04-01T00:00:00Z"])
                .args(more.to_vec());
            let outcome = call.run();
            assert_eq!(outcome.code(), Some(0), "{engine}: {outcome:?}");
            outcome
        };
        let json = |more: &[&str]| -> Value {
            let outcome = report(&[&["--format", "json"], more].concat());
            serde_json::from_slice(&outcome.stdout).unwrap()
        };
        let said = json(&[]);
        assert_eq!(said["overall"]["mean_duration_seconds"], 300.0, "{engine}");
        let tracked = &said["run"]["tracked"];
        let names = [
            "sessions",
            "ended_sessions",
            "open_sessions",
            "out_of_order_sessions",
        ];
        assert_eq!(cells(tracked, &names), [240, 210, 24, 6], "{engine}");
        let ended = practiced(&application).into_iter().filter(|row| row.2 >= 0);
        let ended: Vec<(String, f64)> = ended.map(|row| (row.0, row.2 as f64)).collect();
        let (mean, low, high) = mean_and_interval(&ended);
        assert_close(&tracked["mean_duration_seconds"], mean, engine);
        assert_close(&tracked["mean_low_seconds"], low, engine);
        assert_close(&tracked["mean_high_seconds"], high, engine);
        let lifecycle = application.json(&["lifecycle"]);
        let lifecycle = stage(&lifecycle["overall"], "productive");
        for name in AVERAGES {
            assert_eq!(tracked[name], lifecycle[name], "{engine}: {name}");
        }
        let day = json(&["--from", "2026-03-02", "--to", "2026-03-02"]);
        let lifecycle =
            application.json(&["lifecycle", "--from", "2026-03-02", "--to", "2026-03-02"]);
        let (tracked, lifecycle) = (&day["run"]["tracked"], &lifecycle["overall"][0]);
        assert_eq!(
            tracked["mean_duration_seconds"],
            lifecycle["mean_duration_seconds"]
        );
        assert_eq!(tracked["sessions"], lifecycle["sessions"]);
        let table = report(&[]).stdout();
        assert!(table.contains("\ntracked"), "{engine}: {table}");
        let left_out = "Left out of the tracked averages: 24 without an end, 6 with an end before";
        assert!(table.contains(left_out), "{engine}: {table}");
        let without = application
            .scratch()
            .sessionize(["report", "events.csv"])
            .args(["--format", "json"]);
        let without: Value = serde_json::from_slice(&without.run().stdout).unwrap();
        assert_eq!(
            without["run"].get("tracked"),
            None,
            "nothing is said unless asked"
        );
    }
}

#[test]
fn tracked_rows_that_cannot_be_used_are_an_error_unless_some_are_allowed() {
    let scratch = Scratch::new();
    scratch.file("events.csv", "user_id,created_at\n1,2026-03-02T00:00:00Z\n");
    let rows = "user_id,started_at,ended_at\n1,2026-03-02T00:00:00Z,2026-03-02T00:30:00Z\n\
        1,soon,2026-03-02T00:30:00Z\n";
    scratch.file("tracked.csv", rows);
    let words = ["report", "events.csv", "--tracked", "tracked.csv"];
    let call = || {
        scratch
            .sessionize(words)
            .args(["--now", "2026-04-01T00:00:00Z"])
    };
    let refused = call().run();
    assert_eq!(refused.code(), Some(4), "{refused:?}");
    assert!(refused.stderr().contains("TM-02"), "{refused:?}");
    let allowed = call().args(["--max-rejects", "1", "--rejects", "rejects.csv"]);
    let table = allowed.run().expect_ok().stdout();
    assert!(table.contains("tracked  mean 30m 00s"), "{table}");
    assert!(table.contains("1 row rejected"), "{table}");
    let rejects = std::fs::read_to_string(scratch.path("rejects.csv")).unwrap();
    assert!(rejects.contains("tracked.csv,3,"), "{rejects}");
}

#[test]
fn a_table_of_tracked_sessions_is_a_source_like_any_other() {
    for application in everywhere("practice") {
        put_practice(&application);
        let engine = application.engine();
        let address = application.address();
        let json = |words: &[&str]| -> Value {
            let call = application.scratch().sessionize(words.to_vec());
            let call = call.args(["--format", "json", "--now", "2026-04-01T00:00:00Z"]);
            let outcome = call.run();
            assert_eq!(
                outcome.code(),
                Some(0),
                "{words:?} on {engine}: {outcome:?}"
            );
            serde_json::from_slice(&outcome.stdout).unwrap()
        };
        for command in ["report", "threshold"] {
            let said = json(&[command, &address, "--table", "UserSessions"]);
            assert_eq!(said["run"]["rows"]["events"], 240, "{command} on {engine}");
        }
        let table = ["compare", &address, "--table", "UserSessions"];
        let said = json(&[&table[..], &["--tracked", &address, "--shape", "practice"]].concat());
        assert_eq!(said["run"]["rows"]["events"], 240, "compare on {engine}");
        // Starts and ends as two sources make the sessions again, where none of a user's overlap.
        let quote = if engine == "mysql" { '`' } else { '"' };
        application.run(&format!(
            "DELETE FROM {quote}UserSessions{quote} WHERE ended_at IS NULL OR ended_at < started_at"
        ));
        let source = |name: &str, column: &str| {
            format!(
                "[[source]]\nname = \"{name}s\"\npath = \"{address}\"\ntable = \"UserSessions\"\n\
                 user = \"user_id\"\ntime = \"{column}\"\nrole = \"{name}\"\n"
            )
        };
        let sources = source("start", "started_at") + &source("end", "ended_at");
        application.scratch().file("sessionize.toml", sources);
        let said = json(&["report", "--timeout", "2h"]);
        assert_eq!(said["run"]["sessions"], 210, "{engine}");
        let lifecycle = application.json(&["lifecycle"]);
        assert_close(
            &said["overall"]["mean_duration_seconds"],
            lifecycle["overall"][0]["mean_duration_seconds"]
                .as_f64()
                .unwrap(),
            engine,
        );
    }
}
