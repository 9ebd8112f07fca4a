#[durable::workflow]
async fn order(card: &str) -> durable::Result<u32> {
    Ok(u32::try_from(card.len())?)
}

fn main() {}
