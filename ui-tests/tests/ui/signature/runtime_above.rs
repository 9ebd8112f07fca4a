//! The fn that it makes starts a runtime and blocks.

#[tokio::test]
#[durable::workflow]
async fn order(ctx: &durable::Ctx) -> durable::Result<u32> {
    Ok(ctx.step("charge", async |_| Ok::<_, String>(1)).await?)
}

fn main() {}
