//! What the sums say: each pooled measure, and of how many it is.

use crate::agreement::boundaries::NO_TRACKED_BOUNDARY;
use crate::agreement::scores::Kind;
use crate::agreement::tally::{Sum, Tally};
use crate::events::SECOND;

/// A number, or why there is none (a clause).
pub(super) type Value = Result<f64, &'static str>;

const NO_GAP: &str = "no gap has an end inside a tracked session";
const NO_INFERRED_BOUNDARY: &str = "no scored gap is an inferred boundary";
const NO_BOUNDARY: &str = "no scored gap is a boundary of either side";
const NO_COVERED_TRACKED: &str = "no neighbours inside tracked sessions are in different ones";
const NO_COVERED_INFERRED: &str = "no neighbours inside tracked sessions are inferred apart";
const NO_WINDOW: &str = "no user has more events inside tracked sessions than the window";
pub(super) const NO_CHOICE: &str =
    "every user's events are all together, or all apart, on both sides";
const ONE_TRACKED: &str = "no user has events in two tracked sessions";
const ONE_INFERRED: &str = "no user has events inside tracked sessions in two inferred ones";
pub(super) const NO_EVENT: &str = "no event is inside a tracked session";
const NO_INFERRED_TIME: &str = "no inferred session has a length";
const NO_TRACKED_TIME: &str = "no tracked session has a length";
const NO_TIME: &str = "no session of either side has a length";
pub(super) const NO_PAIR: &str = "no inferred session meets a tracked one";
const NO_LONG_PAIR: &str = "no matched pair has a length";
const NO_RATIO: &str = "in no matched pair both sides have a length";
const ONE_PAIR: &str = "fewer than two matched pairs";
const SAME_LENGTH: &str = "all matched sessions are equally long";
const BOTH_ZERO: &str = "both parts of the mean are 0";

/// What is drawn from the sums alone.
pub(super) fn pooled(kind: Kind, tally: &Tally) -> Value {
    let ratio = |part, whole, reason| ratio(tally.number(part), tally.number(whole), reason);
    let fraction = |part, whole, reason| ratio_of(tally.fraction(part), tally, whole, reason);
    let (found, invented, missed) = (
        tally.number(Sum::TruePositives),
        tally.number(Sum::FalsePositives),
        tally.number(Sum::FalseNegatives),
    );
    let near = tally.number(Sum::NearBoundaries);
    match kind {
        Kind::TruePositives => counted(tally, Sum::TruePositives, SCORED, NO_GAP),
        Kind::FalsePositives => counted(tally, Sum::FalsePositives, SCORED, NO_GAP),
        Kind::FalseNegatives => counted(tally, Sum::FalseNegatives, SCORED, NO_GAP),
        Kind::TrueNegatives => counted(tally, Sum::TrueNegatives, SCORED, NO_GAP),
        Kind::Precision => self::ratio(found, found + invented, NO_INFERRED_BOUNDARY),
        Kind::Recall => self::ratio(found, found + missed, NO_TRACKED_BOUNDARY),
        Kind::F1 => self::ratio(2.0 * found, 2.0 * found + invented + missed, NO_BOUNDARY),
        Kind::NearPrecision => self::ratio(near, found + invented, NO_INFERRED_BOUNDARY),
        Kind::NearRecall => self::ratio(near, found + missed, NO_TRACKED_BOUNDARY),
        Kind::NearF1 => self::ratio(2.0 * near, 2.0 * found + invented + missed, NO_BOUNDARY),
        Kind::CoveredPrecision | Kind::CoveredRecall | Kind::CoveredF1 => covered(kind, tally),
        Kind::Pk => ratio(Sum::PkErrors, Sum::Windows, NO_WINDOW),
        Kind::WindowDiff => ratio(Sum::WindowDiffErrors, Sum::Windows, NO_WINDOW),
        Kind::AdjustedRand => ratio(Sum::RandGain, Sum::RandRoom, NO_CHOICE),
        Kind::Homogeneity => homogeneity(tally),
        Kind::Completeness => completeness(tally),
        Kind::VMeasure => harmonic(homogeneity(tally), completeness(tally)),
        Kind::BCubedPrecision => fraction(Sum::BCubedPrecision, Sum::InsideEvents, NO_EVENT),
        Kind::BCubedRecall => fraction(Sum::BCubedRecall, Sum::InsideEvents, NO_EVENT),
        Kind::BCubedF1 => harmonic(
            pooled(Kind::BCubedPrecision, tally),
            pooled(Kind::BCubedRecall, tally),
        ),
        Kind::Contained => ratio(Sum::Contained, Sum::TrackedWithEvents, NO_EVENT),
        Kind::SameFirst => ratio(Sum::SameFirst, Sum::TrackedWithEvents, NO_EVENT),
        Kind::SameLast => ratio(Sum::SameLast, Sum::TrackedWithEvents, NO_EVENT),
        Kind::SameBoth => ratio(Sum::SameBoth, Sum::TrackedWithEvents, NO_EVENT),
        Kind::BestOverlap => fraction(Sum::BestOverlap, Sum::TrackedWithEvents, NO_EVENT),
        Kind::BestJaccard => fraction(Sum::BestJaccard, Sum::TrackedWithEvents, NO_EVENT),
        Kind::Splits => counted(tally, Sum::Splits, &[Sum::Tracked], "no tracked session"),
        Kind::Misses => counted(tally, Sum::Misses, &[Sum::Tracked], "no tracked session"),
        Kind::Merges => counted(tally, Sum::Merges, &[Sum::Inferred], NO_INFERRED),
        Kind::Orphans => counted(tally, Sum::Orphans, &[Sum::Inferred], NO_INFERRED),
        Kind::TimePrecision => ratio(Sum::SharedLength, Sum::InferredLength, NO_INFERRED_TIME),
        Kind::TimeRecall => ratio(Sum::SharedLength, Sum::TrackedLength, NO_TRACKED_TIME),
        Kind::TimeF1 => self::ratio(
            2.0 * tally.number(Sum::SharedLength),
            tally.number(Sum::InferredLength) + tally.number(Sum::TrackedLength),
            NO_TIME,
        ),
        Kind::SharedOfUnion => fraction(Sum::SharedOfUnion, Sum::PairsWithLength, NO_LONG_PAIR),
        Kind::Bias => seconds(ratio(Sum::Difference, Sum::Pairs, NO_PAIR)),
        Kind::MeanAbsoluteError => seconds(ratio(Sum::AbsoluteDifference, Sum::Pairs, NO_PAIR)),
        Kind::MeanLogRatio => fraction(Sum::LogRatio, Sum::PairsWithRatio, NO_RATIO),
        Kind::LimitLow => seconds(limit(tally, -1.96)),
        Kind::LimitHigh => seconds(limit(tally, 1.96)),
        Kind::Concordance => concordance(tally),
        Kind::StartError => seconds(ratio(Sum::StartError, Sum::Pairs, NO_PAIR)),
        Kind::EndError => seconds(ratio(Sum::EndError, Sum::Pairs, NO_PAIR)),
        Kind::Area
        | Kind::CeilingF1
        | Kind::WindowSize
        | Kind::AdjustedRandMedian
        | Kind::MedianAbsoluteError
        | Kind::PercentileLow
        | Kind::PercentileHigh
        | Kind::StartErrorMedian
        | Kind::EndErrorMedian => Err("no sum"),
    }
}

const NO_INFERRED: &str = "no user with a tracked session has an inferred one";

/// The sums of all scored gaps.
const SCORED: &[Sum] = &[
    Sum::TruePositives,
    Sum::FalsePositives,
    Sum::FalseNegatives,
    Sum::TrueNegatives,
];

/// Of how many a measure is, apart from those not drawn from the sums.
pub(super) fn of(kind: Kind, tally: &Tally) -> u64 {
    let sums: &[Sum] = match kind {
        Kind::TruePositives | Kind::FalsePositives | Kind::FalseNegatives | Kind::TrueNegatives => {
            SCORED
        }
        Kind::Area | Kind::CeilingF1 => SCORED,
        Kind::Precision | Kind::NearPrecision => &[Sum::TruePositives, Sum::FalsePositives],
        Kind::Recall | Kind::NearRecall => &[Sum::TruePositives, Sum::FalseNegatives],
        Kind::F1 | Kind::NearF1 => &[Sum::TruePositives, Sum::FalsePositives, Sum::FalseNegatives],
        Kind::CoveredPrecision => &[Sum::CoveredTruePositives, Sum::CoveredFalsePositives],
        Kind::CoveredRecall => &[Sum::CoveredTruePositives, Sum::CoveredFalseNegatives],
        Kind::CoveredF1 => &[
            Sum::CoveredTruePositives,
            Sum::CoveredFalsePositives,
            Sum::CoveredFalseNegatives,
        ],
        Kind::WindowSize | Kind::Pk | Kind::WindowDiff => &[Sum::Windows],
        Kind::AdjustedRand
        | Kind::AdjustedRandMedian
        | Kind::Homogeneity
        | Kind::Completeness
        | Kind::VMeasure
        | Kind::BCubedPrecision
        | Kind::BCubedRecall
        | Kind::BCubedF1 => &[Sum::InsideEvents],
        Kind::Contained
        | Kind::SameFirst
        | Kind::SameLast
        | Kind::SameBoth
        | Kind::BestOverlap
        | Kind::BestJaccard => &[Sum::TrackedWithEvents],
        Kind::Splits | Kind::Misses | Kind::TimeRecall => &[Sum::Tracked],
        Kind::Merges | Kind::Orphans | Kind::TimePrecision => &[Sum::Inferred],
        Kind::TimeF1 => &[Sum::Tracked, Sum::Inferred],
        Kind::SharedOfUnion => &[Sum::PairsWithLength],
        Kind::MeanLogRatio => &[Sum::PairsWithRatio],
        Kind::Bias
        | Kind::MeanAbsoluteError
        | Kind::MedianAbsoluteError
        | Kind::PercentileLow
        | Kind::PercentileHigh
        | Kind::LimitLow
        | Kind::LimitHigh
        | Kind::Concordance
        | Kind::StartError
        | Kind::StartErrorMedian
        | Kind::EndError
        | Kind::EndErrorMedian => &[Sum::Pairs],
    };
    tally.count(sums)
}

fn ratio(part: f64, whole: f64, reason: &'static str) -> Value {
    match whole > 0.0 {
        true => Ok(part / whole),
        false => Err(reason),
    }
}

fn ratio_of(part: f64, tally: &Tally, whole: Sum, reason: &'static str) -> Value {
    ratio(part, tally.number(whole), reason)
}

/// A count; undefined where there is nothing that could have been counted.
fn counted(tally: &Tally, sum: Sum, all: &[Sum], reason: &'static str) -> Value {
    match tally.count(all) {
        0 => Err(reason),
        _ => Ok(tally.number(sum)),
    }
}

fn seconds(micros: Value) -> Value {
    micros.map(|micros| micros / SECOND as f64)
}

fn covered(kind: Kind, tally: &Tally) -> Value {
    let found = tally.number(Sum::CoveredTruePositives);
    let invented = tally.number(Sum::CoveredFalsePositives);
    let missed = tally.number(Sum::CoveredFalseNegatives);
    match kind {
        Kind::CoveredPrecision => ratio(found, found + invented, NO_COVERED_INFERRED),
        Kind::CoveredRecall => ratio(found, found + missed, NO_COVERED_TRACKED),
        _ => {
            let reason = "no neighbours inside tracked sessions are apart on either side";
            ratio(2.0 * found, 2.0 * found + invented + missed, reason)
        }
    }
}

fn homogeneity(tally: &Tally) -> Value {
    let given = tally.fraction(Sum::TrackedEntropyGivenInferred);
    let lost = ratio(given, tally.fraction(Sum::TrackedEntropy), ONE_TRACKED);
    lost.map(|lost| 1.0 - lost)
}

fn completeness(tally: &Tally) -> Value {
    let given = tally.fraction(Sum::InferredEntropyGivenTracked);
    let lost = ratio(given, tally.fraction(Sum::InferredEntropy), ONE_INFERRED);
    lost.map(|lost| 1.0 - lost)
}

fn harmonic(one: Value, two: Value) -> Value {
    let (one, two) = (one?, two?);
    ratio(2.0 * one * two, one + two, BOTH_ZERO)
}

/// Bias plus so many standard deviations of the differences, in microseconds.
fn limit(tally: &Tally, deviations: f64) -> Value {
    let pairs = tally[Sum::Pairs];
    if pairs < 2 {
        return Err(ONE_PAIR);
    }
    let squares =
        tally[Sum::InferredSquared] + tally[Sum::TrackedSquared] - 2 * tally[Sum::Product];
    let spread = centred(
        pairs,
        tally[Sum::Difference],
        tally[Sum::Difference],
        squares,
    );
    let deviation = (spread / (pairs as f64 * (pairs - 1) as f64)).sqrt();
    Ok(tally.number(Sum::Difference) / pairs as f64 + deviations * deviation)
}

/// 2 cov ÷ (var x + var y + bias²), all of them times n².
fn concordance(tally: &Tally) -> Value {
    let pairs = tally[Sum::Pairs];
    if pairs < 2 {
        return Err(ONE_PAIR);
    }
    let (one, two) = (tally[Sum::InferredDuration], tally[Sum::TrackedDuration]);
    let bias = (one - two) as f64;
    let spread = centred(pairs, one, one, tally[Sum::InferredSquared])
        + centred(pairs, two, two, tally[Sum::TrackedSquared]);
    let together = centred(pairs, one, two, tally[Sum::Product]);
    ratio(2.0 * together, spread + bias * bias, SAME_LENGTH)
}

/// n Σxy − Σx Σy: exact as long as 128 bits hold it.
fn centred(count: i128, one: i128, two: i128, product: i128) -> f64 {
    match (count.checked_mul(product), one.checked_mul(two)) {
        (Some(product), Some(means)) => (product - means) as f64,
        _ => count as f64 * product as f64 - one as f64 * two as f64,
    }
}
