//! Parquet files, row group by row group: only the column chunks that are needed are read into
//! memory and decoded. The file is read, never mapped, and its footer is checked against limits
//! before anything is decoded.

mod pages;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use polars::io::parquet::read::_internal::to_deserializer;
use polars::io::parquet::read::infer_schema;
use polars::prelude::*;

use crate::error::{self, Failure, SourcePlace};
use crate::import::ids::binary_id;
use crate::import::intake::{Intake, SourceValue, TimeValue, UserValue};
use crate::time::timestamp::quoted;

/// What a file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";
/// What it ends with when its footer is encrypted.
const ENCRYPTED: &[u8; 4] = b"PARE";
/// The footer's length and the closing magic.
const TAIL: u64 = 8;

/// The most rows a file may declare: a petabyte of nothing fits into a few kilobytes of Parquet.
const MAX_ROWS: u64 = 1 << 36;
/// The most memory the needed columns of one row group may take. pyarrow's largest row groups hold
/// 2²⁶ rows, which fit with three columns.
const MAX_GROUP: u64 = 4 << 30;
/// What a value takes in memory at most, text aside.
const WIDTH: u64 = 16;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside the decoder: a panic there becomes an error and is not to be
/// printed.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Whether a file that begins with these bytes is Parquet, encrypted or not.
pub(crate) fn is_parquet(first_bytes: &[u8]) -> bool {
    first_bytes.starts_with(MAGIC) || first_bytes.starts_with(ENCRYPTED)
}

/// Which columns are read, by their places in the header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    /// The user.
    pub(crate) user: usize,
    /// The time.
    pub(crate) time: usize,
    /// The source, where the rows name it.
    pub(crate) source: Option<usize>,
}

/// A Parquet file whose footer has been read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    file: File,
    length: u64,
    metadata: FileMetadataRef,
    schema: ArrowSchema,
}

impl ParquetFile {
    /// Reads and checks the footer. Errors name `place`.
    pub(crate) fn open(file: File, place: &SourcePlace) -> Result<Self, Failure> {
        Self::open_unplaced(file).map_err(|failure| failure.in_source(place))
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> Vec<String> {
        let names = self.schema.iter_names();
        names.map(|name| name.to_string()).collect()
    }

    /// Hands every row to `intake`; `own` is the file's source when the rows name none. A row's
    /// line is its number in the file, counted from 1.
    pub(crate) fn read(
        &mut self,
        columns: Columns,
        place: &SourcePlace,
        intake: &mut Intake<'_>,
        own: u8,
    ) -> Result<(), Failure> {
        let mut line = 0;
        self.read_groups(columns, intake, own, &mut line)
            .map_err(|failure| match line {
                0 => failure.in_source(place),
                rows => failure
                    .detail(format!("read so far: {rows} rows, thrown away"))
                    .in_source(place),
            })
    }

    fn open_unplaced(mut file: File) -> Result<Self, Failure> {
        let length = check_frame(&mut file)?;
        let read = decode(|| {
            let mut reader = ParquetReader::new(&mut file);
            let metadata = Arc::clone(reader.get_metadata()?);
            let names = metadata.schema().fields().iter();
            let names: Vec<String> = names.map(|field| field.name().to_owned()).collect();
            let schema = match repeated(&names) {
                Some(_) => ArrowSchema::default(),
                None => infer_schema(&metadata)?,
            };
            Ok((metadata, schema, names))
        });
        let (metadata, schema, names) = read.map_err(|cause| match cause {
            Undecoded::Panic => damaged("footer is damaged (decoder failed)"),
            Undecoded::Error(said) => damaged(format!("footer is damaged: {said}")),
        })?;
        if let Some(name) = repeated(&names) {
            let name = quoted(name.as_bytes());
            let message = format!("two columns have the name {name}");
            return Err(Failure::new(error::AMBIGUOUS_COLUMN, message).help("rename one of them"));
        }
        let rows = metadata.row_groups.iter().map(|group| group.num_rows());
        let rows = rows
            .fold(metadata.num_rows, usize::max)
            .max(rows_in_all(&metadata).unwrap_or(usize::MAX));
        if rows as u64 > MAX_ROWS {
            let message = format!("declares {rows} rows, over the limit of {MAX_ROWS}");
            return Err(Failure::new(error::SIZE, message));
        }
        Ok(Self {
            file,
            length,
            metadata,
            schema,
        })
    }

    fn read_groups(
        &mut self,
        columns: Columns,
        intake: &mut Intake<'_>,
        own: u8,
        line: &mut u64,
    ) -> Result<(), Failure> {
        let user = self.wanted(columns.user, "user", Kind::is_id)?;
        let time = self.wanted(columns.time, "time", Kind::is_time)?;
        let source = columns.source;
        let source = source.map(|at| self.wanted(at, "source", Kind::is_name));
        let source = source.transpose()?;
        let wanted: Vec<&Wanted> = [&user, &time].into_iter().chain(&source).collect();
        let groups = self.metadata.row_groups.len();
        for group in 0..groups {
            self.check_size(group, &wanted)?;
        }
        for group in 0..groups {
            let mut series = Vec::with_capacity(wanted.len());
            for column in &wanted {
                series.push(self.column(group, column)?);
            }
            hand_on(&series, [&user, &time], intake, own, line)?;
        }
        Ok(())
    }

    /// The column at a place of the header, when it is of a kind that can be used.
    fn wanted(
        &self,
        at: usize,
        what: &str,
        is_usable: fn(Kind) -> bool,
    ) -> Result<Wanted, Failure> {
        let (_, field) = self
            .schema
            .get_at_index(at)
            .expect("columns are chosen from the header");
        let refuse = |why: &str| {
            let name = quoted(field.name.as_bytes());
            Err(Failure::new(
                error::COLUMN_TYPE,
                format!("column {name} {why}"),
            ))
        };
        match Kind::of(&field.dtype) {
            Some(kind) if is_usable(kind) => {
                let mut field = field_to_read(field);
                if self.is_int96(&field.name) {
                    // Nanoseconds would wrap around outside of the years 1678 to 2262.
                    field.dtype = ArrowDataType::Timestamp(ArrowTimeUnit::Microsecond, None);
                }
                Ok(Wanted { field, kind })
            }
            _ if is_date(&field.dtype) && what == "time" => {
                refuse("is of type date, which has no time of day")
            }
            _ => refuse(&format!(
                "is of type {}, which cannot be a {what}",
                type_name(&field.dtype)
            )),
        }
    }

    /// Whether a column is of the old type for times, which the package does not name.
    fn is_int96(&self, name: &str) -> bool {
        let group = self.metadata.row_groups.first();
        let mut chunks = group.and_then(|group| group.columns_under_root_iter(name));
        let chunk = chunks.as_mut().and_then(|chunks| chunks.next());
        chunk.is_some_and(|chunk| format!("{:?}", chunk.physical_type()) == "Int96")
    }

    /// That a row group's needed columns fit into memory.
    fn check_size(&self, group: usize, wanted: &[&Wanted]) -> Result<(), Failure> {
        let group = &self.metadata.row_groups[group];
        let values = (group.num_rows() as u64)
            .saturating_mul(WIDTH)
            .saturating_mul(wanted.len() as u64);
        let chunks = wanted.iter().flat_map(|column| {
            let chunks = group.columns_under_root_iter(&column.field.name);
            chunks.into_iter().flatten()
        });
        let text = chunks.fold(0_u64, |sum, chunk| {
            sum.saturating_add(chunk.uncompressed_size().max(0).unsigned_abs())
        });
        if values.max(text) <= MAX_GROUP {
            return Ok(());
        }
        let message = format!(
            "a row group declares {} rows and {text} bytes in the columns needed, over the limit \
             of {MAX_GROUP} bytes in memory",
            group.num_rows()
        );
        Err(Failure::new(error::SIZE, message).help("write the file again with smaller row groups"))
    }

    /// One column of one row group.
    fn column(&mut self, group: usize, wanted: &Wanted) -> Result<Series, Failure> {
        let metadata = Arc::clone(&self.metadata);
        let group = &metadata.row_groups[group];
        let rows = group.num_rows();
        let mut chunks = Vec::new();
        let found = group.columns_under_root_iter(&wanted.field.name);
        for chunk in found.into_iter().flatten() {
            // Its end was computed, and so checked, when the footer was read.
            let range = chunk.byte_range();
            if range.end > self.length || range.start > range.end {
                return Err(damaged("footer is damaged: a column lies outside the file"));
            }
            let bytes = self.bytes(range.start, range.end - range.start)?;
            check_pages(&bytes, rows)?;
            chunks.push((chunk, bytes.into()));
        }
        let read = decode(|| {
            let (arrays, _) = to_deserializer(chunks, wanted.field.clone(), None)?;
            let series = Series::try_from((&wanted.field, arrays))?;
            let series = match wanted.kind {
                Kind::Text => series.cast(&DataType::String)?,
                Kind::Integer if series.dtype() != &DataType::UInt64 => {
                    series.cast(&DataType::Int64)?
                }
                _ => series,
            };
            Ok(series)
        });
        match read {
            Ok(series) if series.len() == rows => Ok(series),
            Ok(series) => Err(damaged(format!(
                "file is damaged: {} rows where {rows} were declared",
                series.len()
            ))),
            Err(Undecoded::Panic) => Err(damaged("file is damaged (decoder failed)")),
            Err(Undecoded::Error(said)) => Err(damaged(format!("file is damaged: {said}"))),
        }
    }

    fn bytes(&mut self, from: u64, length: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; length as usize];
        self.file.seek(SeekFrom::Start(from)).map_err(unread)?;
        self.file.read_exact(&mut bytes).map_err(|cause| {
            if cause.kind() == io::ErrorKind::UnexpectedEof {
                return Failure::new(error::CHANGED, "the file became shorter while it was read");
            }
            unread(cause)
        })?;
        Ok(bytes)
    }
}

/// A column to read.
#[derive(Clone, Debug)]
struct Wanted {
    field: ArrowField,
    kind: Kind,
}

/// What a column holds, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Binary,
    /// An instant, or with no zone a local time.
    Time {
        is_zoned: bool,
    },
}

impl Kind {
    fn of(dtype: &ArrowDataType) -> Option<Self> {
        use ArrowDataType as T;
        match dtype {
            T::Int8 | T::Int16 | T::Int32 | T::Int64 => Some(Kind::Integer),
            T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => Some(Kind::Integer),
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Some(Kind::Text),
            T::Dictionary(_, inner, _) if Kind::of(inner) == Some(Kind::Text) => Some(Kind::Text),
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => {
                Some(Kind::Binary)
            }
            T::Extension(extension) => Kind::of(&extension.inner),
            T::Timestamp(_, zone) => Some(Kind::Time {
                is_zoned: zone.is_some(),
            }),
            _ => None,
        }
    }

    fn is_id(self) -> bool {
        matches!(self, Kind::Integer | Kind::Text | Kind::Binary)
    }

    fn is_time(self) -> bool {
        matches!(self, Kind::Integer | Kind::Text | Kind::Time { .. })
    }

    fn is_name(self) -> bool {
        matches!(self, Kind::Integer | Kind::Text)
    }
}

/// The field without what is only a name for its values: an extension, a zone (the instants are
/// kept in UTC).
fn field_to_read(field: &ArrowField) -> ArrowField {
    let mut field = field.clone();
    field.metadata = None;
    while let ArrowDataType::Extension(extension) = &field.dtype {
        field.dtype = extension.inner.clone();
    }
    if let ArrowDataType::Timestamp(_, zone) = &mut field.dtype {
        *zone = None;
    }
    field
}

fn is_date(dtype: &ArrowDataType) -> bool {
    matches!(dtype, ArrowDataType::Date32 | ArrowDataType::Date64)
}

/// A type in a word: `float64`, `struct`.
fn type_name(dtype: &ArrowDataType) -> String {
    let shown = format!("{dtype:?}").to_lowercase();
    let word = shown.split(|sign: char| !sign.is_ascii_alphanumeric());
    word.into_iter().next().unwrap_or_default().to_owned()
}

/// Hands the rows of one row group on: user, time, and the source if there is a third column.
fn hand_on(
    series: &[Series],
    [user, time]: [&Wanted; 2],
    intake: &mut Intake<'_>,
    own: u8,
    line: &mut u64,
) -> Result<(), Failure> {
    let rows = series[0].len();
    let mut users = Cells::of(&series[0], user.kind)?;
    let mut times = Cells::of(&series[1], time.kind)?;
    let mut sources = match series.get(2) {
        Some(series) => Some(Cells::of(series, kind_of_names(series))?),
        None => None,
    };
    let (mut id, mut name) = (String::new(), String::new());
    for _ in 0..rows {
        *line += 1;
        let source = match &mut sources {
            Some(sources) => SourceValue::Text(sources.next_name(&mut name)),
            None => SourceValue::Known(own),
        };
        let user = users.next_user(&mut id);
        intake.row(*line, 0, source, user, times.next_time());
    }
    Ok(())
}

fn kind_of_names(series: &Series) -> Kind {
    match series.dtype() {
        DataType::String => Kind::Text,
        _ => Kind::Integer,
    }
}

type Values<'s, T> = Box<dyn Iterator<Item = Option<T>> + 's>;

/// The values of a column, one after the other.
enum Cells<'s> {
    Signed(Values<'s, i64>),
    Unsigned(Values<'s, u64>),
    Text(Values<'s, &'s str>),
    Binary(Values<'s, &'s [u8]>),
    Time {
        values: Values<'s, i64>,
        unit: TimeUnit,
        is_zoned: bool,
    },
}

impl<'s> Cells<'s> {
    fn of(series: &'s Series, kind: Kind) -> Result<Self, Failure> {
        let cells = || -> PolarsResult<Self> {
            Ok(match (kind, series.dtype()) {
                (Kind::Integer, DataType::UInt64) => {
                    Cells::Unsigned(Box::new(series.u64()?.iter()))
                }
                (Kind::Integer, _) => Cells::Signed(Box::new(series.i64()?.iter())),
                (Kind::Text, _) => Cells::Text(Box::new(series.str()?.iter())),
                (Kind::Binary, _) => Cells::Binary(Box::new(series.binary()?.iter())),
                (Kind::Time { is_zoned }, _) => {
                    let times = series.datetime()?;
                    Cells::Time {
                        values: Box::new(times.physical().iter()),
                        unit: times.time_unit(),
                        is_zoned,
                    }
                }
            })
        };
        cells().map_err(|cause| damaged(format!("file is damaged: {}", plain(&cause))))
    }

    fn next_user<'t>(&mut self, text: &'t mut String) -> UserValue<'t>
    where
        's: 't,
    {
        let user = match self {
            Cells::Signed(values) => values.next().flatten().map(UserValue::Number),
            Cells::Unsigned(values) => values.next().flatten().map(|number| {
                i64::try_from(number)
                    .map_or_else(|_| UserValue::Text(digits(number, text)), UserValue::Number)
            }),
            Cells::Text(values) => {
                let text = values.next().flatten();
                text.map(|text| UserValue::Text(text.as_bytes()))
            }
            Cells::Binary(values) => {
                let bytes = values.next().flatten();
                bytes.map(|bytes| UserValue::Text(binary_id(bytes, text)))
            }
            Cells::Time { .. } => None,
        };
        user.unwrap_or(UserValue::Missing)
    }

    fn next_time(&mut self) -> TimeValue<'s> {
        let time = match self {
            Cells::Signed(values) => values.next().flatten().map(TimeValue::Number),
            Cells::Unsigned(values) => values.next().flatten().map(|number| {
                i64::try_from(number).map_or(
                    TimeValue::Unusable("a number over 2^63 - 1"),
                    TimeValue::Number,
                )
            }),
            Cells::Text(values) => {
                let text = values.next().flatten();
                text.map(|text| TimeValue::Text(text.as_bytes()))
            }
            Cells::Binary(_) => None,
            Cells::Time {
                values,
                unit,
                is_zoned,
            } => values
                .next()
                .flatten()
                .map(|at| typed_time(at, *unit, *is_zoned)),
        };
        time.unwrap_or(TimeValue::Missing)
    }

    /// A source's name; empty when there is none.
    fn next_name<'t>(&mut self, text: &'t mut String) -> &'t [u8]
    where
        's: 't,
    {
        let name = match self {
            Cells::Signed(values) => values.next().flatten().map(|number| digits(number, text)),
            Cells::Unsigned(values) => values.next().flatten().map(|number| digits(number, text)),
            Cells::Text(values) => values.next().flatten().map(str::as_bytes),
            Cells::Binary(_) | Cells::Time { .. } => None,
        };
        name.unwrap_or_default()
    }
}

/// A time of its unit. What does not fit into microseconds is out of every range.
fn typed_time(at: i64, unit: TimeUnit, is_zoned: bool) -> TimeValue<'static> {
    match (unit, is_zoned) {
        (TimeUnit::Nanoseconds, true) => TimeValue::InstantNanos(at),
        (TimeUnit::Nanoseconds, false) => TimeValue::LocalNanos(at),
        (TimeUnit::Microseconds, true) => TimeValue::Instant(at),
        (TimeUnit::Microseconds, false) => TimeValue::Local(at),
        (TimeUnit::Milliseconds, true) => TimeValue::Instant(at.saturating_mul(1000)),
        (TimeUnit::Milliseconds, false) => TimeValue::Local(at.saturating_mul(1000)),
    }
}

fn digits(number: impl ToString, text: &mut String) -> &[u8] {
    *text = number.to_string();
    text.as_bytes()
}

/// That a file has the shape of a Parquet file; its length.
fn check_frame(file: &mut File) -> Result<u64, Failure> {
    let length = file.seek(SeekFrom::End(0)).map_err(unread)?;
    if length < MAGIC.len() as u64 + TAIL {
        return Err(damaged("not a Parquet file: too short"));
    }
    let (mut head, mut tail) = ([0; 4], [0; TAIL as usize]);
    file.seek(SeekFrom::Start(0)).map_err(unread)?;
    file.read_exact(&mut head).map_err(unread)?;
    file.seek(SeekFrom::Start(length - TAIL)).map_err(unread)?;
    file.read_exact(&mut tail).map_err(unread)?;
    file.seek(SeekFrom::Start(0)).map_err(unread)?;
    let [a, b, c, d, magic @ ..] = tail;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if head == *ENCRYPTED || magic == *ENCRYPTED {
        return Err(damaged("the file is encrypted, which is not read"));
    }
    if head != *MAGIC {
        return Err(damaged("not a Parquet file: it does not begin with PAR1"));
    }
    if magic != *MAGIC {
        return Err(
            damaged("footer is damaged: the file does not end with PAR1")
                .help("it may have been cut; fetch it again"),
        );
    }
    if footer > length - TAIL - MAGIC.len() as u64 {
        return Err(damaged("footer is damaged: it is longer than the file"));
    }
    Ok(length)
}

/// That the pages of a chunk hold no more than the footer says and than memory takes.
fn check_pages(chunk: &[u8], rows: usize) -> Result<(), Failure> {
    let Some(promised) = pages::promised(chunk) else {
        return Err(damaged("file is damaged: a page header cannot be read"));
    };
    if promised.values > rows as u64 {
        return Err(damaged(format!(
            "file is damaged: pages declare {} values where there are {rows} rows",
            promised.values
        )));
    }
    if promised.bytes > MAX_GROUP {
        let message = format!(
            "pages declare {} bytes, over the limit of {MAX_GROUP} bytes in memory",
            promised.bytes
        );
        return Err(Failure::new(error::SIZE, message));
    }
    Ok(())
}

fn rows_in_all(metadata: &FileMetadata) -> Option<usize> {
    let mut rows = metadata.row_groups.iter().map(|group| group.num_rows());
    rows.try_fold(0_usize, usize::checked_add)
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(pair[0])
}

/// Why something could not be decoded.
enum Undecoded {
    Panic,
    Error(String),
}

/// Runs the decoder on this thread; its panics are errors like its own.
fn decode<T>(work: impl FnOnce() -> PolarsResult<T>) -> Result<T, Undecoded> {
    DECODING.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(false);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => Err(Undecoded::Error(plain(&cause))),
        Err(_) => Err(Undecoded::Panic),
    }
}

/// A decoder's message, which may quote the file, without what a terminal would obey.
fn plain(cause: &PolarsError) -> String {
    quoted(cause.to_string().as_bytes())
        .trim_matches('"')
        .to_owned()
}

fn damaged(message: impl Into<String>) -> Failure {
    Failure::new(error::PARQUET, message)
}

fn unread(cause: io::Error) -> Failure {
    Failure::new(error::READ, format!("reading failed: {cause}"))
}
