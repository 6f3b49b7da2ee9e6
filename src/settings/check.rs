//! The rules of `[threshold]` that `--check` asks for, and the baseline that some of them need: all
//! of it is read before any source is.

use std::path::PathBuf;

use toml::Spanned;

use super::config::ConfigFile;
use super::threshold::ThresholdConfig;
use super::{Settling, parse_share};
use crate::error::{self, Failure};
use crate::import::file::reason;
use crate::report::json::read_baseline;
use crate::threshold::check::{Baseline, CheckRules};
use crate::time::duration::Timeout;

impl Settling<'_> {
    /// The rules to check, with what the baseline has at the timeout in use.
    ///
    /// # Errors
    ///
    /// The first rule that is wrong with its place, or that there is none.
    pub(super) fn check_rules(&self, in_use: Timeout) -> Result<CheckRules, Failure> {
        let Some(file) = self.file else {
            let message = "--check needs rules, and there is no configuration";
            return Err(Failure::new(error::USAGE, message).help(HOW_TO_WRITE_RULES));
        };
        let keys = &file.config.threshold;
        let mut rules = rules(file, keys)?;
        if rules.is_empty() {
            let message = format!("--check needs rules, and {} has none", file.path);
            return Err(Failure::new(error::USAGE, message).help(HOW_TO_WRITE_RULES));
        }
        whole(file, keys)?;
        if let Some(baseline) = &keys.baseline {
            let path = self.folder().join(baseline.get_ref());
            rules.baseline = Some(baseline_of(file, baseline, path, in_use)?);
        }
        Ok(rules)
    }
}

const HOW_TO_WRITE_RULES: &str =
    "write rules below [threshold], such as recommended = \"10m..1h\" and min_sessions = 1000";

/// Each rule by itself.
fn rules(file: &ConfigFile, keys: &ThresholdConfig) -> Result<CheckRules, Failure> {
    let share = |key: &Option<Spanned<String>>| {
        let parsed = key
            .as_ref()
            .map(|key| file.parse(error::CONFIG_FILE, key, parse_share));
        parsed.transpose()
    };
    let recommended = keys
        .recommended
        .as_ref()
        .map(|key| file.parse(error::CONFIG_FILE, key, parse_range));
    Ok(CheckRules {
        recommended: recommended.transpose()?,
        allow_keep: keys.allow_keep.as_ref().is_some_and(|key| *key.get_ref()),
        max_sensitivity: sensitivity(file, keys)?,
        min_sessions: sessions(file, &keys.min_sessions)?,
        max_sessions: sessions(file, &keys.max_sessions)?,
        max_change: share(&keys.max_change)?,
        max_drop: share(&keys.max_drop)?,
        baseline: None,
    })
}

/// What the rules ask of each other.
fn whole(file: &ConfigFile, keys: &ThresholdConfig) -> Result<(), Failure> {
    let wrong = |at: usize, message: &str| Err(file.failure(error::CONFIG_FILE, at, message));
    if let (Some(least), Some(most)) = (&keys.min_sessions, &keys.max_sessions)
        && least.get_ref() > most.get_ref()
    {
        let message = "no number of sessions passes: \"max_sessions\" is under \"min_sessions\"";
        return wrong(most.span().start, message);
    }
    if let (Some(allowed), None) = (&keys.allow_keep, &keys.recommended)
        && *allowed.get_ref()
    {
        return wrong(
            allowed.span().start,
            "\"allow_keep\" needs \"recommended\", the range to be kept in",
        );
    }
    let compared = [
        ("max_change", &keys.max_change),
        ("max_drop", &keys.max_drop),
    ];
    let mut compared = compared
        .into_iter()
        .filter_map(|(name, key)| key.as_ref().map(|key| (name, key)));
    match (compared.next(), &keys.baseline) {
        (Some((name, key)), None) => {
            let message = format!("\"{name}\" needs \"baseline\", the report to compare with");
            wrong(key.span().start, &message)
        }
        (None, Some(baseline)) => {
            let message =
                "\"baseline\" needs \"max_change\" or \"max_drop\", which compare with it";
            wrong(baseline.span().start, message)
        }
        _ => Ok(()),
    }
}

/// `10m..1h`.
fn parse_range(text: &str) -> Result<(Timeout, Timeout), String> {
    let ends = text.split_once("..");
    let (low, high) = ends.ok_or("expected a range of timeouts such as 10m..1h")?;
    let end = |text: &str| {
        text.trim()
            .parse::<Timeout>()
            .map_err(|cause| cause.to_string())
    };
    match (end(low)?, end(high)?) {
        (low, high) if low < high => Ok((low, high)),
        _ => Err("the range is empty: expected the shorter timeout first".to_owned()),
    }
}

fn sensitivity(file: &ConfigFile, keys: &ThresholdConfig) -> Result<Option<f64>, Failure> {
    let Some(key) = &keys.max_sensitivity else {
        return Ok(None);
    };
    match *key.get_ref() {
        limit if limit.is_finite() && limit >= 0.0 => Ok(Some(limit)),
        limit => {
            let message = format!("{limit}: expected a number from 0 on, such as 0.3");
            Err(file.failure(error::CONFIG_FILE, key.span().start, &message))
        }
    }
}

/// A run without a session never passes, so that a limit of 0 would promise what is not kept.
fn sessions(file: &ConfigFile, key: &Option<Spanned<u64>>) -> Result<Option<u64>, Failure> {
    match key.as_ref().map(|key| (*key.get_ref(), key.span().start)) {
        Some((0, at)) => {
            let message = "0: expected at least 1, since no run without a session passes";
            Err(file.failure(error::CONFIG_FILE, at, message))
        }
        other => Ok(other.map(|(sessions, _)| sessions)),
    }
}

fn baseline_of(
    file: &ConfigFile,
    key: &Spanned<String>,
    path: PathBuf,
    in_use: Timeout,
) -> Result<Baseline, Failure> {
    let shown = path.display().to_string();
    let read = std::fs::read(&path).map_err(|cause| reason(&cause));
    let baseline = read.and_then(|bytes| read_baseline(&bytes, in_use));
    baseline.map_err(|why| {
        let message = format!("the baseline {shown} cannot be used: {why}");
        let failure = file.failure(error::CONFIG_FILE, key.span().start, &message);
        let line = format!("sessionize threshold --format json -o {shown}");
        failure.help(format!(
            "write it with {line} and the same --timeout, without --check"
        ))
    })
}
