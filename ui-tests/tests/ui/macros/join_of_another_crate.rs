use durable::prelude::*;
use tokio::join;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let (charged, packed) = join!(
        async { ctx.step("charge", |_| async { Ok::<u32, String>(7) }).await },
        async { ctx.step("pack", |_| async { Ok::<u32, String>(8) }).await },
    );
    Ok(charged? + packed?)
}

fn main() {}
