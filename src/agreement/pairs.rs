//! Pairs of one user's events that are together or apart on both sides: adjusted Rand (Hubert and
//! Arabie 1985), homogeneity and completeness (Rosenberg and Hirschberg 2007), B-cubed (Bagga and
//! Baldwin 1998), on the covered view.

use std::collections::BTreeMap;

use crate::agreement::labels::Covered;
use crate::agreement::tally::{Sum, Tally};

/// How many of one user's events fall in each tracked, each inferred session, and each pair of them.
struct Table {
    events: u64,
    tracked: BTreeMap<u32, u64>,
    inferred: BTreeMap<u32, u64>,
    both: BTreeMap<(u32, u32), u64>,
}

impl Table {
    fn new(covered: &Covered) -> Self {
        let mut table = Self {
            events: covered.len() as u64,
            tracked: BTreeMap::new(),
            inferred: BTreeMap::new(),
            both: BTreeMap::new(),
        };
        for (&tracked, &inferred) in covered.tracked.iter().zip(&covered.inferred) {
            *table.tracked.entry(tracked).or_default() += 1;
            *table.inferred.entry(inferred).or_default() += 1;
            *table.both.entry((tracked, inferred)).or_default() += 1;
        }
        table
    }

    /// Index minus its expectation, and the highest index minus it. Both vanish where either side
    /// leaves nothing to chance: one event, all together, or all apart on both sides.
    fn rand(&self) -> (f64, f64) {
        let all = pairs(self.events);
        if all == 0 {
            return (0.0, 0.0);
        }
        let index: i128 = self.both.values().map(|&events| pairs(events)).sum();
        let tracked: i128 = self.tracked.values().map(|&events| pairs(events)).sum();
        let inferred: i128 = self.inferred.values().map(|&events| pairs(events)).sum();
        let expected = tracked * inferred;
        let gain = index * all - expected;
        let twice_room = (tracked + inferred) * all - 2 * expected;
        (
            gain as f64 / all as f64,
            twice_room as f64 / (2 * all) as f64,
        )
    }
}

/// Pairs among so many.
fn pairs(events: u64) -> i128 {
    i128::from(events) * (i128::from(events) - 1) / 2
}

/// Adds one user and gives the adjusted Rand index of it alone, where that is defined.
pub(super) fn score(covered: &Covered, tally: &mut Tally) -> Option<f64> {
    let table = Table::new(covered);
    tally[Sum::InsideEvents] += i128::from(table.events);
    let (gain, room) = table.rand();
    tally.add_fraction(Sum::RandGain, gain);
    tally.add_fraction(Sum::RandRoom, room);
    entropies(&table, tally);
    let (mut precision, mut recall) = (0.0, 0.0);
    for (&(tracked, inferred), &events) in &table.both {
        let squared = events as f64 * events as f64;
        precision += squared / table.inferred[&inferred] as f64;
        recall += squared / table.tracked[&tracked] as f64;
    }
    tally.add_fraction(Sum::BCubedPrecision, precision);
    tally.add_fraction(Sum::BCubedRecall, recall);
    (room > 0.0).then(|| gain / room)
}

/// Entropies in nats, times events.
fn entropies(table: &Table, tally: &mut Tally) {
    let alone = |sessions: &BTreeMap<u32, u64>| -> f64 {
        let terms = sessions
            .values()
            .map(|&events| surprise(events, table.events));
        terms.sum()
    };
    let (mut given_inferred, mut given_tracked) = (0.0, 0.0);
    for (&(tracked, inferred), &events) in &table.both {
        given_inferred += surprise(events, table.inferred[&inferred]);
        given_tracked += surprise(events, table.tracked[&tracked]);
    }
    tally.add_fraction(Sum::TrackedEntropy, alone(&table.tracked));
    tally.add_fraction(Sum::InferredEntropy, alone(&table.inferred));
    tally.add_fraction(Sum::TrackedEntropyGivenInferred, given_inferred);
    tally.add_fraction(Sum::InferredEntropyGivenTracked, given_tracked);
}

/// Part times ln(whole ÷ part).
fn surprise(part: u64, whole: u64) -> f64 {
    part as f64 * (whole as f64 / part as f64).ln()
}
