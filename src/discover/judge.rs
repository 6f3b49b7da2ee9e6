//! Weighs what names, types, keys and rows say of each table: a source, tracked sessions, or left
//! out, and why.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::{is_change, kind_column, role};
use super::tables::{Purpose, purpose};
use super::times::{TimeColumn, Times, is_latest_change, times, tracked};
use super::users::{UserColumn, Users, is_referenced, key, people, users};
use super::{Discovery, Finding, LeftOut, TrackedTable};
use crate::error::Failure;
use crate::events::{Micros, Role};
use crate::import::inputs::check_name;
use crate::import::looks::{Amount, KINDS, Look, Seen, SeenTimes, Values};
use crate::import::presets::Preset;
use crate::import::shapes::{ColumnShape, Shape, Shapes};
use crate::sql::Dialect;
use crate::time::timestamp::{Boundary, EpochUnit, TimeParser, TimeSpec, parse_boundary};
use crate::time::zone::Zone;

/// Time columns of a table that are looked at.
const LOOKED_AT: usize = 3;
/// With more rows than this in which no user comes twice, there is a row for each user.
const CHANCE: u64 = 50;
/// The share of rows without user or time from which on a table is not used.
const MOST_NULLS: f64 = 0.5;

/// What is known of a table before its rows are looked at.
#[derive(Debug)]
enum First {
    Candidate(Candidate),
    Tracked(TrackedTable),
    LeftOut(String),
}

/// A table that may be a source.
#[derive(Debug)]
struct Candidate {
    users: Vec<UserColumn>,
    /// Users that did not act, by name.
    others: Vec<String>,
    times: Vec<TimeColumn>,
    kind: Option<usize>,
    purpose: Purpose,
    /// The latest changes of people's own rows.
    is_of_people: bool,
}

/// Judges all tables; `look` looks at the rows of one.
///
/// # Errors
///
/// What `look` gives. A table that cannot be looked at for a reason of its own is `Ok(Err)`.
pub(crate) fn judge(
    shapes: &Shapes,
    mut look: impl FnMut(&Look, &Shape) -> Result<Result<Seen, String>, Failure>,
) -> Result<Discovery, Failure> {
    let mut discovery = Discovery::default();
    let mut found = Vec::new();
    let people = people(shapes);
    for views in [false, true] {
        // A view shows rows of other tables again, where those are found.
        let is_of_others = views && !found.is_empty();
        for shape in shapes.tables.iter().filter(|shape| shape.is_view == views) {
            let first = match is_of_others {
                true => First::LeftOut("a view, whose rows are those of its tables".to_owned()),
                false => first(shape, shapes, &people),
            };
            match first {
                First::Candidate(candidate) => {
                    let seen = look(&candidate.look(), shape)?;
                    match seen.and_then(|seen| candidate.judge(shape, shapes.dialect, &seen)) {
                        Ok(sources) => found.push(sources),
                        Err(reason) => discovery.leave(shape, reason),
                    }
                }
                First::Tracked(table) => discovery.tracked.push(table),
                First::LeftOut(reason) => discovery.leave(shape, reason),
            }
        }
    }
    keep_one_people(&mut found, shapes, &people, &mut discovery);
    let audit = "a record of changes that other tables hold";
    keep_alone(&mut found, &mut discovery, |found| found.is_audit, audit);
    let anybody = "its user is a text that may name anybody, those of other tables are ids";
    keep_alone(
        &mut found,
        &mut discovery,
        |found| found.is_anybody,
        anybody,
    );
    let mut sources: Vec<Finding> = found.into_iter().flat_map(|found| found.sources).collect();
    sources.sort_by(|one, other| {
        let rank = |source: &Finding| (source.doubt, u64::MAX - source.rows.number());
        (rank(one), &one.name).cmp(&(rank(other), &other.name))
    });
    name_apart(&mut sources);
    discovery.sources = sources;
    let unreadable = shapes.unreadable.iter().map(|(table, reason)| LeftOut {
        table: table.clone(),
        reason: reason.clone(),
    });
    discovery.left_out.extend(unreadable);
    discovery
        .left_out
        .sort_by(|one, other| one.table.cmp(&other.table));
    discovery
        .tracked
        .sort_by(|one, other| one.table.cmp(&other.table));
    Ok(discovery)
}

impl Discovery {
    fn leave(&mut self, shape: &Shape, reason: String) {
        let table = shape.table.named();
        self.left_out.push(LeftOut { table, reason });
    }
}

/// The sources of one table.
struct Found {
    sources: Vec<Finding>,
    /// The people that the user's foreign key leads to.
    people: Option<String>,
    /// Whether it repeats what other tables hold.
    is_audit: bool,
    /// Whether its user is a text that may name anybody.
    is_anybody: bool,
}

/// What names, types and keys say of a table.
fn first(shape: &Shape, shapes: &Shapes, people: &[String]) -> First {
    let is_of_people = people.contains(&shape.table.name);
    if is_of_people {
        return of_people(shape);
    }
    let Users { columns, others } = users(shape, people);
    let purpose = purpose(shape, shapes, !columns.is_empty());
    if let Purpose::Other(reason) = purpose {
        return First::LeftOut(reason.to_owned());
    }
    if let Some((start, end)) = tracked(shape) {
        return First::Tracked(TrackedTable {
            table: shape.table.named(),
            start: start.name.clone(),
            end: end.name.clone(),
        });
    }
    let found = times(shape);
    if columns.is_empty() || found.columns.is_empty() {
        return First::LeftOut(missing(shape, shapes, &columns, &others, &found));
    }
    let unique = |user: &UserColumn| shape.columns[user.place].is_unique;
    if columns.first().is_some_and(unique) {
        return First::LeftOut(one_row_each(&shape.columns[columns[0].place].name));
    }
    First::Candidate(Candidate {
        users: columns,
        others,
        times: found.columns,
        kind: kind_column(shape),
        purpose,
        is_of_people,
    })
}

/// A table of people keeps the latest change of each, which is something they did.
fn of_people(shape: &Shape) -> First {
    let place = |name: &str| shape.columns.iter().position(|column| column.name == name);
    let user = key(shape).and_then(|key| place(&key.name));
    let time = shape.columns.iter().position(is_latest_change);
    let (Some(user), Some(time)) = (user, time) else {
        return First::LeftOut(
            "one row per person, without the time of its latest change".to_owned(),
        );
    };
    First::Candidate(Candidate {
        users: vec![UserColumn {
            place: user,
            doubt: 60,
            is_anybody: false,
            why: "the key of a table of people".to_owned(),
            people: Some(shape.table.name.clone()),
        }],
        others: Vec::new(),
        times: vec![TimeColumn {
            place: time,
            doubt: 20,
        }],
        kind: None,
        purpose: Purpose::Activity,
        is_of_people: true,
    })
}

fn one_row_each(user: &str) -> String {
    format!("one row per user: {} is unique", shown(user))
}

/// Why a table without a user or a time is none.
fn missing(
    shape: &Shape,
    shapes: &Shapes,
    users: &[UserColumn],
    others: &[String],
    times: &Times,
) -> String {
    let time = match (times.days.as_slice(), times.others.as_slice()) {
        (_, [other, ..]) => format!("no time of an action: {} is none", shown(other)),
        ([day, ..], []) => format!("no time of day: {} is a date", shown(day)),
        ([], []) => "no time".to_owned(),
    };
    let has_time = !times.columns.is_empty();
    match (users.is_empty(), has_time, others.first()) {
        (true, _, Some(other)) => format!("no user who acted: {} is someone else", shown(other)),
        (true, true, None) => match parent(shape, shapes) {
            Some((column, target)) => {
                let (column, target) = (shown(column), shown(target));
                format!("no user; {column} leads to {target}, which may name one: a query can join")
            }
            None => "no user".to_owned(),
        },
        (true, false, None) if is_referenced(&shape.table.name, shapes) => {
            "a lookup table: neither a user nor a time".to_owned()
        }
        (true, false, None) => "neither a user nor a time".to_owned(),
        (false, ..) => time,
    }
}

/// A foreign key to a table that has a user: the column, and the table.
fn parent<'a>(shape: &'a Shape, shapes: &'a Shapes) -> Option<(&'a str, &'a str)> {
    let people = people(shapes);
    shape.columns.iter().find_map(|column| {
        let target = column.references.as_deref()?;
        let mut tables = shapes.tables.iter();
        let table = tables.find(|table| table.table.name.eq_ignore_ascii_case(target))?;
        let has_user = !users(table, &people).columns.is_empty();
        has_user.then_some((column.name.as_str(), target))
    })
}

impl Candidate {
    fn look(&self) -> Look {
        Look {
            // Another column might name people of another kind.
            users: self.users.iter().map(|user| user.place).take(1).collect(),
            times: self
                .times
                .iter()
                .map(|time| time.place)
                .take(LOOKED_AT)
                .collect(),
            kind: self.kind,
        }
    }

    /// What its rows say: the sources, or why there are none.
    fn judge(&self, shape: &Shape, dialect: Dialect, seen: &Seen) -> Result<Found, String> {
        if seen.looked_at == 0 {
            return Err("empty".to_owned());
        }
        let user_at = self.user(shape, seen)?;
        let (time_at, ends, unit) = self.time(shape, seen)?;
        let (user, time) = (&self.users[user_at], &self.times[time_at]);
        let (users_seen, times_seen) = (&seen.users[user_at], &seen.times[time_at]);
        let (user_column, time_column) = (&shape.columns[user.place], &shape.columns[time.place]);
        let share = |nulls: u64| nulls as f64 / seen.looked_at as f64;
        let mut conditions = Vec::new();
        // Of a part of a table it is not known whether there are nulls.
        for (column, nulls) in [
            (user_column, users_seen.nulls),
            (time_column, times_seen.nulls),
        ] {
            if nulls > 0 || column.is_nullable && !seen.is_whole {
                let name = dialect
                    .identifier(&column.name)
                    .map_err(|failure| failure.message)?;
                conditions.push(format!("{name} IS NOT NULL"));
            }
        }
        let is_typed = times_seen.values == Values::Typed;
        let is_instant = time_column.kind == crate::import::database::ColumnKind::Instant;
        let is_zoneless = is_typed && !is_instant
            || matches!(&times_seen.values, Values::Texts(texts) if texts.iter().any(|text| is_zoneless(text)));
        let whole = Finding {
            name: self.name(shape, dialect),
            role: match self.purpose {
                Purpose::Logins => Role::Start,
                Purpose::Logouts => Role::End,
                _ => Role::Activity,
            },
            table: shape.table.named(),
            user: user_column.name.clone(),
            time: time_column.name.clone(),
            filter: (!conditions.is_empty()).then(|| conditions.join(" AND ")),
            epoch_unit: unit,
            is_zoneless,
            rows: seen.rows,
            users: Some(users_seen.distinct),
            ends,
            ends_are_exact: times_seen.is_whole,
            without_user: share(users_seen.nulls),
            without_time: share(times_seen.nulls),
            is_indexed: match (dialect, &times_seen.values) {
                (Dialect::Sqlite, _) => None,
                (_, Values::Typed | Values::Numbers) => Some(time_column.leads_index),
                _ => Some(false),
            },
            why: format!("{}, {}", shown(&user_column.name), user.why),
            remarks: self.remarks(shape, user_at, time_at),
            doubt: user.doubt + time.doubt,
        };
        let is_change = |(kind, _): &(String, u64)| is_change(kind);
        let is_audit = self.purpose == Purpose::Audit;
        let sources = match self.kind {
            Some(kind) => by_kind(whole, &shape.columns[kind], dialect, seen)?,
            None => vec![whole],
        };
        let has_logins = sources.iter().any(|source| source.role == Role::Start);
        Ok(Found {
            is_audit: is_audit && (!has_logins || seen.kinds.iter().all(is_change)),
            is_anybody: user.is_anybody,
            people: user.people.clone(),
            sources,
        })
    }

    /// The first user column that its rows bear out.
    fn user(&self, shape: &Shape, seen: &Seen) -> Result<usize, String> {
        let mut refused = None;
        for (at, users) in seen.users.iter().enumerate() {
            let name = shown(&shape.columns[self.users[at].place].name);
            let share = users.nulls as f64 / seen.looked_at as f64;
            let is_one_each = seen.is_whole
                && users.nulls == 0
                && seen.looked_at > CHANCE
                && users.distinct == Amount::Exact(seen.looked_at);
            let reason = if users.nulls == seen.looked_at {
                format!("{name} is always null")
            } else if share > MOST_NULLS {
                format!("{name} is null in {:.0}% of its rows", share * 100.0)
            } else if is_one_each && !self.is_of_people {
                format!("one row per user: no {name} comes twice")
            } else {
                return Ok(at);
            };
            refused.get_or_insert(reason);
        }
        Err(refused.unwrap_or_else(|| "no user".to_owned()))
    }

    /// The first time column that its rows bear out, its ends and its unit.
    #[allow(
        clippy::type_complexity,
        reason = "three things that are found together"
    )]
    fn time(
        &self,
        shape: &Shape,
        seen: &Seen,
    ) -> Result<(usize, Option<(Micros, Micros)>, Option<EpochUnit>), String> {
        let mut refused = None;
        for (at, times) in seen.times.iter().enumerate() {
            let name = shown(&shape.columns[self.times[at].place].name);
            let share = times.nulls as f64 / seen.looked_at as f64;
            let reason = if times.nulls == seen.looked_at {
                format!("{name} is always null")
            } else if share > MOST_NULLS {
                format!("{name} is null in {:.0}% of its rows", share * 100.0)
            } else {
                match written(times) {
                    Ok((ends, unit)) => return Ok((at, ends, unit)),
                    Err(reason) => format!("{name} {reason}"),
                }
            };
            refused.get_or_insert(reason);
        }
        Err(refused.unwrap_or_else(|| "no time".to_owned()))
    }

    /// The name of a known source, else the table's.
    fn name(&self, shape: &Shape, dialect: Dialect) -> String {
        let table = &shape.table;
        let mut presets = Preset::of(dialect).iter();
        let known = presets.find(|preset| preset.tables[0].eq_ignore_ascii_case(&table.name));
        match known.filter(|_| table.schema.is_none()) {
            Some(preset) => preset.source.to_owned(),
            None if self.is_of_people => format!("{}_updates", table.named()),
            None => table.named(),
        }
    }

    fn remarks(&self, shape: &Shape, user: usize, time: usize) -> Vec<String> {
        let name = |place: usize| shown(&shape.columns[place].name);
        let mut remarks = Vec::new();
        if self.is_of_people {
            remarks.push("only each person's latest change is left".to_owned());
        }
        let users = self.users.iter().enumerate();
        let users = users
            .filter(|(at, _)| *at != user)
            .map(|(_, user)| name(user.place));
        let users: Vec<String> = users
            .chain(self.others.iter().map(|other| shown(other)))
            .collect();
        if !users.is_empty() {
            remarks.push(format!("other people of a row: {}", users.join(", ")));
        }
        let times = self.times.iter().enumerate();
        let times = times
            .filter(|(at, _)| *at != time)
            .map(|(_, time)| name(time.place));
        let times: Vec<String> = times.collect();
        if !times.is_empty() {
            remarks.push(format!("other times of a row: {}", times.join(", ")));
        }
        remarks
    }
}

/// A name as it is shown in reasons, which may be of any length and hold anything.
fn shown(name: &str) -> String {
    crate::visible::shortened(name)
}

/// The ends of a time column and its unit, or what is wrong with it.
#[allow(clippy::type_complexity, reason = "two things that are found together")]
fn written(times: &SeenTimes) -> Result<(Option<(Micros, Micros)>, Option<EpochUnit>), String> {
    let mut parser = TimeParser::new(&TimeSpec {
        zone: Some(Zone::UTC),
        ..TimeSpec::default()
    });
    let (first, last) = times.ends.clone().unwrap_or_default();
    let mut read = |text: &str| parser.text(text.as_bytes(), 0);
    let ends = (read(&first), read(&last));
    match &times.values {
        Values::Typed => Ok((ends.0.ok().zip(ends.1.ok()), None)),
        Values::Numbers => match (ends, parser.counts().unit()) {
            ((Ok(first), Ok(last)), Ok(Some(unit))) => Ok((Some((first, last)), Some(unit))),
            _ => Err("holds numbers that are no times of 2000 to 2100 in one unit".to_owned()),
        },
        Values::Texts(texts) => {
            let mut texts = texts.iter().chain([&first, &last]);
            if texts.clone().all(|text| is_day(text)) {
                return Err("holds dates without a time of day".to_owned());
            }
            match texts.find(|text| read(text).is_err() || is_day(text)) {
                Some(text) => Err(format!("holds {}, which is no time", quoted(text))),
                // Least and greatest text are first and last only where all are written alike.
                None => Ok((ends.0.ok().zip(ends.1.ok()), unit_of_texts(&parser)?)),
            }
        }
        Values::Other => Err("holds values of several types, or real numbers".to_owned()),
    }
}

fn unit_of_texts(parser: &TimeParser) -> Result<Option<EpochUnit>, String> {
    let unit = parser.counts().unit();
    unit.map_err(|_| "holds numbers of several units".to_owned())
}

fn quoted(text: &str) -> String {
    crate::time::timestamp::quoted(crate::visible::shortened(text).as_bytes())
}

fn is_day(text: &str) -> bool {
    matches!(parse_boundary(text, &Zone::UTC), Ok(Boundary::Date { .. }))
}

fn is_zoneless(text: &str) -> bool {
    TimeParser::new(&TimeSpec::default())
        .text(text.as_bytes(), 0)
        .is_err()
}

/// Splits a log by its kinds of rows, where they hold logins, logouts or the system's own doing.
fn by_kind(
    whole: Finding,
    column: &ColumnShape,
    dialect: Dialect,
    seen: &Seen,
) -> Result<Vec<Finding>, String> {
    let name = dialect
        .identifier(&column.name)
        .map_err(|failure| failure.message)?;
    let mut by_role: BTreeMap<Role, Vec<&(String, u64)>> = BTreeMap::new();
    for kind in &seen.kinds {
        by_role.entry(role(&kind.0)).or_default().push(kind);
    }
    let is_log = [Role::Start, Role::End, Role::Expiry, Role::Ignore]
        .iter()
        .any(|role| by_role.contains_key(role));
    if whole.role != Role::Activity || !is_log {
        return Ok(vec![whole]);
    }
    let listed = |kinds: &[&(String, u64)]| {
        let kinds = kinds.iter().map(|(kind, _)| dialect.literal(kind));
        kinds.collect::<Vec<_>>().join(", ")
    };
    let and = |condition: String| match &whole.filter {
        Some(filter) => Some(format!("{filter} AND {condition}")),
        None => Some(condition),
    };
    let mut sources = Vec::new();
    for (role, end) in [
        (Role::Start, "logins"),
        (Role::End, "logouts"),
        (Role::Expiry, "expiries"),
    ] {
        let Some(kinds) = by_role.get(&role) else {
            continue;
        };
        sources.push(Finding {
            name: format!("{}_{end}", whole.name),
            role,
            filter: and(format!("{name} IN ({})", listed(kinds))),
            rows: part(seen, kinds),
            users: None,
            why: format!("{}; kinds by {}", whole.why, shown(&column.name)),
            ..whole.clone()
        });
    }
    let Some(kinds) = by_role.get(&Role::Activity) else {
        return Ok(sources);
    };
    let used = |role: &&Role| **role != Role::Activity;
    let others: Vec<_> = by_role
        .keys()
        .filter(used)
        .flat_map(|role| by_role[role].clone())
        .collect();
    let mut rest = Finding {
        filter: and(match column.is_nullable {
            true => format!("({name} IS NULL OR {name} NOT IN ({}))", listed(&others)),
            false => format!("{name} NOT IN ({})", listed(&others)),
        }),
        rows: part(seen, kinds),
        users: None,
        ..whole.clone()
    };
    if let Some(ignored) = by_role.get(&Role::Ignore) {
        let ignored: Vec<String> = ignored.iter().map(|(kind, _)| shown(kind)).collect();
        rest.remarks
            .push(format!("without the system's own: {}", ignored.join(", ")));
    }
    if seen.kinds.len() == KINDS {
        rest.remarks.push(format!(
            "only the {KINDS} most frequent kinds were looked at"
        ));
    }
    sources.push(rest);
    Ok(sources)
}

/// The rows of some kinds.
fn part(seen: &Seen, kinds: &[&(String, u64)]) -> Amount {
    let rows: u64 = kinds.iter().map(|(_, rows)| rows).sum();
    match (seen.is_whole, seen.rows) {
        (true, _) => Amount::Exact(rows),
        (false, Amount::About(all)) => {
            let share = rows as f64 / seen.looked_at as f64;
            Amount::About((all as f64 * share).round() as u64)
        }
        (false, _) => Amount::AtLeast(rows),
    }
}

/// Users of two kinds have ids of their own, and number 7 of one is not number 7 of the other: keeps
/// the kind that most tables speak of.
fn keep_one_people(
    found: &mut Vec<Found>,
    shapes: &Shapes,
    people: &[String],
    discovery: &mut Discovery,
) {
    let root = |table: &str| root(table, shapes, people);
    let mut votes: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for found in found.iter() {
        let rows: u64 = found
            .sources
            .iter()
            .map(|source| source.rows.number())
            .sum();
        let vote = votes
            .entry(found.people.as_deref().map(root).unwrap_or_default())
            .or_default();
        *vote = (vote.0 + 1, vote.1 + rows);
    }
    votes.remove("");
    let Some((chosen, _)) = votes.iter().max_by_key(|(_, votes)| **votes) else {
        return;
    };
    found.retain(|found| {
        let people = found.people.as_deref().map(root);
        let fits = people.as_ref().is_none_or(|people| people == chosen);
        if let (false, Some(people), Some(source)) = (fits, people, found.sources.first()) {
            discovery.left_out.push(LeftOut {
                table: source.table.clone(),
                reason: format!(
                    "its users are of {}, those of other tables of {}: ids of two kinds",
                    shown(&people),
                    shown(chosen)
                ),
            });
        }
        fits
    });
}

/// The people that a table of people is about: profiles with the key of users are users.
fn root(table: &str, shapes: &Shapes, people: &[String]) -> String {
    let mut name = table.to_lowercase();
    for _ in 0..people.len() {
        let mut tables = shapes.tables.iter();
        let shape = tables.find(|shape| shape.table.name.to_lowercase() == name);
        let target = shape.and_then(key).and_then(|key| key.references.as_ref());
        let is_people =
            |target: &&String| people.iter().any(|one| one.eq_ignore_ascii_case(target));
        match target.filter(is_people) {
            Some(target) => name = target.to_lowercase(),
            None => break,
        }
    }
    name
}

/// Sources of a lesser kind are some only where there is no other.
fn keep_alone(
    found: &mut Vec<Found>,
    discovery: &mut Discovery,
    is_lesser: impl Fn(&Found) -> bool,
    reason: &str,
) {
    if found.iter().all(&is_lesser) {
        return;
    }
    found.retain(|found| {
        if let (true, Some(source)) = (is_lesser(found), found.sources.first()) {
            discovery.left_out.push(LeftOut {
                table: source.table.clone(),
                reason: reason.to_owned(),
            });
        }
        !is_lesser(found)
    });
}

/// Gives every source a name that a configuration can hold, unlike all others.
fn name_apart(sources: &mut [Finding]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for source in sources {
        let plain = |letter: char| match letter {
            ';' | ':' => '_',
            letter if letter.is_control() => '_',
            letter => letter,
        };
        let name: String = source.name.chars().map(plain).collect();
        let name = match check_name(&name) {
            Ok(()) => name,
            Err(_) => "source".to_owned(),
        };
        let mut numbered = (2..).map(|number| format!("{name}_{number}"));
        source.name = match taken.contains(&name) {
            false => name,
            true => numbered.find(|name| !taken.contains(name)).unwrap_or(name),
        };
        taken.insert(source.name.clone());
    }
}
