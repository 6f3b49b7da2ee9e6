//! One file in the making: a temp file beside its place, filled, settled on the disk, and then
//! put in place by a rename.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tempfile::TempPath;

use super::cleanup;
use super::place::Place;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 16;

/// A file that is not yet there.
pub(super) struct Draft<'a> {
    pub(super) place: &'a Place,
    pub(super) sink: Sink,
    temp: Temp,
}

impl<'a> Draft<'a> {
    /// Makes the temp file, readable by nobody else.
    pub(super) fn begin(place: &'a Place) -> io::Result<Self> {
        // While the state is held no signal can come between making the file and noting it.
        let mut state = cleanup::state();
        let (file, path) = tempfile::Builder::new()
            .prefix(&place.temp_prefix())
            .suffix(".tmp")
            .tempfile_in(&place.folder)?
            .into_parts();
        state.add_temp(&path);
        Ok(Self {
            place,
            sink: Sink::new(file),
            temp: Temp(Some(path)),
        })
    }

    /// Writes what is left in the buffer, gives the file its rights and its group, and waits until
    /// the disk has it.
    pub(super) fn settle(&mut self, rights: &Rights) -> io::Result<()> {
        self.sink.flush()?;
        rights.give(&self.sink.file)?;
        self.sink.file.sync_all()
    }

    /// Puts the file in place of whatever is there. The caller holds the state.
    pub(super) fn rename(&mut self) -> io::Result<()> {
        let Some(temp) = &mut self.temp.0 else {
            return Ok(());
        };
        fs::rename(&*temp, &self.place.path)?;
        temp.disable_cleanup(true);
        Ok(())
    }
}

/// A temp file's path; dropping it removes the file unless it was renamed.
struct Temp(Option<TempPath>);

impl Drop for Temp {
    fn drop(&mut self) {
        if let Some(temp) = self.0.take() {
            let path: PathBuf = temp.to_path_buf();
            drop(temp);
            cleanup::state().forget_temp(&path);
        }
    }
}

/// Who may read and write a published file.
pub(super) struct Rights {
    mode: u32,
    group: Option<u32>,
}

impl Rights {
    /// A mode, and whatever group the folder gives.
    pub(super) fn of_mode(mode: u32) -> Self {
        Self { mode, group: None }
    }

    /// The mode and group of the file that is replaced.
    pub(super) fn of_file(found: &Metadata) -> Self {
        Self {
            mode: found.mode() & 0o777,
            group: Some(found.gid()),
        }
    }

    /// Where the group cannot be kept, its rights do not go to another group.
    fn give(&self, file: &File) -> io::Result<()> {
        let mut mode = self.mode;
        if let Some(group) = self.group
            && file.metadata()?.gid() != group
            && fchown(file, None, Some(group)).is_err()
        {
            mode &= !0o070;
        }
        file.set_permissions(Permissions::from_mode(mode))
    }
}

/// A buffered file that counts and hashes what goes in, and remembers the first error. Unlike
/// `BufWriter` it writes nothing when dropped.
pub(super) struct Sink {
    file: File,
    buffer: Vec<u8>,
    hash: Sha256,
    bytes: u64,
    /// The first error that the system gave, whatever the writer above made of it.
    pub(super) failed: Option<io::Error>,
}

impl Sink {
    pub(super) fn new(file: File) -> Self {
        Self {
            file,
            buffer: Vec::with_capacity(BUFFER),
            hash: Sha256::new(),
            bytes: 0,
            failed: None,
        }
    }

    /// How many bytes went in, and their SHA-256 in hexadecimal.
    pub(super) fn digest(&self) -> (u64, String) {
        let hash = self.hash.clone().finalize();
        let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        (self.bytes, hex)
    }
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        let taken = data.len().min(BUFFER - self.buffer.len());
        self.buffer.extend_from_slice(&data[..taken]);
        self.hash.update(&data[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(cause) = &self.failed {
            return Err(same(cause));
        }
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        if let Err(cause) = &written {
            self.failed = Some(same(cause));
        }
        written
    }
}

/// `io::Error` cannot be cloned.
fn same(cause: &io::Error) -> io::Error {
    cause.raw_os_error().map_or_else(
        || io::Error::new(cause.kind(), cause.to_string()),
        io::Error::from_raw_os_error,
    )
}
