//! `sessionize sessions`: one row per session.

use uuid::Uuid;

use crate::commands::gathered::{Gathered, run_record};
use crate::commands::voice::Voice;
use crate::commands::{Ending, close, is_row_format};
use crate::error::Failure;
use crate::events::{Micros, User, UserId};
use crate::output::{MakeRecord, Output};
use crate::report;
use crate::report::json::{Written, run_line, run_record as record_bytes};
use crate::report::sessions::SessionRow;
use crate::sessions::scan::{UserSessions, scan};
use crate::sessions::session::{Session, open_after};
use crate::settings::Settings;

/// Lists the sessions and publishes them.
pub(super) fn run(settings: &Settings, voice: &Voice, output: Output) -> Result<Ending, Failure> {
    let (gathered, partitions) = Gathered::read(settings, voice, |_| ())?;
    let rule = gathered.rule(settings)?;
    let plan = gathered.scan_plan(settings, &rule, true);
    let (lists, scanned) = scan(partitions, &plan, List::default, List::take);
    let names: Vec<&str> = gathered
        .imported
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let listing = Listing {
        open_after: open_after(settings.now, settings.timeout),
        definition: definition(settings),
        rank: ranks(&names),
        names: &names,
        lists: &lists,
        users: users_in_order(&lists, |key| scanned.texts.user(key).to_user()),
    };
    let mut run = run_record(settings, &gathered.imported, &scanned);
    run.users = listing.users.len() as u64;
    run.sessions = lists.iter().map(|list| list.sessions.len() as u64).sum();
    let all = lists.iter().flat_map(|list| &list.sessions);
    run.open_sessions = all.filter(|session| listing.is_open(session)).count() as u64;
    let record: Option<MakeRecord<'_>> = match is_row_format(settings.format) {
        true => Some(Box::new(|bytes, sha256| {
            record_bytes(&run, None, Some(Written { bytes, sha256 }))
        })),
        false => None,
    };
    let write = |out: &mut dyn std::io::Write| {
        report::write_sessions(
            settings.format,
            &run,
            &mut listing.rows(),
            settings.style,
            out,
        )
    };
    let published = output.publish(write, record)?;
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
    let cut = match settings.cut_day {
        true => format!("day in {}", settings.zone),
        false => "none".to_owned(),
    };
    let longest = settings
        .max_length
        .map_or("none".to_owned(), |longest| format!("{longest} us"));
    format!(
        "gap > {} us; cut {cut}; max length {longest}",
        settings.timeout.micros()
    )
}

/// One thread's sessions, each user's together and in time order.
#[derive(Default)]
struct List {
    sessions: Vec<Session>,
    counts: Vec<(u8, u64)>,
    counts_end: Vec<usize>,
    /// Each user's key and where the sessions end.
    users: Vec<(u64, usize)>,
}

impl List {
    fn take(&mut self, user: &UserSessions<'_>) {
        let before = self.counts.len();
        self.sessions.extend_from_slice(user.sessions);
        self.counts.extend_from_slice(user.counts);
        self.counts_end
            .extend(user.counts_end.iter().map(|end| before + end));
        self.users.push((user.key, self.sessions.len()));
    }
}

/// All users in the order of output, each with its list and its place there.
fn users_in_order(lists: &[List], user: impl Fn(u64) -> User) -> Vec<(User, usize, usize)> {
    let mut users = Vec::with_capacity(lists.iter().map(|list| list.users.len()).sum());
    for (number, list) in lists.iter().enumerate() {
        let keys = list.users.iter().enumerate();
        users.extend(keys.map(|(place, (key, _))| (user(*key), number, place)));
    }
    users.sort_unstable();
    users
}

/// Each source's place in the order of names.
fn ranks(names: &[&str]) -> Vec<usize> {
    names
        .iter()
        .map(|name| names.iter().filter(|other| *other < name).count())
        .collect()
}

struct Listing<'a> {
    open_after: Micros,
    definition: String,
    rank: Vec<usize>,
    names: &'a [&'a str],
    lists: &'a [List],
    users: Vec<(User, usize, usize)>,
}

impl Listing<'_> {
    /// Every session, by user, then start.
    fn rows(&self) -> impl Iterator<Item = SessionRow<'_>> {
        self.users.iter().flat_map(move |(user, list, place)| {
            let list = &self.lists[*list];
            let from = place
                .checked_sub(1)
                .map_or(0, |before| list.users[before].1);
            (from..list.users[*place].1).map(move |index| self.row(user, list, index))
        })
    }

    fn row<'a>(&'a self, user: &'a User, list: &List, index: usize) -> SessionRow<'a> {
        let session = list.sessions[index];
        let from = index
            .checked_sub(1)
            .map_or(0, |before| list.counts_end[before]);
        let mut counts = list.counts[from..list.counts_end[index]].to_vec();
        counts.sort_unstable_by_key(|(source, _)| self.rank[usize::from(*source)]);
        let named = counts
            .into_iter()
            .map(|(source, events)| (self.names[usize::from(source)], events));
        SessionRow {
            session_id: self.id(user.as_id(), session.start),
            user: user.as_id(),
            start: session.start,
            end: session.end,
            events: session.events,
            sources: named.collect(),
            open: self.is_open(&session),
        }
    }

    fn is_open(&self, session: &Session) -> bool {
        session.end > self.open_after
    }

    /// The same on every run with the same definition.
    fn id(&self, user: UserId<'_>, start: Micros) -> Uuid {
        /// The name space of session ids, drawn once.
        const NAME_SPACE: Uuid = Uuid::from_u128(0x2f0c_8c5e_6a34_4d0b_9a3e_71d5_0b9e_64c7);
        let user = user.to_user();
        Uuid::new_v5(
            &NAME_SPACE,
            format!("{}\n{start}\n{user}", self.definition).as_bytes(),
        )
    }
}
