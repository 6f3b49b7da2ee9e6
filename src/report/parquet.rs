//! Parquet for data tools: the columns of CSV with types, null for what is unknown, and text as it
//! is. Rows are written group by group as they come, so memory does not grow with their number.

use std::io::{self, Write};

use polars_arrow::array::{
    Array, MutableArray, MutableBinaryViewArray, MutableBooleanArray, MutablePrimitiveArray,
};
use polars_parquet::parquet::error::{ParquetError, ParquetResult};
use polars_parquet::parquet::schema::Repetition;
use polars_parquet::parquet::schema::types::{
    ParquetType, PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType, PrimitiveType,
    TimeUnit,
};
use polars_parquet::parquet::write::{FileWriter, WriteOptions as FileOptions};
use polars_parquet::write::{
    CompressedPage, CompressionOptions, Compressor, DynIter, DynStreamingIterator, Encoding,
    KeyValue, Nested, SchemaDescriptor, StatisticsOptions, Version, WriteOptions, array_to_pages,
};

use crate::report::answer::Answer;
use crate::report::columns::{
    Cell, Kind, SESSION_TYPES, SESSIONS, Type, cells_of, joined, names_of, nearest_seconds,
    report_names, report_types, row_cells, session_cells, types_of,
};
use crate::report::sessions::SessionRow;
use crate::report::{PROGRAM, Report, Run, SCHEMA_VERSION, Style};

/// The program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The most rows of a row group.
const GROUP_ROWS: usize = 1 << 18;
/// The bytes of text that end a row group early.
const GROUP_TEXT: usize = 1 << 26;
/// The longest text: a page's length must fit into 31 bits.
const LONGEST_TEXT: usize = 1 << 30;

/// How pages are written. What could depend on the environment is set.
const PAGES: WriteOptions = WriteOptions {
    statistics: StatisticsOptions {
        min_value: true,
        max_value: true,
        distinct_count: false,
        null_count: true,
        binary_statistics_truncate_length: Some(64),
    },
    version: Version::V1,
    compression: CompressionOptions::Zstd(None),
    data_page_size: Some(1 << 20),
};

/// Writes the rows of a report, the overall row last where it is asked for.
pub fn write(report: &Report, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (names, types) = (report_names(report), report_types(report));
    let mut table = Table::new(&names, &types, out)?;
    for row in report.rows() {
        table.row(&row_cells(row, report))?;
    }
    table.end()
}

/// Writes one row per session, as they come.
pub fn write_sessions(
    run: &Run,
    rows: &mut dyn Iterator<Item = SessionRow<'_>>,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (names, types) = (names_of(SESSIONS, run), types_of(SESSION_TYPES, run));
    let mut table = Table::new(&names, &types, out)?;
    for row in rows {
        table.row(&cells_of(session_cells(&row), run))?;
    }
    table.end()
}

/// Writes the main rows of an answer.
pub(crate) fn write_answer(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let (names, types, rows) = answer.main_rows();
    let mut table = Table::new(&names, &types, out)?;
    for row in rows {
        table.row(&row)?;
    }
    table.end()
}

/// A file in the making, and the row group that is being gathered for it.
struct Table<'a> {
    writer: FileWriter<&'a mut dyn Write>,
    columns: Vec<Column>,
    rows: usize,
    text: usize,
}

impl<'a> Table<'a> {
    fn new(names: &[&str], types: &[Type], out: &'a mut dyn Write) -> io::Result<Self> {
        let primitives = names
            .iter()
            .zip(types)
            .map(|(name, of)| primitive(name, *of));
        let columns: Vec<Column> = primitives
            .zip(types)
            .map(|(primitive, of)| Column {
                values: Values::new(of.kind),
                primitive,
            })
            .collect();
        let fields = columns
            .iter()
            .map(|column| ParquetType::PrimitiveType(column.primitive.clone()));
        let schema = SchemaDescriptor::new("root".into(), fields.collect());
        let options = FileOptions {
            write_statistics: true,
            version: PAGES.version,
        };
        let made_by = format!("{PROGRAM} version {VERSION}");
        Ok(Self {
            writer: FileWriter::new(out, schema, options, Some(made_by)),
            columns,
            rows: 0,
            text: 0,
        })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.text += column.values.push(cell)?;
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.text >= GROUP_TEXT {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> io::Result<()> {
        let rows = self.rows as u64;
        let columns: Vec<_> = self.columns.iter_mut().map(Column::take).collect();
        let pages = columns.into_iter().map(|(array, of)| pages(&*array, of));
        self.writer
            .write(rows, DynIter::new(pages))
            .map_err(io_error)?;
        (self.rows, self.text) = (0, 0);
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.end_group()?;
        }
        let said = [
            ("program", PROGRAM.to_owned()),
            ("version", VERSION.to_owned()),
            ("schema_version", SCHEMA_VERSION.to_string()),
        ];
        let said = said.into_iter().map(|(key, value)| KeyValue {
            key: key.to_owned(),
            value: Some(value),
        });
        let ended = self.writer.end(Some(said.collect()));
        ended.map(|_| ()).map_err(io_error)
    }
}

/// A column of the row group that is being gathered.
struct Column {
    values: Values,
    primitive: PrimitiveType,
}

impl Column {
    /// The values gathered, after which there are none.
    fn take(&mut self) -> (Box<dyn Array>, PrimitiveType) {
        (self.values.take(), self.primitive.clone())
    }
}

enum Values {
    Text(MutableBinaryViewArray<str>),
    Whole(MutablePrimitiveArray<i64>),
    Numbers(MutablePrimitiveArray<f64>),
    Flags(MutableBooleanArray),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Values::Text(MutableBinaryViewArray::new()),
            Kind::Count | Kind::Instant => Values::Whole(MutablePrimitiveArray::new()),
            Kind::Number => Values::Numbers(MutablePrimitiveArray::new()),
            Kind::Flag => Values::Flags(MutableBooleanArray::new()),
        }
    }

    /// Adds a value and returns how many bytes of text it has.
    fn push(&mut self, cell: &Cell<'_>) -> io::Result<usize> {
        match (self, cell) {
            (Values::Text(values), Cell::Text(text)) => return push_text(values, text),
            (Values::Text(values), Cell::Plain(text)) => return push_text(values, text),
            (Values::Text(values), Cell::Sources(sources)) => {
                return push_text(values, &joined(sources));
            }
            (Values::Text(values), Cell::Texts(texts)) => {
                return push_text(values, &texts.join(";"));
            }
            (Values::Text(values), Cell::Unknown) => values.push_null(),
            (Values::Whole(values), Cell::Count(count)) => {
                let count = i64::try_from(*count).map_err(io::Error::other)?;
                values.push(Some(count));
            }
            (Values::Whole(values), Cell::Instant(at)) => values.push(Some(*at)),
            (Values::Whole(values), Cell::Unknown) => values.push(None),
            (Values::Numbers(values), Cell::Number(number)) => {
                values.push(Some(*number).filter(|number| number.is_finite()));
            }
            (Values::Numbers(values), Cell::Count(count)) => values.push(Some(*count as f64)),
            (Values::Numbers(values), Cell::Seconds(micros)) => {
                values.push(Some(nearest_seconds(*micros)));
            }
            (Values::Numbers(values), Cell::Unknown) => values.push(None),
            (Values::Flags(values), Cell::Flag(flag)) => values.push(Some(*flag)),
            (Values::Flags(values), Cell::Unknown) => values.push(None),
            _ => unreachable!("each cell is of the kind of its column"),
        }
        Ok(0)
    }

    fn take(&mut self) -> Box<dyn Array> {
        match self {
            Values::Text(values) => std::mem::take(values).as_box(),
            Values::Whole(values) => std::mem::take(values).as_box(),
            Values::Numbers(values) => std::mem::take(values).as_box(),
            Values::Flags(values) => std::mem::take(values).as_box(),
        }
    }
}

fn push_text(values: &mut MutableBinaryViewArray<str>, text: &str) -> io::Result<usize> {
    if text.len() > LONGEST_TEXT {
        let message = format!("a text of {} bytes is too long for Parquet", text.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    values.push_value(text);
    Ok(text.len())
}

/// A column's type as Parquet says it; instants also in the way of older readers.
fn primitive(name: &str, of: Type) -> PrimitiveType {
    let instant = PrimitiveLogicalType::Timestamp {
        unit: TimeUnit::Microseconds,
        is_adjusted_to_utc: true,
    };
    let (physical, converted, logical) = match of.kind {
        Kind::Text => (
            PhysicalType::ByteArray,
            Some(PrimitiveConvertedType::Utf8),
            Some(PrimitiveLogicalType::String),
        ),
        Kind::Count => (PhysicalType::Int64, None, None),
        Kind::Number => (PhysicalType::Double, None, None),
        Kind::Instant => (
            PhysicalType::Int64,
            Some(PrimitiveConvertedType::TimestampMicros),
            Some(instant),
        ),
        Kind::Flag => (PhysicalType::Boolean, None, None),
    };
    let mut primitive = PrimitiveType::from_physical(name.into(), physical);
    primitive.field_info.repetition = match of.can_be_unknown {
        true => Repetition::Optional,
        false => Repetition::Required,
    };
    primitive.converted_type = converted;
    primitive.logical_type = logical;
    primitive
}

type Pages = DynStreamingIterator<'static, CompressedPage, ParquetError>;

/// A column's values as compressed pages, made one after the other as they are written.
fn pages(array: &dyn Array, primitive: PrimitiveType) -> ParquetResult<Pages> {
    let encoding = match primitive.physical_type {
        PhysicalType::ByteArray => Encoding::RleDictionary,
        _ => Encoding::Plain,
    };
    let is_optional = primitive.field_info.repetition == Repetition::Optional;
    let levels = Nested::primitive(array.validity().cloned(), is_optional, array.len());
    let encoded = array_to_pages(array, primitive, &[levels], PAGES, encoding);
    let encoded = encoded.map_err(|cause| wrapped(&cause))?;
    let encoded = encoded.map(|page| page.map_err(|cause| wrapped(&cause)));
    let compressed = Compressor::new(encoded, PAGES.compression, Vec::new());
    Ok(DynStreamingIterator::new(compressed))
}

fn wrapped(cause: &impl std::error::Error) -> ParquetError {
    ParquetError::OutOfSpec(cause.to_string())
}

/// What the system said of a write is remembered by the sink below.
fn io_error(cause: ParquetError) -> io::Error {
    io::Error::other(cause.to_string())
}
