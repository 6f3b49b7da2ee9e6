//! How inferred sessions agree with tracked ones, for a terminal.

use std::io::{self, Write};

use super::layout::{HEADER_LINES, Layout};
use super::page::Page;
use super::{basis, missing};
use crate::report::Style;
use crate::report::agreement::{AgreementReport, people};
use crate::report::rows::Column;

/// Writes the headline, what follows for the timeout, the measures under their headings, the curve,
/// what was repaired, what it rests on, and the notes.
pub fn write_agreement(
    report: &AgreementReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(style, out);
    missing(&report.run, &mut page)?;
    page.bold(&people::headline(report))?;
    page.blank()?;
    page.facts(&people::facts(report))?;
    page.blank()?;
    measures(report, &mut page)?;
    titled(
        "Other timeouts, by the gap alone",
        people::curve_columns(report),
        &mut page,
    )?;
    titled(
        "Repaired tracked sessions",
        people::repair_columns(report),
        &mut page,
    )?;
    basis(&report.run, None, &mut page)?;
    page.notes(&people::notes(report))
}

/// All measures in one layout, with a heading before each group.
fn measures(report: &AgreementReport, page: &mut Page<'_>) -> io::Result<()> {
    let columns = people::measure_columns(report);
    let lines = Layout::choose(&columns, page.width()).lines(columns);
    let (header, rows) = lines.split_at(HEADER_LINES.min(lines.len()));
    page.table(header, true)?;
    let mut heading = "";
    for (kind, line) in people::kinds(report).into_iter().zip(rows) {
        if people::heading(kind) != heading {
            if !heading.is_empty() {
                page.blank()?;
            }
            heading = people::heading(kind);
            page.bold(&format!("── {heading} ──"))?;
        }
        page.line(line)?;
    }
    page.blank()
}

/// A table under its title, where it has a row.
fn titled(title: &str, columns: Vec<Column>, page: &mut Page<'_>) -> io::Result<()> {
    if columns.iter().all(|column| column.cells.is_empty()) {
        return Ok(());
    }
    page.bold(title)?;
    let layout = Layout::choose(&columns, page.width());
    page.table(&layout.lines(columns), true)?;
    page.blank()
}
