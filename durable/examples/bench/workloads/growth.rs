//! What grows with what is already there.

use std::time::Instant;

use super::{
    setup::{Setup, verify},
    throughput::run_sequences,
};
use crate::{args::Args, report::Figure, workflows::sequence};

/// A run of 10,000 steps: the last thousand against the first.
pub async fn long_run(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let client = setup.client();
    let result = client
        .start::<sequence>("long", 10_000)
        .await?
        .result()
        .await?;
    verify(&result, &10_000)?;
    let history = client.history("long").await?;
    let at = |position: usize| {
        history
            .get(position)
            .map_or(0, |event| event.at.as_micros())
    };
    let first = (at(1_000) - at(0)) as f64 / 1e6;
    let last = (at(9_999) - at(8_999)) as f64 / 1e6;
    setup.engine.shutdown().await?;
    Ok(vec![
        Figure::new("growth", "last thousand steps of 10,000", last, "ms").against(Some(first)),
    ])
}

/// The rate of W1 with 1,000,000 finished runs in the tables, against empty tables.
pub async fn finished_runs(args: &Args) -> durable::Result<Vec<Figure>> {
    const FINISHED: u32 = 1_000_000;
    let setup = Setup::new(args).await?;
    let client = setup.client();
    let empty = 20_000.0 / run_sequences(&client, "empty", 2_000, 100).await?;
    let begun = Instant::now();
    run_sequences(&client, "finished", FINISHED, 2_000).await?;
    let filling = begun.elapsed().as_secs_f64();
    let full = 20_000.0 / run_sequences(&client, "full", 2_000, 100).await?;
    setup.engine.shutdown().await?;
    Ok(vec![
        Figure::new(
            "finished",
            "steps a second after 1,000,000 runs",
            full,
            "steps/s",
        )
        .against(Some(empty)),
        Figure::new("finished", "time to finish 1,000,000 runs", filling, "s"),
    ])
}
