//! The model as tokens. Nothing here can fail.

mod compensate;
mod graph;
mod keys;
mod rewrite;
mod workflow;

pub(crate) use compensate::compensation;
pub(crate) use rewrite::rewrite;
pub(crate) use workflow::workflow;
