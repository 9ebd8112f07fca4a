//! Signals.

use std::{borrow::Cow, fmt, marker::PhantomData, time::Duration};

use super::builder::{Waiting, awaited, option_was};
use crate::{
    context::{Ctx, Data},
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

    pub(in crate::context) fn in_scope<K>(self, scope: &str) -> Signal<K, T> {
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
///
/// ```standalone_crate
/// use std::time::Duration;
/// use durable::{FailureKind, prelude::*, testing::VirtualClock};
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx) -> durable::Result<bool> {
///     let day = Duration::from_secs(86_400);
///     match ctx.signal::<bool>("approval").timeout(day).was("consent").await {
///         Err(failure) if failure.kind() == FailureKind::Timeout => Ok(false),
///         approved => Ok(approved?),
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::builder().clock(VirtualClock::new()).open("memory:").await?;
/// // Its typed name is a constant of the workflow: a `Signal`.
/// assert_eq!(order::approval.name(), "approval");
/// let run = engine.client().start::<order>("order-1", ()).await?;
/// run.signal(order::approval, true).await?;
/// assert!(run.result().await?);
///
/// let late = engine.client().start::<order>("order-2", ()).await?;
/// assert!(!late.result().await?);
/// # engine.shutdown().await
/// # }
/// ```
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct SignalWait<'c, T>(Waiting<'c, SignalWork, T>);

impl<'c, T> SignalWait<'c, T> {
    pub(in crate::context) fn new(
        ctx: &'c Ctx,
        index: OperationIndex,
        name: Cow<'static, str>,
    ) -> Self
    where
        T: Data,
    {
        let timeout = None;
        let work = SignalWork { name, timeout };
        Self(Waiting::new(ctx, index, work, T::__decode))
    }

    /// Gives up after this long: the wait then fails with
    /// [`FailureKind::Timeout`](crate::failure::FailureKind::Timeout). The time counts from when the
    /// wait began and goes on while no worker runs.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.work.timeout = Some(timeout);
        self
    }

    option_was!();
}

awaited!(SignalWait<'c, T>(T));

impl<T> fmt::Debug for SignalWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignalWait({})", self.0.work.name)
    }
}
