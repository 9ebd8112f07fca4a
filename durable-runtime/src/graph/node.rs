//! The static graph: a tree of sequences, branches, loops and parallel parts over operations.

use super::{Body, OperationKind};

/// The graph of one workflow, written by its attribute as a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graph {
    /// The workflow's name.
    pub workflow: &'static str,
    /// Names that the workflow had before, the oldest first: runs are recorded under them too.
    pub was: &'static [&'static str],
    /// The body, in program order.
    pub body: Body,
}

/// A part of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Node {
    /// A durable operation.
    Operation(Operation),
    /// An `if` or a `match` whose arms hold operations.
    Branch {
        /// The condition, or the matched expression, as written.
        condition: &'static str,
        /// The source line.
        line: u32,
        /// What may run.
        arms: &'static [Arm],
    },
    /// A `for`, `while` or `loop` whose body holds operations.
    Loop {
        /// The loop's head as written.
        header: &'static str,
        /// The source line.
        line: u32,
        /// What is repeated.
        body: &'static [Self],
    },
    /// `join!`, `try_join!` or `race!`; or `join_all` or `try_join_all`, which have one branch.
    Parallel {
        /// Which of them.
        kind: ParallelKind,
        /// The source line.
        line: u32,
        /// What runs side by side.
        branches: &'static [&'static [Self]],
    },
    /// A fragment with operations of its own: `bill(ctx.scope("billing"), ..)`.
    Scope {
        /// The scope's name: unique among the names of operations around it, stable for ever.
        name: &'static str,
        /// The source line of the name.
        line: u32,
        /// The fragment's name.
        fragment: &'static str,
        /// The source file of the fragment, which the lines in `body` are lines of.
        file: &'static str,
        /// The fragment's body.
        body: &'static [Self],
    },
}

/// One way through a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    /// `then`, `else`, or the pattern as written.
    pub label: &'static str,
    /// What runs.
    pub body: &'static [Node],
}

/// How parallel branches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParallelKind {
    /// All of them complete.
    Join,
    /// All of them complete, or the first failure ends it.
    TryJoin,
    /// The first to complete ends it.
    Race,
    /// One branch, as often as there are items; all of them complete.
    JoinAll,
    /// One branch, as often as there are items; all of them complete, or the first failure ends it.
    TryJoinAll,
}

/// A durable operation of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name: unique in the workflow, stable for ever.
    pub name: &'static str,
    /// What it is.
    pub kind: OperationKind,
    /// The source line of the name.
    pub line: u32,
    /// The options as written, in order: `("retry", "Retry::exponential()")`.
    pub options: &'static [(&'static str, &'static str)],
    /// The compensation's name, if it has one.
    pub compensation: Option<&'static str>,
    /// Names that it had before, the oldest first: events are recorded under them too.
    pub was: &'static [&'static str],
}

impl ParallelKind {
    /// The name of the combinator.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::TryJoin => "try_join",
            Self::Race => "race",
            Self::JoinAll => "join_all",
            Self::TryJoinAll => "try_join_all",
        }
    }

    pub(super) fn from_noun(noun: &str) -> Option<Self> {
        [
            Self::Join,
            Self::TryJoin,
            Self::Race,
            Self::JoinAll,
            Self::TryJoinAll,
        ]
        .into_iter()
        .find(|kind| kind.noun() == noun)
    }
}
