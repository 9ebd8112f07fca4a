//! What locals hold: where operations go before they are awaited.

use quote::{ToTokens, quote};
use syn::{
    Expr, ExprAsync, ExprClosure, ExprMethodCall, Item, Local, Pat,
    visit::{self, Visit},
};

use super::{
    reader::{BodyReader, Surroundings, Taker},
    values::{Holds, Value},
};
use crate::{
    facts::{Fate, Place},
    hazards,
    resolve::{LocalId, Resolved},
    syntax::{
        expressions::{addition, lone_name, lone_path, names_bound, peel, plain_name, root_name},
        text::text,
        tokens,
    },
};

/// What is known of a local.
#[derive(Clone, Default)]
pub(super) struct LocalState {
    pub(super) holds: Holds,
    /// Whether it is nothing but a holder of operations.
    is_holder: bool,
    /// Whether it is a list that was made here, so that nothing else holds what is in it.
    is_list: bool,
    pub(super) is_mentioned: bool,
}

impl LocalState {
    /// Whether it holds operations that nobody came back to.
    pub(super) fn is_forgotten(&self) -> bool {
        self.is_holder && !self.is_mentioned
    }

    /// Whether it holds more than data.
    pub(super) fn matters(&self) -> bool {
        self.is_holder || self.holds != Holds::Other
    }
}

impl<'t> BodyReader<'t> {
    pub(super) fn local(&mut self, local: &'t Local) {
        let (pattern, ty) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pattern => (pattern, None),
        };
        ty.into_iter().for_each(|ty| self.visit_type(ty));
        let Some(init) = &local.init else {
            return self.bind(pattern, None);
        };
        let only = match pattern {
            Pat::Ident(name) => self.names.local(&name.ident),
            _ => None,
        };
        let is_for_steps = only.is_some_and(|local| self.names.is_for_steps(local));
        let kept = only.filter(|local| self.keeps_branch(*local, pattern, &init.expr));
        let value = match (peel(&init.expr), kept) {
            (Expr::Closure(closure), _) if is_for_steps => {
                self.step_body(closure);
                Value::default()
            }
            (_, Some(local)) => {
                let is_list = self.names.is_list_of_branches(local);
                self.kept_branch(local, is_list, &init.expr)
            }
            _ => {
                let fate = match pattern {
                    Pat::Wild(_) => Fate::Wildcard,
                    _ => Fate::Used,
                };
                self.taken_by(Taker::Variable, |reader| reader.read(&init.expr, fate))
            }
        };
        if let Some((_, otherwise)) = &init.diverge {
            let (body, _) = self.sequence(|reader| reader.read(otherwise, Fate::Used));
            let condition = || format!("let {}", text(pattern));
            self.push_branch(condition, local.let_token.span, vec![(quote!(else), body)]);
        }
        if is_for_steps {
            // What it does with the context is reported where it does it.
            return self.bind(pattern, None);
        }
        self.bind(pattern, Some((&init.expr, &value)));
        let Some(only) = only else {
            return;
        };
        let state = &mut self.locals[only.index()];
        if kept.is_some() && state.holds == Holds::Other {
            state.holds = Holds::Judged;
        }
        if ty.is_some_and(hazards::is_path_type) {
            state.holds = Holds::Path;
        }
        state.is_list = makes_list(&init.expr);
        state.is_holder |= value.has_operation();
    }

    /// Whether a local keeps a branch which a combinator, or an `.await`, gets later.
    fn keeps_branch(&self, local: LocalId, pattern: &Pat, init: &Expr) -> bool {
        plain_name(pattern).is_some()
            && (self.names.is_branch(local) || self.names.is_list_of_branches(local))
            && self.is_judged()
            && self.defers(init)
    }

    /// Reads what becomes a branch, or in a list a number of them, once the local that it is put into is
    /// named.
    fn kept_branch(&mut self, local: LocalId, is_list: bool, branch: &'t Expr) -> Value {
        let change = |around: &mut Surroundings<'t>| {
            around.taker = Taker::Variable;
            around.closures = match is_list {
                true => Place::FanOut,
                false => Place::Closure,
            };
        };
        let (nodes, value) = self
            .sequence(|reader| reader.within(change, |reader| reader.read(branch, Fate::Branch)));
        self.kept.entry(local).or_default().extend(nodes);
        value
    }

    /// Puts what a local makes into the graph, where the local is named.
    pub(super) fn take_kept(&mut self, expression: &Expr) {
        let local = lone_name(expression).and_then(|name| self.names.local(name));
        let kept = local.and_then(|local| self.kept.remove(&local));
        self.nodes.extend(kept.into_iter().flatten());
    }

    /// Reads a statement that puts something into a list, and says whether it was one. Branches are read as
    /// they would be where the list is handed on.
    pub(super) fn addition(&mut self, statement: &'t Expr) -> bool {
        let Some((list, call)) = addition(statement) else {
            return false;
        };
        let Some(local) = self.names.local(list) else {
            return false;
        };
        let is_kept = self.names.is_list_of_branches(local)
            && self.is_judged()
            && call.args.iter().any(|arg| self.defers(arg));
        if is_kept {
            for arg in &call.args {
                let branch = self.kept_branch(local, true, arg);
                self.absorb(&call.receiver, &branch);
            }
            return true;
        }
        let is_mentioned = self.locals[local.index()].is_mentioned;
        let adds = self.read(statement, Fate::Discarded).args.operations;
        let state = &mut self.locals[local.index()];
        if adds && state.is_list {
            state.is_holder = true;
            state.is_mentioned = is_mentioned;
        }
        true
    }

    /// Whether an expression uses the context in a block or a closure that somebody else runs.
    fn defers(&self, expression: &Expr) -> bool {
        let mut search = DeferredUse {
            names: self.names,
            is_found: false,
        };
        search.visit_expr(expression);
        search.is_found
    }

    /// Notes what a pattern binds, out of a value if that is known.
    pub(super) fn bind(&mut self, pattern: &'t Pat, from: Option<(&Expr, &Value)>) {
        self.visit_pat(pattern);
        if let (Some((from, _)), Pat::TupleStruct(result)) = (from, pattern)
            && (result.path.is_ident("Ok") || result.path.is_ident("Err"))
        {
            self.note_result(from);
        }
        self.bind_names(pattern, from.map(|(_, value)| value));
    }

    fn bind_names(&mut self, pattern: &Pat, value: Option<&Value>) {
        let holds = match (pattern, value) {
            (Pat::Tuple(patterns), Some(value)) if patterns.elems.len() == value.parts.len() => {
                for (pattern, part) in patterns.elems.iter().zip(&value.parts) {
                    self.bind_names(pattern, Some(part));
                }
                return;
            }
            (Pat::Ident(_), Some(value)) if value.has_context() => Holds::Alias,
            (Pat::Ident(_), Some(value)) => value.holds(),
            (_, Some(value)) if value.has_context() => Holds::Alias,
            (_, Some(value)) if value.met.operations => Holds::Operations,
            _ => Holds::Other,
        };
        self.bind_all(pattern, holds);
    }

    pub(super) fn bind_all(&mut self, pattern: &Pat, holds: Holds) {
        for name in names_bound(pattern) {
            // The context that is given its own name again is bound to nothing new.
            let Some(local) = self.names.local(name) else {
                continue;
            };
            let state = &mut self.locals[local.index()];
            state.holds = holds;
            state.is_holder = holds == Holds::Operation;
        }
    }

    /// Notes that the local at the root of `target` takes `value` in.
    pub(super) fn absorb(&mut self, target: &Expr, value: &Value) {
        let holds = if value.met.operations {
            Holds::Operations
        } else if value.met.blocks {
            Holds::Judged
        } else {
            return;
        };
        let local = root_name(target).and_then(|name| self.names.local(name));
        if let Some(local) = local.filter(|local| *local != LocalId::CONTEXT) {
            let state = &mut self.locals[local.index()];
            if state.holds == Holds::Other {
                state.holds = holds;
            }
        }
    }
}

/// `Vec::new()`, `vec![]`
fn makes_list(value: &Expr) -> bool {
    match peel(value) {
        Expr::Call(call) => lone_path(&call.func).is_some_and(|path| {
            let mut names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            names.any(|name| matches!(&*name, "Vec" | "VecDeque"))
        }),
        Expr::Macro(mac) => mac.mac.path.is_ident("vec"),
        _ => false,
    }
}

struct DeferredUse<'a> {
    names: &'a Resolved,
    is_found: bool,
}

impl DeferredUse<'_> {
    fn look_in(&mut self, run_elsewhere: &dyn ToTokens) {
        let context = &self.names.locals()[LocalId::CONTEXT.index()].ident;
        self.is_found |= tokens::name(run_elsewhere.to_token_stream(), context);
    }
}

impl<'ast> Visit<'ast> for DeferredUse<'_> {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        self.look_in(&block.block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.look_in(&closure.body);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        // The closures of an operation are its own.
        if self.names.operation(call).is_none() {
            visit::visit_expr_method_call(self, call);
        }
    }
}
