//! The commands as people call them: the same bytes for the same question, windows, periods,
//! segments, the overall figures against SQL, explanations, and no user in a default report.

use std::collections::BTreeMap;

use chrono::DateTime;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};

use crate::harness::{Outcome, Scratch};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: i64 = 1_772_409_600 * SECOND;
/// Long after every generated log.
const NOW: [&str; 2] = ["--now", "2026-06-01T00:00:00Z"];
/// The files of a generated log.
const FILES: [&str; 3] = ["comments.csv", "logins.csv", "posts.csv"];

/// An event: user, time, which of [`FILES`].
type Event = (String, i64, usize);

/// Five weeks of sixty users, with numbers, texts and near twins as ids.
fn log(seed: u64) -> Vec<Event> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut events = Vec::new();
    for number in 0..60 {
        let user = match number {
            0 => "007".to_owned(),
            1 => "9223372036854775808".to_owned(),
            number if number % 3 == 0 => format!("user-{number}"),
            number => number.to_string(),
        };
        for _ in 0..random.random_range(1..8) {
            let mut at = MONDAY + random.random_range(0..35 * DAY);
            for _ in 0..random.random_range(1..6) {
                events.push((user.clone(), at, random.random_range(0..FILES.len())));
                at += random.random_range(0..40 * 60 * SECOND);
            }
        }
    }
    events
}

fn instant(at: i64) -> String {
    let at = DateTime::from_timestamp_micros(at).expect("chrono reaches that far");
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn write_log(scratch: &Scratch, events: &[Event]) {
    for (index, file) in FILES.iter().enumerate() {
        let rows = events.iter().filter(|event| event.2 == index);
        let rows = rows.map(|(user, at, _)| format!("{user},{}\n", instant(*at)));
        scratch.file(file, "user_id,at\n".to_owned() + &rows.collect::<String>());
    }
}

/// Runs a command on a generated log.
fn on_log(scratch: &Scratch, command: &str, args: &[&str]) -> Outcome {
    let call = scratch.sessionize([command]).args(args.iter().copied());
    call.args(FILES).args(NOW).run().expect_ok()
}

/// Runs a command on one file, `log.csv`, with these rows.
fn on_rows(rows: &[&str], command: &str, args: &[&str]) -> Outcome {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        format!("user_id,at,source\n{}\n", rows.join("\n")),
    );
    let call = scratch.sessionize([command]).args(args.iter().copied());
    call.args(["log.csv", "--source-column", "source"]).run()
}

/// A CSV report: each row's cells by column.
fn table(outcome: &Outcome) -> Vec<BTreeMap<String, String>> {
    let stdout = outcome.stdout();
    let mut rows = csv::Reader::from_reader(stdout.as_bytes());
    rows.deserialize()
        .map(|row| row.expect("the report is CSV"))
        .collect()
}

/// Some columns of a CSV report.
fn columns<const N: usize>(outcome: &Outcome, names: [&str; N]) -> Vec<[String; N]> {
    let row = |row: BTreeMap<String, String>| names.map(|name| row[name].clone());
    table(outcome).into_iter().map(row).collect()
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.stdout).expect("the report is JSON")
}

#[test]
fn the_same_question_has_the_same_bytes_whatever_the_order_and_the_threads() {
    let events = log(1);
    let questions: [&[&str]; 7] = [
        &["report", "--by", "day", "--total"],
        &["report", "--by", "week", "--segment", "source"],
        &["report", "--by", "week", "--segment", "user", "--total"],
        &["report", "--segment", "user", "--total"],
        &["report", "--cut", "day", "--timezone", "America/New_York"],
        &["sessions"],
        &["explain", "7"],
    ];
    for question in questions {
        for format in ["csv", "json", "markdown", "table", "ndjson", "parquet"] {
            if format == "parquet" && question[0] == "explain" {
                continue;
            }
            let mut first = None;
            for seed in 0..6_usize {
                let mut events = events.clone();
                let mut files = FILES;
                let mut random = Pcg64::seed_from_u64(seed as u64);
                if seed > 0 {
                    events.shuffle(&mut random);
                    files.shuffle(&mut random);
                }
                let scratch = Scratch::new();
                write_log(&scratch, &events);
                let mut flags = vec![NOW.to_vec(), vec!["--format", format], files.to_vec()];
                flags.push(vec!["--threads", if seed % 2 == 0 { "1" } else { "8" }]);
                if seed > 0 {
                    flags.shuffle(&mut random);
                }
                let call = scratch.sessionize(question).args(flags.concat());
                let found = call.run().expect_ok().stdout;
                let first = first.get_or_insert_with(|| found.clone());
                assert!(*first == found, "{question:?} as {format}, order {seed}");
            }
        }
    }
}

#[test]
fn a_windowed_list_holds_the_rows_of_the_whole_list_that_start_inside() {
    let events = log(2);
    let scratch = Scratch::new();
    write_log(&scratch, &events);
    let mut random = Pcg64::seed_from_u64(2);
    for args in [&[][..], &["--max-length", "20m"], &["--cut", "day"]] {
        fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
            [args, more].concat()
        }
        let all = table(&on_log(
            &scratch,
            "sessions",
            &with(args, &["--format", "csv"]),
        ));
        for _ in 0..12 {
            // At an event, and a microsecond beside it: the edges of the window.
            let mut edge = || {
                let (_, at, _) = &events[random.random_range(0..events.len())];
                instant(at + random.random_range(-1..=1))
            };
            let (mut from, mut to) = (edge(), edge());
            if from > to {
                std::mem::swap(&mut from, &mut to);
            }
            if from == to {
                continue;
            }
            let window = ["--from", &from, "--to", &to];
            let listed = with(args, &[&window[..], &["--format", "csv"]].concat());
            let found = table(&on_log(&scratch, "sessions", &listed));
            let parsed = |text: &str| DateTime::parse_from_rfc3339(text).expect("an instant");
            let is_inside = |row: &&BTreeMap<String, String>| {
                parsed(&from) <= parsed(&row["start"]) && parsed(&row["start"]) < parsed(&to)
            };
            let expected: Vec<_> = all.iter().filter(is_inside).cloned().collect();
            assert_eq!(found, expected, "{window:?} {args:?}");
            let recorded = with(args, &[&window[..], &["--format", "json"]].concat());
            let inside = found.iter().map(|row| row["events"].parse::<u64>());
            let inside: u64 = inside.map(|events| events.expect("a number")).sum();
            for command in ["sessions", "report"] {
                let run = &json(&on_log(&scratch, command, &recorded))["run"];
                let rows = &run["rows"];
                assert_eq!(rows["events"], inside, "{command} {window:?}");
                assert_eq!(rows["filtered"], events.len() as u64 - inside);
                assert_eq!(run["sessions"], found.len());
            }
        }
    }
}

#[test]
fn a_bare_date_at_the_end_of_a_window_includes_that_day_in_the_reports_zone() {
    let rows = [
        "1,2026-03-28T22:59:59.999999Z,a",
        "2,2026-03-28T23:00:00Z,a",
        "3,2026-03-29T21:59:59.999999Z,a",
        "3,2026-03-29T22:10:00Z,a",
        "4,2026-03-29T22:00:00Z,a",
    ];
    // 29 March has 23 hours in Berlin: from 23:00 to 22:00 UTC.
    let window = [
        "--from",
        "2026-03-29",
        "--to",
        "2026-03-29",
        "--timezone",
        "Europe/Berlin",
    ];
    let args = [&window[..], &NOW, &["--format", "csv"]].concat();
    let found = on_rows(&rows, "sessions", &args).expect_ok();
    assert_eq!(
        columns(&found, ["user_id", "start", "end"]),
        [
            ["2", "2026-03-28T23:00:00Z", "2026-03-28T23:00:00Z"],
            ["3", "2026-03-29T21:59:59.999999Z", "2026-03-29T22:10:00Z"],
        ]
    );
}

#[test]
fn the_last_days_end_at_now() {
    let rows = [
        "1,2026-03-01T11:59:59Z,a",
        "2,2026-03-01T12:00:00Z,a",
        "3,2026-03-08T11:59:59Z,a",
        "4,2026-03-08T12:00:00Z,a",
    ];
    let args = [
        "--last",
        "7d",
        "--now",
        "2026-03-08T12:00:00Z",
        "--format",
        "csv",
    ];
    let found = on_rows(&rows, "sessions", &args).expect_ok();
    assert_eq!(
        columns(&found, ["user_id", "open"]),
        [["2", "false"], ["3", "true"]]
    );
}

/// Figures as SQL knows them: users, events, sessions, mean, median, p90, mean without bounces,
/// bounce rate, total; in seconds.
const FIGURES_IN_SQL: &str = "
with gaps as (
    select user, at, at - lag(at) over (partition by user order by at) as gap from events
), numbered as (
    select user, at, sum(gap is null or gap > 1800000000) over (
        partition by user order by at rows unbounded preceding) as session
    from gaps
), sessions as (
    select user, (max(at) - min(at)) / 1e6 as duration, count(*) as events
    from numbered group by user, session
), ranked as (
    select *, row_number() over (order by duration) - 1 as place, count(*) over () - 1 as last
    from sessions
)
select count(distinct user) * 1.0, sum(events) * 1.0, count(*) * 1.0, avg(duration),
    sum(duration * max(0, 1 - abs(0.5 * last - place))),
    sum(duration * max(0, 1 - abs(0.9 * last - place))),
    avg(duration) filter (where events > 1),
    sum(events = 1) * 1.0 / count(*),
    sum(duration)
from ranked";

fn figures_in_sql(events: &[Event]) -> Vec<f64> {
    let rows = events
        .iter()
        .map(|(user, at, _)| format!("('{user}', {at})"));
    let insert = format!(
        "insert into events values {}",
        rows.collect::<Vec<_>>().join(", ")
    );
    let figures = async {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
        for statement in ["create table events (user text, at integer)", &insert] {
            let statement = sqlx::query(AssertSqlSafe(statement));
            statement.execute(&mut connection).await?;
        }
        let row = sqlx::query(FIGURES_IN_SQL)
            .fetch_one(&mut connection)
            .await?;
        Ok::<_, sqlx::Error>((0..row.len()).map(|index| row.get(index)).collect())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let figures = runtime.expect("a runtime starts").block_on(figures);
    figures.expect("SQLite answers")
}

#[test]
fn overall_figures_are_those_of_plain_sql_over_the_same_rows() {
    let names = [
        "users",
        "events",
        "sessions",
        "mean_duration_seconds",
        "median_duration_seconds",
        "p90_duration_seconds",
        "mean_duration_without_bounces_seconds",
        "bounce_rate",
        "total_duration_seconds",
    ];
    for seed in 10..20 {
        let events = log(seed);
        let scratch = Scratch::new();
        write_log(&scratch, &events);
        let expected = figures_in_sql(&events);
        for args in [
            &["--by", "day"][..],
            &["--by", "month"],
            &["--by", "hour", "--segment", "source"],
            &["--by", "week", "--segment", "user"],
            &["--segment", "user"],
        ] {
            let args = [args, &["--total", "--format", "csv"]].concat();
            let total = table(&on_log(&scratch, "report", &args)).pop();
            let total = total.expect("there is a last row");
            assert_eq!((&*total["period_start"], &*total["segment"]), ("", ""));
            for (name, expected) in names.iter().zip(&expected) {
                let found: f64 = total[*name].parse().expect("a number");
                let near = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                assert!(near, "{name} of log {seed}: {found}, SQL says {expected}");
            }
        }
    }
}

#[test]
fn rows_per_period_add_up_to_the_total() {
    let scratch = Scratch::new();
    write_log(&scratch, &log(3));
    for by in ["hour", "day", "week", "month", "auto"] {
        for zone in ["UTC", "Europe/Berlin", "America/New_York"] {
            let args = ["--by", by, "--timezone", zone, "--total", "--format", "csv"];
            let found = on_log(&scratch, "report", &args);
            for name in ["events", "sessions", "total_duration_seconds"] {
                let cells = columns(&found, [name]);
                let numbers = cells.iter().map(|[cell]| cell.parse().unwrap_or(0.0));
                let numbers: Vec<f64> = numbers.collect();
                let (total, rows) = numbers.split_last().expect("there are rows");
                let sum: f64 = rows.iter().sum();
                assert!((sum - total).abs() < 1e-3, "{name} by {by} in {zone}");
            }
            let spans = columns(&found, ["period_start", "period_end"]);
            let rows = &spans[..spans.len() - 1];
            assert!(
                rows.windows(2).all(|pair| pair[0][1] == pair[1][0]),
                "{by} in {zone}"
            );
        }
    }
}

#[test]
fn weeks_start_on_monday_also_across_a_new_year() {
    let rows = [
        "1,2025-12-28T23:00:00Z,a",
        "1,2025-12-31T23:50:00Z,a",
        "1,2026-01-01T00:10:00Z,a",
        "1,2026-01-05T00:00:00Z,a",
    ];
    let args = [&["--by", "week", "--format", "csv"][..], &NOW].concat();
    let found = on_rows(&rows, "report", &args).expect_ok();
    assert_eq!(
        columns(
            &found,
            [
                "period_start",
                "period_end",
                "sessions",
                "total_duration_seconds"
            ]
        ),
        [
            ["2025-12-22T00:00:00Z", "2025-12-29T00:00:00Z", "1", "0"],
            ["2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z", "1", "1200"],
            ["2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z", "1", "0"],
        ]
    );
}

#[test]
fn days_are_as_long_as_the_clock_makes_them() {
    let check = |zone: &str, at: &str, start: &str, end: &str| {
        let args = [
            &["--by", "day", "--format", "csv", "--timezone", zone][..],
            &NOW,
        ]
        .concat();
        let found = on_rows(&[&format!("1,{at},a")], "report", &args).expect_ok();
        assert_eq!(
            columns(&found, ["period_start", "period_end"]),
            [[start, end]],
            "{zone}"
        );
    };
    check(
        "Europe/Berlin",
        "2026-03-29T12:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z",
    );
    check(
        "Europe/Berlin",
        "2025-10-26T12:00:00Z",
        "2025-10-25T22:00:00Z",
        "2025-10-26T23:00:00Z",
    );
    check(
        "America/New_York",
        "2026-03-08T12:00:00Z",
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
    );
    check(
        "America/New_York",
        "2025-11-02T12:00:00Z",
        "2025-11-02T04:00:00Z",
        "2025-11-03T05:00:00Z",
    );
    // Midnight did not exist on 15 October 2017: the day began at 1 o'clock.
    check(
        "America/Sao_Paulo",
        "2017-10-15T03:00:00Z",
        "2017-10-15T03:00:00Z",
        "2017-10-16T02:00:00Z",
    );
}

#[test]
fn a_cut_falls_on_the_first_instant_of_a_day_without_midnight() {
    let rows = [
        "1,2017-10-15T02:59:59Z,a",
        "1,2017-10-15T03:00:00Z,a",
        "1,2017-10-15T03:20:00Z,a",
    ];
    let args = [
        "--cut",
        "day",
        "--timezone",
        "America/Sao_Paulo",
        "--format",
        "csv",
    ];
    let found = on_rows(&rows, "sessions", &[&args[..], &NOW].concat()).expect_ok();
    assert_eq!(
        columns(&found, ["start", "events"]),
        [["2017-10-15T02:59:59Z", "1"], ["2017-10-15T03:00:00Z", "2"]]
    );
}

#[test]
fn a_row_per_user_comes_in_the_order_of_sessions() {
    let rows = [
        "10,2026-05-20T09:00:00Z,a",
        "9,2026-05-20T09:00:00Z,a",
        "007,2026-05-20T09:00:00Z,a",
        "Zoe,2026-05-20T09:00:00Z,a",
        "ada,2026-05-20T09:00:00Z,a",
        "-1,2026-05-20T09:00:00Z,a",
        "9,2026-05-20T09:20:00Z,a",
        "9,2026-05-21T09:00:00Z,a",
        "8,2026-05-01T09:00:00Z,a",
    ];
    let args = [
        &["--segment", "user", "--last", "30d", "--format", "csv"][..],
        &NOW,
    ]
    .concat();
    let found = on_rows(&rows, "report", &args).expect_ok();
    let names = [
        "period_start",
        "complete",
        "segment",
        "sessions",
        "median_duration_seconds",
        "total_duration_seconds",
    ];
    assert_eq!(
        columns(&found, names),
        [
            ["", "", "-1", "1", "0", "0"],
            ["", "", "9", "2", "600", "1200"],
            ["", "", "10", "1", "0", "0"],
            ["", "", "007", "1", "0", "0"],
            ["", "", "Zoe", "1", "0", "0"],
            ["", "", "ada", "1", "0", "0"],
        ]
    );
}

#[test]
fn segments_have_a_row_for_each_period_that_holds_their_sessions() {
    let rows = [
        "1,2026-03-02T09:00:00Z,posts",
        "1,2026-03-02T09:10:00Z,comments",
        "1,2026-03-09T09:00:00Z,posts",
        "2,2026-03-09T09:00:00Z,posts",
        "2,2026-03-23T09:00:00Z,comments",
    ];
    let by_week = [&["--by", "week", "--format", "csv"][..], &NOW].concat();
    let names = ["period_start", "segment", "sessions", "events"];
    let found = on_rows(
        &rows,
        "report",
        &[&by_week[..], &["--segment", "source"]].concat(),
    );
    assert_eq!(
        columns(&found.expect_ok(), names),
        [
            ["2026-03-02T00:00:00Z", "comments;posts", "1", "2"],
            ["2026-03-09T00:00:00Z", "posts", "2", "2"],
            ["2026-03-23T00:00:00Z", "comments", "1", "1"],
        ]
    );
    let found = on_rows(
        &rows,
        "report",
        &[&by_week[..], &["--segment", "user"]].concat(),
    );
    assert_eq!(
        columns(&found.expect_ok(), names),
        [
            ["2026-03-02T00:00:00Z", "1", "1", "2"],
            ["2026-03-09T00:00:00Z", "1", "1", "1"],
            ["2026-03-09T00:00:00Z", "2", "1", "1"],
            ["2026-03-23T00:00:00Z", "2", "1", "1"],
        ]
    );
    // Without a segment the week without a session is a row too, of which nothing is known.
    let found = on_rows(&rows, "report", &by_week).expect_ok();
    assert_eq!(
        columns(
            &found,
            ["period_start", "sessions", "mean_duration_seconds"]
        )[2],
        ["2026-03-16T00:00:00Z", "0", ""]
    );
}

#[test]
fn the_period_to_compare_can_be_named() {
    // One session a day from January to April, of as many minutes as the month has number.
    let mut rows = Vec::new();
    for day in 0..120 {
        let start = 1_767_258_000 * SECOND + day * DAY;
        let month =
            chrono::Datelike::month(&DateTime::from_timestamp_micros(start).expect("a time"));
        let end = start + i64::from(month) * 60 * SECOND;
        rows.push(format!("1,{},a", instant(start)));
        rows.push(format!("1,{},a", instant(end)));
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for (length, later, earlier, change) in [
        ("day", "2026-04-30T00:00:00Z", "2026-04-29T00:00:00Z", 0.0),
        ("week", "2026-04-20T00:00:00Z", "2026-04-13T00:00:00Z", 0.0),
        (
            "month",
            "2026-04-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
            60.0,
        ),
    ] {
        let args = [&["--compare", length, "--format", "json"][..], &NOW].concat();
        let trend = &json(&on_rows(&rows, "report", &args).expect_ok())["trend"];
        assert_eq!(trend["length"], length, "{trend}");
        assert_eq!(trend["later"]["period_start"], later, "{trend}");
        assert_eq!(trend["earlier"]["period_start"], earlier, "{trend}");
        assert_eq!(trend["later"]["change_seconds"], change, "{trend}");
    }
}

#[test]
fn an_unfinished_period_keeps_its_value_and_gets_no_comparison() {
    let mut rows = Vec::new();
    for day in 1..=5 {
        rows.push(format!("1,2026-03-0{day}T01:00:00Z,a"));
        rows.push(format!("1,2026-03-0{day}T01:10:00Z,a"));
        rows.push(format!("1,2026-03-0{day}T23:50:00Z,a"));
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let names = [
        "complete",
        "open_sessions",
        "mean_duration_seconds",
        "change_seconds",
    ];
    let last_two = |now: &str| {
        let args = ["--by", "day", "--format", "csv", "--now", now];
        let mut rows = columns(&on_rows(&rows, "report", &args).expect_ok(), names);
        rows.split_off(3)
    };
    // Of the fifth day's sessions the one at 23:50 is open until 00:20.
    assert_eq!(
        last_two("2026-03-06T00:19:59Z"),
        [["true", "0", "300", "0"], ["false", "1", "600", ""]]
    );
    // It is closed then, but a session may still begin before midnight and be told late.
    assert_eq!(
        last_two("2026-03-06T00:29:59Z"),
        [["true", "0", "300", "0"], ["false", "0", "300", ""]]
    );
    assert_eq!(
        last_two("2026-03-06T00:30:00Z"),
        [["true", "0", "300", "0"], ["true", "0", "300", "0"]]
    );
}

#[test]
fn rows_of_an_ignored_source_are_counted_and_widen_nothing() {
    let rows = [
        "1,2026-02-01T00:00:00Z,seen",
        "1,2026-03-02T09:00:00Z,posts",
        "1,2026-03-02T09:20:00Z,seen",
        "1,2026-03-02T09:40:00Z,posts",
        "2,2026-04-01T00:00:00Z,seen",
    ];
    let args = ["--role", "seen=ignore", "--by", "day", "--format", "json"];
    let found = on_rows(&rows, "report", &[&args[..], &NOW].concat()).expect_ok();
    let report = json(&found);
    let run = &report["run"];
    assert_eq!(
        (&run["rows"]["events"], &run["rows"]["filtered"]),
        (&2.into(), &3.into())
    );
    assert_eq!((&run["users"], &run["sessions"]), (&1.into(), &2.into()));
    // First and last post, widened by the silence of forty minutes between them.
    assert_eq!(run["observed"]["from"], "2026-03-02T08:20:00Z");
    assert_eq!(run["observed"]["to"], "2026-03-02T10:20:00Z");
    assert_eq!(report["rows"].as_array().map(Vec::len), Some(1));
}

/// What `explain` says of each event: gap in seconds, session, verdict.
#[track_caller]
fn explained(rows: &[&str], args: &[&str]) -> Vec<[String; 3]> {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| format!("7,2026-03-02T{row}"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let mut all = vec!["7", "--format", "csv"];
    all.extend(args.iter().chain(&NOW));
    let found = on_rows(&rows, "explain", &all).expect_ok();
    columns(&found, ["gap_seconds", "session", "verdict"])
}

#[test]
fn explain_tells_the_edge_of_the_timeout() {
    let rows = ["09:00:00Z,a", "09:30:00Z,a", "10:00:00.000001Z,a"];
    assert_eq!(
        explained(&rows, &[]),
        [
            ["", "1", "opens session 1: the first event"],
            ["1800", "1", "joins session 1: 30m ≤ 30m"],
            ["1800.000001", "2", "opens session 2: 30m 1us > 30m"],
        ]
    );
}

#[test]
fn explain_tells_every_role() {
    let rows = [
        "08:00:00Z,timeouts",
        "08:30:00Z,out",
        "09:00:00Z,in",
        "09:00:00Z,posts",
        "09:05:00Z,seen",
        "09:10:00Z,in",
        "09:20:00Z,out",
        "09:25:00Z,out",
        "09:26:00Z,posts",
        "09:30:00Z,timeouts",
        "09:31:00Z,timeouts",
        "09:32:00Z,posts",
        "10:30:00Z,out",
        "10:31:00Z,timeouts",
    ];
    let roles = [
        "--role",
        "in=start",
        "--role",
        "out=end",
        "--role",
        "seen=ignore",
        "--role",
        "timeouts=expiry",
    ];
    assert_eq!(
        explained(&rows, &roles),
        [
            ["", "", "no open session within 30m before it: closes none"],
            ["", "", "no open session within 30m before it: makes none"],
            ["", "1", "opens session 1: a start"],
            ["0", "1", "joins session 1: 0s ≤ 30m"],
            ["300", "", "its source is ignored"],
            ["600", "2", "opens session 2: a start"],
            ["600", "2", "closes session 2: 10m ≤ 30m"],
            [
                "300",
                "",
                "no open session within 30m before it: makes none"
            ],
            ["360", "3", "opens session 3: the last was closed"],
            ["240", "", "closes session 3, without extending it"],
            [
                "300",
                "",
                "no open session within 30m before it: closes none"
            ],
            ["360", "4", "opens session 4: the last was closed"],
            [
                "3480",
                "",
                "no open session within 30m before it: makes none"
            ],
            [
                "3540",
                "",
                "no open session within 30m before it: closes none"
            ],
        ]
    );
}

#[test]
fn explain_tells_cuts_and_dropped_duplicates() {
    let rows = [
        "22:50:00Z,a",
        "22:59:59Z,a",
        "23:00:00Z,a",
        "23:10:00Z,a",
        "23:10:00Z,a",
        "23:10:01Z,a",
    ];
    let cut = [
        "--cut",
        "day",
        "--timezone",
        "Europe/Berlin",
        "--max-length",
        "10m",
        "--duplicates",
        "drop",
    ];
    assert_eq!(
        explained(&rows, &cut),
        [
            ["", "1", "opens session 1: the first event"],
            ["599", "1", "joins session 1: 9m 59s ≤ 30m"],
            ["1", "2", "opens session 2: midnight has passed"],
            ["600", "2", "joins session 2: 10m ≤ 30m"],
            ["0", "", "a duplicate, dropped"],
            ["1", "3", "opens session 3: more than 10m after its start"],
        ]
    );
}

#[test]
fn explain_agrees_with_the_list_of_sessions() {
    let events = log(4);
    let scratch = Scratch::new();
    write_log(&scratch, &events);
    for args in [
        &[][..],
        &["--role", "logins=start", "--role", "posts=end"],
        &["--max-length", "15m"],
    ] {
        let list = table(&on_log(
            &scratch,
            "sessions",
            &[args, &["--format", "csv"]].concat(),
        ));
        for user in ["007", "7", "9223372036854775808", "user-9"] {
            let call = [&[user, "--format", "json"], args].concat();
            let explanation = json(&on_log(&scratch, "explain", &call));
            let told = explanation["sessions"].as_array().expect("a list");
            let told: Vec<[String; 3]> = told
                .iter()
                .map(|session| {
                    let text = |name: &str| session[name].as_str().expect("a text").to_owned();
                    [text("start"), text("end"), session["events"].to_string()]
                })
                .collect();
            let listed = list.iter().filter(|row| row["user_id"] == user);
            let listed: Vec<[String; 3]> = listed
                .map(|row| ["start", "end", "events"].map(|name| row[name].clone()))
                .collect();
            assert_eq!(told, listed, "{user} {args:?}");
        }
    }
}

#[test]
fn a_user_without_a_row_is_an_error_and_a_near_id_is_another_user() {
    for user in ["07", "+7", "7.0", " 7", "nobody"] {
        let found = on_rows(&["7,2026-03-02T09:00:00Z,a"], "explain", &[user]);
        found
            .expect_failure(4)
            .expect_stderr("has no rows in any source");
    }
}

#[test]
fn a_session_keeps_its_id_until_the_definition_changes() {
    let rows = ["7,2026-03-02T09:00:00Z,a", "7,2026-03-02T09:10:00Z,a"];
    let id = |args: &[&str]| {
        let args = [args, &NOW, &["--format", "csv"]].concat();
        let [[id]] = <[_; 1]>::try_from(columns(
            &on_rows(&rows, "sessions", &args).expect_ok(),
            ["session_id"],
        ))
        .expect("one session");
        id
    };
    let plain = id(&[]);
    let version = uuid::Uuid::parse_str(&plain)
        .expect("a UUID")
        .get_version_num();
    assert_eq!(version, 5);
    for same in [
        &[][..],
        &["--timeout", "1800s"],
        &["--timezone", "Europe/Berlin"],
        &["--from", "2026-03-01"],
        &["--threads", "8"],
    ] {
        assert_eq!(id(same), plain, "{same:?}");
    }
    let mut ids = vec![plain];
    for other in [
        &["--timeout", "31m"][..],
        &["--max-length", "1h"],
        &["--max-length", "2h"],
        &["--cut", "day"],
        &["--cut", "day", "--timezone", "Europe/Berlin"],
        &["--cut", "day", "--timezone", "Europe/Paris"],
    ] {
        let id = id(other);
        assert!(!ids.contains(&id), "{other:?}");
        ids.push(id);
    }
}

#[test]
fn every_session_has_an_id_of_its_own() {
    let scratch = Scratch::new();
    write_log(&scratch, &log(5));
    let roles = [
        "--role",
        "logins=start",
        "--role",
        "posts=end",
        "--format",
        "csv",
    ];
    let mut ids = columns(&on_log(&scratch, "sessions", &roles), ["session_id"]);
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn the_record_beside_a_file_holds_its_digest_and_the_accounting() {
    let events = log(6);
    let scratch = Scratch::new();
    write_log(&scratch, &events);
    for command in ["report", "sessions"] {
        for format in ["csv", "ndjson"] {
            on_log(&scratch, command, &["--format", format, "-o", "out"]);
            let (out, record) = (scratch.read("out"), scratch.read("out.run.json"));
            let record: Value = serde_json::from_slice(&record).expect("the record is JSON");
            let digest: String = Sha256::digest(&out)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let text = record.to_string();
            assert!(text.contains(&format!("\"{digest}\"")), "{text}");
            assert!(
                text.contains(&format!("\"size_bytes\":{}", out.len())),
                "{text}"
            );
            let run = record.get("run").unwrap_or(&record);
            assert_eq!(run["rows"]["read"], events.len() as u64, "{text}");
            assert_eq!(run["rows"]["events"], events.len() as u64, "{text}");
        }
    }
}

#[test]
fn a_default_report_names_no_user() {
    let canaries = ["canary-ada", "900000000000000017", "canary@example.org"];
    let scratch = Scratch::new();
    let mut rows = "user_id,at,note\n".to_owned();
    for (index, canary) in canaries.iter().enumerate() {
        rows += &format!("{canary},2026-03-02T09:0{index}:00Z,canary-cell\n");
        rows += &format!("{canary},not a time,canary-cell\n");
        rows += &format!("{canary}\n");
    }
    scratch.file("log.csv", rows);
    let check = |text: &[u8], what: &str| {
        let text = String::from_utf8_lossy(text);
        for canary in canaries.iter().chain(&["canary"]) {
            assert!(!text.contains(canary), "{what} names a user: {text}");
        }
    };
    for format in ["table", "csv", "json", "ndjson", "markdown", "parquet"] {
        for segment in [&[][..], &["--segment", "source"]] {
            let call = scratch
                .sessionize(["log.csv", "--format", format, "--total", "-v"])
                .loud();
            let call = call.args(segment.iter().copied()).args(NOW);
            let found = call
                .args([
                    "--max-rejects",
                    "100",
                    "--rejects",
                    "rejects.csv",
                    "-o",
                    "out",
                ])
                .run();
            assert_eq!(found.code(), Some(0), "{found:?}");
            check(&found.stderr, "standard error");
            for name in scratch.names().iter().filter(|name| *name != "log.csv") {
                check(&scratch.read(name), name);
            }
        }
    }
    // Strict: the error and the rejects file name none either.
    let call = scratch
        .sessionize(["log.csv", "--rejects", "rejects.csv"])
        .args(NOW);
    let found = call.loud().run().expect_failure(4);
    check(&found.stderr, "standard error");
    check(&scratch.read("rejects.csv"), "the rejects file");
}
