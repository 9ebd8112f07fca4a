//! `json!({ "key": value, "list": [value] })`

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::MacroPiece;
use crate::syntax::tokens::{is_mark, split_at_commas};

/// The pieces of a JSON value.
pub(super) fn pieces(tokens: TokenStream) -> Option<Vec<MacroPiece>> {
    let mut trees = tokens.clone().into_iter();
    if let (Some(TokenTree::Group(group)), None) = (trees.next(), trees.next()) {
        let delimiter = group.delimiter();
        if matches!(delimiter, Delimiter::Brace | Delimiter::Bracket) {
            let members = members(group.stream(), delimiter == Delimiter::Brace)?;
            let whole = MacroPiece::Bracketed(delimiter, group.span(), members);
            return Some(vec![whole]);
        }
    }
    Some(vec![MacroPiece::Value(syn::parse2(tokens).ok()?)])
}

fn members(tokens: TokenStream, keyed: bool) -> Option<Vec<MacroPiece>> {
    let mut pieces = Vec::new();
    for member in split_at_commas(tokens) {
        let mut value = member.into_iter();
        if keyed {
            pieces.push(MacroPiece::Raw(key(&mut value)));
        }
        pieces.extend(self::pieces(value.collect())?);
        pieces.push(MacroPiece::raw(syn::token::Comma::default()));
    }
    Some(pieces)
}

/// The tokens up to and with the first `:`.
fn key(tokens: &mut impl Iterator<Item = TokenTree>) -> TokenStream {
    let mut key = TokenStream::new();
    for token in tokens {
        let is_last = is_mark(&token, ':');
        key.extend([token]);
        if is_last {
            break;
        }
    }
    key
}
