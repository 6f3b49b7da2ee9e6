//! Other systems' rules (`--compat`): the golden vectors of the field, each peculiarity worked out
//! by hand, laws, and a small loop per system that agrees with the program on generated logs.

use std::collections::BTreeMap;

use clap::Parser;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use sessionize::cli::Cli;
use sessionize::settings::Settings;

use crate::harness::{Call, Scratch};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// 2026-03-02T12:00:00Z, a Monday noon.
const NOON: i64 = 1_772_452_800 * SECOND;

/// Those that take a gap equal to the timeout into the session, and measure it exactly.
const JOINING: [&str; 4] = ["spark", "flink", "mixpanel", "retentioneering"];
/// Those that split there.
const SPLITTING: [&str; 5] = ["matomo", "kusto", "reconstructr", "mwsessions", "git-hours"];

/// Every system.
const ALL: [&str; 12] = [
    "spark",
    "flink",
    "segment",
    "rudder",
    "matomo",
    "mixpanel",
    "kusto",
    "reconstructr",
    "mwsessions",
    "git-hours",
    "retentioneering",
    "daily-span",
];

/// A session as it is listed; times in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    user: String,
    start: i64,
    end: i64,
    duration: i64,
    events: u64,
}

/// An instant as the log writes it, with six fraction digits.
fn instant(at: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at).expect("it is a time");
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn micros(text: &str) -> i64 {
    let at = chrono::DateTime::parse_from_rfc3339(text).expect("it is an instant");
    at.timestamp_micros()
}

/// A folder with `log.csv` of these events.
fn log<'a>(events: impl IntoIterator<Item = (&'a str, i64)>) -> Scratch {
    let scratch = Scratch::new();
    let mut text = "user_id,at\n".to_owned();
    for (user, at) in events {
        text += &format!("{user},{}\n", instant(at));
    }
    scratch.file("log.csv", text);
    scratch
}

/// One user's events at these offsets from noon.
fn ada(offsets: &[i64]) -> Scratch {
    log(offsets.iter().map(|offset| ("ada", NOON + offset)))
}

/// A call long after all events.
fn call(scratch: &Scratch, command: &str, flags: &[&str]) -> Call {
    let call = scratch.sessionize([command, "log.csv", "--now", "2027-01-01T00:00:00Z"]);
    call.args(flags.iter().copied())
}

/// The sessions that the program lists.
fn listed(scratch: &Scratch, flags: &[&str]) -> Vec<Listed> {
    let outcome = call(scratch, "sessions", flags)
        .args(["--format", "csv"])
        .run();
    let text = outcome.expect_ok().stdout();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.expect("it is a row");
        let seconds: f64 = row[4].parse().expect("seconds are a number");
        Listed {
            user: row[1].to_owned(),
            start: micros(&row[2]),
            end: micros(&row[3]),
            duration: (seconds * 1e6).round() as i64,
            events: row[5].parse().expect("events are a number"),
        }
    });
    rows.collect()
}

fn compat<'a>(system: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["--compat", system], flags].concat()
}

/// Start and end after noon, duration and events of each session; seconds.
fn around_noon(scratch: &Scratch, flags: &[&str]) -> Vec<(f64, f64, f64, u64)> {
    let seconds = |micros: i64| micros as f64 / 1e6;
    let sessions = listed(scratch, flags).into_iter();
    let around = sessions.map(|session| {
        let (start, end) = (session.start - NOON, session.end - NOON);
        let duration = seconds(session.duration);
        (seconds(start), seconds(end), duration, session.events)
    });
    around.collect()
}

/// Text without the breaks and the margins of its lines.
fn joined(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// The report as JSON.
fn report(scratch: &Scratch, flags: &[&str]) -> Value {
    let call = call(scratch, "report", flags).args(["--format", "json"]);
    serde_json::from_str(&call.run().expect_ok().stdout()).expect("it is JSON")
}

#[test]
fn the_golden_vectors_give_what_each_system_gives() {
    // Offsets in seconds; sessions by our rule, of those that join, of those that split, of Rudder.
    let vectors: [(&[i64], [usize; 4]); 7] = [
        (&[0, 1799], [1, 1, 1, 1]),
        (&[0, 1800], [1, 1, 2, 1]),
        (&[0, 1801], [2, 2, 2, 1]),
        (&[0, 1859], [2, 2, 2, 1]),
        (&[0, 1860], [2, 2, 2, 2]),
        (&[0, 0, 0], [1, 1, 1, 1]),
        (&[1700, 0], [1, 1, 1, 1]),
    ];
    let names: Vec<String> = (0..vectors.len())
        .map(|place| format!("v{place}"))
        .collect();
    let events = names.iter().zip(&vectors).flat_map(|(name, (offsets, _))| {
        let at = offsets.iter().map(|offset| NOON + offset * SECOND);
        at.map(|at| (name.as_str(), at))
    });
    let scratch = log(events);
    let counts = |flags: &[&str]| -> Vec<usize> {
        let sessions = listed(&scratch, flags);
        let count = |name: &String| {
            let own = sessions.iter().filter(|listed| listed.user == *name);
            own.count()
        };
        names.iter().map(count).collect()
    };
    let expected = |column: usize| -> Vec<usize> {
        let columns = vectors.iter().map(|(_, counts)| counts[column]);
        columns.collect()
    };
    assert_eq!(counts(&[]), expected(0));
    for system in JOINING.into_iter().chain(["segment"]) {
        assert_eq!(counts(&compat(system, &[])), expected(1), "{system}");
    }
    for system in SPLITTING {
        assert_eq!(counts(&compat(system, &[])), expected(2), "{system}");
    }
    assert_eq!(counts(&compat("rudder", &[])), expected(3));
    assert_eq!(counts(&compat("daily-span", &[])), [1; 7]);
    let duplicates = &listed(&scratch, &[])[8];
    assert_eq!(
        (
            duplicates.user.as_str(),
            duplicates.duration,
            duplicates.events
        ),
        ("v5", 0, 3)
    );
    assert_eq!(report(&scratch, &[])["run"]["rows"]["duplicates"], 2);
}

#[test]
fn spark_and_flink_end_one_timeout_after_the_last_event() {
    let scratch = ada(&[0, 2 * MINUTE, 4 * HOUR]);
    for system in ["spark", "flink"] {
        assert_eq!(
            around_noon(&scratch, &compat(system, &[])),
            [(0.0, 1920.0, 1920.0, 2), (14_400.0, 16_200.0, 1800.0, 1)]
        );
        let report = report(&scratch, &compat(system, &["--segment", "user", "--total"]));
        let overall = &report["overall"];
        assert_eq!(overall["mean_duration_seconds"], 1860.0);
        assert_eq!(overall["median_duration_seconds"], 1860.0);
        assert_eq!(overall["total_duration_seconds"], 3720);
        assert_eq!(overall["mean_duration_without_bounces_seconds"], 1920.0);
        assert_eq!(overall["bounce_rate"], 0.5);
        let row = &report["rows"][0];
        assert_eq!(row["mean_duration_without_bounces_seconds"], 1920.0);
        let own = &report["run"]["own_rule"];
        assert_eq!(own["mean_duration_seconds"], 60.0);
        assert_eq!(own["mean_ratio"], 31.0);
        let durations = report["run"]["durations"].as_str();
        assert!(durations.is_some_and(|text| text.starts_with("no lower bound")));
    }
    let hour = compat("spark", &["--timeout", "1h"]);
    assert_eq!(around_noon(&scratch, &hour)[1].2, 3600.0);
}

#[test]
fn an_end_that_is_later_leaves_open_what_our_own_rule_says() {
    // The last event lies 31 minutes before now: closed, though Spark's end of it would be past now
    // with a timeout of an hour.
    let scratch = ada(&[0]);
    let open = |flags: &[&str], now: &str| {
        let call = scratch.sessionize(["sessions", "log.csv", "--format", "csv"]);
        let text = call.args(["--now", now]).args(flags).run().expect_ok();
        text.stdout().contains(",true")
    };
    for system in ["spark", "rudder", "git-hours", "daily-span"] {
        let flags = compat(system, &[]);
        assert!(open(&flags, "2026-03-02T12:29:59Z"), "{system}");
        assert!(!open(&flags, "2026-03-02T12:31:00Z"), "{system}");
    }
}

#[test]
fn mixpanel_and_matomo_cut_at_the_midnight_of_the_reports_zone() {
    // In Kathmandu midnight is 18:15 in UTC.
    let six_hours = 6 * HOUR;
    let offsets = [
        six_hours + 14 * MINUTE,
        six_hours + 15 * MINUTE - 1,
        six_hours + 15 * MINUTE,
        six_hours + 16 * MINUTE,
        12 * HOUR - MINUTE,
        12 * HOUR + MINUTE,
    ];
    let scratch = ada(&offsets);
    for system in ["mixpanel", "matomo"] {
        let starts = |zone: &str| -> Vec<f64> {
            let flags = compat(system, &["--timezone", zone]);
            let sessions = around_noon(&scratch, &flags).into_iter();
            sessions.map(|session| session.0).collect()
        };
        let late = [22_500.0, 43_140.0];
        assert_eq!(starts("Asia/Kathmandu"), [&[22_440.0], &late[..]].concat());
        assert_eq!(starts("+05:45"), [&[22_440.0], &late[..]].concat());
        assert_eq!(starts("UTC"), [22_440.0, 43_140.0, 43_260.0]);
    }
}

#[test]
fn mixpanel_cuts_after_24_hours_on_a_day_of_25() {
    // In Berlin 2026-10-25 lasts from 22:00 UTC for 25 hours. An event each 25 minutes: the 58th gap
    // ends 1450 minutes after the start, more than the 1440 of 24 hours.
    let midnight = micros("2026-10-24T22:00:00Z");
    let scratch = log((0..60).map(|place| ("ada", midnight + place * 25 * MINUTE)));
    let berlin = ["--timezone", "Europe/Berlin"];
    let sessions = listed(&scratch, &compat("mixpanel", &berlin));
    let events: Vec<u64> = sessions.iter().map(|session| session.events).collect();
    assert_eq!(events, [58, 2]);
    assert_eq!(sessions[0].duration, 57 * 25 * MINUTE);
    assert_eq!(sessions[1].start, micros("2026-10-25T22:10:00Z"));
    assert_eq!(listed(&scratch, &compat("matomo", &berlin)).len(), 1);
}

#[test]
fn kusto_measures_its_cap_from_the_first_event_and_splits_at_equality() {
    let scratch = ada(&[0, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE, 61 * MINUTE]);
    let capped = ["--max-length", "1h"];
    assert_eq!(
        around_noon(&scratch, &compat("kusto", &capped)),
        [(0.0, 2400.0, 2400.0, 3), (3600.0, 3660.0, 60.0, 2)]
    );
    assert_eq!(
        around_noon(&scratch, &capped),
        [(0.0, 3600.0, 3600.0, 4), (3660.0, 3660.0, 0.0, 1)]
    );
    assert_eq!(around_noon(&scratch, &compat("kusto", &[])).len(), 1);
}

#[test]
fn rudder_joins_below_31_minutes_and_counts_whole_minutes() {
    let minutes_31 = 31 * MINUTE;
    let count = |gap: i64, timeout: &str| {
        let flags = compat("rudder", &["--timeout", timeout]);
        listed(&ada(&[0, gap]), &flags).len()
    };
    assert_eq!(count(minutes_31 - SECOND, "30m"), 1);
    assert_eq!(count(minutes_31 - 1, "30m"), 1);
    assert_eq!(count(minutes_31, "30m"), 2);
    // One whole minute is not more than 90 seconds, two are.
    assert_eq!(count(119 * SECOND, "90s"), 1);
    assert_eq!(count(120 * SECOND, "90s"), 2);
    let last = |offset: i64| [4 * HOUR, 4 * HOUR + offset];
    let scratch = ada(&[&[0, 59 * SECOND + 999_999], &last(119 * SECOND)[..]].concat());
    assert_eq!(
        around_noon(&scratch, &compat("rudder", &[])),
        [(0.0, 59.999_999, 0.0, 2), (14_400.0, 14_519.0, 60.0, 2)]
    );
    let overall = &report(&scratch, &compat("rudder", &[]))["overall"];
    assert_eq!(overall["total_duration_seconds"], 60);
    assert_eq!(overall["mean_duration_seconds"], 30.0);
    assert_eq!(overall["bounce_rate"], 0.0);
}

#[test]
fn a_median_that_rudder_cut_to_0_is_not_said_to_be_one_instant() {
    let scratch = ada(&[0, 59 * SECOND]);
    let text = call(&scratch, "report", &compat("rudder", &[]))
        .run()
        .expect_ok();
    let text = text.stdout();
    assert!(
        text.contains("most sessions last less than one whole minute"),
        "{text}"
    );
    assert!(!text.contains("one instant"), "{text}");
}

#[test]
fn segment_counts_the_seconds_that_a_clock_ticked() {
    let of =
        |first: i64, gap: i64| around_noon(&ada(&[first, first + gap]), &["--compat", "segment"]);
    let gap = 1800 * SECOND + 100_000;
    assert_eq!(of(950_000, gap).len(), 2);
    assert_eq!(of(50_000, gap), [(0.05, 1800.15, 1800.0, 2)]);
    assert_eq!(of(0, 1801 * SECOND).len(), 2);
    assert_eq!(of(0, 1801 * SECOND - 1).len(), 1);
    assert_eq!(of(1, 1801 * SECOND - 1).len(), 2);
    assert_eq!(of(900_000, 200_000), [(0.9, 1.1, 1.0, 2)]);
    assert_eq!(of(0, 999_999), [(0.0, 0.999_999, 0.0, 2)]);
}

#[test]
fn git_hours_adds_two_hours_after_a_break_and_never_to_a_first_session() {
    let offsets = [0, 10 * MINUTE, 3 * HOUR, 3 * HOUR + 5 * MINUTE, 8 * HOUR];
    let adas = offsets.iter().map(|offset| ("ada", NOON + offset));
    let scratch = log(adas.chain([("bob", NOON)]));
    let durations = |flags: &[&str]| -> Vec<i64> {
        let sessions = listed(&scratch, &compat("git-hours", flags));
        sessions
            .iter()
            .map(|session| session.duration / SECOND)
            .collect()
    };
    assert_eq!(durations(&[]), [600, 7500, 7200, 0]);
    // A session before the window is still a first session.
    assert_eq!(durations(&["--from", "2026-03-02T14:00:00Z"]), [7500, 7200]);
    // A break of exactly the timeout is one: 170 minutes from 12:10 to 15:00.
    assert_eq!(durations(&["--timeout", "170m"]), [600, 7500, 7200, 0]);
    assert_eq!(durations(&["--timeout", "171m"]), [11_100, 7200, 0]);
    let report = report(&scratch, &compat("git-hours", &["--segment", "user"]));
    assert_eq!(report["rows"][0]["total_duration_seconds"], 15_300);
    assert_eq!(report["rows"][1]["total_duration_seconds"], 0);
    // Two bounces of Ada and Bob leave 600 and 7500 seconds in two sessions.
    let longer = &report["overall"]["mean_duration_without_bounces_seconds"];
    assert_eq!(*longer, 4050.0);
}

#[test]
fn the_daily_span_says_by_how_much_it_overstates() {
    // Noon to 12:10, and 16:00 to 16:20: 30 minutes in two sessions, a span of 4h 20m.
    let offsets = [0, 10 * MINUTE, 4 * HOUR, 4 * HOUR + 20 * MINUTE];
    let scratch = ada(&offsets);
    let flags = compat("daily-span", &[]);
    assert_eq!(
        around_noon(&scratch, &flags),
        [(0.0, 15_600.0, 15_600.0, 4)]
    );
    let report = report(&scratch, &flags);
    let own = &report["run"]["own_rule"];
    assert_eq!(own["sessions"], 2);
    assert_eq!(own["open_sessions"], 0);
    assert_eq!(own["mean_duration_seconds"], 900.0);
    assert_eq!(own["total_duration_seconds"], 1800);
    assert_eq!(own["sessions_ratio"], 0.5);
    assert_eq!(own["mean_ratio"], 15_600.0 / 900.0);
    assert_eq!(own["total_ratio"], 15_600.0 / 1800.0);
    for format in ["table", "markdown"] {
        let flags = compat("daily-span", &["--format", format]);
        let text = call(&scratch, "report", &flags).run();
        let text = joined(&text.expect_ok().stdout());
        for part in [
            "mean 15m 00s, 2 sessions of 1 user, total 30m 00s",
            "daily-span has 0.500 times the sessions, 17.333 times the mean and 8.667 times the total (4h 20m):",
            "it overstates the mean by 1633% and the total by 767%",
        ] {
            assert!(text.contains(part), "{format} lacks {part}:\n{text}");
        }
    }
}

#[test]
fn the_daily_span_knows_days_of_the_zone_and_neither_timeout_nor_logins() {
    let scratch = ada(&[-HOUR, 5 * HOUR, 6 * HOUR + 15 * MINUTE, 13 * HOUR]);
    let span = |flags: &[&str]| around_noon(&scratch, &compat("daily-span", flags));
    let utc = [
        (-3600.0, 22_500.0, 26_100.0, 3),
        (46_800.0, 46_800.0, 0.0, 1),
    ];
    assert_eq!(span(&[]), utc);
    assert_eq!(span(&["--timeout", "1s"]), utc);
    assert_eq!(span(&["--cut", "day"]), utc);
    for role in ["log=start", "log=end"] {
        assert_eq!(span(&["--role", role]), utc, "{role}");
    }
    let kathmandu = [
        (-3600.0, 18_000.0, 21_600.0, 2),
        (22_500.0, 46_800.0, 24_300.0, 2),
    ];
    assert_eq!(span(&["--timezone", "Asia/Kathmandu"]), kathmandu);
    // The day began before the window, so that the window has none of its sessions.
    let from = |from: &str| span(&["--from", from]).len();
    assert_eq!(from("2026-03-02T11:00:00Z"), 2);
    assert_eq!(from("2026-03-02T11:00:01Z"), 1);
    let expired = scratch.sessionize(["sessions", "log.csv", "expired.csv", "--format", "csv"]);
    scratch.file(
        "expired.csv",
        format!("user_id,at\nada,{}\n", instant(NOON)),
    );
    let expired = expired
        .args(["--role", "expired=expiry", "--compat", "daily-span"])
        .args(["--now", "2027-01-01"]);
    assert_eq!(expired.run().expect_ok().stdout().lines().count(), 3);
    let explained = scratch.sessionize(["explain", "ada", "log.csv", "expired.csv"]);
    let explained = explained
        .args(["--role", "expired=expiry", "--compat", "daily-span"])
        .args(["--now", "2027-01-01"]);
    let text = explained.run().expect_ok().stdout();
    assert!(text.contains("closes none: it is no event"), "{text}");
}

#[test]
fn a_total_that_the_daily_span_loses_over_midnight_is_understated() {
    // 23:50 to 00:10 is one session of 20 minutes, and two days of nothing.
    let scratch = ada(&[12 * HOUR - 10 * MINUTE, 12 * HOUR + 10 * MINUTE]);
    let text = call(&scratch, "report", &compat("daily-span", &[])).run();
    let text = joined(&text.expect_ok().stdout());
    let difference = "daily-span has 2.000 times the sessions, 0.000 times the mean and 0.000 \
                      times the total (0s): it understates the mean by 100% and the total by 100%";
    assert!(text.contains(difference), "{text}");
}

#[test]
fn rules_that_agree_are_said_to() {
    // Also where there is no time to be a multiple of.
    for offsets in [&[0, 10 * MINUTE][..], &[0]] {
        for system in ["kusto", "daily-span"] {
            let text = call(&ada(offsets), "report", &compat(system, &[])).run();
            let text = joined(&text.expect_ok().stdout());
            let agreement = format!("none: {system} has the same sessions, mean and total");
            assert!(text.contains(&agreement), "{text}");
        }
    }
}

#[test]
fn a_difference_from_nothing_is_said_in_durations() {
    // Two bounces an hour apart; by our rule nobody stayed.
    let scratch = ada(&[0, HOUR]);
    let said = |system: &str| {
        let text = call(&scratch, "report", &compat(system, &[])).run();
        joined(&text.expect_ok().stdout())
    };
    for (system, difference) in [
        (
            "daily-span",
            "daily-span has 0.500 times the sessions, a mean of 1h 00m instead of 0s and a total \
             of 1h 00m instead of 0s",
        ),
        (
            "spark",
            "spark has the same sessions, a mean of 30m 00s instead of 0s and a total of 1h 00m \
             instead of 0s",
        ),
        (
            "git-hours",
            "git-hours has the same sessions, a mean of 1h 00m instead of 0s and a total of 2h 00m \
             instead of 0s",
        ),
    ] {
        let text = said(system);
        assert!(text.contains(difference), "{text}");
    }
    let own = &report(&scratch, &compat("spark", &[]))["run"]["own_rule"];
    assert_eq!(own["mean_duration_seconds"], 0.0);
    assert!(own["mean_ratio"].is_null() && own["total_ratio"].is_null());
}

#[test]
fn a_server_is_asked_for_all_that_the_other_rule_looks_back_to() {
    let window = |system: &str| {
        let day = ["sessionize", "--from", "2026-03-02", "--to", "2026-03-02"];
        let more = ["--compat", system, "--timeout", "30m"];
        let cli = Cli::try_parse_from(day.into_iter().chain(more)).expect("it is a call");
        let inputs = ["postgres://ro@db.example/app".into()];
        let settings = Settings::of_flags(&cli.flags, &inputs, NOON).expect("it is valid");
        let window = settings.import.window;
        (window.from.map(|from| from - NOON), window.timeout)
    };
    let midnight = -12 * HOUR;
    for system in JOINING.into_iter().chain(SPLITTING) {
        let expected = match system {
            "mixpanel" | "git-hours" => (None, 30 * MINUTE),
            _ => (Some(midnight - 30 * MINUTE), 30 * MINUTE),
        };
        assert_eq!(window(system), expected, "{system}");
    }
    let longer = |gap: i64| (Some(midnight - gap), gap);
    assert_eq!(window("rudder"), longer(31 * MINUTE));
    assert_eq!(window("segment"), longer(30 * MINUTE + SECOND));
    assert_eq!(window("daily-span"), (None, 2 * DAY));
}

/// A small generator, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Some users' events, by user and time, with these gaps.
fn generated(seed: u64, gaps: &[i64]) -> BTreeMap<String, Vec<i64>> {
    generated_after(NOON, seed, gaps)
}

fn generated_after(earliest: i64, seed: u64, gaps: &[i64]) -> BTreeMap<String, Vec<i64>> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let users = (0..25).map(|number| {
        let mut at = earliest + random.below(86_400_000) as i64 * 1000;
        let mut events = vec![at];
        for _ in 0..random.below(30) {
            at += gaps[random.below(gaps.len())];
            events.push(at);
        }
        (format!("user-{number:02}"), events)
    });
    users.collect()
}

/// Gaps around what decides, many of them exactly there.
const EDGES: [i64; 20] = [
    0,
    0,
    1,
    200_000,
    10 * SECOND,
    59 * SECOND + 999_999,
    MINUTE,
    1800 * SECOND - 1,
    1800 * SECOND,
    1800 * SECOND,
    1800 * SECOND,
    1800 * SECOND + 1,
    1800 * SECOND + 100_000,
    1801 * SECOND,
    1859 * SECOND + 999_999,
    1860 * SECOND,
    2 * HOUR,
    3 * HOUR,
    DAY,
    DAY + 1,
];

fn scratch_of(users: &BTreeMap<String, Vec<i64>>) -> Scratch {
    let events = users
        .iter()
        .flat_map(|(user, events)| events.iter().rev().map(move |at| (user.as_str(), *at)));
    log(events)
}

/// The local day in a zone 5h 45m before UTC.
fn day_in_kathmandu(at: i64) -> i64 {
    (at + 5 * HOUR + 45 * MINUTE).div_euclid(DAY)
}

/// The second road: the sessions of one system, event by event, 30 minutes of timeout, days as the
/// zone has them, and Kusto with a cap of two hours.
fn by_hand(
    system: &str,
    users: &BTreeMap<String, Vec<i64>>,
    day: impl Fn(i64) -> i64,
) -> Vec<Listed> {
    let timeout = 30 * MINUTE;
    let mut all = Vec::new();
    for (user, events) in users {
        let mut runs: Vec<Vec<i64>> = Vec::new();
        for &at in events {
            let joins = runs.last().is_some_and(|run| {
                let (first, last) = (run[0], run[run.len() - 1]);
                let gap = at - last;
                match system {
                    "segment" => at / SECOND - last / SECOND <= 1800,
                    "rudder" => gap / MINUTE <= 30,
                    "matomo" => gap < timeout && day(at) == day(last),
                    "mixpanel" => gap <= timeout && day(at) == day(last) && at - first <= 24 * HOUR,
                    "kusto" => gap < timeout && at - first < 2 * HOUR,
                    "reconstructr" | "mwsessions" | "git-hours" => gap < timeout,
                    "daily-span" => day(at) == day(last),
                    _ => gap <= timeout,
                }
            });
            match runs.last_mut().filter(|_| joins) {
                Some(run) => run.push(at),
                None => runs.push(vec![at]),
            }
        }
        for (place, run) in runs.iter().enumerate() {
            let (start, last) = (run[0], run[run.len() - 1]);
            let (end, duration) = match system {
                "spark" | "flink" => (last + timeout, last + timeout - start),
                "segment" => (last, (last / SECOND - start / SECOND) * SECOND),
                "rudder" => (last, (last - start) / MINUTE * MINUTE),
                "git-hours" if place > 0 => (last, last - start + 2 * HOUR),
                _ => (last, last - start),
            };
            all.push(Listed {
                user: user.clone(),
                start,
                end,
                duration,
                events: run.len() as u64,
            });
        }
    }
    all
}

#[test]
fn a_small_loop_per_system_agrees_with_the_program() {
    for seed in 1..=4 {
        let users = generated(seed, &EDGES);
        let scratch = scratch_of(&users);
        for system in ALL {
            let mut flags = compat(system, &["--timezone", "+05:45"]);
            if system == "kusto" {
                flags.extend(["--max-length", "2h"]);
            }
            let expected = by_hand(system, &users, day_in_kathmandu);
            assert_eq!(listed(&scratch, &flags), expected, "{system}, {seed}");
            let total: i64 = expected.iter().map(|session| session.duration).sum();
            let overall = &report(&scratch, &flags)["overall"];
            assert_eq!(overall["sessions"], expected.len(), "{system}, {seed}");
            let seconds = overall["total_duration_seconds"].as_f64();
            assert_eq!(seconds, Some(total as f64 / 1e6), "{system}, {seed}");
            let mut durations: Vec<i64> = expected.iter().map(|one| one.duration).collect();
            durations.sort_unstable();
            let middle = durations.len() / 2;
            let median = match durations.len() % 2 {
                0 => (durations[middle - 1] + durations[middle]) as f64 / 2e6,
                _ => durations[middle] as f64 / 1e6,
            };
            let found = overall["median_duration_seconds"].as_f64();
            let found = found.expect("there are sessions");
            assert!(
                (found - median).abs() < 1e-6,
                "{system}, {seed}: {found} {median}"
            );
            let longer = expected.iter().filter(|session| session.events > 1);
            let longer: Vec<f64> = longer
                .map(|session| session.duration as f64 / 1e6)
                .collect();
            let mean = longer.iter().sum::<f64>() / longer.len() as f64;
            let found = overall["mean_duration_without_bounces_seconds"].as_f64();
            let found = found.expect("there are sessions of several events");
            assert!(
                (found - mean).abs() < 1e-6 * mean,
                "{system}, {seed}: {found} {mean}"
            );
        }
    }
}

#[test]
fn days_of_23_and_25_hours_and_one_without_a_midnight_end_where_the_zone_ends_them() {
    // Berlin's last days of winter and of summer time; in Sao Paulo the clock went from 23:59:59
    // on 2018-11-03 to 01:00 on the day after.
    let changes = [
        ("Europe/Berlin", "2026-03-29T01:00:00Z", [1, 2]),
        ("Europe/Berlin", "2026-10-25T01:00:00Z", [2, 1]),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z", [-3, -2]),
    ];
    // Short of a minute, so that many events come close to every midnight.
    let gaps = [MINUTE - 1, 29 * MINUTE, 1800 * SECOND, 20 * MINUTE, HOUR];
    for (seed, (zone, change, [before, after])) in changes.into_iter().enumerate() {
        let change = micros(change);
        let day = |at: i64| {
            let offset = if at < change { before } else { after };
            (at + offset * HOUR).div_euclid(DAY)
        };
        let users = generated_after(change - DAY / 2, seed as u64 + 20, &gaps);
        let scratch = scratch_of(&users);
        for system in ["matomo", "mixpanel", "daily-span"] {
            let flags = compat(system, &["--timezone", zone]);
            let expected = by_hand(system, &users, day);
            let past = expected.iter().filter(|listed| listed.start >= change);
            let past = past.count();
            assert!(past > 5 && past < expected.len(), "{zone} {system}");
            assert_eq!(listed(&scratch, &flags), expected, "{zone} {system}");
        }
    }
}

/// A call with logins, logouts and expiries beside the log, after some of its events.
fn with_roles(users: &BTreeMap<String, Vec<i64>>) -> Scratch {
    let scratch = scratch_of(users);
    for (place, file) in ["logins", "logouts", "ran-out"].into_iter().enumerate() {
        let mut text = "user_id,at\n".to_owned();
        for (user, events) in users {
            for at in events.iter().skip(place).step_by(5) {
                let after = at + (3 + 2 * place as i64) * MINUTE;
                text += &format!("{user},{}\n", instant(after));
            }
        }
        scratch.file(format!("{file}.csv"), text);
    }
    scratch
}

const ROLES: [&str; 9] = [
    "logins.csv",
    "logouts.csv",
    "ran-out.csv",
    "--role",
    "logins=start",
    "--role",
    "logouts=end",
    "--role",
    "ran-out=expiry",
];

#[test]
fn starts_ends_and_expiries_do_what_they_do_by_our_own_rule() {
    // No gap, nor one from or to a login, a logout or an expiry, comes near what decides.
    let gaps = [MINUTE, 11 * MINUTE, 19 * MINUTE, 3 * HOUR, 26 * HOUR];
    let scratch = with_roles(&generated(5, &gaps));
    let of = |flags: &[&str]| listed(&scratch, &[&ROLES[..], flags].concat());
    let (own, cut) = (of(&[]), of(&["--cut", "day"]));
    assert!(own != cut && own.len() > 100, "{}", own.len());
    let starts = |sessions: &[Listed]| -> Vec<(String, i64, u64)> {
        let sessions = sessions.iter();
        let starts = sessions.map(|listed| (listed.user.clone(), listed.start, listed.events));
        starts.collect()
    };
    for system in ALL {
        let theirs = of(&["--compat", system]);
        match system {
            "retentioneering" | "kusto" | "reconstructr" | "mwsessions" => {
                assert_eq!(theirs, own, "{system}");
            }
            "mixpanel" | "matomo" => assert_eq!(theirs, cut, "{system}"),
            "daily-span" => assert!(starts(&theirs) != starts(&cut)),
            _ => assert_eq!(starts(&theirs), starts(&own), "{system}"),
        }
    }
}

#[test]
fn a_window_picks_the_sessions_that_start_in_it_and_changes_none() {
    let scratch = with_roles(&generated(6, &EDGES));
    let (from, to) = (NOON + 9 * HOUR, NOON + 3 * DAY + HOUR + 1);
    let window = [instant(from), instant(to)];
    let window = ["--from", &window[0], "--to", &window[1]];
    for system in ALL {
        let flags = [&ROLES[..], &["--compat", system]].concat();
        let mut expected = listed(&scratch, &flags);
        let all = expected.len();
        expected.retain(|session| (from..to).contains(&session.start));
        assert!(!expected.is_empty() && expected.len() < all, "{system}");
        let found = listed(&scratch, &[&flags[..], &window].concat());
        assert_eq!(found, expected, "{system}");
    }
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_a_byte() {
    let users = generated(11, &EDGES);
    let text = |scratch: &Scratch, system: &str, command: &str, threads: &str| {
        let flags = compat(system, &["--threads", threads, "--format", "json"]);
        call(scratch, command, &flags).run().expect_ok().stdout
    };
    let backwards = scratch_of(&users);
    let events = users.iter().rev();
    let forwards =
        log(events.flat_map(|(user, all)| all.iter().map(move |at| (user.as_str(), *at))));
    for system in ALL {
        for command in ["report", "sessions"] {
            let one = text(&backwards, system, command, "1");
            assert!(
                one == text(&backwards, system, command, "8"),
                "{system} {command}"
            );
            assert!(
                one == text(&forwards, system, command, "3"),
                "{system} {command}"
            );
        }
    }
}

#[test]
fn away_from_equality_and_midnight_all_that_measure_exactly_make_our_sessions() {
    let gaps = [
        0,
        SECOND,
        7 * MINUTE,
        1799 * SECOND,
        1861 * SECOND,
        3 * HOUR,
    ];
    let users = generated(7, &gaps);
    let scratch = scratch_of(&users);
    let own = listed(&scratch, &[]);
    for system in ["retentioneering", "kusto", "reconstructr", "mwsessions"] {
        assert_eq!(listed(&scratch, &compat(system, &[])), own, "{system}");
    }
    let starts = |sessions: &[Listed]| -> Vec<(String, i64, u64)> {
        let starts = sessions.iter();
        let starts = starts.map(|listed| (listed.user.clone(), listed.start, listed.events));
        starts.collect()
    };
    for system in ["spark", "flink", "segment", "rudder", "git-hours"] {
        let theirs = listed(&scratch, &compat(system, &[]));
        assert_eq!(starts(&theirs), starts(&own), "{system}");
    }
    for system in ["mixpanel", "matomo"] {
        let theirs = listed(&scratch, &compat(system, &[]));
        let cut = listed(&scratch, &["--cut", "day"]);
        assert_eq!(theirs, cut, "{system}");
    }
}

#[test]
fn what_our_own_rule_gives_beside_it_is_what_a_report_without_it_gives() {
    let users = generated(9, &EDGES);
    let scratch = scratch_of(&users);
    for (file, user) in [
        ("logins", "user-03"),
        ("logouts", "user-05"),
        ("ran-out", "user-07"),
    ] {
        // After each of the user's events, and half of the time before the next one.
        let rows = users[user]
            .iter()
            .map(|at| format!("{user},{}\n", instant(at + 15 * MINUTE)));
        let rows: String = rows.collect();
        scratch.file(format!("{file}.csv"), format!("user_id,at\n{rows}"));
    }
    let windows: [&[&str]; 3] = [
        &[],
        &[
            "--from",
            "2026-03-03T07:00:00Z",
            "--to",
            "2026-03-04T07:00:00Z",
        ],
        &["--now", "2026-03-04T00:00:00Z"],
    ];
    for window in windows {
        let json = |flags: &[&str]| -> Value {
            let call = scratch
                .sessionize([
                    "report",
                    "log.csv",
                    "logins.csv",
                    "logouts.csv",
                    "ran-out.csv",
                ])
                .args(["--role", "logins=start", "--role", "logouts=end"])
                .args(["--role", "ran-out=expiry"])
                .args(["--duplicates", "drop", "--format", "json"])
                .args(window.iter().copied())
                .args(flags.iter().copied());
            let now: &[&str] = match window.contains(&"--now") {
                true => &[],
                false => &["--now", "2027-01-01"],
            };
            let outcome = call.args(now.iter().copied()).run().expect_ok();
            serde_json::from_str(&outcome.stdout()).expect("it is JSON")
        };
        let alone = json(&[]);
        assert!(alone["run"]["own_rule"].is_null() && alone["run"]["compat"].is_null());
        for system in ALL {
            let own = &json(&["--compat", system])["run"]["own_rule"];
            for name in [
                "sessions",
                "open_sessions",
                "mean_duration_seconds",
                "total_duration_seconds",
            ] {
                assert_eq!(
                    own[name], alone["overall"][name],
                    "{system}, {window:?}: {name}"
                );
            }
        }
    }
}

#[test]
fn every_format_says_whose_rule_it_is() {
    let scratch = ada(&[0, 10 * MINUTE, 4 * HOUR]);
    let commands: [&[&str]; 3] = [
        &["report", "log.csv"],
        &["sessions", "log.csv"],
        &["explain", "ada", "log.csv"],
    ];
    for system in ALL {
        let spoken = format!("Not our own rule: --compat {system},");
        for command in commands {
            let call = || {
                let call = scratch.sessionize(command.iter().copied());
                call.args(["--now", "2027-01-01", "--compat", system])
            };
            let with = |format: &str| {
                let call = call().args(["--format", format]).env("COLUMNS", "200");
                call.run().expect_ok().stdout()
            };
            assert!(with("table").contains(&spoken), "{system} {command:?}");
            let plain = with("markdown").replace('\\', "");
            assert!(plain.contains(&spoken), "{system} {command:?}");
            let said = |run: &Value| {
                assert_eq!(run["compat"], system, "{command:?}");
                let rule = run["rule"].as_str().expect("it is text");
                assert!(!rule.is_empty() && !rule.contains("  "), "{rule}");
                assert!(joined(&with("table")).contains(rule), "{rule}");
            };
            let json: Value = serde_json::from_str(&with("json")).expect("it is JSON");
            said(&json["run"]);
            for format in ["csv", "ndjson"] {
                let outcome = call().args(["--format", format]).loud().run();
                let stderr = outcome.stderr();
                let line = stderr.lines().find(|line| line.starts_with('{'));
                let line = line.unwrap_or_else(|| panic!("{outcome:?}"));
                said(&serde_json::from_str(line).expect("it is JSON"));
            }
            if command[0] != "explain" {
                let file = call().args(["--format", "parquet", "-o", "out.parquet"]);
                file.run().expect_ok();
                let record = scratch.text("out.parquet.run.json");
                said(&serde_json::from_str(&record).expect("it is JSON"));
            }
        }
    }
    let own = call(&scratch, "report", &[]).run().expect_ok().stdout();
    assert!(!own.contains("compat") && !own.contains("our own"), "{own}");
}

/// The last column of each row, by its name and value, as CSV, NDJSON and JSON have it.
fn last_cells(text: &str, format: &str) -> Vec<(String, String)> {
    let of_object = |object: &Value| match object.get("compat") {
        Some(named) => (
            "compat".to_owned(),
            named.as_str().unwrap_or_default().to_owned(),
        ),
        None => Default::default(),
    };
    match format {
        "csv" => {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let names = reader.headers().expect("there is a header").clone();
            let rows = reader.records().map(|row| {
                let row = row.expect("it is a row");
                (
                    names[names.len() - 1].to_owned(),
                    row[row.len() - 1].to_owned(),
                )
            });
            rows.collect()
        }
        "ndjson" => {
            assert_eq!(
                text.matches(",\"compat\":").count(),
                text.matches(",\"compat\":\"git-hours\"}\n").count(),
                "{text}"
            );
            let lines = text
                .lines()
                .map(|line| serde_json::from_str(line).expect("it is an object"));
            lines.map(|line| of_object(&line)).collect()
        }
        _ => {
            let json: Value = serde_json::from_str(text).expect("it is JSON");
            let rows = ["rows", "sessions", "events"].map(|list| json[list].as_array());
            let rows = rows.into_iter().flatten().flatten();
            // The sessions of an explanation are no rows of its CSV.
            let rows = rows.filter(|row| json["events"].is_null() || row.get("verdict").is_some());
            rows.map(of_object).collect()
        }
    }
}

#[test]
fn every_row_for_machines_names_the_other_rule_also_where_nothing_else_is_said() {
    let scratch = ada(&[0, 10 * MINUTE, 4 * HOUR]);
    let commands: [(&[&str], usize); 3] = [
        (&["report", "log.csv", "--by", "week", "--total"], 2),
        (&["sessions", "log.csv"], 2),
        (&["explain", "ada", "log.csv"], 3),
    ];
    for (command, rows) in commands {
        let written = |flags: &[&str], format: &str| {
            let call = scratch.sessionize(command.iter().copied());
            let call = call.args(["--now", "2027-01-01", "--format", format]);
            call.args(flags.iter().copied()).run().expect_ok().stdout
        };
        for format in ["csv", "ndjson", "json"] {
            let text =
                |flags: &[&str]| String::from_utf8(written(flags, format)).expect("it is text");
            let named = last_cells(&text(&["--compat", "git-hours"]), format);
            let expected = ("compat".to_owned(), "git-hours".to_owned());
            assert_eq!(named, vec![expected; rows], "{command:?} {format}");
            assert!(!text(&[]).contains("git-hours"));
            let own = last_cells(&text(&[]), format);
            assert!(own.iter().all(|cell| cell.0 != "compat"), "{own:?}");
        }
        if command[0] == "explain" {
            continue;
        }
        scratch.file(
            "out.parquet",
            written(&["--compat", "git-hours"], "parquet"),
        );
        let file = std::fs::File::open(scratch.path("out.parquet")).expect("it is there");
        let reader = SerializedFileReader::new(file).expect("it is Parquet");
        let found = reader.get_row_iter(None).expect("it has rows");
        let found: Vec<(String, String)> = found
            .map(|row| {
                let row = row.expect("it is a row");
                let (name, cell) = row.get_column_iter().last().expect("it has columns");
                (name.clone(), cell.to_string())
            })
            .collect();
        let expected = ("compat".to_owned(), "\"git-hours\"".to_owned());
        assert_eq!(found, vec![expected; rows], "{command:?}");
    }
}

#[test]
fn an_explanation_applies_the_other_rule_to_each_gap() {
    let offsets = [0, 1800 * SECOND, 1800 * SECOND + 1859 * SECOND];
    let scratch = ada(&offsets);
    let verdicts = |flags: &[&str]| -> Vec<String> {
        let call = scratch.sessionize(["explain", "ada", "log.csv", "--format", "csv"]);
        let call = call.args(["--now", "2027-01-01"]).args(flags);
        let text = call.run().expect_ok().stdout();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().skip(1);
        rows.map(|row| row.expect("it is a row")[5].to_owned())
            .collect()
    };
    let expected: [(&str, [&str; 2]); 5] = [
        (
            "spark",
            [
                "joins session 1: 30m ≤ 30m",
                "opens session 2: 30m 59s > 30m",
            ],
        ),
        (
            "matomo",
            [
                "opens session 2: 30m ≥ 30m",
                "opens session 3: 30m 59s ≥ 30m",
            ],
        ),
        (
            "rudder",
            [
                "joins session 1: 30m ≤ 30m",
                "joins session 1: 30m 59s counts as 30m ≤ 30m",
            ],
        ),
        (
            "segment",
            [
                "joins session 1: 30m ≤ 30m",
                "opens session 2: 30m 59s > 30m",
            ],
        ),
        (
            "daily-span",
            [
                "joins session 1: the same day",
                "joins session 1: the same day",
            ],
        ),
    ];
    for (system, expected) in expected {
        assert_eq!(verdicts(&compat(system, &[])), expected, "{system}");
    }
    let capped = verdicts(&compat(
        "kusto",
        &["--timeout", "1h", "--max-length", "30m"],
    ));
    assert_eq!(capped[0], "opens session 2: 30m or more after its start");
    let json = scratch.sessionize(["explain", "ada", "log.csv", "--format", "json"]);
    let json = json.args(["--now", "2027-01-01", "--compat", "git-hours"]);
    let json: Value = serde_json::from_str(&json.run().expect_ok().stdout()).expect("JSON");
    let durations: Vec<&Value> = (0..3)
        .map(|place| &json["sessions"][place]["duration_seconds"])
        .collect();
    assert_eq!(durations, [0, 7200, 7200]);
}

#[test]
fn each_system_gives_sessions_ids_of_its_own() {
    let scratch = ada(&[0]);
    let id = |flags: &[&str]| -> String {
        let call = call(&scratch, "sessions", flags).args(["--format", "csv"]);
        let text = call.run().expect_ok().stdout();
        let row = text.lines().nth(1).expect("there is a session");
        row.split(',').next().unwrap_or_default().to_owned()
    };
    let mut ids = vec![id(&[]), id(&["--cut", "day"])];
    ids.extend(ALL.map(|system| id(&compat(system, &[]))));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn what_conflicts_is_refused() {
    let scratch = ada(&[0]);
    for system in ALL {
        let cuts = ["matomo", "mixpanel", "daily-span"].contains(&system);
        let refused: [(&[&str], bool); 2] = [
            (&["--cut", "day"], !cuts),
            (&["--max-length", "12h"], system != "kusto"),
        ];
        for (flags, is_refused) in refused {
            let outcome = call(&scratch, "report", &compat(system, flags)).run();
            match is_refused {
                true => outcome
                    .expect_failure(2)
                    .expect_stderr("error[CF-01]")
                    .expect_stderr(&format!("is no part of the rule of {system}")),
                false => outcome.expect_ok(),
            };
        }
    }
    scratch
        .run(["log.csv", "--compat", "spark", "--engine", "database"])
        .expect_failure(2)
        .expect_stderr("--compat follows another system's rule");
    scratch
        .run([
            "sql",
            "--dialect",
            "sqlite",
            "--table",
            "posts",
            "--compat",
            "spark",
        ])
        .expect_failure(2)
        .expect_stderr("--compat spark: the statement says our own rule");
    scratch
        .run(["threshold", "log.csv", "--compat", "spark"])
        .expect_failure(2)
        .expect_stderr("--compat spark: a timeout is judged by our own rule");
    scratch
        .run(["log.csv", "--compat", "awstats"])
        .expect_failure(2);
}

#[test]
fn a_judgement_and_a_comparison_refuse_the_other_rule_wherever_it_was_named() {
    let scratch = ada(&[0]);
    scratch.file("other.toml", "compat = \"spark\"\n");
    for (command, why) in [
        (
            &["threshold", "log.csv"][..],
            "a timeout is judged by our own rule",
        ),
        (
            &["compare", "log.csv", "--tracked", "log.csv"],
            "what is compared are sessions by our own rule",
        ),
    ] {
        let call = || scratch.sessionize(command.iter().copied());
        for (call, help) in [
            (
                call().args(["--compat", "spark"]),
                "leave --compat and SESSIONIZE_COMPAT away",
            ),
            (
                call().env("SESSIONIZE_COMPAT", "spark"),
                "leave --compat and SESSIONIZE_COMPAT away",
            ),
            (
                call().args(["--config", "other.toml"]),
                "take the key compat out of the configuration",
            ),
        ] {
            call.run()
                .expect_failure(2)
                .expect_stderr(&format!("error[CF-01]: --compat spark: {why}"))
                .expect_stderr(help);
        }
    }
}

#[test]
fn a_report_has_either_another_rule_or_an_estimate_of_dwell() {
    let scratch = ada(&[0, MINUTE]);
    scratch.file("dwell.toml", "dwell = \"source-median\"\n");
    let spark = ["--compat", "spark"];
    for flags in [["--dwell", "constant:30s"], ["--config", "dwell.toml"]] {
        call(&scratch, "report", &[&spark[..], &flags[..]].concat())
            .run()
            .expect_failure(2)
            .expect_stderr("--dwell adds to our own durations, and --compat spark has others");
    }
    // A configuration that says how a report estimates serves every other command.
    let flags = [&spark[..], &["--config", "dwell.toml"]].concat();
    assert_eq!(listed(&scratch, &flags).len(), 1);
    let none = [&flags[..], &["--dwell", "none"]].concat();
    assert_eq!(report(&scratch, &none)["run"]["compat"], "spark");
}

#[test]
fn the_system_is_taken_from_flag_environment_and_configuration_in_this_order() {
    let scratch = ada(&[0]);
    scratch.file("sessionize.toml", "compat = \"git-hours\"\n");
    let said = |call: Call| {
        let text = call.args(["--format", "json"]).run().expect_ok().stdout();
        let json: Value = serde_json::from_str(&text).expect("it is JSON");
        json["run"]["compat"].as_str().map(str::to_owned)
    };
    let plain = || call(&scratch, "report", &[]);
    assert_eq!(said(plain()).as_deref(), Some("git-hours"));
    let spark = || plain().env("SESSIONIZE_COMPAT", "spark");
    assert_eq!(said(spark()).as_deref(), Some("spark"));
    assert_eq!(
        said(spark().args(["--compat", "flink"])).as_deref(),
        Some("flink")
    );
    scratch.file("sessionize.toml", "compat = \"excel\"\n");
    plain()
        .run()
        .expect_failure(2)
        .expect_stderr("sessionize.toml:1:10");
}

#[test]
fn the_manual_and_the_help_name_every_system() {
    let manual = include_str!("../docs/compat.md");
    let help = Scratch::new()
        .run(["report", "--help"])
        .expect_ok()
        .stdout();
    for system in ALL {
        assert!(manual.contains(&format!("\n| `{system}` | ")), "{system}");
        assert!(manual.contains(&format!("**{system}**")), "{system}");
        assert!(help.contains(&format!("- {system}:")), "{system}:\n{help}");
    }
}
