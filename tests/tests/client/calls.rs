//! Every call of a client reaches the worker elsewhere, and is answered as in its own process.

use durable::{Client, ErrorKind, Limits, Result, Status};
use durable_tests::soon;

use super::world::{World, knowing_nothing, letters, office, on_each, post};

on_each!(
    a_run_is_started_signaled_and_waited_for,
    types_are_enough_without_the_registration,
    a_run_is_canceled_and_looked_at,
    what_cannot_be_is_refused,
    limits_are_those_of_the_client,
    what_is_linked_is_checked,
    two_clients_start_one_run_and_lose_no_signal,
);

async fn a_run_is_started_signaled_and_waited_for(world: World) -> Result<()> {
    let engine = world.engine().await?;
    let client = world.client().await?;
    let run = client.start_by_name("post", "p", " 7 ").await?;
    assert_eq!(run.id().as_str(), "p");
    let reached = soon(run.reaches(Status::Suspended)).await??;
    assert_eq!(reached, Status::Suspended);
    let waiting = client.status("p").await?;
    assert_eq!(waiting.awaiting_signal.as_deref(), Some("stamps"));
    assert_eq!((waiting.workflow.as_str(), waiting.done), ("post", 1));
    client.signal_by_name("p", "stamps", "3").await?;
    assert_eq!(soon(run.result_json()).await??, "21");
    // Who comes later is told, too.
    let again = client.attach_by_id("p").await?;
    assert_eq!(soon(again.result_json()).await??, "21");
    let names: Vec<_> = client.history("p").await?;
    let names: Vec<_> = names.iter().map(|event| event.kind.name()).collect();
    assert_eq!(names.first(), Some(&"step_completed"));
    assert_eq!(names.last(), Some(&"completed"));
    let listed = client.list().workflow("post").next_page().await?;
    assert_eq!((listed.len(), listed[0].status), (1, Status::Completed));
    assert_eq!(client.trouble(), None);
    engine.shutdown().await
}

async fn types_are_enough_without_the_registration(world: World) -> Result<()> {
    let engine = world.engine().await?;
    let client = world.client().await?;
    let run = client.start::<post>("p", 5).await?;
    run.signal(post::stamps, 2).await?;
    assert_eq!(soon(run.result()).await??, 10);
    let attached = client.attach::<post>("p").await?;
    assert_eq!(soon(attached.result()).await??, 10);
    let error = client.attach::<letters>("p").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    // The same again is the same run; another input, or another workflow, is not.
    client.start::<post>("p", 5).await?;
    client.start_by_name("post", "p", "5").await?;
    for error in [
        client.start::<post>("p", 6).await.unwrap_err(),
        client.start_by_name("post", "p", "6").await.unwrap_err(),
        client.start::<letters>("p", 5).await.unwrap_err(),
        client.start_by_name("letters", "p", "5").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    engine.shutdown().await
}

async fn a_run_is_canceled_and_looked_at(world: World) -> Result<()> {
    let engine = world.engine().await?;
    let client = world.client().await?;
    let run = client.start::<office>("o", ()).await?;
    soon(run.reaches(Status::Suspended)).await??;
    let children = client.status("o").await?.children;
    let ids: Vec<_> = children.iter().map(|child| child.id.as_str()).collect();
    assert_eq!(ids, ["o/one", "o/other"]);
    let child = client.status("o/one").await?;
    assert_eq!(child.parent.map(|id| id.to_string()), Some("o".to_owned()));
    client.cancel("o").await?;
    let error = soon(run.result()).await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert_eq!(client.status("o/other").await?.status, Status::Canceled);
    let error = client.cancel("o").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
    let error = client.signal_by_name("o", "any", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
    engine.shutdown().await
}

async fn what_cannot_be_is_refused(world: World) -> Result<()> {
    let client = world.client().await?;
    let long = "x".repeat(1_001);
    for (workflow, id, input, kind) in [
        ("any", "", "1", ErrorKind::InvalidRunId),
        ("any", "a/b", "1", ErrorKind::InvalidRunId),
        ("any", "p", "", ErrorKind::InvalidPayload),
        ("any", "p", "{", ErrorKind::InvalidPayload),
        ("any", "p", "1 2", ErrorKind::InvalidPayload),
        ("any", "p", "NaN", ErrorKind::InvalidPayload),
        ("", "p", "1", ErrorKind::UnknownWorkflow),
        ("a\nb", "p", "1", ErrorKind::UnknownWorkflow),
        (&long, "p", "1", ErrorKind::UnknownWorkflow),
    ] {
        let error = client.start_by_name(workflow, id, input).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{workflow:?} {id:?} {input}: {error}");
    }
    assert!(client.list().next_page().await?.is_empty());
    for error in [
        client.cancel("ghost").await.unwrap_err(),
        client.status("ghost").await.unwrap_err(),
        client.history("ghost").await.unwrap_err(),
        client.attach_by_id("ghost").await.unwrap_err(),
        client.signal_by_name("ghost", "s", "1").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::UnknownRun, "{error}");
    }
    client.start_by_name("any", "p", "1").await?;
    for (signal, payload, kind) in [
        ("s", "{", ErrorKind::InvalidPayload),
        ("", "1", ErrorKind::UnknownSignal),
        ("a\0b", "1", ErrorKind::UnknownSignal),
        (&long, "1", ErrorKind::UnknownSignal),
    ] {
        let error = client.signal_by_name("p", signal, payload).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), kind, "{signal:?} {payload}: {error}");
    }
    Ok(())
}

async fn limits_are_those_of_the_client(world: World) -> Result<()> {
    let large = format!("{:?}", "x".repeat(3 << 20));
    let client = world.client().await?;
    let error = client.start_by_name("any", "p", &large).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PayloadTooLarge);
    let mut limits = Limits::default();
    limits.payload_bytes_max = 4 << 20;
    limits.mailbox_max = 2;
    let client = world.client_of(knowing_nothing().limits(limits)).await?;
    client.start_by_name("any", "p", &large).await?;
    // However short each of them lives.
    for _ in 0..2 {
        let client = world.client_of(knowing_nothing().limits(limits)).await?;
        client.signal_by_name("p", "s", "1").await?;
    }
    let error = client.signal_by_name("p", "s", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MailboxFull);
    assert_eq!(client.trouble(), None);
    Ok(())
}

/// A client that has the workflows says what is wrong before it is sent.
async fn what_is_linked_is_checked(world: World) -> Result<()> {
    let client = world.client_of(Client::builder()).await?;
    let error = client.start_by_name("post", "p", "\"x\"").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidPayload);
    client.start_by_name("post", "p", "7").await?;
    let error = client.signal_by_name("p", "stamp", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSignal);
    assert!(error.to_string().contains("`stamps`"), "{error}");
    let error = client.signal_by_name("p", "stamps", "\"x\"").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidPayload);
    // What it does not have, another program may have.
    client.start_by_name("elsewhere", "q", "7").await?;
    Ok(())
}

async fn two_clients_start_one_run_and_lose_no_signal(world: World) -> Result<()> {
    const EACH: u32 = 50;
    let engine = world.engine().await?;
    let clients = [world.client().await?, world.client().await?];
    let count = 2 * usize::try_from(EACH)?;
    let starts = (0..10).map(|n| {
        let client = clients[n % 2].clone();
        tokio::spawn(async move { client.start::<letters>("l", count).await })
    });
    let mut runs = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        runs.push(start.await??);
    }
    assert_eq!(clients[0].list().next_page().await?.len(), 1);
    let mut sent = Vec::new();
    for (client, first) in clients.iter().zip([0, EACH]) {
        for number in first..first + EACH {
            let client = client.clone();
            let number = number.to_string();
            sent.push(tokio::spawn(async move {
                client.signal_by_name("l", "letter", &number).await
            }));
        }
    }
    for sent in sent {
        sent.await??;
    }
    let mut received = soon(runs[0].result()).await??;
    received.sort_unstable();
    assert_eq!(received, (0..2 * EACH).collect::<Vec<_>>());
    for run in &runs {
        assert_eq!(soon(run.result()).await??.len(), count);
    }
    let error = runs[0].signal(letters::letter, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
    engine.shutdown().await
}
