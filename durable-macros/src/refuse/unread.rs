//! Operations in tokens that cannot be read: a macro's, or a body's with a syntax error. They are refused;
//! their names become keys that fit everywhere, so that the compiler does not report them once more.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;

use crate::{paths::Paths, syntax::operation_call::kind_of};

/// A body that cannot be read, with the names of operations replaced.
pub(crate) fn unread(body: &Group, context: &Ident, paths: &Paths) -> Group {
    let private = paths.private();
    let key = quote!(#private::InvalidKey);
    let mut unread = Group::new(
        body.delimiter(),
        without_names(body.stream(), context, &key),
    );
    unread.set_span(body.span());
    unread
}

/// Tokens with the names of operations replaced.
pub(crate) fn without_names(
    tokens: TokenStream,
    context: &Ident,
    key: &TokenStream,
) -> TokenStream {
    // How much of `ctx.step` has been seen.
    let mut seen = 0;
    let each = tokens.into_iter().map(|token| {
        let group = match token {
            TokenTree::Group(group) => group,
            token => {
                seen = match (&token, seen) {
                    (TokenTree::Ident(ident), _) if ident == context => 1,
                    (TokenTree::Punct(punct), 1) if punct.as_char() == '.' => 2,
                    (TokenTree::Ident(ident), 2) if kind_of(ident).is_some() => 3,
                    // The turbofish.
                    (TokenTree::Punct(_) | TokenTree::Ident(_), 3) => 3,
                    _ => 0,
                };
                return token;
            }
        };
        let call = seen == 3 && group.delimiter() == Delimiter::Parenthesis;
        seen = 0;
        let mut inner = without_names(group.stream(), context, key).into_iter();
        let first = inner.next();
        let named = call && matches!(first, Some(TokenTree::Literal(_)));
        let first = first.into_iter().collect::<TokenStream>();
        let first = if named {
            quote!(#key::of(&#first))
        } else {
            first
        };
        let mut rewritten = Group::new(group.delimiter(), quote!(#first #(#inner)*));
        rewritten.set_span(group.span());
        TokenTree::Group(rewritten)
    });
    each.collect()
}
