//! An agreement as rows that machines read: one measure each, then what could be used, the timeouts
//! that agree best, and what was repaired.

use std::borrow::Cow;

use crate::agreement::{Chosen, Coverage, CurvePoint, Unit};
use crate::report::agreement::{AgreementReport, RepairRow, counted};
use crate::report::columns::Cell;

/// The columns of an agreement, one row a measure.
pub(crate) const AGREEMENT: [&str; 9] = [
    "measure",
    "value",
    "low",
    "high",
    "unit",
    "reason",
    "count",
    "counted",
    "value_before_repair",
];

/// The columns of a timeout of the curve, in JSON.
pub(crate) const CURVE: [&str; 9] = [
    "timeout_seconds",
    "true_positives",
    "false_positives",
    "false_negatives",
    "true_negatives",
    "precision",
    "recall",
    "f1",
    "duration_bias_seconds",
];

/// The columns of a repaired fault, in JSON.
pub(crate) const REPAIR: [&str; 3] = ["kind", "sessions", "treatment"];

/// The cells of [`AGREEMENT`].
pub(crate) type Cells<'a> = [Cell<'a>; AGREEMENT.len()];

/// The cells of [`REPAIR`].
pub(crate) fn repair_cells(row: &RepairRow) -> [Cell<'_>; REPAIR.len()] {
    [
        Cell::Text(row.kind.as_str().into()),
        Cell::Count(row.sessions),
        Cell::Text(row.treatment.as_str().into()),
    ]
}

/// The cells of [`CURVE`].
pub(crate) fn curve_cells(point: &CurvePoint) -> [Cell<'static>; CURVE.len()] {
    [
        Cell::Seconds(point.timeout.into()),
        Cell::Count(point.true_positives),
        Cell::Count(point.false_positives),
        Cell::Count(point.false_negatives),
        Cell::Count(point.true_negatives),
        number(point.precision),
        number(point.recall),
        number(point.f1),
        number(point.bias),
    ]
}

/// Every row.
pub(crate) fn rows(report: &AgreementReport) -> impl Iterator<Item = Cells<'_>> {
    measure_rows(report)
        .chain(choice_rows(report))
        .chain(coverage_rows(report))
        .chain(repair_rows(report))
}

/// Every measure.
pub(crate) fn measure_rows(report: &AgreementReport) -> impl Iterator<Item = Cells<'_>> {
    report.measures().map(|(measure, before)| {
        let unit = measure.kind.unit();
        let value = |value: Option<f64>| match value {
            Some(count) if unit == Unit::Count => Cell::Count(count as u64),
            other => number(other),
        };
        [
            name(measure.kind.name()),
            value(measure.value),
            number(measure.interval.map(|(low, _)| low)),
            number(measure.interval.map(|(_, high)| high)),
            name(unit_name(unit)),
            measure.reason.map_or(Cell::Unknown, name),
            Cell::Count(measure.of),
            name(counted(measure.kind)),
            value(before.and_then(|before| before.value)),
        ]
    })
}

/// The timeouts that agree best, and what they give.
pub(crate) fn choice_rows(report: &AgreementReport) -> impl Iterator<Item = Cells<'_>> {
    let choice = &report.scores.choice;
    let before = report.before.as_ref().map(|before| &before.choice);
    let f1 = chosen_rows(
        ["timeout_with_highest_f1_seconds", "highest_f1_timeout"],
        &choice.highest_f1,
        before.map(|before| &before.highest_f1),
    );
    let bias = chosen_rows(
        ["timeout_without_bias_seconds", "unbiased_timeout"],
        &choice.no_bias,
        before.map(|before| &before.no_bias),
    );
    f1.into_iter().chain(bias)
}

fn chosen_rows<'a>(
    [timeout, prefix]: [&'static str; 2],
    chosen: &Chosen,
    before: Option<&Chosen>,
) -> [Cells<'a>; 4] {
    let row = |measure: Cow<'a, str>, unit, value: fn(&Chosen) -> Option<f64>| {
        [
            Cell::Text(measure),
            number(value(chosen)),
            Cell::Unknown,
            Cell::Unknown,
            name(unit_name(unit)),
            chosen.reason.map_or(Cell::Unknown, name),
            Cell::Unknown,
            Cell::Unknown,
            number(before.and_then(value)),
        ]
    };
    let suffixed = |suffix: &str| Cow::Owned(format!("{prefix}_{suffix}"));
    let mut first = row(timeout.into(), Unit::Seconds, |chosen| chosen.seconds);
    first[2] = number(chosen.interval.map(|(low, _)| low));
    first[3] = number(chosen.interval.map(|(_, high)| high));
    [
        first,
        row(suffixed("f1"), Unit::Share, |chosen| chosen.f1),
        row(suffixed("f1_of_others"), Unit::Share, |chosen| {
            chosen.f1_of_others
        }),
        row(
            suffixed("bias_of_others_seconds"),
            Unit::Seconds,
            |chosen| chosen.bias_of_others,
        ),
    ]
}

/// What could be used, by name.
pub(crate) fn coverage(coverage: &Coverage) -> [(&'static str, u64); 13] {
    [
        ("users", coverage.users),
        ("tracked_users", coverage.tracked_users),
        ("scored_users", coverage.scored_users),
        ("users_without_boundary", coverage.users_without_boundary),
        ("users_without_window", coverage.users_without_window),
        ("events", coverage.events),
        ("events_inside", coverage.inside_events),
        ("gaps", coverage.gaps),
        ("scored_gaps", coverage.scored_gaps),
        ("tracked_sessions", coverage.tracked),
        ("tracked_sessions_with_events", coverage.tracked_with_events),
        ("inferred_sessions", coverage.inferred),
        ("inferred_sessions_met", coverage.inferred_met),
    ]
}

fn coverage_rows(report: &AgreementReport) -> impl Iterator<Item = Cells<'_>> {
    let before = report
        .before
        .as_ref()
        .map(|before| coverage(&before.coverage));
    let counts = coverage(&report.scores.coverage).into_iter().enumerate();
    counts.map(move |(place, (measure, count))| {
        let before = before.map(|before| before[place].1);
        count_row(measure.into(), count, before)
    })
}

fn repair_rows(report: &AgreementReport) -> impl Iterator<Item = Cells<'_>> {
    report.repair.iter().map(|row| {
        let measure = format!("tracked_{}", row.kind.replace(' ', "_"));
        let mut cells = count_row(measure.into(), row.sessions, None);
        cells[7] = Cell::Text(row.treatment.as_str().into());
        cells
    })
}

fn count_row(measure: Cow<'_, str>, count: u64, before: Option<u64>) -> Cells<'_> {
    [
        Cell::Text(measure),
        Cell::Count(count),
        Cell::Unknown,
        Cell::Unknown,
        name(unit_name(Unit::Count)),
        Cell::Unknown,
        Cell::Unknown,
        Cell::Unknown,
        before.map_or(Cell::Unknown, Cell::Count),
    ]
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "share",
        Unit::Index => "index",
        Unit::Seconds => "seconds",
        Unit::Count => "count",
        Unit::Plain => "number",
    }
}

pub(crate) fn name(text: &'static str) -> Cell<'static> {
    Cell::Text(text.into())
}

pub(crate) fn number(value: Option<f64>) -> Cell<'static> {
    value.map_or(Cell::Unknown, Cell::Number)
}
