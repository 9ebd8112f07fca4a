//! Awaits: a body waits for durable operations and for nothing else.

use quote::ToTokens;
use syn::Expr;

use super::Rules;
use crate::{diagnostics::report, hazards::TIME_LIMIT, syntax::expressions::summary};

impl Rules {
    /// An await, or a branch of a combinator, of something that is not durable: the smallest tokens that say
    /// so, and what is awaited.
    pub(crate) fn foreign_await(&mut self, at: &dyn ToTokens, awaited: &Expr) {
        let awaited = summary(awaited);
        let instead = match awaited.split_once('(') {
            Some(("timeout" | "timeout_at", _)) => TIME_LIMIT,
            _ => "await it in a step: `{context}.step(\"a_name\", |_| async { .. }).await?`",
        };
        let instead = self.filled(instead);
        report!(
            self.found,
            at,
            "`{awaited}` is not a durable operation",
            "what it comes to is not recorded, so a replay would do it again and could go another way",
            "{instead}",
        );
    }
}
