//! Every path that generated code names.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Path;

/// The hidden module of the facade, which is found at `::durable`, or where `crate = path` says.
#[derive(Clone)]
pub(crate) struct Paths(TokenStream);

impl Default for Paths {
    fn default() -> Self {
        Self(quote!(::durable::__private))
    }
}

impl Paths {
    /// Paths into a facade that was renamed.
    pub(crate) fn renamed(facade: &Path) -> Self {
        Self(quote!(#facade::__private))
    }

    /// The hidden module that generated code calls.
    pub(crate) fn private(&self) -> TokenStream {
        self.0.clone()
    }

    /// An item of the hidden module, placed at the user's tokens: what the compiler says about it
    /// points there.
    pub(crate) fn private_at(&self, item: &str, span: Span) -> TokenStream {
        let private = self.private();
        let item = Ident::new(item, Span::call_site());
        let path = quote!(#private::#item);
        path.into_iter()
            .map(|mut token| {
                token.set_span(token.span().located_at(span));
                token
            })
            .collect()
    }
}

/// The span of generated tokens that are to be seen at the user's: names of locals are the macro's own.
pub(crate) fn generated_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}
