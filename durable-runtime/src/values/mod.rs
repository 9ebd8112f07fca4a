//! Encoded values, and whether a value can be recorded: that it is read back as it is, and in one order.
//!
//! Invariant: what is recorded can be read. A value is read back before it is recorded, and what has
//! another order each time it is read is refused there.

mod error;
mod ordered;
mod payload;
mod place;
mod probe;
mod record;
mod unordered;

pub use error::PayloadError;
pub use payload::Payload;
pub(crate) use record::record_tree;
pub use unordered::Unordered;
