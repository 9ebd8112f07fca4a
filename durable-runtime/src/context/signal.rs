//! Signals.

use std::{borrow::Cow, fmt, future::IntoFuture, marker::PhantomData, time::Duration};

use super::{Ctx, Data, Wait, wait::Decode};
use crate::{
    failure::Failure,
    replay::{OperationIndex, SignalWork},
};

/// The typed name of a signal of workflow `W` that carries a `T`: the constant of the signal's name on
/// the workflow's step enum (`order::approval`). A sender that uses it is checked by the compiler.
pub struct Signal<W, T> {
    name: Cow<'static, str>,
    types: PhantomData<fn() -> (W, T)>,
}

impl<W, T> Signal<W, T> {
    /// The signal with this name.
    #[doc(hidden)]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            types: PhantomData,
        }
    }

    /// The signal's name, after the names of the scopes it is in: `billing/approval`.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn in_scope<K>(self, scope: &str) -> Signal<K, T> {
        Signal {
            name: Cow::Owned(format!("{scope}/{}", self.name)),
            types: PhantomData,
        }
    }
}

impl<W, T> Clone for Signal<W, T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            types: PhantomData,
        }
    }
}

impl<W, T> fmt::Debug for Signal<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({})", self.name)
    }
}

/// A wait for a signal, built by [`Ctx::signal`]; await it.
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct SignalWait<'c, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    name: Cow<'static, str>,
    timeout: Option<Duration>,
    decode: Decode<T>,
}

impl<'c, T> SignalWait<'c, T> {
    pub(super) fn new(ctx: &'c Ctx, index: OperationIndex, name: Cow<'static, str>) -> Self
    where
        T: Data,
    {
        Self {
            ctx,
            index,
            name,
            timeout: None,
            decode: T::__decode,
        }
    }

    /// Gives up after this long: the wait then fails with
    /// [`FailureKind::Timeout`](crate::failure::FailureKind::Timeout). The time counts from when the
    /// wait began and goes on while no worker runs.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Declares a name that the operation had before. What is recorded under it belongs to this one.
    /// Over several renames, the oldest name comes first.
    pub fn was(self, name: &'static str) -> Self {
        let _ = name;
        self
    }
}

impl<'c, T> IntoFuture for SignalWait<'c, T> {
    type Output = Result<T, Failure>;
    type IntoFuture = Wait<'c, T>;

    fn into_future(self) -> Self::IntoFuture {
        let work = SignalWork {
            name: self.name,
            timeout: self.timeout,
        };
        Wait::new(self.ctx, self.index, Box::new(work), self.decode)
    }
}

impl<T> fmt::Debug for SignalWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignalWait({})", self.name)
    }
}
