//! How accuracy, speed and XP move: figures of groups of sessions, and of the later half of the
//! sessions against the earlier one, each with its 95 % interval.
//!
//! One learner's answers are alike, so over several users the unit is the user (METHODS sections 9
//! and 13). Of one user alone it is the answer; for XP, and between two halves, the session.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::events::Micros;
use crate::measures::interval::{FEWEST_EFFECTIVE_USERS, FEWEST_USERS};
use crate::tracked::attempts::Tally;
use crate::tracked::wilson::wilson;

/// Under so many sessions of one user there is no interval over sessions.
const FEWEST_SESSIONS: usize = 3;

/// What one session brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Whose session it is, as a number.
    pub(crate) user: usize,
    pub(crate) start: Micros,
    pub(crate) tally: Tally,
    /// What it earned; unknown while it is open.
    pub(crate) xp: Option<i64>,
}

/// Whether a single user is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    OneUser,
    AllUsers,
}

/// What sessions add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) sessions: u64,
    pub(crate) users: u64,
    pub(crate) tally: Tally,
    /// Shares.
    pub(crate) accuracy_interval: Option<(f64, f64)>,
    /// The mean of the users' own shares, in which each of them counts the same.
    pub(crate) mean_of_users: Option<f64>,
    /// Microseconds.
    pub(crate) time_interval: Option<(f64, f64)>,
    /// Sessions whose XP is known.
    pub(crate) scored: u64,
    pub(crate) total_xp: i128,
    /// Per session.
    pub(crate) mean_xp: Option<f64>,
    pub(crate) xp_interval: Option<(f64, f64)>,
}

/// A measure in the earlier half of the sessions and in the later one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) earlier: f64,
    pub(crate) later: f64,
    pub(crate) interval: Option<(f64, f64)>,
}

/// What changed between the two halves; `None` where a half knows nothing of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// When the later half begins.
    pub(crate) split: Option<Micros>,
    /// Shares.
    pub(crate) accuracy: Option<Change>,
    /// Mean time for a question, in microseconds.
    pub(crate) time: Option<Change>,
    /// Mean per session.
    pub(crate) xp: Option<Change>,
}

/// The sums of one unit: what is shared out, and among how many.
type Sums = (f64, f64);

/// The figures of sessions.
pub(crate) fn figures(portions: &[&Portion], scope: Scope) -> Figures {
    let mut tally = Tally::default();
    for portion in portions {
        tally.merge(&portion.tally);
    }
    let scored: Vec<i64> = portions.iter().filter_map(|portion| portion.xp).collect();
    let total_xp: i128 = scored.iter().map(|xp| i128::from(*xp)).sum();
    let (time_units, xp_units) = match scope {
        Scope::OneUser => (
            tally
                .times()
                .iter()
                .map(|time| (*time as f64, 1.0))
                .collect(),
            scored.iter().map(|xp| (*xp as f64, 1.0)).collect(),
        ),
        Scope::AllUsers => (by_user(portions, time), by_user(portions, xp)),
    };
    let xp_floor = Floor::of(scope);
    Figures {
        sessions: portions.len() as u64,
        users: by_user(portions, |_| (0.0, 1.0)).len() as u64,
        accuracy_interval: match scope {
            Scope::OneUser => tally.accuracy_interval(),
            Scope::AllUsers => learners_interval(&by_user(portions, accuracy)),
        },
        mean_of_users: mean_of_shares(&by_user(portions, accuracy)),
        time_interval: mean_interval(&time_units, Floor::of(Scope::AllUsers), Scale::Logarithm),
        scored: scored.len() as u64,
        total_xp,
        mean_xp: (!scored.is_empty()).then(|| total_xp as f64 / scored.len() as f64),
        xp_interval: mean_interval(&xp_units, xp_floor, Scale::Plain),
        tally,
    }
}

/// The later half of sessions, which are in time order, against the earlier one; of an odd number the
/// one in the middle is later.
pub(crate) fn changes(portions: &[&Portion], scope: Scope) -> Changes {
    let (earlier, later) = portions.split_at(portions.len() / 2);
    if earlier.is_empty() {
        return Changes::default();
    }
    let between = |sums: fn(&Portion) -> Sums| {
        let units = match scope {
            Scope::OneUser => {
                let before = earlier.iter().map(|portion| (sums(portion), (0.0, 0.0)));
                let after = later.iter().map(|portion| ((0.0, 0.0), sums(portion)));
                before.chain(after).collect()
            }
            Scope::AllUsers => {
                let mut units: BTreeMap<usize, (Sums, Sums)> = BTreeMap::new();
                for portion in earlier {
                    add(&mut units.entry(portion.user).or_default().0, sums(portion));
                }
                for portion in later {
                    add(&mut units.entry(portion.user).or_default().1, sums(portion));
                }
                units.into_values().collect::<Vec<_>>()
            }
        };
        change(&units, Floor::of(scope))
    };
    Changes {
        split: later.first().map(|portion| portion.start),
        accuracy: between(accuracy).map(|change| Change {
            interval: change
                .interval
                .map(|(low, high)| (low.max(-1.0), high.min(1.0))),
            ..change
        }),
        time: between(time),
        xp: between(xp),
    }
}

fn accuracy(portion: &Portion) -> Sums {
    (portion.tally.correct as f64, portion.tally.marked() as f64)
}

fn time(portion: &Portion) -> Sums {
    let times = portion.tally.times();
    let total: i128 = times.iter().map(|time| i128::from(*time)).sum();
    (total as f64, times.len() as f64)
}

fn xp(portion: &Portion) -> Sums {
    portion.xp.map_or((0.0, 0.0), |xp| (xp as f64, 1.0))
}

fn add(sums: &mut Sums, other: Sums) {
    sums.0 += other.0;
    sums.1 += other.1;
}

/// The sums of each user who has any.
fn by_user(portions: &[&Portion], sums: fn(&Portion) -> Sums) -> Vec<Sums> {
    let mut users: BTreeMap<usize, Sums> = BTreeMap::new();
    for portion in portions {
        add(users.entry(portion.user).or_default(), sums(portion));
    }
    let known = users.into_values().filter(|(_, under)| *under > 0.0);
    known.collect()
}

/// Wilson's interval of a share with learners as the unit (METHODS section 13):
/// v = n ÷ (n − 1) · Σ (c − p a)² ÷ (Σ a)², and as sure as min(Σ a, p (1 − p) ÷ v) answers that have
/// nothing to do with each other; as n of them where all are correct, none is, or n is 1.
fn learners_interval(units: &[Sums]) -> Option<(f64, f64)> {
    let (correct, answers) = totals(units);
    let learners = units.len() as f64;
    let share = correct / answers;
    let independent = if units.len() < 2 || correct == 0.0 || correct == answers {
        learners
    } else {
        let variance = squared_residuals(units, share) * learners / (learners - 1.0);
        // Without any spread between learners this is infinite, and the answers decide.
        answers.min(share * (1.0 - share) * answers * answers / variance)
    };
    wilson(correct, answers, independent)
}

/// From how many units on there is an interval.
#[derive(Clone, Copy, Debug)]
struct Floor {
    units: usize,
    effective: f64,
}

impl Floor {
    fn of(scope: Scope) -> Self {
        match scope {
            Scope::AllUsers => Floor {
                units: FEWEST_USERS as usize,
                effective: FEWEST_EFFECTIVE_USERS,
            },
            Scope::OneUser => Floor {
                units: FEWEST_SESSIONS,
                effective: 2.0,
            },
        }
    }
}

/// Where an interval is symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Plain,
    /// For times, which are skewed.
    Logarithm,
}

/// The 95 % interval of Σ over ÷ Σ under, by the delta method (METHODS section 9).
fn mean_interval(units: &[Sums], floor: Floor, scale: Scale) -> Option<(f64, f64)> {
    let (over, under) = totals(units);
    let effective = effective(units)?;
    if units.len() < floor.units || effective < floor.effective {
        return None;
    }
    let mean = over / under;
    let spread = student(effective - 1.0) * variance(units)?.sqrt();
    match scale {
        Scale::Plain => Some((mean - spread, mean + spread)),
        Scale::Logarithm => {
            let ratio = (spread / mean).exp();
            (mean > 0.0).then(|| (mean / ratio, mean * ratio))
        }
    }
}

/// The change from the first sums of units to their second ones.
fn change(units: &[(Sums, Sums)], floor: Floor) -> Option<Change> {
    let earlier: Vec<Sums> = units.iter().map(|unit| unit.0).collect();
    let later: Vec<Sums> = units.iter().map(|unit| unit.1).collect();
    let ((over_before, before), (over_after, after)) = (totals(&earlier), totals(&later));
    if before <= 0.0 || after <= 0.0 {
        return None;
    }
    let (mean_before, mean_after) = (over_before / before, over_after / after);
    let interval = || {
        let present = |units: &[Sums]| units.iter().filter(|(_, under)| *under > 0.0).count();
        let fewest = present(&earlier).min(present(&later));
        let effective = effective(&earlier)?.min(effective(&later)?);
        if fewest < floor.units || effective < floor.effective {
            return None;
        }
        let shared: f64 = units
            .iter()
            .map(|((a, b), (c, d))| (a - mean_before * b) * (c - mean_after * d))
            .sum();
        let all = present(
            &units
                .iter()
                .map(|(one, other)| (0.0, one.1 + other.1))
                .collect::<Vec<_>>(),
        ) as f64;
        let covariance = shared / (before * after) * all / (all - 1.0);
        let variance = variance(&earlier)? + variance(&later)? - 2.0 * covariance;
        let spread = student(effective - 1.0) * variance.max(0.0).sqrt();
        let difference = mean_after - mean_before;
        Some((difference - spread, difference + spread))
    };
    Some(Change {
        earlier: mean_before,
        later: mean_after,
        interval: interval(),
    })
}

/// Each unit's share, on average.
fn mean_of_shares(units: &[Sums]) -> Option<f64> {
    let shares: f64 = units.iter().map(|(over, under)| over / under).sum();
    (!units.is_empty()).then(|| shares / units.len() as f64)
}

fn totals(units: &[Sums]) -> Sums {
    let mut totals = (0.0, 0.0);
    for unit in units {
        add(&mut totals, *unit);
    }
    totals
}

/// Σ (over − mean · under)².
fn squared_residuals(units: &[Sums], mean: f64) -> f64 {
    let residuals = units.iter().map(|(over, under)| over - mean * under);
    residuals.map(|residual| residual * residual).sum()
}

/// n ÷ (n − 1) · Σ (over − mean · under)² ÷ (Σ under)², over the n units that have a share.
fn variance(units: &[Sums]) -> Option<f64> {
    let (over, under) = totals(units);
    let present = units.iter().filter(|(_, under)| *under > 0.0).count();
    if present < 2 {
        return None;
    }
    let factor = present as f64 / (present - 1) as f64;
    Some(factor * squared_residuals(units, over / under) / (under * under))
}

/// (Σ under)² ÷ Σ under²: how many units of equal weight would say as much.
fn effective(units: &[Sums]) -> Option<f64> {
    let (_, under) = totals(units);
    let squares: f64 = units.iter().map(|(_, under)| under * under).sum();
    (squares > 0.0).then(|| under * under / squares)
}

/// The quantile 0.975 of Student's distribution, with one degree of freedom at least.
fn student(freedom: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom.max(1.0))
        .expect("the degrees of freedom are a finite number of at least one");
    student.inverse_cdf(0.975)
}
