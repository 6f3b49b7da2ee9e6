//! `--engine database`: the whole output is that of the rows read, byte for byte, in every database;
//! and what only the rows themselves can answer is refused.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::fmt::Write;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::harness::{Outcome, Scratch, tool};
use crate::servers::{self, Database, Kind};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// 2026-03-02T00:00:00Z, a Monday; clocks in New York are put forward on the 8th, in Berlin on the
/// 29th.
const START: i64 = 1_772_409_600 * SECOND;

/// After all that the smaller tests hold.
const NOW: &str = "2026-06-01";

/// Users who differ in letter case, accents and spaces, or are numbers here and texts there.
const ODD_USERS: [&str; 12] = [
    "ada", "Ada", "ADA", "ada ", " ada", "José", "Jose", "7", "007", "-7", "日本", "ß",
];

/// A generated log.
struct Log {
    /// Name, role and what becomes of duplicates.
    sources: Vec<(&'static str, &'static str, &'static str)>,
    /// User, microseconds since 1970, index of the source.
    events: Vec<(String, i64, usize)>,
}

impl Log {
    /// Nine weeks of forty users, in sources of these roles.
    fn generate(seed: u64, sources: &[(&'static str, &'static str, &'static str)]) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut events = Vec::new();
        for user in 0..40 {
            let name = match ODD_USERS.get(user) {
                Some(name) => (*name).to_owned(),
                None => format!("user {user}"),
            };
            let mut at = START + random.random_range(0..7 * DAY);
            let pause = random.random_range(DAY / 2..9 * DAY);
            while at < START + 63 * DAY {
                let source = random.random_range(0..sources.len());
                events.push((name.clone(), at, source));
                if random.random_bool(0.05) {
                    events.push((name.clone(), at, source));
                }
                at += match random.random_range(0..20) {
                    0 => 30 * MINUTE,
                    1 => 30 * MINUTE + 1,
                    2 => 30 * MINUTE - 1,
                    3 => 0,
                    4 => random.random_range(0..SECOND),
                    5..15 => random.random_range(0..30 * MINUTE),
                    _ => random.random_range(HOUR..pause),
                };
            }
        }
        events.shuffle(&mut random);
        Self {
            sources: sources.to_vec(),
            events,
        }
    }

    /// Between two events of the log, a few weeks before its end, or a while after it.
    fn now(&self, random: &mut Pcg64) -> i64 {
        let (_, at, _) = &self.events[random.random_range(0..self.events.len())];
        match random.random_range(0..3) {
            0 => START + 70 * DAY,
            1 => at + random.random_range(-1..=1),
            _ => self.events.iter().map(|event| event.1).max().unwrap() + 10 * MINUTE,
        }
    }
}

/// A time as SQL writes it, on a clock that shows UTC.
fn sql_time(at: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at).unwrap();
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn rfc3339(at: i64) -> String {
    sql_time(at).replace(' ', "T") + "Z"
}

/// Where a log is.
enum Place {
    Sqlite(Scratch),
    Server(Scratch, Database<'static>),
}

impl Place {
    fn sqlite() -> Self {
        Self::Sqlite(Scratch::new())
    }

    fn postgres() -> Self {
        Self::Server(Scratch::new(), servers::postgres())
    }

    fn mariadb() -> Self {
        Self::Server(Scratch::new(), servers::mariadb())
    }

    fn scratch(&self) -> &Scratch {
        match self {
            Self::Sqlite(scratch) | Self::Server(scratch, _) => scratch,
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => "sqlite:app.db".to_owned(),
            Self::Server(_, database) => database.url(),
        }
    }

    fn run(&self, statements: &str) {
        match self {
            Self::Sqlite(scratch) => {
                let script = scratch.file("script.sql", statements);
                let database = scratch.path("app.db");
                let read = format!(".read {}", script.display());
                tool("sqlite3", "sqlite3", [database.to_str().unwrap(), &read]);
            }
            Self::Server(_, database) => database.run(statements),
        }
    }

    /// The type of instants, and of users.
    fn types(&self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite(_) => ("TEXT", "TEXT COLLATE NOCASE"),
            Self::Server(_, database) => match database.kind() {
                Kind::Postgres => ("timestamptz", "text"),
                Kind::Mariadb => ("datetime(6)", "varchar(40)"),
            },
        }
    }

    /// Puts a log into a table for each source, and says so in the configuration.
    fn fill(&self, log: &Log) {
        let (moment, who) = self.types();
        let mut config = String::new();
        for (number, (name, role, duplicates)) in log.sources.iter().enumerate() {
            self.run(&format!(
                "CREATE TABLE of_{name} (id integer PRIMARY KEY, who {who}, moment {moment})"
            ));
            let rows = log.events.iter().filter(|event| event.2 == number);
            let rows: Vec<String> = rows
                .enumerate()
                .map(|(row, (user, at, _))| format!("({row}, '{user}', '{}')", sql_time(*at)))
                .collect();
            for rows in rows.chunks(500) {
                self.run(&format!("INSERT INTO of_{name} VALUES {}", rows.join(", ")));
            }
            writeln!(
                config,
                "[[source]]\nname = \"{name}\"\npath = '{}'\ntable = \"of_{name}\"\nuser = \"who\"\n\
                 time = \"moment\"\nrole = \"{role}\"\nduplicates = \"{duplicates}\"",
                self.url()
            )
            .unwrap();
        }
        self.scratch().file("sessionize.toml", config);
    }

    /// A statement's table `one` as the only source, its columns `who` and `moment`.
    fn table(&self, statements: &str, keys: &str) {
        self.run(statements);
        let config = format!(
            "[[source]]\nname = \"one\"\npath = '{}'\ntable = \"one\"\nuser = \"who\"\n\
             time = \"moment\"\n{keys}\n",
            self.url()
        );
        self.scratch().file("sessionize.toml", config);
    }

    fn report(&self, engine: &str, flags: &[&str]) -> Outcome {
        let args = ["report", "--engine", engine].into_iter();
        self.scratch().run(args.chain(flags.iter().copied()))
    }

    /// Both engines print the same.
    fn agree(&self, flags: &[&str]) -> String {
        let local = self.report("local", flags).expect_ok().stdout();
        let database = self.report("database", flags).expect_ok().stdout();
        let same = local.bytes().zip(database.bytes());
        let same = same.take_while(|(one, other)| one == other).count();
        let around = |text: &str| {
            let bytes = text.as_bytes();
            let shown = &bytes[same.saturating_sub(200)..bytes.len().min(same + 200)];
            String::from_utf8_lossy(shown).into_owned()
        };
        assert!(
            database == local,
            "{} {flags:?}: {} should be {}",
            self.url(),
            around(&database),
            around(&local)
        );
        local
    }

    /// A usage error says why, and what to do instead.
    fn refuses(&self, flags: &[&str], why: &str) {
        let outcome = self.report("database", flags).expect_failure(2);
        outcome
            .expect_stderr("error[CF-01]: ")
            .expect_stderr("--engine database: ")
            .expect_stderr(why)
            .expect_stderr("help: ");
    }

    /// The run ends because of so many rows.
    fn counts_unusable(&self, rows: &str) {
        let outcome = self.report("database", &["--now", NOW]).expect_failure(5);
        outcome
            .expect_stderr("error[DB-01]: source \"one\" (")
            .expect_stderr(&format!("{rows} rows cannot be used"))
            .expect_stderr("help: use --engine local");
    }
}

/// Sources of every role.
const ROLES: [(&str, &str, &str); 6] = [
    ("logins", "start", "keep"),
    ("posts", "activity", "drop"),
    ("reads", "activity", "keep"),
    ("logouts", "end", "keep"),
    ("lapses", "expiry", "drop"),
    ("pings", "ignore", "keep"),
];

/// Plain activity.
const PLAIN: [(&str, &str, &str); 2] =
    [("posts", "activity", "keep"), ("reads", "activity", "keep")];

const SOURCES: [&[(&str, &str, &str)]; 5] = [
    &[("posts", "activity", "keep")],
    &PLAIN,
    &ROLES,
    &[("posts", "activity", "drop")],
    &[
        ("logins", "start", "drop"),
        ("logouts", "end", "drop"),
        ("pings", "ignore", "drop"),
    ],
];

/// Everything that a report can be asked for.
const QUESTIONS: [&str; 20] = [
    "",
    "--by hour",
    "--by day --total",
    "--by week",
    "--by month --compare month",
    "--segment source",
    "--segment source --by week --total",
    "--segment user",
    "--segment user --total",
    "--segment user --by week",
    "--segment user --by month --total --timezone America/New_York",
    "--compare day --timezone Europe/Berlin",
    "--compare week --by day",
    "--cut day --timezone Europe/Berlin",
    "--cut day --timezone America/New_York --by week --segment source",
    "--by hour --timezone Australia/Lord_Howe",
    "--timeout 5m --by week",
    "--timeout 20h --by day",
    "--timeout 1s --total",
    "--by month --timezone Asia/Kathmandu",
];

/// Asks a share of the questions of logs with these seeds, in every format in turn.
fn engines_agree(place: impl Fn() -> Place, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let log = Log::generate(seed, SOURCES[seed as usize % SOURCES.len()]);
        let place = place();
        place.fill(&log);
        let mut random = Pcg64::seed_from_u64(seed + 1000);
        for turn in 0..QUESTIONS.len() / 2 {
            let question = QUESTIONS[(seed as usize + 2 * turn) % QUESTIONS.len()];
            let now = rfc3339(log.now(&mut random));
            let mut flags = vec!["--now", &now, "--format"];
            flags.push(["json", "csv", "json", "table", "json", "markdown"][turn % 6]);
            flags.extend(question.split_whitespace());
            let from = START + random.random_range(-DAY..40 * DAY);
            let to = from + random.random_range(HOUR..40 * DAY);
            let (from, to) = (rfc3339(from), rfc3339(to));
            match random.random_range(0..6) {
                0 => flags.extend(["--from", &from]),
                1 => flags.extend(["--to", &to]),
                2 => flags.extend(["--from", &from, "--to", &to]),
                _ => {}
            }
            place.agree(&flags);
        }
    }
}

#[test]
fn sqlite_gives_the_bytes_of_the_rows_read() {
    engines_agree(Place::sqlite, 0..10);
}

#[test]
fn postgres_gives_the_bytes_of_the_rows_read() {
    engines_agree(Place::postgres, 10..20);
}

#[test]
fn mariadb_gives_the_bytes_of_the_rows_read() {
    engines_agree(Place::mariadb, 20..30);
}

#[test]
fn users_of_every_type_are_the_same_users() {
    let times = "'2026-03-02 09:00:00', '2026-03-02 09:20:00', '2026-03-02 10:00:00'";
    let [first, second, third] = [0, 1, 2].map(|at| times.split(", ").nth(at).unwrap());
    let users = [
        ("bigint", "-9223372036854775808", "9223372036854775807"),
        (
            "uuid",
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
            "'00000000-0000-0000-0000-000000000000'",
        ),
        (
            "bytea",
            "'\\x00ff'",
            "'\\x000102030405060708090a0b0c0d0e0f'",
        ),
        ("char(5)", "'ada'", "'ada  '"),
        ("name", "'ada'", "'Ada'"),
        ("text COLLATE \"C\"", "'7'", "'007'"),
    ];
    for (kind, one, other) in users {
        let place = Place::postgres();
        place.table(
            &format!(
                "CREATE TABLE one (who {kind}, moment timestamptz);
                 INSERT INTO one VALUES ({one}, {first}), ({one}, {second}), ({other}, {third})"
            ),
            "",
        );
        place.agree(&["--now", NOW, "--segment", "user", "--format", "json"]);
    }
    let users = [
        (
            "bigint unsigned",
            "18446744073709551615",
            "9223372036854775807",
        ),
        ("int(6) zerofill", "7", "700"),
        (
            "binary(16)",
            "x'a0eebc999c0b4ef8bb6d6bb9bd380a11'",
            "'0123456789abcdef'",
        ),
        ("varbinary(9)", "x'00ff'", "x'ff00'"),
        ("char(5)", "'ada'", "'Ada'"),
        ("enum('ada', 'bob')", "'ada'", "'bob'"),
        ("varchar(9) CHARACTER SET latin1", "'José'", "'Jose'"),
    ];
    for (kind, one, other) in users {
        let place = Place::mariadb();
        place.table(
            &format!(
                "CREATE TABLE one (who {kind}, moment datetime(6));
                 INSERT INTO one VALUES ({one}, {first}), ({one}, {second}), ({other}, {third})"
            ),
            "",
        );
        place.agree(&["--now", NOW, "--segment", "user", "--format", "json"]);
    }
    let place = Place::sqlite();
    place.table(
        &format!(
            "CREATE TABLE one (who, moment TEXT);
             INSERT INTO one VALUES (7, {first}), ('7', {second}), ('007', {third}),
                 (x'00ff', {first}), (x'a0eebc999c0b4ef8bb6d6bb9bd380a11', {first}),
                 ('José', {first}), ('日本', {second}), ('ß~', {second}), (char(1), {second}),
                 ('00ff', {second})"
        ),
        "",
    );
    place.agree(&["--now", NOW, "--segment", "user", "--format", "json"]);
}

#[test]
fn times_of_every_kind_that_the_database_reads_exactly_are_the_same_times() {
    let users = "('ada', $0), ('ada', $1), ('bob', $1), ('bob', $2), ('ada', $2)";
    let numbers = |unit: i64| {
        let at = |minutes: i64| ((START + minutes * MINUTE) / unit).to_string();
        [at(0), at(30), at(61)]
    };
    let texts = |texts: [&str; 3]| texts.map(|text| format!("'{text}'"));
    let kinds = [
        ("bigint", numbers(SECOND), "epoch_unit = \"s\""),
        ("bigint", numbers(1000), "epoch_unit = \"ms\""),
        ("bigint", numbers(1), "epoch_unit = \"us\""),
        (
            "LOCAL",
            texts([
                "2026-03-02 00:00:00.000001",
                "2026-03-02 00:30:00.000002",
                "2026-03-31 02:30:00",
            ]),
            "timezone = \"-05:30\"",
        ),
        (
            "timestamp",
            texts([
                "2026-03-02 00:00:00",
                "2026-03-02 00:30:00",
                "1970-01-01 00:00:01",
            ]),
            "",
        ),
    ];
    for (kind, times, keys) in &kinds {
        let mut rows = users.to_owned();
        for (number, time) in times.iter().enumerate() {
            rows = rows.replace(&format!("${number}"), time);
        }
        for place in [Place::postgres(), Place::mariadb()] {
            let local = match &place {
                Place::Server(_, database) if database.kind() == Kind::Mariadb => "datetime(6)",
                _ => "timestamp",
            };
            place.table(
                &format!(
                    "CREATE TABLE one (who text, moment {} NULL); INSERT INTO one VALUES {rows}",
                    kind.replace("LOCAL", local)
                ),
                keys,
            );
            place.agree(&["--now", NOW, "--format", "json"]);
            place.agree(&["--now", NOW, "--to", "2026-03-01", "--format", "json"]);
        }
        if *kind == "bigint" {
            let place = Place::sqlite();
            place.table(
                &format!("CREATE TABLE one (who, moment); INSERT INTO one VALUES {rows}"),
                keys,
            );
            place.agree(&["--now", NOW, "--format", "json"]);
        }
    }
    let place = Place::sqlite();
    place.table(
        "CREATE TABLE one (who, moment);
         INSERT INTO one VALUES ('ada', '2026-03-02 09:00'), ('ada', '2026-03-02T09:00:00Z'),
             ('ada', '2026-03-02 09:30:00.000001'), ('ada', '2026-03-02T15:29:59.9+05:30'),
             ('ada', '2026-03-02T06:00-04:00'), ('ada', '1969-12-31 23:59:59.999999'),
             ('ada', '1970-01-01T00:00:00Z'), ('ada', '2026-03-02 23:00:00+23:59'),
             ('bob', '2024-02-29T23:59:59.123456-00:00')",
        "",
    );
    place.agree(&["--now", NOW, "--format", "json"]);
}

#[test]
fn rows_that_cannot_be_used_are_counted_and_end_the_run() {
    let good = "('ada', '2026-03-02 09:00:00')";
    let bad = [
        (Place::postgres(), "text", "timestamptz", "(NULL, now()), ('', now())", "2 of 3"),
        (Place::postgres(), "text", "timestamptz", "('ada', NULL)", "1 of 2"),
        (
            Place::postgres(),
            "text",
            "timestamp",
            "('ada', 'infinity'), ('ada', '-infinity'), ('ada', '0044-03-15 BC')",
            "3 of 4",
        ),
        (
            Place::mariadb(),
            "varchar(9)",
            "datetime(6)",
            "('', now()), (NULL, now()), ('ada', NULL), (char(97, 0), now())",
            "4 of 5",
        ),
        (
            Place::sqlite(),
            "TEXT",
            "TEXT",
            "('', '2026-03-02 09:00:00'), (NULL, '2026-03-02 09:00:00'), ('ada', NULL)",
            "3 of 4",
        ),
        (
            Place::sqlite(),
            "TEXT",
            "TEXT",
            "('ada', 'soon'), ('ada', '2026-02-30 09:00:00'), ('ada', '2026-03-02 09:00:00.1234567'),
             ('ada', '2026-03-02'), ('ada', '2026-03-02 24:00:00'), ('ada', '2026-03-02 09:00:60'),
             ('ada', ' 2026-03-02 09:00:00'), ('ada', '2026-03-02 09:00:00+29:00'),
             ('ada', '2026-03-02 09:00.5'), ('ada', '')",
            "10 of 11",
        ),
        (
            Place::sqlite(),
            "TEXT",
            "TEXT",
            "(CAST(x'ff' AS TEXT), '2026-03-02 09:00:00'),
             (CAST(x'61c3' AS TEXT), '2026-03-02 09:00:00'),
             (CAST(x'eda080' AS TEXT), '2026-03-02 09:00:00'),
             (CAST(x'c080' AS TEXT), '2026-03-02 09:00:00'),
             (CAST(x'f4908080' AS TEXT), '2026-03-02 09:00:00'),
             (CAST(x'610062' AS TEXT), '2026-03-02 09:00:00')",
            "6 of 7",
        ),
    ];
    for (place, who, moment, rows, count) in bad {
        place.table(
            &format!(
                "CREATE TABLE one (who {who}, moment {moment});
                 INSERT INTO one VALUES {good}, {rows}"
            ),
            "",
        );
        place.counts_unusable(count);
    }
    let place = Place::mariadb();
    place.table(
        &format!(
            "SET sql_mode = ''; CREATE TABLE one (who varchar(9), moment datetime(6));
             INSERT INTO one VALUES {good}, ('ada', '0000-00-00'), ('ada', '2026-00-10')"
        ),
        "",
    );
    place.counts_unusable("2 of 3");
}

#[test]
fn nothing_at_all_and_nothing_that_counts_are_reports_too() {
    for place in [Place::sqlite(), Place::postgres(), Place::mariadb()] {
        place.fill(&Log {
            sources: PLAIN.to_vec(),
            events: Vec::new(),
        });
        place.agree(&["--now", NOW, "--format", "json"]);
    }
    let log = Log::generate(
        99,
        &[("pings", "ignore", "drop"), ("lapses", "expiry", "keep")],
    );
    for place in [Place::sqlite(), Place::postgres(), Place::mariadb()] {
        place.fill(&log);
        place.agree(&["--now", NOW, "--format", "json", "--total"]);
    }
    let log = Log::generate(98, &[("pings", "ignore", "drop")]);
    let place = Place::postgres();
    place.fill(&log);
    place.agree(&["--now", NOW, "--format", "json", "--cut", "day"]);
}

/// Users whose one session of twenty centuries makes squares of 113 bits, in numbers that differ.
#[test]
fn sums_beyond_64_bits_are_exact() {
    let place = Place::sqlite();
    place.table(
        "CREATE TABLE one (who, moment);
         WITH RECURSIVE steps(step) AS (
             SELECT 0 UNION ALL SELECT step + 1 FROM steps WHERE step < 1950
         ), users(who) AS (SELECT 1 UNION ALL SELECT who + 1 FROM users WHERE who < 12)
         INSERT INTO one SELECT who, strftime('%Y-%m-%d %H:%M:%S',
             -35000000000 + step * (35000000 - who), 'unixepoch') || printf('.%06d', who * 7)
         FROM steps, users",
        "",
    );
    let json = place.agree(&[
        "--now",
        "3100-01-01",
        "--timeout",
        "500d",
        "--format",
        "json",
        "--by",
        "month",
    ]);
    assert!(json.contains("\"sessions\":12,"), "{json}");
    place.agree(&[
        "--now",
        "3100-01-01",
        "--timeout",
        "500d",
        "--format",
        "csv",
        "--segment",
        "user",
    ]);
}

#[test]
fn a_source_may_be_a_view_a_query_or_a_preset() {
    let statements = "CREATE TABLE posts (id integer PRIMARY KEY, user_id text, created_at timestamp NULL);
        INSERT INTO posts VALUES (1, 'ada', '2026-03-02 09:00:00'), (2, 'ada', '2026-03-02 09:10:00'),
            (3, 'bob', '2026-03-03 09:00:00');
        CREATE VIEW report_series AS SELECT user_id AS who, created_at AS moment FROM posts;";
    for place in [Place::sqlite(), Place::postgres(), Place::mariadb()] {
        place.run(statements);
        let url = place.url();
        place.agree(&["--now", NOW, "--format", "json", &url]);
        let config = format!(
            "[[source]]\nname = \"view\"\npath = '{url}'\ntable = \"report_series\"\nuser = \"who\"\n\
             time = \"moment\"\n[[source]]\nname = \"query\"\npath = '{url}'\nquery = \"\"\"\
             WITH sessions AS (SELECT who, moment FROM report_series) SELECT who, moment, who AS events \
             FROM sessions -- all\"\"\"\nuser = \"who\"\ntime = \"moment\"\n"
        );
        place.scratch().file("sessionize.toml", config);
        place.agree(&["--now", NOW, "--format", "json", "--segment", "source"]);
    }
}

#[test]
fn a_report_in_a_file_is_the_same_file() {
    let log = Log::generate(5, &ROLES);
    let place = Place::postgres();
    place.fill(&log);
    let table = place.agree(&["--now", NOW]);
    assert!(table.contains("Average session"), "{table}");
    let written = |engine: &str| {
        let path = format!("{engine}.parquet");
        let flags = [
            "--now", NOW, "--format", "parquet", "--by", "week", "-o", &path,
        ];
        place.report(engine, &flags).expect_ok();
        place.scratch().read(path)
    };
    assert_eq!(written("database"), written("local"));
}

#[test]
fn what_only_the_rows_can_answer_is_refused() {
    let place = Place::postgres();
    place.fill(&Log::generate(1, &PLAIN));
    place.scratch().file("users.txt", "ada\n");
    for (flags, why) in [
        (&["--max-length", "2h"][..], "--max-length looks back"),
        (&["--users", "users.txt"], "--users"),
        (&["--sample", "50%"], "--sample"),
        (&["--max-future", "1d"], "--max-future"),
        (&["--min-time", "2020-01-01"], "--min-time"),
        (&["--rejects", "rejects.csv"], "--rejects"),
        (&["--keep-going"], "--keep-going"),
        (&["--anonymous", "skip"], "--anonymous skip"),
        (&["--null-word", "NULL"], "--null-word"),
        (&["--time-format", "%d.%m.%Y %H:%M"], "--time-format"),
        (&["--hour-24", "next-day"], "--hour-24"),
        (&["--epoch-unit", "ns"], "--epoch-unit ns"),
    ] {
        place.refuses(flags, why);
    }
    for command in [&["sessions"][..], &["explain", "ada"]] {
        let args = command.iter().chain(&["--engine", "database"]);
        let outcome = place.scratch().run(args).expect_failure(2);
        outcome
            .expect_stderr("error[CF-01]: --engine database: ")
            .expect_stderr("help: use --engine local");
    }
}

#[test]
fn sources_that_are_not_in_one_database_are_refused() {
    let place = Place::sqlite();
    let table = "CREATE TABLE posts (user_id TEXT, created_at TEXT)";
    place.run(table);
    let other = place.scratch().path("other.db");
    tool("sqlite3", "sqlite3", [other.to_str().unwrap(), table]);
    place.scratch().file(
        "likes.csv",
        "user_id,created_at\nada,2026-03-02T09:00:00Z\n",
    );
    place.refuses(&["app.db", "other.db"], "in several databases");
    place.refuses(&["app.db", "likes.csv"], "is no database");
    place.refuses(&["likes.csv"], "is no database");
}

#[test]
fn values_that_the_database_reads_in_its_own_way_are_refused() {
    let postgres = [
        ("text", "text", "", "holds times as text"),
        (
            "text",
            "numeric",
            "epoch_unit = \"s\"",
            "numbers with a fraction",
        ),
        ("text", "bigint", "", "numeric times need a unit"),
        (
            "text",
            "timestamp",
            "timezone = \"Europe/Berlin\"",
            "the clock changes",
        ),
        ("numeric", "timestamptz", "", "users of type numeric"),
    ];
    for (who, moment, keys, why) in postgres {
        let place = Place::postgres();
        place.table(
            &format!("CREATE TABLE one (who {who}, moment {moment})"),
            keys,
        );
        place.refuses(&[], why);
    }
    let place = Place::mariadb();
    place.table(
        "CREATE TABLE one (who text, moment datetime) ENGINE = MyISAM",
        "",
    );
    place.refuses(&[], "keeps no state of the data");
    let sqlite = [
        (
            "'2026-03-02 09:00:00'), ('ada', 1772409600",
            "epoch_unit = \"s\"",
            "not all texts",
        ),
        ("1772409600", "", "numeric times need a unit"),
        ("1.5", "", "not all texts"),
        (
            "'2026-03-02 09:00:00'",
            "timezone = \"+01:00\"",
            "read as UTC by SQLite",
        ),
    ];
    for (moment, keys, why) in sqlite {
        let place = Place::sqlite();
        place.table(
            &format!("CREATE TABLE one (who, moment); INSERT INTO one VALUES ('ada', {moment})"),
            keys,
        );
        place.refuses(&[], why);
    }
}

#[test]
fn users_of_whom_mariadb_compares_the_beginning_alone_are_refused() {
    let (scratch, database) = (Scratch::new(), servers::mariadb());
    database.run(
        "CREATE TABLE posts (id int PRIMARY KEY, user_id text, created_at datetime(6));
         INSERT INTO posts VALUES (1, concat(repeat('a', 1100), 'x'), '2026-01-01 10:00:00'),
                                  (2, concat(repeat('a', 1100), 'y'), '2026-01-01 10:10:00')",
    );
    let url = database.url();
    let args = [url.as_str(), "--engine", "database", "--now", "2026-02-01"];
    scratch
        .run(args)
        .expect_failure(5)
        .expect_stderr("2 of 2 rows cannot be used");
}
