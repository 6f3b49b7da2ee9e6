//! NDJSON: one JSON object a line, read on all cores. Each line goes through serde_json; only the
//! asked-for fields are looked at, numbers as the digits they are written in.

mod fields;
mod lines;
mod shape;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memchr_iter;

use self::fields::{Fault, Found, MAX_DEPTH, Paths, Text, is_too_deep};
use self::lines::{Block, Blocks};
use self::shape::{Cell, Columns, Shape, is_blank};
use crate::error::{self, ErrorId, Failure};
use crate::events::{Batch, GIVEN_UP};
use crate::import::blocks::Stop;
use crate::import::columns::{self, Rows, Wanted};
use crate::import::file::{Bytes, Origin};
use crate::import::file_block;
use crate::import::intake::{Anonymous, Intake, SourceValue, Tally, Terms, TimeValue, UserValue};
use crate::import::pipeline::{BlockParser, Done, Lines, Reading, Sink, parse_all, settled};

/// The places of the fields among those asked for.
const USER: usize = 0;
const TIME: usize = 1;

/// Everything a reading thread needs to know of the file.
struct Layout<'a> {
    first_block: u64,
    max_line: usize,
    columns: &'a Columns,
    paths: Paths,
    time_of_day: Option<usize>,
    source: Option<usize>,
    latin1: bool,
    rows: Rows,
    /// Whether any line had a value for a field, by field.
    met: [AtomicBool; 4],
    /// Whether any line was an object.
    has_objects: AtomicBool,
}

impl<'a> Layout<'a> {
    fn new(columns: &'a Columns, file: u64, reading: &Reading<'_>) -> Self {
        let mut names = vec![columns.user.as_str(), &columns.time];
        let mut place = |name: &'a Option<String>| {
            name.as_ref().map(|name| {
                names.push(name);
                names.len() - 1
            })
        };
        let (time_of_day, source) = (place(&columns.time_of_day), place(&columns.source));
        Self {
            first_block: file_block(file),
            max_line: reading.limits.max_field,
            columns,
            paths: Paths::new(&names),
            time_of_day,
            source,
            latin1: reading.terms.latin1,
            rows: reading.asked.rows,
            met: Default::default(),
            has_objects: AtomicBool::new(false),
        }
    }

    /// Columns that no line had.
    fn never_met(&self) -> impl Iterator<Item = (Wanted, &str)> {
        let columns = self.columns;
        let third = self.rows.beside().unwrap_or(columns::SOURCE);
        let all = [
            (Some(USER), self.rows.user(), Some(&columns.user)),
            (Some(TIME), self.rows.time(), Some(&columns.time)),
            (
                self.time_of_day,
                columns::TIME,
                columns.time_of_day.as_ref(),
            ),
            (self.source, third, columns.source.as_ref()),
        ];
        all.into_iter().filter_map(|(field, wanted, name)| {
            let was_met = self.met[field?].load(Ordering::Relaxed);
            (!was_met).then_some((wanted, name?.as_str()))
        })
    }
}

/// Reads one file of a source, the `file`th, on as many threads as there are sinks.
pub(crate) fn read(
    bytes: Bytes,
    origin: &Origin,
    file: u64,
    reading: &Reading<'_>,
    sinks: &mut [Sink<'_>],
) -> Result<Done, Failure> {
    // Text is turned into UTF-8 here, so that escapes and plain letters are read alike.
    let terms = Terms {
        latin1: false,
        ..reading.terms.clone()
    };
    let of_utf8 = Reading {
        terms: &terms,
        ..*reading
    };
    let mut blocks = Blocks::new(bytes, reading.limits);
    let done = read_blocks(&mut blocks, origin, file, (reading, &of_utf8), sinks);
    settled(done, || blocks.finish(), || blocks.changed())
}

fn read_blocks(
    blocks: &mut Blocks,
    origin: &Origin,
    file: u64,
    (reading, of_utf8): (&Reading<'_>, &Reading<'_>),
    sinks: &mut [Sink<'_>],
) -> Result<Done, Failure> {
    let mut lines = Lines::default();
    let shape = first_lines(blocks, reading.terms.latin1).map_err(|stop| lines.place(stop))?;
    if !shape.has_lines {
        return match reading.allow_empty || blocks.leaves_all_out() {
            true => Ok(Done {
                tally: Tally::default(),
                lines,
                chosen: Vec::new(),
                warnings: Vec::new(),
            }),
            false => Err(empty(origin)),
        };
    }
    let columns = Columns::among(&shape, reading.asked)?;
    let layout = Layout::new(&columns, file, reading);
    let parsed = parse_all(blocks, of_utf8, sinks, |sink| {
        Parser::new(&layout, of_utf8, sink)
    });
    lines.count(&parsed.lines);
    if let Some(stop) = parsed.stop {
        return Err(lines.place(stop));
    }
    let warnings = missing_columns(&layout, &shape, reading)?;
    Ok(Done {
        tally: parsed.tally,
        lines,
        chosen: columns.recognised,
        warnings,
    })
}

/// What the first lines tell, behind a byte-order mark.
fn first_lines(blocks: &mut Blocks, latin1: bool) -> Result<Shape, Stop> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let (start, _) = blocks.peek(shape::BYTES)?;
    if start.starts_with(BYTE_ORDER_MARK) {
        blocks.skip(BYTE_ORDER_MARK.len());
    }
    let (start, is_all) = blocks.peek(shape::BYTES)?;
    let shape = match latin1 {
        true => Shape::of(&as_utf8(start), is_all),
        false => Shape::of(start, is_all),
    };
    Ok(shape?)
}

/// A column that no line has is misspelt, as one that a header does not have; only the user may be
/// missing everywhere, where rows without one are to be left out.
fn missing_columns(
    layout: &Layout<'_>,
    shape: &Shape,
    reading: &Reading<'_>,
) -> Result<Vec<String>, Failure> {
    if !layout.has_objects.load(Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let mut warnings = Vec::new();
    for (wanted, name) in layout.never_met() {
        let may_miss = wanted.what == "user" && reading.terms.anonymous == Anonymous::Skip;
        if !may_miss && let Err(failure) = columns::choose(&shape.keys, wanted, Some(name)) {
            return Err(failure);
        }
        warnings.push(format!(
            "no line has the key {}",
            crate::time::timestamp::quoted(name.as_bytes())
        ));
    }
    Ok(warnings)
}

fn empty(origin: &Origin) -> Failure {
    let message = match origin {
        Origin::File(path) => {
            let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            format!("file is empty ({size} bytes, no rows)")
        }
        Origin::Stdin => "standard input is empty (no rows)".to_owned(),
    };
    Failure::new(error::EMPTY_FILE, message)
        .help("--allow-empty takes it as a source without events")
}

/// Latin-1 text as UTF-8.
fn as_utf8(text: &[u8]) -> Cow<'_, [u8]> {
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => {
            let text: String = text.iter().map(|&byte| char::from(byte)).collect();
            Cow::Owned(text.into_bytes())
        }
    }
}

/// Parses blocks on one thread.
struct Parser<'a> {
    layout: &'a Layout<'a>,
    intake: Intake<'a>,
    own: u8,
    joined: Vec<u8>,
    /// The block that is parsed.
    block: u64,
    /// Block and line of the first line over the limit.
    too_long: Option<(u64, u64)>,
    met: [bool; 4],
    has_objects: bool,
}

/// Why a row is refused.
type Refusal = (ErrorId, String);

/// Where a row stands: the line within its block, and its first byte within the file.
#[derive(Clone, Copy)]
struct Place {
    line: u64,
    byte: u64,
}

impl BlockParser for Parser<'_> {
    type Block = Block;

    fn block(&mut self, block: &Block) -> u64 {
        self.block = block.number;
        self.intake
            .begin_block(self.layout.first_block + block.number);
        let bytes = &block.bytes[..];
        let (mut found, mut place) = (
            Found::new(),
            Place {
                line: 0,
                byte: block.start,
            },
        );
        let mut from = 0;
        let text = std::str::from_utf8(bytes);
        let line = |from: usize, end: usize| match text {
            Ok(text) => Text::Checked(&text[from..end]),
            Err(_) => Text::Raw(&bytes[from..end]),
        };
        for end in memchr_iter(b'\n', bytes) {
            self.line(line(from, end), &mut found, place);
            from = end + 1;
            place.line += 1;
            place.byte = block.start + from as u64;
        }
        self.line(line(from, bytes.len()), &mut found, place);
        place.line
    }

    fn finish(self) -> (Tally, Option<(u64, u64)>) {
        for (shared, own) in self.layout.met.iter().zip(self.met) {
            shared.fetch_or(own, Ordering::Relaxed);
        }
        let shared = &self.layout.has_objects;
        shared.fetch_or(self.has_objects, Ordering::Relaxed);
        (self.intake.finish(), self.too_long)
    }
}

impl<'a> Parser<'a> {
    fn new(
        layout: &'a Layout<'a>,
        reading: &Reading<'a>,
        sink: &'a mut (dyn FnMut(&Batch) + Send),
    ) -> Self {
        let columns = (layout.columns.user.as_str(), layout.columns.time.as_str());
        // Rows that name their source themselves leave the input's own number unused.
        let own = match layout.source {
            None => reading.names.own(reading.input),
            Some(_) => GIVEN_UP,
        };
        let mut intake = reading.intake(columns, sink);
        if let Some(beside) = &layout.columns.source {
            intake.expect(layout.rows, beside);
        }
        Self {
            layout,
            intake,
            own,
            joined: Vec::new(),
            block: 0,
            too_long: None,
            met: [false; 4],
            has_objects: false,
        }
    }

    #[inline]
    fn line<'t>(&mut self, text: Text<'t>, found: &mut Found<'t>, place: Place) {
        let line = text.bytes();
        if line.first() != Some(&b'{') && is_blank(line) {
            return;
        }
        let length = line.len() - usize::from(line.last() == Some(&b'\r'));
        if length > self.layout.max_line {
            self.too_long.get_or_insert((self.block, place.line));
            return;
        }
        let read = match self.layout.latin1 && !line.is_ascii() {
            true => self.row(Text::Raw(&as_utf8(line)), &mut Found::new(), place),
            false => self.row(text, found, place),
        };
        if let Err((kind, message)) = read {
            self.intake
                .refuse_row(place.line, place.byte, kind, message);
        }
    }

    /// Reads one row and hands it on.
    #[inline]
    fn row<'t>(
        &mut self,
        text: Text<'t>,
        found: &mut Found<'t>,
        place: Place,
    ) -> Result<(), Refusal> {
        let (layout, line) = (self.layout, text.bytes());
        if is_too_deep(line) {
            let message = format!("nesting too deep, over {MAX_DEPTH} levels");
            return Err((error::NOT_AN_OBJECT, message));
        }
        let in_words = |fault| fault_in_words(&fault, line);
        layout.paths.read(text, found).map_err(in_words)?;
        self.has_objects = true;
        let mut cell = |field: usize| {
            let value = layout.paths.value(field, found).map_err(in_words)?;
            self.met[field] |= value.is_some();
            Ok::<_, Refusal>(Cell::of(value))
        };
        let (user, time) = (cell(USER)?, cell(TIME)?);
        let time_of_day = layout.time_of_day.map(&mut cell).transpose()?;
        let source = layout.source.map(&mut cell).transpose()?;

        let user = id(user, &layout.columns.user)?;
        let user = user.as_deref().map_or(UserValue::Missing, UserValue::Text);
        let (name, end);
        let source = match (source, &layout.columns.source) {
            (Some(source), Some(column)) if layout.rows == Rows::Sessions => {
                end = written_time(source, column)?;
                SourceValue::End(end.value())
            }
            (Some(source), Some(column)) => {
                name = id(source, column)?;
                SourceValue::Text(name.as_deref().unwrap_or_default())
            }
            _ => SourceValue::Known(self.own),
        };
        let day = written_time(time, &layout.columns.time)?;
        let time = match (&time_of_day, &layout.columns.time_of_day) {
            (Some(_), Some(column)) => {
                let rest = written_time(time_of_day.unwrap_or(Cell::Missing), column)?;
                joined(&day, &rest, &mut self.joined)
            }
            _ => day.value(),
        };
        self.intake.row(place.line, place.byte, source, user, time);
        Ok(())
    }
}

/// The text of an id, or of a source's name; `None` when it is missing.
#[inline]
fn id<'t>(cell: Cell<'t>, column: &str) -> Result<Option<Cow<'t, [u8]>>, Refusal> {
    match cell {
        Cell::Text(text) | Cell::Integer(text) => Ok(Some(Cow::Borrowed(text))),
        Cell::Escaped(text) => unescaped(text, column).map(Some),
        Cell::Missing => Ok(None),
        Cell::Real(_) => Err(no_id("a real number", column)),
        Cell::Other(what) => Err(no_id(what, column)),
    }
}

#[cold]
fn no_id(what: &str, column: &str) -> Refusal {
    let column = crate::time::timestamp::quoted(column.as_bytes());
    let message = format!("{column} is {what}; expected text or an integer");
    (error::COLUMN_TYPE, message)
}

/// The letters that a string with escapes stands for.
#[cold]
fn unescaped<'t>(text: &str, column: &str) -> Result<Cow<'t, [u8]>, Refusal> {
    match serde_json::from_str::<String>(text) {
        Ok(text) => Ok(Cow::Owned(text.into_bytes())),
        Err(_) => {
            let column = crate::time::timestamp::quoted(column.as_bytes());
            let message = format!("{column} holds half of a surrogate pair, which is no character");
            Err((error::INVALID_TEXT, message))
        }
    }
}

/// A time as it is written.
enum Written<'t> {
    Text(Cow<'t, [u8]>),
    Missing,
    Unusable(&'static str),
}

impl Written<'_> {
    #[inline]
    fn value(&self) -> TimeValue<'_> {
        match self {
            Written::Text(text) => TimeValue::Text(text),
            Written::Missing => TimeValue::Missing,
            Written::Unusable(what) => TimeValue::Unusable(what),
        }
    }
}

#[inline]
fn written_time<'t>(cell: Cell<'t>, column: &str) -> Result<Written<'t>, Refusal> {
    Ok(match cell {
        Cell::Text(text) | Cell::Integer(text) | Cell::Real(text) => {
            Written::Text(Cow::Borrowed(text))
        }
        Cell::Escaped(text) => Written::Text(unescaped(text, column)?),
        Cell::Missing => Written::Missing,
        Cell::Other(what) => Written::Unusable(what),
    })
}

/// A date and a time of day as one text.
fn joined<'t>(day: &'t Written<'_>, rest: &Written<'_>, into: &'t mut Vec<u8>) -> TimeValue<'t> {
    match (day, rest) {
        (Written::Text(day), Written::Text(rest)) => {
            into.clear();
            into.extend_from_slice(day);
            into.push(b' ');
            into.extend_from_slice(rest);
            TimeValue::Text(into)
        }
        (Written::Unusable(what), _) | (_, Written::Unusable(what)) => TimeValue::Unusable(what),
        _ => TimeValue::Missing,
    }
}

/// What is wrong with a line.
#[cold]
fn fault_in_words(fault: &Fault, line: &[u8]) -> Refusal {
    let cause = match fault {
        Fault::Syntax(cause) => cause,
        Fault::Doubled(key) => {
            let key = crate::time::timestamp::quoted(key.as_bytes());
            return (error::DOUBLED_KEY, format!("key {key} stands twice"));
        }
    };
    if cause.is_data() {
        let what = match line.trim_ascii_start().first() {
            Some(b'[') => "an array",
            Some(b'"') => "text",
            Some(b'n') => "null",
            Some(b't' | b'f') => "a boolean",
            _ => "a number",
        };
        return (
            error::NOT_AN_OBJECT,
            format!("line is {what}, not an object"),
        );
    }
    let text = cause.to_string();
    let what = text
        .rfind(" at line ")
        .map_or(text.as_str(), |end| &text[..end]);
    let byte = cause.column().saturating_sub(1);
    if what == "invalid unicode code point" {
        let byte = std::str::from_utf8(line).map_or_else(|cause| cause.valid_up_to(), |_| byte);
        let message =
            format!("invalid UTF-8 at byte {byte} of the line; --encoding latin1 reads Latin-1");
        return (error::INVALID_TEXT, message);
    }
    let what = what.replace('`', "\"");
    (
        error::NOT_AN_OBJECT,
        format!("line is not JSON: {what} at byte {byte} of the line"),
    )
}
