//! Loops with operations and a way out.
use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn poll(ctx: &Ctx, jobs: Vec<u32>) -> durable::Result<u32> {
    let mut sum = 0;
    for (index, job) in jobs.iter().enumerate() {
        if *job == 0 {
            continue;
        }
        let Ok(done) = ctx.step("job", |_| work(*job)).await else { break };
        sum += done + u32::try_from(index)?;
    }
    let found = loop {
        let status = ctx.step("status", |_| work(sum)).await?;
        match status {
            0 => ctx.sleep("pause", Duration::from_secs(5)).await?,
            1 => return Ok(sum),
            status => break status,
        }
    };
    while ctx.step("more", |_| work(found)).await? > 3 {
        ctx.sleep("breath", Duration::from_secs(1)).await?;
    }
    'outer: loop {
        for job in &jobs {
            if ctx.step("check", |_| work(*job)).await? == 0 {
                break 'outer;
            }
        }
    }
    'once: {
        if ctx.step("probe", |_| work(1)).await? == 0 {
            break 'once;
        }
        sum += 1;
    }
    for round in 0.. {
        if ctx.step("round", |_| work(round)).await? > 5 {
            break;
        }
    }
    Ok(sum + found)
}

async fn work(job: u32) -> Result<u32, std::io::Error> {
    Ok(job)
}

fn main() {}
