//! Bounded memory: what does not fit goes to a temporary file and comes back, and nothing of the
//! result shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use sessionize::error;
use sessionize::events::{Batch, Micros, Role, SECOND, Source, UserId};
use sessionize::sessions::listing::{InOrder, Listing};
use sessionize::sessions::partition::{Partitioner, Partitions, Sharing};
use sessionize::sessions::rule::Rule;
use sessionize::sessions::scan::{ScanPlan, scan};
use sessionize::sessions::spill::Memory;
use sessionize::time::duration::Timeout;

use crate::harness::{Call, Scratch, names_in};
use crate::output::Mount;

const TIMEOUT: Micros = 1800 * SECOND;

/// User, time and source of every event.
type Log = Vec<(String, Micros, u8)>;

/// Some users with a few events and one with many, in no order.
fn log(seed: u64, users: usize, texts: bool) -> Log {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut log = Log::new();
    for user in 0..users {
        let name = match texts {
            true => format!("user-{user}@example.org"),
            false => (user as i64 * 7919 - 40_000).to_string(),
        };
        let events = if user == 0 {
            90
        } else {
            random.random_range(1..20)
        };
        let mut at: Micros = random.random_range(-1_000..1_000) * SECOND;
        for _ in 0..events {
            log.push((name.clone(), at, random.random_range(0..3)));
            at += random.random_range(0..3600) * SECOND + random.random_range(0..3);
        }
    }
    for place in (1..log.len()).rev() {
        log.swap(place, random.random_range(0..=place));
    }
    log
}

/// User, start, end, events and events per source of every session, in order.
type Sessions = Vec<(String, Micros, Micros, u64, Vec<(u8, u64)>)>;

fn naive(log: &Log) -> Sessions {
    let mut by_user: BTreeMap<sessionize::events::User, Vec<(Micros, u8)>> = BTreeMap::new();
    for (user, at, source) in log {
        let user = UserId::from_text(user).to_user();
        by_user.entry(user).or_default().push((*at, *source));
    }
    let mut sessions = Sessions::new();
    for (user, mut events) in by_user {
        events.sort();
        let mut last: Option<Micros> = None;
        for (at, source) in events {
            if last.is_none_or(|last| at - last > TIMEOUT) {
                sessions.push((user.to_string(), at, at, 0, vec![]));
            }
            let session = sessions.last_mut().expect("one was just begun");
            session.2 = at;
            session.3 += 1;
            match session.4.iter_mut().find(|count| count.0 == source) {
                Some(count) => count.1 += 1,
                None => session.4.push((source, 1)),
            }
            session.4.sort();
            last = Some(at);
        }
    }
    sessions
}

/// The sessions of a log within so many bytes of memory, on so many threads.
fn engine(log: &Log, limit: u64, threads: usize) -> Result<Sessions, error::Failure> {
    let memory = Arc::new(Memory::new(limit, std::env::temp_dir()));
    let sharing = Sharing::new(&memory);
    let mut parts: Vec<Partitioner<'_>> = (0..threads).map(|_| sharing.partitioner()).collect();
    for (part, own) in parts
        .iter_mut()
        .zip(log.chunks(log.len().div_ceil(threads)))
    {
        let mut batch = Batch::default();
        for (user, at, source) in own {
            batch.push(*at, UserId::from_text(user), *source);
        }
        part.take(&batch);
    }
    let parts = parts.into_iter().map(Partitioner::finish).collect();
    let partitions = Partitions::join(sharing, parts);
    let source = |name: &str| Source {
        name: name.to_owned(),
        role: Role::Activity,
        drop_duplicates: false,
    };
    let sources = [source("a"), source("b"), source("c")];
    let mut translation = [sessionize::events::GIVEN_UP; 256];
    translation[..3].copy_from_slice(&[0, 1, 2]);
    let rule = Rule {
        timeout: Timeout::from_micros(TIMEOUT).expect("the timeout is allowed"),
        max_length: None,
        days: None,
        compat: None,
    };
    let plan = ScanPlan {
        rule: &rule,
        sources: &sources,
        translation,
        span: partitions.span(|_| true).unwrap_or((0, 0)),
        ends: &[],
        from: Micros::MIN,
        to: Micros::MAX,
        now: Micros::MAX,
        threads,
        count_sources: true,
        every_user: false,
    };
    let new = || Listing::new(&memory, Micros::MAX);
    let (lists, _) = scan(partitions, &plan, new, Listing::take)?;
    let listing = InOrder::new(lists, &memory);
    let mut sessions = Sessions::new();
    for record in listing.users() {
        for listed in record.sessions(Micros::MAX) {
            let user = record.user().to_string();
            sessions.push((user, listed.start, listed.end, listed.events, listed.counts));
        }
    }
    memory.check()?;
    assert_eq!(listing.totals.sessions, sessions.len() as u64);
    Ok(sessions)
}

#[test]
fn the_engine_gives_the_same_sessions_in_any_memory() {
    for seed in 0..12 {
        let log = log(seed, 400, false);
        let expected = naive(&log);
        // Within two kilobytes nearly every event is spilled, and every partition is split.
        for limit in [u64::MAX, 100_000, 2_000] {
            for threads in [1, 3] {
                let found = engine(&log, limit, threads).expect("every user fits");
                assert!(
                    found == expected,
                    "seed {seed}, {limit} bytes, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn texts_of_ids_stay_in_memory_and_events_go() {
    let log = log(3, 3000, true);
    let expected = naive(&log);
    // The texts alone take about a megabyte, the events a quarter of one.
    for limit in [u64::MAX, 1_100_000, 1_000_000] {
        let found = engine(&log, limit, 2).expect("the texts fit");
        assert!(found == expected, "{limit} bytes");
    }
}

#[test]
fn texts_that_do_not_fit_end_the_run_at_the_limit() {
    let failure = engine(&log(3, 3000, true), 100_000, 2).expect_err("the texts do not fit");
    assert_eq!(failure.id, error::MEMORY);
    assert!(failure.message.contains("ids"), "{}", failure.message);
}

#[test]
fn a_user_that_does_not_fit_ends_the_run_at_the_limit() {
    let failure = engine(&log(3, 50, false), 1_000, 2).expect_err("90 events do not fit");
    assert_eq!(failure.id, error::MEMORY);
    assert!(
        failure.message.contains("90 events of one user"),
        "{}",
        failure.message
    );
}

/// A log of three sources as CSV.
fn csv(log: &Log) -> String {
    let mut text = "user_id,created_at,kind\n".to_owned();
    for (user, at, source) in log {
        let kind = ["posts", "comments", "reads"][usize::from(*source)];
        text += &format!("{user},{},{kind}\n", at + 1_600_000_000 * SECOND);
    }
    text
}

/// A call that reads the log, with so many bytes of memory for what is kept.
fn within(scratch: &Scratch, arguments: &[&str], bytes: u64) -> Call {
    let call = scratch.sessionize(arguments.iter().copied());
    let call = call.args(["log.csv", "--epoch-unit", "us", "--now", "2030-01-01"]);
    call.env("SESSIONIZE_KEEP", bytes.to_string())
}

const ENOUGH: u64 = 1 << 30;

#[test]
fn every_output_has_the_same_bytes_in_any_memory() {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv(&log(1, 2500, false)));
    let source = ["--source-column", "kind"];
    let calls: [&[&str]; 6] = [
        &["report", "--by", "hour", "--format", "csv", "--total"],
        &[
            "report",
            "--segment",
            "source",
            "--format",
            "json",
            "--total",
        ],
        &["report", "--by", "day"],
        &[
            "report",
            "--by",
            "day",
            "--cut",
            "day",
            "--timezone",
            "Asia/Kathmandu",
        ],
        &["sessions", "--format", "csv"],
        &["sessions", "--format", "json", "--segment", "source"],
    ];
    for arguments in calls {
        let run = |bytes, threads: &str| {
            let call = within(&scratch, arguments, bytes).args(source);
            call.args(["--threads", threads]).run().expect_ok().stdout
        };
        let expected = run(ENOUGH, "1");
        assert!(expected.len() > 1000, "{arguments:?}");
        for (bytes, threads) in [(20_000, "1"), (20_000, "3"), (200_000, "2")] {
            assert!(
                run(bytes, threads) == expected,
                "{arguments:?} within {bytes} bytes"
            );
        }
    }
}

#[test]
fn case_176_a_temporary_folder_is_needed_only_where_memory_is_not_enough() {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv(&log(1, 800, false)));
    scratch.file("report.csv", "old");
    let report = ["report", "--format", "csv", "-o", "report.csv"];
    for missing in ["missing", "log.csv"] {
        let failing = within(&scratch, &report, 20_000).args(["--temp-dir", missing]);
        let line = format!("error[OUT-03]: a temporary file in {missing} cannot be written: ");
        failing.run().expect_failure(6).expect_stderr(&line);
        assert_eq!(scratch.text("report.csv"), "old");
    }
    let failing = within(&scratch, &report, 20_000).env("TMPDIR", "nowhere");
    failing
        .run()
        .expect_failure(6)
        .expect_stderr(" in nowhere cannot be written: No such file");
    assert_eq!(scratch.text("report.csv"), "old");
    let enough = within(&scratch, &report, ENOUGH).args(["--temp-dir", "missing"]);
    enough.run().expect_ok();
    assert_ne!(scratch.text("report.csv"), "old");
}

#[test]
fn case_176_a_full_temporary_folder_ends_the_run_and_leaves_the_old_report() {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv(&log(1, 2500, false)));
    scratch.file("report.csv", "old");
    let small = Mount::tmpfs(&scratch.folder("small"), "size=64k");
    for command in ["report", "sessions"] {
        let arguments = [command, "--format", "csv", "-o", "report.csv"];
        let call = within(&scratch, &arguments, 20_000).args(["--temp-dir", "small"]);
        let line = "a temporary file in small cannot be written: No space left on device";
        call.run().expect_failure(6).expect_stderr(line);
        assert_eq!(scratch.text("report.csv"), "old", "{command}");
        assert!(names_in(&small.0).is_empty(), "the file has no name");
    }
}

#[test]
fn what_cannot_go_to_a_disk_ends_the_run_at_the_limit() {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv(&log(1, 3000, true)));
    let ids = within(&scratch, &["report"], 100_000);
    ids.run()
        .expect_failure(9)
        .expect_stderr("error[LM-06]: the texts of the users' ids need");
    scratch.file("log.csv", csv(&log(1, 12_000, false)));
    let rows = within(
        &scratch,
        &["report", "--segment", "user", "--by", "hour"],
        400_000,
    );
    rows.run()
        .expect_failure(9)
        .expect_stderr("error[LM-06]: rows for every user need");
}

#[test]
fn a_limit_of_memory_is_a_size_of_at_least_256_mebibytes() {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv(&log(1, 3, false)));
    for (wrong, why) in [
        ("255M", "expected at least 256MiB"),
        ("0", "the size is too large or zero"),
        ("half", "expected a size such as 64MiB"),
        ("", "expected a size such as 64MiB"),
    ] {
        let call = within(&scratch, &["report"], ENOUGH).args(["--memory", wrong]);
        call.run().expect_failure(2).expect_stderr(why);
        scratch.file("own.toml", format!("memory = \"{wrong}\"\n"));
        let call = within(&scratch, &["report"], ENOUGH).args(["--config", "own.toml"]);
        call.run()
            .expect_failure(2)
            .expect_stderr("own.toml:1:10: ")
            .expect_stderr(why);
    }
    for right in ["256M", "256MiB", "268435456", "2g"] {
        let call = within(&scratch, &["report"], ENOUGH).env("SESSIONIZE_MEMORY", right);
        call.run().expect_ok();
    }
}

#[test]
fn case_173_a_limit_of_the_address_space_is_plain_work() {
    let scratch = Scratch::new();
    scratch.file("log.csv", csv(&log(1, 20_000, false)));
    let arguments = ["report", "--by", "day", "--format", "csv"];
    let expected = within(&scratch, &arguments, ENOUGH)
        .run()
        .expect_ok()
        .stdout;
    for kibibytes in [512 << 10, 1 << 20, 2 << 20] {
        let limit = format!("ulimit -v {kibibytes}; exec \"$@\"");
        let call = scratch.sessionize(arguments);
        let call = call.args(["log.csv", "--epoch-unit", "us", "--now", "2030-01-01"]);
        let found = call.under(["bash", "-c", &limit, "bash"]).run().expect_ok();
        assert!(found.stdout == expected, "{kibibytes} KiB");
    }
}

#[test]
fn ids_that_are_nearly_uuids_stay_the_texts_they_are() {
    let mut random = Pcg64::seed_from_u64(5);
    let mut names: Vec<String> = Vec::new();
    for _ in 0..300 {
        let uuid = uuid::Uuid::from_u128(random.random::<u128>()).to_string();
        let mut near = uuid.clone().into_bytes();
        let place = random.random_range(0..36);
        near[place] = *b"-0123456789abcdefgABCDEFG`/:@ \x7f"
            .get(random.random_range(0..31_usize))
            .expect("there are so many signs");
        names.push(String::from_utf8(near).expect("the signs are ASCII"));
        names.push(uuid.to_uppercase());
        names.push(uuid.replace('-', ""));
        names.push(format!("{uuid} "));
        names.push(uuid);
    }
    names.push(uuid::Uuid::nil().to_string());
    names.push(uuid::Uuid::max().to_string());
    let mut log = Log::new();
    for name in names.iter().chain(names.iter().rev()) {
        log.push((name.clone(), random.random_range(0..5000) * SECOND, 0));
    }
    let expected = naive(&log);
    for threads in [1, 2] {
        let found = engine(&log, u64::MAX, threads).expect("everything fits");
        assert!(found == expected, "{threads} threads");
    }
}
