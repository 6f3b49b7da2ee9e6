//! How times, durations, zones and calendar periods are read and printed.

use proptest::prelude::*;

use sessionize::error;
use sessionize::events::{EARLIEST, LATEST, Micros, SECOND};
use sessionize::time::duration::{DurationError, Timeout, parse_length, write_duration};
use sessionize::time::period::{Calendar, Period, PeriodLength, containing, label};
use sessionize::time::timestamp::{
    Boundary, EpochUnit, Hour24, RepeatedHour, SkippedHour, TimeCounts, TimeParser, TimeRefusal,
    TimeSpec, parse_boundary, print_instant, quoted, write_instant,
};
use sessionize::time::zone::{LocalResolver, LocalTime, Zone, ZoneError};

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap_or_else(|error| panic!("{error}"))
}

fn in_zone(name: &str) -> TimeSpec {
    TimeSpec {
        zone: Some(zone(name)),
        ..TimeSpec::default()
    }
}

fn with_unit(unit: EpochUnit) -> TimeSpec {
    TimeSpec {
        epoch_unit: Some(unit),
        ..TimeSpec::default()
    }
}

fn with_format(format: &str) -> TimeSpec {
    TimeSpec {
        format: Some(format.to_owned()),
        ..TimeSpec::default()
    }
}

fn parsed(spec: &TimeSpec, text: &str) -> (Result<Micros, TimeRefusal>, TimeCounts) {
    let mut parser = TimeParser::new(spec);
    let at = parser.text(text.as_bytes(), 0);
    (at, parser.counts().clone())
}

fn parse(text: &str) -> Result<Micros, TimeRefusal> {
    parsed(&TimeSpec::default(), text).0
}

fn refusal(spec: &TimeSpec, text: &str) -> TimeRefusal {
    match parsed(spec, text).0 {
        Err(refusal) => refusal,
        Ok(at) => panic!("{text:?} was taken as {}", print_instant(at)),
    }
}

/// An instant written with an offset.
fn utc(text: &str) -> Micros {
    parse(text).unwrap_or_else(|refusal| panic!("{}", refusal.message))
}

// Durations.

#[test]
fn a_timeout_is_read_in_every_common_notation() {
    for (text, micros) in [
        ("30m", 30 * MINUTE),
        ("1h 30m", 90 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("90s", 90 * SECOND),
        ("1500ms", 1_500_000),
        ("1.5h", 90 * MINUTE),
        ("30 minutes", 30 * MINUTE),
        ("1s", SECOND),
        ("3650d", 3650 * DAY),
        ("1s 1us", SECOND + 1),
        ("1s 1000ns", SECOND + 1),
    ] {
        assert_eq!(text.parse().map(Timeout::micros), Ok(micros), "{text}");
    }
}

#[test]
fn a_timeout_without_unit_or_out_of_range_is_refused_with_the_range() {
    for text in [
        "",
        " ",
        "0",
        "0s",
        "-5m",
        "30",
        "30x",
        "1e30h",
        "999ms",
        "3651d",
        "1w",
        "1M",
        "1month",
        "1y",
        "2 years",
        "1s 1ns",
        "h",
        "PT30M",
        "99999999999999999999h",
        "213503982334601d",
        "٣m",
        "3650d 1us",
        "18446744073709551615s 999999999ns",
        "30m\0",
        "µ",
    ] {
        let refused = text.parse::<Timeout>();
        assert_eq!(refused, Err(DurationError::Timeout), "{text:?}");
    }
    assert_eq!(
        DurationError::Timeout.to_string(),
        "timeout must be between 1s and 3650d, with a unit (for example 30m)"
    );
    assert!(Timeout::from_micros(SECOND - 1).is_err());
    assert!(Timeout::from_micros(i64::MIN).is_err());
    assert!(Timeout::from_micros(3650 * DAY + 1).is_err());
}

#[test]
fn a_duration_is_printed_in_the_notation_in_which_it_is_typed() {
    for (micros, text) in [
        (30 * MINUTE, "30m"),
        (90 * MINUTE, "1h 30m"),
        (90 * SECOND, "1m 30s"),
        (1_500_000, "1s 500ms"),
        (26 * HOUR, "1d 2h"),
        (3650 * DAY, "3650d"),
        (1, "1us"),
        (0, "0s"),
        (-5 * MINUTE, "-5m"),
    ] {
        assert_eq!(write_duration(micros), text);
    }
    assert_eq!(Timeout::DEFAULT.to_string(), "30m");
    assert!(write_duration(i64::MIN).starts_with("-106751991d"));
}

#[test]
fn other_lengths_are_positive_and_at_most_a_hundred_years() {
    assert_eq!(parse_length("1us"), Ok(1));
    assert_eq!(parse_length("36500d"), Ok(36_500 * DAY));
    for text in ["0s", "36501d", "1w", "12", "-1h"] {
        assert_eq!(parse_length(text), Err(DurationError::Length), "{text}");
    }
    assert_eq!(
        DurationError::Length.to_string(),
        "duration must be more than 0 and at most 36500d, with a unit (for example 12h)"
    );
}

proptest! {
    #[test]
    fn a_printed_timeout_is_read_as_the_same(micros in SECOND..=3650 * DAY) {
        let timeout = Timeout::from_micros(micros).expect("in range");
        prop_assert_eq!(timeout.to_string().parse(), Ok(timeout));
    }

    #[test]
    fn no_text_makes_a_duration_panic(text in "\\PC{0,12}", digits in "[0-9.]{0,25}[smhdwyM]{0,2}") {
        let _ = text.parse::<Timeout>();
        let _ = parse_length(&digits);
    }
}

// Zones.

#[test]
fn offsets_and_names_are_zones() {
    for (text, offset, printed) in [
        ("+05:30", 19_800, "+05:30"),
        ("+0530", 19_800, "+05:30"),
        ("+05", 18_000, "+05:00"),
        ("-03:30", -12_600, "-03:30"),
        ("-00:30", -1_800, "-00:30"),
        ("+23:59", 86_340, "+23:59"),
        ("-00:00", 0, "UTC"),
        ("+00", 0, "UTC"),
        ("Z", 0, "UTC"),
        ("UTC", 0, "UTC"),
        ("Asia/Kolkata", 19_800, "Asia/Kolkata"),
        ("Asia/Kathmandu", 20_700, "Asia/Kathmandu"),
    ] {
        let zone = zone(text);
        assert_eq!(
            zone.offset_at(utc("2024-01-01T00:00:00Z")),
            offset,
            "{text}"
        );
        assert_eq!(zone.to_string(), printed);
    }
    assert_eq!(zone("-00:00"), Zone::UTC);
}

#[test]
fn offsets_of_a_day_or_more_and_malformed_ones_are_refused() {
    for text in ["+24:00", "-24", "+99:00", "+05:60"] {
        assert!(
            matches!(Zone::parse(text), Err(ZoneError::Offset { .. })),
            "{text}"
        );
    }
    for text in [
        "+5",
        "+5:30",
        "+05:3",
        "+",
        "-",
        "+05:30:00",
        "+٠٥",
        "05:30",
        "",
        "+05 30",
    ] {
        assert!(
            matches!(Zone::parse(text), Err(ZoneError::Unknown { .. })),
            "{text}"
        );
    }
}

#[test]
fn letters_that_mean_several_zones_are_refused_with_a_city() {
    for text in [
        "EST", "IST", "BST", "CST", "MST", "PST", "EDT", "HST", "CET", "MET", "est",
    ] {
        let Err(error @ ZoneError::Ambiguous { city, .. }) = Zone::parse(text) else {
            panic!("{text} is not ambiguous");
        };
        assert!(Zone::parse(city).is_ok(), "{city}");
        assert!(
            error
                .to_string()
                .contains("is ambiguous; name a city, for example ")
        );
    }
    assert_eq!(
        Zone::parse("EST").expect_err("ambiguous").to_string(),
        "time zone \"EST\" is ambiguous; name a city, for example America/New_York"
    );
}

#[test]
fn an_unknown_zone_is_refused_with_the_nearest_name() {
    for (text, message) in [
        ("Foo/Bar", "unknown time zone \"Foo/Bar\""),
        (
            "Europe/Berln",
            "unknown time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?",
        ),
        (
            "europe/berlin",
            "unknown time zone \"europe/berlin\"; did you mean \"Europe/Berlin\"?",
        ),
        (
            "New York",
            "unknown time zone \"New York\"; did you mean \"America/New_York\"?",
        ),
        ("utc", "unknown time zone \"utc\"; did you mean \"UTC\"?"),
        ("a\u{202e}b", "unknown time zone \"a\\u{202e}b\""),
    ] {
        let error = Zone::parse(text).expect_err("unknown");
        assert_eq!(error.to_string(), message);
    }
    assert!(Zone::parse(&"x".repeat(1_000_000)).is_err());
}

#[test]
fn every_change_of_every_zone_is_found_exactly() {
    let from = utc("1970-01-01T00:00:00Z");
    let to = utc("2038-01-01T00:00:00Z");
    let mut changes = 0;
    for named in chrono_tz::TZ_VARIANTS {
        let zone = Zone::Named(named);
        let mut resolver = LocalResolver::new(zone);
        let mut at = from;
        while at < to {
            let next = at + 3 * DAY;
            if zone.offset_at(at) != zone.offset_at(next) {
                changes += 1;
                assert_change(&zone, &mut resolver, change_between(&zone, at, next));
            }
            at = next;
        }
    }
    assert!(changes > 20_000, "only {changes} changes were found");
}

/// The first instant with the offset of `to`, to the second.
fn change_between(zone: &Zone, from: Micros, to: Micros) -> Micros {
    let (mut from, mut to) = (from / SECOND, to / SECOND);
    let after = zone.offset_at(to * SECOND);
    while to - from > 1 {
        let middle = (from + to) / 2;
        if zone.offset_at(middle * SECOND) == after {
            to = middle;
        } else {
            from = middle;
        }
    }
    to * SECOND
}

fn assert_change(zone: &Zone, resolver: &mut LocalResolver, change: Micros) {
    let old = Micros::from(zone.offset_at(change - SECOND)) * SECOND;
    let new = Micros::from(zone.offset_at(change)) * SECOND;
    let expected = if new > old {
        vec![
            (change + old - SECOND, LocalTime::Single(change - SECOND)),
            (change + old, LocalTime::Skipped { forward: change }),
            (
                change + new - 1,
                LocalTime::Skipped {
                    forward: change + new - old - 1,
                },
            ),
            (change + new, LocalTime::Single(change)),
            (change + new + SECOND, LocalTime::Single(change + SECOND)),
        ]
    } else {
        vec![
            (change + new - 1, LocalTime::Single(change + new - old - 1)),
            (
                change + new,
                LocalTime::Repeated {
                    earlier: change + new - old,
                    later: change,
                },
            ),
            (
                change + old - SECOND,
                LocalTime::Repeated {
                    earlier: change - SECOND,
                    later: change + old - new - SECOND,
                },
            ),
            (change + old, LocalTime::Single(change + old - new)),
        ]
    };
    for (local, time) in expected {
        let place = format!("{zone} at {}", print_instant(local));
        assert_eq!(zone.to_utc(local), time, "{place}");
        assert_eq!(resolver.to_utc(local), time, "{place}, resolved");
    }
    for at in [change - SECOND, change, change + SECOND] {
        let found = match zone.to_utc(zone.to_local(at)) {
            LocalTime::Single(found) => found == at,
            LocalTime::Repeated { earlier, later } => earlier == at || later == at,
            LocalTime::Skipped { .. } => false,
        };
        assert!(found, "{zone} at {}", print_instant(at));
    }
}

proptest! {
    #[test]
    fn the_resolver_agrees_with_the_zone_on_runs_of_local_times(
        zone in 0..chrono_tz::TZ_VARIANTS.len(),
        locals in prop::collection::vec(-80 * 365 * DAY..80 * 365 * DAY, 1..20),
    ) {
        let zone = Zone::Named(chrono_tz::TZ_VARIANTS[zone]);
        let mut resolver = LocalResolver::new(zone);
        for local in locals {
            for near in [local, local + 1, local + HOUR, local + 12 * HOUR, local] {
                prop_assert_eq!(resolver.to_utc(near), zone.to_utc(near));
            }
        }
    }
}

// Instants as text.

#[test]
fn the_rfc_3339_corpus_is_read_or_refused_as_the_standard_says() {
    for (text, micros) in [
        ("1963-06-19T08:30:06.283185Z", -206_292_593_716_815),
        ("1963-06-19T08:30:06Z", -206_292_594_000_000),
        ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000),
        ("1990-12-31T15:59:50.123-08:00", 662_687_990_123_000),
        ("1998-12-31T23:59:60Z", 915_148_799_000_000),
        ("1998-12-31T15:59:60.123-08:00", 915_148_799_123_000),
        ("1963-06-19t08:30:06.283185z", -206_292_593_716_815),
    ] {
        assert_eq!(parse(text), Ok(micros), "{text}");
    }
    for text in [
        "1998-12-31T23:59:61Z",
        "1998-12-31T23:58:60Z",
        "1998-12-31T22:59:60Z",
        "1998-12-31T22:59:60.123-08:00",
        "1990-02-31T15:59:59.123-08:00",
        "1990-12-31T15:59:59-24:00",
        "1990-12-31T24:00:00Z",
        "1990-12-31T10:60:00Z",
        "1990-12-31T15:59:59-08:60",
        "1963-06-19T08:30:06.28123+01:00Z",
        "06/19/1963 08:30:06 PST",
        "2013-350T01:01:01",
        "1963-6-19T08:30:06.283185Z",
        "1963-06-1T08:30:06.283185Z",
        "1963-06-1৪T00:00:00Z",
        "1963-06-11T0৪:00:00Z",
        "1963-06-19T08:30:06.Z",
        "+11963-06-19T08:30:06.283185Z",
        "1963-06-19",
        "1963-06-19X08:30:06Z",
    ] {
        let refused = refusal(&TimeSpec::default(), text);
        assert_eq!(refused.kind, error::NOT_AN_INSTANT, "{text}");
        assert!(
            refused.message.starts_with(&format!("\"{text}\" ")),
            "{}",
            refused.message
        );
    }
    let offsetless = refusal(&TimeSpec::default(), "1963-06-19T08:30:06.283185");
    assert_eq!(offsetless.kind, error::NO_OFFSET);
}

#[test]
fn seconds_and_offset_may_be_short() {
    let ten = 1_704_103_200 * SECOND;
    for text in [
        "2024-01-01T10:00Z",
        "2024-01-01 10:00:00Z",
        "2024-01-01 12:00+02",
        "2024-01-01 12:00:00+0200",
        "2024-01-01 12:00:00.0+02:00",
        "2024-01-01 10:00:00-00:00",
        "2024-01-01t04:30-05:30",
    ] {
        assert_eq!(parse(text), Ok(ten), "{text}");
    }
    let berlin = in_zone("Europe/Berlin");
    for text in [
        "2024-01-01 11:00",
        "2024-01-01T11:00:00",
        "2024-01-01 11:00:00.000",
    ] {
        let (at, counts) = parsed(&berlin, text);
        assert_eq!((at, counts.zoneless), (Ok(ten), 1), "{text}");
    }
}

#[test]
fn values_of_other_programs_are_refused_with_the_value_quoted() {
    let spec = in_zone("UTC");
    for (text, shown) in [
        ("45292.5", "\"45292.5\""),
        ("1.70407e9", "\"1.70407e9\""),
        ("1,704,067,200", "\"1,704,067,200\""),
        (" 2024-01-01T10:00:00Z", "\" 2024-01-01T10:00:00Z\""),
        ("2024-01-01T10:00:00Z ", "\"2024-01-01T10:00:00Z \""),
        ("2024-01-01T10:00:00Z\n", "\"2024-01-01T10:00:00Z\\n\""),
        ("2024-01-01 10:00:00,5", "\"2024-01-01 10:00:00,5\""),
        ("2024-01-01  10:00:00", "\"2024-01-01  10:00:00\""),
        ("2024-01-01 10:00:00 +0200", "\"2024-01-01 10:00:00 +0200\""),
        ("2024-01-01 9:00:00", "\"2024-01-01 9:00:00\""),
        ("03/04/2024", "\"03/04/2024\""),
        ("13/04/2024 10:00", "\"13/04/2024 10:00\""),
        ("24-01-01 10:00:00", "\"24-01-01 10:00:00\""),
        ("1. März 2024", "\"1. März 2024\""),
        ("'1704067200'", "\"'1704067200'\""),
        ("+1704067200", "\"+1704067200\""),
        ("01704067200", "\"01704067200\""),
        ("99999999999999999999", "\"99999999999999999999\""),
        ("১704067200", "\"১704067200\""),
        ("null", "\"null\""),
        (
            "2024-01-01T10:00:00\u{200b}Z",
            "\"2024-01-01T10:00:00\\u{200b}Z\"",
        ),
    ] {
        let refused = refusal(&spec, text);
        assert_eq!(refused.kind, error::NOT_AN_INSTANT, "{text}");
        assert!(refused.message.starts_with(shown), "{}", refused.message);
    }
    assert_eq!(
        refusal(&spec, "2024-01-01").message,
        "\"2024-01-01\" has no time of day; expected for example 2024-01-31T09:30:00Z"
    );
    assert_eq!(refusal(&spec, "").kind, error::NO_TIME);
}

#[test]
fn a_quoted_value_shows_what_is_hidden_and_is_cut_at_80_characters() {
    assert_eq!(quoted(b"a\"b\\c\x07\xff"), r#""a\"b\\c\u{7}\xff""#);
    assert_eq!(
        quoted("\u{feff}x\u{a0}\u{2066}".as_bytes()),
        r#""\u{feff}x\u{a0}\u{2066}""#
    );
    let longest = "é".repeat(80);
    assert_eq!(quoted(longest.as_bytes()), format!("\"{longest}\""));
    let cut = format!("\"{}…\"", "é".repeat(79));
    assert_eq!(quoted("é".repeat(81).as_bytes()), cut);
    assert_eq!(quoted("é".repeat(100_000).as_bytes()), cut);
    assert_eq!(quoted(b""), "\"\"");
}

#[test]
fn every_day_is_checked_against_the_calendar() {
    for text in ["2024-02-29", "2000-02-29", "2023-12-31", "2024-04-30"] {
        assert!(parse(&format!("{text}T12:00:00Z")).is_ok(), "{text}");
    }
    for text in [
        "2023-02-29",
        "1900-02-29",
        "2024-04-31",
        "2024-00-10",
        "2024-13-01",
        "2024-01-00",
    ] {
        let refused = refusal(&TimeSpec::default(), &format!("{text}T12:00:00Z"));
        assert!(
            refused
                .message
                .ends_with("names a day that the calendar does not have")
        );
    }
}

#[test]
fn a_wrong_day_after_a_right_one_leaves_the_right_one_remembered() {
    let mut parser = TimeParser::new(&TimeSpec::default());
    let mut read = |text: &str| parser.text(text.as_bytes(), 0).ok();
    assert_eq!(read("2024-02-29T00:00:00Z"), Some(1_709_164_800 * SECOND));
    assert_eq!(read("2024-02-30T00:00:00Z"), None);
    assert_eq!(read("2024-02-29T00:00:01Z"), Some(1_709_164_801 * SECOND));
    assert_eq!(read("2024-03-01T00:00:00Z"), Some(1_709_251_200 * SECOND));
}

#[test]
fn finer_digits_are_floored_and_counted_when_they_say_something() {
    for (fraction, micros, floored) in [
        ("1", 100_000, 0),
        ("123456", 123_456, 0),
        ("1234560", 123_456, 0),
        ("1234569", 123_456, 1),
        ("123456000000001", 123_456, 1),
        ("000000999", 0, 1),
        ("0000000000000000000000000000000000000000", 0, 0),
    ] {
        let (at, counts) = parsed(
            &TimeSpec::default(),
            &format!("2024-01-01T00:00:00.{fraction}Z"),
        );
        assert_eq!(at, Ok(1_704_067_200 * SECOND + micros), "{fraction}");
        assert_eq!(counts.floored, floored, "{fraction}");
    }
}

#[test]
fn times_before_1970_are_floored_down() {
    assert_eq!(parse("1969-12-31T23:59:59Z"), Ok(-SECOND));
    assert_eq!(parse("1969-12-31T23:59:59.9999999Z"), Ok(-1));
    let wide = TimeSpec {
        epoch_window: (EARLIEST, LATEST),
        ..with_unit(EpochUnit::Nanoseconds)
    };
    let mut parser = TimeParser::new(&wide);
    assert_eq!(parser.number(-1, 0), Ok(-1));
    assert_eq!(parser.number(-1_000, 0), Ok(-1));
    assert_eq!(parser.number(-1_001, 0), Ok(-2));
    assert_eq!(parser.number(1_999, 0), Ok(1));
    assert_eq!(parser.counts().floored, 3);
}

#[test]
fn a_leap_second_counts_only_where_there_was_one() {
    for text in [
        "1972-06-30T23:59:60Z",
        "2016-12-31T23:59:60Z",
        "2017-01-01T05:29:60+05:30",
        "1990-12-31T15:59:60-08:00",
    ] {
        let (at, counts) = parsed(&TimeSpec::default(), text);
        let before = text.replace(":60", ":59");
        assert_eq!((at, counts.leap_seconds), (Ok(utc(&before)), 1), "{text}");
    }
    let (at, counts) = parsed(&in_zone("America/New_York"), "2015-06-30 19:59:60");
    assert_eq!(at, Ok(utc("2015-06-30T23:59:59Z")));
    assert_eq!((counts.leap_seconds, counts.zoneless), (1, 1));
    for text in [
        "2015-12-31T23:59:60Z",
        "2024-01-01T10:00:60Z",
        "2016-12-31T23:59:60+01:00",
    ] {
        let refused = refusal(&TimeSpec::default(), text);
        assert_eq!(
            refused.message,
            format!("\"{text}\" is not a real leap second")
        );
    }
}

#[test]
fn there_are_27_leap_seconds() {
    let mut found = 0;
    for year in 1960..2040 {
        for day in ["06-30", "12-31", "03-31", "09-30"] {
            found += u32::from(parse(&format!("{year}-{day}T23:59:60Z")).is_ok());
        }
    }
    assert_eq!(found, 27);
}

#[test]
fn the_hour_24_is_the_next_day_only_where_that_is_said() {
    let next_day = TimeSpec {
        hour_24: Hour24::NextDay,
        ..TimeSpec::default()
    };
    for text in [
        "2024-02-29T24:00:00Z",
        "2024-02-29T24:00Z",
        "2024-02-29 24:00:00.000Z",
    ] {
        assert_eq!(
            parsed(&next_day, text).0,
            Ok(1_709_251_200 * SECOND),
            "{text}"
        );
        assert!(
            refusal(&TimeSpec::default(), text)
                .message
                .contains("--hour-24 next-day")
        );
    }
    for text in [
        "2024-02-29T24:00:01Z",
        "2024-02-29T24:01:00Z",
        "2024-02-29T25:00:00Z",
        "2024-02-29T24:00:00.0000001Z",
    ] {
        assert_eq!(
            refusal(&next_day, text).kind,
            error::NOT_AN_INSTANT,
            "{text}"
        );
    }
}

#[test]
fn instants_at_the_ends_of_the_calendar_are_kept_or_refused_without_wrapping() {
    assert_eq!(parse("2038-01-19T03:14:08Z"), Ok((1 << 31) * SECOND));
    assert_eq!(parse("1901-12-13T20:45:52Z"), Ok(-(1 << 31) * SECOND));
    for text in [
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ] {
        assert_eq!(
            refusal(&TimeSpec::default(), text).kind,
            error::OUT_OF_RANGE,
            "{text}"
        );
    }
    assert_eq!(
        refusal(&TimeSpec::default(), "10000-01-01T00:00:00Z").kind,
        error::NOT_AN_INSTANT
    );
    let mut parser = TimeParser::new(&in_zone("Europe/Berlin"));
    for at in [i64::MIN, i64::MAX, EARLIEST - 1, LATEST + 1] {
        let refused = [parser.instant(at, 0), parser.local(at, 0)];
        for refused in refused {
            let Err(refused) = refused else { continue };
            assert_eq!(refused.kind, error::OUT_OF_RANGE);
        }
        assert!(parser.instant(at, 0).is_err());
    }
    assert_eq!(parser.instant(LATEST, 0), Ok(LATEST));
}

#[test]
fn an_instant_of_zero_is_kept_and_counted() {
    let (at, counts) = parsed(&TimeSpec::default(), "1970-01-01T01:00:00+01:00");
    assert_eq!((at, counts.zero), (Ok(0), 1));
}

#[test]
fn the_earliest_and_latest_times_asked_for_are_themselves_kept() {
    let spec = TimeSpec {
        earliest: utc("2020-01-01T00:00:00Z"),
        latest: utc("2024-01-01T00:00:00Z"),
        ..TimeSpec::default()
    };
    assert!(parsed(&spec, "2020-01-01T00:00:00Z").0.is_ok());
    assert!(parsed(&spec, "2024-01-01T00:00:00Z").0.is_ok());
    let early = refusal(&spec, "2019-12-31T23:59:59.999999Z");
    assert_eq!(early.kind, error::OUT_OF_RANGE);
    assert!(early.message.contains("is before 2020-01-01T00:00:00Z"));
    let late = refusal(&spec, "2024-01-01T00:00:00.000001Z");
    assert_eq!(late.kind, error::FUTURE);
    assert!(late.message.contains("--max-future"));
    assert_eq!(
        refusal(&spec, "9999-01-01T00:00:00Z").kind,
        error::OUT_OF_RANGE
    );
}

#[test]
fn a_time_without_offset_needs_a_zone() {
    let refused = refusal(&TimeSpec::default(), "2024-01-01 10:00:00");
    assert_eq!(refused.kind, error::NO_OFFSET);
    assert_eq!(
        refused.message,
        "\"2024-01-01 10:00:00\" has no offset; set timezone = \"…\" for the source, or --source-timezone"
    );
    let mut parser = TimeParser::new(&TimeSpec::default());
    let typed = parser
        .local(utc("2024-01-01T10:00:00Z"), 0)
        .expect_err("no zone");
    assert_eq!(typed, refused);
}

#[test]
fn a_skipped_hour_is_refused_or_moved_forward() {
    for (zone, text, moved) in [
        (
            "America/New_York",
            "2024-03-10 02:30:00",
            "2024-03-10T07:30:00Z",
        ),
        (
            "Europe/Berlin",
            "2024-03-31 02:30:00",
            "2024-03-31T01:30:00Z",
        ),
        (
            "Europe/London",
            "2024-03-31 01:00:00",
            "2024-03-31T01:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            "2024-10-06 02:15:00",
            "2024-10-05T15:45:00Z",
        ),
        (
            "Pacific/Apia",
            "2011-12-30 12:00:00",
            "2011-12-30T22:00:00Z",
        ),
    ] {
        let mut spec = in_zone(zone);
        let refused = refusal(&spec, text);
        assert_eq!(refused.kind, error::SKIPPED_HOUR);
        assert!(
            refused.message.contains("--skipped-hour forward"),
            "{}",
            refused.message
        );
        spec.skipped_hour = SkippedHour::Forward;
        let (at, counts) = parsed(&spec, text);
        assert_eq!((at, counts.skipped_moved), (Ok(utc(moved)), 1), "{zone}");
    }
}

#[test]
fn a_repeated_hour_is_refused_or_chosen() {
    for (zone, text, earlier, later) in [
        (
            "America/New_York",
            "2024-11-03 01:30:00",
            "2024-11-03T05:30:00Z",
            "2024-11-03T06:30:00Z",
        ),
        (
            "Europe/Berlin",
            "2024-10-27 02:00:00",
            "2024-10-27T00:00:00Z",
            "2024-10-27T01:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            "2024-04-07 01:45:00",
            "2024-04-06T14:45:00Z",
            "2024-04-06T15:15:00Z",
        ),
    ] {
        let mut spec = in_zone(zone);
        let refused = refusal(&spec, text);
        assert_eq!(refused.kind, error::REPEATED_HOUR);
        assert!(
            refused.message.contains("--repeated-hour earlier|later"),
            "{}",
            refused.message
        );
        for (choice, at) in [
            (RepeatedHour::Earlier, earlier),
            (RepeatedHour::Later, later),
        ] {
            spec.repeated_hour = choice;
            let (found, counts) = parsed(&spec, text);
            assert_eq!((found, counts.repeated_chosen), (Ok(utc(at)), 1), "{zone}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_printed_instant_is_read_as_the_same(at in EARLIEST..=LATEST, step in prop::sample::select(vec![1, 1_000, SECOND])) {
        let at = at.div_euclid(step) * step;
        let at = at.max(EARLIEST);
        let text = print_instant(at);
        prop_assert_eq!(parse(&text), Ok(at), "{}", text);
        let known = chrono::DateTime::from_timestamp_micros(at).expect("in chrono's range");
        prop_assert_eq!(text, known.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
    }

    #[test]
    fn generated_rfc_3339_texts_are_read_as_chrono_reads_them(text in rfc_3339()) {
        assert_agrees_with_chrono(&text)?;
    }

    #[test]
    fn changed_rfc_3339_texts_are_read_as_chrono_reads_them(
        text in rfc_3339(), place in 0..40_usize, byte in prop::sample::select(b"0123456789-+:.TtZz ,/e\x00".to_vec()),
    ) {
        let mut bytes = text.into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        assert_agrees_with_chrono(&String::from_utf8(bytes).expect("ASCII"))?;
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), shape in "[-0-9T:.Z+ ]{0,35}") {
        for spec in [TimeSpec::default(), in_zone("Europe/Berlin"), with_format("%d/%m/%Y %H:%M"), with_format("julian")] {
            let mut parser = TimeParser::new(&spec);
            let _ = parser.text(&bytes, 0);
            let _ = parser.text(shape.as_bytes(), 0);
        }
    }

    #[test]
    fn no_number_makes_the_parser_panic(number in any::<i64>(), real in any::<f64>()) {
        for unit in EpochUnit::ALL {
            let _ = TimeParser::new(&with_unit(unit)).number(number, 0);
        }
        let _ = TimeParser::new(&TimeSpec::default()).number(number, 0);
        let _ = TimeParser::new(&with_format("julian")).real(real, 0);
        let _ = TimeParser::new(&with_format("julian")).number(number, 0);
        let _ = TimeParser::new(&in_zone("Asia/Tokyo")).local(number, 0);
        let _ = print_instant(number);
    }
}

#[test]
fn any_byte_anywhere_in_a_common_text_is_read_as_chrono_reads_it() {
    for text in [
        "2026-02-28T23:59:59.123456Z",
        "2026-02-28t23:59:59.999999+05:30",
        "2026-02-28 09:30:00.1234567-00:30",
        "2026-02-28T09:30:00.123z",
        "2026-02-28T09:30:00Z",
    ] {
        let mut parser = TimeParser::new(&TimeSpec::default());
        for place in 0..text.len() {
            for byte in 0..=u8::MAX {
                // The parser remembers the date of the text before.
                assert!(parser.text(text.as_bytes(), 0).is_ok(), "{text}");
                let mut changed = text.as_bytes().to_vec();
                changed[place] = byte;
                let shown = String::from_utf8_lossy(&changed).into_owned();
                let known = std::str::from_utf8(&changed)
                    .ok()
                    // chrono takes any second 60.
                    .filter(|changed| changed.get(17..19) != Some("60"))
                    .and_then(|changed| chrono::DateTime::parse_from_rfc3339(changed).ok())
                    .map(|known| known.timestamp_micros());
                let in_range = known.filter(|at| (EARLIEST..=LATEST).contains(at));
                assert_eq!(parser.text(&changed, 0).ok(), in_range, "{shown}");
            }
        }
    }
}

#[test]
fn dates_in_any_order_and_a_century_apart_are_told_apart() {
    let mut parser = TimeParser::new(&TimeSpec::default());
    let mut found = 0;
    for _ in 0..2 {
        for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
            for year in [1900, 2000, 2025, 2100] {
                let text = format!("{year}-{month:02}-{day:02}T00:00:01Z");
                let known = chrono::NaiveDate::from_ymd_opt(year, month, day)
                    .and_then(|date| date.and_hms_opt(0, 0, 1))
                    .map(|clock| clock.and_utc().timestamp_micros());
                assert_eq!(parser.text(text.as_bytes(), 0).ok(), known, "{text}");
                found += u32::from(known.is_some());
            }
        }
    }
    // Twice four years, of which only 2000 is a leap year.
    assert_eq!(found, 2 * (4 * 365 + 1));
}

fn rfc_3339() -> impl Strategy<Value = String> {
    (
        (830..3100_u32, 1..=12_u32, 1..=31_u32),
        (0..=24_u32, 0..=60_u32, 0..=59_u32),
        prop::option::of("[0-9]{1,9}"),
        prop::option::of((any::<bool>(), 0..=24_u32, 0..=60_u32)),
        prop::sample::select(vec!['T', 't', ' ']),
    )
        .prop_map(|((year, month, day), (hour, minute, second), fraction, offset, separator)| {
            let fraction = fraction.map(|digits| format!(".{digits}")).unwrap_or_default();
            let offset = offset.map_or("Z".to_owned(), |(east, hours, minutes)| {
                format!("{}{hours:02}:{minutes:02}", if east { '+' } else { '-' })
            });
            format!(
                "{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}{fraction}{offset}"
            )
        })
}

fn assert_agrees_with_chrono(text: &str) -> Result<(), TestCaseError> {
    let ours = parse(text);
    let theirs = chrono::DateTime::parse_from_rfc3339(text);
    // chrono takes any second 60.
    if text.get(17..19) == Some("60") {
        return Ok(());
    }
    match (&ours, theirs) {
        (Ok(at), Ok(known)) => prop_assert_eq!(*at, known.timestamp_micros(), "{}", text),
        (Err(refused), Ok(known)) => prop_assert!(
            refused.kind == error::OUT_OF_RANGE
                && !(EARLIEST..=LATEST).contains(&known.timestamp_micros()),
            "{} is {}, not refused: {}",
            text,
            known,
            refused.message
        ),
        (Ok(at), Err(_)) => prop_assert!(false, "{} was taken as {}", text, print_instant(*at)),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

// Numbers.

#[test]
fn a_number_in_a_stated_unit_must_lie_in_the_window() {
    let jan = 1_704_067_200 * SECOND;
    for (unit, number) in [
        (EpochUnit::Seconds, 1_704_067_200),
        (EpochUnit::Milliseconds, 1_704_067_200_000),
        (EpochUnit::Microseconds, 1_704_067_200_000_000),
        (EpochUnit::Nanoseconds, 1_704_067_200_000_000_000),
    ] {
        let mut parser = TimeParser::new(&with_unit(unit));
        assert_eq!(parser.number(number, 0), Ok(jan));
        assert_eq!(parser.text(number.to_string().as_bytes(), 0), Ok(jan));
        assert_eq!(parser.counts().unit(), Ok(None));
    }
    for (unit, number, message) in [
        (
            EpochUnit::Milliseconds,
            1_704_067_200,
            "1704067200 as ms is 1970-01-20; expected 2000..2100",
        ),
        (
            EpochUnit::Seconds,
            0,
            "0 as s is 1970-01-01; expected 2000..2100",
        ),
        (
            EpochUnit::Seconds,
            -1,
            "-1 as s is 1969-12-31; expected 2000..2100",
        ),
        (
            EpochUnit::Seconds,
            4_102_444_800,
            "4102444800 as s is 2100-01-01; expected 2000..2100",
        ),
        (
            EpochUnit::Seconds,
            1_704_067_200_000,
            "1704067200000 as s is 55969-09-28; expected 2000..2100",
        ),
        (
            EpochUnit::Seconds,
            i64::MAX,
            "9223372036854775807 as s is beyond the calendar; expected 2000..2100",
        ),
        (
            EpochUnit::Nanoseconds,
            i64::MAX,
            "9223372036854775807 as ns is 2262-04-11; expected 2000..2100",
        ),
    ] {
        let refused = TimeParser::new(&with_unit(unit))
            .number(number, 0)
            .expect_err("outside");
        assert_eq!(refused.kind, error::EPOCH_WINDOW);
        assert_eq!(refused.message, message);
    }
    let mut parser = TimeParser::new(&with_unit(EpochUnit::Seconds));
    assert!(parser.number(946_684_800, 0).is_ok());
    assert!(parser.number(946_684_799, 0).is_err());
    assert!(parser.number(4_102_444_799, 0).is_ok());
}

#[test]
fn the_unit_is_taken_where_all_numbers_fall_into_one() {
    for (number, unit) in [
        (1_704_067_200, EpochUnit::Seconds),
        (999_999_999, EpochUnit::Seconds),
        (1_704_067_200_000, EpochUnit::Milliseconds),
        (999_999_999_999, EpochUnit::Milliseconds),
        (1_704_067_200_000_000, EpochUnit::Microseconds),
        (1_704_067_200_000_000_000, EpochUnit::Nanoseconds),
    ] {
        let mut parser = TimeParser::new(&TimeSpec::default());
        assert!(parser.number(number, 0).is_ok());
        assert_eq!(parser.counts().unit(), Ok(Some(unit)), "{number}");
    }
}

#[test]
fn numbers_of_two_units_or_of_none_need_a_unit_whatever_worker_saw_them() {
    let mut one = TimeParser::new(&TimeSpec::default());
    let mut other = TimeParser::new(&TimeSpec::default());
    one.begin_block(3);
    assert!(one.number(1_704_067_200, 7).is_ok());
    one.begin_block(1);
    assert!(one.number(1_704_067_201, 9).is_ok());
    other.begin_block(2);
    assert!(other.number(1_704_067_200_000, 0).is_ok());
    let mut counts = one.counts().clone();
    assert_eq!(counts.unit(), Ok(Some(EpochUnit::Seconds)));
    counts.merge(other.counts());
    let needs_unit = counts.unit().expect_err("two units");
    assert_eq!(
        needs_unit.describe(|(block, row)| format!("line {}", block * 100 + row)),
        "numeric time needs a unit: s, ms, us or ns; saw 1704067201 (s) at line 109, 1704067200000 (ms) at line 200"
    );

    let mut strange = TimeParser::new(&TimeSpec::default());
    for number in [20_240_101, 0, -1, 99_999_999_999, i64::MAX] {
        assert_eq!(
            strange.number(number, 4).expect_err("none").kind,
            error::NEEDS_UNIT
        );
    }
    let needs_unit = strange.counts().unit().expect_err("no unit");
    assert_eq!(
        needs_unit.to_string(),
        "numeric time needs a unit: s, ms, us or ns; saw 20240101 (of no single unit) at row 4 of block 0"
    );
}

#[test]
fn a_moved_window_that_two_units_share_settles_nothing() {
    let spec = TimeSpec {
        epoch_window: (0, utc("2100-01-01T00:00:00Z")),
        ..TimeSpec::default()
    };
    let mut parser = TimeParser::new(&spec);
    assert_eq!(
        parser.number(1_704_067_200, 0).expect_err("s or ms").kind,
        error::NEEDS_UNIT
    );
    assert!(parser.counts().unit().is_err());
}

#[test]
fn a_real_number_is_an_instant_only_as_a_julian_day() {
    let mut parser = TimeParser::new(&TimeSpec::default());
    let refused = parser.real(2_460_310.5, 0).expect_err("no unit");
    assert_eq!(refused.kind, error::NOT_AN_INSTANT);
    assert!(
        refused.message.starts_with("2460310.5 is not an instant"),
        "{}",
        refused.message
    );
    let mut parser = TimeParser::new(&with_format("julian"));
    assert_eq!(parser.real(2_440_587.5, 0), Ok(0));
    assert_eq!(parser.real(2_460_310.5, 0), Ok(1_704_067_200 * SECOND));
    assert_eq!(parser.text(b"2460310.5", 0), Ok(1_704_067_200 * SECOND));
    assert_eq!(parser.number(2_460_311, 0), Ok(1_704_110_400 * SECOND));
    for day in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
        assert!(parser.real(day, 0).is_err());
    }
    for text in [
        "2.4e6",
        "-1.5",
        "",
        ".",
        "1.",
        "2460310.5 ",
        "nan",
        "inf",
        "1.2.3",
    ] {
        assert!(parser.text(text.as_bytes(), 0).is_err(), "{text}");
    }
}

// Stated formats.

#[test]
fn a_stated_format_reads_what_it_says() {
    for (format, text, at) in [
        (
            "%d/%m/%Y %H:%M:%S %z",
            "03/04/2024 10:00:00 +0200",
            "2024-04-03T08:00:00Z",
        ),
        (
            "%d/%b/%Y:%H:%M:%S %z",
            "31/Jan/2024:09:30:00 -0500",
            "2024-01-31T14:30:00Z",
        ),
        (
            "%Y-%m-%dT%H:%M:%S%.f%:z",
            "2024-01-31T09:30:00.25+01:00",
            "2024-01-31T08:30:00.250Z",
        ),
        (
            "%Y-%m-%d %H:%M:%S%#z",
            "2024-01-31 09:30:00+01",
            "2024-01-31T08:30:00Z",
        ),
        ("%s", "1704067200", "2024-01-01T00:00:00Z"),
        (
            "%m/%d/%y %I:%M %p%z",
            "01/31/24 09:30 PM+0000",
            "2024-01-31T21:30:00Z",
        ),
    ] {
        assert_eq!(TimeSpec::check_format(format), Ok(()), "{format}");
        assert_eq!(
            parsed(&with_format(format), text).0,
            Ok(utc(at)),
            "{format}"
        );
    }
    let day_first = "%d/%m/%Y %H:%M";
    assert_eq!(
        refusal(&with_format(day_first), "13/04/2024 10:00").kind,
        error::NO_OFFSET
    );
    let spec = TimeSpec {
        zone: Some(zone("Europe/Berlin")),
        ..with_format(day_first)
    };
    assert_eq!(
        parsed(&spec, "13/04/2024 10:00").0,
        Ok(utc("2024-04-13T08:00:00Z"))
    );
    for text in [
        "04/13/2024 10:00",
        " 13/04/2024 10:00",
        "13/04/2024 10:00 ",
        "2024-04-13T10:00:00Z",
    ] {
        assert_eq!(refusal(&spec, text).kind, error::NOT_AN_INSTANT, "{text}");
    }
    assert_eq!(refusal(&spec, "31/03/2024 02:30").kind, error::SKIPPED_HOUR);
}

#[test]
fn a_format_that_names_no_instant_is_refused_when_it_is_stated() {
    for (format, reason) in [
        ("%Y-%m-%d", "does not name a date and a time of day"),
        ("%H:%M:%S", "does not name a date and a time of day"),
        ("plain", "does not name a date and a time of day"),
        ("", "does not name a date and a time of day"),
        ("%Y-%m-%d %H:%M %Z", "has %Z"),
        ("%Y-%m-%d %H:%M %Q", "has a specifier that is not known"),
    ] {
        let refused = TimeSpec::check_format(format).expect_err("refused");
        assert!(
            refused.starts_with(&format!("time format \"{format}\" {reason}")),
            "{refused}"
        );
    }
    assert_eq!(TimeSpec::check_format("julian"), Ok(()));
}

// Printing and boundaries.

#[test]
fn an_instant_is_printed_with_as_many_digits_as_it_needs() {
    for (at, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_000, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_709_164_800_500_000, "2024-02-29T00:00:00.500Z"),
    ] {
        assert_eq!(print_instant(at), text);
        let mut out = b"at ".to_vec();
        write_instant(at, &mut out);
        assert_eq!(out, format!("at {text}").into_bytes());
    }
}

#[test]
fn a_boundary_is_an_instant_a_local_time_or_a_whole_local_day() {
    let berlin = zone("Europe/Berlin");
    let instant = |text: &str| parse_boundary(text, &berlin);
    let day = |start: &str, next: &str| {
        Ok(Boundary::Date {
            start: utc(start),
            next: utc(next),
        })
    };
    let nine = Ok(Boundary::Instant(utc("2024-01-31T09:30:00Z")));
    assert_eq!(instant("2024-01-31T09:30:00Z"), nine);
    assert_eq!(instant("2024-01-31 10:30"), nine);
    assert_eq!(
        instant("2024-03-31"),
        day("2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z")
    );
    assert_eq!(
        parse_boundary("2018-11-04", &zone("America/Sao_Paulo")),
        day("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")
    );
    assert_eq!(
        parse_boundary("2018-11-04", &zone("America/Havana")),
        day("2018-11-04T04:00:00Z", "2018-11-05T05:00:00Z")
    );
    for text in [
        "2024-02-30",
        "yesterday",
        "1704067200",
        "",
        "2024-03-31 02:30",
        "2024-10-27 02:30",
        "9999-12-31",
        "0001-01-01T00:00:00Z",
        "2024-01-31T23:59:60Z",
    ] {
        let refused = instant(text).expect_err(text);
        assert!(refused.starts_with(&format!("\"{text}\"")), "{refused}");
    }
    assert!(
        instant("2024-10-27 02:30")
            .expect_err("twice")
            .contains("exists twice in Europe/Berlin")
    );
}

// Periods.

fn period(length: PeriodLength, zone_name: &str, at: &str) -> Period {
    containing(length, &zone(zone_name), utc(at))
}

fn span(start: &str, end: &str) -> Period {
    Period {
        start: utc(start),
        end: utc(end),
    }
}

fn hours_of(period: Period) -> i64 {
    (period.end - period.start) / HOUR
}

#[test]
fn a_day_has_23_or_25_hours_when_the_clock_changes() {
    for (zone_name, noon, hours) in [
        ("Europe/Berlin", "2026-03-29T12:00:00Z", 23),
        ("Europe/Berlin", "2026-10-25T12:00:00Z", 25),
        ("Europe/Berlin", "2026-10-26T12:00:00Z", 24),
        ("America/New_York", "2026-03-08T17:00:00Z", 23),
        ("America/New_York", "2026-11-01T17:00:00Z", 25),
    ] {
        let day = period(PeriodLength::Day, zone_name, noon);
        assert_eq!(hours_of(day), hours, "{zone_name} {noon}");
        let calendar =
            Calendar::covering(PeriodLength::Hour, &zone(zone_name), day.start, day.end - 1)
                .expect("few periods");
        assert_eq!(calendar.len() as i64, hours, "{zone_name} {noon}");
        assert!(calendar.periods().all(|hour| hours_of(hour) == 1));
    }
    assert_eq!(
        period(PeriodLength::Day, "Europe/Berlin", "2026-03-29T12:00:00Z"),
        span("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")
    );
}

#[test]
fn a_repeated_hour_is_two_periods_of_one_name() {
    let berlin = zone("Europe/Berlin");
    let first = containing(PeriodLength::Hour, &berlin, utc("2026-10-25T00:30:00Z"));
    let second = containing(PeriodLength::Hour, &berlin, utc("2026-10-25T01:30:00Z"));
    assert_eq!(first, span("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"));
    assert_eq!(second, span("2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"));
    for hour in [first, second] {
        assert_eq!(label(hour, PeriodLength::Hour, &berlin), "2026-10-25 02:00");
    }
}

#[test]
fn a_change_of_half_an_hour_makes_hours_of_half_an_hour() {
    let lord_howe = zone("Australia/Lord_Howe");
    let hour = |at: &str| containing(PeriodLength::Hour, &lord_howe, utc(at));
    assert_eq!(
        hour("2026-04-04T14:30:00Z"),
        span("2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z")
    );
    assert_eq!(
        hour("2026-04-04T15:10:00Z"),
        span("2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z")
    );
    assert_eq!(
        hour("2026-04-04T15:30:00Z"),
        span("2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z")
    );
}

#[test]
fn hours_start_at_the_full_hour_of_the_local_clock() {
    assert_eq!(
        period(PeriodLength::Hour, "Asia/Kathmandu", "2026-01-01T00:00:00Z"),
        span("2025-12-31T23:15:00Z", "2026-01-01T00:15:00Z")
    );
    assert_eq!(
        period(PeriodLength::Hour, "+05:30", "2026-01-01T00:30:00Z"),
        span("2026-01-01T00:30:00Z", "2026-01-01T01:30:00Z")
    );
}

#[test]
fn a_day_whose_midnight_is_skipped_or_repeated_starts_at_its_first_instant() {
    assert_eq!(
        period(
            PeriodLength::Day,
            "America/Sao_Paulo",
            "2018-11-04T12:00:00Z"
        ),
        span("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")
    );
    assert_eq!(
        period(PeriodLength::Day, "America/Havana", "2018-11-04T12:00:00Z"),
        span("2018-11-04T04:00:00Z", "2018-11-05T05:00:00Z")
    );
    // The clock went from 00:01 on November 7 back to 23:01 on November 6.
    assert_eq!(
        period(
            PeriodLength::Day,
            "America/St_Johns",
            "2010-11-07T02:45:00Z"
        ),
        span("2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z")
    );
}

#[test]
fn a_day_that_a_clock_change_skips_is_not_there() {
    let apia = zone("Pacific/Apia");
    let first = utc("2011-12-29T12:00:00Z");
    let calendar =
        Calendar::covering(PeriodLength::Day, &apia, first, first + 2 * DAY).expect("few");
    let labels: Vec<String> = calendar
        .periods()
        .map(|day| label(day, PeriodLength::Day, &apia))
        .collect();
    assert_eq!(labels, ["2011-12-29", "2011-12-31", "2012-01-01"]);
}

#[test]
fn weeks_start_on_monday_also_across_a_new_year() {
    let week = period(PeriodLength::Week, "UTC", "2026-01-01T00:00:00Z");
    assert_eq!(week, span("2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"));
    assert_eq!(
        label(week, PeriodLength::Week, &Zone::UTC),
        "2025-12-29 W01"
    );
    let sunday = period(PeriodLength::Week, "UTC", "2021-01-03T23:59:59.999999Z");
    assert_eq!(sunday, span("2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z"));
    assert_eq!(
        label(sunday, PeriodLength::Week, &Zone::UTC),
        "2020-12-28 W53"
    );
    let spring = period(PeriodLength::Week, "Europe/Berlin", "2026-03-29T12:00:00Z");
    assert_eq!(hours_of(spring), 7 * 24 - 1);
    assert_eq!(
        label(spring, PeriodLength::Week, &zone("Europe/Berlin")),
        "2026-03-23 W13"
    );
    let old = period(PeriodLength::Week, "UTC", "1969-12-31T00:00:00Z");
    assert_eq!(old, span("1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"));
}

#[test]
fn months_start_on_the_first() {
    assert_eq!(
        period(PeriodLength::Month, "UTC", "2024-02-29T23:00:00Z"),
        span("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z")
    );
    let march = period(PeriodLength::Month, "Europe/Berlin", "2024-02-29T23:00:00Z");
    assert_eq!(march, span("2024-02-29T23:00:00Z", "2024-03-31T22:00:00Z"));
    assert_eq!(
        label(march, PeriodLength::Month, &zone("Europe/Berlin")),
        "2024-03"
    );
    let first = utc("1969-12-15T00:00:00Z");
    let calendar = Calendar::covering(PeriodLength::Month, &Zone::UTC, first, 0).expect("few");
    assert_eq!(calendar.len(), 2);
    assert_eq!(
        calendar.period(1),
        span("1970-01-01T00:00:00Z", "1970-02-01T00:00:00Z")
    );
}

#[test]
fn a_million_periods_are_the_most() {
    let hours =
        |count: i64| Calendar::covering(PeriodLength::Hour, &Zone::UTC, 0, count * HOUR - 1);
    assert_eq!(
        hours(1_000_000).map(|calendar| calendar.len()),
        Ok(1_000_000)
    );
    let refused = hours(1_000_001).expect_err("too many");
    assert_eq!(refused.estimate, 1_000_001);
    assert_eq!(
        refused.to_string(),
        "the data spans about 1000001 periods of one hour; at most 1000000 can be reported"
    );
    assert!(Calendar::covering(PeriodLength::Day, &Zone::UTC, EARLIEST, LATEST).is_ok());
    assert!(Calendar::covering(PeriodLength::Hour, &Zone::UTC, EARLIEST, LATEST).is_err());
}

proptest! {
    #[test]
    fn periods_tile_time(
        zone in 0..chrono_tz::TZ_VARIANTS.len(),
        length in prop::sample::select(PeriodLength::ALL.to_vec()),
        first in -120 * 365 * DAY..80 * 365 * DAY,
        span in 0..400 * DAY,
        share in 0.0..=1.0,
    ) {
        let zone = Zone::Named(chrono_tz::TZ_VARIANTS[zone]);
        let span = if length == PeriodLength::Hour { span / 8 } else { span };
        let last = first + span;
        let calendar = Calendar::covering(length, &zone, first, last).expect("few periods");
        let final_index = calendar.len() - 1;
        prop_assert!(calendar.period(0).start <= first && first < calendar.period(0).end);
        prop_assert!(calendar.period(final_index).start <= last && last < calendar.period(final_index).end);
        for (index, period) in calendar.periods().enumerate() {
            prop_assert!(period.start < period.end);
            prop_assert_eq!(containing(length, &zone, period.start), period);
            prop_assert_eq!(containing(length, &zone, period.end - 1), period);
            prop_assert_eq!(calendar.index_of(period.start), index);
            prop_assert_eq!(calendar.index_of(period.end - 1), index);
            if index > 0 {
                prop_assert_eq!(containing(length, &zone, period.start - 1), calendar.period(index - 1));
            }
            prop_assert!(label(period, length, &zone).len() <= 16);
        }
        let at = first + (span as f64 * share) as i64;
        let period = calendar.period(calendar.index_of(at));
        prop_assert!(period.start <= at && at < period.end);
    }
}
