//! How times, durations, zones and calendar periods are read and printed.

use proptest::prelude::*;

use sessionize::events::{Micros, SECOND};
use sessionize::time::duration::{DurationError, Timeout, parse_length, write_duration};

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;

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
