//! Shape: a run that starts another of its own workflow does so on some paths only.

use syn::Type;

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Kind, Node, Operation},
};

pub(super) fn check(owner: &str, body: &Body, diagnostics: &mut Diagnostics) {
    for fragment in body
        .operations
        .iter()
        .filter_map(|operation| operation.fragment.as_ref())
    {
        if fragment.is_ident(owner) {
            diagnostics.push(
                fragment,
                format_args!("fragment `{owner}` calls itself"),
                "its operations are part of the graph of each caller, and that would have no end",
                "a loop; or a workflow that starts itself as a child, on some of its paths",
            );
        }
    }
    let recursion = Recursion { owner, body };
    if let Some(operation) = recursion.on_every_path(&body.nodes) {
        let at = operation.generic.as_ref();
        diagnostics.push(
            at,
            format_args!("`{owner}` starts itself as a child on every path"),
            "the run waits for its child and the child for its own, so none of them ever ends",
            format_args!(
                "a way through that does not start it, such as `if input.is_empty() {{ return \
                 Ok(..) }}` before"
            ),
        );
    }
}

struct Recursion<'a> {
    owner: &'a str,
    body: &'a Body,
}

impl<'a> Recursion<'a> {
    /// The child that no path gets past, if there is one.
    fn on_every_path(&self, nodes: &[Node]) -> Option<&'a Operation> {
        for node in nodes {
            let found = match node {
                Node::Operation(index) => self.itself(*index),
                Node::Branch { arms, .. } => {
                    let mut each = arms.iter().map(|arm| self.on_every_path(&arm.body));
                    match arms.len() {
                        // An `if` without `else`, or the `else` of a `let`.
                        0 | 1 => None,
                        _ => each.try_fold(None, |_, arm| arm.map(Some)).flatten(),
                    }
                }
                Node::Parallel { branches, kind, .. } if *kind != "race" => branches
                    .iter()
                    .find_map(|branch| self.on_every_path(branch)),
                Node::Loop { .. } | Node::Parallel { .. } => None,
                Node::Exit => return None,
            };
            if found.is_some() {
                return found;
            }
            if may_leave(node) {
                return None;
            }
        }
        None
    }

    fn itself(&self, index: usize) -> Option<&'a Operation> {
        let operation = self.body.operations.get(index)?;
        let Some(Type::Path(workflow)) = &operation.generic else {
            return None;
        };
        let segments = &workflow.path.segments;
        let named = segments.last().is_some_and(|last| last.ident == self.owner);
        let here = match segments.len() {
            1 => true,
            2 => segments[0].ident == "self",
            _ => false,
        };
        let attached = operation.choices("detached").next().is_none();
        (operation.kind == Kind::Child && named && here && attached).then_some(operation)
    }
}

/// Whether a path through this node leaves the body.
fn may_leave(node: &Node) -> bool {
    match node {
        Node::Exit => true,
        Node::Operation(_) | Node::Parallel { .. } => false,
        Node::Branch { arms, .. } => arms.iter().any(|arm| arm.body.iter().any(may_leave)),
        Node::Loop { body, .. } => body.iter().any(may_leave),
    }
}
