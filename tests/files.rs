//! Files as they come: compressed, cut, damaged, growing, vanishing, of the wrong kind, or many.
//! The numbers are those of the cases in the reliability plan.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::csv::{read_back, sessions, within};
use crate::harness::{Call, Outcome, Running, Scratch, tool, wait_until};

/// As many users as asked for, an event each on one day.
fn posts(users: usize) -> String {
    let mut text = String::from("user_id,created_at\n");
    for user in 0..users {
        text += &format!("user-{user},2026-01-01T{:02}:00:00Z\n", user % 24);
    }
    text
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// How many events a run read that went well.
#[track_caller]
fn events(outcome: Outcome) -> usize {
    let (events, [read, taken, ..]) = read_back(&outcome.expect_ok());
    assert_eq!((read, taken), (events.len() as u64, events.len() as u64));
    events.len()
}

/// The first line on standard error of a run that failed.
#[track_caller]
fn first_line(outcome: Outcome, code: i32) -> String {
    let outcome = outcome.expect_failure(code);
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
    outcome
        .stderr()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn case_46_a_gzip_file_that_is_cut_anywhere_is_refused() {
    let scratch = Scratch::new();
    let whole = gzip(posts(3000));
    scratch.file("posts.csv.gz", &whole);
    assert_eq!(events(sessions(&scratch, &["posts.csv.gz"]).run()), 3000);
    let mut cuts: Vec<usize> = (1..50).map(|part| whole.len() * part / 50).collect();
    cuts.extend((1..=8).map(|bytes| whole.len() - bytes));
    cuts.extend(2..20);
    for cut in cuts {
        scratch.file("posts.csv.gz", &whole[..cut]);
        let said = first_line(sessions(&scratch, &["posts.csv.gz"]).run(), 4);
        assert_eq!(
            said,
            format!(
                "error[IN-07]: source \"posts\" (csv, posts.csv.gz): gzip stream ends early at \
                 compressed byte {cut}"
            )
        );
    }
}

#[test]
fn case_46_a_cut_file_leaves_the_old_report_and_can_be_left_out() {
    let scratch = Scratch::new();
    let whole = gzip(posts(3000));
    scratch.file("posts.csv.gz", &whole[..whole.len() / 2]);
    scratch.file("logins.csv", posts(2));
    scratch.file("report.csv", "old\n");
    let report = || {
        scratch.sessionize([
            "posts.csv.gz",
            "logins.csv",
            "--format",
            "csv",
            "-o",
            "report.csv",
            "--now",
            "2026-02-01",
        ])
    };
    report()
        .run()
        .expect_failure(4)
        .expect_stderr("  kept: report.csv of 20");
    assert_eq!(scratch.text("report.csv"), "old\n");
    let outcome = report().arg("--keep-going").run();
    assert_eq!(outcome.code(), Some(3), "{outcome:?}");
    let record: serde_json::Value =
        serde_json::from_str(&scratch.text("report.csv.run.json")).expect("it is JSON");
    assert_eq!(record["complete"], false);
    assert_eq!(record["missing"][0]["name"], "posts");
    assert_eq!(record["rows"]["read"], 2);
}

#[test]
fn case_47_a_flipped_bit_never_gives_another_result() {
    let scratch = Scratch::new();
    let whole = gzip(posts(200));
    scratch.file("posts.csv.gz", &whole);
    let listing = || {
        scratch
            .sessionize(["sessions", "posts.csv.gz", "--format", "csv"])
            .args(["--now", "2026-02-01"])
    };
    let expected = listing().run().expect_ok().stdout;
    let mut random = Pcg64Mcg::seed_from_u64(47);
    let bits = (0..250)
        .map(|_| random.random_range(0..whole.len() * 8))
        .chain((0..80).step_by(3))
        .chain((whole.len() * 8 - 64)..whole.len() * 8);
    for bit in bits {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        scratch.file("posts.csv.gz", flipped);
        let outcome = listing().run();
        match outcome.code() {
            // Time of packing, system and such say nothing of the data.
            Some(0) => assert_eq!(outcome.stdout, expected, "bit {bit}"),
            Some(4) => assert!(outcome.stdout.is_empty(), "bit {bit}: {outcome:?}"),
            _ => panic!("bit {bit}: {outcome:?}"),
        }
        if bit >= whole.len() * 8 - 64 {
            outcome
                .expect_failure(4)
                .expect_stderr("error[IN-07]: source \"posts\" (csv, posts.csv.gz): gzip checksum");
        }
    }
}

#[test]
fn case_48_all_members_of_a_joined_file_are_read() {
    let scratch = Scratch::new();
    let text = posts(100);
    for cut in [0, 1, 19, 500, text.len() - 1, text.len()] {
        let (first, second) = text.split_at(cut);
        scratch.file(
            "posts.csv.gz",
            [gzip(first), gzip(""), gzip(second)].concat(),
        );
        assert_eq!(events(sessions(&scratch, &["posts.csv.gz"]).run()), 100);
    }
    let path = scratch.file("posts.csv", &text);
    tool("zstd", "zstd", ["-q".as_ref(), path.as_os_str()]);
    let frame = scratch.read("posts.csv.zst");
    let more = text
        .replace("user-", "more-")
        .replace("user_id,created_at\n", "");
    scratch.file("more.csv", more);
    tool(
        "zstd",
        "zstd",
        ["-q".as_ref(), scratch.path("more.csv").as_os_str()],
    );
    scratch.file(
        "both.csv.zst",
        [frame, scratch.read("more.csv.zst")].concat(),
    );
    assert_eq!(events(sessions(&scratch, &["both.csv.zst"]).run()), 200);
}

#[test]
fn case_49_anything_after_the_end_of_a_gzip_file_is_refused() {
    let scratch = Scratch::new();
    for garbage in [&b"0123456789abcdef"[..], &[0; 512], b"x", b"\x1f\x8b"] {
        scratch.file("posts.csv.gz", [&gzip(posts(10)), garbage].concat());
        let said = first_line(sessions(&scratch, &["posts.csv.gz"]).run(), 4);
        assert!(
            said.starts_with("error[IN-07]: source \"posts\" (csv, posts.csv.gz): gzip stream "),
            "{said}"
        );
    }
}

#[test]
fn case_50_what_a_file_is_is_told_by_its_first_bytes() {
    let scratch = Scratch::new();
    scratch.file("plain.csv.gz", posts(3));
    scratch.file("packed.csv", gzip(posts(3)));
    let path = scratch.file("posts.csv", posts(3));
    tool("zstd", "zstd", ["-q".as_ref(), path.as_os_str()]);
    fs::rename(scratch.path("posts.csv.zst"), scratch.path("frame.csv")).expect("it is ours");
    for name in ["plain.csv.gz", "packed.csv", "frame.csv"] {
        assert_eq!(events(sessions(&scratch, &[name]).run()), 3, "{name}");
        let from_stdin = sessions(&scratch, &["-"]).stdin(scratch.read(name));
        assert_eq!(events(from_stdin.run()), 3, "{name}");
    }
}

#[test]
fn case_50_other_kinds_are_named_and_refused() {
    let scratch = Scratch::new();
    let path = scratch.file("posts.csv", posts(100));
    let path = path.to_str().expect("it is UTF-8");
    tool("xz", "xz-utils", ["-k", path]);
    tool("bzip2", "bzip2", ["-k", path]);
    let archive = format!("{path}.zip");
    tool("zip", "zip", ["-q", &archive, path]);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(posts(100).as_bytes())
        .expect("memory takes it");
    scratch.file("posts.csv.zlib", zlib.finish().expect("memory takes it"));
    scratch.file("posts.csv.twice", gzip(gzip(posts(100))));
    for (kind, said) in [
        ("xz", "xz is not supported; decompress first"),
        ("bz2", "bzip2 is not supported; decompress first"),
        ("zip", "zip is not supported; decompress first"),
        ("zlib", "zlib is not supported; decompress first"),
        ("twice", "is compressed twice; decompress once first"),
    ] {
        let name = format!("posts.csv.{kind}");
        let line = first_line(sessions(&scratch, &[&format!("posts={name}")]).run(), 4);
        assert_eq!(
            line,
            format!("error[IN-08]: source \"posts\" (csv, {name}): {said}")
        );
    }
}

#[test]
fn case_50_a_header_that_begins_like_another_kind_is_text() {
    let scratch = Scratch::new();
    for name in ["ORCID", "BZh", "PAR1", "PARE", "ARROW1"] {
        let text = format!("{name},created_at\nada,2026-01-01T10:00:00Z\n");
        scratch.file("posts.csv", text);
        let call = sessions(&scratch, &["posts.csv", "--user-column", name]);
        assert_eq!(events(call.run()), 1, "{name}");
    }
}

#[test]
fn case_51_a_damaged_zstd_file_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.file("posts.csv", posts(3000));
    tool("zstd", "zstd", ["-q".as_ref(), path.as_os_str()]);
    let whole = scratch.read("posts.csv.zst");
    for part in 1..50 {
        scratch.file("posts.csv.zst", &whole[..whole.len() * part / 50]);
        let said = first_line(sessions(&scratch, &["posts.csv.zst"]).run(), 4);
        assert!(
            said.starts_with(
                "error[IN-07]: source \"posts\" (csv, posts.csv.zst): zstd stream ends early at"
            ),
            "{said}"
        );
    }
    for at in (8..whole.len()).step_by(whole.len() / 50) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        scratch.file("posts.csv.zst", flipped);
        first_line(sessions(&scratch, &["posts.csv.zst"]).run(), 4);
    }
    // A frame that asks for a window of 2 GiB.
    scratch.file("posts.csv.zst", b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00");
    let said = first_line(sessions(&scratch, &["posts.csv.zst"]).run(), 4);
    assert!(said.starts_with("error[IN-07]: "), "{said}");
}

#[test]
fn case_52_a_bomb_is_refused_soon_within_bounded_memory() {
    let scratch = Scratch::new();
    let zeros = gzip(vec![0; 64 << 20]);
    let line = format!("x,2026-01-01T10:00:00Z,{}\n", "x".repeat(1000));
    let lines = gzip(line.repeat(1 << 16));
    for (name, bytes) in [
        ("zeros.csv.gz", zeros.clone()),
        // 10 MiB that expand to 10 GiB.
        ("more.csv.gz", zeros.repeat(160)),
        (
            "lines.csv.gz",
            [gzip("user_id,created_at,note\n"), lines.repeat(40)].concat(),
        ),
    ] {
        scratch.file(name, bytes);
        let begun = Instant::now();
        let outcome = within(600_000, sessions(&scratch, &[name])).run();
        let said = first_line(outcome, 9);
        assert!(
            said.contains("expands over 200:1") || said.contains("field over 16 MiB"),
            "{said}"
        );
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}");
    }
    scratch.file("twice.csv.gz", gzip(zeros));
    first_line(sessions(&scratch, &["twice.csv.gz"]).run(), 4);
}

#[test]
fn case_52_the_limit_of_expansion_can_be_set_either_way() {
    let scratch = Scratch::new();
    let text = posts(3).replace('\n', &format!(",{}\n", "x".repeat(9_000_000)));
    scratch.file("posts.csv.gz", gzip(text));
    let said = first_line(sessions(&scratch, &["posts.csv.gz"]).run(), 9);
    assert_eq!(
        said,
        "error[LM-02]: source \"posts\" (csv, posts.csv.gz): expands over 200:1"
    );
    let allowed = ["posts.csv.gz", "--max-decompressed", "64MiB"];
    assert_eq!(events(sessions(&scratch, &allowed).run()), 3);
    let refused = ["posts.csv.gz", "--max-decompressed", "20MiB"];
    first_line(sessions(&scratch, &refused).run(), 9);
    scratch.file("few.csv.gz", gzip(posts(100)));
    let said = first_line(
        sessions(&scratch, &["few.csv.gz", "--max-decompressed", "1000"]).run(),
        9,
    );
    assert_eq!(
        said,
        "error[LM-02]: source \"few\" (csv, few.csv.gz): expands over 1000 bytes (limit \
         --max-decompressed)"
    );
}

#[test]
fn case_53_standard_input_is_read_once_and_never_from_a_terminal() {
    let scratch = Scratch::new();
    assert_eq!(
        first_line(sessions(&scratch, &["-"]).run(), 4),
        "error[IN-02]: source \"stdin\" (csv, -): standard input is empty (no header)"
    );
    assert_eq!(events(sessions(&scratch, &["-"]).stdin(posts(3)).run()), 3);
    assert_eq!(
        events(sessions(&scratch, &["x=-"]).stdin(posts(3)).run()),
        3
    );
    for inputs in [["-", "-"], ["a=-", "b=-"]] {
        let said = first_line(sessions(&scratch, &inputs).stdin(posts(3)).run(), 2);
        assert_eq!(said, "error[CF-07]: standard input is named twice");
    }
    let program = env!("CARGO_BIN_EXE_sessionize");
    let typed = format!("{program} - 2>said; echo $? >code");
    let terminal = std::process::Command::new("script")
        .args(["-q", "-c", &typed, "/dev/null"])
        .current_dir(scratch.path(""))
        .stdin(std::process::Stdio::null())
        .output();
    terminal.expect("script runs; Debian package bsdutils");
    assert_eq!(scratch.text("code"), "2\n");
    assert!(
        scratch
            .text("said")
            .starts_with("error[CF-07]: waiting for input is off; pipe a file\n"),
        "{}",
        scratch.text("said")
    );
}

/// Runs the call while a thread does something to the files again and again.
fn beside(run: impl FnOnce() -> Outcome, mut again: impl FnMut() + Send) -> Outcome {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                again();
            }
        });
        let outcome = run();
        done.store(true, Ordering::Relaxed);
        outcome
    })
}

/// Holds every read of the file up, so that something can happen to it meanwhile.
fn slowly(call: Call, path: &Path, microseconds: u32) -> Call {
    let inject = format!("inject=read:delay_exit={microseconds}");
    let path = path.to_str().expect("it is UTF-8");
    let strace = [
        "/usr/bin/strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        path,
        "-e",
        "trace=read",
        "-e",
        &inject,
    ];
    call.under(strace)
}

#[test]
fn case_55_of_a_growing_file_what_was_there_at_first_is_used() {
    let scratch = Scratch::new();
    let text = posts(100_000);
    let path = scratch.file("posts.csv", &text);
    let mut writer = OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("it is ours");
    let mut late = 0;
    let call = slowly(sessions(&scratch, &["posts.csv"]).loud(), &path, 20_000);
    let outcome = beside(
        || call.run(),
        || {
            let row = format!("late-{late:05},2026-01-03T10:00:00Z\n");
            writer.write_all(row.as_bytes()).expect("there is room");
            late += 1;
            thread::sleep(Duration::from_millis(5));
        },
    );
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    let (listed, [read, ..]) = read_back(&outcome);
    // Rows that came before the file was opened are rows like any other.
    assert!(read >= 100_000 && listed.len() as u64 <= read, "{read}");
    let said = outcome.stderr();
    let used = said
        .split_once("file grew while reading; the first ")
        .and_then(|(_, rest)| rest.split_once(" bytes were used"))
        .unwrap_or_else(|| panic!("nothing is said of it: {outcome:?}"))
        .0;
    let used: usize = used.parse().expect("it is a number");
    assert_eq!(used, text.len() + (read as usize - 100_000) * 32);
}

#[test]
fn case_55_a_record_that_is_still_being_written_is_left_out() {
    for (begun, end) in [
        ("2026-01-03T10:00:00Z,12", "34\n"),
        ("2026-01-03T10:00:00Z,\"12", "34\"\n"),
        ("2026-01-03T10:00:00Z,\"12\n", "34\"\n"),
    ] {
        let scratch = Scratch::new();
        let text = "created_at,user_id\n2026-01-01T10:00:00Z,7\n";
        let path = scratch.file("posts.csv", format!("{text}{begun}"));
        let mut writer = OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("it is ours");
        let call = slowly(sessions(&scratch, &["posts.csv"]).loud(), &path, 300_000);
        let run = call.start();
        wait_until("the file is open to be read", || {
            descriptors(&run, &path) == 2
        });
        writer.write_all(end.as_bytes()).expect("there is room");
        let outcome = run.finish();
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        assert_eq!(read_back(&outcome).0, ["7 2026-01-01T10:00:00Z"]);
        let said = format!("the first {} bytes were used", text.len());
        outcome.expect_stderr(&said);
    }
}

/// How often the program has the file open: once to see what it is, then twice to read it and to
/// watch it.
fn descriptors(run: &Running, path: &Path) -> usize {
    let folder = format!("/proc/{}/fd", child_of(run.id()));
    let links = fs::read_dir(folder).into_iter().flatten().flatten();
    links
        .filter(|link| fs::read_link(link.path()).is_ok_and(|target| target == path))
        .count()
}

/// The process that strace runs.
fn child_of(strace: u32) -> String {
    let path = format!("/proc/{strace}/task/{strace}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    children.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn case_56_a_file_cut_while_it_is_read_is_never_half_a_result() {
    let scratch = Scratch::new();
    let text = posts(40_000);
    let path = scratch.file("posts.csv", &text);
    let listing = |flags: &[&str]| {
        scratch
            .sessionize(["sessions", "posts.csv", "--format", "csv"])
            .args(["--now", "2026-02-01"])
            .args(flags.iter().copied())
    };
    let whole = listing(&[]).run().expect_ok().stdout;
    for round in 0..60_u64 {
        fs::write(&path, &text).expect("there is room");
        let cut = round * 997 % 4 * text.len() as u64 / 4;
        let flags: &[&str] = if round % 2 == 0 {
            &["--allow-empty"]
        } else {
            &[]
        };
        let run = listing(flags).start();
        thread::sleep(Duration::from_millis(5 + round));
        let file = OpenOptions::new()
            .write(true)
            .open(&path)
            .expect("it is ours");
        file.set_len(cut).expect("it can be cut");
        drop(file);
        let outcome = run.finish();
        match outcome.code() {
            Some(0) if outcome.stdout == whole => {}
            Some(4) if outcome.stderr().contains("file changed while reading") => {}
            // Cut before it was opened: a shorter file, or an empty one.
            Some(0) => assert_is_the_file_as_it_is(&outcome, cut, &text),
            Some(4) => assert!(outcome.stderr().starts_with("error["), "{outcome:?}"),
            _ => panic!("{outcome:?}"),
        }
    }
}

/// The result is that of the first bytes of the text, as one who came later finds them.
#[track_caller]
fn assert_is_the_file_as_it_is(outcome: &Outcome, cut: u64, text: &str) {
    let scratch = Scratch::new();
    scratch.file("posts.csv", &text[..cut as usize]);
    let later = scratch
        .sessionize(["sessions", "posts.csv", "--format", "csv", "--allow-empty"])
        .args(["--now", "2026-02-01"])
        .run()
        .expect_ok();
    assert!(later.stdout == outcome.stdout, "{outcome:?}");
}

#[test]
fn case_56_a_change_during_the_reading_is_told() {
    let scratch = Scratch::new();
    let text = posts(100_000);
    let path = scratch.path("posts.csv");
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 4] = [
        ("cut to nothing", |path| {
            let file = OpenOptions::new().write(true).open(path);
            file.and_then(|file| file.set_len(0)).expect("it is ours");
        }),
        ("cut in the middle", |path| {
            let file = OpenOptions::new().write(true).open(path);
            file.and_then(|file| file.set_len(2_000_000))
                .expect("it is ours");
        }),
        ("replaced", |path| {
            let other = path.with_extension("new");
            fs::write(&other, "user_id,created_at\n").expect("there is room");
            fs::rename(other, path).expect("it is ours");
        }),
        ("written over", |path| {
            let file = OpenOptions::new().write(true).open(path);
            let mut file = file.expect("it is ours");
            file.seek(SeekFrom::Start(50)).expect("it is long");
            file.write_all(b"9").expect("there is room");
        }),
    ];
    for (what, change) in changes {
        for flags in [&[][..], &["--allow-empty"]] {
            fs::write(&path, &text).expect("there is room");
            let args = [&["posts.csv"], flags].concat();
            let run = slowly(sessions(&scratch, &args), &path, 20_000).start();
            // The first reads only look at what the file is.
            let is_read = || {
                let fds = format!("/proc/{}/fdinfo", child_of(run.id()));
                let infos = fs::read_dir(fds).into_iter().flatten().flatten();
                infos
                    .filter_map(|info| fs::read_to_string(info.path()).ok())
                    .filter_map(|info| info.lines().next()?.split('\t').nth(1)?.parse().ok())
                    .any(|at: u64| (1 << 20..6_000_000).contains(&at))
            };
            wait_until("the second block is read", is_read);
            change(&path);
            let said = first_line(run.finish(), 4);
            assert_eq!(
                said, "error[IN-09]: source \"posts\" (csv, posts.csv): file changed while reading",
                "{what}"
            );
        }
    }
}

#[test]
fn case_57_what_is_no_file_is_refused_with_the_reason() {
    let scratch = Scratch::new();
    scratch.folder("folder.csv");
    let _socket = UnixListener::bind(scratch.path("socket.csv")).expect("a socket can be made");
    symlink("loop.csv", scratch.path("loop.csv")).expect("a link can be made");
    for (name, path, why) in [
        ("missing", "missing.csv", "No such file or directory"),
        (
            "missing",
            "folder.csv/missing.csv",
            "No such file or directory",
        ),
        ("folder", "folder.csv", "is a folder"),
        ("socket", "socket.csv", "is a socket"),
        ("null", "/dev/null", "is a device"),
        ("loop", "loop.csv", "Too many levels of symbolic links"),
    ] {
        assert_eq!(
            first_line(sessions(&scratch, &[path]).run(), 4),
            format!("error[IN-01]: source \"{name}\" (file, {path}): cannot read {path}: {why}")
        );
    }
}

#[test]
fn case_57_a_file_or_folder_of_others_is_refused() {
    let scratch = Scratch::new();
    fs::set_permissions(scratch.path(""), Permissions::from_mode(0o755)).expect("it is ours");
    let program = scratch.path("program");
    fs::copy(env!("CARGO_BIN_EXE_sessionize"), &program).expect("it can be copied");
    let secret = scratch.file("secret.csv", posts(3));
    fs::set_permissions(secret, Permissions::from_mode(0o600)).expect("it is ours");
    scratch.file("open/posts.csv", posts(3));
    scratch.file("sealed/posts.csv", posts(3));
    fs::set_permissions(scratch.path("sealed"), Permissions::from_mode(0o700)).expect("ours");
    let as_nobody = |path: &str| {
        let setpriv = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        sessions(&scratch, &[path])
            .program(&program)
            .under(setpriv)
            .run()
    };
    for (path, refused) in [
        ("secret.csv", "secret.csv"),
        ("sealed/posts.csv", "sealed/posts.csv"),
        ("sealed/*.csv", "sealed"),
        ("*/*.csv", "sealed"),
    ] {
        let said = first_line(as_nobody(path), 4);
        assert!(
            said.starts_with("error[IN-01]: source ")
                && said.ends_with(&format!("cannot read {refused}: Permission denied")),
            "{said}"
        );
    }
    assert_eq!(events(as_nobody("open/*.csv")), 3);
}

#[test]
fn case_57_a_fifo_is_read_like_standard_input() {
    let scratch = Scratch::new();
    let fifo = scratch.fifo("posts.csv");
    for content in [posts(3).into_bytes(), gzip(posts(3))] {
        let run = sessions(&scratch, &["posts.csv"]).start();
        fs::write(&fifo, content).expect("someone reads");
        assert_eq!(events(run.finish()), 3);
    }
}

#[test]
fn case_58_a_glob_without_a_match_is_refused() {
    let scratch = Scratch::new();
    scratch.folder("exports/a.csv");
    scratch.file("exports/.b.csv", posts(3));
    for pattern in ["missing-*.csv", "exports/*.csv", "nowhere/*"] {
        let said = first_line(sessions(&scratch, &[pattern]).run(), 4);
        assert!(
            said.starts_with("error[IN-11]: source \"")
                && said.ends_with(&format!("glob \"{pattern}\" matches no file")),
            "{said}"
        );
    }
    let said = first_line(sessions(&scratch, &["a**b.csv"]).run(), 4);
    assert!(said.contains("glob \"a**b.csv\" is no pattern: "), "{said}");
    // Named as it is, a hidden file is meant.
    assert_eq!(events(sessions(&scratch, &["exports/.b.csv"]).run()), 3);
    assert_eq!(events(sessions(&scratch, &["exports/.*.csv"]).run()), 3);
}

#[test]
fn case_58_a_glob_leaves_no_file_out_because_of_its_name() {
    let scratch = Scratch::new();
    scratch.file("days/a.csv", posts(3));
    let odd = OsStr::from_bytes(b"days/caf\xe9.csv");
    scratch.file(Path::new(odd), posts(3));
    let said = first_line(sessions(&scratch, &["days/*.csv"]).run(), 4);
    assert!(said.starts_with("error[IN-01]: source \"days\" (file, days/*.csv): cannot read "));
    assert!(said.ends_with("its name is not UTF-8"), "{said}");
    assert_eq!(events(sessions(&scratch, &["days/a*.csv"]).run()), 3);
}

#[test]
fn case_58_ten_thousand_files_are_one_source_within_few_descriptors() {
    let scratch = Scratch::new();
    for number in 0..10_000 {
        let text = format!("user_id,created_at\n{number},2026-01-01T10:00:00Z\n");
        scratch.file(format!("days/posts-{number}.csv"), text);
    }
    let outcome = sessions(&scratch, &["days/posts-*.csv"])
        .under(["bash", "-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .run()
        .expect_ok();
    let (listed, counts) = read_back(&outcome);
    assert_eq!((listed.len(), counts), (10_000, [10_000, 10_000, 0, 0]));
    assert!(outcome.stdout().contains("\"name\":\"posts\""));
}

#[test]
fn case_58_a_file_named_twice_by_links_counts_once_and_that_is_said() {
    let scratch = Scratch::new();
    let path = scratch.file("posts.csv", posts(3));
    symlink("posts.csv", scratch.path("soft.csv")).expect("a link can be made");
    fs::hard_link(path, scratch.path("hard.csv")).expect("a link can be made");
    for inputs in [
        &["*.csv"][..],
        &["posts.csv", "soft.csv", "hard.csv"],
        &["hard.csv", "*.csv"],
    ] {
        let outcome = sessions(&scratch, inputs).loud().run();
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        assert_eq!(read_back(&outcome).1, [3, 3, 0, 0]);
        let said = outcome.stderr();
        let notes = said.matches("it is read once").count();
        assert!(notes >= 2, "{outcome:?}");
    }
    sessions(&scratch, &["posts.csv", "soft.csv"])
        .loud()
        .run()
        .expect_stderr("note: soft.csv is the same file as posts.csv; it is read once\n");
}

#[test]
fn case_58_two_sources_in_one_file_are_both_read() {
    let scratch = Scratch::new();
    scratch.file(
        "visits.csv",
        "user_id,started_at,ended_at\nada,2026-01-01T10:00:00Z,2026-01-01T10:20:00Z\n",
    );
    scratch.file(
        "sessionize.toml",
        "[[source]]\nname = \"begins\"\npath = \"visits.csv\"\ntime = \"started_at\"\n\
         [[source]]\nname = \"ends\"\npath = \"visits.csv\"\ntime = \"ended_at\"\n",
    );
    let outcome = scratch
        .sessionize(["sessions", "--format", "csv", "--now", "2026-02-01"])
        .run()
        .expect_ok();
    let row = outcome
        .stdout()
        .lines()
        .nth(1)
        .expect("a session")
        .to_owned();
    assert!(
        row.ends_with(
            ",ada,2026-01-01T10:00:00Z,2026-01-01T10:20:00Z,1200,2,begins:1;ends:1,false"
        ),
        "{row}"
    );
}

#[test]
fn case_58_a_configuration_in_a_folder_with_brackets_finds_its_files() {
    let scratch = Scratch::new();
    scratch.file("[prod]/posts-1.csv", posts(3));
    scratch.file("[prod]/s.toml", "[[source]]\npath = \"posts-*.csv\"\n");
    let call = sessions(&scratch, &["--config", "[prod]/s.toml"]);
    assert_eq!(events(call.run()), 3);
}

#[test]
fn case_60_an_error_of_any_read_is_told_with_its_byte() {
    let scratch = Scratch::new();
    let text = posts(100_000);
    let packed = gzip(&text);
    for (name, bytes, at_least) in [
        ("posts.csv", text.as_bytes(), 3),
        ("posts.csv.gz", &packed[..], 3),
    ] {
        let path = scratch.file(name, bytes);
        let path = path.to_str().expect("it is UTF-8");
        let mut told = 0;
        let mut quiet = 0;
        for at in 1.. {
            let inject = format!("inject=read:error=EIO:when={at}");
            let strace = [
                "/usr/bin/strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-P",
                path,
                "-e",
                "trace=read",
                "-e",
                &inject,
            ];
            let outcome = sessions(&scratch, &[name]).under(strace).run();
            match outcome.code() {
                // A look at what the file is, which is taken again; or all reads are over.
                Some(0) => {
                    assert_eq!(events(outcome), 100_000);
                    quiet += 1;
                    if told > 0 {
                        break;
                    }
                    assert!(quiet < 9, "no read fails");
                }
                _ => {
                    let said = first_line(outcome, 4);
                    let (place, what) = said
                        .split_once("): read error at byte ")
                        .unwrap_or_else(|| panic!("read {at}: {said}"));
                    assert!(
                        place.starts_with("error[IN-10]: source \"posts\" ("),
                        "{said}"
                    );
                    let (byte, reason) = what.split_once(": ").expect("a reason is given");
                    let byte: usize = byte.parse().expect("it is a number");
                    assert!(byte <= bytes.len(), "{said}");
                    assert_eq!(reason, "Input/output error");
                    told += 1;
                }
            }
        }
        assert!(told >= at_least, "{name}: only {told}");
    }
}

#[test]
fn case_61_interrupted_and_short_reads_change_nothing() {
    let scratch = Scratch::new();
    let text = posts(50_000);
    for (name, bytes) in [
        ("posts.csv", text.clone().into_bytes()),
        ("posts.csv.gz", gzip(&text)),
    ] {
        let path = scratch.file(name, bytes);
        let path = path.to_str().expect("it is UTF-8");
        let strace = [
            "/usr/bin/strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-P",
            path,
        ];
        let fault = ["-e", "trace=read", "-e", "inject=read:error=EINTR:when=2+3"];
        let call = sessions(&scratch, &[name]).under(strace.into_iter().chain(fault));
        assert_eq!(events(call.run()), 50_000);
    }
    let fifo = scratch.fifo("slow.csv");
    let run = sessions(&scratch, &["slow.csv"]).start();
    let mut writer = OpenOptions::new()
        .write(true)
        .open(fifo)
        .expect("someone reads");
    for byte in posts(30).bytes() {
        writer.write_all(&[byte]).expect("someone reads");
        thread::yield_now();
    }
    drop(writer);
    assert_eq!(events(run.finish()), 30);
}

#[test]
fn an_input_is_named_by_its_file_or_in_front_of_it() {
    let scratch = Scratch::new();
    for (path, argument, name) in [
        ("posts.csv", "posts.csv", "posts"),
        ("comments.csv.gz", "comments.csv.gz", "comments"),
        ("a.b.csv", "a.b.csv", "a.b"),
        ("posts.csv", "likes=posts.csv", "likes"),
        ("x=y.csv", "x=y.csv", "x=y"),
        ("days/attempts-1.csv", "days/attempts-*.csv", "attempts"),
        ("exports/1.csv", "exports/*.csv", "exports"),
    ] {
        scratch.file(path, posts(1));
        let outcome = sessions(&scratch, &[argument]).run().expect_ok();
        let expected = format!("\"sources\":[{{\"name\":\"{name}\",");
        assert!(outcome.stdout().contains(&expected), "{outcome:?}");
    }
}

#[test]
fn two_files_of_one_name_are_refused_with_a_way_out() {
    let scratch = Scratch::new();
    scratch.file("a/posts.csv", posts(1));
    scratch.file("b/posts.csv", posts(2));
    let outcome = sessions(&scratch, &["a/posts.csv", "b/posts.csv"])
        .run()
        .expect_failure(2);
    assert_eq!(
        outcome.stderr(),
        "error[CF-05]: two sources are named \"posts\": a/posts.csv and b/posts.csv\n  help: name \
         one of them: other=b/posts.csv\n"
    );
    let named = sessions(&scratch, &["a/posts.csv", "other=b/posts.csv"])
        .args(["--timeout", "1s"])
        .run()
        .expect_ok();
    assert!(named.stdout().contains("\"sources\":{\"other\":1}"));
}

#[test]
fn rejects_are_allowed_by_number_and_by_share() {
    let scratch = Scratch::new();
    // Ten rows, of which two are bad.
    let text = posts(8) + "user-8,never\nuser-9\n";
    scratch.file("posts.csv", text);
    for (budget, code) in [
        ("0", 4),
        ("1", 4),
        ("2", 0),
        ("19%", 4),
        ("20%", 0),
        ("100%", 0),
        ("0%", 4),
    ] {
        let outcome = sessions(&scratch, &["posts.csv", "--max-rejects", budget]).run();
        assert_eq!(outcome.code(), Some(code), "{budget}: {outcome:?}");
        if code == 0 {
            assert_eq!(read_back(&outcome).1, [10, 8, 2, 0]);
        }
    }
    for wrong in ["-1", "x", "101%", "1.5", "%", "-1%", "NaN%"] {
        let flag = format!("--max-rejects={wrong}");
        let said = first_line(sessions(&scratch, &["posts.csv", &flag]).run(), 2);
        assert!(said.starts_with("error[CF-01]: --max-rejects \""), "{said}");
    }
    sessions(&scratch, &["posts.csv", "--max-rejects", "2"])
        .loud()
        .run()
        .expect_stderr("warning: source \"posts\": 2 of 10 rows cannot be used\n");
}

#[test]
fn case_129_rows_over_the_budget_are_counted_and_shown_by_kind() {
    let scratch = Scratch::new();
    let mut text = posts(8);
    for _ in 0..7 {
        text += "x,never\n";
    }
    text += "y\n";
    scratch.file("posts.csv", text);
    let outcome = sessions(&scratch, &["posts.csv", "--rejects", "bad.csv"])
        .run()
        .expect_failure(4);
    let mut expected = String::from(
        "error[TM-02]: source \"posts\" (csv, posts.csv): line 10, column \"created_at\": \
         \"never\" is not an instant; expected for example 2024-01-31T09:30:00Z, or state \
         --time-format\n  rejected: 8 of 16 rows cannot be used\n",
    );
    for line in 11..=14 {
        expected += &format!(
            "  [TM-02] line {line}, column \"created_at\": \"never\" is not an instant; expected for \
             example 2024-01-31T09:30:00Z, or state --time-format\n"
        );
    }
    expected += "  [IN-20] line 17: row has 1 field, header has 2\n  unusable rows are listed in \
                 bad.csv\n  help: mend the rows, or allow some with --max-rejects N and keep them \
                 with --rejects FILE\n";
    assert_eq!(outcome.stderr(), expected);
    assert_eq!(scratch.text("bad.csv").lines().count(), 9);
}

#[test]
fn the_rejects_file_says_where_each_row_stands_and_belongs_to_its_owner() {
    let scratch = Scratch::new();
    scratch.file(
        "posts.csv",
        "\u{feff}user_id,created_at,note\nada,2026-01-01T10:00:00Z,\"a\nb\"\n,2026-01-01T10:00:00Z,\n\
         bob,\"31/12\",x\neve,2026-01-01T10:00:00Z\n",
    );
    let call = |budget: &str| {
        let args = ["posts.csv", "--rejects", "bad.csv", "--max-rejects", budget];
        sessions(&scratch, &args).run()
    };
    // Lines 2 and 3 are one record; a mark of 3 bytes, a header of 24, then 31 bytes to line 4.
    let expected = "source,file,line,byte,column,kind,message\n\
        posts,posts.csv,4,58,user_id,IN-23,no user; --anonymous skip leaves such rows out\n\
        posts,posts.csv,5,81,created_at,TM-02,\"\"\"31/12\"\" is not an instant; expected for example \
         2024-01-31T09:30:00Z, or state --time-format\"\n\
        posts,posts.csv,6,95,,IN-20,\"row has 2 fields, header has 3\"\n";
    for budget in ["3", "2"] {
        let _ = fs::remove_file(scratch.path("bad.csv"));
        let code = if budget == "3" { 0 } else { 4 };
        let outcome = call(budget);
        assert_eq!(outcome.code(), Some(code), "{outcome:?}");
        assert_eq!(scratch.text("bad.csv"), expected);
        let mode = fs::metadata(scratch.path("bad.csv")).expect("it is there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_rejects_file_that_cannot_be_written_is_an_output_error() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(2) + "x\n");
    sessions(&scratch, &["posts.csv", "--rejects", "missing/bad.csv"])
        .run()
        .expect_failure(6)
        .expect_stderr("missing/bad.csv");
    sessions(&scratch, &["posts.csv", "--rejects", "posts.csv"])
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-06]: ");
    assert_eq!(scratch.text("posts.csv"), posts(2) + "x\n");
}

#[test]
fn rejects_of_several_files_name_their_file() {
    let scratch = Scratch::new();
    scratch.file("posts-1.csv", posts(2));
    scratch.file("posts-2.csv", posts(2) + "x\n");
    let args = ["posts-*.csv", "--rejects", "bad.csv"];
    let said = first_line(sessions(&scratch, &args).run(), 4);
    assert_eq!(
        said,
        "error[IN-20]: source \"posts\" (csv, posts-*.csv): posts-2.csv, line 4: row has 1 field, \
         header has 2"
    );
    let listed = scratch.text("bad.csv");
    assert!(listed.contains("\nposts,posts-2.csv,4,"), "{listed}");
}

#[test]
fn only_the_users_of_a_list_are_read_and_the_others_are_filtered() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(10));
    scratch.file("users.txt", "\u{feff}user-3\r\nuser-7\n\nnobody\n");
    let outcome = sessions(&scratch, &["posts.csv", "--users", "users.txt"])
        .run()
        .expect_ok();
    let (listed, counts) = read_back(&outcome);
    assert_eq!(
        listed,
        ["user-3 2026-01-01T03:00:00Z", "user-7 2026-01-01T07:00:00Z"]
    );
    assert_eq!(counts, [10, 2, 0, 8]);
    let missing = sessions(&scratch, &["posts.csv", "--users", "none.txt"]);
    assert_eq!(
        first_line(missing.run(), 4),
        "error[IN-01]: cannot read none.txt: No such file or directory"
    );
}

#[test]
fn a_sample_has_the_same_users_in_every_source_and_counts_the_rest() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(1000));
    scratch.file("likes.csv", posts(2000));
    let users = |name: &str| {
        let outcome = sessions(&scratch, &[name, "--sample", "50%"])
            .run()
            .expect_ok();
        let (listed, [read, taken, rejected, filtered]) = read_back(&outcome);
        assert_eq!((taken + filtered, rejected), (read, 0));
        listed
    };
    let (posts, likes) = (users("posts.csv"), users("likes.csv"));
    assert!((400..600).contains(&posts.len()), "{}", posts.len());
    let number = |row: &&String| {
        let user = row
            .split(' ')
            .next()
            .and_then(|user| user.strip_prefix("user-"));
        user.and_then(|user| user.parse().ok())
            .is_some_and(|user: u32| user < 1000)
    };
    let of_posts: Vec<&String> = likes.iter().filter(number).collect();
    assert_eq!(of_posts, posts.iter().collect::<Vec<_>>());
    for (share, expected) in [("0%", 0), ("100%", 1000), ("1", 1000)] {
        let outcome = sessions(&scratch, &["posts.csv", "--sample", share]).run();
        assert_eq!(read_back(&outcome.expect_ok()).0.len(), expected, "{share}");
    }
    for wrong in ["101%", "-1%", "half", "NaN"] {
        let flag = format!("--sample={wrong}");
        first_line(sessions(&scratch, &["posts.csv", &flag]).run(), 2);
    }
}

#[test]
fn the_environment_says_what_flags_say_and_flags_say_it_louder() {
    let scratch = Scratch::new();
    scratch.file(
        "posts.csv",
        "user_id,created_at\nada,2026-01-01T10:00:00Z\nada,2026-01-01T10:35:00Z\n",
    );
    let lines = |call: Call| call.run().expect_ok().stdout().lines().count();
    let listing = || {
        scratch
            .sessionize(["sessions", "posts.csv", "--format", "csv"])
            .args(["--now", "2026-02-01"])
    };
    assert_eq!(lines(listing()), 3);
    assert_eq!(lines(listing().env("SESSIONIZE_TIMEOUT", "40m")), 2);
    let both = listing().env("SESSIONIZE_TIMEOUT", "40m");
    assert_eq!(lines(both.args(["--timeout", "30m"])), 3);
    first_line(listing().env("SESSIONIZE_TIMEOUT", "40").run(), 2);
}

#[test]
fn flags_without_a_value_take_the_usual_words_from_the_environment() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(1));
    let rows = |call: Call| call.run().expect_ok().stdout().lines().count();
    let report = || {
        scratch
            .sessionize(["posts.csv", "--format", "csv", "--by", "day"])
            .args(["--now", "2026-02-01"])
    };
    let (without, with) = (2, 3);
    assert_eq!(rows(report()), without);
    assert_eq!(rows(report().arg("--total")), with);
    for yes in ["1", "true", "TRUE", "yes", "on"] {
        assert_eq!(rows(report().env("SESSIONIZE_TOTAL", yes)), with, "{yes}");
    }
    for no in ["0", "false", "no", "off"] {
        assert_eq!(rows(report().env("SESSIONIZE_TOTAL", no)), without, "{no}");
        let flag = report().env("SESSIONIZE_TOTAL", no).arg("--total");
        assert_eq!(rows(flag), with, "{no}");
    }
    let said = first_line(report().env("SESSIONIZE_TOTAL", "perhaps").run(), 2);
    assert!(said.starts_with("error[CF-01]: "), "{said}");
}

#[test]
fn more_than_255_sources_are_a_limit() {
    let scratch = Scratch::new();
    let names: Vec<String> = (0..256).map(|number| format!("s{number}.csv")).collect();
    for name in &names {
        scratch.file(name, posts(1));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let most = sessions(&scratch, &names[..255]).args(["--timeout", "1h"]);
    most.run().expect_ok();
    assert_eq!(
        first_line(sessions(&scratch, &names).run(), 9),
        "error[LM-03]: more than 255 sources"
    );
}

#[test]
fn errors_of_files_are_one_line_of_json_when_asked() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", posts(2) + "x\n");
    let outcome = sessions(&scratch, &["posts.csv", "--error-format", "json"])
        .run()
        .expect_failure(4);
    let said = outcome.stderr();
    let last = said.lines().last().expect("there is a line");
    let json: serde_json::Value = serde_json::from_str(last).expect("it is JSON");
    assert_eq!(json["id"], "IN-20");
    assert_eq!(json["source"], "posts");
    assert_eq!(json["line"], 4);
    // A header of 19 bytes and two rows of 28.
    assert_eq!(json["byte"], 75);
}

#[test]
fn case_62_reading_writes_nothing_beside_the_source() {
    let scratch = Scratch::new();
    scratch.file("in/posts.csv", posts(3));
    scratch.file("in/more.csv.gz", gzip(posts(3)));
    let before = crate::harness::names_in(&scratch.path("in"));
    sessions(&scratch, &["in/posts.csv", "in/more.csv.gz"])
        .args(["--timeout", "1s"])
        .run()
        .expect_ok();
    assert_eq!(crate::harness::names_in(&scratch.path("in")), before);
}

#[test]
fn a_glob_is_named_by_what_is_no_wildcard_and_a_file_by_its_own_name() {
    let scratch = Scratch::new();
    let events = "user_id,created_at\n7,2026-01-01T00:00:00Z\n";
    for file in ["attempts-1.csv", "parts/b1.csv", "_odd_[1].csv"] {
        scratch.file(file, events);
    }
    for (input, name) in [
        ("attempts-*.csv", "attempts"),
        ("attempts-[0-9].csv", "attempts"),
        ("parts/*.csv", "parts"),
        ("parts/[ab]?.csv", "parts"),
        ("_odd_[1].csv", "_odd_[1]"),
    ] {
        let listed = scratch
            .run(["sessions", input, "--format", "csv"])
            .expect_ok()
            .stdout();
        assert!(listed.contains(&format!(",{name}:1,")), "{input}: {listed}");
    }
}
