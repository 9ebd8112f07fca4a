//! The walk over a body's syntax tree.

use std::mem;

use proc_macro2::{Ident, Span};
use syn::{
    Attribute, Block, Expr, ExprAssign, ExprAsync, ExprAwait, ExprBlock, ExprBreak, ExprCall,
    ExprClosure, ExprContinue, ExprForLoop, ExprIf, ExprLet, ExprLoop, ExprMacro, ExprMatch,
    ExprMethodCall, ExprPath, ExprReturn, ExprStruct, ExprTry, ExprUnsafe, ExprWhile, Item, Pat,
    Path, QSelf, RangeLimits, Stmt, Type, spanned::Spanned, visit::Visit,
};

use super::{
    body::Reader,
    calls::{Chain, FragmentCall, context_ident, fan_out, peel},
    scopes::Holds,
};
use crate::{
    graph::{Arm, Await, Fate, How, Kind, Node, Place},
    text::text,
};

impl<'ast> Visit<'ast> for Reader {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr(&mut self, expression: &'ast Expr) {
        // What becomes of an expression's value is known for it alone, and not for its parts.
        if !matches!(
            expression,
            Expr::Paren(_)
                | Expr::Group(_)
                | Expr::Block(_)
                | Expr::Unsafe(_)
                | Expr::If(_)
                | Expr::Match(_)
                | Expr::MethodCall(_)
                | Expr::Call(_)
        ) {
            self.fate = Fate::Used;
        }
        syn::visit::visit_expr(self, expression);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Macro(statement) => self.read_macro(&statement.mac),
            // A local that is named and dropped.
            Stmt::Expr(Expr::Path(path), Some(_)) if path.path.get_ident().is_some() => {}
            Stmt::Expr(expression, _) => self.visit_as(expression, Fate::Discarded),
            Stmt::Item(_) => {}
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        self.scope(|reader| {
            let last = block.stmts.len().saturating_sub(1);
            for (index, statement) in block.stmts.iter().enumerate() {
                match statement {
                    Stmt::Expr(tail, None) if index == last => reader.visit_as(tail, fate),
                    statement => reader.visit_stmt(statement),
                }
            }
        });
    }

    fn visit_expr_macro(&mut self, expression: &'ast ExprMacro) {
        self.read_macro(&expression.mac);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
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
        self.note_clock(call);
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

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        if self.sees_context()
            && let Some(fragment) = FragmentCall::of(call, &self.context)
        {
            for arg in call.args.iter().skip(1) {
                self.with_how(How::Stored, |reader| reader.visit_expr(arg));
            }
            return self.operation(&fragment.scope, Some(fragment.fragment), fate);
        }
        if let Some(kind) = fan_out(call) {
            return self.fan_out_call(kind, call, &fate);
        }
        if is_drop(call) {
            return self.dropped(call);
        }
        let before = self.body.paths.len();
        self.visit_expr(&call.func);
        let callee = (self.body.paths.len() > before).then_some(before);
        let args = self.body.next_order();
        let how = How::Passed(text(&call.func));
        self.with_how(how, |reader| {
            call.args.iter().for_each(|arg| reader.visit_expr(arg));
        });
        let end = self.body.next_order();
        if let Some(callee) = callee.and_then(|callee| self.body.paths.get_mut(callee)) {
            callee.args = args..end;
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        let place = match self.place {
            place if place.is_unjudged() => place,
            _ if self.fan_out => Place::FanOut,
            _ => Place::Closure,
        };
        let feeds = self.feeds;
        self.apart(place, |reader| {
            for pattern in &closure.inputs {
                reader.visit_pat(pattern);
                reader.bind_all(pattern, feeds);
            }
            if place == Place::FanOut {
                reader.combinator_branch(&closure.body);
            } else {
                reader.visit_expr(&closure.body);
            }
        });
    }

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        let place = match self.place {
            place if place.is_unjudged() => place,
            _ => Place::Async,
        };
        self.apart(place, |reader| reader.visit_block(&block.block));
    }

    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        let base = &*expression.base;
        let foreign = !self.is_durable(base);
        let start = self.body.next_order();
        match peel(base) {
            Expr::Async(block) => self.driven(block),
            _ => self.visit_as(base, Fate::Awaited),
        }
        let end = self.body.next_order();
        if !self.place.is_unjudged() {
            self.body.awaits.push(Await {
                token: Ident::new("await", expression.await_token.span),
                foreign: foreign.then(|| summary(base)),
                base: start..end,
            });
        }
    }

    fn visit_expr_try(&mut self, expression: &'ast ExprTry) {
        self.visit_as(&expression.expr, Fate::Discarded);
    }

    fn visit_expr_assign(&mut self, assign: &'ast ExprAssign) {
        self.absorb(&assign.left, &assign.right);
        let fate = match &*assign.left {
            Expr::Infer(_) => Fate::Wildcard,
            _ => Fate::Used,
        };
        self.visit_expr(&assign.left);
        self.with_how(How::Stored, |reader| reader.visit_as(&assign.right, fate));
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            match self.scopes.get(ident) {
                Some(Holds::Context) => {
                    let how = self.how.clone();
                    return self.use_context(ident.clone(), how);
                }
                Some(Holds::Capture) if self.place == Place::StepBody => {
                    self.use_context(ident.clone(), How::Captured);
                }
                _ => {}
            }
            if self.scopes.get(ident).is_some() {
                return self.scopes.mention(ident);
            }
        }
        self.visit_qualified(path.qself.as_ref(), &path.path);
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        self.visit_qualified(path.qself.as_ref(), &path.path);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.note_path(path);
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_struct(&mut self, expression: &'ast ExprStruct) {
        self.with_how(How::Stored, |reader| {
            syn::visit::visit_expr_struct(reader, expression);
        });
    }

    fn visit_expr_let(&mut self, expression: &'ast ExprLet) {
        self.visit_expr(&expression.expr);
        self.bind(&expression.pat, Some(&expression.expr));
    }

    fn visit_expr_if(&mut self, expression: &'ast ExprIf) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        let then = self.scope(|reader| {
            reader.visit_expr(&expression.cond);
            reader.branch(|reader| {
                reader.fate = fate;
                reader.visit_block(&expression.then_branch);
            })
        });
        let mut arms = vec![Arm {
            label: "then".to_owned(),
            body: then,
        }];
        if let Some((_, otherwise)) = &expression.else_branch {
            arms.push(Arm {
                label: "else".to_owned(),
                body: self.branch(|reader| reader.visit_as(otherwise, fate)),
            });
        }
        self.push_branch(text(&expression.cond), expression.if_token.span, arms);
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        self.visit_expr(&expression.expr);
        let arms = expression.arms.iter().map(|arm| {
            let body = self.branch(|reader| {
                reader.scope(|reader| {
                    let (pattern, guard) = guarded(&arm.pat);
                    reader.bind(pattern, Some(&expression.expr));
                    if let Some(guard) = guard {
                        reader.visit_expr(guard);
                    }
                    reader.visit_as(&arm.body, fate);
                });
            });
            Arm {
                label: text(&arm.pat),
                body,
            }
        });
        let arms = arms.collect();
        self.push_branch(text(&expression.expr), expression.match_token.span, arms);
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast ExprForLoop) {
        self.visit_expr(&expression.expr);
        let header = format!(
            "for {} in {}",
            text(&expression.pat),
            text(&expression.expr)
        );
        let (body, left) = self.frame(expression.label.as_ref(), true, |reader| {
            reader.bind(&expression.pat, Some(&expression.expr));
            reader.visit_block(&expression.body);
        });
        let ends = left || !is_endless(&expression.expr);
        self.push_loop(header, expression.for_token.span, body, ends);
    }

    fn visit_expr_while(&mut self, expression: &'ast ExprWhile) {
        let header = format!("while {}", text(&expression.cond));
        let endless = header == "while true";
        let (body, left) = self.frame(expression.label.as_ref(), true, |reader| {
            reader.visit_expr(&expression.cond);
            reader.visit_block(&expression.body);
        });
        self.push_loop(header, expression.while_token.span, body, left || !endless);
    }

    fn visit_expr_loop(&mut self, expression: &'ast ExprLoop) {
        let (body, left) = self.frame(expression.label.as_ref(), true, |reader| {
            reader.visit_block(&expression.body);
        });
        self.push_loop("loop".to_owned(), expression.loop_token.span, body, left);
    }

    fn visit_expr_block(&mut self, expression: &'ast ExprBlock) {
        let (body, _) = self.frame(expression.label.as_ref(), false, |reader| {
            reader.visit_block(&expression.block);
        });
        self.nodes.extend(body);
    }

    fn visit_expr_unsafe(&mut self, expression: &'ast ExprUnsafe) {
        self.visit_block(&expression.block);
    }

    fn visit_expr_break(&mut self, expression: &'ast ExprBreak) {
        self.leave(expression.label.as_ref(), true);
        syn::visit::visit_expr_break(self, expression);
    }

    fn visit_expr_continue(&mut self, expression: &'ast ExprContinue) {
        self.leave(expression.label.as_ref(), false);
    }

    fn visit_expr_return(&mut self, expression: &'ast ExprReturn) {
        if let Some(value) = &expression.expr {
            self.visit_as(value, Fate::Discarded);
        }
        self.exit();
    }
}

impl Reader {
    fn visit_turbofish(&mut self, call: &ExprMethodCall) {
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
    }

    /// Reads a path, which may begin with a type: `<SystemTime>::now`.
    fn visit_qualified(&mut self, qualifier: Option<&QSelf>, path: &Path) {
        let Some(qualifier) = qualifier else {
            return self.visit_path(path);
        };
        match &*qualifier.ty {
            Type::Path(ty) if qualifier.as_token.is_none() && ty.qself.is_none() => {
                let mut whole = ty.path.clone();
                whole.segments.extend(path.segments.iter().cloned());
                self.note_path(&whole);
                syn::visit::visit_path(self, &ty.path);
            }
            ty => self.visit_type(ty),
        }
        syn::visit::visit_path(self, path);
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
                reader.with_how(How::Stored, |reader| reader.visit_as(arg, Fate::Branch));
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

    /// Notes a reading of the clock as a method call.
    fn note_clock(&mut self, call: &ExprMethodCall) {
        let epoch = matches!(peel(&call.receiver), Expr::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "UNIX_EPOCH"));
        let elapsed = call.method == "elapsed" && call.args.is_empty();
        if elapsed && !self.place.is_unjudged() && (epoch || self.is_time(&call.receiver)) {
            self.body.clock_calls.push(call.method.clone());
        }
    }

    pub(super) fn push_branch(&mut self, condition: String, span: Span, arms: Vec<Arm>) {
        if arms.iter().any(|arm| !arm.body.is_empty()) {
            self.push_node(Node::Branch {
                condition,
                span,
                arms,
            });
        }
    }
}

/// An expression as a sentence can hold it: without arguments, if those are long.
fn summary(expression: &Expr) -> String {
    const CHARACTERS_MAX: usize = 40;
    let whole = text(expression);
    if whole.chars().count() <= CHARACTERS_MAX {
        return whole;
    }
    match peel(expression) {
        Expr::Call(call) => format!("{}(..)", summary(&call.func)),
        Expr::MethodCall(call) => format!("{}.{}(..)", summary(&call.receiver), call.method),
        Expr::Field(_) | Expr::Path(_) => whole,
        _ => "..".to_owned(),
    }
}

/// A pattern and its guard.
fn guarded(pattern: &Pat) -> (&Pat, Option<&Expr>) {
    match pattern {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pattern => (pattern, None),
    }
}

/// Whether an iterator visibly has no end: `0..`.
fn is_endless(iterator: &Expr) -> bool {
    match peel(iterator) {
        Expr::Range(range) => {
            range.end.is_none() && matches!(range.limits, RangeLimits::HalfOpen(_))
        }
        _ => false,
    }
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
