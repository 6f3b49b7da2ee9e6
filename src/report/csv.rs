//! CSV for machines and spreadsheets: full precision, an empty cell for what is unknown, and a
//! guard against text that a spreadsheet would run as a formula.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::events::canonical_number;
use crate::report::agreement::AgreementReport;
use crate::report::agreement::rows::{AGREEMENT, rows as measures};
use crate::report::answer::Answer;
use crate::report::columns::judgement::{
    ESTIMATES, GAPS, GATES, ROBUSTNESS, SWEEP, estimate_rows, gap_cells, gate_cells,
    robustness_rows, sweep_cells,
};
use crate::report::columns::{
    Cell, EXPLANATION, SESSIONS, cells_of, exact_seconds, explanation_cells, joined, names_of,
    report_names, row_cells, session_cells,
};
use crate::report::explain::Explanation;
use crate::report::judgement::{JudgementReport, JudgementRows};
use crate::report::sessions::SessionRow;
use crate::report::{Report, Run, Style};
use crate::time::timestamp::print_instant;

/// Writes the rows of a report, the overall row last where it is asked for.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(&report_names(report), style, out)?;
    for row in report.rows() {
        table.row(&row_cells(row, report))?;
    }
    table.end()
}

/// Writes one row per session.
pub fn write_sessions(
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut table = Table::new(&names_of(SESSIONS, run), style, out)?;
    for row in rows {
        table.row(&cells_of(session_cells(&row), run))?;
    }
    table.end()
}

/// Writes one row per event of an explanation.
pub fn write_explanation(
    explanation: &Explanation,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let run = &explanation.run;
    let mut table = Table::new(&names_of(EXPLANATION, run), style, out)?;
    for event in &explanation.events {
        table.row(&cells_of(explanation_cells(event), run))?;
    }
    table.end()
}

/// Writes the rows asked for of what is said of the timeout.
pub fn write_judgement(
    report: &JudgementReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let judgement = &report.judgement;
    match report.rows {
        JudgementRows::Sweep => {
            let sweep = judgement.sweep.iter();
            rows(
                &SWEEP,
                sweep.map(|row| sweep_cells(row, judgement)),
                style,
                out,
            )
        }
        JudgementRows::Gaps => rows(&GAPS, gap_cells(judgement), style, out),
        JudgementRows::Estimates => rows(&ESTIMATES, estimate_rows(judgement), style, out),
        JudgementRows::Gates => {
            let gates = judgement.gates.iter();
            rows(&GATES, gates.map(gate_cells), style, out)
        }
        JudgementRows::Robustness => {
            let points = robustness_rows(&judgement.robustness, judgement.in_use);
            rows(&ROBUSTNESS, points, style, out)
        }
    }
}

/// Writes one row per measure of an agreement.
pub fn write_agreement(
    report: &AgreementReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    rows(&AGREEMENT, measures(report), style, out)
}

/// Writes the main rows of an answer.
pub(crate) fn write_answer(answer: &Answer, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (names, _, rows) = answer.main_rows();
    let mut table = Table::new(&names, style, out)?;
    for row in rows {
        table.row(&row)?;
    }
    table.end()
}

fn rows<'a, const N: usize>(
    header: &[&'static str; N],
    rows: impl IntoIterator<Item = [Cell<'a>; N]>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut table = Table::new(header, style, out)?;
    for row in rows {
        table.row(&row)?;
    }
    table.end()
}

/// Text that a spreadsheet takes as text: with a leading `'` where it would see a formula.
///
/// A formula starts with one of `=`, `+`, `-`, `@`, their full-width forms, or a control that some
/// programs skip, also behind spaces or quotes. A canonical integer is a number and left alone.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if canonical_number(text.as_bytes()).is_none() && is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_formula(text: &str) -> bool {
    let starts = |text: &str| {
        text.starts_with([
            '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠',
        ])
    };
    let bare = text.trim_start_matches(|letter: char| {
        letter.is_whitespace() || matches!(letter, '"' | '\'' | '\u{feff}' | '\u{200b}')
    });
    starts(text) || starts(bare)
}

struct Table<'a> {
    writer: csv::Writer<&'a mut dyn Write>,
    raw: bool,
}

impl<'a> Table<'a> {
    fn new(header: &[&str], style: Style, out: &'a mut dyn Write) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(header)?;
        Ok(Self {
            writer,
            raw: style.csv_raw,
        })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for cell in cells {
            self.writer.write_field(text(cell, self.raw).as_bytes())?;
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn end(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn text<'a>(cell: &'a Cell<'_>, raw: bool) -> Cow<'a, str> {
    let guard = |text| if raw { text } else { guard(text) };
    match cell {
        Cell::Unknown => "".into(),
        Cell::Text(text) => guard(Cow::Borrowed(text.as_ref())),
        Cell::Plain(text) => Cow::Borrowed(text),
        Cell::Count(number) => number.to_string().into(),
        Cell::Number(number) if number.is_finite() => number.to_string().into(),
        Cell::Number(_) => "".into(),
        Cell::Seconds(micros) => exact_seconds(*micros).into(),
        Cell::Instant(at) => print_instant(*at).into(),
        Cell::Flag(flag) => if *flag { "true" } else { "false" }.into(),
        Cell::Sign(sign) => sign.to_string().into(),
        Cell::Sources(sources) => guard(joined(sources).into()),
        Cell::Texts(texts) => guard(texts.join(";").into()),
        Cell::Named(_) => unreachable!("only JSON nests"),
    }
}

fn guard(text: Cow<'_, str>) -> Cow<'_, str> {
    match guarded(&text) {
        Cow::Owned(guarded) => guarded.into(),
        Cow::Borrowed(_) => text,
    }
}
