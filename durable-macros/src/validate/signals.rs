//! Signals: each carries a value of a type that its sender knows.

use crate::{
    diagnostics::Diagnostics,
    graph::{Body, Kind},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    let signals = body
        .operations
        .iter()
        .filter(|operation| operation.kind == Kind::Signal);
    for signal in signals.filter(|signal| signal.generic.is_none()) {
        let name = signal.literal().map(syn::LitStr::value);
        diagnostics.push(
            &signal.method,
            "the type of a signal's value must be named",
            "whoever sends it, perhaps months later from another process, is checked against that \
             type",
            format_args!(
                "`{}.signal::<Approval>(\"{}\")`",
                body.context,
                name.as_deref().unwrap_or("a_name")
            ),
        );
    }
}
