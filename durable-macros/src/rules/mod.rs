//! The rules. Each judges what was read and reports every violation it finds.

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

use crate::{
    diagnostics::Diagnostics,
    facts::{BodyFacts, Fact},
};

/// Judges the body of a fn of this name.
pub(crate) fn review(owner: &str, body: &BodyFacts) -> Diagnostics {
    let mut review = Review {
        owner,
        body,
        context: &body.context,
        found: Diagnostics::default(),
    };
    review.names();
    review.renames();
    for operation in &body.operations {
        review.drop_of(operation);
        review.nesting_of(operation);
        review.signal(operation);
        review.options_of(operation);
    }
    review.recursion();
    for fact in &body.facts {
        review.fact(fact);
    }
    review.found
}

/// A review of one body.
struct Review<'a> {
    owner: &'a str,
    body: &'a BodyFacts,
    context: &'a str,
    found: Diagnostics,
}

impl Review<'_> {
    /// A text in which `{context}` is the context.
    fn filled(&self, text: &str) -> String {
        text.replace("{context}", self.context)
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::ForeignAwait(at, awaited) => self.foreign_await(at, awaited),
            Fact::ContextUse(used) => {
                self.nesting_of_context(used);
                self.escape(used);
            }
            Fact::Hazard(at, name, hazard) => self.hazard(at, name, *hazard),
            Fact::UnknownMacro(unknown) => self.unknown_macro(unknown),
            Fact::Hatch {
                path,
                reason,
                values,
            } => self.hatch(path, reason.as_ref(), *values),
            Fact::EndlessLoop(span, header) => self.endless_loop(*span, header),
            Fact::SpinningLoop(span) => self.spinning_loop(*span),
            Fact::LateOption(option) => self.late_option(option),
            Fact::Forgotten(local, is_one) => self.forgotten(local, *is_one),
            Fact::DroppedCombinator(name) => self.dropped_combinator(name),
            Fact::Recursion(fragment) => self.recursion_of(fragment),
            Fact::BorrowedOutput(text) => self.borrowed_output(text),
        }
    }
}
