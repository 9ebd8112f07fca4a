//! What a client is told: attaching, conflicts, bad input, snapshots and lists.

use std::time::Duration;

use durable::{ErrorKind, Status, prelude::*};

use super::world::{Book, World};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Parcel {
    to: String,
    grams: u32,
}

fn parcel(grams: u32) -> Parcel {
    Parcel {
        to: "Ada".into(),
        grams,
    }
}

#[durable::workflow]
async fn post(ctx: &Ctx, parcel: Parcel) -> durable::Result<u32> {
    let weight = ctx
        .step("weigh", |step| {
            step.state::<Book>().write("weigh");
            let grams = parcel.grams;
            async move { Ok::<_, String>(grams) }
        })
        .await?;
    let stamps = ctx.signal::<u32>("stamps").timeout(DAY).await?;
    Ok(weight * stamps)
}

#[durable::workflow]
async fn other(_ctx: &Ctx, _parcel: Parcel) -> durable::Result<u32> {
    Ok(0)
}

#[tokio::test]
async fn a_start_with_the_same_id_and_input_attaches() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let starts = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.start::<post>("p", parcel(7)).await })
    });
    let mut runs = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        runs.push(start.await.unwrap().unwrap());
    }
    runs[49].signal(post::stamps, 2).await.unwrap();
    for run in &runs {
        assert_eq!(run.result().await.unwrap(), 14);
    }
    assert_eq!(world.book.lines(), ["weigh"]);
    // Also when it has ended.
    let again = client.start::<post>("p", parcel(7)).await.unwrap();
    assert_eq!(again.result().await.unwrap(), 14);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn another_input_or_another_workflow_under_the_same_id_is_a_conflict() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    client.start::<post>("p", parcel(7)).await.unwrap();
    let error = client.start::<post>("p", parcel(8)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("`p`") && error.to_string().contains("another input"));
    let error = client.start::<other>("p", parcel(7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("`post`") && error.to_string().contains("`other`"));
    let error = client.attach::<other>("p").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = client.attach::<post>("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRun);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_written() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let good = r#"{"to":"Ada","grams":7}"#;
    for (workflow, id, input, kind) in [
        ("pst", "p", good, ErrorKind::UnknownWorkflow),
        ("post", "", good, ErrorKind::InvalidRunId),
        ("post", "a/b", good, ErrorKind::InvalidRunId),
        ("post", "a\0b", good, ErrorKind::InvalidRunId),
        ("post", &"x".repeat(201), good, ErrorKind::InvalidRunId),
        ("post", "p", "", ErrorKind::InvalidPayload),
        ("post", "p", "{", ErrorKind::InvalidPayload),
        ("post", "p", r#"{"to":"Ada"}"#, ErrorKind::InvalidPayload),
        (
            "post",
            "p",
            r#"{"to":"Ada","grams":-1}"#,
            ErrorKind::InvalidPayload,
        ),
        (
            "post",
            "p",
            "{\"to\":\"Ada\",\"grams\":7} x",
            ErrorKind::InvalidPayload,
        ),
    ] {
        let error = client.start_by_name(workflow, id, input).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{workflow} {id:?} {input}: {error}");
        assert!(!error.to_string().is_empty());
    }
    let error = client.start_by_name("pst", "p", good).await.unwrap_err();
    assert!(
        error.to_string().contains("`pst`") && error.to_string().contains("post"),
        "{error}"
    );
    let huge = Parcel {
        to: "x".repeat(3 << 20),
        grams: 1,
    };
    let error = client.start::<post>("p", huge).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PayloadTooLarge);
    assert!(error.to_string().contains("`p`"), "{error}");
    assert!(client.list().next_page().await.unwrap().is_empty());
    client.start_by_name("post", "p", good).await.unwrap();
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn unknown_runs_are_named() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let errors = [
        client.cancel("ghost").await.unwrap_err(),
        client.status("ghost").await.unwrap_err(),
        client.history("ghost").await.unwrap_err(),
        client.attach_by_id("ghost").await.unwrap_err(),
        client
            .signal_by_name("ghost", "stamps", "1")
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::UnknownRun);
        assert!(error.to_string().contains("`ghost`"), "{error}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_shows_where_a_run_stands() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<post>("p", parcel(7)).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    let now = durable::Clock::now(&world.clock);
    let waiting = run.status().await.unwrap();
    assert_eq!(waiting.id.as_str(), "p");
    assert_eq!(waiting.workflow, "post");
    assert_eq!(waiting.status, Status::Suspended);
    assert_eq!((waiting.done, waiting.waiting.len()), (1, 1));
    assert_eq!(waiting.waiting[0].until, Some(now.after(DAY)));
    assert_eq!(
        waiting.input,
        serde_json::json!({ "to": "Ada", "grams": 7 })
    );
    assert_eq!(waiting.awaiting_signal.as_deref(), Some("stamps"));
    assert_eq!(waiting.wake_at, Some(now.after(DAY)));
    let results = serde_json::to_value(&waiting.results).unwrap();
    assert_eq!(results, serde_json::json!({ "weigh": 7 }));
    let next: Vec<_> = waiting.available_transitions().map(|t| t.name).collect();
    assert_eq!(next, ["roll_back", "cancel"]);

    run.signal(post::stamps, 3).await.unwrap();
    run.result().await.unwrap();
    let ended = run.status().await.unwrap();
    assert_eq!(ended.status, Status::Completed);
    assert_eq!(ended.available_transitions().count(), 0);
    assert_eq!((ended.done, ended.waiting.len()), (2, 0));
    assert_eq!((ended.in_flight.len(), ended.output), (0, Some(21.into())));
    assert_eq!((ended.awaiting_signal, ended.wake_at), (None, None));
    let results = serde_json::to_value(&ended.results).unwrap();
    assert_eq!(results, serde_json::json!({ "stamps": 3, "weigh": 7 }));
    assert_eq!(ended.failure, None);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_stable_pages() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    for number in 0..25 {
        client
            .start::<post>(format!("p{number}"), parcel(number))
            .await
            .unwrap();
        let run = client
            .start::<other>(format!("o{number}"), parcel(0))
            .await
            .unwrap();
        run.result().await.unwrap();
    }
    let mut list = client.list().workflow("post").page_size(10);
    let mut pages = Vec::new();
    loop {
        let page = list.next_page().await.unwrap();
        // A run that is started meanwhile shifts nothing.
        client
            .start::<post>(format!("late{}", pages.len()), parcel(1))
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        pages.push(page);
    }
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 5]);
    let ids: Vec<_> = pages
        .iter()
        .flatten()
        .map(|run| run.id.as_str().to_owned())
        .collect();
    let newest_first: Vec<_> = (0..25).rev().map(|number| format!("p{number}")).collect();
    assert_eq!(ids, newest_first);

    let completed = client.list().status(Status::Completed).page_size(1_000);
    let completed = completed.clone().next_page().await.unwrap();
    assert_eq!(completed.len(), 25);
    assert!(completed.iter().all(|run| run.workflow == "other"));
    let none = client
        .list()
        .status(Status::Parked)
        .next_page()
        .await
        .unwrap();
    assert!(none.is_empty());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_result_is_told_to_everybody_who_waits_and_to_those_who_come_later() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<post>("p", parcel(1)).await.unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let run = run.clone();
            tokio::spawn(async move { run.result().await })
        })
        .collect();
    client.signal_by_name("p", "stamps", "9").await.unwrap();
    for result in waiting {
        assert_eq!(result.await.unwrap().unwrap(), 9);
    }
    assert_eq!(
        client
            .attach::<post>("p")
            .await
            .unwrap()
            .result()
            .await
            .unwrap(),
        9
    );
    let json = client
        .attach_by_id("p")
        .await
        .unwrap()
        .result_json()
        .await
        .unwrap();
    assert_eq!(json, "9");
    engine.shutdown().await.unwrap();
}
