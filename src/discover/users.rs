//! Which column says who acted, and which tables hold the people themselves.

use super::names::{has_any, has_word, joined, singular, without_table, words};
use crate::import::columns::USER_NAMES;
use crate::import::database::ColumnKind;
use crate::import::shapes::{ColumnShape, Shape, Shapes};

/// What one of many people is called, in the singular and in plurals that end otherwise than in s.
const PEOPLE: &str = "
    user person people account member child children student pupil learner teacher tutor
    instructor customer client employee staff patient player visitor guest subscriber
    participant interviewee candidate applicant driver reader viewer shopper profile benutzer
    nutzer anwender kunde kunden mitglied mitglieder personen mitarbeiter schueler lehrer
    teilnehmer besucher utilisateur membre usuario cliente alumno persona";

/// Who does something to a row.
const ACTORS: &str = "
    author actor creator sender poster uploader reviewer submitter commenter follower voter
    owner requester reporter buyer organizer initiator performer causer doer autor absender verfasser
    ersteller besteller kaeufer";

/// What somebody did to a row when it came to be, before `by`.
const DEEDS: &str = "
    created posted sent submitted uploaded written authored performed done added made asked
    answered ordered requested started inserted recorded erstellt angelegt gesendet bestellt";

/// Words of those to whom something is done, or who act on a row later.
const OTHERS: &str = "
    receiver recipient following to assignee assigned target followed followee friend approver approved
    updated modified edited changed deleted removed closed resolved verified moderated
    moderator reviewed blocked mentioned invited invitee parent manager supervisor last
    previous referrer referred beneficiary empfaenger geaendert bearbeitet zugewiesen
    aktualisiert";

/// Words around the one that counts.
const AFFIXES: &str = "fk id ids uuid guid uid ref key no nr num number nummer code pk sk";

/// Columns that people have and things have not.
const PERSONAL: &str = "
    email e_mail mail email_address username user_name login password password_hash
    encrypted_password first_name last_name vorname nachname passwort firstname";

/// Ranks from which on a name is not one that is known by heart.
const BY_NOUN: u32 = 20;
const BY_DEED: u32 = 40;
const BY_KEY: u32 = 50;
const BY_TEXT: u32 = 58;

/// A column that may say who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserColumn {
    /// Its place in the table.
    pub(super) place: usize,
    /// How doubtful it is.
    pub(super) doubt: u32,
    /// Whether it is a text that may name anybody, such as the author of a book.
    pub(super) is_anybody: bool,
    /// Why it was taken.
    pub(super) why: String,
    /// The people that it is one of, by its foreign key or its name, where they have a table.
    pub(super) people: Option<String>,
}

/// What the user columns of a table come to.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Those that may say who acted, the likeliest first.
    pub(super) columns: Vec<UserColumn>,
    /// Those of other people's, by name.
    pub(super) others: Vec<String>,
}

/// The tables of people, by name.
pub(super) fn people(shapes: &Shapes) -> Vec<String> {
    let tables = shapes.tables.iter().filter(|shape| !shape.is_view);
    let people = tables.filter(|shape| is_people(shape, shapes));
    people.map(|shape| shape.table.name.clone()).collect()
}

fn is_people(shape: &Shape, shapes: &Shapes) -> bool {
    let words = words(&shape.table.name);
    let nouns = || {
        let others = shape.columns.iter().filter(|column| !column.is_unique);
        others.filter_map(|column| noun(&column.name))
    };
    let of_others = || {
        nouns().next().is_some()
            || shape.columns.iter().any(|column| {
                column.is_unique && column.references.is_some() && noun(&column.name).is_some()
            })
    };
    if is_user_of_others(shape, shapes) {
        return key(shape).is_some();
    }
    if let Some(last) = words.last().filter(|last| is_noun(last)) {
        // A table that joins users to teams can be called `team_user`.
        let joins = nouns().any(|noun| noun == singular(last));
        let is_profile = singular(last) == "profile" && of_others();
        return !joins && !is_profile && key(shape).is_some();
    }
    let personal = shape.columns.iter().filter(|column| {
        let name = joined(&super::names::words(&column.name));
        has_word(PERSONAL, &name)
    });
    personal.count() >= 2 && !of_others() && is_referenced(&shape.table.name, shapes)
}

/// Whether a foreign key of a column for users leads to a table, whatever it is called.
fn is_user_of_others(shape: &Shape, shapes: &Shapes) -> bool {
    let columns = || shapes.tables.iter().flat_map(|shape| &shape.columns);
    columns().any(|column| {
        let target = column.references.as_deref();
        target.is_some_and(|target| target.eq_ignore_ascii_case(&shape.table.name))
            && matches!(core(&words(&column.name)), [only] if has_word(PEOPLE, only))
    })
}

/// Whether a foreign key leads to a table.
pub(super) fn is_referenced(table: &str, shapes: &Shapes) -> bool {
    let columns = || shapes.tables.iter().flat_map(|shape| &shape.columns);
    columns().any(|column| {
        let target = column.references.as_deref();
        target.is_some_and(|target| target.eq_ignore_ascii_case(table))
    })
}

/// The one column that a people's row is known by.
pub(super) fn key(shape: &Shape) -> Option<&ColumnShape> {
    let unique = || shape.columns.iter().filter(|column| column.is_unique);
    let is_id = |column: &&ColumnShape| {
        let words = words(&column.name);
        words.last().is_some_and(|last| has_word(AFFIXES, last))
    };
    unique().find(|column| is_id(column) && !column.is_nullable)
}

fn is_noun(word: &str) -> bool {
    has_word(PEOPLE, word) || has_word(PEOPLE, singular(word))
}

/// The kind of people whose id a column is by its name: `user` for `fk_user`.
fn noun(name: &str) -> Option<String> {
    let words = words(name);
    let last = core(&words).last().filter(|last| is_noun(last))?;
    (words.len() > 1).then(|| singular(last).to_owned())
}

/// The words without those around them: `fk`, `user`, `id` is `user`.
fn core(words: &[String]) -> &[String] {
    let is_affix = |word: &String| has_word(AFFIXES, word);
    let from = words
        .iter()
        .position(|word| !is_affix(word))
        .unwrap_or(words.len());
    let to = words
        .iter()
        .rposition(|word| !is_affix(word))
        .map_or(from, |last| last + 1);
    &words[from..to]
}

/// The user columns of a table.
pub(super) fn users(shape: &Shape, people: &[String]) -> Users {
    let mut users = Users::default();
    let table = words(&shape.table.name);
    for (place, column) in shape.columns.iter().enumerate() {
        if !can_be_user(column.kind) {
            continue;
        }
        let leads_to = column.references.as_ref().filter(|target| {
            let is_it = |people: &String| people.eq_ignore_ascii_case(target);
            people.iter().any(is_it)
        });
        let of_noun = || {
            let noun = noun(&column.name)?;
            let is_it = |people: &&String| {
                let words = words(people);
                words.last().is_some_and(|last| singular(last) == noun)
            };
            people.iter().find(is_it)
        };
        match meaning(column, leads_to, &table) {
            Some(Meaning::Actor { doubt, why }) => users.columns.push(UserColumn {
                place,
                is_anybody: doubt >= BY_TEXT,
                doubt,
                why,
                people: leads_to.or_else(of_noun).cloned(),
            }),
            Some(Meaning::Other) => users.others.push(column.name.clone()),
            None => {}
        }
    }
    users.columns.sort_by_key(|user| user.doubt);
    users
}

fn can_be_user(kind: ColumnKind) -> bool {
    use ColumnKind::{Binary, Decimal, Integer, Text};
    matches!(kind, Integer | Decimal | Text | Binary)
}

enum Meaning {
    Actor { doubt: u32, why: String },
    Other,
}

fn meaning(column: &ColumnShape, leads_to: Option<&String>, table: &[String]) -> Option<Meaning> {
    let words = words(&column.name);
    let leads_elsewhere = column.references.is_some() && leads_to.is_none();
    let doubt = doubt(&words, leads_elsewhere).or_else(|| {
        let words = without_table(&words, table)?;
        let is_id = column.kind != ColumnKind::Text || core(words).len() < words.len();
        doubt(words, leads_elsewhere).filter(|_| is_id)
    });
    let core = core(&words);
    if has_any(&words, OTHERS) && !matches!(doubt, Some(doubt) if doubt < BY_NOUN) {
        let is_other = |word: &String| has_word(OTHERS, word);
        let is_person = core
            .last()
            .is_some_and(|last| is_noun(last) || last == "by");
        let is_id = core.len() < words.len() || has_any(core, "to");
        let is_meant = leads_to.is_some() || is_person || is_id && core.iter().all(is_other);
        return (is_meant && !leads_elsewhere).then_some(Meaning::Other);
    }
    let (doubt, why) = match (doubt, leads_to) {
        (Some(doubt), Some(people)) => (doubt, format!("a foreign key to {people}")),
        // A text of such a name can be anybody's: a book has an author, too.
        (Some(doubt), None) if words.len() == 1 && column.kind == ColumnKind::Text => {
            (doubt.max(BY_TEXT), "by its name alone".to_owned())
        }
        (Some(doubt), None) => (doubt + 5, "by its name".to_owned()),
        (None, Some(people)) => (BY_KEY, format!("a foreign key to {people}")),
        (None, None) => return None,
    };
    Some(Meaning::Actor { doubt, why })
}

/// How doubtful a name is; the author of a book can be one of a table of authors.
fn doubt(words: &[String], leads_elsewhere: bool) -> Option<u32> {
    let core = core(words);
    let name = joined(words);
    if leads_elsewhere && !core.last().is_some_and(|last| is_noun(last)) {
        return None;
    }
    if let Some(rank) = USER_NAMES.iter().position(|known| *known == name) {
        return Some(match USER_NAMES[rank] {
            "email" => BY_TEXT,
            _ => rank as u32,
        });
    }
    let is_compact = |word: &str| {
        let of = word.strip_suffix("id");
        of.is_some_and(|of| is_noun(of) || has_word(ACTORS, of))
    };
    let has_affix = core.len() < words.len();
    match core {
        [only] if words.len() == 1 && is_compact(only) => Some(BY_NOUN),
        [only] if has_word(PEOPLE, only) => Some(BY_NOUN + u32::from(!has_affix)),
        [only] if has_word(ACTORS, only) => Some(BY_DEED),
        [.., deed, by] if by == "by" || by == "von" => has_word(DEEDS, deed).then_some(BY_DEED + 1),
        [from, noun] if from == "from" && is_noun(noun) => Some(BY_DEED + 2),
        [.., last] if is_noun(last) && has_affix => Some(BY_NOUN + 10),
        _ => None,
    }
}
