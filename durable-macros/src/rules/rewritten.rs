//! Attribute macros above ours: what they made of the fn cannot be judged.

use crate::{
    attributes::AttributeKind,
    diagnostics::{At, Diagnostics, report},
    syntax::rewritten::{RewritingAttribute, RewritingKind},
};

/// Reports an attribute that stands above ours.
pub(crate) fn report_rewritten(
    ours: &AttributeKind,
    above: &RewritingAttribute,
    found: &mut Diagnostics,
) {
    let (ours, above_name) = (ours.name, &above.name);
    let instead = match above.kind {
        RewritingKind::Instrument => format!(
            "swap them: `#[durable::{ours}]` on top, `#[tracing::instrument]` below; or leave it out, \
             since the engine runs the body in a span `workflow` that has the run's id"
        ),
        RewritingKind::Runtime => {
            "take it away; an engine runs the workflow: `engine.client().start::<order>(..)`"
                .to_owned()
        }
        RewritingKind::Other => {
            format!("swap them: `#[durable::{ours}]` on top, `{above_name}` below")
        }
    };
    report!(
        found,
        At(above.at),
        "`{above_name}` stands above `#[durable::{ours}]`",
        "the upper one is expanded first, and the lower one reads what it has made of the fn",
        "{instead}",
    );
}
