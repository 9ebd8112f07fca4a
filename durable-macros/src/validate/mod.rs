//! The rules. Each judges what was parsed and reports every violation it finds.

mod compensation;
mod names;
pub(crate) mod signature;

use crate::{diagnostics::Diagnostics, graph::Body};

/// Judges a body.
pub(crate) fn body(owner: &str, body: &Body, diagnostics: &mut Diagnostics) {
    names::check(owner, body, diagnostics);
    compensation::check(body, diagnostics);
}
