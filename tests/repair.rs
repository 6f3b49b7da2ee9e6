//! What becomes of broken tracked sessions, and which events a session holds, on rows of a few
//! microseconds.

use sessionize::agreement::Tracked;
use sessionize::agreement::repair::{Fault, Limits, Repair, Repairs, holders, named, repaired};
use sessionize::events::Micros;
use sessionize::import::tracked::TrackedRow;

const LIMITS: Limits = Limits {
    from: Micros::MIN,
    to: Micros::MAX,
    absurd: 100,
    settled: 9_970,
};

fn row(start: Micros, end: impl Into<Option<Micros>>) -> TrackedRow {
    let end = end.into();
    TrackedRow { start, end }
}

fn ends(
    rows: &[TrackedRow],
    events: &[Micros],
    repair: Repair,
) -> (Vec<(Micros, Micros)>, Repairs) {
    let mut repairs = Repairs::default();
    let sessions = repaired(rows, events, repair, LIMITS, &mut repairs);
    let spans = sessions
        .iter()
        .map(|(session, _)| (session.start, session.end));
    (spans.collect(), repairs)
}

#[test]
fn a_whole_session_is_left_alone_by_every_repair() {
    for repair in [Repair::Keep, Repair::Trim, Repair::Drop] {
        let (sessions, repairs) = ends(&[row(0, 100), row(100, 120)], &[5], repair);
        assert_eq!(sessions, [(0, 100), (100, 120)]);
        assert_eq!(repairs, Repairs::default());
    }
}

#[test]
fn a_missing_end_is_the_last_event_before_the_next_start() {
    let rows = [row(0, None), row(50, 60)];
    let (sessions, repairs) = ends(&rows, &[10, 40, 50, 55], Repair::Trim);
    assert_eq!(sessions, [(0, 40), (50, 60)]);
    assert_eq!(repairs.of(Fault::NoEnd).trimmed, 1);
    for repair in [Repair::Keep, Repair::Drop] {
        let (sessions, repairs) = ends(&rows, &[10, 40], repair);
        assert_eq!(sessions, [(50, 60)]);
        assert_eq!(repairs.of(Fault::NoEnd).left_out, 1);
    }
}

#[test]
fn without_an_event_inside_a_trimmed_session_ends_where_it_starts() {
    let (sessions, _) = ends(&[row(20, None)], &[10], Repair::Trim);
    assert_eq!(sessions, [(20, 20)]);
}

#[test]
fn an_end_before_the_start_is_no_end() {
    let (sessions, repairs) = ends(&[row(20, 10)], &[25, 90, 300], Repair::Trim);
    assert_eq!(sessions, [(20, 90)]);
    assert_eq!(repairs.of(Fault::EndBeforeStart).trimmed, 1);
    let (sessions, _) = ends(&[row(20, 10)], &[25], Repair::Keep);
    assert_eq!(sessions, []);
}

#[test]
fn an_absurd_session_is_longer_than_the_limit_and_ends_at_the_last_event_within_it() {
    let (sessions, repairs) = ends(&[row(0, 101)], &[10, 70, 101], Repair::Trim);
    assert_eq!(sessions, [(0, 70)]);
    assert_eq!(repairs.of(Fault::AbsurdLength).trimmed, 1);
    let (sessions, repairs) = ends(&[row(0, 101)], &[10], Repair::Keep);
    assert_eq!(sessions, [(0, 101)]);
    assert_eq!(repairs.of(Fault::AbsurdLength).kept, 1);
    let (sessions, _) = ends(&[row(0, 101)], &[10], Repair::Drop);
    assert_eq!(sessions, []);
}

#[test]
fn of_two_that_overlap_the_first_is_trimmed_at_the_next_start_or_dropped() {
    let rows = [row(0, 30), row(20, 40)];
    assert_eq!(ends(&rows, &[], Repair::Trim).0, [(0, 20), (20, 40)]);
    assert_eq!(ends(&rows, &[], Repair::Keep).0, [(0, 30), (20, 40)]);
    assert_eq!(ends(&rows, &[], Repair::Drop).0, [(20, 40)]);
}

#[test]
fn of_two_that_start_together_nothing_is_left_of_the_shorter() {
    let (sessions, repairs) = ends(&[row(0, 30), row(0, 40)], &[], Repair::Trim);
    assert_eq!(sessions, [(0, 40)]);
    assert_eq!(repairs.of(Fault::Overlap).left_out, 1);
}

#[test]
fn a_session_that_may_go_on_is_left_out_and_is_not_broken() {
    let rows = [row(9_900, 9_971), row(9_971, None)];
    let (sessions, repairs) = ends(&rows, &[], Repair::Trim);
    assert_eq!((sessions, repairs.open, repairs.broken()), (vec![], 2, 0));
    let (_, repairs) = ends(&[row(9_970, None)], &[], Repair::Trim);
    assert_eq!((repairs.open, repairs.broken()), (0, 1));
    let (_, repairs) = ends(&[row(9_900, None)], &[9_990], Repair::Trim);
    assert_eq!((repairs.open, repairs.broken()), (1, 0));
    // Nobody stays for longer than is plausible.
    let (sessions, repairs) = ends(&[row(9_000, None)], &[9_090, 9_990], Repair::Trim);
    assert_eq!(sessions, [(9_000, 9_090)]);
    assert_eq!((repairs.open, repairs.broken()), (0, 1));
}

#[test]
fn an_end_that_cannot_be_is_none_also_where_it_lies_in_the_future() {
    let (never, before) = (Micros::MAX, 8_000);
    for end in [never, before] {
        let rows = [row(9_000, end), row(9_900, end)];
        let (sessions, repairs) = ends(&rows, &[9_010, 9_905], Repair::Trim);
        assert_eq!(sessions, [(9_000, 9_010), (9_900, 9_905)]);
        assert_eq!((repairs.open, repairs.broken()), (0, 2));
        // The last one goes on where the user was there late.
        let (sessions, repairs) = ends(&rows, &[9_010, 9_980], Repair::Trim);
        assert_eq!(sessions, [(9_000, 9_010)]);
        assert_eq!((repairs.open, repairs.broken()), (1, 1));
    }
}

#[test]
fn an_event_is_held_by_the_session_that_began_last_and_at_an_end_by_the_one_that_ends() {
    let sessions = [(0, 100), (10, 20), (20, 20), (100, 120), (130, 130)];
    let sessions = sessions.map(|(start, end)| Tracked { start, end });
    let events = [-1, 0, 10, 15, 20, 21, 100, 120, 120, 121, 130, 131];
    let expected = [
        None,
        Some(0),
        Some(1),
        Some(1),
        Some(2),
        Some(0),
        Some(3),
        Some(3),
        Some(3),
        None,
        Some(4),
        None,
    ];
    assert_eq!(holders(&events, &sessions), expected);
}

#[test]
fn each_row_names_the_session_of_one_event() {
    let labels = [(1, Some(0)), (2, None), (2, Some(1)), (4, Some(1))];
    let expected = [Some(0), None, Some(1), None, None];
    assert_eq!(named(&[1, 2, 2, 2, 3], &labels), expected);
}
