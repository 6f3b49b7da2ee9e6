//! How instants leave the program, and how a value that was met is shown in a message.

use std::fmt::Write as _;

use crate::events::{Micros, SECOND};
use crate::time::civil::{DAY, Date};

/// An instant as RFC 3339 in UTC, with no, 3 or 6 digits of fraction as it needs.
pub fn print_instant(at: Micros) -> String {
    let mut out = Vec::with_capacity(LONGEST_COMMON);
    write_instant(at, &mut out);
    String::from_utf8(out).expect("an instant is written in ASCII")
}

/// Bytes of `2026-03-29T14:00:00.000000Z`.
const LONGEST_COMMON: usize = 27;

/// Appends an instant as [`print_instant`] shows it. A year beyond 0000 to 9999 gets its sign.
pub fn write_instant(at: Micros, out: &mut Vec<u8>) {
    let date = Date::from_days(at.div_euclid(DAY));
    let of_day = at.rem_euclid(DAY);
    let (seconds, micros) = (of_day / SECOND, of_day % SECOND);
    if !(0..=9999).contains(&date.year) {
        out.extend_from_slice(format!("{:+}", date.year).as_bytes());
    } else {
        out.extend(digits::<4>(date.year));
    }
    let mut rest = *b"-00-00T00:00:00";
    rest[1..3].copy_from_slice(&digits::<2>(date.month));
    rest[4..6].copy_from_slice(&digits::<2>(date.day));
    rest[7..9].copy_from_slice(&digits::<2>(seconds / 3600));
    rest[10..12].copy_from_slice(&digits::<2>(seconds / 60 % 60));
    rest[13..15].copy_from_slice(&digits::<2>(seconds % 60));
    out.extend_from_slice(&rest);
    if micros % 1000 != 0 {
        out.push(b'.');
        out.extend(digits::<6>(micros));
    } else if micros != 0 {
        out.push(b'.');
        out.extend(digits::<3>(micros / 1000));
    }
    out.push(b'Z');
}

/// The last `COUNT` decimal digits of a number that is not negative.
fn digits<const COUNT: usize>(mut number: i64) -> [u8; COUNT] {
    let mut text = [b'0'; COUNT];
    for place in text.iter_mut().rev() {
        *place += (number % 10) as u8;
        number /= 10;
    }
    text
}

/// The most characters of a value that a message shows.
const SHOWN: usize = 80;

/// A value in quotes for a message: at most 80 characters and then `…`; bytes that are not UTF-8,
/// and characters that are invisible or turn the writing direction, as escapes.
pub fn quoted(bytes: &[u8]) -> String {
    let mut shown = Vec::new();
    // A character has at most four bytes, so what lies further cannot be shown.
    let near = &bytes[..bytes.len().min(4 * SHOWN + 4)];
    for chunk in near.utf8_chunks() {
        shown.extend(chunk.valid().chars().map(escaped));
        for byte in chunk.invalid() {
            shown.push(format!("\\x{byte:02x}"));
        }
    }
    let mut out = String::from("\"");
    let mut length = 0;
    for (position, character) in shown.iter().enumerate() {
        let is_last = position + 1 == shown.len() && near.len() == bytes.len();
        let width = character.chars().count();
        if length + width > SHOWN - usize::from(!is_last) {
            out.push('…');
            break;
        }
        out.push_str(character);
        length += width;
    }
    out.push('"');
    out
}

/// A character as it is shown between quotes.
fn escaped(character: char) -> String {
    let mut out = String::new();
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' ' => out.push(' '),
        _ if is_invisible(character) => {
            let _infallible = write!(out, "\\u{{{:x}}}", u32::from(character));
        }
        _ => out.push(character),
    }
    out
}

/// Control characters, spaces other than the space, marks of writing direction, characters of no
/// width, and those kept for private use.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{10ffff}')
}
