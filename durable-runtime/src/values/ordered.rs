//! Which collections are known to keep an order, so that a value with them need not be read again and
//! again to see whether its order changes.
//!
//! Nothing rests on how a type's name is spelled: one that is not known is looked at closely.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

/// What a value may be behind.
const POINTERS: [&str; 6] = [
    "&",
    "mut ",
    "alloc::boxed::Box<",
    "alloc::sync::Arc<",
    "alloc::rc::Rc<",
    "alloc::borrow::Cow<'_, ",
];

const ORDERED: [&str; 6] = [
    "alloc::vec::Vec<",
    "alloc::collections::",
    "[",
    "serde_json::",
    "indexmap::",
    "durable_runtime::values::unordered::",
];

/// Collections whose order is up to a hasher, which is part of their type.
const HASHED: [&str; 2] = [
    "std::collections::hash::map::HashMap<",
    "std::collections::hash::set::HashSet<",
];

/// Hashed collections that were seen to keep their order: their hasher is a fixed one.
static PROVEN: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

/// What is known of the order of a collection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Order {
    Kept,
    /// A fixed hasher's: two entries may change places when they are read, but always the same ones.
    Hashed,
    Unknown,
}

/// What is known of collections of this type.
pub(super) fn order_of(type_name: &'static str) -> Order {
    let mut name = type_name;
    while let Some(inner) = POINTERS.iter().find_map(|known| name.strip_prefix(known)) {
        name = inner;
    }
    if ORDERED.iter().any(|known| name.starts_with(known)) {
        return Order::Kept;
    }
    let proven = PROVEN.read().unwrap_or_else(PoisonError::into_inner);
    if proven.contains(type_name) {
        Order::Hashed
    } else {
        Order::Unknown
    }
}

/// Notes what has kept its order whenever it was read. Only of a hashed collection does that say
/// something of the next one: behind another type's name there may be a list today and a set tomorrow.
pub(super) fn note_proven(types: &BTreeSet<&'static str>) {
    let hashed = |name: &&&str| HASHED.iter().any(|known| name.starts_with(known));
    let mut proven = PROVEN.write().unwrap_or_else(PoisonError::into_inner);
    proven.extend(types.iter().filter(hashed));
}
