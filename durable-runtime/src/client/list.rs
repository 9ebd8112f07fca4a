//! Listings of runs.

use serde::Serialize;

use super::{link::Link, names::unknown_run};
use crate::{
    error::Error,
    journal::{RunId, StepId, Timestamp, rfc3339},
    status::Status,
    store::RunQuery,
};

/// A listing of runs, built by [`Client::list`](super::Client::list).
///
/// ```standalone_crate
/// use durable::{Status, prelude::*};
///
/// #[durable::workflow]
/// async fn parcel(_ctx: &Ctx, number: u32) -> durable::Result<u32> {
///     Ok(number)
/// }
///
/// #[durable::workflow]
/// async fn shipment(ctx: &Ctx) -> durable::Result<u32> {
///     Ok(ctx.child::<parcel>("parcel", 7).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::open("memory:").await?;
/// let client = engine.client();
/// client.start::<shipment>("shipment-1", ()).await?.result().await?;
///
/// let mut completed = client.list().workflow("shipment").status(Status::Completed).page_size(100);
/// let page = completed.next_page().await?;
/// assert_eq!(page[0].id.as_str(), "shipment-1");
/// assert!(completed.next_page().await?.is_empty());
///
/// let children = client.list().children_of("shipment-1").next_page().await?;
/// assert_eq!(children[0].id.as_str(), "shipment-1/parcel");
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RunList {
    link: Link,
    query: RunQuery,
    parent: Option<RunId>,
}

/// A run of a listing.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ListedRun {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: String,
    /// Where it stands.
    pub status: Status,
    /// When it was started.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub created_at: Timestamp,
    /// When its row last changed.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub updated_at: Timestamp,
    /// Why it is parked.
    pub reason: Option<String>,
    /// The operation of its parent that started it; `None` when it is nobody's child.
    pub parent_step: Option<StepId>,
}

impl RunList {
    pub(super) fn new(link: Link) -> Self {
        let query = RunQuery {
            limit: 50,
            ..RunQuery::default()
        };
        Self {
            link,
            query,
            parent: None,
        }
    }

    /// Only runs in this status; called again, in any of them.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.query.statuses.push(status);
        self
    }

    /// Only runs of this workflow, by the name they were recorded under: runs that began before a rename
    /// are listed under the name that the workflow had then.
    #[must_use]
    pub fn workflow(mut self, name: impl Into<String>) -> Self {
        self.query.workflow = Some(name.into());
        self
    }

    /// Only runs that this run has started; their own children are not among them.
    /// [`Snapshot::children`](super::Snapshot::children) has the first of them at once.
    #[must_use]
    pub fn children_of(mut self, id: impl AsRef<str>) -> Self {
        self.parent = Some(RunId::from_recorded(id.as_ref()));
        self
    }

    /// The most runs of a page, from 1 to 1,000; 50 if not set.
    #[must_use]
    pub fn page_size(mut self, runs: usize) -> Self {
        self.query.limit = runs.clamp(1, 1_000);
        self
    }

    /// Reads the next page; empty when there are no more runs. Pages are stable: a run that is started
    /// meanwhile does not shift them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](crate::error::ErrorKind::Store) when the database cannot be read;
    /// [`ErrorKind::UnknownRun`](crate::error::ErrorKind::UnknownRun) when no run has the id whose
    /// [children](Self::children_of) are asked for.
    pub async fn next_page(&mut self) -> Result<Vec<ListedRun>, Error> {
        if self.query.limit == 0 {
            return Ok(Vec::new());
        }
        if let (Some(id), None) = (&self.parent, self.query.parent) {
            let parent = self.link.store().find(id).await?;
            let parent = parent.ok_or_else(|| unknown_run(id.as_str()))?;
            self.query.parent = Some(parent.run);
        }
        let page = self.link.store().list(&self.query).await?;
        match page.next {
            Some(next) => self.query.before = Some(next),
            // The last page was read: nothing more.
            None => self.query.limit = 0,
        }
        Ok(page
            .runs
            .into_iter()
            .map(|run| ListedRun {
                id: run.id,
                workflow: run.workflow,
                status: run.status,
                created_at: run.created_at,
                updated_at: run.updated_at,
                reason: run.reason,
                parent_step: run.parent.map(|parent| parent.step),
            })
            .collect())
    }
}
