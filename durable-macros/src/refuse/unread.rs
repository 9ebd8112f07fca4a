//! Operations in tokens that cannot be parsed: a macro's, or a body's with a syntax error. They are refused;
//! their names become keys that fit everywhere, so that the compiler does not report them once more.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;

use crate::{operations::made_by, paths::Paths};

/// A body that cannot be parsed, with the names of operations replaced.
pub(crate) fn unread_body(body: &Group, context: &Ident, paths: &Paths) -> Group {
    let private = paths.private();
    let key = quote!(#private::InvalidKey);
    let tokens = without_names(body.stream(), context, &key);
    let mut unread = Group::new(body.delimiter(), tokens);
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
                    (TokenTree::Ident(ident), 2) if made_by(ident).is_some() => 3,
                    // The turbofish.
                    (TokenTree::Punct(_) | TokenTree::Ident(_), 3) => 3,
                    _ => 0,
                };
                return token;
            }
        };
        let is_call = seen == 3 && group.delimiter() == Delimiter::Parenthesis;
        seen = 0;
        let mut inner = without_names(group.stream(), context, key).into_iter();
        let inner = match inner.next() {
            Some(TokenTree::Literal(name)) if is_call => quote!(#key::of(&#name) #(#inner)*),
            first => first.into_iter().chain(inner).collect(),
        };
        let mut rewritten = Group::new(group.delimiter(), inner);
        rewritten.set_span(group.span());
        TokenTree::Group(rewritten)
    });
    each.collect()
}
