//! What a body relies on besides its own code.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::Emitter;
use crate::{
    operations::Carries,
    syntax::{text::text, types::first_borrow},
};

impl Emitter<'_> {
    /// The compensations, the application state, the signals and the fragments of a body, if it has any.
    pub(super) fn wiring(&self) -> Option<TokenStream> {
        let private = &self.private;
        let (mut compensators, mut signals, mut scopes) = (Vec::new(), Vec::new(), Vec::new());
        for named in &self.named {
            let (operation, name, cfgs) = (named.operation, named.name, named.cfgs());
            if let Some(undo) = operation.compensation() {
                compensators.push(quote_spanned! {undo.span()=>
                    #cfgs #private::Compensator::of(#name, #undo { wired: #private::Wired })
                });
            }
            if let Some(fragment) = &operation.fragment {
                scopes.push(quote!(#cfgs (#name, &<#fragment as #private::Fragment>::__PART)));
            }
            // A borrowed payload was refused in our words.
            if let Some(payload) = &operation.generic
                && operation.kind.carries == Carries::Payload
                && first_borrow(payload).is_none()
            {
                signals.push(quote! {
                #cfgs #private::Awaited { name: #name, payload: #private::Carried::<#payload>::REREAD }
            });
            }
        }
        let mut seen = BTreeSet::new();
        let states = self
            .body
            .states
            .iter()
            .filter(|state| seen.insert(text(state)));
        let states = states.map(|state| quote!(#private::RequiredState::of::<#state>()));
        let states: Vec<TokenStream> = states.collect();
        if [&compensators, &signals, &scopes, &states]
            .iter()
            .all(|each| each.is_empty())
        {
            return None;
        }
        let signals = if signals.is_empty() {
            quote!(&[])
        } else {
            quote!({
                #[allow(unused_imports)]
                use #private::Unreadable as _;
                &[#(#signals),*]
            })
        };
        Some(quote! {
            #private::Wiring {
                compensators: &[#(#compensators),*],
                states: &[#(#states),*],
                signals: #signals,
                scopes: &[#(#scopes),*],
            }
        })
    }
}
