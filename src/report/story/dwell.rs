//! What an estimate of the time after the last events says, beside the floor.

use crate::measures::dwell::validation::SignedError;
use crate::measures::dwell::{Dwell, DwellBasis, SourceDwell};
use crate::measures::{Figures, Trend};
use crate::report::story::{Fact, seconds};
use crate::report::{Report, words};

/// `floor 23m 10s, estimate 25m 00s (7% of it estimated), ceiling 53m 10s`, of what the headline
/// speaks of.
pub(crate) fn floor_to_ceiling(report: &Report) -> Option<String> {
    let figures = match &report.measures.trend {
        Trend::Compared { figures, .. } => figures,
        Trend::None { .. } => &report.measures.overall.figures,
    };
    in_words(figures, figures.mean)
}

fn in_words(figures: &Figures, floor: Option<f64>) -> Option<String> {
    let estimated = figures.dwell?;
    floor?;
    let share = match estimated.share {
        Some(share) => format!(" ({} of it estimated)", words::share(share)),
        None => String::new(),
    };
    Some(format!(
        "floor {}, estimate {}{share}, ceiling {}",
        seconds(floor),
        seconds(estimated.mean),
        seconds(estimated.mean_ceiling)
    ))
}

/// What the estimate rests on, and all of the time with and without it.
pub(super) fn facts(report: &Report) -> Vec<Fact> {
    let Some(basis) = &report.measures.dwell else {
        return Vec::new();
    };
    let mut facts = Vec::new();
    let figures = &report.measures.overall.figures;
    if let (Some(floor), Some(estimated)) = (figures.total, figures.dwell) {
        let duration = |micros: Option<i128>| seconds(micros.map(|micros| micros as f64 / 1e6));
        facts.push(Fact::new(
            "total time",
            format!(
                "floor {}, estimate {}, ceiling {}",
                duration(Some(floor)),
                duration(estimated.total),
                duration(estimated.total_ceiling)
            ),
        ));
    }
    facts.push(Fact::new("dwell", lengths(basis)));
    facts.extend(
        basis
            .known_ends
            .map(|error| Fact::new("known ends", known(error))),
    );
    facts
}

/// `1,141 sessions closed by an end, which comes 34s after the event before it; the dwell there
/// would be 59s, 25s too long`, on average.
fn known(error: SignedError) -> String {
    let sessions = words::counted(error.sessions, "session", "sessions");
    let real = words::duration(-error.before);
    let dwell = words::duration(error.after - error.before);
    let wrong = match error.after {
        0.0 => "the same".to_owned(),
        after if after > 0.0 => format!("{} too long", words::duration(after)),
        after => format!("{} too short", words::duration(-after)),
    };
    format!(
        "{sessions} closed by an end, on average {real} after the event before it; the dwell there \
         would be {dwell}, {wrong}"
    )
}

fn lengths(basis: &DwellBasis) -> String {
    let of_source = |source: &SourceDwell| {
        let length = seconds(source.length.map(|micros| micros as f64 / 1e6));
        match source.gaps {
            Some(gaps) => {
                let gaps = words::counted(gaps, "gap", "gaps");
                format!("{} {length} ({gaps})", source.name)
            }
            None => length,
        }
    };
    let mut lengths: Vec<String> = basis.sources.iter().map(of_source).collect();
    lengths.dedup();
    match (&basis.refused, basis.dwell) {
        (Some(reason), dwell) => format!("{dwell}, which says nothing: {reason}"),
        (None, Dwell::Constant(_)) => format!("{} after every last event", basis.dwell),
        (None, _) if lengths.is_empty() => format!("{}, and no session needs one", basis.dwell),
        (None, dwell) => format!("{dwell}: {}", lengths.join(", ")),
    }
}

/// What a reader must know of the estimate.
pub(super) fn notes(basis: &DwellBasis) -> Vec<String> {
    let mut notes = vec![
        "The estimate adds a dwell to the last event of each closed session, bounces included; the \
         ceiling adds the timeout. Medians, intervals and changes are those of the floor."
            .to_owned(),
    ];
    if basis.ended > 0 {
        let (sessions, get) = match basis.ended {
            1 => ("1 session is".to_owned(), "gets"),
            ended => (format!("{} sessions are", words::count(ended)), "get"),
        };
        notes.push(format!("{sessions} closed by an end and {get} no dwell."));
    }
    if basis.limited > 0 {
        let sessions = match basis.limited {
            1 => "1 session is".to_owned(),
            limited => format!("{} sessions are", words::count(limited)),
        };
        notes.push(format!(
            "{sessions} followed by the user's next event before the timeout; no dwell goes beyond it."
        ));
    }
    notes
}
