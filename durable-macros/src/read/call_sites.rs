//! What calls do: make operations, ask the context, hand it on, or drop what was made.

use std::mem;

use proc_macro2::Ident;
use syn::{Expr, ExprCall, ExprMethodCall, Path, spanned::Spanned, visit::Visit};

use crate::{
    facts::{Fate, How, Kind, Node},
    read::{
        awaitable::is_wrapper,
        body::{Reader, summary},
        known_fns,
    },
    resolve::{branch_locals, scopes::Holds},
    syntax::{
        macros,
        operation_call::{Chain, FragmentCall, context_ident, fan_out, peel},
        text::text,
    },
};

impl Reader {
    pub(super) fn method_call(&mut self, call: &ExprMethodCall) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        self.note_states(call);
        if self.sees_context() {
            if let Some(chain) = Chain::of_call(call, &self.context) {
                if chain.kind == Kind::Scope {
                    // Reached only outside a fragment call.
                    self.note_receiver(&chain.call.receiver, How::Scoped);
                }
                return self.operation(&chain, None, fate);
            }
            if self.is_context(&call.receiver) {
                return self.query(call);
            }
        }
        self.note_method(call);
        for arg in &call.args {
            self.absorb(&call.receiver, arg);
        }
        self.visit_expr(&call.receiver);
        self.visit_turbofish(call);
        let feeds = if self.yields_operations(&call.receiver) {
            Holds::Operations
        } else {
            Holds::Other
        };
        let outer = mem::replace(&mut self.feeds, feeds);
        let how = How::Passed(format!(".{}(..)", call.method));
        self.with_how(how, |reader| {
            call.args.iter().for_each(|arg| reader.visit_expr(arg));
        });
        self.feeds = outer;
    }

    /// Reads a statement that puts operations or branches into a list, and says whether it was one.
    /// Branches are read as they would be where the list is handed on.
    pub(super) fn addition(&mut self, statement: &Expr) -> bool {
        let Some((list, call)) = branch_locals::addition(statement) else {
            return false;
        };
        let is_list = self.branch_locals.is_list_added_to(list)
            && self.sees_context()
            && !self.place.is_unjudged()
            && call
                .args
                .iter()
                .any(|arg| branch_locals::defers(arg, &self.context));
        if !is_list {
            let adds = call.args.iter().any(|arg| self.yields_operations(arg));
            if adds {
                let mentioned = self.scopes.mentioned(list);
                self.visit_as(statement, Fate::Discarded);
                self.scopes.added_to(list, mentioned);
            }
            return adds;
        }
        for arg in &call.args {
            self.absorb(&call.receiver, arg);
            self.kept_branch(list, true, |reader| {
                reader.with_how(How::Stored, |reader| reader.visit_as(arg, Fate::Branch));
            });
        }
        true
    }

    pub(super) fn call(&mut self, call: &ExprCall) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        if self.sees_context()
            && let Some(fragment) = FragmentCall::of(call, &self.context)
        {
            for arg in call.args.iter().skip(1) {
                self.with_how(How::Stored, |reader| reader.visit_expr(arg));
            }
            return self.operation(&fragment.scope, Some(fragment.fragment), fate);
        }
        if let Some(kind) = self.own_fan_out(call) {
            return self.fan_out_call(kind, call, &fate);
        }
        if is_drop(call) {
            return self.dropped(call);
        }
        let before = self.body.paths.len();
        self.visit_expr(&call.func);
        let callee = (self.body.paths.len() > before).then_some(before);
        if let Some(callee) = callee.and_then(|callee| self.body.paths.get_mut(callee)) {
            known_fns::resolve(callee, &call.args);
        }
        let args = self.body.next_order();
        // To print it costs more than all else here, and it is said of the context alone.
        let how = if call.args.iter().any(|arg| may_name(arg, &self.context)) {
            How::Passed(text(&call.func))
        } else {
            How::Stored
        };
        let fate = match &*call.func {
            function if is_wrapper(function) => fate,
            function if is_constructor(function) => fate.of_a_part(),
            _ => Fate::Used,
        };
        self.with_how(how, |reader| {
            call.args.iter().for_each(|arg| reader.visit_as(arg, fate));
        });
        let end = self.body.next_order();
        if let Some(callee) = callee.and_then(|callee| self.body.paths.get_mut(callee)) {
            callee.args = args..end;
        }
    }

    fn visit_turbofish(&mut self, call: &ExprMethodCall) {
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
    }

    fn note_receiver(&mut self, receiver: &Expr, how: How) {
        if let Some(ident) = context_ident(receiver) {
            self.use_context(ident.clone(), how);
        }
    }

    /// A call on the context that makes no operation: `ctx.now()`.
    fn query(&mut self, call: &ExprMethodCall) {
        let how = if call.method == "clone" || call.method == "to_owned" {
            How::Cloned
        } else {
            How::Asked
        };
        self.note_receiver(&call.receiver, how);
        call.args.iter().for_each(|arg| self.visit_expr(arg));
        self.visit_turbofish(call);
        if call.method == "continue_as_new" {
            self.exit();
        }
    }

    /// Whether this is a call of one of our combinators for many operations.
    pub(super) fn own_fan_out(&self, call: &ExprCall) -> Option<&'static str> {
        let Expr::Path(path) = peel(&call.func) else {
            return None;
        };
        let full = self.aliases.resolve(&path.path);
        let foreign = full.len() > 1 && macros::FOREIGN.contains(&full[0].as_str());
        fan_out(call).filter(|_| !foreign)
    }

    fn fan_out_call(&mut self, kind: &'static str, call: &ExprCall, fate: &Fate) {
        if !self.place.is_unjudged() && matches!(fate, Fate::Discarded | Fate::Wildcard) {
            let path = match peel(&call.func) {
                Expr::Path(path) => path.path.segments.last(),
                _ => None,
            };
            self.body
                .dropped_combinators
                .extend(path.map(|last| last.ident.clone()));
        }
        let outer = mem::replace(&mut self.fan_out, true);
        let body = self.branch(|reader| {
            for arg in &call.args {
                let foreign = (!reader.yields_futures(arg)).then(|| summary(arg));
                let start = reader.body.next_order();
                reader.with_how(How::Stored, |reader| reader.visit_as(arg, Fate::Branch));
                reader.take_kept(arg);
                reader.note_await(arg, foreign, start);
            }
        });
        self.fan_out = outer;
        if !body.is_empty() {
            self.push_node(Node::Parallel {
                kind,
                span: call.func.span(),
                branches: vec![body],
            });
        }
    }

    /// `drop(operation)`: a mention that awaits nothing.
    fn dropped(&mut self, call: &ExprCall) {
        for arg in &call.args {
            match peel(arg) {
                Expr::Path(path)
                    if path
                        .path
                        .get_ident()
                        .is_some_and(|name| *name != self.context) => {}
                _ => self.with_how(How::Passed("drop".to_owned()), |reader| {
                    reader.visit_as(arg, Fate::Discarded);
                }),
            }
        }
    }
}

/// Whether an argument may be the context itself, or have it in it other than as the argument of a call.
fn may_name(arg: &Expr, context: &Ident) -> bool {
    match peel(arg) {
        Expr::Lit(_) | Expr::Call(_) | Expr::Verbatim(_) => false,
        Expr::MethodCall(call) => may_name(&call.receiver, context),
        Expr::Path(path) => path.path.get_ident().is_some_and(|name| name == context),
        _ => true,
    }
}

/// Whether this is a tuple struct or a variant, by its case: `Some`.
pub(crate) fn is_constructor(function: &Expr) -> bool {
    let last = match peel(function) {
        Expr::Path(path) => path.path.segments.last(),
        _ => None,
    };
    last.is_some_and(|last| last.ident.to_string().starts_with(char::is_uppercase))
}

fn is_item_of(path: &Path, module: &str, item: &str) -> bool {
    let mut last = path.segments.iter().rev();
    last.next().is_some_and(|last| last.ident == item)
        && last.next().is_some_and(|last| last.ident == module)
}

/// Whether this is a call of `drop` or `forget`.
fn is_drop(call: &ExprCall) -> bool {
    matches!(peel(&call.func), Expr::Path(path)
        if path.path.is_ident("drop")
            || ["drop", "forget"].iter().any(|name| is_item_of(&path.path, "mem", name)))
}
