//! From tallies to a verdict: each method with its interval and its test, the gates, what follows.

use crate::events::{Micros, SECOND};
use crate::threshold::answers::{Answers, FEWER_REPLICATES, FEWEST_REPLICATES, interval};
use crate::threshold::bins::EXACT;
use crate::threshold::estimate::{EstimatePlan, Estimation, Tallies};
use crate::threshold::gates::{Gates, STRUCTURAL, at_least, at_most, mixture_test};
use crate::threshold::mixtures::Mixtures;
use crate::threshold::plateau::indifferent;
use crate::threshold::remarks::remarks;
use crate::threshold::rules::{Gaps, rules};
use crate::threshold::sample::{Ground, Histograms};
use crate::threshold::{Estimate, Method, SimpleRule, Test, TestUnit, Verdict};
use crate::time::duration::write_duration;

/// A range that makes no difference must reach so far to either side of the timeout in use.
const LEAST_REACH: f64 = std::f64::consts::SQRT_2;

/// Everything that is said of the tallies.
pub(crate) fn judge(tallies: &Tallies, plan: &EstimatePlan) -> Estimation {
    let ground = Ground::new(tallies);
    let point = Histograms::of(tallies);
    let mixtures = Mixtures::fit(tallies, &point);
    let replicates = Answers::of_replicates(tallies, &ground, &mixtures, plan.threads);
    let point_answers = Answers::of_point(&ground, &point, &mixtures, tallies);
    let gates = Gates {
        tallies,
        plan,
        mixtures: &mixtures,
        point: &point_answers,
        replicates: &replicates,
    };
    let tests = gates.tests();
    Estimation {
        gaps: tallies.summary(),
        estimates: estimates(tallies, &mixtures, &point_answers, &replicates),
        rules: simple_rules(tallies),
        verdict: verdict(&gates, &tests, &ground, &point),
        remarks: remarks(tallies, &mixtures, &point),
        gates: tests,
        chosen: match mixtures.chosen {
            3 => Method::MixtureOfThree,
            _ => Method::MixtureOfTwo,
        },
        within: mixtures.within(tallies.bins.shift()),
        replicates: replicates
            .iter()
            .map(|answers| answers.mixture(mixtures.chosen))
            .collect(),
    }
}

fn estimates(
    tallies: &Tallies,
    mixtures: &Mixtures,
    point: &Answers,
    replicates: &[Answers],
) -> Vec<Estimate> {
    [
        (Method::MixtureOfTwo, mixture_test(mixtures, 2), None),
        (Method::MixtureOfThree, mixture_test(mixtures, 3), None),
        (
            Method::Valley,
            at_most(
                "at most 0.8 of the lower hump, at both widths of smoothing",
                point.valley.strength,
                0.8,
            ),
            None,
        ),
        (
            Method::Split,
            at_least(
                "the classes explain at least 0.8 of the variance",
                point.split.strength,
                0.8,
            ),
            None,
        ),
        (
            Method::Knee,
            at_least(
                "at least 0.2 below the straight line from 10s to 24h",
                point.knee.strength,
                0.2,
            ),
            None,
        ),
        (
            Method::Plateau,
            at_least(
                "its ends differ by at least a factor of 4",
                point.plateau.strength,
                4.0,
            ),
            point.plateau.range,
        ),
    ]
    .into_iter()
    .map(|(method, test, range)| {
        let at = point.at(method);
        let aside = [Method::MixtureOfTwo, Method::MixtureOfThree][3 - mixtures.chosen];
        let most = if method == aside {
            FEWER_REPLICATES
        } else {
            replicates.len()
        };
        let found: Vec<Option<f64>> = replicates
            .iter()
            .take(most)
            .map(|answers| answers.at(method))
            .collect();
        Estimate {
            method,
            seconds: at.map(f64::exp),
            interval: interval(tallies, at, &found),
            range: range.map(|(low, high)| (low.exp(), high.exp())),
            test,
        }
    })
    .collect()
}

/// What follows from the gates.
fn verdict(gates: &Gates<'_>, tests: &[Test], ground: &Ground<'_>, point: &Histograms) -> Verdict {
    let (factor, others) = match tests.split_last() {
        Some(parts) => parts,
        None => return keep("nothing was asked of the gaps"),
    };
    if let Some(place) = others.iter().position(|test| !test.passed) {
        let is_unstructured = place < STRUCTURAL;
        return refusal(gates, (&others[place], is_unstructured), ground, point);
    }
    if !factor.passed && factor.met.is_none() {
        return refusal(gates, (factor, false), ground, point);
    }
    match (gates.at(), gates.interval()) {
        (Some(at), Some(interval)) if factor.passed => Verdict::Recommended {
            seconds: at.exp(),
            interval,
        },
        (_, Some((low, high))) => Verdict::Between { low, high },
        _ => refusal(gates, (factor, false), ground, point),
    }
}

/// No recommendation: a range that makes no difference, or the first reason.
fn refusal(
    gates: &Gates<'_>,
    (failed, is_unstructured): (&Test, bool),
    ground: &Ground<'_>,
    point: &Histograms,
) -> Verdict {
    let tallies = gates.tallies;
    if tallies.count == 0 {
        return keep("there is no gap to judge by");
    }
    if tallies.users_with_gaps == 0 {
        return keep("every gap is shorter than a second or than a step of the clock");
    }
    let in_use = (gates.plan.in_use.micros() as f64 / SECOND as f64).ln();
    let curve = ground.curve(point);
    let (low, high) = indifferent(&curve, in_use, gates.plan.tolerance);
    let reach = LEAST_REACH.ln();
    if curve.mean(in_use) > 0.0 && low <= in_use - reach && high >= in_use + reach {
        return Verdict::Indifferent {
            low: low.exp(),
            high: high.exp(),
            tolerance: gates.plan.tolerance,
        };
    }
    let draws = tallies.resampling.resamples;
    if failed.met.is_none() && (draws as usize) < FEWEST_REPLICATES {
        return keep(&format!(
            "{draws} draws of users tell nothing of how sure a timeout is; at least \
             {FEWEST_REPLICATES} do"
        ));
    }
    Verdict::Keep {
        reason: reason(failed),
        is_unstructured,
    }
}

fn keep(reason: &str) -> Verdict {
    Verdict::Keep {
        reason: reason.to_owned(),
        is_unstructured: false,
    }
}

/// A failed condition as a clause.
pub(crate) fn reason(failed: &Test) -> String {
    let name = &failed.name;
    match (failed.met, failed.unit) {
        (Some(_), TestUnit::Whether) => format!("it is not so that {name}"),
        (Some(met), TestUnit::Seconds) => {
            let micros = (met.round() * SECOND as f64) as Micros;
            format!("asked: {name}; met: {}", write_duration(micros))
        }
        (Some(met), TestUnit::Number) => {
            format!("asked: {name}; met: {}", rounded(met, failed.limit))
        }
        (None, _) => format!("asked: {name}; there is nothing to measure"),
    }
}

/// Two digits behind the point, none for whole and large numbers; all of them where they would
/// show the limit.
fn rounded(value: f64, limit: f64) -> String {
    let short = |value: f64| match value >= 100.0 || value.fract() == 0.0 {
        true => format!("{value:.0}"),
        false => format!("{value:.2}"),
    };
    match short(value) == short(limit) {
        true => value.to_string(),
        false => short(value),
    }
}

fn simple_rules(tallies: &Tallies) -> Vec<SimpleRule> {
    let (points, shift) = (tallies.bins.points(), tallies.bins.shift());
    let bins: Vec<(f64, f64, f64)> = (0..tallies.bins.count())
        .map(|bin| {
            let gaps = tallies.by_gap[bin] as f64;
            if bin < EXACT {
                return (points[bin] + shift, points[bin] + shift, gaps);
            }
            let low = tallies.bins.top_seconds(bin - 1).ln();
            (low, tallies.bins.top_seconds(bin).ln(), gaps)
        })
        .collect();
    let second = SECOND as f64;
    rules(&Gaps {
        count: tallies.count,
        zero: tallies.short,
        sum: tallies.micros as f64 / second,
        squares: tallies.micros_squared as f64 / second / second,
        bins: &bins,
    })
}
