//! The flags of `tracked`, and its commands.

use std::ffi::{OsStr, OsString};

use clap::{Args, Subcommand, ValueEnum};

use crate::events::Micros;
use crate::import::tracked::TrackedShape;
use crate::time::duration::parse_length;

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

/// How the times of answers are taken.
#[derive(Args, Clone, Copy, Debug)]
pub struct ItemFlags {
    /// An answer that took longer is counted apart, and is no part of the times
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_length)]
    pub longest_item: Micros,
}

/// The rows of `trends`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TrendRows {
    /// One per week, or per period of `--by`.
    #[default]
    Period,
    /// One per session of the user; over all users, per number of the session among its user's.
    Session,
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
    /// The stages that sessions go through, the times between them, and who is stuck in one
    Lifecycle {
        #[command(flatten)]
        asked: LifecycleFlags,
    },
    /// What was answered within one study session, or within all of one user's
    Summary {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID", required_unless_present = "user")]
        id: Option<String>,
        /// All sessions of this user; those that start in --from/--to, where that is said
        #[arg(long, value_name = "USER", conflicts_with = "id")]
        user: Option<String>,
        #[command(flatten)]
        items: ItemFlags,
    },
    /// The last sessions of one user, the newest first
    History {
        /// Whose
        #[arg(long, value_name = "USER")]
        user: String,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 10,
              value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
        /// Only those of this subject
        #[arg(long, value_name = "SUBJECT")]
        subject: Option<String>,
    },
    /// How accuracy, speed and XP move over sessions, and over weeks or periods of --by
    Trends {
        /// Of this user; of all without
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// Only over sessions of this subject
        #[arg(long, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Which rows come first, and so which ones CSV, NDJSON and Parquet hold
        #[arg(long, value_name = "WHAT", default_value = "period")]
        per: TrendRows,
        #[command(flatten)]
        items: ItemFlags,
    },
    /// Days in a row with a session
    Streaks {
        /// Of this user, session by session; of all users, one row each, without
        #[arg(long, value_name = "USER")]
        user: Option<String>,
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
    /// Anomalies that interviews detected: of which type, when, and in how many sessions
    #[command(after_help = "\
Examples:
  sessionize tracked anomalies --database app.db --shape saved-interview --by week
  sessionize tracked anomalies --database app.db --shape saved-interview \\
      --per session --format csv -o anomalies.csv")]
    Anomalies {
        /// Which rows come first; sessions are listed only when they are asked for
        #[arg(long, value_name = "WHAT", default_value = "type")]
        per: AnomaliesPer,
    },
    /// Saves the information of an interview, which goes on; nothing that was saved is lost
    ///
    /// Writes to the application's database. A message of the role `system` is left out, and the
    /// user's first message if it is `Hello`. Saving the same again changes nothing.
    #[command(after_help = "\
Examples:
  sessionize tracked save 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b \\
      --information interview.json --database app.db --shape saved-interview")]
    Save {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
        /// A file with a JSON object; `-` is standard input
        #[arg(long, value_name = "FILE")]
        information: OsString,
    },
    /// End a session now, once
    ///
    /// Writes to the application's database. A session that has an end keeps it.
    #[command(after_help = "\
Examples:
  sessionize tracked end 42 --xp-phrases 30 --database app.db --shape practice
  sessionize tracked end 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b \\
      --information interview.json --database app.db --shape saved-interview")]
    End {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        xp: XpFlags,
        /// Save this first, as `save` does; what cannot be saved ends nothing
        #[arg(long, value_name = "FILE")]
        information: Option<OsString>,
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
    /// What is saved of an interview, or would be
    #[command(after_help = "\
Examples:
  sessionize tracked info 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b \\
      --database app.db --shape saved-interview
  … | sessionize tracked info 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b --information - \\
      --database app.db --shape saved-interview")]
    Info {
        /// The session's id, exactly as the table has it
        #[arg(value_name = "ID")]
        id: String,
        /// Show what would be saved of this file; `-` is standard input
        #[arg(long, value_name = "FILE")]
        information: Option<OsString>,
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

/// Rows of anomalies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnomaliesPer {
    /// A row per type.
    Type,
    /// A row per hour of the day.
    Hour,
    /// A row per period: `--by`.
    Period,
    /// A row per session.
    Session,
}

impl TrackedCommand {
    /// The file that it reads.
    pub fn information(&self) -> Option<&OsStr> {
        match self {
            TrackedCommand::Save { information, .. } => Some(information),
            TrackedCommand::End { information, .. } | TrackedCommand::Info { information, .. } => {
                information.as_deref()
            }
            _ => None,
        }
    }
}

/// What of the stages is asked for.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Lifecycle")]
pub struct LifecycleFlags {
    /// Only sessions that start today, by the report's clock
    #[arg(long, conflicts_with_all = ["from", "to", "last"])]
    pub today: bool,
    /// A session that has been longer than this in one stage is stuck there
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_length)]
    pub stuck_after: Micros,
    /// Which rows csv, ndjson and parquet get
    #[arg(long, value_name = "WHAT", default_value = "stages")]
    pub rows: LifecycleRows,
}

/// `--rows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LifecycleRows {
    /// One row per stage, period and segment.
    Stages,
    /// One row per stage, over all sessions.
    Overall,
    /// One row per session that is stuck.
    Stuck,
}
