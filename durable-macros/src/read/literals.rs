//! Text that a step gives as it stands in the source: `|_| async { Ok("done") }`. Its type is `&'static str`,
//! which cannot be read from the journal.

use syn::{Expr, Lit, LitStr, Stmt};

use crate::syntax::operation_call::peel;

/// The literal that the body of a step gives, if it gives one.
pub(crate) fn given(body: &Expr) -> Option<&LitStr> {
    match peel(body) {
        Expr::Async(block) => last(&block.block.stmts).and_then(given),
        Expr::Block(block) => last(&block.block.stmts).and_then(given),
        Expr::Call(call) => {
            let is_ok = matches!(peel(&call.func), Expr::Path(path)
                if path.path.segments.last().is_some_and(|last| last.ident == "Ok"));
            match peel(call.args.first().filter(|_| is_ok)?) {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}

fn last(statements: &[Stmt]) -> Option<&Expr> {
    match statements.last()? {
        Stmt::Expr(last, None) => Some(last),
        _ => None,
    }
}
