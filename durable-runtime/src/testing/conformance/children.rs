//! Children: started by a commit, and reporting to their parents.

use super::{
    fixture::{
        CommitExt, Fixture, at, cancel, child_ended, child_of, commit, commits, completed, id,
        mail, new_run, number, signal,
    },
    run::CaseResult,
};
use crate::{
    journal::{Payload, RunKey},
    status::Status,
    store::{CommitOutcome, MailKind, MailTarget, NewMail, NewRun, StartOutcome},
};

pub(super) async fn a_child_starts_with_its_parents_commit(f: Fixture) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let free = child_of(parent, "p/free", "free");
    let owned = NewRun {
        owner: Some(f.worker),
        ..child_of(parent, "p/owned", "owned")
    };
    let step = commit(parent, 1, 0).events([completed("x", 1)]);
    let written = f.committed(step.children([free.clone(), owned])).await?;
    let [
        StartOutcome::Created { run: free_run },
        StartOutcome::Created { run: owned_run },
    ] = written.children[..]
    else {
        return Err(format!("{written:?}").into());
    };
    assert_eq!(f.status(owned_run).await?, Status::Running);
    let loaded = f.claim_one(at(0)).await?;
    assert_eq!((loaded.run, loaded.parent), (free_run, free.parent));
    Ok(())
}

pub(super) async fn a_childs_id_that_is_taken_is_told(f: Fixture) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let there = f.start("p/c").await?;
    let mut child = child_of(parent, "p/c", "c");
    child.seed = 8;
    let step = commit(parent, 1, 0).events([completed("x", 1)]);
    let written = f.committed(step.children([child])).await?;
    let exists = StartOutcome::Exists {
        run: there,
        workflow: "flow".to_owned(),
        input: number(0),
        parent: None,
    };
    assert_eq!(written.children, [exists]);
    assert!(f.store().children(parent).await?.is_empty());
    Ok(())
}

pub(super) async fn children_are_listed_oldest_first(f: Fixture) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let other = f.start_owned("q").await?;
    for n in 0..3 {
        let step = commit(parent, 1, n).events([completed("x", n)]);
        let first = child_of(parent, &format!("p/{n}a"), "a");
        let second = child_of(parent, &format!("p/{n}b"), "b");
        f.committed(step.children([first, second])).await?;
        f.start_run(child_of(other, &format!("q/{n}"), "c")).await?;
    }
    let children = f.store().children(parent).await?;
    let ids: Vec<_> = children.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["p/0a", "p/0b", "p/1a", "p/1b", "p/2a", "p/2b"]);
    assert!(f.store().children(children[0].run).await?.is_empty());
    let bare = |from: usize, to: usize| {
        let mut runs = children[from..to].to_vec();
        runs.iter_mut()
            .for_each(|run| run.input = Payload::from_bytes([]));
        runs
    };
    for (after, limit) in [(0_usize, 1), (1, 1), (0, children.len()), (1, 99)] {
        let before = after
            .checked_sub(1)
            .map_or(RunKey::new(0), |last| children[last].run);
        let some = f.store().some_children(parent, before, limit).await?;
        let end = children.len().min(after + limit);
        assert_eq!(some.runs, bare(after, end));
        assert_eq!(some.more, (children.len() - end) as u64);
    }
    Ok(())
}

pub(super) async fn a_childs_end_reaches_a_waiting_parent(f: Fixture) -> CaseResult {
    let parent = f.waiting("p", None).await?;
    let child = f.start_owned("c").await?;
    let result = child_ended(parent, "c", Ok(5));
    let written = f
        .committed(
            commit(child, 1, 0)
                .ends(Status::Completed)
                .sends([result.clone()]),
        )
        .await?;
    let delivery = written.outgoing[0].ok_or("dropped")?;
    assert_eq!((delivery.run, delivery.owned), (parent, false));
    let loaded = f.claim_one(at(3)).await?;
    assert_eq!((loaded.run, loaded.mail.len()), (parent, 1));
    assert_eq!(
        (&loaded.mail[0].kind, Some(loaded.mail[0].id)),
        (&result.kind, delivery.mail)
    );
    Ok(())
}

pub(super) async fn a_childs_end_reaches_an_owned_parent(f: Fixture) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let child = f.start_owned("c").await?;
    let result = child_ended(parent, "c", Err("no"));
    let written = f
        .committed(
            commit(child, 1, 0)
                .ends(Status::Failed)
                .sends([result.clone()]),
        )
        .await?;
    assert!(written.outgoing[0].is_some_and(|delivery| delivery.owned));
    assert!(f.claim(at(1_000)).await?.is_empty());
    assert_eq!(f.mailbox(parent).await?, [result.kind]);
    Ok(())
}

pub(super) async fn mail_of_a_commit_for_nobody_is_dropped(f: Fixture) -> CaseResult {
    let sender = f.start_owned("a").await?;
    let ended = f.start_owned("b").await?;
    f.committed(commit(ended, 1, 0).ends(Status::Canceled))
        .await?;
    let alive = f.start_owned("c").await?;
    let unknown = NewMail {
        to: MailTarget::Id(id("nobody")),
        ..mail(alive, MailKind::Cancel)
    };
    let out = [
        cancel(ended),
        unknown,
        cancel(alive),
        cancel(RunKey::new(999_999)),
    ];
    let written = f
        .committed(commit(sender, 1, 0).events([completed("x", 1)]).sends(out))
        .await?;
    let arrived: Vec<bool> = written.outgoing.iter().map(Option::is_some).collect();
    assert_eq!(arrived, [false, false, true, false]);
    assert_eq!(f.mailbox(alive).await?, [MailKind::Cancel]);
    Ok(())
}

pub(super) async fn a_commit_reaches_the_child_it_starts(f: Fixture) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let to_child = NewMail {
        to: MailTarget::Id(id("p/c")),
        ..mail(parent, MailKind::Cancel)
    };
    let step = commit(parent, 1, 0).events([completed("x", 1)]);
    let step = step
        .children([child_of(parent, "p/c", "c")])
        .sends([to_child]);
    let written = f.committed(step).await?;
    assert!(written.outgoing[0].is_some_and(|delivery| !delivery.owned));
    let loaded = f.claim_one(at(0)).await?;
    assert_eq!(loaded.id, id("p/c"));
    assert_eq!(loaded.mail.len(), 1);
    Ok(())
}

/// A parent that lets go of its place in the batch in which its child ends is due, whichever of the
/// two comes first.
pub(super) async fn a_child_that_ends_while_its_parent_is_released_wakes_it(
    f: Fixture,
) -> CaseResult {
    for child_first in [true, false] {
        let parent = f.start_owned(&format!("p-{child_first}")).await?;
        let child = f.start_owned(&format!("c-{child_first}")).await?;
        let ends = commit(child, 1, 0).ends(Status::Completed);
        let ends = ends.sends([child_ended(parent, "c", Ok(1))]);
        let releases = commit(parent, 1, 0).release(Status::Suspended, None, 0);
        let batch = if child_first {
            [ends, releases]
        } else {
            [releases, ends]
        };
        f.write(commits(batch)).await?;
        let loaded = f.claim_one(at(3)).await?;
        assert_eq!((loaded.run, loaded.mail.len()), (parent, 1));
    }
    Ok(())
}

/// As above, with a parent that has been told to ignore the mail it has seen.
pub(super) async fn mail_after_a_release_of_the_same_batch_wakes_whatever_was_seen(
    f: Fixture,
) -> CaseResult {
    for status in [Status::Suspended, Status::Parked] {
        let run = f.start_owned(&format!("run-{status}")).await?;
        let sender = f.start_owned(&format!("sender-{status}")).await?;
        let releases = commit(run, 1, 0).release(status, None, i64::MAX);
        let sends = commit(sender, 1, 0)
            .events([completed("x", 1)])
            .sends([cancel(run)]);
        let outcome = f.write(commits([releases, sends])).await?;
        let CommitOutcome::Committed { outgoing, .. } = &outcome.commits[1] else {
            return Err("the commit was refused".into());
        };
        assert!(outgoing[0].is_some_and(|delivery| !delivery.owned));
        assert_eq!(f.claim_one(at(3)).await?.run, run);
    }
    Ok(())
}

pub(super) async fn mail_for_a_run_that_ends_in_the_same_batch(f: Fixture) -> CaseResult {
    for ends_first in [true, false] {
        let run = f.start_owned(&format!("run-{ends_first}")).await?;
        let sender = f.start_owned(&format!("sender-{ends_first}")).await?;
        let ends = commit(run, 1, 0).ends(Status::Completed);
        let sends = commit(sender, 1, 0)
            .events([completed("x", 1)])
            .sends([cancel(run)]);
        let batch = if ends_first {
            [ends, sends]
        } else {
            [sends, ends]
        };
        let outcome = f.write(commits(batch)).await?;
        let CommitOutcome::Committed { outgoing, .. } = &outcome.commits[usize::from(ends_first)]
        else {
            return Err("the commit was refused".into());
        };
        assert_eq!(outgoing[0].is_none(), ends_first);
        assert!(f.mailbox(run).await?.is_empty());
        assert!(f.claim(at(1_000)).await?.is_empty());
    }
    Ok(())
}

pub(super) async fn many_children_in_one_commit(f: Fixture) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let ids: Vec<String> = (0..700).map(|n| format!("p/c#{n}")).collect();
    let children = ids.iter().map(|id| child_of(parent, id, "c"));
    let step = commit(parent, 1, 0).events((0..700).map(|n| completed("x", n)));
    let written = f.committed(step.children(children)).await?;
    assert_eq!(written.children.len(), 700);
    let listed = f.store().children(parent).await?;
    let listed: Vec<_> = listed
        .iter()
        .map(|run| run.id.as_str().to_owned())
        .collect();
    assert_eq!(listed, ids);
    let ends = f.claim(at(0)).await?.into_iter().map(|run| {
        let ends = commit(run.run, 1, 0).ends(Status::Completed);
        ends.sends([child_ended(parent, "c", Ok(1))])
    });
    f.write(commits(ends)).await?;
    assert_eq!(f.mailbox(parent).await?.len(), 700);
    Ok(())
}

pub(super) async fn a_signal_from_a_commit_arrives(f: Fixture) -> CaseResult {
    let sender = f.start_owned("a").await?;
    let run = f.start_run(new_run("b")).await?;
    let step = commit(sender, 1, 0).events([completed("x", 1)]);
    f.committed(step.sends([signal(run, "s", 1), signal(run, "s", 2)]))
        .await?;
    let wanted = [signal(run, "s", 1).kind, signal(run, "s", 2).kind];
    assert_eq!(f.mailbox(run).await?, wanted);
    Ok(())
}
