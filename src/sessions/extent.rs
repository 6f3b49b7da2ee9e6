//! What the data itself shows of when it was taken: first and last event and the longest silence,
//! for all sources together and for each.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::events::Micros;

/// First event, last event, and the longest time without any event between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first event.
    pub first: Micros,
    /// The last event.
    pub last: Micros,
    /// The longest silence of all users together. Exact where it is longer than the timeout;
    /// otherwise some value up to the timeout (nothing asks for more).
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

impl Extents {
    /// The same, reaching as far as what is known of each source beside the events that were seen:
    /// first and last event, `None` where nothing is. How silent the rest is remains unknown.
    #[must_use]
    pub(crate) fn reaching(mut self, known: &[Option<(Micros, Micros)>]) -> Self {
        for (extent, known) in self.by_source.iter_mut().zip(known) {
            for own in [extent, &mut self.all] {
                reach(own, *known);
            }
        }
        self
    }
}

fn reach(extent: &mut Option<Extent>, known: Option<(Micros, Micros)>) {
    let Some((first, last)) = known else {
        return;
    };
    let own = extent.get_or_insert(Extent {
        first,
        last,
        longest_silence: 0,
    });
    (own.first, own.last) = (own.first.min(first), own.last.max(last));
}

/// Collects extents from events in any order, exactly.
///
/// Time is cut into buckets of one timeout; each keeps its first and last event per source. A
/// silence longer than a timeout lies between the last event of one bucket and the first of the
/// next one that has any; nobody asks for a shorter one.
#[derive(Clone, Debug)]
pub(crate) struct Silences {
    origin: Micros,
    width: Micros,
    sources: usize,
    places: Places,
    buckets: Vec<(Micros, Micros)>,
    recent: Vec<Recent>,
}

/// Where a bucket stands among those kept.
#[derive(Clone, Debug)]
enum Places {
    /// At its own number: all there can be.
    Dense,
    /// Where this says: only those that have events, of a span of many timeouts or sources.
    Sparse(HashMap<u64, usize, FixedState>),
}

/// The bucket of a source's last event.
#[derive(Clone, Copy, Debug)]
struct Recent {
    from: Micros,
    to: Micros,
    place: usize,
}

const NO_EVENT: (Micros, Micros) = (Micros::MAX, Micros::MIN);

impl Silences {
    /// The most buckets that are kept at their own numbers: 16 MiB.
    const DENSE: i64 = 1 << 20;

    /// For events of `sources` sources within `span`.
    pub(crate) fn new(span: (Micros, Micros), timeout: Micros, sources: usize) -> Self {
        let count = ((span.1 - span.0) / timeout + 1).saturating_mul(sources as i64);
        let (places, buckets) = match count <= Self::DENSE {
            true => (Places::Dense, vec![NO_EVENT; count as usize]),
            false => (Places::Sparse(HashMap::default()), Vec::new()),
        };
        let nowhere = Recent {
            from: Micros::MAX,
            to: Micros::MIN,
            place: 0,
        };
        Self {
            origin: span.0,
            width: timeout,
            sources,
            places,
            buckets,
            recent: vec![nowhere; sources],
        }
    }

    /// Notes an event.
    #[inline]
    pub(crate) fn note(&mut self, at: Micros, source: u8) {
        let recent = self.recent[usize::from(source)];
        let place = match recent.from <= at && at < recent.to {
            true => recent.place,
            false => self.enter(at, source),
        };
        let bucket = &mut self.buckets[place];
        *bucket = (bucket.0.min(at), bucket.1.max(at));
    }

    /// Notes events of one source from `first` to `last` without a gap longer than the timeout.
    #[inline]
    pub(crate) fn note_run(&mut self, first: Micros, last: Micros, source: u8) {
        self.note(first, source);
        loop {
            // Between two events of the run no silence is longer than the timeout, so that the
            // buckets that it passes count as full.
            let recent = self.recent[usize::from(source)];
            let bucket = &mut self.buckets[recent.place];
            bucket.1 = bucket.1.max(last.min(recent.to - 1));
            if last < recent.to {
                return;
            }
            self.note(recent.to, source);
        }
    }

    /// The place of the bucket that an event falls into, which is its source's recent one now.
    fn enter(&mut self, at: Micros, source: u8) -> usize {
        let number = (at - self.origin) / self.width;
        let from = self.origin + number * self.width;
        let place = self.place(number as u64 * self.sources as u64 + u64::from(source));
        self.recent[usize::from(source)] = Recent {
            from,
            to: from + self.width,
            place,
        };
        place
    }

    fn place(&mut self, number: u64) -> usize {
        match &mut self.places {
            Places::Dense => number as usize,
            Places::Sparse(places) => *places.entry(number).or_insert_with(|| {
                self.buckets.push(NO_EVENT);
                self.buckets.len() - 1
            }),
        }
    }

    /// Adds what another thread noted.
    pub(crate) fn merge(&mut self, other: &Silences) {
        for (number, bucket) in other.numbered() {
            let place = self.place(number);
            let own = &mut self.buckets[place];
            *own = (own.0.min(bucket.0), own.1.max(bucket.1));
        }
    }

    /// Every bucket with its number, in no particular order.
    fn numbered(&self) -> Vec<(u64, (Micros, Micros))> {
        match &self.places {
            Places::Dense => (0..).zip(self.buckets.iter().copied()).collect(),
            Places::Sparse(places) => {
                let numbers = places
                    .iter()
                    .map(|(&number, &place)| (number, self.buckets[place]));
                numbers.collect()
            }
        }
    }

    /// The extents.
    pub(crate) fn finish(&self) -> Extents {
        let mut buckets = self.numbered();
        buckets.sort_unstable_by_key(|(number, _)| *number);
        let mut all = None;
        let mut by_source = vec![None; self.sources];
        let sources = self.sources.max(1) as u64;
        for one in buckets.chunk_by(|one, next| one.0 / sources == next.0 / sources) {
            let mut together = NO_EVENT;
            for &(number, bucket) in one {
                extend(&mut by_source[(number % sources) as usize], bucket);
                together = (together.0.min(bucket.0), together.1.max(bucket.1));
            }
            extend(&mut all, together);
        }
        Extents { all, by_source }
    }
}

/// Adds the next bucket in time to an extent.
fn extend(extent: &mut Option<Extent>, (first, last): (Micros, Micros)) {
    if first > last {
        return;
    }
    *extent = Some(match *extent {
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
