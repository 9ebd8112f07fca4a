//! Awaits: a body waits for durable operations and for nothing else.

use quote::ToTokens;

use super::Review;
use crate::{diagnostics::report, hazards::TIME_LIMIT};

impl Review<'_> {
    pub(super) fn foreign_await(&mut self, at: &impl ToTokens, awaited: &str) {
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
