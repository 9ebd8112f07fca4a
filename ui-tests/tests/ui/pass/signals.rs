//! Signals of every kind of type, and a loop over one.
use std::{collections::BTreeMap, time::Duration};

use durable::prelude::*;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Vote {
    Yes,
    No(String),
}

#[durable::workflow]
async fn ballot(ctx: &Ctx, voters: u32) -> durable::Result<u32> {
    let mut yes = 0;
    for _ in 0..voters {
        match ctx.signal::<Vote>("vote").await? {
            Vote::Yes => yes += 1,
            Vote::No(reason) => println!("{reason}"),
        }
    }
    let seal = ctx.signal::<Option<(u32, Vec<String>)>>("seal").timeout(Duration::from_secs(60)).await?;
    let notes: BTreeMap<String, u32> = ctx.signal::<BTreeMap<String, u32>>("notes").await?;
    ctx.signal::<()>("close").await?;
    Ok(yes + seal.map_or(0, |seal| seal.0) + notes.len() as u32)
}

fn main() {
    assert_eq!(ballot::vote.name(), "vote");
    assert_eq!(ballot::close.name(), "close");
}
