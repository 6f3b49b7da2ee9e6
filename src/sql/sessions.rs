//! PRODUCT's rule over the previous event: what an event does depends on nothing but the user's event
//! before it, so window functions can say it.
//!
//! An `end` or `expiry` that finds no open session within the timeout leaves the user as it found it:
//! whatever parted it from the session before (a longer gap, another end, midnight) parts the next
//! event from it too. Starts come first at one instant, so a start joins exactly when the event
//! before it is a start at the same instant. `--max-length` looks back to the session's start, and
//! cannot be said this way.

use super::dialect::Dialect;
use super::expressions::{TimeKind, UserKind, in_window, sqlite_guess};
use super::question::{EventSource, Question};
use super::statement::Statement;
use crate::error::Failure;
use crate::events::{EARLIEST, LATEST, Role};
use crate::time::duration::write_duration;
use crate::time::timestamp::print_instant;
use crate::visible::visible;

/// The names of the steps.
const STEPS: [&str; 10] = [
    "entries",
    "clocks",
    "zones",
    "instants",
    "events",
    "distinct_events",
    "linked",
    "judged",
    "members",
    "numbered",
];

/// The step with one row per session.
pub const SESSIONS: &str = "sessions";

/// The question as a statement: one row per session, `user_id, session_start, session_end,
/// start_micros, end_micros, duration_micros, events, open`, by user and then start. It has no
/// semicolon at its end.
///
/// # Errors
///
/// A name that is no identifier, and sources of which none takes part.
pub fn sessions(question: &Question) -> Result<String, Failure> {
    let mut statement = steps(question)?;
    statement.head(head(question)?);
    let dialect = question.dialect;
    let now = match question.now {
        Some(now) => now.to_string(),
        None => dialect.clock().to_owned(),
    };
    let user = match keeps_integers(question) {
        true => dialect.readable(&dialect.exact_text("user_id")),
        false => dialect.readable("user_id"),
    };
    let user = match user.as_str() {
        "user_id" => user,
        _ => format!("{user} AS user_id"),
    };
    let sessions = statement.name(SESSIONS);
    Ok(statement.finish(&format!(
        "SELECT {user},
    {} AS session_start,
    {} AS session_end,
    start_micros,
    end_micros,
    end_micros - start_micros AS duration_micros,
    events,
    CASE WHEN end_micros > {now} - {} THEN 1 ELSE 0 END AS open
FROM {sessions}
ORDER BY {sessions}.user_id, start_micros",
        dialect.timestamp("start_micros"),
        dialect.timestamp("end_micros"),
        question.timeout.micros(),
    )))
}

/// The chain of steps whose last one, [`SESSIONS`], has one row per session of the window:
/// `user_id` (text that is compared byte by byte; bytes in MySQL; integers where every source that
/// takes part has [`UserKind::Integer`], but in SQLite), `start_micros`, `end_micros`,
/// `events`, and where the question counts sources `events_1`, `events_2` … by
/// [`Question::numbered`].
///
/// # Errors
///
/// As [`sessions`].
pub fn steps(question: &Question) -> Result<Statement, Failure> {
    let sources = question.taking_part()?;
    let relations = sources.iter().map(|(_, source)| &source.relation);
    let mut names = STEPS.to_vec();
    names.push(SESSIONS);
    let mut chain = Chain {
        question,
        roles: Roles::of(&sources),
        statement: Statement::over(relations, &names),
        has_source: question.counts_sources || needs_source(&sources),
        sources,
    };
    chain.entries()?;
    chain.instants();
    let events = chain.events();
    chain.linked(events);
    chain.judged();
    let members = chain.members();
    chain.numbered(members);
    chain.sessions();
    Ok(chain.statement)
}

/// Whether users are compared as integers.
fn keeps_integers(question: &Question) -> bool {
    let mut kinds = question
        .numbered()
        .into_iter()
        .map(|(_, source)| source.user.1);
    question.dialect != Dialect::Sqlite && kinds.all(|kind| kind == UserKind::Integer)
}

/// Whether anything but users and times decides.
fn needs_source(sources: &[(usize, &EventSource)]) -> bool {
    let has_roles = |(_, source): &(usize, &EventSource)| source.role != Role::Activity;
    let drops = |(_, source): &(usize, &EventSource)| source.drop_duplicates;
    sources.iter().any(has_roles) || sources.len() > 1 && sources.iter().any(drops)
}

/// The numbers of sources by what they do: numbers ascend by role.
struct Roles {
    starts: Vec<usize>,
    activity: Vec<usize>,
    ends: Vec<usize>,
    expiries: Vec<usize>,
}

impl Roles {
    fn of(sources: &[(usize, &EventSource)]) -> Self {
        let with = |role: Role| {
            let those = sources
                .iter()
                .filter(move |(_, source)| source.role == role);
            those.map(|(number, _)| *number).collect()
        };
        Self {
            starts: with(Role::Start),
            activity: with(Role::Activity),
            ends: with(Role::End),
            expiries: with(Role::Expiry),
        }
    }

    /// Whether something closes sessions before their timeout.
    fn has_closing(&self) -> bool {
        !self.ends.is_empty() || !self.expiries.is_empty()
    }

    /// The starts and the activity.
    fn opening(&self) -> Vec<usize> {
        [self.starts.as_slice(), &self.activity].concat()
    }

    /// The ends and the expiries.
    fn closing(&self) -> Vec<usize> {
        [self.ends.as_slice(), &self.expiries].concat()
    }
}

/// `source = 1`, or `source IN (1, 2)`.
fn is_among(column: &str, numbers: &[usize]) -> String {
    let listed: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match listed.as_slice() {
        [only] => format!("{column} = {only}"),
        _ => format!("{column} IN ({})", listed.join(", ")),
    }
}

/// `source <> 1`, or `source NOT IN (1, 2)`.
fn is_not_among(column: &str, numbers: &[usize]) -> String {
    match numbers {
        [only] => format!("{column} <> {only}"),
        _ => is_among(column, numbers).replacen(" IN ", " NOT IN ", 1),
    }
}

/// A statement that grows by one step after the other.
struct Chain<'a> {
    question: &'a Question,
    sources: Vec<(usize, &'a EventSource)>,
    roles: Roles,
    statement: Statement,
    /// Whether the rows carry their source's number.
    has_source: bool,
}

impl Chain<'_> {
    /// `, source` where the rows carry it.
    fn source(&self) -> &'static str {
        if self.has_source { ", source" } else { "" }
    }

    fn name(&self, step: &str) -> String {
        self.statement.name(step)
    }

    /// Every source's rows, one SELECT each.
    fn entries(&mut self) -> Result<(), Failure> {
        let dialect = self.question.dialect;
        let mut selects = Vec::new();
        for (number, source) in &self.sources {
            let user = format!("entry.{}", dialect.identifier(&source.user.0)?);
            let time = format!("entry.{}", dialect.identifier(&source.time.0)?);
            let mut select = format!(
                "SELECT {} AS user_id,\n        {} AS micros",
                match keeps_integers(self.question) {
                    true => user,
                    false => dialect.user_text(source.user.1, &user),
                },
                dialect.micros(source.time.1, &time),
            );
            if self.reads_text() {
                select += &match source.time.1 {
                    TimeKind::Timestamp => format!(",\n        {time} || '' AS written"),
                    TimeKind::Epoch(..) => ",\n        NULL AS written".to_owned(),
                };
            }
            if self.has_source {
                select += &format!(",\n        {number} AS source");
            }
            let mut relation = source.relation.text(dialect)?;
            // ClickHouse would take its own names of this SELECT for columns of the condition.
            if let (Dialect::Clickhouse, Some(own)) = (dialect, &source.condition) {
                relation = format!("(SELECT * FROM {relation} AS entry WHERE (\n{own}\n    ))");
            }
            select += &format!("\n    FROM {relation} AS entry");
            let conditions = self.conditions(source, &time);
            if !conditions.is_empty() {
                select += &format!("\n    WHERE {}", conditions.join("\n        AND "));
            }
            selects.push(select);
        }
        let why = match self.has_source {
            true => "every row: who, when, and the number of its source",
            false => "every row: who and when",
        };
        let body = selects.join("\n    UNION ALL\n    ");
        self.statement.step("entries", why, body);
        Ok(())
    }

    /// What a row must meet to be looked at, said of the columns as they stand.
    fn conditions(&self, source: &EventSource, time: &str) -> Vec<String> {
        // On lines of its own: it may end in a comment.
        let own = source.condition.iter();
        let own = own.filter(|_| self.question.dialect != Dialect::Clickhouse);
        let mut conditions: Vec<String> = own.map(|own| format!("(\n{own}\n    )")).collect();
        match (self.question.dialect, source.time.1) {
            // Infinity is no number of microseconds, and the farthest years are too many.
            (Dialect::Postgres, TimeKind::Timestamp) => {
                let first = print_instant(self.question.earliest());
                let last = print_instant(LATEST);
                conditions.push(format!("{time} BETWEEN '{first}' AND '{last}'"));
            }
            (dialect, kind) => {
                if (dialect, kind) == (Dialect::Duckdb, TimeKind::Timestamp) {
                    conditions.push(format!("isfinite({time})"));
                }
                let earliest = self.question.earliest();
                let bound = (earliest > EARLIEST).then(|| dialect.not_before(kind, time, earliest));
                conditions.extend(bound.flatten());
            }
        }
        conditions
    }

    /// Whether times are taken from text, as in SQLite.
    fn reads_text(&self) -> bool {
        let is_text = |(_, source): &(usize, &EventSource)| source.time.1 == TimeKind::Timestamp;
        self.question.dialect == Dialect::Sqlite && self.sources.iter().any(is_text)
    }

    /// Where times are taken from text: a number, or a clock, its fraction and its offset; then the
    /// instant. SQLite's own functions know milliseconds at best, and round.
    fn instants(&mut self) {
        if !self.reads_text() {
            return;
        }
        let source = self.source();
        let body = format!(
            "SELECT user_id, micros{source}, substr(written, 11, 1) AS separator,
        CASE WHEN CAST(CAST(written AS INTEGER) AS TEXT) = written THEN CAST(written AS INTEGER) END
            AS number,
        substr(written, 1, 10) || ' ' || substr(written, 12, 5)
            || CASE substr(written, 17, 1) WHEN ':' THEN substr(written, 17, 3) ELSE ':00' END
            AS clock,
        CASE substr(written, 17, 1) WHEN ':' THEN substr(written, 20) ELSE substr(written, 17) END
            AS rest
    FROM {}",
            self.name("entries")
        );
        let why = "a time as a number, or as the clock's seconds and what follows them";
        self.statement.kept_step("clocks", why, body);
        let body = format!(
            "SELECT user_id, micros{source}, separator, number, clock,
        substr(rest, 1, length(rest) - length(ltrim(rest, '.0123456789'))) AS fraction,
        ltrim(rest, '.0123456789') AS zone
    FROM {}",
            self.name("clocks")
        );
        let why = "what follows as the fraction of the second and the clock's offset";
        self.statement.kept_step("zones", why, body);
        let body = format!(
            "SELECT user_id{source},
        CASE
            WHEN micros IS NOT NULL THEN micros{}
            WHEN separator IN ('T', 't', ' ')
                AND strftime('%Y-%m-%d %H:%M:%S', clock, '+0 days') = clock
                AND (fraction = '' OR fraction GLOB '.[0-9]*')
                AND substr(fraction, 2) NOT GLOB '*[^0-9]*'
                THEN (CAST(strftime('%s', clock) AS INTEGER) - 60 * CASE
                    WHEN zone IN ('', 'Z', 'z') THEN 0
                    WHEN zone GLOB '[+-][0-2][0-9]' OR zone GLOB '[+-][0-2][0-9][0-5][0-9]'
                        OR zone GLOB '[+-][0-2][0-9]:[0-5][0-9]'
                        THEN CAST(substr(zone, 1, 1) || (CAST(substr(zone, 2, 2) AS INTEGER) * 60
                            + CAST(substr(substr(zone, 4), -2) AS INTEGER)) AS INTEGER)
                    END) * 1000000
                    + CAST(substr(substr(fraction, 2) || '000000', 1, 6) AS INTEGER)
        END AS micros
    FROM {}",
            sqlite_guess("number"),
            self.name("zones")
        );
        let why = "the instant in microseconds since 1970; null where it is none";
        self.statement.kept_step("instants", why, body);
    }

    /// The rows that are events, each once where duplicates are dropped; the step's name.
    fn events(&mut self) -> &'static str {
        let from = match self.reads_text() {
            true => self.name("instants"),
            false => self.name("entries"),
        };
        let earliest = self.question.earliest();
        let why = match earliest == EARLIEST {
            true => "rows with a user and with a time in the years 829 to 3111".to_owned(),
            false => format!(
                "rows with a user and with a time from one timeout before the window on, {}",
                print_instant(earliest)
            ),
        };
        let is_user = match keeps_integers(self.question) {
            true => "user_id IS NOT NULL",
            false => "user_id IS NOT NULL AND user_id <> ''",
        };
        let body = format!(
            "SELECT user_id, micros{source}\n    FROM {from}\n    WHERE {is_user}\n        AND micros IS NOT NULL AND micros BETWEEN {earliest} AND {LATEST}",
            source = self.source()
        );
        self.statement.step("events", why, body);
        let dropping = |(_, source): &&(usize, &EventSource)| source.drop_duplicates;
        let dropped: Vec<usize> = self
            .sources
            .iter()
            .filter(dropping)
            .map(|(number, _)| *number)
            .collect();
        if dropped.is_empty() {
            return "events";
        }
        let (source, events) = (self.source(), self.name("events"));
        let mut body = format!("SELECT DISTINCT user_id, micros{source}\n    FROM {events}");
        if dropped.len() < self.sources.len() {
            body += &format!(
                "\n    WHERE {}\n    UNION ALL\n    SELECT user_id, micros{source}\n    \
                 FROM {events}\n    WHERE {}",
                is_among("source", &dropped),
                is_not_among("source", &dropped)
            );
        }
        let why = "of rows equal in source, user and time, one";
        self.statement.step("distinct_events", why, body);
        "distinct_events"
    }

    /// Each event with the one before it.
    fn linked(&mut self, events: &str) {
        let dialect = self.question.dialect;
        let order = format!("micros{}", self.source());
        let previous = |column: &str| {
            let before = dialect.before(column, &order);
            format!(",\n        {before} AS previous_{column}")
        };
        let mut body = format!(
            "SELECT user_id, micros{}{}",
            self.source(),
            previous("micros")
        );
        if self.has_roles() {
            body += &previous("source");
        }
        body += &format!("\n    FROM {}", self.name(events));
        let why = "each event with the same user's event before it";
        self.statement.step("linked", why, body);
    }

    fn has_roles(&self) -> bool {
        !self.roles.starts.is_empty() || self.roles.has_closing()
    }

    /// The rule itself.
    fn judged(&mut self) {
        let Self {
            question, roles, ..
        } = self;
        let mut opens = vec![(
            "previous_micros IS NULL".to_owned(),
            "the user's first event",
        )];
        if !roles.starts.is_empty() {
            opens.push((
                format!(
                    "{} AND ({} OR previous_micros < micros)",
                    is_among("source", &roles.starts),
                    is_not_among("previous_source", &roles.starts)
                ),
                "a start; several at one instant open one session",
            ));
        }
        if roles.has_closing() {
            let closing = is_among("previous_source", &roles.closing());
            opens.push((closing, "an end or expiry before it"));
        }
        let gap = format!("micros - previous_micros > {}", question.timeout.micros());
        opens.push((gap, "a gap longer than the timeout"));
        if let Some(midnights) = &question.midnights {
            let since = midnights.since_midnight(question.dialect, "micros");
            opens.push((
                format!("micros - previous_micros > {since}"),
                "a midnight between",
            ));
        }
        let cases: String = opens
            .iter()
            .map(|(condition, why)| format!("\n            WHEN {condition} THEN 1 -- {why}"))
            .collect();
        let body = format!(
            "SELECT user_id, micros{},\n        CASE{cases}\n            ELSE 0\n        END AS opens\n    \
             FROM {}",
            self.source(),
            self.name("linked")
        );
        let why = "whether the event is parted from the one before it";
        self.statement.step("judged", why, body);
    }

    /// The events that belong to sessions; the step's name.
    fn members(&mut self) -> &'static str {
        let roles = &self.roles;
        if !roles.has_closing() {
            return "judged";
        }
        let mut conditions = Vec::new();
        if !roles.opening().is_empty() {
            conditions.push(is_among("source", &roles.opening()));
        }
        if !roles.ends.is_empty() {
            conditions.push(format!("{} AND opens = 0", is_among("source", &roles.ends)));
        }
        if conditions.is_empty() {
            conditions.push("1 = 0".to_owned());
        }
        let body = format!(
            "SELECT user_id, micros, source, opens\n    FROM {}\n    WHERE {}",
            self.name("judged"),
            conditions.join("\n        OR ")
        );
        let why = "without expiries, and without ends that close nothing";
        self.statement.step("members", why, body);
        "members"
    }

    /// Each event with the number of its session. Rows of one instant and source are of one session,
    /// whichever of them opens it; by rows instead of a range, one that comes before the opening row
    /// here and after it among [`Self::linked`] would be taken for the session before.
    fn numbered(&mut self, members: &str) {
        let source = self.source();
        let body = format!(
            "SELECT user_id, micros{source},
        sum(opens) OVER (PARTITION BY user_id ORDER BY micros{source}
            RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session_number
    FROM {}",
            self.name(members)
        );
        let why = "each event with its session's number among the user's";
        self.statement.step("numbered", why, body);
    }

    /// One row per session of the window.
    fn sessions(&mut self) {
        let mut body = "SELECT user_id, min(micros) AS start_micros, max(micros) AS end_micros, \
                        count(*) AS events"
            .to_owned();
        if self.question.counts_sources {
            for (number, _) in &self.sources {
                body += &format!(
                    ",\n        sum(CASE WHEN source = {number} THEN 1 ELSE 0 END) AS events_{number}"
                );
            }
        }
        body += &format!(
            "\n    FROM {}\n    GROUP BY user_id, session_number",
            self.name("numbered")
        );
        let mut why = "one row per session".to_owned();
        if let Some(window) = in_window("min(micros)", self.question.window) {
            body += &format!("\n    HAVING {window}");
            why += " that starts in the window";
        }
        self.statement.step(SESSIONS, why, body);
    }
}

/// What comes out, and by which rule, in words.
fn head(question: &Question) -> Result<Vec<String>, Failure> {
    let timeout = write_duration(question.timeout.micros());
    let columns = "One row per session, by user and then start.

  user_id          text: who, as the sources write the id
  session_start    timestamp in UTC: its first event
  session_end      timestamp in UTC: its last event
  start_micros     integer: its first event, in microseconds since 1970, UTC
  end_micros       integer: its last event, likewise
  duration_micros  integer: last event minus first; a lower bound of the time spent
  events           integer: how many
  open             integer: 1 while the timeout after its last event has not passed, else 0
";
    let mut lines: Vec<String> = columns.lines().map(str::to_owned).collect();
    lines.push(String::new());
    lines.push(format!(
        "A gap of more than {timeout} between two events of one user starts a new session, a gap"
    ));
    lines.push(format!("of exactly {timeout} does not."));
    if question.midnights.is_some() {
        lines.push("Midnight starts a new session too.".to_owned());
    }
    let (from, to) = question.window;
    match (from.map(print_instant), to.map(print_instant)) {
        (None, None) => {}
        (Some(from), None) => lines.push(format!("Only sessions that start from {from} on.")),
        (None, Some(to)) => lines.push(format!("Only sessions that start before {to}.")),
        (Some(from), Some(to)) => lines.push(format!(
            "Only sessions that start from {from} on and before {to}."
        )),
    }
    lines.push(match question.now {
        Some(now) => format!("The data was taken at {}.", print_instant(now)),
        None => "The data is taken to be as old as the engine's clock says.".to_owned(),
    });
    lines.push(String::new());
    lines.push("Sources, in the order in which they count at one instant:".to_owned());
    for (number, source) in question.taking_part()? {
        let drops = match source.drop_duplicates {
            true => ", without duplicates",
            false => "",
        };
        let (name, role) = (visible(&source.name), source.role.name());
        lines.push(format!("  {number}  {name} ({role}{drops})"));
    }
    lines.push(
        "Rows without a user, without a time, or with one outside the years 829 to 3111".to_owned(),
    );
    lines.push("are left out.".to_owned());
    let is_number = |source: &EventSource| matches!(source.time.1, TimeKind::Epoch(..));
    if question.sources.iter().any(is_number) {
        lines.push("Numbers outside the years that are expected of them are no times.".to_owned());
    }
    lines.extend(
        needs(question.dialect)
            .into_iter()
            .flat_map(str::lines)
            .map(str::to_owned),
    );
    Ok(lines)
}

/// What an engine needs for the statement to be exact, or where it is not.
fn needs(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Postgres => Some("For PostgreSQL 14 and newer."),
        Dialect::Mysql => Some(concat!(
            "Columns of the type TIMESTAMP need, before it: SET time_zone = '+00:00';\n",
            "users of bytes a query that writes them as text, such as lower(hex(id)); and users\n",
            "longer than max_sort_length (1024 bytes) a higher one: no more of them is compared.",
        )),
        Dialect::Sqlite => Some("For SQLite 3.35 and newer."),
        Dialect::Spark => {
            Some("Times without a zone need a session in UTC: spark.sql.session.timeZone.")
        }
        Dialect::Duckdb => {
            Some("Columns of the type TIMESTAMP_NS are rounded to the microsecond, not floored.")
        }
        Dialect::Clickhouse => {
            Some("Before 1970, what is finer than a microsecond is cut towards 1970, not floored.")
        }
        Dialect::Trino => Some("Times without a zone need a session in UTC: SET TIME ZONE 'UTC'."),
        _ => None,
    }
}
