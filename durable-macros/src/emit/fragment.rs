//! What `#[durable::steps]` puts beside the fn.

use proc_macro2::TokenStream;
use quote::quote;

use super::graph;
use super::keys;
use super::wiring::wiring;
use crate::{facts::Body, paths::Paths, syntax::function::Function};

/// The step enum and its part of the graphs of the workflows that call the fn.
pub(crate) fn fragment(function: &Function, paths: &Paths, body: &Body) -> TokenStream {
    let named = keys::named(body);
    let keys = keys::step_enum(function, &named, paths);
    let ident = function.ident();
    let name = function.name();
    let cfgs = function.cfgs();
    let private = paths.private();
    let text = graph::written(&name, function.line(), body);
    let wiring = wiring(body, &named, paths).unwrap_or_else(|| quote!(#private::Wiring::NONE));
    quote! {
        #keys
        #cfgs
        impl #private::Fragment for #ident {
            const __PART: #private::Part = #private::Part {
                name: #name,
                file: ::core::file!(),
                text: #text,
                wiring: #wiring,
            };
        }
    }
}
