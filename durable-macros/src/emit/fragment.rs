//! What `#[durable::steps]` puts beside the fn.

use proc_macro2::TokenStream;
use quote::quote;

use super::{
    graph_text::graph_text,
    step_enum::{named_operations, step_enum},
    wiring::wiring,
};
use crate::{
    facts::BodyFacts,
    syntax::{arguments::AttributeArgs, function::Function},
};

/// The step enum and its part of the graphs of the workflows that call the fn.
pub(crate) fn fragment(function: &Function, args: &AttributeArgs, body: &BodyFacts) -> TokenStream {
    let named = named_operations(body);
    let keys = step_enum(function, &named, &args.paths);
    let (ident, name, cfgs) = (function.ident(), function.name(), function.cfgs());
    let private = args.paths.private();
    let text = graph_text(&name, function.line(), body);
    let wiring =
        wiring(body, &named, &args.paths).unwrap_or_else(|| quote!(#private::Wiring::NONE));
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
