use durable::prelude::*;

macro_rules! seconds {
    ($time:expr) => {
        $time.duration_since(std::time::UNIX_EPOCH)?.as_secs()
    };
}

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u64> {
    let paid = ctx.signal::<u64>("paid").await?;
    Ok(paid + seconds!(std::time::SystemTime::now()))
}

fn main() {}
