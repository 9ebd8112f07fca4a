//! `cfg` attributes of statements and match arms: what is generated for the operations under them must
//! be configured alike.

use syn::{Attribute, Expr, Meta, Stmt};

use crate::syntax::text::text;

/// The `cfg`s among these.
pub(crate) fn cfgs_of(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .cloned()
        .collect()
}

/// The `cfg`s of a statement.
pub(crate) fn cfgs_of_statement(statement: &Stmt) -> Vec<Attribute> {
    let attributes = match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(statement) => &statement.attrs,
        Stmt::Expr(expression, _) => attributes_of(expression),
        Stmt::Item(_) => &[][..],
    };
    cfgs_of(attributes)
}

/// The attributes of an expression that may be a statement which holds operations.
fn attributes_of(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(e) => &e.attrs,
        Expr::Async(e) => &e.attrs,
        Expr::Await(e) => &e.attrs,
        Expr::Binary(e) => &e.attrs,
        Expr::Block(e) => &e.attrs,
        Expr::Break(e) => &e.attrs,
        Expr::Call(e) => &e.attrs,
        Expr::ForLoop(e) => &e.attrs,
        Expr::If(e) => &e.attrs,
        Expr::Loop(e) => &e.attrs,
        Expr::Macro(e) => &e.attrs,
        Expr::Match(e) => &e.attrs,
        Expr::MethodCall(e) => &e.attrs,
        Expr::Return(e) => &e.attrs,
        Expr::Try(e) => &e.attrs,
        Expr::While(e) => &e.attrs,
        _ => &[],
    }
}

/// Whether what is under one of these lists is never compiled together with what is under the other:
/// `#[cfg(a)]` and `#[cfg(not(a))]`.
pub(crate) fn are_exclusive(some: &[Attribute], others: &[Attribute]) -> bool {
    let [some, others] = [some, others].map(|cfgs| cfgs.iter().map(predicate).collect::<Vec<_>>());
    some.iter().any(|one| {
        others
            .iter()
            .any(|other| is_not(one, other) || is_not(other, one))
    })
}

fn predicate(cfg: &Attribute) -> String {
    match &cfg.meta {
        Meta::List(list) => text(&list.tokens).trim_end_matches(',').to_owned(),
        Meta::Path(_) | Meta::NameValue(_) => String::new(),
    }
}

fn is_not(one: &str, other: &str) -> bool {
    let denied = one
        .strip_prefix("not(")
        .and_then(|one| one.strip_suffix(')'));
    denied.is_some_and(|denied| denied.trim_end_matches(',') == other)
}
