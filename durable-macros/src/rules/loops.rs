//! Loops: one with durable operations has a way out.

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Node},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    nodes(&body.nodes, diagnostics);
    for span in &body.spinning {
        diagnostics.push_at(
            *span,
            "this `loop` has no way out and waits for nothing",
            "it would keep the worker busy for ever, and every run on it waiting",
            "`break` or `return` once the work is done",
        );
    }
}

fn nodes(nodes_: &[Node], diagnostics: &mut Diagnostics) {
    for node in nodes_ {
        match node {
            Node::Operation(_) | Node::Exit => {}
            Node::Branch { arms, .. } => arms.iter().for_each(|arm| nodes(&arm.body, diagnostics)),
            Node::Parallel { branches, .. } => {
                branches
                    .iter()
                    .for_each(|branch| nodes(branch, diagnostics));
            }
            Node::Loop {
                header,
                span,
                body,
                ends,
            } => {
                if !ends && body.iter().any(Node::holds_operation) {
                    endless(header, *span, diagnostics);
                }
                nodes(body, diagnostics);
            }
        }
    }
}

fn endless(header: &str, span: proc_macro2::Span, diagnostics: &mut Diagnostics) {
    diagnostics.push_at(
        span,
        format_args!("this `{header}` makes durable operations and has no way out"),
        "each round is recorded and none is ever forgotten, so a replay takes longer and longer, \
         until the journal is full",
        "`break` or `return` once the work is done; for work without end, a number of rounds, as in \
         `for _ in 0..1000`, and then a step that starts the next run with a client",
    );
}
