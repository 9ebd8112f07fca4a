//! Escape: the context stays in the body, under its own name.

use proc_macro2::Ident;

use super::Rules;
use crate::{diagnostics::report, facts::ContextUsage};

impl Rules {
    pub(super) fn escape(&mut self, name: &Ident, usage: &ContextUsage) {
        let [what, why, instead] = match usage {
            ContextUsage::Asked | ContextUsage::Captured => return,
            ContextUsage::Passed(receiver) => return self.passed(name, receiver),
            ContextUsage::Stored => [
                "`{context}` cannot be moved into a variable, a value or a result",
                "operations are found by the name of the context; under any other name they would \
                 be neither checked nor part of the step graph",
                "call `{context}` itself, where an operation is needed",
            ],
            ContextUsage::Cloned => [
                "`{context}` cannot be cloned",
                "a second context would make operations that the step graph does not have",
                "call `{context}` itself, where an operation is needed",
            ],
            ContextUsage::Scoped => [
                "`{context}.scope(..)` can only be handed to a fragment, at once",
                "a scope is the place of a fragment's operations in the step graph, and belongs to \
                 one call",
                "`bill({context}.scope(\"billing\"), ..).await?`, where `bill` is a `#[durable::steps]` fn",
            ],
        };
        let [what, instead] = [what, instead].map(|text| self.filled(text));
        report!(self.found, name, "{what}", "{why}", "{instead}");
    }

    fn passed(&mut self, name: &Ident, receiver: &str) {
        let subject = if receiver.starts_with('(') {
            "a closure".to_owned()
        } else {
            format!("`{receiver}`")
        };
        let instead = if let Some(method) = receiver.strip_prefix("Ctx::") {
            format!("`{name}.{method}(..)`")
        } else if is_plain_fn(receiver) {
            format!(
                "pass the values that it needs; or, if it has steps of its own, make it a fragment with \
                 `#[durable::steps]` and call it as `{receiver}({name}.scope(\"a_name\"), ..).await?`"
            )
        } else {
            "pass the values that it needs".to_owned()
        };
        report!(
            self.found,
            name,
            "`{name}` cannot be passed to {subject}",
            "operations in there would be in nobody's step graph, so a replay could not be checked \
             against it",
            "{instead}",
        );
    }
}

/// Whether this is the path of a fn, and not a method, a macro, a constructor or an expression.
fn is_plain_fn(receiver: &str) -> bool {
    receiver
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':')
}
