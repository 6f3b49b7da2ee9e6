//! An agreement in words and in tables that people read.

use crate::agreement::{AgreementPlan, Chosen, Coverage, CurvePoint, Kind, Measure, Unit};
use crate::report::agreement::{AgreementReport, OPEN, RepairRow, counted};
use crate::report::rows::{Column, Side};
use crate::report::story::{Fact, run_notes};
use crate::report::words;
use crate::time::duration::write_duration;

/// `Inferred sessions at 30m find 91% of the tracked boundaries; 4% of theirs are false`.
pub(crate) fn headline(report: &AgreementReport) -> String {
    if let Some(nothing) = nothing_in_common(&report.scores.coverage) {
        return format!("Nothing to compare: {nothing}");
    }
    let timeout = write_duration(report.scores.timeout);
    let recall = report.scores.measure(Kind::Recall);
    let precision = report.scores.measure(Kind::Precision);
    match (recall.value, precision.value) {
        (Some(found), Some(right)) => format!(
            "Inferred sessions at {timeout} find {} of the tracked boundaries; {} of theirs are \
             false",
            words::share(found),
            words::share(1.0 - right)
        ),
        (Some(found), None) => format!(
            "Inferred sessions at {timeout} find {} of the tracked boundaries and have none of \
             their own",
            words::share(found)
        ),
        (None, Some(_)) => format!(
            "Inferred sessions at {timeout} have boundaries where none is tracked: all are false"
        ),
        (None, None) => format!(
            "Nothing to say of boundaries at {timeout}: {}",
            recall.reason.unwrap_or("none is tracked")
        ),
    }
}

/// Why not one event can be scored; `None` where one can.
fn nothing_in_common(coverage: &Coverage) -> Option<&'static str> {
    match coverage {
        Coverage { tracked: 0, .. } => {
            Some("no tracked session is left without open and broken ones")
        }
        Coverage { inferred: 0, .. } => Some("no user with a tracked session has an event"),
        Coverage {
            inside_events: 0, ..
        } => Some("no event lies inside a tracked session of its user"),
        _ => None,
    }
}

/// What follows the headline: the timeouts that agree best, the ceiling, durations.
pub(crate) fn facts(report: &AgreementReport) -> Vec<Fact> {
    let scores = &report.scores;
    let mut facts = vec![
        fact("highest F1", highest_f1(&scores.choice.highest_f1)),
        fact("ceiling", ceiling(report)),
        fact("no bias at", no_bias(&scores.choice.no_bias)),
        fact("durations", durations(report)),
    ];
    facts.extend(used(&scores.coverage));
    facts.extend(repair(report));
    facts.push(fact("tracked by", report.tracked.clone()));
    facts
}

/// How many tracked sessions were broken, and what F1 would be with them as they stand.
fn repair(report: &AgreementReport) -> Option<Fact> {
    let before = report.before.as_ref()?.measure(Kind::F1).value;
    let broken = report.repair.iter().filter(|row| row.kind != OPEN);
    let broken: u64 = broken.map(|row| row.sessions).sum();
    let sessions = words::counted(broken, "tracked session", "tracked sessions");
    let before = before.map_or_else(|| "undefined".to_owned(), fine_share);
    let value = format!("{sessions} mended or left out; as they stand, F1 is {before}");
    Some(fact("broken", value))
}

fn fact(label: &str, value: String) -> Fact {
    Fact {
        label: label.to_owned(),
        value,
    }
}

fn highest_f1(chosen: &Chosen) -> String {
    let Some(seconds) = chosen.seconds else {
        return none(chosen);
    };
    let mut text = format!("timeout {}", words::duration(seconds));
    text.push_str(&sure(chosen));
    if let Some((low, high)) = chosen.range.filter(|(low, high)| high / low > 1.01) {
        let (low, high) = (words::duration(low), words::duration(high));
        text.push_str(&format!("; all from {low} to {high} are as good"));
    }
    if let Some(f1) = chosen.f1 {
        text.push_str(&format!("; F1 {}", fine_share(f1)));
    }
    if let Some(f1) = chosen.f1_of_others {
        let share = fine_share(f1);
        text.push_str(&format!(", {share} on users it was not found on"));
    }
    text
}

fn no_bias(chosen: &Chosen) -> String {
    let Some(seconds) = chosen.seconds else {
        return none(chosen);
    };
    let mut text = format!("timeout {}", words::duration(seconds));
    text.push_str(&sure(chosen));
    if let Some(bias) = chosen.bias_of_others {
        let bias = words::change(bias);
        text.push_str(&format!("; bias {bias} on users it was not found on"));
    }
    if let Some(f1) = chosen.f1 {
        text.push_str(&format!("; F1 {}", fine_share(f1)));
    }
    text
}

fn none(chosen: &Chosen) -> String {
    format!(
        "no timeout: {}",
        chosen.reason.unwrap_or("nothing to choose from")
    )
}

fn sure(chosen: &Chosen) -> String {
    match chosen.interval {
        Some(interval) => format!(" (95% {})", words::interval(interval)),
        None => " (no interval)".to_owned(),
    }
}

fn ceiling(report: &AgreementReport) -> String {
    let scores = &report.scores;
    let (best, used) = (scores.measure(Kind::CeilingF1), scores.measure(Kind::F1));
    let mut text = match best.value {
        Some(best) => format!("no timeout reaches more than F1 {}", fine_share(best)),
        None => return undefined(best),
    };
    if let Some(used) = used.value {
        let timeout = write_duration(scores.timeout);
        text.push_str(&format!("; {timeout} gives {}", fine_share(used)));
    }
    if let Some(area) = scores.measure(Kind::Area).value {
        let share = fine_share(area);
        text.push_str(&format!(
            "; a tracked boundary has the longer gap in {share} of pairs (AUC)"
        ));
    }
    text
}

fn durations(report: &AgreementReport) -> String {
    let measure = |kind| report.scores.measure(kind);
    let bias = measure(Kind::Bias);
    let Some(seconds) = bias.value else {
        return undefined(bias);
    };
    let mut text = match seconds {
        0.0 => "inferred sessions are as long as tracked ones on average".to_owned(),
        _ => format!(
            "inferred sessions are {} {} on average",
            words::duration(seconds.abs()),
            if seconds < 0.0 { "shorter" } else { "longer" }
        ),
    };
    let pairs = words::counted(bias.of, "matched pair", "matched pairs");
    text.push_str(&format!(", of {pairs}"));
    if let (Some(start), Some(end)) = (
        measure(Kind::StartError).value,
        measure(Kind::EndError).value,
    ) {
        let start = early_or_late("start", start);
        let end = early_or_late("end", end);
        text.push_str(&format!("; they {start} and {end}"));
    }
    text
}

/// `start 2m 10s late`.
fn early_or_late(verb: &str, seconds: f64) -> String {
    let length = words::duration(seconds.abs());
    match seconds {
        0.0 => format!("{verb} on time"),
        _ if seconds < 0.0 => format!("{verb} {length} early"),
        _ => format!("{verb} {length} late"),
    }
}

fn undefined(measure: &Measure) -> String {
    format!("undefined: {}", measure.reason.unwrap_or("no value"))
}

/// What share of users, events and sessions could be used.
fn used(coverage: &Coverage) -> Vec<Fact> {
    let of = |label: &str, part: u64, whole: u64, what: &str, do_so: &str| {
        let value = match whole {
            0 => format!("no {what}"),
            _ => format!(
                "{} of {} {what} ({}) {do_so}",
                words::count(part),
                words::count(whole),
                words::share(part as f64 / whole as f64)
            ),
        };
        fact(label, value)
    };
    let Coverage {
        users,
        scored_users,
        events,
        inside_events: inside,
        tracked,
        tracked_with_events,
        inferred,
        inferred_met,
        ..
    } = *coverage;
    let of_users = "inferred sessions of users with a tracked one";
    vec![
        of(
            "users",
            scored_users,
            users,
            "users",
            "have an event inside a tracked session",
        ),
        of("events", inside, events, "events", "are inside one"),
        of(
            "tracked",
            tracked_with_events,
            tracked,
            "tracked sessions",
            "hold an event",
        ),
        of("inferred", inferred_met, inferred, of_users, "meet one"),
    ]
}

/// What is compared: measures stand below it.
pub(crate) fn heading(kind: Kind) -> &'static str {
    match kind {
        kind if kind <= Kind::CoveredF1 => "Where boundaries fall",
        kind if kind <= Kind::WindowDiff => "Windows (lower is better)",
        kind if kind <= Kind::BCubedF1 => "Which events are together",
        kind if kind <= Kind::Orphans => "Which sessions meet",
        kind if kind <= Kind::SharedOfUnion => "Which time is shared",
        _ => "Durations of matched pairs",
    }
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::TruePositives => "tracked boundaries found",
        Kind::FalsePositives => "boundaries invented",
        Kind::FalseNegatives => "tracked boundaries missed",
        Kind::TrueNegatives => "gaps left whole by both",
        Kind::Precision => "precision",
        Kind::Recall => "recall",
        Kind::F1 => "F1",
        Kind::NearPrecision => "precision within the tolerance",
        Kind::NearRecall => "recall within the tolerance",
        Kind::NearF1 => "F1 within the tolerance",
        Kind::Area => "AUC of the gap",
        Kind::CeilingF1 => "highest F1 of any timeout",
        Kind::CoveredPrecision => "precision, inside alone",
        Kind::CoveredRecall => "recall, inside alone",
        Kind::CoveredF1 => "F1, inside alone",
        Kind::WindowSize => "window, in gaps",
        Kind::Pk => "Pk",
        Kind::WindowDiff => "WindowDiff",
        Kind::AdjustedRand => "adjusted Rand",
        Kind::AdjustedRandMedian => "adjusted Rand, median user",
        Kind::Homogeneity => "homogeneity",
        Kind::Completeness => "completeness",
        Kind::VMeasure => "V-measure",
        Kind::BCubedPrecision => "B-cubed precision",
        Kind::BCubedRecall => "B-cubed recall",
        Kind::BCubedF1 => "B-cubed F1",
        Kind::Contained => "tracked inside one inferred",
        Kind::SameFirst => "same first event",
        Kind::SameLast => "same last event",
        Kind::SameBoth => "same first and last event",
        Kind::BestOverlap => "best overlap, mean",
        Kind::BestJaccard => "best Jaccard, mean",
        Kind::Splits => "tracked, split",
        Kind::Merges => "inferred, merging several",
        Kind::Misses => "tracked, missed",
        Kind::Orphans => "inferred, of no tracked",
        Kind::TimePrecision => "inferred time that is tracked",
        Kind::TimeRecall => "tracked time that is inferred",
        Kind::TimeF1 => "F1 of time",
        Kind::SharedOfUnion => "IoU of matched pairs, mean",
        Kind::Bias => "bias (inferred − tracked)",
        Kind::MeanAbsoluteError => "mean absolute error",
        Kind::MedianAbsoluteError => "median absolute error",
        Kind::MeanLogRatio => "mean |ln ratio|",
        Kind::PercentileLow => "2.5 percentile of differences",
        Kind::PercentileHigh => "97.5 percentile",
        Kind::LimitLow => "bias − 1.96 sd",
        Kind::LimitHigh => "bias + 1.96 sd",
        Kind::Concordance => "concordance",
        Kind::StartError => "start error, mean",
        Kind::StartErrorMedian => "start error, median",
        Kind::EndError => "end error, mean",
        Kind::EndErrorMedian => "end error, median",
    }
}

/// The kinds of the rows of [`measure_columns`].
pub(crate) fn kinds(report: &AgreementReport) -> Vec<Kind> {
    report.measures().map(|(measure, _)| measure.kind).collect()
}

/// Every measure.
pub(crate) fn measure_columns(report: &AgreementReport) -> Vec<Column> {
    let measures = || report.measures().map(|(measure, _)| measure);
    let right = |header: &'static str, rank, cells: Vec<String>| {
        Column::new(header, Side::Right, rank, cells.into_iter())
    };
    let mut columns = vec![
        Column::new(
            "measure",
            Side::Left,
            0,
            measures().map(|measure| label(measure.kind).to_owned()),
        ),
        right("value", 0, measures().map(shown).collect()),
        right("95% interval", 1, measures().map(interval).collect()),
    ];
    if report.before.is_some() {
        let before = report
            .measures()
            .map(|(_, before)| before.map_or_else(String::new, shown));
        columns.push(right("unrepaired", 2, before.collect()));
    }
    let of = measures().map(|measure| {
        let count = words::count(measure.of);
        format!("{count} {}", counted(measure.kind))
    });
    columns.push(Column::new("of", Side::Left, 3, of));
    columns
}

/// The rows of [`measure_columns`] under their headings.
pub(crate) fn measure_tables(report: &AgreementReport) -> Vec<(&'static str, Vec<Column>)> {
    let (kinds, columns) = (kinds(report), measure_columns(report));
    let mut rows = 0..0;
    let groups = kinds.chunk_by(|one, two| heading(*one) == heading(*two));
    let tables = groups.map(|group| {
        rows = rows.end..rows.end + group.len();
        let part = columns.iter().map(|column| Column {
            header: column.header.clone(),
            side: column.side,
            rank: column.rank,
            cells: column.cells[rows.clone()].to_vec(),
        });
        (heading(group[0]), part.collect())
    });
    tables.collect()
}

fn shown(measure: &Measure) -> String {
    let value = measure.value;
    value.map_or_else(
        || words::UNKNOWN.to_owned(),
        |value| one(measure.kind, value),
    )
}

fn interval(measure: &Measure) -> String {
    let Some((low, high)) = measure.interval else {
        return String::new();
    };
    let joint = match measure.kind.unit() {
        Unit::Seconds => " to ",
        _ => "–",
    };
    format!(
        "{}{joint}{}",
        one(measure.kind, low),
        one(measure.kind, high)
    )
}

fn one(kind: Kind, value: f64) -> String {
    match (kind.unit(), kind) {
        (Unit::Share, _) => fine_share(value),
        (Unit::Count, _) => words::count(value as u64),
        (Unit::Seconds, Kind::MeanAbsoluteError | Kind::MedianAbsoluteError) => {
            words::duration(value)
        }
        (Unit::Seconds, _) => words::change(value),
        (Unit::Index | Unit::Plain, _) => format!("{value:.2}")
            .replace("-0.00", "0.00")
            .replace('-', "−"),
    }
}

/// A share with a digit more than elsewhere, `98.8%`, since agreements differ by little. What is
/// neither none nor all is never rounded to `0%` or `100%`.
fn fine_share(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if !share.is_finite() => words::UNKNOWN.to_owned(),
        0.0 | 100.0 => format!("{percent:.0}%"),
        _ if percent < 0.05 => "<0.1%".to_owned(),
        _ if percent >= 99.95 => ">99.9%".to_owned(),
        _ => format!("{percent:.1}%"),
    }
}

/// The curve at the timeouts that people say, and at the one in use; all of it where it has none of
/// them.
pub(crate) fn curve_columns(report: &AgreementReport) -> Vec<Column> {
    let said = AgreementPlan::said_timeouts();
    let scores = &report.scores;
    let is_said = |point: &&CurvePoint| {
        point.timeout == scores.timeout || said.binary_search(&point.timeout).is_ok()
    };
    let mut shown: Vec<&CurvePoint> = scores.curve.iter().filter(is_said).collect();
    if shown.is_empty() {
        shown.extend(&scores.curve);
    }
    if scores.coverage.inside_events == 0 {
        shown.clear();
    }
    let points = || shown.iter().copied();
    let share = |header: &'static str, rank, value: fn(&CurvePoint) -> Option<f64>| {
        let cells = points()
            .map(move |point| value(point).map_or_else(|| words::UNKNOWN.to_owned(), fine_share));
        Column::new(header, Side::Right, rank, cells)
    };
    let timeouts = points().map(|point| write_duration(point.timeout));
    let bias = points().map(|point| {
        let bias = point.bias;
        bias.map_or_else(|| words::UNKNOWN.to_owned(), words::change)
    });
    vec![
        Column::new("timeout", Side::Right, 0, timeouts),
        share("precision", 0, |point| point.precision),
        share("recall", 0, |point| point.recall),
        share("F1", 0, |point| point.f1),
        Column::new("bias of durations", Side::Right, 1, bias),
    ]
}

/// The faults of tracked rows that were met.
pub(crate) fn repair_columns(report: &AgreementReport) -> Vec<Column> {
    let met = || report.repair.iter().filter(|row| row.sessions > 0);
    let text = |header: &'static str, side, cell: fn(&RepairRow) -> String| {
        Column::new(header, side, 0, met().map(cell))
    };
    vec![
        text("fault", Side::Data(12), |row| row.kind.clone()),
        text("tracked sessions", Side::Right, |row| {
            words::count(row.sessions)
        }),
        text("treatment", Side::Data(12), |row| row.treatment.clone()),
    ]
}

/// What a reader must know before quoting a number.
pub(crate) fn notes(report: &AgreementReport) -> Vec<String> {
    let mut notes = vec![not_truth(report)];
    notes.push(
        "Events outside every tracked session are unknown: a gap between two of them is not \
         scored, one with an end inside is a tracked boundary."
            .to_owned(),
    );
    if report.scores.tolerance > 0 {
        notes.push(format!(
            "Within the tolerance, boundaries up to {} apart are the same.",
            write_duration(report.scores.tolerance)
        ));
    }
    let choice = &report.scores.choice;
    if choice.highest_f1.seconds.is_some() && choice.no_bias.seconds.is_some() {
        notes.push(
            "The timeout with the highest F1 and the one without bias answer different \
             questions, and rarely agree."
                .to_owned(),
        );
    }
    let measures = || report.measures().map(|(measure, _)| measure);
    if measures().all(|measure| measure.interval.is_none()) {
        let few = "There are no intervals: no resampling, or too few users.";
        notes.push(few.to_owned());
    }
    notes.extend(reasons(measures()));
    notes.extend(run_notes(&report.run));
    notes
}

/// The warning that tracked sessions are no truth, with what repair changed.
fn not_truth(report: &AgreementReport) -> String {
    let mut note = "Tracked sessions are not the truth either: windows stay open while nobody is \
                    there, and ends get lost."
        .to_owned();
    let f1 = |scores: &crate::agreement::Scores| scores.measure(Kind::F1).value;
    if let Some(before) = &report.before
        && let (Some(before), Some(after)) = (f1(before), f1(&report.scores))
    {
        note.push_str(&format!(
            " Repair moved F1 from {} to {}.",
            fine_share(before),
            fine_share(after)
        ));
    }
    note
}

/// Why measures are undefined, one sentence a reason.
fn reasons<'a>(measures: impl Iterator<Item = &'a Measure>) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for measure in measures {
        let Some(reason) = measure.reason else {
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, labels)) => labels.push(label(measure.kind)),
            None => reasons.push((reason, vec![label(measure.kind)])),
        }
    }
    let sentence = |(reason, labels): (&str, Vec<&str>)| {
        format!("Undefined ({reason}): {}.", labels.join("; "))
    };
    reasons.into_iter().map(sentence).collect()
}
