//! Everything the engine knows about a workflow, and what attributes registered at link time.

use std::{fmt, future::Future, pin::Pin, sync::LazyLock};

use crate::{
    context::{Awaited, Compensator, Ctx, Reread, Wiring},
    failure::Failure,
    graph::Graph,
    journal::{Payload, StepId},
    replay::{Blueprint, UndoRule},
};

/// A workflow body in flight, with its types erased. It owns its context and its input.
pub type BodyFuture = Pin<Box<dyn Future<Output = Result<Payload, Failure>> + Send>>;

/// What the attribute of a workflow submits: little, since a compiler looks at all of it in every check.
#[derive(Debug)]
pub struct Registered(
    /// Defines the workflow that is written in this file.
    pub fn(&'static str) -> Definition,
    /// The file.
    pub &'static str,
);

inventory::collect!(Registered);

/// Everything the engine knows about a workflow.
pub struct Definition {
    /// The workflow's name.
    pub name: &'static str,
    /// Its static graph.
    pub graph: Graph,
    /// Where it is written.
    pub file: &'static str,
    /// The line of its name there.
    pub line: u32,
    /// Reads an encoded input.
    pub input: Reread,
    /// Starts its body with an encoded input; fails when the input does not decode.
    pub body: fn(Ctx, &Payload) -> Result<BodyFuture, Failure>,
    /// What its body is wired to.
    pub wiring: Wiring,
}

impl Definition {
    /// The static graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The compensation of an operation, if it has one.
    pub fn compensator(&self, step: &StepId) -> Option<&'static Compensator> {
        let (wiring, name) = self.wired(step)?;
        let mut compensators = wiring.compensators.iter();
        compensators.find(|compensator| compensator.step == name)
    }

    /// What is known of a signal that the workflow waits for.
    pub(crate) fn awaited(&self, step: &StepId) -> Option<&'static Awaited> {
        let (wiring, name) = self.wired(step)?;
        wiring.signals.iter().find(|signal| signal.name == name)
    }

    /// The wiring of the body that an operation is in, and its name there.
    fn wired<'s>(&self, step: &'s StepId) -> Option<(Wiring, &'s str)> {
        let mut wiring = &self.wiring;
        let mut names = step.names().peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                return Some((*wiring, name));
            }
            let (_, fragment) = wiring.scopes.iter().find(|(scope, _)| *scope == name)?;
            wiring = &fragment.wiring;
        }
        None
    }
}

/// What was linked into this program, defined once.
static LINKED: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    inventory::iter::<Registered>
        .into_iter()
        .map(|Registered(define, file)| define(file))
        .collect()
});

impl Definition {
    /// Every workflow that was linked into this program, in no order.
    pub fn linked() -> impl Iterator<Item = &'static Self> {
        LINKED.iter()
    }
}

impl Blueprint for Definition {
    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> (&'static str, u32) {
        (self.file, self.line)
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }

    fn undo_rule(&self, step: &StepId) -> Option<&'static UndoRule> {
        self.compensator(step).map(|compensator| &compensator.rule)
    }

    fn has_compensations(&self) -> bool {
        self.wiring.has_compensations()
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Definition({} at {}:{})",
            self.name, self.file, self.line
        )
    }
}
