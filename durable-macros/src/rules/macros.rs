//! Macros: one that cannot be looked into has nothing durable in it.

use super::Review;
use crate::{
    diagnostics::report,
    facts::UnknownMacro,
    syntax::{macros::is_foreign, text::text},
};

impl Review<'_> {
    pub(super) fn unknown_macro(&mut self, unknown: &UnknownMacro) {
        let name = text(&unknown.path);
        if let Some(ours) = our_combinator(unknown) {
            report!(
                self.found,
                &unknown.path,
                "`{name}!` in a workflow",
                "it polls its branches in an order of its own, in part at random, so a replay could take \
                 another turn than the run did",
                "`{ours}`, whose branches move in the recorded order",
            );
        } else if let Some(mention) = &unknown.mention {
            report!(
                self.found,
                mention,
                "`{mention}` inside `{name}!`",
                "what a macro does with its arguments is not to be seen, so the operations in it \
                 would not be checked, nor be in the step graph",
                "do it before, and give `{name}!` the result",
            );
        }
    }
}

/// Our combinator that does what this macro does, if it is a combinator of another crate.
fn our_combinator(unknown: &UnknownMacro) -> Option<&'static str> {
    let is_foreign = is_foreign(&unknown.segments);
    match unknown.segments.last()?.as_str() {
        "select" | "select_biased" => Some("durable::race!"),
        "race" if is_foreign => Some("durable::race!"),
        "join" if is_foreign => Some("durable::join!"),
        "try_join" if is_foreign => Some("durable::try_join!"),
        _ => None,
    }
}
