//! A graph as nodes and edges, for tools that lay it out themselves.

use super::{
    super::{Arm, Graph, Node, Operation, ParallelKind},
    look::Symbol,
    words,
};

/// The nodes and edges of a drawing.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) workflow: String,
    pub(super) nodes: Vec<FlowNode>,
    pub(super) groups: Vec<FlowGroup>,
    pub(super) edges: Vec<FlowEdge>,
}

#[derive(Debug)]
pub(super) struct FlowNode {
    pub(super) symbol: Symbol,
    /// At least one line.
    pub(super) lines: Vec<String>,
    /// The group that it is in: an index.
    pub(super) group: Option<usize>,
}

/// A loop, a scope or a fan-out.
#[derive(Debug)]
pub(super) struct FlowGroup {
    pub(super) label: String,
    /// The group around it.
    pub(super) group: Option<usize>,
}

#[derive(Debug)]
pub(super) struct FlowEdge {
    /// Indices of nodes.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
    pub(super) kind: EdgeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EdgeKind {
    Flow,
    /// From the end of a loop's body to its head.
    Back,
    /// From an operation to its compensation, and on to the one that is run after it.
    Undo,
}

/// Where the flow has come to: a node, and what its next edge says.
type At = (usize, String);

impl Flow {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut flow = Self {
            workflow: graph.workflow.to_owned(),
            ..Self::default()
        };
        let start = flow.node(Symbol::Start, vec![words::cut(graph.workflow)], None);
        let last = flow.sequence(&graph.body, (start, String::new()), None);
        let end = flow.node(Symbol::End, vec!["done".to_owned()], None);
        flow.go(last, end);
        flow.way_back();
        flow
    }

    fn node(&mut self, symbol: Symbol, lines: Vec<String>, group: Option<usize>) -> usize {
        self.nodes.push(FlowNode {
            symbol,
            lines,
            group,
        });
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, label: String, kind: EdgeKind) {
        self.edges.push(FlowEdge {
            from,
            to,
            label,
            kind,
        });
    }

    fn go(&mut self, (from, label): At, to: usize) {
        self.edge(from, to, label, EdgeKind::Flow);
    }

    fn group(&mut self, label: String, group: Option<usize>) -> Option<usize> {
        self.groups.push(FlowGroup { label, group });
        Some(self.groups.len() - 1)
    }

    fn sequence(&mut self, nodes: &[Node], at: At, group: Option<usize>) -> At {
        nodes.iter().fold(at, |at, node| self.part(node, at, group))
    }

    fn part(&mut self, node: &Node, at: At, group: Option<usize>) -> At {
        let to = match node {
            Node::Operation(operation) => self.operation(operation, at, group),
            Node::Branch {
                condition, arms, ..
            } => self.branch(condition, arms, at, group),
            Node::Loop { header, body, .. } => self.repeat(header, body, at, group),
            Node::Parallel { kind, branches, .. } => self.parallel(*kind, branches, at, group),
            Node::Scope { name, body, .. } => {
                let inner = self.group(format!("scope {name}"), group);
                return self.sequence(body, at, inner);
            }
        };
        (to, String::new())
    }

    fn operation(&mut self, operation: &Operation, at: At, group: Option<usize>) -> usize {
        let lines = vec![
            operation.name.to_owned(),
            words::cut(&words::detail(operation)),
        ];
        let node = self.node(Symbol::Operation(operation.kind), lines, group);
        self.go(at, node);
        if let Some(compensation) = operation.compensation {
            let undo = self.node(Symbol::Compensation, vec![compensation.to_owned()], group);
            self.edge(node, undo, String::new(), EdgeKind::Undo);
        }
        node
    }

    fn branch(&mut self, condition: &str, arms: &[Arm], at: At, group: Option<usize>) -> usize {
        let head = self.node(Symbol::Condition, words::lines(condition), group);
        self.go(at, head);
        let ends: Vec<_> = arms
            .iter()
            .map(|arm| self.sequence(arm.body, (head, words::label(arm)), group))
            .collect();
        let merge = self.node(Symbol::ArmsMeet, vec![String::new()], group);
        ends.into_iter().for_each(|end| self.go(end, merge));
        // An `if` without `else` goes on.
        if let [Arm { label: "then", .. }] = arms {
            self.go((head, "else".to_owned()), merge);
        }
        merge
    }

    fn repeat(&mut self, header: &str, body: &[Node], at: At, group: Option<usize>) -> usize {
        let inner = self.group("loop".to_owned(), group);
        let head = self.node(Symbol::Condition, words::lines(header), inner);
        self.go(at, head);
        let (last, label) = self.sequence(body, (head, String::new()), inner);
        self.edge(last, head, label, EdgeKind::Back);
        head
    }

    fn parallel(
        &mut self,
        kind: ParallelKind,
        branches: &[&[Node]],
        at: At,
        group: Option<usize>,
    ) -> usize {
        let inner = match kind {
            ParallelKind::JoinAll | ParallelKind::TryJoinAll => {
                self.group("for each".to_owned(), group)
            }
            _ => group,
        };
        let lines = vec![kind.noun().to_owned(), words::parallel(kind).to_owned()];
        let fork = self.node(Symbol::Title, lines, inner);
        self.go(at, fork);
        let ends: Vec<_> = branches
            .iter()
            .map(|lane| self.sequence(lane, (fork, String::new()), inner))
            .collect();
        let merge = self.node(Symbol::LanesMeet, vec![String::new()], inner);
        ends.into_iter().for_each(|end| self.go(end, merge));
        merge
    }

    /// Links the compensations in the order in which they run, the last one first.
    fn way_back(&mut self) {
        let is_undo = |(_, node): &(usize, &FlowNode)| node.symbol == Symbol::Compensation;
        let mut undos: Vec<_> = self
            .nodes
            .iter()
            .enumerate()
            .filter(is_undo)
            .map(|n| n.0)
            .collect();
        if undos.is_empty() {
            return;
        }
        undos.reverse();
        undos.push(self.node(Symbol::UndoEnd, vec!["undone".to_owned()], None));
        for pair in undos.windows(2) {
            if let [from, to] = pair {
                self.edge(*from, *to, String::new(), EdgeKind::Undo);
            }
        }
    }
}
