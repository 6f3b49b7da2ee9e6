//! The footer: the frame of the file, its metadata and its schema, checked against limits.

use std::fs::File;
use std::io::Cursor;

use polars_arrow::datatypes::ArrowSchema;
use polars_parquet::read::{FileMetadata, infer_schema, read_metadata};

use crate::error::{self, Failure};
use crate::import::parquet::{ColumnFile, ENCRYPTED, MAGIC, damaged, decode};
use crate::time::timestamp::quoted;

/// The footer's length and the closing magic.
const TAIL: u64 = 8;
/// The most rows a file may declare: a petabyte of nothing fits into a few kilobytes of Parquet.
const MAX_ROWS: u64 = 1 << 36;

/// What the decoder says of a number that stands for nothing it knows.
const UNKNOWN: &str = "Thrift out of range";

/// Reads and checks the footer.
pub(crate) fn read(file: File) -> Result<(ColumnFile, FileMetadata, ArrowSchema), Failure> {
    let (file, footer) = frame(file)?;
    let (metadata, schema, names) = decode("footer is damaged", || {
        let metadata =
            read_metadata(&mut Cursor::new(footer)).map_err(|cause| cause.to_string())?;
        let names = metadata.schema().fields().iter();
        let names: Vec<String> = names.map(|field| field.name().to_owned()).collect();
        let schema = match repeated(&names) {
            Some(_) => ArrowSchema::default(),
            None => infer_schema(&metadata).map_err(|cause| cause.to_string())?,
        };
        Ok::<_, String>((metadata, schema, names))
    })
    .map_err(|failure| match failure.message.contains(UNKNOWN) {
        true => {
            damaged("footer is damaged, or names a codec, an encoding or a type that is not known")
        }
        false => failure,
    })?;
    if let Some(name) = repeated(&names) {
        let name = quoted(name.as_bytes());
        let message = format!("two columns have the name {name}");
        return Err(Failure::new(error::AMBIGUOUS_COLUMN, message).help("rename one of them"));
    }
    let rows = metadata.row_groups.iter().map(|group| group.num_rows());
    let in_all = rows.fold(0_usize, usize::saturating_add);
    let rows = metadata.num_rows.max(in_all);
    if rows as u64 > MAX_ROWS {
        let message = format!("declares {rows} rows, over the limit of {MAX_ROWS}");
        return Err(Failure::new(error::SIZE, message));
    }
    Ok((file, metadata, schema))
}

/// That a file has the shape of a Parquet file; its footer, with the frame's ends.
fn frame(file: File) -> Result<(ColumnFile, Vec<u8>), Failure> {
    let length = file
        .metadata()
        .map_err(|cause| Failure::new(error::READ, format!("reading failed: {cause}")))?;
    let length = length.len();
    let file = ColumnFile { file, length };
    if length < MAGIC.len() as u64 + TAIL {
        return Err(damaged("not a Parquet file: too short"));
    }
    let head = file.bytes(0..MAGIC.len() as u64)?;
    let tail = file.bytes(length - TAIL..length)?;
    let [a, b, c, d, magic @ ..] = &tail[..] else {
        return Err(damaged("not a Parquet file: too short"));
    };
    let footer = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    if head == ENCRYPTED || magic == ENCRYPTED {
        return Err(damaged("the file is encrypted, which is not read"));
    }
    if head != MAGIC {
        return Err(damaged("not a Parquet file: it does not begin with PAR1"));
    }
    if magic != MAGIC {
        return Err(
            damaged("footer is damaged: the file does not end with PAR1")
                .help("it may have been cut; fetch it again"),
        );
    }
    if footer > length - TAIL - MAGIC.len() as u64 {
        return Err(damaged("footer is damaged: it is longer than the file"));
    }
    // The decoder looks for the magic in front, too.
    let mut bytes = head;
    bytes.extend(file.bytes(length - TAIL - footer..length)?);
    Ok((file, bytes))
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(pair[0])
}
