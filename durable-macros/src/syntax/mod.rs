//! Rust source as it is written, with no meaning for a workflow yet.

pub(crate) mod arguments;
pub(crate) mod cfgs;
pub(crate) mod expressions;
pub(crate) mod function;
pub(crate) mod macros;
pub(crate) mod step_bodies;
pub(crate) mod text;
pub(crate) mod tokens;
pub(crate) mod types;
