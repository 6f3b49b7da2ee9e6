//! The time after a session's last event, which no log holds: estimated where that is asked for
//! (METHODS section 11), and never more than could have been.

pub mod lengths;
pub mod tails;
pub mod validation;
pub mod within;

use std::fmt;
use std::str::FromStr;

use crate::events::Micros;
use crate::time::duration::{DurationError, parse_length, write_duration};

/// How the dwell on a last event is estimated (`--dwell`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dwell {
    /// So many microseconds.
    Constant(Micros),
    /// The median gap inside sessions after an event of the same source, drawn towards that of all.
    SourceMedian,
    /// The expectation of a gap inside a session by the log-normal mixture of the gaps.
    Model,
}

impl Dwell {
    /// Its word in flags and records, without the length of a constant.
    pub fn name(self) -> &'static str {
        match self {
            Dwell::Constant(_) => "constant",
            Dwell::SourceMedian => "source-median",
            Dwell::Model => "model",
        }
    }
}

impl fmt::Display for Dwell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())?;
        match self {
            Dwell::Constant(length) => write!(out, ":{}", write_duration(*length)),
            Dwell::SourceMedian | Dwell::Model => Ok(()),
        }
    }
}

/// Why the text is no way to estimate dwell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DwellError {
    /// Not one of the words.
    #[error("expected none, constant:30s, source-median or model")]
    Word,
    /// The length of a constant.
    #[error(transparent)]
    Length(#[from] DurationError),
}

/// `--dwell` with its word for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DwellChoice(pub Option<Dwell>);

impl FromStr for DwellChoice {
    type Err = DwellError;

    /// Reads `none`, `constant:30s`, `source-median` or `model`.
    fn from_str(text: &str) -> Result<Self, DwellError> {
        let dwell = match text {
            "none" => return Ok(DwellChoice(None)),
            "source-median" => Dwell::SourceMedian,
            "model" => Dwell::Model,
            _ => {
                let length = text.strip_prefix("constant:").ok_or(DwellError::Word)?;
                Dwell::Constant(parse_length(length)?)
            }
        };
        Ok(DwellChoice(Some(dwell)))
    }
}

/// What the time after the last events makes of one set of sessions, over closed ones, beside the
/// floor in [`crate::measures::Figures`]. Unknown is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimated {
    /// Mean duration with the estimated dwell, in seconds.
    pub mean: Option<f64>,
    /// Mean duration with the longest dwell that there can have been, in seconds.
    pub mean_ceiling: Option<f64>,
    /// The share of the estimated time that is estimated.
    pub share: Option<f64>,
    /// All durations with the estimated dwell, in microseconds.
    pub total: Option<i128>,
    /// All durations with the longest dwell that there can have been, in microseconds.
    pub total_ceiling: Option<i128>,
}

/// What the estimate of one run rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct DwellBasis {
    /// What was asked for.
    pub dwell: Dwell,
    /// The sources in which a closed session ends that no end closed, by name.
    pub sources: Vec<SourceDwell>,
    /// The mixture's component of gaps inside sessions, where it was asked for and is there.
    pub within: Option<within::WithinModel>,
    /// Closed sessions that an end closed; they get no dwell.
    pub ended: u64,
    /// How far floor and estimate are from those ends; `None` without one, or without an estimate.
    pub known_ends: Option<validation::SignedError>,
    /// Closed sessions whose user's next event comes sooner than the timeout, and bounds their dwell.
    pub limited: u64,
    /// Why nothing is estimated (a clause), where that is so.
    pub refused: Option<String>,
}

/// One source's dwell.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceDwell {
    /// The source's name.
    pub name: String,
    /// Closed sessions that end in it and that no end closed.
    pub sessions: u64,
    /// Gaps longer than 0 after its events, inside closed sessions; `None` where medians were not
    /// asked for, and nobody counted.
    pub gaps: Option<u64>,
    /// Their median in seconds; `None` without a gap.
    pub median: Option<f64>,
    /// The dwell in microseconds, before what bounds a session's; `None` where it cannot be told.
    pub length: Option<Micros>,
}
