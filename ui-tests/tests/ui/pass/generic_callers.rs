//! Code that is generic over workflows and over what is journaled.
use durable::{Data, Run, Workflow, prelude::*};

async fn start<W: Workflow>(client: &Client, id: &str, input: W::Input) -> Result<W::Output, durable::Error> {
    let run: Run<W> = client.start::<W>(id, input).await?;
    run.result().await
}

async fn tell<W: Workflow, T: Data>(run: &Run<W>, signal: durable::Signal<W, T>, payload: impl Into<T>) -> Result<(), durable::Error> {
    run.signal(signal, payload.into()).await
}

async fn tell_note(run: &Run<order>) -> Result<(), durable::Error> {
    tell(run, order::note, "a note".to_owned()).await?;
    run.signal(order::note, Some("another".into())).await
}

fn is_data<T: Data>() {}

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<Option<String>> {
    let note = ctx.signal::<Option<String>>("note").await?;
    let below = ctx.child::<parcel>("below", ("street".into(), total.into())).await?;
    let again = ctx.child::<parcel>("again", Default::default()).await?;
    let number = ctx.child::<count>("number", 7).await? + 1;
    Ok(note.or(below).or(again).or(Some(number.to_string())))
}

#[durable::workflow]
async fn parcel(_ctx: &Ctx, (street, number): (String, u64)) -> std::result::Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Some(format!("{street} {number}")))
}

#[durable::workflow]
async fn count(_ctx: &Ctx, number: u8) -> Result<u64, std::num::TryFromIntError> {
    i32::from(number).try_into()
}

fn main() {
    is_data::<(u8, String, Vec<Option<bool>>)>();
    let _ = (start::<order>, tell_note);
}
