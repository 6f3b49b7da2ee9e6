//! What is said of the timeout, for people: the verdict first, the gaps with the candidates beside
//! their bars, then what each method, timeout and source gives, and what all of it rests on.

use std::io::{self, Write};

use super::layout::{Layout, NARROWEST_BAR};
use super::page::Page;
use super::{basis, missing};
use crate::report::Style;
use crate::report::judgement::{
    JudgementReport, beside, check_reasons, checked, gap_facts, no_differences, notes, robustness,
    rule_facts, sentence, short, source_sentences, sweep_notes,
};
use crate::report::rows::Column;
use crate::report::rows::judgement::{
    GapRow, check_columns, difference_columns, estimate_columns, gap_columns, gap_rows, marks,
    off_the_axis, source_columns, sweep_columns, test_lines,
};
use crate::threshold::Judgement;
use crate::threshold::check::CheckResult;

/// The widest bar of the histogram.
const WIDEST_BAR: usize = 32;

/// From this width on candidates need not have the least room.
const ROOMY: usize = 60;
/// The room of the candidates, where the bars leave it.
const WIDEST_MARKS: usize = 48;
const NARROWEST_MARKS: usize = 14;

/// Writes what is said of the timeout.
pub(crate) fn write_judgement(
    report: &JudgementReport,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(style, out);
    let found = &report.judgement;
    missing(&report.run, &mut page)?;
    page.bold(&sentence(&found.verdict, found.in_use))?;
    page.blank()?;
    page.facts(&beside(found))?;
    page.blank()?;
    if let Some(checks) = &report.checks {
        rules(checks, &mut page)?;
    }
    gaps(found, &mut page)?;
    titled("Methods", estimate_columns(found), &mut page)?;
    tests(found, &mut page)?;
    sweep(found, &mut page)?;
    trend(report, &mut page)?;
    sources(found, &mut page)?;
    if !found.rules.is_empty() {
        page.bold("Rules of thumb, for context")?;
        page.facts(&rule_facts(found))?;
        page.blank()?;
    }
    basis(&report.run, None, &mut page)?;
    page.notes(&notes(report))
}

fn rules(checks: &CheckResult, page: &mut Page<'_>) -> io::Result<()> {
    page.bold(&checked(checks))?;
    table(check_columns(checks), page)?;
    for reason in check_reasons(checks) {
        page.dim(&reason)?;
    }
    page.blank()
}

fn gaps(found: &Judgement, page: &mut Page<'_>) -> io::Result<()> {
    page.bold("Gaps between two events of one user")?;
    page.facts(&gap_facts(&found.gaps))?;
    page.blank()?;
    let rows = gap_rows(found);
    if !rows.is_empty() {
        histogram(&rows, found, page)?;
    }
    let outside = off_the_axis(&rows, found);
    if !rows.is_empty() && !outside.is_empty() {
        page.dim(&format!("not among them: {}", outside.join(", ")))?;
    }
    page.blank()
}

/// The bars, and below them the candidates in full where the page had to cut them.
fn histogram(rows: &[GapRow], found: &Judgement, page: &mut Page<'_>) -> io::Result<()> {
    let room = match page.width() >= ROOMY {
        true => (page.width() / 3).min(WIDEST_MARKS),
        false => NARROWEST_MARKS,
    };
    let marks = marks(rows, found, room);
    let columns = gap_columns(rows, &marks, found, NARROWEST_BAR);
    let room = Layout::choose(&columns, page.width()).room(page.width());
    let width = (NARROWEST_BAR + room).min(WIDEST_BAR);
    let columns = gap_columns(rows, &marks, found, width);
    let lines = Layout::choose(&columns, page.width()).lines(columns);
    page.table(&lines, true)?;
    let is_cut = |mark: &String| !lines.iter().any(|line| line.contains(mark.as_str()));
    if !marks.iter().flatten().any(is_cut) {
        return Ok(());
    }
    for (row, marks) in rows
        .iter()
        .zip(&marks)
        .filter(|(_, marks)| !marks.is_empty())
    {
        let marks: Vec<&str> = marks.iter().map(|mark| mark.trim_start()).collect();
        page.dim(&format!("up to {} {}", short(row.high), marks.join(" ")))?;
    }
    Ok(())
}

/// Every test as a line that may be broken: what is asked for can be long.
fn tests(found: &Judgement, page: &mut Page<'_>) -> io::Result<()> {
    let lines = test_lines(found);
    if lines.is_empty() {
        return Ok(());
    }
    page.bold("Tests: what was met, and what was asked")?;
    for (met, asked) in &lines {
        page.item(met, asked)?;
    }
    page.blank()
}

fn sweep(found: &Judgement, page: &mut Page<'_>) -> io::Result<()> {
    if found.sweep.is_empty() {
        return Ok(());
    }
    page.bold("Timeouts")?;
    table(sweep_columns(found), page)?;
    for note in sweep_notes(found) {
        page.dim(&note)?;
    }
    page.blank()
}

fn trend(report: &JudgementReport, page: &mut Page<'_>) -> io::Result<()> {
    page.bold("Does the headline hold at other timeouts?")?;
    for sentence in robustness(report) {
        page.text(&sentence)?;
    }
    page.blank()
}

fn sources(found: &Judgement, page: &mut Page<'_>) -> io::Result<()> {
    if found.sources.is_empty() {
        return Ok(());
    }
    page.bold("Sources, each alone")?;
    table(source_columns(&found.sources), page)?;
    for sentence in source_sentences(found) {
        page.item("- ", &sentence)?;
    }
    page.blank()?;
    if let Some(why) = no_differences(found) {
        page.text(why)?;
        return page.blank();
    }
    titled(
        "Does one source need a longer timeout than another?",
        difference_columns(&found.differences),
        page,
    )
}

fn titled(title: &str, columns: Vec<Column>, page: &mut Page<'_>) -> io::Result<()> {
    if columns.first().is_none_or(|column| column.cells.is_empty()) {
        return Ok(());
    }
    page.bold(title)?;
    table(columns, page)?;
    page.blank()
}

fn table(columns: Vec<Column>, page: &mut Page<'_>) -> io::Result<()> {
    let layout = Layout::choose(&columns, page.width());
    page.table(&layout.lines(columns), true)
}
