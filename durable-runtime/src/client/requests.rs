//! The client: handles of runs, and what is read.

use std::fmt;

use super::{
    Run, RunList, Snapshot,
    link::Link,
    names::{conflict, unknown_run},
};
use crate::{
    context::Workflow,
    error::{Error, ErrorKind},
    journal::{Payload, RunId},
    limits::check_payload,
    store::RunRecord,
};

/// Starts runs and reaches them. Cheap to clone.
///
/// No method is harmed by dropping its future: what was asked may still happen, and asking again with
/// the same run id is safe.
///
/// In an outage of the database, what changes something (start, signal, cancel) and what waits
/// ([`Run::result`], [`Run::reaches`]) waits it out; what looks (attach, status, history, list) fails with
/// [`ErrorKind::Store`]. [`trouble`](Self::trouble) says whether there is an outage.
///
/// ```standalone_crate
/// use durable::{ErrorKind, Status, prelude::*};
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, total: u32) -> durable::Result<String> {
///     let approved = ctx.signal::<bool>("approval").await?;
///     Ok(format!("{total}, approved: {approved}"))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let engine = Engine::open("memory:").await?;
/// let client = engine.client();
///
/// // With the workflow's types: what starts a run finds it again, also with `attach`.
/// let run = client.start::<order>("order-1", 30).await?;
/// client.attach::<order>("order-1").await?.signal(order::approval, true).await?;
/// assert_eq!(run.result().await?, "30, approved: true");
///
/// // By names and JSON.
/// client.start_by_name("order", "order-2", "40").await?;
/// client.signal_by_name("order-2", "approval", "false").await?;
/// let result = client.attach_by_id("order-2").await?.result_json().await?;
/// assert_eq!(result, r#""40, approved: false""#);
///
/// client.start::<order>("order-3", 50).await?;
/// client.cancel("order-3").await?;
/// let ended = client.attach_by_id("order-3").await?.result_json().await;
/// assert_eq!(ended.map_err(|error| error.kind()), Err(ErrorKind::Canceled));
///
/// // What looks.
/// assert_eq!(client.status("order-1").await?.status, Status::Completed);
/// let history = client.history("order-1").await?;
/// assert_eq!(history.last().map(|event| event.kind.name()), Some("completed"));
/// assert_eq!(client.list().status(Status::Completed).next_page().await?.len(), 2);
/// assert_eq!(client.trouble(), None);
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    link: Link,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(link: Link) -> Self {
        Self { link }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// A handle of an existing run, with the types of workflow `W`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`]; [`ErrorKind::Conflict`] when the run is of another workflow.
    pub async fn attach<W: Workflow>(&self, id: impl AsRef<str>) -> Result<Run<W>, Error> {
        let record = self.record(id.as_ref()).await?;
        if record.workflow != W::NAME && !W::GRAPH.was.contains(&&*record.workflow) {
            return Err(conflict(&record.id, W::NAME, &record.workflow));
        }
        Ok(Run::new(self.clone(), record.id, record.run))
    }

    /// A handle of an existing run whose workflow's type the caller does not have.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`].
    pub async fn attach_by_id(&self, id: impl AsRef<str>) -> Result<Run<()>, Error> {
        let record = self.record(id.as_ref()).await?;
        Ok(Run::new(self.clone(), record.id, record.run))
    }

    /// What a run is doing, with its results so far and its children.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`].
    pub async fn status(&self, id: impl AsRef<str>) -> Result<Snapshot, Error> {
        let record = self.record(id.as_ref()).await?;
        Snapshot::read(&self.link, record).await
    }

    /// A run's journal, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`].
    pub async fn history(&self, id: impl AsRef<str>) -> Result<Vec<crate::journal::Event>, Error> {
        let record = self.record(id.as_ref()).await?;
        Ok(self.link.store().history(record.run).await?)
    }

    /// A listing of runs, newest first.
    pub fn list(&self) -> RunList {
        RunList::new(self.link.clone())
    }

    /// Why the database cannot be written at the moment; `None` while all is well. The engine goes on
    /// trying, and no run fails because of it.
    pub fn trouble(&self) -> Option<String> {
        self.link.trouble()
    }

    async fn record(&self, id: &str) -> Result<RunRecord, Error> {
        let found = self.link.store().find(&RunId::from_recorded(id)).await?;
        found.ok_or_else(|| unknown_run(id))
    }

    pub(super) fn check_size(&self, payload: &Payload, what: &str) -> Result<(), Error> {
        check_payload(payload, self.link.limits().payload_bytes_max, what)
            .map_err(|message| Error::new(ErrorKind::PayloadTooLarge, message))
    }
}
