//! `sessionize.toml`: its keys, and errors that say line, column and the nearest known key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::secrets::others_can_read;
use super::threshold::ThresholdConfig;
use crate::agreement::repair::Repair;
use crate::cli::{By, Compare, Cut, Duplicates, Encoding, Engine, Ragged, SegmentBy};
use crate::error::{self, Failure};
use crate::events::Role;
use crate::import::address::Tls;
use crate::import::inputs::InputFormat;
use crate::import::intake::Anonymous;
use crate::import::tracked::TrackedShape;
use crate::output::IfLocked;
use crate::report::Format;
use crate::sessions::compat::Compat;
use crate::time::timestamp::{EpochUnit, Hour24, RepeatedHour, SkippedHour};

/// One text or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a column's name, or a list of two")]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

/// A number of rows or a share such as `"1%"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number of rows, or a share such as \"1%\""
)]
pub(super) enum NumberOrText {
    Number(u64),
    Text(String),
}

impl NumberOrText {
    pub(super) fn to_text(&self) -> String {
        match self {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text.clone(),
        }
    }
}

/// The whole file. Keys are the long flags with `_` for `-`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) cut: Option<Cut>,
    pub(super) max_length: Option<Spanned<String>>,
    pub(super) compat: Option<Compat>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) last: Option<Spanned<String>>,
    pub(super) now: Option<Spanned<String>>,
    pub(super) timezone: Option<Spanned<String>>,
    pub(super) by: Option<By>,
    pub(super) segment: Option<SegmentBy>,
    pub(super) compare: Option<Compare>,
    pub(super) dwell: Option<Spanned<String>>,
    pub(super) engine: Option<Engine>,
    pub(super) total: Option<bool>,
    pub(super) format: Option<Format>,
    pub(super) output: Option<String>,
    pub(super) csv_raw: Option<bool>,
    pub(super) if_locked: Option<IfLocked>,
    pub(super) wait: Option<Spanned<String>>,
    pub(super) follow_symlinks: Option<bool>,
    pub(super) allow_empty: Option<bool>,
    pub(super) follow_safe: Option<bool>,
    pub(super) max_rejects: Option<Spanned<NumberOrText>>,
    pub(super) rejects: Option<String>,
    pub(super) keep_going: Option<bool>,
    pub(super) threads: Option<Spanned<usize>>,
    pub(super) memory: Option<Spanned<String>>,
    pub(super) temp_dir: Option<String>,
    pub(super) users: Option<String>,
    pub(super) sample: Option<Spanned<String>>,
    pub(super) max_future: Option<Spanned<String>>,
    pub(super) connect_timeout: Option<Spanned<String>>,
    pub(super) statement_timeout: Option<Spanned<String>>,
    pub(super) threshold: ThresholdConfig,
    pub(super) source: Vec<SourceConfig>,
    pub(super) tracked: Option<TrackedConfig>,
}

/// `[tracked]`: what `compare` compares with, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TrackedConfig {
    pub(super) path: Option<Spanned<String>>,
    pub(super) format: Option<InputFormat>,
    pub(super) table: Option<String>,
    pub(super) user: Option<String>,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) id: Option<String>,
    pub(super) shape: Option<TrackedShape>,
    pub(super) columns: BTreeMap<String, String>,
    pub(super) tables: BTreeMap<String, String>,
    pub(super) timezone: Option<Spanned<String>>,
    pub(super) epoch_unit: Option<EpochUnit>,
    pub(super) time_format: Option<Spanned<String>>,
    pub(super) tls: Option<Tls>,
    pub(super) ca_file: Option<String>,
    pub(super) password_env: Option<String>,
    pub(super) password_file: Option<String>,
    pub(super) my_cnf: Option<String>,
    pub(super) repair: Option<Repair>,
    pub(super) absurd: Option<Spanned<String>>,
    pub(super) tolerance: Option<Spanned<String>>,
    pub(super) resamples: Option<u32>,
    pub(super) seed: Option<u64>,
}

/// A `[[source]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceConfig {
    pub(super) name: Option<Spanned<String>>,
    pub(super) path: Spanned<String>,
    pub(super) format: Option<InputFormat>,
    pub(super) role: Option<Role>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) duplicates: Option<Duplicates>,
    pub(super) user: Option<String>,
    pub(super) time: Option<Spanned<OneOrMore>>,
    pub(super) source_column: Option<String>,
    pub(super) table: Option<String>,
    pub(super) r#where: Option<Spanned<String>>,
    pub(super) query: Option<Spanned<String>>,
    pub(super) query_file: Option<Spanned<String>>,
    pub(super) tls: Option<Tls>,
    pub(super) ca_file: Option<String>,
    pub(super) password_env: Option<String>,
    pub(super) password_file: Option<String>,
    pub(super) my_cnf: Option<String>,
    pub(super) delimiter: Option<Spanned<String>>,
    pub(super) comment: Option<Spanned<String>>,
    pub(super) skip_lines: Option<u64>,
    pub(super) header: Option<bool>,
    pub(super) ragged: Option<Ragged>,
    pub(super) encoding: Option<Encoding>,
    #[serde(default)]
    pub(super) null_words: Vec<String>,
    pub(super) anonymous: Option<Anonymous>,
    pub(super) timezone: Option<Spanned<String>>,
    pub(super) epoch_unit: Option<EpochUnit>,
    pub(super) epoch_window: Option<Spanned<String>>,
    pub(super) time_format: Option<Spanned<String>>,
    pub(super) skipped_hour: Option<SkippedHour>,
    pub(super) repeated_hour: Option<RepeatedHour>,
    pub(super) hour_24: Option<Hour24>,
    pub(super) min_time: Option<Spanned<String>>,
}

/// A configuration with its text, for places in messages.
pub(super) struct ConfigFile {
    pub(super) config: Config,
    pub(super) path: String,
    /// Whether group or others can read it.
    pub(super) others_can_read: bool,
    text: String,
}

impl ConfigFile {
    /// Reads and checks the file's shape; values are checked where they are used.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let unreadable = |cause: std::io::Error| {
            let reason = crate::import::file::reason(&cause);
            Failure::new(error::CONFIG_FILE, format!("cannot read {shown}: {reason}"))
        };
        let mut opened = File::open(path).map_err(unreadable)?;
        let others_can_read = others_can_read(&opened);
        let mut bytes = Vec::new();
        opened.read_to_end(&mut bytes).map_err(unreadable)?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(cause) => {
                let end = cause.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(&cause.as_bytes()[..end]).into_owned();
                let file = Self {
                    config: Config::default(),
                    path: shown,
                    others_can_read,
                    text,
                };
                return Err(file.failure(error::CONFIG_FILE, end, "the file is not UTF-8"));
            }
        };
        let parsed = toml::from_str::<Config>(&text);
        let mut file = Self {
            config: Config::default(),
            path: shown,
            others_can_read,
            text,
        };
        match parsed {
            Ok(config) => {
                file.config = config;
                Ok(file)
            }
            Err(cause) => {
                let at = cause.span().map_or(0, |span| span.start);
                Err(file.failure(error::CONFIG_FILE, at, &words(cause.message())))
            }
        }
    }

    /// A failure at a byte of the file: `sessionize.toml:12:5: …`.
    pub(super) fn failure(&self, id: error::ErrorId, at: usize, message: &str) -> Failure {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let before = before.strip_prefix('\u{feff}').unwrap_or(before);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |text| text.chars().count())
            + 1;
        Failure::new(id, format!("{}:{line}:{column}: {message}", self.path))
    }
}

impl SourceConfig {
    /// A source of which nothing is said but its place.
    pub(super) fn at(path: Spanned<String>) -> Self {
        Self {
            name: None,
            path,
            format: None,
            role: None,
            roles: BTreeMap::new(),
            duplicates: None,
            user: None,
            time: None,
            source_column: None,
            table: None,
            r#where: None,
            query: None,
            query_file: None,
            tls: None,
            ca_file: None,
            password_env: None,
            password_file: None,
            my_cnf: None,
            delimiter: None,
            comment: None,
            skip_lines: None,
            header: None,
            ragged: None,
            encoding: None,
            null_words: Vec::new(),
            anonymous: None,
            timezone: None,
            epoch_unit: None,
            epoch_window: None,
            time_format: None,
            skipped_hour: None,
            repeated_hour: None,
            hour_24: None,
            min_time: None,
        }
    }
}

/// The parser's words in ours: an unknown key gets the nearest known one.
fn words(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(unknown) = quoted.next()
    {
        let nearest = quoted
            .map(|known| (strsim::jaro_winkler(unknown, known), known))
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .filter(|(likeness, _)| *likeness > 0.75);
        let hint = nearest.map_or(String::new(), |(_, known)| {
            format!(" (did you mean \"{known}\"?)")
        });
        return format!("unknown key \"{unknown}\"{hint}");
    }
    message
        .lines()
        .next()
        .unwrap_or_default()
        .replace('`', "\"")
}
