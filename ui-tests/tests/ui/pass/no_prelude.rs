//! Generated code names nothing by the prelude, nor by names that a module may have given to other
//! things.
#![no_implicit_prelude]
#![deny(warnings)]

/// What shadows the names that careless generated code would use.
mod shadows {
    pub(crate) struct Result;
    pub(crate) struct Option;
    pub(crate) struct String;
    pub(crate) struct Box;
    pub(crate) struct Vec;
    pub(crate) trait Send {}
    pub(crate) trait Clone {}
    pub(crate) trait Future {}
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod durable {}
}

mod shop {
    #[allow(unused_imports)]
    use crate::shadows::*;

    #[derive(::serde::Serialize, ::serde::Deserialize)]
    pub(crate) struct Order {
        pub(crate) total: u32,
    }

    async fn charge(amount: u32) -> ::std::result::Result<u32, ::std::string::String> {
        ::std::result::Result::Ok(amount)
    }

    #[::durable::steps]
    async fn bill(ctx: ::durable::Ctx, amount: u32) -> ::durable::Result<u32> {
        let approved = ctx.signal::<bool>("approval").await?;
        let amount = if approved { amount } else { 0 };
        let paid = ctx.step("charge", |_| charge(amount)).compensate(refund).await?;
        ::std::result::Result::Ok(paid)
    }

    #[::durable::workflow]
    pub(crate) async fn order(ctx: &::durable::Ctx, input: Order) -> ::durable::Result<u32> {
        let first = bill(ctx.scope("billing"), input.total).await?;
        let (left, right) = ::durable::join!(
            ctx.step("left", |_| charge(1)),
            ctx.step("right", |_| charge(2)),
        );
        let parcel = ctx.child::<ship>("parcel", ()).await?;
        ::std::result::Result::Ok(first + left? + right? + parcel)
    }

    #[::durable::workflow]
    async fn ship(ctx: &::durable::Ctx) -> ::durable::Result<u32> {
        ctx.sleep("cooling_off", ::std::time::Duration::from_secs(1)).await?;
        ::std::result::Result::Ok(ctx.step("hand_over", |_| charge(3)).await?)
    }

    #[::durable::compensate]
    async fn refund(_step: &::durable::StepCtx, _paid: u32) -> ::durable::Result<()> {
        ::std::result::Result::Ok(())
    }
}

fn main() {
    let paths = <shop::order as ::durable::Workflow>::GRAPH.paths();
    ::std::assert_eq!(paths.len(), 5);
    let _ = shop::Order { total: 1 }.total;
    let _ = shop::order;
}
