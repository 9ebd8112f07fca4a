//! Macros: one that cannot be looked into has nothing durable in it.

use proc_macro2::Ident;
use syn::Path;

use super::Rules;
use crate::{
    diagnostics::report,
    syntax::{macros::is_foreign, text::text},
};

impl Rules {
    /// A macro whose arguments cannot be parsed: its path, the names in it with an alias from a `use` in the
    /// body resolved, and the first mention of the context or of an await in it.
    pub(crate) fn unknown_macro(&mut self, path: &Path, names: &[String], mention: Option<&Ident>) {
        let name = text(path);
        if let Some(ours) = our_combinator(names) {
            report!(
                self.found,
                path,
                "`{name}!` in a workflow",
                "it polls its branches in an order of its own, in part at random, so a replay could take \
                 another turn than the run did",
                "`{ours}`, whose branches move in the recorded order",
            );
        } else if let Some(mention) = mention {
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
fn our_combinator(names: &[String]) -> Option<&'static str> {
    let is_foreign = is_foreign(names);
    match names.last()?.as_str() {
        "select" | "select_biased" => Some("durable::race!"),
        "race" if is_foreign => Some("durable::race!"),
        "join" if is_foreign => Some("durable::join!"),
        "try_join" if is_foreign => Some("durable::try_join!"),
        _ => None,
    }
}
