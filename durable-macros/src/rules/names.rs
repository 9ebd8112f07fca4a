//! Names: a literal, well formed, and each used once.

use syn::{Expr, LitStr};

use super::Rules;
use crate::{
    diagnostics::report,
    facts::{BodyFacts, NamedOperation, Operation, OperationName},
    names::{flaw, suggestion},
    operations::Carries,
    syntax::text::text,
};

impl Rules {
    pub(super) fn names(&mut self, body: &BodyFacts) {
        for operation in &body.operations {
            match &operation.name {
                // The compiler says which arguments there should be.
                OperationName::Missing => {}
                OperationName::Computed(name) => self.computed_name(operation, name),
                OperationName::Literal(name) => {
                    if let Some(flaw) = flaw(&name.value()) {
                        self.ill_formed_name(operation, name, &flaw);
                    }
                }
            }
        }
        for named in body.named_operations() {
            if let Some((first, before)) = named.clash {
                self.name_used_twice(first, before, &named);
            }
        }
    }

    fn computed_name(&mut self, operation: &Operation, name: &Expr) {
        let (word, method, context) = (operation.kind.word, &operation.method, &self.context);
        report!(
            self.found,
            name,
            "the name of a {word} must be a string literal",
            "the compiler checks the names and builds the step graph from them, and a computed name \
             could differ on a replay",
            "write a literal, `{context}.{method}(\"a_name\", ..)`; in a loop one name is enough: the rounds \
             are told apart as `a_name`, `a_name#1`, ..",
        );
    }

    fn ill_formed_name(&mut self, operation: &Operation, name: &LitStr, flaw: &str) {
        let (word, source, suggestion) =
            (operation.kind.word, text(name), suggestion(&name.value()));
        report!(
            self.found,
            name,
            "the {word} name {source} {flaw}",
            "names become variants of the step enum and parts of recorded keys, where `/` and `#` have \
             a meaning",
            "\"{suggestion}\": lower case letters, digits and `_`, at most 64",
        );
    }

    fn name_used_twice(&mut self, first: &Operation, before: &LitStr, named: &NamedOperation<'_>) {
        let (second, name, variant) = (named.operation, named.name, &named.variant);
        let (owner, value) = (&self.owner, name.value());
        let (line, before) = (before.span().start().line, before.value());
        if before != value {
            return report!(
                self.found,
                name,
                "the names \"{before}\" (line {line}) and \"{value}\" make the same variant \
                 `{owner}::{variant}`",
                "each operation needs a variant of its own in the step enum",
                "names that differ in more than underscores",
            );
        }
        let payload = |operation: &Operation| match operation.kind.carries {
            Carries::Payload => operation.generic.as_ref().map(text),
            _ => None,
        };
        if let (Some(one), Some(other)) = (payload(first), payload(second))
            && one != other
        {
            let noun = second.kind.noun;
            return report!(
                self.found,
                name,
                "{noun} \"{value}\" carries a `{one}` in line {line} and a `{other}` here",
                "a sender knows a {noun} by its name alone, so one of the two waits could not read it",
                "one name for each type of payload",
            );
        }
        report!(
            self.found,
            name,
            "the name \"{value}\" is used twice in `{owner}`, first in line {line}",
            "a replay finds what is recorded by name, so one of the two would take the other's result",
            "a name that tells them apart, such as \"{value}_again\"",
        );
    }
}
