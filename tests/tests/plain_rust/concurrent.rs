//! Several operations side by side.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use durable::{join, prelude::*};

use crate::harness::{Case, give};

const PAUSE: Duration = Duration::from_secs(60);

#[durable::workflow]
async fn blocks(ctx: &Ctx, counts: Vec<u32>) -> durable::Result<Vec<u32>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (sum, product) = join!(
        async {
            let mut sum = 0;
            for count in &counts {
                sum += ctx.step("add", |step| give(step, *count)).await?;
                seen.lock().unwrap().push(sum);
            }
            Ok::<_, Failure>(sum)
        },
        async {
            let mut product = 1;
            let mut rest = counts.iter().peekable();
            while let Some(count) = rest.next() {
                product *= ctx.step("multiply", |step| give(step, *count)).await?;
                seen.lock().unwrap().push(product);
                if rest.peek().is_some() {
                    ctx.sleep("gap", PAUSE).await?;
                }
            }
            Ok::<_, Failure>(product)
        },
    );
    let mut seen = seen.lock().unwrap().clone();
    seen.extend([sum?, product?]);
    Ok(seen)
}

#[tokio::test]
async fn blocks_that_share_a_local() {
    let case = Case {
        workflow: "blocks",
        input: "[2,3,4]",
        output: "[2,2,5,9,6,24,9,24]",
        branches: 2,
    };
    case.crash_everywhere().await;
}

#[durable::workflow]
async fn nested(ctx: &Ctx, names: Vec<String>) -> durable::Result<Vec<String>> {
    let limited = durable::try_join_all(names.iter().map(|name| async move {
        let (left, right) = durable::try_join!(
            ctx.step("left", |step| give(step, name.to_uppercase())),
            async {
                durable::race! {
                    right = ctx.step("right", |step| give(step, name.len())) => right,
                    late = ctx.sleep("limit", PAUSE) => late.map(|()| 0),
                }
            },
        )?;
        Ok::<_, Failure>(format!("{left}{right}"))
    }));
    let mut limited = limited.await?;
    let [one, two] = ["one", "two"].map(|name| name.repeat(2));
    let (first, second) = (
        ctx.step("first", |step| give(step, one.clone())),
        ctx.sleep("second", PAUSE),
    );
    let (first, second) = durable::join!(first, second);
    second?;
    limited.extend([first?, two]);
    Ok(limited)
}

#[tokio::test]
async fn combinators_in_combinators() {
    let case = Case {
        workflow: "nested",
        input: r#"["a","bc","def"]"#,
        output: r#"["A1","BC2","DEF3","oneone","twotwo"]"#,
        branches: 6,
    };
    case.crash_everywhere().await;
}

#[durable::steps]
async fn bill(ctx: Ctx, lines: &[u32], note: Option<&str>) -> durable::Result<u32> {
    let Some(note) = note else {
        return Ok(ctx
            .step("plain", |step| give(step, lines.iter().sum()))
            .await?);
    };
    let mut sum = 0;
    for line in lines {
        sum += ctx
            .step("noted", |step| give(step, *line + note.len() as u32))
            .await?;
    }
    Ok(sum)
}

#[durable::workflow]
async fn bills(ctx: &Ctx, lines: Vec<u32>) -> durable::Result<u32> {
    let mut sum = 0;
    for chunk in lines.chunks(2) {
        sum += bill(ctx.scope("chunk"), chunk, chunk.first().map(|_| "ab")).await?;
    }
    let (all, none) = durable::join!(
        bill(ctx.scope("all"), &lines, None),
        bill(ctx.scope("none"), &[], Some("x")),
    );
    Ok(sum + all? + none?)
}

#[tokio::test]
async fn fragments_in_loops_and_joins() {
    let case = Case {
        workflow: "bills",
        input: "[1,2,3]",
        output: "18",
        branches: 2,
    };
    case.crash_everywhere().await;
}

#[durable::workflow]
async fn kept(ctx: &Ctx, counts: Vec<u32>) -> durable::Result<u32> {
    let slow = async {
        ctx.sleep("a_day", 1440 * PAUSE).await?;
        ctx.step("late", |step| give(step, 100)).await
    };
    let quick = Box::pin(async { ctx.step("quick", |step| give(step, 1)).await });
    let before = ctx.step("before", |step| give(step, 2)).await?;
    let first = durable::race!(slow, quick)?;
    let mut branches = Vec::new();
    for count in &counts {
        branches.push(async move {
            let half = ctx.step("half", |step| give(step, count / 2)).await?;
            ctx.sleep("rest", Duration::from_secs(u64::from(half)))
                .await?;
            Ok::<_, durable::BoxError>(half)
        });
    }
    let halves = durable::try_join_all(branches).await?;
    let steps: Vec<_> = counts
        .iter()
        .map(|count| ctx.step("whole", |step| give(step, *count)))
        .collect();
    let wholes = durable::try_join_all(steps).await?;
    let left = bill(ctx.scope("left"), &halves, None);
    let right = bill(ctx.scope("right"), &wholes, Some("all"));
    let (left, right) = durable::try_join!(left, right)?;
    Ok(before + first + left + right)
}

#[tokio::test]
async fn branches_that_wait_in_locals() {
    let case = Case {
        workflow: "kept",
        input: "[8,3,6]",
        output: "37",
        branches: 3,
    };
    case.crash_everywhere().await;
}
