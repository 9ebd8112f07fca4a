//! The step enum: one variant for each operation's name.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::{
    graph::{Body, Kind, Operation},
    names::{flaw, variant},
    parse::signature::Function,
    paths::Paths,
    text::text,
};

/// The operations whose names are well formed, each name once.
pub(crate) fn named(body: &Body) -> Vec<(&LitStr, &Operation)> {
    let mut seen = BTreeSet::new();
    body.operations
        .iter()
        .filter_map(|operation| Some((operation.literal()?, operation)))
        .filter(|(name, _)| flaw(&name.value()).is_none() && seen.insert(variant(&name.value())))
        .collect()
}

/// The variant of a name, spanned at the name.
pub(crate) fn variant_ident(name: &LitStr) -> Ident {
    Ident::new(&variant(&name.value()), name.span())
}

/// The enum, its `StepKey` and the constants of its signals.
pub(crate) fn step_enum(function: &Function, body: &Body, paths: &Paths) -> TokenStream {
    let ident = function.ident();
    let visibility = &function.visibility;
    let cfgs = function.cfgs();
    let private = paths.private();
    let named = named(body);
    let names = named.iter().map(|(name, _)| name.value());
    let variants = named.iter().map(|(name, operation)| {
        let variant = variant_ident(name);
        let doc = describe(name, operation);
        quote!(#[doc = #doc] #variant)
    });
    let index = if named.is_empty() {
        quote!(match self {})
    } else {
        quote!(self as usize)
    };
    let name = function.name();
    let doc = format!("The operations of [`{name}`](fn@{name}).");
    let signals = signals(function, &named, paths);
    quote! {
        #cfgs
        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #visibility enum #ident { #(#variants),* }
        #cfgs
        impl #private::StepKey for #ident {
            const NAMES: &'static [&'static str] = &[#(#names),*];
            fn index(self) -> usize { #index }
        }
        #signals
    }
}

fn describe(name: &LitStr, operation: &Operation) -> String {
    let noun = operation.kind.noun();
    format!("The {noun} `{}`.", name.value())
}

fn signals(function: &Function, named: &[(&LitStr, &Operation)], paths: &Paths) -> TokenStream {
    let ident = function.ident();
    let visibility = &function.visibility;
    let cfgs = function.cfgs();
    let private = paths.private();
    let constants: TokenStream = named
        .iter()
        .filter(|(_, operation)| operation.kind == Kind::Signal)
        .filter_map(|(name, operation)| {
            let payload = operation.generic.as_ref()?;
            let doc = format!(
                "The signal `{}`: carries a `{}`.",
                name.value(),
                text(payload)
            );
            let constant = constant(name);
            Some(quote! {
                #[doc = #doc]
                #visibility const #constant: #private::Signal<Self, #payload> =
                    #private::Signal::new(#name);
            })
        })
        .collect();
    if constants.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #cfgs
        #[allow(non_upper_case_globals)]
        impl #ident { #constants }
    }
}

/// The constant of a signal: its name, raw if that is a keyword.
fn constant(name: &LitStr) -> TokenStream {
    match syn::parse_str::<Ident>(&name.value()) {
        Ok(_) => Ident::new(&name.value(), name.span()).to_token_stream(),
        Err(_) => Ident::new_raw(&name.value(), name.span()).to_token_stream(),
    }
}
