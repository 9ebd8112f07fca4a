#[durable::workflow]
async fn order(total: u32) -> durable::Result<u32> {
    Ok(total)
}

fn main() {}
