//! What `sessionize threshold` needs besides what every command does.

use serde::Deserialize;
use toml::Spanned;

use super::{Settling, flag_failure, parse_share};
use crate::cli::threshold::{Per, Rows, ThresholdFlags};
use crate::error::{self, Failure};
use crate::events::Micros;
use crate::report::judgement::JudgementRows;
use crate::threshold::check::CheckRules;
use crate::threshold::robustness;
use crate::time::civil::{HOUR, MINUTE};
use crate::time::duration::Timeout;

/// The table `[threshold]`. Keys are the flags of the command with `_` for `-`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ThresholdConfig {
    pub(super) at: Option<Spanned<String>>,
    pub(super) sweep: Option<Spanned<String>>,
    pub(super) tolerance: Option<Spanned<String>>,
    pub(super) per: Option<Per>,
    pub(super) resamples: Option<Spanned<u32>>,
    pub(super) seed: Option<u64>,
    pub(super) rows: Option<Rows>,
    pub(super) recommended: Option<Spanned<String>>,
    pub(super) allow_keep: Option<Spanned<bool>>,
    pub(super) max_sensitivity: Option<Spanned<f64>>,
    pub(super) min_sessions: Option<Spanned<u64>>,
    pub(super) max_sessions: Option<Spanned<u64>>,
    pub(super) max_change: Option<Spanned<String>>,
    pub(super) max_drop: Option<Spanned<String>>,
    pub(super) baseline: Option<Spanned<String>>,
}

/// What is asked of the timeout, valid.
#[derive(Clone, Debug)]
pub struct ThresholdSettings {
    /// The timeouts named, the shortest first.
    pub at: Vec<Timeout>,
    /// The timeouts to show besides those named, the shortest first.
    pub sweep: Vec<Timeout>,
    /// By which share the mean may move within a range that is as good.
    pub tolerance: f64,
    /// Whether each source is judged alone too.
    pub per_source: bool,
    /// How often users are drawn again.
    pub resamples: u32,
    /// What the draws begin with.
    pub seed: u64,
    /// The rules that the result is held against, where that is asked for.
    pub rules: Option<CheckRules>,
    /// Which rows the formats of rows get.
    pub rows: JudgementRows,
}

impl ThresholdSettings {
    /// The timeouts whose figures are those of a report: those named, the one in use, and the
    /// default, which always stands beside the verdict. The shortest first.
    pub fn named(&self, in_use: Timeout) -> Vec<Timeout> {
        in_order(self.at.iter().copied().chain([in_use, Timeout::DEFAULT]))
    }

    /// The timeouts that have a row, the shortest first.
    pub fn shown(&self, in_use: Timeout) -> Vec<Timeout> {
        in_order(self.sweep.iter().copied().chain(self.named(in_use)))
    }

    /// The longest timeout to which the whole rule is applied.
    pub(super) fn longest(&self, in_use: Timeout) -> Timeout {
        let all = self.named(in_use).into_iter();
        all.chain(robustness::grid(in_use))
            .fold(in_use, Timeout::max)
    }
}

/// Each once, the shortest first.
fn in_order(timeouts: impl Iterator<Item = Timeout>) -> Vec<Timeout> {
    let mut timeouts: Vec<Timeout> = timeouts.collect();
    timeouts.sort_unstable();
    timeouts.dedup();
    timeouts
}

/// The most timeouts that `--at` may name: each is applied to every event.
const MOST_NAMED: usize = 100;

/// The most timeouts that `--sweep` may show.
const MOST_SHOWN: usize = 1000;

/// The most draws; the intervals of a few hundred are as good.
const MOST_RESAMPLES: u32 = 10_000;

impl Settling<'_> {
    /// What was typed of the threshold, else what the configuration says.
    pub(super) fn threshold(
        &self,
        asked: &ThresholdFlags,
        in_use: Timeout,
    ) -> Result<ThresholdSettings, Failure> {
        let config = self.file.as_ref().map(|file| &file.config.threshold);
        let usage = error::USAGE;
        let at = self.value("--at", usage, &asked.at, |c| &c.threshold.at, parse_list)?;
        let sweep = self.value(
            "--sweep",
            usage,
            &asked.sweep,
            |c| &c.threshold.sweep,
            parse_sweep,
        )?;
        let tolerance = self.value(
            "--tolerance",
            usage,
            &asked.tolerance,
            |c| &c.threshold.tolerance,
            parse_tolerance,
        )?;
        let sweep = match (&at, sweep) {
            (_, Some(sweep)) => sweep,
            (Some(_), None) => Vec::new(),
            (None, None) => ladder(MINUTE, 4 * HOUR),
        };
        let rows = asked.rows.or(config.and_then(|c| c.rows));
        Ok(ThresholdSettings {
            at: at.unwrap_or_default(),
            sweep,
            tolerance: tolerance.unwrap_or(0.05),
            per_source: asked.per.or(config.and_then(|c| c.per)) == Some(Per::Source),
            resamples: self.resamples(asked)?,
            seed: asked.seed.or(config.and_then(|c| c.seed)).unwrap_or(1),
            rules: asked.check.then(|| self.check_rules(in_use)).transpose()?,
            rows: rows.map_or(JudgementRows::default(), |rows| match rows {
                Rows::Sweep => JudgementRows::Sweep,
                Rows::Gaps => JudgementRows::Gaps,
                Rows::Estimates => JudgementRows::Estimates,
                Rows::Gates => JudgementRows::Gates,
                Rows::Robustness => JudgementRows::Robustness,
            }),
        })
    }

    fn resamples(&self, asked: &ThresholdFlags) -> Result<u32, Failure> {
        let expected = format!("expected at most {MOST_RESAMPLES}");
        if let Some(typed) = asked.resamples {
            return match typed {
                0..=MOST_RESAMPLES => Ok(typed),
                _ => {
                    let shown = typed.to_string();
                    Err(flag_failure(error::USAGE, "--resamples", &shown, &expected))
                }
            };
        }
        let key = self.file.as_ref().and_then(|file| {
            let resamples = file.config.threshold.resamples.as_ref()?;
            Some((file, resamples))
        });
        match key {
            None => Ok(200),
            Some((_, key)) if *key.get_ref() <= MOST_RESAMPLES => Ok(*key.get_ref()),
            Some((file, key)) => Err(file.failure(
                error::CONFIG_FILE,
                key.span().start,
                &format!("{}: {expected}", key.get_ref()),
            )),
        }
    }
}

/// `10m,30m,60m`.
fn parse_list(text: &str) -> Result<Vec<Timeout>, String> {
    let timeouts: Result<Vec<Timeout>, String> = text.split(',').map(parse_timeout).collect();
    match timeouts? {
        timeouts if timeouts.len() <= MOST_NAMED => Ok(in_order(timeouts.into_iter())),
        _ => Err(format!("expected at most {MOST_NAMED} timeouts")),
    }
}

fn parse_timeout(text: &str) -> Result<Timeout, String> {
    let text = text.trim();
    text.parse().map_err(|cause| format!("\"{text}\": {cause}"))
}

/// `1m..4h` or `1m..4h/5m`.
fn parse_sweep(text: &str) -> Result<Vec<Timeout>, String> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(parse_timeout(step)?)),
        None => (text, None),
    };
    let (from, to) = range
        .split_once("..")
        .ok_or_else(|| "expected a range of timeouts such as 1m..4h or 1m..4h/5m".to_owned())?;
    let (from, to) = (parse_timeout(from)?.micros(), parse_timeout(to)?.micros());
    if from > to {
        return Err("expected the shorter timeout first".to_owned());
    }
    let Some(step) = step else {
        return Ok(ladder(from, to));
    };
    if (to - from) / step.micros() >= MOST_SHOWN as Micros {
        return Err(format!("expected at most {MOST_SHOWN} timeouts"));
    }
    let steps = (0..).map(|place| from + place * step.micros());
    Ok(timeouts(steps.take_while(|&timeout| timeout <= to)))
}

/// The round timeouts between two, and both.
fn ladder(from: Micros, to: Micros) -> Vec<Timeout> {
    const OF_SIXTY: [Micros; 10] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 45];
    const HALVES_OF_HOURS: [Micros; 12] = [2, 3, 4, 6, 8, 12, 16, 24, 36, 48, 72, 96];
    let seconds = OF_SIXTY.map(|number| number * MINUTE / 60);
    let minutes = OF_SIXTY.map(|number| number * MINUTE);
    let hours = HALVES_OF_HOURS.map(|number| number * HOUR / 2);
    let round = seconds.into_iter().chain(minutes).chain(hours);
    let within = round.filter(|timeout| (from..=to).contains(timeout));
    in_order(timeouts(within.chain([from, to])).into_iter())
}

/// Microseconds that are timeouts all.
fn timeouts(micros: impl Iterator<Item = Micros>) -> Vec<Timeout> {
    micros
        .filter_map(|one| Timeout::from_micros(one).ok())
        .collect()
}

/// More than 0 and less than 1.
fn parse_tolerance(text: &str) -> Result<f64, String> {
    match parse_share(text)? {
        share if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a share above 0 and below 100%, such as 5%".to_owned()),
    }
}
