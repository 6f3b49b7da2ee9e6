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
    /// Start a session, or find the active one: prints its id
    Start(StartFlags),
    /// A desktop connects to an interview, which is active then and not started yet
    Connect {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// The conversation of an interview starts: said once, and never changed
    MarkStarted {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// An interview starts without a desktop
    Activate {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// End a session now, once
    End {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        xp: XpFlags,
    },
    /// A session rests: what it lasts does not grow until it is resumed
    Pause {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// A paused session goes on
    Resume {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// End the sessions left open, at their users' last activity
    CloseIdle {
        /// Show what would be ended, and end nothing
        #[arg(long)]
        dry_run: bool,
        /// Events that are activity too: files and databases, as `report` reads them
        #[arg(value_name = "INPUT")]
        inputs: Vec<OsString>,
    },
    /// Make the tables of the shape, or what they lack: columns, indexes, a constraint
    Migrate {
        /// The application's database, in place of --database
        #[arg(value_name = "STORE")]
        store: Option<OsString>,
    },
}

/// Whose session starts, and on what.
#[derive(Args, Clone, Debug, Default)]
pub struct StartFlags {
    /// Whose session it is
    #[arg(long, value_name = "USER")]
    pub user: String,
    /// What a study session is on
    #[arg(long, value_name = "SUBJECT")]
    pub subject: Option<String>,
    /// The topic within the subject
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// The part of the topic
    #[arg(long, value_name = "SUBTOPIC")]
    pub subtopic: Option<String>,
}

/// What a practice session gave; their sum is its total.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct XpFlags {
    /// XP for phrases; what the row says, unless given
    #[arg(long = "xp-phrases", value_name = "XP")]
    pub phrases: Option<u32>,
    /// XP for the session; what the row says, unless given
    #[arg(long = "xp-session-bonus", value_name = "XP")]
    pub session_bonus: Option<u32>,
    /// XP for days in a row; what the row says, unless given
    #[arg(long = "xp-streak-bonus", value_name = "XP")]
    pub streak_bonus: Option<u32>,
}
