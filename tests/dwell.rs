//! `--dwell`: the time after a session's last event, worked out by hand, bounded by whatever ended
//! the session, and the same by a second, slower road.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;
use std::fmt::Write;

use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;
use sessionize::events::{Micros, Role, SECOND, Source, UserId};
use sessionize::measures::dwell::within::{LogNormal, WithinModel};
use sessionize::time::timestamp::print_instant;

use crate::harness::{Call, Scratch};
use crate::naive::{self, Event};

const MINUTE: Micros = 60 * SECOND;
/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: Micros = 1_772_409_600 * SECOND;

/// The kinds of the logs here, with their roles.
const ROLES: [(&str, Role); 6] = [
    ("logins", Role::Start),
    ("likes", Role::Activity),
    ("posts", Role::Activity),
    ("logouts", Role::End),
    ("losses", Role::Expiry),
    ("pings", Role::Ignore),
];
const ROLE_FLAGS: [&str; 4] = [
    "logins=start",
    "logouts=end",
    "losses=expiry",
    "pings=ignore",
];

/// Events as a CSV file of `user kind clock` on the first Monday.
fn log(rows: &[(&str, &str, &str)]) -> String {
    let mut csv = "user_id,created_at,kind\n".to_owned();
    for (user, kind, clock) in rows {
        writeln!(csv, "{user},2026-03-02T{clock}Z,{kind}").unwrap();
    }
    csv
}

/// The program on `events.csv`, whose data is old unless the arguments say another `--now`.
fn call(scratch: &Scratch, args: &[&str]) -> Call {
    let mut words = vec!["report", "events.csv", "--source-column", "kind"];
    for role in ROLE_FLAGS {
        words.extend(["--role", role]);
    }
    if !args.contains(&"--now") {
        words.extend(["--now", "2026-06-01"]);
    }
    scratch.sessionize(words).args(args.iter().copied())
}

/// The report as JSON.
fn json(scratch: &Scratch, args: &[&str]) -> Value {
    let run = call(scratch, args).args(["--format", "json"]).run();
    serde_json::from_str(&run.expect_ok().stdout()).unwrap()
}

fn scratch(rows: &[(&str, &str, &str)]) -> Scratch {
    let scratch = Scratch::new();
    scratch.file("events.csv", log(rows));
    scratch
}

/// Floor, estimate and ceiling of a row, in seconds.
fn totals(row: &Value) -> [Option<f64>; 3] {
    let dwell = &row["dwell"];
    [
        row["total_duration_seconds"].as_f64(),
        dwell["total_estimate_seconds"].as_f64(),
        dwell["total_ceiling_seconds"].as_f64(),
    ]
}

/// Seconds of JSON as microseconds.
fn micros(value: &Value) -> i128 {
    (value.as_f64().unwrap() * 1e6).round() as i128
}

/// The totals of each user, by the user.
fn by_user(report: &Value) -> BTreeMap<String, [Option<f64>; 3]> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["segment"].as_str().unwrap().to_owned(), totals(row)))
        .collect()
}

fn known(all: [f64; 3]) -> [Option<f64>; 3] {
    all.map(Some)
}

#[test]
fn a_constant_follows_every_last_event_bounces_included() {
    // Sessions of 10 minutes, 0 and 20 minutes; 30 minutes in all.
    let scratch = scratch(&[
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:10:00"),
        ("ada", "posts", "11:00:00"),
        ("bob", "likes", "12:00:00"),
        ("bob", "posts", "12:20:00"),
    ]);
    let report = json(&scratch, &["--dwell", "constant:30s"]);
    let overall = &report["overall"];
    assert_eq!(totals(overall), known([1_800.0, 1_890.0, 7_200.0]));
    let dwell = &overall["dwell"];
    assert_eq!(overall["mean_duration_seconds"].as_f64(), Some(600.0));
    assert_eq!(dwell["mean_estimate_seconds"].as_f64(), Some(630.0));
    assert_eq!(dwell["mean_ceiling_seconds"].as_f64(), Some(2_400.0));
    assert_eq!(dwell["estimated_share"].as_f64(), Some(90.0 / 1_890.0));
    let basis = &report["run"]["dwell"];
    assert_eq!(basis["option"], "constant");
    assert_eq!(basis["constant_seconds"], 30);
    assert_eq!(basis["refused"], Value::Null);
    assert_eq!(basis["sessions_closed_by_an_end"], 0);
    // Nobody counted gaps, so their number is not 0.
    let sources = basis["sources"].as_array().unwrap();
    let gaps = sources.iter().map(|source| &source["gaps"]);
    assert_eq!(gaps.collect::<Vec<_>>(), [&Value::Null; 1]);
}

#[test]
fn every_way_to_close_a_session_bounds_its_dwell_in_its_own_way() {
    let scratch = scratch(&[
        ("gap", "posts", "09:00:00"),
        ("gap", "posts", "09:40:00"),
        ("ended", "posts", "09:00:00"),
        ("ended", "logouts", "09:02:00"),
        ("back after an end", "posts", "09:00:00"),
        ("back after an end", "logouts", "09:02:00"),
        ("back after an end", "posts", "09:05:00"),
        ("lost soon", "posts", "09:00:00"),
        ("lost soon", "losses", "09:04:00"),
        ("lost at once", "posts", "09:00:00"),
        ("lost at once", "losses", "09:00:00"),
        ("lost late", "posts", "09:00:00"),
        ("lost late", "losses", "09:20:00"),
        ("in again", "posts", "09:00:00"),
        ("in again", "logins", "09:05:00"),
        ("in again at the timeout", "posts", "09:00:00"),
        ("in again at the timeout", "logins", "09:30:00"),
        ("pinged", "posts", "09:00:00"),
        ("pinged", "pings", "09:03:00"),
    ]);
    let report = json(&scratch, &["--dwell", "constant:10m", "--segment", "user"]);
    let expected = [
        ("gap", [0.0, 1_200.0, 3_600.0]),
        ("ended", [120.0, 120.0, 120.0]),
        ("back after an end", [120.0, 720.0, 1_920.0]),
        ("lost soon", [0.0, 240.0, 240.0]),
        ("lost at once", [0.0, 0.0, 0.0]),
        ("lost late", [0.0, 600.0, 1_200.0]),
        ("in again", [0.0, 900.0, 2_100.0]),
        ("in again at the timeout", [0.0, 1_200.0, 3_600.0]),
        ("pinged", [0.0, 600.0, 1_800.0]),
    ];
    let expected = expected.map(|(user, totals)| (user.to_owned(), known(totals)));
    assert_eq!(by_user(&report), BTreeMap::from(expected));
    assert_eq!(report["run"]["dwell"]["sessions_closed_by_an_end"], 2);
    // Of those lost and of the one that was in again before the timeout.
    let bounded = &report["run"]["dwell"]["sessions_bounded_by_the_next_event"];
    assert_eq!(bounded.as_u64(), Some(4));
    // Nothing to share out where nobody stayed.
    let rows = report["rows"].as_array().unwrap();
    let lost = rows.iter().find(|row| row["segment"] == "lost at once");
    assert_eq!(lost.unwrap()["dwell"]["estimated_share"], Value::Null);
}

#[test]
fn a_session_that_a_cut_ends_reaches_no_further_than_the_next_event() {
    let scratch = scratch(&[
        ("soon", "posts", "23:55:00"),
        ("orphan", "posts", "23:55:00"),
        ("later", "posts", "23:35:00"),
    ]);
    let mut csv = scratch.text("events.csv");
    csv.push_str("soon,2026-03-03T00:01:00Z,posts\norphan,2026-03-03T00:02:00Z,logouts\n");
    csv.push_str("later,2026-03-03T00:03:00Z,posts\n");
    scratch.file("events.csv", csv);
    let args = [
        "--dwell",
        "constant:10m",
        "--segment",
        "user",
        "--cut",
        "day",
    ];
    // The end belongs to no session, since midnight has passed, but somebody logged out.
    let expected = [
        ("soon", [0.0, 960.0, 2_160.0]),
        ("orphan", [0.0, 420.0, 420.0]),
        ("later", [0.0, 1_200.0, 28.0 * 60.0 + 1_800.0]),
    ];
    let expected = expected.map(|(user, totals)| (user.to_owned(), known(totals)));
    assert_eq!(by_user(&json(&scratch, &args)), BTreeMap::from(expected));

    let scratch = self::scratch(&[
        ("long", "posts", "09:00:00"),
        ("long", "posts", "09:25:00"),
        ("long", "posts", "09:50:00"),
        ("long", "posts", "10:05:00"),
    ]);
    let args = ["--dwell", "constant:10m", "--max-length", "1h"];
    let report = json(&scratch, &args);
    // 50 minutes and what follows within 15 minutes, then a bounce.
    assert_eq!(
        totals(&report["overall"]),
        known([3_000.0, 4_200.0, 5_700.0])
    );
    let args = ["--dwell", "constant:20m", "--max-length", "1h"];
    let report = json(&scratch, &args);
    assert_eq!(
        totals(&report["overall"]),
        known([3_000.0, 5_100.0, 5_700.0])
    );
}

#[test]
fn open_sessions_have_no_part_in_any_of_it() {
    let rows = [
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:05:00"),
        ("ada", "likes", "12:00:00"),
        ("ada", "likes", "12:01:00"),
    ];
    let scratch = scratch(&rows);
    let args = ["--dwell", "source-median", "--now", "2026-03-02T12:30:00Z"];
    let report = json(&scratch, &args);
    // The second session is open until 12:31; its gap of a minute is none yet.
    assert_eq!(totals(&report["overall"]), known([300.0, 600.0, 2_100.0]));
    assert_eq!(
        report["run"]["dwell"]["sources"].as_array().unwrap().len(),
        1
    );
    let args = ["--dwell", "constant:1m", "--now", "2026-03-02T09:10:00Z"];
    let report = json(&scratch, &args);
    assert_eq!(totals(&report["overall"]), [None; 3]);
    assert_eq!(
        report["overall"]["dwell"]["mean_estimate_seconds"],
        Value::Null
    );
}

#[test]
fn the_median_of_a_source_is_drawn_towards_that_of_all() {
    // After posts: 300, 600 and 180 seconds; after likes: 60. The median of all four is 240.
    let scratch = scratch(&[
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:05:00"),
        ("ada", "likes", "09:15:00"),
        ("ada", "posts", "12:00:00"),
        ("ada", "logins", "12:20:00"),
        ("bob", "posts", "12:00:00"),
        ("bob", "likes", "12:03:00"),
        ("bob", "logouts", "12:04:00"),
        ("cy", "likes", "10:00:00"),
    ]);
    let report = json(&scratch, &["--dwell", "source-median"]);
    let sources = report["run"]["dwell"]["sources"].as_array().unwrap();
    let said: Vec<(&str, u64, Option<f64>, i128)> = sources
        .iter()
        .map(|source| {
            let gaps = source["gaps"].as_u64().unwrap();
            let median = source["median_seconds"].as_f64();
            let name = source["name"].as_str().unwrap();
            (name, gaps, median, micros(&source["dwell_seconds"]))
        })
        .collect();
    // (1 · 60 + 20 · 240) ÷ 21, 240 and (3 · 300 + 20 · 240) ÷ 23.
    let expected = [
        ("likes", 1, Some(60.0), 231_428_571),
        ("logins", 0, None, 240_000_000),
        ("posts", 3, Some(300.0), 247_826_087),
    ];
    assert_eq!(said, expected);
    // Floors of 15 and 4 minutes; last events are two likes, a post and a login; one end.
    let total = 1_140_000_000 + 2 * 231_428_571 + 247_826_087 + 240_000_000;
    let dwell = &report["overall"]["dwell"];
    assert_eq!(micros(&dwell["total_estimate_seconds"]), total);
    assert_eq!(
        totals(&report["overall"])[2],
        Some(1_140.0 + 3.0 * 1_800.0 + 1_200.0)
    );
}

#[test]
fn only_gaps_longer_than_0_inside_sessions_of_the_window_are_looked_at() {
    let scratch = scratch(&[
        // Outside the window: 10 minutes.
        ("ada", "posts", "08:00:00"),
        ("ada", "posts", "08:10:00"),
        // Two events at one instant, then 4 minutes; 31 minutes lie between sessions.
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:04:00"),
        ("ada", "posts", "09:35:00"),
    ]);
    let args = ["--dwell", "source-median", "--from", "2026-03-02T08:30:00Z"];
    let report = json(&scratch, &args);
    let source = &report["run"]["dwell"]["sources"][0];
    assert_eq!(
        (&source["gaps"], &source["dwell_seconds"]),
        (&1.into(), &240.into())
    );
    assert_eq!(totals(&report["overall"]), known([240.0, 720.0, 3_840.0]));
}

#[test]
fn without_a_gap_inside_a_session_nothing_is_estimated() {
    let scratch = scratch(&[("ada", "posts", "09:00:00"), ("bob", "posts", "10:00:00")]);
    let report = json(&scratch, &["--dwell", "source-median"]);
    assert_eq!(totals(&report["overall"]), [Some(0.0), None, Some(3_600.0)]);
    let reason = "no gap longer than 0 lies inside a closed session";
    assert_eq!(report["run"]["dwell"]["refused"], reason);
    let remarks = report["remarks"].to_string();
    assert!(remarks.contains(&format!(
        "Nothing is estimated with --dwell source-median: {reason}."
    )));
    let table = call(&scratch, &["--dwell", "source-median"])
        .run()
        .expect_ok()
        .stdout();
    assert!(
        table.contains("floor 0s, estimate –, ceiling 30m 00s\n"),
        "{table}"
    );
    let csv = call(
        &scratch,
        &["--dwell", "source-median", "--total", "--format", "csv"],
    )
    .run();
    assert!(
        csv.expect_ok()
            .stdout()
            .ends_with(",1800,UTC,,1800,,,3600\n")
    );
}

#[test]
fn without_separable_gaps_the_model_says_so_and_estimates_nothing() {
    let scratch = scratch(&[
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:05:00"),
        ("bob", "posts", "10:00:00"),
    ]);
    let report = json(&scratch, &["--dwell", "model"]);
    assert_eq!(
        totals(&report["overall"]),
        [Some(300.0), None, Some(3_900.0)]
    );
    let refused = &report["run"]["dwell"]["refused"];
    assert!(
        refused.as_str().is_some_and(
            |reason| reason.starts_with("the gaps do not part: ") && !reason.contains(": not ")
        ),
        "{refused}"
    );
    assert!(
        report["remarks"]
            .to_string()
            .contains("Nothing is estimated with --dwell model: ")
    );
}

/// Gaps of a median of a minute, one in five of a median of a day, both with the same spread.
fn visits(seed: u64) -> String {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut csv = "user_id,created_at,kind\n".to_owned();
    for user in 0..150 {
        let mut at = MONDAY;
        for _ in 0..60 {
            writeln!(csv, "{user},{},posts", print_instant(at)).unwrap();
            let median = [60.0, 60.0, 60.0, 60.0, 86_400.0][random.random_range(0..5)];
            // Box and Muller.
            let (one, two): (f64, f64) = (random.random(), random.random());
            let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (two * std::f64::consts::TAU).cos();
            at += (median * (1.2 * normal).exp() * 1e6) as Micros;
        }
    }
    csv
}

#[test]
fn the_model_finds_the_gaps_inside_sessions_and_their_mean() {
    let scratch = Scratch::new();
    scratch.file("events.csv", visits(3));
    let args = ["--dwell", "model", "--now", "2030-01-01", "--threads"];
    let report = json(&scratch, &[&args[..], &["1"]].concat());
    let basis = &report["run"]["dwell"];
    assert_eq!(basis["refused"], Value::Null);
    let within = basis["within"].as_array().unwrap();
    let number = |part: &Value, name: &str| part[name].as_f64().unwrap();
    let components: Vec<LogNormal> = within
        .iter()
        .map(|part| LogNormal {
            weight: number(part, "weight"),
            mu: number(part, "mu"),
            sigma: number(part, "sigma"),
        })
        .collect();
    let length = basis["sources"][0]["dwell_seconds"].as_f64().unwrap();
    assert!(
        (length / integrated(&components, 1_800.0) - 1.0).abs() < 1e-6,
        "{basis}"
    );
    let minute = [LogNormal {
        weight: 1.0,
        mu: 60_f64.ln(),
        sigma: 1.2,
    }];
    assert!(
        (length / integrated(&minute, 1_800.0) - 1.0).abs() < 0.1,
        "{basis}"
    );
    let closed = report["overall"]["closed_sessions"].as_f64().unwrap();
    let [floor, estimate, _] = totals(&report["overall"]);
    assert!((estimate.unwrap() - floor.unwrap() - closed * length).abs() < 1e-3);
    assert_eq!(json(&scratch, &[&args[..], &["3"]].concat()), report);
    let table = call(&scratch, &args[..4]).run().expect_ok().stdout();
    let flat: Vec<&str> = table.split_whitespace().collect();
    assert!(flat.join(" ").contains(" dwell model: "), "{table}");
}

#[test]
fn the_model_looks_at_the_window_whatever_was_read_beside_it() {
    let day = 86_400 * SECOND;
    let (from, to) = (MONDAY + 4 * day, MONDAY + 12 * day);
    let all = visits(3);
    // What a server sends: rows one timeout before the window, and behind it while sessions go on.
    let is_sent = |line: &&str| {
        let at = line.split(',').nth(1).unwrap();
        chrono::DateTime::parse_from_rfc3339(at).is_ok_and(|at| {
            let at = at.timestamp_micros();
            at >= from - 30 * MINUTE && at < to + day
        })
    };
    let sent: Vec<&str> = all.lines().skip(1).filter(is_sent).collect();
    let few = format!("user_id,created_at,kind\n{}\n", sent.join("\n"));
    assert!(sent.len() < 8_000 && sent.len() > 2_000, "{}", sent.len());
    let basis = |log: &str| {
        let scratch = Scratch::new();
        scratch.file("events.csv", log);
        let window = [print_instant(from), print_instant(to)];
        let args = ["--dwell", "model", "--from", &window[0], "--to", &window[1]];
        json(&scratch, &args)["run"]["dwell"].clone()
    };
    let whole = basis(&all);
    assert_eq!(whole["refused"], Value::Null);
    assert_eq!(whole, basis(&few));
}

/// A generated log: user, instant, index of [`ROLES`].
fn generated(seed: u64) -> Vec<(String, Micros, usize)> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut events = Vec::new();
    for user in 0..8 {
        let mut at = MONDAY + random.random_range(0..600) * MINUTE;
        for _ in 0..random.random_range(1..60) {
            let kind = [0, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5][random.random_range(0..11)];
            events.push((format!("user {user}"), at, kind));
            at += match random.random_range(0..12) {
                0 => 0,
                1 => 30 * MINUTE,
                2 => 30 * MINUTE + 1,
                3 => random.random_range(0..3 * 86_400) * SECOND,
                4 => random.random_range(0..30 * MINUTE),
                _ => random.random_range(0..1_800) * SECOND,
            };
        }
    }
    events
}

fn csv(events: &[(String, Micros, usize)]) -> String {
    let mut csv = "user_id,created_at,kind\n".to_owned();
    for (user, at, kind) in events {
        writeln!(csv, "{user},{},{}", print_instant(*at), ROLES[*kind].0).unwrap();
    }
    csv
}

#[test]
fn periods_and_segments_add_up_to_the_whole() {
    for seed in 0..4 {
        let scratch = Scratch::new();
        scratch.file("events.csv", csv(&generated(seed)));
        for dwell in ["constant:7m", "source-median"] {
            for rows in [
                &["--by", "day"][..],
                &["--by", "week"],
                &["--by", "day", "--segment", "source"],
                &["--by", "week", "--segment", "user"],
                &["--segment", "user"],
                &["--segment", "source"],
            ] {
                let args = [&["--dwell", dwell, "--threads", "2", "--cut", "day"], rows].concat();
                let report = json(&scratch, &args);
                for total in ["total_estimate_seconds", "total_ceiling_seconds"] {
                    let rows = report["rows"].as_array().unwrap().iter();
                    let sum: i128 = rows
                        .map(|row| &row["dwell"][total])
                        .filter(|total| !total.is_null())
                        .map(micros)
                        .sum();
                    let whole = micros(&report["overall"]["dwell"][total]);
                    assert_eq!(sum, whole, "seed {seed}, {args:?}, {total}");
                }
            }
        }
    }
}

/// What ends sessions besides gaps and roles, and which of them are reported.
#[derive(Clone, Copy, Debug)]
struct Limits {
    cut_day: bool,
    max_length: Option<Micros>,
    from: Micros,
    to: Micros,
}

impl Limits {
    const NONE: Self = Limits {
        cut_day: false,
        max_length: None,
        from: Micros::MIN,
        to: Micros::MAX,
    };

    fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        let mut push = |words: [String; 2]| flags.extend(words);
        if self.cut_day {
            push(["--cut".to_owned(), "day".to_owned()]);
        }
        if let Some(length) = self.max_length {
            push(["--max-length".to_owned(), format!("{}s", length / SECOND)]);
        }
        if self.from > Micros::MIN {
            push(["--from".to_owned(), print_instant(self.from)]);
            push(["--to".to_owned(), print_instant(self.to)]);
        }
        flags
    }
}

/// The time after last events by a slow loop: total estimate and ceiling in microseconds.
fn second_road(
    events: &[(String, Micros, usize)],
    now: Micros,
    constant: Option<Micros>,
    limits: Limits,
) -> (i128, i128) {
    const TIMEOUT: Micros = 30 * MINUTE;
    let sources: Vec<Source> = ROLES
        .iter()
        .map(|&(name, role)| Source {
            name: name.to_owned(),
            role,
            drop_duplicates: false,
        })
        .collect();
    let all: Vec<Event<'_>> = events
        .iter()
        .map(|(user, at, kind)| Event {
            user,
            at: *at,
            source: &sources[*kind],
        })
        .collect();
    let day_of = |at: Micros| at.div_euclid(86_400 * SECOND);
    let rule = naive::Rule {
        now,
        max_length: limits.max_length,
        day_of: limits.cut_day.then_some(&day_of),
        ..naive::Rule::from_timeout(TIMEOUT)
    };
    let mut sessions = naive::sessions(&all, &rule).sessions;
    sessions.retain(|session| (limits.from..limits.to).contains(&session.start));
    let (mut floor, mut tails) = (0_i128, Vec::new());
    let mut gaps: BTreeMap<usize, Vec<Micros>> = BTreeMap::new();
    for session in sessions.iter().filter(|session| !session.open) {
        let mut own: Vec<(Micros, usize)> = events
            .iter()
            .filter(|event| UserId::from_text(&event.0).to_user() == session.user)
            .map(|event| (event.1, event.2))
            .filter(|event| ROLES[event.1].1 != Role::Ignore)
            .collect();
        // ROLES stand in the order in which they count at one instant.
        own.sort_unstable();
        let inside = |event: &&(Micros, usize)| {
            ROLES[event.1].1 != Role::Expiry && (session.start..=session.end).contains(&event.0)
        };
        let inside: Vec<(Micros, usize)> = own.iter().filter(inside).copied().collect();
        for pair in inside.windows(2).filter(|pair| pair[1].0 > pair[0].0) {
            gaps.entry(pair[0].1)
                .or_default()
                .push(pair[1].0 - pair[0].0);
        }
        let &(_, last) = inside.last().unwrap();
        let next = own.iter().find(|event| {
            event.0 > session.end || event.0 == session.end && ROLES[event.1].1 == Role::Expiry
        });
        let bound = match next {
            _ if ROLES[last].1 == Role::End => 0,
            Some(next) => TIMEOUT.min(next.0 - session.end),
            None => TIMEOUT,
        };
        floor += i128::from(session.end - session.start);
        tails.push((last, bound));
    }
    let mut everything: Vec<Micros> = gaps.values().flatten().copied().collect();
    let global = median(&mut everything);
    let (mut estimate, mut ceiling) = (floor, floor);
    for (last, bound) in tails {
        let dwell = constant.unwrap_or_else(|| {
            let own = gaps.entry(last).or_default();
            let weight = own.len() as f64 / (own.len() as f64 + 20.0);
            let own = if own.is_empty() { global } else { median(own) };
            (weight * own + (1.0 - weight) * global).round() as Micros
        });
        estimate += i128::from(dwell.min(bound));
        ceiling += i128::from(bound);
    }
    (estimate, ceiling)
}

fn median(gaps: &mut [Micros]) -> f64 {
    gaps.sort_unstable();
    let (below, above) = (gaps[(gaps.len() - 1) / 2], gaps[gaps.len() / 2]);
    (below + above) as f64 / 2.0
}

#[test]
fn generated_logs_are_estimated_as_by_a_slow_loop() {
    for seed in 100..130 {
        let events = generated(seed);
        let scratch = Scratch::new();
        scratch.file("events.csv", csv(&events));
        let (first, last) = (
            events.iter().map(|event| event.1).min().unwrap(),
            events.iter().map(|event| event.1).max().unwrap(),
        );
        let now = last - 6 * 60 * MINUTE;
        let all = [
            Limits::NONE,
            Limits {
                cut_day: true,
                ..Limits::NONE
            },
            Limits {
                max_length: Some(45 * MINUTE),
                ..Limits::NONE
            },
            Limits {
                cut_day: true,
                max_length: Some(2 * 60 * MINUTE),
                from: first + (last - first) / 5,
                to: first + (last - first) * 4 / 5,
            },
        ];
        let limits = all[seed as usize % all.len()];
        for (dwell, constant) in [("source-median", None), ("constant:11m", Some(11 * MINUTE))] {
            let instant = print_instant(now);
            let flags = limits.flags();
            let mut args = vec!["--dwell", dwell, "--now", &instant];
            args.extend(flags.iter().map(String::as_str));
            let report = json(&scratch, &args);
            let said = &report["overall"]["dwell"];
            let said =
                ["total_estimate_seconds", "total_ceiling_seconds"].map(|of| micros(&said[of]));
            let (estimate, ceiling) = second_road(&events, now, constant, limits);
            // Medians in seconds and in microseconds may be rounded apart in their last digit.
            let sessions = report["overall"]["closed_sessions"].as_i64().unwrap();
            assert!(
                (said[0] - estimate).abs() <= i128::from(sessions),
                "seed {seed}, {dwell}, {limits:?}"
            );
            if constant.is_some() {
                assert_eq!(said[0], estimate, "seed {seed}, {dwell}, {limits:?}");
            }
            assert_eq!(said[1], ceiling, "seed {seed}, {dwell}, {limits:?}");
        }
    }
}

#[test]
fn gaps_that_do_not_fit_into_memory_have_the_same_medians() {
    let mut random = Pcg64::seed_from_u64(5);
    let mut csv = "user_id,created_at,kind\n".to_owned();
    for user in 0..3_000 {
        let mut at = MONDAY;
        for _ in 0..12 {
            let kind = ["likes", "posts"][random.random_range(0..2)];
            writeln!(csv, "{user},{},{kind}", print_instant(at)).unwrap();
            at += random.random_range(1..20 * MINUTE);
        }
    }
    let scratch = Scratch::new();
    scratch.file("events.csv", csv);
    let of = |bytes: &str, threads: &str| {
        let args = [
            "--dwell",
            "source-median",
            "--format",
            "json",
            "--threads",
            threads,
        ];
        let run = call(&scratch, &args).env("SESSIONIZE_KEEP", bytes).run();
        run.expect_ok().stdout()
    };
    let expected = of("1000000000", "1");
    assert!(expected.contains("\"gaps\":"), "{expected}");
    assert_eq!(of("300000", "1"), expected);
    assert_eq!(of("300000", "3"), expected);
}

/// What is written with these arguments, in every format, with its record.
fn written(arguments: &[&str], environment: Option<&str>, configuration: &str) -> Vec<Vec<u8>> {
    let formats = ["table", "csv", "json", "ndjson", "markdown", "parquet"];
    let scratch = Scratch::new();
    scratch.file("events.csv", csv(&generated(7)));
    scratch.file("sessionize.toml", configuration);
    let mut all = Vec::new();
    for format in formats {
        for rows in [&["--total"][..], &["--segment", "user"]] {
            let args = [arguments, rows, &["--format", format, "-o", "out"]].concat();
            let mut call = call(&scratch, &args);
            if let Some(dwell) = environment {
                call = call.env("SESSIONIZE_DWELL", dwell);
            }
            call.run().expect_ok();
            all.push(scratch.read("out"));
            if scratch.names().contains(&"out.run.json".to_owned()) {
                all.push(scratch.read("out.run.json"));
            }
        }
    }
    all
}

#[test]
fn none_changes_no_byte_of_any_format() {
    let without = written(&[], None, "");
    assert!(
        without
            .iter()
            .all(|bytes| !String::from_utf8_lossy(bytes).contains("estimate"))
    );
    assert_eq!(written(&["--dwell", "none"], None, ""), without);
    assert_eq!(written(&[], Some("none"), ""), without);
    assert_eq!(written(&[], None, "dwell = \"none\"\n"), without);
    // What is typed is stronger than the environment, and that than the configuration.
    let median = "dwell = \"source-median\"\n";
    assert_eq!(
        written(&["--dwell", "none"], Some("model"), median),
        without
    );
    assert_eq!(written(&[], Some("none"), median), without);
    assert_ne!(written(&[], None, median), without);
}

#[test]
fn every_format_shows_floor_estimate_and_ceiling() {
    let scratch = scratch(&[
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:10:00"),
        ("ada", "posts", "11:00:00"),
    ]);
    let said = |format: &str| {
        let args = [
            "--dwell",
            "constant:1m",
            "--by",
            "day",
            "--total",
            "--format",
            format,
        ];
        call(&scratch, &args).run().expect_ok()
    };
    let bounds = "floor 5m 00s, estimate 6m 00s (17% of it estimated), ceiling 35m 00s";
    for format in ["table", "markdown"] {
        let page = said(format).stdout();
        for text in [
            bounds,
            "constant:1m after every last event",
            "floor 10m 00s, estimate 12m 00s",
        ] {
            assert!(page.contains(text), "{format}: {text}: {page}");
        }
        let lines: Vec<&str> = page.lines().collect();
        let header = lines
            .iter()
            .find(|line| line.contains("95% interval"))
            .unwrap();
        assert!(
            header.contains("estimate") && header.contains("ceiling"),
            "{header}"
        );
        let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat.contains("Medians, intervals and changes are those of the floor."),
            "{page}"
        );
    }
    let csv = said("csv").stdout();
    let header = csv.lines().next().unwrap();
    assert!(header.ends_with(
        ",timeout_seconds,time_zone,mean_estimate_seconds,mean_ceiling_seconds,estimated_share,\
         total_estimate_seconds,total_ceiling_seconds"
    ));
    let share = 120.0 / 720.0;
    for row in csv.lines().skip(1) {
        assert!(
            row.ends_with(&format!(",1800,UTC,360,2100,{share},720,4200")),
            "{row}"
        );
    }
    let object = serde_json::json!({
        "mean_estimate_seconds": 360.0, "mean_ceiling_seconds": 2100.0, "estimated_share": share,
        "total_estimate_seconds": 720, "total_ceiling_seconds": 4200,
    });
    let ndjson = said("ndjson").stdout();
    assert_eq!(ndjson.lines().count(), 2);
    for line in ndjson.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["dwell"], object);
    }
    let json: Value = serde_json::from_str(&said("json").stdout()).unwrap();
    assert_eq!(json["overall"]["dwell"], object);
    let bytes: Vec<u8> = said("parquet").stdout;
    scratch.file("out.parquet", bytes);
    let file = std::fs::File::open(scratch.path("out.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().flatten().collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let names: Vec<&String> = row.get_column_iter().map(|(name, _)| name).collect();
        assert_eq!(
            (names.len(), names[23].as_str()),
            (28, "mean_estimate_seconds")
        );
        let numbers: Vec<String> = row
            .get_column_iter()
            .skip(23)
            .map(|(_, field)| field.to_string())
            .collect();
        let numbers: Vec<f64> = numbers
            .iter()
            .map(|number| number.parse().unwrap())
            .collect();
        assert_eq!(numbers, [360.0, 2_100.0, share, 720.0, 4_200.0]);
    }
}

#[test]
fn every_width_has_room_for_floor_estimate_and_ceiling() {
    let scratch = Scratch::new();
    scratch.file("events.csv", csv(&generated(7)));
    for width in ["60", "80", "120"] {
        for rows in [&["--by", "week"][..], &["--by", "day", "--segment", "user"]] {
            let args = [&["--dwell", "constant:1m"], rows].concat();
            let page = call(&scratch, &args).env("COLUMNS", width).run();
            let page = page.expect_ok().stdout();
            let is_header = |line: &&str| line.contains(" mean") && line.contains(" estimate");
            let header = page.lines().find(is_header);
            let header = header.unwrap_or_else(|| panic!("{width}: {page}"));
            assert!(header.contains("ceiling"), "{width}: {page}");
            let widest = page.lines().map(|line| line.chars().count()).max();
            assert!(widest <= width.parse().ok(), "{width}: {page}");
        }
    }
}

#[test]
fn the_headline_and_the_trend_speak_of_the_same_sessions() {
    // Three weeks: sessions of 10 minutes on every day, and a second user to make them complete.
    let mut csv = "user_id,created_at,kind\n".to_owned();
    for day in 0..21 {
        for (user, minutes) in [("ada", 0), ("ada", 10), ("bob", 5), ("bob", 35)] {
            let at = MONDAY + day * 86_400 * SECOND + minutes * MINUTE;
            writeln!(csv, "{user},{},posts", print_instant(at)).unwrap();
        }
    }
    let scratch = Scratch::new();
    scratch.file("events.csv", csv);
    // In the first hour of each day: 10 and 30 minutes, so 20 on average.
    let report = json(&scratch, &["--dwell", "constant:2m", "--compare", "week"]);
    let later = &report["trend"]["later"];
    assert_eq!(later["closed_sessions"], 14);
    assert_eq!(
        totals(later),
        known([14.0 * 1_200.0, 14.0 * 1_320.0, 14.0 * 3_000.0])
    );
    let table = call(&scratch, &["--dwell", "constant:2m", "--compare", "week"]).run();
    let table = table.expect_ok().stdout();
    assert!(
        table.contains("\nfloor 20m 00s, estimate 22m 00s (9% of it estimated), ceiling 50m 00s\n"),
        "{table}"
    );
}

#[test]
fn what_cannot_be_estimated_is_refused() {
    let scratch = scratch(&[("ada", "posts", "09:00:00")]);
    for (dwell, cause) in [
        (
            "half",
            "--dwell \"half\": expected none, constant:30s, source-median or model",
        ),
        (
            "constant",
            "--dwell \"constant\": expected none, constant:30s, source-median or model",
        ),
        (
            "constant:30",
            "--dwell \"constant:30\": duration must be more than 0",
        ),
        (
            "constant:0s",
            "--dwell \"constant:0s\": duration must be more than 0",
        ),
        (
            "constant:31m",
            "--dwell \"constant:31m\": expected at most the timeout, 30m",
        ),
    ] {
        let run = call(&scratch, &["--dwell", dwell]).run();
        run.expect_failure(2).expect_stderr(cause);
        scratch.file(
            "other.toml",
            format!("timeout = \"30m\"\ndwell = \"{dwell}\"\n"),
        );
        let run = call(&scratch, &["--config", "other.toml"]).run();
        run.expect_failure(2)
            .expect_stderr("error[CF-02]: other.toml:2:9: ");
    }
    let args = ["--dwell", "constant:31m", "--timeout", "31m"];
    call(&scratch, &args).run().expect_ok();
    let place = "--dwell estimates means and totals over sessions";
    for command in [
        &["sessions", "events.csv"][..],
        &["explain", "ada", "events.csv"],
    ] {
        let run = |dwell| scratch.sessionize(command).args(["--dwell", dwell]).run();
        run("source-median").expect_failure(2).expect_stderr(place);
        run("none").expect_ok();
        let call = scratch.sessionize(command).env("SESSIONIZE_DWELL", "model");
        call.run().expect_failure(2).expect_stderr(place);
    }
    // A configuration serves every command.
    scratch.file("sessionize.toml", "dwell = \"source-median\"\n");
    scratch.run(["sessions", "events.csv"]).expect_ok();
    let run = call(&scratch, &["--engine", "database"]).run();
    run.expect_failure(2)
        .expect_stderr("--engine database: --dwell looks at the last event of every session");
}

/// ∫ g f(g) dg ÷ ∫ f(g) dg up to the longest gap by the midpoint rule, f being a sum of log-normals.
fn integrated(components: &[LogNormal], longest: f64) -> f64 {
    const STEPS: u32 = 2_000_000;
    let step = longest / f64::from(STEPS);
    let (mut gap_sum, mut sum) = (0.0, 0.0);
    for index in 0..STEPS {
        let gap = (f64::from(index) + 0.5) * step;
        for part in components {
            let z = (gap.ln() - part.mu) / part.sigma;
            let density = part.weight * (-z * z / 2.0).exp() / (gap * part.sigma);
            gap_sum += gap * density;
            sum += density;
        }
    }
    gap_sum / sum
}

#[test]
fn the_expected_gap_of_the_model_is_the_integral() {
    let minute = LogNormal {
        weight: 0.8,
        mu: 60_f64.ln(),
        sigma: 1.2,
    };
    let slow = LogNormal {
        weight: 0.3,
        mu: 900_f64.ln(),
        sigma: 0.7,
    };
    let narrow = LogNormal {
        weight: 1.0,
        mu: 20_f64.ln(),
        sigma: 0.3,
    };
    for (components, longest) in [
        (vec![minute], 1_800),
        (vec![minute], 30),
        (vec![slow], 1_800),
        (vec![narrow], 86_400),
        (vec![minute, slow], 1_800),
    ] {
        let expected = integrated(&components, longest as f64);
        let model = WithinModel { components };
        let said = model.expected_gap(longest * SECOND).unwrap();
        assert!(
            (said / expected - 1.0).abs() < 1e-6,
            "{model:?}: {said} is not {expected}"
        );
    }
    // Without a bound to speak of, the mean of a log-normal.
    let mean = (20_f64.ln() + 0.3_f64 * 0.3 / 2.0).exp();
    let said = WithinModel {
        components: vec![narrow],
    }
    .expected_gap(86_400 * SECOND);
    assert!((said.unwrap() / mean - 1.0).abs() < 1e-12);
    // No gap of this kind is that short.
    let far = LogNormal {
        weight: 1.0,
        mu: 86_400_f64.ln(),
        sigma: 0.1,
    };
    assert_eq!(
        WithinModel {
            components: vec![far]
        }
        .expected_gap(SECOND),
        None
    );
    assert_eq!(
        WithinModel {
            components: Vec::new()
        }
        .expected_gap(SECOND),
        None
    );
}

#[test]
fn known_ends_tell_the_error_before_and_after() {
    // Logouts 1 minute after a post, 4 after a like, and at the instant of a login; the last one
    // was never followed by its logout, and that of an open session does not count yet.
    let rows = [
        ("ada", "posts", "09:00:00"),
        ("ada", "posts", "09:10:00"),
        ("ada", "logouts", "09:11:00"),
        ("bob", "likes", "09:00:00"),
        ("bob", "logouts", "09:04:00"),
        ("cy", "logins", "09:00:00"),
        ("cy", "logouts", "09:00:00"),
        ("dan", "posts", "09:00:00"),
        ("dan", "posts", "09:08:00"),
        ("eve", "posts", "12:00:00"),
        ("eve", "logouts", "12:20:00"),
    ];
    let scratch = scratch(&rows);
    let now = ["--now", "2026-03-02T12:30:00Z"];
    let known = |dwell: &str, more: &[&str]| {
        let report = json(&scratch, &[&["--dwell", dwell], &now[..], more].concat());
        report["run"]["dwell"]["known_ends"].clone()
    };
    // Really 60, 240 and 0 seconds: 100 on average.
    let errors = |known: &Value| {
        let error = |name: &str| known[name].as_f64().unwrap();
        assert_eq!(known["sessions"], 3);
        (error("error_before_seconds"), error("error_after_seconds"))
    };
    assert_eq!(errors(&known("constant:90s", &[])), (-100.0, -10.0));
    assert_eq!(errors(&known("constant:2m", &[])), (-100.0, 20.0));
    // After posts 600, 60 and 480 seconds, after likes 240; the median of all is 360.
    let (posts, likes) = (
        (3.0 * 480.0 + 20.0 * 360.0) / 23.0,
        (240.0 + 20.0 * 360.0) / 21.0,
    );
    let (before, after) = errors(&known("source-median", &[]));
    assert_eq!(before, -100.0);
    assert!(
        (after - ((posts + likes + 360.0) / 3.0 - 100.0)).abs() < 1e-5,
        "{after}"
    );
    // Nothing to compare, or nothing to compare with.
    assert_eq!(known("model", &[]), Value::Null);
    assert_eq!(known("constant:2m", &["--from", "2026-03-03"]), Value::Null);
    let said = |dwell: &str| {
        let page = call(&scratch, &[&["--dwell", dwell], &now[..]].concat()).run();
        let page = page.expect_ok().stdout();
        page.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let ends = "known ends 3 sessions closed by an end, on average 1m 40s after the event before \
                it; the dwell there would be";
    for (dwell, words) in [
        ("constant:90s", "1m 30s, 10s too short"),
        ("constant:2m", "2m 00s, 20s too long"),
        ("constant:100s", "1m 40s, the same"),
    ] {
        let page = said(dwell);
        assert!(page.contains(&format!("{ends} {words}")), "{page}");
    }
    assert!(!said("model").contains("known ends"));
}
