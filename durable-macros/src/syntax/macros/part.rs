//! The pieces of a macro's arguments.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::ToTokens;
use syn::{Expr, Pat};

/// A piece of a macro's arguments. All of them in a row are the arguments.
pub(crate) enum Part {
    Raw(TokenStream),
    Pattern(Pat),
    /// An expression that is evaluated here.
    Value(Expr),
    /// What a combinator runs.
    Branch(Expr),
    /// What a race does with the winner's output.
    Handler(Expr),
    /// Pieces in brackets.
    Group(Delimiter, Span, Vec<Self>),
}

impl Part {
    pub(super) fn raw(token: impl ToTokens) -> Self {
        Self::Raw(token.into_token_stream())
    }

    /// Hands each expression in it over.
    pub(crate) fn for_each_expression(&mut self, act: &mut impl FnMut(&mut Expr)) {
        match self {
            Self::Raw(_) | Self::Pattern(_) => {}
            Self::Value(expression) | Self::Branch(expression) | Self::Handler(expression) => {
                act(expression);
            }
            Self::Group(_, _, parts) => {
                for part in parts {
                    part.for_each_expression(act);
                }
            }
        }
    }
}

/// The expressions that are evaluated in place.
pub(crate) fn expressions(parts: &[Part]) -> Vec<&Expr> {
    let each = parts.iter().flat_map(|part| match part {
        Part::Value(value) => vec![value],
        Part::Group(_, _, parts) => expressions(parts),
        Part::Raw(_) | Part::Pattern(_) | Part::Branch(_) | Part::Handler(_) => Vec::new(),
    });
    each.collect()
}

impl ToTokens for Part {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Raw(raw) => raw.to_tokens(tokens),
            Self::Pattern(pattern) => pattern.to_tokens(tokens),
            Self::Value(expression) | Self::Branch(expression) | Self::Handler(expression) => {
                expression.to_tokens(tokens);
            }
            Self::Group(delimiter, span, parts) => {
                let inner = parts.iter().map(ToTokens::to_token_stream).collect();
                let mut group = Group::new(*delimiter, inner);
                group.set_span(*span);
                group.to_tokens(tokens);
            }
        }
    }
}
