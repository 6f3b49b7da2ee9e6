//! One JSON object a line, the same objects as in JSON; the run record goes beside them.

use std::io::{self, Write};

use crate::report::agreement::AgreementReport;
use crate::report::agreement::rows::{AGREEMENT, rows as measures};
use crate::report::answer::Answer;
use crate::report::columns::Cell;
use crate::report::columns::judgement::{
    ESTIMATES, GAPS, GATES, ROBUSTNESS, SWEEP, estimate_rows, gap_cells, gate_cells,
    robustness_rows, sweep_cells,
};
use crate::report::columns::{EXPLANATION, SESSIONS, explanation_cells, session_cells};
use crate::report::explain::Explanation;
use crate::report::json::{Object, put_line, row_object};
use crate::report::judgement::{JudgementReport, JudgementRows};
use crate::report::sessions::SessionRow;
use crate::report::{Report, Run, Style};

/// Writes the rows of a report, the overall row last where it is asked for.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    for row in report.rows() {
        put_line(&row_object(row, &report.run), out)?;
    }
    Ok(())
}

/// Writes one session a line.
pub fn write_sessions(
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for row in rows {
        put_line(&Object::new(&SESSIONS, session_cells(&row)).under(run), out)?;
    }
    Ok(())
}

/// Writes one event of an explanation a line.
pub fn write_explanation(
    explanation: &Explanation,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for event in &explanation.events {
        let object = Object::new(&EXPLANATION, explanation_cells(event));
        put_line(&object.under(&explanation.run), out)?;
    }
    Ok(())
}

/// Writes the rows asked for of what is said of the timeout, one a line.
pub fn write_judgement(
    report: &JudgementReport,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let judgement = &report.judgement;
    match report.rows {
        JudgementRows::Sweep => {
            let sweep = judgement.sweep.iter();
            lines(&SWEEP, sweep.map(|row| sweep_cells(row, judgement)), out)
        }
        JudgementRows::Gaps => lines(&GAPS, gap_cells(judgement), out),
        JudgementRows::Estimates => lines(&ESTIMATES, estimate_rows(judgement), out),
        JudgementRows::Gates => lines(&GATES, judgement.gates.iter().map(gate_cells), out),
        JudgementRows::Robustness => {
            let points = robustness_rows(&judgement.robustness, judgement.in_use);
            lines(&ROBUSTNESS, points, out)
        }
    }
}

/// Writes one measure of an agreement a line.
pub fn write_agreement(
    report: &AgreementReport,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    lines(&AGREEMENT, measures(report), out)
}

/// Writes the main rows of an answer, one a line.
pub(crate) fn write_answer(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let (names, _, rows) = answer.main_rows();
    for row in rows {
        put_line(
            &Object::named(names.iter().copied().zip(row).collect()),
            out,
        )?;
    }
    Ok(())
}

fn lines<'a, const N: usize>(
    names: &[&'static str; N],
    rows: impl IntoIterator<Item = [Cell<'a>; N]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for row in rows {
        put_line(&Object::new(names, row), out)?;
    }
    Ok(())
}
