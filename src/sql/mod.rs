//! SQL as text: the dialects, how each writes a name, and the rule as a statement. Opens no
//! connection and runs nothing.

pub mod aggregates;
mod dialect;
mod expressions;
mod question;
mod sessions;
mod statement;

pub use dialect::Dialect;
pub use expressions::{TimeKind, UserKind};
pub use question::{EventSource, Midnights, NO_MAX_LENGTH, NO_SAMPLE, Question, Relation};
pub use sessions::{SESSIONS, sessions, steps};
pub use statement::Statement;
