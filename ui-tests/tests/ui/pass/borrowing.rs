//! Steps borrow what the workflow owns, side by side too.
use durable::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Order {
    card: String,
    lines: Vec<String>,
}

#[durable::workflow]
async fn order(ctx: &Ctx, order: Order) -> durable::Result<usize> {
    let card = order.card.as_str();
    let paid = ctx.step("charge", |_| length(card)).await?;
    let packed = durable::try_join_all(order.lines.iter().map(|line| ctx.step("pack", |_| length(line)))).await?;
    let mut lines = order.lines.clone();
    lines.retain(|line| !line.is_empty());
    lines.sort_by(|a, b| b.len().cmp(&a.len()));
    let sent = ctx
        .step("send", |step| {
            let lines = &lines;
            async move { Ok::<_, String>(lines.len() + step.attempt() as usize) }
        })
        .await?;
    Ok(paid + sent + packed.iter().sum::<usize>())
}

async fn length(text: &str) -> Result<usize, String> {
    Ok(text.len())
}

fn main() {}
