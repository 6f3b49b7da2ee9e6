//! A report appears whole or not at all: written to a hidden file beside its place, synced, and
//! renamed, by one run at a time. The only module that knows standard output from a file; what a
//! report says is not its affair.

#![allow(
    clippy::result_large_err,
    reason = "a failure ends the run; its size costs nothing on the way there"
)]

pub(crate) mod cleanup;
mod draft;
mod lock;
mod place;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use self::cleanup::Stdout;
use self::draft::{Draft, Rights, Sink};
use self::lock::{Lock, Outcome};
use self::place::Place;
use crate::error::{self, Failure};
use crate::events::Micros;

/// What the run record is named after its report: `report.csv.run.json`.
pub const RECORD_SUFFIX: &str = ".run.json";

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file, `-o PATH`.
    File(PathBuf),
}

/// What to do when another run holds the lock on the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum IfLocked {
    /// Leave it to the other run.
    Skip,
    /// Wait for it, up to the time given.
    Wait,
    /// Refuse.
    #[default]
    Fail,
}

/// How a report may be published.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutputOptions {
    /// Whether the path, or its folder, may be a symbolic link.
    pub follow_symlinks: bool,
    /// What to do when another run holds the lock.
    pub if_locked: IfLocked,
    /// The longest time that [`IfLocked::Wait`] waits, in microseconds.
    pub wait: Micros,
}

/// Makes the run record's bytes from the report's size in bytes and its SHA-256 in hexadecimal.
pub type MakeRecord<'a> = Box<dyn FnOnce(u64, &str) -> Vec<u8> + 'a>;

/// What came of [`Output::prepare`].
#[derive(Debug)]
pub enum Prepared {
    /// The report can be published.
    Ready(Output),
    /// Another run makes this report, and `--if-locked skip` leaves it to that; why, in words.
    Skipped(String),
}

/// What came of [`Output::publish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The whole report was written.
    Whole {
        /// Its size in bytes.
        bytes: u64,
        /// Its SHA-256 in hexadecimal.
        sha256: String,
    },
    /// The reader of standard output went away before the end, which is no failure.
    ReaderLeft,
}

/// A place for a report, checked, and locked where it is a file. Dropping it lets go of the lock
/// and leaves the old report as it was.
#[derive(Debug)]
pub struct Output {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Stdout,
    /// `/dev/null`, the one device that is accepted.
    Null,
    File(Box<Reserved>),
}

#[derive(Debug)]
struct Reserved {
    place: Place,
    folder: File,
    new_mode: u32,
    _lock: Lock,
}

impl Output {
    /// Checks `target` and takes its lock, before the long import.
    ///
    /// # Errors
    ///
    /// `OUTPUT_IS_INPUT` when the target is one of `inputs`, by device and inode; `TARGET` when no
    /// file can be published there; `LOCKED` when another run holds the lock.
    pub fn prepare(
        target: Target,
        inputs: &[PathBuf],
        options: OutputOptions,
    ) -> Result<Prepared, Failure> {
        let path = match target {
            Target::Stdout => return Ok(Prepared::Ready(Self { kind: Kind::Stdout })),
            Target::File(path) => path,
        };
        refuse_inputs(&path, inputs)?;
        if path.as_os_str() == "/dev/null" {
            return Ok(Prepared::Ready(Self { kind: Kind::Null }));
        }
        let place = Place::new(&path, options.follow_symlinks)?;
        let lock = match Lock::take(&place, &options)? {
            Outcome::Held(lock) => lock,
            Outcome::Busy(holder) => return Ok(Prepared::Skipped(holder)),
        };
        remove_leftovers(&place);
        let reserved = Reserved {
            folder: place.open_folder()?,
            new_mode: place.probe_mode()?,
            place,
            _lock: lock,
        };
        Ok(Prepared::Ready(Self {
            kind: Kind::File(Box::new(reserved)),
        }))
    }

    /// `report.csv of 2026-11-20 is unchanged`, when there is an old report; for the failures of
    /// the stages before publishing.
    pub fn kept(&self) -> Option<String> {
        match &self.kind {
            Kind::File(reserved) => reserved.place.kept(),
            Kind::Stdout | Kind::Null => None,
        }
    }

    /// Writes the report, and after it its record, `PATH.run.json`, where one is given and the
    /// target is a file. All of it is done by the calling thread.
    ///
    /// # Errors
    ///
    /// `WRITE` when any write, flush, sync or rename fails. Then the old report is untouched,
    /// unless the failure says otherwise: it can come after the rename.
    pub fn publish(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
        record: Option<MakeRecord<'_>>,
    ) -> Result<Published, Failure> {
        match self.kind {
            Kind::Stdout => write_stdout(write),
            Kind::Null => write_null(write),
            Kind::File(reserved) => reserved.publish(write, record),
        }
    }
}

/// Checks, before anything long is done, that [`write_whole`] could put a file there.
///
/// # Errors
///
/// `TARGET` when no file can be published there.
pub fn check_whole(path: &Path) -> Result<(), Failure> {
    let place = Place::new(path, false)?;
    place.open_folder()?;
    place.probe_mode().map(|_| ())
}

/// Publishes a small file of its own, such as the rejects: whole or not at all, with mode `mode`
/// whatever a file there had before. No lock is taken and no link followed.
///
/// # Errors
///
/// `TARGET` when no file can be published there, `WRITE` when writing fails.
pub fn write_whole(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let place = Place::new(path, false)?;
    let folder = place.open_folder()?;
    let draft = fill(&place, &Rights::of_mode(mode), write)?;
    put_in_place(&mut [draft], &folder)
}

impl Reserved {
    fn publish(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
        record: Option<MakeRecord<'_>>,
    ) -> Result<Published, Failure> {
        let place = &self.place;
        let report = fill(place, &self.rights(place), write)?;
        let (bytes, sha256) = report.sink.digest();
        let beside = place.beside(RECORD_SUFFIX);
        let mut drafts = vec![report];
        if let Some(record) = record {
            let text = record(bytes, &sha256);
            // The record is on the disk before the report is renamed, so a full disk shows in time.
            let record = fill(&beside, &self.rights(&beside), |out| out.write_all(&text));
            drafts.push(record.map_err(|failure| failure.keeping(place.kept()))?);
        }
        let has_record = drafts.len() > 1;
        pause_before_rename();
        put_in_place(&mut drafts, &self.folder)?;
        if !has_record {
            remove_stale(&beside);
        }
        Ok(Published::Whole { bytes, sha256 })
    }

    fn rights(&self, place: &Place) -> Rights {
        match place.found() {
            Ok(Some(found)) if found.is_file() => Rights::of_file(&found),
            _ => Rights::of_mode(self.new_mode),
        }
    }
}

/// Removes the record of a report that was there before in a format with a record beside it: it
/// would speak of a file that is gone. That the new report is whole does not depend on it.
fn remove_stale(record: &Place) {
    if matches!(record.found(), Ok(Some(found)) if found.is_file()) {
        let _ = fs::remove_file(&record.path);
    }
}

/// Writes a whole draft and syncs it.
fn fill<'a>(
    place: &'a Place,
    rights: &Rights,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Draft<'a>, Failure> {
    let failure = |cause: &io::Error| cannot_write(place, cause).keeping(place.kept());
    let mut draft = Draft::begin(place).map_err(|cause| failure(&cause))?;
    let written = write(&mut draft.sink).and_then(|()| draft.settle(rights));
    if let Err(cause) = written {
        return Err(failure(draft.sink.failed.as_ref().unwrap_or(&cause)));
    }
    Ok(draft)
}

/// Renames the drafts in their order, a report before its record, syncing the folder after each.
/// A signal waits meanwhile.
fn put_in_place(drafts: &mut [Draft<'_>], folder: &File) -> Result<(), Failure> {
    let mut state = cleanup::state();
    let mut replaced: Vec<String> = Vec::new();
    for draft in drafts {
        let Place { shown, .. } = draft.place;
        let failure = |cause: &io::Error, replaced: &[String]| {
            let failure = cannot_write(draft.place, cause);
            match replaced {
                [] => failure.keeping(draft.place.kept()),
                new => failure.detail(format!("{} was replaced already", new.join(", "))),
            }
        };
        if let Err(cause) = draft.rename() {
            return Err(failure(&cause, &replaced));
        }
        if replaced.is_empty() {
            state.add_published(shown);
        }
        replaced.push(shown.clone());
        if let Err(cause) = sync_folder(folder) {
            return Err(failure(&cause, &replaced));
        }
    }
    Ok(())
}

/// Some file systems cannot sync a folder, and say so; there a rename is all that can be done.
fn sync_folder(folder: &File) -> io::Result<()> {
    match folder.sync_all() {
        Err(cause) if is_unsupported(&cause) => Ok(()),
        synced => synced,
    }
}

fn is_unsupported(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

fn write_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Published, Failure> {
    let copy = io::stdout().as_fd().try_clone_to_owned();
    let mut sink = Sink::new(copy.map_err(|cause| cannot_write_stdout(&cause))?.into());
    cleanup::state().stdout = Stdout::Begun;
    let written = write(&mut sink).and_then(|()| sink.flush());
    if let Err(cause) = written {
        let cause = sink.failed.as_ref().unwrap_or(&cause);
        return match cause.kind() {
            io::ErrorKind::BrokenPipe => Ok(Published::ReaderLeft),
            _ => Err(cannot_write_stdout(cause)),
        };
    }
    cleanup::state().stdout = Stdout::Whole;
    Ok(whole(&sink))
}

fn write_null(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Published, Failure> {
    let failure = |cause: &io::Error| {
        Failure::new(
            error::WRITE,
            format!("cannot write /dev/null: {}", reason(cause)),
        )
    };
    let file = OpenOptions::new().write(true).open("/dev/null");
    let mut sink = Sink::new(file.map_err(|cause| failure(&cause))?);
    write(&mut sink)
        .and_then(|()| sink.flush())
        .map_err(|cause| failure(&cause))?;
    Ok(whole(&sink))
}

fn whole(sink: &Sink) -> Published {
    let (bytes, sha256) = sink.digest();
    Published::Whole { bytes, sha256 }
}

/// Plain files only: reading and writing one terminal or `/dev/null` is no loss.
fn refuse_inputs(path: &Path, inputs: &[PathBuf]) -> Result<(), Failure> {
    let file_id = |path: &Path| {
        let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some((found.dev(), found.ino()))
    };
    let Some(output) = file_id(path) else {
        return Ok(());
    };
    match inputs.iter().find(|input| file_id(input) == Some(output)) {
        None => Ok(()),
        Some(input) => Err(Failure::new(
            error::OUTPUT_IS_INPUT,
            format!(
                "the output {} is the same file as the input {}",
                place::shown(path),
                place::shown(input)
            ),
        )
        .help("write the report to another path")),
    }
}

/// Removes temp files that a killed run left; only the lock's holder may. A name that cannot be
/// ours, and anything that cannot be removed, stays.
fn remove_leftovers(place: &Place) {
    let prefixes = [
        place.temp_prefix(),
        place.beside(RECORD_SUFFIX).temp_prefix(),
    ];
    let Ok(mut entries) = fs::read_dir(&place.folder) else {
        return;
    };
    for entry in entries.by_ref().flatten() {
        let name = entry.file_name();
        let is_ours = prefixes.iter().any(|prefix| is_temp_of(prefix, &name));
        if is_ours {
            let _ = fs::remove_file(entry.path());
        }
    }
    // Dropping it would panic if the system failed to close the folder; the end of the run will.
    std::mem::forget(entries);
}

fn is_temp_of(prefix: &std::ffi::OsStr, name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes()
        .strip_prefix(prefix.as_encoded_bytes())
        .and_then(|rest| rest.strip_suffix(b".tmp"))
        .is_some_and(|random| random.len() == 6 && random.iter().all(u8::is_ascii_alphanumeric))
}

fn cannot_write(place: &Place, cause: &io::Error) -> Failure {
    Failure::new(
        error::WRITE,
        format!("cannot write {}: {}", place.shown, reason(cause)),
    )
}

fn cannot_write_stdout(cause: &io::Error) -> Failure {
    Failure::new(
        error::WRITE,
        format!("cannot write report to stdout: {}", reason(cause)),
    )
}

/// An error's words without the number that std appends.
fn reason(cause: &io::Error) -> String {
    let text = cause.to_string();
    let words = text.split(" (os error ").next();
    words.unwrap_or(&text).to_owned()
}

/// A planted pause: `SESSIONIZE_FAIL=pause-before-rename:MILLISECONDS`.
#[cfg(feature = "failpoints")]
fn pause_before_rename() {
    let pause = std::env::var("SESSIONIZE_FAIL")
        .ok()
        .and_then(|fault| fault.strip_prefix("pause-before-rename:")?.parse().ok());
    if let Some(pause) = pause {
        std::thread::sleep(std::time::Duration::from_millis(pause));
    }
}

#[cfg(not(feature = "failpoints"))]
fn pause_before_rename() {}
