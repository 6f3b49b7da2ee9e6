//! The engine alone, stage by stage, so that a regression can be located: parse (a file to batches
//! of events), partition (batches to partitions, one thread), sort (partitions to users with their
//! events in order, one thread), scan (partitions to sessions, both threads; sorting is part of
//! it). A million events of the benchmarks' generator; the unit is events a second.

#[path = "../fixtures/generate/log/mod.rs"]
mod log;
#[path = "../fixtures/generate/random.rs"]
#[allow(
    dead_code,
    reason = "a log needs fewer kinds of draws than the example"
)]
mod random;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow, ensure};
use clap::Parser;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use sessionize::cli::Cli;
use sessionize::events::{Batch, GIVEN_UP, Micros, Role, Source};
use sessionize::import::meter::Meter;
use sessionize::import::pipeline::Sink;
use sessionize::sessions::partition::{Partitions, Sharing};
use sessionize::sessions::rule::Rule;
use sessionize::sessions::scan::{ScanPlan, scan};
use sessionize::sessions::sort::sort;
use sessionize::sessions::spill::Memory;
use sessionize::settings::Settings;
use sessionize::time::duration::Timeout;

use crate::log::{Format, Ids};

/// Events in every log.
const EVENTS: u64 = 1_000_000;

/// Threads that read, and that scan.
const THREADS: usize = 2;

/// Long after every generated event: 2026-11-01.
const NOW: Micros = 1_793_491_200_000_000;

/// The one source is the first.
const TRANSLATION: [u8; 256] = {
    let mut translation = [GIVEN_UP; 256];
    translation[0] = 0;
    translation
};

/// What users are called, and whether rows are in order of time.
const LOGS: [(&str, Ids, bool); 3] = [
    ("integers", Ids::Integer, false),
    ("shuffled", Ids::Integer, true),
    ("uuids", Ids::Uuid, false),
];

/// The formats that are parsed.
const FORMATS: [(&str, Format); 3] = [
    ("csv", Format::Csv),
    ("ndjson", Format::Ndjson),
    ("parquet", Format::Parquet),
];

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    parse(&mut criterion, folder.path())?;
    let batches = LOGS
        .iter()
        .map(|&(name, ids, shuffle)| {
            let file = make(folder.path(), name, ids, shuffle, Format::Parquet)?;
            Ok((name, batches(&file)?))
        })
        .collect::<Result<Vec<_>>>()?;
    partition(&mut criterion, &batches);
    sort_partitions(&mut criterion, &batches);
    partitions_to_sessions(&mut criterion, &batches);
    criterion.final_summary();
    Ok(())
}

/// Files to batches that nobody keeps.
fn parse(criterion: &mut Criterion, folder: &Path) -> Result<()> {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(EVENTS));
    for (format_name, format) in FORMATS {
        for (name, ids) in [("integers", Ids::Integer), ("uuids", Ids::Uuid)] {
            let file = make(folder, name, ids, false, format)?;
            let settings = settings(&file)?;
            group.bench_function(BenchmarkId::new(format_name, name), |bencher| {
                bencher.iter(|| {
                    let mut sinks: Vec<Sink<'_>> = (0..THREADS)
                        .map(|_| Box::new(drop_batch) as Sink<'_>)
                        .collect();
                    read(&settings, &mut sinks).expect("the file could be read before")
                });
            });
        }
    }
    group.finish();
    Ok(())
}

fn drop_batch(batch: &Batch) {
    std::hint::black_box(batch);
}

/// Batches to partitions.
fn partition(criterion: &mut Criterion, logs: &[(&str, Vec<Batch>)]) {
    let mut group = criterion.benchmark_group("partition");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, batches) in logs {
        group.bench_function(*name, |bencher| {
            bencher.iter_with_large_drop(|| partitioned(batches));
        });
    }
    group.finish();
}

/// Partitions to users with their events in order, one thread.
fn sort_partitions(criterion: &mut Criterion, logs: &[(&str, Vec<Batch>)]) {
    let mut group = criterion.benchmark_group("sort");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, batches) in logs {
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(
                || partitioned(batches),
                |partitions| sort(partitions, &TRANSLATION),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Partitions to sessions on all threads, sorted on the way.
fn partitions_to_sessions(criterion: &mut Criterion, logs: &[(&str, Vec<Batch>)]) {
    let rule = Rule {
        timeout: Timeout::DEFAULT,
        max_length: None,
        days: None,
        compat: None,
    };
    let sources = [Source {
        name: "log".to_owned(),
        role: Role::Activity,
        drop_duplicates: false,
    }];
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, batches) in logs {
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(
                || partitioned(batches),
                |partitions| sessions(partitions, &rule, &sources),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The batches' events in partitions, with as much memory as they take.
fn partitioned(batches: &[Batch]) -> Partitions {
    let memory = Arc::new(Memory::new(u64::MAX, std::env::temp_dir()));
    let sharing = Sharing::new(&memory);
    let mut partitioner = sharing.partitioner();
    for batch in batches {
        partitioner.take(batch);
    }
    let scattered = partitioner.finish();
    Partitions::join(sharing, vec![scattered])
}

/// The number of sessions, found on all threads.
fn sessions(partitions: Partitions, rule: &Rule, sources: &[Source]) -> usize {
    let plan = ScanPlan {
        rule,
        sources,
        translation: TRANSLATION,
        span: partitions.span(|_| true).unwrap_or_default(),
        ends: &[],
        from: Micros::MIN,
        to: Micros::MAX,
        now: NOW,
        threads: THREADS,
        count_sources: false,
        every_user: false,
    };
    let (counts, _) = scan(
        partitions,
        &plan,
        || 0,
        |count, user| *count += user.sessions.len(),
    )
    .expect("the memory is not bounded");
    counts.into_iter().sum()
}

/// A log in the folder, made unless it is there.
fn make(folder: &Path, name: &str, ids: Ids, shuffle: bool, format: Format) -> Result<PathBuf> {
    let extension = match format {
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
        Format::Parquet => "parquet",
    };
    let out = folder.join(name).with_extension(extension);
    if !out.exists() {
        log::make(&log::Arguments {
            rows: EVENTS,
            users: None,
            seed: 1,
            piece: 0,
            ids,
            shuffle,
            format,
            out: out.clone(),
        })?;
    }
    Ok(out)
}

/// What the command line would make of one input.
fn settings(file: &Path) -> Result<Settings> {
    let threads = THREADS.to_string();
    let cli = Cli::try_parse_from(["sessionize", "--threads", &threads, "--quiet"])?;
    Ok(Settings::new(&cli.flags, &[file.into()], NOW)?)
}

/// Reads the settings' inputs into the sinks.
fn read(settings: &Settings, sinks: &mut [Sink<'_>]) -> Result<()> {
    let meter = Meter::default();
    sessionize::import::read(
        &settings.inputs,
        &settings.import,
        &meter,
        sinks,
        &mut Vec::new(),
    )?;
    ensure!(meter.rows() == EVENTS, "read {} rows", meter.rows());
    Ok(())
}

/// All batches of a file, in the order in which they came.
fn batches(file: &Path) -> Result<Vec<Batch>> {
    let kept = Mutex::new(Vec::new());
    let keep = |batch: &Batch| {
        let mut copy = Batch::default();
        batch
            .iter()
            .for_each(|(at, user, source)| copy.push(at, user, source));
        if let Ok(mut kept) = kept.lock() {
            kept.push(copy);
        }
    };
    let mut sinks: Vec<Sink<'_>> = vec![Box::new(keep)];
    read(&settings(file)?, &mut sinks)?;
    drop(sinks);
    kept.into_inner()
        .map_err(|_| anyhow!("a reading thread panicked"))
}
