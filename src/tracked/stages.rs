//! The stages of an interview: what moves a session from one to the next, and from which.

use crate::events::Micros;
use crate::tracked::fields::Field;
use crate::tracked::record::Record;

/// The status of a session that nobody has connected to.
pub(crate) const CREATED: &str = "created";
/// The status of one that goes on.
pub(crate) const ACTIVE: &str = "active";
/// The status of one that is over.
pub(crate) const COMPLETED: &str = "completed";

/// What a command does to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// A time is set to the present instant, or a status, or both.
    Change {
        time: Option<Field>,
        status: Option<&'static str>,
    },
    /// It was done before, at that instant where it is known.
    Done(Option<Micros>),
    /// The session is in another state than this one (a noun and what is said of it).
    Refused(&'static str),
}

/// A desktop connects: the session is active, and not started yet.
pub(crate) fn connect(record: &Record) -> Move {
    if record.has(Field::Connected) {
        Move::Done(record.time(Field::Connected))
    } else if is(record, COMPLETED) {
        Move::Refused("a session that is not completed")
    } else if record.has(Field::Started) {
        Move::Refused("a session that has not started without a desktop")
    } else {
        Move::Change {
            time: Some(Field::Connected),
            status: Some(ACTIVE),
        }
    }
}

/// The conversation starts.
pub(crate) fn mark_started(record: &Record) -> Move {
    if record.has(Field::Started) {
        Move::Done(record.time(Field::Started))
    } else if is(record, COMPLETED) {
        Move::Refused("a session that is not completed")
    } else {
        Move::Change {
            time: Some(Field::Started),
            status: None,
        }
    }
}

/// A session starts without a desktop.
pub(crate) fn activate(record: &Record) -> Move {
    if record.has(Field::Started) && is(record, ACTIVE) {
        Move::Done(record.time(Field::Started))
    } else if is(record, CREATED) && !record.has(Field::Connected) && !record.has(Field::Started) {
        Move::Change {
            time: Some(Field::Started),
            status: Some(ACTIVE),
        }
    } else {
        Move::Refused("a session whose status is \"created\" and to which no desktop connected")
    }
}

/// The session is over; its end is kept where the table has a column for it.
pub(crate) fn end(record: &Record, has_end: bool) -> Move {
    let time = (has_end && !record.has(Field::Ended)).then_some(Field::Ended);
    match is(record, COMPLETED) {
        true => Move::Done(record.time(Field::Ended)),
        false => Move::Change {
            time,
            status: Some(COMPLETED),
        },
    }
}

fn is(record: &Record, status: &str) -> bool {
    let met = record.text(Field::Status).unwrap_or_default();
    met.trim().eq_ignore_ascii_case(status)
}
