//! Gaps as boundaries: found, invented, missed, left whole; and what every timeout would make of
//! them, from the gaps in order. A gap between two events outside is not scored; one with a single
//! end inside a tracked session is a tracked boundary.

use std::cmp::Ordering;

use crate::agreement::UserCase;
use crate::agreement::tally::{Sum, Tally};
use crate::events::Micros;
use crate::time::duration::Timeout;

/// The gap before an event that opens a session whatever the timeout: longer than any other.
pub(super) const ENDLESS: Micros = Micros::MAX;

/// One scored gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// In microseconds, or [`ENDLESS`].
    pub(super) length: Micros,
    /// Whether tracked sessions part here.
    pub(super) is_boundary: bool,
}

/// Counts a user's scored gaps and gives them. A boundary stands at the time of the event after
/// its gap; with `tolerance`, boundaries are paired one to one in the order of time.
pub(super) fn score(
    case: &UserCase<'_>,
    labels: &[Option<u32>],
    tolerance: Micros,
    tally: &mut Tally,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let (mut tracked, mut inferred) = (Vec::new(), Vec::new());
    for (before, pair) in labels.windows(2).enumerate() {
        let after = before + 1;
        if pair == [None, None] {
            continue;
        }
        let (is_boundary, is_predicted) = (pair[0] != pair[1], case.inferred[after]);
        tally[outcome(is_boundary, is_predicted)] += 1;
        tracked.extend(is_boundary.then_some(case.events[after]));
        inferred.extend(is_predicted.then_some(case.events[after]));
        let length = match case.opens[after] {
            true => ENDLESS,
            false => case.events[after] - case.events[before],
        };
        gaps.push(Gap {
            length,
            is_boundary,
        });
    }
    tally[Sum::NearBoundaries] += paired(&tracked, &inferred, tolerance);
    gaps
}

fn outcome(is_boundary: bool, is_predicted: bool) -> Sum {
    match (is_boundary, is_predicted) {
        (true, true) => Sum::TruePositives,
        (false, true) => Sum::FalsePositives,
        (true, false) => Sum::FalseNegatives,
        (false, false) => Sum::TrueNegatives,
    }
}

/// How many of two ascending lists pair up within `tolerance`, one to one, in order. Taking the
/// earliest possible pair each time gives as many pairs as can be.
fn paired(one: &[Micros], two: &[Micros], tolerance: Micros) -> i128 {
    let (mut at_one, mut at_two, mut pairs) = (0, 0, 0);
    while let (Some(first), Some(second)) = (one.get(at_one), two.get(at_two)) {
        let is_pair = (first - second).abs() <= tolerance;
        pairs += i128::from(is_pair);
        at_one += usize::from(is_pair || first < second);
        at_two += usize::from(is_pair || first >= second);
    }
    pairs
}

/// Gaps of one length, or of lengths that are not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// The longest of them.
    pub(super) length: Micros,
    /// Tracked boundaries.
    pub(super) boundaries: u64,
    /// Others.
    pub(super) inner: u64,
}

/// What one timeout makes of all gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) true_positives: u64,
    pub(super) false_positives: u64,
    pub(super) false_negatives: u64,
    pub(super) true_negatives: u64,
}

impl Outcome {
    /// Every gap is predicted.
    fn of_every_boundary(groups: impl Iterator<Item = Group>) -> Self {
        groups.fold(Self::default(), |mut outcome, group| {
            outcome.true_positives += group.boundaries;
            outcome.false_positives += group.inner;
            outcome
        })
    }

    /// These gaps are no longer predicted.
    fn leave_whole(&mut self, group: &Group) {
        self.true_positives -= group.boundaries;
        self.false_negatives += group.boundaries;
        self.false_positives -= group.inner;
        self.true_negatives += group.inner;
    }

    pub(super) fn add(&mut self, other: Outcome) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
        self.true_negatives += other.true_negatives;
    }

    pub(super) fn precision(&self) -> Option<f64> {
        share(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    pub(super) fn recall(&self) -> Option<f64> {
        share(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    pub(super) fn f1(&self) -> Option<f64> {
        share(2 * self.true_positives, self.f1_below())
    }

    fn f1_below(&self) -> u64 {
        2 * self.true_positives + self.false_positives + self.false_negatives
    }

    /// Which F1 is higher, exactly.
    fn compare(&self, other: &Outcome) -> Ordering {
        let product = |one: &Outcome, two: &Outcome| {
            u128::from(one.true_positives) * u128::from(two.f1_below())
        };
        product(self, other).cmp(&product(other, self))
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The timeouts with the highest F1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Best {
    /// The shortest of them.
    pub(super) from: Micros,
    /// The first longer one that is worse; `None` where there is none.
    pub(super) to: Option<Micros>,
    /// What they make of the gaps.
    pub(super) outcome: Outcome,
}

impl Best {
    /// The one in the middle of the logarithms, in whole seconds where one lies within; without an
    /// end, the shortest.
    pub(super) fn middle(&self) -> Micros {
        let Some(to) = self.to else {
            return self.from;
        };
        let second = Timeout::SHORTEST.micros();
        let middle = ((self.from as f64) * (to as f64)).sqrt();
        let whole = (middle / second as f64).round() as Micros * second;
        match (self.from..to).contains(&whole) {
            true => whole,
            false => (middle as Micros).clamp(self.from, to - 1),
        }
    }
}

/// What each timeout makes of groups; both ascend.
pub(super) fn outcomes<I: Iterator<Item = Group>>(
    timeouts: &[Micros],
    groups: impl Fn() -> I,
) -> Vec<Outcome> {
    let mut outcome = Outcome::of_every_boundary(groups());
    let mut groups = groups().peekable();
    let at = timeouts.iter().map(|&timeout| {
        while let Some(group) = groups.next_if(|group| group.length <= timeout) {
            outcome.leave_whole(&group);
        }
        outcome
    });
    at.collect()
}

/// The timeouts with the highest F1 over groups in ascending order; of several such ranges the one
/// of the shortest timeouts.
///
/// # Errors
///
/// Why there is none (a clause).
pub(super) fn best<I: Iterator<Item = Group>>(
    groups: impl Fn() -> I,
) -> Result<Best, &'static str> {
    let shortest = Timeout::SHORTEST.micros();
    let mut outcome = Outcome::of_every_boundary(groups());
    if outcome.true_positives == 0 {
        return Err(NO_TRACKED_BOUNDARY);
    }
    let mut groups = groups().peekable();
    while let Some(group) = groups.next_if(|group| group.length <= shortest) {
        outcome.leave_whole(&group);
    }
    let mut best = Best {
        from: shortest,
        to: None,
        outcome,
    };
    for group in groups.take_while(|group| group.length <= Timeout::LONGEST.micros()) {
        outcome.leave_whole(&group);
        match outcome.compare(&best.outcome) {
            Ordering::Greater => {
                best = Best {
                    from: group.length,
                    to: None,
                    outcome,
                }
            }
            Ordering::Equal => {}
            Ordering::Less => best.to = best.to.or(Some(group.length)),
        }
    }
    match best.outcome.true_positives {
        0 => Err("no timeout finds a tracked boundary"),
        _ => Ok(best),
    }
}

/// The reason where boundaries were asked for and none was tracked.
pub(super) const NO_TRACKED_BOUNDARY: &str = "no scored gap is a tracked boundary";

/// How often the gap of a tracked boundary is longer than an inner gap, ties half, over groups in
/// ascending order.
///
/// # Errors
///
/// Why it is undefined (a clause).
pub(super) fn area(groups: impl Iterator<Item = Group>) -> Result<f64, &'static str> {
    let (mut below, mut boundaries, mut twice) = (0_u64, 0_u64, 0_u128);
    for group in groups {
        boundaries += group.boundaries;
        twice += u128::from(group.boundaries) * u128::from(2 * below + group.inner);
        below += group.inner;
    }
    match (boundaries, below) {
        (0, _) => Err(NO_TRACKED_BOUNDARY),
        (_, 0) => Err("every scored gap is a tracked boundary"),
        _ => Ok(twice as f64 / (2.0 * boundaries as f64 * below as f64)),
    }
}
