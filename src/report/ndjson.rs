//! One JSON object a line, the same objects as in JSON; the run record goes beside them.

use std::io::{self, Write};

use crate::report::columns::{EXPLANATION, SESSIONS, explanation_cells, session_cells};
use crate::report::explain::Explanation;
use crate::report::json::{Object, put_line, row_object};
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
    _run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for row in rows {
        put_line(&Object::new(&SESSIONS, session_cells(&row)), out)?;
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
        put_line(&Object::new(&EXPLANATION, explanation_cells(event)), out)?;
    }
    Ok(())
}
