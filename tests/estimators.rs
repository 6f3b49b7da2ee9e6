//! Where gaps part, and how sure that is: formulas against a second, simple road, conditions on
//! small logs made by hand, and gaps whose truth is known.

#[path = "../benches/threshold/truth.rs"]
#[allow(dead_code, reason = "the bench draws from every design")]
mod truth;

use statrs::function::erf::erfc;

use sessionize::events::{Micros, SECOND};
use sessionize::threshold::bins::{Bins, EXACT};
use sessionize::threshold::crossing::{ashman, cross, crossings};
use sessionize::threshold::curve::Curve;
use sessionize::threshold::estimate::{EstimatePlan, Estimation, Resampling, Tallies};
use sessionize::threshold::knee::knee;
use sessionize::threshold::mixture::{Component, Observed};
use sessionize::threshold::plateau::{indifferent, plateau};
use sessionize::threshold::resample::weights;
use sessionize::threshold::rules::{Gaps as RuleGaps, rules};
use sessionize::threshold::sources::Alone;
use sessionize::threshold::split::split;
use sessionize::threshold::steps::Steps;
use sessionize::threshold::valley::{KERNEL, Kernel};
use sessionize::threshold::{Method, Test, Verdict};
use sessionize::time::duration::Timeout;

use self::truth::{Design, Gaps, Random};

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;
const YEAR: Micros = 365 * DAY;

const PLAN: EstimatePlan = EstimatePlan {
    in_use: Timeout::DEFAULT,
    tolerance: 0.05,
    between: (30 * SECOND, 4 * HOUR),
    threads: 2,
};

fn component(weight: f64, median: f64, deviation: f64) -> Component {
    Component {
        weight,
        mean: median.ln(),
        deviation,
    }
}

/// The truth: 80 % of the gaps around a minute, the others around a day.
fn two_humps() -> [Component; 2] {
    [component(0.8, 60.0, 1.2), component(0.2, 86_400.0, 1.2)]
}

fn tallies(resolution: Micros, resamples: u32, users: &[Vec<Micros>]) -> Tallies {
    let mut tallies = Tallies::new(&Resampling { resamples, seed: 5 }, resolution);
    for (number, gaps) in users.iter().enumerate() {
        tallies.user(hash(number), gaps);
    }
    tallies
}

/// Any hash of a user's text will do.
fn hash(number: usize) -> u64 {
    (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn judge(resolution: Micros, resamples: u32, users: &[Vec<Micros>]) -> Estimation {
    tallies(resolution, resamples, users).judge(&PLAN)
}

fn drawn(design: &Design, users: usize, seed: u64) -> Vec<Vec<Micros>> {
    design.users(users, &mut Random::new(seed))
}

fn gate<'e>(estimation: &'e Estimation, name: &str) -> &'e Test {
    estimation
        .gates
        .iter()
        .find(|gate| gate.name.contains(name))
        .unwrap_or_else(|| panic!("no gate is called {name}"))
}

fn assert_near(found: f64, expected: f64, relative: f64) {
    let off = (found - expected).abs();
    assert!(
        off <= relative * expected.abs(),
        "{found} instead of {expected}"
    );
}

#[test]
fn a_gap_stands_in_the_bin_of_its_whole_steps_and_above_sixty_in_a_tenth_of_its_logarithm() {
    let bins = Bins::new(SECOND);
    assert_eq!(bins.of(0), None);
    assert_eq!(bins.of(SECOND / 2 - 1), None);
    for steps in 1..=60 {
        assert_eq!(bins.of(steps * SECOND), Some(steps as usize - 1));
    }
    assert!(bins.of(61 * SECOND) >= Some(EXACT));
    let mut before = 0;
    for gap in (1..1_800).map(|gap| gap * gap * gap * SECOND / 7 + SECOND) {
        let bin = bins.of(gap).expect("the gap has a step");
        assert!(bin >= before, "bins ascend with their gaps");
        before = bin;
        if bin >= EXACT {
            let steps = gap as f64 / SECOND as f64;
            assert!((bins.points()[bin] - steps.ln()).abs() < 0.07, "{gap}");
        }
    }
    assert_eq!(bins.of(Micros::MAX / 4), Some(bins.count() - 1));
}

#[test]
fn what_a_coarse_clock_shows_is_the_integral_over_true_gaps_with_a_triangle() {
    for (median, deviation) in [(1.0, 1.2), (0.4, 0.7), (20.0, 0.5), (1_440.0, 1.2)] {
        let component = component(1.0, median, deviation);
        let steps = Steps::of(&component, EXACT);
        for shown in [0_usize, 1, 2, 3, 10, 37, 60] {
            let [mass, first, second] = seen_by_hand(&component, shown as f64);
            let seen = steps.at(shown);
            let near = |found: f64, expected: f64| (found - expected).abs() < 1e-7;
            assert!(
                near(seen.mass, mass),
                "{median} {shown}: {} {mass}",
                seen.mass
            );
            assert!(
                near(seen.first, first),
                "{median} {shown}: {} {first}",
                seen.first
            );
            assert!(
                near(seen.second, second),
                "{median} {shown}: {} {second}",
                seen.second
            );
        }
    }
}

/// ∫ f(v) max(0, 1 − |v − shown|) (1, ln v, ln² v) dv, by the midpoint rule over ln v.
fn seen_by_hand(component: &Component, shown: f64) -> [f64; 3] {
    let low = if shown < 1.5 {
        -25.0
    } else {
        (shown - 1.0).ln()
    };
    let high = (shown + 1.0).ln();
    let cells = 200_000;
    let width = (high - low) / f64::from(cells);
    let mut sums = [0.0; 3];
    for cell in 0..cells {
        let x = low + (f64::from(cell) + 0.5) * width;
        let share = (1.0 - (x.exp() - shown).abs()).max(0.0);
        let mass = component.log_density(x).exp() * share * width;
        sums[0] += mass;
        sums[1] += mass * x;
        sums[2] += mass * x * x;
    }
    sums
}

#[test]
fn the_crossing_found_by_halving_is_the_root_of_the_quadratic() {
    for (short, long) in [
        (component(0.8, 60.0, 1.2), component(0.2, 86_400.0, 1.2)),
        (component(0.5, 20.0, 0.7), component(0.5, 4_000.0, 1.6)),
        (component(0.97, 60.0, 1.5), component(0.03, 90_000.0, 0.4)),
    ] {
        let expected = root(&short, &long);
        let found = cross(&[short], &[long]).expect("they cross");
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
    let [short, long] = two_humps();
    let minutes = cross(&[short], &[long]).expect("they cross").exp() / 60.0;
    assert!((minutes - 49.9).abs() < 0.05, "{minutes}");
}

/// METHODS section 3, in its own letters.
fn root(one: &Component, two: &Component) -> f64 {
    let (v1, v2) = (one.deviation.powi(2), two.deviation.powi(2));
    let a = 0.5 / v2 - 0.5 / v1;
    let b = one.mean / v1 - two.mean / v2;
    let c = two.mean.powi(2) / (2.0 * v2) - one.mean.powi(2) / (2.0 * v1)
        + (one.weight * two.deviation / (two.weight * one.deviation)).ln();
    if a == 0.0 {
        return -c / b;
    }
    let wide = (b * b - 4.0 * a * c).sqrt();
    [(-b + wide) / (2.0 * a), (-b - wide) / (2.0 * a)]
        .into_iter()
        .find(|x| (one.mean..=two.mean).contains(x))
        .expect("a root lies between the means")
}

#[test]
fn components_that_swallow_each_other_do_not_cross() {
    let wide = component(0.95, 60.0, 2.5);
    let lost = component(0.05, 120.0, 2.0);
    assert_eq!(cross(&[wide], &[lost]), None);
    assert!(crossings(&[wide, lost]).is_empty());
}

#[test]
fn of_three_components_the_grouping_that_confuses_least_comes_first() {
    let parts = [
        component(0.3, 2.0, 0.8),
        component(0.5, 60.0, 0.8),
        component(0.2, 86_400.0, 1.0),
    ];
    let crossings = crossings(&parts);
    assert_eq!(crossings[0].within, 2);
    assert!(crossings[0].misclassified < crossings[1].misclassified);
    // Ashman's D of two unit normals 4 apart: √2 · 4 ÷ √2.
    let unit = [component(0.5, 1.0, 1.0), component(0.5, 4.0_f64.exp(), 1.0)];
    assert!((ashman(&unit, 1) - 4.0).abs() < 1e-12);
}

#[test]
fn the_fit_finds_the_mixture_that_made_the_gaps() {
    let bins = Bins::new(1);
    let truth = two_humps().map(|part| Component {
        mean: part.mean + 1e6_f64.ln(),
        ..part
    });
    let histogram: Vec<f64> = bins
        .points()
        .iter()
        .enumerate()
        .map(|(bin, x)| {
            let density: f64 = truth.iter().map(|part| part.log_density(*x).exp()).sum();
            if bin < EXACT { 0.0 } else { density }
        })
        .collect();
    assert_recovered(&bins, &histogram, &truth, 0.01);
}

#[test]
fn stamps_to_the_minute_do_not_move_the_fit() {
    let bins = Bins::new(MINUTE);
    let truth = two_humps().map(|part| Component {
        mean: part.mean - 60.0_f64.ln(),
        ..part
    });
    let seen = truth.map(|part| Steps::of(&part, EXACT));
    let mut low = EXACT as f64 + 0.5;
    let shares = bins.points().iter().enumerate().map(|(bin, point)| {
        if bin < EXACT {
            let part = |part: usize| truth[part].weight * seen[part].at(bin + 1).mass;
            return part(0) + part(1);
        }
        // Above 60 minutes a gap is as good as exact: the share below the end of the bin.
        let high = (2.0 * point - low.ln()).exp();
        let between = |part: &Component| part.weight * (below(part, high) - below(part, low));
        let share = truth.iter().map(between).sum();
        low = high;
        share
    });
    let histogram: Vec<f64> = shares.collect();
    assert_recovered(&bins, &histogram, &truth, 0.01);
}

fn below(part: &Component, steps: f64) -> f64 {
    erfc((part.mean - steps.ln()) / part.deviation / std::f64::consts::SQRT_2) / 2.0
}

fn assert_recovered(bins: &Bins, histogram: &[f64], truth: &[Component; 2], near: f64) {
    let fit = Observed::new(bins, histogram, 0)
        .fit(2, 3)
        .expect("two humps can be fitted");
    for (found, expected) in fit.components.iter().zip(truth) {
        assert!((found.weight - expected.weight).abs() < near, "{found:?}");
        assert!((found.mean - expected.mean).abs() < near, "{found:?}");
        assert!(
            (found.deviation - expected.deviation).abs() < near,
            "{found:?}"
        );
    }
}

#[test]
fn the_split_is_the_best_of_all_cuts() {
    let points = [0.0, 1.0, 1.5, 4.0, 4.5, 6.0, 9.0];
    let counts = [3.0, 5.0, 2.0, 1.0, 4.0, 0.0, 2.0];
    let moments = |keep: &dyn Fn(f64) -> bool| {
        let cells = points.iter().zip(counts).filter(|(x, _)| keep(**x));
        let (count, sum) = cells.fold((0.0, 0.0), |(count, sum), (x, weight)| {
            (count + weight, sum + weight * x)
        });
        (count / 17.0, sum / count)
    };
    let mean = moments(&|_| true).1;
    let variance: f64 = points
        .iter()
        .zip(counts)
        .map(|(x, weight)| weight / 17.0 * (x - mean).powi(2))
        .sum();
    let best = points[..6]
        .iter()
        .map(|cut| {
            let ((w0, m0), (w1, m1)) = (moments(&|x| x <= *cut), moments(&|x| x > *cut));
            (w0 * w1 * (m0 - m1).powi(2) / variance, *cut)
        })
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .expect("there are cuts");
    let found = split(&points, &counts).expect("there are two classes");
    assert!((found.explained - best.0).abs() < 1e-12);
    assert_eq!((best.1, found.at), (1.5, 2.75));
    assert_eq!(split(&[1.0, 2.0], &[4.0, 0.0]), None);
}

#[test]
fn one_normal_explains_two_over_pi_of_its_variance_and_a_line_three_quarters() {
    let points: Vec<f64> = (0..2_001)
        .map(|place| f64::from(place - 1_000) * 0.005)
        .collect();
    let normal: Vec<f64> = points.iter().map(|x| (-x * x / 2.0).exp()).collect();
    let found = split(&points, &normal).expect("there are two classes");
    assert!((found.explained - std::f64::consts::FRAC_2_PI).abs() < 1e-3);
    let line = split(&points, &vec![1.0; 2_001]).expect("there are two classes");
    assert!((line.explained - 0.75).abs() < 1e-3);
}

#[test]
fn the_valley_lies_between_the_humps_and_a_single_hump_has_none() {
    let bins = Bins::new(1);
    let parts = two_humps().map(|part| Component {
        mean: part.mean + 1e6_f64.ln(),
        ..part
    });
    let mixed = |parts: &[Component]| -> Vec<f64> {
        let density = |x: &f64| parts.iter().map(|part| part.log_density(*x).exp()).sum();
        bins.points().iter().map(density).collect()
    };
    let anywhere = (f64::NEG_INFINITY, f64::INFINITY);
    let kernel = Kernel::new(&bins, KERNEL);
    let found = kernel
        .valley(&mixed(&parts), anywhere)
        .expect("there are gaps");
    // The kernel makes a log-normal wider: √(1.2² + 0.3²). The lowest point by hand:
    let smooth = parts.map(|part| Component {
        deviation: (part.deviation.powi(2) + 0.09).sqrt(),
        ..part
    });
    let density = |x: f64| -> f64 { smooth.iter().map(|part| part.log_density(x).exp()).sum() };
    let places = (0..7_000).map(|place| parts[0].mean + f64::from(place) * 0.001);
    let lowest = places
        .min_by(|one, other| density(*one).total_cmp(&density(*other)))
        .expect("there are places");
    assert!((found.at - lowest).abs() < 0.02, "{} {lowest}", found.at);
    assert_near(found.depth, density(lowest) / density(parts[1].mean), 0.02);
    let single = kernel
        .valley(&mixed(&parts[..1]), anywhere)
        .expect("there are gaps");
    assert!(single.depth > 0.99, "{single:?}");
    assert_eq!(kernel.valley(&vec![0.0; bins.count()], anywhere), None);
}

/// Gaps of 1 minute (900), of 1 day (100), 10 users.
fn two_lengths() -> Curve {
    let ends: Vec<f64> = (0..200).map(|end| f64::from(end) * 0.1).collect();
    let bin = |seconds: f64| ends.partition_point(|end| *end < seconds.ln());
    let mut histogram = vec![0.0; 200];
    let mut means = vec![0.0; 200];
    for (seconds, gaps) in [(60.0, 900.0), (86_000.0, 100.0)] {
        histogram[bin(seconds)] = gaps;
        means[bin(seconds)] = seconds;
    }
    Curve::new(&ends, &means, 10.0, &histogram)
}

#[test]
fn between_two_lengths_of_gaps_sessions_and_mean_stand_still() {
    let curve = two_lengths();
    let half_hour = 1_800.0_f64.ln();
    assert_eq!(curve.sessions(0.0), 1_010.0);
    assert_eq!(curve.sessions(half_hour), 110.0);
    assert!((curve.mean(half_hour) - 54_000.0 / 110.0).abs() < 1e-9);
    let (low, high) = plateau(&curve).expect("there is a plateau");
    assert!((low.exp() - 66.0).abs() < 8.0, "{}", low.exp());
    assert!(high.exp() > 70_000.0, "{}", high.exp());
    let knee = knee(&curve).expect("there is a knee");
    assert!((55.0..75.0).contains(&knee.at.exp()), "{}", knee.at.exp());
    assert!(knee.distance > 0.6, "{}", knee.distance);
    let (low, high) = indifferent(&curve, half_hour, 0.05);
    assert!((55.0..70.0).contains(&low.exp()), "{}", low.exp());
    assert!((70_000.0..90_000.0).contains(&high.exp()), "{}", high.exp());
}

#[test]
fn rules_of_thumb_are_those_of_the_hand_calculation() {
    // Gaps 0, 0, 1, 2, 3, 4, 5, 85 seconds: mean 12.5, of squares 910.
    let cells: Vec<(f64, f64, f64)> = [1.0_f64, 2.0, 3.0, 4.0, 5.0, 85.0]
        .iter()
        .map(|gap| (gap.ln(), gap.ln(), 1.0))
        .collect();
    let found = rules(&RuleGaps {
        count: 8,
        zero: 2,
        sum: 100.0,
        squares: 7_280.0,
        bins: &cells,
    });
    let seconds: Vec<f64> = found.iter().filter_map(|rule| rule.seconds).collect();
    let deviation = (910.0 - 12.5_f64 * 12.5).sqrt();
    assert_near(seconds[0], 12.5 + 1.5 * deviation, 1e-12);
    // The quarter ends with a gap of 0, three quarters with the sixth gap.
    assert_near(seconds[1], 4.0 + 1.5 * 4.0, 1e-12);
    // Median of the positive gaps: the third of six; distances in ln: half of them within ln 5/3.
    let spread = (3.0_f64 / 2.0).ln();
    assert_near(seconds[2], 3.0 * (2.5 * 1.4826 * spread).exp(), 1e-12);
    assert_near(seconds[3], 85.0, 1e-12);
}

#[test]
fn a_user_counts_once_on_average_with_the_variance_of_poisson() {
    let (users, lanes) = (4_000_usize, 50_usize);
    let drawn = |seed: u64, user: usize, lanes: usize| -> Vec<f64> {
        let mut lane = vec![0.0; lanes];
        weights(seed, hash(user), &mut lane);
        lane.into_iter().map(f64::from).collect()
    };
    let draws: Vec<Vec<f64>> = (0..users).map(|user| drawn(11, user, lanes)).collect();
    let count = (users * lanes) as f64;
    let mean = draws.iter().flatten().sum::<f64>() / count;
    let variance = draws
        .iter()
        .flatten()
        .map(|draw| (draw - mean).powi(2))
        .sum::<f64>()
        / count;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
    assert!((variance - 1.0).abs() < 0.02, "{variance}");
    for other in [1, 2, 3, 4, 7, 49] {
        let product = draws.iter().map(|lane| lane[0] * lane[other]).sum::<f64>();
        assert!(
            (product / users as f64 - 1.0).abs() < 0.08,
            "{other} {product}"
        );
    }
    assert_eq!(
        drawn(11, 5, 7),
        draws[5][..7],
        "a replicate does not depend on how many there are"
    );
    assert_ne!(drawn(12, 5, 7), draws[5][..7], "another seed draws others");
}

#[test]
fn neither_the_order_of_users_nor_the_parts_can_be_seen() {
    let users = drawn(&Design::new("x", HUMPS), 40, 1);
    let whole = tallies(1, 40, &users);
    let mut parts: Vec<Tallies> = (0..3).map(|_| tallies(1, 40, &[])).collect();
    for (number, gaps) in users.iter().enumerate().rev() {
        parts[number * 7 % 3].user(hash(number), gaps);
    }
    let merged = parts
        .into_iter()
        .rev()
        .reduce(Tallies::merge)
        .expect("there are parts");
    for threads in [1, 3, 50] {
        assert_eq!(
            format!("{:?}", merged.judge(&EstimatePlan { threads, ..PLAN })),
            format!("{:?}", whole.judge(&PLAN))
        );
    }
}

const HUMPS: Gaps = Gaps::Humps {
    inner: 0.8,
    short: 60.0,
    long: 86_400.0,
    deviation: 1.2,
};

#[test]
fn logs_with_next_to_nothing_in_them_keep_the_timeout_and_say_why() {
    let nothing: [(&str, Vec<Vec<Micros>>); 7] = [
        ("no user", vec![]),
        ("users without a gap", vec![vec![]; 5]),
        ("one gap", vec![vec![MINUTE]]),
        ("zeros", vec![vec![0; 30]; 40]),
        ("equal gaps", vec![vec![MINUTE; 30]; 40]),
        ("one user", vec![[[MINUTE; 9], [DAY; 9]].concat()]),
        ("gaps of ten years", vec![vec![10 * YEAR; 3]; 40]),
    ];
    for (name, users) in nothing {
        for (resolution, resamples) in [(1, 0), (1, 30), (SECOND, 30), (HOUR, 30)] {
            let found = judge(resolution, resamples, &users);
            assert!(
                matches!(
                    found.verdict,
                    Verdict::Keep { .. } | Verdict::Indifferent { .. }
                ),
                "{name}: {:?}",
                found.verdict
            );
            assert_eq!(found.estimates.len(), 6);
            assert_eq!(found.gaps.users, users.len() as u64, "{name}");
            assert_eq!(found.replicates.len(), resamples as usize);
            let numbers = found
                .estimates
                .iter()
                .filter_map(|estimate| estimate.seconds);
            assert!(numbers.into_iter().all(f64::is_finite), "{name}");
        }
    }
    let Verdict::Keep { reason, .. } = judge(1, 30, &[]).verdict else {
        panic!("nothing can be said of nothing");
    };
    assert_eq!(reason, "there is no gap to judge by");
    let zeros = judge(1, 30, &vec![vec![0; 30]; 40]);
    let Verdict::Keep { reason, .. } = zeros.verdict else {
        panic!("{:?}", zeros.verdict);
    };
    assert_eq!(
        reason,
        "every gap is shorter than a second or than a step of the clock"
    );
}

#[test]
fn gaps_of_a_program_are_counted_and_move_no_fit() {
    let users = drawn(&Design::new("x", HUMPS), 60, 6);
    let is_slow = |gap: &Micros| *gap >= SECOND;
    let slow: Vec<Vec<Micros>> = users
        .iter()
        .map(|gaps| gaps.iter().copied().filter(is_slow).collect())
        .collect();
    let quick = [1, 800, 999_999, SECOND];
    let both: Vec<Vec<Micros>> = slow
        .iter()
        .map(|gaps| [gaps.as_slice(), &quick[..3]].concat())
        .collect();
    let (alone, beside) = (judge(1, 40, &slow), judge(1, 40, &both));
    assert_eq!((alone.gaps.quick, beside.gaps.quick), (0, 180));
    assert_eq!(beside.gaps.gaps, alone.gaps.gaps + 180);
    for method in [0, 1, 2, 3] {
        assert_eq!(beside.estimates[method], alone.estimates[method]);
    }
    // A second is a person's, and a clock of whole seconds tells no shorter gap.
    let second = judge(1, 0, &[vec![quick[3]; 5]]);
    assert_eq!((second.gaps.quick, second.gaps.gaps), (0, 5));
    assert_eq!(judge(SECOND, 0, &both).gaps.quick, 0);
}

#[test]
fn without_resampling_there_is_no_interval_and_no_recommendation() {
    let found = judge(1, 0, &drawn(&Design::new("x", HUMPS), 60, 2));
    assert!(found.estimates[0].seconds.is_some());
    assert_eq!(found.estimates[0].interval, None);
    assert!(!matches!(
        found.verdict,
        Verdict::Recommended { .. } | Verdict::Between { .. }
    ));
    assert!(
        found
            .remarks
            .iter()
            .any(|remark| remark.contains("not resampled"))
    );
    for draws in [0, 1, 19] {
        let users = drawn(&Design::new("x", HUMPS), 60, 2);
        let found = tallies(1, draws, &users).judge(&EstimatePlan {
            in_use: "5m".parse().expect("it is a timeout"),
            ..PLAN
        });
        let Verdict::Keep {
            reason,
            is_unstructured,
        } = found.verdict
        else {
            panic!("{:?}", found.verdict);
        };
        assert!(!is_unstructured, "{reason}");
        assert!(
            reason.starts_with(&format!("{draws} draws of users")),
            "{reason}"
        );
    }
    // What is missing without any draw is said, and not that there was none.
    let even = Gaps::LogNormal {
        median: 600.0,
        deviation: 1.0,
    };
    let found = judge(1, 0, &drawn(&Design::new("x", even), 60, 2));
    let Verdict::Keep { reason, .. } = found.verdict else {
        panic!("{:?}", found.verdict);
    };
    assert!(reason.contains("cross between their means"), "{reason}");
}

#[test]
fn humps_of_different_users_are_no_pause_of_anyone() {
    let only = |median, seed| {
        let gaps = Gaps::LogNormal {
            median,
            deviation: 1.0,
        };
        drawn(&Design::new("x", gaps), 40, seed)
    };
    let users = [only(60.0, 1), only(20_000.0, 2)].concat();
    let found = judge(1, 40, &users);
    let both = gate(&found, "both sides");
    assert!(
        !both.passed && both.met.is_some_and(|met| met < 0.2),
        "{both:?}"
    );
    assert!(!matches!(found.verdict, Verdict::Recommended { .. }));
}

#[test]
fn each_gate_stops_what_it_is_there_for() {
    let few = judge(1, 40, &drawn(&Design::new("x", HUMPS), 20, 3));
    assert!(!gate(&few, "30 users").passed);
    let night = Gaps::Humps {
        inner: 0.8,
        short: 3_600.0,
        long: 864_000.0,
        deviation: 0.9,
    };
    let slow = judge(1, 40, &drawn(&Design::new("x", night), 60, 4));
    assert!(!gate(&slow, "timeout at most").passed, "{:?}", slow.gates);
    let near = Gaps::Humps {
        inner: 0.8,
        short: 60.0,
        long: 1_800.0,
        deviation: 1.2,
    };
    let near = judge(1, 40, &drawn(&Design::new("x", near), 60, 5));
    assert!(
        !gate(&near, "valley at most 0.5").passed,
        "{:?}",
        near.gates
    );
    for (refused, unstructured, why) in [
        (&few, false, "asked: at least 30 users with gaps; met: 20"),
        (&slow, false, "asked: timeout at most 4h; met: "),
        (&near, true, "asked: valley at most 0.5 of the lower hump"),
    ] {
        let Verdict::Keep {
            reason,
            is_unstructured,
        } = &refused.verdict
        else {
            panic!("{:?}", refused.verdict);
        };
        assert_eq!(*is_unstructured, unstructured, "{reason}");
        assert!(reason.starts_with(why), "{reason}");
    }
    for refused in [few, slow, near] {
        assert!(!matches!(refused.verdict, Verdict::Recommended { .. }));
    }
}

#[test]
fn one_account_with_half_of_all_gaps_does_not_decide_and_is_warned_of() {
    let design = Design {
        account: true,
        ..Design::new("x", HUMPS)
    };
    let found = judge(1, 40, &drawn(&design, 60, 6));
    let seconds = found.estimates[0].seconds.expect("the gaps part");
    assert_near(seconds / 60.0, 49.9, 0.25);
    let warning = found
        .remarks
        .iter()
        .find(|remark| remark.contains("how users are weighed"));
    assert!(
        warning.is_some_and(|warning| warning.contains("50%")),
        "{:?}",
        found.remarks
    );
}

#[test]
fn a_source_is_told_the_timeout_of_the_mixture_that_its_verdict_rests_on() {
    // Between any two pauses a program asks again after about three seconds.
    let mut users = drawn(&Design::new("x", HUMPS), 120, 9);
    for gaps in &mut users {
        let quick = (0..gaps.len() as Micros).map(|place| 2 * SECOND + place % 3 * SECOND);
        gaps.extend(quick.collect::<Vec<_>>());
    }
    let alone = Alone {
        name: "clicks".to_owned(),
        estimation: judge(SECOND, 40, &users),
    };
    let said = alone.estimation.remarks.join(" ");
    assert!(
        said.contains("the mixture of three. With the two shortest as the pauses inside sessions"),
        "{said}"
    );
    let Verdict::Recommended { seconds, interval } = alone.estimation.verdict else {
        panic!("{:?}", alone.estimation.verdict);
    };
    assert_near(seconds / 60.0, 49.9, 0.25);
    let told = alone.judgement().expect("there is an answer").estimate;
    assert_eq!(told.method, Method::MixtureOfThree);
    assert_eq!(
        (told.seconds, told.interval),
        (Some(seconds), Some(interval))
    );
}

#[test]
fn a_spike_of_batch_jobs_at_one_second_does_not_recommend_one_second() {
    let design = Design {
        resolution: SECOND,
        ..Design::new("x", HUMPS)
    };
    let mut users = drawn(&design, 60, 7);
    for gaps in &mut users {
        gaps.extend(vec![SECOND; gaps.len()]);
    }
    let found = judge(SECOND, 0, &users);
    let seconds = found.estimates[0].seconds.expect("the gaps part");
    assert_near(seconds / 60.0, 49.9, 0.25);
    assert!(
        found
            .remarks
            .iter()
            .any(|remark| remark.contains("exactly 1s")),
        "{:?}",
        found.remarks
    );
}

#[test]
fn the_recommended_timeout_and_its_interval_hold_the_truth() {
    let truth = 49.9 * 60.0;
    let runs = 12;
    let (mut held, mut estimates) = (0, Vec::new());
    for seed in 0..runs {
        let found = judge(1, 40, &drawn(&Design::new("x", HUMPS), 80, 100 + seed));
        let Verdict::Recommended { seconds, interval } = found.verdict else {
            panic!("run {seed} is refused: {:?}", found.gates);
        };
        assert_eq!(found.estimates[0].method, Method::MixtureOfTwo);
        held += u32::from((interval.0..=interval.1).contains(&truth));
        estimates.push(seconds);
    }
    estimates.sort_by(f64::total_cmp);
    assert_near(estimates[runs as usize / 2], truth, 0.06);
    assert!(held >= 9, "{held} of {runs} intervals hold the truth");
}

#[test]
fn gaps_without_structure_are_refused() {
    let log_normal = Gaps::LogNormal {
        median: 300.0,
        deviation: 1.5,
    };
    for gaps in [
        log_normal,
        Gaps::LogUniform,
        Gaps::Lomax(300.0),
        Gaps::Weibull(600.0),
        Gaps::Paces,
    ] {
        for seed in 0..2 {
            let found = judge(1, 40, &drawn(&Design::new("x", gaps), 60, 200 + seed));
            assert!(
                matches!(
                    found.verdict,
                    Verdict::Keep { .. } | Verdict::Indifferent { .. }
                ),
                "{gaps:?}: {:?}",
                found.verdict
            );
        }
    }
}
