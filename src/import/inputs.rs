//! From what was named to what is read: globs, names, kinds by first bytes, presets of databases.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{self, Failure, SourcePlace};
use crate::events::Role;
use crate::import::Options;
use crate::import::address::{Address, Server};
use crate::import::columns::{AskedColumns, Rows};
use crate::import::csv::Dialect;
use crate::import::database::{Database, Patience, Query};
use crate::import::file::{self, Kind, Origin};
use crate::import::intake::Terms;
use crate::import::sqlite::{self, Opening};

/// The format of an input, where it cannot or should not be told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum InputFormat {
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    /// Parquet.
    Parquet,
    /// A SQLite database.
    Sqlite,
}

/// One input as it was named, with how its rows are read.
#[derive(Clone, Debug)]
pub struct Input {
    /// `name` of the configuration, or of `name=PATH`.
    pub name: Option<String>,
    /// A path, a glob, `sqlite:PATH`, or `-`, as typed; of an address what can be printed.
    pub typed: String,
    /// The address of a server, if it is one.
    pub address: Option<Arc<Address>>,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
    /// `--input-format`.
    pub format: Option<InputFormat>,
    /// The role; `None` for activity, or what a preset says.
    pub role: Option<Role>,
    /// Roles of sources named by `--source-column`, or of presets, by name.
    pub roles: BTreeMap<String, Role>,
    /// `duplicates = "drop"`.
    pub drop_duplicates: bool,
    /// Column names asked for.
    pub columns: AskedColumns,
    /// CSV's marks; `delimiter` is by the format or the name unless asked for.
    pub dialect: Dialect,
    /// The delimiter asked for.
    pub delimiter: Option<u8>,
    /// A database's table.
    pub table: Option<String>,
    /// A condition on that table's rows.
    pub filter: Option<String>,
    /// A database's statement.
    pub query: Option<String>,
    /// How times and users are read.
    pub terms: Terms,
}

/// What a unit is read from.
pub(crate) enum Body {
    Text {
        origins: Vec<Origin>,
        dialect: Dialect,
        /// Whether it is NDJSON; `None`: as its first bytes say.
        is_json: Option<bool>,
    },
    Parquet {
        paths: Vec<PathBuf>,
    },
    Table {
        database: usize,
        query: Query,
    },
}

/// One source to be read, or the sources that one `--source-column` names.
pub(crate) struct Unit {
    /// Index of the input it came from.
    pub(crate) input: usize,
    pub(crate) place: SourcePlace,
    pub(crate) role: Role,
    pub(crate) body: Body,
}

/// Everything that is to be read.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) units: Vec<Unit>,
    pub(crate) databases: Vec<Database>,
    /// Which each of them is.
    identities: Vec<Identity>,
    pub(crate) missing: Vec<(String, Failure)>,
    pub(crate) notes: Vec<String>,
}

/// What makes two databases one.
#[derive(PartialEq, Eq)]
enum Identity {
    /// Device and inode of a file.
    File(u64, u64),
    /// A server's address.
    Server(Arc<Address>),
}

impl Opened {
    /// The number of a database that is open already, under whatever path: it is read through one
    /// connection, and in one state.
    fn database(&self, path: &Path) -> Option<usize> {
        self.number(&identity(path)?)
    }

    fn number(&self, wanted: &Identity) -> Option<usize> {
        self.identities.iter().position(|known| known == wanted)
    }
}

/// Device and inode of a file that is there.
fn identity(path: &Path) -> Option<Identity> {
    let found = std::fs::metadata(path).ok()?;
    Some(Identity::File(found.dev(), found.ino()))
}

impl Input {
    /// An input of which nothing is said but its path, as typed, and how its rows are read.
    pub fn plain(typed: &str, terms: Terms) -> Self {
        Self {
            name: None,
            typed: typed.to_owned(),
            address: None,
            folder: PathBuf::new(),
            format: None,
            role: None,
            roles: BTreeMap::new(),
            drop_duplicates: false,
            columns: AskedColumns::default(),
            dialect: Dialect::default(),
            delimiter: None,
            table: None,
            filter: None,
            query: None,
            terms,
        }
    }

    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        self.typed == "-"
    }

    /// The files that it names now, for comparing them with an output; none for what is not there.
    pub fn files(&self) -> Vec<PathBuf> {
        match self.is_stdin() || self.address.is_some() {
            true => Vec::new(),
            false => self.expand().unwrap_or_default(),
        }
    }

    /// The path as typed, without the scheme of a database.
    pub(crate) fn path_text(&self) -> &str {
        self.typed
            .strip_prefix("sqlite://")
            .or_else(|| self.typed.strip_prefix("sqlite:"))
            .unwrap_or(&self.typed)
    }

    fn is_glob(&self) -> bool {
        let text = self.path_text();
        text.contains(['*', '?', '[']) && !self.folder.join(text).exists()
    }

    fn expand(&self) -> Result<Vec<PathBuf>, Failure> {
        if !self.is_glob() {
            return Ok(vec![self.folder.join(self.path_text())]);
        }
        let no_match = |reason: &str| {
            Failure::new(
                error::NO_MATCH,
                format!(
                    "glob {} {reason}",
                    crate::time::timestamp::quoted(self.typed.as_bytes())
                ),
            )
        };
        let folder = self
            .folder
            .to_str()
            .ok_or_else(|| no_match("is not UTF-8"))?;
        let pattern = Path::new(&glob::Pattern::escape(folder)).join(self.path_text());
        let pattern = pattern.to_str().ok_or_else(|| no_match("is not UTF-8"))?;
        let found = glob::glob(pattern)
            .map_err(|error| no_match(&format!("is no pattern: {}", error.msg)))?;
        let mut paths = Vec::new();
        for path in found {
            let path = path.map_err(|error| {
                let (path, reason) = (error.path().display(), file::reason(error.error()));
                Failure::new(error::UNREADABLE, format!("cannot read {path}: {reason}"))
            })?;
            if !path.is_dir() && !is_hidden(&path, Path::new(pattern)) {
                paths.push(path);
            }
        }
        if let Some(path) = self.unreadable_match() {
            return Err(Failure::new(
                error::UNREADABLE,
                format!("cannot read {}: its name is not UTF-8", path.display()),
            )
            .help("rename it"));
        }
        paths.sort();
        match paths.is_empty() {
            true => Err(no_match("matches no file")),
            false => Ok(paths),
        }
    }

    /// A file whose name is not UTF-8 and that the pattern's last part would match; the glob package
    /// passes such names over.
    fn unreadable_match(&self) -> Option<PathBuf> {
        let path = Path::new(self.path_text());
        let last = glob::Pattern::new(path.file_name()?.to_str()?).ok()?;
        let folder = self.folder.join(path.parent()?);
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &folder,
        };
        let entries = std::fs::read_dir(folder).ok()?.flatten();
        entries
            .filter(|entry| entry.file_name().to_str().is_none())
            .find(|entry| last.matches(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
    }

    /// The source's name: the one given, a table's, a server's database's, or the file's without
    /// its extensions and wildcards.
    pub fn source_name(&self) -> String {
        match (&self.name, &self.table) {
            (None, Some(table)) => table.clone(),
            _ => self.stem(),
        }
    }

    /// The name given, a server's database's, or the file's without its extensions and wildcards.
    fn stem(&self) -> String {
        match (&self.name, &self.address) {
            (Some(name), _) => name.clone(),
            (None, Some(address)) => address.database.clone(),
            _ if self.is_stdin() => "stdin".to_owned(),
            _ if self.is_glob() => name_of_glob(Path::new(self.path_text())),
            _ => stem_of(Path::new(self.path_text())),
        }
    }

    /// The role of its source of this name.
    pub(crate) fn role(&self, name: &str, otherwise: Role) -> Role {
        self.roles
            .get(name)
            .copied()
            .or(self.role)
            .unwrap_or(otherwise)
    }
}

/// Whether a path has a name with a leading dot that no part of the pattern begins to write, as in
/// a shell. (The package's own option for it drops such names always, and panics on others.)
fn is_hidden(path: &Path, pattern: &Path) -> bool {
    let dotted: Vec<glob::Pattern> = pattern
        .iter()
        .filter_map(|part| part.to_str().filter(|part| part.starts_with('.')))
        .filter_map(|part| glob::Pattern::new(part).ok())
        .collect();
    path.components().any(|part| match part {
        std::path::Component::Normal(name) => {
            let name = name.to_string_lossy();
            name.starts_with('.') && !dotted.iter().any(|pattern| pattern.matches(&name))
        }
        _ => false,
    })
}

const EXTENSIONS: [&str; 14] = [
    "csv", "tsv", "txt", "log", "json", "ndjson", "jsonl", "parquet", "pq", "gz", "zst", "db",
    "sqlite", "sqlite3",
];

/// `comments.csv.gz` is `comments`.
fn stem_of(path: &Path) -> String {
    let file = path
        .file_name()
        .map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let mut stem = file.as_str();
    let known = |extension: &str| EXTENSIONS.contains(&extension.to_lowercase().as_str());
    while let Some((before, extension)) = stem.rsplit_once('.') {
        if before.is_empty() || !known(extension) && !extension.contains(['*', '?', '[']) {
            break;
        }
        stem = before;
    }
    stem.to_owned()
}

/// `exports/attempts-*.csv.gz` is `attempts`; `exports/*.csv` is `exports`.
fn name_of_glob(path: &Path) -> String {
    const SIGNS: &[char] = &['-', '_', '.', ' '];
    let stem = stem_of(path);
    let mut plain = String::new();
    let mut rest = stem.as_str();
    // A set of letters in brackets is one wildcard.
    while let Some((before, set)) = rest.split_once('[') {
        plain = plain + before + "*";
        rest = set.split_once(']').map_or("", |(_, after)| after);
    }
    plain += rest;
    let parts: Vec<&str> = plain
        .split(['*', '?'])
        .map(|part| part.trim_matches(SIGNS))
        .filter(|part| !part.is_empty())
        .collect();
    match (parts.is_empty(), path.parent()) {
        (true, Some(folder)) if folder.file_name().is_some() => name_of_glob(folder),
        (true, _) => "input".to_owned(),
        (false, _) => parts.join("-"),
    }
}

/// A name that outputs can carry.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    if name.is_empty() || name.contains([';', ':', '\0']) {
        let shown = crate::time::timestamp::quoted(name.as_bytes());
        return Err(Failure::new(
            error::SOURCE_NAME,
            format!(
                "a source cannot be named {shown}; \";\" and \":\" are kept for lists of sources"
            ),
        )
        .help("name it: name=PATH"));
    }
    Ok(())
}

/// Opens what the inputs name. With `keep_going` a failing input is set aside.
pub(crate) fn open(inputs: &[Input], options: &Options) -> Result<Opened, Failure> {
    let mut opened = Opened::default();
    let mut seen = HashMap::new();
    for (index, input) in inputs.iter().enumerate() {
        let (units_before, seen_before) = (opened.units.len(), seen.clone());
        if let Err(failure) = open_one(index, input, options, &mut opened, &mut seen) {
            opened.units.truncate(units_before);
            seen = seen_before;
            match options.keep_going {
                true => opened.missing.push((input.source_name(), failure)),
                false => return Err(failure),
            }
        }
    }
    settle_names(inputs, &mut opened.units)?;
    Ok(opened)
}

fn open_one(
    index: usize,
    input: &Input,
    options: &Options,
    opened: &mut Opened,
    seen: &mut Seen,
) -> Result<(), Failure> {
    if let Some(address) = &input.address {
        return open_server(index, input, address, options, opened);
    }
    let name = input.source_name();
    let place = |kind| SourcePlace {
        name: name.clone(),
        kind,
        place: input.typed.clone(),
    };
    if input.is_stdin() {
        let dialect = dialect_of(input, Path::new(""));
        let is_json = input.format.map(|format| format == InputFormat::Ndjson);
        let place = place(text_kind(&dialect, is_json));
        let origins = vec![Origin::Stdin];
        opened.units.push(Unit {
            input: index,
            role: input.role(&name, Role::Activity),
            place,
            body: Body::Text {
                origins,
                dialect,
                is_json,
            },
        });
        return Ok(());
    }
    let in_place = |failure: Failure| match failure.source {
        Some(_) => failure,
        None => failure.in_source(&place("file")),
    };
    let mut groups: BTreeMap<FileKind, Vec<PathBuf>> = BTreeMap::new();
    for path in input.expand().map_err(in_place)? {
        let kind = match opened.database(&path) {
            // Opening and closing it here would give up SQLite's locks on it.
            Some(_) => FileKind::Sqlite,
            None => kind_of(input, &path).map_err(in_place)?,
        };
        if !is_second_copy(&path, input, seen, &mut opened.notes) {
            groups.entry(kind).or_default().push(path);
        }
    }
    if groups.len() > 1 {
        let several = "the files are of several kinds; name them apart";
        return Err(in_place(Failure::new(error::FORMAT, several)));
    }
    let Some((kind, paths)) = groups.into_iter().next() else {
        return Ok(());
    };
    if matches!(kind, FileKind::Parquet | FileKind::Sqlite) {
        refuse_text_columns(input, kind).map_err(in_place)?;
    }
    let role = input.role(&name, Role::Activity);
    let unit = |place, body| Unit {
        input: index,
        place,
        role,
        body,
    };
    match kind {
        FileKind::Text { .. } | FileKind::Ndjson | FileKind::UnknownText => {
            let dialect = dialect_of(input, &paths[0]);
            let is_json = match kind {
                FileKind::UnknownText => None,
                kind => Some(kind == FileKind::Ndjson),
            };
            let place = place(text_kind(&dialect, is_json));
            let body = Body::Text {
                origins: paths.into_iter().map(Origin::File).collect(),
                dialect,
                is_json,
            };
            opened.units.push(unit(place, body));
        }
        FileKind::Parquet => opened
            .units
            .push(unit(place("parquet"), Body::Parquet { paths })),
        FileKind::Sqlite => {
            for path in paths {
                open_file(index, input, &path, opened).map_err(|failure| match failure.source {
                    Some(_) => failure,
                    None => failure.in_source(&place("sqlite")),
                })?;
            }
        }
    }
    Ok(())
}

/// The one database that an input names.
pub(crate) enum Kept {
    File(PathBuf),
    Postgres(Arc<Address>),
    Mysql(Arc<Address>),
}

/// Which database an input names.
///
/// # Errors
///
/// What is no database, or several files.
pub(crate) fn kept(input: &Input) -> Result<(Kept, SourcePlace), Failure> {
    let place = |kind| SourcePlace {
        name: input.stem(),
        kind,
        place: input.typed.clone(),
    };
    if let Some(address) = &input.address {
        let kept = match address.server {
            Server::Postgres => Kept::Postgres(address.clone()),
            Server::Mysql => Kept::Mysql(address.clone()),
        };
        return Ok((kept, place(address.server.name())));
    }
    let refused = |what: &str| {
        Failure::new(error::FORMAT, what)
            .in_source(&place("file"))
            .help("name one database: postgres://…, mysql://…, or an SQLite file")
    };
    if input.is_stdin() {
        return Err(refused("standard input is no database"));
    }
    let in_place = |failure: Failure| failure.in_source(&place("file"));
    let paths = input.expand().map_err(in_place)?;
    let [path] = paths.as_slice() else {
        return Err(refused("several files are named"));
    };
    if kind_of(input, path).map_err(in_place)? != FileKind::Sqlite {
        return Err(refused("the file is no database"));
    }
    Ok((Kept::File(path.clone()), place("sqlite")))
}

/// Opens the one database that an input names.
pub(crate) fn open_database(
    input: &Input,
    patience: Patience,
) -> Result<(Database, SourcePlace), Failure> {
    let (kept, place) = kept(input)?;
    let database = match &kept {
        Kept::File(path) => {
            Database::Sqlite(sqlite::Database::open(path, &place, Opening::default())?)
        }
        Kept::Postgres(address) | Kept::Mysql(address) => {
            Database::connect(address, &place, patience)?
        }
    };
    Ok((database, place))
}

/// Columns that only text files are asked for.
fn refuse_text_columns(input: &Input, kind: FileKind) -> Result<(), Failure> {
    let columns = &input.columns;
    let asked = match kind {
        FileKind::Sqlite if columns.source.is_some() => {
            "--source-column is not read from a database"
        }
        _ if columns.time.len() > 1 => "a time in two columns is read from text files only",
        _ => return Ok(()),
    };
    Err(Failure::new(error::NO_COLUMN, asked).help("name the inputs apart in sessionize.toml"))
}

fn open_server(
    index: usize,
    input: &Input,
    address: &Arc<Address>,
    options: &Options,
    opened: &mut Opened,
) -> Result<(), Failure> {
    let place = SourcePlace {
        name: input.source_name(),
        kind: address.server.name(),
        place: input.typed.clone(),
    };
    refuse_text_columns(input, FileKind::Sqlite).map_err(|failure| failure.in_source(&place))?;
    let identity = Identity::Server(Arc::clone(address));
    let number = match opened.number(&identity) {
        Some(number) => number,
        None => {
            let database = Database::connect(address, &place, options.patience())?;
            opened.databases.push(database);
            opened.identities.push(identity);
            opened.databases.len() - 1
        }
    };
    add_sources(index, input, &place, number, opened)
}

fn open_file(index: usize, input: &Input, path: &Path, opened: &mut Opened) -> Result<(), Failure> {
    let place = SourcePlace {
        name: input.source_name(),
        kind: "sqlite",
        place: input.typed.clone(),
    };
    let number = match opened.database(path) {
        Some(number) => number,
        None => {
            let database = sqlite::Database::open(path, &place, Opening::default())?;
            opened.databases.push(Database::Sqlite(database));
            opened.identities.extend(identity(path));
            opened.databases.len() - 1
        }
    };
    add_sources(index, input, &place, number, opened)
}

/// Adds the sources of a database that an input asks for.
fn add_sources(
    index: usize,
    input: &Input,
    source: &SourcePlace,
    number: usize,
    opened: &mut Opened,
) -> Result<(), Failure> {
    let unit = |name: String, role: Role, query: Query| Unit {
        input: index,
        role: input.role(&name, role),
        place: SourcePlace {
            name,
            ..source.clone()
        },
        body: Body::Table {
            database: number,
            query,
        },
    };
    let columns = &input.columns;
    let query = match (&input.query, &input.table) {
        (None, table) if columns.rows != Rows::Events => Query::Tracked {
            table: table.clone(),
            asked: columns.clone(),
        },
        (Some(text), _) => Query::Text {
            statement: text.clone(),
            user: columns.user.clone(),
            time: columns.time.first().cloned(),
        },
        (None, Some(table)) => Query::Table {
            table: table.clone(),
            user: columns.user.clone(),
            time: columns.time.first().cloned(),
            filter: input.filter.clone(),
        },
        (None, None) => {
            for found in opened.databases[number].presets(columns, source)? {
                let name = found.name.to_owned();
                opened.units.push(unit(name, found.role, found.query));
            }
            return Ok(());
        }
    };
    let name = source.name.clone();
    opened.units.push(unit(name, Role::Activity, query));
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FileKind {
    Text {
        delimiter: u8,
    },
    Ndjson,
    /// A FIFO, whose first bytes are not looked at before it is read.
    UnknownText,
    Parquet,
    Sqlite,
}

fn kind_of(input: &Input, path: &Path) -> Result<FileKind, Failure> {
    let text = FileKind::Text {
        delimiter: dialect_of(input, path).delimiter,
    };
    let kind = match file::sniff(path)? {
        Kind::Parquet => FileKind::Parquet,
        Kind::Sqlite => FileKind::Sqlite,
        Kind::Json => FileKind::Ndjson,
        _ if file::is_fifo(path) => FileKind::UnknownText,
        _ => text,
    };
    Ok(match input.format {
        Some(InputFormat::Csv | InputFormat::Tsv) => text,
        Some(InputFormat::Ndjson) => FileKind::Ndjson,
        Some(InputFormat::Parquet) => FileKind::Parquet,
        Some(InputFormat::Sqlite) => FileKind::Sqlite,
        None if input.typed.starts_with("sqlite:") => FileKind::Sqlite,
        None if has_extension(path, &["parquet", "pq"]) => FileKind::Parquet,
        None if has_extension(path, &["db", "sqlite", "sqlite3"]) => FileKind::Sqlite,
        None if has_extension(path, &["ndjson", "jsonl", "json"]) => FileKind::Ndjson,
        None => kind,
    })
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let name = path
        .file_name()
        .map_or(String::new(), |name| name.to_string_lossy().to_lowercase());
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    extensions
        .iter()
        .any(|extension| name.ends_with(&format!(".{extension}")))
}

fn dialect_of(input: &Input, path: &Path) -> Dialect {
    let tabs = input.format == Some(InputFormat::Tsv)
        || input.format.is_none() && has_extension(path, &["tsv"]);
    let by_kind = if tabs { b'\t' } else { b',' };
    Dialect {
        delimiter: input.delimiter.unwrap_or(by_kind),
        ..input.dialect.clone()
    }
}

fn text_kind(dialect: &Dialect, is_json: Option<bool>) -> &'static str {
    match (is_json, dialect.delimiter) {
        (Some(true), _) => "ndjson",
        (_, b'\t') => "tsv",
        _ => "csv",
    }
}

/// Files by device, number, and what is read of them: one file may hold several sources, such as
/// two tables, or the starts and the ends of sessions.
type Seen = HashMap<(u64, u64, What), PathBuf>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct What {
    columns: AskedColumns,
    table: Option<String>,
    filter: Option<String>,
    query: Option<String>,
}

/// Whether the same of a file was named before, perhaps under another name; says so.
fn is_second_copy(path: &Path, input: &Input, seen: &mut Seen, notes: &mut Vec<String>) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else {
        return false;
    };
    if !metadata.is_file() {
        return false;
    }
    let what = What {
        columns: input.columns.clone(),
        table: input.table.clone(),
        filter: input.filter.clone(),
        query: input.query.clone(),
    };
    match seen.entry((metadata.dev(), metadata.ino(), what)) {
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(path.to_owned());
            false
        }
        std::collections::hash_map::Entry::Occupied(first) => {
            notes.push(format!(
                "{} is the same file as {}; it is read once",
                path.display(),
                first.get().display()
            ));
            true
        }
    }
}

/// Makes names unique: a database's source whose name is taken gets its database's stem in front.
fn settle_names(inputs: &[Input], units: &mut [Unit]) -> Result<(), Failure> {
    let mut times: HashMap<String, usize> = HashMap::new();
    for unit in units.iter() {
        *times.entry(unit.place.name.clone()).or_default() += 1;
    }
    for unit in units.iter_mut() {
        if matches!(unit.body, Body::Table { .. }) && times[&unit.place.name] > 1 {
            unit.place.name = format!("{}.{}", inputs[unit.input].stem(), unit.place.name);
        }
    }
    let mut names: HashMap<&str, &str> = HashMap::new();
    for unit in units.iter() {
        check_name(&unit.place.name)?;
        if let Some(first) = names.insert(&unit.place.name, &unit.place.place) {
            return Err(same_name(&unit.place.name, first, &unit.place.place));
        }
    }
    Ok(())
}

/// Two sources of one name.
pub fn same_name(name: &str, first: &str, second: &str) -> Failure {
    Failure::new(
        error::SOURCE_NAME,
        format!("two sources are named \"{name}\": {first} and {second}"),
    )
    .help(format!("name one of them: other={second}"))
}
