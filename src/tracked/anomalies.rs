//! Anomalies that interviews detected: read from the information of each session, and counted per
//! session, per type, per hour of the day and per period.

mod reader;
mod share;

use std::collections::{BTreeMap, BTreeSet};

use crate::events::Micros;
use crate::time::civil::{DAY, HOUR};
use crate::time::period::{Calendar, Period};
use crate::time::zone::Zone;

use self::share::Interviewees;

pub(crate) use self::reader::Reader;
pub(crate) use self::share::Share;

/// More people than one before the camera.
const MULTIPLE_PERSONS: &str = "multiple_persons";
/// Telephones and the like before the camera.
const DEVICES_DETECTED: &str = "devices_detected";

/// An interview, and what its information says of anomalies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Watched {
    pub(crate) id: String,
    pub(crate) user: Option<String>,
    pub(crate) started: Option<Micros>,
    pub(crate) ended: Option<Micros>,
    pub(crate) told: Told,
}

/// What information says of anomalies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// There is no information.
    Absent,
    /// It cannot be read: why (a clause).
    Broken(String),
    /// It says nothing of anomalies, which may be none or not looked for.
    Silent,
    /// These were detected.
    Said(Vec<Anomaly>),
}

/// One anomaly. What of it cannot be read is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Anomaly {
    pub(crate) at: Option<Micros>,
    /// Its type, as it is written.
    pub(crate) kind: Option<String>,
    /// How many people or devices.
    pub(crate) count: Option<u64>,
    pub(crate) detections: Vec<Detection>,
    /// How many detections cannot be read.
    pub(crate) unreadable: u64,
}

/// One thing that was seen: "person 0.95".
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Detection {
    pub(crate) label: String,
    /// Between 0 and 1, where it is said.
    pub(crate) confidence: Option<f64>,
}

impl Watched {
    /// Its anomalies; `None` where nobody knows them.
    pub(crate) fn anomalies(&self) -> Option<&[Anomaly]> {
        match &self.told {
            Told::Said(anomalies) => Some(anomalies),
            Told::Absent | Told::Broken(_) | Told::Silent => None,
        }
    }

    /// How long it lasted, where that is known and more than nothing.
    pub(crate) fn length(&self) -> Option<Micros> {
        let length = self.ended? - self.started?;
        (length > 0).then_some(length)
    }

    /// Whether an instant lies before its start or after its end.
    fn is_outside(&self, at: Micros) -> bool {
        let ended = self.ended.filter(|end| Some(*end) >= self.started);
        self.started.is_some_and(|start| at < start) || ended.is_some_and(|end| at > end)
    }
}

/// How many anomalies, by type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) anomalies: u64,
    pub(crate) multiple_persons: u64,
    pub(crate) devices_detected: u64,
    /// Of another type, or of none.
    pub(crate) others: u64,
}

impl Counts {
    pub(crate) fn of<'a>(anomalies: impl IntoIterator<Item = &'a Anomaly>) -> Self {
        let mut counts = Self::default();
        for anomaly in anomalies {
            counts.add(anomaly);
        }
        counts
    }

    fn add(&mut self, anomaly: &Anomaly) {
        self.anomalies += 1;
        *match anomaly.kind.as_deref() {
            Some(MULTIPLE_PERSONS) => &mut self.multiple_persons,
            Some(DEVICES_DETECTED) => &mut self.devices_detected,
            _ => &mut self.others,
        } += 1;
    }
}

/// What is known of all sessions together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) sessions: u64,
    /// Sessions without information.
    pub(crate) absent: u64,
    /// Sessions whose information cannot be read.
    pub(crate) broken: u64,
    /// Sessions whose information says nothing of anomalies.
    pub(crate) silent: u64,
    /// Sessions with anomalies, of those whose information speaks of them.
    pub(crate) share: Share,
    pub(crate) counts: Counts,
    /// The most anomalies of one session; `None` where nobody knows any.
    pub(crate) most: Option<u64>,
    /// Sessions that speak of anomalies and whose length is known, how long they are together, and
    /// their anomalies.
    pub(crate) timed: Timed,
    /// Anomalies whose time cannot be read.
    pub(crate) timeless: u64,
    /// Anomalies before their session's start or after its end.
    pub(crate) outside: u64,
    /// Anomalies without a type.
    pub(crate) untyped: u64,
    /// Detections that cannot be read.
    pub(crate) unreadable: u64,
}

/// Sessions of a known length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timed {
    pub(crate) sessions: u64,
    pub(crate) length: i128,
    pub(crate) anomalies: u64,
}

impl Timed {
    /// Anomalies per hour; `None` where no time is known.
    pub(crate) fn per_hour(self) -> Option<f64> {
        let hours = self.length as f64 / HOUR as f64;
        (self.length > 0).then(|| self.anomalies as f64 / hours)
    }

    fn add(&mut self, session: &Watched, anomalies: u64) {
        if let Some(length) = session.length() {
            self.sessions += 1;
            self.length += i128::from(length);
            self.anomalies += anomalies;
        }
    }
}

/// Counts all sessions.
pub(crate) fn figures(sessions: &[Watched]) -> Figures {
    let mut figures = Figures::default();
    for session in sessions {
        figures.sessions += 1;
        match &session.told {
            Told::Absent => figures.absent += 1,
            Told::Broken(_) => figures.broken += 1,
            Told::Silent => figures.silent += 1,
            Told::Said(anomalies) => figures.add(session, anomalies),
        }
    }
    figures.share = with_anomalies(sessions);
    figures
}

/// The sessions with anomalies, of those whose information speaks of them.
fn with_anomalies<'a>(sessions: impl IntoIterator<Item = &'a Watched>) -> Share {
    let judged = sessions.into_iter();
    let judged: Vec<&Watched> = judged
        .filter(|session| session.anomalies().is_some())
        .collect();
    let has_some = |place: &usize| judged[*place].anomalies() != Some(&[]);
    let met: Vec<usize> = (0..judged.len()).filter(has_some).collect();
    Interviewees::of(judged.iter().copied()).share(&met)
}

impl Figures {
    fn add(&mut self, session: &Watched, anomalies: &[Anomaly]) {
        let number = anomalies.len() as u64;
        self.most = self.most.max(Some(number));
        self.timed.add(session, number);
        for anomaly in anomalies {
            self.counts.add(anomaly);
            self.timeless += u64::from(anomaly.at.is_none());
            self.outside += u64::from(anomaly.at.is_some_and(|at| session.is_outside(at)));
            self.untyped += u64::from(anomaly.kind.is_none());
            self.unreadable += anomaly.unreadable;
        }
    }

    /// Anomalies per session that speaks of them.
    pub(crate) fn per_session(&self) -> Option<f64> {
        let of = self.share.of;
        (of > 0).then(|| self.counts.anomalies as f64 / of as f64)
    }
}

/// What is known of one type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KindRow {
    /// As it is written; `None` where none is.
    pub(crate) kind: Option<String>,
    pub(crate) anomalies: u64,
    pub(crate) share: Share,
    /// Its anomalies in the sessions whose length is known.
    pub(crate) timed: Timed,
    /// The most people or devices at once.
    pub(crate) highest_count: Option<u64>,
    pub(crate) detections: u64,
    /// The sum of the confidences that are said, and how many they are.
    confidence: (f64, u64),
    /// What was seen, and how often.
    pub(crate) labels: BTreeMap<String, u64>,
    /// The places of its sessions among those that speak of anomalies.
    sessions: Vec<usize>,
}

impl KindRow {
    /// The mean of the confidences that are said.
    pub(crate) fn confidence(&self) -> Option<f64> {
        let (sum, number) = self.confidence;
        (number > 0).then(|| sum / number as f64)
    }

    fn add(&mut self, anomaly: &Anomaly) {
        self.anomalies += 1;
        self.highest_count = self.highest_count.max(anomaly.count);
        for detection in &anomaly.detections {
            self.detections += 1;
            *self.labels.entry(detection.label.clone()).or_default() += 1;
            if let Some(confidence) = detection.confidence {
                self.confidence.0 += confidence;
                self.confidence.1 += 1;
            }
        }
    }
}

/// A row per type: the two that are known, also where there is none of them, then the others by name,
/// then those without one.
pub(crate) fn by_kind(sessions: &[Watched]) -> Vec<KindRow> {
    let known = [MULTIPLE_PERSONS, DEVICES_DETECTED].map(|kind| Some(kind.to_owned()));
    let mut rows: BTreeMap<Option<String>, KindRow> = BTreeMap::new();
    for kind in &known {
        rows.entry(kind.clone()).or_default();
    }
    let mut timed = Timed::default();
    let judged = || {
        let judged = |session: &&Watched| session.anomalies().is_some();
        sessions.iter().filter(judged)
    };
    for (place, session) in judged().enumerate() {
        timed.add(session, 0);
        for anomaly in session.anomalies().unwrap_or_default() {
            let row = rows.entry(anomaly.kind.clone()).or_default();
            row.add(anomaly);
            row.timed.anomalies += u64::from(session.length().is_some());
            if row.sessions.last() != Some(&place) {
                row.sessions.push(place);
            }
        }
    }
    let interviewees = Interviewees::of(judged());
    for (kind, row) in &mut rows {
        row.kind = kind.clone();
        row.share = interviewees.share(&row.sessions);
        (row.timed.sessions, row.timed.length) = (timed.sessions, timed.length);
    }
    let untyped = rows.remove(&None);
    let first: Vec<KindRow> = known.iter().filter_map(|kind| rows.remove(kind)).collect();
    first
        .into_iter()
        .chain(rows.into_values())
        .chain(untyped)
        .collect()
}

/// What happened within an hour of the day or a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Anomalies whose time lies in it.
    pub(crate) counts: Counts,
    /// Sessions with such an anomaly.
    pub(crate) sessions: u64,
}

/// What happened in each hour of the day, 0 to 23, on the clock of a zone.
pub(crate) fn by_hour(sessions: &[Watched], zone: &Zone) -> Vec<Slot> {
    let hour = |at: Micros| Some((zone.to_local(at).rem_euclid(DAY) / HOUR) as usize);
    slots(sessions, 24, hour)
}

fn slots(
    sessions: &[Watched],
    number: usize,
    place: impl Fn(Micros) -> Option<usize>,
) -> Vec<Slot> {
    let mut slots = vec![Slot::default(); number];
    for anomalies in sessions.iter().filter_map(Watched::anomalies) {
        let mut met = BTreeSet::new();
        for anomaly in anomalies {
            if let Some(place) = anomaly.at.and_then(&place) {
                slots[place].counts.add(anomaly);
                met.insert(place);
            }
        }
        for place in met {
            slots[place].sessions += 1;
        }
    }
    slots
}

/// A period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PeriodRow {
    pub(crate) period: Period,
    /// What happened in it.
    pub(crate) slot: Slot,
    /// Sessions that started in it.
    pub(crate) started: u64,
    /// Of those, the ones with anomalies among the ones whose information speaks of them.
    pub(crate) share: Share,
}

/// A row per period of a calendar: anomalies by their own time, sessions by their start.
pub(crate) fn by_period(sessions: &[Watched], calendar: &Calendar) -> Vec<PeriodRow> {
    let (first, last) = (calendar.period(0), calendar.period(calendar.len() - 1));
    let place = |at: Micros| {
        let is_inside = first.start <= at && at < last.end;
        is_inside.then(|| calendar.index_of(at))
    };
    let slots = slots(sessions, calendar.len(), place);
    let mut started: Vec<Vec<&Watched>> = vec![Vec::new(); calendar.len()];
    for session in sessions {
        if let Some(place) = session.started.and_then(place) {
            started[place].push(session);
        }
    }
    let periods = calendar.periods().zip(slots).zip(started);
    let row = |((period, slot), started): ((Period, Slot), Vec<&Watched>)| PeriodRow {
        period,
        slot,
        started: started.len() as u64,
        share: with_anomalies(started),
    };
    periods.map(row).collect()
}

/// From the first start to the last start or end, none after `now` unless it is a start: the time in
/// which anomalies are looked for. `None` where no start is known.
pub(crate) fn span(sessions: &[Watched], now: Micros) -> Option<(Micros, Micros)> {
    let starts = || sessions.iter().filter_map(|session| session.started);
    let ends = sessions.iter().filter_map(|session| session.ended);
    let first = starts().min()?;
    let last = starts().chain(ends.filter(|end| *end <= now)).max()?;
    Some((first, last))
}
