//! Branches and loops, and what leaves them.

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::{
    Block, Expr, ExprAwait, ExprBlock, ExprForLoop, ExprIf, ExprLit, ExprLoop, ExprMatch, ExprTry,
    ExprWhile, Label, Lifetime, Lit, Macro, Pat, RangeLimits,
    visit::{self, Visit},
};

use super::{reader::BodyReader, values::Value};
use crate::{
    facts::{Arm, Fate, Node},
    syntax::{cfgs::cfgs_of, expressions::peel, text::text},
};

/// A loop or a labelled block that is being read.
pub(super) struct LoopFrame {
    label: Option<String>,
    is_loop: bool,
    is_left: bool,
}

impl<'t> BodyReader<'t> {
    pub(super) fn if_expression(&mut self, choice: &'t ExprIf, fate: Fate) -> Value {
        self.read(&choice.cond, Fate::Used);
        let (then, value) = self.sequence(|reader| reader.block(&choice.then_branch, fate));
        let mut arms = vec![(quote!(then), then)];
        let mut is_durable = false;
        if let Some((_, otherwise)) = &choice.else_branch {
            let (body, other) = self.sequence(|reader| reader.read(otherwise, fate));
            is_durable = value.is_durable && other.is_durable;
            arms.push((quote!(else), body));
        }
        self.push_branch(|| text(&choice.cond), choice.if_token.span, arms);
        Value::durable(is_durable)
    }

    pub(super) fn match_expression(&mut self, choice: &'t ExprMatch, fate: Fate) -> Value {
        let from = self.read(&choice.expr, Fate::Used);
        let mut is_durable = true;
        let mut arms = Vec::new();
        for arm in &choice.arms {
            let (body, value) = self.sequence(|reader| {
                let (pattern, guard) = guarded(&arm.pat);
                reader.bind(pattern, Some((&choice.expr, &from)));
                guard.into_iter().for_each(|guard| reader.visit_expr(guard));
                let cfgs = cfgs_of(&arm.attrs);
                reader.configured(cfgs, |reader| reader.read(&arm.body, fate))
            });
            is_durable &= value.is_durable;
            arms.push((&arm.pat, body));
        }
        self.push_branch(|| text(&choice.expr), choice.match_token.span, arms);
        Value::durable(is_durable)
    }

    /// Adds a branch, if something is done in it.
    pub(super) fn push_branch<L: ToTokens>(
        &mut self,
        condition: impl FnOnce() -> String,
        span: Span,
        arms: Vec<(L, Vec<Node>)>,
    ) {
        if arms.iter().all(|(_, body)| body.is_empty()) {
            return;
        }
        let arms = arms.into_iter().map(|(label, body)| Arm {
            label: text(label),
            body,
        });
        let arms = arms.collect();
        let condition = condition();
        self.push_node(Node::Branch {
            condition,
            span,
            arms,
        });
    }

    pub(super) fn for_loop(&mut self, iteration: &'t ExprForLoop) -> Value {
        let items = self.read(&iteration.expr, Fate::Used);
        let body = self.frame(iteration.label.as_ref(), true, |reader| {
            reader.bind(&iteration.pat, Some((&iteration.expr, &items)));
            reader.block(&iteration.body, Fate::Used);
        });
        let header = || format!("for {} in {}", text(&iteration.pat), text(&iteration.expr));
        let span = iteration.for_token.span;
        self.push_loop(header, span, body, !is_endless(&iteration.expr))
    }

    pub(super) fn while_loop(&mut self, iteration: &'t ExprWhile) -> Value {
        let body = self.frame(iteration.label.as_ref(), true, |reader| {
            reader.read(&iteration.cond, Fate::Used);
            reader.block(&iteration.body, Fate::Used);
        });
        let header = || format!("while {}", text(&iteration.cond));
        let span = iteration.while_token.span;
        self.push_loop(header, span, body, !is_true(&iteration.cond))
    }

    pub(super) fn bare_loop(&mut self, iteration: &'t ExprLoop) -> Value {
        let body = self.frame(iteration.label.as_ref(), true, |reader| {
            reader.block(&iteration.body, Fate::Used);
        });
        let span = iteration.loop_token.span;
        let (nodes, is_left) = &body;
        if !is_left && nodes.is_empty() && self.is_judged() && !MayEnd::find(&iteration.body) {
            self.rules.spinning_loop(span);
        }
        self.push_loop(|| "loop".to_owned(), span, body, false)
    }

    /// Adds a loop, if something is done in it.
    fn push_loop(
        &mut self,
        header: impl FnOnce() -> String,
        span: Span,
        (body, is_left): (Vec<Node>, bool),
        ends: bool,
    ) -> Value {
        if !body.is_empty() && self.is_judged() {
            let header = header();
            if !ends && !is_left && body.iter().any(Node::holds_operation) {
                self.rules.endless_loop(span, &header);
            }
            self.nodes.push(Node::Loop { header, span, body });
        }
        Value::default()
    }

    pub(super) fn labelled_block(&mut self, block: &'t ExprBlock, fate: Fate) -> Value {
        let mut value = Value::default();
        let (body, _) = self.frame(block.label.as_ref(), false, |reader| {
            value = reader.block(&block.block, fate);
        });
        self.nodes.extend(body);
        value
    }

    /// Reads a loop or a labelled block; gives what is in it and whether something leaves it.
    fn frame(
        &mut self,
        label: Option<&Label>,
        is_loop: bool,
        read: impl FnOnce(&mut Self),
    ) -> (Vec<Node>, bool) {
        self.frames.push(LoopFrame {
            label: label.map(|label| text(&label.name)),
            is_loop,
            is_left: false,
        });
        let (body, ()) = self.sequence(read);
        let is_left = self.frames.pop().is_some_and(|frame| frame.is_left);
        (body, is_left)
    }

    /// Reads `break`, `continue` or `return`.
    pub(super) fn leaving(&mut self, expression: &'t Expr) -> Value {
        match expression {
            Expr::Break(leaving) => self.leave(leaving.label.as_ref(), true),
            Expr::Continue(leaving) => self.leave(leaving.label.as_ref(), false),
            _ => {}
        }
        if let Expr::Return(returned) = expression {
            if let Some(value) = &returned.expr {
                self.read(value, Fate::Discarded);
            }
            self.exit();
        } else {
            visit::visit_expr(self, expression);
        }
        Value::durable(true)
    }

    /// Notes that `break` or `continue` leaves loops. An unlabelled one leaves no labelled block, and
    /// `continue` does not leave the loop that it goes on with.
    fn leave(&mut self, label: Option<&Lifetime>, breaks: bool) {
        let label = label.map(text);
        for frame in self.frames.iter_mut().rev() {
            let is_target = match &label {
                Some(_) => frame.label == label,
                None => frame.is_loop,
            };
            frame.is_left |= (!is_target || breaks) && (label.is_some() || frame.is_loop);
            if is_target {
                break;
            }
        }
    }

    /// Notes a `return`: it leaves every loop around it, and the body unless it is in a block of its own.
    pub(super) fn exit(&mut self) {
        self.frames
            .iter_mut()
            .for_each(|frame| frame.is_left = true);
        if self.around.leaves {
            self.push_node(Node::Exit);
        }
    }
}

/// A pattern and its guard.
fn guarded(pattern: &Pat) -> (&Pat, Option<&Expr>) {
    match pattern {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pattern => (pattern, None),
    }
}

fn is_true(condition: &Expr) -> bool {
    matches!(peel(condition), Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) if value.value)
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

/// Whether something in a block may leave it, or wait: `?`, an await, or a macro.
struct MayEnd(bool);

impl MayEnd {
    fn find(block: &Block) -> bool {
        let mut search = Self(false);
        search.visit_block(block);
        search.0
    }
}

impl<'ast> Visit<'ast> for MayEnd {
    fn visit_expr_try(&mut self, _: &'ast ExprTry) {
        self.0 = true;
    }

    fn visit_expr_await(&mut self, _: &'ast ExprAwait) {
        self.0 = true;
    }

    fn visit_macro(&mut self, _: &'ast Macro) {
        self.0 = true;
    }
}
