//! Child runs.

use std::fmt;

use super::builder::{Waiting, awaited, option_was};
use crate::{
    context::{Compensation, Ctx, Data, Workflow},
    failure::Failure,
    replay::{ChildWork, OperationIndex},
};

/// A child run, built by [`Ctx::child`]; awaiting it starts it and waits for its result.
///
/// ```standalone_crate
/// use durable::prelude::*;
///
/// #[durable::workflow]
/// async fn parcel(_ctx: &Ctx, weight: u32) -> durable::Result<u32> {
///     Ok(weight + 1)
/// }
///
/// #[durable::compensate]
/// async fn call_back(_step: &StepCtx, _parcel: u32) -> durable::Result<()> {
///     Ok(())
/// }
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, weight: u32) -> durable::Result<u32> {
///     Ok(ctx.child::<parcel>("ship", weight).compensate(call_back).was("send").await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::open("memory:").await?;
/// let run = engine.client().start::<order>("order-1", 6).await?;
/// assert_eq!(run.result().await?, 7);
/// assert_eq!(engine.client().status("order-1/ship").await?.workflow, "parcel");
/// # engine.shutdown().await
/// # }
/// ```
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Child<'c, T>(Waiting<'c, ChildWork, T>);

impl<'c, T> Child<'c, T> {
    pub(in crate::context) fn new<W>(ctx: &'c Ctx, index: OperationIndex, input: &W::Input) -> Self
    where
        W: Workflow<Output = T>,
        T: Data,
    {
        let input = input.__record().map(|(input, _)| input);
        let work = ChildWork {
            workflow: W::NAME,
            input: input.map_err(|error| Failure::unrecordable(&error)),
        };
        Self(Waiting::new(ctx, index, work, T::__decode))
    }

    /// Undoes the completed child with `compensation` when this run fails or is canceled later.
    pub fn compensate<C: Compensation<T>>(self, compensation: C) -> Self {
        let _ = compensation;
        self
    }

    option_was!();
}

awaited!(Child<'c, T>(T));

impl<T> fmt::Debug for Child<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Child({})", self.0.work.workflow)
    }
}
