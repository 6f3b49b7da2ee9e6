//! What an earlier run said of the timeout, read back from the JSON that it wrote.

use serde::Deserialize;

use crate::report::SCHEMA_VERSION;
use crate::threshold::check::Baseline;
use crate::time::duration::Timeout;

#[derive(Deserialize)]
struct Earlier {
    run: EarlierRun,
    verdict: EarlierVerdict,
    sweep: Vec<EarlierRow>,
}

#[derive(Deserialize)]
struct EarlierRun {
    schema_version: u32,
    complete: bool,
}

#[derive(Deserialize)]
struct EarlierVerdict {
    verdict: String,
    timeout_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct EarlierRow {
    timeout_seconds: f64,
    sessions: Option<u64>,
    mean_duration_seconds: Option<f64>,
    curve_sessions: u64,
    curve_mean_duration_seconds: Option<f64>,
}

/// What the report in `bytes` has at this timeout.
///
/// # Errors
///
/// What is wrong with it (a clause): not such a report, of an incomplete run, or without figures at
/// this timeout.
pub fn read_baseline(bytes: &[u8], timeout: Timeout) -> Result<Baseline, String> {
    let earlier: Earlier = serde_json::from_slice(bytes).map_err(|cause| {
        format!("it is no report of sessionize threshold --format json: {cause}")
    })?;
    if earlier.run.schema_version != SCHEMA_VERSION {
        let version = earlier.run.schema_version;
        return Err(format!(
            "it is of schema version {version}, and {SCHEMA_VERSION} was expected"
        ));
    }
    if !earlier.run.complete {
        return Err("it is of a run that lacked a source".to_owned());
    }
    let seconds = timeout.micros() as f64 / 1e6;
    let row = earlier
        .sweep
        .iter()
        .find(|row| row.timeout_seconds == seconds)
        .ok_or_else(|| format!("it has no figures at {timeout}, the timeout in use"))?;
    let (sessions, mean) = match row.sessions {
        Some(sessions) => (sessions, row.mean_duration_seconds),
        None => (row.curve_sessions, row.curve_mean_duration_seconds),
    };
    let is_recommended = earlier.verdict.verdict == "recommended";
    Ok(Baseline {
        sessions,
        mean,
        recommended: earlier.verdict.timeout_seconds.filter(|_| is_recommended),
    })
}
