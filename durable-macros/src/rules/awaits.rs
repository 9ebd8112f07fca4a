//! Awaits: a body waits for durable operations and for nothing else.

use super::hazards;
use crate::{diagnostics::Diagnostics, facts::Body};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for awaited in &body.awaits {
        let Some(foreign) = &awaited.foreign else {
            continue;
        };
        // Said already, of the path itself or of the call that this is in.
        if hazards::within(body, &awaited.base) || hazards::covers(body, awaited.base.start) {
            continue;
        }
        diagnostics.push(
            &awaited.at,
            format_args!("`{foreign}` is not a durable operation"),
            "what it comes to is not recorded, so a replay would do it again and could go another way",
            match foreign.split_once('(') {
                Some(("timeout" | "timeout_at", _)) => hazards::time_limit(&body.context),
                _ => format!(
                    "await it in a step: `{}.step(\"a_name\", |_| async {{ .. }}).await?`",
                    body.context
                ),
            },
        );
    }
}
