//! What a body relies on besides its own code.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::keys::Named;
use crate::{
    facts::{Body, Kind},
    paths::Paths,
    rules::signature::Borrow,
    syntax::text::text,
};

/// The compensations, the application state, the signals and the fragments of a body, if it has any.
pub(crate) fn wiring(body: &Body, named: &[Named<'_>], paths: &Paths) -> Option<TokenStream> {
    let private = paths.private();
    let mut compensators = named.iter().filter_map(|named| {
        let (name, operation) = (named.name, named.operation);
        let compensation = operation.compensation()?;
        let cfgs = &operation.cfgs;
        Some(quote_spanned!(compensation.span()=> #(#cfgs)* #private::Compensator::of(#name, #compensation { wired: #private::Wired })))
    }).peekable();
    let mut seen = BTreeSet::new();
    let mut states = body
        .states
        .iter()
        .filter(|state| seen.insert(text(state)))
        .map(|state| quote!(#private::RequiredState::of::<#state>()))
        .peekable();
    let mut scopes = named
        .iter()
        .filter_map(|named| {
            let (name, operation) = (named.name, named.operation);
            let fragment = operation.fragment.as_ref()?;
            let cfgs = &operation.cfgs;
            Some(quote!(#(#cfgs)* (#name, &<#fragment as #private::Fragment>::__PART)))
        })
        .peekable();
    let mut signals = named
        .iter()
        .filter_map(|named| {
            let (name, operation) = (named.name, named.operation);
            // A borrowed payload was refused in our words.
            let payload = operation
                .generic
                .as_ref()
                .filter(|payload| operation.kind == Kind::Signal && Borrow::find(payload).is_none())?;
            let cfgs = &operation.cfgs;
            Some(quote!(#(#cfgs)* #private::Awaited { name: #name, payload: #private::Carried::<#payload>::REREAD }))
        })
        .peekable();
    let signals = signals.peek().is_some().then(|| {
        quote!({
            #[allow(unused_imports)]
            use #private::Unreadable as _;
            &[#(#signals),*]
        })
    });
    if compensators.peek().is_none()
        && states.peek().is_none()
        && scopes.peek().is_none()
        && signals.is_none()
    {
        return None;
    }
    let signals = signals.unwrap_or_else(|| quote!(&[]));
    Some(quote! {
        #private::Wiring {
            compensators: &[#(#compensators),*],
            states: &[#(#states),*],
            signals: #signals,
            scopes: &[#(#scopes),*],
        }
    })
}
