//! `sessionize compare`: inferred sessions against those that an application tracked itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::agreement::repair::{Fault, Limits, Repair, Repairs, Treated, holders, named, repaired};
use crate::agreement::{Agreement, AgreementPlan, Tracked, UserCase};
use crate::commands::gathered::{Gathered, run_record, say, with_rejects_written};
use crate::commands::progress::over;
use crate::commands::voice::Voice;
use crate::commands::{Ending, close, record_beside};
use crate::error::{self, Failure};
use crate::events::{Micros, Source, User, UserId};
use crate::import::ledger::SourceRecord;
use crate::import::meter::Meter;
use crate::import::tracked::{self, TrackedSessions, TrackedShape, TrackedUser};
use crate::output::Output;
use crate::report::agreement::{AgreementReport, OPEN, RepairRow};
use crate::report::json::run_line;
use crate::report::{self, Run, words};
use crate::sessions::rule::{Progress, Rule, Verdict};
use crate::sessions::scan::{ScanPlan, Timeline, scan};
use crate::sessions::users::{mix, text_hash};
use crate::settings::Settings;
use crate::settings::compare::Comparison;
use crate::time::duration::Timeout;

/// Makes the comparison and publishes it.
pub(super) fn run(
    settings: &Settings,
    comparison: &Comparison,
    voice: &Voice,
    output: Output,
) -> Result<Ending, Failure> {
    let report = make(settings, comparison, voice)?;
    let run = &report.run;
    let record = record_beside(settings, run, None);
    let write = |out: &mut dyn std::io::Write| {
        report::write_agreement(settings.format, &report, settings.style, out)
    };
    let published = output.publish(write, record)?;
    Ok(close(
        settings,
        voice,
        run,
        || run_line(run, None),
        &published,
    ))
}

fn make(
    settings: &Settings,
    comparison: &Comparison,
    voice: &Voice,
) -> Result<AgreementReport, Failure> {
    let mut rejects = Vec::new();
    let meter = Meter::default();
    let tracked = over(&meter, settings, || {
        tracked::read(&comparison.tracked, &settings.import, &meter, &mut rejects)
    });
    let tracked = match tracked.and_then(some_session) {
        Ok(tracked) => tracked,
        Err(failure) => return with_rejects_written(settings, Err(failure), rejects),
    };
    say(&tracked.imported, voice);
    let (gathered, partitions) = Gathered::read_after(settings, voice, rejects, |_| ())?;
    let rule = gathered.rule(settings)?;
    let scan_plan = ScanPlan {
        every_user: true,
        ..gathered.scan_plan(settings, &rule, false)
    };
    let users = with_marks(tracked.users);
    let judge = Judge::new(comparison, &scan_plan, &users);
    let memory = partitions.memory();
    let (sides, scanned) = scan(
        partitions,
        &scan_plan,
        || Sides::new(&judge),
        |sides, user| sides.user(&judge, user.user, Some(user.events)),
    )?;
    memory.check()?;
    let mut all = sides
        .into_iter()
        .reduce(Sides::merge)
        .unwrap_or_else(|| Sides::new(&judge));
    for (user, marked) in &users {
        if !marked.is_met.load(Ordering::Relaxed) {
            all.user(&judge, user.as_id(), None);
        }
    }
    let run = Run {
        users: all.users,
        sessions: all.sessions,
        open_sessions: all.open_sessions,
        ..run_record(settings, &gathered.imported, &scanned)
    };
    Ok(all.report(run, &judge, &tracked.imported.records))
}

/// The tracked sessions, of which there must be one.
fn some_session(tracked: TrackedSessions) -> Result<TrackedSessions, Failure> {
    if tracked.users.values().any(|user| !user.rows.is_empty()) {
        return Ok(tracked);
    }
    let records = &tracked.imported.records;
    let read: u64 = records.iter().map(|record| record.counts.read).sum();
    let message = match read {
        0 => "no tracked session: there are no rows".to_owned(),
        read => format!(
            "no tracked session in {}",
            words::counted(read, "row", "rows")
        ),
    };
    let failure = Failure::new(error::NO_TRACKED, message);
    Err(match records.first() {
        Some(record) => failure.in_source(&error::SourcePlace {
            name: record.name.clone(),
            kind: record.kind,
            place: record.place.clone(),
        }),
        None => failure,
    }
    .help("check --tracked, --tracked-table, and the users asked for"))
}

/// A user's tracked sessions, and whether the user has events too.
struct Marked {
    tracked: TrackedUser,
    is_met: AtomicBool,
}

fn with_marks(users: HashMap<User, TrackedUser>) -> HashMap<User, Marked> {
    let marked = users.into_iter().map(|(user, tracked)| {
        let is_met = AtomicBool::new(false);
        (user, Marked { tracked, is_met })
    });
    marked.collect()
}

/// What every user is judged by.
struct Judge<'a> {
    plan: &'a AgreementPlan,
    repair: Repair,
    shape: Option<TrackedShape>,
    limits: Limits,
    rule: &'a Rule,
    /// The rule without gaps: only what ends a session whatever the timeout.
    gapless: Rule,
    sources: &'a [Source],
    users: &'a HashMap<User, Marked>,
    nobody: TrackedUser,
}

impl<'a> Judge<'a> {
    fn new(
        comparison: &'a Comparison,
        scan_plan: &ScanPlan<'a>,
        users: &'a HashMap<User, Marked>,
    ) -> Self {
        let rule = scan_plan.rule;
        Self {
            plan: &comparison.plan,
            repair: comparison.repair,
            shape: comparison.shape,
            limits: Limits {
                from: scan_plan.from,
                to: scan_plan.to,
                absurd: comparison.absurd,
                settled: scan_plan.now.saturating_sub(rule.timeout.micros()),
            },
            rule,
            gapless: Rule {
                timeout: Timeout::LONGEST,
                max_length: None,
                compat: None,
                days: rule.days.clone(),
            },
            sources: scan_plan.sources,
            users,
            nobody: TrackedUser::default(),
        }
    }

    /// Whether a session is left out of the comparison because it may go on.
    fn is_open(&self, last: Micros) -> bool {
        last > self.limits.settled
    }

    /// What a user's tracked sessions are judged by: one that goes on into an open inferred session,
    /// which is left out, is left out as well.
    fn limits_of(&self, events: &Events) -> Limits {
        let open = events
            .sessions()
            .find(|session| self.is_open(events.times[session.end - 1]));
        let start = open.map_or(Micros::MAX, |session| events.times[session.start]);
        Limits {
            settled: self.limits.settled.min(start.saturating_sub(1)),
            ..self.limits
        }
    }
}

/// One user's events that make sessions, ascending.
#[derive(Default)]
struct Events {
    times: Vec<Micros>,
    opens: Vec<bool>,
    inferred: Vec<bool>,
}

impl Events {
    fn of(events: Timeline<'_>, judge: &Judge<'_>) -> Self {
        let mut made = Self::default();
        let (mut latest, mut latest_gapless): (Option<Progress>, Option<Progress>) = (None, None);
        let mut previous = None;
        for (at, source) in events.iter() {
            let source_of = &judge.sources[usize::from(source)];
            let repeats = previous.replace((at, source)) == Some((at, source));
            if repeats && source_of.drop_duplicates {
                continue;
            }
            let verdict = judge.rule.step(&mut latest, at, source_of.role);
            let gapless = judge.gapless.step(&mut latest_gapless, at, source_of.role);
            let opens = matches!(verdict, Verdict::Opens(_));
            if opens || matches!(verdict, Verdict::Joins | Verdict::Closes) {
                made.times.push(at);
                made.inferred.push(opens);
                made.opens
                    .push(opens && matches!(gapless, Verdict::Opens(_)));
            }
        }
        made
    }

    /// The sessions as ranges of events.
    fn sessions(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let starts = (0..self.times.len()).filter(|&index| self.inferred[index]);
        let ends = starts.clone().skip(1).chain([self.times.len()]);
        starts.zip(ends).map(|(start, end)| start..end)
    }
}

/// What one thread has seen.
struct Sides {
    scores: Agreement,
    /// The same with tracked sessions as they stand.
    before: Option<Agreement>,
    repairs: Repairs,
    users: u64,
    sessions: u64,
    open_sessions: u64,
}

impl Sides {
    fn new(judge: &Judge<'_>) -> Self {
        let is_repaired = judge.repair != Repair::Keep;
        Self {
            scores: Agreement::new(judge.plan),
            before: is_repaired.then(|| Agreement::new(judge.plan)),
            repairs: Repairs::default(),
            users: 0,
            sessions: 0,
            open_sessions: 0,
        }
    }

    fn merge(mut self, other: Sides) -> Self {
        self.scores.merge(other.scores);
        if let (Some(own), Some(other)) = (&mut self.before, other.before) {
            own.merge(other);
        }
        self.repairs.add(&other.repairs);
        self.users += other.users;
        self.sessions += other.sessions;
        self.open_sessions += other.open_sessions;
        self
    }

    fn user(&mut self, judge: &Judge<'_>, user: UserId<'_>, events: Option<Timeline<'_>>) {
        let user = user.to_user();
        let tracked = match judge.users.get(&user) {
            Some(marked) => {
                marked.is_met.store(true, Ordering::Relaxed);
                &marked.tracked
            }
            None => &judge.nobody,
        };
        let all = events.map_or_else(Events::default, |events| Events::of(events, judge));
        let compared = self.compared(&all, judge);
        let limits = judge.limits_of(&all);
        let hash = mix(text_hash(user.to_string().as_bytes()));
        let score_by = |repair: Repair, scores: &mut Agreement| {
            let mut repairs = Repairs::default();
            let sessions = repaired(&tracked.rows, &all.times, repair, limits, &mut repairs);
            score(scores, hash, &compared, tracked, sessions);
            repairs
        };
        if let Some(before) = &mut self.before {
            score_by(Repair::Keep, before);
        }
        let repairs = score_by(judge.repair, &mut self.scores);
        self.repairs.add(&repairs);
    }

    /// The events of the sessions that are compared: those that start inside the window, without open
    /// ones, which are counted.
    fn compared(&mut self, all: &Events, judge: &Judge<'_>) -> Events {
        let mut compared = Events::default();
        let before = self.sessions;
        for session in all.sessions() {
            let start = all.times[session.start];
            if start < judge.limits.from || start >= judge.limits.to {
                continue;
            }
            self.sessions += 1;
            if judge.is_open(all.times[session.end - 1]) {
                self.open_sessions += 1;
                continue;
            }
            compared.times.extend(&all.times[session.clone()]);
            compared.opens.extend(&all.opens[session.clone()]);
            compared.inferred.extend(&all.inferred[session]);
        }
        self.users += u64::from(self.sessions > before);
        compared
    }

    fn report(self, run: Run, judge: &Judge<'_>, records: &[SourceRecord]) -> AgreementReport {
        let is_broken = self.repairs.broken() > 0;
        let before = self.before.filter(|_| is_broken).map(Agreement::finish);
        let places = records
            .iter()
            .map(|record| place_in_words(record, judge.shape));
        AgreementReport {
            run,
            tracked: places.collect::<Vec<_>>().join("; "),
            scores: self.scores.finish(),
            before,
            repair: repair_rows(&self.repairs, judge.repair),
        }
    }
}

fn score(
    scores: &mut Agreement,
    hash: u64,
    compared: &Events,
    tracked: &TrackedUser,
    sessions: Vec<(Tracked, u32)>,
) {
    let (sessions, rows): (Vec<Tracked>, Vec<u32>) = sessions.into_iter().unzip();
    if compared.times.is_empty() && sessions.is_empty() {
        return;
    }
    let labels = match &tracked.labels {
        None => holders(&compared.times, &sessions),
        Some(labels) => {
            let mut places = vec![None; tracked.rows.len()];
            for (place, &row) in (0..).zip(&rows) {
                places[row as usize] = Some(place);
            }
            let labels = named(&compared.times, labels).into_iter();
            labels.map(|row| places[row? as usize]).collect()
        }
    };
    scores.user(&UserCase {
        hash,
        events: &compared.times,
        opens: &compared.opens,
        inferred: &compared.inferred,
        tracked: &sessions,
        labels: Some(&labels),
    });
}

/// Where tracked sessions come from, and what became of the rows there.
fn place_in_words(record: &SourceRecord, shape: Option<TrackedShape>) -> String {
    let SourceRecord {
        name,
        kind,
        place,
        counts,
        ..
    } = record;
    let read = words::counted(counts.read, "row", "rows");
    let [rejected, filtered] = [counts.rejected, counts.filtered()].map(words::count);
    let unstarted = match counts.filtered_unstarted {
        0 => String::new(),
        unstarted => format!(", {} of them never started", words::count(unstarted)),
    };
    let history = match shape {
        Some(TrackedShape::Snapshot) => "; each person's current session alone, without a history",
        _ => "",
    };
    format!(
        "{name} ({kind}, {place}): {read}, {rejected} rejected, {filtered} filtered\
         {unstarted}{history}"
    )
}

fn repair_rows(repairs: &Repairs, repair: Repair) -> Vec<RepairRow> {
    let broken = Fault::ALL.map(|fault| {
        let treated = repairs.of(fault);
        RepairRow {
            kind: fault.name().to_owned(),
            sessions: treated.sessions(),
            treatment: treatment(treated, fault, repair),
        }
    });
    let open = RepairRow {
        kind: OPEN.to_owned(),
        sessions: repairs.open,
        treatment: "left out".to_owned(),
    };
    broken.into_iter().chain([open]).collect()
}

/// What was done with sessions of a fault, or would be.
fn treatment(treated: &Treated, fault: Fault, repair: Repair) -> String {
    let trimmed = match fault {
        Fault::Overlap => "trimmed at the next start",
        _ => "trimmed to the last activity",
    };
    let done = [
        (treated.kept, "kept"),
        (treated.trimmed, trimmed),
        (treated.left_out, "left out"),
    ];
    let done: Vec<(u64, &str)> = done.into_iter().filter(|(count, _)| *count > 0).collect();
    match (done.as_slice(), repair) {
        ([(_, words)], _) => (*words).to_owned(),
        ([], Repair::Trim) => trimmed.to_owned(),
        ([], Repair::Keep) if matches!(fault, Fault::AbsurdLength | Fault::Overlap) => {
            "kept".to_owned()
        }
        ([], _) => "left out".to_owned(),
        (several, _) => several
            .iter()
            .map(|(count, words)| format!("{count} {words}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
