//! Earlier names: each a literal, well formed, and of one operation alone.

use std::collections::BTreeMap;

use syn::LitStr;

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Choice, Operation},
    names::flaw,
    syntax::text::text,
};

pub(super) fn check(owner: &str, body: &Body, diagnostics: &mut Diagnostics) {
    let mut taken: Taken<'_> = BTreeMap::new();
    for operation in &body.operations {
        if let Some(name) = operation.literal() {
            taken.entry(name.value()).or_default().push(operation);
        }
    }
    for operation in &body.operations {
        for choice in operation.choices("was") {
            match choice.literal() {
                Some(name) => earlier(owner, operation, name, &mut taken, diagnostics),
                None => not_a_literal(choice, diagnostics),
            }
        }
    }
}

/// Whose each name is, or was.
type Taken<'a> = BTreeMap<String, Vec<&'a Operation>>;

fn earlier<'a>(
    owner: &str,
    operation: &'a Operation,
    name: &LitStr,
    taken: &mut Taken<'a>,
    diagnostics: &mut Diagnostics,
) {
    let owners = taken.entry(name.value()).or_default();
    let is_free = owners.iter().all(|owner| owner.excludes(operation));
    owners.push(operation);
    if let Some(flaw) = flaw(&name.value()) {
        diagnostics.push(
            name,
            format_args!("the earlier name {} {flaw}", text(name)),
            "no operation can have had it, so nothing is recorded under it",
            "the name as it stood in the code before",
        );
    } else if !is_free {
        diagnostics.push(
            name,
            format_args!("the name {} is, or was, another operation's in `{owner}`", text(name)),
            "what is recorded under a name belongs to one operation, and a replay could not tell which",
            "give the other operation a name that was never used, or keep this one's",
        );
    }
}

fn not_a_literal(choice: &Choice, diagnostics: &mut Diagnostics) {
    diagnostics.push(
        &choice.name,
        "an earlier name must be a string literal",
        "it is part of the constant step graph",
        "`.was(\"the_old_name\")`",
    );
}
