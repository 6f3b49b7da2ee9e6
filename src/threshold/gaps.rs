//! One user's gaps, whatever the timeout: what no timeout bridges is an infinite gap, and what
//! makes no session is left out. And the histogram of all gaps on a log axis.

use crate::events::{Micros, Role, Source};
use crate::sessions::rule::{Opening, Progress, Rule, Verdict};
use crate::sessions::scan::Timeline;
use crate::threshold::GapBin;
use crate::time::duration::Timeout;

/// The gap at a start, a cut, or behind an end: no timeout bridges it.
pub const INFINITE: Micros = Micros::MAX;

/// One user's events that make sessions, as links of a chain. The first one opens a session.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The gap before each link but the first.
    pub gaps: &'a [Micros],
    /// Which of those links are an `end`: it belongs to a session or to none, and never opens one;
    /// the gap behind it is infinite. Empty where none is.
    pub ends: &'a [bool],
}

/// Makes chains of users' events, and keeps its memory from one to the next.
#[derive(Clone, Debug)]
pub struct Chains<'a> {
    sources: &'a [Source],
    /// The rule with the longest timeout, which leaves nothing but what no timeout bridges.
    rule: Rule,
    /// Whether every event makes a session, and gaps alone part them.
    is_plain: bool,
    /// The one source whose events count, where not all do.
    only: Option<u8>,
    gaps: Vec<Micros>,
    ends: Vec<bool>,
}

impl<'a> Chains<'a> {
    /// By a rule, whose timeout and longest length do not matter.
    pub fn new(rule: &Rule, sources: &'a [Source]) -> Self {
        let rule = Rule {
            timeout: Timeout::LONGEST,
            max_length: None,
            days: rule.days.clone(),
            compat: None,
        };
        Self {
            is_plain: rule.is_gaps_alone() && sources.iter().all(Source::is_plain),
            sources,
            rule,
            only: None,
            gaps: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The same for the events of one source alone.
    #[must_use]
    pub fn only(mut self, source: u8) -> Self {
        self.only = Some(source);
        self.is_plain = false;
        self
    }

    /// The chain of one user's events; `None` where none of them makes a session.
    pub fn user(&mut self, events: Timeline<'_>) -> Option<Chain<'_>> {
        self.gaps.clear();
        self.ends.clear();
        let is_there = match self.is_plain {
            true => self.plain(events),
            false => self.whole(events),
        };
        is_there.then_some(Chain {
            gaps: &self.gaps,
            ends: &self.ends,
        })
    }

    fn plain(&mut self, events: Timeline<'_>) -> bool {
        let mut times = events.iter().map(|(at, _)| at);
        let Some(mut previous) = times.next() else {
            return false;
        };
        self.gaps.extend(times.map(|at| {
            let gap = at - previous;
            previous = at;
            gap
        }));
        true
    }

    fn whole(&mut self, events: Timeline<'_>) -> bool {
        let mut latest: Option<Progress> = None;
        let mut previous = None;
        for (at, source) in events.iter() {
            if self.only.is_some_and(|only| only != source) {
                continue;
            }
            let Source {
                role,
                drop_duplicates,
                ..
            } = self.sources[usize::from(source)];
            if previous.replace((at, source)) == Some((at, source)) && drop_duplicates {
                continue;
            }
            let before = latest;
            let gap = match self.rule.step(&mut latest, at, role) {
                Verdict::Opens(Opening::Gap) => match before {
                    Some(session) if !session.closed && at < session.day_end => at - session.last,
                    _ => INFINITE,
                },
                Verdict::Opens(_) => INFINITE,
                Verdict::Joins | Verdict::Closes => match before {
                    Some(session) => at - session.last,
                    None => INFINITE,
                },
                Verdict::Orphan | Verdict::Expires | Verdict::ExpiresNone | Verdict::Ignored => {
                    continue;
                }
            };
            if before.is_none() {
                continue;
            }
            if role == Role::End && self.ends.is_empty() {
                self.ends.resize(self.gaps.len(), false);
            }
            self.gaps.push(gap);
            if role == Role::End || !self.ends.is_empty() {
                self.ends.push(role == Role::End);
            }
        }
        latest.is_some()
    }
}

/// Keeps the gaps that some timeout bridges; those of a chain themselves where all are.
pub fn finite<'g>(gaps: &'g [Micros], kept: &'g mut Vec<Micros>) -> &'g [Micros] {
    if !gaps.contains(&INFINITE) {
        return gaps;
    }
    kept.clear();
    kept.extend(gaps.iter().filter(|&&gap| gap != INFINITE));
    kept
}

/// The gaps on a log axis, two bins to the doubling: an edge is 2^(k/2) seconds for a whole k, in
/// microseconds rounded down. Edges that fall together are one.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The last one is infinite.
    edges: Vec<Micros>,
    /// By the leading binary digits of a gap, the first edge that it may not exceed: it is that one
    /// or the next.
    first: Vec<u8>,
    /// Gaps at most as long as the edge and longer than the one before.
    counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        let edges = edges();
        let first = (0..CELLS).map(|cell| shorter(&edges, cell) as u8);
        Self {
            counts: vec![0; edges.len()],
            first: first.collect(),
            edges,
        }
    }
}

/// Binary digits behind the first one by which a gap is looked up: so few numbers begin with the
/// same ones that no two edges lie among them.
const DIGITS: u32 = 2;

/// How many cells of a lookup gaps fall into.
pub(crate) const CELLS: usize = 63 << DIGITS;

/// The cell of a gap longer than zero: by its leading binary digits, so that longer ones have none
/// before.
#[inline]
pub(crate) fn cell(gap: Micros) -> usize {
    let zeros = (gap as u64).leading_zeros();
    let behind = ((gap as u64) << zeros >> (63 - DIGITS)) as usize % (1 << DIGITS);
    ((63 - zeros as usize) << DIGITS) + behind
}

/// How many of some lengths, the shortest first, are shorter than every gap of a cell.
pub(crate) fn shorter(lengths: &[Micros], cell: usize) -> usize {
    let digits = (1 << DIGITS) + (cell as i128) % (1 << DIGITS);
    let shortest = digits << (cell >> DIGITS) >> DIGITS;
    lengths.partition_point(|&length| i128::from(length) < shortest)
}

impl Histogram {
    /// Adds a user's gaps that are neither zero nor infinite.
    pub fn user(&mut self, chain: Chain<'_>) {
        for &gap in chain.gaps {
            if gap > 0 && gap < INFINITE {
                self.add(gap);
            }
        }
    }

    /// Adds a gap longer than zero.
    #[inline]
    pub fn add(&mut self, gap: Micros) {
        let place = usize::from(self.first[cell(gap)]);
        self.counts[place + usize::from(self.edges[place] < gap)] += 1;
    }

    /// Adds what another one holds.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        for (own, other) in self.counts.iter_mut().zip(&other.counts) {
            *own += other;
        }
        self
    }

    /// The bins from the first to the last that hold a gap.
    pub fn bins(&self) -> Vec<GapBin> {
        let mut low = 0;
        let bins = self.edges.iter().zip(&self.counts).map(|(&high, &gaps)| {
            let bin = GapBin { low, high, gaps };
            low = high;
            bin
        });
        let bins: Vec<GapBin> = bins.collect();
        let has_gaps = |bin: &GapBin| bin.gaps > 0;
        match (
            bins.iter().position(has_gaps),
            bins.iter().rposition(has_gaps),
        ) {
            (Some(first), Some(last)) => bins[first..=last].to_vec(),
            _ => Vec::new(),
        }
    }
}

/// 2^(k/2) seconds from a microsecond to a thousand years, and infinity.
fn edges() -> Vec<Micros> {
    const SQUARE_OF_SECOND: u128 = 1_000_000_000_000;
    let below = (0..=39).rev().map(|power| SQUARE_OF_SECOND >> power);
    let above = (1..=70).map(|power| SQUARE_OF_SECOND << power);
    let mut edges: Vec<Micros> = below
        .chain(above)
        .map(|square| square.isqrt() as Micros)
        .chain([INFINITE])
        .collect();
    edges.dedup();
    edges
}
