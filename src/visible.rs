//! Text of users' data where people read it: what a terminal would obey, hide or turn around is
//! shown as a visible escape. Files for machines keep the data as it is.

use std::borrow::Cow;

/// The most characters that [`shortened`] gives.
pub const LONGEST: usize = 80;

/// `text` with every control, bidirectional and zero-width character as an escape such as
/// `\u{202e}`; a line feed, carriage return and tab as `\n`, `\r`, `\t`. The result is one line.
///
/// Wide letters and backslashes stay, so the escapes cannot always be read back, and a text
/// that went through once is not changed by a second time.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        push(&mut shown, letter);
    }
    shown
}

/// As [`visible`], and at most [`LONGEST`] characters: a longer text ends in `…`, never inside an
/// escape.
pub fn shortened(text: &str) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut cut = 0;
    for letter in text.chars() {
        let before = shown.len();
        push(&mut shown, letter);
        length += shown[before..].chars().count();
        if length < LONGEST {
            cut = shown.len();
        }
        if length > LONGEST {
            shown.truncate(cut);
            shown.push('…');
            break;
        }
    }
    shown
}

/// The schemes of addresses of servers, the longer before what it begins with.
const SCHEMES: [&str; 4] = ["postgresql:", "postgres:", "mysql:", "mariadb:"];

/// One line of a message without what may be a password: an address of a server stays only where
/// it says no more than a user, a host, a port, a database and a socket, as the program itself
/// writes it. This is a second net, for an address that was typed in a place where none belongs.
pub fn without_passwords(line: &str) -> Cow<'_, str> {
    let is_end = |letter: char| letter.is_whitespace() || "\"'`,;()…".contains(letter);
    let Some((start, scheme)) = first_address(line) else {
        // `host=… password=…`, as libpq takes it, in a place where it is taken for something else.
        const KEY: &str = "password=";
        let Some(start) = line.to_ascii_lowercase().find(KEY) else {
            return Cow::Borrowed(line);
        };
        let (before, rest) = line.split_at(start + KEY.len());
        let end = match rest.starts_with('\'') {
            true => rest.len(),
            false => rest.find(is_end).unwrap_or(rest.len()),
        };
        let after = without_passwords(&rest[end..]);
        return Cow::Owned(format!("{before}…{after}"));
    };
    let (before, rest) = line.split_at(start + scheme.len());
    let end_after = |from: usize| rest[from..].find(is_end).map_or(rest.len(), |at| from + at);
    let end = end_after(0);
    if is_printable(&rest[..end]) {
        let after = without_passwords(&rest[end..]);
        return Cow::Owned(format!("{before}{}{after}", &rest[..end]));
    }
    // A password that was not encoded may have any sign in it.
    let end = match rest.contains("password=") {
        true => rest.len(),
        false => end_after(rest.rfind('@').unwrap_or(0)),
    };
    Cow::Owned(format!("{before}…{}", &rest[end..]))
}

/// Where the first scheme stands in a line, in letters of either case.
fn first_address(line: &str) -> Option<(usize, &'static str)> {
    (0..line.len()).find_map(|at| {
        let here = line.as_bytes().get(at..)?;
        let is_here = |scheme: &&str| {
            let begins = here.get(..scheme.len());
            begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme.as_bytes()))
        };
        SCHEMES
            .into_iter()
            .find(|scheme| is_here(scheme))
            .map(|scheme| (at, scheme))
    })
}

/// Whether what follows a scheme is nothing, `//`, or `//user@host:port/database?host=/folder`.
fn is_printable(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("//").filter(|rest| !rest.is_empty()) else {
        return rest.is_empty() || rest == "//";
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_socket = |pair: &str| {
        ["host=/", "socket=/", "port="]
            .iter()
            .any(|key| pair.starts_with(key))
    };
    match place.rsplit_once('@') {
        Some((user, host)) => {
            !user.contains([':', '/', '@'])
                && host.matches('/').count() <= 1
                && (query.is_empty() || query.split('&').all(is_socket))
        }
        None => false,
    }
}

fn push(shown: &mut String, letter: char) {
    match letter {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        letter if is_hidden(letter) => shown.extend(letter.escape_unicode()),
        letter => shown.push(letter),
    }
}

/// Controls, zero-width characters and marks, line separators, changes of direction, and the
/// invisible tag letters.
fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}
