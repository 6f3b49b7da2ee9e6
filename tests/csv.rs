//! CSV as it comes: whatever is wrong with a file, no row is lost unseen, none is made up, and the
//! message says where. The numbers are those of the cases in the reliability plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sessionize::error::{Failure, Family};
use sessionize::events::{Batch, UserId};
use sessionize::import::columns::AskedColumns;
use sessionize::import::csv::Dialect;
use sessionize::import::file::Limits;
use sessionize::import::inputs::Input;
use sessionize::import::intake::{Anonymous, Terms, UserFilter};
use sessionize::import::meter::Meter;
use sessionize::import::pipeline::Sink;
use sessionize::import::window::Window;
use sessionize::import::{self, Budget, Options};
use sessionize::time::timestamp::TimeSpec;

use crate::harness::{Call, Outcome, Scratch};

/// Three events of two users, an hour apart and more, so that each is a session of its own.
const CLEAN: &str = "user_id,created_at,note\n\
                     ada,2026-01-01T10:00:00Z,first\n\
                     bob,2026-01-01T11:00:00Z,second\n\
                     ada,2026-01-01T12:00:00Z,third\n";
const CLEAN_EVENTS: [&str; 3] = [
    "ada 2026-01-01T10:00:00Z",
    "ada 2026-01-01T12:00:00Z",
    "bob 2026-01-01T11:00:00Z",
];

/// `sessionize sessions` of these arguments, as JSON.
pub(crate) fn sessions(scratch: &Scratch, args: &[&str]) -> Call {
    let now = ["--now", "2026-02-01T00:00:00Z", "--format", "json"];
    scratch.sessionize(["sessions"]).args(args).args(now)
}

/// Each session as `user start`, and the rows of the run record: read, events, rejected, filtered.
#[track_caller]
pub(crate) fn read_back(outcome: &Outcome) -> (Vec<String>, [u64; 4]) {
    let json: serde_json::Value =
        serde_json::from_str(&outcome.stdout()).unwrap_or_else(|_| panic!("{outcome:?}"));
    let text = |value: &serde_json::Value| value.as_str().expect("it is text").to_owned();
    let listed = json["sessions"].as_array().expect("there is a list");
    let mut events = Vec::new();
    for session in listed {
        assert_eq!(session["events"], 1, "{outcome:?}");
        events.push(text(&session["user_id"]) + " " + &text(&session["start"]));
    }
    let rows = &json["run"]["rows"];
    let count = |name: &str| rows[name].as_u64().expect("it is a number");
    let counts = ["read", "events", "rejected", "filtered"].map(count);
    let sum = counts[1] + counts[2] + counts[3] + count("duplicates_dropped");
    assert_eq!(counts[0], sum, "a row is not accounted for: {outcome:?}");
    (events, counts)
}

/// The events of a file that is read without a word.
#[track_caller]
fn events_of(text: impl AsRef<[u8]>, args: &[&str]) -> Vec<String> {
    let scratch = Scratch::new();
    scratch.file("posts.csv", text);
    let args = [&["posts.csv"], args].concat();
    let (events, [read, taken, ..]) = read_back(&sessions(&scratch, &args).run().expect_ok());
    assert_eq!((read, taken), (events.len() as u64, events.len() as u64));
    events
}

/// How a file is refused: the first line on standard error, without its source.
#[track_caller]
fn refusal_of(text: impl AsRef<[u8]>, args: &[&str], code: i32) -> String {
    let scratch = Scratch::new();
    scratch.file("posts.csv", text);
    let args = [&["posts.csv"], args].concat();
    let outcome = sessions(&scratch, &args).run().expect_failure(code);
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
    let said = outcome.stderr();
    let first = said.lines().next().expect("there is a line").to_owned();
    let (id, what) = first.split_once(": ").expect("there is an id");
    let what = what.strip_prefix("source \"posts\" (csv, posts.csv): ");
    let what = what.unwrap_or_else(|| panic!("no source is named: {outcome:?}"));
    format!("{} {what}", &id["error[".len()..id.len() - 1])
}

/// Events and rejected rows, `line kind`, of a file that is read with a budget.
#[track_caller]
fn with_rejects(text: impl AsRef<[u8]>, args: &[&str]) -> (Vec<String>, Vec<String>) {
    let scratch = Scratch::new();
    scratch.file("posts.csv", text);
    let budget = ["--max-rejects", "100%", "--rejects", "rejects.csv"];
    let args = [&["posts.csv"], args, &budget].concat();
    let (events, [read, taken, rejected, _]) =
        read_back(&sessions(&scratch, &args).run().expect_ok());
    let rejects: Vec<String> = scratch
        .text("rejects.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{} {}", cells[2], cells[5])
        })
        .collect();
    assert_eq!(taken, events.len() as u64);
    assert_eq!(rejected, rejects.len() as u64);
    assert_eq!(read, taken + rejected);
    (events, rejects)
}

#[test]
fn case_18_an_empty_file_is_refused_unless_it_is_allowed() {
    assert_eq!(
        refusal_of("", &[], 4),
        "IN-02 file is empty (0 bytes, no header)"
    );
    assert_eq!(events_of("", &["--allow-empty"]), [""; 0]);
}

#[test]
fn case_19_a_header_alone_is_no_events_with_a_warning() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", "user_id,created_at\n");
    let outcome = sessions(&scratch, &["posts.csv"]).loud().run();
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    assert_eq!(read_back(&outcome), (Vec::new(), [0; 4]));
    outcome.expect_stderr("warning: source \"posts\" (csv, posts.csv): 0 events\n");
}

#[test]
fn case_19_a_mark_or_blank_lines_alone_are_an_empty_file() {
    for (text, size) in [
        ("\u{feff}", 3),
        ("\n\r\n\n", 4),
        ("\r\r", 2),
        ("\u{feff}\n", 4),
    ] {
        let expected = format!("IN-02 file is empty ({size} bytes, no header)");
        assert_eq!(refusal_of(text, &[], 4), expected, "{text:?}");
    }
}

#[test]
fn case_20_the_last_row_counts_once_however_the_file_ends() {
    let rows = CLEAN.trim_end();
    for end in ["", "\n", "\n\n", "\r\n\r\n", "\n\n\n\n"] {
        assert_eq!(
            events_of(format!("{rows}{end}"), &[]),
            CLEAN_EVENTS,
            "{end:?}"
        );
    }
}

#[test]
fn case_21_every_line_end_gives_the_same_events() {
    let mixed = CLEAN
        .replacen('\n', "\r\n", 1)
        .replacen("first\n", "first\r", 1);
    for text in [
        CLEAN.to_owned(),
        CLEAN.replace('\n', "\r\n"),
        CLEAN.replace('\n', "\r"),
        mixed,
        CLEAN.replace('\n', "\r\n\r\n"),
        CLEAN.replace("first", "\"fi\nrst\"").replace('\n', "\r"),
    ] {
        assert_eq!(events_of(&text, &[]), CLEAN_EVENTS, "{text:?}");
    }
}

#[test]
fn case_22_a_byte_order_mark_is_no_part_of_the_first_header() {
    assert_eq!(events_of(format!("\u{feff}{CLEAN}"), &[]), CLEAN_EVENTS);
    let quoted = CLEAN.replace("user_id", "\"user_id\"");
    assert_eq!(events_of(format!("\u{feff}{quoted}"), &[]), CLEAN_EVENTS);
    let after = format!("\u{feff}made by hand\n{CLEAN}");
    assert_eq!(events_of(after, &["--skip-lines", "1"]), CLEAN_EVENTS);
}

#[test]
fn case_22_a_byte_order_mark_inside_the_data_stays() {
    for note in ["plain", "\"quoted\""] {
        let text = format!("user_id,created_at,note\n\u{feff}ada,2026-01-01T10:00:00Z,{note}\n");
        assert_eq!(
            events_of(text, &[]),
            ["\u{feff}ada 2026-01-01T10:00:00Z"],
            "{note}"
        );
    }
}

#[test]
fn case_23_utf_16_is_named_and_never_read() {
    let little: Vec<u8> = CLEAN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = CLEAN.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [b"\xff\xfe", &little[..]].concat(),
        [b"\xfe\xff", &big[..]].concat(),
        little,
        big,
    ] {
        assert_eq!(
            refusal_of(bytes, &[], 4),
            "IN-06 looks like UTF-16; convert with iconv -f UTF-16 -t UTF-8"
        );
    }
}

#[test]
fn case_24_bytes_that_are_not_utf_8_matter_only_where_they_are_needed() {
    let bad = |place: &str, with: &[u8]| {
        let at = CLEAN.find(place).expect("it is there");
        [
            &CLEAN.as_bytes()[..at],
            with,
            &CLEAN.as_bytes()[at + place.len()..],
        ]
        .concat()
    };
    assert_eq!(events_of(bad("first", b"caf\xe9"), &[]), CLEAN_EVENTS);
    assert_eq!(
        refusal_of(bad("bob", b"ren\xe9e"), &[], 4),
        "IN-24 line 3, column \"user_id\": invalid UTF-8; --encoding latin1 reads Latin-1"
    );
    // Shift-JIS for two characters of a name.
    assert_eq!(
        refusal_of(bad("bob", b"\x91\xbe\x98\x59"), &[], 4),
        "IN-24 line 3, column \"user_id\": invalid UTF-8; --encoding latin1 reads Latin-1"
    );
    assert_eq!(
        refusal_of(bad("note", b"not\xe9"), &[], 4),
        "IN-06 invalid UTF-8 at line 1, byte 22"
    );
    assert_eq!(
        events_of(bad("bob", b"ren\xe9e"), &["--encoding", "latin1"]),
        [
            "ada 2026-01-01T10:00:00Z",
            "ada 2026-01-01T12:00:00Z",
            "renée 2026-01-01T11:00:00Z"
        ]
    );
    assert_eq!(
        events_of(bad("note", b"not\xe9"), &["--encoding", "latin1"]),
        CLEAN_EVENTS
    );
}

#[test]
fn case_24_latin_1_holds_for_the_source_column_too() {
    let scratch = Scratch::new();
    scratch.file(
        "posts.csv",
        b"user_id,created_at,kind\n1,2026-01-01T10:00:00Z,caf\xe9\n",
    );
    let args = ["posts.csv", "--source-column", "kind"];
    sessions(&scratch, &args)
        .run()
        .expect_failure(4)
        .expect_stderr("line 2: the source's name is not UTF-8; --encoding latin1 reads Latin-1");
    let outcome = sessions(&scratch, &args)
        .args(["--encoding", "latin1"])
        .run()
        .expect_ok();
    assert!(outcome.stdout().contains("\"sources\":{\"café\":1}"));
}

#[test]
fn case_25_a_nul_byte_is_data_or_a_reject_and_cuts_nothing() {
    assert_eq!(
        events_of(CLEAN.replace("first", "fi\0rst"), &[]),
        CLEAN_EVENTS
    );
    assert_eq!(
        refusal_of(CLEAN.replace("bob", "bo\0b"), &[], 4),
        "IN-24 line 3, column \"user_id\": NUL byte"
    );
    assert_eq!(
        refusal_of(CLEAN.replace("user_id", "user\0_id"), &[], 4),
        "IN-06 NUL byte at line 1, byte 4"
    );
    assert_eq!(
        refusal_of([0; 1000], &[], 4),
        "IN-06 NUL byte at line 1, byte 0"
    );
    let (events, rejects) = with_rejects(CLEAN.replace("11:00", "11\0:00"), &[]);
    assert_eq!(events, [CLEAN_EVENTS[0], CLEAN_EVENTS[1]]);
    assert_eq!(rejects, ["3 TM-02"]);
}

#[test]
fn case_26_a_row_with_too_few_fields_is_a_reject_unless_padded() {
    let short = CLEAN.replace(",second", "");
    assert_eq!(
        refusal_of(&short, &[], 4),
        "IN-20 line 3: row has 2 fields, header has 3"
    );
    assert_eq!(
        refusal_of(
            CLEAN.replace("bob,2026-01-01T11:00:00Z,second", "bob"),
            &[],
            4
        ),
        "IN-20 line 3: row has 1 field, header has 3"
    );
    assert_eq!(events_of(&short, &["--ragged", "pad"]), CLEAN_EVENTS);
    let no_time = CLEAN.replace("bob,2026-01-01T11:00:00Z,second", "bob");
    let (events, rejects) = with_rejects(&no_time, &["--ragged", "pad"]);
    assert_eq!(events, [CLEAN_EVENTS[0], CLEAN_EVENTS[1]]);
    assert_eq!(rejects, ["3 IN-20"]);
}

#[test]
fn case_26_a_padded_row_without_its_time_of_day_is_a_reject() {
    let text = "user_id,day,hour\nada,2026-01-01,10:00\nbob,2026-01-01\n";
    let args = [
        "--time-column",
        "day",
        "--time-column",
        "hour",
        "--time-format",
        "%Y-%m-%d %H:%M",
        "--source-timezone",
        "UTC",
        "--ragged",
        "pad",
    ];
    let (events, rejects) = with_rejects(text, &args);
    assert_eq!(events, ["ada 2026-01-01T10:00:00Z"]);
    assert_eq!(rejects, ["3 IN-20"]);
}

#[test]
fn case_27_a_row_with_too_many_fields_is_a_reject_and_never_cut() {
    for args in [&[][..], &["--ragged", "pad"]] {
        assert_eq!(
            refusal_of(CLEAN.replace(",second", ",sec,ond"), args, 4),
            "IN-21 line 3: row has 4 fields, header has 3"
        );
        let (events, rejects) = with_rejects(CLEAN.replace("second", "second,"), args);
        assert_eq!(events, [CLEAN_EVENTS[0], CLEAN_EVENTS[1]]);
        assert_eq!(rejects, ["3 IN-21"]);
    }
}

/// Runs the call with so much address space, in kilobytes.
pub(crate) fn within(kilobytes: u32, call: Call) -> Call {
    let script = format!("ulimit -v {kilobytes}; exec \"$0\" \"$@\"");
    call.under(["bash", "-c", &script]).args(["--threads", "2"])
}

#[test]
fn case_28_a_quote_that_is_never_closed_is_named_within_bounded_memory() {
    let scratch = Scratch::new();
    let mut text = CLEAN.replace("second", "\"second").into_bytes();
    let line = [&[b'x'; 99][..], b"\n"].concat();
    text.extend(line.repeat(1 << 20));
    scratch.file("posts.csv", text);
    within(400_000, sessions(&scratch, &["posts.csv"]))
        .run()
        .expect_failure(4)
        .expect_stderr(
            "error[IN-05]: source \"posts\" (csv, posts.csv): line 3: a quoted field is never \
             closed; it opens here\n",
        );
}

#[test]
fn case_28_a_quote_that_is_never_closed_at_the_end_names_its_line_too() {
    for text in [
        CLEAN.replace("third", "\"third"),
        CLEAN.replace("third", "\"th\r\nird\n\""),
    ] {
        let text = text.replace("\n\"\n", "\n\"\"\n");
        assert_eq!(
            refusal_of(text, &[], 4),
            "IN-05 line 4: a quoted field is never closed; it opens here"
        );
    }
    assert_eq!(
        refusal_of("\n\nuser_id,\"created_at\n1,2\n", &[], 4),
        "IN-05 line 3: a quoted field is never closed; it opens here"
    );
}

#[test]
fn case_29_a_stray_quote_rejects_its_line_alone() {
    for cell in [
        "sec\"ond",
        "second\"",
        "\"sec\"ond",
        "\"second\" ",
        " \"second\"",
        "\"sec\"\"ond\"x",
    ] {
        let text = CLEAN.replace("second", cell);
        let (events, rejects) = with_rejects(&text, &[]);
        assert_eq!(events, [CLEAN_EVENTS[0], CLEAN_EVENTS[1]], "{cell}");
        assert_eq!(rejects, ["3 IN-22"], "{cell}");
        assert_eq!(
            refusal_of(&text, &[], 4),
            "IN-22 line 3: a quote stands inside a field, or text follows a closing quote"
        );
    }
}

#[test]
fn case_29_an_open_quote_with_a_quote_after_it_swallows_no_later_row() {
    let text = CLEAN
        .replace("first", "\"first")
        .replace("third", "\"third\"");
    let (events, rejects) = with_rejects(text, &[]);
    assert_eq!(events, [CLEAN_EVENTS[1], CLEAN_EVENTS[2]]);
    assert_eq!(rejects, ["2 IN-22"]);
    assert_eq!(
        refusal_of(CLEAN.replace("note", "no\"te"), &[], 4),
        "IN-22 line 1: the header has a stray quote"
    );
}

#[test]
fn case_30_quoted_line_ends_belong_to_their_record_and_count_as_lines() {
    let text = "user_id,created_at,\"no\nte\"\n\
                ada,2026-01-01T10:00:00Z,\"a\nb\r\nc,d \"\"e\"\"\"\n\
                bob,yesterday,x\n\
                \"b,\"\"o\"\"\nb\",2026-01-01T11:00:00Z,\n\
                eve,2026-01-01\n";
    let (events, rejects) = with_rejects(text, &[]);
    assert_eq!(
        events,
        [
            "ada 2026-01-01T10:00:00Z",
            "b,\"o\"\nb 2026-01-01T11:00:00Z"
        ]
    );
    // The header has lines 1 and 2, ada's record 3 to 5, the quoted user 7 and 8.
    assert_eq!(rejects, ["6 TM-02", "9 IN-20"]);
}

#[test]
fn case_30_a_comment_beside_quotes_moves_no_line_number_and_takes_no_row() {
    for end in ["\n", "\r\n", "\r"] {
        let text = CLEAN.replace("first", "\"first\"").replace(
            "bob,2026-01-01T11",
            "# don\"t look\n#\n\n# \"again\nbob,later\nbob,2026-01-01T11",
        );
        let (events, rejects) = with_rejects(text.replace('\n', end), &["--comment", "#"]);
        assert_eq!(events, CLEAN_EVENTS, "{end:?}");
        assert_eq!(rejects, ["7 IN-20"], "{end:?}");
    }
}

/// What a library call read of a file.
struct Taken {
    result: Result<Counted, Failure>,
    /// User and time of each event, sorted.
    events: Vec<(String, i64)>,
    /// Line, byte, kind and message of each rejected row.
    rejects: Vec<(u64, u64, &'static str, String)>,
}

/// Rows read, rejected, and without a user.
type Counted = (u64, u64, u64);

fn input(path: &Path, dialect: Dialect) -> Input {
    Input {
        name: Some("posts".to_owned()),
        typed: path.to_string_lossy().into_owned(),
        address: None,
        folder: Default::default(),
        format: None,
        role: None,
        roles: BTreeMap::new(),
        drop_duplicates: false,
        columns: AskedColumns::default(),
        delimiter: Some(dialect.delimiter),
        dialect,
        table: None,
        filter: None,
        query: None,
        terms: Terms {
            time: TimeSpec::default(),
            null_words: Vec::new(),
            anonymous: Anonymous::Reject,
            latin1: false,
            filter: Arc::new(UserFilter::default()),
        },
    }
}

fn take(input: Input, block: usize) -> Taken {
    let options = Options {
        budget: Budget::Share(1.0),
        connect_timeout: Options::CONNECT_TIMEOUT,
        statement_timeout: Options::STATEMENT_TIMEOUT,
        window: Window::default(),
        keep_going: false,
        allow_empty: false,
        limits: Limits {
            block,
            ..Limits::default()
        },
    };
    let events = Mutex::new(Vec::new());
    let mut sinks: Vec<Sink<'_>> = (0..2)
        .map(|_| {
            Box::new(|batch: &Batch| {
                let rows = batch
                    .iter()
                    .map(|(at, user, _)| (user.to_user().to_string(), at));
                events.lock().expect("no test panics here").extend(rows);
            }) as Sink<'_>
        })
        .collect();
    let mut placed = Vec::new();
    let result = import::read(
        &[input],
        &options,
        &Meter::default(),
        &mut sinks,
        &mut placed,
    );
    drop(sinks);
    let mut events = events.into_inner().expect("no test panics here");
    events.sort();
    let result = result.map(|imported| {
        let sum = |count: fn(&import::ledger::Counts) -> u64| -> u64 {
            imported.records.iter().map(|r| count(&r.counts)).sum()
        };
        (
            sum(|c| c.read),
            sum(|c| c.rejected),
            sum(|c| c.filtered_anonymous),
        )
    });
    let rejects = placed.into_iter().map(|placed| {
        let reject = placed.reject;
        (reject.line, reject.byte, reject.kind.id, reject.message)
    });
    Taken {
        result,
        events,
        rejects: rejects.collect(),
    }
}

impl Taken {
    /// Every row is an event, rejected, or without a user; or the failure is one of the file.
    #[track_caller]
    fn assert_sound(&self, what: &dyn std::fmt::Debug) {
        match &self.result {
            Ok((read, rejected, anonymous)) => {
                let events = self.events.len() as u64;
                assert_eq!(*read, events + rejected + anonymous, "{what:?}");
                assert_eq!(*rejected, self.rejects.len() as u64, "{what:?}");
            }
            Err(failure) => {
                let family = failure.id.family;
                let expected = matches!(family, Family::Input | Family::Time | Family::Limit);
                assert!(expected, "{failure:?} {what:?}");
            }
        }
    }

    fn told(&self) -> String {
        match &self.result {
            Ok(counted) => format!("{counted:?} {:?} {:?}", self.events, self.rejects),
            Err(failure) => format!("{failure:?}"),
        }
    }
}

/// Everything that may lie on a border between blocks.
const BORDERS: &str = "user_id,created_at,note\r\n\
    ada,2026-01-01T10:00:00Z,\"a\r\nb\"\r\n\
    # a \"comment\r\n\
    \u{feff}bob,2026-01-01T11:00:00Z,\"\"\"\"\r\
    eve,never,\"\"\r\n\
    \n\
    \"c,\nd\",2026-01-01T12:00:00Z,\"x\"y\n\
    # another\r\
    7,2026-01-01T13:00:00Z,\n\
    7,2026-01-01T14:00:00Z,\"\n\n\"\r\
    8,2026-01-01T15:00:00Z\n\
    9,2026-01-01T16:00:00Z,a,b\r\n\
    \"\",2026-01-01T17:00:00Z,z\n\
    10,2026-01-01T18:00:00Z,last";

fn commented() -> Dialect {
    Dialect {
        comment: Some(b'#'),
        ..Dialect::default()
    }
}

#[test]
fn case_31_no_result_depends_on_where_a_block_ends() {
    let scratch = Scratch::new();
    let path = scratch.file("posts.csv", BORDERS);
    let whole = take(input(&path, commented()), Limits::BLOCK);
    whole.assert_sound(&BORDERS);
    let kinds: Vec<(u64, &str)> = whole.rejects.iter().map(|r| (r.0, r.2)).collect();
    // Text after a closing quote on line 9 spoils line 8, where the record began; what is left of
    // it on line 9 has a quote inside a field.
    assert_eq!(
        kinds,
        [
            (6, "TM-02"),
            (8, "IN-22"),
            (9, "IN-22"),
            (15, "IN-20"),
            (16, "IN-21"),
            (17, "IN-23")
        ]
    );
    for block in 1..=200 {
        let cut = take(input(&path, commented()), block);
        assert_eq!(cut.told(), whole.told(), "blocks of {block} bytes");
    }
}

#[test]
#[cfg(feature = "failpoints")]
fn case_31_the_program_gives_the_same_report_for_any_block_size() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", BORDERS);
    let call = || {
        let args = [
            "posts.csv",
            "--comment",
            "#",
            "--max-rejects",
            "9",
            "--rejects",
            "rejects.csv",
        ];
        sessions(&scratch, &args)
    };
    let whole = call().run().expect_ok().stdout;
    let rejects = scratch.text("rejects.csv");
    for block in 1..=200 {
        let cut = call().env("SESSIONIZE_BLOCK", block.to_string()).run();
        assert_eq!(cut.expect_ok().stdout, whole, "blocks of {block} bytes");
        assert_eq!(scratch.text("rejects.csv"), rejects);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn case_31_any_text_reads_alike_in_blocks_of_any_size(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "\"", "\"\"", ",", "\n", "\r", "\r\n", "#", "a", "7", "\u{feff}",
                "2026-01-01T10:00:00Z", "ada,2026-01-01T10:00:00Z,x\n", "\"x\ny\",",
            ]),
            0..40,
        ),
        block in 1_usize..40,
        header in any::<bool>(),
    ) {
        let scratch = Scratch::new();
        let head = if header { "user_id,created_at,note\n" } else { "a,b,c\n" };
        let text = format!("{head}{}", pieces.concat());
        let path = scratch.file("posts.csv", &text);
        let read = |block| {
            let mut input = input(&path, Dialect { header, ..commented() });
            if !header {
                input.columns.user = Some("1".into());
                input.columns.time = vec!["2".into()];
            }
            take(input, block)
        };
        let whole = read(Limits::BLOCK);
        whole.assert_sound(&text);
        prop_assert_eq!(read(block).told(), whole.told(), "{:?}", text);
    }
}

/// Cells of a row that a fast reader could take for what they are not.
fn near_miss_row() -> impl Strategy<Value = Vec<String>> {
    let users = vec![
        "7",
        "-3",
        "ada",
        "",
        "007",
        "-0",
        "12345678",
        "1234567x",
        "x\u{e9}",
        "1234567890123456789",
        "9223372036854775808",
        "4d3c5b1e-0000-4000-8000-0123456789ab",
    ];
    let times = vec![
        "2026-01-01T10:00:00Z",
        "2026-01-01T10:00:00.123456Z",
        "2026-01-02t10:00:00.000001z",
        "2026-01-01 10:00:00.120000+05:30",
        "2026-01-01T10:00:00.1234567Z",
        "2026-01-01T10:00:00.12345xZ",
        "2026-01-01T10:00:00,123456Z",
        "2026-01-01T10:00:00.123456",
        "2026-01-01T10:00:00.123456ZZ",
        "2026-02-29T10:00:00.123456Z",
        "2026-01-01T24:00:00.000000Z",
        "2026-01-01T10:00:60.000000Z",
        "2016-12-31T23:59:60.000000Z",
        "2026-13-01T10:00:00.123456Z",
        "-026-01-01T10:00:00.123456Z",
        " 2026-01-01T10:00:00.123456Z",
        "2026-01-01",
        "",
        "20\u{e9}6-01-01T10:00:00.123456Z",
    ];
    let notes = prop_oneof![
        9 => "[a-z]{0,90}",
        1 => (1_usize..20_000).prop_map(|length| "y".repeat(length)),
    ];
    let cells = (
        prop::sample::select(users),
        prop::sample::select(times),
        notes,
    );
    let cells = cells.prop_map(|(user, time, note)| vec![user.to_owned(), time.to_owned(), note]);
    let other = vec![
        "",
        "# no row",
        "#,,",
        "one",
        "7,2026-01-01T10:00:00Z",
        "a,b,c,d",
        ",,",
        ",,,",
    ];
    let other =
        prop::sample::select(other).prop_map(|line| line.split(',').map(str::to_owned).collect());
    prop_oneof![8 => cells, 1 => other]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn case_31_rows_read_alike_with_and_without_quotes(
        rows in prop::collection::vec(near_miss_row(), 1..80),
        repeated in 1_usize..6,
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ends in any::<bool>(),
        block in prop::sample::select(vec![60, 5_000, 100_000, Limits::BLOCK]),
    ) {
        let scratch = Scratch::new();
        let all = rows.iter().cycle().take(rows.len() * repeated);
        let mut lines: Vec<String> = all.map(|row| row.join(",")).collect();
        lines.insert(0, "user_id,created_at,note".to_owned());
        // A quoted cell sends its whole block through the csv package.
        let quoted: Vec<String> = lines
            .iter()
            .map(|line| match line.rsplit_once(',') {
                _ if line.is_empty() || line.starts_with('#') => line.clone(),
                Some((before, last)) => format!("{before},\"{last}\""),
                None => format!("\"{line}\""),
            })
            .collect();
        let last_end = if ends { end } else { "" };
        let read = |lines: &[String]| {
            let path = scratch.file("posts.csv", lines.join(end) + last_end);
            take(input(&path, commented()), block)
        };
        let (plain, quoted) = (read(&lines), read(&quoted));
        plain.assert_sound(&lines);
        prop_assert_eq!(&plain.events, &quoted.events);
        let placed = |taken: &Taken| -> Vec<(u64, &str, String)> {
            taken.rejects.iter().map(|r| (r.0, r.2, r.3.clone())).collect()
        };
        prop_assert_eq!(placed(&plain), placed(&quoted));
        for (line, byte, _, message) in &plain.rejects {
            let before = &lines[..*line as usize - 1];
            let expected: usize = before.iter().map(|line| line.len() + end.len()).sum();
            prop_assert_eq!(*byte, expected as u64, "line {}: {}", line, message);
        }
    }

    #[test]
    fn case_41_an_id_is_a_number_where_its_digits_are_written_as_numbers_are(
        id in "-?[0-9]{0,21}", place in any::<prop::sample::Index>(), byte in prop::option::of("[ -~\u{e9}]"),
    ) {
        let mut id = id;
        if let Some(byte) = byte && !id.is_empty() {
            let place = place.index(id.len());
            id.replace_range(place..=place, &byte);
        }
        let expected = match id.parse::<i64>() {
            Ok(number) if number.to_string() == id => UserId::Number(number),
            _ => UserId::Text(&id),
        };
        prop_assert_eq!(UserId::from_text(&id), expected);
    }
}

#[test]
fn case_32_a_delimiter_that_is_named_is_used() {
    for (name, byte) in [
        (";", ";"),
        ("tab", "\t"),
        ("\\t", "\t"),
        ("|", "|"),
        (":", ":"),
    ] {
        let text = CLEAN
            .replace(':', "_")
            .replace(',', byte)
            .replace("2026-01-01T1", "1 Jan 2026 1")
            .replace("_00_00Z", "h00");
        let args = [
            "--delimiter",
            name,
            "--time-format",
            "%d %b %Y %Hh%M",
            "--source-timezone",
            "UTC",
        ];
        assert_eq!(events_of(text, &args), CLEAN_EVENTS, "{name}");
    }
    assert_eq!(
        events_of(CLEAN.replace(',', ";"), &["--delimiter=;"]),
        CLEAN_EVENTS
    );
}

#[test]
fn case_32_a_wrong_delimiter_is_refused_with_the_header_as_it_looks() {
    for sign in [";", "|", "\t"] {
        let seen = if sign == "\t" { "\\t" } else { sign };
        assert_eq!(
            refusal_of(CLEAN.replace(',', sign), &[], 4),
            format!(
                "IN-03 no user column: column \"user_id\" not found, nor any other known name; \
                 header looks like one column \"user_id{seen}created_at{seen}note\"; --delimiter \
                 splits it"
            )
        );
    }
    assert_eq!(
        refusal_of(CLEAN.replace(',', ";"), &["--user-column", "user_id"], 4),
        "IN-03 column \"user_id\" not found; header looks like one column \
         \"user_id;created_at;note\"; --delimiter splits it"
    );
    for delimiter in ["||", ", ", "¦", "", "\"", "\n"] {
        let scratch = Scratch::new();
        scratch.file("posts.csv", CLEAN);
        sessions(&scratch, &["posts.csv", "--delimiter", delimiter])
            .run()
            .expect_failure(2);
    }
}

#[test]
fn case_32_a_space_after_the_delimiter_is_no_part_of_a_name_and_a_reject_in_a_time() {
    let (events, rejects) = with_rejects(CLEAN.replace(',', ", "), &[]);
    assert_eq!(events, [""; 0]);
    assert_eq!(rejects, ["2 TM-02", "3 TM-02", "4 TM-02"]);
}

#[test]
fn case_33_lines_before_the_header_are_skipped_when_that_is_said() {
    let preamble = format!("Export of \"posts\"\nmade on Monday, by hand\n{CLEAN}");
    assert_eq!(events_of(&preamble, &["--skip-lines", "2"]), CLEAN_EVENTS);
    assert_eq!(
        refusal_of(format!("Export\n{CLEAN}"), &[], 4),
        "IN-03 no user column: column \"user_id\" not found, nor any other known name; the \
         columns are \"Export\""
    );
    let comments = format!("# \"Export\n#\n{CLEAN}# end\n");
    assert_eq!(events_of(comments, &["--comment", "#"]), CLEAN_EVENTS);
    assert_eq!(
        refusal_of("a\nb\n", &["--skip-lines", "9"], 4),
        "IN-02 no header follows the first 9 lines (--skip-lines)"
    );
}

#[test]
fn case_33_a_second_header_and_a_footer_are_rejects_with_their_lines() {
    let text = format!(
        "\n{}Total,,3\n",
        CLEAN.replacen('\n', "\ntext,time,text\n", 1)
    );
    let (events, rejects) = with_rejects(text, &[]);
    assert_eq!(events, CLEAN_EVENTS);
    assert_eq!(rejects, ["3 TM-02", "7 TM-09"]);
}

#[test]
fn case_34_without_a_header_columns_have_numbers() {
    let rows = CLEAN.split_once('\n').expect("there is a header").1;
    let by_number = ["--no-header", "--user-column", "1", "--time-column", "2"];
    for text in [
        rows.to_owned(),
        format!("\u{feff}\n\n{rows}"),
        rows.replace("first", "\"fi\nrst\""),
    ] {
        assert_eq!(events_of(text, &by_number), CLEAN_EVENTS);
    }
    assert_eq!(
        refusal_of(rows, &[], 4),
        "IN-03 no user column: column \"user_id\" not found, nor any other known name; the \
         columns are \"ada\", \"2026-01-01T10:00:00Z\", \"first\""
    );
    assert_eq!(
        refusal_of(rows, &["--no-header", "--user-column", "9"], 4),
        "IN-03 column \"9\" not found; the columns are \"1\", \"2\", \"3\""
    );
    let commented = format!("# no header\r# here\r{}", rows.replace('\n', "\r"));
    let args = [&by_number[..], &["--comment", "#"]].concat();
    assert_eq!(events_of(commented, &args), CLEAN_EVENTS);
}

#[test]
fn case_34_a_message_lists_ten_columns_and_counts_the_rest() {
    let names: Vec<String> = (1..=13).map(|number| format!("c{number}")).collect();
    assert_eq!(
        refusal_of(names.join(",") + "\n", &[], 4),
        "IN-03 no user column: column \"user_id\" not found, nor any other known name; the \
         columns are \"c1\", \"c2\", \"c3\", \"c4\", \"c5\", \"c6\", \"c7\", \"c8\", \"c9\", \
         \"c10\" and 3 more"
    );
}

#[test]
fn case_35_two_columns_that_could_be_meant_are_refused() {
    for (header, name) in [
        ("ts,user_id,x,ts", "ts"),
        ("ts,user_id,x, TS ", "ts"),
        ("Ts,user_id,x,tS", "ts"),
    ] {
        let text = format!("{header}\n1,2,3,4\n");
        assert_eq!(
            refusal_of(text, &[], 4),
            format!("IN-04 column \"{name}\" appears 2 times (columns 1 and 4)")
        );
    }
    let text = "ts,TS,user_id\n2026-01-01T10:00:00Z,x,7\n";
    assert_eq!(
        events_of(text, &["--time-column", "ts"]),
        ["7 2026-01-01T10:00:00Z"]
    );
    let unused = CLEAN.replace("note", "note,note").replace("Z,", "Z,,");
    assert_eq!(events_of(unused, &[]), CLEAN_EVENTS);
}

#[test]
fn case_36_a_misspelt_column_gets_the_nearest_name() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", CLEAN);
    for (flag, typed, near) in [
        ("--user-column", "usr_id", "user_id"),
        ("--time-column", "created", "created_at"),
        ("--source-column", "notes", "note"),
    ] {
        sessions(&scratch, &["posts.csv", flag, typed])
            .run()
            .expect_failure(4)
            .expect_stderr(&format!(
                "column \"{typed}\" not found; the columns are \"user_id\", \"created_at\", \
                 \"note\"\n  help: did you mean \"{near}\"?\n"
            ));
    }
    assert_eq!(
        events_of(CLEAN, &["--user-column", " USER_ID"]),
        CLEAN_EVENTS
    );
}

#[test]
fn case_37_rows_of_a_second_table_are_rejects() {
    for (table, kinds) in [
        ("name,city\neve,Rome\n", ["6 IN-20", "7 IN-20"]),
        (
            "name,city,zip,land\neve,Rome,1,it\n",
            ["6 IN-21", "7 IN-21"],
        ),
        ("name,city,zip\neve,Rome,1\n", ["6 TM-02", "7 TM-02"]),
    ] {
        let (events, rejects) = with_rejects(format!("{CLEAN}\n{table}"), &[]);
        assert_eq!(events, CLEAN_EVENTS);
        assert_eq!(rejects, kinds);
    }
}

#[test]
fn case_38_a_line_without_an_end_is_refused_within_bounded_memory() {
    let scratch = Scratch::new();
    for (size, flags, said) in [
        (
            64 << 20,
            &["--max-field", "1MiB"][..],
            "line 1: field over 1 MiB",
        ),
        (
            64 << 20,
            &["--max-field", "1000"],
            "line 1: field over 1000 bytes",
        ),
        (200 << 20, &[], "line 1: field over 16 MiB"),
    ] {
        let call = sessions(&scratch, &["-"]).args(flags.iter().copied());
        within(400_000, call)
            .stdin(vec![0; size])
            .run()
            .expect_failure(9)
            .expect_stderr(&format!(
                "error[LM-01]: source \"stdin\" (csv, -): {said}\n"
            ))
            .expect_stderr("  help: the limit is --max-field\n");
    }
    let mut late = CLEAN.as_bytes().to_vec();
    late.extend(vec![b'x'; 40 << 20]);
    within(400_000, sessions(&scratch, &["-"]))
        .stdin(late)
        .run()
        .expect_failure(9)
        .expect_stderr("line 5: field over 16 MiB");
}

#[test]
fn case_38_the_limit_holds_to_the_byte_whatever_the_line_holds() {
    // The second row has 30 bytes, and 32 with its quotes.
    let args = |most: &'static str| ["--max-field", most];
    assert_eq!(events_of(CLEAN, &args("31")), CLEAN_EVENTS);
    assert_eq!(
        refusal_of(CLEAN, &args("30"), 9),
        "LM-01 line 3: field over 30 bytes"
    );
    for end in ["\n", "\r\n", "\r"] {
        let quoted = CLEAN.replace("second", "\"second\"").replace('\n', end);
        assert_eq!(events_of(&quoted, &args("33")), CLEAN_EVENTS);
        assert_eq!(
            refusal_of(&quoted, &args("32"), 9),
            "LM-01 line 3: field over 32 bytes"
        );
    }
}

#[test]
fn case_38_the_limit_itself_has_a_limit() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", CLEAN);
    for wrong in ["0", "2GiB", "99999999999999999999", "1XB", "-1", ""] {
        let flag = format!("--max-field={wrong}");
        let outcome = sessions(&scratch, &["posts.csv", &flag]).run();
        outcome.expect_failure(2).expect_stderr("error[CF-01]: ");
    }
    assert_eq!(events_of(CLEAN, &["--max-field", "1GiB"]), CLEAN_EVENTS);
}

#[test]
fn case_39_many_columns_one_column_and_one_row_work() {
    let names: Vec<String> = (0..50_000).map(|number| format!("c{number}")).collect();
    let cells = vec!["x"; 50_000].join(",");
    let text = format!(
        "{},user_id,created_at\n{cells},ada,2026-01-01T10:00:00Z\n{cells},\"bob\",\
         2026-01-01T11:00:00Z\n",
        names.join(",")
    );
    assert_eq!(events_of(text, &[]), [CLEAN_EVENTS[0], CLEAN_EVENTS[2]]);
    assert_eq!(
        refusal_of("user_id\nada\n", &[], 4),
        "IN-03 no time column: column \"created_at\" not found, nor any other known name; the \
         columns are \"user_id\""
    );
    assert_eq!(
        events_of("at,user\n2026-01-01T10:00:00Z,ada", &[]),
        [CLEAN_EVENTS[0]]
    );
}

#[test]
fn case_40_a_text_id_that_comes_late_is_read_as_if_it_came_first() {
    let mut text = String::from("user_id,created_at\n");
    for user in 1..=20_000 {
        text += &format!("{user},2026-01-01T10:00:00Z\n");
    }
    text += "x1,2026-01-01T10:00:00Z\n";
    let events = events_of(text, &[]);
    assert_eq!(events.len(), 20_001);
    assert_eq!(events[0], "1 2026-01-01T10:00:00Z");
    assert_eq!(events[19_999], "20000 2026-01-01T10:00:00Z");
    assert_eq!(events[20_000], "x1 2026-01-01T10:00:00Z");
}

#[test]
fn case_41_odd_ids_stay_the_text_they_are() {
    let ids = [
        "-0",
        "+7",
        "007",
        "07",
        "1.0",
        "1e5",
        "7 ",
        " 7",
        "NA",
        "NULL",
        "NaN",
        "None",
        "null",
        "ada",
        "éa",
        "true",
        "0x10",
        "9223372036854775808",
    ];
    let mut text = String::from("user_id,created_at\n7,2026-01-01T10:00:00Z\n");
    for id in ids {
        text += &format!("{id},2026-01-01T10:00:00Z\n");
    }
    let mut expected: Vec<String> = ids.map(|id| format!("{id} 2026-01-01T10:00:00Z")).to_vec();
    expected.sort();
    expected.insert(0, "7 2026-01-01T10:00:00Z".to_owned());
    assert_eq!(events_of(text, &[]), expected);
}

#[test]
fn case_41_null_words_and_empty_users_are_rejects_or_left_out_when_asked() {
    let text = CLEAN.replace("bob", "NULL");
    assert_eq!(events_of(&text, &[]).len(), 3);
    for text in [text, CLEAN.replace("bob", ""), CLEAN.replace("bob", "\"\"")] {
        let words = ["--null-word", "NULL", "--null-word", "NA"];
        assert_eq!(
            refusal_of(&text, &words, 4),
            "IN-23 line 3, column \"user_id\": no user; --anonymous skip leaves such rows out"
        );
        let scratch = Scratch::new();
        scratch.file("posts.csv", text);
        let args = [&["posts.csv", "--anonymous", "skip"], &words[..]].concat();
        let outcome = sessions(&scratch, &args).run().expect_ok();
        let (events, counts) = read_back(&outcome);
        assert_eq!(events, [CLEAN_EVENTS[0], CLEAN_EVENTS[1]]);
        assert_eq!(counts, [3, 2, 0, 1]);
    }
    let no_time = CLEAN.replace("2026-01-01T11:00:00Z", "NULL");
    let (_, rejects) = with_rejects(&no_time, &["--null-word", "NULL"]);
    assert_eq!(rejects, ["3 TM-09"]);
    let (_, rejects) = with_rejects(&no_time, &[]);
    assert_eq!(rejects, ["3 TM-02"]);
}

/// Twelve rows of four users, four columns, none of them alike.
fn table() -> Vec<Vec<String>> {
    let mut rows = vec![
        "user_id,created_at,city,note"
            .split(',')
            .map(String::from)
            .collect(),
    ];
    for row in 0..12 {
        rows.push(vec![
            ["ada", "bob", "ève", "007"][row % 4].to_owned(),
            format!("2026-01-{:02}T10:00:00Z", row + 1),
            format!("city {row}"),
            format!("note {row}"),
        ]);
    }
    rows
}

fn joined(rows: &[Vec<String>], delimiter: &str, end: &str) -> String {
    rows.iter()
        .map(|row| row.join(delimiter) + end)
        .collect::<String>()
}

/// The clean table polluted in every kind and place, named for messages.
fn polluted() -> Vec<(String, Vec<u8>)> {
    let clean = table();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, text: String| all.push((name, text.into_bytes()));
    for end in ["\n", "\r\n", "\r", "\n\n", "\r\r\n", "\n\r"] {
        add(format!("end {end:?}"), joined(&clean, ",", end));
        let text = joined(&clean, ",", end);
        for cut in 1..=30 {
            add(
                format!("end {end:?} cut {cut}"),
                text[..text.len() - cut].to_owned(),
            );
        }
    }
    for delimiter in [";", "\t", "|", ", ", ",,", " ", "¦", "::"] {
        add(
            format!("delimiter {delimiter:?}"),
            joined(&clean, delimiter, "\n"),
        );
    }
    for row in 0..clean.len() {
        for column in 0..4 {
            let mut with = |kind: &str, change: &dyn Fn(&str) -> String| {
                let mut rows = clean.clone();
                rows[row][column] = change(&clean[row][column]);
                add(
                    format!("{kind} at row {row} column {column}"),
                    joined(&rows, ",", "\n"),
                );
            };
            with("quoted", &|cell| format!("\"{cell}\""));
            with("open quote", &|cell| format!("\"{cell}"));
            with("closing quote", &|cell| format!("{cell}\""));
            with("inner quote", &|cell| {
                let mut letters = cell.chars();
                let first: String = letters.by_ref().take(1).collect();
                format!("{first}\"{}", letters.as_str())
            });
            with("quote in quotes", &|cell| format!("\"{cell}\"x\""));
            with("single quotes", &|cell| format!("'{cell}'"));
            with("backslash quote", &|cell| format!("\"\\\"{cell}\""));
            with("more separators", &|cell| format!("{cell},"));
            with("two more separators", &|cell| format!(",,{cell}"));
            with("line end", &|cell| format!("{cell}\n"));
            with("carriage return", &|cell| format!("{cell}\r"));
            with("quoted line end", &|cell| format!("\"{cell}\n\""));
            with("empty", &|_| String::new());
            with("NUL", &|cell| format!("{cell}\0"));
            with("mark", &|cell| format!("\u{feff}{cell}"));
            with("multibyte", &|cell| format!("{cell}\u{1f600}"));
            with("space", &|cell| format!(" {cell} "));
            let mut rows = clean.clone();
            rows[row].truncate(column);
            add(
                format!("row {row} cut to {column} fields"),
                joined(&rows, ",", "\n"),
            );
        }
        for (kind, line) in [
            ("preamble", "Some words"),
            ("preamble of width", "a,b,c,d"),
            ("header again", "user_id,created_at,city,note"),
            ("other table", "x,y"),
            ("blank", ""),
            ("separators", ",,,"),
            ("comment", "# \"comment"),
            ("lone quote", "\""),
            ("two quotes", "\"\""),
        ] {
            let mut rows = clean.clone();
            rows.insert(row, vec![line.to_owned()]);
            add(format!("{kind} before row {row}"), joined(&rows, ",", "\n"));
        }
        let mut rows = clean.clone();
        rows.remove(row);
        add(format!("without row {row}"), joined(&rows, ",", "\n"));
    }
    for (name, bytes) in all.clone() {
        let crlf = String::from_utf8(bytes)
            .expect("it is text")
            .replace('\n', "\r\n");
        all.push((format!("{name}, CRLF"), crlf.into_bytes()));
    }
    all
}

#[test]
fn case_42_no_pollution_makes_a_time_up_or_loses_a_row_unseen() {
    let scratch = Scratch::new();
    let path = scratch.file("posts.csv", joined(&table(), ",", "\n"));
    let clean: BTreeSet<(String, i64)> = take(input(&path, Dialect::default()), Limits::BLOCK)
        .events
        .into_iter()
        .collect();
    assert_eq!(clean.len(), 12);
    let all = polluted();
    assert!(all.len() > 2000, "{}", all.len());
    let mut whole = 0;
    for (name, bytes) in &all {
        scratch.file("posts.csv", bytes);
        let taken = take(input(&path, Dialect::default()), Limits::BLOCK);
        taken.assert_sound(name);
        let in_user = name.contains("column 0");
        for event in &taken.events {
            let known = clean.contains(event)
                // What stands in the user's own cell is its id, and its time is right.
                || in_user && clean.iter().any(|(_, at)| *at == event.1);
            assert!(known, "{event:?} in {name}");
        }
        whole += usize::from(taken.events.len() == 12);
    }
    assert!(whole > 500, "only {whole} of {} read whole", all.len());
}

#[test]
fn case_42_pollution_ends_in_a_documented_exit_code() {
    let scratch = Scratch::new();
    for (name, bytes) in polluted().into_iter().step_by(29) {
        scratch.file("posts.csv", bytes);
        let strict = sessions(&scratch, &["posts.csv"]).run();
        assert!(matches!(strict.code(), Some(0 | 4)), "{name}: {strict:?}");
        let lenient = sessions(&scratch, &["posts.csv", "--max-rejects", "100%"]).run();
        match lenient.code() {
            Some(0) => drop(read_back(&lenient)),
            Some(4) => assert!(
                lenient.stderr().starts_with("error[IN-"),
                "{name}: {lenient:?}"
            ),
            _ => panic!("{name}: {lenient:?}"),
        }
    }
}

#[test]
fn case_44_known_hard_shapes_are_read_exactly() {
    for (cell, user) in [
        ("1,2", "refused"),
        ("\"Widget, Inc\"", "Widget, Inc"),
        ("\"a\"\"b\"", "a\"b"),
        ("\"\"\"\"", "\""),
        (
            "\"{\"\"type\"\": \"\"Point\"\", \"\"at\"\": [102.0, 0.5]}\"",
            "{\"type\": \"Point\", \"at\": [102.0, 0.5]}",
        ),
        ("\"Once upon \na time\"", "Once upon \na time"),
        ("\"Once upon \r\na time\"", "Once upon \r\na time"),
        ("\"ha \n\"\"ha\"\" \nha\"", "ha \n\"ha\" \nha"),
        ("\"\n\"", "\n"),
        ("ʤ", "ʤ"),
        ("\u{2028}", "\u{2028}"),
        ("'single, quotes'", "refused"),
        ("a\\\"b", "refused"),
        ("\"a \\\"\"b\"", "a \\\"b"),
        ("=1+1", "=1+1"),
    ] {
        for end in ["\n", "\r\n"] {
            let text =
                format!("user_id,created_at{end}{cell},2026-01-01T10:00:00Z{end}last,x{end}");
            let (events, rejects) = with_rejects(text, &[]);
            match user {
                "refused" => assert_eq!((events.len(), rejects.len()), (0, 2), "{cell}"),
                _ => {
                    assert_eq!(events, [format!("{user} 2026-01-01T10:00:00Z")]);
                    assert_eq!(rejects.len(), 1);
                }
            }
        }
    }
}

/// Bytes that mean something to the reader, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => prop::sample::select(b"\"\",,\n\r#; \0\xff\xefaZ1-:".to_vec()),
        1 => any::<u8>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn case_45_random_bytes_are_read_or_refused(
        bytes in prop::collection::vec(byte(), 0..300),
        with_header in any::<bool>(),
        header in any::<bool>(),
        pad in any::<bool>(),
        block in 1_usize..100,
    ) {
        let scratch = Scratch::new();
        let head: &[u8] = if with_header { b"user_id,created_at\n" } else { b"" };
        let path = scratch.file("posts.csv", [head, &bytes].concat());
        let dialect = Dialect { header, pad, comment: Some(b'#'), ..Dialect::default() };
        take(input(&path, dialect), block).assert_sound(&bytes);
    }

    #[test]
    fn case_45_mutated_rows_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), byte(), 0..3), 1..12),
        block in 1_usize..100,
    ) {
        let scratch = Scratch::new();
        let mut bytes = joined(&table(), ",", "\n").into_bytes();
        for (place, byte, kind) in &changes {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = *byte,
                1 => bytes.insert(at, *byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let path = scratch.file("posts.csv", &bytes);
        take(input(&path, Dialect::default()), block).assert_sound(&bytes);
    }
}

#[test]
fn rows_of_a_tsv_file_are_split_at_tabs() {
    let scratch = Scratch::new();
    scratch.file("posts.tsv", CLEAN.replace(',', "\t"));
    scratch.file("posts.txt", CLEAN.replace(',', "\t"));
    let named = sessions(&scratch, &["posts.tsv"]).run().expect_ok();
    assert_eq!(read_back(&named).0, CLEAN_EVENTS);
    assert!(named.stdout().contains("\"kind\":\"tsv\""));
    let said = sessions(&scratch, &["posts.txt", "--input-format", "tsv"]);
    assert_eq!(read_back(&said.run().expect_ok()).0, CLEAN_EVENTS);
}

#[test]
fn a_source_column_makes_its_values_the_sources() {
    let scratch = Scratch::new();
    scratch.file("posts.csv", CLEAN.replace("third", "first"));
    let args = ["posts.csv", "--source-column", "note", "--timeout", "1h"];
    let outcome = scratch
        .sessionize(["sessions"])
        .args(args)
        .args(["--now", "2026-02-01", "--format", "csv"])
        .run()
        .expect_ok();
    let sources: Vec<String> = outcome
        .stdout()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(6).expect("seven cells").to_owned())
        .collect();
    assert_eq!(sources, ["first:1", "first:1", "second:1"]);
}

#[test]
fn a_date_and_a_time_of_day_in_two_columns_are_one_time() {
    let text = "user_id,DATE,TIME\nada,2026-01-01,10:00:00\nbob,2026-01-01,\"11:00:00\"\n";
    let args = [
        "--time-column",
        "DATE",
        "--time-column",
        "TIME",
        "--source-timezone",
        "UTC",
    ];
    assert_eq!(events_of(text, &args), [CLEAN_EVENTS[0], CLEAN_EVENTS[2]]);
}

#[test]
fn many_values_of_a_source_column_end_the_run_soon() {
    let scratch = Scratch::new();
    let mut text = String::from("user_id,created_at,id\n");
    for row in 0..300_000 {
        text += &format!("1,2026-01-01T10:00:00Z,event {row}\n");
    }
    scratch.file("posts.csv", text);
    let begun = Instant::now();
    sessions(&scratch, &["posts.csv", "--source-column", "id"])
        .run()
        .expect_failure(9)
        .expect_stderr("error[LM-03]: ")
        .expect_stderr("more than 255 sources");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_text_that_cannot_be_read_has_its_own_id_for_each_place() {
    let scratch = Scratch::new();
    scratch.file("twice.csv", "user_id,ts,ts\n7,1,2\n");
    scratch.file("header.csv", b"user_id,created_at,n\xffme\n");
    scratch.file(
        "user.csv",
        b"user_id,created_at\nad\xff,2026-01-01T00:00:00Z\n",
    );
    for (file, id) in [
        ("twice.csv", "error[IN-04]"),
        ("header.csv", "error[IN-06]"),
        ("user.csv", "error[IN-24]"),
    ] {
        scratch.run([file]).expect_failure(4).expect_stderr(id);
    }
}

#[test]
fn a_column_may_name_as_many_sources_as_a_run_can_tell_apart() {
    let scratch = Scratch::new();
    let log = |kinds: u32| {
        let rows = (0..kinds).map(|kind| format!("7,2026-01-01T00:00:00Z,k{kind}\n"));
        format!("user_id,created_at,kind\n{}", rows.collect::<String>())
    };
    scratch.file("most.csv", log(255));
    scratch.file("over.csv", log(256));
    let listed = scratch
        .run([
            "sessions",
            "most.csv",
            "--source-column",
            "kind",
            "--format",
            "csv",
        ])
        .expect_ok();
    assert!(listed.stdout().contains(",0,255,k0:1;k1:1;"));
    scratch
        .run(["over.csv", "--source-column", "kind"])
        .expect_failure(9)
        .expect_stderr("more than 255 sources");
}

#[test]
fn lines_to_skip_beyond_the_end_are_told_as_that() {
    let scratch = Scratch::new();
    scratch.file("log.csv", "user_id,created_at\n7,2026-01-01T00:00:00Z\n");
    scratch
        .run(["log.csv", "--skip-lines", "100000000000"])
        .expect_failure(4)
        .expect_stderr("no header follows the first 100000000000 lines");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_bug_in_every_parsing_thread_ends_the_run_and_leaves_nobody_waiting() {
    let scratch = Scratch::new();
    let rows = "ada-secret,2026-01-01T00:00:00Z\n".repeat(500);
    scratch.file("log.csv", format!("user_id,created_at\n{rows}"));
    let outcome = scratch
        .sessionize(["log.csv", "--threads", "1"])
        .env("SESSIONIZE_BLOCK", "64")
        .env("SESSIONIZE_FAIL", "panic-while-parsing")
        .run();
    assert_eq!(outcome.code(), Some(101));
    assert!(outcome.stderr().contains("internal error"), "{outcome:?}");
    assert!(!outcome.stderr().contains("ada-secret"), "{outcome:?}");
}
