//! A handle of one run.

use std::{fmt, marker::PhantomData, time::Duration};

use super::{Cancel, Client, Snapshot};
use crate::{
    context::{Data, Signal, Workflow},
    error::{Error, ErrorKind},
    journal::{Payload, RunId, RunKey},
    status::Status,
    worker::Ending,
};

/// A handle of a run of workflow `W`; of `()` when the workflow's type is not known. Cheap to clone.
/// Dropping it does nothing to the run.
///
/// ```standalone_crate
/// use std::time::Duration;
/// use durable::{ErrorKind, Status, prelude::*};
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
///     ctx.signal::<bool>("approval").await?;
///     Ok(total)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::open("memory:").await?;
/// let run = engine.client().start::<order>("order-1", 30).await?;
/// assert_eq!(run.id().as_str(), "order-1");
/// assert_eq!(run.reaches(Status::Suspended).await?, Status::Suspended);
/// assert_eq!(run.status().await?.awaiting_signal.as_deref(), Some("approval"));
///
/// // A wait can end before the run does.
/// let waited = run.timeout(Duration::from_millis(1)).result().await;
/// assert_eq!(waited.map_err(|error| error.kind()), Err(ErrorKind::TimedOut));
///
/// run.signal(order::approval, true).await?;
/// assert_eq!(run.result().await?, 30);
/// assert_eq!(run.result_json().await?, "30");
///
/// let other = engine.client().start::<order>("order-2", 40).await?;
/// other.cancel().await?;
/// assert_eq!(other.result().await.map_err(|error| error.kind()), Err(ErrorKind::Canceled));
/// # engine.shutdown().await
/// # }
/// ```
pub struct Run<W> {
    client: Client,
    id: RunId,
    key: RunKey,
    /// How long to wait for it at the most.
    pub(super) patience: Option<Duration>,
    workflow: PhantomData<fn() -> W>,
}

impl<W> Run<W> {
    pub(super) fn new(client: Client, id: RunId, key: RunKey) -> Self {
        Self {
            client,
            id,
            key,
            patience: None,
            workflow: PhantomData,
        }
    }

    /// The run's id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for the run to be canceled, when awaited; see [`Client::cancel`].
    pub fn cancel(&self) -> Cancel {
        Cancel::new(self.client.clone(), self.id.clone())
    }

    /// What the run is doing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] when the database cannot be read.
    pub async fn status(&self) -> Result<Snapshot, Error> {
        self.client.status(self.id.as_str()).await
    }

    /// Waits for the run to end, and gives its result as JSON text. Woken when the run ends in this
    /// process. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] with the [`failure`](Error::failure), [`ErrorKind::Canceled`], or
    /// [`ErrorKind::Parked`] with the reason; [`ErrorKind::ShutDown`] when the engine ends first;
    /// [`ErrorKind::TimedOut`] if there is a [`timeout`](Self::timeout). An outage of the database is waited
    /// out; [`ErrorKind::Store`] when it fails in a way that does not pass.
    pub async fn result_json(&self) -> Result<String, Error> {
        let payload = self.in_time(self.wait()).await?;
        Ok(String::from_utf8_lossy(payload.as_bytes()).into_owned())
    }

    /// Waits until the run has this status, or has ended or been parked; gives the status it has.
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShutDown`] when the engine ends first; [`ErrorKind::TimedOut`] if there is a
    /// [`timeout`](Self::timeout). An outage of the database is waited out; [`ErrorKind::Store`] when it fails
    /// in a way that does not pass.
    pub async fn reaches(&self, status: Status) -> Result<Status, Error> {
        let link = self.client.link();
        self.in_time(link.reaches(self.key, &self.id, status)).await
    }

    async fn wait(&self) -> Result<Payload, Error> {
        let ending = self.client.link().ending(self.key, &self.id).await?;
        self.judge(ending)
    }

    fn judge(&self, ending: Ending) -> Result<Payload, Error> {
        match ending {
            Ending::Completed(output) => Ok(output),
            Ending::Failed(failure) => Err(Error::failed(&self.id, failure)),
            Ending::Canceled => Err(Error::new(
                ErrorKind::Canceled,
                format!("run `{}` was canceled", self.id),
            )),
            Ending::Parked(reason) => Err(Error::new(
                ErrorKind::Parked,
                format!("run `{}` is parked: {reason}", self.id),
            )),
        }
    }
}

impl<W: Workflow> Run<W> {
    /// Waits for the run to end, and gives its result. Woken when the run ends in this process. Cancel
    /// safe.
    ///
    /// # Errors
    ///
    /// As [`result_json`](Self::result_json), and [`ErrorKind::InvalidPayload`] when the recorded
    /// result is not a `W::Output`.
    pub async fn result(&self) -> Result<W::Output, Error> {
        Ok(Data::__decode(&self.in_time(self.wait()).await?)?)
    }

    /// Sends a signal. Returns when it is durable; the run gets it even if it has not begun to wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`] when the run has ended; [`ErrorKind::RollingBack`] when it is being rolled back
    /// and takes no signals any more; [`ErrorKind::PayloadTooLarge`]; [`ErrorKind::MailboxFull`] when more
    /// signals wait for the run than [`Limits::mailbox_max`](crate::limits::Limits::mailbox_max);
    /// [`ErrorKind::InvalidPayload`] when the value cannot be recorded.
    pub async fn signal<T: Data>(&self, signal: Signal<W, T>, payload: T) -> Result<(), Error> {
        let (payload, _) = payload.__record().map_err(|error| {
            let message = format!("signal `{}` to run `{}`: {error}", signal.name(), self.id);
            Error::new(ErrorKind::InvalidPayload, message)
        })?;
        self.client
            .send_signal(&self.id, signal.name(), payload)
            .await
    }
}

impl<W> Clone for Run<W> {
    fn clone(&self) -> Self {
        Self {
            patience: self.patience,
            ..Self::new(self.client.clone(), self.id.clone(), self.key)
        }
    }
}

impl<W> fmt::Debug for Run<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Run({})", self.id)
    }
}
