use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.child::<ship>("parcel", 7).await?)
}

#[durable::workflow]
async fn ship(_ctx: &Ctx, address: String) -> durable::Result<u32> {
    Ok(u32::try_from(address.len())?)
}

fn main() {}
