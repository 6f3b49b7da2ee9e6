//! What a table is for, by its name and columns, where that is not what people did.

use super::names::{has_any, has_word, joined, singular, words};
use crate::import::shapes::{Shape, Shapes};

/// What a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What people did, as far as the name tells.
    Activity,
    Logins,
    Logouts,
    /// A record of changes elsewhere.
    Audit,
    /// Something else: why it is left out.
    Other(&'static str),
}

const MIGRATIONS: &str = "
    migration migrations alembic flyway liquibase databasechangelog databasechangeloglock
    goose phinxlog typeorm schemaversion
    internalmetadata";
const NOTICES: &str = "
    notification notifications notice notices reminder reminders alert alerts newsletter
    newsletters broadcast broadcasts benachrichtigung benachrichtigungen";
const LETTERS: &str = "email emails mail mails mailing sms push";
const TOKENS: &str = "
    token tokens otp nonce nonces secret secrets reset resets verification verifications
    apikey apikeys oauth";
const DERIVED: &str = "
    stats statistics statistic statistik metrics aggregate aggregates summary summaries totals
    counters cache leaderboard lookup lastaccess";
const RIGHTS: &str = "role roles permission permissions grant grants acl privileges rollen";
const COPIES: &str = "
    history hist version versions archive archived backup backups bak copy old tmp temp
    deleted historical historie";
const QUEUES: &str = "queue queues outbox celery sidekiq warteschlange";
const JOBS: &str = "job jobs task tasks worker workers";
const QUEUED: &str = "
    queue payload handler locked_at locked_by run_at reserved_at max_attempts available_at";
const OF_FRAMEWORKS: &str = "
    expire expires expires_at expire_date expired_at expiry data payload sess session_data sessdata
    session_key last_activity";

const MIGRATION: &str = "a record of changes to the schema";
const FRAMEWORK: &str = "a web framework's sessions, written over with each request";
const QUEUE: &str = "a queue of work for programs";
const NOTICE: &str = "sent to people, not done by them";
const TOKEN: &str = "made by the system to let people in";
const DERIVATION: &str = "made of other tables by programs";
const RIGHT: &str = "what people may do, not what they did";

/// What a table is for. `has_actor` says whether a column names who made its rows.
pub(super) fn purpose(shape: &Shape, shapes: &Shapes, has_actor: bool) -> Purpose {
    let words = words(&shape.table.name);
    let pairs: Vec<String> = words.windows(2).map(|pair| pair.concat()).collect();
    let has = |known: &str| has_any(&words, known) || has_any(&pairs, known);
    let is_in = has("login logins signin signins logon logons anmeldung anmeldungen");
    let is_out = has("logout logouts signout signouts logoff abmeldung abmeldungen");
    if has(MIGRATIONS) {
        return Purpose::Other(MIGRATION);
    }
    if has(TOKENS) {
        return Purpose::Other(TOKEN);
    }
    match (is_in, is_out) {
        (true, false) if !has("attempt attempts failed failure failures method") => {
            return Purpose::Logins;
        }
        (false, true) => return Purpose::Logouts,
        _ => {}
    }
    if is_of_framework(shape, &words) {
        return Purpose::Other(FRAMEWORK);
    }
    if has(QUEUES) || has(JOBS) && has_column(shape, QUEUED) {
        return Purpose::Other(QUEUE);
    }
    if has(NOTICES) || has(LETTERS) && !has_actor {
        return Purpose::Other(NOTICE);
    }
    if has(RIGHTS) {
        return Purpose::Other(RIGHT);
    }
    if has(DERIVED) {
        return Purpose::Other(DERIVATION);
    }
    if is_copy(&words, shapes) {
        return Purpose::Other("copies of rows of another table");
    }
    match has("audit audits auditlog versions changes changelog") {
        true => Purpose::Audit,
        false => Purpose::Activity,
    }
}

/// Sessions that have no end of their own, but data, or a time from which on they do not count.
fn is_of_framework(shape: &Shape, words: &[String]) -> bool {
    let last = words.last().map(String::as_str);
    let is_tracked = super::times::tracked(shape).is_some();
    matches!(last, Some("session" | "sessions" | "sess"))
        && has_column(shape, OF_FRAMEWORKS)
        && !is_tracked
}

fn has_column(shape: &Shape, known: &str) -> bool {
    let mut columns = shape.columns.iter();
    columns.any(|column| has_word(known, &joined(&words(&column.name))))
}

/// Whether a name is that of another table and a word for copies: `posts_history` beside `posts`.
fn is_copy(words: &[String], shapes: &Shapes) -> bool {
    if !has_any(words, COPIES) {
        return false;
    }
    let plain = |words: &[String]| {
        let words = words.iter().filter(|word| !has_word(COPIES, word));
        words
            .map(|word| singular(word).to_owned())
            .collect::<Vec<_>>()
    };
    let of = plain(words);
    !of.is_empty()
        && shapes.tables.iter().any(|other| {
            let other = super::names::words(&other.table.name);
            !has_any(&other, COPIES) && plain(&other) == of
        })
}
