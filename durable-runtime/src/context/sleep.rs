//! Timers.

use std::{fmt, future::IntoFuture};

use super::{Ctx, Wait};
use crate::{
    failure::Failure,
    journal::Payload,
    replay::{Due, OperationIndex, SleepWork},
};

/// A durable sleep, built by [`Ctx::sleep`] and [`Ctx::sleep_until`]; await it.
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Sleep<'c> {
    ctx: &'c Ctx,
    index: OperationIndex,
    due: Due,
}

impl<'c> Sleep<'c> {
    pub(super) fn new(ctx: &'c Ctx, index: OperationIndex, due: Due) -> Self {
        Self { ctx, index, due }
    }

    /// Declares a name that the operation had before. What is recorded under it belongs to this one.
    /// Over several renames, the oldest name comes first.
    pub fn was(self, name: &'static str) -> Self {
        let _ = name;
        self
    }
}

impl<'c> IntoFuture for Sleep<'c> {
    type Output = Result<(), Failure>;
    type IntoFuture = Wait<'c, ()>;

    fn into_future(self) -> Self::IntoFuture {
        let work = Box::new(SleepWork(self.due));
        Wait::new(self.ctx, self.index, work, Payload::decode)
    }
}

impl fmt::Debug for Sleep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sleep({:?})", self.due)
    }
}
