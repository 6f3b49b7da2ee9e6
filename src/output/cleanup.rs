//! What a signal must know: the hidden files to remove, and what was published already. One lock
//! guards it all; whoever publishes holds it from the first rename to the last fsync, so a signal
//! finds either the old files or the new ones.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static STATE: Mutex<State> = Mutex::new(State {
    temps: Vec::new(),
    locks: Vec::new(),
    published: Vec::new(),
    stdout: Stdout::Untouched,
});

/// Device and inode: which file a path or descriptor means.
pub(super) type FileId = (u64, u64);

/// How far a report on standard output has come.
#[derive(Clone, Copy)]
pub(super) enum Stdout {
    Untouched,
    Begun,
    Whole,
}

/// The hidden files of this process, and what it has published.
pub(crate) struct State {
    temps: Vec<PathBuf>,
    locks: Vec<(PathBuf, FileId)>,
    published: Vec<String>,
    pub(super) stdout: Stdout,
}

/// The state, for oneself: waits for a publication under way.
pub(crate) fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(super) fn add_temp(&mut self, path: &Path) {
        self.temps.push(path.to_owned());
    }

    pub(super) fn forget_temp(&mut self, path: &Path) {
        self.temps.retain(|temp| temp != path);
    }

    pub(super) fn add_lock(&mut self, path: &Path, id: FileId) {
        self.locks.push((path.to_owned(), id));
    }

    /// Removes a lock file, if its path still is that file.
    pub(super) fn remove_lock(&mut self, path: &Path, id: FileId) {
        self.locks.retain(|(lock, _)| lock != path);
        remove_same(path, id);
    }

    pub(super) fn add_published(&mut self, shown: &str) {
        self.published.push(shown.to_owned());
    }

    /// Removes every hidden file. Errors are ignored: the next run gets on with what is left.
    pub(crate) fn remove_all(&mut self) {
        for temp in self.temps.drain(..) {
            let _ = fs::remove_file(temp);
        }
        for (path, id) in self.locks.drain(..) {
            remove_same(&path, id);
        }
    }

    /// What an interrupted run says last.
    pub(crate) fn last_words(&self) -> String {
        let published = self.published.join(", ");
        match (self.stdout, published.is_empty()) {
            (Stdout::Begun, true) => "interrupted; the report on stdout is cut short".to_owned(),
            (Stdout::Begun, false) => {
                format!("interrupted after {published}; the report on stdout is cut short")
            }
            (Stdout::Whole, _) => "interrupted after the report was written to stdout".to_owned(),
            (Stdout::Untouched, false) => format!("interrupted after {published} was written"),
            (Stdout::Untouched, true) => "interrupted; nothing was written".to_owned(),
        }
    }
}

fn remove_same(path: &Path, id: FileId) {
    let is_same = fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == id);
    if is_same {
        let _ = fs::remove_file(path);
    }
}
