//! Timers.

use std::fmt;

use super::builder::{Waiting, awaited, option_was};
use crate::{
    context::Ctx,
    journal::Payload,
    replay::{Due, OperationIndex, SleepWork},
};

/// A durable sleep, built by [`Ctx::sleep`] and [`Ctx::sleep_until`]; await it.
///
/// ```standalone_crate
/// use std::time::Duration;
/// use durable::{prelude::*, testing::VirtualClock};
///
/// #[durable::workflow]
/// async fn reminder(ctx: &Ctx) -> durable::Result<bool> {
///     let month = Duration::from_secs(30 * 86_400);
///     let deadline = ctx.now() + 2 * month;
///     ctx.sleep("first_month", month).was("month").await?;
///     ctx.sleep_until("deadline", deadline).await?;
///     Ok(ctx.now() >= deadline)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::builder().clock(VirtualClock::new()).open("memory:").await?;
/// let run = engine.client().start::<reminder>("reminder-1", ()).await?;
/// assert!(run.result().await?);
/// # engine.shutdown().await
/// # }
/// ```
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Sleep<'c>(Waiting<'c, SleepWork, ()>);

impl<'c> Sleep<'c> {
    pub(in crate::context) fn new(ctx: &'c Ctx, index: OperationIndex, due: Due) -> Self {
        Self(Waiting::new(ctx, index, SleepWork(due), Payload::decode))
    }

    option_was!();
}

awaited!(Sleep<'c>(()));

impl fmt::Debug for Sleep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sleep({:?})", self.0.work.0)
    }
}
