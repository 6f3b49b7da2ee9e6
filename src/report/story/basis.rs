//! What a result rests on: the rule, the window, the rows.

use crate::events::Micros;
use crate::import::ledger::Counts;
use crate::measures::Measures;
use crate::report::story::Fact;
use crate::report::{PROGRAM, Run, SCHEMA_VERSION, words};
use crate::sessions::compat::Compat;
use crate::time::duration::write_duration;

/// Everything but the sources, in the order in which it is read.
pub(crate) fn basis(run: &Run, measures: Option<&Measures>) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("rule", run.rule()),
        Fact::new("timeout", run.timeout.to_string()),
    ];
    facts.extend(cuts(run).map(|cuts| Fact::new("cuts", cuts)));
    facts.push(Fact::new("time zone", run.zone.to_string()));
    facts.push(Fact::new("window", window(run)));
    if let Some((first, last)) = measures.and_then(|measures| measures.extent) {
        let span = format!(
            "first event {}, last event {}",
            at(first, run),
            at(last, run)
        );
        facts.push(Fact::new("data", span));
    }
    let now = match run.now_is_clock {
        true => "read from the clock; say --now for a dump",
        false => "when the data was taken",
    };
    facts.push(Fact::new("now", format!("{}, {now}", at(run.now, run))));
    if let Some(share) = run.sample {
        let sample = format!("{} of users, by a hash of the user", words::share(share));
        facts.push(Fact::new("sample", sample));
    }
    facts.push(Fact::new("rows", accounting(&run.counts())));
    facts.push(Fact::new("complete", completeness(run)));
    facts.push(Fact::new(
        "made by",
        format!("{PROGRAM} {}, schema version {SCHEMA_VERSION}", run.version),
    ));
    facts
}

/// `1,204,331 read = 1,204,100 events + 31 rejected + 200 filtered + 0 duplicates dropped`.
pub(crate) fn accounting(counts: &Counts) -> String {
    format!(
        "{} read = {} events + {} rejected + {} filtered + {} duplicates dropped",
        words::count(counts.read),
        words::count(counts.events),
        words::count(counts.rejected),
        words::count(counts.filtered()),
        words::count(counts.duplicates_dropped)
    )
}

/// What is missing: a heading, then one line per source; nothing when every source was read.
pub(crate) fn missing(run: &Run) -> Option<(String, Vec<String>)> {
    if run.is_complete() {
        return None;
    }
    let missing = run.missing.len();
    let all = missing + run.sources.len();
    let heading = format!(
        "INCOMPLETE: {missing} of {all} sources could not be read, and every number lacks {}",
        if missing == 1 { "it" } else { "them" }
    );
    let lines = run
        .missing
        .iter()
        .map(|source| format!("{}: {}", source.name, source.error))
        .collect();
    Some((heading, lines))
}

/// Whose rule made the sessions, where it is not our own.
pub(crate) fn other_rule(run: &Run) -> Option<String> {
    let name = run.compat?.name();
    Some(format!(
        "Not our own rule: --compat {name}, to reconcile the numbers of {name}."
    ))
}

fn completeness(run: &Run) -> String {
    let names: Vec<&str> = run
        .missing
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    match names.as_slice() {
        [] => "true: every source was read".to_owned(),
        names => format!("false: without {}", names.join(", ")),
    }
}

fn cuts(run: &Run) -> Option<String> {
    let midnight = run
        .cut_day
        .then(|| "at midnight of the time zone".to_owned());
    let length = run.max_length.map(|length| {
        let length = write_duration(length);
        match run.compat.is_some_and(Compat::takes_max_length) {
            true => format!("at the first event {length} or more after a session's start"),
            false => format!("at the first event more than {length} after a session's start"),
        }
    });
    let cuts: Vec<String> = midnight.into_iter().chain(length).collect();
    (!cuts.is_empty()).then(|| cuts.join(", "))
}

fn window(run: &Run) -> String {
    let sessions = "sessions that start";
    match (run.from, run.to) {
        (None, None) => "all of the data".to_owned(),
        (Some(from), None) => format!("{sessions} from {} on", at(from, run)),
        (None, Some(to)) => format!("{sessions} before {}", at(to, run)),
        (Some(from), Some(to)) => {
            format!("{sessions} from {} until {}", at(from, run), at(to, run))
        }
    }
}

/// An instant in the report's zone, without seconds where they are zero.
fn at(at: Micros, run: &Run) -> String {
    let text = words::local_time(at, &run.zone);
    text.strip_suffix(":00")
        .filter(|short| short.len() == text.len() - 3 && !text.contains('.'))
        .unwrap_or(&text)
        .to_owned()
}
