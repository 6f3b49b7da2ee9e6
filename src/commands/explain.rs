//! `sessionize explain USER`: that user's events, every gap, and the rule applied to each.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::commands::gathered::{Gathered, run_record};
use crate::commands::voice::Voice;
use crate::commands::{Ending, close};
use crate::error::{self, Failure};
use crate::events::{Batch, GIVEN_UP, Micros, SECOND, Source, UserId};
use crate::import::intake::UserFilter;
use crate::output::Output;
use crate::report;
use crate::report::explain::{ExplainedEvent, ExplainedSession, Explanation};
use crate::report::json::run_line;
use crate::sessions::compat::{Compat, Measure};
use crate::sessions::rule::{Opening, Progress, Rule, Verdict};
use crate::sessions::scan::scan;
use crate::sessions::session::open_after;
use crate::settings::Settings;
use crate::time::duration::{Timeout, write_duration};

/// Explains one user's sessions, whatever the window.
pub(super) fn run(
    settings: &Settings,
    voice: &Voice,
    output: Output,
    user: &str,
) -> Result<Ending, Failure> {
    let settings = &only(settings, user);
    let met: Mutex<Vec<(Micros, u8)>> = Mutex::new(Vec::new());
    let (gathered, partitions) = Gathered::read(settings, voice, |batch: &Batch| {
        let mut met = met
            .lock()
            .expect("nothing panics while it holds the events");
        met.extend(batch.iter().map(|(at, _, source)| (at, source)));
    })?;
    let met = met
        .into_inner()
        .expect("nothing panics while it holds the events");
    let events = in_order(&met, &gathered.translation);
    if events.is_empty() {
        let shown = crate::visible::shortened(user);
        let message = format!("user \"{shown}\" has no rows in any source");
        return Err(Failure::new(error::USER_NOT_FOUND, message)
            .help("ids are compared exactly: case, spaces and leading zeros count"));
    }
    let rule = gathered.rule(settings)?;
    let (told, sessions) = tell(&events, &rule, &gathered.imported.sources, settings);
    let (_, scanned) = scan(
        partitions,
        &gathered.scan_plan(settings, &rule, false),
        || (),
        |(), _| (),
    )?;
    let mut run = run_record(settings, &gathered.imported, &scanned);
    run.users = u64::from(!sessions.is_empty());
    run.sessions = sessions.len() as u64;
    run.open_sessions = sessions.iter().filter(|session| session.open).count() as u64;
    let explanation = Explanation {
        run,
        user: user.to_owned(),
        events: told,
        sessions,
    };
    let write = |out: &mut dyn std::io::Write| {
        report::write_explanation(settings.format, &explanation, settings.style, out)
    };
    let published = output.publish(write, None)?;
    let run = &explanation.run;
    Ok(close(
        settings,
        voice,
        run,
        || run_line(run, None),
        &published,
    ))
}

/// The settings for one user, whatever the window.
fn only(settings: &Settings, user: &str) -> Settings {
    let mut settings = settings.clone();
    let only = HashSet::from([UserId::from_text(user).to_user()]);
    let filter = Arc::new(UserFilter {
        only: Some(only),
        sample: None,
    });
    for input in &mut settings.inputs {
        input.terms.filter = Arc::clone(&filter);
    }
    settings.window = (None, None);
    settings.sample = None;
    settings
}

/// The events by time and source, with the run's source numbers.
fn in_order(met: &[(Micros, u8)], translation: &[u8; 256]) -> Vec<(Micros, u8)> {
    let translated = met
        .iter()
        .map(|&(at, source)| (at, translation[usize::from(source)]));
    let mut events: Vec<(Micros, u8)> = translated
        .filter(|(_, source)| *source != GIVEN_UP)
        .collect();
    events.sort_unstable();
    events
}

/// What the rule makes of each event, in words, and the sessions.
fn tell(
    events: &[(Micros, u8)],
    rule: &Rule,
    sources: &[Source],
    settings: &Settings,
) -> (Vec<ExplainedEvent>, Vec<ExplainedSession>) {
    let mut progress: Option<Progress> = None;
    let mut sessions: Vec<ExplainedSession> = Vec::new();
    let mut told = Vec::with_capacity(events.len());
    let mut previous = None;
    for &(at, index) in events {
        let source = &sources[usize::from(index)];
        let before = progress.map(|latest| latest.last);
        let repeats = previous == Some((at, index));
        previous = Some((at, index));
        let (session, verdict) = if repeats && source.drop_duplicates {
            (None, "a duplicate, dropped".to_owned())
        } else {
            let verdict = rule.step(&mut progress, at, source.role);
            note(&mut sessions, verdict, at);
            let number = sessions.len() as u64;
            let belongs = matches!(
                verdict,
                Verdict::Opens(_) | Verdict::Joins | Verdict::Closes
            );
            let held = before.map(|before| held(before, at, rule));
            (
                belongs.then_some(number),
                words(verdict, held, number, rule),
            )
        };
        let (name, role) = (source.name.clone(), source.role);
        told.push(ExplainedEvent {
            at,
            source: name,
            role,
            gap: before.map(|before| at - before),
            session,
            verdict,
        });
    }
    for (place, session) in sessions.iter_mut().enumerate() {
        let (start, last) = (session.start, session.end);
        session.open = last > open_after(settings.now, settings.timeout);
        session.duration = last - start + rule.added((start, last), place == 0);
        session.end = rule.end_of(last);
    }
    (told, sessions)
}

/// Adds the event to the session it opens or belongs to.
fn note(sessions: &mut Vec<ExplainedSession>, verdict: Verdict, at: Micros) {
    match verdict {
        Verdict::Opens(_) => {
            sessions.push(ExplainedSession {
                start: at,
                end: at,
                duration: 0,
                events: 1,
                open: false,
            });
        }
        Verdict::Joins | Verdict::Closes => {
            let session = sessions
                .last_mut()
                .expect("the rule joins events only to a session");
            session.end = at;
            session.events += 1;
        }
        Verdict::Orphan | Verdict::Expires | Verdict::ExpiresNone | Verdict::Ignored => {}
    }
}

fn words(verdict: Verdict, held: Option<String>, session: u64, rule: &Rule) -> String {
    let timeout = rule.timeout;
    let held = held.unwrap_or_default();
    match verdict {
        Verdict::Opens(opening) => {
            let longest = || write_duration(rule.max_length.unwrap_or_default());
            let why = match opening {
                Opening::First => "the first event".to_owned(),
                Opening::Gap => held,
                Opening::Start => "a start".to_owned(),
                Opening::Closed => "the last was closed".to_owned(),
                Opening::Midnight => "midnight has passed".to_owned(),
                Opening::TooLong if rule.compat.is_some_and(Compat::takes_max_length) => {
                    format!("{} or more after its start", longest())
                }
                Opening::TooLong => format!("more than {} after its start", longest()),
            };
            format!("opens session {session}: {why}")
        }
        Verdict::Joins => format!("joins session {session}: {held}"),
        Verdict::Closes => format!("closes session {session}: {held}"),
        Verdict::Orphan => format!("no open session within {timeout} before it: makes none"),
        Verdict::Expires => format!("closes session {session}, without extending it"),
        Verdict::ExpiresNone if !rule.compat.is_none_or(Compat::knows_roles) => {
            "closes none: it is no event".to_owned()
        }
        Verdict::ExpiresNone => format!("no open session within {timeout} before it: closes none"),
        Verdict::Ignored => "its source is ignored".to_owned(),
    }
}

/// How the gap between two events is held against the timeout: `35m > 30m`.
fn held(before: Micros, at: Micros, rule: &Rule) -> String {
    let (gap, timeout) = (at - before, rule.timeout);
    let (is_apart, measured, apart, joined) = match rule.compat {
        None => (rule.is_longer_than_timeout(gap), gap, ">", "≤"),
        Some(compat) => {
            let (apart, joined) = match compat.measure() {
                Measure::Splits => ("≥", "<"),
                Measure::Joins | Measure::Ticks | Measure::WholeMinutes => (">", "≤"),
                Measure::Never => return "the same day".to_owned(),
            };
            let measured = compat.measured(before, at);
            (
                compat.is_apart(before, at, timeout),
                measured,
                apart,
                joined,
            )
        }
    };
    let sign = if is_apart { apart } else { joined };
    match measured == gap {
        true => format!("{} {sign} {timeout}", near(gap, timeout)),
        false => {
            let (gap, measured) = (write_duration(gap), write_duration(measured));
            format!("{gap} counts as {measured} {sign} {timeout}")
        }
    }
}

/// A gap to be held against the timeout: exact where that decides, else in whole seconds, cut.
fn near(gap: Micros, timeout: Timeout) -> String {
    let decides = (gap - timeout.micros()).abs() < SECOND || gap < SECOND;
    write_duration(if decides { gap } else { gap - gap % SECOND })
}
