//! The flags of `tracked`, and its commands.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use crate::import::tracked::TrackedShape;

/// Where the sessions are, and who asks.
#[derive(Args, Clone, Debug, Default)]
pub struct PlaceFlags {
    /// The application's database: postgres://…, mysql://…, or an SQLite file
    #[arg(
        long,
        value_name = "DATABASE",
        env = "SESSIONIZE_DATABASE",
        global = true,
        help_heading = "Tracked sessions"
    )]
    pub database: Option<OsString>,
    /// Whose table it is: its name and columns are known then
    #[arg(
        long,
        value_name = "SHAPE",
        env = "SESSIONIZE_SHAPE",
        global = true,
        help_heading = "Tracked sessions"
    )]
    pub shape: Option<TrackedShape>,
    /// Only what this parent may see: the sessions of their children
    #[arg(
        long,
        value_name = "PARENT",
        global = true,
        conflicts_with = "as_user",
        help_heading = "Tracked sessions"
    )]
    pub as_parent: Option<String>,
    /// Only what this user may see: their own sessions
    #[arg(
        long,
        value_name = "USER",
        global = true,
        help_heading = "Tracked sessions"
    )]
    pub as_user: Option<String>,
}

/// What is asked of the sessions.
#[derive(Clone, Debug, Subcommand)]
pub enum TrackedCommand {
    /// One session, with all that its row says
    Show {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
    },
}
