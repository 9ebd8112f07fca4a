//! The fn whose body is not taken as it is. The compiler reads that body too, and would report what follows
//! from a mistake beside the mistake.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::{diagnostics::Diagnostics, syntax::function::Function};

/// A fn in which this was found. Its context is bound to the errors, and so has no type: the compiler passes
/// over whatever is made of it, and checks the rest as ever. An editor completes by types, and sees the
/// context as it is.
pub(crate) fn refused(function: &Function, body: impl ToTokens, found: Diagnostics) -> TokenStream {
    let errors = found.into_compile_errors();
    let Some(context) = function.context_name() else {
        let item = function.with_body(body);
        return quote!(#item #errors);
    };
    let item = function.with_body(quote!({
        #[cfg(not(rust_analyzer))]
        let #context = { #errors };
        #body
    }));
    quote!(#[allow(unexpected_cfgs)] #item)
}

/// A fn whose body was not read. The compiler parses it, and says what is wrong with its syntax; only an
/// editor goes on with it.
pub(crate) fn unread(function: &Function) -> TokenStream {
    let body = &function.body;
    let item = function.with_body(quote!({
        #[cfg(rust_analyzer)]
        #body
        #[cfg(not(rust_analyzer))]
        loop {}
    }));
    quote!(#[allow(unexpected_cfgs, unused_variables)] #item)
}
