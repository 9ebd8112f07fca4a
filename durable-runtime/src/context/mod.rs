//! What user code sees of its run: the context, one builder per operation, and the combinators.
//!
//! Invariant: an operation's identity is fixed when it is built, in program order, and everything it
//! answers comes from the [`Machine`](crate::replay::Machine). Nothing here reads a clock or does I/O.

mod cancellation;
mod combinators;
mod compensation;
mod ctx;
mod kept;
mod key;
mod let_go;
pub mod operations;
mod scope;
mod state;
mod step_ctx;
mod wiring;

pub(crate) use cancellation::Cancellation;
pub use combinators::{
    AllOk, Branch, First, Join, JoinAll, TryJoinAll, all_ok, join_all, try_join_all,
};
pub use compensation::{Compensation, Told};
pub use ctx::Ctx;
pub(crate) use ctx::{RunContext, SharedRun};
pub use key::{Data, Running, StepKey, Workflow};
pub(crate) use operations::step::{panic_message, panicked};
pub use operations::{step::StepFuture, *};
pub use scope::{Fragment, Scope};
pub use state::{AppState, MissingState};
pub use step_ctx::StepCtx;
pub use wiring::{
    Awaited, CompensateFn, Compensator, FragmentDefinition, RequiredState, Reread, Wiring,
};
