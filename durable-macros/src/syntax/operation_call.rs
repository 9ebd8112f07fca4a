//! Calls that make operations: `ctx.step("charge", ..).retry(..)`, `bill(ctx.scope("billing"), ..)`.

use proc_macro2::Ident;
use syn::{Expr, ExprCall, ExprMethodCall, Path};

use super::expressions::{last_name, lone_name, lone_path, peel, referenced_name};
use crate::operations::{OperationKind, made_by};

/// A call on the context that makes an operation, with the options set on it.
pub(crate) struct OperationCall<'a> {
    pub(crate) kind: &'static OperationKind,
    pub(crate) call: &'a ExprMethodCall,
    /// From the innermost to the outermost.
    pub(crate) options: Vec<&'a ExprMethodCall>,
}

impl<'a> OperationCall<'a> {
    /// The call that this expression is, if it is one.
    pub(crate) fn find(expression: &'a Expr, is_context: &impl Fn(&Ident) -> bool) -> Option<Self> {
        match peel(expression) {
            Expr::MethodCall(call) => Self::ending_in(call, is_context),
            _ => None,
        }
    }

    /// The call whose last option, or whose method, this is, if it is one.
    pub(crate) fn ending_in(
        mut call: &'a ExprMethodCall,
        is_context: &impl Fn(&Ident) -> bool,
    ) -> Option<Self> {
        let mut options = Vec::new();
        while !referenced_name(&call.receiver).is_some_and(is_context) {
            options.push(call);
            let Expr::MethodCall(inner) = peel(&call.receiver) else {
                return None;
            };
            call = inner;
        }
        options.reverse();
        Some(Self {
            kind: made_by(&call.method)?,
            call,
            options,
        })
    }
}

/// A call of a fragment.
pub(crate) struct FragmentCall<'a> {
    pub(crate) fragment: &'a Path,
    pub(crate) scope: OperationCall<'a>,
}

impl<'a> FragmentCall<'a> {
    /// The fragment call that this is, if it is one.
    pub(crate) fn find(call: &'a ExprCall, is_context: &impl Fn(&Ident) -> bool) -> Option<Self> {
        let fragment = lone_path(&call.func)?;
        let scope = OperationCall::find(call.args.first()?, is_context)?;
        (scope.kind.is_scope() && scope.options.is_empty()).then_some(Self { fragment, scope })
    }
}

/// Whether this has the name of one of the facade's combinators for many operations.
pub(crate) fn fan_out(call: &ExprCall) -> Option<&'static str> {
    match last_name(&call.func)?.to_string().as_str() {
        "join_all" => Some("join_all"),
        "try_join_all" => Some("try_join_all"),
        _ => None,
    }
}

/// Methods that put something into a list.
const ADDITIONS: [&str; 3] = ["extend", "push", "push_back"];

/// Whether a statement puts something into a list: the local that holds it, and what is put there.
pub(crate) fn addition(statement: &Expr) -> Option<(&Ident, &ExprMethodCall)> {
    let Expr::MethodCall(call) = statement else {
        return None;
    };
    let list = lone_name(&call.receiver)?;
    ADDITIONS
        .contains(&&*call.method.to_string())
        .then_some((list, call))
}
