//! Finding the sources of a database: the right ones without help, in schemas of several styles, on
//! all three kinds of databases; what is left out and why; and the configuration that is written.
//!
//! What is expected was written down from the schemas, before the program saw them.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::runtime::Builder;

use crate::harness::Scratch;
use crate::servers::{self, Database, Kind};

/// Long after all rows of the schemas.
const NOW: &str = "2026-06-01T00:00:00Z";

/// A database of one of the three kinds, and a folder to work in.
struct Place {
    scratch: Scratch,
    server: Option<Database<'static>>,
    kind: Option<Kind>,
}

impl Place {
    /// One of each kind, empty.
    fn all() -> [Self; 3] {
        [None, Some(Kind::Postgres), Some(Kind::Mariadb)].map(Self::of)
    }

    fn of(kind: Option<Kind>) -> Self {
        Self {
            scratch: Scratch::new(),
            server: kind.map(|kind| match kind {
                Kind::Postgres => servers::postgres(),
                Kind::Mariadb => servers::mariadb(),
            }),
            kind,
        }
    }

    /// Its address, or its path from the folder.
    fn address(&self) -> String {
        match &self.server {
            Some(server) => server.url(),
            None => "app.db".to_owned(),
        }
    }

    /// Runs statements, in which `{at}` is the type of times, `{key}` that of numbered keys,
    /// `{name}` that of short texts, and names stand in double quotes.
    fn run(&self, statements: &str) {
        let (at, key) = match self.kind {
            None => ("TEXT", "INTEGER PRIMARY KEY"),
            Some(Kind::Postgres) => ("timestamptz", "bigint PRIMARY KEY"),
            Some(Kind::Mariadb) => ("datetime(6)", "bigint PRIMARY KEY"),
        };
        let statements = statements
            .replace("{at}", at)
            .replace("{key}", key)
            .replace("{name}", "varchar(100)");
        match (&self.server, self.kind) {
            (Some(server), Some(Kind::Mariadb)) => server.run(&statements.replace('"', "`")),
            (Some(server), _) => server.run(&statements),
            (None, _) => sqlite(&self.scratch.path("app.db"), &statements),
        }
    }

    fn discover(&self) -> Found {
        let args = ["discover", &self.address(), "--format", "json"];
        Found::of(&self.scratch.run(args).expect_ok().stdout())
    }
}

fn sqlite(path: &Path, statements: &str) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = runtime
        .block_on(options.disable_statement_logging().connect())
        .unwrap();
    let run = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    runtime.block_on(run.execute(&mut connection)).unwrap();
    runtime.block_on(connection.close()).unwrap();
}

/// What was found.
struct Found {
    whole: Value,
    /// `name role table user time`, in the order of names.
    sources: Vec<String>,
    /// Tables with the columns of their starts and ends.
    tracked: Vec<String>,
    /// Reasons by table.
    left_out: BTreeMap<String, String>,
}

impl Found {
    fn of(json: &str) -> Self {
        let whole: Value = serde_json::from_str(json).unwrap();
        let list = |name: &str| whole[name].as_array().unwrap().clone();
        let words = |object: &Value, names: &[&str]| {
            let words = names.iter().map(|name| object[*name].as_str().unwrap());
            words.collect::<Vec<_>>().join(" ")
        };
        let mut sources: Vec<String> = list("sources")
            .iter()
            .map(|source| words(source, &["name", "role", "table", "user", "time"]))
            .collect();
        sources.sort();
        let tracked = list("tracked");
        let tracked = tracked
            .iter()
            .map(|table| words(table, &["table", "start", "end"]));
        let left_out = list("left_out");
        let left_out = left_out
            .iter()
            .map(|left| (words(left, &["table"]), words(left, &["reason"])));
        Self {
            sources,
            tracked: tracked.collect(),
            left_out: left_out.collect(),
            whole,
        }
    }

    fn source(&self, name: &str) -> &Value {
        let mut sources = self.whole["sources"].as_array().unwrap().iter();
        sources.find(|source| source["name"] == name).unwrap()
    }

    /// Why a table was left out.
    #[track_caller]
    fn reason(&self, table: &str) -> &str {
        let reason = self.left_out.get(table);
        reason.unwrap_or_else(|| panic!("{table} is not left out: {:?}", self.left_out))
    }
}

/// `INSERT` statements for rows 1 to `count`; in `row`, `{i}` is the number, `{user}` one of seven
/// users, and `{time}` a time of its own.
fn rows(table: &str, count: u32, row: &str) -> String {
    let values: Vec<String> = (1..=count)
        .map(|i| {
            let time = format!("'2026-03-{:02} {:02}:{:02}:00'", i % 28 + 1, i % 24, i % 60);
            let row = row.replace("{i}", &i.to_string());
            let row = row.replace("{user}", &(i % 7 + 1).to_string());
            format!("({})", row.replace("{time}", &time))
        })
        .collect();
    format!("INSERT INTO {table} VALUES {};\n", values.join(", "))
}

/// Snake case, a forum: everybody is a person.
fn forum() -> String {
    let tables = "
        CREATE TABLE persons (id {key}, name {name}, email {name}, last_login_at {at},
            created_at {at} NOT NULL, updated_at {at} NOT NULL);
        CREATE TABLE posts (id {key}, person_id bigint NOT NULL, title {name},
            updated_at {at}, published_at {at}, created_at {at} NOT NULL,
            FOREIGN KEY (person_id) REFERENCES persons (id));
        CREATE INDEX posts_created_at ON posts (created_at);
        CREATE TABLE comments (id {key}, post_id bigint, person_id bigint, created_at {at},
            FOREIGN KEY (person_id) REFERENCES persons (id),
            FOREIGN KEY (post_id) REFERENCES posts (id));
        CREATE TABLE messages (id {key}, receiver_id bigint, sender_id bigint, body {name},
            read_at {at}, sent_at {at},
            FOREIGN KEY (receiver_id) REFERENCES persons (id),
            FOREIGN KEY (sender_id) REFERENCES persons (id));
        CREATE TABLE tasks (id {key}, assigned_to bigint, created_by bigint, due_at {at},
            created_at {at}, updated_at {at},
            FOREIGN KEY (assigned_to) REFERENCES persons (id),
            FOREIGN KEY (created_by) REFERENCES persons (id));
        CREATE TABLE likes (person_id bigint, post_id bigint, created_at {at},
            PRIMARY KEY (person_id, post_id));
        CREATE TABLE user_sessions (id {key}, person_id bigint, session_id {name},
            started_at {at}, ended_at {at}, duration_minutes int, created_at {at});
        CREATE TABLE audit_log (id {key}, person_id bigint, table_name {name}, action {name},
            created_at {at});
        CREATE TABLE activity_log (id {key}, person_id bigint, action {name}, at {at});
        CREATE TABLE countries (id {key}, name {name});
        CREATE TABLE tags (id {key}, name {name});
        CREATE TABLE post_tags (post_id bigint, tag_id bigint,
            FOREIGN KEY (tag_id) REFERENCES tags (id));
        CREATE TABLE schema_migrations (version {name}, applied_at {at});
        CREATE TABLE notifications (id {key}, person_id bigint, created_at {at});
        CREATE TABLE holidays (id {key}, person_id bigint, day date);
        CREATE TABLE invitations (id {key}, person_id bigint, created_at {at});
        CREATE TABLE person_settings (person_id {key}, theme {name}, created_at {at},
            updated_at {at});
        CREATE TABLE posts_history (id {key}, post_id bigint, person_id bigint, created_at {at});
        CREATE VIEW recent_posts AS SELECT id, person_id, created_at FROM posts;
    ";
    let kinds = |kinds: &[&str]| {
        let rows = kinds.iter().enumerate().map(|(at, kind)| {
            let (i, user) = (at + 1, at % 7 + 1);
            format!("({i}, {user}, '{kind}', '2026-03-01 10:{i:02}:00')")
        });
        rows.collect::<Vec<_>>().join(", ")
    };
    let actions = [
        "login",
        "search",
        "export",
        "logout",
        "login",
        "search",
        "token_refresh",
    ];
    [
        tables.to_owned(),
        rows("persons", 7, "{i}, 'x', 'y', NULL, {time}, {time}"),
        rows("posts", 60, "{i}, {user}, 'x', NULL, {time}, {time}"),
        rows("comments", 80, "{i}, {i} % 60 + 1, {user}, {time}"),
        rows("messages", 30, "{i}, 1, {user}, 'x', NULL, {time}"),
        rows("tasks", 20, "{i}, 1, {user}, {time}, {time}, {time}"),
        rows("likes", 20, "{user}, {i}, {time}"),
        rows(
            "user_sessions",
            9,
            "{i}, {user}, 's{i}', {time}, {time}, 3, {time}",
        ),
        rows("audit_log", 90, "{i}, {user}, 'posts', 'insert', {time}"),
        format!("INSERT INTO activity_log VALUES {};", kinds(&actions)),
        rows("countries", 3, "{i}, 'x'"),
        rows("tags", 3, "{i}, 'x'"),
        rows("post_tags", 9, "{i}, 1"),
        rows("schema_migrations", 9, "'{i}', {time}"),
        rows("notifications", 9, "{i}, {user}, {time}"),
        rows("holidays", 9, "{i}, {user}, '2026-01-0{i}'"),
        rows("person_settings", 7, "{i}, 'x', {time}, {time}"),
        rows("posts_history", 9, "{i}, 1, {user}, {time}"),
    ]
    .concat()
}

#[test]
fn a_forum_in_snake_case_is_understood() {
    for place in Place::all() {
        place.run(&forum());
        let found = place.discover();
        assert_eq!(
            found.sources,
            [
                "activity_log activity activity_log person_id at",
                "activity_log_logins start activity_log person_id at",
                "activity_log_logouts end activity_log person_id at",
                "comments activity comments person_id created_at",
                "likes activity likes person_id created_at",
                "messages activity messages sender_id sent_at",
                "posts activity posts person_id created_at",
                "profile_updates activity persons id updated_at",
                "tasks activity tasks created_by created_at",
            ],
            "{:?}",
            place.kind
        );
        assert_eq!(found.tracked, ["user_sessions started_at ended_at"]);
        for (table, reason) in [
            ("audit_log", "a record of changes that other tables hold"),
            ("countries", "neither a user nor a time"),
            ("holidays", "no time of day: day is a date"),
            ("invitations", "empty"),
            ("notifications", "sent to people, not done by them"),
            ("person_settings", "one row per user: person_id is unique"),
            ("post_tags", "neither a user nor a time"),
            ("posts_history", "copies of rows of another table"),
            ("recent_posts", "a view, whose rows are those of its tables"),
            ("schema_migrations", "a record of changes to the schema"),
            ("tags", "a lookup table: neither a user nor a time"),
        ] {
            assert_eq!(found.reason(table), reason, "{:?}", place.kind);
        }
        assert_eq!(found.left_out.len(), 11, "{:?}", found.left_out);
    }
}

/// Camel case with quoted names and uuids, as object mappers make them.
fn mapped() -> String {
    let tables = r#"
        CREATE TABLE "User" ("id" varchar(36) NOT NULL PRIMARY KEY, "email" {name},
            "lastLoginAt" {at}, "createdAt" {at} NOT NULL, "updatedAt" {at} NOT NULL);
        CREATE TABLE "Account" ("id" varchar(36) NOT NULL PRIMARY KEY, "userId" varchar(36),
            "provider" {name}, "accessToken" {name}, "expiresAt" bigint,
            FOREIGN KEY ("userId") REFERENCES "User" ("id"));
        CREATE TABLE "Session" ("id" varchar(36) NOT NULL PRIMARY KEY, "sessionToken" {name},
            "userId" varchar(36), "expires" {at}, "createdAt" {at},
            FOREIGN KEY ("userId") REFERENCES "User" ("id"));
        CREATE TABLE "VerificationToken" ("identifier" {name}, "token" {name}, "expires" {at});
        CREATE TABLE "BlogPost" ("id" varchar(36) NOT NULL PRIMARY KEY, "authorId" varchar(36),
            "editorId" varchar(36), "publishedAt" {at}, "updatedAt" {at}, "createdAt" {at},
            FOREIGN KEY ("authorId") REFERENCES "User" ("id"));
        CREATE TABLE "PageView" ("id" varchar(36) NOT NULL PRIMARY KEY, "userId" varchar(36),
            "viewedAt" {at});
        CREATE TABLE "Follow" ("followingId" varchar(36), "followerId" varchar(36),
            "createdAt" {at}, PRIMARY KEY ("followingId", "followerId"),
            FOREIGN KEY ("followingId") REFERENCES "User" ("id"),
            FOREIGN KEY ("followerId") REFERENCES "User" ("id"));
        CREATE TABLE "Event" ("id" varchar(36) NOT NULL PRIMARY KEY, "userID" varchar(36),
            "eventType" {name}, "occurredAt" {at});
        CREATE TABLE "StudySession" ("id" varchar(36) NOT NULL PRIMARY KEY, "userId" varchar(36),
            "startedAt" {at}, "endedAt" {at});
        CREATE TABLE "Category" ("id" varchar(36) NOT NULL PRIMARY KEY, "name" {name});
        CREATE TABLE "_CategoryToBlogPost" ("A" varchar(36), "B" varchar(36));
        CREATE TABLE "_prisma_migrations" ("id" varchar(36), "started_at" {at},
            "finished_at" {at});
        CREATE TABLE "Booking" ("id" varchar(36) NOT NULL PRIMARY KEY, "personId" varchar(36),
            "startTime" {at}, "endTime" {at}, "createdAt" {at});
    "#;
    [
        tables.to_owned(),
        rows("\"User\"", 7, "'u{i}', 'x', NULL, {time}, {time}"),
        rows("\"Account\"", 7, "'a{i}', 'u{i}', 'x', 'y', 1"),
        rows("\"Session\"", 9, "'{i}', 't{i}', 'u{user}', {time}, {time}"),
        rows("\"VerificationToken\"", 9, "'{i}', 't{i}', {time}"),
        rows(
            "\"BlogPost\"",
            20,
            "'{i}', 'u{user}', 'u1', NULL, {time}, {time}",
        ),
        rows("\"PageView\"", 90, "'{i}', 'u{user}', {time}"),
        rows("\"Follow\"", 6, "'u{i}', 'u{user}', {time}"),
        rows("\"Event\"", 8, "'{i}', 'u{user}', 'PAGE_VIEW', {time}"),
        r#"INSERT INTO "Event" VALUES ('91', 'u1', 'USER_LOGIN', '2026-03-01 09:00:00'),
            ('92', 'u1', 'USER_LOGOUT', '2026-03-01 10:00:00'),
            ('93', 'u1', 'SESSION_EXPIRED', '2026-03-01 11:00:00'),
            ('94', 'u1', 'LOGIN_FAILED', '2026-03-01 12:00:00');"#
            .to_owned(),
        rows("\"StudySession\"", 9, "'{i}', 'u{user}', {time}, {time}"),
        rows("\"Category\"", 9, "'{i}', 'x'"),
        rows("\"_CategoryToBlogPost\"", 9, "'{i}', 'x'"),
        rows("\"_prisma_migrations\"", 9, "'{i}', {time}, {time}"),
        rows("\"Booking\"", 9, "'{i}', 'u{user}', {time}, {time}, {time}"),
    ]
    .concat()
}

#[test]
fn quoted_names_in_camel_case_are_understood() {
    for place in Place::all() {
        place.run(&mapped());
        let found = place.discover();
        assert_eq!(
            found.sources,
            [
                "BlogPost activity BlogPost authorId createdAt",
                "Booking activity Booking personId createdAt",
                "Event activity Event userID occurredAt",
                "Event_expiries expiry Event userID occurredAt",
                "Event_logins start Event userID occurredAt",
                "Event_logouts end Event userID occurredAt",
                "Follow activity Follow followerId createdAt",
                "PageView activity PageView userId viewedAt",
                "User_updates activity User id updatedAt",
            ],
            "{:?}",
            place.kind
        );
        assert_eq!(found.tracked, ["StudySession startedAt endedAt"]);
        let framework = "a web framework's sessions, written over with each request";
        assert_eq!(found.reason("Session"), framework);
        let token = "made by the system to let people in";
        assert_eq!(found.reason("VerificationToken"), token);
        assert_eq!(
            found.reason("_prisma_migrations"),
            "a record of changes to the schema"
        );
        assert_eq!(found.reason("Category"), "neither a user nor a time");
        assert_eq!(
            found.source("Event")["rows"]["number"],
            9,
            "page views, and a failed login"
        );
    }
}

/// A platform for learning: children study, parents pay; times of attempts are milliseconds.
fn learning() -> String {
    let tables = "
        CREATE TABLE parents (id {key}, email {name}, password_hash {name}, created_at {at});
        CREATE TABLE children (id {key}, parent_id bigint, name {name}, birth_date date,
            created_at {at}, last_login_at {at},
            FOREIGN KEY (parent_id) REFERENCES parents (id));
        CREATE TABLE subjects (id {key}, name {name});
        CREATE TABLE question_bank (id {key}, subject_id bigint, prompt {name}, created_at {at},
            FOREIGN KEY (subject_id) REFERENCES subjects (id));
        CREATE TABLE study_sessions (id {key}, child_id bigint, subject_id bigint,
            started_at {at}, ended_at {at}, FOREIGN KEY (child_id) REFERENCES children (id));
        CREATE TABLE attempts (id {key}, session_id bigint, child_id bigint, question_id bigint,
            is_correct int, time_spent int, attempted_at bigint,
            FOREIGN KEY (child_id) REFERENCES children (id),
            FOREIGN KEY (question_id) REFERENCES question_bank (id));
        CREATE TABLE hints_shown (id {key}, attempt_id bigint, shown_at {at},
            FOREIGN KEY (attempt_id) REFERENCES attempts (id));
        CREATE TABLE lesson_views (id {key}, child_id bigint, lesson {name}, viewed_at {at});
        CREATE TABLE streaks (child_id {key}, days int, updated_at {at});
        CREATE TABLE daily_stats (child_id bigint, day date, minutes int, updated_at {at});
        CREATE TABLE homework (id {key}, child_id bigint, due_date date, updated_at {at});
        CREATE TABLE payments (id {key}, parent_id bigint, created_at {at},
            FOREIGN KEY (parent_id) REFERENCES parents (id));
        CREATE TABLE jobs (id {key}, queue {name}, payload {name}, user_id bigint,
            created_at {at});
    ";
    [
        tables.to_owned(),
        rows("parents", 7, "{i}, 'x', 'y', {time}"),
        rows("children", 7, "{i}, {i}, 'x', '2018-01-01', {time}, {time}"),
        rows("subjects", 3, "{i}, 'x'"),
        rows("question_bank", 9, "{i}, 1, 'x', {time}"),
        rows("study_sessions", 9, "{i}, {user}, 1, {time}, {time}"),
        rows(
            "attempts",
            90,
            "{i}, 1, {user}, 1, 1, 2000, 1770000000000 + {i} * 60000",
        ),
        rows("hints_shown", 9, "{i}, 1, {time}"),
        rows("lesson_views", 20, "{i}, {user}, 'x', {time}"),
        rows("streaks", 7, "{i}, 3, {time}"),
        rows("daily_stats", 9, "{user}, '2026-01-01', 3, {time}"),
        rows("homework", 9, "{i}, {user}, '2026-01-01', {time}"),
        rows("payments", 9, "{i}, 1, {time}"),
        rows("jobs", 9, "{i}, 'q', 'p', 1, {time}"),
    ]
    .concat()
}

#[test]
fn a_platform_for_learning_is_understood() {
    for place in Place::all() {
        place.run(&learning());
        let found = place.discover();
        assert_eq!(
            found.sources,
            [
                "attempts activity attempts child_id attempted_at",
                "lesson_views activity lesson_views child_id viewed_at",
            ],
            "{:?}",
            place.kind
        );
        assert_eq!(found.source("attempts")["epoch_unit"], "ms");
        assert_eq!(found.tracked, ["study_sessions started_at ended_at"]);
        for (table, reason) in [
            (
                "children",
                "one row per person, without the time of its latest change",
            ),
            ("daily_stats", "made of other tables by programs"),
            (
                "hints_shown",
                "no user; attempt_id leads to attempts, which may name one: a query can join",
            ),
            ("homework", "no time of an action: updated_at is none"),
            ("jobs", "a queue of work for programs"),
            ("payments", "no user who acted: parent_id is someone else"),
            ("question_bank", "no user"),
            ("streaks", "no time of an action: updated_at is none"),
            ("subjects", "a lookup table: neither a user nor a time"),
        ] {
            assert_eq!(found.reason(table), reason, "{:?}", place.kind);
        }
    }
}

/// A shop with German names, staff beside customers, and no foreign key to half of its people.
fn shop() -> String {
    let tables = r#"
        CREATE TABLE kunden (kunden_nr {key}, vorname {name}, nachname {name}, email {name},
            geburtsdatum date, registriert_am {at}, geaendert_am {at} NOT NULL);
        CREATE TABLE mitarbeiter (personal_nr {key}, vorname {name}, nachname {name});
        CREATE TABLE artikel (artikel_nr {key}, bezeichnung {name}, angelegt_am {at});
        CREATE TABLE kategorien (id {key}, name {name});
        CREATE TABLE artikel_kategorien (artikel_nr bigint, kategorie_id bigint);
        CREATE TABLE bestellungen (bestell_nr {key}, kunden_nr bigint, geliefert_am {at},
            bestellt_am {at}, FOREIGN KEY (kunden_nr) REFERENCES kunden (kunden_nr));
        CREATE TABLE bestellpositionen (id {key}, bestell_nr bigint, artikel_nr bigint,
            FOREIGN KEY (bestell_nr) REFERENCES bestellungen (bestell_nr));
        CREATE TABLE bewertungen (id {key}, "KundeId" bigint, sterne int, "erstelltAm" {at});
        CREATE TABLE suchanfragen (id {key}, kunde_id bigint, zeitpunkt {at});
        CREATE TABLE anmeldungen (id {key}, kunde_id bigint, zeitpunkt {at});
        CREATE TABLE abmeldungen (id {key}, kunde_id bigint, zeitpunkt {at});
        CREATE TABLE lagerbuchungen (id {key}, gebucht_von bigint, gebucht_am {at},
            FOREIGN KEY (gebucht_von) REFERENCES mitarbeiter (personal_nr));
        CREATE TABLE sitzungen (id {key}, kunde_id bigint, beginn {at}, ende {at});
        CREATE TABLE gutscheine (code varchar(20) PRIMARY KEY, gueltig_bis {at});
        CREATE TABLE benachrichtigungen (id {key}, kunde_id bigint, erstellt_am {at});
    "#;
    [
        tables.to_owned(),
        rows(
            "kunden",
            7,
            "{i}, 'x', 'y', 'z', '1990-01-01', {time}, {time}",
        ),
        rows("mitarbeiter", 7, "{i}, 'x', 'y'"),
        rows("artikel", 9, "{i}, 'x', {time}"),
        rows("kategorien", 9, "{i}, 'x'"),
        rows("artikel_kategorien", 9, "{i}, {i}"),
        rows("bestellungen", 60, "{i}, {user}, {time}, {time}"),
        rows("bestellpositionen", 60, "{i}, {i}, 1"),
        rows("bewertungen", 20, "{i}, {user}, 5, {time}"),
        rows("suchanfragen", 20, "{i}, {user}, {time}"),
        rows("anmeldungen", 20, "{i}, {user}, {time}"),
        rows("abmeldungen", 20, "{i}, {user}, {time}"),
        rows("lagerbuchungen", 20, "{i}, {user}, {time}"),
        rows("sitzungen", 20, "{i}, {user}, {time}, {time}"),
        rows("gutscheine", 9, "'{i}', {time}"),
        rows("benachrichtigungen", 9, "{i}, {user}, {time}"),
    ]
    .concat()
}

#[test]
fn a_shop_with_german_names_is_understood() {
    for place in Place::all() {
        place.run(&shop());
        let found = place.discover();
        assert_eq!(
            found.sources,
            [
                "abmeldungen end abmeldungen kunde_id zeitpunkt",
                "anmeldungen start anmeldungen kunde_id zeitpunkt",
                "bestellungen activity bestellungen kunden_nr bestellt_am",
                "bewertungen activity bewertungen KundeId erstelltAm",
                "kunden_updates activity kunden kunden_nr geaendert_am",
                "suchanfragen activity suchanfragen kunde_id zeitpunkt",
            ],
            "{:?}",
            place.kind
        );
        assert_eq!(found.tracked, ["sitzungen beginn ende"]);
        assert_eq!(
            found.reason("lagerbuchungen"),
            "its users are of mitarbeiter, those of other tables of kunden: ids of two kinds"
        );
        assert_eq!(
            found.reason("benachrichtigungen"),
            "sent to people, not done by them"
        );
        let parent = "neither a user nor a time";
        assert_eq!(found.reason("bestellpositionen"), parent);
    }
}

/// The default names of two web frameworks.
fn frameworks() -> String {
    let tables = "
        CREATE TABLE auth_user (id {key}, password {name}, last_login {at}, username {name},
            email {name}, is_staff int, date_joined {at});
        CREATE TABLE auth_group (id {key}, name {name});
        CREATE TABLE auth_permission (id {key}, name {name});
        CREATE TABLE auth_user_groups (id {key}, user_id bigint, group_id bigint);
        CREATE TABLE authtoken_token (created {at}, user_id bigint);
        CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data {name},
            expire_date {at});
        CREATE TABLE django_migrations (id {key}, app {name}, name {name}, applied {at});
        CREATE TABLE django_content_type (id {key}, app_label {name}, model {name});
        CREATE TABLE django_admin_log (id {key}, action_time {at}, object_id {name},
            action_flag int, change_message {name}, user_id bigint,
            FOREIGN KEY (user_id) REFERENCES auth_user (id));
        CREATE TABLE blog_entry (id {key}, title {name}, author_id bigint, modified {at},
            created {at}, pub_date {at}, FOREIGN KEY (author_id) REFERENCES auth_user (id));
        CREATE TABLE polls_vote (id {key}, choice_id bigint, voter_id bigint, voted_on {at},
            FOREIGN KEY (voter_id) REFERENCES auth_user (id));
        CREATE TABLE polls_choice (id {key}, choice_text {name}, votes int);
        CREATE TABLE ar_internal_metadata (name {name}, value {name}, created_at {at});
        CREATE TABLE active_storage_blobs (id {key}, filename {name}, created_at {at});
        CREATE TABLE active_storage_attachments (id {key}, name {name}, record_type {name},
            record_id bigint, blob_id bigint, created_at {at});
        CREATE TABLE delayed_jobs (id {key}, handler {name}, attempts int, run_at {at},
            created_at {at}, user_id bigint);
        CREATE TABLE versions (id {key}, item_type {name}, item_id bigint, event {name},
            whodunnit {name}, created_at {at});
        CREATE TABLE ahoy_visits (id {key}, visit_token {name}, user_id bigint, started_at {at});
        CREATE TABLE ahoy_events (id {key}, visit_id bigint, user_id bigint, name {name},
            time {at});
        CREATE TABLE oauth_access_tokens (id {key}, resource_owner_id bigint, user_id bigint,
            created_at {at});
        CREATE TABLE profiles (id {key}, user_id bigint UNIQUE, bio {name}, created_at {at},
            updated_at {at}, FOREIGN KEY (user_id) REFERENCES auth_user (id));
    ";
    [
        tables.to_owned(),
        rows("auth_user", 7, "{i}, 'x', {time}, 'y', 'z', 0, {time}"),
        rows("auth_group", 3, "{i}, 'x'"),
        rows("auth_permission", 3, "{i}, 'x'"),
        rows("auth_user_groups", 3, "{i}, {user}, 1"),
        rows("authtoken_token", 3, "{time}, {user}"),
        rows("django_session", 3, "'{i}', 'x', {time}"),
        rows("django_migrations", 3, "{i}, 'x', 'y', {time}"),
        rows("django_content_type", 3, "{i}, 'x', 'y'"),
        rows("django_admin_log", 9, "{i}, {time}, 'x', 1, 'y', {user}"),
        rows("blog_entry", 9, "{i}, 'x', {user}, {time}, {time}, {time}"),
        rows("polls_vote", 9, "{i}, 1, {user}, {time}"),
        rows("polls_choice", 9, "{i}, 'x', 3"),
        rows("ar_internal_metadata", 1, "'x', 'y', {time}"),
        rows("active_storage_blobs", 9, "{i}, 'x', {time}"),
        rows(
            "active_storage_attachments",
            9,
            "{i}, 'x', 'y', 1, 1, {time}",
        ),
        rows("delayed_jobs", 9, "{i}, 'x', 1, {time}, {time}, {user}"),
        rows("versions", 9, "{i}, 'x', 1, 'update', '{user}', {time}"),
        rows("ahoy_visits", 9, "{i}, 'x', {user}, {time}"),
        rows("ahoy_events", 9, "{i}, 1, {user}, 'x', {time}"),
        rows("oauth_access_tokens", 9, "{i}, 1, {user}, {time}"),
        rows("profiles", 7, "{i}, {i}, 'x', {time}, {time}"),
    ]
    .concat()
}

#[test]
fn the_tables_of_web_frameworks_are_told_from_those_of_people() {
    for place in Place::all() {
        place.run(&frameworks());
        let found = place.discover();
        assert_eq!(
            found.sources,
            [
                "ahoy_events activity ahoy_events user_id time",
                "ahoy_visits activity ahoy_visits user_id started_at",
                "blog_entry activity blog_entry author_id created",
                "django_admin_log activity django_admin_log user_id action_time",
                "polls_vote activity polls_vote voter_id voted_on",
            ],
            "{:?}",
            place.kind
        );
        assert_eq!(found.tracked, [""; 0]);
        for (table, reason) in [
            ("active_storage_attachments", "no user"),
            ("active_storage_blobs", "no user"),
            ("ar_internal_metadata", "a record of changes to the schema"),
            ("auth_permission", "what people may do, not what they did"),
            (
                "auth_user",
                "one row per person, without the time of its latest change",
            ),
            ("auth_user_groups", "no time"),
            ("authtoken_token", "made by the system to let people in"),
            ("delayed_jobs", "a queue of work for programs"),
            ("django_migrations", "a record of changes to the schema"),
            (
                "django_session",
                "a web framework's sessions, written over with each request",
            ),
            ("oauth_access_tokens", "made by the system to let people in"),
            ("profiles", "one row per user: user_id is unique"),
            ("versions", "no user"),
        ] {
            assert_eq!(found.reason(table), reason, "{:?}", place.kind);
        }
    }
}

#[test]
fn the_example_is_read_as_without_a_configuration() {
    let scratch = Scratch::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/example/platform.db");
    std::fs::copy(example, scratch.path("platform.db")).unwrap();
    let sessions = |args: &[&str]| {
        let flags = [
            "sessions",
            "--format",
            "csv",
            "--now",
            "2026-06-01T10:00:00Z",
        ];
        scratch.run(flags.iter().chain(args)).expect_ok().stdout()
    };
    let without = sessions(&["platform.db"]);
    scratch
        .run(["discover", "platform.db", "--write"])
        .expect_ok();
    assert_eq!(sessions(&[]), without);
    let found = scratch.run(["discover", "platform.db", "--format", "json"]);
    let found = Found::of(&found.expect_ok().stdout());
    assert_eq!(
        found.sources,
        [
            "attempts activity attempts person_id created_at",
            "collections activity collections person_id created_at",
            "comments activity comments person_id created_at",
            "logins start logins person_id at",
            "logouts end logouts person_id at",
            "posts activity posts person_id created_at",
            "profile_updates activity persons id updated_at",
            "queries activity query_embeddings person_id created_at",
        ]
    );
    let attempts = found.source("attempts");
    assert_eq!(
        attempts["rows"],
        serde_json::json!({"number": 27157, "sure": "exact"})
    );
    assert_eq!(attempts["epoch_unit"], "ms");
    assert_eq!(attempts["first"], "2026-02-02T06:39:42.347Z");
    assert_eq!(attempts["last"], "2026-06-01T09:55:21.440Z");
}

/// Sources of a report with their roles and the rows that were read of each.
fn read_sources(scratch: &Scratch) -> Vec<String> {
    let report = scratch.run(["--format", "json", "--now", NOW]).expect_ok();
    let report: Value = serde_json::from_str(&report.stdout()).unwrap();
    let sources = report["run"]["sources"].as_array().unwrap().iter();
    let mut sources: Vec<String> = sources
        .map(|source| {
            let word = |name: &str| source[name].as_str().unwrap();
            format!(
                "{} {} {}",
                word("name"),
                word("role"),
                source["rows"]["read"]
            )
        })
        .collect();
    sources.sort();
    sources
}

#[test]
fn what_is_written_works_at_once_in_its_folder() {
    for place in Place::all() {
        place.run(&forum());
        let scratch = &place.scratch;
        scratch
            .run(["discover", &place.address(), "--write"])
            .expect_ok();
        assert_eq!(
            read_sources(scratch),
            [
                "activity_log activity 3",
                "activity_log_logins start 2",
                "activity_log_logouts end 1",
                "comments activity 80",
                "likes activity 20",
                "messages activity 30",
                "posts activity 60",
                "profile_updates activity 7",
                "tasks activity 20",
            ],
            "{:?}",
            place.kind
        );
        scratch
            .run([
                "discover",
                &place.address(),
                "--write",
                "sub/sessionize.toml",
            ])
            .expect_failure(6);
        scratch.folder("sub");
        scratch
            .run([
                "discover",
                &place.address(),
                "--write",
                "sub/sessionize.toml",
            ])
            .expect_ok();
        let moved = scratch.run(["--config", "sub/sessionize.toml", "--now", NOW]);
        moved.expect_ok();
    }
}

#[test]
fn numbers_and_texts_that_are_times_are_told_from_those_that_are_not() {
    let tables = "
        CREATE TABLE clicks (user_id bigint, time_spent int, ts bigint);
        CREATE TABLE taps (user_id bigint, ts bigint);
        CREATE TABLE swipes (user_id bigint, ts bigint);
        CREATE TABLE scrolls (user_id bigint, created_at {name}, ts bigint);
        CREATE TABLE visits (user_id bigint, date {name});
        CREATE TABLE opinions (user_id bigint, at {name});";
    for place in Place::all() {
        let texts = "
            INSERT INTO scrolls VALUES (1, 'never', 1770000000), (1, 'then', 1770000100);
            INSERT INTO visits VALUES (1, '2026-01-01'), (1, '2026-01-02');
            INSERT INTO opinions VALUES (1, '2026-01-01T10:00:00+02:00'),
                (1, '2026-01-02 10:00:00');";
        place.run(
            &[
                tables,
                &rows("clicks", 3, "{user}, 5, 1770000000000000 + {i}"),
                "INSERT INTO taps VALUES (1, 1770000000), (1, 1770000000000);",
                &rows("swipes", 3, "{user}, 20000 + {i}"),
                texts,
            ]
            .concat(),
        );
        let found = place.discover();
        assert_eq!(
            found.sources,
            [
                "clicks activity clicks user_id ts",
                "opinions activity opinions user_id at",
                "scrolls activity scrolls user_id ts",
            ],
            "{:?}",
            place.kind
        );
        assert_eq!(found.source("clicks")["epoch_unit"], "us");
        assert_eq!(found.source("scrolls")["epoch_unit"], "s");
        assert_eq!(found.source("opinions")["zoneless"], true);
        let numbers = "ts holds numbers that are no times of 2000 to 2100 in one unit";
        assert_eq!(found.reason("swipes"), numbers);
        assert_eq!(found.reason("taps"), numbers);
        assert_eq!(
            found.reason("visits"),
            "date holds dates without a time of day"
        );
        place
            .scratch
            .run(["discover", &place.address(), "--write"])
            .expect_ok();
        let read = read_sources(&place.scratch);
        assert_eq!(
            read,
            [
                "clicks activity 3",
                "opinions activity 2",
                "scrolls activity 2"
            ]
        );
    }
}

#[test]
fn rows_without_a_user_or_a_time_are_left_out_and_said() {
    for place in Place::all() {
        place.run(
            "CREATE TABLE views (id {key}, user_id bigint, created_at {at});
             CREATE TABLE carts (id {key}, user_id bigint, created_at {at});
             INSERT INTO views VALUES (1, 7, '2026-01-01 09:00:00'), (2, NULL, '2026-01-01 09:00:00'),
                 (3, 7, NULL), (4, 7, '2026-01-01 10:00:00');
             INSERT INTO carts VALUES (1, NULL, '2026-01-01 09:00:00'), (2, NULL, '2026-01-01 09:00:00'),
                 (3, 7, '2026-01-01 10:00:00');",
        );
        let found = place.discover();
        assert_eq!(found.sources, ["views activity views user_id created_at"]);
        assert_eq!(found.source("views")["without_user"], 0.25);
        assert_eq!(found.source("views")["without_time"], 0.25);
        assert_eq!(found.reason("carts"), "user_id is null in 67% of its rows");
        place
            .scratch
            .run(["discover", &place.address(), "--write"])
            .expect_ok();
        assert_eq!(
            read_sources(&place.scratch),
            ["views activity 2"],
            "{:?}",
            place.kind
        );
    }
}

/// Names that would end a comment, a quotation or a line, or turn it around.
const HOSTILE_TABLE: &str = "po\"sts`\n# [[source]]\n\u{202e}ü; x";
const HOSTILE_USER: &str = "user'id\"\n\"\"\"";
const HOSTILE_TIME: &str = "at \u{1b}[31m'''\\";

#[test]
fn hostile_names_are_shown_as_escapes_and_written_exactly() {
    for place in Place::all() {
        let quoted = |name: &str| match place.kind {
            Some(Kind::Mariadb) => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        };
        let (table, user, time) = (
            quoted(HOSTILE_TABLE),
            quoted(HOSTILE_USER),
            quoted(HOSTILE_TIME),
        );
        let at = match place.kind {
            None => "DATETIME",
            Some(Kind::Postgres) => "timestamp",
            Some(Kind::Mariadb) => "datetime",
        };
        let statements = format!(
            "CREATE TABLE users (id bigint PRIMARY KEY);
             CREATE TABLE {table} ({user} bigint, {time} {at}, \
                 FOREIGN KEY ({user}) REFERENCES users (id));
             INSERT INTO users VALUES (7);
             INSERT INTO {table} VALUES (7, '2026-01-01 09:00:00'), (7, '2026-01-01 09:10:00'), \
                 (NULL, '2026-01-01 09:20:00');"
        );
        match &place.server {
            Some(server) => server.run(&statements),
            None => sqlite(&place.scratch.path("app.db"), &statements),
        }
        let found = place.discover();
        let name = HOSTILE_TABLE.replace([';', '\n'], "_");
        let source = found.source(&name);
        assert_eq!(source["table"], HOSTILE_TABLE);
        assert_eq!(source["user"], HOSTILE_USER);
        assert_eq!(source["time"], HOSTILE_TIME);
        let shown = place
            .scratch
            .run(["discover", &place.address(), "--write"])
            .expect_ok();
        for text in [shown.stdout(), place.scratch.text("sessionize.toml")] {
            let hidden = |letter: char| letter.is_control() && letter != '\n';
            assert!(!text.contains(hidden), "{:?}: {text}", place.kind);
        }
        assert!(!shown.stdout().contains('\u{202e}'));
        assert_eq!(read_sources(&place.scratch), [format!("{name} activity 2")]);
    }
}

#[test]
fn a_password_is_never_written() {
    let place = Place::of(Some(Kind::Postgres));
    place.run(
        "CREATE TABLE posts (user_id bigint, created_at {at});
        INSERT INTO posts VALUES (7, '2026-01-01 09:00:00');",
    );
    let server = place.server.as_ref().unwrap();
    let user = server.user("reader", "pw-CANARY-7");
    server.run(&format!("GRANT SELECT ON posts TO {user}"));
    let address = server.tcp_url(&format!("{user}:pw-CANARY-7"));
    let scratch = &place.scratch;
    let call = scratch.sessionize(["discover", &address, "--write"]);
    let shown = call.run();
    assert_eq!(shown.code(), Some(0), "{shown:?}");
    let written = scratch.text("sessionize.toml");
    assert!(
        !written.contains("CANARY") && !shown.stdout().contains("CANARY"),
        "{written}"
    );
    assert!(written.contains("PGPASSWORD"), "{written}");
    let call = scratch
        .sessionize(["--now", NOW])
        .env("PGPASSWORD", "pw-CANARY-7");
    call.run().expect_ok();
    let secret = scratch.file("secret", "pw-CANARY-7\n");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let address = server.tcp_url(&user);
    let flags = [
        "discover",
        &address,
        "--write",
        "--force",
        "--password-file",
        "secret",
    ];
    scratch.run(flags).expect_ok();
    scratch.run(["--now", NOW]).expect_ok();
}

#[test]
fn what_an_account_may_not_read_is_said_and_spoils_nothing() {
    let place = Place::of(Some(Kind::Postgres));
    place.run(
        "CREATE TABLE posts (user_id bigint, secret {name}, created_at {at});
        CREATE TABLE salaries (user_id bigint, created_at {at});
        CREATE TABLE notes (user_id bigint, created_at {at});
        CREATE SCHEMA \"back Office\";
        CREATE TABLE \"back Office\".calls (user_id bigint, created_at {at});
        CREATE VIEW broken AS SELECT 1 / (user_id - 7) AS user_id, created_at FROM posts;
        INSERT INTO posts VALUES (7, 'x', '2026-01-01 09:00:00');
        INSERT INTO notes VALUES (7, '2026-01-01 09:00:00');
        INSERT INTO \"back Office\".calls VALUES (7, '2026-01-01 09:00:00');",
    );
    let server = place.server.as_ref().unwrap();
    let user = server.user("reader", "");
    server.run(&format!(
        "GRANT SELECT (user_id, created_at) ON posts TO {user};
         GRANT SELECT (created_at) ON notes TO {user};
         GRANT USAGE ON SCHEMA \"back Office\" TO {user};
         GRANT SELECT ON \"back Office\".calls TO {user}"
    ));
    let scratch = &place.scratch;
    let address = server.url_as(&user);
    let found = scratch
        .run(["discover", &address, "--format", "json"])
        .expect_ok();
    let found = Found::of(&found.stdout());
    assert_eq!(
        found.sources,
        [
            "back Office.calls activity back Office.calls user_id created_at",
            "posts activity posts user_id created_at",
        ]
    );
    assert_eq!(found.reason("salaries"), "this account may not read it");
    assert_eq!(found.reason("broken"), "this account may not read it");
    assert_eq!(found.reason("notes"), "no user");
    scratch.run(["discover", &address, "--write"]).expect_ok();
    let read = read_sources(scratch);
    assert_eq!(read, ["back Office.calls activity 1", "posts activity 1"]);
    // A view that fails on its rows spoils only itself.
    server.run(&format!(
        "GRANT SELECT ON broken TO {user}; REVOKE SELECT ON posts FROM {user};
        REVOKE SELECT (user_id, created_at) ON posts FROM {user};
        REVOKE SELECT ON \"back Office\".calls FROM {user}"
    ));
    let nothing = scratch.run(["discover", &address]).expect_failure(5);
    let failed = "broken: cannot be looked at: the statement failed on a value (SQLSTATE 22012)";
    nothing.expect_stderr(failed).expect_stderr("error[DB-02]");
}

#[test]
fn a_locked_table_is_left_out_and_the_others_are_found() {
    let place = Place::of(Some(Kind::Postgres));
    place.run(&format!(
        "{POSTS} CREATE TABLE notes (user_id bigint, created_at {{at}});"
    ));
    let server = place.server.as_ref().unwrap();
    let mut session = server.session();
    session.run("BEGIN; LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
    let flags = ["--statement-timeout", "1s", "--format", "json"];
    let args = ["discover", &place.address()];
    let found = place.scratch.run(args.iter().chain(&flags)).expect_ok();
    let found = Found::of(&found.stdout());
    assert_eq!(found.sources, ["posts activity posts user_id created_at"]);
    let stopped =
        "cannot be looked at: the server needed more than 1 s for a statement and was stopped";
    assert_eq!(found.reason("notes"), stopped);
}

#[test]
fn names_in_one_piece_and_names_that_repeat_their_tables_are_understood() {
    let place = Place::of(None);
    let tables = "
        CREATE TABLE wp_users (id {key}, user_login {name});
        CREATE TABLE wp_posts (id {key}, post_author bigint, post_date datetime,
            post_date_gmt datetime, post_modified_gmt datetime);
        CREATE TABLE forumposts (id {key}, userid bigint, createdat datetime, updatedat datetime);
        CREATE TABLE log_store (id {key}, relateduserid bigint, userid bigint, timecreated bigint);
        CREATE TABLE quiz_attempts (id {key}, userid bigint, timestart bigint, timefinish bigint);
        CREATE TABLE team_user (id {key}, team_id bigint, user_id bigint, created_at datetime);
        CREATE TABLE books (id {key}, author {name}, created_at datetime);
        CREATE TABLE sales (id {key}, writer bigint, sold_at datetime);";
    place.run(
        &[
            tables,
            &rows("wp_users", 7, "{i}, 'x'"),
            &rows("wp_posts", 9, "{i}, {user}, {time}, {time}, {time}"),
            &rows("forumposts", 9, "{i}, {user}, {time}, {time}"),
            &rows("log_store", 9, "{i}, 1, {user}, 1770000000 + {i}"),
            &rows(
                "quiz_attempts",
                9,
                "{i}, {user}, 1770000000 + {i}, 1770000010 + {i}",
            ),
            &rows("team_user", 9, "{i}, 1, {user}, {time}"),
            &rows("books", 9, "{i}, 'x', {time}"),
            &rows("sales", 9, "{i}, 1, {time}"),
        ]
        .concat(),
    );
    let found = place.discover();
    assert_eq!(
        found.sources,
        [
            "forumposts activity forumposts userid createdat",
            "log_store activity log_store userid timecreated",
            "team_user activity team_user user_id created_at",
            "wp_posts activity wp_posts post_author post_date_gmt",
        ]
    );
    assert_eq!(found.tracked, ["quiz_attempts timestart timefinish"]);
    let anybody = "its user is a text that may name anybody, those of other tables are ids";
    assert_eq!(found.reason("books"), anybody);
    assert_eq!(found.reason("sales"), "no user");
}

#[test]
fn the_kinds_of_a_log_are_told_apart() {
    let kinds = [
        ("user.login.success", "start"),
        ("SIGNED_IN", "start"),
        ("UserLoggedOut", "end"),
        ("session_timeout", "expiry"),
        ("login_page_viewed", "activity"),
        ("login_failed", "activity"),
        ("notification_opened", "activity"),
        ("job applied", "activity"),
        ("it's", "activity"),
        ("notification_sent", "none"),
        ("token_refresh", "none"),
    ];
    for place in Place::all() {
        let values = kinds.iter().enumerate().map(|(at, (kind, _))| {
            let kind = kind.replace('\'', "''");
            format!("(7, '{kind}', '2026-01-01 09:{at:02}:00'), (8, '{kind}', '2026-01-01 10:{at:02}:00')")
        });
        let values: Vec<String> = values.collect();
        place.run(&format!(
            "CREATE TABLE log (user_id bigint, event_type {{name}}, at {{at}});
             INSERT INTO log VALUES {}, (7, NULL, '2026-01-01 11:00:00');",
            values.join(", ")
        ));
        place
            .scratch
            .run(["discover", &place.address(), "--write"])
            .expect_ok();
        let count = |role: &str| 2 * kinds.iter().filter(|(_, of)| *of == role).count();
        assert_eq!(
            read_sources(&place.scratch),
            [
                format!("log activity {}", count("activity") + 1),
                format!("log_expiries expiry {}", count("expiry")),
                format!("log_logins start {}", count("start")),
                format!("log_logouts end {}", count("end")),
            ],
            "{:?}",
            place.kind
        );
    }
}

#[test]
fn views_are_sources_where_no_table_is_one() {
    for place in Place::all() {
        place.run(
            "CREATE TABLE raw (who bigint, happened {at});
             INSERT INTO raw VALUES (7, '2026-01-01 09:00:00'), (7, '2026-01-01 09:10:00');
             CREATE VIEW visits AS SELECT who AS visitor_id, happened AS visited_at FROM raw;",
        );
        let found = place.discover();
        assert_eq!(
            found.sources,
            ["visits activity visits visitor_id visited_at"]
        );
        assert_eq!(
            found.reason("raw"),
            if place.kind.is_none() {
                "neither a user nor a time"
            } else {
                "no user"
            }
        );
    }
}

#[test]
fn a_large_table_is_looked_at_in_part_and_said_to_be() {
    for place in Place::all() {
        place.run(
            "CREATE TABLE digits (d int);
             INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
             CREATE TABLE events (id {key}, user_id bigint, ts bigint);
             CREATE TABLE moves (id {key}, user_id bigint, ts bigint);
             CREATE INDEX moves_ts ON moves (ts);
             INSERT INTO events
                 SELECT n, CASE WHEN n % 4 = 0 THEN NULL ELSE n % 1000 END, 1770000000 + n
                 FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d
                           AS n
                       FROM digits a, digits b, digits c, digits e, digits f, digits g
                       WHERE g.d < 3) AS numbers;
             INSERT INTO moves SELECT id, 7, ts FROM events;",
        );
        let found = place.discover();
        let events = found.source("events");
        assert_ne!(events["rows"]["sure"], "exact", "{events}");
        assert_eq!(events["ends_exact"], false);
        assert_eq!(events["without_user"], 0.25);
        // The first and the last rows by key were looked at.
        assert_eq!(events["first"], "2026-02-02T02:40:00Z");
        assert_eq!(events["last"], "2026-02-05T13:59:59Z");
        let moves = found.source("moves");
        assert_eq!(moves["ends_exact"], true);
        assert_eq!(moves["last"], "2026-02-05T13:59:59Z");
        let indexed = place.kind.map(|_| true);
        assert_eq!(moves["indexed"], serde_json::json!(indexed));
        assert_eq!(events["indexed"], serde_json::json!(indexed.map(|_| false)));
        if let Some(server) = &place.server {
            server.run(
                "ANALYZE TABLE events"
                    .replace(
                        "TABLE ",
                        match place.kind {
                            Some(Kind::Mariadb) => "TABLE ",
                            _ => "",
                        },
                    )
                    .as_str(),
            );
            let found = place.discover();
            let rows = &found.source("events")["rows"];
            let number = rows["number"].as_u64().unwrap();
            assert_eq!(rows["sure"], "about");
            assert!((270_000..330_000).contains(&number), "{rows}");
        }
        place
            .scratch
            .run(["discover", &place.address(), "--write"])
            .expect_ok();
        let read = read_sources(&place.scratch);
        assert_eq!(read, ["events activity 225000", "moves activity 300000"]);
    }
}

#[test]
fn users_of_two_kinds_are_not_mixed() {
    let place = Place::of(None);
    place.run(
        "CREATE TABLE users (id {key}); CREATE TABLE customers (id {key});
         INSERT INTO users VALUES (7); INSERT INTO customers VALUES (7), (8);
         CREATE TABLE posts (user_id bigint REFERENCES users (id), created_at {at});
         CREATE TABLE likes (user_id bigint REFERENCES users (id), created_at {at});
         CREATE TABLE orders (customer_id bigint REFERENCES customers (id), created_at {at});
         INSERT INTO posts VALUES (7, '2026-01-01 09:00:00');
         INSERT INTO likes VALUES (7, '2026-01-01 09:00:00');
         INSERT INTO orders VALUES (7, '2026-01-01 09:00:00'), (8, '2026-01-01 09:00:00');",
    );
    let found = place.discover();
    let sources = [
        "likes activity likes user_id created_at",
        "posts activity posts user_id created_at",
    ];
    assert_eq!(found.sources, sources);
    let reason = "its users are of customers, those of other tables of users: ids of two kinds";
    assert_eq!(found.reason("orders"), reason);
}

const POSTS: &str = "CREATE TABLE posts (user_id bigint, created_at {at});
    INSERT INTO posts VALUES (7, '2026-01-01 09:00:00');";

#[test]
fn a_configuration_that_is_there_is_kept_unless_forced() {
    let place = Place::of(None);
    place.run(POSTS);
    let scratch = &place.scratch;
    scratch.file("sessionize.toml", "this is no configuration");
    let refused = scratch
        .run(["discover", "app.db", "--write"])
        .expect_failure(6);
    refused.expect_stderr("error[OUT-02]: sessionize.toml is there already");
    assert_eq!(scratch.text("sessionize.toml"), "this is no configuration");
    scratch
        .run(["discover", "app.db", "--write", "--force"])
        .expect_ok();
    assert_eq!(read_sources(scratch), ["posts activity 1"]);
    let refused = scratch.run(["discover", "app.db", "--write", "app.db", "--force"]);
    refused.expect_failure(2).expect_stderr("error[CF-06]");
    let refused = scratch.run(["discover", "app.db", "--write", "x", "-o", "./x"]);
    refused
        .expect_failure(2)
        .expect_stderr("-o and --write name the same file");
    scratch
        .run(["discover", "app.db", "--force"])
        .expect_failure(2);
    assert_eq!(scratch.names(), ["app.db", "sessionize.toml"]);
}

#[test]
fn a_database_without_a_source_is_an_error_that_says_what_was_looked_at() {
    for place in Place::all() {
        place.run(
            "CREATE TABLE countries (id {key}, name {name});
             CREATE TABLE visits (id {key}, person_id bigint, started_at {at}, ended_at {at});
             CREATE TABLE posts (user_id bigint, created_at {at});",
        );
        let scratch = &place.scratch;
        let failed = scratch
            .run(["discover", &place.address(), "--write"])
            .expect_failure(5);
        failed
            .expect_stderr("no table says who did something and when")
            .expect_stderr("countries: neither a user nor a time")
            .expect_stderr("posts: empty")
            .expect_stderr("visits: sessions that the application tracks itself");
        assert!(!scratch.names().contains(&"sessionize.toml".to_owned()));
        let empty = Place::of(place.kind);
        empty.run("CREATE TABLE x (y int); DROP TABLE x;");
        let failed = empty
            .scratch
            .run(["discover", &empty.address()])
            .expect_failure(5);
        failed.expect_stderr("the database has no tables that may be read");
    }
}

#[test]
fn only_one_database_is_looked_at_and_no_other_file() {
    let place = Place::of(None);
    place.run(POSTS);
    let scratch = &place.scratch;
    scratch.file("posts.csv", "user_id,created_at\n");
    let failed = scratch.run(["discover", "posts.csv"]).expect_failure(4);
    failed
        .expect_stderr("error[IN-08]")
        .expect_stderr("the file is no database");
    scratch
        .run(["discover", "-"])
        .expect_failure(4)
        .expect_stderr("standard input is no database");
    scratch
        .run(["discover", "no.db"])
        .expect_failure(4)
        .expect_stderr("error[IN-01]");
    scratch.run(["discover"]).expect_failure(2);
    let failed = scratch
        .run(["discover", "app.db", "--format", "csv"])
        .expect_failure(2);
    failed.expect_stderr("what was found is not written as csv");
    assert_eq!(scratch.names(), ["app.db", "posts.csv"]);
}

#[test]
fn what_is_found_is_told_within_a_hundred_columns() {
    let place = Place::of(Some(Kind::Postgres));
    place.run(&forum());
    for (columns, widest) in [("200", 100), ("80", 80), ("40", 40)] {
        let call = place.scratch.sessionize(["discover", &place.address()]);
        let page = call.env("COLUMNS", columns).run().expect_ok().stdout();
        assert!(
            page.lines().all(|line| line.chars().count() <= widest),
            "{page}"
        );
    }
    let call = place.scratch.sessionize(["discover", &place.address()]);
    let page = call.env("COLUMNS", "100").run().expect_ok().stdout();
    let rows = ["  30", "    7", "2026-03-01", "2026-03-28", "no"].join("  ");
    let columns = [
        "messages            ",
        "activity",
        "sender_id ",
        "sent_at   ",
    ]
    .join("  ");
    for line in [
        format!("\n{columns}  {rows}\n"),
        "- posts (60 rows): person_id, a foreign key to persons\n".to_owned(),
        "- user_sessions: from started_at to ended_at\n".to_owned(),
        "- countries: neither a user nor a time\n".to_owned(),
    ] {
        assert!(page.contains(&line), "{line}\n{page}");
    }
}

#[test]
fn rows_of_tables_that_inherit_are_read_once() {
    let (scratch, database) = (Scratch::new(), servers::postgres());
    database.run(
        "CREATE TABLE clicks (id int, user_id int, created_at timestamptz);
         CREATE TABLE clicks_2026 () INHERITS (clicks);
         INSERT INTO clicks_2026 SELECT n, n % 7, timestamptz '2026-01-01 00:00Z' + n * interval '1 hour'
             FROM generate_series(1, 100) AS n",
    );
    scratch
        .run(["discover", &database.url(), "--write"])
        .expect_ok();
    let report = scratch.run(["--format", "json", "--now", "2026-03-01"]);
    let report: serde_json::Value = serde_json::from_str(&report.expect_ok().stdout()).unwrap();
    assert_eq!(report["run"]["rows"]["read"], 100);
}
