#[durable::workflow]
async fn order(Context { fee }: &Context, total: u32) -> durable::Result<u32> {
    Ok(total + fee)
}

struct Context {
    fee: u32,
}

fn main() {}
