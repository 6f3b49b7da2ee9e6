//! The flags of `sessionize threshold`: declarations only.

use clap::{Args, ValueEnum};

/// What `sessionize threshold` is asked besides what every command is.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Threshold")]
pub struct ThresholdFlags {
    /// Timeouts at which the figures of a report are given too: 10m,30m,60m
    #[arg(long, value_name = "LIST")]
    pub at: Option<String>,
    /// Timeouts to show, round ones or in steps: 1m..4h, 1m..4h/5m [default: 1m..4h; with --at,
    /// those alone]
    #[arg(long, value_name = "FROM..TO[/STEP]")]
    pub sweep: Option<String>,
    /// Timeouts between which the mean moves by less than this are as good as each other
    /// [default: 5%]
    #[arg(long, value_name = "SHARE")]
    pub tolerance: Option<String>,
    /// Judge each source alone too, and whether their timeouts differ by more than noise
    #[arg(long, value_name = "WHAT")]
    pub per: Option<Per>,
    /// How often users are drawn again for the intervals [default: 200]
    #[arg(long, value_name = "NUMBER")]
    pub resamples: Option<u32>,
    /// Which draws: the same number, the same intervals [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Hold the result against the rules in sessionize.toml; exit 1 where one fails
    ///
    /// The rules stand in the table threshold: recommended = "10m..1h" (and allow_keep = true, where no
    /// recommendation is as good), max_sensitivity = 0.3, min_sessions = 1000, max_sessions; and
    /// against baseline = "FILE", which an earlier run wrote with --format json -o FILE:
    /// max_change = "5%" of the mean and of the recommended timeout, max_drop = "10%" of sessions.
    #[arg(long)]
    pub check: bool,
    /// Which rows csv and ndjson get [default: sweep]
    #[arg(long, value_name = "WHAT")]
    pub rows: Option<Rows>,
}

/// `--per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each source as if it were the only one.
    Source,
}

/// `--rows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// One row per timeout.
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
