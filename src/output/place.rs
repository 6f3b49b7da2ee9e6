//! Where a file may be published: everything that can be refused before the long import.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::reason;
use crate::error::{self, Failure};
use crate::visible::visible;

/// The longest name of a published file in bytes: with the longest of its hidden neighbours,
/// `.NAME.run.json.XXXXXX.tmp`, it stays within the 255 bytes of a file name.
const LONGEST_NAME: usize = 255 - ".".len() - ".run.json".len() - ".XXXXXX.tmp".len();

/// How many symbolic links are followed before they count as a loop (Linux stops at 40 too).
const MOST_LINKS: usize = 40;

/// Advice with every path that is not a file.
const LEAVE_OUT: &str = "leave -o out to write to standard output";

/// A path at which a file can be published.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The path, links resolved where they are followed.
    pub(super) path: PathBuf,
    /// Its folder; `.` where the path names none.
    pub(super) folder: PathBuf,
    /// The path as typed, fit to be printed.
    pub(super) shown: String,
    name: OsString,
}

impl Place {
    /// The place that `path` names, or why nothing can be published there.
    pub(super) fn new(path: &Path, follow_symlinks: bool) -> Result<Self, Failure> {
        let shown = shown(path);
        let refuse = |why: &str| Failure::new(error::TARGET, format!("{shown} {why}"));
        if is_standard_stream(path) {
            return Err(refuse("is a device").help(LEAVE_OUT));
        }
        let path = if follow_symlinks {
            last_of_links(path).map_err(|cause| unusable(&shown, &cause))?
        } else {
            path.to_owned()
        };
        let Some(name) = path.file_name().filter(|_| !ends_in_slash(&path)) else {
            return Err(refuse("is a directory"));
        };
        if name.len() > LONGEST_NAME {
            let length = name.len();
            return Err(refuse(&format!(
                "has a name of {length} bytes; at most {LONGEST_NAME} can be used"
            )));
        }
        let place = Self {
            folder: folder_of(&path),
            name: name.to_owned(),
            shown: shown.clone(),
            path,
        };
        place.check_folder(follow_symlinks)?;
        match place.found().map_err(|cause| unusable(&shown, &cause))? {
            Some(found) if !found.is_file() => Err(refuse(&not_a_file(found.file_type()))),
            _ => Ok(place),
        }
    }

    /// The place of the file with `suffix` after this one's name.
    pub(super) fn beside(&self, suffix: &str) -> Self {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        let mut name = self.name.clone();
        name.push(suffix);
        Self {
            path: path.into(),
            folder: self.folder.clone(),
            shown: format!("{}{suffix}", self.shown),
            name,
        }
    }

    /// The file that is there now; a link is not followed.
    pub(super) fn found(&self) -> io::Result<Option<Metadata>> {
        match fs::symlink_metadata(&self.path) {
            Ok(found) => Ok(Some(found)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// `report.csv of 2026-11-20 is unchanged`, by the time at which the file was last written
    /// (UTC); nothing when there is none.
    pub(super) fn kept(&self) -> Option<String> {
        let found = self.found().ok().flatten().filter(Metadata::is_file)?;
        let written: DateTime<Utc> = found.modified().unwrap_or(SystemTime::UNIX_EPOCH).into();
        let day = written.format("%Y-%m-%d");
        Some(format!("{} of {day} is unchanged", self.shown))
    }

    /// What the name of every temp file of this place begins with.
    pub(super) fn temp_prefix(&self) -> OsString {
        self.hidden(".")
    }

    /// The path of the lock file.
    pub(super) fn lock_path(&self) -> PathBuf {
        self.folder.join(self.hidden(".lock"))
    }

    /// The folder, open, so that it can be synced.
    pub(super) fn open_folder(&self) -> Result<File, Failure> {
        File::open(&self.folder).map_err(|cause| self.no_new_file(&cause))
    }

    /// The mode that a newly made file gets here: 0666 less the umask, or what the folder says.
    /// Finding out proves that files can be made here at all.
    pub(super) fn probe_mode(&self) -> Result<u32, Failure> {
        tempfile::Builder::new()
            .prefix(&self.temp_prefix())
            .suffix(".tmp")
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(&self.folder)
            .and_then(|probe| probe.as_file().metadata())
            .map(|made| made.mode() & 0o777)
            .map_err(|cause| self.no_new_file(&cause))
    }

    /// Why no file can be made beside this one.
    pub(super) fn no_new_file(&self, cause: &io::Error) -> Failure {
        let Self { shown, .. } = self;
        let why = reason(cause);
        Failure::new(
            error::TARGET,
            format!("{shown}: no file can be made in its folder: {why}"),
        )
    }

    fn hidden(&self, suffix: &str) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(suffix);
        name
    }

    fn check_folder(&self, follow_symlinks: bool) -> Result<(), Failure> {
        let Self { shown, folder, .. } = self;
        let refuse = |why: &str| {
            let message = format!("{shown}: its folder {} {why}", self::shown(folder));
            Failure::new(error::TARGET, message)
        };
        let is_link = fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink());
        if is_link && !follow_symlinks {
            return Err(refuse("is a symlink; use --follow-symlinks"));
        }
        match fs::metadata(folder) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(refuse("is not a folder")),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(refuse("does not exist")),
            Err(cause) => Err(refuse(&format!("cannot be used: {}", reason(&cause)))),
        }
    }
}

/// A path as typed, fit to be printed.
pub(super) fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

fn unusable(shown: &str, cause: &io::Error) -> Failure {
    let why = reason(cause);
    Failure::new(error::TARGET, format!("{shown} cannot be used: {why}"))
}

fn not_a_file(kind: FileType) -> String {
    let kind = if kind.is_symlink() {
        return "is a symlink; use --follow-symlinks".to_owned();
    } else if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "FIFO"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    };
    format!("is a {kind}")
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn ends_in_slash(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// `/dev/stdout` and its kin, which are links to whatever the descriptor is.
fn is_standard_stream(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr", "/dev/stdin"]
        .iter()
        .any(|stream| path.as_os_str() == OsStr::new(stream))
        || ["/dev/fd", "/proc/self/fd"]
            .iter()
            .any(|folder| path.starts_with(folder))
}

/// Where a chain of links ends, whether or not a file is there.
fn last_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = folder_of(&path).join(next),
            Err(cause) if is_end_of_links(&cause) => return Ok(path),
            Err(cause) => return Err(cause),
        }
    }
    Err(io::Error::other("symlinks go round in a circle"))
}

/// Not a link, nothing at all, or what is told later: no folder on the way, a name too long.
fn is_end_of_links(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
    )
}
