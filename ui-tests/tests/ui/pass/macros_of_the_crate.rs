//! A macro of one's own is fine as long as nothing durable is in it.
use durable::prelude::*;

macro_rules! cents {
    ($euros:expr) => {
        $euros * 100
    };
}

#[durable::workflow]
async fn order(ctx: &Ctx, euros: u32) -> durable::Result<u32> {
    let total = cents!(euros + 1);
    let paid = ctx.step("charge", |_| async move { Ok::<_, String>(cents!(total)) }).await?;
    Ok(cents!(paid))
}

fn main() {}
