//! What was found in a database, for people: the sources as a table, why each was taken, and what
//! was left out and why.

use std::io::{self, Write};

use super::layout::Layout;
use super::page::Page;
use crate::discover::Finding;
use crate::report::discovery::{Discovered, amount, rows, slow_window};
use crate::report::rows::{Column, Side};
use crate::report::{Style, words};
use crate::time::zone::Zone;

/// The widest page: a line that the eye can follow back.
const WIDEST: usize = 100;

/// Writes what was found.
pub(crate) fn write_discovery(
    discovered: &Discovered<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = Style {
        width: style.width.min(WIDEST),
        ..style
    };
    let mut page = Page::new(style, out);
    let discovery = discovered.discovery;
    let found = words::counted(discovery.sources.len() as u64, "source", "sources");
    page.bold(&format!(
        "{found} in {} ({})",
        discovered.place, discovered.kind
    ))?;
    page.blank()?;
    let columns = columns(&discovery.sources);
    let layout = Layout::choose(&columns, page.width());
    page.table(&layout.lines(columns), true)?;
    page.blank()?;
    page.bold("Why")?;
    for source in &discovery.sources {
        page.item("- ", &reasons(source))?;
    }
    if !discovery.tracked.is_empty() {
        page.blank()?;
        page.bold("Sessions that the application tracks itself, left out")?;
        for table in &discovery.tracked {
            let line = format!("{}: from {} to {}", table.table, table.start, table.end);
            page.item("- ", &line)?;
        }
    }
    if !discovery.left_out.is_empty() {
        page.blank()?;
        page.bold("Left out")?;
        for left in &discovery.left_out {
            page.item("- ", &format!("{}: {}", left.table, left.reason))?;
        }
    }
    Ok(())
}

fn columns(sources: &[Finding]) -> Vec<Column> {
    let column = |header: &'static str, side, rank, cell: &dyn Fn(&Finding) -> String| {
        Column::new(header, side, rank, sources.iter().map(cell))
    };
    let date = |source: &Finding, last: bool| {
        let Some(ends) = source.ends else {
            return words::UNKNOWN.to_owned();
        };
        words::date(if last { ends.1 } else { ends.0 }, &Zone::UTC)
    };
    let users = |source: &Finding| match source.users {
        Some(users) => short(&amount(users)),
        None => words::UNKNOWN.to_owned(),
    };
    let index = |source: &Finding| match source.is_indexed {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => words::UNKNOWN.to_owned(),
    };
    let mut columns = vec![
        column("source", Side::Data(24), 0, &|source| source.name.clone()),
        column("role", Side::Left, 1, &|source| {
            source.role.name().to_owned()
        }),
        column("user", Side::Data(16), 0, &|source| source.user.clone()),
        column("time", Side::Data(16), 0, &|source| source.time.clone()),
        column("rows", Side::Right, 2, &|source| {
            short(&amount(source.rows))
        }),
        column("users", Side::Right, 5, &users),
        column("first", Side::Left, 4, &|source| date(source, false)),
        column("last", Side::Left, 3, &|source| date(source, true)),
    ];
    if sources.iter().any(|source| source.is_indexed.is_some()) {
        columns.push(column("index", Side::Left, 6, &index));
    }
    columns
}

/// An amount in a narrow column: `~2,000`, `≥100,001`.
fn short(amount: &str) -> String {
    amount.replace("about ", "~").replace("at least ", "≥")
}

fn reasons(source: &Finding) -> String {
    let mut reasons = vec![source.why.clone()];
    if let Some(filter) = &source.filter {
        reasons.push(format!("where {filter}"));
    }
    if source.name != source.table {
        reasons.push(format!("of table {}", source.table));
    }
    for (share, what) in [
        (source.without_user, "names no user"),
        (source.without_time, "has no time"),
    ] {
        if share > 0.0 {
            reasons.push(format!("{} of the table {what}", words::share(share)));
        }
    }
    if let Some(unit) = source.epoch_unit {
        reasons.push(format!("times are numbers in {}", unit.name()));
    }
    if source.is_zoneless {
        reasons.push("times have no zone, taken as UTC".to_owned());
    }
    if source.ends.is_some() && !source.ends_are_exact {
        reasons.push("first and last are of some of the rows".to_owned());
    }
    reasons.extend(slow_window(source));
    reasons.extend(source.remarks.iter().cloned());
    format!("{} ({}): {}", source.name, rows(source), reasons.join("; "))
}
