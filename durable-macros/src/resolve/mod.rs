//! The names of a body: which local, or which item, each of them means. Rust's scopes are read here, once;
//! whoever comes after asks by the name's place in the syntax tree.

mod aliases;
mod locals;
mod operation_call;
mod resolver;

pub(crate) use locals::{LocalId, Resolved};
pub(crate) use operation_call::OperationCall;
pub(crate) use resolver::{mentions_in, resolve};
