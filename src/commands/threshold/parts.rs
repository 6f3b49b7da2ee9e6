//! Which parts of a judgement a run looks at: all of them, but for formats that show one kind of
//! rows only.

use crate::report::Format;
use crate::report::judgement::JudgementRows;
use crate::settings::Settings;
use crate::settings::threshold::ThresholdSettings;

/// The parts that something shows or checks; the others stay empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// What each timeout gives: curve, medians, and figures where timeouts are named.
    pub(super) sweep: bool,
    /// The bars of the gaps.
    pub(super) histogram: bool,
    /// What the gaps are and what follows.
    pub(super) gaps: bool,
    /// The same for each source alone.
    pub(super) sources: bool,
    /// At which timeouts the trend holds.
    pub(super) robustness: bool,
    /// How often users are drawn again.
    pub(super) resamples: u32,
}

impl Parts {
    /// Those that a run needs.
    pub(super) fn new(settings: &Settings, asked: &ThresholdSettings) -> Self {
        use JudgementRows::{Estimates, Gaps, Gates, Robustness, Sweep};

        let shows_all =
            asked.rules.is_some() || !matches!(settings.format, Format::Csv | Format::Ndjson);
        let any_of = |rows: &[JudgementRows]| shows_all || rows.contains(&asked.rows);
        let resamples = match any_of(&[Sweep, Gaps, Estimates, Gates]) {
            true => asked.resamples,
            false => 0,
        };
        Self {
            sweep: any_of(&[Sweep]),
            histogram: any_of(&[Gaps]),
            // The sweep has a row for a recommended timeout, and without draws there is none.
            gaps: any_of(&[Gaps, Estimates, Gates]) || resamples > 0,
            sources: asked.per_source && any_of(&[Estimates]),
            robustness: any_of(&[Robustness]),
            resamples,
        }
    }
}
