//! Small questions about tokens that nobody has parsed.

use proc_macro2::{Ident, TokenStream, TokenTree};

/// Whether some token satisfies a test, at any depth.
pub(crate) fn any(tokens: TokenStream, test: &mut impl FnMut(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| {
        test(&token)
            || match token {
                TokenTree::Group(group) => any(group.stream(), test),
                _ => false,
            }
    })
}

/// Whether some token is this name.
pub(crate) fn name(tokens: TokenStream, name: &Ident) -> bool {
    any(
        tokens,
        &mut |token| matches!(token, TokenTree::Ident(found) if found == name),
    )
}

/// The first name that satisfies a test, in groups of at most this depth.
pub(crate) fn find_name(
    tokens: TokenStream,
    depth: u32,
    test: &impl Fn(&Ident) -> bool,
) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(name) => test(&name).then_some(name),
        TokenTree::Group(group) if depth > 0 => find_name(group.stream(), depth - 1, test),
        _ => None,
    })
}

/// Whether a token is this mark.
pub(crate) fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// What stands between commas, without what is empty.
pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut pieces = vec![TokenStream::new()];
    for token in tokens {
        if is_mark(&token, ',') {
            pieces.push(TokenStream::new());
        } else if let Some(last) = pieces.last_mut() {
            last.extend([token]);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
