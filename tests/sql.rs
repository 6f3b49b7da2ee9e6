//! The statements of `sessionize sql`, run by the engines they are written for, give the sessions of
//! `sessionize sessions`: of every hand-worked case, and of generated logs in which everything may
//! happen at once. Engines that are no servers are Python packages, asked by `tests/sql/ask.py`.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use clap::ValueEnum;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};
use sessionize::events::{Micros, Role, SECOND};
use sessionize::sql::{Dialect, EventSource, Midnights, Question, Relation, TimeKind, UserKind};
use sessionize::time::duration::Timeout;
use sessionize::time::period::{Calendar, PeriodLength};
use sessionize::time::zone::Zone;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use crate::fixtures;
use crate::harness::Scratch;
use crate::servers;

const MINUTE: Micros = 60 * SECOND;
const DAY: Micros = 86_400 * SECOND;

/// A user's session: user, start, end, events, whether it is open.
type Session = (String, Micros, Micros, u64, bool);

/// How a table keeps a source's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Timestamp,
    /// As integers of a unit; of nanoseconds some more than the microseconds.
    Epoch(&'static str),
}

/// A source's table.
#[derive(Clone, Debug)]
struct Table {
    name: String,
    role: Option<&'static str>,
    drops: bool,
    kept: Kept,
    /// Whether its users are a column of integers.
    has_numbers: bool,
    /// Whether it is read by a query of its own, which leaves out some rows.
    has_query: bool,
    /// User and time, some of them missing.
    rows: Vec<(Option<String>, Option<Micros>)>,
}

/// A log, what is asked of it, and the sessions that the program finds in it.
struct Log {
    name: String,
    tables: Vec<Table>,
    arguments: Vec<String>,
    /// A zone by whose midnights sessions are cut over the whole span, which only the library says.
    days: Option<chrono_tz::Tz>,
    expected: Vec<Session>,
}

/// A user and a time column whose names must be quoted, or are those of steps.
const USER: &str = "select";
const TIME: &str = "micros";

static LOGS: LazyLock<Vec<Log>> = LazyLock::new(|| {
    let mut logs: Vec<Log> = fixtures::cases::all().iter().filter_map(of_case).collect();
    assert!(logs.len() >= 29, "some cases are missing");
    logs.extend((0..30).map(generated));
    for log in &mut logs {
        log.expected = sessions_of(log);
    }
    let all = || logs.iter().flat_map(|log| &log.expected);
    let (sessions, open) = (all().count(), all().filter(|session| session.4).count());
    assert!(
        sessions > 1500 && open > 100,
        "the logs are too tame: {sessions}, {open} open"
    );
    logs
});

/// The cases of `fixtures/cases`, without those that one statement cannot say.
fn of_case(case: &fixtures::cases::Case) -> Option<Log> {
    if case
        .arguments
        .iter()
        .any(|argument| argument == "--max-length")
    {
        return None;
    }
    let mut tables: BTreeMap<&str, Table> = BTreeMap::new();
    for [user, at, source] in &case.rows {
        let table = tables.entry(source).or_insert_with(|| table(source));
        let at = DateTime::parse_from_rfc3339(at).unwrap();
        let floored = at.timestamp() * SECOND + i64::from(at.timestamp_subsec_micros());
        table.rows.push((Some(user.clone()), Some(floored)));
    }
    let mut tables: Vec<Table> = tables.into_values().collect();
    if tables.is_empty() {
        tables.push(table("nothing"));
    }
    let mut arguments = Vec::new();
    let mut days = None;
    for pair in case.arguments.chunks(2) {
        match pair[0].as_str() {
            "--source-column" => {}
            "--role" => {
                let (name, role) = pair[1].split_once('=').unwrap();
                for table in tables.iter_mut().filter(|table| table.name == name) {
                    table.role = Role::from_str(role, false).ok().map(Role::name);
                }
            }
            "--timezone" if case.arguments.contains(&"--cut".to_owned()) => {
                days = Some(pair[1].parse().unwrap());
                arguments.extend_from_slice(pair);
            }
            _ => arguments.extend_from_slice(pair),
        }
    }
    Some(Log {
        name: case.name.clone(),
        tables,
        arguments,
        days,
        expected: Vec::new(),
    })
}

fn table(name: &str) -> Table {
    Table {
        name: name.to_owned(),
        role: None,
        drops: false,
        kept: Kept::Timestamp,
        has_numbers: false,
        has_query: false,
        rows: Vec::new(),
    }
}

/// Ids that an engine may confuse: by case, by accent, by spaces at an end, numbers and their texts.
const USERS: [&str; 14] = [
    "7",
    "007",
    "-7",
    "ada",
    "Ada",
    "ADA",
    "ada ",
    " ada",
    "\u{e9}",
    "e\u{301}",
    "E",
    "o'brien",
    "back\\slash",
    "9223372036854775807",
];

/// A log of `seed` in which everything may happen at once.
fn generated(seed: u64) -> Log {
    let mut random = Pcg64::seed_from_u64(seed);
    let timeout = *pick(
        &mut random,
        &[SECOND, 1_500_000, MINUTE, 30 * MINUTE, 36 * 3600 * SECOND],
    );
    // 1970, its eve, a new year, and the days before two clock changes.
    let beginnings = [
        0,
        -DAY,
        1_767_225_600 * SECOND,
        1_774_652_400 * SECOND,
        1_761_350_400 * SECOND,
    ];
    let beginning = *pick(&mut random, &beginnings);
    let mut names = ["events", "sessions", "Posts", "log in", "linked"];
    names.shuffle(&mut random);
    let count = random.random_range(1..=4);
    let mut tables: Vec<Table> = names[..count].iter().map(|name| table(name)).collect();
    let is_plain = random.random_bool(0.2);
    for table in &mut tables {
        let roles = [
            "activity", "activity", "start", "end", "end", "expiry", "ignore",
        ];
        table.role = (!is_plain).then(|| *pick(&mut random, &roles));
        table.drops = random.random_bool(0.3);
        table.has_numbers = random.random_bool(0.2);
        table.has_query = random.random_bool(0.2);
        if beginning > DAY && random.random_bool(0.4) {
            let units = ["us", "us", "ns"];
            table.kept = Kept::Epoch(units[random.random_range(0..units.len())]);
        }
    }
    if tables.iter().all(|table| table.role == Some("ignore")) {
        tables[0].role = None;
    }
    let steps = [0, 0, 1, timeout - 1, timeout, timeout, timeout + 1];
    for user in USERS {
        for _ in 0..random.random_range(1..=4) {
            let mut at = beginning + random.random_range(0..=2) * timeout;
            for _ in 0..random.random_range(1..=24) {
                at += match random.random_range(0..10) {
                    0..8 => *pick(&mut random, &steps),
                    8 => random.random_range(0..SECOND),
                    _ => random.random_range(0..3 * timeout),
                };
                let table = random.random_range(0..tables.len());
                let table = &mut tables[table];
                let is_number = user
                    .parse()
                    .is_ok_and(|number: i64| number.to_string() == user);
                if table.has_numbers && !is_number {
                    continue;
                }
                for _ in 0..if random.random_bool(0.15) { 2 } else { 1 } {
                    table.rows.push((Some(user.to_owned()), Some(at)));
                }
            }
        }
    }
    for table in &mut tables {
        table.rows.push((None, Some(beginning)));
        table.rows.push((Some("7".to_owned()), None));
        table.rows.shuffle(&mut random);
    }
    let all = || {
        tables
            .iter()
            .flat_map(|table| &table.rows)
            .filter_map(|row| row.1)
    };
    let moment = all().nth(random.random_range(0..all().count())).unwrap();
    let now = match random.random_bool(0.5) {
        true => all().max().unwrap() + timeout + random.random_range(0..=1),
        false => moment + random.random_range(-1..=1),
    };
    let mut arguments = vec![
        "--timeout".to_owned(),
        format!("{timeout}us"),
        "--now".to_owned(),
        rfc3339(now),
    ];
    let mut say = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    if random.random_bool(0.3) {
        say("--from", rfc3339(moment + random.random_range(-1..=1)));
    }
    if random.random_bool(0.2) {
        say("--to", rfc3339(moment + timeout + 2));
    }
    let mut days = None;
    match random.random_range(0..5) {
        0 => say("--cut", "day".to_owned()),
        1 => {
            say("--cut", "day".to_owned());
            say("--timezone", "+05:30".to_owned());
        }
        2 => {
            say("--cut", "day".to_owned());
            let zone = *pick(
                &mut random,
                &[chrono_tz::Europe::Berlin, chrono_tz::America::New_York],
            );
            say("--timezone", zone.to_string());
            days = Some(zone);
        }
        _ => {}
    }
    Log {
        name: format!("seed {seed}"),
        tables,
        arguments,
        days,
        expected: Vec::new(),
    }
}

fn pick<'a, T>(random: &mut Pcg64, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

fn rfc3339(at: Micros) -> String {
    let at = DateTime::from_timestamp_micros(at).unwrap();
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn micros(text: &str) -> Micros {
    DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_micros()
}

/// What the program itself finds, in the order of the statements: users by bytes, then starts.
fn sessions_of(log: &Log) -> Vec<Session> {
    let scratch = Scratch::new();
    let mut config = String::new();
    for (number, table) in log.tables.iter().enumerate() {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["user_id", "created_at"]).unwrap();
        for (user, at) in &table.rows {
            let at = at.map_or(String::new(), rfc3339);
            csv.write_record([user.as_deref().unwrap_or_default(), &at])
                .unwrap();
        }
        scratch.file(format!("{number}.csv"), csv.into_inner().unwrap());
        config += &entry(table, &format!("path = \"{number}.csv\""));
    }
    scratch.file("sessionize.toml", config);
    let call = scratch.sessionize(["sessions", "--format", "csv", "--csv-raw"]);
    let outcome = call
        .args(&log.arguments)
        .args(["--max-rejects", "2"])
        .run()
        .expect_ok();
    let mut sessions: Vec<Session> = csv::Reader::from_reader(outcome.stdout.as_slice())
        .records()
        .map(|row| {
            let row = row.unwrap();
            (
                row[1].to_owned(),
                micros(&row[2]),
                micros(&row[3]),
                row[5].parse().unwrap(),
                &row[7] == "true",
            )
        })
        .collect();
    sessions.sort();
    sessions
}

/// A `[[source]]` with what is said of its rows, besides its place.
fn entry(table: &Table, place: &str) -> String {
    let mut entry = format!("[[source]]\nname = {:?}\n{place}\n", table.name);
    if let Some(role) = table.role {
        let _infallible = writeln!(entry, "role = {role:?}");
    }
    if table.drops {
        entry += "duplicates = \"drop\"\n";
    }
    entry
}

/// The statement that is printed for a log.
fn statement(log: &Log, dialect: &str) -> String {
    if let Some(zone) = log.days {
        return by_calendar(log, dialect, zone);
    }
    let scratch = Scratch::new();
    let mut config = String::new();
    for table in &log.tables {
        let quote = if ["mysql", "spark", "clickhouse"].contains(&dialect) {
            '`'
        } else {
            '"'
        };
        let place = match table.has_query {
            true => format!(
                "path = \"postgres://nobody@nowhere.invalid/at_all\"\nuser = \"who\"\ntime = \"moment\"\n\
                 query = '''\nSELECT {quote}{USER}{quote} AS who, {TIME} AS moment, 1 AS number\n\
                 FROM {quote}{}{quote} WHERE is_real = 1 -- and no others\n'''",
                table.name
            ),
            false => format!(
                "path = \"missing.db\"\ntable = {:?}\nuser = {USER:?}\ntime = {TIME:?}\n\
                 where = \"is_real = 1 -- and no others\"",
                table.name
            ),
        };
        config += &entry(table, &place);
        if let Kept::Epoch(unit) = table.kept {
            let _infallible = writeln!(config, "epoch_unit = {unit:?}");
        }
    }
    scratch.file("sessionize.toml", config);
    let call = scratch
        .sessionize(["sql", "--dialect", dialect])
        .args(&log.arguments);
    call.run().expect_ok().stdout()
}

/// The same by the library, which knows the log's span.
fn by_calendar(log: &Log, dialect: &str, zone: chrono_tz::Tz) -> String {
    let value = |flag: &str| {
        let place = log.arguments.iter().position(|argument| argument == flag)?;
        Some(log.arguments[place + 1].as_str())
    };
    let role = |name: &str| Role::from_str(name, false).unwrap();
    let window = (
        DateTime::parse_from_rfc3339("2000-01-01T00:00:00Z"),
        DateTime::parse_from_rfc3339("2100-01-01T00:00:00Z"),
    );
    let window = (
        window.0.unwrap().timestamp_micros(),
        window.1.unwrap().timestamp_micros(),
    );
    let times = log
        .tables
        .iter()
        .flat_map(|table| &table.rows)
        .filter_map(|row| row.1);
    let (first, last) = (times.clone().min().unwrap(), times.max().unwrap());
    let days = Calendar::covering(PeriodLength::Day, &Zone::Named(zone), first, last).unwrap();
    let source = |table: &Table| EventSource {
        name: table.name.clone(),
        role: role(table.role.unwrap_or("activity")),
        drop_duplicates: table.drops,
        relation: Relation::Table(vec![table.name.clone()]),
        condition: Some("is_real = 1".to_owned()),
        user: (USER.to_owned(), UserKind::Plain),
        time: (
            TIME.to_owned(),
            match table.kept {
                Kept::Timestamp => TimeKind::Timestamp,
                Kept::Epoch("us") => {
                    TimeKind::Epoch(sessionize::time::timestamp::EpochUnit::Microseconds, window)
                }
                Kept::Epoch(_) => {
                    TimeKind::Epoch(sessionize::time::timestamp::EpochUnit::Nanoseconds, window)
                }
            },
        ),
    };
    let question = Question {
        dialect: Dialect::from_str(dialect, false).unwrap(),
        sources: log.tables.iter().map(source).collect(),
        timeout: value("--timeout").unwrap().parse::<Timeout>().unwrap(),
        midnights: Some(Midnights::of_calendar(&days)),
        window: (value("--from").map(micros), value("--to").map(micros)),
        now: value("--now").map(micros),
        counts_sources: false,
    };
    sessionize::sql::sessions(&question).unwrap()
}

impl Table {
    /// The rows as they are kept: user, time, and whether the row is one that is asked for.
    fn cells(&self) -> impl Iterator<Item = (Option<&str>, Option<i64>, i64)> {
        let kept = self.rows.iter().enumerate().map(|(place, (user, at))| {
            let at = at.map(|at| match self.kept {
                Kept::Epoch("ns") => at * 1000 + place as i64 % 1000,
                _ => at,
            });
            (user.as_deref(), at, 1)
        });
        let others = self.rows.iter().take(3);
        kept.chain(others.map(|(user, at)| (user.as_deref(), *at, 0)))
    }

    /// The table in SQL: its statements, with these types of text, whole numbers and timestamps, and
    /// a timestamp's literal.
    fn made(
        &self,
        quote: char,
        [text, whole, timestamp]: [&str; 3],
        literal: impl Fn(Micros) -> String,
    ) -> String {
        let name = format!("{quote}{}{quote}", self.name);
        let user = if self.has_numbers { whole } else { text };
        let time = if self.kept == Kept::Timestamp {
            timestamp
        } else {
            whole
        };
        let mut out = format!(
            "CREATE TABLE {name} ({quote}{USER}{quote} {user}, {TIME} {time}, is_real {whole});\n"
        );
        for (number, (user, at, is_real)) in self.cells().enumerate() {
            let user = user.map_or("NULL".to_owned(), |user| match (self.has_numbers, quote) {
                (true, _) => user.to_owned(),
                (false, '`') => format!("'{}'", user.replace('\\', "\\\\").replace('\'', "''")),
                (false, _) => format!("'{}'", user.replace('\'', "''")),
            });
            let at = at.map_or("NULL".to_owned(), |at| match self.kept {
                Kept::Timestamp => literal(at),
                Kept::Epoch(_) => at.to_string(),
            });
            let insert = match number {
                0 => format!("INSERT INTO {name} VALUES "),
                _ => ",\n".to_owned(),
            };
            let _infallible = write!(out, "{insert}({user}, {at}, {is_real})");
        }
        out + ";"
    }
}

/// A time as databases write it, `2026-01-01 09:00:00.000001`.
fn plain(at: Micros) -> String {
    let at = DateTime::from_timestamp_micros(at).unwrap();
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Rows of an engine, every cell as text, against the sessions that are expected.
fn check(engine: &str, log: &Log, rows: &[Vec<String>]) {
    let instant = |cell: &str| {
        let text = cell
            .trim_end_matches('Z')
            .trim_end_matches("+00")
            .replace('T', " ");
        let parsed = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f");
        let read = parsed.map(|at| at.and_utc().timestamp_micros());
        read.unwrap_or_else(|_| {
            cell.parse()
                .unwrap_or_else(|_| panic!("{cell:?} is no instant"))
        })
    };
    let found: Vec<Session> = rows
        .iter()
        .map(|row| {
            let [
                user,
                session_start,
                session_end,
                start,
                end,
                duration,
                events,
                open,
            ] = &row[..]
            else {
                panic!("{engine}, {}: {row:?}", log.name);
            };
            let number = |cell: &str| cell.parse::<i64>().unwrap();
            assert_eq!(instant(session_start), number(start), "{engine}: {row:?}");
            assert_eq!(instant(session_end), number(end), "{engine}: {row:?}");
            assert_eq!(
                number(duration),
                number(end) - number(start),
                "{engine}: {row:?}"
            );
            (
                user.clone(),
                number(start),
                number(end),
                number(events) as u64,
                open == "1",
            )
        })
        .collect();
    let differs = |place: &usize| found.get(*place) != log.expected.get(*place);
    let place = (0..=found.len().max(log.expected.len())).find(differs);
    assert!(
        place.is_none(),
        "{engine}, {}, {:?}: row {place:?}: {:?}, expected {:?}",
        log.name,
        log.arguments,
        found.get(place.unwrap_or_default()),
        log.expected.get(place.unwrap_or_default())
    );
}

/// Asks a server about every log, one after the other in one database.
fn server(
    dialect: &str,
    database: &servers::Database<'_>,
    quote: char,
    types: impl Fn(usize) -> [&'static str; 3],
    literal: impl Fn(Micros) -> String,
) {
    let mut session = database.session();
    for log in LOGS.iter() {
        for (number, table) in log.tables.iter().enumerate() {
            session.run(&table.made(quote, types(number), &literal));
        }
        check(dialect, log, &session.ask(&statement(log, dialect)));
        for table in &log.tables {
            session.run(&format!("DROP TABLE {quote}{}{quote}", table.name));
        }
    }
}

#[test]
fn postgres_gives_the_sessions_of_every_log() {
    let timestamps = ["timestamptz", "timestamp"];
    let types = |number| ["text", "bigint", timestamps[number % 2]];
    let literal = |at| format!("'{} +00'", plain(at));
    server("postgres", &servers::postgres(), '"', types, literal);
}

#[test]
fn mariadb_gives_the_sessions_of_every_log() {
    let types = |_| ["varchar(50)", "bigint", "datetime(6)"];
    let literal = |at| format!("'{}'", plain(at));
    server("mysql", &servers::mariadb(), '`', types, literal);
}

#[test]
fn sqlite_gives_the_sessions_of_every_log() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for (number, log) in LOGS.iter().enumerate() {
        let mut statements: String = log
            .tables
            .iter()
            .map(|table| {
                // Text in several of the shapes.
                let literal = |at: Micros| match at.rem_euclid(4) {
                    0 => format!("'{}'", rfc3339(at)),
                    1 => format!("'{}9'", plain(at)),
                    2 => format!("'{}+05:30'", plain(at + 330 * MINUTE)),
                    _ => format!("'{}-0130'", plain(at - 90 * MINUTE)),
                };
                let collation = ["TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "TEXT"][number % 3];
                table.made('"', [collation, "INTEGER", "TEXT"], literal)
            })
            .collect();
        statements += &statement(log, "sqlite");
        let rows = async {
            let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
            let asked = sqlx::raw_sql(AssertSqlSafe(statements));
            asked.fetch_all(&mut connection).await
        };
        let rows: Vec<Vec<String>> = runtime
            .block_on(rows)
            .unwrap()
            .iter()
            .map(|row| {
                let cell = |at| match row.try_get::<String, _>(at) {
                    Ok(text) => text,
                    Err(_) => row.get_unchecked::<i64, _>(at).to_string(),
                };
                (0..row.len()).map(cell).collect()
            })
            .collect();
        check("SQLite", log, &rows);
    }
}

/// Asks `tests/sql/ask.py` for the answers to jobs, one each.
fn ask(engine: &str, jobs: &[Value]) -> Vec<Value> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = python();
    let lines: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    let scratch = Scratch::new();
    let jobs_file = std::fs::File::open(scratch.file("jobs", lines)).unwrap();
    let run = Command::new(&python)
        .arg(manifest.join("tests/sql/ask.py"))
        .arg(engine)
        .stdin(Stdio::from(jobs_file))
        .output()
        .unwrap_or_else(|cause| panic!("{}: {cause}; scripts/test makes it", python.display()));
    let answers = String::from_utf8(run.stdout).unwrap();
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(answers.len(), jobs.len(), "{engine}: {said}");
    answers
}

/// The Python that has the packages of `tests/sql/requirements.txt`.
fn python() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    target.join("python/bin/python")
}

fn peer(engine: &str) {
    let jobs: Vec<Value> = LOGS
        .iter()
        .map(|log| {
            let tables = log.tables.iter().map(|table| {
                let user = if table.has_numbers { "integer" } else { "text" };
                let time = if table.kept == Kept::Timestamp {
                    "timestamp"
                } else {
                    "integer"
                };
                let columns = json!([[USER, user], [TIME, time], ["is_real", "integer"]]);
                let cells =
                    table
                        .cells()
                        .map(|(user, at, is_real)| match (user, table.has_numbers) {
                            (Some(user), true) => {
                                json!([user.parse::<i64>().unwrap(), at, is_real])
                            }
                            _ => json!([user, at, is_real]),
                        });
                let rows: Vec<Value> = cells.collect();
                (
                    table.name.clone(),
                    json!({ "columns": columns, "rows": rows }),
                )
            });
            let tables: serde_json::Map<String, Value> = tables.collect();
            json!({ "tables": tables, "statement": statement(log, engine) })
        })
        .collect();
    for (log, answer) in LOGS.iter().zip(ask(engine, &jobs)) {
        let Value::Array(rows) = &answer else {
            panic!(
                "{engine}, {}: {answer}\n{}",
                log.name,
                statement(log, engine)
            );
        };
        let cell = |cell: &Value| match cell {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(cell).collect())
            .collect();
        check(engine, log, &rows);
    }
}

#[test]
fn duckdb_gives_the_sessions_of_every_log() {
    peer("duckdb");
}

#[test]
fn clickhouse_gives_the_sessions_of_every_log() {
    peer("clickhouse");
}

#[test]
fn spark_sql_gives_the_sessions_of_every_log() {
    peer("spark");
}

#[test]
fn statements_for_warehouses_are_read_as_their_dialect() {
    let mut jobs = Vec::new();
    for dialect in ["bigquery", "snowflake", "trino"] {
        for log in LOGS.iter().filter(|log| log.name.starts_with("seed")) {
            jobs.push(json!({ "dialect": dialect, "statement": statement(log, dialect) }));
        }
    }
    for (job, answer) in jobs.iter().zip(ask("parse", &jobs)) {
        assert_eq!(answer, json!([]), "{job}");
    }
}

/// A statement over sources of one table each, by name, with a session's events of each source.
fn counting(dialect: Dialect, sources: &[(&str, UserKind)]) -> String {
    let source = |(name, kind): &(&str, UserKind)| EventSource {
        name: (*name).to_owned(),
        role: Role::Activity,
        drop_duplicates: false,
        relation: Relation::Table(vec![(*name).to_owned()]),
        condition: None,
        user: ("who".to_owned(), *kind),
        time: ("at".to_owned(), TimeKind::Timestamp),
    };
    let question = Question {
        dialect,
        sources: sources.iter().map(source).collect(),
        timeout: Timeout::DEFAULT,
        midnights: None,
        window: (None, None),
        now: None,
        counts_sources: true,
    };
    let steps = sessionize::sql::steps(&question).unwrap();
    let counts: Vec<String> = (1..=sources.len())
        .map(|number| format!("events_{number}"))
        .collect();
    let user = match dialect {
        Dialect::Mysql => "CONVERT(user_id USING utf8mb4)",
        _ => "user_id",
    };
    steps.finish(&format!(
        "SELECT {user}, {} FROM {} ORDER BY 1",
        counts.join(", "),
        steps.name(sessionize::sql::SESSIONS)
    ))
}

#[test]
fn users_of_every_type_are_the_texts_that_the_importers_make_of_them() {
    let kinds = [
        ("a_bytes", UserKind::Binary),
        ("b_uuids", UserKind::Plain),
        ("c_padded", UserKind::Padded),
        ("d_decimals", UserKind::Numeric),
        ("e_numbers", UserKind::Integer),
    ];
    let uuid = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    let postgres = servers::postgres();
    postgres.run(&format!(
        "CREATE TABLE a_bytes AS SELECT decode(hex, 'hex') AS who, timestamptz '2026-01-01 09:00Z' AS at
             FROM (VALUES (replace('{uuid}', '-', '')), ('ff00'), ('')) AS bytes(hex);
         CREATE TABLE b_uuids AS SELECT upper('{uuid}')::uuid AS who, timestamp '2026-01-01 09:10' AS at;
         CREATE TABLE c_padded (who char(4), at timestamptz);
         INSERT INTO c_padded VALUES ('ada', '2026-01-01 09:00Z'), ('ada', 'infinity');
         CREATE TABLE d_decimals (who numeric(9, 2), at timestamptz);
         INSERT INTO d_decimals VALUES (7, '2026-01-01 09:00Z'), (7.5, '2026-01-01 09:00Z');
         CREATE TABLE e_numbers AS SELECT 7 AS who, timestamptz '2026-01-01 09:30Z' AS at"
    ));
    let row = |user: &str, counts: [u8; 5]| {
        let counts = counts.iter().map(u8::to_string);
        let cells: Vec<String> = std::iter::once(user.to_owned()).chain(counts).collect();
        cells
    };
    let expected = |padded: &str| {
        vec![
            row(uuid, [1, 1, 0, 0, 0]),
            row("7", [0, 0, 0, 1, 1]),
            row(padded, [0, 0, 1, 0, 0]),
            row("ff00", [1, 0, 0, 0, 0]),
        ]
    };
    assert_eq!(
        postgres.ask(&counting(Dialect::Postgres, &kinds)),
        expected("ada ")
    );
    let alone = [("e_numbers", UserKind::Integer)];
    let one = [["7", "1"]];
    assert_eq!(postgres.ask(&counting(Dialect::Postgres, &alone)), one);

    let mariadb = servers::mariadb();
    mariadb.run(&format!(
        "CREATE TABLE a_bytes (who varbinary(16), at datetime(6));
         INSERT INTO a_bytes VALUES (unhex(replace('{uuid}', '-', '')), '2026-01-01 09:00'),
             (unhex('ff00'), '2026-01-01 09:00'), ('', '2026-01-01 09:00');
         CREATE TABLE b_uuids (who uuid, at timestamp(6) NULL);
         INSERT INTO b_uuids VALUES (upper('{uuid}'), '2026-01-01 09:10');
         CREATE TABLE c_padded (who char(4) CHARACTER SET latin1, at datetime);
         INSERT INTO c_padded VALUES ('ada', '2026-01-01 09:00'), ('ada', NULL);
         CREATE TABLE d_decimals (who decimal(9, 2), at datetime);
         INSERT INTO d_decimals VALUES (7, '2026-01-01 09:00'), (7.5, '2026-01-01 09:00');
         CREATE TABLE e_numbers (who bigint unsigned, at datetime);
         INSERT INTO e_numbers VALUES (7, '2026-01-01 09:30')"
    ));
    assert_eq!(
        mariadb.ask(&counting(Dialect::Mysql, &kinds)),
        expected("ada")
    );
    assert_eq!(mariadb.ask(&counting(Dialect::Mysql, &alone)), one);
}

/// What `sessionize sql` needs to know of a table.
const TABLE: [&str; 6] = [
    "--table",
    "shop.orders",
    "--user-column",
    "buyer",
    "--time-column",
    "placed at",
];

#[test]
fn a_statement_is_printed_and_nothing_is_opened() {
    let scratch = Scratch::new();
    let call = || {
        scratch
            .sessionize(["sql", "--dialect", "postgres"])
            .args(TABLE)
    };
    let printed = call().run().expect_ok().stdout();
    assert!(printed.starts_with("-- One row per session"), "{printed}");
    assert!(
        printed.ends_with("ORDER BY sessions.user_id, start_micros;\n"),
        "{printed}"
    );
    for part in [
        "FROM \"shop\".\"orders\" AS entry",
        "entry.\"buyer\"",
        "entry.\"placed at\"",
        "micros - previous_micros > 1800000000 THEN 1",
        "--   1  shop.orders (activity)",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    call().args(["-o", "sessions.sql"]).run().expect_ok();
    assert_eq!(scratch.text("sessions.sql"), printed);

    scratch.file(
        "sessionize.toml",
        "[[source]]\npath = \"postgres://ro:secret@nowhere.invalid/app\"\ntable = \"posts\"\n\
         user = \"a\"\ntime = \"b\"\npassword_file = \"missing\"\n",
    );
    let printed = scratch
        .run(["sql", "--dialect", "mysql"])
        .expect_ok()
        .stdout();
    assert!(printed.contains("FROM `posts` AS entry"), "{printed}");
    assert!(!printed.contains("secret"), "{printed}");
}

#[test]
fn what_a_statement_cannot_say_is_refused_with_the_reason() {
    let scratch = Scratch::new();
    scratch.file("users", "ada\n");
    let call = || {
        scratch
            .sessionize(["sql", "--dialect", "trino"])
            .args(TABLE)
    };
    for (arguments, reason) in [
        (
            &["--max-length", "5h"][..],
            "looks back to the start of a session",
        ),
        (
            &["--cut", "day", "--timezone", "Europe/Berlin"],
            "the midnights of Europe/Berlin",
        ),
        (&["--sample", "5%"], "--sample"),
        (&["--users", "users"], "--users"),
        (&["--source-column", "kind"], "--source-column"),
        (
            &["--source-timezone", "+01:00"],
            "times without an offset are UTC here",
        ),
        (
            &["--time-format", "julian"],
            "times in a format of their own",
        ),
        (&["--time-column", "day"], "a time in two columns"),
        (&["--min-time", "2020-01-01"], "--min-time"),
        (&["--role", "shop.orders=ignore"], "every source is ignored"),
    ] {
        let refused = call()
            .args(arguments.iter().copied())
            .run()
            .expect_failure(2);
        refused.expect_stderr("error[CF-01]").expect_stderr(reason);
    }
    let bare = ["sql", "--dialect", "trino"];
    scratch
        .run(bare)
        .expect_failure(2)
        .expect_stderr("error[CF-03]");
    let without = scratch.run(bare.iter().chain(&["--table", "orders"]));
    without
        .expect_failure(2)
        .expect_stderr("its columns are not looked at");
    scratch.file("sessionize.toml", "[[source]]\npath = \"app.db\"\n");
    let refused = scratch.run(bare).expect_failure(2);
    refused.expect_stderr("it names neither a table nor a query");
}

#[test]
fn a_condition_speaks_of_the_tables_columns_whatever_the_statement_calls_its_own() {
    let scratch = Scratch::new();
    let source = |name: &str, more: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\npath = \"app.db\"\ntable = \"posts\"\nuser = \"user_id\"\n\
             time = \"created\"\n{more}\n"
        )
    };
    let config = source("posts", "where = \"source = 2 AND micros = 5 -- mine\"")
        + &source("ends", "role = \"end\"\nwhere = \"1 = 0\"");
    scratch.file("sessionize.toml", config);
    let columns = json!([
        ["user_id", "text"],
        ["created", "timestamp"],
        ["source", "integer"],
        ["micros", "integer"]
    ]);
    let at = 1_767_261_600_000_000_i64;
    let rows = json!([["ada", at, 2, 5], ["bob", at, 7, 6]]);
    for engine in ["duckdb", "clickhouse"] {
        let statement = scratch.run(["sql", "--dialect", engine, "--now", "2026-02-01"]);
        let statement = statement.expect_ok().stdout();
        let job = json!({
            "tables": { "posts": { "columns": columns, "rows": rows } }, "statement": statement
        });
        let answers = ask(engine, &[job]);
        let users: Vec<&Value> = answers[0]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row[0])
            .collect();
        assert_eq!(users, ["ada"], "{engine}: {answers:?}");
    }
}
