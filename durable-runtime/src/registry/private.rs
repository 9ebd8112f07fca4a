//! Everything that generated code may touch. Not public API: it changes without notice.

use std::{any::TypeId, future::Future, marker::PhantomData};

pub use inventory;

use super::erase::reread;
pub use super::{Definition, Registered, erase::define};
pub use crate::{
    context::{
        AllOk, Awaited, Branch, Compensation, Compensator, Ctx, First, Fragment,
        FragmentDefinition as Part, Join, RequiredState, Running, Scope, Signal, StepCtx, StepKey,
        Told, Wiring, Workflow, all_ok,
    },
    failure::BoxError,
    retry::Retry,
};
use crate::{
    context::{Data, Reread},
    failure::{Failure, UserError},
};

/// What a compensation comes to, once its error is boxed.
pub type Undoing = Result<(), BoxError>;

/// What a workflow may return.
#[diagnostic::on_unimplemented(
    message = "a workflow must return a `Result`, and this is `{Self}`",
    label = "this is not a `Result`",
    note = "why: a run ends with a value that is recorded, or with a failure",
    note = "instead: `durable::Result<T>`, or a `Result` with an error type of your own"
)]
pub trait Fallible {
    /// The value.
    type Ok;
    /// The error.
    type Error;

    /// Itself.
    ///
    /// # Errors
    ///
    /// The error.
    fn into_result(self) -> Result<Self::Ok, Self::Error>;
}

impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// A workflow's fn with its error boxed.
pub fn body<'c, F>(future: F) -> Running<'c, <F::Output as Fallible>::Ok>
where
    F: Future<Output: Fallible<Error: UserError>> + Send + 'c,
{
    Box::pin(async move { future.await.into_result().map_err(boxed) })
}

/// A compensation's fn with its error boxed.
pub async fn undo<F>(future: F) -> Undoing
where
    F: Future<Output: Undone> + Send,
{
    future.await.into_outcome()
}

/// What a compensation may return.
#[diagnostic::on_unimplemented(
    message = "a compensation must return `Result<(), E>`, and this is `{Self}`",
    label = "not a `Result<(), E>` with an error that can be boxed",
    note = "why: it undoes something and gives nothing back",
    note = "instead: `durable::Result<()>`"
)]
pub trait Undone {
    /// The same with its error boxed.
    ///
    /// # Errors
    ///
    /// The error.
    fn into_outcome(self) -> Undoing;
}

impl<E: UserError> Undone for Result<(), E> {
    fn into_outcome(self) -> Undoing {
        self.map_err(boxed)
    }
}

/// Boxed while the type's name is still known.
fn boxed<E: UserError>(error: E) -> BoxError {
    Box::new(Failure::from_error(
        error.into_boxed(),
        std::any::type_name::<E>(),
    ))
}

/// What makes a compensation the value that a step names: only generated code has it, which also puts the
/// compensation where a rollback finds it.
#[derive(Debug, Clone, Copy)]
pub struct Wired;

/// The branches of a combinator that is called by its bare name.
pub fn branches<I: IntoIterator>(branches: I) -> impl Iterator<Item = DurableBranch<I::Item>> {
    branches.into_iter().map(DurableBranch)
}

/// A branch that can be awaited and is no future: a combinator of another crate that has the same name
/// does not compile with it.
#[derive(Debug)]
pub struct DurableBranch<F>(F);

impl<F: IntoFuture> IntoFuture for DurableBranch<F> {
    type Output = F::Output;
    type IntoFuture = F::IntoFuture;

    fn into_future(self) -> F::IntoFuture {
        self.0.into_future()
    }
}

/// The path of an operation of a fragment.
pub fn scoped(scope: &str, key: &impl StepKey) -> String {
    format!("{scope}/{}", key.path())
}

/// What a signal carries. A type that cannot be journaled is reported where the signal is awaited, and not
/// a second time where it is wired.
#[derive(Debug)]
pub struct Carried<T>(PhantomData<T>);

impl<T: Data> Carried<T> {
    /// Reads it.
    pub const REREAD: Reread = reread::<T>;
}

/// What stands in for a type that cannot be journaled.
pub trait Unreadable {
    /// Takes what there is.
    const REREAD: Reread = |payload| Ok(payload.clone());
}

impl<T> Unreadable for Carried<T> {}

impl RequiredState {
    /// The state `T`.
    pub const fn of<T: 'static>() -> Self {
        Self {
            name: std::any::type_name::<T>,
            id: TypeId::of::<T>,
        }
    }
}

/// The output of a race's last branch: it has one when no other has.
///
/// # Panics
///
/// Never: a race ends when a branch completes.
#[expect(
    clippy::expect_used,
    reason = "the combinator ends only when a branch has completed"
)]
pub fn winner<T>(output: Option<T>) -> T {
    output.expect("a race ends only when a branch has completed")
}
