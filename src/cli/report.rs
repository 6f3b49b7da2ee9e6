//! The flags of `report` alone.

use std::ffi::OsString;

use clap::Args;

use crate::cli::compare::CompareFlags;
use crate::import::tracked::TrackedShape;

/// Tracked sessions whose durations stand beside those of inferred ones.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Tracked sessions")]
pub struct BesideFlags {
    /// Tracked sessions, whose average stands beside that of inferred ones: a file, or a database
    #[arg(long, value_name = "TRACKED")]
    pub tracked: Option<OsString>,
    /// A database's table of tracked sessions [default: the one table with their columns]
    #[arg(long, value_name = "TABLE", requires = "tracked")]
    pub tracked_table: Option<String>,
    /// Which column names the tracked session's user [default: by known names]
    #[arg(long, value_name = "COLUMN", requires = "tracked")]
    pub tracked_user: Option<String>,
    /// Which column says when it began [default: by known names]
    #[arg(long, value_name = "COLUMN", requires = "tracked")]
    pub tracked_start: Option<String>,
    /// Which column says when it ended [default: by known names]
    #[arg(long, value_name = "COLUMN", requires = "tracked")]
    pub tracked_end: Option<String>,
    /// Whose table it is: its name and columns are known then
    #[arg(long, value_name = "SHAPE", requires = "tracked")]
    pub shape: Option<TrackedShape>,
}

impl BesideFlags {
    /// The same as `compare` is asked.
    pub(crate) fn as_compared(&self) -> CompareFlags {
        CompareFlags {
            tracked: self.tracked.clone(),
            tracked_table: self.tracked_table.clone(),
            tracked_user: self.tracked_user.clone(),
            tracked_start: self.tracked_start.clone(),
            tracked_end: self.tracked_end.clone(),
            shape: self.shape,
            ..CompareFlags::default()
        }
    }
}
