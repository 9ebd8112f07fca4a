//! The traits that generated code implements and that the context's methods ask for.

use std::{future::Future, pin::Pin};

use serde::{Serialize, de::DeserializeOwned};

use super::{Ctx, Wiring};
use crate::{
    failure::BoxError,
    graph::{Body, Graph, head},
    journal::{Payload, PayloadError},
};

/// The name of a durable operation: a variant of a step enum.
///
/// Inside a `#[durable::workflow]` or `#[durable::steps]` fn, name literals become variants; nothing
/// else implements it.
#[diagnostic::on_unimplemented(
    message = "a durable operation is built directly in a `#[durable::workflow]` or \
               `#[durable::steps]` fn, and named by a string literal there",
    label = "not a step's name here: this fn has neither attribute",
    note = "why: the attribute puts the operation into the step graph, which a replay is checked against",
    note = "instead: make this a `#[durable::steps]` fn and call it as \
            `bill(ctx.scope(\"a_name\"), ..).await?`"
)]
pub trait StepKey: Send + Sync + 'static {
    /// The operation's name, without the scopes it is in.
    fn name(&self) -> &'static str;

    /// The names of the scopes it is in and its own: `billing/charge`.
    fn path(&self) -> String {
        self.name().to_owned()
    }
}

/// A value that can be journaled: what steps return, signals carry, and workflows take and return.
///
/// Implemented for every type that is `Serialize + DeserializeOwned + Send + 'static`. A value is read
/// back before it is recorded, and refused if it would come back as another one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be journaled",
    label = "must implement `serde::Serialize` and `serde::de::DeserializeOwned`, and be `Send + 'static`",
    note = "why: it is recorded, and read again when the run goes on in another process",
    note = "instead: `#[derive(serde::Serialize, serde::Deserialize)]` on the type, or a type that has \
            what is to be kept"
)]
pub trait Data: Sized + Send + 'static {
    #[doc(hidden)]
    fn __record(&self) -> Result<(Payload, Self), PayloadError>;

    #[doc(hidden)]
    fn __decode(payload: &Payload) -> Result<Self, PayloadError>;
}

// What is missing is said of the type itself, not of the traits of `serde`: so they are no supertraits
// either, which the compiler would name first.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Data for T {
    fn __record(&self) -> Result<(Payload, Self), PayloadError> {
        Payload::record(self)
    }

    fn __decode(payload: &Payload) -> Result<Self, PayloadError> {
        payload.decode()
    }
}

/// A workflow's body in flight. Its type is erased: the compiler proves once that it is `Send`, and not
/// again wherever the type is named.
pub type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'c>>;

/// A workflow: implemented by the step enum that `#[durable::workflow]` puts beside the fn, under the
/// fn's own name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow",
    label = "not the name of a `#[durable::workflow]` fn",
    note = "why: only a workflow has an input, an output and a graph that a run can be recorded with",
    note = "instead: the name of its fn, as in `ship` for `#[durable::workflow] async fn ship(..)`"
)]
pub trait Workflow: Sized + Send + Sync + 'static {
    /// What a run is started with.
    type Input: Data;
    /// What a run completes with.
    type Output: Data;
    /// The name that runs are recorded under.
    const NAME: &'static str = head(Self::__TEXT).1;
    /// The static graph.
    const GRAPH: Graph = Graph {
        workflow: Self::NAME,
        was: Self::__WAS,
        body: Body::written(Self::__TEXT, &Self::__WIRING),
    };

    #[doc(hidden)]
    const __TEXT: &'static [&'static str] = &[];
    #[doc(hidden)]
    const __WAS: &'static [&'static str] = &[];
    #[doc(hidden)]
    const __WIRING: Wiring = Wiring::NONE;

    #[doc(hidden)]
    fn __run(ctx: &Ctx, input: Self::Input) -> Running<'_, Self::Output>;
}
