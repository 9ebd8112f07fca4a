//! `json!({ "key": value, "list": [value] })`

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Part;
use super::split;

/// Reads a JSON value.
pub(super) fn read(tokens: TokenStream) -> Option<Vec<Part>> {
    let mut trees = tokens.clone().into_iter();
    if let (Some(TokenTree::Group(group)), None) = (trees.next(), trees.next()) {
        let delimiter = group.delimiter();
        if matches!(delimiter, Delimiter::Brace | Delimiter::Bracket) {
            let members = members(group.stream(), delimiter == Delimiter::Brace)?;
            return Some(vec![Part::Group(delimiter, group.span(), members)]);
        }
    }
    let value = syn::parse2(tokens).ok()?;
    Some(vec![Part::Value(value)])
}

fn members(tokens: TokenStream, keyed: bool) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for member in split(tokens) {
        let (key, value) = if keyed {
            key(member)
        } else {
            (TokenStream::new(), member)
        };
        parts.push(Part::Raw(key));
        parts.extend(read(value)?);
        parts.push(Part::raw(syn::token::Comma::default()));
    }
    Some(parts)
}

/// The tokens up to and with the first `:`, and those after it.
fn key(tokens: TokenStream) -> (TokenStream, TokenStream) {
    let mut key = TokenStream::new();
    let mut rest = tokens.into_iter();
    for token in rest.by_ref() {
        let found = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
        key.extend([token]);
        if found {
            break;
        }
    }
    (key, rest.collect())
}
