//! What every command begins with: everything read, its events scattered for the engine, its
//! rejected rows written.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::commands::progress::over;
use crate::commands::too_many_periods;
use crate::commands::voice::Voice;
use crate::error::Failure;
use crate::events::{Batch, GIVEN_UP, Micros, Role};
use crate::import::meter::Meter;
use crate::import::pipeline::Sink;
use crate::import::{self, Imported, PlacedReject};
use crate::output;
use crate::report::csv::guarded;
use crate::report::{MissingSource, Run};
use crate::sessions::partition::{Partitioner, Partitions, Sharing};
use crate::sessions::rule::Rule;
use crate::sessions::scan::{ScanPlan, Scanned};
use crate::sessions::spill::Memory;
use crate::settings::Settings;
use crate::settings::memory::for_keeping;
use crate::time::period::{Calendar, PeriodLength};

/// What is known of the sources before their events are scanned.
pub(super) struct Gathered {
    pub(super) imported: Imported,
    /// From an importer's provisional source numbers to the run's.
    pub(super) translation: [u8; 256],
    /// First and last event, whatever the role; and without ignored sources.
    span: Span,
    pub(super) active_span: Span,
    /// The same of each source that counts, where its database says more than was read.
    ends: Vec<Span>,
}

/// First and last event, if there is any.
type Span = Option<(Micros, Micros)>;

/// What covers both.
fn together(one: Span, other: Span) -> Span {
    match (one, other) {
        (Some((first, last)), Some(other)) => Some((first.min(other.0), last.max(other.1))),
        (one, other) => one.or(other),
    }
}

impl Gathered {
    /// Reads all inputs on all threads, and scatters the events for the engine. `each` sees every
    /// batch too.
    pub(super) fn read(
        settings: &Settings,
        voice: &Voice,
        each: impl Fn(&Batch) + Sync,
    ) -> Result<(Self, Partitions), Failure> {
        Self::read_after(settings, voice, Vec::new(), each)
    }

    /// The same after something else was read, whose rejected rows are written too.
    pub(super) fn read_after(
        settings: &Settings,
        voice: &Voice,
        rejects: Vec<PlacedReject>,
        each: impl Fn(&Batch) + Sync,
    ) -> Result<(Self, Partitions), Failure> {
        let memory = Arc::new(Memory::new(
            for_keeping(settings.memory, settings.threads),
            settings.temp_dir.clone(),
        ));
        let sharing = Sharing::new(&memory);
        let mut parts: Vec<Partitioner<'_>> = (0..settings.threads)
            .map(|_| sharing.partitioner())
            .collect();
        let meter = Meter::default();
        let each = &each;
        let mut sinks: Vec<Sink<'_>> = parts
            .iter_mut()
            .map(|part| {
                let (memory, meter) = (&memory, &meter);
                Box::new(move |batch: &Batch| {
                    part.take(batch);
                    if memory.has_failed() {
                        meter.stop();
                    }
                    each(batch);
                }) as Sink<'_>
            })
            .collect();
        let imported = import_all(settings, voice, &meter, &mut sinks, rejects)
            .map_err(|failure| memory.check().err().unwrap_or(failure))?;
        drop(sinks);
        let mut translation = [GIVEN_UP; 256];
        translation[..imported.translation.len()].copy_from_slice(&imported.translation);
        let parts = parts.into_iter().map(Partitioner::finish).collect();
        let partitions = Partitions::join(sharing, parts);
        memory.check()?;
        let span = |counts: &dyn Fn(Role) -> bool| {
            partitions.span(|source| match translation[usize::from(source)] {
                GIVEN_UP => false,
                place => counts(imported.sources[usize::from(place)].role),
            })
        };
        let (span, active_span) = (span(&|_| true), span(&|role| role != Role::Ignore));
        let known = imported.records.iter().map(|record| match record.role {
            Role::Ignore => None,
            _ => record.extent,
        });
        let ends: Vec<Span> = known.collect();
        Ok((
            Self {
                active_span: ends
                    .iter()
                    .fold(active_span, |all, ends| together(all, *ends)),
                imported,
                translation,
                span,
                ends,
            },
            partitions,
        ))
    }

    /// The rule, with the days that midnight cuts over the whole span.
    pub(super) fn rule(&self, settings: &Settings) -> Result<Rule, Failure> {
        Ok(Rule {
            timeout: settings.timeout,
            max_length: settings.longest_session(),
            days: rule_days(settings, self.span)?,
            compat: settings.compat,
        })
    }

    /// The rule that decides without `--compat`.
    pub(super) fn own_rule(&self, settings: &Settings) -> Result<Rule, Failure> {
        self.rule(&Settings {
            compat: None,
            ..settings.clone()
        })
    }

    /// What the scan is to do.
    pub(super) fn scan_plan<'a>(
        &'a self,
        settings: &Settings,
        rule: &'a Rule,
        count_sources: bool,
    ) -> ScanPlan<'a> {
        ScanPlan {
            rule,
            sources: &self.imported.sources,
            translation: self.translation,
            span: self.span.unwrap_or((0, 0)),
            ends: &self.ends,
            from: settings.window.0.unwrap_or(Micros::MIN),
            to: settings.window.1.unwrap_or(Micros::MAX),
            now: settings.now,
            threads: settings.threads,
            count_sources,
            every_user: false,
        }
    }
}

/// The days that midnight cuts, over the whole span of the data.
pub(super) fn rule_days(
    settings: &Settings,
    span: Option<(Micros, Micros)>,
) -> Result<Option<Calendar>, Failure> {
    match (settings.cuts_at_midnight(), span) {
        (true, Some((first, last))) => {
            let days = Calendar::covering(PeriodLength::Day, &settings.zone, first, last);
            days.map(Some).map_err(|cause| too_many_periods(&cause))
        }
        _ => Ok(None),
    }
}

/// The run record once everything is counted; what the measures know is filled in by the caller.
pub(super) fn run_record(settings: &Settings, imported: &Imported, scanned: &Scanned) -> Run {
    let mut sources = imported.records.clone();
    let counted = scanned.counts.iter().zip(&scanned.extents.by_source);
    for (record, (counts, extent)) in sources.iter_mut().zip(counted) {
        record.counts.add(counts);
        record.extent = extent.map(|extent| (extent.first, extent.last));
        assert!(
            record.counts.balance(),
            "every row read of a source is accounted for"
        );
    }
    Run {
        version: env!("CARGO_PKG_VERSION"),
        timeout: settings.timeout,
        zone: settings.zone,
        now: settings.now,
        now_is_clock: settings.now_is_clock,
        from: settings.window.0,
        to: settings.window.1,
        by: None,
        segment: None,
        cut_day: settings.cuts_at_midnight(),
        max_length: settings.longest_session(),
        compat: settings.compat,
        sample: settings.sample,
        sources,
        missing: imported
            .missing
            .iter()
            .map(|(name, failure)| MissingSource {
                name: name.clone(),
                error: failure.to_string(),
            })
            .collect(),
        events_after_now: scanned.after_now,
        users: 0,
        sessions: 0,
        open_sessions: 0,
    }
}

/// Reads all inputs into the sinks, writes the rejects file, also when rejects are why the reading
/// failed, and says what there is to say.
pub(super) fn import_all(
    settings: &Settings,
    voice: &Voice,
    meter: &Meter,
    sinks: &mut [Sink<'_>],
    mut rejects: Vec<PlacedReject>,
) -> Result<Imported, Failure> {
    let imported = over(meter, settings, || {
        import::read(
            &settings.inputs,
            &settings.import,
            meter,
            sinks,
            &mut rejects,
        )
    });
    let imported = with_rejects_written(settings, imported, rejects)?;
    #[cfg(feature = "failpoints")]
    if std::env::var("SESSIONIZE_FAIL").is_ok_and(|fail| fail == "panic-after-import") {
        panic!("planted: {imported:?}");
    }
    say_imported(settings, &imported, voice);
    Ok(imported)
}

/// What was read, once its rejected rows are written, also where they are why the reading failed.
pub(super) fn with_rejects_written<T>(
    settings: &Settings,
    imported: Result<T, Failure>,
    mut rejects: Vec<PlacedReject>,
) -> Result<T, Failure> {
    let written = match imported.is_ok() || !rejects.is_empty() {
        true => write_rejects(settings, &mut rejects),
        false => Ok(()),
    };
    match (imported, written) {
        (Ok(imported), Ok(())) => Ok(imported),
        (Ok(_), Err(unwritten)) => Err(unwritten),
        (Err(failure), Err(unwritten)) => Err(unwritten.detail(format!("before: {failure}"))),
        (Err(failure), Ok(())) => Err(match &settings.rejects {
            Some(path) if !rejects.is_empty() => {
                failure.detail(format!("unusable rows are listed in {}", path.display()))
            }
            _ => failure,
        }),
    }
}

/// Says what there is to say of what was read.
pub(super) fn say_imported(settings: &Settings, imported: &Imported, voice: &Voice) {
    say(imported, voice);
    say_unknown_roles(settings, imported, voice);
}

/// Says what there is to say of rows.
pub(super) fn say(imported: &Imported, voice: &Voice) {
    for statement in &imported.statements {
        voice.detail(statement);
    }
    for note in &imported.notes {
        voice.note(note);
    }
    for (_, failure) in &imported.missing {
        voice.warn(&format!("left out: {failure}"));
    }
    for record in &imported.records {
        let (name, counts) = (&record.name, &record.counts);
        if counts.rejected > 0 {
            let (rejected, read) = (counts.rejected, counts.read);
            voice.warn(&format!(
                "source \"{name}\": {rejected} of {read} rows cannot be used"
            ));
        }
        if counts.read == 0 {
            voice.warn(&format!(
                "source \"{name}\" ({}, {}): 0 events",
                record.kind, record.place
            ));
        }
    }
}

/// A role for a source that is not there may be a misspelt name, or a day without logins.
fn say_unknown_roles(settings: &Settings, imported: &Imported, voice: &Voice) {
    let read = imported.records.iter().map(|record| record.name.as_str());
    let missing = imported.missing.iter().map(|(name, _)| name.as_str());
    let names: Vec<&str> = read.chain(missing).collect();
    let is_there = |role: &str| {
        names
            .iter()
            .any(|name| *name == role || name.ends_with(&format!(".{role}")))
    };
    let roles: BTreeSet<&str> = settings
        .inputs
        .iter()
        .flat_map(|input| input.roles.keys().map(String::as_str))
        .collect();
    for role in roles.into_iter().filter(|role| !is_there(role)) {
        voice.warn(&format!(
            "no source is named \"{role}\", which was given a role"
        ));
    }
}

/// Columns of the rejects file.
const REJECT_COLUMNS: [&str; 7] = [
    "source", "file", "line", "byte", "column", "kind", "message",
];

fn write_rejects(settings: &Settings, rejects: &mut [PlacedReject]) -> Result<(), Failure> {
    let Some(path) = &settings.rejects else {
        return Ok(());
    };
    rejects.sort_by(|one, other| {
        let place = |placed: &PlacedReject| (placed.reject.line, placed.reject.byte);
        (&one.source, &one.file, place(one)).cmp(&(&other.source, &other.file, place(other)))
    });
    output::write_whole(path, 0o600, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(REJECT_COLUMNS)?;
        for PlacedReject {
            source,
            file,
            reject,
        } in rejects.iter()
        {
            let (line, byte) = (reject.line.to_string(), reject.byte.to_string());
            let column = reject.column.as_deref().unwrap_or_default();
            let cells = [
                source,
                file,
                &line,
                &byte,
                column,
                reject.kind.id,
                &reject.message,
            ];
            writer.write_record(cells.map(|cell| guarded(cell).into_owned()))?;
        }
        writer.flush()
    })
}
