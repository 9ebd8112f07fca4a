//! What is wrong with a value.

use std::{any::type_name, fmt};

use super::place;

/// A value that could not be turned into a payload or back, or that would not be read back as it is.
#[derive(Debug, thiserror::Error)]
#[error("{}", Words(self))]
pub struct PayloadError {
    type_name: &'static str,
    /// What in the value it is about, as `.items[3].price`; empty for all of it.
    place: String,
    problem: Problem,
    /// What the decoder says, without what stands in the value: payloads may hold secrets.
    reason: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Problem {
    Encode,
    Decode,
    /// Its JSON is not read back.
    Unreadable,
    /// It has a NaN or an infinity.
    NotFinite,
    /// It is read back as another value: what it said, and what it says now.
    Changed(Option<(&'static str, &'static str)>),
    /// It has another order each time it is read.
    Unordered,
    /// It is missing, since it could not be recorded.
    NeverRecorded,
}

impl PayloadError {
    pub(crate) fn new<T: ?Sized>(problem: Problem, text: &[u8], at: usize) -> Self {
        Self {
            type_name: type_name::<T>(),
            place: place::place(text, at),
            problem,
            reason: None,
        }
    }

    pub(crate) fn json<T: ?Sized>(
        problem: Problem,
        text: &[u8],
        source: &serde_json::Error,
    ) -> Self {
        let at = place::offset(text, source.line(), source.column());
        Self::new::<T>(problem, text, at.unwrap_or(0)).because(source)
    }

    /// The error of whoever asks for a value that is missing, with the error that kept it from being
    /// recorded.
    pub(crate) fn never_recorded<T: ?Sized>(why: &str) -> Self {
        Self {
            reason: Some(why.to_owned()),
            ..Self::new::<T>(Problem::NeverRecorded, &[], 0)
        }
    }

    pub(crate) fn because(self, source: &serde_json::Error) -> Self {
        Self {
            reason: Some(without_values(&source.to_string())),
            ..self
        }
    }
}

/// A message of `serde` without the value that it quotes: `invalid type: string "4242", expected u8` says
/// `string` alone.
fn without_values(message: &str) -> String {
    let quoting = ["invalid type: ", "invalid value: "];
    let Some(what) = quoting.iter().find_map(|what| message.strip_prefix(what)) else {
        return message.to_owned();
    };
    // The last one: a value may hold these words, too.
    let Some((found, expected)) = what.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let kind = found
        .split(['"', '`'])
        .next()
        .unwrap_or_default()
        .trim_end();
    let head = &message[..message.len() - what.len()];
    format!("{head}{kind}, expected {expected}")
}

struct Words<'e>(&'e PayloadError);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PayloadError {
            type_name,
            place,
            problem,
            reason,
        } = self.0;
        let (verb, form) = match problem {
            Problem::Encode => ("encode", " as JSON"),
            Problem::Decode => ("decode", " as JSON"),
            Problem::NeverRecorded => ("read", ""),
            _ => ("record", ""),
        };
        write!(f, "cannot {verb} a value of type `{type_name}`{form}")?;
        if !place.is_empty() {
            write!(f, ", at `{place}`")?;
        }
        match problem {
            Problem::Encode | Problem::Decode => {}
            Problem::NeverRecorded => f.write_str(": it could not be recorded")?,
            Problem::Unreadable => f.write_str(": it would not be read back from its own JSON")?,
            Problem::NotFinite => f.write_str(": JSON has no form for NaN and infinities")?,
            Problem::Changed(Some((was, is))) => {
                write!(f, ": {was} would be read back as {is}")?;
            }
            Problem::Changed(None) => f.write_str(": it would be read back as another value")?,
            Problem::Unordered => f.write_str(
                ": it has another order each time it is read, as a `HashMap` or a `HashSet` has, and a \
                 run that goes through it would take another way after a crash; use a `BTreeMap`, a \
                 `BTreeSet`, an `IndexMap` or a `Vec`, or `durable::Unordered` if it is only looked up",
            )?,
        }
        match reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::journal::Payload;

    #[test]
    fn what_stands_in_a_value_is_not_in_its_errors() {
        let secrets = [
            r#""s3cret""#,
            r#""s3cret, expected u8""#,
            r#"{"pin":"s3cret"}"#,
            "4242424242",
            "-4242424242.5",
        ];
        for secret in secrets {
            let payload = Payload::from_bytes(secret.as_bytes());
            let error = payload.decode::<u8>().unwrap_err();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(
                    !shown.contains("s3cret") && !shown.contains("4242"),
                    "{shown}"
                );
                assert!(shown.contains("expected u8"), "{shown}");
            }
        }
    }
}
