//! Run time of the durable workflow engine. Use it through the `durable` crate, which re-exports
//! what is public here.
//!
//! Layers, each importing only from those above it in this list: data ([`text`], [`values`], [`failure`],
//! [`journal`], [`status`], [`outcome`], [`retry`], [`record`], [`limits`], [`clock`]), the static graph ([`graph`]), the pure core
//! ([`replay`], [`context`]), graph and code together ([`registry`]), effects ([`store`]), and the shell
//! ([`client`], [`engine`]).

pub mod clock;
pub mod failure;
mod id;
pub mod journal;
pub mod limits;
pub mod outcome;
pub mod record;
pub mod retry;
pub mod status;
pub mod text;
pub mod values;

mod observe;
mod random;

pub mod graph;

pub mod replay;

pub mod context;
pub mod registry;

pub mod store;

pub mod client;
pub mod engine;
pub mod error;
mod worker;

#[cfg(feature = "testing")]
pub mod testing;

pub use failure::{Failure, StepError};
pub use outcome::Outcome;
pub use retry::Retry;
