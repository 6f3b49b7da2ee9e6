//! The flags of `compare` alone.

use std::ffi::OsString;

use clap::Args;

use crate::agreement::repair::Repair;
use crate::import::tracked::TrackedShape;

/// What inferred sessions are compared with, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct CompareFlags {
    /// The tracked sessions: a file, or a database's address; anything that can be an input
    #[arg(
        long,
        value_name = "TRACKED",
        env = "SESSIONIZE_TRACKED",
        help_heading = "Tracked sessions"
    )]
    pub tracked: Option<OsString>,
    /// A database's table of tracked sessions [default: the one table with their columns]
    #[arg(
        long,
        value_name = "TABLE",
        env = "SESSIONIZE_TRACKED_TABLE",
        help_heading = "Tracked sessions"
    )]
    pub tracked_table: Option<String>,
    /// Which column names the tracked session's user [default: by known names]
    #[arg(
        long,
        value_name = "COLUMN",
        env = "SESSIONIZE_TRACKED_USER",
        help_heading = "Tracked sessions"
    )]
    pub tracked_user: Option<String>,
    /// Which column says when it began; with --tracked-id, the event's time [default: by known names]
    #[arg(
        long,
        value_name = "COLUMN",
        env = "SESSIONIZE_TRACKED_START",
        help_heading = "Tracked sessions"
    )]
    pub tracked_start: Option<String>,
    /// Which column says when it ended [default: by known names]
    #[arg(
        long,
        value_name = "COLUMN",
        env = "SESSIONIZE_TRACKED_END",
        help_heading = "Tracked sessions"
    )]
    pub tracked_end: Option<String>,
    /// The rows are events, and this column names the tracked session of each
    #[arg(long, value_name = "COLUMN", env = "SESSIONIZE_TRACKED_ID", conflicts_with_all = ["tracked_end", "shape"], help_heading = "Tracked sessions")]
    pub tracked_id: Option<String>,
    /// A known shape of tables, whose name and columns need not be said
    #[arg(
        long,
        value_name = "SHAPE",
        env = "SESSIONIZE_SHAPE",
        help_heading = "Tracked sessions"
    )]
    pub shape: Option<TrackedShape>,
    /// What becomes of broken tracked sessions [default: trim]
    #[arg(
        long,
        value_name = "WHAT",
        env = "SESSIONIZE_REPAIR",
        help_heading = "Tracked sessions"
    )]
    pub repair: Option<Repair>,
    /// The longest that a tracked session may be; a longer one is broken [default: 24h]
    #[arg(
        long,
        value_name = "DURATION",
        env = "SESSIONIZE_ABSURD",
        help_heading = "Tracked sessions"
    )]
    pub absurd: Option<String>,
    /// How far apart an inferred and a tracked boundary may lie and still be the same, in three measures
    /// more [default: the same place]
    #[arg(
        long,
        value_name = "DURATION",
        env = "SESSIONIZE_TOLERANCE",
        help_heading = "Agreement"
    )]
    pub tolerance: Option<String>,
    /// How often users are drawn again for intervals; 0 for none [default: 200]
    #[arg(
        long,
        value_name = "N",
        env = "SESSIONIZE_RESAMPLES",
        help_heading = "Agreement"
    )]
    pub resamples: Option<u32>,
    /// Which draws they are: another number, other draws [default: 1]
    #[arg(
        long,
        value_name = "N",
        env = "SESSIONIZE_SEED",
        help_heading = "Agreement"
    )]
    pub seed: Option<u64>,
}
