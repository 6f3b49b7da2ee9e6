//! `sessionize threshold`: what every timeout gives, and which one the gaps ask for.

mod parts;

use std::sync::Arc;

use crate::commands::check::checked;
use crate::commands::gathered::{Gathered, run_record};
use crate::commands::report::{before_scan, measure_plan};
use crate::commands::threshold::parts::Parts;
use crate::commands::voice::Voice;
use crate::commands::{Ending, close, record_beside, too_many_periods};
use crate::error::Failure;
use crate::events::{Micros, Role, SECOND};
use crate::measures::plan::{Calendars, Plan};
use crate::measures::{Change, Figures, Trend};
use crate::output::Output;
use crate::report::json::run_line;
use crate::report::judgement::JudgementReport;
use crate::report::{self, Run};
use crate::sessions::partition::Partitions;
use crate::sessions::rule::Rule;
use crate::sessions::scan::{ScanPlan, Scanned, UserSessions, scan};
use crate::sessions::spill::Memory;
use crate::sessions::users::user_hash;
use crate::settings::Settings;
use crate::settings::threshold::ThresholdSettings;
use crate::threshold::check::check;
use crate::threshold::estimate::{EstimatePlan, Estimation, Resampling, Tallies};
use crate::threshold::gaps::{Chains, Histogram, finite};
use crate::threshold::medians::Medians;
use crate::threshold::rescan::{Rescan, RescanPlan, Round};
use crate::threshold::resolution::Resolutions;
use crate::threshold::robustness::{grid, robustness};
use crate::threshold::sources::{Alone, differences};
use crate::threshold::sweep::{Curve, Sweep};
use crate::threshold::{Compared, Judgement, Robustness, SweepRow, Verdict};
use crate::time::duration::Timeout;
use crate::time::period::PeriodLength;

/// Between which lengths a timeout may be recommended: structure at the scale of a night is not a
/// visit.
pub(super) const BETWEEN: (Micros, Micros) = (30 * SECOND, 4 * 3600 * SECOND);

/// What a window does not do here.
const OUTSIDE: &str = "The window chooses the sessions of the timeouts that were named; gaps, \
                       methods and the verdict rest on all events read, also on those outside it.";

/// How many periods before the end of the data the trend is looked for at other timeouts: what
/// makes the last ones incomplete seldom lasts longer.
const RECENT: usize = 6;

/// Judges the timeout and publishes what is to be said of it.
pub(super) fn run(
    settings: &Settings,
    asked: &ThresholdSettings,
    voice: &Voice,
    output: Output,
) -> Result<Ending, Failure> {
    let resolutions = Resolutions::default();
    let parts = Parts::new(settings, asked);
    let (gathered, partitions) = Gathered::read(settings, voice, |batch| {
        if parts.gaps {
            resolutions.note(batch);
        }
    })?;
    let report = make(settings, asked, &gathered, partitions, &resolutions)?;
    let run = &report.run;
    let record = record_beside(settings, run, None);
    let write = |out: &mut dyn std::io::Write| {
        report::write_judgement(settings.format, &report, settings.style, out)
    };
    let published = output.publish(write, record)?;
    let line = || run_line(run, None);
    let ending = close(settings, voice, run, line, &published);
    Ok(checked(ending, report.checks.as_ref()))
}

/// What one thread finds out of its users.
struct Found<'a> {
    parts: Parts,
    chains: Chains<'a>,
    kept: Vec<Micros>,
    sweep: Sweep,
    medians: Medians,
    histogram: Histogram,
    tallies: Tallies,
    sources: Vec<(u8, Chains<'a>, Tallies)>,
    rescan: Rescan<'a>,
}

impl Found<'_> {
    fn user(&mut self, user: &UserSessions<'_>) {
        let parts = self.parts;
        let hash = user_hash(user.user);
        if let Some(chain) = self.chains.user(user.events) {
            if parts.sweep {
                self.sweep.user(chain);
                self.medians.user(chain);
            }
            if parts.histogram {
                self.histogram.user(chain);
            }
            if parts.gaps {
                self.tallies.user(hash, finite(chain.gaps, &mut self.kept));
            }
        }
        for (_, chains, tallies) in &mut self.sources {
            if let Some(chain) = chains.user(user.events) {
                tallies.user(hash, finite(chain.gaps, &mut self.kept));
            }
        }
        self.rescan.user(user);
    }

    fn merge(self, other: Self) -> Self {
        let sources = self.sources.into_iter().zip(other.sources);
        Self {
            sweep: self.sweep.merge(other.sweep),
            medians: self.medians.merge(other.medians),
            histogram: self.histogram.merge(&other.histogram),
            tallies: self.tallies.merge(other.tallies),
            sources: sources
                .map(|((source, chains, one), (_, _, other))| (source, chains, one.merge(other)))
                .collect(),
            rescan: self.rescan.merge(other.rescan),
            ..self
        }
    }
}

/// What is asked in one run, settled before the scan.
struct Asking<'a> {
    settings: &'a Settings,
    asked: &'a ThresholdSettings,
    parts: Parts,
    gathered: &'a Gathered,
    resolutions: &'a Resolutions,
    shown: Vec<Timeout>,
}

fn make(
    settings: &Settings,
    asked: &ThresholdSettings,
    gathered: &Gathered,
    partitions: Partitions,
    resolutions: &Resolutions,
) -> Result<JudgementReport, Failure> {
    let rule = gathered.rule(settings)?;
    let asking = Asking {
        settings,
        asked,
        parts: Parts::new(settings, asked),
        gathered,
        resolutions,
        shown: asked.shown(settings.timeout),
    };
    let rescans = asking.rescans(&rule)?;
    let none = rescans.calendars.clone().only(&[]);
    let memory = partitions.memory();
    let plan = ScanPlan {
        every_user: true,
        ..gathered.scan_plan(settings, &rule, false)
    };
    let new = || asking.nothing(&rule, Rescan::new(&rescans, &none, &memory), &memory);
    let (found, scanned) = scan(partitions, &plan, new, |found, user| found.user(user))?;
    let found = found.into_iter().reduce(Found::merge).unwrap_or_else(new);
    let report = asking.report(found, rescans.compared_from, &scanned);
    memory.check()?;
    Ok(report)
}

impl<'a> Asking<'a> {
    /// Every timeout to which the whole rule is applied: those that are named, and those at which
    /// the trend is looked at.
    fn rescans(&self, rule: &Rule) -> Result<RescanPlan<'a>, Failure> {
        let settings = self.settings;
        let in_use = settings.timeout;
        let (named, compared) = (self.named(), self.compared());
        let plan = Plan {
            segment: None,
            total: true,
            ..measure_plan(settings, None)
        };
        let calendars = Calendars::new(&plan, &before_scan(self.gathered.active_span))
            .map_err(|cause| too_many_periods(&cause))?;
        let lengths = settings
            .compare
            .map_or(vec![PeriodLength::Week, PeriodLength::Day], |one| vec![one]);
        let mut timeouts: Vec<Timeout> = named.iter().chain(&compared).copied().collect();
        timeouts.sort_unstable();
        timeouts.dedup();
        let rounds = timeouts.into_iter().map(|timeout| Round {
            rule: Rule {
                timeout,
                ..rule.clone()
            },
            plan: Plan {
                timeout,
                ..plan.clone()
            },
            keeps_durations: named.contains(&timeout),
            compares: compared.contains(&timeout),
        });
        let calendars = calendars.only(&lengths);
        Ok(RescanPlan {
            compared_from: calendars.recent(RECENT).unwrap_or(Micros::MIN),
            sources: &self.gathered.imported.sources,
            rounds: rounds.collect(),
            window: (
                settings.window.0.unwrap_or(Micros::MIN),
                settings.window.1.unwrap_or(Micros::MAX),
            ),
            in_use,
            calendars,
        })
    }

    /// The timeouts whose figures are asked for: always of the one in use, for the run's record.
    fn named(&self) -> Vec<Timeout> {
        let in_use = self.settings.timeout;
        match self.parts.sweep {
            true => self.asked.named(in_use),
            false => vec![in_use],
        }
    }

    /// The timeouts at which the trend is looked at.
    fn compared(&self) -> Vec<Timeout> {
        match self.parts.robustness {
            true => grid(self.settings.timeout),
            false => Vec::new(),
        }
    }

    /// Before any user.
    fn nothing(&self, rule: &Rule, rescan: Rescan<'a>, memory: &Arc<Memory>) -> Found<'a> {
        let sources = &self.gathered.imported.sources;
        let resampling = Resampling {
            resamples: self.parts.resamples,
            seed: self.asked.seed,
        };
        let shown = self.shown.iter().map(|timeout| timeout.micros());
        let alone = self.sources_alone().into_iter().map(|source| {
            let resolution = self.resolution(|place| place == source);
            let chains = Chains::new(rule, sources).only(source);
            (source, chains, Tallies::new(&resampling, resolution))
        });
        let is_counted = |place: u8| sources[usize::from(place)].role != Role::Ignore;
        Found {
            parts: self.parts,
            chains: Chains::new(rule, sources),
            kept: Vec::new(),
            sweep: Sweep::new(shown.flat_map(Sweep::needed)),
            medians: Medians::new(&self.shown, memory),
            histogram: Histogram::default(),
            tallies: Tallies::new(&resampling, self.resolution(is_counted)),
            sources: alone.collect(),
            rescan,
        }
    }

    /// The sources that are judged alone: those of activity, where it is asked for.
    fn sources_alone(&self) -> Vec<u8> {
        let sources = (0..).zip(&self.gathered.imported.sources);
        let active = sources.filter(|(_, source)| source.role == Role::Activity);
        let alone = active.filter(|_| self.parts.sources);
        alone.map(|(place, _)| place).collect()
    }

    /// The resolution of the sources that `counts` accepts by their number in the run.
    fn resolution(&self, counts: impl Fn(u8) -> bool) -> Micros {
        resolution(self.gathered, self.resolutions, counts)
    }

    fn report(
        &self,
        found: Found<'_>,
        compared_from: Micros,
        scanned: &Scanned,
    ) -> JudgementReport {
        let in_use = self.settings.timeout;
        let (whole, robustness) = self.whole(found.rescan, compared_from, scanned);
        let curve = found.sweep.finish();
        let medians = found.medians.finish();
        let plan = EstimatePlan {
            in_use,
            tolerance: self.asked.tolerance,
            between: BETWEEN,
            threads: self.settings.threads,
        };
        let estimation = found.tallies.judge(&plan);
        let sources = found.sources.into_iter().map(|(source, _, tallies)| Alone {
            name: self.gathered.imported.sources[usize::from(source)]
                .name
                .clone(),
            estimation: tallies.judge(&plan),
        });
        let sources: Vec<Alone> = sources.collect();
        let figures = whole.iter().find(|(timeout, _)| *timeout == in_use);
        let figures = figures
            .map(|(_, figures)| figures.clone())
            .unwrap_or_default();
        let rows = rows(&self.shown, &curve, &medians, &whole, &estimation.verdict);
        let run = Run {
            users: figures.users,
            sessions: figures.sessions,
            open_sessions: figures.open_sessions,
            ..run_record(self.settings, &self.gathered.imported, scanned)
        };
        let mut judgement = Judgement {
            in_use,
            histogram: found.histogram.bins(),
            sweep: rows,
            curve_differs: self.curve_differs(&whole),
            differences: differences(&sources),
            sources: sources.into_iter().filter_map(Alone::judgement).collect(),
            robustness,
            ..of(estimation, in_use)
        };
        if self.settings.window != (None, None) {
            judgement.remarks.push(OUTSIDE.to_owned());
        }
        let rules = self.asked.rules.as_ref();
        JudgementReport {
            run,
            checks: rules.map(|rules| check(rules, &judgement)),
            judgement,
            rows: self.asked.rows,
        }
    }

    /// Figures at the timeouts named, and the trend's robustness.
    fn whole(
        &self,
        rescan: Rescan<'_>,
        compared_from: Micros,
        scanned: &Scanned,
    ) -> (Vec<(Timeout, Figures)>, Robustness) {
        let in_use = self.settings.timeout;
        let (named, compared) = (self.named(), self.compared());
        let sources = &self.gathered.imported.sources;
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let (here, others): (Vec<_>, Vec<_>) = rescan
            .finish()
            .into_iter()
            .partition(|(timeout, _)| *timeout == in_use);
        let here = here.into_iter().map(|(_, accumulator)| accumulator);
        let measures = here.map(|one| one.finish(&scanned.extents, &names)).next();
        let measures = measures.expect("the timeout in use is among those scanned again");
        let trend = compared_trend(measures.trend, compared_from);
        let mut figures = vec![(in_use, measures.overall.figures)];
        let change = trend.as_ref().ok().map(|(_, change)| *change);
        let mut points = vec![(in_use, change)];
        for (timeout, accumulator) in others {
            if compared.contains(&timeout) {
                let periods = trend.as_ref().ok();
                let change = periods
                    .and_then(|(periods, _)| accumulator.change(periods.length, periods.later));
                points.push((timeout, change));
            }
            if named.contains(&timeout) {
                let measures = accumulator.finish(&scanned.extents, &names);
                figures.push((timeout, measures.overall.figures));
            }
        }
        points.sort_unstable_by_key(|(timeout, _)| *timeout);
        let robustness = Robustness {
            compared: trend.as_ref().ok().map(|(periods, _)| *periods),
            reason: trend.err(),
            ..robustness(points, in_use)
        };
        (figures, robustness)
    }

    /// Why the figures are not on the curve.
    fn curve_differs(&self, whole: &[(Timeout, Figures)]) -> Option<String> {
        let settings = self.settings;
        let mut reasons = Vec::new();
        if settings.window != (None, None) {
            reasons.push("sessions outside the window");
        }
        if settings.max_length.is_some() {
            reasons.push("the longest length of a session");
        }
        if whole.iter().any(|(_, figures)| figures.open_sessions > 0) {
            reasons.push("which sessions are still open");
        }
        let (last, others) = reasons.split_last()?;
        let list = match others.is_empty() {
            true => (*last).to_owned(),
            false => format!("{} and {last}", others.join(", ")),
        };
        Some(format!("the curve does not know {list}"))
    }
}

/// The resolution of the sources that `counts` accepts by their number in the run.
pub(super) fn resolution(
    gathered: &Gathered,
    resolutions: &Resolutions,
    counts: impl Fn(u8) -> bool,
) -> Micros {
    let known = gathered.imported.sources.len();
    resolutions.of(|provisional| {
        let place = gathered.translation[usize::from(provisional)];
        usize::from(place) < known && counts(place)
    })
}

/// The periods that the trend compares, and its change; a clause where there is none that can be
/// looked at with other timeouts.
fn compared_trend(trend: Trend, compared_from: Micros) -> Result<(Compared, Change), String> {
    match trend {
        Trend::None { reason } => Err(reason),
        Trend::Compared {
            earlier, length, ..
        } if earlier.start < compared_from => Err(format!(
            "the last two complete ones lie more than {RECENT} {}s before the end of the data, \
             where other timeouts are not looked at",
            length.name()
        )),
        Trend::Compared {
            length,
            earlier,
            later,
            change,
            ..
        } => {
            let periods = Compared {
                length,
                earlier,
                later,
            };
            Ok((periods, change))
        }
    }
}

/// What the gaps say, and nothing else yet.
fn of(estimation: Estimation, in_use: Timeout) -> Judgement {
    Judgement {
        in_use,
        gaps: estimation.gaps,
        histogram: Vec::new(),
        sweep: Vec::new(),
        curve_differs: None,
        estimates: estimation.estimates,
        rules: estimation.rules,
        gates: estimation.gates,
        verdict: estimation.verdict,
        sources: Vec::new(),
        differences: Vec::new(),
        robustness: Robustness::default(),
        remarks: estimation.remarks,
    }
}

/// A row for each timeout shown, and for the one recommended, to the second.
fn rows(
    shown: &[Timeout],
    curve: &Curve,
    medians: &[(Micros, Option<f64>)],
    whole: &[(Timeout, Figures)],
    verdict: &Verdict,
) -> Vec<SweepRow> {
    let recommended = match verdict {
        Verdict::Recommended { seconds, .. } => {
            Timeout::from_micros(seconds.round() as Micros * SECOND).ok()
        }
        _ => None,
    };
    let recommended = recommended.filter(|timeout| curve.at(timeout.micros()).is_some());
    let mut timeouts: Vec<Timeout> = shown.iter().copied().chain(recommended).collect();
    timeouts.sort_unstable();
    timeouts.dedup();
    let row = |timeout: Timeout| {
        let micros = timeout.micros();
        let median = medians.binary_search_by_key(&micros, |(timeout, _)| *timeout);
        let mut point = curve.point(micros);
        point.median = median.ok().and_then(|place| medians[place].1);
        let figures = whole.iter().find(|(named, _)| *named == timeout);
        SweepRow {
            timeout,
            curve: point,
            figures: figures.map(|(_, figures)| figures.clone()),
        }
    };
    timeouts.into_iter().map(row).collect()
}
