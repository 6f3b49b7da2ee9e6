//! The list of sessions, one row each, in every format.

use std::rc::Rc;

use crate::events::{Micros, User};

/// One session as it is listed.
#[derive(Clone, Debug)]
pub struct SessionRow<'a> {
    /// A UUID v5 of the definition, the user and the start.
    pub session_id: uuid::Uuid,
    /// The user, shared by its sessions.
    pub user: Rc<User>,
    /// First event.
    pub start: Micros,
    /// Last event, or what the end is by another system's rule.
    pub end: Micros,
    /// How long it lasts, in microseconds: `end - start`, but by another system's rule.
    pub duration: Micros,
    /// Number of events.
    pub events: u64,
    /// Events per source, by name.
    pub sources: Vec<(&'a str, u64)>,
    /// Whether it is still open.
    pub open: bool,
}
