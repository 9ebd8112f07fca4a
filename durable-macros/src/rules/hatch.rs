//! The escape hatch: `durable::nondeterministic!("reason", value)`.

use syn::{Expr, Lit};

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Escape},
};

const FORM: &str = "`durable::nondeterministic!(\"why this is the same on a replay\", value)`";

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for escape in &body.escapes {
        reason(escape, diagnostics);
        let has_reason = match &escape.reason {
            Some(reason) => escape.values > 0 || is_text(reason),
            None => false,
        };
        if has_reason && escape.values != 1 {
            diagnostics.push(
                &escape.path,
                "`nondeterministic!` takes a reason and one value",
                "the reason answers for that value and no other",
                FORM,
            );
        }
    }
}

fn reason(escape: &Escape, diagnostics: &mut Diagnostics) {
    let why = "the rules are off in here, and whoever reads it later must know why a replay gives \
               the same";
    match &escape.reason {
        None => diagnostics.push(
            &escape.path,
            "`nondeterministic!` needs a reason",
            why,
            FORM,
        ),
        Some(reason) if escape.values == 0 && !is_text(reason) => diagnostics.push(
            &escape.path,
            "`nondeterministic!` needs a reason",
            why,
            FORM,
        ),
        Some(reason) if !says_something(reason) => diagnostics.push(
            reason,
            "the reason of `nondeterministic!` must be a string literal that is not empty",
            why,
            FORM,
        ),
        Some(_) => {}
    }
}

fn is_text(reason: &Expr) -> bool {
    matches!(reason, Expr::Lit(literal) if matches!(&literal.lit, Lit::Str(_)))
}

fn says_something(reason: &Expr) -> bool {
    match reason {
        Expr::Lit(literal) => {
            matches!(&literal.lit, Lit::Str(text) if !text.value().trim().is_empty())
        }
        _ => false,
    }
}
