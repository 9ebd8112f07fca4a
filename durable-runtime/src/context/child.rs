//! Child runs.

use std::{fmt, future::IntoFuture};

use super::{Compensation, Ctx, Data, Wait, Workflow, wait::Decode};
use crate::{
    failure::Failure,
    replay::{ChildWork, OperationIndex, Resolution},
};

/// A child run, built by [`Ctx::child`]; awaiting it starts it and waits for its result.
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Child<'c, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    workflow: &'static str,
    input: Resolution,
    decode: Decode<T>,
}

impl<'c, T> Child<'c, T> {
    pub(super) fn new<W>(ctx: &'c Ctx, index: OperationIndex, input: &W::Input) -> Self
    where
        W: Workflow<Output = T>,
        T: Data,
    {
        let input = input.__record().map(|(input, _)| input);
        Self {
            ctx,
            index,
            workflow: W::NAME,
            input: input.map_err(|error| Failure::unrecordable(&error)),
            decode: T::__decode,
        }
    }

    /// Undoes the completed child with `compensation` when this run fails or is canceled later.
    pub fn compensate<C: Compensation<T>>(self, compensation: C) -> Self
    where
        T: Data,
    {
        let _ = compensation;
        self
    }

    /// Declares a name that the operation had before. What is recorded under it belongs to this one.
    /// Over several renames, the oldest name comes first.
    pub fn was(self, name: &'static str) -> Self {
        let _ = name;
        self
    }
}

impl<'c, T> IntoFuture for Child<'c, T> {
    type Output = Result<T, Failure>;
    type IntoFuture = Wait<'c, T>;

    fn into_future(self) -> Self::IntoFuture {
        let work = ChildWork {
            workflow: self.workflow,
            input: self.input,
        };
        Wait::new(self.ctx, self.index, Box::new(work), self.decode)
    }
}

impl<T> fmt::Debug for Child<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Child({})", self.workflow)
    }
}
