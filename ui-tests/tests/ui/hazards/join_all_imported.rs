use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, totals: Vec<u32>) -> durable::Result<usize> {
    use futures::future::join_all;
    let paid = join_all(totals.iter().map(|total| ctx.step("charge", |_| async { Ok::<u32, String>(*total) })));
    Ok(paid.await.len())
}

mod futures {
    pub mod future {
        pub fn join_all<I: IntoIterator>(_: I) -> std::future::Ready<Vec<u32>> {
            std::future::ready(Vec::new())
        }
    }
}

fn main() {}
