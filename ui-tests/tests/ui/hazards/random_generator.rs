use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let rng = rand::rngs::OsRng;
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid + rng.draw())
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

mod rand {
    pub mod rngs {
        pub struct OsRng;

        impl OsRng {
            pub fn draw(&self) -> u32 {
                4
            }
        }
    }
}

fn main() {}
