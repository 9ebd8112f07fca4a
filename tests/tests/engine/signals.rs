//! Signals: delivered once, in order, also before anybody waits.

use std::time::Duration;

use durable::{ErrorKind, Limits, Status, prelude::*};

use super::world::{World, history};

const DAY: Duration = Duration::from_secs(86_400);

#[durable::workflow]
async fn collector(ctx: &Ctx, count: u32) -> durable::Result<Vec<u32>> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(ctx.signal::<u32>("number").await?);
    }
    Ok(all)
}

#[tokio::test]
async fn signals_are_taken_in_the_order_in_which_they_came() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<collector>("run", 50).await.unwrap();
    for number in 0..50 {
        run.signal(collector::number, number).await.unwrap();
    }
    assert_eq!(run.result().await.unwrap(), (0..50).collect::<Vec<_>>());
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn late(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let mut words = String::new();
    for _ in 0..2 {
        ctx.sleep("nap", DAY).await?;
        words += &ctx.signal::<String>("word").await?;
    }
    Ok(words)
}

#[tokio::test]
async fn a_signal_that_comes_before_its_wait_is_kept_over_a_restart() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<late>("run", ()).await.unwrap();
    run.signal(late::word, "sent ".into()).await.unwrap();
    run.signal(late::word, "early".into()).await.unwrap();
    engine.shutdown().await.unwrap();
    let engine = world.engine().await;
    let run = engine.client().attach::<late>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), "sent early");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn patient(ctx: &Ctx, _input: ()) -> durable::Result<Vec<String>> {
    let mut answers = Vec::new();
    for days in [1, 9] {
        let answer = ctx.signal::<u32>("answer").timeout(DAY * days).await;
        answers.push(match answer {
            Ok(number) => number.to_string(),
            Err(failure) => format!("{:?}", failure.kind()),
        });
    }
    Ok(answers)
}

#[tokio::test]
async fn a_wait_with_a_timeout_gives_up_and_the_signal_goes_to_the_next_wait() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<patient>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    world.clock.advance(DAY * 2).await;
    run.signal(patient::answer, 7).await.unwrap();
    assert_eq!(run.result().await.unwrap(), ["Timeout", "7"]);
    assert_eq!(
        history(&engine, "run").await,
        [
            "signal_awaited answer",
            "timer_fired answer",
            "signal_awaited answer#1",
            "signal_received answer#1",
            "completed"
        ]
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn two_names(ctx: &Ctx, _input: ()) -> durable::Result<(String, u32)> {
    let (word, number) = durable::join!(ctx.signal::<String>("word"), ctx.signal::<u32>("number"),);
    Ok((word?, number?))
}

#[tokio::test]
async fn names_are_apart() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<two_names>("run", ()).await.unwrap();
    run.signal(two_names::number, 1).await.unwrap();
    run.signal(two_names::word, "one".into()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), ("one".to_owned(), 1));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_signal_by_name_is_checked_as_far_as_is_known() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<two_names>("run", ()).await.unwrap();
    let error = client
        .signal_by_name("run", "nmber", "1")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSignal);
    for part in ["`two_names`", "`run`", "`nmber`", "`word`", "`number`"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = client
        .signal_by_name("run", "number", "{")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidPayload);
    let error = client
        .signal_by_name("nobody", "number", "1")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRun);
    client.signal_by_name("run", "number", "5").await.unwrap();
    client
        .signal_by_name("run", "word", "\"five\"")
        .await
        .unwrap();
    assert_eq!(run.result().await.unwrap(), ("five".to_owned(), 5));
    let error = client
        .signal_by_name("run", "number", "6")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
    assert!(error.to_string().contains("completed"), "{error}");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn text(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    Ok(ctx.signal::<String>("text").await?)
}

#[tokio::test]
async fn a_signal_beyond_the_limit_is_refused_and_harms_nobody() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<text>("run", ()).await.unwrap();
    let error = run
        .signal(text::text, "x".repeat(3 << 20))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PayloadTooLarge);
    run.signal(text::text, "fits".into()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), "fits");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn quorum(ctx: &Ctx, votes: u32) -> durable::Result<Vec<Option<u32>>> {
    ctx.sleep("nap", DAY).await?;
    let votes = durable::join_all((0..votes).map(|_| ctx.signal::<u32>("vote").timeout(DAY))).await;
    Ok(votes.into_iter().map(Result::ok).collect())
}

#[tokio::test]
async fn a_wait_whose_signal_went_to_an_earlier_wait_still_has_its_timeout() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<quorum>("run", 3).await.unwrap();
    run.signal(quorum::vote, 7).await.unwrap();
    let begun = durable::Clock::now(&world.clock);
    assert_eq!(run.result().await.unwrap(), [Some(7), None, None]);
    assert_eq!(durable::Clock::now(&world.clock).since(begun), DAY * 2);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn hoarder(ctx: &Ctx, count: u32) -> durable::Result<Vec<u32>> {
    ctx.sleep("nap", DAY).await?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(ctx.signal::<u32>("number").await?);
    }
    Ok(all)
}

#[tokio::test]
async fn a_full_mailbox_refuses_signals_and_nothing_else() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.mailbox_max = 20;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let client = engine.client();
    let mut runs = Vec::new();
    for id in ["goes on", "is canceled"] {
        let run = client.start::<hoarder>(id, 20).await.unwrap();
        for number in 0..20 {
            run.signal(hoarder::number, number).await.unwrap();
        }
        for _ in 0..2 {
            let refused = run.signal(hoarder::number, 99).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::MailboxFull);
            assert!(refused.to_string().contains(id), "{refused}");
            let refused = client.signal_by_name(id, "number", "99").await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::MailboxFull);
        }
        runs.push(run);
    }
    runs[1].cancel().await.unwrap();
    let canceled = runs[1].result().await.unwrap_err();
    assert_eq!(canceled.kind(), ErrorKind::Canceled);
    assert_eq!(runs[0].result().await.unwrap(), (0..20).collect::<Vec<_>>());
    let error = runs[0].signal(hoarder::number, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
    engine.shutdown().await.unwrap();
}

/// Waits for one signal before it takes others.
#[durable::workflow]
async fn late_taker(ctx: &Ctx, count: usize) -> durable::Result<usize> {
    ctx.signal::<u32>("go").await?;
    let mut taken = 0;
    while taken < count {
        ctx.signal::<u32>("number").await?;
        taken += 1;
    }
    Ok(taken)
}

#[tokio::test]
async fn signals_sent_at_once_keep_the_bound_and_shut_no_run_in() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.mailbox_max = 10;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let client = engine.client();
    let run = client.start::<late_taker>("run", 10).await.unwrap();
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..100 {
        let run = run.clone();
        sending.spawn(async move { run.signal(late_taker::number, number).await });
    }
    let sent = sending.join_all().await;
    let accepted = sent.iter().filter(|sent| sent.is_ok()).count();
    assert_eq!(accepted, 10);
    let mut refused = sent.into_iter().filter_map(Result::err);
    assert!(refused.all(|error| error.kind() == ErrorKind::MailboxFull));
    // That is no trouble of the database's.
    assert_eq!(client.trouble(), None);
    // Another name has room.
    run.signal(late_taker::go, 1).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 10);
    engine.shutdown().await.unwrap();
}
