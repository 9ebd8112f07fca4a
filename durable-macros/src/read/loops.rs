//! Loops and labelled blocks, and what leaves them.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Block, Expr, ExprAwait, ExprForLoop, ExprLoop, ExprTry, ExprWhile, Label, Lifetime, Macro,
    RangeLimits, visit::Visit,
};

use crate::{
    facts::Node,
    read::body::Reader,
    syntax::{operation_call::peel, text::text},
};

/// A loop or a labelled block that is being read.
pub(super) struct Frame {
    label: Option<String>,
    is_loop: bool,
    left: bool,
}

impl Reader {
    pub(super) fn for_loop(&mut self, expression: &ExprForLoop) {
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

    pub(super) fn while_loop(&mut self, expression: &ExprWhile) {
        let header = format!("while {}", text(&expression.cond));
        let endless = header == "while true";
        let (body, left) = self.frame(expression.label.as_ref(), true, |reader| {
            reader.visit_expr(&expression.cond);
            reader.visit_block(&expression.body);
        });
        self.push_loop(header, expression.while_token.span, body, left || !endless);
    }

    pub(super) fn bare_loop(&mut self, expression: &ExprLoop) {
        let (body, left) = self.frame(expression.label.as_ref(), true, |reader| {
            reader.visit_block(&expression.body);
        });
        let spins = !left && body.is_empty() && !MayEnd::find(&expression.body);
        if spins && !self.place.is_unjudged() {
            self.body.spinning.push(expression.loop_token.span);
        }
        self.push_loop("loop".to_owned(), expression.loop_token.span, body, left);
    }

    /// Reads a loop or a labelled block; gives what is in it and whether something leaves it.
    pub(super) fn frame(
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
        let body = self.branch(|reader| reader.scope(read));
        let left = self.frames.pop().is_some_and(|frame| frame.left);
        (body, left)
    }

    /// Notes that `break` or `continue` leaves loops. An unlabelled one leaves no labelled block, and
    /// `continue` does not leave the loop that it goes on with.
    pub(super) fn leave(&mut self, label: Option<&Lifetime>, breaks: bool) {
        let label = label.map(label_text);
        for frame in self.frames.iter_mut().rev() {
            let target = match &label {
                Some(_) => frame.label == label,
                None => frame.is_loop,
            };
            frame.left |= (!target || breaks) && (label.is_some() || frame.is_loop);
            if target {
                break;
            }
        }
    }

    /// Notes a `return`: it leaves every loop around it, and the body unless it is in a block of its own.
    pub(super) fn exit(&mut self) {
        self.frames.iter_mut().for_each(|frame| frame.left = true);
        if self.leaves {
            self.push_node(Node::Exit);
        }
    }

    pub(super) fn push_loop(&mut self, header: String, span: Span, body: Vec<Node>, ends: bool) {
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

fn label_text(label: impl ToTokens) -> String {
    text(label)
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
