//! One column of one row group, decoded a window of pages at a time, so that memory stays bounded
//! however large the row group is.

use std::collections::VecDeque;
use std::io::Cursor;

use polars_arrow::array::{
    Array, BinaryViewArray, FixedSizeBinaryArray, PrimitiveArray, StructArray, Utf8ViewArray,
};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::types::NativeType;
use polars_parquet::parquet::compression::Compression;
use polars_parquet::parquet::read::PageMetaData;
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, PageReader, RowGroupMetadata, column_iter_to_arrays,
};

use crate::error::Failure;
use crate::import::parquet::leaves::{Kind, Wanted};
use crate::import::parquet::pages::{self, Page};
use crate::import::parquet::{ColumnFile, WIDTH, damaged, decode};

/// The memory that the pages of a window take, unless one page alone takes more.
const WINDOW: u64 = 4 << 20;

/// The same for pages that need no dictionary, which is decoded again for every window.
const PLAIN_WINDOW: u64 = 2 << 20;

/// The decoded values of a window.
#[derive(Debug)]
pub(crate) enum Values {
    /// Also times, in their unit.
    Numbers(PrimitiveArray<i64>),
    Unsigned(PrimitiveArray<u64>),
    Decimals(PrimitiveArray<i128>),
    Text(Utf8ViewArray),
    Binary(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        self.array().len()
    }

    fn array(&self) -> &dyn Array {
        match self {
            Values::Numbers(array) => array,
            Values::Unsigned(array) => array,
            Values::Decimals(array) => array,
            Values::Text(array) => array,
            Values::Binary(array) => array,
            Values::Fixed(array) => array,
        }
    }
}

/// A column chunk that is being read.
pub(crate) struct Chunk<'p> {
    file: &'p ColumnFile,
    metadata: &'p ColumnChunkMetadata,
    wanted: &'p Wanted,
    /// Pages with their headers, as they lie in the file.
    dictionary: Vec<u8>,
    pages: VecDeque<Page>,
}

impl<'p> Chunk<'p> {
    /// Finds the pages of a column.
    pub(crate) fn open(
        file: &'p ColumnFile,
        group: &'p RowGroupMetadata,
        wanted: &'p Wanted,
    ) -> Result<Self, Failure> {
        let Some(metadata) = wanted.chunk(group) else {
            return Err(damaged(
                "footer is damaged: a column is missing in a row group",
            ));
        };
        if metadata.compression() == Compression::Lzo {
            return Err(damaged(
                "a column is compressed with the codec LZO, which is not read",
            ));
        }
        // Its end was computed, and so checked, when the footer was read.
        let range = metadata.byte_range();
        if range.end > file.length || range.start > range.end {
            return Err(damaged("footer is damaged: a column lies outside the file"));
        }
        let pages = pages::pages(file, range, group.num_rows() as u64, WIDTH)?;
        let mut dictionary = Vec::new();
        if let Some(page) = pages.iter().find(|page| page.is_dictionary) {
            dictionary = file.bytes(page.range.clone())?;
        }
        let pages = pages.into_iter().filter(|page| !page.is_dictionary);
        Ok(Self {
            file,
            metadata,
            wanted,
            dictionary,
            pages: pages.collect(),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.wanted.kind
    }

    /// The next values; nothing after the last.
    pub(crate) fn next_window(&mut self) -> Result<Option<Values>, Failure> {
        let Some(first) = self.pages.pop_front() else {
            return Ok(None);
        };
        let (mut bytes, window) = match first.needs_dictionary {
            true => (self.dictionary.clone(), WINDOW),
            false => (Vec::new(), PLAIN_WINDOW),
        };
        let (mut range, mut memory, mut values) = (first.range, first.bytes, first.values);
        while let Some(page) = self.pages.front()
            && page.range.start == range.end
            && page.needs_dictionary == first.needs_dictionary
            && memory + page.bytes <= window
        {
            range.end = page.range.end;
            memory += page.bytes;
            values += page.values;
            self.pages.pop_front();
        }
        bytes.extend(self.file.bytes(range)?);
        let read = decode("file is damaged", || self.decoded(bytes, values))?;
        match read.len() as u64 == values {
            true => Ok(Some(read)),
            false => Err(damaged(format!(
                "file is damaged: {} rows where {values} were declared",
                read.len()
            ))),
        }
    }

    fn decoded(&self, bytes: Vec<u8>, values: u64) -> Result<Values, String> {
        let mut metadata = PageMetaData::from(self.metadata);
        metadata.num_values = values as i64;
        let largest = bytes.len();
        let bytes = Cursor::new(bytes.into());
        let pages = PageReader::new_with_page_meta(bytes, metadata, Vec::new(), largest);
        let columns = vec![BasicDecompressor::new(pages, Vec::new())];
        let types = vec![&self.metadata.descriptor().descriptor.primitive_type];
        let (arrays, _) = column_iter_to_arrays(columns, types, self.wanted.field.clone(), None)
            .map_err(|cause| cause.to_string())?;
        match <[_; 1]>::try_from(arrays) {
            Ok([array]) => values_of(array, None),
            Err(_) => Err("not one array".to_owned()),
        }
    }
}

/// The values of an array, which is null where what holds it is.
fn values_of(array: Box<dyn Array>, outer: Option<Bitmap>) -> Result<Values, String> {
    let validity = both(outer, array.validity().cloned());
    if let Some(outer) = array.as_any().downcast_ref::<StructArray>() {
        return match outer.values() {
            [inner] => values_of(inner.clone(), validity),
            _ => Err("not one field".to_owned()),
        };
    }
    let array = array.with_validity(validity);
    let any = array.as_any();
    if let Some(texts) = any.downcast_ref::<Utf8ViewArray>() {
        return Ok(Values::Text(texts.clone()));
    }
    if let Some(bytes) = any.downcast_ref::<BinaryViewArray>() {
        return Ok(Values::Binary(bytes.clone()));
    }
    if let Some(bytes) = any.downcast_ref::<FixedSizeBinaryArray>() {
        return Ok(Values::Fixed(bytes.clone()));
    }
    if let Some(numbers) = any.downcast_ref::<PrimitiveArray<u64>>() {
        return Ok(Values::Unsigned(numbers.clone()));
    }
    if let Some(numbers) = any.downcast_ref::<PrimitiveArray<i128>>() {
        return Ok(Values::Decimals(numbers.clone()));
    }
    if let Some(numbers) = any.downcast_ref::<PrimitiveArray<i64>>() {
        return Ok(Values::Numbers(numbers.clone()));
    }
    let wider = wider::<i8>(&*array)
        .or_else(|| wider::<i16>(&*array))
        .or_else(|| wider::<i32>(&*array))
        .or_else(|| wider::<u8>(&*array))
        .or_else(|| wider::<u16>(&*array))
        .or_else(|| wider::<u32>(&*array));
    wider
        .map(Values::Numbers)
        .ok_or_else(|| "an array of another type".to_owned())
}

fn wider<T: NativeType + Into<i64>>(array: &dyn Array) -> Option<PrimitiveArray<i64>> {
    let array = array.as_any().downcast_ref::<PrimitiveArray<T>>()?;
    let values: Vec<i64> = array.values().iter().map(|&value| value.into()).collect();
    let validity = array.validity().cloned();
    Some(PrimitiveArray::new(
        ArrowDataType::Int64,
        values.into(),
        validity,
    ))
}

fn both(one: Option<Bitmap>, other: Option<Bitmap>) -> Option<Bitmap> {
    match (one, other) {
        (Some(one), Some(other)) => Some(&one & &other),
        (one, other) => one.or(other),
    }
}
