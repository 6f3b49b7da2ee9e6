//! Errors as they are printed, and the manual that explains them.

use std::collections::HashSet;

use sessionize::error::text::{write_json, write_text};
use sessionize::error::{self, Failure, Family, SourcePlace};
use sessionize::visible::{shortened, visible};

const MANUAL: &str = include_str!("../docs/errors.md");

#[test]
fn the_text_has_the_form_of_the_manual() {
    let text = text_of(&damaged());
    assert_eq!(
        text,
        "error[IN-07]: source \"posts\" (csv, data/posts.csv.gz): gzip stream ends early at \
         compressed byte 18231\n  read so far: 1204 rows, thrown away\n  kept: report.csv of \
         2026-11-20 is unchanged\n  help: fetch the file again, or use --keep-going to report \
         without this source\n"
    );
    assert!(MANUAL.contains(&text), "docs/errors.md shows another form");
}

#[test]
fn the_json_form_is_one_line_with_the_keys_of_the_manual() {
    let line = json_of(&damaged().at_line(1057), 4);
    let (line, rest) = line.split_at(line.len() - 1);
    assert_eq!(rest, "\n");
    assert!(MANUAL.contains(line), "docs/errors.md shows another form");
}

#[test]
fn what_is_unknown_is_null_in_json() {
    let line = json_of(
        &Failure::new(error::NO_INPUT, "there is nothing to read"),
        2,
    );
    assert_eq!(
        line,
        "{\"type\":\"exit_error\",\"code\":2,\"id\":\"CF-03\",\"source\":null,\"line\":null,\
         \"byte\":null,\"message\":\"there is nothing to read\",\"kept\":null,\"help\":null}\n"
    );
}

#[test]
fn no_text_of_users_moves_the_cursor_or_turns_the_line_around() {
    let hostile = "a\u{1b}]0;x\u{7}\n\u{202e}b\u{9b}2J\u{200b}";
    let mut failure = Failure::new(error::UNREADABLE, hostile)
        .in_source(&SourcePlace {
            name: hostile.into(),
            kind: "csv",
            place: hostile.into(),
        })
        .detail(hostile)
        .help(hostile);
    failure.kept = Some(hostile.into());
    let text = text_of(&failure);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("a\\u{1b}]0;x\\u{7}\\n\\u{202e}b\\u{9b}2J\\u{200b}"));
    for printed in [text, json_of(&failure, 4)] {
        let hidden = printed
            .chars()
            .find(|letter| letter.is_control() && *letter != '\n');
        assert_eq!(hidden, None);
        assert!(!printed.contains(['\u{202e}', '\u{200b}']));
    }
}

#[test]
fn visible_text_keeps_letters_and_shows_every_hidden_one() {
    assert_eq!(visible("日本 é \\ \u{1f600}"), "日本 é \\ \u{1f600}");
    let hidden = [
        '\0', '\u{1f}', '\u{7f}', '\u{80}', '\u{9f}', '\u{61c}', '\u{200b}', '\u{200f}',
        '\u{202a}', '\u{202e}', '\u{2060}', '\u{2069}', '\u{feff}',
    ];
    for letter in hidden {
        let escape = format!("\\u{{{:x}}}", u32::from(letter));
        assert_eq!(visible(&letter.to_string()), escape);
        assert_eq!(visible(&escape), escape, "a second time changes nothing");
    }
}

#[test]
fn a_shortened_value_has_at_most_eighty_characters() {
    let fits = "é".repeat(80);
    assert_eq!(shortened(&fits), fits);
    assert_eq!(shortened(&"é".repeat(81)), format!("{}…", "é".repeat(79)));
    let escaped = format!("{}\u{202e}more", "x".repeat(75));
    assert_eq!(shortened(&escaped), format!("{}…", "x".repeat(75)));
    assert_eq!(shortened(&"\u{1b}".repeat(1000)).chars().count(), 79);
}

#[test]
fn the_manual_explains_every_id_once_and_in_order() {
    let rows: Vec<Vec<&str>> = MANUAL
        .lines()
        .skip_while(|line| *line != "## Ids")
        .filter(|line| {
            line.starts_with("| ") && !line.starts_with("| id ") && !line.starts_with("| ---")
        })
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    let explained: Vec<[&str; 3]> = rows.iter().map(|row| [row[0], row[1], row[2]]).collect();
    let expected: Vec<[&str; 3]> = error::ALL
        .iter()
        .map(|id| [id.id, code(id.family), id.meaning])
        .collect();
    assert_eq!(explained, expected);
    assert!(rows.iter().all(|row| row.len() == 4 && !row[3].is_empty()));
    let ids: HashSet<&str> = error::ALL.iter().map(|id| id.id).collect();
    assert_eq!(ids.len(), error::ALL.len(), "an id is used twice");
}

fn code(family: Family) -> &'static str {
    match family {
        Family::Check => "1",
        Family::Config => "2",
        Family::Input | Family::Time => "4",
        Family::Database => "5",
        Family::Output => "6",
        Family::Lock => "8",
        Family::Limit => "9",
        Family::Bug => "101",
    }
}

fn damaged() -> Failure {
    let posts = SourcePlace {
        name: "posts".into(),
        kind: "csv",
        place: "data/posts.csv.gz".into(),
    };
    let mut failure = Failure::new(
        error::COMPRESSION,
        "gzip stream ends early at compressed byte 18231",
    )
    .in_source(&posts)
    .detail("read so far: 1204 rows, thrown away")
    .keeping(Some("report.csv of 2026-11-20 is unchanged".into()))
    .help("fetch the file again, or use --keep-going to report without this source");
    failure.byte = Some(18231);
    failure
}

fn text_of(failure: &Failure) -> String {
    let mut text = Vec::new();
    write_text(failure, &mut text).expect("memory takes it");
    String::from_utf8(text).expect("the text is UTF-8")
}

fn json_of(failure: &Failure, code: u8) -> String {
    let mut line = Vec::new();
    write_json(failure, code, &mut line).expect("memory takes it");
    String::from_utf8(line).expect("the line is UTF-8")
}
