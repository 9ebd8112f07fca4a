use durable::prelude::*;
use std::rc::Rc;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let paid = ctx
        .step("charge", |_| async {
            let amount = Rc::new(7);
            std::future::ready(()).await;
            Ok::<u32, String>(*amount)
        })
        .await?;
    Ok(paid)
}

fn main() {}
