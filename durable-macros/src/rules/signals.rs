//! Signals: each carries a value of a type that its sender knows.

use syn::Type;

use super::signature::Borrow;
use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Kind},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    let signals = body
        .operations
        .iter()
        .filter(|operation| operation.kind == Kind::Signal);
    for signal in signals {
        if let Some(payload) = &signal.generic {
            borrowed(payload, diagnostics);
            continue;
        }
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

fn borrowed(payload: &Type, diagnostics: &mut Diagnostics) {
    if let Some(borrow) = Borrow::find(payload) {
        diagnostics.push(
            borrow,
            "a signal cannot carry a borrowed value",
            "it is read from the journal, when whoever sent it has long gone on",
            "an owned type: `String` for `&str`, `Vec<T>` for `&[T]`",
        );
    }
}
