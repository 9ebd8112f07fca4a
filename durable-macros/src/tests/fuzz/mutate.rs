//! Small damage to a piece of source.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use super::Random;

/// Deletes, doubles, swaps, moves or unwraps one token, at a random depth.
pub(super) fn mutate(tokens: TokenStream, random: &mut Random) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    if tokens.is_empty() {
        return TokenStream::new();
    }
    let at = random.below(tokens.len());
    // Groups hold most of the source, so most of the damage is done in them.
    let group = (0..tokens.len())
        .map(|offset| (at + offset) % tokens.len())
        .find(|index| matches!(tokens[*index], TokenTree::Group(_)));
    if let Some(index) = group
        && random.below(8) != 0
        && let TokenTree::Group(group) = &tokens[index]
    {
        let inner = mutate(group.stream(), random);
        let delimiter = match random.below(40) {
            0 => Delimiter::Parenthesis,
            1 => Delimiter::None,
            _ => group.delimiter(),
        };
        let mut changed = Group::new(delimiter, inner);
        changed.set_span(group.span());
        tokens[index] = changed.into();
        return tokens.into_iter().collect();
    }
    let other = random.below(tokens.len());
    match random.below(6) {
        0 | 1 => drop(tokens.remove(at)),
        2 => tokens.insert(at, tokens[at].clone()),
        3 => tokens.swap(at, other),
        4 => tokens[at] = tokens[other].clone(),
        _ => unwrap(&mut tokens, at),
    }
    tokens.into_iter().collect()
}

/// Takes the content of a group out of it, or unsticks a punctuation mark from the next.
fn unwrap(tokens: &mut Vec<TokenTree>, at: usize) {
    match tokens[at].clone() {
        TokenTree::Group(group) => drop(tokens.splice(at..=at, group.stream())),
        TokenTree::Punct(punct) => {
            tokens[at] = proc_macro2::Punct::new(punct.as_char(), Spacing::Alone).into();
        }
        TokenTree::Ident(_) | TokenTree::Literal(_) => {}
    }
}
