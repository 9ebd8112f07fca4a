//! Fns that are called by their bare names: `use tokio::spawn;` stands outside the fn, where nobody sees it
//! from here. What they are called with tells them from others.

use syn::{Expr, Lit, Token, punctuated::Punctuated};

use crate::{facts::PathUse, syntax::operation_call::peel};

/// Gives a bare name of a well-known fn its full path, as the callee of these arguments.
pub(super) fn resolve(callee: &mut PathUse, args: &Punctuated<Expr, Token![,]>) {
    let [name] = &*callee.segments else {
        return;
    };
    let is_text =
        |arg: &Expr| matches!(peel(arg), Expr::Lit(literal) if matches!(&literal.lit, Lit::Str(_)));
    let runs = |arg: &Expr| matches!(peel(arg), Expr::Async(_) | Expr::Closure(_));
    let path: &[&str] = match name.as_str() {
        "spawn" if args.first().is_some_and(runs) => &["tokio", "spawn"],
        "spawn_blocking" if args.first().is_some_and(runs) => &["tokio", "task", "spawn_blocking"],
        "sleep" if args.len() == 1 => &["std", "thread", "sleep"],
        "var" if args.first().is_some_and(is_text) => &["std", "env", "var"],
        "read_to_string" if args.len() == 1 => &["std", "fs", "read_to_string"],
        "random" if args.is_empty() => &["rand", "random"],
        _ => return,
    };
    callee.segments = path.iter().map(|&segment| segment.to_owned()).collect();
}
