use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    #[cfg(unix)]
    let _early = ctx.step("charge", |_| async { Ok::<u32, String>(7) }).await?;
    #[cfg(not(windows))]
    let paid = ctx.step("charge", |_| async { Ok::<u32, String>(8) }).await?;
    Ok(paid)
}

fn main() {}
