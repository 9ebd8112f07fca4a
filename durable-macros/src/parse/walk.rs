//! The walk over a body's syntax tree.

use proc_macro2::{Ident, Span};
use syn::{
    Attribute, Block, Expr, ExprAssign, ExprAsync, ExprAwait, ExprBlock, ExprBreak, ExprCall,
    ExprClosure, ExprContinue, ExprForLoop, ExprIf, ExprLet, ExprLoop, ExprMacro, ExprMatch,
    ExprMethodCall, ExprPath, ExprReturn, ExprStruct, ExprTry, ExprWhile, Item, Label, Lifetime,
    Local, Pat, Path, Stmt, spanned::Spanned, visit::Visit,
};

use super::{
    body::{Frame, Reader, label_text},
    calls::{Chain, FragmentCall, binds, fan_out, is_context, names_bound, peel},
};
use crate::{
    graph::{Arm, Await, Fate, How, Node, Place},
    text::text,
};

impl<'ast> Visit<'ast> for Reader {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Macro(statement) => self.read_macro(&statement.mac),
            Stmt::Expr(expression, Some(_)) => {
                self.expect_fate(expression, Fate::Discarded);
                if let Expr::Call(call) = peel(expression)
                    && fan_out(call).is_some()
                    && let Expr::Path(path) = peel(&call.func)
                    && !self.place.is_unjudged()
                {
                    self.body.dropped_combinators.push(path.path.clone());
                }
                self.visit_expr(expression);
            }
            Stmt::Expr(expression, None) => self.visit_expr(expression),
            Stmt::Item(_) => {}
        }
    }

    fn visit_expr_macro(&mut self, expression: &'ast ExprMacro) {
        self.read_macro(&expression.mac);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.note_states(call);
        if !self.shadowed {
            if let Some(chain) = Chain::of_call(call, &self.context) {
                if chain.kind == crate::graph::Kind::Scope {
                    // Reached only outside a fragment call.
                    let receiver = context_ident(&chain.call.receiver);
                    self.use_context(receiver, How::Scoped);
                }
                return self.operation(&chain, None);
            }
            if is_context(&call.receiver, &self.context) {
                return self.query(call);
            }
        }
        self.note_elapsed(call);
        for arg in &call.args {
            self.tainted.absorb(&call.receiver, arg, &self.context);
        }
        self.visit_expr(&call.receiver);
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
        let how = How::Passed(format!("{}", call.method));
        self.with_how(how, |reader| {
            call.args.iter().for_each(|arg| reader.visit_expr(arg));
        });
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if !self.shadowed
            && let Some(fragment) = FragmentCall::of(call, &self.context)
        {
            for arg in call.args.iter().skip(1) {
                self.with_how(How::Stored, |reader| reader.visit_expr(arg));
            }
            return self.operation(&fragment.scope, Some(fragment.fragment));
        }
        if let Some(kind) = fan_out(call) {
            return self.fan_out_call(kind, call);
        }
        self.visit_expr(&call.func);
        let how = How::Passed(text(&call.func));
        self.with_how(how, |reader| {
            call.args.iter().for_each(|arg| reader.visit_expr(arg));
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        let place = match self.place {
            place if place.is_unjudged() => place,
            _ if self.fan_out => Place::FanOut,
            _ => Place::Closure,
        };
        let context = self.context.clone();
        self.apart(place, |reader| {
            reader.shadowed |= closure
                .inputs
                .iter()
                .any(|pattern| binds(pattern, &context));
            closure
                .inputs
                .iter()
                .for_each(|pattern| reader.visit_pat(pattern));
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
        if !self.place.is_unjudged() {
            let span = Ident::new("await", expression.await_token.span);
            let foreign = self.foreign(&expression.base);
            self.body.awaits.push(Await { span, foreign });
        }
        self.expect_fate(&expression.base, Fate::Awaited);
        self.visit_expr(&expression.base);
    }

    fn visit_expr_try(&mut self, expression: &'ast ExprTry) {
        self.expect_fate(&expression.expr, Fate::Discarded);
        self.visit_expr(&expression.expr);
    }

    fn visit_expr_assign(&mut self, assign: &'ast ExprAssign) {
        self.tainted
            .absorb(&assign.left, &assign.right, &self.context);
        let wildcard = matches!(&*assign.left, Expr::Infer(_));
        if wildcard {
            self.expect_fate(&assign.right, Fate::Wildcard);
        }
        self.visit_expr(&assign.left);
        self.with_how(How::Stored, |reader| reader.visit_expr(&assign.right));
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            if *ident == self.context && !self.shadowed {
                let how = self.how.clone();
                return self.use_context(ident.clone(), how);
            }
            self.mention(ident);
        }
        syn::visit::visit_expr_path(self, path);
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
        self.visit_expr(&expression.cond);
        let mut arms = vec![Arm {
            label: "then".to_owned(),
            body: self.branch(|reader| reader.visit_block(&expression.then_branch)),
        }];
        if let Some((_, otherwise)) = &expression.else_branch {
            arms.push(Arm {
                label: "else".to_owned(),
                body: self.branch(|reader| reader.visit_expr(otherwise)),
            });
        }
        self.push_branch(text(&expression.cond), expression.if_token.span, arms);
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        self.visit_expr(&expression.expr);
        let arms = expression.arms.iter().map(|arm| {
            let body = self.branch(|reader| {
                reader.bind(&arm.pat, Some(&expression.expr));
                reader.visit_expr(&arm.body);
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
        let (body, _) = self.frame(expression.label.as_ref(), true, |reader| {
            reader.bind(&expression.pat, Some(&expression.expr));
            reader.visit_block(&expression.body);
        });
        self.push_loop(header, expression.for_token.span, body, true);
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

    fn visit_expr_break(&mut self, expression: &'ast ExprBreak) {
        self.leave(expression.label.as_ref(), true);
        syn::visit::visit_expr_break(self, expression);
    }

    fn visit_expr_continue(&mut self, expression: &'ast ExprContinue) {
        self.leave(expression.label.as_ref(), false);
    }

    fn visit_expr_return(&mut self, expression: &'ast ExprReturn) {
        syn::visit::visit_expr_return(self, expression);
        self.exit();
    }

    fn visit_block(&mut self, block: &'ast Block) {
        // A name given in a step's body may hide the context until that block ends.
        let shadowed = self.shadowed;
        syn::visit::visit_block(self, block);
        self.shadowed = shadowed;
    }
}

impl Reader {
    fn local(&mut self, local: &Local) {
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
        match pattern {
            Pat::Wild(_) => self.expect_fate(&init.expr, Fate::Wildcard),
            Pat::Ident(name) if self.is_operation(&init.expr) => {
                self.bound.push(name.ident.clone());
            }
            Pat::Ident(name) => self.note_time(&name.ident, &init.expr),
            _ => {}
        }
        let step_body = matches!(pattern, Pat::Ident(name)
            if self.step_bodies.contains(&name.ident.to_string()));
        match peel(&init.expr) {
            Expr::Closure(closure) if step_body => self.step_body(closure),
            _ => self.with_how(How::Stored, |reader| reader.visit_expr(&init.expr)),
        }
        self.bind(pattern, Some(&init.expr));
        if let Some((_, otherwise)) = &init.diverge {
            let body = self.branch(|reader| reader.visit_expr(otherwise));
            let arms = vec![Arm {
                label: "else".to_owned(),
                body,
            }];
            self.push_branch(format!("let {}", text(pattern)), local.let_token.span, arms);
        }
    }

    /// Notes what a pattern binds.
    fn bind(&mut self, pattern: &Pat, from: Option<&Expr>) {
        self.visit_pat(pattern);
        if let Some(from) = from {
            self.tainted.flow(pattern, from, &self.context);
        }
        let shadow = names_bound(pattern)
            .into_iter()
            .find(|name| *name == self.context);
        match shadow {
            Some(_) if self.place == Place::StepBody => self.shadowed = true,
            Some(name) => self.use_context(name, How::Shadowed),
            None => {}
        }
    }

    /// A call on the context that makes no operation: `ctx.now()`.
    fn query(&mut self, call: &ExprMethodCall) {
        let ident = context_ident(&call.receiver);
        let how = if call.method == "clone" || call.method == "to_owned" {
            How::Cloned
        } else {
            How::Asked
        };
        self.use_context(ident, how);
        call.args.iter().for_each(|arg| self.visit_expr(arg));
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
        if call.method == "continue_as_new" {
            self.exit();
        }
    }

    fn fan_out_call(&mut self, kind: &'static str, call: &ExprCall) {
        let outer = std::mem::replace(&mut self.fan_out, true);
        let body = self.branch(|reader| {
            for arg in &call.args {
                reader.with_how(How::Stored, |reader| reader.visit_expr(arg));
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

    /// What is awaited here, if it is not durable.
    fn foreign(&self, base: &Expr) -> Option<String> {
        let mut call = peel(base);
        while let Expr::MethodCall(outer) = call {
            if is_context(&outer.receiver, &self.context) {
                return None;
            }
            call = peel(&outer.receiver);
        }
        let durable = self.tainted.holds_operation(base, &self.context);
        (!durable && !mentions_context(base, &self.context)).then(|| text(base))
    }

    fn note_time(&mut self, name: &Ident, value: &Expr) {
        if self.is_time(value) {
            self.times.insert(name.to_string());
        }
    }

    fn is_time(&self, value: &Expr) -> bool {
        match peel(value) {
            Expr::MethodCall(call) => {
                call.method == "now" && is_context(&call.receiver, &self.context)
            }
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|ident| self.times.contains(&ident.to_string())),
            _ => false,
        }
    }

    fn note_elapsed(&mut self, call: &ExprMethodCall) {
        let elapsed = call.method == "elapsed" && call.args.is_empty();
        if elapsed && !self.place.is_unjudged() && self.is_time(&call.receiver) {
            self.body.clock_calls.push(call.method.clone());
        }
    }

    fn frame(
        &mut self,
        label: Option<&Label>,
        is_loop: bool,
        read: impl FnOnce(&mut Self),
    ) -> (Vec<Node>, bool) {
        self.frames.push(Frame {
            label: label.map(|label| label_text(&label.name)),
            is_loop,
            left: false,
        });
        let body = self.branch(read);
        let left = self.frames.pop().is_some_and(|frame| frame.left);
        (body, left)
    }

    /// Notes that `break` or `continue` leaves loops.
    fn leave(&mut self, label: Option<&Lifetime>, breaks: bool) {
        let label = label.map(label_text);
        for frame in self.frames.iter_mut().rev() {
            let target = match &label {
                Some(_) => frame.label == label,
                None => frame.is_loop,
            };
            if !target || breaks {
                // An unlabelled `break` does not leave the labelled blocks around it.
                frame.left |= label.is_some() || frame.is_loop;
            }
            if target {
                break;
            }
        }
    }

    fn exit(&mut self) {
        if self.leaves {
            self.frames.iter_mut().for_each(|frame| frame.left = true);
            self.push_node(Node::Exit);
        }
    }

    fn push_branch(&mut self, condition: String, span: Span, arms: Vec<Arm>) {
        if arms.iter().any(|arm| !arm.body.is_empty()) {
            self.push_node(Node::Branch {
                condition,
                span,
                arms,
            });
        }
    }

    fn push_loop(&mut self, header: String, span: Span, body: Vec<Node>, ends: bool) {
        if !body.is_empty() {
            self.push_node(Node::Loop {
                header,
                span,
                body,
                ends,
            });
        }
    }
}

fn context_ident(expression: &Expr) -> Ident {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    }
    .unwrap_or_else(|| Ident::new("ctx", expression.span()))
}

/// Whether an expression names the context other than to call a method on it.
fn mentions_context(expression: &Expr, context: &Ident) -> bool {
    struct Search<'a>(&'a Ident, bool);
    impl<'ast> Visit<'ast> for Search<'_> {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            if !is_context(&call.receiver, self.0) {
                self.visit_expr(&call.receiver);
            }
            call.args.iter().for_each(|arg| self.visit_expr(arg));
        }

        fn visit_expr_path(&mut self, path: &'ast ExprPath) {
            self.1 |= path.path.is_ident(self.0);
        }
    }
    let mut search = Search(context, false);
    search.visit_expr(expression);
    search.1
}
