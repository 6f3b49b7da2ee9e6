//! Two roads, one answer: the engine on thousands of generated logs against the slow loop of
//! `naive.rs`, against window functions in SQLite, and against the laws that no log may break.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use chrono::Datelike;
use chrono_tz::Tz;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use sessionize::events::{
    Batch, EARLIEST, GIVEN_UP, LATEST, Micros, Role, SECOND, Source, User, UserId,
};
use sessionize::sessions::partition::{Partitioner, Partitions, Sharing};
use sessionize::sessions::rule::Rule;
use sessionize::sessions::scan::{ScanPlan, UserSessions, scan};
use sessionize::sessions::spill::Memory;
use sessionize::time::duration::Timeout;
use sessionize::time::period::{Calendar, PeriodLength};
use sessionize::time::zone::Zone;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use crate::naive::{self, Counts, Event, NaiveSession};

const MINUTE: Micros = 60 * SECOND;
const DAY: Micros = 86_400 * SECOND;

/// Ids that are near to each other in every way that an engine may confuse: numbers on either side
/// of what fits beside a tag bit, texts that are almost numbers, twins by case and by accent.
const USERS: [&str; 18] = [
    "7",
    "007",
    "-7",
    "+7",
    "0",
    "-0",
    "4611686018427387903",
    "4611686018427387904",
    "-4611686018427387904",
    "-4611686018427387905",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "ada",
    "Ada",
    "\u{e9}",
    "e\u{301}",
    " 7",
];

/// Zones whose clocks change at 2, at 1, at midnight, back over midnight, and by half an hour.
const ZONES: [Tz; 5] = [
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::America__Sao_Paulo,
    Tz::Asia__Beirut,
    Tz::Australia__Lord_Howe,
];

/// Instants near which logs begin: 1970, clock changes of the zones above, a new year.
const BEGINNINGS: [Micros; 8] = [
    0,
    1_774_746_000 * SECOND,
    1_792_890_000 * SECOND,
    1_772_953_200 * SECOND,
    1_508_036_400 * SECOND,
    1_635_627_600 * SECOND,
    1_767_225_600 * SECOND,
    -86_400 * SECOND,
];

/// A generated log and the rule for it.
#[derive(Clone, Debug)]
struct Log {
    sources: Vec<Source>,
    /// User, time, index of the source.
    events: Vec<(&'static str, Micros, usize)>,
    timeout: Micros,
    max_length: Option<Micros>,
    cut: Option<Tz>,
    now: Micros,
    from: Micros,
    to: Micros,
}

impl Log {
    /// A log of `seed` in which everything may happen at once.
    fn generate(seed: u64) -> Log {
        let mut random = Pcg64::seed_from_u64(seed);
        let timeout = *pick(
            &mut random,
            &[SECOND, 1_500_000, MINUTE, 30 * MINUTE, 12 * 60 * MINUTE],
        );
        let max_length = random.random_bool(0.3).then(|| {
            let factor = *pick(&mut random, &[1, 2, 5]);
            timeout * factor + random.random_range(-1..=1)
        });
        let cut = random.random_bool(0.3).then(|| *pick(&mut random, &ZONES));
        let sources = sources(&mut random);
        let mut events = Vec::new();
        let beginning = *pick(&mut random, &BEGINNINGS) + random.random_range(-2..=2) * timeout;
        let steps = [0, 0, 1, timeout - 1, timeout, timeout, timeout + 1];
        for _ in 0..random.random_range(1..=4) {
            let user = *pick(&mut random, &USERS);
            let mut at = beginning + random.random_range(0..=2) * timeout;
            for _ in 0..random.random_range(1..=14) {
                at += match random.random_range(0..10) {
                    0..7 => *pick(&mut random, &steps),
                    7 => max_length.unwrap_or(1),
                    8 => random.random_range(0..SECOND),
                    _ => random.random_range(0..3 * timeout),
                };
                let source = random.random_range(0..sources.len());
                events.push((user, at, source));
                if random.random_bool(0.15) {
                    events.push((user, at, source));
                }
            }
        }
        events.shuffle(&mut random);
        let instant = |random: &mut Pcg64| {
            let (_, at, _) = *pick(random, &events);
            at + random.random_range(-1..=1)
        };
        let now = match random.random_bool(0.5) {
            true => LATEST,
            false => instant(&mut random) + *pick(&mut random, &[0, timeout]),
        };
        let (from, to) = match random.random_bool(0.4) {
            true => (instant(&mut random), instant(&mut random)),
            false => (Micros::MIN, Micros::MAX),
        };
        Log {
            sources,
            timeout,
            max_length,
            cut,
            now,
            from,
            to: to.max(from),
            events,
        }
    }

    /// A log of `seed` of plain activity, with a timeout alone.
    fn plain(seed: u64) -> Log {
        let mut log = Log::generate(seed);
        for source in &mut log.sources {
            source.role = Role::Activity;
            source.drop_duplicates = false;
        }
        log.sources.sort_by(|one, other| one.name.cmp(&other.name));
        (log.max_length, log.cut, log.now) = (None, None, LATEST);
        (log.from, log.to) = (Micros::MIN, Micros::MAX);
        log
    }

    fn shuffled(&self, seed: u64) -> Log {
        let mut log = self.clone();
        log.events.shuffle(&mut Pcg64::seed_from_u64(seed));
        log
    }
}

fn pick<'a, T>(random: &mut Pcg64, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

/// One to six sources, in the order of a run: by role, then by name.
fn sources(random: &mut Pcg64) -> Vec<Source> {
    let roles = [
        Role::Activity,
        Role::Activity,
        Role::Start,
        Role::End,
        Role::Expiry,
        Role::Ignore,
    ];
    let mut names = ["posts", "comments", "logins", "logouts", "seen", "web"];
    names.shuffle(random);
    let count = random.random_range(1..=names.len());
    let mut sources: Vec<Source> = names[..count]
        .iter()
        .map(|name| Source {
            name: (*name).to_owned(),
            role: *pick(random, &roles),
            drop_duplicates: random.random_bool(0.3),
        })
        .collect();
    sources.sort_by(|one, other| (one.role, &one.name).cmp(&(other.role, &other.name)));
    sources
}

/// What the engine makes of a log: sessions by user and start, and the ledger of each source.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    sessions: Vec<NaiveSession>,
    counts: BTreeMap<String, Counts>,
    outside_window: u64,
}

/// Runs the engine. Rows are dealt to `threads` readers, whose numbers for sources are not those
/// of the run.
fn engine(log: &Log, threads: usize) -> Found {
    let provisional = |source: usize| (log.sources.len() - source) as u8 * 3;
    let mut translation = [GIVEN_UP; 256];
    for source in 0..log.sources.len() {
        translation[usize::from(provisional(source))] = source as u8;
    }
    let memory = Arc::new(Memory::new(u64::MAX, std::env::temp_dir()));
    let sharing = Sharing::new(&memory);
    let mut parts: Vec<Partitioner<'_>> = (0..threads).map(|_| sharing.partitioner()).collect();
    for (reader, part) in parts.iter_mut().enumerate() {
        let mut batch = Batch::default();
        for (user, at, source) in log.events.iter().skip(reader).step_by(threads) {
            batch.push(*at, UserId::from_text(user), provisional(*source));
        }
        part.take(&batch);
    }
    let parts = parts.into_iter().map(Partitioner::finish).collect();
    let partitions = Partitions::join(sharing, parts);
    let span = partitions.span(|_| true).unwrap_or((0, 0));
    let rule = Rule {
        timeout: Timeout::from_micros(log.timeout).expect("timeouts are at least a second"),
        max_length: log.max_length,
        days: log.cut.map(|zone| {
            Calendar::covering(PeriodLength::Day, &Zone::Named(zone), span.0, span.1)
                .expect("the log is short")
        }),
        compat: None,
    };
    let plan = ScanPlan {
        rule: &rule,
        sources: &log.sources,
        translation,
        span,
        ends: &[],
        from: log.from,
        to: log.to,
        now: log.now,
        threads,
        count_sources: true,
        every_user: false,
    };
    let take = |found: &mut Vec<NaiveSession>, user: &UserSessions<'_>| {
        let mut from = 0;
        for (session, &to) in user.sessions.iter().zip(user.counts_end) {
            let named = user.counts[from..to]
                .iter()
                .map(|(source, events)| (log.sources[usize::from(*source)].name.clone(), *events));
            found.push(NaiveSession {
                user: user.user.to_user(),
                start: session.start,
                end: session.end,
                events: session.events,
                sources: named.collect(),
                open: session.end > log.now - log.timeout,
            });
            let set: Vec<u8> = session.sources.iter().collect();
            let counted: Vec<u8> = user.counts[from..to].iter().map(|count| count.0).collect();
            assert_eq!(set, counted, "the set of sources is that of the counts");
            from = to;
        }
    };
    let (lists, scanned) =
        scan(partitions, &plan, Vec::new, take).expect("the memory is not bounded");
    let mut sessions: Vec<NaiveSession> = lists.into_iter().flatten().collect();
    sessions.sort_by(|one, other| (&one.user, one.start).cmp(&(&other.user, other.start)));
    let mut counts = BTreeMap::new();
    let mut outside_window = 0;
    for (source, counted) in log.sources.iter().zip(&scanned.counts) {
        outside_window += counted.filtered_outside_window;
        let counted = Counts {
            events: counted.events + counted.filtered_outside_window,
            ignored: counted.filtered_ignored,
            orphans: counted.filtered_orphan_ends,
            expiries: counted.filtered_expiry,
            dropped: counted.duplicates_dropped,
        };
        if counted != Counts::default() {
            counts.insert(source.name.clone(), counted);
        }
    }
    Found {
        sessions,
        counts,
        outside_window,
    }
}

/// Runs the slow loop; the window is a choice among its sessions.
fn slow(log: &Log) -> Found {
    let events: Vec<Event<'_>> = log
        .events
        .iter()
        .map(|(user, at, source)| Event {
            user,
            at: *at,
            source: &log.sources[*source],
        })
        .collect();
    let day_of = log.cut.map(|zone| move |at: Micros| local_day(zone, at));
    let answer = naive::sessions(
        &events,
        &naive::Rule {
            timeout: log.timeout,
            max_length: log.max_length,
            day_of: day_of
                .as_ref()
                .map(|day_of| day_of as &dyn Fn(Micros) -> i64),
            now: log.now,
        },
    );
    let (sessions, outside): (Vec<_>, Vec<_>) = answer
        .sessions
        .into_iter()
        .partition(|session| log.from <= session.start && session.start < log.to);
    Found {
        sessions,
        counts: answer.counts,
        outside_window: outside.iter().map(|session| session.events).sum(),
    }
}

/// The date that the clock of a zone shows.
fn local_day(zone: Tz, at: Micros) -> i64 {
    let utc = chrono::DateTime::from_timestamp_micros(at).expect("chrono reaches that far");
    i64::from(utc.with_timezone(&zone).num_days_from_ce())
}

#[test]
fn the_engine_agrees_with_the_slow_loop_on_four_thousand_logs() {
    let (mut sessions, mut open, mut cut, mut outside, mut orphans) = (0, 0, 0, 0, 0);
    for seed in 0..4000 {
        let log = Log::generate(seed);
        let expected = slow(&log);
        assert_eq!(engine(&log, 1), expected, "seed {seed}: {log:?}");
        sessions += expected.sessions.len();
        open += expected
            .sessions
            .iter()
            .filter(|session| session.open)
            .count();
        cut += usize::from(log.cut.is_some() || log.max_length.is_some());
        outside += expected.outside_window;
        orphans += expected
            .counts
            .values()
            .map(|counts| counts.orphans)
            .sum::<u64>();
    }
    assert!(
        sessions > 10_000 && open > 500 && cut > 1000 && outside > 1000 && orphans > 300,
        "the logs are too tame: {sessions} {open} {cut} {outside} {orphans}"
    );
}

#[test]
fn eight_threads_and_another_order_of_rows_give_the_same() {
    for seed in 0..400 {
        let log = Log::generate(seed);
        let alone = engine(&log, 1);
        assert_eq!(
            engine(&log.shuffled(seed), 8),
            alone,
            "seed {seed}: {log:?}"
        );
    }
}

#[test]
fn the_earliest_and_the_latest_instants_are_instants_like_others() {
    let longest = 3650 * DAY;
    for (first, step) in [(EARLIEST, 1), (LATEST, -1)] {
        for (gap, expected) in [(longest - 1, 1), (longest, 1), (longest + 1, 2)] {
            let mut log = Log::plain(1);
            (log.timeout, log.now) = (longest, Micros::MAX);
            log.sources.truncate(1);
            log.events = vec![("ada", first, 0), ("ada", first + step * gap, 0)];
            let found = engine(&log, 1);
            assert_eq!(found.sessions.len(), expected, "{first} {gap}");
            let events = log.events.iter().map(|(user, at, _)| Event {
                user,
                at: *at,
                source: &log.sources[0],
            });
            let events: Vec<Event<'_>> = events.collect();
            let expected = naive::sessions(&events, &naive::Rule::from_timeout(longest));
            assert_eq!(found.sessions, expected.sessions);
        }
    }
}

/// A session as SQL gives it: log, user, start, end, events.
type SqlSession = (i64, String, Micros, Micros, i64);

/// Sessions of all logs at once, by window functions alone.
const SESSIONS_IN_SQL: &str = "
with gaps as (
    select log, user, at, timeout, at - lag(at) over per_user as gap
    from events join logs using (log)
    window per_user as (partition by log, user order by at)
), numbered as (
    select log, user, at, sum(gap is null or gap > timeout) over (
        partition by log, user order by at rows unbounded preceding) as session
    from gaps
)
select log, user, min(at), max(at), count(*)
from numbered group by log, user, session order by log, user, min(at)";

fn sql_sessions(logs: &[Log]) -> Vec<SqlSession> {
    let mut statements = vec![
        "create table logs (log integer primary key, timeout integer)".to_owned(),
        "create table events (log integer, user text, at integer)".to_owned(),
    ];
    for (number, log) in logs.iter().enumerate() {
        let timeout = log.timeout;
        statements.push(format!("insert into logs values ({number}, {timeout})"));
        let mut insert = "insert into events values ".to_owned();
        for (index, (user, at, _)) in log.events.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(insert, "{comma}({number}, '{user}', {at})").expect("a string takes all");
        }
        statements.push(insert);
    }
    let sessions = async {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
        for statement in statements {
            let statement = sqlx::query(AssertSqlSafe(statement));
            statement.execute(&mut connection).await?;
        }
        let rows = sqlx::query(SESSIONS_IN_SQL)
            .fetch_all(&mut connection)
            .await?;
        let session = |row: &sqlx::sqlite::SqliteRow| {
            (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))
        };
        Ok::<_, sqlx::Error>(rows.iter().map(session).collect())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let sessions = runtime.expect("a runtime starts").block_on(sessions);
    sessions.expect("SQLite answers")
}

#[test]
fn the_engine_agrees_with_window_functions_on_two_thousand_logs() {
    let logs: Vec<Log> = (10_000..12_000).map(Log::plain).collect();
    let mut expected = sql_sessions(&logs).into_iter().peekable();
    for (number, log) in logs.iter().enumerate() {
        let mut of_log = Vec::new();
        while let Some(session) = expected.next_if(|session| session.0 == number as i64) {
            of_log.push((session.1, session.2, session.3, session.4));
        }
        assert!(!of_log.is_empty());
        for threads in [1, if number % 10 == 0 { 8 } else { 2 }] {
            let mut found: Vec<(String, Micros, Micros, i64)> = engine(log, threads)
                .sessions
                .into_iter()
                .map(|session| {
                    let user = session.user.to_string();
                    (user, session.start, session.end, session.events as i64)
                })
                .collect();
            found.sort();
            assert_eq!(found, of_log, "log {number} on {threads} threads: {log:?}");
        }
    }
}

/// Sessions by user.
fn by_user(found: &Found) -> BTreeMap<&User, Vec<&NaiveSession>> {
    let mut users: BTreeMap<&User, Vec<&NaiveSession>> = BTreeMap::new();
    for session in &found.sessions {
        users.entry(&session.user).or_default().push(session);
    }
    users
}

#[test]
fn every_event_is_in_exactly_one_session_and_longer_gaps_lie_between() {
    for seed in 20_000..21_500 {
        let log = Log::plain(seed);
        let found = engine(&log, 1);
        let events: u64 = found.sessions.iter().map(|session| session.events).sum();
        assert_eq!(events, log.events.len() as u64, "seed {seed}");
        for sessions in by_user(&found).values() {
            for pair in sessions.windows(2) {
                assert!(pair[1].start - pair[0].end > log.timeout, "seed {seed}");
            }
        }
        for (user, at, _) in &log.events {
            let user = UserId::from_text(user).to_user();
            let holding = found.sessions.iter().filter(|session| {
                session.user == user && session.start <= *at && *at <= session.end
            });
            assert_eq!(holding.count(), 1, "seed {seed}");
        }
    }
}

#[test]
fn sessions_never_overlap_and_every_row_is_accounted_for_whatever_the_rule() {
    for seed in 30_000..31_500 {
        let log = Log::generate(seed);
        let found = engine(&log, 1);
        for sessions in by_user(&found).values() {
            for pair in sessions.windows(2) {
                assert!(pair[0].end <= pair[1].start, "seed {seed}: {log:?}");
                assert!(pair[0].start < pair[1].start, "seed {seed}: {log:?}");
            }
        }
        let rows = found.counts.values().map(|counts| {
            counts.events + counts.ignored + counts.orphans + counts.expiries + counts.dropped
        });
        assert_eq!(rows.sum::<u64>(), log.events.len() as u64, "seed {seed}");
        let inside: u64 = found.sessions.iter().map(|session| session.events).sum();
        let events: u64 = found.counts.values().map(|counts| counts.events).sum();
        assert_eq!(inside + found.outside_window, events, "seed {seed}");
    }
}

#[test]
fn a_longer_timeout_gives_unions_of_the_shorter_ones_sessions() {
    for seed in 40_000..41_500 {
        let shorter = Log::plain(seed);
        let mut longer = shorter.clone();
        longer.timeout += [1, shorter.timeout, 10 * shorter.timeout][seed as usize % 3];
        let (many, few) = (engine(&shorter, 1), engine(&longer, 1));
        let mut rest = many.sessions.iter().peekable();
        for union in &few.sessions {
            let mut parts = Vec::new();
            while let Some(part) =
                rest.next_if(|part| part.user == union.user && part.end <= union.end)
            {
                parts.push(part);
            }
            assert_eq!(parts.first().map(|part| part.start), Some(union.start));
            assert_eq!(parts.last().map(|part| part.end), Some(union.end));
            let events: u64 = parts.iter().map(|part| part.events).sum();
            assert_eq!(events, union.events, "seed {seed}: {shorter:?}");
        }
        assert_eq!(rest.next(), None, "seed {seed}");
    }
}
