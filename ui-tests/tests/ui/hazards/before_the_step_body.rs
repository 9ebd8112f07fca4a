use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = ctx
        .step("charge", {
            let at = std::time::SystemTime::now();
            move |_| async move { Ok::<u32, String>(at.elapsed().map_or(total, |age| age.subsec_millis())) }
        })
        .await?;
    Ok(paid)
}

fn main() {}
