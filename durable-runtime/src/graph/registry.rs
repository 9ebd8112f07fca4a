//! What attributes registered at link time, checked and sorted.

use std::{
    any::TypeId, collections::BTreeMap, fmt, future::Future, pin::Pin, sync::LazyLock,
    time::Duration,
};

use super::{BrokenGraph, Graph, OperationKind};
use crate::{
    context::{Ctx, StepCtx},
    failure::Failure,
    journal::{Payload, PayloadError, StepId},
    outcome::Outcome,
    retry::Retry,
};

/// A workflow body in flight, with its types erased. It owns its context and its input.
pub type BodyFuture = Pin<Box<dyn Future<Output = Result<Payload, Failure>> + Send>>;

/// A compensation with its types erased: given what became of the step it undoes.
pub type CompensateFn =
    fn(StepCtx, Outcome<Payload>) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Reads an encoded value, and gives it as it would be recorded: equal values have equal payloads then,
/// as far as their types have an order.
pub type Reread = fn(&Payload) -> Result<Payload, PayloadError>;

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

/// What a body relies on besides its own code, and what the fragments it calls do.
#[derive(Debug, Clone, Copy)]
pub struct Wiring {
    /// The compensations of its steps.
    pub compensators: &'static [Compensator],
    /// The application state it reads.
    pub states: &'static [RequiredState],
    /// The signals it waits for.
    pub signals: &'static [Awaited],
    /// The fragments it calls, by the names of their scopes.
    pub scopes: &'static [(&'static str, &'static Part)],
}

/// What a fragment is to the workflows that call it.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The fn's name.
    pub name: &'static str,
    /// The source file it is in.
    pub file: &'static str,
    /// Its part of their graphs, as text.
    pub text: &'static [&'static str],
    /// What it is wired to.
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
            let (_, part) = wiring.scopes.iter().find(|(scope, _)| *scope == name)?;
            wiring = &part.wiring;
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

    /// Whether the workflow has this name, or had it before.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.graph().was.contains(&name)
    }

    /// A recorded identity with the name that the operation has now.
    pub(crate) fn present(&self, step: StepId) -> StepId {
        match self.graph().locate(&step) {
            Some(found) if found.operation.name != step.name() => {
                step.renamed(found.operation.name)
            }
            _ => step,
        }
    }

    /// The identity with the first name that the operation had: what stays the same over renames.
    pub(crate) fn original(&self, step: &StepId) -> StepId {
        let located = self.graph().locate(step);
        match located.and_then(|found| found.operation.was.first().copied()) {
            Some(first) => step.renamed(first),
            None => step.clone(),
        }
    }

    /// The name that a signal has now, of one that was sent under this name.
    pub(crate) fn present_signal(&self, name: String) -> String {
        let step = StepId::from_recorded(name.as_str());
        match self.graph().locate(&step).map(|found| found.operation.kind) {
            Some(OperationKind::Signal { .. }) => self.present(step).as_str().to_owned(),
            _ => name,
        }
    }
}

impl Wiring {
    /// A body that relies on nothing.
    pub const NONE: Self = Self {
        compensators: &[],
        states: &[],
        signals: &[],
        scopes: &[],
    };

    /// Whether the body, or a fragment it calls, has a step that can be undone.
    pub fn has_compensations(&self) -> bool {
        let mut scopes = self.scopes.iter();
        !self.compensators.is_empty() || scopes.any(|(_, part)| part.wiring.has_compensations())
    }

    /// The application state that the body and the fragments it calls read.
    pub fn states(&self) -> Vec<&'static RequiredState> {
        let mut states: Vec<_> = self.states.iter().collect();
        for (_, part) in self.scopes {
            states.extend(part.wiring.states());
        }
        states
    }
}

/// Which compensation undoes which step.
pub struct Compensator {
    /// The step's name.
    pub step: &'static str,
    /// The compensation's name.
    pub name: &'static str,
    /// Says whether it can undo a step of which this became: not one of unknown outcome, if it takes an
    /// output; fails when the output does not decode.
    pub check: fn(Outcome<&Payload>) -> Result<bool, PayloadError>,
    /// The compensation.
    pub call: CompensateFn,
    /// How often it is tried.
    pub retry: fn() -> Retry,
    /// How long an attempt may take.
    pub timeout: fn() -> Duration,
}

/// A signal that a workflow waits for.
#[derive(Clone, Copy)]
pub struct Awaited {
    /// Its name.
    pub name: &'static str,
    /// Reads what it carries.
    pub payload: Reread,
}

/// A type of application state that a workflow reads.
#[derive(Clone, Copy)]
pub struct RequiredState {
    /// Its name, for people.
    pub name: fn() -> &'static str,
    /// Its identity.
    pub id: fn() -> TypeId,
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

impl fmt::Debug for Compensator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compensator({} undoes {})", self.name, self.step)
    }
}

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Awaited({})", self.name)
    }
}

impl fmt::Debug for RequiredState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequiredState({})", (self.name)())
    }
}

/// All workflows of this program, by name and by the names that they had before.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, &'static Definition>);

impl Registry {
    /// Collects every workflow that was linked into this program.
    ///
    /// # Errors
    ///
    /// When a name is, or was, that of two workflows, and when a graph is not understood.
    pub fn linked() -> Result<Self, RegistryError> {
        Self::of(Definition::linked())
    }

    /// A registry of exactly these workflows.
    ///
    /// # Errors
    ///
    /// When a name is, or was, that of two of them, and when a graph is not understood.
    pub fn of(
        definitions: impl IntoIterator<Item = &'static Definition>,
    ) -> Result<Self, RegistryError> {
        let mut by_name: BTreeMap<_, &'static Definition> = BTreeMap::new();
        for definition in definitions {
            if let Err(broken) = definition.graph.body.read() {
                return Err(RegistryError::broken(definition, broken));
            }
            let names = std::iter::once(&definition.name).chain(definition.graph().was);
            for name in names.copied() {
                if let Some(other) = by_name.insert(name, definition) {
                    return Err(RegistryError::new(name, other, definition));
                }
            }
        }
        Ok(Self(by_name))
    }

    /// The workflow that has this name, or had it before.
    pub fn find(&self, name: &str) -> Option<&'static Definition> {
        self.0.get(name).copied()
    }

    /// The names that workflows have now, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|definition| definition.name)
    }

    /// Every name that a workflow has or had, sorted.
    pub(crate) fn all_names(&self) -> Vec<String> {
        self.0.keys().map(|name| (*name).to_owned()).collect()
    }

    /// All workflows, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Definition> {
        let present = self.0.iter().filter(|(name, found)| **name == found.name);
        present.map(|(_, definition)| *definition)
    }

    /// The sentence for a workflow name that is not registered.
    pub fn unknown(&self, name: &str) -> String {
        let known = self.names().collect::<Vec<_>>().join("`, `");
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            format!("`{known}`")
        };
        format!(
            "workflow `{name}` is not registered in this program; registered: {known}. If it is \
             defined in another crate, that crate must be named somewhere in the program, for \
             example `use flows as _;`: a crate that is only listed in Cargo.toml registers nothing"
        )
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Why the workflows of a program cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct RegistryError(Problem);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error(
        "workflow name `{name}` is registered twice, as a name that a workflow has or had, at {}:{} and \
         at {}:{}; rename one, or give it another name with `#[durable::workflow(name = \"...\")]`",
        first.0, first.1, second.0, second.1
    )]
    NamedTwice {
        name: &'static str,
        first: (&'static str, u32),
        second: (&'static str, u32),
    },
    #[error("workflow `{name}` at {file}:{line}: {broken}")]
    Broken {
        name: &'static str,
        file: &'static str,
        line: u32,
        broken: BrokenGraph,
    },
}

impl RegistryError {
    fn new(name: &'static str, one: &Definition, other: &Definition) -> Self {
        // Link order is arbitrary; the message must not be.
        let mut places = [one, other].map(|definition| (definition.file, definition.line));
        places.sort_unstable();
        let [first, second] = places;
        Self(Problem::NamedTwice {
            name,
            first,
            second,
        })
    }

    fn broken(definition: &Definition, broken: BrokenGraph) -> Self {
        Self(Problem::Broken {
            name: definition.name,
            file: definition.file,
            line: definition.line,
            broken,
        })
    }
}
