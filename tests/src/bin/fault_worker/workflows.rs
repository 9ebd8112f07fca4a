//! The workload.

use std::{collections::BTreeSet, time::Duration};

use durable::prelude::*;
use durable_tests::{
    history::{Effect, Folder, Part},
    workload::Kind,
};

/// How the outside world sees a step body: it leaves a line.
#[derive(Debug)]
pub struct Lab {
    pub folder: Folder,
    pub life: String,
}

impl Lab {
    fn record(&self, step: &StepCtx) -> Result<(), StepError> {
        let recorded = self.folder.record(&Effect {
            life: self.life.clone(),
            run: step.run_id().as_str().to_owned(),
            step: step.step_id().as_str().to_owned(),
            key: step.idempotency_key(),
            attempt: step.attempt(),
        });
        recorded.map_err(|error| StepError::new(error.to_string()))
    }

    async fn work(&self, step: StepCtx, pause: u64) -> Result<u32, StepError> {
        self.record(&step)?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(1)
    }

    async fn work_at_the_second_try(&self, step: StepCtx) -> Result<u32, StepError> {
        self.record(&step)?;
        match step.attempt() {
            1 => Err(StepError::new("not at the first try")),
            _ => Ok(1),
        }
    }

    async fn wait_at_the_gate(&self, step: StepCtx) -> Result<u32, StepError> {
        self.record(&step)?;
        let gates = ["gate".to_owned(), format!("gate-{}", self.life)];
        while !gates
            .iter()
            .any(|gate| self.folder.path().join(gate).exists())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(1)
    }

    async fn take_poison(&self, step: StepCtx) -> Result<u32, StepError> {
        self.record(&step)?;
        if !self.folder.path().join("antidote").exists() {
            std::process::abort();
        }
        Ok(1)
    }
}

#[durable::workflow]
pub async fn order(ctx: &Ctx, input: Kind) -> durable::Result<u32> {
    let lab = ctx.state::<Lab>();
    let Kind::Order {
        parts,
        fails,
        pause,
    } = input
    else {
        return Err("not an order".into());
    };
    let charged = ctx
        .step("charge", |step| lab.work(step, pause))
        .compensate(refund)
        .await?;
    let checked = ctx
        .step("check", |step| lab.work_at_the_second_try(step))
        .retry(Retry::linear().initial_delay(Duration::from_millis(5)))
        .await?;
    let mut received = BTreeSet::new();
    while u32::try_from(received.len())? < parts {
        let part = ctx.signal::<Part>("part").await?;
        received.insert(part.number);
    }
    ctx.sleep("cool", Duration::from_millis(pause)).await?;
    let shipped = ctx.child::<ship>("parcel", pause).await?;
    if fails {
        return Err("the order fails".into());
    }
    Ok(charged + checked + shipped + parts)
}

#[durable::compensate]
async fn refund(step: &StepCtx, _charged: u32) -> Result<(), StepError> {
    step.state::<Lab>().record(step)
}

#[durable::workflow]
pub async fn ship(ctx: &Ctx, pause: u64) -> durable::Result<u32> {
    let lab = ctx.state::<Lab>();
    let packed = ctx.step("pack", |step| lab.work(step, pause)).await?;
    let handed = ctx.step("hand_over", |step| lab.work(step, pause)).await?;
    Ok(packed + handed)
}

#[durable::workflow]
pub async fn march(ctx: &Ctx, input: Kind) -> durable::Result<u32> {
    let lab = ctx.state::<Lab>();
    let Kind::March { steps, pause } = input else {
        return Err("not a march".into());
    };
    let mut paces = 0;
    while paces < steps {
        paces += ctx.step("pace", |step| lab.work(step, pause)).await?;
    }
    Ok(paces)
}

#[durable::workflow]
pub async fn family(ctx: &Ctx, input: Kind) -> durable::Result<u32> {
    let Kind::Family { children, pause } = input else {
        return Err("not a family".into());
    };
    let shipped =
        durable::try_join_all((0..children).map(|_| ctx.child::<ship>("child", pause))).await?;
    Ok(shipped.into_iter().sum())
}

#[durable::workflow]
pub async fn hold(ctx: &Ctx) -> durable::Result<u32> {
    let lab = ctx.state::<Lab>();
    let held = ctx.step("hold", |step| lab.wait_at_the_gate(step)).await?;
    let after = ctx.step("after", |step| lab.work(step, 0)).await?;
    Ok(held + after)
}

#[durable::workflow]
pub async fn poison(ctx: &Ctx) -> durable::Result<u32> {
    let lab = ctx.state::<Lab>();
    let taken = ctx.step("poison", |step| lab.take_poison(step)).await?;
    Ok(taken)
}
