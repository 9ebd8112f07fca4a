//! Asking for a run to be canceled.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use super::Client;
use crate::{error::Error, journal::RunId, store::MailKind};

/// A request to cancel a run, made by [`Client::cancel`] or [`Run::cancel`](super::Run::cancel): await it
/// to send it. Gives back when it is durable; [`Run::result`](super::Run::result) tells when it is done.
///
/// The run's running step is told, its completed steps are compensated, its children are canceled too.
///
/// # Errors
///
/// [`ErrorKind::UnknownRun`](crate::error::ErrorKind::UnknownRun);
/// [`ErrorKind::Ended`](crate::error::ErrorKind::Ended) when the run has ended;
/// [`ErrorKind::RollingBack`](crate::error::ErrorKind::RollingBack) when the run is being rolled back
/// already, unless it is to [abandon](Self::abandon_rollback) that.
///
/// A run that is parked is tried again, to be canceled: that takes no code that fits its journal, but
/// the compensations. One that was parked in the middle of its rollback is being rolled back already.
///
/// ```standalone_crate
/// use durable::{ErrorKind, prelude::*};
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx) -> durable::Result<bool> {
///     Ok(ctx.signal::<bool>("approval").await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::open("memory:").await?;
/// let run = engine.client().start::<order>("order-1", ()).await?;
/// run.cancel().await?;
/// assert_eq!(run.result().await.map_err(|error| error.kind()), Err(ErrorKind::Canceled));
/// // It has ended: there is nothing to cancel any more.
/// let again = engine.client().cancel("order-1").await;
/// assert_eq!(again.map_err(|error| error.kind()), Err(ErrorKind::Ended));
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent unless it is awaited"]
pub struct Cancel {
    client: Client,
    id: RunId,
    kind: MailKind,
}

impl Cancel {
    pub(super) fn new(client: Client, id: RunId) -> Self {
        Self {
            client,
            id,
            kind: MailKind::Cancel,
        }
    }

    /// Undoes nothing more: a run that is being rolled back ends now, and any other is canceled without
    /// being undone. A compensation that is in flight is dropped. What was not undone is named in the
    /// [`compensations`](crate::Failure::compensations) of the run's failure; when there is nothing, the
    /// run is canceled as any other. Its children, which are runs of their own, are canceled and undone.
    ///
    /// For runs whose rollback cannot get on: a compensation that never succeeds, or, if the run is
    /// parked, one that no build has any more.
    ///
    /// ```
    /// # use durable_runtime as durable;
    /// async fn give_up(client: &durable::client::Client) -> Result<(), durable::error::Error> {
    ///     client.cancel("order-42").abandon_rollback().await
    /// }
    /// # let _ = give_up;
    /// ```
    pub fn abandon_rollback(mut self) -> Self {
        self.kind = MailKind::AbandonRollback;
        self
    }
}

impl IntoFuture for Cancel {
    type Output = Result<(), Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { client, id, kind } = self;
        Box::pin(async move { client.send(&id, kind).await })
    }
}
