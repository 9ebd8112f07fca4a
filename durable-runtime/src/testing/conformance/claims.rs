//! Claiming runs that are due.

use super::{
    fixture::{
        CommitExt, Fallible, Fixture, at, child_of, commit, completed, new_run, number, one, owned,
        signal,
    },
    run::CaseResult,
};
use crate::{
    journal::{Event, EventKind, Payload, RunKey, StepId, Timestamp, WorkerId},
    status::Status,
    store::{Claim, NewRun, NewWorker},
};

pub(super) async fn a_claim_bumps_the_epoch_and_begins_a_pending_run(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let loaded = f.claim_one(at(4)).await?;
    assert_eq!(
        (loaded.run, loaded.status, loaded.epoch.get()),
        (run, Status::Pending, 1)
    );
    let record = f.record(run).await?;
    assert_eq!((record.status, record.updated_at), (Status::Running, at(4)));
    f.committed(commit(run, 1, 0).release(Status::Suspended, Some(at(5)), 0))
        .await?;
    assert_eq!(f.claim_one(at(5)).await?.epoch.get(), 2);
    Ok(())
}

pub(super) async fn a_claim_keeps_every_other_status(f: Fixture) -> CaseResult {
    for status in [Status::Running, Status::Suspended, Status::Compensating] {
        let run = f.start_owned(status.as_str()).await?;
        f.committed(commit(run, 1, 0).release(status, Some(at(3)), 0))
            .await?;
        let loaded = f.claim_one(at(3)).await?;
        assert_eq!(loaded.status, status);
        assert_eq!(f.status(run).await?, status);
    }
    Ok(())
}

pub(super) async fn a_claim_loads_the_whole_run(f: Fixture) -> CaseResult {
    let parent = f.start_owned("parent").await?;
    let new = NewRun {
        workflow: "ship".to_owned(),
        input: number(42),
        seed: -3,
        at: at(1),
        owner: Some(f.worker),
        ..child_of(parent, "parent/c", "c")
    };
    let run = f.start_run(new.clone()).await?;
    let events: Vec<_> = (0..30).map(|n| completed("step", n)).collect();
    let mut step = commit(run, 1, 0).events(events.clone());
    step.created_at = at(1);
    f.committed(step.release(Status::Suspended, Some(at(3)), 0))
        .await?;
    f.deliver(signal(run, "s", 1)).await?;
    let loaded = f.claim_one(at(3)).await?;
    assert_eq!((loaded.run, &loaded.id), (run, &new.id));
    assert_eq!((loaded.workflow, loaded.input), (new.workflow, new.input));
    assert_eq!((loaded.seed, loaded.parent), (new.seed, new.parent));
    assert_eq!((loaded.created_at, loaded.epoch.get()), (at(1), 2));
    assert_eq!(loaded.events, events);
    assert_eq!(loaded.mail.len(), 1);
    Ok(())
}

pub(super) async fn runs_come_longest_due_first(f: Fixture) -> CaseResult {
    let late = f.waiting("late", Some(at(9))).await?;
    let early = f.waiting("early", Some(at(5))).await?;
    let middle = f.waiting("middle", Some(at(7))).await?;
    let now = f.start("now").await?;
    let order: Vec<_> = f.claim(at(10)).await?.iter().map(|run| run.run).collect();
    assert_eq!(order, [now, early, middle, late]);
    Ok(())
}

pub(super) async fn a_limit_is_kept_and_the_rest_stays_due(f: Fixture) -> CaseResult {
    let mut started = Vec::new();
    for n in 0..7 {
        started.push(f.start(&n.to_string()).await?);
    }
    let mut claimed = Vec::new();
    for expected in [3, 3, 1, 0] {
        let page = f.claimed(at(1), 3).await?;
        assert_eq!(page.runs.len(), expected);
        claimed.extend(page.runs.iter().map(|run| run.run));
        let more = claimed.len() < started.len();
        assert_eq!(page.next_due.is_some_and(|due| due <= at(1)), more);
    }
    claimed.sort_unstable();
    assert_eq!(claimed, started);
    Ok(())
}

pub(super) async fn a_limit_of_zero_takes_nothing(f: Fixture) -> CaseResult {
    f.start("a").await?;
    let claimed = f.claimed(at(1), 0).await?;
    assert!(claimed.runs.is_empty());
    assert!(claimed.next_due.is_some_and(|due| due <= at(1)));
    assert_eq!(f.claim(at(1)).await?.len(), 1);
    Ok(())
}

pub(super) async fn nothing_is_taken_before_its_time(f: Fixture) -> CaseResult {
    let run = f.waiting("a", Some(at(5))).await?;
    let before = Timestamp::from_micros(at(5).as_micros() - 1);
    assert!(f.claim(before).await?.is_empty());
    assert_eq!(f.claim_one(at(5)).await?.run, run);
    Ok(())
}

pub(super) async fn the_next_due_time_is_told(f: Fixture) -> CaseResult {
    f.waiting("a", Some(at(50))).await?;
    f.waiting("b", Some(at(40))).await?;
    f.waiting("c", None).await?;
    assert_eq!(f.claimed(at(1), 10).await?.next_due, Some(at(40)));
    let claimed = f.claimed(at(40), 10).await?;
    assert_eq!((claimed.runs.len(), claimed.next_due), (1, Some(at(50))));
    Ok(())
}

pub(super) async fn without_a_waiting_run_nothing_is_due_next(f: Fixture) -> CaseResult {
    assert_eq!(f.claimed(at(1), 10).await?.next_due, None);
    f.start("a").await?;
    assert_eq!(f.claimed(at(1), 10).await?.next_due, None);
    f.waiting("b", None).await?;
    assert_eq!(f.claimed(at(1), 10).await?.next_due, None);
    Ok(())
}

pub(super) async fn an_owned_run_is_not_claimed_again(f: Fixture) -> CaseResult {
    f.start("a").await?;
    f.claim_one(at(1)).await?;
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    for worker in [f.worker, other] {
        let claim = Claim::new(worker, at(1_000), 10);
        assert!(f.store().claim(claim).await?.runs.is_empty());
    }
    Ok(())
}

pub(super) async fn a_claim_takes_fewer_runs_when_they_are_large(f: Fixture) -> CaseResult {
    let blob = |mib: usize| Payload::from_bytes(vec![b'1'; mib << 20]);
    // The first is more than a claim takes of several, and is taken alone.
    for (id, mib) in [("a", 17), ("b", 6), ("c", 6), ("d", 6)] {
        let mut new = new_run(id);
        new.input = blob(mib);
        f.start_run(new).await?;
    }
    // Its journal is what is large.
    let last = f.start_owned("e").await?;
    let output = || EventKind::StepCompleted { output: blob(3) };
    let events = [output(), output()].map(|kind| Event {
        at: at(0),
        step: Some(StepId::from_recorded("x")),
        kind,
    });
    let step = commit(last, 1, 0).events(events);
    f.committed(step.release(Status::Suspended, Some(at(1)), 0))
        .await?;
    let mut taken = Vec::new();
    for _ in 0..3 {
        let claimed = f.claimed(at(1), 10).await?;
        let ids = claimed.runs.iter().map(|run| run.id.to_string());
        taken.push(ids.collect::<Vec<_>>());
        let is_more = taken.len() < 3;
        assert_eq!(claimed.next_due.is_some_and(|due| due <= at(1)), is_more);
    }
    assert_eq!(taken, [vec!["a"], vec!["b", "c"], vec!["d", "e"]]);
    Ok(())
}

pub(super) async fn an_unregistered_worker_takes_nothing(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let retired = f.store().register_worker(NewWorker::until(at(60))).await?;
    f.store().retire_worker(retired).await?;
    for worker in [retired, WorkerId::new(999_999)] {
        let claim = Claim::new(worker, at(1), 10);
        assert!(f.store().claim(claim).await?.runs.is_empty());
    }
    let loaded = one(f.claim(at(1)).await?, "run due")?;
    assert_eq!((loaded.run, loaded.epoch.get()), (run, 1));
    Ok(())
}

pub(super) async fn a_wait_without_end_is_never_due(f: Fixture) -> CaseResult {
    f.waiting("a", None).await?;
    let end_of_time = Timestamp::from_micros(i64::MAX);
    assert!(f.claim(end_of_time).await?.is_empty());
    let far = f.waiting("b", Some(end_of_time)).await?;
    assert!(f.claim(at(1_000_000)).await?.is_empty());
    assert_eq!(f.claim_one(end_of_time).await?.run, far);
    Ok(())
}

pub(super) async fn a_run_is_claimed_by_itself_if_it_may_be(f: Fixture) -> CaseResult {
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    let (due, mine) = (f.start("due").await?, f.start_owned("mine").await?);
    let parked = f.start_owned("parked").await?;
    f.committed(commit(parked, 1, 0).release(Status::Parked, None, 0))
        .await?;
    let later = f.waiting("later", Some(at(50))).await?;
    let theirs = f.start_run(owned("theirs", other)).await?;
    let ended = f.start_owned("ended").await?;
    f.committed(commit(ended, 1, 0).ends(Status::Completed))
        .await?;
    f.deliver(signal(due, "s", 1)).await?;
    let claim = async |worker, run| f.store().claim_run(worker, at(3), run).await;
    for run in [later, theirs, ended, RunKey::new(999_999)] {
        assert_eq!(claim(f.worker, run).await?, None, "{run:?}");
    }
    for (run, epoch, status) in [
        (due, 1, Status::Pending),
        (due, 2, Status::Running),
        (mine, 2, Status::Running),
        (parked, 2, Status::Parked),
    ] {
        let loaded = claim(f.worker, run).await?.ok_or("it was not taken")?;
        assert_eq!((loaded.run, loaded.status), (run, status));
        assert_eq!(loaded.epoch.get(), epoch);
        assert_eq!(loaded.mail.len(), usize::from(run == due));
        assert_eq!(f.status(run).await?, Status::Running);
        assert_eq!(claim(other, run).await?, None, "{run:?} is taken");
    }
    f.committed(commit(mine, 2, 0).events([completed("x", 1)]))
        .await?;
    // Nobody would free what one takes who is gone.
    f.store().retire_worker(f.worker).await?;
    assert_eq!(claim(f.worker, due).await?, None);
    assert!(claim(other, due).await?.is_some());
    Ok(())
}

/// Registers a worker that can drive these workflows.
async fn driver(f: &Fixture, workflows: &[&str]) -> Fallible<WorkerId> {
    let worker = NewWorker {
        lease_until: at(60),
        workflows: Some(workflows.iter().map(ToString::to_string).collect()),
    };
    Ok(f.store().register_worker(worker).await?)
}

/// Starts a run of a workflow, due at once.
async fn start_of(f: &Fixture, workflow: &str, id: &str) -> Fallible<RunKey> {
    let new = NewRun {
        workflow: workflow.to_owned(),
        ..new_run(id)
    };
    f.start_run(new).await
}

/// What a worker takes, by number, and when it is to look again.
async fn taken(f: &Fixture, worker: WorkerId) -> Fallible<(Vec<RunKey>, Option<Timestamp>)> {
    let claim = Claim::new(worker, at(1), 10);
    let claimed = f.store().claim(claim).await?;
    let runs = claimed.runs.iter().map(|run| run.run);
    Ok((runs.collect(), claimed.next_due))
}

pub(super) async fn a_worker_takes_what_it_can_drive(f: Fixture) -> CaseResult {
    f.store().retire_worker(f.worker).await?;
    let shop = driver(&f, &["order", "refund"]).await?;
    let mill = driver(&f, &["flour", "it\"s, {tricky}"]).await?;
    let idle = driver(&f, &[]).await?;
    let flour = start_of(&f, "flour", "a").await?;
    let order = start_of(&f, "order", "b").await?;
    let tricky = start_of(&f, "it\"s, {tricky}", "c").await?;
    let refund = start_of(&f, "refund", "d").await?;
    assert_eq!(taken(&f, idle).await?, (vec![], None));
    assert_eq!(taken(&f, shop).await?, (vec![order, refund], None));
    assert_eq!(taken(&f, mill).await?, (vec![flour, tricky], None));
    Ok(())
}

pub(super) async fn a_workflow_that_nobody_can_drive_is_anybodys(f: Fixture) -> CaseResult {
    f.store().retire_worker(f.worker).await?;
    let mill = driver(&f, &["flour"]).await?;
    let other = driver(&f, &["oil"]).await?;
    let order = start_of(&f, "order", "a").await?;
    let flour = start_of(&f, "flour", "b").await?;
    assert_eq!(taken(&f, other).await?, (vec![order], None));
    // Its last worker gone, a workflow is nobody's any more.
    f.store().retire_worker(mill).await?;
    assert_eq!(taken(&f, other).await?, (vec![flour], None));
    Ok(())
}

pub(super) async fn workflows_take_turns_by_their_due_times(f: Fixture) -> CaseResult {
    let mut expected = Vec::new();
    for n in 0..9_u64 {
        let workflow = ["b", "c", "a"][n as usize % 3];
        let new = NewRun {
            workflow: workflow.to_owned(),
            ..owned(&n.to_string(), f.worker)
        };
        let run = f.start_run(new).await?;
        f.committed(commit(run, 1, 0).release(Status::Suspended, Some(at(n)), 0))
            .await?;
        expected.push(run);
    }
    for page in expected.chunks(2) {
        let claimed = f.claimed(at(8), 2).await?;
        let runs: Vec<_> = claimed.runs.iter().map(|run| run.run).collect();
        assert_eq!(runs, page);
    }
    Ok(())
}
