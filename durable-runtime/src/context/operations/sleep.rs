//! Timers.

use std::fmt;

use super::builder::{Waiting, awaited, option_was};
use crate::{
    context::Ctx,
    journal::Payload,
    replay::{Due, OperationIndex, SleepWork},
};

/// A durable sleep, built by [`Ctx::sleep`] and [`Ctx::sleep_until`]; await it.
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
