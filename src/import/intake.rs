//! What every importer does with a row once its cells are found: read the time, name the user,
//! apply the filters of a pilot run, count what cannot be used, and hand events on in batches.

mod tracked;
mod typed;

use std::collections::{BTreeMap, HashSet};

use crate::error::{self, ErrorId};
use crate::events::{Batch, Micros, User, UserId};
use crate::import::columns::Rows;
use crate::import::meter::Meter;
use crate::import::names::SourceNames;
use crate::time::timestamp::{TimeCounts, TimeParser, TimeRefusal, TimeSpec};

pub(crate) use typed::{TypedTimes, Unit};

/// A user cell as a source gives it.
#[derive(Clone, Copy, Debug)]
pub enum UserValue<'a> {
    /// Text, not yet known to be UTF-8.
    Text(&'a [u8]),
    /// A typed integer.
    Number(i64),
    /// A typed null.
    Missing,
}

/// A time cell as a source gives it.
#[derive(Clone, Copy, Debug)]
pub enum TimeValue<'a> {
    /// Text, to be read by the one parser.
    Text(&'a [u8]),
    /// A number whose unit is the source's.
    Number(i64),
    /// A typed real number (a Julian day, where the source says so).
    Real(f64),
    /// A typed instant, microseconds since 1970 UTC.
    Instant(Micros),
    /// A typed local time without a zone, as microseconds since 1970 on the local clock.
    Local(Micros),
    /// A typed instant, nanoseconds since 1970 UTC.
    InstantNanos(i64),
    /// A typed local time without a zone, as nanoseconds since 1970 on the local clock.
    LocalNanos(i64),
    /// A value of a type that no time has, in words: `a blob`.
    Unusable(&'static str),
    /// A typed null.
    Missing,
}

/// Which source a row belongs to.
#[derive(Clone, Copy, Debug)]
pub enum SourceValue<'a> {
    /// The one source of the input, by its provisional number.
    Known(u8),
    /// The cell of `--source-column`; where the rows are no events, that of `Rows::beside`.
    Text(&'a [u8]),
    /// When the tracked session ended that the row is.
    End(TimeValue<'a>),
    /// The tracked session that the event belongs to.
    Id(UserValue<'a>),
}

/// What to do with a row that names no user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Anonymous {
    /// Refuse the row.
    #[default]
    Reject,
    /// Leave it out, counted as filtered.
    Skip,
}

/// The users of a pilot run.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// `--users`: only these.
    pub only: Option<HashSet<User>>,
    /// `--sample`: the share of users, between 0 and 1.
    pub sample: Option<f64>,
}

impl UserFilter {
    /// Whether a user's rows are asked for. A sample holds the same users in every source and run.
    pub fn keeps(&self, user: UserId<'_>) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.contains(&user.to_user()))
            && self
                .sample
                .is_none_or(|share| sample_position(user) < share)
    }

    fn keeps_all(&self) -> bool {
        self.only.is_none() && self.sample.is_none()
    }
}

/// A user's fixed place between 0 and 1: FNV-1a over the id's text, mixed once more so that near
/// ids lie far apart.
fn sample_position(user: UserId<'_>) -> f64 {
    let text = match user {
        UserId::Number(number) => number.to_string(),
        UserId::Text(text) => text.to_owned(),
    };
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = mixed ^ (mixed >> 33);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// How the rows of one input are read, whatever its format.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How times are written.
    pub time: TimeSpec,
    /// Words that stand for a missing user or time, beside the empty text.
    pub null_words: Vec<String>,
    /// What to do with rows that name no user.
    pub anonymous: Anonymous,
    /// Whether text is Latin-1 rather than UTF-8.
    pub latin1: bool,
    /// The users asked for.
    pub filter: std::sync::Arc<UserFilter>,
}

/// Where a rejected row stands: block, then line within the block, both from 0.
type Place = (u64, u64);

/// A rejected row before its block's first line is known.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) place: Place,
    pub(crate) byte: u64,
    pub(crate) kind: ErrorId,
    pub(crate) column: Option<String>,
    pub(crate) message: String,
}

/// What one reading thread counted of one input, by provisional source number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sources: BTreeMap<u8, SourceTally>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) time: TimeCounts,
}

/// The same for one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceTally {
    pub(crate) read: u64,
    pub(crate) rejected: BTreeMap<&'static str, u64>,
    pub(crate) filtered_users: u64,
    pub(crate) filtered_anonymous: u64,
    pub(crate) filtered_unstarted: u64,
    pub(crate) floored: u64,
    pub(crate) leap_seconds: u64,
}

impl Tally {
    /// How many rejected rows are kept with their reasons, the first ones; all are counted.
    pub(crate) const KEPT: usize = 100_000;

    pub(crate) fn merge(&mut self, other: Tally) {
        for (source, other) in other.sources {
            let own = self.sources.entry(source).or_default();
            own.read += other.read;
            own.filtered_users += other.filtered_users;
            own.filtered_anonymous += other.filtered_anonymous;
            own.filtered_unstarted += other.filtered_unstarted;
            own.floored += other.floored;
            own.leap_seconds += other.leap_seconds;
            for (kind, count) in other.rejected {
                *own.rejected.entry(kind).or_default() += count;
            }
        }
        self.refused.extend(other.refused);
        self.refused.sort_by_key(|refused| refused.place);
        self.refused.truncate(Self::KEPT);
        self.time.merge(&other.time);
    }
}

/// Takes the rows of one input on one thread.
pub(crate) struct Intake<'a> {
    terms: &'a Terms,
    input: usize,
    names: &'a SourceNames,
    /// Names of the user and the time column, for messages.
    columns: (&'a str, &'a str),
    /// What the rows are, and the name of the column that they have more than events.
    beside: (Rows, &'a str),
    parser: TimeParser,
    batch: Batch,
    sink: &'a mut (dyn FnMut(&Batch) + Send),
    meter: &'a Meter,
    unreported: u64,
    tallies: Vec<SourceTally>,
    known: Vec<(Box<[u8]>, u8)>,
    refused: Vec<Refused>,
    block: u64,
    all_users: bool,
    latin1: String,
    /// Typed times of rows that are taken at once.
    settled: Vec<Micros>,
    /// Typed times whose nanoseconds were floored; the parser counts those that it reads itself.
    floored: u64,
    /// What was counted for sources of [`Self::rounded`].
    noted: (u64, u64),
}

impl<'a> Intake<'a> {
    pub(crate) fn new(
        terms: &'a Terms,
        input: usize,
        names: &'a SourceNames,
        columns: (&'a str, &'a str),
        sink: &'a mut (dyn FnMut(&Batch) + Send),
        meter: &'a Meter,
    ) -> Self {
        Self {
            parser: TimeParser::new(&terms.time),
            all_users: terms.filter.keeps_all(),
            terms,
            input,
            names,
            columns,
            beside: (Rows::Events, ""),
            batch: Batch::default(),
            sink,
            meter,
            unreported: 0,
            tallies: Vec::new(),
            known: Vec::new(),
            refused: Vec::new(),
            block: 0,
            latin1: String::new(),
            settled: Vec::new(),
            floored: 0,
            noted: (0, 0),
        }
    }

    /// Says which columns the rows to come are from.
    pub(crate) fn name_columns(&mut self, user: &'a str, time: &'a str) {
        self.columns = (user, time);
    }

    /// Says what the rows to come are, and which column they have beside user and time.
    pub(crate) fn expect(&mut self, rows: Rows, beside: &'a str) {
        self.beside = (rows, beside);
    }

    /// What the rows are.
    pub(crate) fn rows(&self) -> Rows {
        self.beside.0
    }

    /// Whether reading on is of no use.
    pub(crate) fn is_stopped(&self) -> bool {
        self.meter.is_stopped()
    }

    /// Says that the lines to come are counted from the start of this block.
    pub(crate) fn begin_block(&mut self, block: u64) {
        self.block = block;
        self.parser.begin_block(block);
    }

    /// How many rows were refused so far, of those that are kept.
    pub(crate) fn refusals(&self) -> usize {
        self.refused.len()
    }

    /// Says by its key which row was refused last, where a line cannot.
    pub(crate) fn name_last_refusal(&mut self, key: &[u8]) {
        if let Some(refused) = self.refused.last_mut() {
            let key = crate::time::timestamp::quoted(key);
            refused.message = format!("{} (row key {key})", refused.message);
        }
    }

    /// Takes one row, at a line of the current block and a byte of the input.
    #[inline]
    pub(crate) fn row(
        &mut self,
        line: u64,
        byte: u64,
        source: SourceValue<'_>,
        user: UserValue<'_>,
        time: TimeValue<'_>,
    ) {
        let source = match source {
            SourceValue::Known(source) => source,
            SourceValue::Text(name) if self.beside.0 == Rows::Events => match self.source(name) {
                Ok(source) => source,
                Err((source, refusal)) => return self.refuse(line, byte, source, refusal),
            },
            beside => return self.tracked(line, byte, user, time, beside),
        };
        let taken = match (user, time) {
            (UserValue::Text(user), TimeValue::Text(time)) if self.takes_all() => {
                match plain_id(user) {
                    Some(id) => match self.parser.text(time, line) {
                        Ok(at) => {
                            self.batch.push(at, id, source);
                            Ok(())
                        }
                        Err(refusal) => Err(Refusal::of_time(refusal)),
                    },
                    None => self.event(source, UserValue::Text(user), TimeValue::Text(time), line),
                }
            }
            _ => self.event(source, user, time, line),
        };
        match taken {
            Ok(()) => {
                self.tally(source).read += 1;
                if self.noted != self.rounded() {
                    self.note_rounded(source);
                }
                if self.batch.is_full() {
                    self.hand_on();
                }
            }
            Err(refusal) => self.refuse(line, byte, source, refusal),
        }
    }

    /// Whether no user is left out and no word stands for a missing value.
    #[inline]
    fn takes_all(&self) -> bool {
        self.all_users && self.terms.null_words.is_empty()
    }

    /// Times floored and leap seconds taken so far.
    #[inline]
    fn rounded(&self) -> (u64, u64) {
        let counts = self.parser.counts();
        (counts.floored + self.floored, counts.leap_seconds)
    }

    /// Counts for a source what its row has added to [`Self::rounded`].
    #[cold]
    fn note_rounded(&mut self, source: u8) {
        let (now, before) = (self.rounded(), self.noted);
        let tally = self.tally(source);
        tally.floored += now.0 - before.0;
        tally.leap_seconds += now.1 - before.1;
        self.noted = now;
    }

    #[inline(never)]
    fn event(
        &mut self,
        source: u8,
        user: UserValue<'_>,
        time: TimeValue<'_>,
        line: u64,
    ) -> Result<(), Refusal> {
        let mut latin1 = std::mem::take(&mut self.latin1);
        let result = (|| {
            let user = match user {
                UserValue::Number(number) if self.is_null_number(number) => None,
                UserValue::Number(number) => Some(UserId::Number(number)),
                UserValue::Text(text) => self.user(text, &mut latin1)?,
                UserValue::Missing => None,
            };
            let Some(user) = user else {
                return match self.terms.anonymous {
                    Anonymous::Reject => Err(Refusal {
                        kind: error::NO_USER,
                        column: Some(Column::User),
                        message: "no user; --anonymous skip leaves such rows out".to_owned(),
                    }),
                    Anonymous::Skip => {
                        self.tally(source).filtered_anonymous += 1;
                        Ok(())
                    }
                };
            };
            let at = self.time(time, line)?;
            if self.all_users || self.terms.filter.keeps(user) {
                self.batch.push(at, user, source);
            } else {
                self.tally(source).filtered_users += 1;
            }
            Ok(())
        })();
        self.latin1 = latin1;
        result
    }

    #[inline]
    fn user<'t>(
        &self,
        text: &'t [u8],
        latin1: &'t mut String,
    ) -> Result<Option<UserId<'t>>, Refusal> {
        if self.is_null(text) {
            return Ok(None);
        }
        if let Some(number) = crate::events::canonical_number(text) {
            return Ok(Some(UserId::Number(number)));
        }
        let refusal = |message: String| Refusal {
            kind: error::INVALID_TEXT,
            column: Some(Column::User),
            message,
        };
        if text.contains(&0) {
            return Err(refusal("NUL byte".to_owned()));
        }
        if self.terms.latin1 {
            latin1.clear();
            latin1.extend(text.iter().map(|&byte| char::from(byte)));
            return Ok(Some(UserId::Text(latin1)));
        }
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Some(UserId::Text(text))),
            Err(_) => Err(refusal(
                "invalid UTF-8; --encoding latin1 reads Latin-1".to_owned(),
            )),
        }
    }

    #[inline]
    fn time(&mut self, time: TimeValue<'_>, line: u64) -> Result<Micros, Refusal> {
        let read = match time {
            TimeValue::Text(text) if !self.terms.null_words.is_empty() && self.is_null(text) => {
                self.parser.text(b"", line)
            }
            TimeValue::Text(text) => self.parser.text(text, line),
            TimeValue::Number(number) if self.is_null_number(number) => self.parser.text(b"", line),
            TimeValue::Number(number) => self.parser.number(number, line),
            TimeValue::Real(number) => self.parser.real(number, line),
            TimeValue::Instant(at) => self.parser.instant(at, line),
            TimeValue::Local(at) => self.parser.local(at, line),
            TimeValue::InstantNanos(at) => {
                let read = self.parser.instant(at.div_euclid(1000), line);
                self.floored += u64::from(read.is_ok() && at % 1000 != 0);
                read
            }
            TimeValue::LocalNanos(at) => {
                let read = self.parser.local(at.div_euclid(1000), line);
                self.floored += u64::from(read.is_ok() && at % 1000 != 0);
                read
            }
            TimeValue::Unusable(what) => Err(TimeRefusal {
                kind: error::NOT_AN_INSTANT,
                message: format!("{what} is not an instant"),
            }),
            TimeValue::Missing => self.parser.text(b"", line),
        };
        read.map_err(Refusal::of_time)
    }

    fn is_null(&self, text: &[u8]) -> bool {
        text.is_empty()
            || self
                .terms
                .null_words
                .iter()
                .any(|word| word.as_bytes() == text)
    }

    /// Whether a typed number's digits are a null word.
    fn is_null_number(&self, number: i64) -> bool {
        !self.terms.null_words.is_empty() && self.is_null(number.to_string().as_bytes())
    }

    /// The provisional number of a source by its name in the row.
    fn source(&mut self, name: &[u8]) -> Result<u8, (u8, Refusal)> {
        if let Some((_, source)) = self.known.iter().find(|(known, _)| **known == *name) {
            return Ok(*source);
        }
        // The input's own number is taken only where a row needs it: it may be the 256th.
        let own = || self.names.own(self.input);
        if self.names.overflowed() {
            return Ok(own());
        }
        let refusal = |kind: ErrorId, message: &str| {
            (
                own(),
                Refusal {
                    kind,
                    column: None,
                    message: message.to_owned(),
                },
            )
        };
        let latin1: String;
        let text = match std::str::from_utf8(name) {
            _ if self.terms.latin1 => {
                latin1 = name.iter().map(|&byte| char::from(byte)).collect();
                &latin1
            }
            Ok(text) => text,
            Err(_) => {
                return Err(refusal(
                    error::INVALID_TEXT,
                    "the source's name is not UTF-8; --encoding latin1 reads Latin-1",
                ));
            }
        };
        if self.is_null(name) {
            return Err(refusal(error::NO_SOURCE, "no source's name"));
        }
        if text.contains([';', ':', '\0']) {
            return Err(refusal(
                error::NO_SOURCE,
                "a source's name may not hold \";\", \":\" or NUL",
            ));
        }
        let source = self.names.number(self.input, text);
        self.known.push((name.into(), source));
        Ok(source)
    }

    /// Counts and keeps a row that could not be split into cells.
    pub(crate) fn refuse_row(&mut self, line: u64, byte: u64, kind: ErrorId, message: String) {
        let own = self.names.own(self.input);
        self.refuse(
            line,
            byte,
            own,
            Refusal {
                kind,
                column: None,
                message,
            },
        );
    }

    #[cold]
    fn refuse(&mut self, line: u64, byte: u64, source: u8, refusal: Refusal) {
        let tally = self.tally(source);
        tally.read += 1;
        *tally.rejected.entry(refusal.kind.id).or_default() += 1;
        if self.refused.len() < Tally::KEPT {
            let column = refusal.column.map(|column| match column {
                Column::User => self.columns.0.to_owned(),
                Column::Time => self.columns.1.to_owned(),
                Column::Beside => self.beside.1.to_owned(),
            });
            self.refused.push(Refused {
                place: (self.block, line),
                byte,
                kind: refusal.kind,
                column,
                message: refusal.message,
            });
        }
    }

    #[inline]
    fn tally(&mut self, source: u8) -> &mut SourceTally {
        let place = usize::from(source);
        if place >= self.tallies.len() {
            self.tallies.resize(place + 1, SourceTally::default());
        }
        &mut self.tallies[place]
    }

    fn hand_on(&mut self) {
        (self.sink)(&self.batch);
        let read: u64 = self.tallies.iter().map(|tally| tally.read).sum();
        self.meter.add_rows(read - self.unreported);
        self.unreported = read;
        self.batch.clear();
    }

    /// Hands on what is left and gives the counts.
    pub(crate) fn finish(mut self) -> Tally {
        self.hand_on();
        let sources = (0..=u8::MAX)
            .zip(self.tallies)
            .filter(|(_, tally)| tally.read > 0)
            .collect();
        Tally {
            sources,
            refused: self.refused,
            time: self.parser.counts().clone(),
        }
    }
}

enum Column {
    User,
    Time,
    Beside,
}

struct Refusal {
    kind: ErrorId,
    column: Option<Column>,
    message: String,
}

impl Refusal {
    #[cold]
    fn of_time(TimeRefusal { kind, message }: TimeRefusal) -> Self {
        Self {
            kind,
            column: Some(Column::Time),
            message,
        }
    }
}

/// The user of a text that means the same in every encoding and under every setting: a number, or
/// ASCII without a NUL. Nothing for any other text, an empty one too.
#[inline]
fn plain_id(text: &[u8]) -> Option<UserId<'_>> {
    if let Some(number) = crate::events::canonical_number(text) {
        return Some(UserId::Number(number));
    }
    let is_plain = text.iter().fold(!text.is_empty(), |plain, &byte| {
        plain & matches!(byte, 1..=127)
    });
    match std::str::from_utf8(text) {
        Ok(text) if is_plain => Some(UserId::Text(text)),
        _ => None,
    }
}
