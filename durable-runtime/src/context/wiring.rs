//! What a body is wired to: the code that the engine calls by the name of an operation.

use std::{any::TypeId, fmt, future::Future, pin::Pin};

use super::StepCtx;
use crate::{
    failure::Failure,
    graph::{CalledFragments, FragmentText},
    journal::{Payload, PayloadError},
    outcome::Outcome,
    replay::UndoRule,
};

/// A compensation with its types erased: given what became of the step it undoes.
pub type CompensateFn =
    fn(StepCtx, Outcome<Payload>) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Reads an encoded value, and gives it as it would be recorded: equal values have equal payloads then,
/// as far as their types have an order.
pub type Reread = fn(&Payload) -> Result<Payload, PayloadError>;

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
    pub scopes: &'static [(&'static str, &'static FragmentDefinition)],
}

/// What a fragment is to the workflows that call it.
#[derive(Debug, Clone, Copy)]
pub struct FragmentDefinition {
    /// The fn's name.
    pub name: &'static str,
    /// The source file it is in.
    pub file: &'static str,
    /// Its part of their graphs, as text.
    pub text: &'static [&'static str],
    /// What it is wired to.
    pub wiring: Wiring,
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
        !self.compensators.is_empty()
            || scopes.any(|(_, fragment)| fragment.wiring.has_compensations())
    }

    /// The application state that the body and the fragments it calls read.
    pub fn states(&self) -> Vec<&'static RequiredState> {
        let mut states: Vec<_> = self.states.iter().collect();
        for (_, fragment) in self.scopes {
            states.extend(fragment.wiring.states());
        }
        states
    }
}

impl CalledFragments for Wiring {
    fn fragment(&self, scope: &str) -> Option<FragmentText> {
        let (_, fragment) = self.scopes.iter().find(|(name, _)| *name == scope)?;
        Some(FragmentText {
            name: fragment.name,
            file: fragment.file,
            pieces: fragment.text,
            fragments: &fragment.wiring,
        })
    }
}

/// Which compensation undoes which step.
pub struct Compensator {
    /// The step's name.
    pub step: &'static str,
    /// What replay knows of the compensation.
    pub rule: UndoRule,
    /// The compensation.
    pub call: CompensateFn,
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

impl fmt::Debug for Compensator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compensator({} undoes {})", self.rule.name, self.step)
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
