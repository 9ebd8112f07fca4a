//! What locals hold: where operations go before they are awaited.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{
    Expr, ExprAsync, ExprAwait, ExprCall, ExprClosure, ExprMacro, ExprMethodCall, Item, Local, Pat,
    PatIdent, visit::Visit,
};

use crate::{
    facts::{Arm, Fate, How, Kind},
    read::{awaitable::is_wrapper, body::Reader, call_sites::is_constructor, methods},
    resolve::{
        branch_locals,
        scopes::{Holds, names_bound},
    },
    syntax::{
        macros::{self, Reading},
        operation_call::{Chain, FragmentCall, context_ident, peel, renews_context},
        text::text,
    },
};

impl Reader {
    pub(super) fn local(&mut self, local: &Local) {
        let pattern = match &local.pat {
            Pat::Type(typed) => {
                self.visit_type(&typed.ty);
                &*typed.pat
            }
            pattern => pattern,
        };
        let Some(init) = &local.init else {
            return self.bind(pattern, None);
        };
        let step_local = matches!(pattern, Pat::Ident(name)
            if self.step_locals.contains(&name.ident.to_string()));
        let kept = self.keeps_branch(pattern, &init.expr);
        match (peel(&init.expr), kept) {
            (Expr::Closure(closure), _) if step_local => self.step_body(closure),
            (_, Some(name)) => {
                let is_list = self.branch_locals.is_list(name);
                self.kept_branch(name, is_list, |reader| {
                    let init = &init.expr;
                    reader.with_how(How::Stored, |reader| reader.visit_as(init, Fate::Branch));
                });
            }
            _ => {
                let fate = match pattern {
                    Pat::Wild(_) => Fate::Wildcard,
                    _ => Fate::Used,
                };
                self.with_how(How::Stored, |reader| reader.visit_as(&init.expr, fate));
            }
        }
        if let Some((_, otherwise)) = &init.diverge {
            let body = self.branch(|reader| reader.visit_expr(otherwise));
            let arms = vec![Arm {
                label: "else".to_owned(),
                body,
            }];
            self.push_branch(format!("let {}", text(pattern)), local.let_token.span, arms);
        }
        if step_local {
            // What it does with the context is reported where it does it.
            self.bind(pattern, None);
        } else if !(renews_context(local, &self.context) && self.sees_context()) {
            self.bind(pattern, Some(&init.expr));
            if let Some(name) = kept {
                self.scopes.absorb(name, Holds::Judged);
            }
            if makes_list(&init.expr) && matches!(pattern, Pat::Ident(_)) {
                self.scopes.last_is_list();
            }
            if let (Pat::Type(typed), Pat::Ident(name)) = (&local.pat, pattern)
                && methods::held_by(&typed.ty) == Holds::Path
            {
                self.scopes.bind(&name.ident, Holds::Path);
            }
            if matches!(pattern, Pat::Ident(_)) && self.is_made_of_operations(&init.expr) {
                self.scopes.last_is_holder();
            }
        }
    }

    /// The local that keeps a branch which a combinator, or an `.await`, gets later.
    fn keeps_branch<'a>(&self, pattern: &'a Pat, init: &Expr) -> Option<&'a Ident> {
        let Pat::Ident(PatIdent {
            ident,
            by_ref: None,
            subpat: None,
            ..
        }) = pattern
        else {
            return None;
        };
        let keeps = self.branch_locals.contains(ident)
            && self.sees_context()
            && !self.place.is_unjudged()
            && branch_locals::defers(init, &self.context);
        keeps.then_some(ident)
    }

    /// Whether this is an operation, or a value whose parts are.
    fn is_made_of_operations(&self, value: &Expr) -> bool {
        let mut parts: Box<dyn Iterator<Item = &Expr>> = match peel(value) {
            Expr::Array(array) => Box::new(array.elems.iter()),
            Expr::Tuple(tuple) => Box::new(tuple.elems.iter()),
            Expr::Call(call) if is_constructor(&call.func) => Box::new(call.args.iter()),
            Expr::Macro(mac) => {
                return match macros::read(&mac.mac) {
                    Reading::Ordinary(parts) => {
                        let values = macros::expressions(&parts);
                        values
                            .into_iter()
                            .any(|value| self.is_made_of_operations(value))
                    }
                    _ => false,
                };
            }
            value => return self.value_of(value) == Holds::Operation,
        };
        parts.any(|part| self.is_made_of_operations(part))
    }

    /// Notes what a pattern binds, out of a value if that is known.
    pub(super) fn bind(&mut self, pattern: &Pat, from: Option<&Expr>) {
        self.visit_pat(pattern);
        if let (Some(from), true) = (from, is_of_result_pattern(pattern)) {
            self.note_result(from);
        }
        self.bind_names(pattern, from);
    }

    fn bind_names(&mut self, pattern: &Pat, from: Option<&Expr>) {
        match (pattern, from.map(peel)) {
            (Pat::Tuple(patterns), Some(Expr::Tuple(values)))
                if patterns.elems.len() == values.elems.len() =>
            {
                for (pattern, value) in patterns.elems.iter().zip(&values.elems) {
                    self.bind_names(pattern, Some(value));
                }
            }
            (Pat::Ident(_), Some(from)) => {
                let holds = self.value_of(from);
                self.bind_all(pattern, holds);
            }
            (_, Some(from)) if self.hands_context_on(from) => self.bind_all(pattern, Holds::Alias),
            (_, Some(from)) if self.yields_operations(from) => {
                self.bind_all(pattern, Holds::Operations);
            }
            _ => self.bind_all(pattern, Holds::Other),
        }
    }

    pub(super) fn bind_all(&mut self, pattern: &Pat, holds: Holds) {
        for name in names_bound(pattern) {
            if holds == Holds::Alias {
                self.body.aliases.push(name.clone());
            }
            self.scopes.bind(&name, holds);
        }
    }

    /// What a local holds that is bound to this.
    fn value_of(&self, value: &Expr) -> Holds {
        let value = peel(value);
        if self.is_operation(value) {
            return match self.chain(value) {
                Some(chain) if chain.kind == Kind::Scope => Holds::Scope,
                _ => Holds::Operation,
            };
        }
        match value {
            Expr::Call(call) if self.own_fan_out(call).is_some() => Holds::Operation,
            Expr::Call(call) if is_wrapper(&call.func) => call
                .args
                .first()
                .map_or(Holds::Other, |arg| self.value_of(arg)),
            Expr::Closure(_) if self.mentions_context(value) => Holds::Capture,
            Expr::Closure(closure) if is_async(closure) => Holds::Judged,
            Expr::Async(_) => Holds::Judged,
            Expr::Closure(_) => Holds::Other,
            _ if self.hands_context_on(value) => Holds::Alias,
            Expr::Path(_) => self.local_of(value).unwrap_or(Holds::Other),
            _ if self.is_time(value) => Holds::Time,
            _ if self.is_path(value) => Holds::Path,
            _ if self.yields_operations(value) => Holds::Operations,
            _ => Holds::Other,
        }
    }

    pub(super) fn local_of(&self, value: &Expr) -> Option<Holds> {
        context_ident(value).and_then(|name| self.scopes.get(name))
    }

    /// Whether this is what `ctx.now()` gave.
    pub(super) fn is_time(&self, value: &Expr) -> bool {
        match peel(value) {
            Expr::MethodCall(call) => call.method == "now" && self.is_context(&call.receiver),
            value => self.local_of(value) == Some(Holds::Time),
        }
    }

    /// Notes that the local at the root of `target` takes `value` in.
    pub(super) fn absorb(&mut self, target: &Expr, value: &Expr) {
        let holds = if self.yields_operations(value) {
            Holds::Operations
        } else if self.yields_futures(value) {
            Holds::Judged
        } else {
            return;
        };
        if let Some(root) = root_local(target) {
            self.scopes.absorb(root, holds);
        }
    }

    /// Whether operations that have not been awaited come out of an expression, at some depth.
    pub(super) fn yields_operations(&self, expression: &Expr) -> bool {
        let mut search = Search {
            reader: self,
            found: false,
            blocks: false,
        };
        search.visit_expr(expression);
        search.found
    }

    /// Whether what comes out of an expression can be awaited: operations, or `async` blocks whose
    /// awaits are judged one by one.
    pub(super) fn yields_futures(&self, expression: &Expr) -> bool {
        let mut search = Search {
            reader: self,
            found: false,
            blocks: true,
        };
        search.visit_expr(expression);
        search.found
    }

    /// Whether the context itself is a value, or a part of it.
    fn hands_context_on(&self, value: &Expr) -> bool {
        match peel(value) {
            Expr::Array(array) => array.elems.iter().any(|part| self.hands_context_on(part)),
            Expr::Tuple(tuple) => tuple.elems.iter().any(|part| self.hands_context_on(part)),
            Expr::Call(call) if is_constructor(&call.func) => {
                call.args.iter().any(|part| self.hands_context_on(part))
            }
            Expr::MethodCall(call) if call.method == "clone" => {
                self.hands_context_on(&call.receiver)
            }
            value => matches!(self.local_of(value), Some(Holds::Context | Holds::Alias)),
        }
    }

    fn mentions_context(&self, expression: &Expr) -> bool {
        let tokens = expression.to_token_stream();
        self.sees_context() && macros::names(tokens, &self.context)
    }
}

/// `Ok(..)`, `Err(..)`
fn is_of_result_pattern(pattern: &Pat) -> bool {
    matches!(pattern, Pat::TupleStruct(pattern)
        if pattern.path.is_ident("Ok") || pattern.path.is_ident("Err"))
}

/// `Vec::new()`, `vec![]`
fn makes_list(value: &Expr) -> bool {
    match peel(value) {
        Expr::Call(call) => matches!(peel(&call.func), Expr::Path(path)
            if path.path.segments.iter().any(|part| part.ident == "Vec" || part.ident == "VecDeque")),
        Expr::Macro(mac) => mac.mac.path.is_ident("vec"),
        _ => false,
    }
}

fn is_async(closure: &ExprClosure) -> bool {
    closure.asyncness.is_some() || matches!(peel(&closure.body), Expr::Async(_))
}

/// The local that a place begins with.
pub(super) fn root_local(expression: &Expr) -> Option<&Ident> {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident(),
        Expr::MethodCall(call) => root_local(&call.receiver),
        Expr::Field(field) => root_local(&field.base),
        Expr::Index(index) => root_local(&index.expr),
        Expr::Reference(reference) => root_local(&reference.expr),
        Expr::Try(tried) => root_local(&tried.expr),
        Expr::Unary(unary) => root_local(&unary.expr),
        _ => None,
    }
}

struct Search<'a> {
    reader: &'a Reader,
    found: bool,
    /// Whether `async` blocks count.
    blocks: bool,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_expr_await(&mut self, _: &'ast ExprAwait) {}

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        self.found |= self.blocks;
        syn::visit::visit_expr_async(self, block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.found |= self.blocks && closure.asyncness.is_some();
        syn::visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let chain = Chain::of_call(call, &self.reader.context);
        self.found |= chain.is_some() && self.reader.sees_context();
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let fragment = FragmentCall::of(call, &self.reader.context);
        self.found |= self.reader.own_fan_out(call).is_some() || fragment.is_some();
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            let holds = self.reader.scopes.get(ident);
            self.found |= matches!(holds, Some(Holds::Operation | Holds::Operations));
            self.found |= self.blocks && matches!(holds, Some(Holds::Judged | Holds::Capture));
        }
    }

    fn visit_expr_macro(&mut self, mac: &'ast ExprMacro) {
        if let Reading::Ordinary(parts) = macros::read(&mac.mac) {
            for value in macros::expressions(&parts) {
                self.visit_expr(value);
            }
        }
    }
}
