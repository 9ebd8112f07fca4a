//! Where in a JSON text something stands, for messages.

/// The path of what is at this byte: `.items[3].price`; empty for the value as a whole.
///
/// A key is shown if it looks like the name of a field: other keys may be anybody's data.
pub(super) fn place(text: &[u8], offset: usize) -> String {
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while at < offset.min(text.len()) {
        match text[at] {
            b'{' => frames.push(Frame::Object(None)),
            b'[' => frames.push(Frame::Array(0)),
            b'}' | b']' => {
                // An error is told behind the end of what it is in.
                if at + 1 < offset {
                    frames.pop();
                } else if let Some(Frame::Object(key)) = frames.last_mut() {
                    *key = None;
                }
            }
            b',' => match frames.last_mut() {
                Some(Frame::Array(index)) => *index += 1,
                Some(Frame::Object(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let end = string_end(text, at);
                if let Some(Frame::Object(key @ None)) = frames.last_mut()
                    && end < offset
                {
                    *key = Some((at + 1, end));
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    frames.iter().map(|frame| frame.show(text)).collect()
}

/// The byte at a line and a column as `serde_json` counts them, both from one; `None` when it has none.
pub(super) fn offset(text: &[u8], line: usize, column: usize) -> Option<usize> {
    let before = text
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.checked_sub(1)?);
    Some(before.map(<[u8]>::len).sum::<usize>() + column)
}

enum Frame {
    Array(usize),
    /// With where its present key is.
    Object(Option<(usize, usize)>),
}

impl Frame {
    fn show(&self, text: &[u8]) -> String {
        match self {
            Self::Array(index) => format!("[{index}]"),
            Self::Object(None) => String::new(),
            Self::Object(Some((start, end))) => match field(&text[*start..*end]) {
                Some(name) => format!(".{name}"),
                None => "[..]".to_owned(),
            },
        }
    }
}

fn field(key: &[u8]) -> Option<&str> {
    let is_name = key.len() <= 40
        && key.first().is_some_and(|byte| !byte.is_ascii_digit())
        && key
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_name.then(|| std::str::from_utf8(key).ok()).flatten()
}

/// Where the string that begins here has its last quote.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_fields_and_indexes() {
        let text = br#"{"a,\"":1,"items":[{"price":1},{"price":null}],"b c":2,"z":[]}"#;
        let find = |what: &str| {
            let text = std::str::from_utf8(text).unwrap();
            place(text.as_bytes(), text.find(what).unwrap())
        };
        assert_eq!(find("null"), ".items[1].price");
        assert_eq!(find("1}"), ".items[0].price");
        assert_eq!(find("1,"), "[..]");
        assert_eq!(find("2,"), "[..]");
        assert_eq!(find("{"), "");
        assert_eq!(place(text, text.len() - 3), ".z");
        assert_eq!(place(b"[[1],2]", 5), "[1]");
        assert_eq!(place(b"\"un", 3), "");
    }

    #[test]
    fn a_line_and_a_column_are_a_byte() {
        assert_eq!(offset(b"{\n \"a\":\n1}", 3, 1), Some(9));
        assert_eq!(offset(b"[1]", 1, 2), Some(2));
        assert_eq!(offset(b"[1]", 0, 0), None);
    }
}
