//! The model as tokens. Nothing here can fail.

mod compensate;
mod fragment;
mod graph;
mod keys;
mod rewrite;
mod wiring;
mod workflow;

pub(crate) use compensate::compensation;
pub(crate) use fragment::fragment;
#[cfg(test)]
pub(crate) use graph::written as graph_text;
pub(crate) use rewrite::rewrite;
pub(crate) use workflow::workflow;
