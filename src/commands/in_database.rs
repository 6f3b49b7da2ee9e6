//! `--engine database`: the questions of a report, asked where the rows are. What comes back are
//! sums alone, and what is made of them is made where sums of sessions that were read are.

use crate::commands::gathered::{rule_days, say_imported};
use crate::commands::report::{before_scan, measure_plan, rows_period};
use crate::commands::too_many_periods;
use crate::commands::voice::Voice;
use crate::error::{self, Failure};
use crate::events::{Micros, Role, UserId};
use crate::import::Imported;
use crate::import::in_place::{self, InPlace, refused};
use crate::import::ledger::Counts;
use crate::import::window::Edges;
use crate::measures::Measures;
use crate::measures::accumulator::Accumulator;
use crate::measures::plan::{Calendars, Plan, Segment};
use crate::measures::summary::{Cell, Pair};
use crate::measures::sums::{OrderStatistics, PeriodSums, Sums};
use crate::sessions::extent::{Extent, Extents};
use crate::sessions::scan::Scanned;
use crate::sessions::session::SourceSet;
use crate::sessions::users::Texts;
use crate::settings::Settings;
use crate::sql::aggregates::{self, Added, Asked, Series, Split, Sum};
use crate::sql::{EventSource, Midnights, NO_MAX_LENGTH, Question};
use crate::time::period::PeriodLength;

/// What a report is made of.
pub(super) struct Answer {
    pub(super) imported: Imported,
    pub(super) scanned: Scanned,
    pub(super) measures: Measures,
    pub(super) by: Option<PeriodLength>,
}

/// Asks everything that a report needs.
///
/// # Errors
///
/// What only the rows themselves can answer, rows that cannot be used, and what the database says.
pub(super) fn answer(settings: &Settings, voice: &Voice) -> Result<Answer, Failure> {
    refuse_settings(settings)?;
    let mut place = in_place::open(&settings.inputs, &settings.import)?;
    let reach = reach(&mut place, settings)?;
    let all = Part::of_rows(&place, settings, reach.span, |_| true)?;
    let mut active = Part::of_sessions(&place, settings, reach.span)?;
    let ignored = Part::of_rows(&place, settings, reach.span, |role| role == Role::Ignore)?;
    let rows = rows_of(&mut place, &all)?;
    let mut known = Known::new(rows);
    known.longest_silence = known.look_at(&mut place, &active)?;
    known.look_at(&mut place, &ignored)?;
    refuse_unusable(&place, &known)?;
    for (at, source) in known.sources.iter().enumerate() {
        place.say(at, source.events, source.zeros);
    }
    let extents = known.extents(&active).reaching(&reach.known);
    let span = extents.all.map(|all| (all.first, all.last));
    let by = rows_period(settings, span);
    let plan = measure_plan(settings, by);
    let calendars =
        Calendars::new(&plan, &before_scan(span)).map_err(|cause| too_many_periods(&cause))?;
    let days = rule_days(settings, known.span())?;
    active.question.midnights = days.as_ref().map(Midnights::of_calendar);
    let added = added(&mut place, &active, &plan, &calendars)?;
    let sums = sums(&added, &active, &plan, &calendars);
    let imported = imported(place, &known);
    say_imported(settings, &imported, voice);
    let names: Vec<&str> = imported
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let measures = Accumulator::of_sums(&plan, &calendars, sums).finish(&extents, &names);
    Ok(Answer {
        scanned: Scanned {
            counts: known.counts(&imported, &active, &added),
            extents,
            after_now: known.sources.iter().map(|source| source.later).sum(),
            texts: Texts::default(),
        },
        imported,
        measures,
        by,
    })
}

/// Refuses what is asked of the rows one by one.
fn refuse_settings(settings: &Settings) -> Result<(), Failure> {
    let all = [
        (settings.max_length.is_some(), NO_MAX_LENGTH),
        (
            settings.compat.is_some(),
            "--compat follows another system's rule, and the statements say our own",
        ),
        (
            settings.dwell.is_some(),
            "--dwell looks at the last event of every session, and sums alone come back",
        ),
        (
            settings.rejects.is_some(),
            "--rejects lists rows that cannot be used, which the database only counts",
        ),
        (
            settings.import.keep_going,
            "--keep-going leaves sources out, and all are in one statement",
        ),
    ];
    match all.into_iter().find(|(is_said, _)| *is_said) {
        Some((_, why)) => Err(refused(why)),
        None => Ok(()),
    }
}

/// The part of time that is looked at, which is the part that would be read.
struct Reach {
    span: Span,
    /// First and last time of each source that counts, where it reaches behind that part.
    known: Vec<Option<(Micros, Micros)>>,
}

fn reach(place: &mut InPlace, settings: &Settings) -> Result<Reach, Failure> {
    let window = &settings.import.window;
    if window.is_all() || !place.knows_spans() {
        return Ok(Reach {
            span: (None, None),
            known: vec![None; place.sources.len()],
        });
    }
    let ends = place.ends()?;
    let last = ends.iter().flatten().map(|ends| ends.1).max();
    let mut to = window.to;
    if let (Some(start), Some(last)) = (window.to, last) {
        let mut edges = Edges::new(window, start);
        let mut edge = start;
        let mut spans = Vec::new();
        loop {
            spans.push((edge.saturating_sub(window.timeout), edge));
            let looked_at = (Some(spans[0].0), Some(edge));
            let part = Part::of_rows(place, settings, looked_at, |_| true)?;
            let statement = aggregates::users_in_all(&part.question, &spans)?;
            let answer = place.ask(&statement)?;
            let alive = answer.first().and_then(|row| row.first());
            if number(alive)? == Some(0) {
                break;
            }
            match edges.next(last) {
                Some(next) => edge = next,
                None => break,
            }
        }
        to = Some(edge);
    }
    let known = place.sources.iter().zip(ends);
    let known = known.map(|(source, ends)| ends.filter(|_| source.role != Role::Ignore));
    Ok(Reach {
        span: (window.from, to),
        known: known.collect(),
    })
}

/// From, inclusive, to, exclusive; to an end where there is none.
type Span = (Option<Micros>, Option<Micros>);

/// Some of the sources in one question.
struct Part {
    question: Question,
    /// Where each of [`Question::numbered`] stands among all sources.
    places: Vec<usize>,
}

impl Part {
    /// Those that make sessions.
    fn of_sessions(place: &InPlace, settings: &Settings, span: Span) -> Result<Self, Failure> {
        let those = place.sources.iter().enumerate();
        let those = those.filter(|(_, source)| source.role != Role::Ignore);
        Self::of(place, settings, span, those.collect(), |role| role)
    }

    /// Those of some roles, whose rows alone are looked at.
    fn of_rows(
        place: &InPlace,
        settings: &Settings,
        span: Span,
        is_in: impl Fn(Role) -> bool,
    ) -> Result<Self, Failure> {
        let those = place.sources.iter().enumerate();
        let mut those: Vec<_> = those.filter(|(_, source)| is_in(source.role)).collect();
        those.sort_by_key(|(_, source)| &source.place.name);
        Self::of(place, settings, span, those, |_| Role::Activity)
    }

    fn of(
        place: &InPlace,
        settings: &Settings,
        span: Span,
        those: Vec<(usize, &in_place::Source)>,
        role: impl Fn(Role) -> Role,
    ) -> Result<Self, Failure> {
        let dialect = place.dialect();
        let mut sources: Vec<EventSource> = Vec::new();
        for (_, source) in &those {
            let source = source.in_statement(dialect, span)?;
            sources.push(EventSource {
                role: role(source.role),
                ..source
            });
        }
        Ok(Self {
            question: Question {
                dialect,
                sources,
                timeout: settings.timeout,
                midnights: None,
                window: (None, None),
                now: Some(settings.now),
                counts_sources: those.len() > 1,
            },
            places: those.into_iter().map(|(place, _)| place).collect(),
        })
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// The cell of an answer as a number.
fn number(cell: Option<&Option<String>>) -> Result<Option<i128>, Failure> {
    aggregates::whole(cell.and_then(Option::as_deref))
}

/// The rows of each source, whatever they hold.
fn rows_of(place: &mut InPlace, all: &Part) -> Result<Vec<u64>, Failure> {
    let mut rows = vec![0; all.places.len()];
    for row in place.ask(&aggregates::row_counts(&all.question)?)? {
        let (at, count) = (number(row.first())?, number(row.get(1))?);
        if let (Some(at), Some(count)) = (at, count) {
            rows[all.places[at as usize]] = count as u64;
        }
    }
    Ok(rows)
}

/// What is known of the sources before there are sessions.
struct Known {
    sources: Vec<KnownSource>,
    /// The longest silence of all sources that count.
    longest_silence: Micros,
}

#[derive(Clone, Copy, Default)]
struct KnownSource {
    rows: u64,
    /// Rows with a user and a time.
    events: u64,
    ends: Option<(Micros, Micros)>,
    longest_silence: Micros,
    /// Events after now, and at 1970.
    later: u64,
    zeros: u64,
    duplicates: u64,
}

impl Known {
    fn new(rows: Vec<u64>) -> Self {
        let of_rows = |rows| KnownSource {
            rows,
            ..KnownSource::default()
        };
        Self {
            sources: rows.into_iter().map(of_rows).collect(),
            longest_silence: 0,
        }
    }

    /// Asks for the facts of a part of the sources; the longest silence of all of them together.
    fn look_at(&mut self, place: &mut InPlace, part: &Part) -> Result<Micros, Failure> {
        let mut longest_silence = 0;
        if part.is_empty() {
            return Ok(longest_silence);
        }
        for row in place.ask(&aggregates::facts(&part.question)?)? {
            let cell = |at: usize| number(row.get(at)).map(Option::unwrap_or_default);
            let at = cell(0)?;
            let silence = cell(4)? as Micros;
            if at < 0 {
                longest_silence = silence;
                continue;
            }
            let source = &mut self.sources[part.places[at as usize]];
            source.events = cell(1)? as u64;
            source.ends = Some((cell(2)? as Micros, cell(3)? as Micros));
            source.longest_silence = silence;
            source.later = cell(5)? as u64;
            source.zeros = cell(6)? as u64;
        }
        for row in place.ask(&aggregates::duplicates(&part.question)?)? {
            if let Some(at) = number(row.first())? {
                let source = &mut self.sources[part.places[at as usize]];
                source.duplicates = number(row.get(1))?.unwrap_or_default() as u64;
            }
        }
        Ok(longest_silence)
    }

    /// First and last event, whatever the role.
    fn span(&self) -> Option<(Micros, Micros)> {
        let ends = self.sources.iter().filter_map(|source| source.ends);
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// What the sources that count show.
    fn extents(&self, active: &Part) -> Extents {
        let mut by_source = vec![None; self.sources.len()];
        let mut all: Option<Extent> = None;
        for &place in &active.places {
            let source = self.sources[place];
            let Some((first, last)) = source.ends else {
                continue;
            };
            by_source[place] = Some(Extent {
                first,
                last,
                longest_silence: source.longest_silence,
            });
            all = Some(Extent {
                first: all.map_or(first, |all| all.first.min(first)),
                last: all.map_or(last, |all| all.last.max(last)),
                longest_silence: self.longest_silence,
            });
        }
        Extents { all, by_source }
    }

    /// What became of each source's rows that are events.
    fn counts(&self, imported: &Imported, active: &Part, added: &[Added]) -> Vec<Counts> {
        let mut all = Vec::new();
        for (place, (known, source)) in self.sources.iter().zip(&imported.sources).enumerate() {
            let dropped = match source.drop_duplicates {
                true => known.duplicates,
                false => 0,
            };
            let mut counts = Counts {
                duplicates: known.duplicates,
                duplicates_dropped: dropped,
                ..Counts::default()
            };
            let left = known.events - dropped;
            let members = |series: Series| match active.places.iter().position(|at| *at == place) {
                Some(number) => events_of(added, active, series, number),
                None => 0,
            };
            match source.role {
                Role::Ignore => counts.filtered_ignored = left,
                Role::Expiry => counts.filtered_expiry = left,
                Role::Start | Role::Activity | Role::End => {
                    counts.events = members(Series::Window);
                    counts.filtered_outside_window = members(Series::Outside);
                    let members = counts.events + counts.filtered_outside_window;
                    counts.filtered_orphan_ends = left.saturating_sub(members);
                }
            }
            all.push(counts);
        }
        all
    }
}

/// The events of a source in sessions.
fn events_of(added: &[Added], active: &Part, series: Series, number: usize) -> u64 {
    let sum = match active.question.counts_sources {
        true => Sum::SourceEvents(number),
        false => Sum::Events,
    };
    let rows = added.iter().filter(|row| row.series == series);
    rows.filter_map(|row| row.get(sum)).sum::<i128>() as u64
}

/// Rows that cannot be used are only counted here, and so end the run.
fn refuse_unusable(place: &InPlace, known: &Known) -> Result<(), Failure> {
    for (source, known) in place.sources.iter().zip(&known.sources) {
        let unusable = known.rows.saturating_sub(known.events);
        if unusable > 0 {
            let message = format!(
                "{unusable} of {} rows cannot be used: the user or the time is missing, or is none \
                 that is read alike in the database and here",
                known.rows
            );
            return Err(Failure::new(error::DATABASE, message)
                .in_source(&source.place)
                .help("use --engine local, which lists them and takes --max-rejects"));
        }
    }
    Ok(())
}

/// The sums of everything; none where there is no event.
fn added(
    place: &mut InPlace,
    active: &Part,
    plan: &Plan,
    calendars: &Calendars,
) -> Result<Vec<Added>, Failure> {
    let Some(extent) = calendars.extent.filter(|_| !active.is_empty()) else {
        return Ok(Vec::new());
    };
    let split = plan.segment.map(|segment| {
        let split = match segment {
            Segment::User => Split::Users,
            Segment::SourceSet => Split::SourceSets,
        };
        (split, plan.by.and_then(|by| calendars.position(by)))
    });
    let adding = aggregates::sums(&Asked {
        question: &active.question,
        window: plan.window,
        extent,
        calendars: calendars.by_length.iter().map(|(_, days)| days).collect(),
        split,
    })?;
    let answer = place.ask(&adding.statement)?;
    adding.rows(&answer)
}

/// The same for the measures.
fn sums(added: &[Added], active: &Part, plan: &Plan, calendars: &Calendars) -> Sums {
    let mut sums = Sums::default();
    let lengths = calendars.by_length.iter();
    sums.periods = lengths.map(|(length, _)| (*length, Vec::new())).collect();
    for row in added {
        let mut period = period_sums(row);
        match row.series {
            Series::Outside => {}
            Series::Window => {
                // Rows per user leave the durations behind, unless the overall row is asked for.
                if plan.segment == Some(Segment::User) && !plan.total {
                    period.quantiles = None;
                }
                sums.touching_ends = row.get(Sum::Touching).unwrap_or_default() as u64;
                sums.overall = period;
            }
            Series::Calendar(calendar) => {
                let (length, periods) = &mut sums.periods[calendar];
                if plan.segment.is_some() || plan.by != Some(*length) {
                    period.quantiles = None;
                }
                periods.push(period);
            }
            Series::Split => {
                let segment = row.segment.as_deref().unwrap_or_default();
                match plan.segment {
                    Some(Segment::User) => {
                        sums.users
                            .push((UserId::from_text(segment).to_user(), period));
                    }
                    _ => {
                        let sources = source_set(segment, active);
                        match sums
                            .source_sets
                            .iter_mut()
                            .find(|(known, _)| *known == sources)
                        {
                            Some((_, periods)) => periods.push(period),
                            None => sums.source_sets.push((sources, vec![period])),
                        }
                    }
                }
            }
        }
    }
    sums
}

/// The sources of which a digit is 1.
fn source_set(digits: &str, active: &Part) -> SourceSet {
    let mut sources = SourceSet::default();
    for (digit, &place) in digits.bytes().zip(&active.places) {
        if digit == b'1' {
            sources.insert(place as u8);
        }
    }
    sources
}

fn period_sums(row: &Added) -> PeriodSums {
    let sum = |of: Sum| row.get(of).unwrap_or_default();
    let count = |of: Sum| sum(of) as u64;
    let duration = |of: Sum| row.get(of).map(|micros| micros as Micros);
    let around = |below: Sum, above: Sum| {
        let below = duration(below)?;
        Some((below, duration(above).unwrap_or(below)))
    };
    let median = around(Sum::MedianBelow, Sum::MedianAbove);
    let p90 = around(Sum::P90Below, Sum::P90Above);
    PeriodSums {
        index: row.period,
        cell: Cell {
            users: count(Sum::Users),
            events: count(Sum::Events),
            sessions: count(Sum::Sessions),
            open_sessions: count(Sum::OpenSessions),
            closed_users: count(Sum::ClosedUsers),
            closed_sessions: count(Sum::ClosedSessions),
            closed_events: count(Sum::ClosedEvents),
            bounces: count(Sum::Bounces),
            largest_user: count(Sum::LargestUser),
            duration: sum(Sum::Duration),
            bounce_duration: 0,
            sessions_squared: sum(Sum::SessionsSquared),
            sessions_times_duration: sum(Sum::SessionsTimesDuration),
            duration_squared: sum(Sum::DurationSquared),
            user_means: sum(Sum::UserMeans),
        },
        pair: Pair {
            users: count(Sum::PairUsers),
            sessions_sessions: sum(Sum::PairSessionsSessions),
            sessions_duration: sum(Sum::PairSessionsDuration),
            duration_sessions: sum(Sum::PairDurationSessions),
            duration_duration: sum(Sum::PairDurationDuration),
        },
        quantiles: median.zip(p90).map(|(median, p90)| OrderStatistics {
            count: count(Sum::ClosedSessions),
            median,
            p90,
        }),
    }
}

/// What an import would have given beside the events.
fn imported(place: InPlace, known: &Known) -> Imported {
    let sources = place.sources.iter().zip(&known.sources);
    let records = sources.map(|(source, known)| source.record(known.rows));
    let of_engine = place.sources.iter().map(in_place::Source::of_engine);
    Imported {
        records: records.collect(),
        sources: of_engine.collect(),
        notes: place.notes,
        statements: place.asked,
        ..Imported::default()
    }
}
