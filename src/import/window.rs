//! The part of time that database servers are asked for: from one timeout before the window on, and
//! past its end until the sessions that began in it have ended (PRODUCT rule 6).

use std::collections::HashSet;

use crate::events::{Batch, EARLIEST, LATEST, Micros, User};
use crate::import::database::{Counted, Span};

/// The sessions asked for, by their start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// The first instant of which rows are needed: one timeout before the window, or none where
    /// sessions are looked at from the beginning.
    pub from: Option<Micros>,
    /// The first instant at which no session of the window starts.
    pub to: Option<Micros>,
    /// The longest gap inside a session.
    pub timeout: Micros,
}

impl Window {
    /// Whether all rows are needed.
    pub(crate) fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// The rows to be read at first.
    pub(crate) fn span(&self, counted: Counted) -> Span {
        Span {
            from: self.from.map(|at| counted.from(at)),
            to: self.to.map(|at| counted.to(at)),
        }
    }
}

/// All times that can be used, for the first and the last of a source.
pub(crate) fn everything(counted: Counted) -> Span {
    Span {
        from: Some(counted.from(EARLIEST)),
        to: Some(counted.to(LATEST)),
    }
}

/// Notes which users have rows in the last timeout before an edge up to which is read: only their
/// sessions can go on behind it.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    span: Option<(Micros, Micros)>,
    seen: HashSet<User>,
    /// What was read behind the edge already: a clock that is moved cannot be cut at an instant.
    behind: Vec<(Micros, User)>,
}

impl Watch {
    /// Looks from now on for events of one timeout before `edge`.
    pub(crate) fn before(&mut self, edge: Micros, timeout: Micros) {
        let from = edge.saturating_sub(timeout);
        self.span = Some((from, edge));
        self.seen.clear();
        let (behind, before) = std::mem::take(&mut self.behind)
            .into_iter()
            .partition(|(at, _)| *at >= edge);
        self.behind = behind;
        let before: Vec<(Micros, User)> = before;
        let near = before.into_iter().filter(|(at, _)| *at >= from);
        self.seen.extend(near.map(|(_, user)| user));
    }

    /// Looks at events as they are read.
    pub(crate) fn note(&mut self, batch: &Batch) {
        let Some((from, to)) = self.span else {
            return;
        };
        for (at, user, _) in batch.iter() {
            if at >= to {
                self.behind.push((at, user.to_user()));
            } else if at >= from {
                self.seen.insert(user.to_user());
            }
        }
    }

    /// The users seen since the edge was set.
    pub(crate) fn take(&mut self) -> HashSet<User> {
        std::mem::take(&mut self.seen)
    }
}

/// How far is read behind the window's end, step by step.
///
/// A step is a timeout at least, so that a session that goes on has an event in the last timeout of
/// each step it passes. Steps double: a user who never pauses is not followed for ever in small ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edges {
    edge: Micros,
    step: Micros,
}

impl Edges {
    /// Beginning at the window's end.
    pub(crate) fn new(window: &Window, to: Micros) -> Self {
        Self {
            edge: to,
            step: window.timeout,
        }
    }

    /// The next edge, `last` being the last event of all; `None` when nothing lies behind this one.
    pub(crate) fn next(&mut self, last: Micros) -> Option<Micros> {
        if self.edge > last {
            return None;
        }
        self.edge = self.edge.saturating_add(self.step);
        self.step = self.step.saturating_mul(2);
        Some(self.edge)
    }
}

/// How far several sources are read, step by step, until no session that began in the window can go
/// on.
#[derive(Debug)]
pub(crate) struct ReadingOn {
    edges: Edges,
    timeout: Micros,
    /// Who had events in the last timeout before every edge so far.
    alive: HashSet<User>,
}

impl ReadingOn {
    /// Reading on from the window's end.
    pub(crate) fn new(window: &Window, to: Micros, alive: HashSet<User>) -> Self {
        Self {
            edges: Edges::new(window, to),
            timeout: window.timeout,
            alive,
        }
    }

    /// The next edge to read up to, `last` being the last event of all; `None` when nobody's session
    /// can go on.
    pub(crate) fn next(&mut self, last: Micros, watch: &mut Watch) -> Option<Micros> {
        if self.alive.is_empty() {
            return None;
        }
        let edge = self.edges.next(last)?;
        watch.before(edge, self.timeout);
        Some(edge)
    }

    /// Keeps those who were seen before the edge.
    pub(crate) fn settle(&mut self, watch: &mut Watch) {
        let seen = watch.take();
        self.alive.retain(|user| seen.contains(user));
    }
}
