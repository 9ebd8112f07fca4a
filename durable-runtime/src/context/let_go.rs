//! Branches that lost and are not done: how a combinator lets go of them.
//!
//! A branch in which an attempt is in flight that may have to be undone is not dropped. It is polled on
//! so that the attempt can end, but no further: while a thread lets go, no operation is asked for and
//! none gives its result, so the code of a branch stays at its await. When nothing runs in it any more,
//! by what has been delivered, it is dropped.

use std::cell::Cell;

thread_local! {
    /// How many attempts were found in flight since the innermost branch that is let go of is polled.
    static IN_FLIGHT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Sets what the thread counts until it is dropped.
struct Scope(Option<usize>);

impl Scope {
    fn enter(count: Option<usize>) -> Self {
        Self(IN_FLIGHT.replace(count))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        IN_FLIGHT.set(self.0);
    }
}

/// Whether what is polled is being let go of.
pub(super) fn is_on() -> bool {
    IN_FLIGHT.get().is_some()
}

/// Says that attempts are in flight in what is polled.
pub(super) fn report(attempts: usize) {
    if let Some(count) = IN_FLIGHT.get() {
        IN_FLIGHT.set(Some(count + attempts));
    }
}

/// Lets go of a branch by polling it; `true` while an attempt is in flight in it.
pub(super) fn lingers(poll: impl FnOnce()) -> bool {
    let _scope = Scope::enter(Some(0));
    poll();
    IN_FLIGHT.get().is_some_and(|count| count > 0)
}

/// Polls the user's code of an attempt: what it polls in turn is not what is let go of.
pub(super) fn attempt<R>(poll: impl FnOnce() -> R) -> R {
    let _scope = Scope::enter(None);
    poll()
}
