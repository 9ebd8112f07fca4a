//! Text of others as it is shown to people.
//!
//! A message, a name or a reason may come from anywhere, and a terminal obeys what it is sent. So what is
//! shown has no control characters: neither in the `Display` and `Debug` of errors, nor where a program
//! puts text through [`printable`]. What is recorded and what accessors give stays as it is.

use std::fmt::{self, Write};

/// Shows text in one line that does nothing to a terminal: control characters (also those that end a
/// line, and those that change the direction of text) are shown as Rust writes them, `\u{1b}`.
///
/// ```
/// use durable_runtime::text::printable;
///
/// assert_eq!(printable("a\u{1b}[2Jb\n").to_string(), r"a\u{1b}[2Jb\n");
/// assert_eq!(printable("größe 3 €").to_string(), "größe 3 €");
/// ```
pub fn printable(text: &str) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| escape(text, f, |_| false))
}

/// Writes what is given to it without control characters. Lines may end, as long messages have several.
pub(crate) struct Printable<W>(pub(crate) W);

impl<W: Write> Write for Printable<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text, &mut self.0, |c| matches!(c, '\n' | '\t'))
    }
}

fn escape(text: &str, to: &mut impl Write, is_kept: impl Fn(char) -> bool) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(|c| is_hidden(c) && !is_kept(c)) {
        let (before, after) = rest.split_at(at);
        let mut after = after.chars();
        to.write_str(before)?;
        if let Some(hidden) = after.next() {
            write!(to, "{}", hidden.escape_default())?;
        }
        rest = after.as_str();
    }
    to.write_str(rest)
}

/// Whether a character is an order to whoever shows it.
fn is_hidden(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let all: String = (0..=0x2100).filter_map(char::from_u32).collect();
        let shown = printable(&all).to_string();
        assert!(!shown.chars().any(is_hidden));
        assert!(shown.contains(r"\u{1b}") && shown.contains(r"\r") && shown.contains(r"\u{9b}"));
        // What was shown once is shown alike again.
        assert_eq!(printable(&shown).to_string(), shown);
    }

    #[test]
    fn a_long_message_keeps_its_lines() {
        let mut shown = String::new();
        let (first, second) = ("a\r", "\n\tb\u{7}");
        write!(Printable(&mut shown), "{first}{second}").unwrap();
        assert_eq!(shown, "a\\r\n\tb\\u{7}");
    }
}
