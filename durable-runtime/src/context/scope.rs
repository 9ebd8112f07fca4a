//! Fragments: fns with durable operations of their own, and the scopes they are called in.

use std::{fmt, marker::PhantomData};

use super::{FragmentDefinition, Signal, StepKey};

/// A fragment: implemented by the step enum that `#[durable::steps]` puts beside the fn, under the
/// fn's own name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a fragment",
    label = "not the name of a `#[durable::steps]` fn",
    note = "why: only a `#[durable::steps]` fn has operations that its callers' graphs can take in",
    note = "instead: put `#[durable::steps]` on the fn"
)]
pub trait Fragment: StepKey {
    #[doc(hidden)]
    const __PART: FragmentDefinition;
}

/// The name under which a body with step enum `K` calls the fragment `F`: the constant of the scope's
/// name on the step enum (`order::billing`).
pub struct Scope<K, F> {
    name: &'static str,
    types: PhantomData<fn() -> (K, F)>,
}

impl<K, F> Scope<K, F> {
    /// The scope with this name.
    #[doc(hidden)]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            types: PhantomData,
        }
    }

    /// The signal of the fragment, as a workflow that calls it in this scope waits for it:
    /// `order::billing.signal(bill::approval)`, which is `billing/approval`.
    #[must_use]
    pub fn signal<T>(self, signal: Signal<F, T>) -> Signal<K, T> {
        signal.in_scope(self.name)
    }
}

impl<K: StepKey, F: Fragment> StepKey for Scope<K, F> {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl<K, F> Clone for Scope<K, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, F> Copy for Scope<K, F> {}

impl<K, F> fmt::Debug for Scope<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.name)
    }
}
