//! What `#[durable::workflow]` puts beside the fn.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{graph, keys, wiring::wiring};
use crate::{
    graph::Body,
    parse::{args::Args, signature::Function},
};

/// The step enum, the workflow's impl and its registration.
pub(crate) fn workflow(
    function: &Function,
    args: &Args,
    body: &Body,
    checked: bool,
) -> TokenStream {
    let keys = keys::step_enum(function, body, &args.paths);
    if !checked {
        return keys;
    }
    let implementation = implementation(function, args, body);
    let registration = registration(function, args, body);
    quote!(#keys #implementation #registration)
}

fn implementation(function: &Function, args: &Args, body: &Body) -> TokenStream {
    let (Some((_, context)), Some(output)) = (function.context(), function.output()) else {
        return TokenStream::new();
    };
    let ident = function.ident();
    let cfgs = function.cfgs();
    let private = args.paths.private();
    let name = workflow_name(function, args);
    let was = &args.was;
    let nodes = graph::nodes(body, &args.paths);
    let input = function
        .input()
        .map_or_else(|| quote!(()), |input| quote!(#input));
    let value = function
        .input()
        .map(|input| quote_spanned!(input.span()=> input));
    let ctx = quote_spanned!(context.span()=> ctx);
    let arguments = std::iter::once(ctx).chain(value);
    let call = quote_spanned!(ident.span()=> #private::body(#ident(#(#arguments),*)));
    let fallible = args.paths.private_at("Fallible", output.span());
    let input_pattern = match function.input() {
        Some(_) => quote!(input),
        None => quote!((): ()),
    };
    let input_parameter = match function.input() {
        Some(_) => quote!(#input_pattern: #input),
        None => input_pattern,
    };
    quote! {
        #cfgs
        impl #private::Workflow for #ident {
            type Input = #input;
            type Output = <#output as #fallible>::Ok;
            const NAME: &'static str = #name;
            const GRAPH: #private::Graph = #private::Graph {
                workflow: #name,
                was: &[#(#was),*],
                body: #nodes,
            };
            fn __run(
                ctx: &#private::Ctx,
                #input_parameter,
            ) -> impl ::core::future::Future<Output = #private::Outcome<Self::Output>> + ::core::marker::Send {
                #call
            }
        }
    }
}

fn registration(function: &Function, args: &Args, body: &Body) -> TokenStream {
    let ident = function.ident();
    let cfgs = function.cfgs();
    let private = args.paths.private();
    let line = Literal::u32_unsuffixed(function.line());
    let wiring = wiring(body, &args.paths);
    quote! {
        #cfgs
        #private::inventory::submit! {
            #private::Definition::of::<#ident>(::core::file!(), #line, #wiring)
        }
    }
}

/// The name that runs are recorded under.
fn workflow_name(function: &Function, args: &Args) -> String {
    args.name
        .as_ref()
        .map_or_else(|| function.name(), syn::LitStr::value)
}
