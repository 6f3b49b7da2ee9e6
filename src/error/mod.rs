//! The failures that an exit code, a test or a script must recognise: a stable id, where it
//! happened, what was met, and how to go on. How they are printed is in [`text`]; which exit code
//! they give is `main`'s affair.

pub mod text;

use std::fmt;

/// The family of an error id; `main` chooses the exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Usage or configuration, found before any source is opened.
    Config,
    /// A file source is missing, damaged, undecodable, or over its reject budget.
    Input,
    /// The same, because of a time value.
    Time,
    /// A database source.
    Database,
    /// A report, a rejects file or standard output could not be written.
    Output,
    /// Another run holds the lock.
    Lock,
    /// A set limit was hit.
    Limit,
    /// The program worked, and a rule of the check does not hold.
    Check,
    /// The program itself is wrong.
    Bug,
}

/// A stable error id such as `IN-07`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorId {
    /// The id as printed; never reused for something else.
    pub id: &'static str,
    /// The family, which decides the exit code.
    pub family: Family,
    /// What it says, in the words of the manual.
    pub meaning: &'static str,
}

macro_rules! error_ids {
    ($($name:ident = $id:literal, $family:ident, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: ErrorId =
            ErrorId { id: $id, family: Family::$family, meaning: $meaning };)*
        /// Every id, in the order of the manual (`docs/errors.md`).
        pub const ALL: &[ErrorId] = &[$($name),*];
    };
}

error_ids! {
    USAGE = "CF-01", Config, "a flag is unknown, misspelt, or has a value it cannot have";
    CONFIG_FILE = "CF-02", Config, "the configuration file has an error";
    NO_INPUT = "CF-03", Config, "there is nothing to read";
    UNKNOWN_ZONE = "CF-04", Config, "a time zone is not known or ambiguous";
    SOURCE_NAME = "CF-05", Config, "two sources have one name, or a name is not allowed";
    OUTPUT_IS_INPUT = "CF-06", Config, "the output is the same file as an input";
    STDIN = "CF-07", Config, "standard input is named twice or is a terminal";
    SECRET_OPEN = "CF-08", Config, "a file that holds a password can be read by others";
    SECRET = "CF-09", Config, "a password, or the file that should hold it, cannot be used";
    UNREADABLE = "IN-01", Input, "a file is missing, not a file, or may not be read";
    EMPTY_FILE = "IN-02", Input, "a file has no header and no rows";
    NO_COLUMN = "IN-03", Input, "a needed column is not there";
    AMBIGUOUS_COLUMN = "IN-04", Input, "two columns could be meant";
    OPEN_QUOTE = "IN-05", Input, "a quoted field is never closed";
    ENCODING = "IN-06", Input, "the text is not UTF-8";
    COMPRESSION = "IN-07", Input, "a compressed stream is damaged or ends early";
    FORMAT = "IN-08", Input, "the file is of a kind that is not read";
    CHANGED = "IN-09", Input, "a file changed while it was read";
    READ = "IN-10", Input, "reading failed";
    NO_MATCH = "IN-11", Input, "a glob matches no file";
    PARQUET = "IN-12", Input, "a Parquet file is damaged";
    COLUMN_TYPE = "IN-13", Input, "a column is of a type that cannot be used";
    USER_NOT_FOUND = "IN-14", Input, "the user has no rows in any source";
    NO_TRACKED = "IN-15", Input, "there is no tracked session to compare with";
    NO_SESSION = "IN-16", Input, "there is no such tracked session, or it may not be seen";
    WRONG_STATE = "IN-17", Input, "a tracked session is in a state in which this cannot be done";
    TOO_FEW_FIELDS = "IN-20", Input, "a row has fewer fields than the header";
    TOO_MANY_FIELDS = "IN-21", Input, "a row has more fields than the header";
    STRAY_QUOTE = "IN-22", Input, "a quote stands where none may stand";
    NO_USER = "IN-23", Input, "a row names no user";
    INVALID_TEXT = "IN-24", Input, "a field that is needed is not UTF-8 or holds a NUL byte";
    NO_SOURCE = "IN-25", Input, "a row names no source";
    NOT_AN_OBJECT = "IN-26", Input, "a line is not a JSON object";
    DOUBLED_KEY = "IN-27", Input, "a key that is needed stands twice in its object";
    INFORMATION = "IN-28", Input, "the information of an interview is no JSON object, or saving it would lose something";
    NEEDS_UNIT = "TM-01", Time, "a numeric time needs a unit";
    NOT_AN_INSTANT = "TM-02", Time, "a value is not an instant";
    NO_OFFSET = "TM-03", Time, "a time has neither an offset nor a zone";
    SKIPPED_HOUR = "TM-04", Time, "a local time does not exist on that day";
    REPEATED_HOUR = "TM-05", Time, "a local time exists twice on that day";
    EPOCH_WINDOW = "TM-06", Time, "a numeric time lies outside the expected years";
    OUT_OF_RANGE = "TM-07", Time, "a time lies outside the range that can be kept";
    FUTURE = "TM-08", Time, "a time lies too far after now";
    NO_TIME = "TM-09", Time, "a row has no time";
    DATABASE = "DB-01", Database, "a database cannot be opened or read";
    NO_TABLE = "DB-02", Database, "a database has no table that is known";
    CONNECT = "DB-03", Database, "a database server cannot be reached, or does not let us in";
    STATEMENT = "DB-04", Database, "a database refuses a statement";
    STATEMENT_TIMEOUT = "DB-05", Database, "a database needs longer than is allowed";
    CONNECTION_LOST = "DB-06", Database, "the connection to a database was lost";
    WRITE = "OUT-01", Output, "an output cannot be written";
    TARGET = "OUT-02", Output, "an output path cannot be used";
    TEMPORARY = "OUT-03", Output, "a temporary file cannot be written or read";
    LOCKED = "LK-01", Lock, "another run holds the lock";
    FIELD_SIZE = "LM-01", Limit, "a field or line is over the limit";
    EXPANSION = "LM-02", Limit, "a compressed file expands over the limit";
    TOO_MANY_SOURCES = "LM-03", Limit, "there are more sources than can be told apart";
    TOO_MANY_PERIODS = "LM-04", Limit, "the data spans too many periods";
    SIZE = "LM-05", Limit, "a file declares more than can be read";
    MEMORY = "LM-06", Limit, "the data needs more memory than is allowed";
    CHECK_FAILED = "CK-01", Check, "a rule of the check does not hold";
    BUG = "BUG", Bug, "an internal error";
}

/// One failure, ready to be printed in the form of `docs/errors.md`.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The stable id.
    pub id: ErrorId,
    /// Which source: name, kind, and path or redacted address.
    pub source: Option<SourcePlace>,
    /// What was met and what was expected; lower case, no final stop.
    pub message: String,
    /// Physical line, counted from 1.
    pub line: Option<u64>,
    /// Byte offset, counted from 0.
    pub byte: Option<u64>,
    /// What happened to data already read, examples, and the like; a line each.
    pub details: Vec<String>,
    /// What stays as it was.
    pub kept: Option<String>,
    /// One next step.
    pub help: Option<String>,
}

/// Which source an error speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// The source's name.
    pub name: String,
    /// `csv`, `parquet`, `sqlite`.
    pub kind: &'static str,
    /// The path as typed, or the address without secrets.
    pub place: String,
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "source \"{}\" ({}, {})",
            self.name, self.kind, self.place
        )
    }
}

impl Failure {
    /// A failure with an id and a message and nothing else yet.
    pub fn new(id: ErrorId, message: impl Into<String>) -> Self {
        Self {
            id,
            source: None,
            message: message.into(),
            line: None,
            byte: None,
            details: Vec::new(),
            kept: None,
            help: None,
        }
    }

    /// The same failure, placed in a source.
    #[must_use]
    pub fn in_source(mut self, source: &SourcePlace) -> Self {
        self.source = Some(source.clone());
        self
    }

    /// The same failure at a physical line.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same failure with one more line of detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// The same failure with what stays as it was, if anything does.
    #[must_use]
    pub fn keeping(mut self, kept: Option<String>) -> Self {
        self.kept = kept;
        self
    }

    /// The same failure with a next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The first line, without its `error[ID]: `: source, then what.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(out, "{source}: ")?;
        }
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
