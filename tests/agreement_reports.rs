//! One agreement, every format: the same values, words for people, nothing for what is undefined.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;
use sessionize::agreement::{Agreement, AgreementPlan, Kind};
use sessionize::report::agreement::{AgreementReport, RepairRow};
use sessionize::report::{Format, Style, write_agreement};
use unicode_width::UnicodeWidthStr;

use crate::agreement::{User, example, generated, plan, scores};
use crate::report::{PLAIN, run};

fn report(users: &[User]) -> AgreementReport {
    AgreementReport {
        run: run(),
        tracked: "visits.csv".to_owned(),
        scores: scores(&plan(), users),
        before: None,
        repair: Vec::new(),
    }
}

/// Many users, everything defined, something repaired.
fn rich() -> AgreementReport {
    let plan = AgreementPlan {
        resamples: 20,
        tolerance: 60_000_000,
        grid: AgreementPlan::usual_grid(plan().timeout),
        ..plan()
    };
    AgreementReport {
        scores: scores(&plan, &generated(1, 30)),
        before: Some(scores(&plan, &generated(2, 30))),
        repair: vec![
            RepairRow {
                kind: "no end".to_owned(),
                sessions: 1200,
                treatment: "trimmed to the last activity".to_owned(),
            },
            RepairRow {
                kind: "end before start".to_owned(),
                sessions: 0,
                treatment: "dropped".to_owned(),
            },
        ],
        ..report(&[])
    }
}

fn written(format: Format, report: &AgreementReport, style: Style) -> String {
    let mut out = Vec::new();
    write_agreement(format, report, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The text on one line, however it is wrapped.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// The rows of the CSV by measure.
fn csv_rows(report: &AgreementReport) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = written(Format::Csv, report, PLAIN);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| {
        let row = row.unwrap();
        (row["measure"].clone(), row)
    })
    .collect()
}

#[test]
fn people_read_the_boundaries_first() {
    // 3 of 3 tracked boundaries, 1 of 4 inferred ones false.
    let text = written(Format::Table, &report(&[example()]), PLAIN);
    let headline = "Inferred sessions at 30m find 100% of the tracked boundaries; 25% of theirs are \
                    false";
    let text = unwrapped(&text);
    assert!(text.starts_with(headline), "{text}");
    for words in [
        "timeout 37m 25s (no interval); all from 35m 00s to 40m 00s are as good; F1 100%",
        "no timeout reaches more than F1 100%; 30m gives 85.7%",
        "inferred sessions are 26m 40s shorter on average, of 3 matched pairs",
        "they start 5m 00s late and end 21m 40s early",
        "7 of 8 events (88%) are inside one",
        "Tracked sessions are not the truth either",
        "There are no intervals",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let page = unwrapped(&written(Format::Markdown, &report(&[example()]), PLAIN));
    assert!(page.starts_with(&format!("# {headline}")), "{page}");
    assert!(
        page.contains("## Windows (lower is better) | measure |"),
        "{page}"
    );
}

#[test]
fn a_page_keeps_its_width() {
    for width in [20, 40, 60, 80, 100, 200] {
        let style = Style { width, ..PLAIN };
        for line in written(Format::Table, &rich(), style).lines() {
            assert!(line.width() <= width, "{width}: {line}");
        }
    }
    let page = written(Format::Table, &rich(), PLAIN);
    for words in ["95% interval", "unrepaired", "boundaries up to 1m apart"] {
        assert!(page.contains(words), "{page}");
    }
}

#[test]
fn machines_read_one_row_per_measure() {
    let report = report(&[example()]);
    let rows = csv_rows(&report);
    let cell = |measure: &str, column: &str| rows[measure][column].clone();
    assert_eq!(cell("boundary_precision", "value"), "0.75");
    assert_eq!(cell("boundary_precision", "count"), "4");
    assert_eq!(cell("boundary_precision", "counted"), "inferred boundaries");
    assert_eq!(cell("true_positives", "value"), "3");
    assert_eq!(
        cell("duration_median_absolute_error_seconds", "value"),
        "1200"
    );
    assert_eq!(cell("timeout_with_highest_f1_seconds", "value"), "2245");
    assert_eq!(cell("events_inside", "value"), "7");
    assert_eq!(cell("boundary_precision", "low"), "");
    assert!(!rows.contains_key("boundary_f1_within_tolerance"));
    assert!(csv_rows(&rich()).contains_key("boundary_f1_within_tolerance"));
}

#[test]
fn undefined_is_empty_null_and_a_dash_with_its_reason() {
    let report = report(&[User::new(&[0, 1, 2], &[(0, 3)])]);
    let row = &csv_rows(&report)["boundary_recall"];
    assert_eq!((row["value"].as_str(), row["count"].as_str()), ("", "0"));
    assert_eq!(row["reason"], "no scored gap is a tracked boundary");
    let json: Value = serde_json::from_str(&written(Format::Json, &report, PLAIN)).unwrap();
    let measures = json["measures"].as_array().unwrap();
    let named = |name: &str| measures.iter().find(|row| row["measure"] == name).unwrap();
    assert_eq!(named("boundary_recall")["value"], Value::Null);
    assert_eq!(named("true_negatives")["value"], 2);
    let page = unwrapped(&written(Format::Table, &report, PLAIN));
    assert!(page.contains("Nothing to say of boundaries at 30m: no scored gap is a tracked"));
    assert!(
        page.contains("Undefined (no scored gap is a tracked boundary): recall;"),
        "{page}"
    );
}

#[test]
fn every_format_has_the_same_values() {
    let report = rich();
    let rows = csv_rows(&report);
    let json: Value = serde_json::from_str(&written(Format::Json, &report, PLAIN)).unwrap();
    let lines = written(Format::Ndjson, &report, PLAIN);
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), rows.len());
    let measures = json["measures"].as_array().unwrap();
    assert_eq!(&lines[..measures.len()], measures);
    assert_eq!(measures.len(), Kind::all().count());
    for (line, kind) in measures.iter().zip(Kind::all()) {
        let row = &rows[kind.name()];
        let measure = report.scores.measure(kind);
        let number = |column: &str| row[column].parse::<f64>().ok();
        assert_eq!(line["measure"], kind.name());
        assert_eq!(number("value"), measure.value);
        assert!(is_read(&line["value"], measure.value), "{line}");
        assert_eq!(number("low").zip(number("high")), measure.interval);
        let before = report.before.as_ref().unwrap().measure(kind).value;
        assert!(is_read(&line["value_before_repair"], before), "{line}");
    }
    let chosen = &report.scores.choice.highest_f1;
    let agreement = &json["agreement"];
    let seconds = &agreement["timeout_with_highest_f1"]["seconds"];
    assert!(is_read(seconds, chosen.seconds));
    assert_eq!(
        agreement["coverage"]["events"],
        report.scores.coverage.events
    );
    assert_eq!(
        json["curve"].as_array().unwrap().len(),
        report.scores.curve.len()
    );
    assert_eq!(json["repair"][0]["sessions"], 1200);
    assert_eq!(json["run"]["timeout_seconds"], 1800);
}

/// Whether JSON holds this number; the reader of the tests rounds the last digit.
fn is_read(json: &Value, expected: Option<f64>) -> bool {
    match (json.as_f64(), expected) {
        (Some(one), Some(two)) => (one - two).abs() <= 1e-14 * two.abs(),
        (one, two) => one == two,
    }
}

#[test]
fn repair_is_shown_with_its_effect() {
    let report = rich();
    let page = unwrapped(&written(Format::Table, &report, PLAIN));
    assert!(
        page.contains("no end 1,200 trimmed to the last activity"),
        "{page}"
    );
    assert!(
        !page.contains("end before start"),
        "what was not met is left out"
    );
    assert!(page.contains("Repair moved F1 from"), "{page}");
    let row = &csv_rows(&report)["tracked_no_end"];
    assert_eq!(row["value"], "1200");
    assert_eq!(row["counted"], "trimmed to the last activity");
}

#[test]
fn parquet_is_refused() {
    assert!(Format::of_agreements().all(|format| format != Format::Parquet));
    let mut out = Vec::new();
    let refused = write_agreement(Format::Parquet, &report(&[]), PLAIN, &mut out);
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::Unsupported);
    assert!(out.is_empty());
}

#[test]
fn no_user_at_all_is_a_report_too() {
    let empty = AgreementReport {
        scores: Agreement::new(&plan()).finish(),
        ..report(&[])
    };
    for format in Format::of_agreements() {
        let text = written(format, &empty, PLAIN);
        assert!(!text.contains("NaN"), "{text}");
    }
}

#[test]
fn foreign_text_stays_harmless() {
    let hostile = AgreementReport {
        tracked: "\u{1b}[31m<b>=1+1|".to_owned(),
        repair: vec![RepairRow {
            kind: "=1+1\u{1b}[31m".to_owned(),
            sessions: 1,
            treatment: "|<b>".to_owned(),
        }],
        ..report(&[example()])
    };
    for format in Format::of_agreements() {
        let text = written(format, &hostile, PLAIN);
        assert_eq!(text.contains('\u{1b}'), format == Format::Csv, "{text}");
    }
    assert!(!written(Format::Markdown, &hostile, PLAIN).contains("<b>"));
}
