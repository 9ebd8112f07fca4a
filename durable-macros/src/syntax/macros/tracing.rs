//! `info!(target: "t", field = %value, ?value, "message {}", value)`

use proc_macro2::{Spacing, TokenStream, TokenTree};

use super::MacroPiece;
use crate::syntax::tokens::{is_mark, split_at_commas};

/// The pieces of the arguments of a macro of `tracing` or `log`.
pub(super) fn pieces(tokens: TokenStream) -> Option<Vec<MacroPiece>> {
    let mut pieces = Vec::new();
    for piece in split_at_commas(tokens) {
        let mut head: Vec<TokenTree> = piece.into_iter().collect();
        let value = head.split_off(head_len(&head));
        pieces.push(MacroPiece::Raw(head.into_iter().collect()));
        let value = value.into_iter().collect();
        pieces.push(MacroPiece::Value(syn::parse2(value).ok()?));
        pieces.push(MacroPiece::raw(syn::token::Comma::default()));
    }
    // The separator after the last piece is optional, and some macros dislike it.
    pieces.pop();
    Some(pieces)
}

/// How many tokens stand before the value: `field =`, `target:`, `field = %`.
fn head_len(tokens: &[TokenTree]) -> usize {
    let name = tokens.iter().position(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() != '.',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        TokenTree::Group(_) => true,
    });
    let is_sigil = |token: &TokenTree| is_mark(token, '?') || is_mark(token, '%');
    let len = match name.map(|at| (at, &tokens[at])) {
        Some((at, TokenTree::Punct(mark))) if at > 0 && matches!(mark.as_char(), '=' | ':') => {
            // `==`, `=>` and `::` are no marks; `=?` and `=%` are a mark and a sigil.
            let is_alone =
                mark.spacing() == Spacing::Alone || tokens.get(at + 1).is_some_and(is_sigil);
            if is_alone { at + 1 } else { 0 }
        }
        _ => 0,
    };
    len + usize::from(tokens.get(len).is_some_and(is_sigil))
}
