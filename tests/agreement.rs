//! Measures of agreement equal what is worked out by hand, what simple loops count, and what
//! segeval, NLTK and scikit-learn compute (`tests/peers/agreement.py`).

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};
use sessionize::agreement::{Agreement, AgreementPlan, Kind, Scores, Tracked, UserCase};
use sessionize::events::{Micros, SECOND};

const MINUTE: Micros = 60 * SECOND;

/// One user as both sides see them.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) hash: u64,
    events: Vec<Micros>,
    opens: Vec<bool>,
    inferred: Vec<bool>,
    tracked: Vec<Tracked>,
    labels: Option<Vec<Option<u32>>>,
}

impl User {
    /// Events and tracked sessions in minutes; inferred by the plain rule with 30 minutes.
    pub(crate) fn new(events: &[Micros], tracked: &[(Micros, Micros)]) -> Self {
        let tracked = tracked.iter().map(|&(start, end)| Tracked {
            start: start * MINUTE,
            end: end * MINUTE,
        });
        let user = User {
            events: events.iter().map(|at| at * MINUTE).collect(),
            opens: (0..events.len()).map(|index| index == 0).collect(),
            tracked: tracked.collect(),
            ..User::default()
        };
        user.inferred_with(30 * MINUTE)
    }

    fn inferred_with(mut self, timeout: Micros) -> Self {
        let opens = |index: usize| {
            self.opens[index] || self.events[index] - self.events[index - 1] > timeout
        };
        self.inferred = (0..self.events.len()).map(opens).collect();
        self
    }

    fn case(&self) -> UserCase<'_> {
        UserCase {
            hash: self.hash,
            events: &self.events,
            opens: &self.opens,
            inferred: &self.inferred,
            tracked: &self.tracked,
            labels: self.labels.as_deref(),
        }
    }

    /// For each event the tracked session that holds it, by looking at all of them.
    fn holders(&self) -> Vec<Option<u32>> {
        if let Some(labels) = &self.labels {
            return labels.clone();
        }
        let holder = |&at: &Micros| {
            let holds =
                |one: &Tracked| one.start <= at && at < one.end || one.start == at && one.end == at;
            let places = 0..self.tracked.len() as u32;
            places
                .filter(|&place| holds(&self.tracked[place as usize]))
                .max_by_key(|&place| self.tracked[place as usize])
        };
        self.events.iter().map(holder).collect()
    }

    /// For each event the number of its inferred session.
    fn numbers(&self) -> Vec<u32> {
        let opened = |index| {
            self.inferred[1..=index]
                .iter()
                .filter(|&&opens| opens)
                .count()
        };
        (0..self.events.len())
            .map(|index| opened(index) as u32)
            .collect()
    }

    /// The labels of events inside tracked sessions on both sides.
    fn covered(&self) -> (Vec<u32>, Vec<u32>) {
        let both = self.holders().into_iter().zip(self.numbers());
        both.filter_map(|(label, number)| Some((label?, number)))
            .unzip()
    }
}

pub(crate) fn plan() -> AgreementPlan {
    AgreementPlan {
        timeout: 30 * MINUTE,
        tolerance: 0,
        resamples: 0,
        seed: 1,
        grid: [10, 20, 40].map(|minutes| minutes * MINUTE).to_vec(),
    }
}

pub(crate) fn scores(plan: &AgreementPlan, users: &[User]) -> Scores {
    let mut agreement = Agreement::new(plan);
    users.iter().for_each(|user| agreement.user(&user.case()));
    agreement.finish()
}

fn value(scores: &Scores, kind: Kind) -> Option<f64> {
    scores.measure(kind).value
}

fn assert_near(met: Option<f64>, expected: f64, what: &str) {
    let met = met.unwrap_or_else(|| panic!("{what} is undefined"));
    let error = (met - expected).abs();
    assert!(
        error <= 1e-9 * (1.0 + expected.abs()),
        "{what}: {met}, not {expected}"
    );
}

fn assert_values(scores: &Scores, expected: &[(Kind, f64)]) {
    for &(kind, expected) in expected {
        assert_near(value(scores, kind), expected, kind.name());
    }
}

/// Events at 0, 10, 20 in session A [0, 30); 60, 65, 100 in B [55, 110); 200 outside; 240 in C
/// [230, 250). At 30 minutes they are inferred as {0, 10, 20}, {60, 65}, {100}, {200}, {240}.
pub(crate) fn example() -> User {
    User::new(
        &[0, 10, 20, 60, 65, 100, 200, 240],
        &[(0, 30), (55, 110), (230, 250)],
    )
}

#[test]
fn boundaries_of_the_example_are_as_worked_out() {
    // Labels A A A B B B – C. Gaps: 10, 10 inner; 40 boundary; 5, 35 inner; 100 to the event
    // outside and 40 from it, boundaries both. Longer than 30: 40 found, 35 invented, 100 and 40
    // found. Every boundary is longer than every inner gap; 35 and 36 to 39 separate them.
    let scores = scores(&plan(), &[example()]);
    assert_values(
        &scores,
        &[
            (Kind::TruePositives, 3.0),
            (Kind::FalsePositives, 1.0),
            (Kind::FalseNegatives, 0.0),
            (Kind::TrueNegatives, 3.0),
            (Kind::Precision, 3.0 / 4.0),
            (Kind::Recall, 1.0),
            (Kind::F1, 6.0 / 7.0),
            (Kind::Area, 1.0),
            (Kind::CeilingF1, 1.0),
            // Without the event outside: 0 0 1 0 0 1 tracked, 0 0 1 0 1 1 inferred.
            (Kind::CoveredPrecision, 2.0 / 3.0),
            (Kind::CoveredRecall, 1.0),
            (Kind::CoveredF1, 4.0 / 5.0),
        ],
    );
    assert_eq!(scores.measure(Kind::Precision).of, 4);
    assert_eq!(scores.measure(Kind::Recall).of, 3);
    let chosen = &scores.choice.highest_f1;
    // √(35 · 40) minutes are 2244.99 seconds.
    assert_eq!(chosen.range, Some((35.0 * 60.0, 40.0 * 60.0)));
    assert_eq!(chosen.seconds, Some(2245.0));
    assert_eq!(chosen.f1, Some(1.0));
}

#[test]
fn the_curve_of_the_example_is_as_worked_out() {
    // Longer than 10: 40, 35, 100, 40; than 20 the same; than 40: 100 alone.
    let scores = scores(&plan(), &[example()]);
    let counts = scores.curve.iter().map(|point| {
        [
            point.true_positives,
            point.false_positives,
            point.false_negatives,
            point.true_negatives,
        ]
    });
    let counts: Vec<[u64; 4]> = counts.collect();
    assert_eq!(counts, [[3, 1, 0, 3], [3, 1, 0, 3], [1, 0, 2, 4]]);
    assert_eq!(scores.curve[2].f1, Some(0.5));
}

#[test]
fn windows_and_pairs_of_the_example_are_as_worked_out() {
    // 7 events in 3 tracked sessions: half the mean is 7/6, rounded 1, at least 2. Five windows of
    // two gaps; tracked (0 0) (0 1) (1 0) (0 0) (0 1), inferred (0 0) (0 1) (1 0) (0 1) (1 1).
    // Sizes 3 3 1 and 3 2 1 1; both: 3, 2, 1, 1. Pairs: index 4, tracked 6, inferred 4, all 21.
    let expected = 6.0 * 4.0 / 21.0;
    let given = 2.0 * 1.5_f64.ln() + 3_f64.ln();
    let alone = 3.0 * (7_f64 / 3.0).ln() + 2.0 * 3.5_f64.ln() + 2.0 * 7_f64.ln();
    let completeness = 1.0 - given / alone;
    let rand = (4.0 - expected) / (5.0 - expected);
    assert_values(
        &scores(&plan(), &[example()]),
        &[
            (Kind::WindowSize, 2.0),
            (Kind::Pk, 1.0 / 5.0),
            (Kind::WindowDiff, 2.0 / 5.0),
            (Kind::AdjustedRand, rand),
            (Kind::AdjustedRandMedian, rand),
            (Kind::Homogeneity, 1.0),
            (Kind::Completeness, completeness),
            (Kind::VMeasure, 2.0 * completeness / (1.0 + completeness)),
            (Kind::BCubedPrecision, 1.0),
            // Three events of A 1, two of B 2/3, one 1/3, C 1.
            (Kind::BCubedRecall, 17.0 / 21.0),
            (Kind::BCubedF1, 17.0 / 19.0),
        ],
    );
}

#[test]
fn sessions_of_the_example_overlap_as_worked_out() {
    // B falls in {60, 65} and {100}; {200} meets none. Inferred sessions last 20, 5, 0, 0, 0
    // minutes, tracked ones 30, 55, 20; they share 20 and 5.
    assert_values(
        &scores(&plan(), &[example()]),
        &[
            (Kind::Contained, 2.0 / 3.0),
            (Kind::SameFirst, 1.0),
            (Kind::SameLast, 1.0),
            (Kind::SameBoth, 2.0 / 3.0),
            (Kind::BestOverlap, 8.0 / 9.0),
            (Kind::BestJaccard, 8.0 / 9.0),
            (Kind::Splits, 1.0),
            (Kind::Merges, 0.0),
            (Kind::Misses, 0.0),
            (Kind::Orphans, 1.0),
            (Kind::TimePrecision, 1.0),
            (Kind::TimeRecall, 25.0 / 105.0),
            (Kind::TimeF1, 50.0 / 130.0),
            (Kind::SharedOfUnion, (20.0 / 30.0 + 5.0 / 55.0 + 0.0) / 3.0),
        ],
    );
}

#[test]
fn durations_of_the_example_are_as_worked_out() {
    // Pairs: A with {0, 10, 20}, 20 against 30 minutes; B with {60, 65}, 5 against 55; C with
    // {240}, 0 against 20. Differences −10, −50, −20, their mean −80/3; the squares around it are
    // 2500/9, 4900/9, 400/9. Starts 0, 5, 10 late; ends −10, −45, −10.
    let minute = 60.0;
    let deviation = (7800.0_f64 / 9.0 / 2.0).sqrt();
    assert_values(
        &scores(&plan(), &[example()]),
        &[
            (Kind::Bias, -80.0 / 3.0 * minute),
            (Kind::MeanAbsoluteError, 80.0 / 3.0 * minute),
            (Kind::MedianAbsoluteError, 20.0 * minute),
            (Kind::MeanLogRatio, (1.5_f64.ln() + 11_f64.ln()) / 2.0),
            // Ranks 0.05 and 1.95 of −50, −20, −10.
            (Kind::PercentileLow, -48.5 * minute),
            (Kind::PercentileHigh, -10.5 * minute),
            (Kind::LimitLow, (-80.0 / 3.0 - 1.96 * deviation) * minute),
            (Kind::LimitHigh, (-80.0 / 3.0 + 1.96 * deviation) * minute),
            // 20·30 + 5·55 + 0·20 is 3 · 25/3 · 35: no covariance at all.
            (Kind::Concordance, 0.0),
            (Kind::StartError, 5.0 * minute),
            (Kind::StartErrorMedian, 5.0 * minute),
            (Kind::EndError, -65.0 / 3.0 * minute),
            (Kind::EndErrorMedian, -10.0 * minute),
        ],
    );
}

#[test]
fn concordance_of_two_pairs_is_as_worked_out() {
    // 10 against 20 minutes and 30 against 50: variances 100 and 225, covariance 150, bias −15;
    // 2 · 150 ÷ (100 + 225 + 225).
    let user = User::new(&[0, 10, 100, 115, 130], &[(0, 20), (90, 140)]);
    assert_values(
        &scores(&plan(), &[user]),
        &[(Kind::Concordance, 300.0 / 550.0)],
    );
}

#[test]
fn what_could_be_used_is_counted() {
    let users = [
        example(),
        User::new(&[0, 100], &[]),
        User::new(&[], &[(0, 10)]),
        // One event inside, and no gap is a tracked boundary of a user with one session.
        User::new(&[5], &[(0, 10)]),
        User::new(&[1, 2, 3], &[(0, 10)]),
    ];
    let coverage = scores(&plan(), &users).coverage;
    assert_eq!(
        (
            coverage.users,
            coverage.tracked_users,
            coverage.scored_users
        ),
        (5, 4, 3)
    );
    assert_eq!((coverage.events, coverage.inside_events), (14, 11));
    assert_eq!((coverage.gaps, coverage.scored_gaps), (10, 9));
    assert_eq!(coverage.users_without_boundary, 1);
    // 11 events in 5 tracked sessions make windows of 2 gaps: one event has none.
    assert_eq!(coverage.users_without_window, 1);
    assert_eq!((coverage.tracked, coverage.tracked_with_events), (6, 5));
    assert_eq!((coverage.inferred, coverage.inferred_met), (7, 6));
}

#[test]
fn a_session_holds_its_start_and_not_its_end() {
    // 10 is B's alone; 20 is nobody's.
    let user = User::new(&[0, 10, 20], &[(0, 10), (10, 20)]);
    let scores = scores(&plan(), &[user]);
    assert_eq!(scores.coverage.inside_events, 2);
    assert_eq!(scores.coverage.tracked_with_events, 2);
    assert_eq!(value(&scores, Kind::FalseNegatives), Some(2.0));
}

#[test]
fn of_overlapping_sessions_the_later_start_holds_an_event() {
    // 5 is A's, 12 and 14 are B's, 18 is A's again; the session without length holds 30 alone.
    let user = User::new(&[5, 12, 14, 18, 30], &[(0, 20), (10, 15), (30, 30)]);
    assert_eq!(
        user.holders(),
        [Some(0), Some(1), Some(1), Some(0), Some(2)]
    );
    let scores = scores(&plan(), &[user]);
    assert_eq!(value(&scores, Kind::FalseNegatives), Some(3.0));
    assert_eq!(scores.coverage.tracked_with_events, 3);
}

#[test]
fn of_overlapping_sessions_the_later_start_has_the_time_too() {
    // One inferred session from 0 to 80. The tracked one from 30 to 50 takes 20 minutes out of the
    // one from 0 to 100, which keeps 60 of them and is the counterpart: 60 ÷ (100 + 80 − 60).
    let user = User::new(&[0, 20, 40, 60, 80], &[(0, 100), (30, 50)]);
    assert_values(
        &scores(&plan(), &[user]),
        &[
            (Kind::SharedOfUnion, 0.5),
            (Kind::TimePrecision, 1.0),
            (Kind::TimeRecall, 0.8),
            (Kind::Bias, -20.0 * 60.0),
            (Kind::Merges, 1.0),
            (Kind::Misses, 0.0),
        ],
    );
}

#[test]
fn the_application_may_say_which_session_an_event_belongs_to() {
    // By time, 10 would be in neither session.
    let mut user = User::new(&[0, 10, 50, 60], &[(0, 10), (50, 60)]);
    user.labels = Some(vec![Some(0), Some(0), Some(1), Some(1)]);
    let scores = scores(&plan(), &[user]);
    assert_values(
        &scores,
        &[
            (Kind::F1, 1.0),
            (Kind::SameBoth, 1.0),
            (Kind::Bias, 0.0),
            (Kind::TimeF1, 1.0),
        ],
    );
    assert_eq!(scores.coverage.inside_events, 4);
}

#[test]
fn an_event_that_always_opens_is_predicted_at_every_timeout() {
    // A gap of one minute before a start, and one of 50 within a session.
    let mut user = User::new(&[0, 1, 51], &[(0, 1), (1, 60)]);
    user.opens[1] = true;
    let scores = scores(&plan(), &[user.inferred_with(30 * MINUTE)]);
    assert_eq!(value(&scores, Kind::Area), Some(1.0));
    assert_eq!(scores.curve[2].true_positives, 1);
    // From 50 minutes on nothing gets worse, so that the shortest is taken.
    assert_eq!(scores.choice.highest_f1.seconds, Some(3000.0));
    assert_eq!(scores.choice.highest_f1.range, None);
}

#[test]
fn equal_gaps_count_half_in_the_area() {
    // Boundaries 20 and 40, inner gaps 10, 20, 40: longer 1 + 2 times, equal once each, of six.
    let user = User::new(&[0, 10, 30, 50, 90, 130], &[(0, 15), (25, 95), (125, 140)]);
    assert_eq!(
        value(&scores(&plan(), &[user]), Kind::Area),
        Some(4.0 / 6.0)
    );
}

#[test]
fn boundaries_within_the_tolerance_pair_one_to_one_in_order() {
    // Tracked boundaries at 4 and 50, inferred at 36 (the gap before is 32 long) and 90.
    // Within 32 minutes 4 pairs with 36, and 50, though near 36 too, with none.
    let user = User::new(&[0, 4, 36, 50, 90], &[(0, 3), (4, 45), (46, 100)]);
    let within = |minutes| {
        let plan = AgreementPlan {
            tolerance: minutes * MINUTE,
            ..plan()
        };
        let scores = scores(&plan, std::slice::from_ref(&user));
        [Kind::NearPrecision, Kind::NearRecall, Kind::NearF1].map(|kind| value(&scores, kind))
    };
    assert_eq!(within(0), [Some(0.0), Some(0.0), Some(0.0)]);
    assert_eq!(within(31), [Some(0.5), Some(0.5), Some(0.5)]);
    assert_eq!(within(32), [Some(0.5), Some(0.5), Some(0.5)]);
    assert_eq!(within(40), [Some(1.0), Some(1.0), Some(1.0)]);
}

#[test]
fn a_boundary_is_predicted_between_kept_neighbours_where_any_gap_is_long() {
    // 0 and 60 are inside one session, 31 is outside by name: gaps 31 and 29, the first too long.
    let mut user = User::new(&[0, 31, 60], &[(0, 61)]);
    user.labels = Some(vec![Some(0), None, Some(0)]);
    let parted = scores(&plan(), std::slice::from_ref(&user));
    assert_eq!(value(&parted, Kind::CoveredPrecision), Some(0.0));
    // The largest gap counts, not the sum.
    user.events[1] = 30 * MINUTE;
    let whole = scores(&plan(), &[user.inferred_with(30 * MINUTE)]);
    assert_eq!(value(&whole, Kind::CoveredPrecision), None);
}

#[test]
fn the_timeout_without_bias_lies_where_the_bias_turns() {
    // Session [0, 30) with events at 0 and 15, and 45 outside. At 10 minutes {0} is 30 too short;
    // at 20 {0, 15} is 15 too short; at 40 {0, 15, 45} is 15 too long: half way on the log axis.
    let scores = scores(&plan(), &[User::new(&[0, 15, 45], &[(0, 30)])]);
    let bias: Vec<Option<f64>> = scores.curve.iter().map(|point| point.bias).collect();
    assert_eq!(bias, [Some(-1800.0), Some(-900.0), Some(900.0)]);
    assert_near(
        scores.choice.no_bias.seconds,
        800_f64.sqrt() * 60.0,
        "timeout",
    );
}

#[test]
fn undefined_is_undefined_with_a_reason() {
    let nothing = scores(&plan(), &[]);
    for measure in &nothing.measures {
        assert_eq!(measure.value, None, "{}", measure.kind.name());
        assert!(measure.reason.is_some(), "{}", measure.kind.name());
        assert_eq!(measure.interval, None);
        assert_eq!(measure.of, 0);
    }
    assert_eq!(nothing.choice.highest_f1.seconds, None);
    assert!(nothing.choice.no_bias.reason.is_some());
    // One session that nothing parts: no boundary on either side, and nothing left to chance.
    let one = scores(&plan(), &[User::new(&[0, 1, 2], &[(0, 3)])]);
    for kind in [
        Kind::Precision,
        Kind::Recall,
        Kind::F1,
        Kind::Area,
        Kind::CeilingF1,
        Kind::AdjustedRand,
        Kind::Homogeneity,
        Kind::Completeness,
        Kind::VMeasure,
        Kind::Concordance,
        Kind::LimitLow,
    ] {
        assert_eq!(value(&one, kind), None, "{}", kind.name());
        assert!(one.measure(kind).reason.is_some(), "{}", kind.name());
    }
    assert_eq!(value(&one, Kind::TrueNegatives), Some(2.0));
    assert_eq!(value(&one, Kind::BCubedF1), Some(1.0));
}

#[test]
fn tracked_boundaries_that_nothing_finds_give_a_recall_of_zero_and_no_precision() {
    let scores = scores(&plan(), &[User::new(&[0, 10], &[(0, 5), (5, 20)])]);
    assert_eq!(value(&scores, Kind::Precision), None);
    assert_eq!(value(&scores, Kind::Recall), Some(0.0));
    assert_eq!(value(&scores, Kind::F1), Some(0.0));
}

#[test]
fn perfect_agreement_gives_one() {
    let mut users = Vec::new();
    for hash in 0..12 {
        let mut user = User::new(
            &[0, 10, 20, 100, 110, 300, 310],
            &[(0, 20), (100, 110), (300, 310)],
        );
        user.labels = Some([0, 0, 0, 1, 1, 2, 2].map(Some).to_vec());
        users.push(User { hash, ..user });
    }
    let plan = AgreementPlan {
        resamples: 50,
        ..plan()
    };
    let scores = scores(&plan, &users);
    for measure in &scores.measures {
        let expected = match measure.kind {
            Kind::Pk | Kind::WindowDiff => 0.0,
            kind if matches!(kind.unit(), sessionize::agreement::Unit::Share) => 1.0,
            Kind::AdjustedRand | Kind::AdjustedRandMedian | Kind::Concordance => 1.0,
            Kind::Splits | Kind::Merges | Kind::Misses | Kind::Orphans | Kind::Bias => 0.0,
            _ => continue,
        };
        assert_eq!(measure.value, Some(expected), "{}", measure.kind.name());
        assert_eq!(
            measure.interval,
            None,
            "{} cannot vary",
            measure.kind.name()
        );
    }
    assert_eq!(scores.choice.highest_f1.f1_of_others, Some(1.0));
}

/// Users with a few hundred events, in bursts that tracked sessions follow more or less; some events
/// open whatever the timeout, some sessions overlap, some hold nothing.
pub(crate) fn generated(seed: u64, count: u64) -> Vec<User> {
    let mut random = Pcg64::seed_from_u64(seed);
    let users = (0..count).map(|number| {
        let mut user = User {
            hash: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed,
            ..User::default()
        };
        let mut at: Micros = random.random_range(0..MINUTE);
        let mut start = at;
        for _ in 0..random.random_range(0..300) {
            user.events.push(at);
            user.opens
                .push(user.events.len() == 1 || random.random_bool(0.02));
            let gap = match random.random_range(0..10) {
                0 => 0,
                1..=7 => random.random_range(0..20) * MINUTE,
                _ => random.random_range(0..200) * MINUTE,
            };
            if gap > random.random_range(1..60) * MINUTE {
                let end = at + random.random_range(-3..6) * MINUTE;
                if random.random_bool(0.8) && end >= start {
                    user.tracked.push(Tracked { start, end });
                }
                start = at + gap + random.random_range(-4..2) * MINUTE;
            }
            at += gap;
        }
        user.tracked.sort_unstable();
        user.inferred_with(30 * MINUTE)
    });
    users.collect()
}

#[test]
fn neither_the_order_of_users_nor_how_they_are_shared_out_changes_anything() {
    let plan = AgreementPlan {
        resamples: 40,
        tolerance: 5 * MINUTE,
        grid: AgreementPlan::usual_grid(plan().timeout),
        ..plan()
    };
    let users = generated(7, 40);
    let expected = scores(&plan, &users);
    let mut parts = [(); 3].map(|()| Agreement::new(&plan));
    for (index, user) in users.iter().rev().enumerate() {
        parts[index % 3].user(&user.case());
    }
    let [mut first, second, third] = parts;
    first.merge(third);
    first.merge(second);
    assert_eq!(first.finish(), expected);
    let with_interval = expected
        .measures
        .iter()
        .filter(|one| one.interval.is_some());
    assert!(with_interval.count() > 30);
    assert!(expected.choice.highest_f1.interval.is_some());
}

#[test]
fn exchanging_the_sides_exchanges_precision_and_recall() {
    // All events are inside, and both sides are runs of events.
    let exchanged = |user: &User| {
        let numbers = user.numbers();
        let labels = user.labels.clone().unwrap();
        let mut other = user.clone();
        other.labels = Some(numbers.iter().map(|&number| Some(number)).collect());
        other.inferred = (0..labels.len())
            .map(|index| index == 0 || labels[index] != labels[index - 1])
            .collect();
        other.tracked = runs(&numbers, &user.events);
        other
    };
    let mut users = generated(3, 20);
    let mut random = Pcg64::seed_from_u64(4);
    for user in &mut users {
        let mut number = 0;
        let labels: Vec<u32> = (0..user.events.len())
            .map(|_| {
                number += u32::from(random.random_bool(0.1));
                number
            })
            .collect();
        let labels: Vec<u32> = labels.iter().map(|label| label - labels[0]).collect();
        user.tracked = runs(&labels, &user.events);
        user.labels = Some(labels.into_iter().map(Some).collect());
    }
    let one = scores(&plan(), &users);
    let two = scores(&plan(), &users.iter().map(exchanged).collect::<Vec<User>>());
    for (kind, other) in [
        (Kind::Precision, Kind::Recall),
        (Kind::F1, Kind::F1),
        (Kind::CoveredPrecision, Kind::CoveredRecall),
        (Kind::AdjustedRand, Kind::AdjustedRand),
        (Kind::Homogeneity, Kind::Completeness),
        (Kind::VMeasure, Kind::VMeasure),
        (Kind::BCubedPrecision, Kind::BCubedRecall),
        (Kind::SharedOfUnion, Kind::SharedOfUnion),
        (Kind::TimePrecision, Kind::TimeRecall),
        (Kind::Splits, Kind::Merges),
        (Kind::Concordance, Kind::Concordance),
        (Kind::MeanAbsoluteError, Kind::MeanAbsoluteError),
    ] {
        let what = format!("{} and {}", kind.name(), other.name());
        assert_near(value(&one, kind), value(&two, other).unwrap(), &what);
    }
    let negative = value(&two, Kind::Bias).map(|bias| -bias);
    assert_near(value(&one, Kind::Bias), negative.unwrap(), "bias");
}

/// Sessions from the first to the last event of each run; labels count up from 0.
fn runs(labels: &[u32], events: &[Micros]) -> Vec<Tracked> {
    let mut runs: Vec<Tracked> = Vec::new();
    for (&label, &at) in labels.iter().zip(events) {
        if label as usize == runs.len() {
            runs.push(Tracked { start: at, end: at });
        }
        runs[label as usize].end = at;
    }
    runs
}

/// What plain loops over every tracked session, every inferred session and every event find.
#[derive(Debug, Default)]
struct Naive {
    splits: u64,
    merges: u64,
    misses: u64,
    orphans: u64,
    with_events: u64,
    contained: u64,
    same_first: u64,
    same_last: u64,
    same_both: u64,
    overlap: f64,
    jaccard: f64,
    shared_minutes: u64,
    inferred_minutes: u64,
    tracked_minutes: u64,
}

impl Naive {
    fn add(&mut self, user: &User) {
        if user.tracked.is_empty() {
            return;
        }
        let (labels, numbers) = (user.holders(), user.numbers());
        let sessions = numbers.last().map_or(0, |last| last + 1);
        let of = |number: u32| -> Vec<usize> {
            let all = 0..numbers.len();
            all.filter(|&index| numbers[index] == number).collect()
        };
        let inferred: Vec<Vec<usize>> = (0..sessions).map(of).collect();
        let span = |events: &[usize]| {
            let at = |index: Option<&usize>| user.events[*index.unwrap()];
            (at(events.first()), at(events.last()))
        };
        let meets = |place: usize, events: &[usize]| {
            let (from, to) = span(events);
            let session = user.tracked[place];
            let named = events
                .iter()
                .any(|&index| labels[index] == Some(place as u32));
            // All times of a generated log are a user's offset plus whole minutes, so that minutes
            // can be looked at one by one; each belongs to the session that started last.
            let is_own = |at: Micros| {
                let holds = |one: &Tracked| one.start <= at && at < one.end;
                user.tracked.iter().rposition(holds) == Some(place)
            };
            let (start, end) = (session.start.max(from), session.end.min(to));
            named
                || (0..)
                    .map(|minute| start + minute * MINUTE)
                    .take_while(|&at| at < end)
                    .any(is_own)
        };
        for place in 0..user.tracked.len() {
            let met = inferred
                .iter()
                .filter(|events| meets(place, events))
                .count();
            self.splits += u64::from(met > 1);
            self.misses += u64::from(met == 0);
            self.events_of(place as u32, &labels, &inferred);
        }
        for events in &inferred {
            let places = 0..user.tracked.len();
            let met = places.filter(|&place| meets(place, events)).count();
            self.merges += u64::from(met > 1);
            self.orphans += u64::from(met == 0);
        }
        let last = user.events.last().unwrap() + 10 * MINUTE;
        let mut at = user.events[0] - 10 * MINUTE;
        while at < last {
            let is_tracked = user
                .tracked
                .iter()
                .any(|one| one.start <= at && at < one.end);
            let is_inferred = inferred.iter().any(|events| {
                let (from, to) = span(events);
                from <= at && at < to
            });
            self.tracked_minutes += u64::from(is_tracked);
            self.inferred_minutes += u64::from(is_inferred);
            self.shared_minutes += u64::from(is_tracked && is_inferred);
            at += MINUTE;
        }
    }

    fn events_of(&mut self, place: u32, labels: &[Option<u32>], inferred: &[Vec<usize>]) {
        let all = 0..labels.len();
        let own: Vec<usize> = all.filter(|&index| labels[index] == Some(place)).collect();
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            return;
        };
        self.with_events += 1;
        let shared = |events: &[usize]| {
            let both = events.iter().filter(|index| own.contains(index));
            both.count() as f64
        };
        let holds_all = |events: &&Vec<usize>| own.iter().all(|index| events.contains(index));
        self.contained += u64::from(inferred.iter().any(|events| holds_all(&events)));
        let starts = |events: &&Vec<usize>| events.first() == Some(first);
        let ends = |events: &&Vec<usize>| events.last() == Some(last);
        self.same_first += inferred.iter().filter(starts).count() as u64;
        self.same_last += inferred.iter().filter(ends).count() as u64;
        self.same_both += inferred.iter().filter(starts).filter(ends).count() as u64;
        let best = |score: &dyn Fn(&[usize]) -> f64| {
            let scores = inferred.iter().map(|events| score(events));
            scores.fold(0.0, f64::max)
        };
        let count = own.len() as f64;
        self.overlap += best(&|events| shared(events) / count);
        self.jaccard +=
            best(&|events| shared(events) / (count + events.len() as f64 - shared(events)));
    }
}

#[test]
fn sessions_that_plain_loops_compare_overlap_the_same() {
    let users = generated(11, 30);
    let mut naive = Naive::default();
    users.iter().for_each(|user| naive.add(user));
    let scores = scores(&plan(), &users);
    let with_events = naive.with_events as f64;
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    assert_values(
        &scores,
        &[
            (Kind::Splits, naive.splits as f64),
            (Kind::Merges, naive.merges as f64),
            (Kind::Misses, naive.misses as f64),
            (Kind::Orphans, naive.orphans as f64),
            (Kind::Contained, share(naive.contained, naive.with_events)),
            (Kind::SameFirst, share(naive.same_first, naive.with_events)),
            (Kind::SameLast, share(naive.same_last, naive.with_events)),
            (Kind::SameBoth, share(naive.same_both, naive.with_events)),
            (Kind::BestOverlap, naive.overlap / with_events),
            (Kind::BestJaccard, naive.jaccard / with_events),
            (
                Kind::TimePrecision,
                share(naive.shared_minutes, naive.inferred_minutes),
            ),
            (
                Kind::TimeRecall,
                share(naive.shared_minutes, naive.tracked_minutes),
            ),
        ],
    );
    assert_eq!(scores.coverage.tracked_with_events, naive.with_events);
    assert!(naive.splits > 10 && naive.merges > 10 && naive.misses > 0 && naive.orphans > 10);
}

/// The scored gaps of a user by a plain loop: length, and whether it is a tracked boundary. An event
/// that always opens is behind a gap longer than any other.
fn scored_gaps(user: &User) -> Vec<(Micros, bool)> {
    let labels = user.holders();
    let gaps = (1..labels.len()).filter_map(|index| {
        let (before, after) = (labels[index - 1], labels[index]);
        let length = match user.opens[index] {
            true => 100_000 * MINUTE,
            false => user.events[index] - user.events[index - 1],
        };
        let is_scored = !user.tracked.is_empty() && (before.is_some() || after.is_some());
        is_scored.then_some((length, before != after))
    });
    gaps.collect()
}

#[test]
fn no_timeout_that_is_tried_does_better_than_the_chosen_one() {
    for seed in 20..30 {
        let users = generated(seed, 6);
        let gaps: Vec<(Micros, bool)> = users.iter().flat_map(scored_gaps).collect();
        let f1 = |timeout: Micros| {
            let count = |wanted: (bool, bool)| {
                let alike = gaps.iter().filter(|gap| (gap.1, gap.0 > timeout) == wanted);
                alike.count() as f64
            };
            let found = count((true, true));
            2.0 * found / (2.0 * found + count((false, true)) + count((true, false)))
        };
        // All gaps are whole minutes, and so are all timeouts that differ.
        let tried = (1..250).map(|minutes| f1(minutes * MINUTE));
        let best = tried.fold(f1(SECOND), f64::max);
        let scores = scores(&plan(), &users);
        let chosen = &scores.choice.highest_f1;
        assert_near(chosen.f1, best, "the highest F1");
        assert_eq!(chosen.f1, value(&scores, Kind::CeilingF1));
        let seconds = chosen.seconds.unwrap();
        assert_near(
            Some(f1((seconds * 1e6) as Micros)),
            best,
            "F1 at the chosen timeout",
        );
        assert!(chosen.f1_of_others.unwrap() <= best);
    }
}

#[test]
fn a_timeout_is_scored_on_users_it_was_not_found_on() {
    // Sessions [0, 30) with events at 0 and 15, and 45 outside, as above. All users are alike, so that whatever part is left out gives the same timeout, and at
    // it no bias remains; the gaps of 15 inside and 30 to the outside part from 15 to 30 minutes.
    let users = (0..20).map(|number: u64| User {
        hash: number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        ..User::new(&[0, 15, 45], &[(0, 30)])
    });
    let scores = scores(&plan(), &users.collect::<Vec<User>>());
    let (by_f1, unbiased) = (&scores.choice.highest_f1, &scores.choice.no_bias);
    assert_eq!(by_f1.folds, [by_f1.seconds.unwrap(); 5]);
    assert_eq!(by_f1.f1_of_others, Some(1.0));
    assert_eq!(unbiased.folds, [unbiased.seconds.unwrap(); 5]);
    assert!(unbiased.bias_of_others.unwrap().abs() < 1e-6);
    // √(15 · 30) minutes are 1272.8 seconds: between 20 and 40 minutes, where the bias rises from
    // −900 to 900 seconds, that is ln(1273 ÷ 1200) ÷ ln 2 of the way.
    let share = (1273.0_f64 / 1200.0).ln() / 2_f64.ln();
    assert_near(
        by_f1.bias_of_others,
        -900.0 + 1800.0 * share,
        "bias of others",
    );
}

#[test]
fn an_interval_of_resampled_users_is_as_wide_as_theory_says() {
    // 400 users with 20 gaps each that are boundaries, each found by chance with p of their own,
    // 0.2 or 0.8: the recall's standard error is that of a mean of 400 such shares,
    // √((0.09 + 0.16 ÷ 20) ÷ 400) = 0.01565.
    let mut random = Pcg64::seed_from_u64(5);
    let users = (0..400_u64).map(|number| {
        let share = if number % 2 == 0 { 0.2 } else { 0.8 };
        let mut at = 0;
        let mut events = vec![0];
        for _ in 0..20 {
            at += if random.random_bool(share) { 40 } else { 10 };
            events.push(at);
        }
        let tracked: Vec<(Micros, Micros)> = events.iter().map(|&at| (at, at + 1)).collect();
        User {
            hash: number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            ..User::new(&events, &tracked)
        }
    });
    let plan = AgreementPlan {
        resamples: 200,
        ..plan()
    };
    let scores = scores(&plan, &users.collect::<Vec<User>>());
    let (low, high) = scores.measure(Kind::Recall).interval.unwrap();
    let error = (high - low) / 2.0 / 1.966;
    // 200 replicates know a standard deviation to 5 %; four times that are allowed.
    assert!((error / 0.01565 - 1.0).abs() < 0.2, "{error}");
}

#[test]
fn packages_of_others_compute_the_same() {
    let mut cases: Vec<Vec<User>> = (100..130).map(|seed| generated(seed, 1)).collect();
    cases.extend((130..140).map(|seed| generated(seed, 12)));
    let all: Vec<Scores> = cases.iter().map(|users| scores(&plan(), users)).collect();
    let jobs = cases.iter().zip(&all).map(|(users, scores)| {
        let users = users
            .iter()
            .filter(|user| !user.tracked.is_empty())
            .map(|user| {
                let (tracked, inferred) = user.covered();
                json!({ "tracked": tracked, "inferred": inferred, "gaps": scored_gaps(user) })
            });
        let users: Vec<Value> = users.collect();
        json!({ "window": value(scores, Kind::WindowSize).map(|size| size as u64), "users": users })
    });
    let answers = ask(&jobs.collect::<Vec<Value>>());
    let kinds = [
        ("nltk_pk", Kind::Pk),
        ("segeval_pk", Kind::Pk),
        ("nltk_window_diff", Kind::WindowDiff),
        ("segeval_window_diff", Kind::WindowDiff),
        ("adjusted_rand", Kind::AdjustedRand),
        ("adjusted_rand_median", Kind::AdjustedRandMedian),
        ("homogeneity", Kind::Homogeneity),
        ("completeness", Kind::Completeness),
        ("v_measure", Kind::VMeasure),
        ("gap_auc", Kind::Area),
        ("window_size", Kind::WindowSize),
    ];
    for (name, kind) in kinds {
        let answered = answers.iter().zip(&all);
        let compared = answered.filter_map(|(answer, scores)| {
            let expected = answer.get(name)?.as_f64();
            match expected {
                Some(expected) => assert_near(value(scores, kind), expected, name),
                None if name == "adjusted_rand" => return None,
                None => assert_eq!(value(scores, kind), None, "{name}"),
            }
            expected
        });
        assert!(compared.count() > 20, "{name} is defined too rarely");
    }
}

/// The answers of `tests/peers/agreement.py`.
fn ask(jobs: &[Value]) -> Vec<Value> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = python();
    let mut peer = Command::new(&python)
        .arg(manifest.join("tests/peers/agreement.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|cause| panic!("{}: {cause}; scripts/test makes it", python.display()));
    let lines: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    let mut input = peer.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = peer.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), jobs.len());
    answers
}

/// The Python that has the packages of `tests/sql/requirements.txt`.
fn python() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    target.join("python/bin/python")
}
