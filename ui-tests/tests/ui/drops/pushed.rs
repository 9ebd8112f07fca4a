use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, lines: Vec<u32>) -> durable::Result<usize> {
    let mut waits = Vec::new();
    for line in &lines {
        waits.push(ctx.step("pack", move |_| async move { Ok::<u32, String>(*line) }));
    }
    Ok(lines.len())
}

fn main() {}
