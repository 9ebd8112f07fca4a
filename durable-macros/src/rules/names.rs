//! Names: a literal, well formed, and each used once.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::LitStr;

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Kind, Name, Operation},
    names::{flaw, suggestion, variant},
    syntax::text::text,
};

pub(super) fn check(owner: &str, body: &Body, diagnostics: &mut Diagnostics) {
    let mut by_variant: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
    for operation in &body.operations {
        match &operation.name {
            // The compiler says which arguments there should be.
            Name::Missing => {}
            Name::Computed(name) => computed(operation, name, &body.context, diagnostics),
            Name::Literal(name) => match flaw(&name.value()) {
                Some(flaw) => ill_formed(operation, name, &flaw, diagnostics),
                None => {
                    let before = by_variant.entry(variant(&name.value())).or_default();
                    let first = before.iter().find(|before| !before.excludes(operation));
                    if let Some(first) = first {
                        twice(owner, first, operation, name, diagnostics);
                    }
                    before.push(operation);
                }
            },
        }
    }
}

/// What the name is the name of: that of a fragment is chosen by its caller.
fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Scope => "scope",
        kind => kind.noun(),
    }
}

fn computed(
    operation: &Operation,
    name: &impl ToTokens,
    context: &str,
    diagnostics: &mut Diagnostics,
) {
    let noun = noun(operation.kind);
    diagnostics.push(
        name,
        format_args!("the name of a {noun} must be a string literal"),
        "the compiler checks the names and builds the step graph from them, and a computed name \
         could differ on a replay",
        format_args!(
            "write a literal, `{context}.{}(\"a_name\", ..)`; in a loop one name is enough: the rounds are \
             told apart as `a_name`, `a_name#1`, ..",
            operation.method
        ),
    );
}

fn ill_formed(operation: &Operation, name: &LitStr, flaw: &str, diagnostics: &mut Diagnostics) {
    let noun = noun(operation.kind);
    diagnostics.push(
        name,
        format_args!("the {noun} name {} {flaw}", text(name)),
        "names become variants of the step enum and parts of recorded keys, where `/` and `#` have \
         a meaning",
        format_args!(
            "\"{}\": lower case letters, digits and `_`, at most 64",
            suggestion(&name.value())
        ),
    );
}

fn twice(
    owner: &str,
    first: &Operation,
    second: &Operation,
    name: &LitStr,
    diagnostics: &mut Diagnostics,
) {
    let first_name = first.literal().map(LitStr::value).unwrap_or_default();
    let line = first.literal().map_or(0, |name| name.span().start().line);
    let value = name.value();
    if first_name != value {
        return diagnostics.push(
            name,
            format_args!(
                "the names \"{first_name}\" (line {line}) and \"{value}\" make the same variant \
                 `{owner}::{}`",
                variant(&value)
            ),
            "each operation needs a variant of its own in the step enum",
            "names that differ in more than underscores",
        );
    }
    let types = [first, second].map(|operation| operation.generic.as_ref().map(text));
    if let (Kind::Signal, Kind::Signal, [Some(one), Some(other)]) =
        (first.kind, second.kind, &types)
        && one != other
    {
        return diagnostics.push(
            name,
            format_args!(
                "signal \"{value}\" carries a `{one}` in line {line} and a `{other}` here"
            ),
            "a sender knows a signal by its name alone, so one of the two waits could not read it",
            "one name for each type of payload",
        );
    }
    diagnostics.push(
        name,
        format_args!("the name \"{value}\" is used twice in `{owner}`, first in line {line}"),
        "a replay finds what is recorded by name, so one of the two would take the other's result",
        format_args!("a name that tells them apart, such as \"{value}_again\""),
    );
}
