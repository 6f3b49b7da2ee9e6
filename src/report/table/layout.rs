//! Which columns fit, how wide each becomes, and the lines they make.

use std::collections::BTreeSet;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, LineStyle, Table};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::rows::{Column, JOINT, Side};
use crate::visible::visible;

/// Lines of a header: the names and a rule.
pub(super) const HEADER_LINES: usize = 2;
/// The narrowest bar that still says something.
pub(super) const NARROWEST_BAR: usize = 5;
/// The widest bar; longer ones only shout.
pub(super) const WIDEST_BAR: usize = 24;

/// Names that look the same also at this width may do so: figures are not given up for more.
const WIDEST_NAMES: usize = 40;
/// The least that is left of a text when nothing else can give way.
const NARROWEST_TEXT: usize = 4;
const GAP: usize = 2;
/// One column of the gap stands between any two columns of the package, also without lines.
const PADDING: u16 = GAP as u16 - 1;

/// The columns that are shown, by index, with their widths.
#[derive(Debug)]
pub(super) struct Layout {
    kept: Vec<usize>,
    widths: Vec<usize>,
}

impl Layout {
    /// Leaves out columns by rank until the rest fits, then gives what is left to texts that may
    /// be cut, the first before the others. They give way further when nothing else can.
    pub(super) fn choose(columns: &[Column], width: usize) -> Self {
        let natural: Vec<usize> = columns.iter().map(natural_width).collect();
        let mut kept: Vec<usize> = (0..columns.len()).collect();
        let leasts: Vec<usize> = columns
            .iter()
            .zip(&natural)
            .map(|(column, &natural)| natural.min(least_width(column)))
            .collect();
        let least = |&index: &usize| leasts[index];
        let total = |kept: &[usize]| kept.iter().map(least).sum::<usize>() + gaps(kept.len());
        while total(&kept) > width {
            let spare = kept
                .iter()
                .copied()
                .max_by_key(|&index| columns[index].rank);
            match spare.filter(|&index| columns[index].rank > 0) {
                Some(spare) => kept.retain(|&index| index != spare),
                None => break,
            }
        }
        if kept.len() == 1 {
            kept.extend(narrower_companion(columns, kept[0], |pair| {
                total(pair) <= width
            }));
            kept.sort_unstable();
        }
        let mut widths: Vec<usize> = kept.iter().map(least).collect();
        let mut room = width.saturating_sub(total(&kept));
        for (width, &index) in widths.iter_mut().zip(&kept) {
            let more = (natural[index] - *width).min(room);
            *width += more;
            room -= more;
        }
        let mut over = total(&kept).saturating_sub(width);
        for (width, &index) in widths.iter_mut().zip(&kept) {
            if matches!(columns[index].side, Side::Data(_) | Side::Names(_)) {
                let less = width.saturating_sub(NARROWEST_TEXT).min(over);
                *width -= less;
                over -= less;
            }
        }
        Self { kept, widths }
    }

    /// Whether every column has its place within the width.
    pub(super) fn fits(&self, width: usize) -> bool {
        self.total() <= width
    }

    /// Columns of the page that are left, when the columns are shown as they are.
    pub(super) fn room(&self, width: usize) -> usize {
        width.saturating_sub(self.total())
    }

    fn total(&self) -> usize {
        self.widths.iter().sum::<usize>() + gaps(self.widths.len())
    }

    /// The header, a rule, and a line per row. Texts of users' data are made visible and cut.
    pub(super) fn lines(&self, mut columns: Vec<Column>) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
        let mut shown: Vec<(Column, usize)> = Vec::new();
        for (&index, &width) in self.kept.iter().zip(&self.widths) {
            let empty = Column::new("", Side::Left, 0, std::iter::empty());
            shown.push((std::mem::replace(&mut columns[index], empty), width));
        }
        table.set_header(shown.iter().map(|(column, width)| {
            let header = fit(&column.header, *width);
            let fill = " ".repeat(width.saturating_sub(header.width()));
            cell(
                format!("{header}{fill}"),
                format!("{fill}{header}"),
                column.side,
            )
        }));
        let rows = shown.first().map_or(0, |(column, _)| column.cells.len());
        for row in 0..rows {
            table.add_row(shown.iter().map(|(column, width)| {
                let text = column.cells.get(row).map_or("", String::as_str);
                let text = match column.side {
                    Side::Data(_) => fit(&visible(text), *width),
                    Side::Names(_) => fit_names(&visible(text), *width),
                    Side::Left | Side::Right => text.to_owned(),
                };
                cell(text.clone(), text, column.side)
            }));
        }
        let last = shown.len().saturating_sub(1);
        for (index, column) in table.column_iter_mut().enumerate() {
            let gap = if index == last { 0 } else { PADDING };
            column.set_padding((0, gap));
        }
        table.lines().collect()
    }
}

fn cell(left: String, right: String, side: Side) -> Cell {
    match side {
        Side::Right => Cell::new_owned(right).set_alignment(CellAlignment::Right),
        Side::Left | Side::Data(_) | Side::Names(_) => {
            Cell::new_owned(left).set_alignment(CellAlignment::Left)
        }
    }
}

/// The column of the lowest rank that fits beside the only one left: a list whose starts are too
/// wide for the page still has its durations.
fn narrower_companion(
    columns: &[Column],
    only: usize,
    fits: impl Fn(&[usize]) -> bool,
) -> Option<usize> {
    (0..columns.len())
        .filter(|&index| index != only && fits(&[only, index]))
        .min_by_key(|&index| columns[index].rank)
}

fn gaps(columns: usize) -> usize {
    columns.saturating_sub(1) * GAP
}

fn natural_width(column: &Column) -> usize {
    let cells = column.cells.iter().map(|cell| match column.side {
        Side::Data(_) | Side::Names(_) => visible(cell).width(),
        Side::Left | Side::Right => cell.width(),
    });
    cells.chain([column.header.width()]).max().unwrap_or(0)
}

/// The width below which other columns give way first; not bounded by what the cells need.
fn least_width(column: &Column) -> usize {
    let header = column.header.width();
    match column.side {
        Side::Left | Side::Right => usize::MAX,
        Side::Data(least) => least.max(header),
        Side::Names(least) => {
            let least = least.max(header);
            let names: BTreeSet<String> = column.cells.iter().map(|cell| visible(cell)).collect();
            let apart = |width: usize| {
                let fitted: BTreeSet<String> =
                    names.iter().map(|name| fit_names(name, width)).collect();
                fitted.len()
            };
            let widths = least..=WIDEST_NAMES.max(least);
            widths
                .rev()
                .max_by_key(|&width| apart(width))
                .unwrap_or(least)
        }
    }
}

/// Names with as many of their first and last ones as the width holds and `…` between them:
/// `attempts;…;queries`. Where it does not hold one of each, letters are left out.
fn fit_names(names: &str, width: usize) -> String {
    if names.width() <= width {
        return names.to_owned();
    }
    let all: Vec<&str> = names.split(JOINT).collect();
    let shortened = (2..all.len()).rev().map(|kept| {
        let (first, last) = (&all[..kept.div_ceil(2)], &all[all.len() - kept / 2..]);
        [first, &["…"], last].concat().join(JOINT)
    });
    let fitting = shortened.into_iter().find(|short| short.width() <= width);
    fitting.unwrap_or_else(|| fit_middle(names, width))
}

/// The beginning and the end of a text, of about the same width, with `…` between them.
fn fit_middle(text: &str, width: usize) -> String {
    let mut room = width / 2;
    let mut end = text.len();
    for (index, letter) in text.char_indices().rev() {
        match room.checked_sub(letter.width().unwrap_or(0)) {
            Some(left) => (room, end) = (left, index),
            None => break,
        }
    }
    let end = &text[end..];
    format!("{}{end}", fit(text, width - end.width()))
}

/// The text, or as much of its beginning as the width holds with `…` behind it.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 0;
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        if used >= width {
            break;
        }
        fitted.push(letter);
    }
    if width > 0 {
        fitted.push('…');
    }
    fitted
}
