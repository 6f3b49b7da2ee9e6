//! The lists of cases in `tests/cases/`, each with its promise and the tests that keep it: none
//! that this release owes is missing, and every test that is named is there. So for error ids.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use sessionize::error;

/// What this release must keep of the reliability plan.
const OWED: [RangeInclusive<u32>; 27] = [
    1..=8,
    10..=12,
    14..=16,
    18..=36,
    38..=42,
    44..=45,
    46..=50,
    52..=53,
    55..=58,
    60..=60,
    63..=75,
    76..=76,
    78..=91,
    93..=93,
    96..=100,
    103..=107,
    110..=114,
    116..=117,
    120..=121,
    123..=124,
    127..=129,
    132..=155,
    173..=173,
    176..=176,
    178..=179,
    183..=183,
    195..=196,
];

/// A line of a list.
struct Line {
    file: String,
    cases: Vec<u32>,
    promise: String,
    tests: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect();
    files.sort();
    files
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// Every line of every list.
fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for path in files_in(&root().join("tests/cases"), "md") {
        let file = path
            .file_name()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned());
        for line in text_of(&path).lines().filter(|line| line.starts_with('|')) {
            if line.starts_with("| case ") || line.starts_with("| ---") {
                continue;
            }
            lines.push(read_line(&file, line));
        }
    }
    lines
}

/// `| 83, 84 | promise | module::test, module::test |`, the tests with or without backticks, and no
/// number where the promise is our own.
fn read_line(file: &str, line: &str) -> Line {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [cases, promise, tests] = cells[..] else {
        panic!("{file}: not three cells: {line}");
    };
    let number = |text: &str| -> u32 {
        let number = text.trim().parse();
        number.unwrap_or_else(|_| panic!("{file}: \"{text}\" is no case: {line}"))
    };
    let words = tests.split([',', ' ']).map(|test| test.trim_matches('`'));
    Line {
        file: file.to_owned(),
        cases: match cases {
            "" => Vec::new(),
            cases => cases.split(',').map(number).collect(),
        },
        promise: promise.to_owned(),
        tests: words
            .filter(|test| !test.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

/// The text of a test module: its file, and those of its folder.
fn module(name: &str) -> String {
    let folder = root().join("tests");
    let mut text = match folder.join(format!("{name}.rs")) {
        file if file.exists() => text_of(&file),
        _ => String::new(),
    };
    if folder.join(name).is_dir() {
        for file in files_in(&folder.join(name), "rs") {
            text += &text_of(&file);
        }
    }
    text
}

#[test]
fn every_case_that_this_release_owes_has_a_line() {
    let listed: BTreeSet<u32> = lines().into_iter().flat_map(|line| line.cases).collect();
    let owed: BTreeSet<u32> = OWED.into_iter().flatten().collect();
    let missing: Vec<&u32> = owed.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "no line in tests/cases/*.md: {missing:?}"
    );
}

#[test]
fn every_line_has_a_promise_and_a_test_and_every_test_is_there() {
    let mut modules: BTreeMap<String, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in lines() {
        let place = format!("{}, case {:?}", line.file, line.cases);
        if line.promise.is_empty() || line.tests.is_empty() {
            wrong.push(format!("{place}: no promise or no test"));
        }
        for test in &line.tests {
            let mut parts = test.split("::");
            let first = parts.next().unwrap_or_default();
            let Some(name) = parts.last() else {
                wrong.push(format!("{place}: {test} names no module"));
                continue;
            };
            let text = modules
                .entry(first.to_owned())
                .or_insert_with(|| module(first));
            let is_test = |before: &str| before.contains("#[test]");
            let found = text
                .match_indices(&format!("fn {name}("))
                .any(|(at, _)| is_test(tail(&text[..at], 200)));
            if !found {
                wrong.push(format!("{place}: there is no test {test}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The last characters of a text, about so many bytes of it.
fn tail(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    (from..text.len())
        .find_map(|at| text.get(at..))
        .unwrap_or_default()
}

#[test]
fn every_test_module_is_part_of_the_binary() {
    let main = text_of(&root().join("tests/main.rs"));
    for file in files_in(&root().join("tests"), "rs") {
        let name = file
            .file_stem()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let is_there = name == "main" || main.contains(&format!("mod {name};"));
        assert!(is_there, "tests/{name}.rs is compiled by nobody");
    }
}

#[test]
fn every_error_id_is_met_by_a_test_that_runs_the_program() {
    let mut met = String::new();
    for file in files_in(&root().join("tests"), "rs") {
        let text = text_of(&file);
        if text.contains("harness::") && !file.ends_with("cases.rs") {
            met += &text;
        }
    }
    let ways = |id: &str| [format!("[{id}]"), format!("\"{id}\""), format!("\"{id}]")];
    let is_met = |id: &str| ways(id).iter().any(|way| met.contains(way.as_str()));
    let unmet: Vec<&str> = error::ALL
        .iter()
        .map(|id| id.id)
        .filter(|id| !is_met(id))
        .collect();
    assert!(unmet.is_empty(), "no black-box test asserts {unmet:?}");
}

#[test]
fn every_error_id_is_used_by_the_program() {
    let declared = text_of(&root().join("src/error/mod.rs"));
    let mut code = String::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for file in files_in(&folder, "rs") {
            if !file.ends_with("error/mod.rs") {
                code += &text_of(&file);
            }
        }
        let entries = fs::read_dir(&folder).expect("the folder can be listed");
        folders.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.is_dir()),
        );
    }
    for id in error::ALL {
        let line = declared
            .lines()
            .find(|line| line.contains(&format!(" = \"{}\", ", id.id)));
        let name = line
            .and_then(|line| line.trim().split(' ').next())
            .unwrap_or_else(|| panic!("{} is not declared", id.id));
        let is_used = [
            format!("error::{name}"),
            format!(", {name}"),
            format!("{{{name}"),
        ]
        .iter()
        .any(|way| code.contains(way.as_str()));
        assert!(is_used, "{} ({name}) is said by nothing", id.id);
    }
}
