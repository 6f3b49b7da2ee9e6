//! Parquet files, row group by row group on all threads: only the pages that are needed are read
//! and decoded, a bounded piece at a time. A file is read, never mapped, and its footer and its
//! page headers are checked against limits before anything is decoded.

mod chunk;
mod footer;
mod leaves;
mod pages;
pub(crate) mod partitions;
mod rows;

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use polars_parquet::read::FileMetadata;

use crate::error::{self, Failure, SourcePlace};
use crate::import::columns::Rows;
use crate::import::intake::{Intake, Tally};
use crate::import::parquet::chunk::Chunk;
use crate::import::parquet::leaves::{Leaf, Wanted};
use crate::import::parquet::partitions::Partition;
use crate::import::parquet::rows::{Column, hand_on};
use crate::import::pipeline::Sink;
use crate::time::timestamp::quoted;

/// What a file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";
/// What it ends with when its footer is encrypted.
const ENCRYPTED: &[u8; 4] = b"PARE";

/// The most memory that the needed columns of one row group may declare: a petabyte of nothing fits
/// into a few kilobytes of Parquet.
const MAX_GROUP: u64 = 64 << 30;
/// What a value takes in memory at most, text aside.
const WIDTH: u64 = 16;
/// Rows for which a second thread is not worth its start.
const FEW_ROWS: u64 = 1 << 15;

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
    /// The source, where the rows name it, or what they have more than events.
    pub(crate) source: Option<usize>,
    /// What the rows are.
    pub(crate) rows: Rows,
}

/// A file, read at any place by any thread.
#[derive(Debug)]
pub(crate) struct ColumnFile {
    file: File,
    length: u64,
}

impl ColumnFile {
    /// The bytes of a range that lies inside the file.
    fn bytes(&self, range: Range<u64>) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.file
            .read_exact_at(&mut bytes, range.start)
            .map_err(|cause| match cause.kind() {
                io::ErrorKind::UnexpectedEof => {
                    Failure::new(error::CHANGED, "the file became shorter while it was read")
                }
                _ => Failure::new(error::READ, format!("reading failed: {cause}")),
            })?;
        Ok(bytes)
    }
}

/// A Parquet file whose footer has been read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    place: SourcePlace,
    file: ColumnFile,
    metadata: FileMetadata,
    leaves: Vec<Leaf>,
    partitions: Vec<Partition>,
}

impl ParquetFile {
    /// Reads and checks the footer. Errors name `place`.
    pub(crate) fn open(
        file: File,
        place: SourcePlace,
        partitions: Vec<Partition>,
    ) -> Result<Self, Failure> {
        let named = |failure: Failure| failure.in_source(&place);
        let (file, metadata, schema) = footer::read(file).map_err(named)?;
        let leaves = leaves::leaves(&schema);
        for Partition { key, .. } in &partitions {
            if leaves.iter().any(|leaf| leaf.name() == *key) {
                let name = quoted(key.as_bytes());
                let message = format!("column {name} is in the file and in its path");
                let failure = Failure::new(error::AMBIGUOUS_COLUMN, message);
                return Err(named(failure.help("rename the folder or the column")));
            }
        }
        Ok(Self {
            place,
            file,
            metadata,
            leaves,
            partitions,
        })
    }

    /// The names of the columns: the file's, nested ones by dotted path, and those of its path.
    pub(crate) fn header(&self) -> Vec<String> {
        let names = self.leaves.iter().map(Leaf::name);
        let keys = self.partitions.iter().map(|part| part.key.clone());
        names.chain(keys).collect()
    }

    /// Says how the rows are read. Errors are columns of types that cannot be used, and row groups
    /// that declare more than they could hold.
    pub(crate) fn plan(self, columns: Columns) -> Result<Plan, Failure> {
        let place = self.place.clone();
        self.plan_unplaced(columns)
            .map_err(|failure| failure.in_source(&place))
    }

    fn plan_unplaced(self, columns: Columns) -> Result<Plan, Failure> {
        let user = self.given(columns.user, leaves::USER)?;
        let time = self.given(columns.time, leaves::TIME)?;
        let role = match columns.rows {
            Rows::Events => leaves::SOURCE,
            Rows::Sessions => leaves::TIME,
            Rows::Labelled => leaves::USER,
        };
        let source = columns.source.map(|at| self.given(at, role));
        let header = self.header();
        let name = |at: usize| header[at].clone();
        let plan = Plan {
            user,
            time,
            source: source.transpose()?,
            names: (name(columns.user), name(columns.time)),
            beside: (columns.rows, columns.source.map(name)),
            file: self,
        };
        for group in 0..plan.file.metadata.row_groups.len() {
            plan.check_size(group)?;
        }
        Ok(plan)
    }

    fn given(&self, at: usize, role: leaves::Role) -> Result<Given, Failure> {
        match at.checked_sub(self.leaves.len()) {
            None => Ok(Given::Read(self.leaves[at].wanted(role, &self.metadata)?)),
            Some(at) => Ok(Given::Same(self.partitions[at].value.clone())),
        }
    }
}

/// Where a column's values come from.
#[derive(Debug)]
enum Given {
    /// From the file.
    Read(Wanted),
    /// From its path: one text for all rows, or a missing one.
    Same(Option<String>),
}

/// A file and the columns that are read of it.
#[derive(Debug)]
pub(crate) struct Plan {
    file: ParquetFile,
    user: Given,
    time: Given,
    source: Option<Given>,
    /// The names of the user and of the time column.
    names: (String, String),
    /// What the rows are, and the name of the column beside.
    beside: (Rows, Option<String>),
}

impl Plan {
    fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        let given = [&self.user, &self.time].into_iter().chain(&self.source);
        given.filter_map(|given| match given {
            Given::Read(wanted) => Some(wanted),
            Given::Same(_) => None,
        })
    }

    /// That a row group declares no more than could be meant.
    fn check_size(&self, group: usize) -> Result<(), Failure> {
        let group = &self.file.metadata.row_groups[group];
        let (mut values, mut bytes) = (0_u64, 0_u64);
        for wanted in self.wanted() {
            values = values.saturating_add((group.num_rows() as u64).saturating_mul(WIDTH));
            let declared = wanted.chunk(group).map(|chunk| chunk.uncompressed_size());
            bytes = bytes.saturating_add(declared.unwrap_or_default().max(0) as u64);
        }
        if values.max(bytes) <= MAX_GROUP {
            return Ok(());
        }
        let message = format!(
            "a row group declares {} rows and {bytes} bytes in the columns needed, over the limit \
             of {MAX_GROUP} bytes",
            group.num_rows()
        );
        Err(Failure::new(error::SIZE, message).help("write the file again with smaller row groups"))
    }

    fn column<'p>(&'p self, given: &'p Given, group: usize) -> Result<Column<'p>, Failure> {
        let group = &self.file.metadata.row_groups[group];
        Ok(match given {
            Given::Read(wanted) => {
                Column::Read(Box::new(Chunk::open(&self.file.file, group, wanted)?))
            }
            Given::Same(text) => Column::Same(text.as_deref()),
        })
    }

    /// Hands on the rows of one row group, the first of which has this number in the file.
    fn read_group(
        &self,
        group: usize,
        first_row: u64,
        intake: &mut Intake<'_>,
        own: u8,
    ) -> Result<(), Failure> {
        let user = self.column(&self.user, group)?;
        let time = self.column(&self.time, group)?;
        let source = self.source.as_ref().map(|given| self.column(given, group));
        let rows = self.file.metadata.row_groups[group].num_rows();
        hand_on(
            [user, time],
            source.transpose()?,
            (first_row, rows),
            intake,
            own,
        )
    }

    fn placed(&self, failure: Failure, rows_before: u64) -> Failure {
        let failure = match rows_before {
            0 => failure,
            rows => failure.detail(format!("read so far: {rows} rows, thrown away")),
        };
        failure.in_source(&self.file.place)
    }
}

/// One row group: the file, the group, and the number of its first row.
#[derive(Clone, Copy)]
struct Item {
    plan: usize,
    group: usize,
    first_row: u64,
    rows: u64,
}

fn items(plans: &[Plan]) -> Vec<Item> {
    let mut items = Vec::new();
    for (plan, Plan { file, .. }) in plans.iter().enumerate() {
        let mut first_row = 1;
        for (group, metadata) in file.metadata.row_groups.iter().enumerate() {
            let rows = metadata.num_rows() as u64;
            items.push(Item {
                plan,
                group,
                first_row,
                rows,
            });
            first_row += rows;
        }
    }
    items
}

/// Row groups still to be read, and the first that failed.
struct Queue<'p> {
    plans: &'p [Plan],
    items: Vec<Item>,
    next: AtomicUsize,
    failed: AtomicUsize,
    failure: Mutex<Option<(usize, Failure)>>,
}

impl<'p> Queue<'p> {
    /// Takes row groups until none is left, or one before the next has failed.
    fn drain(&self, first_block: u64, intake: &mut Intake<'p>, own: u8) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = self.items.get(number) else {
                return;
            };
            if number > self.failed.load(Ordering::Relaxed) || intake.is_stopped() {
                return;
            }
            let plan = &self.plans[item.plan];
            intake.name_columns(&plan.names.0, &plan.names.1);
            if let (rows, Some(beside)) = &plan.beside {
                intake.expect(*rows, beside);
            }
            intake.begin_block(crate::import::file_block(first_block + item.plan as u64));
            if let Err(failure) = plan.read_group(item.group, item.first_row, intake, own) {
                self.fail(number, plan.placed(failure, item.first_row - 1));
                return;
            }
        }
    }

    fn fail(&self, number: usize, failure: Failure) {
        self.failed.fetch_min(number, Ordering::Relaxed);
        let mut first = self
            .failure
            .lock()
            .expect("nothing panics while it holds this");
        if first.as_ref().is_none_or(|(first, _)| number < *first) {
            *first = Some((number, failure));
        }
    }
}

/// Reads files, the first of which is the `first_file`th of its source, on as many threads as there
/// are sinks. `intake` makes what takes the rows of one thread; `own` is the rows' source when they
/// name none. A row's line is its number in its file, counted from 1.
///
/// The error is that of the first row group that fails, however many threads there are.
pub(crate) fn read<'p>(
    plans: &'p [Plan],
    first_file: u64,
    own: u8,
    sinks: &'p mut [Sink<'_>],
    intake: impl Fn(&'p mut (dyn FnMut(&crate::events::Batch) + Send)) -> Intake<'p> + Sync,
) -> Result<Tally, Failure> {
    let queue = Queue {
        plans,
        items: items(plans),
        next: AtomicUsize::new(0),
        failed: AtomicUsize::new(usize::MAX),
        failure: Mutex::new(None),
    };
    let rows: u64 = queue.items.iter().map(|item| item.rows).sum();
    let threads = match rows {
        0..FEW_ROWS => 1,
        _ => queue.items.len().clamp(1, sinks.len()),
    };
    let drain = |sink: &'p mut Sink<'_>| {
        let mut intake = intake(sink.as_mut());
        queue.drain(first_file, &mut intake, own);
        intake.finish()
    };
    let mut tally = Tally::default();
    match &mut sinks[..threads] {
        [sink] => tally = drain(sink),
        sinks => std::thread::scope(|scope| {
            let drain = &drain;
            let workers: Vec<_> = sinks
                .iter_mut()
                .map(|sink| scope.spawn(move || drain(sink)))
                .collect();
            for worker in workers {
                tally.merge(crate::import::join(worker));
            }
        }),
    }
    let failure = queue.failure.into_inner();
    match failure.expect("nothing panics while it holds this") {
        Some((_, failure)) => Err(failure),
        None => Ok(tally),
    }
}

/// Runs the decoder on this thread; its panics are errors like its own.
fn decode<T, E: ToString>(what: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
    DECODING.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(false);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => Err(damaged(format!("{what}: {}", plain(&cause.to_string())))),
        Err(_) => Err(damaged(format!("{what} (decoder failed)"))),
    }
}

/// A decoder's message, which may quote the file, without what a terminal would obey.
fn plain(said: &str) -> String {
    quoted(said.as_bytes()).trim_matches('"').to_owned()
}

fn damaged(message: impl Into<String>) -> Failure {
    Failure::new(error::PARQUET, message)
}
