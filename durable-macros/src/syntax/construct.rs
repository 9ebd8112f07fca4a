//! Expressions that are put together and not parsed: there may be something half-typed in them.

use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprAwait, ExprCall, ExprParen, ExprReference, ExprTry, Token, parse_quote, token::Paren,
};

/// `path(arguments)`
pub(crate) fn call<const N: usize>(path: &TokenStream, arguments: [Expr; N], at: Span) -> Expr {
    Expr::Call(ExprCall {
        attrs: Vec::new(),
        func: parse_quote!(#path),
        paren_token: Paren(at),
        args: arguments.into_iter().collect(),
    })
}

/// `&(value)`
pub(crate) fn reference(value: Expr) -> Expr {
    let parenthesized = ExprParen {
        attrs: Vec::new(),
        paren_token: Paren::default(),
        expr: Box::new(value),
    };
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: <Token![&]>::default(),
        mutability: None,
        expr: Box::new(Expr::Paren(parenthesized)),
    })
}

/// `future.await`
pub(crate) fn awaited(future: Expr) -> Expr {
    Expr::Await(ExprAwait {
        attrs: Vec::new(),
        base: Box::new(future),
        dot_token: <Token![.]>::default(),
        await_token: <Token![await]>::default(),
    })
}

/// `result?`
pub(crate) fn tried(result: Expr) -> Expr {
    Expr::Try(ExprTry {
        attrs: Vec::new(),
        expr: Box::new(result),
        question_token: <Token![?]>::default(),
    })
}
