//! What `#[durable::compensate]` puts beside the fn.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::{parse::signature::Function, paths::Paths};

/// The type of the fn's name, which is the compensation.
pub(crate) fn compensation(function: &Function, paths: &Paths) -> TokenStream {
    let (Some((_, context)), Some(input), Some(output)) =
        (function.context(), function.input(), function.output())
    else {
        return TokenStream::new();
    };
    let ident = function.ident();
    let visibility = &function.visibility;
    let name = function.name();
    let cfgs = function.cfgs();
    let private = paths.private();
    let step = quote_spanned!(context.span()=> step);
    let call = quote_spanned!(output.span()=> #private::undo(#ident(#step, output)));
    let doc = format!("The compensation [`{name}`](fn@{name}), as a step names it.");
    quote! {
        #cfgs
        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #visibility struct #ident {}
        #cfgs
        impl #private::Compensation<#input> for #ident {
            const NAME: &'static str = #name;
            fn __run(
                step: &#private::StepCtx,
                output: #input,
            ) -> impl ::core::future::Future<Output = #private::Outcome<()>> + ::core::marker::Send {
                #call
            }
        }
    }
}
