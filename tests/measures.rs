//! Figures, how sure they are, and whether they move. Expected values are worked out by hand or by
//! a slow loop that shares no code with the accumulator.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use statrs::distribution::{ContinuousCDF, StudentsT};

use sessionize::events::{Micros, SECOND, User, UserId};
use sessionize::measures::accumulator::Accumulator;
use sessionize::measures::interval::{
    change, effective_users, mean_interval, standard_error_of_difference, standard_error_of_mean,
};
use sessionize::measures::plan::{Calendars, Plan, Segment, auto_period};
use sessionize::measures::quantile::quantile;
use sessionize::measures::summary::{Cell, Pair, UserTotals};
use sessionize::measures::{Change, Figures, Measures, Row, Trend};
use sessionize::sessions::extent::{Extent, Extents};
use sessionize::sessions::session::{Session, SourceSet};
use sessionize::time::duration::Timeout;
use sessionize::time::period::PeriodLength;
use sessionize::time::zone::Zone;

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;
const NAMES: [&str; 3] = ["posts", "comments", "logins"];

type Users = Vec<(&'static str, Vec<Session>)>;

#[test]
fn mean_median_p90_and_bounce_rate_are_those_of_the_hand_calculation() {
    // Durations 0, 10, 20 and 60 minutes: mean 22.5; median 15; p90 at rank 2.7: 20 + 0.7 * 40 = 48.
    let users = vec![
        (
            "ada",
            vec![bounce("05-06 09:00"), session("05-06 12:00", 10, 4)],
        ),
        (
            "bob",
            vec![session("05-06 09:30", 20, 3), session("05-06 15:00", 60, 2)],
        ),
    ];
    let measures = measure(&plan(), &users);
    let figures = &measures.rows[0].figures;
    assert_eq!(measures.rows.len(), 1);
    assert_eq!(
        (figures.users, figures.sessions, figures.events),
        (2, 4, 10)
    );
    assert_eq!(figures.open_sessions, 0);
    assert_eq!(figures.mean, Some(22.5 * 60.0));
    assert_eq!(figures.median, Some(15.0 * 60.0));
    assert_close(figures.p90, 48.0 * 60.0);
    assert_eq!(figures.bounce_rate, Some(0.25));
    assert_eq!(figures.mean_without_bounces, Some(30.0 * 60.0));
    assert_eq!(figures.sessions_per_user, Some(2.0));
    assert_eq!(figures.events_per_session, Some(2.5));
    assert_eq!(figures.total, Some(i128::from(90 * MINUTE)));
    // (5 + 40) / 2.
    assert_eq!(figures.mean_of_user_means, Some(22.5 * 60.0));
    assert_eq!(figures.largest_user_share, Some(0.5));
    assert_eq!(figures.effective_users, Some(2.0));
    assert_eq!(measures.overall.figures, *figures);
}

#[test]
fn the_mean_of_user_means_counts_each_user_once() {
    // ada: (10 + 20 + 30) / 3 = 20; bob: 60. Users: 40, sessions: 120 / 4 = 30.
    let users = vec![
        (
            "ada",
            vec![
                session("05-06 09:00", 10, 2),
                session("05-06 12:00", 20, 2),
                session("05-06 15:00", 30, 2),
            ],
        ),
        ("bob", vec![session("05-06 09:30", 60, 2)]),
    ];
    let figures = measure(&plan(), &users).overall.figures;
    assert_eq!(figures.mean, Some(1800.0));
    assert_eq!(figures.mean_of_user_means, Some(2400.0));
}

#[test]
fn the_mean_of_user_means_survives_a_stay_of_a_century() {
    let century = 36_525 * DAY;
    let mut cell = Cell::default();
    cell.add_user(&closed(3, century));
    cell.add_user(&closed(1, 0));
    assert_close(cell.mean_of_user_means(), century as f64 / 6.0 / 1e6);
}

#[test]
fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
    assert_eq!(
        quantile(&mut [4 * SECOND, SECOND, 8 * SECOND, 2 * SECOND], 50),
        Some(3.0)
    );
    assert_eq!(
        quantile(&mut [9 * SECOND, SECOND, 2 * SECOND], 50),
        Some(2.0)
    );
}

#[test]
fn a_quantile_lies_between_order_statistics_like_percentile_cont() {
    // Rank 0.9 * 5 = 4.5 of 10, 20, 30, 40, 50, 70: half way from 50 to 70.
    let mut durations = [70, 10, 50, 30, 20, 40].map(|seconds| seconds * SECOND);
    assert_eq!(quantile(&mut durations, 90), Some(60.0));
    assert_eq!(quantile(&mut durations, 0), Some(10.0));
    assert_eq!(quantile(&mut durations, 100), Some(70.0));
    assert_eq!(quantile(&mut [5 * SECOND], 90), Some(5.0));
    assert_eq!(quantile(&mut [], 50), None);
}

#[test]
fn unknown_is_none_and_not_zero() {
    let nothing = Cell::default().figures(None, None);
    let mut open_only = nothing.clone();
    assert_eq!(nothing, Figures::default());
    // A session that is still open is counted, and nothing else is known of it.
    let users = vec![("ada", vec![session("05-06 09:00", 10, 2)])];
    let now = at("05-06 09:30");
    let measures = measure(&Plan { now, ..plan() }, &users);
    open_only.users = 1;
    open_only.events = 2;
    open_only.sessions = 1;
    open_only.open_sessions = 1;
    assert_eq!(measures.rows[0].figures, open_only);
    assert_eq!(measures.overall.figures, open_only);
    assert_eq!(measures.daily[0].mean, None);
}

#[test]
fn all_bounces_have_a_mean_of_zero_and_no_mean_without_bounces() {
    let users = vec![("ada", vec![bounce("05-06 09:00"), bounce("05-06 12:00")])];
    let figures = measure(&plan(), &users).overall.figures;
    assert_eq!((figures.mean, figures.median), (Some(0.0), Some(0.0)));
    assert_eq!(figures.bounce_rate, Some(1.0));
    assert_eq!(figures.mean_without_bounces, None);
    assert_eq!(figures.total, Some(0));
}

#[test]
fn no_data_gives_no_rows_and_a_reason() {
    let measures = measure(&plan(), &[]);
    assert!(measures.rows.is_empty() && measures.daily.is_empty());
    assert_eq!(measures.overall.figures, Figures::default());
    assert_eq!((measures.extent, measures.observed), (None, None));
    assert_eq!(reason(&measures), "there are no sessions");
}

#[test]
fn a_user_is_counted_once_per_period_and_once_overall() {
    let users = vec![(
        "ada",
        vec![
            bounce("05-06 09:00"),
            bounce("05-06 12:00"),
            bounce("05-07 09:00"),
        ],
    )];
    let measures = measure(&plan(), &users);
    assert_eq!(column(&measures, |figures| figures.users), [1, 1]);
    assert_eq!(column(&measures, |figures| figures.sessions), [2, 1]);
    assert_eq!(measures.overall.figures.users, 1);
}

#[test]
fn a_session_belongs_to_the_period_in_which_it_starts() {
    let users = vec![(
        "ada",
        vec![
            session("05-06 23:30", 120, 5),
            session("05-07 09:00", 10, 2),
        ],
    )];
    let measures = measure(&plan(), &users);
    assert_eq!(column(&measures, |figures| figures.events), [5, 2]);
    assert_eq!(measures.rows[0].figures.mean, Some(7200.0));
}

#[test]
fn a_session_that_starts_at_the_end_of_a_period_belongs_to_the_next() {
    let users = vec![("ada", vec![bounce("05-06 23:00"), bounce("05-07 00:00")])];
    let measures = measure(&plan(), &users);
    assert_eq!(column(&measures, |figures| figures.sessions), [1, 1]);
}

#[test]
fn open_sessions_are_counted_and_measured_nowhere() {
    // now - timeout = 12:10: a session that ends then is closed, one that ends later is open.
    let users = vec![
        (
            "ada",
            vec![session("05-06 09:00", 30, 3), session("05-06 12:00", 10, 2)],
        ),
        ("bob", vec![session("05-06 12:00", 11, 7)]),
    ];
    let now = at("05-06 12:40");
    let figures = measure(&Plan { now, ..plan() }, &users).overall.figures;
    assert_eq!(
        (figures.users, figures.sessions, figures.events),
        (2, 3, 12)
    );
    assert_eq!((figures.open_sessions, figures.closed_sessions), (1, 2));
    assert_eq!(figures.closed_users, 1);
    assert_eq!((figures.mean, figures.median), (Some(1200.0), Some(1200.0)));
    assert_eq!(figures.sessions_per_user, Some(2.0));
    assert_eq!(figures.events_per_session, Some(2.5));
}

#[test]
fn events_after_now_are_left_to_the_notes_of_the_run() {
    let users = vec![("ada", vec![session("05-06 09:00", 30, 3)])];
    let now = at("05-06 09:00");
    let measures = measure(&Plan { now, ..plan() }, &users);
    assert_eq!(measures.overall.figures.open_sessions, 1);
    assert!(
        measures
            .remarks
            .iter()
            .all(|remark| !remark.contains("later than")),
        "{:?}",
        measures.remarks
    );
}

#[test]
fn periods_without_a_session_between_others_have_a_row_of_zeros_and_unknowns() {
    let users = vec![("ada", vec![bounce("05-06 09:00"), bounce("05-09 09:00")])];
    let measures = measure(&plan(), &users);
    assert_eq!(column(&measures, |figures| figures.sessions), [1, 0, 0, 1]);
    assert_eq!(measures.rows[1].figures, Figures::default());
    assert_eq!(measures.daily.len(), 4);
}

#[test]
fn sessions_that_touch_an_end_of_the_data_are_counted_once() {
    // The extent is 09:00 to 20:00. One session touches the start, one the end by a microsecond
    // less than the timeout; the last starts and ends exactly one timeout away.
    let users = vec![
        (
            "ada",
            vec![bounce("05-06 09:00"), session("05-06 19:00", 60, 9)],
        ),
        (
            "bob",
            vec![raw(at("05-06 10:00"), at("05-06 19:30") + 1, 2)],
        ),
        ("eve", vec![raw(at("05-06 09:30"), at("05-06 19:30"), 2)]),
    ];
    assert_eq!(measure(&plan(), &users).touching_ends, 3);
    let all = vec![("ada", vec![session("05-06 09:00", 10, 2)])];
    assert_eq!(measure(&plan(), &all).touching_ends, 1);
}

#[test]
fn auto_picks_hours_days_weeks_and_months_at_the_stated_spans() {
    assert_eq!(auto_period(0), PeriodLength::Hour);
    assert_eq!(auto_period(2 * DAY), PeriodLength::Hour);
    assert_eq!(auto_period(2 * DAY + 1), PeriodLength::Day);
    assert_eq!(auto_period(60 * DAY), PeriodLength::Day);
    assert_eq!(auto_period(60 * DAY + 1), PeriodLength::Week);
    assert_eq!(auto_period(731 * DAY), PeriodLength::Week);
    assert_eq!(auto_period(731 * DAY + 1), PeriodLength::Month);
}

#[test]
fn rows_per_user_are_ordered_by_period_then_numbers_then_text() {
    let users = vec![
        ("b", vec![bounce("05-06 09:00"), bounce("05-07 09:00")]),
        ("10", vec![bounce("05-06 09:00")]),
        ("9", vec![bounce("05-06 09:00"), bounce("05-07 09:00")]),
        ("a", vec![bounce("05-07 09:00")]),
    ];
    let plan = Plan {
        segment: Some(Segment::User),
        ..plan()
    };
    let measures = measure(&plan, &users);
    assert_eq!(segments(&measures), ["9", "10", "b", "9", "a", "b"]);
    assert!(measures.rows[2].period < measures.rows[3].period);
}

#[test]
fn rows_per_user_without_periods_are_over_the_window() {
    let users = vec![(
        "ada",
        vec![session("05-06 09:00", 10, 2), session("05-08 09:00", 30, 2)],
    )];
    let plan = Plan {
        segment: Some(Segment::User),
        by: None,
        ..plan()
    };
    let measures = measure(&plan, &users);
    let row = &measures.rows[0];
    assert_eq!((row.period, row.complete, row.change), (None, None, None));
    assert_eq!(
        (row.figures.mean, row.figures.median),
        (Some(1200.0), Some(1200.0))
    );
    assert_eq!(row.figures.mean_interval, None);
    assert_eq!(measures.overall.figures.mean, Some(1200.0));
    assert_eq!(measures.overall.figures.median, None);
    let with_total = measure(
        &Plan {
            total: true,
            ..plan
        },
        &users,
    );
    assert_eq!(with_total.overall.figures.median, Some(1200.0));
}

#[test]
fn rows_per_user_change_between_neighbouring_complete_periods_without_an_interval() {
    let users = vec![
        (
            "ada",
            vec![
                bounce("05-05 00:00"),
                session("05-06 09:00", 10, 2),
                session("05-07 09:00", 30, 2),
                session("05-09 09:00", 30, 2),
            ],
        ),
        ("bob", vec![bounce("05-10 23:59")]),
    ];
    let plan = Plan {
        segment: Some(Segment::User),
        ..plan()
    };
    let measures = measure(&plan, &users);
    let changes: Vec<Option<f64>> = measures
        .rows
        .iter()
        .filter(|row| row.segment.as_deref() == Some("ada"))
        .map(|row| row.change.map(|change| change.seconds))
        .collect();
    assert_eq!(changes, [None, Some(600.0), Some(1200.0), None]);
    let change = measures.rows[1].change.expect("a change");
    assert_eq!((change.interval, change.relative_interval), (None, None));
    assert_eq!((change.users, change.effective_users), (1, 1.0));
}

#[test]
fn source_sets_are_named_by_their_sorted_sources_and_ordered_by_bytes() {
    let users = vec![
        (
            "ada",
            vec![
                of_sources(session("05-06 09:00", 10, 2), &[0, 1]),
                of_sources(session("05-06 12:00", 20, 2), &[2]),
                of_sources(session("05-06 15:00", 40, 2), &[0, 1]),
            ],
        ),
        ("bob", vec![of_sources(session("05-06 09:00", 10, 2), &[1])]),
    ];
    let plan = Plan {
        segment: Some(Segment::SourceSet),
        by: None,
        ..plan()
    };
    let measures = measure(&plan, &users);
    assert_eq!(
        segments(&measures),
        ["comments", "comments;posts", "logins"]
    );
    assert_eq!(measures.rows[1].figures.median, Some(25.0 * 60.0));
    assert_eq!(measures.rows[1].figures.users, 1);
    assert_eq!(measures.overall.figures.median, Some(15.0 * 60.0));
}

#[test]
fn ten_identical_users_are_ten_effective_users_and_one_large_user_makes_them_fewer() {
    let mut cell = Cell::default();
    for _ in 0..10 {
        cell.add_user(&closed(3, 30 * MINUTE));
    }
    assert_eq!(effective_users(&cell), Some(10.0));
    // (30 + 30)^2 / (10 * 9 + 900) = 3600 / 990.
    cell.add_user(&closed(30, 300 * MINUTE));
    assert_close(effective_users(&cell), 3600.0 / 990.0);
    assert_eq!(effective_users(&Cell::default()), None);
}

#[test]
fn identical_users_leave_no_doubt_about_the_mean() {
    let mut cell = Cell::default();
    for _ in 0..10 {
        cell.add_user(&closed(3, 30 * MINUTE));
    }
    let (low, high) = mean_interval(&cell).expect("ten users have an interval");
    assert!((low - 600.0).abs() < 1e-3 && (high - 600.0).abs() < 1e-3);
}

#[test]
fn the_standard_error_of_one_session_each_is_that_of_the_textbook() {
    // Durations 10, 20, 30, 40 minutes: variance 500 / 3, standard error sqrt(500 / 12) minutes.
    let mut cell = Cell::default();
    for minutes in [10, 20, 30, 40] {
        cell.add_user(&closed(1, minutes * MINUTE));
    }
    assert_close(
        standard_error_of_mean(&cell),
        (500.0f64 / 12.0).sqrt() * 60.0,
    );
    assert_eq!(standard_error_of_mean(&Cell::default()), None);
}

#[test]
fn the_interval_of_a_mean_uses_the_student_quantile_of_the_effective_users() {
    // Tables: 0.975 quantiles for 7, 9, 31 and very many degrees of freedom.
    for (users, expected) in [
        (8, 2.36462),
        (10, 2.26216),
        (32, 2.03951),
        (1 << 21, 1.95996),
    ] {
        let mut cell = Cell::default();
        for user in 0..users {
            cell.add_user(&closed(1, (10 + 20 * (user % 2)) * MINUTE));
        }
        let (low, high) = mean_interval(&cell).expect("enough users");
        let se = standard_error_of_mean(&cell).expect("enough users");
        let mean = cell.mean().expect("sessions");
        let quantile = (high / low).ln() / 2.0 * mean / se;
        assert!(
            (quantile - expected).abs() < 1e-4,
            "{users} users: {quantile}"
        );
        assert!((high * low - mean * mean).abs() < 1e-6 * mean * mean);
    }
}

#[test]
fn there_is_no_interval_under_eight_users() {
    let mut cell = Cell::default();
    for minutes in 1..=7 {
        cell.add_user(&closed(1, minutes * MINUTE));
    }
    let seven = cell;
    assert_eq!(mean_interval(&seven), None);
    cell.add_user(&closed(1, 8 * MINUTE));
    assert!(mean_interval(&cell).is_some());
    let pair = Pair::default();
    for (earlier, later) in [(&seven, &cell), (&cell, &seven)] {
        let change = change(earlier, later, &pair).expect("both have a mean");
        assert_eq!(
            (change.users, change.interval, change.relative_interval),
            (7, None, None)
        );
    }
    assert!(
        change(&cell, &cell, &pair)
            .expect("a mean")
            .interval
            .is_some()
    );
}

#[test]
fn there_is_no_interval_under_four_effective_users() {
    // One user with s sessions beside nine with one: K = (s + 9)^2 / (s^2 + 9).
    let with_large_user = |sessions: u64| {
        let mut cell = Cell::default();
        for minutes in 1..=9 {
            cell.add_user(&closed(1, minutes * MINUTE));
        }
        cell.add_user(&closed(sessions, 5 * MINUTE));
        cell
    };
    // 18^2 / 90 = 3.6; 17^2 / 73 = 3.96; 16^2 / 58 = 4.41.
    assert_eq!(mean_interval(&with_large_user(9)), None);
    assert_eq!(mean_interval(&with_large_user(8)), None);
    assert!(mean_interval(&with_large_user(7)).is_some());
    let change = change(&with_large_user(7), &with_large_user(8), &Pair::default());
    assert_eq!(change.expect("both have a mean").interval, None);
}

#[test]
fn a_mean_of_zero_has_no_interval() {
    let (mut zero, mut some) = (Cell::default(), Cell::default());
    for minutes in 1..=9 {
        zero.add_user(&closed(1, 0));
        some.add_user(&closed(1, minutes * MINUTE));
    }
    assert_eq!(mean_interval(&zero), None);
    let change = change(&zero, &some, &Pair::default()).expect("both have a mean");
    assert_eq!(change.seconds, 300.0);
    assert_eq!((change.interval, change.relative_interval), (None, None));
}

#[test]
fn the_same_users_with_the_same_rise_leave_no_doubt_about_the_change() {
    let (mut earlier, mut later, mut pair) = (Cell::default(), Cell::default(), Pair::default());
    for minutes in 1..=9 {
        let (before, after) = (
            closed(1, minutes * MINUTE),
            closed(1, (minutes + 2) * MINUTE),
        );
        earlier.add_user(&before);
        later.add_user(&after);
        pair.add_user(&before, &after);
    }
    let change = change(&earlier, &later, &pair).expect("both have a mean");
    let (low, high) = change.interval.expect("nine users");
    assert!((low - 120.0).abs() < 1e-3 && (high - 120.0).abs() < 1e-3);
    assert_eq!(change.direction(), 1);
}

#[test]
fn standard_errors_agree_with_a_bootstrap_over_users() {
    for seed in [1, 2] {
        let users = heavy_tailed_users(400, seed);
        let (mut earlier, mut later, mut pair) =
            (Cell::default(), Cell::default(), Pair::default());
        for [before, after] in &users {
            earlier.add_user(before);
            later.add_user(after);
            pair.add_user(before, after);
        }
        assert!(
            pair.users > 150 && pair.users < 300,
            "periods overlap in part"
        );
        let [of_mean, of_difference] = bootstrap(&users, 4000, seed);
        let mean = standard_error_of_mean(&earlier).expect("many users");
        let difference = standard_error_of_difference(&earlier, &later, &pair).expect("many");
        let apart = standard_error_of_difference(&earlier, &later, &Pair::default());
        assert!(
            (mean / of_mean - 1.0).abs() < 0.05,
            "{mean} against {of_mean}"
        );
        assert!(
            (difference / of_difference - 1.0).abs() < 0.05,
            "{difference} against {of_difference}"
        );
        // Were the overlap left out, the same bootstrap would show it.
        assert!(apart.expect("many") / of_difference > 1.06);
    }
}

/// 400 users, 60 % of them in either period; both the number of sessions and their length have
/// heavy tails, and a user's two periods are alike.
fn heavy_tailed_users(count: usize, seed: u64) -> Vec<[UserTotals; 2]> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut normal = move || {
        let (a, b): (f64, f64) = (random.random(), random.random());
        (-2.0 * libm::log(1.0 - a)).sqrt() * libm::cos(std::f64::consts::TAU * b)
    };
    let mut user = || {
        let (activity, length) = (0.7 + 0.9 * normal(), 6.4 + 0.7 * normal());
        let presence = normal();
        [presence < 0.84, presence > -0.84].map(|is_present| {
            let sessions = libm::ceil(libm::exp(activity + 0.2 * normal())) as u64;
            let seconds: f64 = (0..sessions)
                .map(|_| libm::exp(length + 0.6 * normal()))
                .sum();
            match is_present {
                true => closed(sessions, (seconds * 1e6) as Micros),
                false => UserTotals::default(),
            }
        })
    };
    (0..count).map(|_| user()).collect()
}

/// Standard deviations, in seconds, of the first mean and of the difference of both means over
/// samples of the users with replacement.
fn bootstrap(users: &[[UserTotals; 2]], replicates: usize, seed: u64) -> [f64; 2] {
    let mut random = Pcg64::seed_from_u64(seed + 1000);
    let drawn: Vec<[f64; 2]> = (0..replicates)
        .map(|_| {
            let mut sums = [[0i64; 2]; 2];
            for _ in 0..users.len() {
                let user = &users[random.random_range(0..users.len())];
                for (sum, totals) in sums.iter_mut().zip(user) {
                    sum[0] += totals.duration;
                    sum[1] += totals.closed_sessions as i64;
                }
            }
            let [a, b] = sums.map(|[duration, sessions]| duration as f64 / sessions as f64 / 1e6);
            [a, b - a]
        })
        .collect();
    [0, 1].map(|which| {
        let mean = drawn.iter().map(|draw| draw[which]).sum::<f64>() / replicates as f64;
        let squares = drawn.iter().map(|draw| (draw[which] - mean).powi(2));
        (squares.sum::<f64>() / (replicates - 1) as f64).sqrt()
    })
}

#[test]
fn a_period_that_begins_before_the_widened_extent_is_not_complete() {
    // The first event is at 01:00; a slack of one hour reaches midnight, a microsecond less not.
    let users = vec![("ada", vec![bounce("05-06 01:00"), bounce("05-07 23:30")])];
    let complete = |silence| completeness(&measure_with(&plan(), &users, silence));
    assert_eq!(complete(HOUR), [true, true]);
    assert_eq!(complete(HOUR - 1), [false, true]);
}

#[test]
fn a_period_that_ends_after_the_widened_extent_is_not_complete() {
    let users = vec![("ada", vec![bounce("05-06 00:00"), bounce("05-07 23:00")])];
    let complete = |silence| completeness(&measure_with(&plan(), &users, silence));
    assert_eq!(complete(HOUR), [true, true]);
    assert_eq!(complete(HOUR - 1), [true, false]);
}

#[test]
fn the_slack_is_at_least_the_timeout() {
    let users = vec![("ada", vec![bounce("05-06 00:30"), bounce("05-07 23:30")])];
    assert_eq!(
        completeness(&measure_with(&plan(), &users, 0)),
        [true, true]
    );
}

#[test]
fn the_slack_is_at_most_a_day() {
    // A week that begins two days before the first event is not complete, however long the silence.
    let weekly = Plan {
        by: Some(PeriodLength::Week),
        ..plan()
    };
    let from = |first| vec![("ada", vec![bounce(first), bounce("05-19 23:59")])];
    let complete = |first| completeness(&measure_with(&weekly, &from(first), 9 * DAY));
    assert_eq!(complete("05-07 00:00"), [true, true]);
    assert_eq!(complete("05-07 00:01"), [false, true]);
}

#[test]
fn a_period_that_the_window_cuts_is_not_complete() {
    let users = vec![(
        "ada",
        vec![
            bounce("05-06 12:00"),
            bounce("05-07 12:00"),
            bounce("05-08 12:00"),
        ],
    )];
    let window = (Some(at("05-06 00:01")), Some(at("05-08 23:59")));
    let measures = measure(&Plan { window, ..plan() }, &users);
    assert_eq!(completeness(&measures), [false, true, false]);
    assert_eq!(
        measures.observed,
        Some((at("05-06 00:01"), at("05-08 23:59")))
    );
    let window = (Some(at("05-06 00:00")), Some(at("05-09 00:00")));
    let measures = measure(&Plan { window, ..plan() }, &users);
    assert_eq!(completeness(&measures), [true, true, true]);
}

#[test]
fn a_window_beside_the_data_observes_nothing() {
    let users = vec![("ada", vec![bounce("05-06 12:00")])];
    let extents = extents(&users, DAY);
    let window = (Some(at("06-01 00:00")), None);
    let measures = measure_extents(&Plan { window, ..plan() }, &[], &extents);
    assert_eq!((measures.observed, measures.rows.len()), (None, 0));
    assert_eq!(
        measures.extent,
        Some((at("05-06 12:00"), at("05-06 12:00")))
    );
}

#[test]
fn a_period_is_complete_one_timeout_after_its_end_and_not_before() {
    let users = vec![("ada", vec![bounce("05-06 12:00"), bounce("05-07 00:00")])];
    let complete = |now| completeness(&measure(&Plan { now, ..plan() }, &users))[0];
    assert!(complete(at("05-07 00:30")));
    assert!(!complete(at("05-07 00:30") - 1));
}

#[test]
fn a_period_with_an_open_session_is_not_complete_whoever_has_it() {
    let users = vec![
        (
            "ada",
            vec![
                bounce("05-06 12:00"),
                bounce("05-07 12:00"),
                bounce("05-08 09:00"),
            ],
        ),
        ("bob", vec![raw(at("05-07 22:00"), at("05-08 09:00"), 90)]),
    ];
    let now = at("05-08 09:29");
    let measures = measure(&Plan { now, ..plan() }, &users);
    assert_eq!(completeness(&measures), [true, false, false]);
    // A row of another user tells the same of the day.
    let per_user = Plan {
        now,
        segment: Some(Segment::User),
        ..plan()
    };
    let measures = measure(&per_user, &users);
    assert_eq!(segments(&measures), ["ada", "ada", "bob", "ada"]);
    assert_eq!(completeness(&measures), [true, false, false, false]);
    let now = at("05-08 09:30");
    let measures = measure(&Plan { now, ..plan() }, &users);
    assert_eq!(completeness(&measures), [true, true, false]);
}

#[test]
fn rows_change_against_the_period_before_only_where_both_are_complete() {
    let users = vec![(
        "ada",
        vec![
            session("05-06 12:00", 10, 2),
            session("05-07 12:00", 25, 2),
            session("05-08 12:00", 10, 2),
            session("05-10 12:00", 10, 2),
        ],
    )];
    // The last day is not over; the day before it has no session, so no mean.
    let now = at("05-10 18:00");
    let measures = measure(&Plan { now, ..plan() }, &users);
    assert_eq!(completeness(&measures), [true, true, true, true, false]);
    let changes = changes(&measures);
    assert_eq!(changes, [None, Some(900.0), Some(-900.0), None, None]);
}

#[test]
fn a_period_that_a_source_does_not_cover_is_not_compared_and_the_report_says_why() {
    let (users, mut extents) = four_days();
    extents.by_source[2] = Some(extent("05-08 09:00", "05-09 23:00", 12 * HOUR));
    let measures = measure_extents(&plan(), &users, &extents);
    assert_eq!(completeness(&measures), [true; 4]);
    assert_eq!(changes(&measures), [None, None, None, Some(60.0)]);
    assert_eq!(
        measures.remarks,
        [
            "Source \"logins\" has no events before 2024-05-08: periods that it does not cover are \
             shown without a comparison."
        ]
    );
}

#[test]
fn a_source_covers_what_its_own_longest_silence_reaches() {
    let (users, mut extents) = four_days();
    extents.by_source[2] = Some(extent("05-07 18:00", "05-09 06:00", 18 * HOUR));
    let measures = measure_extents(&plan(), &users, &extents);
    assert_eq!(changes(&measures), [None, None, Some(60.0), Some(60.0)]);
    extents.by_source[2] = Some(extent("05-07 18:00", "05-09 06:00", 18 * HOUR - 1));
    let measures = measure_extents(&plan(), &users, &extents);
    assert_eq!(changes(&measures), [None, None, None, None]);
    assert!(measures.remarks[0].starts_with(
        "Source \"logins\" has no events before 2024-05-07 and none after 2024-05-09: "
    ));
}

#[test]
fn a_source_without_events_or_with_the_role_ignore_keeps_nothing_from_being_compared() {
    let (users, mut extents) = four_days();
    extents.by_source[2] = None;
    let measures = measure_extents(&plan(), &users, &extents);
    assert_eq!(
        changes(&measures),
        [None, Some(60.0), Some(60.0), Some(60.0)]
    );
    assert!(measures.remarks.is_empty());
}

#[test]
fn the_trend_compares_the_last_complete_week_with_the_one_before_it() {
    // Three weeks from Monday 2024-04-29, means of 10, 20 and 25 minutes, and two days of a fourth.
    let users = daily("04-29", 23, |day| [10, 20, 25, 99][day / 7]);
    let measures = measure(&now_at("05-21 23:00"), &users);
    let Trend::Compared {
        length,
        earlier,
        later,
        figures,
        earlier_mean,
        change,
        usual_weekly_move,
    } = &measures.trend
    else {
        panic!("{:?}", measures.trend);
    };
    assert_eq!(*length, PeriodLength::Week);
    assert_eq!(
        (earlier.start, earlier.end),
        (at("05-06 00:00"), at("05-13 00:00"))
    );
    assert_eq!(
        (later.start, later.end),
        (at("05-13 00:00"), at("05-20 00:00"))
    );
    assert_eq!((figures.mean, *earlier_mean), (Some(1500.0), 1200.0));
    assert_eq!((change.seconds, change.users), (300.0, 8));
    assert_eq!((change.direction(), *usual_weekly_move), (1, None));
    assert!(measures.remarks.is_empty());
}

#[test]
fn without_two_complete_weeks_the_trend_compares_the_last_two_complete_days() {
    let users = daily("05-06", 10, |day| 10 + day as i64);
    let measures = measure(&now_at("05-15 22:00"), &users);
    assert_eq!(
        compared(&measures),
        (PeriodLength::Day, at("05-13 00:00"), at("05-14 00:00"))
    );
    assert!(measures.remarks.is_empty());
}

#[test]
fn a_last_complete_week_after_an_incomplete_one_gives_way_to_days() {
    // A session that began in the week of 05-06 is still open on 05-21.
    let mut users = daily("04-22", 30, |_| 10);
    users.push(("zoe", vec![raw(at("05-07 12:00"), at("05-21 10:10"), 5000)]));
    let measures = measure(&now_at("05-21 10:30"), &users);
    assert_eq!(
        compared(&measures),
        (PeriodLength::Day, at("05-19 00:00"), at("05-20 00:00"))
    );
}

#[test]
fn days_around_an_unfinished_one_are_not_neighbours() {
    // zoe's session of 05-09 is open, so the latest neighbouring complete days are 05-07 and 05-08.
    let mut users = daily("05-06", 6, |_| 10);
    users.push(("zoe", vec![raw(at("05-09 12:00"), at("05-11 10:10"), 50)]));
    let measures = measure(&now_at("05-11 10:30"), &users);
    assert_eq!(
        compared(&measures),
        (PeriodLength::Day, at("05-07 00:00"), at("05-08 00:00"))
    );
}

#[test]
fn the_length_to_compare_can_be_named() {
    let users = daily("03-01", 80, |day| 10 + day as i64);
    for (length, earlier, later) in [
        (PeriodLength::Day, "05-17 00:00", "05-18 00:00"),
        (PeriodLength::Week, "04-29 00:00", "05-06 00:00"),
        (PeriodLength::Month, "03-01 00:00", "04-01 00:00"),
    ] {
        let plan = Plan {
            compare: Some(length),
            ..now_at("05-19 10:30")
        };
        let measures = measure(&plan, &users);
        assert_eq!(compared(&measures), (length, at(earlier), at(later)));
    }
    let plan = Plan {
        compare: Some(PeriodLength::Month),
        ..now_at("05-19 10:30")
    };
    let measures = measure(&plan, &daily("05-01", 19, |_| 10));
    assert_eq!(
        reason(&measures),
        "there are no two neighbouring complete months"
    );
}

#[test]
fn without_two_complete_neighbours_there_is_no_trend_and_a_reason() {
    let measures = measure(&now_at("05-06 12:00"), &daily("05-06", 1, |_| 10));
    assert_eq!(
        reason(&measures),
        "there are no two neighbouring complete days"
    );
    // Hours are never compared.
    let hourly = Plan {
        by: Some(PeriodLength::Hour),
        ..now_at("05-06 12:00")
    };
    let measures = measure(&hourly, &daily("05-06", 1, |_| 10));
    assert_eq!(
        reason(&measures),
        "there are no two neighbouring complete days"
    );
}

#[test]
fn a_day_without_sessions_is_a_reason_and_not_a_change() {
    let mut users = daily("05-06", 2, |_| 10);
    users.push(("zoe", vec![bounce("05-09 00:00")]));
    let measures = measure(&now_at("05-09 01:00"), &users);
    assert_eq!(reason(&measures), "no session began in the day 2024-05-08");
}

#[test]
fn weeks_that_a_source_does_not_cover_give_way_to_days_and_the_report_says_so() {
    let users = daily("04-29", 23, |_| 10);
    let mut extents = extents(&users, DAY);
    extents.by_source[1] = Some(extent("05-08 09:00", "05-21 10:00", 12 * HOUR));
    let weekly = Plan {
        by: Some(PeriodLength::Week),
        ..now_at("05-21 23:00")
    };
    let measures = measure_extents(&weekly, &users, &extents);
    assert_eq!(compared(&measures).0, PeriodLength::Day);
    assert_eq!(
        measures.remarks,
        [
            "Source \"comments\" has no events before 2024-05-08: periods that it does not cover \
             are shown without a comparison.",
            "Source \"comments\" has no events before 2024-05-08, so weeks are not compared."
        ]
    );
}

#[test]
fn days_that_a_source_does_not_cover_are_no_trend() {
    let users = daily("05-06", 6, |_| 10);
    let mut extents = extents(&users, DAY);
    extents.by_source[1] = Some(extent("05-06 09:00", "05-08 10:00", 12 * HOUR));
    let measures = measure_extents(&now_at("05-12 12:00"), &users, &extents);
    assert_eq!(
        reason(&measures),
        "source \"comments\" has no events after 2024-05-08"
    );
}

#[test]
fn eight_complete_weeks_give_the_usual_weekly_move() {
    // Weekly means 10, 12, 11, 15, 15, 10, 13, 13 minutes: moves 2, 1, 4, 0, 5, 3, 0, median 2.
    let means = [10, 12, 11, 15, 15, 10, 13, 13, 99];
    let users = daily("03-04", 57, |day| means[day / 7]);
    let measures = measure(&now_at("04-29 12:00"), &users);
    assert_eq!(usual_weekly_move(&measures), Some(120.0));
    // Seven complete weeks are too few: the first is cut by the window.
    let window = (Some(at("03-05 00:00")), None);
    let plan = Plan {
        window,
        ..now_at("04-29 12:00")
    };
    let users = daily("03-05", 56, |day| means[(day + 1) / 7]);
    assert_eq!(usual_weekly_move(&measure(&plan, &users)), None);
}

#[test]
fn means_that_move_in_opposite_directions_are_remarked_on() {
    // Over sessions (10 * 10 + 60) / 11 rises to (10 * 20 + 30) / 11 minutes; over users 35 falls
    // to 25.
    let of_day = |day: &str, heavy, light| {
        let heavy: Vec<Session> = (0..10)
            .map(|n| {
                raw(
                    at(day) + n * 2 * HOUR,
                    at(day) + n * 2 * HOUR + heavy * MINUTE,
                    2,
                )
            })
            .collect();
        (heavy, raw(at(day), at(day) + light * MINUTE, 2))
    };
    let (mut heavy, light) = of_day("05-06 00:00", 10, 60);
    let (heavy_later, light_later) = of_day("05-07 00:00", 20, 30);
    heavy.extend(heavy_later);
    let users = vec![("heavy", heavy), ("light", vec![light, light_later])];
    let measures = measure(&now_at("05-08 12:00"), &users);
    assert_eq!(
        measures.remarks,
        [
            "From one day to the next the mean over sessions rose while the mean of the users' own \
             means fell; users with many sessions weigh more in the former."
        ]
    );
    let alike = measure(
        &now_at("05-15 22:00"),
        &daily("05-06", 10, |day| 10 + day as i64),
    );
    assert!(alike.remarks.is_empty());
}

#[test]
fn the_daily_line_is_the_last_28_days_with_data() {
    let users = daily("04-01", 40, |day| day as i64);
    let measures = measure(&now_at("06-30 00:00"), &users);
    assert_eq!(measures.daily.len(), 28);
    assert_eq!(measures.daily[0].period.start, at("04-13 00:00"));
    assert_eq!(measures.daily[0].mean, Some(12.0 * 60.0));
    assert_eq!(measures.daily[27].period.start, at("05-10 00:00"));
    assert!(measures.daily.iter().all(|day| day.complete));
}

type Generated = Vec<(User, Vec<Session>)>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_in_any_split_gives_equal_results(
        users in generated_users(),
        plan in generated_plan(),
        split in prop::collection::vec(0usize..4, 12),
    ) {
        let extents = extents_of(&users);
        let calendars = Calendars::new(&plan, &extents).expect("few periods");
        let mut whole = Accumulator::new(&plan, &calendars);
        let mut parts = vec![Accumulator::new(&plan, &calendars); 4];
        for ((user, sessions), part) in users.iter().zip(split) {
            whole.user(user.as_id(), sessions);
            parts[part].user(user.as_id(), sessions);
        }
        let merged = parts
            .into_iter()
            .rev()
            .reduce(Accumulator::merge)
            .expect("four parts");
        prop_assert_eq!(whole.finish(&extents, &NAMES), merged.finish(&extents, &NAMES));
    }

    #[test]
    fn the_accumulator_equals_a_slow_loop(users in generated_users(), plan in generated_plan()) {
        let measures = accumulate(&plan, &users, &extents_of(&users));
        let expected = slow_rows(&plan, &users);
        let rows: Vec<&Row> = measures.rows.iter().filter(|row| row.figures.sessions > 0).collect();
        prop_assert_eq!(rows.len(), expected.len());
        for (row, (key, slow)) in rows.iter().zip(&expected) {
            let start = row.period.map_or(0, |period| period.start);
            prop_assert_eq!((start, &row.segment), (key.0, &slow.segment));
            assert_figures(&row.figures, &slow.figures(plan.now))?;
            let is_complete = |start| slow_is_complete(&plan, &users, start);
            prop_assert_eq!(row.complete, plan.by.map(|_| is_complete(key.0)));
            let earlier = previous(&plan, key)
                .filter(|earlier| is_complete(earlier.0) && is_complete(key.0))
                .and_then(|earlier| expected.get(&earlier))
                .filter(|earlier| earlier.mean(plan.now).is_some());
            assert_change(row.change, slow, earlier, plan.now)?;
        }
        if plan.segment.is_none() {
            let gapless = measures.rows.windows(2).all(|pair| {
                pair[0].period.map(|period| period.end) == pair[1].period.map(|period| period.start)
            });
            prop_assert!(gapless);
        }
        let mut all = Slow::default();
        for (user, sessions) in &users {
            sessions.iter().for_each(|session| all.push(user, session));
        }
        let mut overall = all.figures(plan.now);
        if plan.segment == Some(Segment::User) && !plan.total {
            (overall.median, overall.p90) = (None, None);
        }
        assert_figures(&measures.overall.figures, &overall)?;
    }
}

/// The sessions of one row, by user.
#[derive(Default)]
struct Slow {
    segment: Option<String>,
    by_user: HashMap<User, Vec<Session>>,
}

/// Start of the period, then the segment as it is ordered.
type Key = (Micros, Option<User>, String);

fn slow_rows(plan: &Plan, users: &Generated) -> BTreeMap<Key, Slow> {
    let mut rows: BTreeMap<Key, Slow> = BTreeMap::new();
    for (user, sessions) in users {
        for session in sessions {
            let start = plan.by.map_or(0, |by| period_start(by, session.start));
            let mut names: Vec<&str> = session
                .sources
                .iter()
                .map(|source| NAMES[usize::from(source)])
                .collect();
            names.sort_unstable();
            let (key, segment) = match plan.segment {
                None => ((start, None, String::new()), None),
                Some(Segment::User) => (
                    (start, Some(user.clone()), String::new()),
                    Some(user.to_string()),
                ),
                Some(Segment::SourceSet) => ((start, None, names.join(";")), Some(names.join(";"))),
            };
            let row = rows.entry(key).or_default();
            row.segment = segment;
            row.push(user, session);
        }
    }
    rows
}

impl Slow {
    fn push(&mut self, user: &User, session: &Session) {
        self.by_user.entry(user.clone()).or_default().push(*session);
    }

    fn closed(&self, now: Micros) -> HashMap<&User, Vec<f64>> {
        let mut closed: HashMap<&User, Vec<f64>> = HashMap::new();
        for (user, sessions) in &self.by_user {
            for session in sessions {
                if session.end + 30 * MINUTE <= now {
                    let seconds = (session.end - session.start) as f64 / 1e6;
                    closed.entry(user).or_default().push(seconds);
                }
            }
        }
        closed
    }

    fn mean(&self, now: Micros) -> Option<f64> {
        let all: Vec<f64> = self.closed(now).into_values().flatten().collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    }

    fn effective_users(&self, now: Micros) -> f64 {
        let closed = self.closed(now);
        let counts = closed.values().map(|durations| durations.len() as f64);
        counts.clone().sum::<f64>().powi(2) / counts.map(|count| count * count).sum::<f64>()
    }

    /// Each user's residual D - m S over the sum of S.
    fn residuals(&self, now: Micros) -> HashMap<&User, f64> {
        let closed = self.closed(now);
        let sessions: usize = closed.values().map(Vec::len).sum();
        let mean = self.mean(now).unwrap_or(f64::NAN);
        let residual = |durations: &Vec<f64>| {
            (durations.iter().sum::<f64>() - mean * durations.len() as f64) / sessions as f64
        };
        closed
            .iter()
            .map(|(&user, durations)| (user, residual(durations)))
            .collect()
    }

    fn figures(&self, now: Micros) -> Figures {
        let sessions: Vec<&Session> = self.by_user.values().flatten().collect();
        let is_open = |session: &&&Session| session.end + 30 * MINUTE > now;
        let mut figures = Figures {
            users: self.by_user.len() as u64,
            events: sessions.iter().map(|session| session.events).sum(),
            sessions: sessions.len() as u64,
            open_sessions: sessions.iter().filter(is_open).count() as u64,
            ..Figures::default()
        };
        let closed = self.closed(now);
        let mut durations: Vec<f64> = closed.values().flatten().copied().collect();
        if durations.is_empty() {
            return figures;
        }
        durations.sort_by(f64::total_cmp);
        let count = durations.len() as f64;
        let events: u64 = sessions
            .iter()
            .filter(|session| !is_open(session))
            .map(|session| session.events)
            .sum();
        let bounces = sessions
            .iter()
            .filter(|session| !is_open(session) && session.events == 1)
            .count() as f64;
        let total: f64 = durations.iter().sum();
        let user_means = closed
            .values()
            .map(|durations| durations.iter().sum::<f64>() / durations.len() as f64);
        let largest = closed.values().map(Vec::len).max().unwrap_or(0);
        figures.mean = self.mean(now);
        figures.median = Some(sorted_quantile(&durations, 0.5));
        figures.p90 = Some(sorted_quantile(&durations, 0.9));
        figures.mean_without_bounces = (count > bounces).then(|| total / (count - bounces));
        figures.bounce_rate = Some(bounces / count);
        figures.sessions_per_user = Some(count / closed.len() as f64);
        figures.events_per_session = Some(events as f64 / count);
        figures.total = Some((total * 1e6).round() as i128);
        figures.mean_of_user_means = Some(user_means.sum::<f64>() / closed.len() as f64);
        figures.closed_sessions = durations.len() as u64;
        figures.closed_users = closed.len() as u64;
        figures.effective_users = Some(self.effective_users(now));
        figures.largest_user_share = Some(largest as f64 / count);
        let squares = self.residuals(now).values().map(|r| r * r).sum::<f64>();
        figures.mean_interval = figures
            .mean
            .filter(|&mean| mean > 0.0)
            .zip(student(closed.len(), self.effective_users(now)))
            .map(|(mean, t)| {
                let n = closed.len() as f64;
                let spread = t * (n / (n - 1.0) * squares).sqrt() / mean;
                (mean * (-spread).exp(), mean * spread.exp())
            });
        figures
    }
}

fn student(users: usize, effective_users: f64) -> Option<f64> {
    (users >= 8 && effective_users >= 4.0).then(|| {
        StudentsT::new(0.0, 1.0, (effective_users - 1.0).max(1.0))
            .expect("a distribution")
            .inverse_cdf(0.975)
    })
}

fn sorted_quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    below + (above - below) * (rank - rank.floor())
}

/// Completeness of the period that starts at `start`; the slack of the generated data is a day.
fn slow_is_complete(plan: &Plan, users: &Generated, start: Micros) -> bool {
    let Some(by) = plan.by else {
        return false;
    };
    let end = period_end(by, start);
    let sessions = || users.iter().flat_map(|(_, sessions)| sessions);
    let first = sessions().map(|session| session.start).min();
    let last = sessions().map(|session| session.end).max();
    let has_open_session = sessions().any(|session| {
        (start..end).contains(&session.start) && session.end + 30 * MINUTE > plan.now
    });
    first.is_some_and(|first| first - DAY <= start)
        && last.is_some_and(|last| end <= last + DAY)
        && end + 30 * MINUTE <= plan.now
        && !has_open_session
}

fn period_end(length: PeriodLength, start: Micros) -> Micros {
    match length {
        PeriodLength::Hour => start + HOUR,
        PeriodLength::Day => start + DAY,
        PeriodLength::Week => start + 7 * DAY,
        PeriodLength::Month => period_start(length, start + 31 * DAY),
    }
}

fn previous(plan: &Plan, key: &Key) -> Option<Key> {
    let start = period_start(plan.by?, key.0 - 1);
    Some((start, key.1.clone(), key.2.clone()))
}

fn assert_change(
    change: Option<Change>,
    later: &Slow,
    earlier: Option<&Slow>,
    now: Micros,
) -> Result<(), TestCaseError> {
    let (Some(change), Some(earlier)) = (change, earlier) else {
        prop_assert!(change.is_none() && earlier.is_none());
        return Ok(());
    };
    let mean = |slow: &Slow| slow.mean(now).expect("a change needs two means");
    let (a, b) = (mean(earlier), mean(later));
    let (before, after) = (earlier.residuals(now), later.residuals(now));
    let effective_users = earlier.effective_users(now).min(later.effective_users(now));
    let users = before.len().min(after.len());
    near(Some(change.seconds), Some(b - a))?;
    near(Some(change.effective_users), Some(effective_users))?;
    prop_assert_eq!(change.users, users as u64);
    let either: std::collections::HashSet<&&User> = before.keys().chain(after.keys()).collect();
    let n = either.len() as f64;
    let spread = |weight_a: f64, weight_b: f64| {
        let residual = |user: &&User| {
            after.get(user).unwrap_or(&0.0) * weight_b - before.get(user).unwrap_or(&0.0) * weight_a
        };
        let squares: f64 = either.iter().map(|user| residual(user).powi(2)).sum();
        (n / (n - 1.0) * squares).sqrt()
    };
    let t = student(users, effective_users).filter(|_| a > 0.0 && b > 0.0);
    let interval = t.map(|t| (b - a - t * spread(1.0, 1.0), b - a + t * spread(1.0, 1.0)));
    near_pair(change.interval, interval)?;
    let relative = t.map(|t| t * spread(1.0 / a, 1.0 / b));
    let relative = relative.map(|s| (b / a * (-s).exp() - 1.0, b / a * s.exp() - 1.0));
    near_pair(change.relative_interval, relative)
}

fn assert_figures(figures: &Figures, slow: &Figures) -> Result<(), TestCaseError> {
    let counts = |figures: &Figures| {
        [
            figures.users,
            figures.events,
            figures.sessions,
            figures.open_sessions,
            figures.closed_sessions,
            figures.closed_users,
        ]
    };
    prop_assert_eq!(counts(figures), counts(slow));
    prop_assert_eq!(figures.total, slow.total);
    near(figures.mean, slow.mean)?;
    near_pair(figures.mean_interval, slow.mean_interval)?;
    near(figures.median, slow.median)?;
    near(figures.p90, slow.p90)?;
    near(figures.mean_without_bounces, slow.mean_without_bounces)?;
    near(figures.bounce_rate, slow.bounce_rate)?;
    near(figures.sessions_per_user, slow.sessions_per_user)?;
    near(figures.events_per_session, slow.events_per_session)?;
    near(figures.mean_of_user_means, slow.mean_of_user_means)?;
    near(figures.effective_users, slow.effective_users)?;
    near(figures.largest_user_share, slow.largest_user_share)
}

fn near(value: Option<f64>, expected: Option<f64>) -> Result<(), TestCaseError> {
    let is_near = match (value, expected) {
        (Some(value), Some(expected)) => (value - expected).abs() <= 1e-4 + 1e-6 * expected.abs(),
        (value, expected) => value == expected,
    };
    prop_assert!(is_near, "{:?} against {:?}", value, expected);
    Ok(())
}

fn near_pair(value: Option<(f64, f64)>, expected: Option<(f64, f64)>) -> Result<(), TestCaseError> {
    near(value.map(|pair| pair.0), expected.map(|pair| pair.0))?;
    near(value.map(|pair| pair.1), expected.map(|pair| pair.1))
}

/// The start of the UTC period that holds an instant, by counting on the calendar.
fn period_start(length: PeriodLength, at: Micros) -> Micros {
    use chrono::{Datelike, Duration};
    let instant = chrono::DateTime::from_timestamp_micros(at).expect("an instant");
    let date = instant.date_naive();
    let first = match length {
        PeriodLength::Hour => return at - at.rem_euclid(HOUR),
        PeriodLength::Day => date,
        PeriodLength::Week => {
            date - Duration::days(i64::from(date.weekday().num_days_from_monday()))
        }
        PeriodLength::Month => date.with_day(1).expect("a first day"),
    };
    first
        .and_hms_opt(0, 0, 0)
        .expect("midnight")
        .and_utc()
        .timestamp_micros()
}

fn generated_users() -> impl Strategy<Value = Generated> {
    let session = (31i64..3000, 0i64..300_000, 1u64..5, 1u8..8);
    let sessions = prop::collection::vec(session, 1..14);
    prop::collection::vec(sessions, 0..13).prop_map(|users| {
        let user = |(index, sessions): (usize, Vec<(i64, i64, u64, u8)>)| {
            let user = match index % 2 {
                0 => User::Number(index as i64 - 5),
                _ => User::Text(format!("user {index}").into()),
            };
            let mut at = at("05-06 00:00");
            let sessions = sessions.into_iter().map(|(gap, tenths, events, bits)| {
                let start = at + gap * MINUTE;
                at = start + if events == 1 { 0 } else { tenths * SECOND / 10 };
                let sources: Vec<u8> = (0..3).filter(|bit| bits >> bit & 1 == 1).collect();
                of_sources(raw(start, at, events), &sources)
            });
            (user, sessions.collect())
        };
        users.into_iter().enumerate().map(user).collect()
    })
}

fn generated_plan() -> impl Strategy<Value = Plan> {
    let by = prop::sample::select(vec![
        Some(PeriodLength::Hour),
        Some(PeriodLength::Day),
        Some(PeriodLength::Week),
        Some(PeriodLength::Month),
        None,
    ]);
    let segment = prop::sample::select(vec![None, Some(Segment::User), Some(Segment::SourceSet)]);
    let now = prop::sample::select(vec!["05-10 12:00", "05-20 12:00", "09-01 00:00"]);
    (by, segment, now, any::<bool>()).prop_map(|(by, segment, now, total)| Plan {
        by: by.or(segment.is_none().then_some(PeriodLength::Day)),
        segment,
        total,
        now: at(now),
        ..plan()
    })
}

fn extents_of(users: &Generated) -> Extents {
    let sessions = || users.iter().flat_map(|(_, sessions)| sessions);
    let first = sessions().map(|session| session.start).min();
    let last = sessions().map(|session| session.end).max();
    let all = first.zip(last).map(|(first, last)| Extent {
        first,
        last,
        longest_silence: DAY,
    });
    Extents {
        all,
        by_source: vec![all, None, None],
    }
}

fn accumulate(plan: &Plan, users: &Generated, extents: &Extents) -> Measures {
    let calendars = Calendars::new(plan, extents).expect("few periods");
    let mut accumulator = Accumulator::new(plan, &calendars);
    for (user, sessions) in users {
        accumulator.user(user.as_id(), sessions);
    }
    accumulator.finish(extents, &NAMES)
}

/// By day, in UTC, read long after the data was written.
fn plan() -> Plan {
    Plan {
        timeout: Timeout::DEFAULT,
        now: at("12-31 00:00"),
        window: (None, None),
        zone: Zone::Fixed(0),
        by: Some(PeriodLength::Day),
        segment: None,
        compare: None,
        total: false,
    }
}

fn now_at(now: &str) -> Plan {
    Plan {
        now: at(now),
        ..plan()
    }
}

/// An instant of 2024, `05-06 09:00`; 2024-05-06 is a Monday.
fn at(text: &str) -> Micros {
    chrono::NaiveDateTime::parse_from_str(&format!("2024-{text}"), "%Y-%m-%d %H:%M")
        .expect("month, day, hour and minute")
        .and_utc()
        .timestamp_micros()
}

fn raw(start: Micros, end: Micros, events: u64) -> Session {
    let mut sources = SourceSet::default();
    sources.insert(0);
    Session {
        start,
        end,
        events,
        sources,
        added: 0,
    }
}

fn session(start: &str, minutes: i64, events: u64) -> Session {
    raw(at(start), at(start) + minutes * MINUTE, events)
}

fn bounce(at_text: &str) -> Session {
    session(at_text, 0, 1)
}

fn of_sources(session: Session, indices: &[u8]) -> Session {
    let mut sources = SourceSet::default();
    indices.iter().for_each(|&source| sources.insert(source));
    Session { sources, ..session }
}

fn closed(sessions: u64, duration: Micros) -> UserTotals {
    UserTotals {
        events: 2 * sessions,
        sessions,
        closed_sessions: sessions,
        closed_events: 2 * sessions,
        duration,
        ..UserTotals::default()
    }
}

/// Eight users with one session each day at 10:00, as long as `minutes` says for the day's number.
fn daily(first: &str, days: usize, minutes: impl Fn(usize) -> i64) -> Users {
    let first = at(&format!("{first} 10:00"));
    let sessions = |day: usize| {
        let start = first + day as i64 * DAY;
        raw(start, start + minutes(day) * MINUTE, 2)
    };
    let users = ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter();
    users
        .map(|user| (user, (0..days).map(sessions).collect()))
        .collect()
}

/// One user, means of 10, 11, 12 and 13 minutes on 05-06 to 05-09.
fn four_days() -> (Users, Extents) {
    let day = |day: i64| session(&format!("05-0{} 10:00", 6 + day), 10 + day, 2);
    let users = vec![("ada", (0..4).map(day).collect())];
    let extents = extents(&users, DAY);
    (users, extents)
}

fn extent(first: &str, last: &str, longest_silence: Micros) -> Extent {
    Extent {
        first: at(first),
        last: at(last),
        longest_silence,
    }
}

/// From the first start to the last end, with a stated longest silence; the first source has the
/// same, the others none.
fn extents(users: &[(&'static str, Vec<Session>)], longest_silence: Micros) -> Extents {
    let sessions = || users.iter().flat_map(|(_, sessions)| sessions);
    let all = sessions()
        .map(|session| session.start)
        .min()
        .map(|first| Extent {
            first,
            last: sessions().map(|session| session.end).max().unwrap_or(first),
            longest_silence,
        });
    Extents {
        all,
        by_source: vec![all, None, None],
    }
}

fn measure(plan: &Plan, users: &[(&'static str, Vec<Session>)]) -> Measures {
    measure_with(plan, users, DAY)
}

fn measure_with(
    plan: &Plan,
    users: &[(&'static str, Vec<Session>)],
    longest_silence: Micros,
) -> Measures {
    measure_extents(plan, users, &extents(users, longest_silence))
}

fn measure_extents(
    plan: &Plan,
    users: &[(&'static str, Vec<Session>)],
    extents: &Extents,
) -> Measures {
    let calendars = Calendars::new(plan, extents).expect("few periods");
    let mut accumulator = Accumulator::new(plan, &calendars);
    for (user, sessions) in users {
        accumulator.user(UserId::from_text(user), sessions);
    }
    accumulator.finish(extents, &NAMES)
}

fn column<T>(measures: &Measures, of: impl Fn(&Figures) -> T) -> Vec<T> {
    measures.rows.iter().map(|row| of(&row.figures)).collect()
}

fn segments(measures: &Measures) -> Vec<&str> {
    let rows = measures.rows.iter();
    rows.filter_map(|row| row.segment.as_deref()).collect()
}

fn completeness(measures: &Measures) -> Vec<bool> {
    let rows = measures.rows.iter();
    rows.filter_map(|row| row.complete).collect()
}

fn changes(measures: &Measures) -> Vec<Option<f64>> {
    let rows = measures.rows.iter();
    rows.map(|row| row.change.map(|change| change.seconds))
        .collect()
}

fn reason(measures: &Measures) -> &str {
    match &measures.trend {
        Trend::None { reason } => reason,
        compared => panic!("{compared:?}"),
    }
}

/// The length, and where the earlier and the later period start.
fn compared(measures: &Measures) -> (PeriodLength, Micros, Micros) {
    match &measures.trend {
        Trend::Compared {
            length,
            earlier,
            later,
            ..
        } => (*length, earlier.start, later.start),
        Trend::None { reason } => panic!("{reason}"),
    }
}

fn usual_weekly_move(measures: &Measures) -> Option<f64> {
    match &measures.trend {
        Trend::Compared {
            usual_weekly_move, ..
        } => *usual_weekly_move,
        Trend::None { reason } => panic!("{reason}"),
    }
}

fn assert_close(value: Option<f64>, expected: f64) {
    let value = value.expect("a value");
    assert!(
        (value - expected).abs() <= 1e-9 * expected.abs(),
        "{value} against {expected}"
    );
}
