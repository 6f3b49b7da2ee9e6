//! Which command applies to which shape, and why another does not.

use crate::error::{self, Failure};
use crate::import::tracked::TrackedShape;

/// What can be asked of tracked sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Task {
    Lifecycle,
    Show,
    Summary,
    History,
    Trends,
    Streaks,
    Anomalies,
    Start,
    Connect,
    MarkStarted,
    Activate,
    End,
    Pause,
    Resume,
    Save,
    Info,
    CloseIdle,
    Migrate,
}

impl Task {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Task::Lifecycle => "lifecycle",
            Task::Show => "show",
            Task::Summary => "summary",
            Task::History => "history",
            Task::Trends => "trends",
            Task::Streaks => "streaks",
            Task::Anomalies => "anomalies",
            Task::Start => "start",
            Task::Connect => "connect",
            Task::MarkStarted => "mark-started",
            Task::Activate => "activate",
            Task::End => "end",
            Task::Pause => "pause",
            Task::Resume => "resume",
            Task::Save => "save",
            Task::Info => "info",
            Task::CloseIdle => "close-idle",
            Task::Migrate => "migrate",
        }
    }

    /// An error where it does not apply to a shape.
    ///
    /// # Errors
    ///
    /// The reason, as a usage error.
    pub(crate) fn check(self, shape: TrackedShape) -> Result<(), Failure> {
        match self.obstacle(shape) {
            None => Ok(()),
            Some(why) => {
                let message = format!(
                    "{} does not apply to the shape \"{}\": {why}",
                    self.name(),
                    shape.name()
                );
                Err(Failure::new(error::USAGE, message)
                    .help("docs/tracked.md has a table of what applies where"))
            }
        }
    }

    /// Why it does not apply to a shape (a clause); `None` where it does.
    pub(crate) fn obstacle(self, shape: TrackedShape) -> Option<&'static str> {
        use TrackedShape::{Interview, Platform, Practice, SavedInterview, Snapshot, Study};
        const NO_ROWS: &str = "it keeps one current session per person and no history";
        const NO_USER: &str = "its sessions name no user";
        const NO_ATTEMPTS: &str = "it has no attempts";
        const NO_DESKTOP: &str = "no desktop connects to its sessions";
        const NO_INFORMATION: &str = "its sessions hold no information";
        const NO_START: &str = "the application starts its sessions itself";
        match (self, shape) {
            (Task::Lifecycle | Task::Show | Task::Migrate, _) => None,
            (_, Snapshot) => Some(NO_ROWS),
            (Task::Summary, Study) => None,
            (Task::Summary, _) => Some(NO_ATTEMPTS),
            (Task::History | Task::Streaks, Interview) => Some(NO_USER),
            (Task::Trends, Study | Practice) => None,
            (Task::Trends, _) => Some("it has neither attempts nor XP"),
            (Task::Anomalies | Task::Save | Task::Info, SavedInterview) => None,
            (Task::Anomalies | Task::Save | Task::Info, _) => Some(NO_INFORMATION),
            (Task::Start, Study | Practice) => None,
            (Task::Start, _) => Some(NO_START),
            (Task::Connect | Task::MarkStarted | Task::Activate, Interview) => None,
            (Task::Connect | Task::MarkStarted | Task::Activate, _) => Some(NO_DESKTOP),
            (Task::CloseIdle, Interview) => Some(NO_USER),
            (
                Task::History | Task::Streaks | Task::CloseIdle,
                Practice | Study | SavedInterview | Platform,
            )
            | (Task::End | Task::Pause | Task::Resume, _) => None,
        }
    }
}

/// Every task, in the order of the manual.
const TASKS: [Task; 18] = [
    Task::Lifecycle,
    Task::Show,
    Task::Summary,
    Task::History,
    Task::Trends,
    Task::Streaks,
    Task::Anomalies,
    Task::Start,
    Task::Connect,
    Task::MarkStarted,
    Task::Activate,
    Task::End,
    Task::Pause,
    Task::Resume,
    Task::Save,
    Task::Info,
    Task::CloseIdle,
    Task::Migrate,
];

/// Every shape, in the order of the manual.
const SHAPES: [TrackedShape; 6] = [
    TrackedShape::Interview,
    TrackedShape::Practice,
    TrackedShape::Study,
    TrackedShape::SavedInterview,
    TrackedShape::Platform,
    TrackedShape::Snapshot,
];

/// What applies where, as a table in Markdown: a row per command, a column per shape.
pub fn table() -> String {
    let row = |head: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<&str> = cells.collect();
        format!("| {head} | {} |\n", cells.join(" | "))
    };
    let mut table = row("command", &mut SHAPES.iter().map(|shape| shape.name()));
    table += &row("---", &mut SHAPES.iter().map(|_| "---"));
    for task in TASKS {
        let applies = |shape: &TrackedShape| match task.obstacle(*shape) {
            None => "yes",
            Some(_) => "–",
        };
        table += &row(
            &format!("`{}`", task.name()),
            &mut SHAPES.iter().map(applies),
        );
    }
    table
}
