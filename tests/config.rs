//! `sessionize.toml` from outside: every key, every mistake with its place, and what it is worth
//! beside flags. Case 3.

use std::fs;
use std::path::Path;

use crate::harness::{Scratch, tool};

const POSTS: &str = "user_id,created_at\n\
    ada,2026-03-02T09:00:00Z\n\
    ada,2026-03-02T09:10:00Z\n\
    bob,2026-03-03T12:00:00Z\n";

/// A source that would be read forever: nobody writes into it.
const STALLED: &str = "[[source]]\npath = \"stalled\"\n";

/// Mistakes of the whole file, each before the stalled source, with the first line of the error.
const MISTAKES: [(&str, &str); 29] = [
    (
        "\n\n\n\n\n\n\n\n\n\n\n    timeuot = \"30m\"\n",
        "CF-02]: sessionize.toml:12:5: unknown key \"timeuot\" (did you mean \"timeout\"?)",
    ),
    ("timeout = \n", "CF-02]: sessionize.toml:1:11: "),
    ("timeout = 30m\n", "CF-02]: sessionize.toml:1:11: "),
    ("timeout = \"30m\n", "CF-02]: sessionize.toml:1:15: "),
    (
        "timeout = \"30m\"\ntimeout = \"20m\"\n",
        "CF-02]: sessionize.toml:2:1: duplicate key",
    ),
    (
        "timezone = \"UTC\"\nzzz = 1\n",
        "CF-02]: sessionize.toml:2:1: unknown key \"zzz\"\n",
    ),
    (
        "timeout = 30\n",
        "CF-02]: sessionize.toml:1:11: invalid type: integer \"30\", expected a string",
    ),
    (
        "total = \"yes\"\n",
        "CF-02]: sessionize.toml:1:9: invalid type: string \"yes\", expected a boolean",
    ),
    (
        "by = \"weak\"\n",
        "CF-02]: sessionize.toml:1:6: unknown variant \"weak\", expected one of \"hour\", \"day\", \
         \"week\", \"month\", \"auto\"",
    ),
    (
        "format = \"xml\"\n",
        "CF-02]: sessionize.toml:1:10: unknown variant \"xml\"",
    ),
    (
        "timeout = \"0\"\n",
        "CF-02]: sessionize.toml:1:11: \"0\": timeout must be between 1s and 3650d, with a unit",
    ),
    (
        "timezone = \"Foo/Bar\"\n",
        "CF-04]: sessionize.toml:1:12: unknown time zone \"Foo/Bar\"",
    ),
    ("timezone = \"IST\"\n", "CF-04]: sessionize.toml:1:12: "),
    (
        "max_rejects = -1\n",
        "CF-02]: sessionize.toml:1:15: expected a number of rows, or a share such as \"1%\"",
    ),
    (
        "max_rejects = \"some\"\n",
        "CF-02]: sessionize.toml:1:15: \"some\": expected a number of rows, or a share",
    ),
    (
        "threads = 0\n",
        "CF-02]: sessionize.toml:1:11: 0: expected at least 1",
    ),
    (
        "sample = \"200%\"\n",
        "CF-02]: sessionize.toml:1:10: \"200%\": expected a share",
    ),
    (
        "last = \"28d\"\nfrom = \"2026-01-01\"\n",
        "CF-02]: sessionize.toml:1:8: \"last\" cannot be used with \"from\" or \"to\"",
    ),
    (
        "from = \"2026-02-01\"\nto = \"2026-01-01\"\n",
        "CF-02]: sessionize.toml:2:6: the window is empty: \"from\" does not lie before \"to\"",
    ),
    (
        "now = \"yesterday\"\n",
        "CF-02]: sessionize.toml:1:7: \"yesterday\" is neither a date",
    ),
    (
        "wait = \"never\"\n",
        "CF-02]: sessionize.toml:1:8: \"never\": duration must be",
    ),
    (
        "max_length = \"0s\"\n",
        "CF-02]: sessionize.toml:1:14: \"0s\": duration must be",
    ),
    (
        "max_future = \"1\"\n",
        "CF-02]: sessionize.toml:1:14: \"1\": duration must be",
    ),
    (
        "\"\\u001b[31m\" = 1\n",
        "CF-02]: sessionize.toml:1:1: unknown key \"\\u{1b}[31m\"",
    ),
    ("users = [\"ada\"]\n", "CF-02]: sessionize.toml:1:9: "),
    (
        "if_locked = \"sulk\"\n",
        "CF-02]: sessionize.toml:1:13: unknown variant \"sulk\"",
    ),
    (
        "cut = \"night\"\n",
        "CF-02]: sessionize.toml:1:7: unknown variant \"night\"",
    ),
    ("[timeout]\n", "CF-02]: sessionize.toml:1:1: "),
    (
        "\u{feff}timeuot = \"30m\"\n",
        "CF-02]: sessionize.toml:1:1: unknown key \"timeuot\"",
    ),
];

/// Mistakes of one `[[source]]`, each on the line after `path`.
const SOURCE_MISTAKES: [(&str, &str); 23] = [
    (
        "frmat = \"csv\"",
        "CF-02]: sessionize.toml:5:1: unknown key \"frmat\" (did you mean \"format\"?)",
    ),
    (
        "timeout = \"30m\"",
        "CF-02]: sessionize.toml:5:1: unknown key \"timeout\"",
    ),
    (
        "role = \"strat\"",
        "CF-02]: sessionize.toml:5:8: unknown variant \"strat\"",
    ),
    (
        "roles = { logins = \"strat\" }",
        "CF-02]: sessionize.toml:5:",
    ),
    (
        "name = \"stalled\"",
        "CF-05]: sessionize.toml:5:8: two sources are named \"stalled\"",
    ),
    (
        "name = \"a;b\"",
        "CF-05]: sessionize.toml:5:8: a source cannot be named \"a;b\"",
    ),
    (
        "name = \"a:b\"",
        "CF-05]: sessionize.toml:5:8: a source cannot be named \"a:b\"",
    ),
    (
        "name = \"\"",
        "CF-05]: sessionize.toml:5:8: a source cannot be named \"\"",
    ),
    (
        "time = 3",
        "CF-02]: sessionize.toml:5:8: expected a column's name, or a list of two",
    ),
    (
        "time = [\"a\", \"b\", \"c\"]",
        "CF-02]: sessionize.toml:5:8: expected a column's name, or a list of two",
    ),
    (
        "delimiter = \"ab\"",
        "CF-02]: sessionize.toml:5:13: \"ab\": expected one byte",
    ),
    (
        "comment = \"\"",
        "CF-02]: sessionize.toml:5:11: \"\": expected one byte",
    ),
    ("skip_lines = -1", "CF-02]: sessionize.toml:5:14: "),
    (
        "timezone = \"Foo/Bar\"",
        "CF-04]: sessionize.toml:5:12: unknown time zone \"Foo/Bar\"",
    ),
    (
        "epoch_unit = \"min\"",
        "CF-02]: sessionize.toml:5:14: unknown variant \"min\"",
    ),
    (
        "epoch_window = \"2000\"",
        "CF-02]: sessionize.toml:5:16: \"2000\": expected years such as",
    ),
    (
        "time_format = \"%Q\"",
        "CF-02]: sessionize.toml:5:15: time format \"%Q\"",
    ),
    (
        "min_time = \"x\"",
        "CF-02]: sessionize.toml:5:12: \"x\" is neither a date",
    ),
    (
        "hour_24 = \"yes\"",
        "CF-02]: sessionize.toml:5:11: unknown variant \"yes\"",
    ),
    (
        "skipped_hour = \"back\"",
        "CF-02]: sessionize.toml:5:16: unknown variant \"back\"",
    ),
    (
        "encoding = \"ebcdic\"",
        "CF-02]: sessionize.toml:5:12: unknown variant \"ebcdic\"",
    ),
    (
        "query = \"SELECT 1\"\ntable = \"posts\"",
        "CF-02]: sessionize.toml:5:9: \"query\" and \"table\" exclude each other",
    ),
    (
        "path = \"posts.csv\"",
        "CF-02]: sessionize.toml:5:1: duplicate key",
    ),
];

fn refused(config: &str, expected: &str) {
    let scratch = Scratch::new();
    scratch.fifo("stalled");
    scratch.file("posts.csv", POSTS);
    scratch.file("sessionize.toml", config);
    let outcome = scratch
        .run::<&str>([])
        .expect_failure(2)
        .expect_stderr(&format!("error[{expected}"));
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
}

#[test]
fn every_mistake_is_refused_with_its_place_before_any_source_is_opened() {
    for (mistake, expected) in MISTAKES {
        refused(&format!("{mistake}{STALLED}"), expected);
    }
}

#[test]
fn every_mistake_of_a_source_is_refused_before_the_sources_above_it_are_opened() {
    for (mistake, expected) in SOURCE_MISTAKES {
        let source = format!("[[source]]\npath = \"posts.csv\"\n{mistake}\n");
        refused(&format!("{STALLED}{source}"), expected);
    }
}

#[test]
fn a_source_without_a_path_is_refused_at_its_place() {
    refused(
        &format!("{STALLED}[[source]]\nname = \"posts\"\n"),
        "CF-02]: sessionize.toml:3:1: missing field \"path\"",
    );
    refused(
        "# é\nsource = 3\n",
        "CF-02]: sessionize.toml:2:10: invalid type: integer \"3\", expected a sequence",
    );
}

#[test]
fn a_configuration_that_is_not_utf_8_or_cannot_be_read_is_refused() {
    let scratch = Scratch::new();
    scratch.file("sessionize.toml", b"by = \"day\"\n# \xe9\n");
    scratch
        .run::<&str>([])
        .expect_failure(2)
        .expect_stderr("error[CF-02]: sessionize.toml:2:3: the file is not UTF-8");
    scratch
        .run(["--config", "none.toml"])
        .expect_failure(2)
        .expect_stderr("error[CF-02]: cannot read none.toml: No such file or directory");
    scratch
        .run(["--config", "."])
        .expect_failure(2)
        .expect_stderr("error[CF-02]: cannot read .: ");
    // A link that leads nowhere is a configuration that was meant.
    let scratch = Scratch::new();
    scratch.file("posts.csv", POSTS);
    std::os::unix::fs::symlink("nowhere.toml", scratch.path("sessionize.toml")).expect("a link");
    scratch
        .run(["posts.csv"])
        .expect_failure(2)
        .expect_stderr("error[CF-02]: cannot read sessionize.toml: No such file or directory");
    scratch.file("real.toml", "[[source]]\npath = \"\"\n");
    scratch
        .run(["--config", "real.toml"])
        .expect_failure(2)
        .expect_stderr("error[CF-02]: real.toml:2:8: an input is empty");
}

#[test]
fn a_mistake_at_the_end_is_found_before_a_source_is_looked_into() {
    for mistake in [
        "max_rejects = \"some\"\n",
        "threads = 0\n",
        "wait = \"never\"\n",
    ] {
        let scratch = Scratch::new();
        scratch.file("posts.csv", POSTS);
        scratch.file(
            "sessionize.toml",
            format!("{mistake}[[source]]\npath = \"posts.csv\"\n"),
        );
        let trace = opened(&scratch, 2);
        assert!(!trace.contains("posts.csv"), "{trace}");
    }
    // The same without the mistake does open the source, so the trace can be believed.
    let scratch = Scratch::new();
    scratch.file("posts.csv", POSTS);
    scratch.file("sessionize.toml", "[[source]]\npath = \"posts.csv\"\n");
    assert!(opened(&scratch, 0).contains("posts.csv"));
}

/// What a run opens or connects to, as strace saw it.
fn opened(scratch: &Scratch, code: i32) -> String {
    let log = scratch.path("trace").to_string_lossy().into_owned();
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=openat,connect",
        "-o",
        &log,
    ];
    let outcome = scratch.sessionize::<&str>([]).under(strace).run();
    assert_eq!(outcome.code(), Some(code), "{outcome:?}");
    scratch.text("trace")
}

/// Every key, each with a value that changes nothing in the result but what the tests look at.
const EVERYTHING: &str = r#"
timeout = "30m"
cut = "day"
max_length = "12h"
from = "2026-03-01"
to = "2026-03-31"
now = "2026-04-01T00:00:00Z"
timezone = "Europe/Berlin"
by = "month"
segment = "source"
compare = "day"
dwell = "constant:30s"
engine = "local"
total = true
format = "csv"
output = "report.csv"
csv_raw = true
if_locked = "wait"
wait = "5s"
follow_symlinks = false
allow_empty = true
follow_safe = true
max_rejects = "50%"
rejects = "rejects.csv"
keep_going = false
threads = 2
memory = "1GiB"
temp_dir = "work"
users = "users.txt"
sample = "100%"
max_future = "1d"
connect_timeout = "5s"
statement_timeout = "10m"

[threshold]
at = "10m,60m"
sweep = "1m..4h"
tolerance = "5%"
per = "source"
resamples = 200
seed = 1
rows = "sweep"
recommended = "10m..1h"
allow_keep = true
max_sensitivity = 0.3
min_sessions = 1
max_sessions = 1000000
max_change = "10%"
max_drop = "50%"
baseline = "threshold.json"

[[source]]
name = "posts"
path = "posts.txt"
format = "csv"
role = "activity"
roles = { posts = "activity" }
duplicates = "drop"
user = "who"
time = ["day", "clock"]
delimiter = ";"
comment = "\#"
skip_lines = 1
header = true
ragged = "pad"
encoding = "utf8"
null_words = ["NULL"]
anonymous = "skip"
timezone = "Europe/Berlin"
epoch_window = "1990..2050"
time_format = "%d.%m.%Y %H:%M"
skipped_hour = "forward"
repeated_hour = "later"
hour_24 = "next-day"
min_time = "2020-01-01"

[[source]]
path = "many.csv"
source_column = "kind"
epoch_unit = "s"

[[source]]
name = "table"
path = "sqlite:app.db"
table = "posts"
where = "user_id IS NOT NULL"
tls = "verify-full"
ca_file = "ca.pem"
password_env = "DB_PASSWORD"
password_file = "password"
my_cnf = "my.cnf"

[[source]]
name = "query"
path = "sqlite:app.db"
query = "SELECT user_id, created_at FROM posts"

[[source]]
name = "query of a file"
path = "sqlite:app.db"
query_file = "own.sql"

[tracked]
path = "sqlite:app.db"
format = "sqlite"
table = "visits"
user = "user_id"
start = "started_at"
end = "ended_at"
id = "visit"
shape = "platform"
columns = { person_id = "user_id" }
tables = { pauses = "breaks" }
timezone = "UTC"
epoch_unit = "s"
time_format = "%s"
tls = "require"
ca_file = "ca.pem"
password_env = "DB_PASSWORD"
password_file = "password"
my_cnf = "my.cnf"
repair = "drop"
absurd = "12h"
tolerance = "1m"
resamples = 100
seed = 7
"#;

fn everything() -> String {
    EVERYTHING.replace("\\#", "#")
}

#[test]
fn every_key_is_taken() {
    let scratch = everything_scratch();
    scratch.file("sessionize.toml", everything());
    scratch.run::<&str>([]).expect_ok();
    let report = scratch.text("report.csv");
    let rows: Vec<&str> = report.lines().collect();
    // One month of Berlin, by set of sources, then the total; three sources read one table.
    assert!(
        rows[1].starts_with("2026-02-28T23:00:00Z,2026-03-31T22:00:00Z,"),
        "{report}"
    );
    assert!(
        rows.last().is_some_and(|row| row.starts_with(",,,,")),
        "{report}"
    );
    assert!(
        rows.iter().any(|row| row.contains(",likes,1,1,1,")),
        "{report}"
    );
    let rejects = scratch.text("rejects.csv");
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    assert!(rejects.contains("many,many.csv,3,"), "{rejects}");
}

fn everything_scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("users.txt", "ada\nbob\n");
    scratch.file(
        "posts.txt",
        "exported yesterday\nwho;day;clock\n# a remark\nada;02.03.2026;10:00\nada;02.03.2026;10:00\n\
         NULL;02.03.2026;10:00\n",
    );
    scratch.file(
        "many.csv",
        "user_id,at,kind\nbob,1772700000,likes\nbob,soon,likes\nbob,1772800000,shares\n",
    );
    let sql = "CREATE TABLE posts (id INTEGER, user_id TEXT, created_at TEXT);\
        INSERT INTO posts VALUES (1, 'ada', '2026-03-10 09:30:00');";
    let database = scratch.path("app.db");
    tool("sqlite3", "sqlite3", [database.as_os_str(), sql.as_ref()]);
    scratch.file("own.sql", "SELECT user_id, created_at FROM posts");
    scratch
}

#[test]
fn the_test_above_names_every_key_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("it is there");
    let (source, threshold) = (
        read("src/settings/config.rs"),
        read("src/settings/threshold.rs"),
    );
    let fields = source
        .lines()
        .skip_while(|line| !line.contains("pub(super) struct Config {"))
        .take_while(|line| !line.contains("struct ConfigFile"));
    let of_threshold = threshold
        .lines()
        .skip_while(|line| !line.contains("struct ThresholdConfig {"))
        .take_while(|line| *line != "}");
    let fields = fields.chain(of_threshold);
    let keys: Vec<&str> = fields
        .filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split_once(": "))
        .map(|(key, _)| key.trim_start_matches("r#"))
        .filter(|key| !["source", "threshold", "tracked"].contains(key))
        .collect();
    assert!(keys.len() > 60, "{keys:?}");
    let config = everything();
    for key in keys {
        // `last` and `from` exclude each other, and no system has both cuts of above: the two
        // have tests of their own.
        let is_named = config
            .lines()
            .any(|line| line.starts_with(&format!("{key} = ")));
        assert!(is_named || ["last", "compat"].contains(&key), "{key}");
    }
}

#[test]
fn the_last_days_can_be_configured() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", POSTS);
    let config = "last = \"1d\"\nnow = \"2026-03-04T00:00:00Z\"\nformat = \"csv\"\n\
        [[source]]\npath = \"posts.csv\"\n";
    scratch.file("sessionize.toml", config);
    let rows = scratch.run(["sessions"]).expect_ok().stdout();
    assert_eq!(rows.lines().count(), 2, "the header and Bob: {rows}");
}

#[test]
fn paths_start_from_the_folder_of_the_configuration() {
    let scratch = Scratch::new();
    scratch.file("conf/data/posts.csv", POSTS);
    scratch.file("conf/users.txt", "ada\n");
    scratch.file(
        "conf/nightly.toml",
        "now = \"2026-04-01\"\nformat = \"csv\"\noutput = \"report.csv\"\nusers = \"users.txt\"\n\
         rejects = \"rejects.csv\"\n[[source]]\npath = \"data/*.csv\"\n",
    );
    scratch
        .run(["sessions", "--config", "conf/nightly.toml"])
        .expect_ok();
    assert_eq!(scratch.names(), ["conf"]);
    let report = scratch.text("conf/report.csv");
    assert!(
        report.contains(",ada,") && !report.contains(",bob,"),
        "{report}"
    );
    assert!(scratch.path("conf/rejects.csv").exists());
    // What is typed starts from where one stands.
    scratch
        .run([
            "sessions",
            "--config",
            "conf/nightly.toml",
            "-o",
            "here.csv",
            "--rejects",
            "no.csv",
        ])
        .expect_ok();
    assert_eq!(scratch.text("here.csv"), report);
    assert!(scratch.path("no.csv").exists());
}

#[test]
fn inputs_that_are_typed_replace_the_sources_and_keep_the_rest() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", POSTS);
    scratch.file(
        "sessionize.toml",
        "timeout = \"5m\"\nformat = \"csv\"\n[[source]]\npath = \"none.csv\"\n",
    );
    let sessions = scratch.run(["sessions", "posts.csv"]).expect_ok().stdout();
    assert_eq!(sessions.lines().count(), 4, "5m splits Ada's: {sessions}");
    scratch
        .run(["sessions"])
        .expect_failure(4)
        .expect_stderr("error[IN-01]: source \"none\" (file, none.csv): ");
}

#[test]
fn a_configuration_without_sources_is_nothing_to_read() {
    let scratch = Scratch::new();
    for config in ["", "timeout = \"5m\"\n"] {
        scratch.file("sessionize.toml", config);
        scratch
            .run::<&str>([])
            .expect_failure(2)
            .expect_stderr("error[CF-03]: nothing to read");
    }
}

#[test]
fn the_configuration_of_the_repository_works_from_its_root() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Scratch::new();
    let config = fs::read(root.join("sessionize.toml")).expect("it is there");
    scratch.file("sessionize.toml", config);
    for name in ["platform.db", "downloads.csv"] {
        let from = root.join("fixtures/example").join(name);
        let data = fs::read(from).expect("it is there");
        scratch.file(Path::new("fixtures/example").join(name), data);
    }
    let text = scratch.run::<&str>([]).expect_ok().stdout();
    assert!(text.starts_with("Average session "), "{text}");
    assert!(text.contains("downloads"), "{text}");
}

mod laws {
    use proptest::prelude::*;
    use proptest::test_runner::Config;

    use super::*;

    /// Pieces that together come close to a configuration.
    const PIECES: [&str; 24] = [
        "timeout",
        "source",
        "path",
        "name",
        "by",
        "[[source]]",
        "[",
        "]",
        "{",
        "}",
        " = ",
        "\"",
        "'",
        "\n",
        "#",
        "30m",
        "day",
        "=",
        ".",
        "\u{1b}",
        "\u{feff}",
        "é",
        "1e9",
        "-1",
    ];

    fn config() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..16)
            .prop_map(|pieces| pieces.concat().into_bytes());
        prop_oneof![prop::collection::vec(any::<u8>(), 0..60), pieces]
    }

    proptest! {
        #![proptest_config(Config::with_cases(150))]

        #[test]
        fn no_bytes_in_a_configuration_make_a_panic(config in config()) {
            let scratch = Scratch::new();
            scratch.file("posts.csv", POSTS);
            scratch.file("sessionize.toml", config);
            let outcome = scratch.run(["posts.csv", "--now", "2026-04-01"]);
            prop_assert!(matches!(outcome.code(), Some(0 | 2)), "{outcome:?}");
            prop_assert!(!outcome.stderr.contains(&0x1b), "{outcome:?}");
        }
    }
}
