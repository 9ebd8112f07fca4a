//! Attribute macros above ours: what they made of the fn cannot be judged.

use crate::{
    diagnostics::Diagnostics,
    syntax::rewritten::{Above, Kind},
};

pub(crate) fn report(attribute: &str, above: &Above, diagnostics: &mut Diagnostics) {
    let name = &above.name;
    let instead = match above.kind {
        Kind::Instrument => format!(
            "swap them: `#[durable::{attribute}]` on top, `#[tracing::instrument]` below; or leave it out, \
             since the engine runs the body in a span `workflow` that has the run's id"
        ),
        Kind::Runtime => {
            "take it away; an engine runs the workflow: `engine.client().start::<order>(..)`"
                .to_owned()
        }
        Kind::Other => format!("swap them: `#[durable::{attribute}]` on top, `{name}` below"),
    };
    diagnostics.push_at(
        above.at,
        format_args!("`{name}` stands above `#[durable::{attribute}]`"),
        "the upper one is expanded first, and the lower one reads what it has made of the fn",
        instead,
    );
}
