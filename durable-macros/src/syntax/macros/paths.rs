//! Paths in the arguments of a macro that nobody can parse.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::{Path, PathSegment, Token, punctuated::Punctuated};

/// Those of several segments: `SystemTime::now`.
pub(crate) fn find(tokens: TokenStream) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut segments: Punctuated<PathSegment, Token![::]> = Punctuated::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) => {
                segments.push(ident.into());
                let goes_on = matches!(tokens.peek(), Some(TokenTree::Punct(next))
                    if next.as_char() == ':' && next.spacing() == Spacing::Joint);
                if goes_on {
                    // The second colon is the next token.
                    tokens.next();
                    tokens.next();
                    if matches!(tokens.peek(), Some(TokenTree::Ident(_))) {
                        continue;
                    }
                }
            }
            TokenTree::Group(group) => paths.extend(find(group.stream())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        let segments = std::mem::take(&mut segments);
        if segments.len() > 1 {
            paths.push(Path {
                leading_colon: None,
                segments,
            });
        }
    }
    paths
}
