//! Calls that make operations: `ctx.step("charge", ..).retry(..)`, `bill(ctx.scope("billing"), ..)`.

use syn::{Expr, ExprCall, ExprMethodCall, Path};

use super::Resolved;
use crate::{
    operations::{OperationKind, made_by},
    syntax::expressions::{lone_path, peel},
};

/// A call on the context that makes an operation, with the options set on it.
pub(crate) struct OperationCall<'a> {
    pub(crate) kind: &'static OperationKind,
    pub(crate) call: &'a ExprMethodCall,
    /// From the innermost to the outermost.
    pub(crate) options: Vec<&'a ExprMethodCall>,
    /// What the context is handed to, if it is a scope.
    pub(crate) fragment: Option<&'a Path>,
}

impl Resolved {
    /// The operation whose last option, or whose method, this is, if it is one.
    pub(crate) fn operation<'a>(&self, mut call: &'a ExprMethodCall) -> Option<OperationCall<'a>> {
        let mut options = Vec::new();
        while !self.is_context(&call.receiver) {
            options.push(call);
            let Expr::MethodCall(inner) = peel(&call.receiver) else {
                return None;
            };
            call = inner;
        }
        options.reverse();
        Some(OperationCall {
            kind: made_by(&call.method)?,
            call,
            options,
            fragment: None,
        })
    }

    /// The call of a fragment that this is, if it is one.
    pub(crate) fn fragment_call<'a>(&self, call: &'a ExprCall) -> Option<OperationCall<'a>> {
        let fragment = lone_path(&call.func);
        let Expr::MethodCall(scope) = peel(call.args.first()?) else {
            return None;
        };
        let scope = self
            .operation(scope)
            .filter(|scope| scope.options.is_empty())?;
        (fragment.is_some() && scope.kind.is_scope()).then_some(OperationCall { fragment, ..scope })
    }
}
