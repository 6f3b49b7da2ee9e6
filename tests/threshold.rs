//! Every timeout at once: the curve against the engine and against hand calculations, the figures
//! at named timeouts against reports, and the trend at a grid of timeouts.

use std::sync::Arc;

use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use sessionize::events::{Batch, Micros, Role, SECOND, Source, UserId};
use sessionize::measures::Change;
use sessionize::measures::quantile::quantile;
use sessionize::sessions::partition::{Partitioner, Partitions, Sharing};
use sessionize::sessions::rule::Rule;
use sessionize::sessions::scan::{ScanPlan, scan};
use sessionize::sessions::spill::Memory;
use sessionize::threshold::gaps::{Chain, Chains, Histogram, INFINITE};
use sessionize::threshold::medians::Medians;
use sessionize::threshold::resolution::Resolutions;
use sessionize::threshold::robustness::robustness;
use sessionize::threshold::sweep::{Curve, CurveSums, Sweep};
use sessionize::time::duration::Timeout;
use sessionize::time::period::{Calendar, PeriodLength};
use sessionize::time::zone::Zone;

use crate::harness::{Call, Scratch};

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;

/// 2026-05-04T00:00:00Z, a Monday.
const MONDAY: Micros = 1_777_852_800 * SECOND;

type Swept = (Curve, Histogram, Vec<(Micros, Option<f64>)>);

/// A generated log.
struct Log {
    sources: Vec<Source>,
    /// User, time, index of the source.
    events: Vec<(u8, Micros, u8)>,
    cuts: bool,
}

impl Log {
    /// Users who come in runs, with gaps that a timeout may just bridge, and everything that may
    /// part or drop events: roles, cuts, duplicates.
    fn generate(seed: u64) -> Log {
        let mut random = Pcg64::seed_from_u64(seed);
        let roles = [
            Role::Start,
            Role::Activity,
            Role::Activity,
            Role::Ignore,
            Role::End,
            Role::Expiry,
        ];
        let mut sources: Vec<Source> = roles
            .iter()
            .zip(["in", "posts", "tests", "bots", "out", "gone"])
            .filter(|(role, _)| **role == Role::Activity || random.random_bool(0.5))
            .map(|(role, name)| Source {
                name: name.to_owned(),
                role: *role,
                drop_duplicates: false,
            })
            .collect();
        for source in &mut sources {
            source.drop_duplicates = random.random_bool(0.3);
        }
        let mut events = Vec::new();
        for user in 0..random.random_range(1..8) {
            let mut at = MONDAY + random.random_range(0..6 * HOUR);
            for _ in 0..random.random_range(1..40) {
                at += match random.random_range(0..12) {
                    0 | 1 => 0,
                    2 => random.random_range(1..SECOND),
                    3 => SECOND,
                    4 => random.random_range(0..120) * SECOND,
                    5 => random.random_range(1..90) * MINUTE,
                    6 => random.random_range(1..90) * MINUTE + random.random_range(-1..=1),
                    7..10 => random.random_range(0..HOUR),
                    10 => random.random_range(0..30 * HOUR),
                    _ => random.random_range(0..80 * HOUR),
                };
                let source = random.random_range(0..sources.len()) as u8;
                events.push((user, at, source));
                if random.random_bool(0.1) {
                    events.push((user, at, source));
                }
            }
        }
        events.shuffle(&mut random);
        Log {
            sources,
            events,
            cuts: random.random_bool(0.3),
        }
    }

    fn plain(events: &[(u8, Micros)]) -> Log {
        Log {
            sources: vec![source("posts", Role::Activity)],
            events: events.iter().map(|&(user, at)| (user, at, 0)).collect(),
            cuts: false,
        }
    }

    fn partitions(&self, threads: usize) -> Partitions {
        let memory = Arc::new(Memory::new(u64::MAX, std::env::temp_dir()));
        let sharing = Sharing::new(&memory);
        let mut parts: Vec<Partitioner<'_>> = (0..threads).map(|_| sharing.partitioner()).collect();
        for (reader, part) in parts.iter_mut().enumerate() {
            let mut batch = Batch::default();
            for &(user, at, source) in self.events.iter().skip(reader).step_by(threads) {
                batch.push(at, UserId::Number(user.into()), source);
            }
            part.take(&batch);
        }
        let parts = parts.into_iter().map(Partitioner::finish).collect();
        Partitions::join(sharing, parts)
    }

    fn rule(&self, timeout: Micros) -> Rule {
        let times = self.events.iter().map(|(_, at, _)| *at);
        let (first, last) = (times.clone().min(), times.max());
        let days = |zone: &Zone| {
            let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
            Calendar::covering(PeriodLength::Day, zone, first, last).expect("the log is short")
        };
        Rule {
            timeout: timeout_of(timeout),
            max_length: None,
            days: self.cuts.then(|| days(&Zone::UTC)),
            compat: None,
        }
    }

    fn plan<'a>(&'a self, rule: &'a Rule, threads: usize, span: (Micros, Micros)) -> ScanPlan<'a> {
        let mut translation = [sessionize::events::GIVEN_UP; 256];
        for (source, place) in (0..).zip(&mut translation[..self.sources.len()]) {
            *place = source;
        }
        ScanPlan {
            rule,
            sources: &self.sources,
            translation,
            span,
            ends: &[],
            from: Micros::MIN,
            to: Micros::MAX,
            now: Micros::MAX,
            threads,
            count_sources: false,
            every_user: true,
        }
    }

    /// Durations of all sessions at a timeout, and how many are single events, as the engine has it.
    fn engine(&self, timeout: Micros) -> (Vec<Micros>, u64) {
        let rule = self.rule(timeout);
        let partitions = self.partitions(1);
        let span = partitions.span(|_| true).unwrap_or((0, 0));
        let (found, _) = scan(
            partitions,
            &self.plan(&rule, 1, span),
            || (Vec::new(), 0),
            |(durations, bounces), user| {
                for session in user.sessions {
                    durations.push(session.duration());
                    *bounces += u64::from(session.is_bounce());
                }
            },
        )
        .expect("memory is not limited");
        found.into_iter().next().expect("there is one thread")
    }

    /// The curve, the histogram, and the medians, from one scan.
    fn sweep(&self, timeouts: &[Micros], threads: usize) -> Swept {
        self.sweep_within(timeouts, threads, u64::MAX)
    }

    /// The same with so many bytes of memory for the medians.
    fn sweep_within(&self, timeouts: &[Micros], threads: usize, limit: u64) -> Swept {
        // The rule's own timeout is none of those asked for.
        let rule = self.rule(77 * SECOND);
        let partitions = self.partitions(threads);
        let span = partitions.span(|_| true).unwrap_or((0, 0));
        let memory = Arc::new(Memory::new(limit, std::env::temp_dir()));
        let shown: Vec<Timeout> = timeouts
            .iter()
            .map(|&timeout| timeout_of(timeout))
            .collect();
        let new = || {
            let sweep = Sweep::new(timeouts.iter().flat_map(|&timeout| Sweep::needed(timeout)));
            let chains = Chains::new(&rule, &self.sources);
            let medians = Medians::new(&shown, &memory);
            (chains, sweep, Histogram::default(), medians)
        };
        let (found, _) = scan(
            partitions,
            &self.plan(&rule, threads, span),
            new,
            |(chains, sweep, histogram, medians), user| {
                if let Some(chain) = chains.user(user.events) {
                    sweep.user(chain);
                    histogram.user(chain);
                    medians.user(chain);
                }
            },
        )
        .expect("memory is not limited");
        let all = found.into_iter().reduce(|one, other| {
            let histogram = one.2.merge(&other.2);
            (one.0, one.1.merge(other.1), histogram, one.3.merge(other.3))
        });
        let (_, sweep, histogram, medians) = all.expect("there is a thread");
        (sweep.finish(), histogram, medians.finish())
    }
}

fn source(name: &str, role: Role) -> Source {
    Source {
        name: name.to_owned(),
        role,
        drop_duplicates: false,
    }
}

fn timeout_of(micros: Micros) -> Timeout {
    Timeout::from_micros(micros).expect("the timeout is allowed")
}

/// Fifty timeouts: round ones, odd ones, between two seconds, beyond 48 hours.
fn fifty(seed: u64) -> Vec<Micros> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut timeouts = vec![
        SECOND,
        SECOND + 1,
        2 * SECOND,
        30 * MINUTE,
        30 * MINUTE - 1,
        30 * MINUTE + 1,
        48 * HOUR - 1,
        48 * HOUR,
        48 * HOUR + 1,
        60 * HOUR,
        3650 * 24 * HOUR,
    ];
    while timeouts.len() < 30 {
        timeouts.push(random.random_range(1..90) * MINUTE);
    }
    while timeouts.len() < 40 {
        timeouts.push(random.random_range(SECOND..2 * HOUR));
    }
    while timeouts.len() < 50 {
        timeouts.push(random.random_range(1..72 * 3600) * SECOND);
    }
    timeouts.sort_unstable();
    timeouts.dedup();
    timeouts
}

#[test]
fn the_curve_of_one_scan_is_the_engine_run_again_at_fifty_timeouts() {
    for seed in 0..60 {
        let log = Log::generate(seed);
        let timeouts = fifty(seed);
        let (curve, _, medians) = log.sweep(&timeouts, 1);
        for (&timeout, &(of, median)) in timeouts.iter().zip(&medians) {
            let (mut durations, bounces) = log.engine(timeout);
            let expected = CurveSums {
                sessions: durations.len() as u64,
                total: durations.iter().map(|&duration| i128::from(duration)).sum(),
                bounces,
            };
            assert_eq!(
                curve.at(timeout),
                Some(expected),
                "{timeout} us, log {seed}"
            );
            let expected = (timeout, quantile(&mut durations, 50));
            assert_eq!((of, median), expected, "log {seed}");
        }
    }
}

#[test]
fn every_whole_second_up_to_48_hours_is_known_without_asking() {
    let log = Log::generate(7);
    let (curve, ..) = log.sweep(&[], 1);
    for timeout in [1, 2, 59, 1234, 3601, 86_400, 172_800].map(|seconds| seconds * SECOND) {
        let (durations, _) = log.engine(timeout);
        let sums = curve.at(timeout).expect("it is a whole second");
        assert_eq!(sums.sessions, durations.len() as u64);
    }
    assert_eq!(curve.at(48 * HOUR + SECOND), None);
    assert_eq!(curve.at(SECOND + 1), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_order_of_rows_and_the_threads_change_nothing(seed in 0_u64..1 << 32, again in 0_u64..9) {
        let log = Log::generate(seed);
        let mut other = Log::generate(seed);
        other.events.shuffle(&mut Pcg64::seed_from_u64(again));
        let timeouts = fifty(seed);
        let (one, two) = (log.sweep(&timeouts, 1), other.sweep(&timeouts, 2));
        for timeout in timeouts {
            prop_assert_eq!(one.0.point(timeout), two.0.point(timeout));
        }
        prop_assert_eq!(one.1.bins(), two.1.bins());
        prop_assert_eq!(one.2, two.2);
    }

    #[test]
    fn a_longer_timeout_never_gives_more_sessions_or_a_shorter_mean(seed in 0_u64..1 << 32) {
        let (curve, ..) = Log::generate(seed).sweep(&[], 1);
        let points = (1..=172_800).step_by(61).filter_map(|second| curve.at(second * SECOND));
        let points: Vec<CurveSums> = points.collect();
        for pair in points.windows(2) {
            prop_assert!(pair[0].sessions >= pair[1].sessions);
            prop_assert!(pair[0].mean() <= pair[1].mean());
        }
    }
}

#[test]
fn a_gap_goes_to_the_second_that_holds_it_and_not_to_the_one_below() {
    let before = |gap| Log::plain(&[(1, MONDAY), (1, MONDAY + gap)]);
    for (gap, at_29, at_30, at_31) in [
        (30 * SECOND - 1, 2, 1, 1),
        (30 * SECOND, 2, 1, 1),
        (30 * SECOND + 1, 2, 2, 1),
    ] {
        let (curve, ..) = before(gap).sweep(&[], 1);
        let sessions = |second: i64| curve.at(second * SECOND).map(|sums| sums.sessions);
        assert_eq!(sessions(29), Some(at_29), "{gap}");
        assert_eq!(sessions(30), Some(at_30), "{gap}");
        assert_eq!(sessions(31), Some(at_31), "{gap}");
    }
}

#[test]
fn gaps_of_zero_keep_events_from_being_bounces() {
    // Two events at one instant, and one an hour later: two sessions, of which one is a bounce.
    let log = Log::plain(&[(1, MONDAY), (1, MONDAY), (1, MONDAY + HOUR)]);
    let (curve, histogram, medians) = log.sweep(&[30 * MINUTE], 1);
    let sums = curve.at(30 * MINUTE).expect("it is a whole second");
    assert_eq!((sums.sessions, sums.bounces, sums.total), (2, 1, 0));
    assert_eq!(medians, [(30 * MINUTE, Some(0.0))]);
    // Zeros have no logarithm.
    assert_eq!(histogram.bins().iter().map(|bin| bin.gaps).sum::<u64>(), 1);
}

#[test]
fn every_field_of_a_point_is_that_of_the_hand_calculation() {
    // Gaps of one user: 5, 10, 11, 20, 40 minutes; another user has a single event.
    let mut at = MONDAY;
    let mut events = vec![(1, at), (2, at)];
    for minutes in [5, 10, 11, 20, 40] {
        at += minutes * MINUTE;
        events.push((1, at));
    }
    let (curve, _, medians) = Log::plain(&events).sweep(&[10 * MINUTE], 1);
    let point = curve.point(10 * MINUTE);
    // Sessions of 15, 0, 0, 0 minutes and the single event: 5, 15 minutes together.
    assert_eq!((point.sessions, point.total), (5, i128::from(15 * MINUTE)));
    assert_eq!(point.mean, Some(180.0));
    assert_eq!(point.mean_without_bounces, Some(900.0));
    assert_eq!(point.bounce_rate, Some(0.8));
    assert_eq!(medians, [(10 * MINUTE, Some(0.0))]);
    // 11 minutes: 4 sessions, 26 minutes. 9.09 minutes and 5 minutes: 6 sessions, 5 minutes.
    let expected = ((26.0_f64 / 4.0) / (5.0 / 6.0)).ln() / (2.0 * 1.1_f64.ln());
    let sensitivity = point.sensitivity.expect("both means are above 0");
    assert!((sensitivity - expected).abs() < 1e-12);
    assert_eq!(point.mean_at_half, Some(50.0));
    // 20 minutes: 3 sessions, 46 minutes.
    assert_eq!(point.mean_at_double, Some(46.0 * 60.0 / 3.0));
}

#[test]
fn unknown_points_are_none_and_not_zero() {
    let (curve, histogram, medians) = Log::plain(&[]).sweep(&[30 * MINUTE], 1);
    let point = curve.point(30 * MINUTE);
    assert_eq!((point.sessions, point.total), (0, 0));
    assert_eq!((point.mean, point.mean_without_bounces), (None, None));
    assert_eq!((point.bounce_rate, point.sensitivity), (None, None));
    assert_eq!(medians, [(30 * MINUTE, None)]);
    assert_eq!(histogram.bins(), []);
    // A mean of zero has no sensitivity.
    let (curve, ..) = Log::plain(&[(1, MONDAY)]).sweep(&[30 * MINUTE], 1);
    let point = curve.point(30 * MINUTE);
    assert_eq!((point.mean, point.sensitivity), (Some(0.0), None));
    assert_eq!(
        (point.bounce_rate, point.mean_without_bounces),
        (Some(1.0), None)
    );
}

#[test]
fn an_end_lengthens_a_session_and_opens_none() {
    // Post, logout 20 minutes later, post one minute after that.
    let log = Log {
        sources: vec![source("posts", Role::Activity), source("out", Role::End)],
        events: vec![
            (1, MONDAY, 0),
            (1, MONDAY + 20 * MINUTE, 1),
            (1, MONDAY + 21 * MINUTE, 0),
        ],
        cuts: false,
    };
    let (curve, _, medians) = log.sweep(&[10 * MINUTE, 20 * MINUTE], 1);
    let sums = |minutes| curve.at(minutes * MINUTE).expect("it is a whole second");
    let (short, long) = (sums(10), sums(20));
    assert_eq!((short.sessions, short.total, short.bounces), (2, 0, 2));
    let twenty = i128::from(20 * MINUTE);
    assert_eq!((long.sessions, long.total, long.bounces), (2, twenty, 1));
    assert_eq!(medians[1], (20 * MINUTE, Some(600.0)));
}

#[test]
fn the_sensitivity_is_the_derivative_where_the_gaps_are_smooth() {
    // Log-normal gaps around 5 minutes: N h(ln τ) (τ + m) ÷ (S m), h by a narrow window.
    let mut random = Pcg64::seed_from_u64(11);
    let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let gaps: Vec<Micros> = (0..400_000)
        .map(|_| ((300_f64.ln() + 1.5 * normal()).exp() * 1e6) as Micros)
        .collect();
    let timeout = 30 * MINUTE;
    let mut sweep = Sweep::new(Sweep::needed(timeout));
    for gaps in gaps.chunks(100) {
        sweep.user(Chain { gaps, ends: &[] });
    }
    let curve = sweep.finish();
    let near = |gap: &&Micros| (**gap as f64 / timeout as f64).ln().abs() < 0.1;
    let density = gaps.iter().filter(near).count() as f64 / 0.2;
    let sums = curve.at(timeout).expect("it is a whole second");
    let mean = sums.mean().expect("there are sessions");
    let expected = density * (1800.0 + mean) / (sums.sessions as f64 * mean);
    let sensitivity = curve
        .point(timeout)
        .sensitivity
        .expect("the mean is above 0");
    assert!(
        (sensitivity / expected - 1.0).abs() < 0.02,
        "{sensitivity} {expected}"
    );
}

#[test]
fn the_edges_of_the_histogram_are_powers_of_the_root_of_two() {
    let mut histogram = Histogram::default();
    // Edges: 1 s, √2 s = 1.414213 s rounded down, 2 s.
    for gap in [SECOND, SECOND + 1, 1_414_213, 1_414_214, 2 * SECOND] {
        histogram.add(gap);
    }
    let bins: Vec<(Micros, Micros, u64)> = histogram
        .bins()
        .iter()
        .map(|bin| (bin.low, bin.high, bin.gaps))
        .collect();
    assert_eq!(
        bins,
        [
            (707_106, SECOND, 1),
            (SECOND, 1_414_213, 2),
            (1_414_213, 2 * SECOND, 2),
        ]
    );
    let mut histogram = Histogram::default();
    for power in 0..55 {
        histogram.add(1 << power);
        histogram.add((1 << power) + 1);
    }
    for bin in histogram.bins() {
        assert!(bin.low < bin.high);
    }
    assert_eq!(histogram.bins()[0].low, 0);
    assert!(histogram.bins().iter().all(|bin| bin.high < INFINITE));
}

#[test]
fn the_resolution_divides_99_of_100_stamps() {
    let resolution = |times: &[Micros]| {
        let resolutions = Resolutions::default();
        let mut batch = Batch::default();
        for &at in times {
            batch.push(at, UserId::Number(1), 3);
        }
        resolutions.note(&batch);
        assert_eq!(resolutions.of(|source| source != 3), 1);
        resolutions.of(|source| source == 3)
    };
    assert_eq!(resolution(&[]), 1);
    assert_eq!(resolution(&[1, 2]), 1);
    assert_eq!(resolution(&[-1_000, 5_000]), 1_000);
    assert_eq!(resolution(&[-SECOND, 61 * SECOND]), SECOND);
    assert_eq!(resolution(&[MINUTE, HOUR]), MINUTE);
    assert_eq!(resolution(&[5 * MINUTE, HOUR]), 5 * MINUTE);
    assert_eq!(resolution(&[15 * MINUTE, -HOUR]), 15 * MINUTE);
    assert_eq!(resolution(&[HOUR, 0]), HOUR);
    let mut times = vec![HOUR; 99];
    times.push(1);
    assert_eq!(resolution(&times), HOUR);
    times.push(1);
    assert_eq!(resolution(&times), 1);
}

fn change(seconds: f64, interval: (f64, f64)) -> Option<Change> {
    Some(Change {
        seconds,
        interval: Some(interval),
        relative_interval: None,
        effective_users: 50.0,
        users: 60,
        user_means_seconds: None,
    })
}

#[test]
fn the_trend_holds_from_neighbour_to_neighbour_around_the_timeout_in_use() {
    let minutes = |minutes: i64| timeout_of(minutes * MINUTE);
    let (up, unsure, down) = ((1.0, 9.0), (-4.0, 6.0), (-9.0, -1.0));
    let points = vec![
        (minutes(10), change(-5.0, down)),
        (minutes(20), change(1.0, unsure)),
        (minutes(25), change(5.0, up)),
        (minutes(30), change(5.0, up)),
        (minutes(60), change(5.0, up)),
        (minutes(90), None),
        (minutes(120), change(5.0, up)),
    ];
    let found = robustness(points.clone(), minutes(30));
    assert_eq!(found.same_sign, Some((minutes(20), minutes(60))));
    assert_eq!(found.same_arrow, Some((minutes(25), minutes(60))));
    // Four of six have the arrow.
    assert_eq!(found.agreeing, Some(4.0 / 6.0));
    assert_eq!(found.flips, [(minutes(10), minutes(20))]);
    let mut unsure = points.clone();
    for place in [3, 4] {
        unsure[place].1 = unsure[place].1.map(|change| Change {
            interval: None,
            ..change
        });
    }
    let no_arrow = robustness(unsure.clone(), minutes(30));
    assert_eq!(no_arrow.same_sign, Some((minutes(20), minutes(60))));
    assert_eq!((no_arrow.same_arrow, no_arrow.agreeing), (None, None));
    // Of two neighbours without an interval, neither has the arrow of the timeout in use.
    let beside = robustness(unsure, minutes(25));
    assert_eq!(beside.same_arrow, Some((minutes(25), minutes(25))));
    let unknown = robustness(points, minutes(90));
    assert_eq!((unknown.same_sign, unknown.agreeing), (None, None));
    assert_eq!(unknown.points.len(), 7);
}

/// Five weeks of users of several sources, some of whom are still there at the end.
fn platform(scratch: &Scratch) {
    let mut random = Pcg64::seed_from_u64(5);
    let mut files = [String::new(), String::new(), String::new()];
    for file in &mut files {
        file.push_str("user_id,created_at\n");
    }
    for user in 0..40 {
        let mut at = MONDAY + random.random_range(0..24 * HOUR);
        while at < MONDAY + 35 * 24 * HOUR {
            let file = [0, 0, 0, 1, 1, 2][random.random_range(0..6)];
            files[file].push_str(&format!("u{user},{}\n", rfc3339(at)));
            at += match random.random_range(0..10) {
                0 => 30 * MINUTE,
                1 => 30 * MINUTE + 1,
                2 => 0,
                3..8 => random.random_range(0..70 * MINUTE),
                _ => random.random_range(HOUR..40 * HOUR),
            };
        }
    }
    for (file, name) in files
        .iter()
        .zip(["posts.csv", "comments.csv", "logouts.csv"])
    {
        scratch.file(name, file);
    }
}

fn rfc3339(at: Micros) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at).expect("the time is in range");
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn json(call: Call) -> Value {
    let text = call.args(["--format", "json"]).run().expect_ok().stdout();
    serde_json::from_str(&text).expect("the report is JSON")
}

/// The columns of a timeout's figures that a report's overall row has too.
const FIGURES: [&str; 10] = [
    "users",
    "sessions",
    "open_sessions",
    "mean_duration_seconds",
    "mean_low_seconds",
    "mean_high_seconds",
    "median_duration_seconds",
    "mean_duration_without_bounces_seconds",
    "bounce_rate",
    "total_duration_seconds",
];

/// Compares `threshold --at` with a report at each of these timeouts.
fn compare(scratch: &Scratch, inputs: &[&str], timeouts: &[&str], flags: &[&str]) {
    let at = timeouts.join(",");
    let call = scratch.sessionize(["threshold"]).args(inputs.to_vec());
    let judged = json(
        call.args(flags.to_vec())
            .args(["--at", &at, "--resamples", "0"]),
    );
    let rows = judged["sweep"].as_array().expect("the sweep is a list");
    for timeout in timeouts {
        let call = scratch.sessionize(["report"]).args(inputs.to_vec());
        let report = json(call.args(flags.to_vec()).args(["--timeout", timeout]));
        let overall = &report["overall"];
        let seconds = &report["run"]["timeout_seconds"];
        let row = rows.iter().find(|row| row["timeout_seconds"] == *seconds);
        let row = row.unwrap_or_else(|| panic!("{timeout} has no row"));
        for figure in FIGURES {
            assert_eq!(
                row[figure], overall[figure],
                "{figure} at {timeout} with {flags:?}"
            );
        }
    }
}

#[test]
fn figures_at_named_timeouts_are_those_of_a_report() {
    let scratch = Scratch::new();
    platform(&scratch);
    let inputs = ["posts.csv", "comments.csv", "logouts.csv"];
    let named = ["1m", "10m", "30m", "31m 7s", "1h", "1h 500ms", "72h"];
    let old = "--now=2027-01-01";
    // Some sessions are still open.
    let open = "--now=2026-06-07T20:00:00Z";
    for flags in [
        vec![old],
        vec![open],
        vec![
            old,
            "--from=2026-05-10T10:00:00Z",
            "--to=2026-05-20T03:00:00Z",
        ],
        vec![open, "--last=9d"],
        vec![old, "--role=logouts=end"],
        vec![open, "--role=logouts=expiry", "--last=20d"],
        vec![open, "--role=logouts=start", "--role=comments=ignore"],
        vec![old, "--cut=day", "--timezone=Europe/Berlin"],
        vec![old, "--max-length=2h", "--from=2026-05-10"],
        vec![old, "--duplicates=drop", "--role=logouts=end", "--cut=day"],
        vec![open, "--segment=source", "--by=week", "--compare=day"],
    ] {
        compare(&scratch, &inputs, &named, &flags);
    }
}

#[test]
fn a_window_says_that_the_gaps_are_those_of_all_events() {
    let scratch = Scratch::new();
    platform(&scratch);
    let judged = |flags: &[&str]| {
        let call = scratch.sessionize(["threshold", "posts.csv", "--now=2027-01-01"]);
        json(call.args(flags.to_vec()))
    };
    let (all, some) = (judged(&[]), judged(&["--from=2026-05-10"]));
    assert_eq!(all["gaps"], some["gaps"]);
    assert_eq!(all["verdict"], some["verdict"]);
    let says_so = |report: &Value| {
        let remarks = report["remarks"].as_array().expect("there are remarks");
        let text = remarks.iter().filter_map(Value::as_str);
        text.into_iter()
            .any(|remark| remark.starts_with("The window chooses the sessions"))
    };
    assert_eq!((says_so(&all), says_so(&some)), (false, true));
}

#[test]
fn a_database_is_read_as_far_as_the_longest_timeout_needs() {
    let scratch = Scratch::new();
    platform(&scratch);
    let posts = scratch.text("posts.csv");
    let rows = posts.lines().skip(1).map(|line| {
        let (user, at) = line.split_once(',').expect("a row has two cells");
        format!("('{user}', '{at}')")
    });
    let rows: Vec<String> = rows.collect();
    let url = format!("sqlite:{}?mode=rwc", scratch.path("app.db").display());
    let statements = [
        "CREATE TABLE posts (user_id TEXT, created_at TEXT)".to_owned(),
        "CREATE INDEX by_time ON posts (created_at)".to_owned(),
        format!("INSERT INTO posts VALUES {}", rows.join(",")),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&url).await.expect("it opens");
        for statement in statements {
            let query = sqlx::query(AssertSqlSafe(statement));
            query.execute(&mut connection).await.expect("it runs");
        }
        connection.close().await.expect("it closes");
    });
    let window = ["--now=2027-01-01", "--from=2026-05-12", "--to=2026-05-20"];
    compare(&scratch, &["app.db"], &["10m", "30m", "90m", "6h"], &window);
    // The same as from a file, which is read whole.
    let call = |input| {
        scratch
            .sessionize(["threshold", input, "--at", "6h"])
            .args(window)
    };
    let (table, file) = (json(call("app.db")), json(call("posts.csv")));
    let figures = |judged: &Value| -> Vec<Value> {
        let rows = judged["sweep"].as_array().expect("the sweep is a list");
        let cells = |row: &Value| FIGURES.map(|figure| row[figure].clone());
        rows.iter().flat_map(cells).collect()
    };
    assert_eq!(figures(&table), figures(&file));
}

#[test]
fn the_trend_at_each_timeout_is_that_of_its_report() {
    let scratch = Scratch::new();
    platform(&scratch);
    let inputs = ["posts.csv", "comments.csv", "--now=2027-01-01"];
    let judged = json(scratch.sessionize(["threshold"]).args(inputs));
    let points = judged["robustness"]["points"]
        .as_array()
        .expect("there are points");
    assert_eq!(points.len(), 12);
    for point in points {
        let seconds = point["timeout_seconds"].as_f64().expect("it is a number");
        let timeout = format!("--timeout={seconds}s");
        let report = json(scratch.sessionize(["report"]).args(inputs).arg(timeout));
        let change = &report["trend"]["later"]["change_seconds"];
        assert!(change.is_number(), "at {seconds} s");
        assert_eq!(point["change_seconds"], *change, "at {seconds} s");
    }
}

#[test]
fn the_same_rows_in_any_order_on_any_threads_give_the_same_bytes() {
    let scratch = Scratch::new();
    platform(&scratch);
    let mut rows: Vec<String> = scratch
        .text("posts.csv")
        .lines()
        .map(str::to_owned)
        .collect();
    rows[1..].shuffle(&mut Pcg64::seed_from_u64(1));
    let run = |name: &str, threads: &str| {
        let call = scratch.sessionize(["threshold", name, "comments.csv", "--threads", threads]);
        let call = call.args([
            "--now=2026-06-07T20:00:00Z",
            "--format=json",
            "--per=source",
        ]);
        call.run().expect_ok().stdout()
    };
    let one = run("posts.csv", "1");
    assert_eq!(one, run("posts.csv", "2"));
    scratch.file("posts.csv", rows.join("\n") + "\n");
    assert_eq!(one, run("posts.csv", "2"));
}

#[test]
fn medians_that_do_not_fit_into_memory_are_the_same() {
    for seed in 0..20 {
        let log = Log::generate(seed);
        let timeouts = fifty(seed);
        let kept = log.sweep(&timeouts, 1).2;
        assert_eq!(log.sweep_within(&timeouts, 2, 0).2, kept, "log {seed}");
    }
}

#[test]
fn what_is_asked_of_the_threshold_is_checked_before_anything_is_read() {
    let scratch = Scratch::new();
    for (flag, value, expected) in [
        ("--at", "10m,soon", "\"soon\": timeout must be"),
        ("--at", "", "timeout must be"),
        (
            "--sweep",
            "10m",
            "expected a range of timeouts such as 1m..4h",
        ),
        ("--sweep", "4h..1m", "expected the shorter timeout first"),
        ("--sweep", "1s..48h/1s", "expected at most 1000 timeouts"),
        ("--tolerance", "0", "expected a share above 0"),
        ("--tolerance", "110%", "expected a share"),
        ("--resamples", "10001", "expected at most 10000"),
    ] {
        let call = scratch.run(["threshold", "none.csv", flag, value]);
        let outcome = call.expect_failure(2);
        outcome.expect_stderr(expected);
    }
}

#[test]
fn the_keys_of_the_threshold_stand_in_for_its_flags() {
    let scratch = Scratch::new();
    platform(&scratch);
    let timeouts = |call: Call| -> Vec<f64> {
        let judged = json(call.args(["--now=2027-01-01"]));
        let rows = judged["sweep"].as_array().expect("the sweep is a list");
        let seconds = rows
            .iter()
            .filter_map(|row| row["timeout_seconds"].as_f64());
        seconds.collect()
    };
    let call = || scratch.sessionize(["threshold", "posts.csv"]);
    let ladder = [1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240];
    assert_eq!(
        timeouts(call()),
        ladder.map(|minutes| f64::from(minutes) * 60.0)
    );
    assert_eq!(
        timeouts(call().args(["--at", "1h,90s"])),
        [90.0, 1800.0, 3600.0]
    );
    let stepped = timeouts(call().args(["--sweep", "29m..31m/40s"]));
    assert_eq!(stepped, [1740.0, 1780.0, 1800.0, 1820.0, 1860.0]);
    scratch.file(
        "sessionize.toml",
        "[threshold]\nat = \"10m\"\nsweep = \"1h..2h\"\n",
    );
    assert_eq!(timeouts(call()), [600.0, 1800.0, 3600.0, 5400.0, 7200.0]);
    assert_eq!(
        timeouts(call().args(["--at", "5m", "--sweep", "30m..30m"])),
        [300.0, 1800.0]
    );
    scratch.file("sessionize.toml", "[threshold]\nresamples = 10001\n");
    let refused = scratch.run(["threshold", "posts.csv"]).expect_failure(2);
    refused.expect_stderr("sessionize.toml:2:13: 10001: expected at most 10000");
}

#[test]
fn the_recommendation_needs_rows_which_a_database_is_not_asked_for() {
    let scratch = Scratch::new();
    let call = scratch.run(["threshold", "app.db", "--engine", "database"]);
    call.expect_failure(2).expect_stderr("sums alone come back");
    let call = scratch.run(["threshold", "a.csv", "--format=parquet", "-o", "a.parquet"]);
    call.expect_failure(2)
        .expect_stderr("is not written as parquet");
}
