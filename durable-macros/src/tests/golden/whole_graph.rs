#[durable::workflow]
async fn order(ctx: &Ctx, input: Order) -> durable::Result<u32> {
    if input.total > 100 {
        ctx.sleep("cooling_off", HOUR).await?;
    } else {
        ctx.step("greet", |_| greet()).await?;
    }
    for line in &input.lines {
        match line.kind {
            Kind::Book => ctx.step("pack", |_| pack(line)).await?,
            Kind::Gift | Kind::Card => wrap(ctx.scope("wrapping"), line).await?,
        };
    }
    let (invoice, label) = durable::join!(
        ctx.step("invoice", |_| invoice(&input)),
        ctx.step("label", |_| label(&input)),
    );
    durable::race! {
        answer = ctx.signal::<bool>("answer") => answer?,
        _ = ctx.sleep_until("deadline", input.deadline) => false,
    };
    let all = durable::join_all(input.lines.iter().map(|line| ctx.step("post", |_| post(line)))).await;
    Ok(all.len() as u32 + invoice? + label?)
}
