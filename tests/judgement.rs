//! What is said of the timeout, in every format, from judgements made by hand; and the rules that a
//! pipeline holds them against.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use serde_json::Value;
use sessionize::events::SECOND;
use sessionize::measures::{Change, Figures};
use sessionize::report::columns::judgement::{ESTIMATES, GAPS, GATES, ROBUSTNESS, SWEEP};
use sessionize::report::json::read_baseline;
use sessionize::report::judgement::{JudgementReport, JudgementRows, check_line};
use sessionize::report::{Format, MissingSource, Style, write_judgement};
use sessionize::threshold::check::{Baseline, CheckResult, CheckRules, check};
use sessionize::threshold::{
    Compared, CurvePoint, Estimate, GapBin, GapSummary, Judgement, Method, Robustness, SimpleRule,
    SourceDifference, SourceJudgement, SweepRow, Test, TestUnit, Verdict,
};
use sessionize::time::duration::Timeout;
use sessionize::time::period::{Period, PeriodLength};
use unicode_width::UnicodeWidthStr;

use crate::report::{DAY, MONDAY, PLAIN, run};

/// 49 min 50 s.
const CROSSING: f64 = 2990.0;

fn timeout(text: &str) -> Timeout {
    text.parse().unwrap()
}

fn test(name: &str, met: Option<f64>, limit: f64, passed: bool) -> Test {
    Test {
        name: name.to_owned(),
        unit: TestUnit::Number,
        met,
        limit,
        passed,
    }
}

fn estimate(method: Method, seconds: Option<f64>, interval: Option<(f64, f64)>) -> Estimate {
    let (name, met, limit) = match method {
        Method::MixtureOfTwo | Method::MixtureOfThree => ("Ashman D above 2", 3.75, 2.0),
        Method::Valley => ("valley at most 0.8 of the lower peak", 0.31, 0.8),
        _ => ("share of the variance at least 0.5", 0.64, 0.5),
    };
    Estimate {
        method,
        seconds,
        interval,
        range: None,
        test: test(name, seconds.map(|_| met), limit, seconds.is_some()),
    }
}

fn curve(timeout: f64) -> CurvePoint {
    CurvePoint {
        sessions: (400_000.0 / timeout.sqrt()) as u64,
        total: (timeout * 7.5e9) as i128,
        mean: Some(timeout.sqrt() * 32.0),
        mean_without_bounces: Some(timeout.sqrt() * 51.5),
        bounce_rate: Some(0.41),
        median: Some(timeout.sqrt() * 12.25),
        sensitivity: Some(0.21),
        mean_at_half: Some(timeout.sqrt() * 20.0),
        mean_at_double: Some(timeout * 1.25),
    }
}

fn row(text: &str) -> SweepRow {
    let timeout = timeout(text);
    SweepRow {
        timeout,
        curve: curve(timeout.micros() as f64 / 1e6),
        figures: None,
    }
}

/// A row of the whole rule: 12,810 sessions of 25 min 1.5 s.
fn named(text: &str) -> SweepRow {
    SweepRow {
        figures: Some(Figures {
            users: 1_402,
            events: 401_204,
            sessions: 12_810,
            open_sessions: 3,
            mean: Some(1501.5),
            mean_interval: Some((1320.25, 1700.75)),
            median: Some(555.0),
            mean_without_bounces: Some(2400.0),
            bounce_rate: Some(0.375),
            total: Some(19_234_215_500_000),
            ..Figures::default()
        }),
        ..row(text)
    }
}

fn change(seconds: f64, interval: (f64, f64)) -> Option<Change> {
    Some(Change {
        seconds,
        interval: Some(interval),
        relative_interval: None,
        effective_users: 320.0,
        users: 812,
        user_means_seconds: None,
    })
}

/// The first week begins on Monday, the 2nd of November 2026.
fn week(number: i64) -> Period {
    Period {
        start: MONDAY + (number - 1) * 7 * DAY,
        end: MONDAY + number * 7 * DAY,
    }
}

/// Bins of a third of an octave from 1 s to 11 days, with humps at a minute and at a day.
fn histogram() -> Vec<GapBin> {
    let edge = |third: i32| (f64::from(third) / 3.0).exp2() * 1e6;
    let hump = |at: f64, seconds: f64, width: f64| {
        (-(at / 1e6 / seconds).ln().powi(2) / (2.0 * width * width)).exp()
    };
    (0..60)
        .map(|third| GapBin {
            low: edge(third) as i64,
            high: edge(third + 1) as i64,
            gaps: (40_000.0 * hump(edge(third), 60.0, 1.2)
                + 10_000.0 * hump(edge(third), 86_400.0, 1.2)) as u64,
        })
        .collect()
}

fn judgement() -> Judgement {
    Judgement {
        in_use: Timeout::DEFAULT,
        gaps: GapSummary {
            users: 1_402,
            gaps: 1_202_698,
            zero: 601_349,
            resolution: SECOND,
            one_step: 80_120,
            quick: 12,
            largest_user_share: Some(0.031),
            effective_users: Some(411.6),
        },
        histogram: histogram(),
        sweep: vec![
            row("1m"),
            named("10m"),
            named("30m"),
            named("49m 50s"),
            row("4h"),
        ],
        curve_differs: None,
        estimates: vec![
            estimate(Method::MixtureOfTwo, Some(CROSSING), Some((2760.0, 3250.5))),
            estimate(Method::MixtureOfThree, None, None),
            estimate(Method::Valley, Some(2820.25), Some((2400.0, 3600.0))),
            estimate(Method::Split, Some(5400.0), None),
            estimate(Method::Knee, Some(840.0), Some((700.0, 960.0))),
            Estimate {
                range: Some((1320.0, 3060.0)),
                ..estimate(Method::Plateau, Some(2009.925), None)
            },
        ],
        rules: vec![
            SimpleRule {
                name: "mean + 1.5 standard deviations".to_owned(),
                seconds: Some(93_600.0),
            },
            SimpleRule {
                name: "third quartile + 1.5 ranges".to_owned(),
                seconds: None,
            },
        ],
        gates: vec![
            test("Ashman D above 2", Some(3.75), 2.0, true),
            test(
                "depth at most 0.5 in 95% of replicates",
                Some(0.98),
                0.95,
                true,
            ),
            test("at least 30 users", Some(1_402.0), 30.0, true),
        ],
        verdict: Verdict::Recommended {
            seconds: CROSSING,
            interval: (2760.0, 3250.5),
        },
        sources: Vec::new(),
        differences: Vec::new(),
        robustness: Robustness {
            points: vec![
                (timeout("10m"), change(-20.0, (-90.0, 50.0))),
                (timeout("30m"), change(-302.0, (-530.0, -70.0))),
                (timeout("1h"), change(-410.5, (-700.0, -121.0))),
                (timeout("2h"), None),
            ],
            same_sign: Some((timeout("10m"), timeout("1h"))),
            same_arrow: Some((timeout("30m"), timeout("1h"))),
            agreeing: Some(0.5),
            flips: vec![(timeout("5m"), timeout("10m"))],
            compared: Some(Compared {
                length: PeriodLength::Week,
                earlier: week(1),
                later: week(2),
            }),
            reason: None,
        },
        remarks: vec!["Half of all gaps are zero.".to_owned()],
    }
}

fn report(judgement: Judgement) -> JudgementReport {
    JudgementReport {
        run: run(),
        judgement,
        rows: JudgementRows::Sweep,
        checks: None,
    }
}

fn written(format: Format, report: &JudgementReport, style: Style) -> String {
    let mut bytes = Vec::new();
    write_judgement(format, report, style, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The line that begins with this, without regard to spaces in front.
#[track_caller]
fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines()
        .find(|line| line.trim_start().starts_with(start))
        .unwrap_or_else(|| panic!("no line begins with {start:?}:\n{text}"))
}

/// The words of a line, whatever stands between them.
fn cells(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn verdicts() -> [Verdict; 4] {
    [
        judgement().verdict,
        Verdict::Between {
            low: 1320.0,
            high: 3060.0,
        },
        Verdict::Indifferent {
            low: 1320.0,
            high: 3060.0,
            tolerance: 0.05,
        },
        Verdict::Keep {
            reason: "valley at most 0.5 of the lower peak: 0.74".to_owned(),
            is_unstructured: true,
        },
    ]
}

/// Everything that can be there, with a name that is an attack.
fn full() -> JudgementReport {
    let mut judgement = judgement();
    let source = |name: &str, verdict: Verdict, method| SourceJudgement {
        name: name.to_owned(),
        gaps: judgement.gaps.clone(),
        estimate: estimate(method, Some(CROSSING), Some((2760.0, 3250.5))),
        verdict,
    };
    let [recommended, .., keep] = verdicts();
    judgement.sources = vec![
        source(
            "posts|x\u{1b}[2J\u{202e}",
            recommended,
            Method::MixtureOfTwo,
        ),
        source(
            "searches of everything in the catalogue",
            keep,
            Method::MixtureOfThree,
        ),
    ];
    judgement.differences = vec![SourceDifference {
        shorter: "searches".to_owned(),
        longer: "posts|x\u{1b}[2J".to_owned(),
        ratio: 2.125,
        interval: Some((1.4, 3.0)),
    }];
    judgement.curve_differs = Some("the curve does not know sessions outside the window".into());
    let mut report = report(judgement);
    report.checks = Some(check(&rules(), &report.judgement));
    report
}

/// Of seven lines two fail: the range, and a recommendation that came.
fn rules() -> CheckRules {
    CheckRules {
        recommended: Some((timeout("10m"), timeout("40m"))),
        max_sensitivity: Some(0.3),
        min_sessions: Some(1000),
        max_change: Some(0.1),
        max_drop: Some(0.5),
        baseline: Some(Baseline {
            sessions: 14_000,
            mean: Some(1400.0),
            recommended: None,
        }),
        ..CheckRules::default()
    }
}

#[test]
fn the_first_line_is_the_verdict_in_one_sentence() {
    let expected = [
        "Recommended timeout 49m 50s (95% 46m to 54m 11s): the gaps part there",
        "A timeout between 22m and 51m: the gaps part somewhere within, and no more is",
        "Any timeout between 22m and 51m: the mean moves less than 5%",
        "No separable structure: keep 30m (valley at most 0.5 of the lower peak: 0.74)",
    ];
    for (verdict, expected) in verdicts().into_iter().zip(expected) {
        let report = report(Judgement {
            verdict,
            ..judgement()
        });
        let text = written(Format::Table, &report, PLAIN);
        assert_eq!(lines(&text)[0], expected);
    }
}

#[test]
fn a_timeout_in_use_that_is_as_good_as_the_recommended_one_is_said_to_be() {
    let says = |in_use: &str| {
        let judgement = Judgement {
            in_use: timeout(in_use),
            ..judgement()
        };
        parsed(&report(judgement)).verdict.sentence
    };
    let plain = "Recommended timeout 49m 50s (95% 46m to 54m 11s): the gaps part there";
    let within = format!("{plain}; 46m, in use, lies in that interval");
    assert_eq!(says("46m"), within);
    for outside in ["45m 59s", "54m 11s"] {
        assert_eq!(says(outside), plain);
    }
}

#[test]
fn what_30_minutes_would_have_given_stands_beside_the_verdict() {
    let text = written(Format::Table, &report(judgement()), PLAIN);
    // 1501.5 s are 25m 02s, 1320.25 s are 22m, 1700.75 s are 28m 21s, 555 s are 9m 15s.
    let gives = "12,810 sessions, mean 25m 02s (95% 22m to 28m 21s), median";
    assert!(line(&text, "30m, in use").ends_with(gives), "{text}");
    assert!(
        line(&text, "49m 50s, recommended").ends_with(gives),
        "{text}"
    );
    let in_use = Judgement {
        in_use: timeout("10m"),
        ..judgement()
    };
    let text = written(Format::Table, &report(in_use), PLAIN);
    assert!(line(&text, "10m, in use").ends_with(gives), "{text}");
    assert!(line(&text, "30m, the default").ends_with(gives), "{text}");
}

#[test]
fn no_line_is_wider_than_the_page_and_nothing_moves_the_cursor() {
    for verdict in verdicts() {
        let mut report = full();
        report.judgement.verdict = verdict;
        for width in [20, 40, 60, 80, 100, 132] {
            let style = Style { width, ..PLAIN };
            let text = written(Format::Table, &report, style);
            let widest = text.lines().map(UnicodeWidthStr::width).max();
            assert!(widest <= Some(width), "{width}:\n{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        }
    }
    let colored = Style {
        color: true,
        ..PLAIN
    };
    let text = written(Format::Table, &full(), colored);
    assert!(
        text.starts_with("\u{1b}[1mRecommended timeout 49m 50s"),
        "{text}"
    );
}

#[test]
fn candidates_stand_beside_the_bar_of_their_gaps() {
    let text = written(Format::Table, &report(judgement()), PLAIN);
    // Two thirds of an octave a row: 2^(31/3) s are 21m 30s, 2^11 s 34m 08s, 2^(35/3) s 54m 11s.
    let marked = |up_to: &str| {
        let mark = line(&text, up_to).split_once('◄');
        mark.map(|(_, mark)| mark.trim())
    };
    assert_eq!(marked("21m 30s"), Some("knee"));
    assert_eq!(marked("34m 08s"), Some("30m in use, plateau"));
    assert_eq!(marked("54m 11s"), Some("49m 50s recommended,"));
    assert_eq!(
        line(&text, "mixture of two, valley").trim(),
        "mixture of two, valley"
    );
    assert_eq!(marked("2h 17m"), Some("split"));
    assert_eq!(marked("3h 37m"), None);
    assert!(!text.contains("not among them"), "{text}");
    assert!(!text.contains("up to 34m 08s ◄"), "{text}");
    let bars = |up_to: &str| line(&text, up_to).matches('█').count();
    assert!(bars("2m 08s") > bars("8m 32s"), "{text}");
    assert!(bars("1d 12h") > bars("21m 30s"), "{text}");
}

#[test]
fn a_mark_that_is_cut_is_told_in_full_below_the_bars() {
    let narrow = Style { width: 40, ..PLAIN };
    let text = written(Format::Table, &report(judgement()), narrow);
    let full = "up to 34m 08s ◄ 30m in use, plateau";
    assert!(text.contains(full), "{text}");
    let two_lines = "up to 54m 11s ◄ 49m 50s recommended,\nmixture of two, valley\n";
    assert!(text.contains(two_lines), "{text}");
}

#[test]
fn a_candidate_belongs_to_the_gaps_up_to_it() {
    let bin = |low: i64, high: i64, gaps| GapBin {
        low: low * SECOND,
        high: high * SECOND,
        gaps,
    };
    let judgement = Judgement {
        histogram: vec![bin(900, 1800, 7), bin(1800, 3600, 5)],
        estimates: vec![
            estimate(Method::Valley, Some(3600.0), None),
            estimate(Method::Knee, Some(3600.5), None),
        ],
        verdict: verdicts()[3].clone(),
        ..judgement()
    };
    let text = written(Format::Table, &report(judgement), PLAIN);
    assert!(line(&text, "30m  ").ends_with("◄ 30m in use"), "{text}");
    assert!(line(&text, "1h  ").ends_with("◄ valley"), "{text}");
    assert!(text.contains("not among them: knee\n"), "{text}");
}

#[test]
fn zero_gaps_and_those_of_one_step_stand_apart_from_the_bars() {
    let second = GapBin {
        low: SECOND / 2,
        high: SECOND,
        gaps: 80_125,
    };
    let mut judgement = judgement();
    judgement.histogram.insert(0, second);
    let text = written(Format::Table, &report(judgement.clone()), PLAIN);
    // 601,349 of 1,202,698 are half, 80,120 are 6.7 %, and 5 gaps of under a second are left.
    let zero = line(&text, "of zero");
    assert_eq!(
        zero,
        "of zero         601,349 (50%), two events at one instant"
    );
    let step = line(&text, "of exactly 1s");
    assert_eq!(step, "of exactly 1s   80,120 (7%), one step of the clock");
    let quick = line(&text, "under a second");
    assert_eq!(
        quick,
        "under a second  12 (<0.1%), a program's: no fit takes them in"
    );
    judgement.histogram.truncate(1);
    let text = written(Format::Table, &report(judgement), PLAIN);
    assert_eq!(cells(line(&text, "1s  "))[..3], ["1s", "5", "<0.1%"]);
}

#[test]
fn a_fine_histogram_is_drawn_in_few_rows_that_lose_no_gap() {
    let judgement = Judgement {
        histogram: (0..200)
            .map(|bin| GapBin {
                low: (1 << 20) + bin * SECOND,
                high: (1 << 20) + (bin + 1) * SECOND,
                gaps: 10,
            })
            .collect(),
        ..judgement()
    };
    let text = written(Format::Table, &report(judgement), PLAIN);
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("up to"))
        .skip(2)
        .take_while(|line| line.contains('█'))
        .collect();
    // 200 bins by 8 are 25 rows of 80.
    assert_eq!(rows.len(), 25, "{text}");
    assert!(rows.iter().all(|row| row.contains("  80  ")), "{text}");
}

#[test]
fn every_method_has_its_answer_and_its_test() {
    let text = written(Format::Table, &report(judgement()), PLAIN);
    let mut methods = text.lines().skip_while(|line| *line != "Methods").skip(3);
    let mut next = || methods.next().unwrap_or_default();
    assert_eq!(
        next(),
        "mixture of two    49m 50s  46m 00s–54m 11s           ✓"
    );
    assert_eq!(
        next(),
        "mixture of three        –                –           ✗"
    );
    assert_eq!(
        next(),
        "valley                47m   40m 00s–1h 00m           ✓"
    );
    assert_eq!(
        next(),
        "split              1h 30m                –           ✓"
    );
    assert_eq!(
        next(),
        "knee                  14m  11m 40s–16m 00s           ✓"
    );
    assert_eq!(
        next(),
        "plateau           33m 30s                –  22m–51m  ✓"
    );
    let tests = text.lines().skip_while(|line| !line.starts_with("Tests:"));
    let tests: Vec<&str> = tests.skip(1).take_while(|line| !line.is_empty()).collect();
    assert_eq!(tests.len(), 9, "six methods and three gates: {text}");
    assert_eq!(tests[0], "✓    3.75  mixture of two: Ashman D above 2");
    assert_eq!(tests[1], "✗       –  mixture of three: Ashman D above 2");
    assert_eq!(
        tests[2],
        "✓    0.31  valley: valley at most 0.8 of the lower peak"
    );
    assert_eq!(
        tests[7],
        "✓    0.98  gate: depth at most 0.5 in 95% of replicates"
    );
    assert_eq!(tests[8], "✓   1,402  gate: at least 30 users");
}

#[test]
fn a_timeout_is_written_as_the_durations_beside_it_and_never_rounded() {
    for (typed, expected) in [
        ("47m1s", "47m 01s"),
        ("1h5m", "1h 05m"),
        ("1h5m10s", "1h 5m 10s"),
        ("1500ms", "1s 500ms"),
        ("26h10m", "1d 2h 10m"),
        ("2h", "2h"),
    ] {
        let report = report(Judgement {
            sweep: vec![row(typed)],
            in_use: timeout(typed),
            ..judgement()
        });
        let text = written(Format::Table, &report, PLAIN);
        let beside = format!("{expected}, in use  ");
        assert!(text.contains(&beside), "{beside}: {text}");
        assert!(text.contains(&format!("\n{expected} ◄  ")), "{text}");
    }
}

#[test]
fn a_recommended_timeout_that_was_not_named_says_how_to_have_the_rest() {
    let mut judgement = judgement();
    judgement.sweep[3].figures = None;
    let wide = Style {
        width: 120,
        ..PLAIN
    };
    let note = "49m 50s, recommended, has no interval and no median here: --at 49m50s gives them";
    let text = written(Format::Table, &report(judgement.clone()), wide);
    assert!(lines(&text).contains(&note), "{text}");
    // With a window the figures above it are those of fewer sessions.
    let apart = "of all events by the plain rule, unlike the figures above: --at 49m50s gives them";
    let page = |judgement: &Judgement| {
        let text = written(Format::Table, &report(judgement.clone()), wide);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(!page(&judgement).contains("unlike the figures above"));
    judgement.curve_differs = Some("the curve does not know sessions outside the window".into());
    assert!(page(&judgement).contains(apart));
    judgement.curve_differs = None;
    judgement.sweep[3] = named("49m 50s");
    let text = written(Format::Table, &report(judgement), wide);
    assert!(!text.contains(note), "{text}");
}

#[test]
fn what_a_test_met_is_told_in_its_unit() {
    let gate = |name, unit, met, limit| Test {
        unit,
        ..test(name, Some(met), limit, met >= limit)
    };
    let gates = vec![
        gate("they cross", TestUnit::Whether, 1.0, 1.0),
        gate("they part", TestUnit::Whether, 0.0, 1.0),
        gate("timeout at least 30s", TestUnit::Seconds, 2_990.0, 30.0),
    ];
    let report = report(Judgement {
        gates,
        ..judgement()
    });
    let text = written(Format::Table, &report, PLAIN);
    for line in [
        "✓     yes  gate: they cross",
        "✗      no  gate: they part",
        "✓ 49m 50s  gate: timeout at least 30s",
    ] {
        assert!(lines(&text).contains(&line), "{line}: {text}");
    }
    let page = written(Format::Markdown, &report, PLAIN);
    let row = "| ✓ | gate | 49m 50s | 30s | timeout at least 30s |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn every_timeout_has_its_figures_and_the_one_in_use_is_marked() {
    let text = written(Format::Table, &report(judgement()), PLAIN);
    let mut rows = text.lines().skip_while(|line| *line != "Timeouts").skip(1);
    let mut next = || cells(rows.next().unwrap_or_default()).join(" ");
    assert_eq!(
        next(),
        "timeout sessions mean 95% interval median 2+ mean bounces % per %"
    );
    next();
    // On the curve: 400,000 ÷ √60, 32 √60 s, 12.25 √60 s and 51.5 √60 s.
    assert_eq!(next(), "1m 51,639 4m 08s – 1m 35s 6m 39s 41% 0.21");
    let whole = "12,810 25m 02s 22m 00s–28m 21s 9m 15s 40m 00s 38% 0.21";
    assert_eq!(next(), format!("10m {whole}"));
    assert_eq!(next(), format!("30m ◄ {whole}"));
    assert_eq!(next(), format!("49m 50s {whole}"));
    let differs = "timeouts that were not named follow the plain rule over all events, which \
                   differs from a report: the curve does not know sessions outside the window";
    let wide = Style {
        width: 200,
        ..PLAIN
    };
    let text = written(Format::Table, &full(), wide).replace('\n', " ");
    assert!(text.contains(differs), "{text}");
}

#[test]
fn the_headline_is_said_to_hold_where_it_does() {
    let says = |robustness: Robustness| {
        let judgement = Judgement {
            robustness,
            ..judgement()
        };
        let text = written(Format::Table, &report(judgement), PLAIN);
        let after = text
            .lines()
            .skip_while(|line| !line.starts_with("Does the headline"));
        let said: Vec<&str> = after.skip(1).take_while(|line| !line.is_empty()).collect();
        said.join(" ")
    };
    let robust = judgement().robustness;
    assert_eq!(
        says(robust.clone()),
        "The mean of the week 2026-11-09 W46 against that of 2026-11-02 W45. \
         At 30m: ↘ −5m 02s (95% −8m 50s to −1m 10s). Of 4 timeouts tried, its sign holds from 10m \
         to 1h, its arrow from 30m to 1h; 50% agree about the arrow. The sign turns between 5m and \
         10m."
    );
    let mut unclear = robust.clone();
    unclear.points[1].1 = change(-302.0, (-530.0, 70.0));
    unclear.same_sign = None;
    unclear.same_arrow = Some((timeout("30m"), timeout("30m")));
    unclear.flips = Vec::new();
    assert_eq!(
        says(unclear),
        "The mean of the week 2026-11-09 W46 against that of 2026-11-02 W45. \
         At 30m: → no clear change (−8m 50s to +1m 10s). Of 4 timeouts tried, its arrow holds at \
         30m alone; 50% agree about the arrow."
    );
    let none = Robustness {
        reason: Some("there are no sessions".to_owned()),
        ..Robustness::default()
    };
    assert_eq!(
        says(none),
        "No two periods can be compared, at any timeout: there are no sessions."
    );
}

#[test]
fn sources_are_judged_one_by_one_and_against_each_other() {
    let mut report = full();
    report.judgement.sources[0].name = "posts".to_owned();
    report.judgement.differences[0].longer = "posts".to_owned();
    let wide = Style {
        width: 100,
        ..PLAIN
    };
    let text = written(Format::Table, &report, wide);
    let posts = cells(line(&text, "posts  ")).join(" ");
    assert_eq!(
        posts,
        "posts 1,402 1,202,698 49m 50s 46m 00s–54m 11s recommended"
    );
    let kept = "- searches of everything in the catalogue: no separable structure: keep 30m";
    assert!(text.contains(kept), "{text}");
    assert!(!text.contains("- posts: "), "{text}");
    let mut differs = |interval| {
        report.judgement.differences[0].interval = interval;
        let text = written(Format::Table, &report, wide);
        let row = text
            .lines()
            .rfind(|line| line.starts_with("posts") && line.contains("2.12"));
        cells(row.unwrap()).join(" ")
    };
    assert_eq!(differs(Some((1.4, 3.0))), "posts searches 2.12 1.4–3 yes");
    assert_eq!(differs(Some((0.9, 3.0))), "posts searches 2.12 0.9–3 no");
    assert_eq!(differs(None), "posts searches 2.12 – –");
    let none = "Fewer than two sources have a timeout of their own to compare.";
    report.judgement.differences.clear();
    for format in [Format::Table, Format::Markdown] {
        let text = written(format, &report, wide);
        assert!(text.contains(none), "{text}");
    }
}

#[test]
fn the_few_shortest_and_longest_gaps_share_a_row() {
    let bin = |low: i64, gaps| GapBin {
        low: low * SECOND,
        high: 2 * low * SECOND,
        gaps,
    };
    let judgement = Judgement {
        in_use: timeout("8s"),
        histogram: vec![
            bin(1, 2),
            bin(2, 2),
            bin(4, 500),
            bin(8, 494),
            bin(16, 1),
            bin(32, 1),
        ],
        estimates: Vec::new(),
        verdict: verdicts()[3].clone(),
        ..judgement()
    };
    let text = written(Format::Table, &report(judgement.clone()), PLAIN);
    // Of 1,000 gaps 4 are short and 2 long, each under half a percent.
    assert_eq!(cells(line(&text, "8s  "))[..2], ["8s", "504"]);
    assert_eq!(cells(line(&text, "1m 04s  "))[..3], ["1m", "04s", "496"]);
    assert!(
        !text
            .lines()
            .any(|line| line.trim_start().starts_with("16s  "))
    );
    // A timeout in use among them keeps its row.
    let longer = Judgement {
        in_use: timeout("30s"),
        ..judgement
    };
    let text = written(Format::Table, &report(longer), PLAIN);
    assert_eq!(cells(line(&text, "16s  "))[..2], ["16s", "494"]);
    assert!(line(&text, "1m 04s  ").ends_with("◄ 30s in use"), "{text}");
}

#[test]
fn sources_that_are_missing_are_said_before_the_verdict() {
    let mut report = report(judgement());
    report.run.missing = vec![MissingSource {
        name: "clicks".to_owned(),
        error: "gone".to_owned(),
    }];
    let text = written(Format::Table, &report, PLAIN);
    assert!(text.starts_with("INCOMPLETE: 1 of 3 sources"), "{text}");
    let text = written(Format::Markdown, &report, PLAIN);
    assert!(text.contains("> **INCOMPLETE: 1 of 3 sources"), "{text}");
}

#[test]
fn an_empty_log_is_judged_without_a_number() {
    let judgement = Judgement {
        gaps: GapSummary {
            resolution: 1,
            ..GapSummary::default()
        },
        histogram: Vec::new(),
        sweep: vec![SweepRow {
            timeout: Timeout::DEFAULT,
            curve: CurvePoint::default(),
            figures: Some(Figures::default()),
        }],
        estimates: vec![estimate(Method::MixtureOfTwo, None, None)],
        gates: Vec::new(),
        rules: Vec::new(),
        verdict: Verdict::Keep {
            reason: "there is no gap".to_owned(),
            is_unstructured: false,
        },
        robustness: Robustness::default(),
        remarks: Vec::new(),
        ..judgement()
    };
    let text = written(Format::Table, &report(judgement.clone()), PLAIN);
    assert!(text.starts_with("No timeout to recommend: keep 30m (there is no gap)\n"));
    assert!(text.contains("30m, in use  0 sessions, mean –\n"), "{text}");
    assert_eq!(line(&text, "gaps"), "gaps  0 of 0 users");
    for nothing in ["one step of the clock", "not among them"] {
        assert!(!text.contains(nothing), "{text}");
    }
    assert_eq!(
        cells(line(&text, "30m ◄")),
        ["30m", "◄", "0", "–", "–", "–", "–", "–"]
    );
    let rows = written(Format::Csv, &report(judgement.clone()), PLAIN);
    assert_eq!(lines(&rows)[1], "1800,true,false,0,0,0,,,,,,,,0,,,,,0,,,");
    let parsed = parsed(&report(judgement));
    assert_eq!(parsed.sweep[0].curve_mean_duration_seconds, None);
    assert_eq!(parsed.gaps.largest_user_share, None);
}

mod machines {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Parsed {
        pub(super) run: BTreeMap<String, Value>,
        pub(super) verdict: Said,
        pub(super) checks: Option<Checks>,
        pub(super) gaps: Gaps,
        pub(super) histogram: Vec<Bin>,
        pub(super) sweep: Vec<Row>,
        pub(super) estimates: Vec<Answer>,
        pub(super) gates: Vec<Gate>,
        pub(super) simple_rules: Vec<Simple>,
        pub(super) sources: Vec<Source>,
        pub(super) differences: Vec<Difference>,
        pub(super) robustness: Robust,
        pub(super) curve_differs: Option<String>,
        pub(super) remarks: Vec<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Said {
        pub(super) verdict: String,
        pub(super) timeout_seconds: Option<f64>,
        pub(super) low_seconds: Option<f64>,
        pub(super) high_seconds: Option<f64>,
        pub(super) tolerance: Option<f64>,
        pub(super) reason: Option<String>,
        pub(super) sentence: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Checks {
        pub(super) passed: bool,
        pub(super) rules: Vec<Checked>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Checked {
        pub(super) rule: String,
        pub(super) figure: String,
        pub(super) unit: String,
        pub(super) lowest: Option<f64>,
        pub(super) highest: Option<f64>,
        pub(super) met: Option<f64>,
        pub(super) passed: bool,
        pub(super) reason: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Gaps {
        pub(super) users: u64,
        pub(super) gaps: u64,
        pub(super) zero_gaps: u64,
        pub(super) resolution_seconds: f64,
        pub(super) one_step_gaps: u64,
        pub(super) quick_gaps: u64,
        pub(super) largest_user_share: Option<f64>,
        pub(super) effective_users: Option<f64>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Bin {
        pub(super) low_seconds: Option<f64>,
        pub(super) high_seconds: f64,
        pub(super) gaps: u64,
        pub(super) one_step_gaps: u64,
        pub(super) candidates: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Row {
        pub(super) timeout_seconds: f64,
        pub(super) in_use: bool,
        pub(super) recommended: bool,
        pub(super) users: Option<u64>,
        pub(super) sessions: Option<u64>,
        pub(super) open_sessions: Option<u64>,
        pub(super) mean_duration_seconds: Option<f64>,
        pub(super) mean_low_seconds: Option<f64>,
        pub(super) mean_high_seconds: Option<f64>,
        pub(super) median_duration_seconds: Option<f64>,
        pub(super) mean_duration_without_bounces_seconds: Option<f64>,
        pub(super) bounce_rate: Option<f64>,
        pub(super) total_duration_seconds: Option<f64>,
        pub(super) curve_sessions: u64,
        pub(super) curve_mean_duration_seconds: Option<f64>,
        pub(super) curve_median_duration_seconds: Option<f64>,
        pub(super) curve_mean_duration_without_bounces_seconds: Option<f64>,
        pub(super) curve_bounce_rate: Option<f64>,
        pub(super) curve_total_duration_seconds: f64,
        pub(super) sensitivity: Option<f64>,
        pub(super) curve_mean_at_half_timeout_seconds: Option<f64>,
        pub(super) curve_mean_at_double_timeout_seconds: Option<f64>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Answer {
        pub(super) source: Option<String>,
        pub(super) method: String,
        pub(super) timeout_seconds: Option<f64>,
        pub(super) low_seconds: Option<f64>,
        pub(super) high_seconds: Option<f64>,
        pub(super) range_low_seconds: Option<f64>,
        pub(super) range_high_seconds: Option<f64>,
        pub(super) test: String,
        pub(super) met: Option<f64>,
        pub(super) limit: f64,
        pub(super) passed: bool,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Gate {
        pub(super) gate: String,
        pub(super) met: Option<f64>,
        pub(super) limit: f64,
        pub(super) passed: bool,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Simple {
        pub(super) rule: String,
        pub(super) timeout_seconds: Option<f64>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Source {
        pub(super) source: String,
        pub(super) verdict: Said,
        pub(super) gaps: Gaps,
        pub(super) estimate: Answer,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Difference {
        pub(super) shorter: String,
        pub(super) longer: String,
        pub(super) ratio: f64,
        pub(super) ratio_low: Option<f64>,
        pub(super) ratio_high: Option<f64>,
        pub(super) more_than_noise: Option<bool>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Range {
        pub(super) low_seconds: f64,
        pub(super) high_seconds: f64,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Periods {
        pub(super) length: String,
        pub(super) later_start: String,
        pub(super) later_end: String,
        pub(super) earlier_start: String,
        pub(super) earlier_end: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Robust {
        pub(super) compared: Option<Periods>,
        pub(super) reason: Option<String>,
        pub(super) same_sign: Option<Range>,
        pub(super) same_arrow: Option<Range>,
        pub(super) agreeing: Option<f64>,
        pub(super) flips: Vec<Range>,
        pub(super) points: Vec<Point>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Point {
        pub(super) timeout_seconds: f64,
        pub(super) in_use: bool,
        pub(super) change_seconds: Option<f64>,
        pub(super) change_low_seconds: Option<f64>,
        pub(super) change_high_seconds: Option<f64>,
        pub(super) direction: Option<i8>,
    }
}

use machines::{
    Answer, Bin, Checked, Difference, Gaps, Gate, Parsed, Periods, Point, Range, Row, Said,
};

fn parsed(report: &JudgementReport) -> Parsed {
    serde_json::from_str(&written(Format::Json, report, PLAIN)).unwrap()
}

#[test]
fn json_has_the_verdict_and_every_figure_in_full() {
    let parsed = parsed(&full());
    assert_eq!(parsed.run["schema_version"], 1);
    assert_eq!(parsed.run["timeout_seconds"], 1800);
    let recommended = Said {
        verdict: "recommended".to_owned(),
        timeout_seconds: Some(2990.0),
        low_seconds: Some(2760.0),
        high_seconds: Some(3250.5),
        tolerance: None,
        reason: None,
        sentence: "Recommended timeout 49m 50s (95% 46m to 54m 11s): the gaps part there"
            .to_owned(),
    };
    assert_eq!(parsed.verdict, recommended);
    let gaps = Gaps {
        users: 1_402,
        gaps: 1_202_698,
        zero_gaps: 601_349,
        resolution_seconds: 1.0,
        one_step_gaps: 80_120,
        quick_gaps: 12,
        largest_user_share: Some(0.031),
        effective_users: Some(411.6),
    };
    assert_eq!(parsed.gaps, gaps);
    let named = Row {
        timeout_seconds: 1800.0,
        in_use: true,
        recommended: false,
        users: Some(1_402),
        sessions: Some(12_810),
        open_sessions: Some(3),
        mean_duration_seconds: Some(1501.5),
        mean_low_seconds: Some(1320.25),
        mean_high_seconds: Some(1700.75),
        median_duration_seconds: Some(555.0),
        mean_duration_without_bounces_seconds: Some(2400.0),
        bounce_rate: Some(0.375),
        total_duration_seconds: Some(19_234_215.5),
        curve_sessions: 9_428,
        curve_mean_duration_seconds: Some(1800_f64.sqrt() * 32.0),
        curve_median_duration_seconds: Some(1800_f64.sqrt() * 12.25),
        curve_mean_duration_without_bounces_seconds: Some(1800_f64.sqrt() * 51.5),
        curve_bounce_rate: Some(0.41),
        curve_total_duration_seconds: 13_500_000.0,
        sensitivity: Some(0.21),
        curve_mean_at_half_timeout_seconds: Some(1800_f64.sqrt() * 20.0),
        curve_mean_at_double_timeout_seconds: Some(2250.0),
    };
    assert_eq!(parsed.sweep[2], named);
    assert_eq!(parsed.sweep[0].sessions, None);
    assert_eq!(parsed.sweep[0].mean_duration_seconds, None);
    assert!(parsed.sweep[3].recommended);
    assert_eq!(parsed.simple_rules[0].timeout_seconds, Some(93_600.0));
    assert_eq!(
        parsed.simple_rules[0].rule,
        "mean + 1.5 standard deviations"
    );
    assert_eq!(parsed.simple_rules[1].timeout_seconds, None);
    assert!(
        parsed
            .curve_differs
            .is_some_and(|why| why.contains("the window"))
    );
    assert_eq!(parsed.remarks, ["Half of all gaps are zero."]);
}

#[test]
fn json_has_what_was_estimated_tested_and_checked() {
    let parsed = parsed(&full());
    let plateau = Answer {
        source: None,
        method: "plateau".to_owned(),
        timeout_seconds: Some(2009.925),
        low_seconds: None,
        high_seconds: None,
        range_low_seconds: Some(1320.0),
        range_high_seconds: Some(3060.0),
        test: "share of the variance at least 0.5".to_owned(),
        met: Some(0.64),
        limit: 0.5,
        passed: true,
    };
    assert_eq!(parsed.estimates[5], plateau);
    let methods: Vec<&str> = parsed
        .estimates
        .iter()
        .map(|one| one.method.as_str())
        .collect();
    assert_eq!(
        methods,
        [
            "mixture_of_two",
            "mixture_of_three",
            "valley",
            "split",
            "knee",
            "plateau"
        ]
    );
    assert_eq!(parsed.estimates[1].timeout_seconds, None);
    assert_eq!(parsed.estimates[1].met, None);
    let gate = Gate {
        gate: "depth at most 0.5 in 95% of replicates".to_owned(),
        met: Some(0.98),
        limit: 0.95,
        passed: true,
    };
    assert_eq!(parsed.gates[1], gate);
    let checks = parsed.checks.unwrap();
    assert!(!checks.passed);
    assert_eq!(checks.rules.len(), 7);
    let failed = Checked {
        rule: "recommended".to_owned(),
        figure: "recommended timeout".to_owned(),
        unit: "seconds".to_owned(),
        lowest: Some(600.0),
        highest: Some(2400.0),
        met: Some(2990.0),
        passed: false,
        reason: None,
    };
    assert_eq!(checks.rules[1], failed);
    assert_eq!(parsed.sources[0].source, "posts|x\u{1b}[2J\u{202e}");
    assert_eq!(parsed.sources[0].verdict.verdict, "recommended");
    assert_eq!(parsed.sources[1].verdict.verdict, "keep");
    assert_eq!(parsed.sources[1].gaps.gaps, 1_202_698);
    let estimate = &parsed.sources[0].estimate;
    assert_eq!(estimate.source.as_ref(), Some(&parsed.sources[0].source));
    let difference = Difference {
        shorter: "searches".to_owned(),
        longer: "posts|x\u{1b}[2J".to_owned(),
        ratio: 2.125,
        ratio_low: Some(1.4),
        ratio_high: Some(3.0),
        more_than_noise: Some(true),
    };
    assert_eq!(parsed.differences, [difference]);
}

#[test]
fn json_has_the_histogram_and_the_trend_at_other_timeouts() {
    let parsed = parsed(&full());
    let zero = Bin {
        low_seconds: None,
        high_seconds: 0.0,
        gaps: 601_349,
        one_step_gaps: 0,
        candidates: None,
    };
    // 1,800 s and the plateau's 2,009.925 s are longer than 1,625.5 s and no longer than 2,048 s;
    // the mixture's 2,990 s and the valley's 2,820.25 s are longer than 2,580.3 s and no longer
    // than 3,251.0 s.
    let marked: Vec<(u64, &str)> = (parsed.histogram.iter())
        .filter_map(|bin| Some((bin.high_seconds as u64, bin.candidates.as_deref()?)))
        .collect();
    let expected = [
        (1024, "knee"),
        (2048, "in_use;plateau"),
        (3250, "recommended;mixture_of_two;valley"),
        (6501, "split"),
    ];
    assert_eq!(marked, expected);
    assert_eq!(parsed.histogram[0], zero);
    assert_eq!(parsed.histogram.len(), 61);
    assert_eq!(parsed.histogram[4].low_seconds, Some(2.0));
    let range = |low_seconds, high_seconds| Range {
        low_seconds,
        high_seconds,
    };
    let robust = parsed.robustness;
    let weeks = Periods {
        length: "week".to_owned(),
        later_start: "2026-11-09T00:00:00Z".to_owned(),
        later_end: "2026-11-16T00:00:00Z".to_owned(),
        earlier_start: "2026-11-02T00:00:00Z".to_owned(),
        earlier_end: "2026-11-09T00:00:00Z".to_owned(),
    };
    assert_eq!((robust.compared, robust.reason), (Some(weeks), None));
    assert_eq!(robust.same_sign, Some(range(600.0, 3600.0)));
    assert_eq!(robust.same_arrow, Some(range(1800.0, 3600.0)));
    assert_eq!(robust.agreeing, Some(0.5));
    assert_eq!(robust.flips, [range(300.0, 600.0)]);
    let point = Point {
        timeout_seconds: 1800.0,
        in_use: true,
        change_seconds: Some(-302.0),
        change_low_seconds: Some(-530.0),
        change_high_seconds: Some(-70.0),
        direction: Some(-1),
    };
    assert_eq!(robust.points[1], point);
    assert_eq!(robust.points[0].direction, Some(0));
    assert_eq!(robust.points[3].change_seconds, None);
    assert_eq!(robust.points[3].direction, None);
}

#[test]
fn every_verdict_has_its_word_and_its_numbers() {
    let said: Vec<Said> = verdicts()
        .into_iter()
        .map(|verdict| {
            let judgement = Judgement {
                verdict,
                ..judgement()
            };
            parsed(&report(judgement)).verdict
        })
        .collect();
    let words: Vec<&str> = said.iter().map(|said| said.verdict.as_str()).collect();
    assert_eq!(words, ["recommended", "between", "indifferent", "keep"]);
    assert_eq!(said[1].low_seconds, Some(1320.0));
    assert_eq!(said[1].timeout_seconds, None);
    assert_eq!(said[2].tolerance, Some(0.05));
    assert_eq!(said[2].high_seconds, Some(3060.0));
    assert_eq!(said[3].low_seconds, None);
    let reason = Some("valley at most 0.5 of the lower peak: 0.74");
    assert_eq!(said[3].reason.as_deref(), reason);
}

const EVERY_ROW: [JudgementRows; 5] = [
    JudgementRows::Sweep,
    JudgementRows::Gaps,
    JudgementRows::Estimates,
    JudgementRows::Gates,
    JudgementRows::Robustness,
];

#[test]
fn csv_has_the_rows_asked_for_with_columns_that_never_change() {
    let headers = [
        "timeout_seconds,in_use,recommended,users,sessions,open_sessions,mean_duration_seconds,\
         mean_low_seconds,mean_high_seconds,median_duration_seconds,\
         mean_duration_without_bounces_seconds,bounce_rate,total_duration_seconds,curve_sessions,\
         curve_mean_duration_seconds,curve_median_duration_seconds,\
         curve_mean_duration_without_bounces_seconds,curve_bounce_rate,\
         curve_total_duration_seconds,sensitivity,curve_mean_at_half_timeout_seconds,\
         curve_mean_at_double_timeout_seconds",
        "low_seconds,high_seconds,gaps,one_step_gaps,candidates",
        "source,method,timeout_seconds,low_seconds,high_seconds,range_low_seconds,\
         range_high_seconds,test,met,limit,passed",
        "gate,met,limit,passed",
        "timeout_seconds,in_use,change_seconds,change_low_seconds,change_high_seconds,direction",
    ];
    let constants = [
        SWEEP.join(","),
        GAPS.join(","),
        ESTIMATES.join(","),
        GATES.join(","),
        ROBUSTNESS.join(","),
    ];
    assert_eq!(constants, headers);
    let some_rows = [
        (
            5,
            3,
            "1800,true,false,1402,12810,3,1501.5,1320.25,1700.75,555,2400,0.375,19234215.5,9428,",
        ),
        (61, 1, ",0,601349,0,"),
        (
            8,
            6,
            ",plateau,2009.925,,,1320,3060,share of the variance at least 0.5,0.64,0.5,true",
        ),
        (
            3,
            2,
            "depth at most 0.5 in 95% of replicates,0.98,0.95,true",
        ),
        (4, 2, "1800,true,-302,-530,-70,-1"),
    ];
    for (place, rows) in EVERY_ROW.into_iter().enumerate() {
        let report = JudgementReport { rows, ..full() };
        let text = written(Format::Csv, &report, PLAIN);
        let lines = lines(&text);
        let (count, index, expected) = some_rows[place];
        assert_eq!(lines[0], headers[place]);
        assert_eq!(lines.len(), count + 1, "{text}");
        assert!(lines[index].starts_with(expected), "{text}");
    }
}

#[test]
fn ndjson_has_the_rows_of_json_one_a_line() {
    let json: Value = serde_json::from_str(&written(Format::Json, &full(), PLAIN)).unwrap();
    let sources = json["sources"].as_array().unwrap().iter();
    let mut estimates = json["estimates"].as_array().unwrap().clone();
    estimates.extend(sources.map(|source| source["estimate"].clone()));
    let expected = [
        json["sweep"].clone(),
        json["histogram"].clone(),
        Value::Array(estimates),
        json["gates"].clone(),
        json["robustness"]["points"].clone(),
    ];
    for (rows, expected) in EVERY_ROW.into_iter().zip(expected) {
        let report = JudgementReport { rows, ..full() };
        let text = written(Format::Ndjson, &report, PLAIN);
        let rows: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(Value::Array(rows), expected);
    }
}

#[test]
fn markdown_escapes_what_a_name_could_break() {
    let text = written(Format::Markdown, &full(), PLAIN);
    assert!(
        text.starts_with(
            "# Recommended timeout 49m 50s (95% 46m to 54m 11s): the gaps part there\n"
        )
    );
    let name = r"| posts\|x\\u{1b}\[2J\\u{202e} | 1,402 |";
    assert!(text.contains(name), "{text}");
    assert!(text.contains("| 34m 08s | "), "{text}");
    assert!(text.contains("| ◄ 30m in use, plateau |"), "{text}");
    assert!(text.contains(r"| ✗ | recommended | recommended timeout | 49m 50s |"));
    let mut table_columns = None;
    for line in text.lines() {
        let bars = line.replace(r"\|", "").matches('|').count();
        match (line.starts_with('|'), table_columns) {
            (false, _) => table_columns = None,
            (true, None) => table_columns = Some(bars),
            (true, Some(columns)) => assert_eq!(bars, columns, "{line}"),
        }
    }
}

#[test]
fn typed_columns_hold_no_judgement() {
    let mut out = Vec::new();
    let wrong = write_judgement(Format::Parquet, &full(), PLAIN, &mut out).unwrap_err();
    assert_eq!(wrong.kind(), std::io::ErrorKind::Unsupported);
    let names: Vec<String> = Format::of_judgements().map(Format::name).collect();
    assert_eq!(names, ["table", "csv", "json", "ndjson", "markdown"]);
}

/// What one rule gives for this judgement: each line's figure and whether it passed, `data` aside.
fn outcome(rules: &CheckRules, judgement: &Judgement) -> Vec<(&'static str, bool)> {
    let result = check(rules, judgement);
    assert_eq!(result.checks[0].rule, "data");
    let rest = result.checks[1..].iter();
    rest.map(|check| (check.figure, check.passed)).collect()
}

fn at_30m(sessions: u64, mean: Option<f64>) -> Judgement {
    let mut judgement = judgement();
    let figures = judgement.sweep[2].figures.as_mut().unwrap();
    figures.sessions = sessions;
    figures.mean = mean;
    judgement
}

#[test]
fn no_session_never_passes_whatever_is_asked() {
    let most = CheckRules {
        max_sessions: Some(10),
        ..CheckRules::default()
    };
    let result = check(&most, &at_30m(0, None));
    assert!(!result.passed());
    let failed: Vec<String> = result.failed().map(check_line).collect();
    assert_eq!(
        failed,
        ["data: sessions 0, asked at least 1 (there is no session)"]
    );
    let unswept = Judgement {
        sweep: Vec::new(),
        ..judgement()
    };
    let lines: Vec<String> = check(&most, &unswept).failed().map(check_line).collect();
    assert_eq!(
        lines,
        [
            "data: sessions –, asked at least 1 (nothing is known at the timeout in use)",
            "max_sessions: sessions –, asked at most 10 (nothing is known at the timeout in use)"
        ]
    );
}

#[test]
fn limits_themselves_still_pass() {
    let rules = |least, most| CheckRules {
        min_sessions: Some(least),
        max_sessions: Some(most),
        ..CheckRules::default()
    };
    let sessions = at_30m(1000, Some(60.0));
    let both = |least, most| [("sessions", least), ("sessions", most)];
    assert_eq!(outcome(&rules(1000, 1000), &sessions), both(true, true));
    assert_eq!(outcome(&rules(1001, 2000), &sessions), both(false, true));
    assert_eq!(outcome(&rules(1, 999), &sessions), both(true, false));
}

#[test]
fn a_recommended_timeout_lies_in_the_range_asked_for() {
    let rules = |low, high, allow_keep| CheckRules {
        recommended: Some((timeout(low), timeout(high))),
        allow_keep,
        ..CheckRules::default()
    };
    let [recommended, between, indifferent, keep] = verdicts().map(|verdict| Judgement {
        verdict,
        ..judgement()
    });
    let point = "recommended timeout";
    let asked = rules("10m", "1h", false);
    assert_eq!(outcome(&asked, &recommended), [(point, true)]);
    let short = rules("10m", "49m", false);
    assert_eq!(outcome(&short, &recommended), [(point, false)]);
    let ends = |low, high| {
        [
            ("low end of the range", low),
            ("high end of the range", high),
        ]
    };
    assert_eq!(outcome(&asked, &between), ends(true, true));
    assert_eq!(
        outcome(&rules("25m", "1h", false), &between),
        ends(false, true)
    );
    for refused in [indifferent, keep] {
        assert_eq!(outcome(&asked, &refused), [(point, false)]);
        let kept = "timeout in use";
        assert_eq!(outcome(&rules("10m", "1h", true), &refused), [(kept, true)]);
        assert_eq!(
            outcome(&rules("31m", "1h", true), &refused),
            [(kept, false)]
        );
    }
}

#[test]
fn what_is_undefined_or_no_number_never_passes() {
    let sensitive = CheckRules {
        max_sensitivity: Some(0.21),
        ..CheckRules::default()
    };
    assert_eq!(outcome(&sensitive, &judgement()), [("sensitivity", true)]);
    for sensitivity in [None, Some(f64::NAN), Some(f64::INFINITY), Some(0.2101)] {
        let mut judgement = judgement();
        judgement.sweep[2].curve.sensitivity = sensitivity;
        assert_eq!(outcome(&sensitive, &judgement), [("sensitivity", false)]);
    }
    let limit = CheckRules {
        max_sensitivity: Some(f64::NAN),
        ..CheckRules::default()
    };
    assert_eq!(outcome(&limit, &judgement()), [("sensitivity", false)]);
}

#[test]
fn a_mean_and_a_timeout_may_move_no_more_than_asked() {
    let rules = |mean, recommended| CheckRules {
        max_change: Some(0.125),
        baseline: Some(Baseline {
            sessions: 1000,
            mean,
            recommended,
        }),
        ..CheckRules::default()
    };
    let moves = |mean, timeout| {
        [
            ("change of the mean", mean),
            ("change of the recommended timeout", timeout),
        ]
    };
    let now = |mean| at_30m(1000, mean);
    // An eighth up and down: 1600 from 1600 to 1800 and to 1400; 2990 is an eighth over 2657.8.
    let known = rules(Some(1600.0), Some(2658.0));
    assert_eq!(outcome(&known, &now(Some(1800.0))), moves(true, true));
    assert_eq!(outcome(&known, &now(Some(1400.0))), moves(true, true));
    assert_eq!(outcome(&known, &now(Some(1800.5))), moves(false, true));
    assert_eq!(outcome(&known, &now(None)), moves(false, true));
    let moved = rules(Some(1800.0), Some(2657.0));
    assert_eq!(outcome(&moved, &now(Some(1800.0))), moves(true, false));
    let unknown = rules(None, None);
    assert_eq!(outcome(&unknown, &now(Some(1800.0))), moves(false, false));
    let zero = rules(Some(0.0), Some(2990.0));
    assert_eq!(outcome(&zero, &now(Some(0.0))), moves(true, true));
    assert_eq!(outcome(&zero, &now(Some(1.0))), moves(false, true));
    let gone = Judgement {
        verdict: verdicts()[3].clone(),
        ..now(Some(1600.0))
    };
    assert_eq!(outcome(&known, &gone), moves(true, false));
    assert_eq!(
        outcome(&rules(Some(1600.0), None), &gone),
        moves(true, true)
    );
    let none = CheckRules {
        max_change: Some(1.0),
        ..CheckRules::default()
    };
    assert_eq!(outcome(&none, &judgement()), moves(false, false));
}

#[test]
fn sessions_may_drop_by_no_more_than_asked() {
    let rules = |sessions| CheckRules {
        max_drop: Some(0.5),
        baseline: Some(Baseline {
            sessions,
            mean: None,
            recommended: None,
        }),
        ..CheckRules::default()
    };
    let drop = |passed| [("drop of sessions", passed)];
    assert_eq!(outcome(&rules(1000), &at_30m(500, None)), drop(true));
    assert_eq!(outcome(&rules(1000), &at_30m(499, None)), drop(false));
    assert_eq!(outcome(&rules(1000), &at_30m(9000, None)), drop(true));
    assert_eq!(outcome(&rules(0), &at_30m(9000, None)), drop(false));
}

#[test]
fn failed_rules_stand_in_a_table_below_the_verdict() {
    let text = written(Format::Table, &full(), PLAIN);
    let failed = "The check FAILED: 2 of 7 rules do not hold";
    assert_eq!(line(&text, "The check"), failed);
    let row = line(&text, "✗  recommended");
    assert_eq!(
        cells(row).join(" "),
        "✗ recommended recommended timeout 49m 50s 10m to 40m"
    );
    let row = line(&text, "✓  max_change");
    // 1501.5 is 7.25 % over 1400.
    assert_eq!(
        cells(row).join(" "),
        "✓ max_change change of the mean 7.25% at most 10%"
    );
    assert!(text.contains("none was recommended, and one is"), "{text}");
    let mut passed = report(judgement());
    passed.checks = Some(CheckResult {
        checks: check(&CheckRules::default(), &passed.judgement).checks,
    });
    let text = written(Format::Table, &passed, PLAIN);
    assert_eq!(line(&text, "The check"), "The check passed: 1 rule holds");
    let unchecked = written(Format::Table, &report(judgement()), PLAIN);
    assert!(!unchecked.contains("The check"), "{unchecked}");
}

#[test]
fn a_value_that_fails_by_less_than_its_words_show_is_told_in_full() {
    let mut judgement = judgement();
    judgement.sweep[2].curve.sensitivity = Some(0.300001);
    let rules = CheckRules {
        max_sensitivity: Some(0.3),
        ..CheckRules::default()
    };
    let result = check(&rules, &judgement);
    assert_eq!(
        check_line(&result.checks[1]),
        "max_sensitivity: sensitivity 0.300001, asked at most 0.3"
    );
}

#[test]
fn a_report_is_the_baseline_of_the_next_one() {
    let json = written(Format::Json, &full(), PLAIN);
    let whole = Baseline {
        sessions: 12_810,
        mean: Some(1501.5),
        recommended: Some(2990.0),
    };
    assert_eq!(read_baseline(json.as_bytes(), timeout("30m")), Ok(whole));
    // No figures of the whole rule: those of the curve.
    let curve = Baseline {
        sessions: 3_333,
        mean: Some(120.0 * 32.0),
        recommended: Some(2990.0),
    };
    assert_eq!(read_baseline(json.as_bytes(), timeout("4h")), Ok(curve));
    let kept = report(Judgement {
        verdict: verdicts()[1].clone(),
        ..judgement()
    });
    let kept = written(Format::Json, &kept, PLAIN);
    let kept = read_baseline(kept.as_bytes(), timeout("30m")).unwrap();
    assert_eq!(kept.recommended, None);
}

#[test]
fn a_baseline_that_cannot_be_one_is_refused_with_the_reason() {
    let json = written(Format::Json, &full(), PLAIN);
    let wrong = |text: &str, at: &str| read_baseline(text.as_bytes(), timeout(at)).unwrap_err();
    assert_eq!(
        wrong(&json, "31m"),
        "it has no figures at 31m, the timeout in use"
    );
    let newer = json.replacen("\"schema_version\":1", "\"schema_version\":2", 1);
    assert_eq!(
        wrong(&newer, "30m"),
        "it is of schema version 2, and 1 was expected"
    );
    let partial = json.replacen("\"complete\":true", "\"complete\":false", 1);
    assert_eq!(
        wrong(&partial, "30m"),
        "it is of a run that lacked a source"
    );
    for broken in ["", "{}", "[1]", &json[..json.len() / 2], "{\"run\":{}}"] {
        let why = wrong(broken, "30m");
        let start = "it is no report of sessionize threshold --format json: ";
        assert!(why.starts_with(start), "{why}");
    }
}
