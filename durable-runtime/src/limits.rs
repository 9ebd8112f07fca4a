//! Bounds, each checked before anything is written.

use crate::{journal::Payload, record::LoadedRun};

/// The bounds an engine keeps.
///
/// ```standalone_crate
/// use durable::{ErrorKind, Limits, prelude::*};
///
/// #[durable::workflow]
/// async fn greeting(_ctx: &Ctx, name: String) -> durable::Result<String> {
///     Ok(name)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let mut limits = Limits::default();
/// limits.payload_bytes_max = 8;
/// let engine = Engine::builder().limits(limits).open("memory:").await?;
/// let refused = engine.client().start::<greeting>("greeting-1", "Bartholomew".to_owned()).await;
/// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::PayloadTooLarge));
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of one payload: an input, a step's output, a signal, a result. 2 MiB if not set.
    pub payload_bytes_max: usize,
    /// The most bytes that a run may have to write at once: the results of steps that end together, the
    /// inputs of children that start together. A run with more is parked. 128 MiB if not set, and never
    /// more than 512 MiB, because PostgreSQL takes less than 1 GiB.
    pub commit_bytes_max: usize,
    /// The most events that a run may record before it ends or is rolled back; a run with more is parked,
    /// and can still be canceled. A rollback always has room: it may go beyond this by two events for each
    /// attempt of a compensation, one for the end of each step, and three of its own. 100,000 if not set.
    pub history_max: u32,
    /// The most runs in memory at once; further ones wait in the database. 8,192 if not set.
    pub resident_runs_max: usize,
    /// The most signals of one name that wait in one run's mailbox; more are refused with
    /// [`ErrorKind::MailboxFull`](crate::error::ErrorKind::MailboxFull). Signals of other names, ends of
    /// children and cancellations always fit. The database counts as it writes, with the bound of the engine
    /// or client that sends; on PostgreSQL signals that are written in the very same moment, by so many
    /// connections, may pass it by their number. 10,000 if not set.
    pub mailbox_max: u32,
    /// How many workers may die with a run in memory, without it getting any further in between,
    /// until it is parked as what may have killed them. Shutdowns do not count. 10 if not set.
    pub worker_deaths_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes_max: 2 << 20,
            commit_bytes_max: 128 << 20,
            history_max: 100_000,
            resident_runs_max: 8_192,
            mailbox_max: 10_000,
            worker_deaths_max: 10,
        }
    }
}

/// What every database takes in one call.
const COMMIT_BYTES_CEILING: usize = 512 << 20;

impl Limits {
    /// With what no database takes cut down to what all take.
    pub(crate) fn bounded(self) -> Self {
        let commit_bytes_max = self.commit_bytes_max.min(COMMIT_BYTES_CEILING);
        Self {
            commit_bytes_max,
            payload_bytes_max: self.payload_bytes_max.min(commit_bytes_max),
            ..self
        }
    }

    /// Why a run is not driven on that may be what kills its workers. It can still be canceled.
    pub(crate) fn too_many_deaths(&self, run: &LoadedRun) -> Option<String> {
        let canceled = run.mail.iter().any(|mail| mail.kind.cancels());
        (run.deaths >= self.worker_deaths_max && !canceled).then(|| {
            format!(
                "{deaths} workers died with this run in memory, and it got no further in between: what \
                 comes after the {events} events of its journal may kill them by an abort, a stack \
                 overflow or a lack of memory; mend that and start a worker with \
                 `Limits::worker_deaths_max` above {deaths}, or cancel the run",
                deaths = run.deaths,
                events = run.events.len(),
            )
        })
    }
}

/// Says what is wrong with a payload that is too large.
pub(crate) fn check_payload(payload: &Payload, bytes_max: usize, what: &str) -> Result<(), String> {
    if payload.len() <= bytes_max {
        return Ok(());
    }
    Err(format!(
        "{what} has {} bytes and the limit is {bytes_max} (`Limits::payload_bytes_max`); store large \
         data elsewhere and pass a reference to it",
        payload.len()
    ))
}
