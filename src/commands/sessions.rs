//! `sessionize sessions`: one row per session.

use std::rc::Rc;

use uuid::Uuid;

use crate::commands::gathered::{Gathered, run_record};
use crate::commands::voice::Voice;
use crate::commands::{Ending, close, record_beside};
use crate::error::Failure;
use crate::events::{Micros, User};
use crate::output::Output;
use crate::report;
use crate::report::json::run_line;
use crate::report::sessions::SessionRow;
use crate::sessions::listing::{InOrder, Listed, Listing, Record};
use crate::sessions::rule::Rule;
use crate::sessions::scan::scan;
use crate::sessions::session::open_after;
use crate::settings::Settings;

/// Lists the sessions and publishes them.
pub(super) fn run(settings: &Settings, voice: &Voice, output: Output) -> Result<Ending, Failure> {
    let (gathered, partitions) = Gathered::read(settings, voice, |_| ())?;
    let rule = gathered.rule(settings)?;
    let plan = gathered.scan_plan(settings, &rule, true);
    let memory = partitions.memory();
    let open_after = open_after(settings.now, settings.timeout);
    let new = || Listing::new(&memory, open_after);
    let (lists, scanned) = scan(partitions, &plan, new, Listing::take)?;
    let listing = InOrder::new(lists, &memory);
    let mut run = run_record(settings, &gathered.imported, &scanned);
    run.users = listing.totals.users;
    run.sessions = listing.totals.sessions;
    run.open_sessions = listing.totals.open_sessions;
    let record = record_beside(settings, &run, None);
    let names: Vec<&str> = gathered
        .imported
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let rows = Rows {
        rule: &rule,
        open_after,
        definition: definition(settings),
        rank: ranks(&names),
        names: &names,
    };
    let write = |out: &mut dyn std::io::Write| {
        let mut rows = listing.users().flat_map(|user| rows.of(&user));
        report::write_sessions(settings.format, &run, &mut rows, settings.style, out)?;
        memory.check().map_err(std::io::Error::other)
    };
    let published = output
        .publish(write, record)
        .map_err(|failure| memory.check().err().unwrap_or(failure))?;
    Ok(close(
        settings,
        voice,
        &run,
        || run_line(&run, None),
        &published,
    ))
}

/// What the ids of sessions rest on besides user and start.
fn definition(settings: &Settings) -> String {
    let cut = match settings.cuts_at_midnight() {
        true => format!("day in {}", settings.zone),
        false => "none".to_owned(),
    };
    let compat = settings
        .compat
        .map_or(String::new(), |compat| format!("; as {}", compat.name()));
    let longest = settings
        .longest_session()
        .map_or("none".to_owned(), |longest| format!("{longest} us"));
    format!(
        "gap > {} us; cut {cut}; max length {longest}{compat}",
        settings.timeout.micros()
    )
}

/// Each source's place in the order of names.
fn ranks(names: &[&str]) -> Vec<usize> {
    names
        .iter()
        .map(|name| names.iter().filter(|other| *other < name).count())
        .collect()
}

/// Makes the rows of the list.
struct Rows<'a> {
    rule: &'a Rule,
    open_after: Micros,
    definition: String,
    rank: Vec<usize>,
    names: &'a [&'a str],
}

impl<'a> Rows<'a> {
    /// The sessions of one user.
    fn of(&self, record: &Record) -> Vec<SessionRow<'a>> {
        let user = Rc::new(record.user().clone());
        let sessions = record.sessions(self.open_after).into_iter();
        sessions.map(|listed| self.row(&user, listed)).collect()
    }

    fn row(&self, user: &Rc<User>, listed: Listed) -> SessionRow<'a> {
        let mut counts = listed.counts;
        counts.sort_unstable_by_key(|(source, _)| self.rank[usize::from(*source)]);
        let named = counts
            .into_iter()
            .map(|(source, events)| (self.names[usize::from(source)], events));
        SessionRow {
            session_id: self.id(user, listed.start),
            user: Rc::clone(user),
            start: listed.start,
            end: self.rule.end_of(listed.end),
            duration: listed.duration,
            events: listed.events,
            sources: named.collect(),
            open: listed.is_open,
        }
    }

    /// The same on every run with the same definition.
    fn id(&self, user: &User, start: Micros) -> Uuid {
        /// The name space of session ids, drawn once.
        const NAME_SPACE: Uuid = Uuid::from_u128(0x2f0c_8c5e_6a34_4d0b_9a3e_71d5_0b9e_64c7);
        Uuid::new_v5(
            &NAME_SPACE,
            format!("{}\n{start}\n{user}", self.definition).as_bytes(),
        )
    }
}
