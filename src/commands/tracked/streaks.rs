//! `sessionize tracked streaks`: days in a row with a session.

use std::collections::BTreeMap;

use super::study::{count, keep_countable, records_of, text};
use super::{answer_of, open};
use crate::error::Failure;
use crate::report::answer::{Answer, AnswerColumn, AnswerFact, AnswerTable, As};
use crate::report::columns::Cell;
use crate::report::words;
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::store::Access;
use crate::store::sessions::SessionTable;
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;
use crate::tracked::streaks::{Streak, Streaks, day_of, day_text, streaks};

/// Reads the sessions of a user, or of all.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    user: Option<&str>,
) -> Result<Answer, Failure> {
    let (mut store, table) = open(settings, place, Access::Read)?;
    let mut records = records_of(&mut store, &table, user)?;
    let notes = keep_countable(settings, &mut records);
    let mut by_user: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in &records {
        if let Some(owner) = record.user.as_deref() {
            by_user.entry(owner).or_default().push(record);
        }
    }
    let mut answer = answer_of(settings, &store, &table, Task::Streaks, String::new());
    answer.notes = notes;
    if settings.window != (None, None) {
        let note = "Days in a row are counted over all sessions: --from, --to and --last choose \
                    none here.";
        answer.notes.push(note.to_owned());
    }
    match user {
        Some(user) => {
            let records = by_user.into_values().next().unwrap_or_default();
            let found = of_records(settings, &records);
            answer.headline = headline(user, &found);
            answer.facts = user_facts(settings, user, &records, &found);
            answer.tables = vec![sessions_table(settings, &table, &records, &found)];
            answer.notes.extend(differences(&table, &records, &found));
        }
        None => {
            let found = by_user
                .into_iter()
                .map(|(user, records)| (user, records.len(), of_records(settings, &records)));
            let found: Vec<_> = found.collect();
            answer.headline = headline_of_all(&found);
            answer.facts = facts_of_all(&found);
            answer.tables = vec![users_table(&found)];
        }
    }
    Ok(answer)
}

fn of_records(settings: &Settings, records: &[&Record]) -> Streaks {
    let zone = &settings.zone;
    let starts = records
        .iter()
        .filter_map(|record| record.time(Field::Started));
    let days: Vec<i64> = starts.map(|start| day_of(start, zone)).collect();
    streaks(&days, day_of(settings.now, zone), zone)
}

fn days(streak: Option<Streak>) -> u64 {
    streak.map_or(0, |streak| streak.days)
}

fn in_days(number: u64) -> String {
    words::counted(number, "day", "days")
}

fn headline(user: &str, found: &Streaks) -> String {
    match found.longest {
        None => format!("User {user} has no session"),
        Some(longest) => format!(
            "User {user}: {} in a row now, {} at most ({} to {})",
            in_days(days(found.current)),
            longest.days,
            day_text(longest.first),
            day_text(longest.last)
        ),
    }
}

fn day(day: Option<i64>) -> Cell<'static> {
    day.map_or(Cell::Unknown, |day| Cell::Plain(day_text(day)))
}

/// Names, labels and cells of what is said of a user's streaks.
fn streak_cells(found: &Streaks) -> [(&'static str, &'static str, As, Cell<'static>); 6] {
    let (current, longest) = (found.current, found.longest);
    [
        (
            "days_with_sessions",
            "days with a session",
            As::Count,
            Cell::Count(found.days),
        ),
        (
            "current_streak_days",
            "current",
            As::Count,
            Cell::Count(days(current)),
        ),
        (
            "current_streak_start",
            "since",
            As::Word,
            day(current.map(|streak| streak.first)),
        ),
        (
            "longest_streak_days",
            "longest",
            As::Count,
            Cell::Count(days(longest)),
        ),
        (
            "longest_streak_start",
            "from",
            As::Word,
            day(longest.map(|streak| streak.first)),
        ),
        (
            "longest_streak_end",
            "to",
            As::Word,
            day(longest.map(|streak| streak.last)),
        ),
    ]
}

fn user_facts(
    settings: &Settings,
    user: &str,
    records: &[&Record],
    found: &Streaks,
) -> Vec<AnswerFact> {
    let today = day(Some(day_of(settings.now, &settings.zone)));
    let sessions = Cell::Count(records.len() as u64);
    let first = [
        AnswerFact::new("user", "user", As::Text, text(Some(user))),
        AnswerFact::new("today", "today", As::Word, today),
        AnswerFact::new("sessions", "sessions", As::Count, sessions),
    ];
    let streaks = streak_cells(found);
    let streaks =
        streaks.map(|(name, label, shown, cell)| AnswerFact::new(name, label, shown, cell));
    first.into_iter().chain(streaks).collect()
}

/// What the application wrote down itself, where its shape does.
const WRITTEN: [(Field, &str, &str); 2] = [
    (
        Field::StreakBefore,
        "written_streak_before",
        "written before",
    ),
    (Field::StreakAfter, "written_streak_after", "after"),
];

fn sessions_table(
    settings: &Settings,
    table: &SessionTable,
    records: &[&Record],
    found: &Streaks,
) -> AnswerTable {
    let column = |name, header, shown| AnswerColumn {
        name,
        header,
        shown,
        rank: 0,
    };
    let written = WRITTEN.into_iter();
    let written = written.filter(|(field, ..)| table.columns.contains_key(field));
    let written: Vec<_> = written.collect();
    let mut columns = vec![
        column("id", "id", As::Text),
        column("started_at", "started", As::Instant),
        column("day", "day", As::Word),
        column("streak_before", "before", As::Count),
        column("streak_after", "after", As::Count),
    ];
    columns.extend(
        written
            .iter()
            .map(|(_, name, header)| column(name, header, As::Count)),
    );
    let row = |(record, (before, after)): (&&Record, &(u64, u64))| {
        let start = record.time(Field::Started);
        let mut cells = vec![
            text(Some(&record.id)),
            Cell::instant(start),
            day(start.map(|start| day_of(start, &settings.zone))),
            Cell::Count(*before),
            Cell::Count(*after),
        ];
        cells.extend(written.iter().map(|(field, ..)| {
            let number = record.number(*field);
            count(number.and_then(|number| u64::try_from(number).ok()))
        }));
        cells
    };
    AnswerTable {
        name: "sessions",
        title: "Before and after each session",
        columns,
        rows: records.iter().zip(&found.marks).map(row).collect(),
    }
}

/// How often the application wrote down other streaks of ended sessions, in a sentence.
fn differences(table: &SessionTable, records: &[&Record], found: &Streaks) -> Option<String> {
    if !WRITTEN
        .iter()
        .all(|(field, ..)| table.columns.contains_key(field))
    {
        return None;
    }
    let differs = |(record, (before, after)): &(&&Record, &(u64, u64))| {
        let written = |field| {
            record
                .number(field)
                .and_then(|number| u64::try_from(number).ok())
        };
        record.time(Field::Ended).is_some()
            && (written(Field::StreakBefore), written(Field::StreakAfter))
                != (Some(*before), Some(*after))
    };
    let number = records.iter().zip(&found.marks).filter(differs).count() as u64;
    (number > 0).then(|| {
        format!(
            "In {} the application wrote down other streaks than the days give: its day may \
             be that of another zone.",
            words::counted(number, "ended session", "ended sessions")
        )
    })
}

fn headline_of_all(found: &[(&str, usize, Streaks)]) -> String {
    let now = found.iter().filter(|(.., found)| found.current.is_some());
    let longest = found.iter().map(|(.., found)| days(found.longest)).max();
    match longest {
        None => "There are no sessions".to_owned(),
        Some(longest) => format!(
            "{} of {} in a streak now; the longest ever has {}",
            words::count(now.count() as u64),
            words::counted(found.len() as u64, "user", "users"),
            in_days(longest)
        ),
    }
}

fn facts_of_all(found: &[(&str, usize, Streaks)]) -> Vec<AnswerFact> {
    let now = found
        .iter()
        .filter(|(.., found)| found.current.is_some())
        .count();
    let longest = |of: fn(&Streaks) -> Option<Streak>| {
        let longest = found.iter().map(|(.., found)| days(of(found))).max();
        count(longest)
    };
    let whole = |name, label, cell| AnswerFact::new(name, label, As::Count, cell);
    vec![
        whole("users", "users", Cell::Count(found.len() as u64)),
        whole(
            "users_in_streak",
            "in a streak now",
            Cell::Count(now as u64),
        ),
        whole(
            "current_streak_days",
            "longest now",
            longest(|found| found.current),
        ),
        whole(
            "longest_streak_days",
            "longest ever",
            longest(|found| found.longest),
        ),
    ]
}

fn users_table(found: &[(&str, usize, Streaks)]) -> AnswerTable {
    let column = |name, header, shown| AnswerColumn {
        name,
        header,
        shown,
        rank: if shown == As::Word { 1 } else { 0 },
    };
    let of_streaks = streak_cells(&Streaks::default());
    let of_streaks = of_streaks.map(|(name, header, shown, _)| column(name, header, shown));
    let first = [
        column("user", "user", As::Text),
        column("sessions", "sessions", As::Count),
    ];
    let row = |(user, sessions, found): &(&str, usize, Streaks)| {
        let first = [text(Some(user)), Cell::Count(*sessions as u64)];
        let streaks = streak_cells(found).map(|(.., cell)| cell);
        first.into_iter().chain(streaks).collect()
    };
    AnswerTable {
        name: "users",
        title: "By user",
        columns: first.into_iter().chain(of_streaks).collect(),
        rows: found.iter().map(row).collect(),
    }
}
