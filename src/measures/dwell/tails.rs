//! The time after the last events, added up for every row of a report in the one pass of the engine.
//! How long each source's dwell is comes out only at the end, so a row keeps how many sessions end in
//! each source, and the few whose dwell something bounds one by one; all of it is whole numbers.

mod tail;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use self::tail::{Lengths, Tail};
use crate::events::{Micros, User, UserId};
use crate::measures::accumulator::joined_names;
use crate::measures::dwell::lengths::{Median, SourceGaps, whole_micros};
use crate::measures::dwell::validation::KnownEnds;
use crate::measures::dwell::within::WithinModel;
use crate::measures::dwell::{Dwell, DwellBasis, SourceDwell};
use crate::measures::plan::{Calendars, Plan, Segment};
use crate::measures::series::runs;
use crate::measures::{Measures, Row, Trend};
use crate::sessions::endings::{Ending, Endings};
use crate::sessions::scan::{ScanPlan, UserSessions};
use crate::sessions::session::{Session, SourceSet, open_after};
use crate::sessions::spill::Memory;

/// Sums over some of the users, for the rows of one plan. Those over other users merge into it, in
/// any order.
#[derive(Clone, Debug)]
pub struct Tails<'a> {
    plan: &'a Plan,
    calendars: &'a Calendars,
    dwell: Dwell,
    open_after: Micros,
    overall: Tail,
    /// For each calendar its periods, by index; as long as the last one touched.
    periods: Vec<Vec<Tail>>,
    /// By the row's period, 0 without periods.
    source_sets: HashMap<(usize, SourceSet), Tail, FixedState>,
    users: Vec<(usize, User, Tail)>,
    gaps: SourceGaps,
    known_ends: KnownEnds,
    memory: Option<Arc<Memory>>,
    /// Bytes of rows since memory was last taken for them.
    untaken: usize,
    /// Scratch space: one user's sessions from their ends; `None` for an open one.
    endings: Endings,
    closed: Vec<Option<Ending>>,
}

/// Bytes of rows for which memory is asked at once.
const ASKED: usize = 1 << 16;

impl<'a> Tails<'a> {
    /// Sums without any user, of a run with so many sources.
    pub fn new(plan: &'a Plan, calendars: &'a Calendars, dwell: Dwell, sources: usize) -> Self {
        Tails {
            plan,
            calendars,
            dwell,
            open_after: open_after(plan.now, plan.timeout),
            overall: Tail::default(),
            periods: vec![Vec::new(); calendars.by_length.len()],
            source_sets: HashMap::default(),
            users: Vec::new(),
            gaps: SourceGaps::new(sources),
            known_ends: KnownEnds::new(sources),
            memory: None,
            untaken: 0,
            endings: Endings::default(),
            closed: Vec::new(),
        }
    }

    /// The same within the memory of the run: gaps that do not fit go to its temporary file, and rows
    /// that do not fit make the run fail.
    #[must_use]
    pub fn within(mut self, memory: &Arc<Memory>) -> Self {
        self.gaps = self.gaps.within(memory);
        self.memory = Some(Arc::clone(memory));
        self
    }

    /// Adds all sessions of one user, who must not be added twice. `scan` is what made them.
    pub fn user(&mut self, scan: &ScanPlan<'_>, user: &UserSessions<'_>) {
        let sessions = user.sessions;
        if sessions.is_empty() {
            return;
        }
        self.endings.fill(scan, user.events);
        debug_assert_eq!(
            self.endings.len(),
            sessions.len(),
            "the rule says the same twice"
        );
        self.closed.clear();
        for (session, (ending, gaps)) in sessions.iter().zip(self.endings.iter()) {
            let is_closed = session.end <= self.open_after;
            self.closed.push(is_closed.then_some(ending));
            if let Some((source, dwell)) = ending.before_end.filter(|_| is_closed) {
                self.known_ends.add(source, dwell);
            }
            if is_closed && self.dwell == Dwell::SourceMedian {
                self.gaps.extend(gaps);
            }
        }
        let closed = std::mem::take(&mut self.closed);
        self.untaken += self.overall.extend(&closed);
        self.add_to_periods(sessions, &closed);
        match self.plan.segment {
            None => {}
            Some(Segment::User) => self.add_user(user.user, sessions, &closed),
            Some(Segment::SourceSet) => self.add_to_source_sets(sessions, &closed),
        }
        self.closed = closed;
        self.take_room();
    }

    fn add_to_periods(&mut self, sessions: &[Session], closed: &[Option<Ending>]) {
        for (periods, (_, calendar)) in self.periods.iter_mut().zip(&self.calendars.by_length) {
            let mut rest = closed;
            for (index, run) in runs(Some(calendar), sessions) {
                if index >= periods.len() {
                    periods.resize_with(index + 1, Tail::default);
                }
                let (of_run, others) = rest.split_at(run.len());
                self.untaken += periods[index].extend(of_run);
                rest = others;
            }
        }
    }

    fn add_user(&mut self, user: UserId<'_>, sessions: &[Session], closed: &[Option<Ending>]) {
        let mut rest = closed;
        for (index, run) in self.rows(sessions) {
            let (of_run, others) = rest.split_at(run.len());
            let mut tail = Tail::default();
            self.untaken += tail.extend(of_run) + size_of::<(usize, User, Tail)>();
            self.users.push((index, user.to_user(), tail));
            rest = others;
        }
    }

    fn add_to_source_sets(&mut self, sessions: &[Session], closed: &[Option<Ending>]) {
        let mut rest = closed.iter();
        for (index, run) in self.rows(sessions) {
            for (session, ending) in run.iter().zip(&mut rest) {
                let tail = self
                    .source_sets
                    .entry((index, session.sources))
                    .or_default();
                self.untaken += tail.extend(std::slice::from_ref(ending));
            }
        }
    }

    /// The sessions by the period of their rows.
    fn rows<'s>(
        &self,
        sessions: &'s [Session],
    ) -> impl Iterator<Item = (usize, &'s [Session])> + use<'a, 's>
    where
        'a: 's,
    {
        let position = self.plan.by.and_then(|by| self.calendars.position(by));
        let calendar = position.map(|position| &self.calendars.by_length[position].1);
        runs(calendar, sessions)
    }

    fn take_room(&mut self) {
        if let Some(memory) = &self.memory
            && self.untaken >= ASKED
        {
            let rows = std::mem::take(&mut self.untaken);
            memory.take_fixed(rows, "rows with --dwell");
        }
    }

    /// Adds what was summed over other users, by the same plan and calendars.
    #[must_use]
    pub fn merge(mut self, mut other: Self) -> Self {
        self.overall.merge(other.overall);
        for (periods, others) in self.periods.iter_mut().zip(other.periods) {
            if others.len() > periods.len() {
                periods.resize_with(others.len(), Tail::default);
            }
            for (tail, other) in periods.iter_mut().zip(others) {
                tail.merge(other);
            }
        }
        for (row, tail) in other.source_sets {
            self.source_sets.entry(row).or_default().merge(tail);
        }
        self.users.append(&mut other.users);
        self.gaps.merge(other.gaps);
        self.known_ends.merge(&other.known_ends);
        self
    }

    /// Writes the estimate beside every floor in the measures of the same plan and sessions, and
    /// what it rests on. `within` is asked for by [`Dwell::Model`] alone: the gaps inside sessions, or
    /// why they cannot be told from those between (a clause).
    pub fn finish(
        mut self,
        measures: &mut Measures,
        source_names: &[impl AsRef<str>],
        within: Option<Result<WithinModel, String>>,
    ) {
        let gaps = std::mem::take(&mut self.gaps).medians();
        let (by_source, refused) = self.lengths(&gaps, within.as_ref());
        let lengths = Lengths {
            by_source,
            timeout: self.plan.timeout.micros(),
        };
        measures.overall.figures.dwell =
            Some(self.overall.estimated(&measures.overall.figures, &lengths));
        self.finish_rows(&mut measures.rows, source_names, &lengths);
        self.finish_trend(&mut measures.trend, &lengths);
        if let Some(reason) = &refused {
            measures.remarks.push(format!(
                "Nothing is estimated with --dwell {}: {reason}.",
                self.dwell
            ));
        }
        measures.dwell = Some(DwellBasis {
            dwell: self.dwell,
            sources: self.sources(source_names, &gaps, &lengths),
            within: within.and_then(Result::ok),
            ended: self.overall.ended(),
            known_ends: self.known_ends.error(&lengths.by_source),
            limited: self.overall.limited(),
            refused,
        });
    }

    /// The dwell of each source in microseconds, or why there is none.
    fn lengths(
        &self,
        gaps: &[Median],
        within: Option<&Result<WithinModel, String>>,
    ) -> (Vec<Option<Micros>>, Option<String>) {
        let refused = |reason: &str| (vec![None; gaps.len()], Some(reason.to_owned()));
        let same = |length| (vec![Some(length); gaps.len()], None);
        match (self.dwell, within) {
            (Dwell::Constant(length), _) => same(length),
            (Dwell::SourceMedian, _) if gaps.iter().all(|median| median.gaps == 0) => {
                refused("no gap longer than 0 lies inside a closed session")
            }
            (Dwell::SourceMedian, _) => {
                let lengths = gaps.iter().map(|median| median.shrunk.map(whole_micros));
                (lengths.collect(), None)
            }
            (Dwell::Model, Some(Err(reason))) => refused(reason),
            (Dwell::Model, Some(Ok(within))) => {
                match within.expected_gap(self.plan.timeout.micros()) {
                    Some(gap) => same(whole_micros(gap)),
                    None => refused("the gaps inside sessions are longer than the timeout"),
                }
            }
            (Dwell::Model, None) => refused("the gaps were not looked at"),
        }
    }

    fn finish_rows(
        &mut self,
        rows: &mut [Row],
        source_names: &[impl AsRef<str>],
        lengths: &Lengths,
    ) {
        let tails: Vec<Tail> = match self.plan.segment {
            None => {
                for row in rows {
                    let tail = row.period.and_then(|period| {
                        let position = self.calendars.position(self.plan.by?)?;
                        let (_, calendar) = &self.calendars.by_length[position];
                        self.periods[position].get(calendar.index_of(period.start))
                    });
                    let tail = tail.cloned().unwrap_or_default();
                    row.figures.dwell = Some(tail.estimated(&row.figures, lengths));
                }
                return;
            }
            Some(Segment::User) => {
                let mut users = std::mem::take(&mut self.users);
                users.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
                users.into_iter().map(|(_, _, tail)| tail).collect()
            }
            Some(Segment::SourceSet) => {
                let sets = std::mem::take(&mut self.source_sets).into_iter();
                let mut named: Vec<(usize, String, Tail)> = sets
                    .map(|((index, set), tail)| (index, joined_names(set, source_names), tail))
                    .collect();
                named.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
                named.into_iter().map(|(_, _, tail)| tail).collect()
            }
        };
        assert_eq!(tails.len(), rows.len(), "each row is of the same sessions");
        for (row, tail) in rows.iter_mut().zip(tails) {
            row.figures.dwell = Some(tail.estimated(&row.figures, lengths));
        }
    }

    fn finish_trend(&self, trend: &mut Trend, lengths: &Lengths) {
        let Trend::Compared {
            length,
            later,
            figures,
            ..
        } = trend
        else {
            return;
        };
        let tail = self.calendars.position(*length).and_then(|position| {
            let (_, calendar) = &self.calendars.by_length[position];
            self.periods[position].get(calendar.index_of(later.start))
        });
        figures.dwell = tail.map(|tail| tail.estimated(figures, lengths));
    }

    fn sources(
        &self,
        names: &[impl AsRef<str>],
        gaps: &[Median],
        lengths: &Lengths,
    ) -> Vec<SourceDwell> {
        let by_source = self.overall.sessions_by_source();
        let mut sources: Vec<SourceDwell> = by_source
            .into_iter()
            .map(|(source, sessions)| {
                let source = usize::from(source);
                SourceDwell {
                    name: names[source].as_ref().to_owned(),
                    sessions,
                    gaps: (self.dwell == Dwell::SourceMedian).then_some(gaps[source].gaps),
                    median: gaps[source].own,
                    length: lengths.by_source[source],
                }
            })
            .collect();
        sources.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        sources
    }
}
