use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = ctx
        .step("charge_the_card_that_was_given_with_the_order_for_the_total_amount_of_it", |_| charge(total))
        .await?;
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
