//! Reads a body into its graph and the facts that the rules judge.

pub(crate) mod awaitable;
pub(crate) mod bindings;
pub(crate) mod body;
mod branches;
pub(crate) mod call_sites;
mod hashed;
mod known_fns;
mod literals;
mod loops;
mod macro_calls;
mod methods;
mod walk;
