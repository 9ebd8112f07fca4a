//! `cfg` attributes of statements and match arms: what is generated for the operations under them must
//! be configured alike.

use syn::{Attribute, Expr, Stmt};

/// The `cfg`s among these.
pub(super) fn of_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .cloned()
        .collect()
}

/// The `cfg`s of a statement.
pub(super) fn of_statement(statement: &Stmt) -> Vec<Attribute> {
    let attributes = match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(statement) => &statement.attrs,
        Stmt::Expr(expression, _) => of_expression(expression),
        Stmt::Item(_) => &[][..],
    };
    of_attributes(attributes)
}

/// The attributes of an expression that may be a statement which holds operations.
fn of_expression(expression: &Expr) -> &[Attribute] {
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
