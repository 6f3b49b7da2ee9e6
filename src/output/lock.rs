//! One run at a time per report: a kernel lock on a hidden file beside it. The lock ends with the
//! process, however it ends, so a lock file left over is harmless.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};

use super::cleanup::{self, FileId};
use super::place::Place;
use super::{IfLocked, OutputOptions, reason};
use crate::error::{self, Failure};

/// How often a waiting run looks whether the lock is free.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The lock on one report. Dropping it removes the lock file, then lets go.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    id: FileId,
    _held: File,
}

/// What came of asking for the lock.
pub(super) enum Outcome {
    /// It is ours.
    Held(Lock),
    /// Another run has it, and that is no failure; why, in words.
    Busy(String),
}

impl Lock {
    /// Takes the lock of `place`, waits for it, or says who has it.
    pub(super) fn take(place: &Place, options: &OutputOptions) -> Result<Outcome, Failure> {
        let path = place.lock_path();
        let limit = Duration::from_micros(u64::try_from(options.wait).unwrap_or(0));
        let begun = Instant::now();
        loop {
            let holder = match Self::attempt(&path).map_err(|cause| cannot(place, &cause))? {
                Attempt::Held(lock) => return Ok(Outcome::Held(lock)),
                Attempt::Stale => continue,
                Attempt::Busy(holder) => {
                    format!("another run{holder} holds the lock on {}", place.shown)
                }
            };
            let waited = begun.elapsed();
            match options.if_locked {
                IfLocked::Skip => return Ok(Outcome::Busy(holder)),
                IfLocked::Wait if waited < limit => {
                    std::thread::sleep(LOOK_AGAIN.min(limit - waited));
                }
                IfLocked::Wait => {
                    let waited = humantime::format_duration(limit);
                    return Err(busy(place, holder).detail(format!("waited {waited}")));
                }
                IfLocked::Fail => {
                    return Err(busy(place, holder)
                        .help("try again later, or use --if-locked wait or --if-locked skip"));
                }
            }
        }
    }

    fn attempt(path: &Path) -> io::Result<Attempt> {
        let Some(mut file) = open(path)? else {
            return Ok(Attempt::Stale);
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(holder(&mut file))),
            Err(TryLockError::Error(cause)) => return Err(cause),
        }
        let held = file.metadata()?;
        let id = (held.dev(), held.ino());
        // The holder before us may have removed the file between our opening and locking it; then
        // another run can lock the path's new file at the same time.
        let still_there =
            fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == id);
        if !still_there {
            return Ok(Attempt::Stale);
        }
        cleanup::state().add_lock(path, id);
        // Who holds it is a courtesy: on a full disk the lock does its work without.
        let _ = sign(&mut file);
        Ok(Attempt::Held(Self {
            path: path.to_owned(),
            id,
            _held: file,
        }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        cleanup::state().remove_lock(&self.path, self.id);
    }
}

enum Attempt {
    Held(Lock),
    Busy(String),
    /// The file went away meanwhile.
    Stale,
}

/// Opens the lock file, making it if need be; `None` when it went away meanwhile.
///
/// Never through a link, or anyone who may make files in the folder could have us write elsewhere:
/// a new file is made with `O_EXCL`, an old one must be a plain file with one name.
fn open(path: &Path) -> io::Result<Option<File>> {
    let made = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path);
    match made {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map(Some),
    }
    let found = match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    if !found.is_file() || found.nlink() > 1 {
        return Err(io::Error::other("the lock file is not a plain file"));
    }
    let opened = match OpenOptions::new().read(true).write(true).open(path) {
        // Another account's file: a lock needs no right to write.
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
    };
    match opened {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid {} since {since}", std::process::id())
}

/// ` (pid 4711, since 02:00)`, in UTC, with the date when that is not today; empty when the file
/// does not say.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(100).read_to_string(&mut text);
    let signature = read.ok().and_then(|_| signature(&text));
    signature.map_or_else(String::new, |(pid, since)| {
        let is_today = since.date_naive() == Utc::now().date_naive();
        let form = if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        format!(" (pid {pid}, since {})", since.format(form))
    })
}

fn signature(text: &str) -> Option<(u32, DateTime<Utc>)> {
    let (pid, since) = text
        .trim_end()
        .strip_prefix("pid ")?
        .split_once(" since ")?;
    let since = DateTime::parse_from_rfc3339(since).ok()?;
    Some((pid.parse().ok()?, since.to_utc()))
}

fn busy(place: &Place, holder: String) -> Failure {
    Failure::new(error::LOCKED, holder).keeping(place.kept())
}

fn cannot(place: &Place, cause: &io::Error) -> Failure {
    let why = reason(cause);
    let lock = super::place::shown(&place.lock_path());
    match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            place.no_new_file(cause)
        }
        _ => Failure::new(
            error::TARGET,
            format!("{}: cannot lock {lock}: {why}", place.shown),
        ),
    }
}
