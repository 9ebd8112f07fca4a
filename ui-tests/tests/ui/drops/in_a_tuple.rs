use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    let _ = (ctx.step("charge", |_| async { Ok::<u32, String>(7) }), "charged");
    Ok(())
}

fn main() {}
