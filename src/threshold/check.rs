//! Does the timeout hold what was promised of it? Rules against a judgement, for pipelines. What is
//! undefined never passes, and nor does a run without a session.

use crate::threshold::{Judgement, SweepRow, Verdict};
use crate::time::duration::Timeout;

/// The rules of `[threshold]`; a rule that is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckRules {
    /// The range in which the recommended timeout lies, both ends included.
    pub recommended: Option<(Timeout, Timeout)>,
    /// Whether no recommendation is as good, where the timeout in use lies in that range.
    pub allow_keep: bool,
    /// The largest sensitivity at the timeout in use.
    pub max_sensitivity: Option<f64>,
    /// The fewest sessions at the timeout in use.
    pub min_sessions: Option<u64>,
    /// The most sessions at the timeout in use.
    pub max_sessions: Option<u64>,
    /// By which share the mean at the timeout in use, and the recommended timeout, may move.
    pub max_change: Option<f64>,
    /// By which share the number of sessions may fall.
    pub max_drop: Option<f64>,
    /// What the run before gave: needed by the two above, which fail without it.
    pub baseline: Option<Baseline>,
}

impl CheckRules {
    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.recommended.is_none()
            && self.max_sensitivity.is_none()
            && self.min_sessions.is_none()
            && self.max_sessions.is_none()
            && self.max_change.is_none()
            && self.max_drop.is_none()
    }
}

/// What an earlier run gave at the timeout that is now in use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Baseline {
    /// Sessions.
    pub sessions: u64,
    /// Their mean duration in seconds; `None` where there was none.
    pub mean: Option<f64>,
    /// The recommended timeout in seconds; `None` where there was none.
    pub recommended: Option<f64>,
}

/// What every rule gave, in the order of [`CheckRules`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckResult {
    /// One line a rule; the first one asks for a session at all.
    pub checks: Vec<Check>,
}

impl CheckResult {
    /// Whether every rule holds.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// The rules that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.passed)
    }
}

/// One rule, and what was met.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The rule's key in the configuration; `data` for what every check asks.
    pub rule: &'static str,
    /// Of what, in a few words: `change of the mean`.
    pub figure: &'static str,
    /// In what the three numbers below are.
    pub unit: Unit,
    /// The lowest value that passes.
    pub lowest: Option<f64>,
    /// The highest value that passes.
    pub highest: Option<f64>,
    /// The value that was met; `None` where there is none to give.
    pub met: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
    /// What the numbers do not say (a clause): why there is no value, or which one was taken.
    pub reason: Option<String>,
}

/// In what a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A duration.
    Seconds,
    /// A number of sessions.
    Sessions,
    /// A share: 0.1 is 10 %.
    Share,
    /// Percent of the mean per percent of timeout.
    Sensitivity,
}

impl Unit {
    /// The unit's word for machines.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Sessions => "sessions",
            Unit::Share => "share",
            Unit::Sensitivity => "percent_per_percent",
        }
    }
}

/// Holds the judgement against the rules.
pub fn check(rules: &CheckRules, judgement: &Judgement) -> CheckResult {
    let now = AtInUse::of(judgement);
    let mut checks = vec![data(&now)];
    if let Some(range) = rules.recommended {
        checks.extend(recommended(range, rules.allow_keep, judgement));
    }
    if let Some(highest) = rules.max_sensitivity {
        checks.push(sensitivity(highest, &now));
    }
    if let Some(lowest) = rules.min_sessions {
        let lowest = Some(lowest as f64);
        checks.push(sessions("min_sessions", lowest, None, &now));
    }
    if let Some(highest) = rules.max_sessions {
        let highest = Some(highest as f64);
        checks.push(sessions("max_sessions", None, highest, &now));
    }
    let before = rules.baseline.as_ref();
    if let Some(highest) = rules.max_change {
        checks.push(mean_change(highest, before, &now));
        checks.push(recommended_change(highest, before, judgement));
    }
    if let Some(highest) = rules.max_drop {
        checks.push(drop_of_sessions(highest, before, &now));
    }
    CheckResult { checks }
}

/// The timeout that a verdict names, in seconds: a recommendation alone names one.
pub fn recommended_seconds(verdict: &Verdict) -> Option<f64> {
    match verdict {
        Verdict::Recommended { seconds, .. } => Some(*seconds),
        Verdict::Between { .. } | Verdict::Indifferent { .. } | Verdict::Keep { .. } => None,
    }
}

/// Sessions at a timeout: by the whole rule where it was asked, else on the curve.
pub fn sessions_of(row: &SweepRow) -> u64 {
    match &row.figures {
        Some(figures) => figures.sessions,
        None => row.curve.sessions,
    }
}

/// The mean at a timeout in seconds, as [`sessions_of`].
pub fn mean_of(row: &SweepRow) -> Option<f64> {
    match &row.figures {
        Some(figures) => figures.mean,
        None => row.curve.mean,
    }
}

/// The figures at the timeout in use; nothing where it is not in the sweep.
struct AtInUse {
    sessions: Option<u64>,
    mean: Option<f64>,
    sensitivity: Option<f64>,
}

impl AtInUse {
    fn of(judgement: &Judgement) -> Self {
        let in_use = judgement.in_use;
        let row = judgement.sweep.iter().find(|row| row.timeout == in_use);
        Self {
            sessions: row.map(sessions_of),
            mean: row.and_then(mean_of),
            sensitivity: row.and_then(|row| row.curve.sensitivity),
        }
    }
}

impl Check {
    /// A check that holds when there is a value and it lies between the limits: what is no number
    /// is on no side of a limit.
    fn new(
        (rule, figure, unit): (&'static str, &'static str, Unit),
        (lowest, highest): (Option<f64>, Option<f64>),
        met: Option<f64>,
    ) -> Self {
        let met = met.filter(|met| met.is_finite());
        let passed = met.is_some_and(|met| {
            lowest.is_none_or(|lowest| met >= lowest)
                && highest.is_none_or(|highest| met <= highest)
        });
        Self {
            rule,
            figure,
            unit,
            lowest,
            highest,
            met,
            passed,
            reason: None,
        }
    }

    fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The reason where there is no value.
    fn unless_known(self, reason: &str) -> Self {
        match self.met {
            Some(_) => self,
            None => self.because(reason),
        }
    }
}

const NOT_SWEPT: &str = "nothing is known at the timeout in use";
const NO_BASELINE: &str = "there is no baseline";

/// A pipeline that has lost its data says so, whatever else is asked.
fn data(now: &AtInUse) -> Check {
    let mut check = sessions("data", Some(1.0), None, now);
    if now.sessions == Some(0) {
        check.reason = Some("there is no session".to_owned());
    }
    check
}

fn sessions(rule: &'static str, lowest: Option<f64>, highest: Option<f64>, now: &AtInUse) -> Check {
    let met = now.sessions.map(|sessions| sessions as f64);
    Check::new((rule, "sessions", Unit::Sessions), (lowest, highest), met).unless_known(NOT_SWEPT)
}

fn sensitivity(highest: f64, now: &AtInUse) -> Check {
    let name = ("max_sensitivity", "sensitivity", Unit::Sensitivity);
    Check::new(name, (None, Some(highest)), now.sensitivity)
        .unless_known("the sensitivity is not defined at the timeout in use")
}

/// A recommendation lies in the range, and so do both ends of a range that is all that is known.
/// Where nothing is recommended, the timeout in use does, and that must be allowed.
fn recommended(
    (low, high): (Timeout, Timeout),
    allow_keep: bool,
    judgement: &Judgement,
) -> Vec<Check> {
    let limits = (Some(seconds(low)), Some(seconds(high)));
    let check =
        |figure, met: f64| Check::new(("recommended", figure, Unit::Seconds), limits, Some(met));
    match &judgement.verdict {
        Verdict::Recommended { seconds, .. } => vec![check("recommended timeout", *seconds)],
        Verdict::Between { low, high } => vec![
            check("low end of the range", *low),
            check("high end of the range", *high),
        ],
        Verdict::Indifferent { .. } | Verdict::Keep { .. } if allow_keep => {
            let kept = check("timeout in use", seconds(judgement.in_use));
            vec![kept.because("none is recommended, which is allowed")]
        }
        Verdict::Indifferent { .. } => {
            let name = ("recommended", "recommended timeout", Unit::Seconds);
            vec![Check::new(name, limits, None).because("none is recommended")]
        }
        Verdict::Keep { reason, .. } => {
            let name = ("recommended", "recommended timeout", Unit::Seconds);
            let reason = format!("none is recommended: {reason}");
            vec![Check::new(name, limits, None).because(reason)]
        }
    }
}

fn seconds(timeout: Timeout) -> f64 {
    timeout.micros() as f64 / 1e6
}

fn mean_change(highest: f64, before: Option<&Baseline>, now: &AtInUse) -> Check {
    let name = ("max_change", "change of the mean", Unit::Share);
    let mean = before.and_then(|before| before.mean);
    let met = moved(mean, now.mean);
    Check::new(name, (None, Some(highest)), met).unless_known(match (before, mean) {
        (None, _) => NO_BASELINE,
        (Some(_), None) => "the baseline has no mean",
        (Some(_), Some(_)) => "there is no mean now, or it was 0",
    })
}

/// A recommendation that comes or goes has moved, by no number; none then and none now is none.
fn recommended_change(highest: f64, before: Option<&Baseline>, judgement: &Judgement) -> Check {
    let name = (
        "max_change",
        "change of the recommended timeout",
        Unit::Share,
    );
    let check = |met| Check::new(name, (None, Some(highest)), met);
    let now = recommended_seconds(&judgement.verdict);
    match (before, before.and_then(|before| before.recommended), now) {
        (None, ..) => check(None).because(NO_BASELINE),
        (Some(_), None, None) => check(Some(0.0)).because("none was recommended, and none is"),
        (Some(_), Some(_), None) => check(None).because("one was recommended, and none is"),
        (Some(_), None, Some(_)) => check(None).because("none was recommended, and one is"),
        (Some(_), before, now) => check(moved(before, now)),
    }
}

/// |now − before| ÷ before; 0 where both are 0, nothing where only the earlier one is.
fn moved(before: Option<f64>, now: Option<f64>) -> Option<f64> {
    match (before?, now?) {
        (before, now) if before == now => Some(0.0),
        (0.0, _) => None,
        (before, now) => Some(((now - before) / before).abs()),
    }
}

/// More sessions than before are a drop below 0. From none at all nothing can be told.
fn drop_of_sessions(highest: f64, before: Option<&Baseline>, now: &AtInUse) -> Check {
    let name = ("max_drop", "drop of sessions", Unit::Share);
    let sessions = before.map(|before| before.sessions);
    let met = match (sessions, now.sessions) {
        (Some(before), Some(now)) if before > 0 => {
            Some((before as f64 - now as f64) / before as f64)
        }
        _ => None,
    };
    Check::new(name, (None, Some(highest)), met).unless_known(match sessions {
        None => NO_BASELINE,
        Some(0) => "the baseline has no session",
        Some(_) => NOT_SWEPT,
    })
}
