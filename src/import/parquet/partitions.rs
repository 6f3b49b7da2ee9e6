//! Columns that stand in a file's path: `day=2026-01-01/part-0.parquet` below a glob.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// What stands for a missing value, by Hive's custom.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// A column that has one value for all rows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Its name.
    pub(crate) key: String,
    /// Its value; nothing where it is missing.
    pub(crate) value: Option<String>,
}

/// The columns in the folders of a path below what a pattern, seen from a folder, names without
/// wildcards.
pub(crate) fn partitions(folder: &Path, pattern: &str, path: &Path) -> Vec<Partition> {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[']);
    let plain: Vec<&str> = pattern.split('/').take_while(is_plain).collect();
    let above = parts(&folder.join(plain.join("/"))).count();
    let folders = path.parent().map(parts).into_iter().flatten();
    folders
        .skip(above)
        .filter_map(|part| partition(part.to_str()?))
        .collect()
}

/// The names in a path, without its root and its dots.
fn parts(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(Component::as_os_str)
}

fn partition(part: &str) -> Option<Partition> {
    let (key, value) = part.split_once('=')?;
    let key = decoded(key)?;
    Some(Partition {
        key: Some(key).filter(|key| !key.is_empty())?,
        value: match value {
            MISSING => None,
            value => Some(decoded(value)?),
        },
    })
}

/// A text without its `%41`s; what is no such sign stays as it is. Nothing if it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let sign = digits.filter(|digits| *first == b'%' && !digits.starts_with('+'));
        match sign.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(sign) => {
                bytes.push(sign);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
