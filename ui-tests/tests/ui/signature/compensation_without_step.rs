#[durable::compensate]
async fn refund(payment: u32) -> durable::Result<()> {
    let _ = payment;
    Ok(())
}

fn main() {}
