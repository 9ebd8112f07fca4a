use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let total = ctx
        .step("charge", |_| async {
            let fee = ctx.step("fee", |_| async { Ok::<u32, String>(1) }).await?;
            Ok::<u32, Failure>(fee + 30)
        })
        .await?;
    Ok(total)
}

fn main() {}
