//! Syntax, no opinion: attribute arguments, the signature, and then, separately, the body.

mod aliases;
pub(crate) mod args;
pub(crate) mod body;
pub(crate) mod calls;
pub(crate) mod macros;
pub(crate) mod signature;
mod taint;
mod walk;
