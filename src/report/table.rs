//! Reports for people on a terminal: plain text that never exceeds the width, with bold and dim as
//! its only colours.

mod agreement;
mod answer;
mod discovery;
mod judgement;
mod layout;
mod page;

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::measures::{DailyMean, Measures};
use crate::report::chart::{self, Point};
use crate::report::explain::Explanation;
use crate::report::rows::{
    Column, MEAN, Side, explanation_columns, report_columns, session_columns, session_heading,
    source_columns,
};
use crate::report::sessions::SessionRow;
use crate::report::{Report, Run, Style, story, words};
use crate::time::period::{PeriodLength, label};
pub use agreement::write_agreement;
pub(crate) use answer::write_answer;
pub(crate) use discovery::write_discovery;
pub(crate) use judgement::write_judgement;
use layout::Layout;
use page::Page;

/// Rows of a list of sessions that are laid out together; widths only grow from one to the next.
const SESSIONS_AT_ONCE: usize = 1000;

/// Writes the headline, the daily line, the table, what it rests on, and the notes.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style, out);
    missing(&report.run, &mut page)?;
    other_rule(&report.run, &mut page)?;
    let headline = story::headline(report);
    page.bold(&format!("{}  {}", headline.average, headline.movement))?;
    if let Some(bounds) = story::floor_to_ceiling(report) {
        page.text(&bounds)?;
    }
    if let Some(few) = story::few_users(report) {
        page.text(&few)?;
    }
    page.blank()?;
    page.facts(&story::beside(report))?;
    daily(report, &mut page)?;
    page.blank()?;
    if report.rows().next().is_some() {
        rows(report, &mut page)?;
        page.blank()?;
    }
    basis(&report.run, Some(&report.measures), &mut page)?;
    page.notes(&story::notes(report))
}

/// Writes one line per session, as they come.
pub fn write_sessions(
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(style, out);
    missing(run, &mut page)?;
    other_rule(run, &mut page)?;
    page.bold(&story::listed(run.sessions, run.users, run.open_sessions))?;
    page.blank()?;
    let mut layout: Option<Layout> = None;
    loop {
        let some: Vec<SessionRow<'_>> = (&mut *rows).take(SESSIONS_AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        let columns = session_columns(&some, run);
        let header = layout.is_none();
        let layout = layout.get_or_insert_with(|| Layout::choose(&columns, page.width()));
        page.table(&layout.lines(columns), header)?;
    }
    if layout.is_some() {
        page.blank()?;
    }
    basis(run, None, &mut page)?;
    page.notes(&story::run_notes(run))
}

/// Writes one line per event, under a heading for each session.
pub fn write_explanation(
    explanation: &Explanation,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(style, out);
    missing(&explanation.run, &mut page)?;
    other_rule(&explanation.run, &mut page)?;
    let events = words::counted(explanation.events.len() as u64, "event", "events");
    let sessions = words::counted(explanation.sessions.len() as u64, "session", "sessions");
    let heading = format!("User {}: {events}, {sessions}", explanation.user);
    page.bold(&heading)?;
    let timeout = explanation.run.timeout;
    page.text(&format!("{} (timeout {timeout})", explanation.run.rule()))?;
    page.blank()?;
    explained_events(explanation, &mut page)?;
    page.blank()?;
    basis(&explanation.run, None, &mut page)?;
    page.notes(&story::run_notes(&explanation.run))
}

fn explained_events(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    let columns = explanation_columns(explanation);
    let lines = Layout::choose(&columns, page.width()).lines(columns);
    page.table(&lines[..layout::HEADER_LINES.min(lines.len())], true)?;
    let mut session = None;
    let events = explanation
        .events
        .iter()
        .zip(&lines[layout::HEADER_LINES..]);
    for (index, (event, line)) in events.enumerate() {
        if let Some(number) = event.session.filter(|_| event.session != session) {
            session = event.session;
            if index > 0 {
                page.blank()?;
            }
            page.bold(&format!("── {} ──", session_heading(explanation, number)))?;
        }
        page.line(line)?;
    }
    Ok(())
}

fn other_rule(run: &Run, page: &mut Page<'_>) -> io::Result<()> {
    let Some(sentence) = story::other_rule(run) else {
        return Ok(());
    };
    page.bold(&sentence)?;
    page.blank()
}

fn missing(run: &Run, page: &mut Page<'_>) -> io::Result<()> {
    let Some((heading, sources)) = story::missing(run) else {
        return Ok(());
    };
    page.bold(&heading)?;
    for source in &sources {
        page.item("  ", source)?;
    }
    page.blank()
}

/// The line of daily means between its first and last day: solid days set the scale, which starts
/// at zero. Without one there is nothing to draw. A narrow page names the days below.
fn daily(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let days = &report.measures.daily;
    let days = &days[days.len().saturating_sub(page.width())..];
    let points: Vec<Point> = days
        .iter()
        .map(|day| match day.mean {
            None => Point::Missing,
            Some(mean) if day.complete => Point::Solid(mean),
            Some(mean) => Point::Hollow(mean),
        })
        .collect();
    let solid = || points.iter().filter_map(|point| point.solid());
    let ([first, ..], [.., last], true) = (days, days, solid().next().is_some()) else {
        return Ok(());
    };
    let date = |day: &DailyMean| label(day.period, PeriodLength::Day, &report.run.zone);
    let (first, last) = (date(first), date(last));
    let line = chart::sparkline(&points);
    let framed = format!("{first} {line} {last}");
    let (line, mut legend) = if framed.width() <= page.width() {
        let days = words::counted(points.len() as u64, "day", "days");
        (framed, format!("last {days}"))
    } else {
        (line, format!("{first} to {last}"))
    };
    page.blank()?;
    page.line(&line)?;
    let lowest = words::duration(solid().fold(f64::INFINITY, f64::min));
    let highest = words::duration(solid().fold(0.0, f64::max));
    legend.push_str(&format!(
        ": daily means from {lowest} to {highest}, drawn from zero"
    ));
    if points.iter().any(|point| matches!(point, Point::Hollow(_))) {
        legend.push_str(&format!("; {} incomplete", chart::HOLLOW));
    }
    if points.contains(&Point::Missing) {
        legend.push_str(&format!("; {} no closed session", chart::MISSING));
    }
    page.dim(&legend)
}

/// The table of rows, with a bar behind the mean where there is room.
fn rows(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let mut columns = report_columns(report);
    if let Some(mean) = columns.iter().position(|column| column.header == MEAN) {
        columns.insert(mean + 1, bars(report, layout::NARROWEST_BAR));
        let room = Layout::choose(&columns, page.width()).room(page.width());
        let width = (layout::NARROWEST_BAR + room).min(layout::WIDEST_BAR);
        columns[mean + 1] = bars(report, width);
    }
    let layout = Layout::choose(&columns, page.width());
    page.table(&layout.lines(columns), true)
}

fn bars(report: &Report, width: usize) -> Column {
    let means = |complete_only: bool| {
        report
            .measures
            .rows
            .iter()
            .filter(move |row| !complete_only || row.complete != Some(false))
            .filter_map(|row| row.figures.mean)
            .fold(0.0, f64::max)
    };
    let highest = if means(true) > 0.0 {
        means(true)
    } else {
        means(false)
    };
    let overall = report.measures.rows.len();
    let cells = report.rows().enumerate().map(|(index, row)| {
        let bar = match row.figures.mean {
            Some(mean) if index < overall && row.complete == Some(false) => {
                chart::hollow_bar(mean, highest, width)
            }
            Some(mean) if index < overall => chart::bar(mean, highest, width),
            _ => String::new(),
        };
        format!("{bar}{}", " ".repeat(width - bar.chars().count()))
    });
    Column::new("", Side::Left, 3, cells)
}

fn basis(run: &Run, measures: Option<&Measures>, page: &mut Page<'_>) -> io::Result<()> {
    page.bold("What it rests on")?;
    page.facts(&story::basis(run, measures))?;
    page.blank()?;
    sources(run, page)?;
    page.blank()
}

/// The sources as a table, or as sentences where the page cannot hold every number.
fn sources(run: &Run, page: &mut Page<'_>) -> io::Result<()> {
    let columns = source_columns(run);
    let layout = Layout::choose(&columns, page.width());
    if layout.fits(page.width()) {
        return page.table(&layout.lines(columns), true);
    }
    for source in &run.sources {
        let accounting = story::accounting(&source.counts);
        let role = source.role.name();
        page.text(&format!("{} ({role}): {accounting}", source.name))?;
    }
    Ok(())
}
