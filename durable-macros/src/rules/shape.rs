//! Shape: a run that starts another of its own workflow does so on some paths only.

use syn::{Path, Type};

use super::Review;
use crate::{
    diagnostics::report,
    facts::{Node, Operation},
    operations::Carries,
};

impl<'a> Review<'a> {
    /// A fragment that calls itself.
    pub(super) fn recursion_of(&mut self, fragment: &Path) {
        let owner = self.owner;
        report!(
            self.found,
            fragment,
            "fragment `{owner}` calls itself",
            "its operations are part of the graph of each caller, and that would have no end",
            "a loop; or a workflow that starts itself as a child, on some of its paths",
        );
    }

    /// A workflow that starts itself.
    pub(super) fn recursion(&mut self) {
        let owner = self.owner;
        if let Some(operation) = self.itself_on_every_path(&self.body.nodes) {
            report!(
                self.found,
                &operation.generic,
                "`{owner}` starts itself as a child on every path",
                "the run waits for its child and the child for its own, so none of them ever ends",
                "a way through that does not start it, such as `if input.is_empty() {{ return Ok(..) }}` \
                 before",
            );
        }
    }

    /// The child that no path gets past, if there is one.
    fn itself_on_every_path(&self, nodes: &[Node]) -> Option<&'a Operation> {
        for node in nodes {
            let found = match node {
                Node::Operation(index) => self.itself(*index),
                // An `if` without `else`, or the `else` of a `let`.
                Node::Branch { arms, .. } if arms.len() < 2 => None,
                Node::Branch { arms, .. } => {
                    let mut each = arms.iter().map(|arm| self.itself_on_every_path(&arm.body));
                    each.try_fold(None, |_, arm| arm.map(Some)).flatten()
                }
                Node::Parallel { branches, kind, .. } if *kind != "race" => branches
                    .iter()
                    .find_map(|branch| self.itself_on_every_path(branch)),
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
        let is_named = segments.last().is_some_and(|last| last.ident == self.owner);
        let is_here = match segments.len() {
            1 => true,
            2 => segments[0].ident == "self",
            _ => false,
        };
        let is_child = operation.kind.carries == Carries::Workflow;
        (is_child && is_named && is_here).then_some(operation)
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
