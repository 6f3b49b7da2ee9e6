//! The accumulator: takes each user's sessions once, keeps sums, and gives the measures at the end.
//! It holds cells, and durations where exact quantiles need them; never sessions.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::events::{Micros, UserId};
use crate::measures::durations::Durations;
use crate::measures::observation::Observation;
use crate::measures::plan::{Calendars, Plan, Segment};
use crate::measures::quantile::quantile;
use crate::measures::rows::{self, UserRow};
use crate::measures::series::{Series, Slot, runs};
use crate::measures::summary::UserTotals;
use crate::measures::sums::Sums;
use crate::measures::trend::{daily_means, trend};
use crate::measures::{Change, Measures, Row};
use crate::sessions::extent::Extents;
use crate::sessions::session::{Session, SourceSet, open_after};
use crate::sessions::spill::Memory;
use crate::time::period::{Calendar, Period, PeriodLength};

/// Sums over some of the users. Accumulators over other users merge into it; because everything is
/// an integer until [`Accumulator::finish`], the result does not depend on who was added where, or
/// in which order.
#[derive(Clone, Debug)]
pub struct Accumulator<'a> {
    plan: &'a Plan,
    calendars: &'a Calendars,
    /// A session that ends later than this is open.
    open_after: Micros,
    overall: Slot,
    touching_ends: u64,
    /// One series over all users for each calendar of `calendars`.
    all_users: Vec<Series>,
    source_sets: HashMap<SourceSet, Series, FixedState>,
    user_rows: Vec<UserRow>,
    /// Scratch space: source set, period and position of each session of one user.
    placed: Vec<(SourceSet, usize, usize)>,
    /// Scratch space: durations of one user in one period.
    durations: Vec<Micros>,
    room: Option<Room>,
    /// Whether nothing but changes is asked for.
    is_of_changes: bool,
}

/// What an accumulator took of the run's memory.
#[derive(Clone, Debug)]
struct Room {
    memory: Arc<Memory>,
    /// Durations and rows added since memory was last taken for them.
    untaken: usize,
    /// Bytes taken for durations, which can be spilled.
    for_durations: usize,
}

/// Bytes of memory for which an accumulator asks at once.
const ASKED: usize = 1 << 18;

/// Bytes of a duration in memory, with what a growing list holds ready.
const DURATION: usize = size_of::<u32>() * 2;

impl<'a> Accumulator<'a> {
    /// An accumulator without any user.
    pub fn new(plan: &'a Plan, calendars: &'a Calendars) -> Self {
        Accumulator {
            plan,
            calendars,
            open_after: open_after(plan.now, plan.timeout),
            overall: Slot::default(),
            touching_ends: 0,
            all_users: vec![Series::default(); calendars.by_length.len()],
            source_sets: HashMap::default(),
            user_rows: Vec::new(),
            placed: Vec::new(),
            durations: Vec::new(),
            room: None,
            is_of_changes: false,
        }
    }

    /// An accumulator of sums that were added up elsewhere, by the same plan and calendars.
    pub fn of_sums(plan: &'a Plan, calendars: &'a Calendars, sums: Sums) -> Self {
        let mut all = Self::new(plan, calendars);
        all.overall = sums.overall.slot();
        all.touching_ends = sums.touching_ends;
        for (length, periods) in sums.periods {
            if let Some(position) = calendars.position(length) {
                all.all_users[position] = Series::of_sums(periods);
            }
        }
        let source_sets = sums.source_sets.into_iter();
        all.source_sets = source_sets
            .map(|(sources, periods)| (sources, Series::of_sums(periods)))
            .collect();
        let users = sums.users.into_iter();
        all.user_rows = users.map(|(user, sums)| sums.user_row(user)).collect();
        all
    }

    /// The same, within the memory of the run: durations that do not fit go to its temporary file,
    /// and rows of users that do not fit make the run fail.
    #[must_use]
    pub fn within(mut self, memory: &Arc<Memory>) -> Self {
        self.room = Some(Room {
            memory: Arc::clone(memory),
            untaken: 0,
            for_durations: 0,
        });
        self
    }

    /// The same for [`Accumulator::change`] alone: without any quantile, for which every duration
    /// would have to be kept, and without sums that no period has.
    #[must_use]
    pub fn of_changes(mut self) -> Self {
        self.is_of_changes = true;
        self
    }

    /// Adds all sessions of one user that start in the window, in time order. They must start
    /// within the extent that the calendars were made for, and a user must not be added twice, to
    /// this accumulator or to one merged with it. No sessions: nothing is added.
    pub fn user(&mut self, user: UserId<'_>, sessions: &[Session]) {
        if sessions.is_empty() {
            return;
        }
        if self.is_of_changes {
            return self.add_to_all_users(sessions);
        }
        self.overall
            .cell
            .add_user(&totals(sessions, self.open_after));
        if self.keeps_overall_durations() {
            keep_durations(&mut self.overall.durations, sessions, self.open_after);
        }
        self.count_touching_ends(sessions);
        self.add_to_all_users(sessions);
        match self.plan.segment {
            None => {}
            Some(Segment::User) => self.add_user_rows(user, sessions),
            Some(Segment::SourceSet) => self.add_to_source_sets(sessions),
        }
        self.take_room(sessions.len());
    }

    /// Takes memory for the durations, or the user's rows, of so many sessions more.
    fn take_room(&mut self, sessions: usize) {
        let Some(room) = &mut self.room else {
            return;
        };
        let each = match self.plan.segment {
            Some(Segment::User) => DURATION + size_of::<UserRow>(),
            _ => DURATION,
        };
        room.untaken += sessions * each;
        if room.untaken < ASKED.min(room.memory.smallest_spill()) {
            return;
        }
        if self.plan.segment == Some(Segment::User) {
            let rows = std::mem::take(&mut room.untaken);
            room.memory.take_fixed(rows, "rows for every user");
        } else if room.memory.take(room.untaken) {
            room.for_durations += std::mem::take(&mut room.untaken);
        } else if room.for_durations + room.untaken >= room.memory.smallest_spill() {
            room.memory.give_back(room.for_durations);
            (room.for_durations, room.untaken) = (0, 0);
            let memory = Arc::clone(&room.memory);
            for durations in self.all_durations() {
                durations.spill(&memory);
            }
        }
    }

    /// The durations of every row.
    fn all_durations(&mut self) -> impl Iterator<Item = &mut Durations> {
        let of_rows = self
            .all_users
            .iter_mut()
            .chain(self.source_sets.values_mut());
        of_rows
            .flat_map(Series::durations)
            .chain([&mut self.overall.durations])
    }

    /// Adds what another accumulator of the same plan and calendars holds, over other users.
    #[must_use]
    pub fn merge(mut self, mut other: Self) -> Self {
        self.overall.cell.merge(&other.overall.cell);
        self.overall.durations.append(other.overall.durations);
        self.touching_ends += other.touching_ends;
        for (series, other) in self.all_users.iter_mut().zip(other.all_users) {
            series.merge(other);
        }
        for (sources, series) in other.source_sets {
            self.source_sets.entry(sources).or_default().merge(series);
        }
        self.user_rows.append(&mut other.user_rows);
        self
    }

    /// The change of the mean to a period from the one before it, over all users, whatever their
    /// standing; `None` where one of them has no closed session, or no such period is known.
    pub fn change(&self, length: PeriodLength, later: Period) -> Option<Change> {
        let position = self.calendars.position(length)?;
        let index = self.calendars.by_length[position].1.index_of(later.start);
        self.all_users[position].change(index)
    }

    /// The measures. `extents` is what the calendars were made from; `source_names` are the names
    /// of the sources by index.
    ///
    /// Shape of `rows`: by period, then segment, users in the order of `User` and source sets by
    /// the bytes of their names. Without a segment every period from the first to the last one in
    /// which a session starts has a row, so that an outage shows; with a segment only those with a
    /// session have one. Rows per user have no intervals, being one user each. The medians of the
    /// trend's figures are known where the rows have the same periods and no segment.
    pub fn finish(mut self, extents: &Extents, source_names: &[impl AsRef<str>]) -> Measures {
        let observation = Observation::new(self.plan, extents, source_names);
        let mut remarks = Vec::new();
        let rows = self.rows(&observation, source_names, &mut remarks);
        let trend = trend(
            self.plan,
            self.calendars,
            &mut self.all_users,
            &observation,
            &mut remarks,
        );
        let daily = daily_means(self.calendars, &self.all_users, &observation);
        Measures {
            rows,
            overall: self.overall_row(),
            trend,
            daily,
            touching_ends: self.touching_ends,
            extent: self.calendars.extent,
            own: None,
            tracked: None,
            observed: observation.span,
            remarks,
            dwell: None,
        }
    }

    fn rows(
        &mut self,
        observation: &Observation,
        source_names: &[impl AsRef<str>],
        remarks: &mut Vec<String>,
    ) -> Vec<Row> {
        let by = self.plan.by.and_then(|by| self.calendars.position(by));
        let periods = match by {
            Some(by) => {
                let calendar = &self.calendars.by_length[by].1;
                let standings = rows::Standings::new(calendar, &self.all_users[by], observation);
                remarks.extend(standings.remarks(observation));
                Some(standings)
            }
            None => None,
        };
        match (self.plan.segment, by) {
            (Some(Segment::User), _) => {
                rows::of_users(std::mem::take(&mut self.user_rows), periods.as_ref())
            }
            (Some(Segment::SourceSet), _) => {
                let named = self
                    .source_sets
                    .iter_mut()
                    .map(|(&sources, series)| (joined_names(sources, source_names), series));
                rows::of_source_sets(named.collect(), periods.as_ref())
            }
            (None, Some(by)) => periods.map_or_else(Vec::new, |periods| {
                rows::of_periods(&mut self.all_users[by], &periods)
            }),
            (None, None) => Vec::new(),
        }
    }

    /// Everything together. Takes the durations from where the rows kept them.
    fn overall_row(&mut self) -> Row {
        let mut all = Durations::default();
        for durations in self.all_durations() {
            all.append(std::mem::take(durations));
        }
        self.overall.durations = all;
        Row {
            period: None,
            complete: None,
            segment: None,
            figures: self.overall.figures(),
            change: None,
        }
    }

    /// Durations are kept once: with the rows, where each is in exactly one row that outlives its
    /// user, else apart.
    fn keeps_overall_durations(&self) -> bool {
        match self.plan.segment {
            None => self.plan.by.is_none(),
            Some(Segment::User) => self.plan.total,
            Some(Segment::SourceSet) => false,
        }
    }

    fn count_touching_ends(&mut self, sessions: &[Session]) {
        let Some((first, last)) = self.calendars.extent else {
            return;
        };
        let timeout = self.plan.timeout.micros();
        let touching = sessions
            .iter()
            .filter(|session| session.start - first < timeout || last - session.end < timeout);
        self.touching_ends += touching.count() as u64;
    }

    fn add_to_all_users(&mut self, sessions: &[Session]) {
        let kept = match self.plan.segment {
            None => self.plan.by.filter(|_| !self.is_of_changes),
            Some(_) => None,
        };
        for (series, (length, calendar)) in self.all_users.iter_mut().zip(&self.calendars.by_length)
        {
            let mut before = None;
            for (index, run) in runs(Some(calendar), sessions) {
                series.add(index, totals(run, self.open_after), &mut before);
                if kept == Some(*length) {
                    keep_durations(&mut series.slot(index).durations, run, self.open_after);
                }
            }
        }
    }

    fn add_user_rows(&mut self, user: UserId<'_>, sessions: &[Session]) {
        let mut before: Option<(usize, UserTotals)> = None;
        for (period, run) in runs(self.row_calendar(), sessions) {
            let totals = totals(run, self.open_after);
            self.durations.clear();
            keep_durations(&mut self.durations, run, self.open_after);
            self.user_rows.push(UserRow {
                period,
                user: user.to_user(),
                totals,
                median: quantile(&mut self.durations, 50),
                p90: quantile(&mut self.durations, 90),
                earlier: before
                    .filter(|(earlier, _)| earlier + 1 == period)
                    .map(|(_, totals)| (totals.closed_sessions, totals.duration)),
            });
            before = Some((period, totals));
        }
    }

    fn add_to_source_sets(&mut self, sessions: &[Session]) {
        let mut placed = std::mem::take(&mut self.placed);
        placed.clear();
        let mut position = 0;
        for (index, run) in runs(self.row_calendar(), sessions) {
            for session in run {
                placed.push((session.sources, index, position));
                position += 1;
            }
        }
        placed.sort_unstable();
        for of_set in placed.chunk_by(|a, b| a.0 == b.0) {
            let series = self.source_sets.entry(of_set[0].0).or_default();
            let mut before = None;
            for of_period in of_set.chunk_by(|a, b| a.1 == b.1) {
                let index = of_period[0].1;
                let run = of_period
                    .iter()
                    .map(|&(_, _, position)| &sessions[position]);
                series.add(index, totals(run.clone(), self.open_after), &mut before);
                keep_durations(&mut series.slot(index).durations, run, self.open_after);
            }
        }
        self.placed = placed;
    }

    fn row_calendar(&self) -> Option<&'a Calendar> {
        let position = self.calendars.position(self.plan.by?)?;
        Some(&self.calendars.by_length[position].1)
    }
}

fn totals<'s>(sessions: impl IntoIterator<Item = &'s Session>, open_after: Micros) -> UserTotals {
    let mut totals = UserTotals::default();
    for session in sessions {
        totals.add(session, session.end > open_after);
    }
    totals
}

fn keep_durations<'s>(
    durations: &mut impl Extend<Micros>,
    sessions: impl IntoIterator<Item = &'s Session>,
    open_after: Micros,
) {
    let closed = sessions
        .into_iter()
        .filter(|session| session.end <= open_after);
    durations.extend(closed.map(Session::duration));
}

/// The names of a set's sources in order, joined with `;`.
pub(crate) fn joined_names(sources: SourceSet, names: &[impl AsRef<str>]) -> String {
    let mut names: Vec<&str> = sources
        .iter()
        .filter_map(|source| names.get(usize::from(source)))
        .map(AsRef::as_ref)
        .collect();
    names.sort_unstable();
    names.join(";")
}
