//! Attempts at questions: which session holds each, how many were correct, and how long they took
//! (METHODS section 13).

use crate::events::Micros;
use crate::tracked::fields::Field;
use crate::tracked::record::Record;
use crate::tracked::wilson::wilson;

/// One answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// When.
    pub(crate) at: Micros,
    /// Which question, where the row says so.
    pub(crate) question: Option<String>,
    /// Whether it was correct.
    pub(crate) mark: Mark,
    /// How long it took.
    pub(crate) time: ItemTime,
}

/// Whether an answer was correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Correct,
    Wrong,
    /// The row does not say.
    None,
    /// What it says is neither yes nor no.
    Unreadable,
}

/// How long an answer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemTime {
    /// So long: more than 0, and not absurd.
    Took(Micros),
    /// The row does not say.
    Missing,
    Zero,
    Negative,
    /// Longer than anyone looks at one question.
    Absurd,
    /// What it says is no number.
    Unreadable,
}

impl Mark {
    /// From a cell: `1`, `true`, `yes` and their like.
    pub(crate) fn of(cell: Option<&str>) -> Self {
        let Some(cell) = cell else { return Mark::None };
        match cell.trim_matches(' ').to_ascii_lowercase().as_str() {
            "1" | "1.0" | "true" | "t" | "yes" | "y" | "correct" | "right" | "\u{1}" => {
                Mark::Correct
            }
            "0" | "0.0" | "false" | "f" | "no" | "n" | "incorrect" | "wrong" | "\0" => Mark::Wrong,
            "" => Mark::None,
            _ => Mark::Unreadable,
        }
    }
}

impl ItemTime {
    /// From a cell that holds milliseconds; longer than `longest` is absurd.
    pub(crate) fn of(cell: Option<&str>, longest: Micros) -> Self {
        let Some(cell) = cell.map(str::trim).filter(|cell| !cell.is_empty()) else {
            return ItemTime::Missing;
        };
        let whole = cell.parse::<i64>().ok();
        let micros = match (whole, cell.parse::<f64>()) {
            (Some(milliseconds), _) => milliseconds.saturating_mul(1_000),
            // A float beyond the range becomes the end of the range, which is absurd either way.
            (None, Ok(milliseconds)) if !milliseconds.is_nan() => {
                (milliseconds * 1_000.0).round() as Micros
            }
            (None, _) => return ItemTime::Unreadable,
        };
        match micros {
            ..0 => ItemTime::Negative,
            0 => ItemTime::Zero,
            micros if micros > longest => ItemTime::Absurd,
            micros => ItemTime::Took(micros),
        }
    }
}

/// The first and the last instant of a session, both within it: to now while it is active. `None`
/// where either is unknown. An end before the start holds nothing.
pub(crate) fn window(record: &Record, now: Micros) -> Option<(Micros, Micros)> {
    let start = record.time(Field::Started)?;
    match record.time(Field::Ended) {
        Some(end) => Some((start, end)),
        None => (!record.has(Field::Ended)).then_some((start, now)),
    }
}

/// Those of the attempts, which are in time order, that lie in a window.
pub(crate) fn held(attempts: &[Attempt], (start, end): (Micros, Micros)) -> &[Attempt] {
    let from = attempts.partition_point(|attempt| attempt.at < start);
    let to = attempts.partition_point(|attempt| attempt.at <= end);
    attempts.get(from..to).unwrap_or_default()
}

/// For each attempt, the session that began last of those whose window holds it. Both are of one
/// user and in time order; a window that is unknown holds nothing.
pub(crate) fn sessions_of(
    attempts: &[Attempt],
    windows: &[Option<(Micros, Micros)>],
) -> Vec<Option<usize>> {
    let mut known: Vec<(usize, Micros, Micros)> = Vec::new();
    for (place, window) in windows.iter().enumerate() {
        known.extend(window.map(|(start, end)| (place, start, end)));
    }
    known.sort_by_key(|(place, start, _)| (*start, *place));
    // The latest end up to each window tells where looking further back is in vain.
    let latest_ends: Vec<Micros> = known
        .iter()
        .scan(Micros::MIN, |latest, (_, _, end)| {
            *latest = (*latest).max(*end);
            Some(*latest)
        })
        .collect();
    let holder = |attempt: &Attempt| {
        let begun = known.partition_point(|(_, start, _)| *start <= attempt.at);
        let mut back = (0..begun).rev();
        let place = back
            .by_ref()
            .take_while(|place| latest_ends[*place] >= attempt.at)
            .find(|place| known[*place].2 >= attempt.at)?;
        Some(known[place].0)
    };
    attempts.iter().map(holder).collect()
}

/// What attempts add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) attempted: u64,
    pub(crate) correct: u64,
    pub(crate) wrong: u64,
    /// Those whose mark is unreadable; they are neither correct nor wrong.
    pub(crate) unreadable_marks: u64,
    /// The times that count.
    times: Vec<Micros>,
    pub(crate) missing: u64,
    pub(crate) zero: u64,
    pub(crate) negative: u64,
    pub(crate) absurd: u64,
    pub(crate) unreadable: u64,
}

impl Tally {
    /// Of these attempts.
    pub(crate) fn of<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Self {
        let mut tally = Self::default();
        for attempt in attempts {
            tally.add(attempt);
        }
        tally
    }

    /// Takes one more.
    pub(crate) fn add(&mut self, attempt: &Attempt) {
        self.attempted += 1;
        match attempt.mark {
            Mark::Correct => self.correct += 1,
            Mark::Wrong => self.wrong += 1,
            Mark::Unreadable => self.unreadable_marks += 1,
            Mark::None => {}
        }
        match attempt.time {
            ItemTime::Took(time) => self.times.push(time),
            ItemTime::Missing => self.missing += 1,
            ItemTime::Zero => self.zero += 1,
            ItemTime::Negative => self.negative += 1,
            ItemTime::Absurd => self.absurd += 1,
            ItemTime::Unreadable => self.unreadable += 1,
        }
    }

    /// The attempts of both.
    pub(crate) fn merge(&mut self, other: &Tally) {
        self.attempted += other.attempted;
        self.correct += other.correct;
        self.wrong += other.wrong;
        self.unreadable_marks += other.unreadable_marks;
        self.times.extend(&other.times);
        self.missing += other.missing;
        self.zero += other.zero;
        self.negative += other.negative;
        self.absurd += other.absurd;
        self.unreadable += other.unreadable;
    }

    /// Those of which it is known whether they were correct.
    pub(crate) fn marked(&self) -> u64 {
        self.correct + self.wrong
    }

    /// Correct ones of those marked, in whole percent, half a percent up; unknown without any.
    pub(crate) fn accuracy(&self) -> Option<u64> {
        let marked = self.marked();
        (marked > 0).then(|| (200 * self.correct + marked) / (2 * marked))
    }

    /// The 95 % interval of the accuracy as shares, had the attempts nothing to do with each other.
    pub(crate) fn accuracy_interval(&self) -> Option<(f64, f64)> {
        wilson(
            self.correct as f64,
            self.marked() as f64,
            self.marked() as f64,
        )
    }

    /// The times that count: more than 0, and not absurd.
    pub(crate) fn times(&self) -> &[Micros] {
        &self.times
    }

    /// Their sum; unknown where attempts have no time that counts.
    pub(crate) fn total_time(&self) -> Option<i128> {
        let is_known = self.attempted == 0 || !self.times.is_empty();
        is_known.then(|| self.times.iter().map(|time| i128::from(*time)).sum())
    }

    /// Their mean, in microseconds.
    pub(crate) fn mean_time(&self) -> Option<f64> {
        let total = self.total_time().filter(|_| !self.times.is_empty())?;
        Some(total as f64 / self.times.len() as f64)
    }

    /// Their median, in microseconds: of two in the middle, halfway.
    pub(crate) fn median_time(&self) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_unstable();
        let (low, high) = (
            times.get((times.len().checked_sub(1)?) / 2)?,
            times.get(times.len() / 2)?,
        );
        Some((*low as f64 + *high as f64) / 2.0)
    }
}
