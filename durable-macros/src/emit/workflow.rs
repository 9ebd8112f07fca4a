//! What `#[durable::workflow]` puts beside the fn.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::graph;
use super::keys::Named;
use super::keys::{self};
use super::wiring::wiring;
use crate::{
    facts::Body,
    paths::generated_at,
    syntax::{arguments::Args, function::Function},
};

/// The step enum, the workflow's impl and its registration.
pub(crate) fn workflow(
    function: &Function,
    args: &Args,
    body: &Body,
    checked: bool,
) -> TokenStream {
    let named = keys::named(body);
    let keys = keys::step_enum(function, &named, &args.paths);
    if !checked {
        return keys;
    }
    let implementation = implementation(function, args, body, &named);
    let registration = registration(function, args);
    quote!(#keys #implementation #registration)
}

fn implementation(
    function: &Function,
    args: &Args,
    body: &Body,
    named: &[Named<'_>],
) -> TokenStream {
    let (Some((_, context)), Some(output)) = (function.context(), function.output()) else {
        return TokenStream::new();
    };
    let ident = function.ident();
    let cfgs = function.cfgs();
    let private = args.paths.private();
    let name = workflow_name(function, args);
    let was = &args.was;
    let text = graph::written(&name, function.line(), body);
    let was =
        (!was.is_empty()).then(|| quote!(const __WAS: &'static [&'static str] = &[#(#was),*];));
    let wiring = wiring(body, named, &args.paths)
        .map(|wiring| quote!(const __WIRING: #private::Wiring = #wiring;));
    let input = function
        .input()
        .map_or_else(|| quote!(()), |input| quote!(#input));
    let (ctx, value) = (local("ctx", context), local("input", function.input()));
    let (parameter, arguments) = match function.input() {
        Some(_) => (quote!(#value), quote!(#ctx, #value)),
        None => (quote!(()), quote!(#ctx)),
    };
    let checked_body = args.paths.private_at("body", output.span());
    let at = generated_at(output.span());
    let called = called_at(ident, at);
    let value_at = function.value().unwrap_or(output).span();
    let fallible = args.paths.private_at("Fallible", value_at);
    let value_type =
        quote_spanned!(generated_at(value_at)=> type Output = <#output as #fallible>::Ok;);
    let call = quote_spanned!(at=> #checked_body(#called(#arguments)));
    let running = args.paths.private_at("Running", output.span());
    let run = quote_spanned! {at=>
        fn __run(#ctx: &#private::Ctx, #parameter: #input) -> #running<'_, Self::Output> {
            #call
        }
    };
    quote! {
        #cfgs
        impl #private::Workflow for #ident {
            type Input = #input;
            #value_type
            const __TEXT: &'static [&'static str] = #text;
            #was
            #wiring
            #run
        }
    }
}

/// The fn's name as generated code calls it: what the compiler says about the call is said there.
pub(super) fn called_at(ident: &Ident, at: Span) -> Ident {
    let mut called = ident.clone();
    called.set_span(ident.span().located_at(at));
    called
}

/// A local of generated code, seen at the type it has.
fn local(name: &str, ty: impl Spanned) -> Ident {
    Ident::new(name, generated_at(ty.span()))
}

fn registration(function: &Function, args: &Args) -> TokenStream {
    let ident = function.ident();
    let cfgs = function.cfgs();
    let private = args.paths.private();
    quote! {
        #cfgs
        #private::inventory::submit! {
            #private::Registered(#private::define::<#ident>, ::core::file!())
        }
    }
}

/// The name that runs are recorded under.
fn workflow_name(function: &Function, args: &Args) -> String {
    args.name
        .as_ref()
        .map_or_else(|| function.name(), syn::LitStr::value)
}
