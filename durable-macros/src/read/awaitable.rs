//! What may be awaited: what came from the context and from nowhere else.

use syn::{Block, Expr, Stmt};

use crate::{
    facts::Kind,
    read::{bindings::root_local, body::Reader},
    resolve::scopes::Holds,
    syntax::{
        macros::{self, Reading},
        operation_call::{FragmentCall, is_query, peel},
    },
};

impl Reader {
    /// Whether awaiting this is the engine's business, or a mistake that another rule reports.
    pub(super) fn is_durable(&self, expression: &Expr) -> bool {
        match peel(expression) {
            Expr::MethodCall(call) => {
                (self.is_context(&call.receiver) && !is_query(&call.method))
                    || self.is_durable(&call.receiver)
                    || self.gives_operations(expression)
                    || call.args.iter().any(|arg| self.is_handed_on(arg))
            }
            Expr::Call(call) => {
                let fragment = FragmentCall::of(call, &self.context).is_some();
                let first = call.args.first();
                let wraps = is_wrapper(&call.func) && first.is_some_and(|arg| self.is_durable(arg));
                let handed_on = call.args.iter().any(|arg| self.is_handed_on(arg));
                let judged = matches!(
                    self.local_of(&call.func),
                    Some(Holds::Judged | Holds::Capture)
                );
                (fragment && self.sees_context())
                    || self.own_fan_out(call).is_some()
                    || wraps
                    || handed_on
                    || judged
            }
            Expr::Macro(mac) => match macros::read(&mac.mac) {
                Reading::Combinator { .. } | Reading::Broken => true,
                Reading::Ordinary(parts) => {
                    let values = macros::expressions(&parts);
                    values.first().is_some_and(|value| self.is_durable(value))
                }
                // Reported as a macro that cannot be read.
                Reading::Opaque => {
                    let context = self.sees_context().then_some(&self.context);
                    macros::mention(mac.mac.tokens.clone(), context).is_some()
                }
                Reading::Inert => false,
                Reading::Escape(_) => true,
            },
            // Its own awaits are judged one by one.
            Expr::Async(_) => true,
            Expr::Block(block) => self.ends_durable(&block.block),
            Expr::Unsafe(block) => self.ends_durable(&block.block),
            Expr::If(choice) => {
                let otherwise = choice.else_branch.as_ref();
                self.ends_durable(&choice.then_branch)
                    && otherwise.is_some_and(|(_, otherwise)| self.is_durable(otherwise))
            }
            Expr::Match(choice) => choice.arms.iter().all(|arm| self.is_durable(&arm.body)),
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
            Expr::Await(_) => false,
            _ => self.gives_operations(expression),
        }
    }

    /// Whether an argument is the context or a scope: that is reported where it is handed on.
    fn is_handed_on(&self, arg: &Expr) -> bool {
        let scope = self
            .chain(arg)
            .is_some_and(|chain| chain.kind == Kind::Scope);
        scope
            || matches!(
                self.local_of(arg),
                Some(Holds::Alias | Holds::Context | Holds::Scope)
            )
    }

    /// Whether this is a local that holds operations, or a part of one.
    fn gives_operations(&self, expression: &Expr) -> bool {
        let holds = root_local(expression).and_then(|local| self.scopes.get(local));
        matches!(
            holds,
            Some(Holds::Alias | Holds::Operation | Holds::Operations | Holds::Judged)
        )
    }

    fn ends_durable(&self, block: &Block) -> bool {
        match block.stmts.last() {
            Some(Stmt::Expr(last, _)) => self.is_durable(last),
            _ => false,
        }
    }
}

/// Whether this is a fn of the standard library that gives its argument back as a future.
pub(super) fn is_wrapper(function: &Expr) -> bool {
    let Expr::Path(path) = peel(function) else {
        return false;
    };
    let mut last = path.path.segments.iter().rev();
    let (Some(name), Some(owner)) = (last.next(), last.next()) else {
        return false;
    };
    (owner.ident == "Box" && name.ident == "pin")
        || (owner.ident == "IntoFuture" && name.ident == "into_future")
}
