//! Databases of applications that track sessions themselves: each shape as its own hand-written SQL
//! makes it, on SQLite, PostgreSQL and MariaDB, and the program asked about it.

#![allow(dead_code, reason = "each test uses what it needs of an application")]

use serde_json::Value;

use crate::harness::{Call, Outcome, Scratch, tool};
use crate::servers::{Database, Kind, mariadb, postgres};

/// One application's database on one engine.
pub(crate) struct Application {
    shape: &'static str,
    store: Store,
    scratch: Scratch,
}

enum Store {
    Sqlite,
    Server(Database<'static>),
}

/// An application of a shape on each engine, its tables empty.
pub(crate) fn everywhere(shape: &'static str) -> [Application; 3] {
    let made = |store| Application::new(shape, store);
    [
        made(Store::Sqlite),
        made(Store::Server(postgres())),
        made(Store::Server(mariadb())),
    ]
}

/// A database on each engine in which the application has not made its tables yet.
pub(crate) fn bare_everywhere(shape: &'static str) -> [Application; 3] {
    let made = |store| {
        let application = Application::bare(shape, store);
        application.run("CREATE TABLE notes (note integer)");
        application
    };
    [
        made(Store::Sqlite),
        made(Store::Server(postgres())),
        made(Store::Server(mariadb())),
    ]
}

impl Application {
    fn new(shape: &'static str, store: Store) -> Self {
        let application = Self::bare(shape, store);
        application.run(&application.schema());
        application
    }

    fn bare(shape: &'static str, store: Store) -> Self {
        Self {
            shape,
            store,
            scratch: Scratch::new(),
        }
    }

    /// The engine's name, for messages.
    pub(crate) fn engine(&self) -> &'static str {
        match &self.store {
            Store::Sqlite => "sqlite",
            Store::Server(database) => match database.kind() {
                Kind::Postgres => "postgres",
                Kind::Mariadb => "mysql",
            },
        }
    }

    /// What `--database` takes.
    pub(crate) fn address(&self) -> String {
        match &self.store {
            Store::Sqlite => self.scratch.path("app.db").display().to_string(),
            Store::Server(database) => database.url(),
        }
    }

    /// Runs statements as the application would.
    pub(crate) fn run(&self, statements: &str) {
        match &self.store {
            Store::Sqlite => {
                let path = self.scratch.path("app.db");
                tool(
                    "sqlite3",
                    "sqlite3",
                    [path.as_os_str(), statements.as_ref()],
                );
            }
            Store::Server(database) => database.run(statements),
        }
    }

    /// The rows of a query whose columns are texts and integers; no value is an empty text.
    pub(crate) fn ask(&self, query: &str) -> Vec<Vec<String>> {
        match &self.store {
            Store::Sqlite => {
                let path = self.scratch.path("app.db");
                let said = tool(
                    "sqlite3",
                    "sqlite3",
                    [
                        "-separator".as_ref(),
                        "\u{1f}".as_ref(),
                        path.as_os_str(),
                        query.as_ref(),
                    ],
                );
                let row = |line: &str| line.split('\u{1f}').map(str::to_owned).collect();
                said.lines().map(row).collect()
            }
            Store::Server(database) => database.ask(query),
        }
    }

    /// `sessionize tracked …` about this application's sessions, at the turn of March 2026 unless the
    /// words say another time.
    pub(crate) fn tracked(&self, words: &[&str]) -> Call {
        let mut call = self.scratch.sessionize(["tracked"]).args(words.to_vec());
        call = call.args(["--database", &self.address(), "--shape", self.shape]);
        match words.contains(&"--now") {
            true => call,
            false => call.args(["--now", "2026-04-01T00:00:00Z"]),
        }
    }

    /// The same, which must succeed.
    pub(crate) fn done(&self, words: &[&str]) -> Outcome {
        let outcome = self.tracked(words).run();
        assert_eq!(outcome.code(), Some(0), "{}: {outcome:?}", self.engine());
        outcome
    }

    /// The same as one JSON object.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let outcome = self.done(&[words, &["--format", "json"]].concat());
        serde_json::from_slice(&outcome.stdout).expect("one object")
    }

    /// The folder of its files.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The statements that make the shape's tables, as the application's own migrations would.
    fn schema(&self) -> String {
        let (uuid, instant, text, json) = match self.engine() {
            "postgres" => ("uuid", "timestamptz", "text", "jsonb"),
            "mysql" => ("char(36)", "datetime(6)", "varchar(200)", "longtext"),
            _ => ("TEXT", "TIMESTAMP", "TEXT", "TEXT"),
        };
        let number = match self.engine() {
            "postgres" => "serial PRIMARY KEY",
            "mysql" => "integer PRIMARY KEY AUTO_INCREMENT",
            _ => "INTEGER PRIMARY KEY",
        };
        let quote = if self.engine() == "mysql" { '`' } else { '"' };
        match self.shape {
            "interview" => format!(
                "CREATE TABLE sessions (id {uuid} PRIMARY KEY, created_at {instant} NOT NULL,
                     desktop_connected_at {instant} NULL, session_started_at {instant} NULL,
                     status {text} NOT NULL);"
            ),
            "practice" => format!(
                "CREATE TABLE {quote}UserSessions{quote} (id {number},
                     user_id integer NOT NULL, started_at {instant} NOT NULL, ended_at {instant} NULL,
                     duration_seconds integer NULL, xp_phrases integer NOT NULL DEFAULT 0,
                     xp_session_bonus integer NOT NULL DEFAULT 0,
                     xp_streak_bonus integer NOT NULL DEFAULT 0,
                     total_xp integer NOT NULL DEFAULT 0, streak_before integer NOT NULL DEFAULT 0,
                     streak_after integer NOT NULL DEFAULT 0);"
            ),
            "study" => format!(
                "CREATE TABLE children (id {uuid} PRIMARY KEY, parent_id {uuid} NOT NULL);
                 CREATE TABLE question_bank (id integer PRIMARY KEY, subject {text} NOT NULL);
                 CREATE TABLE sessions (id {uuid} PRIMARY KEY, child_id {uuid} NOT NULL,
                     subject {text} NOT NULL, topic {text} NOT NULL, subtopic {text} NULL,
                     started_at {instant} NOT NULL DEFAULT CURRENT_TIMESTAMP,
                     ended_at {instant} NULL,
                     created_at {instant} NOT NULL DEFAULT CURRENT_TIMESTAMP,
                     updated_at {instant} NOT NULL DEFAULT CURRENT_TIMESTAMP);
                 CREATE TABLE attempts (id {number}, child_id {uuid} NOT NULL,
                     question_id integer NULL, created_at {instant} NOT NULL,
                     is_correct integer NULL, time_taken_ms integer NULL);"
            ),
            "saved-interview" => format!(
                "CREATE TABLE interview_sessions (session_id {uuid} PRIMARY KEY,
                     interviewee_id {uuid} NULL, template_id {uuid} NULL, start_time {instant} NULL,
                     end_time {instant} NULL, status {text} NULL, session_information {json} NULL,
                     {quote}Interview_report{quote} {json} NULL, recording_url {text} NULL,
                     resume_url {text} NULL);"
            ),
            "platform" => format!(
                "CREATE TABLE user_sessions (id {number}, person_id integer NOT NULL,
                     session_id {text} NOT NULL UNIQUE, started_at {instant} NOT NULL,
                     ended_at {instant} NULL, duration_minutes integer NULL, device_type {text} NULL,
                     browser {text} NULL, ip_address {text} NULL, created_at {instant} NULL);"
            ),
            _ => format!(
                "CREATE TABLE persons (id {number}, name {text} NULL,
                     last_login_at {instant} NULL, last_activity_at {instant} NULL);"
            ),
        }
    }
}
