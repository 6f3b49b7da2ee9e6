//! What the data was able to show: which periods are complete, and which of its sources cover them
//! (PRODUCT section 3).

use crate::events::{Micros, SECOND};
use crate::measures::plan::Plan;
use crate::sessions::extent::Extents;
use crate::time::period::{Calendar, Period, PeriodLength, label};
use crate::time::zone::Zone;

/// The observed span and the spans that the sources cover.
pub(crate) struct Observation {
    /// The window asked for, cut to the data's extent widened by its slack; `None` when nothing is
    /// left. From, inclusive, to, exclusive.
    pub(crate) span: Option<(Micros, Micros)>,
    now: Micros,
    timeout: Micros,
    zone: Zone,
    sources: Vec<SourceSpan>,
}

/// Where one source has events.
struct SourceSpan {
    name: String,
    first: Micros,
    last: Micros,
    /// What widens its coverage before the first and after the last event.
    slack: Micros,
}

/// The most that a silence of the data widens its extent.
const LONGEST_SLACK: Micros = 86_400 * SECOND;

impl Observation {
    /// `names` are the sources' names by index; a source without an extent counts for nothing.
    pub(crate) fn new(plan: &Plan, extents: &Extents, names: &[impl AsRef<str>]) -> Observation {
        let timeout = plan.timeout.micros();
        let span = extents.all.and_then(|all| {
            let slack = timeout.max(all.longest_silence.min(LONGEST_SLACK));
            let (from, to) = plan.window;
            let from = from.map_or(all.first - slack, |from| from.max(all.first - slack));
            let to = to.map_or(all.last + slack, |to| to.min(all.last + slack));
            (from < to).then_some((from, to))
        });
        let sources = extents
            .by_source
            .iter()
            .zip(names)
            .filter_map(|(extent, name)| {
                extent.map(|extent| SourceSpan {
                    name: name.as_ref().to_owned(),
                    first: extent.first,
                    last: extent.last,
                    slack: timeout.max(extent.longest_silence),
                })
            });
        Observation {
            span,
            now: plan.now,
            timeout,
            zone: plan.zone,
            sources: sources.collect(),
        }
    }

    /// Whether a period, in which `open_sessions` sessions of all users began that are still open,
    /// is complete: observed from end to end, one timeout past, and without such a session.
    pub(crate) fn is_complete(&self, period: Period, open_sessions: u64) -> bool {
        let is_observed = self
            .span
            .is_some_and(|(from, to)| from <= period.start && period.end <= to);
        is_observed && self.now >= period.end + self.timeout && open_sessions == 0
    }

    /// Whether every source covers `span`.
    pub(crate) fn is_covered(&self, span: Period) -> bool {
        self.sources.iter().all(|source| source.covers(span))
    }

    /// Why `span` is not covered by every source, as a clause that names the first source that
    /// falls short; `None` when every source covers it.
    pub(crate) fn gap_in_coverage(&self, span: Period) -> Option<String> {
        let source = self.sources.iter().find(|source| !source.covers(span))?;
        Some(self.clause(source, source.starts_after(span), source.stops_before(span)))
    }

    /// For each source that does not cover all of `spans`, a clause that says so.
    pub(crate) fn gaps_in_coverage(&self, spans: &[Period]) -> Vec<String> {
        let falling_short = self.sources.iter().filter_map(|source| {
            let starts_late = spans.iter().any(|&span| source.starts_after(span));
            let stops_early = spans.iter().any(|&span| source.stops_before(span));
            (starts_late || stops_early).then(|| self.clause(source, starts_late, stops_early))
        });
        falling_short.collect()
    }

    fn clause(&self, source: &SourceSpan, starts_late: bool, stops_early: bool) -> String {
        let name = &source.name;
        let (first, last) = (self.day(source.first), self.day(source.last));
        match (starts_late, stops_early) {
            (true, false) => format!("source \"{name}\" has no events before {first}"),
            (false, _) => format!("source \"{name}\" has no events after {last}"),
            (true, true) => {
                format!("source \"{name}\" has no events before {first} and none after {last}")
            }
        }
    }

    /// The date of an instant in the report's zone.
    fn day(&self, at: Micros) -> String {
        Calendar::covering(PeriodLength::Day, &self.zone, at, at)
            .map(|day| label(day.period(0), PeriodLength::Day, &self.zone))
            .expect("one day is not too many periods")
    }
}

impl SourceSpan {
    fn covers(&self, span: Period) -> bool {
        !self.starts_after(span) && !self.stops_before(span)
    }

    fn starts_after(&self, span: Period) -> bool {
        span.start < self.first - self.slack
    }

    fn stops_before(&self, span: Period) -> bool {
        span.end > self.last + self.slack
    }
}
