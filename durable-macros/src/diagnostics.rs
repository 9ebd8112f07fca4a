//! Every mistake of one expansion, reported in one go.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Diagnostics(Vec<syn::Error>);

/// Adds a mistake at these tokens, in three parts: what is wrong, why that matters, and what to write
/// instead. They are format strings.
macro_rules! report {
    ($found:expr, $at:expr, $what:literal, $why:literal, $instead:literal $(,)?) => {
        $found.push(
            $at,
            format_args!($what),
            format_args!($why),
            format_args!($instead),
        )
    };
}

pub(crate) use report;

/// A place for a mistake that is given by its span.
pub(crate) struct At(pub(crate) Span);

impl ToTokens for At {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Ident::new("at", self.0).to_tokens(tokens);
    }
}

impl Diagnostics {
    /// Adds a mistake. [`report`] says of which parts.
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
        let errors = self.0.into_iter();
        errors.map(syn::Error::into_compile_error).collect()
    }
}
