//! Reads a body: its operations and how they nest. Whatever else it meets it tells the rules, which know what
//! is a mistake.
//!
//! An expression is read once, in the order in which it runs. Reading it notes what stands in it, and gives
//! what its value is, as far as that can be seen.

mod calls;
mod control;
mod expressions;
mod locals;
mod macro_calls;
mod paths;
mod reader;
mod values;

pub(crate) use reader::read_body;
