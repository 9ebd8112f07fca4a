//! Application state: connection pools, clients, configuration.

use std::{
    any::{Any, TypeId, type_name},
    collections::BTreeMap,
    fmt,
    sync::Arc,
};

use super::RequiredState;

/// Values given to the engine once and read by workflows and steps, one per type.
#[derive(Clone, Default)]
pub struct AppState(BTreeMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>);

impl AppState {
    /// Adds a value; a value of the same type is replaced.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0
            .insert(TypeId::of::<T>(), (type_name::<T>(), Arc::new(value)));
    }

    /// The value of this type, if it was given.
    pub fn find<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0
            .get(&TypeId::of::<T>())
            .and_then(|(_, value)| value.downcast_ref())
    }

    /// The value of this type.
    ///
    /// # Panics
    ///
    /// When it was not given. Inside a step that is a failed attempt, inside a body it parks the run.
    #[expect(
        clippy::panic,
        reason = "documented; caught and reported by the engine"
    )]
    pub(crate) fn expect<T: Send + Sync + 'static>(&self) -> &T {
        self.find().unwrap_or_else(|| {
            panic!(
                "application state `{}` was not given to the engine; add `.state(..)` to its builder",
                type_name::<T>()
            )
        })
    }

    /// Checks that a required type was given.
    pub(crate) fn check(
        &self,
        workflow: &'static str,
        state: &RequiredState,
    ) -> Result<(), MissingState> {
        if self.0.contains_key(&(state.id)()) {
            return Ok(());
        }
        Err(MissingState {
            workflow,
            state: (state.name)(),
        })
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: values may hold secrets.
        f.debug_set()
            .entries(self.0.values().map(|(name, _)| name))
            .finish()
    }
}

/// A workflow reads application state that the engine was not given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "workflow `{workflow}` reads application state `{state}`, which the engine was not given; add \
     `.state(..)` with a value of that type to the engine's builder"
)]
pub struct MissingState {
    workflow: &'static str,
    state: &'static str,
}
