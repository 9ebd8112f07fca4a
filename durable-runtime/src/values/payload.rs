//! Encoded values: inputs, step outputs, signal payloads, results.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{PayloadError, error::Problem, record::record};

/// A value as the journal stores it: JSON text, shared and immutable.
///
/// `Debug` prints only the length: payloads may hold secrets and must not reach a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Arc<[u8]>);

impl Payload {
    /// Encodes a value as JSON.
    ///
    /// # Errors
    ///
    /// When the value's `Serialize` fails, for example a map whose keys are not strings.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        match serde_json::to_vec(value) {
            Ok(bytes) => Ok(Self(bytes.into())),
            Err(source) => Err(PayloadError::json::<T>(Problem::Encode, b"", &source)),
        }
    }

    /// What stands for no value: the JSON `null`.
    pub(crate) fn null() -> Self {
        Self::from_bytes(b"null".as_slice())
    }

    /// Encodes a value as JSON and reads it back, as every value is that is recorded: what a step gave
    /// must be there after a crash. Gives what was read, too: it is what a replay sees.
    ///
    /// ```
    /// # use durable_runtime as durable;
    /// use durable::journal::Payload;
    ///
    /// let (payload, read) = Payload::record(&0.1_f64)?;
    /// assert_eq!((payload.as_bytes(), read), (b"0.1".as_slice(), 0.1));
    /// assert!(Payload::record(&f64::NAN).is_err());
    /// # Ok::<(), durable::journal::PayloadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be encoded; when what is read back is another value, as `None` for `Some(())`; when
    /// it has an order that is another each time it is read, as a `HashMap` has.
    pub fn record<T: Serialize + DeserializeOwned>(value: &T) -> Result<(Self, T), PayloadError> {
        let (text, read) = record(value)?;
        Ok((Self::from_bytes(text), read))
    }

    /// Decodes the value.
    ///
    /// # Errors
    ///
    /// When the bytes are not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        serde_json::from_slice(&self.0)
            .map_err(|source| PayloadError::json::<T>(Problem::Decode, &self.0, &source))
    }

    /// Whether both are the same JSON, whatever the order of keys in objects.
    pub(crate) fn is_same_json(&self, other: &Self) -> bool {
        let sorted = |payload: &Self| sorted(serde_json::from_slice(&payload.0).ok()?);
        self == other || sorted(self).is_some_and(|json| Some(json) == sorted(other))
    }

    /// A payload from bytes that are already encoded.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all; the encoding of any value has at least one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A JSON text with the keys of its objects sorted. Numbers stay as they are written: some are larger than
/// any type of `serde_json` holds.
fn sorted(json: &RawValue) -> Option<String> {
    let text = json.get();
    if text.starts_with('{') {
        let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        let entries = entries
            .into_iter()
            .map(|(key, value)| Some(format!("{key:?}:{}", sorted(value)?)));
        return Some(format!(
            "{{{}}}",
            entries.collect::<Option<Vec<_>>>()?.join(",")
        ));
    }
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        let items = items.into_iter().map(sorted);
        return Some(format!(
            "[{}]",
            items.collect::<Option<Vec<_>>>()?.join(",")
        ));
    }
    Some(text.to_owned())
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_the_round_trip_and_debug_shows_no_content() {
        let payload = Payload::encode(&("secret", 7)).unwrap();
        assert_eq!(
            payload.decode::<(String, u8)>().unwrap(),
            ("secret".to_owned(), 7)
        );
        assert_eq!(format!("{payload:?}"), "Payload(12 bytes)");
    }

    #[test]
    fn a_mismatch_names_the_type() {
        let error = Payload::encode("text")
            .unwrap()
            .decode::<u8>()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot decode a value of type `u8` as JSON"),
            "{error}"
        );
    }
}
