//! What is asked of the context is the same on a replay, also from a closure.
use std::time::{Duration, SystemTime};

use durable::prelude::*;

#[derive(Debug)]
struct App {
    fee: u32,
}

#[durable::workflow]
async fn remind(ctx: &Ctx, due: Vec<SystemTime>) -> durable::Result<u32> {
    let start = ctx.now();
    let late = due.iter().filter(|due| **due < ctx.now()).count();
    let ids: Vec<String> = due.iter().map(|_| ctx.uuid().to_string()).collect();
    let draw = || ctx.random() % 6;
    let app = ctx.state::<App>();
    let fee = app.fee;
    ctx.sleep_until("morning", start + Duration::from_secs(3600)).await?;
    let waited = ctx.now().duration_since(start)?;
    let sent = ctx
        .step("send", |step| {
            let ids = ids.clone();
            async move { Ok::<_, String>(step.state::<App>().fee + ids.len() as u32) }
        })
        .await?;
    if ctx.is_replaying() {
        println!("{}", ctx.run_id());
    }
    Ok(fee + sent + late as u32 + waited.as_secs() as u32 + draw() as u32)
}

fn main() {}
