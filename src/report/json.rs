//! JSON: one object with the run record inside, or one row a line. The same column names as CSV;
//! unknown, infinite and undefined are null. Ids are text, so that no reader rounds one beyond 2^53.

mod agreement;
mod answer;
mod baseline;
mod discovery;
mod escape;
mod judgement;
mod record;

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::measures::{Figures, Measures, Row, Trend};
use crate::report::columns::{
    COMPAT, Cell, DAILY, DWELL, EARLIER, EXPLAINED_SESSION, EXPLANATION, REPORT, REPORT_EXTRA,
    SESSIONS, USER_ID, compat_cell, dwell_cells, exact_seconds, explanation_cells, report_cells,
    report_extra_cells, session_cells,
};
use crate::report::explain::Explanation;
use crate::report::sessions::SessionRow;
use crate::report::{Report, Run, Style};
use crate::time::timestamp::print_instant;
pub use agreement::write_agreement;
pub(crate) use answer::write_answer;
pub use baseline::read_baseline;
pub(crate) use discovery::write_discovery;
use escape::put;
pub(crate) use judgement::write_judgement;
use record::{RunRecord, TrendRecord};
pub use record::{Written, run_line, run_record};

/// Writes the report as one object; every row stands on a line of its own.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    let measures = &report.measures;
    let run = RunRecord::new(&report.run, Some(measures), None);
    out.write_all(b"{\"run\":")?;
    put(&run, out)?;
    out.write_all(b",\n\"overall\":")?;
    put(&row_object(&measures.overall, &report.run), out)?;
    out.write_all(b",\n\"trend\":")?;
    put_trend(measures, &report.run, out)?;
    let daily = measures.daily.iter().map(|day| {
        let cells = [
            Cell::Instant(day.period.start),
            Cell::Instant(day.period.end),
            Cell::Flag(day.complete),
            day.mean.map_or(Cell::Unknown, Cell::Number),
        ];
        Object::new(&DAILY, cells)
    });
    put_list("daily", daily, out)?;
    let rows = report.rows().map(|row| row_object(row, &report.run));
    put_list("rows", rows, out)?;
    out.write_all(b",\n\"remarks\":")?;
    put(&measures.remarks, out)?;
    out.write_all(b"}\n")
}

/// Writes the run record and the sessions, one a line, as they come.
pub fn write_sessions(
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"{\"run\":")?;
    put(&RunRecord::new(run, None, None), out)?;
    out.write_all(b",\n\"sessions\":[")?;
    let mut separator: &[u8] = b"\n";
    for row in rows {
        out.write_all(separator)?;
        put(&Object::new(&SESSIONS, session_cells(&row)).under(run), out)?;
        separator = b",\n";
    }
    out.write_all(b"]}\n")
}

/// Writes the explanation of one user's events.
pub fn write_explanation(
    explanation: &Explanation,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"{\"run\":")?;
    put(&RunRecord::new(&explanation.run, None, None), out)?;
    write!(out, ",\n\"{USER_ID}\":")?;
    put(&explanation.user, out)?;
    let sessions = explanation
        .sessions
        .iter()
        .zip(1..)
        .map(|(session, number)| {
            let cells = [
                Cell::Count(number),
                Cell::Instant(session.start),
                Cell::Instant(session.end),
                Cell::Seconds(session.duration.into()),
                Cell::Count(session.events),
                Cell::Flag(session.open),
            ];
            Object::new(&EXPLAINED_SESSION, cells)
        });
    put_list("sessions", sessions, out)?;
    let events = explanation
        .events
        .iter()
        .map(|event| Object::new(&EXPLANATION, explanation_cells(event)).under(&explanation.run));
    put_list("events", events, out)?;
    out.write_all(b"}\n")
}

/// One object and a line end.
pub(crate) fn put_line(object: &Object<'_>, out: &mut dyn Write) -> io::Result<()> {
    put(object, out)?;
    out.write_all(b"\n")
}

/// A row of a report: the columns of CSV, then those that only JSON has.
pub(crate) fn row_object<'a>(row: &'a Row, run: &Run) -> Object<'a> {
    let mut object = Object::new(&REPORT, report_cells(row, run));
    let extra = REPORT_EXTRA.into_iter().zip(report_extra_cells(row));
    object.0.extend(extra);
    let dwell = dwell_cells(&row.figures).map(|cells| Cell::Named(Object::new(&DWELL, cells).0));
    object.0.extend(dwell.map(|cells| ("dwell", cells)));
    object.under(run)
}

fn put_list<'a>(
    name: &str,
    items: impl Iterator<Item = Object<'a>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, ",\n\"{name}\":[")?;
    let mut separator: &[u8] = b"\n";
    for item in items {
        out.write_all(separator)?;
        put(&item, out)?;
        separator = b",\n";
    }
    out.write_all(b"]")
}

fn put_trend(measures: &Measures, run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let Trend::Compared {
        length,
        earlier,
        later,
        figures,
        earlier_mean,
        change,
        usual_weekly_move,
    } = &measures.trend
    else {
        return put(&TrendRecord::none(&measures.trend), out);
    };
    let later = Row {
        period: Some(*later),
        complete: Some(true),
        segment: None,
        figures: Figures::clone(figures),
        change: Some(*change),
    };
    let earlier = [
        Cell::Instant(earlier.start),
        Cell::Instant(earlier.end),
        Cell::Number(*earlier_mean),
    ];
    let record = TrendRecord {
        compared: true,
        reason: None,
        length: Some(length.name()),
        direction: change.interval.map(|_| change.direction()),
        later: Some(row_object(&later, run)),
        earlier: Some(Object::new(&EARLIER, earlier)),
        relative_change_low: change.relative_interval.map(|(low, _)| low),
        relative_change_high: change.relative_interval.map(|(_, high)| high),
        user_means_change_seconds: change.user_means_seconds,
        effective_users: Some(change.effective_users),
        users: Some(change.users),
        usual_weekly_move_seconds: *usual_weekly_move,
    };
    put(&record, out)
}

/// Named cells in a fixed order.
#[derive(Debug)]
pub(crate) struct Object<'a>(Vec<(&'static str, Cell<'a>)>);

impl<'a> Object<'a> {
    pub(crate) fn new<const N: usize>(names: &[&'static str; N], cells: [Cell<'a>; N]) -> Self {
        Self(names.iter().copied().zip(cells).collect())
    }

    /// A row of this run: it names the other system whose rule made it, if one did.
    pub(crate) fn under(mut self, run: &Run) -> Self {
        self.0.extend(compat_cell(run).map(|cell| (COMPAT, cell)));
        self
    }

    pub(crate) fn named(cells: Vec<(&'static str, Cell<'a>)>) -> Self {
        Self(cells)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, cell)| (name, cell)))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Unknown => serializer.serialize_none(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Plain(text) => serializer.serialize_str(text),
            Cell::Count(number) => serializer.serialize_u64(*number),
            Cell::Number(number) if number.is_finite() => serializer.serialize_f64(*number),
            Cell::Number(_) => serializer.serialize_none(),
            Cell::Seconds(micros) => serialize_seconds(*micros, serializer),
            Cell::Instant(at) => serializer.serialize_str(&print_instant(*at)),
            Cell::Flag(flag) => serializer.serialize_bool(*flag),
            Cell::Sign(sign) => serializer.serialize_i8(*sign),
            Cell::Sources(sources) => {
                let mut map = serializer.serialize_map(Some(sources.len()))?;
                for (name, events) in *sources {
                    map.serialize_entry(name, events)?;
                }
                map.end()
            }
            Cell::Texts(texts) => serializer.collect_seq(texts),
            Cell::Named(cells) => {
                serializer.collect_map(cells.iter().map(|(name, cell)| (name, cell)))
            }
        }
    }
}

/// A JSON number: exact for whole seconds and wherever a double has the digits, which it has to
/// the microsecond for 285 years.
fn serialize_seconds<S: Serializer>(micros: i128, serializer: S) -> Result<S::Ok, S::Error> {
    if micros % 1_000_000 == 0 {
        return serializer.serialize_i128(micros / 1_000_000);
    }
    match exact_seconds(micros).parse() {
        Ok(seconds) => serializer.serialize_f64(seconds),
        Err(_) => serializer.serialize_none(),
    }
}
