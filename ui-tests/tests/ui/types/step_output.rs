use durable::prelude::*;

struct Payment {
    id: u32,
}

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let payment = ctx
        .step("charge", |_| async { Ok::<_, String>(Payment { id: 7 }) })
        .await?;
    Ok(payment.id)
}

fn main() {}
