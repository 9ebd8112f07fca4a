//! Hints as the text of a notification: `SENDER d m1,2 e3`, or `SENDER *` when that would be too long.

use crate::{journal::RunKey, store::Hint};

/// PostgreSQL takes less than 8,000 bytes.
const LONGEST: usize = 7_999;

pub(super) fn write(sender: u64, hint: Hint) -> String {
    let mut text = sender.to_string();
    if hint.due {
        text.push_str(" d");
    }
    for (mark, runs) in [(" m", hint.mail), (" e", hint.ended)] {
        if !runs.is_empty() {
            let runs: Vec<String> = runs.iter().map(|run| run.get().to_string()).collect();
            text.push_str(mark);
            text.push_str(&runs.join(","));
        }
    }
    if hint.missed || text.len() > LONGEST {
        text = format!("{sender} *");
    }
    text
}

/// Who sent it, and what it says. A text that this version cannot read may mean anything.
pub(super) fn read(text: &str) -> (Option<u64>, Hint) {
    let mut words = text.split(' ');
    let sender = words.next().and_then(|sender| sender.parse().ok());
    let mut hint = Hint::default();
    for word in words {
        match (word.chars().next(), runs(word.get(1..).unwrap_or_default())) {
            (Some('d'), _) => hint.due = true,
            (Some('m'), Some(runs)) => hint.mail = runs,
            (Some('e'), Some(runs)) => hint.ended = runs,
            _ => hint.missed = true,
        }
    }
    hint.missed |= sender.is_none();
    (sender, hint)
}

fn runs(list: &str) -> Option<Vec<RunKey>> {
    list.split(',')
        .map(|run| run.parse().ok().map(RunKey::new))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(runs: impl IntoIterator<Item = i64>) -> Vec<RunKey> {
        runs.into_iter().map(RunKey::new).collect()
    }

    #[test]
    fn a_hint_is_read_as_it_was_written() {
        for hint in [
            Hint {
                due: true,
                ..Hint::default()
            },
            Hint {
                mail: keys([1, 20]),
                ..Hint::default()
            },
            Hint {
                due: true,
                mail: keys([7]),
                ended: keys([8, 9, i64::MAX]),
                missed: false,
            },
            Hint::missed(),
        ] {
            assert_eq!(read(&write(42, hint.clone())), (Some(42), hint));
        }
    }

    #[test]
    fn a_hint_that_is_too_long_says_only_that_something_happened() {
        let hint = |runs| Hint {
            ended: keys(0..runs),
            ..Hint::default()
        };
        assert_eq!(read(&write(1, hint(1_000))).1, hint(1_000));
        let text = write(1, hint(10_000));
        assert!(text.len() < 8_000);
        assert_eq!(read(&text).1, Hint::missed());
    }

    #[test]
    fn what_cannot_be_read_may_mean_anything() {
        for text in ["", "x", "1 ?", "1 mx", "1 m", "hello world", "1 é"] {
            assert!(read(text).1.missed, "{text:?}");
        }
    }
}
