//! What a command on tracked sessions has to say, for a terminal.

use std::io::{self, Write};

use super::layout::Layout;
use super::page::Page;
use crate::report::Style;
use crate::report::answer::Answer;

/// Writes the sentence, the facts, every table that has a row, what it rests on, and the notes.
pub(crate) fn write_answer(answer: &Answer, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style, out);
    page.bold(&answer.headline)?;
    page.blank()?;
    if !answer.facts.is_empty() {
        page.facts(&answer.people_facts())?;
        page.blank()?;
    }
    for table in answer.tables.iter().filter(|table| !table.rows.is_empty()) {
        page.bold(table.title)?;
        let columns = table.people_columns(&answer.basis.zone);
        let layout = Layout::choose(&columns, page.width());
        page.table(&layout.lines(columns), true)?;
        page.blank()?;
    }
    page.bold("What it rests on")?;
    page.facts(&answer.people_basis())?;
    match answer.notes.is_empty() {
        true => Ok(()),
        false => {
            page.blank()?;
            page.notes(&answer.notes)
        }
    }
}
