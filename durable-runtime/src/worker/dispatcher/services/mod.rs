//! What a worker does beside driving runs, from time to time: a file for each service.
//!
//! A service is asked when its time has come, in the order of [`Services::of_a_worker`], and says when it is to be
//! asked again. One that fails is trouble; it and those after it wait for the next renewal of the lease.

mod heartbeat;
mod parked;
mod reaper;

use std::{pin::Pin, time::Duration};

pub(super) use heartbeat::{renew, tell_all};

use self::{heartbeat::Heartbeat, parked::Parked, reaper::Reaper};
use super::Dispatcher;
use crate::{store::StoreError, worker::Shared};

/// Something that a worker does from time to time.
pub(super) trait Service: Send + Sync {
    /// Does it.
    fn serve<'a>(&'a mut self, worker: &'a mut Dispatcher) -> Serving<'a>;

    /// Whether it goes on while the worker winds down.
    fn outlasts_a_shutdown(&self) -> bool {
        false
    }
}

/// A service at work.
pub(super) type Serving<'a> = Pin<Box<dyn Future<Output = Result<Next, StoreError>> + Send + 'a>>;

/// When a service is to be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There is more to do.
    AtOnce,
    /// In the rhythm of the lease.
    WithTheLease,
}

/// The services of a worker, and when each has its turn, by steady time.
#[derive(Default)]
pub(super) struct Services {
    duties: Vec<Duty>,
    /// Whether all are asked at once, whatever was said.
    hurry: bool,
    /// Whether something waits for the next turn: a call failed, or there is more to do.
    is_awaited: bool,
}

struct Duty {
    service: Box<dyn Service>,
    due: Duration,
}

impl Services {
    /// Those of a worker that drives runs.
    pub(super) fn of_a_worker(shared: &Shared) -> Self {
        let with_the_lease = shared.lease.renew_at();
        let mut services = Self::default();
        services.add(Heartbeat, with_the_lease);
        services.add(Reaper::default(), with_the_lease);
        services.add(Parked, shared.steady.now());
        // What is parked may fit this build.
        services.is_awaited = true;
        services
    }

    fn add(&mut self, service: impl Service + 'static, due: Duration) {
        let service = Box::new(service);
        self.duties.push(Duty { service, due });
    }

    /// Asks all of them as soon as may be.
    pub(super) fn hurry(&mut self) {
        self.hurry = true;
    }

    /// Notes that something waits for the next turn.
    pub(super) fn note_awaited(&mut self) {
        self.is_awaited = true;
    }

    /// When the next one has its turn; `Duration::MAX` when there are none.
    pub(super) fn next(&self) -> Duration {
        self.first(|_| true)
    }

    /// When the next one has its turn of those that go on while the worker winds down.
    pub(super) fn next_to_the_end(&self) -> Duration {
        self.first(|duty| duty.service.outlasts_a_shutdown())
    }

    fn first(&self, is_meant: impl Fn(&&Duty) -> bool) -> Duration {
        if self.hurry {
            return Duration::ZERO;
        }
        let meant = self.duties.iter().filter(is_meant);
        meant.map(|duty| duty.due).min().unwrap_or(Duration::MAX)
    }

    /// When the next one has its turn, if something waits for it.
    pub(super) fn awaited(&self) -> Option<Duration> {
        self.is_awaited.then(|| self.next())
    }
}

impl Dispatcher {
    /// Asks the services whose time has come.
    pub(super) async fn serve_all(&mut self) {
        self.serve_those(|_| true).await;
    }

    /// Asks those that go on while the worker winds down.
    pub(super) async fn serve_to_the_end(&mut self) {
        self.serve_those(|service| service.outlasts_a_shutdown())
            .await;
    }

    async fn serve_those(&mut self, is_meant: impl Fn(&dyn Service) -> bool) {
        let now = self.shared.steady.now();
        let all = std::mem::take(&mut self.services.hurry) || self.shared.lease.is_lost();
        let mut duties = std::mem::take(&mut self.services.duties);
        let is_due = |duty: &&mut Duty| (all || duty.due <= now) && is_meant(&*duty.service);
        let mut due = duties.iter_mut().filter(is_due).peekable();
        if due.peek().is_some() {
            self.services.is_awaited = false;
        }
        while let Some(duty) = due.next() {
            match duty.service.serve(self).await {
                Ok(Next::WithTheLease) => duty.due = self.shared.lease.renew_at(),
                Ok(Next::AtOnce) => {
                    duty.due = now;
                    self.services.is_awaited = true;
                }
                Err(error) => {
                    self.services.is_awaited = true;
                    self.shared.note_trouble(&error);
                    let later = self.shared.lease.renew_at();
                    duty.due = later;
                    due.by_ref().for_each(|duty| duty.due = later);
                }
            }
        }
        drop(due);
        self.services.duties = duties;
    }
}
