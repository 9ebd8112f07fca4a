//! Listing runs, page by page.

use super::{
    fixture::{CommitExt, Fallible, Fixture, at, child_of, commit, new_run},
    run::CaseResult,
};
use crate::{
    journal::{Payload, RunKey},
    status::Status,
    store::{NewRun, RunPage, RunQuery, RunRecord},
};

fn all(limit: usize) -> RunQuery {
    RunQuery {
        limit,
        ..RunQuery::default()
    }
}

async fn page(f: &Fixture, query: &RunQuery) -> Fallible<RunPage> {
    Ok(f.store().list(query).await?)
}

fn keys(page: &RunPage) -> Vec<RunKey> {
    page.runs.iter().map(|run| run.run).collect()
}

/// Every run of a query, page by page.
async fn walk(f: &Fixture, mut query: RunQuery) -> Fallible<Vec<RunKey>> {
    let mut runs = Vec::new();
    loop {
        let page = page(f, &query).await?;
        assert!(page.runs.len() <= query.limit);
        runs.extend(keys(&page));
        match page.next {
            Some(next) => query.before = Some(next),
            None => return Ok(runs),
        }
    }
}

async fn many(f: &Fixture, count: u32) -> Fallible<Vec<RunKey>> {
    let mut runs = Vec::new();
    for n in 0..count {
        runs.push(f.start(&n.to_string()).await?);
    }
    Ok(runs)
}

pub(super) async fn an_empty_database_has_one_empty_page(f: Fixture) -> CaseResult {
    let page = page(&f, &all(10)).await?;
    assert!(page.runs.is_empty() && page.next.is_none());
    Ok(())
}

pub(super) async fn runs_come_newest_first(f: Fixture) -> CaseResult {
    let mut runs = many(&f, 5).await?;
    runs.reverse();
    assert_eq!(keys(&page(&f, &all(10)).await?), runs);
    Ok(())
}

pub(super) async fn pages_cover_everything_once(f: Fixture) -> CaseResult {
    let mut runs = many(&f, 23).await?;
    runs.reverse();
    for limit in [1, 2, 7, 22, 23, 24] {
        assert_eq!(walk(&f, all(limit)).await?, runs, "pages of {limit}");
    }
    Ok(())
}

pub(super) async fn a_full_last_page_says_that_it_is_the_last(f: Fixture) -> CaseResult {
    let runs = many(&f, 6).await?;
    let first = page(&f, &all(3)).await?;
    assert_eq!(first.next, Some(runs[3]));
    let mut rest = all(3);
    rest.before = first.next;
    let last = page(&f, &rest).await?;
    assert_eq!((last.runs.len(), last.next), (3, None));
    Ok(())
}

pub(super) async fn a_new_run_does_not_shift_the_pages(f: Fixture) -> CaseResult {
    let runs = many(&f, 6).await?;
    let first = page(&f, &all(3)).await?;
    f.start("late").await?;
    let mut rest = all(3);
    rest.before = first.next;
    assert_eq!(keys(&page(&f, &rest).await?), [runs[2], runs[1], runs[0]]);
    Ok(())
}

pub(super) async fn a_status_filters(f: Fixture) -> CaseResult {
    let pending = f.start("pending").await?;
    let mut by_status = vec![(Status::Pending, pending)];
    for status in Status::ALL {
        if status == Status::Pending {
            continue;
        }
        let run = f.start_owned(status.as_str()).await?;
        let commit = commit(run, 1, 0);
        let commit = if status.is_terminal() {
            commit.ends(status)
        } else {
            commit.release(status, None, 0)
        };
        f.committed(commit).await?;
        by_status.push((status, run));
    }
    for (status, run) in by_status {
        let mut query = all(10);
        query.statuses = vec![status];
        assert_eq!(walk(&f, query).await?, [run], "{status}");
    }
    Ok(())
}

pub(super) async fn several_statuses_are_alternatives(f: Fixture) -> CaseResult {
    let pending = f.start("a").await?;
    let running = f.start_owned("b").await?;
    let ended = f.start_owned("c").await?;
    f.committed(commit(ended, 1, 0).ends(Status::Completed))
        .await?;
    let mut query = all(1);
    query.statuses = vec![Status::Running, Status::Pending, Status::Running];
    assert_eq!(walk(&f, query.clone()).await?, [running, pending]);
    query.statuses = vec![Status::Completed, Status::Pending];
    assert_eq!(walk(&f, query).await?, [ended, pending]);
    Ok(())
}

pub(super) async fn a_workflow_filters_by_its_whole_name(f: Fixture) -> CaseResult {
    let names = ["order", "Order", "order_2", "ord", "%", "o_der"];
    for name in names {
        let run = f.start_run(NewRun {
            workflow: name.to_owned(),
            ..new_run(&format!("run-{name}"))
        });
        let run = run.await?;
        let mut query = all(10);
        query.workflow = Some(name.to_owned());
        assert_eq!(walk(&f, query).await?, [run], "{name}");
    }
    let mut nothing = all(10);
    nothing.workflow = Some("or%".to_owned());
    assert!(walk(&f, nothing).await?.is_empty());
    Ok(())
}

pub(super) async fn filters_hold_across_pages(f: Fixture) -> CaseResult {
    let mut wanted = Vec::new();
    for n in 0..24 {
        let even = n % 2 == 0;
        let name = if even { "even" } else { "odd" };
        let run = f.start_run(NewRun {
            workflow: name.to_owned(),
            owner: (n % 3 == 0).then_some(f.worker),
            ..new_run(&n.to_string())
        });
        let run = run.await?;
        if even && n % 3 != 0 {
            wanted.insert(0, run);
        }
    }
    let mut query = all(3);
    query.workflow = Some("even".to_owned());
    query.statuses = vec![Status::Pending];
    assert_eq!(walk(&f, query).await?, wanted);
    Ok(())
}

pub(super) async fn a_page_shows_what_a_read_shows(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    f.claim_one(at(3)).await?;
    let park = commit(run, 1, 0)
        .release(Status::Parked, None, 0)
        .reason("why");
    f.committed(park).await?;
    let read = RunRecord {
        input: Payload::from_bytes([]),
        ..f.record(run).await?
    };
    assert_eq!(page(&f, &all(1)).await?.runs, [read]);
    Ok(())
}

pub(super) async fn the_children_of_a_run_are_listed(f: Fixture) -> CaseResult {
    let (one, two) = (f.start("one").await?, f.start("two").await?);
    let mut children = Vec::new();
    for n in 0..9_u32 {
        let parent = if n % 3 == 0 { two } else { one };
        let new = NewRun {
            workflow: if n < 4 { "early" } else { "late" }.to_owned(),
            owner: (n % 2 == 0).then_some(f.worker),
            ..child_of(parent, &n.to_string(), "child")
        };
        children.push(f.start_run(new).await?);
    }
    // A child of a child is none of the run's.
    f.start_run(child_of(children[1], "grandchild", "child"))
        .await?;
    let of = |parent| RunQuery {
        parent: Some(parent),
        ..all(2)
    };
    let expected = |numbers: &[usize]| -> Vec<_> { numbers.iter().map(|n| children[*n]).collect() };
    assert_eq!(walk(&f, of(one)).await?, expected(&[8, 7, 5, 4, 2, 1]));
    assert_eq!(walk(&f, of(two)).await?, expected(&[6, 3, 0]));
    assert!(walk(&f, of(children[0])).await?.is_empty());
    let late = RunQuery {
        workflow: Some("late".to_owned()),
        ..of(one)
    };
    assert_eq!(walk(&f, late.clone()).await?, expected(&[8, 7, 5, 4]));
    let running = RunQuery {
        statuses: vec![Status::Running],
        ..late
    };
    assert_eq!(walk(&f, running).await?, expected(&[8, 4]));
    Ok(())
}
