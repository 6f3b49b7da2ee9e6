//! Which column says when somebody acted, and which two say when something tracked began and ended.

use super::names::{has_any, has_word, joined, without_table, words};
use crate::import::catalogue::{TRACKED_ENDS, TRACKED_STARTS};
use crate::import::columns::TIME_NAMES;
use crate::import::database::ColumnKind;
use crate::import::shapes::{ColumnShape, Shape};

/// Names for the time at which a row came to be, beside those known by heart.
const CREATED: &str = "
    created created_on create_time created_time createdate created_date creation_time
    creation_date date_created date_created_gmt inserted_at added_at date_added recorded_at
    logged_at log_time action_time time_created erstellt_am angelegt_am zeitpunkt";

/// Words of times at which something else happens than what the row is there for.
const OTHERS: &str = "
    updated update modified changed edited deleted removed archived expires expired expiry
    expire expiration due deadline scheduled schedule planned next last latest until valid
    from birth birthday birthdate dob published publish read seen confirmed confirmation
    verified approved resolved closed locked reserved available remind reminder starts ends
    ended end cancelled canceled shipped delivered processed synced imported reset remember
    trial handled accepted current failed geaendert aktualisiert faellig geburtsdatum gueltig
    geloescht versendet geliefert bezahlt";

/// Words that only names of times have.
const TIMELY: &str = "
    at time timestamp ts on date datetime when am zeit datum uhrzeit zeitpunkt";

const STARTS: &str = "
    session_start time_start start started started_on begin begin_at began_at begun_at begin_time
    login_at logged_in_at login_time check_in clock_in entered_at beginn gestartet_am
    begonnen_am";
const ENDS: &str = "
    session_end time_finish time_end session_ended_at end ended ended_on finish finished finished_at end_at
    logout_at logged_out_at logout_time check_out clock_out left_at exited_at stopped_at ende
    beendet_am geendet_am";

/// Tables whose start and end somebody planned.
const PLANNED: &str = "
    appointment appointments booking bookings reservation reservations event events meeting
    meetings course courses slot slots shift shifts schedule schedules campaign campaigns
    promotion promotions term terms termin termine buchung buchungen subscription
    subscriptions";

/// A column that may say when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeColumn {
    /// Its place in the table.
    pub(super) place: usize,
    /// How doubtful it is.
    pub(super) doubt: u32,
}

/// What the time columns of a table come to.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Those that may say when somebody acted, the likeliest first.
    pub(super) columns: Vec<TimeColumn>,
    /// Those of a day without a time of day, by name.
    pub(super) days: Vec<String>,
    /// Those of something else, by name.
    pub(super) others: Vec<String>,
}

/// The time columns of a table.
pub(super) fn times(shape: &Shape) -> Times {
    let mut times = Times::default();
    let table = words(&shape.table.name);
    for (place, column) in shape.columns.iter().enumerate() {
        let words = words(&column.name);
        let is_typed = matches!(column.kind, ColumnKind::Instant | ColumnKind::Local);
        let is_timely = has_any(&words, TIMELY) || has_word(CREATED, &joined(&words));
        let is_written = matches!(column.kind, ColumnKind::Text | ColumnKind::Integer) && is_timely;
        match column.kind {
            ColumnKind::Date => {
                times.days.push(column.name.clone());
                continue;
            }
            _ if is_typed || is_written => {}
            _ => continue,
        }
        match doubt(&words, &table, is_typed) {
            Some(doubt) => times.columns.push(TimeColumn { place, doubt }),
            None => times.others.push(column.name.clone()),
        }
    }
    times.columns.sort_by_key(|time| time.doubt);
    times
}

/// How doubtful a name is. Of a time that is kept on two clocks, the one in UTC is surer: times
/// without a zone are taken for that.
fn doubt(words: &[String], table: &[String], is_typed: bool) -> Option<u32> {
    if has_any(words, OTHERS) {
        return None;
    }
    let is_utc = |word: &String| has_word("gmt utc", word);
    let plain: Vec<String> = words.iter().filter(|word| !is_utc(word)).cloned().collect();
    let rest = without_table(&plain, table).filter(|rest| has_any(rest, TIMELY));
    let doubts = [Some(plain.as_slice()), rest].into_iter().flatten();
    let doubt = doubts
        .map(|words| plain_doubt(words, table, is_typed))
        .min()?;
    Some(2 * doubt + u32::from(plain.len() == words.len()))
}

fn plain_doubt(words: &[String], table: &[String], is_typed: bool) -> u32 {
    let name = joined(words);
    if let Some(rank) = TIME_NAMES.iter().position(|known| *known == name) {
        return rank as u32;
    }
    match (has_word(CREATED, &name), is_typed) {
        (true, _) => TIME_NAMES.len() as u32,
        (false, true) if is_deed(words, table) => 25,
        (false, true) if has_any(words, TIMELY) => 30,
        (false, true) => 50,
        (false, false) => 35,
    }
}

/// Whether a time is named for what its table is named for: `voted_on` of `polls_vote`.
fn is_deed(words: &[String], table: &[String]) -> bool {
    const ALIKE: usize = 4;
    let root = |word: &str| word.chars().take(ALIKE).collect::<String>();
    let is_long = |word: &&String| word.chars().count() >= ALIKE;
    let mut words = words.iter().filter(is_long);
    words.any(|word| {
        table
            .iter()
            .filter(is_long)
            .any(|of| root(of) == root(word))
    })
}

/// Whether a column holds the time of a row's latest change.
pub(super) fn is_latest_change(column: &ColumnShape) -> bool {
    let can_be = matches!(
        column.kind,
        ColumnKind::Instant | ColumnKind::Local | ColumnKind::Text | ColumnKind::Integer
    );
    let known = [
        "updated_at",
        "updated_on",
        "time_modified",
        "modified_at",
        "date_modified",
        "geaendert_am",
    ];
    can_be && known.contains(&joined(&words(&column.name)).as_str())
}

/// The columns of a start and an end, where they are those of something that was tracked.
pub(super) fn tracked(shape: &Shape) -> Option<(&ColumnShape, &ColumnShape)> {
    let table = words(&shape.table.name);
    if has_any(&table, PLANNED) && !has_any(&table, "session sessions") {
        return None;
    }
    let named = |known: &'static [&str], more: &'static str| {
        let is_known = move |column: &&ColumnShape| {
            let name = joined(&words(&column.name));
            let can_be = !matches!(
                column.kind,
                ColumnKind::Date | ColumnKind::Real | ColumnKind::Binary | ColumnKind::Other
            );
            can_be && (known.contains(&name.as_str()) || has_word(more, &name))
        };
        shape.columns.iter().find(is_known)
    };
    named(&TRACKED_STARTS, STARTS).zip(named(&TRACKED_ENDS, ENDS))
}
