//! What the data itself shows of when it was taken: first and last event and the longest silence,
//! for all sources together and for each.

use crate::events::Micros;

/// First event, last event, and the longest time without any event between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first event.
    pub first: Micros,
    /// The last event.
    pub last: Micros,
    /// The longest silence of all users together. Exact where it is at least the timeout;
    /// otherwise some value below the timeout (nothing asks for more).
    pub longest_silence: Micros,
}

/// The extents of a run; sources whose role is `ignore` are left aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// Of all sources together; `None` without any event.
    pub all: Option<Extent>,
    /// Of each source, by its index; `None` for one without events or with role `ignore`.
    pub by_source: Vec<Option<Extent>>,
}

/// Collects extents from events in any order, in memory that depends on the span alone.
///
/// Time is cut into buckets at least as wide as the timeout; each keeps its first and last event
/// per source. The longest silence lies between the last event of one bucket and the first of the
/// next one that has any, unless it is shorter than a bucket, where nobody asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Silences {
    origin: Micros,
    width: Micros,
    sources: usize,
    buckets: Vec<(Micros, Micros)>,
    recent: Vec<Recent>,
}

#[derive(Clone, Copy, Debug)]
struct Recent {
    from: Micros,
    to: Micros,
    bucket: usize,
}

const NO_EVENT: (Micros, Micros) = (Micros::MAX, Micros::MIN);

impl Silences {
    /// The most buckets kept; a span of more timeouts gets wider ones (120 years at 30 minutes).
    const MOST: i64 = 1 << 21;

    /// For events of `sources` sources within `span`.
    pub(crate) fn new(span: (Micros, Micros), timeout: Micros, sources: usize) -> Self {
        let length = span.1 - span.0 + 1;
        let most = (Self::MOST / sources.max(1) as i64).max(1);
        let width = timeout.max(length / most + 1);
        let count = (length / width + 1) as usize;
        Self {
            origin: span.0,
            width,
            sources,
            buckets: vec![NO_EVENT; count * sources],
            recent: vec![
                Recent {
                    from: Micros::MAX,
                    to: Micros::MIN,
                    bucket: 0
                };
                sources
            ],
        }
    }

    /// Notes an event.
    #[inline]
    pub(crate) fn note(&mut self, at: Micros, source: u8) {
        let source = usize::from(source);
        let recent = &mut self.recent[source];
        if at < recent.from || at >= recent.to {
            let index = (at - self.origin) / self.width;
            let from = self.origin + index * self.width;
            *recent = Recent {
                from,
                to: from + self.width,
                bucket: index as usize * self.sources + source,
            };
        }
        let bucket = &mut self.buckets[recent.bucket];
        bucket.0 = bucket.0.min(at);
        bucket.1 = bucket.1.max(at);
    }

    /// Adds what another thread noted.
    pub(crate) fn merge(&mut self, other: &Silences) {
        for (own, other) in self.buckets.iter_mut().zip(&other.buckets) {
            own.0 = own.0.min(other.0);
            own.1 = own.1.max(other.1);
        }
    }

    /// The extents.
    pub(crate) fn finish(&self) -> Extents {
        let sources = self.sources.max(1);
        let by_source = (0..self.sources)
            .map(|source| extent_of(self.buckets.iter().skip(source).step_by(sources).copied()))
            .collect();
        let all = extent_of(self.buckets.chunks(sources).map(|bucket| {
            bucket
                .iter()
                .fold(NO_EVENT, |all, one| (all.0.min(one.0), all.1.max(one.1)))
        }));
        Extents { all, by_source }
    }
}

fn extent_of(buckets: impl Iterator<Item = (Micros, Micros)>) -> Option<Extent> {
    let mut extent: Option<Extent> = None;
    for (first, last) in buckets.filter(|bucket| bucket.0 <= bucket.1) {
        extent = Some(match extent {
            None => Extent {
                first,
                last,
                longest_silence: 0,
            },
            Some(before) => Extent {
                first: before.first,
                last,
                longest_silence: before.longest_silence.max(first - before.last),
            },
        });
    }
    extent
}
