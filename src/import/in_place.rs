//! Sources that are not read: the sessions are made where the rows are, in the one database that
//! holds them all. What is opened here says how each source stands in a statement; what its values
//! would need of the importers' own reading is refused.

use crate::error::{self, Failure, SourcePlace};
use crate::events::{self, EARLIEST, LATEST, Micros, Role};
use crate::import::database::{
    ColumnKind, Counted, Database, Reading, ResultColumn, Span, TimeKind as ColumnTime,
};
use crate::import::inputs::{self, Body, Input, Unit};
use crate::import::intake::Anonymous;
use crate::import::ledger::{Counts, SourceRecord};
use crate::import::mysql;
use crate::import::window::everything;
use crate::import::{Options, say_columns, say_times, say_zoneless};
use crate::sql::{Dialect, EventSource, NO_SAMPLE, Relation, TimeKind, UserKind};
use crate::time::timestamp::{EpochUnit, Hour24, TimeCounts, print_instant};
use crate::time::zone::Zone;

/// The sources of a run, all in one open database.
#[derive(Debug)]
pub(crate) struct InPlace {
    database: Database,
    /// By role and then name.
    pub(crate) sources: Vec<Source>,
    /// What a reader should know, a line each.
    pub(crate) notes: Vec<String>,
    /// What was asked, a line each.
    pub(crate) asked: Vec<String>,
}

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) place: SourcePlace,
    pub(crate) role: Role,
    pub(crate) drop_duplicates: bool,
    reading: Reading,
    /// How its times compare in a server; `None` in SQLite, which is read as a whole.
    counted: Option<Counted>,
    /// An expression for the user over the rows as they are called `given`, and what it gives.
    user: (String, UserKind),
    /// The same for the time.
    time: (String, TimeKind),
    /// What to say where it has rows: how its times without an offset are taken.
    zoneless: Option<String>,
}

/// The names of the two columns of every source in a statement.
const USER: &str = "session_user_id";
const TIME: &str = "session_event_time";

/// Opens the database and looks at what each source's columns hold.
///
/// # Errors
///
/// What is no single database, and what its values would need that only reading them can do.
pub(crate) fn open(inputs: &[Input], options: &Options) -> Result<InPlace, Failure> {
    for input in inputs {
        if let Some(why) = unsayable(input) {
            return Err(refused(why));
        }
    }
    let opened = inputs::open(inputs, options)?;
    let is_table = |unit: &Unit| matches!(unit.body, Body::Table { .. });
    if let Some(file) = opened.units.iter().find(|unit| !is_table(unit)) {
        let message = format!("{} is no database", file.place);
        return Err(refused(&message));
    }
    let mut databases = opened.databases.into_iter();
    let (Some(database), None) = (databases.next(), databases.next()) else {
        return Err(refused("the sources are in several databases"));
    };
    let mut place = InPlace {
        database,
        sources: Vec::new(),
        notes: opened.notes,
        asked: Vec::new(),
    };
    place.check_encoding()?;
    for unit in &opened.units {
        let source = place.describe(unit, &inputs[unit.input])?;
        place.sources.push(source);
    }
    let order = |source: &Source| (source.role, source.place.name.clone());
    place.sources.sort_by_key(order);
    Ok(place)
}

/// A usage error that says why the database cannot answer, and what can.
pub(crate) fn refused(why: &str) -> Failure {
    Failure::new(error::USAGE, format!("--engine database: {why}"))
        .help("use --engine local, which reads the rows")
}

/// What is said of an input's rows that no statement can do.
fn unsayable(input: &Input) -> Option<&'static str> {
    let (terms, time) = (&input.terms, &input.terms.time);
    let all = [
        (
            terms.filter.only.is_some(),
            "--users names users that the database does not know of",
        ),
        (terms.filter.sample.is_some(), NO_SAMPLE),
        (
            time.earliest > EARLIEST || time.latest < LATEST,
            "--min-time and --max-future refuse rows one by one",
        ),
        (
            terms.anonymous == Anonymous::Skip,
            "--anonymous skip leaves rows out one by one",
        ),
        (
            !terms.null_words.is_empty(),
            "--null-words leaves values out one by one",
        ),
        (terms.latin1, "--encoding is for text files"),
        (
            time.format.is_some(),
            "--time-format is read by the program, not by the database",
        ),
        (
            time.hour_24 == Hour24::NextDay,
            "--hour-24 is read by the program, not by the database",
        ),
        (
            time.epoch_unit == Some(EpochUnit::Nanoseconds),
            "--epoch-unit ns floors times, which are counted one by one",
        ),
    ];
    let mut said = all.into_iter().filter(|(is_said, _)| *is_said);
    said.next().map(|(_, why)| why)
}

impl InPlace {
    /// Whose SQL is asked.
    pub(crate) fn dialect(&self) -> Dialect {
        self.database.catalogue().dialect
    }

    /// Runs one statement whose columns are texts and integers, and gives every cell as text.
    pub(crate) fn ask(&mut self, statement: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        self.asked.push(one_line(statement));
        let answer = self.database.ask(statement);
        answer.map_err(|failure| match self.sources.first() {
            Some(source) => failure.in_source(&SourcePlace {
                name: self.names().join(", "),
                ..source.place.clone()
            }),
            None => failure,
        })
    }

    fn names(&self) -> Vec<&str> {
        let sources = self.sources.iter();
        sources.map(|source| source.place.name.as_str()).collect()
    }

    /// A server that does not know how its texts are encoded would take anything for a user.
    fn check_encoding(&mut self) -> Result<(), Failure> {
        if self.dialect() != Dialect::Postgres {
            return Ok(());
        }
        let encoding = self.ask("SELECT current_setting('server_encoding')")?;
        match encoding.iter().flatten().flatten().next() {
            Some(encoding) if encoding == "SQL_ASCII" => Err(refused(
                "the database has no encoding (SQL_ASCII), so its texts may be anything",
            )),
            _ => Ok(()),
        }
    }

    fn describe(&mut self, unit: &Unit, input: &Input) -> Result<Source, Failure> {
        let (Body::Table { query, .. }, place) = (&unit.body, &unit.place) else {
            return Err(Failure::new(error::BUG, "a table is asked, not a file"));
        };
        let reading = self.database.prepare(query, place)?;
        if reading.is_live {
            return Err(refused(
                "the table keeps no state of the data between one statement and the next",
            )
            .in_source(place));
        }
        let (user, time) = self.database.columns(&reading, place)?;
        let dialect = self.dialect();
        let placed = |failure: Failure| failure.in_source(place);
        let given = |column: &ResultColumn| dialect.identifier(&column.name);
        let user_column = format!("given.{}", given(&user).map_err(placed)?);
        let time_column = format!("given.{}", given(&time).map_err(placed)?);
        let spec = &input.terms.time;
        let (counted, time, zoneless) = match dialect {
            Dialect::Sqlite => {
                let met = self.met_in(&reading, &time_column, place)?;
                let (time, is_zoneless) = met.time(time_column, input).map_err(placed)?;
                (None, time, is_zoneless)
            }
            _ => {
                let counted = Counted::of(reading.time_kind, spec);
                let time = server_time(dialect, &reading, time_column, input).map_err(placed)?;
                (counted, time, reading.time_kind == ColumnTime::Local)
            }
        };
        let zone = spec.zone.unwrap_or(Zone::UTC);
        Ok(Source {
            user: user_of(dialect, &user, user_column).map_err(placed)?,
            place: place.clone(),
            role: unit.role,
            drop_duplicates: input.drop_duplicates,
            reading,
            counted,
            time,
            zoneless: zoneless.then(|| zone.to_string()),
        })
    }

    /// Which kinds of values SQLite holds in a column of times.
    fn met_in(
        &mut self,
        reading: &Reading,
        time: &str,
        place: &SourcePlace,
    ) -> Result<MetTimes, Failure> {
        let statement = format!(
            "SELECT typeof({time}), sum({time} NOT GLOB '*Z' AND substr({time}, -6, 1) NOT IN ('+', '-'))
FROM (\n{}\n) AS given
GROUP BY typeof({time})",
            reading.statement
        );
        let mut met = MetTimes::default();
        let answer = self.database.ask(&statement);
        for row in answer.map_err(|failure| failure.in_source(place))? {
            let mut cells = row.into_iter();
            match cells.next().flatten().as_deref() {
                Some("text") => {
                    met.texts = true;
                    met.zoneless = cells.next().flatten().is_some_and(|count| count != "0");
                }
                Some("integer") => met.numbers = true,
                Some("null") | None => {}
                Some(_) => met.others = true,
            }
        }
        Ok(met)
    }

    /// The first and last time of each source that can be used; none for one without.
    pub(crate) fn ends(&mut self) -> Result<Vec<Option<(Micros, Micros)>>, Failure> {
        let mut all = Vec::new();
        for source in &self.sources {
            let Some(counted) = source.counted else {
                all.push(None);
                continue;
            };
            let span = everything(counted);
            let ends = self.database.ends(&source.reading, &span, &source.place)?;
            all.push(
                ends.and_then(|(first, last)| counted.instant(first).zip(counted.instant(last))),
            );
        }
        Ok(all)
    }

    /// Whether a part of time can be asked for, rather than all of it.
    pub(crate) fn knows_spans(&self) -> bool {
        self.sources.iter().all(|source| source.counted.is_some())
    }

    /// Says which columns of a source were chosen, and what was made of its times: how many events
    /// there are, and how many of them are of 1970.
    pub(crate) fn say(&mut self, source: usize, events: u64, zeros: u64) {
        let source = &self.sources[source];
        if let (Some(zone), 1..) = (&source.zoneless, events) {
            say_zoneless(&source.place, zone, &mut self.notes);
        }
        let Reading { user, time, .. } = &source.reading;
        let chosen = [("user", user.clone()), ("time", time.clone())];
        say_columns(&source.place, &chosen, &mut self.notes);
        let mut times = TimeCounts::default();
        times.zero = zeros;
        say_times(&source.place, &times, &mut self.notes);
    }
}

impl Source {
    /// The source as it stands in a statement, with the rows of a part of time.
    pub(crate) fn in_statement(
        &self,
        dialect: Dialect,
        (from, to): (Option<Micros>, Option<Micros>),
    ) -> Result<EventSource, Failure> {
        let span = match self.counted {
            Some(counted) => Span {
                from: from.map(|at| counted.from(at)),
                to: to.map(|at| counted.to(at)),
            },
            None => Span::default(),
        };
        let bounds: Vec<i64> = span.from.into_iter().chain(span.to).collect();
        let literal = |place: usize| self.literal(dialect, bounds[place - 1]);
        let rows = self.reading.bounded(dialect, &span, literal)?;
        let query = format!(
            "SELECT {} AS {USER}, {} AS {TIME} FROM (\n{rows}\n) AS given",
            self.user.0, self.time.0
        );
        Ok(EventSource {
            name: self.place.name.clone(),
            role: self.role,
            drop_duplicates: self.drop_duplicates,
            relation: Relation::Query(query),
            condition: None,
            user: (USER.to_owned(), self.user.1),
            time: (TIME.to_owned(), self.time.1),
        })
    }

    /// A bound of its times as the database reads it.
    fn literal(&self, dialect: Dialect, value: i64) -> String {
        let kind = match self.reading.time_kind {
            ColumnTime::Number | ColumnTime::Read => return value.to_string(),
            ColumnTime::Instant => "timestamptz",
            ColumnTime::Local => "timestamp",
        };
        match dialect {
            Dialect::Mysql => format!("CAST('{}' AS DATETIME(6))", mysql::literal(value)),
            _ => {
                let at = print_instant(value.clamp(EARLIEST, LATEST));
                format!("CAST('{at}' AS {kind})")
            }
        }
    }

    /// The same for the engine.
    pub(crate) fn of_engine(&self) -> events::Source {
        events::Source {
            name: self.place.name.clone(),
            role: self.role,
            drop_duplicates: self.drop_duplicates,
        }
    }

    /// What is known of its rows before they are looked at, and how many they are.
    pub(crate) fn record(&self, read: u64) -> SourceRecord {
        SourceRecord {
            name: self.place.name.clone(),
            kind: self.place.kind,
            place: self.place.place.clone(),
            role: self.role,
            counts: Counts {
                read,
                ..Counts::default()
            },
            rejected_by_kind: std::collections::BTreeMap::new(),
            floored: 0,
            leap_seconds: 0,
            extent: None,
        }
    }
}

/// A statement to be shown in one line.
fn one_line(statement: &str) -> String {
    let line = |line: &str| match line.split_once("-- ") {
        Some((before, why)) => format!("{before}/* {why} */"),
        None => line.to_owned(),
    };
    let lines: Vec<String> = statement.lines().map(line).collect();
    let lines = lines.join(" ");
    let words: Vec<&str> = lines.split_whitespace().collect();
    words.join(" ")
}

/// The users of a column, and what they are.
fn user_of(
    dialect: Dialect,
    column: &ResultColumn,
    user: String,
) -> Result<(String, UserKind), Failure> {
    let refusal = || {
        let name = &column.type_name;
        let why = format!("users of type {name} are written differently by the database");
        Err(refused(&why).help("use --engine local, or a query that casts them to text"))
    };
    let type_name = column.type_name.as_str();
    match (dialect, column.kind) {
        (Dialect::Sqlite, _) => Ok((sqlite_user(&user), UserKind::Plain)),
        // A number that is shown with leading zeros is a number still.
        (Dialect::Mysql, ColumnKind::Integer) => Ok((format!("{user} + 0"), UserKind::Plain)),
        (_, ColumnKind::Integer) => Ok((user, UserKind::Plain)),
        (Dialect::Mysql, ColumnKind::Text) => {
            // Of a longer one the server compares the beginning alone.
            let text = format!("CAST(CONVERT({user} USING utf8mb4) AS BINARY)");
            let whole = format!(
                "CASE WHEN locate(x'00', {text}) = 0 AND length({text}) <= @@max_sort_length \
                 THEN {user} END"
            );
            Ok((whole, UserKind::Plain))
        }
        (Dialect::Mysql, ColumnKind::Binary) => Ok((user, UserKind::Binary)),
        (_, ColumnKind::Text) => match type_name {
            "text" | "varchar" | "name" | "citext" => Ok((user, UserKind::Plain)),
            "char" => Ok((user, UserKind::Padded)),
            _ => refusal(),
        },
        (_, ColumnKind::Binary) => match type_name {
            "uuid" => Ok((user, UserKind::Plain)),
            "bytea" => Ok((user, UserKind::Binary)),
            _ => refusal(),
        },
        _ => refusal(),
    }
}

/// A user of SQLite; null where a text is no UTF-8 or holds a NUL, which SQLite lets in. Each
/// character that is not ASCII must be what its own code gives again.
fn sqlite_user(user: &str) -> String {
    format!(
        "CASE WHEN typeof({user}) <> 'text' THEN {user}
        WHEN instr(CAST({user} AS BLOB), x'00') > 0 THEN NULL
        WHEN {user} NOT GLOB '*[^ -~]*' THEN {user}
        WHEN EXISTS (
            WITH RECURSIVE places(place) AS (
                SELECT 1 UNION ALL SELECT place + 1 FROM places WHERE place < length({user})
            )
            SELECT 1 FROM places
            WHERE CAST(substr({user}, place, 1) AS BLOB)
                <> CAST(char(unicode(substr({user}, place, 1))) AS BLOB)
        ) THEN NULL
        ELSE {user} END"
    )
}

/// The times of a server's column, and what they are.
fn server_time(
    dialect: Dialect,
    reading: &Reading,
    time: String,
    input: &Input,
) -> Result<(String, TimeKind), Failure> {
    let spec = &input.terms.time;
    match reading.time_kind {
        ColumnTime::Instant => Ok((time, TimeKind::Timestamp)),
        ColumnTime::Local => {
            let seconds = fixed_offset(spec.zone)?;
            let shifted = match (seconds, dialect) {
                (0, _) => time,
                (_, Dialect::Mysql) => format!("{time} - INTERVAL {seconds} SECOND"),
                _ => format!("{time} - INTERVAL '{seconds} seconds'"),
            };
            Ok((shifted, TimeKind::Timestamp))
        }
        ColumnTime::Number => numbers(time, input),
        ColumnTime::Read => Err(refused(&format!(
            "column \"{}\" holds times as text, or as numbers with a fraction, which each server \
             reads in its own way",
            reading.time
        ))),
    }
}

fn numbers(time: String, input: &Input) -> Result<(String, TimeKind), Failure> {
    let spec = &input.terms.time;
    match spec.epoch_unit {
        Some(unit) => Ok((time, TimeKind::Epoch(unit, spec.epoch_window))),
        None => Err(
            refused("numeric times need a unit, which only reading them all would tell")
                .help("say --epoch-unit, or epoch_unit of the source"),
        ),
    }
}

/// The seconds that a clock is always ahead of UTC.
fn fixed_offset(zone: Option<Zone>) -> Result<i64, Failure> {
    match zone {
        None | Some(Zone::UTC) => Ok(0),
        Some(Zone::Fixed(seconds)) => Ok(seconds.into()),
        Some(zone) => Err(refused(&format!(
            "times without an offset are of {zone}, where the clock changes"
        ))),
    }
}

/// What SQLite holds in a column of times.
#[derive(Clone, Copy, Debug, Default)]
struct MetTimes {
    texts: bool,
    /// Whether a text has no offset.
    zoneless: bool,
    numbers: bool,
    others: bool,
}

impl MetTimes {
    /// The times of the column, what they are, and whether any has no offset.
    fn time(self, time: String, input: &Input) -> Result<((String, TimeKind), bool), Failure> {
        if self.others || self.texts && self.numbers {
            return Err(refused(
                "the times are not all texts, nor all whole numbers, as they would have to be",
            ));
        }
        if self.numbers {
            return Ok((numbers(time, input)?, false));
        }
        let is_utc = fixed_offset(input.terms.time.zone).is_ok_and(|seconds| seconds == 0);
        if self.zoneless && !is_utc {
            return Err(refused("texts without an offset are read as UTC by SQLite"));
        }
        Ok(((plain_text(&time), TimeKind::Timestamp), self.zoneless))
    }
}

/// A text of SQLite that is a time in the one shape that is read alike here and there: with a `T` or
/// a space, without or with seconds, those with up to six digits more, and without an offset, or
/// with `Z` or one of hours and minutes; null for any other.
fn plain_text(time: &str) -> String {
    const DIGIT: &str = "[0-9]";
    let shape = "dddd-dd-dd[T ]dd:dd*".replace('d', DIGIT);
    let seven_digits = DIGIT.repeat(7);
    let rest = format!("substr({time}, 17)");
    format!(
        "CASE WHEN {time} GLOB '{shape}'
        AND {rest} NOT GLOB '*[^0-9.:+Z-]*' AND {rest} NOT GLOB '.*'
        AND {rest} NOT GLOB '*.{seven_digits}*'
        AND ({rest} NOT GLOB '*[+-]*' OR {time} GLOB '*[+-][01][0-9]:[0-5][0-9]'
            OR {time} GLOB '*[+-]2[0-3]:[0-5][0-9]')
        THEN {time} END"
    )
}
