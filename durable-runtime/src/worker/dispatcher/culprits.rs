//! One culprit never stops a worker: of a batch that the database refuses, or that takes too long, the next
//! one is half, until whatever stands in the way is alone. It is then dealt with by itself, and everything else
//! goes on.

use std::{sync::Arc, time::Duration};

use super::{
    Askers, Dispatcher, Failed, Request, Size, StartReply, Written, persist,
    tries::{Tries, pause},
};
use crate::{
    journal::{RunId, RunKey, Timestamp},
    observe,
    status::Status,
    store::{
        Batch, BatchId, Commit, Delivery, MailOutcome, MailTarget, NewMail, RunRecord, StoreError,
        StoreErrorKind,
    },
    worker::slot::Input,
};

/// How often what a client asked for is tried alone before the client is told that it cannot be done.
const TRIES: u32 = 3;
/// How often the progress of a run is tried alone, while others are written, before the run is parked.
const TRIES_OF_A_RUN: u32 = 6;
/// A request that the database does not take, while it takes others.
#[derive(Debug)]
pub(super) struct Aside {
    request: Request,
    /// Mail to the same run that came later: mail keeps its order.
    behind: Vec<Request>,
    tries: Tries,
    /// When it is tried again, alone, by steady time.
    again_at: Duration,
}

/// What became of a batch.
pub(super) enum Attempt {
    Written(Written),
    /// Nothing of these was written, because of what one of them is, or of how much they are.
    Failed {
        requests: Vec<Request>,
        error: StoreError,
        took: Duration,
    },
}

impl Dispatcher {
    /// Makes a batch durable, for as long as it takes if it is the database that fails.
    pub(super) async fn attempt(
        &mut self,
        batch: Batch,
        askers: Askers,
        before: Option<Written>,
    ) -> Attempt {
        let shared = Arc::clone(&self.shared);
        let start = shared.steady.now();
        let outcome = self.make_durable(&batch, before).await;
        let took = shared.steady.now().saturating_sub(start);
        match outcome {
            Ok(outcome) => Attempt::Written(Written {
                batch,
                askers,
                outcome,
                took,
            }),
            Err(Failed {
                error,
                may_be_written,
            }) => {
                let id = batch.id;
                let mut requests = disassemble(batch, askers);
                if let Some(id) = id.filter(|_| may_be_written) {
                    requests = self.settle(id, requests).await;
                }
                Attempt::Failed {
                    requests,
                    error,
                    took,
                }
            }
        }
    }

    /// Finds out whether the mail of a batch was written whose outcome is unknown, so that it can be sent
    /// again in other batches. Gives the requests that are left.
    async fn settle(&mut self, id: BatchId, requests: Vec<Request>) -> Vec<Request> {
        let is_mail = |request: &Request| matches!(request, Request::Mail { .. });
        if !requests.iter().any(is_mail) {
            return requests;
        }
        let shared = Arc::clone(&self.shared);
        let for_good = |error: &StoreError| !error.is_transient();
        let written = match persist(&shared, for_good, |store| store.settle(id)).await {
            Ok(false) => return requests,
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        let (sent, rest): (Vec<_>, Vec<_>) = requests.into_iter().partition(is_mail);
        for request in sent {
            let Request::Mail { mail, reply } = request else {
                continue;
            };
            let outcome = match &written {
                Ok(()) => self.find_sent(&mail).await,
                Err(error) => Err(StoreError::new(error.kind(), error.to_string())),
            };
            if let Ok(MailOutcome::Delivered(delivery)) = outcome {
                self.route(delivery, mail.kind);
            }
            let _ = reply.send(outcome);
        }
        rest
    }

    /// What became of mail that was sent.
    async fn find_sent(&self, mail: &NewMail) -> Result<MailOutcome, StoreError> {
        let shared = &self.shared;
        let for_good = |error: &StoreError| !error.is_transient();
        let found = persist(shared, for_good, |store| match &mail.to {
            MailTarget::Key(run) => store.read(*run),
            MailTarget::Id(id) => store.find(id),
        });
        let outcome = |run: Option<RunRecord>| match run {
            None => MailOutcome::UnknownRun,
            Some(run) if run.status.is_terminal() => MailOutcome::Ended(run.status),
            Some(run) => MailOutcome::Delivered(Delivery {
                run: run.run,
                mail: None,
                owned: shared.residents.holds(run.run),
            }),
        };
        Ok(outcome(found.await?))
    }

    /// Goes on after a batch that failed: with half of it, or with all but those who stand in the way.
    pub(super) fn overcome(&mut self, requests: Vec<Request>, error: StoreError, took: Duration) {
        let (turned_away, requests) = turn_away(requests, &error);
        if turned_away > 0 {
            return self.put_back(requests);
        }
        let is_held = |request: &Request| error.locked().iter().any(|held| concerns(request, held));
        let (held, rest): (Vec<_>, Vec<_>) = requests.into_iter().partition(is_held);
        if !held.is_empty() {
            for request in held {
                self.set_aside(request, Vec::new(), self.no_tries(), &error, took);
            }
            return self.put_back(rest);
        }
        match <[Request; 1]>::try_from(rest) {
            Ok([culprit]) => self.isolate(culprit, Vec::new(), self.no_tries(), error, took),
            Err(rest) => {
                let timed_out = error.is_timeout().then_some(took);
                self.bounds.shrink(Size::of(&rest), timed_out);
                self.put_back(rest);
            }
        }
    }

    /// Puts requests before all others, in their order.
    fn put_back(&mut self, requests: Vec<Request>) {
        self.backlog.splice(..0, requests);
    }

    /// Deals with a request that cannot be written, for itself alone.
    fn isolate(
        &mut self,
        request: Request,
        behind: Vec<Request>,
        tries: Tries,
        error: StoreError,
        took: Duration,
    ) {
        let is_locked = error.kind() == StoreErrorKind::Locked;
        let is_hopeless = tries.all >= TRIES && !is_locked;
        let is_full = error.kind() == StoreErrorKind::MailboxFull;
        let never = error.is_for_good() || (tries.beside_others >= TRIES_OF_A_RUN && !is_locked);
        match request {
            Request::Start { reply, .. } if is_hopeless || error.is_for_good() => {
                let _ = reply.send(StartReply {
                    outcome: Err(error),
                });
                self.put_back(behind);
            }
            Request::Mail { reply, .. } if is_hopeless || is_full || error.is_for_good() => {
                let _ = reply.send(Err(error));
                self.put_back(behind);
            }
            Request::Commit { commit, slot } if never && !is_parking(&commit) => {
                slot.push(Input::Refused(refusal(&commit, tries, &error)));
            }
            request => self.set_aside(request, behind, tries, &error, took),
        }
    }

    fn set_aside(
        &mut self,
        request: Request,
        behind: Vec<Request>,
        tries: Tries,
        error: &StoreError,
        took: Duration,
    ) {
        let Some(request) = self.queue_behind(request) else {
            return;
        };
        let pause = pause(tries.all, took);
        observe::worker::set_aside(&request.name(), tries.all, pause, error);
        self.aside.push(Aside {
            request,
            behind,
            tries,
            again_at: self.shared.steady.now() + pause,
        });
    }

    /// Has mail wait when mail to the same run does; gives it back otherwise.
    pub(super) fn queue_behind(&mut self, request: Request) -> Option<Request> {
        let Request::Mail { mail, .. } = &request else {
            return Some(request);
        };
        let first = self.aside.iter_mut().find(
            |aside| matches!(&aside.request, Request::Mail { mail: first, .. } if first.to == mail.to),
        );
        match first {
            None => Some(request),
            Some(first) => {
                first.behind.push(request);
                None
            }
        }
    }

    fn no_tries(&self) -> Tries {
        Tries::none(*self.shared.batches.borrow())
    }

    /// Whether something may be tried alone now, at the expense of everybody else.
    pub(super) fn may_try(&self) -> bool {
        self.turn.has_come(self.shared.steady.now())
    }

    /// Something was tried alone that began at this time. Gives how long it took.
    pub(super) fn note_try(&mut self, start: Duration) -> Duration {
        let now = self.shared.steady.now();
        let took = now.saturating_sub(start);
        self.turn.note_try(now, took);
        took
    }

    /// The request that was to be tried first, if its time has come.
    fn take_aside(&mut self) -> Option<Aside> {
        let now = self.shared.steady.now();
        let aside = self.aside.iter().enumerate();
        let first = aside.min_by_key(|(_, aside)| aside.again_at)?;
        let index = (first.1.again_at <= now).then_some(first.0)?;
        Some(self.aside.remove(index))
    }

    /// Tries what was set aside, each alone, if its time has come.
    pub(super) async fn try_aside(&mut self) {
        while self.may_try()
            && let Some(aside) = self.take_aside()
        {
            let Aside {
                request,
                behind,
                tries,
                ..
            } = aside;
            let (batch, askers) = self.batch_of(vec![request]);
            let start = self.shared.steady.now();
            let attempt = self.attempt(batch, askers, None).await;
            self.note_try(start);
            match attempt {
                Attempt::Written(written) => {
                    self.spread(written).await;
                    self.put_back(behind);
                }
                Attempt::Failed {
                    mut requests,
                    error,
                    took,
                } => match requests.pop() {
                    Some(request) => {
                        let tries = tries.one_more(*self.shared.batches.borrow());
                        self.isolate(request, behind, tries, error, took);
                    }
                    None => self.put_back(behind),
                },
            }
        }
    }

    /// When something is tried again alone.
    pub(super) fn next_try(&self) -> Option<Timestamp> {
        let requests = self.aside.iter().map(|aside| aside.again_at);
        let next = requests.chain(self.withheld.next()).min()?;
        Some(self.shared.wall(self.turn.after(next)))
    }
}

/// Whether a commit does nothing but set its run aside.
fn is_parking(commit: &Commit) -> bool {
    let update = commit.update.as_ref();
    commit.events.is_empty() && update.is_some_and(|update| update.status == Status::Parked)
}

/// Why a run is parked of which the database will never take what it has to write, or has not taken it in so
/// many tries.
fn refusal(commit: &Commit, tries: Tries, error: &StoreError) -> String {
    let (refuses, recorded) = match error.is_for_good() {
        true => ("refuses".to_owned(), "Nothing of it is recorded"),
        // Without an answer it may have been written.
        false => (
            format!(
                "took what others wrote and failed {} times to take",
                tries.all + 1
            ),
            "It goes on from what is recorded",
        ),
    };
    format!(
        "the database {refuses} what the run has to write ({events} events from position {position}, \
         {children} children): {error}. {recorded}; mend the cause, and the next worker that starts tries again",
        events = commit.events.len(),
        position = commit.position,
        children = commit.children.len(),
    )
}

/// The requests that a batch was made of, in the order in which it takes effect.
fn disassemble(batch: Batch, askers: Askers) -> Vec<Request> {
    let starts = batch.starts.into_iter().zip(askers.starts);
    let starts = starts.map(|(run, reply)| Request::Start { run, reply });
    let mail = batch.mail.into_iter().zip(askers.mail);
    let mail = mail.map(|(mail, reply)| Request::Mail { mail, reply });
    let commits = batch.commits.into_iter().zip(askers.commits);
    let commits = commits.map(|(commit, slot)| match slot {
        Some(slot) => Request::Commit { commit, slot },
        None => Request::LetGo { commit },
    });
    starts.chain(mail).chain(commits).collect()
}

/// Whether a request writes to a run.
fn concerns(request: &Request, (run, id): &(RunKey, RunId)) -> bool {
    let is_for = |mail: &NewMail| match &mail.to {
        MailTarget::Key(key) => key == run,
        MailTarget::Id(other) => other == id,
    };
    match request {
        Request::Mail { mail, .. } => is_for(mail),
        Request::Commit { commit, .. } | Request::LetGo { commit } => {
            commit.run == *run || commit.outgoing.iter().any(is_for)
        }
        Request::Start { .. } | Request::Vanished { .. } | Request::Shutdown => false,
    }
}

impl Request {
    /// What it is, for people.
    fn name(&self) -> String {
        match self {
            Self::Commit { commit, .. } => format!("progress of run {}", commit.run.get()),
            Self::LetGo { commit } => format!("letting go of run {}", commit.run.get()),
            Self::Start { run, .. } => format!("start of run `{}`", run.id),
            Self::Mail { mail, .. } => match &mail.to {
                MailTarget::Key(run) => format!("mail to run {}", run.get()),
                MailTarget::Id(id) => format!("mail to run `{id}`"),
            },
            Self::Vanished { slot, .. } => format!("the task of run `{}`", slot.id),
            Self::Shutdown => "shutdown".to_owned(),
        }
    }
}

/// Tells those whose signals have no room. Gives how many they are, and the other requests.
fn turn_away(requests: Vec<Request>, error: &StoreError) -> (usize, Vec<Request>) {
    let mut mail = 0..;
    let (refused, rest): (Vec<_>, Vec<_>) = requests.into_iter().partition(|request| {
        matches!(request, Request::Mail { .. })
            && mail
                .next()
                .is_some_and(|place| error.places_without_room().contains(&place))
    });
    let count = refused.len();
    for request in refused {
        if let Request::Mail { reply, .. } = request {
            let _ = reply.send(Err(StoreError::new(error.kind(), error.to_string())));
        }
    }
    (count, rest)
}
