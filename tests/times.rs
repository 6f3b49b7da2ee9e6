//! Times as the whole program reads them: the right instant, or a refusal that names line, column
//! and value. Cases 76 and 78 to 93.

use crate::harness::{Outcome, Scratch};

const BERLIN: [&str; 2] = ["--source-timezone", "Europe/Berlin"];
const NEW_YORK: [&str; 2] = ["--source-timezone", "America/New_York"];

/// Reads each time as the only event of a user of its own.
fn run(times: &[&str], args: &[&str]) -> Outcome {
    let scratch = Scratch::new();
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["user_id", "at"])
        .expect("memory takes it");
    for (number, time) in times.iter().enumerate() {
        let user = format!("user-{number:03}");
        file.write_record([user.as_str(), time])
            .expect("memory takes it");
    }
    scratch.file("log.csv", file.into_inner().expect("memory takes it"));
    let call = scratch.sessionize(["sessions", "log.csv", "--format", "csv"]);
    call.args(["--now", "2026-11-01T00:00:00Z"])
        .args(args.iter().copied())
        .run()
}

/// The cells of one column of the listing.
fn column(outcome: &Outcome, name: &str) -> Vec<String> {
    let text = outcome.stdout();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let place = reader
        .headers()
        .expect("a header")
        .iter()
        .position(|header| header == name);
    let place = place.expect("the column is there");
    reader
        .records()
        .map(|row| row.expect("a row")[place].to_owned())
        .collect()
}

/// The instants of the times, in UTC.
#[track_caller]
fn instants(times: &[&str], args: &[&str]) -> Vec<String> {
    column(&run(times, args).expect_ok(), "start")
}

#[track_caller]
fn reads(args: &[&str], table: &[(&str, &str)]) {
    let times: Vec<&str> = table.iter().map(|(time, _)| *time).collect();
    let expected: Vec<&str> = table.iter().map(|(_, instant)| *instant).collect();
    assert_eq!(instants(&times, args), expected);
}

/// The time alone is refused, in line 2 of the column, with the id and these words.
#[track_caller]
fn refuses(time: &str, args: &[&str], id: &str, words: &str) {
    let outcome = run(&[time], args)
        .expect_failure(4)
        .expect_stderr(&format!(
            "error[{id}]: source \"log\" (csv, log.csv): line 2, column \"at\": "
        ))
        .expect_stderr(words)
        .expect_stderr("rejected: 1 of 1 rows cannot be used");
    assert!(outcome.stdout.is_empty());
}

/// The numbers are refused as a whole, whatever may be rejected.
#[track_caller]
fn needs_a_unit(numbers: &[&str], args: &[&str], saw: &str) {
    for budget in ["0", "1000", "100%"] {
        let args = [args, &["--max-rejects", budget]].concat();
        run(numbers, &args)
            .expect_failure(4)
            .expect_stderr("error[TM-01]: source \"log\" (csv, log.csv): numeric time needs a unit: s, ms, us or ns")
            .expect_stderr(saw)
            .expect_stderr("help: say it with --epoch-unit");
    }
}

#[test]
fn case_76_the_rfc_3339_corpus_is_read_as_the_standard_says() {
    reads(
        &[],
        &[
            ("1963-06-19T08:30:06.283185Z", "1963-06-19T08:30:06.283185Z"),
            ("1963-06-19T08:30:06Z", "1963-06-19T08:30:06Z"),
            ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"),
            ("1990-12-31T15:59:50.123-08:00", "1990-12-31T23:59:50.123Z"),
            ("1998-12-31T23:59:60Z", "1998-12-31T23:59:59Z"),
            ("1998-12-31T15:59:60.123-08:00", "1998-12-31T23:59:59.123Z"),
            ("1963-06-19t08:30:06.283185z", "1963-06-19T08:30:06.283185Z"),
        ],
    );
    for time in [
        "1998-12-31T23:59:61Z",
        "1998-12-31T23:58:60Z",
        "1998-12-31T22:59:60Z",
        "1990-02-31T15:59:59.123-08:00",
        "1990-12-31T15:59:59-24:00",
        "1963-06-19T08:30:06.28123+01:00Z",
        "06/19/1963 08:30:06 PST",
        "2013-350T01:01:01",
        "1963-6-19T08:30:06.283185Z",
        "1963-06-1T08:30:06.283185Z",
        "1963-06-1৪T00:00:00Z",
        "1963-06-11T0৪:00:00Z",
    ] {
        refuses(time, &[], "TM-02", &format!("\"{time}\" "));
    }
}

#[test]
fn case_78_the_unit_of_numbers_is_taken_where_all_fall_into_one() {
    // 1 772 441 400 s after 1970 is 2026-03-02 08:50.
    let instant = "2026-03-02T08:50:00Z";
    for (number, also, other) in [
        ("1772441400", "1772441401", "2026-03-02T08:50:01Z"),
        ("1772441400000", "1772441400001", "2026-03-02T08:50:00.001Z"),
        (
            "1772441400000000",
            "1772441400000001",
            "2026-03-02T08:50:00.000001Z",
        ),
        (
            "1772441400000000000",
            "1772441400000001999",
            "2026-03-02T08:50:00.000001Z",
        ),
        // 11 and 12 digits are milliseconds only before September 2001.
        ("1772441400", "946684800", "2000-01-01T00:00:00Z"),
        ("999999999999", "946684800000", "2000-01-01T00:00:00Z"),
    ] {
        let found = instants(&[number, also], &[]);
        assert_eq!(found[1], other, "{number}");
        if number.starts_with("1772") {
            assert_eq!(found[0], instant, "{number}");
        }
    }
}

#[test]
fn case_78_the_unit_that_was_taken_is_said() {
    let scratch = Scratch::new();
    scratch.file("log.csv", "user_id,at\nada,1772441400000\n");
    let call = scratch.sessionize(["log.csv", "--now", "2026-11-01"]);
    call.loud()
        .run()
        .expect_stderr("note: source \"log\" (csv, log.csv): numeric times are taken as ms");
    let call = scratch.sessionize(["log.csv", "--now", "2026-11-01", "--epoch-unit", "ms"]);
    assert!(!call.loud().run().stderr().contains("numeric times"));
}

#[test]
fn case_78_numbers_of_no_single_unit_need_one_whatever_may_be_rejected() {
    needs_a_unit(
        &["20240101"],
        &[],
        "saw 20240101 (of no single unit) at line 2",
    );
    needs_a_unit(&["0"], &[], "saw 0 (of no single unit) at line 2");
    needs_a_unit(
        &["99999999999"],
        &[],
        "saw 99999999999 (of no single unit) at line 2",
    );
    needs_a_unit(
        &["1772441400", "1772441400", "1772441400000"],
        &[],
        "saw 1772441400 (s) at line 2, 1772441400000 (ms) at line 4",
    );
}

#[test]
fn case_79_a_number_outside_the_window_is_a_reject_in_the_unit_that_was_said() {
    let seconds = ["--epoch-unit", "s"];
    refuses(
        "1704067200",
        &["--epoch-unit", "ms"],
        "TM-06",
        "1704067200 as ms is 1970-01-20; expected 2000..2100",
    );
    // The year 55969 of a second that was a millisecond.
    refuses(
        "1704067200000",
        &seconds,
        "TM-06",
        "1704067200000 as s is 55969-09-28; expected 2000..2100",
    );
    let mixed = ["1772441400", "1772441400000", "1772441460"];
    let allowed = run(&mixed, &[&seconds[..], &["--max-rejects", "1"]].concat()).expect_ok();
    assert_eq!(
        column(&allowed, "start"),
        ["2026-03-02T08:50:00Z", "2026-03-02T08:51:00Z"]
    );
}

#[test]
fn case_79_the_window_of_numbers_can_be_moved_and_is_for_numbers_only() {
    let wide = ["--epoch-unit", "s", "--epoch-window", "1960..2000"];
    reads(
        &wide,
        &[
            ("0", "1970-01-01T00:00:00Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("946684799", "1999-12-31T23:59:59Z"),
            ("1950-01-01T00:00:00Z", "1950-01-01T00:00:00Z"),
        ],
    );
    refuses(
        "946684800",
        &wide,
        "TM-06",
        "946684800 as s is 2000-01-01; expected 1960..2000",
    );
}

#[test]
fn case_80_old_times_are_right_or_refused() {
    reads(
        &[],
        &[
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            (
                "1969-12-31T23:59:59.9999999Z",
                "1969-12-31T23:59:59.999999Z",
            ),
            ("1901-12-13T20:45:51Z", "1901-12-13T20:45:51Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ],
    );
    for year in ["0000", "0001"] {
        let time = format!("{year}-01-01T00:00:00Z");
        refuses(
            &time,
            &[],
            "TM-07",
            &format!("\"{time}\" lies outside the range that can be kept"),
        );
    }
    let earliest = ["--min-time", "2020-01-01"];
    assert_eq!(instants(&["2020-01-01T00:00:00Z"], &earliest).len(), 1);
    refuses(
        "2019-12-31T23:59:59.999999Z",
        &earliest,
        "TM-07",
        "is before 2020-01-01T00:00:00Z, the earliest time asked for (--min-time)",
    );
}

#[test]
fn case_80_an_instant_of_zero_is_kept_and_warned_about() {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        "user_id,at\nada,1970-01-01T00:00:00Z\nbob,2026-03-02T08:50:00Z\n",
    );
    let call = scratch.sessionize([
        "sessions",
        "log.csv",
        "--now",
        "2026-11-01",
        "--format",
        "csv",
    ]);
    let outcome = call.loud().run().expect_stderr(
        "note: source \"log\" (csv, log.csv): 1 time is 1970-01-01T00:00:00Z, likely a missing value",
    );
    assert_eq!(column(&outcome, "start").len(), 2);
}

#[test]
fn case_81_late_times_are_right_or_refused_and_never_wrap() {
    reads(
        &[],
        &[
            ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08Z"),
            ("2106-02-07T06:28:16Z", "2106-02-07T06:28:16Z"),
            ("2999-12-31T23:59:59Z", "2999-12-31T23:59:59Z"),
        ],
    );
    refuses(
        "9999-12-31T23:59:59Z",
        &[],
        "TM-07",
        "lies outside the range that can be kept",
    );
    refuses(
        "10000-01-01T00:00:00Z",
        &[],
        "TM-02",
        "\"10000-01-01T00:00:00Z\" is not an instant",
    );
    let most = i64::MAX.to_string();
    refuses(
        &most,
        &["--epoch-unit", "ns"],
        "TM-06",
        "as ns is 2262-04-11; expected 2000..2100",
    );
    refuses(
        &most,
        &["--epoch-unit", "s"],
        "TM-06",
        "as s is beyond the calendar; expected 2000..2100",
    );
    refuses(
        "9223372036854775808",
        &["--epoch-unit", "ns"],
        "TM-02",
        "\"9223372036854775808\" is not an instant",
    );
}

#[test]
fn case_82_a_leap_second_is_the_second_before_and_counted() {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        "user_id,at\nada,2016-12-31T23:59:60Z\nada,2017-01-01T05:29:60.5+05:30\n",
    );
    let call = scratch.sessionize([
        "sessions",
        "log.csv",
        "--format",
        "json",
        "--now",
        "2026-11-01",
    ]);
    let text = call.run().expect_ok().stdout();
    let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(value["run"]["sources"][0]["leap_seconds"], 2);
    assert_eq!(value["sessions"][0]["start"], "2016-12-31T23:59:59Z");
    assert_eq!(value["sessions"][0]["end"], "2016-12-31T23:59:59.500Z");
    for time in [
        "2015-12-31T23:59:60Z",
        "2016-12-31T23:59:60+01:00",
        "2024-06-30T12:00:60Z",
    ] {
        refuses(
            time,
            &[],
            "TM-02",
            &format!("\"{time}\" is not a real leap second"),
        );
    }
}

#[test]
fn case_82_the_hour_24_is_the_next_day_where_that_is_said() {
    let next_day = ["--hour-24", "next-day"];
    reads(
        &next_day,
        &[
            ("2026-02-28T24:00:00Z", "2026-03-01T00:00:00Z"),
            ("2025-12-31T24:00:00Z", "2026-01-01T00:00:00Z"),
            ("2024-02-28 24:00:00+01:00", "2024-02-28T23:00:00Z"),
        ],
    );
    refuses(
        "2026-02-28T24:00:00Z",
        &[],
        "TM-02",
        "has the hour 24; --hour-24 next-day takes it",
    );
    for time in ["2026-02-28T24:00:01Z", "2026-02-28T25:00:00Z"] {
        refuses(time, &next_day, "TM-02", &format!("\"{time}\" "));
    }
}

#[test]
fn case_83_an_hour_that_the_clock_skips_is_refused_or_moved_forward() {
    // Berlin goes from 02:00 to 03:00 on 2024-03-31, New York on 2024-03-10.
    for (zone, day, name, before, moved, after) in [
        (
            BERLIN,
            "2024-03-31",
            "Europe/Berlin",
            "00:59:59",
            "01:30:00",
            "01:00:00",
        ),
        (
            NEW_YORK,
            "2024-03-10",
            "America/New_York",
            "06:59:59",
            "07:30:00",
            "07:00:00",
        ),
    ] {
        let skipped = format!("{day} 02:30");
        let words = format!(
            "\"{skipped}\" does not exist in {name}: the clock was put forward over it; --skipped-hour forward moves it"
        );
        refuses(&skipped, &zone, "TM-04", &words);
        refuses(&format!("{day} 02:00:00"), &zone, "TM-04", "does not exist");
        refuses(
            &format!("{day} 02:59:59.999999"),
            &zone,
            "TM-04",
            "does not exist",
        );
        let forward = [&zone[..], &["--skipped-hour", "forward"]].concat();
        let times = [
            format!("{day} 01:59:59"),
            skipped,
            format!("{day} 03:00:00"),
        ];
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let expected = [before, moved, after].map(|time| format!("{day}T{time}Z"));
        assert_eq!(instants(&times, &forward), expected);
    }
}

#[test]
fn case_84_an_hour_that_the_clock_repeats_is_refused_or_chosen() {
    // Berlin goes from 03:00 back to 02:00 on 2024-10-27, New York from 02:00 to 01:00 on 2024-11-03.
    for (zone, time, name, earlier, later) in [
        (
            BERLIN,
            "2024-10-27 02:30",
            "Europe/Berlin",
            "2024-10-27T00:30:00Z",
            "2024-10-27T01:30:00Z",
        ),
        (
            NEW_YORK,
            "2024-11-03 01:30",
            "America/New_York",
            "2024-11-03T05:30:00Z",
            "2024-11-03T06:30:00Z",
        ),
    ] {
        let words = format!(
            "\"{time}\" exists twice in {name}: the clock was put back over it; choose with --repeated-hour earlier|later"
        );
        refuses(time, &zone, "TM-05", &words);
        for (which, instant) in [("earlier", earlier), ("later", later)] {
            let args = [&zone[..], &["--repeated-hour", which]].concat();
            assert_eq!(instants(&[time], &args), [instant], "{which}");
            let scratch = Scratch::new();
            scratch.file("log.csv", format!("user_id,at\nada,{time}\n"));
            let call = scratch
                .sessionize(["log.csv", "--now", "2026-11-01"])
                .args(args);
            call.loud().run().expect_stderr(
                "note: source \"log\" (csv, log.csv): 1 time of a repeated hour was chosen by --repeated-hour",
            );
        }
    }
}

#[test]
fn case_85_a_length_is_elapsed_time_whatever_the_clock_shows() {
    // Two hours on the clock of Berlin are one hour in spring and three in autumn.
    for (from, to, seconds) in [
        ("2024-03-31 01:30", "2024-03-31 03:30", "3600"),
        ("2024-10-27 01:30", "2024-10-27 03:30", "10800"),
        ("2024-12-31 23:30", "2025-01-01 01:30", "7200"),
        ("2024-02-29 23:59:59", "2024-03-01 00:00:01", "2"),
    ] {
        let scratch = Scratch::new();
        scratch.file("log.csv", format!("user_id,at\nada,{from}\nada,{to}\n"));
        for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"] {
            let call =
                scratch.sessionize(["sessions", "log.csv", "--format", "csv", "--timeout", "3h"]);
            let outcome = call
                .args(["--now", "2026-11-01", "--timezone", zone])
                .args(BERLIN)
                .run()
                .expect_ok();
            assert_eq!(
                column(&outcome, "duration_seconds"),
                [seconds],
                "{from} {zone}"
            );
        }
    }
}

#[test]
fn case_87_a_time_without_a_zone_is_refused_in_a_file() {
    for time in [
        "2026-03-02 09:00",
        "2026-03-02T09:00:00",
        "2026-03-02 09:00:00.5",
    ] {
        let words = format!(
            "\"{time}\" has no offset; set timezone = \"…\" for the source, or --source-timezone"
        );
        refuses(time, &[], "TM-03", &words);
        // The report's zone says nothing about the source.
        refuses(time, &["--timezone", "Europe/Berlin"], "TM-03", &words);
    }
    reads(&BERLIN, &[("2026-03-02 09:00", "2026-03-02T08:00:00Z")]);
    reads(&NEW_YORK, &[("2026-03-02 09:00", "2026-03-02T14:00:00Z")]);
}

#[test]
fn case_88_zones_are_names_or_offsets() {
    for (zone, instant) in [
        ("+05:30", "2026-03-02T03:30:00Z"),
        ("+0530", "2026-03-02T03:30:00Z"),
        ("+05", "2026-03-02T04:00:00Z"),
        ("-00:00", "2026-03-02T09:00:00Z"),
        ("Asia/Kathmandu", "2026-03-02T03:15:00Z"),
    ] {
        let flag = format!("--source-timezone={zone}");
        assert_eq!(
            instants(&["2026-03-02 09:00"], &[&flag]),
            [instant],
            "{zone}"
        );
    }
    for zone in ["EST", "IST", "BST", "CST", "+24:00", "+5:30", "05:30"] {
        run(
            &["2026-03-02 09:00"],
            &[&format!("--source-timezone={zone}")],
        )
        .expect_failure(2)
        .expect_stderr("error[CF-04]: --source-timezone")
        .expect_stderr(&format!("\"{zone}\""));
    }
    reads(
        &[],
        &[
            ("2026-03-02 09:00+05:30", "2026-03-02T03:30:00Z"),
            ("2026-03-02 09:00+0530", "2026-03-02T03:30:00Z"),
            ("2026-03-02 09:00-05", "2026-03-02T14:00:00Z"),
        ],
    );
}

#[test]
fn case_89_day_and_month_are_never_guessed() {
    for time in [
        "03/04/2024",
        "13/04/2024",
        "03/04/24 10:00",
        "3. März 2024",
        "2024-13-01T00:00:00Z",
    ] {
        refuses(time, &BERLIN, "TM-02", &format!("\"{time}\" "));
    }
    let day_first = [&BERLIN[..], &["--time-format", "%d/%m/%Y %H:%M"]].concat();
    reads(
        &day_first,
        &[
            ("03/04/2024 10:00", "2024-04-03T08:00:00Z"),
            ("13/04/2024 10:00", "2024-04-13T08:00:00Z"),
        ],
    );
    let month_first = [&BERLIN[..], &["--time-format", "%m/%d/%Y %H:%M"]].concat();
    reads(
        &month_first,
        &[("03/04/2024 10:00", "2024-03-04T09:00:00Z")],
    );
    // The first row that contradicts the format is named.
    run(
        &["03/04/2024 10:00", "12/04/2024 10:00", "13/04/2024 10:00"],
        &month_first,
    )
    .expect_failure(4)
    .expect_stderr(
        "error[TM-02]: source \"log\" (csv, log.csv): line 4, column \"at\": \"13/04/2024 10:00\"",
    );
}

#[test]
fn case_90_date_and_time_of_day_may_stand_in_two_columns() {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        "DATE,who,TIME\n02.03.2026,ada,09:00\n03.03.2026,ada,10:30\n",
    );
    let columns = [
        "--user-column",
        "who",
        "--time-column",
        "DATE",
        "--time-column",
        "TIME",
    ];
    let call = || {
        scratch
            .sessionize([
                "sessions",
                "log.csv",
                "--format",
                "csv",
                "--now",
                "2026-11-01",
            ])
            .args(columns)
            .args(BERLIN)
    };
    let format = ["--time-format", "%d.%m.%Y %H:%M"];
    let outcome = call().args(format).run().expect_ok();
    assert_eq!(
        column(&outcome, "start"),
        ["2026-03-02T08:00:00Z", "2026-03-03T09:30:00Z"]
    );
    scratch.file(
        "sessionize.toml",
        "now = \"2026-11-01\"\nformat = \"csv\"\n[[source]]\npath = \"log.csv\"\nuser = \"who\"\n\
         time = [\"DATE\", \"TIME\"]\ntime_format = \"%d.%m.%Y %H:%M\"\ntimezone = \"Europe/Berlin\"\n",
    );
    assert_eq!(scratch.run(["sessions"]).expect_ok().stdout, outcome.stdout);
    scratch.file(
        "log.csv",
        "DATE,who,TIME\n2026-03-02,ada,09:00\n2026-03-02,ada,9:70\n",
    );
    call()
        .run()
        .expect_failure(4)
        .expect_stderr("error[TM-02]: source \"log\" (csv, log.csv): line 3, column ")
        .expect_stderr("\"2026-03-02 9:70\"");
}

#[test]
fn case_91_numbers_of_other_programs_are_refused_with_their_value() {
    for time in [
        "45292.5",
        "1.70407e9",
        "1,704,067,200",
        "'1704067200'",
        " 1704067200",
        "1704067200 ",
        "+1704067200",
        "01704067200",
        "১704067200",
        "1704067200\n",
        "0x65920080",
        "null",
        "NaN",
    ] {
        let shown = time.replace('\n', "\\n");
        refuses(time, &[], "TM-02", &format!("\"{shown}\" "));
    }
    refuses("", &[], "TM-09", "the time is empty");
    refuses(
        "NULL",
        &["--null-word", "NULL"],
        "TM-09",
        "the time is empty",
    );
    let long = "9".repeat(500);
    let outcome = run(&[&long], &[]).expect_failure(4);
    assert!(
        outcome
            .stderr()
            .lines()
            .next()
            .is_some_and(|line| line.len() < 250),
        "{outcome:?}"
    );
}

#[test]
fn case_92_digits_beyond_the_microsecond_are_floored_and_counted() {
    reads(
        &[],
        &[
            ("2026-03-02T09:00:00.1Z", "2026-03-02T09:00:00.100Z"),
            ("2026-03-02T09:00:00.123456Z", "2026-03-02T09:00:00.123456Z"),
            (
                "2026-03-02T09:00:00.1234569Z",
                "2026-03-02T09:00:00.123456Z",
            ),
            (
                "2026-03-02T09:00:00.999999999999999Z",
                "2026-03-02T09:00:00.999999Z",
            ),
        ],
    );
    refuses(
        "2026-03-02T09:00:00,5Z",
        &[],
        "TM-02",
        "\"2026-03-02T09:00:00,5Z\" ",
    );
}

#[test]
fn case_93_an_event_after_now_is_kept_and_said_and_its_session_is_open() {
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        "user_id,at\nada,2026-03-02T09:00:00Z\nbob,2026-03-05T00:00:00Z\n",
    );
    let call = || scratch.sessionize(["sessions", "log.csv", "--now", "2026-03-03"]);
    let outcome = call().args(["--format", "csv"]).loud().run().expect_stderr(
        "warning: 1 event lies after now, 2026-03-03T00:00:00Z; its session counts as open",
    );
    assert_eq!(column(&outcome, "open"), ["false", "true"]);
    let json = call().args(["--format", "json"]).run().expect_ok().stdout();
    let value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(value["run"]["events_after_now"], 1);
}

#[test]
fn case_93_an_event_too_far_after_now_is_a_reject_where_that_is_said() {
    let now = ["--now", "2026-03-03T00:00:00Z"];
    let times = ["2026-03-04T00:00:00Z", "2026-03-04T00:00:00.000001Z"];
    let scratch = Scratch::new();
    scratch.file(
        "log.csv",
        format!("user_id,at\nada,{}\nbob,{}\n", times[0], times[1]),
    );
    let call = scratch.sessionize(["sessions", "log.csv", "--max-future", "24h"]);
    call.args(now).run().expect_failure(4).expect_stderr(
        "error[TM-08]: source \"log\" (csv, log.csv): line 3, column \"at\": \
         \"2026-03-04T00:00:00.000001Z\" is after 2026-03-04T00:00:00Z",
    );
}

mod laws {
    use proptest::prelude::*;
    use proptest::test_runner::Config;

    use super::*;

    proptest! {
        #![proptest_config(Config::with_cases(60))]

        #[test]
        fn no_text_as_a_time_makes_a_panic_and_every_row_is_accounted_for(
            times in prop::collection::vec("[-0-9T:.Z+ ]{0,24}|\\PC{0,12}|[0-9]{9,20}", 1..8),
            zoned in any::<bool>(),
        ) {
            let times: Vec<&str> = times.iter().map(String::as_str).collect();
            let zone: &[&str] = if zoned { &BERLIN } else { &[] };
            let outcome = run(&times, &[zone, &["--max-rejects", "100%"]].concat());
            prop_assert!(matches!(outcome.code(), Some(0 | 4)), "{outcome:?}");
            if outcome.code() == Some(4) {
                prop_assert!(outcome.stderr().starts_with("error[TM-01]"), "{outcome:?}");
            }
        }
    }
}
