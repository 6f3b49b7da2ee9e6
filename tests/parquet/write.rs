//! Writes Parquet files with a package that the program does not use.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// A column: how it is declared, and its cells.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    declared: String,
    cells: Cells,
    /// The definition levels of the rows, where the column is not required.
    levels: Option<Vec<i16>>,
}

/// The cells that are not null.
#[derive(Clone, Debug)]
pub(crate) enum Cells {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl Column {
    /// Required, declared by its type and name, as in `int64 user_id (INTEGER(64, false))`.
    pub(crate) fn required(declared: &str, cells: Cells) -> Self {
        Self {
            declared: format!("required {declared};"),
            cells,
            levels: None,
        }
    }

    /// Optional text.
    pub(crate) fn optional_text(name: &str, cells: &[Option<&str>]) -> Self {
        let present: Vec<&str> = cells.iter().flatten().copied().collect();
        Self {
            declared: format!("optional binary {name} (UTF8);"),
            cells: texts(&present),
            levels: Some(cells.iter().map(|cell| i16::from(cell.is_some())).collect()),
        }
    }

    /// Optional 64-bit numbers, declared as [`Self::required`] are.
    pub(crate) fn optional_numbers(declared: &str, cells: &[Option<i64>]) -> Self {
        Self {
            declared: format!("optional {declared};"),
            cells: Cells::Int64(cells.iter().flatten().copied().collect()),
            levels: Some(cells.iter().map(|cell| i16::from(cell.is_some())).collect()),
        }
    }

    /// Declared in any way, with the levels of its rows.
    pub(crate) fn nested(declared: &str, cells: Cells, levels: &[i16]) -> Self {
        Self {
            declared: declared.to_owned(),
            cells,
            levels: Some(levels.to_vec()),
        }
    }

    pub(crate) fn numbers(name: &str, cells: impl Into<Vec<i64>>) -> Self {
        Self::required(&format!("int64 {name}"), Cells::Int64(cells.into()))
    }

    pub(crate) fn text(name: &str, cells: &[&str]) -> Self {
        Self::required(&format!("binary {name} (UTF8)"), texts(cells))
    }

    fn rows(&self) -> usize {
        match (&self.levels, &self.cells) {
            (Some(levels), _) => levels.len(),
            (None, Cells::Int32(cells)) => cells.len(),
            (None, Cells::Int64(cells)) => cells.len(),
            (None, Cells::Double(cells)) => cells.len(),
            (None, Cells::Bool(cells)) => cells.len(),
            (None, Cells::Bytes(cells)) => cells.len(),
            (None, Cells::Fixed(cells)) => cells.len(),
        }
    }
}

/// Text or bytes as cells.
pub(crate) fn texts<T: AsRef<[u8]>>(cells: &[T]) -> Cells {
    let cells = cells.iter().map(|cell| cell.as_ref().to_vec().into());
    Cells::Bytes(cells.collect())
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) compression: Compression,
    /// Rows of a row group.
    pub(crate) group: usize,
    /// Rows of a page.
    pub(crate) page: usize,
    pub(crate) dictionary: bool,
    /// Delta encodings and pages of version 2.
    pub(crate) delta: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            compression: Compression::SNAPPY,
            group: usize::MAX,
            page: 20_000,
            dictionary: true,
            delta: false,
        }
    }
}

/// The bytes of a file.
pub(crate) fn file(columns: &[Column], layout: Layout) -> Vec<u8> {
    let declared: Vec<&str> = columns.iter().map(|it| it.declared.as_str()).collect();
    let schema = format!("message log {{ {} }}", declared.join(" "));
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut properties = WriterProperties::builder()
        .set_compression(layout.compression)
        .set_dictionary_enabled(layout.dictionary)
        .set_data_page_row_count_limit(layout.page)
        .set_write_batch_size(layout.page.min(1024));
    properties = match layout.delta {
        true => properties.set_writer_version(WriterVersion::PARQUET_2_0),
        false if !layout.dictionary => properties.set_encoding(Encoding::PLAIN),
        false => properties,
    };
    let mut bytes = Vec::new();
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let rows = columns.first().map_or(0, Column::rows);
    let mut from = 0;
    while from < rows {
        let to = rows.min(from.saturating_add(layout.group));
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            put(&mut group, column, from, to);
        }
        group.close().unwrap();
        from = to;
    }
    writer.close().unwrap();
    bytes
}

fn put(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    column: &Column,
    from: usize,
    to: usize,
) {
    match &column.cells {
        Cells::Int32(cells) => put_cells::<Int32Type>(group, column, cells, from, to),
        Cells::Int64(cells) => put_cells::<Int64Type>(group, column, cells, from, to),
        Cells::Double(cells) => put_cells::<DoubleType>(group, column, cells, from, to),
        Cells::Bool(cells) => put_cells::<BoolType>(group, column, cells, from, to),
        Cells::Bytes(cells) => put_cells::<ByteArrayType>(group, column, cells, from, to),
        Cells::Fixed(cells) => put_cells::<FixedLenByteArrayType>(group, column, cells, from, to),
    }
}

fn put_cells<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    column: &Column,
    cells: &[T::T],
    from: usize,
    to: usize,
) {
    let mut writer = group.next_column().unwrap().unwrap();
    let levels = column.levels.as_deref();
    let deepest = levels.and_then(|levels| levels.iter().max().copied());
    let present = |rows: &[i16]| rows.iter().filter(|&&row| Some(row) == deepest).count();
    let cells = match levels {
        Some(_) if cells.is_empty() => cells,
        Some(levels) => &cells[present(&levels[..from])..present(&levels[..to])],
        None => &cells[from..to],
    };
    let levels = levels.map(|levels| &levels[from..to]);
    // A column of lists has one item in each row.
    let repeated: Option<Vec<i16>> = column
        .declared
        .contains("repeated")
        .then(|| vec![0; to - from]);
    writer
        .typed::<T>()
        .write_batch(cells, levels, repeated.as_deref())
        .unwrap();
    writer.close().unwrap();
}
