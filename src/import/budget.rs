//! Strict by default, lenient by budget: how many rows of a source may be unusable, and what is
//! said when there are more.

use std::collections::BTreeMap;

use crate::error::{self, Failure};
use crate::import::inputs::{Body, Unit};
use crate::import::intake::Refused;
use crate::import::ledger::Reject;
use crate::import::{Options, PlacedReject, UnitResult};

/// How many rejected rows a source may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// So many rows.
    Rows(u64),
    /// This share of the source's rows, between 0 and 1.
    Share(f64),
}

impl Budget {
    fn allows(self, rejected: u64, read: u64) -> bool {
        match self {
            Budget::Rows(rows) => rejected <= rows,
            Budget::Share(share) => rejected as f64 <= share * read as f64,
        }
    }
}

/// Refuses a unit whose numbers have no unit, or whose rejected rows are over the budget; keeps
/// its rejected rows otherwise, and in the second case too.
pub(super) fn within_budget(
    result: UnitResult,
    unit: &Unit,
    options: &Options,
    rejects: &mut Vec<PlacedReject>,
    notes: &mut Vec<String>,
) -> Result<UnitResult, Failure> {
    if let Err(needs) = result.tally.time.unit() {
        let message = needs.describe(|place| format!("line {}", result.place(place).1));
        return Err(Failure::new(error::NEEDS_UNIT, message)
            .in_source(&unit.place)
            .help("say it with --epoch-unit, or epoch_unit of the source"));
    }
    let placed: Vec<(String, Reject)> = result
        .tally
        .refused
        .iter()
        .map(|refused| reject(&result, refused))
        .collect();
    let rejected: u64 = result
        .tally
        .sources
        .values()
        .flat_map(|tally| tally.rejected.values())
        .sum();
    let read: u64 = result.tally.sources.values().map(|tally| tally.read).sum();
    let failure = (!options.budget.allows(rejected, read))
        .then(|| over_budget(unit, &placed, rejected, read, result.files.len() > 1));
    if rejected > placed.len() as u64 {
        notes.push(format!(
            "{}: only the first {} of {rejected} unusable rows are listed",
            unit.place,
            placed.len()
        ));
    }
    let source = unit.place.name.clone();
    rejects.extend(placed.into_iter().map(|(file, reject)| PlacedReject {
        source: source.clone(),
        file,
        reject,
    }));
    match failure {
        Some(failure) => Err(failure),
        None => Ok(result),
    }
}

fn reject(result: &UnitResult, refused: &Refused) -> (String, Reject) {
    let (file, line) = result.place(refused.place);
    let reject = Reject {
        kind: refused.kind,
        line,
        byte: refused.byte,
        column: refused.column.clone(),
        message: refused.message.clone(),
    };
    (file, reject)
}

/// How many examples of a kind a message shows.
const EXAMPLES: usize = 5;

fn over_budget(
    unit: &Unit,
    placed: &[(String, Reject)],
    rejected: u64,
    read: u64,
    several_files: bool,
) -> Failure {
    let row = if matches!(unit.body, Body::Table { .. } | Body::Parquet { .. }) {
        "row"
    } else {
        "line"
    };
    let words = |file: &str, reject: &Reject| {
        let file = if several_files {
            format!("{file}, ")
        } else {
            String::new()
        };
        let column = reject.column.as_ref().map_or(String::new(), |column| {
            format!(
                ", column {}",
                crate::time::timestamp::quoted(column.as_bytes())
            )
        });
        format!("{file}{row} {}{column}: {}", reject.line, reject.message)
    };
    let Some((file, first)) = placed.first() else {
        return Failure::new(
            error::READ,
            format!("{rejected} of {read} rows cannot be used"),
        );
    };
    let mut failure = Failure::new(first.kind, words(file, first))
        .in_source(&unit.place)
        .at_line(first.line);
    failure.byte = Some(first.byte);
    failure = failure.detail(format!(
        "rejected: {rejected} of {read} rows cannot be used"
    ));
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, reject) in &placed[1..] {
        let shown = shown
            .entry(reject.kind.id)
            .or_insert(usize::from(reject.kind == first.kind));
        *shown += 1;
        if *shown <= EXAMPLES {
            failure = failure.detail(format!("[{}] {}", reject.kind.id, words(file, reject)));
        }
    }
    failure
        .help("mend the rows, or allow some with --max-rejects N and keep them with --rejects FILE")
}
