//! How inferred sessions agree with tracked ones, as one JSON object.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::escape::put;
use super::{Object, RunRecord, put_list};
use crate::agreement::{Chosen, Coverage, Scores};
use crate::report::Style;
use crate::report::agreement::{AgreementReport, people, rows};
use crate::report::columns::Cell;

/// Writes the report as one object; every measure stands on a line of its own.
pub fn write_agreement(
    report: &AgreementReport,
    _style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"{\"run\":")?;
    put(&RunRecord::new(&report.run, None, None), out)?;
    out.write_all(b",\n\"agreement\":")?;
    put(&AgreementRecord::new(report), out)?;
    let measures = rows::measure_rows(report);
    let measures = measures.map(|cells| Object::new(&rows::AGREEMENT, cells));
    put_list("measures", measures, out)?;
    let curve = report.scores.curve.iter();
    let curve = curve.map(|point| Object::new(&rows::CURVE, rows::curve_cells(point)));
    put_list("curve", curve, out)?;
    let repair = report.repair.iter();
    let repair = repair.map(|row| Object::new(&rows::REPAIR, rows::repair_cells(row)));
    put_list("repair", repair, out)?;
    out.write_all(b",\n\"remarks\":")?;
    put(&people::notes(report), out)?;
    out.write_all(b"}\n")
}

#[derive(Serialize)]
struct AgreementRecord<'a> {
    headline: String,
    tracked: &'a str,
    timeout_seconds: Cell<'static>,
    tolerance_seconds: Cell<'static>,
    coverage: CoverageRecord<'a>,
    timeout_with_highest_f1: ChosenRecord<'a>,
    timeout_without_bias: ChosenRecord<'a>,
    /// The same without repair.
    before_repair: Option<BeforeRecord<'a>>,
}

#[derive(Serialize)]
struct BeforeRecord<'a> {
    coverage: CoverageRecord<'a>,
    timeout_with_highest_f1: ChosenRecord<'a>,
    timeout_without_bias: ChosenRecord<'a>,
}

struct CoverageRecord<'a>(&'a Coverage);

impl Serialize for CoverageRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = rows::coverage(self.0);
        let mut map = serializer.serialize_map(Some(counts.len()))?;
        for (name, count) in counts {
            map.serialize_entry(name, &count)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct ChosenRecord<'a> {
    seconds: Cell<'static>,
    low_seconds: Cell<'static>,
    high_seconds: Cell<'static>,
    as_good_from_seconds: Cell<'static>,
    as_good_to_seconds: Cell<'static>,
    reason: Option<&'static str>,
    f1: Cell<'static>,
    f1_of_others: Cell<'static>,
    bias_of_others_seconds: Cell<'static>,
    of_parts_seconds: &'a [f64],
}

impl<'a> AgreementRecord<'a> {
    fn new(report: &'a AgreementReport) -> Self {
        let scores = &report.scores;
        let now = BeforeRecord::new(scores);
        Self {
            headline: people::headline(report),
            tracked: &report.tracked,
            timeout_seconds: Cell::Seconds(scores.timeout.into()),
            tolerance_seconds: Cell::Seconds(scores.tolerance.into()),
            coverage: now.coverage,
            timeout_with_highest_f1: now.timeout_with_highest_f1,
            timeout_without_bias: now.timeout_without_bias,
            before_repair: report.before.as_ref().map(BeforeRecord::new),
        }
    }
}

impl<'a> BeforeRecord<'a> {
    fn new(scores: &'a Scores) -> Self {
        Self {
            coverage: CoverageRecord(&scores.coverage),
            timeout_with_highest_f1: ChosenRecord::new(&scores.choice.highest_f1),
            timeout_without_bias: ChosenRecord::new(&scores.choice.no_bias),
        }
    }
}

impl<'a> ChosenRecord<'a> {
    fn new(chosen: &'a Chosen) -> Self {
        let (interval, range) = (chosen.interval, chosen.range);
        Self {
            seconds: rows::number(chosen.seconds),
            low_seconds: rows::number(interval.map(|(low, _)| low)),
            high_seconds: rows::number(interval.map(|(_, high)| high)),
            as_good_from_seconds: rows::number(range.map(|(low, _)| low)),
            as_good_to_seconds: rows::number(range.map(|(_, high)| high)),
            reason: chosen.reason,
            f1: rows::number(chosen.f1),
            f1_of_others: rows::number(chosen.f1_of_others),
            bias_of_others_seconds: rows::number(chosen.bias_of_others),
            of_parts_seconds: &chosen.folds,
        }
    }
}
