//! Where a body takes one way or another.

use std::mem;

use proc_macro2::Span;
use syn::{Expr, ExprIf, ExprMatch, Pat, visit::Visit};

use crate::{
    facts::{Arm, Fate, Node},
    read::body::Reader,
    syntax::{cfgs, text::text},
};

impl Reader {
    pub(super) fn if_expression(&mut self, expression: &ExprIf) {
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

    pub(super) fn match_expression(&mut self, expression: &ExprMatch) {
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
                    let cfgs = cfgs::of_attributes(&arm.attrs);
                    reader.configured(cfgs, |reader| reader.visit_as(&arm.body, fate));
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

/// A pattern and its guard.
fn guarded(pattern: &Pat) -> (&Pat, Option<&Expr>) {
    match pattern {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pattern => (pattern, None),
    }
}
