//! One report, every format: columns, words, charts, and text that must stay harmless.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;
use sessionize::events::{Micros, Role, SECOND, UserId};
use sessionize::import::ledger::{Counts, SourceRecord};
use sessionize::measures::{Change, DailyMean, Figures, Measures, Row, Trend};
use sessionize::report::chart::{Point, bar, hollow_bar, sparkline};
use sessionize::report::columns::exact_seconds;
use sessionize::report::csv::guarded;
use sessionize::report::explain::{ExplainedEvent, ExplainedSession, Explanation};
use sessionize::report::json::{Written, run_line, run_record};
use sessionize::report::markdown::escaped;
use sessionize::report::sessions::SessionRow;
use sessionize::report::words;
use sessionize::report::{
    Format, MissingSource, Report, Run, Segment, Style, write_explanation, write_report,
    write_sessions,
};
use sessionize::time::duration::Timeout;
use sessionize::time::period::{Period, PeriodLength};
use sessionize::time::zone::Zone;
use unicode_width::UnicodeWidthStr;

const ALL_FORMATS: [Format; 5] = [
    Format::Table,
    Format::Csv,
    Format::Json,
    Format::Ndjson,
    Format::Markdown,
];
pub(crate) const PLAIN: Style = Style {
    width: 80,
    color: false,
    csv_raw: false,
};
pub(crate) const DAY: Micros = 86_400 * SECOND;
/// 2026-11-02, a Monday, at midnight.
pub(crate) const MONDAY: Micros = 1_793_577_600 * SECOND;

fn week(number: i64) -> Period {
    let start = MONDAY + 7 * number * DAY;
    Period {
        start,
        end: start + 7 * DAY,
    }
}

fn source(name: &str, counts: Counts) -> SourceRecord {
    SourceRecord {
        name: name.to_owned(),
        kind: "csv",
        place: format!("data/{name}.csv.gz"),
        role: Role::Activity,
        counts,
        rejected_by_kind: BTreeMap::new(),
        floored: 0,
        leap_seconds: 0,
        extent: Some((MONDAY, MONDAY + 21 * DAY)),
    }
}

pub(crate) fn run() -> Run {
    let mut posts = source(
        "posts",
        Counts {
            read: 804_331,
            events: 804_100,
            rejected: 31,
            filtered_outside_window: 200,
            duplicates: 12,
            ..Counts::default()
        },
    );
    posts.rejected_by_kind.insert("TM-02", 31);
    let logins = SourceRecord {
        role: Role::Start,
        ..source(
            "logins",
            Counts {
                read: 400_000,
                events: 400_000,
                ..Counts::default()
            },
        )
    };
    Run {
        version: "0.1.0",
        timeout: Timeout::DEFAULT,
        zone: Zone::Named(chrono_tz::UTC),
        now: MONDAY + 20 * DAY + 7_200 * SECOND,
        now_is_clock: false,
        from: Some(MONDAY),
        to: Some(MONDAY + 21 * DAY),
        by: Some(PeriodLength::Week),
        segment: None,
        cut_day: false,
        max_length: None,
        compat: None,
        sample: None,
        sources: vec![logins, posts],
        missing: Vec::new(),
        events_after_now: 0,
        users: 1_402,
        sessions: 12_810,
        open_sessions: 3,
    }
}

fn figures(mean: f64) -> Figures {
    Figures {
        users: 812,
        events: 401_204,
        sessions: 4_210,
        open_sessions: 0,
        mean: Some(mean),
        mean_interval: Some((mean * 0.87, mean * 1.15)),
        median: Some(mean * 0.4),
        p90: Some(mean * 2.6),
        mean_without_bounces: Some(mean * 1.7),
        bounce_rate: Some(0.41),
        sessions_per_user: Some(5.18),
        events_per_session: Some(95.3),
        total: Some(5_851_900_500_000),
        mean_of_user_means: Some(mean * 0.9),
        closed_sessions: 4_210,
        closed_users: 812,
        effective_users: Some(320.5),
        largest_user_share: Some(0.02),
        dwell: None,
    }
}

fn change(seconds: f64, interval: Option<(f64, f64)>) -> Change {
    Change {
        seconds,
        interval,
        relative_interval: interval.map(|(low, high)| (low / 1_000.0, high / 1_000.0)),
        effective_users: 320.5,
        users: 790,
        user_means_seconds: Some(seconds * 0.8),
    }
}

fn row(number: i64, complete: bool, mean: f64, change: Option<Change>) -> Row {
    Row {
        period: Some(week(number)),
        complete: Some(complete),
        segment: None,
        figures: figures(mean),
        change,
    }
}

fn overall(mean: f64) -> Row {
    Row {
        period: None,
        complete: None,
        segment: None,
        figures: Figures {
            users: 1_402,
            sessions: 12_810,
            open_sessions: 3,
            closed_sessions: 12_807,
            closed_users: 1_402,
            ..figures(mean)
        },
        change: None,
    }
}

fn compared(change: Change) -> Trend {
    Trend::Compared {
        length: PeriodLength::Week,
        earlier: week(0),
        later: week(1),
        figures: figures(1_390.0),
        earlier_mean: 1_088.0,
        change,
        usual_weekly_move: Some(70.0),
    }
}

pub(crate) fn report() -> Report {
    let rise = change(302.0, Some((70.0, 530.0)));
    let daily = (0..21)
        .map(|number| DailyMean {
            period: Period {
                start: MONDAY + number * DAY,
                end: MONDAY + (number + 1) * DAY,
            },
            complete: number < 20,
            mean: (number != 6)
                .then_some(900.0 + 25.0 * number as f64 + 200.0 * (number % 3) as f64),
        })
        .collect();
    Report {
        run: run(),
        measures: Measures {
            rows: vec![
                row(0, true, 1_088.0, None),
                row(1, true, 1_390.0, Some(rise)),
                row(2, false, 700.0, None),
            ],
            overall: overall(1_300.0),
            trend: compared(rise),
            daily,
            touching_ends: 14,
            own: None,
            extent: Some((MONDAY + 60 * SECOND, MONDAY + 20 * DAY)),
            observed: Some((MONDAY, MONDAY + 20 * DAY)),
            remarks: vec!["The week from 2026-11-16 has no comparison: it is not complete.".into()],
            dwell: None,
            tracked: None,
        },
        total: true,
    }
}

fn text(format: Format, report: &Report, style: Style) -> String {
    let mut out = Vec::new();
    write_report(format, report, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn explanation() -> Explanation {
    let nine = MONDAY + 9 * 3_600 * SECOND;
    let event =
        |minutes: i64, gap: Option<i64>, source: &str, session, verdict: &str| ExplainedEvent {
            at: nine + minutes * 60 * SECOND,
            source: source.to_owned(),
            role: Role::Activity,
            gap: gap.map(|gap| gap * 60 * SECOND),
            session,
            verdict: verdict.to_owned(),
        };
    let session = |from: i64, to: i64, events, open| ExplainedSession {
        start: nine + from * 60 * SECOND,
        end: nine + to * 60 * SECOND,
        duration: (to - from) * 60 * SECOND,
        events,
        open,
    };
    Explanation {
        run: run(),
        user: "4711".to_owned(),
        events: vec![
            event(0, None, "logins", Some(1), "opens session 1: first event"),
            event(
                5,
                Some(5),
                "profile",
                Some(1),
                "stays in session 1: 5m <= 30m",
            ),
            event(
                10,
                Some(5),
                "posts",
                Some(1),
                "stays in session 1: 5m <= 30m",
            ),
            event(
                45,
                Some(35),
                "comments",
                Some(2),
                "opens session 2: 35m > 30m",
            ),
            event(
                90,
                Some(45),
                "logins",
                Some(3),
                "opens session 3: 45m > 30m",
            ),
        ],
        sessions: vec![
            session(0, 10, 3, false),
            session(45, 45, 1, false),
            session(90, 90, 1, true),
        ],
    }
}

pub(crate) fn session<'a>(user: UserId<'a>, sources: &[(&'a str, u64)]) -> SessionRow<'a> {
    SessionRow {
        session_id: uuid::Uuid::nil(),
        user: Rc::new(user.to_user()),
        start: MONDAY,
        end: MONDAY + 1_390_500_000,
        duration: 1_390_500_000,
        events: sources.iter().map(|(_, events)| events).sum(),
        sources: sources.to_vec(),
        open: false,
    }
}

fn session_text(format: Format, rows: &[SessionRow<'_>], style: Style) -> String {
    let mut out = Vec::new();
    let mut rows = rows.iter().cloned();
    write_sessions(format, &run(), &mut rows, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn explanation_text(format: Format, explanation: &Explanation, style: Style) -> String {
    let mut out = Vec::new();
    write_explanation(format, explanation, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A name that tries everything at once.
const HOSTILE: &str =
    "a|b\n`[x](http://evil.example)`<img src=x>*_\\\u{1b}[31m\u{202e}\u{200b}\u{9b}2J";

fn headline(trend: Trend) -> String {
    let mut report = report();
    report.measures.trend = trend;
    let text = text(Format::Table, &report, PLAIN);
    text.lines().next().unwrap().to_owned()
}

fn no_trend() -> Trend {
    Trend::None {
        reason: "there is only one complete day".to_owned(),
    }
}

/// A report of users whose names no terminal likes.
fn hostile_report() -> Report {
    let mut report = report();
    report.run.by = None;
    report.run.segment = Some(Segment::User);
    report.run.sources[0].name = HOSTILE.to_owned();
    report.run.sources[1].place = format!("data/{HOSTILE}");
    report.run.missing.push(MissingSource {
        name: HOSTILE.to_owned(),
        error: format!("no such file: {HOSTILE}"),
    });
    report.measures.remarks.push(HOSTILE.to_owned());
    for (row, name) in report.measures.rows.iter_mut().zip([
        HOSTILE,
        "会社の利用者の名前はとても長いので表の幅に入りません",
        "👩‍👩‍👧‍👦 family and a name that goes on and on and on and on and on and on",
    ]) {
        row.period = None;
        row.complete = None;
        row.segment = Some(name.to_owned());
    }
    report
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn csv_rows(text: &str) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

// Columns.

#[test]
fn the_columns_of_a_report_and_their_order_are_frozen() {
    let expected = "period_start,period_end,complete,segment,users,events,sessions,open_sessions,\
        mean_duration_seconds,mean_low_seconds,mean_high_seconds,median_duration_seconds,\
        p90_duration_seconds,mean_duration_without_bounces_seconds,bounce_rate,\
        sessions_per_user,events_per_session,total_duration_seconds,change_seconds,\
        change_low_seconds,change_high_seconds,timeout_seconds,time_zone";
    let text = text(Format::Csv, &report(), PLAIN);
    assert_eq!(text.lines().next(), Some(expected));
}

#[test]
fn the_columns_of_sessions_and_explanations_and_their_order_are_frozen() {
    let sessions = session_text(Format::Csv, &[], PLAIN);
    assert_eq!(
        sessions,
        "session_id,user_id,start,end,duration_seconds,events,sources,open\n"
    );
    let explained = explanation_text(Format::Csv, &explanation(), PLAIN);
    assert_eq!(
        explained.lines().next(),
        Some("at,source,role,gap_seconds,session,verdict")
    );
}

#[test]
fn json_rows_name_the_columns_of_csv_in_their_order() {
    let csv = text(Format::Csv, &report(), PLAIN);
    let names: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let ndjson = text(Format::Ndjson, &report(), PLAIN);
    for line in ndjson.lines() {
        let mut from = 0;
        for name in &names {
            let key = format!("\"{name}\":");
            let at = line[from..].find(&key).expect("every column in order");
            from += at + key.len();
        }
        assert!(line[from..].contains("\"mean_of_user_means_seconds\":"));
    }
    assert_eq!(ndjson.lines().count(), 4);
}

#[test]
fn a_complete_row_is_written_as_worked_out_by_hand() {
    let mut report = report();
    report.total = false;
    report.measures.rows = vec![Row {
        period: Some(week(0)),
        complete: Some(true),
        segment: Some("posts;logins".to_owned()),
        figures: Figures {
            users: 2,
            events: 7,
            sessions: 4,
            open_sessions: 1,
            mean: Some(600.5),
            mean_interval: Some((300.25, 900.0)),
            median: Some(0.0),
            p90: Some(1_200.0),
            mean_without_bounces: Some(900.75),
            bounce_rate: Some(0.5),
            sessions_per_user: Some(1.5),
            events_per_session: Some(1.75),
            total: Some(1_801_500_001),
            mean_of_user_means: Some(500.0),
            closed_sessions: 3,
            closed_users: 2,
            effective_users: Some(1.8),
            largest_user_share: Some(0.75),
            dwell: None,
        },
        change: Some(change(-40.5, Some((-80.0, -1.0)))),
    }];
    let rows = csv_rows(&text(Format::Csv, &report, PLAIN));
    let expected = [
        "2026-11-02T00:00:00Z",
        "2026-11-09T00:00:00Z",
        "true",
        "posts;logins",
        "2",
        "7",
        "4",
        "1",
        "600.5",
        "300.25",
        "900",
        "0",
        "1200",
        "900.75",
        "0.5",
        "1.5",
        "1.75",
        "1801.500001",
        "-40.5",
        "-80",
        "-1",
        "1800",
        "UTC",
    ];
    assert_eq!(rows[1], expected);
}

#[test]
fn what_is_unknown_is_empty_or_null_and_never_zero() {
    let mut report = report();
    report.measures.rows = vec![Row {
        figures: Figures {
            users: 1,
            events: 1,
            sessions: 1,
            open_sessions: 1,
            ..Figures::default()
        },
        change: None,
        ..row(0, false, 1.0, None)
    }];
    report.measures.overall.figures = report.measures.rows[0].figures.clone();
    let rows = csv_rows(&text(Format::Csv, &report, PLAIN));
    assert_eq!(rows[1][4..8], ["1", "1", "1", "1"]);
    assert!(rows[1][8..21].iter().all(String::is_empty), "{:?}", rows[1]);
    let written = json(&text(Format::Json, &report, PLAIN));
    for name in &rows[0][8..21] {
        assert!(written["rows"][0][name].is_null(), "{name}");
    }
    assert!(written["rows"][0]["effective_users"].is_null());
    let table = text(Format::Table, &report, PLAIN);
    assert!(table.contains('–'));
}

#[test]
fn a_number_that_is_infinite_or_undefined_is_empty_or_null() {
    let mut report = report();
    report.measures.rows[0].figures.mean = Some(f64::NAN);
    report.measures.rows[0].figures.p90 = Some(f64::INFINITY);
    let written = json(&text(Format::Json, &report, PLAIN));
    assert!(written["rows"][0]["mean_duration_seconds"].is_null());
    assert!(written["rows"][0]["p90_duration_seconds"].is_null());
    let rows = csv_rows(&text(Format::Csv, &report, PLAIN));
    assert_eq!([&rows[1][8], &rows[1][12]], ["", ""]);
}

#[test]
fn seconds_are_exact_to_the_microsecond() {
    for (micros, expected) in [
        (0, "0"),
        (600_000_000, "600"),
        (500_000, "0.5"),
        (1_000_001, "1.000001"),
        (-1_500_000, "-1.5"),
        (-1, "-0.000001"),
        (
            170_141_183_460_469_231_731_687_303,
            "170141183460469231731.687303",
        ),
    ] {
        assert_eq!(exact_seconds(micros), expected);
    }
}

#[test]
fn the_overall_row_comes_last_and_only_when_asked_for() {
    let mut report = report();
    let rows = csv_rows(&text(Format::Csv, &report, PLAIN));
    assert_eq!(rows[4][..4], ["", "", "", ""]);
    assert_eq!(rows[4][6], "12810");
    report.total = false;
    assert_eq!(csv_rows(&text(Format::Csv, &report, PLAIN)).len(), 4);
}

// Spreadsheets.

#[test]
fn text_that_a_spreadsheet_would_run_gets_a_quote_in_front() {
    for formula in [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "  =1",
        "\"=1",
        "'=1",
        " \"' @x",
        "\u{a0}=1",
        "\u{feff}=1",
        "+02:00",
        "-",
        "-007",
        "+5",
        "-0",
    ] {
        assert_eq!(guarded(formula), format!("'{formula}"));
    }
    for harmless in [
        "",
        "ada",
        "a=1",
        "7",
        "-5",
        "-9223372036854775808",
        "007",
        "'ada",
        " x",
        "é",
    ] {
        assert_eq!(guarded(harmless), harmless);
    }
}

#[test]
fn an_integer_id_is_a_number_and_stays_as_it_is() {
    let rows = [
        session(UserId::Number(-5), &[("posts", 1)]),
        session(UserId::Text("-five"), &[("=posts", 1)]),
    ];
    let guarded = csv_rows(&session_text(Format::Csv, &rows, PLAIN));
    assert_eq!([&guarded[1][1], &guarded[2][1]], ["-5", "'-five"]);
    assert_eq!(guarded[2][6], "'=posts:1");
    let raw = Style {
        csv_raw: true,
        ..PLAIN
    };
    let raw = csv_rows(&session_text(Format::Csv, &rows, raw));
    assert_eq!([&raw[1][1], &raw[2][1]], ["-5", "-five"]);
    assert_eq!(raw[2][6], "=posts:1");
}

proptest! {
    #[test]
    fn no_text_cell_begins_a_formula(text in "[=+@\t\r\n\0 \"'＝＋－＠a1-]{0,6}") {
        let cell = guarded(&text);
        let first = cell.chars().next();
        let is_formula = first.is_some_and(|first| "=+-@\t\r\n\0＝＋－＠".contains(first));
        prop_assert!(!is_formula || text.parse::<i64>().is_ok(), "{cell:?}");
    }

    #[test]
    fn csv_read_back_gives_the_same_cells(
        user in "[a-z\",;\r\n\0é会' =|-]{1,12}",
        name in "[a-z\", \r\n]{1,8}",
        events in 1_u64..1_000,
    ) {
        let row = session(UserId::from_text(&user), &[(name.as_str(), events)]);
        let raw = Style { csv_raw: true, ..PLAIN };
        let rows = csv_rows(&session_text(Format::Csv, &[row.clone(), row.clone()], raw));
        prop_assert_eq!(rows.len(), 3);
        for written in &rows[1..] {
            prop_assert_eq!(&written[1], &user);
            prop_assert_eq!(&written[4], "1390.5");
            prop_assert_eq!(&written[5], &events.to_string());
            prop_assert_eq!(&written[6], &format!("{name}:{events}"));
        }
        let guarded_rows = csv_rows(&session_text(Format::Csv, &[row], PLAIN));
        prop_assert_eq!(&guarded_rows[1][1], &guarded(&user).into_owned());
    }

    #[test]
    fn json_read_back_gives_the_same_text(user in "\\PC{0,4}[\u{1b}\u{7f}\u{9b}\u{202e}\"\\\\\n]{0,3}\\PC{0,4}") {
        let row = session(UserId::Text(&user), &[("posts", 1)]);
        let line = session_text(Format::Ndjson, &[row], PLAIN);
        let hidden = |letter: char| matches!(letter, '\u{1b}' | '\u{7f}' | '\u{9b}' | '\u{202e}');
        prop_assert!(!line.contains(hidden), "{line:?}");
        prop_assert_eq!(line.lines().count(), 1);
        let written = json(&line);
        prop_assert_eq!(written["user_id"].as_str(), Some(user.as_str()));
    }

    #[test]
    fn markdown_leaves_no_sign_of_markup_bare(text in "[a`*_\\[\\]<>|&@#~$\\\\\n .:/w-]{0,16}") {
        let safe = escaped(&text);
        let mut bare = String::new();
        let mut letters = safe.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                    bare.push('·');
                }
                letter => bare.push(letter),
            }
        }
        prop_assert!(!bare.contains(['`', '*', '_', '[', ']', '<', '>', '|', '&', '@', '#', '~', '\n']));
        prop_assert!(!bare.contains(":/") && !bare.contains("www."), "{safe}");
    }

    #[test]
    fn no_line_is_wider_than_the_page(name in "\\PC{0,60}", width in 20_usize..160) {
        let mut report = hostile_report();
        report.measures.rows[1].segment = Some(name.clone());
        report.run.sources[0].name = name;
        for line in text(Format::Table, &report, Style { width, ..PLAIN }).lines() {
            prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
        }
    }
}

// JSON.

#[test]
fn ids_are_text_in_json_so_that_none_is_rounded() {
    let row = session(UserId::Number(9_007_199_254_740_993), &[("posts", 2)]);
    let written = json(&session_text(Format::Json, &[row], PLAIN));
    assert_eq!(written["sessions"][0]["user_id"], "9007199254740993");
    assert_eq!(written["sessions"][0]["sources"]["posts"], 2);
    assert_eq!(written["sessions"][0]["duration_seconds"], 1_390.5);
    assert_eq!(written["run"]["schema_version"], 1);
}

#[test]
fn no_session_is_an_empty_list() {
    let written = json(&session_text(Format::Json, &[], PLAIN));
    assert_eq!(written["sessions"], serde_json::json!([]));
    assert_eq!(session_text(Format::Ndjson, &[], PLAIN), "");
}

#[test]
fn json_tells_the_trend_with_its_periods() {
    let written = json(&text(Format::Json, &report(), PLAIN));
    let trend = &written["trend"];
    assert_eq!(trend["compared"], true);
    assert_eq!(trend["length"], "week");
    assert_eq!(trend["direction"], 1);
    assert_eq!(trend["later"]["period_start"], "2026-11-09T00:00:00Z");
    assert_eq!(trend["later"]["change_seconds"], 302.0);
    assert_eq!(trend["earlier"]["mean_duration_seconds"], 1_088.0);
    assert_eq!(trend["usual_weekly_move_seconds"], 70.0);
    assert_eq!(written["daily"].as_array().unwrap().len(), 21);
    assert!(written["daily"][6]["mean_duration_seconds"].is_null());
    assert_eq!(written["daily"][20]["complete"], false);

    let mut report = report();
    report.measures.trend = no_trend();
    let written = json(&text(Format::Json, &report, PLAIN));
    assert_eq!(written["trend"]["compared"], false);
    assert_eq!(written["trend"]["reason"], "there is only one complete day");
    assert!(written["trend"]["later"].is_null());
}

#[test]
fn json_has_no_direction_without_an_interval() {
    let mut report = report();
    report.measures.trend = compared(change(302.0, None));
    let written = json(&text(Format::Json, &report, PLAIN));
    assert!(written["trend"]["direction"].is_null());
}

// What every report states.

fn check_record(record: &serde_json::Value) {
    assert_eq!(record["program"], "sessionize");
    assert_eq!(record["version"], "0.1.0");
    assert_eq!(record["schema_version"], 1);
    assert_eq!(record["timeout_seconds"], 1800);
    assert_eq!(record["time_zone"], "UTC");
    assert_eq!(record["now"], "2026-11-22T02:00:00Z");
    assert_eq!(record["window"]["from"], "2026-11-02T00:00:00Z");
    assert_eq!(record["window"]["to"], "2026-11-23T00:00:00Z");
    assert_eq!(record["complete"], true);
    assert_eq!(record["missing"], serde_json::json!([]));
    assert_eq!(record["by"], "week");
    assert!(record["segment"].is_null() && record["cut"].is_null());
    assert!(
        record["rule"]
            .as_str()
            .unwrap()
            .contains("equal to it does not")
    );
    assert_eq!(
        record["durations"],
        "lower bound: last event minus first event"
    );
    let rows = &record["rows"];
    let sum: u64 = ["events", "rejected", "filtered", "duplicates_dropped"]
        .iter()
        .map(|kind| rows[*kind].as_u64().unwrap())
        .sum();
    assert_eq!(rows["read"], sum);
    assert_eq!(sum, 1_204_331);
    let posts = &record["sources"][1];
    assert_eq!(posts["name"], "posts");
    assert_eq!(posts["place"], "data/posts.csv.gz");
    assert_eq!(posts["rows"]["read"], 804_331);
    assert_eq!(posts["rows"]["filtered"]["outside_window"], 200);
    assert_eq!(posts["rejected_by_kind"]["TM-02"], 31);
}

#[test]
fn every_format_carries_what_it_rests_on() {
    let report = report();
    for format in [Format::Table, Format::Markdown] {
        let style = Style {
            width: 100,
            ..PLAIN
        };
        let text = text(format, &report, style);
        for part in [
            "sessionize 0.1.0",
            "a gap longer than the timeout starts a new session; a gap equal to it does not",
            "30m",
            "UTC",
            "sessions that start from 2026-11-02 00:00 until 2026-11-23 00:00",
            "2026-11-22 02:00",
            "true: every source was read",
            "logins",
            "posts",
            "804,331",
            "lower bound",
            "1,204,331 read = 1,204,100 events + 31 rejected + 200 filtered + 0 duplicates dropped",
        ] {
            assert!(text.contains(part), "{format:?} lacks {part}:\n{text}");
        }
    }
    check_record(&json(&text(Format::Json, &report, PLAIN))["run"]);
    let beside = run_record(&report.run, Some(&report.measures), None);
    check_record(&serde_json::from_slice(&beside).unwrap());
    for format in [Format::Csv, Format::Ndjson] {
        assert!(text(format, &report, PLAIN).contains("2026-11-09T00:00:00Z"));
    }
}

#[test]
fn now_is_said_to_be_the_clock_where_nobody_gave_it() {
    let mut report = report();
    let given = "2026-11-22 02:00, when the data was taken";
    let clock = "2026-11-22 02:00, read from the clock; say --now for a dump";
    for format in [Format::Table, Format::Markdown] {
        report.run.now_is_clock = false;
        let text_given = text(format, &report, PLAIN);
        assert!(text_given.contains(given) && !text_given.contains("clock"));
        report.run.now_is_clock = true;
        let text_clock = text(format, &report, PLAIN);
        assert!(text_clock.contains(clock), "{text_clock}");
        assert!(!text_clock.contains(given), "{text_clock}");
    }
}

#[test]
fn the_record_beside_a_file_holds_its_size_and_digest() {
    let report = report();
    let written = Written {
        bytes: 812,
        sha256: "e3b0c442",
    };
    let record = run_record(&report.run, None, Some(written));
    assert!(record.ends_with(b"}\n"));
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["report"]["size_bytes"], 812);
    assert_eq!(record["report"]["sha256"], "e3b0c442");
    assert!(record["sessions_touching_ends"].is_null());
    let line = run_line(&report.run, Some(&report.measures));
    assert_eq!(line.lines().count(), 1);
    check_record(&json(&line));
    assert_eq!(json(&line)["sessions_touching_ends"], 14);
}

#[test]
fn a_missing_source_is_named_in_every_format() {
    let mut report = report();
    report.run.missing.push(MissingSource {
        name: "comments".to_owned(),
        error: "no such file".to_owned(),
    });
    let table = text(Format::Table, &report, PLAIN);
    assert_eq!(
        table.lines().next(),
        Some("INCOMPLETE: 1 of 3 sources could not be read, and every number lacks it")
    );
    for format in [Format::Table, Format::Markdown] {
        let text = text(format, &report, PLAIN);
        assert!(text.contains("comments: no such file"), "{text}");
        assert!(text.contains("false: without comments"), "{text}");
    }
    let record = &json(&text(Format::Json, &report, PLAIN))["run"];
    assert_eq!(record["complete"], false);
    assert_eq!(record["missing"][0]["name"], "comments");
    assert!(run_line(&report.run, None).contains("\"complete\":false"));
}

#[test]
fn the_notes_say_what_a_reader_must_know() {
    let mut report = report();
    report.run.events_after_now = 2;
    report.run.cut_day = true;
    report.run.max_length = Some(12 * 3_600 * SECOND);
    report.run.sample = Some(0.05);
    report.run.sources[0].floored = 7;
    report.run.sources[0].leap_seconds = 1;
    report.measures.rows[0].figures.median = Some(0.0);
    report.measures.rows[0].figures.bounce_rate = Some(0.62);
    let style = Style {
        width: 140,
        ..PLAIN
    };
    let text = text(Format::Table, &report, style);
    for sentence in [
        "Durations are a lower bound: last event minus first event, without the time after the last.",
        "3 open sessions count as sessions and are left out of everything else.",
        "14 sessions lie within one timeout of either end of the data; they may be longer.",
        "○ 1 period is incomplete and has no part in the trend.",
        "2 events lie after the time at which the data was taken; their sessions count as open.",
        "12 rows repeat the source, user and instant of another; kept.",
        "Filtered rows: 200 of sessions that start outside the window.",
        "31 rows of posts rejected (TM-02): a value is not an instant.",
        "7 times were floored to the microsecond.",
        "1 leap second was taken as the second before.",
        "A median of 0s means that most sessions are bounces: one event, no duration.",
        "The week from 2026-11-16 has no comparison: it is not complete.",
        "at midnight of the time zone, at the first event more than 12h after a session's start",
        "5% of users, by a hash of the user",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

// The headline.

#[test]
fn a_rise_is_said_with_an_arrow_and_its_interval() {
    assert_eq!(
        headline(compared(change(302.0, Some((70.0, 530.0))))),
        "Average session 23m 10s  ↗ +5m 02s from the week before (95% +1m 10s to +8m 50s)"
    );
}

#[test]
fn a_fall_is_said_with_an_arrow_and_its_interval() {
    assert_eq!(
        headline(compared(change(-302.0, Some((-530.0, -70.0))))),
        "Average session 23m 10s  ↘ −5m 02s from the week before (95% −8m 50s to −1m 10s)"
    );
}

#[test]
fn an_interval_that_holds_zero_is_no_clear_change() {
    for interval in [(-40.0, 70.0), (0.0, 70.0), (-40.0, 0.0)] {
        let line = headline(compared(change(15.0, Some(interval))));
        assert!(line.contains("→ no clear change ("), "{line}");
        assert!(!line.contains("+15s"), "{line}");
    }
    assert_eq!(
        headline(compared(change(15.0, Some((-40.0, 70.0))))),
        "Average session 23m 10s  → no clear change (−40s to +1m 10s)"
    );
}

#[test]
fn few_users_have_a_move_without_an_arrow_and_the_reason() {
    let few = Change {
        effective_users: 3.2,
        users: 12,
        ..change(302.0, None)
    };
    let mut report = report();
    report.measures.trend = compared(few);
    let style = Style {
        width: 100,
        ..PLAIN
    };
    let text = text(Format::Table, &report, style);
    assert_eq!(
        text.lines().next(),
        Some(
            "Average session 23m 10s  +5m 02s from the week before (too few users for an interval)"
        )
    );
    assert!(text.contains("\nfew users carry this: 3 of 12\n"), "{text}");
    assert!(!text.contains(['↗', '↘', '→']), "{text}");
}

#[test]
fn few_users_are_named_from_thirty_down() {
    for (effective_users, expected) in [(12.4, true), (29.9, true), (30.0, false)] {
        let mut report = report();
        report.measures.trend = compared(Change {
            effective_users,
            users: 40,
            ..change(302.0, Some((70.0, 530.0)))
        });
        let text = text(Format::Table, &report, PLAIN);
        assert_eq!(text.contains("few users carry this:"), expected, "{text}");
    }
}

#[test]
fn without_a_trend_the_headline_is_the_overall_mean_and_says_why() {
    assert_eq!(
        headline(no_trend()),
        "Average session 21m 40s overall  (no trend: there is only one complete day)"
    );
}

#[test]
fn the_empty_log_has_a_headline_of_its_own() {
    let mut report = report();
    report.measures = Measures {
        rows: Vec::new(),
        overall: Row {
            figures: Figures::default(),
            ..overall(0.0)
        },
        trend: Trend::None {
            reason: "there is no event".to_owned(),
        },
        daily: Vec::new(),
        touching_ends: 0,
        own: None,
        extent: None,
        observed: None,
        remarks: Vec::new(),
        dwell: None,
        tracked: None,
    };
    report.total = false;
    let table = text(Format::Table, &report, PLAIN);
    assert!(table.starts_with("No sessions  (no trend: there is no event)\n"));
    assert!(table.contains("What it rests on"));
    for format in ALL_FORMATS {
        text(format, &report, PLAIN);
    }
    let rows = text(Format::Csv, &report, PLAIN);
    assert_eq!(rows.lines().count(), 1);
    report.measures.overall.figures.sessions = 3;
    let table = text(Format::Table, &report, PLAIN);
    assert!(table.starts_with("No average: no session is closed  (no trend:"));
}

#[test]
fn the_overall_mean_and_the_usual_move_stand_beside_the_headline() {
    let text = text(Format::Table, &report(), PLAIN);
    for line in [
        "usual weekly move    1m 10s",
        "overall              mean 21m 40s, median 8m 40s, 12,810 sessions of 1,402 users",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{text}");
    }
}

#[test]
fn no_word_of_the_headline_block_is_lost_at_any_width() {
    let block = |width| {
        let mut report = report();
        report.measures.overall.figures.median = Some(0.0);
        report.measures.overall.figures.bounce_rate = Some(0.79);
        let text = text(Format::Table, &report, Style { width, ..PLAIN });
        let block: Vec<&str> = text.split("\n\n").take(2).collect();
        block.join("\n").replace(':', "")
    };
    let whole = block(400);
    for width in 40..=140 {
        let block = block(width);
        let words: Vec<&str> = block.split_whitespace().collect();
        let expected: Vec<&str> = whole.split_whitespace().collect();
        assert_eq!(words, expected, "{width}\n{block}");
    }
}

#[test]
fn a_median_of_zero_has_the_bounce_rate_as_its_reason() {
    let mut report = report();
    report.measures.overall.figures.median = Some(0.0);
    report.measures.overall.figures.bounce_rate = Some(0.62);
    let text = text(Format::Markdown, &report, PLAIN);
    assert!(text.contains("median 0s as 62% are bounces"), "{text}");
}

#[test]
fn a_median_of_zero_without_bounces_is_not_laid_to_them() {
    let mut report = report();
    report.measures.overall.figures.median = Some(0.0);
    report.measures.overall.figures.bounce_rate = Some(0.0);
    for format in [Format::Table, Format::Markdown] {
        let text = text(
            format,
            &report,
            Style {
                width: 140,
                ..PLAIN
            },
        );
        assert!(!text.contains("are bounces"), "{text}");
        assert!(text.contains("median 0s as most sessions fall on one instant, 12,810"));
        assert!(text.contains(
            "A median of 0s means that the events of most sessions fall on one instant."
        ));
    }
}

#[test]
fn an_unknown_median_is_left_out_of_the_headline_block() {
    let mut report = report();
    report.measures.overall.figures.median = None;
    for format in [Format::Table, Format::Markdown] {
        let text = text(format, &report, PLAIN);
        assert!(!text.contains("median –"), "{text}");
        assert!(text.contains("mean 21m 40s, 12,810 sessions of"), "{text}");
    }
}

#[test]
fn the_headline_block_counts_open_sessions_as_the_table_does() {
    let mut report = report();
    let figures = &mut report.measures.overall.figures;
    (figures.users, figures.closed_users) = (1_402, 1_400);
    (figures.sessions, figures.closed_sessions) = (12_810, 12_807);
    let text = text(Format::Table, &report, PLAIN);
    assert!(text.contains("12,810 sessions of 1,402 users"), "{text}");
    assert!(
        !text.contains("12,807") && !text.contains("1,400"),
        "{text}"
    );
}

#[test]
fn two_means_of_zero_are_no_change() {
    let mut trend = compared(change(0.0, None));
    if let Trend::Compared {
        figures,
        earlier_mean,
        ..
    } = &mut trend
    {
        (figures.mean, *earlier_mean) = (Some(0.0), 0.0);
    }
    assert_eq!(
        headline(trend),
        "Average session 0s  no change from the week before"
    );
}

// Words.

#[test]
fn durations_are_read_in_their_two_largest_units() {
    for (seconds, expected) in [
        (0.0, "0s"),
        (0.0001, "<0.001s"),
        (0.004, "0.004s"),
        (0.4, "0.4s"),
        (0.94, "0.9s"),
        (0.96, "1s"),
        (40.0, "40s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (62.0, "1m 02s"),
        (1_390.0, "23m 10s"),
        (3_599.4, "59m 59s"),
        (3_599.6, "1h 00m"),
        (7_500.0, "2h 05m"),
        (86_399.0, "1d 0h"),
        (273_600.0, "3d 4h"),
        (f64::NAN, "–"),
    ] {
        assert_eq!(words::duration(seconds), expected, "{seconds}");
    }
}

#[test]
fn an_exact_duration_rounds_nothing_away() {
    for (micros, expected) in [
        (0, "0s"),
        (1_800_000_000, "30m 00s"),
        (1_800_000_001, "30m 00.000001s"),
        (3_910_500_000, "1h 05m 10.5s"),
        (90_061_000_000, "1d 1h 01m 01s"),
        (-1_000_000, "−1s"),
    ] {
        assert_eq!(words::exact_duration(micros), expected);
    }
}

#[test]
fn changes_shares_and_counts_are_read_as_people_write_them() {
    assert_eq!(words::change(302.0), "+5m 02s");
    assert_eq!(words::change(-40.0), "−40s");
    assert_eq!(words::change(0.0), "0s");
    assert_eq!(words::change_interval((-40.0, 70.0)), "−40s to +1m 10s");
    for (share, expected) in [
        (0.0, "0%"),
        (0.0001, "<0.1%"),
        (0.004, "0.4%"),
        (0.0096, "1%"),
        (0.41, "41%"),
        (0.994, "99%"),
        (0.9999, ">99%"),
        (1.0, "100%"),
    ] {
        assert_eq!(words::share(share), expected, "{share}");
    }
    assert_eq!(words::count(0), "0");
    assert_eq!(words::count(999), "999");
    assert_eq!(words::count(1_000), "1,000");
    assert_eq!(words::count(1_204_331), "1,204,331");
    assert_eq!([1, -1, 0].map(words::arrow), ['↗', '↘', '→']);
}

#[test]
fn times_are_read_on_the_clock_of_the_zone() {
    let zone = Zone::Named(chrono_tz::Europe::Paris);
    assert_eq!(words::local_time(MONDAY, &zone), "2026-11-02 01:00:00");
    assert_eq!(
        words::local_time(MONDAY + 500_000, &zone),
        "2026-11-02 01:00:00.500"
    );
    assert_eq!(words::clock_time(MONDAY, &zone), "01:00");
    assert_eq!(words::clock_time(MONDAY + SECOND, &zone), "01:00:01");
}

// Charts.

#[test]
fn a_sparkline_is_drawn_from_zero_to_its_highest_solid_point() {
    let points = [
        Point::Solid(0.0),
        Point::Solid(1.0),
        Point::Solid(4.0),
        Point::Missing,
        Point::Solid(8.0),
        Point::Hollow(80.0),
    ];
    assert_eq!(sparkline(&points), "▁▁▄·█░");
    assert_eq!(sparkline(&[Point::Solid(0.0)]), "▁");
    assert_eq!(sparkline(&[]), "");
}

#[test]
fn a_bar_is_drawn_in_eighths_and_stays_in_its_width() {
    assert_eq!(bar(8.0, 8.0, 4), "████");
    assert_eq!(bar(4.0, 8.0, 4), "██");
    assert_eq!(bar(1.0, 8.0, 1), "▏");
    assert_eq!(bar(7.0, 8.0, 1), "▉");
    assert_eq!(bar(3.5, 8.0, 2), "▉");
    assert_eq!(bar(0.0, 8.0, 4), "");
    assert_eq!(bar(9.0, 8.0, 2), "██");
    assert_eq!(bar(0.0, 0.0, 2), "");
    assert_eq!(hollow_bar(1.0, 8.0, 4), "░");
    assert_eq!(hollow_bar(8.0, 8.0, 4), "░░░░");
    assert_eq!(hollow_bar(0.0, 8.0, 4), "");
}

#[test]
fn an_incomplete_period_is_drawn_hollow_and_marked() {
    let table = text(Format::Table, &report(), PLAIN);
    let line = table.lines().find(|line| line.contains('○')).unwrap();
    assert!(line.contains('░') && !line.contains('█'), "{line}");
    let hollow = table.lines().filter(|line| line.contains('█'));
    assert!(hollow.clone().count() >= 2);
}

#[test]
fn a_day_that_is_not_complete_does_not_set_the_scale() {
    let table = text(Format::Table, &report(), PLAIN);
    assert!(
        table.contains("daily means from 15m 00s to 28m 45s"),
        "{table}"
    );
}

#[test]
fn the_daily_line_stands_between_its_first_and_last_day() {
    let table = text(Format::Table, &report(), PLAIN);
    let line = table.lines().find(|line| line.contains('·')).unwrap();
    assert!(line.starts_with("2026-11-02 ▄"), "{table}");
    assert!(line.ends_with("░ 2026-11-22"), "{table}");
    let narrow = text(Format::Table, &report(), Style { width: 42, ..PLAIN });
    assert!(
        narrow.contains("░\n2026-11-02 to 2026-11-22: daily means from"),
        "{narrow}"
    );
}

#[test]
fn days_of_which_none_is_complete_have_no_line() {
    let mut report = report();
    report.measures.daily.drain(..20);
    assert!(!report.measures.daily[0].complete);
    let table = text(Format::Table, &report, PLAIN);
    assert!(
        !table.contains("last 1 day") && !table.contains("\n░"),
        "{table}"
    );
}

// Terminals.

#[test]
fn no_line_is_wider_than_the_page_at_common_widths() {
    let mut explained = explanation();
    explained.user = HOSTILE.to_owned();
    explained.events[1].source = "会社の利用者の名前はとても長い".to_owned();
    explained.events[2].verdict = "a verdict of many words ".repeat(8);
    let rows = [
        session(UserId::Text(HOSTILE), &[("会社の利用者", 3), ("posts", 12)]),
        session(UserId::Number(7), &[("posts", 1_000_000)]),
    ];
    for width in [20, 40, 80, 100, 140] {
        let style = Style { width, ..PLAIN };
        for text in [
            text(Format::Table, &report(), style),
            text(Format::Table, &hostile_report(), style),
            session_text(Format::Table, &rows, style),
            explanation_text(Format::Table, &explained, style),
        ] {
            for line in text.lines() {
                assert!(line.width() <= width, "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

#[test]
fn a_page_without_width_is_written_all_the_same() {
    let style = Style { width: 0, ..PLAIN };
    assert!(text(Format::Table, &report(), style).contains("23m"));
    assert!(!session_text(Format::Table, &[], style).is_empty());
    assert!(explanation_text(Format::Table, &explanation(), style).contains("4711"));
}

#[test]
fn nothing_obeys_a_hostile_name_and_nothing_escapes_without_colour() {
    let rows = [session(UserId::Text(HOSTILE), &[(HOSTILE, 1)])];
    let mut explained = explanation();
    explained.user = HOSTILE.to_owned();
    explained.events[0].source = HOSTILE.to_owned();
    explained.events[0].verdict = HOSTILE.to_owned();
    let hidden = |letter: char| {
        (letter.is_control() && letter != '\n') || matches!(letter, '\u{202e}' | '\u{200b}')
    };
    for format in [
        Format::Table,
        Format::Markdown,
        Format::Json,
        Format::Ndjson,
    ] {
        for text in [
            text(format, &hostile_report(), PLAIN),
            session_text(format, &rows, PLAIN),
            explanation_text(format, &explained, PLAIN),
        ] {
            assert!(!text.contains(hidden), "{format:?}: {text:?}");
        }
    }
}

#[test]
fn colour_is_bold_and_dim_and_nothing_else() {
    let style = Style {
        color: true,
        ..PLAIN
    };
    let coloured = text(Format::Table, &report(), style);
    assert!(coloured.starts_with("\u{1b}[1mAverage session"));
    let bare = ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"]
        .iter()
        .fold(coloured, |text, escape| text.replace(escape, ""));
    assert_eq!(bare, text(Format::Table, &report(), PLAIN));
}

#[test]
fn a_markdown_table_keeps_its_shape_whatever_the_names() {
    let page = text(Format::Markdown, &hostile_report(), PLAIN);
    let mut bars = Vec::new();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        bars.push(
            line.replace("\\\\", "")
                .replace("\\|", "")
                .matches('|')
                .count(),
        );
    }
    // Four rows of figures and two sources, each under a header and a rule, all of 8 columns.
    assert_eq!(bars, [9; 10]);
}

#[test]
fn words_of_our_own_stay_readable_in_markdown() {
    assert_eq!(
        escaped("sessions in 0.4s (+5m): a-b, 41%."),
        "sessions in 0.4s (+5m): a-b, 41%."
    );
    assert_eq!(escaped("http://x www.x a@b"), "http\\://x www\\.x a\\@b");
    assert_eq!(escaped("1. x"), "1\\. x");
    assert_eq!(escaped("- x"), "\\- x");
    assert_eq!(escaped("a\nb"), "a\\\\nb");
}

#[test]
fn segments_stand_beside_their_period() {
    let mut report = report();
    report.run.segment = Some(Segment::Source);
    let mut second = report.measures.rows[0].clone();
    report.measures.rows[0].segment = Some("logins".to_owned());
    second.segment = Some("logins;posts".to_owned());
    report.measures.rows.insert(1, second);
    let table = text(Format::Table, &report, PLAIN);
    let lines: Vec<&str> = table.lines().collect();
    let header = lines
        .iter()
        .position(|line| line.starts_with("week ") && line.contains("sources"))
        .unwrap();
    assert!(lines[header + 2].contains("logins "), "{table}");
    assert!(lines[header + 3].starts_with("    "), "{table}");
    assert!(lines[header + 3].contains("logins;posts"), "{table}");
}

#[test]
fn sets_of_sources_stay_apart_in_a_narrow_table() {
    let sets = [
        "attempts;comments;posts;queries",
        "attempts;comments;queries",
        "attempts;downloads;posts;queries",
        "attempts;downloads;queries",
    ];
    let mut report = report();
    report.run.by = None;
    report.run.segment = Some(Segment::Source);
    report.measures.rows = sets
        .iter()
        .map(|set| Row {
            period: None,
            complete: None,
            segment: Some((*set).to_owned()),
            ..row(0, true, 1_088.0, None)
        })
        .collect();
    for width in 48..=140 {
        let table = text(Format::Table, &report, Style { width, ..PLAIN });
        let mut shown: Vec<&str> = table
            .lines()
            .filter(|line| line.starts_with("attempts"))
            .filter_map(|line| line.split(' ').next())
            .collect();
        shown.dedup();
        assert_eq!(shown.len(), 4, "{width}\n{table}");
    }
    report.measures.rows.truncate(2);
    report.measures.rows[1].segment = Some("logins".to_owned());
    let table = text(Format::Table, &report, Style { width: 40, ..PLAIN });
    assert!(table.contains("attempts;…;queries  "), "{table}");
}

#[test]
fn a_list_of_sessions_begins_with_how_many_of_how_many_users() {
    let rows = [session(
        UserId::Number(4711),
        &[("posts", 3), ("comments", 1)],
    )];
    let table = session_text(Format::Table, &rows, PLAIN);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "12,810 sessions of 1,402 users, 3 still open (○)");
    assert!(
        lines[4].starts_with("4711  2026-11-02 00:00:00  23m 10.5s"),
        "{table}"
    );
    assert!(lines[4].ends_with("posts 3, comments 1"), "{table}");
}

#[test]
fn a_long_list_of_sessions_is_written_whole_under_one_header() {
    let rows: Vec<SessionRow<'_>> = (0..2_500)
        .map(|number| session(UserId::Number(number), &[("posts", 1)]))
        .collect();
    let table = session_text(Format::Table, &rows, PLAIN);
    assert_eq!(table.matches("23m 10.5s").count(), 2_500);
    assert_eq!(
        table
            .lines()
            .filter(|line| line.starts_with("user "))
            .count(),
        1
    );
    let page = session_text(Format::Markdown, &rows, PLAIN);
    assert_eq!(page.matches("| user |").count(), 1);
    assert_eq!(page.matches("23m 10.5s").count(), 2_500);
}

#[test]
fn an_explanation_shows_each_session_above_its_events() {
    let text = explanation_text(Format::Table, &explanation(), PLAIN);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "User 4711: 5 events, 3 sessions");
    let second = lines
        .iter()
        .position(|line| *line == "── session 2  2026-11-02 09:45  0s  1 event ──")
        .unwrap();
    assert_eq!(lines[second - 1], "");
    assert!(lines[second + 1].starts_with("09:45:00  35m 00s  comments"));
    assert!(lines[second + 1].ends_with("opens session 2: 35m > 30m"));
    assert!(text.contains("── session 1  2026-11-02 09:00–09:10  10m 00s  3 events ──"));
    assert!(text.contains("── session 3  2026-11-02 10:30  0s  1 event  ○ still open ──"));
}

#[test]
fn a_session_over_midnight_names_both_days() {
    let mut explained = explanation();
    explained.sessions[0].end = MONDAY + DAY + 600 * SECOND;
    explained.sessions[0].duration = (15 * 3_600 + 600) * SECOND;
    let text = explanation_text(Format::Markdown, &explained, PLAIN);
    assert!(
        text.contains("session 1  2026-11-02 09:00 – 2026-11-03 00:10  15h"),
        "{text}"
    );
}

#[test]
fn the_first_session_follows_the_rule_under_the_header() {
    let text = explanation_text(Format::Table, &explanation(), PLAIN);
    let lines: Vec<&str> = text.lines().collect();
    let rule = lines.iter().position(|line| line.starts_with("──────"));
    assert!(
        lines[rule.unwrap() + 1].starts_with("── session 1 "),
        "{text}"
    );
}

#[test]
fn a_gap_is_read_to_the_second_unless_it_is_shorter() {
    let second = 22 * DAY + 21 * 3_600 * SECOND + 48 * 60 * SECOND + 31 * SECOND;
    for (gap, expected) in [
        (second + 456_789, "22d 21h 48m 31s"),
        (1_800 * SECOND - 1, "29m 59s"),
        (500_000, "0.5s"),
        (SECOND, "1s"),
        (0, "0s"),
    ] {
        let mut explained = explanation();
        explained.events[1].gap = Some(gap);
        let text = explanation_text(Format::Table, &explained, PLAIN);
        let line = text.lines().find(|line| line.contains("profile")).unwrap();
        assert!(line.contains(&format!("  {expected}  profile")), "{text}");
    }
}

#[test]
fn the_start_of_a_session_goes_last_and_no_rule_leaves_the_page() {
    let mut long = session(UserId::Text("a-user-with-a-long-name"), &[("posts", 3)]);
    long.end = MONDAY + 40 * DAY + 1;
    for width in 29..=140 {
        let style = Style { width, ..PLAIN };
        let table = session_text(Format::Table, &[long.clone()], style);
        assert!(table.contains("2026-11-02 00:00:00"), "{width}\n{table}");
    }
    for width in 20..=140 {
        let style = Style { width, ..PLAIN };
        let table = session_text(Format::Table, &[long.clone()], style);
        for rule in table.lines().filter(|line| line.starts_with("───")) {
            assert!(!rule.contains('…'), "{width}\n{table}");
        }
    }
}

#[test]
fn an_event_of_no_session_has_an_empty_session() {
    let mut explained = explanation();
    explained.events[1].session = None;
    explained.events[1].verdict = "ignored".to_owned();
    let rows = csv_rows(&explanation_text(Format::Csv, &explained, PLAIN));
    assert_eq!(
        rows[2],
        [
            "2026-11-02T09:05:00Z",
            "profile",
            "activity",
            "300",
            "",
            "ignored"
        ]
    );
    let written = json(&explanation_text(Format::Json, &explained, PLAIN));
    assert!(written["events"][1]["session"].is_null());
    assert_eq!(written["sessions"][0]["duration_seconds"], 600);
    assert_eq!(written["user_id"], "4711");
    assert!(written["run"]["timeout_seconds"] == 1800);
    let table = explanation_text(Format::Table, &explained, PLAIN);
    assert_eq!(table.matches("── session 1 ").count(), 1);
}
