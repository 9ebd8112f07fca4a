//! Attributes and `cfg`s on the fn, on its parameters and on statements.
#![deny(warnings)]

use std::time::Duration;

use durable::prelude::*;

/// Kept only where it makes sense.
#[durable::workflow]
#[cfg(any())]
async fn elsewhere(ctx: &Ctx) -> missing::Result<()> {
    ctx.step("charge", |_| missing::charge()).compensate(missing::refund).await?;
    Ok(())
}

/// With attributes of all sorts.
#[inline]
#[durable::workflow]
#[allow(clippy::unused_async, unused_variables)]
#[must_use]
#[cfg(all())]
pub async fn order(ctx: &Ctx, #[allow(unused_mut)] mut input: u32) -> durable::Result<u32> {
    #![allow(unused_assignments)]
    #[cfg(any())]
    ctx.step("only_elsewhere", |_| missing::charge()).compensate(missing::refund).await?;
    #[cfg(any())]
    let elsewhere = missing::bill(ctx.scope("billing")).await?;
    #[cfg(any())]
    ctx.signal::<missing::Approval>("approval").await?;
    #[cfg(all())]
    let payment = ctx.step("charge", |_| async { Ok::<u32, String>(1) }).await?;
    #[cfg(any())]
    {
        ctx.sleep("a_while", Duration::from_secs(1)).await?;
    }
    #[allow(unused_variables)]
    let unused = 3;
    match payment {
        #[cfg(any())]
        7 => ctx.child::<missing::ship>("parcel", ()).await?,
        0 => ctx.sleep("cooling_off", Duration::from_secs(1)).await?,
        _ => {}
    }
    Ok(payment)
}

fn main() {
    let names: Vec<_> = order::GRAPH.operations().iter().map(|operation| operation.name).collect();
    assert_eq!(names, ["charge", "cooling_off"]);
    let _ = order::Charge;
    let _ = order;
}
