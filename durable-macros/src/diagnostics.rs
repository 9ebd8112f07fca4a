//! Every mistake of one expansion, reported in one go.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Diagnostics(Vec<syn::Error>);

impl Diagnostics {
    /// Adds a mistake at these tokens, in three parts: what is wrong, why that matters, and what to
    /// write instead.
    pub(crate) fn push(
        &mut self,
        at: impl ToTokens,
        what: impl Display,
        why: impl Display,
        instead: impl Display,
    ) {
        let message = format!("{what}\n  why: {why}\n  instead: {instead}");
        self.0.push(syn::Error::new_spanned(at, message));
    }

    /// The same at a span.
    pub(crate) fn push_at(
        &mut self,
        at: Span,
        what: impl Display,
        why: impl Display,
        instead: impl Display,
    ) {
        self.push(Ident::new("at", at), what, why, instead);
    }

    /// Adds what a parser says.
    pub(crate) fn push_syntax(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// Takes over all mistakes of a part.
    pub(crate) fn append(&mut self, mut part: Self) {
        self.0.append(&mut part.0);
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One `compile_error!` for each, in the order of the source.
    pub(crate) fn into_compile_errors(mut self) -> TokenStream {
        self.0.sort_by_key(|error| {
            let start = error.span().start();
            (start.line, start.column)
        });
        self.0
            .into_iter()
            .map(syn::Error::into_compile_error)
            .collect()
    }
}
