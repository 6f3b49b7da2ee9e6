//! What a run may keep in memory, and the unlinked temporary file for what is over that. The only
//! part of the engine that touches a disk; its failures wait here until the run asks for them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::error::{self, Failure};

/// Bytes that are kept: events, texts of ids, durations, sessions to be listed.
#[derive(Debug)]
pub struct Memory {
    /// The most bytes in memory.
    limit: u64,
    used: AtomicU64,
    /// The part of it that cannot be spilled.
    fixed: AtomicU64,
    folder: PathBuf,
    file: OnceLock<File>,
    creating: Mutex<()>,
    end: AtomicU64,
    has_failed: AtomicBool,
    failure: OnceLock<Failure>,
}

/// Bytes in the temporary file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    at: u64,
    length: u32,
}

impl Place {
    /// Number of bytes.
    pub(crate) fn length(self) -> usize {
        self.length as usize
    }
}

impl Memory {
    /// At most `limit` bytes in memory; the rest goes to a file in `folder`, which is made when it is
    /// needed and has no name.
    pub fn new(limit: u64, folder: PathBuf) -> Self {
        Self {
            limit,
            used: AtomicU64::new(0),
            fixed: AtomicU64::new(0),
            folder,
            file: OnceLock::new(),
            creating: Mutex::new(()),
            end: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            failure: OnceLock::new(),
        }
    }

    /// The most bytes that are kept in memory.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes that may be held without being taken, so that what is spilled is not too little at a
    /// time while something else fills the memory.
    pub(crate) fn smallest_spill(&self) -> usize {
        const ENOUGH: u64 = 8 << 20;
        ENOUGH.min(self.limit / 16) as usize
    }

    /// Takes bytes of memory if there are so many left.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        self.take_below(bytes, self.limit)
    }

    /// Takes bytes of memory for events, which are not all that is kept: of them only two thirds.
    /// The rest is for what is made of them while they go, since memory given back in small pieces
    /// is not free at once.
    pub(crate) fn take_for_events(&self, bytes: usize) -> bool {
        self.take_below(bytes, self.limit / 3 * 2)
    }

    fn take_below(&self, bytes: usize, limit: u64) -> bool {
        let bytes = bytes as u64;
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= limit;
        if !fits {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Takes bytes of memory for what cannot be spilled, in place of what can; the run fails when
    /// there would be no room for it even alone.
    pub(crate) fn take_fixed(&self, bytes: usize, what: &str) {
        let bytes = bytes as u64;
        self.used.fetch_add(bytes, Ordering::Relaxed);
        if self.fixed.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit {
            self.fail(over_memory(what));
        }
    }

    /// Whether more is taken than is allowed, so that what can be spilled should be.
    pub(crate) fn is_over(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// Writes bytes to the temporary file. After a failure nothing is written any more.
    pub(crate) fn write(&self, bytes: &[u8]) -> Place {
        let place = Place {
            at: self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed),
            length: u32::try_from(bytes.len()).expect("pieces are smaller than 4 GiB"),
        };
        if !self.has_failed()
            && let Err(cause) = self
                .file()
                .and_then(|file| file.write_all_at(bytes, place.at))
        {
            self.fail(self.unusable("written", &cause));
        }
        place
    }

    /// Reads bytes back, in place of what `into` holds. After a failure they are zeros.
    pub(crate) fn read(&self, place: Place, into: &mut Vec<u8>) {
        into.resize(place.length(), 0);
        if self.has_failed() {
            return into.fill(0);
        }
        if let Err(cause) = self
            .file()
            .and_then(|file| file.read_exact_at(into, place.at))
        {
            self.fail(self.unusable("read", &cause));
            into.fill(0);
        }
    }

    /// Whether the run must fail.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Makes the run fail; the first failure is the one that is told.
    pub(crate) fn fail(&self, failure: Failure) {
        self.failure.get_or_init(|| failure);
        self.has_failed.store(true, Ordering::Release);
    }

    /// That nothing has failed so far.
    ///
    /// # Errors
    ///
    /// The first failure: a temporary file that cannot be made, written or read, or something that
    /// does not fit into memory and cannot be parted.
    pub fn check(&self) -> Result<(), Failure> {
        self.failure.get().cloned().map_or(Ok(()), Err)
    }

    fn file(&self) -> std::io::Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let _creating = self
            .creating
            .lock()
            .expect("nothing panics while it makes the file");
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = tempfile::tempfile_in(&self.folder)?;
        Ok(self.file.get_or_init(|| file))
    }

    fn unusable(&self, what: &str, cause: &std::io::Error) -> Failure {
        let reason = cause.to_string();
        let reason = reason.split(" (os error").next().unwrap_or_default();
        let message = format!(
            "a temporary file in {} cannot be {what}: {reason}",
            self.folder.display()
        );
        Failure::new(error::TEMPORARY, message)
            .help("free space there, choose another folder with --temp-dir, or allow more --memory")
    }
}

/// Something that needs more memory than is allowed and cannot be kept elsewhere.
pub(crate) fn over_memory(what: &str) -> Failure {
    Failure::new(
        error::MEMORY,
        format!("{what} need more memory than is allowed"),
    )
    .help("allow more with --memory")
}
