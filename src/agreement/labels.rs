//! Which tracked session holds each event, and the view that keeps only events inside one.

use crate::agreement::{Tracked, UserCase};
use crate::events::Micros;

/// For each event the place of the tracked session that holds it: from its start, inclusive, to its
/// end, exclusive; one without length holds its start. Of several, the one that started last, and of
/// those the one that ends last. `None` for events outside, of which nothing is known.
pub(super) fn holders(events: &[Micros], tracked: &[Tracked]) -> Vec<Option<u32>> {
    let mut begun: Vec<u32> = Vec::new();
    let mut coming = (0..).zip(tracked).peekable();
    let holder = |&at: &Micros| {
        while let Some((place, _)) = coming.next_if(|(_, session)| session.start <= at) {
            begun.push(place);
        }
        // Times ascend, so a session that is over holds no later event either.
        while begun
            .last()
            .is_some_and(|&place| !holds(&tracked[place as usize], at))
        {
            begun.pop();
        }
        begun.last().copied()
    };
    events.iter().map(holder).collect()
}

fn holds(session: &Tracked, at: Micros) -> bool {
    session.start <= at && (at < session.end || at == session.start && at == session.end)
}

/// For each event the number of its inferred session, from 0.
pub(super) fn inferred_numbers(case: &UserCase<'_>) -> Vec<u32> {
    let mut number = 0;
    let numbers = case.inferred.iter().enumerate().map(|(index, &opens)| {
        number += u32::from(opens && index > 0);
        number
    });
    numbers.collect()
}

/// The covered view: a user's events inside tracked sessions, in order. Sessions were inferred on
/// all events, so two neighbours are apart where any gap between them parts sessions.
#[derive(Debug, Default)]
pub(super) struct Covered {
    /// The tracked session of each.
    pub(super) tracked: Vec<u32>,
    /// The number of the inferred session of each.
    pub(super) inferred: Vec<u32>,
}

impl Covered {
    pub(super) fn new(labels: &[Option<u32>], numbers: &[u32]) -> Self {
        let inside = labels.iter().zip(numbers);
        let (tracked, inferred) = inside
            .filter_map(|(label, &number)| Some(((*label)?, number)))
            .unzip();
        Self { tracked, inferred }
    }

    /// How many events.
    pub(super) fn len(&self) -> usize {
        self.tracked.len()
    }

    /// For each pair of neighbours, whether the tracked and whether the inferred sessions part them.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (bool, bool)> {
        let tracked = self.tracked.windows(2).map(|pair| pair[0] != pair[1]);
        let inferred = self.inferred.windows(2).map(|pair| pair[0] != pair[1]);
        tracked.zip(inferred)
    }
}
