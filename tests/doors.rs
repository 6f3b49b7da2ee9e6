//! One log, every door: the same rows from files and from databases give the same bytes, whatever
//! the users are called. Case 155.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, QueryBuilder};
use tokio::runtime::Builder;

use crate::harness::Scratch;
use crate::servers::{Database, Kind, mariadb, postgres};

const NOW: &str = "2026-06-01T00:00:00Z";

/// A user and an instant, in seconds since 1970.
type Row = (String, i64);

/// Users that many collations take for one: by case, by accent, by form, by spaces at the end.
const FOLDED: [&str; 16] = [
    "ada",
    "Ada",
    "ADA",
    "ada ",
    "ada  ",
    "adá",
    "ad\u{0061}\u{301}",
    "ådà",
    "zoe",
    "zoë",
    "zoe\u{308}",
    "ZOË",
    "straße",
    "strasse",
    "STRASSE",
    "ｓtrasse",
];

/// Users made to be taken for something else on their way.
const NAUGHTY: [&str; 40] = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "a,b",
    "a;b",
    "a\"b",
    "\"",
    "\"\"",
    "'",
    "''",
    "`",
    "\\",
    "\\N",
    "\\n",
    "%s%n",
    "{}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</script>",
    "&amp;",
    "|a|b|",
    "[x](javascript:alert(1))",
    "\u{1b}[31mred",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{202e}evil",
    "\u{200b}",
    "\u{feff}",
    "🦀",
    "👩\u{200d}👩",
    "; DROP TABLE posts; --",
    "' OR 1=1 --",
    "NULL",
    "null",
    "0x1F",
];

/// So many events by these users, in no order.
fn log(users: &[&str], events: usize) -> Vec<Row> {
    let mut random = Pcg64::seed_from_u64(155);
    let row = |_| {
        let user = users[random.random_range(0..users.len())];
        (
            user.to_owned(),
            1_767_225_600 + random.random_range(0..3 * 86_400),
        )
    };
    (0..events).map(row).collect()
}

/// RFC 4180, every user in quotes.
fn as_csv(log: &[Row]) -> String {
    let mut text = "user_id,created_at\n".to_owned();
    for (user, at) in log {
        text += &format!("\"{}\",{at}\n", user.replace('"', "\"\""));
    }
    text
}

fn as_ndjson(log: &[Row]) -> String {
    let line =
        |(user, at): &Row| serde_json::json!({"user_id": user, "created_at": at}).to_string();
    log.iter().map(|row| line(row) + "\n").collect()
}

/// Text in quotes, for a server whose backslashes are plain.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The log as the table `posts`, by statements that hold the users as they are.
fn into_server(database: &Database<'_>, log: &[Row]) {
    let mut session = database.session();
    session.run(match database.kind() {
        Kind::Postgres => "CREATE TABLE posts (user_id text, created_at timestamptz)",
        Kind::Mariadb => {
            "SET sql_mode = 'NO_BACKSLASH_ESCAPES';
             CREATE TABLE posts (user_id varchar(10000), created_at datetime(6))"
        }
    });
    for rows in log.chunks(500) {
        let row = |(user, at): &Row| match database.kind() {
            Kind::Postgres => format!("({}, to_timestamp({at}))", quoted(user)),
            Kind::Mariadb => format!("({}, FROM_UNIXTIME({at}))", quoted(user)),
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        session.run(&format!("INSERT INTO posts VALUES {}", rows.join(", ")));
    }
}

fn into_sqlite(path: &Path, log: &[Row]) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let filled = runtime.block_on(async {
        let mut open = options.disable_statement_logging().connect().await?;
        sqlx::raw_sql("CREATE TABLE posts (user_id TEXT, created_at INTEGER)")
            .execute(&mut open)
            .await?;
        for rows in log.chunks(500) {
            let mut insert = QueryBuilder::new("INSERT INTO posts ");
            insert.push_values(rows, |mut row, (user, at)| {
                row.push_bind(user.clone()).push_bind(*at);
            });
            insert.build().execute(&mut open).await?;
        }
        open.close().await
    });
    filled.unwrap();
}

/// What a command says of the log by each door, the first by a CSV file. Each door's source is
/// called `posts`.
fn by_every_door(log: &[Row], args: &[&str]) -> Vec<Vec<u8>> {
    let scratch = Scratch::new();
    scratch.file("posts.csv", as_csv(log));
    scratch.file("posts.ndjson", as_ndjson(log));
    into_sqlite(&scratch.path("app.db"), log);
    let (postgres, mariadb) = (postgres(), mariadb());
    into_server(&postgres, log);
    into_server(&mariadb, log);
    let doors = [
        "posts.csv",
        "posts.ndjson",
        "app.db",
        &postgres.url(),
        &mariadb.url(),
    ];
    let by = |door: &&str| {
        let call = scratch.sessionize(args).args(["--now", NOW]).arg(*door);
        call.run().expect_ok().stdout
    };
    doors.iter().map(by).collect()
}

/// Without what says where the rows were read from.
fn without_place(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let said = match said.split_once("\n\"sessions\":[") {
        Some((_, rows)) => rows,
        None => &said,
    };
    let is_place = |line: &str| line.starts_with("| posts | activity |");
    let lines = said.split_inclusive('\n').filter(|line| !is_place(line));
    lines.collect()
}

/// Every door says the same, and something.
#[track_caller]
fn assert_same(said: &[Vec<u8>]) {
    for (at, by_door) in said.iter().enumerate().skip(1) {
        let [first, other] = [&said[0], by_door].map(|bytes| without_place(bytes));
        assert!(first == other, "door {at}:\n{first}\n{other}");
    }
    assert!(said[0].len() > 1000);
}

#[test]
fn users_that_a_collation_takes_for_one_are_many_by_every_door() {
    let log = log(&FOLDED, 2_000);
    let said = by_every_door(&log, &["sessions", "--format", "csv"]);
    assert_same(&said);
    let mut reader = csv::Reader::from_reader(said[0].as_slice());
    let users = reader.records().map(|row| row.unwrap()[1].to_owned());
    let users: std::collections::BTreeSet<String> = users.collect();
    assert_eq!(users.len(), FOLDED.len());
}

#[test]
fn hostile_users_are_escaped_alike_by_every_door() {
    let long = "long ".repeat(1_000) + "end";
    let mut users = NAUGHTY.to_vec();
    users.push(&long);
    let log = log(&users, 500);
    for format in ["csv", "json", "ndjson", "table", "markdown"] {
        assert_same(&by_every_door(&log, &["sessions", "--format", format]));
    }
    let report = ["report", "--segment", "user", "--format", "csv"];
    assert_same(&by_every_door(&log, &report));
}
