//! A Markdown page: the headline as a sentence, the table, what it rests on as a list. Text of
//! users' data is escaped, so that a table keeps its shape and nothing becomes a link or markup.

use std::io::{self, Write};

use crate::measures::Measures;
use crate::report::agreement::{AgreementReport, people};
use crate::report::answer::Answer;
use crate::report::explain::Explanation;
use crate::report::judgement::{self, JudgementReport};
use crate::report::rows::judgement as tables;
use crate::report::rows::{
    Column, Side, explanation_columns, report_columns, session_columns, session_heading,
    source_columns,
};
use crate::report::sessions::SessionRow;
use crate::report::story::Fact;
use crate::report::{Report, Run, Style, story};
use crate::visible::visible;

/// Rows of a list of sessions that are held at once.
const SESSIONS_AT_ONCE: usize = 1000;

/// Writes the report as a page.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    let headline = story::headline(report);
    writeln!(out, "# {}\n", escaped(&headline.average))?;
    missing(&report.run, out)?;
    other_rule(&report.run, out)?;
    writeln!(out, "**{}**\n", escaped(&headline.movement))?;
    if let Some(bounds) = story::floor_to_ceiling(report) {
        writeln!(out, "{}\n", escaped(&bounds))?;
    }
    if let Some(few) = story::few_users(report) {
        writeln!(out, "{}\n", escaped(&few))?;
    }
    let beside = story::beside(report);
    if !beside.is_empty() {
        facts(&beside, out)?;
        writeln!(out)?;
    }
    if report.rows().next().is_some() {
        let columns = report_columns(report);
        writeln!(out, "## Sessions\n")?;
        header(&columns, out)?;
        body(&columns, out)?;
        writeln!(out)?;
    }
    basis(&report.run, Some(&report.measures), out)?;
    notes(&story::notes(report), out)
}

/// Writes a page with one table row per session, as they come.
pub fn write_sessions(
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let listed = story::listed(run.sessions, run.users, run.open_sessions);
    writeln!(out, "# {}\n", escaped(&listed))?;
    missing(run, out)?;
    other_rule(run, out)?;
    header(&session_columns(&[], run), out)?;
    loop {
        let some: Vec<SessionRow<'_>> = (&mut *rows).take(SESSIONS_AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        body(&session_columns(&some, run), out)?;
    }
    writeln!(out)?;
    basis(run, None, out)?;
    notes(&story::run_notes(run), out)
}

/// Writes a page with one table row per event, and the sessions as a list.
pub fn write_explanation(
    explanation: &Explanation,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "# User {}\n", escaped(&explanation.user))?;
    missing(&explanation.run, out)?;
    other_rule(&explanation.run, out)?;
    for (_, number) in explanation.sessions.iter().zip(1..) {
        writeln!(out, "- {}", escaped(&session_heading(explanation, number)))?;
    }
    writeln!(out)?;
    let columns = explanation_columns(explanation);
    header(&columns, out)?;
    body(&columns, out)?;
    writeln!(out)?;
    basis(&explanation.run, None, out)?;
    notes(&story::run_notes(&explanation.run), out)
}

/// Writes what is said of the timeout as a page.
pub fn write_judgement(
    report: &JudgementReport,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (run, found) = (&report.run, &report.judgement);
    let sentence = judgement::sentence(&found.verdict, found.in_use);
    writeln!(out, "# {}\n", escaped(&sentence))?;
    missing(run, out)?;
    let beside = judgement::beside(found);
    if !beside.is_empty() {
        facts(&beside, out)?;
        writeln!(out)?;
    }
    if let Some(checks) = &report.checks {
        writeln!(out, "**{}**\n", escaped(&judgement::checked(checks)))?;
        table(&tables::check_columns(checks), out)?;
        list(&judgement::check_reasons(checks), out)?;
    }
    writeln!(out, "## Gaps\n")?;
    facts(&judgement::gap_facts(&found.gaps), out)?;
    writeln!(out)?;
    let rows = tables::gap_rows(found);
    let marks = tables::marks(&rows, found, usize::MAX);
    table(&tables::gap_columns(&rows, &marks, found, 0), out)?;
    heading_and_table("Methods", &tables::estimate_columns(found), out)?;
    heading_and_table("Tests", &tables::test_columns(found), out)?;
    heading_and_table("Timeouts", &tables::sweep_columns(found), out)?;
    list(&judgement::sweep_notes(found), out)?;
    writeln!(out, "## Does the headline hold at other timeouts?\n")?;
    list(&judgement::robustness(report), out)?;
    if !found.sources.is_empty() {
        let columns = tables::source_columns(&found.sources);
        heading_and_table("Sources", &columns, out)?;
        list(&judgement::source_sentences(found), out)?;
        let columns = tables::difference_columns(&found.differences);
        let heading = "Does one source need a longer timeout than another?";
        heading_and_table(heading, &columns, out)?;
        if let Some(why) = judgement::no_differences(found) {
            writeln!(out, "{why}\n")?;
        }
    }
    if !found.rules.is_empty() {
        writeln!(out, "## Rules of thumb, for context\n")?;
        facts(&judgement::rule_facts(found), out)?;
        writeln!(out)?;
    }
    basis(run, None, out)?;
    notes(&judgement::notes(report), out)
}

/// Writes how inferred sessions agree with tracked ones as a page with one table row a measure.
pub fn write_agreement(
    report: &AgreementReport,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "# {}\n", escaped(&people::headline(report)))?;
    missing(&report.run, out)?;
    facts(&people::facts(report), out)?;
    writeln!(out)?;
    for (heading, columns) in people::measure_tables(report) {
        heading_and_table(heading, &columns, out)?;
    }
    let curve = people::curve_columns(report);
    heading_and_table("Other timeouts, by the gap alone", &curve, out)?;
    let repair = people::repair_columns(report);
    heading_and_table("Repaired tracked sessions", &repair, out)?;
    basis(&report.run, None, out)?;
    notes(&people::notes(report), out)
}

/// Writes the sentence, the facts, every table, what it rests on, and the notes.
pub(crate) fn write_answer(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}\n", escaped(&answer.headline))?;
    if !answer.facts.is_empty() {
        facts(&answer.people_facts(), out)?;
        writeln!(out)?;
    }
    for table in &answer.tables {
        let columns = table.people_columns(&answer.basis.zone);
        heading_and_table(table.title, &columns, out)?;
    }
    writeln!(out, "## What it rests on\n")?;
    facts(&answer.people_basis(), out)?;
    writeln!(out)?;
    match answer.notes.is_empty() {
        true => Ok(()),
        false => notes(&answer.notes, out),
    }
}

/// A table under its heading, where it has a row.
fn heading_and_table(heading: &str, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    if columns.iter().all(|column| column.cells.is_empty()) {
        return Ok(());
    }
    writeln!(out, "## {heading}\n")?;
    table(columns, out)
}

fn table(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    header(columns, out)?;
    body(columns, out)?;
    writeln!(out)
}

fn list(sentences: &[String], out: &mut dyn Write) -> io::Result<()> {
    if sentences.is_empty() {
        return Ok(());
    }
    for sentence in sentences {
        writeln!(out, "- {}", escaped(sentence))?;
    }
    writeln!(out)
}

/// Text that CommonMark and its tables show as it is, on one line: controls as visible escapes,
/// every sign that could begin markup, a link or an entity behind a backslash.
pub fn escaped(text: &str) -> String {
    let text = visible(text);
    let mut safe = String::with_capacity(text.len());
    for (index, letter) in text.char_indices() {
        let (before, after) = (&text[..index], &text[index + letter.len_utf8()..]);
        if is_markup(letter, before, after) {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

fn is_markup(letter: char, before: &str, after: &str) -> bool {
    let word_ends = || after.is_empty() || after.starts_with(' ');
    let numbers_a_list = || word_ends() && before.bytes().all(|byte| byte.is_ascii_digit());
    match letter {
        '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '&' | '@' | '#' | '~' | '$' => true,
        '-' | '+' => before.is_empty() && (word_ends() || after.starts_with('-')),
        '=' => before.is_empty(),
        ':' => after.starts_with('/'),
        '.' => {
            let www = before
                .len()
                .checked_sub(3)
                .and_then(|from| before.get(from..));
            www.is_some_and(|www| www.eq_ignore_ascii_case("www")) || numbers_a_list()
        }
        ')' => numbers_a_list(),
        _ => false,
    }
}

fn missing(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let Some((heading, sources)) = story::missing(run) else {
        return Ok(());
    };
    writeln!(out, "> **{}**\n>", escaped(&heading))?;
    for source in &sources {
        writeln!(out, "> - {}", escaped(source))?;
    }
    writeln!(out)
}

fn other_rule(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    match story::other_rule(run) {
        None => Ok(()),
        Some(sentence) => writeln!(out, "> **{}**\n", escaped(&sentence)),
    }
}

fn basis(run: &Run, measures: Option<&Measures>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## What it rests on\n")?;
    facts(&story::basis(run, measures), out)?;
    writeln!(out)?;
    let columns = source_columns(run);
    header(&columns, out)?;
    body(&columns, out)?;
    writeln!(out)
}

fn facts(facts: &[Fact], out: &mut dyn Write) -> io::Result<()> {
    facts.iter().try_for_each(|fact| {
        let (label, value) = (escaped(&fact.label), escaped(&fact.value));
        writeln!(out, "- {label}: {value}")
    })
}

fn notes(notes: &[String], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Notes\n")?;
    notes
        .iter()
        .try_for_each(|note| writeln!(out, "- {}", escaped(note)))
}

fn header(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let names = columns.iter().map(|column| escaped(&column.header));
    put_row(names, out)?;
    let sides = columns.iter().map(|column| match column.side {
        Side::Right => "---:".to_owned(),
        Side::Left | Side::Data(_) | Side::Names(_) => "---".to_owned(),
    });
    put_row(sides, out)
}

fn body(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        let cells = columns.iter().map(|column| {
            column
                .cells
                .get(row)
                .map_or(String::new(), |cell| escaped(cell))
        });
        put_row(cells, out)?;
    }
    Ok(())
}

fn put_row(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    for cell in cells {
        write!(out, "| {cell} ")?;
    }
    writeln!(out, "|")
}
