//! Text from plugins is data: whatever it holds, it is one line, steers no terminal, and has a bounded length.

use std::fmt::Write;

/// The most bytes of a plugin's text in an error.
pub const ERROR_TEXT_BYTES_MAX: usize = 1 << 10;

/// The most bytes of a record in the log.
pub(crate) const RECORD_BYTES_MAX: usize = 8 << 10;

/// Returns text of a plugin as a part of an error.
///
/// Line ends and other control characters, and those that turn the direction of text, are written as escapes; of a text that
/// is too long the middle is left out.
///
/// ```
/// assert_eq!(aksara_plugins::shown("no\nsuch \u{1b}[31mpage"), r"no\nsuch \u{1b}[31mpage");
/// ```
pub fn shown(text: &str) -> String {
    within(text, ERROR_TEXT_BYTES_MAX)
}

/// As [`shown`], with at most so many bytes, and a few for what is said of the rest.
pub(crate) fn within(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return escaped(text);
    }
    // What went wrong is at one of the ends.
    let half = bytes_max / 2;
    let (begin, end) = (text.floor_char_boundary(half), text.ceil_char_boundary(text.len() - half));
    format!("{} .. ({} bytes) .. {}", escaped(&text[..begin]), end - begin, escaped(&text[end..]))
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if letter.is_control() || turns_text(letter) => {
                // Writing to a string does not fail.
                let _ = write!(shown, "{}", letter.escape_unicode());
            }
            _ => shown.push(letter),
        }
    }
    shown
}

/// Marks of direction, separators of lines and paragraphs, and what is not seen at all.
fn turns_text(letter: char) -> bool {
    matches!(letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Returns an error of the engine, whose line ends are layout, in one line.
pub(crate) fn one_line(error: &impl std::fmt::Display) -> String {
    shown(&format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" "))
}
