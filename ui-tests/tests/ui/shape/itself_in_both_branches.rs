use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let next = if total > 100 {
        ctx.child::<order>("large", total / 2).await?
    } else {
        ctx.child::<self::order>("small", total).await?
    };
    Ok(next)
}

fn main() {}
