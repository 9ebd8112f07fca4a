//! Hashed collections that are only looked up.

use std::{
    collections::{HashMap, HashSet},
    ops::{Deref, DerefMut},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `HashMap` or a `HashSet` whose author answers for it: the workflow only looks things up in it, and
/// nothing that it does depends on the order of the entries.
///
/// Without it such a collection is refused before it is recorded, in an input, a step's output, a signal
/// and a result alike: its order is another after a crash. Recorded it is in the order of its keys, and
/// as JSON it is the map or the list that it is without.
///
/// ```
/// use durable_runtime::{journal::Payload, values::Unordered};
/// use std::collections::HashMap;
///
/// let prices: HashMap<_, _> = [("tea", 3), ("cup", 7)].map(|(k, v)| (k.to_owned(), v)).into();
/// assert!(Payload::record(&prices).is_err());
///
/// let (payload, read) = Payload::record(&Unordered(prices))?;
/// assert_eq!(payload.as_bytes(), br#"{"cup":7,"tea":3}"#);
/// assert_eq!(read["tea"], 3);
/// # Ok::<(), durable_runtime::journal::PayloadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unordered<C>(pub C);

impl<C> Deref for Unordered<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> DerefMut for Unordered<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.0
    }
}

impl<C> From<C> for Unordered<C> {
    fn from(collection: C) -> Self {
        Self(collection)
    }
}

impl<K: Serialize + Ord, V: Serialize, H> Serialize for Unordered<HashMap<K, V, H>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        serializer.collect_map(entries)
    }
}

impl<T: Serialize + Ord, H> Serialize for Unordered<HashSet<T, H>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_unstable();
        serializer.collect_seq(entries)
    }
}

impl<'de, C: Deserialize<'de>> Deserialize<'de> for Unordered<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        C::deserialize(deserializer).map(Self)
    }
}
