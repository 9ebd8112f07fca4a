//! Step bodies may borrow from the workflow, also side by side.

use durable::prelude::*;

/// An async fn whose future holds two borrows: what a step body usually is.
async fn join(left: &str, right: &str) -> Result<String, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(format!("{left}{right}"))
}

#[durable::workflow]
async fn borrowing(ctx: &Ctx, input: Vec<String>) -> durable::Result<String> {
    let prefix = String::from("<");
    let all = durable::join_all(
        input
            .iter()
            .map(|item| ctx.step("all", |_| join(&prefix, item))),
    )
    .await;
    let all: String = all.into_iter().collect::<Result<_, _>>()?;
    let ok = durable::try_join_all(
        input
            .iter()
            .map(|item| ctx.step("all_ok", |_| join(item, &all))),
    )
    .await?;
    let (one, two) = durable::join!(
        ctx.step("one", |_| join(&prefix, &all)),
        ctx.step("two", |_| join(&all, &prefix)),
    );
    let first = durable::race!(
        ctx.step("first", |_| join(&prefix, &prefix)),
        ctx.step("second", |_| join(&prefix, &prefix)),
    )?;
    Ok([ok.concat(), one?, two?, first].join(" "))
}

#[tokio::test]
async fn steps_side_by_side_may_borrow_from_the_workflow() {
    let engine = Engine::open("memory:").await.unwrap();
    let input = vec!["a".to_owned(), "b".to_owned()];
    let run = engine.client().start::<borrowing>("run", input).await;
    let result = run.unwrap().result().await.unwrap();
    assert_eq!(result, "a<a<bb<a<b <<a<b <a<b< <<");
    engine.shutdown().await.unwrap();
}
