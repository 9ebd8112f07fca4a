//! Loops: one with durable operations has a way out, and one without comes to it by itself.

use proc_macro2::Span;

use super::Rules;
use crate::diagnostics::{At, report};

impl Rules {
    /// A loop that makes durable operations and has no way out: its header, as text.
    pub(crate) fn endless_loop(&mut self, span: Span, header: &str) {
        report!(
            self.found,
            At(span),
            "this `{header}` makes durable operations and has no way out",
            "each round is recorded and none is ever forgotten, so a replay takes longer and longer, \
             until the journal is full",
            "`break` or `return` once the work is done; for work without end, a number of rounds, as in \
             `for _ in 0..1000`, and then a step that starts the next run with a client",
        );
    }

    /// A loop that can only go round and round.
    pub(crate) fn spinning_loop(&mut self, span: Span) {
        report!(
            self.found,
            At(span),
            "this `loop` has no way out and waits for nothing",
            "it would keep the worker busy for ever, and every run on it waiting",
            "`break` or `return` once the work is done",
        );
    }
}
