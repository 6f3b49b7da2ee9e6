//! How much memory a run may use: `--memory`, or half of what is free.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::size;
use crate::error::{self, Failure};
use crate::settings::{Settling, flag_failure};

/// The least that `--memory` can be.
const LEAST: u64 = 256 << 20;

/// What the program takes itself, and what each thread reads and sorts with.
const PROGRAM: u64 = 96 << 20;
const THREAD: u64 = 32 << 20;

/// What is taken for free where the system does not say.
const UNKNOWN: u64 = 4 << 30;

impl Settling<'_> {
    /// The most bytes of memory for the whole process.
    pub(super) fn memory(&self) -> Result<u64, Failure> {
        if let Some(text) = &self.flags.memory {
            return parse(text)
                .map_err(|cause| flag_failure(error::USAGE, "--memory", text, &cause));
        }
        let key = self.file.as_ref().and_then(|file| {
            let memory = file.config.memory.as_ref()?;
            Some((file, memory))
        });
        match key {
            Some((file, key)) => file.parse(error::CONFIG_FILE, key, parse),
            None => Ok((free() / 2).max(LEAST)),
        }
    }

    /// The folder of the temporary file.
    pub(super) fn temp_dir(&self) -> PathBuf {
        let from_config = || {
            let folder = self.file.as_ref()?.config.temp_dir.as_ref()?;
            Some(self.folder().join(folder))
        };
        let typed = self.flags.temp_dir.clone();
        typed
            .or_else(from_config)
            .unwrap_or_else(std::env::temp_dir)
    }
}

/// The part of a process's memory that may hold events and the like: without the program, and what
/// each thread reads and sorts with.
pub fn for_keeping(memory: u64, threads: usize) -> u64 {
    #[cfg(feature = "failpoints")]
    if let Some(bytes) = std::env::var("SESSIONIZE_KEEP")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        return bytes;
    }
    memory - (PROGRAM + threads as u64 * THREAD).min(memory / 2)
}

/// The most threads for which half of the memory is enough, beside the program.
pub(super) fn most_threads(memory: u64) -> usize {
    (((memory / 2).saturating_sub(PROGRAM) / THREAD) as usize).max(1)
}

fn parse(text: &str) -> Result<u64, String> {
    match size(text)? {
        size if size >= LEAST => Ok(size),
        _ => Err("expected at least 256MiB".to_owned()),
    }
}

/// The memory that this process could still take: the machine's, the control group's, or up to the
/// limit of its address space.
fn free() -> u64 {
    [of_machine(), of_group(), of_process()]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(UNKNOWN)
}

fn of_machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes << 10)
}

fn of_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let above = root.join(own);
    let left = above
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    left.filter_map(|folder| {
        let number = |name: &str| -> Option<u64> {
            fs::read_to_string(folder.join(name))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        Some(number("memory.max")?.saturating_sub(number("memory.current")?))
    })
    .min()
}

fn of_process() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}
