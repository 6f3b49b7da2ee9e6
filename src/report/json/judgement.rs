//! What is said of the timeout, as one JSON object; every row stands on a line of its own.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::put;
use super::record::RunRecord;
use super::{Object, put_list};
use crate::report::Style;
use crate::report::columns::Cell;
use crate::report::columns::judgement::{
    CHECKS, COMPARED, DIFFERENCES, ESTIMATES, GAP_SUMMARY, GAPS, GATES, RANGE, ROBUSTNESS,
    SIMPLE_RULES, SWEEP, VERDICT, check_cells, compared_cells, difference_cells, estimate_cells,
    gap_cells, gap_summary_cells, gate_cells, range_cells, robustness_rows, simple_rule_cells,
    sweep_cells, verdict_cells,
};
use crate::report::judgement::JudgementReport;
use crate::threshold::check::CheckResult;
use crate::threshold::{Judgement, Robustness, SourceJudgement};
use crate::time::duration::Timeout;

/// Writes everything that is said of the timeout.
pub(crate) fn write_judgement(
    report: &JudgementReport,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let judgement = &report.judgement;
    let in_use = judgement.in_use;
    out.write_all(b"{\"run\":")?;
    put(&RunRecord::new(&report.run, None, None), out)?;
    put_one(
        "verdict",
        &Object::new(&VERDICT, verdict_cells(&judgement.verdict, in_use)),
        out,
    )?;
    put_one("checks", &report.checks.as_ref().map(checks), out)?;
    put_one(
        "gaps",
        &Object::new(&GAP_SUMMARY, gap_summary_cells(&judgement.gaps)),
        out,
    )?;
    put_rows(judgement, out)?;
    put_one(
        "robustness",
        &robustness(&judgement.robustness, in_use),
        out,
    )?;
    put_one("curve_differs", &judgement.curve_differs, out)?;
    put_one("remarks", &judgement.remarks, out)?;
    out.write_all(b"}\n")
}

fn put_rows(judgement: &Judgement, out: &mut dyn Write) -> io::Result<()> {
    let bins = gap_cells(judgement).into_iter();
    put_list(
        "histogram",
        bins.map(|cells| Object::new(&GAPS, cells)),
        out,
    )?;
    let sweep = judgement.sweep.iter();
    let sweep = sweep.map(|row| Object::new(&SWEEP, sweep_cells(row, judgement)));
    put_list("sweep", sweep, out)?;
    let estimates = judgement.estimates.iter();
    let estimates = estimates.map(|one| Object::new(&ESTIMATES, estimate_cells(None, one)));
    put_list("estimates", estimates, out)?;
    let gates = judgement.gates.iter();
    let gates = gates.map(|gate| Object::new(&GATES, gate_cells(gate)));
    put_list("gates", gates, out)?;
    let rules = judgement.rules.iter();
    let rules = rules.map(|rule| Object::new(&SIMPLE_RULES, simple_rule_cells(rule)));
    put_list("simple_rules", rules, out)?;
    let sources: Vec<SourceObject<'_>> = judgement
        .sources
        .iter()
        .map(|one| source(one, judgement.in_use))
        .collect();
    put_one("sources", &sources, out)?;
    let differences = judgement.differences.iter();
    let differences = differences.map(|one| Object::new(&DIFFERENCES, difference_cells(one)));
    put_list("differences", differences, out)
}

fn put_one(name: &str, value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write!(out, ",\n\"{name}\":")?;
    put(value, out)
}

#[derive(Serialize)]
struct SourceObject<'a> {
    source: &'a str,
    verdict: Object<'a>,
    gaps: Object<'a>,
    estimate: Object<'a>,
}

fn source(source: &SourceJudgement, in_use: Timeout) -> SourceObject<'_> {
    let name = source.name.as_str();
    SourceObject {
        source: name,
        verdict: Object::new(&VERDICT, verdict_cells(&source.verdict, in_use)),
        gaps: Object::new(&GAP_SUMMARY, gap_summary_cells(&source.gaps)),
        estimate: Object::new(&ESTIMATES, estimate_cells(Some(name), &source.estimate)),
    }
}

#[derive(Serialize)]
struct Checks<'a> {
    passed: bool,
    rules: Vec<Object<'a>>,
}

fn checks(result: &CheckResult) -> Checks<'_> {
    let rules = result.checks.iter();
    Checks {
        passed: result.passed(),
        rules: rules
            .map(|check| Object::new(&CHECKS, check_cells(check)))
            .collect(),
    }
}

#[derive(Serialize)]
struct RobustnessObject<'a> {
    compared: Option<Object<'static>>,
    reason: Option<&'a str>,
    same_sign: Option<Object<'static>>,
    same_arrow: Option<Object<'static>>,
    agreeing: Cell<'static>,
    flips: Vec<Object<'static>>,
    points: Vec<Object<'static>>,
}

fn robustness(robustness: &Robustness, in_use: Timeout) -> RobustnessObject<'_> {
    let range = |range: (Timeout, Timeout)| Object::new(&RANGE, range_cells(range));
    let points = robustness_rows(robustness, in_use).into_iter();
    let compared = robustness.compared.as_ref();
    RobustnessObject {
        compared: compared.map(|one| Object::new(&COMPARED, compared_cells(one))),
        reason: robustness.reason.as_deref(),
        same_sign: robustness.same_sign.map(range),
        same_arrow: robustness.same_arrow.map(range),
        agreeing: robustness.agreeing.map_or(Cell::Unknown, Cell::Number),
        flips: robustness.flips.iter().copied().map(range).collect(),
        points: points
            .map(|cells| Object::new(&ROBUSTNESS, cells))
            .collect(),
    }
}
