//! Outputs: what a step gives can be read from the journal.

use syn::LitStr;

use super::Rules;
use crate::{diagnostics::report, syntax::text::text};

impl Rules {
    /// Text that a step gives as it stands in the source.
    pub(crate) fn borrowed_output(&mut self, literal: &LitStr) {
        let source = text(literal);
        report!(
            self.found,
            literal,
            "a step cannot give a borrowed value",
            "it is recorded, and read from the journal when the run goes on in another process, where \
             nobody is there to lend it",
            "an owned value: `{source}.to_owned()`",
        );
    }
}
