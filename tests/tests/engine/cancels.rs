//! Cancellations that meet other things: children, full memory, a rollback that is under way.

use std::time::Duration;

use durable::{ErrorKind, Limits, Status, prelude::*};

use super::world::{Book, World, history};

const DAY: Duration = Duration::from_secs(86_400);

#[durable::compensate]
async fn give_back(step: &StepCtx, what: String) -> Result<(), String> {
    step.state::<Book>().write(format!("give back {what}"));
    Ok(())
}

#[durable::workflow]
async fn sleeper(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.sleep("long", DAY).await?;
    Ok(())
}

#[durable::workflow]
async fn taker(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("take", async |step| {
        step.state::<Book>().write("take");
        Ok::<_, String>("it".to_owned())
    })
    .compensate(give_back)
    .await?;
    let (one, other) = durable::join!(
        ctx.child::<sleeper>("one", ()),
        ctx.child::<sleeper>("other", ()),
    );
    one?;
    Ok(other?)
}

#[tokio::test]
async fn rollbacks_that_wait_for_children_leave_room_for_them() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.resident_runs_max = 2;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let mut runs = Vec::new();
    for number in 0..6 {
        let id = format!("run{number}");
        runs.push(engine.client().start::<taker>(id, ()).await.unwrap());
    }
    for run in &runs {
        run.reaches(Status::Suspended).await.unwrap();
    }
    for run in &runs {
        run.cancel().await.unwrap();
    }
    for run in &runs {
        let error = tokio::time::timeout(Duration::from_secs(60), run.result()).await;
        assert_eq!(error.unwrap().unwrap_err().kind(), ErrorKind::Canceled);
    }
    let given_back = |line: &&String| *line == "give back it";
    assert_eq!(world.book.lines().iter().filter(given_back).count(), 6);
    assert_eq!(history(&engine, "run0").await.last().unwrap(), "canceled");
    engine.shutdown().await.unwrap();
}
