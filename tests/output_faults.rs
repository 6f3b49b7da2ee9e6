//! What a run leaves behind when the disk, the system or a signal fails it: the old report or the
//! new one, never anything between. The numbers are those of the cases in the reliability plan.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::harness::{Call, Outcome, Scratch, names_in, tool, wait_until};
use crate::output::Mount;

const OLD: &str = "the old report\n";
const NO_SPACE: &str = "No space left on device";

/// The system calls that publishing is made of.
const CALLS: [&str; 10] = [
    "openat",
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "close",
];

#[test]
fn case_6_a_reader_that_goes_away_is_no_failure() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(5000));
    let outcome = in_shell(
        listing(&scratch),
        "\"$0\" \"$@\" | head -1; exit ${PIPESTATUS[0]}",
    )
    .run()
    .expect_ok();
    assert_eq!(outcome.stdout().lines().count(), 1);
    in_shell(
        listing_as(&scratch, "parquet"),
        "\"$0\" \"$@\" | head -c 9 > /dev/null; exit ${PIPESTATUS[0]}",
    )
    .run()
    .expect_ok();
}

#[test]
fn case_7_a_full_standard_output_is_told() {
    let scratch = Scratch::new();
    for users in [1, 150_000] {
        scratch.file("posts.csv", posts(users));
        let as_parquet = listing_as(&scratch, "parquet");
        for call in [report_to_stdout(&scratch), listing(&scratch), as_parquet] {
            let full = OpenOptions::new().write(true).open("/dev/full");
            call.stdout_to(full.expect("there is a /dev/full"))
                .run()
                .expect_failure(6)
                .expect_stderr(&format!("cannot write report to stdout: {NO_SPACE}"));
        }
    }
}

#[test]
fn case_8_closed_streams_harm_no_file() {
    let scratch = Scratch::new();
    let (input, expected) = new_report(&scratch);
    for closed in [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let script = format!("\"$0\" \"$@\" {closed}");
        let outcome = in_shell(report(&scratch, "report.csv"), &script).run();
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        assert!(
            outcome.stdout.is_empty() && outcome.stderr.is_empty(),
            "{outcome:?}"
        );
        assert_eq!(scratch.read("report.csv"), expected);
        assert_eq!(scratch.read("posts.csv"), input);
        assert_eq!(
            scratch.names(),
            ["posts.csv", "report.csv", "report.csv.run.json"]
        );
        let outcome = in_shell(report_to_stdout(&scratch), &script).run();
        assert!(matches!(outcome.code(), Some(0 | 6)), "{outcome:?}");
        assert_eq!(scratch.read("posts.csv"), input);
    }
}

#[test]
fn case_9_a_full_standard_error_changes_nothing() {
    let scratch = Scratch::new();
    let (_, expected) = new_report(&scratch);
    let full = OpenOptions::new().write(true).open("/dev/full");
    let outcome = report(&scratch, "report.csv")
        .loud()
        .stderr_to(full.expect("there is a /dev/full"))
        .run();
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    assert_eq!(scratch.read("report.csv"), expected);
}

#[test]
fn cases_11_and_13_a_signal_while_a_source_stalls_leaves_everything_as_it_was() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for has_writer in [true, false] {
            let scratch = Scratch::new();
            let writer = has_writer.then(|| stalled_source(&scratch));
            if !has_writer {
                scratch.fifo("posts.csv");
            }
            scratch.file("report.csv", OLD);
            // Where the tests run without a terminal to lose, SIGHUP may be ignored.
            let heard = ["env", "--default-signal=HUP"];
            let run = report(&scratch, "report.csv").under(heard).start();
            wait_until("the lock is taken", || {
                scratch.path(".report.csv.lock").exists()
            });
            thread::sleep(Duration::from_millis(100));
            let sent = Instant::now();
            run.signal(signal);
            let outcome = run.finish().expect_failure(code);
            assert!(sent.elapsed() < Duration::from_secs(2));
            assert_eq!(outcome.stderr(), "interrupted; nothing was written\n");
            assert_eq!(scratch.names(), ["posts.csv", "report.csv"]);
            assert_eq!(scratch.text("report.csv"), OLD);
            drop(writer);
        }
    }
}

#[test]
#[cfg(feature = "failpoints")]
fn case_12_a_signal_before_the_rename_keeps_the_old_report() {
    let scratch = Scratch::new();
    new_report(&scratch);
    scratch.file("report.csv", OLD);
    let run = report(&scratch, "report.csv")
        .env("SESSIONIZE_FAIL", "pause-before-rename:5000")
        .start();
    wait_until("the record is drafted", || {
        has_temp(&scratch, ".report.csv.run.json.")
    });
    run.signal("TERM");
    let outcome = run.finish().expect_failure(143);
    assert_eq!(outcome.stderr(), "interrupted; nothing was written\n");
    assert_eq!(scratch.names(), ["posts.csv", "report.csv"]);
    assert_eq!(scratch.text("report.csv"), OLD);
}

#[test]
fn case_12_a_signal_during_the_sync_keeps_the_old_report() {
    let scratch = Scratch::new();
    new_report(&scratch);
    scratch.file("report.csv", OLD);
    let run = report(&scratch, "report.csv")
        .under(strace("fsync", "delay_enter=5000000:when=1"))
        .start();
    wait_until("the report is drafted", || {
        has_temp(&scratch, ".report.csv.")
    });
    tool("kill", "procps", ["-s", "TERM", &lock_holder(&scratch)]);
    run.finish()
        .expect_failure(143)
        .expect_stderr("interrupted; nothing was written\n");
    assert_eq!(scratch.names(), ["posts.csv", "report.csv"]);
    assert_eq!(scratch.text("report.csv"), OLD);
}

#[test]
fn case_12_a_signal_after_the_rename_waits_for_the_record() {
    let scratch = Scratch::new();
    let (_, expected) = new_report(&scratch);
    scratch.file("report.csv", OLD);
    let run = report(&scratch, "report.csv")
        .under(strace("rename", "delay_exit=1500000:when=1"))
        .start();
    wait_until("the report is renamed", || {
        scratch.read("report.csv") == expected
    });
    tool("kill", "procps", ["-s", "TERM", &lock_holder(&scratch)]);
    run.finish()
        .expect_failure(143)
        .expect_stderr("interrupted after report.csv was written\n");
    assert_eq!(
        scratch.names(),
        ["posts.csv", "report.csv", "report.csv.run.json"]
    );
    assert_pair(&scratch.path(""));
}

#[test]
fn case_13_a_second_interrupt_ends_the_run_at_once() {
    let scratch = Scratch::new();
    let (_, expected) = new_report(&scratch);
    scratch.file("report.csv", OLD);
    let run = report(&scratch, "report.csv")
        .under(strace("rename", "delay_exit=5000000:when=1"))
        .start();
    wait_until("the report is renamed", || {
        scratch.read("report.csv") == expected
    });
    let holder = lock_holder(&scratch);
    tool("kill", "procps", ["-s", "INT", &holder]);
    thread::sleep(Duration::from_millis(300));
    assert!(threads(&holder) > 1, "the first waits for the record");
    tool("kill", "procps", ["-s", "INT", &holder]);
    let sent = Instant::now();
    // strace keeps the main thread, dead, until its delay is over.
    wait_until("the other threads are gone", || threads(&holder) <= 1);
    assert!(sent.elapsed() < Duration::from_secs(2));
    assert_eq!(run.finish().code(), Some(130));
    assert_eq!(scratch.read("report.csv"), expected);
}

#[test]
fn case_105_a_full_disk_keeps_the_old_report() {
    let scratch = Scratch::new();
    let small = Mount::tmpfs(&scratch.folder("small"), "size=64k");
    let path = small.0.join("report.csv");
    for (users, fits, format) in [
        (1, true, "csv"),
        (400, true, "csv"),
        (1500, false, "csv"),
        (3000, false, "csv"),
        (400, true, "parquet"),
        (6000, false, "parquet"),
    ] {
        scratch.file("posts.csv", posts(users));
        fs::write(&path, OLD).expect("there is room for it");
        let call = listing_as(&scratch, format);
        let outcome = call.arg("-o").arg("small/report.csv").run();
        if fits {
            outcome.expect_ok();
            assert_pair(&small.0);
            fs::remove_file(small.0.join("report.csv.run.json")).expect("it is ours");
        } else {
            let line = format!("cannot write small/report.csv: {NO_SPACE}");
            outcome
                .expect_failure(6)
                .expect_stderr(&line)
                .expect_stderr("  kept: small/report.csv of 20")
                .expect_stderr(" is unchanged");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), OLD);
        }
        assert_eq!(names_in(&small.0), ["report.csv"]);
    }
}

#[test]
fn case_105_a_file_size_limit_is_an_error_and_no_signal() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(3000));
    scratch.file("report.csv", OLD);
    let call = listing(&scratch).arg("-o").arg("report.csv");
    in_shell(call, "ulimit -f 16; exec \"$0\" \"$@\"")
        .run()
        .expect_failure(6)
        .expect_stderr("cannot write report.csv: File too large");
    assert_eq!(scratch.text("report.csv"), OLD);
    assert_eq!(scratch.names(), ["posts.csv", "report.csv"]);
}

#[test]
fn case_106_any_system_call_may_fail_and_the_report_is_old_or_new() {
    let stage = Stage::new();
    let points = stage.fault_points();
    for (call, at) in &points {
        let errors: &[&str] = match call.as_str() {
            "write" | "fsync" | "openat" => &["EIO", "ENOSPC", "EDQUOT"],
            _ => &["EIO"],
        };
        for error in errors {
            stage.reset();
            let outcome = stage.run(call, &format!("error={error}:when={at}"));
            let what = format!("{call} {at} {error}: {outcome:?}");
            let report = stage.report();
            match outcome.code() {
                Some(0) => assert_eq!(report, stage.new, "{what}"),
                Some(6) => {
                    assert!(outcome.stderr().starts_with("error[OUT-0"), "{what}");
                    assert!(report == OLD.as_bytes() || report == stage.new, "{what}");
                }
                _ => panic!("{what}"),
            }
            let has_temp = names_in(&stage.folder)
                .iter()
                .any(|name| name.ends_with(".tmp"));
            assert!(
                !has_temp || call.starts_with("unlink"),
                "a temp file stays: {what}"
            );
        }
    }
}

#[test]
fn case_107_a_kill_before_any_system_call_leaves_the_report_old_or_new() {
    let stage = Stage::new();
    for (call, at) in stage.fault_points() {
        stage.reset();
        let outcome = stage.run(&call, &format!("signal=KILL:when={at}"));
        let what = format!("{call} {at}: {outcome:?}");
        assert!(
            outcome.signal() == Some(9) || outcome.code() == Some(137),
            "{what}"
        );
        let report = stage.report();
        assert!(report == OLD.as_bytes() || report == stage.new, "{what}");
        stage.call().run().expect_ok();
        assert_eq!(stage.report(), stage.new, "{what}");
        assert_eq!(
            names_in(&stage.folder),
            ["report.csv", "report.csv.run.json"],
            "{what}"
        );
        assert_pair(&stage.folder);
    }
}

#[test]
fn case_109_the_file_is_synced_before_its_rename_and_the_folder_after() {
    let stage = Stage::new();
    stage.reset();
    let trace = stage.trace();
    let steps: Vec<&str> = trace
        .lines()
        .filter(|line| line.contains(&*stage.folder.to_string_lossy()))
        .filter_map(|line| {
            let call = line.split_once(' ')?.1.trim_start();
            match call.split_once('(')? {
                ("fsync", args) if args.contains(".run.json.") => Some("sync record"),
                ("fsync", args) if args.contains(".tmp>") => Some("sync report"),
                ("fsync", _) => Some("sync folder"),
                ("rename", args) if args.contains("report.csv.run.json\"") => Some("rename record"),
                ("rename", _) => Some("rename report"),
                _ => None,
            }
        })
        .collect();
    let expected = [
        "sync report",
        "sync record",
        "rename report",
        "sync folder",
        "rename record",
        "sync folder",
    ];
    assert_eq!(steps, expected, "{trace}");
}

#[test]
fn case_110_overlapping_runs_never_mix() {
    let scratch = Scratch::new();
    let writer = stalled_source(&scratch);
    let first = report(&scratch, "report.csv").start();
    wait_until("the lock is taken", || !lock_holder(&scratch).is_empty());
    scratch.file("other.csv", posts(7));
    let second = || {
        scratch
            .sessionize(args(&["other.csv"]))
            .arg("-o")
            .arg("report.csv")
    };
    second()
        .run()
        .expect_failure(8)
        .expect_stderr(&format!("another run (pid {}, since ", first.id()))
        .expect_stderr(") holds the lock on report.csv");
    second().arg("--if-locked").arg("skip").run().expect_ok();
    let begun = Instant::now();
    second()
        .args(["--if-locked", "wait", "--wait", "1s"])
        .run()
        .expect_failure(8);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(!scratch.path("report.csv").exists());
    let third = second()
        .args(["--if-locked", "wait", "--wait", "60s"])
        .start();
    thread::sleep(Duration::from_millis(200));
    drop(writer);
    first.finish().expect_ok();
    third.finish().expect_ok();
    assert_pair(&scratch.path(""));
    let after_both = scratch.read("report.csv");
    second().run().expect_ok();
    assert_eq!(
        scratch.read("report.csv"),
        after_both,
        "the last report is the second run's"
    );
}

#[test]
fn case_111_the_lock_dies_with_its_holder() {
    let scratch = Scratch::new();
    let _writer = stalled_source(&scratch);
    let first = report(&scratch, "report.csv").start();
    wait_until("the lock is taken", || !lock_holder(&scratch).is_empty());
    first.signal("KILL");
    assert_eq!(first.finish().signal(), Some(9));
    assert!(scratch.path(".report.csv.lock").exists());
    scratch.file("other.csv", posts(7));
    let next = scratch
        .sessionize(args(&["other.csv"]))
        .arg("-o")
        .arg("report.csv");
    next.run().expect_ok();
    assert_eq!(
        scratch.names(),
        [
            "other.csv",
            "posts.csv",
            "report.csv",
            "report.csv.run.json"
        ]
    );
}

#[test]
fn case_112_a_link_at_the_output_is_refused_or_followed() {
    let scratch = Scratch::new();
    let (_, expected) = new_report(&scratch);
    let shared = scratch.folder("shared");
    fs::set_permissions(&shared, Permissions::from_mode(0o1777)).expect("it is ours");
    let victim = scratch.file("victim", OLD);
    symlink(&victim, shared.join("report.csv")).expect("a link can be made");
    tool(
        "chown",
        "coreutils",
        [
            "-h",
            "65534:65534",
            &shared.join("report.csv").to_string_lossy(),
        ],
    );
    symlink("missing", scratch.path("dangling.csv")).expect("a link can be made");
    symlink("shared", scratch.path("linked")).expect("a link can be made");
    for path in ["shared/report.csv", "dangling.csv", "linked/report.csv"] {
        report(&scratch, path)
            .run()
            .expect_failure(6)
            .expect_stderr("is a symlink; use --follow-symlinks");
    }
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), OLD);
    report(&scratch, "shared/report.csv")
        .arg("--follow-symlinks")
        .run()
        .expect_ok();
    assert_eq!(fs::read(&victim).expect("it is there"), expected);
    assert!(shared.join("report.csv").is_symlink());
}

#[test]
fn case_113_an_impossible_output_is_refused_before_any_input_is_opened() {
    let scratch = Scratch::new();
    scratch.fifo("posts.csv"); // Nobody writes: opening it would wait for ever.
    scratch.folder("folder");
    scratch.fifo("fifo");
    let long = format!("{}.csv", "x".repeat(252));
    for (path, why) in [
        ("folder", "folder is a directory"),
        ("fifo", "fifo is a FIFO"),
        ("missing/report.csv", "its folder missing does not exist"),
        (&long, "has a name of 256 bytes"),
        ("/proc/report.csv", "/proc/report.csv"),
    ] {
        report(&scratch, path)
            .run()
            .expect_failure(6)
            .expect_stderr(why);
    }
    let sealed = Mount::tmpfs(&scratch.folder("sealed"), "size=64k");
    sealed.remount("ro");
    report(&scratch, "sealed/report.csv")
        .run()
        .expect_failure(6)
        .expect_stderr("Read-only file system");
}

#[test]
fn case_113_a_folder_of_others_is_refused() {
    let scratch = Scratch::new();
    fs::set_permissions(scratch.path(""), Permissions::from_mode(0o755)).expect("it is ours");
    let program = scratch.path("program");
    fs::copy(env!("CARGO_BIN_EXE_sessionize"), &program).expect("it can be copied");
    scratch.fifo("posts.csv");
    report(&scratch, "report.csv")
        .program(program)
        .under([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ])
        .run()
        .expect_failure(6)
        .expect_stderr("report.csv: no file can be made in its folder: Permission denied");
}

#[test]
fn case_114_an_output_that_is_an_input_is_refused() {
    let scratch = Scratch::new();
    let input = scratch.file("posts.csv", posts(3));
    symlink("posts.csv", scratch.path("link.csv")).expect("a link can be made");
    fs::hard_link(&input, scratch.path("hard.csv")).expect("a link can be made");
    for path in ["posts.csv", "link.csv", "hard.csv"] {
        report(&scratch, path)
            .run()
            .expect_failure(2)
            .expect_stderr("error[CF-06]: ")
            .expect_stderr("is the same file as the input posts.csv");
    }
    assert_eq!(scratch.text("posts.csv"), posts(3));
}

/// A folder in which one report is made again and again under faults.
struct Stage {
    scratch: Scratch,
    folder: PathBuf,
    new: Vec<u8>,
}

impl Stage {
    fn new() -> Self {
        let scratch = Scratch::new();
        let folder = scratch.folder("out");
        scratch.file("posts.csv", posts(20));
        let mut stage = Self {
            scratch,
            folder,
            new: Vec::new(),
        };
        stage.call().run().expect_ok();
        stage.new = stage.report();
        stage
    }

    fn call(&self) -> Call {
        report(&self.scratch, self.folder.join("report.csv"))
    }

    /// Puts the old report back, alone.
    fn reset(&self) {
        fs::remove_dir_all(&self.folder).expect("it is ours");
        self.scratch.folder("out");
        self.scratch.file("out/report.csv", OLD);
    }

    fn report(&self) -> Vec<u8> {
        self.scratch.read("out/report.csv")
    }

    fn run(&self, call: &str, fault: &str) -> Outcome {
        self.call().under(strace(call, fault)).run()
    }

    /// The system calls of one clean run: `PID call(arguments…`.
    fn trace(&self) -> String {
        let log = self.scratch.path("trace");
        let calls = format!("trace={}", CALLS.join(","));
        let log_path = log.to_string_lossy().into_owned();
        let strace = [
            strace_path(),
            "-f",
            "-y",
            "-qq",
            "-s",
            "8",
            "-e",
            &calls,
            "-o",
            &log_path,
        ];
        self.call().under(strace).run().expect_ok();
        self.scratch.text("trace")
    }

    /// Each system call that touches the output folder, and the how manieth of its name in its
    /// thread it is, as strace counts.
    fn fault_points(&self) -> Vec<(String, usize)> {
        self.reset();
        let trace = self.trace();
        let folder = self.folder.to_string_lossy();
        let mut counts = std::collections::HashMap::new();
        let mut points = Vec::new();
        for line in trace.lines() {
            let Some((thread, call)) = line.split_once(' ') else {
                continue;
            };
            let Some((name, args)) = call.trim_start().split_once('(') else {
                continue;
            };
            if !CALLS.contains(&name) {
                continue;
            }
            let count = counts.entry((thread, name)).or_insert(0);
            *count += 1;
            if args.contains(&*folder) {
                points.push((name.to_owned(), *count));
            }
        }
        for name in ["openat", "write", "fsync", "rename", "unlink", "close"] {
            let is_there = points.iter().any(|(call, _)| call == name);
            assert!(is_there, "no {name} touches the output: {trace}");
        }
        points
    }
}

fn args<'a>(inputs: &[&'a str]) -> Vec<&'a str> {
    let now = [
        "--now",
        "2026-01-01T00:00:00Z",
        "--by",
        "day",
        "--format",
        "csv",
    ];
    [inputs, &now].concat()
}

fn report(scratch: &Scratch, path: impl AsRef<Path>) -> Call {
    report_to_stdout(scratch).arg("-o").arg(path.as_ref())
}

fn report_to_stdout(scratch: &Scratch) -> Call {
    scratch.sessionize(args(&["posts.csv"]))
}

fn listing(scratch: &Scratch) -> Call {
    listing_as(scratch, "csv")
}

fn listing_as(scratch: &Scratch, format: &str) -> Call {
    scratch.sessionize([
        "sessions",
        "posts.csv",
        "--now",
        "2026-01-01T00:00:00Z",
        "--format",
        format,
    ])
}

/// Each of the users did one thing.
fn posts(users: usize) -> String {
    let mut text = String::from("user_id,created_at\n");
    for user in 0..users {
        text += &format!("{user},2025-12-{:02}T10:00:00Z\n", user % 28 + 1);
    }
    text
}

/// An input, what it holds, and the report that it gives.
fn new_report(scratch: &Scratch) -> (Vec<u8>, Vec<u8>) {
    let input = posts(20).into_bytes();
    scratch.file("posts.csv", &input);
    let outcome = scratch.run(args(&["posts.csv"])).expect_ok();
    (input, outcome.stdout)
}

/// A source that has begun and does not go on until the file given is dropped.
fn stalled_source(scratch: &Scratch) -> File {
    let fifo = scratch.fifo("posts.csv");
    // Open for reading too, so that opening does not wait for the program.
    let writer = OpenOptions::new().read(true).write(true).open(fifo);
    let mut writer = writer.expect("the FIFO can be opened");
    writer
        .write_all(posts(3).as_bytes())
        .expect("a FIFO takes some bytes");
    writer
}

/// Runs the call by a script, in which `"$0" "$@"` is the call.
fn in_shell(call: Call, script: &str) -> Call {
    call.under(["bash", "-c", script])
}

/// Has strace plant a fault in one system call, in each thread.
fn strace(call: &str, fault: &str) -> Vec<String> {
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:{fault}");
    let words = [
        strace_path(),
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    words.map(str::to_owned).to_vec()
}

fn strace_path() -> &'static str {
    let path = "/usr/bin/strace";
    assert!(
        Path::new(path).exists(),
        "{path} is missing; Debian package strace"
    );
    path
}

/// The process id in the lock file; empty while there is none.
fn lock_holder(scratch: &Scratch) -> String {
    let text = fs::read_to_string(scratch.path(".report.csv.lock")).unwrap_or_default();
    let pid = text
        .strip_prefix("pid ")
        .and_then(|rest| rest.split(' ').next());
    pid.unwrap_or_default().to_owned()
}

/// How many threads a process has.
fn threads(pid: &str) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

fn has_temp(scratch: &Scratch, prefix: &str) -> bool {
    let is_temp = |name: &String| name.starts_with(prefix) && name.ends_with(".tmp");
    scratch.names().iter().any(is_temp)
}

/// The record beside a report is that report's.
#[track_caller]
fn assert_pair(folder: &Path) {
    let report = fs::read(folder.join("report.csv")).expect("there is a report");
    let record = fs::read_to_string(folder.join("report.csv.run.json")).expect("there is a record");
    let hash: String = Sha256::digest(&report)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(record.contains(&hash), "{hash} is not in {record}");
}
