//! The floor under every reading of a Parquet log: how long it takes to read and decode the user
//! and the time column alone, with the importer's decoder, on two threads, and nothing else.
//!
//! `cargo bench --bench decode -- FILE` prints the rows and the seconds.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use polars_arrow::array::{Array, BinaryViewArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema};
use polars_parquet::read::{
    BasicDecompressor, FileMetadata, PageReader, RowGroupMetadata, column_iter_to_arrays,
    infer_schema, read_metadata,
};

/// The columns that every report needs.
const COLUMNS: [&str; 2] = ["user_id", "created_at"];

/// As many as the peers get.
const THREADS: usize = 2;

fn main() -> Result<()> {
    let path = std::env::args_os()
        .skip(1)
        .find(|argument| argument != "--bench")
        .context("expected a Parquet file: cargo bench --bench decode -- FILE")?;
    let started = Instant::now();
    let rows = decode(Path::new(&path))?;
    let seconds = started.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{rows} rows decoded in {seconds:.3} seconds"
    )?;
    Ok(())
}

/// Decodes both columns of every row group and gives the number of rows.
fn decode(path: &Path) -> Result<usize> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let metadata = read_metadata(&mut file)?;
    let schema = infer_schema(&metadata)?;
    let next = AtomicUsize::new(0);
    let work = || decode_groups(&file, &metadata, &schema, &next);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("the decoder panicked"))?)
            .sum()
    })
}

/// Decodes row groups until none is left and gives the number of their rows.
fn decode_groups(
    file: &File,
    metadata: &FileMetadata,
    schema: &ArrowSchema,
    next: &AtomicUsize,
) -> Result<usize> {
    let mut rows = 0;
    while let Some(group) = metadata
        .row_groups
        .get(next.fetch_add(1, Ordering::Relaxed))
    {
        let counts = COLUMNS.map(|name| decode_column(file, group, schema, name));
        let [users, times] = counts;
        if users? != times? {
            bail!("the columns have different numbers of values");
        }
        rows += group.num_rows();
    }
    Ok(rows)
}

/// Decodes one column chunk and gives the number of its values.
fn decode_column(
    file: &File,
    group: &RowGroupMetadata,
    schema: &ArrowSchema,
    name: &str,
) -> Result<usize> {
    let mut field = schema
        .get(name)
        .with_context(|| format!("expected a column \"{name}\""))?
        .clone();
    if let ArrowDataType::Timestamp(_, zone) = &mut field.dtype {
        *zone = None;
    }
    let chunk = group
        .columns_under_root_iter(name)
        .and_then(|mut chunks| chunks.next())
        .with_context(|| format!("expected values of column \"{name}\""))?;
    let range = chunk.byte_range();
    let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
    file.read_exact_at(&mut bytes, range.start)?;
    let pages = PageReader::new(Cursor::new(bytes.into()), chunk, vec![], usize::MAX);
    let pages = BasicDecompressor::new(pages, vec![]);
    let primitive = &chunk.descriptor().descriptor.primitive_type;
    let (arrays, _) = column_iter_to_arrays(vec![pages], vec![primitive], field, None)?;
    arrays.iter().map(|array| values(array.as_ref())).sum()
}

/// The number of values in an array of a kind that users and times have.
fn values(array: &dyn Array) -> Result<usize> {
    let array = array.as_any();
    if let Some(numbers) = array.downcast_ref::<PrimitiveArray<i64>>() {
        Ok(std::hint::black_box(numbers.values()).len())
    } else if let Some(texts) = array.downcast_ref::<Utf8ViewArray>() {
        Ok(std::hint::black_box(texts.views()).len())
    } else if let Some(bytes) = array.downcast_ref::<BinaryViewArray>() {
        Ok(std::hint::black_box(bytes.views()).len())
    } else {
        bail!("expected integers, texts or instants")
    }
}
