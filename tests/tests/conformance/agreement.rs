//! Random sequences of calls on a store and on the memory store, which is the model: a map of runs,
//! with no transactions, no indexes and no SQL. Both must answer alike, and hold the same.

use std::time::Duration;

use durable_runtime::{
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    status::Status,
    store::{
        Batch, BatchId, Claim, Commit, CommitOutcome, LoadedRun, MailKind, MailTarget, MemoryStore,
        NewMail, NewRun, NewWorker, Ownership, Parent, RunQuery, RunUpdate, SqliteStore,
        StartOutcome, Store,
    },
};
use durable_tests::TempDir;
use proptest::{collection::vec, prelude::*, sample::Index};

/// One call. Which run or worker it means is settled when it is made, among those there are.
#[derive(Debug, Clone)]
enum Call {
    /// `drives` is the number of the only workflow it can drive, or the number after all of them.
    Register {
        lease: u64,
        drives: u8,
    },
    Renew {
        worker: Index,
        lease: u64,
    },
    Retire {
        worker: Index,
    },
    Reap,
    Pass {
        seconds: u64,
    },
    Claim {
        worker: Index,
        limit: usize,
    },
    ClaimParked {
        worker: Index,
        limit: usize,
    },
    ClaimRun {
        worker: Index,
        run: Index,
    },
    ReleaseStrays {
        worker: Index,
        kept: Vec<Index>,
    },
    Write {
        worker: Index,
        starts: Vec<Start>,
        mail: Vec<(Index, Letter)>,
        commits: Vec<Progress>,
    },
    /// The last batch again, as when its reply was lost.
    WriteAgain,
}

#[derive(Debug, Clone)]
struct Start {
    name: u8,
    owned: bool,
}

#[derive(Debug, Clone)]
enum Letter {
    Signal(u8),
    Cancel,
    Abandon,
}

/// The commit of a run that a worker holds, or of one that it lost.
#[derive(Debug, Clone)]
struct Progress {
    holding: Index,
    events: u8,
    state: Option<NewState>,
    child: Option<u8>,
    consumes: bool,
    letter: Option<(Index, Letter)>,
    stale: Option<Staleness>,
    rolls_back: bool,
}

#[derive(Debug, Clone)]
enum NewState {
    Keeps(Status),
    Releases {
        status: Status,
        due_in: Option<u64>,
        saw_all: bool,
    },
    Ends(Status),
    Parks,
}

#[derive(Debug, Clone)]
enum Staleness {
    Epoch,
    Position,
}

/// One of three workflows.
fn workflow(number: u8) -> String {
    format!("flow-{number}")
}

fn call() -> impl Strategy<Value = Call> {
    let worker = any::<Index>;
    let starts = vec(
        (0..6u8, any::<bool>()).prop_map(|(name, owned)| Start { name, owned }),
        0..3,
    );
    let mail = vec((any::<Index>(), letter()), 0..3);
    prop_oneof![
        1 => (0..40u64, 0..4u8).prop_map(|(lease, drives)| Call::Register { lease, drives }),
        1 => (worker(), 0..40u64).prop_map(|(worker, lease)| Call::Renew { worker, lease }),
        1 => worker().prop_map(|worker| Call::Retire { worker }),
        1 => Just(Call::Reap),
        2 => (0..20u64).prop_map(|seconds| Call::Pass { seconds }),
        4 => (worker(), 0..4usize).prop_map(|(worker, limit)| Call::Claim { worker, limit }),
        1 => (worker(), 0..4usize).prop_map(|(worker, limit)| Call::ClaimParked { worker, limit }),
        1 => (worker(), any::<Index>()).prop_map(|(worker, run)| Call::ClaimRun { worker, run }),
        1 => (worker(), vec(any::<Index>(), 0..3))
            .prop_map(|(worker, kept)| Call::ReleaseStrays { worker, kept }),
        8 => (worker(), starts, mail, vec(progress(), 0..3)).prop_map(
            |(worker, starts, mail, commits)| Call::Write { worker, starts, mail, commits }
        ),
        2 => Just(Call::WriteAgain),
    ]
}

fn letter() -> impl Strategy<Value = Letter> {
    prop_oneof![3 => any::<u8>().prop_map(Letter::Signal), 1 => Just(Letter::Cancel), 1 => Just(Letter::Abandon)]
}

fn progress() -> impl Strategy<Value = Progress> {
    let child = prop::option::weighted(0.2, 0..6u8);
    let letter = prop::option::weighted(0.2, (any::<Index>(), letter()));
    let staleness = prop_oneof![Just(Staleness::Epoch), Just(Staleness::Position)];
    let stale = prop::option::weighted(0.1, staleness);
    let state = prop::option::of(state());
    (
        any::<Index>(),
        0..3u8,
        state,
        child,
        any::<bool>(),
        letter,
        stale,
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(holding, events, state, child, consumes, letter, stale, rolls_back)| Progress {
                holding,
                events,
                state,
                child,
                consumes,
                letter,
                stale,
                rolls_back,
            },
        )
}

fn state() -> impl Strategy<Value = NewState> {
    let going = prop_oneof![
        Just(Status::Running),
        Just(Status::Suspended),
        Just(Status::Compensating),
    ];
    let ended = prop_oneof![
        Just(Status::Completed),
        Just(Status::Failed),
        Just(Status::Canceled)
    ];
    prop_oneof![
        2 => going.clone().prop_map(NewState::Keeps),
        3 => (going, prop::option::of(0..30u64), any::<bool>()).prop_map(
            |(status, due_in, saw_all)| NewState::Releases { status, due_in, saw_all }
        ),
        1 => ended.prop_map(NewState::Ends),
        1 => Just(NewState::Parks),
    ]
}

/// A run that a worker took, as it knows it.
#[derive(Debug, Clone)]
struct Holding {
    run: RunKey,
    created_at: Timestamp,
    epoch: Epoch,
    status: Status,
    position: u32,
    mail: Vec<MailId>,
}

/// The model, the store beside it, and what the workers know.
struct Pair<'s> {
    model: MemoryStore,
    store: &'s dyn Store,
    now: Timestamp,
    workers: Vec<WorkerId>,
    holdings: Vec<Holding>,
    runs: Vec<RunKey>,
    batches: i64,
    last: Option<Batch>,
    seeds: i64,
}

macro_rules! both {
    ($pair:ident, $store:ident => $call:expr) => {{
        let $store: &dyn Store = &$pair.model;
        let expected = $call.await.unwrap();
        let $store = $pair.store;
        let actual = $call.await.unwrap();
        assert_eq!(format!("{actual:#?}"), format!("{expected:#?}"));
        expected
    }};
}

impl Pair<'_> {
    fn worker(&self, index: Index) -> WorkerId {
        *index.get(&self.workers)
    }

    async fn make(&mut self, call: Call) {
        match call {
            Call::Register { lease, drives } => {
                let worker = NewWorker {
                    lease_until: self.now.after(Duration::from_secs(lease)),
                    workflows: (drives < 3).then(|| vec![workflow(drives), "other".to_owned()]),
                };
                let worker = both!(self, store => store.register_worker(worker.clone()));
                self.workers.push(worker);
            }
            Call::Renew { worker, lease } => {
                let worker = self.worker(worker);
                let until = self.now.after(Duration::from_secs(lease));
                both!(self, store => store.renew_lease(worker, until));
            }
            Call::Retire { worker } => {
                let worker = self.worker(worker);
                both!(self, store => store.retire_worker(worker));
            }
            Call::Reap => {
                let now = self.now;
                both!(self, store => store.reap(now));
            }
            Call::Pass { seconds } => self.now = self.now.after(Duration::from_secs(seconds)),
            Call::Claim { worker, limit } => {
                let claim = self.claim(worker, limit);
                let claimed = both!(self, store => store.claim(claim.clone()));
                self.hold(claimed.runs);
            }
            Call::ClaimParked { worker, limit } => {
                let claim = self.claim(worker, limit);
                let claimed = both!(self, store => store.claim_parked(claim.clone()));
                self.hold(claimed);
            }
            Call::ClaimRun { worker, run } => {
                if self.runs.is_empty() {
                    return;
                }
                let (worker, run) = (self.worker(worker), *run.get(&self.runs));
                let now = self.now;
                let claimed = both!(self, store => store.claim_run(worker, now, run));
                self.hold(claimed.into_iter().collect());
            }
            Call::ReleaseStrays { worker, kept } => {
                let worker = self.worker(worker);
                let known = !self.runs.is_empty();
                let kept = kept.iter().filter(|_| known);
                let kept: Vec<_> = kept.map(|index| *index.get(&self.runs)).collect();
                both!(self, store => store.release_strays(worker, &kept));
            }
            Call::Write {
                worker,
                starts,
                mail,
                commits,
            } => {
                let batch = self.batch(worker, starts, mail, commits);
                self.write(batch).await;
            }
            Call::WriteAgain => {
                if let Some(batch) = self.last.take() {
                    self.write(batch).await;
                }
            }
        }
        self.compare().await;
    }

    fn claim(&self, worker: Index, limit: usize) -> Claim {
        Claim::new(self.worker(worker), self.now, limit)
    }

    fn hold(&mut self, runs: Vec<LoadedRun>) {
        self.holdings.extend(runs.into_iter().map(|run| Holding {
            run: run.run,
            created_at: run.created_at,
            epoch: run.epoch,
            status: match run.status {
                Status::Pending | Status::Parked => Status::Running,
                status => status,
            },
            position: u32::try_from(run.events.len()).unwrap(),
            mail: run.mail.iter().map(|mail| mail.id).collect(),
        }));
    }

    fn batch(
        &mut self,
        worker: Index,
        starts: Vec<Start>,
        mail: Vec<(Index, Letter)>,
        commits: Vec<Progress>,
    ) -> Batch {
        let worker = self.worker(worker);
        self.batches += 1;
        let mut batch = Batch {
            id: Some(BatchId {
                worker,
                number: self.batches,
            }),
            ..Batch::default()
        };
        for start in starts {
            let owner = start.owned.then_some(worker);
            batch.starts.push(self.new_run(start.name, owner, None));
        }
        if !self.runs.is_empty() {
            batch.mail = mail.into_iter().map(|mail| self.letter(mail)).collect();
        }
        for progress in commits {
            if self.holdings.is_empty() {
                continue;
            }
            let holding = progress.holding.get(&self.holdings).clone();
            if batch.commits.iter().all(|commit| commit.run != holding.run) {
                let commit = self.commit(worker, &holding, progress);
                batch.commits.push(commit);
            }
        }
        batch
    }

    fn new_run(&mut self, name: u8, owner: Option<WorkerId>, parent: Option<Parent>) -> NewRun {
        self.seeds += 1;
        NewRun {
            id: RunId::from_recorded(&format!("run-{name}")),
            workflow: workflow(name % 3),
            input: Payload::from_bytes(*b"1"),
            seed: self.seeds,
            at: self.now,
            parent,
            owner,
        }
    }

    fn letter(&self, (run, letter): (Index, Letter)) -> NewMail {
        let kind = match letter {
            Letter::Cancel => MailKind::Cancel,
            Letter::Abandon => MailKind::AbandonRollback,
            Letter::Signal(payload) => MailKind::Signal {
                name: "signal".to_owned(),
                payload: Payload::from_bytes(payload.to_string().into_bytes()),
            },
        };
        NewMail {
            to: MailTarget::Key(*run.get(&self.runs)),
            kind,
            at: self.now,
        }
    }

    fn commit(&mut self, worker: WorkerId, holding: &Holding, progress: Progress) -> Commit {
        let step = StepId::from_recorded("step");
        let event = Event {
            at: self.now,
            step: Some(step.clone()),
            kind: EventKind::StepCompleted {
                output: Payload::from_bytes(*b"2"),
            },
        };
        let mut commit = Commit {
            run: holding.run,
            created_at: holding.created_at,
            epoch: holding.epoch,
            position: holding.position,
            events: vec![event.clone(); progress.events.into()],
            update: progress.state.map(|state| self.update(state, holding)),
            children: Vec::new(),
            consumed: if progress.consumes {
                holding.mail.clone()
            } else {
                Vec::new()
            },
            outgoing: Vec::new(),
            at: self.now,
        };
        if progress.rolls_back {
            commit.events.push(Event {
                step: None,
                kind: EventKind::CancelRequested,
                ..event
            });
        }
        if let Some(child) = progress.child {
            let parent = Parent {
                run: holding.run,
                step,
            };
            commit
                .children
                .push(self.new_run(child, Some(worker), Some(parent)));
        }
        commit.outgoing = progress
            .letter
            .into_iter()
            .map(|mail| self.letter(mail))
            .collect();
        match progress.stale {
            Some(Staleness::Epoch) => commit.epoch = Epoch::new(commit.epoch.get() - 1),
            Some(Staleness::Position) => commit.position += 1,
            None => {}
        }
        commit
    }

    fn update(&self, state: NewState, holding: &Holding) -> RunUpdate {
        let seen = holding.mail.last().copied().unwrap_or(MailId::new(0));
        let release = |due, seen| Ownership::Release { due, seen };
        let (status, ownership) = match state {
            NewState::Keeps(status) => (status, Ownership::Keep),
            NewState::Releases {
                status,
                due_in,
                saw_all,
            } => {
                let due = due_in.map(|seconds| self.now.after(Duration::from_secs(seconds)));
                (
                    status,
                    release(due, if saw_all { MailId::new(i64::MAX) } else { seen }),
                )
            }
            NewState::Ends(status) => (status, release(None, seen)),
            NewState::Parks => (Status::Parked, release(None, seen)),
        };
        let may_be = holding.status.may_become(status);
        let status = if may_be { status } else { holding.status };
        let reason = (status == Status::Parked).then(|| "a reason".to_owned());
        RunUpdate {
            status,
            ownership,
            reason,
        }
    }

    async fn write(&mut self, batch: Batch) {
        let outcome = both!(self, store => store.commit(&batch));
        let starts = batch.starts.iter().zip(&outcome.starts);
        for (start, outcome) in starts {
            self.note_start(start, outcome);
        }
        for (commit, outcome) in batch.commits.iter().zip(&outcome.commits) {
            let CommitOutcome::Committed { children, .. } = outcome else {
                continue;
            };
            for (child, outcome) in commit.children.iter().zip(children) {
                self.note_start(child, outcome);
            }
            let events = u32::try_from(commit.events.len()).unwrap();
            let known = self.holdings.iter_mut();
            for holding in known.filter(|held| (held.run, held.epoch) == (commit.run, commit.epoch))
            {
                holding.position = commit.position + events;
                if let Some(update) = &commit.update {
                    holding.status = update.status;
                }
            }
        }
        self.last = Some(batch);
    }

    fn note_start(&mut self, start: &NewRun, outcome: &StartOutcome) {
        let StartOutcome::Created { run } = *outcome else {
            return;
        };
        if !self.runs.contains(&run) {
            self.runs.push(run);
        }
        let known = self.holdings.iter().any(|holding| holding.run == run);
        if start.owner.is_some() && !known {
            let mail = Vec::new();
            self.holdings.push(Holding {
                run,
                created_at: start.at,
                epoch: Epoch::new(1),
                status: Status::Running,
                position: 0,
                mail,
            });
        }
    }

    /// Everything that can be read.
    async fn compare(&self) {
        let query = RunQuery {
            limit: 100,
            ..RunQuery::default()
        };
        both!(self, store => store.list(&query));
        for run in self.runs.clone() {
            both!(self, store => store.history(run));
            both!(self, store => store.mailbox(run));
            both!(self, store => store.children(run));
        }
    }
}

async fn agree(calls: Vec<Call>) {
    let directory = TempDir::new("agreement").unwrap();
    let path = directory.path().join("runs.db");
    let store = SqliteStore::open(&path.to_string_lossy()).await.unwrap();
    let mut pair = Pair {
        model: MemoryStore::new(),
        store: &store,
        now: Timestamp::from_micros(1_700_000_000_000_000),
        workers: Vec::new(),
        holdings: Vec::new(),
        runs: Vec::new(),
        batches: 0,
        last: None,
        seeds: 0,
    };
    pair.make(Call::Register {
        lease: 60,
        drives: 3,
    })
    .await;
    for call in calls {
        pair.make(call).await;
    }
    store.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sqlite_does_what_the_model_does(calls in vec(call(), 1..40)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(agree(calls));
    }
}
