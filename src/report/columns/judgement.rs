//! The columns of what is said of the timeout, for machines. Names and order are frozen within one
//! schema version; new columns come only at the end.

use crate::events::Micros;
use crate::measures::Change;
use crate::report::columns::Cell;
use crate::report::judgement::{
    Candidate, candidates, method_name, recommended_row, sentence, verdict_name,
};
use crate::threshold::check::Check;
use crate::threshold::{
    Compared, Estimate, GapBin, GapSummary, Judgement, Robustness, SimpleRule, SourceDifference,
    SweepRow, Test, Verdict,
};
use crate::time::duration::Timeout;

/// The columns of a timeout in the sweep: by the whole rule, then by the plain one over all events.
pub const SWEEP: [&str; 22] = [
    TIMEOUT_SECONDS,
    "in_use",
    "recommended",
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
    "curve_sessions",
    "curve_mean_duration_seconds",
    "curve_median_duration_seconds",
    "curve_mean_duration_without_bounces_seconds",
    "curve_bounce_rate",
    "curve_total_duration_seconds",
    "sensitivity",
    "curve_mean_at_half_timeout_seconds",
    "curve_mean_at_double_timeout_seconds",
];

/// The columns of a bin of gaps. The first row is that of zero, which has no lower end.
pub const GAPS: [&str; 5] = [
    LOW_SECONDS,
    HIGH_SECONDS,
    "gaps",
    "one_step_gaps",
    "candidates",
];

/// The columns of a method's answer.
pub const ESTIMATES: [&str; 11] = [
    "source",
    "method",
    TIMEOUT_SECONDS,
    LOW_SECONDS,
    HIGH_SECONDS,
    "range_low_seconds",
    "range_high_seconds",
    "test",
    "met",
    "limit",
    "passed",
];

/// The columns of a gate.
pub const GATES: [&str; 4] = ["gate", "met", "limit", "passed"];

/// The columns of a timeout with its trend.
pub const ROBUSTNESS: [&str; 6] = [
    TIMEOUT_SECONDS,
    "in_use",
    "change_seconds",
    "change_low_seconds",
    "change_high_seconds",
    "direction",
];

/// The columns of the periods that the trend compares, in JSON.
pub const COMPARED: [&str; 5] = [
    "length",
    "later_start",
    "later_end",
    "earlier_start",
    "earlier_end",
];

/// The columns of a rule of the check, in JSON.
pub const CHECKS: [&str; 8] = [
    "rule", "figure", "unit", "lowest", "highest", "met", "passed", "reason",
];

/// The columns of a verdict, in JSON.
pub const VERDICT: [&str; 7] = [
    "verdict",
    TIMEOUT_SECONDS,
    LOW_SECONDS,
    HIGH_SECONDS,
    "tolerance",
    "reason",
    "sentence",
];

/// The columns of what the gaps are, in JSON.
pub const GAP_SUMMARY: [&str; 8] = [
    "users",
    "gaps",
    "zero_gaps",
    "resolution_seconds",
    "one_step_gaps",
    "quick_gaps",
    "largest_user_share",
    "effective_users",
];

/// The columns of a rule of thumb, in JSON.
pub const SIMPLE_RULES: [&str; 2] = ["rule", TIMEOUT_SECONDS];

/// The columns of the difference of two sources, in JSON.
pub const DIFFERENCES: [&str; 6] = [
    "shorter",
    "longer",
    "ratio",
    "ratio_low",
    "ratio_high",
    "more_than_noise",
];

/// The columns of a range of timeouts, in JSON.
pub const RANGE: [&str; 2] = [LOW_SECONDS, HIGH_SECONDS];

const TIMEOUT_SECONDS: &str = "timeout_seconds";
const LOW_SECONDS: &str = "low_seconds";
const HIGH_SECONDS: &str = "high_seconds";

fn seconds(timeout: Timeout) -> Cell<'static> {
    Cell::Seconds(timeout.micros().into())
}

fn micros(micros: Micros) -> Cell<'static> {
    Cell::Seconds(micros.into())
}

fn count(count: Option<u64>) -> Cell<'static> {
    count.map_or(Cell::Unknown, Cell::Count)
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(text.into())
}

fn ends(ends: Option<(f64, f64)>) -> [Cell<'static>; 2] {
    [
        Cell::number(ends.map(|(low, _)| low)),
        Cell::number(ends.map(|(_, high)| high)),
    ]
}

/// The cells of [`SWEEP`].
pub(crate) fn sweep_cells(row: &SweepRow, judgement: &Judgement) -> [Cell<'static>; SWEEP.len()] {
    let curve = &row.curve;
    let figures = row.figures.as_ref();
    let number = |value: Option<Option<f64>>| Cell::number(value.flatten());
    let [low, high] = ends(figures.and_then(|figures| figures.mean_interval));
    let recommended = recommended_row(judgement).is_some_and(|best| best.timeout == row.timeout);
    [
        seconds(row.timeout),
        Cell::Flag(row.timeout == judgement.in_use),
        Cell::Flag(recommended),
        count(figures.map(|figures| figures.users)),
        count(figures.map(|figures| figures.sessions)),
        count(figures.map(|figures| figures.open_sessions)),
        number(figures.map(|figures| figures.mean)),
        low,
        high,
        number(figures.map(|figures| figures.median)),
        number(figures.map(|figures| figures.mean_without_bounces)),
        number(figures.map(|figures| figures.bounce_rate)),
        figures
            .and_then(|figures| figures.total)
            .map_or(Cell::Unknown, Cell::Seconds),
        Cell::Count(curve.sessions),
        Cell::number(curve.mean),
        Cell::number(curve.median),
        Cell::number(curve.mean_without_bounces),
        Cell::number(curve.bounce_rate),
        Cell::Seconds(curve.total),
        Cell::number(curve.sensitivity),
        Cell::number(curve.mean_at_half),
        Cell::number(curve.mean_at_double),
    ]
}

/// The cells of [`GAPS`], the row of zero first.
pub(crate) fn gap_cells(judgement: &Judgement) -> Vec<[Cell<'static>; GAPS.len()]> {
    let gaps = &judgement.gaps;
    let zero = [
        Cell::Unknown,
        Cell::Seconds(0),
        Cell::Count(gaps.zero),
        Cell::Count(0),
        Cell::Unknown,
    ];
    let candidates = candidates(judgement);
    let bin = |bin: &GapBin| {
        [
            micros(bin.low),
            micros(bin.high),
            Cell::Count(bin.gaps),
            Cell::Count(one_step_gaps(bin, gaps)),
            names_within(bin, &candidates),
        ]
    };
    let bins = judgement.histogram.iter().map(bin);
    std::iter::once(zero).chain(bins).collect()
}

/// The candidates that a bin holds, joined with `;`.
fn names_within(bin: &GapBin, candidates: &[(Candidate, f64)]) -> Cell<'static> {
    let ends = bin.low as f64 / 1e6..bin.high as f64 / 1e6;
    let is_within = |seconds: f64| ends.start < seconds && seconds <= ends.end;
    let held = candidates.iter().filter(|(_, seconds)| is_within(*seconds));
    let names: Vec<&str> = held.map(|(candidate, _)| candidate.name()).collect();
    match names.is_empty() {
        true => Cell::Unknown,
        false => Cell::Plain(names.join(";")),
    }
}

/// How many gaps of a bin are of exactly one step of the clock.
pub(crate) fn one_step_gaps(bin: &GapBin, gaps: &GapSummary) -> u64 {
    match bin.low < gaps.resolution && gaps.resolution <= bin.high {
        true => gaps.one_step.min(bin.gaps),
        false => 0,
    }
}

/// The cells of [`ESTIMATES`], those over everything first, which name no source.
pub(crate) fn estimate_rows(judgement: &Judgement) -> Vec<[Cell<'_>; ESTIMATES.len()]> {
    let all = judgement.estimates.iter().map(|estimate| (None, estimate));
    let sources = judgement
        .sources
        .iter()
        .map(|source| (Some(source.name.as_str()), &source.estimate));
    all.chain(sources)
        .map(|(source, estimate)| estimate_cells(source, estimate))
        .collect()
}

/// One method's cells of [`ESTIMATES`].
pub(crate) fn estimate_cells<'a>(
    source: Option<&'a str>,
    estimate: &'a Estimate,
) -> [Cell<'a>; ESTIMATES.len()] {
    let [low, high] = ends(estimate.interval);
    let [range_low, range_high] = ends(estimate.range);
    let [test, met, limit, passed] = gate_cells(&estimate.test);
    [
        source.map_or(Cell::Unknown, text),
        text(method_name(estimate.method)),
        Cell::number(estimate.seconds),
        low,
        high,
        range_low,
        range_high,
        test,
        met,
        limit,
        passed,
    ]
}

/// The cells of [`GATES`].
pub(crate) fn gate_cells(test: &Test) -> [Cell<'_>; GATES.len()] {
    [
        text(&test.name),
        Cell::number(test.met),
        Cell::Number(test.limit),
        Cell::Flag(test.passed),
    ]
}

/// The cells of [`ROBUSTNESS`].
pub(crate) fn robustness_rows(
    robustness: &Robustness,
    in_use: Timeout,
) -> Vec<[Cell<'static>; ROBUSTNESS.len()]> {
    let row = |(timeout, change): &(Timeout, Option<Change>)| {
        let interval = change.and_then(|change| change.interval);
        let [low, high] = ends(interval);
        let direction = change.filter(|change| change.interval.is_some());
        [
            seconds(*timeout),
            Cell::Flag(*timeout == in_use),
            Cell::number(change.map(|change| change.seconds)),
            low,
            high,
            direction.map_or(Cell::Unknown, |change| Cell::Sign(change.direction())),
        ]
    };
    robustness.points.iter().map(row).collect()
}

/// The cells of [`COMPARED`].
pub(crate) fn compared_cells(compared: &Compared) -> [Cell<'static>; COMPARED.len()] {
    let Compared {
        length,
        earlier,
        later,
    } = compared;
    [
        Cell::Plain(length.name().to_owned()),
        Cell::Instant(later.start),
        Cell::Instant(later.end),
        Cell::Instant(earlier.start),
        Cell::Instant(earlier.end),
    ]
}

/// The cells of [`CHECKS`].
pub(crate) fn check_cells(check: &Check) -> [Cell<'_>; CHECKS.len()] {
    [
        text(check.rule),
        text(check.figure),
        text(check.unit.name()),
        Cell::number(check.lowest),
        Cell::number(check.highest),
        Cell::number(check.met),
        Cell::Flag(check.passed),
        check.reason.as_deref().map_or(Cell::Unknown, text),
    ]
}

/// The cells of [`VERDICT`].
pub(crate) fn verdict_cells(verdict: &Verdict, in_use: Timeout) -> [Cell<'_>; VERDICT.len()] {
    let (timeout, range, tolerance, reason) = match verdict {
        Verdict::Recommended { seconds, interval } => (Some(*seconds), Some(*interval), None, None),
        Verdict::Between { low, high } => (None, Some((*low, *high)), None, None),
        Verdict::Indifferent {
            low,
            high,
            tolerance,
        } => (None, Some((*low, *high)), Some(*tolerance), None),
        Verdict::Keep { reason, .. } => (None, None, None, Some(reason.as_str())),
    };
    let [low, high] = ends(range);
    [
        text(verdict_name(verdict)),
        Cell::number(timeout),
        low,
        high,
        Cell::number(tolerance),
        reason.map_or(Cell::Unknown, text),
        Cell::Text(sentence(verdict, in_use).into()),
    ]
}

/// The cells of [`GAP_SUMMARY`].
pub(crate) fn gap_summary_cells(gaps: &GapSummary) -> [Cell<'static>; GAP_SUMMARY.len()] {
    [
        Cell::Count(gaps.users),
        Cell::Count(gaps.gaps),
        Cell::Count(gaps.zero),
        micros(gaps.resolution),
        Cell::Count(gaps.one_step),
        Cell::Count(gaps.quick),
        Cell::number(gaps.largest_user_share),
        Cell::number(gaps.effective_users),
    ]
}

/// The cells of [`SIMPLE_RULES`].
pub(crate) fn simple_rule_cells(rule: &SimpleRule) -> [Cell<'_>; SIMPLE_RULES.len()] {
    [text(&rule.name), Cell::number(rule.seconds)]
}

/// The cells of [`DIFFERENCES`].
pub(crate) fn difference_cells(difference: &SourceDifference) -> [Cell<'_>; DIFFERENCES.len()] {
    let [low, high] = ends(difference.interval);
    let more = is_more_than_noise(difference);
    [
        text(&difference.shorter),
        text(&difference.longer),
        Cell::Number(difference.ratio),
        low,
        high,
        more.map_or(Cell::Unknown, Cell::Flag),
    ]
}

/// Whether the interval of a ratio leaves 1 out; `None` without an interval.
pub(crate) fn is_more_than_noise(difference: &SourceDifference) -> Option<bool> {
    let (low, high) = difference.interval?;
    Some(low > 1.0 || high < 1.0)
}

/// The cells of [`RANGE`].
pub(crate) fn range_cells((low, high): (Timeout, Timeout)) -> [Cell<'static>; RANGE.len()] {
    [seconds(low), seconds(high)]
}
