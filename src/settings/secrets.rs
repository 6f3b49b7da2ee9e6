//! Passwords from the environment and from files, in the formats of psql and mariadb. A file that
//! others can read is refused, and no message repeats what stands in one.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::server::variable;
use crate::error::{self, Failure};
use crate::import::address::{Address, Host, Secret};

/// A file of secrets that is larger is none.
const LARGEST: u64 = 1 << 20;

/// A file of secrets and whether anyone but its owner can read it.
struct SecretFile<'a> {
    path: &'a Path,
    text: String,
    others_can_read: bool,
}

impl<'a> SecretFile<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        let unreadable = |reason: String| {
            Failure::new(
                error::SECRET,
                format!("cannot read {}: {reason}", path.display()),
            )
        };
        let because = |cause: std::io::Error| unreadable(crate::import::file::reason(&cause));
        let file = File::open(path).map_err(because)?;
        let others_can_read = others_can_read(&file);
        let mut bytes = Vec::new();
        let mut start = file.take(LARGEST + 1);
        start.read_to_end(&mut bytes).map_err(because)?;
        if bytes.len() as u64 > LARGEST {
            return Err(unreadable("it is too large to hold passwords".to_owned()));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        Ok(Self {
            path,
            text,
            others_can_read,
        })
    }

    fn refuse_open(&self) -> Result<(), Failure> {
        refuse_open(self.path, self.others_can_read)
    }

    /// A line that cannot be read, by its number from 1.
    fn malformed(&self, line: usize, expected: &str) -> Failure {
        let path = self.path.display();
        Failure::new(
            error::SECRET,
            format!("{path}:{line}: the line is malformed; expected {expected}"),
        )
    }
}

/// Whether group or others may read an open file; what is no plain file, such as a pipe, is between
/// two programs.
pub(super) fn others_can_read(file: &File) -> bool {
    file.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o044 != 0)
}

/// Refuses a file of secrets that others can read.
pub(super) fn refuse_open(path: &Path, others_can_read: bool) -> Result<(), Failure> {
    if !others_can_read {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::new(
        error::SECRET_OPEN,
        format!("{path} is readable by group/others; chmod 600"),
    )
    .help(format!("it holds a password: chmod 600 {path}")))
}

/// The password in a variable, whose name is not repeated: it may be the password by mistake.
pub(super) fn of_variable(name: &str) -> Result<Secret, Failure> {
    variable(name).map(Secret::new).ok_or_else(|| {
        let message = "the variable that password-env names is not set, empty, or not UTF-8";
        Failure::new(error::SECRET, message)
            .help("give the name of an environment variable that holds the password")
    })
}

/// The password in the first line of a file.
pub(super) fn of_file(path: &Path) -> Result<Secret, Failure> {
    let file = SecretFile::read(path)?;
    file.refuse_open()?;
    match file.text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => {
            let message = format!("{} has no password in its first line", path.display());
            Err(Failure::new(error::SECRET, message))
        }
    }
}

/// A file in the home folder, if it is there.
fn in_home(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(variable("HOME")?).join(name);
    path.is_file().then_some(path)
}

/// The password in PGPASSFILE or `~/.pgpass`: that of the first line that matches, as libpq takes
/// it. `localhost` stands for the socket in `usual_folder`.
pub(super) fn of_pgpass(address: &Address, usual_folder: &str) -> Result<Option<Secret>, Failure> {
    let named = variable("PGPASSFILE").map(PathBuf::from);
    // As for libpq, what is no plain file, such as /dev/null, holds nothing.
    let path = match named {
        Some(path) if path.exists() && !path.is_file() => None,
        Some(path) => Some(path),
        None => in_home(".pgpass"),
    };
    let Some(path) = path else {
        return Ok(None);
    };
    let file = SecretFile::read(&path)?;
    file.refuse_open()?;
    let (host, port) = match &address.host {
        Host::Tcp { name, port } => (name.clone(), port),
        Host::Socket { path, port } if path == Path::new(usual_folder) => {
            ("localhost".to_owned(), port)
        }
        Host::Socket { path, port } => (path.to_string_lossy().into_owned(), port),
    };
    let port = port.to_string();
    let wanted = [&host, &port, &address.database, &address.user];
    let mut found = None;
    for (number, line) in file.text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fields = fields(line);
        let [place @ .., password] = fields.get(..5).unwrap_or_default() else {
            return Err(file.malformed(number + 1, "host:port:database:user:password"));
        };
        let matches =
            |(field, wanted): (&&str, &&String)| *field == "*" || unescaped(field) == **wanted;
        if found.is_none() && place.iter().zip(&wanted).all(matches) {
            found = Some(unescaped(password));
        }
    }
    Ok(found
        .filter(|password| !password.is_empty())
        .map(Secret::new))
}

/// The fields of a line of `.pgpass`, split at every colon without a backslash before it.
fn fields(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, letter) in line.char_indices() {
        match letter {
            ':' if !is_escaped => {
                fields.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    fields.push(&line[start..]);
    fields
}

/// A field with `\:` and `\\` as the signs they stand for.
fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => letters.next().unwrap_or('\\'),
            letter => letter,
        });
    }
    text
}

/// What an option file of MySQL or MariaDB says about who asks.
#[derive(Default)]
pub(super) struct OptionFile {
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
}

/// The groups that `mariadb` reads; a later line goes over an earlier one, whatever its group.
const GROUPS: [&str; 5] = [
    "client",
    "client-server",
    "client-mariadb",
    "mysql",
    "mariadb-client",
];

impl OptionFile {
    /// The file that is named, else `~/.my.cnf`, else nothing.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match in_home(".my.cnf") {
                Some(path) => path,
                None => return Ok(Self::default()),
            },
        };
        let file = SecretFile::read(&path)?;
        let found = Self::parse(&file)?;
        if found.password.is_some() {
            file.refuse_open()?;
        }
        if named.is_some() && found.user.is_none() && found.password.is_none() {
            let message = format!("{} has neither a user nor a password", path.display());
            return Err(Failure::new(error::SECRET, message)
                .help("write user = … and password = … under [client]"));
        }
        Ok(found)
    }

    fn parse(file: &SecretFile<'_>) -> Result<Self, Failure> {
        let mut found = Self::default();
        let mut is_ours = None;
        for (number, line) in file.text.lines().enumerate() {
            let line = line.trim();
            // Lines that begin with `!` name other files, which are not followed.
            if line.is_empty() || line.starts_with(['#', ';', '!']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let (group, _) = rest
                    .split_once(']')
                    .ok_or_else(|| file.malformed(number + 1, "a group such as [client]"))?;
                is_ours = Some(GROUPS.contains(&group.trim()));
                continue;
            }
            let is_ours = is_ours.ok_or_else(|| file.malformed(number + 1, "a group first"))?;
            let (key, value) = without_remark(line).split_once('=').unwrap_or((line, ""));
            let value = option_value(value.trim());
            match key.trim() {
                "user" if is_ours => found.user = (!value.is_empty()).then_some(value),
                "password" if is_ours => {
                    found.password = (!value.is_empty()).then(|| Secret::new(value));
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// A line up to the first `#` outside quotes.
fn without_remark(line: &str) -> &str {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, letter) in line.char_indices() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            ('\'' | '"', Some(open)) if open == letter && !is_escaped => quote = None,
            ('#', None) => return &line[..at],
            _ => {}
        }
        is_escaped = quote.is_some() && letter == '\\' && !is_escaped;
    }
    line
}

/// A value without the quotes around it, and with the signs that its escapes stand for.
fn option_value(value: &str) -> String {
    let inside = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = inside('"').or_else(|| inside('\'')).unwrap_or(value);
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (letter, false) => text.push(letter),
            (_, true) => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('b') => text.push('\u{8}'),
                Some('s') => text.push(' '),
                Some(sign @ ('"' | '\'' | '\\')) => text.push(sign),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
        }
    }
    text
}
