//! What is generated, as tokens. Nothing here can fail.

mod body;
mod compensation;
mod fragment;
mod graph_text;
mod refused;
mod step_enum;
mod wiring;
mod workflow;

pub(crate) use body::rewrite_body;
pub(crate) use compensation::compensation;
pub(crate) use fragment::fragment;
#[cfg(test)]
pub(crate) use graph_text::graph_text;
pub(crate) use refused::{refused, unread};
pub(crate) use workflow::workflow;
