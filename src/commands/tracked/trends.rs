//! `sessionize tracked trends`: accuracy, speed and XP over weeks, or other periods, and over sessions.

use std::collections::BTreeMap;

use super::history::keep_subject;
use super::study::{
    attempts_of, count, keep_countable, mean_milliseconds, percents, records_of, starts_in_window,
    tally_notes, text, timeless_note, whole,
};
use super::{answer_of, open};
use crate::cli::tracked::TrendRows;
use crate::error::Failure;
use crate::events::Micros;
use crate::import::tracked::TrackedShape;
use crate::report::answer::{Answer, AnswerColumn, AnswerFact, AnswerTable, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::tracked::TrackedPlace;
use crate::settings::{Periods, Settings};
use crate::store::{Access, Store};
use crate::time::period::{Period, PeriodLength, containing, label};
use crate::tracked::attempts::{Tally, sessions_of, window};
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;
use crate::tracked::trends::{Change, Changes, Figures, Portion, Scope, changes, figures};

/// How many sessions of each user are looked at one by one, over all users.
const MOST_NUMBERS: u64 = 50;

/// What is asked.
pub(super) struct Asked<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
    /// Which rows come first.
    pub(super) per: TrendRows,
    /// An answer that took longer took absurdly long.
    pub(super) longest: Micros,
}

/// A session that counts.
struct Counted {
    id: String,
    /// Which of its user's sessions it is, from 1.
    number: u64,
    portion: Portion,
}

/// Reads the sessions and what was done in them.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    asked: &Asked<'_>,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let mut records = records_of(&mut store, &table, asked.user)?;
    let mut notes = keep_countable(settings, &mut records);
    let (mut tallies, more_notes) = tallies(settings, &mut store, place, &records, asked.longest)?;
    notes.extend(more_notes);
    let no_subject = keep_subject(&table, &mut records, asked.subject)?;
    notes.extend(no_subject);
    let counted = counted(settings, records, &mut tallies);
    let scope = match asked.user {
        Some(_) => Scope::OneUser,
        None => Scope::AllUsers,
    };
    let portions: Vec<&Portion> = counted.iter().map(|counted| &counted.portion).collect();
    let whole = figures(&portions, scope);
    let changed = changes(&portions, scope);
    let sheet = Sheet {
        shape: place.shape,
        scope,
    };
    notes.extend(sheet.notes(&whole, &counted, asked.longest));
    let headline = sheet.headline(asked.user, &whole, &changed);
    let mut answer = answer_of(settings, &store, &table, Task::Trends, headline);
    answer.facts = sheet.facts(&whole, &changed);
    answer.tables = vec![sheet.periods(settings, &portions), sheet.sessions(&counted)];
    if asked.per == TrendRows::Session {
        answer.tables.reverse();
    }
    answer.notes = notes;
    Ok(answer)
}

/// What was answered in each session of a study application, by its id; an attempt that two sessions
/// hold belongs to the one that began last.
fn tallies(
    settings: &Settings,
    store: &mut Store,
    place: &TrackedPlace,
    records: &[Record],
    longest: Micros,
) -> Result<(BTreeMap<String, Tally>, Vec<String>), Failure> {
    let mut tallies = BTreeMap::new();
    if place.shape != TrackedShape::Study {
        return Ok((tallies, Vec::new()));
    }
    let (table, attempts) = attempts_of(store, place, records, longest)?;
    let mut by_user: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        let user = record.user.as_deref().unwrap_or_default();
        by_user.entry(user).or_default().push(record);
    }
    for (user, records) in by_user {
        let windows: Vec<_> = records
            .iter()
            .map(|record| window(record, settings.now))
            .collect();
        let attempts = attempts.of(Some(user));
        for (attempt, holder) in attempts.iter().zip(sessions_of(attempts, &windows)) {
            if let Some(place) = holder {
                let tally: &mut Tally = tallies.entry(records[place].id.clone()).or_default();
                tally.add(attempt);
            }
        }
    }
    let notes = timeless_note(&attempts).into_iter();
    Ok((tallies, notes.chain(table.without_times).collect()))
}

/// The sessions that start in the window, each with its number among its user's.
fn counted(
    settings: &Settings,
    records: Vec<Record>,
    tallies: &mut BTreeMap<String, Tally>,
) -> Vec<Counted> {
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for record in &records {
        users.insert(record.user.clone().unwrap_or_default(), 0);
    }
    for (number, place) in users.values_mut().enumerate() {
        *place = number;
    }
    let mut numbers: BTreeMap<usize, u64> = BTreeMap::new();
    let mut counted = Vec::new();
    for record in records {
        let user = users[record.user.as_deref().unwrap_or_default()];
        let number = numbers.entry(user).or_default();
        *number += 1;
        if !starts_in_window(settings, &record) {
            continue;
        }
        let is_ended = record.time(Field::Ended).is_some();
        counted.push(Counted {
            number: *number,
            portion: Portion {
                user,
                start: record.time(Field::Started).unwrap_or_default(),
                tally: tallies.remove(&record.id).unwrap_or_default(),
                xp: record.number(Field::TotalXp).filter(|_| is_ended),
            },
            id: record.id,
        });
    }
    counted
}

/// How a shape's figures are laid out.
#[derive(Clone, Copy)]
struct Sheet {
    shape: TrackedShape,
    scope: Scope,
}

impl Sheet {
    fn is_study(self) -> bool {
        self.shape == TrackedShape::Study
    }

    fn headline(self, user: Option<&str>, whole: &Figures, changed: &Changes) -> String {
        let sessions = words::counted(whole.sessions, "session", "sessions");
        let of = match user {
            Some(user) => format!("User {user}, {sessions}"),
            None => format!(
                "{}, {sessions}",
                words::counted(whole.users, "user", "users")
            ),
        };
        let said: Vec<String> = match self.is_study() {
            true => [
                changed.accuracy.map(accuracy_words),
                changed.time.map(time_words),
            ],
            false => [changed.xp.map(xp_words), None],
        }
        .into_iter()
        .flatten()
        .collect();
        match said.is_empty() {
            true => format!("{of}: nothing to compare yet"),
            false => format!(
                "{of}, the later half against the earlier: {}",
                said.join("; ")
            ),
        }
    }

    fn facts(self, whole: &Figures, changed: &Changes) -> Vec<AnswerFact> {
        let columns = self
            .figure_columns()
            .into_iter()
            .zip(self.figure_cells(whole));
        let mut facts: Vec<AnswerFact> = columns
            .map(|(column, cell)| {
                AnswerFact::new(column.name, fact_label(&column), column.shown, cell)
            })
            .collect();
        if self.is_study() && self.scope == Scope::AllUsers {
            let mean = whole.mean_of_users.map(|share| share * 100.0);
            let cell = mean.map_or(Cell::Unknown, Cell::Number);
            let label = "mean accuracy of users";
            let fact = AnswerFact::new("mean_accuracy_of_users", label, As::Percent, cell);
            facts.push(fact);
        }
        let split = Cell::instant(changed.split);
        facts.push(AnswerFact::new(
            "later_half_start",
            "later half from",
            As::Instant,
            split,
        ));
        match self.is_study() {
            true => {
                facts.extend(change_facts(ACCURACY, As::Percent, 100.0, changed.accuracy));
                facts.extend(change_facts(TIME, As::Milliseconds, 1e-3, changed.time));
            }
            false => facts.extend(change_facts(XP, As::Number, 1.0, changed.xp)),
        }
        facts
    }

    fn notes(self, whole: &Figures, counted: &[Counted], longest: Micros) -> Vec<String> {
        let mut notes = match self.is_study() {
            true => tally_notes(&whole.tally, longest),
            false => Vec::new(),
        };
        let unscored = whole.sessions - whole.scored;
        if !self.is_study() && unscored > 0 {
            notes.push(format!(
                "{} open or without XP: no part of the XP.",
                words::counted(unscored, "session is", "sessions are")
            ));
        }
        let beyond = counted
            .iter()
            .filter(|counted| counted.number > MOST_NUMBERS);
        let beyond = beyond.count() as u64;
        if self.scope == Scope::AllUsers && beyond > 0 {
            notes.push(format!(
                "{} beyond its user's {MOST_NUMBERS}th: not in the table by number.",
                words::counted(beyond, "session is", "sessions are")
            ));
        }
        notes
    }

    /// The sessions by the period in which they start, periods without one left out.
    fn periods(self, settings: &Settings, portions: &[&Portion]) -> AnswerTable {
        let zone = &settings.zone;
        let length = match settings.periods {
            Periods::Of(length) => length,
            Periods::Auto | Periods::Window => PeriodLength::Week,
        };
        let mut periods: BTreeMap<Period, Vec<&Portion>> = BTreeMap::new();
        for portion in portions {
            let period = containing(length, zone, portion.start);
            periods.entry(period).or_default().push(portion);
        }
        let mut columns = vec![
            column("period_start", "from", As::Instant, 5),
            column("period_end", "before", As::Instant, 5),
            column("period", length.name(), As::Word, 0),
            column("complete", "complete", As::Flag, 5),
        ];
        columns.extend(self.figure_columns());
        let row = |(period, portions): (&Period, &Vec<&Portion>)| {
            let mut cells = vec![
                Cell::Instant(period.start),
                Cell::Instant(period.end),
                Cell::Plain(label(*period, length, zone)),
                Cell::Flag(period.end <= settings.now),
            ];
            cells.extend(self.figure_cells(&figures(portions, self.scope)));
            cells
        };
        AnswerTable {
            name: "periods",
            title: match length {
                PeriodLength::Hour => "By hour",
                PeriodLength::Day => "By day",
                PeriodLength::Week => "By week",
                PeriodLength::Month => "By month",
            },
            columns,
            rows: periods.iter().map(row).collect(),
        }
    }

    /// One user's sessions one by one; over all users, the first ones, the second ones, and so on.
    fn sessions(self, counted: &[Counted]) -> AnswerTable {
        let mut columns = vec![column("session_number", "session", As::Count, 0)];
        if self.scope == Scope::OneUser {
            columns.push(column("id", "id", As::Text, 4));
            columns.push(column("started_at", "started", As::Instant, 1));
        }
        columns.extend(self.figure_columns());
        if self.scope == Scope::OneUser {
            let always_one = |column: &&mut AnswerColumn| column.name == "sessions";
            let columns = columns.iter_mut().filter(always_one);
            columns.for_each(|column| column.rank = 6);
        }
        let mut by_number: BTreeMap<u64, Vec<&Counted>> = BTreeMap::new();
        for counted in counted {
            if self.scope == Scope::OneUser || counted.number <= MOST_NUMBERS {
                by_number.entry(counted.number).or_default().push(counted);
            }
        }
        let row = |(number, counted): (&u64, &Vec<&Counted>)| {
            let mut cells = vec![Cell::Count(*number)];
            if let (Scope::OneUser, Some(first)) = (self.scope, counted.first()) {
                cells.push(text(Some(&first.id)));
                cells.push(Cell::Instant(first.portion.start));
            }
            let portions: Vec<&Portion> = counted.iter().map(|counted| &counted.portion).collect();
            cells.extend(self.figure_cells(&figures(&portions, self.scope)));
            cells
        };
        AnswerTable {
            name: "sessions",
            title: match self.scope {
                Scope::OneUser => "By session",
                Scope::AllUsers => "By the number of the session among its user's",
            },
            columns,
            rows: by_number.iter().map(row).collect(),
        }
    }

    fn figure_columns(self) -> Vec<AnswerColumn> {
        let mut columns = vec![
            column("sessions", "sessions", As::Count, 1),
            column("users", "users", As::Count, 3),
        ];
        columns.extend(match self.is_study() {
            true => vec![
                column("questions_attempted", "questions", As::Count, 1),
                column("questions_correct", "correct", As::Count, 4),
                column("accuracy", "accuracy", As::Percent, 0),
                column("accuracy_low", "95% from", As::Percent, 2),
                column("accuracy_high", "to", As::Percent, 2),
                column("avg_time_per_question_ms", "each", As::Milliseconds, 0),
                column("avg_time_low_ms", "95% from", As::Milliseconds, 2),
                column("avg_time_high_ms", "to", As::Milliseconds, 2),
            ],
            false => vec![
                column("scored_sessions", "with XP", As::Count, 3),
                column("total_xp", "XP", As::Number, 1),
                column("mean_xp", "XP per session", As::Number, 0),
                column("mean_xp_low", "95% from", As::Number, 2),
                column("mean_xp_high", "to", As::Number, 2),
            ],
        });
        columns
    }

    fn figure_cells(self, figures: &Figures) -> Vec<Cell<'static>> {
        let mut cells = vec![Cell::Count(figures.sessions), Cell::Count(figures.users)];
        let tally = &figures.tally;
        if self.is_study() {
            cells.extend([
                Cell::Count(tally.attempted),
                Cell::Count(tally.correct),
                count(tally.accuracy()),
            ]);
            cells.extend(percents(figures.accuracy_interval));
            cells.push(mean_milliseconds(tally.mean_time()));
            let (low, high) = figures.time_interval.unzip();
            cells.extend([mean_milliseconds(low), mean_milliseconds(high)]);
        } else {
            let known = figures.mean_xp.and(i64::try_from(figures.total_xp).ok());
            let (low, high) = figures.xp_interval.unzip();
            let number = |value: Option<f64>| value.map_or(Cell::Unknown, Cell::Number);
            cells.extend([
                Cell::Count(figures.scored),
                whole(known),
                number(figures.mean_xp),
                number(low),
                number(high),
            ]);
        }
        cells
    }
}

fn column(name: &'static str, header: &'static str, shown: As, rank: u8) -> AnswerColumn {
    AnswerColumn {
        name,
        header,
        shown,
        rank,
    }
}

/// What a column is called where it stands alone.
fn fact_label(column: &AnswerColumn) -> &'static str {
    match column.name {
        "accuracy_low" | "avg_time_low_ms" | "mean_xp_low" => "95% interval from",
        "accuracy_high" | "avg_time_high_ms" | "mean_xp_high" => "95% interval to",
        "avg_time_per_question_ms" => "time per question",
        "scored_sessions" => "sessions with XP",
        _ => column.header,
    }
}

/// Names and labels of a measure before, after, of its change and of that one's interval.
type ChangeNames = [(&'static str, &'static str); 5];

const ACCURACY: ChangeNames = [
    ("earlier_accuracy", "accuracy, earlier half"),
    ("later_accuracy", "accuracy, later half"),
    ("accuracy_change", "change in points"),
    ("accuracy_change_low", "95% interval from"),
    ("accuracy_change_high", "95% interval to"),
];
const TIME: ChangeNames = [
    ("earlier_avg_time_ms", "time per question, earlier half"),
    ("later_avg_time_ms", "time per question, later half"),
    ("avg_time_change_ms", "change"),
    ("avg_time_change_low_ms", "95% interval from"),
    ("avg_time_change_high_ms", "95% interval to"),
];
const XP: ChangeNames = [
    ("earlier_mean_xp", "XP per session, earlier half"),
    ("later_mean_xp", "XP per session, later half"),
    ("mean_xp_change", "change"),
    ("mean_xp_change_low", "95% interval from"),
    ("mean_xp_change_high", "95% interval to"),
];

fn change_facts(
    names: ChangeNames,
    shown: As,
    unit: f64,
    change: Option<Change>,
) -> Vec<AnswerFact> {
    let (low, high) = change.and_then(|change| change.interval).unzip();
    let values = [
        change.map(|change| change.earlier),
        change.map(|change| change.later),
        change.map(|change| change.later - change.earlier),
        low,
        high,
    ];
    let facts = names.into_iter().zip(values).zip(0..);
    let fact = |(((name, label), value), place): (((_, _), Option<f64>), u32)| {
        let cell = value.map_or(Cell::Unknown, |value| Cell::Number(value * unit));
        // A change in percent would be taken for a relative one.
        let is_points = shown == As::Percent && place >= 2;
        AnswerFact::new(
            name,
            label,
            if is_points { As::Number } else { shown },
            cell,
        )
    };
    facts.map(fact).collect()
}

/// `accuracy 62%, then 75%: +13 points (+3 to +23)`.
fn accuracy_words(change: Change) -> String {
    let points = |share: f64| signed((share * 1_000.0).round() / 10.0);
    moved(
        "accuracy",
        change,
        &words::share,
        &|share| format!("{} points", points(share)),
        &points,
    )
}

/// `time per question 32s, then 25s: −7s (−12s to −2s)`.
fn time_words(change: Change) -> String {
    let seconds = |micros: f64| words::duration(micros / 1e6);
    let difference = |micros: f64| words::change(micros / 1e6);
    moved(
        "time per question",
        change,
        &seconds,
        &difference,
        &difference,
    )
}

/// `XP per session 40, then 55: +15 (+5 to +25)`.
fn xp_words(change: Change) -> String {
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    let difference = |value: f64| signed(tenths(value));
    let value = |value: f64| tenths(value).to_string();
    moved("XP per session", change, &value, &difference, &difference)
}

fn moved(
    name: &str,
    change: Change,
    value: &dyn Fn(f64) -> String,
    difference: &dyn Fn(f64) -> String,
    end: &dyn Fn(f64) -> String,
) -> String {
    let sure = match change.interval {
        Some((low, high)) if low <= 0.0 && high >= 0.0 => {
            format!("{} to {}, so no clear change", end(low), end(high))
        }
        Some((low, high)) => format!("{} to {}", end(low), end(high)),
        None => "too few to say how sure".to_owned(),
    };
    format!(
        "{name} {}, then {}: {} ({sure})",
        value(change.earlier),
        value(change.later),
        difference(change.later - change.earlier)
    )
}

/// A number with its sign; none of 0.
fn signed(number: f64) -> String {
    if number > 0.0 {
        format!("+{number}")
    } else if number < 0.0 {
        format!("{}{}", words::MINUS, -number)
    } else {
        "0".to_owned()
    }
}
