use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let fee = durable::nondeterministic!("it is only a signal", ctx.signal::<u32>("fee").await?);
    ctx.sleep("settle", std::time::Duration::from_secs(60)).await?;
    Ok(total + fee)
}

fn main() {}
