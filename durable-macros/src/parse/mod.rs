//! Syntax, no opinion: attribute arguments, the signature, and then, separately, the body.

pub(crate) mod above;
mod aliases;
pub(crate) mod args;
mod awaitable;
mod bindings;
pub(crate) mod body;
mod branch_locals;
mod branches;
pub(crate) mod call_sites;
pub(crate) mod calls;
pub(crate) mod cfgs;
mod hashed;
mod known_fns;
pub(crate) mod literals;
mod loops;
mod macro_calls;
pub(crate) mod macros;
mod methods;
pub(crate) mod scopes;
pub(crate) mod set_aside;
pub(crate) mod signature;
mod step_locals;
mod walk;
