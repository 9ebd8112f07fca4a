//! Encoded values: inputs, step outputs, signal payloads, results.

use std::{any::type_name, fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

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
            Err(source) => Err(PayloadError {
                action: "encode",
                type_name: type_name::<T>(),
                source,
            }),
        }
    }

    /// Decodes the value.
    ///
    /// # Errors
    ///
    /// When the bytes are not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        serde_json::from_slice(&self.0).map_err(|source| PayloadError {
            action: "decode",
            type_name: type_name::<T>(),
            source,
        })
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

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

/// A value that could not be turned into a payload or back.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} a value of type `{type_name}` as JSON: {source}")]
pub struct PayloadError {
    action: &'static str,
    type_name: &'static str,
    source: serde_json::Error,
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
