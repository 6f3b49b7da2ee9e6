//! A report appears whole or not at all, in a place where it may.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sessionize::error::{self, ErrorId, Failure};
use sessionize::output::{
    IfLocked, MakeRecord, Output, OutputOptions, Prepared, Published, Target, write_whole,
};

use crate::harness::{Scratch, tool};

#[test]
fn a_new_report_is_whole_and_alone_in_its_folder() {
    let scratch = Scratch::new();
    let report = scratch.path("report.csv");
    let published = publish(ready(&report), "abc").expect("it is published");
    assert_eq!(
        published,
        Published::Whole {
            bytes: 3,
            // The first example of FIPS 180-2.
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into()
        }
    );
    assert_eq!(scratch.names(), ["report.csv"]);
    assert_eq!(scratch.text("report.csv"), "abc");
    let plain = scratch.file("made by anyone", "");
    assert_eq!(mode(&report), mode(&plain), "0666 less the umask");
}

#[test]
fn a_long_report_is_the_bytes_that_were_written() {
    let scratch = Scratch::new();
    let text: String = (0..300_000).map(|number| format!("{number},")).collect();
    publish(ready(&scratch.path("report.csv")), &text).expect("it is published");
    assert!(scratch.text("report.csv") == text);
}

#[test]
fn a_replaced_report_keeps_its_mode_and_group() {
    let scratch = Scratch::new();
    let report = scratch.file("report.csv", "old");
    chown(&report, None, Some(65534)).expect("the tests run as root");
    fs::set_permissions(&report, fs::Permissions::from_mode(0o640)).expect("it is ours");
    publish(ready(&report), "new").expect("it is published");
    assert_eq!(scratch.text("report.csv"), "new");
    assert_eq!(mode(&report), 0o640);
    assert_eq!(fs::metadata(&report).expect("it is there").gid(), 65534);
}

#[test]
fn a_failed_report_leaves_the_old_one_and_no_temp_file() {
    let scratch = Scratch::new();
    let report = scratch.file("report.csv", "old");
    tool(
        "touch",
        "coreutils",
        ["-d", "2026-11-20T23:30:00Z", &report.to_string_lossy()],
    );
    let output = ready(&report);
    let kept = format!("{} of 2026-11-20 is unchanged", report.display());
    assert_eq!(output.kept(), Some(kept.clone()));
    let failure = output
        .publish(
            |out| {
                out.write_all(&[b'x'; 100_000])?;
                Err(io::Error::from_raw_os_error(5))
            },
            None,
        )
        .expect_err("it fails");
    assert_failure(&failure, error::WRITE, "report.csv: Input/output error");
    assert_eq!(failure.kept, Some(kept));
    assert_eq!(scratch.names(), ["report.csv"]);
    assert_eq!(scratch.text("report.csv"), "old");
}

#[test]
fn a_report_given_up_before_publishing_leaves_nothing() {
    let scratch = Scratch::new();
    drop(ready(&scratch.path("report.csv")));
    assert_eq!(scratch.names(), [""; 0]);
}

#[test]
fn the_record_beside_a_report_knows_its_size_and_hash() {
    let scratch = Scratch::new();
    let report = scratch.path("report.csv");
    let record: MakeRecord<'_> =
        Box::new(|bytes, sha256| format!("{bytes} {}", &sha256[..8]).into_bytes());
    ready(&report)
        .publish(|out| out.write_all(b"abc"), Some(record))
        .expect("it is published");
    assert_eq!(scratch.names(), ["report.csv", "report.csv.run.json"]);
    assert_eq!(scratch.text("report.csv.run.json"), "3 ba7816bf");
}

#[test]
fn a_record_that_cannot_be_put_in_place_is_told_with_what_was_replaced() {
    let scratch = Scratch::new();
    let report = scratch.file("report.csv", "old");
    scratch.folder("report.csv.run.json");
    let record: MakeRecord<'_> = Box::new(|_, _| b"{}".to_vec());
    let failure = ready(&report)
        .publish(|out| out.write_all(b"new"), Some(record))
        .expect_err("a folder is in the way");
    assert_failure(
        &failure,
        error::WRITE,
        "report.csv.run.json: Is a directory",
    );
    assert_eq!(
        failure.details,
        [format!("{} was replaced already", report.display())]
    );
    assert_eq!(scratch.text("report.csv"), "new");
    assert_eq!(scratch.names(), ["report.csv", "report.csv.run.json"]);
}

#[test]
fn a_full_disk_keeps_the_old_report_whatever_the_size_of_the_new() {
    let scratch = Scratch::new();
    let small = Mount::tmpfs(&scratch.folder("small"), "size=64k");
    let report = small.0.join("report.csv");
    let old = "o".repeat(3000);
    fs::write(&report, &old).expect("there is room for it");
    let mut failed = 0;
    for size in (1..=200).map(|pages| pages * 1024) {
        let new = "n".repeat(size);
        match publish(ready(&report), &new) {
            Ok(_) => {
                assert!(fs::read_to_string(&report).expect("it is there") == new);
                fs::write(&report, &old).expect("there is room for it");
            }
            Err(failure) => {
                failed += 1;
                assert_failure(&failure, error::WRITE, "No space left on device");
                assert!(failure.message.starts_with("cannot write "));
                assert_eq!(failure.kept, Some(expected_kept(&report)));
                assert!(fs::read_to_string(&report).expect("it is there") == old);
            }
        }
        assert_eq!(crate::harness::names_in(&small.0), ["report.csv"]);
    }
    assert!((136..=150).contains(&failed), "{failed} of 200 failed");
}

#[test]
fn a_place_that_cannot_take_a_file_is_refused() {
    let scratch = Scratch::new();
    scratch.folder("folder");
    scratch.file("file", "");
    let _socket = UnixListener::bind(scratch.path("socket")).expect("a socket can be made");
    scratch.fifo("fifo");
    let long = format!("{}.csv", "x".repeat(252));
    let cases = [
        ("folder", "folder is a directory"),
        ("folder/", "is a directory"),
        ("new/", "is a directory"),
        ("..", "is a directory"),
        ("fifo", "fifo is a FIFO"),
        ("socket", "socket is a socket"),
        ("/dev/full", "/dev/full is a device"),
        ("/dev/stdout", "/dev/stdout is a device"),
        ("/dev/fd/1", "/dev/fd/1 is a device"),
        ("missing/report.csv", "missing does not exist"),
        ("file/report.csv", "file is not a folder"),
        (&long, "has a name of 256 bytes; at most 234 can be used"),
    ];
    for (path, expected) in cases {
        for follow_symlinks in [false, true] {
            let options = OutputOptions {
                follow_symlinks,
                ..OutputOptions::default()
            };
            let failure = refused(&scratch.path(path), options);
            assert_failure(&failure, error::TARGET, expected);
        }
    }
    assert_eq!(scratch.names(), ["fifo", "file", "folder", "socket"]);
}

#[test]
fn the_longest_name_works_with_its_record() {
    let scratch = Scratch::new();
    let name = "x".repeat(234);
    let record: MakeRecord<'_> = Box::new(|_, _| Vec::new());
    ready(&scratch.path(&name))
        .publish(|out| out.write_all(b"abc"), Some(record))
        .expect("it is published");
    assert_eq!(scratch.names(), [name.clone(), format!("{name}.run.json")]);
}

#[test]
fn a_read_only_file_system_is_refused_before_the_import() {
    let scratch = Scratch::new();
    let sealed = Mount::tmpfs(&scratch.folder("sealed"), "size=64k");
    fs::write(sealed.0.join("report.csv"), "old").expect("there is room for it");
    fs::write(sealed.0.join(".report.csv.lock"), "").expect("there is room for it");
    sealed.remount("ro");
    for name in ["report.csv", "new.csv"] {
        let failure = refused(&sealed.0.join(name), OutputOptions::default());
        assert_failure(&failure, error::TARGET, "Read-only file system");
    }
}

#[test]
fn a_link_is_refused_unless_links_are_followed() {
    let scratch = Scratch::new();
    scratch.file("folder/real.csv", "old");
    symlink("folder/real.csv", scratch.path("link.csv")).expect("a link can be made");
    symlink("folder/none.csv", scratch.path("dangling.csv")).expect("a link can be made");
    symlink("folder", scratch.path("linked")).expect("a link can be made");
    symlink("circle", scratch.path("circle")).expect("a link can be made");
    for path in [
        "link.csv",
        "dangling.csv",
        "linked/real.csv",
        "linked/./real.csv",
        "circle",
    ] {
        let failure = refused(&scratch.path(path), OutputOptions::default());
        assert_failure(
            &failure,
            error::TARGET,
            "is a symlink; use --follow-symlinks",
        );
    }
    let follow = OutputOptions {
        follow_symlinks: true,
        ..OutputOptions::default()
    };
    for (path, real) in [
        ("link.csv", "folder/real.csv"),
        ("dangling.csv", "folder/none.csv"),
        ("linked/third.csv", "folder/third.csv"),
    ] {
        let prepared = prepare(&scratch.path(path), &[], follow).expect("it is followed");
        publish(expect_ready(prepared), path).expect("it is published");
        assert_eq!(scratch.text(real), path);
    }
    assert!(
        scratch.path("link.csv").is_symlink(),
        "the link itself stays"
    );
    assert_failure(
        &refused(&scratch.path("circle"), follow),
        error::TARGET,
        "circle",
    );
    assert_eq!(
        crate::harness::names_in(&scratch.path("folder")),
        ["none.csv", "real.csv", "third.csv"]
    );
}

#[test]
fn an_output_that_is_an_input_is_refused_by_whatever_name() {
    let scratch = Scratch::new();
    let input = scratch.file("posts.csv", "user_id,created_at\n");
    symlink("posts.csv", scratch.path("link.csv")).expect("a link can be made");
    fs::hard_link(&input, scratch.path("hard.csv")).expect("a link can be made");
    let inputs = [scratch.file("other.csv", ""), input];
    for name in ["posts.csv", "link.csv", "hard.csv"] {
        for follow_symlinks in [false, true] {
            let options = OutputOptions {
                follow_symlinks,
                ..OutputOptions::default()
            };
            let failure =
                prepare(&scratch.path(name), &inputs, options).expect_err("it is refused");
            assert_failure(
                &failure,
                error::OUTPUT_IS_INPUT,
                "is the same file as the input",
            );
        }
    }
    assert_eq!(scratch.text("posts.csv"), "user_id,created_at\n");
}

#[test]
fn a_second_run_finds_the_lock_held() {
    let scratch = Scratch::new();
    let report = scratch.path("report.csv");
    let first = ready(&report);
    let failure = refused(&report, OutputOptions::default());
    let pid = std::process::id();
    assert_eq!(failure.id, error::LOCKED);
    let (start, end) = failure
        .message
        .split_once(", since ")
        .expect("it says since when");
    assert_eq!(start, format!("another run (pid {pid}"));
    assert_eq!(
        &end[5..],
        format!(") holds the lock on {}", report.display())
    );
    drop(first);
    assert_eq!(scratch.names(), [""; 0]);
    publish(ready(&report), "abc").expect("it is free again");
}

#[test]
fn a_second_run_can_skip_or_wait() {
    let scratch = Scratch::new();
    let report = scratch.path("report.csv");
    let first = ready(&report);
    let skip = OutputOptions {
        if_locked: IfLocked::Skip,
        ..OutputOptions::default()
    };
    match prepare(&report, &[], skip).expect("it is no failure") {
        Prepared::Skipped(why) => assert!(why.contains("holds the lock on"), "{why}"),
        Prepared::Ready(_) => panic!("the lock is held"),
    }
    let wait = |wait| OutputOptions {
        if_locked: IfLocked::Wait,
        wait,
        ..OutputOptions::default()
    };
    let begun = Instant::now();
    let failure = refused(&report, wait(300_000));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_failure(&failure, error::LOCKED, "holds the lock on");
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        publish(first, "first").expect("it is published");
    });
    let second = expect_ready(prepare(&report, &[], wait(60_000_000)).expect("it is its turn"));
    assert_eq!(scratch.text("report.csv"), "first");
    publish(second, "second").expect("it is published");
    other.join().expect("the first run ends");
    assert_eq!(scratch.text("report.csv"), "second");
}

#[test]
fn leftovers_of_a_killed_run_are_harmless_and_only_they_are_removed() {
    let scratch = Scratch::new();
    let report = scratch.path("report.csv");
    scratch.file(".report.csv.lock", "pid 4711 since 2026-11-20T02:00:00Z\n");
    scratch.file(".report.csv.aB3xyz.tmp", "half a report");
    scratch.file(".report.csv.run.json.aB3xyz.tmp", "half a record");
    let others = [
        ".report.csv.notours.tmp",
        ".report.csv.tmp",
        ".report.csvx.aB3xyz.tmp",
    ];
    for other in others {
        scratch.file(other, "");
    }
    publish(ready(&report), "abc").expect("it is published");
    assert_eq!(
        scratch.names(),
        [others[0], others[1], others[2], "report.csv"]
    );
}

#[test]
fn a_planted_lock_file_is_not_written_through() {
    let scratch = Scratch::new();
    let report = scratch.path("report.csv");
    let lock = scratch.path(".report.csv.lock");
    let victim = scratch.file("victim", "precious");
    symlink("victim", &lock).expect("a link can be made");
    assert_failure(
        &refused(&report, OutputOptions::default()),
        error::TARGET,
        "not a plain file",
    );
    fs::remove_file(&lock).expect("it is ours");
    fs::hard_link(&victim, &lock).expect("a link can be made");
    assert_failure(
        &refused(&report, OutputOptions::default()),
        error::TARGET,
        "not a plain file",
    );
    assert_eq!(scratch.text("victim"), "precious");
}

#[test]
fn dev_null_takes_a_report_and_keeps_nothing() {
    let null = Path::new("/dev/null");
    let before = crate::harness::names_in(Path::new("/dev"));
    let record: MakeRecord<'_> = Box::new(|_, _| Vec::new());
    let published = ready(null).publish(|out| out.write_all(b"abc"), Some(record));
    assert!(matches!(published, Ok(Published::Whole { bytes: 3, .. })));
    assert_eq!(crate::harness::names_in(Path::new("/dev")), before);
}

#[test]
fn an_error_of_the_disk_is_told_whatever_the_writer_makes_of_it() {
    let scratch = Scratch::new();
    let small = Mount::tmpfs(&scratch.folder("small"), "size=64k");
    let failure = ready(&small.0.join("report.csv"))
        .publish(
            |out| {
                out.write_all(&vec![b'x'; 1 << 20])
                    .map_err(|_| io::Error::other("serializer failed"))
            },
            None,
        )
        .expect_err("it does not fit");
    assert_failure(
        &failure,
        error::WRITE,
        "report.csv: No space left on device",
    );
    assert_eq!(failure.kept, None, "there was no report");
}

#[test]
fn a_whole_small_file_has_the_mode_asked_for() {
    let scratch = Scratch::new();
    let rejects = scratch.file("rejects.csv", "old");
    fs::set_permissions(&rejects, fs::Permissions::from_mode(0o644)).expect("it is ours");
    write_whole(&rejects, 0o600, |out| out.write_all(b"new")).expect("it is written");
    assert_eq!(
        (scratch.text("rejects.csv").as_str(), mode(&rejects)),
        ("new", 0o600)
    );
    write_whole(&rejects, 0o600, |_| Err(io::Error::other("no"))).expect_err("it fails");
    assert_eq!(scratch.text("rejects.csv"), "new");
    let failure = write_whole(&scratch.path("a/b"), 0o600, |_| Ok(())).expect_err("no folder");
    assert_failure(&failure, error::TARGET, "does not exist");
    assert_eq!(scratch.names(), ["rejects.csv"]);
}

/// A file system of its own, unmounted at the end.
pub(crate) struct Mount(pub(crate) PathBuf);

impl Mount {
    pub(crate) fn tmpfs(folder: &Path, options: &str) -> Self {
        let path = folder.to_string_lossy();
        tool(
            "mount",
            "mount",
            ["-t", "tmpfs", "-o", options, "tmpfs", &path],
        );
        Self(folder.to_owned())
    }

    pub(crate) fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        tool("mount", "mount", ["-o", &option, &self.0.to_string_lossy()]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A failing test must not fail twice.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn prepare(
    path: &Path,
    inputs: &[PathBuf],
    options: OutputOptions,
) -> Result<Prepared, Box<Failure>> {
    Output::prepare(Target::File(path.to_owned()), inputs, options).map_err(Box::new)
}

fn ready(path: &Path) -> Output {
    let prepared = prepare(path, &[], OutputOptions::default());
    expect_ready(prepared.expect("the place can be used"))
}

fn expect_ready(prepared: Prepared) -> Output {
    match prepared {
        Prepared::Ready(output) => output,
        Prepared::Skipped(why) => panic!("skipped: {why}"),
    }
}

fn refused(path: &Path, options: OutputOptions) -> Box<Failure> {
    match prepare(path, &[], options) {
        Ok(_) => panic!("{} is not refused", path.display()),
        Err(failure) => failure,
    }
}

fn publish(output: Output, text: &str) -> Result<Published, Box<Failure>> {
    output
        .publish(|out| out.write_all(text.as_bytes()), None)
        .map_err(Box::new)
}

#[track_caller]
fn assert_failure(failure: &Failure, id: ErrorId, part: &str) {
    assert_eq!(failure.id, id, "{failure}");
    assert!(
        failure.message.contains(part),
        "expected {part:?}: {failure}"
    );
    assert!(!failure.message.contains("os error"), "{failure}");
}

fn expected_kept(report: &Path) -> String {
    let written = File::open(report).and_then(|file| file.metadata()?.modified());
    let written: chrono::DateTime<chrono::Utc> = written.expect("it is there").into();
    format!(
        "{} of {} is unchanged",
        report.display(),
        written.format("%Y-%m-%d")
    )
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}
