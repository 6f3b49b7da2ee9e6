//! Sums that add up: of one user in one period, of all users of a period, and of the users that two
//! neighbouring periods share. All are integers, so no order of adding changes a figure.

use crate::events::{Micros, SECOND};
use crate::measures::Figures;
use crate::measures::interval::{effective_users, mean_interval};
use crate::sessions::session::Session;

/// The sessions of one user in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTotals {
    /// Events, those of open sessions included.
    pub events: u64,
    /// Sessions, open ones included.
    pub sessions: u64,
    /// Open sessions.
    pub open_sessions: u64,
    /// Closed sessions.
    pub closed_sessions: u64,
    /// Events of the closed sessions.
    pub closed_events: u64,
    /// Closed sessions of exactly one event.
    pub bounces: u64,
    /// Durations of the closed sessions together, in microseconds.
    pub duration: Micros,
    /// Those of the bounces, which last only by another system's rule.
    pub bounce_duration: Micros,
}

impl UserTotals {
    /// Adds a session, which is open or not.
    pub fn add(&mut self, session: &Session, is_open: bool) {
        self.events += session.events;
        self.sessions += 1;
        if is_open {
            self.open_sessions += 1;
            return;
        }
        self.closed_sessions += 1;
        self.closed_events += session.events;
        self.duration += session.duration();
        if session.is_bounce() {
            self.bounces += 1;
            self.bounce_duration += session.duration();
        }
    }

    /// The user's mean duration in units of 2^-20 microseconds, rounded down: an integer, so that
    /// means can be added in any order. Needs a closed session.
    fn fixed_point_mean(&self) -> i128 {
        // Sums below 2^43 us (101 days) are all but the strangest, and 64 bits divide much faster.
        match u64::try_from(self.duration) {
            Ok(duration) if self.closed_sessions == 1 => i128::from(duration) << FRACTION_BITS,
            Ok(duration) if duration < 1 << 43 => {
                i128::from((duration << FRACTION_BITS) / self.closed_sessions)
            }
            _ => (i128::from(self.duration) << FRACTION_BITS) / i128::from(self.closed_sessions),
        }
    }
}

/// Binary digits after the point of a user's mean.
const FRACTION_BITS: u32 = 20;

/// The sums over the users of one period and segment (METHODS section 9).
///
/// S is a user's number of closed sessions, D their duration together in microseconds. The sum of
/// D squared fits for sixteen million users who each stay a century.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Users with a session.
    pub users: u64,
    /// Events, those of open sessions included.
    pub events: u64,
    /// Sessions, open ones included.
    pub sessions: u64,
    /// Open sessions.
    pub open_sessions: u64,
    /// Users with a closed session: n.
    pub closed_users: u64,
    /// Closed sessions: the sum of S.
    pub closed_sessions: u64,
    /// Events of the closed sessions.
    pub closed_events: u64,
    /// Closed sessions of exactly one event.
    pub bounces: u64,
    /// The largest S of one user.
    pub largest_user: u64,
    /// The sum of D.
    pub duration: i128,
    /// The part of it that is bounces; 0 but by another system's rule.
    pub bounce_duration: i128,
    /// The sum of S squared.
    pub sessions_squared: i128,
    /// The sum of S times D.
    pub sessions_times_duration: i128,
    /// The sum of D squared.
    pub duration_squared: i128,
    /// The sum of the users' means, in units of 2^-20 microseconds.
    pub user_means: i128,
}

impl Cell {
    /// Adds a user, who must not be in it yet.
    pub fn add_user(&mut self, user: &UserTotals) {
        self.users += u64::from(user.sessions > 0);
        self.events += user.events;
        self.sessions += user.sessions;
        self.open_sessions += user.open_sessions;
        if user.closed_sessions == 0 {
            return;
        }
        let (sessions, duration) = (i128::from(user.closed_sessions), i128::from(user.duration));
        self.closed_users += 1;
        self.closed_sessions += user.closed_sessions;
        self.closed_events += user.closed_events;
        self.bounces += user.bounces;
        self.largest_user = self.largest_user.max(user.closed_sessions);
        self.duration += duration;
        self.bounce_duration += i128::from(user.bounce_duration);
        self.sessions_squared += sessions * sessions;
        self.sessions_times_duration += sessions * duration;
        self.duration_squared += duration * duration;
        self.user_means += user.fixed_point_mean();
    }

    /// Adds a cell of other users.
    pub fn merge(&mut self, other: &Cell) {
        self.users += other.users;
        self.events += other.events;
        self.sessions += other.sessions;
        self.open_sessions += other.open_sessions;
        self.closed_users += other.closed_users;
        self.closed_sessions += other.closed_sessions;
        self.closed_events += other.closed_events;
        self.bounces += other.bounces;
        self.largest_user = self.largest_user.max(other.largest_user);
        self.duration += other.duration;
        self.bounce_duration += other.bounce_duration;
        self.sessions_squared += other.sessions_squared;
        self.sessions_times_duration += other.sessions_times_duration;
        self.duration_squared += other.duration_squared;
        self.user_means += other.user_means;
    }

    /// Mean duration in seconds, each session counting the same; `None` without a closed session.
    pub fn mean(&self) -> Option<f64> {
        ratio(self.duration as f64, self.closed_sessions).map(|micros| micros / SECOND as f64)
    }

    /// The mean of the users' own means in seconds; `None` without a closed session.
    pub fn mean_of_user_means(&self) -> Option<f64> {
        let units_per_second = SECOND as f64 * f64::from(1u32 << FRACTION_BITS);
        ratio(self.user_means as f64, self.closed_users).map(|units| units / units_per_second)
    }

    /// All figures; the quantiles, in seconds, are the caller's, since the sums do not hold them.
    pub fn figures(&self, median: Option<f64>, p90: Option<f64>) -> Figures {
        let longer = self.closed_sessions - self.bounces;
        Figures {
            users: self.users,
            events: self.events,
            sessions: self.sessions,
            open_sessions: self.open_sessions,
            mean: self.mean(),
            mean_interval: mean_interval(self),
            median,
            p90,
            mean_without_bounces: ratio((self.duration - self.bounce_duration) as f64, longer)
                .map(|micros| micros / SECOND as f64),
            bounce_rate: ratio(self.bounces as f64, self.closed_sessions),
            sessions_per_user: ratio(self.closed_sessions as f64, self.closed_users),
            events_per_session: ratio(self.closed_events as f64, self.closed_sessions),
            total: (self.closed_sessions > 0).then_some(self.duration),
            mean_of_user_means: self.mean_of_user_means(),
            closed_sessions: self.closed_sessions,
            closed_users: self.closed_users,
            effective_users: effective_users(self),
            largest_user_share: ratio(self.largest_user as f64, self.closed_sessions),
            dwell: None,
        }
    }
}

/// The sums over the users present, with closed sessions, in a period and in the one before it
/// (METHODS section 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// How many users are present in both.
    pub users: u64,
    /// The sum of S earlier times S later.
    pub sessions_sessions: i128,
    /// The sum of S earlier times D later.
    pub sessions_duration: i128,
    /// The sum of D earlier times S later.
    pub duration_sessions: i128,
    /// The sum of D earlier times D later.
    pub duration_duration: i128,
}

impl Pair {
    /// Adds a user; one without a closed session in either period changes nothing.
    pub fn add_user(&mut self, earlier: &UserTotals, later: &UserTotals) {
        if earlier.closed_sessions == 0 || later.closed_sessions == 0 {
            return;
        }
        let sessions = i128::from(earlier.closed_sessions);
        let duration = i128::from(earlier.duration);
        let (later_sessions, later_duration) = (
            i128::from(later.closed_sessions),
            i128::from(later.duration),
        );
        self.users += 1;
        self.sessions_sessions += sessions * later_sessions;
        self.sessions_duration += sessions * later_duration;
        self.duration_sessions += duration * later_sessions;
        self.duration_duration += duration * later_duration;
    }

    /// Adds the pair of other users.
    pub fn merge(&mut self, other: &Pair) {
        self.users += other.users;
        self.sessions_sessions += other.sessions_sessions;
        self.sessions_duration += other.sessions_duration;
        self.duration_sessions += other.duration_sessions;
        self.duration_duration += other.duration_duration;
    }
}

fn ratio(of: f64, to: u64) -> Option<f64> {
    (to > 0).then(|| of / to as f64)
}
