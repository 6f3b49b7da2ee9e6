//! What is said of the timeout, as every format tells it: the verdict in one sentence, what stands
//! beside it, and the words for what was estimated, tested and checked.

use crate::events::SECOND;
use crate::measures::Figures;
use crate::report::rows::judgement::{SENSITIVITY, WITHOUT_BOUNCES};
use crate::report::rows::known;
use crate::report::story::{Fact, run_notes, seconds};
use crate::report::{Run, words};
use crate::threshold::check::{
    Check, CheckResult, Unit, mean_of, recommended_seconds, sessions_of,
};
use crate::threshold::{
    Compared, GapSummary, Judgement, Method, Robustness, SimpleRule, SourceJudgement, SweepRow,
    Verdict,
};
use crate::time::civil::{DAY, HOUR, MINUTE};
use crate::time::duration::{Timeout, write_duration};
use crate::time::period::label;
use crate::time::zone::Zone;

/// The report of `sessionize threshold`.
#[derive(Clone, Debug)]
pub struct JudgementReport {
    /// What it rests on.
    pub run: Run,
    /// What was found.
    pub judgement: Judgement,
    /// Which rows the formats of rows get.
    pub rows: JudgementRows,
    /// What became of the rules, where they were asked for.
    pub checks: Option<CheckResult>,
}

/// Which rows CSV and NDJSON get; the other formats have all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JudgementRows {
    /// One row per timeout.
    #[default]
    Sweep,
    /// One row per bin of gaps.
    Gaps,
    /// One row per method, and per source.
    Estimates,
    /// One row per gate.
    Gates,
    /// One row per timeout with its trend.
    Robustness,
}

/// A method's word for machines.
pub(crate) fn method_name(method: Method) -> &'static str {
    match method {
        Method::MixtureOfTwo => "mixture_of_two",
        Method::MixtureOfThree => "mixture_of_three",
        Method::Valley => "valley",
        Method::Split => "split",
        Method::Knee => "knee",
        Method::Plateau => "plateau",
    }
}

/// A timeout that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// The one in use.
    InUse,
    /// The recommended one.
    Recommended,
    /// The shortest of a range that is all that is known, or that makes no difference.
    Low,
    /// The longest of it.
    High,
    /// A method's answer.
    Of(Method),
}

impl Candidate {
    /// Its word for machines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Candidate::InUse => "in_use",
            Candidate::Recommended => "recommended",
            Candidate::Low => "low",
            Candidate::High => "high",
            Candidate::Of(method) => method_name(method),
        }
    }
}

/// The timeouts that are looked at, in seconds: the one in use, the recommended one or the ends of
/// its range, then each method's answer.
pub(crate) fn candidates(judgement: &Judgement) -> Vec<(Candidate, f64)> {
    let in_use = judgement.in_use.micros() as f64 / 1e6;
    let mut candidates = vec![(Candidate::InUse, in_use)];
    match judgement.verdict {
        Verdict::Recommended { seconds, .. } => candidates.push((Candidate::Recommended, seconds)),
        Verdict::Between { low, high } | Verdict::Indifferent { low, high, .. } => {
            candidates.extend([(Candidate::Low, low), (Candidate::High, high)]);
        }
        Verdict::Keep { .. } => {}
    }
    let answers = judgement.estimates.iter().filter_map(|estimate| {
        let seconds = estimate.seconds.filter(|seconds| seconds.is_finite())?;
        Some((Candidate::Of(estimate.method), seconds))
    });
    candidates.extend(answers);
    candidates
}

/// The same for people.
pub(crate) fn method_words(method: Method) -> String {
    method_name(method).replace('_', " ")
}

/// `recommended`, `between`, `indifferent`, `keep`.
pub(crate) fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Recommended { .. } => "recommended",
        Verdict::Between { .. } => "between",
        Verdict::Indifferent { .. } => "indifferent",
        Verdict::Keep { .. } => "keep",
    }
}

/// The verdict in one sentence, without a final stop.
pub(crate) fn sentence(verdict: &Verdict, in_use: Timeout) -> String {
    match verdict {
        Verdict::Recommended { seconds, interval } => {
            let here = in_use.micros() as f64 / 1e6;
            let as_good = match (interval.0..=interval.1).contains(&here) {
                true => format!("; {in_use}, in use, lies in that interval"),
                false => String::new(),
            };
            format!(
                "Recommended timeout {} (95% {}): the gaps part there{as_good}",
                short(*seconds),
                range(*interval)
            )
        }
        Verdict::Between { low, high } => format!(
            "A timeout between {} and {}: the gaps part somewhere within, and no more is known",
            short(*low),
            short(*high)
        ),
        Verdict::Indifferent {
            low,
            high,
            tolerance,
        } => format!(
            "Any timeout between {} and {}: the mean moves less than {}",
            short(*low),
            short(*high),
            words::share(*tolerance)
        ),
        Verdict::Keep {
            reason,
            is_unstructured,
        } => {
            let why = match is_unstructured {
                true => "No separable structure",
                false => "No timeout to recommend",
            };
            format!("{why}: keep {in_use} ({reason})")
        }
    }
}

/// What the timeout in use, the default and the recommended one give, each where it was swept.
pub(crate) fn beside(judgement: &Judgement) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |label: String, row: &SweepRow| {
        let apart = match (&row.figures, &judgement.curve_differs) {
            (None, Some(_)) => format!(
                "; of all events by the plain rule, unlike the figures above: --at {} gives them",
                typed(row.timeout)
            ),
            _ => String::new(),
        };
        facts.push(Fact::new(label, gives(row) + &apart));
    };
    let at = |timeout: Timeout| judgement.sweep.iter().find(|row| row.timeout == timeout);
    let in_use = judgement.in_use;
    if let Some(row) = at(in_use) {
        add(format!("{}, in use", timeout_words(in_use)), row);
    }
    if in_use != Timeout::DEFAULT
        && let Some(row) = at(Timeout::DEFAULT)
    {
        add(format!("{}, the default", Timeout::DEFAULT), row);
    }
    if let Some(row) = recommended_row(judgement)
        && row.timeout != in_use
        && row.timeout != Timeout::DEFAULT
    {
        add(format!("{}, recommended", timeout_words(row.timeout)), row);
    }
    facts
}

/// The row of the recommended timeout, which is no whole number of seconds and stands in the sweep
/// as the nearest.
pub(crate) fn recommended_row(judgement: &Judgement) -> Option<&SweepRow> {
    let seconds = recommended_seconds(&judgement.verdict)?;
    let is_near = |row: &&SweepRow| (row.timeout.micros() as f64 / 1e6 - seconds).abs() <= 0.5;
    judgement.sweep.iter().find(is_near)
}

/// `12,810 sessions, mean 23m 10s (20m 09s–26m 38s), median 9m 15s, 41% bounces`.
fn gives(row: &SweepRow) -> String {
    let mut parts = vec![words::counted(sessions_of(row), "session", "sessions")];
    let interval = row
        .figures
        .as_ref()
        .and_then(|figures| figures.mean_interval);
    let spread = interval.map_or(String::new(), |interval| {
        format!(" (95% {})", range(interval))
    });
    parts.push(format!("mean {}{spread}", seconds(mean_of(row))));
    parts.extend(median_of(row).map(|median| format!("median {}", words::duration(median))));
    let bounces = bounce_rate_of(row);
    parts.extend(bounces.map(|rate| format!("{} bounces", words::share(rate))));
    parts.join(", ")
}

/// The median at a timeout in seconds: by the whole rule where it was asked, else on the curve.
pub(crate) fn median_of(row: &SweepRow) -> Option<f64> {
    whole_or(row, |figures| figures.median, row.curve.median)
}

/// The mean without bounces in seconds, as [`median_of`].
pub(crate) fn mean_without_bounces_of(row: &SweepRow) -> Option<f64> {
    let curve = row.curve.mean_without_bounces;
    whole_or(row, |figures| figures.mean_without_bounces, curve)
}

/// The share of bounces, as [`median_of`].
pub(crate) fn bounce_rate_of(row: &SweepRow) -> Option<f64> {
    whole_or(row, |figures| figures.bounce_rate, row.curve.bounce_rate)
}

fn whole_or(
    row: &SweepRow,
    of: impl Fn(&Figures) -> Option<f64>,
    curve: Option<f64>,
) -> Option<f64> {
    row.figures.as_ref().map_or(curve, of)
}

/// Gaps that no log axis has, and what the others are.
pub(crate) fn gap_facts(gaps: &GapSummary) -> Vec<Fact> {
    let of_all = |number: u64| {
        let share = words::share(number as f64 / gaps.gaps as f64);
        format!("{} ({share})", words::count(number))
    };
    let users = words::counted(gaps.users, "user", "users");
    let all = format!("{} of {users}", words::count(gaps.gaps));
    let mut facts = vec![Fact::new("gaps", all)];
    if gaps.gaps == 0 {
        return facts;
    }
    let step = step(gaps);
    facts.extend([
        Fact::new(
            "of zero",
            format!("{}, two events at one instant", of_all(gaps.zero)),
        ),
        Fact::new(
            format!("of exactly {step}"),
            format!("{}, one step of the clock", of_all(gaps.one_step)),
        ),
    ]);
    if gaps.quick > 0 {
        let quick = of_all(gaps.quick);
        facts.push(Fact::new(
            "under a second",
            format!("{quick}, a program's: no fit takes them in"),
        ));
    }
    if let Some(share) = gaps.largest_user_share {
        let share = words::share(share);
        facts.push(Fact::new("of one user", format!("at most {share} of them")));
    }
    if let Some(users) = gaps.effective_users {
        let users = words::count(users.round() as u64);
        facts.push(Fact::new(
            "weigh like",
            format!("{users} users with the same number of gaps each"),
        ));
    }
    facts
}

/// The clock's step as a duration that is typed: `1s`.
pub(crate) fn step(gaps: &GapSummary) -> String {
    write_duration(gaps.resolution)
}

/// One sentence for each source that its timeout alone does not tell.
pub(crate) fn source_sentences(judgement: &Judgement) -> Vec<String> {
    let told = |source: &&SourceJudgement| recommended_seconds(&source.verdict).is_none();
    let one = |source: &SourceJudgement| {
        let sentence = sentence(&source.verdict, judgement.in_use);
        format!("{}: {}", source.name, uncapitalised(&sentence))
    };
    judgement.sources.iter().filter(told).map(one).collect()
}

/// In which range the headline's trend holds, and where it turns.
pub(crate) fn robustness(report: &JudgementReport) -> Vec<String> {
    let Judgement {
        robustness, in_use, ..
    } = &report.judgement;
    let Some(compared) = &robustness.compared else {
        let reason = robustness.reason.as_ref();
        let why = reason.map_or(String::new(), |reason| format!(": {reason}"));
        return vec![format!(
            "No two periods can be compared, at any timeout{why}."
        )];
    };
    let mut sentences = vec![periods(compared, &report.run.zone)];
    sentences.extend(trend_in_use(robustness, *in_use));
    sentences.extend(held(robustness));
    sentences.extend(turns(&robustness.flips));
    sentences
}

/// Which means the trend compares.
fn periods(compared: &Compared, zone: &Zone) -> String {
    let label = |period| label(period, compared.length, zone);
    format!(
        "The mean of the {} {} against that of {}.",
        compared.length.name(),
        label(compared.later),
        label(compared.earlier)
    )
}

fn trend_in_use(robustness: &Robustness, in_use: Timeout) -> Option<String> {
    let mut points = robustness.points.iter();
    let change = points.find(|(timeout, _)| *timeout == in_use)?.1?;
    let arrow = words::arrow(change.direction());
    let moved = words::change(change.seconds);
    Some(match change.interval {
        None => format!("At {in_use}: {moved}, without an interval."),
        Some(interval) => {
            let spread = words::change_interval(interval);
            match change.direction() {
                0 => format!("At {in_use}: {arrow} no clear change ({spread})."),
                _ => format!("At {in_use}: {arrow} {moved} (95% {spread})."),
            }
        }
    })
}

fn held(robustness: &Robustness) -> Option<String> {
    let span = |(low, high): (Timeout, Timeout)| match low == high {
        true => format!("at {low} alone"),
        false => format!("from {low} to {high}"),
    };
    let held = match (robustness.same_sign, robustness.same_arrow) {
        (None, None) => return None,
        (Some(sign), None) => format!("its sign holds {}", span(sign)),
        (None, Some(arrow)) => format!("its arrow holds {}", span(arrow)),
        (Some(sign), Some(arrow)) if sign == arrow => {
            format!("its sign and arrow hold {}", span(sign))
        }
        (Some(sign), Some(arrow)) => {
            format!("its sign holds {}, its arrow {}", span(sign), span(arrow))
        }
    };
    let points = words::counted(robustness.points.len() as u64, "timeout", "timeouts");
    let agreeing = robustness.agreeing.map_or(String::new(), |share| {
        format!("; {} agree about the arrow", words::share(share))
    });
    Some(format!("Of {points} tried, {held}{agreeing}."))
}

fn turns(flips: &[(Timeout, Timeout)]) -> Option<String> {
    let between = flips
        .iter()
        .map(|(low, high)| format!("between {low} and {high}"));
    let between: Vec<String> = between.collect();
    (!between.is_empty()).then(|| format!("The sign turns {}.", between.join(", and ")))
}

/// Whether the check passed, and how many rules hold.
pub(crate) fn checked(checks: &CheckResult) -> String {
    match checks.passed() {
        true => format!("The check passed: {}", holding(checks)),
        false => format!("The check FAILED: {}", holding(checks)),
    }
}

/// `2 of 5 rules do not hold`, or `5 rules hold`.
pub fn holding(checks: &CheckResult) -> String {
    let (failed, all) = (checks.failed().count() as u64, checks.checks.len() as u64);
    let all = words::counted(all, "rule", "rules");
    match (failed, checks.checks.len()) {
        (0, 1) => format!("{all} holds"),
        (0, _) => format!("{all} hold"),
        (1, _) => format!("1 of {all} does not hold"),
        (failed, _) => format!("{} of {all} do not hold", words::count(failed)),
    }
}

/// What the numbers of the checks do not say.
pub(crate) fn check_reasons(checks: &CheckResult) -> Vec<String> {
    let reason = |check: &Check| {
        let reason = check.reason.as_ref()?;
        Some(format!("{}, {}: {reason}", check.rule, check.figure))
    };
    checks.checks.iter().filter_map(reason).collect()
}

/// What the columns of the sweep are, and where they do not agree with a report.
pub(crate) fn sweep_notes(judgement: &Judgement) -> Vec<String> {
    let mut notes = vec![
        format!("{WITHOUT_BOUNCES}: of the sessions with two or more events"),
        format!("{SENSITIVITY}: by how many percent the mean moves per percent of timeout"),
    ];
    if let Some(row) = recommended_row(judgement).filter(|row| row.figures.is_none()) {
        notes.push(format!(
            "{}, recommended, has no interval and no median here: --at {} gives them",
            timeout_words(row.timeout),
            typed(row.timeout)
        ));
    }
    if let Some(why) = &judgement.curve_differs {
        let plain = judgement.sweep.iter().any(|row| row.figures.is_none());
        let which = match plain {
            true => "timeouts that were not named follow the plain rule over all events",
            false => "the sensitivity follows the plain rule over all events",
        };
        notes.push(format!("{which}, which differs from a report: {why}"));
    }
    notes
}

/// Why no two sources are compared, where there are two.
pub(crate) fn no_differences(judgement: &Judgement) -> Option<&'static str> {
    let is_missing = judgement.sources.len() > 1 && judgement.differences.is_empty();
    is_missing.then_some("Fewer than two sources have a timeout of their own to compare.")
}

/// The rules of thumb with what they give.
pub(crate) fn rule_facts(judgement: &Judgement) -> Vec<Fact> {
    let fact = |rule: &SimpleRule| Fact::new(rule.name.clone(), known(rule.seconds, short));
    judgement.rules.iter().map(fact).collect()
}

/// The notes at the end: what was remarked, then those of every run.
pub(crate) fn notes(report: &JudgementReport) -> Vec<String> {
    let remarks = report.judgement.remarks.iter().cloned();
    remarks.chain(run_notes(&report.run)).collect()
}

/// One check on one line: `max_sensitivity: sensitivity 0.52, at most 0.3`.
pub fn check_line(check: &Check) -> String {
    let met = met(check);
    let reason = check
        .reason
        .as_ref()
        .map_or(String::new(), |reason| format!(" ({reason})"));
    format!(
        "{}: {} {met}, asked {}{reason}",
        check.rule,
        check.figure,
        asked(check)
    )
}

/// What was met, in words; with all its digits where it fails by less than the words show.
pub(crate) fn met(check: &Check) -> String {
    let Some(met) = check.met else {
        return words::UNKNOWN.to_owned();
    };
    let text = in_unit(met, check.unit);
    let mut limits = [check.lowest, check.highest].into_iter().flatten();
    let looks_equal = limits.any(|limit| in_unit(limit, check.unit) == text);
    match check.unit {
        _ if check.passed || !looks_equal => text,
        Unit::Seconds => format!("{met}s"),
        Unit::Share => format!("{}%", met * 100.0),
        Unit::Sessions | Unit::Sensitivity => met.to_string(),
    }
}

/// `between 10m and 1h`, `at most 10%`.
pub(crate) fn asked(check: &Check) -> String {
    let unit = |value: f64| in_unit(value, check.unit);
    match (check.lowest, check.highest) {
        (Some(low), Some(high)) => format!("{} to {}", unit(low), unit(high)),
        (Some(low), None) => format!("at least {}", unit(low)),
        (None, Some(high)) => format!("at most {}", unit(high)),
        (None, None) => words::UNKNOWN.to_owned(),
    }
}

fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => short(value),
        Unit::Sessions => words::count(value as u64),
        Unit::Share => format!("{}%", number(value * 100.0)),
        Unit::Sensitivity => number(value),
    }
}

/// A number that people hold against a limit: two digits behind the point, or as many as it needs
/// below one hundredth; whole where it is large.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return words::UNKNOWN.to_owned();
    }
    let size = value.abs();
    let text = if size >= 1000.0 {
        words::count(size.round() as u64)
    } else if size >= 100.0 {
        format!("{size:.0}")
    } else if size >= 0.01 || size == 0.0 {
        format!("{size:.2}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        format!("{size:.4}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    };
    match value < 0.0 {
        true => format!("{}{text}", words::MINUS),
        false => text,
    }
}

/// A timeout in words, without a second unit of zero: `30m`, `49m 50s`, `2h`.
pub(crate) fn short(seconds: f64) -> String {
    let text = words::duration(seconds);
    for zero in [" 00s", " 00m", " 0h"] {
        if let Some(short) = text.strip_suffix(zero) {
            return short.to_owned();
        }
    }
    text
}

/// A timeout as durations are written beside it, where that tells it exactly: `47m 01s`; else as it
/// is typed: `1h 5m 10s`.
pub(crate) fn timeout_words(timeout: Timeout) -> String {
    let micros = timeout.micros();
    let is_told = micros % SECOND == 0 && (micros < HOUR || micros % MINUTE == 0 && micros < DAY);
    match is_told {
        true => short(micros as f64 / 1e6),
        false => timeout.to_string(),
    }
}

/// A timeout as one word of a command line: `47m1s`.
fn typed(timeout: Timeout) -> String {
    timeout.to_string().replace(' ', "")
}

/// `46m to 54m 10s`.
pub(crate) fn range((low, high): (f64, f64)) -> String {
    format!("{} to {}", short(low), short(high))
}

fn uncapitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
