//! `sessionize report`: headline, trend, and figures per period and segment.

mod beside;

use crate::cli::Engine;
use crate::commands::gathered::{Gathered, run_record, with_rejects_written};
use crate::commands::voice::Voice;
use crate::commands::within::Within;
use crate::commands::{Ending, close, in_database, record_beside, too_many_periods};
use crate::error::Failure;
use crate::events::{Batch, Micros};
use crate::import::inputs::Input;
use crate::measures::Measures;
use crate::measures::accumulator::Accumulator;
use crate::measures::dwell::tails::Tails;
use crate::measures::own::{Own, OwnRule};
use crate::measures::plan::{self, Calendars, Plan, auto_period};
use crate::output::Output;
use crate::report::json::run_line;
use crate::report::{self, Report, Run, Segment};
use crate::sessions::extent::{Extent, Extents};
use crate::sessions::partition::Partitions;
use crate::sessions::scan::{ScanPlan, scan};
use crate::settings::{Periods, Settings};
use crate::threshold::resolution::Resolutions;
use crate::time::period::PeriodLength;

/// Makes the report and publishes it.
pub(super) fn run(
    settings: &Settings,
    tracked: Option<&Input>,
    voice: &Voice,
    output: Output,
) -> Result<Ending, Failure> {
    let mut rejects = Vec::new();
    let tracked = match tracked {
        Some(input) => Some(beside::figures(settings, input, voice, &mut rejects)?),
        None => None,
    };
    let mut report = match settings.engine {
        Engine::Local => {
            let resolutions = settings
                .dwell_model
                .as_ref()
                .map(|_| Resolutions::default());
            let note = |batch: &Batch| {
                if let Some(resolutions) = &resolutions {
                    resolutions.note(batch);
                }
            };
            let (gathered, partitions) = Gathered::read_after(settings, voice, rejects, note)?;
            make(settings, &gathered, partitions, resolutions.as_ref())?
        }
        Engine::Database => {
            if tracked.is_some() {
                with_rejects_written(settings, Ok(()), rejects)?;
            }
            let answer = in_database::answer(settings, voice)?;
            let (imported, scanned) = (&answer.imported, &answer.scanned);
            let run = run_record(settings, imported, scanned);
            of(settings, run, answer.measures, answer.by)
        }
    };
    report.measures.tracked = tracked;
    let (run, measures) = (&report.run, &report.measures);
    let record = record_beside(settings, run, Some(measures));
    let write = |out: &mut dyn std::io::Write| {
        report::write_report(settings.format, &report, settings.style, out)
    };
    let published = output.publish(write, record)?;
    Ok(close(
        settings,
        voice,
        run,
        || run_line(run, Some(measures)),
        &published,
    ))
}

fn make(
    settings: &Settings,
    gathered: &Gathered,
    partitions: Partitions,
    resolutions: Option<&Resolutions>,
) -> Result<Report, Failure> {
    let rule = gathered.rule(settings)?;
    let span = gathered.active_span;
    let by = rows_period(settings, span);
    let plan = measure_plan(settings, by);
    let calendars =
        Calendars::new(&plan, &before_scan(span)).map_err(|cause| too_many_periods(&cause))?;
    let memory = partitions.memory();
    let model = settings.dwell_model.as_ref().zip(resolutions);
    let scan_plan = ScanPlan {
        every_user: settings.compat.is_some() || model.is_some(),
        ..gathered.scan_plan(settings, &rule, false)
    };
    let rule_beside = gathered.own_rule(settings)?;
    let own_rule = OwnRule {
        rule: &rule_beside,
        sources: &gathered.imported.sources,
        window: (scan_plan.from, scan_plan.to),
        now: settings.now,
    };
    let sources = gathered.imported.sources.len();
    let window = own_rule.window;
    let new = || Sums {
        figures: Accumulator::new(&plan, &calendars).within(&memory),
        own: settings.compat.map(|_| Own::default()),
        tails: settings
            .dwell
            .map(|dwell| Tails::new(&plan, &calendars, dwell, sources).within(&memory)),
        within: model
            .map(|(asked, resolutions)| Within::new(asked, gathered, &rule, window, resolutions)),
    };
    let (parts, scanned) = scan(partitions, &scan_plan, new, |sums, user| {
        sums.figures.user(user.user, user.sessions);
        if let Some(own) = &mut sums.own {
            own.user(user.events, &own_rule);
        }
        if let Some(tails) = &mut sums.tails {
            tails.user(&scan_plan, user);
        }
        if let Some(within) = &mut sums.within {
            within.user(user);
        }
    })?;
    let all = parts.into_iter().reduce(Sums::merge).unwrap_or_else(new);
    let names: Vec<&str> = gathered
        .imported
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let mut measures = Measures {
        own: all.own.map(|own| own.figures()),
        ..all.figures.finish(&scanned.extents, &names)
    };
    if let Some(tails) = all.tails {
        let asked = settings.dwell_model.as_ref();
        let within = asked.zip(all.within);
        let within =
            within.map(|(asked, within)| within.finish(asked, settings.timeout, settings.threads));
        tails.finish(&mut measures, &names, within);
    }
    memory.check()?;
    let run = run_record(settings, &gathered.imported, &scanned);
    Ok(of(settings, run, measures, by))
}

/// What one thread adds up.
struct Sums<'a> {
    figures: Accumulator<'a>,
    /// By our own rule, beside another system's.
    own: Option<Own>,
    /// What the dwell after last events is estimated from.
    tails: Option<Tails<'a>>,
    /// The gaps that the model of the dwell is fitted to.
    within: Option<Within<'a>>,
}

impl Sums<'_> {
    fn merge(self, other: Self) -> Self {
        let (own, tails) = (self.own.zip(other.own), self.tails.zip(other.tails));
        let within = self.within.zip(other.within);
        Self {
            figures: self.figures.merge(other.figures),
            own: own.map(|(one, other)| one.merge(&other)),
            tails: tails.map(|(one, other)| one.merge(other)),
            within: within.map(|(one, other)| one.merge(other)),
        }
    }
}

/// The report of these measures.
fn of(settings: &Settings, run: Run, measures: Measures, by: Option<PeriodLength>) -> Report {
    Report {
        run: Run {
            by,
            segment: settings.segment,
            users: measures.overall.figures.users,
            sessions: measures.overall.figures.sessions,
            open_sessions: measures.overall.figures.open_sessions,
            ..run
        },
        measures,
        total: settings.total,
    }
}

/// What is known of the extents before the scan: all that calendars need.
pub(super) fn before_scan(span: Option<(Micros, Micros)>) -> Extents {
    let extent = |(first, last)| Extent {
        first,
        last,
        longest_silence: 0,
    };
    Extents {
        all: span.map(extent),
        by_source: Vec::new(),
    }
}

/// The length of the rows' periods, `auto` by the part of the data that lies in the window.
pub(super) fn rows_period(
    settings: &Settings,
    span: Option<(Micros, Micros)>,
) -> Option<PeriodLength> {
    match settings.periods {
        Periods::Of(length) => Some(length),
        Periods::Window => None,
        Periods::Auto => {
            let (first, last) = span.unwrap_or((0, 0));
            let first = settings.window.0.map_or(first, |from| from.max(first));
            let last = settings.window.1.map_or(last, |to| to.min(last));
            Some(auto_period(last.saturating_sub(first).max(0)))
        }
    }
}

pub(super) fn measure_plan(settings: &Settings, by: Option<PeriodLength>) -> Plan {
    Plan {
        timeout: settings.timeout,
        now: settings.now,
        window: settings.window,
        zone: settings.zone,
        by,
        segment: settings.segment.map(|segment| match segment {
            Segment::User => plan::Segment::User,
            Segment::Source => plan::Segment::SourceSet,
        }),
        compare: settings.compare,
        total: settings.total,
    }
}
