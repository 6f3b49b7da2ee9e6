//! In which range of timeouts the trend of the headline holds: the same two periods are compared at
//! each.

use crate::measures::Change;
use crate::threshold::Robustness;
use crate::time::civil::MINUTE;
use crate::time::duration::Timeout;

/// The timeouts that are looked at besides the one in use, in minutes.
const MINUTES: [i64; 12] = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120];

/// The timeouts at which the trend is looked at, the shortest first.
pub fn grid(in_use: Timeout) -> Vec<Timeout> {
    let round = MINUTES.map(|minutes| minutes * MINUTE);
    let round = round
        .into_iter()
        .filter_map(|at| Timeout::from_micros(at).ok());
    let mut grid: Vec<Timeout> = round.chain([in_use]).collect();
    grid.sort_unstable();
    grid.dedup();
    grid
}

/// What follows from the changes, the shortest timeout first, around the timeout in use. Without a
/// trend there nothing is said of ranges.
pub fn robustness(points: Vec<(Timeout, Option<Change>)>, in_use: Timeout) -> Robustness {
    let there = points.iter().position(|(timeout, _)| *timeout == in_use);
    let here = there.and_then(|place| Some((place, points[place].1.as_ref()?)));
    let Some((place, here)) = here else {
        return Robustness {
            points,
            ..Robustness::default()
        };
    };
    let (sign_here, arrow_here) = (sign(here), here.direction());
    let has_sign = |change: &Change| sign(change) == sign_here;
    let has_arrow = |change: &Change| {
        has_sign(change) && change.interval.is_some() && change.direction() == arrow_here
    };
    let known = points.iter().filter_map(|(_, change)| change.as_ref());
    let agreeing = known.clone().filter(|change| has_arrow(change)).count();
    let share = agreeing as f64 / known.count() as f64;
    // Without an interval there is no arrow that others could agree with.
    let is_sure = here.interval.is_some();
    Robustness {
        same_sign: Some(range(&points, place, has_sign)),
        same_arrow: is_sure.then(|| range(&points, place, has_arrow)),
        agreeing: is_sure.then_some(share),
        flips: flips(&points),
        points,
        ..Robustness::default()
    }
}

/// The widest range of neighbours around one point in which every change is like this.
fn range(
    points: &[(Timeout, Option<Change>)],
    place: usize,
    is_so: impl Fn(&Change) -> bool,
) -> (Timeout, Timeout) {
    let holds = |(_, change): &&(Timeout, Option<Change>)| change.as_ref().is_some_and(&is_so);
    let earlier = points[..place].iter().rev().take_while(holds).count();
    let later = points[place + 1..].iter().take_while(holds).count();
    (points[place - earlier].0, points[place + later].0)
}

/// Neighbours, where both have a change, between which its sign turns.
fn flips(points: &[(Timeout, Option<Change>)]) -> Vec<(Timeout, Timeout)> {
    let known = points
        .iter()
        .filter_map(|(timeout, change)| Some((*timeout, change.as_ref()?)));
    let known: Vec<(Timeout, &Change)> = known.collect();
    let turns = known
        .windows(2)
        .filter(|pair| sign(pair[0].1) != sign(pair[1].1));
    turns.map(|pair| (pair[0].0, pair[1].0)).collect()
}

/// +1, −1, or 0 for no change at all.
fn sign(change: &Change) -> i8 {
    match change.seconds {
        seconds if seconds > 0.0 => 1,
        seconds if seconds < 0.0 => -1,
        _ => 0,
    }
}
