//! What was found in a database, as one JSON object.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::put_pretty;
use crate::discover::Finding;
use crate::import::looks::Amount;
use crate::report::SCHEMA_VERSION;
use crate::report::discovery::Discovered;
use crate::time::timestamp::print_instant;

#[derive(Serialize)]
struct DiscoveryRecord<'a> {
    schema_version: u32,
    database: &'a str,
    kind: &'static str,
    sources: Vec<SourceRecord<'a>>,
    tracked: Vec<TrackedRecord<'a>>,
    left_out: Vec<LeftOutRecord<'a>>,
}

#[derive(Serialize)]
struct SourceRecord<'a> {
    name: &'a str,
    role: &'static str,
    table: &'a str,
    user: &'a str,
    time: &'a str,
    #[serde(rename = "where")]
    filter: Option<&'a str>,
    epoch_unit: Option<&'static str>,
    zoneless: bool,
    rows: AmountRecord,
    users: Option<AmountRecord>,
    first: Option<String>,
    last: Option<String>,
    /// Whether first and last are those of all rows.
    ends_exact: bool,
    without_user: f64,
    without_time: f64,
    indexed: Option<bool>,
    why: &'a str,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct AmountRecord {
    number: u64,
    /// `exact`, `about`, `at_least`.
    sure: &'static str,
}

#[derive(Serialize)]
struct TrackedRecord<'a> {
    table: &'a str,
    start: &'a str,
    end: &'a str,
}

#[derive(Serialize)]
struct LeftOutRecord<'a> {
    table: &'a str,
    reason: &'a str,
}

/// Writes what was found.
pub(crate) fn write_discovery(discovered: &Discovered<'_>, out: &mut dyn Write) -> io::Result<()> {
    let discovery = discovered.discovery;
    let tracked = discovery.tracked.iter().map(|tracked| TrackedRecord {
        table: &tracked.table,
        start: &tracked.start,
        end: &tracked.end,
    });
    let left_out = discovery.left_out.iter().map(|left| LeftOutRecord {
        table: &left.table,
        reason: &left.reason,
    });
    let record = DiscoveryRecord {
        schema_version: SCHEMA_VERSION,
        database: discovered.place,
        kind: discovered.kind,
        sources: discovery.sources.iter().map(source).collect(),
        tracked: tracked.collect(),
        left_out: left_out.collect(),
    };
    put_pretty(&record, out)?;
    out.write_all(b"\n")
}

fn source(source: &Finding) -> SourceRecord<'_> {
    SourceRecord {
        name: &source.name,
        role: source.role.name(),
        table: &source.table,
        user: &source.user,
        time: &source.time,
        filter: source.filter.as_deref(),
        epoch_unit: source.epoch_unit.map(|unit| unit.name()),
        zoneless: source.is_zoneless,
        rows: amount(source.rows),
        users: source.users.map(amount),
        first: source.ends.map(|(first, _)| print_instant(first)),
        last: source.ends.map(|(_, last)| print_instant(last)),
        ends_exact: source.ends_are_exact,
        without_user: source.without_user,
        without_time: source.without_time,
        indexed: source.is_indexed,
        why: &source.why,
        remarks: &source.remarks,
    }
}

fn amount(amount: Amount) -> AmountRecord {
    AmountRecord {
        number: amount.number(),
        sure: match amount {
            Amount::Exact(_) => "exact",
            Amount::About(_) => "about",
            Amount::AtLeast(_) => "at_least",
        },
    }
}
