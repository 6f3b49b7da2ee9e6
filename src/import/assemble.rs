//! The sources of a run in their order, once all are met, with what is known of their rows.

use std::collections::BTreeMap;

use crate::error::{self, Failure};
use crate::events::{GIVEN_UP, Role, Source};
use crate::import::inputs::{self, Input, Unit};
use crate::import::intake::SourceTally;
use crate::import::ledger::{Counts, SourceRecord};
use crate::import::names::MetSource;
use crate::import::{Imported, UnitResult};

/// Puts the sources in order and their counts in place. Sources of one name that several inputs'
/// columns named are one; whatever the order of the inputs, so is what is said of them.
///
/// # Errors
///
/// When sources of one name differ in their role or in what becomes of duplicates.
pub(super) fn assemble(
    imported: &mut Imported,
    inputs: &[Input],
    units: &[Unit],
    met: &[MetSource],
    results: &[Option<UnitResult>],
) -> Result<(), Failure> {
    let read = |unit: usize| results[unit].as_ref();
    let mut order: Vec<usize> = (0..met.len())
        .filter(|&number| read(met[number].input).is_some())
        .collect();
    order.sort_by_key(|&number| (&units[met[number].input].place.place, &met[number].name));
    let mut all: Vec<(SourceRecord, Source)> = Vec::new();
    for &number in &order {
        let source = &met[number];
        let tally = read(source.input).and_then(|result| result.tally.sources.get(&(number as u8)));
        add(&mut all, inputs, &units[source.input], &source.name, tally)?;
    }
    for (index, unit) in units.iter().enumerate() {
        if read(index).is_some() && met.iter().all(|source| source.input != index) {
            add(&mut all, inputs, unit, &unit.place.name, None)?;
        }
    }
    for (unit, result) in units.iter().zip(results) {
        let known = all
            .iter_mut()
            .find(|(record, _)| record.name == unit.place.name);
        if let (Some((record, _)), Some(UnitResult { ends, .. })) = (known, result) {
            record.extent = *ends;
        }
    }
    all.sort_by(|(_, one), (_, other)| (one.role, &one.name).cmp(&(other.role, &other.name)));
    imported.translation = vec![GIVEN_UP; met.len()];
    for number in order {
        let place = all
            .iter()
            .position(|(_, source)| source.name == met[number].name);
        imported.translation[number] = place.expect("every source that was met was added") as u8;
    }
    (imported.records, imported.sources) = all.into_iter().unzip();
    Ok(())
}

/// Adds a source, or the rows of one that is there already.
fn add(
    all: &mut Vec<(SourceRecord, Source)>,
    inputs: &[Input],
    unit: &Unit,
    name: &str,
    tally: Option<&SourceTally>,
) -> Result<(), Failure> {
    let input = &inputs[unit.input];
    let source = Source {
        name: name.to_owned(),
        role: match name == unit.place.name {
            true => unit.role,
            false => input.roles.get(name).copied().unwrap_or(Role::Activity),
        },
        drop_duplicates: input.drop_duplicates,
    };
    let known = all.iter().position(|(_, known)| known.name == name);
    let index = match known {
        Some(index) if all[index].1 != source => {
            return Err(differing(&all[index], unit, &source));
        }
        Some(index) => {
            let place = &mut all[index].0.place;
            if place.split(", ").all(|known| known != unit.place.place) {
                *place = format!("{place}, {}", unit.place.place);
            }
            index
        }
        None => {
            all.push((record(unit, &source), source));
            all.len() - 1
        }
    };
    if let Some(tally) = tally {
        count(&mut all[index].0, tally);
    }
    Ok(())
}

fn record(unit: &Unit, source: &Source) -> SourceRecord {
    SourceRecord {
        name: source.name.clone(),
        kind: unit.place.kind,
        place: unit.place.place.clone(),
        role: source.role,
        counts: Counts::default(),
        rejected_by_kind: BTreeMap::new(),
        floored: 0,
        leap_seconds: 0,
        extent: None,
    }
}

fn count(record: &mut SourceRecord, tally: &SourceTally) {
    record.counts.read += tally.read;
    record.counts.rejected += tally.rejected.values().sum::<u64>();
    record.counts.filtered_users += tally.filtered_users;
    record.counts.filtered_anonymous += tally.filtered_anonymous;
    record.counts.filtered_unstarted += tally.filtered_unstarted;
    for (kind, count) in &tally.rejected {
        *record.rejected_by_kind.entry(kind).or_default() += count;
    }
    record.floored += tally.floored;
    record.leap_seconds += tally.leap_seconds;
}

/// Two inputs name one source and treat it in two ways.
fn differing(known: &(SourceRecord, Source), unit: &Unit, source: &Source) -> Failure {
    let (record, first) = known;
    if first.role == source.role {
        let message = format!(
            "source \"{}\" drops duplicates in one of {} and {}, and keeps them in the other",
            source.name, record.place, unit.place.place
        );
        return Failure::new(error::SOURCE_NAME, message)
            .help("say duplicates = \"drop\" for both or for none, or --duplicates");
    }
    inputs::same_name(&source.name, &record.place, &unit.place.place)
}
