//! The pieces of a macro's arguments.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::ToTokens;
use syn::{Expr, Pat};

/// A piece of a macro's arguments. All of them in a row are the arguments.
pub(crate) enum MacroPiece {
    Raw(TokenStream),
    Pattern(Pat),
    /// An expression that is evaluated here.
    Value(Expr),
    /// What a combinator runs.
    Branch(Expr),
    /// What a race does with the winner's output.
    Handler(Expr),
    /// Pieces in brackets.
    Bracketed(Delimiter, Span, Vec<Self>),
}

impl MacroPiece {
    pub(super) fn raw(token: impl ToTokens) -> Self {
        Self::Raw(token.into_token_stream())
    }

    /// The expression that is evaluated here, if it is one.
    pub(crate) fn value(&self) -> Option<&Expr> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Hands each expression in it over.
    pub(super) fn for_each_expression(&mut self, act: &mut impl FnMut(&mut Expr)) {
        match self {
            Self::Raw(_) | Self::Pattern(_) => {}
            Self::Value(expression) | Self::Branch(expression) | Self::Handler(expression) => {
                act(expression);
            }
            Self::Bracketed(_, _, pieces) => {
                for piece in pieces {
                    piece.for_each_expression(act);
                }
            }
        }
    }
}

impl ToTokens for MacroPiece {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Raw(raw) => raw.to_tokens(tokens),
            Self::Pattern(pattern) => pattern.to_tokens(tokens),
            Self::Value(expression) | Self::Branch(expression) | Self::Handler(expression) => {
                expression.to_tokens(tokens);
            }
            Self::Bracketed(delimiter, span, pieces) => {
                let inner = pieces.iter().map(ToTokens::to_token_stream).collect();
                let mut group = Group::new(*delimiter, inner);
                group.set_span(*span);
                group.to_tokens(tokens);
            }
        }
    }
}
