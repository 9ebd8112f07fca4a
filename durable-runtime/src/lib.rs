//! Run time of the durable workflow engine. Use it through the `durable` crate, which re-exports
//! what is public here.

pub mod failure;
pub mod journal;
pub mod status;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
