//! What `#[durable::compensate]` puts beside the fn.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::workflow::called_at;
use crate::{
    paths::generated_at,
    syntax::{arguments::AttributeArgs, function::Function},
};

/// The type of the fn's name, which is the compensation.
pub(crate) fn compensation(function: &Function, args: &AttributeArgs) -> TokenStream {
    let paths = &args.paths;
    let (Some(input), Some(output)) = (function.input(), function.output()) else {
        return TokenStream::new();
    };
    let ident = function.ident();
    let visibility = &function.visibility;
    let name = function.name();
    let cfgs = function.cfgs();
    let private = paths.private();
    let at = generated_at(output.span());
    let called = called_at(ident, at);
    let undo = paths.private_at("undo", output.span());
    let call = quote_spanned!(at=> #undo(#called(step, output)));
    let step = quote_spanned!(at=> step);
    let value = quote_spanned!(at=> output);
    let future = quote_spanned! {at=>
        impl ::core::future::Future<Output = #private::Undoing> + ::core::marker::Send
    };
    // What the parameter is, an output or what became of it, only its type knows.
    let told = paths.private_at("Told", input.span());
    let given = quote_spanned!(generated_at(input.span())=> <#input as #told>::Output);
    // Asked for here, it is not asked for again at every mention of the parameter's type.
    let asked = quote!(where #input: #told,);
    let options = options(args);
    let doc = format!("The compensation [`{name}`](fn@{name}), as a step names it.");
    quote! {
        #cfgs
        #[doc = #doc]
        #[allow(missing_copy_implementations, missing_debug_implementations, non_camel_case_types)]
        #visibility struct #ident {
            #[doc(hidden)]
            pub wired: #private::Wired,
        }
        #cfgs
        impl #private::Compensation<#given> for #ident #asked {
            const NAME: &'static str = #name;
            type __Told = #input;
            #options
            fn __run(#step: &#private::StepCtx, #value: #input) -> #future {
                #call
            }
        }
    }
}

/// What the attribute was told of its attempts.
fn options(args: &AttributeArgs) -> TokenStream {
    let private = args.paths.private();
    let retry = args.retry.as_ref().map(|retry| {
        quote! {
            fn __retry() -> #private::Retry {
                #retry
            }
        }
    });
    let timeout = args.timeout.as_ref().map(|timeout| {
        quote! {
            fn __timeout() -> ::core::time::Duration {
                #timeout
            }
        }
    });
    quote!(#retry #timeout)
}
