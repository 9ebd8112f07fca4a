//! A workflow may start itself, as long as some path does not.
use durable::prelude::*;

#[durable::workflow]
async fn walk(ctx: &Ctx, depth: u32) -> durable::Result<u32> {
    if depth == 0 {
        return Ok(1);
    }
    let below = ctx.child::<walk>("below", depth - 1).await?;
    Ok(below + 1)
}

#[durable::workflow]
async fn search(ctx: &Ctx, trees: Vec<u32>) -> durable::Result<u32> {
    match trees.as_slice() {
        [] => Ok(0),
        [first, rest @ ..] => {
            let rest = rest.to_vec();
            let (walked, searched) = durable::try_join!(
                ctx.child::<walk>("first", *first),
                ctx.child::<search>("rest", rest),
            )?;
            Ok(walked + searched)
        }
    }
}

fn main() {}
