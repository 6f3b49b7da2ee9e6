//! The run record: what a result rests on, inside JSON and beside row formats.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::events::Micros;
use crate::import::ledger::{Counts, SourceRecord};
use crate::measures::dwell::within::LogNormal;
use crate::measures::dwell::{Dwell, DwellBasis, SourceDwell};
use crate::measures::own::Ratios;
use crate::measures::{Measures, TrackedFigures, Trend};
use crate::report::columns::Cell;
use crate::report::json::Object;
use crate::report::json::escape::{put, put_pretty};
use crate::report::{PROGRAM, Run, SCHEMA_VERSION, Segment};
use crate::sessions::compat::Compat;

/// The file that a run record stands beside.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: &'a str,
}

/// The record as `PATH.run.json` holds it: an object over several lines, with a line end.
pub fn run_record(run: &Run, measures: Option<&Measures>, written: Option<Written<'_>>) -> Vec<u8> {
    let mut text = Vec::new();
    let record = RunRecord::new(run, measures, written);
    put_pretty(&record, &mut text).expect("writing to memory and keys of text cannot fail");
    text.push(b'\n');
    text
}

/// The record on one line, without a line end, for standard error.
pub fn run_line(run: &Run, measures: Option<&Measures>) -> String {
    let mut text = Vec::new();
    put(&RunRecord::new(run, measures, None), &mut text)
        .expect("writing to memory and keys of text cannot fail");
    String::from_utf8_lossy(&text).into_owned()
}

#[derive(Serialize)]
pub(super) struct RunRecord<'a> {
    program: &'static str,
    version: &'static str,
    schema_version: u32,
    rule: &'static str,
    timeout_seconds: Cell<'static>,
    time_zone: String,
    now: Cell<'static>,
    window: Span,
    by: Option<&'static str>,
    segment: Option<&'static str>,
    cut: Option<&'static str>,
    max_length_seconds: Option<Cell<'static>>,
    compat: Option<&'static str>,
    own_rule: Option<OwnRule>,
    sample: Option<f64>,
    complete: bool,
    missing: Vec<Missing<'a>>,
    rows: Rows,
    sources: Vec<SourceEntry<'a>>,
    events_after_now: u64,
    users: u64,
    sessions: u64,
    open_sessions: u64,
    sessions_touching_ends: Option<u64>,
    observed: Option<Span>,
    durations: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dwell: Option<DwellRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracked: Option<TrackedRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ReportFile<'a>>,
}

/// Tracked sessions beside the inferred ones.
#[derive(Serialize)]
struct TrackedRecord<'a> {
    place: &'a str,
    sessions: u64,
    ended_sessions: u64,
    users: u64,
    open_sessions: u64,
    out_of_order_sessions: u64,
    long_sessions: u64,
    long_share: Option<f64>,
    first_start: Cell<'static>,
    last_start: Cell<'static>,
    mean_duration_seconds: Option<f64>,
    mean_low_seconds: Option<f64>,
    mean_high_seconds: Option<f64>,
    median_duration_seconds: Option<f64>,
    p90_duration_seconds: Option<f64>,
}

impl<'a> TrackedRecord<'a> {
    fn new(tracked: &'a TrackedFigures) -> Self {
        let interval = tracked.mean_interval;
        Self {
            place: &tracked.place,
            sessions: tracked.sessions,
            ended_sessions: tracked.ended,
            users: tracked.users,
            open_sessions: tracked.open,
            out_of_order_sessions: tracked.out_of_order,
            long_sessions: tracked.long,
            long_share: tracked.long_share,
            first_start: Cell::instant(tracked.starts.map(|(first, _)| first)),
            last_start: Cell::instant(tracked.starts.map(|(_, last)| last)),
            mean_duration_seconds: tracked.mean,
            mean_low_seconds: interval.map(|(low, _)| low),
            mean_high_seconds: interval.map(|(_, high)| high),
            median_duration_seconds: tracked.median,
            p90_duration_seconds: tracked.p90,
        }
    }
}

#[derive(Serialize)]
struct Span {
    from: Cell<'static>,
    to: Cell<'static>,
}

/// What our own rule gives beside another system's, and how many times as much that one has.
#[derive(Serialize)]
struct OwnRule {
    sessions: u64,
    open_sessions: u64,
    mean_duration_seconds: Option<f64>,
    total_duration_seconds: Option<Cell<'static>>,
    sessions_ratio: Option<f64>,
    mean_ratio: Option<f64>,
    total_ratio: Option<f64>,
}

#[derive(Serialize)]
struct Missing<'a> {
    name: &'a str,
    error: &'a str,
}

#[derive(Serialize)]
struct Rows {
    read: u64,
    events: u64,
    rejected: u64,
    filtered: u64,
    duplicates_dropped: u64,
    duplicates: u64,
}

#[derive(Serialize)]
struct SourceEntry<'a> {
    name: &'a str,
    kind: &'static str,
    place: &'a str,
    role: &'static str,
    rows: SourceRows,
    rejected_by_kind: &'a BTreeMap<&'static str, u64>,
    floored: u64,
    leap_seconds: u64,
    first_event: Cell<'static>,
    last_event: Cell<'static>,
}

#[derive(Serialize)]
struct SourceRows {
    read: u64,
    events: u64,
    rejected: u64,
    filtered: Filtered,
    duplicates_dropped: u64,
    duplicates: u64,
}

#[derive(Serialize)]
struct Filtered {
    users: u64,
    ignored: u64,
    expiry: u64,
    orphan_ends: u64,
    outside_window: u64,
    anonymous: u64,
}

/// What the estimate of dwell rests on.
#[derive(Serialize)]
struct DwellRecord<'a> {
    option: &'static str,
    constant_seconds: Option<Cell<'static>>,
    refused: Option<&'a str>,
    sources: Vec<SourceDwellRecord<'a>>,
    within: Option<Vec<Object<'static>>>,
    sessions_closed_by_an_end: u64,
    sessions_bounded_by_the_next_event: u64,
    known_ends: Option<Object<'static>>,
}

#[derive(Serialize)]
struct SourceDwellRecord<'a> {
    name: &'a str,
    sessions: u64,
    gaps: Option<u64>,
    median_seconds: Option<f64>,
    dwell_seconds: Option<Cell<'static>>,
}

#[derive(Serialize)]
struct ReportFile<'a> {
    size_bytes: u64,
    sha256: &'a str,
}

impl<'a> RunRecord<'a> {
    pub(super) fn new(
        run: &'a Run,
        measures: Option<&'a Measures>,
        written: Option<Written<'a>>,
    ) -> Self {
        let counts = run.counts();
        Self {
            program: PROGRAM,
            version: run.version,
            schema_version: SCHEMA_VERSION,
            rule: run.rule(),
            timeout_seconds: Cell::Seconds(run.timeout.micros().into()),
            time_zone: run.zone.to_string(),
            now: Cell::Instant(run.now),
            window: Span::new(run.from, run.to),
            by: run.by.map(|length| length.name()),
            segment: run.segment.map(Segment::name),
            cut: run.cut_day.then_some("day"),
            max_length_seconds: run.max_length.map(|length| Cell::Seconds(length.into())),
            compat: run.compat.map(Compat::name),
            own_rule: measures.and_then(OwnRule::new),
            sample: run.sample,
            complete: run.is_complete(),
            missing: missing(run),
            rows: Rows {
                read: counts.read,
                events: counts.events,
                rejected: counts.rejected,
                filtered: counts.filtered(),
                duplicates_dropped: counts.duplicates_dropped,
                duplicates: counts.duplicates,
            },
            sources: run.sources.iter().map(SourceEntry::new).collect(),
            events_after_now: run.events_after_now,
            users: run.users,
            sessions: run.sessions,
            open_sessions: run.open_sessions,
            sessions_touching_ends: measures.map(|measures| measures.touching_ends),
            observed: measures
                .and_then(|measures| measures.observed)
                .map(|(from, to)| Span::new(Some(from), Some(to))),
            durations: run.durations(),
            dwell: measures
                .and_then(|measures| measures.dwell.as_ref())
                .map(DwellRecord::new),
            tracked: measures
                .and_then(|measures| measures.tracked.as_ref())
                .map(TrackedRecord::new),
            report: written.map(|written| ReportFile {
                size_bytes: written.bytes,
                sha256: written.sha256,
            }),
        }
    }
}

impl<'a> DwellRecord<'a> {
    fn new(basis: &'a DwellBasis) -> Self {
        let component = |part: &LogNormal| {
            let cells = [part.weight, part.mu, part.sigma].map(Cell::Number);
            Object::new(&["weight", "mu", "sigma"], cells)
        };
        let within = basis.within.as_ref();
        Self {
            option: basis.dwell.name(),
            constant_seconds: match basis.dwell {
                Dwell::Constant(length) => Some(Cell::Seconds(length.into())),
                Dwell::SourceMedian | Dwell::Model => None,
            },
            refused: basis.refused.as_deref(),
            sources: basis.sources.iter().map(SourceDwellRecord::new).collect(),
            within: within.map(|within| within.components.iter().map(component).collect()),
            sessions_closed_by_an_end: basis.ended,
            sessions_bounded_by_the_next_event: basis.limited,
            known_ends: basis.known_ends.map(|error| {
                let cells = [
                    Cell::Count(error.sessions),
                    Cell::Number(error.before),
                    Cell::Number(error.after),
                ];
                Object::new(
                    &["sessions", "error_before_seconds", "error_after_seconds"],
                    cells,
                )
            }),
        }
    }
}

impl<'a> SourceDwellRecord<'a> {
    fn new(source: &'a SourceDwell) -> Self {
        Self {
            name: &source.name,
            sessions: source.sessions,
            gaps: source.gaps,
            median_seconds: source.median,
            dwell_seconds: source.length.map(|length| Cell::Seconds(length.into())),
        }
    }
}

fn missing(run: &Run) -> Vec<Missing<'_>> {
    run.missing
        .iter()
        .map(|source| Missing {
            name: &source.name,
            error: &source.error,
        })
        .collect()
}

impl OwnRule {
    fn new(measures: &Measures) -> Option<Self> {
        let own = measures.own.as_ref()?;
        let ratios = Ratios::new(&measures.overall.figures, own);
        Some(Self {
            sessions: own.sessions,
            open_sessions: own.open_sessions,
            mean_duration_seconds: own.mean,
            total_duration_seconds: own.total.map(Cell::Seconds),
            sessions_ratio: ratios.sessions,
            mean_ratio: ratios.mean,
            total_ratio: ratios.total,
        })
    }
}

impl Span {
    fn new(from: Option<Micros>, to: Option<Micros>) -> Self {
        Self {
            from: Cell::instant(from),
            to: Cell::instant(to),
        }
    }
}

impl<'a> SourceEntry<'a> {
    fn new(source: &'a SourceRecord) -> Self {
        Self {
            name: &source.name,
            kind: source.kind,
            place: &source.place,
            role: source.role.name(),
            rows: SourceRows::new(&source.counts),
            rejected_by_kind: &source.rejected_by_kind,
            floored: source.floored,
            leap_seconds: source.leap_seconds,
            first_event: Cell::instant(source.extent.map(|(first, _)| first)),
            last_event: Cell::instant(source.extent.map(|(_, last)| last)),
        }
    }
}

impl SourceRows {
    fn new(counts: &Counts) -> Self {
        Self {
            read: counts.read,
            events: counts.events,
            rejected: counts.rejected,
            filtered: Filtered {
                users: counts.filtered_users,
                ignored: counts.filtered_ignored,
                expiry: counts.filtered_expiry,
                orphan_ends: counts.filtered_orphan_ends,
                outside_window: counts.filtered_outside_window,
                anonymous: counts.filtered_anonymous,
            },
            duplicates_dropped: counts.duplicates_dropped,
            duplicates: counts.duplicates,
        }
    }
}

/// The trend, with nulls where nothing was compared.
#[derive(Default, Serialize)]
pub(super) struct TrendRecord<'a> {
    pub(super) compared: bool,
    pub(super) reason: Option<&'a str>,
    pub(super) length: Option<&'static str>,
    pub(super) direction: Option<i8>,
    pub(super) later: Option<Object<'a>>,
    pub(super) earlier: Option<Object<'a>>,
    pub(super) relative_change_low: Option<f64>,
    pub(super) relative_change_high: Option<f64>,
    pub(super) user_means_change_seconds: Option<f64>,
    pub(super) effective_users: Option<f64>,
    pub(super) users: Option<u64>,
    pub(super) usual_weekly_move_seconds: Option<f64>,
}

impl<'a> TrendRecord<'a> {
    pub(super) fn none(trend: &'a Trend) -> Self {
        let reason = match trend {
            Trend::None { reason } => Some(reason.as_str()),
            Trend::Compared { .. } => None,
        };
        Self {
            reason,
            ..Self::default()
        }
    }
}
