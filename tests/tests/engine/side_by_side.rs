//! `join!`, `try_join!`, `race!`: who wins, who is let go of, and the same on replay.

use std::time::Duration;

use durable::{prelude::*, testing::VirtualClock};

use super::world::{Book, World, history};

const DAY: Duration = Duration::from_secs(86_400);

/// Takes so long, and leaves a line when it ends.
async fn work(step: StepCtx, name: &str, seconds: u64) -> Result<String, std::io::Error> {
    step.state::<VirtualClock>()
        .sleep(Duration::from_secs(seconds))
        .await;
    step.state::<Book>().write(name);
    Ok(name.to_owned())
}

#[durable::workflow]
async fn race(ctx: &Ctx, input: (u64, u64)) -> durable::Result<String> {
    let winner = durable::race!(
        ctx.step("left", |step| work(step, "left", input.0)),
        ctx.step("right", |step| work(step, "right", input.1)),
    )?;
    ctx.sleep("nap", DAY).await?;
    Ok(winner)
}

#[tokio::test]
async fn a_race_has_one_winner_and_the_loser_is_dropped() {
    for (input, winner) in [((3, 5), "left"), ((5, 3), "right")] {
        let world = World::default();
        let engine = world.engine().await;
        let run = engine.client().start::<race>("run", input).await.unwrap();
        assert_eq!(run.result().await.unwrap(), winner);
        assert_eq!(world.book.lines(), [winner]);
        engine.shutdown().await.unwrap();
    }
}

#[durable::workflow]
async fn votes(ctx: &Ctx, rounds: u32) -> durable::Result<Vec<String>> {
    let mut all = Vec::new();
    for _ in 0..rounds {
        all.push(durable::race!(
            ctx.signal::<String>("yes"),
            ctx.signal::<String>("no"),
        )?);
    }
    Ok(all)
}

#[tokio::test]
async fn a_signal_goes_to_a_wait_that_somebody_still_holds() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<votes>("run", 3).await.unwrap();
    run.signal(votes::yes, "first".into()).await.unwrap();
    run.signal(votes::no, "second".into()).await.unwrap();
    run.signal(votes::no, "third".into()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), ["first", "second", "third"]);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn all(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let (a, b, c) = durable::join!(
        ctx.step("a", |step| work(step, "a", 3)),
        ctx.step("b", |step| work(step, "b", 1)),
        ctx.step("c", |step| work(step, "c", 2)),
    );
    Ok([a?, b?, c?].concat())
}

#[tokio::test]
async fn a_join_gives_the_results_in_their_places_and_records_them_as_they_came() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<all>("run", ()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), "abc");
    assert_eq!(world.book.lines(), ["b", "c", "a"]);
    assert_eq!(
        history(&engine, "run").await,
        [
            "step_completed b",
            "step_completed c",
            "step_completed a",
            "completed"
        ]
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn all_or_none(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let both = durable::try_join!(
        ctx.step("slow", |step| work(step, "slow", 60)),
        ctx.step("broken", async |_| Err::<u32, _>(
            StepError::new("broken").permanent()
        )),
    );
    Ok(match both {
        Ok(_) => "both".to_owned(),
        Err(failure) => failure.to_string(),
    })
}

#[tokio::test]
async fn the_first_failure_ends_a_try_join() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<all_or_none>("run", ())
        .await
        .unwrap();
    assert_eq!(run.result().await.unwrap(), "step `broken` failed: broken");
    assert!(world.book.lines().is_empty());
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn many(ctx: &Ctx, count: u32) -> durable::Result<u64> {
    let naps = durable::join_all(
        (0..count).map(|n| ctx.sleep("nap", Duration::from_secs(u64::from(n % 7)))),
    )
    .await;
    naps.into_iter().collect::<Result<(), _>>()?;
    let all = durable::try_join_all(
        (0..count).map(|n| ctx.step("add", move |_| async move { Ok::<_, String>(u64::from(n)) })),
    )
    .await?;
    ctx.sleep("rest", DAY).await?;
    Ok(all.into_iter().sum())
}

#[tokio::test]
async fn any_number_may_go_side_by_side() {
    // Around the sizes at which common implementations change their ways.
    for count in [0, 1, 2, 30, 31, 32, 33, 1_023, 1_025, 5_000] {
        let world = World::default();
        let engine = world.engine().await;
        let run = engine.client().start::<many>("run", count).await.unwrap();
        let sum = (0..u64::from(count)).sum::<u64>();
        assert_eq!(run.result().await.unwrap(), sum, "{count}");
        engine.shutdown().await.unwrap();
    }
}
