//! Whether a value can be recorded: it is read back before it is.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    PayloadError,
    error::Problem,
    ordered::note_proven,
    probe::{Notes, Said, Sink, write},
};

/// How often a value is read whose order might change. Two entries of a `HashMap` come in the same order
/// nine times out of sixteen, and more entries less often: fewer than one of 2^40 values is overlooked.
const READINGS: usize = 49;

/// The JSON of a value, and what is read back of it.
pub(crate) fn record<T: Serialize + DeserializeOwned>(
    value: &T,
) -> Result<(Vec<u8>, T), PayloadError> {
    let (text, notes) = tell(value, Notes::default())?;
    let read: T = read(&text, value)?;
    // Two entries may change places the first time they are read, if their hasher is a fixed one.
    let settled = if tells(&read, &text) == Told::Same(notes.shape()) {
        None
    } else {
        let settled = moved(&read, &text, &notes);
        Some(settled.ok_or_else(|| changed(value, &read, &text))?)
    };
    let loose = notes.loose();
    if !loose.is_empty() {
        let expected = settled.as_ref().unwrap_or(&text);
        for _ in 1..READINGS {
            if let Told::Otherwise(at) = tells(&self::read(&text, value)?, expected) {
                return Err(PayloadError::new::<T>(Problem::Unordered, expected, at));
            }
        }
        note_proven(&loose);
    }
    Ok((text, read))
}

/// A value as a tree, for a reader whose type is not known here. So it is not read back: what is refused
/// is what no type could read.
pub(crate) fn record_tree<T: Serialize>(
    value: &T,
    levels_max: u32,
) -> Result<serde_json::Value, PayloadError> {
    let (text, notes) = tell(value, Notes::traced().at_most(levels_max))?;
    if let Some(error) = not_finite::<T>(&text, &notes.into_trace()) {
        return Err(error);
    }
    // A tree has no place for integers of more than 64 bits.
    serde_json::to_value(value)
        .map_err(|source| PayloadError::json::<T>(Problem::Encode, &[], &source))
}

/// The JSON of a value, and what it says besides.
fn tell<T: Serialize>(value: &T, notes: Notes) -> Result<(Vec<u8>, Notes), PayloadError> {
    let mut sink = Sink::Collect(Vec::new());
    let written = write(value, &mut sink, &notes);
    let text = sink.into_text();
    match written {
        Ok(()) => Ok((text, notes)),
        Err(source) => {
            let at = text.len();
            Err(PayloadError::new::<T>(Problem::Encode, &text, at).because(&source))
        }
    }
}

fn read<T: Serialize + DeserializeOwned>(text: &[u8], value: &T) -> Result<T, PayloadError> {
    serde_json::from_slice(text).map_err(|source| {
        not_finite::<T>(text, &trace(value))
            .unwrap_or_else(|| PayloadError::json::<T>(Problem::Unreadable, text, &source))
    })
}

/// What a value tells, compared to a text.
#[derive(PartialEq)]
enum Told {
    /// The text, and with it this shape.
    Same(u64),
    /// Another text, from this byte on.
    Otherwise(usize),
}

fn tells<T: Serialize>(value: &T, text: &[u8]) -> Told {
    let notes = Notes::default();
    let mut sink = Sink::Compare(text);
    match write(value, &mut sink, &notes) {
        Ok(()) if notes.written() == text.len() => Told::Same(notes.shape()),
        _ => Told::Otherwise(notes.written()),
    }
}

/// The text of what was read, if it is that of the same things in an order that may be another one.
fn moved<T: Serialize>(read: &T, text: &[u8], notes: &Notes) -> Option<Vec<u8>> {
    if !notes.may_move() {
        return None;
    }
    let shape = notes.shape();
    let (settled, notes) = tell(read, Notes::default()).ok()?;
    let sorted = |text: &[u8]| {
        let mut bytes = text.to_vec();
        bytes.sort_unstable();
        bytes
    };
    (notes.shape() == shape && sorted(&settled) == sorted(text)).then_some(settled)
}

/// In what a value that was read back differs.
fn changed<T: Serialize>(value: &T, read: &T, text: &[u8]) -> PayloadError {
    let (was, is) = (trace(value), trace(read));
    if let Some(error) = not_finite::<T>(text, &was) {
        return error;
    }
    if let Told::Otherwise(at) = tells(read, text) {
        return PayloadError::new::<T>(Problem::Changed(None), text, at);
    }
    let first = was.iter().zip(&is).find(|(was, is)| was != is);
    let (at, change) = first.map_or((0, None), |(was, is)| {
        let change = (was.what != is.what).then_some((was.what, is.what));
        (was.at, change)
    });
    PayloadError::new::<T>(Problem::Changed(change), text, at)
}

fn not_finite<T>(text: &[u8], said: &[Said]) -> Option<PayloadError> {
    let found = said.iter().find(|said| said.is_not_finite())?;
    Some(PayloadError::new::<T>(Problem::NotFinite, text, found.at))
}

fn trace<T: Serialize>(value: &T) -> Vec<Said> {
    tell(value, Notes::traced()).map_or_else(|_| Vec::new(), |(_, notes)| notes.into_trace())
}
