//! Shape: a run that starts another of its own workflow does so on some paths only.

use syn::{Path, Type};

use super::Rules;
use crate::{
    diagnostics::report,
    facts::{BodyFacts, Node, Operation},
    operations::Carries,
};

impl Rules {
    /// A fragment that calls itself.
    /// A call of the fragment in itself.
    pub(crate) fn recursion_of(&mut self, fragment: &Path) {
        let owner = &self.owner;
        report!(
            self.found,
            fragment,
            "fragment `{owner}` calls itself",
            "its operations are part of the graph of each caller, and that would have no end",
            "a loop; or a workflow that starts itself as a child, on some of its paths",
        );
    }

    /// A workflow that starts itself.
    pub(super) fn recursion(&mut self, body: &BodyFacts) {
        let owner = &self.owner;
        if let Some(operation) = self.itself_on_every_path(body, &body.nodes) {
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
    fn itself_on_every_path<'a>(
        &self,
        body: &'a BodyFacts,
        nodes: &[Node],
    ) -> Option<&'a Operation> {
        for node in nodes {
            let found = match node {
                Node::Operation(index) => {
                    body.operations.get(*index).filter(|it| self.is_itself(it))
                }
                // An `if` without `else`, or the `else` of a `let`.
                Node::Branch { arms, .. } if arms.len() < 2 => None,
                Node::Branch { arms, .. } => {
                    let mut each = arms
                        .iter()
                        .map(|arm| self.itself_on_every_path(body, &arm.body));
                    each.try_fold(None, |_, arm| arm.map(Some)).flatten()
                }
                Node::Parallel { branches, kind, .. } if *kind != "race" => branches
                    .iter()
                    .find_map(|branch| self.itself_on_every_path(body, branch)),
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

    fn is_itself(&self, operation: &Operation) -> bool {
        let Some(Type::Path(workflow)) = &operation.generic else {
            return false;
        };
        let segments = &workflow.path.segments;
        let is_named = segments.last().is_some_and(|last| last.ident == self.owner);
        let is_here = match segments.len() {
            1 => true,
            2 => segments[0].ident == "self",
            _ => false,
        };
        operation.kind.carries == Carries::Workflow && is_named && is_here
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
