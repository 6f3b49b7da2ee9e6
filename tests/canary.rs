//! Aggregates only: whatever the source and the format, no command whose purpose is not to name
//! users says the id of one, or repeats the text of a row. Case 183.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::fs;
use std::io::Write;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::harness::{Call, Outcome, Scratch, tool};
use crate::servers::{Database, mariadb, postgres};

/// What reads events and gives aggregates, and in which formats.
const COMMANDS: [(&[&str], &[&str]); 5] = [
    (
        &["report", "--total", "--by", "day", "--users", "users.txt"],
        &FORMATS,
    ),
    (
        &["report", "--segment", "source", "--dwell", "source-median"],
        &FORMATS,
    ),
    (&["report", "--compat", "daily-span"], &TEXT),
    (
        &["threshold", "--per", "source", "--resamples", "20"],
        &TEXT,
    ),
    (&["compare", "--tracked", "tracked.csv"], &TEXT),
];

/// Every format.
const FORMATS: [&str; 6] = ["table", "csv", "json", "ndjson", "markdown", "parquet"];

/// Those of a result that is not one table.
const TEXT: [&str; 5] = ["table", "csv", "json", "ndjson", "markdown"];

/// Users of every kind of id, in the order of the alphabet and in digits.
const USERS: [&str; 4] = [
    "canary-ada",
    "canary@example.org",
    "900000000000000017",
    "ca4a4700-0000-4000-8000-00000000ca4a",
];

/// What none may say: the users, and text of rows that is neither user nor time. In small letters.
const CANARIES: [&str; 5] = ["canary", "900000000000000017", "ca4a4700", "ca4a", "secret"];

const NOW: [&str; 2] = ["--now", "2026-04-01"];

/// User, time and a text of every event: three days of two visits each, so that there is a trend.
fn events() -> Vec<[String; 3]> {
    let mut events = Vec::new();
    for (place, user) in USERS.iter().enumerate() {
        for day in 2..5 {
            for (hour, minute) in [(9, 0), (9, 10 + place), (20, 0), (20, 5)] {
                let at = format!("2026-03-{day:02}T{hour:02}:{minute:02}:00Z");
                events.push([(*user).to_owned(), at, "secret cell".to_owned()]);
            }
        }
    }
    events
}

/// Well-formed rows, and rows of these users that cannot be used: an impossible time, no time, too
/// few cells, too many, a byte of zero, text behind a quote.
fn csv() -> String {
    let mut text = "user_id,created_at,note\n".to_owned();
    for [user, at, note] in events() {
        text += &format!("{user},{at},{note}\n");
    }
    for user in USERS {
        text += &format!("{user},2026-13-01T09:00:00Z,secret cell\n{user},,secret cell\n{user}\n");
        text += &format!("{user},2026-03-02T09:00:00Z,secret cell,secret cell\n");
        text += &format!("{user}\0,2026-03-02T09:00:00Z,secret cell\n");
        text += &format!("\"{user}\"x,2026-03-02T09:00:00Z,\"secret cell\"x\n");
        text += &format!(",2026-03-02T09:00:00Z,secret {user}\n");
    }
    text
}

fn ndjson() -> String {
    let mut text = String::new();
    for [user, at, note] in events() {
        let line = serde_json::json!({"user_id": user, "created_at": at, "note": note});
        text += &format!("{line}\n");
    }
    for user in USERS {
        text += &format!("{{\"user_id\":\"{user}\",\"created_at\":\"2026-13-01T09:00:00Z\"}}\n");
        text += &format!("{{\"user_id\":\"{user}\",\"note\":\"secret\"}}\n");
        text += &format!("{{\"user_id\":[\"{user}\"],\"created_at\":\"2026-03-02T09:00:00Z\"}}\n");
        text += &format!("{{\"user_id\":\"{user}\",\"note\":\"secret\n\"{user}\" secret\n");
    }
    text
}

/// What an application tracked of each user: one session, and one without an end.
fn tracked() -> String {
    let mut text = "user_id,start,end,note\n".to_owned();
    for user in USERS {
        text += &format!("{user},2026-03-02T09:00:00Z,2026-03-02T09:20:00Z,secret cell\n");
        text += &format!("{user},2026-03-02T20:00:00Z,,secret cell\n");
    }
    text
}

/// Rows of `posts` as values of SQL, the last ones without a user.
fn values() -> String {
    let quoted = |[user, at, note]: [String; 3]| {
        format!(
            "('{user}', '{}', '{note}')",
            at.replace('T', " ").replace('Z', "")
        )
    };
    let rows: Vec<String> = events().into_iter().map(quoted).collect();
    rows.join(", ") + ", (NULL, '2026-03-02 09:00:00', 'secret canary')"
}

fn into_server(database: &Database<'_>) {
    database.run(&format!(
        "CREATE TABLE posts (user_id varchar(60), created_at timestamp NULL, note varchar(60));
         INSERT INTO posts VALUES {};
         INSERT INTO posts VALUES ('canary-ada', NULL, 'secret cell');",
        values()
    ));
}

fn into_sqlite(path: &Path) {
    let statements = format!(
        "CREATE TABLE posts (user_id, created_at, note);
         INSERT INTO posts VALUES {};
         INSERT INTO posts VALUES ('canary-ada', '2026-13-01 09:00:00', 'secret cell');
         INSERT INTO posts VALUES (x'63616e617279', '2026-03-01 09:00:00', 'secret cell');
         INSERT INTO posts VALUES (900000000000000017, NULL, 'secret cell');
         CREATE TABLE logins (user_id INTEGER, at INTEGER);
         INSERT INTO logins VALUES (900000000000000017, 1772442000), (900000000000000017, 1772442900);",
        values()
    );
    tool(
        "sqlite3",
        "sqlite3",
        [path.as_os_str(), statements.as_ref()],
    );
}

/// A scratch folder with the users in every kind of file.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv());
    scratch.file("log.ndjson", ndjson());
    scratch.file("users.txt", USERS.join("\n"));
    scratch.file("tracked.csv", tracked());
    into_sqlite(&scratch.path("app.db"));
    let all = csv();
    let well_formed: Vec<&str> = all.lines().take(1 + events().len()).collect();
    scratch.file("plain.csv", well_formed.join("\n"));
    let list = [
        "sessions",
        "plain.csv",
        "--format",
        "parquet",
        "-o",
        "log.parquet",
    ];
    scratch.run(list.iter().chain(&NOW)).expect_ok();
    fs::remove_file(scratch.path("plain.csv")).unwrap();
    scratch
}

/// The cells of a Parquet file, which are compressed in it, in small letters; nothing of another.
fn cells(bytes: &[u8]) -> String {
    if !bytes.starts_with(b"PAR1") {
        return String::new();
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().to_string().to_lowercase())
        .collect()
}

/// The first canary in what a run said or left behind, and where. `given` are the files that were
/// there before.
fn canary_in(scratch: &Scratch, given: &[String], outcome: &Outcome) -> Option<String> {
    let mut said = vec![
        ("standard output".to_owned(), outcome.stdout.clone()),
        ("standard error".to_owned(), outcome.stderr.clone()),
    ];
    for name in scratch.names() {
        if !given.contains(&name) {
            let bytes = scratch.read(&name);
            said.push((name, bytes));
        }
    }
    said.into_iter().find_map(|(place, bytes)| {
        let text = String::from_utf8_lossy(&bytes).to_lowercase() + &cells(&bytes);
        let canary = CANARIES.iter().find(|canary| text.contains(**canary))?;
        Some(format!("{place} says {canary}: {text}"))
    })
}

#[track_caller]
fn assert_silent(scratch: &Scratch, given: &[String], outcome: &Outcome) {
    if let Some(found) = canary_in(scratch, given, outcome) {
        panic!("{found}\n{outcome:?}");
    }
}

/// A list of sessions read as events: their starts.
fn time_column(source: &str) -> &'static [&'static str] {
    match source {
        "log.parquet" => &["--time-column", "start"],
        _ => &[],
    }
}

/// The run of a call that must end with one of these codes.
#[track_caller]
fn ended(call: Call, codes: &[i32]) -> Outcome {
    let outcome = call.loud().run();
    let code = outcome.code().unwrap_or(-1);
    assert!(codes.contains(&code), "{outcome:?}");
    outcome
}

#[test]
fn aggregates_name_no_user_in_any_format_from_any_source() {
    let (postgres, mariadb) = (postgres(), mariadb());
    into_server(&postgres);
    into_server(&mariadb);
    let scratch = scratch();
    let given = scratch.names();
    let (postgres, mariadb) = (postgres.url(), mariadb.url());
    for source in [
        "log.csv",
        "log.ndjson",
        "log.parquet",
        "app.db",
        &postgres,
        &mariadb,
    ] {
        for (command, formats) in COMMANDS {
            for format in formats {
                let call = scratch
                    .sessionize(command)
                    .args([source, "--format", format]);
                let call = call.args(["--max-rejects", "100%", "--rejects", "rejects.csv", "-vv"]);
                let call = call.args(["-o", "out"]).args(time_column(source)).args(NOW);
                assert_silent(&scratch, &given, &ended(call, &[0]));
                assert!(!scratch.read("out").is_empty());
            }
            let call = scratch
                .sessionize(command)
                .arg(source)
                .args(NOW)
                .args(time_column(source));
            assert_silent(
                &scratch,
                &given,
                &ended(call.arg("--max-rejects=100%"), &[0]),
            );
        }
    }
}

#[test]
fn the_search_finds_the_users_of_a_report_by_user_in_every_format() {
    let scratch = scratch();
    let given = scratch.names();
    for format in FORMATS {
        let call = scratch.sessionize(["report", "log.csv", "--segment", "user"]);
        let call = call.args(["--max-rejects", "100%", "--format", format]);
        let outcome = ended(call.args(["-o", "out"]).args(NOW), &[0]);
        let found = canary_in(&scratch, &given, &outcome);
        assert!(found.is_some_and(|found| found.starts_with("out says")));
    }
}

#[test]
fn a_refusal_names_no_user() {
    let scratch = scratch();
    let given = scratch.names();
    for source in ["log.csv", "log.ndjson", "app.db"] {
        for (command, _) in COMMANDS {
            for errors in ["text", "json"] {
                let call = scratch.sessionize(command).arg(source).args(NOW);
                let call = call.args(["--error-format", errors, "--rejects", "rejects.csv", "-vv"]);
                assert_silent(&scratch, &given, &ended(call, &[4]));
                assert!(scratch.text("rejects.csv").lines().count() > 1);
            }
        }
    }
}

#[test]
fn a_discovery_and_the_configuration_it_writes_name_no_user() {
    let (postgres, mariadb) = (postgres(), mariadb());
    into_server(&postgres);
    into_server(&mariadb);
    for database in ["app.db", &postgres.url(), &mariadb.url()] {
        let scratch = scratch();
        let given = scratch.names();
        for format in ["table", "json"] {
            let call = scratch.sessionize(["discover", database, "--format", format, "-vv"]);
            let call = call.args(["--write", "--force"]);
            assert_silent(&scratch, &given, &ended(call, &[0]));
            assert!(scratch.names().contains(&"sessionize.toml".to_owned()));
        }
    }
}

#[test]
fn sessions_are_listed_by_user_and_named_nowhere_else() {
    let scratch = scratch();
    let given = scratch.names();
    for source in ["log.csv", "log.ndjson", "app.db"] {
        let call = scratch.sessionize(["sessions", source, "--format", "csv", "-o", "out", "-vv"]);
        let call = call
            .args(["--max-rejects", "100%", "--rejects", "rejects.csv"])
            .args(NOW);
        let outcome = ended(call, &[0]);
        assert!(scratch.text("out").contains("canary-ada"));
        fs::remove_file(scratch.path("out")).unwrap();
        assert_silent(&scratch, &given, &outcome);
        assert!(scratch.names().contains(&"out.run.json".to_owned()));
    }
}
