use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    let approved = ctx.signal("approval").timeout(std::time::Duration::from_secs(60)).await?;
    println!("{approved}");
    Ok(())
}

fn main() {}
