//! The names of a body: which local or item each of them means.

pub(crate) mod aliases;
pub(crate) mod branch_locals;
pub(crate) mod scopes;
pub(crate) mod step_locals;
