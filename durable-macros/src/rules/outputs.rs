//! Outputs: what a step gives can be read from the journal.

use crate::{diagnostics::Diagnostics, facts::Body, syntax::text::text};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for literal in &body.literals {
        diagnostics.push(
            literal,
            "a step cannot give a borrowed value",
            "it is recorded, and read from the journal when the run goes on in another process, where \
             nobody is there to lend it",
            format_args!("an owned value: `{}.to_owned()`", text(literal)),
        );
    }
}
