//! The rules. Each judges what was parsed and reports every violation it finds.

mod compensation;
mod escape;
mod hatch;
mod names;
mod nesting;
pub(crate) mod signature;
#[cfg(test)]
mod tests;

use crate::{diagnostics::Diagnostics, graph::Body};

/// Judges a body.
pub(crate) fn body(owner: &str, body: &Body, diagnostics: &mut Diagnostics) {
    names::check(owner, body, diagnostics);
    nesting::check(body, diagnostics);
    escape::check(body, diagnostics);
    hatch::check(body, diagnostics);
    compensation::check(body, diagnostics);
}
