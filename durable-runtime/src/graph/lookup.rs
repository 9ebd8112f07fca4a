//! Finding operations in a graph.

use super::{Graph, Node, Operation};
use crate::journal::StepId;

/// An operation and where it is written.
#[derive(Debug, Clone, Copy)]
pub struct Located<'g> {
    /// The operation.
    pub operation: &'g Operation,
    /// The source file, if it is not the workflow's: the operation is a fragment's.
    pub file: Option<&'static str>,
}

impl Graph {
    /// Every operation, in program order, those of fragments included.
    pub fn operations(&self) -> Vec<&Operation> {
        self.paths()
            .into_iter()
            .map(|(_, operation)| operation)
            .collect()
    }

    /// Every operation, in program order, with the names of its scopes and its own: `billing/charge`.
    pub fn paths(&self) -> Vec<(String, &Operation)> {
        let mut paths = Vec::new();
        collect_paths(&self.body, "", &mut paths);
        paths
    }

    /// The operation that this identity is of, by its name or by one that it had before.
    pub fn locate(&self, step: &StepId) -> Option<Located<'_>> {
        let mut body: &[Node] = &self.body;
        let mut file = None;
        let mut names = step.names().peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                let operation = find_operation(body, name)?;
                return Some(Located { operation, file });
            }
            (body, file) = find_scope(body, name)?;
        }
        None
    }

    /// Whether any operation had another name before.
    pub fn has_renames(&self) -> bool {
        self.operations()
            .iter()
            .any(|operation| !operation.was.is_empty())
    }

    /// A recorded identity with the name that the operation has now.
    pub(crate) fn present(&self, step: StepId) -> StepId {
        match self.locate(&step) {
            Some(found) if found.operation.name != step.name() => {
                step.renamed(found.operation.name)
            }
            _ => step,
        }
    }

    /// The identity with the first name that the operation had: what stays the same over renames.
    pub(crate) fn original(&self, step: &StepId) -> StepId {
        let located = self.locate(step);
        match located.and_then(|found| found.operation.was.first().copied()) {
            Some(first) => step.renamed(first),
            None => step.clone(),
        }
    }

    /// The name that a signal has now, of one that was sent under this name.
    pub(crate) fn present_signal(&self, name: String) -> String {
        let step = StepId::from_recorded(name.as_str());
        match self.locate(&step) {
            Some(found) if found.operation.kind.takes_signals() => {
                self.present(step).as_str().to_owned()
            }
            _ => name,
        }
    }
}

fn collect_paths<'g>(nodes: &'g [Node], scope: &str, paths: &mut Vec<(String, &'g Operation)>) {
    walk(nodes, &mut |node| match node {
        Node::Operation(operation) => {
            paths.push((format!("{scope}{}", operation.name), operation));
        }
        Node::Scope { name, body, .. } => {
            collect_paths(body, &format!("{scope}{name}/"), paths);
        }
        _ => {}
    });
}

fn find_operation<'g>(nodes: &'g [Node], name: &str) -> Option<&'g Operation> {
    let (mut named, mut renamed) = (None, None);
    walk(nodes, &mut |node| {
        if let Node::Operation(operation) = node {
            if operation.name == name {
                named = Some(operation);
            } else if operation.was.contains(&name) {
                renamed = Some(operation);
            }
        }
    });
    named.or(renamed)
}

fn find_scope<'g>(nodes: &'g [Node], scope: &str) -> Option<(&'g [Node], Option<&'static str>)> {
    let mut found = None;
    walk(nodes, &mut |node| match node {
        Node::Scope {
            name, body, file, ..
        } if *name == scope => found = Some((*body, Some(*file))),
        _ => {}
    });
    found
}

/// Visits every node, in program order, but does not go into scopes.
fn walk<'g>(nodes: &'g [Node], visit: &mut dyn FnMut(&'g Node)) {
    for node in nodes {
        visit(node);
        match node {
            Node::Operation(_) | Node::Scope { .. } => {}
            Node::Branch { arms, .. } => arms.iter().for_each(|arm| walk(arm.body, visit)),
            Node::Loop { body, .. } => walk(body, visit),
            Node::Parallel { branches, .. } => {
                branches.iter().for_each(|branch| walk(branch, visit));
            }
        }
    }
}
