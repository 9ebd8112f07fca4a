use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    ctx.child::<Parcel>("parcel", ()).await?;
    Ok(7)
}

struct Parcel;

fn main() {}
