//! Lines on a page of a given width: wrapped texts, labelled facts, notes, bold and dim.

use std::io::{self, Write};

use anstyle::Style as Paint;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::Style;
use crate::report::story::Fact;
use crate::report::table::layout::fit;
use crate::visible::visible;

/// The narrowest page; less room is treated as this much.
const NARROWEST: usize = 20;
/// Texts are not set wider than a line that the eye can follow back.
const WIDEST_TEXT: usize = 100;
/// Labels stand beside their values from this width on, else above them.
const BESIDE: usize = 50;

const BOLD: Paint = Paint::new().bold();
const DIM: Paint = Paint::new().dimmed();
const PLAIN: Paint = Paint::new();

/// A page that is being written.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    color: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(style: Style, out: &'a mut dyn Write) -> Self {
        Self {
            out,
            width: style.width.max(NARROWEST),
            color: style.color,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// One line that is already laid out.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        self.put(line, PLAIN)
    }

    /// Lines of a table; the first two are its header, which may be left out.
    pub(super) fn table(&mut self, lines: &[String], header: bool) -> io::Result<()> {
        for (index, line) in lines.iter().enumerate() {
            match index {
                0 | 1 if !header => {}
                0 => self.put(line, DIM)?,
                1 => self.put(&line.chars().take(self.width).collect::<String>(), DIM)?,
                _ => self.put(line, PLAIN)?,
            }
        }
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("", text, PLAIN)
    }

    pub(super) fn bold(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("", text, BOLD)
    }

    pub(super) fn dim(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("", text, DIM)
    }

    /// A text behind a mark, with its further lines indented below its first.
    pub(super) fn item(&mut self, mark: &str, text: &str) -> io::Result<()> {
        self.wrapped(mark, text, PLAIN)
    }

    /// The notes at the end of a page.
    pub(super) fn notes(&mut self, notes: &[String]) -> io::Result<()> {
        self.bold("Notes")?;
        notes
            .iter()
            .try_for_each(|note| self.wrapped("- ", note, DIM))
    }

    /// Labels in one column, values in the next.
    pub(super) fn facts(&mut self, facts: &[Fact]) -> io::Result<()> {
        let labels = facts.iter().map(|fact| fact.label.width()).max();
        let column = labels.unwrap_or(0) + 2;
        for fact in facts {
            let label = &fact.label;
            if self.width < BESIDE || column > self.width / 2 {
                self.item("", &format!("{label}: {}", fact.value))?;
            } else {
                let fill = " ".repeat(column - label.width());
                self.item(&format!("{label}{fill}"), &fact.value)?;
            }
        }
        Ok(())
    }

    fn wrapped(&mut self, mark: &str, text: &str, paint: Paint) -> io::Result<()> {
        let indent = " ".repeat(mark.width());
        let room = self.width.min(WIDEST_TEXT).saturating_sub(indent.len());
        for (index, line) in wrap(&visible(text), room.max(1)).iter().enumerate() {
            let before = if index == 0 { mark } else { &indent };
            self.put(&format!("{before}{line}"), paint)?;
        }
        Ok(())
    }

    /// The one place where a line goes out: cut to the width, without spaces at its end.
    fn put(&mut self, line: &str, paint: Paint) -> io::Result<()> {
        let line = fit(line.trim_end(), self.width);
        if self.color && paint != PLAIN && !line.is_empty() {
            writeln!(self.out, "{paint}{line}{paint:#}")
        } else {
            writeln!(self.out, "{line}")
        }
    }
}

/// Lines of at most `width` columns, broken at spaces, or inside a word that is too long. Runs of
/// spaces inside a line stay.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let space = usize::from(used > 0);
        if used + space + word.width() > width && used > 0 {
            lines.push(String::new());
            used = 0;
        } else if used > 0 {
            push(&mut lines, " ");
            used += 1;
        }
        for letter in word.chars() {
            let letter_width = letter.width().unwrap_or(0);
            if used + letter_width > width {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, letter.encode_utf8(&mut [0; 4]));
            used += letter_width;
        }
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}
