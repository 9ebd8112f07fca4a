#[durable::workflow]
async fn order() -> durable::Result<u32> {
    Ok(1)
}

fn main() {}
