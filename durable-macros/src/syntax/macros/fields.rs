//! Values with names: `info!(target: "t", field = %value, ?value, "message {}", value)`,
//! `json!({ "key": value, "list": [value] })`

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::MacroPiece;
use crate::syntax::tokens::{is_mark, split_at_commas};

/// The pieces of a list of values, some with names.
pub(super) fn pieces(tokens: TokenStream) -> Option<Vec<MacroPiece>> {
    let mut pieces = Vec::new();
    for piece in split_at_commas(tokens) {
        let mut head: Vec<TokenTree> = piece.into_iter().collect();
        let value = head.split_off(head_len(&head));
        pieces.push(MacroPiece::Raw(head.into_iter().collect()));
        pieces.push(self::value(value.into_iter().collect())?);
        pieces.push(MacroPiece::raw(syn::token::Comma::default()));
    }
    // The separator after the last piece is optional, and some macros dislike it.
    pieces.pop();
    Some(pieces)
}

/// A value: an expression, or values in brackets.
pub(super) fn value(tokens: TokenStream) -> Option<MacroPiece> {
    if let Ok(expression) = syn::parse2(tokens.clone()) {
        return Some(MacroPiece::Value(expression));
    }
    let mut trees = tokens.into_iter();
    match (trees.next()?, trees.next()) {
        (TokenTree::Group(group), None) if group.delimiter() != Delimiter::Parenthesis => {
            let members = pieces(group.stream())?;
            Some(MacroPiece::Bracketed(
                group.delimiter(),
                group.span(),
                members,
            ))
        }
        _ => None,
    }
}

/// How many tokens stand before the value: `field =`, `target:`, `"key":`, `(key):`, `field = %`.
fn head_len(tokens: &[TokenTree]) -> usize {
    let end = tokens
        .iter()
        .enumerate()
        .position(|(index, token)| match token {
            TokenTree::Punct(punct) => punct.as_char() != '.',
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
            TokenTree::Group(_) => index > 0,
        });
    let is = |index: usize, marks: &[char]| {
        let token = tokens.get(index);
        token.is_some_and(|token| marks.iter().any(|mark| is_mark(token, *mark)))
    };
    let len = match end.map(|end| (end, &tokens[end])) {
        Some((end, TokenTree::Punct(mark))) if end > 0 && is(end, &['=', ':']) => {
            // `==`, `=>` and `::` are no marks.
            let goes_on = mark.spacing() == Spacing::Joint && is(end + 1, &['=', '>', ':']);
            if goes_on { 0 } else { end + 1 }
        }
        _ => 0,
    };
    len + usize::from(is(len, &['?', '%']))
}
