//! `info!(target: "t", field = %value, ?value, "message {}", value)`

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::quote;

use super::Part;
use super::split;

/// Reads the arguments of a macro of `tracing` or `log`.
pub(super) fn read(tokens: TokenStream) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for piece in split(tokens) {
        let (head, value) = head(piece);
        let (sigil, value) = sigil(value);
        parts.push(Part::Raw(quote!(#head #sigil)));
        parts.push(Part::Value(syn::parse2(value).ok()?));
        parts.push(Part::Raw(quote!(,)));
    }
    // The separator after the last piece is optional, and some macros dislike it.
    parts.pop();
    Some(parts)
}

/// What stands before the value: `field =`, `target:`.
fn head(piece: TokenStream) -> (TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = piece.clone().into_iter().collect();
    let end = tokens.iter().position(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() != '.',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        TokenTree::Group(_) => true,
    });
    let Some((end, TokenTree::Punct(mark))) = end.map(|end| (end, &tokens[end])) else {
        return (TokenStream::new(), piece);
    };
    // `==`, `=>` and `::` are no marks; `=?` and `=%` are a mark and a sigil.
    let next = tokens.get(end + 1).and_then(|token| match token {
        TokenTree::Punct(punct) => Some(punct.as_char()),
        _ => None,
    });
    let joined = mark.spacing() == Spacing::Joint && !matches!(next, Some('?' | '%'));
    if end == 0 || joined || !matches!(mark.as_char(), '=' | ':') {
        return (TokenStream::new(), piece);
    }
    let (head, value) = tokens.split_at(end + 1);
    (
        head.iter().cloned().collect(),
        value.iter().cloned().collect(),
    )
}

fn sigil(tokens: TokenStream) -> (TokenStream, TokenStream) {
    let mut rest = tokens.clone().into_iter();
    match rest.next() {
        Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '%' | '?') => {
            (TokenTree::Punct(punct).into(), rest.collect())
        }
        _ => (TokenStream::new(), tokens),
    }
}
