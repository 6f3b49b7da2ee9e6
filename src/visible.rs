//! Text of users' data where people read it: what a terminal would obey, hide or turn around is
//! shown as a visible escape. Files for machines keep the data as it is.

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
