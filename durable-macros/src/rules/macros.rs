//! Macros: one that cannot be looked into has nothing durable in it.

use syn::Path;

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, MacroUse},
    syntax::{macros::FOREIGN, text::text},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for used in &body.macros {
        if let Some(ours) = combinator(used) {
            foreign_combinator(&used.path, ours, diagnostics);
        } else if let Some(mention) = &used.mention {
            let name = text(&used.path);
            diagnostics.push(
                mention,
                format_args!("`{mention}` inside `{name}!`"),
                "what a macro does with its arguments is not to be seen, so the operations in it \
                 would not be checked, nor be in the step graph",
                format_args!("do it before, and give `{name}!` the result"),
            );
        }
    }
}

/// Our combinator that does what this macro does, if it is a combinator of another crate.
fn combinator(used: &MacroUse) -> Option<&'static str> {
    let segments: Vec<&str> = used.segments.iter().map(String::as_str).collect();
    let foreign = segments.len() > 1 && FOREIGN.contains(&segments[0]);
    match *segments.last()? {
        "select" | "select_biased" => Some("durable::race!"),
        "race" if foreign => Some("durable::race!"),
        "join" if foreign => Some("durable::join!"),
        "try_join" if foreign => Some("durable::try_join!"),
        _ => None,
    }
}

fn foreign_combinator(path: &Path, ours: &str, diagnostics: &mut Diagnostics) {
    diagnostics.push(
        path,
        format_args!("`{}!` in a workflow", text(path)),
        "it polls its branches in an order of its own, in part at random, so a replay could take \
         another turn than the run did",
        format_args!("`{ours}`, whose branches move in the recorded order"),
    );
}
