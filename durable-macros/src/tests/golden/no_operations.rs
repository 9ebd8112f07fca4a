#[durable::workflow]
async fn nothing(_ctx: &Ctx) -> durable::Result<()> {
    Ok(())
}
