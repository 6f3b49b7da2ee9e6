//! The cells of what people read of the timeout: the gaps with their bars, the sweep, the methods,
//! what was tested, and what was checked.

use unicode_width::UnicodeWidthStr;

use crate::report::columns::judgement::{is_more_than_noise, one_step_gaps};
use crate::report::judgement::{
    self, Candidate, asked, bounce_rate_of, mean_without_bounces_of, median_of, met, method_words,
    number, short, timeout_words, verdict_name,
};
use crate::report::rows::{Column, Side, known};
use crate::report::story::seconds;
use crate::report::{chart, words};
use crate::threshold::check::{CheckResult, mean_of, sessions_of};
use crate::threshold::{
    Estimate, GapBin, Judgement, SourceDifference, SourceJudgement, SweepRow, Test, TestUnit,
};

/// What marks a candidate beside its bar, and the timeout in use in the sweep.
pub(crate) const MARK: char = '◄';
/// Rows of a histogram that the eye takes in at once.
const MOST_ROWS: usize = 28;
/// The share of the gaps that no bar would show.
const TOO_FEW: f64 = 0.005;

/// Some neighbouring bins as one row of the histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GapRow {
    /// Exclusive, in seconds.
    pub(crate) low: f64,
    /// Inclusive, in seconds.
    pub(crate) high: f64,
    /// Gaps, those of exactly one step of the clock left out.
    pub(crate) gaps: u64,
}

impl GapRow {
    fn holds(&self, seconds: f64) -> bool {
        self.low < seconds && seconds <= self.high
    }
}

/// The histogram in as many rows as a page takes. So few gaps that no bar would show them are put
/// together at either end, where no candidate lies among them.
pub(crate) fn gap_rows(judgement: &Judgement) -> Vec<GapRow> {
    let bins = &judgement.histogram;
    let held: Vec<usize> = (0..bins.len())
        .filter(|&place| rest(&bins[place], judgement) > 0)
        .collect();
    let candidates = candidates(judgement);
    let candidates: Vec<usize> = (0..bins.len())
        .filter(|&place| {
            let row = row_of(&bins[place..=place], judgement);
            candidates.iter().any(|(_, at)| row.holds(*at))
        })
        .collect();
    let within = held.iter().chain(&candidates);
    let (Some(&first), Some(&last)) = (within.clone().min(), within.max()) else {
        return Vec::new();
    };
    let (mut low, mut high) = most_of(&bins[first..=last], judgement);
    (low, high) = (first + low, first + high);
    if let (Some(&shortest), Some(&longest)) = (candidates.first(), candidates.last()) {
        (low, high) = (low.min(shortest), high.max(longest));
    }
    let together = (high + 1 - low).div_ceil(MOST_ROWS);
    let starts = (low..=high).step_by(together);
    let rows = starts.map(|start| {
        let from = if start == low { first } else { start };
        let end = if start + together > high {
            last
        } else {
            start + together - 1
        };
        row_of(&bins[from..=end], judgement)
    });
    rows.collect()
}

/// The first and the last bin within which all gaps lie but [`TOO_FEW`] at either end.
fn most_of(bins: &[GapBin], judgement: &Judgement) -> (usize, usize) {
    let gaps = |bin: &GapBin| rest(bin, judgement) as f64;
    let few = bins.iter().map(gaps).sum::<f64>() * TOO_FEW;
    let beyond = |bins: &mut dyn Iterator<Item = &GapBin>| {
        let mut so_far = 0.0;
        bins.take_while(|bin| {
            so_far += gaps(bin);
            so_far < few
        })
        .count()
    };
    let low = beyond(&mut bins.iter());
    let high = bins.len() - beyond(&mut bins.iter().rev());
    (low, high.saturating_sub(1).max(low))
}

fn row_of(bins: &[GapBin], judgement: &Judgement) -> GapRow {
    GapRow {
        low: bins.first().map_or(0.0, |bin| bin.low as f64 / 1e6),
        high: bins.last().map_or(0.0, |bin| bin.high as f64 / 1e6),
        gaps: bins.iter().map(|bin| rest(bin, judgement)).sum(),
    }
}

fn rest(bin: &GapBin, judgement: &Judgement) -> u64 {
    bin.gaps - one_step_gaps(bin, &judgement.gaps)
}

/// The timeouts that are looked at, with their words.
pub(crate) fn candidates(judgement: &Judgement) -> Vec<(String, f64)> {
    let words = |(candidate, seconds): (Candidate, f64)| {
        let words = match candidate {
            Candidate::InUse => format!("{} in use", judgement.in_use),
            Candidate::Recommended => format!("{} recommended", short(seconds)),
            Candidate::Low => format!("from {}", short(seconds)),
            Candidate::High => format!("to {}", short(seconds)),
            Candidate::Of(method) => method_words(method),
        };
        (words, seconds)
    };
    let all = judgement::candidates(judgement).into_iter();
    all.map(words).collect()
}

/// The candidates that no row of the histogram holds.
pub(crate) fn off_the_axis(rows: &[GapRow], judgement: &Judgement) -> Vec<String> {
    let outside = candidates(judgement).into_iter();
    outside
        .filter(|(_, seconds)| !rows.iter().any(|row| row.holds(*seconds)))
        .map(|(words, _)| words)
        .collect()
}

/// The candidates of each row, with their mark, in lines of at most `room` columns where one
/// candidate does not need more; no line for a row without one.
pub(crate) fn marks(rows: &[GapRow], judgement: &Judgement, room: usize) -> Vec<Vec<String>> {
    let candidates = candidates(judgement);
    let marks = |row: &GapRow| {
        let mut lines: Vec<String> = Vec::new();
        for (words, _) in candidates.iter().filter(|(_, at)| row.holds(*at)) {
            match lines.last_mut() {
                Some(line) if line.width() + words.width() + 3 <= room => {
                    line.push_str(", ");
                    line.push_str(words);
                }
                Some(line) => {
                    line.push(',');
                    lines.push(format!("  {words}"));
                }
                None => lines.push(format!("{MARK} {words}")),
            }
        }
        lines
    };
    rows.iter().map(marks).collect()
}

/// The histogram. `width` is that of its longest bar, and 0 leaves the bars out; further lines of a
/// row's marks stand below it.
pub(crate) fn gap_columns(
    rows: &[GapRow],
    marks: &[Vec<String>],
    judgement: &Judgement,
    width: usize,
) -> Vec<Column> {
    let all: u64 = judgement.gaps.gaps;
    let most = rows.iter().map(|row| row.gaps).max().unwrap_or(0);
    let bar = |row: &GapRow| {
        let bar = chart::bar(row.gaps as f64, most as f64, width);
        let fill = width - bar.chars().count();
        format!("{bar}{}", " ".repeat(fill))
    };
    let share = |row: &GapRow| match all {
        0 => words::UNKNOWN.to_owned(),
        all => words::share(row.gaps as f64 / all as f64),
    };
    let lines = || {
        let rows = rows.iter().zip(marks);
        rows.flat_map(|(row, marks)| {
            let first = (Some(row), marks.first());
            let others = marks.iter().skip(1).map(|mark| (None, Some(mark)));
            std::iter::once(first).chain(others)
        })
    };
    let column = |header: &'static str, side, rank, cell: &dyn Fn(&GapRow) -> String| {
        let cells = lines().map(|(row, _)| row.map_or(String::new(), cell));
        Column::new(header, side, rank, cells)
    };
    let mut columns = vec![
        column("up to", Side::Right, 0, &|row| short(row.high)),
        column("gaps", Side::Right, 1, &|row| words::count(row.gaps)),
        column("share", Side::Right, 5, &share),
    ];
    if width > 0 {
        columns.push(column("", Side::Left, 3, &bar));
    }
    let marks = lines().map(|(_, mark)| mark.cloned().unwrap_or_default());
    columns.push(Column::new("", Side::Data(14), 0, marks));
    columns
}

/// The sweep; what no row knows has no column.
pub(crate) fn sweep_columns(judgement: &Judgement) -> Vec<Column> {
    let sweep = &judgement.sweep;
    let right = |header: &'static str, rank, cell: &dyn Fn(&SweepRow) -> String| {
        Column::new(header, Side::Right, rank, sweep.iter().map(cell))
    };
    let timeout = |row: &SweepRow| match row.timeout == judgement.in_use {
        true => format!("{} {MARK}", timeout_words(row.timeout)),
        false => timeout_words(row.timeout),
    };
    let timeouts = sweep.iter().map(timeout);
    let interval = |row: &SweepRow| {
        row.figures
            .as_ref()
            .and_then(|figures| figures.mean_interval)
    };
    let mut columns = vec![
        Column::new("timeout", Side::Left, 0, timeouts),
        right("sessions", 1, &|row| words::count(sessions_of(row))),
        right("mean", 0, &|row| seconds(mean_of(row))),
    ];
    if sweep.iter().any(|row| interval(row).is_some()) {
        columns.push(right("95% interval", 4, &|row| {
            known(interval(row), words::interval)
        }));
    }
    columns.extend([
        right("median", 5, &|row| seconds(median_of(row))),
        right(WITHOUT_BOUNCES, 7, &|row| {
            seconds(mean_without_bounces_of(row))
        }),
        right("bounces", 6, &|row| {
            known(bounce_rate_of(row), words::share)
        }),
        right(SENSITIVITY, 2, &|row| known(row.curve.sensitivity, number)),
    ]);
    columns
}

/// The header of the mean without bounces.
pub(crate) const WITHOUT_BOUNCES: &str = "2+ mean";
/// The header of the sensitivity.
pub(crate) const SENSITIVITY: &str = "% per %";

/// The methods' answers.
pub(crate) fn estimate_columns(judgement: &Judgement) -> Vec<Column> {
    let estimates = &judgement.estimates;
    let names = estimates
        .iter()
        .map(|estimate| method_words(estimate.method));
    let mut columns = vec![Column::new("method", Side::Left, 0, names)];
    columns.extend(answer_columns(&estimates.iter().collect::<Vec<_>>()));
    if estimates.iter().any(|estimate| estimate.range.is_some()) {
        let ranges = estimates.iter().map(|estimate| {
            estimate.range.map_or(String::new(), |(low, high)| {
                format!("{}–{}", short(low), short(high))
            })
        });
        columns.push(Column::new("within", Side::Right, 3, ranges));
    }
    let carried = estimates
        .iter()
        .map(|estimate| passed(estimate.test.passed));
    columns.push(Column::new("test", Side::Left, 1, carried));
    columns
}

/// The sources' own answers, by the mixture, and what follows for each.
pub(crate) fn source_columns(sources: &[SourceJudgement]) -> Vec<Column> {
    let names = sources.iter().map(|source| source.name.clone());
    let count = |header, rank, cell: fn(&SourceJudgement) -> u64| {
        let cells = sources.iter().map(|source| words::count(cell(source)));
        Column::new(header, Side::Right, rank, cells)
    };
    let mut columns = vec![
        Column::new("source", Side::Data(8), 0, names),
        count("users", 4, |source| source.gaps.users),
        count("gaps", 3, |source| source.gaps.gaps),
    ];
    let estimates: Vec<&Estimate> = sources.iter().map(|source| &source.estimate).collect();
    columns.extend(answer_columns(&estimates));
    let verdicts = sources
        .iter()
        .map(|source| verdict_name(&source.verdict).to_owned());
    columns.push(Column::new("verdict", Side::Left, 1, verdicts));
    columns
}

/// How the sources' timeouts differ.
pub(crate) fn difference_columns(differences: &[SourceDifference]) -> Vec<Column> {
    let name = |header, cell: fn(&SourceDifference) -> &String| {
        let names = differences.iter().map(|one| cell(one).clone());
        Column::new(header, Side::Data(8), 0, names)
    };
    let interval = |(low, high): (f64, f64)| format!("{}–{}", number(low), number(high));
    let noise = |one: &SourceDifference| match is_more_than_noise(one) {
        None => words::UNKNOWN,
        Some(true) => "yes",
        Some(false) => "no",
    };
    let times = differences.iter().map(|one| number(one.ratio));
    let intervals = differences.iter().map(|one| known(one.interval, interval));
    let noises = differences.iter().map(|one| noise(one).to_owned());
    vec![
        name("longer", |one| &one.longer),
        name("shorter", |one| &one.shorter),
        Column::new("times", Side::Right, 0, times),
        Column::new("95% interval", Side::Right, 2, intervals),
        Column::new("more than noise", Side::Left, 1, noises),
    ]
}

fn answer_columns(estimates: &[&Estimate]) -> [Column; 2] {
    let answers = estimates
        .iter()
        .map(|estimate| known(estimate.seconds, short));
    let intervals = estimates
        .iter()
        .map(|estimate| known(estimate.interval, words::interval));
    [
        Column::new("timeout", Side::Right, 0, answers),
        Column::new("95% interval", Side::Right, 2, intervals),
    ]
}

/// Every condition with what was met: the methods' own, then the gates of a recommendation.
pub(crate) fn test_columns(judgement: &Judgement) -> Vec<Column> {
    let own = judgement
        .estimates
        .iter()
        .map(|estimate| (method_words(estimate.method), &estimate.test));
    let gates = judgement.gates.iter().map(|gate| ("gate".to_owned(), gate));
    let tests: Vec<(String, &Test)> = own.chain(gates).collect();
    let cells = |cell: fn(&Test) -> String| tests.iter().map(move |(_, test)| cell(test));
    vec![
        Column::new("", Side::Left, 0, cells(|test| passed(test.passed))),
        Column::new("of", Side::Left, 2, tests.iter().map(|(of, _)| of.clone())),
        Column::new("met", Side::Right, 0, cells(met_by)),
        Column::new(
            "limit",
            Side::Right,
            1,
            cells(|test| in_unit_of(test, test.limit)),
        ),
        Column::new("asked", Side::Data(16), 0, cells(|test| test.name.clone())),
    ]
}

/// The same as lines: the mark with what was met, then what was asked, which may be long.
pub(crate) fn test_lines(judgement: &Judgement) -> Vec<(String, String)> {
    let own = judgement.estimates.iter().map(|estimate| {
        let words = method_words(estimate.method);
        (&estimate.test, format!("{words}: {}", estimate.test.name))
    });
    let gates = judgement.gates.iter().map(|gate| {
        let words = format!("gate: {}", gate.name);
        (gate, words)
    });
    let line = |(test, words): (&Test, String)| {
        (
            format!("{} {:>7}  ", passed(test.passed), met_by(test)),
            words,
        )
    };
    own.chain(gates).map(line).collect()
}

/// The value that a test met.
fn met_by(test: &Test) -> String {
    known(test.met, |met| in_unit_of(test, met))
}

fn in_unit_of(test: &Test, value: f64) -> String {
    match test.unit {
        TestUnit::Number => number(value),
        TestUnit::Seconds => short(value),
        TestUnit::Whether if value >= test.limit => "yes".to_owned(),
        TestUnit::Whether => "no".to_owned(),
    }
}

/// The rules of the check.
pub(crate) fn check_columns(checks: &CheckResult) -> Vec<Column> {
    let checks = &checks.checks;
    let left = |header: &'static str, side, rank, cell: &dyn Fn(usize) -> String| {
        Column::new(header, side, rank, (0..checks.len()).map(cell))
    };
    vec![
        left("", Side::Left, 0, &|row| passed(checks[row].passed)),
        left("rule", Side::Left, 0, &|row| checks[row].rule.to_owned()),
        left("of", Side::Data(12), 1, &|row| {
            checks[row].figure.to_owned()
        }),
        left("met", Side::Right, 0, &|row| met(&checks[row])),
        left("asked", Side::Left, 2, &|row| asked(&checks[row])),
    ]
}

fn passed(passed: bool) -> String {
    if passed { "✓" } else { "✗" }.to_owned()
}
