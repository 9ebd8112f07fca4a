//! Workflows in a fn's body, in modules of several visibilities, under keywords as names, and with a
//! renamed dependency.
#![deny(warnings)]

use engine::prelude::*;

/// The dependency under another name.
pub mod engine {
    pub use durable::*;
}

pub mod flows {
    pub mod inner {
        use crate::engine::prelude::*;

        #[crate::engine::workflow(crate = crate::engine, name = "inner")]
        pub(super) async fn order(ctx: &Ctx) -> crate::engine::Result<u32> {
            let paid = ctx
                .step("charge", |_| async { Ok::<u32, String>(1) })
                .compensate(super::refund)
                .await?;
            Ok(paid + super::bill(ctx.scope("billing")).await?)
        }

        pub(in crate::flows) use order as inner_order;
    }

    use crate::engine::prelude::*;

    #[crate::engine::compensate(crate = crate::engine)]
    async fn refund(_step: &StepCtx, _paid: u32) -> crate::engine::Result<()> {
        Ok(())
    }

    #[crate::engine::steps(crate = crate::engine)]
    async fn bill(ctx: Ctx) -> crate::engine::Result<u32> {
        let amount = ctx.signal::<u32>("type").await?;
        Ok(amount)
    }

    #[crate::engine::workflow(crate = crate::engine)]
    pub async fn outer(ctx: &Ctx) -> crate::engine::Result<u32> {
        Ok(ctx.child::<inner::inner_order>("move", ()).await?)
    }
}

#[engine::workflow(crate = engine)]
async fn r#match(ctx: &Ctx, r#type: u32) -> engine::Result<u32> {
    Ok(ctx.step("r_type", |_| async move { Ok::<u32, String>(r#type) }).await?)
}

fn main() {
    /// Two fns may have one in their bodies.
    #[engine::workflow(crate = engine, name = "local")]
    async fn order(ctx: &Ctx, lines: Vec<u32>) -> engine::Result<u32> {
        let mut sum = 0;
        for line in &lines {
            sum += ctx.step("add", |_| async move { Ok::<u32, String>(*line) }).await?;
        }
        Ok(sum)
    }
    assert_eq!(order::GRAPH.paths().len(), 1);
    assert_eq!(flows::outer::GRAPH.paths().len(), 1);
    assert_eq!(r#match::NAME, "match");
    let _ = (order, r#match, flows::outer);
}
