use durable::prelude::*;

type Outcome = Option<u32>;

#[durable::workflow]
async fn order(_ctx: &Ctx, total: u32) -> Outcome {
    Some(total)
}

fn main() {}
