//! Opening a file or standard input as plain bytes: what it is by its first bytes, decompressed,
//! watched for changes, bounded against expansion. Files are read, never mapped.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{self, Failure};
use crate::import::{parquet, sqlite};

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, or a FIFO.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// Limits on what is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest field or line, in bytes.
    pub max_field: usize,
    /// The most bytes a compressed file may expand to; without it, 200 times its size.
    pub max_decompressed: Option<u64>,
    /// Bytes read at a time.
    pub block: usize,
    /// `--follow-safe`: whether a last line without an end is left for a later run.
    pub follow_safe: bool,
}

impl Limits {
    /// 16 MiB a field.
    pub const MAX_FIELD: usize = 16 << 20;
    /// Large enough to hide the hand-over between threads, small enough to stay in the cache.
    pub const BLOCK: usize = 1 << 20;
    /// The expansion that is taken for a bomb, once [`Self::RATIO_FROM`] bytes came out.
    const MAX_RATIO: u64 = 200;
    const RATIO_FROM: u64 = 16 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_field: Self::MAX_FIELD,
            max_decompressed: None,
            block: Self::BLOCK,
            follow_safe: false,
        }
    }
}

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Text that begins like a JSON object, or an array of them.
    Json,
    Gzip,
    Zstd,
    Parquet,
    Sqlite,
    Other(&'static str),
    Utf16,
}

/// The first bytes that other kinds of files begin with, and what to say.
const OTHERS: [(&[u8], &str); 11] = [
    (b"\xfd7zXZ\0", "xz is not supported; decompress first"),
    (b"BZh", "bzip2 is not supported; decompress first"),
    (b"PK\x03\x04", "zip is not supported; decompress first"),
    (b"\x78\x01", "zlib is not supported; decompress first"),
    (b"\x78\x9c", "zlib is not supported; decompress first"),
    (b"\x78\xda", "zlib is not supported; decompress first"),
    (
        b"\x04\x22\x4d\x18",
        "lz4 is not supported; decompress first",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        "7z is not supported; decompress first",
    ),
    (
        b"ARROW1",
        "Arrow IPC is not supported; write Parquet or CSV",
    ),
    (b"Obj\x01", "Avro is not supported; write Parquet or CSV"),
    (b"ORC", "ORC is not supported; write Parquet or CSV"),
];

/// How many first bytes tell what a file is.
const HEAD: usize = 256;

pub(crate) fn kind_of(head: &[u8]) -> Kind {
    if head.starts_with(b"\x1f\x8b") {
        return Kind::Gzip;
    }
    if head.starts_with(b"\x28\xb5\x2f\xfd") {
        return Kind::Zstd;
    }
    if begins_like_json(head) {
        return Kind::Json;
    }
    if begins_with_a_line_of_text(head) {
        return Kind::Text;
    }
    if parquet::is_parquet(head) {
        return Kind::Parquet;
    }
    if sqlite::is_sqlite(head) {
        return Kind::Sqlite;
    }
    if let Some((_, message)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Other(message);
    }
    if looks_like_utf16(head) {
        return Kind::Utf16;
    }
    Kind::Text
}

/// Whether the first bytes are those of a JSON object, or of an array of them, which is refused
/// later. A header of CSV may begin with a bracket, but a quote in its midst is an error there.
fn begins_like_json(head: &[u8]) -> bool {
    let after = |text: &[u8]| {
        let spaces = text
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        spaces.count()
    };
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    rest = &rest[after(rest)..];
    let is_array = rest.first() == Some(&b'[');
    if is_array {
        rest = &rest[1..];
        rest = &rest[after(rest)..];
    }
    let Some(rest) = rest.strip_prefix(b"{") else {
        return false;
    };
    match rest.get(after(rest)) {
        Some(b'"') => true,
        Some(b'}') => !is_array,
        _ => false,
    }
}

/// Some kinds begin with letters that a header may begin with too: `ORCID,PAR1,BZh`. None of them
/// has a line of text there.
fn begins_with_a_line_of_text(head: &[u8]) -> bool {
    let line = head.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    line.is_some_and(|line| {
        line.len() < head.len()
            && std::str::from_utf8(line).is_ok()
            && !line.iter().any(|byte| *byte < b' ' && *byte != b'\t')
    })
}

/// A byte-order mark, or a NUL in every second of the first bytes and none in the others.
fn looks_like_utf16(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let nul = |first: usize, value: bool| {
        head.iter()
            .skip(first)
            .step_by(2)
            .all(|&b| (b == 0) == value)
    };
    head.len() >= 8 && ((nul(0, true) && nul(1, false)) || (nul(0, false) && nul(1, true)))
}

/// The kind of a file on disk, by its first bytes; a FIFO is not touched and taken for text. What is
/// compressed is [`Kind::Json`] when that is what is packed.
pub(crate) fn sniff(path: &Path) -> Result<Kind, Failure> {
    let metadata = usable(path)?;
    if metadata.file_type().is_fifo() {
        return Ok(Kind::Text);
    }
    let mut head = Vec::with_capacity(HEAD);
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    (&file)
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|error| read_error(0, &error))?;
    let kind = kind_of(&head);
    Ok(match kind {
        Kind::Gzip | Kind::Zstd if kind_inside(kind, &head, &file) == Some(Kind::Json) => {
            Kind::Json
        }
        kind => kind,
    })
}

/// The kind of what is packed, if that can be told; damage is told when the file is read.
fn kind_inside(packed: Kind, first: &[u8], rest: &File) -> Option<Kind> {
    let whole = io::Cursor::new(first).chain(rest);
    let inner = match packed {
        Kind::Gzip => head(&mut flate2::read::MultiGzDecoder::new(whole)),
        _ => head(&mut zstd::Decoder::new(whole).ok()?),
    };
    inner.ok().map(|inner| kind_of(&inner))
}

/// Whether a path is that of a FIFO.
pub(crate) fn is_fifo(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Whether a file on disk is a SQLite database.
pub fn is_sqlite(path: &Path) -> bool {
    sniff(path).is_ok_and(|kind| kind == Kind::Sqlite)
}

/// Whether a file on disk is text, compressed or not.
pub fn is_text(path: &Path) -> bool {
    sniff(path).is_ok_and(|kind| matches!(kind, Kind::Text | Kind::Json | Kind::Gzip | Kind::Zstd))
}

/// Opens a file that is read at places of the reader's choice.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    usable(path)?;
    File::open(path).map_err(|error| unreadable(path, &error))
}

/// The metadata of something that can be read like a file.
pub(crate) fn usable(path: &Path) -> Result<Metadata, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "is a folder"
    } else if kind.is_socket() {
        "is a socket"
    } else if kind.is_block_device() || kind.is_char_device() && path != Path::new("/dev/stdin") {
        "is a device"
    } else {
        return Ok(metadata);
    };
    Err(Failure::new(
        error::UNREADABLE,
        format!("cannot read {}: {what}", path.display()),
    ))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        error::UNREADABLE,
        format!("cannot read {}: {}", path.display(), reason(error)),
    )
}

/// An operating system's reason without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn read_error(byte: u64, error: &io::Error) -> Failure {
    let mut failure = Failure::new(
        error::READ,
        format!("read error at byte {byte}: {}", reason(error)),
    );
    failure.byte = Some(byte);
    failure
}

/// A source of plain bytes.
pub(crate) struct Bytes {
    inner: Box<dyn Read + Send>,
    tap: Arc<Tap>,
    compression: Option<&'static str>,
    limits: Limits,
    given: u64,
    watched: Option<Watched>,
    is_json: bool,
}

/// What passed through the raw reader below a decoder.
#[derive(Default)]
struct Tap {
    bytes: AtomicU64,
    failed: Mutex<Option<String>>,
}

struct Tapped<R> {
    inner: R,
    tap: Arc<Tap>,
}

impl<R: Read> Read for Tapped<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(into) {
            Ok(count) => {
                self.tap.bytes.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    let mut failed = self
                        .tap
                        .failed
                        .lock()
                        .expect("nothing panics while it holds this");
                    *failed = Some(reason(&error));
                }
                Err(error)
            }
        }
    }
}

/// A regular file as it was when it was opened.
struct Watched {
    path: PathBuf,
    file: File,
    before: Metadata,
}

impl Bytes {
    pub(crate) fn open(origin: &Origin, limits: Limits) -> Result<Self, Failure> {
        let tap = Arc::new(Tap::default());
        let (raw, watched): (Box<dyn Read + Send>, _) = match origin {
            Origin::Stdin => (Box::new(io::stdin()), None),
            Origin::File(path) => {
                usable(path)?;
                let file = File::open(path).map_err(|error| unreadable(path, &error))?;
                let before = file.metadata().map_err(|error| unreadable(path, &error))?;
                if before.is_file() {
                    let reader = file.try_clone().map_err(|error| unreadable(path, &error))?;
                    let reader = reader.take(before.len());
                    (
                        Box::new(reader),
                        Some(Watched {
                            path: path.clone(),
                            file,
                            before,
                        }),
                    )
                } else {
                    (Box::new(file), None)
                }
            }
        };
        let mut raw = Tapped {
            inner: raw,
            tap: Arc::clone(&tap),
        };
        let head = head(&mut raw).map_err(|error| read_error(0, &error))?;
        let kind = kind_of(&head);
        let whole = io::Cursor::new(head).chain(raw);
        let (inner, compression): (Box<dyn Read + Send>, _) = match kind {
            Kind::Gzip => (
                Box::new(flate2::read::MultiGzDecoder::new(whole)),
                Some("gzip"),
            ),
            Kind::Zstd => {
                let decoder = zstd::Decoder::new(whole).map_err(|error| read_error(0, &error))?;
                (Box::new(decoder), Some("zstd"))
            }
            Kind::Text
            | Kind::Json
            | Kind::Utf16
            | Kind::Parquet
            | Kind::Sqlite
            | Kind::Other(_) => (Box::new(whole), None),
        };
        let mut bytes = Self {
            inner,
            tap,
            compression,
            limits,
            given: 0,
            watched,
            is_json: false,
        };
        bytes.refuse_other_kinds(kind)?;
        Ok(bytes)
    }

    /// Refuses what is not text, also inside a compressed stream.
    fn refuse_other_kinds(&mut self, outer: Kind) -> Result<(), Failure> {
        let kind = match outer {
            Kind::Gzip | Kind::Zstd => {
                let inner = head(&mut self.inner).map_err(|error| self.failure(&error))?;
                let kind = kind_of(&inner);
                let rest = std::mem::replace(&mut self.inner, Box::new(io::empty()));
                self.inner = Box::new(io::Cursor::new(inner).chain(rest));
                kind
            }
            kind => kind,
        };
        let message = match kind {
            Kind::Text => return Ok(()),
            Kind::Json => {
                self.is_json = true;
                return Ok(());
            }
            Kind::Utf16 => {
                return Err(Failure::new(
                    error::ENCODING,
                    "looks like UTF-16; convert with iconv -f UTF-16 -t UTF-8",
                ));
            }
            Kind::Gzip | Kind::Zstd => "is compressed twice; decompress once first",
            Kind::Parquet => "is a Parquet file, not text; name it as a file, uncompressed",
            Kind::Sqlite => "is a SQLite database, not text; name it as a file, uncompressed",
            Kind::Other(message) => message,
        };
        Err(Failure::new(error::FORMAT, message))
    }

    /// Whether the text begins like JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Bytes read so far below any decoder.
    pub(crate) fn raw_bytes(&self) -> u64 {
        self.tap.bytes.load(Ordering::Relaxed)
    }

    /// Appends up to `most` bytes to `into`; fewer only at the end.
    pub(crate) fn fill(&mut self, into: &mut Vec<u8>, most: usize) -> Result<usize, Failure> {
        let before = into.len();
        into.reserve(most);
        let result = (&mut self.inner).take(most as u64).read_to_end(into);
        let count = into.len() - before;
        self.given += count as u64;
        match result {
            Err(error) => Err(self.failure(&error)),
            Ok(_) => self.check_expansion().map(|()| count),
        }
    }

    fn check_expansion(&self) -> Result<(), Failure> {
        if self.compression.is_none() {
            return Ok(());
        }
        match self.limits.max_decompressed {
            Some(most) if self.given > most => Err(Failure::new(
                error::EXPANSION,
                format!("expands over {most} bytes (limit --max-decompressed)"),
            )),
            None if self.given > Limits::RATIO_FROM
                && self.given / Limits::MAX_RATIO > self.tap.bytes.load(Ordering::Relaxed) =>
            {
                Err(Failure::new(error::EXPANSION, "expands over 200:1")
                    .help("if this is no bomb, allow its size with --max-decompressed"))
            }
            _ => Ok(()),
        }
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let at = self.tap.bytes.load(Ordering::Relaxed);
        let failed = self
            .tap
            .failed
            .lock()
            .expect("nothing panics while it holds this")
            .clone();
        if let Some(reason) = failed {
            let mut failure =
                Failure::new(error::READ, format!("read error at byte {at}: {reason}"));
            failure.byte = Some(at);
            return failure;
        }
        let Some(compression) = self.compression else {
            return read_error(self.given, error);
        };
        let text = error.to_string();
        let what =
            if error.kind() == io::ErrorKind::UnexpectedEof || text.contains("incomplete frame") {
                format!("{compression} stream ends early at compressed byte {at}")
            } else if text.contains("checksum") {
                format!("{compression} checksum mismatch before compressed byte {at}")
            } else {
                format!("{compression} stream is damaged before compressed byte {at}")
            };
        let mut failure = Failure::new(error::COMPRESSION, what);
        failure.byte = Some(at);
        failure.help("fetch the file again, or use --keep-going to report without this source")
    }

    /// Whether the plain file is longer now than when it was opened.
    pub(crate) fn has_grown(&self) -> bool {
        let longer = |watched: &Watched| {
            let now = watched.file.metadata();
            now.is_ok_and(|now| now.len() > watched.before.len())
        };
        self.compression.is_none() && self.watched.as_ref().is_some_and(longer)
    }

    /// Whether the file is no longer what was opened: replaced, shorter, or written over.
    pub(crate) fn has_changed(&self) -> bool {
        let Some(Watched { path, file, before }) = &self.watched else {
            return false;
        };
        let Ok(after) = file.metadata() else {
            return true;
        };
        let replaced = std::fs::metadata(path)
            .is_ok_and(|now| (now.dev(), now.ino()) != (before.dev(), before.ino()));
        let touched = (after.mtime(), after.mtime_nsec()) != (before.mtime(), before.mtime_nsec());
        replaced || after.len() < before.len() || touched && after.len() == before.len()
    }

    /// Checks that the file is still what was opened. A warning when it only grew, or when the
    /// last `left_out` bytes were not used; `ends_open` says that the last line that was used had no
    /// end.
    pub(crate) fn settle(
        &self,
        ends_open: bool,
        left_out: usize,
    ) -> Result<Option<String>, Failure> {
        match self.finish()? {
            Some(_) if ends_open => Err(changed()),
            Some(used) => Ok(Some(format!(
                "file grew while reading; the first {} bytes were used",
                used - left_out as u64
            ))),
            None => Ok(left_for_later(left_out)),
        }
    }

    /// Checks that the file was read as it was when it was opened. When it only grew since, the
    /// bytes that were read.
    fn finish(&self) -> Result<Option<u64>, Failure> {
        let Some(Watched { file, before, .. }) = &self.watched else {
            return Ok(None);
        };
        if self.tap.bytes.load(Ordering::Relaxed) < before.len() || self.has_changed() {
            return Err(changed());
        }
        let after = file.metadata().map_err(|_| changed())?;
        Ok((after.len() > before.len()).then_some(before.len()))
    }
}

/// What is said of a last line that [`Limits::follow_safe`] leaves out, if there is one.
pub(crate) fn left_for_later(bytes: usize) -> Option<String> {
    (bytes > 0).then(|| {
        format!("the last line has no end yet; its {bytes} bytes are left for the next run")
    })
}

/// A file is not what it was.
pub(crate) fn changed() -> Failure {
    Failure::new(error::CHANGED, "file changed while reading")
        .help("run again when its writer is done, or read a copy")
}

/// The first bytes of a reader, fewer only at its end.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}
