//! In a step's body everything is allowed: clocks, I/O, randomness, hash maps, any await.
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant, SystemTime},
};

use durable::prelude::*;

#[durable::workflow]
async fn measure(ctx: &Ctx, paths: Vec<String>) -> durable::Result<u64> {
    let sizes = ctx
        .step("sizes", |step| {
            let paths = paths.clone();
            async move {
                let start = Instant::now();
                let mut sizes: HashMap<String, u64> = HashMap::new();
                let seen = HashSet::from([step.attempt()]);
                for path in paths {
                    let length = tokio::task::spawn_blocking(move || std::fs::metadata(path)).await??.len();
                    sizes.insert(std::env::var("HOME").unwrap_or_default(), length + seen.len() as u64);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                tokio::select! {
                    _ = step.canceled() => {}
                    _ = std::future::ready(()) => {}
                }
                println!("{:?} {:?}", start.elapsed(), SystemTime::now());
                Ok::<_, durable::BoxError>(sizes.into_values().sum::<u64>())
            }
        })
        .timeout(Duration::from_secs(60))
        .await?;
    Ok(sizes)
}

fn main() {
    assert_eq!(measure::NAME, "measure");
}
