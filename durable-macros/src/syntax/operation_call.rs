//! Calls on the context: `ctx.step("charge", ..).retry(..)`.

use proc_macro2::Ident;
use syn::{Expr, ExprCall, ExprMethodCall, Local, Pat, Path, UnOp};

use crate::facts::Kind;

/// What a method of the context makes, if it makes an operation.
pub(crate) fn kind_of(method: &Ident) -> Option<Kind> {
    match method.to_string().as_str() {
        "step" => Some(Kind::Step),
        "sleep" | "sleep_until" => Some(Kind::Sleep),
        "signal" => Some(Kind::Signal),
        "child" => Some(Kind::Child),
        "scope" => Some(Kind::Scope),
        _ => None,
    }
}

/// Methods of the context that give a value at once.
const QUERIES: [&str; 6] = ["is_replaying", "now", "random", "run_id", "state", "uuid"];

/// Whether a method of the context asks it for a value, and makes no operation.
pub(crate) fn is_query(method: &Ident) -> bool {
    QUERIES.iter().any(|query| method == query)
}

/// The options of operations, whichever of them have it.
pub(crate) const OPTIONS: [&str; 4] = ["retry", "timeout", "compensate", "was"];

/// Whether a method sets an option of an operation.
pub(crate) fn is_option(method: &Ident) -> bool {
    OPTIONS.iter().any(|option| method == option)
}

/// Methods of a `Result`, as an operation gives one once it is awaited.
const OF_RESULTS: [&str; 16] = [
    "and_then",
    "err",
    "expect",
    "expect_err",
    "inspect_err",
    "is_err",
    "is_ok",
    "map",
    "map_err",
    "ok",
    "or_else",
    "unwrap",
    "unwrap_err",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
];

/// Whether this is called on a `Result`, and so on what an operation comes to.
pub(crate) fn is_of_result(method: &Ident) -> bool {
    OF_RESULTS.contains(&method.to_string().as_str())
}

/// A call that makes an operation, with the options set on it.
pub(crate) struct Chain<'a> {
    pub(crate) kind: Kind,
    pub(crate) call: &'a ExprMethodCall,
    /// From the innermost to the outermost.
    pub(crate) options: Vec<&'a ExprMethodCall>,
}

impl<'a> Chain<'a> {
    /// The chain that this expression is, if it is one.
    pub(crate) fn of(expression: &'a Expr, context: &Ident) -> Option<Self> {
        match peel(expression) {
            Expr::MethodCall(call) => Self::of_call(call, context),
            _ => None,
        }
    }

    /// The chain that ends in this call, if it is one.
    pub(crate) fn of_call(mut call: &'a ExprMethodCall, context: &Ident) -> Option<Self> {
        let mut options = Vec::new();
        while !is_context(&call.receiver, context) {
            options.push(call);
            let Expr::MethodCall(inner) = peel(&call.receiver) else {
                return None;
            };
            call = inner;
        }
        options.reverse();
        let kind = kind_of(&call.method)?;
        Some(Self {
            kind,
            call,
            options,
        })
    }
}

/// A call of a fragment: `bill(ctx.scope("billing"), ..)`.
pub(crate) struct FragmentCall<'a> {
    pub(crate) fragment: &'a Path,
    pub(crate) scope: Chain<'a>,
}

impl<'a> FragmentCall<'a> {
    /// The fragment call that this is, if it is one.
    pub(crate) fn of(call: &'a ExprCall, context: &Ident) -> Option<Self> {
        let Expr::Path(fragment) = peel(&call.func) else {
            return None;
        };
        let scope = Chain::of(call.args.first()?, context)?;
        (scope.kind == Kind::Scope && scope.options.is_empty()).then_some(Self {
            fragment: &fragment.path,
            scope,
        })
    }
}

/// Whether this has the name of one of the facade's combinators for many operations.
pub(crate) fn fan_out(call: &ExprCall) -> Option<&'static str> {
    let Expr::Path(path) = peel(&call.func) else {
        return None;
    };
    match path.path.segments.last()?.ident.to_string().as_str() {
        "join_all" => Some("join_all"),
        "try_join_all" => Some("try_join_all"),
        _ => None,
    }
}

/// The expression inside parentheses and invisible groups.
pub(crate) fn peel(mut expression: &Expr) -> &Expr {
    loop {
        expression = match expression {
            Expr::Paren(inner) => &inner.expr,
            Expr::Group(inner) => &inner.expr,
            _ => return expression,
        };
    }
}

/// Whether this is the context itself, or what a method call would make the context of: `(*ctx)`.
pub(crate) fn is_context(expression: &Expr, context: &Ident) -> bool {
    context_ident(expression).is_some_and(|ident| ident == context)
}

/// Whether a local gives the context its own name again: `let ctx = ctx.clone();`.
pub(crate) fn renews_context(local: &Local, context: &Ident) -> bool {
    let named = matches!(&local.pat, Pat::Ident(name) if name.ident == *context);
    let init = local.init.as_ref().map(|init| peel(&init.expr));
    named
        && match init {
            Some(Expr::MethodCall(call)) => {
                call.method == "clone" && is_context(&call.receiver, context)
            }
            Some(init) => is_context(init, context),
            None => false,
        }
}

/// The name that stands where the context could.
pub(crate) fn context_ident(expression: &Expr) -> Option<&Ident> {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Reference(reference) => context_ident(&reference.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => context_ident(&unary.expr),
        _ => None,
    }
}
