//! CSV and TSV: a header, the columns that matter, and records parsed on all cores. Records
//! without a quote are split here; everything with quotes goes through the csv package.

use std::io::Read;

use memchr::{memchr, memchr_iter, memchr2};

use crate::error::{self, Failure};
use crate::events::{Batch, GIVEN_UP};
use crate::import::blocks::{Block, Blocks, First, Gap, Marks, Stop, count_lines};
use crate::import::columns::Chosen;
use crate::import::file::{Bytes, Origin};
use crate::import::file_block;
use crate::import::intake::{Intake, SourceValue, Tally, TimeValue, UserValue};
use crate::import::pipeline::{
    BlockParser, BlockReader, Done, Lines, Reading, Sink, TextBlock, parse_all, settled,
};
use crate::import::splits::Splits;

/// How a CSV source is laid out.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Between fields; one byte.
    pub delimiter: u8,
    /// Lines that begin with it are no rows.
    pub comment: Option<u8>,
    /// Lines before the header.
    pub skip_lines: u64,
    /// Whether the first record is a header; otherwise columns are named `1`, `2`, …
    pub header: bool,
    /// Whether rows with too few fields are used when user and time are there.
    pub pad: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            comment: None,
            skip_lines: 0,
            header: true,
            pad: false,
        }
    }
}

/// Everything a reading thread needs to know of the file.
struct Layout<'a> {
    first_block: u64,
    marks: Marks,
    pad: bool,
    max_field: usize,
    header: &'a [String],
    chosen: &'a Chosen,
}

/// Reads one file of a source, the `file`th, on as many threads as there are sinks.
pub(crate) fn read(
    bytes: Bytes,
    origin: &Origin,
    file: u64,
    dialect: &Dialect,
    reading: &Reading<'_>,
    sinks: &mut [Sink<'_>],
) -> Result<Done, Failure> {
    let marks = Marks {
        delimiter: dialect.delimiter,
        comment: dialect.comment,
    };
    let mut blocks = Blocks::new(bytes, marks, reading.limits);
    let done = read_blocks(&mut blocks, origin, file, dialect, reading, sinks);
    settled(done, || blocks.finish(), || blocks.changed())
}

fn read_blocks(
    blocks: &mut Blocks,
    origin: &Origin,
    file: u64,
    dialect: &Dialect,
    reading: &Reading<'_>,
    sinks: &mut [Sink<'_>],
) -> Result<Done, Failure> {
    let mut lines = Lines::default();
    let header = header(
        blocks,
        dialect,
        reading.terms.latin1,
        &mut lines.before_first,
    )
    .map_err(|stop| lines.place(stop))?;
    let Some(header) = header else {
        return match reading.allow_empty {
            true => Ok(Done {
                tally: Tally::default(),
                lines,
                chosen: Vec::new(),
                warnings: Vec::new(),
            }),
            false => Err(empty(origin, dialect.skip_lines)),
        };
    };
    let chosen = Chosen::among(&header, reading.asked)?;
    let layout = Layout {
        first_block: file_block(file),
        marks: Marks {
            delimiter: dialect.delimiter,
            comment: dialect.comment,
        },
        pad: dialect.pad,
        max_field: reading.limits.max_field,
        header: &header,
        chosen: &chosen,
    };
    let parsed = parse_all(blocks, reading, sinks, |sink| {
        Parser::new(&layout, reading, sink)
    });
    lines.count(&parsed.lines);
    if let Some(stop) = parsed.stop {
        return Err(lines.place(stop));
    }
    Ok(Done {
        tally: parsed.tally,
        lines,
        chosen: chosen.recognised,
        warnings: Vec::new(),
    })
}

fn empty(origin: &Origin, skipped: u64) -> Failure {
    let message = match origin {
        _ if skipped > 0 => format!("no header follows the first {skipped} lines (--skip-lines)"),
        Origin::File(path) => {
            let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            format!("file is empty ({size} bytes, no header)")
        }
        Origin::Stdin => "standard input is empty (no header)".to_owned(),
    };
    Failure::new(error::EMPTY_FILE, message)
        .help("--allow-empty takes it as a source without events")
}

/// The names of the columns; `None` when there is nothing. Counts the lines before the first row.
fn header(
    blocks: &mut Blocks,
    dialect: &Dialect,
    latin1: bool,
    lines: &mut u64,
) -> Result<Option<Vec<String>>, Stop> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    if blocks
        .peek(BYTE_ORDER_MARK.len())?
        .starts_with(BYTE_ORDER_MARK)
    {
        blocks.skip(BYTE_ORDER_MARK.len());
    }
    for _ in 0..dialect.skip_lines {
        if blocks.take_line()?.is_none() {
            break;
        }
        *lines += 1;
    }
    loop {
        let Some(First { bytes, is_stray }) = blocks.first_record()? else {
            return Ok(None);
        };
        let is_comment = dialect.comment.is_some() && bytes.first().copied() == dialect.comment;
        let is_blank = bytes.iter().all(|byte| matches!(byte, b'\n' | b'\r'));
        let (length, ends) = (bytes.len(), count_lines(bytes));
        if !is_comment && !is_blank {
            if !dialect.header {
                let width = fields(bytes, dialect)?.len();
                return Ok(Some((1..=width).map(|number| number.to_string()).collect()));
            }
            if is_stray {
                let failure = Failure::new(error::STRAY_QUOTE, "the header has a stray quote");
                return Err(Stop {
                    failure,
                    place: Some((0, 0)),
                });
            }
            let names = names(bytes, dialect, latin1, *lines + 1)?;
            *lines += ends;
            blocks.skip(length);
            return Ok(Some(names));
        }
        *lines += ends;
        blocks.skip(length);
    }
}

/// What the csv package gets before the text: it drops a byte-order mark from the first bytes it
/// sees, and in the middle of a file that would be data.
const LINE_END: &[u8] = b"\n";

fn package_reader(delimiter: u8, text: &[u8]) -> csv::Reader<std::io::Chain<&'static [u8], &[u8]>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(LINE_END.chain(text))
}

/// The fields of one record.
fn fields(record: &[u8], dialect: &Dialect) -> Result<csv::ByteRecord, Failure> {
    let mut fields = csv::ByteRecord::new();
    package_reader(dialect.delimiter, record)
        .read_byte_record(&mut fields)
        .map_err(|error| Failure::new(error::READ, error.to_string()))?;
    Ok(fields)
}

fn names(
    record: &[u8],
    dialect: &Dialect,
    latin1: bool,
    line: u64,
) -> Result<Vec<String>, Failure> {
    let fields = fields(record, dialect)?;
    if let Some(byte) = memchr(0, record) {
        let failure = Failure::new(
            error::ENCODING,
            format!("NUL byte at line {line}, byte {byte}"),
        );
        return Err(failure.at_line(line));
    }
    fields
        .iter()
        .map(|field| match std::str::from_utf8(field) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) if latin1 => Ok(field.iter().map(|&byte| char::from(byte)).collect()),
            Err(_) => {
                let byte =
                    std::str::from_utf8(record).map_or_else(|error| error.valid_up_to(), str::len);
                Err(Failure::new(
                    error::ENCODING,
                    format!("invalid UTF-8 at line {line}, byte {byte}"),
                )
                .at_line(line)
                .help("--encoding latin1 reads Latin-1"))
            }
        })
        .collect()
}

/// Parses blocks on one thread.
struct Parser<'a> {
    layout: &'a Layout<'a>,
    intake: Intake<'a>,
    own: u8,
    joined: Vec<u8>,
    splits: Splits,
    /// The block that is parsed.
    block: u64,
    /// Block and line of the first record over the limit.
    too_long: Option<(u64, u64)>,
}

/// The cells of a row that matter.
#[derive(Clone, Copy, Default)]
struct Cells<'t> {
    user: Option<&'t [u8]>,
    time: Option<&'t [u8]>,
    time_of_day: Option<&'t [u8]>,
    source: Option<&'t [u8]>,
}

impl TextBlock for Block {
    fn number(&self) -> u64 {
        self.number
    }

    fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl BlockReader for Blocks {
    type Block = Block;

    fn next_block(&mut self, recycled: Vec<u8>) -> Result<Option<Block>, Stop> {
        self.next_block(recycled)
    }

    fn newly_read(&mut self) -> u64 {
        self.newly_read()
    }
}

impl BlockParser for Parser<'_> {
    type Block = Block;

    fn block(&mut self, block: &Block) -> u64 {
        self.block = block.number;
        #[cfg(feature = "failpoints")]
        if std::env::var("SESSIONIZE_FAIL").is_ok_and(|fail| fail == "panic-while-parsing") {
            panic!("planted: {:?}", block.bytes);
        }
        self.intake
            .begin_block(self.layout.first_block + block.number);
        if !block.quoted {
            return self.plain(&block.bytes, block.start);
        }
        let (mut line, mut from) = (0, 0);
        for Gap { bytes, stray } in &block.gaps {
            if from < bytes.start {
                let before = &block.bytes[from..bytes.start];
                line += self.quoted(before, line, block.start + from as u64);
            }
            if *stray {
                self.intake.refuse_row(
                    line,
                    block.start + bytes.start as u64,
                    error::STRAY_QUOTE,
                    "a quote stands inside a field, or text follows a closing quote".to_owned(),
                );
            }
            line += count_lines(&block.bytes[bytes.clone()]);
            from = bytes.end;
        }
        line + self.quoted(&block.bytes[from..], line, block.start + from as u64)
    }

    fn finish(self) -> (Tally, Option<(u64, u64)>) {
        (self.intake.finish(), self.too_long)
    }
}

impl<'a> Parser<'a> {
    fn new(
        layout: &'a Layout<'a>,
        reading: &Reading<'a>,
        sink: &'a mut (dyn FnMut(&Batch) + Send),
    ) -> Self {
        let name = |index: usize| layout.header[index].as_str();
        let columns = (name(layout.chosen.user), name(layout.chosen.time));
        // Rows that name their source themselves leave the input's own number unused.
        let own = match layout.chosen.source {
            None => reading.names.own(reading.input),
            Some(_) => GIVEN_UP,
        };
        let mut intake = reading.intake(columns, sink);
        if let Some(beside) = layout.chosen.source {
            intake.expect(reading.asked.rows, name(beside));
        }
        Self {
            layout,
            intake,
            own,
            joined: Vec::new(),
            splits: Splits::default(),
            block: 0,
            too_long: None,
        }
    }

    /// Records without any quote; gives their physical lines.
    fn plain(&mut self, bytes: &[u8], start: u64) -> u64 {
        let returns = memchr(b'\r', bytes).is_some();
        let mut splits = std::mem::take(&mut self.splits);
        let mut at = Position::default();
        while at.from < bytes.len() {
            let before = at.from;
            let end = bytes.len().min(before + Splits::MOST);
            let places = splits.find(&bytes[before..end], self.layout.marks.delimiter, returns);
            self.stretch(bytes, start, places, &mut at);
            if end == bytes.len() || at.from == before {
                self.lone_record(bytes, start, &mut at);
            }
        }
        self.splits = splits;
        at.line
    }

    /// The whole records of a stretch that begins at `at` and is split at these places.
    fn stretch(&mut self, bytes: &[u8], start: u64, mut places: &[u16], at: &mut Position) {
        let layout = self.layout;
        let base = at.from;
        let place = |place: u16| base + usize::from(place);
        while !places.is_empty() {
            let taken = if layout.is_common(bytes, at.from, places, base) {
                self.common_record(bytes, start, places, base, at);
                layout.header.len()
            } else {
                let is_end = |&split: &u16| bytes[place(split)] != layout.marks.delimiter;
                let Some(last) = places.iter().position(is_end) else {
                    return;
                };
                let record = &bytes[at.from..place(places[last])];
                self.plain_record(record, at.line, start + at.from as u64);
                last + 1
            };
            at.pass_end(bytes, place(places[taken - 1]));
            places = &places[taken..];
        }
    }

    /// A record of the header's width, split at the first of the places, which are counted from
    /// `base`.
    #[inline]
    fn common_record(
        &mut self,
        bytes: &[u8],
        start: u64,
        places: &[u16],
        base: usize,
        at: &Position,
    ) {
        let layout = self.layout;
        let field = |index: usize| {
            let from = match index {
                0 => at.from,
                _ => base + usize::from(places[index - 1]) + 1,
            };
            &bytes[from..base + usize::from(places[index])]
        };
        let cells = Cells {
            user: Some(field(layout.chosen.user)),
            time: Some(field(layout.chosen.time)),
            time_of_day: layout.chosen.time_of_day.map(field),
            source: layout.chosen.source.map(field),
        };
        let width = layout.header.len();
        self.record(cells, width, at.line, start + at.from as u64);
    }

    /// One record that is longer than a stretch, or that ends with the bytes.
    fn lone_record(&mut self, bytes: &[u8], start: u64, at: &mut Position) {
        let rest = &bytes[at.from..];
        match memchr2(b'\n', b'\r', rest) {
            Some(length) => {
                self.plain_record(&rest[..length], at.line, start + at.from as u64);
                at.pass_end(bytes, at.from + length);
            }
            None => {
                self.plain_record(rest, at.line, start + at.from as u64);
                at.from = bytes.len();
            }
        }
    }

    fn plain_record(&mut self, record: &[u8], line: u64, byte: u64) {
        let layout = self.layout;
        if record.is_empty()
            || record.first().copied() == layout.marks.comment && layout.marks.comment.is_some()
        {
            return;
        }
        if record.len() > layout.max_field {
            return self.refuse_length(line);
        }
        let mut cells = Cells::default();
        let (mut index, mut from) = (0, 0);
        for end in memchr_iter(layout.marks.delimiter, record) {
            layout.place(&mut cells, index, &record[from..end]);
            index += 1;
            from = end + 1;
        }
        layout.place(&mut cells, index, &record[from..]);
        self.record(cells, index + 1, line, byte);
    }

    /// Records with quotes, through the csv package; gives their physical lines.
    fn quoted(&mut self, bytes: &[u8], first_line: u64, start: u64) -> u64 {
        let layout = self.layout;
        let mut reader = package_reader(layout.marks.delimiter, bytes);
        let mut record = csv::ByteRecord::new();
        let (mut line, mut counted) = (0, 0);
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let from = record
                .position()
                .map_or(0, |position| position.byte() as usize);
            let from = from.saturating_sub(LINE_END.len());
            let from = from + leading_line_ends(&bytes[from..]);
            line += count_lines(&bytes[counted..from]);
            counted = from;
            let end = reader.position().byte() as usize - LINE_END.len();
            if bytes[from..end].trim_ascii_end().len() > layout.max_field {
                self.refuse_length(first_line + line);
                continue;
            }
            let mut cells = Cells::default();
            for (index, field) in record.iter().enumerate() {
                layout.place(&mut cells, index, field);
            }
            self.record(cells, record.len(), first_line + line, start + from as u64);
        }
        line + count_lines(&bytes[counted..])
    }

    #[inline]
    fn record(&mut self, cells: Cells<'_>, width: usize, line: u64, byte: u64) {
        let layout = self.layout;
        if width != layout.header.len() && !(width < layout.header.len() && layout.pad) {
            return self.refuse_width(width, line, byte);
        }
        let (Some(user), Some(time)) = (cells.user, cells.time) else {
            return self.refuse_width(width, line, byte);
        };
        let source = match (layout.chosen.source, cells.source) {
            (None, _) => SourceValue::Known(self.own),
            (Some(_), name) => SourceValue::Text(name.unwrap_or_default()),
        };
        let user = UserValue::Text(user);
        match cells.time_of_day {
            None if layout.chosen.time_of_day.is_some() => self.refuse_width(width, line, byte),
            None => self
                .intake
                .row(line, byte, source, user, TimeValue::Text(time)),
            Some(time_of_day) => {
                self.joined.clear();
                self.joined.extend_from_slice(time);
                self.joined.push(b' ');
                self.joined.extend_from_slice(time_of_day);
                self.intake
                    .row(line, byte, source, user, TimeValue::Text(&self.joined));
            }
        }
    }

    #[cold]
    fn refuse_length(&mut self, line: u64) {
        self.too_long.get_or_insert((self.block, line));
    }

    #[cold]
    fn refuse_width(&mut self, width: usize, line: u64, byte: u64) {
        let header = self.layout.header.len();
        let kind = match width < header {
            true => error::TOO_FEW_FIELDS,
            false => error::TOO_MANY_FIELDS,
        };
        let fields = if width == 1 {
            "1 field"
        } else {
            &format!("{width} fields")
        };
        self.intake.refuse_row(
            line,
            byte,
            kind,
            format!("row has {fields}, header has {header}"),
        );
    }
}

/// Line ends that the csv package skips before a record.
fn leading_line_ends(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .count()
}

/// How far a block is parsed.
#[derive(Default)]
struct Position {
    /// Where the next record begins.
    from: usize,
    /// Its line, from 0.
    line: u64,
}

impl Position {
    /// Goes on behind the line end at `end`.
    #[inline]
    fn pass_end(&mut self, bytes: &[u8], end: usize) {
        let is_double = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
        self.from = end + 1 + usize::from(is_double);
        self.line += 1;
    }
}

impl Layout<'_> {
    /// Whether the record at `from` has the header's width, and nothing about it needs a closer
    /// look. `places` are counted from `base`.
    #[inline]
    fn is_common(&self, bytes: &[u8], from: usize, places: &[u16], base: usize) -> bool {
        let Some((inner, &[last, ..])) = places.split_at_checked(self.header.len() - 1) else {
            return false;
        };
        let end = base + usize::from(last);
        let is_delimiter = |&place: &u16| bytes[base + usize::from(place)] == self.marks.delimiter;
        bytes[end] != self.marks.delimiter
            && inner.iter().all(is_delimiter)
            && from < end
            && end - from <= self.max_field
            && (self.marks.comment.is_none() || self.marks.comment != Some(bytes[from]))
    }

    #[inline]
    fn place<'t>(&self, cells: &mut Cells<'t>, index: usize, field: &'t [u8]) {
        if index == self.chosen.user {
            cells.user = Some(field);
        }
        if index == self.chosen.time {
            cells.time = Some(field);
        }
        if Some(index) == self.chosen.time_of_day {
            cells.time_of_day = Some(field);
        }
        if Some(index) == self.chosen.source {
            cells.source = Some(field);
        }
    }
}
