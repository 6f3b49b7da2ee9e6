//! What the kinds of rows in a log of events mean: logins, logouts, the system's own doing.

use super::names::{has_any, has_word, joined, words};
use crate::events::Role;
use crate::import::database::ColumnKind;
use crate::import::shapes::Shape;

/// Names of columns that say what a row is, the likeliest first.
const KIND_NAMES: &str = "
    event_type action_type activity_type event_name event_kind action event activity kind type
    verb operation event_action aktion ereignis typ";

/// What the system does by itself, unless a person answers it.
const SYSTEM: &str = "
    notification notifications notified reminder cron system emailsent mailsent smssent pushsent
    tokenrefresh tokenrefreshed refreshtoken tokenissued";
const ANSWERS: &str = "clicked click opened open read tapped dismissed viewed enabled disabled";

/// Words that leave a login a login: a view of the page for it is none.
const AROUND: &str = "
    user users person member account customer admin student auth authentication session event
    success successful succeeded ok completed web app mobile api sso oauth google password log in
    out sign on off logged signed";

/// What is written of a change of a row, rather than of a person's action.
const CHANGES: &str = "
    insert inserted update updated delete deleted create created destroy destroyed i u d c";

/// The column that says what a row is.
pub(super) fn kind_column(shape: &Shape) -> Option<usize> {
    let can_be = |kind: ColumnKind, type_name: &str| match kind {
        ColumnKind::Text => true,
        // PostgreSQL's own enumerations.
        ColumnKind::Other => !type_name.is_empty() && !is_plain_type(type_name),
        _ => false,
    };
    KIND_NAMES.split_whitespace().find_map(|known| {
        shape.columns.iter().position(|column| {
            joined(&words(&column.name)) == known && can_be(column.kind, &column.type_name)
        })
    })
}

fn is_plain_type(type_name: &str) -> bool {
    let plain = [
        "bool", "json", "[]", "inet", "point", "interval", "time", "bit", "xml",
    ];
    let type_name = type_name.to_lowercase();
    plain.iter().any(|part| type_name.contains(part))
}

/// What a row of this kind does to sessions. A login that failed opens none, and yet somebody was
/// there.
pub(super) fn role(kind: &str) -> Role {
    let words = words(kind);
    let pairs: Vec<String> = words.windows(2).map(|pair| pair.concat()).collect();
    let has = |known: &str| has_any(&words, known) || has_any(&pairs, known);
    let is_only = |known: &str| {
        let is_plain = |word: &String| has_word(known, word) || has_word(AROUND, word);
        has(known) && words.iter().all(is_plain)
    };
    if has("session sitzung") && has("expired expire expiry timeout timedout") {
        Role::Expiry
    } else if is_only("login signin logon loggedin signedin anmeldung") {
        Role::Start
    } else if is_only("logout signout logoff loggedout signedout abmeldung") {
        Role::End
    } else if has(SYSTEM) && !has(ANSWERS) {
        Role::Ignore
    } else {
        Role::Activity
    }
}

/// Whether a kind only repeats that a row of another table was changed.
pub(super) fn is_change(kind: &str) -> bool {
    let words = words(kind);
    matches!(words.as_slice(), [only] if has_word(CHANGES, only))
}
