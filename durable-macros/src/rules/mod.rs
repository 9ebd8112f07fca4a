//! The rules. Each judges what was parsed and reports every violation it finds.

mod awaits;
mod compensation;
mod drops;
mod escape;
mod hatch;
mod hazards;
mod loops;
mod macros;
mod names;
mod nesting;
pub(crate) mod options;
mod outputs;
mod renames;
pub(crate) mod rewritten;
mod shape;
mod signals;
pub(crate) mod signature;

use crate::{diagnostics::Diagnostics, facts::Body};

/// Judges a body.
pub(crate) fn body(owner: &str, body: &Body, diagnostics: &mut Diagnostics) {
    names::check(owner, body, diagnostics);
    awaits::check(body, diagnostics);
    drops::check(body, diagnostics);
    nesting::check(body, diagnostics);
    escape::check(body, diagnostics);
    hazards::check(body, diagnostics);
    macros::check(body, diagnostics);
    loops::check(body, diagnostics);
    signals::check(body, diagnostics);
    compensation::check(body, diagnostics);
    options::check(body, diagnostics);
    outputs::check(body, diagnostics);
    renames::check(owner, body, diagnostics);
    shape::check(owner, body, diagnostics);
    hatch::check(body, diagnostics);
}
