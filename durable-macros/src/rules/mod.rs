//! The rules. Each judges what is read and reports every violation it finds.

mod awaits;
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

use proc_macro2::Ident;

use crate::{
    diagnostics::Diagnostics,
    facts::{BodyFacts, ContextUsage, Operation, Place},
    syntax::function::Function,
};

/// What the rules find in one body. Its reader tells them what it meets; what is a matter of the whole is
/// looked for at the end.
pub(crate) struct Rules {
    owner: String,
    /// What the body calls its context.
    context: String,
    found: Diagnostics,
}

impl Rules {
    /// Rules for the body of a fn.
    pub(crate) fn new(function: &Function) -> Self {
        let context = function.context_name();
        Self {
            owner: function.name(),
            context: context.map_or_else(|| "ctx".to_owned(), Ident::to_string),
            found: Diagnostics::default(),
        }
    }

    /// Ends the review of a body of which this was read.
    pub(crate) fn end(mut self, body: &BodyFacts) -> Diagnostics {
        self.names(body);
        self.renames(body);
        for operation in &body.operations {
            self.drop_of(operation);
            self.nesting_of(operation);
            self.signal(operation);
            self.options_of(operation);
        }
        self.recursion(body);
        self.found
    }

    /// A mention of the context that is not a call of an operation.
    pub(crate) fn context_use(&mut self, name: &Ident, usage: &ContextUsage, place: Place) {
        self.nesting_of_context(name, usage, place);
        self.escape(name, usage);
    }

    /// A text in which `{context}` is the context.
    fn filled(&self, text: &str) -> String {
        text.replace("{context}", &self.context)
    }

    /// A text in which `{operation}` is the operation, too.
    fn filled_for(&self, operation: &Operation, text: &str) -> String {
        let sketch = operation.sketch(&self.context);
        self.filled(text).replace("{operation}", &sketch)
    }
}
