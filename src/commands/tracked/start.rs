//! `sessionize tracked start --user U`: a new session, or the one that is active.

use super::{answer_of, open, shown};
use crate::cli::tracked::StartFlags;
use crate::error::{self, Failure};
use crate::import::tracked::TrackedShape;
use crate::report::answer::{Answer, AnswerFact, As};
use crate::report::columns::Cell;
use crate::report::words::{count, local_time};
use crate::settings::Settings;
use crate::settings::tracked::TrackedPlace;
use crate::sql::Dialect;
use crate::store::migrations::has_one_active;
use crate::store::sessions::{ROWS, SessionTable};
use crate::store::write::Value;
use crate::store::{Access, Store};
use crate::time::timestamp::quoted;
use crate::tracked::fields::Field;
use crate::tracked::matrix::Task;
use crate::tracked::record::Record;

/// How often a session that another process adds and ends at once is looked for.
const TRIES: u32 = 5;

/// Starts the session, and says its id.
pub(super) fn answer(
    settings: &Settings,
    place: &TrackedPlace,
    flags: &StartFlags,
) -> Result<Answer, Failure> {
    check(place.shape, flags)?;
    let (mut store, table) = open(settings, place, Access::Write)?;
    table.check_user(&mut store, &flags.user)?;
    let (record, is_new, others) = match place.shape {
        TrackedShape::Study => study(settings, &mut store, &table, flags)?,
        _ => (
            practice(settings, &mut store, &table, flags)?,
            true,
            Vec::new(),
        ),
    };
    let started = record.time(Field::Started);
    let at = started.map_or("an unknown time".to_owned(), |at| {
        local_time(at, &settings.zone)
    });
    let headline = match is_new {
        true => format!("Session {} started at {at}", record.id),
        false => format!("Session {} has been active since {at}", record.id),
    };
    let mut answer = answer_of(settings, &store, &table, Task::Start, headline);
    answer.facts = vec![
        shown("session_id", "session", Some(&record.id)),
        shown("user_id", "user", record.user.as_deref()),
        shown("subject", "subject", record.text(Field::Subject)),
        AnswerFact::new("started_at", "started", As::Instant, Cell::instant(started)),
        AnswerFact::new("new", "new", As::Flag, Cell::Flag(is_new)),
    ];
    if place.shape != TrackedShape::Study {
        answer.facts.retain(|fact| fact.name != "subject");
    }
    if !others.is_empty() {
        let ids: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
        answer.notes.push(format!(
            "The user has {} active sessions, of which this one is the newest; none was ended. The \
             others: {}.",
            count(others.len() as u64 + 1),
            ids.join(", ")
        ));
    }
    let subject = record.text(Field::Subject);
    if !is_new && subject.is_some() && subject != flags.subject.as_deref() {
        answer
            .notes
            .push("The active session is on another subject than was asked for.".to_owned());
    }
    store.commit()?;
    Ok(answer)
}

/// Which flags a shape needs, and which it has no place for.
fn check(shape: TrackedShape, flags: &StartFlags) -> Result<(), Failure> {
    let given = [&flags.subject, &flags.topic, &flags.subtopic];
    let texts = given.map(Option::as_deref);
    let names = ["--user", "--subject", "--topic", "--subtopic"];
    let texts = [&[Some(flags.user.as_str())], &texts[..]].concat();
    let is_empty = |text: &Option<&str>| text.is_some_and(|text| text.trim().is_empty());
    if let Some(place) = texts.iter().position(is_empty) {
        let message = format!("{} is empty", names[place]);
        let help = "a session is somebody's; what it is not on is left away";
        return Err(Failure::new(error::USAGE, message).help(help));
    }
    let message = match shape {
        TrackedShape::Study if flags.subject.is_none() || flags.topic.is_none() => {
            "a session of the shape \"study\" needs --subject and --topic".to_owned()
        }
        TrackedShape::Study => return Ok(()),
        _ if given.into_iter().any(Option::is_some) => format!(
            "sessions of the shape \"{}\" have no subject, topic or subtopic",
            shape.name()
        ),
        _ => return Ok(()),
    };
    Err(Failure::new(error::USAGE, message).help("docs/tracked.md says what each shape holds"))
}

/// A row of its own for every start.
fn practice(
    settings: &Settings,
    store: &mut Store,
    table: &SessionTable,
    flags: &StartFlags,
) -> Result<Record, Failure> {
    let zeros = [
        Field::XpPhrases,
        Field::XpSessionBonus,
        Field::XpStreakBonus,
        Field::TotalXp,
        Field::StreakBefore,
        Field::StreakAfter,
    ];
    let mut changes = vec![
        (Field::User, Value::Text(flags.user.clone())),
        (Field::Started, Value::At(settings.now)),
    ];
    let zeros = zeros.into_iter().filter(|field| table.has(*field));
    changes.extend(zeros.map(|field| (field, Value::Number(0))));
    let id = Store::new_id(table.column(store, Field::Id)?);
    let given = table.insert(store, id.clone(), &changes)?;
    let id = id.or(given).unwrap_or_default();
    let condition = table.of_id(store, &id)?;
    let added = table.records(store, condition)?.pop();
    added.ok_or_else(|| kept_out(store, &flags.user))
}

/// The newest active session of the user, or a new one; whether it is new, and the other active ones.
fn study(
    settings: &Settings,
    store: &mut Store,
    table: &SessionTable,
    flags: &StartFlags,
) -> Result<(Record, bool, Vec<Record>), Failure> {
    take_turns(store, table, &flags.user)?;
    let ended = table.column(store, Field::Ended)?.sql.clone();
    let of_user = table.is(store, Field::User, &flags.user)?;
    let active = of_user.and(format!("{ROWS}.{ended} IS NULL"), Vec::new());
    for _ in 0..TRIES {
        // Those without a start that can be read come first.
        let mut records = table.records(store, active.clone())?;
        if let Some(newest) = records.pop() {
            return Ok((newest, false, records));
        }
        let id = Store::new_id(table.column(store, Field::Id)?);
        let given = table.insert(store, id.clone(), &of_study(settings, table, flags))?;
        let id = id.or(given).unwrap_or_default();
        let condition = table.of_id(store, &id)?;
        if let Some(record) = table.records(store, condition)?.pop() {
            return Ok((record, true, Vec::new()));
        }
    }
    Err(kept_out(store, &flags.user))
}

/// No row was added, and the database did not say why.
fn kept_out(store: &Store, user: &str) -> Failure {
    let user = quoted(user.as_bytes());
    let message = format!("a constraint of the database keeps user {user} from another session");
    Failure::new(error::DATABASE, message)
        .in_source(store.place())
        .help("look at the unique indexes of the table")
}

fn of_study(settings: &Settings, table: &SessionTable, flags: &StartFlags) -> Vec<(Field, Value)> {
    let mut changes = vec![
        (Field::User, Value::Text(flags.user.clone())),
        (Field::Started, Value::At(settings.now)),
    ];
    let texts = [
        (Field::Subject, &flags.subject),
        (Field::Topic, &flags.topic),
        (Field::Subtopic, &flags.subtopic),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            changes.push((field, Value::Text(text.clone())));
        }
    }
    let clocks = [Field::Created, Field::Updated].into_iter();
    let clocks = clocks.filter(|field| table.has(*field));
    changes.extend(clocks.map(|field| (field, Value::At(settings.now))));
    changes
}

/// One start after the other: where the database itself keeps a user from having two active sessions,
/// its constraint decides; elsewhere the writers wait for each other. MySQL's would wait for each other
/// in a circle at its constraint, so that they take turns there too.
fn take_turns(store: &mut Store, table: &SessionTable, user: &str) -> Result<(), Failure> {
    match store.dialect() {
        Dialect::Mysql => store.hold(&format!("start {} {user}", table.table.sql)),
        Dialect::Postgres if !has_one_active(store, &table.table)? => {
            let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", table.table.sql);
            store.run(&lock, &[]).map(|_| ())
        }
        _ => Ok(()),
    }
}
