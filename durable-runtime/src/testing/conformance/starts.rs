//! Starting runs.

use super::{
    fixture::{CommitExt, Fixture, at, child_of, commit, id, new_run, number, one, owned, starts},
    run::CaseResult,
};
use crate::{
    status::Status,
    store::{Batch, NewRun, Parent, StartOutcome},
};

pub(super) async fn a_new_run_is_pending_and_due_at_once(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    assert_eq!(f.status(run).await?, Status::Pending);
    let claimed = f.claim_one(at(0)).await?;
    assert_eq!(claimed.run, run);
    assert_eq!((claimed.status, claimed.epoch.get()), (Status::Pending, 1));
    Ok(())
}

pub(super) async fn a_run_started_for_a_worker_is_running_and_not_claimable(
    f: Fixture,
) -> CaseResult {
    let run = f.start_owned("a").await?;
    assert_eq!(f.status(run).await?, Status::Running);
    let claimed = f.claimed(at(1_000), 10).await?;
    assert!(claimed.runs.is_empty());
    assert_eq!(claimed.next_due, None);
    // Its epoch is 1: a commit at that epoch is its owner's.
    f.committed(commit(run, 1, 0).keep(Status::Running)).await?;
    Ok(())
}

pub(super) async fn a_row_says_what_the_start_said(f: Fixture) -> CaseResult {
    let parent = f.start_owned("parent").await?;
    let new = NewRun {
        workflow: "ship".to_owned(),
        input: number(42),
        at: at(5),
        ..child_of(parent, "child", "parcel")
    };
    let run = f.start_run(new.clone()).await?;
    let record = f.record(run).await?;
    assert_eq!((record.run, record.id), (run, id("child")));
    assert_eq!(
        (record.workflow.as_str(), record.status),
        ("ship", Status::Pending)
    );
    assert_eq!((record.input, record.parent), (new.input, new.parent));
    assert_eq!((record.created_at, record.updated_at), (at(5), at(5)));
    assert_eq!(record.reason, None);
    Ok(())
}

pub(super) async fn the_same_id_again_changes_nothing_and_tells_what_is_there(
    f: Fixture,
) -> CaseResult {
    let run = f.start("a").await?;
    let before = f.record(run).await?;
    let again = NewRun {
        workflow: "other".to_owned(),
        input: number(1),
        seed: 8,
        at: at(9),
        ..owned("a", f.worker)
    };
    let exists = StartOutcome::Exists {
        run,
        workflow: "flow".to_owned(),
        input: number(0),
        parent: None,
    };
    assert_eq!(f.try_start(again).await?, exists);
    assert_eq!(f.record(run).await?, before);
    assert_eq!(f.claim_one(at(0)).await?.run, run);
    Ok(())
}

pub(super) async fn an_existing_run_tells_its_parent(f: Fixture) -> CaseResult {
    let parent = f.start_owned("parent").await?;
    f.start_run(child_of(parent, "child", "step")).await?;
    let mut again = child_of(parent, "child", "step");
    again.seed = 8;
    match f.try_start(again).await? {
        StartOutcome::Exists { parent: told, .. } => assert_eq!(told, Some(parent)),
        StartOutcome::Created { .. } => return Err("started twice".into()),
    }
    Ok(())
}

pub(super) async fn the_same_id_twice_in_a_batch_starts_one_run(f: Fixture) -> CaseResult {
    let second = NewRun {
        input: number(2),
        seed: 8,
        ..new_run("a")
    };
    let outcome = f
        .write(starts([new_run("a"), second, new_run("b")]))
        .await?;
    let [
        StartOutcome::Created { run: a },
        StartOutcome::Exists { run, input, .. },
        StartOutcome::Created { run: b },
    ] = &outcome.starts[..]
    else {
        return Err(format!("{outcome:?}").into());
    };
    assert_eq!((a, input), (run, &number(0)));
    assert_ne!(a, b);
    assert_eq!(f.claim(at(0)).await?.len(), 2);
    Ok(())
}

pub(super) async fn a_batch_mixes_new_and_existing_runs(f: Fixture) -> CaseResult {
    f.start("1").await?;
    f.start("3").await?;
    let again = |n: u32| NewRun {
        seed: 8,
        ..new_run(&n.to_string())
    };
    let outcome = f.write(starts((0..5).map(again))).await?;
    let created: Vec<bool> = outcome
        .starts
        .iter()
        .map(|start| matches!(start, StartOutcome::Created { .. }))
        .collect();
    assert_eq!(created, [true, false, true, false, true]);
    assert_eq!(f.claim(at(0)).await?.len(), 5);
    Ok(())
}

pub(super) async fn numbers_grow_in_the_order_of_the_starts(f: Fixture) -> CaseResult {
    let mut numbers = vec![f.start("first").await?];
    let batch = starts((0..40).map(|n| new_run(&format!("batch-{n}"))));
    for outcome in f.write(batch).await?.starts {
        match outcome {
            StartOutcome::Created { run } => numbers.push(run),
            exists => return Err(format!("{exists:?}").into()),
        }
    }
    numbers.push(f.start("last").await?);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(f.record(numbers[3]).await?.id, id("batch-2"));
    Ok(())
}

pub(super) async fn an_ended_run_keeps_its_id(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    f.committed(commit(run, 1, 0).ends(Status::Completed))
        .await?;
    let mut again = new_run("a");
    again.seed = 8;
    let outcome = f.try_start(again).await?;
    assert!(matches!(outcome, StartOutcome::Exists { run: there, .. } if there == run));
    assert_eq!(f.status(run).await?, Status::Completed);
    assert!(f.claim(at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn seeds_of_any_size_are_kept(f: Fixture) -> CaseResult {
    let seeds = [i64::MIN, -1, 0, 1, i64::MAX];
    for (n, seed) in seeds.into_iter().enumerate() {
        f.start_run(NewRun {
            seed,
            ..new_run(&n.to_string())
        })
        .await?;
    }
    let claimed = f.claim(at(0)).await?;
    let mut kept: Vec<i64> = claimed.iter().map(|run| run.seed).collect();
    kept.sort_unstable();
    assert_eq!(kept, seeds);
    Ok(())
}

pub(super) async fn an_empty_batch_is_nothing(f: Fixture) -> CaseResult {
    let outcome = f.write(Batch::default()).await?;
    assert!(outcome.starts.is_empty() && outcome.mail.is_empty() && outcome.commits.is_empty());
    Ok(())
}

pub(super) async fn ids_that_look_alike_are_different(f: Fixture) -> CaseResult {
    // Case, trailing space, and the same letter in two normal forms.
    let ids = ["a", "A", "a ", " a", "\u{e4}", "a\u{308}", "0", "00", "0.0"];
    for id in ids {
        f.start(id).await?;
    }
    for wanted in ids {
        let found = f.store().find(&id(wanted)).await?;
        assert_eq!(found.map(|run| run.id), Some(id(wanted)));
    }
    assert_eq!(f.claim(at(0)).await?.len(), ids.len());
    Ok(())
}

/// What a parent's row says of a child is what the start said.
pub(super) async fn a_parent_is_loaded_with_its_child(f: Fixture) -> CaseResult {
    let parent = f.start_owned("parent").await?;
    let new = child_of(parent, "child", "parcel");
    let wanted: Option<Parent> = new.parent.clone();
    f.start_run(new).await?;
    let loaded = one(f.claim(at(0)).await?, "child due")?;
    assert_eq!(loaded.parent, wanted);
    Ok(())
}
